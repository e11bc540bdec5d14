//! A search at work: a lot is one island.
//!
//! Nothing of a search is saved but the records of its samples. It is rebuilt from its seed by asking and telling again, and
//! a record that is there is not computed again: the same points follow, bit for bit.

use super::crew::{Crew, Manner, Row, Sink};
use super::judge::Judge;
use super::plan::{Plan, SweepError};
use super::record::{Known, Record};
use crate::random::hash;
use crate::search::{
    Axis, CmaEs, CmaSettings, Entry, Ledger, Nsga2, Nsga2Settings, Nsga3, Nsga3Settings, Pattern,
    PatternSettings, Racing, RacingSettings, Score, Search, SearchError, Setup, Space, SpaceError,
    StochasticRanking, StochasticRankingSettings,
};
use scene::{Algorithm, SearchPlan, Span, Sweep};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Generations' worth of points that a polish may take.
const POLISH: u64 = 20;

/// Generations in which a search only came back to where it was: then it is over.
const IDLE: u32 = 20;

impl Plan {
    /// Points that an island may take.
    pub(super) fn island_points(&self) -> u64 {
        self.sweep.search.map_or(0, |s| {
            let polish = if s.polish { POLISH } else { 0 };
            u64::from(s.population) * (u64::from(s.generations) + polish)
        })
    }
}

/// Searches one island.
pub(super) fn hunt(
    crew: &Crew,
    plan: &Plan,
    lot: Range<u64>,
    known: Known,
    manner: Manner,
    sink: &dyn Sink,
) -> Result<Vec<Row>, SweepError> {
    let Some(settings) = plan.sweep.search else {
        return Ok(Vec::new());
    };
    let first = lot.start / plan.cases();
    let island = first / plan.island_points().max(1);
    let mut hunt = Hunt {
        crew,
        plan,
        manner,
        sink,
        judge: Judge::new(plan),
        first,
        known,
        ledger: Ledger::default(),
        scores: Vec::new(),
        rows: Vec::new(),
    };
    let wrong = |e: SearchError| SweepError::Search(e.to_string());
    let mut search = start(plan, settings, island).map_err(wrong)?;
    let budget = u64::from(settings.population) * u64::from(settings.generations);
    hunt.drive(&mut *search, budget, settings.racing)?;
    if settings.polish
        && let Some(best) = search.best().first()
    {
        let mut polish = polish(plan, best.point.clone()).map_err(wrong)?;
        let budget = hunt.ledger.len() as u64 + u64::from(settings.population) * POLISH;
        hunt.drive(&mut *polish, budget, false)?;
    }
    let mut rows = hunt.rows;
    rows.sort_by_key(|r| r.record.sample);
    Ok(rows)
}

struct Hunt<'a> {
    crew: &'a Crew,
    plan: &'a Plan,
    manner: Manner,
    sink: &'a dyn Sink,
    judge: Judge,
    /// Number of the island's first point.
    first: u64,
    /// What was there before.
    known: Known,
    /// Points of the island by their places.
    ledger: Ledger,
    /// Their scores, by number.
    scores: Vec<Score>,
    rows: Vec<Row>,
}

impl Hunt<'_> {
    /// Asks and tells until the search is done or would take more than `budget` points of the island.
    fn drive(
        &mut self,
        search: &mut dyn Search,
        budget: u64,
        racing: bool,
    ) -> Result<(), SweepError> {
        let mut idle = 0;
        while search.done().is_none() && idle < IDLE {
            let asked = search.ask();
            // Points that have come before keep their number and their score; a budget ends with whole generations.
            let fresh: BTreeSet<Vec<u64>> = asked
                .iter()
                .filter(|p| self.ledger.number(p).is_none())
                .map(|p| p.iter().map(|x| (x + 0.0).to_bits()).collect())
                .collect();
            if asked.is_empty() || (self.ledger.len() + fresh.len()) as u64 > budget {
                return Ok(());
            }
            idle = if fresh.is_empty() { idle + 1 } else { 0 };
            let mut new: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            let mut numbers = Vec::with_capacity(asked.len());
            for point in &asked {
                numbers.push(match self.ledger.admit(point) {
                    Entry::New(number) => {
                        new.insert(number as u64, self.plan.values_at(point));
                        number
                    }
                    Entry::Again(number) => number,
                });
            }
            self.judge_new(&new, racing)?;
            let told: Vec<Score> = numbers.iter().map(|n| self.scores[*n].clone()).collect();
            search.tell(&told);
        }
        Ok(())
    }

    /// Measures new points and scores them.
    fn judge_new(&mut self, new: &BTreeMap<u64, Vec<f64>>, racing: bool) -> Result<(), SweepError> {
        if new.is_empty() {
            return Ok(());
        }
        let cases = self.plan.cases() as usize;
        let lists = self.plan.sweep.conditions.len().max(1);
        let settings = RacingSettings::default();
        let settings = RacingSettings {
            first_bodies: if racing {
                settings.first_bodies * lists
            } else {
                cases
            },
            ..settings
        };
        let wrong = |e: SearchError| SweepError::Search(e.to_string());
        let mut race = Racing::try_new(new.len(), cases, settings).map_err(wrong)?;
        let numbers: Vec<u64> = new.keys().copied().collect();
        let mut records: Vec<Vec<Record>> = vec![Vec::new(); numbers.len()];
        while let Some(heat) = race.ask() {
            let sample =
                |number: u64, case: usize| (self.first + number) * self.plan.cases() + case as u64;
            let candidates = heat.candidates.iter();
            let all: Vec<u64> = candidates
                .flat_map(|c| heat.bodies.clone().map(|case| sample(numbers[*c], case)))
                .collect();
            let todo: Vec<u64> = all
                .iter()
                .copied()
                .filter(|s| self.known.get(*s).is_none())
                .collect();
            let values = |s: u64| new[&(s / self.plan.cases() - self.first)].clone();
            let measured = self
                .crew
                .measure(&todo, self.manner, self.sink, &values, &|s, v| {
                    self.plan.record(s, v)
                })?;
            for row in measured {
                self.known.add(row.record)?;
            }
            let judge = self.judge.clone().over_cases(heat.bodies.end as u64);
            let mut scores = Vec::with_capacity(heat.candidates.len());
            for c in &heat.candidates {
                for case in heat.bodies.clone() {
                    records[*c].extend(self.known.take(sample(numbers[*c], case)));
                }
                let refs: Vec<&Record> = records[*c].iter().collect();
                scores.push(judge.search_score(&judge.score(&refs)));
            }
            race.tell(&scores);
        }
        self.scores.extend(race.scores());
        for (records, values) in records.into_iter().zip(new.values()) {
            self.rows.extend(records.into_iter().map(|record| Row {
                values: values.clone(),
                record,
            }));
        }
        Ok(())
    }
}

