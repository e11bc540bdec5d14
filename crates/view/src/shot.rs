//! One picture without a window.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bevy::app::ScheduleRunnerPlugin;
use bevy::camera::RenderTarget;
use bevy::prelude::*;
use bevy::render::render_resource::{PipelineCache, TextureFormat, TextureUsages};
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::render::{Render, RenderApp, RenderSystems};
use bevy::window::ExitCondition;
use bevy::winit::WinitPlugin;

use crate::orbit::View;
use crate::stage;
use crate::still::Still;

/// What is wanted.
#[derive(Resource)]
pub struct Shot {
    /// The PNG to write.
    pub path: PathBuf,
    /// Width and height, pixels.
    pub size: [u32; 2],
}

/// Draws the still, saves the picture and leaves; what goes wrong is told on stderr.
pub fn take(still: Still, view: View, shot: Shot) -> AppExit {
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .build()
            .set(stage::quiet())
            .set(stage::renderer())
            .set(WindowPlugin {
                primary_window: None,
                exit_condition: ExitCondition::DontExit,
                ..default()
            })
            .disable::<WinitPlugin>(),
    )
    .add_plugins(ScheduleRunnerPlugin::run_loop(Duration::ZERO));

    let waiting = Waiting(Arc::new(AtomicUsize::new(usize::MAX)));
    if let Some(render) = app.get_sub_app_mut(RenderApp) {
        render.insert_resource(waiting.clone());
        render.add_systems(Render, count_waiting.in_set(RenderSystems::Cleanup));
    }
    let orbit = stage::orbit(&still, view);
    let [width, height] = shot.size;
    stage::furnish(&mut app, still);
    app.insert_resource(waiting)
        .insert_resource(shot)
        .add_systems(
            Startup,
            move |mut commands: Commands, mut images: ResMut<Assets<Image>>| {
                // Drawn at twice the size and averaged: smoother than the engine's multisampling, and
                // on a processor no slower.
                let format = TextureFormat::Rgba8UnormSrgb;
                let mut picture = Image::new_target_texture(
                    OVERSAMPLE * width,
                    OVERSAMPLE * height,
                    format,
                    None,
                );
                picture.texture_descriptor.usage |= TextureUsages::COPY_SRC;
                let picture = images.add(picture);
                commands.insert_resource(Picture(picture.clone()));
                commands.spawn((
                    stage::camera(orbit, &mut images),
                    RenderTarget::from(picture),
                    Msaa::Off,
                ));
            },
        )
        .add_systems(Update, release)
        .run()
}

const OVERSAMPLE: u32 = 2;
/// Frames without a pipeline being compiled before the picture is taken. New pipelines appear
/// within two frames of the mesh that needs them; the rest is margin.
const QUIET_FRAMES: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Resource)]
struct Picture(Handle<Image>);

/// How many pipelines the render world still compiles.
#[derive(Resource, Clone)]
struct Waiting(Arc<AtomicUsize>);

fn count_waiting(cache: Res<PipelineCache>, waiting: Res<Waiting>) {
    waiting
        .0
        .store(cache.waiting_pipelines().count(), Ordering::Relaxed);
}

/// Asks for the picture once everything that should be in it can be drawn. The engine leaves out
/// what is not compiled yet, without a word.
fn release(
    mut commands: Commands,
    waiting: Res<Waiting>,
    picture: Res<Picture>,
    mut exit: MessageWriter<AppExit>,
    mut quiet: Local<u32>,
    mut start: Local<Option<Instant>>,
) {
    if start.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
        eprintln!(
            "the graphics driver gave no picture within {} s",
            PATIENCE.as_secs()
        );
        exit.write(AppExit::error());
    }
    match waiting.0.load(Ordering::Relaxed) {
        0 => *quiet = quiet.saturating_add(1),
        _ => *quiet = 0,
    }
    if *quiet == QUIET_FRAMES {
        commands
            .spawn(Screenshot::image(picture.0.clone()))
            .observe(save);
    }
}

fn save(captured: On<ScreenshotCaptured>, shot: Res<Shot>, mut exit: MessageWriter<AppExit>) {
    let pixels = captured.image.data.as_deref().unwrap_or_default();
    exit.write(
        match write_png(&shot.path, &halved(pixels, shot.size), shot.size) {
            Ok(()) => AppExit::Success,
            Err(error) => {
                eprintln!("{error:#}");
                AppExit::error()
            }
        },
    );
}

/// Averages squares of `OVERSAMPLE` pixels; four bytes a pixel in, three out.
fn halved(pixels: &[u8], [width, height]: [u32; 2]) -> Vec<u8> {
    let (width, height, n) = (width as usize, height as usize, OVERSAMPLE as usize);
    let mut out = Vec::with_capacity(3 * width * height);
    for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
        for channel in 0..3 {
            let mut sum = 0;
            for (down, right) in (0..n).flat_map(|down| (0..n).map(move |right| (down, right))) {
                let at = ((n * row + down) * n * width + n * column + right) * 4 + channel;
                sum += pixels.get(at).copied().map_or(0, usize::from);
            }
            out.push((sum / (n * n)) as u8);
        }
    }
    out
}

fn write_png(path: &Path, rgb: &[u8], [width, height]: [u32; 2]) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_squares() {
        // Two by two pixels of red 0, 40, 80, 120 make one of red 60.
        let pixels: Vec<u8> = [0, 40, 80, 120]
            .into_iter()
            .flat_map(|red| [red, 7, 255, 255])
            .collect();
        assert_eq!(halved(&pixels, [1, 1]), [60, 7, 255]);
    }
}
