//! What one point of tissue answers to large strain: energy of the one-term Ogden family, to second order.

use crate::stack::{Law, Layer};

/// Deformation gradient of an axisymmetric body without twist: `F_rr, F_rz, F_zr, F_zz, F_tt` (t: around the axis).
pub(crate) type Gradient = [f64; 5];
/// A second derivative in [`Gradient`].
pub(crate) type Hessian = [[f64; 5]; 5];

/// `F = 1`.
pub(crate) const REST: Gradient = [1.0, 0.0, 0.0, 1.0, 1.0];

/// Moduli and exponent of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Material {
    /// Initial shear modulus, Pa.
    pub mu_pa: f64,
    /// Bulk modulus, Pa.
    pub bulk_pa: f64,
    /// Ogden's exponent; 2 is neo-Hookean.
    pub alpha: f64,
}

impl Material {
    /// A layer's law; a linear layer among others is taken as neo-Hookean, and 0.5 as 0.4999.
    pub fn of(layer: &Layer) -> Material {
        let nu = layer.nu.min(0.4999);
        Material {
            mu_pa: layer.mu_pa(),
            bulk_pa: layer.e_pa / (3.0 * (1.0 - 2.0 * nu)),
            alpha: match layer.law {
                Law::Ogden { alpha } => alpha,
                Law::Linear | Law::NeoHookean => 2.0,
            },
        }
    }
}

/// Derivatives at one gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response {
    /// Slope of the isochoric energy `2 mu / alpha^2 (sum (J^(-1/3) lambda_i)^alpha - 3)`, Pa.
    pub stress: Gradient,
    /// Its second derivative, Pa.
    pub stiffness: Hessian,
    /// `J = det F`.
    pub volume: f64,
    /// Slope of `J`.
    pub d_volume: Gradient,
    /// Second derivative of `J`.
    pub dd_volume: Hessian,
}

impl Material {
    /// The answer at `f`; `None` where the body has turned inside out.
    ///
    /// The two stretches in the plane enter as `(m + sqrt q)^(alpha/2) + (m - sqrt q)^(alpha/2)` with
    /// `m = (F_rr^2 + F_rz^2 + F_zr^2 + F_zz^2) / 2` and `q = m^2 - (F_rr F_zz - F_rz F_zr)^2`, which stays smooth where they are equal.
    pub fn at(&self, f: &Gradient) -> Option<Response> {
        let [a, b, c, d, h] = *f;
        let area = a * d - b * c;
        let volume = area * h;
        if volume.is_nan() || volume <= 0.05 || h <= 0.0 {
            return None;
        }
        let d_area = [d, -c, -b, a, 0.0];
        let d_volume = [d * h, -c * h, -b * h, a * h, area];
        let mut dd_volume = [[0.0; 5]; 5];
        for (i, j, v) in [(0, 3, h), (1, 2, -h)] {
            dd_volume[i][j] = v;
            dd_volume[j][i] = v;
        }
        for i in 0..4 {
            dd_volume[i][4] = d_area[i];
            dd_volume[4][i] = d_area[i];
        }

        let alpha = self.alpha;
        let m = 0.5 * (a * a + b * b + c * c + d * d);
        let pair = Pair::new(m, (m * m - area * area).max(0.0), 0.5 * alpha);
        let d_m = [a, b, c, d, 0.0];
        let d_q: [f64; 5] = std::array::from_fn(|i| 2.0 * (m * d_m[i] - area * d_area[i]));
        let hoop = h.powf(alpha - 2.0);
        let sum = pair.value + hoop * h * h;
        let mut d_sum: [f64; 5] = std::array::from_fn(|i| pair.m * d_m[i] + pair.q * d_q[i]);
        d_sum[4] += alpha * hoop * h;

        let gamma = alpha / 3.0;
        let scale = 2.0 * self.mu_pa / (alpha * alpha) * volume.powf(-gamma);
        let fall = gamma * sum / volume;
        let stress = std::array::from_fn(|i| scale * (d_sum[i] - fall * d_volume[i]));
        let mut stiffness = [[0.0; 5]; 5];
        for i in 0..5 {
            for j in 0..=i {
                let dd_m = f64::from(i == j && i < 4);
                let dd_area = match (i, j) {
                    (3, 0) => 1.0,
                    (2, 1) => -1.0,
                    _ => 0.0,
                };
                let dd_q =
                    2.0 * (d_m[i] * d_m[j] + m * dd_m - d_area[i] * d_area[j] - area * dd_area);
                let mut dd_sum = pair.mm * d_m[i] * d_m[j]
                    + pair.mq * (d_m[i] * d_q[j] + d_q[i] * d_m[j])
                    + pair.qq * d_q[i] * d_q[j]
                    + pair.m * dd_m
                    + pair.q * dd_q;
                if i == 4 && j == 4 {
                    dd_sum += alpha * (alpha - 1.0) * hoop;
                }
                let v = dd_sum - gamma / volume * (d_sum[i] * d_volume[j] + d_volume[i] * d_sum[j])
                    + (gamma + 1.0) * fall / volume * d_volume[i] * d_volume[j]
                    - fall * dd_volume[i][j];
                stiffness[i][j] = scale * v;
                stiffness[j][i] = scale * v;
            }
        }
        Some(Response {
            stress,
            stiffness,
            volume,
            d_volume,
            dd_volume,
        })
    }
}

