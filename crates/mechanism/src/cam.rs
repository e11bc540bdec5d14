//! A cam's lift over one turn: a periodic cubic spline, so velocity and acceleration are continuous.

use nalgebra::{DMatrix, DVector};

/// A periodic cubic spline through lifts at equal steps of a turn.
#[derive(Clone, Debug)]
pub(crate) struct CamCurve {
    lifts: Vec<f64>,
    /// Second derivative at each lift, per rad².
    bends: Vec<f64>,
}

impl CamCurve {
    /// Through `lifts`, the first at 0 rad.
    pub fn new(lifts: &[f64]) -> CamCurve {
        let n = lifts.len().max(1);
        let h = std::f64::consts::TAU / n as f64;
        // h/6 (m[i-1] + 4 m[i] + m[i+1]) = (y[i-1] - 2 y[i] + y[i+1]) / h, all indices round the turn.
        let at = |i: usize| lifts.get(i % n).copied().unwrap_or(0.0);
        let mut system = DMatrix::zeros(n, n);
        let mut right = DVector::zeros(n);
        for i in 0..n {
            system[(i, (i + n - 1) % n)] += h / 6.0;
            system[(i, i)] += 4.0 * h / 6.0;
            system[(i, (i + 1) % n)] += h / 6.0;
            right[i] = (at(i + n - 1) - 2.0 * at(i) + at(i + 1)) / h;
        }
        // Diagonally dominant: it has a solution.
        let bends = system
            .lu()
            .solve(&right)
            .unwrap_or_else(|| DVector::zeros(n));
        CamCurve {
            lifts: (0..n).map(at).collect(),
            bends: bends.iter().copied().collect(),
        }
    }

    /// Lift and its slope per rad.
    pub fn at(&self, angle_rad: f64) -> (f64, f64) {
        let n = self.lifts.len();
        let h = std::f64::consts::TAU / n as f64;
        let turn = angle_rad / std::f64::consts::TAU;
        let place = (turn - turn.floor()) * n as f64;
        let i = (place as usize).min(n - 1);
        let j = (i + 1) % n;
        let (b, a) = (place - i as f64, 1.0 - (place - i as f64));
        let (yi, yj, mi, mj) = (self.lifts[i], self.lifts[j], self.bends[i], self.bends[j]);
        let lift = a * yi + b * yj + h * h / 6.0 * ((a * a * a - a) * mi + (b * b * b - b) * mj);
        let slope = (yj - yi) / h + h / 6.0 * ((3.0 * b * b - 1.0) * mj - (3.0 * a * a - 1.0) * mi);
        (lift, slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A harmonic cam, 3 + 2 cos(angle): a cubic spline on 36 lifts errs by about h^4/384 * 2 = 5e-6 in lift, and in
    /// slope by h^3/24 * 2 = 4.4e-4 at most.
    #[test]
    fn val_harmonic_cam() {
        let h = std::f64::consts::TAU / 36.0;
        let lifts: Vec<f64> = (0..36)
            .map(|i| 3.0 + 2.0 * (f64::from(i) * h).cos())
            .collect();
        let cam = CamCurve::new(&lifts);
        for i in 0..1000 {
            let angle = -7.0 + 0.0137 * f64::from(i);
            let (lift, slope) = cam.at(angle);
            assert!((lift - 3.0 - 2.0 * angle.cos()).abs() < 6e-6, "{angle}");
            assert!((slope + 2.0 * angle.sin()).abs() < 4.4e-4, "{angle}");
        }
    }
}
