//! Hermite channels: an axis over time as knots, from sampled motion, held to the motor's limits *after*
//! quantisation; and the integer arithmetic of `kneadlab_channel.c`, word for word.
//!
//! A reference is sampled every tick and cut into the longest cubics that stay within the tolerance and the
//! acceleration limit. What comes out is measured again: position at every tick by the integer evaluator, speed,
//! acceleration and jerk on the quantised curve itself. Where a limit does not hold, time is stretched until it
//! does, or the channel is refused with what is missing.

use crate::model::{ChannelModel, Problem};
use crate::tables::{Channel, Knot, TICK_MS};

/// Most units between two knots: the fraction is rounded to 2^-15, which at 1.5 times this way costs 0.75 units.
pub const SPAN_MAX: i32 = 16384;
/// Most that time is stretched before a channel is refused.
pub const STRETCH_MAX: f64 = 1.5;

/// So many candidates for the next knot may fail in a row; a longer cubic may fit where a shorter one does not.
const MISSES_MAX: usize = 24;

/// What fitting did, and what is left, in the units of the model (m or rad, s).
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Factor on time.
    pub stretch: f64,
    /// Largest distance between the integer evaluator and the stretched reference.
    pub error: f64,
    /// Peaks of the quantised curve.
    pub peak: Peaks,
    /// The same by finite differences of what the integer evaluator says, `window` ticks wide.
    pub seen: Peaks,
    /// What rounding to units adds to `seen` at most: half a unit a sample, over the window.
    pub floor: Peaks,
    /// Ticks between the samples of a difference.
    pub window: usize,
}

/// Speed, acceleration and jerk.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peaks {
    /// Per second.
    pub speed: f64,
    /// Per second squared.
    pub acceleration: f64,
    /// Per second cubed.
    pub jerk: f64,
}

// ---- what the runtime does ----

fn quarters(position: i16) -> u32 {
    u32::from(position as u16 ^ 0x8000) << 2
}

/// The control point beside a knot, in quarters; outside 18 bits where the channel is not sound.
fn beside(knot: Knot, dt: u16, shift: u8, after: bool) -> u32 {
    let divisor = 3_u32 << (shift - 2);
    let way = u32::from(knot.velocity.unsigned_abs()) * u32::from(dt);
    let third = (way + divisor / 2) / divisor;
    let at = quarters(knot.position);
    if (knot.velocity < 0) == after {
        at.wrapping_sub(third)
    } else {
        at.wrapping_add(third)
    }
}

fn between(a: u32, b: u32, frac: u32) -> u32 {
    (a * (16384 - frac) + b * frac + 8192) >> 14
}

impl Channel {
    /// Ticks from the first knot to the last.
    pub fn ticks(&self) -> u32 {
        self.knots.iter().map(|k| u32::from(k.dt)).sum()
    }

    /// `kneadlab_channel_step`: the position `ticks` after the start.
    pub fn at(&self, ticks: u32) -> i16 {
        let mut left = ticks;
        for pair in self.knots.windows(2) {
            if left < u32::from(pair[0].dt) {
                return segment(pair[0], pair[1], self.shift, left);
            }
            left -= u32::from(pair[0].dt);
        }
        self.knots.last().map_or(0, |k| k.position)
    }

    /// Whether every point that holds the curve lies within the bounds, so that the curve does; the first knot
    /// where not.
    pub fn check(&self) -> Result<(), usize> {
        let (low, high) = (quarters(self.low), quarters(self.high));
        if self.knots.len() < 2 || low > high || !(3..=15).contains(&self.shift) {
            return Err(0);
        }
        let inside = |at: u32| (low..=high).contains(&at);
        for (i, pair) in self.knots.windows(2).enumerate() {
            let [a, b] = [pair[0], pair[1]];
            let good = a.dt > 0
                && inside(quarters(a.position))
                && inside(quarters(b.position))
                && inside(beside(a, a.dt, self.shift, true))
                && inside(beside(b, a.dt, self.shift, false))
                && (i32::from(a.position) - i32::from(b.position)).abs() <= SPAN_MAX;
            if !good {
                return Err(i);
            }
        }
        Ok(())
    }
}

fn segment(a: Knot, b: Knot, shift: u8, t: u32) -> i16 {
    let dt = u32::from(a.dt);
    let frac = ((t << 14) + dt / 2) / dt;
    let points = [
        quarters(a.position),
        beside(a, a.dt, shift, true),
        beside(b, a.dt, shift, false),
        quarters(b.position),
    ];
    let first = [0, 1, 2].map(|i| between(points[i], points[i + 1], frac));
    let second = [0, 1].map(|i| between(first[i], first[i + 1], frac));
    let value = between(second[0], second[1], frac);
    (((value + 2) >> 2) as i32 - 32768) as i16
}

