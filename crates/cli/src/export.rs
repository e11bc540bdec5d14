//! `kneadlab export`: tables again from a tuned result, or the difference of two exports.

use crate::folder::Folder;
use crate::talk::{Outcome, say};
use crate::{model, print, result, tune};
use ::tune::Tuned;
use anyhow::{Context, bail};
use back::NOTICE;
use scene::Study;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use table::Tables;

/// A tuned result and where its tables go, or two exports.
#[derive(clap::Args)]
pub struct Args {
    /// What `kneadlab tune` or `kneadlab export` wrote
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
    /// Render this template over the tables into OUT/vendor/, as its name without .j2; repeatable
    #[arg(long, value_name = "FILE", conflicts_with = "diff")]
    template: Vec<PathBuf>,
    /// Tell two exports apart, in units: raised caps first
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    diff: Vec<PathBuf>,
    /// Print the whole difference as JSON, cell by cell
    #[arg(long, requires = "diff")]
    json: bool,
}

/// Writes the tables, or prints the difference.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    match (args.diff.as_slice(), &args.dir, &args.output) {
        ([old, new], _, _) => diff(old, new, args.json),
        (_, Some(dir), Some(output)) => export(dir, output, &args.template),
        _ => bail!("give a tuned result and -o OUT, or --diff OLD NEW"),
    }
}

/// A result that was edited by hand is checked again.
fn export(dir: &Path, output: &Path, templates: &[PathBuf]) -> anyhow::Result<Outcome> {
    // An export carries its source, so it can be written again too.
    let inside = dir.join(result::SOURCE);
    let dir = match dir.join(result::TUNED).is_file() || !inside.is_dir() {
        true => dir,
        false => &inside,
    };
    let (study, tuned) = result::read(dir)?;
    for note in model::notes(&study, &tuned)? {
        say(format_args!("note: {note}"));
    }
    let violations = tuned.check();
    if !violations.is_empty() {
        bail!(
            "{} passes limits and is not exported:{}",
            dir.join(result::TUNED).display(),
            tune::lines(&violations)
        );
    }
    let mut files = model::files(&study, &tuned)?;
    files.extend(vendor(&study, &tuned, templates)?);
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
    say(NOTICE);
    Ok(Outcome::Good)
}

/// The customer's own files, by his templates.
fn vendor(
    study: &Study,
    tuned: &Tuned,
    templates: &[PathBuf],
) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    if templates.is_empty() {
        return Ok(Vec::new());
    }
    let (model, tables) = model::tables(study, tuned)?;
    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    for path in templates {
        let file = path.display().to_string();
        let name = path.file_name().and_then(|n| n.to_str());
        let Some(name) = name
            .and_then(|n| n.strip_suffix(".j2"))
            .filter(|n| !n.is_empty())
        else {
            bail!(
                "{file}: a template's name ends in .j2, and what is before it becomes the name in vendor/\n  hint: steps.c.j2 gives vendor/steps.c"
            );
        };
        let name = format!("vendor/{name}");
        if out.iter().any(|(other, _)| *other == name) {
            bail!("{file}: two templates would write {name}");
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let rendered = table::vendor::render(&tables, &model, &file, &text)?;
        out.push((name, rendered.into_bytes()));
    }
    Ok(out)
}

/// One line a change; none where the tables are the same.
fn diff(old: &Path, new: &Path, json: bool) -> anyhow::Result<Outcome> {
    let (old, new) = (tables(old)?, tables(new)?);
    let difference = table::diff(&old, &new);
    if json {
        print::json(&difference)?;
        return Ok(Outcome::Good);
    }
    let mut out = print::out();
    for line in difference.lines() {
        writeln!(out, "{line}")?;
    }
    print::finish(out)?;
    say(NOTICE);
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
