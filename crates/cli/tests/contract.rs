//! Pins the promises of the command line: exit codes, what goes to stdout, what is never overwritten, what is refused.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn scenes(name: &str) -> String {
    root().join("scenes").join(name).display().to_string()
}

fn kneadlab() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kneadlab"))
}

fn run(args: &[&str]) -> Output {
    kneadlab().args(args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Columns of CSV by name, as numbers.
fn column(csv: &str, name: &str) -> Vec<f64> {
    let mut lines = csv.lines();
    let index = lines
        .next()
        .unwrap()
        .split(',')
        .position(|n| n == name)
        .unwrap();
    lines
        .map(|l| l.split(',').nth(index).unwrap().parse().unwrap())
        .collect()
}

/// A short session on the shipped chair: one press.
const SHORT: [&str; 4] = [
    "--set",
    "session.step=[{technique=\"press\",from_u=0.8,to_u=0.8,level=2,hold_s=0.5,spacing_u=0.1}]",
    "--set",
    "timing.press_ramp_s=2",
];

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    for args in [
        &[][..],
        &["knead"],
        &["body", "--sex", "female"],
        &["indent", "x.toml", "--node", "cube:3", "--depth-mm", "2"],
        &[
            "indent",
            "x.toml",
            "--node",
            "sphere:25",
            "--depth-mm",
            "-2",
        ],
        &["run", "x.toml", "-o", "y", "--set", "novalue"],
        &[
            "indent",
            "x.toml",
            "--node",
            "sphere:25",
            "--depth-mm",
            "2",
            "--cell-mm",
            "0",
        ],
    ] {
        assert_eq!(code(&run(args)), 2, "{args:?}");
    }
    let help = run(&["--help"]);
    assert_eq!(code(&help), 0);
    for command in [
        "new",
        "check",
        "params",
        "body",
        "indent",
        "run",
        "techniques",
        "compare",
        "speed",
        "tune",
        "export",
        "verify",
        "view",
    ] {
        assert!(
            stdout(&help).contains(&format!("  {command} ")),
            "{command}"
        );
    }
    assert!(stdout(&help).contains("not medical advice"));
}

#[test]
fn a_missing_file_is_1_and_named() {
    for args in [
        &["check", "no/such.toml"][..],
        &["params", "no/such.toml"],
        &["run", "no/such.toml", "-o", "nowhere"],
        &["speed", "no/such.toml"],
        &["tune", "no/such.toml", "-o", "nowhere"],
        &[
            "indent",
            "no/such.toml",
            "--node",
            "sphere:25",
            "--depth-mm",
            "2",
        ],
        &["export", "no/such", "-o", "nowhere"],
        &["export", "--diff", "no/such", "no/such"],
        &["verify", "no/such"],
    ] {
        let output = run(args);
        assert_eq!(code(&output), 1, "{args:?}");
        assert!(
            stderr(&output).contains("such"),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(!Path::new("nowhere").exists());
    }
}

#[test]
fn every_problem_of_a_bad_scene_is_told_as_the_golden_file_says() {
    let golden = root().join("crates/scene/tests/golden");
    let output = kneadlab()
        .current_dir(&golden)
        .args(["check", "bad_scene.toml"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    let expected = fs::read_to_string(golden.join("bad_scene.txt")).unwrap();
    assert_eq!(stderr(&output).trim(), expected.trim());
    assert!(
        stdout(&output).starts_with("bad_scene.toml: scene, "),
        "{}",
        stdout(&output)
    );

    let output = kneadlab()
        .current_dir(&golden)
        .args(["check", "--json", "bad_scene.toml"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = all[0]["problems"].as_array().unwrap();
    assert_eq!(
        problems.len(),
        expected
            .lines()
            .filter(|l| l.contains(": error: ") || l.contains(": warning: "))
            .count()
    );
    assert_eq!(
        (problems[0]["line"].as_u64(), problems[0]["key"].as_str()),
        (Some(4), Some("colour"))
    );
}

#[test]
fn shipped_files_are_good() {
    let files = [
        "chair.toml",
        "studies/chair_shiatsu.toml",
        "mechanisms/wobble_carriage.toml",
        "stacks/t40.toml",
    ]
    .map(scenes);
    let output = kneadlab().arg("check").args(&files).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), files.len());
}

#[test]
fn a_study_in_the_place_of_a_scene_is_told() {
    let output = run(&[
        "run",
        &scenes("studies/chair_shiatsu.toml"),
        "-o",
        "nowhere",
    ]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("looks like a study"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn check_takes_set() {
    let chair = scenes("chair.toml");
    let output = run(&[
        "check",
        &chair,
        "--set",
        "chair.recline_deg=120",
        "--set",
        "body.age_yr=3",
    ]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("recline_deg") && stderr(&output).contains("age_yr"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_new_writes_passes_check_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["scene", "rig-scene", "mechanism", "rig", "study"] {
        let name = format!("my_{kind}");
        let new = || {
            kneadlab()
                .current_dir(folder.path())
                .args(["new", kind, &name])
                .output()
                .unwrap()
        };
        let output = new();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert_eq!(stdout(&output).trim(), format!("{name}.toml"));
        let path = folder.path().join(format!("{name}.toml"));
        let check = run(&["check", path.to_str().unwrap()]);
        assert_eq!(code(&check), 0, "{}", stderr(&check));

        fs::write(&path, "mine").unwrap();
        let again = new();
        assert_eq!(code(&again), 1);
        assert!(stderr(&again).contains("already there"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}

/// The scene of a rig gives what a carriage's gives, its columns named after the machine; percussion is refused where a
/// condition forbids it.
#[test]
fn the_scene_of_a_rig_runs() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let pillow = scenes("pillow.toml");
    let output = run(&[
        "run",
        &pillow,
        "-o",
        out.to_str().unwrap(),
        "--set",
        "duration_s=3",
        "--set",
        "solver.cell_mm=4",
        "--set",
        "rig.params.tilt_deg=10",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["node_names"].as_array().unwrap().len(), 4);
    assert!(summary["node_force_n"][1].as_f64().unwrap() > 2.0);
    assert_eq!(summary["motors"][0]["name"], "discs");
    let trace = fs::read_to_string(out.join("trace.csv")).unwrap();
    let head = trace.lines().next().unwrap();
    for column in [
        "disc_joint_rad",
        "discs_current_a",
        "left_high_force_n",
        "pad_n",
    ] {
        assert!(head.split(',').any(|c| c == column), "{column} in {head}");
    }
    let cells = head.split(',').count();
    assert!(trace.lines().all(|line| line.split(',').count() == cells));
    assert!(trace.lines().count() > 140 && !trace.contains("NaN"));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Node force") && !page.contains("NaN"));
    assert!(out.join("pressure.csv").exists());
    // The scene of the run lies beside its results, with what was set in it.
    let kept = scene::load_rig_scene(&out.join("scene.toml"), &[]).unwrap();
    assert_eq!(kept.scene.hash(), summary["scene_hash"]);
    // A joint or closing a line, a drive a line.
    let lines = |name: &str| fs::read_to_string(out.join(name)).unwrap().lines().count();
    assert_eq!((lines("joints.csv"), lines("drives.csv")), (1 + 3, 1 + 1));

    let gun = scenes("gun.toml");
    let refused = run(&[
        "run",
        &gun,
        "-o",
        "nowhere",
        "--set",
        "body.conditions=osteopenia",
    ]);
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("refused"), "{}", stderr(&refused));
}

/// The two files of the page "Describe your own mechanism", as they stand there: good without a warning, and they run and press.
#[test]
fn the_mechanism_of_the_page_runs() {
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(scenes("MECHANISM.md")).unwrap();
    for name in [
        "my_arm.toml",
        "my_chair.toml",
        "tapper.urdf",
        "my_tapper.toml",
        "wedge.obj",
        "my_tap.toml",
    ] {
        // The name, the rest of its line, the text in its fence.
        let (_, rest) = page.split_once(&format!("\n`{name}`")).unwrap();
        let (_, rest) = rest.split_once(":\n\n```").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    let at = |args: &[&str]| {
        let output = kneadlab().current_dir(folder.path()).args(args).output();
        let output = output.unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        output
    };
    let checked = at(&[
        "check",
        "my_arm.toml",
        "my_chair.toml",
        "my_tapper.toml",
        "my_tap.toml",
    ]);
    assert_eq!(
        stdout(&checked),
        "my_arm.toml: rig, good\nmy_chair.toml: rig_scene, good\nmy_tapper.toml: rig, good\nmy_tap.toml: rig_scene, good\n"
    );
    for (scene, out) in [("my_chair.toml", "out"), ("my_tap.toml", "tap")] {
        at(&["run", scene, "-o", out, "--set", "solver.cell_mm=4"]);
        let summary = fs::read_to_string(folder.path().join(out).join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["faults"], serde_json::json!([]));
        for force in summary["node_force_n"].as_array().unwrap() {
            assert!((5.0..150.0).contains(&force.as_f64().unwrap()), "{force}");
        }
    }
}

#[test]
fn params_prints_paths_that_set_takes() {
    let chair = scenes("chair.toml");
    let output = run(&["params", &chair, "--json", "--set", "body.stature_mm=1700"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stature = all
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["path"] == "body.stature_mm")
        .unwrap();
    assert_eq!(
        (stature["value"].as_f64(), stature["unit"].as_str()),
        (Some(1700.0), Some("mm"))
    );
    assert_eq!(
        (stature["min"].as_f64(), stature["max"].as_f64()),
        (Some(1200.0), Some(2200.0))
    );
    let table = stdout(&run(&["params", &chair]));
    assert!(table.starts_with("path"));
    assert!(
        table
            .lines()
            .any(|l| l.starts_with("mechanism.motors.knead.ratio "))
    );
}

#[test]
fn body_prints_sizes_stations_zones_and_limits() {
    let args = [
        "body",
        "--sex",
        "female",
        "--stature-mm",
        "1628",
        "--bmi",
        "25.5",
    ];
    let text = stdout(&run(&args));
    for part in [
        "C7 above the seat",
        "T12",
        "0.654",
        "lumbar paraspinal",
        "bone depth mm",
        "force cap N",
        "guard_multiplier",
        "Sadeghi 2020",
        "not medical advice",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let json = |extra: &[&str]| -> Value {
        serde_json::from_slice(
            &kneadlab()
                .args(args)
                .args(extra)
                .arg("--json")
                .output()
                .unwrap()
                .stdout,
        )
        .unwrap()
    };
    let zone = |v: &Value, name: &str| {
        v["zones"]
            .as_array()
            .unwrap()
            .iter()
            .find(|z| z["zone"] == name)
            .unwrap()
            .clone()
    };
    // LP: 65 N at 10 cm2, over which the 60 N of any node bind; osteopenia scales by 0.6 and excludes the ribs.
    assert_eq!(zone(&json(&[]), "LP")["force_cap_n"], 60.0);
    // All of the landmarks: BL23 lies beside L2 (0.761), 1.5 cun = 28 mm out; Huatuo's points on the midline are no place for a node. Every default
    // has a flag, and the V of the third lumbar spinous process is Kawchuk's 27.4 mm.
    let all = json(&[]);
    let of = |list: &str, key: &str, name: &str| {
        all[list]
            .as_array()
            .unwrap()
            .iter()
            .find(|v| v[key] == name)
            .unwrap()
            .clone()
    };
    let bl23 = of("points", "point", "BL23");
    assert_eq!(
        (bl23["u"].as_f64(), bl23["contact"].as_bool()),
        (Some(0.761), Some(true))
    );
    assert!((bl23["x_mm"].as_f64().unwrap() - 28.0).abs() < 0.2);
    assert_eq!(of("points", "point", "EX-B2 T5")["contact"], false);
    assert_eq!(all["keep_out"][0]["x_mm"][1], 18.0);
    assert_eq!(
        of("all_limits", "limit", "shear over normal force")["value"],
        "0.35"
    );
    let l3 = of("sources", "name", "u 0.812, 0 mm beside");
    assert_eq!(
        (
            l3["flag"].as_str(),
            l3["value"].as_str().unwrap().starts_with("27.4 mm")
        ),
        (Some("V"), true)
    );
    assert!(
        all["sources"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| s["flag"] != "" && s["source"] != "")
    );
    // The third lumbar station lies between measured ones, the fourth is one of them.
    assert_eq!(of("levels", "level", "L3")["u_flag"], "D");
    assert_eq!(of("levels", "level", "L4")["u_flag"], "V");
    let listed = stdout(&run(&[&args[..], &["--sources"]].concat()));
    assert!(
        listed.contains("Kawchuk") && listed.contains("kept by"),
        "{listed}"
    );

    let thin = json(&["--condition", "osteopenia"]);
    assert_eq!(
        (
            zone(&thin, "LP")["force_cap_n"].as_f64(),
            zone(&thin, "TL")["contact"].as_bool()
        ),
        (Some(36.0), Some(false))
    );
}

#[test]
fn a_body_outside_the_survey_is_a_warning_and_an_implausible_one_an_error() {
    let tall = run(&[
        "body",
        "--sex",
        "female",
        "--stature-mm",
        "1950",
        "--bmi",
        "25",
    ]);
    assert_eq!(code(&tall), 0);
    assert!(stderr(&tall).contains("outside the survey"));
    let nobody = run(&[
        "body",
        "--sex",
        "male",
        "--stature-mm",
        "900",
        "--bmi",
        "71",
    ]);
    assert_eq!(code(&nobody), 1);
    assert!(
        stderr(&nobody).contains("--stature-mm") && stderr(&nobody).contains("--bmi"),
        "{}",
        stderr(&nobody)
    );
    let unknown = run(&[
        "body",
        "--sex",
        "male",
        "--stature-mm",
        "1800",
        "--bmi",
        "25",
        "--condition",
        "gout",
    ]);
    assert_eq!(code(&unknown), 1);
    assert!(stderr(&unknown).contains("gout"));
}

/// A 25 mm sphere on skin 2 mm / 150 kPa, fat 8 mm / 10 kPa, muscle 30 mm / 25 kPa, nu 0.49, bonded to bone: exact layered
/// solution (transfer matrices over 2D Fourier space) 1.08872 N at 3 mm, computed with other code; its error bar is 2 %.
/// The contact law fits within 5 %, so 6 % together.
#[test]
fn val_indent_meets_the_exact_layered_force() {
    let t40 = scenes("stacks/t40.toml");
    let output = run(&["indent", &t40, "--node", "sphere:25", "--depth-mm", "3,6"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let csv = stdout(&output);
    assert_eq!(
        csv.lines().next(),
        Some("depth_mm,force_n,contact_radius_mm,area_mm2,peak_kpa,mean_kpa")
    );
    let force = column(&csv, "force_n");
    assert!((force[0] / 1.08872 - 1.0).abs() < 0.06, "{csv}");
    // Mean pressure is force over area, area is pi radius squared.
    for (i, force) in force.iter().enumerate() {
        let (area, mean, radius) = (
            column(&csv, "area_mm2")[i],
            column(&csv, "mean_kpa")[i],
            column(&csv, "contact_radius_mm")[i],
        );
        assert!((1e3 * force / area / mean - 1.0).abs() < 1e-4, "{csv}");
        assert!(
            (std::f64::consts::PI * radius * radius / area - 1.0).abs() < 1e-4,
            "{csv}"
        );
    }
}

#[test]
fn indent_takes_every_shape_and_refuses_bone() {
    let t40 = scenes("stacks/t40.toml");
    for node in [
        "sphere:20",
        "flat:8",
        "roller:20,30,4",
        "ellipsoid:20,15,12",
        "torus:20,8",
        "paraboloid:20",
    ] {
        let output = run(&[
            "indent",
            &t40,
            "--node",
            node,
            "--depth-mm",
            "3",
            "--cell-mm",
            "2",
            "--tilt-deg",
            "5",
        ]);
        assert_eq!(code(&output), 0, "{node}: {}", stderr(&output));
        assert!(column(&stdout(&output), "force_n")[0] > 0.05, "{node}");
    }
    let deep = run(&[
        "indent",
        &t40,
        "--node",
        "sphere:20",
        "--depth-mm",
        "3,39,50",
    ]);
    assert_eq!(code(&deep), 1);
    assert!(
        stderr(&deep).contains("39") && stderr(&deep).contains("50"),
        "{}",
        stderr(&deep)
    );
    let fine = run(&[
        "indent",
        &t40,
        "--node",
        "sphere:20",
        "--depth-mm",
        "3",
        "--cell-mm",
        "0.001",
    ]);
    assert_eq!(code(&fine), 1);
}

/// What is deeper than the validity page vouches for is said once, depth by depth; what is not is answered in silence.
#[test]
fn indent_warns_beyond_what_is_validated() {
    let folder = tempfile::tempdir().unwrap();
    let stack = |law: &str| {
        let path = folder.path().join("stack.toml");
        let text = format!(
            "[[layer]]\nname = \"gel\"\nthickness_mm = 20\nmodel = \"{law}\"\ne_kpa = 20\nnu = 0.49\n"
        );
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let said = |law: &str, node: &str, depths: &str| {
        let output = run(&[
            "indent",
            &stack(law),
            "--node",
            node,
            "--depth-mm",
            depths,
            "--cell-mm",
            "1",
        ]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stderr(&output)
    };
    // 0.2 of 20 mm for linear layers, 0.4 of it or the radius for others; the solution itself ends at 0.6 or 1.5 radii.
    assert_eq!(said("linear", "sphere:25", "2,4"), "");
    assert_eq!(said("neo-hookean", "sphere:25", "4,8"), "");
    let linear = said("linear", "sphere:25", "4,5,9");
    assert!(linear.contains("5, 9 mm: linear layers"), "{linear}");
    let thick = said("neo-hookean", "sphere:25", "8,9,13");
    assert!(thick.contains("9 mm: estimate beyond 0.4"), "{thick}");
    assert!(
        thick.contains("13 mm: estimate beyond the stack's"),
        "{thick}"
    );
    assert_eq!(thick.matches("warning:").count(), 1, "{thick}");
    let small = said("neo-hookean", "sphere:6", "6,7");
    assert!(
        small.contains("  7 mm: estimate beyond the node's radius"),
        "{small}"
    );
}

#[test]
fn indent_prints_pairs_and_motions_and_refuses_what_does_not_go_together() {
    let t40 = scenes("stacks/t40.toml");
    let indent = |extra: &[&str]| {
        let mut args = vec!["indent", &t40, "--node", "sphere:20", "--depth-mm", "3"];
        args.extend(["--cell-mm", "1"].iter().chain(extra));
        run(&args)
    };
    for (extra, header) in [
        (
            &["--pair-mm", "40"][..],
            "depth_mm,force_n,force_isolated_n",
        ),
        (
            &["--ramp-s", "0.1", "--hold-s", "1"],
            "t_s,depth_mm,force_n",
        ),
        (&["--hold-s", "1"], "t_s,depth_mm,force_n"),
        (&["--sine-hz", "1"], "t_s,depth_mm,force_n"),
        (
            &["--profile", "--turn-deg", "-30", "--tilt-deg", "3"],
            "depth_mm,r_mm,p_kpa",
        ),
    ] {
        let output = indent(extra);
        assert_eq!(code(&output), 0, "{extra:?}: {}", stderr(&output));
        let csv = stdout(&output);
        assert_eq!(csv.lines().next(), Some(header));
        assert!(csv.lines().count() > 1, "{csv}");
    }
    // Half a second of a sine of 1 Hz, in to 3 mm and out.
    let sine = stdout(&indent(&["--sine-hz", "1"]));
    assert_eq!(column(&sine, "t_s").last(), Some(&0.5));
    assert_eq!(
        column(&sine, "depth_mm").into_iter().fold(0.0, f64::max),
        3.0
    );
    for (wrong, told) in [
        (&["--pair-mm", "40", "--profile"][..], "--profile"),
        (&["--pair-mm", "40", "--hold-s", "1"], "--hold-s"),
        (&["--sine-hz", "1", "--ramp-s", "1"], "--ramp-s"),
        (&["--relaxed", "--hold-s", "1"], "--relaxed"),
        (&["--ramp-s", "-1"], "allowed: 0 to"),
        (&["--sine-hz", "fast"], "no number"),
        (&["--pair-mm", "-4"], "allowed: above 0"),
        (&["--tilt-deg", "60"], "allowed: -45 to 45"),
    ] {
        let output = indent(wrong);
        assert_eq!(code(&output), 2, "{wrong:?}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
    let nothing = indent(&["--ramp-s", "0"]);
    assert_eq!(code(&nothing), 1);
    assert!(
        stderr(&nothing).contains("hint: --ramp-s"),
        "{}",
        stderr(&nothing)
    );
}

/// One layer, so the force goes with the modulus: relaxed is (1 - 0.2 - 0.3) of the instantaneous one.
#[test]
fn val_a_relaxed_stack_presses_back_with_the_relaxed_modulus() {
    let folder = tempfile::tempdir().unwrap();
    let stack = folder.path().join("gel.toml");
    let text = "[[layer]]\nname = \"gel\"\nthickness_mm = 30\nmodel = \"linear\"\ne_kpa = 20\nnu = 0.45\nprony = [{ g = 0.2, tau_s = 0.3 }, { g = 0.3, tau_s = 5 }]\n";
    fs::write(&stack, text).unwrap();
    let force = |extra: &[&str]| {
        let output = kneadlab()
            .args([
                "indent",
                stack.to_str().unwrap(),
                "--node",
                "sphere:20",
                "--depth-mm",
                "4",
                "--cell-mm",
                "1",
            ])
            .args(extra)
            .output()
            .unwrap();
        column(&stdout(&output), "force_n")[0]
    };
    assert!((force(&["--relaxed"]) / force(&[]) - 0.5).abs() < 1e-3);
}

#[test]
fn run_writes_a_trace_a_summary_and_a_report_and_nothing_over_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/run");
    let go = |out: &Path| {
        kneadlab()
            .args(["run", &scenes("chair.toml"), "-o", out.to_str().unwrap()])
            .args(SHORT)
            .output()
            .unwrap()
    };
    let output = go(&out);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
    for key in [
        "peak_pressure_kpa",
        "node_force_n",
        "trunk_lift_mm",
        "work_j",
        "friction_loss_j",
        "relaxation_loss_j",
        "shear_dose_kpa_s",
        "motors",
        "faults",
        "scene_hash",
    ] {
        assert!(!summary[key].is_null(), "{key}");
    }
    // The scene of the run lies beside its results, with what was set in it.
    let kept = scene::load(&out.join("scene.toml"), &[]).unwrap();
    assert_eq!(kept.scene.hash(), summary["scene_hash"]);
    let trace = read("trace.csv");
    let seen = column(&trace, "left_upper_force_n")
        .into_iter()
        .fold(0.0, f64::max);
    let told = summary["node_force_n"][0].as_f64().unwrap();
    // The summary sees every step, the trace 50 a second.
    assert!(
        told > 1.0 && seen <= told + 1e-9 && seen > 0.9 * told,
        "{seen} {told}"
    );
    let report = read("report.html");
    assert!(report.contains("not medical advice") && report.contains("data:image/png;base64,"));
    assert!(
        !report.contains("http://") && !report.contains("https://"),
        "the page stands alone"
    );

    // The same again gives the same bytes and may replace its own.
    assert_eq!(code(&go(&out)), 0);
    assert_eq!((read("trace.csv"), read("report.html")), (trace, report));

    // A foreign file stops it, and so does a file in the place of the folder.
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let refused = go(&out);
    assert_eq!(code(&refused), 1);
    assert!(
        stderr(&refused).contains("notes.txt") && stderr(&refused).contains("hint:"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
    assert_eq!(code(&go(&out.join("notes.txt"))), 1);
    let left: Vec<_> = fs::read_dir(folder.path().join("deep")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half-made stays behind");
}

/// With `scan = "shoulder"` the machine looks for the shoulders first; without it nothing speaks of a scan. The figure is within the 10 mm that
/// `sim` holds 95 of 100 bodies to, and the reading that ends it is the last row.
#[test]
fn a_run_with_a_body_scan_tells_what_it_found() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str, sets: &[&str]| {
        let output = kneadlab()
            .args(["run", &scenes("chair.toml"), "--map-hz", "0", "-o"])
            .arg(folder.path().join(name))
            .args(SHORT)
            .args(["--set", "solver.cell_mm=4"])
            .args(sets)
            .output()
            .unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let summary = fs::read_to_string(folder.path().join(name).join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        (stdout(&output), summary)
    };
    let (text, summary) = told("scanned", &["--set", "scan=shoulder"]);
    assert!(text.contains("body scan: shoulder at "), "{text}");
    let error_m = summary["scan"]["error_m"].as_f64().unwrap();
    assert!(error_m.abs() < 0.010, "{error_m}");
    let csv = fs::read_to_string(folder.path().join("scanned/scan.csv")).unwrap();
    let (t_s, force_n) = (column(&csv, "t_s"), column(&csv, "side_force_n"));
    assert!((10.0..25.0).contains(t_s.last().unwrap()));
    assert!(force_n.iter().all(|n| *n < 40.0));

    let (text, summary) = told("known", &[]);
    assert!(!text.contains("body scan") && summary["scan"].is_null());
    assert!(!folder.path().join("known/scan.csv").exists());
}

#[test]
fn a_refused_condition_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (command, file) in [
        ("run", "chair.toml"),
        ("tune", "studies/chair_shiatsu.toml"),
    ] {
        let output = run(&[
            command,
            &scenes(file),
            "-o",
            out.to_str().unwrap(),
            "--set",
            "body.conditions=pacemaker_icd",
        ]);
        assert_eq!(code(&output), 1);
        assert!(stderr(&output).contains("refused"), "{}", stderr(&output));
        assert!(!out.exists());
    }
}

#[test]
fn speed_tells_what_scripts_rely_on() {
    let output = kneadlab()
        .args(["speed", &scenes("chair.toml"), "--json"])
        .args(SHORT)
        // `speed` ends after 20 s of the clock, however far it is: a busy machine shall come to the end too.
        .args(["--set", "solver.cell_mm=4"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let speed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(speed["scene"], "chair");
    for key in ["steps_per_s", "real_time_factor", "cells_per_patch"] {
        assert!(speed[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert!(speed["stages"].is_object());
    let touching = speed["nodes_touching"].as_f64().unwrap();
    assert!((2.0..=4.0).contains(&touching), "{touching}");
}

/// Nodes that stay retracted cost nothing, and a speed measured with them means nothing.
#[test]
fn speed_refuses_a_scene_that_hardly_touches() {
    let output = kneadlab()
        .args(["speed", &scenes("chair.toml"), "--json"])
        .args(SHORT)
        .args(["--set", "depth.protrude_mm=[0,0,0,0,0]"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    assert_eq!(stdout(&output), "");
    let said = stderr(&output);
    for word in [
        "0.00 of 4 nodes touch",
        "allowed: at least 2",
        "hint: ",
        "depth.protrude_mm",
    ] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn a_reader_who_stops_reading_is_no_error() {
    // The pipe is closed before anything is written.
    let mut child = kneadlab()
        .args(["params", &scenes("chair.toml")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    assert_eq!(code(&output), 0);
}

#[test]
fn view_tells_how_to_build_the_viewer() {
    let output = kneadlab()
        .arg("view")
        .arg("x.toml")
        .env("PATH", "")
        .output()
        .unwrap();
    if !stderr(&output).contains("cargo build") {
        // It was built beside us: then it has tried the file.
        assert!(
            Path::new(env!("CARGO_BIN_EXE_kneadlab"))
                .with_file_name("kneadlab-view")
                .exists()
        );
    }
    assert_eq!(code(&output), 1);
}

/// Ctrl-C in the middle of a session of about a minute: 130, and the part that was done is there.
#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    // Small steps make it last long enough to be interrupted on any machine.
    let mut child = kneadlab()
        .args([
            "run",
            &scenes("chair.toml"),
            "-o",
            out.to_str().unwrap(),
            "--set",
            "solver.dt_ms=0.2",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The half-made folder appears before the simulation; give the handler a moment after it.
    for _ in 0..200 {
        std::thread::sleep(std::time::Duration::from_millis(25));
        if fs::read_dir(folder.path()).unwrap().count() > 0 {
            break;
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap();
    let (done, planned) = (
        summary["duration_s"].as_f64().unwrap(),
        summary["planned_s"].as_f64().unwrap(),
    );
    assert!(done > 0.0 && done < planned, "{done} of {planned} s");
    assert!(
        fs::read_to_string(out.join("trace.csv"))
            .unwrap()
            .lines()
            .count()
            > 1
    );
    assert!(
        fs::read_to_string(out.join("report.html"))
            .unwrap()
            .contains("was stopped after")
    );
}
