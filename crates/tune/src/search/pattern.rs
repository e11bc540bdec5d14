//! Pattern search: the last step, on the grid that the machine can really be set to.

use super::{Axis, Found, Reason, Score, Search, SearchError, Setup, check, keep_best};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Settings of [`Pattern`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatternSettings {
    /// First step along every axis, in the unit cube, over 0, to 0.5; at least one place. Small for a polish of what another
    /// search found.
    pub step: f64,
    /// Distance of two places on real axes, 1e-9 to 0.1: they are a grid too.
    pub resolution: f64,
}

impl Default for PatternSettings {
    fn default() -> PatternSettings {
        PatternSettings {
            step: 0.125,
            resolution: 1e-6,
        }
    }
}

/// Compass search with pattern moves (Hooke and Jeeves 1961), by generations: first all neighbours at the present step and,
/// beside them, points further along the way it came; then what was better, together. Where nothing is better the
/// steps are halved, down to one place; then it ends. With words each other word is a neighbour at any step.
///
/// It needs no random numbers, never leaves the places of the space and never asks for a point twice, and it ends where no
/// neighbour one place away is better.
pub struct Pattern {
    setup: Setup,
    /// Of each axis the last place, counted from 0.
    last: Vec<i64>,
    steps: Vec<i64>,
    stage: Stage,
    known: BTreeMap<Vec<i64>, Score>,
    base: Vec<i64>,
    /// Bases before, the latest last.
    trail: Vec<Vec<i64>>,
    /// Places looked at since the base was taken or the steps were halved, and those of them that are new.
    looked: Vec<Vec<i64>>,
    asked: Vec<Vec<i64>>,
    best: Vec<Found>,
    reason: Option<Reason>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Start,
    Poll,
    Combine,
}

/// How far back the way is looked at, in bases, and how often it is laid on.
const BACK: [usize; 5] = [1, 2, 4, 8, 16];
const AGAIN: [i64; 3] = [1, 2, 4];

impl Pattern {
    /// Begins at the best of the setup's starts, else in the middle.
    ///
    /// # Errors
    ///
    /// Settings outside their ranges.
    pub fn try_new(setup: Setup, settings: PatternSettings) -> Result<Pattern, SearchError> {
        let s = &settings;
        let rules = [
            (
                "step",
                s.step,
                s.step > 0.0 && s.step <= 0.5,
                "over 0, to 0.5",
            ),
            (
                "resolution",
                s.resolution,
                (1e-9..=0.1).contains(&s.resolution),
                "1e-9 to 0.1",
            ),
        ];
        check(&setup, &rules)?;
        let last: Vec<i64> = setup
            .space
            .axes()
            .iter()
            .map(|axis| match axis.count() {
                Some(count) => count as i64 - 1,
                None => (1.0 / s.resolution).round() as i64,
            })
            .collect();
        let step = |last: &i64| ((*last as f64 * s.step).round() as i64).max(1);
        Ok(Pattern {
            steps: last.iter().map(step).collect(),
            setup,
            last,
            stage: Stage::Start,
            known: BTreeMap::new(),
            base: Vec::new(),
            trail: Vec::new(),
            looked: Vec::new(),
            asked: Vec::new(),
            best: Vec::new(),
            reason: None,
        })
    }

    fn words(&self, axis: usize) -> bool {
        matches!(self.setup.space.axes()[axis], Axis::Words(_))
    }

    /// The place of a point of the cube.
    fn place(&self, point: &[f64]) -> Vec<i64> {
        let axes = self.setup.space.axes().iter().zip(&self.last).zip(point);
        axes.map(|((axis, last), &x)| match axis.index(x) {
            Some(index) => index as i64,
            None => (x.clamp(0.0, 1.0) * *last as f64).round() as i64,
        })
        .collect()
    }

    fn point(&self, place: &[i64]) -> Vec<f64> {
        let axes = self.setup.space.axes().iter().zip(&self.last).zip(place);
        axes.map(|((axis, last), &k)| match axis.count() {
            Some(_) => axis.place(k as usize),
            None => k as f64 / *last as f64,
        })
        .collect()
    }

    /// `from` and `times` the way from `a` to `b`, inside the grid; words stay.
    fn along(&self, from: &[i64], a: &[i64], b: &[i64], times: i64) -> Vec<i64> {
        let far = |i: usize| {
            if self.words(i) {
                from[i]
            } else {
                (from[i] + times * (b[i] - a[i])).clamp(0, self.last[i])
            }
        };
        (0..from.len()).map(far).collect()
    }

    /// All neighbours of the base at the present steps, axis by axis.
    fn neighbours(&self) -> Vec<Vec<i64>> {
        let mut all = Vec::new();
        for i in 0..self.base.len() {
            let at = self.base[i];
            let others: Vec<i64> = if self.words(i) {
                (0..=self.last[i]).filter(|&k| k != at).collect()
            } else {
                let step = self.steps[i];
                let both = [at + step, at - step].map(|k| k.clamp(0, self.last[i]));
                both.into_iter().filter(|&k| k != at).collect()
            };
            for k in others {
                let mut place = self.base.clone();
                place[i] = k;
                all.push(place);
            }
        }
        all
    }

    fn look_around(&self) -> Vec<Vec<i64>> {
        let mut places = self.neighbours();
        for back in BACK.iter().filter(|&&back| back <= self.trail.len()) {
            let from = &self.trail[self.trail.len() - back];
            places.extend(AGAIN.map(|times| self.along(&self.base, from, &self.base, times)));
        }
        places
    }

    /// The better neighbours of each axis, the best axis first, taken together: two, three, half and all of them, each also
    /// twice as far and with the last move once and twice more.
    fn combine(&self) -> Vec<Vec<i64>> {
        let base = &self.known[&self.base];
        let mut better: Vec<Vec<i64>> = self.neighbours();
        better.retain(|place| self.known[place].rank(base) == Ordering::Less);
        better.sort_by(|a, b| self.known[a].rank(&self.known[b]));
        let mut axes: Vec<(usize, i64)> = Vec::new();
        for place in &better {
            let moved = (0..place.len()).find(|&i| place[i] != self.base[i]);
            if let Some(i) = moved
                && axes.iter().all(|(axis, _)| *axis != i)
            {
                axes.push((i, place[i]));
            }
        }
        let mut counts = [2, 3, axes.len().div_ceil(2), axes.len()];
        counts.sort_unstable();
        let mut places = Vec::new();
        for count in counts.into_iter().filter(|&c| c >= 1 && c <= axes.len()) {
            let mut place = self.base.clone();
            for &(i, k) in &axes[..count] {
                place[i] = k;
            }
            places.push(self.along(&place, &self.base, &place, 1));
            if let Some(before) = self.trail.last() {
                places.extend([1, 2].map(|t| self.along(&place, before, &self.base, t)));
            }
            places.push(place);
        }
        places
    }

    /// Plans generations until one has something new to ask.
    fn plan(&mut self) {
        while self.asked.is_empty() && self.reason.is_none() {
            self.looked = match self.stage {
                Stage::Start if self.setup.starts.is_empty() => {
                    vec![self.place(&vec![0.5; self.last.len()])]
                }
                Stage::Start => self.setup.starts.iter().map(|s| self.place(s)).collect(),
                Stage::Poll => self.look_around(),
                Stage::Combine => {
                    let mut places = self.combine();
                    places.append(&mut self.looked);
                    places
                }
            };
            for place in &self.looked {
                if !self.known.contains_key(place) && !self.asked.contains(place) {
                    self.asked.push(place.clone());
                }
            }
            if self.asked.is_empty() {
                self.advance();
            }
        }
    }

    /// Moves on, all that was looked at being known.
    fn advance(&mut self) {
        let score = |place: &Vec<i64>| &self.known[place];
        let best = self.looked.iter().min_by(|a, b| score(a).rank(score(b)));
        let best = best.cloned().unwrap_or_else(|| self.base.clone());
        match self.stage {
            Stage::Start => {
                self.base = best;
                self.stage = Stage::Poll;
            }
            Stage::Poll => {
                let around = self.neighbours();
                let base = score(&self.base);
                if around.iter().any(|p| score(p).rank(base) == Ordering::Less) {
                    self.stage = Stage::Combine;
                } else {
                    self.settle(best);
                }
            }
            Stage::Combine => self.settle(best),
        }
    }

    /// Takes `to` for the new base if it is better than the old one, else halves the steps or ends.
    fn settle(&mut self, to: Vec<i64>) {
        self.stage = Stage::Poll;
        if self.known[&to].rank(&self.known[&self.base]) == Ordering::Less {
            self.trail.push(std::mem::replace(&mut self.base, to));
        } else if self.steps.iter().all(|&s| s == 1) {
            self.reason = Some(Reason::LocalOptimum);
        } else {
            for step in &mut self.steps {
                *step = (*step / 2).max(1);
            }
        }
    }
}

impl Search for Pattern {
    fn ask(&mut self) -> Vec<Vec<f64>> {
        self.plan();
        self.asked.iter().map(|place| self.point(place)).collect()
    }

    fn tell(&mut self, scores: &[Score]) {
        assert_eq!(
            scores.len(),
            self.asked.len(),
            "one score a point asked for"
        );
        if scores.is_empty() {
            return;
        }
        let points: Vec<Vec<f64>> = self.asked.iter().map(|p| self.point(p)).collect();
        keep_best(&mut self.best, &points, scores);
        for (place, score) in self.asked.drain(..).zip(scores) {
            self.known.insert(place, score.clone());
        }
        self.advance();
        // What is left may be known already: then this was the last generation.
        self.plan();
    }

    fn done(&self) -> Option<Reason> {
        self.reason
    }

    fn best(&self) -> &[Found] {
        &self.best
    }
}

#[cfg(test)]
mod tests {
    use super::super::Space;
    use super::*;
    use std::collections::BTreeSet;

    /// A tilted valley on a grid of 41 x 41 x 3 words: the end has no better neighbour, every point asked is a place, none
    /// came twice.
    #[test]
    fn it_ends_at_a_local_optimum_of_the_grid() {
        let axes = vec![Axis::levels(41), Axis::levels(41), Axis::Words(3)];
        let mut setup = Setup::new(Space::try_new(axes).unwrap(), 0);
        setup.starts = vec![vec![0.9, 0.1, 0.1]];
        let space = setup.space.clone();
        let value = |x: &[f64]| {
            let (a, b) = (x[0] - 0.31, x[1] - 0.62);
            let word = space.axes()[2].index(x[2]).unwrap() as f64;
            Score {
                objectives: vec![(a + b).powi(2) + 30.0 * (a - b).powi(2) + (word - 1.0).abs()],
                violation: (0.2 - x[0]).max(0.0),
            }
        };
        let mut search = Pattern::try_new(setup, PatternSettings::default()).unwrap();
        let mut seen = BTreeSet::new();
        while search.done().is_none() {
            let points = search.ask();
            assert!(!points.is_empty());
            for p in &points {
                assert_eq!(&space.snapped(p), p);
                assert!(seen.insert(p.iter().map(|x| x.to_bits()).collect::<Vec<_>>()));
            }
            assert_eq!(search.ask(), points);
            search.tell(&points.iter().map(|p| value(p)).collect::<Vec<_>>());
        }
        assert_eq!(search.done(), Some(Reason::LocalOptimum));
        assert!(search.ask().is_empty());
        let best = &search.best()[0];
        let at: Vec<usize> = (0..3)
            .map(|i| space.axes()[i].index(best.point[i]).unwrap())
            .collect();
        assert_eq!(at[2], 1);
        for i in 0..2 {
            for k in [at[i].wrapping_sub(1), at[i] + 1] {
                if k < 41 {
                    let mut near = best.point.clone();
                    near[i] = space.axes()[i].place(k);
                    assert_ne!(value(&near).rank(&best.score), Ordering::Less);
                }
            }
        }
        assert!(seen.len() < 300, "{} of 5043", seen.len());
    }
}
