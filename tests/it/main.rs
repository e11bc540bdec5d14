//! The workspace's own tests: promises that no crate can keep alone. Each file opens by saying which.

// The validity page reads what no test does.
#[allow(dead_code)]
mod agreement;
mod csv;
mod seat;

mod bench;
mod chair;
mod compare;
mod contact;
mod determinism;
mod durometer;
mod export;
mod fit;
mod friction;
mod layers;
mod reference;
mod rig_variant;
mod safety;
mod search;
mod statics;
mod techniques;
mod variant;
