//! What the tuner hands over: plain physical values, not yet checked.

use serde::{Deserialize, Serialize};

/// A tuned programme in SI units. [`crate::quantise()`] checks it and turns it into [`crate::Tables`].
///
/// The four maps (`depth_m`, `flags`, `force_n`, `current_a`) are flat and in the order
/// technique, class, station, level; the level varies fastest. [`Model::cell`] gives the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Name of the export, and prefix of its C identifiers: a letter, then letters, digits, `_`;
    /// lower case, at most 16 bytes.
    pub name: String,
    /// Where the numbers came from.
    pub source: Source,
    /// Names of the techniques, in map order.
    pub techniques: Vec<String>,
    /// Body classes, in map order.
    pub classes: Vec<ClassInfo>,
    /// Stations u of the columns (0 = C7, 1 = S2), uniform and rising, 2 to 32 of them.
    pub stations: Vec<f64>,
    /// Number of levels, gentlest first.
    pub levels: usize,
    /// Depth from touch in metres (the body scan knows where touch is); an infeasible cell holds the retracted value.
    pub depth_m: Vec<f64>,
    /// Per cell: [`crate::tables::CAP_LIMITED`], [`crate::tables::INFEASIBLE`].
    pub flags: Vec<u8>,
    /// Expected node force, N.
    pub force_n: Vec<f64>,
    /// Expected current of the protrusion motor, A.
    pub current_a: Vec<f64>,
    /// One row for each class and station, in any order.
    pub caps: Vec<CapRow>,
    /// The programme.
    pub programme: Vec<StepRow>,
    /// What runs when anything fails: rows without a technique, which retract and travel.
    pub fallback: Vec<StepRow>,
    /// Limits of the whole session.
    pub limits: Limits,
    /// Axes driven by time, at most one of each; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelModel>,
}

/// An axis that a channel drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Axis {
    /// Carriage along the track, m.
    Carriage = 0,
    /// Slide out of the retracted position, m.
    Protrusion = 1,
    /// Kneading shaft, rad.
    Knead = 2,
}

impl Axis {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Axis::Carriage => "carriage",
            Axis::Protrusion => "protrusion",
            Axis::Knead => "knead",
        }
    }
}

/// Motion of one axis, sampled every tick, at rest at both ends, in m or rad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelModel {
    /// Which axis.
    pub axis: Axis,
    /// Position at each tick.
    pub position: Vec<f64>,
    /// Fastest, per second.
    pub speed_max: f64,
    /// Hardest acceleration, per second squared.
    pub accel_max: f64,
    /// Most jerk, per second cubed; none for drives that take steps of acceleration.
    pub jerk_max: Option<f64>,
    /// How far the channel may lie beside the motion.
    pub tolerance: f64,
}

impl Model {
    /// Index of a cell in the flat maps. `level` counts from 0 here.
    pub fn cell(&self, technique: usize, class: usize, station: usize, level: usize) -> usize {
        ((technique * self.classes.len() + class) * self.stations.len() + station) * self.levels
            + level
    }
}

/// Provenance. Deliberately without date, host or path, so that the same input gives the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Version of the program that made the tables.
    pub version: String,
    /// Hash of the scene.
    pub scene_hash: String,
    /// Hash of the study.
    pub study_hash: String,
    /// Seed of the study.
    pub seed: u64,
    /// Sentence that goes with every copy of the numbers.
    pub notice: String,
}

/// A body class: a band of stature and a band of body mass index, lower bound included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassInfo {
    /// For people, such as `tall/heavy`.
    pub name: String,
    /// Lower bound of stature, m.
    pub stature_min_m: f64,
    /// Upper bound of stature, m; may be infinite (which JSON cannot hold).
    pub stature_max_m: f64,
    /// Lower bound of the body mass index, kg/m2.
    pub bmi_min: f64,
    /// Upper bound of the body mass index, kg/m2; as above.
    pub bmi_max: f64,
}

/// What must not be exceeded in one column for one class, whatever the technique and level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapRow {
    /// Index of the class.
    pub class: usize,
    /// Index of the station.
    pub station: usize,
    /// Name of the zone that binds.
    pub zone: String,
    /// Largest depth from touch, m.
    pub max_depth_m: f64,
    /// Largest node force, N.
    pub max_force_n: f64,
    /// Longest stay, s.
    pub max_dwell_s: f64,
    /// Fastest tapping, Hz.
    pub max_tap_hz: f64,
}

/// What ends the work of a step at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The carriage has arrived; `cycles` counts the passes between `from_u` and `to_u`.
    Arrival,
    /// `hold_s` is over.
    Time,
    /// The kneading shaft has turned `cycles` times.
    Cycles,
}

/// One row of a programme.
///
/// Each point is: retract, travel to it, protrude, work until [`End`]. With `End::Time` and
/// `End::Cycles` the points are `from_u`, `from_u` + `spacing_u`, ... and `to_u` as the last, which may be nearer
/// than the others; a remainder under a thousandth of the spacing is rounding. A spacing of 0 means one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Index of the technique; `None` retracts and travels to `from_u`.
    pub technique: Option<usize>,
    /// What ends the work.
    pub end: End,
    /// First station.
    pub from_u: f64,
    /// Last station.
    pub to_u: f64,
    /// Distance between two points, in u, not negative.
    pub spacing_u: f64,
    /// 1 (gentlest) to `levels`; 0 without a technique.
    pub level: u8,
    /// Hold at each point, s.
    pub hold_s: f64,
    /// Turns or passes.
    pub cycles: u32,
    /// Turns of the kneading shaft per second; 0 where it does not turn.
    pub knead_hz: f64,
    /// Where the kneading shaft stands while it does not turn, degrees, 0 to 360.
    pub park_deg: f64,
    /// Carriage speed, m/s.
    pub speed_m_s: f64,
    /// Fastest way of the protrusion outward, m/s: what the limits on the rate of force were checked at. The way in keeps to
    /// [`Limits::protrude_speed_max_m_s`].
    pub press_speed_m_s: f64,
    /// A point, or a pass, that takes longer is a fault, s.
    pub timeout_s: f64,
}

/// Limits that hold for the whole session. An unknown body class always takes the strictest row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest session, s.
    pub session_max_s: f64,
    /// Fastest protrusion, m/s; the runtime keeps to it.
    pub protrude_speed_max_m_s: f64,
    /// Hardest acceleration of the protrusion, m/s2; for the drive's own ramp, not used in the runtime.
    pub protrude_accel_max_m_s2: f64,
    /// Longest time between two calls, s.
    pub watchdog_s: f64,
    /// Depth that stands for "all the way in", m: what a fault commands, and the least depth in every map.
    pub retracted_m: f64,
    /// The carriage has arrived within this distance, in u.
    pub station_tolerance_u: f64,
    /// The protrusion has arrived within this distance, m.
    pub depth_tolerance_m: f64,
    /// Condition bits the user must have declared.
    pub requires: u32,
    /// Condition bits that forbid the programme.
    pub forbids: u32,
}

/// One thing in a [`Model`] that cannot be exported.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} = {value}: {message}")]
pub struct Problem {
    /// Path of the value, such as `depth_m[press][tall/heavy][u 0.43][level 4]`.
    pub key: String,
    /// The value.
    pub value: String,
    /// What is wrong, with the allowed range.
    pub message: String,
}
