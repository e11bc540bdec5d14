//! Scene to rapier world, step, trace.
//!
//! What this crate does not know: its public interface has no rapier type; it has no threads, no files and no clock.
#![doc = include_str!("../README.md")]

mod sim;
mod subject;
mod bed;
mod touch;
mod trunk;
mod world;
mod guard;
mod fault;
mod atlas;
mod statics;
mod trace;

pub use atlas::Atlas;
pub use bed::{Bed, Foot};
pub use fault::Fault;
pub use guard::{Guard, Limit, Violation};
pub use sim::{Frame, NODES, Sim};
pub use statics::{Rest, Statics};
pub use subject::Subject;
pub use touch::{Contact, NodeLaw, Touch};
pub use trace::{MotorPeak, NodePeak, PressureMap, Trace, TraceRow, record};
pub use trunk::{Lean, Load, Support};
