#![doc = include_str!("../README.md")]
//! # What this crate does not know
//! No physics, no body, no mechanism, no file: a [`Model`] comes in, bytes go out. Integers and
//! bytes live only here.

mod a2l;
/// Axes over time.
pub mod channel;
mod check;
/// What changed between two exports.
pub mod diff;
/// Files in memory.
pub mod emit;
/// The runtime's arithmetic.
pub mod eval;
/// A made-up model for tests and for trying the export.
pub mod example;
mod hex;
mod image;
/// A target's own log, run again.
pub mod log;
/// What comes in.
pub mod model;
/// From the one to the other.
pub mod quantise;
/// And back.
pub mod read;
/// What firmware gets, as integers.
pub mod tables;
/// The customer's own struct.
pub mod vendor;

pub use diff::{Difference, diff};
pub use eval::{Counts, Lookup};
pub use model::{Model, Problem};
pub use quantise::quantise;
pub use read::Refusal;
pub use tables::Tables;
