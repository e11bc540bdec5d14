//! One run of a rig's scene: orders, machine, trunk, contact, guard.

use std::f64::consts::TAU;
use std::sync::Arc;

use back::{Envelope, Zone};
use mechanism::{Command, Linkage, Mounting};
use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use scene::{Deed, RigScene, Stand};
use tissue::Effort;

use crate::fault::Fault;
use crate::guard::{Guard, Violation};
use crate::pressing::Pressing;
use crate::rig_press::RigPress;
use crate::rig_world::{Failure, Power, RigFrame, RigSetup, RigWorld};
use crate::sim::STAGES;
use crate::sitter::Sitter;
use crate::subject::Subject;
use crate::touch::{Contact, Touch};
use crate::trace::PressureMap;
use crate::trunk::Lean;

/// One simulated session on a rig. Advances by [`RigSim::step`]; holds no file, thread or clock.
///
/// A step: drives get their orders; the machine and the trunk go on under the forces of the step before, each in its own frame,
/// the machine's ground coming up smoothly to its place; each node is pressed into the skin; the guard looks at every node.
/// That the ground is moved is not felt by the machine as inertia: it comes within seconds, like a person who leans back.
pub struct RigSim {
    scene: Arc<RigScene>,
    subject: Arc<Subject>,
    press: RigPress,
    sitter: Option<Sitter>,
    /// Where the trunk is that does not give way.
    still: Isometry3<f64>,
    /// Where the ground stands in the end.
    machine_from_ground: Isometry3<f64>,
    /// Orders that have been given.
    given: usize,
    guard: Guard,
    zones: Vec<Zone>,
    steps: u64,
}

impl RigSim {
    /// A run of a scene's rig on a body (see [`Subject::at_rig`]).
    ///
    /// # Errors
    /// [`Fault`] where a loop of the rig does not close, or where it shall stand on skin that is not there.
    pub fn new(
        scene: Arc<RigScene>,
        subject: Arc<Subject>,
        linkage: Arc<Linkage>,
        envelope: Envelope,
    ) -> Result<RigSim, Fault> {
        let still = subject
            .support
            .as_ref()
            .map_or_else(Isometry3::identity, |s| {
                s.machine_from_back(&Lean::default())
            });
        let machine_from_ground = ground(&scene, &subject, &linkage, &still)?;
        // What holds a machine carries its weight too: its push is what is left for the user.
        let held = matches!(scene.rig.mounting, Mounting::Held { .. });
        let gravity = match &subject.support {
            Some(support) if !held => support.gravity_m_s2(),
            _ => Vector3::zeros(),
        };
        let setup = RigSetup {
            dt_s: scene.solver.dt_s,
            substeps: scene.solver.substeps,
            gravity_m_s2: (machine_from_ground.rotation.inverse() * gravity).into(),
            power: Power::Motors,
        };
        let heads = linkage.rig().heads.len();
        let world = RigWorld::new(linkage, setup)?;
        let effort = Effort {
            tolerance: scene.solver.tolerance,
            products_max: scene.solver.max_iterations,
            rounds_max: 1,
        };
        let bed = Arc::new(subject.bed.clone());
        let begun = machine_from_ground * Translation3::new(0.0, -scene.placement.approach_m, 0.0);
        let press = RigPress::with(
            world,
            bed,
            begun.inverse() * still,
            effort,
            scene.solver.patch_every,
        );
        let leans = scene.placement.leans;
        let support = subject.support.clone().filter(|_| leans);
        let mut guard = Guard::new(envelope, heads);
        if scene.percussion_hz > 0.0 {
            guard = guard.percussive(1.0 / scene.percussion_hz);
        }
        Ok(RigSim {
            sitter: support.map(Sitter::new),
            still,
            machine_from_ground,
            press,
            subject,
            scene,
            given: 0,
            guard,
            zones: vec![Zone::C7; heads],
            steps: 0,
        })
    }

    /// The scene it runs.
    pub fn scene(&self) -> &RigScene {
        &self.scene
    }

    /// The body it runs on.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The machine, written out, in motion.
    pub fn linkage(&self) -> &Linkage {
        self.press.world().linkage()
    }

    /// The machine in the engine.
    pub(crate) fn world(&self) -> &RigWorld {
        self.press.world()
    }

    /// The machine at the end of the last step; poses are `ground_from_link` and `ground_from_head`, see
    /// [`RigSim::machine_from_ground`].
    pub fn frame(&self) -> &RigFrame {
        self.press.world().frame()
    }

    /// What each node does to the skin, in the order of the written-out rig's heads.
    pub fn contacts(&self) -> &[Contact] {
        self.press.contacts()
    }

