//! The body scan in the simulator: the firmware's state machine on the machine's own sensors.

use crate::fault::Fault;
use crate::sim::{Frame, Sim};
use mechanism::{Drive, Kinematics, Mechanism};
use program::{AxisLimits, Sensed, ShoulderFinder, ShoulderScan, Stage};

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
    /// Step of the current, A.
    pub current_a: f64,
}

impl Sensors {
    /// One Hall pulse a turn of walk and slide motor (W); arms by a potentiometer to 1 degree, force to 1 N, current to 20 mA (E).
    pub fn of(mechanism: &Mechanism) -> Sensors {
        let pulse_m = |motor: &mechanism::GearMotor| std::f64::consts::TAU * motor.joint_per_rad();
        Sensors {
            walk_m: pulse_m(&mechanism.motors.walk),
            protrude_m: pulse_m(&mechanism.motors.protrude),
            arm_rad: 1_f64.to_radians(),
            force_n: 1.0,
            current_a: 0.02,
        }
    }

    /// What they say of a moment.
    pub fn read(&self, frame: &Frame, gauge_rad: f64) -> Sensed {
        let steps = |value: f64, step: f64| step * (value / step).round();
        let force_n: f64 = frame.contacts.iter().map(|c| c.force_n).sum();
        Sensed {
            walk_m: steps(frame.drive.walk_m, self.walk_m),
            protrude_m: steps(frame.drive.protrude_m, self.protrude_m),
            arm_rad: steps(
                0.5 * (frame.rocker_rad[0] + frame.rocker_rad[1]),
                self.arm_rad,
            ),
            force_n: steps(0.5 * force_n, self.force_n),
            parked: (frame.drive.knead_rad - gauge_rad).abs() < 0.05,
            walk_a: steps(frame.current_a[0], self.current_a),
        }
    }
}

/// The longest that a scan may take, s.
const LONGEST_S: f64 = 90.0;

/// Runs the scan from where the machine stands. The finder tells what it found, or that it found nothing.
///
/// # Errors
/// See [`Sim::step`].
pub fn find_shoulders(
    sim: &mut Sim,
    plan: &ShoulderScan,
    limits: &AxisLimits,
    sensors: &Sensors,
    see: &mut dyn FnMut(&ShoulderFinder, &Frame),
) -> Result<ShoulderFinder, Fault> {
    let mut finder = ShoulderFinder::new(*plan, *limits);
    let mut command = sim.frame().command;
    let gauge_rad = widest_rad(sim.kinematics());
    while !finder.is_done() && sim.next_s() < LONGEST_S {
        let dt_s = sim.next_s() - sim.frame().t_s;
        let speeds = finder.step(&sensors.read(sim.frame(), gauge_rad), dt_s);
        if finder.stage() == Stage::Home {
            let most = 0.5 * limits.knead_rad_s * dt_s;
            command.knead_rad += (gauge_rad - command.knead_rad).clamp(-most, most);
        }
        let (top_m, bottom_m) = limits.walk_range_m;
        command.walk_m = (command.walk_m + speeds.walk_m_s * dt_s).clamp(top_m, bottom_m);
        command.protrude_m =
            (command.protrude_m + speeds.protrude_m_s * dt_s).clamp(0.0, limits.protrude_max_m);
        let frame = sim.step_to(command)?;
        see(&finder, frame);
    }
    Ok(finder)
}

/// Angle of the kneading shaft at which the nodes stand widest apart, rad, to 5 degrees: beside the neck there is nothing to press.
fn widest_rad(kinematics: &Kinematics) -> f64 {
    let half_m = |knead_rad: f64| {
        let drive = Drive {
            knead_rad,
            ..Drive::default()
        };
        kinematics
            .sides(&drive)
            .map_or(0.0, |[_, right]| right.pivot.translation.x)
    };
    (0..72)
        .map(|i| (5.0 * f64::from(i)).to_radians())
        .fold(0.0, |best, at| if half_m(at) > half_m(best) { at } else { best })
}
