//! Searches in the unit cube that are asked for a generation and told its scores.
//!
//! What a search does not know: scenes, bodies, threads. Who drives it evaluates the points in any order and tells the
//! scores in the order of the points. A search is a function of (setup, settings, scores told so far): it is resumed by
//! asking and telling again what a log holds.

mod cma_es;
mod evolution;
mod ledger;
mod nsga2;
mod nsga3;
mod pattern;
mod racing;
mod sorting;
mod space;
mod stochastic_ranking;

pub use cma_es::{CmaEs, CmaSettings};
pub use evolution::Breeding;
pub use ledger::{Entry, Ledger};
pub use nsga2::{Nsga2, Nsga2Settings};
pub use nsga3::{Nsga3, Nsga3Settings};
pub use pattern::{Pattern, PatternSettings};
pub use racing::{Heat, Racing, RacingSettings};
pub use space::{Axis, Space, SpaceError};
pub use stochastic_ranking::{StochasticRanking, StochasticRankingSettings};

use crate::random::{Draw, hash};
use crate::sampler::Sampler;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Asked and told in turns, one generation at a time.
pub trait Search: Send {
    /// The points of the generation, each a point of the space; the same again until they are told. Their number may
    /// differ from generation to generation; it is 0 only when the search is done.
    fn ask(&mut self) -> Vec<Vec<f64>>;

    /// The scores of the points asked for last, in their order.
    ///
    /// # Panics
    ///
    /// When the number of scores is not that of the points asked for.
    fn tell(&mut self, scores: &[Score]);

    /// Why there is nothing more to gain. How many generations may be spent is the caller's affair.
    fn done(&self) -> Option<Reason>;

    /// With one objective the best point found so far, none before the first generation; with more the points of the
    /// population that no other dominates.
    fn best(&self) -> &[Found];
}

/// What came of one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Less is better. Where there is a violation they are not looked at (but by stochastic ranking) and may be missing as
    /// NaN: an evaluation may stop at the first limit passed. Without violation, one that is not finite means failed.
    pub objectives: Vec<f64>,
    /// 0 where every hard limit holds on every body, else by how much they are passed: what is ranked as long as nothing
    /// is feasible. Infinite or not a number: failed.
    pub violation: f64,
}

impl Score {
    /// A point that could not be evaluated: ranked behind all others, never best.
    pub fn failed(objectives: usize) -> Score {
        Score {
            objectives: vec![f64::INFINITY; objectives],
            violation: f64::INFINITY,
        }
    }

    /// Whether there is no violation and no failure.
    pub fn feasible(&self) -> bool {
        self.violation_or_failure() == 0.0
    }

    /// The violation, at least 0; infinite for what failed.
    pub(crate) fn violation_or_failure(&self) -> f64 {
        if self.violation > 0.0 {
            self.violation
        } else if !self.violation.is_nan() && self.objectives.iter().all(|f| f.is_finite()) {
            0.0
        } else {
            f64::INFINITY
        }
    }

    /// Constraint ranking by the first objective (Deb 2000): what is feasible stands before what is not, among the
    /// feasible the objective decides, among the others the violation.
    pub fn rank(&self, other: &Score) -> Ordering {
        let (a, b) = (self.violation_or_failure(), other.violation_or_failure());
        if a == 0.0 && b == 0.0 {
            self.objectives[0].total_cmp(&other.objectives[0])
        } else {
            a.total_cmp(&b)
        }
    }

    /// Constrained domination (Deb and others 2002): feasible before infeasible, less violation before more, and among
    /// the feasible nowhere worse and somewhere better.
    pub fn dominates(&self, other: &Score) -> bool {
        let (a, b) = (self.violation_or_failure(), other.violation_or_failure());
        if a > 0.0 || b > 0.0 {
            return a < b;
        }
        let mut better = false;
        for (x, y) in self.objectives.iter().zip(&other.objectives) {
            if x > y {
                return false;
            }
            better |= x < y;
        }
        better
    }
}

/// A point and its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// In the unit cube.
    pub point: Vec<f64>,
    /// What it scored.
    pub score: Score,
}

/// Why a search has nothing more to gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its steps have become smaller than the tolerance.
    Converged,
    /// The objective has not moved for many generations.
    Stagnated,
    /// No neighbour on the grid is better.
    LocalOptimum,
}

/// What every search starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// What it may choose from.
    pub space: Space,
    /// Root of its random numbers.
    pub seed: u64,
    /// Known designs, the parameters of today first; may be empty. They are evaluated in the first generation, so that
    /// a search never ends worse than it began.
    pub starts: Vec<Vec<f64>>,
}

impl Setup {
    /// A search without known designs.
    pub fn new(space: Space, seed: u64) -> Setup {
        Setup {
            space,
            seed,
            starts: Vec::new(),
        }
    }

