//! Pins the promises of `kneadlab compare`: what it finds in a log that is a run's own, moved; what it tells; exit codes.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

fn kneadlab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kneadlab"))
        .args(args)
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A press and a roll of the slab, simulated once.
fn run() -> &'static Path {
    static RUN: OnceLock<TempDir> = OnceLock::new();
    RUN.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let slab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/checks/slab.toml");
        let output = kneadlab(&[
            "run",
            slab.to_str().unwrap(),
            "-o",
            place.path().join("run").to_str().unwrap(),
            "--set",
            "session.step=[{technique=\"press\",from_u=0.5,to_u=0.5,level=3,hold_s=0.3,spacing_u=0.1},{technique=\"roll\",from_u=0.5,to_u=0.56,level=3,cycles=1}]",
            "--set",
            "timing.press_ramp_s=1",
        ]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        place
    })
    .path()
}

fn run_folder() -> PathBuf {
    run().join("run")
}

/// Compares a log with the run; JSON and what was said.
fn compare(log: &str, more: &[&str]) -> (Value, String) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.csv");
    fs::write(&path, log).unwrap();
    let folder = run_folder();
    let mut args = vec![
        "compare",
        folder.to_str().unwrap(),
        path.to_str().unwrap(),
        "--json",
    ];
    args.extend(more);
    let output = kneadlab(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    (
        serde_json::from_slice(&output.stdout).unwrap(),
        stderr(&output),
    )
}

fn number(value: &Value, path: &str) -> f64 {
    value
        .pointer(path)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("no number at {path} of {value}"))
}

/// The run's own maps with another clock, another origin and 10 % more pressure: 12.5 s, 30 mm and 20 mm are told exactly
/// (they are whole cells and nothing is averaged; numbers in the file have three decimals), the gain to a thousandth. The
/// files of a run and its comparison with itself are the whole way once.
#[test]
fn a_log_made_of_the_run_is_laid_back() {
    let own = fs::read_to_string(run_folder().join("pressure.csv")).unwrap();
    let moved: String = own
        .lines()
        .map(|line| match line.split_once(',') {
            Some((t, cells)) if t.parse::<f64>().is_ok() => {
                let mut cells = cells.split(',');
                let row = cells.next().unwrap();
                let more = cells.map(|p| (1.1 * p.parse::<f64>().unwrap()).to_string());
                let t_s = t.parse::<f64>().unwrap() + 12.5;
                format!("{t_s},{row},{}\n", more.collect::<Vec<_>>().join(","))
            }
            _ if line.starts_with("# first_cell_mm") => String::new(),
            _ => format!("{line}\n"),
        })
        .collect();
    let first_mm: Vec<f64> = own
        .lines()
        .find_map(|l| l.strip_prefix("# first_cell_mm = "))
        .unwrap()
        .split(',')
        .map(|v| v.parse().unwrap())
        .collect();
    let guess = format!("{},{}", first_mm[0] - 30.0, first_mm[1] + 20.0);
    let (found, said) = compare(&moved, &["--first-cell-mm", &guess]);
    let pose = found.pointer("/alignment/pose").unwrap();
    assert!((number(pose, "/shift_s") + 12.5).abs() < 1e-3, "{pose}");
    assert!((number(pose, "/shift_mm/0") - 30.0).abs() < 0.05, "{pose}");
    assert!((number(pose, "/shift_mm/1") + 20.0).abs() < 0.05, "{pose}");
    assert!((number(&found, "/agreement/map/gain") - 1.1).abs() < 1e-3);
    assert!((number(&found, "/agreement/force/gain") - 1.1).abs() < 1e-3);
    assert!(number(&found, "/agreement/map/rms_without_gain_kpa") < 0.05);
    assert_eq!(found["alignment"]["doubtful"], false);
    assert!(!said.contains("note:"), "{said}");
}

