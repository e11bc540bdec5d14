//! A rig whose nodes press a bed of tissue: for itself a bench on which the bed stands still, in a scene's run the hands of
//! [`RigSim`](crate::RigSim), which moves the bed.

use std::sync::Arc;

use mechanism::{Head, Rig, Wheel as Turns};
use nalgebra::{Isometry3, Vector3};
use tissue::{Cover, Effort};

use crate::bed::Bed;
use crate::fault::Fault;
use crate::pressing::Pressing;
use crate::rig_world::{RigFrame, RigWorld};
use crate::touch::{Contact, NodeLaw, Solve, Touch};
use crate::traction::Wheel;

/// A rig and what its nodes press. Advances by [`RigPress::step`].
///
/// Forces act from one step to the next, as in a run of a scene. On the bench the bed does not give way and each node's field is
/// solved at every step. Each node feels the three nearest others.
pub struct RigPress {
    world: RigWorld,
    bed: Arc<Bed>,
    rig_from_back: Isometry3<f64>,
    /// Steps between two solves of a node that does not move fast.
    patch_every: u64,
    steps: u64,
    touches: Vec<Touch>,
    contacts: Vec<Contact>,
    forces: Vec<Vector3<f64>>,
    torques: Vec<Vector3<f64>>,
}

impl RigPress {
    /// Puts a running rig in front of a bed, whose frame stands at `rig_from_back`.
    pub fn new(world: RigWorld, bed: Arc<Bed>, rig_from_back: Isometry3<f64>) -> RigPress {
        RigPress::with(world, bed, rig_from_back, EFFORT, 1)
    }

    /// The same with a scene's effort.
    pub(crate) fn with(
        world: RigWorld,
        bed: Arc<Bed>,
        rig_from_back: Isometry3<f64>,
        effort: Effort,
        patch_every: usize,
    ) -> RigPress {
        let rig = world.linkage().rig();
        let touches: Vec<Touch> = rig
            .heads
            .iter()
            .map(|head| Touch::new(law(rig, head, effort), &bed))
            .collect();
        let count = touches.len();
        RigPress {
            world,
            bed,
            rig_from_back,
            patch_every: patch_every.max(1) as u64,
            steps: 0,
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

    /// The nodes on the skin.
    pub(crate) fn pressing(&self) -> Pressing<'_> {
        Pressing {
            touches: &self.touches,
            contacts: &self.contacts,
            t_s: self.world.frame().t_s,
        }
    }

    /// One time step of the bench.
    ///
    /// # Errors
    /// As [`RigWorld::step`], and where a contact's force is not finite.
    pub fn step(&mut self) -> Result<&RigFrame, Fault> {
        self.go()?;
        self.touch_all(self.rig_from_back)?;
        Ok(self.world.frame())
    }

    /// The machine goes on by a step under the forces of the last.
    pub(crate) fn go(&mut self) -> Result<(), Fault> {
        self.world.step_with(&self.forces, &self.torques)?;
        Ok(())
    }

    /// Presses the nodes, as they stand now, into the bed as it stands now.
    pub(crate) fn touch_all(&mut self, rig_from_back: Isometry3<f64>) -> Result<(), Fault> {
        self.rig_from_back = rig_from_back;
        self.steps += 1;
        let dt_s = self.world.setup().dt_s;
        let frame = self.world.frame();
        let (t_s, heads) = (frame.t_s, &frame.heads);
        let back_from_rig = rig_from_back.inverse();
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
            // The nodes take turns, so that every step costs the same.
            let solve = if self.patch_every == 1 {
                Solve::Now
            } else if (self.steps + i as u64).is_multiple_of(self.patch_every) {
                Solve::IfMoved
            } else {
                Solve::IfFast
            };
            let touch = &mut self.touches[i];
            touch.feel(std::array::from_fn(|k| near.get(k).and_then(|&n| spots[n])));
            let contact = touch.step(&self.bed, &(back_from_rig * head), dt_s, solve);
            let force = rig_from_back.rotation * contact.force_in_back;
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
        Ok(())
    }
}

/// Effort of the bench, as scenes have it by default.
const EFFORT: Effort = Effort {
    tolerance: 1e-3,
    products_max: 60,
    rounds_max: 1,
};

/// The contact law of a head.
fn law(rig: &Rig, head: &Head, effort: Effort) -> NodeLaw {
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
        effort,
    }
}
