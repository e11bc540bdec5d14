//! An output folder: it appears whole or not at all, and never over something else.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder in the making, beside the place where it will stand.
pub struct Folder {
    target: PathBuf,
    work: PathBuf,
    marker: Marker,
    finished: bool,
}

/// Says whose result a folder is, and which files belong to it.
#[derive(Serialize, Deserialize)]
struct Marker {
    command: String,
    format: u32,
    files: BTreeSet<String>,
}

const MARKER: &str = "kneadlab.json";
const FORMAT: u32 = 1;

impl Folder {
    /// Makes sure that `target` may be written by `command`, before any work is done.
    pub fn open(target: &Path, command: &str) -> anyhow::Result<Folder> {
        let target = match fs::canonicalize(target) {
            Ok(real) => real,
            Err(_) => std::path::absolute(target)?,
        };
        check_free(&target, command)?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            bail!("{} cannot be an output folder", target.display());
        };
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let work = parent.join(format!(
            ".{}.{}.part",
            name.to_string_lossy(),
            std::process::id()
        ));
        fs::create_dir(&work).with_context(|| format!("cannot make {}", work.display()))?;
        let marker = Marker {
            command: command.into(),
            format: FORMAT,
            files: BTreeSet::new(),
        };
        Ok(Folder {
            target,
            work,
            marker,
            finished: false,
        })
    }

    /// Writes a file; `name` may go through folders, with `/`.
    pub fn write(&mut self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let path = self.work.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        self.marker.files.insert(name.into());
        Ok(())
    }

    /// As indented JSON.
    pub fn write_json(&mut self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.write(name, text)
    }

    /// Moves the folder to its place; an earlier result of the same command gives way.
    pub fn finish(mut self) -> anyhow::Result<PathBuf> {
        let marker = serde_json::to_string_pretty(&self.marker)?;
        fs::write(self.work.join(MARKER), marker + "\n")?;
        check_free(&self.target, &self.marker.command)?;
        let place = || format!("cannot write {}", self.target.display());
        if self.target.exists() {
            let old = self.work.with_extension("old");
            fs::rename(&self.target, &old).with_context(place)?;
            fs::rename(&self.work, &self.target).with_context(place)?;
            fs::remove_dir_all(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        } else {
            fs::rename(&self.work, &self.target).with_context(place)?;
        }
        self.finished = true;
        Ok(self.target.clone())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing of ours stays behind; if it cannot be removed there is nobody to tell.
            let _ = fs::remove_dir_all(&self.work);
        }
    }
}

/// Free: absent, empty, or an earlier result of the same command and nothing else.
fn check_free(target: &Path, command: &str) -> anyhow::Result<()> {
    let hint = "hint: choose another folder, or remove it yourself";
    if !target.exists() {
        return Ok(());
    }
    if !target.is_dir() {
        bail!(
            "{} is a file and is left as it is\n  {hint}",
            target.display()
        );
    }
    let mut present = BTreeSet::new();
    list(target, "", &mut present).with_context(|| format!("cannot read {}", target.display()))?;
    if present.is_empty() {
        return Ok(());
    }
    let marker = fs::read_to_string(target.join(MARKER))
        .ok()
        .and_then(|t| serde_json::from_str::<Marker>(&t).ok());
    match marker {
        Some(marker) if marker.command == command => {
            let foreign = present
                .iter()
                .find(|f| *f != MARKER && !marker.files.contains(*f));
            if let Some(foreign) = foreign {
                bail!(
                    "{} also holds {foreign}, which is not of this result, and is left as it is\n  {hint}",
                    target.display()
                );
            }
            Ok(())
        }
        Some(marker) => bail!(
            "{} holds a result of `{}` and is left as it is\n  {hint}",
            target.display(),
            marker.command
        ),
        None => bail!(
            "{} holds something else and is left as it is\n  {hint}",
            target.display()
        ),
    }
}

/// Every file under a folder, as `a/b`; an empty folder counts as `a/`.
fn list(folder: &Path, under: &str, files: &mut BTreeSet<String>) -> std::io::Result<()> {
    let before = files.len();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{under}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name);
        }
    }
    if files.len() == before && !under.is_empty() {
        files.insert(under.into());
    }
    Ok(())
}
