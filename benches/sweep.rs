//! What a sweep costs: variants of three seconds of kneading in the full simulator, with and without pressure maps, and the stages of one;
//! then a tuning, which is quasi-static: the shipped study cut to four classes of one body, three stations and no replay. All on one thread.
//! A body of the study costs what one of the whole does, station for station.
//!
//! `cargo bench --bench sweep`; see `benches/README.md`.

use back::{Body, Envelope, Population};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use mechanism::Kinematics;
use scene::Scene;
use sim::{Bed, Subject};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tune::{Ask, Depth, Silent, Workshop, tune};

fn bench(c: &mut Criterion) {
    variants(c);
    let path = scenes("studies/chair_shiatsu.toml");
    let sets = [
        ("tuning.bodies_per_class", "1"),
        ("held_out.bodies_per_class", "1"),
        ("replay.bodies", "0"),
        ("stations.count", "3"),
    ];
    let sets = sets.map(|(key, value)| (key.to_string(), value.to_string()));
    let mut study = scene::load_study(&path, &sets).unwrap_or_else(|e| panic!("{e}"));
    study.classes.stature_edges_m = vec![1.69];
    study.classes.bmi_edges_kg_m2 = vec![26.5];
    let mut group = c.benchmark_group("sweep");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("tune, 8 bodies, 3 stations", |b| {
        b.iter(|| tune(&study, 1, &Silent).expect("tunes").held_out.band_share)
    });
    group.finish();
}

/// Variants in tilt, node radius and rocker spring on four bodies, in turn, so that nothing of the mechanism is met twice.
fn variants(c: &mut Criterion) {
    let path = scenes("checks/knead3s.toml");
    let loaded = |i: u32| {
        let sets = [
            ("mechanism.params.tilt_deg", 9.0 + 0.01 * f64::from(i)),
            (
                "mechanism.params.node_radius_mm",
                18.0 + 0.02 * f64::from(i),
            ),
            (
                "mechanism.params.rocker_rate_nm_deg",
                0.01 + 1e-5 * f64::from(i),
            ),
        ];
        let sets = sets.map(|(path, value)| (path.to_string(), value.to_string()));
        Arc::new(
            scene::load(&path, &sets)
                .unwrap_or_else(|e| panic!("{e}"))
                .scene,
        )
    };
    let scenes: Vec<Arc<Scene>> = (0..200).map(loaded).collect();
    let bodies: Vec<Body> = (0..4).map(|i| Population::survey(5).body(i)).collect();
    let workshop = Workshop::default();
    let depth = Depth::FromTouch([0.014, 0.017, 0.020, 0.023, 0.026]);
    let mut group = c.benchmark_group("variant");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(1));
    for (name, map) in [("with a map", true), ("without a map", false)] {
        let ask = Ask {
            map,
            depth,
            ..Ask::default()
        };
        let mut turn = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                turn += 1;
                let scene = &scenes[turn % scenes.len()];
                let found = workshop.measure(scene, &bodies[turn % bodies.len()], &ask);
                found.expect("runs").get("node_force_max_n")
            });
        });
    }
    group.bench_function("seat and stepping", |b| {
        b.iter(|| {
            let mut sim = workshop.seat(&scenes[7], &bodies[3], depth).expect("runs");
            while !sim.is_done() {
                sim.step().expect("runs");
            }
            sim.frame().pad_n
        });
    });
    let scene = &scenes[7];
    group.bench_function("stage: scene from its file", |b| b.iter(|| loaded(7)));
    group.bench_function("stage: seat, from what is at hand", |b| {
        b.iter(|| workshop.seat(scene, &bodies[3], depth).expect("runs"))
    });
    let kinematics = Kinematics::new(&scene.mechanism).expect("closes");
    group.bench_function("stage: mechanism", |b| {
        b.iter(|| {
            let wrong = scene.mechanism.check().len();
            (wrong, Kinematics::new(&scene.mechanism).expect("closes"))
        })
    });
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let envelope = Envelope::new(&[]).expect("no condition");
    let seat =
        || Subject::new(scene, &bodies[3], &kinematics, &groundwork, &envelope).expect("plausible");
    seat();
    group.bench_function("stage: a new body, all its laws", |b| b.iter(seat));
    let subject = seat();
    group.bench_function("stage: a new body's skin", |b| {
        b.iter(|| Subject::skin(&subject.back, &groundwork, &envelope))
    });
    group.finish();
}

fn scenes(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenes")
        .join(name)
}

criterion_group!(benches, bench);
criterion_main!(benches);
