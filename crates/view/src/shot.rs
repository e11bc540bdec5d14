//! Pictures without a window: one, or one after the other.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bevy::app::ScheduleRunnerPlugin;
use bevy::camera::{ImageRenderTarget, RenderTarget};
use bevy::prelude::*;
use bevy::render::render_resource::{PipelineCache, TextureFormat, TextureUsages};
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::render::{Render, RenderApp, RenderSystems};
use bevy::window::ExitCondition;
use bevy::winit::WinitPlugin;

use crate::booth::Booths;
use crate::orbit::{Orbit, Sight, View};
use crate::panels;
use crate::show::{Play, Show};
use crate::stage;
use crate::studio;
use crate::wish::Wish;

/// What is wanted.
#[derive(Resource, Clone, Debug)]
pub struct Shots {
    /// The pictures.
    pub wanted: Vec<Wanted>,
    /// Width and height, pixels.
    pub size: [u32; 2],
    /// No shadows, and no smoothing of edges.
    pub reduced: bool,
    /// Prints how fast the pictures were drawn.
    pub timed: bool,
}

/// One picture.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is shown, from where, when.
    pub wish: Wish,
    /// The PNG to write.
    pub path: PathBuf,
}

/// Simulates as far as is wanted, draws, saves and leaves; what goes wrong is told on stderr.
///
/// # Errors
/// Why a scene cannot run.
pub fn take(booths: Booths, shots: Shots) -> anyhow::Result<AppExit> {
    // Simulated first: drawing on the processor would take it from the simulation.
    let first_s = shots.wanted.first().map_or(0.0, |wanted| wanted.wish.t_s);
    for booth in &booths.0 {
        booth.wait(first_s)?;
    }
    Ok(app(booths, shots).run())
}

/// The program without a window, ready to run.
pub fn app(booths: Booths, shots: Shots) -> App {
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .build()
            .set(studio::quiet())
            .set(studio::renderer())
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
    studio::furnish(&mut app, booths, Show::default());
    panels::overlay(&mut app);
    app.insert_resource(waiting)
        .insert_resource(shots)
        .init_resource::<Roll>()
        .add_systems(Startup, set_up)
        .add_systems(First, aim)
        .add_systems(Last, release);
    app
}

/// Pictures are drawn at twice the size and averaged: smoother than the engine's multisampling, and on a processor no slower.
const OVERSAMPLE: u32 = 2;
/// Frames without a pipeline being compiled before a picture is taken. New pipelines appear
/// within two frames of the mesh that needs them; the rest is margin.
const QUIET_FRAMES: u32 = 4;
/// Frames that are drawn to say how long one takes.
const TIMED_FRAMES: u32 = 20;
/// As long as nothing is drawn, the driver is given up; as long as nothing is simulated, the simulation.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Resource)]
struct Picture(RenderTarget);

/// How many pipelines the render world still compiles.
#[derive(Resource, Clone)]
struct Waiting(Arc<AtomicUsize>);

/// How far the roll of pictures is.
#[derive(Resource, Default)]
struct Roll {
    taken: usize,
    /// Asked for and not yet captured.
    under_way: bool,
    quiet: u32,
    aimed: bool,
    /// Since when the picture is drawn, and how many times it was.
    drawn: Option<(Instant, u32)>,
    last: Option<Instant>,
}

fn count_waiting(cache: Res<PipelineCache>, waiting: Res<Waiting>) {
    waiting
        .0
        .store(cache.waiting_pipelines().count(), Ordering::Relaxed);
}

