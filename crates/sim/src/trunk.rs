//! The user's trunk: a rigid body that leans on pad and hips under gravity.

use back::Back;
use mechanism::TrackCurve;
use nalgebra::{Isometry3, Matrix3, Point3, Translation3, UnitQuaternion, Vector3};
use scene::{Chair, Pad};
use tissue::Cover;

/// Standard gravity, m/s^2.
const GRAVITY_M_S2: f64 = 9.806_65;

/// Arm that turns pitch into a length and moment into a force in the balance, m: about the trunk's radius of gyration.
const PITCH_ARM_M: f64 = 0.25;
/// Displacement for differences of the residual, m.
pub(crate) const DIFFERENCE_M: f64 = 5e-5;
/// Longest step of the balance, m.
pub(crate) const LONGEST_STEP_M: f64 = 0.01;
/// Squeeze of the pad under the sacrum that a sitter's rest may have, m; below zero it is a gap (estimate).
const SACRAL_SQUEEZE_M: [f64; 2] = [0.010, -0.020];
/// Pitch within which a sitter's rest is looked for, rad.
const PITCH_RANGE_RAD: [f64; 2] = [-0.35, 0.35];
/// Force left over in a balanced trunk, N.
pub(crate) const BALANCED_N: f64 = 0.2;

/// Where the trunk is: displacement of its hip joint from rest and pitch about it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lean {
    /// Hip joint out of the machine, m.
    pub y_m: f64,
    /// Hip joint up the backrest, m.
    pub z_m: f64,
    /// Pitch about x, rad; > 0 tips the head back (towards the machine).
    pub pitch_rad: f64,
}

/// A lean in balance, and how stiffly it is held there, if known: residual forces per unknown, N/m, with the pitch as a length
/// on [`PITCH_ARM_M`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Balance {
    pub lean: Lean,
    pub stiffness_n_m: Option<Matrix3<f64>>,
}

/// The unknowns of a balance as lengths.
pub(crate) fn unknowns(lean: &Lean) -> Vector3<f64> {
    Vector3::new(lean.y_m, lean.z_m, lean.pitch_rad * PITCH_ARM_M)
}

pub(crate) fn lean_at(x: &Vector3<f64>) -> Lean {
    Lean {
        y_m: x.x,
        z_m: x.y,
        pitch_rad: x.z / PITCH_ARM_M,
    }
}

/// What is left of all forces, N.
pub(crate) fn residual_of(own: &Load, pushed: &Load) -> Vector3<f64> {
    Vector3::new(
        own.y_n + pushed.y_n,
        own.z_n + pushed.z_n,
        (own.pitch_nm + pushed.pitch_nm) / PITCH_ARM_M,
    )
}

/// Stiffness by differences, N/m.
fn differences(
    x: &Vector3<f64>,
    f: &Vector3<f64>,
    residual: &mut impl FnMut(&Vector3<f64>) -> Vector3<f64>,
) -> Matrix3<f64> {
    let column = |i: usize| {
        let mut beside = *x;
        beside[i] += DIFFERENCE_M;
        (f - residual(&beside)) / DIFFERENCE_M
    };
    let columns = [0, 1, 2].map(column);
    Matrix3::from_columns(&columns)
}

/// What holds a moving trunk at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// Where it is.
    pub lean: Lean,
    /// Force of the pad on it, N.
    pub pad_n: f64,
    /// Force on its hip joint, N, machine frame.
    pub force: Vector3<f64>,
    /// Torque on it about x, N m.
    pub torque_nm: f64,
}

/// Force and moment on the trunk in the machine's y-z plane, about the hip joint.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Out of the machine, N.
    pub y_n: f64,
    /// Up the backrest, N.
    pub z_n: f64,
    /// About x, N m, > 0 as [`Lean::pitch_rad`].
    pub pitch_nm: f64,
}

/// What holds the trunk: the backrest pad (foam cells over a track-shaped shell), the hip, gravity.
///
/// Ignored: the pad's shear, arms on armrests, and that a back that breathes lifts itself off the pad. The pad carries load only where it is squeezed, so a
/// trunk that is pushed off it feels just gravity and hip: that is the ceiling of what nodes can press.
#[derive(Clone, Debug)]
pub struct Support {
    mass_kg: f64,
    inertia_kg_m2: f64,
    centre: Point3<f64>,
    hip: Point3<f64>,
    recline_rad: f64,
    hip_stiffness_n_m: f64,
    hip_damping_ratio: f64,
    foam: Cover,
    /// Skin points over the pad in the back frame, with the pad area each stands for, m^2.
    samples: Vec<(Point3<f64>, f64)>,
    shell: Shell,
    /// Shift of the back frame that puts the trunk to rest on the pad, m, and its pitch there, rad.
    rest_y_m: f64,
    rest_pitch_rad: f64,
    seat_z_m: f64,
    /// What the seat holds the pelvis with at rest, out of the machine, N.
    hip_rest_n: f64,
}

