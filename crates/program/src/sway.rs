//! Small movements to and fro around a place, followed by several axes at once: inverse kinematics by search.

use std::f64::consts::TAU;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Rates};

/// Harmonics of a wave. Four leave less than a hundredth of a carriage's path.
const HARMONICS: usize = 4;
/// Phases of a cycle at which the axes are searched.
const PHASES: usize = 32;

/// A periodic movement of one axis: a short Fourier series over the cycle, so that speed, acceleration and jerk are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Mean, m or rad.
    pub mean: f64,
    /// Of the cosines of the first harmonics.
    pub cos: [f64; HARMONICS],
    /// Of the sines.
    pub sin: [f64; HARMONICS],
}

impl Wave {
    /// Through equally spaced values of one cycle.
    pub(crate) fn through(values: &[f64]) -> Wave {
        let n = values.len() as f64;
        let sum = |weight: &dyn Fn(f64) -> f64| {
            let terms = values.iter().enumerate();
            terms
                .map(|(i, v)| v * weight(TAU * i as f64 / n))
                .sum::<f64>()
                / n
        };
        Wave {
            mean: sum(&|_| 1.0),
            cos: std::array::from_fn(|k| 2.0 * sum(&|a| ((k + 1) as f64 * a).cos())),
            sin: std::array::from_fn(|k| 2.0 * sum(&|a| ((k + 1) as f64 * a).sin())),
        }
    }

    /// Value and first three derivatives by the phase, rad.
    pub(crate) fn at(&self, phase_rad: f64) -> [f64; 4] {
        let mut out = [self.mean, 0.0, 0.0, 0.0];
        for (k, (a, b)) in self.cos.iter().zip(&self.sin).enumerate() {
            let n = (k + 1) as f64;
            let (s, c) = (n * phase_rad).sin_cos();
            out[0] += a * c + b * s;
            out[1] += n * (b * c - a * s);
            out[2] -= n * n * (a * c + b * s);
            out[3] -= n * n * n * (b * c - a * s);
        }
        out
    }

    /// Its value at a phase, rad.
    pub fn value(&self, phase_rad: f64) -> f64 {
        self.at(phase_rad)[0]
    }

    /// No more than this to either side, m or rad.
    pub fn most(&self) -> f64 {
        let waves = self.cos.iter().zip(&self.sin);
        self.mean.abs() + waves.map(|(a, b)| a.hypot(*b)).sum::<f64>()
    }

    fn is_still(&self) -> bool {
        self.cos.iter().chain(&self.sin).all(|v| *v == 0.0)
    }
}

/// A movement to and fro around a place: waves of the axes about where they stand, and turns of the tapping shaft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sway {
    /// Cycles a second.
    pub rate_hz: f64,
    /// Carriage, m.
    pub walk: Wave,
    /// Slide, m.
    pub protrude: Wave,
    /// Kneading shaft, rad.
    pub knead: Wave,
    /// The tapping shaft turns once a cycle.
    pub tap: bool,
}

/// Time over which a sway grows and dies away, s, and cycles at least (E).
const GROW_S: f64 = 0.5;

impl Sway {
    /// Time over which it grows from nothing, and dies away to nothing: whole cycles, half a second or more.
    pub fn grow_s(&self) -> f64 {
        (GROW_S * self.rate_hz).ceil().max(1.0) / self.rate_hz
    }

    /// Offsets of carriage, slide, kneading and tapping shaft, `t_s` into a sway of `length_s`.
    pub(crate) fn at(&self, t_s: f64, length_s: f64) -> [f64; 4] {
        let phase_rad = TAU * self.rate_hz * t_s;
        let grow_s = self.grow_s().min(0.5 * length_s);
        let left_s = length_s - t_s;
        let share = swell(t_s / grow_s)[0] * swell(left_s / grow_s)[0];
        let tap_rad = if self.tap {
            // The integral of the speed that swells and dies away.
            let risen = |s: f64| grow_s * swelled(s / grow_s);
            let turning_s = if t_s <= 0.5 * length_s {
                risen(t_s)
            } else {
                length_s - grow_s - risen(left_s)
            };
            TAU * self.rate_hz * turning_s
        } else {
            0.0
        };
        [
            share * self.walk.at(phase_rad)[0],
            share * self.protrude.at(phase_rad)[0],
            share * self.knead.at(phase_rad)[0],
            tap_rad,
        ]
    }
}

