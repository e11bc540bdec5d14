//! Pins that a timeline keeps its promises: hand-worked times, limits kept at every millisecond, nothing jumps, every
//! problem told.

use std::f64::consts::TAU;

use mechanism::Mechanism;
use program::{
    AxisLimits, DepthMap, MarkKind, Phase, Placement, Session, Step, Technique, Timeline, Timing,
    compile,
};

/// Deeper towards the waist, with a kink: not smooth on purpose.
struct Kinked;

impl DepthMap for Kinked {
    fn protrude_m(&self, _: Technique, u: f64, level: u8) -> f64 {
        0.020 + 0.004 * f64::from(level) + 0.03 * (u - 0.4).abs()
    }
}

struct Constant(f64);

impl DepthMap for Constant {
    fn protrude_m(&self, _: Technique, _: f64, _: u8) -> f64 {
        self.0
    }
}

fn placement() -> Placement {
    Placement {
        walk_at: vec![(-0.1, 0.070), (0.5, 0.340), (1.2, 0.690)],
    }
}

fn limits() -> AxisLimits {
    AxisLimits::of(&Mechanism::reference())
}

fn reference() -> Timeline {
    compile(
        &Session::reference(),
        &Timing::default(),
        &placement(),
        &Kinked,
        &limits(),
    )
    .expect("the reference session fits")
}

fn press(from_u: f64, to_u: f64, spacing_u: f64) -> Step {
    Step {
        technique: Technique::Press,
        from_u,
        to_u,
        level: 3,
        hold_s: 3.0,
        cycles: 1.0,
        park_deg: 0.0,
        spacing_u,
        pace: None,
    }
}

fn one(step: Step) -> Session {
    Session {
        name: "one".to_owned(),
        style: "shiatsu".to_owned(),
        steps: vec![step],
        ..Session::default()
    }
}

/// Worked by hand. Two presses 0.2 apart on a track with 0.5 m per station: 100 mm of travel at 45 mm/s and 0.2
/// m/s^2, 20 mm protrusion with up to 25 mm/s and 100 mm/s^2. In: 1.5 s, 0.02 of them the window of the mean; a ramp t with 0.1 t (1.48 - t) = 0.02 has t =
/// 0.74 - sqrt(0.5476 - 0.2) = 0.150424 s, top speed 15.042 mm/s. Hold 3 s. Out: 1 s asks for 0.1 t (0.98 - t) = 0.02: t
/// = 0.49 - sqrt(0.0401) = 0.289750 s, top 29.0 mm/s > 25: so the quickest, 20/25 + 25/100 + 0.02 = 1.07 s. Travel 100/45 +
/// 45/200 + 0.02 = 2.467222 s. Total 2 (1.5 + 3 + 1.07) + 2.467222 = 13.607222 s.
#[test]
fn val_two_presses_by_hand() {
    let limits = AxisLimits {
        walk_m_s: 0.060,
        walk_m_s2: 0.200,
        ..limits()
    };
    let placement = Placement {
        walk_at: vec![(0.0, 0.1), (1.0, 0.6)],
    };
    let timeline = compile(
        &one(press(0.2, 0.4, 0.2)),
        &Timing::default(),
        &placement,
        &Constant(0.020),
        &limits,
    )
    .expect("fits");
    assert!(
        (timeline.duration_s() - 13.607222).abs() < 1e-6,
        "{}",
        timeline.duration_s()
    );
    let marks: Vec<f64> = timeline.marks().iter().map(|mark| mark.t_s).collect();
    assert!(
        (marks[0] - 1.5).abs() < 1e-12 && (marks[1] - 9.537222).abs() < 1e-6,
        "{marks:?}"
    );

    let speed = (timeline.at(0.75).protrude_m - timeline.at(0.74).protrude_m) / 0.01;
    assert!((speed - 0.015042).abs() < 1e-6, "{speed}");
    let first = timeline.at(1.5 + 1.0);
    assert_eq!((first.phase, first.protrude_m), (Phase::Contact, 0.020));
    assert!((first.u - 0.2).abs() < 1e-12 && (first.walk_m - 0.2).abs() < 1e-12);
    // Half of the way at half of the time.
    let halfway = timeline.at(5.57 + 0.5 * 2.467222);
    assert_eq!((halfway.phase, halfway.protrude_m), (Phase::Travel, 0.0));
    assert!((halfway.walk_m - 0.25).abs() < 1e-6);
    let end = timeline.at(1e9);
    assert_eq!((end.protrude_m, end.phase), (0.0, Phase::Release));
    assert!((end.walk_m - 0.3).abs() < 1e-12);
}

