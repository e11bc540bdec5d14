//! A rig whose nodes press a bed of tissue that stands still: a bench for machines of any topology.

use std::sync::Arc;

use mechanism::{Head, Rig, Wheel as Turns};
use nalgebra::{Isometry3, Vector3};
use tissue::{Cover, Effort};

use crate::bed::Bed;
use crate::fault::Fault;
use crate::rig_world::{RigFrame, RigWorld};
use crate::touch::{Contact, NodeLaw, Solve, Touch};
use crate::traction::Wheel;

/// A rig and what its nodes press. Advances by [`RigPress::step`].
///
/// Forces act from one step to the next, as in a run of a scene. The user does not give way: a trunk on pad and hips is the
/// scene's. Each node's field is solved at every step, and feels the three nearest others.
pub struct RigPress {
    world: RigWorld,
    bed: Arc<Bed>,
    machine_from_back: Isometry3<f64>,
    touches: Vec<Touch>,
    contacts: Vec<Contact>,
    forces: Vec<Vector3<f64>>,
    torques: Vec<Vector3<f64>>,
}

impl RigPress {
    /// Puts a running rig in front of a bed, whose frame stands at `machine_from_back`.
    pub fn new(world: RigWorld, bed: Arc<Bed>, machine_from_back: Isometry3<f64>) -> RigPress {
        let rig = world.linkage().rig();
        let touches: Vec<Touch> = rig
            .heads
            .iter()
            .map(|head| Touch::new(law(rig, head), &bed))
            .collect();
        let count = touches.len();
        RigPress {
            world,
            bed,
            machine_from_back,
            touches,
            contacts: vec![Contact::default(); count],
            forces: vec![Vector3::zeros(); count],
            torques: vec![Vector3::zeros(); count],
        }
    }

    /// The machine.
    pub fn world(&self) -> &RigWorld {
        &self.world
    }

    /// The machine, for commands.
    pub fn world_mut(&mut self) -> &mut RigWorld {
        &mut self.world
    }

    /// What each node does to the skin, in the order of the written-out rig's heads.
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// The pressure field of a node.
    pub fn touch(&self, node: usize) -> &Touch {
        &self.touches[node]
    }

    /// One time step.
    ///
    /// # Errors
    /// As [`RigWorld::step`], and where a contact's force is not finite.
    pub fn step(&mut self) -> Result<&RigFrame, Fault> {
        let dt_s = self.world.setup().dt_s;
        let frame = self.world.step_with(&self.forces, &self.torques)?;
        let t_s = frame.t_s;
        let heads = frame.heads.clone();
        let back_from_machine = self.machine_from_back.inverse();
        let spots: Vec<_> = self
            .touches
            .iter()
            .zip(&self.contacts)
            .map(|(touch, contact)| touch.spot(contact))
            .collect();
        for (i, head) in heads.iter().enumerate() {
            let mut near: Vec<usize> = (0..heads.len()).filter(|&k| k != i).collect();
            let away = |k: usize| (heads[k].translation.vector - head.translation.vector).norm();
            near.sort_by(|&a, &b| away(a).total_cmp(&away(b)));
            let touch = &mut self.touches[i];
            touch.feel(std::array::from_fn(|k| near.get(k).and_then(|&n| spots[n])));
            let contact = touch.step(&self.bed, &(back_from_machine * head), dt_s, Solve::Now);
            let force = self.machine_from_back.rotation * contact.force_in_back;
            if !(contact.force_n.is_finite() && force.iter().all(|v| v.is_finite())) {
                return Err(Fault {
                    t_s,
                    part: self.world.linkage().rig().heads[i].node.name.clone(),
                    what: "its force is not finite".into(),
                });
            }
            self.forces[i] = -force;
            self.torques[i] = head.rotation * Vector3::x() * -contact.axle_torque_nm;
            self.contacts[i] = contact;
        }
        Ok(self.world.frame())
    }
}

/// The contact law of a head.
fn law(rig: &Rig, head: &Head) -> NodeLaw {
    let (node, cover) = (&head.node, &rig.cover);
    NodeLaw {
        shape: node.shape.clone(),
        cover: (cover.thickness_m > 0.0).then_some(Cover {
            thickness_m: cover.thickness_m,
            e_pa: cover.e_pa,
            densify_strain: cover.densify_strain,
        }),
        stiffness_n_m: node.stiffness_n_m,
        friction: node.friction,
        wheel: match node.wheel {
            Turns::Free => Wheel::Free {
                resistance: node.bearing_resistance,
            },
            Turns::Fixed => Wheel::Fixed,
        },
        // As scenes have them by default.
        effort: Effort {
            tolerance: 1e-3,
            products_max: 60,
            rounds_max: 1,
        },
    }
}