/// The search of an island.
fn start(plan: &Plan, settings: SearchPlan, island: u64) -> Result<Box<dyn Search>, SearchError> {
    let sweep = &plan.sweep;
    let mut setup = Setup::new(plan.space.clone(), hash(&[plan.seed, ISLAND, island]));
    let place = |axis: &Vec<usize>| {
        let variable = &sweep.variables[axis[0]];
        if settings.from_current {
            variable.share_of(variable.current)
        } else {
            0.5
        }
    };
    // Other islands begin elsewhere, or they would all be one.
    if island == 0 {
        setup.starts.push(sweep.axes.iter().map(place).collect());
    }
    let population = settings.population as usize;
    Ok(match settings.algorithm {
        Algorithm::CmaEs => Box::new(CmaEs::try_new(
            setup,
            CmaSettings {
                population,
                sigma: settings.spread,
                ..CmaSettings::default()
            },
        )?),
        Algorithm::StochasticRanking => Box::new(StochasticRanking::try_new(
            setup,
            StochasticRankingSettings {
                population,
                ..StochasticRankingSettings::default()
            },
        )?),
        Algorithm::Pattern => Box::new(Pattern::try_new(
            setup,
            PatternSettings {
                step: settings.spread.min(0.5),
                ..PatternSettings::default()
            },
        )?),
        Algorithm::Nsga2 => Box::new(Nsga2::try_new(
            setup,
            Nsga2Settings {
                population,
                ..Nsga2Settings::default()
            },
        )?),
        Algorithm::Nsga3 => Box::new(Nsga3::try_new(
            setup,
            Nsga3Settings {
                objectives: sweep.objectives.len(),
                population,
                ..Nsga3Settings::default()
            },
        )?),
    })
}

/// A walk from the best to its neighbours: first a sixteenth of each range, on real axes down to a ten-thousandth.
fn polish(plan: &Plan, best: Vec<f64>) -> Result<Box<dyn Search>, SearchError> {
    let mut setup = Setup::new(plan.space.clone(), 0);
    setup.starts.push(best);
    let settings = PatternSettings {
        step: 1.0 / 16.0,
        resolution: 1e-4,
    };
    Ok(Box::new(Pattern::try_new(setup, settings)?))
}

const ISLAND: u64 = 0x151a;

/// What a search may choose from.
pub(super) fn space(sweep: &Sweep) -> Result<Space, SpaceError> {
    let axis = |axis: &Vec<usize>| {
        let all = axis.iter().map(|i| &sweep.variables[*i]);
        let words = all.clone().any(|v| match &v.span {
            Span::Words(_) => true,
            Span::Numbers(v) => v.windows(2).any(|w| w[0] >= w[1]),
            Span::Range { .. } => false,
        });
        // Of several that move together the coarsest decides.
        let places = all.filter_map(scene::Variable::places).min();
        match places {
            Some(n) if words => Axis::Words(n as u32),
            Some(n) => Axis::Places((0..n).map(|k| (k as f64 + 0.5) / n as f64).collect()),
            None => Axis::Real,
        }
    };
    Space::try_new(sweep.axes.iter().map(axis).collect())
}

/// What is wrong with a search's settings, before it begins.
pub(super) fn check(plan: &Plan) -> Option<String> {
    let settings = plan.sweep.search?;
    start(plan, settings, 0).err().map(|e| e.to_string())
}
