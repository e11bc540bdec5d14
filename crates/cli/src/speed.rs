//! `kneadlab speed`: how fast the simulator is on a scene, on one thread.
//!
//! A scene in which hardly a node touches times an idle machine, so it is refused: see [`TOUCHING_MIN`].

use crate::input::{self, Sets};
use crate::print;
use crate::talk::{self, Outcome};
use anyhow::bail;
use serde::Serialize;
use sim::{Bed, Contact, Fault, RigSim, STAGES, Sim};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tune::seat::{seat, seat_at_rig};

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

/// Force from which a node touches, N: one that brushes the cover with less costs next to nothing.
const TOUCH_N: f64 = 0.5;

/// Share of nodes that must touch, averaged over the steps done (all steps are equally long, so over simulated time),
/// ramps and travel included.
const TOUCHING_MIN: f64 = 0.5;

/// The same of a rig.
const RIG_TOUCHING_MIN: f64 = 0.2;

#[derive(Serialize)]
struct Speed {
    scene: String,
    steps_per_s: f64,
    real_time_factor: f64,
    cells_per_patch: f64,
    /// Nodes that touch, mean over time.
    nodes_touching: f64,
    /// Share of the time.
    stages: BTreeMap<&'static str, f64>,
    steps: u64,
    simulated_s: f64,
    wall_s: f64,
}

/// What runs step by step.
trait Steps {
    fn is_done(&self) -> bool;
    fn t_s(&self) -> f64;
    fn contacts(&self) -> &[Contact];
    fn step(&mut self, done: &mut dyn FnMut(&'static str)) -> Result<(), Fault>;
}

impl Steps for Sim {
    fn is_done(&self) -> bool {
        Sim::is_done(self)
    }

    fn t_s(&self) -> f64 {
        self.frame().t_s
    }

    fn contacts(&self) -> &[Contact] {
        &self.frame().contacts
    }

    fn step(&mut self, done: &mut dyn FnMut(&'static str)) -> Result<(), Fault> {
        self.step_with(done).map(|_| ())
    }
}

impl Steps for RigSim {
    fn is_done(&self) -> bool {
        RigSim::is_done(self)
    }

    fn t_s(&self) -> f64 {
        self.frame().t_s
    }

    fn contacts(&self) -> &[Contact] {
        RigSim::contacts(self)
    }

    fn step(&mut self, done: &mut dyn FnMut(&'static str)) -> Result<(), Fault> {
        self.step_with(done).map(|_| ())
    }
}

/// Runs the scene once and prints.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if input::is_rig_scene(&args.scene) {
        let (scene, envelope, _) = input::rig_scene(&args.scene, &args.sets)?;
        let name = scene.name.clone();
        // A node of a gun or of a turning disc touches half of the time, and that is its work.
        let groundwork = Bed::groundwork(scene.solver.cell_m);
        let mut sim = seat_at_rig(&Arc::new(scene), envelope, &groundwork)?;
        return time(args, &name, &mut sim, RIG_TOUCHING_MIN);
    }
    let (scene, envelope, _) = input::scene(&args.scene, &args.sets)?;
    let name = scene.name.clone();
    let mut sim = seat(&Arc::new(scene), envelope)?;
    time(args, &name, &mut sim, TOUCHING_MIN)
}

fn time(
    args: &Args,
    name: &str,
    sim: &mut dyn Steps,
    touching_min: f64,
) -> anyhow::Result<Outcome> {
    talk::watch_ctrl_c();
    let (mut steps, mut cells, mut patches, mut touches) = (0u64, 0usize, 0u64, 0usize);
    let mut stages: BTreeMap<&'static str, f64> =
        STAGES.into_iter().map(|stage| (stage, 0.0)).collect();
    let nodes = sim.contacts().len();
    let start = Instant::now();
    let mut lap = start;
    while !sim.is_done() && !talk::stop_asked() && (steps % 64 != 0 || start.elapsed() < WALL_MAX) {
        sim.step(&mut |stage| {
            let now = Instant::now();
            if let Some(total_s) = stages.get_mut(stage) {
                *total_s += (now - lap).as_secs_f64();
            }
            lap = now;
        })?;
        steps += 1;
        for contact in sim.contacts().iter().filter(|c| c.cells > 0) {
            cells += contact.cells;
            patches += 1;
        }
        touches += (sim.contacts().iter())
            .filter(|c| c.force_n >= TOUCH_N)
            .count();
    }
    let wall_s = start.elapsed().as_secs_f64();
    if steps == 0 {
        bail!("the scene has no steps");
    }
    let nodes_touching = touches as f64 / steps as f64;
    // A scene cut short has not been seen whole; and what is slow is not idle.
    if sim.is_done() && nodes_touching < touching_min * nodes as f64 {
        let least = touching_min * nodes as f64;
        bail!(idle(name, nodes_touching, [least, nodes as f64], sim.t_s()));
    }
    let speed = Speed {
        scene: name.to_owned(),
        steps_per_s: steps as f64 / wall_s,
        real_time_factor: sim.t_s() / wall_s,
        cells_per_patch: cells as f64 / patches.max(1) as f64,
        nodes_touching,
        stages: stages
            .into_iter()
            .map(|(stage, total_s)| (stage, total_s / wall_s))
            .collect(),
        steps,
        simulated_s: sim.t_s(),
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
            "{:.0} steps/s, {:.1} x real time; {:.1} of {nodes} nodes touch, {:.0} cells per patch",
            speed.steps_per_s, speed.real_time_factor, speed.nodes_touching, speed.cells_per_patch
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

/// Why a scene that hardly touches is not timed.
fn idle(scene: &str, nodes_touching: f64, [least, nodes]: [f64; 2], simulated_s: f64) -> String {
    format!(
        "{scene}: {nodes_touching:.2} of {nodes} nodes touch ({TOUCH_N} N and more), averaged over {simulated_s:.1} s: that would time an idle machine\n  \
         allowed: at least {least} of {nodes}\n  \
         hint: press deeper (depth.protrude_mm at the session's levels), or shorten ramps and travel; the trace of `kneadlab run` tells when each node touches"
    )
}
