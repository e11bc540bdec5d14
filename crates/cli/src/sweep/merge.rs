//! Published samples of one or many folders, put together in their order: `results.parquet`, `points.parquet`, `summary.json`.

use super::place::{self, Place, Shard};
use super::rows::{self, Samples};
use super::sheet::Sheet;
use crate::talk::say;
use anyhow::bail;
use back::NOTICE;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::Path;
use tune::sweep::{
    Column, Counts, Crew, Judge, Known, Manner, Plan, Record, Row, Sink, Standing, State, Verdicts,
};

/// Merges what the folders hold into `out`; returns the summary. Held-out bodies are measured here, if there are any.
pub fn merge(
    places: &[Place],
    plan: &Plan,
    out: &Place,
    crew: &Crew,
    held_out: &dyn HeldOut,
) -> anyhow::Result<Merged> {
    let about = about(plan)?;
    let results = out.root.join(place::RESULTS);
    let points = out.root.join(place::POINTS);
    let mut samples = Sheet::begin(&results, &rows::sample_columns(plan), &about)?;
    let mut sheet = Sheet::begin(&points, &rows::point_columns(plan), &about)?;
    let mut verdicts = Verdicts::new(plan);
    let mut answers = Answers::new(plan);
    let mut group: Vec<Row> = Vec::new();
    let mut next_point = 0;
    let mut source = Source::of(places, plan)?;
    loop {
        let row = source.next()?;
        let point = |row: &Row| plan.place(row.record.sample).0;
        let ends = match (&row, group.first()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(row), Some(first)) => point(row) != point(first),
        };
        if ends {
            let at = point(&group[0]);
            let records: Vec<&Record> = group.iter().map(|r| &r.record).collect();
            let score = verdicts.add(at, &group[0].values, &records);
            sheet.push(&rows::point_row(plan, at, &group[0].values, &score))?;
            answers.add(at, &score.objectives);
            if plan.sweep.search.is_none() {
                verdicts.add_missing(at - next_point);
            }
            next_point = at + 1;
            group.clear();
        }
        match row {
            Some(row) => {
                samples.push(&rows::sample_row(plan, &row))?;
                group.push(row);
            }
            None => break,
        }
    }
    if plan.sweep.search.is_none() {
        verdicts.add_missing(plan.points() - next_point);
    }
    samples.finish()?;
    sheet.finish()?;
    let found = verdicts.summary(plan);
    let judged = match &found.chosen {
        Some(chosen) if plan.held_out_cases() > 0 => {
            Some(judge_held_out(plan, out, crew, held_out, chosen)?)
        }
        _ => None,
    };
    let mut open = 0;
    for lot in plan.lots(plan.shard(0, 1)) {
        if plan.sweep.search.is_some() && !source.covers(&lot) {
            open += 1;
        }
    }
    let mut summary = summary(plan, &found, judged, open);
    if let Some(told) = answers.told(plan)? {
        summary["sensitivity"] = told;
    }
    out.put(place::SUMMARY, &place::pretty(&summary)?)?;
    Ok(Merged {
        complete: found.samples.missing == 0 && open == 0,
        counts: found.samples,
        summary,
    })
}

/// Objectives of the points of a [`tune::sweep::Design`], in their order; of other plans nothing is kept.
struct Answers(Vec<Vec<Option<f64>>>);

impl Answers {
    fn new(plan: &Plan) -> Answers {
        let points = plan.design().map_or(0, |_| plan.points() as usize);
        Answers(vec![vec![None; points]; plan.sweep.objectives.len()])
    }

    fn add(&mut self, point: u64, objectives: &[f64]) {
        for (values, value) in self.0.iter_mut().zip(objectives) {
            if let Some(slot) = values.get_mut(point as usize) {
                *slot = Some(*value).filter(|v| v.is_finite());
            }
        }
    }

    /// What each objective hangs on, by its name.
    fn told(&self, plan: &Plan) -> anyhow::Result<Option<Value>> {
        let Some(design) = plan.design() else {
            return Ok(None);
        };
        let names = plan.axis_names();
        let mut told = Map::new();
        for (name, values) in rows::objective_names(plan).into_iter().zip(&self.0) {
            told.insert(name, serde_json::to_value(design.tell(values, &names))?);
        }
        Ok(Some(Value::Object(told)))
    }
}

/// What a merge gave.
pub struct Merged {
    /// Whether every sample of the plan is there.
    pub complete: bool,
    /// Samples by how they ended.
    pub counts: Counts,
    /// `summary.json`.
    pub summary: Value,
}

/// Gives a sink for records of held-out bodies.
pub trait HeldOut {
    /// A sink, and how to work.
    fn sink(&self, place: &Place, cases: u64) -> anyhow::Result<Box<dyn Sink>>;
}

