//! What a tuning costs: the shipped study cut to four classes of one body, three stations and no replay, on one thread.
//! A body of it costs what one of the whole study does, station for station.
//!
//! `cargo bench --bench sweep`; see `benches/README.md`.

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use std::path::Path;
use tune::{Silent, tune};

fn bench(c: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/studies/chair_shiatsu.toml");
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

criterion_group!(benches, bench);
criterion_main!(benches);
