//! Many variants of a scene: a plan of points on bodies, what is measured on them, and how it is judged.
//!
//! A *point* is one value for each variable. A *sample* is a point on one body under one list of conditions; its number is
//! `point * cases + case`, the case `body * condition lists + list`. Every sample is a function of the plan and its number, so
//! that it does not matter which thread, shard or machine computes it, nor how often. No file here: records go to a [`Sink`].

mod crew;
mod design;
mod hunt;
mod judge;
mod model;
mod plan;
mod record;
mod simulate;
mod trouble;

pub use crew::{Crew, Manner, Row, Sink};
pub use design::{AxisEffect, AxisShare, Design, PairShare, Sensitivity};
pub use judge::{Counts, Judge, PointCounts, PointScore, Spread, Standing, Summary, Verdicts};
pub use model::{Case, Column, Model};
pub use plan::{Plan, SweepError};
pub use record::{Contradiction, Known, Record, State};
pub use trouble::{Trouble, catch_panics};
