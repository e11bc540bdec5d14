//! The picture in a window. It is drawn beside it, as sharp as the machine can, and only when something in it has changed: what
//! draws on the processor takes from the simulation.

use std::path::PathBuf;
use std::time::Duration;

use bevy::camera::{ImageRenderTarget, RenderTarget};
use bevy::prelude::*;
use bevy::render::render_resource::{Extent3d, TextureFormat};
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use bevy::window::PrimaryWindow;
use bevy::winit::{UpdateMode, WinitSettings};
use bevy_egui::{EguiContexts, EguiTextureHandle, egui};

use crate::booth::Booths;
use crate::orbit::Orbit;
use crate::shot;
use crate::show::{Play, Show};

/// Where the picture is drawn, and where it hangs in the window.
#[derive(Resource)]
pub struct Easel {
    image: Handle<Image>,
    /// What the panels leave of the window, points.
    pub pane: egui::Rect,
    /// The processor draws: what moves is drawn less sharp.
    pub on_processor: bool,
    /// What was drawn last.
    drawn: Option<Motif>,
    /// Frames until what has changed is surely in the picture.
    left: u32,
    /// When something moved last, s, and frames since then.
    moved_s: f64,
    frames: u32,
    /// Frames since it was drawn less sharp last.
    sharp: u32,
    /// Where the picture is to be saved: until it is, it is drawn sharp, and time stands still.
    pub save_as: Option<PathBuf>,
    /// Whether it goes on then.
    resumes: bool,
    /// What became of it.
    pub told: Option<String>,
}

/// All that a picture depends on.
#[derive(Clone, Debug, PartialEq)]
struct Motif {
    runs: Vec<Option<(Entity, f64)>>,
    top: f64,
    show: Show,
    orbit: Orbit,
    size: [u32; 2],
}

/// Pixels that a processor of two cores draws five times a second reduced, and three times in full: while something moves, no more.
const MOVING: [f32; 2] = [450e3, 110e3];
/// What stands still for as long is drawn sharp again, s.
const STILL_S: f64 = 0.3;
/// A change is on the screen after so many frames: it passes through the engine's two worlds, and new parts come a frame later.
const FRAMES: u32 = 4;
/// Between two looks where nothing moves, and where the simulation is waited for.
const RESTING: Duration = Duration::from_millis(200);
const WAITING: Duration = Duration::from_millis(20);

impl Easel {
    /// An empty one, and what a camera that draws on it aims at.
    pub fn new(images: &mut Assets<Image>) -> (Easel, RenderTarget) {
        let image = images.add(Image::new_target_texture(
            64,
            64,
            TextureFormat::Rgba8UnormSrgb,
            None,
        ));
        let target = RenderTarget::Image(ImageRenderTarget {
            handle: image.clone(),
            scale_factor: 1.0,
        });
        let easel = Easel {
            image,
            pane: egui::Rect::ZERO,
            on_processor: false,
            drawn: None,
            left: FRAMES,
            moved_s: 0.0,
            frames: 0,
            sharp: 0,
            save_as: None,
            resumes: false,
            told: None,
        };
        (easel, target)
    }

    /// Whether what moves is drawn less sharp.
    fn spares(&self, show: &Show) -> bool {
        show.reduced || self.on_processor
    }

    /// Asks for the picture as a file beside the scene, named after it and its time.
    pub fn save(&mut self, booths: &Booths, play: &mut Play) {
        if let Some(booth) = booths.0.first() {
            let end = format!("{:.2}s.png", play.t_s);
            self.save_as = Some(booth.tuning.path().with_extension(end));
            self.told = Some("saving: drawn sharp first".to_string());
            self.resumes |= std::mem::replace(&mut play.playing, false);
        }
    }

    /// Hangs the picture behind the panels.
    pub fn hang(&self, painter: &egui::Painter, contexts: &mut EguiContexts) {
        let handle = EguiTextureHandle::Strong(self.image.clone());
        let texture = contexts.add_image(handle);
        let whole = egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0));
        painter.image(texture, self.pane, whole, egui::Color32::WHITE);
    }
}

/// Keeps picture and window together.
pub fn keep(app: &mut App) {
    app.insert_resource(WinitSettings::continuous())
        .add_systems(Update, draw.after(crate::orbit::steer))
        .add_systems(Last, shoot);
}

