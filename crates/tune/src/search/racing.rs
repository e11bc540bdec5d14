//! Racing: most candidates are dropped after a few bodies.

use super::{Score, SearchError};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Settings of [`Racing`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RacingSettings {
    /// Bodies of the first heat, at least 1.
    pub first_bodies: usize,
    /// By how much candidates become fewer and bodies more from heat to heat, 2 to 8.
    pub factor: usize,
    /// Share of the candidates that meet all bodies at least, over 0, to 1. A search that learns from the better half needs
    /// half of them judged in full.
    pub survivors: f64,
}

impl Default for RacingSettings {
    fn default() -> RacingSettings {
        RacingSettings {
            first_bodies: 8,
            factor: 2,
            survivors: 0.5,
        }
    }
}

/// Successive halving over the bodies of a population (Jamieson and Talwalkar 2016), for one generation and one objective.
///
/// Heat by heat the candidates still in the race meet more bodies, in the population's order, and those that rank behind are
/// dropped. Who drops hangs on earlier heats alone, so any number of threads gives the same race. A limit must hold on every
/// body, so a candidate that passes one on the first few is rightly dropped; one that is dropped by its objective may
/// have done better on the rest: racing saves time and costs certainty, and final runs go without.
#[derive(Clone, Debug)]
pub struct Racing {
    settings: RacingSettings,
    bodies: usize,
    least: usize,
    /// Candidates in the race, ascending, and bodies they have met.
    racing: Vec<usize>,
    met: usize,
    scores: Vec<Score>,
    dropped: Vec<Vec<usize>>,
    evaluations: usize,
}

/// What is to be evaluated next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    /// Candidates, ascending.
    pub candidates: Vec<usize>,
    /// Bodies that they have not met.
    pub bodies: Range<usize>,
}

impl Racing {
    /// A race of this many candidates over this many bodies.
    ///
    /// # Errors
    ///
    /// Settings outside their ranges, no body or no candidate.
    pub fn try_new(
        candidates: usize,
        bodies: usize,
        settings: RacingSettings,
    ) -> Result<Racing, SearchError> {
        let s = &settings;
        let rules = [
            (
                "candidates",
                candidates as f64,
                candidates > 0,
                "1 and more",
            ),
            ("bodies", bodies as f64, bodies > 0, "1 and more"),
            (
                "first_bodies",
                s.first_bodies as f64,
                s.first_bodies > 0,
                "1 and more",
            ),
            (
                "factor",
                s.factor as f64,
                (2..=8).contains(&s.factor),
                "2 to 8",
            ),
            (
                "survivors",
                s.survivors,
                s.survivors > 0.0 && s.survivors <= 1.0,
                "over 0, to 1",
            ),
        ];
        super::allowed(&rules)?;
        let least = (candidates as f64 * s.survivors).ceil() as usize;
        Ok(Racing {
            settings,
            bodies,
            least,
            racing: (0..candidates).collect(),
            met: 0,
            scores: vec![Score::failed(1); candidates],
            dropped: Vec::new(),
            evaluations: 0,
        })
    }

    /// The next heat; `None` when those left have met all bodies.
    pub fn ask(&self) -> Option<Heat> {
        let next = match self.met {
            0 => self.settings.first_bodies,
            // Nobody is left to be dropped: the rest in one go.
            _ if self.racing.len() <= self.least => self.bodies,
            met => met * self.settings.factor,
        };
        (self.met < self.bodies).then(|| Heat {
            candidates: self.racing.clone(),
            bodies: self.met..next.min(self.bodies),
        })
    }

    /// Scores of the heat's candidates, in its order, each over *all* bodies met so far.
    ///
    /// # Panics
    ///
    /// When their number is not that of the heat's candidates.
    pub fn tell(&mut self, scores: &[Score]) {
        let Some(heat) = self.ask() else {
            assert!(scores.is_empty(), "the race is over");
            return;
        };
        assert_eq!(
            scores.len(),
            heat.candidates.len(),
            "one score a candidate of the heat"
        );
        self.evaluations += scores.len() * heat.bodies.len();
        self.met = heat.bodies.end;
        for (&i, score) in heat.candidates.iter().zip(scores) {
            self.scores[i] = score.clone();
        }
        if self.met < self.bodies {
            let mut order = heat.candidates;
            order.sort_by(|&a, &b| self.scores[a].rank(&self.scores[b]));
            let stay = order.len().div_ceil(self.settings.factor).max(self.least);
            let mut out = order.split_off(stay.min(order.len()));
            order.sort_unstable();
            out.sort_unstable();
            self.racing = order;
            self.dropped.push(out);
        }
    }

    /// Candidates that met all bodies, ascending.
    pub fn survivors(&self) -> &[usize] {
        &self.racing
    }

    /// Simulations spent: candidates times bodies.
    pub fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// The scores to tell a search, in the order of the candidates. Who was dropped does not stand before anyone who stayed
    /// longer: it is given the worst score of those if its own, over fewer bodies, looks better.
    pub fn scores(&self) -> Vec<Score> {
        let mut scores = self.scores.clone();
        let worst = |scores: &[Score], who: &[usize]| {
            let all = who.iter().map(|&i| &scores[i]);
            all.max_by(|a, b| a.rank(b)).cloned()
        };
        let mut bar = worst(&scores, &self.racing);
        for out in self.dropped.iter().rev() {
            if let Some(bar) = &bar {
                for &i in out {
                    if scores[i].rank(bar).is_lt() {
                        scores[i] = bar.clone();
                    }
                }
            }
            bar = worst(&scores, out).or(bar);
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen candidates of known worth on 64 bodies that scatter, a quarter to survive: 16 on 8 bodies, 8 on 8 more, 4 on the
    /// other 48: 128 + 64 + 192 = 384 simulations of 1024.
    #[test]
    fn val_halving_costs_what_it_should_and_keeps_the_best() {
        let settings = RacingSettings {
            survivors: 0.25,
            ..RacingSettings::default()
        };
        let value = |candidate: usize, body: usize| {
            let noise = (candidate * 7 + body * 13) % 11;
            // The worth's order is mixed: candidate 5 i mod 16 is the i-th best.
            ((candidate * 13) % 16) as f64 + 0.2 * noise as f64
        };
        let mut race = Racing::try_new(16, 64, settings).unwrap();
        let mut heats = Vec::new();
        while let Some(heat) = race.ask() {
            let mean = |&c: &usize| Score {
                objectives: vec![
                    (0..heat.bodies.end).map(|b| value(c, b)).sum::<f64>() / heat.bodies.end as f64,
                ],
                violation: if c == 10 { 1.0 } else { 0.0 },
            };
            let scores: Vec<Score> = heat.candidates.iter().map(mean).collect();
            heats.push((heat.candidates.len(), heat.bodies.clone()));
            race.tell(&scores);
        }
        assert_eq!(heats, [(16, 0..8), (8, 8..16), (4, 16..64)]);
        assert_eq!(race.evaluations(), 128 + 64 + 192);
        // 2 (13 x 10 = 130 = 2 mod 16) would be third but passes a limit.
        assert_eq!(race.survivors(), [0, 4, 5, 15]);
        let scores = race.scores();
        let worst = [0, 4, 5, 15].map(|i: usize| scores[i].clone());
        let worst = worst.iter().max_by(|a, b| a.rank(b)).unwrap();
        for i in (0..16).filter(|i| ![0, 4, 5, 15].contains(i)) {
            assert!(!scores[i].rank(worst).is_lt(), "{i}");
        }
        assert!(!scores[10].feasible());
    }
}