/// Face of the pad: y over z in the machine frame, on an even grid.
#[derive(Clone, Debug)]
struct Shell {
    first_z_m: f64,
    step_m: f64,
    y_m: Vec<f64>,
}

impl Support {
    /// Puts a body into a chair and lets it come to rest on the pad, nodes retracted.
    pub fn new(back: &Back, chair: &Chair, curve: &TrackCurve) -> Support {
        Support::on(back, chair, |z_m| curve.pose(curve.s_at_z(z_m)).y_m)
    }

    /// The same on a pad of any shape: `shell_y_m` is what carries it, y over z in the machine frame.
    pub fn on(back: &Back, chair: &Chair, shell_y_m: impl Fn(f64) -> f64) -> Support {
        let trunk = back.trunk();
        let mut support = Support {
            mass_kg: trunk.mass_kg,
            inertia_kg_m2: trunk.pitch_inertia_kg_m2,
            centre: trunk.centre,
            hip: trunk.hip,
            recline_rad: chair.recline_rad,
            hip_stiffness_n_m: chair.hip.stiffness_n_m,
            hip_damping_ratio: chair.hip.damping_ratio,
            foam: Cover {
                thickness_m: chair.pad.thickness_m,
                e_pa: chair.pad.e_pa,
                densify_strain: chair.pad.densify_strain,
            },
            samples: samples(back, &chair.pad),
            shell: Shell::new(shell_y_m, chair.pad.offset_m),
            rest_y_m: 0.0,
            rest_pitch_rad: 0.0,
            seat_z_m: chair.seat_z_m,
            hip_rest_n: 0.0,
        };
        support.settle(back.point(1.0, 0.0));
        support
    }

    /// Trunk mass, kg.
    pub fn mass_kg(&self) -> f64 {
        self.mass_kg
    }

    /// Pitch inertia about the centre of mass, kg m^2.
    pub fn inertia_kg_m2(&self) -> f64 {
        self.inertia_kg_m2
    }

    /// Centre of mass, back frame.
    pub fn centre(&self) -> Point3<f64> {
        self.centre
    }

    /// Hip joint, back frame.
    pub fn hip(&self) -> Point3<f64> {
        self.hip
    }

    /// Gravity in the machine frame, m/s^2.
    pub fn gravity_m_s2(&self) -> Vector3<f64> {
        -GRAVITY_M_S2 * Vector3::new(0.0, self.recline_rad.sin(), self.recline_rad.cos())
    }

    /// Damping of the hip spring for the trunk's mass, N s/m.
    pub fn hip_damping_n_s_m(&self) -> f64 {
        2.0 * self.hip_damping_ratio * (self.hip_stiffness_n_m * self.mass_kg).sqrt()
    }

    /// Damping of pitch: muscle and pad take up the trunk's swing at half of critical for a 1.5 Hz swing, N m s/rad
    /// (estimate).
    pub fn pitch_damping_nm_s(&self) -> f64 {
        let arm_m2 = (self.centre - self.hip).norm_squared();
        0.5 * 2.0 * std::f64::consts::TAU * 1.5 * (self.inertia_kg_m2 + self.mass_kg * arm_m2)
    }

    /// The pose of a lean.
    pub fn machine_from_back(&self, lean: &Lean) -> Isometry3<f64> {
        let turn = UnitQuaternion::from_axis_angle(
            &Vector3::x_axis(),
            self.rest_pitch_rad + lean.pitch_rad,
        );
        let hip = self.hip.coords;
        let shift = Vector3::new(0.0, self.rest_y_m + lean.y_m, self.seat_z_m + lean.z_m);
        Isometry3::from_parts(Translation3::from(hip - turn * hip + shift), turn)
    }

    /// The lean of a pose (the inverse of [`Support::machine_from_back`] in the plane).
    pub fn lean_of(&self, machine_from_back: &Isometry3<f64>) -> Lean {
        let moved = machine_from_back * self.hip - self.hip;
        let pitch_rad = machine_from_back.rotation.scaled_axis().x - self.rest_pitch_rad;
        Lean {
            y_m: moved.y - self.rest_y_m,
            z_m: moved.z - self.seat_z_m,
            pitch_rad,
        }
    }

