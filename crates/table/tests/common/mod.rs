//! What tests of exported files share: writing them, compilers, and what a test says without one.
#![allow(dead_code)] // each test uses a part

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use table::{Model, Tables, emit, quantise};

/// The static checks that every exported C file passes.
pub const WARNINGS: [&str; 9] = [
    "-std=c99",
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wcast-qual",
    "-Werror",
];

/// What a firmware build takes of an export with the name `demo`.
pub const EXPORTED: [&str; 5] = [
    "kneadlab_rt.c",
    "demo_tables.c",
    "demo_caps.c",
    "demo_fallback.c",
    "demo_selftest.c",
];

/// Writes the export of a model, and the files of `tests/target`.
pub fn write_export(dir: &Path, model: &Model) -> Tables {
    let tables = quantise(model).expect("the example is sound");
    for (name, content) in emit::files(&tables, model) {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/target");
    for entry in std::fs::read_dir(ours).expect("the target's sources") {
        let path = entry.expect("readable").path();
        std::fs::copy(&path, dir.join(path.file_name().expect("a name"))).expect("copied");
    }
    tables
}

/// Whether a program is there. Without it a test is skipped visibly, and fails where `KNEADLAB_REQUIRE`
/// has `word`.
pub fn has(program: &str, word: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    let list = std::env::var("KNEADLAB_REQUIRE").unwrap_or_default();
    assert!(
        there || !list.split(',').any(|w| w == word),
        "KNEADLAB_REQUIRE asks for {word}, but {program} does not start"
    );
    if !there {
        eprintln!("SKIPPED: {program} does not start");
    }
    there
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command, what: &str) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{what} does not start: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {} {said}", output.status);
    output
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("ASCII")
}

/// Compiles an export's files and `sources` with the host's C compiler; `None`, with a message, without one.
pub fn build_pc(dir: &Path, sources: &[&str], flags: &[&str]) -> Option<PathBuf> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    if !has(&compiler, "cc") {
        return None;
    }
    let program = dir.join(format!("pc{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(compiler);
    command.current_dir(dir).args(WARNINGS).args(flags);
    command.args(sources).args(EXPORTED);
    run(command.arg("-o").arg(&program), "the host's compiler");
    Some(program)
}