/// Saves the window without its panels, once it is drawn as sharp as it will be.
fn shoot(
    mut easel: ResMut<Easel>,
    mut play: ResMut<Play>,
    window: Single<&Window, With<PrimaryWindow>>,
    mut commands: Commands,
) {
    if easel.sharp < FRAMES {
        return;
    }
    let Some(path) = easel.save_as.take() else {
        return;
    };
    if std::mem::replace(&mut easel.resumes, false) {
        play.playing = true;
    }
    let scale = window.scale_factor();
    let [low, high] = [easel.pane.min, easel.pane.max].map(|p| [p.x * scale, p.y * scale]);
    let cut = move |captured: On<ScreenshotCaptured>, mut easel: ResMut<Easel>| {
        let image = &captured.image;
        let inside = |at: f32, most: u32| (at.max(0.0) as u32).min(most) as usize;
        let [left, right] = [low[0], high[0]].map(|x| inside(x, image.width()));
        let [top, bottom] = [low[1], high[1]].map(|y| inside(y, image.height()));
        let blue_first = image.texture_descriptor.format == TextureFormat::Bgra8UnormSrgb;
        let pixels = image.data.as_deref().unwrap_or_default();
        let rows = pixels.chunks(4 * image.width() as usize);
        let rows = rows.take(bottom).skip(top);
        let mut rgb: Vec<u8> = rows
            .flat_map(|row| row.as_chunks::<4>().0[left..right].iter())
            .flat_map(|[r, g, b, _]| [*r, *g, *b])
            .collect();
        if blue_first {
            rgb.as_chunks_mut::<3>()
                .0
                .iter_mut()
                .for_each(|p| p.swap(0, 2));
        }
        let size = [right - left, bottom.saturating_sub(top)].map(|n| n as u32);
        easel.told = Some(match shot::write_png(&path, &rgb, size) {
            Ok(()) => format!("saved {}", path.display()),
            Err(error) => format!("{error:#}"),
        });
    };
    commands.spawn(Screenshot::primary_window()).observe(cut);
}

/// As large as its pane; drawn if there is something new in it; the window rests as long as nothing moves.
#[allow(
    clippy::too_many_arguments,
    reason = "an engine's system takes what it needs as arguments"
)]
fn draw(
    mut easel: ResMut<Easel>,
    mut images: ResMut<Assets<Image>>,
    mut camera: Single<(&mut Camera, &mut RenderTarget, &mut Msaa, &Orbit)>,
    mut pace: ResMut<WinitSettings>,
    window: Single<&Window, With<PrimaryWindow>>,
    booths: Res<Booths>,
    play: Res<Play>,
    show: Res<Show>,
    time: Res<Time<Real>>,
) {
    let (camera, target, smoothing, orbit) = &mut *camera;
    let now_s = time.elapsed_secs_f64();
    // However long a frame takes, the next one may move again.
    let moves = easel.frames < FRAMES || now_s - easel.moved_s < STILL_S;
    easel.frames = easel.frames.saturating_add(1);
    let coarse = moves && easel.spares(&show) && easel.save_as.is_none();
    easel.sharp = if coarse {
        0
    } else {
        easel.sharp.saturating_add(1)
    };
    let sharp = window.scale_factor();
    let pixels = easel.pane.area().max(1.0) * sharp * sharp;
    let most = if show.reduced { MOVING[0] } else { MOVING[1] };
    let scale = match coarse {
        true => sharp * (most / pixels).sqrt().min(1.0),
        false => sharp,
    };
    let size =
        [easel.pane.width(), easel.pane.height()].map(|side| (side * scale).max(16.0) as u32);
    if images
        .get(&easel.image)
        .map(|image| image.size().to_array())
        != Some(size)
        && let Some(mut image) = images.get_mut(&easel.image)
    {
        let [width, height] = size;
        image.resize(Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        });
        **target = RenderTarget::Image(ImageRenderTarget {
            handle: easel.image.clone(),
            scale_factor: scale,
        });
    }
    let motif = Motif {
        runs: booths.0.iter().map(|booth| booth.on_stage()).collect(),
        top: booths.top(&show),
        show: show.clone(),
        orbit: **orbit,
        size,
    };
    let before = easel.drawn.replace(motif);
    if before != easel.drawn {
        easel.left = FRAMES;
        // That it is drawn sharper is no movement.
        let resized = |before: &Motif| {
            Some(&Motif {
                size,
                ..before.clone()
            }) == easel.drawn.as_ref()
        };
        if !before.as_ref().is_some_and(resized) {
            (easel.moved_s, easel.frames) = (now_s, 0);
        }
    }
    smoothing.set_if_neq(if show.reduced || coarse {
        Msaa::Off
    } else {
        Msaa::Sample4
    });
    camera.is_active = easel.left > 0;
    easel.left = easel.left.saturating_sub(1);
    let mode = match (camera.is_active, moves || play.playing) {
        (true, _) => UpdateMode::Continuous,
        (false, true) => UpdateMode::reactive(WAITING),
        (false, false) => UpdateMode::reactive(RESTING),
    };
    (pace.focused_mode, pace.unfocused_mode) = (mode, mode);
}

/// Tells how fast a window is, on stderr.
pub fn tell(app: &mut App) {
    app.add_systems(Last, tell_rates);
}

fn tell_rates(
    camera: Single<&Camera, With<Orbit>>,
    booths: Res<Booths>,
    play: Res<Play>,
    time: Res<Time<Real>>,
    mut since: Local<(f64, u32, f64)>,
) {
    const EVERY_S: f64 = 2.0;
    let (since_s, frames, t_s) = &mut *since;
    *frames += u32::from(camera.is_active);
    let now_s = time.elapsed_secs_f64();
    let passed_s = now_s - *since_s;
    if passed_s < EVERY_S {
        return;
    }
    let size = camera.physical_target_size().unwrap_or_default();
    eprintln!(
        "{:.1} frames/s of {} x {} pixels, {:.2} s of the run a second, at {:.2} s, simulated to {:.2} s",
        f64::from(*frames) / passed_s,
        size.x,
        size.y,
        (play.t_s - *t_s) / passed_s,
        play.t_s,
        booths.spans_s()[0],
    );
    (*since_s, *frames, *t_s) = (now_s, 0, play.t_s);
}
