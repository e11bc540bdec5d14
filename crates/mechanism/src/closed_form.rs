//! Motions that have a formula: what rigs, simulated or not, are measured with.
//!
//! Angles are in rad, `phi` is a crank's. Each form says where it comes from; derivatives are written out, not differenced.

use std::f64::consts::TAU;

/// A crank, a rod, and a slider on a line that may pass beside the crank's centre.
///
/// ```text
/// s(phi) = r cos phi + sqrt(l^2 - (r sin phi - d)^2)          slider along its line, from the crank's foot on it
/// ```
/// Textbook kinematics (W); with `d = 0` and `lambda = r/l` the crank torque under a force `F` against the slider is
/// `F r sin phi (1 + lambda cos phi / sqrt(1 - lambda^2 sin^2 phi))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SliderCrank {
    /// Crank radius r, m.
    pub crank_m: f64,
    /// Rod length l, m.
    pub rod_m: f64,
    /// Distance of the slider's line from the crank's centre d, m.
    pub offset_m: f64,
}

impl SliderCrank {
    /// Slider position s, its first and second derivative by the crank angle: m, m/rad, m/rad².
    pub fn slider(&self, phi: f64) -> [f64; 3] {
        let (r, l, d) = (self.crank_m, self.rod_m, self.offset_m);
        let (sin, cos) = phi.sin_cos();
        let e = r * sin - d;
        let root = (l * l - e * e).sqrt();
        let (e1, e2) = (r * cos, -r * sin);
        [
            r * cos + root,
            -r * sin - e * e1 / root,
            -r * cos - (e1 * e1 + e * e2) / root - (e * e1) * (e * e1) / (root * root * root),
        ]
    }

    /// Whether the crank goes round: the rod must reach the line everywhere.
    pub fn turns(&self) -> bool {
        self.rod_m > self.crank_m + self.offset_m.abs()
    }

    /// Way of the slider between its dead centres, m: `2 r` without offset.
    pub fn stroke_m(&self) -> f64 {
        let (r, l, d) = (self.crank_m, self.rod_m, self.offset_m);
        ((l + r).powi(2) - d * d).sqrt() - ((l - r).powi(2) - d * d).sqrt()
    }

    /// Torque on the crank, N m, that holds a force against the slider, N: `-F ds/dphi` (virtual work).
    pub fn crank_torque_nm(&self, phi: f64, force_n: f64) -> f64 {
        -force_n * self.slider(phi)[1]
    }

    /// Force at which a crank torque stalls somewhere on the turn, N: `tau / max |ds/dphi|`. Without offset it is about
    /// `tau / (r (1 + lambda^2 / 2))`.
    pub fn stall_force_n(&self, torque_nm: f64) -> f64 {
        torque_nm / greatest(|phi| self.slider(phi)[1].abs())
    }
}

/// A plane four-bar with its frame along the x of its plane: crank at the origin, rocker's pivot at `ground_m`.
///
/// Freudenstein's equation (W): `k1 cos psi - k2 cos phi + k3 = cos(phi - psi)` with `k1 = g/a`, `k2 = g/c`,
/// `k3 = (a^2 - b^2 + c^2 + g^2) / (2 a c)`; `phi` of the crank and `psi` of the rocker count from the frame's line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FourBar {
    /// Between the fixed pivots g, m.
    pub ground_m: f64,
    /// Crank a, m.
    pub crank_m: f64,
    /// Coupler b, m.
    pub coupler_m: f64,
    /// Rocker c, m.
    pub rocker_m: f64,
}

impl FourBar {
    /// Rocker angle and its first and second derivative by the crank angle, on the branch with the coupler above
    /// (`+1`) or below (`-1`) the line from the crank pin to the rocker's pivot. `None` where the loop does not close.
    pub fn rocker(&self, phi: f64, branch: f64) -> Option<[f64; 3]> {
        let (g, a, b, c) = (self.ground_m, self.crank_m, self.coupler_m, self.rocker_m);
        let (sin, cos) = phi.sin_cos();
        // Freudenstein as A cos psi + B sin psi = C.
        let (aa, bb) = (g / a - cos, -sin);
        let cc = g / c * cos - (a * a - b * b + c * c + g * g) / (2.0 * a * c);
        let reach = aa.hypot(bb);
        if cc.abs() > reach {
            return None;
        }
        let psi = bb.atan2(aa) + branch * (cc / reach).acos();
        let psi = psi.rem_euclid(TAU);
        // F(phi, psi) = A cos psi + B sin psi - C = 0, differentiated twice.
        let (sp, cp) = psi.sin_cos();
        let (a1, b1, c1) = (sin, -cos, -g / c * sin);
        let (a2, b2, c2) = (cos, sin, -g / c * cos);
        let by_psi = -aa * sp + bb * cp;
        let by_phi = a1 * cp + b1 * sp - c1;
        let rate = -by_phi / by_psi;
        let twice_phi = a2 * cp + b2 * sp - c2;
        let mixed = -a1 * sp + b1 * cp;
        let twice_psi = -aa * cp - bb * sp;
        let bend = -(twice_phi + 2.0 * mixed * rate + twice_psi * rate * rate) / by_psi;
        Some([psi, rate, bend])
    }

    /// Grashof: the shortest bar, here the crank, goes round.
    pub fn turns(&self) -> bool {
        let mut bars = [self.ground_m, self.crank_m, self.coupler_m, self.rocker_m];
        bars.sort_by(f64::total_cmp);
        bars[0] + bars[3] < bars[1] + bars[2] && bars[0] == self.crank_m
    }

