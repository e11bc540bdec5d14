//! Promise: a rig moves as the formulas of its kind say, closes where they close, and says why where it does not.

use std::f64::consts::{PI, TAU};

use mechanism::closed_form::{FourBar, Pendulum, SliderCrank, TiltedDisc};
use mechanism::{
    Closing, ClosingKind, Coupling, GROUND, Head, Joint, JointKind, Kinematics, Law, Link, Linkage,
    Mechanism, Motion, Mounting, Rig, RigDrive,
};
use nalgebra::Vector3;

fn link(name: &str) -> Link {
    Link::new(name, 0.1, 1e-4)
}

fn drive(joint: &str) -> RigDrive {
    RigDrive::new(joint, Mechanism::reference().motors.knead, Motion::Hold)
}

fn rig() -> Rig {
    Rig::new("test")
}

fn head(link: &str, at_m: [f64; 3]) -> Head {
    Head {
        node: Mechanism::reference().nodes[0].clone(),
        link: link.into(),
        at_m,
        turn_rad: [0.0; 3],
        load_n: 0.0,
    }
}

/// The reference wobble of the chapter, as links and joints: shaft, arm on its oblique boss, rod to the frame.
fn wobble(rod_m: f64) -> Rig {
    let alpha = 10.0_f64.to_radians();
    let boss = Joint {
        turn_rad: [0.0, 0.0, alpha],
        ..Joint::new(
            "boss",
            JointKind::Revolute,
            "shaft",
            "arm",
            [0.055, 0.008, 0.0],
        )
    };
    Rig {
        links: vec![
            link("shaft"),
            Link {
                mirror: true,
                ..link("arm")
            },
        ],
        joints: vec![
            Joint::new("knead", JointKind::Revolute, GROUND, "shaft", [0.0; 3]),
            boss,
        ],
        closings: vec![Closing::new(
            "rod",
            ClosingKind::Rod { length_m: rod_m },
            ("arm", [0.0, -0.045, -0.010]),
            (GROUND, [0.055, -0.045, -0.080]),
        )],
        drives: vec![drive("knead")],
        heads: vec![head("arm", [0.0, 0.080, 0.070])],
        ..rig()
    }
}

fn at(linkage: &Linkage, posture: &mechanism::Posture, head: usize) -> Vector3<f64> {
    linkage.heads(&linkage.frames(posture))[head]
        .translation
        .vector
}

/// Test vectors of the reference design: a rod and a boss as data give what the wobble's own closed form gives. The vectors
/// are rounded to 0.001 mm; the closed form is met to Newton's tolerance.
#[test]
fn val_the_wobble_as_data_meets_its_vectors() {
    let linkage = Linkage::new(&wobble(0.070)).unwrap();
    let closed = Kinematics::new(&Mechanism::reference()).unwrap();
    let mut posture = linkage.assemble().unwrap();
    let vectors = [
        [41.384, 85.219, 71.776],
        [40.416, 65.167, 90.708],
        [68.673, 69.543, 71.415],
        [64.560, 90.933, 46.220],
    ];
    for step in 0..=120 {
        let theta = TAU * f64::from(step) / 120.0;
        posture = linkage.follow(&posture, &[theta]).unwrap();
        let right = at(&linkage, &posture, 0);
        let form = closed
            .pivot_in_carriage(theta, 0.0, mechanism::Hand::Right)
            .unwrap()
            .pivot
            .translation
            .vector;
        assert!((right - form).norm() < 1e-9, "{step}: {right} {form}");
        let left = at(&linkage, &posture, 1);
        assert!((left - Vector3::new(-right.x, right.y, right.z)).norm() < 1e-9);
        if step % 30 == 0 && step < 120 {
            let v = Vector3::from(vectors[step as usize / 30]);
            assert!((1e3 * right - v).amax() < 0.51e-3, "{step}: {right}");
        }
    }
}

fn slider_crank(form: &SliderCrank) -> Rig {
    Rig {
        links: vec![link("crank"), link("rod"), link("piston")],
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
        drives: vec![drive("crank")],
        heads: vec![head("piston", [0.0; 3])],
        ..rig()
    }
}

