//! Promise: a rig in the engine moves and loads its parts as the formulas of its kind say.
//!
//! The engine is asked at 1 ms, as scenes run; halving and doubling the step shows that the error is the step's.

use std::f64::consts::TAU;
use std::sync::Arc;

use mechanism::closed_form::{FourBar, Pendulum, SliderCrank};
use mechanism::{
    Closing, ClosingKind, Coupling, GROUND, Hand, Head, Joint, JointKind, Kinematics, Law, Link,
    Linkage, Mechanism, Motion, Rig, RigDrive,
};
use nalgebra::Vector3;
use sim::{Power, RigSetup, RigWorld};

fn run(joint: &str, rate: f64) -> RigDrive {
    let motion = Motion::Run {
        rate,
        reverse_s: 0.0,
    };
    RigDrive::new(joint, Mechanism::reference().motors.knead, motion)
}

fn rig() -> Rig {
    Rig::new("test")
}

/// A head without mass to speak of.
fn head(link: &str, at_m: [f64; 3]) -> Head {
    let mut node = Mechanism::reference().nodes[0].clone();
    node.name = link.into();
    node.mass_kg = 1e-9;
    Head {
        node,
        link: link.into(),
        at_m,
        turn_rad: [0.0; 3],
        load_n: 0.0,
    }
}

fn world(rig: &Rig, setup: RigSetup) -> RigWorld {
    let linkage = Linkage::new(rig).unwrap_or_else(|p| panic!("{p:?}"));
    RigWorld::new(Arc::new(linkage), setup).unwrap()
}

fn at(dt_ms: f64, power: Power) -> RigSetup {
    RigSetup {
        dt_s: 1e-3 * dt_ms,
        power,
        ..RigSetup::default()
    }
}

const GUN: SliderCrank = SliderCrank {
    crank_m: 0.008,
    rod_m: 0.035,
    offset_m: 0.0,
};

/// Only the piston has mass to speak of.
fn slider_crank(form: &SliderCrank, rate: f64) -> Rig {
    Rig {
        links: vec![
            Link::new("crank", 1e-4, 1e-8),
            Link::new("rod", 1e-4, 1e-8),
            Link::new("piston", 0.040, 1e-5),
        ],
        joints: vec![
            Joint::new("crank", JointKind::Revolute, GROUND, "crank", [0.0; 3]),
            Joint::new(
                "pin",
                JointKind::Revolute,
                "crank",
                "rod",
                [0.0, form.crank_m, 0.0],
            ),
            Joint {
                axis: [0.0, 1.0, 0.0],
                start: form.crank_m + form.rod_m,
                ..Joint::new(
                    "bore",
                    JointKind::Prismatic,
                    GROUND,
                    "piston",
                    [0.0, 0.0, form.offset_m],
                )
            },
        ],
        closings: vec![Closing::new(
            "wrist",
            ClosingKind::Hinge,
            ("rod", [0.0, form.rod_m, 0.0]),
            ("piston", [0.0; 3]),
        )],
        drives: vec![run("crank", rate)],
        heads: vec![head("piston", [0.0; 3])],
        ..rig()
    }
}

const BARS: FourBar = FourBar {
    ground_m: 0.100,
    crank_m: 0.030,
    coupler_m: 0.090,
    rocker_m: 0.070,
};

/// Inertia of the rocker about its pivot; the other bars weigh next to nothing.
const ROCKER_KG_M2: f64 = 2e-3;

