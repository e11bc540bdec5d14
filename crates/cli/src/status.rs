//! `kneadlab status`: how far a sweep is, told from its files alone.

use crate::print;
use crate::submit;
use crate::sweep::place::{self, Place};
use crate::sweep::{duration, rows};
use crate::talk::Outcome;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use tune::sweep::{Counts, Plan};

/// Which sweep.
#[derive(clap::Args)]
pub struct Args {
    /// Its folder
    folder: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Tells.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let (place, study) = Place::read(&args.folder)?;
    let plan = Plan::new(&study)?;
    let status = status(&place, &plan)?;
    if args.json {
        print::json(&status)?;
        return Ok(Outcome::Good);
    }
    let mut out = print::out();
    let count = |key: &str| status[key].as_u64().unwrap_or(0);
    writeln!(
        out,
        "{}: plan {}, build {}",
        plan.name,
        &plan.hash[..16],
        place.manifest.program
    )?;
    let most = if plan.sweep.search.is_some() {
        "at most "
    } else {
        ""
    };
    let rows: Vec<Vec<String>> = ["planned", "done", "infeasible", "failed", "missing"]
        .iter()
        .map(|key| {
            let note = match *key {
                "planned" => format!("{most}{} points on {} cases", plan.points(), plan.cases()),
                "done" => format!(
                    "{} published in {} shards, the rest in {} journals",
                    count("published"),
                    count("shards"),
                    count("journals")
                ),
                _ => String::new(),
            };
            vec![(*key).to_string(), count(key).to_string(), note]
        })
        .collect();
    print::table(&mut out, 1, &rows)?;
    if let Some(parts) = status["submitted"].as_object() {
        let engine = parts["engine"].as_str().unwrap_or_default();
        let (all, missing) = (&parts["parts"], &parts["missing"]);
        writeln!(out, "{missing} of {all} parts for {engine} are missing")?;
    }
    if let Some(eta) = status["eta_s"].as_f64().filter(|s| *s > 0.0) {
        writeln!(
            out,
            "about {} more on {} threads",
            duration(eta),
            status["threads"]
        )?;
    }
    let end = match (count("missing"), status["merged"].as_bool()) {
        (0, Some(true)) => "complete and merged",
        (0, _) => "complete; kneadlab merge puts it together",
        _ => "kneadlab resume goes on",
    };
    writeln!(out, "{end}")?;
    print::finish(out)?;
    Ok(Outcome::Good)
}

/// Counts of a sweep, as JSON.
pub fn status(place: &Place, plan: &Plan) -> anyhow::Result<Value> {
    let mut counts = Counts::default();
    let shards = place.shards()?;
    let (mut published, mut unused) = (0, 0);
    let mut end = 0;
    for shard in shards.iter().filter(|s| !s.again) {
        let mut samples = rows::Samples::open(plan, &shard.path)?;
        let mut rows = 0;
        while let Some(row) = samples.next()? {
            // Shards of other cuts of the plan may overlap, or the plan was longer once.
            if row.record.sample >= end && row.record.sample < plan.samples() {
                counts.add(row.record.state);
                rows += 1;
            }
        }
        if plan.sweep.search.is_some() {
            unused += (shard.end - shard.start).saturating_sub(rows);
        }
        published += rows;
        end = end.max(shard.end);
    }
    for open in place.unpublished(&plan.shard(0, 1))? {
        let mut at = open.start;
        while at < open.end {
            let to = open.end.min(at + Plan::LOT);
            let (known, _) = place.known(&place.journal_folder(), &(at..to))?;
            known.iter().for_each(|r| counts.add(r.state));
            at = to;
        }
    }
    let there = counts.done + counts.infeasible + counts.failed;
    counts.missing = plan.samples() - there - unused;
    let info: Option<Value> = place::read_json(&place.root.join(place::RUN_INFO))?;
    let pace = info.as_ref().and_then(|i| i["seconds_a_sample"].as_f64());
    let threads = info
        .as_ref()
        .and_then(|i| i["threads"].as_u64())
        .unwrap_or(1);
    let eta_s = pace.map(|s| s * counts.missing as f64 / threads.max(1) as f64);
    Ok(json!({
        "study": plan.name,
        "plan_hash": plan.hash,
        "version": place.manifest.version,
        "program": place.manifest.program,
        "planned": plan.samples(),
        "done": counts.done,
        "infeasible": counts.infeasible,
        "failed": counts.failed,
        "missing": counts.missing,
        "not_needed": unused,
        "published": published,
        "shards": shards.len(),
        "journals": place.journals()?.len(),
        "merged": place.root.join(place::RESULTS).exists(),
        "threads": threads,
        "eta_s": eta_s,
        "submitted": submit::standing(place, plan)?,
    }))
}
