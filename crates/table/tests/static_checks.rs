//! Pins what static checkers say of the exported C: nothing from cppcheck and clang-tidy, and from cppcheck's MISRA addon no rule but
//! those of [`LEFT`], which the chapter lists too. The addon checks a part of MISRA C:2012 and prints rule numbers only: this is
//! "checked with cppcheck's MISRA addon", and nobody may call it MISRA compliant.
//!
//! Without a checker its test says `SKIPPED: ...`, and fails only where `KNEADLAB_REQUIRE` names it. The compilers' own warnings are
//! errors in every test that compiles (`common::WARNINGS`, as C and as C++).

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::{EXPORTED, has, write_export};
use table::{Model, example};

/// Rules of which there are findings, and why they stay.
const LEFT: [(&str, &str); 16] = [
    ("2.2", "a comparison that the addon takes for dead"),
    (
        "2.5",
        "macros that are there for whoever includes the header",
    ),
    ("5.9", "helpers of one name, each static in its own file"),
    ("10.3", "comparisons kept in an int"),
    ("10.4", "a byte beside an unsigned in one choice"),
    ("10.6", "a choice of 0 and 1 kept in more bits"),
    (
        "10.8",
        "a wrapping difference of int32_t read as uint32_t, on purpose",
    ),
    ("11.4", "an offset taken as a difference of addresses"),
    ("11.5", "as 11.4"),
    (
        "11.9",
        "a null pointer written as 0, so that no header of a C library is needed",
    ),
    (
        "12.1",
        "choices and sums without one more pair of parentheses",
    ),
    ("12.2", "shifts of constants in the tables' macros"),
    ("14.4", "an int as a condition"),
    ("15.5", "more than one return in a function"),
    ("17.8", "parameters that are counted down"),
    (
        "18.4",
        "pointer arithmetic with + : the runtime reads bytes at offsets",
    ),
];

/// What else firmware takes of an export with channels.
const MORE: [&str; 2] = ["kneadlab_channel.c", "demo_channels.c"];

/// What an export holds for a PC. It prints, which MISRA does not allow in a product.
const MAINS: [&str; 3] = ["example_main.c", "log_main.c", "selftest_main.c"];

/// With a channel, so that its runtime is exported too.
fn model() -> Model {
    let mut model = example::model(2, 4, 2);
    model.channels = example::channels();
    model.channels.truncate(1);
    model
}

fn cppcheck(dir: &Path, more: &[&str]) -> String {
    let output = Command::new("cppcheck")
        .current_dir(dir)
        .args([
            "--std=c99",
            "--quiet",
            "--enable=warning,style,performance,portability",
        ])
        .args([
            "--inline-suppr",
            "--suppress=missingIncludeSystem",
            "--template={file}:{line}: {id}: {message}",
        ])
        .args(more)
        .args(EXPORTED)
        .args(MORE)
        .output()
        .expect("cppcheck starts");
    assert!(output.status.success(), "cppcheck: {}", output.status);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn cppcheck_finds_nothing_but_the_rules_that_are_left() {
    if !has("cppcheck", "cppcheck") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    write_export(dir.path(), &model());
    let said = cppcheck(dir.path(), &["--addon=misra"]);
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    for line in said.lines().filter(|l| !l.trim().is_empty()) {
        let id = line.split(": ").nth(1).unwrap_or_default();
        match id.strip_prefix("misra-c2012-") {
            Some(rule) => *rules.entry(rule.into()).or_default() += 1,
            None => panic!("cppcheck: {said}"),
        }
    }
    assert!(
        !rules.is_empty(),
        "the addon found nothing at all: did it run? {said}"
    );
    eprintln!("left of cppcheck's MISRA addon: {rules:?}");
    for rule in rules.keys() {
        let known = LEFT.iter().any(|(left, _)| left == rule);
        assert!(known, "rule {rule} is new:\n{said}");
    }
    let chapter = include_str!("../README.md");
    for (rule, why) in LEFT {
        assert!(
            chapter.contains(&format!("| {rule} | {why} |")),
            "the chapter does not list rule {rule}"
        );
    }
}

/// A check that cannot fail is none: a loop that reads beyond its array.
#[test]
fn cppcheck_can_fail() {
    if !has("cppcheck", "cppcheck") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    for name in EXPORTED.into_iter().chain(MORE) {
        std::fs::write(dir.path().join(name), "").expect("written");
    }
    let wrong = "int f(void) { int a[2] = {1, 2}; return a[2]; }\n";
    std::fs::write(dir.path().join("kneadlab_rt.c"), wrong).expect("written");
    let said = cppcheck(dir.path(), &[]);
    assert!(said.contains("arrayIndexOutOfBounds"), "{said}");
}

#[test]
fn clang_tidy_finds_nothing() {
    if !has("clang-tidy", "clang-tidy") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    write_export(dir.path(), &model());
    // Left out: parameters that could be swapped (every C API has them), and products that are widened to size_t, which
    // happens on a PC of 64 bits and not on the processors that this is for.
    let checks = "-*,clang-analyzer-*,bugprone-*,cert-*,performance-*,misc-redundant-expression,\
                  -bugprone-easily-swappable-parameters,-bugprone-implicit-widening-of-multiplication-result";
    let output = Command::new("clang-tidy")
        .current_dir(dir.path())
        .args(["--quiet", "--warnings-as-errors=*"])
        .arg(format!("--checks={checks}"))
        .args(EXPORTED)
        .args(MORE)
        .args(MAINS)
        .args(["--", "-std=c99"])
        .output()
        .expect("clang-tidy starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