fn four_bar(form: &FourBar, rate: f64) -> Rig {
    Rig {
        links: vec![
            Link::new("crank", 1e-4, 1e-8),
            Link::new("coupler", 1e-4, 1e-8),
            Link::new("rocker", 0.1, ROCKER_KG_M2),
        ],
        joints: vec![
            Joint::new("crank", JointKind::Revolute, GROUND, "crank", [0.0; 3]),
            Joint {
                start: 0.9,
                ..Joint::new(
                    "pin",
                    JointKind::Revolute,
                    "crank",
                    "coupler",
                    [0.0, form.crank_m, 0.0],
                )
            },
            Joint {
                start: 1.5,
                ..Joint::new(
                    "rocker",
                    JointKind::Revolute,
                    GROUND,
                    "rocker",
                    [0.0, form.ground_m, 0.0],
                )
            },
        ],
        closings: vec![Closing::new(
            "knuckle",
            ClosingKind::Hinge,
            ("coupler", [0.0, form.coupler_m, 0.0]),
            ("rocker", [0.0, form.rocker_m, 0.0]),
        )],
        drives: vec![run("crank", rate)],
        heads: vec![head("rocker", [0.0, form.rocker_m, 0.0])],
        ..rig()
    }
}

fn wobble(rate: f64) -> Rig {
    Rig {
        links: vec![
            Link::new("shaft", 0.5, 1e-3),
            Link {
                mirror: true,
                centre_m: [0.0, 0.04, 0.035],
                ..Link::new("arm", 0.4, 5e-4)
            },
        ],
        joints: vec![
            Joint::new("knead", JointKind::Revolute, GROUND, "shaft", [0.0; 3]),
            Joint {
                turn_rad: [0.0, 0.0, 10.0_f64.to_radians()],
                ..Joint::new(
                    "boss",
                    JointKind::Revolute,
                    "shaft",
                    "arm",
                    [0.055, 0.008, 0.0],
                )
            },
        ],
        closings: vec![Closing::new(
            "rod",
            ClosingKind::Rod { length_m: 0.070 },
            ("arm", [0.0, -0.045, -0.010]),
            (GROUND, [0.055, -0.045, -0.080]),
        )],
        drives: vec![run("knead", rate)],
        heads: vec![head("arm", [0.0, 0.080, 0.070])],
        ..rig()
    }
}

/// Greatest distance between simulated and closed-form rocker pivots over four turns at 25 rpm, m.
fn wobble_error(setup: RigSetup) -> f64 {
    let closed = Kinematics::new(&Mechanism::reference()).unwrap();
    let rate = 25.0 * TAU / 60.0;
    let mut world = world(&wobble(rate), setup);
    let mut worst: f64 = 0.0;
    while world.frame().t_s < 4.0 * TAU / rate {
        let frame = world.step(&[]).unwrap();
        for (head, hand) in [(0, Hand::Right), (1, Hand::Left)] {
            let form = closed
                .pivot_in_carriage(frame.positions[0], 0.0, hand)
                .unwrap();
            let off = frame.heads[head].translation.vector - form.pivot.translation.vector;
            worst = worst.max(off.norm());
        }
    }
    worst
}

/// The rocker pivots of the wobble, its rods closed by the engine: within 0.1 mm of the closed form at 0.5, 1 and 2 ms.
#[test]
fn val_wobble_path() {
    let errors = [0.5, 1.0, 2.0].map(|dt_ms| wobble_error(at(dt_ms, Power::Unlimited)));
    println!("wobble path error: {errors:?} m");
    assert!(errors.iter().all(|e| *e < 1e-4), "{errors:?}");
    assert!(errors[0] < errors[2], "finer is better: {errors:?}");
    // Kneading is slow: one engine step a millisecond does, at 40 % of the cost.
    let single = wobble_error(RigSetup {
        substeps: 1,
        ..at(1.0, Power::Unlimited)
    });
    println!("wobble path error, one substep: {single:.1e} m");
    assert!(single < 1e-4, "{single}");
}

/// Slider-crank at 20 and 40 Hz: the piston where the formula has it, with and without offset.
#[test]
fn val_slider_crank_path() {
    for (offset_m, hz, dt_ms) in [
        (0.0, 20.0, 1.0),
        (0.003, 20.0, 1.0),
        (0.0, 40.0, 1.0),
        (0.0, 20.0, 0.5),
        (0.0, 20.0, 2.0),
    ] {
        let form = SliderCrank { offset_m, ..GUN };
        let mut world = world(&slider_crank(&form, TAU * hz), at(dt_ms, Power::Unlimited));
        let mut worst: f64 = 0.0;
        while world.frame().t_s < 0.5 {
            let frame = world.step(&[]).unwrap();
            let s = form.slider(frame.positions[0])[0];
            worst = worst.max((frame.heads[0].translation.vector.y - s).abs());
        }
        println!("slider-crank d = {offset_m}, {hz} Hz, {dt_ms} ms: path error {worst:.2e} m");
        assert!(worst < 1e-4, "{hz} Hz, {dt_ms} ms: {worst}");
    }
}

