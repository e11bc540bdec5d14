//! Layered soft tissue: constitutive laws, the contact-pressure field, closed forms.
//!
//! What this crate does not know: no body, no mechanism, no engine, no file.
#![doc = include_str!("../README.md")]

mod band;
mod compliance;
mod cover;
mod durometer;
mod finite_strain;
mod friction;
mod hyperelastic;
mod indenter;
mod kernel;
mod patch;
mod product;
mod relaxation;
mod stack;
mod stiffening;

pub use compliance::{half_space_compliance, surface_compliance, tangential_compliance};
pub use cover::Cover;
pub use durometer::{Durometer, Indentation};
pub use friction::{Axle, Bristles, Drag, Grip, Shear, Spin, Travel};
pub use indenter::Indenter;
pub use kernel::{Kernel, KernelBasis};
pub use patch::{Effort, Ground, Patch, Report};
pub use relaxation::{Creep, Retardation};
pub use stack::{Law, Layer, PronyTerm, Stack, StackError};
pub use stiffening::Stiffening;
