//! `kneadlab techniques`: every technique of a study's comparison by every machine and by a hand, scored.

use crate::folder::Folder;
use crate::input::{self, Sets};
use crate::print;
use crate::run_score;
use crate::talk::{self, Outcome, say};
use crate::tune::Bars;
use anyhow::bail;
use back::NOTICE;
use serde_json::json;
use sim::Limit;
use std::io::Write;
use std::path::PathBuf;
use tune::{Trial, TuneError, Within, compare_techniques};

/// What to compare, and where the results go.
#[derive(clap::Args)]
pub struct Args {
    /// A study with a `[comparison]`
    study: PathBuf,
    /// Folder for techniques.json
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Threads; 0 is all cores
    #[arg(long, default_value_t = 0, value_parser = input::jobs)]
    jobs: usize,
    /// Print the trials as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sets: Sets,
}

/// Runs all trials and prints the table.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let study = input::study(&args.study, &args.sets)?;
    let Some(comparison) = &study.comparison else {
        bail!(
            "{}: there is nothing to compare\n  hint: give the study a [comparison] with [[comparison.machine]] and [[comparison.part]]",
            args.study.display()
        );
    };
    let folder = match &args.output {
        Some(output) => Some(Folder::open(output, "techniques")?),
        None => None,
    };
    talk::watch_ctrl_c();
    let bars = Bars::default();
    let trials = compare_techniques(&study, comparison, args.jobs, &bars);
    bars.clear();
    let trials = match trials {
        Err(stopped @ TuneError::Stopped) => {
            say(stopped);
            return Ok(Outcome::Stopped);
        }
        trials => trials?,
    };
    let whole = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "notice": NOTICE,
        "study": study.name,
        "study_hash": study.hash(),
        "trials": trials,
    });
    if let Some(mut folder) = folder {
        folder.write_json("techniques.json", &whole)?;
        drop(folder.finish()?);
    }
    if args.json {
        print::json(&whole)?;
    } else {
        table(&trials)?;
    }
    say(NOTICE);
    Ok(Outcome::Good)
}

/// How many limits were passed, and by how much the worst.
fn worst(passed: &[(Limit, f64, f64)]) -> String {
    let over = |(_, value, allowed): &(Limit, f64, f64)| value / allowed.max(1e-9);
    let most = passed.iter().max_by(|a, b| over(a).total_cmp(&over(b)));
    let name = |limit: &Limit| json!(limit).as_str().unwrap_or_default().replace('_', " ");
    let count = match passed.len() {
        1 => "1 limit passed".to_owned(),
        n => format!("{n} limits passed"),
    };
    match most {
        Some(m) if m.2 > 0.0 => format!(
            "{count}, {} by {:.0} %",
            name(&m.0),
            100.0 * (over(m) - 1.0)
        ),
        Some(m) => format!("{count}, {} where none is allowed", name(&m.0)),
        None => count,
    }
}

/// The line below a machine's that passed limits: what they let it do.
fn within_row(trial: &Trial, within: &Within) -> Vec<String> {
    let mut row = run_score::row(
        vec![String::new(), format!("{}, within limits", trial.performer)],
        &within.score,
    );
    let mut notes = vec![
        format!("force x {:.2}", within.force_share),
        format!("time x {:.2}", within.time_share),
    ];
    if !within.passed.is_empty() {
        notes.push(format!(
            "not possible within limits: {}",
            worst(&within.passed)
        ));
    }
    let last = row.len() - 1;
    row[last] = notes.join(", ");
    row
}

fn table(trials: &[Trial]) -> anyhow::Result<()> {
    let mut rows = vec![run_score::head(&["technique", "by"])];
    for trial in trials {
        let lead = vec![trial.technique.clone(), trial.performer.clone()];
        let last = match &trial.score {
            Some(score) => {
                let passed = trial.passed.len();
                let mut row = run_score::row(lead, score);
                let last = row.len() - 1;
                row[last] = if passed > 0 {
                    worst(&trial.passed)
                } else {
                    String::new()
                };
                if let Some(within) = &trial.within {
                    rows.push(row);
                    row = within_row(trial, within);
                }
                row
            }
            None => {
                let mut row = lead;
                row.push("-".into());
                row.extend((0..run_score::COLUMNS.len()).map(|_| String::new()));
                row.push(trial.refused.clone().unwrap_or_default());
                row
            }
        };
        rows.push(last);
    }
    let mut out = print::out();
    print::table(&mut out, 2, &rows)?;
    writeln!(out)?;
    writeln!(out, "{}", run_score::LEGEND)?;
    print::finish(out)
}
