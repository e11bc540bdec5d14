//! `kneadlab sweep`: many variants of a scene, on many threads or machines, resumed by itself.

pub mod journal;
pub mod keeper;
pub mod lock;
pub mod merge;
pub mod place;
pub mod point;
pub mod rows;
pub mod sheet;

use crate::input::{self, Sets};
use crate::print;
use crate::sweep_report;
use crate::talk::{self, Outcome, say};
use anyhow::{Context, bail};
use clap::ValueEnum;
use journal::Journal;
use keeper::{Keeper, Watcher};
use merge::Merged;
use place::{Place, Texts};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tune::sweep::{Crew, Manner, Plan, Record, Row, Sink, State, SweepError};

/// What to sweep, and where the results go.
#[derive(clap::Args)]
pub struct Args {
    /// A study with a sweep
    study: PathBuf,
    /// Folder for shards, results.parquet, points.parquet, summary.json, report.html; what is there already is not computed again
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    sets: Sets,
}

/// How to work, of `sweep` and `resume`. None of it changes a result.
#[derive(clap::Args)]
pub struct Work {
    /// Threads; 0 takes all cores
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = input::jobs)]
    jobs: usize,
    /// Compute only part I of N, from 0; `merge` puts parts together
    #[arg(long, value_name = "I/N", value_parser = part)]
    shard: Option<Part>,
    /// Go on where a sample fails (the default)
    #[arg(long, conflicts_with = "fail_fast")]
    keep_going: bool,
    /// Stop at the first sample that fails
    #[arg(long)]
    fail_fast: bool,
    /// Compute samples again that ended so
    #[arg(long, value_name = "STATE")]
    rerun: Option<Rerun>,
    /// Tell progress on stderr as lines of JSON
    #[arg(long, value_name = "FORMAT")]
    progress: Option<Progress>,
    /// Go on in a folder of another plan or another program
    #[arg(long)]
    allow_mismatch: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rerun {
    Failed,
    Infeasible,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Progress {
    Json,
}

/// Part `index` of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    index: u64,
    of: u64,
}

/// The whole.
const WHOLE: Part = Part { index: 0, of: 1 };

impl Work {
    /// Whether it names a part.
    pub fn is_part(&self) -> bool {
        self.shard.is_some()
    }

    /// Whether it asks for nothing that another machine would have to be told.
    pub fn is_plain(&self) -> bool {
        let states = self.rerun.is_none() && !self.fail_fast && !self.keep_going;
        states && self.jobs == 0 && self.progress.is_none() && !self.json
    }

    /// Whether another plan or program is allowed.
    pub fn allow_mismatch(&self) -> bool {
        self.allow_mismatch
    }
}

fn part(text: &str) -> Result<Part, String> {
    let wrong = || "write I/N with I below N, such as 0/4".to_string();
    let (index, of) = text.split_once('/').ok_or_else(wrong)?;
    let number = |t: &str| t.parse::<u64>().map_err(|_| wrong());
    let part = Part {
        index: number(index)?,
        of: number(of)?,
    };
    if part.index < part.of && part.of <= 1_000_000 {
        Ok(part)
    } else {
        Err(wrong())
    }
}

/// Sweeps a study into a folder.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let study = input::sweep(&args.study, &args.sets)?;
    let plan = Plan::new(&study)?;
    let texts = Texts::of(&args.study, &args.study, &args.sets.sets)?;
    let place = Place::open(&args.output, &plan, &texts, args.work.allow_mismatch)?;
    work(&plan, &place, &args.work)
}

/// Goes on in a folder whose plan is read from it.
pub fn resume(root: &Path, args: &Work) -> anyhow::Result<Outcome> {
    let (place, study) = Place::read(root)?;
    let plan = Plan::new(&study)?;
    let texts = place.texts()?;
    let place = Place::open(root, &plan, &texts, args.allow_mismatch)?;
    work(&plan, &place, args)
}

