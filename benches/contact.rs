//! What the contact costs: a warm solve of one node at 2 mm cells, a cold one to the end, an influence table.
//!
//! `cargo bench --bench contact`; see `benches/README.md` for what was tried and what it gave.

use criterion::{Criterion, criterion_group, criterion_main};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use sim::{Bed, NodeLaw, Solve, Touch, Wheel};
use std::hint::black_box;
use std::path::Path;
use tissue::{Durometer, Effort, Ground, Indenter, Kernel, KernelBasis, Patch, Stack, Stiffening};

const CELL_M: f64 = 0.002;
const SIDE: usize = 32;
const NODE: Indenter = Indenter::Sphere { radius_m: 0.02 };

fn bench(c: &mut Criterion) {
    let stack = paraspinal();
    let basis = KernelBasis::new(CELL_M, SIDE, 0.001);
    c.bench_function("contact/basis", |b| {
        b.iter(|| KernelBasis::new(CELL_M, black_box(SIDE), 0.001))
    });
    c.bench_function("contact/kernel", |b| {
        b.iter(|| basis.kernel(black_box(&stack)))
    });
    let mut blended = basis.kernel(&stack);
    let corners = [0.1, 0.2, 0.3, 0.4].map(|w| (w, basis.kernel(&stack)));
    c.bench_function("contact/blend of four kernels", |b| {
        b.iter(|| {
            blended.blend(black_box(
                [0, 1, 2, 3].map(|i| (corners[i].0, &corners[i].1)),
            ))
        });
    });

    let kernel = basis.kernel(&stack);
    let stiffening = Stiffening::of(&stack, 0.02);
    // A node that moves on by 0.05 mm from solve to solve: 8 ms at 6 mm/s.
    let depths: Vec<Vec<f64>> = (0..40)
        .map(|i| overlap(0.010 + 5e-5 * f64::from(20 - (i - 20i32).abs())))
        .collect();
    let warm = Effort {
        tolerance: 1e-3,
        products_max: 60,
        rounds_max: 1,
    };
    c.bench_function("contact/warm solve at 10 mm", |b| {
        solve(b, &depths, &ground(&kernel, &stiffening), &warm)
    });
    c.bench_function("contact/warm solve to 1e-5", |b| {
        solve(b, &depths, &ground(&kernel, &stiffening), &Effort::STATIC)
    });

    let bed = Bed::slab(&stack, &Bed::groundwork(CELL_M), &[0.02], [0.2, 0.2]);
    let law = NodeLaw {
        shape: NODE,
        cover: None,
        stiffness_n_m: 30e3,
        friction: 0.3,
        wheel: Wheel::Free { resistance: 0.05 },
        effort: warm,
    };
    for (name, solved) in [
        ("contact/touch step, solved", Solve::Now),
        ("contact/touch step, carried", Solve::IfFast),
    ] {
        let mut touch = Touch::new(law.clone(), &bed);
        touch.step(&bed, &over(0.010), 0.002, Solve::Now);
        let mut i = 0;
        c.bench_function(name, |b| {
            b.iter(|| {
                i += 1;
                let depth_m = 0.010 + 2e-4 * (f64::from(i) * 0.02).sin();
                touch.step(&bed, &over(depth_m), 0.002, solved).force_n
            });
        });
    }

    let mut patch = Patch::new(SIDE, 0);
    let flat = overlap(0.010);
    c.bench_function("contact/one static indentation, table at hand", |b| {
        b.iter(|| {
            patch.clear();
            let ground = ground(&kernel, &stiffening);
            patch.solve(black_box(&flat), None, &ground, &Effort::STATIC)
        })
    });
    let durometer = Durometer::new(stack, NODE).with_cell_m(CELL_M);
    c.bench_function("contact/one static indentation, cold", |b| {
        b.iter(|| durometer.indent(black_box(&[0.010])))
    });
}

fn solve(
    b: &mut criterion::Bencher<'_>,
    depths: &[Vec<f64>],
    ground: &Ground<'_>,
    effort: &Effort,
) {
    let mut patch = Patch::new(SIDE, 0);
    patch.solve(&depths[0], None, ground, &Effort::STATIC);
    let mut i = 0;
    b.iter(|| {
        i = (i + 1) % depths.len();
        patch.solve(&depths[i], None, ground, effort)
    });
}

fn ground<'a>(kernel: &'a Kernel, stiffening: &'a Stiffening) -> Ground<'a> {
    Ground {
        kernel,
        stiffening,
        cover: None,
        carrier_m_n: 0.0,
        creep: None,
    }
}

/// Overlap of the node's window, its tip `depth_m` below the surface.
fn overlap(depth_m: f64) -> Vec<f64> {
    let tip_m = NODE.extent_m(&Vector3::y());
    let place = |i: usize| (i as f64 - (SIDE / 2) as f64) * CELL_M;
    (0..SIDE * SIDE)
        .map(|i| Point3::new(place(i % SIDE), tip_m - depth_m, place(i / SIDE)))
        .map(|cell| {
            NODE.reach(&cell, &Vector3::y())
                .unwrap_or(f64::NEG_INFINITY)
        })
        .collect()
}

fn over(depth_m: f64) -> Isometry3<f64> {
    let tip_m = NODE.extent_m(&Vector3::y());
    Isometry3::from_parts(
        Translation3::new(0.0, depth_m - tip_m, 0.0),
        UnitQuaternion::identity(),
    )
}

fn paraspinal() -> Stack {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/stacks/paraspinal.toml");
    scene::load_stack(&path).unwrap_or_else(|e| panic!("{e}"))
}

criterion_group!(benches, bench);
criterion_main!(benches);
