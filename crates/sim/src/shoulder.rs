//! The body scan in the simulator: the firmware's state machine on the machine's own sensors.

use crate::fault::Fault;
use crate::guard::Violation;
use crate::sim::{Frame, Sim};
use crate::subject::{Subject, facing};
use crate::trunk::{Lean, Support};
use back::Envelope;
use mechanism::{Drive, Kinematics, Mechanism};
use nalgebra::Point3;
use program::{
    AxisLimits, Placement, ScanPlan, ScanStage, Sensed, ShoulderFinder, Sighting, Timeline,
};
use scene::{Chair, Scene};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How coarsely a machine feels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensors {
    /// Carriage travel a pulse, m.
    pub walk_m: f64,
    /// Slide travel a pulse, m.
    pub protrude_m: f64,
    /// Step of the arms' angle, rad.
    pub arm_rad: f64,
    /// Step of the force, N.
    pub force_n: f64,
}

impl Sensors {
    /// One Hall pulse a turn of walk and slide motor (W), about 1 mm each; arms by a potentiometer to 1 degree, force to 1 N (E).
    pub fn of(mechanism: &Mechanism) -> Sensors {
        let pulse_m = |motor: &mechanism::GearMotor| std::f64::consts::TAU * motor.joint_per_rad();
        Sensors {
            walk_m: pulse_m(&mechanism.motors.walk),
            protrude_m: pulse_m(&mechanism.motors.protrude),
            arm_rad: 1_f64.to_radians(),
            force_n: 1.0,
        }
    }

    /// What they say of a moment.
    pub fn read(&self, frame: &Frame) -> Sensed {
        let steps = |value: f64, step: f64| step * (value / step).round();
        let force_n: f64 = frame.contacts.iter().map(|c| c.force_n).sum();
        let arm_rad = 0.5 * (frame.rocker_rad[0] + frame.rocker_rad[1]);
        Sensed {
            walk_m: steps(frame.drive.walk_m, self.walk_m),
            protrude_m: steps(frame.drive.protrude_m, self.protrude_m),
            arm_rad: steps(arm_rad, self.arm_rad),
            force_n: steps(0.5 * force_n, self.force_n),
        }
    }
}

/// Heights over the seat at which the scan begins and from where it presses harder, m: under the shoulders of the smallest woman (E).
const HOME_M: f64 = 0.370;
const CLIMB_FROM_M: f64 = 0.425;
/// The chair reclines for its scan, rad from the vertical: the upper back then lies within the slide's reach (W).
const RECLINE_RAD: f64 = 70.0 * std::f64::consts::PI / 180.0;
/// P1, P2, P3 a side, N (E). Under 15, 40 and 25 N four of five bodies pass a cap of pressure on the shoulder blade. With 25 N for P2 and 30 mm/s one in seven
/// did: the blade comes towards the upper nodes by 7 mm a second there, and a slide that gives way in proportion lets the force rise to 29 N.
/// Half as fast and under 20 N it is one in a hundred.
const FORCES_N: [f64; 3] = [10.0, 20.0, 16.0];
/// Arms nearer than this to their stop have swung, rad: two steps of their sensor.
const SWUNG_RAD: f64 = 2.0 * std::f64::consts::PI / 180.0;
/// The longest that a scan may take, s.
const LONGEST_S: f64 = 90.0;

/// Height of the upper nodes' centres over the shoulder when the arms swing and when it bears them, m: means of 187 and 10 of the first 100
/// bodies of each of the survey's lists 900 and 901 in the shipped chair (SD 3.7 and 4.3 mm). They hold for nodes of its radius under its cover; the tests look at
/// another list.
const OVER_M: [f64; 2] = [0.0207, 0.0155];
/// C7 over the shoulder and S2 over the seat, m: means of list 900's (SD 6 and 12 mm). A machine that has found the shoulder knows no more.
const C7_OVER_SHOULDER_M: f64 = 0.0402;
const S2_OVER_SEAT_M: f64 = 0.150;

