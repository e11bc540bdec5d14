//! Where metrics come from.

use super::trouble::Trouble;
use back::Body;
use scene::{Formula, Sweep};
use serde::Serialize;

/// One number that is measured on every sample, or one value that varies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its name in results.
    pub name: String,
    /// Its unit, empty for plain numbers and words.
    pub unit: String,
    /// What it is: of a variable its path.
    pub meaning: String,
    /// What the numbers 0, 1, ... stand for, where values are words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// Who lies on the machine.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// A body of the population; `None` for the scene's own.
    pub body: Option<&'a Body>,
    /// A list of conditions; `None` for the scene's own.
    pub conditions: Option<&'a [String]>,
}

/// Measures samples. The same values and case must give the same bits, on any thread and in any order.
pub trait Model: Send + Sync {
    /// What it measures.
    fn columns(&self) -> Vec<Column>;

    /// Measures one sample: values of the variables, then of what is derived.
    ///
    /// # Errors
    /// Why there is nothing to measure.
    fn measure(&self, values: &[f64], case: Case<'_>) -> Result<Vec<f64>, Trouble>;
}

/// Objectives and limits as expressions: no simulation.
pub(super) struct Expressions {
    columns: Vec<(String, Formula)>,
    own: Body,
}

impl Expressions {
    pub fn new(sweep: &Sweep, own: Body) -> Expressions {
        let objectives = sweep.objectives.iter().map(|o| (&o.name, &o.formula));
        let limits = sweep.limits.iter().map(|l| (&l.name, &l.formula));
        let mut columns: Vec<(String, Formula)> = Vec::new();
        for (name, formula) in objectives.chain(limits) {
            if let Some(formula) = formula
                && !columns.iter().any(|(n, _)| n == name)
            {
                columns.push((name.clone(), formula.clone()));
            }
        }
        Expressions { columns, own }
    }
}

impl Model for Expressions {
    fn columns(&self) -> Vec<Column> {
        let column = |(name, formula): &(String, Formula)| Column {
            name: name.clone(),
            unit: String::new(),
            meaning: formula.text().into(),
            words: Vec::new(),
        };
        self.columns.iter().map(column).collect()
    }

    fn measure(&self, values: &[f64], case: Case<'_>) -> Result<Vec<f64>, Trouble> {
        let body = case.body.unwrap_or(&self.own);
        let mut all = values.to_vec();
        all.extend([1000.0 * body.stature_m, body.bmi_kg_m2, body.age_yr]);
        Ok(self.columns.iter().map(|(_, f)| f.eval(&all)).collect())
    }
}