    /// The pressure field of a node.
    pub fn touch(&self, node: usize) -> &Touch {
        self.press.touch(node)
    }

    /// Zone under each node.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// Where the rig's ground stands now, in the backrest's frame.
    pub fn machine_from_ground(&self) -> Isometry3<f64> {
        let placement = &self.scene.placement;
        let share = (self.frame().t_s / placement.approach_s).clamp(0.0, 1.0);
        let left = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        self.machine_from_ground * Translation3::new(0.0, -placement.approach_m * left, 0.0)
    }

    /// Where the rig's ground stands when it has come, in the backrest's frame.
    pub fn ground(&self) -> Isometry3<f64> {
        self.machine_from_ground
    }

    /// Pose of the back in the backrest's frame.
    pub fn machine_from_back(&self) -> Isometry3<f64> {
        match &self.sitter {
            Some(sitter) => sitter.machine_from_back(),
            None => self.still,
        }
    }

    /// The trunk against its rest.
    pub fn lean(&self) -> Lean {
        self.sitter
            .as_ref()
            .map_or_else(Lean::default, |s| s.hold().lean)
    }

    /// Force of the pad on the trunk, N; 0 for a user who is still.
    pub fn pad_n(&self) -> f64 {
        self.sitter.as_ref().map_or(0.0, |s| s.hold().pad_n)
    }

    /// Whether the scene's time is over.
    pub fn is_done(&self) -> bool {
        self.frame().t_s >= self.scene.duration_s - 1e-9
    }

    /// Limits passed so far.
    pub fn violations(&self) -> &[Violation] {
        self.guard.violations()
    }

    /// Largest value over what was allowed so far, by any limit: see [`Guard::load`].
    pub fn load(&self) -> f64 {
        self.guard.load()
    }

    /// The limits it is watched against.
    pub fn envelope(&self) -> &Envelope {
        self.guard.envelope()
    }

    /// Its nodes on the skin.
    pub(crate) fn pressing(&self) -> Pressing<'_> {
        self.press.pressing()
    }

    /// Looks at what the places of a pressure map have borne, against the dose of a session.
    pub(crate) fn watch_dose(&mut self, map: &PressureMap) {
        let t_s = self.frame().t_s;
        self.guard.watch_doses(&self.subject.back, map, t_s, |_| 0);
    }

    /// Advances by one time step of the scene.
    ///
    /// # Errors
    /// [`Fault`] if a loop opens, a state is not finite, the trunk leaves the chair or a node crushes a person.
    pub fn step(&mut self) -> Result<&RigFrame, Fault> {
        self.step_with(&mut |_| {})
    }

    /// The same; `done` hears of each stage as it ends: `engine` (the machine and the trunk), `contact`, `guard`, so that a
    /// caller with a clock can time them.
    ///
    /// # Errors
    /// As [`RigSim::step`].
    pub fn step_with(&mut self, done: &mut dyn FnMut(&'static str)) -> Result<&RigFrame, Fault> {
        let dt_s = self.scene.solver.dt_s;
        self.order();
        let machine_from_back = self.machine_from_back();
        self.press.go()?;
        self.steps += 1;
        if let Some(sitter) = &mut self.sitter {
            let pushes: Vec<(Vector3<f64>, Point3<f64>)> = self
                .press
                .contacts()
                .iter()
                .filter(|c| c.force_n > 0.0)
                .map(|c| {
                    (
                        machine_from_back.rotation * c.force_in_back,
                        machine_from_back * c.point_in_back,
                    )
                })
                .collect();
            sitter.step(&pushes, dt_s);
        }
        done(STAGES[1]);
        // With the breath the skin comes towards the nodes.
        let out_m = self.scene.breath.out_m(self.frame().t_s);
        let skin = self.machine_from_back() * Translation3::new(0.0, -out_m, 0.0);
        self.press
            .touch_all(self.machine_from_ground().inverse() * skin)?;
        done(STAGES[2]);
        self.watch(dt_s)?;
        done(STAGES[3]);
        Ok(self.frame())
    }

    /// Gives the orders whose time has come.
    fn order(&mut self) {
        let now_s = self.steps as f64 * self.scene.solver.dt_s;
        while let Some(order) = self.scene.orders.get(self.given)
            && order.at_s <= now_s + 1e-9
        {
            let world = self.press.world_mut();
            let joint = world.linkage().driven()[order.drive];
            let here = world.frame().positions[joint];
            match order.deed {
                Deed::Motion => world.command(order.drive, None),
                Deed::Speed(rate) => world.command(order.drive, Some(Command::Speed(rate))),
                Deed::Volts(volts) => world.command(order.drive, Some(Command::Volts(volts))),
                Deed::Off => world.fail(order.drive, Failure::Off),
                Deed::Stuck => world.fail(order.drive, Failure::Stuck),
                Deed::Lost(by) => world.fail(order.drive, Failure::Lost(by)),
                Deed::Go { position, over_s } => world.go(order.drive, position, over_s),
                Deed::Park { angle_rad, over_s } => {
                    let to = park(here, angle_rad, world.sense(order.drive));
                    world.go(order.drive, to, over_s);
                }
                Deed::Follow { from, course } => world.send(order.drive, from, course),
                Deed::Stop => world.command(
                    order.drive,
                    Some(Command::Follow {
                        position: here,
                        rate: 0.0,
                    }),
                ),
            }
            self.given += 1;
        }
    }

    /// Limits and broken states.
    fn watch(&mut self, dt_s: f64) -> Result<(), Fault> {
        let t_s = self.frame().t_s;
        let back = &self.subject.back;
        let contacts = self.press.contacts();
        for (i, contact) in contacts.iter().enumerate() {
            self.zones[i] = self.guard.watch(back, i, contact, t_s, dt_s);
        }
        self.guard.watch_clock(self.zones[0], t_s);
        // A slab on a bench may be crushed.
        if self.subject.support.is_some() {
            for (i, contact) in contacts.iter().enumerate() {
                if let Some((force_n, ceiling_n)) = self.guard.failed(i, contact.force_n, dt_s) {
                    let mut fault = Fault::crushed(t_s, i, force_n, ceiling_n);
                    fault.part = self.linkage().rig().heads[i].node.name.clone();
                    return Err(fault);
                }
            }
        }
        Fault::check_trunk(t_s, &self.lean())
    }
}

