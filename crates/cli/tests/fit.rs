//! Pins the promises of `kneadlab fit`: what it reads, what it tells, and that its stack file is one.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn kneadlab(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kneadlab"))
        .current_dir(dir)
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Two thick layers: their grids are cheap.
const STACK: &str = "name = \"pad\"\n[[layer]]\nname = \"fat\"\nthickness_mm = 8\nmodel = \"ogden\"\ne_kpa = 12\nalpha = 8\nprony = [{ g = 0.5, tau_s = 1 }]\n\
    [[layer]]\nname = \"muscle\"\nthickness_mm = 22\nmodel = \"ogden\"\ne_kpa = 20\nalpha = 8\nprony = [{ g = 0.5, tau_s = 1 }]\n";

/// A folder with the stack, and a log of it that the program itself made, forces times `factor`.
fn bench(factor: f64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("stack.toml"), STACK).unwrap();
    let made = kneadlab(
        dir.path(),
        &[
            "indent",
            "stack.toml",
            "--node",
            "sphere:20",
            "--depth-mm",
            "1,2,3,4,5,6,7,8",
        ],
    );
    let csv = text(&made.stdout);
    let rows = csv.lines().skip(1).map(|l| {
        let cells: Vec<f64> = l.split(',').map(|c| c.parse().unwrap()).collect();
        format!("{},{}\n", cells[0], factor * cells[1])
    });
    fs::write(
        dir.path().join("log.csv"),
        format!("depth_mm,force_n\n{}", rows.collect::<String>()),
    )
    .unwrap();
    dir
}

const FIT: [&str; 6] = [
    "fit",
    "log.csv",
    "--stack",
    "stack.toml",
    "--node",
    "sphere:20",
];

/// Forces 1.5 times those of the stack: moduli 1.5 times the stack's, in CSV, in JSON and in a stack file which gives back the forces.
#[test]
fn a_fitted_stack_gives_back_the_measured_forces() {
    let dir = bench(1.5);
    let out = kneadlab(dir.path(), &[&FIT[..], &["-o", "out"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let csv = text(&out.stdout);
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("layer,thickness_mm,e_kpa,low_kpa,high_kpa,fitted,determined,share")
    );
    for (line, (name, e_kpa)) in lines.by_ref().zip([("fat", 18.0), ("muscle", 30.0)]) {
        let cells: Vec<&str> = line.split(',').collect();
        let found: f64 = cells[2].parse().unwrap();
        // Both sides are our own model; the cells of `indent` and of the search differ by up to 0.5 %.
        assert!(
            cells[0] == name && (found / e_kpa - 1.0).abs() < 0.01,
            "{line}"
        );
        assert_eq!(cells[5..7], ["together", "yes"]);
    }
    assert!(csv.lines().last().unwrap().starts_with("# rms "), "{csv}");
    assert!(
        text(&out.stderr).contains("ratios"),
        "{}",
        text(&out.stderr)
    );

    let fitted = fs::read_to_string(dir.path().join("out/fitted.toml")).unwrap();
    assert!(
        fitted.contains("log.csv, sphere:20, 8 rows to 8 mm") && fitted.contains("estimate"),
        "{fitted}"
    );
    let again = kneadlab(
        dir.path(),
        &[
            "indent",
            "out/fitted.toml",
            "--node",
            "sphere:20",
            "--depth-mm",
            "8",
        ],
    );
    let force = |csv: &str| {
        csv.lines()
            .last()
            .unwrap()
            .split(',')
            .nth(1)
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    let measured = force(&fs::read_to_string(dir.path().join("log.csv")).unwrap());
    assert!(
        (force(&text(&again.stdout)) / measured - 1.0).abs() < 0.01,
        "{}",
        text(&again.stderr)
    );

    let json: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("out/fit.json")).unwrap())
            .unwrap();
    assert!(json["layers"][1]["e_kpa"].as_f64().unwrap() > 29.0 && json["goodness"]["rows"] == 8);
    let page = fs::read_to_string(dir.path().join("out/fit.html")).unwrap();
    assert!(
        page.matches("<svg").count() == 3 && !page.contains("http"),
        "three charts, nothing loaded"
    );

    // Slow: the same forces from relaxed moduli, half the instantaneous ones.
    let slow = kneadlab(dir.path(), &[&FIT[..], &["--relaxed", "--json"]].concat());
    let json: Value = serde_json::from_slice(&slow.stdout).unwrap();
    let e_kpa = json["layers"][0]["e_kpa"].as_f64().unwrap();
    assert!((e_kpa / 36.0 - 1.0).abs() < 0.01, "{e_kpa}");
}

/// Kilograms of force in a column of newtons: moduli a tenth, and a note that names the unit.
#[test]
fn a_wrong_unit_is_suspected() {
    let dir = bench(1.0 / 9.81);
    let out = kneadlab(dir.path(), &FIT);
    assert_eq!(out.status.code(), Some(0));
    assert!(text(&out.stderr).contains("kgf"), "{}", text(&out.stderr));
}

#[test]
fn wrong_logs_and_wrong_usage_are_taught() {
    let dir = bench(1.0);
    let case = |log: &str, more: &[&str], code: i32, words: &[&str]| {
        fs::write(dir.path().join("wrong.csv"), log).unwrap();
        let args = [&["fit", "wrong.csv", "--stack", "stack.toml"], more].concat();
        let out = kneadlab(dir.path(), &args);
        let told = text(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{log:?} {more:?}: {told}");
        assert!(
            words.iter().all(|w| told.contains(w)) && out.stdout.is_empty(),
            "{log:?} {more:?}: {told}"
        );
    };
    let node = ["--node", "sphere:20"];
    let good = "depth_mm,force_n\n1,1\n2,2\n3,4\n";
    case(
        "depth_mm,force_n\n1,1\n2,2\n",
        &node,
        1,
        &["2 points", "3 are needed"],
    );
    case(
        "depth_mm,force_n\n1,1\n2,NaN\n3,z\n",
        &node,
        1,
        &["wrong.csv:3", "wrong.csv:4"],
    );
    case(
        "depth_mm,force_n\n1,3\n2,2\n3,1\n",
        &node,
        1,
        &["force does not grow", "positive"],
    );
    case(
        "depth_mm,force_n\n1,1\n2,2\n28,4\n",
        &node,
        1,
        &["wrong.csv:4", "0.9 of the stack"],
    );
    case(
        "depth_mm,force_n\n1,1\n3,2\n6,4\n5,2\n3,1\n1,0.1\n",
        &node,
        1,
        &["wrong.csv:5", "lines 5 to 7"],
    );
    case(
        "depth_mm,force_kgf\n1,1\n2,2\n3,4\n",
        &node,
        1,
        &["wrong.csv:1", "9.80665"],
    );
    case(good, &[], 1, &["nothing says what was pressed in"]);
    case(
        good,
        &["--node", "sphere:20", "--free", "bone"],
        1,
        &["no layer is called bone", "fat, muscle"],
    );
    case(
        good,
        &["--node", "sphere:20", "--node", "sphere:10"],
        1,
        &["once for each log"],
    );
    case(
        "depth_mm,force_n,node\n1,1,flat:5\n2,2,flat:5\n3,4,flat:5\n",
        &node,
        1,
        &["leave --node out"],
    );
    case(good, &["--node", "cube:20"], 2, &["known shapes"]);
}