/// A share that grows from 0 to 1 as `x` does, with speed and acceleration 0 at both ends (quintic), and its derivatives.
pub(crate) fn swell(x: f64) -> [f64; 4] {
    if x <= 0.0 {
        return [0.0; 4];
    }
    if x >= 1.0 {
        return [1.0, 0.0, 0.0, 0.0];
    }
    let (x2, x3) = (x * x, x * x * x);
    [
        x3 * (10.0 - 15.0 * x + 6.0 * x2),
        30.0 * x2 * (1.0 - 2.0 * x + x2),
        60.0 * x * (1.0 - 3.0 * x + 2.0 * x2),
        60.0 * (1.0 - 6.0 * x + 6.0 * x2),
    ]
}

/// Integral of [`swell`] from 0.
pub(crate) fn swelled(x: f64) -> f64 {
    if x >= 1.0 {
        return x - 0.5;
    }
    let x = x.max(0.0);
    x.powi(4) * (2.5 - 3.0 * x + x * x)
}

/// The highest rate at which an axis can follow a wave, 1/s, growing and dying away included. What falls as the rate grows is found by halving.
fn rate_max(wave: &Wave, rates: &Rates, wanted_hz: f64) -> f64 {
    let holds = |rate_hz: f64| {
        let sway = Sway {
            rate_hz,
            ..Sway::default()
        };
        let grow_s = sway.grow_s();
        let w = TAU * rate_hz;
        let cycles = (grow_s * rate_hz).round().max(1.0) as usize + 1;
        // It grows forwards and dies away as if it grew backwards.
        let moments = (0..=cycles * PHASES).flat_map(|i| [(i, w), (i, -w)]);
        moments.into_iter().all(|(i, w)| {
            let t_s = i as f64 / (PHASES as f64 * rate_hz);
            let [f0, f1, f2, f3] = wave.at(w * t_s);
            let [f1, f2, f3] = [f1 * w, f2 * w * w, f3 * w * w * w];
            let [g0, g1, g2, g3] = swell(t_s / grow_s);
            let [g1, g2, g3] = [g1 / grow_s, g2 / grow_s.powi(2), g3 / grow_s.powi(3)];
            let speed = g0 * f1 + g1 * f0;
            let accel = g0 * f2 + 2.0 * g1 * f1 + g2 * f0;
            let jerk = g0 * f3 + 3.0 * g1 * f2 + 3.0 * g2 * f1 + g3 * f0;
            speed.abs() <= rates.speed && accel.abs() <= rates.accel && jerk.abs() <= rates.jerk
        })
    };
    if wave.is_still() && wave.mean == 0.0 || holds(wanted_hz) {
        return wanted_hz;
    }
    let (mut low, mut high) = (0.0, wanted_hz);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if middle > 0.0 && holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// What was found for a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Followed {
    /// One wave an axis, in the machine's order.
    pub waves: Vec<Wave>,
    /// The rate that all axes can hold, at most the one asked for, 1/s.
    pub rate_hz: f64,
    /// Root mean square of what is left between the path asked for and the one of the waves, m.
    pub residual_m: f64,
    /// The axis that holds the rate back, where one does.
    pub slowest: Option<usize>,
}

