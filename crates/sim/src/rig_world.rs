//! A rig in rapier: its tree as a multibody, its loops closed by joints on top, its motors as torque lines.
//!
//! Rapier's multibodies have no drift but are trees. A closing is an impulse joint between two links of the same multibody;
//! of its conditions only those are locked that say something the others do not, since a plane loop closed by a pin says
//! three things twice and their impulses would be noise. A massless rod is one condition along its line, turned with it
//! before every substep; a track is a slide along the tangent, moved on with it; a cam is a gear whose ratio is its slope.
//! Play of a gearbox is a rotor of its own on the joint's axis, between whose stops and the child's the gap is: two stops push, and
//! none pulls. Each substep is an engine step of its own, so that motors and these frames are of the moment, and the solver iterates
//! until loops and motors agree.

use std::sync::Arc;

use mechanism::{
    ClosingKind, Command, Control, GearMotor, JointKind, Law, Linkage, Motion, MotorState, Posture,
    Seen, TorqueLine,
};
use nalgebra::{Isometry3, Matrix3, Point3, Translation3, UnitQuaternion, Vector3};
use program::Course;
use rapier3d_f64::dynamics::{
    GenericJoint, GenericJointBuilder, ImpulseJointHandle, JointAxesMask, JointAxis,
    MassProperties, MotorModel, MultibodyDofCoupling, MultibodyJointHandle, RigidBodyBuilder,
    RigidBodyHandle,
};
use rapier3d_f64::math::{Pose, Rotation, Vector};
use rapier3d_f64::pipeline::PhysicsWorld;

use crate::fault::Fault;
use crate::reactions::{BodyMotion, BodyState, Reaction, reactions};
use crate::world::{from_pose, from_vector, to_pose, vector};

/// How a rig is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RigSetup {
    /// Time step, s.
    pub dt_s: f64,
    /// Engine steps within a time step.
    pub substeps: usize,
    /// Gravity in the machine frame, m/s²: it depends on how the machine leans.
    pub gravity_m_s2: [f64; 3],
    /// What moves the drives.
    pub power: Power,
}

/// What moves the drives of a rig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Their motors, which sag and stall.
    Motors,
    /// Something that is never too weak: they follow their motions exactly, from the start. Loads are reported.
    Unlimited,
    /// Nothing: the joints are free, motors and gearboxes taken off.
    None,
}

impl Default for RigSetup {
    /// 1 ms, four substeps, motors, no gravity.
    fn default() -> RigSetup {
        RigSetup {
            dt_s: 1e-3,
            substeps: 4,
            gravity_m_s2: [0.0; 3],
            power: Power::Motors,
        }
    }
}

/// What is wrong with a drive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// No current: a worm holds, other gears turn back with rotor and friction.
    Off,
    /// It cannot move, whatever the motor does.
    Stuck,
    /// Its controller has lost pulses: it stands so far beyond where it is asked to, rad or m.
    Lost(f64),
}

/// A rig at a moment.
#[derive(Clone, Debug)]
pub struct RigFrame {
    /// Time since the start, s.
    pub t_s: f64,
    /// Position of every joint of the written-out rig, rad or m; 0 for balls and welds.
    pub positions: Vec<f64>,
    /// Their rates, rad/s or m/s.
    pub rates: Vec<f64>,
    /// `machine_from_link` of the ground and every link.
    pub links: Vec<Isometry3<f64>>,
    /// `machine_from_head` of every head.
    pub heads: Vec<Isometry3<f64>>,
    /// Velocity of every head's centre, m/s.
    pub head_m_s: Vec<Vector3<f64>>,
    /// What each drive did.
    pub drives: Vec<DriveFrame>,
    /// Force of each closing on its link `b`, mean over the step, machine frame, N.
    pub closing_n: Vec<Vector3<f64>>,
    /// Moment of each closing on its link `b` about its point there, alike, N m; 0 for balls, rods and slots.
    pub closing_nm: Vec<Vector3<f64>>,
    /// Farthest that a closing stands open, m.
    pub gap_m: f64,
    /// Energy of motion, height and springs, J; rotors are in it, what motors and forces put in is not taken off.
    pub energy_j: f64,
}

/// A drive over a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DriveFrame {
    /// Joint position, rad or m.
    pub position: f64,
    /// Joint rate, rad/s or m/s.
    pub rate: f64,
    /// Mean torque or force of the drive on its joint, rotor and friction included, N m or N. Of one that stands it is what the joint
    /// carries, whether motor, worm or friction holds it; its bearing's friction is then in it too.
    pub effort: f64,
    /// Motor current at the end, A; 0 without motors.
    pub current_a: f64,
    /// How far the motor's side stands ahead of the joint, rad or m: half the backlash at most, 0 without.
    pub ahead: f64,
    /// Joint position by the pulses that its controller has counted, rad or m; where it counts none, the position.
    pub counted: f64,
    /// Rate of its joint that its controller was last asked for, rad/s or m/s; 0 where it shall stand or knows none.
    pub asked: f64,
}

/// A rig that runs. Advances by [`RigWorld::step`]; holds no file, thread or clock.
pub struct RigWorld {
    linkage: Arc<Linkage>,
    setup: RigSetup,
    engine: PhysicsWorld,
    bodies: Vec<RigidBodyHandle>,
    joints: Vec<MultibodyJointHandle>,
    closings: Vec<(ImpulseJointHandle, Vec<usize>)>,
    drives: Vec<Driven>,
    /// Joints with a constant torque and no spring to hold it as a rest position.
    preloads: Vec<(usize, f64)>,
    steps: u64,
    frame: RigFrame,
    /// Motion of every body before the last step, and what acted on the heads over it.
    before: Vec<BodyMotion>,
    links_before: Vec<Isometry3<f64>>,
    pushed: Vec<[Vector3<f64>; 2]>,
    /// Reactions of the last step, where it has asked for them itself.
    reacted: Option<Vec<Reaction>>,
}

struct Driven {
    joint: usize,
    start: f64,
    motor: GearMotor,
    motion: Motion,
    /// Asked for from outside, instead of the motion.
    command: Option<Command>,
    /// A way that it is sent, instead of either.
    way: Option<Way>,
    off: bool,
    stuck: bool,
    lost: f64,
    state: MotorState,
    control: Control,
    seen: Seen,
    /// -1 after an end switch has turned its motion round, else 1.
    sense: f64,
    asked: f64,
    /// Load at the motor shaft that the last substep found, N m.
    load_nm: f64,
    dry: f64,
    /// Whether it stood in any substep of the last step.
    stood: bool,
    rotor: Option<Rotor>,
}

/// A motor whose gearbox has play: what turns with it, and the gap to its joint's child.
#[derive(Clone, Copy, Debug)]
struct Rotor {
    joint: MultibodyJointHandle,
    gap: ImpulseJointHandle,
}

