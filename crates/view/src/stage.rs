//! The photographer's studio: what a run is made of for the eye, the lights, the ground, the camera.

use std::sync::Arc;

use bevy::asset::RenderAssetUsages;
use bevy::camera::{Exposure, Hdr};
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::image::{ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor};
use bevy::light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap, NotShadowCaster};
use bevy::pbr::{DistanceFog, FogFalloff};
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::render::render_resource::{Extent3d, TextureDimension, TextureFormat};
use nalgebra::{Point3, Vector3};

use crate::clay::Solid;
use crate::figure;
use crate::gloss::{Coat, SKY, SKY_CD_M2, coat};
use crate::mesh;
use crate::orbit::{FOV_RAD, Orbit, Sight};
use crate::paint::Paint;
use crate::parts::{Finish, Form, Part};
use crate::run::Run;
use crate::show::{Layers, Show};
use crate::skin::{self, Skin};

/// What a drawn thing belongs to: it is seen while that is on.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The machine; in a section only what touches stays.
    Machine {
        /// A node or what holds it.
        touches: bool,
    },
    /// Pad and piping.
    Pad,
    /// The rest of the user, and the seat.
    Figure,
    /// Force arrows.
    Forces,
    /// Node trails.
    Trails,
    /// Bone.
    Bones,
    /// Spinous processes.
    Landmarks,
    /// Acupoints.
    Points,
    /// The bands of a section.
    Section,
}

impl Layer {
    /// Whether it is seen.
    pub fn is_on(self, show: &Show) -> bool {
        let Layers {
            machine,
            pad,
            figure,
            forces,
            trails,
            bones,
            landmarks,
            points,
            ..
        } = show.layers;
        let whole = !show.section;
        match self {
            Layer::Machine { touches } => machine && (whole || touches),
            Layer::Pad => pad && whole,
            Layer::Figure => figure && whole,
            Layer::Forces => forces,
            Layer::Trails => trails && whole,
            Layer::Bones => bones && whole,
            Layer::Landmarks => landmarks && whole,
            Layer::Points => points && whole,
            Layer::Section => show.section,
        }
    }
}

/// A run on the stage.
pub struct Drawn {
    /// All of it.
    pub root: Entity,
    /// Bodies of the machine, in its order.
    pub bodies: Vec<Entity>,
    /// What moves with the back.
    pub back: Entity,
    /// The skin, if there is one.
    pub skin: Option<DrawnSkin>,
    /// Force arrows, one for each node.
    pub arrows: Vec<Entity>,
    /// Trails, one for each node.
    pub trails: Vec<Handle<Mesh>>,
    /// Bands of the section from the skin down.
    pub bands: Vec<Handle<Mesh>>,
    /// Outermost points, world frame: of all, and of back, head and machine.
    pub outlines: [Vec<Vec3>; 2],
}

/// The skin on the stage.
pub struct DrawnSkin {
    /// What is drawn of it.
    pub skin: Arc<Skin>,
    /// Its triangles.
    pub mesh: Handle<Mesh>,
    /// Its picture.
    pub image: Handle<Image>,
    /// Its material.
    pub material: Handle<Coat>,
    /// What paints the picture.
    pub paint: Paint,
    /// Points that are not at rest.
    pub moved: Vec<usize>,
    /// First row that is shown.
    pub first_row: usize,
}

/// Materials.
#[derive(Resource)]
pub struct Palette {
    finishes: HashMap<Finish, Handle<Coat>>,
    pad: Handle<Coat>,
    clay: Handle<Coat>,
    bone: Handle<Coat>,
    force: Handle<Coat>,
    landmark: Handle<Coat>,
    point: Handle<Coat>,
    nodes: [Handle<Coat>; 4],
    bands: [Handle<Coat>; 4],
}

/// Colours of nodes in plots and trails, sRGB (Okabe and Ito 2008: told apart by colour-blind eyes).
pub const NODE_COLOURS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [86, 180, 233],
    [213, 94, 0],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [120, 94, 240],
    [90, 90, 90],
];

/// White that is left of this by the tone mapping.
const BACKDROP: Color = Color::linear_rgb(5.2, 5.3, 5.45);

