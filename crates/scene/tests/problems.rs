//! Pins: a wrong file gets every problem at once, at the key that is wrong, with a hint; and nothing panics.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use scene::{Problem, Problems, Severity, check_any, load, load_mechanism, load_stack, load_study};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn chair() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/chair.toml")
}

/// Set `KNEADLAB_GOLDEN=write` to write the listing anew.
fn compare(name: &str, text: &str) {
    let path = golden().join(name);
    let text = text.replace(
        &format!("{}/", golden().to_string_lossy().replace('\\', "/")),
        "",
    );
    if std::env::var("KNEADLAB_GOLDEN").is_ok_and(|v| v == "write") {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text.trim(),
        expected.trim(),
        "{name} differs; KNEADLAB_GOLDEN=write rewrites it"
    );
}

/// Problems of the shipped chair with values set.
fn with(sets: &[(&str, &str)]) -> Vec<Problem> {
    let sets: Vec<_> = sets
        .iter()
        .map(|(p, v)| (p.to_string(), v.to_string()))
        .collect();
    match load(&chair(), &sets) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.0,
    }
}

fn only(sets: &[(&str, &str)]) -> Problem {
    let all = with(sets);
    assert_eq!(all.len(), 1, "{all:#?}");
    all[0].clone()
}

/// Problems of a file of its own.
fn of(text: &str) -> Vec<Problem> {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    match check_any(file.path()) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    }
}

#[test]
fn regress_every_mistake_of_a_bad_scene_is_listed() {
    let problems = load(&golden().join("bad_scene.toml"), &[]).unwrap_err();
    compare("bad_scene.txt", &problems.to_string());
}

#[test]
fn regress_every_mistake_of_a_bad_sweep_is_listed() {
    let problems = load_study(&golden().join("bad_sweep.toml"), &[]).unwrap_err();
    compare("bad_sweep.txt", &problems.to_string());
}

/// What only the whole plan can get wrong, and what a tuning needs and a sweep does not.
#[test]
fn a_plan_checks_its_size_and_its_names() {
    let study = |sweep: &str| {
        of(&format!(
            "name = \"s\"\nscene = \"builtin:chair\"\n[sweep]\n{sweep}"
        ))
    };
    let axis = "{ path = \"body.age_yr\", from = 20, to = 60, steps = 100000 }";
    let other = axis
        .replace("age_yr", "tone")
        .replace("20, to = 60", "1, to = 2");
    let all = study(&format!("sampler = \"grid\"\nvary = [{axis}, {other}]"));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(
        all[0].message.contains("100000 x 100000 points"),
        "{}",
        all[0]
    );

    let levels = "vary = [{ path = \"session.step.0.level\", from = 1, to = 5 }, { path = \"session.step.1.level\", from = 1, to = 5";
    let all = study(&format!("{levels} }}]"));
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(
        all[0]
            .message
            .contains("also the name of session.step.0.level"),
        "{}",
        all[0]
    );
    assert_eq!(study(&format!("{levels}, name = \"second\" }}]")), []);

    // Free words only where nothing is simulated; an expression knows what varies and the body.
    let all = study("vary = [{ path = \"x\", from = 0, to = 1 }]");
    assert!(all[0].message.contains("needs model"), "{}", all[0]);
    let free = "model = \"expression\"\nvary = [{ path = \"x\", from = 0, to = 1 }]\nobjective = [{ metric = \"x * METRIC\" }]";
    assert_eq!(study(&free.replace("METRIC", "bmi_kg_m2")), []);
    let all = study(&free.replace("METRIC", "z"));
    assert!(all[0].message.contains("there is no \"z\""), "{}", all[0]);

    let search = free
        .replace("METRIC", "2")
        .replace("[{ metric", "[{ metric = \"x\" }, { metric")
        + "\nsearch = { algorithm = \"cma_es\" }";
    let all = study(&search);
    assert!(
        all[0].message.contains("takes one objective, there are 2"),
        "{}",
        all[0]
    );
    assert_eq!(all[0].allowed, "nsga2, nsga3");

    let all = of("name = \"s\"\nscene = \"builtin:chair\"\n");
    let missing: Vec<&str> = all.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(missing, ["techniques", "bands"]);
}