#[test]
fn val_four_bar_path() {
    for dt_ms in [0.5, 1.0, 2.0] {
        let mut world = world(&four_bar(&BARS, 10.0), at(dt_ms, Power::Unlimited));
        let mut worst: f64 = 0.0;
        while world.frame().t_s < 2.0 {
            let frame = world.step(&[]).unwrap();
            let [psi, _, _] = BARS.rocker(frame.positions[0], 1.0).unwrap();
            let end = Vector3::new(
                0.0,
                BARS.ground_m + BARS.rocker_m * psi.cos(),
                BARS.rocker_m * psi.sin(),
            );
            let off = (frame.heads[0].translation.vector - end).norm();
            worst = worst.max(off);
        }
        println!("four-bar, {dt_ms} ms: path error {worst:.2e} m");
        assert!(worst < 1e-4, "{dt_ms} ms: {worst}");
    }
}

/// A carriage on the S-track at 48 mm/s, against the track's own kinematics.
#[test]
fn val_track_path() {
    let reference = Mechanism::reference();
    let kinematics = Kinematics::new(&reference).unwrap();
    let (top, bottom) = kinematics.walk_range();
    let on_track = Rig {
        links: vec![Link::new("carriage", 7.0, 0.05)],
        joints: vec![Joint {
            range: Some([top, bottom]),
            start: top,
            ..Joint::new(
                "walk",
                JointKind::Track {
                    track: reference.track.clone(),
                    wheelbase_m: reference.carriage.wheelbase_m,
                },
                GROUND,
                "carriage",
                [0.0; 3],
            )
        }],
        drives: vec![run("walk", 0.048)],
        heads: vec![head("carriage", [0.05, 0.03, 0.02])],
        ..rig()
    };
    let mut world = world(&on_track, at(1.0, Power::Unlimited));
    let mut worst: f64 = 0.0;
    let place = nalgebra::Point3::new(0.05, 0.03, 0.02);
    while world.frame().t_s < 13.0 {
        let frame = world.step(&[]).unwrap();
        let form = kinematics.carriage(frame.positions[0]) * place;
        worst = worst.max((frame.heads[0].translation.vector - form.coords).norm());
    }
    println!(
        "track: path error {worst:.2e} m, travelled to {}",
        world.frame().positions[0]
    );
    assert!(world.frame().positions[0] > bottom - 0.03);
    assert!(worst < 1e-4, "{worst}");
}

const SWING: Pendulum = Pendulum {
    mass_kg: 0.5,
    centre_m: 0.2,
    inertia_kg_m2: 0.5 * 0.04 + 2e-3,
    gravity_m_s2: 9.81,
};

fn pendulum() -> Rig {
    Rig {
        links: vec![Link {
            centre_m: [0.0, 0.0, -SWING.centre_m],
            ..Link::new("bob", SWING.mass_kg, 2e-3)
        }],
        joints: vec![Joint {
            start: 1.2,
            ..Joint::new("pivot", JointKind::Revolute, GROUND, "bob", [0.0; 3])
        }],
        heads: vec![head("bob", [0.0, 0.0, -SWING.centre_m])],
        ..rig()
    }
}

