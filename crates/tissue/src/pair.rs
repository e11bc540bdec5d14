//! Nodes that feel each other: what one contact sinks the skin by under another.

use crate::compliance::{half_space_compliance, surface_compliance};
use crate::durometer::{Bench, Durometer, Frame, Pressed};
use crate::kernel::panels;
use crate::patch::Patch;
use crate::stack::Stack;
use std::f64::consts::PI;

/// Displacement of the surface at a distance from a point force, m/N, tabulated once per stack.
///
/// `G(r) = 1/(2 pi) int_0^inf c(k) k J0(k r) dk`, the half-space part of `c` in closed form (Boussinesq,
/// `H / (2 pi r)`). It holds where a contact may be taken as a sum of point forces: see [`loads`]. Over tissue that cannot
/// shrink it turns negative beyond about one thickness (the bulge), and beyond about two and a half it is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct FarField {
    near_m: f64,
    step_m: f64,
    sink_m_n: Vec<f64>,
}

/// What the far fields of many stacks share: distances, wavelengths and their Bessel functions.
///
/// The force is spread as between two patches of some size, which is nearer to the truth than a point and needs no short
/// waves: a field then costs about a hundred compliances, 0.1 ms.
#[derive(Clone, Debug)]
pub struct FarBasis {
    near_m: f64,
    step_m: f64,
    wavenumbers_per_m: Vec<f64>,
    /// Row after row of distances, weights of the quadrature included.
    weights: Vec<f64>,
}

/// A force on a spot of the surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Where, along x and z of the surface, m.
    pub at_m: [f64; 2],
    /// How much, N.
    pub force_n: f64,
}

/// Two equal nodes at equal depth, side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairIndentation {
    /// Travel of each from first touch, m.
    pub depth_m: f64,
    /// Normal force of one node of the pair, N (mean of the two, which differ only if tilted).
    pub force_n: f64,
    /// What it would be alone, N.
    pub force_isolated_n: f64,
}

impl FarField {
    /// The field of a stack between two distances, m, `near_m` above 0. Nearer is taken as `near_m`, beyond `far_m` is
    /// nothing.
    pub fn new(stack: &Stack, near_m: f64, far_m: f64) -> FarField {
        // Between distances the field is taken as straight: its bend over a sixteenth of the nearest distance is below
        // a thousandth of it.
        let step_m = near_m / 16.0;
        let top_per_m = (5.5 / stack.layers()[0].thickness_m).max(4.0 / far_m);
        let (wavenumbers_per_m, weights) = panels(top_per_m, far_m);
        let half_space = half_space_compliance(stack);
        let rest: Vec<f64> = wavenumbers_per_m
            .iter()
            .zip(&weights)
            .map(|(&k, w)| w * k * (surface_compliance(stack, k) - half_space / k))
            .collect();
        let count = ((far_m - near_m) / step_m).ceil().max(1.0) as usize + 1;
        let sink_m_n = (0..count)
            .map(|i| {
                let r = near_m + i as f64 * step_m;
                let sum: f64 = wavenumbers_per_m
                    .iter()
                    .zip(&rest)
                    .map(|(k, c)| c * libm::j0(k * r))
                    .sum();
                (half_space / r + sum) / (2.0 * PI)
            })
            .collect();
        FarField {
            near_m,
            step_m,
            sink_m_n,
        }
    }

    /// Displacement at a distance from a unit force, m/N.
    pub fn sink_m_n(&self, distance_m: f64) -> f64 {
        self.sink_and_slope(distance_m).0
    }

    /// Displacement at a distance from a unit force, m/N, and its derivative by the distance, 1/N: 0 nearer than the table.
    pub fn sink_and_slope(&self, distance_m: f64) -> (f64, f64) {
        let steps = (distance_m - self.near_m) / self.step_m;
        let i = steps.max(0.0) as usize;
        match (self.sink_m_n.get(i), self.sink_m_n.get(i + 1)) {
            (Some(a), Some(_)) if steps < 0.0 => (*a, 0.0),
            (Some(a), Some(b)) => (a + (steps - i as f64) * (b - a), (b - a) / self.step_m),
            _ => (0.0, 0.0),
        }
    }

    /// Displacement at a place under several forces, m.
    pub fn sink_m(&self, loads: &[Load], at_m: [f64; 2]) -> f64 {
        loads
            .iter()
            .map(|load| {
                let r = (at_m[0] - load.at_m[0]).hypot(at_m[1] - load.at_m[1]);
                load.force_n * self.sink_m_n(r)
            })
            .sum()
    }
}

