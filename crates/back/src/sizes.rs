//! The lengths of one body.

use crate::body::Body;
use crate::survey::Survey;

/// Named sizes of one body, from the survey's regressions on stature, BMI and age plus the body's own residuals.
///
/// One residual moves all sizes of its group together (`back_length_z` trunk lengths, `girth_z` depths and the neck, `breadth_z`
/// breadths), each by its own residual SD: in the survey they are correlated, but not fully.
/// A body of [`crate::Correlated`] has a residual for each size instead, correlated as the survey's are.
/// A size never falls under 0.8 times the survey's smallest, so that extrapolation stays a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Body mass = BMI stature^2, kg.
    pub mass_kg: f64,
    /// C7 above the seat, sitting erect, m.
    pub c7_sitting_m: f64,
    /// C7 to the iliac crest (about L4), vertical, standing, m.
    pub c7_to_crest_m: f64,
    /// C7 to the tenth rib, vertical, standing, m.
    pub c7_to_tenth_rib_m: f64,
    /// C7 to the greatest posterior protrusion of the buttocks, vertical, standing, m.
    pub c7_to_buttock_m: f64,
    /// C7 to the acromion, vertical, m.
    pub c7_to_acromion_m: f64,
    /// C7 to the waist along the skin, m.
    pub waist_back_m: f64,
    /// Acromion to acromion, m.
    pub biacromial_m: f64,
    /// Across the deltoids, m.
    pub bideltoid_m: f64,
    /// Across the back between the posterior axillary folds, along the skin, m.
    pub interscye_m: f64,
    /// Chest breadth, m.
    pub chest_breadth_m: f64,
    /// Chest depth, m.
    pub chest_depth_m: f64,
    /// Waist breadth, m.
    pub waist_breadth_m: f64,
    /// Waist depth, m.
    pub waist_depth_m: f64,
    /// Hip breadth, m.
    pub hip_breadth_m: f64,
    /// Buttock depth, m.
    pub buttock_depth_m: f64,
    /// Breadth over the iliac crests, m.
    pub bicristal_m: f64,
    /// Neck circumference, m.
    pub neck_circumference_m: f64,
    /// Neck circumference at its base, m.
    pub neck_base_circumference_m: f64,
    /// C7 to the PSIS level (S2) along the midline skin, m: `1.025 c7_to_crest / 0.861`, which meets Ernst 2013's 50.9 cm (D; the
    /// arc factor 1.025 is E; 0.861 is the station of L4, V).
    pub arc_length_m: f64,
    /// Medial scapular border from the midline, m: 65 mm men, 56 mm women (V range, E default), scaled by biacromial breadth.
    pub medial_border_m: f64,
    /// One cun, a third of the way from the midline to the medial scapular border, m.
    pub cun_m: f64,
}

/// One size, ready to print.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeRow {
    /// What it is.
    pub name: &'static str,
    /// Its value in `unit`.
    pub value: f64,
    /// `m` or `kg`.
    pub unit: &'static str,
    /// V verified, D derived, W well known, M memory, E estimate.
    pub flag: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

