//! One run: drive, contact, engine, guard, frame.

use crate::fault::Fault;
use crate::guard::{Guard, Violation};
use crate::pressing::Pressing;
use crate::subject::Subject;
use crate::touch::{Contact, NodeLaw, Solve, Touch};
use crate::traction::Wheel;
use crate::trunk::Lean;
use crate::world::World;
use back::{Envelope, Zone};
use mechanism::{Command, Drive, Kinematics, MotorState};
use nalgebra::{Isometry3, Point3, Translation3, Vector3};
use program::{DriveCommand, Timeline};
use scene::Scene;
use std::sync::Arc;
use tissue::{Cover, Effort};

/// Nodes of a carriage: left upper, left lower, right upper, right lower.
pub const NODES: usize = 4;

/// Stages of a step: motors and kinematics; the engine, pad, hip and springs; pressure fields; limits and loads.
pub const STAGES: [&str; 4] = ["drive", "engine", "contact", "guard"];

/// Everything that one step found.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Time since the start, s.
    pub t_s: f64,
    /// What the programme asked for.
    pub command: DriveCommand,
    /// Where the motors are.
    pub drive: Drive,
    /// Motor currents: walk, knead, protrude, A.
    pub current_a: [f64; 3],
    /// What each node does to the skin.
    pub contacts: [Contact; NODES],
    /// Zone under each node.
    pub zones: [Zone; NODES],
    /// Node centres, machine frame.
    pub nodes: [Point3<f64>; NODES],
    /// Rocker angles, left and right, rad.
    pub rocker_rad: [f64; 2],
    /// Trunk against its rest.
    pub lean: Lean,
    /// Pose of the back, `machine_from_back`.
    pub machine_from_back: Isometry3<f64>,
    /// Force of the pad on the trunk, N.
    pub pad_n: f64,
}

/// One simulated session. Advances by [`Sim::step`]; holds no file, thread or clock.
///
/// A step: the programme's command goes to the motors, which move under last step's load; the arms take their
/// closed-form pose and the engine moves rockers and trunk under the forces of the step before; each node is pressed into
/// the skin and the resulting field gives the forces on rocker and trunk; the guard looks at every node. A frame's poses
/// and forces are of one moment.
pub struct Sim {
    scene: Arc<Scene>,
    subject: Arc<Subject>,
    kinematics: Arc<Kinematics>,
    timeline: Timeline,
    world: World,
    touches: [Touch; NODES],
    motors: [MotorState; 3],
    loads: [f64; 3],
    guard: Guard,
    steps: u64,
    frame: Frame,
}

/// Motors and their loops go on by at most this much at a time, s: a firmware's usual 2 kHz, whatever the step. At the step
/// itself the loops' own lag would change with it: 1.6 % of a ramp's force from 0.25 to 2 ms.
const CONTROL_PERIOD_S: f64 = 0.0005;

impl Sim {
    /// A run of `timeline` on a seated body.
    ///
    /// # Errors
    /// [`Fault`] where the mechanism does not close at its first position.
    pub fn new(
        scene: Arc<Scene>,
        subject: Arc<Subject>,
        kinematics: Arc<Kinematics>,
        timeline: Timeline,
        envelope: Envelope,
    ) -> Result<Sim, Fault> {
        let command = timeline.at(0.0);
        let drive = drive_of(&command);
        let pivots = kinematics
            .sides(&drive)
            .map_err(|e| Fault::loop_open(0.0, &e))?
            .map(|s| s.pivot);
        let rest_rad = kinematics.rocker_rest_rad();
        let pose = subject
            .support
            .as_ref()
            .map(|s| s.machine_from_back(&Lean::default()));
        let trunk = subject.support.as_deref().zip(pose);
        let world = World::new(
            &scene.mechanism,
            pivots,
            rest_rad,
            trunk,
            scene.solver.dt_s,
            scene.solver.substeps,
        );
        let touches = std::array::from_fn(|i| Touch::new(node_law(&scene, i % 2), &subject.bed));
        let motors = [drive.walk_m, drive.knead_rad, drive.protrude_m].map(|joint| MotorState {
            joint,
            ..MotorState::default()
        });
        let frame = Frame {
            t_s: 0.0,
            command,
            drive,
            current_a: [0.0; 3],
            contacts: [Contact::default(); NODES],
            zones: [Zone::C7; NODES],
            nodes: [Point3::origin(); NODES],
            rocker_rad: [rest_rad; 2],
            lean: Lean::default(),
            machine_from_back: pose.unwrap_or_else(|| slab_pose(&scene, &kinematics)),
            pad_n: 0.0,
        };
        let guard = Guard::new(envelope, NODES);
        let mut sim = Sim {
            scene,
            subject,
            kinematics,
            timeline,
            world,
            touches,
            motors,
            loads: [0.0; 3],
            guard,
            steps: 0,
            frame,
        };
        // What acts over the first step.
        sim.spring_rockers();
        sim.hold_trunk(&sim.frame.machine_from_back.clone());
        Ok(sim)
    }

