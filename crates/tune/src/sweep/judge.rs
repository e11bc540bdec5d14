//! How a point does over its bodies, and what stands out of all points.

use super::plan::Plan;
use super::record::{Record, State};
use crate::front::chosen;
use crate::search::Score;
use scene::Over;
use serde::Serialize;
use std::collections::BTreeMap;

/// Puts the samples of a point together.
#[derive(Clone, Debug)]
pub struct Judge {
    objectives: Vec<Wanted>,
    limits: Vec<Bound>,
    cases: usize,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    column: usize,
    maximise: bool,
    over: Over,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    column: usize,
    at_most: Option<f64>,
    at_least: Option<f64>,
}

/// How a point does.
#[derive(Clone, Debug, PartialEq)]
pub struct PointScore {
    /// Objectives in their own units and direction; not a number while a sample is not done.
    pub objectives: Vec<f64>,
    /// What limits are passed by, each as a share of its bound (as it is where the bound is 0), summed over limits and
    /// bodies; 0: all hold. Not a number while a sample is not done.
    pub violation: f64,
    /// Samples by how they ended.
    pub counts: Counts,
}

/// Samples by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Measured.
    pub done: u64,
    /// No such machine or massage.
    pub infeasible: u64,
    /// Broken down.
    pub failed: u64,
    /// Not computed.
    pub missing: u64,
}

impl Counts {
    /// Counts one.
    pub fn add(&mut self, state: State) {
        match state {
            State::Done => self.done += 1,
            State::Infeasible => self.infeasible += 1,
            State::Failed => self.failed += 1,
        }
    }
}

impl PointScore {
    /// Whether every sample is done and every limit holds.
    pub fn feasible(&self) -> bool {
        self.violation == 0.0
    }
}

impl Judge {
    /// Of a plan.
    pub fn new(plan: &Plan) -> Judge {
        let column = |name: &str| {
            let at = plan.metrics().iter().position(|c| c.name == name);
            at.unwrap_or(usize::MAX)
        };
        Judge {
            objectives: plan
                .sweep
                .objectives
                .iter()
                .map(|o| Wanted {
                    column: column(&o.name),
                    maximise: o.maximise,
                    over: o.over,
                })
                .collect(),
            limits: plan
                .sweep
                .limits
                .iter()
                .map(|l| Bound {
                    column: column(&l.name),
                    at_most: l.at_most,
                    at_least: l.at_least,
                })
                .collect(),
            cases: plan.cases() as usize,
        }
    }

    /// The same, over another number of cases.
    pub fn over_cases(mut self, cases: u64) -> Judge {
        self.cases = cases as usize;
        self
    }

    /// One number of an objective's values on several bodies.
    pub fn aggregate(&self, objective: usize, values: Vec<f64>) -> f64 {
        self.objectives
            .get(objective)
            .map_or(f64::NAN, |w| w.of(values))
    }

    /// How many of the samples pass a limit.
    pub fn over(&self, records: &[&Record]) -> u64 {
        let over = |r: &&&Record| {
            let excess = |l: &Bound| l.excess(r.metrics.get(l.column).copied().unwrap_or(f64::NAN));
            self.limits.iter().any(|l| excess(l) > 0.0)
        };
        records.iter().filter(over).count() as u64
    }

    /// How a point does, from the records of its samples.
    pub fn score(&self, records: &[&Record]) -> PointScore {
        let mut counts = Counts::default();
        records.iter().for_each(|r| counts.add(r.state));
        counts.missing = (self.cases - records.len().min(self.cases)) as u64;
        if counts.done < self.cases as u64 {
            return PointScore {
                objectives: vec![f64::NAN; self.objectives.len()],
                violation: f64::NAN,
                counts,
            };
        }
        let column = |i: usize| -> Vec<f64> {
            let value = |r: &&Record| r.metrics.get(i).copied().unwrap_or(f64::NAN);
            records.iter().map(value).collect()
        };
        let objectives = self.objectives.iter().map(|w| w.of(column(w.column)));
        let mut violation = 0.0;
        for limit in &self.limits {
            violation += column(limit.column)
                .into_iter()
                .map(|value| limit.excess(value))
                .sum::<f64>();
        }
        PointScore {
            objectives: objectives.collect(),
            violation,
            counts,
        }
    }

    /// As a search wants it: less is better, and what could not be measured on every body is as bad as can be.
    pub fn search_score(&self, score: &PointScore) -> Score {
        if score.violation.is_nan() {
            return Score::failed(self.objectives.len());
        }
        let flip = |(value, wanted): (&f64, &Wanted)| if wanted.maximise { -value } else { *value };
        Score {
            objectives: score
                .objectives
                .iter()
                .zip(&self.objectives)
                .map(flip)
                .collect(),
            violation: score.violation,
        }
    }
}

impl Wanted {
    /// Over bodies. Sums run in the order of bodies.
    fn of(&self, mut values: Vec<f64>) -> f64 {
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let sign = if self.maximise { -1.0 } else { 1.0 };
        match self.over {
            Over::Mean => mean,
            Over::MeanPlusSd => {
                let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
                mean + sign * variance.sqrt()
            }
            Over::Worst | Over::Cvar90 => {
                values.sort_by(|a, b| (sign * b).total_cmp(&(sign * a)));
                let worst = match self.over {
                    Over::Worst => 1,
                    _ => values.len().div_ceil(10).max(1),
                };
                values.iter().take(worst).sum::<f64>() / worst as f64
            }
        }
    }
}