/// The log that the chapters show. It was made at 1.62 s, 9 mm and -14 mm from this scene as it was then: a millimetre is the
/// cutting of its cells (a millimetre each) and half that what a change of the contact law may move. Moves have since taken on a limit of jerk, 20
/// to 40 ms each: presses come 0.08 to 0.16 s later than in the log, in the middle 0.12. Its gain is not pinned here:
/// a law that presses harder is to show in it.
#[test]
fn the_shipped_log_is_laid_back() {
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/checks");
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let [scene, log] = ["slab.toml", "slab_mat.csv"].map(|f| scenes.join(f));
    let ran = kneadlab(&[
        "run",
        scene.to_str().unwrap(),
        "-o",
        folder.to_str().unwrap(),
    ]);
    assert_eq!(code(&ran), 0, "{}", stderr(&ran));
    let output = kneadlab(&[
        "compare",
        folder.to_str().unwrap(),
        log.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let pose = found.pointer("/alignment/pose").unwrap();
    assert!((number(pose, "/shift_s") - 1.74).abs() < 0.05, "{pose}");
    assert!((number(pose, "/shift_mm/0") - 9.0).abs() < 1.5, "{pose}");
    assert!((number(pose, "/shift_mm/1") + 14.0).abs() < 1.5, "{pose}");
    assert!(number(&found, "/alignment/correlation") > 0.95);
}

/// Upside down it fits badly, and that is told; told which way it runs, it fits.
#[test]
fn a_mat_the_other_way_round_is_noticed() {
    let own = fs::read_to_string(run_folder().join("pressure.csv")).unwrap();
    let rows: usize = own
        .lines()
        .find_map(|l| l.strip_prefix("# rows = "))
        .unwrap()
        .parse()
        .unwrap();
    let turned: String = own
        .lines()
        .filter(|l| !l.starts_with("# first"))
        .map(|line| {
            let mut fields: Vec<String> = line.split(',').map(String::from).collect();
            if let Some(row) = fields.get(1).and_then(|r| r.parse::<usize>().ok())
                && !line.starts_with('#')
            {
                fields[1] = (rows - 1 - row).to_string();
            }
            fields.join(",") + "\n"
        })
        .collect();
    let (bad, said) = compare(&turned, &[]);
    assert!(
        said.contains("try --row-order up --column-order right"),
        "{said}"
    );
    let (good, said) = compare(&turned, &["--row-order", "up"]);
    assert!(!said.contains("other way"), "{said}");
    let correlation = |v: &Value| number(v, "/alignment/correlation");
    assert!(correlation(&good) > 0.999 && correlation(&bad) < 0.95);
}

/// A motor log of some of the run's rows.
#[test]
fn a_current_log_is_laid_back() {
    let trace = fs::read_to_string(run_folder().join("trace.csv")).unwrap();
    let head: Vec<&str> = trace.lines().next().unwrap().split(',').collect();
    let at = head
        .iter()
        .position(|h| *h == "protrude_current_a")
        .unwrap();
    let mut log = String::from("t_s,protrude_current_a\n");
    for line in trace.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let t_s = fields[0].parse::<f64>().unwrap() - 0.37;
        log += &format!("{t_s:.4},{}\n", fields[at]);
    }
    let (found, _) = compare(&log, &[]);
    // The log's own samples: golden section ends within a thousandth of a step of 20 ms.
    assert!((number(&found, "/alignment/shift_s") - 0.37).abs() < 1e-3);
    let agreement = found.pointer("/motors/0/agreement").unwrap();
    assert!(
        number(agreement, "/correlation") > 0.999
            && (number(agreement, "/gain") - 1.0).abs() < 0.01
    );
    assert!(number(agreement, "/rms_a") < 0.02 * number(agreement, "/rms_run_a"));
}

/// A page and a JSON file, whole; twice the same.
#[test]
fn a_page_is_written_and_the_same_again() {
    let place = tempfile::tempdir().unwrap();
    let folder = run_folder();
    let log = folder.join("pressure.csv");
    let out = place.path().join("out");
    let go = || {
        let output = kneadlab(&[
            "compare",
            folder.to_str().unwrap(),
            log.to_str().unwrap(),
            "-o",
            out.to_str().unwrap(),
        ]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        ["compare.html", "compare.json"].map(|f| fs::read_to_string(out.join(f)).unwrap())
    };
    let (one, two) = (go(), go());
    assert!(one == two);
    assert!(one[0].contains("data:image/png") && !one[0].contains("http://"));
    assert!(one[1].contains("\"correlation\""));
}

#[test]
fn what_cannot_be_compared_is_told_and_is_1() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log.csv");
    let (folder, path) = (run_folder(), log.display().to_string());
    let told = |text: &str, more: &[&str]| {
        fs::write(&log, text).unwrap();
        let mut args = vec!["compare", folder.to_str().unwrap(), &path];
        args.extend(more);
        let output = kneadlab(&args);
        assert_eq!((code(&output), output.stdout.len()), (1, 0), "{text}");
        stderr(&output)
    };
    let mat = "t_s,row,p0,p1\n0,0,1,2\n0.1,0,1,2\n0.2,0,1,2\n";
    assert!(told(mat, &[]).contains("--pitch-mm"));
    assert!(told(mat, &["--pitch-mm", "10"]).contains("its force does not vary"));
    assert!(
        told(mat, &["--pitch-mm", "10", "--tare-s", "7,8"])
            .contains("no frame of the log lies there")
    );
    assert!(
        told("t_s,row,p0\n0,0,-1\n", &["--pitch-mm", "10"]).contains("log.csv:2: error: p0 = -1")
    );
    assert!(told("t_s,walk_current_a\n0,1\n1,1\n", &[]).contains("do not vary"));
    let no_run = kneadlab(&["compare", place.path().to_str().unwrap(), &path]);
    assert_eq!(code(&no_run), 1);
    assert!(stderr(&no_run).contains("holds no run"));
    let missing = kneadlab(&["compare", folder.to_str().unwrap(), "no/such.csv"]);
    assert_eq!(code(&missing), 1);
    for usage in [
        &["--pitch-mm", "0"][..],
        &["--tare-s", "3,1"],
        &["--unit", "stone"],
        &["--threshold-kpa", "0"],
        &["--shift-mm", "4"],
    ] {
        let mut args = vec!["compare", folder.to_str().unwrap(), &path];
        args.extend(usage);
        assert_eq!(code(&kneadlab(&args)), 2, "{usage:?}");
    }
}
