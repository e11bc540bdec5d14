//! Pins that techniques become steps a machine can do: the nodes go the way asked for, axes keep their limits, minutes are filled, and what
//! cannot be done is refused with the reason.

use mechanism::{Drive, Kinematics, Mechanism};
use program::{
    AxisLimits, Carriage, ContactShape, DepthMap, Direction, Fit, Machine, Manner, NO_THRUST, Need,
    Part, Path, Placement, School, Session, Sources, Step, Technique, Timeline, Timing, compile,
    plan,
};

struct Constant(f64);

impl DepthMap for Constant {
    fn protrude_m(&self, _: Technique, _: f64, _: u8) -> f64 {
        self.0
    }
}

const LENGTH_M: f64 = 0.5;

fn placement() -> Placement {
    // Half a metre of rail per station.
    Placement {
        walk_at: vec![(-0.02, 0.060), (1.1, 0.620)],
    }
}

fn manner(path: Path) -> Manner {
    let sways = matches!(path, Path::Circle | Path::Across | Path::Beat);
    Manner {
        name: path.name().to_owned(),
        school: School::Other,
        path,
        force_n: [10.0, 40.0],
        swing_n: None,
        drag_n: None,
        shape: ContactShape::Thumb,
        contact_m2: [5e-4, 15e-4],
        pressure_pa: [10e3, 60e3],
        rate_hz: sways.then_some([0.25, 0.5]),
        amplitude_m: sways.then_some([0.005, 0.010]),
        speed_m_s: (path == Path::Line).then_some([0.02, 0.04]),
        direction: Direction::Both,
        hold_s: (path != Path::Line).then_some([4.0, 8.0]),
        percussive: path == Path::Beat,
        deep: false,
        needs: vec![
            Need::Protrude,
            match path {
                Path::Line => Need::Walk,
                Path::Circle => Need::Knead,
                Path::Across => Need::Width,
                Path::Beat => Need::Tap,
                Path::Place => Need::Protrude,
            },
        ],
        sources: Sources {
            force: "E".into(),
            contact: "E".into(),
            motion: "E".into(),
            time: "E".into(),
        },
    }
}

fn part(manner: Manner, minutes: f64) -> Part {
    Part {
        manner,
        from_u: 0.2,
        to_u: 0.6,
        minutes,
        firmness: 0.5,
        level: 3,
        width_m: None,
        spacing_u: 0.1,
    }
}

fn planned(mechanism: &Mechanism, part: &Part) -> Result<(Vec<Step>, Fit), String> {
    let carriage = Carriage::new(mechanism).expect("it closes");
    let limits = AxisLimits::of(mechanism);
    let parts = std::slice::from_ref(part);
    match plan(parts, &carriage, &limits, &Timing::default(), LENGTH_M) {
        Ok((steps, mut fits)) => Ok((steps, fits.remove(0))),
        Err(e) => Err(e.to_string()),
    }
}

fn timeline(mechanism: &Mechanism, steps: Vec<Step>) -> Timeline {
    let session = Session {
        steps,
        ..Session::default()
    };
    compile(
        &session,
        &Timing::default(),
        &placement(),
        &Constant(0.035),
        &AxisLimits::of(mechanism),
    )
    .expect("it fits")
}

/// A rub across the fibres: while it is in full swing the rocker's pivot, by the mechanism's own forward kinematics on the curved track, goes to and
/// fro sideways with the amplitude asked for, and stays where it was along the other two, within what the plan says is left. The track's curve adds
/// what the plan does not know: a radius of 0.4 m turns 2 mm of walking by 5 mrad, 0.4 mm at the pivot's 80 mm.
#[test]
fn val_a_rub_goes_the_way_asked_for() {
    let mechanism = Mechanism::reference();
    let rub = Manner {
        hold_s: Some([20.0, 40.0]),
        ..manner(Path::Across)
    };
    let (steps, fit) = planned(&mechanism, &part(rub, 2.0)).unwrap();
    let (asked_m, amplitude_m) = fit.amplitude_m.unwrap();
    let (_, rate_hz) = fit.rate_hz.unwrap();
    println!("{fit:?}");
    assert!(amplitude_m >= asked_m[0] - 1e-12 && rate_hz > 0.12);
    let kinematics = Kinematics::new(&mechanism).unwrap();
    let timeline = timeline(&mechanism, steps);
    let hold_s = timeline.marks()[0].t_s;
    let mut places = Vec::new();
    // It grows for one cycle at this rate, and is in full swing after it.
    let cycle_s = 1.0 / rate_hz;
    let mut t_s = hold_s + cycle_s;
    let end_s = t_s + cycle_s;
    while t_s < end_s {
        let c = timeline.at(t_s);
        let drive = Drive {
            walk_m: c.walk_m,
            protrude_m: c.protrude_m,
            knead_rad: c.knead_rad,
            tap_rad: c.tap_rad,
        };
        places.push(
            kinematics.sides(&drive).unwrap()[1]
                .pivot
                .translation
                .vector,
        );
        t_s += cycle_s / 200.0;
    }
    let spread = |axis: usize| {
        let values = places.iter().map(|p| p[axis]);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    };
    println!(
        "asked {amplitude_m} m to either side at {rate_hz} Hz: {:?}",
        [spread(0), spread(1), spread(2)]
    );
    // To either side, less what is left: an rms of it may be twice as much at its worst.
    let slack_m = 3.0 * fit.residual_m + 0.0005;
    assert!((spread(0) - 2.0 * amplitude_m).abs() < slack_m);
    assert!(spread(1) < 2.0 * slack_m, "into the user");
    assert!(fit.residual_m < 0.1 * amplitude_m);
}