// ---- fitting ----

/// A cubic by its ends, in units and ticks.
#[derive(Clone, Copy)]
struct Cubic {
    p: [f64; 2],
    v: [f64; 2],
    h: f64,
}

impl Cubic {
    fn of(a: Knot, b: Knot, dt: u16, shift: u8) -> Cubic {
        let speed = |k: Knot| f64::from(k.velocity) / f64::from(1_u32 << shift);
        Cubic {
            p: [f64::from(a.position), f64::from(b.position)],
            v: [speed(a), speed(b)],
            h: f64::from(dt),
        }
    }

    /// The Hermite form in floating point, which shares nothing with the control points above.
    fn at(&self, t: f64) -> f64 {
        let s = t / self.h;
        let (s2, s3) = (s * s, s * s * s);
        (2.0 * s3 - 3.0 * s2 + 1.0) * self.p[0]
            + (s3 - 2.0 * s2 + s) * self.h * self.v[0]
            + (3.0 * s2 - 2.0 * s3) * self.p[1]
            + (s3 - s2) * self.h * self.v[1]
    }

    /// Largest speed, acceleration and jerk: acceleration is linear, so it peaks at an end; speed there or
    /// where acceleration is zero.
    fn peaks(&self) -> Peaks {
        let slope = (self.p[1] - self.p[0]) / self.h;
        let start = (6.0 * slope - 4.0 * self.v[0] - 2.0 * self.v[1]) / self.h;
        let end = (2.0 * self.v[0] + 4.0 * self.v[1] - 6.0 * slope) / self.h;
        let mut speed = self.v[0].abs().max(self.v[1].abs());
        if start * end < 0.0 {
            let t = self.h * start / (start - end);
            speed = speed.max((self.v[0] + start * t / 2.0).abs());
        }
        Peaks {
            speed,
            acceleration: start.abs().max(end.abs()),
            jerk: (end - start).abs() / self.h,
        }
    }
}

impl Peaks {
    fn max(self, other: Peaks) -> Peaks {
        Peaks {
            speed: self.speed.max(other.speed),
            acceleration: self.acceleration.max(other.acceleration),
            jerk: self.jerk.max(other.jerk),
        }
    }

    /// From units and ticks to the model's units and seconds.
    fn scaled(self, unit: f64) -> Peaks {
        let per_s = 1000.0 / f64::from(TICK_MS);
        Peaks {
            speed: self.speed * unit * per_s,
            acceleration: self.acceleration * unit * per_s.powi(2),
            jerk: self.jerk * unit * per_s.powi(3),
        }
    }
}

/// The channel of a model, and what it took.
///
/// # Errors
/// What is wrong with the model, or which limit cannot be held, and by how much it is missed.
pub fn fit(m: &ChannelModel) -> Result<(Channel, Fit), Problem> {
    let key = format!("channels[{}]", m.axis.name());
    let wrong = |field: &str, value: String, message: String| Problem {
        key: format!("{key}.{field}"),
        value,
        message,
    };
    if m.position.len() < 3 || m.position.iter().any(|p| !p.is_finite()) {
        let n = m.position.len().to_string();
        return Err(wrong("position", n, "at least 3 finite samples".into()));
    }
    for (field, value) in [
        ("speed_max", m.speed_max),
        ("accel_max", m.accel_max),
        ("jerk_max", m.jerk_max.unwrap_or(1.0)),
        ("tolerance", m.tolerance),
    ] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(wrong(field, value.to_string(), "must be above 0".into()));
        }
    }
    let mut stretch = 1.0;
    loop {
        let reference = stretched(&m.position, stretch);
        let channel = cut(m, &reference)
            .map_err(|message| wrong("position", m.position.len().to_string(), message))?;
        let fit = measure(m, &channel, &reference, stretch);
        let over = (fit.peak.speed / m.speed_max)
            .max((fit.peak.acceleration / m.accel_max).sqrt())
            .max(
                m.jerk_max
                    .map_or(0.0, |j| (fit.seen.jerk / (j + fit.floor.jerk)).cbrt()),
            );
        let error_max = m.tolerance + 3.0 * unit_of(&channel);
        if over <= 1.0 && fit.error <= error_max {
            return Ok((channel, fit));
        }
        if stretch >= STRETCH_MAX || over <= 1.0 {
            return Err(wrong(
                "position",
                format!(
                    "{} s",
                    m.position.len() as f64 * f64::from(TICK_MS) / 1000.0
                ),
                format!(
                    "cannot be held: at {stretch:.3} times its time speed is {:.4} of {:.4}, acceleration {:.4} of \
                     {:.4}, jerk {:.3} of {:?}, position within {:.6} of {error_max:.6}",
                    fit.peak.speed,
                    m.speed_max,
                    fit.peak.acceleration,
                    m.accel_max,
                    fit.seen.jerk,
                    m.jerk_max,
                    fit.error
                ),
            ));
        }
        stretch = (stretch * over.min(1.02) * 1.0005).min(STRETCH_MAX);
    }
}