    /// The first generation of a population: the starts, then a scrambled Sobol' sequence (a Latin hypercube where it
    /// has too few axes), all in the space and all different as far as the space allows.
    fn first(&self, population: usize) -> Vec<Vec<f64>> {
        let axes = self.space.len();
        let sampler = if axes > Sampler::SOBOL_AXES_MAX {
            Sampler::LatinHypercube
        } else {
            Sampler::Sobol
        };
        let samples = 8 * population as u64;
        let seed = hash(&[self.seed, FIRST]);
        let sampled = (0..samples).map(|i| sampler.point(seed, i, samples, axes));
        let mut seen = Ledger::default();
        let mut first = Vec::new();
        let mut again = Vec::new();
        for mut point in self.starts.iter().cloned().chain(sampled) {
            self.space.snap(&mut point);
            match seen.admit(&point) {
                Entry::New(_) => first.push(point),
                Entry::Again(_) => again.push(point),
            }
            if first.len() == population {
                return first;
            }
        }
        first.extend(again.into_iter().take(population - first.len()));
        first
    }

    /// The random numbers of a generation.
    fn draw(&self, generation: u64) -> Draw {
        Draw::new(&[self.seed, SEARCH, generation])
    }
}

// What a key is for; see `sampler`.
const FIRST: u64 = 0x81;
const SEARCH: u64 = 0x82;

/// What is wrong with a search's settings.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// A number outside its range.
    #[error("{key} = {value}; allowed: {allowed}")]
    Range {
        /// Which setting.
        key: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// A start with another number of axes.
    #[error("start {start} has {found} numbers, the space {axes} axes")]
    Start {
        /// Which start, from 0.
        start: usize,
        /// Its numbers.
        found: usize,
        /// Axes of the space.
        axes: usize,
    },
}

/// A setting's name, its value, whether that is allowed, what is.
type Rule = (&'static str, f64, bool, &'static str);

fn allowed(rules: &[Rule]) -> Result<(), SearchError> {
    match rules.iter().find(|(_, _, sound, _)| !sound) {
        None => Ok(()),
        Some(&(key, value, _, allowed)) => Err(SearchError::Range {
            key,
            value,
            allowed,
        }),
    }
}

/// Checks the starts, then the settings.
fn check(setup: &Setup, rules: &[Rule]) -> Result<(), SearchError> {
    let axes = setup.space.len();
    for (start, point) in setup.starts.iter().enumerate() {
        if point.len() != axes {
            let found = point.len();
            return Err(SearchError::Start { start, found, axes });
        }
    }
    allowed(rules)
}

/// Keeps the best of a generation, the earliest of equals.
fn keep_best(best: &mut Vec<Found>, points: &[Vec<f64>], scores: &[Score]) {
    for (point, score) in points.iter().zip(scores) {
        let failed = score.violation_or_failure() == f64::INFINITY;
        let better = |b: &Found| score.rank(&b.score) == Ordering::Less;
        if !failed && best.first().is_none_or(better) {
            *best = vec![Found {
                point: point.clone(),
                score: score.clone(),
            }];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(violation: f64, objectives: &[f64]) -> Score {
        Score {
            objectives: objectives.to_vec(),
            violation,
        }
    }

    #[test]
    fn feasible_stands_before_infeasible_before_failed() {
        let order = [
            score(0.0, &[1.0]),
            score(0.0, &[2.0]),
            score(0.1, &[0.0]),
            score(7.0, &[f64::NAN]),
            score(0.0, &[f64::NAN]),
        ];
        for (i, a) in order.iter().enumerate() {
            for b in &order[i + 1..] {
                assert_eq!(a.rank(b), Ordering::Less, "{a:?} {b:?}");
                assert!(a.dominates(b) && !b.dominates(a), "{a:?} {b:?}");
            }
        }
        assert_eq!(order[4].rank(&Score::failed(1)), Ordering::Equal);
        assert!(!score(0.0, &[1.0, 2.0]).dominates(&score(0.0, &[2.0, 1.0])));
        assert!(!score(0.0, &[1.0, 2.0]).dominates(&score(0.0, &[1.0, 2.0])));
    }

    #[test]
    fn a_small_space_is_filled_before_it_repeats() {
        let axes = vec![Axis::levels(3), Axis::Words(2)];
        let mut setup = Setup::new(Space::try_new(axes).unwrap(), 4);
        setup.starts = vec![vec![0.4, 0.9]];
        let first = setup.first(8);
        assert_eq!(first[0], [0.5, 0.75]);
        assert_eq!(first.len(), 8);
        let mut ledger = Ledger::default();
        let new = first
            .iter()
            .filter(|p| matches!(ledger.admit(p), Entry::New(_)));
        assert_eq!(new.count(), 6);
    }
}
