//! Layered soft tissue: constitutive laws, the contact-pressure field, closed forms.
//!
//! What this crate does not know: no body, no mechanism, no engine, no file.
#![doc = include_str!("../README.md")]

mod band;
mod bases;
mod compliance;
mod cover;
mod durometer;
mod finite_strain;
mod fit;
mod frame;
mod friction;
mod hyperelastic;
mod indenter;
mod kernel;
mod lanes;
mod least_squares;
mod mesh;
mod motion;
mod pair;
mod patch;
mod press_curve;
mod product;
mod relaxation;
mod search;
mod stack;
mod stiffening;
mod window;

pub use bases::Bases;
pub use compliance::{half_space_compliance, surface_compliance, tangential_compliance};
pub use cover::Cover;
pub use durometer::{Durometer, Indentation, Moment};
pub use fit::{
    Combination, Fit, FitError, FitOptions, FittedCurve, FittedLayer, FittedPoint, Free, LinePoint,
    Measured, Noise, Parameter, ParameterKind, Point, Role, TouchHint, Trial, TrialKind, fit,
};
pub use friction::{Axle, Bristles, Drag, Grip, Shear, Spin, Travel};
pub use indenter::Indenter;
pub use kernel::{Kernel, KernelBasis};
pub use mesh::{Mesh, MeshError, Seams};
pub use motion::Motion;
pub use pair::{FarBasis, FarField, Load, PairIndentation, loads};
pub use patch::{Effort, Ground, Patch, Report};
pub use relaxation::{Creep, Retardation};
pub use stack::{Law, Layer, PronyTerm, Stack, StackError};
pub use stiffening::{Bound, Stiffening};
pub use window::{WINDOWS, finest_cell_m, window_of};