/// What a body scan told the machine. Heights are along the backrest, machine frame, m.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shoulder {
    /// The shoulder: by the arms' swing, or by the force where the slide could not follow.
    pub z_m: f64,
    /// By the arms' swing on the way up.
    pub swung_z_m: f64,
    /// By the force on the way down.
    pub borne_z_m: f64,
    /// The slide was at the end of its stroke when the arms swung.
    pub all_out: bool,
    /// Above this body's own shoulder, m, which no machine knows.
    pub error_m: Option<f64>,
    /// How long it took, s.
    pub took_s: f64,
    /// Largest force of one node, N.
    pub force_n: f64,
    /// Limits passed while it scanned.
    pub violations: Vec<Violation>,
    /// What the sensors said, ten times a second.
    pub rows: Vec<ScanRow>,
}

/// A moment of a body scan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanRow {
    /// When, s.
    pub t_s: f64,
    /// Where the scan is.
    pub stage: ScanStage,
    /// What the sensors say.
    pub sensed: Sensed,
}

/// Rows a second.
const ROW_HZ: f64 = 10.0;

/// A body scan of one user.
#[derive(Clone, Debug)]
pub struct BodyScan {
    plan: ScanPlan,
    limits: AxisLimits,
    sensors: Sensors,
    home_m: f64,
    park_rad: f64,
}

impl BodyScan {
    /// Of the scene's machine. `None` where its rail does not reach as low as a scan begins.
    pub fn new(scene: &Scene, kinematics: &Kinematics) -> Option<BodyScan> {
        let park_rad = park_rad(kinematics);
        let at = |over_seat_m: f64| {
            let z_m = scene.chair.seat_z_m + over_seat_m;
            kinematics.walk_facing(pad_y_m(scene, kinematics, z_m), z_m, park_rad)
        };
        Some(BodyScan {
            plan: ScanPlan {
                climb_from_m: at(CLIMB_FROM_M)?,
                forces_n: FORCES_N,
                rise_m_s: 0.030,
                climb_m_s: 0.015,
                descend_m_s: 0.015,
                clear_m: 0.030,
                below_m: 0.060,
                swung_rad: scene.mechanism.rocker.range_rad - SWUNG_RAD,
            },
            limits: AxisLimits::of(&scene.mechanism),
            sensors: Sensors::of(&scene.mechanism),
            home_m: at(HOME_M)?,
            park_rad,
        })
    }

    /// Scans the seated user, the chair reclined for it. `None` where no shoulder was found.
    ///
    /// # Errors
    /// See [`Sim::step`].
    pub fn run(
        &self,
        scene: &Arc<Scene>,
        subject: &Subject,
        kinematics: &Arc<Kinematics>,
        envelope: Envelope,
    ) -> Result<Option<Shoulder>, Fault> {
        let lying = Arc::new(reclined(scene, subject, kinematics));
        let timeline = Timeline::standing(self.home_m, self.park_rad, subject.placement.clone());
        let mut sim = Sim::new(
            Arc::clone(scene),
            lying,
            Arc::clone(kinematics),
            timeline,
            envelope,
        )?;
        let mut finder = ShoulderFinder::new(self.plan, self.limits);
        let mut command = sim.frame().command;
        let (mut most_n, mut rows) = (0.0_f64, Vec::new());
        while !finder.is_done() && sim.next_s() < LONGEST_S {
            let dt_s = sim.next_s() - sim.frame().t_s;
            let sensed = self.sensors.read(sim.frame());
            let speeds = finder.step(&sensed, dt_s);
            if sim.frame().t_s * ROW_HZ >= rows.len() as f64 {
                rows.push(ScanRow {
                    t_s: sim.frame().t_s,
                    stage: finder.stage(),
                    sensed,
                });
            }
            let (top_m, bottom_m) = self.limits.walk_range_m;
            command.walk_m = (command.walk_m + speeds.walk_m_s * dt_s).clamp(top_m, bottom_m);
            command.protrude_m = (command.protrude_m + speeds.protrude_m_s * dt_s)
                .clamp(0.0, self.limits.protrude_max_m);
            let frame = sim.step_to(command)?;
            let forces_n = frame.contacts.iter().map(|c| c.force_n);
            most_n = forces_n.fold(most_n, f64::max);
        }
        let (Some(swung), Some(borne)) = (finder.swung(), finder.borne()) else {
            return Ok(None);
        };
        let swung_z_m = self.upper_node_z_m(kinematics, &swung)? - OVER_M[0];
        let borne_z_m = self.upper_node_z_m(kinematics, &borne)? - OVER_M[1];
        let z_m = if swung.all_out { borne_z_m } else { swung_z_m };
        let own = subject.shoulder(self.gauge_m(kinematics));
        Ok(Some(Shoulder {
            z_m,
            swung_z_m,
            borne_z_m,
            all_out: swung.all_out,
            error_m: own.map(|point| z_m - point.z),
            took_s: sim.frame().t_s,
            force_n: most_n,
            violations: sim.violations().to_vec(),
            rows,
        }))
    }

