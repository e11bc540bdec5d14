//! Promise: a variant of a sweep over rigs is a run of `kneadlab run`. It gives the numbers of a run of the same scene, and the same
//! bits whatever was measured before it, on however many threads.

use crate::seat::path;
use scene::{AnyScene, RigScene};
use sim::{Bed, Recording, RigTrace, record_rig};
use std::sync::Arc;
use tune::seat::{allow_rig, seat_at_rig};
use tune::sweep::{Crew, Known, Manner, Plan, Record, Sink};
use tune::{Failure, Workshop, rig_rate_hz};

/// A rig's scene for less than a second, on cells of 4 mm.
pub(crate) fn short(name: &str, sets: &[(&str, &str)]) -> Arc<RigScene> {
    let coarse = [
        ("solver.cell_mm", "4"),
        ("duration_s", "0.6"),
        ("placement.approach_s", "0.2"),
    ];
    let sets: Vec<(String, String)> = [&coarse, sets]
        .concat()
        .iter()
        .map(|(p, v)| (p.to_string(), v.to_string()))
        .collect();
    let loaded = scene::load_rig_scene(&path(name), &sets);
    Arc::new(loaded.unwrap_or_else(|e| panic!("{e}")).scene)
}

/// As `kneadlab run` does it.
pub(crate) fn run(scene: &Arc<RigScene>) -> RigTrace {
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let mut sim = seat_at_rig(scene, allow_rig(scene).unwrap(), &groundwork).unwrap();
    let rows = Recording::rows(rig_rate_hz(scene));
    record_rig(&mut sim, &rows, &mut |_, _| true)
}

/// Every number that a trace and a measure both have, and the map, bit for bit; from a workshop that has been used before.
#[test]
fn regress_a_variant_of_a_rig_equals_a_run() {
    let workshop = Workshop::default();
    let other = [
        ("rig.params.stroke_mm", "15"),
        ("rig.node.0.radius_mm", "12"),
    ];
    for (name, sets, drive) in [
        ("gun.toml", &[][..], "crank"),
        ("gun.toml", &other, "crank"),
        ("pillow.toml", &[], "discs"),
    ] {
        let scene = short(name, sets);
        let found = workshop.measure_rig(&scene).unwrap();
        let run = run(&scene);
        assert_eq!(found.map, run.map, "{name}");
        let worst = |values: Vec<f64>| values.into_iter().fold(0.0, f64::max);
        let load = &run.drives[0];
        let column = |column: &str| run.column(column).unwrap();
        let force = |node: &String| column(&format!("{node}_force_n"));
        let all_n: f64 = run.node_names.iter().flat_map(force).sum();
        for (metric, value) in [
            (
                "node_force_max_n",
                worst(run.nodes.iter().map(|n| n.force_n).collect()),
            ),
            (
                "peak_pressure_pa",
                worst(run.nodes.iter().map(|n| n.peak_pa).collect()),
            ),
            (
                "motor_current_max_a",
                worst(run.motors.iter().map(|m| m.peak_a).collect()),
            ),
            (
                "joint_force_max_n",
                worst(run.joints.iter().map(|j| j.radial_n.peak).collect()),
            ),
            ("work_j", run.efforts.iter().map(|e| e.work_j).sum()),
            ("impulse_n_s", all_n / run.rate_hz),
            ("cap_load", run.load),
            ("cap_violations", run.violations.len() as f64),
            ("gap_m", run.gap_m),
            ("duration_s", 0.6),
        ] {
            let measured = found.get(metric).unwrap();
            let off = (measured / value - 1.0).abs();
            // Sums may be taken in another order; all else is the same number.
            assert!(
                measured == value || off < 1e-12,
                "{name} {metric}: {measured}, {value}"
            );
        }
        assert_eq!(load.name, drive);
        for (metric, value) in [
            ("current_rms_a", load.current_a.rms),
            ("effort_max_nm", load.effort.peak),
            ("copper_w", load.copper_w),
            ("drive_work_j", load.work_j),
        ] {
            let metric = format!("{drive}_{metric}");
            assert_eq!(found.get(&metric), Some(value), "{name} {metric}");
        }
        assert!(found.get("node_force_max_n") > Some(10.0), "{found:?}");
        for (metric, value) in &found.values {
            assert!(value.is_finite(), "{name} {metric}: {value}");
            let twice = found.values.iter().filter(|(m, _)| m == metric).count();
            assert_eq!(twice, 1, "{metric}");
        }
    }
}

