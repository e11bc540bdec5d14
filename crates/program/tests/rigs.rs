//! Pins that techniques are planned for machines of any topology: what a drive is for is read off the linkage, the nodes go the way asked for, and what
//! no drive does is refused with the reason.

use std::f64::consts::TAU;

use mechanism::{
    Coupling, Head, Joint, JointKind, Law, Link, Linkage, Mechanism, Motion, Mounting, Node, Rig,
    RigDrive,
};
use program::{
    ContactShape, Course, Direction, Machine, Manner, Need, Part, Path, RigMachine, RigWork,
    School, Sources, Timing, plan_rig,
};

const LENGTH_M: f64 = 0.5;

fn link(name: &str, mirror: bool) -> Link {
    Link {
        mirror,
        ..Link::new(name, 1.0, 1e-3)
    }
}

fn slide(name: &str, parent: &str, axis: [f64; 3], range: [f64; 2], start: f64) -> Joint {
    Joint {
        axis,
        range: Some(range),
        start,
        ..Joint::new(name, JointKind::Prismatic, parent, name, [0.0; 3])
    }
}

fn drive(joint: &str, rate: f64) -> RigDrive {
    let reference = Mechanism::reference().motors.walk;
    // Its speed without load is what is asked for.
    let motor = mechanism::GearMotor {
        out_per_rad: rate * reference.ratio / reference.no_load_rad_s,
        ..reference
    };
    RigDrive::new(joint, motor, Motion::Hold)
}

fn rig(mounting: Mounting) -> Rig {
    Rig {
        mounting,
        ..Rig::new("test")
    }
}

fn head(link: &str, at_m: [f64; 3]) -> Head {
    Head {
        node: Node {
            name: "node".into(),
            ..Mechanism::reference().nodes[0].clone()
        },
        link: link.into(),
        at_m,
        turn_rad: [0.0; 3],
        load_n: 20.0,
    }
}

/// Three slides: up the spine, into the user, and apart on opposite threads. 0.1, 0.05 and 0.08 m/s without load.
fn three_axes() -> Linkage {
    let mut rig = rig(Mounting::Fixed);
    rig.links = vec![link("up", false), link("in", false), link("apart", true)];
    rig.joints = vec![
        slide("up", "ground", [0.0, 0.0, 1.0], [0.0, 0.6], 0.3),
        slide("in", "up", [0.0, 1.0, 0.0], [0.0, 0.07], 0.02),
        slide("apart", "in", [1.0, 0.0, 0.0], [0.02, 0.10], 0.06),
    ];
    rig.couplings = vec![Coupling {
        joint: "left_apart".into(),
        to: "apart".into(),
        law: Law::Gear {
            ratio: 1.0,
            offset: 0.0,
        },
    }];
    rig.drives = vec![drive("up", 0.1), drive("in", 0.05), drive("apart", 0.08)];
    rig.heads = vec![head("apart", [0.0, 0.06, 0.0])];
    Linkage::new(&rig).unwrap()
}

/// A disc in a hand: its node goes round a circle of 30 mm in the plane of the skin.
fn disc() -> Linkage {
    let mut rig = rig(Mounting::Held {
        mass_kg: 1.0,
        stiffness_n_m: 1000.0,
        damping_n_s_m: 50.0,
        push_n: 30.0,
    });
    rig.links = vec![link("disc", true)];
    rig.joints = vec![Joint {
        name: "disc".into(),
        kind: JointKind::Revolute,
        child: "disc".into(),
        at_m: [0.065, 0.0, 0.0],
        axis: [0.0, -1.0, 0.0],
        ..Joint::default()
    }];
    rig.couplings = vec![Coupling {
        joint: "left_disc".into(),
        to: "disc".into(),
        law: Law::Gear {
            ratio: 1.0,
            offset: 0.0,
        },
    }];
    rig.drives = vec![drive("disc", 4.0)];
    rig.heads = vec![head("disc", [0.030, 0.015, 0.0])];
    Linkage::new(&rig).unwrap()
}

fn part(path: Path, rate_hz: [f64; 2], needs: Need) -> Part {
    let sways = matches!(path, Path::Circle | Path::Across | Path::Beat);
    Part {
        manner: Manner {
            name: path.name().to_owned(),
            school: School::Other,
            path,
            force_n: [10.0, 40.0],
            swing_n: None,
            drag_n: None,
            shape: ContactShape::Thumb,
            contact_m2: [5e-4, 15e-4],
            pressure_pa: [10e3, 60e3],
            rate_hz: sways.then_some(rate_hz),
            amplitude_m: sways.then_some([0.005, 0.010]),
            speed_m_s: (path == Path::Line).then_some([0.02, 0.04]),
            direction: Direction::Both,
            hold_s: (path != Path::Line).then_some([4.0, 8.0]),
            percussive: path == Path::Beat,
            deep: false,
            needs: vec![Need::Protrude, needs],
            sources: Sources::default(),
        },
        from_u: 0.3,
        to_u: 0.6,
        minutes: 1.0,
        firmness: 0.5,
        level: 3,
        width_m: None,
        spacing_u: 0.1,
    }
}

