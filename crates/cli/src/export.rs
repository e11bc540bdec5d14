//! `kneadlab export`: tables again from a tuned result, or the difference of two exports.

use crate::folder::Folder;
use crate::talk::Outcome;
use crate::{model, print, result, tune};
use anyhow::{Context, bail};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use table::Tables;

/// A tuned result and where its tables go, or two exports.
#[derive(clap::Args)]
pub struct Args {
    /// What `kneadlab tune` wrote
    #[arg(required_unless_present = "diff", conflicts_with = "diff")]
    dir: Option<PathBuf>,
    /// Folder for the tables
    #[arg(
        short,
        long,
        value_name = "OUT",
        required_unless_present = "diff",
        conflicts_with = "diff"
    )]
    output: Option<PathBuf>,
    /// Tell two exports apart, in units
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    diff: Vec<PathBuf>,
}

/// Writes the tables, or prints the difference.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    match (args.diff.as_slice(), &args.dir, &args.output) {
        ([old, new], _, _) => diff(old, new),
        (_, Some(dir), Some(output)) => export(dir, output),
        _ => bail!("give a tuned result and -o OUT, or --diff OLD NEW"),
    }
}

/// A result that was edited by hand is checked again.
fn export(dir: &Path, output: &Path) -> anyhow::Result<Outcome> {
    let (study, tuned) = result::read(dir)?;
    let violations = tuned.check();
    if !violations.is_empty() {
        bail!(
            "{} passes limits and is not exported:{}",
            dir.join(result::TUNED).display(),
            tune::lines(&violations)
        );
    }
    let files = model::files(&study, &tuned)?;
    let mut folder = Folder::open(output, "export")?;
    let mut names = Vec::new();
    for (name, content) in files {
        folder.write(&name, content)?;
        names.push(name);
    }
    for name in [result::TUNED, result::STUDY] {
        let content = fs::read(dir.join(name))
            .with_context(|| format!("cannot read {}", dir.join(name).display()))?;
        folder.write(&format!("{}/{name}", result::SOURCE), content)?;
    }
    folder.finish()?;
    let mut out = print::out();
    for name in names {
        writeln!(out, "{}", output.join(name).display())?;
    }
    print::finish(out)?;
    Ok(Outcome::Good)
}

/// One line a change; none where the tables are the same.
fn diff(old: &Path, new: &Path) -> anyhow::Result<Outcome> {
    let (old, new) = (tables(old)?, tables(new)?);
    let mut out = print::out();
    for line in table::diff(&old, &new) {
        writeln!(out, "{line}")?;
    }
    print::finish(out)?;
    Ok(Outcome::Good)
}

/// The tables of an export, of a tuned result, or of a `.bin`.
pub fn tables(path: &Path) -> anyhow::Result<Tables> {
    let bin = if path.is_file() {
        path.to_path_buf()
    } else {
        bin(path)?
    };
    let bytes = fs::read(&bin).with_context(|| format!("cannot read {}", bin.display()))?;
    table::read::blob(&bytes).with_context(|| bin.display().to_string())
}

/// The one `.bin` of a folder.
fn bin(folder: &Path) -> anyhow::Result<PathBuf> {
    let inner = folder.join("export");
    let folder = if inner.is_dir() { &inner } else { folder };
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "bin"))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(bin), true) => Ok(bin),
        (None, _) => bail!("{}: there is no .bin of exported tables", folder.display()),
        _ => bail!("{}: there is more than one .bin", folder.display()),
    }
}
