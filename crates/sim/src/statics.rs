//! Where everything comes to rest when the drives stand still: the quick answer that tuning asks for a million times.

use crate::atlas::Atlas;
use crate::bed::Bed;
use crate::sim::{NODES, node_law};
use crate::subject::Subject;
use crate::touch::Contact;
use crate::trunk::{
    BALANCED_N, Balance, DIFFERENCE_M, LONGEST_STEP_M, Lean, Load, Support, lean_at, residual_of,
    unknowns,
};
use mechanism::{Drive, Kinematics, LoopOpen, Side};
use nalgebra::{Isometry3, Matrix3, Matrix4, Point3, Vector4};
use scene::Scene;

/// Quasi-static model of one seated body: contact from an [`Atlas`], rockers and trunk in balance.
///
/// Left and right are mirror images (the programme drives both sides alike), so one side is solved. Ignored against
/// the full run: inertia, friction, the history of the tissue but for one softening factor per answer. Tuned results are
/// replayed dynamically, and the difference is reported.
#[derive(Clone, Debug)]
pub struct Statics {
    kinematics: Kinematics,
    atlas: Atlas,
    rocker: mechanism::Rocker,
    extent_m: [f64; 2],
    cover_m: f64,
}

/// A balance, to start the next one from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rest {
    /// Trunk against its rest on the pad.
    pub lean: Lean,
    /// Rocker angle, rad.
    pub rocker_rad: f64,
    /// Contacts of the right side: upper node, lower node.
    pub contacts: [Contact; 2],
    /// How stiffly the trunk is held there, if known.
    stiffness_n_m: Option<Matrix3<f64>>,
}

/// Arm that turns the rocker's angle into a length and its torque into a force, m: half of the way between its nodes.
const ROCKER_ARM_M: f64 = 0.05;
/// Torque that is left over in a balanced rocker, N m.
const ROCKER_BALANCED_NM: f64 = 2e-4;
/// Steps of the last resort: it takes 20 to 60 where it is needed.
const DRIFT_STEPS: usize = 400;

impl Statics {
    /// Solves the atlas of a body on its bed, which may be coarser than a run's.
    pub fn new(scene: &Scene, subject: &Subject, kinematics: &Kinematics) -> Statics {
        let law = node_law(scene, 0);
        let inward = nalgebra::Vector3::y();
        Statics {
            kinematics: kinematics.clone(),
            atlas: Atlas::new(&subject.bed, &law, -0.11, 1.12),
            rocker: scene.mechanism.rocker,
            extent_m: [0, 1].map(|i| scene.mechanism.nodes[i].shape.extent_m(&inward)),
            cover_m: law.cover.map_or(0.0, |c| c.thickness_m),
        }
    }

    /// The balance with the drives at `drive` and the tissue `soft` times as compliant as at once.
    ///
    /// `None` where none is found: the trunk is thrown off, or bones out.
    ///
    /// # Errors
    /// [`LoopOpen`] where a rod does not close.
    pub fn rest(
        &self,
        subject: &Subject,
        drive: &Drive,
        soft: f64,
        start: &Rest,
    ) -> Result<Option<Rest>, LoopOpen> {
        let side = self.kinematics.sides(drive)?[1];
        let Some(support) = &subject.support else {
            return Ok(None);
        };
        for start in [*start, Rest::default()] {
            let mut rest = start;
            let from = Balance {
                lean: start.lean,
                stiffness_n_m: start.stiffness_n_m,
            };
            let found = support.balance(&from, |machine_from_back| {
                self.settle_rocker(&subject.bed, &side, machine_from_back, soft, &mut rest);
                self.load(support.hip(), machine_from_back, &rest.contacts)
            });
            if let Some(found) = found {
                let pose = support.machine_from_back(&found.lean);
                self.settle_rocker(&subject.bed, &side, &pose, soft, &mut rest);
                return Ok(Some(Rest {
                    lean: found.lean,
                    stiffness_n_m: found.stiffness_n_m,
                    ..rest
                }));
            }
        }
        Ok(self.drift(&subject.bed, support, &side, soft, start))
    }