impl Sizes {
    pub(crate) fn new(body: &Body) -> Sizes {
        let survey = Survey::builtin();
        let size = |variable: &str, group_z| {
            let own = SIZES.iter().position(|s| *s == variable);
            let z = match (&body.size_z, own) {
                (Some(z), Some(i)) => z.get(i).copied().unwrap_or(0.0),
                _ => group_z,
            };
            let floor_m = 0.8 * survey.marginal(body.sex, variable).min;
            survey
                .regression(body.sex, variable)
                .at_m(body, z)
                .max(floor_m)
        };
        let length = |variable| size(variable, body.back_length_z);
        let depth = |variable| size(variable, body.girth_z);
        let breadth = |variable| size(variable, body.breadth_z);

        let c7_to_crest_m = length("c7_to_iliocristale");
        let biacromial_m = breadth("biacromialbreadth");
        let border = body.sex.of([0.065, 0.056]);
        let medial_border_m =
            border * biacromial_m / survey.marginal(body.sex, "biacromialbreadth").mean;
        Sizes {
            mass_kg: body.bmi_kg_m2 * body.stature_m * body.stature_m,
            c7_sitting_m: length("c7_height_sitting_est"),
            c7_to_crest_m,
            c7_to_tenth_rib_m: length("c7_to_tenthrib"),
            c7_to_buttock_m: length("c7_to_buttock_level"),
            c7_to_acromion_m: size("c7_to_acromion", 0.0),
            waist_back_m: length("waistbacklength"),
            biacromial_m,
            bideltoid_m: breadth("bideltoidbreadth"),
            interscye_m: breadth("interscyei"),
            chest_breadth_m: breadth("chestbreadth"),
            chest_depth_m: depth("chestdepth"),
            waist_breadth_m: breadth("waistbreadth"),
            waist_depth_m: depth("waistdepth"),
            hip_breadth_m: breadth("hipbreadth"),
            buttock_depth_m: depth("buttockdepth"),
            bicristal_m: breadth("bicristalbreadth"),
            neck_circumference_m: depth("neckcircumference"),
            neck_base_circumference_m: depth("neckcircumferencebase"),
            arc_length_m: match &body.scan {
                Some(scan) => scan.arc_length_m,
                None => ARC_FACTOR * c7_to_crest_m / 0.861,
            },
            medial_border_m,
            cun_m: medial_border_m / 3.0,
        }
    }

    /// Medial to lateral border of the scapula, m: 105 mm men, 95 mm women (W), scaled as the medial border is.
    pub(crate) fn scapula_breadth_m(&self, sex: crate::body::Sex) -> f64 {
        sex.of([0.105, 0.095]) * self.medial_border_m / sex.of([0.065, 0.056])
    }

    /// Every size with its unit, flag and source.
    pub fn rows(&self) -> Vec<SizeRow> {
        let survey = "ANSUR II regression on stature, BMI, age";
        let row = |name, value, flag, source| SizeRow {
            name,
            value,
            unit: "m",
            flag,
            source,
        };
        vec![
            SizeRow {
                name: "mass",
                value: self.mass_kg,
                unit: "kg",
                flag: "D",
                source: "BMI times stature squared",
            },
            row("C7 above the seat", self.c7_sitting_m, "D", survey),
            row("C7 to iliac crest", self.c7_to_crest_m, "D", survey),
            row("C7 to tenth rib", self.c7_to_tenth_rib_m, "D", survey),
            row("C7 to buttock level", self.c7_to_buttock_m, "D", survey),
            row("C7 to acromion", self.c7_to_acromion_m, "D", survey),
            row("waist back length", self.waist_back_m, "D", survey),
            row("biacromial breadth", self.biacromial_m, "D", survey),
            row("bideltoid breadth", self.bideltoid_m, "D", survey),
            row("interscye", self.interscye_m, "D", survey),
            row("chest breadth", self.chest_breadth_m, "D", survey),
            row("chest depth", self.chest_depth_m, "D", survey),
            row("waist breadth", self.waist_breadth_m, "D", survey),
            row("waist depth", self.waist_depth_m, "D", survey),
            row("hip breadth", self.hip_breadth_m, "D", survey),
            row("buttock depth", self.buttock_depth_m, "D", survey),
            row("bicristal breadth", self.bicristal_m, "D", survey),
            row("neck circumference", self.neck_circumference_m, "D", survey),
            row(
                "neck base circumference",
                self.neck_base_circumference_m,
                "D",
                survey,
            ),
            row(
                "C7 to S2 along the skin",
                self.arc_length_m,
                "D",
                "1.025 (E) x C7 to crest / 0.861 (V, Ernst 2013)",
            ),
            row(
                "medial scapular border",
                self.medial_border_m,
                "E",
                "65 mm men, 56 mm women, by biacromial breadth",
            ),
            row(
                "cun",
                self.cun_m,
                "D",
                "a third of the medial scapular border",
            ),
        ]
    }
}

