//! Pins: technique files say what they must, a thrust is refused with the reason, and a scene's parts become steps of its machine or a
//! problem at the part.

use std::path::{Path, PathBuf};

use program::{School, Technique};
use scene::{FileKind, Problem, check_any, load, load_technique};

fn scenes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes")
}

fn all() -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(scenes().join("techniques"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    files
}

/// The shipped scene with parts in the place of its steps, in a file beside it so that paths hold.
fn with_parts(
    parts: &str,
    mechanism: &str,
    conditions: &str,
) -> Result<scene::Scene, Vec<Problem>> {
    let chair = std::fs::read_to_string(scenes().join("chair.toml")).unwrap();
    let (head, rest) = chair.split_once("[[session.step]]").unwrap();
    let (_, tail) = rest.split_once("[timing]").unwrap();
    let text = format!("{head}{parts}\n[timing]{tail}")
        .replace("mechanisms/wobble_carriage.toml", mechanism)
        .replace("conditions = []", &format!("conditions = {conditions}"));
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    load(file.path(), &[]).map(|l| l.scene).map_err(|p| p.0)
}

fn part(technique: &str, minutes: f64) -> String {
    format!(
        "[[session.part]]\ntechnique = \"builtin:{technique}\"\nfrom_u = 0.2\nto_u = 0.6\nminutes = {minutes}\n"
    )
}

/// The wobble carriage with a throw of its tapping crank.
fn tapping() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(scenes().join("mechanisms/wobble_carriage.toml")).unwrap();
    let path = folder.path().join("tapping.toml");
    std::fs::write(&path, text.replace("crank_mm = 0 ", "crank_mm = 3 ")).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

#[test]
fn every_school_is_shipped_and_says_where_its_figures_come_from() {
    let manners: Vec<_> = all()
        .iter()
        .map(|p| load_technique(p).unwrap_or_else(|e| panic!("{e}")))
        .collect();
    assert!(manners.len() >= 14, "{}", manners.len());
    for school in School::ALL.into_iter().filter(|s| *s != School::Other) {
        assert!(manners.iter().any(|m| m.school == school), "{school:?}");
    }
    for (path, manner) in all().iter().zip(&manners) {
        assert_eq!(manner.check(), [], "{}", path.display());
        // Built in word for word: a scene anywhere may name it.
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let text = part(stem, 1.0);
        let (_folder, machine) = tapping();
        match with_parts(&text, &machine, "[]") {
            Ok(scene) => assert_eq!(&scene.session.parts[0].manner, manner),
            Err(problems) => assert!(
                problems.iter().all(|p| p.key == "session.part.0.technique"),
                "{problems:?}"
            ),
        }
    }
}

#[test]
fn a_thrust_is_refused_with_the_reason() {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let thumb = std::fs::read_to_string(scenes().join("techniques/shiatsu_thumb.toml")).unwrap();
    for (text, key) in [
        (
            thumb.replace("path = \"place\"", "path = \"thrust\""),
            "path",
        ),
        (
            thumb.replace("force_n = [30, 100] ", "force_n = [70, 1011] "),
            "force_n",
        ),
    ] {
        assert_ne!(text, thumb);
        std::fs::write(file.path(), text).unwrap();
        let problems = check_any(file.path()).unwrap_err().0;
        let p = problems
            .iter()
            .find(|p| p.key == key)
            .unwrap_or_else(|| panic!("{problems:?}"));
        let hint = p.hint.as_deref().unwrap_or("");
        assert!(
            hint.contains("never offered") && hint.contains("1000 N"),
            "{p}"
        );
        assert_eq!(FileKind::of(file.path()).unwrap(), FileKind::Technique);
    }
}

/// Warm-up to cool-down in three schools: planned in order, each step knowing its part; the steps are within what machines do.
#[test]
fn a_mixed_session_is_planned() {
    let text = part("swedish_effleurage", 1.0)
        + &part("shiatsu_thumb", 2.0)
        + &part("swedish_petrissage", 2.0)
        + &part("osteopathic_inhibition", 2.0)
        + &part("swedish_effleurage", 1.0);
    let scene =
        with_parts(&text, "builtin:wobble_carriage", "[]").unwrap_or_else(|p| panic!("{p:?}"));
    let session = &scene.session;
    assert_eq!(session.check(), []);
    let parts: Vec<usize> = session.steps.iter().map(|s| s.pace.unwrap().part).collect();
    assert!(parts.windows(2).all(|w| w[0] <= w[1]), "{parts:?}");
    assert_eq!(parts.last(), Some(&4));
    let deeds: Vec<Technique> = session.fits.iter().map(|f| f.deed).collect();
    use Technique::{Knead, Press, Roll};
    assert_eq!(deeds, [Roll, Press, Knead, Press, Roll]);
    // A technique that is written another way is another scene.
    let other = with_parts(
        &text.replace("minutes = 2", "minutes = 3"),
        "builtin:wobble_carriage",
        "[]",
    );
    assert_ne!(scene.hash(), other.unwrap().hash());
}

/// Every ready-made rig says of a technique that it is planned, or what it lacks.
#[test]
fn every_rig_plans_a_technique_or_says_what_it_lacks() {
    for (rig, technique, refused) in [
        ("wobble_chair", "shiatsu_palm", None),
        ("wobble_chair", "chair_kneading", None),
        ("wobble_chair", "chair_rolling", None),
        (
            "wobble_chair",
            "swedish_friction",
            Some("moves the nodes sideways"),
        ),
        ("roller_bed", "chair_rolling", None),
        ("roller_bed", "chair_kneading", Some("a kneading shaft")),
        (
            "roller_bed",
            "swedish_tapotement",
            Some("its drive lift does"),
        ),
        ("hand", "shiatsu_thumb", None),
        ("hand", "swedish_effleurage", None),
        ("hand", "swedish_friction", Some("movement sideways")),
        ("hand_roller", "chair_rolling", None),
        (
            "hand_roller",
            "swedish_petrissage",
            Some("a kneading shaft"),
        ),
    ] {
        let text = std::fs::read_to_string(scenes().join(format!("{rig}.toml"))).unwrap();
        // Its machine and place; the part in the place of commands.
        let kept = |l: &&str| !["duration_s", "#"].iter().any(|k| l.starts_with(k));
        let mut text: Vec<&str> = text
            .split("[[command]]")
            .next()
            .unwrap()
            .lines()
            .filter(kept)
            .collect();
        let part = format!(
            "[[part]]\ntechnique = \"builtin:{technique}\"\nfrom_u = 0.45\nto_u = 0.55\nminutes = 0.2"
        );
        text.push(&part);
        let machines = format!("\"{}/mechanisms/", scenes().display());
        let text = text.join("\n").replace("\"mechanisms/", &machines);
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        match (scene::load_rig_scene(file.path(), &[]), refused) {
            (Ok(loaded), None) => assert_eq!(loaded.scene.parts.len(), 1),
            (Err(problems), Some(why)) => {
                let told = problems.to_string();
                assert!(told.contains(why), "{rig}, {technique}: {told}");
                assert_eq!(problems.0.len(), 1, "{told}");
                assert_eq!(problems.0[0].file, file.path().display().to_string());
            }
            (found, _) => panic!("{rig}, {technique}: {found:?}"),
        }
    }
}

#[test]
fn what_the_machine_or_a_condition_does_not_allow_is_told_at_the_part() {
    let told = |text: &str, machine: &str, conditions: &str| {
        let problems = with_parts(text, machine, conditions).unwrap_err();
        problems
            .into_iter()
            .map(|p| (p.key.clone(), p.to_string()))
            .collect::<Vec<_>>()
    };
    let both = part("shiatsu_palm", 1.0) + &part("swedish_tapotement", 1.0);
    let found = told(&both, "builtin:wobble_carriage", "[]");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "session.part.1.technique");
    // In the scene's own file, not in the technique's.
    assert!(!found[0].1.contains("tapotement.toml"), "{}", found[0].1);
    assert!(found[0].1.contains("tapping shaft"), "{}", found[0].1);
    // With a crank it can tap, and then the condition says no.
    let (_folder, machine) = tapping();
    let scene = with_parts(&both, &machine, "[]").unwrap_or_else(|p| panic!("{p:?}"));
    assert!(
        scene
            .session
            .steps
            .iter()
            .any(|s| s.sway().is_some_and(|s| s.tap))
    );
    let found = told(&both, &machine, "[\"osteopenia\"]");
    assert!(found[0].1.contains("no percussion"), "{found:?}");
    let deep = told(
        &part("shiatsu_thumb", 1.0),
        "builtin:wobble_carriage",
        "[\"fibromyalgia\"]",
    );
    assert!(deep[0].1.contains("no deep work"), "{deep:?}");
    // For everybody: nothing beats on the flank above L3, where the kidneys lie. Nearer to the spine, below L3, or pressing there is another matter.
    let at = |technique: &str, from_u: f64, width_mm: u32| {
        format!(
            "[[session.part]]\ntechnique = \"builtin:{technique}\"\nfrom_u = {from_u}\nto_u = {}\nminutes = 0.5\nwidth_mm = {width_mm}\n",
            from_u + 0.03
        )
    };
    let beats = at("swedish_tapotement", 0.74, 75);
    let found = told(&beats, &machine, "[]");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("kidneys"), "{found:?}");
    for allowed in [
        at("swedish_tapotement", 0.74, 45),
        at("swedish_tapotement", 0.83, 75),
        at("shiatsu_palm", 0.74, 75),
    ] {
        with_parts(&allowed, &machine, "[]").unwrap_or_else(|p| panic!("{allowed}: {p:?}"));
    }
    // What refuses everything is told by a check too, with the policy's note; whoever runs it is refused.
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let body = "sex = \"female\"\nstature_mm = 1628\nbmi_kg_m2 = 25.5\nconditions = [\"undiagnosed_back_pain\"]\n";
    std::fs::write(file.path(), body).unwrap();
    let (_, warnings) = check_any(file.path()).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].to_string().contains("diagnosis first"),
        "{}",
        warnings[0]
    );
    // Steps and parts at once, or neither.
    let step = "[[session.step]]\ntechnique = \"press\"\nfrom_u = 0.2\nto_u = 0.3\nlevel = 3\n";
    let found = told(
        &(part("shiatsu_palm", 1.0) + step),
        "builtin:wobble_carriage",
        "[]",
    );
    assert!(found[0].1.contains("both steps and parts"), "{found:?}");
    let found = told("", "builtin:wobble_carriage", "[]");
    assert!(found[0].1.contains("at least one"), "{found:?}");
}
