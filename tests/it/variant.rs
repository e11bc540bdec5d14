//! Promise: a variant of a sweep is a run. It gives the numbers of a run of the same scene, and the same bits whatever was measured
//! before it, on however many threads, with however little memory.

use crate::seat::{scene, seat};
use back::{Body, Population};
use mechanism::{Drive, Kinematics};
use scene::{BANDS, Scene};
use sim::{Scan, record};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tune::{Ask, Failure, METRICS, Measures, Workshop};

/// Three seconds of kneading, on cells of 4 mm.
fn short(sets: &[(&str, &str)]) -> Arc<Scene> {
    let coarse = [("solver.cell_mm", "4")];
    Arc::new(scene("checks/knead3s.toml", &[&coarse, sets].concat()))
}

/// A mechanism like no other in tilt, node radius and rocker.
const OTHER: [(&str, &str); 3] = [
    ("mechanism.params.tilt_deg", "12"),
    ("mechanism.params.node_radius_mm", "23"),
    ("mechanism.params.rocker_rate_nm_deg", "0.02"),
];

/// Every number of a trace that a metric is taken from, and the map, bit for bit; from a workshop that has been used before.
#[test]
fn regress_a_variant_equals_a_run() {
    let workshop = Workshop::default();
    for sets in [&[][..], &OTHER] {
        let scene = short(sets);
        let found = workshop
            .measure(&scene, &scene.body, &Ask::default())
            .unwrap();
        let run = record(&mut seat(&scene), 50.0, &mut |_, _| true);
        assert_eq!(found.map.as_ref(), Some(&run.map));
        let largest = |values: [f64; 4]| values.into_iter().fold(0.0, f64::max);
        for (name, value) in [
            ("node_force_max_n", largest(run.nodes.map(|n| n.force_n))),
            ("peak_pressure_pa", largest(run.nodes.map(|n| n.peak_pa))),
            ("knead_current_max_a", run.motors[1].peak_a),
            ("protrude_current_rms_a", run.motors[2].rms_a),
            ("work_j", run.efforts.iter().map(|e| e.work_j).sum()),
            ("cap_load", run.load),
            ("cap_violations", run.violations.len() as f64),
        ] {
            assert_eq!(found.get(name), Some(value), "{name}");
        }
        assert!(found.get("node_force_max_n") > Some(10.0), "{found:?}");
        assert_eq!(run.load > 1.0, !run.violations.is_empty());
    }
}

/// Six variants on two bodies: in order on one thread, backwards in a workshop that can hold one body, and on two threads.
#[test]
fn regress_order_threads_and_memory_change_no_bit() {
    let bodies: Vec<Body> = (0..2).map(|i| Population::survey(3).body(i)).collect();
    let scenes = [
        short(&[]),
        short(&OTHER),
        short(&[("timing.knead_rpm", "50")]),
    ];
    let jobs: Vec<(&Arc<Scene>, &Body)> = scenes
        .iter()
        .flat_map(|scene| bodies.iter().map(move |body| (scene, body)))
        .collect();
    let measure = |workshop: &Workshop, i: usize| {
        let (scene, body) = jobs[i];
        bits(&workshop.measure(scene, body, &Ask::default()).unwrap())
    };
    let plenty = Workshop::default();
    let forwards: Vec<_> = (0..jobs.len()).map(|i| measure(&plenty, i)).collect();
    assert!(forwards.windows(2).all(|pair| pair[0] != pair[1]));

    let one_body = plenty.bytes() * 2 / 3;
    let scarce = Workshop::with_memory(one_body);
    let mut backwards: Vec<_> = (0..jobs.len())
        .rev()
        .map(|i| {
            let found = measure(&scarce, i);
            assert!(
                scarce.bytes() <= one_body,
                "{} of {one_body}",
                scarce.bytes()
            );
            found
        })
        .collect();
    backwards.reverse();
    assert!(forwards == backwards, "backwards, with little memory");

    let shared = Workshop::default();
    let next = AtomicUsize::new(0);
    let work = || {
        let mine = std::iter::from_fn(|| {
            let i = next.fetch_add(1, Ordering::Relaxed);
            (i < jobs.len()).then(|| (i, measure(&shared, i)))
        });
        mine.collect::<Vec<_>>()
    };
    let mut found = std::thread::scope(|s| {
        let other = s.spawn(work);
        let mut found = work();
        found.extend(other.join().unwrap());
        found
    });
    found.sort_by_key(|(i, _)| *i);
    let threads: Vec<_> = found.into_iter().map(|(_, bits)| bits).collect();
    assert!(forwards == threads, "two threads");
}

