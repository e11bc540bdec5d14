//! Promise: the simulated chair obeys statics. At rest the pad carries the trunk's weight across it; under nodes the
//! forces on the trunk still add up to nothing; and the mechanism that carries the nodes goes where its geometry says.

use crate::seat::{only, scene, seat};
use back::{Back, Body, Sex};
use mechanism::Kinematics;
use nalgebra::{Point3, Vector3};
use program::{Phase, Technique};
use scene::{Chair, Scene};
use sim::{Lean, NODES, Support};

/// Standard gravity, m/s^2 (CGPM 1901).
const GRAVITY_M_S2: f64 = 9.806_65;

/// A trunk of mass m on a backrest that leans by r presses it with m g sin(r), if the seat need not hold the pelvis. For a
/// tall heavy man on the shipped chair that is so: pad and weight across the backrest agree to 0.5 %.
#[test]
fn val_pad_carries_the_dead_weight() {
    for recline_deg in [25.0, 35.0, 45.0, 60.0, 75.0] {
        let [pad_n, across_n] = at_rest(Sex::Male, 1.90, 33.0, recline_deg);
        println!("{recline_deg} deg: pad {pad_n:.2} N, m g sin {across_n:.2} N");
        assert!((pad_n / across_n - 1.0).abs() < 0.005, "{pad_n} {across_n}");
    }
}

/// For others the seat holds the difference, so that pad, seat and weight still add up to nothing, and so do their moments
/// about the hip. The difference is ours, not nature's, and larger than one would like: pinned here.
#[test]
fn regress_seat_holds_what_the_pad_does_not() {
    for (sex, stature_m, bmi, recline_deg, allowed) in [
        (Sex::Female, 1.628, 25.5, 45.0, 0.20),
        (Sex::Female, 1.628, 25.5, 60.0, 0.10),
        (Sex::Male, 1.755, 27.5, 45.0, 0.22),
        (Sex::Female, 1.52, 19.5, 45.0, 0.36),
        (Sex::Female, 1.52, 19.5, 25.0, 0.66),
    ] {
        let [pad_n, across_n] = at_rest(sex, stature_m, bmi, recline_deg);
        let share = 1.0 - pad_n / across_n;
        println!(
            "{stature_m} m, BMI {bmi}, {recline_deg} deg: the seat holds {:.1} % of {across_n:.1} N",
            share * 100.0
        );
        assert!(share.abs() < allowed, "{share}");
    }
}

/// Force of the pad and weight across the backrest, N, of a body at rest, its balance checked.
fn at_rest(sex: Sex, stature_m: f64, bmi: f64, recline_deg: f64) -> [f64; 2] {
    let scene = scene("chair.toml", &[]);
    let kinematics = Kinematics::new(&scene.mechanism).unwrap();
    let back = Back::new(&Body::mean(sex, stature_m, bmi, 30.0)).unwrap();
    let recline_rad = f64::to_radians(recline_deg);
    let support = Support::new(
        &back,
        &Chair {
            recline_rad,
            ..scene.chair
        },
        kinematics.curve(),
    );
    let load = support.load(&Lean::default());
    assert!(load.y_n.abs() < 1e-6 && load.z_n.abs() < 1e-6, "{load:?}");
    // By hand: the weight acts at the mass centre, the pad's moment about the hip has to hold it.
    let trunk = back.trunk();
    let weight_n = trunk.mass_kg * GRAVITY_M_S2;
    let pose = support.machine_from_back(&Lean::default());
    let arm = pose * trunk.centre - pose * trunk.hip;
    let (across_n, along_n) = (weight_n * recline_rad.sin(), weight_n * recline_rad.cos());
    let weight_nm = arm.z * across_n - arm.y * along_n;
    let pad = support.pad(&pose);
    assert!(
        (pad.pitch_nm + weight_nm).abs() < 1e-3 * weight_nm.abs(),
        "{} against {weight_nm} N m",
        pad.pitch_nm
    );
    [pad.y_n, across_n]
}

/// The same through the engine: with the nodes retracted and the body off them nothing moves for half a second.
#[test]
fn val_dead_weight_stays_at_rest() {
    let mut chair = scene("chair.toml", &[]);
    chair.session = only(Technique::Press, 0.5, 0.5, 1.0);
    chair.depth.protrude_m = [0.0; 5];
    let mut sim = seat(&chair);
    let support = sim.subject().support.clone().unwrap();
    let pad_n = support
        .pad(&support.machine_from_back(&Lean::default()))
        .y_n;
    let mut far = Lean::default();
    for _ in 0..250 {
        let frame = sim.step().unwrap();
        far.y_m = far.y_m.max(frame.lean.y_m.abs());
        far.pitch_rad = far.pitch_rad.max(frame.lean.pitch_rad.abs());
        assert!(
            (frame.pad_n / pad_n - 1.0).abs() < 1e-6,
            "{} N of {pad_n} N at {} s",
            frame.pad_n,
            frame.t_s
        );
    }
    assert!(far.y_m < 1e-6 && far.pitch_rad < 1e-6, "{far:?}");
}