impl Bound {
    fn excess(&self, value: f64) -> f64 {
        let share = |excess: f64, bound: f64| {
            let scale = if bound == 0.0 { 1.0 } else { bound.abs() };
            excess.max(0.0) / scale
        };
        self.at_most.map_or(0.0, |m| share(value - m, m))
            + self.at_least.map_or(0.0, |l| share(l - value, l))
    }
}

/// What stands out, gathered point by point in their order.
#[derive(Clone, Debug)]
pub struct Verdicts {
    judge: Judge,
    search: bool,
    counts: Counts,
    points: PointCounts,
    /// Points that no other beats: with one objective, the best.
    front: Vec<Standing>,
    nearest: Option<Standing>,
    metrics: Vec<Spread>,
}

/// Points by how they did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PointCounts {
    /// Every sample done, every limit holds.
    pub feasible: u64,
    /// Every sample done, a limit passed.
    pub over_a_limit: u64,
    /// A sample that is not done.
    pub incomplete: u64,
}

/// A point and how it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// Its number.
    pub point: u64,
    /// Values of what varies, then of what is derived.
    pub values: Vec<f64>,
    /// In their own units.
    pub objectives: Vec<f64>,
    /// See [`PointScore::violation`].
    pub violation: f64,
    #[serde(skip)]
    score: Vec<f64>,
}

/// Least, mean and greatest of a metric over all samples that are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Least.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Greatest.
    pub max: f64,
    #[serde(skip)]
    count: u64,
}

/// What a sweep found.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Samples by how they ended.
    pub samples: Counts,
    /// Points by how they did.
    pub points: PointCounts,
    /// The best point; with several objectives the one of the front whose greatest loss is smallest (see
    /// [`chosen`](crate::front::chosen)). `None` where nothing is feasible or nothing is wanted.
    pub chosen: Option<Standing>,
    /// With several objectives: feasible points that no other beats in all of them, by number.
    pub front: Vec<Standing>,
    /// Where nothing is feasible: the point that passes its limits by the least.
    pub nearest: Option<Standing>,
    /// Spread of each metric, by name.
    pub metrics: BTreeMap<String, Spread>,
}

impl Verdicts {
    /// Nothing yet.
    pub fn new(plan: &Plan) -> Verdicts {
        Verdicts {
            judge: Judge::new(plan),
            search: plan.sweep.search.is_some(),
            counts: Counts::default(),
            points: PointCounts::default(),
            front: Vec::new(),
            nearest: None,
            metrics: vec![Spread::default(); plan.metrics().len()],
        }
    }

    /// Adds a point; returns how it did.
    pub fn add(&mut self, point: u64, values: &[f64], records: &[&Record]) -> PointScore {
        for record in records {
            let values = self.metrics.iter_mut().zip(&record.metrics);
            for (spread, value) in values.filter(|(_, v)| v.is_finite()) {
                spread.add(*value);
            }
        }
        let score = self.judge.score(records);
        self.counts.done += score.counts.done;
        self.counts.infeasible += score.counts.infeasible;
        self.counts.failed += score.counts.failed;
        // A race drops points before they have met everyone: nothing is missing.
        if !self.search {
            self.counts.missing += score.counts.missing;
        }
        let counted = match score.violation {
            v if v.is_nan() => &mut self.points.incomplete,
            0.0 => &mut self.points.feasible,
            _ => &mut self.points.over_a_limit,
        };
        *counted += 1;
        if score.violation.is_nan() || score.objectives.is_empty() {
            return score;
        }
        let standing = || Standing {
            point,
            values: values.to_vec(),
            objectives: score.objectives.clone(),
            violation: score.violation,
            score: self.judge.search_score(&score).objectives,
        };
        if !score.feasible() {
            let nearer = |n: &Standing| score.violation < n.violation;
            if self.nearest.as_ref().is_none_or(nearer) {
                self.nearest = Some(standing());
            }
            return score;
        }
        let new = standing();
        // Equal ones count as beaten by the first.
        if !self
            .front
            .iter()
            .any(|old| all_at_most(&old.score, &new.score))
        {
            self.front
                .retain(|old| !all_at_most(&new.score, &old.score));
            self.front.push(new);
        }
        score
    }

    /// Points that the plan has and that no record names.
    pub fn add_missing(&mut self, points: u64) {
        self.points.incomplete += points;
        self.counts.missing += points * self.judge.cases as u64;
    }

    /// What was found.
    pub fn summary(&self, plan: &Plan) -> Summary {
        let several = self.judge.objectives.len() > 1;
        let names = plan.metrics().iter().map(|c| c.name.clone());
        let spreads = self.metrics.iter().copied();
        Summary {
            samples: self.counts,
            points: self.points,
            chosen: self.chosen().cloned(),
            front: if several {
                self.front.clone()
            } else {
                Vec::new()
            },
            nearest: match self.front.is_empty() {
                true => self.nearest.clone(),
                false => None,
            },
            metrics: names.zip(spreads).filter(|(_, s)| s.count > 0).collect(),
        }
    }

    fn chosen(&self) -> Option<&Standing> {
        let mut front: Vec<&Standing> = self.front.iter().collect();
        // The first of equals.
        front.sort_by_key(|s| s.point);
        let scores: Vec<Vec<f64>> = front.iter().map(|s| s.score.clone()).collect();
        chosen(&scores).map(|i| front[i])
    }
}

fn all_at_most(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a <= b)
}

impl Spread {
    fn add(&mut self, value: f64) {
        if self.count == 0 {
            (self.min, self.max, self.mean) = (value, value, 0.0);
        }
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.mean += (value - self.mean) / self.count as f64;
    }
}
