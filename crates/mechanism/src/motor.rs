//! Brushed DC motor, gearbox and the firmware's speed loop.

use serde::{Deserialize, Serialize};

/// A brushed DC motor on a gearbox.
///
/// ```text
/// V = R i + k w          |i| <= current limit, |V| <= supply (inductance ignored: L/R is well under a millisecond)
/// J dw/dt = k i - T_load - T_dry sign(w)
/// T_load = load * out_per_rad / ratio              T_dry = friction + |T_load| (1/efficiency - 1)
/// ```
/// The gearbox's loss is dry friction in its mesh. While the motor drives, `T_load + T_dry = T_load / efficiency + friction`;
/// while the load drives, `2 - 1/efficiency` of it comes through. At an efficiency of 0.5 or less nothing does: the gear
/// locks itself. `self_locking` makes the mesh hold any load whatever the efficiency (`T_dry >= friction + |T_load|`).
/// Ignored: heating, brush drop, cogging, shaft wind-up. A rig's drives have backlash ([`RigDrive`](crate::RigDrive)) and controllers
/// that count pulses ([`Control`](crate::Control)). All default figures are estimates (E).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GearMotor {
    /// Supply, V.
    pub supply_v: f64,
    /// Motor speed at full supply without load, rad/s.
    pub no_load_rad_s: f64,
    /// Motor torque at full supply and standstill, current limit aside, N m.
    pub stall_torque_nm: f64,
    /// Dry friction of brushes and bearings at the motor shaft, N m.
    pub friction_nm: f64,
    /// Inertia at the motor shaft, kg m².
    pub rotor_inertia_kg_m2: f64,
    /// The driver's current limit, A.
    pub current_limit_a: f64,
    /// Motor turns per output turn.
    pub ratio: f64,
    /// Gearbox efficiency while the motor drives.
    pub efficiency: f64,
    /// Whether the gearbox holds its load without current.
    pub self_locking: bool,
    /// Joint movement per radian of the output shaft: a pinion's radius in m, or 1 for a rotary joint.
    pub out_per_rad: f64,
}

/// What changes while a motor runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MotorState {
    /// Joint position, m or rad.
    pub joint: f64,
    /// Motor speed, rad/s.
    pub speed_rad_s: f64,
    /// Current of the last step, A.
    pub current_a: f64,
    /// The speed loop's memory, V.
    pub integral_v: f64,
}

/// What the firmware asks of a motor. Joint units are m or rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Terminal voltage, V.
    Volts(f64),
    /// Joint speed, /s.
    Speed(f64),
    /// Joint position, and the speed at which it moves, /s.
    Follow {
        /// Position.
        position: f64,
        /// Speed.
        rate: f64,
    },
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotorOutput {
    /// Joint speed, m/s or rad/s.
    pub rate: f64,
    /// Motor current, A.
    pub current_a: f64,
    /// Terminal voltage, V.
    pub voltage_v: f64,
}

/// Position loop bandwidth, 1/s: the joint's lag behind a jump falls by 1/e in 50 ms. A usual value for small drives
/// (E).
const POSITION_GAIN_1_S: f64 = 20.0;
/// Proportional gain of the speed loop, in units of the back-EMF constant (E).
const SPEED_GAIN: f64 = 4.0;
/// Integral time of the speed loop, s (E).
const INTEGRAL_TIME_S: f64 = 0.05;
/// A self-locking joint this near its resting target, in rad of the motor, is left alone (E).
const DEADBAND_RAD: f64 = 0.3;

impl GearMotor {
    /// Torque and back-EMF constant `k`, N m/A = V s/rad: from no-load speed and stall torque with the shaft friction
    /// in both, `k = V / w0 * Ts / (Ts + Tf)`.
    pub fn torque_constant_nm_a(&self) -> f64 {
        self.supply_v / self.no_load_rad_s * self.stall_torque_nm
            / (self.stall_torque_nm + self.friction_nm)
    }

    /// Winding resistance `R = k V / (Ts + Tf)`, ohm; the stall power is `V²/R`.
    pub fn resistance_ohm(&self) -> f64 {
        self.torque_constant_nm_a() * self.supply_v / (self.stall_torque_nm + self.friction_nm)
    }

    /// Joint movement per radian of the motor.
    pub fn joint_per_rad(&self) -> f64 {
        self.out_per_rad / self.ratio
    }

    /// Joint speed at full supply without load, m/s or rad/s.
    pub fn no_load_rate(&self) -> f64 {
        self.no_load_rad_s * self.joint_per_rad()
    }

    /// The load that the joint can just drive at the current limit (or at stall, if less), N or N m.
    pub fn load_max(&self) -> f64 {
        let k = self.torque_constant_nm_a();
        let current = self
            .current_limit_a
            .min(self.supply_v / self.resistance_ohm());
        (k * current - self.friction_nm).max(0.0) * self.efficiency / self.joint_per_rad()
    }