fn work(plan: &Plan, place: &Place, args: &Work) -> anyhow::Result<Outcome> {
    talk::watch_ctrl_c();
    place.sweep_up()?;
    let start = Instant::now();
    let part = args.shard.unwrap_or(WHOLE);
    let range = plan.shard(part.index, part.of);
    let crew = Crew::new(args.jobs)?;
    tell_plan(plan, part, &range, &crew);

    let open = place.unpublished(&range)?;
    let left: u64 = open.iter().map(|r| r.end - r.start).sum();
    let mut before = (range.end - range.start) - left;
    // One lot's worth at a time is in memory; the counts alone are wanted here.
    for gap in &open {
        before += journaled(place, gap)?;
    }
    let json_lines = args.progress == Some(Progress::Json);
    let mut pace = None;
    let mut manner = Manner {
        batch: 1,
        fail_fast: args.fail_fast,
    };
    if left > 0 {
        let seconds = pilot(plan, &open[0])?;
        // About a millisecond of work goes on together.
        manner.batch = ((1e-3 / seconds) as usize).clamp(1, 512);
        pace = Some(seconds);
        let todo = (range.end - range.start).saturating_sub(before);
        say(format_args!(
            "{} a sample; {} samples on {} threads take about {}",
            duration(seconds),
            todo,
            crew.threads(),
            duration(seconds * todo as f64 / crew.threads() as f64)
        ));
        run_info(place, &crew, seconds, None)?;
    }
    let watcher = Watcher::new(range.end - range.start, before, json_lines);
    let end = lots(plan, place, &crew, &open, manner, &watcher)
        .and_then(|()| again(plan, place, &crew, args.rerun, manner, &watcher));
    watcher.end();
    match end {
        Ok(()) => {}
        Err(error) => return stopped(plan, place, error),
    }
    place.tidy()?;
    if part.of > 1 {
        return shard_done(plan, place, part, &range, args);
    }
    let merged = merge::merge(
        std::slice::from_ref(place),
        plan,
        place,
        &crew,
        &Judges { plan },
    );
    let merged = match merged {
        Ok(merged) => merged,
        Err(error) => return stopped(plan, place, error),
    };
    let seconds = start.elapsed().as_secs_f64();
    if let Some(pace) = pace {
        run_info(place, &crew, pace, Some(seconds))?;
    }
    sweep_report::write(plan, place, &merged)?;
    report(&merged, place, args.json)?;
    Ok(Outcome::good_if(
        merged.complete && merged.counts.failed == 0,
    ))
}

/// Clock and machine: the one file that is not the same from run to run.
fn run_info(
    place: &Place,
    crew: &Crew,
    seconds_a_sample: f64,
    seconds: Option<f64>,
) -> anyhow::Result<()> {
    let info = json!({
        "seconds_a_sample": seconds_a_sample,
        "seconds": seconds,
        "threads": crew.threads(),
        "host": place::host(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "version": env!("CARGO_PKG_VERSION"),
        "argv": std::env::args().collect::<Vec<_>>(),
    });
    place.put(place::RUN_INFO, &place::pretty(&info)?)
}

/// What a plan comes to.
fn tell_plan(plan: &Plan, part: Part, range: &Range<u64>, crew: &Crew) {
    let cases = match plan.cases() {
        1 => String::new(),
        n => format!(" on {n} bodies and conditions"),
    };
    let most = if plan.sweep.search.is_some() {
        "at most "
    } else {
        ""
    };
    let share = if part.of > 1 {
        format!(
            "; part {} of {}: {} samples",
            part.index,
            part.of,
            range.end - range.start
        )
    } else {
        String::new()
    };
    say(format_args!(
        "{}: {most}{} points{cases}: {most}{} samples, {} threads{share}",
        plan.name,
        plan.points(),
        plan.samples(),
        crew.threads()
    ));
}

/// Seconds that a sample takes on one thread. What is computed here is thrown away.
pub fn pilot(plan: &Plan, open: &Range<u64>) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    for k in 0..64 {
        let start = Instant::now();
        let sample = (open.start + k).min(open.end - 1);
        let record = match plan.sweep.search {
            Some(_) => plan.pilot_record(),
            None => plan.record(sample, &plan.values(plan.place(sample).0)),
        };
        std::hint::black_box(record);
        best = best.min(start.elapsed().as_secs_f64());
        // The first one also fills caches.
        if (k > 0 && begin.elapsed().as_millis() > 100) || begin.elapsed().as_secs() > 2 {
            break;
        }
    }
    Ok(best.max(1e-9))
}