#[test]
fn a_wrong_unit_names_the_right_one_and_converts() {
    let p = only(&[("chair.pad.thickness_cm", "3")]);
    assert_eq!(p.hint.as_deref(), Some("write thickness_mm = 30"));
    assert!(p.message.contains("mm") && p.message.contains("cm"), "{p}");
    let p = only(&[("chair.recline_rad", "0.5235987755982988")]);
    assert_eq!(p.hint.as_deref(), Some("write recline_deg = 30"));
    for key in ["chair.pad.e", "chair.seat_z"] {
        let p = only(&[(key, "20")]);
        assert!(p.message.contains("needs its unit"), "{p}");
    }
}

#[test]
fn an_unknown_key_gets_the_nearest_one() {
    let p = only(&[("chair.reclien_deg", "45")]);
    assert_eq!(p.hint.as_deref(), Some("did you mean \"recline_deg\"?"));
    assert_eq!((p.line, p.key.as_str()), (0, "chair.reclien_deg"));
    assert!(p.to_string().contains("(from --set)"), "{p}");
}

#[test]
fn a_value_out_of_range_tells_the_range() {
    let p = only(&[("chair.recline_deg", "120")]);
    assert_eq!(
        (p.value.as_str(), p.allowed.as_str()),
        ("120", "0 to 90 deg")
    );
    assert!(
        with(&[("solver.dt_ms", "nan")])[0]
            .message
            .contains("finite")
    );
}

#[test]
fn a_value_of_the_wrong_type_tells_the_right_one() {
    assert!(
        only(&[("chair.recline_deg", "\"steep\"")])
            .message
            .contains("a number is expected")
    );
    assert!(
        only(&[("chair", "3")])
            .message
            .contains("a table is expected")
    );
    assert_eq!(
        only(&[("session.step.0.level", "2.0")]).hint.as_deref(),
        Some("write 2")
    );
}

#[test]
fn a_missing_file_is_told_at_its_key() {
    let p = only(&[("mechanism", "nowhere.toml")]);
    assert_eq!(p.key, "mechanism");
    assert!(p.message.contains("no such file"), "{p}");
    let all = load(Path::new("no/such/scene.toml"), &[]).unwrap_err();
    assert_eq!(all.0.len(), 1);
}

#[test]
fn a_missing_key_is_told_at_its_table() {
    let all = of(
        "name = \"x\"\nmechanism = \"builtin:wobble_carriage\"\n\n[body]\nsex = \"male\"\nbmi_kg_m2 = 24\n",
    );
    let keys: Vec<_> = all.iter().map(|p| (p.key.as_str(), p.line)).collect();
    assert_eq!(keys, [("session", 1), ("body.stature_mm", 4)], "{all:#?}");
}

#[test]
fn a_rod_that_cannot_close_is_told_at_the_rod() {
    let all = with(&[("mechanism.knead.rod.length_mm", "200")]);
    let p = all
        .iter()
        .find(|p| p.key == "mechanism.knead.rod.length_mm")
        .unwrap();
    assert_eq!(p.severity, Severity::Error);
    assert!(
        p.hint
            .as_ref()
            .unwrap()
            .contains("cannot close at kneading angle"),
        "{p}"
    );
}

#[test]
fn a_body_outside_plausible_limits_is_an_error_and_outside_the_survey_a_warning() {
    let p = only(&[("body.stature_mm", "900")]);
    assert_eq!(
        (p.severity, p.key.as_str()),
        (Severity::Error, "body.stature_mm")
    );
    let p = only(&[("body.stature_mm", "1950")]);
    assert_eq!(
        (p.severity, p.key.as_str()),
        (Severity::Warning, "body.stature_mm")
    );
    // The tallest woman of ANSUR II is 1829 mm, the shortest 1409 mm.
    assert_eq!(p.allowed, "1409 to 1829 mm");
}

