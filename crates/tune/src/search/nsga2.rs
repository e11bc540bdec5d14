//! NSGA-II: the trade-off front of two objectives.

use super::evolution::Breeding;
use super::sorting::{crowding, fronts};
use super::{Found, Reason, Score, Search, SearchError, Setup, check};
use crate::random::Draw;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Settings of [`Nsga2`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nsga2Settings {
    /// Points a generation, 4 to 10 000.
    pub population: usize,
    /// Crossover and mutation.
    pub breeding: Breeding,
}

impl Default for Nsga2Settings {
    fn default() -> Nsga2Settings {
        Nsga2Settings {
            population: 100,
            breeding: Breeding::default(),
        }
    }
}

/// Elitist non-dominated sorting with crowding distance and constrained domination (Deb, Pratap, Agarwal, Meyarivan 2002).
/// For three objectives and more crowding spreads badly; take NSGA-III. It never ends by itself.
pub struct Nsga2 {
    setup: Setup,
    settings: Nsga2Settings,
    generation: u64,
    asked: Vec<Vec<f64>>,
    population: Vec<Found>,
    /// Of each point of the population: front, crowding distance.
    standing: Vec<(usize, f64)>,
    best: Vec<Found>,
}

impl Nsga2 {
    /// Begins with the setup's starts and a Sobol' sequence.
    ///
    /// # Errors
    ///
    /// Settings outside their ranges.
    pub fn try_new(setup: Setup, settings: Nsga2Settings) -> Result<Nsga2, SearchError> {
        let n = settings.population;
        let mut rules = vec![(
            "population",
            n as f64,
            (4..=10_000).contains(&n),
            "4 to 10000",
        )];
        rules.extend(settings.breeding.rules());
        check(&setup, &rules)?;
        Ok(Nsga2 {
            setup,
            settings,
            generation: 0,
            asked: Vec::new(),
            population: Vec::new(),
            standing: Vec::new(),
            best: Vec::new(),
        })
    }

    /// Of two drawn at random the one of the lower front, or the less crowded one.
    fn parent(&self, draw: &mut Draw) -> usize {
        let (a, b) = (
            draw.below(self.population.len()),
            draw.below(self.population.len()),
        );
        let (one, other) = (self.standing[a], self.standing[b]);
        match one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)) {
            Ordering::Greater => b,
            _ => a,
        }
    }
}

impl Search for Nsga2 {
    fn ask(&mut self) -> Vec<Vec<f64>> {
        if self.asked.is_empty() {
            self.asked = if self.population.is_empty() {
                self.setup.first(self.settings.population)
            } else {
                let points: Vec<Vec<f64>> =
                    self.population.iter().map(|f| f.point.clone()).collect();
                let mut draw = self.setup.draw(self.generation);
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
        self.generation += 1;
        let all: Vec<Score> = self.population.iter().map(|f| f.score.clone()).collect();
        let (mut kept, mut standing) = (Vec::new(), Vec::new());
        for (rank, front) in fronts(&all).iter().enumerate() {
            let distance = crowding(&all, front);
            let mut order: Vec<usize> = (0..front.len()).collect();
            if kept.len() + front.len() > self.settings.population {
                order.sort_by(|&a, &b| distance[b].total_cmp(&distance[a]));
                order.truncate(self.settings.population - kept.len());
                order.sort_unstable();
            }
            kept.extend(order.iter().map(|&i| front[i]));
            standing.extend(order.iter().map(|&i| (rank, distance[i])));
            if kept.len() == self.settings.population {
                break;
            }
        }
        self.population = kept.iter().map(|&i| self.population[i].clone()).collect();
        self.standing = standing;
        self.best = non_dominated(&self.population, |i| self.standing[i].0);
    }

    fn done(&self) -> Option<Reason> {
        None
    }

    fn best(&self) -> &[Found] {
        &self.best
    }
}

/// The first front without what failed.
pub(super) fn non_dominated(population: &[Found], front: impl Fn(usize) -> usize) -> Vec<Found> {
    let first = population
        .iter()
        .enumerate()
        .filter(|&(i, found)| front(i) == 0 && found.score.violation_or_failure() < f64::INFINITY);
    first.map(|(_, found)| found.clone()).collect()
}
