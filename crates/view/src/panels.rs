//! Panels over the picture. They show and change [`Show`], [`Play`] and the booths' [`Tuning`], nothing else.

mod keys;
mod legend;
mod names;
mod plots;
mod scatter;
mod strands;
mod transport;
mod tune;

use bevy::camera::CameraOutputMode;
use bevy::camera::visibility::RenderLayers;
use bevy::prelude::*;
use bevy::render::render_resource::BlendState;
use bevy::window::{FileDragAndDrop, PrimaryWindow};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass, PrimaryEguiContext, egui};

use crate::booth::Booths;
use crate::easel::Easel;
use crate::orbit::{Orbit, Sight};
use crate::show::{Play, Show};
use crate::tuning::Tuning;

/// Which panels are open, and what is typed into them.
#[derive(Resource)]
pub struct Panels {
    /// Sliders.
    pub tune: bool,
    /// Plots and warnings.
    pub plots: bool,
    /// The sheet of keys.
    pub help: bool,
    tuner: tune::Tuner,
    scatter: scatter::Scatter,
    plotter: plots::Plotter,
}

impl Default for Panels {
    fn default() -> Panels {
        Panels {
            tune: true,
            plots: true,
            help: false,
            tuner: tune::Tuner::default(),
            scatter: scatter::Scatter::default(),
            plotter: plots::Plotter::default(),
        }
    }
}

/// A camera that sees panels only, over the picture.
pub fn camera() -> impl Bundle {
    (
        PrimaryEguiContext,
        Camera2d,
        RenderLayers::none(),
        Camera {
            order: 1,
            output_mode: CameraOutputMode::Write {
                // The panels' picture holds colours times their alpha.
                blend_state: Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                clear_color: ClearColorConfig::None,
            },
            clear_color: ClearColorConfig::Custom(Color::NONE),
            ..default()
        },
    )
}

/// A camera that sees panels only; in a window the picture hangs behind them.
pub fn window_camera() -> impl Bundle {
    let order = 1;
    (
        PrimaryEguiContext,
        Camera2d,
        RenderLayers::none(),
        Camera { order, ..default() },
    )
}

/// Scale and names, for pictures.
pub fn overlay(app: &mut App) {
    app.add_systems(EguiPrimaryContextPass, annotate);
}

/// Everything, for a window.
pub fn add(app: &mut App, panels: Panels) {
    app.insert_resource(panels)
        .add_systems(EguiPrimaryContextPass, (lay_out, annotate).chain())
        .add_systems(
            Update,
            (keys::press, reload, drop_in).before(crate::booth::Stage),
        );
}

/// The look of the panels: that of the studio.
fn style(context: &egui::Context) {
    context.set_theme(egui::Theme::Light);
}

fn annotate(
    mut contexts: EguiContexts,
    booths: Res<Booths>,
    play: Res<Play>,
    show: Res<Show>,
    easel: Option<Res<Easel>>,
    camera: Single<(&Camera, &GlobalTransform), With<Orbit>>,
) -> Result {
    let context = contexts.ctx_mut()?;
    style(context);
    let (camera, eye) = *camera;
    let rect = easel.map_or(context.viewport_rect(), |easel| easel.pane);
    let painter = context
        .layer_painter(egui::LayerId::background())
        .with_clip_rect(rect);
    legend::draw(&painter, rect, &booths, &show, &play);
    names::draw(&painter, rect, &booths, &show, &play, camera, eye);
    Ok(())
}

#[allow(
    clippy::too_many_arguments,
    reason = "an engine's system takes what it needs as arguments"
)]
fn lay_out(
    mut contexts: EguiContexts,
    mut panels: ResMut<Panels>,
    mut booths: ResMut<Booths>,
    mut play: ResMut<Play>,
    mut show: ResMut<Show>,
    sight: Res<Sight>,
    mut orbit: Single<&mut Orbit>,
    mut easel: ResMut<Easel>,
) -> Result {
    let context = contexts.ctx_mut()?.clone();
    style(&context);
    let mut root = egui::Ui::new(
        context.clone(),
        "panels".into(),
        egui::UiBuilder::new()
            .layer_id(egui::LayerId::background())
            .max_rect(context.viewport_rect()),
    );
    let Panels {
        tune,
        plots,
        help,
        tuner,
        scatter,
        plotter,
    } = &mut *panels;
    egui::Panel::bottom("transport").show(&mut root, |ui| {
        transport::show(
            ui,
            &mut booths,
            &mut play,
            &mut show,
            &mut orbit,
            &sight,
            [&mut *tune, &mut *plots, &mut *help],
            &mut easel,
        );
    });
    if *plots {
        egui::Panel::bottom("plots")
            .resizable(true)
            .default_size(210.0)
            .show(&mut root, |ui| {
                plotter.show(ui, &booths, &mut play, &show);
            });
    }
    if *tune {
        egui::Panel::left("tune")
            .resizable(true)
            .default_size(330.0)
            .show(&mut root, |ui| {
                // A sweep's points cannot be changed, but chosen.
                match booths.0.iter_mut().find(|b| b.tuning.pick().is_some()) {
                    Some(booth) => scatter.show(ui, booth),
                    None => tuner.show(ui, &mut booths),
                }
            });
    }
    keys::sheet(&context, help);
    // The picture has what the panels leave.
    easel.pane = root.available_rect_before_wrap();
    let background = context.layer_painter(egui::LayerId::background());
    easel.hang(&background, &mut contexts);
    problem(&context, &mut booths);
    Ok(())
}