/// Everything planned keeps the machine's limits of speed, acceleration and jerk, looked at every millisecond. Trapezoids change their
/// acceleration at once, as they always did: jerk is looked at while a sway is on.
#[test]
fn val_planned_steps_keep_the_limits() {
    let mut mechanism = Mechanism::reference();
    mechanism.knead.rod.crank_m = 0.004;
    mechanism.motors.knead.ratio = 30.0;
    let limits = AxisLimits::of(&mechanism);
    let jerk_s = 0.02;
    for path in [
        Path::Place,
        Path::Line,
        Path::Circle,
        Path::Across,
        Path::Beat,
    ] {
        let mut m = manner(path);
        if path == Path::Beat {
            m.rate_hz = Some([4.0, 8.0]);
            m.amplitude_m = Some([0.003, 0.012]);
        }
        if path == Path::Across {
            m.rate_hz = Some([0.6, 3.0]);
        }
        let (steps, fit) = planned(&mechanism, &part(m, 1.0)).unwrap();
        println!("{path:?}: {fit:?}");
        let sways = steps.iter().any(|s| s.sway().is_some());
        let timeline = timeline(&mechanism, steps);
        let dt_s = 1e-3;
        let at = |i: usize| {
            let c = timeline.at(i as f64 * dt_s);
            ([c.walk_m, c.protrude_m, c.knead_rad], c.phase)
        };
        let speed = [limits.walk_m_s, limits.protrude_m_s, limits.knead_rad_s];
        let accel = [limits.walk_m_s2, limits.protrude_m_s2, limits.knead_rad_s2];
        let count = (timeline.duration_s() / dt_s) as usize;
        for i in 2..count.saturating_sub(2) {
            let rows = [at(i - 2), at(i - 1), at(i), at(i + 1)];
            let still = rows.iter().all(|r| r.1 == program::Phase::Contact);
            for axis in 0..3 {
                let [p, q, r, s] = rows.map(|row| row.0[axis]);
                let v = (r - q) / dt_s;
                let a = (r - 2.0 * q + p) / (dt_s * dt_s);
                assert!(v.abs() <= 1.001 * speed[axis], "{path:?} axis {axis}: {v}");
                assert!(
                    a.abs() <= 1.01 * accel[axis] + 1e-6,
                    "{path:?} axis {axis} at {} s: {a} of {}",
                    i as f64 * dt_s,
                    accel[axis]
                );
                if sways && still {
                    let j = (s - 3.0 * r + 3.0 * q - p) / (dt_s * dt_s * dt_s);
                    assert!(j.abs() <= 1.02 * accel[axis] / jerk_s + 1e-3, "jerk {j}");
                }
            }
        }
    }
}

/// The minutes asked for are filled: no more than one more visit to a place would overshoot.
#[test]
fn val_the_minutes_are_filled() {
    let mechanism = Mechanism::reference();
    for (path, minutes) in [
        (Path::Place, 1.0),
        (Path::Place, 4.0),
        (Path::Circle, 3.0),
        (Path::Line, 2.0),
        (Path::Across, 2.0),
    ] {
        let (steps, fit) = planned(&mechanism, &part(manner(path), minutes)).unwrap();
        let took_s = timeline(&mechanism, steps).duration_s();
        println!("{path:?}: {minutes} min asked, {took_s:.0} s, {fit:?}");
        assert!(
            (0.7..=1.15).contains(&(took_s / (60.0 * minutes))),
            "{path:?}"
        );
    }
}

