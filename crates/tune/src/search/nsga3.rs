//! NSGA-III: the trade-off front of three or four objectives, spread along directions.

use super::evolution::Breeding;
use super::nsga2::non_dominated;
use super::sorting::fronts;
use super::{Found, Reason, Score, Search, SearchError, Setup, check};
use crate::random::Draw;
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Settings of [`Nsga3`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nsga3Settings {
    /// Objectives, 2 to 4.
    pub objectives: usize,
    /// Points a generation, 4 to 10 000. There are as many directions as the largest triangle grid has that is not more.
    pub population: usize,
    /// Crossover and mutation.
    pub breeding: Breeding,
}

impl Default for Nsga3Settings {
    /// Population and indices of Deb and Jain (2014) for three objectives: 91 directions, 92 points.
    fn default() -> Nsga3Settings {
        Nsga3Settings {
            objectives: 3,
            population: 92,
            breeding: Breeding {
                crossover: 1.0,
                crossover_index: 30.0,
                ..Breeding::default()
            },
        }
    }
}

/// Reference-point based non-dominated sorting with constrained domination (Deb and Jain 2014; Jain and Deb 2014). It never
/// ends by itself.
pub struct Nsga3 {
    setup: Setup,
    settings: Nsga3Settings,
    directions: Vec<Vec<f64>>,
    generation: u64,
    asked: Vec<Vec<f64>>,
    population: Vec<Found>,
    first_front: Vec<bool>,
    /// Lowest value of each objective so far.
    ideal: Vec<f64>,
    /// The point nearest to each axis of the objectives so far.
    extremes: Vec<Vec<f64>>,
    best: Vec<Found>,
}

impl Nsga3 {
    /// Begins with the setup's starts and a Sobol' sequence.
    ///
    /// # Errors
    ///
    /// Settings outside their ranges.
    pub fn try_new(setup: Setup, settings: Nsga3Settings) -> Result<Nsga3, SearchError> {
        let (m, n) = (settings.objectives, settings.population);
        let mut rules = vec![
            ("objectives", m as f64, (2..=4).contains(&m), "2 to 4"),
            (
                "population",
                n as f64,
                (4..=10_000).contains(&n),
                "4 to 10000",
            ),
        ];
        rules.extend(settings.breeding.rules());
        check(&setup, &rules)?;
        Ok(Nsga3 {
            setup,
            directions: directions(m, n),
            ideal: vec![f64::INFINITY; m],
            settings,
            generation: 0,
            asked: Vec::new(),
            population: Vec::new(),
            first_front: Vec::new(),
            extremes: Vec::new(),
            best: Vec::new(),
        })
    }

    /// The directions along which the front is spread, each adding up to 1.
    pub fn directions(&self) -> &[Vec<f64>] {
        &self.directions
    }

    /// A random point; where either of two is not feasible the one that stands before (Jain and Deb 2014, algorithm 2).
    fn parent(&self, draw: &mut Draw) -> usize {
        let (a, b) = (
            draw.below(self.population.len()),
            draw.below(self.population.len()),
        );
        let violation = |i: usize| self.population[i].score.violation_or_failure();
        if violation(b) < violation(a) { b } else { a }
    }

    /// Of the indices of a last front as many as there is room for, where directions are least taken by `kept`.
    fn niche(
        &self,
        all: &[Score],
        kept: &[usize],
        last: &[usize],
        room: usize,
        draw: &mut Draw,
    ) -> Vec<usize> {
        let span = self.span(all, kept.iter().chain(last));
        let nearest = |&i: &usize| {
            let pairs = all[i].objectives.iter().zip(&self.ideal).zip(&span);
            let z: Vec<f64> = pairs.map(|((f, low), span)| (f - low) / span).collect();
            self.nearest(&z)
        };
        let mut taken = vec![0usize; self.directions.len()];
        for i in kept {
            taken[nearest(i).0] += 1;
        }
        let mut waiting: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.directions.len()];
        for i in last {
            let (direction, distance) = nearest(i);
            waiting[direction].push((*i, distance));
        }
        let mut chosen = Vec::with_capacity(room);
        while chosen.len() < room {
            let open = || (0..waiting.len()).filter(|&d| !waiting[d].is_empty());
            let Some(least) = open().map(|d| taken[d]).min() else {
                break;
            };
            let emptiest: Vec<usize> = open().filter(|&d| taken[d] == least).collect();
            let d = emptiest[draw.below(emptiest.len())];
            let k = if taken[d] == 0 {
                let distance = |k: &usize| waiting[d][*k].1;
                (0..waiting[d].len())
                    .min_by(|a, b| distance(a).total_cmp(&distance(b)))
                    .unwrap_or(0)
            } else {
                draw.below(waiting[d].len())
            };
            chosen.push(waiting[d].remove(k).0);
            taken[d] += 1;
        }
        chosen
    }

    /// Which direction is nearest to a normalised point, and the distance from its line.
    fn nearest(&self, z: &[f64]) -> (usize, f64) {
        let square: f64 = z.iter().map(|z| z * z).sum();
        let mut best = (0, f64::INFINITY);
        for (d, w) in self.directions.iter().enumerate() {
            let (along, length) = z
                .iter()
                .zip(w)
                .fold((0.0, 0.0), |(a, l), (z, w)| (a + z * w, l + w * w));
            let off = square - along * along / length;
            if off < best.1 {
                best = (d, off);
            }
        }
        (best.0, best.1.max(0.0).sqrt())
    }

    /// How far the front reaches in each objective: where the plane through the extreme points meets the axes, or, where
    /// there is no such plane, the worst of the points.
    fn span<'a>(&self, all: &[Score], who: impl Iterator<Item = &'a usize>) -> Vec<f64> {
        let m = self.ideal.len();
        let mut worst = vec![0.0f64; m];
        for &i in who {
            for (w, (f, low)) in worst
                .iter_mut()
                .zip(all[i].objectives.iter().zip(&self.ideal))
            {
                *w = w.max(f - low);
            }
        }
        let rows: Vec<f64> = self
            .extremes
            .iter()
            .flat_map(|e| e.iter().zip(&self.ideal).map(|(f, low)| f - low))
            .collect();
        let plane = (rows.len() == m * m)
            .then(|| DMatrix::from_row_slice(m, m, &rows))
            .and_then(|e| e.lu().solve(&DVector::from_element(m, 1.0)));
        let intercepts: Vec<f64> = match plane {
            Some(plane) => plane.iter().map(|p| 1.0 / p).collect(),
            None => vec![f64::NAN; m],
        };
        let sound = intercepts.iter().all(|a| a.is_finite() && *a > 1e-6);
        let span = if sound { intercepts } else { worst };
        span.iter().map(|s| s.max(1e-12)).collect()
    }

    /// Lowers the ideal and renews the extremes: for each axis the point with the least achievement scalarising value, all
    /// other objectives weighing a million times as much.
    fn look(&mut self, all: &[Score], front: &[usize]) {
        let m = self.ideal.len();
        for score in all.iter().filter(|s| s.feasible()) {
            for (low, f) in self.ideal.iter_mut().zip(&score.objectives) {
                *low = low.min(*f);
            }
        }
        let mut candidates = std::mem::take(&mut self.extremes);
        candidates.extend(front.iter().map(|&i| all[i].objectives.clone()));
        let ideal = &self.ideal;
        self.extremes = (0..m)
            .filter_map(|axis| {
                let value = |f: &[f64]| {
                    let parts = f.iter().zip(ideal).enumerate();
                    parts
                        .map(|(k, (f, low))| (f - low) * if k == axis { 1.0 } else { 1e6 })
                        .fold(0.0, f64::max)
                };
                let least = candidates
                    .iter()
                    .min_by(|a, b| value(a).total_cmp(&value(b)));
                least.cloned()
            })
            .collect();
    }
}

