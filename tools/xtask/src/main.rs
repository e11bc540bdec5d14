#![doc = include_str!("../README.md")]

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some((task, rest)) = args.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match (task.as_str(), rest) {
        ("check", []) => run(&check()),
        // What a person reads is one whole: without a filter the validity page is written again too.
        ("golden", []) => run(&[golden(&[]), validity()]),
        ("golden", filter) => run(&[golden(filter)]),
        ("validity", []) => run(&[validity()]),
        ("bench", rest) => run(&[bench(rest)]),
        ("long", filter) => run(&[long(filter)]),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!(
                "xtask: cannot make sense of `{}`\n\n{USAGE}",
                args.join(" ")
            );
            ExitCode::from(2)
        }
    }
}

const USAGE: &str = "\
usage: cargo xtask TASK

  check            what must pass before a change is handed over, and what CI runs:
                   formatting, lints, tests, documentation
  golden [FILTER]  write the golden files again; look at `git diff` before you commit them
                   (without a filter: the validity page too)
  validity         write crates/tissue/VALIDITY.md and its pictures again, from the reference data
  bench [ARGS]     the criterion benches; ARGS go to criterion (`--save-baseline before`)
  long [FILTER]    the tests that are too long for `check` (tests/long)
";

/// One cargo call, as a person would type it.
struct Step {
    name: &'static str,
    env: Vec<(&'static str, &'static str)>,
    args: Vec<String>,
}

/// The four steps of `check`, cheapest first.
///
/// All of them select the whole workspace with what its tests need: with another selection cargo
/// resolves other features for the shared crates and builds most of the viewer's engine again. That
/// is what `--examples`, of which there are none, does in the last step: it makes cargo count the
/// test dependencies, and the documentation then reuses what clippy checked.
fn check() -> Vec<Step> {
    let mut steps = vec![
        Step::new("format", "fmt --all --check"),
        Step::new("lint", "clippy --workspace --all-targets -- -D warnings"),
        Step::new("test", "test --workspace"),
        Step::new(
            "document",
            "doc --workspace --no-deps --lib --bins --examples",
        )
        .with_env("RUSTDOCFLAGS", "-D warnings"),
    ];
    // `--all-targets` leaves out what `cargo test` does not run.
    steps.insert(
        2,
        Step::new(
            "lint page",
            "clippy --workspace --test validity -- -D warnings",
        ),
    );
    if Path::new(ROOT).join("tests/long/main.rs").exists() {
        steps.insert(
            2,
            Step::new("lint long", "clippy --workspace --test long -- -D warnings"),
        );
    }
    steps
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Golden tests compare with files in the tree; with this variable they write them instead.
fn golden(filter: &[String]) -> Step {
    Step::new("golden", "test --workspace --no-fail-fast --")
        .with_env("KNEADLAB_GOLDEN", "write")
        .with_args(filter)
}

/// A target with `test = false` that draws instead of asserting; optimised, since it solves the reference sets several times over.
fn validity() -> Step {
    Step::new(
        "validity",
        "test --release -p kneadlab-workspace --test validity",
    )
}

/// The root package alone: its benches reach every headless crate, and the viewer is not built.
fn bench(rest: &[String]) -> Step {
    Step::new("bench", "bench -p kneadlab-workspace --benches --").with_args(rest)
}

/// `tests/long` is a test target with `test = false`: it is compiled and linted by `check`, and
/// run only when it is named.
fn long(filter: &[String]) -> Step {
    Step::new("long", "test --workspace --test long --").with_args(filter)
}

/// Runs the steps in order and stops at the first that fails.
fn run(steps: &[Step]) -> ExitCode {
    let mut done: Vec<(&str, Duration)> = Vec::new();
    for step in steps {
        eprintln!("\n=== {}: {}", step.name, step.command_line());
        let start = Instant::now();
        let problem = step.run().err();
        let took = start.elapsed();
        if let Some(problem) = problem {
            eprintln!(
                "\n=== {} FAILED after {} ({problem})",
                step.name,
                clock(took)
            );
            eprintln!("    run it alone: {}", step.command_line());
            return ExitCode::FAILURE;
        }
        eprintln!("=== {} ok, {}", step.name, clock(took));
        done.push((step.name, took));
    }
    eprintln!("\n=== all ok");
    for (name, took) in done {
        eprintln!("    {name:10} {:>8}", clock(took));
    }
    ExitCode::SUCCESS
}

impl Step {
    fn new(name: &'static str, words: &str) -> Step {
        Step {
            name,
            env: Vec::new(),
            args: words.split(' ').map(String::from).collect(),
        }
    }

    fn with_env(mut self, key: &'static str, value: &'static str) -> Step {
        self.env.push((key, value));
        self
    }

    fn with_args(mut self, rest: &[String]) -> Step {
        self.args.extend_from_slice(rest);
        self
    }

    fn run(&self) -> Result<(), String> {
        // The cargo that started us, so that `cargo +toolchain xtask` stays on its toolchain.
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let status = Command::new(cargo)
            .args(&self.args)
            .envs(self.env.iter().copied())
            .current_dir(ROOT)
            .status()
            .map_err(|e| format!("cargo did not start: {e}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(status.to_string())
        }
    }

    /// The step as it can be pasted into a shell.
    fn command_line(&self) -> String {
        let mut line = String::new();
        for (key, value) in &self.env {
            line += &format!("{key}='{value}' ");
        }
        line + "cargo " + self.args.join(" ").trim_end_matches(" --")
    }
}

fn clock(time: Duration) -> String {
    let s = time.as_secs_f64();
    if s < 60.0 {
        format!("{s:.1} s")
    } else {
        format!("{} min {:02} s", s as u64 / 60, s as u64 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step that fails tells how to run it alone, with its environment.
    #[test]
    fn command_line_can_be_pasted() {
        let lines: Vec<String> = check().iter().map(Step::command_line).collect();
        assert!(lines.contains(&"cargo test --workspace".to_string()));
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("RUSTDOCFLAGS='-D warnings' cargo doc --workspace"))
        );
        assert_eq!(
            golden(&[]).command_line(),
            "KNEADLAB_GOLDEN='write' cargo test --workspace --no-fail-fast"
        );
    }
}