impl FarBasis {
    /// For distances from `near_m` to `far_m`, `step_m` apart, all above 0. Between them a field is straight, nearer it is
    /// that at `near_m`, beyond there is none.
    ///
    /// `patch_m` is the radius of the two patches, m: the pressure of one has a variance of `patch_m^2 / 5` along each
    /// axis (Hertz), and the sink is wanted in the mean over the other, so both are taken off the short waves as one
    /// Gaussian. That is exact to the second order in `patch_m` over the distance.
    pub fn new(near_m: f64, far_m: f64, step_m: f64, patch_m: f64) -> FarBasis {
        // exp(-10) of a wave is left at the top.
        let variance_m2 = 0.4 * patch_m * patch_m;
        let top_per_m = (20.0 / variance_m2).sqrt();
        let (wavenumbers_per_m, weights) = panels(top_per_m, far_m);
        let count = ((far_m - near_m) / step_m).ceil().max(1.0) as usize + 1;
        let spread: Vec<f64> = wavenumbers_per_m
            .iter()
            .zip(&weights)
            .map(|(&k, w)| w * k * (-0.5 * k * k * variance_m2).exp() / (2.0 * PI))
            .collect();
        let weights = (0..count)
            .flat_map(|i| {
                let r = near_m + i as f64 * step_m;
                let waves = wavenumbers_per_m.iter().zip(&spread);
                waves.map(move |(k, s)| s * libm::j0(k * r))
            })
            .collect();
        FarBasis {
            near_m,
            step_m,
            wavenumbers_per_m,
            weights,
        }
    }

    /// The field of a stack.
    pub fn field(&self, stack: &Stack) -> FarField {
        let compliance: Vec<f64> = self
            .wavenumbers_per_m
            .iter()
            .map(|&k| surface_compliance(stack, k))
            .collect();
        let sink = |row: &[f64]| row.iter().zip(&compliance).map(|(w, c)| w * c).sum();
        FarField {
            near_m: self.near_m,
            step_m: self.step_m,
            sink_m_n: self.weights.chunks(compliance.len()).map(sink).collect(),
        }
    }
}

/// The pressure of a patch as point forces: blocks of cells, each with its force at its centre of pressure.
///
/// `corner_m` is the centre of the window's first cell. From four block widths away on a block's shape is worth
/// less than 0.3 % of its displacement.
pub fn loads(patch: &Patch, cell_m: f64, corner_m: [f64; 2], block_m: f64) -> Vec<Load> {
    let side = patch.side();
    let block = ((block_m / cell_m) as usize).max(1);
    let blocks = side.div_ceil(block);
    let mut sums = vec![[0.0; 3]; blocks * blocks];
    for (i, p) in patch.pressure_pa().iter().enumerate() {
        let (column, row) = (i % side, i / side);
        let sum = &mut sums[row / block * blocks + column / block];
        sum[0] += p;
        sum[1] += p * column as f64;
        sum[2] += p * row as f64;
    }
    sums.iter()
        .filter(|s| s[0] > 0.0)
        .map(|s| Load {
            at_m: [0, 1].map(|i| corner_m[i] + s[1 + i] / s[0] * cell_m),
            force_n: s[0] * cell_m * cell_m,
        })
        .collect()
}

/// Two nodes of one durometer, from one of them alone.
///
/// Contacts that stand apart are solved in turn, each on the surface as the other sinks it, until nothing moves.
/// Contacts that come close, or run into one, share a window.
pub(crate) fn press(
    durometer: &Durometer,
    alone: Pressed,
    depth_m: f64,
    spacing_m: f64,
) -> PairIndentation {
    let force_isolated_n = alone.bench.force_n(&alone.patch);
    let frame = alone.frame();
    let gap_m = spacing_m - 2.0 * frame.half_m[0];
    let force_n = if gap_m > frame.half_m[0] {
        apart_n(durometer, alone, depth_m, spacing_m, gap_m)
    } else {
        together(durometer, &alone.bench, &frame, depth_m, spacing_m) * force_isolated_n
    };
    PairIndentation {
        depth_m,
        force_n,
        force_isolated_n,
    }
}

/// Rounds of exchange at most. Each leaves a few per cent of the last one's change; four or five do.
const ROUNDS_MAX: usize = 40;

fn apart_n(durometer: &Durometer, alone: Pressed, depth_m: f64, spacing_m: f64, gap_m: f64) -> f64 {
    let Pressed { bench, patch } = alone;
    let far_m = 1.5 * (spacing_m + bench.side as f64 * bench.cell_m);
    let near_m = 0.5 * gap_m;
    let field = FarField::new(&durometer.stack, near_m, far_m);
    // What is sunk is the linear displacement: pressure over the factor of large strain.
    let softness = 1.0 / durometer.stiffening().factor(depth_m).0;
    let mut force_n = [bench.force_n(&patch); 2];
    let mut patches = [patch.clone(), patch];
    let mut sink_m = vec![0.0; bench.side * bench.side];
    for _ in 0..ROUNDS_MAX {
        let before_n = force_n;
        for (this, other_x_m) in [(0, spacing_m), (1, -spacing_m)] {
            let corner_m = [bench.corner_m[0] + other_x_m, bench.corner_m[1]];
            let loads = loads(&patches[1 - this], bench.cell_m, corner_m, 0.125 * gap_m);
            for (i, sink) in sink_m.iter_mut().enumerate() {
                *sink = softness * field.sink_m(&loads, bench.place_m(i));
            }
            bench.solve(&mut patches[this], depth_m, Some(&sink_m), None);
            force_n[this] = bench.force_n(&patches[this]);
        }
        if (0..2).all(|i| (force_n[i] - before_n[i]).abs() <= 1e-5 * force_n[i]) {
            break;
        }
    }
    0.5 * (force_n[0] + force_n[1])
}

