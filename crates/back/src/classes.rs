//! What a chair can tell apart after its body scan.

use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::correlated::People;
use crate::random::hash;

/// Body classes: bands of stature times bands of build (BMI), both sexes inside. Class `i` is stature band `i / builds`, build band `i % builds`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// Where one stature band ends and the next begins, m, ascending.
    pub stature_edges_m: Vec<f64>,
    /// Where one build band ends and the next begins, kg/m2, ascending.
    pub bmi_edges_kg_m2: Vec<f64>,
}

impl Classes {
    /// Short, medium, tall times light, medium, heavy: edges at about the thirds of the survey's two sexes in equal parts.
    ///
    /// 1.64 m is the 31st and 1.74 m the 68th percentile; BMI 24.5 the 32nd and 28 the 67th (D).
    pub fn default_3x3() -> Classes {
        Classes {
            stature_edges_m: vec![1.64, 1.74],
            bmi_edges_kg_m2: vec![24.5, 28.0],
        }
    }

    /// How many.
    #[allow(
        clippy::len_without_is_empty,
        reason = "there is always at least one class"
    )]
    pub fn len(&self) -> usize {
        (self.stature_edges_m.len() + 1) * self.builds()
    }

    /// `short/light` and so on; bands are numbered where there are not three.
    pub fn name(&self, class: usize) -> String {
        let (stature, build) = (class / self.builds(), class % self.builds());
        let word = |band: usize, edges: &[f64], words: [&str; 3], what: &str| {
            if edges.len() == 2 {
                words[band.min(2)].to_owned()
            } else {
                format!("{what}{}", band + 1)
            }
        };
        let stature = word(
            stature,
            &self.stature_edges_m,
            ["short", "medium", "tall"],
            "stature",
        );
        let build = word(
            build,
            &self.bmi_edges_kg_m2,
            ["light", "medium", "heavy"],
            "build",
        );
        format!("{stature}/{build}")
    }

    /// The class of a body.
    pub fn classify(&self, body: &Body) -> usize {
        let stature = self
            .stature_edges_m
            .partition_point(|&edge| edge <= body.stature_m);
        let build = self
            .bmi_edges_kg_m2
            .partition_point(|&edge| edge <= body.bmi_kg_m2);
        stature * self.builds() + build
    }

    /// The first `n` bodies of a class in the population of its own that seed and class pick. Any two seeds are independent.
    ///
    /// Fewer than `n` come back only where the bands hold next to nobody (less than one person in 1000).
    pub fn sample(&self, class: usize, seed: u64, n: usize) -> Vec<Body> {
        self.sample_of(&People::Grouped, class, seed, n)
    }

    /// The same of other people.
    pub fn sample_of(&self, people: &People, class: usize, seed: u64, n: usize) -> Vec<Body> {
        let seed = hash(&[seed, class as u64]);
        (0..1000 * (n as u64 + 10))
            .map(|i| people.body(seed, i))
            .filter(|body| self.classify(body) == class)
            .take(n)
            .collect()
    }

    fn builds(&self) -> usize {
        self.bmi_edges_kg_m2.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Sex;
    use crate::population::Population;

    #[test]
    fn a_sample_lies_in_its_class_and_depends_on_its_seed() {
        let classes = Classes::default_3x3();
        assert_eq!(classes.len(), 9);
        assert_eq!(
            (classes.name(0), classes.name(5), classes.name(8)),
            (
                "short/light".into(),
                "medium/heavy".into(),
                "tall/heavy".into()
            )
        );
        for class in 0..classes.len() {
            let bodies = classes.sample(class, 11, 64);
            assert_eq!(bodies.len(), 64);
            assert!(bodies.iter().all(|b| classes.classify(b) == class));
            assert_eq!(
                bodies[..16],
                classes.sample(class, 11, 16)[..],
                "a smaller sample is the beginning of a larger one"
            );
            assert_ne!(bodies, classes.sample(class, 12, 64));
        }
    }

    /// Shares by hand from the survey's marginals: P(stature < 1.64) = (Phi(-1.695) + Phi(0.179)) / 2 = 0.308, cut to 1..99 % (0.308 - 0.01) / 0.98
    /// = 0.304; P(BMI < 24.5) = (Phi(-0.763) + Phi(-0.225)) / 2 = 0.317, cut 0.313; P(< 1.74) 0.683, P(BMI < 28) 0.669.
    #[test]
    fn val_bands_hold_about_a_third_each() {
        let classes = Classes::default_3x3();
        let n = 20_000;
        let mut stature = [0.0; 3];
        let mut build = [0.0; 3];
        let mut women_in_tall = 0;
        for i in 0..n {
            let body = Population::survey(5).body(i);
            let class = classes.classify(&body);
            stature[class / 3] += 1.0 / n as f64;
            build[class % 3] += 1.0 / n as f64;
            women_in_tall += u32::from(class / 3 == 2 && body.sex == Sex::Female);
        }
        // Five standard errors are 0.017.
        assert!(
            (stature[0] - 0.304).abs() < 0.017 && (build[0] - 0.313).abs() < 0.017,
            "{stature:?} {build:?}"
        );
        assert!(
            (stature[2] - 0.313).abs() < 0.017 && (build[2] - 0.328).abs() < 0.017,
            "{stature:?} {build:?}"
        );
        assert!(women_in_tall > 0, "both sexes inside");
    }
}
