//! Metrics from the simulator.

use super::model::{Case, Column, Model};
use super::trouble::Trouble;
use crate::metric::METRICS;
use crate::variant::{Ask, Depth, Failure, Workshop};
use scene::{Scene, Study, Sweep};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The study's scene with other values, run from start to end.
pub(super) struct Simulate {
    sweep: Sweep,
    workshop: Workshop,
    ask: Ask,
    /// Tells this model from others on the same thread.
    number: u64,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The scene that a thread built last, or why it could not: of which model, at which values.
type Last = Option<(u64, Vec<u64>, Result<Scene, String>)>;

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(None) };
}

impl Simulate {
    pub fn new(study: &Study, sweep: &Sweep) -> Simulate {
        Simulate {
            sweep: sweep.clone(),
            workshop: Workshop::default(),
            ask: Ask {
                bands: study.bands,
                map: true,
                depth: Depth::of(sweep),
            },
            number: COUNT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The scene of a point. A thread meets the bodies of a point one after the other, and to read and check the scene takes
    /// a millisecond: the last one is kept.
    fn scene(&self, values: &[f64]) -> Result<Scene, String> {
        let key: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
        LAST.with_borrow_mut(|last| match last {
            Some((number, old, scene)) if *number == self.number && *old == key => scene.clone(),
            _ => {
                let scene = self.sweep.scene(values);
                *last = Some((self.number, key, scene.clone()));
                scene
            }
        })
    }
}

impl Model for Simulate {
    fn columns(&self) -> Vec<Column> {
        let column = |metric: &crate::Metric| Column {
            name: metric.name.into(),
            unit: if metric.unit == "1" { "" } else { metric.unit }.into(),
            meaning: metric.meaning.into(),
            words: Vec::new(),
        };
        METRICS.iter().map(column).collect()
    }

    fn measure(&self, values: &[f64], case: Case<'_>) -> Result<Vec<f64>, Trouble> {
        let mut scene = self.scene(values).map_err(Trouble::Infeasible)?;
        if let Some(conditions) = case.conditions {
            scene.conditions = conditions.to_vec();
        }
        let body = case.body.unwrap_or(&scene.body).clone();
        match self.workshop.measure(&Arc::new(scene), &body, &self.ask) {
            Ok(measures) => Ok(measures.values),
            Err(Failure::Infeasible(message)) => Err(Trouble::Infeasible(message)),
            Err(Failure::Failed(message)) => Err(Trouble::failed(message)),
        }
    }
}
