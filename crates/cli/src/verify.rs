//! `kneadlab verify`: read exported tables back, compile them, replay them in the simulator.

use crate::mirror::Mirror;
use crate::talk::{Outcome, say};
use crate::tune::Bars;
use crate::{export, input, model, page, print, result, talk};
use ::tune::{
    ClosedLoop, ForcePair, Played, RETRACTED_M, Replay, TuneError, Tuned, closed_loop,
    replay_bodies,
};
use anyhow::{Context, bail};
use program::Technique;
use scene::Study;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use table::tables::{DEPTH_PER_M, STATION_ONE};
use table::{Counts, Tables};

/// What to verify.
#[derive(clap::Args)]
pub struct Args {
    /// What `kneadlab tune` or `kneadlab export` wrote
    out: PathBuf,
    /// Threads; 0 takes all cores
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = input::jobs)]
    jobs: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A command may differ from the tuned one by the rounding of depth and cap, mm.
const COMMAND_ERROR_MAX_MM: f64 = 0.02;

/// Where both stand still the runtime's forces may differ from the timeline's by this much, N: root of the mean square, and any. Depths are
/// the same but for 0.01 mm, and a millimetre is worth 1 to 2 N; what is left is another past: ramps at another speed, so tissue has
/// relaxed more or less (0.05 and 0.16 N in the shipped study).
const STILL_RMS_MAX_N: f64 = 0.3;
const STILL_MAX_N: f64 = 1.0;

/// While it rolls, N rms: rows roll at one speed on every user, and out no faster than the press speed, so depth comes late where the map
/// rises steeply or the line of touch bends; a timeline knows both beforehand and rolls slower there. 0.46 N in the shipped study, at one
/// place 5.5 N less, where the map rises by 6 mm from a column to the next.
const ROLLING_RMS_MAX_N: f64 = 1.0;

#[derive(Serialize)]
struct Verdict {
    vectors: u64,
    vectors_failed: u64,
    band_share: f64,
    band_share_by_statics: f64,
    band_share_by_time: f64,
    cap_violations: u64,
    worst_command_error_mm: f64,
    runtime: Runtime,
    deeds: Vec<Deed>,
    problems: Vec<String>,
}

/// A hold, turn or place rolled past on one body, in the replay and driven by the runtime.
#[derive(Serialize)]
struct Deed {
    class: usize,
    level: u8,
    #[serde(flatten)]
    pair: ForcePair,
}

/// The simulator driven through the runtime, beside the same tables replayed as a timeline.
#[derive(Serialize)]
struct Runtime {
    /// Share of contact time in the band.
    band_share: f64,
    cap_violations: u64,
    /// Holds and turns.
    still: Agreement,
    /// Places rolled past.
    rolling: Agreement,
    /// Holds and turns that the runtime ended early, at a dwell cap: the safe side, and not compared.
    cut_short: usize,
    /// Length of its sessions over that of the timelines.
    duration_ratio: f64,
}

/// Node forces in the runtime's run less those in the replay.
#[derive(Serialize)]
struct Agreement {
    /// How many deeds were compared.
    deeds: usize,
    /// Mean, root of the mean square and largest, N.
    bias_n: f64,
    rms_n: f64,
    worst_n: f64,
}

impl Agreement {
    fn of<'a>(pairs: impl Iterator<Item = &'a ForcePair> + Clone) -> Agreement {
        let differences: Vec<f64> = pairs.clone().flat_map(ForcePair::differences_n).collect();
        let count = differences.len().max(1) as f64;
        Agreement {
            deeds: pairs.count(),
            bias_n: differences.iter().sum::<f64>() / count,
            rms_n: (differences.iter().map(|d| d * d).sum::<f64>() / count).sqrt(),
            worst_n: differences.iter().fold(0.0, |m, d| d.abs().max(m)),
        }
    }
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Agreement {
            deeds,
            bias_n,
            rms_n,
            worst_n,
        } = self;
        write!(
            f,
            "{deeds}: {bias_n:+.2} N in the mean, {rms_n:.2} N rms, at most {worst_n:.2} N"
        )
    }
}

