//! `kneadlab submit`: a sweep cut into parts, each handed to an engine that runs it somewhere.
//!
//! An engine starts `kneadlab resume DIR --shard I/N`, and nothing else is asked of it. Part I is a function of the plan, I
//! and N, so it does not matter where it runs, or how often. What is done is read from the folder's files.

mod local;
mod parallel;
mod slurm;

use crate::input::{self, Sets};
use crate::print;
use crate::sweep::place::{self, Place, Texts};
use crate::sweep::{Work, duration, pilot};
use crate::talk::{Outcome, say};
use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use tune::sweep::Plan;

/// What to compute, and who runs it.
#[derive(clap::Args)]
pub struct Args {
    /// A study with a sweep
    study: PathBuf,
    /// Folder for shards; every machine that computes must see it under this path
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Who runs the parts
    #[arg(long)]
    engine: Engine,
    /// Print what would be handed over; write and start nothing
    #[arg(long)]
    dry_run: bool,
    /// A part takes so long or longer, told from a sample that is timed here
    #[arg(long, value_name = "S", default_value_t = 120.0, value_parser = seconds)]
    shard_seconds: f64,
    /// So many parts, however long they take
    #[arg(long, value_name = "N", conflicts_with = "shard_seconds", value_parser = clap::value_parser!(u64).range(1..=MOST_PARTS))]
    shards: Option<u64>,
    /// Cores of a part
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    cpus: u64,
    /// At most so many parts at once; slurm: no limit, parallel and local: the cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_PARTS))]
    limit: Option<u64>,
    /// parallel: machines to use, as its --sshlogin takes them (repeatable)
    #[arg(long, value_name = "HOSTS")]
    sshlogin: Vec<String>,
    /// Go on in a folder of another plan or another program
    #[arg(long)]
    allow_mismatch: bool,
    #[command(flatten)]
    sets: Sets,
    /// Options for sbatch or parallel, as they are: -- --partition=short --time=20
    #[arg(last = true, value_name = "OPTION")]
    options: Vec<String>,
}

/// What starts parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A job array of Slurm
    Slurm,
    /// GNU parallel, here or over ssh
    Parallel,
    /// Processes on this machine
    Local,
}

const MOST_PARTS: u64 = 1_000_000;

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (1e-3..=1e7).contains(&s) => Ok(s),
        _ => Err("allowed: 0.001 to 1e7".into()),
    }
}

/// How parts are handed over: `submit.json`, read again by `resume`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Who runs them.
    pub engine: Engine,
    /// Cores of a part.
    pub cpus: u64,
    /// At most so many at once.
    pub limit: Option<u64>,
    /// Machines of GNU parallel.
    pub sshlogin: Vec<String>,
    /// For the engine, as they are.
    pub options: Vec<String>,
    /// Numbers that Slurm gave the job arrays, in order. For people: nothing is concluded from them.
    pub jobs: Vec<String>,
}

const ORDER: &str = "submit.json";
/// Folder of what the parts say.
const LOG: &str = "log";

/// Parts of a sweep that wait for somebody.
pub struct Job<'a> {
    name: &'a str,
    program: PathBuf,
    /// From the root of the file system: a part may start in any folder.
    root: PathBuf,
    parts: u64,
    missing: Vec<u64>,
    order: &'a Order,
}

impl Job<'_> {
    /// The words that compute a part.
    fn words(&self, part: &str) -> Vec<String> {
        let mut words = vec![self.program.display().to_string(), "resume".into()];
        words.push(self.root.display().to_string());
        words.push("--shard".into());
        words.push(format!("{part}/{}", self.parts));
        words.push("--jobs".into());
        words.push(self.order.cpus.to_string());
        words
    }
}

/// Submits a study.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.engine != Engine::Parallel && !args.sshlogin.is_empty() {
        bail!("--sshlogin goes to GNU parallel\n  hint: --engine parallel");
    }
    if args.engine == Engine::Local && !args.options.is_empty() {
        bail!(
            "processes on this machine take no options: {}",
            args.options.join(" ")
        );
    }
    let study = input::sweep(&args.study, &args.sets)?;
    let plan = Plan::new(&study)?;
    let look = Place::look(&args.output, &plan, args.allow_mismatch).map_err(shared)?;
    let old = order(&args.output)?;
    let order = Order {
        engine: args.engine,
        cpus: args.cpus,
        limit: args.limit,
        sshlogin: args.sshlogin.clone(),
        options: args.options.clone(),
        jobs: old.map_or(Vec::new(), |o| o.jobs),
    };
    if !args.dry_run {
        there(order.engine)?;
    }
    let parts = match look.parts(&plan) {
        Some(parts) => {
            if args.shards.is_some_and(|n| n != parts) {
                bail!(
                    "{} is cut into {parts} parts already\n  hint: leave --shards out, or take another folder",
                    args.output.display()
                );
            }
            say(format_args!(
                "{}: {} samples in {parts} parts, as they were cut before",
                plan.name,
                plan.samples()
            ));
            parts
        }
        None => cut(args, &plan)?,
    };
    if args.dry_run {
        return submit(&plan, &look, order, parts, true);
    }
    let texts = Texts::of(&args.study, &args.study, &args.sets.sets)?;
    let place = Place::open(&args.output, &plan, &texts, args.allow_mismatch)
        .and_then(|place| place.cut(&plan, parts).map(|()| place))
        .map_err(shared)?;
    submit(&plan, &place, order, parts, false)
}

