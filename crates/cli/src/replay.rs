//! `kneadlab replay`: a target's own log through the mirror of the runtime.

use crate::talk::{Outcome, say};
use crate::{export, print};
use anyhow::{Context, bail};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use table::Tables;
use table::log::{self, Comparison, Difference};
use table::tables::{DEPTH_PER_M, NO_TECHNIQUE};

/// A log and the tables that the target had.
#[derive(clap::Args)]
pub struct Args {
    /// What the target logged, as CSV
    #[arg(required_unless_present = "record", conflicts_with = "record")]
    log: Option<PathBuf>,
    /// What `kneadlab tune` or `kneadlab export` wrote, or its .bin
    #[arg(long, value_name = "OUT")]
    tables: PathBuf,
    /// Print a log of the tables themselves, on a machine that obeys at once: what a target's log looks like
    #[arg(long)]
    record: bool,
    /// Body class of the log that is recorded, by number; 255 is a body of unknown class
    #[arg(long, value_name = "CLASS", default_value_t = 255, requires = "record")]
    body: u8,
    /// Print JSON
    #[arg(long, conflicts_with = "record")]
    json: bool,
}

/// Good where target and tables said the same.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let tables = export::tables(&args.tables)?;
    let Some(path) = &args.log else {
        return record(&tables, args.body);
    };
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    let log = match log::read(&text) {
        Ok(log) => log,
        Err(problems) => {
            for problem in &problems {
                say(format_args!(
                    "{}:{}: error: {}",
                    path.display(),
                    problem.line,
                    problem.message
                ));
            }
            return Ok(Outcome::Failed);
        }
    };
    let found = log::compare(&tables, &log);
    if args.json {
        print::json(&found)?;
    } else {
        tell(&tables, &found)?;
    }
    if let Some(first) = &found.first {
        say(format_args!(
            "error: {}:{}: target and tables part ways",
            path.display(),
            first.line
        ));
    }
    Ok(Outcome::good_if(found.same()))
}

fn record(tables: &Tables, body: u8) -> anyhow::Result<Outcome> {
    let classes = tables.class_names.len();
    if body != 255 && usize::from(body) >= classes {
        bail!(
            "--body {body}: there are {classes} classes, 0 to {}, and 255 for a body of unknown class",
            classes - 1
        );
    }
    let mut out = print::out();
    write!(out, "{}", log::record(tables, body, tables.limits.requires))?;
    print::finish(out)?;
    Ok(Outcome::Good)
}

fn tell(tables: &Tables, found: &Comparison) -> anyhow::Result<()> {
    let mut out = print::out();
    let seconds = found.ticks as f64 * 0.01;
    writeln!(
        out,
        "{} rows, {seconds:.2} s in {} sessions; compared: {}",
        found.rows,
        found.sessions,
        found.compared.join(", ")
    )?;
    match &found.first {
        None => writeln!(out, "the same in every row")?,
        Some(first) => tell_first(&mut out, tables, first)?,
    }
    for (name, column) in &found.columns {
        writeln!(
            out,
            "  {name}: {} rows differ, at most {}",
            column.rows,
            in_units(name, column.most)
        )?;
    }
    for (name, [log, mirror]) in &found.counts_differ {
        writeln!(out, "  counter {name}: log {log}, tables {mirror}")?;
    }
    let list = |map: Vec<String>| {
        if map.is_empty() {
            "none".to_string()
        } else {
            map.join(", ")
        }
    };
    let counts = found.counts.iter().filter(|(_, n)| **n > 0);
    let flags = found.flags.iter();
    let caps = found.caps.iter();
    let rows = [
        (
            "counters",
            list(counts.map(|(k, n)| format!("{k} {n}")).collect()),
        ),
        (
            "flags, rows",
            list(flags.map(|(k, n)| format!("{k} {n}")).collect()),
        ),
        (
            "rows at a cap, by zone",
            list(caps.map(|(k, n)| format!("{k} {n}")).collect()),
        ),
        ("ends", found.ends.join(", ")),
    ];
    let rows = rows.map(|(a, b)| vec![a.to_string(), b]);
    print::table(&mut out, 2, &rows)?;
    print::finish(out)
}

fn tell_first(out: &mut impl Write, tables: &Tables, first: &Difference) -> anyhow::Result<()> {
    let row = tables.steps.get(usize::from(first.step));
    let technique = row.map_or(NO_TECHNIQUE, |r| r.technique);
    let name = tables.techniques.get(usize::from(technique));
    writeln!(
        out,
        "part ways at tick {} of session {} (line {}): step {} ({}), phase {}, station u {:.3}",
        first.tick,
        first.session + 1,
        first.line,
        first.step,
        name.map_or("travel", String::as_str),
        PHASES.get(usize::from(first.phase)).unwrap_or(&"?"),
        first.u
    )?;
    for (name, log, mirror) in &first.values {
        writeln!(
            out,
            "  {name}: target {log}, tables {mirror}: {}",
            in_units(name, log - mirror)
        )?;
    }
    if let Some((zone, depth_mm)) = &first.cap {
        writeln!(out, "  cap there: {depth_mm:.2} mm, zone {zone}")?;
    }
    if !first.flags.is_empty() {
        writeln!(out, "  flags: {}", first.flags.join(", "))?;
    }
    Ok(())
}

const PHASES: [&str; 6] = ["retract", "travel", "approach", "work", "done", "fault"];

/// A difference as people read it.
fn in_units(column: &str, difference: i64) -> String {
    let d = difference as f64;
    match column {
        "out_depth" => format!("{:+.2} mm", d * 1e3 / DEPTH_PER_M),
        "out_speed" => format!("{:+.1} mm/s", d / 10.0),
        // One of the two let the shaft stand, and the other turned it.
        "out_park" if difference.abs() > 36_000 => "a shaft that stays".to_owned(),
        "out_park" => format!("{:+.2} degrees", d / 100.0),
        "out_station" => format!("{difference:+} station units"),
        _ => format!("{difference:+}"),
    }
}