/// Old age is a condition, whether the body names it or not; where it is not named that is told.
#[test]
fn old_age_brings_its_limits() {
    let aged = |sets: &[(&str, &str)]| {
        let sets: Vec<_> = sets
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        load(&chair(), &sets).unwrap()
    };
    let told = |loaded: &scene::Loaded| {
        let warned = |p: &&Problem| p.message.contains("frail_or_75_plus");
        loaded.warnings.iter().filter(warned).count()
    };
    let (young, old) = (
        aged(&[("body.age_yr", "74")]),
        aged(&[("body.age_yr", "75")]),
    );
    let named = aged(&[
        ("body.age_yr", "75"),
        ("body.conditions", "[\"frail_or_75_plus\"]"),
    ]);
    assert_eq!((young.scene.conditions.len(), told(&young)), (0, 0));
    assert_eq!(
        (&old.scene.conditions[0][..], told(&old)),
        ("frail_or_75_plus", 1)
    );
    assert_eq!((named.scene.conditions.len(), told(&named)), (1, 0));
}

#[test]
fn an_unknown_condition_lists_the_known_ones_and_a_refused_one_is_not_our_business() {
    let p = only(&[("body.conditions", "[\"osteoporos\"]")]);
    assert_eq!(p.hint.as_deref(), Some("did you mean \"osteoporosis\"?"));
    assert!(p.allowed.contains("fibromyalgia"), "{p}");
    for written in ["osteoporosis", "[\"osteoporosis\"]", "[osteoporosis]"] {
        let sets = [("body.conditions".to_string(), written.to_string())];
        assert_eq!(
            load(&chair(), &sets).unwrap().scene.conditions,
            ["osteoporosis"]
        );
        // A study takes its scene's paths.
        let study = chair().with_file_name("studies/chair_shiatsu.toml");
        assert_eq!(
            load_study(&study, &sets).unwrap().scene.conditions,
            ["osteoporosis"]
        );
    }
}

#[test]
fn a_session_problem_is_told_at_its_step() {
    let p = only(&[("session.step.0.to_u", "0.12")]);
    assert_eq!(
        (p.key.as_str(), p.severity),
        ("session.step.0.to_u", Severity::Error)
    );
    assert!(p.hint.unwrap().contains("rolling needs a way"));
    let p = only(&[("session.step.7.level", "1")]);
    assert!(p.message.contains("no item"), "{p}");
}

#[test]
fn a_depth_beyond_the_stroke_is_told() {
    let p = only(&[("depth.protrude_mm.4", "140")]);
    assert_eq!(
        (p.key.as_str(), p.value.as_str()),
        ("depth.protrude_mm.4", "140")
    );
}

#[test]
fn a_study_that_judges_itself_is_refused() {
    let study = chair().with_file_name("studies/chair_shiatsu.toml");
    let sets = [("held_out.seed".to_string(), "1".to_string())];
    let all = load_study(&study, &sets).unwrap_err();
    assert_eq!(all.0[0].key, "held_out.seed");
    let sets = [(
        "bands".to_string(),
        "[[0.2,0.1],[0,1],[0,1],[0,1],[0,2]]".to_string(),
    )];
    let keys: Vec<_> = load_study(&study, &sets)
        .unwrap_err()
        .0
        .into_iter()
        .map(|p| p.key)
        .collect();
    assert_eq!(keys, ["bands.0", "bands.4.1"]);
}

#[test]
fn a_stack_that_is_no_tissue_is_told_at_its_layer() {
    let layer = "[[layer]]\nthickness_mm = 10\ne_kpa = 5\nnu = 0.5\n";
    assert!(of(layer).is_empty());
    let all = of(&format!("{layer}model = \"neo-hookean\"\n"));
    assert_eq!((all[0].key.as_str(), all[0].line), ("layer.0.nu", 4));
    let all = of(&format!(
        "{layer}prony = [{{ g = 0.6, tau_s = 1 }}, {{ g = 0.6, tau_s = 2 }}]\n"
    ));
    assert_eq!(all[0].key, "layer.0.prony");
    let all = of(&format!("{layer}model = \"ogden\"\n"));
    assert!(
        all.iter()
            .any(|p| p.key == "layer.0.alpha" && p.message.contains("missing")),
        "{all:#?}"
    );
}

