//! What a report needs of a sweep's merged files, in bounded memory whatever their size.

use crate::sweep::place::{self, Place};
use crate::sweep::rows::{self, Samples};
use crate::sweep::sheet::{Cell, Pages};
use serde_json::Value;
use std::collections::{BTreeSet, BinaryHeap};
use tune::sweep::{Plan, Record, State};

/// Points that statistics are taken from at most.
pub const KEPT: usize = 20_000;
/// Points that a picture shows at most, beside the front.
pub const SHOWN: usize = 1_500;
/// Rows of a table at most.
pub const LISTED: usize = 12;

/// A point of `points.parquet`.
#[derive(Clone, Debug)]
pub struct Point {
    /// Its number.
    pub number: u64,
    /// Of what varies and what is derived.
    pub values: Vec<f64>,
    /// In their own units; not a number while a sample is not done.
    pub objectives: Vec<f64>,
    /// 0: every limit holds; not a number while a sample is not done.
    pub violation: f64,
}

impl Point {
    /// Whether all its samples are done.
    pub fn complete(&self) -> bool {
        !self.violation.is_nan()
    }

    /// Whether every limit holds.
    pub fn feasible(&self) -> bool {
        self.violation == 0.0
    }
}

/// A sample that is not done.
pub struct Trouble {
    /// Its number.
    pub sample: u64,
    /// How it ended.
    pub state: State,
    /// Why.
    pub message: String,
}

/// What was found in the files.
pub struct Gathered {
    /// Points in the file.
    pub points: u64,
    /// All of them, or [`KEPT`] drawn by their numbers; by number.
    pub kept: Vec<Point>,
    /// Those of the front, by number.
    pub front: Vec<Point>,
    /// The chosen point, or where nothing is feasible the nearest.
    pub best: Option<Point>,
    /// The best by the first objective; where nothing is feasible, by violation.
    pub ranked: Vec<Point>,
    /// Of each objective where a feasible point was better than all before: points so far, value.
    pub course: Vec<Vec<(u64, f64)>>,
    /// The same of the violation, until something is feasible.
    pub violation_course: Vec<(u64, f64)>,
    /// The first samples that are not done.
    pub troubles: Vec<Trouble>,
    /// The first stretches of samples that are not there.
    pub missing: Vec<(u64, u64)>,
    /// Samples of the best point.
    pub of_best: Vec<Record>,
}

impl Gathered {
    /// Reads the merged files.
    pub fn read(plan: &Plan, place: &Place, summary: &Value) -> anyhow::Result<Gathered> {
        let mut all = Gathered {
            points: 0,
            kept: Vec::new(),
            front: Vec::new(),
            best: None,
            ranked: Vec::new(),
            course: vec![Vec::new(); plan.sweep.objectives.len()],
            violation_course: Vec::new(),
            troubles: Vec::new(),
            missing: Vec::new(),
            of_best: Vec::new(),
        };
        all.read_points(plan, place, summary)?;
        let count = |key: &str| summary["samples"][key].as_u64().unwrap_or(0);
        let searched = plan.sweep.search.is_some();
        let trouble = count("failed") + count("infeasible") > 0;
        if trouble || (count("missing") > 0 && !searched) || plan.cases() > 1 {
            all.read_samples(plan, place)?;
        }
        Ok(all)
    }

    fn read_points(&mut self, plan: &Plan, place: &Place, summary: &Value) -> anyhow::Result<()> {
        let number = |v: &Value| v["point"].as_u64();
        let listed = summary["front"].as_array().into_iter().flatten();
        let front: BTreeSet<u64> = listed.filter_map(number).collect();
        let best = number(&summary["chosen"]).or(number(&summary["nearest"]));
        // The smallest of a number that has nothing to do with the order of points: a stride would fall in step with a
        // grid or a Sobol sequence.
        let mut drawn: BinaryHeap<(u64, u64)> = BinaryHeap::new();
        let mut kept: std::collections::BTreeMap<u64, Point> = std::collections::BTreeMap::new();
        let mut pages = Pages::open(&place.root.join(place::POINTS))?;
        while let Some(group) = pages.next_group()? {
            for cells in group {
                let point = point_of(plan, &cells);
                self.points += 1;
                self.follow(plan, &point);
                self.rank(plan, &point);
                if front.contains(&point.number) {
                    self.front.push(point.clone());
                }
                if best == Some(point.number) {
                    self.best = Some(point.clone());
                }
                let lot = scatter(point.number);
                if kept.len() == KEPT {
                    match drawn.peek() {
                        Some(&(most, number)) if lot < most => {
                            drawn.pop();
                            kept.remove(&number);
                        }
                        _ => continue,
                    }
                }
                drawn.push((lot, point.number));
                kept.insert(point.number, point);
            }
        }
        self.kept = kept.into_values().collect();
        Ok(())
    }

