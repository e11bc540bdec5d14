//! The photographer's studio: what the still is made of, the lights, the ground, the window.

use bevy::camera::{Exposure, Hdr};
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap, NotShadowCaster};
use bevy::log::{Level, LogPlugin};
use bevy::pbr::{DistanceFog, FogFalloff};
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::settings::WgpuSettings;
use bevy::window::WindowResolution;

use crate::adapter;
use crate::mesh;
use crate::orbit::{self, Orbit, View};
use crate::still::{Finish, Still};

/// Opens a window and stays until it is closed.
pub fn open_window(still: Still, view: View, [width, height]: [u32; 2]) -> AppExit {
    let window = Window {
        title: format!("{} - kneadlab", still.title),
        resolution: WindowResolution::new(width, height),
        ..default()
    };
    let orbit = orbit(&still, view);
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
    furnish(&mut app, still);
    app.add_systems(
        Startup,
        move |mut commands: Commands, mut images: ResMut<Assets<Image>>| {
            commands.spawn(camera(orbit, &mut images));
        },
    );
    app.add_systems(Update, orbit::steer);
    app.run()
}

/// Puts the still, the ground and the lights on the stage.
pub fn furnish(app: &mut App, still: Still) {
    app.insert_resource(ClearColor(BACKDROP))
        .insert_resource(DirectionalLightShadowMap { size: 2048 })
        .insert_resource(Shown(still))
        .add_systems(Startup, (stand, light));
}

/// A camera on the stage.
pub fn camera(orbit: Orbit, images: &mut Assets<Image>) -> impl Bundle {
    (
        Camera3d::default(),
        Projection::from(PerspectiveProjection {
            fov: 0.5,
            near: 0.05,
            ..default()
        }),
        orbit.transform(),
        orbit,
        // With it the backdrop passes through the same tone mapping as the fog.
        Hdr,
        Exposure { ev100: 9.7 },
        Tonemapping::TonyMcMapface,
        // The ground fades into the backdrop: no horizon.
        DistanceFog {
            color: BACKDROP,
            falloff: FogFalloff::Linear {
                start: 2.6,
                end: 7.0,
            },
            ..default()
        },
        // What a white tent over the chair would give.
        EnvironmentMapLight {
            intensity: 420.0,
            ..EnvironmentMapLight::hemispherical_gradient(
                images,
                Color::srgb(1.0, 0.99, 0.97),
                Color::srgb(0.78, 0.80, 0.84),
                Color::srgb(0.42, 0.40, 0.39),
            )
        },
    )
}

/// A camera that looks at the middle of the back.
pub fn orbit(still: &Still, view: View) -> Orbit {
    let sum = still
        .skin
        .points
        .iter()
        .fold(Vec3::ZERO, |sum, p| sum + mesh::point(p));
    let middle = world_from_machine(still) * (sum / still.skin.points.len() as f32);
    Orbit::new(view, middle, still.recline_rad as f32)
}

