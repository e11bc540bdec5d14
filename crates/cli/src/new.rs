//! `kneadlab new`: a commented file that runs.

use crate::print;
use crate::talk::{Outcome, say};
use anyhow::{Context, bail};
use clap::ValueEnum;
use scene::FileKind;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// What to write, and its name.
#[derive(clap::Args)]
pub struct Args {
    /// What to write
    kind: Kind,
    /// Its name; the file is NAME.toml
    name: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Scene,
    RigScene,
    Mechanism,
    Rig,
    Study,
    Technique,
}

/// Writes the file, never over another.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (kind, then) = match args.kind {
        Kind::Scene => (FileKind::Scene, "run"),
        Kind::RigScene => (FileKind::RigScene, "run"),
        Kind::Mechanism => (FileKind::Mechanism, "check"),
        Kind::Rig => (FileKind::Rig, "check"),
        Kind::Study => (FileKind::Study, "tune"),
        Kind::Technique => (FileKind::Technique, "check"),
    };
    let path = format!(
        "{}.toml",
        args.name.strip_suffix(".toml").unwrap_or(&args.name)
    );
    let title = Path::new(&path)
        .file_stem()
        .and_then(|s| s.to_str())
        .unwrap_or_default();
    if title.is_empty() || title.starts_with('.') {
        bail!("{:?} is no name for a file", args.name);
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{path} is already there and is left as it is\n  hint: choose another name")
        }
        Err(e) => return Err(e).with_context(|| format!("cannot write {path}")),
    };
    file.write_all(scene::template(kind, title).as_bytes())
        .with_context(|| format!("cannot write {path}"))?;
    let output = if then == "check" {
        String::new()
    } else {
        format!(" -o out/{title}")
    };
    say(format_args!("next: kneadlab {then} {path}{output}"));
    let mut out = print::out();
    writeln!(out, "{path}")?;
    print::finish(out)?;
    Ok(Outcome::Good)
}
