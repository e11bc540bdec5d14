//! `kneadlab run`: simulate a scene; trace, summary and report.

use crate::folder::Folder;
use crate::input::{self, Sets};
use crate::print::{self, number};
use crate::run_breath::BreathSwing;
use crate::run_gist::Gist;
use crate::run_report;
use crate::run_rig;
use crate::run_scan;
use crate::run_score;
use crate::sweep::point::{self, Seated};
use crate::talk::{self, Outcome};
use anyhow::bail;
use back::NOTICE;
use scene::Scene;
use serde_json::json;
use sim::{Shoulder, Trace, record_maps};
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tune::seat::seat;
use tune::{Score, felt_in, score};

/// What to run, and where the results go.
#[derive(clap::Args)]
pub struct Args {
    /// The scene, or the folder of a sweep
    pub scene: PathBuf,
    #[command(flatten)]
    pub which: point::Which,
    /// Folder for trace.csv, pressure.csv, summary.json and report.html
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Pressure maps a second in pressure.csv, 3 to 4 kB each; 0 for none. `compare` wants as many as the mat has
    #[arg(long, value_name = "HZ", default_value_t = 20.0, value_parser = map_hz)]
    pub map_hz: f64,
    /// Also trace.mcap: the trace and the maps for Foxglove
    #[arg(long)]
    pub mcap: bool,
    #[command(flatten)]
    pub sets: Sets,
}

/// Rows of the trace per second. Limits are watched at every step, whatever this is.
pub const RATE_HZ: f64 = 50.0;

/// Runs it. A fault is told, and what was done before it is written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.which.point.is_some() && !args.scene.is_dir() {
        bail!(
            "{} is no folder of a sweep, and only a sweep has points",
            args.scene.display()
        );
    }
    if input::is_rig_scene(&args.scene) {
        return run_rig::run(args);
    }
    if args.scene.is_dir() && !args.sets.sets.is_empty() {
        bail!("--set does not go with a sweep's folder: its points are what they are");
    }
    let mut folder = Folder::open(&args.output, "run")?;
    // Also while the body is seated: then the run ends with its first row.
    talk::watch_ctrl_c();
    let (scene, mut sim, warnings) = if args.scene.is_dir() {
        match point::seat(&args.scene, args.which)? {
            Seated::Carriage(scene, sim) => (scene, *sim, Vec::new()),
            Seated::Rig(sim) => {
                return run_rig::record(args, folder, *sim, None, Vec::new());
            }
        }
    } else {
        let (scene, envelope, warnings) = input::scene(&args.scene, &args.sets)?;
        let scene = Arc::new(scene);
        let sim = seat(&scene, envelope)?;
        (scene, sim, warnings)
    };
    keep_scene(&mut folder, args)?;
    let bar = talk::bar("simulating", (1e3 * sim.timeline().duration_s()) as u64);
    let trace = record_maps(&mut sim, RATE_HZ, args.map_hz, &mut |t_s, _| {
        bar.set_position((1e3 * t_s) as u64);
        !talk::stop_asked()
    });
    bar.finish_and_clear();
    let planned_s = sim.timeline().duration_s();
    let stopped = talk::stop_asked() && !sim.is_done();

    let breath = BreathSwing::of_session(&scene, &trace, sim.envelope());
    let gist = Gist::of_session(&scene, &trace, planned_s);
    gist.write(&mut folder, args, csv(&trace))?;
    let scores = scores(&scene, &trace, sim.subject().back.arc_length_m());
    let shoulder = sim.subject().shoulder.as_ref();
    folder.write_json(
        "summary.json",
        &summary(&scene, &trace, &gist, &scores, breath.as_ref(), shoulder),
    )?;
    if let Some(found) = shoulder {
        folder.write("scan.csv", run_scan::csv(found))?;
    }
    let back = &sim.subject().back;
    let warnings = [warnings, breath.iter().map(BreathSwing::line).collect()].concat();
    folder.write(
        "report.html",
        run_report::page(&scene, back, &trace, &gist, shoulder, &warnings)?,
    )?;
    let place = folder.finish()?;
    gist.warn();
    let own: &[&str] = if shoulder.is_some() {
        &["scan.csv"]
    } else {
        &[]
    };
    let besides = |out: &mut BufWriter<print::Stdout>| {
        if let Some(breath) = &breath {
            writeln!(out, "{}", breath.line())?;
        }
        if let Some(found) = shoulder {
            run_scan::tell(out, found)?;
        }
        if let Some(breath) = &breath {
            writeln!(out, "{}", breath.line())?;
        }
        run_score::tell(out, &scene.session.fits, &scores)
    };
    gist.print(args, besides, own)?;
    drop(place);
    Ok(gist.outcome(stopped))
}

/// The scene as it is run goes with its results. A point of a sweep has none: its body and depth are the study's.
pub fn keep_scene(folder: &mut Folder, args: &Args) -> anyhow::Result<()> {
    if !args.scene.is_dir() {
        let whole = scene::whole_scene(&args.scene, &args.sets.sets)?;
        let head = "# The scene of this run, with the files that it names and --set in it. `kneadlab view` on this folder shows it.\n";
        folder.write("scene.toml", format!("{head}{}", whole.text))?;
        for file in &whole.files {
            folder.write(&file.name, input::kept(file)?)?;
        }
    }
    Ok(())
}