/// Puts ground, lights and materials on the stage.
pub fn furnish(app: &mut App) {
    app.insert_resource(ClearColor(BACKDROP))
        .insert_resource(DirectionalLightShadowMap { size: 2048 })
        .init_resource::<Sight>()
        .add_systems(Startup, (mix, light).chain())
        .add_systems(Update, aim);
}

/// A camera on the stage.
pub fn camera(orbit: Orbit, images: &mut Assets<Image>) -> impl Bundle {
    let [above, around, below] = SKY;
    (
        Camera3d::default(),
        Projection::from(PerspectiveProjection {
            fov: FOV_RAD,
            near: 0.02,
            ..default()
        }),
        orbit.transform(),
        orbit,
        // With it the backdrop passes through the same tone mapping as the fog.
        Hdr,
        Exposure { ev100: 9.35 },
        Tonemapping::TonyMcMapface,
        // The ground fades into the backdrop: no horizon.
        DistanceFog {
            color: BACKDROP,
            falloff: fog(3.0),
            ..default()
        },
        // What a white tent over the chair would give.
        EnvironmentMapLight {
            intensity: SKY_CD_M2,
            ..EnvironmentMapLight::hemispherical_gradient(images, above, around, below)
        },
    )
}

/// Nothing that the camera turns around fades, and the ground does beyond it.
fn fog(distance_m: f32) -> FogFalloff {
    FogFalloff::Linear {
        start: distance_m + 0.9,
        end: distance_m + 5.5,
    }
}

/// The engine's y is up and its z points to the viewer of the back; the machine leans back.
pub fn world_from_machine(recline_rad: f64) -> Quat {
    Quat::from_rotation_x(recline_rad as f32 - std::f32::consts::FRAC_PI_2)
}

/// Where a run stands on the stage, so far apart from the next one.
pub fn place(run: &Run, booth: usize, booths: usize, apart: Vec3) -> Transform {
    let at = apart * (booth as f32 - 0.5 * (booths as f32 - 1.0));
    Transform::from_translation(at).with_rotation(world_from_machine(run.furniture.recline_rad))
}

/// Outermost points of a run in its machine frame: of all that stands there, and of back, head and machine.
pub fn outlines(run: &Run) -> [Vec<Vec3>; 2] {
    let start = run.at(0.0);
    let back = start.as_ref().map(|m| m.machine_from_back);
    let back = back.unwrap_or_default();
    let mut near: Vec<Point3<f64>> = Vec::new();
    let mut rest: Vec<Point3<f64>> = Vec::new();
    if let Some(skin) = &run.skin {
        let every = if skin.back.is_some() { 97 } else { 7 };
        near.extend(skin.sheet.points.iter().step_by(every).map(|p| back * p));
        if let Some(user) = &skin.back {
            // The first of a figure's limbs is its head.
            let limbs = figure::limbs(user, run.furniture.pose);
            for (index, (limb, _)) in limbs.iter().enumerate() {
                let points = limb.spots().into_iter().map(|p| back * p);
                if index == 0 {
                    near.extend(points);
                } else {
                    rest.extend(points);
                }
            }
        }
    }
    for part in &run.machine.parts {
        let body = start.as_ref().and_then(|m| m.bodies.get(part.body));
        let pose = body.copied().unwrap_or_default() * part.pose;
        // Whoever holds a machine may be cut off, in whole pictures at the arms, which are glass.
        let points = part.form.spots().into_iter().map(|p| pose * p);
        match part.finish {
            Finish::Glass => {}
            Finish::Clay => rest.extend(points),
            _ => near.extend(points),
        }
    }
    // What it stands on may be cut off.
    let stands = |part: &&Part| matches!(part.form, Form::Cylinder { .. });
    for part in run.furniture.parts.iter().filter(|part| !stands(part)) {
        rest.extend(part.form.spots().into_iter().map(|p| part.pose * p));
    }
    rest.extend(&near);
    [extremes(&rest), extremes(&near)]
}

