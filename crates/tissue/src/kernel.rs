//! What one loaded cell does to its neighbours: the stack's influence table.

use crate::compliance::{half_space_compliance, surface_compliance};
use crate::lanes::{mix, wide};
use crate::stack::Stack;
use std::f64::consts::{PI, SQRT_2};

/// Widest vector of single-precision numbers that products are taken with.
pub(crate) const LANES_MAX: usize = 8;

/// Displacement of cell centres by unit pressure on one cell, for every offset on a square grid, m/Pa.
///
/// `row(dz)[reach - 1 + dx]` is the displacement at offset `(dx, dz)`, `dx` from `-(reach-1)` to `reach-1`.
/// The table is symmetric in both offsets and in their exchange. Single precision: its rounding (1e-7) is far below
/// what a cell of skin is known to, and products with it cost half.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    reach: usize,
    cell_m: f64,
    /// Row after row, each followed by zeros for one vector less one, so that products may read past its end.
    rows: Vec<f32>,
    waves: [f32; 3],
}

/// The long wave of [`Kernel::waves`], rad per cell: about as long as two patches are wide.
const LONG_WAVE: f64 = 0.3;

impl Kernel {
    /// Largest offset plus one, cells.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// Edge of a cell, m.
    pub fn cell_m(&self) -> f64 {
        self.cell_m
    }

    /// Bytes of the table.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.rows[..])
    }

    /// All offsets along x at one offset along z; the middle entry is `dx = 0`.
    pub fn row(&self, dz: usize) -> &[f32] {
        &self.padded_row(dz)[..2 * self.reach - 1]
    }

    /// The same with the zeros behind it.
    pub(crate) fn padded_row(&self, dz: usize) -> &[f32] {
        let width = padded_width(self.reach);
        &self.rows[dz * width..(dz + 1) * width]
    }

    /// Displacement at one offset by unit pressure on one cell, m/Pa.
    pub fn at(&self, dx: usize, dz: usize) -> f64 {
        f64::from(self.row(dz)[self.reach - 1 + dx])
    }

    /// Displacement by unit waves of pressure, m/Pa: a long one along the rows, the shortest along them (cell by cell up
    /// and down), and the shortest along both.
    pub(crate) fn waves(&self) -> [f32; 3] {
        self.waves
    }

    /// Weighted sum of four kernels of one grid: `self = sum w_i k_i`. Between neighbouring stacks of a back the
    /// table is interpolated so, in place and without allocating.
    ///
    /// # Panics
    /// If the kernels differ in reach.
    pub fn blend(&mut self, parts: [(f64, &Kernel); 4]) {
        let same = parts.iter().all(|(_, part)| part.reach == self.reach);
        assert!(same, "kernels of one bed share their reach");
        let weights = parts.map(|(weight, _)| weight as f32);
        wide!(mix(
            &mut self.rows,
            parts.map(|(_, part)| &part.rows[..]),
            weights
        ));
        mix(
            &mut self.waves,
            parts.map(|(_, part)| &part.waves[..]),
            weights,
        );
    }
}

/// The part of the influence table that does not depend on the stack: built once per grid, then a stack costs one
/// matrix-vector product.
///
/// The displacement at offset `r` by unit pressure on a square cell is
/// `K(r) = 1/(2 pi) int_0^inf c(k) k [int_cell J0(k |r - r'|) dA'] dk`. The half-space part of `c`
/// ([`half_space_compliance`]`/k`) is singular at `r = 0` and is integrated in closed form (Love 1929); the rest
/// decays like `exp(-2 k h1)` with the top layer's thickness `h1` and is summed by Gauss-Legendre panels up to
/// `exp(-2 k h1) = e^-11`; panels are short enough for the farthest offset.
/// What is left out moves a sphere's force by less than 0.1 % (tests).
#[derive(Clone, Debug)]
pub struct KernelBasis {
    reach: usize,
    cell_m: f64,
    wavenumbers_per_m: Vec<f64>,
    /// One row per offset pair (dx <= dz), one column per wavenumber.
    weights: Vec<f64>,
    love_m: Vec<f64>,
}

