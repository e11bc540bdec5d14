//! Where everything comes to rest when the drives stand still: the quick answer that tuning asks for a million times.

use crate::atlas::Atlas;
use crate::bed::Bed;
use crate::sim::{NODES, node_law};
use crate::subject::Subject;
use crate::touch::Contact;
use crate::trunk::{Lean, Load};
use mechanism::{Drive, Kinematics, LoopOpen, Side};
use nalgebra::{Isometry3, Point3};
use scene::Scene;

/// Quasi-static model of one seated body: contact from an [`Atlas`], rockers and trunk in balance.
///
/// Left and right are mirror images (the programme drives both sides alike), so one side is solved. Ignored against
/// the full run: inertia, friction, the history of the tissue but for one softening factor per answer, movement of the
/// hip along the backrest. Tuned results are replayed dynamically, and the difference is reported.
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
}

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
        let half_way = Rest {
            lean: Lean {
                y_m: 0.5 * start.lean.y_m,
                z_m: 0.0,
                pitch_rad: 0.5 * start.lean.pitch_rad,
            },
            ..*start
        };
        for start in [*start, Rest::default(), half_way] {
            let mut rest = start;
            let lean = support.balance(&start.lean, |machine_from_back| {
                self.settle_rocker(&subject.bed, &side, machine_from_back, soft, &mut rest);
                self.load(support.hip(), machine_from_back, &rest)
            });
            if let Some(lean) = lean {
                self.settle_rocker(
                    &subject.bed,
                    &side,
                    &support.machine_from_back(&lean),
                    soft,
                    &mut rest,
                );
                return Ok(Some(Rest { lean, ..rest }));
            }
        }
        Ok(None)
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
        let back_from_machine = machine_from_back.inverse();
        let range = self.rocker.range_rad;
        let torque_at = |angle_rad: f64, contacts: &mut [Contact; 2]| {
            let mut torque = self.rocker.preload_nm - self.rocker.rate_nm_rad * angle_rad;
            for (i, contact) in contacts.iter_mut().enumerate() {
                let in_pivot = self.kinematics.node_in_pivot(i, angle_rad);
                let centre = side.pivot * in_pivot;
                let in_back = back_from_machine * centre;
                *contact = self.touch(bed, &in_back, i, soft);
                // A force along -y of the machine turns the upper node back: torque about x, upper forward > 0.
                let force = machine_from_back.rotation * contact.force_in_back;
                let arm = centre - Point3::from(side.pivot.translation.vector);
                torque += arm.z * -force.y - arm.y * -force.z;
            }
            torque
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
            if torque.abs() < 2e-4 || at_stop {
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
    fn load(&self, hip: Point3<f64>, machine_from_back: &Isometry3<f64>, rest: &Rest) -> Load {
        let hip = machine_from_back * hip;
        let mut load = Load::default();
        for contact in &rest.contacts {
            let force = 2.0 * (machine_from_back.rotation * contact.force_in_back);
            let arm = machine_from_back * contact.point_in_back - hip;
            load.y_n += force.y;
            load.z_n += force.z;
            load.pitch_nm += arm.y * force.z - arm.z * force.y;
        }
        load
    }
}
