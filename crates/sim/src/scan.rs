//! Where the nodes meet the resting user: pure geometry, no force.

use crate::sim::{node_law, slab_pose};
use crate::subject::Subject;
use crate::touch::NodeLaw;
use crate::trunk::Lean;
use mechanism::{Drive, Kinematics};
use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use scene::Scene;

/// The nodes of the right side in front of a user who sits at rest.
pub struct Scan<'a> {
    subject: &'a Subject,
    kinematics: &'a Kinematics,
    laws: [NodeLaw; 2],
    range_rad: f64,
    stroke_m: f64,
    back_from_machine: Isometry3<f64>,
}

/// Angles of a turn of the shaft that are looked at.
const TURN_STEPS: u32 = 16;
/// Protrusion is found to this, m.
const CLOSE_M: f64 = 1e-6;

impl<'a> Scan<'a> {
    /// Of the scene's machine.
    pub fn new(scene: &Scene, subject: &'a Subject, kinematics: &'a Kinematics) -> Scan<'a> {
        let pose = match &subject.support {
            Some(support) => support.machine_from_back(&Lean::default()),
            None => slab_pose(scene, kinematics),
        };
        Scan {
            subject,
            kinematics,
            laws: [0, 1].map(|node| node_law(scene, node)),
            range_rad: scene.mechanism.rocker.range_rad,
            stroke_m: scene.mechanism.protrude.stroke_m,
            back_from_machine: pose.inverse(),
        }
    }

    /// Protrusion at which both nodes of a side touch, m: the rocker turned so that neither is ahead, or to its stop; the cover is on
    /// the nodes, unloaded. Negative where they would touch before they are out; `None` off the back or where the rod does not close.
    pub fn touch_m(&self, walk_m: f64, knead_rad: f64) -> Option<f64> {
        let (mut protrude_m, mut rocker_rad) = (0.5 * self.stroke_m, 0.0);
        let [up_m, down_m] = [0, 1].map(|node| self.kinematics.node_in_pivot(node, 0.0).z.abs());
        for _ in 0..60 {
            let [upper_m, lower_m] = self.depths_m(walk_m, knead_rad, protrude_m, rocker_rad)?;
            // As if the skin were straight between the nodes and square to the slide.
            let turn_rad = (lower_m - upper_m) / (up_m + down_m);
            let turned_rad = (rocker_rad + turn_rad).clamp(-self.range_rad, self.range_rad);
            let ahead_m = if turned_rad == rocker_rad {
                // On its stop: the node that is ahead touches.
                upper_m.max(lower_m)
            } else {
                (upper_m * down_m + lower_m * up_m) / (up_m + down_m)
            };
            rocker_rad = turned_rad;
            protrude_m -= ahead_m;
            if ahead_m.abs() < CLOSE_M && (turn_rad * up_m).abs() < CLOSE_M
                || turned_rad.abs() == self.range_rad && ahead_m.abs() < CLOSE_M
            {
                return Some(protrude_m);
            }
        }
        None
    }

    /// The least of [`Scan::touch_m`] over a turn of the shaft, m: where kneading presses first.
    pub fn turn_touch_m(&self, walk_m: f64) -> Option<f64> {
        (0..TURN_STEPS)
            .map(|step| {
                let knead_rad = std::f64::consts::TAU * f64::from(step) / f64::from(TURN_STEPS);
                self.touch_m(walk_m, knead_rad)
            })
            .try_fold(f64::INFINITY, |least, at| at.map(|m| least.min(m)))
    }

    /// How deep upper and lower node stand in the resting skin, cover included, m.
    fn depths_m(
        &self,
        walk_m: f64,
        knead_rad: f64,
        protrude_m: f64,
        rocker_rad: f64,
    ) -> Option<[f64; 2]> {
        let drive = Drive {
            walk_m,
            protrude_m,
            knead_rad,
            tap_rad: 0.0,
        };
        let [_, right] = self.kinematics.sides(&drive).ok()?;
        let back_from_pivot = self.back_from_machine * right.pivot;
        let turn = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), -rocker_rad);
        let node_from_back = (back_from_pivot.rotation * turn).inverse();
        let mut depths_m = [0.0; 2];
        for (node, depth_m) in depths_m.iter_mut().enumerate() {
            let centre = back_from_pivot * self.kinematics.node_in_pivot(node, rocker_rad);
            let foot = self.subject.bed.foot(&centre)?;
            let inward = -foot.normal.into_inner();
            let law = &self.laws[node];
            let cover_m = law.cover.map_or(0.0, |c| c.thickness_m);
            let gap_m =
                (foot.point - centre).dot(&inward) - law.shape.extent_m(&(node_from_back * inward));
            *depth_m = cover_m - gap_m;
        }
        Some(depths_m)
    }
}