    /// Advances the motor by `dt_s` under `command`, against `load`: the force (N) or torque (N m) with which the
    /// world resists positive joint motion.
    ///
    /// Implicit in speed, current and proportional gain: stable for any `dt_s > 0`; the loop gains suit 0.5 to 4 ms.
    pub fn step(
        &self,
        state: &mut MotorState,
        command: Command,
        load: f64,
        dt_s: f64,
    ) -> MotorOutput {
        let k = self.torque_constant_nm_a();
        let per_rad = self.joint_per_rad();

        let law = self.law(state, command);
        let current = |w: f64| self.current_a(&law, w);

        let load_nm = load * per_rad;
        let dry_nm = self.dry_nm(load_nm);
        let inertia = self.rotor_inertia_kg_m2 / dt_s;

        // Implicit Euler: find w with inertia (w - w0) = k i(w) - load - dry sign(w). The right side falls with w.
        let at_rest_nm = inertia * state.speed_rad_s + k * current(0.0) - load_nm;
        let speed = if at_rest_nm.abs() <= dry_nm {
            0.0
        } else {
            let dry = dry_nm.copysign(at_rest_nm);
            let excess =
                |w: f64| inertia * (state.speed_rad_s - w) + k * current(w) - load_nm - dry;
            // Without the falling current the speed would be this: the root lies between 0 and there.
            let far = (at_rest_nm - dry) / inertia;
            root(excess, 0.0, far)
        };

        state.speed_rad_s = speed;
        state.current_a = current(speed);
        state.joint += speed * per_rad * dt_s;
        self.wind(state, &law, dt_s);
        MotorOutput {
            rate: speed * per_rad,
            current_a: state.current_a,
            voltage_v: self.voltage_v(&law, speed),
        }
    }

    /// The motor's torque on its joint for a short time under `command`, as a line over the joint's rate: for engines
    /// that solve for the rate themselves and then tell it to [`settle`](Self::settle). The gearbox's loss is not in it:
    /// it is dry friction, [`dry_load`](Self::dry_load), and the rotor turns with the joint,
    /// [`reflected_inertia`](Self::reflected_inertia).
    pub fn line(&self, state: &mut MotorState, command: Command) -> TorqueLine {
        let (k, r) = (self.torque_constant_nm_a(), self.resistance_ohm());
        let per_rad = self.joint_per_rad();
        let law = self.law(state, command);
        let free_v = law.base_v - law.slope * state.speed_rad_s;
        let (base_v, slope) = if free_v.abs() > self.supply_v {
            (self.supply_v.copysign(free_v), 0.0)
        } else {
            (law.base_v, law.slope)
        };
        TorqueLine {
            free_rate: base_v / (slope + k) * per_rad,
            slope: k * (slope + k) / r / (per_rad * per_rad),
            most: k * self.current_limit_a / per_rad.abs(),
        }
    }

    /// Tells the motor where its joint has gone in `dt_s` under the `command` whose [`line`](Self::line) was used.
    pub fn settle(
        &self,
        state: &mut MotorState,
        command: Command,
        joint: f64,
        rate: f64,
        dt_s: f64,
    ) -> MotorOutput {
        let law = self.law(state, command);
        state.joint = joint;
        state.speed_rad_s = rate / self.joint_per_rad();
        state.current_a = self.current_a(&law, state.speed_rad_s);
        self.wind(state, &law, dt_s);
        MotorOutput {
            rate,
            current_a: state.current_a,
            voltage_v: self.voltage_v(&law, state.speed_rad_s),
        }
    }

    /// The voltage that the loops put out on what firmware has `seen` of the motor, V: [`Control`](crate::Control) fills it in.
    /// A worm is let alone within a pulse of `pulse_rad` of the motor from where it shall rest; a `gain` of 0 is the usual one.
    pub(crate) fn loop_v(
        &self,
        seen: &mut MotorState,
        command: Command,
        [pulse_rad, gain]: [f64; 2],
        dt_s: f64,
    ) -> f64 {
        let gain = if gain > 0.0 { gain } else { SPEED_GAIN };
        let law = self.law_with(seen, command, [DEADBAND_RAD.max(pulse_rad), gain]);
        self.wind(seen, &law, dt_s);
        self.voltage_v(&law, seen.speed_rad_s)
    }

    /// Inertia of the rotor at the joint, kg m² or kg.
    pub fn reflected_inertia(&self) -> f64 {
        self.rotor_inertia_kg_m2 / self.joint_per_rad().powi(2)
    }

    /// Dry friction of motor and gearbox at the joint under a load there, N m or N.
    pub fn dry_load(&self, load: f64) -> f64 {
        let per_rad = self.joint_per_rad();
        self.dry_nm(load * per_rad) / per_rad.abs()
    }