/// A way that a drive is sent.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// From standstill to standstill: half a cosine.
    Go {
        from: f64,
        to: f64,
        begun_s: f64,
        over_s: f64,
    },
    /// A course that was planned.
    Course {
        from: f64,
        course: Course,
        begun_s: f64,
    },
}

impl Driven {
    /// What an end switch leaves of a command: a motion that runs on turns round there, all else stops.
    fn switched(&mut self, command: Command, position: f64, runs: bool) -> Command {
        let Some([low, high]) = self.control.switches else {
            return command;
        };
        let beyond = |rate: f64| rate > 0.0 && position >= high || rate < 0.0 && position <= low;
        match command {
            Command::Speed(rate) if beyond(rate) && runs => {
                self.sense = -self.sense;
                Command::Speed(-rate)
            }
            Command::Speed(rate) if beyond(rate) => Command::Speed(0.0),
            Command::Follow { position, rate } => Command::Follow {
                position: position.clamp(low, high),
                rate: if beyond(rate) { 0.0 } else { rate },
            },
            other => other,
        }
    }
}

impl Way {
    /// Position at a time, and its rate.
    fn at(&self, t_s: f64) -> (f64, f64) {
        let (from, to, begun_s, over_s) = match *self {
            Way::Go {
                from,
                to,
                begun_s,
                over_s,
            } => (from, to, begun_s, over_s),
            Way::Course {
                from,
                course,
                begun_s,
            } => return course.at(from, t_s - begun_s),
        };
        let share = ((t_s - begun_s) / over_s.max(1e-9)).clamp(0.0, 1.0);
        let (sin, cos) = (std::f64::consts::PI * share).sin_cos();
        let span = to - from;
        let moving = share > 0.0 && share < 1.0;
        (
            from + 0.5 * span * (1.0 - cos),
            if moving {
                0.5 * span * std::f64::consts::PI * sin / over_s
            } else {
                0.0
            },
        )
    }
}

/// Slope of an unlimited drive's torque over its rate, N m s/rad or N s/m: so steep that it never gives way.
const UNLIMITED: f64 = 1e9;
/// Flywheel on an unlimited drive's joint, kg m² or kg; its torque is taken off what is reported. The solver sweeps over
/// conditions one by one: between a stiff drive and a heavy part, a light crank alone would settle in thousands of sweeps
/// (a four-bar with bars of 0.1 g and a rocker of 2e-3 kg m² stood 34 micrometres off at 1 ms).
const FLYWHEEL: f64 = 1.0;
/// Sweeps over all conditions in a substep, before and after positions move. With 4 no figure of `tests/` that is held against a closed form
/// changes in its tenth digit, with 1 the sixth does; 4 cost a twelfth of a step more.
const SWEEPS: usize = 2;
/// A loop that stands open by more is broken, m.
const OPEN_M: f64 = 2e-3;
/// Mass and inertia of the body that carries a rotor, kg and kg m²: what it weighs is its armature.
const BARE: (f64, f64) = (1e-6, 1e-9);
/// Dry friction of a stuck drive, N m or N.
const STUCK: f64 = 1e6;
/// A drive whose motor turns slower than this stands, rad/s.
const STANDS_RAD_S: f64 = 1e-3;
/// A joint nearer to a stop than this leans on it, rad or m.
const AT_STOP: f64 = 1e-6;

impl RigWorld {
    /// Puts a rig together: at rest, or with [`Power::Unlimited`] in its usual motion.
    ///
    /// # Errors
    /// [`Fault`] where a loop does not close.
    pub fn new(linkage: Arc<Linkage>, setup: RigSetup) -> Result<RigWorld, Fault> {
        let start = linkage.assemble().map_err(|gap| Fault {
            t_s: 0.0,
            part: gap.closing.clone(),
            what: gap.to_string(),
        })?;
        let mut engine = PhysicsWorld::new();
        engine.gravity = vector(&Vector3::from(setup.gravity_m_s2));
        let parameters = &mut engine.integration_parameters;
        parameters.dt = setup.dt_s / setup.substeps.max(1) as f64;
        parameters.num_solver_iterations = 1;
        parameters.num_internal_pgs_iterations = SWEEPS;
        parameters.num_internal_stabilization_iterations = SWEEPS;
        // Nothing in here has a shape that could fly through another.
        parameters.max_ccd_substeps = 0;
        let frames = linkage.frames(&start);
        let bodies = insert_bodies(&mut engine, &linkage, &frames);
        let mut joints = vec![MultibodyJointHandle::invalid(); linkage.rig().joints.len()];
        for &index in linkage.order() {
            let (parent, child, _) = linkage.joint(index);
            let data = joint_data(&linkage, &start, index);
            let handle = engine.insert_multibody_joint(bodies[parent], bodies[child], data);
            // The structure is checked: every child has one parent, and the ground comes first.
            joints[index] = handle.unwrap_or(MultibodyJointHandle::invalid());
        }
        let drives = linkage
            .rig()
            .drives
            .iter()
            .zip(linkage.driven())
            .map(|(drive, &joint)| Driven {
                joint,
                start: start.positions[joint],
                motor: drive.motor,
                motion: drive.motion,
                command: None,
                way: None,
                off: false,
                stuck: false,
                lost: 0.0,
                state: MotorState {
                    joint: start.positions[joint],
                    ..MotorState::default()
                },
                seen: (drive.control).begin(&drive.motor, start.positions[joint]),
                control: drive.control,
                sense: 1.0,
                asked: 0.0,
                load_nm: 0.0,
                dry: 0.0,
                stood: false,
                rotor: None,
            })
            .collect();
        for &handle in &bodies {
            // Else masses are known only after the first step, and the energy at the start is nothing.
            let colliders = &engine.colliders;
            engine.bodies[handle].recompute_mass_properties_from_colliders(colliders);
        }
        let mut world = RigWorld {
            closings: Vec::new(),
            frame: RigFrame {
                t_s: 0.0,
                positions: start.positions.clone(),
                rates: vec![0.0; linkage.rig().joints.len()],
                heads: linkage.heads(&frames),
                head_m_s: vec![Vector3::zeros(); linkage.rig().heads.len()],
                links: frames,
                drives: vec![DriveFrame::default(); linkage.rig().drives.len()],
                closing_n: vec![Vector3::zeros(); linkage.rig().closings.len()],
                closing_nm: vec![Vector3::zeros(); linkage.rig().closings.len()],
                gap_m: 0.0,
                energy_j: 0.0,
            },
            before: vec![BodyMotion::default(); bodies.len()],
            links_before: vec![Isometry3::identity(); bodies.len()],
            pushed: vec![[Vector3::zeros(); 2]; linkage.rig().heads.len()],
            reacted: None,
            preloads: Vec::new(),
            drives,
            steps: 0,
            linkage,
            setup,
            engine,
            bodies,
            joints,
        };
        if setup.power == Power::Motors {
            world.loosen(&start);
        }
        world.pose(&start);
        world.furnish();
        world.close(&start);
        if setup.power == Power::Unlimited {
            // A jump to full speed would be a blow.
            let rates: Vec<f64> = world
                .drives
                .iter()
                .map(|drive| drive.motion.at(0.0, drive.start).1)
                .collect();
            world.launch(&rates);
        }
        world.look();
        Ok(world)
    }

