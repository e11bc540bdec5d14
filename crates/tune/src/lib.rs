//! Metrics, objectives, tuning over a population, judgement on unseen bodies.
//!
//! What this crate does not know: it is the only one with threads (rayon), and its results are the same bits for any number
//! of them; it reads and writes no file.
#![doc = include_str!("../README.md")]

mod tune;
mod tuned;
mod cast;
mod touch;
mod response;
mod tuner;
mod judge;
mod replay;
mod progress;
mod error;

pub use error::TuneError;
pub use judge::{Judgement, Profile, Share, Worst};
pub use progress::{Progress, Silent};
pub use replay::{DepthOf, Replay, ReplayRow, replay, replay_bodies};
pub use response::Bound;
pub use tune::tune;
pub use tuned::{Binding, CapCell, Cell, ClassInfo, RETRACTED_M, Tuned};
