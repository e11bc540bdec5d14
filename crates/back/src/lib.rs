//! This crate knows no mechanism, and nothing in it moves. It knows who sits there: how large, how curved, how soft, where it hurts.
#![doc = include_str!("../README.md")]

// In reading order.
mod acupoint; // classical points as stations and lateral distances
mod back; // all of the above for one body
mod body; // who is asked for, and whether such a person can be
mod classes;
mod correlated; // bodies whose sizes go together as the survey's do
mod curve; // smooth tables of one variable
mod envelope; // the one place where limits are asked for
mod knot; // stiff inclusions in the muscle
mod layers; // skin, fat and muscle over bone
mod level; // the vertebrae as stations along the back
mod limits; // numbers that protect
mod policy; // what a condition forbids
mod population; // bodies as the survey has them
mod random; // numbers that depend on a counter alone
mod scan; // a real back, from a mesh
mod sizes; // the lengths of one body
mod source; // where every default comes from
mod spine; // the midline in the sagittal plane
mod surface; // the skin
mod survey; // what was measured on 6068 people
mod zone; // named regions // what a chair can tell apart after its scan

pub use acupoint::{ACUPOINTS, Acupoint, Point};
pub use back::{Back, Trunk};
pub use body::{Body, BodyProblem, Sex};
pub use classes::Classes;
pub use correlated::{Ages, Correlated, Market, People, Points};
pub use envelope::{EXCLUDED_PRESSURE_PA, Envelope, LimitRow, NOTICE};
pub use knot::{KNOT_STIFFNESS, Knot};
pub use layers::Thickness;
pub use level::Level;
pub use limits::{Limits, TissueDefaults};
pub use policy::{Decision, Policy, UnknownCondition, combine, of_age, policies, policy};
pub use population::Population;
pub use scan::{Scan, ScanMarks, ScanProblem, mesh_of};
pub use sizes::{SIZES, SizeRow, Sizes};
pub use source::{Source, sources};
pub use survey::{Marginal, Regression, Survey};
pub use zone::{KIDNEYS_TO_U, Place, Zone};