/// What joints carry, by the links' momentum: the pendulum's pivot and the slider-crank's bore against their formulas.
#[test]
fn val_reactions() {
    let setup = RigSetup {
        gravity_m_s2: [0.0, 0.0, -SWING.gravity_m_s2],
        ..at(0.5, Power::None)
    };
    let mut swing = world(&pendulum(), setup);
    let (mut worst, mut held): (f64, f64) = (0.0, 0.0);
    while swing.frame().t_s < 2.0 {
        let frame = swing.step(&[]).unwrap();
        let (t, angle, rate) = (frame.t_s, frame.positions[0], frame.rates[0]);
        let middle = angle - 0.5 * rate * setup.dt_s;
        let [along, across] = SWING.reaction_n(middle, SWING.speed_rad_s(middle, 1.2));
        let (s, c) = middle.sin_cos();
        let form = Vector3::new(0.0, -s, c) * along - Vector3::new(0.0, c, s) * across;
        if t > 2.0 * setup.dt_s {
            let reaction = swing.reactions()[0];
            worst = worst.max((reaction.force_n - form).norm());
            // A free pivot holds no moment.
            held = held.max(reaction.moment_nm.norm());
        }
    }
    let share = held / (SWING.mass_kg * 9.81 * SWING.centre_m);
    println!(
        "pendulum's pivot: {worst:.2e} N off of {:.1}, {share:.1e} of the weight's moment",
        SWING.mass_kg * 9.81
    );
    assert!(share < 5e-3, "{share}");
    assert!(worst < 0.01 * SWING.mass_kg * 9.81, "{worst}");

    // The bore of a slider-crank carries across it what the rod pushes sideways: `F tan(rod's angle)`, F the piston's inertia.
    let rig = slider_crank(&GUN, TAU * 20.0);
    let mut gun = world(
        &rig,
        RigSetup {
            substeps: 8,
            ..at(0.5, Power::Unlimited)
        },
    );
    let bore = gun
        .linkage()
        .rig()
        .joints
        .iter()
        .position(|j| j.kind == JointKind::Prismatic)
        .unwrap();
    let piston = rig
        .links
        .iter()
        .find(|l| l.name == rig.joints[bore].child)
        .unwrap();
    let mass_kg = piston.mass_kg + rig.heads[0].node.mass_kg;
    let (mut off, mut most): (f64, f64) = (0.0, 0.0);
    let rate = TAU * 20.0;
    while gun.frame().t_s < 0.3 {
        let frame = gun.step(&[]).unwrap();
        let phi = frame.positions[0] - 0.5 * rate * 0.5e-3;
        let [_, _, acceleration] = GUN.slider(phi);
        let lambda = GUN.crank_m / GUN.rod_m * phi.sin();
        let tan = lambda / (1.0 - lambda * lambda).sqrt();
        let sideways = mass_kg * acceleration * rate * rate * tan;
        if frame.t_s > 0.1 {
            let found = gun.reactions()[bore]
                .on_axis(gun.axis(bore).as_ref())
                .radial_n;
            off = off.max((found - sideways.abs()).abs());
            most = most.max(sideways.abs());
        }
    }
    println!("slider-crank's bore: {most:.3} N across at most, {off:.3} N off");
    // The rod's own mass is 1 % of the piston's.
    assert!(off < 0.03 * most, "{off} of {most}");
}

/// A worm that stands shows what it holds: 40 N on its slide, 10 N on a follower that goes twice as far, 5 N of a spring.
#[test]
fn val_a_worm_at_rest_shows_its_load() {
    let slide = |name: &str, start, spring| Joint {
        axis: [0.0, 1.0, 0.0],
        start,
        spring,
        ..Joint::new(name, JointKind::Prismatic, GROUND, name, [0.0; 3])
    };
    let motor = Mechanism::reference().motors.protrude;
    assert!(motor.self_locking);
    let rig = Rig {
        links: vec![Link::new("a", 0.2, 1e-4), Link::new("b", 0.1, 1e-4)],
        joints: vec![slide("a", 0.005, 1000.0), slide("b", 0.01, 0.0)],
        couplings: vec![Coupling {
            joint: "b".into(),
            to: "a".into(),
            law: Law::Gear {
                ratio: 2.0,
                offset: 0.0,
            },
        }],
        drives: vec![RigDrive::new("a", motor, Motion::Hold)],
        heads: vec![head("a", [0.0; 3]), head("b", [0.0; 3])],
        ..rig()
    };
    let mut world = world(&rig, at(1.0, Power::Motors));
    let forces = [-40.0, -10.0].map(|y| Vector3::new(0.0, y, 0.0));
    for _ in 0..500 {
        world.step(&forces).unwrap();
    }
    let drive = world.frame().drives[0];
    assert!(
        drive.rate.abs() < 1e-9 && drive.current_a.abs() < 1e-6,
        "{drive:?}"
    );
    assert!((drive.effort - 65.0).abs() < 0.01, "{}", drive.effort);
}