    /// The rig in motion.
    pub fn linkage(&self) -> &Linkage {
        &self.linkage
    }

    /// How it is run.
    pub fn setup(&self) -> &RigSetup {
        &self.setup
    }

    /// The last frame.
    pub fn frame(&self) -> &RigFrame {
        &self.frame
    }

    /// Asks a drive for something else than its usual motion; `None` gives it back.
    pub fn command(&mut self, drive: usize, command: Option<Command>) {
        self.drives[drive].command = command;
        self.drives[drive].way = None;
    }

    /// Breaks a drive.
    pub fn fail(&mut self, drive: usize, failure: Failure) {
        let drive = &mut self.drives[drive];
        match failure {
            Failure::Off => drive.off = true,
            Failure::Stuck => drive.stuck = true,
            Failure::Lost(by) => drive.lost = by,
        }
    }

    /// Which way a drive's usual motion goes now: 1 up, -1 down.
    pub(crate) fn sense(&self, drive: usize) -> f64 {
        let drive = &self.drives[drive];
        let t_s = self.steps as f64 * self.setup.dt_s;
        match drive.motion {
            Motion::Run { .. } => {
                let (_, rate) = drive.motion.at(t_s, drive.start);
                drive.sense * 1f64.copysign(rate)
            }
            _ => 1.0,
        }
    }

    /// Sends a drive from where its joint is now to a position, rad or m, from standstill to standstill within a time. There it
    /// stays until it is commanded.
    pub fn go(&mut self, drive: usize, to: f64, over_s: f64) {
        let from = self.motion(self.drives[drive].joint).0;
        self.drives[drive].way = Some(Way::Go {
            from,
            to,
            begun_s: self.steps as f64 * self.setup.dt_s,
            over_s,
        });
    }

    /// Sends a drive along a course from a position on. At its end it stays until it is commanded.
    pub fn send(&mut self, drive: usize, from: f64, course: Course) {
        self.drives[drive].way = Some(Way::Course {
            from,
            course,
            begun_s: self.steps as f64 * self.setup.dt_s,
        });
    }

    /// Sets the machine in motion: a rate for each drive's joint, rad/s or m/s, the others following their loops. The
    /// frame shows it from the next step on.
    pub fn launch(&mut self, rates: &[f64]) {
        let posture = self.posture();
        let mut joints = vec![0.0; self.joints.len()];
        for (drive, rate) in rates.iter().enumerate() {
            let Some(shares) = self.linkage.joint_rates(&posture, drive) else {
                continue;
            };
            for (joint, share) in joints.iter_mut().zip(shares) {
                *joint += rate * share;
            }
            let drive = &mut self.drives[drive];
            drive.state.speed_rad_s = rate / drive.motor.joint_per_rad();
        }
        for (handle, joint) in self.axes() {
            if let Some((body, id)) = self.engine.multibody_joints.get_mut(handle)
                && let Some(link) = body.link(id)
                && link.joint.ndofs() == 1
            {
                let at = link.assembly_id();
                body.generalized_velocity_mut()[at] = joints[joint];
            }
        }
    }

    /// One time step under forces on the heads' centres, N, machine frame; missing ones are none.
    ///
    /// # Errors
    /// [`Fault`] where a number is not finite or a loop has opened.
    pub fn step(&mut self, forces: &[Vector3<f64>]) -> Result<&RigFrame, Fault> {
        self.step_with(forces, &[])
    }

    /// The same, with torques on the links that carry the heads, N m, machine frame.
    ///
    /// # Errors
    /// As [`RigWorld::step`].
    pub fn step_with(
        &mut self,
        forces: &[Vector3<f64>],
        torques: &[Vector3<f64>],
    ) -> Result<&RigFrame, Fault> {
        let substeps = self.setup.substeps.max(1);
        let dt_s = self.setup.dt_s / substeps as f64;
        let mut efforts = vec![0.0; self.drives.len()];
        let mut closing_n = vec![Vector3::zeros(); self.closings.len()];
        let mut closing_nm = closing_n.clone();
        self.before = (0..self.bodies.len())
            .map(|b| self.body_motion(b))
            .collect();
        self.links_before.clone_from(&self.frame.links);
        let of = |list: &[Vector3<f64>], i: usize| list.get(i).copied().unwrap_or_default();
        self.pushed = (0..self.pushed.len())
            .map(|i| [of(forces, i), of(torques, i)])
            .collect();
        for drive in &mut self.drives {
            drive.stood = false;
        }
        for sub in 0..substeps {
            let t_s = (self.steps as f64 + sub as f64 / substeps as f64) * self.setup.dt_s;
            let lines = self.power(t_s, dt_s);
            self.turn_frames();
            self.push(forces, torques);
            let before: Vec<f64> = (0..self.drives.len())
                .map(|i| self.motor_motion(i).1)
                .collect();
            self.engine.step();
            for (i, line) in lines.iter().enumerate() {
                efforts[i] += self.settle(i, line, before[i], dt_s) / substeps as f64;
            }
            for (i, (handle, rows)) in self.closings.iter().enumerate() {
                let Some(joint) = self.engine.impulse_joints.get(*handle) else {
                    continue;
                };
                let (mut local, mut turn) = (Vector::ZERO, Vector::ZERO);
                for &row in rows {
                    // The engine's sign is that of the force on `a`.
                    let part = -joint.impulses[row] / dt_s;
                    match row {
                        0..3 => local[row] = part,
                        _ => turn[row - 3] = part,
                    }
                }
                let first = self.engine.bodies[joint.body1()].position();
                let frame = joint.data.local_frame1.rotation;
                let out = |v: Vector| from_vector(first.rotation * (frame * v)) / substeps as f64;
                closing_n[i] += out(local);
                closing_nm[i] += out(turn);
            }
        }
        self.steps += 1;
        self.look();
        let motors: Vec<f64> = (0..self.drives.len())
            .map(|i| self.motor_motion(i).0)
            .collect();
        let frame = &mut self.frame;
        frame.t_s = self.steps as f64 * self.setup.dt_s;
        frame.closing_n = closing_n;
        frame.closing_nm = closing_nm;
        self.hold(&mut efforts);
        let frame = &mut self.frame;
        for (i, drive) in self.drives.iter().enumerate() {
            frame.drives[i] = DriveFrame {
                position: frame.positions[drive.joint],
                rate: frame.rates[drive.joint],
                effort: efforts[i],
                current_a: drive.state.current_a,
                ahead: motors[i] - frame.positions[drive.joint],
                counted: match self.setup.power {
                    Power::Motors => drive.seen.joint(),
                    Power::None | Power::Unlimited => frame.positions[drive.joint],
                },
                asked: drive.asked,
            };
        }
        self.sound()?;
        Ok(&self.frame)
    }

