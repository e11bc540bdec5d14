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
/// Ignored: heating, brush drop, cogging, backlash, shaft wind-up. All default figures are estimates (E).
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
        let (k, r) = (self.torque_constant_nm_a(), self.resistance_ohm());
        let per_rad = self.joint_per_rad();

        let command = match command {
            // A worm that has arrived holds its place without current: firmware cuts the power, or it would hunt.
            Command::Follow { position, rate }
                if self.self_locking
                    && rate == 0.0
                    && (position - state.joint).abs() < DEADBAND_RAD * per_rad
                    && state.speed_rad_s.abs() < 2.0 * POSITION_GAIN_1_S * DEADBAND_RAD =>
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
            (_, Some(target)) => (
                (1.0 + SPEED_GAIN) * k * target + state.integral_v,
                SPEED_GAIN * k,
            ),
            (_, None) => (0.0, 0.0),
        };
        let voltage = |w: f64| (base_v - slope * w).clamp(-self.supply_v, self.supply_v);
        let current =
            |w: f64| ((voltage(w) - k * w) / r).clamp(-self.current_limit_a, self.current_limit_a);

        let load_nm = load * per_rad;
        let mesh = if self.self_locking {
            (1.0 / self.efficiency - 1.0).max(1.0)
        } else {
            1.0 / self.efficiency - 1.0
        };
        let dry_nm = self.friction_nm + load_nm.abs() * mesh;
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
        if let Some(target) = target_rad_s {
            let free = base_v - slope * speed;
            let saturated = free.abs() > self.supply_v
                || ((voltage(speed) - k * speed) / r).abs() > self.current_limit_a;
            let change = SPEED_GAIN * k * (target - speed) * dt_s / INTEGRAL_TIME_S;
            // Wind up only while it helps.
            if !saturated || change * free < 0.0 {
                state.integral_v = (state.integral_v + change).clamp(-self.supply_v, self.supply_v);
            }
        }
        MotorOutput {
            rate: speed * per_rad,
            current_a: state.current_a,
            voltage_v: voltage(speed),
        }
    }
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