/// Submits again what is missing in a folder.
pub fn again(root: &Path, order: Order, dry_run: bool, work: &Work) -> anyhow::Result<Outcome> {
    if !work.is_plain() {
        bail!(
            "{} was submitted: what is missing goes to its engine, which takes none of these options\n  \
             hint: --here computes on this machine, with all of them",
            root.display()
        );
    }
    let (place, study) = Place::read(root)?;
    let plan = Plan::new(&study)?;
    let look = Place::look(root, &plan, work.allow_mismatch())?;
    let Some(parts) = look.parts(&plan) else {
        bail!(
            "{}: plan.lock.json does not say into how many parts this plan is cut\n  \
             hint: kneadlab submit STUDY -o DIR cuts it; --here computes on this machine",
            root.display()
        );
    };
    if dry_run {
        return submit(&plan, &look, order, parts, true);
    }
    there(order.engine)?;
    let place = Place::open(root, &plan, &place.texts()?, work.allow_mismatch()).map_err(shared)?;
    submit(&plan, &place, order, parts, false)
}

/// How a folder was submitted; `None` if it was not.
pub fn order(root: &Path) -> anyhow::Result<Option<Order>> {
    place::read_json(&root.join(ORDER))
}

/// What `status` adds, where a folder was submitted: parts by how far they are.
pub fn standing(place: &Place, plan: &Plan) -> anyhow::Result<Option<Value>> {
    let (Some(order), Some(parts)) = (order(&place.root)?, place.parts(plan)) else {
        return Ok(None);
    };
    let missing = missing(place, plan, parts)?;
    Ok(Some(json!({
        "engine": order.engine,
        "parts": parts,
        "missing": missing.len(),
        "jobs": order.jobs,
    })))
}

fn submit(
    plan: &Plan,
    place: &Place,
    mut order: Order,
    parts: u64,
    dry_run: bool,
) -> anyhow::Result<Outcome> {
    let missing = missing(place, plan, parts)?;
    if missing.is_empty() {
        complete(place);
        return Ok(Outcome::Good);
    }
    if (missing.len() as u64) < parts {
        say(format_args!(
            "{} of {parts} parts are missing",
            missing.len()
        ));
    }
    let job = Job {
        name: &plan.name,
        program: std::env::current_exe().context("cannot tell where this program lies")?,
        root: fs::canonicalize(&place.root).or_else(|_| std::path::absolute(&place.root))?,
        parts,
        missing,
        order: &order,
    };
    if dry_run {
        let text = match order.engine {
            Engine::Slurm => slurm::script(&job, slurm::longest_array())?,
            Engine::Parallel => parallel::line(&job)?,
            Engine::Local => local::lines(&job)?,
        };
        let mut out = print::out();
        out.write_all(text.as_bytes())?;
        print::finish(out)?;
        return Ok(Outcome::Good);
    }
    let log = place.root.join(LOG);
    fs::create_dir_all(&log).with_context(|| format!("cannot make {}", log.display()))?;
    // Before anything starts: whatever happens from here on, `resume` knows how to go on.
    let kept = |order: &Order| place.put(ORDER, &place::pretty(order)?);
    kept(&order)?;
    let stopped = match order.engine {
        Engine::Slurm => {
            let number = slurm::submit(&job, place)?;
            order.jobs.push(number.clone());
            kept(&order)?;
            let mut out = print::out();
            writeln!(out, "job {number}")?;
            print::finish(out)?;
            let root = place.root.display();
            say(format_args!(
                "look: squeue -j {number}; kneadlab status {root}\n\
                 parts that are still missing when the job is gone: kneadlab resume {root}\n\
                 at last: kneadlab merge {root} -o {root}"
            ));
            return Ok(Outcome::Good);
        }
        Engine::Parallel => parallel::run(&job)?,
        Engine::Local => local::run(&job)?,
    };
    // Whatever the engine said, the files tell.
    let left = self::missing(place, plan, parts)?.len();
    if left == 0 {
        complete(place);
        return Ok(Outcome::Good);
    }
    say(format_args!(
        "{left} of {parts} parts are missing; kneadlab resume {} goes on",
        place.root.display()
    ));
    Ok(if stopped {
        Outcome::Stopped
    } else {
        Outcome::Failed
    })
}

fn complete(place: &Place) {
    let root = place.root.display();
    say(format_args!(
        "every part is published\nnext: kneadlab merge {root} -o {root}"
    ));
}

