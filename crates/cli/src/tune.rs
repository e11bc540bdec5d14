//! `kneadlab tune`: tune a study, export its tables, report. The main job.

use crate::folder::Folder;
use crate::input::{self, Sets};
use crate::talk::{self, Outcome, say};
use crate::verify::{self, ReadBack};
use crate::{model, page, print, result, tune_report};
use ::tune::{Judgement, Progress, TuneError, Tuned, tune, within_stay};
use back::NOTICE;
use indicatif::ProgressBar;
use scene::Study;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

/// What to tune, and where the results go.
#[derive(clap::Args)]
pub struct Args {
    /// The study
    study: PathBuf,
    /// Folder for tuned.json, summary.json, report.html and export/
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Threads; 0 takes all cores. The result is the same for any number
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = input::jobs)]
    jobs: usize,
    #[command(flatten)]
    sets: Sets,
}

/// Less coverage than this is a failure.
const COVERAGE_MIN: f64 = 0.9;

/// Tunes, judges and writes.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let study = input::study(&args.study, &args.sets)?;
    if !study.lacks.is_empty() {
        anyhow::bail!(
            "{}: a tuning needs {}, and this study of a sweep leaves {} out\n  hint: kneadlab sweep takes it; scenes/studies/chair_shiatsu.toml is a study to tune",
            args.study.display(),
            study.lacks.join(" and "),
            if study.lacks.len() == 1 { "it" } else { "them" }
        );
    }
    for note in within_stay(&study)?.notes {
        say(format_args!("note: {note}"));
    }
    model::exportable(&study)?;
    let mut folder = Folder::open(&args.output, "tune")?;
    talk::watch_ctrl_c();
    let start = Instant::now();
    let bars = Bars::default();
    let tuned = tune(&study, args.jobs, &bars);
    bars.clear();
    let tuned = match tuned {
        Ok(tuned) => tuned,
        Err(stopped @ TuneError::Stopped) => {
            say(stopped);
            return Ok(Outcome::Stopped);
        }
        Err(error) => return Err(error.into()),
    };
    let violations = tuned.check();
    if !violations.is_empty() {
        anyhow::bail!(
            "the tuned result passes its own limits:{}",
            lines(&violations)
        );
    }

    folder.write_json(result::TUNED, &result::without_pictures(&tuned))?;
    folder.write(result::STUDY, result::study_text(&study)?)?;
    folder.write_json("summary.json", &summary(&study, &tuned))?;
    folder.write("report.html", tune_report::page(&study, &tuned)?)?;
    for (name, content) in model::files(&study, &tuned)? {
        folder.write(&format!("export/{name}"), content)?;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    folder.write_json(
        "run_info.json",
        &json!({
            "seconds": start.elapsed().as_secs_f64(),
            "jobs": if args.jobs == 0 { cores } else { args.jobs },
            "cores": cores,
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "version": env!("CARGO_PKG_VERSION"),
        }),
    )?;
    let place = folder.finish()?;
    let read = verify::read_back(&place.join("export"), &study, &tuned)?;
    print(args, &study, &tuned, &read, start.elapsed().as_secs_f64())?;
    for problem in &read.problems {
        say(format_args!("error: {problem}"));
    }
    Ok(Outcome::good_if(holds(&tuned) && read.problems.is_empty()))
}

/// The promise: enough of the back is served, and nobody is pressed too hard.
fn holds(tuned: &Tuned) -> bool {
    let judged = &tuned.held_out;
    let mut good = true;
    if judged.coverage < COVERAGE_MIN {
        say(format_args!(
            "error: coverage {} is under {}",
            page::percent(judged.coverage),
            page::percent(COVERAGE_MIN)
        ));
        good = false;
    }
    if judged.cap_violations > 0 {
        say(format_args!(
            "error: {} cap violations on held-out bodies",
            judged.cap_violations
        ));
        good = false;
    }
    let replayed: u64 = tuned.replays.iter().map(|r| r.cap_violations).sum();
    if replayed > 0 {
        say(format_args!("error: {replayed} caps passed in the replays"));
        good = false;
    }
    for fault in tuned.replays.iter().filter_map(|r| r.fault.as_ref()) {
        say(format_args!("error: fault in a replay: {fault}"));
        good = false;
    }
    good
}

/// What is wrong, one a line.
pub fn lines(problems: &[String]) -> String {
    problems.iter().map(|p| format!("\n  {p}")).collect()
}