impl KernelBasis {
    /// A basis for cells of `cell_m`, offsets below `reach` cells and stacks whose top layer is at least
    /// `top_layer_min_m` thick (a thinner one loses its finest detail; the smaller, the dearer the basis).
    pub fn new(cell_m: f64, reach: usize, top_layer_min_m: f64) -> KernelBasis {
        let far_m = SQRT_2 * reach as f64 * cell_m;
        let top_per_m = (5.5 / top_layer_min_m).max(4.0 / far_m);
        let (wavenumbers_per_m, quadrature) = panels(top_per_m, far_m);
        let mut weights = Vec::with_capacity(reach * (reach + 1) / 2 * quadrature.len());
        let mut love_m = Vec::new();
        for dz in 0..reach {
            for dx in 0..=dz {
                let (x, z) = (dx as f64 * cell_m, dz as f64 * cell_m);
                love_m.push(love(x, z, 0.5 * cell_m));
                let near = dx * dx + dz * dz < 16;
                for (k, q) in wavenumbers_per_m.iter().zip(&quadrature) {
                    weights.push(q * k / (2.0 * PI) * cell_bessel(*k, x, z, cell_m, near));
                }
            }
        }
        KernelBasis {
            reach,
            cell_m,
            wavenumbers_per_m,
            weights,
            love_m,
        }
    }

    /// Edge of a cell, m.
    pub fn cell_m(&self) -> f64 {
        self.cell_m
    }

    /// Largest offset plus one, cells.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// The influence table of one stack.
    pub fn kernel(&self, stack: &Stack) -> Kernel {
        let half_space = half_space_compliance(stack);
        let rest: Vec<f64> = self
            .wavenumbers_per_m
            .iter()
            .map(|&k| surface_compliance(stack, k) - half_space / k)
            .collect();
        let width = padded_width(self.reach);
        let mut rows = vec![0.0f32; self.reach * width];
        let middle = self.reach - 1;
        let mut pair = 0;
        for dz in 0..self.reach {
            for dx in 0..=dz {
                let row = &self.weights[pair * rest.len()..(pair + 1) * rest.len()];
                let value = half_space / (2.0 * PI) * self.love_m[pair] + dot(row, &rest);
                let value = value as f32;
                for (a, b) in [(dx, dz), (dz, dx)] {
                    rows[b * width + middle + a] = value;
                    rows[b * width + middle - a] = value;
                }
                pair += 1;
            }
        }
        Kernel {
            reach: self.reach,
            cell_m: self.cell_m,
            waves: waves(self.reach, &rows),
            rows,
        }
    }
}

/// Responses of a table to the waves of [`Kernel::waves`]: its cosine transform at three places.
fn waves(reach: usize, rows: &[f32]) -> [f32; 3] {
    let width = padded_width(reach);
    let sides = |offset: usize| if offset == 0 { 1.0 } else { 2.0 };
    let alternate = |offset: usize| if offset.is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut sums = [0.0; 3];
    for dz in 0..reach {
        for dx in 0..reach {
            let k = sides(dz) * sides(dx) * f64::from(rows[dz * width + reach - 1 + dx]);
            sums[0] += k * libm::cos(LONG_WAVE * dx as f64);
            sums[1] += k * alternate(dx);
            sums[2] += k * alternate(dx) * alternate(dz);
        }
    }
    sums.map(|s| s as f32)
}

/// Entries from one row of a table to the next.
fn padded_width(reach: usize) -> usize {
    2 * reach - 1 + (LANES_MAX - 1)
}

/// Dot product with four running sums: the same order of additions on every target.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    for (x, y) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        for i in 0..4 {
            sums[i] += x[i] * y[i];
        }
    }
    let tail: f64 = a
        .chunks_exact(4)
        .remainder()
        .iter()
        .zip(b.chunks_exact(4).remainder())
        .map(|(x, y)| x * y)
        .sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}