/// What is wrong with what was asked for last: the last good run stays in the picture. What was refused is forgotten when it is closed.
fn problem(context: &egui::Context, booths: &mut Booths) {
    for (index, booth) in booths.0.iter_mut().enumerate() {
        let Some(problem) = booth.refused.as_ref().or(booth.problem.as_ref()) else {
            continue;
        };
        let mut open = true;
        let mut window = egui::Window::new("This cannot run")
            .id(egui::Id::new(("problem", index)))
            .anchor(egui::Align2::RIGHT_TOP, [-12.0, 12.0])
            .resizable(true);
        if booth.refused.is_some() {
            window = window.open(&mut open);
        }
        window.show(context, |ui| {
            ui.label("The last good one is still shown.");
            egui::ScrollArea::vertical()
                .max_height(260.0)
                .show(ui, |ui| {
                    ui.monospace(problem);
                });
        });
        if !open {
            booth.refused = None;
        }
    }
}

/// Simulates again what was saved on disk.
fn reload(mut booths: ResMut<Booths>, time: Res<Time<Real>>, mut next_s: Local<f64>) {
    const EVERY_S: f64 = 0.5;
    let now_s = time.elapsed_secs_f64();
    if now_s < *next_s {
        return;
    }
    *next_s = now_s + EVERY_S;
    for booth in &mut booths.0 {
        if booth.tuning.was_written() {
            booth.order();
        }
    }
}

/// Opens a file or folder that is dropped on the window, from its beginning; where two runs are compared, in place of the one that
/// the sliders change, and at the time that is shown.
fn drop_in(
    mut booths: ResMut<Booths>,
    mut dropped: MessageReader<FileDragAndDrop>,
    mut play: ResMut<Play>,
    panels: Res<Panels>,
    mut window: Query<&mut Window, With<PrimaryWindow>>,
) {
    for event in dropped.read() {
        let count = booths.0.len();
        let FileDragAndDrop::DroppedFile { path_buf, .. } = event else {
            continue;
        };
        let Some(booth) = booths.0.get_mut(panels.tuner.chosen(count)) else {
            continue;
        };
        match Tuning::open(path_buf, &[]) {
            Ok(tuning) => {
                booth.tuning = tuning;
                booth.order();
                if count == 1 {
                    (play.t_s, play.span_s) = (0.0, None);
                }
                for mut window in &mut window {
                    window.title = booths.title();
                }
            }
            Err(error) => booth.refused = Some(format!("{error:#}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booth::Booth;

    /// What is dropped on the window is opened from its beginning; what cannot be is told, and what is shown stays.
    #[test]
    fn what_is_dropped_is_opened() {
        let scenes = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
        let [slab, gun] = ["checks/slab.toml", "gun.toml"].map(|name| scenes.join(name));
        let folder = tempfile::tempdir().unwrap();
        let mut app = App::new();
        app.add_message::<FileDragAndDrop>()
            // Nothing is simulated: nobody looks.
            .insert_resource(Booths(vec![Booth::open(
                Tuning::new(&slab, &[]),
                Some(0.0),
            )]))
            .insert_resource(Play {
                t_s: 3.0,
                span_s: Some([2.0, 4.0]),
                ..Play::default()
            })
            .init_resource::<Panels>()
            .add_systems(Update, drop_in);
        let window = app
            .world_mut()
            .spawn((Window::default(), PrimaryWindow))
            .id();
        let mut drop_on = |path: &std::path::Path| {
            let path_buf = path.to_path_buf();
            app.world_mut()
                .write_message(FileDragAndDrop::DroppedFile { window, path_buf });
            app.update();
            let world = app.world();
            let booth = &world.resource::<Booths>().0[0];
            let title = world.get::<Window>(window).unwrap().title.clone();
            let path = booth.tuning.path().to_path_buf();
            (path, booth.refused.clone(), title)
        };
        let (path, refused, _) = drop_on(folder.path());
        assert_eq!(path, slab);
        assert!(refused.unwrap().contains("neither"));
        let (path, refused, title) = drop_on(&gun);
        assert_eq!((path, refused), (gun, None));
        assert!(title.contains("gun.toml"), "{title}");
        let play = app.world().resource::<Play>();
        assert_eq!((play.t_s, play.span_s), (0.0, None));
    }
}
