//! This crate knows no physics and no engine: it knows what a run needs to be told. Of the crates below the command line it
//! is the only one that reads files, and after [`load`](fn@load) nothing is unchecked.
#![doc = include_str!("../README.md")]

// In reading order; the empty lines keep rustfmt from sorting it.

mod scene; // the complete input of a run

mod rig_scene; // the same for a machine of any topology

mod any_scene; // one of the two

mod study; // a scene, the people it is tuned for, and what counts as good

mod sweep; // many variants of its scene

mod load; // from files to the two above

mod problem; // what is wrong with a file, at the key that is wrong

mod kind; // the kinds of files

mod spec; // what a file may say, as data

#[rustfmt::skip] // it reads as a table: one key a line
mod fields; // the keys of scenes, bodies, techniques, stacks and studies

mod mechanism_fields; // the keys of mechanisms

#[rustfmt::skip] // as above
mod rig_fields; // the keys of rigs

#[rustfmt::skip] // as above
mod rig_scene_fields; // the keys of their scenes

mod rig_file; // from files to rigs, over the ranges of their parameters

mod check; // the walk over a document along its spec

mod technique_file; // from files to techniques, and from parts of a session to steps

mod mesh_file; // a mesh in a file: a scan of a back, the shape of a node

mod node_mesh; // the latter

mod urdf; // robot descriptions as links and joints of a rig

mod document; // a file as it was written, with lines

mod expression; // numbers that depend on named parameters

mod unit; // units as suffixes of keys

mod suggest; // did you mean

mod params; // every value by its path

mod schema; // for editors

mod reference; // for readers

mod builtin; // files that are always there

mod hash; // identity of content

pub use any_scene::AnyScene;
pub use builtin::template;
pub use document::Kept;
pub use expression::Formula;
pub use kind::FileKind;
pub use load::{
    BANDS, Loaded, Whole, check_any, load, load_mechanism, load_stack, load_study, load_sweep,
    whole_scene, whole_study,
};
pub use node_mesh::{MeshWarning, NodeMesh, load_node_mesh};
pub use params::{Param, params, params_with};
pub use problem::{Problem, Problems, Severity};
pub use reference::reference;
pub use rig_file::{LoadedRig, load_rig};
pub use rig_scene::{Deed, LoadedRigScene, Order, RigPlacement, RigScene, Stand, load_rig_scene};
pub use scene::{Breath, Chair, ConstantDepth, Hip, Pad, Scene, Solver, StationScan, Surface};
pub use schema::schema;
pub use study::{Bodies, Comparison, Replay, Stations, Study, SweepStudy};
pub use suggest::closest;
pub use sweep::{
    Algorithm, BODY_NAMES, Derived, Limit, MOST_SAMPLES, Objective, Over, People, Place, Sampling,
    SearchPlan, Span, Sweep, SweepModel, Variable,
};
pub use technique_file::{forbidden, load_technique, plan_rig_parts, plan_session};