/// Errors only: that the processor draws is no news here.
pub fn quiet() -> LogPlugin {
    LogPlugin {
        level: Level::ERROR,
        filter: "error".to_string(),
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

const BACKDROP: Color = Color::srgb(0.98, 0.985, 0.99);
/// Height of the ground under the seat, m.
const GROUND_M: f32 = -0.45;

#[derive(Resource)]
struct Shown(Still);

/// The engine's y is up and its z points to the viewer of the back; the machine leans back.
fn world_from_machine(still: &Still) -> Quat {
    Quat::from_rotation_x(still.recline_rad as f32 - std::f32::consts::FRAC_PI_2)
}

fn stand(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    shown: Res<Shown>,
) {
    let still = &shown.0;
    let skin = materials.add(StandardMaterial {
        base_color: Color::srgb(0.90, 0.68, 0.56),
        perceptual_roughness: 0.55,
        reflectance: 0.35,
        double_sided: true,
        cull_mode: None,
        ..default()
    });
    let mark = materials.add(matt(Color::srgb(0.62, 0.36, 0.30)));
    let fabric = materials.add(matt(Color::srgb(0.20, 0.21, 0.24)));
    let pad = materials.add(StandardMaterial {
        base_color: Color::srgba(0.75, 0.82, 0.92, 0.16),
        alpha_mode: AlphaMode::Blend,
        perceptual_roughness: 0.9,
        double_sided: true,
        cull_mode: None,
        ..default()
    });

    let dot = meshes.add(Sphere::new(0.0035));
    let seat = meshes.add(Cuboid::new(0.52, 0.50, 0.09));
    let ground = meshes.add(Circle::new(12.0));

    let upright = world_from_machine(still);
    commands
        .spawn((Transform::from_rotation(upright), Visibility::default()))
        .with_children(|machine| {
            machine.spawn((
                Mesh3d(meshes.add(mesh::sheet(&still.skin))),
                MeshMaterial3d(skin),
            ));
            machine.spawn((
                Mesh3d(meshes.add(mesh::sheet(&still.pad))),
                MeshMaterial3d(pad),
                NotShadowCaster,
            ));
            for place in &still.spine {
                let at = Transform::from_translation(mesh::point(place));
                machine.spawn((Mesh3d(dot.clone()), MeshMaterial3d(mark.clone()), at));
            }
            // The seat is square to the backrest, as the machine frame has it, and starts a little
            // behind the user.
            let end = still.skin.points.last().map_or(Vec3::ZERO, mesh::point);
            let seat_at = Transform::from_xyz(0.0, end.y + 0.15, still.seat_z_m as f32 - 0.045);
            machine.spawn((Mesh3d(seat), MeshMaterial3d(fabric), seat_at));
            let finishes = [
                (
                    Finish::Steel,
                    StandardMaterial {
                        metallic: 0.85,
                        ..smooth(Color::srgb(0.72, 0.74, 0.77), 0.35)
                    },
                ),
                (Finish::Paint, smooth(Color::srgb(0.17, 0.19, 0.23), 0.45)),
                (Finish::Arm, smooth(Color::srgb(0.93, 0.93, 0.92), 0.4)),
                (Finish::Fabric, matt(Color::srgb(0.30, 0.34, 0.42))),
                (Finish::Rubber, smooth(Color::srgb(0.10, 0.42, 0.55), 0.5)),
            ];
            for (finish, material) in finishes {
                let material = materials.add(material);
                for part in still.parts.iter().filter(|part| part.finish == finish) {
                    let shape = Mesh3d(meshes.add(mesh::form(&part.form)));
                    let mut solid = machine.spawn((
                        shape,
                        MeshMaterial3d(material.clone()),
                        mesh::transform(&part.pose),
                    ));
                    if finish == Finish::Fabric {
                        solid.insert(NotShadowCaster);
                    }
                }
            }
        });

    // Only the ground is level whatever the recline.
    let level = Transform::from_xyz(0.0, GROUND_M, 0.0)
        .with_rotation(Quat::from_rotation_x(-std::f32::consts::FRAC_PI_2));
    let floor = materials.add(matt(Color::srgb(0.80, 0.81, 0.82)));
    commands.spawn((Mesh3d(ground), MeshMaterial3d(floor), level));
}

/// Key from behind, above and left; a weak fill from the right; a rim from the user's side. They
/// follow half the recline: a back that leans turns away from what comes from above.
fn light(mut commands: Commands, shown: Res<Shown>) {
    let follow = Quat::from_rotation_x(0.5 * shown.0.recline_rad as f32);
    let sun = |lux, color| DirectionalLight {
        illuminance: lux,
        color,
        ..default()
    };
    let from = |x, y, z| {
        Transform::from_translation(follow * Vec3::new(x, y, z)).looking_at(Vec3::ZERO, Vec3::Y)
    };
    commands.spawn((
        DirectionalLight {
            shadow_maps_enabled: true,
            ..sun(3400.0, Color::srgb(1.0, 0.96, 0.90))
        },
        from(-1.3, 1.6, 2.0),
        // One map over two metres: the default spreads it over 150.
        CascadeShadowConfigBuilder {
            num_cascades: 1,
            minimum_distance: 0.05,
            maximum_distance: 5.0,
            first_cascade_far_bound: 5.0,
            ..default()
        }
        .build(),
    ));
    commands.spawn((
        sun(500.0, Color::srgb(0.86, 0.92, 1.0)),
        from(2.0, 0.4, 1.2),
    ));
    commands.spawn((
        sun(1500.0, Color::srgb(1.0, 0.98, 0.95)),
        from(1.2, 1.2, -2.0),
    ));
}

fn matt(base_color: Color) -> StandardMaterial {
    smooth(base_color, 0.9)
}

fn smooth(base_color: Color, perceptual_roughness: f32) -> StandardMaterial {
    StandardMaterial {
        base_color,
        perceptual_roughness,
        ..default()
    }
}