fn summary(study: &Study, tuned: &Tuned) -> serde_json::Value {
    let j = &tuned.held_out;
    json!({
        "version": tuned.version,
        "notice": NOTICE,
        "study": study.name,
        "study_hash": tuned.study_hash,
        "scene_hash": tuned.scene_hash,
        "seed": tuned.seed,
        "bodies": j.bodies,
        "band_share": j.band_share,
        "band_share_tuning": tuned.tuning_share,
        "band_share_oracle": j.band_share_oracle,
        "band_share_constant_depth": j.band_share_constant_depth,
        "cap_violations": j.cap_violations,
        "cap_checks": j.cap_checks,
        "cap_bound_95": j.cap_bound_95,
        "coverage": j.coverage,
        "cap_limited": j.cap_limited,
        "infeasible": j.infeasible,
        "cvar90_of_cap": j.cvar90_load,
        "worst_of_cap": j.worst,
        "pain_exceeded_share": j.pain_share,
        "replays": tuned.replays.iter().map(|r| json!({
            "class": r.class,
            "level": r.level,
            "band_share": r.band_share,
            "samples": r.samples,
            "band_share_by_statics": r.band_share_reckoned,
            "band_share_by_time": r.band_share_by_time,
            "cap_violations": r.cap_violations,
        })).collect::<Vec<_>>(),
        "constant_depth_mm": tuned.constant_m.map(|m| 1e3 * m),
    })
}

fn print(
    args: &Args,
    study: &Study,
    tuned: &Tuned,
    read: &ReadBack,
    seconds: f64,
) -> anyhow::Result<()> {
    let j = &tuned.held_out;
    let percent = page::percent;
    let mut out = print::out();
    writeln!(
        out,
        "{}: {} techniques, {} classes, {} stations, {} levels, judged on {} held-out bodies, in {seconds:.0} s",
        study.name,
        tuned.techniques.len(),
        tuned.classes.len(),
        tuned.stations.len(),
        tuned.bands.len(),
        j.bodies
    )?;
    let rows = [
        [
            "band share",
            &percent(j.band_share),
            "of effective contact lies in the pressure band",
        ],
        [
            "  each body alone",
            &percent(j.band_share_oracle),
            "the most that depth can do (oracle)",
        ],
        [
            "  one constant depth",
            &percent(j.band_share_constant_depth),
            "today's practice",
        ],
        [
            "coverage",
            &percent(j.coverage),
            "of places, levels and bodies are felt within the caps",
        ],
        [
            "cap violations",
            &format!("{} of {}", j.cap_violations, j.cap_checks),
            &bound(j),
        ],
        [
            "cap-limited cells",
            &j.cap_limited.to_string(),
            "their band was moved down to the cap",
        ],
        [
            "infeasible cells",
            &j.infeasible.to_string(),
            "they stay retracted",
        ],
        [
            "tables",
            &format!("{} vectors", read.vectors),
            &format!(
                "{} failed in compiled C; commands within {:.3} mm",
                read.vectors_failed, read.worst_command_error_mm
            ),
        ],
    ];
    print::table(&mut out, 1, &rows.map(|r| r.map(String::from).to_vec()))?;
    for name in [
        "report.html",
        "tuned.json",
        "summary.json",
        "run_info.json",
        "export/",
    ] {
        writeln!(out, "{}", args.output.join(name).display())?;
    }
    print::finish(out)?;
    say(format_args!(
        "next: kneadlab verify {}",
        args.output.display()
    ));
    say(NOTICE);
    Ok(())
}

/// What none in so many bodies proves.
fn bound(judged: &Judgement) -> String {
    if judged.cap_violations > 0 {
        return "checks of body, technique, station and level".into();
    }
    format!(
        "so at most {} of bodies have one (one-sided, 95 %)",
        page::percent(judged.cap_bound_95)
    )
}

/// One bar a phase.
#[derive(Default)]
pub struct Bars(Mutex<Option<ProgressBar>>);

impl Bars {
    /// Takes the last bar away.
    pub fn clear(&self) {
        self.set(None);
    }

    fn set(&self, bar: Option<ProgressBar>) {
        if let Ok(mut current) = self.0.lock() {
            if let Some(old) = current.take() {
                old.finish_and_clear();
            }
            *current = bar;
        }
    }
}

impl Progress for Bars {
    fn begin(&self, phase: &'static str, total: u64) {
        self.set(Some(talk::bar(phase, total)));
    }

    fn tick(&self) {
        if let Ok(current) = self.0.lock()
            && let Some(bar) = current.as_ref()
        {
            bar.inc(1);
        }
    }

    fn stop_asked(&self) -> bool {
        talk::stop_asked()
    }
}