#[test]
fn val_roles_are_read_off_the_linkage() {
    let machine = RigMachine::new(&three_axes(), 0.0).unwrap();
    let roles: Vec<Need> = machine.axes().iter().map(|a| a.role).collect();
    assert_eq!(roles, [Need::Walk, Need::Protrude, Need::Width]);
    // 80 % of the speed without load.
    assert!((machine.axes()[0].limits.speed - 0.08).abs() < 1e-12);
    // 10 mm up are 10 mm less down the spine; in and out as told.
    let from = machine.place_m(&[0.30, 0.02, 0.06]).unwrap();
    let to = machine.place_m(&[0.31, 0.025, 0.05]).unwrap();
    for (i, way) in [-0.010, -0.010, 0.005].into_iter().enumerate() {
        assert!((to[i] - from[i] - way).abs() < 1e-9, "{from:?} {to:?}");
    }
    assert!(machine.has(Need::Knead) && !machine.pressed_by_holder());

    // Turned by a quarter about the way into the user, what went along goes across.
    let turned = RigMachine::new(&three_axes(), 0.25 * TAU).unwrap();
    let roles: Vec<Need> = turned.axes().iter().map(|a| a.role).collect();
    assert_eq!(roles, [Need::Width, Need::Protrude, Need::Walk]);

    let held = RigMachine::new(&disc(), 0.0).unwrap();
    let round = held.round(Need::Knead).unwrap();
    for (is, wanted) in round.half_m.into_iter().zip([0.030, 0.030, 0.0]) {
        assert!((is - wanted).abs() < 1e-9, "{round:?}");
    }
    assert!(held.pressed_by_holder() && held.has(Need::Protrude) && !held.has(Need::Walk));
}

/// A circle of three slides: radius sqrt(5 x 10) = 7.07 mm, the nodes on it to a micrometre, both axes inside their limits while it grows, stays and dies away,
/// and the middle of the nodes no nearer to the midline than hands work.
#[test]
fn val_two_axes_make_the_circle_asked_for() {
    let linkage = three_axes();
    let machine = RigMachine::new(&linkage, 0.0).unwrap();
    let parts = [part(Path::Circle, [0.25, 0.5], Need::Knead)];
    let plan = &plan_rig(&parts, &machine, &Timing::default(), LENGTH_M).unwrap()[0];
    let RigWork::Sway {
        waves,
        rate_hz,
        length_s,
    } = &plan.work
    else {
        panic!("{plan:?}");
    };
    assert!((0.25..=0.5).contains(rate_hz) && plan.fit.residual_m < 1e-6);
    assert!((4.0..=8.5).contains(length_s), "{length_s}");
    let radius_m = (0.005f64 * 0.010).sqrt();
    let width_m = plan.set[0].1;
    assert!((width_m - 0.050).abs() < 1e-6, "{plan:?}");
    let base = machine.place_m(&[0.3, 0.02, width_m]).unwrap();
    for i in 0..50 {
        let t_s = 0.5 * length_s + f64::from(i) * 0.02 / rate_hz;
        let mut at = [0.3, 0.02, width_m];
        for (drive, wave) in waves {
            let course = Course::Wave {
                wave: *wave,
                rate_hz: *rate_hz,
                length_s: 1e3,
            };
            at[*drive] = course.at(at[*drive], 100.0 + t_s).0;
        }
        let now = machine.place_m(&at).unwrap();
        let away_m = (now[0] - base[0]).hypot(now[1] - base[1]);
        assert!((away_m - radius_m).abs() < 2e-6, "{away_m}");
        assert!((now[2] - base[2]).abs() < 1e-6);
    }
    for (drive, wave) in waves {
        let limits = machine.axes()[*drive].limits;
        let course = Course::Wave {
            wave: *wave,
            rate_hz: *rate_hz,
            length_s: *length_s,
        };
        let at: Vec<f64> = (0..=(length_s * 500.0) as usize)
            .map(|i| course.at(0.0, i as f64 / 500.0).1)
            .collect();
        let most = at.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        let accel = at.windows(2).map(|w| (w[1] - w[0]).abs() * 500.0);
        assert!(most <= limits.speed && accel.fold(0.0, f64::max) <= limits.accel);
    }
}

/// Every refusal names what is missing: no axis along, none sideways, too slow; several parts of a machine that somebody holds, and beats among others.
#[test]
fn val_what_no_drive_does_is_refused() {
    let refused = |linkage: &Linkage, parts: &[Part]| {
        let machine = RigMachine::new(linkage, 0.0).unwrap();
        let error = plan_rig(parts, &machine, &Timing::default(), LENGTH_M).unwrap_err();
        error.to_string()
    };
    let line = part(Path::Line, [0.0; 2], Need::Walk);
    let told = refused(&disc(), std::slice::from_ref(&line));
    assert!(
        told.contains("an axis along the spine") && told.contains("disc (round)"),
        "{told}"
    );
    let told = refused(&disc(), &[part(Path::Across, [0.2, 0.3], Need::Width)]);
    assert!(told.contains("sideways"), "{told}");
    let told = refused(&disc(), &[part(Path::Circle, [2.0, 3.0], Need::Knead)]);
    assert!(told.contains("turns a minute"), "{told}");
    let hold = part(Path::Place, [0.0; 2], Need::Protrude);
    let told = refused(&disc(), &[hold.clone(), hold.clone()]);
    assert!(told.contains("a scene for each"), "{told}");
    // 8 mm in and out at 10 Hz would be 500 mm/s.
    let told = refused(&three_axes(), &[part(Path::Beat, [8.0, 12.0], Need::Tap)]);
    assert!(
        told.contains("its drive in does") && told.contains("8.0 Hz at least"),
        "{told}"
    );
    let slow = part(Path::Beat, [0.2, 0.4], Need::Tap);
    let told = refused(&three_axes(), &[hold.clone(), slow.clone()]);
    assert!(told.contains("beats"), "{told}");
    let machine = RigMachine::new(&three_axes(), 0.0).unwrap();
    let plans = plan_rig(&[hold, line], &machine, &Timing::default(), LENGTH_M).unwrap();
    // 0.3 stations of 0.5 m by 0.1: four places, each once or more.
    assert!(plans[0].places_u.len() >= 4 && plans[0].places_u[0] == 0.3);
    assert!(matches!(plans[1].work, RigWork::Stroke { .. }));
}