/// One kneading of two turns at 25 rpm (2.617994 rad/s), 10 rad/s^2 after, over 0.02 s: 2 * 2.4 + 0.2617994 + 0.02 = 5.0817994 s, back at
/// the parked angle. The second turn starts in the middle of it.
#[test]
fn val_kneading_by_hand() {
    let limits = AxisLimits {
        knead_rad_s2: 10.0,
        ..limits()
    };
    let step = Step {
        technique: Technique::Knead,
        cycles: 2.0,
        park_deg: 90.0,
        ..press(0.5, 0.5, 0.1)
    };
    let timeline = compile(
        &one(step),
        &Timing::default(),
        &placement(),
        &Constant(0.020),
        &limits,
    )
    .expect("fits");
    assert!((timeline.duration_s() - (1.5 + 5.0817994 + 1.07)).abs() < 1e-6);
    let marks = timeline.marks();
    assert!(marks.iter().all(|mark| mark.kind == MarkKind::KneadCycle));
    assert!((marks[0].t_s - 1.5).abs() < 1e-12);
    assert!((marks[1].t_s - (1.5 + 0.5 * 5.0817994)).abs() < 1e-6);
    assert!((timeline.at(0.0).knead_rad - 0.25 * TAU).abs() < 1e-12);
    assert!((timeline.at(marks[1].t_s).knead_rad - 1.25 * TAU).abs() < 1e-12);
    assert!((timeline.at(1e9).knead_rad - 2.25 * TAU).abs() < 1e-12);
}

/// Speed and acceleration by difference quotients over a millisecond stay within the limits, through every joint of
/// the reference session and a depth map with a kink; so positions do not jump. A quotient is a mean over its span,
/// so there is no room to give but rounding: 1e-16 m / (1 ms)^2 = 1e-10 m/s^2, and 2^-50 x 100 rad / (1 ms)^2 = 1e-7
/// rad/s^2.
#[test]
fn val_limits_hold_at_every_millisecond() {
    let (timeline, limits) = (reference(), limits());
    let dt = 1e-3;
    let mut worst = [0.0_f64; 6];
    // Acceleration comes and goes over 20 ms; the slide's while it follows a map (a cubic, with a kink in between) is held in acceleration only.
    let mut jerk = [0.0_f64; 3];
    let steps = (timeline.duration_s() / dt) as usize + 10;
    let axes = |step: usize| {
        let at = timeline.at(step as f64 * dt);
        [at.walk_m, at.protrude_m, at.knead_rad]
    };
    for step in 2..steps {
        let (a, b, c) = (axes(step - 2), axes(step - 1), axes(step));
        for axis in 0..3 {
            worst[axis] = worst[axis].max((c[axis] - b[axis]).abs() / dt);
            worst[axis + 3] =
                worst[axis + 3].max((c[axis] - 2.0 * b[axis] + a[axis]).abs() / (dt * dt));
        }
        if step > 2 {
            let before = axes(step - 3);
            let rolls = (step - 3..=step).any(|s| {
                let at = timeline.at(s as f64 * dt);
                at.technique == Technique::Roll && at.phase == Phase::Contact
            });
            for axis in (0..3).filter(|axis| *axis != 1 || !rolls) {
                let third = c[axis] - 3.0 * b[axis] + 3.0 * a[axis] - before[axis];
                jerk[axis] = jerk[axis].max(third.abs() / (dt * dt * dt));
            }
        }
        assert_eq!(timeline.at(step as f64 * dt).tap_rad, 0.0);
    }
    let allowed = [
        limits.walk_m_s,
        limits.protrude_m_s,
        limits.knead_rad_s,
        limits.walk_m_s2,
        limits.protrude_m_s2,
        limits.knead_rad_s2,
    ];
    for (found, allowed) in worst.iter().zip(allowed) {
        assert!(*found <= allowed * (1.0 + 1e-6), "{worst:?} {allowed}");
    }
    // Rounding: 2^-50 x 10 rad / (1 ms)^3 = 10 rad/s^3 of 500 and more.
    for (axis, found) in jerk.iter().enumerate() {
        let most = allowed[3 + axis] / 0.020;
        assert!(*found <= 1.02 * most, "axis {axis}: {found} of {most}");
        assert!(*found > 0.5 * most, "axis {axis}: {found} of {most}");
    }
    // They are used, too: a timeline that crawls would pass the above.
    assert!(worst[1] > 0.99 * limits.protrude_m_s && worst[4] > 0.99 * limits.protrude_m_s2);
}

