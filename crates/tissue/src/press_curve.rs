//! Force over depth as a smooth curve through a few solved depths.

use crate::bases::Bases;
use crate::durometer::Durometer;
use crate::indenter::Indenter;
use crate::stack::Stack;

/// Where a node is pressed, and on which cells: what stays the same while moduli are tried.
#[derive(Clone, Debug)]
pub(crate) struct Presses {
    pub node: Indenter,
    /// Depth and edge of the cells, m.
    knots: Vec<(f64, f64)>,
}

/// Depths grow by at most this factor from knot to knot. At 1.25 the curve between knots is within 0.2 % of a solve, at
/// most what the cells themselves cost (tests).
const KNOT_RATIO: f64 = 1.25;
/// Under this share of the deepest depth the force goes on as a power of depth: less than 1 % of the largest force.
const SHALLOWEST: f64 = 0.03;

/// Cells in contact that a knot's grid aims at: some 18 across a round contact, good to 0.3 % of the force.
const CELLS: f64 = 250.0;
/// Every so many knots the contact's area is solved for, and taken as a power of depth between.
const PILOT_EVERY: usize = 4;

impl Presses {
    /// Knots for depths up to `deepest_m`, on cells that fit the contact with this stack. They are kept while moduli
    /// change, so that a force is a smooth function of them.
    pub fn new(node: &Indenter, stack: &Stack, deepest_m: f64) -> Presses {
        let count = (-SHALLOWEST.ln() / KNOT_RATIO.ln()).ceil() as usize;
        let depth_m = |i: usize| deepest_m * SHALLOWEST.powf((count - i) as f64 / count as f64);
        let pilots: Vec<usize> = (0..count).step_by(PILOT_EVERY).chain([count]).collect();
        let pilots_m: Vec<f64> = pilots.iter().map(|&i| depth_m(i)).collect();
        let found = Durometer::new(stack.clone(), node.to_owned())
            .with_cells(300.0)
            .indent(&pilots_m);
        let area = PressCurve::through(found.iter().map(|i| (i.depth_m, i.area_m2)).collect());
        let knot = |i| (depth_m(i), (area.at(depth_m(i)).0 / CELLS).sqrt());
        Presses {
            node: node.to_owned(),
            knots: (0..=count).map(knot).collect(),
        }
    }

    /// The forces of a stack.
    pub fn curve(&self, stack: &Stack, bases: &Bases) -> PressCurve {
        let durometer = Durometer::new(stack.clone(), self.node.to_owned()).with_bases(bases);
        let force_n = |&(depth_m, cell_m): &(f64, f64)| {
            let on_cells = durometer.clone().with_cell_m(cell_m);
            on_cells.indent(&[depth_m])[0].force_n
        };
        PressCurve::through(
            self.knots
                .iter()
                .map(|knot| (knot.0, force_n(knot)))
                .collect(),
        )
    }
}

/// `ln F` over `ln depth`, cubic between knots with slopes from the parabola through three of them: a power law is met
/// exactly, and a sphere on tissue is nearly one.
#[derive(Clone, Debug)]
pub(crate) struct PressCurve {
    /// `ln depth`, `ln force`, `d ln force / d ln depth`.
    knots: Vec<[f64; 3]>,
}

impl PressCurve {
    /// Through depths, m, that rise, and forces above 0, N.
    fn through(points: Vec<(f64, f64)>) -> PressCurve {
        let logs: Vec<(f64, f64)> = points
            .into_iter()
            .filter(|p| p.1 > 0.0)
            .map(|(depth_m, force_n)| (depth_m.ln(), force_n.ln()))
            .collect();
        let slope = |i: usize| {
            let last = logs.len().saturating_sub(1);
            let middle = i.clamp(1, last.saturating_sub(1).max(1));
            let rise = |a: usize, b: usize| (logs[b].1 - logs[a].1) / (logs[b].0 - logs[a].0);
            if last < 2 {
                return if last == 1 { rise(0, 1) } else { 1.5 };
            }
            let (before, after) = (rise(middle - 1, middle), rise(middle, middle + 1));
            let bend = (after - before) / (logs[middle + 1].0 - logs[middle - 1].0);
            before + bend * (2.0 * logs[i].0 - logs[middle - 1].0 - logs[middle].0)
        };
        let knots = (0..logs.len())
            .map(|i| [logs[i].0, logs[i].1, slope(i)])
            .collect();
        PressCurve { knots }
    }