/// Slider-crank with and without offset: position, velocity and crank torque over a turn, and the classic numbers: without
/// offset the stroke is 2 r, and the stall force tau / (r (1 + lambda^2/2)) to order lambda^4.
#[test]
fn val_slider_crank() {
    for offset_m in [0.0, 0.003] {
        let form = SliderCrank {
            crank_m: 0.008,
            rod_m: 0.035,
            offset_m,
        };
        let linkage = Linkage::new(&slider_crank(&form)).unwrap();
        let mut posture = linkage.assemble().unwrap();
        for step in 0..=90 {
            let phi = TAU * f64::from(step) / 90.0;
            posture = linkage.follow(&posture, &[phi]).unwrap();
            let [s, rate, _] = form.slider(phi);
            assert!((at(&linkage, &posture, 0).y - s).abs() < 1e-9, "{step}");
            let load = linkage
                .load(&posture, 0, &[Vector3::new(0.0, -100.0, 0.0)])
                .unwrap();
            assert!((load - 100.0 * rate).abs() < 1e-8, "{step}: {load} {rate}");
            assert!((form.crank_torque_nm(phi, -100.0) - load).abs() < 1e-8);
        }
        // Derivatives against differences.
        let h = 1e-5;
        for phi in [0.3, 1.9, 4.4] {
            let [_, rate, bend] = form.slider(phi);
            let (a, b) = (form.slider(phi - h), form.slider(phi + h));
            assert!(((b[0] - a[0]) / (2.0 * h) - rate).abs() < 1e-9);
            assert!(((b[1] - a[1]) / (2.0 * h) - bend).abs() < 1e-9);
        }
    }
    let form = SliderCrank {
        crank_m: 0.008,
        rod_m: 0.035,
        offset_m: 0.0,
    };
    assert!((form.stroke_m() - 0.016).abs() < 1e-15 && form.turns());
    // lambda = 0.229: lambda^2/2 = 0.0261, the next term is of order lambda^4/8 = 3e-4.
    let about = 1.0 / (0.008 * (1.0 + 0.5 * (8.0_f64 / 35.0).powi(2)));
    assert!((form.stall_force_n(1.0) / about - 1.0).abs() < 1e-3);
    // Facts: 16 mm at 40 Hz with l = 35 mm peaks at 620 m/s^2.
    let omega = TAU * 40.0;
    let peak = form.slider(0.0)[2] * omega * omega;
    assert!((peak + 620.0).abs() < 5.0, "{peak}");
}

fn four_bar(form: &FourBar) -> Rig {
    // In the y-z plane: the frame's line along y, turns from y to z about x.
    Rig {
        links: vec![link("crank"), link("coupler"), link("rocker")],
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
        drives: vec![drive("crank")],
        heads: vec![head("rocker", [0.0, form.rocker_m, 0.0])],
        ..rig()
    }
}

const BARS: FourBar = FourBar {
    ground_m: 0.100,
    crank_m: 0.030,
    coupler_m: 0.090,
    rocker_m: 0.070,
};