/// It walks only while retracted, but for rolling; and turns only when kneading or retracted.
#[test]
fn val_travel_is_retracted() {
    let timeline = reference();
    let dt = 5e-3;
    for step in 1..(timeline.duration_s() / dt) as usize {
        let (a, b) = (
            timeline.at((step - 1) as f64 * dt),
            timeline.at(step as f64 * dt),
        );
        if a.walk_m != b.walk_m && a.phase == b.phase {
            let rolls = b.technique == Technique::Roll && b.phase == Phase::Contact;
            assert!(rolls || (b.phase == Phase::Travel && b.protrude_m == 0.0));
        }
        if a.knead_rad != b.knead_rad && a.phase == b.phase {
            assert!(b.technique == Technique::Knead || b.protrude_m == 0.0);
        }
    }
}

/// T1 to L5, 0.86 of the back: presses every 0.1075 are 8 gaps, 9 presses; kneadings every 0.215 are 4 gaps, 5 points
/// with 2 turns; 2 passes. Travel: up from 0.92 to 0.06 is none after an even number of passes, so the carriage walks
/// 2 passes + 1 way of presses + back + 1 way of kneading = 5 ways in all.
#[test]
fn val_counts_and_total_travel() {
    let timeline = reference();
    let count = |kind| {
        timeline
            .marks()
            .iter()
            .filter(|mark| mark.kind == kind)
            .count()
    };
    assert_eq!(count(MarkKind::PressHold), 9);
    assert_eq!(count(MarkKind::KneadCycle), 10);
    assert_eq!(count(MarkKind::RollPass), 2);
    assert!(
        timeline
            .marks()
            .windows(2)
            .all(|pair| pair[0].t_s < pair[1].t_s)
    );

    let way = placement().walk_m(0.92) - placement().walk_m(0.06);
    let dt = 2e-3;
    let walked: f64 = (0..(timeline.duration_s() / dt) as usize)
        .map(|step| {
            let t = step as f64 * dt;
            (timeline.at(t + dt).walk_m - timeline.at(t).walk_m).abs()
        })
        .sum();
    // Sampling clips a turning point by at most a step of 45 mm/s x 2 ms = 0.09 mm.
    assert!((walked - 5.0 * way).abs() < 2e-4, "{walked} {way}");
}

/// While rolling, the protrusion is the depth map's at the station (between samples 0.02 apart: kink 0.03/u, so
/// within 0.3 mm).
#[test]
fn val_roll_follows_the_depth_map() {
    let timeline = reference();
    let mut seen = 0;
    for step in 0..(timeline.duration_s() / 0.01) as usize {
        let at = timeline.at(step as f64 * 0.01);
        if at.technique == Technique::Roll && at.phase == Phase::Contact {
            seen += 1;
            let wanted = Kinked.protrude_m(Technique::Roll, at.u, at.level);
            assert!((at.protrude_m - wanted).abs() < 0.3e-3, "{at:?} {wanted}");
        }
    }
    assert!(
        seen > 2000,
        "two passes of 400 mm at 30 mm/s are 27 s: {seen}"
    );
}

/// Shallow above station 0.4, 8 mm deeper below it.
struct Terrace(Option<f64>);

impl DepthMap for Terrace {
    fn protrude_m(&self, _: Technique, u: f64, _: u8) -> f64 {
        if u < 0.4 { 0.030 } else { 0.038 }
    }

