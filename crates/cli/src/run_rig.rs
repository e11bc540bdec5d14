//! `kneadlab run` on the scene of a rig: the same files as for a carriage, their columns from the machine.

use crate::folder::Folder;
use crate::input;
use crate::print::number;
use crate::rig_report;
use crate::run::{self, Args};
use crate::run_breath::BreathSwing;
use crate::run_gist::Gist;
use crate::run_score;
use crate::talk::{self, Outcome};
use back::NOTICE;
use scene::RigScene;
use serde_json::json;
use sim::{Bed, Recording, RigSim, RigTrace, record_rig};
use std::io::Write as _;
use std::sync::Arc;
use tune::seat::seat_rig_session;
use tune::{RigSession, Score, felt_in_windows, rig_rate_hz, score};

/// Runs it. A fault is told, and what was done before it is written.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (scene, envelope, warnings) = input::rig_scene(&args.scene, &args.sets)?;
    let mut folder = Folder::open(&args.output, "run")?;
    run::keep_scene(&mut folder, args)?;
    let scene = Arc::new(scene);
    // Also while the body is seated: then the run ends with its first row.
    talk::watch_ctrl_c();
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let (sim, session) = seat_rig_session(&scene, envelope, &groundwork)?;
    record(args, folder, sim, session, warnings)
}

/// Runs what is seated, and writes the folder.
pub fn record(
    args: &Args,
    mut folder: Folder,
    mut sim: RigSim,
    session: Option<RigSession>,
    warnings: Vec<String>,
) -> anyhow::Result<Outcome> {
    // A planned session's own: its orders and how long it takes.
    let scene = sim.scene().clone();
    let bar = talk::bar("simulating", (1e3 * scene.duration_s) as u64);
    let rate_hz = rig_rate_hz(&scene);
    let recording = Recording {
        movie_hz: args.map_hz,
        ..Recording::rows(rate_hz)
    };
    let trace = record_rig(&mut sim, &recording, &mut |t_s, _| {
        bar.set_position((1e3 * t_s) as u64);
        !talk::stop_asked()
    });
    bar.finish_and_clear();
    let stopped = talk::stop_asked() && !sim.is_done();

    let breath = BreathSwing::of_rig(&scene, &trace, sim.envelope(), rate_hz);
    let length_m = sim.subject().back.arc_length_m();
    let scores = session
        .as_ref()
        .map_or_else(Vec::new, |s| scores(s, &trace, length_m));
    let gist = Gist::of_rig(&scene, &trace);
    gist.write(&mut folder, args, csv(&trace))?;
    folder.write("joints.csv", joints(&trace))?;
    folder.write("drives.csv", drives(&trace))?;
    let mut summary = summary(&scene, &trace, &gist);
    if let Some(session) = &session {
        summary["planned_s"] = json!(session.scene.duration_s);
        summary["fits"] = json!(session.fits);
        summary["scores"] = json!(scores);
    }
    if let Some(breath) = &breath {
        summary["breathing"] = json!(breath);
    }
    folder.write_json("summary.json", &summary)?;
    let warnings = [warnings, breath.iter().map(BreathSwing::line).collect()].concat();
    let back = &sim.subject().back;
    folder.write(
        "report.html",
        rig_report::page(&scene, back, &trace, &gist, &warnings)?,
    )?;
    let place = folder.finish()?;
    gist.warn();
    gist.print(
        args,
        |out| {
            if let Some(breath) = &breath {
                writeln!(out, "{}", breath.line())?;
            }
            let fits = session.as_ref().map_or(&[][..], |s| &s.fits);
            run_score::tell(out, fits, &scores)
        },
        &["joints.csv", "drives.csv"],
    )?;
    drop(place);
    Ok(gist.outcome(stopped))
}

/// How close each part of a planned session came.
fn scores(session: &RigSession, trace: &RigTrace, length_m: f64) -> Vec<Score> {
    let felt = felt_in_windows(trace, session);
    let parts = session.scene.parts.iter().enumerate();
    parts
        .map(|(i, part)| score(&felt, i, &part.manner, [part.from_u, part.to_u], length_m))
        .collect()
}

fn summary(scene: &RigScene, trace: &RigTrace, gist: &Gist<'_>) -> serde_json::Value {
    let faults: Vec<_> = trace.fault.iter().collect();
    let of = |value: &dyn Fn(&sim::NodeEffort) -> f64| -> Vec<f64> {
        trace.efforts.iter().map(value).collect()
    };
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "notice": NOTICE,
        "scene": scene.name,
        "scene_hash": scene.hash(),
        "rig": scene.rig.name,
        "duration_s": trace.duration_s,
        "planned_s": scene.duration_s,
        "steps": trace.steps,
        "peak_pressure_kpa": gist.peak_kpa(),
        "node_names": trace.node_names,
        "node_force_n": trace.nodes.iter().map(|n| n.force_n).collect::<Vec<_>>(),
        "work_j": of(&|e| e.work_j),
        "friction_loss_j": of(&|e| e.friction_loss_j),
        "relaxation_loss_j": of(&|e| e.relaxation_loss_j),
        "bearing_loss_j": of(&|e| e.bearing_loss_j),
        "slip_m": of(&|e| e.slip_m),
        "shear_dose_kpa_s": of(&|e| 1e-3 * e.shear_dose_pa_s),
        "beyond_validity": trace.beyond,
        "trunk_lift_mm": 1e3 * trace.trunk_lift_m,
        "motors": trace.motors,
        "widest_gap_mm": 1e3 * trace.gap_m,
        "faults": faults,
        "violations": trace.violations,
        "cells_per_patch": trace.cells_per_patch,
    })
}

/// One row a sample, one column a channel, the unit last in each name.
fn csv(trace: &RigTrace) -> String {
    let mut text = trace.columns.join(",");
    text.push('\n');
    for row in &trace.rows {
        let cells: Vec<String> = row.iter().map(|v| number(*v)).collect();
        text += &cells.join(",");
        text.push('\n');
    }
    text
}

/// What bearings and pins carried: one row a joint or closing.
fn joints(trace: &RigTrace) -> String {
    let mut text = String::from(
        "joint,kind,radial_peak_n,radial_rms_n,axial_peak_n,axial_rms_n,tilting_peak_nm,tilting_rms_nm,torque_peak_nm,torque_rms_nm,mean_radial_n,way_rad_or_m\n",
    );
    for joint in &trace.joints {
        let spans = [
            joint.radial_n,
            joint.axial_n,
            joint.tilting_nm,
            joint.torque_nm,
        ];
        text += &format!("{},{}", joint.name, joint.kind);
        for span in spans {
            text += &format!(",{},{}", number(span.peak), number(span.rms));
        }
        text += &format!(",{},{}\n", number(joint.mean_radial_n), number(joint.way));
    }
    text
}

/// What motors did: one row a drive.
fn drives(trace: &RigTrace) -> String {
    let mut text = String::from(
        "drive,effort_peak_nm_or_n,effort_rms_nm_or_n,rate_peak_rad_s_or_m_s,rate_rms_rad_s_or_m_s,current_peak_a,current_rms_a,copper_w,work_j,speed_share,speed_ripple,stalled_s\n",
    );
    for drive in &trace.drives {
        text += &drive.name;
        for span in [drive.effort, drive.rate, drive.current_a] {
            text += &format!(",{},{}", number(span.peak), number(span.rms));
        }
        for value in [
            drive.copper_w,
            drive.work_j,
            drive.speed_share,
            drive.speed_ripple,
            drive.stalled_s,
        ] {
            text += &format!(",{}", number(value));
        }
        text.push('\n');
    }
    text
}
