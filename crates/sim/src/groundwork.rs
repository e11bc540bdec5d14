//! What beds of one cell size share: the kernel basis and the large-strain laws.

use crate::law_lattice::LawLattice;
use std::sync::Arc;
use tissue::{FarBasis, KernelBasis};

/// Built once, then shared by every body: most of what a bed costs.
#[derive(Debug)]
pub struct Groundwork {
    basis: Arc<KernelBasis>,
    far: Arc<FarBasis>,
    laws: Arc<LawLattice>,
}

/// Distances at which nodes feel each other, m: from, to, between two of the table.
const FAR_M: [f64; 3] = [0.020, 0.200, 0.004];
/// Usual radius of a patch, m. From 60 mm away its size is worth half a per cent of what is felt.
const PATCH_M: f64 = 0.010;

impl Groundwork {
    /// For windows of `reach` cells of `cell_m`, over skin of at least `top_layer_min_m`.
    pub(crate) fn new(cell_m: f64, reach: usize, top_layer_min_m: f64) -> Arc<Groundwork> {
        let [near_m, far_m, step_m] = FAR_M;
        Arc::new(Groundwork {
            basis: Arc::new(KernelBasis::new(cell_m, reach, top_layer_min_m)),
            far: Arc::new(FarBasis::new(near_m, far_m, step_m, PATCH_M)),
            laws: Arc::default(),
        })
    }

    pub(crate) fn basis(&self) -> &Arc<KernelBasis> {
        &self.basis
    }

    pub(crate) fn far(&self) -> &Arc<FarBasis> {
        &self.far
    }

    pub(crate) fn laws(&self) -> &Arc<LawLattice> {
        &self.laws
    }
}
