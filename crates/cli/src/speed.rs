//! `kneadlab speed`: how fast the simulator is on a scene, on one thread.

use crate::input::{self, Sets};
use crate::print;
use crate::seat::seat;
use crate::talk::{self, Outcome};
use anyhow::bail;
use serde::Serialize;
use sim::STAGES;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The scene.
#[derive(clap::Args)]
pub struct Args {
    /// The scene
    scene: PathBuf,
    #[command(flatten)]
    sets: Sets,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Longer than this it does not run, s of the clock on the wall.
const WALL_MAX: Duration = Duration::from_secs(20);

#[derive(Serialize)]
struct Speed {
    scene: String,
    steps_per_s: f64,
    real_time_factor: f64,
    cells_per_patch: f64,
    /// Share of the time.
    stages: BTreeMap<&'static str, f64>,
    steps: u64,
    simulated_s: f64,
    wall_s: f64,
}

/// Runs the session once and prints.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (scene, envelope, _) = input::scene(&args.scene, &args.sets)?;
    let scene = Arc::new(scene);
    let mut sim = seat(&scene, envelope)?;
    talk::watch_ctrl_c();
    let (mut steps, mut cells, mut patches) = (0u64, 0usize, 0u64);
    let mut stages: BTreeMap<&'static str, f64> =
        STAGES.into_iter().map(|stage| (stage, 0.0)).collect();
    let start = Instant::now();
    let mut lap = start;
    while !sim.is_done() && !talk::stop_asked() && (steps % 64 != 0 || start.elapsed() < WALL_MAX) {
        let frame = sim.step_with(&mut |stage| {
            let now = Instant::now();
            if let Some(total_s) = stages.get_mut(stage) {
                *total_s += (now - lap).as_secs_f64();
            }
            lap = now;
        })?;
        steps += 1;
        for contact in frame.contacts.iter().filter(|c| c.cells > 0) {
            cells += contact.cells;
            patches += 1;
        }
    }
    let wall_s = start.elapsed().as_secs_f64();
    if steps == 0 {
        bail!("the session has no steps");
    }
    let speed = Speed {
        scene: scene.name.clone(),
        steps_per_s: steps as f64 / wall_s,
        real_time_factor: sim.frame().t_s / wall_s,
        cells_per_patch: cells as f64 / patches.max(1) as f64,
        stages: stages
            .into_iter()
            .map(|(stage, total_s)| (stage, total_s / wall_s))
            .collect(),
        steps,
        simulated_s: sim.frame().t_s,
        wall_s,
    };
    if args.json {
        print::json(&speed)?;
    } else {
        let mut out = print::out();
        writeln!(
            out,
            "{}: {:.1} s simulated in {wall_s:.2} s on one thread",
            speed.scene, speed.simulated_s
        )?;
        writeln!(
            out,
            "{:.0} steps/s, {:.1} x real time, {:.0} cells per patch",
            speed.steps_per_s, speed.real_time_factor, speed.cells_per_patch
        )?;
        let shares: Vec<String> = speed
            .stages
            .iter()
            .map(|(stage, share)| format!("{stage} {:.0} %", 100.0 * share))
            .collect();
        writeln!(out, "time by stage: {}", shares.join(", "))?;
        print::finish(out)?;
    }
    Ok(if talk::stop_asked() {
        Outcome::Stopped
    } else {
        Outcome::Good
    })
}