    /// Efforts of the drives that stood within the step. Dry friction stops and holds them, whose share the engine does not tell, so it is
    /// what the joint has handed on along its axis, and what its followers have through their couplings, less their springs.
    fn hold(&mut self, efforts: &mut [f64]) {
        self.reacted = None;
        let stands = |d: &Driven| d.stood && d.rotor.is_none() && !self.at_stop(d.joint);
        let standing: Vec<usize> = (0..self.drives.len())
            .filter(|&i| self.setup.power == Power::Motors && stands(&self.drives[i]))
            .collect();
        if standing.is_empty() {
            return;
        }
        let reactions = self.reactions();
        for i in standing {
            let joint = self.drives[i].joint;
            let shares = self.linkage.led_by(joint, &self.frame.positions);
            efforts[i] = (shares.iter().enumerate())
                .filter(|(_, share)| **share != 0.0)
                .map(|(joint, share)| share * self.along(joint, &reactions[joint]))
                .sum();
        }
        self.reacted = Some(reactions);
    }

    /// What of a joint's reaction is neither its spring's nor its damping's, along its axis, N m or N.
    fn along(&self, joint: usize, reaction: &Reaction) -> f64 {
        let described = &self.linkage.rig().joints[joint];
        let axis = self.axis(joint).unwrap_or_default();
        let whole = match described.kind {
            JointKind::Revolute => axis.dot(&reaction.moment_nm),
            _ => axis.dot(&reaction.force_n),
        };
        whole - described.preload
            + described.spring * self.frame.positions[joint]
            + described.damping * self.frame.rates[joint]
    }

    /// Whether a joint lies against one of its stops, which then carries a share that nobody knows.
    fn at_stop(&self, joint: usize) -> bool {
        let position = self.frame.positions[joint];
        (self.linkage.rig().joints[joint].range)
            .is_some_and(|[low, high]| position - low < AT_STOP || high - position < AT_STOP)
    }

    /// What every joint handed on over the last step, in the order of the written-out rig's joints.
    pub fn reactions(&self) -> Vec<Reaction> {
        if let Some(reacted) = &self.reacted {
            return reacted.clone();
        }
        let frame = &self.frame;
        // Changes of velocity are means over the step, so places are those of its middle.
        let links: Vec<Isometry3<f64>> = self
            .links_before
            .iter()
            .zip(&frame.links)
            .map(|(before, after)| before.lerp_slerp(after, 0.5))
            .collect();
        let heads = self.linkage.heads(&links);
        let mut bodies: Vec<BodyState> = (0..self.bodies.len())
            .map(|b| {
                let body = &self.engine.bodies[self.bodies[b]];
                let mass = &body.mass_properties().local_mprops;
                let turn = links[b].rotation
                    * from_pose(&Pose::from_parts(
                        Vector::ZERO,
                        mass.principal_inertia_local_frame,
                    ))
                    .rotation;
                let turn = turn.to_rotation_matrix();
                let own = Matrix3::from_diagonal(&from_vector(mass.principal_inertia()));
                BodyState {
                    mass_kg: body.mass(),
                    centre: (links[b] * Point3::from(from_vector(mass.local_com))).coords,
                    inertia_kg_m2: turn.matrix() * own * turn.matrix().transpose(),
                    before: self.before[b],
                    after: self.body_motion(b),
                    force_n: Vector3::zeros(),
                    moment_nm: Vector3::zeros(),
                }
            })
            .collect();
        let mut push = |b: usize, force: Vector3<f64>, at: Vector3<f64>, torque: Vector3<f64>| {
            let body = &mut bodies[b];
            body.force_n += force;
            body.moment_nm += torque + (at - body.centre).cross(&force);
        };
        for (i, carrier) in self.linkage.carries().into_iter().enumerate() {
            let [force, torque] = self.pushed[i];
            push(carrier, force, heads[i].translation.vector, torque);
        }
        for (i, (force, torque)) in frame.closing_n.iter().zip(&frame.closing_nm).enumerate() {
            let [(a, on_a), (b, on_b)] = self.linkage.closing(i);
            let at = |body: usize, on: Isometry3<f64>| (links[body] * on).translation.vector;
            push(b, *force, at(b, on_b), *torque);
            push(a, -force, at(a, on_a), -torque);
        }
        let gravity = Vector3::from(self.setup.gravity_m_s2);
        reactions(&self.linkage, &links, &bodies, &gravity, self.setup.dt_s)
    }

    /// Axis of a joint in the machine's frame; `None` for balls and welds.
    pub fn axis(&self, joint: usize) -> Option<Vector3<f64>> {
        let described = &self.linkage.rig().joints[joint];
        let (parent, child, base) = self.linkage.joint(joint);
        match described.kind {
            JointKind::Revolute | JointKind::Prismatic => {
                let axis = Vector3::from(described.axis).normalize();
                Some((self.frame.links[parent] * base).rotation * axis)
            }
            JointKind::Track { .. } => Some(self.frame.links[child].rotation * -Vector3::z()),
            JointKind::Spherical | JointKind::Fixed => None,
        }
    }

    /// Gives the drives with play a rotor of their own, and a gap between it and the joint's child.
    fn loosen(&mut self, start: &Posture) {
        for i in 0..self.drives.len() {
            let index = self.drives[i].joint;
            let described = &self.linkage.rig().joints[index];
            let play = self.linkage.rig().drives[i].backlash;
            let axis = match described.kind {
                JointKind::Revolute => JointAxis::AngX,
                JointKind::Prismatic => JointAxis::LinX,
                _ => continue,
            };
            if play <= 0.0 {
                continue;
            }
            let (parent, child, _) = self.linkage.joint(index);
            let (mass_kg, inertia_kg_m2) = BARE;
            let bare = MassProperties::new(Vector::ZERO, mass_kg, Vector::splat(inertia_kg_m2));
            let body = self.engine.insert_body(
                RigidBodyBuilder::dynamic()
                    .pose(*self.engine.bodies[self.bodies[child]].position())
                    .additional_mass_properties(bare)
                    .can_sleep(false),
            );
            let colliders = &self.engine.colliders;
            self.engine.bodies[body].recompute_mass_properties_from_colliders(colliders);
            let mut data = joint_data(&self.linkage, start, index);
            // The stops are the child's.
            data.limit_axes = JointAxesMask::empty();
            let on_rotor = data.local_frame2;
            let Some(joint) = self
                .engine
                .insert_multibody_joint(self.bodies[parent], body, data)
            else {
                continue;
            };
            let gap = GenericJointBuilder::new(JointAxesMask::empty())
                .local_frame1(on_rotor)
                .local_frame2(on_rotor)
                .limits(axis, [-0.5 * play, 0.5 * play])
                .contacts_enabled(false);
            let gap = self
                .engine
                .insert_impulse_joint(body, self.bodies[child], gap.build());
            self.drives[i].rotor = Some(Rotor { joint, gap });
        }
    }