#[test]
fn expressions_are_read_and_their_faults_told() {
    let path = chair().with_file_name("mechanisms/wobble_carriage.toml");
    let set = |path: &str, value: &str| (path.to_string(), value.to_string());
    let m = load_mechanism(
        &path,
        &[
            set("params.node_pitch_mm", "120"),
            set("rocker.up_mm", "\"node_pitch_mm / 4\""),
        ],
    )
    .unwrap();
    // The shipped file gives the lower arm 1 - 0.55 of the pitch: 54 of 120 mm.
    assert_eq!(m.rocker.up_m, 0.030);
    assert!((m.rocker.down_m - 0.054).abs() < 1e-12);
    for (text, says) in [
        ("node_pich_mm / 2", "there is no parameter"),
        ("node_pitch_mm /", "cannot be read"),
        ("tilt_deg", "the parameter is in deg"),
        ("; rm -rf", "neither a number nor an expression"),
        ("node_pitch_mm * 1000", "out of range"),
        ("1 / 0", "not a finite number"),
    ] {
        let all = load_mechanism(&path, &[set("rocker.up_mm", &format!("{text:?}"))]).unwrap_err();
        assert!(
            all.0[0].message.contains(says) && all.0[0].key == "rocker.up_mm",
            "{text}: {all}"
        );
    }
    let all = load_mechanism(&path, &[set("params.tilt_deg", "30")]).unwrap_err();
    assert_eq!(
        (all.0[0].key.as_str(), all.0[0].allowed.as_str()),
        ("params.tilt_deg", "6 to 16 deg")
    );
}

/// A gun of 40 strokes a second in five steps a stroke is computed, and told to be none.
#[test]
fn too_few_steps_a_stroke_are_told() {
    let warned = |dt_ms: &str| {
        let sets = [("solver.dt_ms".to_owned(), dt_ms.to_owned())];
        let gun = chair().with_file_name("gun.toml");
        let warnings = scene::load_rig_scene(&gun, &sets).unwrap().warnings;
        warnings.iter().any(|p| p.key == "solver.dt_ms")
    };
    assert!(warned("5") && !warned("2"));
}

/// Numbers that no plan can be made of are told as such: 1e30 minutes, a place far off the back.
#[test]
fn parts_of_absurd_numbers_are_told() {
    let rig = chair().with_file_name("mixed_styles_3d.toml");
    let sets = |part: &str| {
        [("from_u", "1e30"), ("minutes", "1e30")].map(|(k, v)| (format!("{part}.0.{k}"), v.into()))
    };
    let told = |problems: scene::Problems| problems.0.len();
    assert_eq!(
        told(scene::load_rig_scene(&rig, &sets("part")).unwrap_err()),
        2
    );
    let carriage = chair().with_file_name("mixed_styles.toml");
    assert_eq!(told(load(&carriage, &sets("session.part")).unwrap_err()), 2);
}

/// The shipped gun's mechanism.
fn gun() -> String {
    std::fs::read_to_string(chair().with_file_name("mechanisms/percussive_gun.toml")).unwrap()
}

