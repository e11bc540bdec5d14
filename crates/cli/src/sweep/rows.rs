//! Samples and points as rows of Parquet files, and their way back.

use super::sheet::{Cell, Kind, Pages, Sheet};
use anyhow::{Context, bail};
use std::path::Path;
use tune::sweep::{Column, Plan, PointScore, Record, Row, State};

/// Columns of a file of samples.
pub fn sample_columns(plan: &Plan) -> Vec<(String, Kind)> {
    let mut all = vec![
        ("sample".to_string(), Kind::Count),
        ("point".into(), Kind::Count),
        ("body".into(), Kind::Index),
        ("conditions".into(), Kind::Index),
        ("state".into(), Kind::Text),
    ];
    all.extend(plan.variables().iter().map(variable));
    let metrics = plan.metrics().iter();
    all.extend(metrics.map(|c| (c.name.clone(), Kind::MaybeNumber)));
    all.push(("message".into(), Kind::MaybeText));
    all
}

fn variable(column: &Column) -> (String, Kind) {
    let kind = if column.words.is_empty() {
        Kind::Number
    } else {
        Kind::Text
    };
    (column.name.clone(), kind)
}

/// A sample as a row.
pub fn sample_row(plan: &Plan, row: &Row) -> Vec<Cell> {
    let record = &row.record;
    let (point, body, list) = plan.place(record.sample);
    let mut cells = vec![
        Cell::Count(record.sample),
        Cell::Count(point),
        Cell::Index(body),
        Cell::Index(list),
        Cell::Text(record.state.name().into()),
    ];
    cells.extend(value_cells(plan, &row.values));
    // A metric without a value is nothing, as SQL wants it.
    let metric = |i: usize| match record.metrics.get(i) {
        Some(v) if !v.is_nan() => Cell::Number(*v),
        _ => Cell::Nothing,
    };
    cells.extend((0..plan.metrics().len()).map(metric));
    cells.push(match record.state {
        State::Done => Cell::Nothing,
        _ => Cell::Text(record.message.clone()),
    });
    cells
}

fn value_cells<'a>(plan: &'a Plan, values: &'a [f64]) -> impl Iterator<Item = Cell> + 'a {
    plan.variables().iter().zip(values).map(|(column, value)| {
        if column.words.is_empty() {
            Cell::Number(*value)
        } else {
            let word = column.words.get(*value as usize);
            Cell::Text(word.cloned().unwrap_or_default())
        }
    })
}

/// The way back of [`sample_row`].
pub fn sample_of(plan: &Plan, cells: &[Cell]) -> anyhow::Result<Row> {
    let (variables, metrics) = (plan.variables(), plan.metrics());
    let first = 5;
    let behind = first + variables.len();
    if cells.len() != behind + metrics.len() + 1 {
        bail!("it has other columns than this plan");
    }
    let state = State::named(cells[4].text()).context("it has a state that is not known")?;
    Ok(Row {
        values: values_in(plan, &cells[first..]),
        record: Record {
            sample: cells[0].count(),
            state,
            metrics: match state {
                State::Done => cells[behind..behind + metrics.len()]
                    .iter()
                    .map(|c| c.number().unwrap_or(f64::NAN))
                    .collect(),
                _ => Vec::new(),
            },
            message: cells[behind + metrics.len()].text().into(),
            backtrace: String::new(),
        },
    })
}

/// Values of what varies and what is derived, from a row of `points.parquet`.
pub fn point_values(plan: &Plan, cells: &[Cell]) -> Vec<f64> {
    values_in(plan, &cells[POINT_HEAD.min(cells.len())..])
}

/// Columns of a point before its values.
pub const POINT_HEAD: usize = 3;

fn values_in(plan: &Plan, cells: &[Cell]) -> Vec<f64> {
    let value = |(column, cell): (&Column, &Cell)| match cell {
        Cell::Text(word) => {
            let at = column.words.iter().position(|w| w == word);
            at.unwrap_or(0) as f64
        }
        other => other.number().unwrap_or(f64::NAN),
    };
    plan.variables().iter().zip(cells).map(value).collect()
}

/// Writes rows as one published file.
pub fn publish(path: &Path, plan: &Plan, about: &str, rows: &[Row]) -> anyhow::Result<()> {
    let mut sheet = Sheet::begin(path, &sample_columns(plan), about)?;
    for row in rows {
        sheet.push(&sample_row(plan, row))?;
    }
    sheet.finish()
}

/// Columns of objectives: metric and what it is over.
pub fn objective_names(plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for objective in &plan.sweep.objectives {
        let over = match objective.over {
            scene::Over::Mean => "mean",
            scene::Over::Worst => "worst",
            scene::Over::Cvar90 => "cvar90",
            scene::Over::MeanPlusSd => "mean_plus_sd",
        };
        let mut name = format!("{}_{over}", objective.name);
        while all.contains(&name) {
            name += "_again";
        }
        all.push(name);
    }
    all
}

/// Columns of the file of points.
pub fn point_columns(plan: &Plan) -> Vec<(String, Kind)> {
    let mut all = vec![
        ("point".to_string(), Kind::Count),
        ("feasible".into(), Kind::Flag),
        ("violation".into(), Kind::MaybeNumber),
    ];
    all.extend(plan.variables().iter().map(variable));
    let objectives = objective_names(plan).into_iter();
    all.extend(objectives.map(|name| (name, Kind::MaybeNumber)));
    for state in ["done", "infeasible", "failed", "missing"] {
        all.push((state.into(), Kind::Count));
    }
    all
}

/// A point as a row.
pub fn point_row(plan: &Plan, point: u64, values: &[f64], score: &PointScore) -> Vec<Cell> {
    let maybe = |v: &f64| {
        if v.is_nan() {
            Cell::Nothing
        } else {
            Cell::Number(*v)
        }
    };
    let mut cells = vec![
        Cell::Count(point),
        Cell::Flag(score.feasible()),
        maybe(&score.violation),
    ];
    cells.extend(value_cells(plan, values));
    cells.extend(score.objectives.iter().map(maybe));
    let c = score.counts;
    cells.extend([c.done, c.infeasible, c.failed, c.missing].map(Cell::Count));
    cells
}

/// Samples of a published file, in their order.
pub struct Samples<'a> {
    plan: &'a Plan,
    pages: Pages,
    group: std::vec::IntoIter<Vec<Cell>>,
    path: std::path::PathBuf,
}

impl<'a> Samples<'a> {
    /// Opens a file.
    pub fn open(plan: &'a Plan, path: &Path) -> anyhow::Result<Samples<'a>> {
        let pages = Pages::open(path)?;
        let expected = sample_columns(plan);
        if pages.names.iter().ne(expected.iter().map(|(name, _)| name)) {
            bail!("{} has other columns than this plan", path.display());
        }
        Ok(Samples {
            plan,
            pages,
            group: Vec::new().into_iter(),
            path: path.into(),
        })
    }

    /// The next sample.
    pub fn next(&mut self) -> anyhow::Result<Option<Row>> {
        loop {
            if let Some(cells) = self.group.next() {
                let row = sample_of(self.plan, &cells);
                return row
                    .map(Some)
                    .with_context(|| format!("cannot use {}", self.path.display()));
            }
            match self.pages.next_group()? {
                Some(group) => self.group = group.into_iter(),
                None => return Ok(None),
            }
        }
    }
}
