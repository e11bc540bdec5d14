//! Stochastic ranking: one objective under limits that are hard to keep, where the way to the optimum leads through what
//! they forbid.

use super::{Axis, Found, Reason, Score, Search, SearchError, Setup, check, keep_best};
use crate::random::Draw;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Settings of [`StochasticRanking`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StochasticRankingSettings {
    /// Points a generation, 14 and more; a seventh of them become parents.
    pub population: usize,
    /// How often two points are compared by objective where one of them is not feasible, 0 to 0.5. At 0 it is constraint
    /// ranking; near 0.5 what is infeasible wins.
    pub by_objective: f64,
    /// How much of a step size's change is kept, over 0, to 1 (`alpha` of the paper).
    pub smoothing: f64,
    /// Length of the step along the difference to the best, 0 to 2 (`gamma` of the paper).
    pub difference: f64,
}

impl Default for StochasticRankingSettings {
    /// As in the papers, with the smaller of their two populations.
    fn default() -> StochasticRankingSettings {
        StochasticRankingSettings {
            population: 200,
            by_objective: 0.45,
            smoothing: 0.2,
            difference: 0.85,
        }
    }
}

/// Evolution strategy with self-adapted step sizes, differential variation and stochastic ranking ("ISRES": Runarsson and
/// Yao 2000, 2005). Infeasible points need an objective for it; one that has none is ranked by its violation. It never ends
/// by itself.
pub struct StochasticRanking {
    setup: Setup,
    settings: StochasticRankingSettings,
    generation: u64,
    /// Parents, the best first.
    parents: Vec<Individual>,
    children: Vec<Individual>,
    asked: Vec<Vec<f64>>,
    best: Vec<Found>,
}

#[derive(Clone)]
struct Individual {
    /// Where it was drawn; what is evaluated is snapped.
    x: Vec<f64>,
    /// Step size of each axis.
    sigma: Vec<f64>,
}

impl StochasticRanking {
    /// Begins with the setup's starts and a Sobol' sequence.
    ///
    /// # Errors
    ///
    /// Settings outside their ranges.
    pub fn try_new(
        setup: Setup,
        settings: StochasticRankingSettings,
    ) -> Result<StochasticRanking, SearchError> {
        let s = &settings;
        let rules = [
            (
                "population",
                s.population as f64,
                s.population >= 14,
                "14 and more",
            ),
            (
                "by_objective",
                s.by_objective,
                (0.0..=0.5).contains(&s.by_objective),
                "0 to 0.5",
            ),
            (
                "smoothing",
                s.smoothing,
                s.smoothing > 0.0 && s.smoothing <= 1.0,
                "over 0, to 1",
            ),
            (
                "difference",
                s.difference,
                (0.0..=2.0).contains(&s.difference),
                "0 to 2",
            ),
        ];
        check(&setup, &rules)?;
        Ok(StochasticRanking {
            setup,
            settings,
            generation: 0,
            parents: Vec::new(),
            children: Vec::new(),
            asked: Vec::new(),
            best: Vec::new(),
        })
    }

    /// By how much step sizes must scatter for an expected rate of 1 in spite of smoothing (Runarsson and Yao 2005; in
    /// their published program, since without it G06 ends 0.2 from its optimum instead of 1e-4).
    fn learning_rate(&self) -> f64 {
        let (n, alpha) = (self.setup.space.len() as f64, self.settings.smoothing);
        let chi = 1.0 / (2.0 * n) + 1.0 / (2.0 * n.sqrt());
        let grown = ((0.5 * chi).exp() - (1.0 - alpha)) / alpha;
        (2.0 / chi * grown.ln()).sqrt()
    }

    fn breed(&self, draw: &mut Draw) -> Vec<Individual> {
        let n = self.setup.space.len() as f64;
        let count = self.parents.len();
        let rate = self.learning_rate();
        let (common, own) = (rate / (2.0 * n).sqrt(), rate / (2.0 * n.sqrt()).sqrt());
        let children = (0..self.settings.population).map(|k| {
            let parent = &self.parents[k % count];
            let mut child = parent.clone();
            let all = common * draw.normal();
            let differ = k + 1 < count;
            for (j, axis) in self.setup.space.axes().iter().enumerate() {
                if matches!(axis, Axis::Words(_)) {
                    // A word has no step: it changes in one child of as many as there are axes.
                    if draw.chance(1.0 / n) {
                        child.x[j] = draw.unit();
                    }
                    continue;
                }
                if differ {
                    let difference = self.parents[0].x[j] - self.parents[k + 1].x[j];
                    child.x[j] += self.settings.difference * difference;
                    if (0.0..=1.0).contains(&child.x[j]) {
                        continue;
                    }
                    child.x[j] = parent.x[j];
                }
                let from = parent.sigma[j];
                let sigma = (from * (all + own * draw.normal()).exp()).min(1.0 / n.sqrt());
                for _ in 0..10 {
                    let x = parent.x[j] + sigma * draw.normal();
                    if (0.0..=1.0).contains(&x) {
                        child.x[j] = x;
                        break;
                    }
                }
                if !differ {
                    child.sigma[j] = from + self.settings.smoothing * (sigma - from);
                }
            }
            child
        });
        children.collect()
    }
}

/// Bubble sort whose comparison is by objective where both are feasible, or else now and then (Runarsson and Yao 2000,
/// figure 1).
fn ranked(scores: &[Score], by_objective: f64, draw: &mut Draw) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let violations: Vec<f64> = scores.iter().map(Score::violation_or_failure).collect();
    for _ in 0..order.len() {
        let mut swapped = false;
        for i in 1..order.len() {
            let (a, b) = (order[i - 1], order[i]);
            let (f, g) = (scores[a].objectives[0], scores[b].objectives[0]);
            let feasible = violations[a] == 0.0 && violations[b] == 0.0;
            let comparable =
                violations[a].max(violations[b]) < f64::INFINITY && f.is_finite() && g.is_finite();
            let by_objective = feasible || (draw.chance(by_objective) && comparable);
            let behind = if by_objective {
                f.total_cmp(&g)
            } else {
                violations[a].total_cmp(&violations[b])
            };
            if behind == Ordering::Greater {
                order.swap(i - 1, i);
                swapped = true;
            }
        }
        if !swapped {
            break;
        }
    }
    order
}

