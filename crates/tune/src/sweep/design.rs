//! Samplers whose points answer a question of their own: what the results hang on.

use crate::sensitivity::{Index, Morris, SobolIndices};
use scene::{Sampling, Sweep};
use serde::Serialize;

/// A plan of points that tells what matters.
#[derive(Clone, Debug)]
pub enum Design {
    /// Screening.
    Morris(Morris),
    /// Shares of the variance.
    Saltelli(SobolIndices),
}

/// Levels of a screening's axes: four are usual.
const LEVELS: u32 = 4;
/// Points without a value that are named.
const NAMED: usize = 20;

/// What an objective hangs on.
#[derive(Clone, Debug, Serialize)]
pub struct Sensitivity {
    /// The screening's, an axis each in the order of the file; empty for another design.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<AxisEffect>,
    /// The shares', likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<AxisShare>,
    /// Of pairs, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairShare>,
    /// Points that have no value, so that what they alone would complete is left out.
    pub missing: usize,
    /// The first of them.
    pub first_missing: Vec<u64>,
}

/// Elementary effects of an axis: changes of the objective, in its unit, over the whole range of the axis.
#[derive(Clone, Debug, Serialize)]
pub struct AxisEffect {
    /// What moves on it.
    pub variable: String,
    /// Mean; `None`, as all else here, where fewer than two effects are complete.
    pub mu: Option<f64>,
    /// Mean size: how much the axis matters.
    pub mu_star: Option<f64>,
    /// Half the width of its 95 % interval.
    pub mu_star_pm_95: Option<f64>,
    /// Standard deviation: how much the effect hangs on the other axes, or is curved.
    pub sigma: Option<f64>,
    /// Complete effects.
    pub used: usize,
}

/// Shares of the objective's variance.
#[derive(Clone, Debug, Serialize)]
pub struct AxisShare {
    /// What moves on the axis.
    pub variable: String,
    /// What it makes alone; `None` where too few rows are complete or nothing varies.
    pub first: Option<Index>,
    /// What would be left if all others were known.
    pub total: Option<Index>,
}

/// What two axes make beyond what each does alone.
#[derive(Clone, Debug, Serialize)]
pub struct PairShare {
    /// What moves on them.
    pub variables: [String; 2],
    /// The share; `None` as in [`AxisShare`].
    pub second: Option<Index>,
}

impl Design {
    /// Of a sweep that has one.
    pub fn of(sweep: &Sweep, seed: u64) -> Option<Design> {
        let axes = sweep.axes.len();
        match sweep.sampler {
            _ if sweep.search.is_some() => None,
            Sampling::Morris { trajectories } => Some(Design::Morris(Morris {
                axes,
                trajectories,
                levels: LEVELS,
                seed,
            })),
            Sampling::Saltelli { rows, pairs } => Some(Design::Saltelli(SobolIndices {
                axes,
                rows,
                pairs,
                seed,
            })),
            _ => None,
        }
    }

    /// A point in the unit cube.
    pub fn point(&self, index: u64) -> Vec<f64> {
        match self {
            Design::Morris(plan) => plan.point(index),
            Design::Saltelli(plan) => plan.point(index),
        }
    }

    /// What an objective hangs on, from its value at every point; not finite where it is missing. `names` are the axes'.
    ///
    /// # Panics
    /// When there are not as many values as points.
    pub fn tell(&self, values: &[Option<f64>], names: &[String]) -> Sensitivity {
        let told = |missing: &[u64]| Sensitivity {
            effects: Vec::new(),
            shares: Vec::new(),
            pairs: Vec::new(),
            missing: missing.len(),
            first_missing: missing.iter().copied().take(NAMED).collect(),
        };
        match self {
            Design::Morris(plan) => {
                let screening = plan.effects(values);
                let effects = screening.effects.iter().zip(names);
                Sensitivity {
                    effects: effects
                        .map(|(e, name)| AxisEffect {
                            variable: name.clone(),
                            mu: e.map(|e| e.mu),
                            mu_star: e.map(|e| e.mu_star),
                            mu_star_pm_95: e.map(|e| e.mu_star_pm_95),
                            sigma: e.map(|e| e.sigma),
                            used: e.map_or(0, |e| e.used),
                        })
                        .collect(),
                    ..told(&screening.missing)
                }
            }
            Design::Saltelli(plan) => {
                let indices = plan.indices(values);
                let shares = indices.first.iter().zip(&indices.total).zip(names);
                Sensitivity {
                    shares: shares
                        .map(|((first, total), name)| AxisShare {
                            variable: name.clone(),
                            first: *first,
                            total: *total,
                        })
                        .collect(),
                    pairs: (indices.second.iter())
                        .map(|pair| PairShare {
                            variables: pair.axes.map(|i| names[i].clone()),
                            second: pair.index,
                        })
                        .collect(),
                    ..told(&indices.missing)
                }
            }
        }
    }
}
