//! Promise: a node of facets presses as the shape that it draws, in a rig and on a chair's carriage.

mod seat;

use std::path::Path;
use std::sync::Arc;

use back::Envelope;
use mechanism::Linkage;
use nalgebra::Point3;
use seat::seated;
use sim::{Bed, RigSim, Subject};
use tissue::{Indenter, Mesh};

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../scenes/{name}.toml"))
}

fn sets(sets: &[(&str, &str)]) -> Vec<(String, String)> {
    sets.iter()
        .map(|(path, value)| (path.to_string(), value.to_string()))
        .collect()
}

/// A ball of `2 n (n - 1)` facets, n of them around x and half as many from end to end.
fn ball(radius_m: f64, n: u32) -> Indenter {
    let rings = n / 2;
    let mut vertices = vec![Point3::new(radius_m, 0.0, 0.0)];
    for ring in 1..rings {
        let (s, c) = (std::f64::consts::PI * f64::from(ring) / f64::from(rings)).sin_cos();
        vertices.extend((0..n).map(|i| {
            let (si, ci) = (std::f64::consts::TAU * f64::from(i) / f64::from(n)).sin_cos();
            Point3::new(radius_m * c, radius_m * s * ci, radius_m * s * si)
        }));
    }
    vertices.push(Point3::new(-radius_m, 0.0, 0.0));
    let last = vertices.len() as u32 - 1;
    let at = |ring: u32, i: u32| match ring {
        0 => 0,
        ring if ring == rings => last,
        ring => 1 + (ring - 1) * n + i % n,
    };
    let mut triangles = Vec::new();
    for ring in 0..rings {
        for i in 0..n {
            if ring > 0 {
                triangles.push([at(ring, i), at(ring + 1, i), at(ring, i + 1)]);
            }
            if ring + 1 < rings {
                triangles.push([at(ring, i + 1), at(ring + 1, i), at(ring + 1, i + 1)]);
            }
        }
    }
    Indenter::Mesh(Mesh::try_new(vertices, triangles).unwrap())
}

/// 128 facets around a ball of 20 mm (28 on the chair): those of 0.98 mm stay behind by R (1 - cos(pi / 128)) = 0.006 mm each way, 0.012 mm at their
/// middles, of some 8 mm of depth: 0.15 % of the depth and about a quarter of a percent of the force. Rolling over facets shakes it
/// by no more. 1 % of the peak, at every moment, is asked.
fn same(what: &str, smooth: &[f64], facets: &[f64]) {
    let peak = smooth.iter().copied().fold(0.0, f64::max);
    let worst = smooth
        .iter()
        .zip(facets)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    println!("{what}: peak {peak:.2} N, worst difference {worst:.3} N");
    assert!(peak > 5.0, "{what}: {peak}");
    assert!(worst < 0.01 * peak, "{what}: {worst} of {peak}");
}

#[test]
fn val_a_rig_with_a_ball_of_facets_presses_as_with_the_sphere() {
    let run = |shape: &Indenter| {
        let given = sets(&[("duration_s", "3.5"), ("solver.cell_mm", "4")]);
        let mut scene = scene::load_rig_scene(&path("pillow"), &given)
            .unwrap()
            .scene;
        for head in &mut scene.rig.heads {
            head.node.shape = shape.clone();
        }
        let linkage = Arc::new(Linkage::new(&scene.rig).unwrap());
        let envelope = Envelope::new(&scene.conditions).unwrap();
        let ground = Bed::groundwork(scene.solver.cell_m);
        let subject = Subject::at_rig(&scene, &linkage, &ground, &envelope).unwrap();
        let mut sim = RigSim::new(Arc::new(scene), Arc::new(subject), linkage, envelope).unwrap();
        let mut forces = Vec::new();
        while !sim.is_done() {
            sim.step().unwrap();
            forces.push(sim.contacts()[0].force_n);
        }
        forces
    };
    let began = std::time::Instant::now();
    let smooth = run(&Indenter::Sphere { radius_m: 0.02 });
    let middle = began.elapsed();
    let facets = run(&ball(0.02, 128));
    println!(
        "{middle:?} smooth, {:?} of facets",
        began.elapsed() - middle
    );
    same("pillow", &smooth, &facets);
}

#[test]
fn val_a_chair_with_balls_of_facets_presses_as_with_spheres() {
    let run = |shape: &Indenter| {
        let mut scene = scene::load(&path("chair"), &[]).unwrap().scene;
        for node in &mut scene.mechanism.nodes {
            node.shape = shape.clone();
        }
        let mut sim = seated(scene);
        let mut forces = Vec::new();
        while sim.next_s() < 8.0 {
            sim.step().unwrap();
            forces.push(sim.frame().contacts[0].force_n);
        }
        forces
    };
    let began = std::time::Instant::now();
    let smooth = run(&Indenter::Sphere { radius_m: 0.028 });
    let middle = began.elapsed();
    let facets = run(&ball(0.028, 128));
    println!(
        "{middle:?} smooth, {:?} of facets",
        began.elapsed() - middle
    );
    same("chair", &smooth, &facets);
}
