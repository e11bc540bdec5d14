//! `kneadlab check`: every problem of every file.

use crate::input::Sets;
use crate::print;
use crate::talk::{Outcome, say};
use scene::{FileKind, Loaded, Problem, Problems, Severity};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use tune::sweep::Plan;

/// Files to check.
#[derive(clap::Args)]
pub struct Args {
    /// Scenes, studies, mechanisms, rigs, bodies, stacks, techniques
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sets: Sets,
    /// Print the problems as JSON
    #[arg(long)]
    json: bool,
}

/// Checks all of them; problems are told, one line a file is printed.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let reports: Vec<Report> = args
        .paths
        .iter()
        .map(|path| Report::of(path, &args.sets.sets))
        .collect();
    if args.json {
        print::json(&reports)?;
    } else {
        let mut out = print::out();
        for report in &reports {
            report.told.iter().for_each(say);
            writeln!(out, "{}", report.line())?;
        }
        print::finish(out)?;
    }
    Ok(Outcome::good_if(reports.iter().all(|r| r.ok)))
}

#[derive(Serialize)]
struct Report {
    file: String,
    kind: Option<&'static str>,
    ok: bool,
    problems: Vec<Row>,
    #[serde(skip)]
    told: Vec<Problem>,
}

#[derive(Serialize)]
struct Row {
    severity: &'static str,
    file: String,
    line: usize,
    key: String,
    value: String,
    message: String,
    allowed: String,
    hint: Option<String>,
}

impl Report {
    fn of(path: &Path, sets: &[(String, String)]) -> Report {
        let (kind, told) = match checked(path, sets) {
            Ok((kind, warnings)) => (Some(kind.name()), warnings),
            Err(Problems(all)) => (FileKind::of(path).ok().map(|k| k.name()), all),
        };
        Report {
            file: path.display().to_string(),
            kind,
            ok: told.iter().all(|p| p.severity == Severity::Warning),
            problems: told.iter().map(row).collect(),
            told,
        }
    }

    fn line(&self) -> String {
        let count = |s: Severity| self.told.iter().filter(|p| p.severity == s).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let kind = match self.kind {
            Some(kind) => kind,
            None if !Path::new(&self.file).exists() => "not there",
            None => "no kind of ours",
        };
        match (errors, warnings) {
            (0, 0) => format!("{}: {kind}, good", self.file),
            (0, n) => format!("{}: {kind}, good, {}", self.file, plural(n, "warning")),
            (n, 0) => format!("{}: {kind}, {}", self.file, plural(n, "error")),
            (n, m) => format!(
                "{}: {kind}, {}, {}",
                self.file,
                plural(n, "error"),
                plural(m, "warning")
            ),
        }
    }
}

/// The kind of a file, and its warnings; with `sets` laid over it where that can be done.
fn checked(path: &Path, sets: &[(String, String)]) -> Result<(FileKind, Vec<Problem>), Problems> {
    let (kind, warnings) = checked_alone(path, sets)?;
    if kind == FileKind::Study {
        // Which metrics there are, scenes do not know.
        let study = scene::load_sweep(path, sets)?;
        if study.sweep.is_some() {
            Plan::new(&study)?;
        }
    }
    Ok((kind, warnings))
}

fn checked_alone(
    path: &Path,
    sets: &[(String, String)],
) -> Result<(FileKind, Vec<Problem>), Problems> {
    if sets.is_empty() {
        return scene::check_any(path);
    }
    let kind = FileKind::of(path)?;
    match kind {
        FileKind::Scene => scene::load(path, sets).map(|Loaded { warnings, .. }| (kind, warnings)),
        FileKind::Study => scene::load_sweep(path, sets).map(|_| (kind, Vec::new())),
        FileKind::Mechanism => scene::load_mechanism(path, sets).map(|_| (kind, Vec::new())),
        FileKind::RigScene => {
            scene::load_rig_scene(path, sets).map(|loaded| (kind, loaded.warnings))
        }
        FileKind::Rig => scene::load_rig(path, sets).map(|rig| (kind, rig.warnings)),
        FileKind::Stack | FileKind::Body | FileKind::Technique => scene::check_any(path),
    }
}

fn row(p: &Problem) -> Row {
    Row {
        severity: if p.severity == Severity::Error {
            "error"
        } else {
            "warning"
        },
        file: p.file.clone(),
        line: p.line,
        key: p.key.clone(),
        value: p.value.clone(),
        message: p.message.clone(),
        allowed: p.allowed.clone(),
        hint: p.hint.clone(),
    }
}

fn plural(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
