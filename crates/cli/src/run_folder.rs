//! What `kneadlab run` left in its folder, read again.

use crate::mat_log::{self, Geometry, Log, MOTORS};
use crate::run::NODE_NAMES;
use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use sim::Movie;
use std::fs;
use std::path::{Path, PathBuf};
use tune::Signal;

/// A run, as far as it can be compared.
pub struct RunFolder {
    folder: PathBuf,
    /// Its summary.
    pub summary: Summary,
    /// Force of all nodes, N.
    pub force: Signal,
    /// Currents of the motors, in the order of [`MOTORS`], A.
    pub currents: [Signal; 3],
    /// What the session did at each row: technique and phase.
    pub parts: Vec<(String, String)>,
}

/// What is asked of `summary.json`.
#[derive(Deserialize)]
pub struct Summary {
    /// Name of the scene.
    pub scene: String,
    /// Its identity.
    pub scene_hash: String,
    /// Simulated time, s.
    pub duration_s: f64,
}

impl RunFolder {
    /// Reads summary and trace.
    pub fn read(folder: &Path) -> anyhow::Result<RunFolder> {
        let hint = "hint: give the folder that `kneadlab run SCENE -o DIR` wrote";
        let summary = fs::read_to_string(folder.join("summary.json"))
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        let Some(summary) = summary else {
            bail!("{} holds no run\n  {hint}", folder.display());
        };
        let path = folder.join("trace.csv");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}\n  {hint}", path.display()))?;
        let mut run = RunFolder {
            folder: folder.into(),
            summary,
            force: Signal::default(),
            currents: [const {
                Signal {
                    t_s: Vec::new(),
                    values: Vec::new(),
                }
            }; 3],
            parts: Vec::new(),
        };
        run.read_trace(&text).with_context(|| {
            format!(
                "{} is no trace of this version\n  hint: run the scene again",
                path.display()
            )
        })?;
        Ok(run)
    }

    fn read_trace(&mut self, text: &str) -> anyhow::Result<()> {
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| {
            head.iter()
                .position(|h| *h == name)
                .ok_or_else(|| anyhow!("there is no column {name}"))
        };
        let (time, technique, phase) = (column("t_s")?, column("technique")?, column("phase")?);
        let mut forces = [0; 4];
        for (at, node) in forces.iter_mut().zip(NODE_NAMES) {
            *at = column(&format!("{node}_force_n"))?;
        }
        let mut motors = [0; 3];
        for (at, name) in motors.iter_mut().zip(MOTORS) {
            *at = column(name)?;
        }
        for (i, line) in lines.enumerate() {
            let fields: Vec<&str> = line.split(',').collect();
            let field = |at: usize| {
                fields
                    .get(at)
                    .copied()
                    .ok_or_else(|| anyhow!("line {} is cut", i + 2))
            };
            let number = |at: usize| {
                let text = field(at)?;
                text.parse::<f64>()
                    .map_err(|_| anyhow!("line {}: {text:?} is no number", i + 2))
            };
            let t_s = number(time)?;
            let mut force_n = 0.0;
            for at in forces {
                force_n += number(at)?;
            }
            self.force.t_s.push(t_s);
            self.force.values.push(force_n);
            for (signal, at) in self.currents.iter_mut().zip(motors) {
                signal.t_s.push(t_s);
                signal.values.push(number(at)?);
            }
            self.parts
                .push((field(technique)?.into(), field(phase)?.into()));
        }
        if self.parts.is_empty() {
            bail!("it has no row");
        }
        Ok(())
    }

    /// Its pressure maps.
    pub fn maps(&self) -> anyhow::Result<Movie> {
        let path = self.folder.join("pressure.csv");
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read {}\n  hint: this run kept no pressure maps: run the scene again, without --map-hz 0",
                path.display()
            )
        })?;
        match mat_log::read(&text, &path.display().to_string(), &Geometry::default())? {
            Log::Mat(log) => Ok(log.movie),
            Log::Current(_) => bail!("{} holds no pressure", path.display()),
        }
    }

    /// Technique and phase at a time of the run.
    pub fn part(&self, t_s: f64) -> &(String, String) {
        let row = self.force.t_s.partition_point(|t| *t <= t_s);
        &self.parts[row.saturating_sub(1)]
    }
}