/// The gun's motor is a torque line: unloaded but for friction it turns at what its speed controller asks for, and against a bearing that
/// holds more than its torque at the current limit (0.8 N m) it stands. So the share of the asked speed is 1 and 0 there.
#[test]
fn val_the_share_of_speed_tells_sag_and_stall() {
    let share = |sets: &[(&str, &str)]| {
        let held = [
            // In the air.
            ("placement.press_mm", "-90"),
            ("rig.mounting.push_n", "0"),
        ];
        let scene = short("gun.toml", &[&held, sets].concat());
        let found = Workshop::default().measure_rig(&scene).unwrap();
        (
            found.get("crank_speed_share").unwrap(),
            found.get("crank_rate_mean_rad_s").unwrap(),
        )
    };
    let (free, rate) = share(&[]);
    assert!((free - 1.0).abs() < 0.01, "{free}");
    // 2400 rpm are 251.3 rad/s.
    assert!((rate / 251.327 - free).abs() < 1e-4, "{rate}");
    let (stuck, rate) = share(&[("rig.joint.0.friction_nm", "1.2")]);
    assert!(stuck < 0.01 && rate < 2.5, "{stuck} {rate}");
}

/// What a point cannot be is told as infeasible, as a carriage's: a condition that forbids percussion, a rod too short to turn.
#[test]
fn what_cannot_be_is_infeasible() {
    let refused = |sets: &[(&str, &str)]| {
        let scene = short("gun.toml", sets);
        Workshop::default().measure_rig(&scene)
    };
    let condition = refused(&[("body.conditions", "[\"fibromyalgia\"]")]);
    let Err(Failure::Infeasible(message)) = condition else {
        panic!("{condition:?}");
    };
    assert!(message.contains("forbids percussion"), "{message}");
}

struct Nowhere;

impl Sink for Nowhere {
    fn put(&self, _: &[Record]) -> Result<(), String> {
        Ok(())
    }

    fn stop_asked(&self) -> bool {
        false
    }
}

/// The shipped study of the gun, short and coarse: every sample the same bits on one thread and two, the points' scenes what the study says.
#[test]
fn regress_a_sweep_of_a_rig_is_the_same_on_one_thread_and_two() {
    let sets = [
        ("scene.solver.cell_mm", "4"),
        ("scene.duration_s", "0.4"),
        ("scene.placement.approach_s", "0.2"),
        ("sweep.samples", "4"),
    ]
    .map(|(p, v)| (p.to_string(), v.to_string()));
    let study = scene::load_sweep(&path("studies/gun_stroke.toml"), &sets).unwrap();
    let plan = Plan::new(&study).unwrap();
    assert_eq!((plan.points(), plan.samples()), (4, 8));
    let manner = Manner {
        batch: 1,
        fail_fast: false,
    };
    let rows = |jobs| {
        let crew = Crew::new(jobs).unwrap();
        let range = plan.shard(0, 1);
        crew.compute(&plan, range, Known::default(), manner, &Nowhere)
            .unwrap()
    };
    let (one, two) = (rows(1), rows(2));
    assert_eq!(one.len(), 8);
    for (a, b) in one.iter().zip(&two) {
        assert!(a.record.same(&b.record), "{a:?} {b:?}");
        assert_eq!(a.record.metrics.len(), plan.metrics().len(), "{a:?}");
    }
    let values = plan.values(2);
    let AnyScene::Rig(scene) = plan.sweep.scene(&values).unwrap() else {
        panic!("a rig's scene");
    };
    // Named in the file's order: stroke, speed, radius, mass, push, and what follows: strokes a second.
    assert!((scene.percussion_hz - values[1] / 60.0).abs() < 1e-12);
    assert!((scene.rig.heads[0].node.mass_kg - values[3]).abs() < 1e-12);
}
