//! The program around the stage: the engine's set-up, and the window.

use std::path::PathBuf;

use bevy::log::{Level, LogPlugin};
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::WgpuSettings;
use bevy::window::WindowResolution;

use crate::booth::{self, Booths};
use crate::easel::{self, Easel};
use crate::gloss;
use crate::layout::{self, Layout};
use crate::orbit::{self, Orbit, Sight, View};
use crate::show::{Play, Show};
use crate::stage;
use crate::{adapter, panels};

/// How a window opens.
pub struct Opening {
    /// Where one looks from.
    pub view: View,
    /// What is shown.
    pub show: Show,
    /// The part of the run that is chosen, s.
    pub span_s: Option<[f64; 2]>,
    /// Its size, its panels, how it plays.
    pub layout: Layout,
    /// The file where the layout is kept.
    pub kept: Option<PathBuf>,
    /// The processor draws.
    pub on_processor: bool,
    /// Tells how fast it is.
    pub timed: bool,
}

/// Opens a window and stays until it is closed.
pub fn open_window(booths: Booths, opening: Opening) -> AppExit {
    let Opening {
        view,
        layout,
        on_processor,
        ..
    } = opening;
    let [width, height] = layout.size;
    let window = Window {
        title: booths.title(),
        resolution: WindowResolution::new(width, height),
        ..default()
    };
    let mut app = App::new();
    app.add_plugins(
        DefaultPlugins
            .set(quiet())
            .set(renderer())
            .set(WindowPlugin {
                primary_window: Some(window),
                ..default()
            }),
    );
    furnish(&mut app, booths, opening.show);
    app.insert_resource(Play {
        span_s: opening.span_s,
        ..layout.play()
    });
    panels::add(&mut app, layout.panels());
    easel::keep(&mut app);
    if opening.timed {
        easel::tell(&mut app);
    }
    if let Some(file) = opening.kept {
        layout::keep(&mut app, file, layout);
    }
    app.add_systems(
        Startup,
        move |mut commands: Commands,
              mut images: ResMut<Assets<Image>>,
              mut settings: ResMut<bevy_egui::EguiGlobalSettings>,
              sight: Res<Sight>| {
            settings.auto_create_primary_context = false;
            let (mut easel, target) = Easel::new(&mut images);
            easel.on_processor = on_processor;
            commands.insert_resource(easel);
            commands.spawn((
                stage::camera(Orbit::new(view, &sight), &mut images),
                target,
                Msaa::Off,
            ));
            commands.spawn((panels::window_camera(), Msaa::Off));
        },
    );
    app.add_systems(
        Update,
        (first_look(view), orbit::steer).chain().after(booth::Stage),
    );
    app.run()
}

/// What a window and a picture have in common.
pub fn furnish(app: &mut App, booths: Booths, show: Show) {
    app.add_plugins(bevy_egui::EguiPlugin::default());
    stage::furnish(app);
    gloss::keep(app);
    booth::keep(app);
    app.insert_resource(booths).insert_resource(show);
}

/// Takes the view once there is something to look at.
fn first_look(view: View) -> impl FnMut(Res<Sight>, Single<&mut Orbit>, Local<bool>) {
    move |sight, mut orbit, mut done| {
        if !*done && sight.is_known() {
            orbit.take(view, &sight);
            *done = true;
        }
    }
}

/// Errors only: that the processor draws is no news here, nor that a desktop does not tell its colours to whoever draws a title bar.
pub fn quiet() -> LogPlugin {
    LogPlugin {
        level: Level::ERROR,
        filter: "error,sctk_adwaita=off".to_string(),
        ..default()
    }
}

/// The engine on the drivers that [`adapter::probe`] asked for. Pipelines are compiled while
/// the frame waits, so that no picture lacks a part.
pub fn renderer() -> RenderPlugin {
    let settings = WgpuSettings {
        backends: Some(adapter::BACKENDS),
        ..default()
    };
    RenderPlugin {
        render_creation: settings.into(),
        synchronous_pipeline_compilation: true,
        ..default()
    }
}