/// Every check, whatever an earlier one said.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (folder, source) = result::find(&args.out)?;
    let (study, tuned) = result::read(&source)?;
    let ReadBack {
        tables,
        vectors,
        vectors_failed,
        worst_command_error_mm,
        mut problems,
    } = read_back(&folder, &study, &tuned)?;
    talk::watch_ctrl_c();
    let runs = match run_tables(&study, &tuned, &tables, args.jobs) {
        Ok(runs) => runs,
        Err(stopped @ TuneError::Stopped) => {
            say(stopped);
            return Ok(Outcome::Stopped);
        }
        Err(error) => return Err(error.into()),
    };
    let cap_violations = replayed(&runs, &mut problems);
    let runtime = driven(&runs, &mut problems);
    let share = |of: fn(&Replay) -> (f64, f64)| weighted_share(runs.iter().map(|r| of(&r.replay)));
    let verdict = Verdict {
        vectors,
        vectors_failed,
        band_share: share(|r| (r.band_share, r.samples as f64)),
        band_share_by_statics: share(|r| (r.band_share_reckoned, r.samples as f64)),
        band_share_by_time: share(|r| (r.band_share_by_time, r.contact_s)),
        cap_violations,
        worst_command_error_mm,
        runtime,
        deeds: deeds(&runs),
        problems,
    };
    for problem in &verdict.problems {
        say(format_args!("error: {problem}"));
    }
    if args.json {
        print::json(&verdict)?;
    } else {
        let mut out = print::out();
        let rows = [
            [
                "self test, compiled C",
                &format!("{vectors} vectors, {vectors_failed} failed"),
            ],
            [
                "worst command error",
                &format!("{worst_command_error_mm:.4} mm against tuned.json"),
            ],
            [
                "replayed band share",
                &format!(
                    "{} of samples ({} by statics), {} of contact time",
                    page::percent(verdict.band_share),
                    page::percent(verdict.band_share_by_statics),
                    page::percent(verdict.band_share_by_time)
                ),
            ],
            ["replayed cap violations", &cap_violations.to_string()],
            [
                "driven by the runtime",
                &format!(
                    "band share {}, {} cap violations, session {:.2} times as long",
                    page::percent(verdict.runtime.band_share),
                    verdict.runtime.cap_violations,
                    verdict.runtime.duration_ratio
                ),
            ],
            [
                "force in holds and turns",
                &format!(
                    "{} against the replay; {} more were cut short by a dwell cap",
                    verdict.runtime.still, verdict.runtime.cut_short
                ),
            ],
            [
                "force at places rolled past",
                &verdict.runtime.rolling.to_string(),
            ],
            [
                "verdict",
                if verdict.problems.is_empty() {
                    "good"
                } else {
                    "failed"
                },
            ],
        ];
        print::table(&mut out, 2, &rows.map(|r| r.map(String::from).to_vec()))?;
        print::finish(out)?;
    }
    say(back::NOTICE);
    Ok(Outcome::good_if(verdict.problems.is_empty()))
}

/// What an export says when it is read back, before it is replayed.
pub struct ReadBack {
    /// The tables of its `.bin`.
    pub tables: Tables,
    /// Vectors of the self test in C.
    pub vectors: u64,
    /// How many failed.
    pub vectors_failed: u64,
    /// Largest difference to a tuned command, mm.
    pub worst_command_error_mm: f64,
    /// Everything that is wrong.
    pub problems: Vec<String>,
}

/// Reads an export back, compiles it, runs its self test and compares it with the tuned result.
pub fn read_back(folder: &Path, study: &Study, tuned: &Tuned) -> anyhow::Result<ReadBack> {
    let mut problems = tuned.check();
    let files = model::files(study, tuned)?;
    problems.extend(stale_files(folder, &files));
    let tables = export::tables(folder)?;
    let worst_command_error_mm = worst_command_error_mm(&tables, tuned, &mut problems);
    if worst_command_error_mm > COMMAND_ERROR_MAX_MM {
        problems.push(format!("a command differs from the tuned one by {worst_command_error_mm:.3} mm, allowed {COMMAND_ERROR_MAX_MM}"));
    }
    let (vectors, vectors_failed) = match self_test(folder, &files) {
        Ok(counts) => counts,
        Err(error) => {
            problems.push(format!("self test: {error:#}"));
            (0, 0)
        }
    };
    if vectors_failed > 0 {
        problems.push(format!(
            "self test in C: {vectors_failed} of {vectors} vectors failed"
        ));
    }
    Ok(ReadBack {
        tables,
        vectors,
        vectors_failed,
        worst_command_error_mm,
        problems,
    })
}