/// Of many points those that are farthest in some direction of many.
fn extremes(points: &[Point3<f64>]) -> Vec<Vec3> {
    const WAYS: usize = 160;
    let points: Vec<Vec3> = points.iter().map(mesh::point).collect();
    let mut out = Vec::new();
    for i in 0..WAYS {
        // Evenly over the sphere, along a spiral.
        let z = 1.0 - (2.0 * i as f32 + 1.0) / WAYS as f32;
        let turn = 2.399_963 * i as f32;
        let flat = (1.0 - z * z).sqrt();
        let way = Vec3::new(flat * turn.cos(), flat * turn.sin(), z);
        let farthest = points
            .iter()
            .max_by(|a, b| a.dot(way).total_cmp(&b.dot(way)));
        out.extend(farthest.copied());
    }
    out
}

/// What the stage is changed with.
pub struct Hands<'a, 'w, 's> {
    /// Entities.
    pub commands: &'a mut Commands<'w, 's>,
    /// Triangles.
    pub meshes: &'a mut Assets<Mesh>,
    /// Materials.
    pub materials: &'a mut Assets<Coat>,
    /// Pictures.
    pub images: &'a mut Assets<Image>,
    /// What things are made of.
    pub palette: &'a Palette,
}

/// Puts a run on the stage.
pub fn raise(run: &Run, at: Transform, show: &Show, hands: &mut Hands) -> Drawn {
    let root = hands.commands.spawn((at, Visibility::default())).id();
    let bodies = raise_machine(run, root, hands);
    let back = hands
        .commands
        .spawn((Transform::default(), Visibility::default(), ChildOf(root)))
        .id();
    furniture(run, root, hands);
    let skin = run
        .skin
        .as_ref()
        .map(|skin| raise_skin(skin, run.figure.as_deref(), back, show, hands));

    let arrow = hands.meshes.add(mesh::arrow());
    let mut arrows = Vec::new();
    let mut trails = Vec::new();
    let dot = [Point3::origin(), Point3::new(0.0, 0.0, 1e-4)];
    for index in 0..run.machine.nodes.len() {
        let force = hands.palette.force.clone();
        let hidden = Transform::from_scale(Vec3::ZERO);
        arrows.push(hands.solid(root, arrow.clone(), force, hidden, Layer::Forces, false));
        let trail = hands.meshes.add(mesh::thread(&dot, 1e-4));
        let colour = hands.palette.nodes[index % 4].clone();
        hands.solid(
            root,
            trail.clone(),
            colour,
            Transform::default(),
            Layer::Trails,
            false,
        );
        trails.push(trail);
    }
    let mut bands = Vec::new();
    for material in hands.palette.bands.clone() {
        let band = hands.meshes.add(mesh::thread(&dot, 1e-4));
        hands.solid(
            back,
            band.clone(),
            material,
            Transform::default(),
            Layer::Section,
            false,
        );
        bands.push(band);
    }
    Drawn {
        root,
        bodies,
        back,
        skin,
        arrows,
        trails,
        bands,
        outlines: outlines(run).map(|points| points.into_iter().map(|p| at * p).collect()),
    }
}

fn raise_machine(run: &Run, root: Entity, hands: &mut Hands) -> Vec<Entity> {
    let machine = &run.machine;
    let bodies: Vec<Entity> = (0..machine.bodies.len())
        .map(|_| {
            hands
                .commands
                .spawn((Transform::default(), Visibility::default(), ChildOf(root)))
                .id()
        })
        .collect();
    for part in &machine.parts {
        let shape = hands.meshes.add(mesh::form(&part.form));
        let material = hands.palette.finishes[&part.finish].clone();
        let layer = Layer::Machine {
            touches: machine.nodes.iter().any(|(body, _)| *body == part.body),
        };
        hands.solid(
            bodies[part.body],
            shape,
            material,
            mesh::transform(&part.pose),
            layer,
            true,
        );
    }
    bodies
}

