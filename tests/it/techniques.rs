//! Promise: a technique is felt as it asks, by a hand always and by a chair as far as its axes and the caps go; and how near it came is measured.

use crate::seat::{do_parts, part, scene, seat, study};
use back::{Back, Envelope};
use sim::{Bed, Limit, Recording, Subject, perform, record_with, surface};
use tune::{Score, Silent, compare_techniques, felt_in, felt_of_hand, score};

fn by_hand(technique: &str) -> Score {
    let chair = scene("chair.toml", &[]);
    let back = Back::new(&chair.body).unwrap();
    let envelope = Envelope::new(&[]).unwrap();
    let part = part(technique, [0.40, 0.45], 0.25);
    let cell_m = if part.manner.takes_both_nodes() {
        0.004
    } else {
        0.002
    };
    let skin = Subject::skin(&back, &Bed::groundwork(cell_m), &envelope);
    let bed = skin.for_nodes(&[surface(&part.manner).law_radius_m()]);
    let rows = perform(&back, &envelope, &bed, &part, 100.0).unwrap();
    // Research reports 0.4 N of force tracking in simulation; a press is held to 2 N (facts of control: at most 2 N rms).
    if part.manner.rate_hz.is_none() {
        let work = || rows.iter().filter(|r| r.working);
        let squares: f64 = work()
            .map(|r| (r.contact.force_n - r.wanted_n).powi(2))
            .sum();
        let rms_n = (squares / work().count() as f64).sqrt();
        assert!(rms_n < 2.0, "{technique}: {rms_n} N off the force it wants");
    }
    let felt = felt_of_hand(&rows, 0);
    score(
        &felt,
        0,
        &part.manner,
        [part.from_u, part.to_u],
        back.arc_length_m(),
    )
}

/// The ideal hand is what machines are measured against: it presses inside every band it can choose, at the rate asked for.
#[test]
fn val_a_hand_does_what_it_is_asked() {
    for technique in [
        "shiatsu_hold",
        "swedish_effleurage",
        "swedish_petrissage",
        "swedish_tapotement",
        "swedish_vibration",
    ] {
        let s = by_hand(technique);
        println!("{technique}: {:.2}", s.closeness);
        for what in ["force", "rate", "speed", "hold"] {
            if let Some(p) = s.get(what) {
                assert!(p.closeness.unwrap() > 0.9, "{technique}: {p:?}");
            }
        }
    }
}

/// A chair aims a kneading and a palm's press by statics: in the run no node touches what is left out and no force cap is passed, the palm's force is the one
/// asked for within 25 % (runs are some newtons beside statics), and the shaft turns at the rate that the plan says.
#[test]
fn val_a_chair_comes_near_under_the_caps() {
    let mut chair = scene("chair.toml", &[("timing.press_ramp_s", "2")]);
    let mut press = part("shiatsu_palm", [0.40, 0.40], 0.15);
    press.firmness = 0.0;
    let turn = part("chair_kneading", [0.40, 0.40], 0.2);
    do_parts(&mut chair, vec![press, turn]);
    let mut sim = seat(&chair);
    let trace = record_with(&mut sim, &Recording::rows(50.0), &mut |_, _| true);
    assert_eq!(trace.fault, None);
    let bad = |l: Limit| matches!(l, Limit::KeepOut | Limit::Force | Limit::Pressure);
    let passed: Vec<_> = trace.violations.iter().filter(|v| bad(v.limit)).collect();
    assert!(passed.is_empty(), "{passed:?}");
    let felt = felt_in(&trace, &chair.session);
    let length_m = sim.subject().back.arc_length_m();
    let scores: Vec<Score> = chair
        .session
        .parts
        .iter()
        .enumerate()
        .map(|(i, p)| score(&felt, i, &p.manner, [p.from_u, p.to_u], length_m))
        .collect();
    println!("{scores:#?}");
    let palm_n = scores[0].get("force").unwrap().measured;
    assert!((palm_n / 60.0 - 1.0).abs() < 0.25, "{palm_n}");
    let fit = &chair.session.fits[1];
    let rate_hz = scores[1].get("rate").unwrap().measured;
    assert!(
        (rate_hz / fit.rate_hz.unwrap().1 - 1.0).abs() < 0.1,
        "{rate_hz}, {fit:?}"
    );
}

