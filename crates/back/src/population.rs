//! Bodies as the survey has them.

use serde::{Deserialize, Serialize};

use crate::body::{Body, Sex};
use crate::random::{normal_quantile, uniform};
use crate::survey::Survey;

/// An endless list of bodies; the same seed and index give the same body, whatever else was drawn.
///
/// Half men, half women. Stature is normal and BMI log-normal by sex (survey; nearly independent of each other, r 0.00 and 0.05 there),
/// both cut at their 1st and 99th percentile so that classes are bounded; age is even over 20 to 65 (E). Residuals are standard
/// normal and independent, but kyphosis and lordosis, which go together with r = 0.3 (E). Everybody is relaxed.
///
/// Soldiers are lighter than customers. Sizes beyond stature and BMI move in three groups rather than by the survey's 21 correlations:
/// [`crate::Correlated`] has those, and markets of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// Picks the list.
    pub seed: u64,
}

impl Population {
    /// The survey's people.
    pub fn survey(seed: u64) -> Population {
        Population { seed }
    }

    /// Number `index` of the list.
    pub fn body(&self, index: u64) -> Body {
        let even = |channel: u64| uniform(&[self.seed, index, channel]);
        let normal = |channel: u64| normal_quantile(even(channel));
        let cut = |channel: u64| normal_quantile(0.01 + 0.98 * even(channel));
        let sex = if even(0) < 0.5 {
            Sex::Male
        } else {
            Sex::Female
        };
        let stature = Survey::builtin().marginal(sex, "stature");
        let (kyphosis_z, other) = (normal(4), normal(5));
        Body {
            sex,
            stature_m: stature.mean + stature.sd * cut(1),
            bmi_kg_m2: (sex.of(LN_BMI_MEAN) + sex.of(LN_BMI_SD) * cut(2)).exp(),
            age_yr: 20.0 + 45.0 * even(3),
            back_length_z: normal(6),
            girth_z: normal(7),
            breadth_z: normal(8),
            kyphosis_z,
            lordosis_z: KYPHOSIS_LORDOSIS_R * kyphosis_z
                + (1.0 - KYPHOSIS_LORDOSIS_R.powi(2)).sqrt() * other,
            fat_z: normal(9),
            muscle_z: normal(10),
            modulus_z: normal(11),
            pain_z: normal(12),
            tone: 1.0,
            size_z: None,
            knots: Vec::new(),
            scan: None,
        }
    }
}

/// Mean of ln BMI, `[male, female]` (D, ANSUR II).
pub(crate) const LN_BMI_MEAN: [f64; 2] = [3.310, 3.229];
/// Standard deviation of ln BMI (D, ANSUR II).
pub(crate) const LN_BMI_SD: [f64; 2] = [0.146, 0.135];
/// E.
pub(crate) const KYPHOSIS_LORDOSIS_R: f64 = 0.3;

#[cfg(test)]
mod tests {
    use super::*;

    /// Means and SDs of 20 000 bodies against ANSUR II. A normal cut at 1 % and 99 % keeps its mean and 0.935 of its SD
    /// (variance 1 - 2 z phi(z) / 0.98 = 1 - 2 x 2.3263 x 0.02665 / 0.98 = 0.8735). Tolerances are five standard errors.
    #[test]
    fn val_population_has_the_means_and_spreads_of_the_survey() {
        let bodies: Vec<Body> = (0..20_000).map(|i| Population::survey(1).body(i)).collect();
        for (sex, stature_m, sd_m, bmi) in [
            (Sex::Male, 1.7562, 0.0686, 27.69),
            (Sex::Female, 1.6285, 0.0642, 25.50),
        ] {
            let of_sex: Vec<&Body> = bodies.iter().filter(|b| b.sex == sex).collect();
            let n = of_sex.len() as f64;
            assert!((n - 10_000.0).abs() < 5.0 * 71.0);
            let mean = |f: &dyn Fn(&Body) -> f64| of_sex.iter().map(|b| f(b)).sum::<f64>() / n;
            let m = mean(&|b| b.stature_m);
            let sd = mean(&|b| (b.stature_m - m).powi(2)).sqrt();
            assert!((m - stature_m).abs() < 5.0 * sd_m / n.sqrt(), "{m}");
            assert!(
                (sd / (0.9346 * sd_m) - 1.0).abs() < 5.0 / (2.0 * n).sqrt(),
                "{sd}"
            );
            // The cut takes a little of the long upper tail: 0.5 %.
            assert!((mean(&|b| b.bmi_kg_m2) / bmi - 1.0).abs() < 0.012);
            assert!((mean(&|b| b.age_yr) - 42.5).abs() < 5.0 * 13.0 / n.sqrt());
            assert!((mean(&|b| b.kyphosis_z * b.lordosis_z) - 0.3).abs() < 5.0 * 1.05 / n.sqrt());
            assert!(mean(&|b| b.fat_z * b.pain_z).abs() < 5.0 / n.sqrt());
        }
    }

    #[test]
    fn every_body_of_the_population_is_plausible() {
        for i in 0..5_000 {
            let (errors, _) = Population::survey(3).body(i).check();
            assert!(errors.is_empty(), "{i}: {errors:?}");
        }
        assert_eq!(
            Population::survey(3).body(77),
            Population::survey(3).body(77)
        );
        assert_ne!(
            Population::survey(3).body(77),
            Population::survey(4).body(77)
        );
    }
}