/// Its warnings or problems with a piece of its text changed.
fn check_gun(from: &str, to: &str) -> Result<Vec<Problem>, Problems> {
    let text = gun().replacen(from, to, 1);
    assert_ne!(text, gun(), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rig.toml");
    std::fs::write(&path, text).unwrap();
    check_any(&path).map(|(_, warnings)| warnings)
}

/// A list that is left open takes in the rest of a file: it is told, once, and the rest is read as if it were closed.
#[test]
fn a_list_left_open_is_told_alone() {
    let text = gun();
    for (good, bad) in [
        ("size_mm = [15, 25, 25]", "size_mm = [15, 25, 25"),
        ("size_mm = [15, 25, 25]", "size_mm = [15,\n  25,\n  25"),
    ] {
        let all = check_gun(good, bad).unwrap_err().0;
        let line = 1 + text[..text.find(good).unwrap()].matches('\n').count();
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!((all[0].line, all[0].key.as_str()), (line, "size_mm"));
        assert!(all[0].message.contains("not closed"), "{}", all[0]);
    }
    // A key that stands twice is told by its name.
    let all = check_gun("ratio = 1", "ratio = 1\nratio = 2")
        .unwrap_err()
        .0;
    assert_eq!((all.len(), all[0].key.as_str()), (1, "ratio"), "{all:#?}");
}

#[test]
fn a_syntax_error_does_not_hide_the_rest() {
    let all = of(
        "name = \"x\"\nlayer = \n\n[body\nsex = \"male\"\n[[session.step]]\ntechnique = \"pres\"\n",
    );
    assert!(
        all.iter()
            .any(|p| p.message.starts_with("not TOML") && p.line == 2),
        "{all:#?}"
    );
    assert!(all.len() >= 3, "{all:#?}");
}

#[test]
fn wrong_orders_of_a_rig_scene_are_told_at_their_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/roller_bed.toml");
    let wrong = |key: &str, value: &str| {
        let sets = [(format!("command.0.{key}"), value.to_owned())];
        let problems = scene::load_rig_scene(&path, &sets).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        let p = problems.0.into_iter().next().unwrap();
        assert_eq!(p.key, format!("command.0.{key}"));
        (p.message, p.allowed, p.hint.unwrap_or_default())
    };
    let (message, allowed, hint) = wrong("drive", "travl");
    assert!(
        message.contains("no such drive") && allowed == "travel, lift",
        "{message}"
    );
    assert_eq!(hint, "did you mean \"travel\"?");
    let (message, allowed, _) = wrong("position_mm", "901");
    assert!(message.contains("cannot go there"));
    assert_eq!(allowed, "0.0000 to 900.0000");
    let (message, _, hint) = wrong("position_deg", "10");
    assert!(
        message.contains("slides") && hint == "write position_mm",
        "{message}"
    );
}

