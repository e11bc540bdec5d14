//! Pins the gear motor to the closed form of the steady state, and the gearbox to its losses.

use mechanism::{Command, GearMotor, MotorState, Motors};

/// Runs at fixed voltage until steady.
fn settle(motor: &GearMotor, command: Command, load: f64, dt_s: f64) -> (MotorState, f64) {
    let mut state = MotorState::default();
    let mut rate = 0.0;
    for _ in 0..(3.0 / dt_s) as usize {
        rate = motor.step(&mut state, command, load, dt_s).rate;
    }
    (state, rate)
}

/// Kneading motor: k = 24/366.52 * 1/1.01 = 0.064833 V s/rad, R = k 24 / 1.01 = 1.5406 ohm.
/// At 24 V and 4 N m on the shaft: motor torque 4 / (90 * 0.45) + 0.01 = 0.108765 N m, i = 1.67762 A,
/// w = (24 - 1.5406 * 1.67762) / 0.064833 = 330.32 rad/s, shaft 3.6702 rad/s = 35.05 rpm.
#[test]
fn val_steady_speed_under_load() {
    let motor = Motors::reference().knead;
    for dt_s in [0.0005, 0.001, 0.004] {
        let (state, rate) = settle(&motor, Command::Volts(24.0), 4.0, dt_s);
        assert!(
            (state.current_a - 1.6776).abs() < 2e-4,
            "{}",
            state.current_a
        );
        assert!((rate - 3.6702).abs() < 1e-3, "{rate}");
    }
}

/// Without load it turns at the no-load speed; the friction's current is Tf / k = 0.154 A.
#[test]
fn val_no_load_speed() {
    let motor = Motors::reference().knead;
    let (state, rate) = settle(&motor, Command::Volts(24.0), 0.0, 0.001);
    assert!((rate / motor.no_load_rate() - 1.0).abs() < 1e-9, "{rate}");
    assert!((state.current_a - 0.010 / 0.064833).abs() < 1e-4);
}

/// Held by more than its gear can give, it stands; the current is V/R, or the limit if less.
/// 6 V: 6 / 1.5406 = 3.895 A; 24 V would be 15.6 A and is cut to 5 A.
#[test]
fn val_stall_current() {
    let motor = Motors::reference().knead;
    let stalled = |volts: f64| settle(&motor, Command::Volts(volts), 100.0, 0.001);
    let (state, rate) = stalled(6.0);
    assert_eq!(rate, 0.0);
    assert!(
        (state.current_a - 3.895).abs() < 1e-3,
        "{}",
        state.current_a
    );
    let (state, rate) = stalled(24.0);
    assert_eq!((state.current_a, rate), (5.0, 0.0));
    // (0.064833 * 5 - 0.01) * 0.45 * 90 = 12.72 N m.
    assert!(
        (motor.load_max() - 12.72).abs() < 0.01,
        "{}",
        motor.load_max()
    );
    assert_eq!(settle(&motor, Command::Volts(24.0), 12.8, 0.001).1, 0.0);
    assert!(settle(&motor, Command::Volts(24.0), 12.6, 0.001).1 > 0.0);
}

/// Without current a worm holds any load; the tapping belt (efficiency 0.85) lets 2 - 1/0.85 = 82.4 % of it through
/// and runs away.
#[test]
fn val_self_locking() {
    let motors = Motors::reference();
    for load in [-5.0, 5.0, -500.0] {
        for worm in [motors.knead, motors.walk, motors.protrude] {
            assert_eq!(settle(&worm, Command::Volts(0.0), load, 0.001).1, 0.0);
        }
    }
    // Tapping motor shorted (0 V): k = 24/366.52/1.01, R = k 24/0.505; steady braking torque k^2 w / R at the motor
    // equals 0.8235 * 0.2 / 5.5 - 0.005 = 0.024947 N m, w = 0.024947 R / k^2.
    let tap = motors.tap;
    let (k, r) = (tap.torque_constant_nm_a(), tap.resistance_ohm());
    let expected = (0.2 / 5.5 * (2.0 - 1.0 / 0.85) - 0.005) * r / (k * k) / 5.5;
    let (_, rate) = settle(&tap, Command::Volts(0.0), -0.2, 0.001);
    assert!((rate / expected - 1.0).abs() < 1e-6, "{rate} {expected}");
}

/// Speed halves its error with the step: the start-up against the exponential w = w1 (1 - exp(-t/tau)), tau = J R /
/// k^2.
#[test]
fn val_start_up_converges_with_the_step() {
    let motor = GearMotor {
        friction_nm: 0.0,
        current_limit_a: 1e3,
        ..Motors::reference().knead
    };
    let (k, r) = (motor.torque_constant_nm_a(), motor.resistance_ohm());
    let tau = motor.rotor_inertia_kg_m2 * r / (k * k);
    let error = |dt_s: f64| {
        let mut state = MotorState::default();
        let steps = (0.016 / dt_s).round() as usize;
        for _ in 0..steps {
            motor.step(&mut state, Command::Volts(12.0), 0.0, dt_s);
        }
        (state.speed_rad_s - 12.0 / k * (1.0 - (-0.016 / tau).exp())).abs()
    };
    let (coarse, fine) = (error(0.0005), error(0.00025));
    assert!((coarse / fine - 2.0).abs() < 0.15, "{coarse} {fine}");
}

/// The speed loop keeps its speed under a load that changes; the position loop follows a ramp and stands at its end.
#[test]
fn val_loops_do_as_told() {
    let motors = Motors::reference();
    for dt_s in [0.001, 0.002, 0.004] {
        let mut state = MotorState::default();
        let wanted = 25.0 * std::f64::consts::TAU / 60.0;
        let mut worst = 0.0_f64;
        for step in 0..(4.0 / dt_s) as usize {
            let t = step as f64 * dt_s;
            let load = 3.4 * std::f64::consts::SQRT_2 * (wanted * t).sin();
            let rate = motors
                .knead
                .step(&mut state, Command::Speed(wanted), load, dt_s)
                .rate;
            if t > 1.0 {
                worst = worst.max((rate / wanted - 1.0).abs());
            }
        }
        // 24 V, 4 gains of k: a load swing of 4.8 N m costs under 5 % for the moments until the integral has it.
        assert!(worst < 0.05, "{worst}");

        let mut state = MotorState::default();
        let mut worst = 0.0_f64;
        for step in 0..(4.0 / dt_s) as usize {
            let t = step as f64 * dt_s;
            let (position, rate) = if t < 2.0 {
                (0.020 * t, 0.020)
            } else {
                (0.040, 0.0)
            };
            motors
                .protrude
                .step(&mut state, Command::Follow { position, rate }, 100.0, dt_s);
            if t > 0.5 {
                worst = worst.max((state.joint - position).abs());
            }
        }
        assert!(worst < 0.5e-3, "lag {worst} m");
        assert_eq!(state.speed_rad_s, 0.0, "stands");
        assert!((state.joint - 0.040).abs() < 0.1e-3, "{}", state.joint);
    }
}