    fn body_motion(&self, body: usize) -> BodyMotion {
        let body = &self.engine.bodies[self.bodies[body]];
        BodyMotion {
            velocity_m_s: from_vector(body.linvel()),
            turn_rad_s: from_vector(body.angvel()),
        }
    }

    /// The engine's joints that stand for described ones, each with its index: the joints themselves, and rotors of their own.
    fn axes(&self) -> Vec<(MultibodyJointHandle, usize)> {
        let joints = self.joints.iter().copied().zip(0..);
        let rotors = self
            .drives
            .iter()
            .filter_map(|d| Some((d.rotor?.joint, d.joint)));
        joints.chain(rotors).collect()
    }

    /// Joints to the assembled posture.
    fn pose(&mut self, start: &Posture) {
        let Some(&first) = self.linkage.order().first() else {
            return;
        };
        let Some((body, _)) = self.engine.multibody_joints.get_mut(self.joints[first]) else {
            return;
        };
        body.forward_kinematics(&self.engine.bodies, true);
        let mut displacement = vec![0.0; body.ndofs()];
        for (handle, joint) in self.axes() {
            if let Some((body, id)) = self.engine.multibody_joints.get(handle)
                && let Some(link) = body.link(id)
                && link.joint.ndofs() == 1
            {
                displacement[link.assembly_id()] = start.positions[joint];
            }
        }
        if let Some((body, _)) = self.engine.multibody_joints.get_mut(self.joints[first]) {
            body.apply_displacements(&displacement);
        }
        self.lay_tracks();
        if let Some((body, _)) = self.engine.multibody_joints.get_mut(self.joints[first]) {
            body.forward_kinematics(&self.engine.bodies, true);
            body.update_rigid_bodies(&mut self.engine.bodies, true);
        }
    }

    /// Springs, damping, friction, rotors, gears.
    fn furnish(&mut self) {
        let rig = self.linkage.rig().clone();
        for (index, joint) in rig.joints.iter().enumerate() {
            let Some((body, id)) = self.engine.multibody_joints.get_mut(self.joints[index]) else {
                continue;
            };
            let Some(link) = body.link_mut(id) else {
                continue;
            };
            let (first, count) = (link.assembly_id(), link.joint.ndofs());
            let slide = matches!(joint.kind, JointKind::Prismatic | JointKind::Track { .. });
            if joint.spring > 0.0 && count == 1 {
                let axis = if slide { 0 } else { 3 };
                link.joint
                    .set_spring(axis, joint.spring, joint.preload / joint.spring);
            } else if joint.preload != 0.0 {
                self.preloads.push((index, joint.preload));
            }
            for at in first..first + count {
                // The engine gives turning joints a damping of its own.
                body.damping_mut()[at] = joint.damping;
                body.frictions_mut()[at] = joint.friction;
                body.armature_mut()[at] = 0.0;
            }
        }
        for drive in &self.drives {
            let inertia = self.rotor(&drive.motor);
            let handle = self.motor_joint(drive);
            if let Some((body, id)) = self.engine.multibody_joints.get_mut(handle)
                && let Some(at) = body.link(id).map(|l| l.assembly_id())
            {
                body.armature_mut()[at] = inertia;
                if drive.rotor.is_some() {
                    // The bearing's damping is the child's.
                    body.damping_mut()[at] = 0.0;
                }
            }
        }
        self.couple();
    }

    /// What turns with a drive's joint beside the links, kg m² or kg.
    fn rotor(&self, motor: &GearMotor) -> f64 {
        match self.setup.power {
            Power::Motors => motor.reflected_inertia(),
            Power::Unlimited => FLYWHEEL,
            Power::None => 0.0,
        }
    }

    /// Gears and cams, each at its present slope.
    fn couple(&mut self) {
        let rig = self.linkage.rig();
        if rig.couplings.is_empty() {
            return;
        }
        let mut couplings = Vec::new();
        for (index, coupling) in rig.couplings.iter().enumerate() {
            let places = [&coupling.to, &coupling.joint].map(|name| {
                let joint = self.linkage.joint_named(name).unwrap_or_default();
                let slide = !matches!(rig.joints[joint].kind, JointKind::Revolute);
                let id = self
                    .engine
                    .multibody_joints
                    .get(self.joints[joint])
                    .map_or(0, |(_, id)| id);
                (joint, id, if slide { 0 } else { 3 })
            });
            let [(leader, link1, axis1), (_, link2, axis2)] = places;
            let position = self.motion(leader).0;
            let (lift, slope) = self.linkage.coupling(index, position);
            couplings.push(MultibodyDofCoupling {
                link1,
                dof1: 0,
                axis1,
                link2,
                dof2: 0,
                axis2,
                coeff: slope,
                offset: lift - slope * position,
            });
        }
        let first = self.linkage.order().first().map(|&j| self.joints[j]);
        if let Some((body, _)) = first.and_then(|h| self.engine.multibody_joints.get_mut(h)) {
            body.clear_dof_couplings();
            for coupling in couplings {
                body.add_dof_coupling(coupling);
            }
        }
    }

    /// Loops, by those of their conditions that are not said already.
    fn close(&mut self, start: &Posture) {
        // Looked for a little way on: a start is often a dead centre, where conditions agree by accident.
        let on: Vec<f64> = self
            .drives
            .iter()
            .map(|drive| {
                let turns = self.linkage.rig().joints[drive.joint].kind == JointKind::Revolute;
                drive.start + if turns { 0.3 } else { 0.003 }
            })
            .collect();
        let generic = self.linkage.follow(start, &on);
        let fresh = self.linkage.independent(generic.as_ref().unwrap_or(start));
        for (index, closing) in self.linkage.rig().closings.iter().enumerate() {
            let [(a, on_a), (b, on_b)] = self.linkage.closing(index);
            // Conditions in rapier's order: shifts along x, y, z, turns about x, y, z.
            let all: &[usize] = match closing.kind {
                ClosingKind::Rod { .. } => &[0],
                ClosingKind::Slot => &[1, 2],
                ClosingKind::Ball => &[0, 1, 2],
                // A pin's y in the frame on a is a turn about z, its z one about y.
                ClosingKind::Hinge => &[0, 1, 2, 5, 4],
            };
            let rows: Vec<usize> = all
                .iter()
                .zip(&fresh[index])
                .filter(|(_, fresh)| **fresh)
                .map(|(row, _)| *row)
                .collect();
            let mask = rows.iter().fold(0, |mask, row| mask | 1 << row);
            let data = GenericJointBuilder::new(JointAxesMask::from_bits_truncate(mask))
                .local_frame1(to_pose(&on_a))
                .local_frame2(to_pose(&on_b))
                .contacts_enabled(false);
            let handle =
                self.engine
                    .insert_impulse_joint(self.bodies[a], self.bodies[b], data.build());
            self.closings.push((handle, rows));
        }
        self.turn_frames();
    }