/// m or rad of a unit.
pub fn unit_of(channel: &Channel) -> f64 {
    f64::from(channel.nano_per_unit) * 1e-9
}

/// The same motion in `stretch` times its time, through cubics over the samples.
fn stretched(samples: &[f64], stretch: f64) -> Vec<f64> {
    if stretch == 1.0 {
        return samples.to_vec();
    }
    let last = samples.len() - 1;
    let ticks = (last as f64 * stretch).ceil() as usize;
    (0..=ticks)
        .map(|k| {
            let t = (k as f64 / stretch).min(last as f64);
            let i = (t as usize).min(last - 1);
            let cubic = Cubic {
                p: [samples[i], samples[i + 1]],
                v: [speed_at(samples, i), speed_at(samples, i + 1)],
                h: 1.0,
            };
            cubic.at(t - i as f64)
        })
        .collect()
}

/// Central difference; at rest at both ends.
fn speed_at(samples: &[f64], i: usize) -> f64 {
    if i == 0 || i + 1 == samples.len() {
        0.0
    } else {
        (samples[i + 1] - samples[i - 1]) / 2.0
    }
}

/// The longest cubics, one after the other.
fn cut(m: &ChannelModel, reference: &[f64]) -> Result<Channel, String> {
    let largest = reference.iter().fold(0.0_f64, |a, p| a.max(p.abs()));
    let nano = (largest * 1e9 / 32000.0).ceil().max(100.0);
    if nano > f64::from(u32::MAX) {
        return Err(format!("reaches {largest}, too far for 16 bits"));
    }
    let unit = nano * 1e-9;
    let last = reference.len() - 1;
    let fastest = (0..=last).fold(0.0_f64, |a, i| a.max(speed_at(reference, i).abs() / unit));
    let shift = (3..=15)
        .rev()
        .find(|s| fastest * f64::from(1_u32 << s) <= 32000.0)
        .ok_or_else(|| format!("moves by {fastest:.0} units in a tick, too fast for 16 bits"))?;
    let knot = |i: usize| Knot {
        dt: 0,
        position: (reference[i] / unit).round() as i16,
        velocity: (speed_at(reference, i) / unit * f64::from(1_u32 << shift)).round() as i16,
    };
    let per_s = 1000.0 / f64::from(TICK_MS);
    let accel_max = m.accel_max / unit / per_s.powi(2);
    let tolerance = m.tolerance / unit;
    // Acceleration of one cubic from i to j; none where it is too far from the reference.
    let peak = |i: usize, j: usize| {
        let (a, b) = (knot(i), knot(j));
        let cubic = Cubic::of(a, b, (j - i) as u16, shift);
        let reach = (i32::from(a.position) - i32::from(b.position)).abs();
        let near = |k: usize| (cubic.at((k - i) as f64) - reference[k] / unit).abs() <= tolerance;
        (reach <= SPAN_MAX && (i..=j).all(near)).then(|| cubic.peaks().acceleration)
    };
    let mut knots = Vec::new();
    let mut i = 0;
    while i < last {
        // The longest that keeps to the limit; where none does, the softest.
        let (mut longest, mut softest) = (None, (i + 1, f64::INFINITY));
        let (mut j, mut misses) = (i + 1, 0);
        while j <= last && j - i <= 65535 && misses < MISSES_MAX {
            match peak(i, j) {
                Some(a) if a <= accel_max => {
                    longest = Some(j);
                    misses = 0;
                }
                Some(a) => {
                    if a < softest.1 {
                        softest = (j, a);
                    }
                    misses += 1;
                }
                None => misses += 1,
            }
            // In longer strides the longer it is.
            j += 1 + (j - i) / 32;
        }
        let next = longest.unwrap_or(softest.0);
        let mut k = knot(i);
        k.dt = (next - i) as u16;
        knots.push(k);
        i = next;
    }
    knots.push(knot(last));
    let mut channel = Channel {
        axis: m.axis as u8,
        shift,
        nano_per_unit: nano as u32,
        low: 0,
        high: 0,
        knots,
    };
    bound(&mut channel)?;
    Ok(channel)
}

