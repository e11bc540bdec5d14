//! What was measured: statistics of ANSUR II (4082 men, 1986 women; V data, D statistics; `data/README.md` names the source).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::body::{Body, Sex};

/// The survey's statistics by sex and variable, in SI (lengths in m, not in the survey's mm).
#[derive(Debug)]
pub struct Survey {
    marginals: BTreeMap<(Sex, String), Marginal>,
    /// By sex, any variable, and one of the 21.
    correlations: BTreeMap<(Sex, String, String), f64>,
    regressions: BTreeMap<(Sex, String), Regression>,
}

/// How one variable is spread over one sex. Unit: m, kg, kg/m2 or yr.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marginal {
    /// Subjects.
    pub n: u32,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Smallest value met.
    pub min: f64,
    /// 5th percentile.
    pub p05: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Largest value met.
    pub max: f64,
}

/// A body size from stature, BMI and age: `y = b0 + b_st (stature - 1.7 m) + b_bmi (BMI - 25) + b_age (age - 30)`, in m.
///
/// Ordinary least squares over one sex; valid within the survey's ranges, extrapolated outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    /// Value at 1.7 m, 25 kg/m2, 30 yr; m.
    pub b0_m: f64,
    /// Slope in stature, m/m.
    pub b_stature: f64,
    /// Slope in BMI, m per kg/m2.
    pub b_bmi: f64,
    /// Slope in age, m/yr.
    pub b_age: f64,
    /// Standard deviation of what is left, m.
    pub resid_sd_m: f64,
}

impl Survey {
    /// The statistics that ship with the crate.
    pub fn builtin() -> &'static Survey {
        static SURVEY: LazyLock<Survey> = LazyLock::new(|| {
            Survey::parse(
                include_str!("../data/anthropometry.csv"),
                include_str!("../data/anthropometry_regression.csv"),
            )
            .expect("the survey tables in crates/back/data are part of the program and are tested")
        });
        &SURVEY
    }

    /// Spread of a variable of `data/anthropometry.csv`.
    ///
    /// # Panics
    /// If there is no such variable: names are written in code, never read from input.
    pub fn marginal(&self, sex: Sex, variable: &str) -> Marginal {
        self.marginals[&(sex, variable.to_owned())]
    }

    /// Pearson correlation of two variables within one sex, if either is one of the survey's 21.
    pub fn find_correlation(&self, sex: Sex, a: &str, b: &str) -> Option<f64> {
        let of = |v: &str, w: &str| {
            self.correlations
                .get(&(sex, v.to_owned(), w.to_owned()))
                .copied()
        };
        of(a, b).or_else(|| of(b, a))
    }

    /// The same.
    ///
    /// # Panics
    /// If neither is one of the 21: names are written in code, never read from input.
    pub fn correlation(&self, sex: Sex, a: &str, b: &str) -> f64 {
        self.find_correlation(sex, a, b)
            .unwrap_or_else(|| panic!("{a} and {b} are not both in the survey's table"))
    }

    /// Regression of a variable of `data/anthropometry_regression.csv`.
    ///
    /// # Panics
    /// If there is no such variable: names are written in code, never read from input.
    pub fn regression(&self, sex: Sex, variable: &str) -> Regression {
        self.regressions[&(sex, variable.to_owned())]
    }

    fn parse(marginals: &str, regressions: &str) -> Result<Survey, csv::Error> {
        let correlations = correlations(marginals)?;
        let marginals = csv::Reader::from_reader(marginals.as_bytes())
            .deserialize()
            .map(|row| {
                let r: MarginalRow = row?;
                // Dividing keeps 1409 mm at 1.409 m to the last digit, which multiplying by 1e-3 does not.
                let per_si = if r.unit == "mm" { 1e3 } else { 1.0 };
                let m = Marginal {
                    n: r.n,
                    mean: r.mean / per_si,
                    sd: r.sd / per_si,
                    min: r.min / per_si,
                    p05: r.p05 / per_si,
                    p25: r.p25 / per_si,
                    p50: r.p50 / per_si,
                    p75: r.p75 / per_si,
                    p95: r.p95 / per_si,
                    max: r.max / per_si,
                };
                Ok(((r.sex, r.variable), m))
            })
            .collect::<Result<_, csv::Error>>()?;
        let regressions = csv::Reader::from_reader(regressions.as_bytes())
            .deserialize()
            .map(|row| {
                let r: RegressionRow = row?;
                let regression = Regression {
                    b0_m: 1e-3 * r.b0,
                    b_stature: r.b_stature_per_mm,
                    b_bmi: 1e-3 * r.b_bmi_per_unit,
                    b_age: 1e-3 * r.b_age_per_yr,
                    resid_sd_m: 1e-3 * r.resid_sd,
                };
                Ok(((r.sex, r.variable), regression))
            })
            .collect::<Result<_, csv::Error>>()?;
        Ok(Survey {
            marginals,
            correlations,
            regressions,
        })
    }
}

impl Regression {
    /// The size of this body, `z` residual standard deviations from its mean, m.
    pub fn at_m(&self, body: &Body, z: f64) -> f64 {
        self.b0_m
            + self.b_stature * (body.stature_m - 1.7)
            + self.b_bmi * (body.bmi_kg_m2 - 25.0)
            + self.b_age * (body.age_yr - 30.0)
            + z * self.resid_sd_m
    }
}

/// The columns `r_...` of the first table.
fn correlations(table: &str) -> Result<BTreeMap<(Sex, String, String), f64>, csv::Error> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let head: Vec<String> = reader.headers()?.iter().map(String::from).collect();
    let mut all = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let sex = if record.get(0) == Some("male") {
            Sex::Male
        } else {
            Sex::Female
        };
        let variable = record.get(1).unwrap_or_default();
        for (name, cell) in head.iter().zip(&record) {
            if let (Some(other), Ok(r)) = (name.strip_prefix("r_"), cell.parse()) {
                all.insert((sex, variable.to_owned(), other.to_owned()), r);
            }
        }
    }
    Ok(all)
}

#[derive(Deserialize)]
struct MarginalRow {
    sex: Sex,
    variable: String,
    unit: String,
    n: u32,
    mean: f64,
    sd: f64,
    min: f64,
    p05: f64,
    p25: f64,
    p50: f64,
    p75: f64,
    p95: f64,
    max: f64,
}

#[derive(Deserialize)]
struct RegressionRow {
    sex: Sex,
    variable: String,
    b0: f64,
    b_stature_per_mm: f64,
    b_bmi_per_unit: f64,
    b_age_per_yr: f64,
    resid_sd: f64,
}