/// Four-bar by Freudenstein. The limits of the rocker follow from triangles with sides a + b and b - a: psi there is
/// pi - acos((g^2 + c^2 - (b -/+ a)^2) / (2 g c)).
#[test]
fn val_four_bar() {
    let linkage = Linkage::new(&four_bar(&BARS)).unwrap();
    let mut posture = linkage.assemble().unwrap();
    assert!(BARS.turns());
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for step in 0..=720 {
        let phi = TAU * f64::from(step) / 720.0;
        posture = linkage.follow(&posture, &[phi]).unwrap();
        let psi = posture.positions[2];
        let [form, rate, bend] = BARS.rocker(phi, 1.0).unwrap();
        assert!((psi - form).abs() < 1e-9, "{step}: {psi} {form}");
        (low, high) = (low.min(psi), high.max(psi));
        let h = 1e-5;
        let (a, b) = (
            BARS.rocker(phi - h, 1.0).unwrap(),
            BARS.rocker(phi + h, 1.0).unwrap(),
        );
        assert!(((b[0] - a[0]) / (2.0 * h) - rate).abs() < 1e-8);
        assert!(((b[1] - a[1]) / (2.0 * h) - bend).abs() < 1e-8);
        // Virtual work: a force across the rocker's end turns the crank with c psi'.
        let across = Vector3::new(0.0, -psi.sin(), psi.cos());
        let load = linkage.load(&posture, 0, &[-10.0 * across]).unwrap();
        assert!((load - 10.0 * BARS.rocker_m * rate).abs() < 1e-8);
    }
    let triangle = |side: f64| {
        let (g, c) = (BARS.ground_m, BARS.rocker_m);
        PI - ((g * g + c * c - side * side) / (2.0 * g * c)).acos()
    };
    let limits = [triangle(0.120), triangle(0.060)];
    // 0.5 degrees of crank beside a turning point change psi by a few 1e-5.
    assert!((low - limits[0]).abs() < 5e-5, "{low} {limits:?}");
    assert!((high - limits[1]).abs() < 5e-5, "{high} {limits:?}");
}

/// The carriage on its track stands where the wobble carriage's own kinematics put it, and its rate is its path's slope.
#[test]
fn val_track() {
    let reference = Mechanism::reference();
    let kinematics = Kinematics::new(&reference).unwrap();
    let (top, bottom) = kinematics.walk_range();
    let on_track = Rig {
        links: vec![link("carriage")],
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
        drives: vec![drive("walk")],
        heads: vec![head("carriage", [0.05, 0.03, 0.02])],
        ..rig()
    };
    let linkage = Linkage::new(&on_track).unwrap();
    let start = linkage.assemble().unwrap();
    for step in 1..50 {
        let walk = top + (bottom - top) * f64::from(step) / 50.0;
        let here = linkage.follow(&start, &[walk]).unwrap();
        let pose = linkage.frames(&here)[1];
        let own = kinematics.carriage(walk);
        assert!((pose.translation.vector - own.translation.vector).norm() < 1e-15);
        assert!(pose.rotation.angle_to(&own.rotation) < 1e-15);
        let h = 1e-5;
        let [a, b] = [walk - h, walk + h].map(|s| {
            let there = linkage.follow(&start, &[s]).unwrap();
            at(&linkage, &there, 0)
        });
        let rate = linkage.head_rates(&here, 0).unwrap()[0];
        assert!((rate - (b - a) / (2.0 * h)).norm() < 1e-6, "{step}");
    }
}

/// A pillow's discs: the twin turns the other way, and both follow the tilted disc's formula.
#[test]
fn val_tilted_discs_turn_against_each_other() {
    let form = TiltedDisc {
        half_spacing_m: 0.065,
        radius_m: 0.036,
        height_m: 0.008,
        tilt_rad: 0.2,
    };
    let pillow = Rig {
        links: vec![Link {
            mirror: true,
            ..link("disc")
        }],
        joints: vec![Joint {
            turn_rad: [0.0, 0.0, -form.tilt_rad],
            // From x to z is the left turn about y.
            axis: [0.0, -1.0, 0.0],
            ..Joint::new(
                "disc",
                JointKind::Revolute,
                GROUND,
                "disc",
                [0.065, 0.0, 0.0],
            )
        }],
        couplings: vec![Coupling {
            joint: "left_disc".into(),
            to: "disc".into(),
            law: Law::Gear {
                ratio: 1.0,
                offset: 0.0,
            },
        }],
        drives: vec![drive("disc")],
        heads: vec![head("disc", [0.036, 0.008, 0.0])],
        ..rig()
    };
    let linkage = Linkage::new(&pillow).unwrap();
    let mut posture = linkage.assemble().unwrap();
    for step in 0..40 {
        let phi = 0.2 * f64::from(step);
        posture = linkage.follow(&posture, &[phi]).unwrap();
        for (head, side) in [(0, 1.0), (1, -1.0)] {
            let place = at(&linkage, &posture, head);
            assert!((place - Vector3::from(form.node_m(phi, side))).norm() < 1e-9);
        }
    }
}