    /// Crank torque that accelerates a rocker of this inertia about its pivot at a constant crank speed, other bars
    /// massless, N m: `J psi'' psi' omega^2` (power).
    pub fn inertia_torque_nm(
        &self,
        phi: f64,
        branch: f64,
        inertia_kg_m2: f64,
        speed_rad_s: f64,
    ) -> Option<f64> {
        let [_, rate, bend] = self.rocker(phi, branch)?;
        Some(inertia_kg_m2 * bend * rate * speed_rad_s * speed_rad_s)
    }
}

/// A pendulum of any shape that swings about a level axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pendulum {
    /// Mass, kg.
    pub mass_kg: f64,
    /// From the axis to the centre of mass, m.
    pub centre_m: f64,
    /// Inertia about the axis, kg m².
    pub inertia_kg_m2: f64,
    /// Gravity, m/s².
    pub gravity_m_s2: f64,
}

impl Pendulum {
    /// Period at an amplitude, s: `4 sqrt(J/(m g l)) K(sin(amplitude/2))`, with the complete elliptic integral by the
    /// arithmetic-geometric mean, `K(k) = pi / (2 agm(1, sqrt(1 - k^2)))` (Gauss; W).
    pub fn period_s(&self, amplitude_rad: f64) -> f64 {
        let slow = (self.inertia_kg_m2 / (self.mass_kg * self.gravity_m_s2 * self.centre_m)).sqrt();
        TAU * slow / agm(1.0, (0.5 * amplitude_rad).cos())
    }

    /// Speed at an angle after a start at rest from `amplitude_rad`, rad/s, > 0 (energy).
    pub fn speed_rad_s(&self, angle_rad: f64, amplitude_rad: f64) -> f64 {
        let fall = angle_rad.cos() - amplitude_rad.cos();
        (2.0 * self.mass_kg * self.gravity_m_s2 * self.centre_m * fall / self.inertia_kg_m2)
            .max(0.0)
            .sqrt()
    }

    /// Force of the axis on the pendulum, N: along the rod towards the axis, and across it against the swing's sense of
    /// positive angle, at an angle from straight down and a speed.
    pub fn reaction_n(&self, angle_rad: f64, speed_rad_s: f64) -> [f64; 2] {
        let (m, l, g) = (self.mass_kg, self.centre_m, self.gravity_m_s2);
        let (s, c) = angle_rad.sin_cos();
        let acceleration = -m * g * l * s / self.inertia_kg_m2;
        [
            m * (g * c + l * speed_rad_s * speed_rad_s),
            -m * (g * s + l * acceleration),
        ]
    }
}

/// A node on a tilted disc, as in shiatsu pillows: its disc's axis leans by `tilt` from y towards the side.
///
/// `p = c + R(side tilt) (r cos phi, h, r sin phi)`, the turn about z; right side +1, left -1 (W).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TiltedDisc {
    /// Disc centre from the midline, m.
    pub half_spacing_m: f64,
    /// Node centre from the disc's axis, m.
    pub radius_m: f64,
    /// Node centre in front of the disc, m.
    pub height_m: f64,
    /// Lean of the axis, rad: > 0 leans outward, so that nodes rise towards the midline.
    pub tilt_rad: f64,
}

impl TiltedDisc {
    /// Node centre, m, at the disc's angle `phi`; `side` is +1 right, -1 left (mirror image).
    pub fn node_m(&self, phi: f64, side: f64) -> [f64; 3] {
        let (s, c) = phi.sin_cos();
        let (st, ct) = self.tilt_rad.sin_cos();
        let (u, h) = (self.radius_m * c, self.height_m);
        [
            side * (self.half_spacing_m + ct * u + st * h),
            -st * u + ct * h,
            self.radius_m * s,
        ]
    }
}

/// Three sinusoids of one frequency along x, y, z: the path of a unit whose axes have a motor each (Lissajous; W).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Oval {
    /// Middle, m.
    pub centre_m: [f64; 3],
    /// Amplitudes, m.
    pub amplitude_m: [f64; 3],
    /// Phases, rad.
    pub phase_rad: [f64; 3],
}

impl Oval {
    /// Place at the common angle, m.
    pub fn at(&self, angle_rad: f64) -> [f64; 3] {
        std::array::from_fn(|i| {
            self.centre_m[i] + self.amplitude_m[i] * (angle_rad + self.phase_rad[i]).sin()
        })
    }
}

/// Arithmetic-geometric mean of two positive numbers.
fn agm(mut a: f64, mut b: f64) -> f64 {
    for _ in 0..20 {
        (a, b) = (0.5 * (a + b), (a * b).sqrt());
    }
    a
}

/// Greatest value of a smooth periodic function over a turn: 720 samples, then a parabola through the best three.
fn greatest(f: impl Fn(f64) -> f64) -> f64 {
    let step = TAU / 720.0;
    let best = (0..720)
        .map(|i| f64::from(i) * step)
        .max_by(|a, b| f(*a).total_cmp(&f(*b)))
        .unwrap_or_default();
    let (a, b, c) = (f(best - step), f(best), f(best + step));
    let bend = a - 2.0 * b + c;
    if bend < 0.0 {
        b - (a - c).powi(2) / (8.0 * bend)
    } else {
        b
    }
}