/// Exported files that are not what the tuned result gives.
fn stale_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Vec<String> {
    let check = |(name, content): &(String, Vec<u8>)| {
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(bytes) if bytes == *content => None,
            Ok(_) => Some(format!("{} is not what tuned.json gives", path.display())),
            Err(e) => Some(format!("{}: {e}", path.display())),
        }
    };
    files.iter().filter_map(check).collect()
}

/// Largest difference between a command of the tables and the tuned one: on every column, and half-way between two,
/// where the tuned map is a straight line under the smaller cap, and retracted beside an infeasible column.
fn worst_command_error_mm(tables: &Tables, tuned: &Tuned, problems: &mut Vec<String>) -> f64 {
    let mut counts = Counts::default();
    let (classes, stations, levels) =
        (tuned.classes.len(), tuned.stations.len(), tuned.bands.len());
    let fits = tables.techniques.len() == tuned.techniques.len()
        && tables.class_names.len() == classes
        && usize::from(tables.stations) == stations
        && usize::from(tables.levels) == levels
        && tuned.cells.len() == tuned.techniques.len() * classes * stations * levels;
    if !fits {
        problems.push(
            "the tables have other techniques, classes, stations or levels than tuned.json".into(),
        );
        return f64::NAN;
    }
    let mut worst_m: f64 = 0.0;
    for (t, _) in tuned.techniques.iter().enumerate() {
        for class in 0..classes {
            for level in 0..levels {
                let cell = |s: usize| {
                    &tuned.cells[((t * classes + class) * stations + s) * levels + level]
                };
                let cap_m = |s: usize| tuned.caps[class * stations + s].max_depth_m;
                for half in 0..2 * stations - 1 {
                    let (a, b) = (half / 2, half.div_ceil(2));
                    let wanted_m = if cell(a).infeasible || cell(b).infeasible {
                        RETRACTED_M
                    } else {
                        (0.5 * (cell(a).depth_m + cell(b).depth_m))
                            .min(cap_m(a))
                            .min(cap_m(b))
                    };
                    let station = half as u16 * (STATION_ONE / 2);
                    let found =
                        tables.eval(&mut counts, t as u8, class as u8, station, level as u8 + 1);
                    let got_m = found.map_or(f64::INFINITY, |l| f64::from(l.depth) / DEPTH_PER_M);
                    worst_m = worst_m.max((got_m - wanted_m).abs());
                }
            }
        }
    }
    1e3 * worst_m
}

/// Compiles the exported C with the host's compiler and runs its self test: vectors, and how many failed.
fn self_test(folder: &Path, files: &[(String, Vec<u8>)]) -> anyhow::Result<(u64, u64)> {
    let work = tempfile::tempdir().context("cannot make a folder to compile in")?;
    let program = work
        .path()
        .join(format!("selftest{}", std::env::consts::EXE_SUFFIX));
    // Ours alone: other sources may lie beside them.
    let ours = files
        .iter()
        .map(|(name, _)| name)
        .filter(|n| n.ends_with(".c") && !["example_main.c", "log_main.c"].contains(&n.as_str()));
    let sources: Vec<PathBuf> = ours.map(|name| folder.join(name)).collect();
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(&compiler)
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1"])
        .arg("-I")
        .arg(folder)
        .args(&sources)
        .arg("-o")
        .arg(&program)
        .output()
        .with_context(|| {
            format!(
                "cannot start the C compiler {}\n  hint: install one, or name it in CC",
                compiler.display()
            )
        })?;
    if !compiled.status.success() {
        bail!(
            "the exported C does not compile without a warning:\n{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
    }
    let ran = Command::new(&program)
        .output()
        .context("cannot run the self test")?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["vectors", n, "failed", m, ..] => Ok((
            n.parse().context("self test")?,
            m.parse().context("self test")?,
        )),
        _ => bail!("the self test says: {}", text.trim()),
    }
}