/// K(sin 45 deg) = 1.854074677 (Abramowitz and Stegun 17.1): a swing of 90 degrees takes 1.1803406 times as long.
#[test]
fn val_pendulum_period() {
    let pendulum = Pendulum {
        mass_kg: 0.5,
        centre_m: 0.2,
        inertia_kg_m2: 0.02,
        gravity_m_s2: 9.81,
    };
    let small = pendulum.period_s(1e-6);
    assert!((small - TAU * (0.2_f64 / 9.81).sqrt()).abs() < 1e-9);
    let ratio = pendulum.period_s(0.5 * PI) / small;
    assert!((ratio - 1.854_074_677 / (0.5 * PI)).abs() < 1e-9, "{ratio}");
    // A point on a string: no force across it.
    assert!(pendulum.reaction_n(0.7, 1.0)[1].abs() < 1e-12);
}

#[test]
fn a_loop_that_cannot_close_is_told_where() {
    // The wobble's own check knows in closed form which rods close over a whole turn.
    let mut verdicts = [0, 0];
    for rod_mm in (42..170).step_by(8) {
        let rod_m = 1e-3 * f64::from(rod_mm);
        let mut own = Mechanism::reference();
        own.knead.rod.length_m = rod_m;
        let opens = own.check().iter().any(|p| p.key == "knead.rod.length_mm");
        let problems = wobble(rod_m).check();
        let told = problems
            .iter()
            .any(|p| p.key == "closing.0.name" && !p.warning && p.message.contains("mm open"));
        assert_eq!(told, opens, "{rod_mm} mm: {problems:?}");
        assert!(opens || problems.is_empty(), "{problems:?}");
        verdicts[usize::from(opens)] += 1;
    }
    assert!(verdicts[0] >= 3 && verdicts[1] >= 3, "{verdicts:?}");
    // Far too short, it does not even go together.
    let problems = wobble(0.010).check();
    assert!(
        problems[0].message.contains("does not close"),
        "{problems:?}"
    );
}

#[test]
fn a_crank_that_cannot_go_round_is_told_with_its_angle() {
    let bars = FourBar {
        crank_m: 0.080,
        ..BARS
    };
    assert!(!bars.turns());
    let problems = four_bar(&bars).check();
    assert!(problems[0].message.contains("crank at"), "{}", problems[0]);
}

/// A pin askew locks a four-bar: three freedoms, five conditions of which all now say something.
#[test]
fn a_mechanism_that_locks_names_its_joints() {
    let mut locked = four_bar(&BARS);
    locked.joints[1].turn_rad = [0.0, 0.0, 0.05];
    locked.closings[0].kind = ClosingKind::Hinge;
    let problems = locked.check();
    assert!(
        problems
            .iter()
            .any(|p| !p.warning && (p.message.contains("lock") || p.message.contains("open"))),
        "{problems:?}"
    );
    // A strut across the crank: it closes, and nothing can move.
    let mut strut = four_bar(&BARS);
    let assembled = Linkage::new(&strut).unwrap().assemble().unwrap();
    let length_m = {
        let linkage = Linkage::new(&strut).unwrap();
        let frames = linkage.frames(&assembled);
        (frames[2].translation.vector - Vector3::new(0.0, 0.0, 0.05)).norm()
    };
    strut.closings.push(Closing::new(
        "strut",
        ClosingKind::Rod { length_m },
        ("coupler", [0.0; 3]),
        (GROUND, [0.0, 0.0, 0.05]),
    ));
    let problems = strut.check();
    assert!(
        problems[0]
            .message
            .contains("lock the joints crank, pin, rocker"),
        "{problems:?}"
    );
}

/// A crank between stops 0.5 rad either side of its start: a swing of 0.4 fits, one of 0.6 does not.
#[test]
fn a_swing_past_its_stop_is_told() {
    let told = |amplitude: f64| {
        let mut rig = four_bar(&BARS);
        let start = rig.joints[0].start;
        rig.joints[0].range = Some([start - 0.5, start + 0.5]);
        rig.drives[0].motion = Motion::Swing {
            amplitude,
            frequency_hz: 1.0,
            phase_rad: 0.0,
        };
        let problems = rig.check();
        problems
            .iter()
            .any(|p| p.warning && p.key == "drive.0.amplitude")
    };
    assert!(told(0.6) && !told(0.4));
}

