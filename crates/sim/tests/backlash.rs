//! Promise: play of a gearbox loses its width on turning round, hands on what it must, and makes no energy.

use std::sync::Arc;

use mechanism::closed_form::Pendulum;
use mechanism::{
    GROUND, GearMotor, Joint, JointKind, Link, Linkage, Mechanism, Motion, Rig, RigDrive,
};
use sim::{Failure, Power, RigSetup, RigWorld};

/// A bar on a hinge about x that hangs down, its centre `centre_m` below, or a slide along y.
fn rig(kind: JointKind, centre_m: f64, motor: GearMotor, motion: Motion, backlash: f64) -> Rig {
    let bar = Link::new("bar", 0.5, 2e-3);
    Rig {
        links: vec![Link {
            centre_m: [0.0, 0.0, -centre_m],
            ..bar
        }],
        joints: vec![Joint::new("hinge", kind, GROUND, "bar", [0.0; 3])],
        drives: vec![RigDrive {
            backlash,
            ..RigDrive::new("hinge", motor, motion)
        }],
        ..Rig::new("play")
    }
}

fn world(rig: &Rig, gravity: f64) -> RigWorld {
    let setup = RigSetup {
        gravity_m_s2: [0.0, 0.0, -gravity],
        power: Power::Motors,
        ..RigSetup::default()
    };
    RigWorld::new(Arc::new(Linkage::new(rig).unwrap()), setup).unwrap()
}

/// Lost motion: the drive swings, dry friction in the bearing holds what it drives. Where the joint stands still while the motor turns
/// round, the motor goes through the whole play: B = 3 degrees (a slide: 2 mm). Else it is half of it ahead, on the side it pushes
/// from. To 1 % of B: a step's travel of the motor at either end.
#[test]
fn val_the_play_is_lost_on_turning_round() {
    let motor = Mechanism::reference().motors.knead;
    let slide = GearMotor {
        out_per_rad: 0.01,
        ..motor
    };
    for (kind, motor, amplitude, play, friction) in [
        (JointKind::Revolute, motor, 0.35, 3.0_f64.to_radians(), 0.05),
        (JointKind::Prismatic, slide, 0.02, 2e-3, 2.0),
    ] {
        let motion = Motion::Swing {
            amplitude,
            frequency_hz: 0.25,
            phase_rad: 0.0,
        };
        let mut rig = rig(kind.clone(), 0.0, motor, motion, play);
        rig.joints[0].friction = friction;
        let mut world = world(&rig, 0.0);
        let (mut stood_from, mut lost) = (None, Vec::new());
        let (mut most, mut least) = (0.0_f64, 0.0_f64);
        for step in 0..10_000 {
            world.step(&[]).unwrap();
            let drive = world.frame().drives[0];
            assert!(
                drive.ahead.abs() < 0.5 * play * 1.02,
                "{kind:?} {step}: {}",
                drive.ahead
            );
            if step < 2_000 {
                continue;
            }
            let motor_side = drive.position + drive.ahead;
            (most, least) = (most.max(drive.ahead), least.min(drive.ahead));
            let moves = drive.rate.abs() > 1e-3 * amplitude;
            match (moves, stood_from) {
                (false, None) => stood_from = Some(motor_side),
                (true, Some(from)) => {
                    // Taken up, it sticks once more for a step or two.
                    if f64::abs(from - motor_side) > 0.05 * play {
                        lost.push(from - motor_side);
                    }
                    stood_from = None;
                }
                _ => {}
            }
        }
        println!("{kind:?}: lost {lost:?} of {play}, ahead {least} to {most}");
        assert!(lost.len() >= 3, "{kind:?}: {lost:?}");
        for pair in lost.windows(2) {
            assert!(pair[0] * pair[1] < 0.0, "each way in turn");
        }
        for way in lost {
            assert!(
                (way.abs() - play).abs() < 0.01 * play,
                "{kind:?}: {way} of {play}"
            );
        }
        assert!(
            (most - 0.5 * play).abs() < 0.01 * play && (least + 0.5 * play).abs() < 0.01 * play
        );
    }
}