impl Search for Nsga3 {
    fn ask(&mut self) -> Vec<Vec<f64>> {
        if self.asked.is_empty() {
            self.asked = if self.population.is_empty() {
                self.setup.first(self.settings.population)
            } else {
                let points: Vec<Vec<f64>> =
                    self.population.iter().map(|f| f.point.clone()).collect();
                let mut draw = self.setup.draw(2 * self.generation);
                let breeding = &self.settings.breeding;
                breeding.children(&self.setup, &points, &mut draw, |d| self.parent(d))
            };
        }
        self.asked.clone()
    }

    fn tell(&mut self, scores: &[Score]) {
        assert_eq!(
            scores.len(),
            self.asked.len(),
            "one score a point asked for"
        );
        let told = self.asked.drain(..).zip(scores);
        self.population.extend(told.map(|(point, score)| Found {
            point,
            score: score.clone(),
        }));
        let all: Vec<Score> = self.population.iter().map(|f| f.score.clone()).collect();
        let fronts = fronts(&all);
        let feasible = |front: &[usize]| front.first().is_some_and(|&i| all[i].feasible());
        if feasible(&fronts[0]) {
            self.look(&all, &fronts[0]);
        }
        let mut draw = self.setup.draw(2 * self.generation + 1);
        let mut kept: Vec<usize> = Vec::new();
        for front in &fronts {
            let room = self.settings.population - kept.len();
            match front.len().cmp(&room) {
                Ordering::Greater if feasible(front) => {
                    kept.extend(self.niche(&all, &kept, front, room, &mut draw));
                }
                _ => kept.extend(front.iter().take(room)),
            }
        }
        kept.sort_unstable();
        self.first_front = kept.iter().map(|i| fronts[0].contains(i)).collect();
        self.population = kept.iter().map(|&i| self.population[i].clone()).collect();
        self.generation += 1;
        self.best = non_dominated(&self.population, |i| usize::from(!self.first_front[i]));
    }

    fn done(&self) -> Option<Reason> {
        None
    }

    fn best(&self) -> &[Found] {
        &self.best
    }
}

/// Points of the triangle grid of Das and Dennis (1998): all `k / p` that add up to 1, with the largest `p` that gives no
/// more than `most`, at least 1.
fn directions(objectives: usize, most: usize) -> Vec<Vec<f64>> {
    fn grid(left: u32, objectives: usize) -> Vec<Vec<u32>> {
        if objectives == 1 {
            return vec![vec![left]];
        }
        (0..=left)
            .flat_map(|first| {
                let rest = grid(left - first, objectives - 1).into_iter();
                rest.map(move |rest| std::iter::once(first).chain(rest).collect())
            })
            .collect()
    }
    let mut parts = 1;
    let mut found = grid(1, objectives);
    loop {
        let next = grid(parts + 1, objectives);
        if next.len() > most {
            break;
        }
        parts += 1;
        found = next;
    }
    let one = |k: Vec<u32>| {
        k.into_iter()
            .map(|k| f64::from(k) / f64::from(parts))
            .collect()
    };
    found.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of directions as in Deb and Jain (2014), table 1: 91 for three objectives in twelve parts; for four
    /// objectives `C(p + 3, 3)`: 84 in six. Two objectives have `p + 1`.
    #[test]
    fn val_directions() {
        for (objectives, most, count) in [(3, 92, 91), (4, 100, 84), (2, 100, 100), (4, 4, 4)] {
            let d = directions(objectives, most);
            assert_eq!(d.len(), count);
            assert!(
                d.iter()
                    .all(|w| (w.iter().sum::<f64>() - 1.0).abs() < 1e-12)
            );
        }
    }
}