    fn follow(&mut self, plan: &Plan, point: &Point) {
        if !point.complete() {
            return;
        }
        let (at, none_yet) = (self.points, self.course.iter().all(Vec::is_empty));
        if !point.feasible() {
            let last = self.violation_course.last();
            if none_yet && last.is_none_or(|(_, v)| point.violation < *v) {
                self.violation_course.push((at, point.violation));
            }
            return;
        }
        let objectives = plan.sweep.objectives.iter().zip(&point.objectives);
        for (course, (objective, value)) in self.course.iter_mut().zip(objectives) {
            let better = |old: f64| {
                if objective.maximise {
                    *value > old
                } else {
                    *value < old
                }
            };
            if course.last().is_none_or(|(_, old)| better(*old)) {
                course.push((at, *value));
            }
        }
    }

    fn rank(&mut self, plan: &Plan, point: &Point) {
        if !point.complete() || point.objectives.is_empty() {
            return;
        }
        let key = |p: &Point| (p.violation, cost(plan, p, 0), p.number);
        let place = self.ranked.partition_point(|p| key(p) < key(point));
        if place < LISTED {
            self.ranked.insert(place, point.clone());
            self.ranked.truncate(LISTED);
        }
    }

    fn read_samples(&mut self, plan: &Plan, place: &Place) -> anyhow::Result<()> {
        let mut samples = Samples::open(plan, &place.root.join(place::RESULTS))?;
        let best = self.best.as_ref().map(|b| b.number);
        let mut next = 0;
        while let Some(row) = samples.next()? {
            let record = row.record;
            if plan.sweep.search.is_none() && record.sample > next && self.missing.len() < LISTED {
                self.missing.push((next, record.sample - 1));
            }
            next = record.sample + 1;
            if record.state != State::Done && self.troubles.len() < LISTED {
                self.troubles.push(Trouble {
                    sample: record.sample,
                    state: record.state,
                    message: record.message.clone(),
                });
            }
            if best == Some(plan.place(record.sample).0) {
                self.of_best.push(record);
            }
        }
        let end = plan.samples();
        if plan.sweep.search.is_none() && next < end && self.missing.len() < LISTED {
            self.missing.push((next, end - 1));
        }
        Ok(())
    }

    /// What a picture shows: at most `most` of the complete points, drawn as [`KEPT`] are.
    pub fn shown(&self, most: usize) -> Vec<&Point> {
        let mut all: Vec<&Point> = self.kept.iter().filter(|p| p.complete()).collect();
        if all.len() > most {
            all.sort_by_key(|p| (scatter(p.number), p.number));
            all.truncate(most);
            all.sort_by_key(|p| p.number);
        }
        all
    }
}

/// An objective, less being better.
pub fn cost(plan: &Plan, point: &Point, objective: usize) -> f64 {
    let value = point.objectives.get(objective).copied();
    let value = value.unwrap_or(f64::NAN);
    let up = plan.sweep.objectives.get(objective);
    if up.is_some_and(|o| o.maximise) {
        -value
    } else {
        value
    }
}

fn point_of(plan: &Plan, cells: &[Cell]) -> Point {
    let number = |cell: Option<&Cell>| cell.and_then(Cell::number).unwrap_or(f64::NAN);
    let first = rows::POINT_HEAD + plan.variables().len();
    Point {
        number: cells[0].count(),
        violation: number(cells.get(2)),
        values: rows::point_values(plan, cells),
        objectives: (0..plan.sweep.objectives.len())
            .map(|i| number(cells.get(first + i)))
            .collect(),
    }
}

/// A number's place in a drawing of lots (SplitMix64's finisher; Steele and others 2014).
pub fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