/// `--map-hz`.
fn map_hz(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(hz) if (0.0..=500.0).contains(&hz) => Ok(hz),
        _ => Err("allowed: 0 to 500".into()),
    }
}

/// How close each part of a session of techniques came; none for written steps.
fn scores(scene: &Scene, trace: &Trace, length_m: f64) -> Vec<Score> {
    let session = &scene.session;
    let felt = felt_in(trace, session);
    let parts = session.parts.iter().enumerate();
    parts
        .map(|(i, part)| score(&felt, i, &part.manner, [part.from_u, part.to_u], length_m))
        .collect()
}

fn summary(
    scene: &Scene,
    trace: &Trace,
    gist: &Gist<'_>,
    scores: &[Score],
    breath: Option<&BreathSwing>,
    shoulder: Option<&Shoulder>,
) -> serde_json::Value {
    let faults: Vec<_> = trace.fault.iter().collect();
    let mut summary = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "notice": NOTICE,
        "scene": scene.name,
        "scene_hash": scene.hash(),
        "duration_s": trace.duration_s,
        "planned_s": gist.planned_s,
        "steps": trace.steps,
        "peak_pressure_kpa": gist.peak_kpa(),
        "node_force_n": trace.nodes.each_ref().map(|n| n.force_n),
        "work_j": trace.efforts.each_ref().map(|e| e.work_j),
        "friction_loss_j": trace.efforts.each_ref().map(|e| e.friction_loss_j),
        "relaxation_loss_j": trace.efforts.each_ref().map(|e| e.relaxation_loss_j),
        "bearing_loss_j": trace.efforts.each_ref().map(|e| e.bearing_loss_j),
        "slip_m": trace.efforts.each_ref().map(|e| e.slip_m),
        "shear_dose_kpa_s": trace.efforts.each_ref().map(|e| 1e-3 * e.shear_dose_pa_s),
        "beyond_validity": trace.beyond,
        "node_names": NODE_NAMES,
        "trunk_lift_mm": 1e3 * trace.trunk_lift_m,
        "motors": trace.motors,
        "faults": faults,
        "violations": trace.violations,
        "cells_per_patch": trace.cells_per_patch,
    });
    if let Some(breath) = breath {
        summary["breathing"] = json!(breath);
    }
    if let Some(found) = shoulder {
        summary["scan"] = run_scan::summary(found);
    }
    if !scores.is_empty() {
        summary["techniques"] = json!({ "fits": scene.session.fits, "scores": scores });
    }
    summary
}

/// In the order of all arrays over nodes.
pub const NODE_NAMES: [&str; 4] = ["left_upper", "left_lower", "right_upper", "right_lower"];

/// One row a sample, one column a channel, the unit last in each name.
fn csv(trace: &Trace) -> String {
    let mut text = String::from(
        "t_s,technique,phase,level,station_u,walk_m,protrude_m,knead_rad,command_walk_m,command_protrude_m,command_knead_rad,\
         walk_current_a,knead_current_a,protrude_current_a,rocker_left_rad,rocker_right_rad,lean_y_m,lean_z_m,lean_pitch_rad,pad_n",
    );
    for node in NODE_NAMES {
        for channel in [
            "force_n",
            "peak_pa",
            "area_m2",
            "depth_m",
            "u",
            "x_m",
            "zone",
            "pain_fraction",
            "shear_down_n",
            "shear_right_n",
            "power_w",
        ] {
            let _ = write!(text, ",{node}_{channel}");
        }
    }
    text.push('\n');
    for r in &trace.rows {
        let phase = format!("{:?}", r.phase).to_lowercase();
        let _ = write!(
            text,
            "{},{},{phase},{}",
            number(r.t_s),
            r.technique.name(),
            r.level
        );
        let drive = [
            r.station,
            r.walk_m,
            r.protrude_m,
            r.knead_rad,
            r.command_walk_m,
            r.command_protrude_m,
            r.command_knead_rad,
        ];
        let trunk = [
            r.rocker_rad[0],
            r.rocker_rad[1],
            r.lean_y_m,
            r.lean_z_m,
            r.lean_pitch_rad,
            r.pad_n,
        ];
        for value in drive.into_iter().chain(r.current_a).chain(trunk) {
            let _ = write!(text, ",{}", number(value));
        }
        for i in 0..NODE_NAMES.len() {
            for value in [
                r.force_n[i],
                r.peak_pa[i],
                r.area_m2[i],
                r.depth_m[i],
                r.u[i],
                r.x_m[i],
            ] {
                let _ = write!(text, ",{}", number(value));
            }
            let _ = write!(text, ",{},{}", r.zone[i].name(), number(r.fraction[i]));
            for value in [r.shear_down_n[i], r.shear_right_n[i], r.power_w[i]] {
                let _ = write!(text, ",{}", number(value));
            }
        }
        text.push('\n');
    }
    text
}