fn about(plan: &Plan) -> anyhow::Result<String> {
    // No clock, host or path: merged files of one plan are the same bytes wherever they were made.
    Ok(serde_json::to_string(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "study": plan.name,
        "plan_hash": plan.hash,
        "scene_hash": plan.scene_hash,
        "seed": plan.seed,
        "variables": plan.variables(),
        "metrics": plan.metrics(),
    }))?)
}

/// As [`about`], for published shards.
pub fn shard_about(plan: &Plan) -> anyhow::Result<String> {
    about(plan)
}

fn judge_held_out(
    plan: &Plan,
    out: &Place,
    crew: &Crew,
    held_out: &dyn HeldOut,
    chosen: &Standing,
) -> anyhow::Result<Value> {
    let cases = plan.held_out_cases();
    let folder = out.held_out_folder().join(chosen.point.to_string());
    let (known, _) = out.known(&folder, &(0..cases))?;
    let sink = held_out.sink(out, chosen.point)?;
    let manner = Manner {
        batch: 1,
        fail_fast: false,
    };
    let records = crew.held_out(plan, &chosen.values, known, manner, &*sink)?;
    let judge = Judge::new(plan).over_cases(cases);
    let refs: Vec<&Record> = records.iter().collect();
    let score = judge.score(&refs);
    let names = rows::objective_names(plan);
    let gap = names.iter().enumerate().map(|(i, name)| {
        let gap = score.objectives[i] - chosen.objectives[i];
        (name.clone(), number(gap))
    });
    let gap: Map<String, Value> = gap.collect();
    Ok(json!({
        "cases": cases,
        "samples": score.counts,
        "objectives": labelled(&names, &score.objectives),
        "gap": gap,
        "violation": number(score.violation),
        "cases_over_a_limit": judge.over(&refs),
        // So many at most have one, at 95 % (one-sided).
        "violation_bound_95": tune::bound_95(judge.over(&refs) as usize, cases as usize),
    }))
}

fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn labelled(names: &[String], values: &[f64]) -> Map<String, Value> {
    names
        .iter()
        .cloned()
        .zip(values.iter().map(|v| number(*v)))
        .collect()
}

fn summary(
    plan: &Plan,
    found: &tune::sweep::Summary,
    held_out: Option<Value>,
    open_islands: u64,
) -> Value {
    let standing = |s: &Standing| {
        let value = |(column, value): (&Column, &f64)| {
            let shown = match column.words.get(*value as usize) {
                Some(word) => Value::from(word.as_str()),
                None => number(*value),
            };
            (column.name.clone(), shown)
        };
        let values: Map<String, Value> =
            plan.variables().iter().zip(&s.values).map(value).collect();
        json!({
            "point": s.point,
            "values": values,
            "objectives": labelled(&rows::objective_names(plan), &s.objectives),
            "violation": s.violation,
        })
    };
    let metrics: BTreeMap<&String, Value> = found
        .metrics
        .iter()
        .map(|(name, s)| {
            (
                name,
                json!({ "min": number(s.min), "mean": number(s.mean), "max": number(s.max) }),
            )
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "notice": NOTICE,
        "study": plan.name,
        "plan_hash": plan.hash,
        "scene_hash": plan.scene_hash,
        "seed": plan.seed,
        "planned": {
            "points": plan.points(),
            "cases": plan.cases(),
            "samples": plan.samples(),
            "at_most": plan.sweep.search.is_some(),
        },
        "samples": found.samples,
        "open_islands": open_islands,
        "points": found.points,
        "chosen": found.chosen.as_ref().map(standing),
        "front": found.front.iter().map(standing).collect::<Vec<_>>(),
        "nearest": found.nearest.as_ref().map(standing),
        "held_out": held_out,
        "metrics": metrics,
    })
}

/// Samples of all files in their order, each once.
struct Source<'a> {
    plan: &'a Plan,
    /// Not yet opened, the last one first.
    waiting: Vec<Shard>,
    open: Vec<Option<Samples<'a>>>,
    heads: BinaryHeap<Reverse<Head>>,
    /// Of journals: samples that are not published.
    loose: std::vec::IntoIter<Row>,
    covered: Vec<(u64, u64)>,
}

struct Head {
    row: Row,
    file: usize,
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> std::cmp::Ordering {
        (self.row.record.sample, self.file).cmp(&(other.row.record.sample, other.file))
    }
}

/// Number of the journals among the files.
const LOOSE: usize = usize::MAX;

