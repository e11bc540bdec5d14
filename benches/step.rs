//! What one step of the chair costs while it rolls with all four nodes in contact, and what a body costs before.
//!
//! `cargo bench --bench step`; see `benches/README.md`.

use back::Envelope;
use criterion::{Criterion, criterion_group, criterion_main};
use mechanism::Kinematics;
use program::{AxisLimits, Phase, Technique, compile};
use scene::Scene;
use sim::{Bed, Sim, Statics, Subject};
use std::path::Path;
use std::sync::Arc;

fn bench(c: &mut Criterion) {
    let scene = Arc::new(rolling());
    let kinematics =
        Arc::new(Kinematics::new(&scene.mechanism).expect("the shipped mechanism works"));
    let envelope = Envelope::new(&[]).expect("no condition");
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let sit = |groundwork| {
        Subject::new(&scene, &scene.body, &kinematics, groundwork, &envelope)
            .expect("a plausible body")
    };
    let subject = Arc::new(sit(&groundwork));
    let limits = AxisLimits::of(&scene.mechanism);
    let timeline = compile(
        &scene.session,
        &scene.timing,
        &subject.placement,
        &scene.depth,
        &limits,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let start = || {
        let mut sim = Sim::new(
            scene.clone(),
            subject.clone(),
            kinematics.clone(),
            timeline.clone(),
            envelope.clone(),
        )
        .expect("runs");
        while sim.frame().command.phase != Phase::Contact {
            sim.step().expect("runs");
        }
        sim
    };
    let mut sim = start();
    c.bench_function("step/chair, rolling", |b| {
        b.iter(|| {
            if sim.frame().command.phase != Phase::Contact {
                sim = start();
            }
            sim.step().expect("runs").pad_n
        });
    });
    let forces = sim.frame().contacts.map(|c| (c.force_n, c.cells));
    assert!(
        forces.iter().any(|f| f.0 > 1.0),
        "the bench must touch: {forces:?}"
    );

    c.bench_function("step/seat a body, 2 mm bed", |b| {
        b.iter(|| sit(&groundwork))
    });
    let coarse = Bed::groundwork(0.004);
    let coarse_subject = sit(&coarse);
    let mut group = c.benchmark_group("step");
    group.sample_size(10);
    group.bench_function("atlas, 4 mm bed", |b| {
        b.iter(|| Statics::new(&scene, &coarse_subject, &kinematics))
    });
    group.finish();
}

/// The shipped chair with one long roll.
fn rolling() -> Scene {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/chair.toml");
    let mut scene = scene::load(&path, &[])
        .unwrap_or_else(|e| panic!("{e}"))
        .scene;
    scene
        .session
        .steps
        .retain(|s| s.technique == Technique::Roll);
    for step in &mut scene.session.steps {
        (step.from_u, step.to_u, step.cycles) = (0.2, 0.8, 4.0);
    }
    scene.depth.protrude_m = [0.065; 5];
    scene
}

criterion_group!(benches, bench);
criterion_main!(benches);