/// Period by the elliptic integral at 1.2 rad, energy over ten swings, and the pivot's force from the bob's acceleration.
#[test]
fn val_pendulum() {
    let mut errors = Vec::new();
    for dt_ms in [2.0, 1.0, 0.5] {
        let setup = RigSetup {
            gravity_m_s2: [0.0, 0.0, -SWING.gravity_m_s2],
            ..at(dt_ms, Power::None)
        };
        let mut world = world(&pendulum(), setup);
        let start_j = world.frame().energy_j;
        let depth_j = SWING.mass_kg * 9.81 * SWING.centre_m * (1.0 - 1.2_f64.cos());
        let (mut crossings, mut drift): (Vec<f64>, f64) = (Vec::new(), 0.0);
        let mut means = [(0.0, 0.0); 10];
        let (mut last, mut last_v) = (1.2, Vector3::zeros());
        let mut reaction: f64 = 0.0;
        let period = SWING.period_s(1.2);
        while world.frame().t_s < 10.0 * period {
            let dt_s = setup.dt_s;
            let frame = world.step(&[]).unwrap();
            let (t, angle, rate) = (frame.t_s, frame.positions[0], frame.rates[0]);
            if last < 0.0 && angle >= 0.0 {
                crossings.push(t - dt_s * angle / (angle - last));
            }
            drift = drift.max((frame.energy_j - start_j).abs() / depth_j);
            let swing = ((t / period) as usize).min(9);
            means[swing].0 += frame.energy_j;
            means[swing].1 += 1.0;
            // Mean force over the step against the formula in its middle.
            let v = frame.head_m_s[0];
            let force = SWING.mass_kg * ((v - last_v) / dt_s + Vector3::new(0.0, 0.0, 9.81));
            let middle = angle - 0.5 * rate * dt_s;
            let [along, across] = SWING.reaction_n(middle, SWING.speed_rad_s(middle, 1.2));
            // Positive angles turn from y to z: the bob hangs at (sin, -cos) of the angle.
            let (s, c) = middle.sin_cos();
            let form = Vector3::new(0.0, -s, c) * along - Vector3::new(0.0, c, s) * across;
            if t > 2.0 * dt_s {
                reaction = reaction.max((force - form).norm());
            }
            (last, last_v) = (angle, v);
        }
        let found = (crossings[crossings.len() - 1] - crossings[0]) / (crossings.len() - 1) as f64;
        let mean = |swing: usize| (means[swing].0 / means[swing].1 - start_j) / depth_j;
        let lost = (mean(9) - mean(0)).abs();
        println!(
            "pendulum {dt_ms} ms: period {:.2e} off, energy swings by {drift:.2e}, drifts by {lost:.2e}, reaction {reaction:.2e} N of {:.1}",
            found / period - 1.0,
            SWING.mass_kg * 9.81
        );
        errors.push([(found / period - 1.0).abs(), drift, reaction, lost]);
    }
    // The engine's speed is that of half a substep before its place, so that the energy shown swings by up to
    // h/2 J w' w / depth: at 1.2 rad and 0.25 ms about 2e-3, and half of it at half the step. It must not add up.
    let [_, mid, fine] = [errors[0], errors[1], errors[2]];
    assert!(
        mid[0] < 1e-6 && mid[1] < 3e-3 && mid[3] < 1e-5,
        "{errors:?}"
    );
    assert!((fine[1] / mid[1] - 0.5).abs() < 0.05, "{errors:?}");
    // Force by differences of speed, against the middle of the step: the same half substep of g sin.
    assert!(mid[2] < 0.03 && fine[2] < 0.6 * mid[2], "{errors:?}");
}