fn raise_skin(
    skin: &Arc<Skin>,
    figure: Option<&Solid>,
    back: Entity,
    show: &Show,
    hands: &mut Hands,
) -> DrawnSkin {
    let paint = Paint::new(Arc::clone(skin), show.marks);
    let [height, width] = skin.atlas.size.map(|n| n as u32);
    let mut image = Image::new(
        Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        },
        TextureDimension::D2,
        paint.blank(),
        TextureFormat::Rgba8UnormSrgb,
        RenderAssetUsages::default(),
    );
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u: ImageAddressMode::ClampToEdge,
        address_mode_v: ImageAddressMode::ClampToEdge,
        mag_filter: ImageFilterMode::Linear,
        min_filter: ImageFilterMode::Linear,
        ..default()
    });
    let image = hands.images.add(image);
    let material = hands.materials.add(coat(StandardMaterial {
        base_color_texture: Some(image.clone()),
        perceptual_roughness: 0.52,
        reflectance: 0.36,
        double_sided: true,
        cull_mode: None,
        ..default()
    }));
    let mesh = hands.meshes.add(mesh::sheet(&skin.sheet));
    hands.commands.spawn((
        Mesh3d(mesh.clone()),
        MeshMaterial3d(material.clone()),
        ChildOf(back),
    ));
    match skin.back.as_ref().zip(figure) {
        Some((user, figure)) => {
            let shape = hands.meshes.add(mesh::solid(figure));
            let clay = hands.palette.finishes[&Finish::Clay].clone();
            let here = Transform::default();
            hands.solid(back, shape, clay, here, Layer::Figure, true);
            raise_marks(skin, user, back, hands);
        }
        None => {
            // The slab's body behind its face.
            let [first, last] = [
                &skin.sheet.points[0],
                &skin.sheet.points[skin.sheet.points.len() - 1],
            ];
            let size = Vector3::new(last.x - first.x, 0.05, first.z - last.z);
            let slab = Form::Block {
                size_m: size,
                edge_m: 0.001,
            };
            let shape = hands.meshes.add(mesh::form(&slab));
            let at = Transform::from_xyz(0.0, 0.5 * size.y as f32 + 0.022, 0.0);
            hands.solid(
                back,
                shape,
                hands.palette.clay.clone(),
                at,
                Layer::Figure,
                true,
            );
        }
    }
    DrawnSkin {
        skin: Arc::clone(skin),
        mesh,
        image,
        material,
        paint,
        moved: Vec::new(),
        first_row: 0,
    }
}

/// Bone, spinous processes and acupoints.
fn raise_marks(skin: &Skin, user: &back::Back, back: Entity, hands: &mut Hands) {
    let mut bone = skin.sheet.clone();
    for (point, index) in bone.points.iter_mut().zip(0..) {
        let row = index / skin.sheet.columns;
        let u = skin::lerp(skin::STATIONS, row, skin.sheet.rows);
        *point -= skin.sheet.normals[index] * user.thickness(u, point.x).total_m();
    }
    bone.uvs.clear();
    bone.normals = figure::normals(&bone);
    let shape = hands.meshes.add(mesh::sheet(&bone));
    hands.solid(
        back,
        shape,
        hands.palette.bone.clone(),
        Transform::default(),
        Layer::Bones,
        false,
    );
    let dot = hands.meshes.add(Sphere::new(0.0032));
    for (layer, material, places) in [
        (
            Layer::Landmarks,
            hands.palette.landmark.clone(),
            landmarks(user),
        ),
        (Layer::Points, hands.palette.point.clone(), points(user)),
    ] {
        for (_, place) in places {
            let at = Transform::from_translation(mesh::point(&place));
            hands.solid(back, dot.clone(), material.clone(), at, layer, false);
        }
    }
}

/// Spinous processes, back frame.
pub fn landmarks(user: &back::Back) -> Vec<(String, Point3<f64>)> {
    back::Level::ALL
        .iter()
        .filter(|level| (skin::STATIONS[0]..=1.0).contains(&level.station()))
        .map(|level| (level.name().to_string(), user.point(level.station(), 0.0)))
        .collect()
}

/// Acupoints on both sides, back frame.
pub fn points(user: &back::Back) -> Vec<(String, Point3<f64>)> {
    user.points()
        .into_iter()
        .filter(|p| p.u >= skin::STATIONS[0] && p.u <= skin::STATIONS[1])
        .flat_map(|p| {
            let sides: &[f64] = if p.x_m == 0.0 { &[1.0] } else { &[-1.0, 1.0] };
            let at = |side: &f64| (p.name.clone(), user.point(p.u, side * p.x_m));
            sides.iter().map(at).collect::<Vec<_>>()
        })
        .collect()
}