/// `(m + sqrt q)^n + (m - sqrt q)^n` and its derivatives in `m` and `q`.
struct Pair {
    value: f64,
    m: f64,
    q: f64,
    mm: f64,
    mq: f64,
    qq: f64,
}

impl Pair {
    fn new(m: f64, q: f64, n: f64) -> Pair {
        if q < 1e-4 * m * m {
            return Pair::series(m, q, n);
        }
        let s = q.sqrt();
        let (x, y) = (m + s, (m - s).max(1e-12));
        let (x2, y2) = (x.powf(n - 2.0), y.powf(n - 2.0));
        let (x1, y1) = (x2 * x, y2 * y);
        let steep = n * (n - 1.0);
        let q1 = n * (x1 - y1) / (2.0 * s);
        Pair {
            value: x1 * x + y1 * y,
            m: n * (x1 + y1),
            q: q1,
            mm: steep * (x2 + y2),
            mq: steep * (x2 - y2) / (2.0 * s),
            qq: (steep * (x2 + y2) / (2.0 * s) - q1 / s) / (2.0 * s),
        }
    }

    /// Even powers of the root: `2 m^n sum_k binomial(n, 2k) (q / m^2)^k`; the first left out is below 1e-12.
    fn series(m: f64, q: f64, n: f64) -> Pair {
        let t = q / (m * m);
        let c1 = n * (n - 1.0) / 2.0;
        let c2 = c1 * (n - 2.0) * (n - 3.0) / 12.0;
        let c3 = c2 * (n - 4.0) * (n - 5.0) / 30.0;
        let p = 2.0 * m.powf(n);
        let (e1, e2, e3) = (c1 * t, c2 * t * t, c3 * t * t * t);
        let sum = |f: &dyn Fn(f64) -> f64| f(0.0) + f(1.0) * e1 + f(2.0) * e2 + f(3.0) * e3;
        let over_q = c1 + 2.0 * c2 * t + 3.0 * c3 * t * t;
        Pair {
            value: p * sum(&|_| 1.0),
            m: p / m * sum(&|k| n - 2.0 * k),
            q: p / (m * m) * over_q,
            mm: p / (m * m) * sum(&|k| (n - 2.0 * k) * (n - 2.0 * k - 1.0)),
            mq: p / (m * m * m)
                * ((n - 2.0) * c1 + 2.0 * (n - 4.0) * c2 * t + 3.0 * (n - 6.0) * c3 * t * t),
            qq: p / (m * m * m * m) * (2.0 * c2 + 6.0 * c3 * t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn muscle(alpha: f64) -> Material {
        Material {
            mu_pa: 8e3,
            bulk_pa: 400e3,
            alpha,
        }
    }

    /// Uniaxial stretch at constant volume: `sigma = lambda dW/dlambda = 2 mu / alpha (lambda^alpha - lambda^(-alpha/2))`.
    /// Closed form; the bar is rounding.
    #[test]
    fn val_uniaxial_stress_is_ogden() {
        for (alpha, stretch) in [(2.0, 0.6), (8.0, 0.8), (8.0, 1.3), (14.4, 0.7)] {
            let side = 1.0 / f64::sqrt(stretch);
            let r = muscle(alpha).at(&[side, 0.0, 0.0, stretch, side]).unwrap();
            let ours = stretch * r.stress[3] - side * r.stress[0];
            let exact = 2.0 * 8e3 / alpha * (stretch.powf(alpha) - side.powf(alpha));
            assert!(
                (ours / exact - 1.0).abs() < 1e-10,
                "{alpha} {stretch}: {ours} {exact}"
            );
        }
    }

    /// The Hessian is the slope of the stress, and the stress that of nothing else: central differences, 1e-6 of the largest entry.
    #[test]
    fn regress_stiffness_is_the_derivative() {
        for alpha in [2.0, 3.3, 8.0, 20.0] {
            for f in [
                REST,
                [1.0001, 0.002, -0.001, 0.9999, 1.0],
                [1.2, 0.3, -0.2, 0.7, 1.1],
                [0.9, 0.0, 0.5, 0.6, 1.4],
            ] {
                let r = muscle(alpha).at(&f).unwrap();
                let top = r
                    .stiffness
                    .iter()
                    .flatten()
                    .fold(0.0f64, |a, v| a.max(v.abs()));
                for j in 0..5 {
                    let step = |s: f64| {
                        let mut g = f;
                        g[j] += s;
                        muscle(alpha).at(&g).unwrap()
                    };
                    let (up, down) = (step(1e-6), step(-1e-6));
                    for i in 0..5 {
                        let numeric = (up.stress[i] - down.stress[i]) / 2e-6;
                        assert!(
                            (numeric - r.stiffness[i][j]).abs() < 1e-5 * top,
                            "alpha {alpha} {f:?} {i}{j}: {numeric} {}",
                            r.stiffness[i][j]
                        );
                        let volume = (up.d_volume[i] - down.d_volume[i]) / 2e-6;
                        assert!((volume - r.dd_volume[i][j]).abs() < 1e-8);
                    }
                }
            }
        }
    }
}
