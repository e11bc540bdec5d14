//! Exact surface compliance of a bonded layered stack, one wavelength at a time.

use crate::stack::{Layer, Stack};
use nalgebra::{Matrix2, Matrix4, Matrix4x2};

/// Surface compliance `c(k)` of the stack, m/Pa: a normal pressure `p cos(k x)` sinks a frictionless surface by
/// `c(k) p cos(k x)`.
///
/// `wavenumber_per_m` is `k > 0`. Small strain, layers bonded to each other and to rigid bone.
///
/// Each layer carries four Papkovich-Neuber solutions of Navier's equations (two that decay downwards, two that
/// decay upwards, so that no exponential grows), and the 2 x 2 stiffness of everything below is carried up
/// through the layers (Kausel and Roesset 1981 give the same recursion for waves; here the frequency is zero).
/// Valid for any `k`; finite for Poisson's ratio 0.5. As `k -> infinity` it tends to the half-space value
/// `2 (1 - nu^2) / (E k)` of the top layer ([`half_space_compliance`]). It is *not* monotonic: pressed tissue that cannot
/// shrink bulges up around the node, so `c` is small at `k = 0` and peaks near a wavelength of a few thicknesses.
///
/// Cross-check in the tests: the Hankel kernel of Hayes et al. 1972 for one layer.
pub fn surface_compliance(stack: &Stack, wavenumber_per_m: f64) -> f64 {
    let z = surface_stiffness(stack, wavenumber_per_m);
    let det = z[(0, 0)] * z[(1, 1)] - z[(0, 1)] * z[(1, 0)];
    // [0, -p] = 2 k z [U, W]; W = -(z^-1)_22 p / (2 k).
    -z[(0, 0)] / det / (2.0 * wavenumber_per_m)
}

/// Tangential compliance of the stack, m/Pa: a shear traction with wavenumber `k > 0`, 1/m, drags an otherwise free
/// surface along by this much per pascal, in the mean over its directions against the wave.
///
/// Half of it is the plane strain part (traction along the wave, the other entry of the same 2 x 2 stiffness as in
/// [`surface_compliance`]), half the antiplane part (traction across it: layers are shear columns coupled by
/// `mu k tanh(k h)`). A traction of radial symmetry sees just this mean. `k c -> (2 - nu) / (2 mu)` of the top layer as
/// `k -> infinity`, which is Cerruti's half-space; `c -> sum h / mu` as `k -> 0`: columns in shear.
/// The normal displacement that shear causes (none on an incompressible half-space) is left out.
pub fn tangential_compliance(stack: &Stack, wavenumber_per_m: f64) -> f64 {
    let k = wavenumber_per_m;
    let z = surface_stiffness(stack, k);
    let det = z[(0, 0)] * z[(1, 1)] - z[(0, 1)] * z[(1, 0)];
    let plane = -z[(1, 1)] / det / (2.0 * k);
    // Stiffness against antiplane shear at the top of each layer, in units of k Pa.
    let mut below = f64::INFINITY;
    for layer in stack.layers().iter().rev() {
        let (mu, tanh) = (layer.mu_pa(), (k * layer.thickness_m).tanh());
        below = if below.is_finite() {
            mu * (below + mu * tanh) / (mu + below * tanh)
        } else {
            mu / tanh
        };
    }
    0.5 * (plane + 1.0 / (below * k))
}

/// Stiffness of the surface in units of 2 k Pa: [shear, normal] traction = stiffness * [U, W].
fn surface_stiffness(stack: &Stack, k: f64) -> Matrix2<f64> {
    let mut below: Option<Matrix2<f64>> = None;
    for layer in stack.layers().iter().rev() {
        below = Some(stiffness_at_top(layer, k, below.as_ref()));
    }
    below.expect("a stack has at least one layer")
}

/// Half-space limit of [`surface_compliance`] times `k`: `2 (1 - nu^2) / E` of the top layer, 1/Pa.
pub fn half_space_compliance(stack: &Stack) -> f64 {
    let top = &stack.layers()[0];
    2.0 * (1.0 - top.nu * top.nu) / top.e_pa
}

