//! How fast.

use std::f64::consts::TAU;

use mechanism::Mechanism;
use serde::{Deserialize, Serialize};

/// What the programme asks of each movement. Axes that cannot follow ([`AxisLimits`]) take longer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Time to press in, s. Longer keeps the force rate low.
    pub press_ramp_s: f64,
    /// Time to let go, s.
    pub release_ramp_s: f64,
    /// Kneading speed, rad/s.
    pub knead_rad_s: f64,
    /// Walking speed while rolling, m/s.
    pub roll_m_s: f64,
    /// Walking speed while retracted, m/s.
    pub travel_m_s: f64,
}

impl Default for Timing {
    /// Press in over 1.5 s and out over 1 s, 25 turns a minute, roll at 30 mm/s, travel at 45 mm/s; all (E) but the
    /// last: a chair's full travel of 700 to 760 mm in 14.8 to 15.9 s was timed (Somnitec MassageChairV3 (V)).
    fn default() -> Timing {
        Timing {
            press_ramp_s: 1.5,
            release_ramp_s: 1.0,
            knead_rad_s: 25.0 * TAU / 60.0,
            roll_m_s: 0.030,
            travel_m_s: 0.045,
        }
    }
}

/// What the axes can do. SI; every speed and acceleration is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisLimits {
    /// Least and greatest carriage position, m.
    pub walk_range_m: (f64, f64),
    /// Carriage speed, m/s.
    pub walk_m_s: f64,
    /// Carriage acceleration, m/s².
    pub walk_m_s2: f64,
    /// Greatest protrusion, m; the least is 0.
    pub protrude_max_m: f64,
    /// Protrusion speed, m/s.
    pub protrude_m_s: f64,
    /// Protrusion acceleration, m/s².
    pub protrude_m_s2: f64,
    /// Kneading shaft speed, rad/s.
    pub knead_rad_s: f64,
    /// Kneading shaft acceleration, rad/s².
    pub knead_rad_s2: f64,
}

impl AxisLimits {
    /// The limits of a mechanism: walk and knead at 80 % of their motor's no-load speed (where the rated torque of
    /// such motors lies: 2800 of 3500 rpm (E)), reached in 0.25 s (E); protrusion as the mechanism says.
    pub fn of(mechanism: &Mechanism) -> AxisLimits {
        let track_m: f64 = mechanism.track.arcs.iter().map(|arc| arc.length_m).sum();
        let half = 0.5 * mechanism.carriage.wheelbase_m;
        let walk_m_s = 0.8 * mechanism.motors.walk.no_load_rate();
        let knead_rad_s = 0.8 * mechanism.motors.knead.no_load_rate();
        AxisLimits {
            walk_range_m: (half, track_m - half),
            walk_m_s,
            walk_m_s2: walk_m_s / 0.25,
            protrude_max_m: mechanism.protrude.stroke_m,
            protrude_m_s: mechanism.protrude.speed_max_m_s,
            protrude_m_s2: mechanism.protrude.accel_max_m_s2,
            knead_rad_s,
            knead_rad_s2: knead_rad_s / 0.25,
        }
    }
}