/// The pad, and what the user is on.
fn furniture(run: &Run, root: Entity, hands: &mut Hands) {
    if let Some(pad) = &run.furniture.pad {
        let face = hands.meshes.add(mesh::sheet(pad));
        let glass = hands.palette.pad.clone();
        let here = Transform::default();
        hands.solid(root, face, glass, here, Layer::Pad, false);
        let (right, bottom) = (pad.columns - 1, pad.rows - 1);
        let at = |row: usize, column: usize| pad.points[row * pad.columns + column];
        let mut edge: Vec<Point3<f64>> = (0..=bottom).map(|row| at(row, 0)).collect();
        edge.extend((0..=bottom).rev().map(|row| at(row, right)));
        edge.push(at(0, 0));
        let piping = hands.meshes.add(mesh::thread(&edge, 0.003));
        let fabric = hands.palette.finishes[&Finish::Fabric].clone();
        hands.solid(root, piping, fabric, here, Layer::Pad, false);
    }
    for part in &run.furniture.parts {
        let shape = hands.meshes.add(mesh::form(&part.form));
        let material = hands.palette.finishes[&part.finish].clone();
        let at = mesh::transform(&part.pose);
        let shadow = part.finish != Finish::Glass;
        hands.solid(root, shape, material, at, Layer::Figure, shadow);
    }
}

impl Hands<'_, '_, '_> {
    fn solid(
        &mut self,
        parent: Entity,
        mesh: Handle<Mesh>,
        material: Handle<Coat>,
        at: Transform,
        layer: Layer,
        shadow: bool,
    ) -> Entity {
        let mut solid = self.commands.spawn((
            Mesh3d(mesh),
            MeshMaterial3d(material),
            at,
            layer,
            ChildOf(parent),
        ));
        if !shadow {
            solid.insert(NotShadowCaster);
        }
        solid.id()
    }
}

/// Mixes the materials, and lays the ground, which alone is level whatever the recline.
fn mix(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<Coat>>,
) {
    let mut add = |material| materials.add(coat(material));
    let glass = |colour: Color| StandardMaterial {
        base_color: colour,
        alpha_mode: AlphaMode::Blend,
        perceptual_roughness: 0.9,
        double_sided: true,
        cull_mode: None,
        ..default()
    };
    let flat = |[r, g, b]: [u8; 3]| StandardMaterial {
        base_color: Color::srgb_u8(r, g, b),
        unlit: true,
        double_sided: true,
        cull_mode: None,
        ..default()
    };
    let metal = |colour: Color, roughness: f32| StandardMaterial {
        metallic: 0.9,
        ..smooth(colour, roughness)
    };
    let finishes = [
        (Finish::Steel, metal(Color::srgb(0.78, 0.79, 0.81), 0.30)),
        (Finish::Paint, smooth(Color::srgb(0.16, 0.18, 0.21), 0.38)),
        (Finish::Arm, smooth(Color::srgb(0.93, 0.93, 0.92), 0.32)),
        (Finish::Brass, metal(Color::srgb(0.86, 0.68, 0.40), 0.35)),
        (Finish::Fabric, smooth(Color::srgb(0.46, 0.50, 0.57), 0.9)),
        (Finish::Leather, smooth(Color::srgb(0.13, 0.14, 0.16), 0.55)),
        (Finish::Rubber, smooth(Color::srgb(0.08, 0.38, 0.52), 0.42)),
        (
            Finish::Case,
            StandardMaterial {
                base_color: Color::srgba(0.24, 0.28, 0.34, 0.62),
                alpha_mode: AlphaMode::Blend,
                ..smooth(Color::WHITE, 0.25)
            },
        ),
        (Finish::Clay, smooth(Color::srgb(0.80, 0.765, 0.735), 0.75)),
        (
            Finish::Glass,
            StandardMaterial {
                base_color: Color::srgba(0.62, 0.70, 0.80, 0.22),
                alpha_mode: AlphaMode::Blend,
                ..smooth(Color::WHITE, 0.12)
            },
        ),
    ];
    let palette = Palette {
        finishes: finishes
            .map(|(finish, material)| (finish, add(material)))
            .into_iter()
            .collect(),
        pad: add(glass(Color::srgba(0.75, 0.82, 0.92, 0.14))),
        clay: add(StandardMaterial {
            double_sided: true,
            cull_mode: None,
            ..smooth(Color::srgb(0.80, 0.765, 0.735), 0.75)
        }),
        bone: add(StandardMaterial {
            double_sided: true,
            cull_mode: None,
            ..smooth(Color::srgb(0.93, 0.89, 0.78), 0.6)
        }),
        force: add(flat([224, 62, 28])),
        landmark: add(flat([120, 48, 40])),
        point: add(flat([24, 92, 160])),
        nodes: [0, 1, 2, 3].map(|i| add(flat(NODE_COLOURS[i]))),
        bands: [
            [240, 190, 165],
            [250, 222, 140],
            [176, 66, 62],
            [238, 232, 214],
        ]
        .map(|c| add(flat(c))),
    };
    commands.insert_resource(palette);
    let level =
        Transform::default().with_rotation(Quat::from_rotation_x(-std::f32::consts::FRAC_PI_2));
    let floor = add(smooth(Color::srgb(0.93, 0.935, 0.94), 0.9));
    commands.spawn((
        Mesh3d(meshes.add(Circle::new(24.0))),
        MeshMaterial3d(floor),
        level,
        Floor,
    ));
}