impl<'a> Source<'a> {
    fn of(places: &[Place], plan: &'a Plan) -> anyhow::Result<Source<'a>> {
        let mut shards = Vec::new();
        for place in places {
            // A plan that was longer once left more than it asks for now.
            let asked = place.shards()?;
            shards.extend(asked.into_iter().filter(|s| s.start < plan.samples()));
        }
        shards.sort();
        let covered = shards
            .iter()
            .filter(|s| !s.again)
            .map(|s| (s.start, s.end))
            .collect();
        shards.reverse();
        let mut source = Source {
            plan,
            waiting: shards,
            open: Vec::new(),
            heads: BinaryHeap::new(),
            loose: loose(places, plan)?.into_iter(),
            covered,
        };
        source.advance(LOOSE)?;
        Ok(source)
    }

    /// Whether a lot is published.
    fn covers(&self, lot: &std::ops::Range<u64>) -> bool {
        self.covered.contains(&(lot.start, lot.end))
    }

    fn advance(&mut self, file: usize) -> anyhow::Result<()> {
        let row = match file {
            LOOSE => self.loose.next(),
            file => match self.open[file].as_mut() {
                Some(samples) => samples.next()?,
                None => None,
            },
        };
        match row {
            Some(row) => self.heads.push(Reverse(Head { row, file })),
            None if file != LOOSE => self.open[file] = None,
            None => {}
        }
        Ok(())
    }

    fn next(&mut self) -> anyhow::Result<Option<Row>> {
        // A file is opened when its first sample is next: as many are open as overlap.
        loop {
            let head = self.heads.peek().map(|h| h.0.row.record.sample);
            match (self.waiting.last(), head) {
                (Some(shard), head) if head.is_none_or(|h| shard.start <= h) => {
                    let samples = Samples::open(self.plan, &shard.path)?;
                    self.waiting.pop();
                    self.open.push(Some(samples));
                    self.advance(self.open.len() - 1)?;
                }
                _ => break,
            }
        }
        let Some(Reverse(first)) = self.heads.pop() else {
            return Ok(None);
        };
        if first.row.record.sample >= self.plan.samples() {
            return Ok(None);
        }
        self.advance(first.file)?;
        let sample = first.row.record.sample;
        let mut row = first.row;
        while self
            .heads
            .peek()
            .is_some_and(|h| h.0.row.record.sample == sample)
        {
            let Some(Reverse(other)) = self.heads.pop() else {
                break;
            };
            self.advance(other.file)?;
            row = one_of(row, other.row)?;
        }
        Ok(Some(row))
    }
}

/// One of two rows of a sample.
fn one_of(a: Row, b: Row) -> anyhow::Result<Row> {
    let bits = |r: &Row| r.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    if bits(&a) != bits(&b) {
        bail!(
            "sample {} stands for two points: {:?} and {:?}",
            a.record.sample,
            a.values,
            b.values
        );
    }
    let mut known = Known::default();
    let sample = a.record.sample;
    let values = a.values;
    known.add(a.record)?;
    known.add(b.record)?;
    let record = known.take(sample);
    record
        .map(|record| Row { values, record })
        .ok_or_else(|| anyhow::anyhow!("sample {sample} is lost"))
}

/// Samples that stand in journals only. Points of a search are known when its island is published.
fn loose(places: &[Place], plan: &Plan) -> anyhow::Result<Vec<Row>> {
    if plan.sweep.search.is_some() {
        return Ok(Vec::new());
    }
    let mut known = Known::default();
    for place in places {
        for open in place.unpublished(&plan.shard(0, 1))? {
            for record in place.known(&place.journal_folder(), &open)?.0.iter() {
                known.add(record.clone())?;
            }
        }
    }
    let row = |record: &Record| Row {
        values: plan.values(plan.place(record.sample).0),
        record: record.clone(),
    };
    Ok(known.iter().map(row).collect())
}

/// Samples of a state in the published files.
pub fn samples_in(places: &[Place], plan: &Plan, state: State) -> anyhow::Result<Vec<u64>> {
    let mut source = Source::of(places, plan)?;
    let mut all = Vec::new();
    while let Some(row) = source.next()? {
        if row.record.state == state {
            all.push(row.record.sample);
        }
    }
    Ok(all)
}

/// Makes sure that folders hold the same plan, made by the same program.
pub fn agree(places: &[Place], plan: &Plan, mismatch: bool) -> anyhow::Result<()> {
    let Some(first) = places.first() else {
        return Ok(());
    };
    for place in places {
        let (a, b) = (&first.manifest, &place.manifest);
        if b.plan_hash != plan.hash {
            bail!(
                "{} and {} hold two plans\n  hint: kneadlab status DIR tells the plan of each",
                first.root.display(),
                place.root.display()
            );
        }
        if (&a.version, &a.program) != (&b.version, &b.program) {
            let message = format!(
                "{} and {} were made by two programs (build {} and {})",
                first.root.display(),
                place.root.display(),
                a.program,
                b.program
            );
            if !mismatch {
                bail!("{message}\n  hint: --allow-mismatch merges them all the same");
            }
            say(format_args!("warning: {message}"));
        }
    }
    Ok(())
}

/// Whether two paths are one folder.
pub fn same_folder(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