    /// Dry friction at the motor shaft under a load there, N m.
    fn dry_nm(&self, load_nm: f64) -> f64 {
        let mesh = if self.self_locking {
            (1.0 / self.efficiency - 1.0).max(1.0)
        } else {
            1.0 / self.efficiency - 1.0
        };
        self.friction_nm + load_nm.abs() * mesh
    }

    /// What firmware makes of a command: voltage over speed, before saturation.
    fn law(&self, state: &mut MotorState, command: Command) -> Law {
        self.law_with(state, command, [DEADBAND_RAD, SPEED_GAIN])
    }

    /// The same for a deadband of so much at the motor, and a gain of the speed loop.
    fn law_with(
        &self,
        state: &mut MotorState,
        command: Command,
        [deadband_rad, gain]: [f64; 2],
    ) -> Law {
        let k = self.torque_constant_nm_a();
        let per_rad = self.joint_per_rad();
        let command = match command {
            // A worm that has arrived holds its place without current: firmware cuts the power, or it would hunt.
            Command::Follow { position, rate }
                if self.self_locking
                    && rate == 0.0
                    && (position - state.joint).abs() < deadband_rad * per_rad.abs()
                    && state.speed_rad_s.abs() < 2.0 * POSITION_GAIN_1_S * deadband_rad =>
            {
                state.integral_v = 0.0;
                Command::Volts(0.0)
            }
            command => command,
        };
        let target_rad_s = match command {
            Command::Volts(_) => None,
            Command::Speed(rate) => Some(rate / per_rad),
            Command::Follow { position, rate } => {
                Some((rate + POSITION_GAIN_1_S * (position - state.joint)) / per_rad)
            }
        };
        let target_rad_s =
            target_rad_s.map(|target| target.clamp(-self.no_load_rad_s, self.no_load_rad_s));
        // Terminal voltage as base - slope * speed, before saturation.
        let (base_v, slope) = match (command, target_rad_s) {
            (Command::Volts(volts), _) => (volts, 0.0),
            (_, Some(target)) => ((1.0 + gain) * k * target + state.integral_v, gain * k),
            (_, None) => (0.0, 0.0),
        };
        Law {
            base_v,
            slope,
            target_rad_s,
            gain,
        }
    }

    fn voltage_v(&self, law: &Law, w: f64) -> f64 {
        (law.base_v - law.slope * w).clamp(-self.supply_v, self.supply_v)
    }

    fn current_a(&self, law: &Law, w: f64) -> f64 {
        let (k, r) = (self.torque_constant_nm_a(), self.resistance_ohm());
        ((self.voltage_v(law, w) - k * w) / r).clamp(-self.current_limit_a, self.current_limit_a)
    }

    /// The speed loop's memory goes on.
    fn wind(&self, state: &mut MotorState, law: &Law, dt_s: f64) {
        let (k, r) = (self.torque_constant_nm_a(), self.resistance_ohm());
        let speed = state.speed_rad_s;
        let Some(target) = law.target_rad_s else {
            return;
        };
        let free = law.base_v - law.slope * speed;
        let saturated = free.abs() > self.supply_v
            || ((self.voltage_v(law, speed) - k * speed) / r).abs() > self.current_limit_a;
        let change = law.gain * k * (target - speed) * dt_s / INTEGRAL_TIME_S;
        // Wind up only while it helps.
        if !saturated || change * free < 0.0 {
            state.integral_v = (state.integral_v + change).clamp(-self.supply_v, self.supply_v);
        }
    }
}

/// Voltage `base - slope * speed` that firmware puts out, before saturation, and the speed that it wants.
#[derive(Clone, Copy, Debug)]
struct Law {
    base_v: f64,
    slope: f64,
    target_rad_s: Option<f64>,
    gain: f64,
}

/// A motor's torque on its joint as a line: `slope (free_rate - rate)`, never more than `most` either way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TorqueLine {
    /// Joint rate at which there is no torque, rad/s or m/s.
    pub free_rate: f64,
    /// Fall of the torque with the rate, N m s/rad or N s/m.
    pub slope: f64,
    /// Torque at the current limit, N m or N.
    pub most: f64,
}

/// The root of a falling, piecewise linear function between `a` and `b`: regula falsi with the Illinois rule.
fn root(f: impl Fn(f64) -> f64, mut a: f64, mut b: f64) -> f64 {
    let (mut fa, mut fb) = (f(a), f(b));
    for _ in 0..60 {
        if fa == fb {
            break;
        }
        let c = b - fb * (b - a) / (fb - fa);
        let fc = f(c);
        if fc.abs() <= 1e-14 * (fa.abs() + fb.abs()) || (b - a).abs() <= 1e-12 * b.abs() {
            return c;
        }
        if fc * fb < 0.0 {
            (a, fa) = (b, fb);
        } else {
            fa *= 0.5;
        }
        (b, fb) = (c, fc);
    }
    b
}
