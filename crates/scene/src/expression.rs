//! Values of mechanism files as expressions over named parameters: `tilt_deg = "tilt_deg"`, `up_mm = "pitch_mm / 2"`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use exmex::{Express, FlatEx};
use serde::{Serialize, Serializer};

use crate::document::Origin;
use crate::spec::{Fallback, Kind, Table, field};
use crate::suggest;
use crate::unit::Unit;

/// A named number of a mechanism.
#[derive(Clone, Debug)]
pub(crate) struct ParamValue {
    pub value: f64,
    pub unit: String,
    pub min: f64,
    pub max: f64,
    pub meaning: String,
    pub origin: Origin,
    /// Whether an expression has asked for it.
    pub used: Rc<Cell<bool>>,
}

impl ParamValue {
    /// Stands for a parameter that is there but has no value, so that its users are not told that it is missing.
    pub fn broken(origin: Origin) -> ParamValue {
        ParamValue {
            value: f64::NAN,
            unit: String::new(),
            min: f64::NAN,
            max: f64::NAN,
            meaning: String::new(),
            origin,
            used: Rc::new(Cell::new(true)),
        }
    }
}

/// The keys of one named parameter.
pub(crate) static PARAM: Table = Table {
    about: "A number that other keys of the mechanism use by its name. Name it with its unit last: `tilt_deg`.",
    fields: &[
        field(
            "value",
            ANY,
            Fallback::Required,
            "the number, in its unit",
            "",
        ),
        field(
            "unit",
            Kind::Text,
            Fallback::Required,
            "the suffix that keys use, such as mm, deg, kpa; 1 for none",
            "",
        ),
        field(
            "min",
            ANY,
            Fallback::Required,
            "smallest sensible value",
            "",
        ),
        field("max", ANY, Fallback::Required, "largest sensible value", ""),
        field(
            "meaning",
            Kind::Text,
            Fallback::Required,
            "what it is, one line",
            "",
        ),
        field(
            "source",
            Kind::Text,
            Fallback::Text("E"),
            "where value and range come from",
            "",
        ),
    ],
};

const ANY: Kind = Kind::Number {
    min: -1e9,
    max: 1e9,
};

/// Why an expression is no number.
pub(crate) struct Fault {
    pub message: String,
    pub hint: Option<String>,
}

/// Longest expression; beyond it, a file is not written by a person.
const LONGEST: usize = 400;

/// An expression over numbers whose names are known, read once and reckoned often.
#[derive(Clone, Debug)]
pub struct Formula {
    text: String,
    expression: FlatEx<f64>,
    inputs: Vec<usize>,
}

impl Formula {
    /// Reads an expression; a name stands for the value at its place in `names`.
    pub(crate) fn new(text: &str, names: &[&str]) -> Result<Formula, Fault> {
        let expression = parse(text, "what varies")?;
        let mut inputs = Vec::new();
        for name in expression.var_names() {
            match names.iter().position(|n| n == name) {
                Some(i) => inputs.push(i),
                None => {
                    let hint = match suggest::closest(name, names) {
                        Some(near) => format!("did you mean {near:?}?"),
                        None => format!("there are {}", names.join(", ")),
                    };
                    return Err(Fault {
                        message: format!("there is no {name:?}"),
                        hint: Some(hint),
                    });
                }
            }
        }
        Ok(Formula {
            text: text.into(),
            expression,
            inputs,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which of the values it uses.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Its value; not a number where it has none.
    pub fn eval(&self, values: &[f64]) -> f64 {
        let chosen: Vec<f64> = self
            .inputs
            .iter()
            .map(|i| values.get(*i).copied().unwrap_or(f64::NAN))
            .collect();
        self.expression.eval(&chosen).unwrap_or(f64::NAN)
    }
}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn parse(text: &str, over: &str) -> Result<FlatEx<f64>, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _.,+-*/^()".contains(c);
    if text.len() > LONGEST || text.trim().is_empty() || !text.chars().all(plain) {
        return Err(Fault {
            message: format!("this is neither a number nor an expression over {over}"),
            hint: Some(format!(
                "an expression has names, numbers, + - * / ^ ( ), and at most {LONGEST} characters"
            )),
        });
    }
    exmex::parse::<f64>(text).map_err(unreadable)
}

fn unreadable(e: impl std::fmt::Display) -> Fault {
    Fault {
        message: format!("this expression cannot be read: {e}"),
        hint: None,
    }
}

/// The value of an expression, in the unit of the key that it stands for; `None` where a parameter in it is broken.
pub(crate) fn evaluate(
    text: &str,
    params: &BTreeMap<String, ParamValue>,
    unit: Option<&'static Unit>,
) -> Result<Option<f64>, Fault> {
    let expression = parse(text, "the mechanism's params")?;
    let mut values = Vec::new();
    for name in expression.var_names() {
        let Some(param) = params.get(name) else {
            let names: Vec<&str> = params.keys().map(String::as_str).collect();
            let hint = match suggest::closest(name, &names) {
                Some(near) => format!("did you mean {near:?}?"),
                None if names.is_empty() => "this mechanism has no [params]".into(),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(Fault {
                message: format!("there is no parameter {name:?}"),
                hint: Some(hint),
            });
        };
        if param.value.is_nan() {
            return Ok(None);
        }
        if name == text.trim()
            && let Some(unit) = unit
            && param.unit != unit.suffix
        {
            return Err(Fault {
                message: format!(
                    "the parameter is in {}, the key takes {}",
                    param.unit, unit.symbol
                ),
                hint: Some(
                    "convert it in the expression, or give the parameter the unit of the key"
                        .into(),
                ),
            });
        }
        param.used.set(true);
        values.push(param.value);
    }
    expression.eval(&values).map(Some).map_err(unreadable)
}

/// A parameter's name must read back as one name in an expression.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    let word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let alone =
        word && exmex::parse::<f64>(name).is_ok_and(|e| e.var_names() == [name.to_string()]);
    if alone {
        return Ok(());
    }
    Err(Fault {
        message: "this cannot be the name of a parameter".into(),
        hint: Some(
            "small letters, digits and _, not a function such as sin; unit last: tilt_deg".into(),
        ),
    })
}