    /// Rods, tracks and cams as they stand now.
    fn turn_frames(&mut self) {
        for (index, closing) in self.linkage.rig().closings.iter().enumerate() {
            let ClosingKind::Rod { length_m } = closing.kind else {
                continue;
            };
            let [(a, on_a), (b, on_b)] = self.linkage.closing(index);
            let (pose_a, pose_b) = (self.pose_of(a), self.pose_of(b));
            let (p, q) = ((pose_a * on_a).translation, (pose_b * on_b).translation);
            let along = pose_a.rotation.inverse() * (q.vector - p.vector);
            let turn =
                UnitQuaternion::rotation_between(&Vector3::x(), &along).unwrap_or_else(|| {
                    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI)
                });
            let end = on_a.translation.vector + along.normalize() * length_m;
            let frame = Isometry3::from_parts(end.into(), turn);
            if let Some(joint) = self
                .engine
                .impulse_joints
                .get_mut(self.closings[index].0, false)
            {
                joint.data.local_frame1 = to_pose(&frame);
                joint.data.local_frame2 = Pose::from_translation(vector(&on_b.translation.vector));
            }
        }
        self.lay_tracks();
        if self
            .linkage
            .rig()
            .couplings
            .iter()
            .any(|c| matches!(c.law, Law::Cam { .. }))
        {
            self.couple();
        }
    }

    /// Tracks' slides along their tangents.
    fn lay_tracks(&mut self) {
        for (index, joint) in self.linkage.rig().joints.iter().enumerate() {
            if !matches!(joint.kind, JointKind::Track { .. }) {
                continue;
            }
            let position = self.motion(index).0;
            let (_, _, base) = self.linkage.joint(index);
            let Some(carriage) = self.linkage.track_frame(index, position) else {
                continue;
            };
            // The slide's x along the way down, shifted back by what has been travelled.
            let down = UnitQuaternion::rotation_between(&Vector3::x(), &-Vector3::z())
                .unwrap_or_else(UnitQuaternion::identity);
            let frame1 = base * carriage * down * Translation3::new(-position, 0.0, 0.0);
            if let Some((body, id)) = self.engine.multibody_joints.get_mut(self.joints[index])
                && let Some(link) = body.link_mut(id)
            {
                link.joint.data.local_frame1 = to_pose(&frame1);
                link.joint.data.local_frame2 =
                    to_pose(&Isometry3::from_parts(Translation3::identity(), down));
            }
        }
    }

    /// Sets every drive's torque line and friction for a substep; returns what was set: command, slope, free rate, most.
    fn power(&mut self, t_s: f64, dt_s: f64) -> Vec<Line> {
        let mut lines = Vec::new();
        for i in 0..self.drives.len() {
            let (position, _) = self.motor_motion(i);
            let motor_joint = self.motor_joint(&self.drives[i]);
            let drive = &mut self.drives[i];
            let (target, rate) = match drive.way {
                Some(way) => way.at(t_s + dt_s),
                None => drive.motion.at(t_s + dt_s, drive.start),
            };
            let (command, runs) = match (drive.way, drive.command, drive.motion) {
                (None, Some(command), _) => (command, false),
                (None, None, Motion::Run { .. }) => (Command::Speed(drive.sense * rate), true),
                _ => {
                    let position = target;
                    (Command::Follow { position, rate }, false)
                }
            };
            // A controller that has lost pulses means another place by the same number; a switch stands where it stands.
            let command = match command {
                Command::Follow { position, rate } => Command::Follow {
                    position: position + drive.lost,
                    rate,
                },
                other => other,
            };
            let command = drive.switched(command, position, runs);
            drive.asked = match command {
                Command::Speed(rate) | Command::Follow { rate, .. } => rate,
                Command::Volts(_) => 0.0,
            };
            let line = match self.setup.power {
                Power::None => continue,
                Power::Unlimited => Line {
                    command,
                    free_rate: match command {
                        // A usual motion is followed place by place, unless a switch has turned it round.
                        Command::Speed(_) if runs && drive.control.switches.is_none() => {
                            (target - position) / dt_s
                        }
                        Command::Speed(rate) => rate,
                        Command::Follow { position: to, .. } => (to - position) / dt_s,
                        Command::Volts(_) => (target - position) / dt_s,
                    },
                    slope: UNLIMITED,
                    most: f64::MAX,
                },
                Power::Motors => {
                    let said = match drive.control.acts() {
                        false => command,
                        true => Command::Volts(drive.control.volts(
                            &drive.motor,
                            &mut drive.seen,
                            command,
                            dt_s,
                        )),
                    };
                    let line = match drive.off {
                        true => TorqueLine {
                            free_rate: 0.0,
                            slope: 0.0,
                            most: 0.0,
                        },
                        false => drive.motor.line(&mut drive.state, said),
                    };
                    // A worm that nobody turns holds whatever comes.
                    let rests = match command {
                        Command::Volts(volts) => volts == 0.0,
                        Command::Speed(rate) => rate == 0.0,
                        Command::Follow { rate, .. } => rate == 0.0,
                    };
                    let stands = drive.state.speed_rad_s.abs() < STANDS_RAD_S;
                    let load = drive.load_nm / drive.motor.joint_per_rad();
                    drive.dry = drive.motor.dry_load(load);
                    if drive.motor.self_locking && (rests || drive.off) && stands {
                        drive.dry = drive.dry.max(100.0 * drive.motor.load_max());
                    }
                    if drive.stuck {
                        drive.dry = STUCK;
                    }
                    Line {
                        command: said,
                        free_rate: line.free_rate,
                        slope: line.slope,
                        most: line.most,
                    }
                }
            };
            let (joint, dry) = (drive.joint, drive.dry);
            let described = &self.linkage.rig().joints[joint];
            // With play the bearing's is the child's, where it stays.
            let friction = match drive.rotor {
                Some(_) => dry,
                None => described.friction + dry,
            };
            let axis = match described.kind {
                JointKind::Revolute => JointAxis::AngX,
                _ => JointAxis::LinX,
            };
            if let Some((body, id)) = self.engine.multibody_joints.get_mut(motor_joint)
                && let Some(link) = body.link_mut(id)
            {
                let at = link.assembly_id();
                link.joint
                    .data
                    .set_motor_model(axis, MotorModel::ForceBased)
                    .set_motor_velocity(axis, line.free_rate, line.slope)
                    .set_motor_max_force(axis, line.most);
                body.frictions_mut()[at] = friction;
            }
            lines.push(line);
        }
        lines
    }

    /// Tells a motor where its joint has gone; returns the drive's effort on the joint.
    fn settle(&mut self, i: usize, line: &Line, before: f64, dt_s: f64) -> f64 {
        let (position, rate) = self.motor_motion(i);
        let rotor = self.rotor(&self.drives[i].motor);
        let across = self.across_gap(i, dt_s);
        let drive = &mut self.drives[i];
        let torque = (line.slope * (line.free_rate - rate)).clamp(-line.most, line.most);
        let through = torque - rotor * (rate - before) / dt_s;
        if self.setup.power == Power::Unlimited {
            drive.state.joint = position;
            return through;
        }
        let motor = &drive.motor;
        motor.settle(&mut drive.state, line.command, position, rate, dt_s);
        (drive.control).see(motor, &mut drive.seen, position, rate, dt_s);
        if drive.off {
            drive.state.current_a = 0.0;
        }
        if drive.state.speed_rad_s.abs() >= STANDS_RAD_S {
            // What the rotor and the dry friction leave is the load.
            let load = through - drive.dry.copysign(rate);
            drive.load_nm = load * motor.joint_per_rad();
            across.unwrap_or(load)
        } else {
            drive.stood = true;
            across.unwrap_or(through)
        }
    }

    /// What the stops of a drive's play hand on to the joint's child over the last substep, N m or N; `None` without play.
    fn across_gap(&self, i: usize, dt_s: f64) -> Option<f64> {
        let gap = self.engine.impulse_joints.get(self.drives[i].rotor?.gap)?;
        let axis = match self.linkage.rig().joints[self.drives[i].joint].kind {
            JointKind::Revolute => 3,
            _ => 0,
        };
        // The engine's sign is that on the first body, the rotor.
        Some(-gap.data.limits[axis].impulse / dt_s)
    }

    /// What a drive's motor turns: the rotor of its own, or the joint itself.
    fn motor_joint(&self, drive: &Driven) -> MultibodyJointHandle {
        drive.rotor.map_or(self.joints[drive.joint], |r| r.joint)
    }

    /// Position and rate on the motor's side of a drive, in the joint's units.
    fn motor_motion(&self, i: usize) -> (f64, f64) {
        let drive = &self.drives[i];
        self.motion_of(self.motor_joint(drive), drive.joint)
    }

    /// Forces for the next substep.
    fn push(&mut self, forces: &[Vector3<f64>], torques: &[Vector3<f64>]) {
        for &handle in &self.bodies {
            // A body that is only looked at counts as unchanged.
            let body = &self.engine.bodies[handle];
            if body.user_force() != Vector::ZERO || body.user_torque() != Vector::ZERO {
                let body = &mut self.engine.bodies[handle];
                body.reset_forces(false);
                body.reset_torques(false);
            }
        }
        let frames: Vec<Isometry3<f64>> = (0..self.bodies.len()).map(|b| self.pose_of(b)).collect();
        let heads = self.linkage.heads(&frames);
        for ((body, at), force) in self.linkage.carries().iter().zip(&heads).zip(forces) {
            self.engine.bodies[self.bodies[*body]].add_force_at_point(
                vector(force),
                vector(&at.translation.vector),
                true,
            );
        }
        for (body, torque) in self.linkage.carries().iter().zip(torques) {
            self.engine.bodies[self.bodies[*body]].add_torque(vector(torque), true);
        }
        for i in 0..self.preloads.len() {
            let (index, preload) = self.preloads[i];
            let (parent, child, base) = self.linkage.joint(index);
            let joint = &self.linkage.rig().joints[index];
            let axis = (frames[parent] * base).rotation * Vector3::from(joint.axis).normalize();
            let at = vector(&frames[child].translation.vector);
            for (body, sign) in [(child, 1.0), (parent, -1.0)] {
                let effort = vector(&(sign * preload * axis));
                let body = &mut self.engine.bodies[self.bodies[body]];
                match joint.kind {
                    JointKind::Revolute => body.add_torque(effort, true),
                    JointKind::Prismatic => body.add_force_at_point(effort, at, true),
                    _ => {}
                }
            }
        }
    }

    /// Position and rate of a joint with one freedom; 0 for others.
    fn motion(&self, joint: usize) -> (f64, f64) {
        self.motion_of(self.joints[joint], joint)
    }

    /// The same of a joint of the engine that is like a described one.
    fn motion_of(&self, handle: MultibodyJointHandle, joint: usize) -> (f64, f64) {
        let Some((body, id)) = self.engine.multibody_joints.get(handle) else {
            return (0.0, 0.0);
        };
        let Some(link) = body.link(id) else {
            return (0.0, 0.0);
        };
        if link.joint.ndofs() != 1 {
            return (0.0, 0.0);
        }
        let coords = link.joint.coords();
        let axis = match self.linkage.rig().joints[joint].kind {
            JointKind::Revolute => 3,
            _ => 0,
        };
        (
            coords[axis],
            body.generalized_velocity()[link.assembly_id()],
        )
    }

    fn pose_of(&self, body: usize) -> Isometry3<f64> {
        from_pose(self.engine.bodies[self.bodies[body]].position())
    }

    /// Joints as they stand; balls by their links.
    fn posture(&self) -> Posture {
        let joints = self.linkage.rig().joints.len();
        let mut posture = self.linkage.drawn();
        for joint in 0..joints {
            let (parent, child, base) = self.linkage.joint(joint);
            match self.linkage.rig().joints[joint].kind {
                JointKind::Spherical => {
                    let relative = (self.pose_of(parent) * base).inverse() * self.pose_of(child);
                    posture.balls[joint] = relative.rotation;
                }
                JointKind::Fixed => {}
                _ => posture.positions[joint] = self.motion(joint).0,
            }
        }
        posture
    }

    /// Fills the frame from the engine.
    fn look(&mut self) {
        let rig = self.linkage.rig();
        let frame = &mut self.frame;
        let mut energy_j = 0.0;
        let gravity = Vector3::from(self.setup.gravity_m_s2);
        for (i, &handle) in self.bodies.iter().enumerate() {
            let body = &self.engine.bodies[handle];
            frame.links[i] = from_pose(body.position());
            if i > 0 {
                energy_j += body.kinetic_energy();
                let centre = from_vector(body.center_of_mass());
                energy_j -= body.mass() * gravity.dot(&centre);
            }
        }
        for (i, handle) in self.joints.iter().enumerate() {
            let Some((body, id)) = self.engine.multibody_joints.get(*handle) else {
                continue;
            };
            let Some(link) = body.link(id) else { continue };
            if link.joint.ndofs() != 1 {
                continue;
            }
            let axis = match rig.joints[i].kind {
                JointKind::Revolute => 3,
                _ => 0,
            };
            let (position, rate) = (
                link.joint.coords()[axis],
                body.generalized_velocity()[link.assembly_id()],
            );
            (frame.positions[i], frame.rates[i]) = (position, rate);
            let joint = &rig.joints[i];
            energy_j += 0.5 * joint.spring * position * position - joint.preload * position;
            if self.setup.power != Power::Unlimited {
                energy_j += 0.5 * body.armature()[link.assembly_id()] * rate * rate;
            }
        }
        for drive in &self.drives {
            if let Some(rotor) = drive.rotor
                && let Some((body, id)) = self.engine.multibody_joints.get(rotor.joint)
                && let Some(link) = body.link(id)
            {
                let at = link.assembly_id();
                energy_j += 0.5 * body.armature()[at] * body.generalized_velocity()[at].powi(2);
            }
        }
        frame.energy_j = energy_j;
        frame.heads = self.linkage.heads(&frame.links);
        for (i, body) in self.linkage.carries().into_iter().enumerate() {
            let at = vector(&frame.heads[i].translation.vector);
            let body = &self.engine.bodies[self.bodies[body]];
            frame.head_m_s[i] = from_vector(body.velocity_at_point(at));
        }
        frame.gap_m = 0.0;
        for (index, closing) in rig.closings.iter().enumerate() {
            let [(a, on_a), (b, on_b)] = self.linkage.closing(index);
            let (p, q) = (frame.links[a] * on_a, frame.links[b] * on_b);
            let apart = q.translation.vector - p.translation.vector;
            let open = match closing.kind {
                ClosingKind::Rod { length_m } => (apart.norm() - length_m).abs(),
                ClosingKind::Slot => (p.rotation.inverse() * apart).yz().norm(),
                ClosingKind::Ball | ClosingKind::Hinge => apart.norm(),
            };
            frame.gap_m = frame.gap_m.max(open);
        }
    }

    /// Broken states are faults.
    fn sound(&self) -> Result<(), Fault> {
        let frame = &self.frame;
        let finite = frame
            .positions
            .iter()
            .chain(&frame.rates)
            .all(|v| v.is_finite())
            && frame.energy_j.is_finite();
        if !finite {
            return Err(Fault {
                t_s: frame.t_s,
                part: self.linkage.rig().name.clone(),
                what: "a place or a speed is not finite".into(),
            });
        }
        if frame.gap_m > OPEN_M {
            return Err(Fault {
                t_s: frame.t_s,
                part: self.linkage.rig().name.clone(),
                what: format!("a loop has opened by {:.1} mm", 1e3 * frame.gap_m),
            });
        }
        Ok(())
    }
}

