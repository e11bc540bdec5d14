//! What lies between a drive's controller and its motor: pulses that it counts, voltages that its driver has, end switches.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::motor::{Command, GearMotor, MotorState};

/// How well a drive's firmware knows its motor and commands it. The default is ideal: place and speed are known exactly, any
/// voltage can be had, and the loops are solved with the motor.
///
/// With pulses or steps of voltage the loops act as firmware's do: on what was counted until now, by a voltage that stands until
/// they act again, at the next substep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Hall pulses a turn of the motor, from sensors that tell its sense too; 0: no sensor's limits. A place is known to half a
    /// pulse, a speed from the time between the last two.
    pub pulses_per_turn: f64,
    /// Voltages from 0 to the supply that the driver's PWM has; 0: any.
    pub pwm_steps: f64,
    /// Gain of the speed loop, volts over the back-EMF of the speed that is missing; 0: the usual 4. A speed that is known late asks for
    /// less: with `d` from pulse to pulse and the motor's time constant `tau = R J / k^2` more than 1 swings from some `d = 1.8 tau / gain` on.
    pub speed_gain: f64,
    /// End switches, joint position, rad or m: beyond one the drive is not sent on, and a motion that runs on turns round.
    pub switches: Option<[f64; 2]>,
}

/// What a controller knows of its motor, and what its loops remember.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// The motor as it takes it to be.
    motor: MotorState,
    /// The pulse that it passed last, counted from the start, and the time since then, s.
    edge: f64,
    since_s: f64,
}

impl Seen {
    /// Position of the joint as it is known, rad or m.
    pub fn joint(&self) -> f64 {
        self.motor.joint
    }

    /// Rate of the joint as it is known, rad/s or m/s.
    pub fn rate(&self, motor: &GearMotor) -> f64 {
        self.motor.speed_rad_s * motor.joint_per_rad()
    }
}

impl Control {
    /// Whether loops act on what they count.
    pub fn acts(&self) -> bool {
        self.pulses_per_turn > 0.0 || self.pwm_steps > 0.0 || self.speed_gain > 0.0
    }

    /// Whether there is nothing of it.
    pub fn is_ideal(&self) -> bool {
        *self == Control::default()
    }

    /// The voltage until the loops act again, V.
    pub fn volts(&self, motor: &GearMotor, seen: &mut Seen, command: Command, dt_s: f64) -> f64 {
        let pulse_rad = self.pulse_rad().unwrap_or(0.0);
        let volts = motor.loop_v(&mut seen.motor, command, [pulse_rad, self.speed_gain], dt_s);
        if self.pwm_steps > 0.0 {
            let step_v = motor.supply_v / self.pwm_steps;
            (volts / step_v).round() * step_v
        } else {
            volts
        }
    }

    /// Tells a controller that stands at a joint position where it is.
    pub fn begin(&self, motor: &GearMotor, joint: f64) -> Seen {
        let turn = joint / motor.joint_per_rad();
        Seen {
            motor: MotorState {
                joint,
                ..MotorState::default()
            },
            edge: self.pulse_rad().map_or(0.0, |p| (turn / p).floor()),
            since_s: f64::INFINITY,
        }
    }

    /// Tells it how its motor has gone on in `dt_s`: joint position at the end, and mean rate.
    pub fn see(&self, motor: &GearMotor, seen: &mut Seen, joint: f64, rate: f64, dt_s: f64) {
        let per_rad = motor.joint_per_rad();
        let Some(pulse_rad) = self.pulse_rad() else {
            seen.motor.joint = joint;
            seen.motor.speed_rad_s = rate / per_rad;
            return;
        };
        let at = joint / per_rad / pulse_rad;
        let way = rate * dt_s / per_rad / pulse_rad;
        // Upwards the last edge lies below the place, downwards above it.
        let edge = if way >= 0.0 { at.floor() } else { at.ceil() };
        let passed = edge - seen.edge;
        if passed != 0.0 && way != 0.0 && passed.signum() == way.signum() {
            // The edge was passed within the step: firmware's timers know when.
            let after_s = ((at - edge) / way).clamp(0.0, 1.0) * dt_s;
            let apart_s = seen.since_s + dt_s - after_s;
            seen.motor.speed_rad_s = passed * pulse_rad / apart_s;
            (seen.edge, seen.since_s) = (edge, after_s);
        } else {
            // No pulse: it cannot be faster than one in the time since the last.
            seen.since_s += dt_s;
            let most = pulse_rad / seen.since_s;
            seen.motor.speed_rad_s = seen.motor.speed_rad_s.clamp(-most, most);
        }
        seen.motor.joint = (at.floor() + 0.5) * pulse_rad * per_rad;
    }

    /// Turn of the motor between two pulses, rad.
    fn pulse_rad(&self) -> Option<f64> {
        (self.pulses_per_turn > 0.0).then(|| TAU / self.pulses_per_turn)
    }
}