/// A slow deep hold passes the dose of a place. The comparison says so, and beside it what the limits let the same machine do: it is pressed less or for a
/// shorter time, passes nothing, and is no closer to what the technique asks in force than the one that was let go on.
#[test]
fn val_a_comparison_tells_what_the_limits_let_a_machine_do() {
    let study = study("studies/techniques.toml", &[]);
    let mut comparison = study.comparison.clone().unwrap();
    comparison.machines.truncate(1);
    comparison.rigs.clear();
    comparison.hand = false;
    let mut hold = part("osteopathic_inhibition", [0.45, 0.45], 0.7);
    hold.firmness = 0.5;
    comparison.parts = vec![hold];
    let trials = compare_techniques(&study, &comparison, 1, &Silent).unwrap();
    let trial = &trials[0];
    println!("{:?}; {:?}", trial.passed, trial.within);
    assert!(!trial.passed.is_empty(), "{:?}", trial.refused);
    let within = trial.within.as_ref().unwrap();
    assert_eq!(within.passed, [], "what is left over");
    assert!(within.force_share < 1.0 || within.time_share < 1.0);
    let force_n = |s: &Score| s.get("force").unwrap().measured;
    assert!(force_n(&within.score) <= force_n(trial.score.as_ref().unwrap()) + 0.5);
}

/// A chair with independent axes is no carriage: what its drives do is planned by search. A palm's press is felt at the force asked for within 25 % (as the
/// carriage's above) with no limit passed; a pillow has no axis along the spine, and says so.
#[test]
fn val_a_rig_is_planned_for_its_techniques() {
    let study = study("studies/techniques.toml", &[]);
    let mut comparison = study.comparison.clone().unwrap();
    comparison.machines.clear();
    comparison.hand = false;
    comparison.rigs.truncate(2);
    let mut press = part("shiatsu_palm", [0.45, 0.45], 0.15);
    press.firmness = 0.0;
    comparison.parts = vec![press, part("chair_rolling", [0.40, 0.50], 0.3)];
    let trials = compare_techniques(&study, &comparison, 1, &Silent).unwrap();
    let told = |i: usize| format!("{:?}, {:?}", trials[i].passed, trials[i].refused);
    let score = trials[0].score.as_ref().expect("the press has a score");
    let palm_n = score.get("force").unwrap().measured;
    assert!((palm_n / 60.0 - 1.0).abs() < 0.25, "{palm_n}");
    assert_eq!(trials[0].passed, [], "{}", told(0));
    let refused = trials[3].refused.as_deref().unwrap_or_default();
    assert!(refused.contains("an axis along the spine"), "{}", told(3));
    // The wobble carriage as a rig presses as far as its nodes' caps let it; a thumb that somebody holds comes near enough to be told from
    // nothing. Neither passes a limit.
    let rig = |name: &str| {
        let loaded = scene::load_rig_scene(&crate::seat::path(&format!("{name}.toml")), &[]);
        (name.to_owned(), loaded.unwrap().scene)
    };
    let mut press = part("shiatsu_palm", [0.45, 0.45], 0.12);
    press.firmness = 0.0;
    let mut thumb = part("shiatsu_thumb", [0.35, 0.35], 0.12);
    thumb.firmness = 0.1;
    for (name, part, least) in [("wobble_chair", press, 0.9), ("hand", thumb, 0.8)] {
        comparison.rigs = vec![rig(name)];
        comparison.parts = vec![part];
        let trial = compare_techniques(&study, &comparison, 1, &Silent)
            .unwrap()
            .remove(0);
        assert_eq!(trial.passed, [], "{name}: {:?}", trial.refused);
        let closeness = trial.score.as_ref().unwrap().closeness;
        println!("{name}: {closeness}");
        assert!(closeness > least, "{name}: {closeness}");
    }
}