/// The bounds that the control points need, in whole units.
fn bound(channel: &mut Channel) -> Result<(), String> {
    let (mut low, mut high) = (u32::MAX, 0);
    for pair in channel.knots.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        for at in [
            quarters(a.position),
            beside(a, a.dt, channel.shift, true),
            beside(b, a.dt, channel.shift, false),
            quarters(b.position),
        ] {
            if at > 262_140 {
                return Err("a curve leaves 16 bits between two knots".into());
            }
            low = low.min(at / 4);
            high = high.max(at.div_ceil(4));
        }
    }
    channel.low = (low as i32 - 32768) as i16;
    channel.high = (high as i32 - 32768) as i16;
    Ok(())
}

/// Peaks of the quantised curve, and what the integer evaluator says of them.
fn measure(m: &ChannelModel, channel: &Channel, reference: &[f64], stretch: f64) -> Fit {
    let unit = unit_of(channel);
    let mut peak = Peaks::default();
    let mut said = Vec::new();
    for pair in channel.knots.windows(2) {
        let cubic = Cubic::of(pair[0], pair[1], pair[0].dt, channel.shift);
        peak = peak.max(cubic.peaks());
        for t in 0..pair[0].dt {
            said.push(segment(pair[0], pair[1], channel.shift, t.into()));
        }
    }
    said.extend(channel.knots.last().map(|k| k.position));
    let error = said
        .iter()
        .zip(reference)
        .fold(0.0_f64, |a, (s, r)| a.max((f64::from(*s) * unit - r).abs()));
    // Wide enough that rounding is at most a twentieth of the acceleration limit.
    let tick_s = f64::from(TICK_MS) / 1000.0;
    let window = ((2.0 * unit / (0.05 * m.accel_max)).sqrt() / tick_s).ceil() as usize;
    let w = window.max(1) as f64;
    let at = |i: usize| f64::from(said[i]);
    let mut seen = Peaks::default();
    for i in 0..said.len().saturating_sub(3 * window) {
        let p = [0, 1, 2, 3].map(|k| at(i + k * window));
        seen = seen.max(Peaks {
            speed: (p[1] - p[0]).abs() / w,
            acceleration: (p[2] - 2.0 * p[1] + p[0]).abs() / w.powi(2),
            jerk: (p[3] - 3.0 * p[2] + 3.0 * p[1] - p[0]).abs() / w.powi(3),
        });
    }
    // Half a unit and half a quarter of arithmetic for each sample, with the weights 1 1, 1 2 1, 1 3 3 1.
    let each = 1.0;
    let floor = Peaks {
        speed: 2.0 * each / w,
        acceleration: 4.0 * each / w.powi(2),
        jerk: 8.0 * each / w.powi(3),
    };
    Fit {
        stretch,
        error,
        peak: peak.scaled(unit),
        seen: seen.scaled(unit),
        floor: floor.scaled(unit),
        window,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cubic, STRETCH_MAX, fit, segment, unit_of};
    use crate::example;
    use crate::model::{Axis, ChannelModel};
    use crate::tables::Knot;

    fn random(state: &mut u32, n: u32) -> u32 {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 8) % n
    }

    /// Against the Hermite form in f64 on the same quantised knots. Rounding adds up to 1.8 units: 0.25 for the
    /// control points and the three levels (an eighth each, of which a convex mean passes on the whole), 0.5 for
    /// the result, 0.75 for the fraction of 2^-15 times 1.5 times 16384 units, and the ends of the control
    /// points; asked are 3. The result stays within the bounds of the control points.
    #[test]
    fn val_evaluator_is_within_three_units_of_floating_point() {
        let mut state = 3;
        let (mut worst, mut tried) = (0.0_f64, 0);
        while tried < 3000 {
            let shift = 3 + random(&mut state, 13) as u8;
            let dt = 1 + random(&mut state, if tried % 3 == 0 { 60000 } else { 900 }) as u16;
            let a = random(&mut state, 65536) as i32 - 32768;
            let b = (a + random(&mut state, 32769) as i32 - 16384).clamp(-32768, 32767);
            let speed = |state: &mut u32| {
                let most = 2.0 * 16384.0 / f64::from(dt) * f64::from(1_u32 << shift);
                let part = f64::from(random(state, 2001)) / 1000.0 - 1.0;
                (most.min(32767.0) * part) as i16
            };
            let knots = [a, b].map(|p| Knot {
                dt,
                position: p as i16,
                velocity: speed(&mut state),
            });
            let cubic = Cubic::of(knots[0], knots[1], dt, shift);
            let leaves = (0..=64).any(|k| {
                let third = |i: usize| {
                    cubic.p[i] + if i == 0 { 1.0 } else { -1.0 } * cubic.v[i] * cubic.h / 3.0
                };
                k == 0
                    && [third(0), third(1)]
                        .iter()
                        .any(|p| !(-32768.0..=32767.0).contains(p))
            });
            if leaves {
                continue;
            }
            tried += 1;
            for t in (0..dt).step_by(usize::from(dt / 97 + 1)) {
                let got = segment(knots[0], knots[1], shift, t.into());
                worst = worst.max((f64::from(got) - cubic.at(t.into())).abs());
            }
        }
        println!("worst distance {worst:.3} units");
        assert!(worst <= 3.0, "{worst}");
        assert!(
            worst > 0.5,
            "a bound that nothing comes near tests nothing: {worst}"
        );
    }

    /// Bang-bang moves at exactly the motor's limits: after quantisation no peak passes them.
    #[test]
    fn val_limits_hold_after_quantisation() {
        for channel in example::channels() {
            let (got, fit) = fit(&channel).expect("it can be held");
            println!(
                "{}: {} samples, {} knots, unit {:.2e}, {fit:?}",
                channel.axis.name(),
                channel.position.len(),
                got.knots.len(),
                unit_of(&got)
            );
            assert_eq!(got.check(), Ok(()));
            assert!(fit.peak.acceleration <= channel.accel_max);
            assert!(fit.peak.speed <= channel.speed_max);
            assert!(fit.error <= channel.tolerance + 3.0 * unit_of(&got));
            assert!(fit.seen.acceleration <= channel.accel_max + fit.floor.acceleration);
            assert!(fit.seen.speed <= channel.speed_max + fit.floor.speed);
            assert!(fit.stretch < 1.1, "{}", fit.stretch);
            // The estimator sees the acceleration that is there.
            assert!(fit.seen.acceleration > 0.7 * channel.accel_max);
            assert!(got.knots.len() * 20 < channel.position.len());
            for k in 0..=got.ticks() {
                assert!((got.low..=got.high).contains(&got.at(k)));
            }
        }
    }

    /// A motor that is half as strong gets more time; one that is far too weak is refused, with the figure.
    #[test]
    fn a_weak_motor_gets_time_or_a_refusal() {
        let mut m: ChannelModel = example::channels().remove(0);
        m.accel_max *= 0.6;
        let (_, fit_) = fit(&m).expect("1.3 times the time is enough");
        assert!((1.28..1.5).contains(&fit_.stretch), "{}", fit_.stretch);
        assert!(fit_.peak.acceleration <= m.accel_max);
        m.accel_max *= 0.1;
        let problem = fit(&m).expect_err("too weak");
        assert!(problem.message.contains("acceleration"), "{problem}");
        assert!(
            problem.message.contains(&format!("{STRETCH_MAX:.3}")),
            "{problem}"
        );
        m.position.truncate(2);
        assert_eq!(
            fit(&m).expect_err("too short").key,
            "channels[carriage].position"
        );
        let _ = Axis::Protrusion;
    }

    /// A smooth reference within a jerk limit keeps to it, as far as steps at the knots let it.
    #[test]
    fn a_jerk_limit_is_held() {
        // Six whole waves in 20 s, at rest at both ends.
        let w = std::f64::consts::TAU * 6.0 / 20.0;
        let position = (0..=2000).map(|k| 0.05 * (1.0 - (w * f64::from(k) * 0.01).cos()));
        let m = ChannelModel {
            axis: Axis::Protrusion,
            position: position.collect(),
            speed_max: 0.11,
            accel_max: 0.25,
            jerk_max: Some(0.05 * w.powi(3) * 3.0),
            tolerance: 5e-5,
        };
        let (_, fit) = fit(&m).expect("held");
        assert!(
            fit.seen.jerk <= m.jerk_max.expect("set") + fit.floor.jerk,
            "{fit:?}"
        );
    }
}