fn journaled(place: &Place, range: &Range<u64>) -> anyhow::Result<u64> {
    let mut count = 0;
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at + Plan::LOT);
        let any = place
            .journals()?
            .iter()
            .any(|(r, _)| r.start < end && at < r.end);
        if any {
            count += place.known(&place.journal_folder(), &(at..end))?.0.len() as u64;
        }
        at = end;
    }
    Ok(count)
}

/// Computes and publishes what is open, lot after lot.
fn lots(
    plan: &Plan,
    place: &Place,
    crew: &Crew,
    open: &[Range<u64>],
    manner: Manner,
    watcher: &Watcher,
) -> anyhow::Result<()> {
    let about = merge::shard_about(plan)?;
    for lot in open.iter().flat_map(|gap| plan.lots(gap.clone())) {
        let path = place.shard_path(&lot);
        if path.exists() {
            // Another worker was faster.
            continue;
        }
        let (known, torn) = place.known(&place.journal_folder(), &lot)?;
        if torn > 0 {
            say(format_args!(
                "{torn} torn line of a journal dropped; its sample is computed again"
            ));
        }
        let journal = Journal::begin(&place.journal_folder(), &plan.hash, &lot)?;
        let keeper = Keeper::new(place, plan, journal, watcher);
        let rows = crew.compute(plan, lot.clone(), known, manner, &keeper)?;
        rows::publish(&path, plan, &about, &rows)?;
        place.tidy()?;
    }
    Ok(())
}

/// Computes samples of a state again, and publishes them beside.
fn again(
    plan: &Plan,
    place: &Place,
    crew: &Crew,
    rerun: Option<Rerun>,
    manner: Manner,
    watcher: &Watcher,
) -> anyhow::Result<()> {
    let state = match rerun {
        None => return Ok(()),
        Some(Rerun::Failed) => State::Failed,
        Some(Rerun::Infeasible) => State::Infeasible,
    };
    if plan.sweep.search.is_some() {
        bail!(
            "the course of a search depends on what failed: nothing of it can be computed again\n  \
             hint: start it anew in another folder"
        );
    }
    let samples = merge::samples_in(std::slice::from_ref(place), plan, state)?;
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        say(format_args!("no sample is {}", state.name()));
        return Ok(());
    };
    let range = *first..last + 1;
    let folder = place.again_folder();
    let (mut known, _) = place.known(&folder, &range)?;
    let todo: Vec<u64> = samples
        .iter()
        .copied()
        .filter(|s| known.get(*s).is_none_or(|r| r.state == state))
        .collect();
    say(format_args!(
        "{} samples that are {} are computed again",
        samples.len(),
        state.name()
    ));
    let journal = Journal::begin(&folder, &plan.hash, &range)?;
    let keeper = Keeper::new(place, plan, journal, watcher);
    let mut rows = crew.again(plan, &todo, manner, &keeper)?;
    for sample in samples {
        if let Some(record) = known.take(sample)
            && record.state != state
        {
            rows.push(Row {
                values: plan.values(plan.place(sample).0),
                record,
            });
        }
    }
    rows.sort_by_key(|r| r.record.sample);
    // What came out as before is there already.
    rows.retain(|r| r.record.state != state);
    if !rows.is_empty() {
        let content: Vec<&Record> = rows.iter().map(|r| &r.record).collect();
        let content = blake3::hash(format!("{content:?}").as_bytes()).to_hex();
        let path = place.again_path(&range, &content);
        rows::publish(&path, plan, &merge::shard_about(plan)?, &rows)?;
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    say(format_args!("{} of them ended otherwise", rows.len()));
    Ok(())
}

/// Sinks for held-out bodies.
pub struct Judges<'a> {
    /// Of this plan.
    pub plan: &'a Plan,
}

struct HeldOutSink {
    journal: Journal,
}

impl Sink for HeldOutSink {
    fn put(&self, records: &[Record]) -> Result<(), String> {
        self.journal.put(records).map_err(|e| format!("{e:#}"))
    }

    fn stop_asked(&self) -> bool {
        talk::stop_asked()
    }
}