/// Within its play a bar is no part of its motor: it swings as the free pendulum of its closed form. The period at 0.2 rad is
/// asked to 0.2 %: four zero crossings on steps of 1 ms, interpolated; the engine's own damping of the rate is first order.
#[test]
fn val_within_its_play_a_bar_swings_freely() {
    let motor = Mechanism::reference().motors.knead;
    let mut described = rig(JointKind::Revolute, 0.2, motor, Motion::Hold, 1.0);
    described.joints[0].start = 0.0;
    let mut world = world(&described, 9.81);
    world.launch(&[1.0]);
    // The launch turns the motor too: brake it, it stands within a few steps.
    let mut crossings = Vec::new();
    let (mut before, mut highest) = (0.0, 0.0_f64);
    for step in 1..4_000 {
        world.step(&[]).unwrap();
        let at = world.frame().positions[0];
        highest = highest.max(at);
        if step > 5 && before < 0.0 && at >= 0.0 {
            crossings.push(1e-3 * (f64::from(step) - at / (at - before)));
        }
        before = at;
    }
    let pendulum = Pendulum {
        mass_kg: 0.5,
        centre_m: 0.2,
        inertia_kg_m2: 2e-3 + 0.5 * 0.2 * 0.2,
        gravity_m_s2: 9.81,
    };
    let period = (crossings[3] - crossings[0]) / 3.0;
    let expected = pendulum.period_s(highest);
    println!("period {period} s, closed form {expected} s at {highest} rad");
    assert!(highest < 0.45, "it does not touch the stops: {highest}");
    assert!(
        (period / expected - 1.0).abs() < 2e-3,
        "{period} {expected}"
    );
}

/// A pendulum that knocks its freewheeling rotor to and fro, without friction anywhere: knocks lose energy and make none. Of the 0.451 J
/// let go (`m g l (1 - cos 1)`) it never has more, to 1e-4 of them (the engine's own error: it steps the height explicitly).
#[test]
fn val_play_makes_no_energy() {
    let motor = GearMotor {
        friction_nm: 0.0,
        efficiency: 1.0,
        self_locking: false,
        ratio: 10.0,
        ..Mechanism::reference().motors.knead
    };
    let mut described = rig(JointKind::Revolute, 0.2, motor, Motion::Hold, 0.5);
    described.joints[0].start = 1.0;
    let mut world = world(&described, 9.81);
    world.fail(0, Failure::Off);
    let begun = world.frame().energy_j + 0.5 * 9.81 * 0.2;
    let (mut most, mut knocks, mut side) = (0.0_f64, 0, 0.0);
    let mut end = begun;
    for _ in 0..10_000 {
        world.step(&[]).unwrap();
        end = world.frame().energy_j + 0.5 * 9.81 * 0.2;
        most = most.max(end);
        let ahead = world.frame().drives[0].ahead;
        if ahead.abs() > 0.249 && ahead.signum() != side {
            knocks += 1;
            side = ahead.signum();
        }
    }
    println!("{begun} J let go, {most} J at most, {end} J in the end, {knocks} knocks");
    assert!(knocks > 4, "{knocks}");
    assert!(most < begun * (1.0 + 1e-4), "{most} of {begun}");
    assert!(end < 0.9 * begun);
}

/// A worm that holds a bar out level: the play lies on the load's side, and the drive hands on `m g l`, 0.981 N m.
#[test]
fn val_a_held_load_rests_on_one_side_of_the_play() {
    let motor = Mechanism::reference().motors.knead;
    let play = 2.0_f64.to_radians();
    let mut described = rig(JointKind::Revolute, 0.2, motor, Motion::Hold, play);
    described.joints[0].start = std::f64::consts::FRAC_PI_2;
    let mut world = world(&described, 9.81);
    for _ in 0..1_000 {
        world.step(&[]).unwrap();
    }
    let drive = world.frame().drives[0];
    let expected = 0.5 * 9.81 * 0.2 * drive.position.sin();
    println!("{drive:?}, {expected} N m");
    assert!((drive.effort / expected - 1.0).abs() < 0.01, "{drive:?}");
    assert!((drive.ahead - 0.5 * play).abs() < 0.02 * play, "{drive:?}");
}
