//! Promise: the body scan of the shipped chair finds the shoulder of 95 in 100 people within 10 mm, whoever they are, and its stations are
//! where that leaves them; hardly anybody is pressed past a cap for it.

use back::{Envelope, Population};
use mechanism::Kinematics;
use sim::{Bed, BodyScan, Shoulder, Subject};
use std::path::Path;
use std::sync::Arc;

/// Scans the first hundred people of a list of the survey's; who is not found is `None`. With each how far down the rail from the right place the
/// machine then stands for the stations 0.2, 0.5 and 0.8, m.
fn scan_hundred(seed: u64) -> Vec<Option<(Shoulder, [f64; 3])>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/chair.toml");
    // Forces on 4 mm cells are within 2 % of those on 2 mm.
    let sets = [("solver.cell_mm".to_owned(), "4".to_owned())];
    let mut scene = scene::load(&path, &sets)
        .unwrap_or_else(|p| panic!("{p}"))
        .scene;
    let kinematics = Arc::new(Kinematics::new(&scene.mechanism).unwrap());
    let scan = BodyScan::new(&scene, &kinematics).expect("the rail reaches low enough");
    let ground = Bed::groundwork(scene.solver.cell_m);
    let envelope = Envelope::new(&[]).unwrap();
    let people = Population::survey(seed);
    (0..100)
        .map(|i| {
            scene.body = people.body(i);
            let subject =
                Subject::new(&scene, &scene.body, &kinematics, &ground, &envelope).unwrap();
            let scene = Arc::new(scene.clone());
            let found = scan
                .run(&scene, &subject, &kinematics, envelope.clone())
                .unwrap()?;
            let placement = found.placement(&scene, &kinematics);
            let off_m = [0.2, 0.5, 0.8].map(|u| placement.walk_m(u) - subject.placement.walk_m(u));
            Some((found, off_m))
        })
        .collect()
}

/// Mean and standard deviation.
fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (square / n).sqrt())
}

/// Offsets were taken from lists 900 and 901; these people are others (list 2: the README's table). Nobody's own shoulder is known to the scan.
#[test]
fn val_95_of_100_shoulders_are_found_within_10_mm() {
    let seed = 1;
    let people = scan_hundred(seed);
    let errors_mm: Vec<f64> = people
        .iter()
        .flatten()
        .map(|(found, _)| 1e3 * found.error_m.expect("everybody has a shoulder"))
        .collect();
    let within = errors_mm.iter().filter(|e| e.abs() <= 10.0).count();
    let (bias_mm, sd_mm) = spread(&errors_mm);
    let mut sizes_mm: Vec<f64> = errors_mm.iter().map(|e| e.abs()).collect();
    sizes_mm.sort_by(f64::total_cmp);
    let passed = |(found, _): &&(Shoulder, _)| !found.violations.is_empty();
    println!(
        "list {seed}: {within} of 100 within 10 mm, {} not found, bias {bias_mm:.1} mm, SD {sd_mm:.1} mm, 95 % of the found within {:.1} mm, {} of them past a limit, at most {:.1} N a node",
        100 - errors_mm.len(),
        sizes_mm[sizes_mm.len() * 95 / 100],
        people.iter().flatten().filter(passed).count(),
        people
            .iter()
            .flatten()
            .map(|(f, _)| f.force_n)
            .fold(0.0, f64::max),
    );
    for (i, u) in [0.2, 0.5, 0.8].iter().enumerate() {
        let off_mm: Vec<f64> = people
            .iter()
            .flatten()
            .map(|(_, off)| 1e3 * off[i])
            .collect();
        let (bias_mm, sd_mm) = spread(&off_mm);
        println!("  station {u}: {bias_mm:+.1} mm along the rail, SD {sd_mm:.1} mm");
    }
    let past = people.iter().flatten().filter(passed).count();
    assert!(past <= 2, "{past} of 100 past a limit");
    assert!(within >= 95, "{within} of 100");
    // A hundred people of 4 mm SD make a mean to 0.4 mm, known to three of that.
    assert!(bias_mm.abs() < 1.5, "{bias_mm} mm");
}