/// Eight-point Gauss-Legendre panels on `0..top`, each at most one and a half waves of `J0(k far)` long.
pub(crate) fn panels(top_per_m: f64, far_m: f64) -> (Vec<f64>, Vec<f64>) {
    // Abramowitz and Stegun 1964, table 25.4, n = 8.
    const NODES: [f64; 4] = [
        0.183_434_642_495_65,
        0.525_532_409_916_329,
        0.796_666_477_413_627,
        0.960_289_856_497_536,
    ];
    const WEIGHTS: [f64; 4] = [
        0.362_683_783_378_362,
        0.313_706_645_877_887,
        0.222_381_034_453_374,
        0.101_228_536_290_376,
    ];
    let count = (top_per_m * far_m / (3.0 * PI)).ceil().max(4.0) as usize;
    let half = 0.5 * top_per_m / count as f64;
    let (mut points, mut weights) = (Vec::new(), Vec::new());
    for panel in 0..count {
        let middle = (2 * panel + 1) as f64 * half;
        for i in 0..4 {
            for sign in [-1.0, 1.0] {
                points.push(middle + sign * NODES[i] * half);
                weights.push(WEIGHTS[i] * half);
            }
        }
    }
    (points, weights)
}

/// `int_cell J0(k |r - r'|) dA'`, m^2: four by four Gauss points for near cells, two by two for far ones.
fn cell_bessel(k: f64, x: f64, z: f64, cell_m: f64, near: bool) -> f64 {
    const NEAR: [(f64, f64); 4] = [
        (-0.861_136_311_594_053, 0.347_854_845_137_454),
        (-0.339_981_043_584_856, 0.652_145_154_862_546),
        (0.339_981_043_584_856, 0.652_145_154_862_546),
        (0.861_136_311_594_053, 0.347_854_845_137_454),
    ];
    const FAR: [(f64, f64); 2] = [(-0.577_350_269_189_626, 1.0), (0.577_350_269_189_626, 1.0)];
    let rule: &[(f64, f64)] = if near { &NEAR } else { &FAR };
    let half = 0.5 * cell_m;
    let mut sum = 0.0;
    for (a, wa) in rule {
        for (b, wb) in rule {
            sum += wa * wb * libm::j0(k * (x + a * half).hypot(z + b * half));
        }
    }
    sum * half * half
}

/// `int_cell dA' / |r - r'|` over a square of half edge `b`, m (Love 1929; Johnson 1985, eq. 3.25).
fn love(x: f64, z: f64, b: f64) -> f64 {
    let term = |u: f64, v: f64, w: f64| u * ((v + v.hypot(u)) / (w + w.hypot(u))).ln();
    let (xp, xm, zp, zm) = (x + b, x - b, z + b, z - b);
    term(xp, zp, zm) + term(zp, xp, xm) + term(xm, zm, zp) + term(zm, xm, xp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Law, Layer};

    /// A very thick layer is a half-space: far from the cell `K = (1 - nu^2) A / (pi E r)` (Boussinesq).
    #[test]
    fn val_thick_layer_is_boussinesq() {
        let layer = Layer {
            name: "l".into(),
            thickness_m: 2.0,
            e_pa: 30e3,
            nu: 0.3,
            law: Law::Linear,
            prony: vec![],
        };
        let stack = Stack::try_new(vec![layer]).unwrap();
        let kernel = KernelBasis::new(0.002, 16, 0.02).kernel(&stack);
        let r = 10.0 * 0.002;
        let exact = (1.0 - 0.09) * 4e-6 / (PI * 30e3 * r);
        // A bonded 2 m layer is stiffer than the half-space by about r / (2 T) = 0.5 %.
        assert!(
            (kernel.at(10, 0) / exact - 1.0).abs() < 0.012,
            "{} {exact}",
            kernel.at(10, 0)
        );
    }

    /// The closed form of Love at the centre of a unit square: `8 b ln(1 + sqrt 2)`.
    #[test]
    fn val_love_centre() {
        assert!((love(0.0, 0.0, 0.5) - 4.0 * (1.0 + SQRT_2).ln()).abs() < 1e-12);
    }
}
