//! What joints carry: Newton and Euler from the links' own motion, so that the engine's inner forces are not needed.

use mechanism::{JointKind, Linkage};
use nalgebra::{Isometry3, Matrix3, Vector3};

/// Force and moment that a joint hands from its parent to its child, in the machine's frame of the rig's ground, mean over a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reaction {
    /// Force on the child, N.
    pub force_n: Vector3<f64>,
    /// Moment on the child about the joint's origin, N m: springs, drives and friction of the joint are in it along its axis.
    pub moment_nm: Vector3<f64>,
}

/// A reaction as a bearing feels it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BearingLoad {
    /// Across the joint's axis, N (of a ball all of it).
    pub radial_n: f64,
    /// Along the axis, N, as a magnitude.
    pub axial_n: f64,
    /// Moment across the axis, N m, as a magnitude: what tilts a bearing.
    pub tilting_nm: f64,
    /// Moment about the axis, N m, as a magnitude.
    pub torque_nm: f64,
}

/// Motion of a body at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BodyMotion {
    /// Velocity of the mass centre, m/s.
    pub velocity_m_s: Vector3<f64>,
    /// Turning, rad/s.
    pub turn_rad_s: Vector3<f64>,
}

/// What a body is and how it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyState {
    pub mass_kg: f64,
    /// Mass centre, machine frame.
    pub centre: Vector3<f64>,
    /// About it, machine frame.
    pub inertia_kg_m2: Matrix3<f64>,
    pub before: BodyMotion,
    pub after: BodyMotion,
    /// Sum of outer forces but gravity, N, and their moment about the mass centre, N m.
    pub force_n: Vector3<f64>,
    pub moment_nm: Vector3<f64>,
}

/// Reactions of all joints, in the order of the rig's. `bodies` holds the ground (not looked at) and the links.
///
/// Each link's momentum balance gives what its joint must have handed it: `F = m (a - g) - outer + sum of its children's F`, moments
/// alike with `d(I w)/dt`. Accelerations are the change of velocity over the step. A motor's rotor turns with its joint and is no
/// link: its share stands along the axis.
pub(crate) fn reactions(
    linkage: &Linkage,
    frames: &[Isometry3<f64>],
    bodies: &[BodyState],
    gravity_m_s2: &Vector3<f64>,
    dt_s: f64,
) -> Vec<Reaction> {
    let mut out = vec![Reaction::default(); linkage.rig().joints.len()];
    // From the leaves inwards: a joint's children come later in the order from the ground.
    for &index in linkage.order().iter().rev() {
        let (parent, child, base) = linkage.joint(index);
        let body = &bodies[child];
        let origin = (frames[parent] * base).translation.vector;
        // A track's carriage and a slide's child move off the frame: where the child is.
        let origin = match linkage.rig().joints[index].kind {
            JointKind::Prismatic | JointKind::Track { .. } => frames[child].translation.vector,
            _ => origin,
        };
        let acceleration = (body.after.velocity_m_s - body.before.velocity_m_s) / dt_s;
        let turn = 0.5 * (body.after.turn_rad_s + body.before.turn_rad_s);
        let turning = (body.after.turn_rad_s - body.before.turn_rad_s) / dt_s;
        let inertia = &body.inertia_kg_m2;
        let mut force_n = body.mass_kg * (acceleration - gravity_m_s2) - body.force_n;
        let about_centre = inertia * turning + turn.cross(&(inertia * turn)) - body.moment_nm;
        let mut moment_nm = about_centre + (body.centre - origin).cross(&force_n);
        for (other, reaction) in out.iter().enumerate() {
            let (from, to, at) = linkage.joint(other);
            if from != child {
                continue;
            }
            let place = match linkage.rig().joints[other].kind {
                JointKind::Prismatic | JointKind::Track { .. } => frames[to].translation.vector,
                _ => (frames[from] * at).translation.vector,
            };
            force_n += reaction.force_n;
            moment_nm += reaction.moment_nm + (place - origin).cross(&reaction.force_n);
        }
        out[index] = Reaction { force_n, moment_nm };
    }
    out
}

impl Reaction {
    /// As a bearing with this axis (machine frame, length 1) feels it; without an axis all of it is radial and tilting.
    pub fn on_axis(&self, axis: Option<&Vector3<f64>>) -> BearingLoad {
        let split = |v: &Vector3<f64>| {
            let along = axis.map_or(0.0, |a| a.dot(v));
            (
                along.abs(),
                (v.norm_squared() - along * along).max(0.0).sqrt(),
            )
        };
        let ((axial_n, radial_n), (torque_nm, tilting_nm)) =
            (split(&self.force_n), split(&self.moment_nm));
        BearingLoad {
            radial_n,
            axial_n,
            tilting_nm,
            torque_nm,
        }
    }
}
