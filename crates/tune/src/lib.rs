//! Metrics, objectives, tuning over a population, judgement on unseen bodies.
//!
//! What this crate does not know: it is the only one with threads (rayon), and its results are the same bits for any number
//! of them; it reads and writes no file.
#![doc = include_str!("../README.md")]

mod agreement;
mod aim;
mod align;
mod board;
mod cast;
mod closed_loop;
mod comparison;
mod error;
mod firmware;
pub mod front;
mod held_out;
mod judge;
mod metric;
mod moments;
mod overlay;
mod places;
pub mod problem;
mod progress;
mod random;
mod replay;
mod response;
mod rig_metric;
mod rig_session;
mod sampler;
mod score;
pub mod search;
pub mod seat;
pub mod sensitivity;
mod shelf;
mod signal;
mod stay;
pub mod sweep;
mod touch;
mod tune;
mod tuned;
mod tuner;
mod variant;

pub use agreement::{CurrentAgreement, MapAgreement, Pair, centre_m, currents_agree, maps_agree};
pub use aim::Aim;
pub use align::{
    Alignment, Known, Pose, Rival, TURN_MAX_RAD, align, best_correlation, seen_by_mat,
};
pub use closed_loop::{ClosedLoop, Driven, FirmwareOf, ForcePair, closed_loop};
pub use comparison::{EASINGS, HAND, Trial, Within, compare_techniques};
pub use error::TuneError;
pub use firmware::{Firmware, Order, Sensed, State, TICK_S};
pub use held_out::{Optimism, bound_95, optimism, optimism_of_gain};
pub use judge::{Judgement, Profile, Share, Worst};
pub use metric::{METRICS, Metric};
pub use moments::MomentKind;
pub use progress::{Progress, Silent};
pub use replay::{BandOf, DepthOf, Gap, Played, Replay, ReplayRow, replay, replay_bodies};
pub use response::Bound;
pub use rig_session::{RigPlanner, RigSession, Window, felt_in_windows};
pub use sampler::{Sampler, SamplerError};
pub use score::{Felt, Point, Score, felt_in, felt_of_hand, felt_of_rig, score};
pub use signal::{Signal, TimeMatch, time_matches};
pub use stay::{StaySession, within_stay};
pub use tune::tune;
pub use tuned::{Binding, CapCell, Cell, ClassInfo, RETRACTED_M, Tuned};
pub use variant::{Ask, Depth, Failure, MEMORY_MAX, Measures, RigMeasures, Workshop, rig_rate_hz};
