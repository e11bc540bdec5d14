//! Who is asked for, and whether such a person can be.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::knot::Knot;
use crate::scan::Scan;
use crate::sizes::SIZES;
use crate::survey::Survey;

/// Sex, as the survey splits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

impl Sex {
    /// Both, in the order of every `[male, female]` pair of this crate.
    pub const ALL: [Sex; 2] = [Sex::Male, Sex::Female];

    /// `male` or `female`.
    pub fn name(self) -> &'static str {
        match self {
            Sex::Male => "male",
            Sex::Female => "female",
        }
    }

    /// Takes its side of a `[male, female]` pair.
    pub(crate) fn of(self, pair: [f64; 2]) -> f64 {
        pair[self as usize]
    }
}

/// Who is asked for. Names in `_z` count population standard deviations from the mean person of this sex, stature, BMI and age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Sex.
    pub sex: Sex,
    /// Standing height, m; 1.20 to 2.20.
    pub stature_m: f64,
    /// Body mass over stature squared, kg/m2; 13 to 60.
    pub bmi_kg_m2: f64,
    /// Age, yr; 14 to 100.
    pub age_yr: f64,
    /// Trunk length beyond what stature explains.
    #[serde(default)]
    pub back_length_z: f64,
    /// Depth of chest, waist and buttocks beyond what BMI explains.
    #[serde(default)]
    pub girth_z: f64,
    /// Breadth of shoulders, chest, waist and hips beyond what stature and BMI explain.
    #[serde(default)]
    pub breadth_z: f64,
    /// Thoracic kyphosis.
    #[serde(default)]
    pub kyphosis_z: f64,
    /// Lumbar lordosis.
    #[serde(default)]
    pub lordosis_z: f64,
    /// Fat (and skin) thickness.
    #[serde(default)]
    pub fat_z: f64,
    /// Muscle thickness.
    #[serde(default)]
    pub muscle_z: f64,
    /// Tissue stiffness.
    #[serde(default)]
    pub modulus_z: f64,
    /// Pressure pain threshold: larger bears more.
    #[serde(default)]
    pub pain_z: f64,
    /// Muscle stiffness multiplier: 1.0 relaxed, 1.5 guarding (E), 2.1 contracted (V, Sadeghi 2020); 0.5 to 4.
    #[serde(default = "relaxed")]
    pub tone: f64,
    /// Each size on its own, in its residual SDs and in the order of [`crate::SIZES`]; the three groups above then move no size. None
    /// where the groups hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_z: Option<Vec<f64>>,
    /// Stiff inclusions in the muscle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knots: Vec<Knot>,
    /// The skin of a real person instead of the parametric one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Scan>,
}

impl Body {
    /// The mean person of this sex, stature, BMI and age, relaxed.
    pub fn mean(sex: Sex, stature_m: f64, bmi_kg_m2: f64, age_yr: f64) -> Body {
        Body {
            sex,
            stature_m,
            bmi_kg_m2,
            age_yr,
            back_length_z: 0.0,
            girth_z: 0.0,
            breadth_z: 0.0,
            kyphosis_z: 0.0,
            lordosis_z: 0.0,
            fat_z: 0.0,
            muscle_z: 0.0,
            modulus_z: 0.0,
            pain_z: 0.0,
            tone: relaxed(),
            size_z: None,
            knots: Vec::new(),
            scan: None,
        }
    }

