//! Metrics from the simulator.

use super::model::{Case, Column, Model};
use super::trouble::Trouble;
use crate::metric::METRICS;
use crate::rig_metric::{RigMetric, rig_metrics};
use crate::variant::{Ask, Depth, Failure, Workshop};
use scene::{AnyScene, Sweep, SweepStudy};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The study's scene with other values, run from start to end.
pub(super) struct Simulate {
    sweep: Sweep,
    workshop: Workshop,
    ask: Ask,
    /// What is told of a rig; nothing of a carriage, whose metrics are always the same.
    of_rig: Vec<RigMetric>,
    /// Tells this model from others on the same thread.
    number: u64,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The scene that a thread built last, or why it could not: of which model, at which values.
type Last = Option<(u64, Vec<u64>, Result<AnyScene, String>)>;

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(None) };
}

impl Simulate {
    pub fn new(study: &SweepStudy, sweep: &Sweep) -> Simulate {
        Simulate {
            sweep: sweep.clone(),
            workshop: Workshop::default(),
            ask: Ask {
                bands: study.bands,
                map: true,
                depth: Depth::of(sweep),
            },
            of_rig: match &study.scene {
                AnyScene::Carriage(_) => Vec::new(),
                AnyScene::Rig(scene) => rig_metrics(&scene.rig),
            },
            number: COUNT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The scene of a point. A thread meets the bodies of a point one after the other, and to read and check the scene takes
    /// a millisecond: the last one is kept.
    fn scene(&self, values: &[f64]) -> Result<AnyScene, String> {
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
        if !self.of_rig.is_empty() {
            return self.of_rig.iter().map(|m| m.column.clone()).collect();
        }
        let column = |metric: &crate::Metric| Column {
            name: metric.name.into(),
            unit: if metric.unit == "1" { "" } else { metric.unit }.into(),
            meaning: metric.meaning.into(),
            words: Vec::new(),
        };
        METRICS.iter().map(column).collect()
    }

    fn measure(&self, values: &[f64], case: Case<'_>) -> Result<Vec<f64>, Trouble> {
        let scene = self.scene(values).map_err(Trouble::Infeasible)?;
        let measured = match scene.with(case.body, case.conditions) {
            AnyScene::Carriage(scene) => {
                let body = scene.body.clone();
                let measured = self.workshop.measure(&Arc::from(scene), &body, &self.ask);
                measured.map(|m| m.values)
            }
            AnyScene::Rig(scene) => self.workshop.tell_rig(&Arc::from(scene), &self.of_rig),
        };
        measured.map_err(|failure| match failure {
            Failure::Infeasible(message) => Trouble::Infeasible(message),
            Failure::Failed(message) => Trouble::failed(message),
        })
    }
}
