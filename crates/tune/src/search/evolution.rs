//! Crossover and mutation of the populations: simulated binary crossover and polynomial mutation inside bounds.

use super::{Axis, Ledger, Setup, Space};
use crate::random::Draw;
use serde::{Deserialize, Serialize};

/// How children come from parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breeding {
    /// Share of pairs that are crossed, 0 to 1.
    pub crossover: f64,
    /// Index of simulated binary crossover (Deb and Agrawal 1995), 1 to 100: more keeps children nearer to their parents.
    pub crossover_index: f64,
    /// Mutations a child on average, 0 to the number of axes.
    pub mutations: f64,
    /// Index of polynomial mutation (Deb and Goyal 1996), 1 to 100: more takes smaller steps.
    pub mutation_index: f64,
}

impl Default for Breeding {
    /// What Deb and others (2002) used for NSGA-II, with crossover index 15 instead of 20.
    fn default() -> Breeding {
        Breeding {
            crossover: 0.9,
            crossover_index: 15.0,
            mutations: 1.0,
            mutation_index: 20.0,
        }
    }
}

impl Breeding {
    /// For [`super::check`].
    pub(super) fn rules(&self) -> [super::Rule; 4] {
        let index = |i: f64| (1.0..=100.0).contains(&i);
        let (c, m) = (self.crossover, self.mutations);
        [
            ("crossover", c, (0.0..=1.0).contains(&c), "0 to 1"),
            (
                "crossover_index",
                self.crossover_index,
                index(self.crossover_index),
                "1 to 100",
            ),
            ("mutations", m, (0.0..=1e6).contains(&m), "0 and more"),
            (
                "mutation_index",
                self.mutation_index,
                index(self.mutation_index),
                "1 to 100",
            ),
        ]
    }

    /// As many children as there are in the population, none like another or like one of the population, as far as
    /// a few tries find such; `parent` chooses.
    pub(super) fn children(
        &self,
        setup: &Setup,
        population: &[Vec<f64>],
        draw: &mut Draw,
        parent: impl Fn(&mut Draw) -> usize,
    ) -> Vec<Vec<f64>> {
        let space = &setup.space;
        let mut seen = Ledger::default();
        for point in population {
            seen.admit(point);
        }
        let mut children: Vec<Vec<f64>> = Vec::with_capacity(population.len());
        let mut left = 10 * population.len();
        while children.len() < population.len() {
            let (mut a, mut b) = (
                population[parent(draw)].clone(),
                population[parent(draw)].clone(),
            );
            if draw.chance(self.crossover) {
                self.cross(space, &mut a, &mut b, draw);
            }
            for mut child in [a, b] {
                self.mutate(space, &mut child, draw);
                space.snap(&mut child);
                let known = seen.len();
                seen.admit(&child);
                left = left.saturating_sub(1);
                if children.len() < population.len() && (seen.len() > known || left == 0) {
                    children.push(child);
                }
            }
        }
        children
    }

    /// Exchanges or spreads each axis with a chance of one half (Deb and Agrawal 1995, the form with bounds of Deb's code).
    fn cross(&self, space: &Space, a: &mut [f64], b: &mut [f64], draw: &mut Draw) {
        let power = 1.0 / (self.crossover_index + 1.0);
        for ((a, b), axis) in a.iter_mut().zip(b).zip(space.axes()) {
            if draw.chance(0.5) || (*a - *b).abs() < 1e-14 {
                continue;
            }
            if !matches!(axis, Axis::Words(_)) {
                let (low, high) = (a.min(*b), a.max(*b));
                let u = draw.unit();
                let spread = |room: f64| {
                    let beta = 1.0 + 2.0 * room / (high - low);
                    let alpha = 2.0 - beta.powf(-(self.crossover_index + 1.0));
                    if u <= 1.0 / alpha {
                        (u * alpha).powf(power)
                    } else {
                        (1.0 / (2.0 - u * alpha)).powf(power)
                    }
                };
                let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
                (*a, *b) = (
                    (middle - spread(low) * half).clamp(0.0, 1.0),
                    (middle + spread(1.0 - high) * half).clamp(0.0, 1.0),
                );
            }
            if draw.chance(0.5) {
                std::mem::swap(a, b);
            }
        }
    }

    /// Moves each axis with its chance (Deb and Goyal 1996, the form with bounds). A step that would fall back to the same
    /// place goes to the next one instead; a word becomes another word.
    fn mutate(&self, space: &Space, point: &mut [f64], draw: &mut Draw) {
        let chance = self.mutations / point.len() as f64;
        for (x, axis) in point.iter_mut().zip(space.axes()) {
            if !draw.chance(chance) {
                continue;
            }
            let u = draw.unit();
            if let Axis::Words(count) = axis {
                let other = (u * f64::from(count - 1)) as usize;
                let same = axis.index(*x).unwrap_or(0);
                *x = axis.place((other + usize::from(other >= same)).min(*count as usize - 1));
                continue;
            }
            let n = self.mutation_index + 1.0;
            let step = if u < 0.5 {
                (2.0 * u + (1.0 - 2.0 * u) * (1.0 - *x).powf(n)).powf(1.0 / n) - 1.0
            } else {
                1.0 - (2.0 * (1.0 - u) + 2.0 * (u - 0.5) * x.powf(n)).powf(1.0 / n)
            };
            let moved = (*x + step).clamp(0.0, 1.0);
            *x = match (axis.index(*x), axis.index(moved), axis.count()) {
                (Some(from), Some(to), Some(count)) if from == to => {
                    let next = if u < 0.5 {
                        from.saturating_sub(1)
                    } else {
                        from + 1
                    };
                    axis.place(next.min(count - 1))
                }
                _ => moved,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both operators keep to the cube and to the places, and on average to where the parents are: the spread of simulated
    /// binary crossover is symmetric where bounds are far (Deb and Agrawal 1995).
    #[test]
    fn children_stay_in_the_space_and_around_their_parents() {
        let axes = vec![Axis::Real, Axis::levels(9), Axis::Words(3), Axis::Real];
        let setup = Setup::new(Space::try_new(axes).unwrap(), 1);
        let parents = [vec![0.45, 0.5, 0.5, 0.0], vec![0.55, 0.625, 0.5, 0.1]];
        let mut draw = Draw::new(&[1]);
        let breeding = Breeding {
            mutations: 2.0,
            ..Breeding::default()
        };
        let mut sum = 0.0;
        let rounds = 2000;
        for _ in 0..rounds {
            for child in breeding.children(&setup, &parents, &mut draw, |d| d.below(2)) {
                assert_eq!(setup.space.snapped(&child), child);
                assert!(parents.iter().all(|p| p != &child));
                sum += child[0] / (2 * rounds) as f64;
            }
        }
        // A child's deviation is about 0.06 on this axis, so the mean of 4000 is good to 0.001; four of them.
        assert!((sum - 0.5).abs() < 0.004, "{sum}");
    }

    /// A space with fewer points than the population wants still gives a generation.
    #[test]
    fn a_small_space_repeats_instead_of_searching_for_ever() {
        let setup = Setup::new(Space::try_new(vec![Axis::levels(2)]).unwrap(), 1);
        let parents = [vec![0.0], vec![1.0]];
        let mut draw = Draw::new(&[1]);
        let children = Breeding::default().children(&setup, &parents, &mut draw, |d| d.below(2));
        assert_eq!(children.len(), 2);
    }
}
