//! What beds of one cell size share: the kernel basis and the large-strain laws.

use crate::law_lattice::LawLattice;
use std::sync::{Arc, OnceLock};
use tissue::{FarBasis, KernelBasis, WINDOWS};

/// Built once, then shared by every body: most of what a bed costs.
#[derive(Debug)]
pub struct Groundwork {
    bases: Bases,
    far: Arc<FarBasis>,
    laws: Arc<LawLattice>,
}

/// Kernel bases for windows of each size, computed when somebody asks: the first at once, the others for nodes that need them.
#[derive(Clone, Debug)]
pub(crate) struct Bases {
    cell_m: f64,
    top_layer_min_m: f64,
    bases: Arc<[OnceLock<KernelBasis>; WINDOWS.len()]>,
}

impl Bases {
    pub(crate) fn of_window(&self, window: usize) -> &KernelBasis {
        let new = || KernelBasis::new(self.cell_m, WINDOWS[window], self.top_layer_min_m);
        self.bases[window].get_or_init(new)
    }

    pub(crate) fn cell_m(&self) -> f64 {
        self.cell_m
    }
}

/// Distances at which nodes feel each other, m: from, to, between two of the table.
const FAR_M: [f64; 3] = [0.020, 0.200, 0.004];
/// Usual radius of a patch, m. From 60 mm away its size is worth half a per cent of what is felt.
const PATCH_M: f64 = 0.010;

impl Groundwork {
    /// For cells of `cell_m`, over skin of at least `top_layer_min_m`.
    pub(crate) fn new(cell_m: f64, top_layer_min_m: f64) -> Arc<Groundwork> {
        let [near_m, far_m, step_m] = FAR_M;
        let bases = Bases {
            cell_m,
            top_layer_min_m,
            bases: Arc::default(),
        };
        // Nearly everybody needs it.
        bases.of_window(0);
        Arc::new(Groundwork {
            bases,
            far: Arc::new(FarBasis::new(near_m, far_m, step_m, PATCH_M)),
            laws: Arc::default(),
        })
    }

    pub(crate) fn bases(&self) -> &Bases {
        &self.bases
    }

    pub(crate) fn far(&self) -> &Arc<FarBasis> {
        &self.far
    }

    pub(crate) fn laws(&self) -> &Arc<LawLattice> {
        &self.laws
    }
}