    /// The last step.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The programme it runs.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Whether the programme has ended.
    pub fn is_done(&self) -> bool {
        self.frame.t_s >= self.timeline.duration_s()
    }

    /// Limits passed so far.
    pub fn violations(&self) -> &[Violation] {
        self.guard.violations()
    }

    /// Largest value over what was allowed so far, by any limit: see [`Guard::load`].
    pub fn load(&self) -> f64 {
        self.guard.load()
    }

    /// Looks at what the places of a pressure map have borne, against the dose of a session.
    pub(crate) fn watch_dose(&mut self, map: &crate::trace::PressureMap) {
        let upper_of_side = |x_m: f64| if x_m < 0.0 { 0 } else { 2 };
        self.guard
            .watch_doses(&self.subject.back, map, self.frame.t_s, upper_of_side);
    }

    /// The limits it is watched against.
    pub fn envelope(&self) -> &Envelope {
        self.guard.envelope()
    }

    /// The contact of a node: its pressure field.
    pub fn touch(&self, node: usize) -> &Touch {
        &self.touches[node]
    }

    /// Its nodes on the skin.
    pub(crate) fn pressing(&self) -> Pressing<'_> {
        Pressing {
            touches: &self.touches,
            contacts: &self.frame.contacts,
            t_s: self.frame.t_s,
        }
    }

    /// The body it runs on.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Advances by one time step of the scene.
    ///
    /// # Errors
    /// [`Fault`] if a loop opens or a state is not finite. The frame before it stays readable.
    pub fn step(&mut self) -> Result<&Frame, Fault> {
        self.step_with(&mut |_| {})
    }

    /// The same; `done` hears of each stage as it ends, in the order of [`STAGES`], so that a caller with a clock can
    /// time them.
    ///
    /// # Errors
    /// See [`Sim::step`].
    pub fn step_with(&mut self, done: &mut dyn FnMut(&'static str)) -> Result<&Frame, Fault> {
        let command = self.timeline.at(self.next_s());
        self.advance(command, done)
    }

    /// The same with a command of the caller's instead of the timeline's: where the axes shall be at [`Sim::next_s`]. They are
    /// led there in straight lines from the command before, so it is the caller who keeps to their limits.
    ///
    /// # Errors
    /// See [`Sim::step`].
    pub fn step_to(&mut self, command: DriveCommand) -> Result<&Frame, Fault> {
        self.advance(command, &mut |_| {})
    }

    /// The end of the next step, s.
    pub fn next_s(&self) -> f64 {
        (self.steps + 1) as f64 * self.scene.solver.dt_s
    }

    fn advance(
        &mut self,
        command: DriveCommand,
        done: &mut dyn FnMut(&'static str),
    ) -> Result<&Frame, Fault> {
        let dt_s = self.scene.solver.dt_s;
        let t_s = self.next_s();
        self.steps += 1;
        let drive = self.run_motors(&command, dt_s);
        let sides = self
            .kinematics
            .sides(&drive)
            .map_err(|e| Fault::loop_open(t_s, &e))?;
        done(STAGES[0]);

        self.world.step(sides.map(|s| s.pivot));
        let machine_from_back = self
            .world
            .trunk_pose()
            .unwrap_or(self.frame.machine_from_back);
        let rocker_rad = self.spring_rockers();
        let (lean, pad_n) = self.hold_trunk(&machine_from_back);
        done(STAGES[1]);

        // With the breath the skin comes towards the nodes; the trunk itself, pad and hip know nothing of it.
        let out_m = self.scene.breath.out_m(t_s);
        let machine_from_skin = machine_from_back * Translation3::new(0.0, -out_m, 0.0);
        let (contacts, nodes) = self.press_nodes(&machine_from_skin, dt_s);
        done(STAGES[2]);

        self.guard.beats(self.timeline.beat_hz(t_s));
        let zones = std::array::from_fn(|i| {
            self.guard
                .watch(&self.subject.back, i, &contacts[i], t_s, dt_s)
        });
        self.guard.watch_clock(zones[0], t_s);
        // A slab on a bench may be crushed.
        if self.subject.support.is_some() {
            for (node, contact) in contacts.iter().enumerate() {
                if let Some((force_n, ceiling_n)) = self.guard.failed(node, contact.force_n, dt_s) {
                    return Err(Fault::crushed(t_s, node, force_n, ceiling_n));
                }
            }
        }
        self.loads = self
            .motor_loads(&drive, &machine_from_back, &contacts)
            .map_err(|e| Fault::loop_open(t_s, &e))?;
        self.frame = Frame {
            t_s,
            command,
            drive,
            current_a: self.motors.map(|m| m.current_a),
            contacts,
            zones,
            nodes,
            rocker_rad,
            lean,
            machine_from_back,
            pad_n,
        };
        Fault::check(&self.frame)?;
        done(STAGES[3]);
        Ok(&self.frame)
    }

    /// Motors follow the command, which is straight over the step, against the load of the step before.
    fn run_motors(&mut self, command: &DriveCommand, dt_s: f64) -> Drive {
        let target = drive_of(command);
        let before = drive_of(&self.frame.command);
        let motors = &self.scene.mechanism.motors;
        let axes = [
            (&motors.walk, target.walk_m, before.walk_m),
            (&motors.knead, target.knead_rad, before.knead_rad),
            (&motors.protrude, target.protrude_m, before.protrude_m),
        ];
        let turns = (dt_s / CONTROL_PERIOD_S).ceil().max(1.0);
        for ((state, (motor, to, from)), load) in self.motors.iter_mut().zip(axes).zip(self.loads) {
            let rate = (to - from) / dt_s;
            for turn in 1..=turns as u32 {
                let position = from + (to - from) * f64::from(turn) / turns;
                let command = Command::Follow { position, rate };
                motor.step(state, command, load, dt_s / turns);
            }
        }
        let [walk, knead, protrude] = self.motors;
        Drive {
            walk_m: walk.joint,
            protrude_m: protrude.joint,
            knead_rad: knead.joint,
            tap_rad: target.tap_rad,
        }
    }

    /// Presses every node into the skin and hands the forces to rocker and trunk.
    fn press_nodes(
        &mut self,
        machine_from_back: &Isometry3<f64>,
        dt_s: f64,
    ) -> ([Contact; NODES], [Point3<f64>; NODES]) {
        let mut contacts = [Contact::default(); NODES];
        let mut nodes = [Point3::origin(); NODES];
        let back_from_machine = machine_from_back.inverse();
        let every = self.scene.solver.patch_every.max(1) as u64;
        // All feel the others as the last step left them, so the order of the nodes plays no part.
        let spots: [_; NODES] =
            std::array::from_fn(|i| self.touches[i].spot(&self.frame.contacts[i]));
        for i in 0..NODES {
            // The nodes take turns, so that every step costs the same.
            let solve = if (self.steps + i as u64).is_multiple_of(every) {
                Solve::IfMoved
            } else {
                Solve::IfFast
            };
            let side = i / 2;
            let machine_from_rocker = self.world.rocker_pose(side);
            let in_rocker = self.kinematics.node_in_pivot(i % 2, 0.0);
            let centre = machine_from_rocker * in_rocker;
            nodes[i] = centre;
            let turn = back_from_machine.rotation * machine_from_rocker.rotation;
            let back_from_node =
                Isometry3::from_parts((back_from_machine * centre).coords.into(), turn);
            self.touches[i].feel(std::array::from_fn(|k| {
                spots[if k < i { k } else { k + 1 }]
            }));
            let contact = self.touches[i].step(&self.subject.bed, &back_from_node, dt_s, solve);
            if contact.force_n > 0.0 {
                let force = machine_from_back.rotation * contact.force_in_back;
                let at = machine_from_back * contact.point_in_back;
                self.world.push_trunk(&force, &at);
                // Pressure has no moment about the axle; of the shear's the wheel hands on what its bearing holds.
                self.world.push_rocker(side, &-force, &centre);
                self.world.twist_rocker(side, contact.axle_torque_nm);
            }
            contacts[i] = contact;
        }
        (contacts, nodes)
    }

    fn spring_rockers(&mut self) -> [f64; 2] {
        let rocker = &self.scene.mechanism.rocker;
        let dt_s = self.scene.solver.dt_s;
        let damping_nm_s = within_step(rocker.damping_nm_s * dt_s / self.world.rocker_kg_m2())
            * rocker.damping_nm_s;
        std::array::from_fn(|side| {
            let (angle_rad, rate_rad_s) = self.world.rocker_angle(side);
            let torque =
                rocker.preload_nm - rocker.rate_nm_rad * angle_rad - damping_nm_s * rate_rad_s;
            self.world.twist_rocker(side, torque);
            angle_rad
        })
    }

    /// Pad, hip and gravity on the trunk; returns its lean and the pad's force.
    fn hold_trunk(&mut self, pose: &Isometry3<f64>) -> (Lean, f64) {
        let Some(support) = &self.subject.support else {
            return (Lean::default(), 0.0);
        };
        let hip = pose * support.hip();
        let hip_velocity = self.world.trunk_velocity(&hip);
        let pitch_rate = (hip_velocity - self.world.trunk_velocity(&(hip + Vector3::z()))).y;
        let hold = support.hold(pose, &hip_velocity, pitch_rate);
        self.world.push_trunk(&hold.force, &hip);
        self.world.twist_trunk(hold.torque_nm);
        (hold.lean, hold.pad_n)
    }

    /// What resists each motor: virtual work of the contact forces on the nodes, and the carriage's weight.
    fn motor_loads(
        &self,
        drive: &Drive,
        machine_from_back: &Isometry3<f64>,
        contacts: &[Contact; NODES],
    ) -> Result<[f64; 3], mechanism::LoopOpen> {
        let carriage = self.kinematics.carriage(drive.walk_m);
        let out = carriage.rotation * Vector3::y();
        let down = carriage.rotation * -Vector3::z();
        let mechanism = &self.scene.mechanism;
        let gravity = self
            .subject
            .support
            .as_ref()
            .map_or_else(Vector3::zeros, |s| s.gravity_m_s2());
        let mut walk_n = -mechanism.carriage.mass_kg * gravity.dot(&down);
        let (mut protrude_n, mut knead_nm, mut pushed_n) = (0.0, 0.0, 0.0);
        if contacts.iter().any(|c| c.force_n > 0.0) {
            let twist = self.kinematics.knead_twist(drive)?;
            for (i, contact) in contacts.iter().enumerate() {
                let force = machine_from_back.rotation * contact.force_in_back;
                walk_n += force.dot(&down);
                protrude_n += force.dot(&out);
                knead_nm += force.dot(&twist[i / 2].linear_m_rad);
                pushed_n += contact.force_n;
            }
        }
        walk_n += mechanism.carriage.friction * pushed_n;
        Ok([walk_n, knead_nm, protrude_n])
    }
}

/// Joint positions of a command.
pub(crate) fn drive_of(command: &DriveCommand) -> Drive {
    Drive {
        walk_m: command.walk_m,
        protrude_m: command.protrude_m,
        knead_rad: command.knead_rad,
        tap_rad: command.tap_rad,
    }
}

/// The contact law of one of the scene's nodes.
pub(crate) fn node_law(scene: &Scene, node: usize) -> NodeLaw {
    let node = &scene.mechanism.nodes[node];
    let cover = &scene.mechanism.cover;
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
            mechanism::Wheel::Free => Wheel::Free {
                resistance: node.bearing_resistance,
            },
            mechanism::Wheel::Fixed => Wheel::Fixed,
        },
        effort: Effort {
            tolerance: scene.solver.tolerance,
            products_max: scene.solver.max_iterations,
            rounds_max: 1,
        },
    }
}

/// A bench slab stands upright in front of the rail, its face where the pad's would be.
pub(crate) fn slab_pose(scene: &Scene, kinematics: &Kinematics) -> Isometry3<f64> {
    let middle = kinematics.curve().pose(0.5 * kinematics.curve().length_m());
    Isometry3::translation(0.0, middle.y_m + scene.chair.pad.offset_m, middle.z_m)
}

/// What share of a damper's torque acts, where held over a step it would take `takes` of the speed: all of it up to a half, and so much that it never
/// turns the motion round beyond. Long steps and strong dampers would swing up otherwise.
fn within_step(takes: f64) -> f64 {
    match takes > 0.5 {
        true => (1.0 - 0.25 / takes) / takes,
        false => 1.0,
    }
}
