//! Stiff inclusions in the muscle.

use serde::{Deserialize, Serialize};

use crate::body::{BodyProblem, problem};

/// A knot: a ball of stiffer tissue in the muscle, as a hand feels it.
///
/// It changes the stack under its outline: over a column that passes through it for `c` of the muscle's thickness `t` the muscle gives as the two do in
/// series, `1 / E = (1 - c/t) / E_muscle + (c/t) / (stiffness E_muscle)`; what of it reaches out of the muscle is left out.
///
/// Valid where the node's patch (10 to 20 mm) is smaller than the knot or about as large. A knot much smaller than a patch is not felt as the
/// point it is: layers under one place are taken as if they went on to all sides, so force and peak pressure over it are too high, and its edge is
/// blurred over the 10 mm between two stacks. No measured indentation over a knot was found to check it by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knot {
    /// Station.
    pub u: f64,
    /// Distance from the midline, m, negative to the user's left.
    pub x_m: f64,
    /// Its centre under the skin, m; 2 to 80 mm.
    pub depth_m: f64,
    /// Radius, m; 3 to 30 mm (E: as hands report, 5 to 20).
    pub radius_m: f64,
    /// Modulus over that of the muscle around it; 1 to 10 (E).
    pub stiffness: f64,
    /// A trigger point: the threshold over it is 105 kPa lower (V, Geri 2022, upper trapezius).
    pub tender: bool,
}

/// Modulus of a knot over that of the muscle around it, where none is given (E).
pub const KNOT_STIFFNESS: f64 = 3.0;

impl Knot {
    /// How far a column at a distance from its axis runs through it, m.
    fn chord_m(&self, distance_m: f64) -> f64 {
        2.0 * (self.radius_m.powi(2) - distance_m.powi(2)).max(0.0).sqrt()
    }

    /// Share of a muscle layer, from `top_m` to `bottom_m` under the skin, that lies in it, `distance_m` from its axis.
    pub(crate) fn share(&self, distance_m: f64, top_m: f64, bottom_m: f64) -> f64 {
        let half_m = 0.5 * self.chord_m(distance_m);
        let inside_m = (self.depth_m + half_m).min(bottom_m) - (self.depth_m - half_m).max(top_m);
        (inside_m / (bottom_m - top_m)).clamp(0.0, 1.0)
    }

    /// What is implausible about it.
    pub(crate) fn check(&self) -> Vec<BodyProblem> {
        [
            ("knot.u", self.u, [-0.13, 1.25], "station: 0 is C7, 1 is S2"),
            (
                "knot.x_m",
                self.x_m,
                [-0.15, 0.15],
                "from the midline, negative to the left",
            ),
            (
                "knot.depth_m",
                self.depth_m,
                [0.002, 0.080],
                "of its centre under the skin",
            ),
            (
                "knot.radius_m",
                self.radius_m,
                [0.003, 0.030],
                "a node of a chair feels none that is smaller",
            ),
            (
                "knot.stiffness",
                self.stiffness,
                [1.0, 10.0],
                "times the muscle around it; 3 is a guess",
            ),
        ]
        .into_iter()
        .filter_map(|(key, value, range, hint)| problem(key, value, range, hint))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ball of 10 mm 20 mm deep in muscle from 10 to 40 mm: its axis runs 20 of 30 mm through it; 6 mm off, 16 (a 6-8-10 triangle); outside none.
    /// In muscle that ends at 20 mm, half of it.
    #[test]
    fn val_a_column_passes_through_a_ball_as_pythagoras_says() {
        let knot = Knot {
            u: 0.3,
            x_m: 0.04,
            depth_m: 0.020,
            radius_m: 0.010,
            stiffness: 3.0,
            tender: false,
        };
        for (distance_m, top_m, bottom_m, share) in [
            (0.0, 0.010, 0.040, 20.0 / 30.0),
            (0.006, 0.010, 0.040, 16.0 / 30.0),
            (0.010, 0.010, 0.040, 0.0),
            (0.020, 0.010, 0.040, 0.0),
            (0.0, 0.000, 0.020, 0.5),
            (0.0, 0.035, 0.050, 0.0),
        ] {
            let found = knot.share(distance_m, top_m, bottom_m);
            assert!(
                (found - share).abs() < 1e-12,
                "{distance_m}: {found} {share}"
            );
        }
        let absurd = Knot {
            radius_m: 0.1,
            stiffness: f64::NAN,
            ..knot
        };
        let keys: Vec<_> = absurd.check().iter().map(|p| p.key).collect();
        assert_eq!(keys, ["knot.radius_m", "knot.stiffness"]);
    }
}