/// At the end of a long hold the forces on the trunk add up to nothing: pad + nodes + hip + gravity, across the backrest,
/// along it, and in moment about the hip. The tissue still creeps a little and the rockers still swing a little, so the
/// bar is 1 % of the weight across the pad, and 1 % of that on an arm of 0.25 m (its radius of gyration).
#[test]
fn val_forces_on_a_pressed_trunk_balance() {
    let mut chair = scene("chair.toml", &[]);
    chair.session = only(Technique::Press, 0.6, 4.0, 1.0);
    chair.timing.press_ramp_s = 2.0;
    chair.depth.protrude_m = [0.075; 5];
    let mut sim = seat(&chair);
    let across_n =
        sim.subject().back.trunk().mass_kg * GRAVITY_M_S2 * chair.chair.recline_rad.sin();
    let mut left = Vec::new();
    let mut pressed_n = 0.0;
    while !sim.is_done() {
        let frame = sim.step().unwrap().clone();
        if frame.command.phase == Phase::Release {
            break;
        }
        if frame.command.phase == Phase::Contact {
            left.push(balance(&sim.subject().support.clone().unwrap(), &frame));
            pressed_n = frame.contacts.iter().map(|c| c.force_n).sum();
        }
    }
    // The last quarter of a second.
    let late = &left[left.len() - 125..];
    let mean = |i: usize| late.iter().map(|b| b[i]).sum::<f64>() / late.len() as f64;
    let sums = [mean(0), mean(1), mean(2)];
    println!(
        "nodes press with {pressed_n:.1} N of {across_n:.1} N; left over: {sums:.3?} (N, N, N m)"
    );
    assert!(pressed_n > 0.2 * across_n, "a light touch proves nothing");
    assert!(
        sums[0].abs() < 0.01 * across_n && sums[1].abs() < 0.01 * across_n,
        "{sums:?}"
    );
    assert!(sums[2].abs() < 0.01 * across_n * 0.25, "{sums:?}");
}

/// Everything on the trunk: across and along the backrest, N, and about the hip, N m.
fn balance(support: &Support, frame: &sim::Frame) -> [f64; 3] {
    let own = support.load(&frame.lean);
    let hip = frame.machine_from_back * support.hip();
    let mut sum = [own.y_n, own.z_n, own.pitch_nm];
    for contact in frame.contacts.iter().filter(|c| c.force_n > 0.0) {
        let force = frame.machine_from_back.rotation * contact.force_in_back;
        let arm = frame.machine_from_back * contact.point_in_back - hip;
        sum[0] += force.y;
        sum[1] += force.z;
        sum[2] += arm.y * force.z - arm.z * force.y;
    }
    sum
}

/// theta deg; rocker pivot of the right side, mm from the boss centre between the sides, x right, y forward, z up. From
/// the published equations of the oblique boss with a rod (a 55, alpha 10 deg, e 8, arm (80, 70), rod 70 mm), solved for
/// the spin by bisection in a program of its own.
const PIVOTS: [(f64, [f64; 3]); 4] = [
    (0.0, [41.384, 85.219, 71.776]),
    (90.0, [40.416, 65.167, 90.708]),
    (180.0, [68.673, 69.543, 71.415]),
    (270.0, [64.560, 90.933, 46.220]),
];

