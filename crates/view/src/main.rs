#![doc = include_str!("../README.md")]
#![allow(
    elided_lifetimes_in_paths,
    reason = "every parameter of every system would carry one"
)]

mod adapter;
mod booth;
mod clay;
mod colour;
mod dent;
mod desk;
mod easel;
mod figure;
mod furniture;
mod gloss;
mod layout;
mod ledger;
mod live;
mod mesh;
mod orbit;
mod paint;
mod panels;
mod parts;
mod points;
mod rig_parts;
mod run;
mod section;
mod shot;
mod show;
mod skin;
mod stage;
mod studio;
mod tuning;
mod wish;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bevy::app::AppExit;
use clap::Parser;

use crate::booth::{Booth, Booths};
use crate::layout::Layout;
use crate::orbit::View;
use crate::points::Pick;
use crate::run::End;
use crate::shot::{Shots, Wanted};
use crate::show::Show;
use crate::studio::Opening;
use crate::tuning::Tuning;
use crate::wish::Wish;

fn main() -> ExitCode {
    let args = Args::parse();
    match view(&args) {
        Ok(AppExit::Success) => ExitCode::SUCCESS,
        Ok(AppExit::Error(code)) => {
            // The engine has told the cause, if it knows one.
            eprintln!("the picture broke off; no scene and no result was changed");
            ExitCode::from(code.get())
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Shows a kneadlab scene while it is simulated: the back, the mechanism, the pressure between them.
#[derive(Parser)]
#[command(name = "kneadlab-view", version)]
#[command(group(clap::ArgGroup::new("results").args(["out", "csv"]).multiple(true)))]
struct Args {
    /// The scene to show, or a rig; or the folder of a run or a sweep.
    scene: PathBuf,
    /// Of a sweep's folder: which point; without it the chosen one.
    #[arg(long, value_name = "N")]
    point: Option<u64>,
    /// Of a sweep's folder: which case of the point, bodies times lists of conditions.
    #[arg(long, value_name = "N", requires = "point")]
    case: Option<u64>,
    /// Another scene beside it, over the same scale.
    #[arg(long, value_name = "SCENE")]
    beside: Option<PathBuf>,
    /// Change a parameter of the scene, as `kneadlab params` prints it; repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting)]
    sets: Vec<(String, String)>,
    /// The same for the scene beside it; repeatable. Without --beside the same scene stands there.
    #[arg(long = "beside-set", value_name = "PATH=VALUE", value_parser = setting)]
    beside_sets: Vec<(String, String)>,
    /// Open no window; write pictures or numbers and leave.
    #[arg(long, requires = "results")]
    headless: bool,
    /// What is shown, keys and values: view=back|side|corner|node|section, t=SECONDS, colour=pressure|indentation|shear|dose|
    /// pain-fraction|nothing, unit=kPa|N/cm2|mmHg, top=VALUE in the unit, show=LAYER+LAYER, hide=LAYER+LAYER. Repeatable: a
    /// picture each, by itself view=back. A window without it is as it was left.
    #[arg(long, value_name = "KEY=VALUE,...")]
    shot: Vec<Wish>,
    /// Where the picture goes (PNG), one for each --shot; with --frames a folder.
    #[arg(short, long = "output", value_name = "FILE", id = "out")]
    output: Vec<PathBuf>,
    /// Many pictures instead of one: FROM..TO seconds of the run at so many a second, numbered for a film.
    #[arg(long, value_name = "FROM..TO@RATE", value_parser = wish::frames, requires = "headless")]
    frames: Option<Vec<f64>>,
    /// What is plotted, as numbers in a file (CSV); the run beside goes to FILE.beside.csv. Needs no driver.
    #[arg(long, value_name = "FILE", requires = "headless")]
    csv: Option<PathBuf>,
    /// The part of the run that goes into --csv; in a window, what is played again and again. Seconds.
    #[arg(long, value_name = "FROM..TO", value_parser = wish::span)]
    span: Option<Span>,
    /// Size of the picture (by itself 1280x960) or the window (as it was left), pixels.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = wish::size)]
    size: Option<[u32; 2]>,
    /// No shadows and no smoothing; by itself where the processor draws and a window is open.
    #[arg(long)]
    reduced: bool,
    /// All of it even where the processor draws.
    #[arg(long, conflicts_with = "reduced")]
    full: bool,
    /// Print how fast pictures are drawn; in a window every two seconds.
    #[arg(long)]
    timed: bool,
}

/// Beginning and end, s.
type Span = [f64; 2];

fn view(args: &Args) -> anyhow::Result<AppExit> {
    let mut booths = vec![opened(&args.scene, &args.sets, args)?];
    if args.beside.is_some() || !args.beside_sets.is_empty() {
        let path = args.beside.as_deref().unwrap_or(&args.scene);
        booths.push(opened(path, &args.beside_sets, args)?);
    }
    let pictures = !args.headless || !args.output.is_empty();
    let driver = pictures
        .then(|| adapter::probe(args.headless))
        .transpose()?;
    let until_s = until_s(args);
    let open = |tuning| Booth::open(tuning, until_s);
    let booths = Booths(booths.into_iter().map(open).collect());
    if let Some(file) = &args.csv {
        write_csv(&booths, args.span, file)?;
    }
    let Some(driver) = driver else {
        return Ok(AppExit::Success);
    };
    let by_itself = driver.is_processor && !args.headless && !args.full;
    let reduced = args.reduced || by_itself;
    if args.headless {
        return shot::take(booths, shots(args, reduced)?);
    }
    let opening = Opening {
        on_processor: driver.is_processor,
        ..desk_top(args, reduced)
    };
    Ok(studio::open_window(booths, opening))
}

/// How far somebody looks who only wants pictures or numbers, s; in a window, to the end.
fn until_s(args: &Args) -> Option<f64> {
    if !args.headless || (args.csv.is_some() && args.span.is_none()) {
        return None;
    }
    let span = args.span.filter(|_| args.csv.is_some());
    let shots = args.shot.iter().map(|wish| wish.t_s);
    let frames = args.frames.iter().flatten().copied();
    let last = shots.chain(frames).chain(span.map(|[_, last_s]| last_s));
    // One moment at least.
    Some(last.fold(1e-3, f64::max))
}

/// What shall be shown. What is wrong with it is told on the terminal, before a window opens on nothing.
fn opened(path: &Path, sets: &[(String, String)], args: &Args) -> anyhow::Result<Tuning> {
    let tuning = Tuning::open(path, sets)?;
    let Some(pick) = tuning.pick() else {
        if args.point.is_some() && args.beside.is_none() {
            anyhow::bail!(
                "{} is no folder of a sweep, and only a sweep has points",
                path.display()
            );
        }
        live::check(tuning.path(), sets)?;
        return Ok(tuning);
    };
    let points = Arc::clone(&pick.points);
    let pick = Pick::new(points, args.point, args.case.unwrap_or(0))?;
    pick.scene()?;
    Ok(Tuning::of_point(pick))
}

/// The window as it was left, and what the command line says otherwise.
fn desk_top(args: &Args, reduced: bool) -> Opening {
    let kept = Layout::path();
    let mut layout = kept.as_deref().map(Layout::read).unwrap_or_default();
    layout.size = args.size.unwrap_or(layout.size);
    let wish = args.shot.first();
    let show = wish.map_or_else(|| layout.show(), |wish| wish.show.clone());
    Opening {
        view: wish.map_or(View::Back, |wish| wish.view),
        show: Show { reduced, ..show },
        span_s: args.span,
        layout,
        kept,
        on_processor: false,
        timed: args.timed,
    }
}

/// What is plotted of each run, once it is simulated.
fn write_csv(booths: &Booths, span_s: Option<Span>, file: &Path) -> anyhow::Result<()> {
    let span_s = span_s.unwrap_or([0.0, f64::INFINITY]);
    let files = [file.to_path_buf(), ledger::beside(file)];
    for (booth, file) in booths.0.iter().zip(files) {
        let run = booth.wait(span_s[1])?;
        let rows = ledger::save(&run, span_s, &file)?;
        eprintln!("{rows} rows in {}", file.display());
        if let Some(End::Fault(fault)) = run.film(|film| film.end.clone()) {
            anyhow::bail!("the run broke off: {fault}");
        }
    }
    Ok(())
}

fn shots(args: &Args, reduced: bool) -> anyhow::Result<Shots> {
    let usual = [Wish::default()];
    let wishes = match args.shot.as_slice() {
        [] => &usual,
        wishes => wishes,
    };
    let wanted = match (&args.frames, wishes, args.output.as_slice()) {
        (Some(times), [wish], [folder]) => wish::numbered(folder, wish, times)?,
        (None, wishes, paths) if wishes.len() == paths.len() => {
            let pairs = wishes.iter().cloned().zip(paths.iter().cloned());
            pairs.map(|(wish, path)| Wanted { wish, path }).collect()
        }
        (_, wishes, paths) => anyhow::bail!(
            "{} --shot and {} -o: a picture needs one of each, and --frames one of both",
            wishes.len(),
            paths.len()
        ),
    };
    Ok(Shots {
        wanted,
        size: args.size.unwrap_or(Layout::default().size),
        reduced,
        timed: args.timed,
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("expected PATH=VALUE")?;
    Ok((path.trim().to_string(), value.trim().to_string()))
}