    /// Errors (no such person) and warnings (nobody like this in the survey: sizes are extrapolated).
    pub fn check(&self) -> (Vec<BodyProblem>, Vec<BodyProblem>) {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for (key, value, plausible, hint) in [
            (
                "stature_m",
                self.stature_m,
                [1.20, 2.20],
                "standing height in metres (a scene file takes stature_mm too)",
            ),
            (
                "bmi_kg_m2",
                self.bmi_kg_m2,
                [13.0, 60.0],
                "body mass in kg over stature in metres squared",
            ),
            (
                "age_yr",
                self.age_yr,
                [14.0, 100.0],
                "years; makers of massage chairs ask for 14 and over",
            ),
        ] {
            let variable = key.split('_').next().unwrap_or(key);
            let survey = Survey::builtin().marginal(self.sex, variable);
            if let Some(p) = problem(key, value, plausible, hint) {
                errors.push(p);
            } else if let Some(p) = problem(key, value, [survey.min, survey.max], "") {
                let hint = format!(
                    "the survey of {} {}s holds nobody like this: sizes are extrapolated",
                    survey.n,
                    self.sex.name()
                );
                warnings.push(BodyProblem { hint, ..p });
            }
        }
        for (key, value) in self.residuals() {
            let hint = "standard deviations from the mean person; 0 is the mean";
            if let Some(p) = problem(key, value, [-6.0, 6.0], hint) {
                errors.push(p);
            } else if let Some(p) = problem(key, value, [-3.0, 3.0], hint) {
                warnings.push(p);
            }
        }
        errors.extend(problem(
            "tone",
            self.tone,
            [0.5, 4.0],
            "1.0 relaxed, 1.5 guarding, 2.1 contracted",
        ));
        if let Some(z) = &self.size_z {
            let hint =
                "one number per size, in standard deviations; leave it out for the three groups";
            errors.extend(problem(
                "size_z",
                z.len() as f64,
                [SIZES.len() as f64; 2],
                hint,
            ));
            errors.extend(
                z.iter()
                    .find_map(|z| problem("size_z", *z, [-6.0, 6.0], hint)),
            );
        }
        if let Some(scan) = &self.scan {
            let counts = [
                (scan.midline_y_m.len(), Scan::ROWS),
                (scan.midline_z_m.len(), Scan::ROWS),
                (scan.offset_m.len(), Scan::ROWS * Scan::COLUMNS),
            ];
            let hint = "a scan is read from a mesh and not written by hand";
            for (found, right) in counts {
                errors.extend(problem("scan", found as f64, [right as f64; 2], hint));
            }
            errors.extend(problem("scan", scan.arc_length_m, [0.30, 0.75], hint));
            let all = scan
                .midline_y_m
                .iter()
                .chain(&scan.midline_z_m)
                .chain(&scan.offset_m);
            errors.extend(
                all.copied()
                    .find_map(|v| problem("scan", v, [-2.0, 2.0], hint)),
            );
        }
        for knot in &self.knots {
            errors.extend(knot.check());
        }
        (errors, warnings)
    }

    fn residuals(&self) -> [(&'static str, f64); 9] {
        [
            ("back_length_z", self.back_length_z),
            ("girth_z", self.girth_z),
            ("breadth_z", self.breadth_z),
            ("kyphosis_z", self.kyphosis_z),
            ("lordosis_z", self.lordosis_z),
            ("fat_z", self.fat_z),
            ("muscle_z", self.muscle_z),
            ("modulus_z", self.modulus_z),
            ("pain_z", self.pain_z),
        ]
    }
}

/// One number of a [`Body`] that is out of range.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyProblem {
    /// The field of [`Body`].
    pub key: &'static str,
    /// Its value.
    pub value: f64,
    /// The range, in the unit of the key.
    pub allowed: String,
    /// What to do or to know about it.
    pub hint: String,
}

impl fmt::Display for BodyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} = {} is outside {} ({})",
            self.key, self.value, self.allowed, self.hint
        )
    }
}

impl std::error::Error for BodyProblem {}

pub(crate) fn problem(
    key: &'static str,
    value: f64,
    [low, high]: [f64; 2],
    hint: &str,
) -> Option<BodyProblem> {
    // Not a number is outside every range.
    let inside = value >= low && value <= high;
    (!inside).then(|| BodyProblem {
        key,
        value,
        allowed: format!("{low} to {high}"),
        hint: hint.into(),
    })
}

fn relaxed() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_implausible_body_is_an_error_and_an_unusual_one_a_warning() {
        let (errors, warnings) = Body::mean(Sex::Female, 1.628, 25.5, 30.0).check();
        assert!(errors.is_empty() && warnings.is_empty());

        let (errors, warnings) = Body::mean(Sex::Female, 1.95, 61.0, f64::NAN).check();
        let keys: Vec<_> = errors.iter().map(|p| p.key).collect();
        assert_eq!(keys, ["bmi_kg_m2", "age_yr"]);
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].key, "stature_m");
        // The tallest woman of ANSUR II is 1829 mm, the shortest 1409 mm.
        assert_eq!(warnings[0].allowed, "1.409 to 1.829");
    }
}