/// Without a map nothing else changes, and what is taken from a map is not a number.
#[test]
fn a_map_is_kept_on_demand() {
    let workshop = Workshop::default();
    let scene = short(&[]);
    let with = workshop.measure(&scene, &scene.body, &Ask::default());
    let ask = Ask {
        map: false,
        ..Ask::default()
    };
    let without = workshop.measure(&scene, &scene.body, &ask);
    let (with, without) = (with.unwrap(), without.unwrap());
    assert!(with.map.is_some() && without.map.is_none());
    for (i, metric) in METRICS.iter().enumerate() {
        let of_map = ["dose_pa_s", "area_m2", "shear_dose_pa_s"].contains(&metric.name);
        let (a, b) = (with.values[i], without.values[i]);
        assert!(a.is_finite(), "{}: {a}", metric.name);
        assert!(
            if of_map { b.is_nan() } else { a == b },
            "{}: {a} {b}",
            metric.name
        );
    }
}

/// What is no machine, no session or no person is told apart, and says why.
#[test]
fn failures_say_what_cannot_be() {
    let workshop = Workshop::default();
    let good = short(&[]);
    let fails = |change: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::clone(&good);
        change(&mut scene);
        let body = scene.body.clone();
        workshop
            .measure(&Arc::new(scene), &body, &Ask::default())
            .unwrap_err()
    };
    let infeasible = |failure: Failure, word: &str| match failure {
        Failure::Infeasible(message) => assert!(message.contains(word), "{message}"),
        Failure::Failed(message) => panic!("{message}"),
    };
    infeasible(fails(&|s| s.mechanism.knead.rod.length_m = 0.3), "rod");
    infeasible(fails(&|s| s.depth.protrude_m = [0.2; 5]), "protrusion");
    infeasible(
        fails(&|s| s.conditions = vec!["pacemaker_icd".into()]),
        "pacemaker",
    );
    let failed = fails(&|s| s.body.stature_m = 3.0);
    assert!(
        matches!(&failed, Failure::Failed(m) if m.contains("stature_m")),
        "{failed}"
    );
}

/// Names are unique and end in their unit, as everywhere.
#[test]
fn metrics_are_named_by_quantity_and_unit() {
    for (i, metric) in METRICS.iter().enumerate() {
        assert!(
            METRICS[..i].iter().all(|m| m.name != metric.name),
            "{}",
            metric.name
        );
        let suffix = match metric.unit {
            "1" => continue,
            unit => format!("_{}", unit.to_lowercase().replace(' ', "_")),
        };
        assert!(
            metric.name.ends_with(&suffix),
            "{} in {}",
            metric.name,
            metric.unit
        );
        assert!(!metric.meaning.is_empty());
    }
}

/// Scenes without a study are judged by the shipped study's bands.
#[test]
fn bands_without_a_study_are_the_shipped_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/studies/chair_shiatsu.toml");
    assert_eq!(scene::load_study(&path, &[]).unwrap().bands, BANDS);
}

/// The bench carriage in front of a flat upright slab: a rocker that puts neither sphere ahead has both centres as far from the slab as its
/// pivot, so they touch after `face - 25 mm - y of the pivot`. The face stands 90 mm in front of the middle of the rail, which over its 0.38 m
/// from the top has bent by 0.38^2 / (2 km) = 0.07 mm.
#[test]
fn val_touch_is_where_the_spheres_meet_the_slab() {
    let scene = scene("checks/peer_slab.toml", &[]);
    let sim = seat(&scene);
    let kinematics = Kinematics::new(&scene.mechanism).unwrap();
    let scan = Scan::new(&scene, sim.subject(), &kinematics);
    let expected_m = |walk_m: f64, knead_rad: f64| {
        let drive = Drive {
            walk_m,
            knead_rad,
            ..Drive::default()
        };
        let [_, right] = kinematics.sides(&drive).unwrap();
        0.090 + 0.38 * 0.38 / 2000.0 - 0.025 - right.pivot.translation.y
    };
    for walk_m in [0.3, 0.4] {
        for knead_rad in [0.0, 1.0, 4.0] {
            let touch_m = scan.touch_m(walk_m, knead_rad).unwrap();
            let off_m = touch_m - expected_m(walk_m, knead_rad);
            assert!(
                off_m.abs() < 2e-6,
                "{walk_m} {knead_rad}: {touch_m} {off_m}"
            );
        }
        let turn = (0..16).map(|i| expected_m(walk_m, f64::from(i) * std::f64::consts::TAU / 16.0));
        let first_m = turn.fold(f64::INFINITY, f64::min);
        assert!((scan.turn_touch_m(walk_m).unwrap() - first_m).abs() < 2e-6);
    }
}

fn bits(found: &Measures) -> Vec<u64> {
    let map = found.map.as_ref().unwrap();
    let all = found
        .values
        .iter()
        .chain(&map.peak_pa)
        .chain(&map.dose_pa_s);
    all.map(|v| v.to_bits()).collect()
}
