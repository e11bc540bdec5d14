#![doc = include_str!("../README.md")]
//!
//! Modules, in reading order: `session` (what to do), `timing` (how fast), `placement` (where stations are),
//! `timeline` (the result), `compile` (from one to the other), `motion` (moves within limits); then techniques: `manner`
//! (what hands do), `part` (over a stretch, for some minutes, planned as steps), `machine` (what can follow), `sway` (how); for rigs `course` (of one drive), `rig_machine` (what its
//! drives are for), `rig_plan` (what they do); `shoulder` (how firmware finds
//! out who sits there).

mod session;

mod timing;

mod placement;

mod timeline;

mod compile;

mod motion;

mod manner;

mod part;

mod machine;

mod sway;

mod course;

mod rig_machine;

mod rig_plan;

mod shoulder;

pub use compile::{DepthMap, compile};
pub use course::Course;
pub use machine::{Axis, Carriage, Machine, Rates};
pub use manner::{ContactShape, Direction, Manner, NO_THRUST, Need, Path, School, Sources};
pub use part::{Fit, Part, plan};
pub use placement::Placement;
pub use rig_machine::{RigMachine, Round};
pub use rig_plan::{RigPlan, RigWork, plan_rig};
pub use session::{Pace, ProgramError, ProgramProblem, Session, Step, Technique};
pub use shoulder::{AxisSpeeds, ScanPlan, ScanStage, Sensed, ShoulderFinder, Sighting};
pub use sway::{Sway, Wave};
pub use timeline::{DriveCommand, Mark, MarkKind, Phase, Timeline};
pub use timing::{AxisLimits, Timing};
