//! Promise: the test bench, the durometer and the exact law are one thing. A node at rest in a simulated scene gives the
//! force that `indent` gives, and the scene that other simulators are timed on (`benches/peers/`) is what it says it is.

use crate::seat::{only, scene, seat};
use program::{Phase, Session, Technique};
use scene::{Scene, Surface};
use sim::{Contact, NODES};
use tissue::{Durometer, Indenter, Stack};

/// Nodes of several shapes stand 4, 8 and 12 mm deep in flat slabs, driven there by motors, on rockers in the engine. Each
/// gives the force of `kneadlab indent` at its depth, with the same cells of 2 mm, within 1 %: the run's solver stops at
/// a residual of 1e-3, and a node that stands off the middle of its cell has up to 0.4 % more or less.
#[test]
fn val_scene_equals_indent() {
    let layered = scene("checks/slab.toml", &[]);
    let layered = stack_of(&layered);
    let one_layer = stack_of(&scene("checks/peer_slab.toml", &[]));
    let cases = [
        (Indenter::Sphere { radius_m: 0.025 }, &one_layer),
        (
            Indenter::Roller {
                radius_m: 0.025,
                length_m: 0.040,
                fillet_m: 0.006,
            },
            &one_layer,
        ),
        (
            Indenter::Ellipsoid {
                semi_axes_m: [0.020, 0.022, 0.016],
            },
            &layered,
        ),
    ];
    for (shape, stack) in cases {
        for (wanted_m, contacts, stiffness_n_m) in held(shape.clone(), stack, [0.004, 0.008, 0.012])
        {
            // Left and right are mirror images: upper and lower node of one side.
            for contact in &contacts[..2] {
                // The node itself gives a little: what is left is in the tissue.
                let depth_m = contact.depth_m - contact.force_n / stiffness_n_m;
                assert!((depth_m - wanted_m).abs() < 3e-4, "{depth_m} m");
                let durometer = Durometer::new(stack.clone(), shape.clone()).with_cell_m(0.002);
                let indented_n = durometer.indent(&[depth_m])[0].force_n;
                let off = contact.force_n / indented_n - 1.0;
                println!(
                    "{shape:?} at {:.2} mm: {:.3} N, indent {indented_n:.3} N, {:+.2} %",
                    1e3 * depth_m,
                    contact.force_n,
                    100.0 * off
                );
                assert!(off.abs() < 0.01, "{shape:?}: {off}");
            }
        }
    }
}

/// The scene for other simulators: four nodes at 40 N each while they travel. Exact: a sphere of 25 mm takes 22.07 N at
/// 12 mm of a bonded layer of 40 kPa, so 22.07 * 72.5 / 40 = 40.0 N of this one. Asked to 4.5 %: 2 % of depth is 4 % of force;
/// and at least 150 cells in every patch.
#[test]
fn val_peer_slab_presses_40_newtons() {
    let mut sim = seat(&scene("checks/peer_slab.toml", &[]));
    let mut rows = 0;
    while sim.frame().t_s < 1.2 {
        let frame = sim.step().unwrap();
        // The ramp has died away 0.1 s after it.
        if frame.command.phase != Phase::Contact || frame.t_s < 0.4 {
            continue;
        }
        rows += 1;
        for contact in &frame.contacts {
            let depth_m = contact.depth_m - contact.force_n / 200e3;
            // Wheels drag a little in their bearings and lean the rockers: depth to 2 %, which is 4 % of force.
            assert!((depth_m - 0.012).abs() < 2.4e-4, "{depth_m} m");
            assert!(
                (contact.force_n / 40.0 - 1.0).abs() < 0.045 && contact.cells >= 150,
                "{} N on {} cells",
                contact.force_n,
                contact.cells
            );
        }
    }
    assert!(rows > 300, "{rows} steps in contact");
}

/// Four nodes of one shape pressed to each depth in turn: the depth asked for, the contacts at the end of the hold, and
/// the nodes' stiffness, N/m.
fn held(shape: Indenter, stack: &Stack, depths_m: [f64; 3]) -> Vec<(f64, [Contact; NODES], f64)> {
    let mut scene = scene("checks/peer_slab.toml", &[]);
    scene.surface = Surface::Slab {
        stack: stack.clone(),
        size_m: [0.4, 0.6],
    };
    // An arm that does not lean brings the nodes straight down.
    scene.mechanism.knead.tilt_rad = 0.0;
    for node in &mut scene.mechanism.nodes {
        node.shape = shape.clone();
    }
    let stiffness_n_m = scene.mechanism.nodes[0].stiffness_n_m;
    scene.session = presses(3);
    // The slab is 0.07 mm off a node of 25 mm; others come up to it by their size.
    let off_m = 0.00007 + 0.025 - shape.extent_m(&nalgebra::Vector3::y());
    for (protrude_m, depth_m) in scene.depth.protrude_m.iter_mut().zip(depths_m) {
        *protrude_m = depth_m + off_m;
    }
    let mut sim = seat(&scene);
    let mut held = depths_m.map(|depth_m| (depth_m, [Contact::default(); NODES], stiffness_n_m));
    while !sim.is_done() {
        let frame = sim.step().unwrap();
        if frame.command.phase == Phase::Contact {
            held[usize::from(frame.command.level) - 1].1 = frame.contacts;
        }
    }
    held.to_vec()
}

/// Presses at one place at levels 1, 2, ...
fn presses(levels: u8) -> Session {
    let mut session = only(Technique::Press, 0.46, 0.25, 1.0);
    session.steps = (1..=levels)
        .map(|level| program::Step {
            level,
            ..session.steps[0]
        })
        .collect();
    session
}

fn stack_of(scene: &Scene) -> Stack {
    match &scene.surface {
        Surface::Slab { stack, .. } => stack.clone(),
        Surface::Back => panic!("a slab is expected"),
    }
}