/// The next position from `here` on, in a sense, at which a joint stands at an angle within its turn, rad.
fn park(here: f64, angle_rad: f64, sense: f64) -> f64 {
    let left = (sense * (angle_rad - here)).rem_euclid(TAU);
    here + sense * left
}

/// Where the ground stands in the end, in the backrest's frame.
fn ground(
    scene: &RigScene,
    subject: &Subject,
    linkage: &Linkage,
    machine_from_back: &Isometry3<f64>,
) -> Result<Isometry3<f64>, Fault> {
    let (u, x_m, turn_rad, press_m) = match scene.placement.stand {
        Stand::Chair { offset_m } => {
            return Ok(Translation3::from(Vector3::from(offset_m)).into());
        }
        Stand::Skin {
            u,
            x_m,
            turn_rad,
            press_m,
        } => (u, x_m, turn_rad, press_m),
    };
    let bed = &subject.bed;
    let column = (bed.size()[1] / 2) as f64 + x_m / bed.cell_m();
    let Some(foot) = bed.place([bed.row_of(u), column]) else {
        return Err(Fault {
            t_s: 0.0,
            part: "placement".into(),
            what: format!("there is no skin at station {u:.3}, {:.0} mm", 1e3 * x_m),
        });
    };
    let start = linkage.assemble().map_err(|gap| Fault {
        t_s: 0.0,
        part: gap.closing.clone(),
        what: gap.to_string(),
    })?;
    let heads = linkage.heads(&linkage.frames(&start));
    let axes = Matrix3::from_columns(&[
        foot.side.into_inner(),
        -foot.normal.into_inner(),
        -foot.down.into_inner(),
    ]);
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes))
        * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), turn_rad);
    let mut back_from_ground = Isometry3::from_parts(foot.point.coords.into(), turn);
    let cover_m = linkage.rig().cover.thickness_m;
    // The skin is curved: moved until the foremost node stands as deep as it shall. Begun far out.
    back_from_ground *= Translation3::new(0.0, -0.1, 0.0);
    for _ in 0..60 {
        let mut deepest_m = f64::NEG_INFINITY;
        for (head, described) in heads.iter().zip(&linkage.rig().heads) {
            let back_from_head = back_from_ground * head;
            let centre = Point3::from(back_from_head.translation.vector);
            let Some(foot) = bed.foot(&centre) else {
                continue;
            };
            let inwards = back_from_head.rotation.inverse() * -foot.normal.into_inner();
            let height_m = (centre - foot.point).dot(&foot.normal);
            let reach_m = described.node.shape.extent_m(&inwards) + cover_m;
            deepest_m = deepest_m.max(reach_m - height_m);
        }
        if !deepest_m.is_finite() {
            return Err(Fault {
                t_s: 0.0,
                part: "placement".into(),
                what: "no node of the machine stands over the skin there".into(),
            });
        }
        let off_m = press_m - deepest_m;
        back_from_ground *= Translation3::new(0.0, off_m, 0.0);
        if off_m.abs() < 1e-7 {
            break;
        }
    }
    Ok(machine_from_back * back_from_ground)
}