#[test]
fn two_drives_on_one_freedom_are_told() {
    let mut two = four_bar(&BARS);
    two.drives.push(drive("rocker"));
    // Assembled with both held, the loop cannot close at all unless both starts fit; let them fit.
    let linkage = Linkage::new(&four_bar(&BARS)).unwrap();
    let posture = linkage.assemble().unwrap();
    for (joint, position) in two.joints.iter_mut().zip(&posture.positions) {
        joint.start = *position;
    }
    let problems = two.check();
    assert!(
        problems[0].message.contains("work against each other"),
        "{problems:?}"
    );
}

#[test]
fn wrong_names_and_trees_are_told_all_at_once() {
    let mut bad = slider_crank(&SliderCrank {
        crank_m: 0.008,
        rod_m: 0.035,
        offset_m: 0.0,
    });
    bad.links.push(link("spare"));
    bad.joints[1].parent = "crnk".into();
    bad.joints.push(Joint::new(
        "again",
        JointKind::Fixed,
        GROUND,
        "piston",
        [0.0; 3],
    ));
    bad.drives.push(drive("motor"));
    let problems = bad.check();
    let keys: Vec<&str> = problems.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "link.3.name",
            "joint.1.parent",
            "joint.3.child",
            "drive.1.joint"
        ],
        "{problems:#?}"
    );
}

/// Names go over results as heads of columns, and orders are given by them.
#[test]
fn names_that_results_cannot_carry_are_told() {
    let mut bad = slider_crank(&SliderCrank {
        crank_m: 0.008,
        rod_m: 0.035,
        offset_m: 0.0,
    });
    bad.joints[0].name = "held".into();
    bad.drives[0].joint = "held".into();
    bad.heads.push(bad.heads[0].clone());
    bad.closings.push(Closing {
        b: "rod".into(),
        ..bad.closings[0].clone()
    });
    bad.closings[0].name = "wrist, right".into();
    bad.drives[0].name = "line\nend".into();
    let problems = bad.check();
    let mut keys: Vec<&str> = problems.iter().map(|p| p.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "closing.0.name",
            "closing.1.b",
            "drive.0.name",
            "joint.0.name",
            "node.1.name"
        ],
        "{problems:#?}"
    );
}

/// Of two joints beyond their stops the one is told that has left most of its own range: a slide by 15 mm of 5, not a lid by
/// 0.1 rad of 1.4.
#[test]
fn the_joint_farthest_beyond_its_range_is_told() {
    let follower = |name: &str, kind, range| Joint {
        range: Some(range),
        ..Joint::new(name, kind, GROUND, name, [0.0; 3])
    };
    let gear = |joint: &str, ratio| Coupling {
        joint: joint.into(),
        to: "shaft".into(),
        law: Law::Gear { ratio, offset: 0.0 },
    };
    let two = Rig {
        links: vec![link("shaft"), link("lid"), link("slide")],
        joints: vec![
            follower("shaft", JointKind::Revolute, [0.0, 1.0]),
            follower("lid", JointKind::Revolute, [-0.5, 0.9]),
            follower("slide", JointKind::Prismatic, [0.0, 0.005]),
        ],
        couplings: vec![gear("lid", 1.0), gear("slide", 0.02)],
        drives: vec![drive("shaft")],
        ..rig()
    };
    let problems = two.check();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0]
            .message
            .contains("\"slide\" against its stop: 20.0 mm"),
        "{}",
        problems[0]
    );
}