/// Follows a closed path around where the axes stand, `from`: `path(phase)` is the offset outward, along and into the user, m, and `free` names the axes
/// that may move. `weights` say what a millimetre off in each direction counts.
pub(crate) fn follow(
    machine: &dyn Machine,
    from: &[f64],
    free: &[usize],
    path: &dyn Fn(f64) -> [f64; 3],
    weights: [f64; 3],
    wanted_hz: f64,
) -> Option<Followed> {
    let base = machine.place_m(from)?;
    let mut at = from.to_vec();
    let mut found: Vec<Vec<f64>> = vec![Vec::with_capacity(PHASES); from.len()];
    // Twice round: the second time it starts where the first ended, so that the path closes.
    for turn in 0..2 * PHASES {
        let offset = path(TAU * (turn % PHASES) as f64 / PHASES as f64);
        let target: [f64; 3] = std::array::from_fn(|i| base[i] + offset[i]);
        at = reach(machine, from, &at, free, target, weights)?;
        if turn >= PHASES {
            for (values, (now, was)) in found.iter_mut().zip(at.iter().zip(from)) {
                values.push(now - was);
            }
        }
    }
    let waves: Vec<Wave> = found
        .iter()
        .enumerate()
        .map(|(i, values)| {
            if free.contains(&i) {
                Wave::through(values)
            } else {
                Wave::default()
            }
        })
        .collect();
    let mut squares = 0.0;
    for turn in 0..PHASES {
        // Between the phases that were searched.
        let phase = TAU * (turn as f64 + 0.5) / PHASES as f64;
        let there: Vec<f64> = from
            .iter()
            .zip(&waves)
            .map(|(f, wave)| f + wave.at(phase)[0])
            .collect();
        let now = machine.place_m(&there)?;
        let offset = path(phase);
        squares += (0..3)
            .map(|i| (weights[i] * (now[i] - base[i] - offset[i])).powi(2))
            .sum::<f64>();
    }
    let highest: Vec<f64> = waves
        .iter()
        .zip(machine.axes())
        .map(|(wave, axis)| rate_max(wave, &axis.limits, wanted_hz))
        .collect();
    let rate_hz = highest.iter().copied().fold(wanted_hz, f64::min);
    let slowest = (rate_hz < wanted_hz)
        .then(|| highest.iter().position(|r| *r == rate_hz))
        .flatten();
    Some(Followed {
        waves,
        rate_hz,
        residual_m: (squares / PHASES as f64).sqrt(),
        slowest,
    })
}

/// The positions of the free axes, from `start` on, that bring the nodes nearest to `target`: Gauss and Newton, damped (Levenberg 1944), by
/// differences of the forward model, inside the axes' reach about `from`.
fn reach(
    machine: &dyn Machine,
    from: &[f64],
    start: &[f64],
    free: &[usize],
    target: [f64; 3],
    weights: [f64; 3],
) -> Option<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let miss = |at: &[f64]| {
        let place = machine.place_m(at)?;
        Some(DVector::from_fn(3, |i, _| {
            weights[i] * (target[i] - place[i])
        }))
    };
    let mut at = start.to_vec();
    let mut left = miss(&at)?;
    let mut damping = 1e-3;
    for _ in 0..30 {
        let mut slopes = DMatrix::zeros(3, free.len());
        for (column, &axis) in free.iter().enumerate() {
            let mut beside = at.clone();
            beside[axis] += STEP;
            slopes.set_column(column, &((&left - miss(&beside)?) / STEP));
        }
        let mut normal = slopes.transpose() * &slopes;
        let pull = slopes.transpose() * &left;
        for i in 0..free.len() {
            normal[(i, i)] *= 1.0 + damping;
            normal[(i, i)] += 1e-9;
        }
        let step = normal.cholesky()?.solve(&pull);
        let mut next = at.clone();
        for (i, &axis) in free.iter().enumerate() {
            let reach = machine.axes()[axis].reach;
            next[axis] = (at[axis] + step[i]).clamp(from[axis] - reach, from[axis] + reach);
        }
        let after = miss(&next)?;
        if after.norm() < left.norm() {
            let gain = left.norm() - after.norm();
            (at, left) = (next, after);
            damping = (0.2 * damping).max(1e-9);
            if gain < 1e-9 {
                break;
            }
        } else {
            damping *= 8.0;
            if damping > 1e6 {
                break;
            }
        }
    }
    Some(at)
}