    /// Everything that acts on the trunk but the nodes: gravity, pad, hip spring. At rest it is zero.
    ///
    /// The seat carries the trunk's weight along the backrest and holds the pelvis; the hip spring adds to it what the
    /// hip moves.
    pub fn load(&self, lean: &Lean) -> Load {
        let pose = self.machine_from_back(lean);
        self.load_with(lean, &pose, &self.pad(&pose))
    }

    /// The same at a pose whose pad force is known.
    pub fn load_with(&self, lean: &Lean, pose: &Isometry3<f64>, pad: &Load) -> Load {
        let hip = pose * self.hip;
        let weight = self.gravity_m_s2() * self.mass_kg;
        let arm = pose * self.centre - hip;
        Load {
            y_n: pad.y_n + weight.y + self.hip_rest_n - self.hip_stiffness_n_m * lean.y_m,
            z_n: -self.hip_stiffness_n_m * lean.z_m,
            pitch_nm: pad.pitch_nm + arm.y * weight.z - arm.z * weight.y,
        }
    }

    /// Everything that acts on a moving trunk but the nodes: velocity of the hip joint, m/s, rate of pitch, rad/s.
    pub(crate) fn hold(
        &self,
        pose: &Isometry3<f64>,
        hip_m_s: &Vector3<f64>,
        pitch_rad_s: f64,
    ) -> Hold {
        let lean = self.lean_of(pose);
        let pad = self.pad(pose);
        let load = self.load_with(&lean, pose, &pad);
        let damping = self.hip_damping_n_s_m();
        Hold {
            lean,
            pad_n: pad.y_n,
            force: Vector3::new(
                0.0,
                load.y_n - damping * hip_m_s.y,
                load.z_n - damping * hip_m_s.z,
            ),
            torque_nm: load.pitch_nm - self.pitch_damping_nm_s() * pitch_rad_s,
        }
    }

    /// Force of the pad on the trunk; moment about the hip joint.
    pub fn pad(&self, pose: &Isometry3<f64>) -> Load {
        let hip = pose * self.hip;
        let mut load = Load::default();
        let turn = pose.rotation.to_rotation_matrix();
        let (to_y, to_z) = (
            turn.matrix().row(1).transpose(),
            turn.matrix().row(2).transpose(),
        );
        let shift = pose.translation.vector;
        for (point, area_m2) in &self.samples {
            let y_m = to_y.dot(&point.coords) + shift.y;
            let z_m = to_z.dot(&point.coords) + shift.z;
            let squeeze_m = self.shell.y_m(z_m) - y_m;
            if squeeze_m <= 0.0 {
                continue;
            }
            // Foam that is packed up goes on with its last slope instead of an infinite one.
            let soft_m = squeeze_m.min(0.9 * self.foam.densify_strain * self.foam.thickness_m);
            let mut pressure_pa = self.foam.pressure_pa(soft_m);
            if squeeze_m > soft_m {
                pressure_pa += (squeeze_m - soft_m) / self.foam.squeeze(pressure_pa).1;
            }
            let force_n = pressure_pa * area_m2;
            load.y_n += force_n;
            load.pitch_nm -= (z_m - hip.z) * force_n;
        }
        load
    }

    /// The lean at which node forces are balanced: forces on the user at points of the machine frame, re-evaluated
    /// by `nodes` at every trial. `None` if no balance is found from `start` (the trunk is thrown off the pad, or a kink is
    /// in the way).
    ///
    /// Static, in the run's three freedoms: the hip out of the machine and along it, pitch. Newton's steps, damped (Levenberg)
    /// where the pad lets go; pitch is scaled by an arm so that all unknowns are lengths and all residuals forces. The
    /// stiffness is taken from differences where `start` has none, from each step's own after that (Broyden 1965), and from
    /// differences again where that leads uphill.
    pub(crate) fn balance(
        &self,
        start: &Balance,
        mut nodes: impl FnMut(&Isometry3<f64>) -> Load,
    ) -> Option<Balance> {
        let mut residual = |x: &Vector3<f64>| {
            let lean = lean_at(x);
            let own = self.load(&lean);
            residual_of(&own, &nodes(&self.machine_from_back(&lean)))
        };
        let mut x = unknowns(&start.lean);
        let mut f = residual(&x);
        let mut known = start.stiffness_n_m;
        let mut fresh = false;
        let mut damping_n_m = 10.0;
        for _ in 0..200 {
            if f.norm() < BALANCED_N {
                return Some(Balance {
                    lean: lean_at(&x),
                    stiffness_n_m: known,
                });
            }
            let stiffness = known.unwrap_or_else(|| {
                fresh = true;
                differences(&x, &f, &mut residual)
            });
            let damped = stiffness + Matrix3::from_diagonal_element(damping_n_m);
            // A held trunk has a positive stiffness.
            let step = damped.lu().solve(&f).filter(|_| damped.determinant() > 0.0);
            let step = step.map(|s| s * (LONGEST_STEP_M / s.norm()).min(1.0));
            let trial = step.map(|s| (s, residual(&(x + s))));
            match trial {
                Some((s, at_trial)) if at_trial.norm() < f.norm() => {
                    let off = f - at_trial - stiffness * s;
                    known = Some(stiffness + off * s.transpose() / s.norm_squared());
                    (x, f) = (x + s, at_trial);
                    fresh = false;
                    damping_n_m = (0.3 * damping_n_m).max(1.0);
                }
                _ if !fresh => known = None,
                _ => {
                    known = Some(stiffness);
                    damping_n_m *= 4.0;
                }
            }
            if damping_n_m > 1e7 || x.x.abs() > 0.5 || x.y.abs() > 0.3 || x.z.abs() > 0.3 {
                return None;
            }
        }
        None
    }