/// Two arms with a rod as long as they stand apart: the left one leans as the right one does, so in the mirror the other way. A tie
/// from side to side has no twin, and neither has a gear between twins.
#[test]
fn a_tie_between_twins_is_its_own_mirror_image() {
    let tied = Rig {
        links: vec![Link {
            mirror: true,
            ..link("arm")
        }],
        joints: vec![Joint {
            axis: [0.0, 1.0, 0.0],
            ..Joint::new(
                "swing",
                JointKind::Revolute,
                GROUND,
                "arm",
                [0.05, 0.0, 0.0],
            )
        }],
        closings: vec![Closing::new(
            "tie",
            ClosingKind::Rod { length_m: 0.1 },
            ("arm", [0.0, 0.0, 0.06]),
            ("left_arm", [0.0, 0.0, 0.06]),
        )],
        drives: vec![drive("swing")],
        ..rig()
    };
    assert_eq!(tied.expanded().closings.len(), 1);
    let linkage = Linkage::new(&tied).unwrap();
    let posture = linkage
        .follow(&linkage.assemble().unwrap(), &[0.2])
        .unwrap();
    let [right, left] = posture.positions[..] else {
        panic!("two arms")
    };
    assert!(
        (right - 0.2).abs() < 1e-12 && (left + right).abs() < 1e-9,
        "{left}"
    );
    // Aslant it has a twin.
    let mut crossed = tied.clone();
    crossed.closings[0].at_b_m = [0.0, 0.0, 0.03];
    assert_eq!(crossed.expanded().closings.len(), 2);

    for [joint, to] in [["swing", "left_swing"], ["left_swing", "swing"]] {
        let geared = Rig {
            closings: Vec::new(),
            couplings: vec![Coupling {
                joint: joint.into(),
                to: to.into(),
                law: Law::Gear {
                    ratio: 1.0,
                    offset: 0.0,
                },
            }],
            ..tied.clone()
        };
        assert_eq!(geared.expanded().couplings.len(), 1, "{joint}");
    }
}

/// 100 N against a slider-crank of r = 8 mm need 100 * 0.008 * (1 + lambda^2/2) = 0.821 N m; the motor stalls at half.
#[test]
fn a_drive_that_cannot_hold_its_load_is_told() {
    let form = SliderCrank {
        crank_m: 0.008,
        rod_m: 0.035,
        offset_m: 0.0,
    };
    let mut gun = slider_crank(&form);
    gun.heads[0].load_n = 100.0;
    let motor = &mut gun.drives[0].motor;
    motor.ratio = 1.0;
    motor.efficiency = 1.0;
    motor.self_locking = false;
    motor.friction_nm = 0.0;
    motor.current_limit_a = 0.41 / motor.torque_constant_nm_a();
    let problems = gun.check();
    let p = &problems[0];
    assert!(p.warning && p.message.contains("cannot hold"), "{p}");
    assert!(p.message.contains("0.82"), "{p}");
    assert!(p.hint.contains("50 %"), "{p}");
    // In a hand, the same gun rides on a spring: the spring is no drive's business.
    gun.mounting = Mounting::Held {
        mass_kg: 1.5,
        stiffness_n_m: 2000.0,
        damping_n_s_m: 60.0,
        push_n: 30.0,
    };
    let linkage = Linkage::new(&gun).unwrap();
    assert_eq!(linkage.mobility(&linkage.assemble().unwrap()).free, 1);
    assert_eq!(gun.check().len(), 1, "{:?}", gun.check());
}