/// The survey's variables that a body's sizes are made of, in the order of `Body::size_z`.
pub const SIZES: [&str; 18] = [
    "c7_height_sitting_est",
    "c7_to_iliocristale",
    "c7_to_tenthrib",
    "c7_to_buttock_level",
    "c7_to_acromion",
    "waistbacklength",
    "biacromialbreadth",
    "bideltoidbreadth",
    "interscyei",
    "chestbreadth",
    "chestdepth",
    "waistbreadth",
    "waistdepth",
    "hipbreadth",
    "buttockdepth",
    "bicristalbreadth",
    "neckcircumference",
    "neckcircumferencebase",
];

/// Skin arc over vertical, C7 to L4 (E).
const ARC_FACTOR: f64 = 1.025;

/// The mean person of the survey.
#[cfg(test)]
pub(crate) fn survey_mean(sex: crate::body::Sex) -> Body {
    let mean = |v| Survey::builtin().marginal(sex, v).mean;
    Body::mean(sex, mean("stature"), mean("bmi"), mean("age"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Sex;

    /// A least-squares plane goes through the means, so at mean stature, BMI and age it must give the survey's mean: ANSUR II,
    /// male / female. Tolerance 0.5 mm: coefficients are printed to 4 digits.
    #[test]
    fn val_mean_body_has_the_survey_means() {
        let table = [
            // name, male mm, female mm: ANSUR II means as printed in data/anthropometry.csv
            ("C7 above the seat", 679.4, 623.8),
            ("C7 to iliac crest", 455.7, 399.9),
            ("C7 to buttock level", 629.4, 561.9),
            ("C7 to acromion", 76.6, 60.6),
            ("biacromial breadth", 415.7, 365.4),
            ("interscye", 430.9, 373.4),
            ("chest depth", 253.9, 247.4),
            ("waist breadth", 326.4, 299.9),
            ("waist depth", 237.8, 213.0),
            ("hip breadth", 345.7, 353.8),
            ("buttock depth", 245.9, 232.9),
        ];
        for (i, sex) in Sex::ALL.into_iter().enumerate() {
            let rows = Sizes::new(&survey_mean(sex)).rows();
            for (name, male, female) in table {
                let row = rows
                    .iter()
                    .find(|r| r.name == name)
                    .expect("a size of that name");
                let expected = [male, female][i];
                assert!(
                    (1e3 * row.value - expected).abs() < 0.5,
                    "{name}: {} mm, {expected} in the survey",
                    1e3 * row.value
                );
            }
        }
    }

    /// Ernst 2013: C7 to PSIS along the skin is 50.9 +- 3.5 cm over 22 adults. Equal parts of both sexes give 50.9 cm; tolerance
    /// 0.75 cm is the standard error of their mean, 3.5 / sqrt(22).
    #[test]
    fn val_arc_length_is_that_of_ernst_2013() {
        let mean_m: f64 = Sex::ALL
            .map(|sex| Sizes::new(&survey_mean(sex)).arc_length_m)
            .iter()
            .sum::<f64>()
            / 2.0;
        assert!((mean_m - 0.509).abs() < 0.0075, "{mean_m} m");
    }

    /// What stature, BMI, age and the residual each spread a size by must add up to the survey's 5th and 95th percentile
    /// (mean +- 1.645 SD). Tolerance a tenth of the SD, some 2 to 4 mm: the sum leaves out that BMI grows with age (r 0.3 to 0.4).
    #[test]
    fn val_spread_of_sizes_is_that_of_the_survey() {
        for sex in Sex::ALL {
            for variable in [
                "biacromialbreadth",
                "c7_height_sitting_est",
                "c7_to_iliocristale",
            ] {
                let survey = Survey::builtin();
                let r = survey.regression(sex, variable);
                let sd = |v| survey.marginal(sex, v).sd;
                let var = (r.b_stature * sd("stature")).powi(2)
                    + (r.b_bmi * sd("bmi")).powi(2)
                    + (r.b_age * sd("age")).powi(2)
                    + r.resid_sd_m.powi(2);
                let (m, sd) = (survey.marginal(sex, variable), var.sqrt());
                for (found, percentile) in
                    [(m.mean - 1.645 * sd, m.p05), (m.mean + 1.645 * sd, m.p95)]
                {
                    assert!(
                        (found - percentile).abs() < 0.1 * m.sd,
                        "{sex:?} {variable}: {found} m, {percentile} m in the survey"
                    );
                }
            }
        }
    }
}