/// Runs the tables in the full simulator on the study's replay bodies: as timelines, and driven by the runtime; judged by the tuned
/// cells' bands.
fn run_tables(
    study: &Study,
    tuned: &Tuned,
    tables: &Tables,
    jobs: usize,
) -> Result<Vec<ClosedLoop>, TuneError> {
    let of = |technique: Technique| tables.techniques.iter().position(|n| n == technique.name());
    let depth_m = |class: usize, technique, u, level| {
        of(technique).map_or(RETRACTED_M, |t| {
            tables.depth_m(t as u8, class as u8, u, level)
        })
    };
    let band = |class: usize, technique, u, level| tuned.band(class, technique, u, level);
    let played = Played {
        depth_m: &depth_m,
        band: &band,
    };
    let firmware =
        |class: usize, level: u8| Box::new(Mirror::start(tables, class, level)) as Box<_>;
    let bars = Bars::default();
    let runs = closed_loop(study, &replay_bodies(study), played, &firmware, jobs, &bars);
    bars.clear();
    runs
}

fn deeds(runs: &[ClosedLoop]) -> Vec<Deed> {
    let of = |run: &ClosedLoop| {
        let (class, level) = (run.replay.class, run.replay.level);
        let pairs = run.pairs.clone().into_iter();
        pairs.map(move |pair| Deed { class, level, pair })
    };
    runs.iter().flat_map(of).collect()
}

/// A share over all runs, from each run's and its weight.
fn weighted_share(runs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (part, all) = runs.fold((0.0, 0.0), |(part, all), (share, weight)| {
        (part + share * weight, all + weight)
    });
    if all > 0.0 { part / all } else { 0.0 }
}

/// Caps that the timelines pass.
fn replayed(runs: &[ClosedLoop], problems: &mut Vec<String>) -> u64 {
    let replays = || runs.iter().map(|r| &r.replay);
    problems.extend(
        replays()
            .filter_map(|r| r.fault.as_ref())
            .map(|f| format!("fault in the replay: {f}")),
    );
    let violations = replays().map(|r| r.cap_violations).sum();
    if violations > 0 {
        problems.push(format!("{violations} caps were passed in the replay"));
    }
    violations
}

/// What the runtime made of it.
fn driven(runs: &[ClosedLoop], problems: &mut Vec<String>) -> Runtime {
    for run in runs {
        let who = format!("class {}, level {}", run.replay.class, run.replay.level);
        let told = run.driven.problems.iter();
        problems.extend(told.map(|p| format!("driven by the runtime, {who}: {p}")));
        let passed = run.driven.violations.iter();
        problems.extend(passed.map(|(limit, zone, value, allowed)| {
            format!(
                "driven by the runtime, {who}: {limit:?} in {} reaches {value:.1}, allowed {allowed:.1}",
                zone.name()
            )
        }));
    }
    let pairs = || runs.iter().flat_map(|r| &r.pairs);
    let rolls = |pair: &&ForcePair| pair.technique == Technique::Roll;
    let rolling = Agreement::of(pairs().filter(rolls));
    let still = Agreement::of(pairs().filter(|p| !rolls(p) && !p.cut_short()));
    if still.rms_n > STILL_RMS_MAX_N || still.worst_n > STILL_MAX_N {
        problems.push(format!(
            "driven by the runtime, forces differ from the replay in holds and turns ({still}): allowed {STILL_RMS_MAX_N} rms and {STILL_MAX_N}"
        ));
    }
    if rolling.rms_n > ROLLING_RMS_MAX_N {
        problems.push(format!(
            "driven by the runtime, forces differ from the replay at places rolled past ({rolling}): allowed {ROLLING_RMS_MAX_N} rms"
        ));
    }
    let seconds = |of: &dyn Fn(&ClosedLoop) -> f64| runs.iter().map(of).sum::<f64>();
    Runtime {
        band_share: weighted_share(
            runs.iter()
                .map(|r| (r.driven.band_share, r.driven.samples as f64)),
        ),
        cap_violations: runs.iter().map(|r| r.driven.violations.len() as u64).sum(),
        still,
        rolling,
        cut_short: pairs().filter(|p| p.cut_short()).count(),
        duration_ratio: seconds(&|r| r.driven.duration_s) / seconds(&|r| r.driven.timeline_s),
    }
}
