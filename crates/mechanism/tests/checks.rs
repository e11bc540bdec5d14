//! Pins what `Mechanism::check` finds, and how it says so.

use mechanism::{FIELDS, Kinematics, KinematicsError, Mechanism, MechanismProblem};

fn keys(problems: &[MechanismProblem]) -> Vec<&str> {
    problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect()
}

#[test]
fn regress_reference_is_good_and_retracts() {
    let mechanism = Mechanism::reference();
    assert_eq!(mechanism.check(), []);
    let kinematics = Kinematics::new(&mechanism).expect("closes");
    let front = kinematics.front_m(0.0, 0.0).expect("closes");
    assert!((front - 0.0888).abs() < 1e-4, "{front}");
    assert_eq!(kinematics.check_retracts(0.090), None);
    let problem = kinematics.check_retracts(0.080).expect("stands out");
    assert_eq!(problem.key, "protrude.retracted_mm");
    // Preload 0.2 N m over 0.01 N m/deg is zero torque at 20 degrees.
    assert!((kinematics.rocker_rest_rad().to_degrees() - 20.0).abs() < 1e-9);
}

/// Every field out of range alone is found under its own key; setter and getter are of the same field.
#[test]
fn val_every_field_is_guarded() {
    for field in FIELDS {
        let mut mechanism = Mechanism::reference();
        let usual = (field.get)(&mechanism) / field.si;
        assert!(
            (field.min..=field.max).contains(&usual),
            "{} {usual}",
            field.path
        );
        let wrong = field.max + 0.1 * (field.max - field.min);
        (field.set)(&mut mechanism, wrong * field.si);
        assert_eq!(keys(&mechanism.check()), [field.path]);
        (field.set)(&mut mechanism, f64::NAN);
        assert_eq!(keys(&mechanism.check()), [field.path]);
    }
}

/// A rod of 30 mm is too short at once; the message gives the lengths that close over a whole turn.
#[test]
fn val_rod_that_cannot_close() {
    let mut mechanism = Mechanism::reference();
    mechanism.knead.rod.length_m = 0.030;
    let problems = mechanism.check();
    assert_eq!(keys(&problems), ["knead.rod.length_mm"]);
    assert!(problems[0].hint.contains("cannot close at kneading angle"));
    assert!(matches!(
        Kinematics::new(&mechanism),
        Err(KinematicsError::Loop(_))
    ));

    // The lengths it allows do close, and a millimetre beyond them does not.
    let allowed: Vec<f64> = problems[0]
        .allowed
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let works = |mm: f64| {
        mechanism.knead.rod.length_m = mm * 1e-3;
        mechanism.check().is_empty()
    };
    assert_eq!(
        [
            allowed[0] - 1.0,
            allowed[0] + 1.0,
            allowed[1] - 1.0,
            allowed[1] + 1.0
        ]
        .map(works),
        [false, true, true, false]
    );
}

#[test]
fn val_all_problems_are_listed() {
    let mut mechanism = Mechanism::reference();
    mechanism.knead.tilt_rad = 0.6;
    mechanism.carriage.mass_kg = -1.0;
    mechanism.nodes.pop();
    mechanism.track.arcs[1].radius_m = 0.05;
    assert_eq!(
        keys(&mechanism.check()),
        [
            "carriage.mass_kg",
            "knead.tilt_deg",
            "track.arcs.1.radius_mm",
            "nodes"
        ]
    );
}

#[test]
fn val_rocker_on_its_stop() {
    let mut mechanism = Mechanism::reference();
    mechanism.rocker.preload_nm = 0.3; // zero torque at 30 degrees, the stop is at 25
    let problems = mechanism.check();
    assert_eq!(keys(&problems), ["rocker.preload_nm"]);
    assert!(problems[0].allowed.contains("0.250 N m"), "{}", problems[0]);
}

#[test]
fn val_carriage_longer_than_its_track() {
    let mut mechanism = Mechanism::reference();
    mechanism.track.arcs.truncate(1);
    mechanism.carriage.wheelbase_m = 0.120;
    assert_eq!(keys(&mechanism.check()), ["carriage.wheelbase_mm"]);
    assert!(matches!(
        Kinematics::new(&mechanism),
        Err(KinematicsError::Track { .. })
    ));
}