/// Strokes towards the head go up only: between two of them the nodes are retracted.
#[test]
fn val_a_stroke_up_presses_only_upwards() {
    let mechanism = Mechanism::reference();
    let up = Manner {
        direction: Direction::Up,
        ..manner(Path::Line)
    };
    let (steps, _) = planned(&mechanism, &part(up, 2.0)).unwrap();
    assert!(steps.len() > 1);
    let timeline = timeline(&mechanism, steps);
    let mut before = timeline.at(0.0);
    for i in 1..(timeline.duration_s() * 100.0) as usize {
        let now = timeline.at(i as f64 * 0.01);
        if now.phase == program::Phase::Contact && before.phase == program::Phase::Contact {
            assert!(now.walk_m <= before.walk_m + 1e-12, "down under pressure");
        }
        before = now;
    }
}

#[test]
fn val_a_width_asked_for_is_found() {
    let mechanism = Mechanism::reference();
    let carriage = Carriage::new(&mechanism).unwrap();
    for width_m in [0.045, 0.055, 0.065] {
        let (park_rad, off_m) = carriage.park(width_m);
        let is_m = carriage.place_m(&[0.0, 0.0, park_rad]).unwrap()[0];
        assert!((is_m - width_m).abs() < 1e-4 && off_m < 1e-4, "{is_m}");
    }
    // Beyond its widest it says by how much it misses.
    let (_, off_m) = carriage.park(0.150);
    assert!(off_m > 0.05);
}

/// What cannot be done is refused, and the reason names the axis.
#[test]
fn val_what_a_machine_cannot_do_is_refused() {
    let mechanism = Mechanism::reference();
    let told = |manner: Manner| planned(&mechanism, &part(manner, 1.0)).unwrap_err();
    let beat = told(manner(Path::Beat));
    assert!(
        beat.contains("needs a tapping shaft") && beat.contains("no axis"),
        "{beat}"
    );
    let grip = told(Manner {
        needs: vec![Need::Protrude, Need::Hand],
        ..manner(Path::Place)
    });
    assert!(grip.contains("a hand that grips"), "{grip}");
    // Its kneading shaft does 31 turns a minute: not 120.
    let fast = told(Manner {
        rate_hz: Some([2.0, 3.0]),
        ..manner(Path::Circle)
    });
    assert!(
        fast.contains("kneading shaft") && fast.contains("31 turns"),
        "{fast}"
    );
    let quick = told(Manner {
        speed_m_s: Some([0.2, 0.4]),
        ..manner(Path::Line)
    });
    assert!(quick.contains("carriage"), "{quick}");
    let rub = told(Manner {
        rate_hz: Some([4.0, 6.0]),
        ..manner(Path::Across)
    });
    println!("{rub}");
    assert!(rub.contains("Hz at least"), "{rub}");
}

/// A file that describes a thrust, or makes no sense, says so at the figure.
#[test]
fn val_thrusts_and_nonsense_are_told() {
    let keys = |m: &Manner| {
        let problems = m.check();
        problems
            .into_iter()
            .map(|p| (p.key, p.hint))
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&manner(Path::Across)), []);
    let thrust = Manner {
        force_n: [70.0, 1000.0],
        pressure_pa: [20e3, 600e3],
        ..manner(Path::Place)
    };
    assert_eq!(
        keys(&thrust),
        [("force_n".to_owned(), NO_THRUST.to_owned())]
    );
    // A thrust by another name: a push let go at once, a slow blow, a hand that flies over the skin.
    let told = |m: &Manner| {
        m.check()
            .iter()
            .map(|p| (p.key.clone(), p.hint == NO_THRUST))
            .collect::<Vec<_>>()
    };
    for (key, quick) in [
        (
            "hold_s",
            Manner {
                hold_s: Some([0.1, 0.2]),
                force_n: [40.0, 200.0],
                ..manner(Path::Place)
            },
        ),
        (
            "rate_hz",
            Manner {
                rate_hz: Some([0.2, 0.5]),
                ..manner(Path::Beat)
            },
        ),
        (
            "rate_hz",
            Manner {
                rate_hz: Some([1.0, 30.0]),
                ..manner(Path::Circle)
            },
        ),
        (
            "speed_mm_s",
            Manner {
                speed_m_s: Some([0.2, 0.9]),
                ..manner(Path::Line)
            },
        ),
    ] {
        assert_eq!(told(&quick), [(key.to_owned(), true)], "{quick:?}");
    }
    let nonsense = Manner {
        force_n: [40.0, 10.0],
        needs: vec![],
        sources: Sources::default(),
        ..manner(Path::Place)
    };
    let found: Vec<String> = keys(&nonsense).into_iter().map(|k| k.0).collect();
    let expected = [
        "force_n",
        "needs",
        "source.force",
        "source.contact",
        "source.motion",
        "source.time",
    ];
    assert_eq!(found, expected);
}