    /// The balance by letting go: trunk and rocker move together, damped so much that nothing swings, until they stand still.
    ///
    /// Newton with the rocker settled inside meets jumps: where the rocker has two balances, one node in a hollow or the other,
    /// it flips from one to the other between two trials, and no lean in between is a balance. Left to themselves both come
    /// to rest in one of them, as in a run. Backward Euler in time on all four freedoms, the damping rising when the residual
    /// grows and falling with it (pseudo-transient continuation, Kelley and Keyes 1998).
    fn drift(
        &self,
        bed: &Bed,
        support: &Support,
        side: &Side,
        soft: f64,
        start: &Rest,
    ) -> Option<Rest> {
        let range_m = self.rocker.range_rad * ROCKER_ARM_M;
        let residual = |x: &Vector4<f64>, contacts: &mut [Contact; 2]| {
            let lean = lean_at(&x.xyz());
            let pose = support.machine_from_back(&lean);
            let torque_nm = self.torque_nm(bed, side, &pose, soft, x.w / ROCKER_ARM_M, contacts);
            let pushed = self.load(support.hip(), &pose, contacts);
            residual_of(&support.load(&lean), &pushed).push(torque_nm / ROCKER_ARM_M)
        };
        let held = |x: &Vector4<f64>, f: &Vector4<f64>| x.w.abs() >= range_m && x.w * f.w > 0.0;
        let mut contacts = [Contact::default(); 2];
        let mut x = unknowns(&start.lean).push(start.rocker_rad * ROCKER_ARM_M);
        let mut f = residual(&x, &mut contacts);
        let mut damping_n_m = 2e4;
        for _ in 0..DRIFT_STEPS {
            let at_stop = held(&x, &f);
            let trunk_n = f.xyz().norm();
            if trunk_n < BALANCED_N && (at_stop || (f.w * ROCKER_ARM_M).abs() < ROCKER_BALANCED_NM)
            {
                return Some(Rest {
                    lean: lean_at(&x.xyz()),
                    rocker_rad: x.w / ROCKER_ARM_M,
                    contacts,
                    stiffness_n_m: None,
                });
            }
            let mut stiffness = Matrix4::from_diagonal_element(damping_n_m);
            for i in 0..4 {
                let mut beside = x;
                beside[i] += DIFFERENCE_M;
                let change = (f - residual(&beside, &mut [Contact::default(); 2])) / DIFFERENCE_M;
                let column = stiffness.column(i) + change;
                stiffness.set_column(i, &column);
            }
            if at_stop {
                f.w = 0.0;
                stiffness.fill_row(3, 0.0);
                stiffness[(3, 3)] = 1.0;
            }
            let step = stiffness.lu().solve(&f)?;
            x += step * (LONGEST_STEP_M / step.norm()).min(1.0);
            x.w = x.w.clamp(-range_m, range_m);
            let before_n = f.norm();
            f = residual(&x, &mut contacts);
            let grown = if held(&x, &f) {
                f.xyz().norm()
            } else {
                f.norm()
            } / before_n;
            damping_n_m = (damping_n_m * grown.clamp(0.3, 4.0)).clamp(1.0, 1e6);
            if x.xyz().amax() > 0.3 {
                return None;
            }
        }
        None
    }

    /// All four nodes of a rest, in the order of a run: left upper, left lower, right upper, right lower.
    pub fn nodes(rest: &Rest) -> [Contact; NODES] {
        std::array::from_fn(|i| rest.contacts[i % 2])
    }

