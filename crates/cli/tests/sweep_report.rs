//! Pins: a sweep leaves one page that stands for itself, the same bytes for any threads and any cut into shards; what is missing
//! or failed is named in it; its CSV files hold what it draws.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn kneadlab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kneadlab"))
        .args(args)
        .output()
        .unwrap()
}

fn study(folder: &Path) -> String {
    let path = folder.join("study.toml");
    let text = r#"
        name = "two <ways>"
        scene = "builtin:chair"
        seed = 3
        [sweep]
        model = "expression"
        samples = 256
        vary = [
            { path = "x", from = 0, to = 1 },
            { path = "y", from = 1, to = 100, scale = "log" },
            { path = "way", values = ["up", "down"] },
        ]
        objective = [
            { metric = "x + 0.1 * ln(y - 1.02) + 0.001 * age_yr", name = "near", over = "worst" },
            { metric = "(1 - x)^2 + stature_mm / 10000", name = "far" },
        ]
        limit = [{ metric = "x + bmi_kg_m2 / 1000", name = "sum", at_most = 0.9 }]
        population = { bodies = 3, seed = 5, held_out_bodies = 20, held_out_seed = 6 }
    "#;
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_file())
        .map(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&p).unwrap())
        })
        .filter(|(name, _)| name == "report.html" || name.starts_with("plot_"))
        .collect();
    all.sort();
    all
}

#[test]
fn a_page_that_stands_for_itself_and_is_the_same_for_any_cut() {
    let bench = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { bench.path().join(name) };
    let text = |name: &str| path(name).display().to_string();
    let study = study(bench.path());
    kneadlab(&["sweep", &study, "-o", &text("one"), "--jobs", "1"]);
    kneadlab(&["sweep", &study, "-o", &text("two"), "--jobs", "2"]);
    for shard in ["0/3", "2/3"] {
        kneadlab(&["sweep", &study, "-o", &text("cut"), "--shard", shard]);
    }
    // A third is missing, and the page says which.
    kneadlab(&["merge", &text("cut"), "-o", &text("cut")]);
    let part = fs::read_to_string(path("cut/report.html")).unwrap();
    assert!(
        part.contains("Missing: samples 255 to 509. kneadlab resume"),
        "the missing third"
    );
    let output = kneadlab(&["resume", &text("cut")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let one = files(&path("one"));
    assert_eq!(one.len(), 7, "{said}");
    assert!(
        one == files(&path("two")) && one == files(&path("cut")),
        "bytes differ"
    );

    let page = fs::read_to_string(path("one/report.html")).unwrap();
    for words in [
        "two &lt;ways&gt;",
        "What was swept",
        "Trade-off",
        "How the best came about",
        "All points at once",
        "What each variable does",
        "What matters",
        "What acts together",
        "On bodies that nobody chose on",
        // ln of a negative number: failed, with its sample and why.
        "What is not there",
        "near is NaN",
    ] {
        assert!(page.contains(words), "{words:?}");
    }
    assert!(!page.contains("Missing: samples"));
    // Nothing is loaded from elsewhere.
    for outside in ["http", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.len() < 1 << 20, "{}", page.len());
    // Every complete point is a line that can be brushed, and a row of the CSV beside; some fail.
    let rows = fs::read_to_string(path("one/plot_points.csv")).unwrap();
    let lines = page.matches("data-h=").count();
    assert_eq!(lines, rows.lines().count() - 1);
    assert!((200..256).contains(&lines), "{lines}");
    // The chosen one and the front are those of the summary.
    let summary: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path("one/summary.json")).unwrap()).unwrap();
    let front = fs::read_to_string(path("one/plot_front.csv")).unwrap();
    let front: BTreeSet<u64> = front
        .lines()
        .skip(1)
        .filter(|l| l.ends_with(",front"))
        .map(|l| l.split(',').next().unwrap().parse().unwrap())
        .collect();
    let listed = summary["front"].as_array().unwrap().iter();
    let listed: BTreeSet<u64> = listed.map(|f| f["point"].as_u64().unwrap()).collect();
    assert_eq!(front, listed);
    assert!(page.contains(&format!("chosen point {}", summary["chosen"]["point"])));
    // 0 of 20 bounds the share by 1 - 0.05^(1/20) = 13.9 %.
    assert!(page.contains("No limit is passed on 20 held-out bodies"));
    assert!(page.contains("13.9 %"));
}

#[test]
fn the_best_the_median_and_the_worst_are_pictured() {
    let bench = tempfile::tempdir().unwrap();
    let out = bench.path().join("out");
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
    let study = scenes.join("studies/tilt_sweep.toml").display().to_string();
    let sets = ["sweep.samples=3", "sweep.population.bodies=1"];
    let output = kneadlab(&[
        "sweep",
        &study,
        "-o",
        &out.display().to_string(),
        "--set",
        sets[0],
        "--set",
        sets[1],
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 3);
    for words in ["best, point", "median, point", "worst, point"] {
        assert!(page.contains(words), "{words}");
    }
}
