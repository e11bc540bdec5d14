//! Metrics, objectives, tuning over a population, judgement on unseen bodies.
//!
//! What this crate does not know: it is the only one with threads (rayon), and its results are the same bits for any number
//! of them; it reads and writes no file.
#![doc = include_str!("../README.md")]

mod agreement;
mod align;
mod board;
mod cast;
mod closed_loop;
mod error;
mod firmware;
mod judge;
mod overlay;
mod places;
mod progress;
mod replay;
mod response;
mod signal;
mod touch;
mod tune;
mod tuned;
mod tuner;

pub use agreement::{CurrentAgreement, MapAgreement, Pair, centre_m, currents_agree, maps_agree};
pub use align::{
    Alignment, Known, Pose, Rival, TURN_MAX_RAD, align, best_correlation, seen_by_mat,
};
pub use closed_loop::{ClosedLoop, Driven, FirmwareOf, ForcePair, closed_loop};
pub use error::TuneError;
pub use firmware::{Firmware, Order, Sensed, State, TICK_S};
pub use judge::{Judgement, Profile, Share, Worst};
pub use progress::{Progress, Silent};
pub use replay::{DepthOf, Replay, ReplayRow, replay, replay_bodies};
pub use response::Bound;
pub use signal::{Signal, TimeMatch, time_matches};
pub use tune::tune;
pub use tuned::{Binding, CapCell, Cell, ClassInfo, RETRACTED_M, Tuned};
