//! What one step of the chair costs while it rolls with all four nodes in contact, what a body costs before, and what one step of a rig costs
//! in the engine alone, nothing touching.
//!
//! `cargo bench --bench step`; see `benches/README.md`.

use back::Envelope;
use criterion::{Criterion, criterion_group, criterion_main};
use mechanism::{Kinematics, Linkage};
use program::{AxisLimits, Phase, Technique, compile};
use scene::Scene;
use sim::{Bed, RigSetup, RigWorld, Sim, Statics, Subject};
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
    rigs(c);
}

/// Ready-made rigs in their usual motion, 1 ms: the chair's with the substep that its scenes take, what its joints carried with it, and the
/// others with four.
fn rigs(c: &mut Criterion) {
    let start = |name: &str, substeps: usize| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("scenes/mechanisms")
            .join(name)
            .with_extension("toml");
        let rig = scene::load_rig(&path, &[]).unwrap_or_else(|e| panic!("{e}"));
        let linkage = Arc::new(Linkage::new(&rig.rig).expect("the shipped rig closes"));
        let setup = RigSetup {
            substeps,
            ..RigSetup::default()
        };
        RigWorld::new(linkage, setup).expect("the shipped rig closes")
    };
    for (name, substeps) in [
        ("wobble_unit", 1),
        ("independent_axis", 1),
        ("shiatsu_pillow", 4),
        ("percussive_gun", 4),
    ] {
        let mut world = start(name, substeps);
        c.bench_function(&format!("step/rig {name}, substeps {substeps}"), |b| {
            b.iter(|| world.step(&[]).expect("runs").gap_m)
        });
    }
    let mut world = start("wobble_unit", 1);
    c.bench_function("step/rig wobble_unit, with joint loads", |b| {
        b.iter(|| {
            world.step(&[]).expect("runs");
            world.reactions().len()
        })
    });
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