#[test]
fn odd_files_are_told() {
    assert!(of("")[0].message.contains("this is no scene"));
    assert!(
        load_stack(&golden()).unwrap_err().0[0]
            .message
            .contains("folder")
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [0xff, 0xfe, 0x00]).unwrap();
    assert!(
        check_any(file.path()).unwrap_err().0[0]
            .message
            .contains("UTF-8")
    );
    let deep = format!("x = {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(!of(&deep).is_empty());
}

/// What somebody's file gets wrong is told with its line: a loop that opens within a parameter's range, with the parameter.
#[test]
fn a_range_in_which_a_loop_opens_is_told() {
    let text =
        std::fs::read_to_string(chair().with_file_name("mechanisms/kneading_arm.toml")).unwrap();
    let wide = text.replace(
        "min = 44, max = 56, meaning = \"rocker\"",
        "min = 15, max = 56, meaning = \"rocker\"",
    );
    assert_ne!(wide, text);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arm.toml");
    std::fs::write(&path, wide).unwrap();
    let (kind, warnings) = check_any(&path).unwrap();
    assert_eq!(kind, scene::FileKind::Rig);
    let p = &warnings[0];
    assert_eq!(
        (warnings.len(), p.key.as_str()),
        (1, "params.rocker_mm"),
        "{p}"
    );
    assert!(
        p.message.contains("rocker_mm = 15") && p.message.contains("open"),
        "{p}"
    );
    assert!(p.line > 10, "{p}");
    // The same value is an error when it is given.
    let sets = [("params.rocker_mm".to_owned(), "15".to_owned())];
    let problems = scene::load_rig(&path, &sets).unwrap_err();
    assert!(
        problems.0[0].message.contains("does not close"),
        "{problems}"
    );
}

/// What goes wrong in a stranger's first machine: each mistake alone, told at the key that he wrote.
#[test]
fn mistakes_in_a_first_rig_are_told_at_their_keys() {
    let told = |from: &str, to: &str| check_gun(from, to).unwrap_or_else(|p| p.0);
    let start = "name = \"bore\"\nkind = \"prismatic\"\n";
    for (from, to, key, says) in [
        (
            start,
            &*format!("{start}range_mm = [90, 10]\n"),
            "joint.2.range_mm",
            "does not end above",
        ),
        (
            start,
            &*format!("{start}range_mm = [-9, -8]\n"),
            "joint.2.start_mm",
            "starts outside",
        ),
        (
            start,
            &*format!("{start}range_mm = [35, 50]\n"),
            "drive.0.joint",
            "against its stop: 29.0 mm at crank = 180.0 deg",
        ),
        (
            "[[drive]]",
            "[[coupling]]\njoint = \"bore\"\nto = \"crank\"\n[[drive]]",
            "coupling.0.kind",
            "a gear ties turns to turns",
        ),
        (
            "[[drive]]",
            "[[coupling]]\njoint = \"pin\"\nto = \"pin\"\n[[drive]]",
            "coupling.0.to",
            "cannot follow itself",
        ),
        (
            "[[drive]]",
            "[[coupling]]\njoint = \"pin\"\nto = \"bore\"\nkind = \"rack\"\ntravel_mm_per_rev = 5\n[[drive]]",
            "coupling.0.kind",
            "\"pin\" turns, \"bore\" slides",
        ),
        (
            "[[drive]]",
            "[[coupling]]\njoint = \"pin\"\nto = \"crank\"\nkind = \"cam\"\nlifts_mm = [0, 1, 2, 1]\n[[drive]]",
            "coupling.0.lifts_mm",
            "the joint \"pin\" turns",
        ),
        (
            "[[drive]]",
            "[[coupling]]\njoint = \"pin\"\nto = \"crank\"\nkind = \"cam\"\n[[drive]]",
            "coupling.0.lifts_deg",
            "a cam needs its lifts",
        ),
        (
            "[[drive]]",
            "[[coupling]]\njoint = \"pin\"\nto = \"bore\"\nkind = \"cam\"\nlifts_deg = [0, 1, 2, 1]\n[[drive]]",
            "coupling.0.to",
            "a cam goes round",
        ),
        (
            "motion = \"turn\"\nspeed_rpm = \"speed_rpm\"",
            "motion = \"stroke\"\namplitude_mm = \"speed_rpm / 500\"\nfrequency_hz = 1",
            "drive.0.motion",
            "the joint \"crank\" turns",
        ),
        (
            "name = \"wrist\"",
            "name = \"wrist, left\"",
            "closing.0.name",
            "cannot be the name of a part",
        ),
        (
            "stroke_mm = { value = 12",
            "stroke_mm = { value = \"12 mm\"",
            "params.stroke_mm.value",
            "this is text",
        ),
        (
            "min = 8, max = 16, meaning = \"piston",
            "min = 16, max = 8, meaning = \"piston",
            "params.stroke_mm",
            "above max",
        ),
    ] {
        let problems = told(from, to);
        // A narrow range may fail at the ends of a parameter too, and nothing else is said.
        let own = |p: &&Problem| !p.message.starts_with("within the parameters' ranges");
        let problems: Vec<&Problem> = problems.iter().filter(own).collect();
        assert_eq!(problems.len(), 1, "{to}: {problems:?}");
        assert!(
            problems[0].key == key && problems[0].message.contains(says),
            "{}",
            problems[0]
        );
    }

    // Play on a track is refused, not ignored.
    let unit = chair().with_file_name("mechanisms/wobble_unit.toml");
    let sets = [("drive.0.backlash_mm".to_owned(), "0.5".to_owned())];
    let refused = scene::load_rig(&unit, &sets).unwrap_err();
    assert_eq!(refused.0[0].key, "drive.0.backlash_mm", "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Cuts and changes to a good file, and plain noise: an answer, never a panic.
    #[test]
    fn nothing_panics(at in 0usize..4000, cut in 0usize..40, noise in "[ -~\n]{0,12}", all in "\\PC{0,200}") {
        for base in ["chair.toml", "mechanisms/wobble_carriage.toml", "mechanisms/percussive_gun.toml", "studies/chair_shiatsu.toml", "stacks/t40.toml"] {
            let mut bytes = std::fs::read(chair().with_file_name(base)).unwrap();
            let at = at % bytes.len();
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, noise.bytes());
            let _ = of(&String::from_utf8_lossy(&bytes));
        }
        let _ = of(&all);
        let _ = with(&[(&all, &noise), (&noise, &all)]);
        let _ = with(&[("mechanism.rocker.up_mm", &format!("{noise:?}"))]);
    }
}
