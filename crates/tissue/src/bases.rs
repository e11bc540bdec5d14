//! Grids that are pressed more than once.

use crate::kernel::KernelBasis;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Kernel bases by grid, shared by durometers that press stacks of other moduli on the same cells.
///
/// A basis knows no modulus and costs some fifty times what the pressing itself does, so whoever tries many moduli
/// keeps it. The numbers are the same bits with or without. It only grows: one basis of 41 cells takes about 2 MB.
#[derive(Clone, Debug, Default)]
pub struct Bases(Arc<Mutex<BTreeMap<Grid, Arc<KernelBasis>>>>);

/// Bits of the cell's edge and of the top layer's thickness, and the reach.
type Grid = (u64, u64, usize);

impl Bases {
    /// As [`KernelBasis::new`], built at first use.
    pub(crate) fn get(&self, cell_m: f64, reach: usize, top_layer_m: f64) -> Arc<KernelBasis> {
        // A panic elsewhere cannot leave a half-built basis behind: it is built before it is put in.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let build = || Arc::new(KernelBasis::new(cell_m, reach, top_layer_m));
        let grid = (cell_m.to_bits(), top_layer_m.to_bits(), reach);
        Arc::clone(kept.entry(grid).or_insert_with(build))
    }
}
