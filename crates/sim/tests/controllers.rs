//! Promise: drives are led as firmware leads them, by the pulses it counts and the voltages it has, and stop at their switches.

use std::f64::consts::TAU;
use std::sync::Arc;

use mechanism::{
    Command, Control, GROUND, GearMotor, Joint, JointKind, Link, Linkage, Mechanism, Motion, Rig,
    RigDrive, Seen,
};
use sim::{Power, RigSetup, RigWorld};

/// A flywheel, or a slide, on one drive.
fn world(kind: JointKind, motor: GearMotor, motion: Motion, control: Control) -> RigWorld {
    let rig = Rig {
        links: vec![Link::new("load", 0.5, 2e-3)],
        joints: vec![Joint::new("axis", kind, GROUND, "load", [0.0; 3])],
        drives: vec![RigDrive {
            control,
            ..RigDrive::new("axis", motor, motion)
        }],
        ..Rig::new("one axis")
    };
    let setup = RigSetup {
        power: Power::Motors,
        substeps: 1,
        ..RigSetup::default()
    };
    RigWorld::new(Arc::new(Linkage::new(&rig).unwrap()), setup).unwrap()
}

const STILL: Motion = Motion::Run {
    rate: 0.0,
    reverse_s: 0.0,
};

fn run(rate: f64) -> Motion {
    Motion::Run {
        rate,
        reverse_s: 0.0,
    }
}

/// Mean and standard deviation of the speed from 1 to 4 s.
fn speed(motor: GearMotor, rate: f64, control: Control) -> (f64, f64) {
    let mut world = world(JointKind::Revolute, motor, run(rate), control);
    let (mut n, mut sum, mut square) = (0.0, 0.0, 0.0);
    while world.frame().t_s < 4.0 {
        let frame = world.step(&[]).unwrap();
        let drive = frame.drives[0];
        if control.pulses_per_turn > 0.0 {
            let pulse = TAU / control.pulses_per_turn * motor.joint_per_rad();
            assert!((drive.counted - drive.position).abs() <= 0.5 * pulse + 1e-12);
        }
        if frame.t_s > 1.0 {
            let v = drive.rate;
            (n, sum, square) = (n + 1.0, sum + v, square + v * v);
        }
    }
    let mean = sum / n;
    (mean, (square / n - mean * mean).max(0.0).sqrt())
}

/// The kneading motor at 1.26 rad/s (12 rpm): whoever counts pulses keeps the mean, since the integral does, and ripples more. The stability
/// of a delayed first-order loop, `tau w' = -w - G w(t - d)`, ends at `d = tau arccos(-1/G) / sqrt(G^2 - 1)` for G > 1 and nowhere
/// below (Michiels and Niculescu 2007, scalar case). Here tau is 7 ms and d, at 6 pulses a turn, 9 ms: at a gain of 4 the motor hunts, at 0.5 it does not.
#[test]
fn val_few_pulses_and_a_high_gain_hunt() {
    let motor = Mechanism::reference().motors.knead;
    let rate = 12.0 / 60.0 * TAU;
    let counting = |speed_gain: f64| Control {
        pulses_per_turn: 6.0,
        speed_gain,
        ..Control::default()
    };
    let (ideal, ideal_sd) = speed(motor, rate, Control::default());
    let (calm, calm_sd) = speed(motor, rate, counting(0.5));
    let (wild, wild_sd) = speed(motor, rate, counting(4.0));
    println!("{ideal} {ideal_sd:.1e}, {calm} {calm_sd:.1e}, {wild} {wild_sd:.1e}");
    for mean in [ideal, calm, wild] {
        assert!((mean / rate - 1.0).abs() < 0.03, "{mean} of {rate}");
    }
    assert!(calm_sd < 0.02 * rate, "{calm_sd}");
    assert!(wild_sd > 0.05 * rate, "{wild_sd}");
}

/// Steps of voltage are what comes out, the nearest to the loop's own; pulses tell the speed of an even motion to the rounding of numbers and
/// the place to half a pulse.
#[test]
fn val_what_a_controller_sees_and_puts_out() {
    let motor = Mechanism::reference().motors.knead;
    let (ideal, coarse) = (
        Control {
            speed_gain: 4.0,
            ..Control::default()
        },
        Control {
            speed_gain: 4.0,
            pwm_steps: 10.0,
            ..Control::default()
        },
    );
    for rate in [0.2, -0.7, 1.3, 9.0] {
        let command = Command::Speed(rate);
        let [volts, stepped] =
            [ideal, coarse].map(|c| c.volts(&motor, &mut Seen::default(), command, 1e-3));
        let step_v = motor.supply_v / 10.0;
        assert!(((stepped / step_v).round() * step_v - stepped).abs() < 1e-12);
        assert!(
            (stepped - volts).abs() <= 0.5 * step_v + 1e-12,
            "{volts} {stepped}"
        );
    }

    let counting = Control {
        pulses_per_turn: 6.0,
        ..Control::default()
    };
    let pulse = TAU / 6.0 * motor.joint_per_rad();
    for rate in [0.9, -1.7] {
        let mut seen = counting.begin(&motor, 0.4);
        let dt_s = 1e-3;
        for i in 1..=400 {
            let joint = 0.4 + rate * dt_s * f64::from(i);
            counting.see(&motor, &mut seen, joint, rate, dt_s);
            assert!((seen.joint() - joint).abs() <= 0.5 * pulse + 1e-12);
            // Edges must have been passed.
            if rate.abs() * dt_s * f64::from(i) > 3.0 * pulse {
                assert!(
                    (seen.rate(&motor) / rate - 1.0).abs() < 1e-9,
                    "{}",
                    seen.rate(&motor)
                );
            }
        }
    }
}

/// Between switches 100 mm apart at 40 mm/s it turns round four times in 10 s, and overshoots by less than it goes in 25 ms. Sent beyond one it stops there.
#[test]
fn val_end_switches_turn_a_travel_round() {
    let motor = Mechanism::reference().motors.walk;
    let control = Control {
        switches: Some([-0.05, 0.05]),
        ..Control::default()
    };
    let mut axis = world(JointKind::Prismatic, motor, run(0.04), control);
    let (mut turns, mut last, mut most) = (0, 1.0, 0.0_f64);
    while axis.frame().t_s < 10.0 {
        let frame = axis.step(&[]).unwrap();
        most = most.max(frame.positions[0].abs());
        let way = frame.drives[0].asked.signum();
        turns += i32::from(way != last);
        last = way;
    }
    println!("{turns} turns, {:.2} mm at most", 1e3 * most);
    assert_eq!(turns, 4);
    assert!(most > 0.05 && most < 0.051, "{most}");

    let mut axis = world(JointKind::Prismatic, motor, STILL, control);
    axis.command(0, Some(Command::Speed(0.04)));
    while axis.frame().t_s < 3.0 {
        axis.step(&[]).unwrap();
    }
    let place = axis.frame().positions[0];
    assert!((0.05..0.051).contains(&place), "{place}");
}
