//! What one drive of a rig is told for a while: a way from rest to rest, or a wave about where it stands. Speed, acceleration and jerk are known.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::machine::Rates;
use crate::sway::{Sway, Wave, swell, swelled};

/// A course of one drive, from when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// To a position: its speed swells, stays, and dies away.
    Glide {
        /// Where to, m or rad.
        to: f64,
        /// Time for all of it, s.
        over_s: f64,
        /// Time in which the speed swells, and dies away, s: at most half of `over_s`.
        ramp_s: f64,
    },
    /// To and fro about where it stands, for a while.
    Wave {
        /// The offset, by phase, m or rad.
        wave: Wave,
        /// Cycles a second.
        rate_hz: f64,
        /// For how long, growing and dying away included, s.
        length_s: f64,
    },
}

/// Greatest speed of a swell's slope, and of the slope's slope, by its time: `max x' = 15/8`, `max |x''| = 10/sqrt(3)`.
const SWELL: [f64; 2] = [1.875, 5.7736];

impl Course {
    /// The quickest glide within an axis' limits that takes `least_s` or more: at the lowest top speed where there is time.
    pub fn glide(from: f64, to: f64, least_s: f64, limits: &Rates) -> Course {
        let way = (to - from).abs();
        // Wholly swelling and dying away: the top speed is twice the mean.
        let holds = |over_s: f64| {
            let ramp_s = 0.5 * over_s;
            let top = way / (over_s - ramp_s);
            top <= limits.speed
                && SWELL[0] * top / ramp_s <= limits.accel
                && SWELL[1] * top / (ramp_s * ramp_s) <= limits.jerk
        };
        let mut over_s = least_s.max(1e-3);
        while !holds(over_s) {
            over_s *= 1.02;
        }
        Course::Glide {
            to,
            over_s,
            ramp_s: 0.5 * over_s,
        }
    }

    /// A glide at a steady speed, m/s or rad/s, which swells and dies away as quickly as the limits let it, or over half of the time.
    pub fn cruise(from: f64, to: f64, speed: f64, limits: &Rates) -> Course {
        let way = (to - from).abs();
        let speed = speed.min(limits.speed);
        let ramp_s = (SWELL[0] * speed / limits.accel)
            .max((SWELL[1] * speed / limits.jerk).sqrt())
            .max(1e-3);
        if way < speed * ramp_s {
            return Course::glide(from, to, 0.0, limits);
        }
        Course::Glide {
            to,
            over_s: way / speed + ramp_s,
            ramp_s,
        }
    }

    /// How long it takes, s.
    pub fn length_s(&self) -> f64 {
        match *self {
            Course::Glide { over_s, .. } => over_s,
            Course::Wave { length_s, .. } => length_s,
        }
    }

    /// Where it ends, having begun at `from`.
    pub fn end(&self, from: f64) -> f64 {
        match *self {
            Course::Glide { to, .. } => to,
            Course::Wave { .. } => from,
        }
    }