    /// Finds the rest: the sitter moves back until the pad carries the trunk's weight across it and the seat need not
    /// hold the pelvis (or as near to that as [`SACRAL_SQUEEZE_M`] allows); the pitch balances gravity on the pad.
    fn settle(&mut self, sacrum: Point3<f64>) {
        let [mut deep_m, mut light_m] = SACRAL_SQUEEZE_M;
        for _ in 0..30 {
            let middle = 0.5 * (deep_m + light_m);
            self.recline_to(sacrum, middle);
            if self.load(&Lean::default()).y_n > 0.0 {
                deep_m = middle
            } else {
                light_m = middle
            }
        }
        self.hip_rest_n = -self.load(&Lean::default()).y_n;
    }

    /// Pitches the trunk until it balances, the sacrum squeezing the pad by `squeeze_m` (< 0: a gap).
    fn recline_to(&mut self, sacrum: Point3<f64>, squeeze_m: f64) {
        let mut moment_at = |pitch_rad: f64| {
            self.rest_pitch_rad = pitch_rad;
            let p = self.machine_from_back(&Lean::default()) * sacrum;
            self.rest_y_m += self.shell.y_m(p.z) - p.y - squeeze_m;
            self.load(&Lean::default()).pitch_nm
        };
        // From lying deep in the pad forwards, to where it just holds: below that lies another balance, head between
        // the knees, that nobody sits in.
        let mut back_rad = PITCH_RANGE_RAD[1];
        let mut ahead_rad = back_rad;
        while moment_at(ahead_rad) < 0.0 && ahead_rad > PITCH_RANGE_RAD[0] {
            back_rad = ahead_rad;
            ahead_rad -= 0.01;
        }
        for _ in 0..40 {
            let middle = 0.5 * (back_rad + ahead_rad);
            if moment_at(middle) < 0.0 {
                back_rad = middle
            } else {
                ahead_rad = middle
            }
        }
    }
}

/// Skin points over the pad with their share of its area: every 20 mm down the spine, five strips of the right half. Each
/// stands for its mirror image too: backs are symmetric and the trunk moves in its plane of symmetry.
fn samples(back: &Back, pad: &Pad) -> Vec<(Point3<f64>, f64)> {
    const STRIPS: usize = 5;
    let step_u = 0.02 / back.arc_length_m();
    let count = (1.15 / step_u) as usize;
    let strip_m = 0.5 * pad.width_m / STRIPS as f64;
    let mut out = Vec::with_capacity(count * STRIPS);
    for i in 0..count {
        let u = (i as f64 + 0.5) * step_u;
        for strip in 0..STRIPS {
            let x_m = (strip as f64 + 0.5) * strip_m;
            out.push((back.point(u, x_m), 2.0 * 0.02 * strip_m));
        }
    }
    out
}

impl Shell {
    fn new(y_m: impl Fn(f64) -> f64, offset_m: f64) -> Shell {
        let (first_z_m, step_m) = (-0.2, 0.004);
        let y_m = (0..330)
            .map(|i| {
                let z_m = first_z_m + f64::from(i) * step_m;
                y_m(z_m) + offset_m
            })
            .collect();
        Shell {
            first_z_m,
            step_m,
            y_m,
        }
    }

    fn y_m(&self, z_m: f64) -> f64 {
        let x = ((z_m - self.first_z_m) / self.step_m).clamp(0.0, (self.y_m.len() - 2) as f64);
        let i = x as usize;
        self.y_m[i] + (x - i as f64) * (self.y_m[i + 1] - self.y_m[i])
    }
}
