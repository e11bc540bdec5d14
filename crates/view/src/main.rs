#![doc = include_str!("../README.md")]
#![allow(
    elided_lifetimes_in_paths,
    reason = "every parameter of every system would carry one"
)]

mod adapter;
mod mesh;
mod orbit;
mod scene_input;
mod shot;
mod stage;
mod still;

use std::path::PathBuf;
use std::process::ExitCode;

use bevy::app::AppExit;
use clap::Parser;

use crate::orbit::View;
use crate::shot::Shot;

fn main() -> ExitCode {
    let args = Args::parse();
    match show(&args) {
        Ok(AppExit::Success) => ExitCode::SUCCESS,
        Ok(AppExit::Error(code)) => ExitCode::from(code.get()),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Shows a kneadlab scene: the back, the chair's pad and the mechanism.
#[derive(Parser)]
#[command(name = "kneadlab-view", version)]
struct Args {
    /// The scene to show.
    scene: PathBuf,
    /// Change a parameter of the scene, as `kneadlab params` prints it; repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting)]
    sets: Vec<(String, String)>,
    /// Open no window; take one picture and leave.
    #[arg(long, requires = "out")]
    headless: bool,
    /// What the picture shows: view=back, view=side or view=corner.
    #[arg(long, value_name = "view=NAME", default_value = "view=back", value_parser = view)]
    shot: View,
    /// Where the picture goes (PNG).
    #[arg(short, long = "output", value_name = "FILE", id = "out")]
    output: Option<PathBuf>,
    /// Size of the picture or the window, pixels.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x960", value_parser = size)]
    size: [u32; 2],
}

fn show(args: &Args) -> anyhow::Result<AppExit> {
    let scene = scene_input::load(&args.scene, &args.sets)?;
    let still = still::Still::new(&scene)?;
    adapter::probe(args.headless)?;
    Ok(match &args.output {
        Some(path) if args.headless => shot::take(
            still,
            args.shot,
            Shot {
                path: path.clone(),
                size: args.size,
            },
        ),
        _ => stage::open_window(still, args.shot, args.size),
    })
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("expected PATH=VALUE")?;
    Ok((path.trim().to_string(), value.trim().to_string()))
}

fn view(text: &str) -> Result<View, String> {
    match text.split_once('=') {
        Some(("view", name)) => View::from_name(name).ok_or_else(|| {
            format!(
                "no view is called `{name}`; there are {}",
                View::names().join(", ")
            )
        }),
        _ => Err(
            "expected view=NAME; a scene is shown at rest, so there is nothing else to choose"
                .to_string(),
        ),
    }
}

fn size(text: &str) -> Result<[u32; 2], String> {
    let (width, height) = text
        .split_once('x')
        .ok_or("expected WIDTHxHEIGHT, such as 1280x960")?;
    let side = |text: &str| match text.parse() {
        Ok(pixels @ 16..=4096) => Ok(pixels),
        _ => Err(format!("`{text}` is not a number from 16 to 4096")),
    };
    Ok([side(width)?, side(height)?])
}
