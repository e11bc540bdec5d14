//! Closed forms of the oblique boss: where it carries the arm, and how the rod turns it.
//!
//! Everything here is for the right side in the shaft's frame (the sub-frame); the left side is the mirror image in x
//! with the tapping crank half a turn on. Equations and symbols: the crate's chapter.

use nalgebra::{Point3, Rotation3, Vector3};

use crate::mechanism::Wobble;

/// Boss centre `c(theta)`.
pub(crate) fn boss_centre(knead: &Wobble, theta: f64) -> Vector3<f64> {
    let angle = theta + knead.eccentricity_phase_rad;
    Vector3::new(
        knead.half_spacing_m,
        knead.eccentricity_m * angle.cos(),
        knead.eccentricity_m * angle.sin(),
    )
}

/// `Rx(theta) Rz(alpha) Rx(-theta)`, the smallest turn that takes x to the boss axis.
pub(crate) fn boss_attitude(knead: &Wobble, theta: f64) -> Rotation3<f64> {
    let (sin_a, cos_a) = knead.tilt_rad.sin_cos();
    let (s, c) = theta.sin_cos();
    let k = 1.0 - cos_a;
    // Rodrigues about the unit axis (0, -sin theta, cos theta).
    Rotation3::from_matrix_unchecked(nalgebra::Matrix3::new(
        cos_a,
        -sin_a * c,
        -sin_a * s,
        sin_a * c,
        cos_a + k * s * s,
        -k * s * c,
        sin_a * s,
        -k * s * c,
        cos_a + k * c * c,
    ))
}

/// Arm attitude `R(theta, beta) = Rx(theta) Rz(alpha) Rx(-theta) Rx(beta)`.
pub(crate) fn arm_attitude(knead: &Wobble, theta: f64, beta: f64) -> Rotation3<f64> {
    boss_attitude(knead, theta) * Rotation3::from_axis_angle(&Vector3::x_axis(), beta)
}

/// Rocker pivot of an arm that does not spin about its boss (beta = 0), in closed form.
pub(crate) fn no_spin_pivot(knead: &Wobble, theta: f64) -> Point3<f64> {
    Point3::from(
        boss_centre(knead, theta)
            + boss_attitude(knead, theta) * Vector3::from(knead.pivot_on_arm_m),
    )
}

/// The rod's closure as `a cos(beta) + b sin(beta) = c`.
///
/// With `d = R0^T (c(theta) - Q(psi))`, `|d + Rx(beta) b|^2 = L^2` expands to exactly that: the loop has a closed
/// form and needs no root finder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closure {
    a: f64,
    b: f64,
    c: f64,
    /// `|d|^2 + |b|^2 + 2 dx bx`: squared rod length in the middle of what the arm can reach.
    middle_m2: f64,
}

impl Closure {
    pub(crate) fn new(knead: &Wobble, theta: f64, psi: f64) -> Closure {
        let rod = &knead.rod;
        let on_arm = Vector3::from(rod.on_arm_m);
        let (s, c) = psi.sin_cos();
        let crank = Vector3::from(rod.anchor_m) + rod.crank_m * Vector3::new(0.0, c, s);
        let d = boss_attitude(knead, theta).inverse() * (boss_centre(knead, theta) - crank);
        let middle_m2 = d.norm_squared() + on_arm.norm_squared() + 2.0 * d.x * on_arm.x;
        Closure {
            a: d.y * on_arm.y + d.z * on_arm.z,
            b: d.z * on_arm.y - d.y * on_arm.z,
            c: 0.5 * (rod.length_m * rod.length_m - middle_m2),
            middle_m2,
        }
    }

    /// The arm's spin on the given branch (+1 or -1), rad, in (-pi, pi].
    pub(crate) fn beta(&self, branch: f64) -> Option<f64> {
        let reach = self.a.hypot(self.b);
        let cos = self.c / reach;
        if !(-1.0..=1.0).contains(&cos) {
            return None;
        }
        let beta = self.b.atan2(self.a) + branch * cos.acos();
        let tau = std::f64::consts::TAU;
        Some(beta - tau * (beta / tau).round())
    }

    /// Rod lengths with which this position closes, m.
    pub(crate) fn rod_range_m(&self) -> (f64, f64) {
        let reach = 2.0 * self.a.hypot(self.b);
        (
            (self.middle_m2 - reach).max(0.0).sqrt(),
            (self.middle_m2 + reach).max(0.0).sqrt(),
        )
    }
}
