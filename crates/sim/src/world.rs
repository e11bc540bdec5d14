//! The rigid bodies in rapier: trunk and rockers. No other file of the project knows the engine.

use mechanism::Mechanism;
use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d_f64::dynamics::{MassProperties, RigidBodyBuilder, RigidBodyHandle};
use rapier3d_f64::math::{Pose, Rotation, Vector};
use rapier3d_f64::pipeline::PhysicsWorld;
use rapier3d_f64::prelude::RevoluteJointBuilder;

use crate::trunk::Support;

/// Trunk, arms and rockers.
///
/// The arms are moved (their pose is the mechanism's closed form), the rockers swing on them on a revolute joint, the
/// trunk moves in the y-z plane. Contact, springs, pad and hip come in as forces: the engine has no colliders.
pub(crate) struct World {
    engine: PhysicsWorld,
    trunk: Option<RigidBodyHandle>,
    arms: [RigidBodyHandle; 2],
    rockers: [RigidBodyHandle; 2],
    /// Inertia of a rocker with its nodes about its pivot, kg m².
    rocker_kg_m2: f64,
}

impl World {
    /// Builds the bodies at their first poses. Without a support the user cannot move (a bench slab).
    pub fn new(
        mechanism: &Mechanism,
        pivots: [Isometry3<f64>; 2],
        rocker_rad: f64,
        trunk: Option<(&Support, Isometry3<f64>)>,
        dt_s: f64,
        substeps: usize,
    ) -> World {
        let mut engine = PhysicsWorld::new();
        engine.gravity = Vector::ZERO;
        engine.integration_parameters.dt = dt_s;
        engine.integration_parameters.num_solver_iterations = substeps;
        let trunk = trunk.map(|(support, pose)| {
            let inertia = Vector::splat(support.inertia_kg_m2());
            let mass =
                MassProperties::new(vector(&support.centre().coords), support.mass_kg(), inertia);
            let body = RigidBodyBuilder::dynamic()
                .pose(to_pose(&pose))
                .additional_mass_properties(mass)
                .enabled_translations(false, true, true)
                .enabled_rotations(true, false, false)
                .can_sleep(false);
            engine.insert_body(body)
        });
        let rocker_mass = rocker_mass(mechanism);
        let rocker_kg_m2 = rocker_mass.principal_inertia().x
            + rocker_mass.mass() * rocker_mass.local_com.length_squared();
        let range = mechanism.rocker.range_rad;
        let mut arms = Vec::new();
        let mut rockers = Vec::new();
        for pivot in &pivots {
            let arm = engine.insert_body(
                RigidBodyBuilder::kinematic_position_based()
                    .pose(to_pose(pivot))
                    .can_sleep(false),
            );
            let swung = pivot * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), -rocker_rad);
            let rocker = engine.insert_body(
                RigidBodyBuilder::dynamic()
                    .pose(to_pose(&swung))
                    .additional_mass_properties(rocker_mass)
                    .can_sleep(false),
            );
            let joint = RevoluteJointBuilder::new(Vector::X)
                .limits([-range, range])
                .contacts_enabled(false);
            engine.insert_impulse_joint(arm, rocker, joint);
            arms.push(arm);
            rockers.push(rocker);
        }
        World {
            engine,
            trunk,
            arms: [arms[0], arms[1]],
            rockers: [rockers[0], rockers[1]],
            rocker_kg_m2,
        }
    }

    /// Inertia of a rocker with its nodes about its pivot, kg m².
    pub fn rocker_kg_m2(&self) -> f64 {
        self.rocker_kg_m2
    }

    /// Moves time on: arms go to `pivots`, forces act over the step.
    pub fn step(&mut self, pivots: [Isometry3<f64>; 2]) {
        for (handle, pivot) in self.arms.iter().zip(&pivots) {
            self.engine.bodies[*handle].set_next_kinematic_position(to_pose(pivot));
        }
        self.engine.step();
        for handle in self.rockers.iter().chain(&self.trunk) {
            let body = &mut self.engine.bodies[*handle];
            body.reset_forces(false);
            body.reset_torques(false);
        }
    }

    /// Pose of the trunk's body, `machine_from_back`.
    pub fn trunk_pose(&self) -> Option<Isometry3<f64>> {
        self.trunk
            .map(|h| from_pose(self.engine.bodies[h].position()))
    }

    /// Velocity of a point of the trunk, machine frame, m/s.
    pub fn trunk_velocity(&self, at: &Point3<f64>) -> Vector3<f64> {
        self.trunk.map_or_else(Vector3::zeros, |h| {
            from_vector(self.engine.bodies[h].velocity_at_point(vector(&at.coords)))
        })
    }

    /// Pose of a rocker, `machine_from_rocker`; its origin is the pivot.
    pub fn rocker_pose(&self, side: usize) -> Isometry3<f64> {
        from_pose(self.engine.bodies[self.rockers[side]].position())
    }

    /// Angle of a rocker, rad, > 0 with the upper node forward, and its rate, rad/s.
    pub fn rocker_angle(&self, side: usize) -> (f64, f64) {
        let arm = from_pose(self.engine.bodies[self.arms[side]].position());
        let relative = arm.rotation.inverse() * self.rocker_pose(side).rotation;
        let axis = arm.rotation * Vector3::x();
        let rate = |h: RigidBodyHandle| from_vector(self.engine.bodies[h].angvel()).dot(&axis);
        (
            -relative.scaled_axis().x,
            rate(self.arms[side]) - rate(self.rockers[side]),
        )
    }

    /// A force on a rocker at a point, N, machine frame.
    pub fn push_rocker(&mut self, side: usize, force: &Vector3<f64>, at: &Point3<f64>) {
        self.engine.bodies[self.rockers[side]].add_force_at_point(
            vector(force),
            vector(&at.coords),
            true,
        );
    }

    /// The rocker spring's torque about the arm's x, N m, > 0 turns the upper node forward.
    pub fn twist_rocker(&mut self, side: usize, torque_nm: f64) {
        let axis = self.rocker_pose(side).rotation * Vector3::x();
        self.engine.bodies[self.rockers[side]].add_torque(vector(&(-torque_nm * axis)), true);
    }

    /// A force on the trunk at a point, N, machine frame.
    pub fn push_trunk(&mut self, force: &Vector3<f64>, at: &Point3<f64>) {
        if let Some(handle) = self.trunk {
            self.engine.bodies[handle].add_force_at_point(vector(force), vector(&at.coords), true);
        }
    }

    /// A torque on the trunk about x, N m.
    pub fn twist_trunk(&mut self, torque_nm: f64) {
        if let Some(handle) = self.trunk {
            self.engine.bodies[handle].add_torque(Vector::new(torque_nm, 0.0, 0.0), true);
        }
    }
}

