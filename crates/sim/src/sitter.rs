//! The trunk that leans on a rig: a rigid body in the plane of the back.

use std::sync::Arc;

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};

use crate::trunk::{Hold, Lean, Support};

/// A trunk that moves on pad and hips under the forces of nodes.
///
/// It moves in the y-z plane and pitches about x. Steps are semi-implicit: velocities from the forces of the present place, then
/// places from the new velocities. `World`'s trunk obeys the same laws inside the engine.
#[derive(Clone, Debug)]
pub(crate) struct Sitter {
    support: Arc<Support>,
    machine_from_back: Isometry3<f64>,
    /// Velocity of the mass centre, m/s.
    velocity_m_s: Vector3<f64>,
    /// Rate of pitch, rad/s.
    rate_rad_s: f64,
    hold: Hold,
}

impl Sitter {
    /// A trunk at rest.
    pub fn new(support: Arc<Support>) -> Sitter {
        let machine_from_back = support.machine_from_back(&Lean::default());
        Sitter {
            hold: support.hold(&machine_from_back, &Vector3::zeros(), 0.0),
            support,
            machine_from_back,
            velocity_m_s: Vector3::zeros(),
            rate_rad_s: 0.0,
        }
    }

    /// Where the trunk is.
    pub fn machine_from_back(&self) -> Isometry3<f64> {
        self.machine_from_back
    }

    /// What holds it there.
    pub fn hold(&self) -> &Hold {
        &self.hold
    }

    /// Goes on by a step under forces at points, N and m, machine frame.
    pub fn step(&mut self, pushes: &[(Vector3<f64>, Point3<f64>)], dt_s: f64) {
        let pose = self.machine_from_back;
        let centre = pose * self.support.centre();
        let hip = pose * self.support.hip();
        // The x component of `arm x force`.
        let moment = |force: &Vector3<f64>, at: &Point3<f64>| {
            let arm = at - centre;
            arm.y * force.z - arm.z * force.y
        };
        let mut force = self.hold.force;
        let mut torque_nm = self.hold.torque_nm + moment(&self.hold.force, &hip);
        for (push, at) in pushes {
            force += push;
            torque_nm += moment(push, at);
        }
        force.x = 0.0;
        self.velocity_m_s += force * (dt_s / self.support.mass_kg());
        self.rate_rad_s += torque_nm * dt_s / self.support.inertia_kg_m2();
        let turn = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), self.rate_rad_s * dt_s);
        let rotation = UnitQuaternion::new_normalize((turn * pose.rotation).into_inner());
        let centre = centre + self.velocity_m_s * dt_s;
        let shift = centre.coords - rotation * self.support.centre().coords;
        self.machine_from_back = Isometry3::from_parts(shift.into(), rotation);
        let arm = self.machine_from_back * self.support.hip() - centre;
        let hip_m_s = self.velocity_m_s + self.rate_rad_s * Vector3::new(0.0, -arm.z, arm.y);
        self.hold = self
            .support
            .hold(&self.machine_from_back, &hip_m_s, self.rate_rad_s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use back::{Back, Body, Sex};
    use scene::{Chair, Hip, Pad};

    /// A blow of 1000 N over 1 ms at a point 0.2 m above the mass centre: `v = F t / m`, `w = -h F t / I` (a push out of the machine
    /// over the centre tips the head forward, which counts as less pitch). What holds the trunk at rest sums to nothing.
    #[test]
    fn val_a_blow_gives_momentum() {
        let back = Back::new(&Body::mean(Sex::Male, 1.75, 26.0, 40.0)).unwrap();
        let chair = Chair {
            recline_rad: 0.8,
            seat_z_m: 0.0,
            pad: Pad {
                thickness_m: 0.03,
                e_pa: 25e3,
                densify_strain: 0.75,
                offset_m: 0.1,
                width_m: 0.3,
            },
            hip: Hip {
                stiffness_n_m: 2000.0,
                damping_ratio: 0.3,
            },
        };
        let support = Arc::new(Support::on(&back, &chair, |_| 0.0));
        let mut sitter = Sitter::new(Arc::clone(&support));
        let centre = sitter.machine_from_back() * support.centre();
        let blow = (
            Vector3::new(0.0, 1000.0, 0.0),
            centre + Vector3::new(0.0, 0.0, 0.2),
        );
        sitter.step(&[blow], 1e-3);
        let moved = sitter.machine_from_back() * support.centre() - centre;
        let (v, w) = (1.0 / support.mass_kg(), -0.2 / support.inertia_kg_m2());
        // The rest is balanced to 0.2 N.
        assert!((moved.y / (1e-3 * v) - 1.0).abs() < 1e-3, "{moved}");
        assert!((sitter.hold().lean.pitch_rad / (1e-3 * w) - 1.0).abs() < 1e-3);
    }
}
