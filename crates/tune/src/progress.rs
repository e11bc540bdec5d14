//! Progress, and the one place where threads are made.

use crate::error::TuneError;

/// Who watches a tuning. Called from many threads.
pub trait Progress: Sync {
    /// A phase of `total` pieces begins.
    fn begin(&self, phase: &'static str, total: u64);
    /// One piece is done.
    fn tick(&self);
    /// Whether to stop.
    fn stop_asked(&self) -> bool;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _phase: &'static str, _total: u64) {}
    fn tick(&self) {}
    fn stop_asked(&self) -> bool {
        false
    }
}

/// Runs work on a pool of `jobs` threads (0: all cores). Results are collected in order: the same bits for any number.
pub(crate) fn in_pool<T: Send>(
    jobs: usize,
    work: impl FnOnce() -> T + Send,
) -> Result<T, TuneError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .map_err(|e| TuneError::Threads(e.to_string()))?;
    Ok(pool.install(work))
}
