//! Small nonlinear least squares within a box, and what its residuals say.
//!
//! Our own sixty lines of Levenberg and Marquardt, because the kept crate (`levenberg-marquardt` 0.15) knows no bounds and is built on
//! another release of `nalgebra`. Distributions are those of `statrs`.

use nalgebra::{DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

/// Residuals (measured less model, in units of their noise) and the derivatives of the *model*: a row for each residual, a
/// column for each parameter.
#[derive(Clone, Debug)]
pub(crate) struct Linearised {
    pub residual: DVector<f64>,
    pub slope: DMatrix<f64>,
}

impl Linearised {
    /// Sum of squares.
    pub fn cost(&self) -> f64 {
        self.residual.norm_squared()
    }
}

/// Where a search ended.
#[derive(Clone, Debug)]
pub(crate) struct Minimum {
    pub x: Vec<f64>,
    pub at: Linearised,
    /// Whether a parameter lies on its bound.
    pub bound: Vec<bool>,
}

/// Steps before a search ends where it stands. Ten are usual.
const STEPS_MAX: usize = 60;
/// A step below this in every parameter ends it: parameters are logarithms and shares, so a hundredth of a per cent.
const STEP_MIN: f64 = 1e-4;
/// So does a gain below this share of the sum of squares: along a valley that the data do not close there is no end.
const GAIN_MIN: f64 = 1e-5;

/// Levenberg and Marquardt (Marquardt 1963), damping scaled by the columns, steps cut off at the box. `x` starts inside.
pub(crate) fn minimise(
    mut x: Vec<f64>,
    bounds: &[(f64, f64)],
    model: &mut dyn FnMut(&[f64]) -> Linearised,
) -> Minimum {
    let mut at = model(&x);
    let mut damping = 1e-4;
    for _ in 0..STEPS_MAX {
        let held = held(&x, bounds, &at);
        let step = damped_step(&at, &held, damping);
        let next: Vec<f64> = (0..x.len())
            .map(|i| (x[i] + step[i]).clamp(bounds[i].0, bounds[i].1))
            .collect();
        let longest = x
            .iter()
            .zip(&next)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        if longest < STEP_MIN {
            break;
        }
        let there = model(&next);
        if there.cost() < at.cost() {
            let enough = at.cost() - there.cost() < GAIN_MIN * at.cost();
            (x, at) = (next, there);
            damping = (0.2 * damping).max(1e-9);
            if enough {
                break;
            }
        } else if damping < 1e9 {
            damping *= 8.0;
        } else {
            break;
        }
    }
    let bound = (0..x.len())
        .map(|i| x[i] <= bounds[i].0 || x[i] >= bounds[i].1)
        .collect();
    Minimum { x, at, bound }
}

/// Parameters on a bound that the residuals push outwards.
fn held(x: &[f64], bounds: &[(f64, f64)], at: &Linearised) -> Vec<bool> {
    let down = at.slope.tr_mul(&at.residual);
    (0..x.len())
        .map(|i| (x[i] <= bounds[i].0 && down[i] < 0.0) || (x[i] >= bounds[i].1 && down[i] > 0.0))
        .collect()
}

/// Solves `[J; sqrt(damping) D] step = [r; 0]` with `D` the lengths of the columns.
fn damped_step(at: &Linearised, held: &[bool], damping: f64) -> DVector<f64> {
    let (rows, columns) = at.slope.shape();
    let mut a = DMatrix::zeros(rows + columns, columns);
    a.rows_mut(0, rows).copy_from(&at.slope);
    for (i, held) in held.iter().enumerate() {
        let length = at.slope.column(i).norm().max(1e-30);
        if *held {
            a.column_mut(i).fill(0.0);
        }
        a[(rows + i, i)] = if *held {
            length
        } else {
            length * damping.sqrt()
        };
    }
    let mut b = DVector::zeros(rows + columns);
    b.rows_mut(0, rows).copy_from(&at.residual);
    let least = a.svd(true, true).solve(&b, 0.0);
    least.unwrap_or_else(|_| DVector::zeros(columns))
}

/// `(J^T J)^-1`, and infinite where the data say nothing.
pub(crate) fn covariance(slope: &DMatrix<f64>) -> DMatrix<f64> {
    let columns = slope.ncols();
    let mut padded = DMatrix::zeros(slope.nrows().max(columns), columns);
    padded.rows_mut(0, slope.nrows()).copy_from(slope);
    let svd = padded.svd(false, true);
    let Some(v) = svd.v_t else {
        return DMatrix::from_element(columns, columns, f64::INFINITY);
    };
    DMatrix::from_fn(columns, columns, |i, j| {
        (0..columns)
            .map(|k| {
                let s = svd.singular_values[k].max(1e-150);
                (v[(k, i)] / s) * (v[(k, j)] / s)
            })
            .sum()
    })
}

/// How strongly neighbouring residuals are alike: their lag-one autocorrelation over runs that each are in order.
pub(crate) fn autocorrelation(runs: &[Vec<f64>]) -> f64 {
    let squares: f64 = runs.iter().flatten().map(|r| r * r).sum();
    let pairs = runs.iter().flat_map(|run| run.windows(2));
    let products: f64 = pairs.map(|pair| pair[0] * pair[1]).sum();
    if squares > 0.0 {
        products / squares
    } else {
        0.0
    }
}

/// By how much fewer rows there are than it seems: `(1 + rho) / (1 - rho)`, at least 1. For `n` rows of plain noise `rho`
/// scatters by `1 / sqrt(n)` about 0 (Bartlett 1946), so only what is beyond 1.645 of that counts: one time in twenty by chance.
pub(crate) fn redundancy(rho: f64, rows: usize) -> f64 {
    if rho > 1.645 / (rows as f64).sqrt() {
        let rho = rho.min(0.98);
        (1.0 + rho) / (1.0 - rho)
    } else {
        1.0
    }
}

/// Two-sided 95 % quantile of Student's t; `freedom` above 0.
pub(crate) fn student_95(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom.max(1.0)).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

/// Chance of an F this large or larger where there is nothing to find.
pub(crate) fn fisher_tail(f: f64, more: f64, freedom: f64) -> f64 {
    if !f.is_finite() {
        return if f > 0.0 { 0.0 } else { 1.0 };
    }
    FisherSnedecor::new(more, freedom.max(1.0)).map_or(1.0, |d| d.sf(f.max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fisher and Yates' tables: t(0.975) for 2, 10 and 120 degrees of freedom, F(0.95) for (1, 10) and (3, 20).
    #[test]
    fn val_distributions_meet_the_tables() {
        for (freedom, t) in [(2.0, 4.3027), (10.0, 2.2281), (120.0, 1.9799)] {
            assert!((student_95(freedom) - t).abs() < 1e-4);
        }
        for (f, more, freedom) in [(4.9646, 1.0, 10.0), (3.0984, 3.0, 20.0)] {
            assert!((fisher_tail(f, more, freedom) - 0.05).abs() < 1e-5);
        }
    }

    /// `y = a exp(b t)` without noise from a far start, then with `b` kept below its true value: `b` ends on its bound.
    #[test]
    fn val_finds_an_exponential_and_its_bound() {
        let t = [0.0, 1.0, 2.0, 3.0, 4.0_f64];
        let mut model = |x: &[f64]| Linearised {
            residual: DVector::from_iterator(
                5,
                t.map(|t| 2.0 * (0.5 * t).exp() - x[0] * (x[1] * t).exp()),
            ),
            slope: DMatrix::from_fn(5, 2, |i, j| {
                let e = (x[1] * t[i]).exp();
                if j == 0 { e } else { x[0] * t[i] * e }
            }),
        };
        let free = minimise(vec![1.0, -0.5], &[(-9.0, 9.0); 2], &mut model);
        assert!(
            (free.x[0] - 2.0).abs() < 1e-4 && (free.x[1] - 0.5).abs() < 1e-4,
            "{:?}",
            free.x
        );
        let boxed = minimise(vec![1.0, -0.5], &[(-9.0, 9.0), (-1.0, 0.4)], &mut model);
        assert_eq!((boxed.x[1], boxed.bound), (0.4, vec![false, true]));
    }

    /// Hand-worked: `J = [[1, 1], [0, 1]]` has `J^T J = [[1, 1], [1, 2]]`, whose inverse is `[[2, -1], [-1, 1]]`.
    #[test]
    fn val_covariance_by_hand() {
        let c = covariance(&DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 0.0, 1.0]));
        for (found, exact) in c.iter().zip([2.0, -1.0, -1.0, 1.0]) {
            assert!((found - exact).abs() < 1e-12, "{c}");
        }
        assert!(covariance(&DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, 1.0]))[(0, 0)] > 1e20);
    }

    /// Alternating residuals are far from alike, a slow wave is; rows of the wave count for less.
    #[test]
    fn waves_are_redundant_and_noise_is_not() {
        let wave: Vec<f64> = (0..40).map(|i| (f64::from(i) * 0.3).sin()).collect();
        let rho = autocorrelation(&[wave]);
        assert!(rho > 0.9 && redundancy(rho, 40) > 15.0, "{rho}");
        assert_eq!(
            redundancy(autocorrelation(&[vec![1.0, -1.0, 1.0, -1.0]]), 4),
            1.0
        );
    }
}