/// A cam of 12 mm lift drives a follower: position and virtual work by the profile's slope.
#[test]
fn val_cam() {
    let lifts: Vec<f64> = (0..36)
        .map(|i| 0.006 * (1.0 - (TAU * f64::from(i) / 36.0).cos()))
        .collect();
    let cam = Rig {
        links: vec![link("cam"), link("follower")],
        joints: vec![
            Joint::new("cam", JointKind::Revolute, GROUND, "cam", [0.0; 3]),
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
        couplings: vec![Coupling {
            joint: "follower".into(),
            to: "cam".into(),
            law: Law::Cam { lifts },
        }],
        drives: vec![drive("cam")],
        heads: vec![head("follower", [0.0; 3])],
        ..rig()
    };
    let linkage = Linkage::new(&cam).unwrap();
    let mut posture = linkage.assemble().unwrap();
    for step in 0..50 {
        let phi = 0.15 * f64::from(step);
        posture = linkage.follow(&posture, &[phi]).unwrap();
        // The spline errs by h^4/384 of the amplitude, 2.4e-6 of 6 mm; its slope by h^3/24 = 2.2e-4 of it.
        let lift = 0.006 * (1.0 - phi.cos());
        assert!((at(&linkage, &posture, 0).y - lift).abs() < 2e-8);
        let rate = linkage.head_rates(&posture, 0).unwrap()[0].y;
        assert!((rate - 0.006 * phi.sin()).abs() < 1.4e-6);
    }
}

/// A gear that speeds up twelve times, and on its shaft the crank of a four-bar: the crank goes twelve times as far, and the rocker as
/// Freudenstein says.
#[test]
fn val_a_gear_that_speeds_up() {
    let mut geared = four_bar(&BARS);
    geared.links.push(link("slow"));
    geared.joints.push(Joint::new(
        "slow",
        JointKind::Revolute,
        GROUND,
        "slow",
        [0.0; 3],
    ));
    let crank = geared.joints[0].name.clone();
    geared.couplings.push(Coupling {
        joint: crank,
        to: "slow".into(),
        law: Law::Gear {
            ratio: -12.0,
            offset: geared.joints[0].start,
        },
    });
    geared.drives[0].joint = "slow".into();
    assert_eq!(geared.check(), []);
    let plain = Linkage::new(&four_bar(&BARS)).unwrap();
    let linkage = Linkage::new(&geared).unwrap();
    let (mut slow, mut posture) = (linkage.assemble().unwrap(), plain.assemble().unwrap());
    let start = posture.positions[0];
    for step in 1..=40 {
        let turn = 0.05 * f64::from(step);
        slow = linkage.follow(&slow, &[turn]).unwrap();
        posture = plain.follow(&posture, &[start - 12.0 * turn]).unwrap();
        for (geared, alone) in slow.positions.iter().zip(&posture.positions) {
            assert!((geared - alone).abs() < 1e-8, "{step}: {geared} {alone}");
        }
    }
}

/// A part and its twin seen in a mirror, whatever its joints: ball, slide, turn, and a slot.
#[test]
fn the_left_side_is_the_mirror_image() {
    let side = Rig {
        links: vec![
            Link {
                mirror: true,
                ..link("arm")
            },
            Link {
                mirror: true,
                ..link("slide")
            },
        ],
        joints: vec![
            Joint {
                turn_rad: [0.2, -0.3, 0.4],
                axis: [0.3, 0.5, -0.7],
                start: 0.6,
                ..Joint::new(
                    "arm",
                    JointKind::Revolute,
                    GROUND,
                    "arm",
                    [0.05, 0.02, 0.01],
                )
            },
            Joint {
                turn_rad: [-0.1, 0.5, 0.2],
                axis: [0.4, 0.1, 0.9],
                start: 0.03,
                ..Joint::new(
                    "slide",
                    JointKind::Prismatic,
                    "arm",
                    "slide",
                    [0.02, 0.06, 0.03],
                )
            },
        ],
        heads: vec![head("slide", [0.01, 0.02, 0.03])],
        ..rig()
    };
    let linkage = Linkage::new(&side).unwrap();
    let posture = linkage.assemble().unwrap();
    let (right, left) = (at(&linkage, &posture, 0), at(&linkage, &posture, 1));
    assert!((left - Vector3::new(-right.x, right.y, right.z)).norm() < 1e-15);
}

#[test]
fn usual_motions_are_what_they_say() {
    let turn = Motion::Run {
        rate: 2.0,
        reverse_s: 60.0,
    };
    assert_eq!(turn.at(30.0, 0.5), (60.5, 2.0));
    assert_eq!(turn.at(90.0, 0.5), (60.5, -2.0));
    assert_eq!(turn.at(120.0, 0.5), (0.5, 2.0));
    let swing = Motion::Swing {
        amplitude: 0.01,
        frequency_hz: 0.5,
        phase_rad: 0.5 * PI,
    };
    let (place, rate) = swing.at(1.0, 0.1);
    assert!((place - 0.09).abs() < 1e-15 && rate.abs() < 1e-12);
}
