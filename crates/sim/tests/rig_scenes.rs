//! Promise: the shipped scenes of rigs run to their end without a fault, press, and what they press with is what holds the user.

use std::path::Path;
use std::sync::Arc;

use back::Envelope;
use mechanism::Linkage;
use scene::RigScene;
use sim::{Bed, Recording, RigSim, RigTrace, Subject, record_rig};

fn load(name: &str, sets: &[(&str, &str)]) -> RigScene {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenes/{name}.toml"));
    let sets: Vec<(String, String)> = sets
        .iter()
        .map(|(path, value)| (path.to_string(), value.to_string()))
        .collect();
    scene::load_rig_scene(&path, &sets)
        .unwrap_or_else(|p| panic!("{p}"))
        .scene
}

fn seat(scene: RigScene) -> RigSim {
    let linkage = Arc::new(Linkage::new(&scene.rig).unwrap());
    let envelope = Envelope::new(&scene.conditions).unwrap();
    let ground = Bed::groundwork(scene.solver.cell_m);
    let subject = Subject::at_rig(&scene, &linkage, &ground, &envelope).unwrap();
    RigSim::new(Arc::new(scene), Arc::new(subject), linkage, envelope).unwrap()
}

fn run(name: &str, sets: &[(&str, &str)]) -> RigTrace {
    let mut sim = seat(load(name, sets));
    record_rig(&mut sim, &Recording::rows(50.0), &mut |_, _| true)
}

/// Its whole time, on cells of 4 mm: no fault, loops closed to 0.1 mm, every node touches. Under a person nodes press with 2 to
/// 150 N (chair rollers 10 to 150 N, E; a pillow's nodes 10 to 50 N, E, of which the outer ones less).
fn runs(name: &str, extra: &[(&str, &str)]) {
    let mut sets = vec![("solver.cell_mm", "4")];
    sets.extend(extra);
    let trace = run(name, &sets);
    assert_eq!(trace.fault, None, "{name}");
    assert!(trace.duration_s >= 20.0 - 1e-6, "{name}");
    assert!(trace.gap_m < 1e-4, "{name}: {}", trace.gap_m);
    for (node, peak) in trace.node_names.iter().zip(&trace.nodes) {
        println!(
            "{name} {node}: {:.1} N, {:.0} kPa",
            peak.force_n,
            1e-3 * peak.peak_pa
        );
        assert!((2.0..150.0).contains(&peak.force_n), "{name} {node}");
    }
    assert_eq!(trace.columns.len(), trace.rows[0].len());
    assert_eq!(trace.link_poses.len(), trace.rows.len());
}

#[test]
fn the_gun_runs() {
    runs("gun", &[]);
}

#[test]
fn the_pillows_run() {
    runs("pillow", &[]);
    runs("pillow_8", &[]);
}

#[test]
fn the_roller_bed_runs() {
    runs("roller_bed", &[]);
}

#[test]
fn the_chair_with_independent_axes_runs() {
    runs("oval_chair", &[]);
}

/// A pillow that stands: what its nodes press more, the pad and the hip's spring carry less. Weight across the backrest does not
/// change (the trunk tips by less than a degree): `F_nodes + (pad - pad_before) - k_hip lean = 0`.
#[test]
fn val_a_standing_pillow_is_balanced_by_pad_and_hip() {
    let scene = load("pillow", &[("duration_s", "6"), ("command.1.at_s", "100")]);
    let hip_n_m = scene.chair.hip.stiffness_n_m;
    let mut sim = seat(scene);
    let pad_n = sim.pad_n();
    while !sim.is_done() {
        sim.step().unwrap();
    }
    let turn = sim.machine_from_back().rotation;
    let nodes_n: f64 = sim
        .contacts()
        .iter()
        .map(|c| (turn * c.force_in_back).y)
        .sum();
    let left = nodes_n + sim.pad_n() - pad_n - hip_n_m * sim.lean().y_m;
    println!(
        "{nodes_n:.2} N of nodes, pad {:.2} N less, lean {:.2} mm, {left:.3} N left",
        pad_n - sim.pad_n(),
        1e3 * sim.lean().y_m
    );
    assert!(nodes_n > 10.0);
    // 4 s after it came tissue still relaxes, slowly.
    assert!(left.abs() < 0.01 * nodes_n, "{left} of {nodes_n}");
}

/// The same scene twice: the same bits.
#[test]
fn same_scene_same_bits() {
    let trace = || run("pillow", &[("duration_s", "4"), ("solver.cell_mm", "4")]);
    let (a, b) = (trace(), trace());
    assert_eq!(a.rows, b.rows);
    assert_eq!(a.map, b.map);
}