/// Unloaded, at steps of 1 ms, the simulated rockers hang on pivots that follow the table to 0.1 mm. The simulated body's
/// place is read from its two nodes: the pivot lies on the line between them. At 12 rpm a step turns the shaft by 0.072
/// degrees, so one falls within 0.04 degrees of each angle of the table, and there the pivot (at most 0.5 mm per degree)
/// is within 0.02 mm of it.
#[test]
fn val_simulated_pivots_follow_the_table() {
    let mut chair = scene(
        "chair.toml",
        &[
            ("mechanism.params.half_spacing_mm", "55"),
            ("solver.dt_ms", "1"),
            ("mechanism.knead.rod.crank_mm", "0"),
        ],
    );
    chair.session = only(Technique::Knead, 0.5, 0.0, 1.0);
    chair.depth.protrude_m = [0.0; 5];
    chair.timing.knead_rad_s = f64::to_radians(72.0);
    // Nobody within reach.
    chair.chair.pad.offset_m += 0.2;
    let kinematics = Kinematics::new(&chair.mechanism).unwrap();
    let mut sim = seat(&chair);
    let mut before = sim.frame().drive;
    let mut nearest = [[f64::INFINITY; 2]; 4];
    while !sim.is_done() {
        let frame = sim.step().unwrap();
        assert!(frame.contacts.iter().all(|c| c.force_n == 0.0), "unloaded");
        // A frame's bodies are where the step before has put them.
        let drive = std::mem::replace(&mut before, frame.drive);
        let boss_from_machine = kinematics.shaft(drive.walk_m, drive.protrude_m).inverse();
        let theta_deg = drive.knead_rad.to_degrees().rem_euclid(360.0);
        for ((table_deg, table_mm), nearest) in PIVOTS.iter().zip(&mut nearest) {
            let away_deg = (theta_deg - table_deg + 180.0).rem_euclid(360.0) - 180.0;
            for (side, sign) in [-1.0, 1.0].into_iter().enumerate() {
                let pivot_mm =
                    1e3 * (boss_from_machine * simulated_pivot(&chair, &frame.nodes, side)).coords;
                let wanted_mm = Vector3::new(sign * table_mm[0], table_mm[1], table_mm[2]);
                if away_deg.abs() < 0.04 {
                    nearest[side] = f64::min(nearest[side], (pivot_mm - wanted_mm).norm());
                }
            }
        }
    }
    println!(
        "simulated pivots, left and right, off the table at 0, 90, 180, 270 deg: {nearest:.4?} mm"
    );
    assert!(
        nearest.iter().flatten().all(|off_mm| *off_mm < 0.1),
        "{nearest:?}"
    );
}

/// The pivot of one side's rocker body: both nodes stand `forward` of it, one up, one down.
fn simulated_pivot(chair: &Scene, nodes: &[Point3<f64>; NODES], side: usize) -> Point3<f64> {
    let rocker = &chair.mechanism.rocker;
    assert_eq!(rocker.forward_m, 0.0, "the pivot lies between the nodes");
    let (upper, lower) = (nodes[2 * side], nodes[2 * side + 1]);
    lower + (upper - lower) * (rocker.down_m / (rocker.up_m + rocker.down_m))
}

/// A breath brings the skin to the node as the slide brings the node to the skin: breathed in by 4 mm the back is pressed as hard as a held one by nodes
/// that stand 4 mm further out. Not quite: the last 4 mm came seconds later, and tissue that has had less time presses more; a third is allowed for it.
/// Breathed out it makes no difference but for that. The trunk gives way in both.
#[test]
fn val_a_breath_presses_as_the_slide_would() {
    let forces_n = |breath_mm: &str, out_m: f64| {
        let sets = [("body.breath_mm", breath_mm), ("body.breath_hz", "0.25")];
        let mut chair = scene("chair.toml", &sets);
        chair.session = only(Technique::Press, 0.55, 8.0, 1.0);
        chair.timing.press_ramp_s = 2.0;
        chair.depth.protrude_m = [0.062 + out_m; 5];
        let mut sim = seat(&chair);
        let mut felt = Vec::new();
        while !sim.is_done() {
            let frame = sim.step().unwrap();
            felt.push((frame.t_s, frame.contacts.map(|c| c.force_n)));
        }
        // Breathed in at 6 s, out at 8 s: both within the hold.
        [6.0, 8.0].map(|at_s| {
            let near = felt.iter().find(|(t_s, _)| *t_s >= at_s).unwrap();
            near.1.iter().sum::<f64>()
        })
    };
    let [held, breathing, deeper] =
        [("0", 0.0), ("4", 0.0), ("0", 0.004)].map(|(b, m)| forces_n(b, m));
    let gain = (breathing[0] - held[0]) / (deeper[0] - held[0]);
    println!(
        "held {held:.2?} N, breathing {breathing:.2?} N, 4 mm deeper {deeper:.2?} N: {gain:.2}"
    );
    assert!(deeper[0] > held[0] + 5.0, "{deeper:?} {held:?}");
    assert!((0.8..1.33).contains(&gain), "{gain}");
    assert!(
        (breathing[1] / held[1] - 1.0).abs() < 0.1,
        "{breathing:?} {held:?}"
    );
    // The same bits again.
    assert_eq!(forces_n("4", 0.0), breathing);
}