/// Force in the pair over force alone, all three on one grid: neither node stands on its cells as it does by itself.
fn together(
    durometer: &Durometer,
    alone: &Bench,
    frame: &Frame,
    depth_m: f64,
    spacing_m: f64,
) -> f64 {
    let half_m = 0.5 * spacing_m;
    // The pair's contact is a little larger than two alone.
    let both = Frame {
        half_m: [frame.half_m[0] + half_m, frame.half_m[1]],
        ..*frame
    }
    .widened(4.0 * alone.cell_m + 0.1 * frame.half());
    let on = |nodes_x_m: &[f64]| {
        let bench = Bench::new(durometer, &both, alone.cell_m, nodes_x_m);
        let pressed = Pressed::new(bench, depth_m);
        pressed.bench.force_n(&pressed.patch)
    };
    on(&[-half_m, half_m]) / (on(&[-half_m]) + on(&[half_m]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indenter::Indenter;
    use crate::stack::{Law, Layer};

    fn stack(thickness_m: f64, nu: f64) -> Stack {
        let layer = Layer {
            name: "l".into(),
            thickness_m,
            e_pa: 30e3,
            nu,
            law: Law::Linear,
            prony: vec![],
        };
        Stack::try_new(vec![layer]).unwrap()
    }

    /// A very thick layer is a half-space: `(1 - nu^2) / (pi E r)` (Boussinesq), stiffer by about r / (2 T) = 0.5 %.
    #[test]
    fn val_thick_layer_is_boussinesq() {
        let field = FarField::new(&stack(2.0, 0.3), 0.01, 0.05);
        for r in [0.01, 0.0203, 0.04] {
            let exact = (1.0 - 0.09) / (PI * 30e3 * r);
            let ours = field.sink_m_n(r);
            assert!(
                (ours / exact - 1.0).abs() < 0.02 * r / 0.02,
                "{ours} {exact}"
            );
        }
        assert_eq!(field.sink_m_n(0.06), 0.0);
    }

    /// Spread as by patches of 10 mm, the field is that of a point force and its second order, `0.2 a^2` times the Laplacian, here
    /// by differences of the other's table: 1 % of a half-space's field at 40 mm. What is left is of the fourth order and of
    /// the difference's 6 mm: below 0.1 % of the half-space's field from 50 mm on.
    #[test]
    fn val_spread_field_is_the_point_force_from_afar() {
        const STEP_M: f64 = 0.006;
        let basis = FarBasis::new(0.02, 0.2, 0.004, 0.010);
        for (thickness_m, nu) in [(2.0, 0.3), (0.04, 0.45), (0.02, 0.49)] {
            let stack = stack(thickness_m, nu);
            let (spread, point) = (basis.field(&stack), FarField::new(&stack, 0.01, 0.25));
            for r in [0.052, 0.064, 0.092, 0.132] {
                let at = |steps: f64| point.sink_m_n(r + steps * STEP_M);
                let slope = (at(1.0) - at(-1.0)) / (2.0 * STEP_M);
                let laplacian = (at(1.0) - 2.0 * at(0.0) + at(-1.0)) / STEP_M.powi(2) + slope / r;
                let wanted = at(0.0) + 0.2 * 1e-4 * laplacian;
                let off = spread.sink_m_n(r) - wanted;
                let scale = half_space_compliance(&stack) / (2.0 * PI * r);
                println!(
                    "{thickness_m} {r}: {:.5} {:.5}",
                    off / scale,
                    (wanted - at(0.0)) / scale
                );
                assert!(
                    off.abs() < 0.001 * scale,
                    "{thickness_m} {r}: {off} {scale}"
                );
            }
        }
    }

    /// Exchange and one window are two ways to one answer: contacts 11 mm across, 9 mm from each other. Each grid is good
    /// to 0.1 % of the force; of the ratio, which is 1.04 here, the two may differ by twice that.
    #[test]
    fn val_exchange_is_one_window() {
        let node = Indenter::Sphere { radius_m: 0.015 };
        let durometer = Durometer::new(stack(0.015, 0.49), node).with_cell_m(5e-4);
        let (depth_m, spacing_m) = (0.002, 0.020);
        let alone = || {
            let bench = Bench::new(
                &durometer,
                &Frame {
                    centre_m: [0.0; 2],
                    half_m: [0.009; 2],
                },
                5e-4,
                &[0.0],
            );
            Pressed::new(bench, depth_m)
        };
        let frame = alone().frame();
        let gap_m = spacing_m - 2.0 * frame.half_m[0];
        let one_n = alone().bench.force_n(&alone().patch);
        let apart = apart_n(&durometer, alone(), depth_m, spacing_m, gap_m) / one_n;
        let together = together(&durometer, &alone().bench, &frame, depth_m, spacing_m);
        assert!((apart - together).abs() < 2e-3, "{apart} {together}");
        assert!((apart - 1.0).abs() > 5e-3, "too far to tell: {apart}");
    }
}
