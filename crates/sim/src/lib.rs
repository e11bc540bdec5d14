//! Scene to rapier world, step, trace.
//!
//! What this crate does not know: its public interface has no rapier type; it has no threads, no files and no clock.
#![doc = include_str!("../README.md")]

mod atlas;
mod bed;
mod fault;
mod groundwork;
mod guard;
mod hand;
mod law_lattice;
mod movie;
mod neighbours;
mod pressing;
mod reactions;
mod rig_press;
mod rig_sim;
mod rig_trace;
mod rig_world;
mod scan;
mod shoulder;
mod sim;
mod sitter;
mod sizing;
mod statics;
mod subject;
mod tally;
mod totals;
mod touch;
mod trace;
mod traction;
mod trunk;
mod world;

pub use atlas::Atlas;
pub use bed::{Bed, Foot};
pub use fault::Fault;
pub use groundwork::Groundwork;
pub use guard::{Guard, Limit, Violation};
pub use hand::{HandRow, perform, surface};
pub use movie::{Grid, MapFrame, Movie};
pub use neighbours::{Others, Spot};
pub use reactions::{BearingLoad, Reaction};
pub use rig_press::RigPress;
pub use rig_sim::RigSim;
pub use rig_trace::{RigTrace, record_rig};
pub use rig_world::{DriveFrame, Failure, Power, RigFrame, RigSetup, RigWorld};
pub use scan::Scan;
pub use shoulder::{BodyScan, ScanRow, Sensors, Shoulder};
pub use sim::{Frame, NODES, STAGES, Sim};
pub use sizing::{DriveLoad, JointLoad, Span};
pub use statics::{Rest, Statics};
pub use subject::Subject;
pub use totals::Totals;
pub use touch::{Contact, NodeLaw, Solve, Touch};
pub use trace::{
    Beyond, MotorPeak, NodeEffort, NodePeak, PressureMap, Recording, Trace, TraceRow, record,
    record_led, record_maps, record_with,
};
pub use traction::{Wheel, Work};
pub use trunk::{Lean, Load, Support};
