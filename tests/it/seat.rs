//! A shipped scene or study, changed a little and ready to run: what most of these tests begin with.

use back::Envelope;
use mechanism::Kinematics;
use program::{AxisLimits, DepthMap, Part, Session, Step, Technique, compile};
use scene::{Scene, Study};
use sim::{Bed, Sim, Subject};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tune::Aim;

/// A scene of `scenes/`, with parameters set as `--set` does.
pub fn scene(name: &str, sets: &[(&str, &str)]) -> Scene {
    scene::load(&path(name), &owned(sets))
        .unwrap_or_else(|e| panic!("{e}"))
        .scene
}

/// The same for a study.
pub fn study(name: &str, sets: &[(&str, &str)]) -> Study {
    scene::load_study(&path(name), &owned(sets)).unwrap_or_else(|e| panic!("{e}"))
}

/// The shipped study made small: four classes of one body, three stations (T1, T9, L5), press and roll, a session of
/// one press between the shoulder blades.
pub fn small_study(conditions: &[&str]) -> Study {
    let sets = [
        ("tuning.bodies_per_class", "1"),
        ("held_out.bodies_per_class", "1"),
        ("replay.bodies", "1"),
        ("stations.count", "3"),
    ];
    let mut study = study("studies/chair_shiatsu.toml", &sets);
    study.classes.stature_edges_m = vec![1.69];
    study.classes.bmi_edges_kg_m2 = vec![26.5];
    study.techniques = vec![Technique::Press, Technique::Roll];
    study.scene.session = only(Technique::Press, 0.30, 0.5, 1.0);
    study.scene.timing.press_ramp_s = 2.0;
    study.scene.conditions = conditions.iter().map(ToString::to_string).collect();
    study
}

/// Seats the scene's body and compiles its session.
pub fn seat(scene: &Scene) -> Sim {
    let scene = Arc::new(scene.clone());
    let kinematics = Arc::new(Kinematics::new(&scene.mechanism).unwrap());
    let envelope = Envelope::new(&scene.conditions).unwrap();
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let subject = Subject::new(&scene, &scene.body, &kinematics, &groundwork, &envelope)
        .expect("a plausible body");
    let limits = AxisLimits::of(&scene.mechanism);
    let aim = (!scene.session.parts.is_empty())
        .then(|| Aim::new(&scene, &scene.body, &kinematics, &envelope).expect("a plausible body"));
    let depth: &dyn DepthMap = aim.as_ref().map_or(&scene.depth, |a| a);
    let timeline = compile(
        &scene.session,
        &scene.timing,
        &subject.placement,
        depth,
        &limits,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    drop(aim);
    Sim::new(scene, Arc::new(subject), kinematics, timeline, envelope)
        .expect("the mechanism closes")
}

/// A session of one step at one station, the shaft parked at 0.
pub fn only(technique: Technique, u: f64, hold_s: f64, cycles: f64) -> Session {
    let step = Step {
        technique,
        from_u: u,
        to_u: u,
        level: 3,
        hold_s,
        cycles,
        park_deg: 0.0,
        spacing_u: 0.1,
        pace: None,
    };
    Session {
        name: "one step".into(),
        style: "test".into(),
        steps: vec![step],
        ..Session::default()
    }
}

/// A shipped technique over a stretch for some minutes.
pub fn part(technique: &str, [from_u, to_u]: [f64; 2], minutes: f64) -> Part {
    let file = path(&format!("techniques/{technique}.toml"));
    Part {
        manner: scene::load_technique(&file).unwrap_or_else(|e| panic!("{e}")),
        from_u,
        to_u,
        minutes,
        firmness: 0.3,
        level: 3,
        width_m: None,
        spacing_u: 0.1,
    }
}

/// Gives a scene these parts for its session, planned for its mechanism.
pub fn do_parts(scene: &mut Scene, parts: Vec<Part>) {
    scene.session.parts = parts;
    let Scene {
        session,
        mechanism,
        body,
        timing,
        ..
    } = scene;
    scene::plan_session(session, mechanism, body, timing).unwrap_or_else(|e| panic!("{e}"));
}

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenes")
        .join(name)
}

fn owned(sets: &[(&str, &str)]) -> Vec<(String, String)> {
    sets.iter()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect()
}