    /// Turns the rocker until its torques balance: the two contacts and the spring.
    fn settle_rocker(
        &self,
        bed: &Bed,
        side: &Side,
        machine_from_back: &Isometry3<f64>,
        soft: f64,
        rest: &mut Rest,
    ) {
        let range = self.rocker.range_rad;
        let torque_at = |angle_rad: f64, contacts: &mut [Contact; 2]| {
            self.torque_nm(bed, side, machine_from_back, soft, angle_rad, contacts)
        };
        let mut contacts = [Contact::default(); 2];
        // Torque falls with the angle. Bracket from the last angle outwards, then close in by false position; an end that stays
        // twice counts half (Illinois, Dowell and Jarratt 1971).
        let (mut low, mut high): (Option<[f64; 2]>, Option<[f64; 2]>) = (None, None);
        let mut angle = rest.rocker_rad.clamp(-range, range);
        let mut step = 0.002;
        let mut was_low = None;
        for _ in 0..40 {
            let torque = torque_at(angle, &mut contacts);
            let is_low = torque > 0.0;
            let at_stop = if is_low {
                angle >= range
            } else {
                angle <= -range
            };
            if torque.abs() < ROCKER_BALANCED_NM || at_stop {
                break;
            }
            let (end, other) = if is_low {
                (&mut low, &mut high)
            } else {
                (&mut high, &mut low)
            };
            *end = Some([angle, torque]);
            if let Some(other) = other
                && was_low == Some(is_low)
            {
                other[1] *= 0.5;
            }
            was_low = Some(is_low);
            let next = match (low, high) {
                (Some([a, ta]), Some([b, tb])) => (a * tb - b * ta) / (tb - ta),
                (Some([low, _]), None) => f64::min(low + step, range),
                (None, Some([high, _])) => f64::max(high - step, -range),
                (None, None) => angle,
            };
            step *= 4.0;
            if (next - angle).abs() < 1e-7 {
                break;
            }
            angle = next;
        }
        rest.rocker_rad = angle;
        rest.contacts = contacts;
    }

    /// What turns the rocker at an angle, N m, upper node forward > 0: spring and contacts, which are left in `contacts`.
    fn torque_nm(
        &self,
        bed: &Bed,
        side: &Side,
        machine_from_back: &Isometry3<f64>,
        soft: f64,
        angle_rad: f64,
        contacts: &mut [Contact; 2],
    ) -> f64 {
        let back_from_machine = machine_from_back.inverse();
        let mut torque_nm = self.rocker.preload_nm - self.rocker.rate_nm_rad * angle_rad;
        for (i, contact) in contacts.iter_mut().enumerate() {
            let in_pivot = self.kinematics.node_in_pivot(i, angle_rad);
            let centre = side.pivot * in_pivot;
            let in_back = back_from_machine * centre;
            *contact = self.touch(bed, &in_back, i, soft);
            // A force along -y of the machine turns the upper node back: torque about x, upper forward > 0.
            let force = machine_from_back.rotation * contact.force_in_back;
            let arm = centre - Point3::from(side.pivot.translation.vector);
            torque_nm += arm.z * -force.y - arm.y * -force.z;
        }
        torque_nm
    }

    /// The contact of one node of the right side whose centre stands at a point of the back frame.
    fn touch(&self, bed: &Bed, centre: &Point3<f64>, node: usize, soft: f64) -> Contact {
        let Some(foot) = bed.foot(centre) else {
            return Contact::default();
        };
        let inward = -foot.normal.into_inner();
        let depth_m = self.extent_m[node] + self.cover_m - (foot.point - centre).dot(&inward);
        let contact = self.atlas.contact(bed, foot.at, depth_m, soft);
        Contact {
            force_in_back: inward * contact.force_n,
            point_in_back: foot.point,
            x_m: foot.point.x,
            ..contact
        }
    }

    /// Both sides' push on the trunk about its hip.
    fn load(
        &self,
        hip: Point3<f64>,
        machine_from_back: &Isometry3<f64>,
        contacts: &[Contact; 2],
    ) -> Load {
        let hip = machine_from_back * hip;
        let mut load = Load::default();
        for contact in contacts {
            let force = 2.0 * (machine_from_back.rotation * contact.force_in_back);
            let arm = machine_from_back * contact.point_in_back - hip;
            load.y_n += force.y;
            load.z_n += force.z;
            load.pitch_nm += arm.y * force.z - arm.z * force.y;
        }
        load
    }
}