/// Carries the stiffness below a layer to its top; `None` below means rigid bone.
fn stiffness_at_top(layer: &Layer, k: f64, below: Option<&Matrix2<f64>>) -> Matrix2<f64> {
    let (nu, mu, kh) = (layer.nu, layer.mu_pa(), k * layer.thickness_m);
    let decay = (-kh).exp();
    // Columns: the potentials phi0 and phi3 that decay downwards (lambda = -k, depth from the top face), then the
    // two that decay upwards (lambda = +k, depth from the bottom face). Lengths in 1/k.
    let columns = |kz_down: f64, kz_up: f64, e_down: f64, e_up: f64| {
        let displacement = [
            [-e_down, -e_down],
            [-kz_down * e_down, (-kz_down - (3.0 - 4.0 * nu)) * e_down],
            [-e_up, e_up],
            [-kz_up * e_up, (kz_up - (3.0 - 4.0 * nu)) * e_up],
        ];
        // Tractions [T, S] in units of 2 k Pa.
        let traction = [
            [mu * e_down, mu * e_down],
            [
                mu * (1.0 - 2.0 * nu + kz_down) * e_down,
                mu * (kz_down + 2.0 * (1.0 - nu)) * e_down,
            ],
            [-mu * e_up, mu * e_up],
            [
                mu * (1.0 - 2.0 * nu - kz_up) * e_up,
                mu * (kz_up - 2.0 * (1.0 - nu)) * e_up,
            ],
        ];
        (displacement, traction)
    };
    let (top_u, top_t) = columns(0.0, -kh, 1.0, decay);
    let (low_u, low_t) = columns(kh, 0.0, decay, 1.0);
    let mut a = Matrix4::zeros();
    for j in 0..4 {
        a[(0, j)] = top_u[j][0];
        a[(1, j)] = top_u[j][1];
        match below {
            None => {
                a[(2, j)] = low_u[j][0];
                a[(3, j)] = low_u[j][1];
            }
            Some(z) => {
                a[(2, j)] = (low_t[j][0] - z[(0, 0)] * low_u[j][0] - z[(0, 1)] * low_u[j][1]) / mu;
                a[(3, j)] = (low_t[j][1] - z[(1, 0)] * low_u[j][0] - z[(1, 1)] * low_u[j][1]) / mu;
            }
        }
    }
    let mut unit = Matrix4x2::zeros();
    unit[(0, 0)] = 1.0;
    unit[(1, 1)] = 1.0;
    let coefficients = a.lu().solve(&unit).unwrap_or_else(Matrix4x2::zeros);
    let mut z = Matrix2::zeros();
    for i in 0..2 {
        for j in 0..4 {
            for c in 0..2 {
                z[(i, c)] += top_t[j][i] * coefficients[(j, c)];
            }
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Law;

    fn layer(thickness_m: f64, e_pa: f64, nu: f64) -> Layer {
        Layer {
            name: "l".into(),
            thickness_m,
            e_pa,
            nu,
            law: Law::Linear,
            prony: vec![],
        }
    }

    /// One bonded layer: `c = 2 (1 - nu^2) / (E k) L(kh)`,
    /// `L(u) = (2 kap sinh 2u - 4u) / (2 kap cosh 2u + 4 u^2 + 1 + kap^2)`, `kap = 3 - 4 nu` (Hayes et al. 1972).
    #[test]
    fn val_one_layer_is_hayes_kernel() {
        for nu in [0.0, 0.3, 0.45, 0.49, 0.5] {
            let stack = Stack::try_new(vec![layer(0.04, 40e3, nu)]).unwrap();
            for u in [0.02f64, 0.1, 0.5, 1.0, 2.0, 5.0, 12.0] {
                let k = u / 0.04;
                let kap = 3.0 - 4.0 * nu;
                let l = (2.0 * kap * (2.0 * u).sinh() - 4.0 * u)
                    / (2.0 * kap * (2.0 * u).cosh() + 4.0 * u * u + 1.0 + kap * kap);
                let exact = half_space_compliance(&stack) / k * l;
                let ours = surface_compliance(&stack, k);
                assert!(
                    (ours / exact - 1.0).abs() < 1e-6,
                    "nu {nu} u {u}: {ours} against {exact}"
                );
            }
        }
    }

    /// Cutting one layer into three of the same stuff changes nothing.
    #[test]
    fn val_cut_layer_is_the_same_layer() {
        let one = Stack::try_new(vec![layer(0.03, 25e3, 0.49)]).unwrap();
        let cut = Stack::try_new(vec![
            layer(0.002, 25e3, 0.49),
            layer(0.008, 25e3, 0.49),
            layer(0.02, 25e3, 0.49),
        ])
        .unwrap();
        for k in [3.0, 30.0, 100.0, 1000.0, 5000.0] {
            let (a, b) = (surface_compliance(&one, k), surface_compliance(&cut, k));
            assert!((a / b - 1.0).abs() < 1e-7, "k {k}: {a} {b}");
        }
    }

    /// At long waves a bonded layer is squeezed like a confined column: `c -> sum h (1+nu)(1-2nu) / (E (1-nu))`.
    #[test]
    fn val_long_waves_see_the_confined_modulus() {
        let stack = Stack::try_new(vec![layer(0.01, 10e3, 0.3), layer(0.02, 30e3, 0.2)]).unwrap();
        let confined =
            |h: f64, e: f64, nu: f64| h * (1.0 + nu) * (1.0 - 2.0 * nu) / (e * (1.0 - nu));
        let exact = confined(0.01, 10e3, 0.3) + confined(0.02, 30e3, 0.2);
        let ours = surface_compliance(&stack, 0.3);
        assert!((ours / exact - 1.0).abs() < 1e-3, "{ours} {exact}");
    }

    /// Short waves see Cerruti's half-space, `k c = (2 - nu) / (2 mu)` (plane part `(1 - nu) / mu`, antiplane part
    /// `1 / mu`); long ones columns in shear, `c = sum h / mu`.
    #[test]
    fn val_tangential_compliance_has_its_two_limits() {
        let stack = Stack::try_new(vec![layer(0.01, 10e3, 0.3), layer(0.02, 30e3, 0.49)]).unwrap();
        let [top, low] = [0, 1].map(|i| stack.layers()[i].mu_pa());
        let short = tangential_compliance(&stack, 3000.0) * 3000.0;
        assert!((short / (1.7 / (2.0 * top)) - 1.0).abs() < 1e-9, "{short}");
        let long = tangential_compliance(&stack, 0.5);
        let exact = 0.01 / top + 0.02 / low;
        // Corrections are of the order (k T)^2 = 2e-4.
        assert!((long / exact - 1.0).abs() < 1e-3, "{long} {exact}");
    }
}