    fn least_roll_m_s(&self, _: &Step) -> Option<f64> {
        self.0
    }
}

/// 8 mm within one sample (9 to 10 mm): a cubic from level to level bends by 6 x 8 / 9^2 = 0.59 per mm, so half of the slide's 100 mm/s2 lets the carriage walk
/// at sqrt(50 / 0.59) = 9.2 mm/s. Asked for 20 at least, the step is spread over three samples: somewhat over 20, and nowhere deeper than the map was.
#[test]
fn val_a_roll_is_pressed_less_deep_before_it_is_slower_than_asked() {
    let roll = Step {
        technique: Technique::Roll,
        ..press(0.2, 0.6, 0.1)
    };
    let of = |least: Option<f64>| {
        let depth = Terrace(least);
        compile(
            &one(roll),
            &Timing::default(),
            &placement(),
            &depth,
            &limits(),
        )
        .expect("fits")
    };
    let walks_m_s = |t: &Timeline| {
        let rolls = |i: &usize| {
            let at = t.at(*i as f64 * 0.01);
            at.technique == Technique::Roll && at.phase == Phase::Contact
        };
        let speed =
            |i: usize| (t.at((i + 1) as f64 * 0.01).walk_m - t.at(i as f64 * 0.01).walk_m) / 0.01;
        (0..(t.duration_s() * 100.0) as usize)
            .filter(rolls)
            .map(speed)
            .fold(0.0, f64::max)
    };
    let (slow, eased) = (of(None), of(Some(0.020)));
    let (slow_m_s, eased_m_s) = (walks_m_s(&slow), walks_m_s(&eased));
    println!("{slow_m_s} and {eased_m_s} m/s");
    assert!((0.008..0.0105).contains(&slow_m_s), "{slow_m_s}");
    assert!((0.020..=0.030).contains(&eased_m_s), "{eased_m_s}");
    for i in 0..(eased.duration_s() * 100.0) as usize {
        let at = eased.at(i as f64 * 0.01);
        if at.phase == Phase::Contact {
            // Between two samples a step is where either has it.
            let deepest_m = Terrace(None).protrude_m(Technique::Roll, at.u + 0.02, 3);
            assert!(at.protrude_m <= deepest_m + 1e-9, "{at:?}");
        }
    }
}

/// A terrace on a back that comes nearer by 30 mm a station: 8 mm deeper past touch below station 0.4.
struct Slope {
    knows_touch: bool,
    least_m_s: Option<f64>,
}

impl DepthMap for Slope {
    fn protrude_m(&self, technique: Technique, u: f64, level: u8) -> f64 {
        0.03 * u + Terrace(None).protrude_m(technique, u, level)
    }

    fn touch_m(&self, _: &Step, u: f64) -> Option<f64> {
        self.knows_touch.then_some(0.01 + 0.03 * u)
    }

    fn least_roll_m_s(&self, _: &Step) -> Option<f64> {
        self.least_m_s
    }
}

/// Where touch is known the terrace is eased and not the slope: away from its edge the depth stays what it was, where easing protrusion
/// takes the slope of two samples, `30 mm x 2 x 0.02 x 2 / 2` = 1.2 mm at its reach of 2 or half of that at 1. Deeper it is nowhere.
#[test]
fn val_a_roll_on_a_slope_keeps_its_depth_away_from_a_jump() {
    let roll = Step {
        technique: Technique::Roll,
        ..press(0.2, 0.6, 0.1)
    };
    let lost_mm = |knows_touch: bool| {
        let depth = Slope {
            knows_touch,
            least_m_s: Some(0.020),
        };
        let timeline = compile(
            &one(roll),
            &Timing::default(),
            &placement(),
            &depth,
            &limits(),
        )
        .expect("fits");
        let (mut most, mut deeper) = (0.0_f64, f64::NEG_INFINITY);
        for i in 0..(timeline.duration_s() * 100.0) as usize {
            let at = timeline.at(i as f64 * 0.01);
            if at.phase == Phase::Contact {
                let wanted = |u: f64| depth.protrude_m(Technique::Roll, u, 3);
                deeper = deeper.max(at.protrude_m - wanted(at.u + 0.02));
                if (0.26..0.32).contains(&at.u) || (0.48..0.54).contains(&at.u) {
                    most = most.max(wanted(at.u) - at.protrude_m);
                }
            }
        }
        assert!(deeper < 1e-9, "{deeper}");
        1e3 * most
    };
    let (with, without) = (lost_mm(true), lost_mm(false));
    println!("{with} and {without} mm");
    assert!(
        with < 0.01 && (0.5..1.3).contains(&without),
        "{with} {without}"
    );
}

