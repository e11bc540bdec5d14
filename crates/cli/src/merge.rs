//! `kneadlab merge`: parts of a sweep, from one folder or several, put together.

use crate::input;
use crate::sweep::place::Place;
use crate::sweep::{self, Judges, merge};
use crate::sweep_report;
use crate::talk::{self, Outcome, say};
use std::path::PathBuf;
use tune::sweep::{Crew, Plan};

/// What to merge, and where to.
#[derive(clap::Args)]
pub struct Args {
    /// Folders of one plan
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Where results.parquet, points.parquet, summary.json and report.html go; one of the folders, or another
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Threads for held-out bodies; 0 takes all cores
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = input::jobs)]
    jobs: usize,
    /// Merge what different builds of the program made
    #[arg(long)]
    allow_mismatch: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Merges.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    talk::watch_ctrl_c();
    let mut places = Vec::new();
    let mut study = None;
    for folder in &args.folders {
        let (place, its_study) = Place::read(folder)?;
        if !places
            .iter()
            .any(|p: &Place| merge::same_folder(&p.root, folder))
        {
            places.push(place);
        }
        study.get_or_insert(its_study);
    }
    let Some(study) = study else {
        anyhow::bail!("there is no folder to merge");
    };
    let plan = Plan::new(&study)?;
    merge::agree(&places, &plan, args.allow_mismatch)?;
    let out = Place::open(
        &args.output,
        &plan,
        &places[0].texts()?,
        args.allow_mismatch,
    )?;
    let crew = Crew::new(args.jobs)?;
    let merged = match merge::merge(&places, &plan, &out, &crew, &Judges { plan: &plan }) {
        Err(e) if talk::stop_asked() => {
            say(e);
            return Ok(Outcome::Stopped);
        }
        merged => merged?,
    };
    sweep_report::write(&plan, &out, &merged)?;
    sweep::report(&merged, &out, args.json)?;
    if !merged.complete {
        say(format_args!(
            "error: {} samples are missing\n  hint: kneadlab resume DIR computes them",
            merged.counts.missing
        ));
    }
    Ok(Outcome::good_if(
        merged.complete && merged.counts.failed == 0,
    ))
}