/// At constant speed only the piston's inertia loads the crank, `m s'' s' omega^2`, and the wrist carries `m s''`.
#[test]
fn val_slider_crank_torque_and_reaction() {
    let omega = TAU * 20.0;
    let mut world = world(
        &slider_crank(&GUN, omega),
        RigSetup {
            substeps: 8,
            ..at(0.5, Power::Unlimited)
        },
    );
    let (mut torque, mut wrist): (f64, f64) = (0.0, 0.0);
    let (mut most_nm, mut most_n): (f64, f64) = (0.0, 0.0);
    let dt_s = 0.5e-3;
    while world.frame().t_s < 0.2 {
        let frame = world.step(&[]).unwrap();
        if frame.t_s < 0.05 {
            continue;
        }
        let phi = frame.positions[0] - 0.5 * omega * dt_s;
        let [_, rate, bend] = GUN.slider(phi);
        let form_nm = 0.040 * bend * rate * omega * omega;
        let form_n = 0.040 * bend * omega * omega;
        (most_nm, most_n) = (most_nm.max(form_nm.abs()), most_n.max(form_n.abs()));
        torque = torque.max((frame.drives[0].effort - form_nm).abs());
        wrist = wrist.max((frame.closing_n[0].y - form_n).abs());
    }
    println!(
        "slider-crank: torque off by {torque:.2e} of {most_nm:.3} N m, wrist by {wrist:.2e} of {most_n:.2} N"
    );
    assert!(torque < 0.02 * most_nm, "{torque} of {most_nm}");
    assert!(wrist < 0.02 * most_n, "{wrist} of {most_n}");
}

/// At constant crank speed only the rocker's inertia loads the crank, and the coupler, a two-force bar, carries
/// `J psi'' omega^2 / (c sin(transmission angle))` along itself.
#[test]
fn val_four_bar_torque_and_reaction() {
    let omega = 20.0;
    let dt_s = 1e-3;
    let mut world = world(
        &four_bar(&BARS, omega),
        RigSetup {
            substeps: 8,
            ..at(1.0, Power::Unlimited)
        },
    );
    let (mut torque, mut pull): (f64, f64) = (0.0, 0.0);
    let (mut most_nm, mut most_n): (f64, f64) = (0.0, 0.0);
    while world.frame().t_s < 1.0 {
        let frame = world.step(&[]).unwrap();
        if frame.t_s < 0.3 {
            continue;
        }
        let phi = frame.positions[0] - 0.5 * omega * dt_s;
        let form_nm = BARS
            .inertia_torque_nm(phi, 1.0, ROCKER_KG_M2, omega)
            .unwrap();
        let [psi, _, bend] = BARS.rocker(phi, 1.0).unwrap();
        let pin = Vector3::new(0.0, BARS.crank_m * phi.cos(), BARS.crank_m * phi.sin());
        let knuckle = Vector3::new(
            0.0,
            BARS.ground_m + BARS.rocker_m * psi.cos(),
            BARS.rocker_m * psi.sin(),
        );
        let along = (knuckle - pin).normalize();
        let across = Vector3::new(0.0, -psi.sin(), psi.cos());
        let size = ROCKER_KG_M2 * bend * omega * omega / (BARS.rocker_m * along.dot(&across));
        let form = along * size;
        (most_nm, most_n) = (most_nm.max(form_nm.abs()), most_n.max(size.abs()));
        torque = torque.max((frame.drives[0].effort - form_nm).abs());
        pull = pull.max((frame.closing_n[0] - form).norm());
    }
    println!(
        "four-bar: torque off by {torque:.2e} of {most_nm:.3} N m, knuckle by {pull:.2e} of {most_n:.2} N"
    );
    assert!(torque < 0.02 * most_nm, "{torque} of {most_nm}");
    assert!(pull < 0.02 * most_n, "{pull} of {most_n}");
}

