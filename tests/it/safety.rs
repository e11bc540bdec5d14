//! Promise: what a health condition forbids cannot be tuned, and what it limits is limited in every cell.

use crate::seat::study;
use back::{Envelope, Zone};
use scene::Study;
use tune::{RETRACTED_M, Silent, TuneError, Tuned, tune};

/// Conditions whose policy is to refuse end the tuning before it begins, alone, with others, and where two limits
/// together amount to a refusal.
#[test]
fn val_refused_conditions_cannot_be_tuned() {
    for conditions in [
        vec!["osteoporosis"],
        vec!["undiagnosed_back_pain"],
        vec!["compression_fracture_recent"],
        vec!["osteopenia", "osteoporosis"],
    ] {
        match tune(&tiny(&conditions), 1, &Silent) {
            Err(TuneError::Refused { note, .. }) => assert!(!note.is_empty()),
            other => panic!("{conditions:?} must be refused: {:?}", other.map(|t| t.name)),
        }
    }
    let unknown = tune(&tiny(&["osteopenie"]), 1, &Silent);
    assert!(matches!(&unknown, Err(TuneError::Condition(text)) if text.contains("osteopenie")), "{:?}", unknown.err());
}

/// With osteopenia (allowed low: pressure x 0.6, thoracolumbar junction and sacrum left out) no cap is larger than without
/// and no cell goes deeper, and where an excluded zone is under the nodes they stay back.
#[test]
fn val_osteopenia_is_never_deeper_than_healthy() {
    let healthy = tune(&tiny(&[]), 0, &Silent).unwrap();
    let limited = tune(&tiny(&["osteopenia"]), 0, &Silent).unwrap();
    let mut lower = 0;
    for (caps, free) in limited.caps.iter().zip(&healthy.caps) {
        assert!(caps.max_depth_m <= free.max_depth_m + 1e-9 && caps.max_force_n <= free.max_force_n + 1e-9);
        assert!(caps.max_dwell_s <= free.max_dwell_s + 1e-9);
    }
    for (cell, free) in limited.cells.iter().zip(&healthy.cells) {
        assert!(cell.depth_m <= free.depth_m + 1e-9, "{cell:?} against {free:?}");
        lower += usize::from(cell.depth_m < free.depth_m - 1e-6);
    }
    assert!(lower * 2 > limited.cells.len(), "only {lower} of {} cells are shallower", limited.cells.len());

    let envelope = Envelope::new(&["osteopenia".to_string()]).unwrap();
    assert!(envelope.excluded(Zone::TL) && envelope.excluded(Zone::SB) && !envelope.excluded(Zone::LP));
    assert_eq!(limited.held_out.cap_violations, 0, "{:?}", limited.held_out.violations);
    let barred = barred_stations(&limited, &envelope);
    println!("{lower} of {} cells shallower; stations under an excluded zone: {barred:?}", limited.cells.len());
    assert!(!barred.is_empty(), "the study must reach into an excluded zone");
}

fn barred_stations(tuned: &Tuned, envelope: &Envelope) -> Vec<(usize, f64)> {
    let stations = tuned.stations.len();
    let inside = tuned.caps.iter().enumerate().filter(|(_, c)| envelope.excluded(c.zone));
    inside
        .inspect(|(i, c)| {
            let (class, s) = (i / stations, i % stations);
            assert!(c.max_force_n == 0.0 || c.max_depth_m > RETRACTED_M, "class {class} station {s}");
        })
        .map(|(i, _)| (i / stations, tuned.stations[i % stations]))
        .collect()
}

fn tiny(conditions: &[&str]) -> Study {
    let mut study = study(
        "studies/chair_shiatsu.toml",
        &[
            ("tuning.bodies_per_class", "1"),
            ("held_out.bodies_per_class", "1"),
            ("replay.bodies", "1"),
            ("stations.count", "3"),
        ],
    );
    study.scene.conditions = conditions.iter().map(ToString::to_string).collect();
    study
}
