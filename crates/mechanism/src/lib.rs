#![doc = include_str!("../README.md")]
//!
//! The figures, for readers of the generated documentation:
//!
#![doc = include_str!("../images/frames.svg")]
#![doc = include_str!("../images/wobble.svg")]
//!
//! Modules, in reading order: `mechanism` (the data), `track`, `wobble` (closed forms), `kinematics` (what moves
//! where), `motor`, `check` (ranges and what cannot be built).

mod mechanism;

mod track;

mod wobble;

mod kinematics;

mod motor;

mod check;

pub use check::{ARC_FIELDS, FIELDS, Field, MechanismProblem, NODE_FIELDS};
pub use kinematics::{Drive, Hand, Kinematics, KinematicsError, LoopOpen, Side, Twist};
pub use mechanism::{
    Arc, Carriage, Cover, Mechanism, Motors, Node, Protrude, Rocker, Rod, Track, Wheel, Wobble,
};
pub use motor::{Command, GearMotor, MotorOutput, MotorState};
pub use track::{TrackCurve, TrackPose};
