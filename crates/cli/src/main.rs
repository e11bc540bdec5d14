//! What this crate does not know: no physics. It prints, writes output files and sets exit codes.
#![doc = include_str!("../README.md")]

// The commands, in the order in which people meet them.
mod new;

mod check;

mod params;

mod body;

mod indent;

mod fit;

mod run;

mod techniques;

mod compare;

mod speed;

mod tune;

mod sweep;

mod submit;

mod status;

mod resume;

mod merge;

mod export;

mod verify;

mod replay;

mod view;

mod schema;

// What they share.
mod folder; // an output folder appears whole or not at all

mod input; // --set, and scenes that may run

mod mat_log; // pressure maps and motor currents over time, as CSV
mod mcap_log; // a run for Foxglove

mod run_folder; // what `run` left, read again

mod result; // a tuned result on disk

mod model; // from a tuned result to what the tables are made of

mod mirror; // the exported runtime as what drives the simulator

mod talk; // stderr, progress and Ctrl-C

mod print; // stdout: numbers and tables

mod force_log; // measured force over depth

mod fit_report; // fitted moduli as a page

mod run_scan; // what a body scan found
mod run_score; // how close a run came to its techniques

mod run_breath;
mod run_gist;
mod run_report; // a run as a page // what carriages and rigs have in common when they have run

mod run_rig; // `run` on the scene of a rig

mod rig_report; // its page

mod safety_page; // what a safety reviewer reads

mod compare_report; // a run beside a log, as a page

mod tune_report; // a tuned chair as a page

mod sweep_report; // a sweep as a page

mod page; // what the pages share

mod chart; // lines, bars and heat maps in SVG

mod picture; // pressure over a back

use clap::{Parser, Subcommand};
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::New(args) => new::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Params(args) => params::run(&args),
        Command::Body(args) => body::run(&args),
        Command::Indent(args) => indent::run(&args),
        Command::Fit(args) => fit::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Techniques(args) => techniques::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Speed(args) => speed::run(&args),
        Command::Tune(args) => tune::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Submit(args) => submit::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Resume(args) => resume::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::View(args) => view::run(&args),
        Command::Schema(args) => schema::run(&args),
    };
    talk::exit_code(result)
}

/// Simulate a massage mechanism on a human back, tune it for many bodies under safety limits, export firmware tables.
#[derive(Parser)]
#[command(name = "kneadlab", version, max_term_width = 110, after_help = back::NOTICE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented scene, mechanism or study that runs
    New(new::Args),
    /// Validate scenes, studies, mechanisms, bodies and stacks; every problem is listed
    Check(check::Args),
    /// List every parameter path: value, unit, range, meaning
    Params(params::Args),
    /// Print a body: sizes, vertebra stations, zones, layer thicknesses, limits
    Body(body::Args),
    /// Press a node into a flat bonded stack: a virtual durometer
    Indent(indent::Args),
    /// Find the layer moduli that explain a measured force-depth curve
    Fit(fit::Args),
    /// Simulate a scene: trace, summary and report
    Run(run::Args),
    /// Let machines and a hand do techniques, and score how close each comes
    Techniques(techniques::Args),
    /// Lay a log of a pressure mat or of motor currents over a run, and score it
    Compare(compare::Args),
    /// Measure the simulator's speed on a scene
    Speed(speed::Args),
    /// Tune a study, export its tables, report: the main job
    Tune(tune::Args),
    /// Compute many variants of a scene: what varies, on whom and what counts stands in the study's [sweep]
    Sweep(sweep::Args),
    /// Cut a sweep into parts and hand them to Slurm, GNU parallel or processes
    Submit(submit::Args),
    /// Tell how far a sweep is, from its files
    Status(status::Args),
    /// Go on with a sweep where it stopped
    Resume(resume::Args),
    /// Put the parts of a sweep together
    Merge(merge::Args),
    /// Write the tables of a tuned result again, or tell two exports apart
    Export(export::Args),
    /// Read exported tables back, compile them, replay them in the simulator, check the caps
    Verify(verify::Args),
    /// Run a target's own log through the tables again: where the two part ways, by how much
    Replay(replay::Args),
    /// Open the viewer
    View(view::Args),
    /// Print the JSON Schema of a kind of file
    #[command(hide = true)]
    Schema(schema::Args),
}
