//! Pins: the queries that the README shows run over a sweep's files, in DuckDB and in polars, and both say the same. Without them in
//! python3 it says so, and fails only where `KNEADLAB_REQUIRE` names `duckdb`.

use std::path::Path;
use std::process::Command;

#[test]
fn val_the_readmes_queries_run() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let there = Command::new("python3")
        .args(["-c", "import duckdb, polars"])
        .output();
    if !there.is_ok_and(|o| o.status.success()) {
        let required = std::env::var("KNEADLAB_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("duckdb"),
            "KNEADLAB_REQUIRE asks for duckdb, but python3 has no duckdb and polars"
        );
        eprintln!("SKIPPED: python3 has no duckdb and polars (pip install duckdb polars)");
        return;
    }
    let bench = tempfile::tempdir().unwrap();
    let study = here.join("../../scenes/studies/tilt_sweep.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_kneadlab"))
        .arg("sweep")
        .arg(&study)
        .arg("-o")
        .arg(bench.path().join("out"))
        .args([
            "--set",
            "sweep.samples=4",
            "--set",
            "sweep.population.bodies=2",
        ])
        .output()
        .unwrap();
    assert!(
        bench.path().join("out/results.parquet").exists(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = Command::new("python3")
        .arg(here.join("tests/queries.py"))
        .arg(here.join("README.md"))
        .arg(bench.path().join("out"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