/// Freewheeling loops gain no energy and lose little: launched, nothing drives and nothing brakes them.
#[test]
fn val_energy_of_free_loops() {
    for (name, rig, omega) in [
        ("slider-crank", slider_crank(&GUN, 0.0), TAU * 10.0),
        ("four-bar", four_bar(&BARS, 0.0), 20.0),
    ] {
        // A flywheel, so that they pass their dead centres.
        let mut rig = rig;
        rig.links[0].inertia_kg_m2 = [2e-3; 3];
        rig.joints[0].start = 0.4;
        let mut drifts = Vec::new();
        for dt_ms in [2.0, 1.0, 0.5] {
            let mut world = world(&rig, at(dt_ms, Power::None));
            world.launch(&[omega]);
            let start_j = world.step(&[]).unwrap().energy_j;
            let (mut least, mut most): (f64, f64) = (0.0, 0.0);
            while world.frame().t_s < 2.0 {
                let frame = world.step(&[]).unwrap();
                let change = frame.energy_j / start_j - 1.0;
                (least, most) = (least.min(change), most.max(change));
            }
            // Nothing from nowhere, but for the half substep between place and speed.
            assert!(most < 2e-3, "{name}, {dt_ms} ms: {most}");
            drifts.push(-least);
        }
        println!("{name}: energy lost within 2 s at 2, 1, 0.5 ms: {drifts:?}");
        // Each substep the links go on straight and the loop takes their part across it away, `m (a h)^2 / 2`: the loss is
        // of first order in the step.
        assert!(drifts[1] < 0.03, "{name}: {drifts:?}");
        assert!(
            (drifts[2] / drifts[1] - 0.5).abs() < 0.1,
            "{name}: {drifts:?}"
        );
    }
}

/// Gears and cams in the engine: a follower at half speed, and a slide on a harmonic cam.
#[test]
fn val_gear_and_cam() {
    let lifts: Vec<f64> = (0..36)
        .map(|i| 0.006 * (1.0 - (TAU * f64::from(i) / 36.0).cos()))
        .collect();
    let cam = Rig {
        links: vec![
            Link::new("cam", 0.1, 1e-4),
            Link::new("wheel", 0.1, 1e-4),
            Link::new("follower", 0.1, 1e-4),
        ],
        joints: vec![
            Joint::new("cam", JointKind::Revolute, GROUND, "cam", [0.0; 3]),
            Joint::new(
                "wheel",
                JointKind::Revolute,
                GROUND,
                "wheel",
                [0.0, 0.1, 0.0],
            ),
            Joint {
                axis: [0.0, 1.0, 0.0],
                ..Joint::new(
                    "follower",
                    JointKind::Prismatic,
                    GROUND,
                    "follower",
                    [0.0; 3],
                )
            },
        ],
        couplings: vec![
            Coupling {
                joint: "wheel".into(),
                to: "cam".into(),
                law: Law::Gear {
                    ratio: -0.5,
                    offset: 0.3,
                },
            },
            Coupling {
                joint: "follower".into(),
                to: "cam".into(),
                law: Law::Cam { lifts },
            },
        ],
        drives: vec![run("cam", 20.0)],
        heads: vec![head("follower", [0.0; 3])],
        ..rig()
    };
    let mut world = world(&cam, at(1.0, Power::Unlimited));
    let (mut gear, mut lift): (f64, f64) = (0.0, 0.0);
    while world.frame().t_s < 1.0 {
        let frame = world.step(&[]).unwrap();
        gear = gear.max((frame.positions[1] - 0.3 + 0.5 * frame.positions[0]).abs());
        let form = 0.006 * (1.0 - frame.positions[0].cos());
        lift = lift.max((frame.positions[2] - form).abs());
    }
    println!("gear off by {gear:.2e} rad, cam by {lift:.2e} m");
    assert!(gear < 1e-6 && lift < 1e-5, "{gear} {lift}");
}
