#![doc = include_str!("../README.md")]
//!
//! The figures, for readers of the generated documentation:
//!
#![doc = include_str!("../images/frames.svg")]
#![doc = include_str!("../images/wobble.svg")]
//!
//! Modules, in reading order: `mechanism` (the data), `track`, `wobble` (closed forms), `kinematics` (what moves
//! where), `motor`, `check` (ranges and what cannot be built); for machines of any topology `rig` (the data), `linkage` (loops),
//! `rig_check`; `closed_form` (motions that have a formula).

mod mechanism;

mod track;

mod wobble;

mod kinematics;

mod motor;

mod control;

mod check;

mod rig;

mod cam;

mod linkage;

mod rig_check;

pub mod closed_form;

pub use check::{ARC_FIELDS, FIELDS, Field, MechanismProblem, NODE_FIELDS};
pub use control::{Control, Seen};
pub use kinematics::{Drive, Hand, Kinematics, KinematicsError, LoopOpen, Side, Twist};
pub use linkage::{Linkage, LoopGap, Mobility, Posture};
pub use mechanism::{
    Arc, Carriage, Cover, Mechanism, Motors, Node, Protrude, Rocker, Rod, Track, Wheel, Wobble,
};
pub use motor::{Command, GearMotor, MotorOutput, MotorState, TorqueLine};
pub use rig::{
    Closing, ClosingKind, Coupling, GROUND, HELD, Head, Joint, JointKind, LEFT, Law, Link, Motion,
    Mounting, Rig, RigDrive,
};
pub use rig_check::{RigProblem, Travel};
pub use track::{TrackCurve, TrackPose};