/// The ground.
#[derive(Component)]
struct Floor;

/// A light and where it comes from, before the stage leans.
#[derive(Component)]
struct Lamp {
    from: Vec3,
    shadows: bool,
}

/// Key from behind, above and left; a weak fill from the right; a rim from the user's side.
fn light(mut commands: Commands) {
    let sun = |lux, color| DirectionalLight {
        illuminance: lux,
        color,
        ..default()
    };
    commands.spawn((
        DirectionalLight {
            shadow_maps_enabled: true,
            ..sun(3300.0, Color::srgb(1.0, 0.965, 0.91))
        },
        Lamp {
            from: Vec3::new(-1.3, 1.9, 1.7),
            shadows: true,
        },
        // One map over a few metres: the default spreads it over 150.
        CascadeShadowConfigBuilder {
            num_cascades: 1,
            minimum_distance: 0.05,
            maximum_distance: 9.0,
            first_cascade_far_bound: 9.0,
            ..default()
        }
        .build(),
    ));
    commands.spawn((
        sun(1000.0, Color::srgb(0.86, 0.92, 1.0)),
        Lamp {
            from: Vec3::new(2.0, 0.5, 1.4),
            shadows: false,
        },
    ));
    commands.spawn((
        sun(1500.0, Color::srgb(1.0, 0.98, 0.95)),
        Lamp {
            from: Vec3::new(1.2, 1.4, -2.0),
            shadows: false,
        },
    ));
}

/// The floor, told apart from the lamps, which move too.
type FloorAlone = (With<Floor>, Without<Lamp>);

/// Lights follow half the recline: a back that leans turns away from what comes from above. Ground and fog go with what is shown.
/// Reduced is less work: the key light alone, and no ground, which without shadows is hardly told from the backdrop
/// and fills most of the picture.
fn aim(
    sight: Res<Sight>,
    show: Res<Show>,
    mut lamps: Query<(
        &Lamp,
        &mut Transform,
        &mut DirectionalLight,
        &mut Visibility,
    )>,
    mut floor: Single<(&mut Transform, &mut Visibility), FloorAlone>,
    mut eyes: Query<(&Orbit, &mut DistanceFog)>,
) {
    for (orbit, mut air) in &mut eyes {
        air.falloff = fog(orbit.distance_m());
    }
    if !sight.is_changed() && !show.is_changed() {
        return;
    }
    let seen = |is_seen| match is_seen {
        true => Visibility::Inherited,
        false => Visibility::Hidden,
    };
    let (ground, on_ground) = &mut *floor;
    ground.translation.y = sight.ground_m;
    on_ground.set_if_neq(seen(!show.reduced));
    let follow = Quat::from_rotation_x(0.5 * sight.recline_rad);
    for (lamp, mut transform, mut sun, mut shines) in &mut lamps {
        *transform =
            Transform::from_translation(follow * lamp.from).looking_at(Vec3::ZERO, Vec3::Y);
        sun.shadow_maps_enabled = lamp.shadows && !show.reduced;
        shines.set_if_neq(seen(lamp.shadows || !show.reduced));
    }
}

fn smooth(base_color: Color, perceptual_roughness: f32) -> StandardMaterial {
    StandardMaterial {
        base_color,
        perceptual_roughness,
        ..default()
    }
}
