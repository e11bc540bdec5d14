//! The folder of a sweep: which file lies where, and whose it is.
//!
//! ```text
//! manifest.json                       program, plan, seed: written first
//! study.toml                          as it was given
//! resolved.toml                       the same with every file it names put in its place
//! files/                              meshes and scans that it still names
//! plan.lock.json                      what comes of it: sizes, columns, hashes
//! journal/<start>-<end>.<host>-<pid>.log
//! shards/<plan>-<start>-<end>.parquet published whole, never edited
//! failures.jsonl  run_info.json       for people: clock, host, backtraces
//! results.parquet points.parquet summary.json    merged
//! ```

use super::journal;
use super::lock::Lock;
use crate::input;
use anyhow::{Context, bail};
use scene::{Kept, SweepStudy};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tune::sweep::{Known, Plan};

/// Name of the merged samples.
pub const RESULTS: &str = "results.parquet";
/// Name of the merged points.
pub const POINTS: &str = "points.parquet";
/// Name of what was found.
pub const SUMMARY: &str = "summary.json";
/// Name of the failures.
pub const FAILURES: &str = "failures.jsonl";
/// Name of clock and machine.
pub const RUN_INFO: &str = "run_info.json";
const MANIFEST: &str = "manifest.json";
const LOCK: &str = "plan.lock.json";
const STUDY: &str = "study.toml";
const RESOLVED: &str = "resolved.toml";

/// What made the files of a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// `sweep`.
    pub command: String,
    /// Of the folder.
    pub format: u32,
    /// Of the program.
    pub version: String,
    /// Identity of the program: blake3 of its file.
    pub program: String,
    /// Identity of the plan's samples.
    pub plan_hash: String,
    /// Identity of the scene.
    pub scene_hash: String,
    /// Root of everything random.
    pub seed: u64,
    /// Where random numbers come from.
    pub random: String,
    /// What a sample's number means.
    pub sample_id: String,
}

impl Manifest {
    /// Of this program and a plan.
    pub fn of(plan: &Plan) -> Manifest {
        Manifest {
            command: "sweep".into(),
            format: 1,
            version: env!("CARGO_PKG_VERSION").into(),
            program: program(),
            plan_hash: plan.hash.clone(),
            scene_hash: plan.scene_hash.clone(),
            seed: plan.seed,
            random: "SplitMix64 over (seed, what for, axis, number)".into(),
            sample_id: format!("point * {} + body * condition lists + list", plan.cases()),
        }
    }
}

fn program() -> String {
    let bytes = std::env::current_exe().and_then(fs::read);
    bytes.map_or_else(
        |_| "unknown".into(),
        |bytes| blake3::hash(&bytes).to_hex()[..16].to_string(),
    )
}

/// The folder of a sweep.
pub struct Place {
    /// Where it is.
    pub root: PathBuf,
    /// What made it.
    pub manifest: Manifest,
}

/// A published file of samples.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// First sample.
    pub start: u64,
    /// Behind the last sample.
    pub end: u64,
    /// Whether it holds single samples of the range that were computed again.
    pub again: bool,
    /// The file.
    pub path: PathBuf,
}