/// A step with another park angle turns there the shorter way, retracted.
#[test]
fn val_park_angle_changes_while_travelling() {
    let mut session = one(press(0.3, 0.3, 0.1));
    session.steps.push(Step {
        park_deg: 350.0,
        ..press(0.5, 0.5, 0.1)
    });
    let timeline = compile(
        &session,
        &Timing::default(),
        &placement(),
        &Kinked,
        &limits(),
    )
    .expect("fits");
    assert!((timeline.at(1e9).knead_rad.to_degrees() + 10.0).abs() < 1e-9);
}

#[test]
fn val_placement_is_its_own_inverse() {
    let placement = placement();
    for step in 0..=130 {
        let u = -0.1 + 0.01 * f64::from(step);
        assert!((placement.station(placement.walk_m(u)) - u).abs() < 1e-12);
    }
    assert!((placement.walk_m(0.2) - 0.205).abs() < 1e-15); // halfway from -0.1 to 0.5
}

#[test]
fn val_points_end_at_the_end() {
    assert_eq!(press(0.5, 0.5, 0.1).points_u(), [0.5]);
    assert_eq!(press(0.0, 1.0, 0.4).points_u(), [0.0, 0.4, 0.8, 1.0]);
    assert_eq!(press(1.0, 0.0, 0.5).points_u(), [1.0, 0.5, 0.0]);
    assert_eq!(press(0.06, 0.92, 0.1075).points_u().len(), 9);
}

/// Every problem is told, with its step and key.
#[test]
fn val_all_problems_are_told() {
    let told = |session: &Session, depth: &dyn DepthMap, timing: &Timing, placement: &Placement| {
        let error = compile(session, timing, placement, depth, &limits()).expect_err("is wrong");
        error
            .problems
            .iter()
            .map(|problem| (problem.step, problem.key.clone()))
            .collect::<Vec<_>>()
    };
    let some = |step: usize, key: &str| (Some(step), key.to_owned());
    let (timing, good) = (Timing::default(), placement());

    let mut session = one(Step {
        level: 9,
        hold_s: -1.0,
        spacing_u: 0.0,
        ..press(f64::NAN, 3.0, 0.1)
    });
    session.steps.push(Step {
        technique: Technique::Roll,
        cycles: 1.5,
        ..press(0.2, 0.2, 0.0)
    });
    let slow = Timing {
        roll_m_s: 0.0,
        ..timing
    };
    let flat = Placement {
        walk_at: vec![(0.0, 0.1)],
    };
    assert_eq!(
        told(&session, &Constant(0.02), &slow, &flat),
        [
            some(0, "from_u"),
            some(0, "to_u"),
            some(0, "level"),
            some(0, "hold_s"),
            some(0, "spacing_u"),
            some(1, "cycles"),
            some(1, "to_u"),
            (None, "timing.roll_m_s".to_owned()),
            (None, "placement.walk_at".to_owned()),
        ]
    );
    let empty = Session {
        steps: Vec::new(),
        ..session
    };
    assert_eq!(
        told(&empty, &Constant(0.02), &timing, &good),
        [(None, "steps".to_owned())]
    );

    // Beyond the placement, beyond the track's end, beyond the slide.
    let far = Placement {
        walk_at: vec![(0.0, 0.02), (1.0, 0.5)],
    };
    let mut session = one(press(-0.1, 0.02, 0.1));
    session.steps.push(press(0.5, 0.7, 0.1));
    assert_eq!(
        told(&session, &Constant(0.02), &timing, &far),
        [some(0, "from_u"), some(0, "to_u")]
    );
    assert_eq!(
        told(&one(press(0.5, 0.7, 0.1)), &Constant(0.2), &timing, &good),
        [some(0, "level")]
    );
}