/// A drive's torque over a substep.
struct Line {
    command: Command,
    free_rate: f64,
    slope: f64,
    most: f64,
}

fn insert_bodies(
    engine: &mut PhysicsWorld,
    linkage: &Linkage,
    frames: &[Isometry3<f64>],
) -> Vec<RigidBodyHandle> {
    let mut bodies = vec![engine.insert_body(RigidBodyBuilder::fixed())];
    for (index, frame) in frames.iter().enumerate().skip(1) {
        bodies.push(
            engine.insert_body(
                RigidBodyBuilder::dynamic()
                    .pose(to_pose(frame))
                    .additional_mass_properties(mass(linkage, index))
                    .can_sleep(false),
            ),
        );
    }
    bodies
}

/// Mass of a link with its heads, in the link's frame.
fn mass(linkage: &Linkage, body: usize) -> MassProperties {
    let rig = linkage.rig();
    let link = &rig.links[body - 1];
    let mut parts = vec![(
        link.mass_kg,
        Vector3::from(link.centre_m),
        link.tensor_kg_m2(),
    )];
    for (carrier, head) in linkage.carries().iter().zip(&rig.heads) {
        if *carrier == body {
            let size_m = head.node.shape.extent_m(&Vector3::y());
            // As a solid ball of its size.
            let inertia = 0.4 * head.node.mass_kg * size_m * size_m;
            parts.push((
                head.node.mass_kg,
                Vector3::from(head.at_m),
                Matrix3::identity() * inertia,
            ));
        }
    }
    let mass_kg: f64 = parts.iter().map(|p| p.0).sum();
    let centre: Vector3<f64> = parts.iter().map(|p| p.0 * p.1).sum::<Vector3<f64>>() / mass_kg;
    let mut inertia = Matrix3::zeros();
    for (m, at, own) in &parts {
        let d = at - centre;
        inertia += own + *m * (Matrix3::identity() * d.norm_squared() - d * d.transpose());
    }
    let eigen = inertia.symmetric_eigen();
    let mut axes = eigen.eigenvectors;
    if axes.determinant() < 0.0 {
        axes.column_mut(2).neg_mut();
    }
    let turn =
        UnitQuaternion::from_rotation_matrix(&nalgebra::Rotation3::from_matrix_unchecked(axes));
    let q = turn.coords;
    MassProperties::with_principal_inertia_frame(
        vector(&centre),
        mass_kg,
        vector(&eigen.eigenvalues),
        Rotation::from_xyzw(q.x, q.y, q.z, q.w),
    )
}