fn set_up(
    mut commands: Commands,
    mut images: ResMut<Assets<Image>>,
    mut panels: ResMut<bevy_egui::EguiGlobalSettings>,
    shots: Res<Shots>,
    sight: Res<Sight>,
) {
    let [width, height] = shots.size;
    let oversample = shots.oversample();
    let format = TextureFormat::Rgba8UnormSrgb;
    let mut picture =
        Image::new_target_texture(oversample * width, oversample * height, format, None);
    picture.texture_descriptor.usage |= TextureUsages::COPY_SRC;
    let picture = images.add(picture);
    let target = RenderTarget::Image(ImageRenderTarget {
        handle: picture,
        scale_factor: oversample as f32,
    });
    commands.insert_resource(Picture(target.clone()));
    let orbit = Orbit::new(View::Back, &sight);
    commands.spawn((stage::camera(orbit, &mut images), target.clone(), Msaa::Off));
    panels.auto_create_primary_context = false;
    commands.spawn((panels::camera(), target, Msaa::Off));
}

impl Shots {
    fn oversample(&self) -> u32 {
        if self.reduced { 1 } else { OVERSAMPLE }
    }
}

/// Points camera and time at the next picture, once the run is simulated so far.
fn aim(
    booths: Res<Booths>,
    shots: Res<Shots>,
    sight: Res<Sight>,
    mut roll: ResMut<Roll>,
    mut play: ResMut<Play>,
    mut show: ResMut<Show>,
    mut camera: Single<(&mut Orbit, &mut Transform)>,
) {
    let Some(Wanted { wish, .. }) = shots.wanted.get(roll.taken) else {
        return;
    };
    let [recorded_s, duration_s] = booths.spans_s();
    let all = booths
        .0
        .iter()
        .all(|booth| booth.run.is_some() && booth.coming().is_none());
    let wanted_s = wish.t_s.min(duration_s);
    roll.aimed = all && recorded_s >= wanted_s;
    *play = Play {
        playing: false,
        // Before that, what is there already is drawn, which gets the pipelines compiled.
        t_s: if roll.aimed { wanted_s } else { 0.0 },
        horizon_s: shots.wanted.iter().map(|w| w.wish.t_s).fold(0.0, f64::max),
        ..Play::default()
    };
    let wanted = Show {
        reduced: shots.reduced,
        ..wish.show.clone()
    };
    show.set_if_neq(wanted);
    let (orbit, transform) = &mut *camera;
    **orbit = Orbit::new(wish.view, &sight);
    **transform = orbit.transform();
    if !roll.aimed {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks for the picture once everything that should be in it can be drawn. The engine leaves out
/// what is not compiled yet, without a word.
fn release(
    mut commands: Commands,
    waiting: Res<Waiting>,
    picture: Res<Picture>,
    shots: Res<Shots>,
    mut roll: ResMut<Roll>,
    mut exit: MessageWriter<AppExit>,
) {
    if roll.last.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
        eprintln!("no picture came within {} s", PATIENCE.as_secs());
        exit.write(AppExit::error());
    }
    if !roll.aimed || roll.under_way {
        return;
    }
    let (since, frames) = roll.drawn.unwrap_or((Instant::now(), 0));
    roll.drawn = Some((since, frames + 1));
    match waiting.0.load(Ordering::Relaxed) {
        0 => roll.quiet += 1,
        _ => roll.quiet = 0,
    }
    // The camera follows the moment by one frame.
    let enough = if shots.timed {
        TIMED_FRAMES
    } else {
        QUIET_FRAMES
    };
    if roll.quiet >= enough {
        roll.under_way = true;
        commands.spawn(Screenshot(picture.0.clone())).observe(save);
    }
}

fn save(
    captured: On<ScreenshotCaptured>,
    shots: Res<Shots>,
    mut roll: ResMut<Roll>,
    mut exit: MessageWriter<AppExit>,
) {
    let Some(Wanted { wish, path }) = shots.wanted.get(roll.taken) else {
        return;
    };
    let pixels = captured.image.data.as_deref().unwrap_or_default();
    let averaged = averaged(pixels, shots.size, shots.oversample() as usize);
    if let Err(error) = write_png(path, &averaged, shots.size) {
        eprintln!("{error:#}");
        exit.write(AppExit::error());
        return;
    }
    if let Some((since, frames)) = roll.drawn.filter(|_| shots.timed) {
        let rate = f64::from(frames) / since.elapsed().as_secs_f64();
        eprintln!("t = {:.2} s: {rate:.1} frames/s", wish.t_s);
    }
    *roll = Roll {
        taken: roll.taken + 1,
        last: Some(Instant::now()),
        ..Roll::default()
    };
    if roll.taken == shots.wanted.len() {
        exit.write(AppExit::Success);
    }
}

/// Averages squares of `n` pixels each way; four bytes a pixel in, three out.
fn averaged(pixels: &[u8], [width, height]: [u32; 2], n: usize) -> Vec<u8> {
    let (width, height) = (width as usize, height as usize);
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

/// Three bytes a pixel as a PNG.
pub fn write_png(path: &Path, rgb: &[u8], [width, height]: [u32; 2]) -> anyhow::Result<()> {
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
    use crate::booth::Booth;
    use crate::tuning::Tuning;

    #[test]
    fn halving_averages_squares() {
        // Two by two pixels of red 0, 40, 80, 120 make one of red 60.
        let pixels: Vec<u8> = [0, 40, 80, 120]
            .into_iter()
            .flat_map(|red| [red, 7, 255, 255])
            .collect();
        assert_eq!(averaged(&pixels, [1, 1], 2), [60, 7, 255]);
    }

    /// Files below scenes/ that can be shown: scenes of carriages and of rigs, and rigs by themselves.
    fn shipped() -> Vec<PathBuf> {
        let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
        let mut files = Vec::new();
        for folder in ["", "checks", "faults", "mechanisms"] {
            for entry in std::fs::read_dir(scenes.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let is_toml = path.extension().is_some_and(|e| e == "toml");
                let kind = is_toml.then(|| scene::FileKind::of(&path).unwrap());
                use scene::FileKind::{Rig, RigScene, Scene};
                if matches!(kind, Some(Scene | RigScene | Rig)) {
                    files.push(path);
                }
            }
        }
        files.sort();
        files
    }

    fn draw(app: &mut App, what: &str, mut until: impl FnMut(&mut World) -> bool) {
        let start = Instant::now();
        while !until(app.world_mut()) {
            assert!(start.elapsed() < PATIENCE, "waited for {what}");
            app.update();
        }
    }

    fn open_eyes(app: &mut App, open: bool) {
        let mut eyes = app.world_mut().query_filtered::<&mut Camera, With<Orbit>>();
        for mut eye in eyes.iter_mut(app.world_mut()) {
            eye.is_active = open;
        }
    }

    /// Waits for the simulation without drawing, which would take the processor from it.
    fn wait(app: &mut App, what: &str, mut until: impl FnMut(&mut World) -> bool) {
        open_eyes(app, false);
        draw(app, what, |world| {
            std::thread::sleep(Duration::from_millis(20));
            until(world)
        });
        open_eyes(app, true);
    }

    fn booth<T>(world: &mut World, look: impl FnOnce(&mut Booth) -> T) -> T {
        look(&mut world.resource_mut::<Booths>().0[0])
    }

    fn settled(world: &mut World) -> bool {
        booth(world, |b| b.run.is_some() && b.coming().is_none())
    }

    /// The whole program without a window: every shipped scene and rig opens, plays for 120 frames and gives a picture; a change of a
    /// parameter changes the run; what is wrong is told and the last good run stays. One program for all of it, because most of
    /// the time goes into the engine's start.
    #[test]
    fn every_shipped_scene_plays_and_is_shot() {
        if let Err(error) = crate::adapter::probe(true) {
            let required = std::env::var("KNEADLAB_REQUIRE").unwrap_or_default();
            let is_required = required.split(',').any(|what| what == "vulkan");
            assert!(!is_required, "KNEADLAB_REQUIRE asks for vulkan: {error}");
            println!("SKIPPED: {error}");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let size = [200, 150];
        let files = shipped();
        assert!(files.len() >= 22, "{files:?}");
        let shots = Shots {
            wanted: Vec::new(),
            size,
            reduced: true,
            timed: false,
        };
        let mut app = app(
            Booths(vec![Booth::open(Tuning::new(&files[0], &[]), Some(2.0))]),
            shots,
        );
        app.finish();
        app.cleanup();
        for file in &files {
            booth(app.world_mut(), |b| {
                b.tuning = Tuning::new(file, &[]);
                b.order();
            });
            let start = Instant::now();
            // It stands there before its first step, which may take long.
            wait(&mut app, "the run", |world| {
                settled(world) && booth(world, |b| b.run.iter().any(|run| run.recorded().0 > 0.1))
            });
            let set_up_s = start.elapsed().as_secs_f64();
            let play = Play {
                speed: 2.0,
                // A run that begins again may stand at 0 when it is looked at.
                looping: false,
                ..Play::default()
            };
            app.insert_resource(play);
            // Each frame is laid out, every fortieth is drawn as well: on a processor that is most of the work, and more of the same.
            for left in (0..120).rev() {
                open_eyes(&mut app, left % 40 == 0);
                app.update();
            }
            let played_s = start.elapsed().as_secs_f64() - set_up_s;
            let t_s = app.world().resource::<Play>().t_s;
            assert!(t_s > 0.0, "{}: time stands still", file.display());
            let path = folder.path().join("shot.png");
            let wish = Wish {
                view: View::Corner,
                t_s: 0.5,
                ..Wish::default()
            };
            *app.world_mut().resource_mut::<Roll>() = Roll::default();
            app.world_mut().resource_mut::<Shots>().wanted = vec![Wanted {
                wish,
                path: path.clone(),
            }];
            draw(&mut app, "the picture", |world| {
                world.resource::<Roll>().taken == 1
            });
            app.world_mut().resource_mut::<Shots>().wanted.clear();
            let shot_s = start.elapsed().as_secs_f64() - set_up_s - played_s;
            println!(
                "{}: set up in {set_up_s:.1} s, played in {played_s:.1} s, shot in {shot_s:.1} s",
                file.display()
            );
            let reader = std::io::BufReader::new(File::open(&path).unwrap());
            let mut reader = png::Decoder::new(reader).read_info().unwrap();
            let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut bytes).unwrap();
            // Below the writing the backdrop is light: with a machine alone 69 pixels and more are darker, with the machine hidden 6 at most.
            let [width, height] = size.map(|n| n as usize);
            let dark = (height / 2..height)
                .flat_map(|y| (width / 4..3 * width / 4).map(move |x| 3 * (y * width + x)))
                .filter(|at| bytes[at + 1] < 200)
                .count();
            assert!(dark > 30, "{}: {dark} dark pixels", file.display());
        }

        // A slider's change is simulated and seen.
        let chair = files
            .iter()
            .find(|f| f.ends_with("checks/knead_turns.toml"))
            .unwrap();
        booth(app.world_mut(), |b| {
            b.tuning = Tuning::new(chair, &[]);
            b.order();
        });
        wait(&mut app, "the run", settled);
        app.insert_resource(Play {
            playing: false,
            ..Play::default()
        });
        booth(app.world_mut(), |b| {
            b.tuning.set("chair.recline_deg", "20", false);
            b.order();
        });
        wait(&mut app, "the changed run", |world| {
            settled(world)
                && (world.resource::<Sight>().recline_rad - 20f32.to_radians()).abs() < 1e-4
        });
        let good = booth(app.world_mut(), |b| b.run.clone().unwrap());

        // What cannot be is told, and what was good stays.
        booth(app.world_mut(), |b| {
            b.tuning.set("chair.recline_deg", "200", false);
            b.order();
        });
        wait(&mut app, "the problem", |world| {
            booth(world, |b| b.problem.is_some())
        });
        let (problem, run) = booth(app.world_mut(), |b| {
            (b.problem.clone().unwrap(), b.run.clone().unwrap())
        });
        assert!(problem.contains("chair.recline_deg"), "{problem}");
        assert!(Arc::ptr_eq(&run, &good));
    }
}