/// Mass properties of one rocker with its nodes, about the pivot.
fn rocker_mass(mechanism: &Mechanism) -> MassProperties {
    let rocker = &mechanism.rocker;
    let places = [rocker.up_m, -rocker.down_m];
    let mut mass_kg = rocker.mass_kg;
    let mut moment = Vector3::new(0.0, rocker.forward_m, 0.0) * rocker.mass_kg * 0.5;
    for (node, z_m) in mechanism.nodes.iter().zip(places) {
        mass_kg += node.mass_kg;
        moment += node.mass_kg * Vector3::new(0.0, rocker.forward_m, z_m);
    }
    let centre = moment / mass_kg;
    let mut inertia = 0.0;
    for (node, z_m) in mechanism.nodes.iter().zip(places) {
        let size_m = node.shape.extent_m(&Vector3::y());
        let d = Vector3::new(0.0, rocker.forward_m, z_m) - centre;
        inertia += node.mass_kg * (d.norm_squared() + 0.4 * size_m * size_m);
    }
    let span_m = rocker.up_m + rocker.down_m;
    inertia += rocker.mass_kg * (span_m * span_m / 12.0 + centre.norm_squared());
    MassProperties::new(vector(&centre), mass_kg, Vector::splat(inertia))
}

pub(crate) fn vector(v: &Vector3<f64>) -> Vector {
    Vector::new(v.x, v.y, v.z)
}

pub(crate) fn from_vector(v: Vector) -> Vector3<f64> {
    Vector3::new(v.x, v.y, v.z)
}

pub(crate) fn to_pose(pose: &Isometry3<f64>) -> Pose {
    let q = pose.rotation.coords;
    Pose::from_parts(
        vector(&pose.translation.vector),
        Rotation::from_xyzw(q.x, q.y, q.z, q.w),
    )
}

pub(crate) fn from_pose(pose: &Pose) -> Isometry3<f64> {
    let q = pose.rotation;
    let rotation = UnitQuaternion::new_normalize(Quaternion::new(q.w, q.x, q.y, q.z));
    Isometry3::from_parts(Translation3::from(from_vector(pose.translation)), rotation)
}
