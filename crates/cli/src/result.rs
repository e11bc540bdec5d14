//! A tuned result on disk: `tuned.json`, and the study it belongs to as `study.json`.

use ::tune::Tuned;
use anyhow::{Context, bail};
use back::{Classes, People};
use program::Technique;
use scene::{Bodies, Replay, Scene, Stations, Study};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the tuned result.
pub const TUNED: &str = "tuned.json";
/// Name of its study.
pub const STUDY: &str = "study.json";
/// Where an export keeps both.
pub const SOURCE: &str = "source";

/// Reads both from a folder.
pub fn read(folder: &Path) -> anyhow::Result<(Study, Tuned)> {
    if !folder.join(TUNED).is_file() {
        bail!(
            "{}: there is no tuned result\n  hint: give what `kneadlab tune` or `kneadlab export` wrote",
            folder.display()
        );
    }
    let file: StudyFile = json(&folder.join(STUDY))?;
    let study = file.study();
    let tuned: Tuned = json(&folder.join(TUNED))?;
    if study.hash() != tuned.study_hash {
        bail!(
            "{} is not the study of {}: its hash differs",
            folder.join(STUDY).display(),
            folder.join(TUNED).display()
        );
    }
    Ok((study, tuned))
}

/// The folders of an export and of its sources: `out` is what `tune` wrote, or an export.
pub fn find(out: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    if !out.is_dir() {
        bail!("{}: there is no such folder", out.display());
    }
    let export = out.join("export");
    if out.join(TUNED).is_file() && export.is_dir() {
        return Ok((export, out.to_path_buf()));
    }
    let real = fs::canonicalize(out)?;
    for source in [
        out.join(SOURCE),
        real.parent().map(PathBuf::from).unwrap_or_default(),
    ] {
        if source.join(TUNED).is_file() {
            return Ok((out.to_path_buf(), source));
        }
    }
    bail!(
        "{}: there is neither a tuned result nor an export with its source\n  hint: give what `kneadlab tune` or `kneadlab export` wrote",
        out.display()
    )
}

/// The text of `study.json`, made sure to say the same when it is read back.
pub fn study_text(study: &Study) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(&StudyFile::of(study))? + "\n";
    let again: StudyFile = serde_json::from_str(&text)?;
    if again.study().hash() != study.hash() {
        bail!("the study holds a number that JSON cannot hold");
    }
    Ok(text)
}

/// What `tuned.json` keeps: all that export and verify need, without the pictures and rows that the report has shown.
pub fn without_pictures(tuned: &Tuned) -> Tuned {
    let mut plain = Tuned {
        before: None,
        after: None,
        ..tuned.clone()
    };
    for replay in &mut plain.replays {
        replay.rows.clear();
        replay.map.peak_pa.clear();
        replay.map.dose_pa_s.clear();
        (replay.map.rows, replay.map.columns) = (0, 0);
    }
    plain
}

fn json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not what kneadlab wrote", path.display()))
}

/// A study as JSON, its scene in full.
#[derive(Serialize, Deserialize)]
struct StudyFile {
    name: String,
    scene: Scene,
    seed: u64,
    tuning: (usize, u64),
    held_out: (usize, u64),
    stations: (usize, f64, f64),
    bands: [[f64; 2]; 5],
    techniques: Vec<Technique>,
    cap_margin: f64,
    replay_bodies: usize,
    classes: Classes,
    #[serde(default, skip_serializing_if = "is_grouped")]
    people: People,
}

fn is_grouped(people: &People) -> bool {
    *people == People::Grouped
}

impl StudyFile {
    fn of(s: &Study) -> StudyFile {
        StudyFile {
            name: s.name.clone(),
            scene: s.scene.clone(),
            seed: s.seed,
            tuning: (s.tuning.per_class, s.tuning.seed),
            held_out: (s.held_out.per_class, s.held_out.seed),
            stations: (s.stations.count, s.stations.from_u, s.stations.to_u),
            bands: s.bands,
            techniques: s.techniques.clone(),
            cap_margin: s.cap_margin,
            replay_bodies: s.replay.bodies,
            classes: s.classes.clone(),
            people: s.people,
        }
    }

    fn study(self) -> Study {
        let bodies = |(per_class, seed)| Bodies { per_class, seed };
        let (count, from_u, to_u) = self.stations;
        Study {
            name: self.name,
            scene: self.scene,
            seed: self.seed,
            tuning: bodies(self.tuning),
            held_out: bodies(self.held_out),
            stations: Stations {
                count,
                from_u,
                to_u,
            },
            bands: self.bands,
            techniques: self.techniques,
            cap_margin: self.cap_margin,
            replay: Replay {
                bodies: self.replay_bodies,
            },
            classes: self.classes,
            people: self.people,
            lacks: Vec::new(),
            sweep: None,
            comparison: None,
        }
    }
}