    /// Position and speed so long after it began at `from`, s; before and after it the drive stands.
    pub fn at(&self, from: f64, t_s: f64) -> (f64, f64) {
        let t_s = t_s.clamp(0.0, self.length_s());
        match *self {
            Course::Glide { to, over_s, ramp_s } => {
                let left_s = over_s - t_s;
                let risen = |s: f64| ramp_s * swelled(s / ramp_s);
                let whole_s = over_s - ramp_s;
                let gone_s = if t_s <= 0.5 * over_s {
                    risen(t_s)
                } else {
                    whole_s - risen(left_s)
                };
                let top = (to - from) / whole_s;
                let share = swell(t_s / ramp_s)[0] * swell(left_s / ramp_s)[0];
                (from + top * gone_s, top * share)
            }
            Course::Wave {
                wave,
                rate_hz,
                length_s,
            } => {
                let grow_s = Sway {
                    rate_hz,
                    ..Sway::default()
                }
                .grow_s()
                .min(0.5 * length_s);
                let [a, da, ..] = swell(t_s / grow_s);
                let [b, db, ..] = swell((length_s - t_s) / grow_s);
                let omega = TAU * rate_hz;
                let [f, df, ..] = wave.at(omega * t_s);
                let speed = (da * b - a * db) / grow_s * f + a * b * df * omega;
                (from + a * b * f, speed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Rates = Rates {
        speed: 0.040,
        accel: 0.16,
        jerk: 8.0,
    };

    /// Differences of a course's positions: its greatest speed, acceleration and jerk.
    fn most(course: &Course, from: f64) -> [f64; 3] {
        let dt_s = 1e-3;
        let count = (course.length_s() / dt_s) as usize + 4;
        let at: Vec<f64> = (0..count)
            .map(|i| course.at(from, (i as f64 - 2.0) * dt_s).0)
            .collect();
        let slope =
            |v: &[f64]| -> Vec<f64> { v.windows(2).map(|w| (w[1] - w[0]) / dt_s).collect() };
        let top = |v: &[f64]| v.iter().fold(0.0f64, |a, b| a.max(b.abs()));
        let speed = slope(&at);
        let accel = slope(&speed);
        let jerk = slope(&accel);
        [top(&speed), top(&accel), top(&jerk)]
    }

    /// A glide arrives, keeps all three limits (measured by differences, 1 %), and one of them binds within the 2 % steps of its search:
    /// no quicker one is within them. 100 mm at 40 mm/s cannot be quicker than 2.5 s.
    #[test]
    fn val_a_glide_keeps_speed_acceleration_and_jerk() {
        for (way, least_s) in [(0.100, 0.0), (0.001, 0.0), (0.030, 4.0)] {
            for course in [
                Course::glide(0.01, 0.01 + way, least_s, &LIMITS),
                Course::cruise(0.01, 0.01 + way, 0.03, &LIMITS),
            ] {
                let [v, a, j] = most(&course, 0.01);
                assert!((course.at(0.01, 1e3).0 - 0.01 - way).abs() < 1e-12);
                assert!(
                    v <= 1.01 * LIMITS.speed && a <= 1.01 * LIMITS.accel && j <= 1.01 * LIMITS.jerk,
                    "{way}: {v} {a} {j}"
                );
                if least_s == 0.0
                    && matches!(course, Course::Glide { over_s, ramp_s, .. } if ramp_s == 0.5 * over_s)
                {
                    let used = (v / LIMITS.speed)
                        .max(a / LIMITS.accel)
                        .max(j / LIMITS.jerk);
                    assert!(used > 0.93, "{way}: {used}");
                }
            }
        }
        let Course::Glide { over_s, .. } = Course::glide(0.0, 0.1, 0.0, &LIMITS) else {
            panic!()
        };
        assert!(over_s > 2.5, "{over_s}");
    }

    /// The speed that a course tells is the slope of its position.
    #[test]
    fn val_a_courses_speed_is_the_slope_of_its_position() {
        let mut wave = Wave {
            mean: 0.001,
            ..Wave::default()
        };
        wave.sin[0] = 0.008;
        wave.cos[1] = 0.002;
        for course in [
            Course::glide(0.2, 0.1, 3.0, &LIMITS),
            Course::Wave {
                wave,
                rate_hz: 0.7,
                length_s: 6.0,
            },
        ] {
            for i in 0..60 {
                let t_s = 0.05 + course.length_s() * f64::from(i) / 60.0;
                let h = 1e-6;
                let slope = (course.at(0.2, t_s + h).0 - course.at(0.2, t_s - h).0) / (2.0 * h);
                assert!((slope - course.at(0.2, t_s).1).abs() < 1e-6, "{t_s}");
            }
            assert!((course.at(0.2, 1e3).0 - course.end(0.2)).abs() < 1e-12);
        }
    }
}
