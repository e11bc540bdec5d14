#![doc = include_str!("../README.md")]
//!
//! Modules, in reading order: `session` (what to do), `timing` (how fast), `placement` (where stations are),
//! `timeline` (the result), `compile` (from one to the other), `motion` (moves within limits).

mod session;

mod timing;

mod placement;

mod timeline;

mod compile;

mod motion;

pub use compile::{DepthMap, compile};
pub use placement::Placement;
pub use session::{ProgramError, ProgramProblem, Session, Step, Technique};
pub use timeline::{DriveCommand, Mark, MarkKind, Phase, Timeline};
pub use timing::{AxisLimits, Timing};