impl merge::HeldOut for Judges<'_> {
    fn sink(&self, place: &Place, point: u64) -> anyhow::Result<Box<dyn Sink>> {
        let folder = place.held_out_folder().join(point.to_string());
        let range = 0..self.plan.held_out_cases();
        let journal = Journal::begin(&folder, &self.plan.hash, &range)?;
        Ok(Box::new(HeldOutSink { journal }))
    }
}

/// What is done is kept; how to go on.
fn stopped(plan: &Plan, place: &Place, error: anyhow::Error) -> anyhow::Result<Outcome> {
    let kept = plan.samples() - unknown(plan, place).unwrap_or(plan.samples());
    match error.downcast_ref::<SweepError>() {
        Some(SweepError::Stopped) => {
            say(format_args!(
                "stopped: {kept} of {} samples are kept; kneadlab resume {} goes on",
                plan.samples(),
                place.root.display()
            ));
            Ok(Outcome::Stopped)
        }
        _ => {
            say(format_args!(
                "{kept} of {} samples are kept",
                plan.samples()
            ));
            Err(error)
        }
    }
}

/// Samples that are neither published nor in a journal.
fn unknown(plan: &Plan, place: &Place) -> anyhow::Result<u64> {
    let mut left = 0;
    for gap in place.unpublished(&plan.shard(0, 1))? {
        left += (gap.end - gap.start) - journaled(place, &gap)?;
    }
    Ok(left)
}

fn shard_done(
    plan: &Plan,
    place: &Place,
    part: Part,
    range: &Range<u64>,
    args: &Work,
) -> anyhow::Result<Outcome> {
    let left = unknown(plan, place)?;
    if args.json {
        print::json(&json!({
            "shard": format!("{}/{}", part.index, part.of),
            "samples": range.end - range.start,
            "missing": left,
        }))?;
    }
    say(format_args!(
        "part {} of {} is done; {left} of {} samples are missing in this folder\n\
         next: kneadlab merge {} -o {}",
        part.index,
        part.of,
        plan.samples(),
        place.root.display(),
        place.root.display()
    ));
    Ok(Outcome::Good)
}

/// What came out, for people or as JSON.
pub fn report(merged: &Merged, place: &Place, json: bool) -> anyhow::Result<()> {
    if json {
        return print::json(&merged.summary);
    }
    let s = &merged.summary;
    let mut out = print::out();
    let c = merged.counts;
    writeln!(
        out,
        "{}: {} samples done, {} infeasible, {} failed, {} missing",
        s["study"].as_str().unwrap_or_default(),
        c.done,
        c.infeasible,
        c.failed,
        c.missing
    )?;
    let points = &s["points"];
    writeln!(
        out,
        "points: {} feasible, {} over a limit, {} incomplete",
        points["feasible"], points["over_a_limit"], points["incomplete"]
    )?;
    if let Some(front) = s["front"].as_array().filter(|f| !f.is_empty()) {
        writeln!(out, "front: {} points that no other beats", front.len())?;
    }
    for (key, what) in [
        ("chosen", "chosen"),
        ("nearest", "nothing is feasible; nearest"),
    ] {
        let Some(standing) = s[key].as_object() else {
            continue;
        };
        writeln!(out, "{what}: point {}", standing["point"])?;
        let gap = &s["held_out"]["objectives"];
        let mut rows = Vec::new();
        for (name, value) in standing["values"].as_object().into_iter().flatten() {
            rows.push(vec![format!("  {name}"), shown(value), String::new()]);
        }
        for (name, value) in standing["objectives"].as_object().into_iter().flatten() {
            let held_out = match gap[name].as_f64() {
                Some(v) if key == "chosen" => {
                    format!("on held-out bodies {}", print::number(v))
                }
                _ => String::new(),
            };
            rows.push(vec![format!("  {name}"), shown(value), held_out]);
        }
        print::table(&mut out, 1, &rows)?;
    }
    for name in [
        place::RESULTS,
        place::POINTS,
        place::SUMMARY,
        sweep_report::REPORT,
    ] {
        writeln!(out, "{}", place.root.join(name).display())?;
    }
    print::finish(out)?;
    say(back::NOTICE);
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(v) => print::number(v.as_f64().unwrap_or(f64::NAN)),
        Value::String(v) => v.clone(),
        _ => "-".into(),
    }
}

/// Seconds as people say them.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
