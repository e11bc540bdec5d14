#![doc = include_str!("../README.md")]
#![allow(
    elided_lifetimes_in_paths,
    reason = "every parameter of every system would carry one"
)]

mod adapter;
mod booth;
mod colour;
mod dent;
mod desk;
mod figure;
mod furniture;
mod live;
mod mesh;
mod orbit;
mod paint;
mod panels;
mod parts;
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

use std::path::PathBuf;
use std::process::ExitCode;

use bevy::app::AppExit;
use clap::Parser;

use crate::booth::{Booth, Booths};
use crate::shot::{Shots, Wanted};
use crate::show::Show;
use crate::wish::Wish;

fn main() -> ExitCode {
    let args = Args::parse();
    match view(&args) {
        Ok(AppExit::Success) => ExitCode::SUCCESS,
        Ok(AppExit::Error(code)) => ExitCode::from(code.get()),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Shows a kneadlab scene while it is simulated: the back, the mechanism, the pressure between them.
#[derive(Parser)]
#[command(name = "kneadlab-view", version)]
struct Args {
    /// The scene to show, or a rig.
    scene: PathBuf,
    /// Another scene beside it, over the same scale.
    #[arg(long, value_name = "SCENE")]
    beside: Option<PathBuf>,
    /// Change a parameter of the scene, as `kneadlab params` prints it; repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting)]
    sets: Vec<(String, String)>,
    /// The same for the scene beside it; repeatable. Without --beside the same scene stands there.
    #[arg(long = "beside-set", value_name = "PATH=VALUE", value_parser = setting)]
    beside_sets: Vec<(String, String)>,
    /// Open no window; take pictures and leave.
    #[arg(long, requires = "out")]
    headless: bool,
    /// What is shown, keys and values: view=back|side|corner|node|section, t=SECONDS, colour=pressure|indentation|shear|dose|
    /// pain-fraction|nothing, unit=kPa|N/cm2|mmHg, top=VALUE in the unit, show=LAYER+LAYER, hide=LAYER+LAYER. Repeatable: a
    /// picture each.
    #[arg(long, value_name = "KEY=VALUE,...", default_value = "view=back")]
    shot: Vec<Wish>,
    /// Where the picture goes (PNG), one for each --shot; with --frames a folder.
    #[arg(short, long = "output", value_name = "FILE", id = "out")]
    output: Vec<PathBuf>,
    /// Many pictures instead of one: FROM..TO seconds of the run at so many a second, numbered for a film.
    #[arg(long, value_name = "FROM..TO@RATE", value_parser = wish::frames, requires = "headless")]
    frames: Option<Vec<f64>>,
    /// Size of the picture or the window, pixels.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x960", value_parser = wish::size)]
    size: [u32; 2],
    /// No shadows and no smoothing; by itself where the processor draws and a window is open.
    #[arg(long)]
    reduced: bool,
    /// All of it even where the processor draws.
    #[arg(long, conflicts_with = "reduced")]
    full: bool,
    /// Print how long each picture took.
    #[arg(long)]
    timed: bool,
}

fn view(args: &Args) -> anyhow::Result<AppExit> {
    let mut booths = vec![(args.scene.as_path(), args.sets.as_slice())];
    if args.beside.is_some() || !args.beside_sets.is_empty() {
        let path = args.beside.as_deref().unwrap_or(&args.scene);
        booths.push((path, args.beside_sets.as_slice()));
    }
    // Told on the terminal, before a window opens on nothing.
    for (path, sets) in &booths {
        live::check(path, sets)?;
    }
    let driver = adapter::probe(args.headless)?;
    let by_itself = driver.is_processor && !args.headless && !args.full;
    let reduced = args.reduced || by_itself;
    let booths = Booths(
        booths
            .into_iter()
            .map(|(path, sets)| Booth::open(path, sets))
            .collect(),
    );
    if args.headless {
        return shot::take(booths, shots(args, reduced)?);
    }
    let wish = args.shot.first().cloned().unwrap_or_default();
    let show = Show {
        reduced,
        ..wish.show
    };
    Ok(studio::open_window(booths, show, wish.view, args.size))
}

fn shots(args: &Args, reduced: bool) -> anyhow::Result<Shots> {
    let wanted = match (&args.frames, args.shot.as_slice(), args.output.as_slice()) {
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
        size: args.size,
        reduced,
        timed: args.timed,
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("expected PATH=VALUE")?;
    Ok((path.trim().to_string(), value.trim().to_string()))
}
