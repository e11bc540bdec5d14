//! Every value of a file by the path that `--set` takes.

use std::path::Path;

use serde::Serialize;
use serde_json::Value as Json;

use crate::check::{Checked, Value};
use crate::document::{join, shown};
use crate::kind::FileKind;
use crate::load::checked;
use crate::problem::Problems;
use crate::spec::{Field, Kind};
use crate::unit::Unit;

/// One settable value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    /// The path, as `--set` takes it.
    pub path: String,
    /// The value in its unit; written as JSON it is also what `--set` takes.
    pub value: Json,
    /// The unit, empty for plain numbers and words.
    pub unit: String,
    /// Smallest, where it is a number.
    pub min: Option<f64>,
    /// Largest, where it is a number.
    pub max: Option<f64>,
    /// What it is.
    pub meaning: String,
}

/// Every parameter of a scene, study, mechanism, stack or body, in the order in which people should read them. A number
/// that an expression gives is left out: its parameters are there.
///
/// # Errors
/// Every problem of the file, if there is an error among them.
pub fn params(path: &Path) -> Result<Vec<Param>, Problems> {
    params_with(path, &[])
}

/// As [`params`], with `sets` laid over the file.
///
/// # Errors
/// As [`params`].
pub fn params_with(path: &Path, sets: &[(String, String)]) -> Result<Vec<Param>, Problems> {
    let kind = FileKind::of(path)?;
    let mut problems = Problems::default();
    let checked = checked(path, kind, sets, &mut problems);
    problems.sort(&shown(path));
    match checked {
        Some(checked) if !problems.has_errors() => {
            let mut out = Vec::new();
            list(&checked, &mut out);
            Ok(out)
        }
        _ => Err(problems),
    }
}

fn list(table: &Checked, out: &mut Vec<Param>) {
    for field in table.spec.fields {
        let Some(entry) = table.entries.get(field.key) else {
            continue;
        };
        let path = join(&table.path, field.key);
        match &entry.value {
            Value::Number { derived: true, .. } => {}
            Value::Number { given, .. } => out.push(param(field, path, number(*given))),
            Value::Integer(v) => out.push(param(field, path, Json::from(*v))),
            Value::Flag(v) => out.push(param(field, path, Json::from(*v))),
            Value::Text(_) if matches!(field.kind, Kind::Text | Kind::Beside) => {}
            Value::Text(v) => out.push(param(field, path, Json::from(v.as_str()))),
            Value::Words(v) => out.push(param(field, path, Json::from(v.clone()))),
            Value::WordLists(v) => out.push(param(field, path, Json::from(v.clone()))),
            Value::Numbers(v) if v.iter().any(|v| v.2) => {}
            Value::Numbers(v) => {
                for (i, (given, _, _)) in v.iter().enumerate() {
                    out.push(param(field, join(&path, &i.to_string()), number(*given)));
                }
            }
            Value::Bands(v) => {
                for (i, band) in v.iter().enumerate() {
                    for (j, end) in band.iter().enumerate() {
                        out.push(param(field, format!("{path}.{i}.{j}"), number(*end)));
                    }
                }
            }
            Value::Table(t) => list(t, out),
            Value::Tables(tables) => tables.iter().for_each(|t| list(t, out)),
            Value::Params(params) => {
                for (name, p) in params {
                    out.push(Param {
                        path: join(&path, name),
                        value: number(p.value),
                        unit: Unit::named(&p.unit)
                            .map(|u| u.symbol.to_string())
                            .unwrap_or_default(),
                        min: Some(p.min),
                        max: Some(p.max),
                        meaning: p.meaning.clone(),
                    });
                }
            }
        }
    }
}

fn param(field: &Field, path: String, value: Json) -> Param {
    let (min, max) = match field.kind {
        Kind::Number { min, max }
        | Kind::Numbers { min, max, .. }
        | Kind::Bands { min, max, .. } => (Some(min), Some(max)),
        Kind::Integer { min, max } => (Some(min as f64), Some(max as f64)),
        _ => (None, None),
    };
    let unit = field.unit().map(|u| u.symbol.to_string());
    Param {
        path,
        value,
        unit: unit.unwrap_or_default(),
        min,
        max,
        meaning: field.meaning.to_string(),
    }
}

fn number(value: f64) -> Json {
    serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number)
}
