//! Pins the way from a tuned study to verified tables, on a study small enough for a test: the figures are not the promise here.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn kneadlab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kneadlab"))
        .args(args)
        .output()
        .unwrap()
}

fn study() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../scenes/studies/chair_shiatsu.toml")
        .display()
        .to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Four classes of two bodies, few stations, pressing only.
const SMALL: [&str; 16] = [
    "--set",
    "techniques=[\"press\"]",
    "--set",
    "classes.stature_edges_mm=[1680]",
    "--set",
    "classes.bmi_edges_kg_m2=[26]",
    "--set",
    "stations.count=5",
    "--set",
    "tuning.bodies_per_class=2",
    "--set",
    "held_out.bodies_per_class=1",
    "--set",
    "replay.bodies=1",
    "--set",
    "session.step=[{technique=\"press\",from_u=0.7,to_u=0.7,level=2,hold_s=0.5,spacing_u=0.1}]",
];

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_study_becomes_tables_that_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let tune = |out: &str, jobs: &str| {
        let study = study();
        let out = path(out);
        let mut args = vec!["tune", &study, "-o", &out, "--jobs", jobs];
        args.extend(SMALL);
        kneadlab(&args)
    };
    let output = tune("one", "1");
    // So few bodies promise nothing: 0 or 1, but the result is there.
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        text(&output.stderr)
    );
    let one = folder.path().join("one");
    let summary = json(&one.join("summary.json"));
    for key in [
        "bodies",
        "band_share",
        "band_share_oracle",
        "band_share_constant_depth",
        "cap_violations",
        "coverage",
        "cap_limited",
        "infeasible",
        "seed",
    ] {
        assert!(summary[key].is_number(), "{key}: {}", summary[key]);
    }
    assert_eq!(summary["scene_hash"].as_str().unwrap().len(), 64);
    assert!(
        json(&one.join("run_info.json"))["seconds"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    let report = fs::read_to_string(one.join("report.html")).unwrap();
    assert!(report.contains("not medical advice") && !report.contains("https://"));

    // The same bits on two threads, in every file but run_info.json.
    assert!(matches!(tune("two", "2").status.code(), Some(0 | 1)));
    for name in [
        "tuned.json",
        "summary.json",
        "report.html",
        "study.json",
        "export/chair_shiatsu.bin",
        "export/chair_shiatsu_tables.c",
    ] {
        assert_eq!(
            fs::read(one.join(name)).unwrap(),
            fs::read(folder.path().join("two").join(name)).unwrap(),
            "{name}"
        );
    }

    // Verified in both places where the tables lie; an export is what tune wrote.
    let exported = kneadlab(&["export", &path("one"), "-o", &path("out")]);
    assert_eq!(
        exported.status.code(),
        Some(0),
        "{}",
        text(&exported.stderr)
    );
    let diff = kneadlab(&["export", "--diff", &path("one"), &path("out")]);
    assert_eq!(
        (diff.status.code(), text(&diff.stdout).as_str()),
        (Some(0), "")
    );
    for place in ["one/export", "out"] {
        let output = kneadlab(&["verify", &path(place), "--json"]);
        let verdict: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        assert_eq!(verdict["vectors_failed"], 0);
        assert!(verdict["vectors"].as_u64().unwrap() > 10);
        // Columns are rounded to 0.01 mm and cut to a cap that is rounded down.
        assert!(
            verdict["worst_command_error_mm"].as_f64().unwrap() < 0.02,
            "{verdict}"
        );
        assert!(verdict["band_share"].is_number() && verdict["cap_violations"].is_number());
        // Led by the runtime: the press came, with the force of the timeline. Arrival is 0.5 mm wide, and tissue answers with
        // 1 to 2 N a mm.
        let runtime = &verdict["runtime"];
        assert_eq!(
            (&runtime["still"]["deeds"], &runtime["cut_short"]),
            (&1.into(), &0.into())
        );
        assert!(
            runtime["still"]["rms_n"].as_f64().unwrap() < 0.3,
            "{verdict}"
        );
        assert_eq!(verdict["deeds"][0]["technique"], "press");
        assert!(runtime["band_share"].is_number() && runtime["cap_violations"].is_number());
        assert_eq!(
            output.status.code(),
            Some(i32::from(
                !verdict["problems"].as_array().unwrap().is_empty()
            ))
        );
    }

    // The reviewer's statement lies in both, the same; it says what it is and what was not checked, and names no file of elsewhere.
    let safety = fs::read_to_string(one.join("export/safety.html")).unwrap();
    assert_eq!(
        safety,
        fs::read_to_string(folder.path().join("out/safety.html")).unwrap()
    );
    for part in [
        "Engineering envelope; needs clinical review; not medical advice.",
        "What was not checked",
        "lumbar paraspinal",
        "one-sided",
        "node_force_fault_n",
        "Caps by class and zone",
    ] {
        assert!(safety.contains(part), "{part}");
    }
    assert!(!safety.contains("https://") && !safety.contains("NaN"));

    // A result in the name of a condition that refuses is not exported, even where its hashes were made to fit; nor is a healthy one whose
    // caps a condition does not allow. Nothing is written.
    for (condition, reason) in [
        ("bone_tumour", "no massage with this condition"),
        ("osteoporosis", "no massage with this condition"),
        ("fibromyalgia", "max_force_n"),
        ("spinal_stenosis_lumbar", "max_force_n"),
    ] {
        let place = folder.path().join(condition);
        fs::create_dir(&place).unwrap();
        let mut sets: Vec<(String, String)> = SMALL
            .iter()
            .filter_map(|s| s.split_once('='))
            .map(|(path, value)| (path.into(), value.into()))
            .collect();
        sets.push(("body.conditions".into(), condition.into()));
        let forged = scene::load_study(Path::new(&study()), &sets).unwrap();
        let mut fields = json(&one.join("study.json"));
        fields["scene"]["conditions"] = serde_json::json!([condition]);
        let mut result = json(&one.join("tuned.json"));
        result["study_hash"] = forged.hash().into();
        result["scene_hash"] = forged.scene.hash().into();
        fs::write(place.join("study.json"), fields.to_string()).unwrap();
        fs::write(place.join("tuned.json"), result.to_string()).unwrap();
        let out = format!("{condition}_out");
        let refused = kneadlab(&["export", &path(condition), "-o", &path(&out)]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            text(&refused.stderr).contains(reason),
            "{condition}: {}",
            text(&refused.stderr)
        );
        assert!(!folder.path().join(out).exists());
    }
    // A hold of 20 s is longer than firmware may stay at a place: 8 s are in the row, and the export says so.
    let place = folder.path().join("long");
    fs::create_dir(&place).unwrap();
    let sets: Vec<(String, String)> = SMALL
        .iter()
        .filter_map(|s| s.split_once('='))
        .map(|(path, value)| (path.into(), value.replace("hold_s=0.5", "hold_s=20.0")))
        .collect();
    let forged = scene::load_study(Path::new(&study()), &sets).unwrap();
    let mut fields = json(&one.join("study.json"));
    fields["scene"]["session"]["steps"][0]["hold_s"] = 20.0.into();
    let mut result = json(&one.join("tuned.json"));
    result["study_hash"] = forged.hash().into();
    result["scene_hash"] = forged.scene.hash().into();
    fs::write(place.join("study.json"), fields.to_string()).unwrap();
    fs::write(place.join("tuned.json"), result.to_string()).unwrap();
    let exported = kneadlab(&["export", &path("long"), "-o", &path("long_out")]);
    let told = text(&exported.stderr);
    assert_eq!(exported.status.code(), Some(0), "{told}");
    assert!(told.contains("20 s is planned as 8 s"), "{told}");
    let out = folder.path().join("long_out");
    assert!(
        fs::read_to_string(out.join("README.md"))
            .unwrap()
            .contains("20 s is planned as 8 s")
    );
    assert_eq!(
        json(&out.join("chair_shiatsu.json"))["programme"][0]["hold"],
        800
    );
    // The customer's own struct, twice the same; a wrong template writes nothing and names its line.
    let template = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        path(name)
    };
    let rows = template("rows.h.j2", "#define ROWS {{ programme | length | u8 }}u\n");
    for out in ["mine", "mine_too"] {
        let output = kneadlab(&[
            "export",
            &path("out"),
            "-o",
            &path(out),
            "--template",
            &rows,
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let made = fs::read_to_string(folder.path().join(out).join("vendor/rows.h")).unwrap();
        assert_eq!(made, "#define ROWS 1u\n");
    }
    let wrong = template("wrong.h.j2", "\n{{ program }}\n");
    let output = kneadlab(&[
        "export",
        &path("one"),
        "-o",
        &path("none"),
        "--template",
        &wrong,
    ]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("wrong.h.j2:2: error") && told.contains("programme"),
        "{told}"
    );
    assert!(!folder.path().join("none").exists());

    // A log of the tables replays; one that was changed does not.
    let recorded = kneadlab(&["replay", "--record", "--tables", &path("out")]);
    let log = text(&recorded.stdout);
    let log_path = template("log.csv", &log);
    let replayed = kneadlab(&["replay", &log_path, "--tables", &path("out")]);
    assert_eq!(
        replayed.status.code(),
        Some(0),
        "{}",
        text(&replayed.stdout)
    );
    let middle = log.lines().nth(300).unwrap();
    let changed = middle.rsplitn(2, ',').last().unwrap().to_string() + ",7";
    let log_path = template("changed.csv", &log.replacen(middle, &changed, 1));
    let replayed = kneadlab(&["replay", &log_path, "--tables", &path("out"), "--json"]);
    assert_eq!(replayed.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(
        found["first"]["values"][0],
        serde_json::json!(["code", 7, 0])
    );

    // A byte of the tables changed: refused.
    let bin = folder.path().join("out/chair_shiatsu.bin");
    let mut bytes = fs::read(&bin).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&bin, bytes).unwrap();
    assert_eq!(kneadlab(&["verify", &path("out")]).status.code(), Some(1));

    // A stay that is longer than the limits let it be.
    let sound = json(&one.join("tuned.json"));
    let mut longer = sound.clone();
    longer["caps"][0]["max_dwell_s"] = 8.5.into();
    fs::write(one.join("tuned.json"), longer.to_string()).unwrap();
    let refused = kneadlab(&["export", &path("one"), "-o", &path("worse")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("max_dwell_s = 8.5"));
    fs::write(one.join("tuned.json"), sound.to_string()).unwrap();

    // A depth raised by hand over its cap: every place is named, nothing is written.
    let mut tuned = json(&one.join("tuned.json"));
    tuned["cells"][0]["depth_m"] = 0.5.into();
    tuned["cells"][1]["depth_m"] = (-0.1).into();
    fs::write(one.join("tuned.json"), tuned.to_string()).unwrap();
    let refused = kneadlab(&["export", &path("one"), "-o", &path("worse")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("level 1") && text(&refused.stderr).contains("level 2"),
        "{}",
        text(&refused.stderr)
    );
    assert!(!folder.path().join("worse").exists());
}
