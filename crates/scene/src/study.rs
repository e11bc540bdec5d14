//! A study: a scene, the people it is tuned for, and what counts as good.

use back::{Classes, People};
use mechanism::Mechanism;
use program::{Part, Technique};
use serde::Serialize;

use crate::any_scene::AnyScene;
use crate::rig_scene::RigScene;
use crate::scene::Scene;
use crate::sweep::{Sampling, Sweep, SweepModel};

/// A checked study.
#[derive(Clone, Debug)]
pub struct Study {
    /// What to call it in reports.
    pub name: String,
    /// What is tuned.
    pub scene: Scene,
    /// Seed of everything random that is not a body.
    pub seed: u64,
    /// Bodies it is tuned on.
    pub tuning: Bodies,
    /// Bodies it is judged on.
    pub held_out: Bodies,
    /// Where the maps have their columns.
    pub stations: Stations,
    /// Per level: pressure as shares of the class's median pain threshold, low and high.
    pub bands: [[f64; 2]; 5],
    /// What gets a depth map.
    pub techniques: Vec<Technique>,
    /// Share of every cap that the worst tuning body leaves unused.
    pub cap_margin: f64,
    /// Bodies on which the final tables are run dynamically.
    pub replay: Replay,
    /// Whose bodies are drawn.
    pub people: People,
    /// What the chair can tell apart after its scan.
    pub classes: Classes,
    /// Keys that a tuning needs and that the file leaves out, as the study of a sweep may.
    pub lacks: Vec<&'static str>,
    /// What `kneadlab sweep` varies.
    pub sweep: Option<Sweep>,
    /// What `kneadlab techniques` lets machines and a hand do.
    pub comparison: Option<Comparison>,
}

/// What a sweep takes of a study, whatever the machine.
#[derive(Clone, Debug)]
pub struct SweepStudy {
    /// What to call it in reports.
    pub name: String,
    /// What varies.
    pub scene: AnyScene,
    /// Seed of everything random that is not a body.
    pub seed: u64,
    /// Per level, of a carriage: pressure as shares of the class's median pain threshold, low and high.
    pub bands: [[f64; 2]; 5],
    /// What `kneadlab sweep` varies; without it the study is one of a tuning or a comparison.
    pub sweep: Option<Sweep>,
}

/// Techniques, each done by every machine and by a hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The machines by name.
    pub machines: Vec<(String, Mechanism)>,
    /// What is done, each alone.
    pub parts: Vec<Part>,
    /// Scenes of rigs by name.
    pub rigs: Vec<(String, RigScene)>,
    /// Whether a hand does them too.
    pub hand: bool,
}

/// A draw of bodies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bodies {
    /// Bodies per class.
    pub per_class: usize,
    /// Seed of the draw.
    pub seed: u64,
}

/// Evenly spaced stations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stations {
    /// How many.
    pub count: usize,
    /// First.
    pub from_u: f64,
    /// Last.
    pub to_u: f64,
}

impl Stations {
    /// All of them, `from_u` to `to_u`.
    pub fn all_u(&self) -> Vec<f64> {
        let gaps = self.count.saturating_sub(1).max(1) as f64;
        (0..self.count)
            .map(|i| i as f64 / gaps)
            .map(|t| self.from_u * (1.0 - t) + self.to_u * t)
            .collect()
    }
}

/// The dynamic check of the final tables.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// How many bodies.
    pub bodies: usize,
}

impl Study {
    /// As [`Scene::hash`], of the study and its scene. Titles do not count.
    pub fn hash(&self) -> String {
        let hash = crate::hash::of(&(
            self.scene.hash(),
            self.seed,
            (self.tuning, self.held_out, self.stations, self.replay),
            (self.bands, &self.techniques, self.cap_margin),
            &self.classes,
        ));
        match self.people {
            // As before there were others: results of then stay those of now.
            People::Grouped => hash,
            people => crate::hash::of(&(hash, people)),
        }
    }

    /// What a sweep takes of it.
    pub fn for_sweep(&self) -> SweepStudy {
        SweepStudy {
            name: self.name.clone(),
            scene: AnyScene::Carriage(Box::new(self.scene.clone())),
            seed: self.seed,
            bands: self.bands,
            sweep: self.sweep.clone(),
        }
    }
}

impl SweepStudy {
    /// Identity of the samples of its sweep: whatever changes a point, a body or a metric changes it. Objectives and limits
    /// that only judge what was measured do not count, nor does how many points a random or Sobol' plan has: a longer one
    /// begins with the shorter one. `None` without a sweep.
    pub fn samples_hash(&self) -> Option<String> {
        let sweep = self.sweep.as_ref()?;
        let asked = sweep.search.is_some() || sweep.model == SweepModel::Expression;
        let grows = matches!(sweep.sampler, Sampling::Random | Sampling::Sobol);
        let points = (sweep.search.is_some() || !grows).then(|| sweep.points());
        Some(crate::hash::of(&(
            (self.scene.hash(), self.seed, self.bands),
            (sweep.model, sweep.sampler, points),
            (&sweep.variables, &sweep.axes, &sweep.derived),
            (sweep.people, &sweep.conditions, sweep.search),
            sweep.depth_from_touch_m,
            asked.then_some((&sweep.objectives, &sweep.limits)),
        )))
    }
}