    /// How far from the midline the scanning nodes stand, m.
    pub fn gauge_m(&self, kinematics: &Kinematics) -> f64 {
        right_pivot(kinematics, self.park_rad).map_or(0.0, |p| p.x)
    }

    /// Height of the upper nodes' centres at a sighting, by what the firmware knows of its own machine.
    fn upper_node_z_m(&self, kinematics: &Kinematics, at: &Sighting) -> Result<f64, Fault> {
        let drive = Drive {
            walk_m: at.walk_m,
            protrude_m: at.protrude_m,
            knead_rad: self.park_rad,
            tap_rad: 0.0,
        };
        let [_, right] = kinematics
            .sides(&drive)
            .map_err(|e| Fault::loop_open(0.0, &e))?;
        Ok((right.pivot * kinematics.node_in_pivot(0, at.arm_rad)).z)
    }
}

impl Shoulder {
    /// Carriage positions for the stations of a user with these shoulders: C7 as far above them, and S2 as far above the seat, as in the mean
    /// body, stations even between; the skin where the pad is.
    pub fn placement(&self, scene: &Scene, kinematics: &Kinematics) -> Placement {
        let c7_m = self.z_m + C7_OVER_SHOULDER_M;
        let s2_m = scene.chair.seat_z_m + S2_OVER_SEAT_M;
        facing(scene, kinematics, |u| {
            let z_m = c7_m + u * (s2_m - c7_m);
            [pad_y_m(scene, kinematics, z_m), z_m]
        })
    }
}

impl Subject {
    /// Where this body's shoulder is, machine frame, at rest: going up the skin `x_m` beside the midline, the first place above the lower
    /// shoulder blade that faces up as much as out, 45 degrees. `None` on a slab or a skin that nowhere does.
    pub fn shoulder(&self, x_m: f64) -> Option<Point3<f64>> {
        const FROM_U: f64 = 0.25;
        const STEPS: u32 = 700;
        let pose = self.support.as_ref()?.machine_from_back(&Lean::default());
        (0..STEPS)
            .map(|i| FROM_U - 0.0005 * f64::from(i))
            .find(|u| {
                let normal = pose.rotation * self.back.normal(*u, x_m);
                normal.z >= -normal.y
            })
            .map(|u| pose * self.back.point(u, x_m))
    }
}

/// Where the kneading shaft parks for a scan, rad, to 5 degrees: half the nodes' width and their reach together are greatest. Nearer to the
/// midline nodes ride up the neck; further back the stroke is too short for a hollow back.
fn park_rad(kinematics: &Kinematics) -> f64 {
    let worth_m = |at: f64| right_pivot(kinematics, at).map_or(f64::NEG_INFINITY, |p| p.x + p.y);
    (0..72)
        .map(|i| (5.0 * f64::from(i)).to_radians())
        .fold(0.0, |best, at| {
            if worth_m(at) > worth_m(best) {
                at
            } else {
                best
            }
        })
}

/// The pad's face at a height, m.
fn pad_y_m(scene: &Scene, kinematics: &Kinematics, z_m: f64) -> f64 {
    let curve = kinematics.curve();
    curve.pose(curve.s_at_z(z_m)).y_m + scene.chair.pad.offset_m
}

/// The subject in the chair reclined for a scan.
fn reclined(scene: &Scene, subject: &Subject, kinematics: &Kinematics) -> Subject {
    let chair = Chair {
        recline_rad: scene.chair.recline_rad.max(RECLINE_RAD),
        ..scene.chair
    };
    let support = Support::new(&subject.back, &chair, kinematics.curve());
    Subject {
        support: subject.support.as_ref().map(|_| Arc::new(support)),
        ..subject.clone()
    }
}

/// The right arm's tip in the shaft's frame.
fn right_pivot(kinematics: &Kinematics, knead_rad: f64) -> Option<Point3<f64>> {
    let right = kinematics.pivot_in_carriage(knead_rad, 0.0, mechanism::Hand::Right);
    right.ok().map(|side| side.pivot.translation.vector.into())
}