/// Into how many parts a plan is cut, and what is said about it.
fn cut(args: &Args, plan: &Plan) -> anyhow::Result<u64> {
    let units = units(plan);
    let one_s = pilot(plan, &plan.shard(0, 1))?;
    let whole_s = plan.samples() as f64 * one_s / args.cpus as f64;
    let parts = match args.shards {
        Some(parts) if parts > units => bail!(
            "{parts} parts of {units} {}: these stay whole\n  allowed: 1 to {units}",
            unit_name(plan)
        ),
        Some(parts) => parts,
        None => parts(whole_s, args.shard_seconds, units),
    };
    let most = if plan.sweep.search.is_some() {
        "at most "
    } else {
        ""
    };
    say(format_args!(
        "{}: {most}{} samples in {parts} parts of about {} ({} a sample, --cpus {})",
        plan.name,
        plan.samples(),
        duration(whole_s / parts as f64),
        duration(one_s),
        args.cpus
    ));
    Ok(parts)
}

/// As many parts as take `shard_s` or longer each, of a plan that takes `whole_s` in one part.
fn parts(whole_s: f64, shard_s: f64, units: u64) -> u64 {
    // A number beyond the integers becomes the largest of them.
    ((whole_s / shard_s) as u64).clamp(1, units.clamp(1, MOST_PARTS))
}

/// What a cut does not go through: points, or islands of a search.
fn units(plan: &Plan) -> u64 {
    match plan.sweep.search {
        Some(search) => u64::from(search.islands),
        None => plan.points(),
    }
}

fn unit_name(plan: &Plan) -> &'static str {
    match plan.sweep.search {
        Some(_) => "islands",
        None => "points",
    }
}

/// Parts of which something is not published.
fn missing(place: &Place, plan: &Plan, parts: u64) -> anyhow::Result<Vec<u64>> {
    let open = place.unpublished(&plan.shard(0, 1))?;
    let of = |part: &u64| lacks(&open, &plan.shard(*part, parts));
    Ok((0..parts).filter(of).collect())
}

/// Whether a range meets one of the gaps, which stand in their order.
fn lacks(gaps: &[Range<u64>], range: &Range<u64>) -> bool {
    let first = gaps.partition_point(|gap| gap.end <= range.start);
    gaps.get(first).is_some_and(|gap| gap.start < range.end)
}

/// Numbers in their order, as runs: the first and the last of each.
fn runs(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for n in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *n => *last = *n,
            _ => runs.push((*n, *n)),
        }
    }
    runs
}

/// Words for a shell, quoted where they must be.
fn quoted(words: &[String]) -> anyhow::Result<String> {
    // `shlex` would also quote these, which no shell minds behind a letter or a dash.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+%".contains(c);
    let word = |word: &String| match !word.is_empty() && word.chars().all(plain) {
        true => Ok(word.clone()),
        false => shlex::try_quote(word).map(String::from),
    };
    let words: Result<Vec<String>, _> = words.iter().map(word).collect();
    Ok(words.context("a shell cannot be told this")?.join(" "))
}

/// Makes sure that the engine can be started, before anything is written.
fn there(engine: Engine) -> anyhow::Result<()> {
    let (program, what, hint) = match engine {
        Engine::Local => return Ok(()),
        Engine::Slurm => (
            "sbatch",
            "slurm",
            "run this where jobs are submitted (a login node), or install Slurm's commands (Debian: slurm-client); \
             --engine parallel and local need none; --dry-run prints the script",
        ),
        Engine::Parallel => (
            "parallel",
            "GNU parallel",
            "install it (Debian: parallel; moreutils' parallel is another program); --engine local needs none; \
             --dry-run prints the command",
        ),
    };
    let output = Command::new(program).arg("--version").output();
    let ours = output.is_ok_and(|o| {
        let said = String::from_utf8_lossy(&o.stdout).to_lowercase();
        o.status.success() && said.contains(&what.to_lowercase())
    });
    if ours {
        return Ok(());
    }
    bail!("{program} of {what} does not start here\n  hint: {hint}")
}

/// A folder that cannot be written is of no use to other machines either.
fn shared(error: anyhow::Error) -> anyhow::Error {
    if error.root_cause().is::<std::io::Error>() {
        anyhow::anyhow!(
            "{error:#}\n  hint: choose a folder that this and every computing machine can write, under one path"
        )
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million samples of 50 ms on 16 cores: 26 parts of two minutes and a little, 27 would be shorter than that.
    #[test]
    fn a_part_is_never_shorter_than_asked() {
        assert_eq!(parts(1e6 * 0.05 / 16.0, 120.0, 1_000_000), 26);
        assert_eq!(parts(119.0, 120.0, 1000), 1);
        assert_eq!(parts(1e6, 1.0, 12), 12);
        assert_eq!(parts(1e30, 1e-3, u64::MAX), MOST_PARTS);
    }

    #[test]
    fn gaps_are_found_in_parts() {
        let gaps = [3..5, 9..10];
        let found: Vec<bool> = (0..6).map(|k| lacks(&gaps, &(2 * k..2 * k + 2))).collect();
        assert_eq!(found, [false, true, true, false, true, false]);
        assert!(!lacks(&[], &(0..9)));
    }

    #[test]
    fn numbers_are_told_as_runs() {
        assert_eq!(runs(&[0, 1, 2, 5, 7, 8]), [(0, 2), (5, 5), (7, 8)]);
        assert_eq!(runs(&[]), []);
    }
}
