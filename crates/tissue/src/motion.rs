//! How a durometer's node moves in time.

use std::f64::consts::TAU;

/// Depth against time. Lengths in m, times in s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motion {
    /// In at a steady rate, then held.
    RampHold {
        /// Depth that is held, m.
        depth_m: f64,
        /// Time of the ramp, s; 0 is a jump.
        ramp_s: f64,
        /// Time of the hold, s.
        hold_s: f64,
    },
    /// In and out in half a period of a sine: `depth sin(2 pi f t)`.
    HalfSine {
        /// Largest depth, m.
        depth_m: f64,
        /// Frequency of the full sine, Hz.
        hz: f64,
    },
}

impl Motion {
    /// Depth at a time from the start, m.
    pub fn depth_m(&self, t_s: f64) -> f64 {
        match *self {
            Motion::RampHold {
                depth_m, ramp_s, ..
            } => {
                if t_s < ramp_s {
                    depth_m * (t_s / ramp_s)
                } else {
                    depth_m
                }
            }
            Motion::HalfSine { depth_m, hz } => {
                if t_s * hz < 0.5 {
                    depth_m * (TAU * hz * t_s).sin()
                } else {
                    0.0
                }
            }
        }
    }

    /// Largest depth, m.
    pub fn depth_max_m(&self) -> f64 {
        match *self {
            Motion::RampHold { depth_m, .. } | Motion::HalfSine { depth_m, .. } => depth_m,
        }
    }

    /// Ends of the stretches in which depth is smooth, s: the last is the end of the motion.
    pub(crate) fn stretches_s(&self) -> Vec<f64> {
        match *self {
            Motion::RampHold { ramp_s, hold_s, .. } => {
                let mut ends = vec![ramp_s, ramp_s + hold_s];
                ends.dedup();
                ends.retain(|end| *end > 0.0);
                ends
            }
            // The quarter period is an end too, so that the deepest point is among the moments.
            Motion::HalfSine { hz, .. } => vec![0.25 / hz, 0.5 / hz],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 mm in 2 s: 3 mm after 0.75 s. Half a sine of 0.5 Hz lasts 1 s, and is at root one half after 0.25 s.
    #[test]
    fn val_depth_by_hand() {
        let ramp = Motion::RampHold {
            depth_m: 0.008,
            ramp_s: 2.0,
            hold_s: 1.0,
        };
        assert!((ramp.depth_m(0.75) - 0.003).abs() < 1e-15);
        assert_eq!(ramp.depth_m(2.5), 0.008);
        assert_eq!(ramp.stretches_s(), [2.0, 3.0]);
        let sine = Motion::HalfSine {
            depth_m: 0.008,
            hz: 0.5,
        };
        assert!((sine.depth_m(0.25) - 0.008 * 0.5f64.sqrt()).abs() < 1e-15);
        assert_eq!(sine.depth_m(1.0), 0.0);
        assert_eq!(sine.stretches_s(), [0.5, 1.0]);
        let jump = Motion::RampHold {
            depth_m: 0.008,
            ramp_s: 0.0,
            hold_s: 1.0,
        };
        assert_eq!((jump.depth_m(0.0), jump.stretches_s()), (0.008, vec![1.0]));
    }
}