    /// Force, N, and stiffness, N/m, at a depth, m; nothing above the surface.
    pub fn at(&self, depth_m: f64) -> (f64, f64) {
        let (Some(first), Some(last)) = (self.knots.first(), self.knots.last()) else {
            return (0.0, 0.0);
        };
        if depth_m <= 0.0 {
            return (0.0, 0.0);
        }
        let x = depth_m.ln();
        let straight = |k: &[f64; 3]| (k[1] + k[2] * (x - k[0]), k[2]);
        let (y, slope) = if x <= first[0] {
            straight(first)
        } else if x >= last[0] {
            straight(last)
        } else {
            let i = self.knots.partition_point(|k| k[0] <= x);
            hermite(&self.knots[i - 1], &self.knots[i], x)
        };
        let force_n = y.exp();
        (force_n, force_n * slope / depth_m)
    }

    /// Depth of the knots, m.
    pub fn depths_m(&self) -> impl Iterator<Item = f64> {
        self.knots.iter().map(|k| k[0].exp())
    }
}

/// Cubic between two knots with given slopes: value and slope.
fn hermite(a: &[f64; 3], b: &[f64; 3], x: f64) -> (f64, f64) {
    let width = b[0] - a[0];
    let t = (x - a[0]) / width;
    let (rise, p, q) = (b[1] - a[1], a[2] * width, b[2] * width);
    let value = a[1] + t * (p + t * ((3.0 * rise - 2.0 * p - q) + t * (p + q - 2.0 * rise)));
    let slope = p + t * (2.0 * (3.0 * rise - 2.0 * p - q) + t * 3.0 * (p + q - 2.0 * rise));
    (value, slope / width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Law, Layer};

    /// A sphere on a half-space: `F = c d^1.5` is a straight line of logarithms, stiffness `1.5 F / d`.
    #[test]
    fn val_power_laws_are_met() {
        let curve = PressCurve::through(
            [1e-3, 2e-3, 3e-3, 5e-3]
                .map(|d: f64| (d, 40.0 * d.powf(1.5)))
                .to_vec(),
        );
        for depth_m in [2e-4, 1.7e-3, 4e-3, 6e-3_f64] {
            let (force_n, stiffness_n_m) = curve.at(depth_m);
            assert!((force_n / (40.0 * depth_m.powf(1.5)) - 1.0).abs() < 1e-12);
            assert!((stiffness_n_m * depth_m / force_n - 1.5).abs() < 1e-10);
        }
        assert_eq!(curve.at(-1e-3), (0.0, 0.0));
    }

    /// Between knots, to 0.4 of the thickness, against solves of their own: 0.5 %, of which the cells of either take 0.2.
    #[test]
    fn curve_meets_solves_between_knots() {
        let layer = |name: &str, thickness_m, e_pa| Layer {
            name: name.into(),
            thickness_m,
            e_pa,
            nu: 0.49,
            law: Law::Ogden { alpha: 8.0 },
            prony: vec![],
        };
        let stack = Stack::try_new(vec![
            layer("skin", 0.002, 150e3),
            layer("fat", 0.008, 10e3),
            layer("muscle", 0.03, 25e3),
        ])
        .unwrap();
        let node = Indenter::Sphere { radius_m: 0.025 };
        let bases = Bases::default();
        let presses = Presses::new(&node, &stack, 0.016);
        let curve = presses.curve(&stack, &bases);
        for depth_m in [0.7e-3, 1.9e-3, 4.2e-3, 7.7e-3, 12.3e-3, 15.2e-3] {
            let solved_n =
                Durometer::new(stack.clone(), node.to_owned()).indent(&[depth_m])[0].force_n;
            let error = curve.at(depth_m).0 / solved_n - 1.0;
            println!("{depth_m} {error:.5}");
            assert!(error.abs() < 0.005, "{depth_m}: {error}");
        }
    }
}