impl Place {
    /// Opens or makes the folder for a plan. One that holds another plan or was made by another program is refused, unless
    /// `mismatch` allows it.
    pub fn open(root: &Path, plan: &Plan, study: &Texts, mismatch: bool) -> anyhow::Result<Place> {
        let place = Place::look(root, plan, mismatch)?;
        for folder in ["journal", "shards"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        // Before the text that names them.
        for file in &study.files {
            place.put(&file.name, input::kept(file)?)?;
        }
        let manifest = pretty(&place.manifest)?;
        let lock = Lock::of(plan).with_parts(place.parts(plan)).text()?;
        for (name, text) in [
            (MANIFEST, manifest.as_str()),
            (STUDY, &study.given),
            (RESOLVED, &study.resolved),
            (LOCK, &lock),
        ] {
            place.put(name, text)?;
        }
        Ok(place)
    }

    /// As [`Place::open`], but nothing is written: it may not be there yet.
    pub fn look(root: &Path, plan: &Plan, mismatch: bool) -> anyhow::Result<Place> {
        let lock_text = Lock::of(plan).text()?;
        let place = Place {
            root: root.into(),
            manifest: Manifest::of(plan),
        };
        let old: Option<Manifest> = read_json(&root.join(MANIFEST))?;
        match old {
            None => refuse_foreign(root)?,
            Some(old) => {
                if old.command != "sweep" || old.format != place.manifest.format {
                    bail!(
                        "{} holds a result of another command or an older format",
                        root.display()
                    );
                }
                place.compare(&old, &lock_text, mismatch)?;
            }
        }
        Ok(place)
    }

    /// How many parts the lock cuts this plan into, where `submit` has said so.
    pub fn parts(&self, plan: &Plan) -> Option<u64> {
        let lock = fs::read_to_string(self.root.join(LOCK)).ok()?;
        super::lock::parts(&lock, plan)
    }

    /// Writes into the lock how many parts there are.
    pub fn cut(&self, plan: &Plan, parts: u64) -> anyhow::Result<()> {
        self.put(LOCK, &Lock::of(plan).with_parts(Some(parts)).text()?)
    }

    /// Reads the folder of a sweep, and its plan from it.
    pub fn read(root: &Path) -> anyhow::Result<(Place, SweepStudy)> {
        let hint = "hint: give the folder that `kneadlab sweep STUDY -o DIR` wrote";
        let manifest: Option<Manifest> = read_json(&root.join(MANIFEST))?;
        let Some(manifest) = manifest.filter(|m| m.command == "sweep") else {
            bail!("{} holds no sweep\n  {hint}", root.display());
        };
        let study = scene::load_sweep(&root.join(RESOLVED), &[])?;
        let place = Place {
            root: root.into(),
            manifest,
        };
        Ok((place, study))
    }

    /// The texts of its study.
    pub fn texts(&self) -> anyhow::Result<Texts> {
        let path = self.root.join(STUDY);
        Texts::of(&path, &self.root.join(RESOLVED), &[])
    }

    fn compare(&self, old: &Manifest, lock: &str, mismatch: bool) -> anyhow::Result<()> {
        let mut changed = Vec::new();
        if old.plan_hash != self.manifest.plan_hash {
            let old_lock = fs::read_to_string(self.root.join(LOCK)).unwrap_or_default();
            changed.push("the plan is another one:".to_string());
            changed.extend(super::lock::differences(&old_lock, lock));
        }
        if old.version != self.manifest.version {
            changed.push(format!(
                "the program is another one: version {} then, {} now",
                old.version, self.manifest.version
            ));
        } else if old.program != self.manifest.program {
            changed.push(format!(
                "the program is another one: build {} then, {} now",
                old.program, self.manifest.program
            ));
        }
        if changed.is_empty() {
            return Ok(());
        }
        if mismatch {
            crate::talk::say(format_args!(
                "warning: {}: {}",
                self.root.display(),
                changed.join("\n  ")
            ));
            return Ok(());
        }
        bail!(
            "{} is not resumed: {}\n  hint: take another folder; or --allow-mismatch: samples of the same plan are kept as \
             they are, those of another plan stay beside and do not count",
            self.root.display(),
            changed.join("\n  ")
        )
    }

    /// Writes a small file whole, unless it already says the same.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let path = self.root.join(name);
        let content = content.as_ref();
        if fs::read(&path).is_ok_and(|old| old == content) {
            return Ok(());
        }
        let (folder, own) = name.rsplit_once('/').unwrap_or(("", name));
        let folder = self.root.join(folder);
        let work = folder.join(format!(".{own}.{}-{}.part", host(), std::process::id()));
        let written = fs::create_dir_all(&folder)
            .and_then(|()| File::create(&work))
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&work, &path));
        if let Err(e) = written {
            let _ = fs::remove_file(&work);
            return Err(journal::cannot_write(&path, &e));
        }
        sync_folder(&path);
        Ok(())
    }

    /// Where a lot is published.
    pub fn shard_path(&self, lot: &Range<u64>) -> PathBuf {
        self.root.join("shards").join(format!(
            "{}-{}-{}.parquet",
            &self.manifest.plan_hash[..16],
            lot.start,
            lot.end
        ))
    }

    /// Where samples are published that were computed again: named by their content.
    pub fn again_path(&self, range: &Range<u64>, content: &str) -> PathBuf {
        self.root.join("shards").join(format!(
            "{}-{}-{}-again-{}.parquet",
            &self.manifest.plan_hash[..16],
            range.start,
            range.end,
            &content[..8]
        ))
    }

    /// Its published files, by first sample.
    pub fn shards(&self) -> anyhow::Result<Vec<Shard>> {
        let mut all = Vec::new();
        for path in files(&self.root.join("shards"))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let Some(rest) = name
                .strip_suffix(".parquet")
                .and_then(|n| n.strip_prefix(&self.manifest.plan_hash[..16]))
                .and_then(|n| n.strip_prefix('-'))
            else {
                continue;
            };
            let mut words = rest.split('-');
            let mut number = || words.next().and_then(|w| w.parse::<u64>().ok());
            if let (Some(start), Some(end)) = (number(), number()) {
                all.push(Shard {
                    start,
                    end,
                    again: words.next().is_some(),
                    path: path.clone(),
                });
            }
        }
        all.sort();
        Ok(all)
    }

    /// Its journals and their ranges, by name.
    pub fn journals(&self) -> anyhow::Result<Vec<(Range<u64>, PathBuf)>> {
        let named = files(&self.journal_folder())?
            .into_iter()
            .filter_map(|path| {
                let range = journal::range_of(&path.file_name()?.to_string_lossy())?;
                Some((range, path))
            });
        Ok(named.collect())
    }

    /// Where journals lie.
    pub fn journal_folder(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Where journals of samples lie that are computed again.
    pub fn again_folder(&self) -> PathBuf {
        self.root.join("journal/again")
    }

    /// Where journals of held-out bodies lie.
    pub fn held_out_folder(&self) -> PathBuf {
        self.root.join("journal/held_out")
    }

    /// What the journals in a folder know of a range. Told: how many lines were torn.
    pub fn known(&self, folder: &Path, range: &Range<u64>) -> anyhow::Result<(Known, usize)> {
        let (mut known, mut torn) = (Known::default(), 0);
        for path in files(folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let overlaps = journal::range_of(&name)
                .is_some_and(|r| r.start < range.end && range.start < r.end);
            if !overlaps {
                continue;
            }
            let Some(found) = journal::read(&path, &self.manifest.plan_hash)? else {
                continue;
            };
            torn += found.torn;
            for record in found.records {
                if range.contains(&record.sample) {
                    known.add(record)?;
                }
            }
        }
        Ok((known, torn))
    }

    /// What of a range is not published.
    pub fn unpublished(&self, range: &Range<u64>) -> anyhow::Result<Vec<Range<u64>>> {
        let mut open = Vec::new();
        let mut at = range.start;
        for shard in self.shards()?.iter().filter(|s| !s.again) {
            if shard.end <= at || shard.start >= range.end {
                continue;
            }
            if shard.start > at {
                open.push(at..shard.start);
            }
            at = at.max(shard.end);
        }
        if at < range.end {
            open.push(at..range.end);
        }
        Ok(open)
    }

    /// Takes away what killed workers of this machine left half written.
    pub fn sweep_up(&self) -> anyhow::Result<()> {
        if !Path::new("/proc/self").exists() {
            // It cannot be told who is alive.
            return Ok(());
        }
        let ours = format!(".{}-", host());
        let folders = [
            self.root.clone(),
            self.root.join("shards"),
            self.root.join("files"),
        ];
        for folder in folders.iter().filter(|folder| folder.exists()) {
            for path in files(folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let worker = name
                    .strip_suffix(".part")
                    .and_then(|n| n.rsplit_once(&ours))
                    .map(|(_, pid)| pid);
                if worker.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                    let _ = fs::remove_file(path);
                }
            }
        }
        Ok(())
    }

    /// Takes away journals whose samples are all published.
    pub fn tidy(&self) -> anyhow::Result<()> {
        for (range, path) in self.journals()? {
            if self.unpublished(&range)?.is_empty() {
                // Another worker may have been faster.
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

/// A study as it was given, and as one text.
pub struct Texts {
    /// The file.
    pub given: String,
    /// With every file that it names in its place.
    pub resolved: String,
    /// Files that it still names: meshes and scans.
    pub files: Vec<Kept>,
}

impl Texts {
    /// Of the study as it was given, and of a file from which the whole of it is read.
    pub fn of(given: &Path, whole: &Path, sets: &[(String, String)]) -> anyhow::Result<Texts> {
        let resolved = scene::whole_study(whole, sets)?;
        Ok(Texts {
            given: fs::read_to_string(given)
                .with_context(|| format!("cannot read {}", given.display()))?,
            resolved: resolved.text,
            files: resolved.files,
        })
    }
}

/// As indented JSON with a line end.
pub fn pretty(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// `None` if there is no such file.
pub fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> anyhow::Result<Option<T>> {
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} cannot be read", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// A folder without a manifest must be empty: nothing of somebody else's is mixed up.
fn refuse_foreign(root: &Path) -> anyhow::Result<()> {
    if root.is_file() {
        bail!("{} is a file and is left as it is", root.display());
    }
    let foreign = fs::read_dir(root)
        .into_iter()
        .flatten()
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        // What an unfinished start of ours leaves.
        .find(|name| !(name.ends_with(".part") || name == "journal" || name == "shards"));
    match foreign {
        None => Ok(()),
        Some(name) => bail!(
            "{} holds something else ({name}) and is left as it is\n  hint: choose another folder, or remove it yourself",
            root.display()
        ),
    }
}

/// Files of a folder by name; none if there is no such folder.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    all.push(entry.path());
                }
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(e).with_context(|| format!("cannot read {}", folder.display())),
    }
    all.sort();
    Ok(all)
}

/// Brings a new name to the disk, where the system can.
pub fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// The machine's name, as far as a file name can hold it.
pub fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let name: String = name.trim().chars().filter(plain).take(32).collect();
    if name.is_empty() { "host".into() } else { name }
}