/// A joint of the tree; its x along the described axis.
fn joint_data(linkage: &Linkage, start: &Posture, index: usize) -> GenericJoint {
    let joint = &linkage.rig().joints[index];
    let (_, _, base) = linkage.joint(index);
    let along = UnitQuaternion::rotation_between(&Vector3::x(), &Vector3::from(joint.axis))
        .unwrap_or_else(|| {
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI)
        });
    let along = Isometry3::from_parts(Translation3::identity(), along);
    let (mask, frame1, frame2) = match joint.kind {
        JointKind::Revolute => (JointAxesMask::LOCKED_REVOLUTE_AXES, base * along, along),
        JointKind::Prismatic => (JointAxesMask::LOCKED_PRISMATIC_AXES, base * along, along),
        // The assembled attitude is the ball's zero.
        JointKind::Spherical => (
            JointAxesMask::LOCKED_SPHERICAL_AXES,
            base * start.balls[index],
            Isometry3::identity(),
        ),
        JointKind::Fixed => (
            JointAxesMask::LOCKED_FIXED_AXES,
            base,
            Isometry3::identity(),
        ),
        // Its frames are set before the first step.
        JointKind::Track { .. } => (
            JointAxesMask::LOCKED_PRISMATIC_AXES,
            base,
            Isometry3::identity(),
        ),
    };
    let mut data = GenericJointBuilder::new(mask)
        .local_frame1(to_pose(&frame1))
        .local_frame2(to_pose(&frame2))
        .contacts_enabled(false);
    if let Some(range) = joint.range {
        let axis = match joint.kind {
            JointKind::Revolute => Some(JointAxis::AngX),
            JointKind::Prismatic | JointKind::Track { .. } => Some(JointAxis::LinX),
            _ => None,
        };
        if let Some(axis) = axis {
            data = data.limits(axis, range);
        }
    }
    data.build()
}