impl Search for StochasticRanking {
    fn ask(&mut self) -> Vec<Vec<f64>> {
        if self.asked.is_empty() {
            let axes = self.setup.space.len();
            let sigma = vec![1.0 / (axes as f64).sqrt(); axes];
            self.children = if self.parents.is_empty() {
                let first = self.setup.first(self.settings.population).into_iter();
                let individual = |x| Individual {
                    x,
                    sigma: sigma.clone(),
                };
                first.map(individual).collect()
            } else {
                self.breed(&mut self.setup.draw(2 * self.generation))
            };
            let snapped = self.children.iter().map(|c| self.setup.space.snapped(&c.x));
            self.asked = snapped.collect();
        }
        self.asked.clone()
    }

    fn tell(&mut self, scores: &[Score]) {
        assert_eq!(
            scores.len(),
            self.asked.len(),
            "one score a point asked for"
        );
        keep_best(&mut self.best, &self.asked, scores);
        let mut draw = self.setup.draw(2 * self.generation + 1);
        let order = ranked(scores, self.settings.by_objective, &mut draw);
        let parents = &order[..self.settings.population / 7];
        self.parents = parents.iter().map(|&i| self.children[i].clone()).collect();
        self.asked.clear();
        self.generation += 1;
    }

    fn done(&self) -> Option<Reason> {
        None
    }

    fn best(&self) -> &[Found] {
        &self.best
    }
}
