//! One run on the stage, or two side by side: from films to what is seen, frame after frame.

use std::sync::Arc;

use bevy::prelude::*;
use nalgebra::{Point3, Vector3};

use crate::dent;
use crate::desk::Desk;
use crate::gloss::Coat;
use crate::live::Order;
use crate::mesh;
use crate::orbit::{self, Orbit, Sight};
use crate::run::{Moment, Run};
use crate::section::{self, Cut};
use crate::show::{Play, Show};
use crate::stage::{self, Drawn, DrawnSkin, Hands, Layer, Palette};
use crate::tuning::Tuning;

/// What is on the stage, from left to right.
#[derive(Resource, Default)]
pub struct Booths(pub Vec<Booth>);

/// What two of them are called.
pub const SIDES: [&str; 2] = ["left", "right"];

/// A scene, the thread that simulates it, and what is seen of it.
pub struct Booth {
    /// What is asked for.
    pub tuning: Tuning,
    /// The run that is shown.
    pub run: Option<Arc<Run>>,
    /// What is wrong with what was asked for last.
    pub problem: Option<String>,
    /// Why a file or folder was not taken at all, until the next order.
    pub refused: Option<String>,
    /// How far runs are simulated, s: no further than somebody looks.
    pub until_s: Option<f64>,
    /// Largest value of the quantity shown, SI.
    pub largest: f64,
    desk: Desk,
    drawn: Option<Drawn>,
    /// Where it stands on the stage.
    pub at: Transform,
    /// What the picture was made of.
    seen: Option<(f64, Show, f64)>,
    /// What stood beside it and is to be taken away.
    left_over: Vec<Entity>,
}

/// How long trails are, s.
const TRAIL_S: f64 = 4.0;
/// Points of a trail at most.
const TRAIL_POINTS: usize = 80;
/// By so much a frame may differ and be the same, points.
const ROUNDED: f32 = 8.0;
/// Length of a force arrow, m/N.
const ARROW_M_N: f32 = 0.002;

impl Booth {
    /// Opens a scene, to be simulated to a time or to its end.
    pub fn open(tuning: Tuning, until_s: Option<f64>) -> Booth {
        let mut booth = Booth {
            tuning,
            run: None,
            problem: None,
            refused: None,
            until_s,
            largest: 0.0,
            desk: Desk::open(),
            drawn: None,
            at: Transform::IDENTITY,
            seen: None,
            left_over: Vec::new(),
        };
        booth.order();
        booth
    }

    /// Simulates what is asked for now.
    pub fn order(&mut self) {
        self.refused = None;
        self.desk.order(Order {
            until_s: self.until_s,
            ..self.tuning.order()
        });
    }

    /// Waits until the run is simulated to a time, or as far as it goes, and returns it.
    ///
    /// # Errors
    /// Why it cannot run.
    pub fn wait(&self, t_s: f64) -> anyhow::Result<Arc<Run>> {
        loop {
            let board = self.desk.board();
            if let Some(problem) = board.problem {
                anyhow::bail!("{problem}");
            }
            let is_there = |run: &Arc<Run>| {
                let (recorded_s, going) = run.recorded();
                !going || recorded_s >= t_s.max(1e-3)
            };
            if let Some(run) = board.run.filter(is_there) {
                return Ok(run);
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Whether a newer run than the one shown is on its way, and how far it is, s.
    pub fn coming(&self) -> Option<f64> {
        let board = self.desk.board();
        if self.desk.is_setting_up() {
            return Some(0.0);
        }
        let newer = board.run.filter(|new| self.is_newer(new))?;
        Some(newer.recorded().0)
    }

    /// Whether a run is another one than what is shown.
    fn is_newer(&self, run: &Arc<Run>) -> bool {
        self.run.as_ref().is_none_or(|old| !Arc::ptr_eq(old, run))
    }

    /// The section through the node that presses hardest.
    pub fn section(&self, play: &Play) -> Vec<section::Band> {
        let bands = |run: &Arc<Run>| {
            let moment = run.at(play.t_s)?;
            let cut = section_cut(run, &moment)?;
            let presses = dent::presses(&run.machine, &moment);
            Some(section::bands(
                run.skin.as_ref()?,
                run.surface.as_ref(),
                cut,
                &presses,
            ))
        };
        self.run.as_ref().and_then(bands).unwrap_or_default()
    }

    /// What stands on the stage, and its time, s; none where nothing does.
    pub fn on_stage(&self) -> Option<(Entity, f64)> {
        let (t_s, ..) = self.seen.as_ref()?;
        Some((self.drawn.as_ref()?.root, *t_s))
    }

    /// The moment that is shown.
    pub fn moment(&self, play: &Play) -> Option<Arc<Moment>> {
        self.run.as_ref()?.at(play.t_s)
    }
}

impl Booths {
    /// Puts a copy beside what stands there alone, as a before to an after. It shows the same run until its own has caught up.
    pub fn compare(&mut self) {
        if let [alone] = self.0.as_slice() {
            let mut copy = Booth::open(alone.tuning.clone(), alone.until_s);
            copy.run = alone.run.clone();
            self.0.push(copy);
        }
    }

    /// Takes away all but one.
    pub fn keep_only(&mut self, index: usize) {
        if index < self.0.len() && self.0.len() > 1 {
            let mut kept = self.0.swap_remove(index);
            let others = self.0.drain(..).filter_map(|other| other.drawn);
            kept.left_over.extend(others.map(|drawn| drawn.root));
            self.0.push(kept);
        }
    }

    /// The window's title: the files that are open.
    pub fn title(&self) -> String {
        let paths = self.0.iter().map(|b| b.tuning.path().display().to_string());
        format!("{} - kneadlab", paths.collect::<Vec<_>>().join(" and "))
    }

    /// Recorded and planned length of what is on the stage: of the shortest and the longest run, s.
    pub fn spans_s(&self) -> [f64; 2] {
        let runs = || self.0.iter().filter_map(|booth| booth.run.as_ref());
        let recorded = runs().map(|run| match run.recorded() {
            // A run that has ended holds nobody up.
            (_, false) => f64::INFINITY,
            (t_s, true) => t_s,
        });
        let longest = runs().map(|run| match run.recorded() {
            (t_s, false) => t_s,
            _ => run.duration_s,
        });
        let duration_s = longest.fold(0.0, f64::max);
        [
            recorded.fold(f64::INFINITY, f64::min).min(duration_s),
            duration_s,
        ]
    }

    /// End of the common scale, SI.
    pub fn top(&self, show: &Show) -> f64 {
        let largest = self.0.iter().map(|b| b.largest).fold(0.0, f64::max);
        show.top
            .unwrap_or_else(|| show.quantity.round_top(largest, show.unit))
    }
}

/// The systems that keep the stage up to date.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stage;

/// Adds what keeps the stage up to date.
pub fn keep(app: &mut App) {
    app.init_resource::<Show>()
        .init_resource::<Play>()
        .init_resource::<Booths>()
        .add_systems(
            Update,
            (receive, pass, look, perform, dress).chain().in_set(Stage),
        );
}

#[allow(
    clippy::too_many_arguments,
    reason = "an engine's system takes what it needs as arguments"
)]
/// Takes new runs from the desks. While one catches up with the time that is shown, the old one stays.
fn receive(
    mut booths: ResMut<Booths>,
    play: Res<Play>,
    show: Res<Show>,
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<Coat>>,
    mut images: ResMut<Assets<Image>>,
    palette: Res<Palette>,
    eyes: Query<&Orbit>,
) {
    let count = booths.0.len();
    let apart = eyes.iter().next().map_or(Vec3::X, Orbit::apart);
    for (index, booth) in booths.0.iter_mut().enumerate() {
        for root in booth.left_over.drain(..) {
            commands.entity(root).despawn();
        }
        let board = booth.desk.board();
        booth.problem = board.problem;
        let is_ready = |new: &Arc<Run>| {
            let (recorded_s, going) = new.recorded();
            let caught_up = booth.run.is_none() || recorded_s >= play.t_s || !going;
            booth.is_newer(new) && caught_up && new.at(0.0).is_some()
        };
        let newer = board.run.filter(is_ready);
        let place = |run: &Run| stage::place(run, index, count, apart);
        let stays = |run: &Arc<Run>| booth.drawn.is_some() && place(run) == booth.at;
        let moved = booth.run.clone().filter(|run| !stays(run));
        let Some(run) = newer.or(moved) else {
            continue;
        };
        if let Some(old) = booth.drawn.take() {
            commands.entity(old.root).despawn();
        }
        let mut hands = Hands {
            commands: &mut commands,
            meshes: &mut meshes,
            materials: &mut materials,
            images: &mut images,
            palette: &palette,
        };
        booth.at = place(&run);
        booth.drawn = Some(stage::raise(&run, booth.at, &show, &mut hands));
        booth.run = Some(run);
        booth.seen = None;
    }
}

/// Lets time go on.
fn pass(time: Res<Time<Real>>, booths: Res<Booths>, mut play: ResMut<Play>) {
    let [recorded_s, duration_s] = booths.spans_s();
    // A picture that took longer than half a second was not watched.
    let dt_s = time.delta_secs_f64().min(0.5);
    let before = play.clone();
    let mut after = before.clone();
    after.pass(dt_s, recorded_s, duration_s);
    if after != before {
        *play = after;
    }
}

/// Finds out where there is something to see.
fn look(
    booths: Res<Booths>,
    play: Res<Play>,
    mut sight: ResMut<Sight>,
    camera: Query<&Camera, With<Orbit>>,
) {
    let count = booths.0.len();
    let mut seen = Sight::default();
    let frame = camera.iter().next().and_then(Camera::logical_viewport_size);
    // A picture that is drawn less sharp is rounded to whole pixels: that is no other frame.
    let other = frame.filter(|frame| frame.distance(sight.frame) > ROUNDED);
    seen.frame = other.unwrap_or(sight.frame);
    seen.tall = orbit::is_narrow(seen.frame.x, count);
    for (index, booth) in booths.0.iter().enumerate() {
        let (Some(run), Some(drawn)) = (&booth.run, &booth.drawn) else {
            continue;
        };
        let [whole, near] = &drawn.outlines;
        seen.whole.extend(whole);
        seen.near.extend(near);
        if index == 0 {
            seen.recline_rad = run.furniture.recline_rad as f32;
            seen.close = run.furniture.close;
            seen.ground_m = run.furniture.ground_m as f32;
            let moment = booth.moment(&play);
            if let Some((place, _)) = moment.and_then(|moment| hardest(run, &moment)) {
                seen.node = booth.at * mesh::point(&place);
            }
        }
    }
    if !seen.whole.is_empty() {
        sight.set_if_neq(seen);
    }
}

/// Place of the node that presses hardest, machine frame, and its index; the first one where none presses.
fn hardest(run: &Run, moment: &Moment) -> Option<(Point3<f64>, usize)> {
    let by_force = |(_, a): &(usize, &crate::run::Touching),
                    (_, b): &(usize, &crate::run::Touching)| {
        a.force_n.total_cmp(&b.force_n)
    };
    let (index, touch) = moment.touches.iter().enumerate().rev().max_by(by_force)?;
    let body = moment.bodies.get(run.machine.nodes.get(index)?.0)?;
    let place = if touch.force_n > 0.0 {
        touch.at
    } else {
        body.translation.vector.into()
    };
    Some((place, index))
}

/// Shows the moment.
fn perform(
    mut booths: ResMut<Booths>,
    play: Res<Play>,
    show: Res<Show>,
    mut transforms: Query<&mut Transform>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut images: ResMut<Assets<Image>>,
    mut materials: ResMut<Assets<Coat>>,
) {
    let top = booths.top(&show);
    for booth in &mut booths.0 {
        let (Some(run), Some(drawn)) = (booth.run.clone(), &mut booth.drawn) else {
            continue;
        };
        let Some(moment) = run.at(play.t_s) else {
            continue;
        };
        if let Some(skin) = &mut drawn.skin {
            booth.largest = skin.paint.largest(&run, show.quantity, play.horizon_s);
        }
        let now = (moment.t_s, show.clone(), top);
        if booth.seen.as_ref() == Some(&now) {
            continue;
        }
        booth.seen = Some(now);
        for (entity, pose) in drawn.bodies.iter().zip(&moment.bodies) {
            if let Ok(mut transform) = transforms.get_mut(*entity) {
                *transform = mesh::transform(pose);
            }
        }
        if let Ok(mut transform) = transforms.get_mut(drawn.back) {
            *transform = mesh::transform(&moment.machine_from_back);
        }
        for (entity, touch) in drawn.arrows.iter().zip(&moment.touches) {
            if let Ok(mut transform) = transforms.get_mut(*entity) {
                *transform = arrow(&touch.force, &touch.at);
            }
        }
        trails(&run, drawn, play.t_s, &mut meshes);
        if let Some(skin) = &mut drawn.skin {
            clothe(
                &run,
                &moment,
                skin,
                &show,
                top,
                &mut meshes,
                &mut images,
                &mut materials,
            );
            if show.section {
                cut(&run, &moment, skin, &drawn.bands, &mut meshes);
            }
        }
    }
}

/// An arrow whose tip is where the force acts.
fn arrow(force: &Vector3<f64>, at: &Point3<f64>) -> Transform {
    let length_m = ARROW_M_N * force.norm() as f32;
    if length_m < 2e-3 {
        return Transform::from_scale(Vec3::ZERO);
    }
    let way = mesh::point(&Point3::from(force.normalize()));
    Transform::from_translation(mesh::point(at) - way * length_m)
        .with_rotation(Quat::from_rotation_arc(Vec3::X, way))
        .with_scale(Vec3::splat(length_m))
}

/// Where the nodes' centres were.
fn trails(run: &Run, drawn: &Drawn, t_s: f64, meshes: &mut Assets<Mesh>) {
    let last = run.index_at(t_s);
    let moments = run.moments(run.index_at(t_s - TRAIL_S), last);
    let every = moments.len().div_ceil(TRAIL_POINTS).max(1);
    for (handle, (body, _)) in drawn.trails.iter().zip(&run.machine.nodes) {
        let at = |moment: &Arc<Moment>| {
            moment
                .bodies
                .get(*body)
                .map(|pose| Point3::from(pose.translation.vector))
        };
        let mut path: Vec<Point3<f64>> = moments.iter().step_by(every).filter_map(at).collect();
        path.extend(moments.last().and_then(at));
        path.dedup_by(|a, b| (*a - *b).norm() < 2e-4);
        let thread = match path.len() {
            0 | 1 => mesh::thread(&[Point3::origin(), Point3::new(0.0, 0.0, 1e-4)], 1e-5),
            _ => mesh::thread(&path, 0.0012),
        };
        let _ = meshes.insert(handle.id(), thread);
    }
}

/// Colours and dents of the skin.
#[allow(
    clippy::too_many_arguments,
    reason = "one caller, and the engine's stores are many"
)]
fn clothe(
    run: &Run,
    moment: &Moment,
    skin: &mut DrawnSkin,
    show: &Show,
    top: f64,
    meshes: &mut Assets<Mesh>,
    images: &mut Assets<Image>,
    materials: &mut Assets<Coat>,
) {
    if let Some(mut image) = images.get_mut(&skin.image) {
        if skin.paint.mark(show.marks) {
            image.data = Some(skin.paint.blank());
        }
        if let Some(pixels) = &mut image.data {
            skin.paint.paint(pixels, run, moment, show.quantity, top);
        }
    }
    // The engine ties a picture to a material when the material changes.
    if let Some(mut material) = materials.get_mut(&skin.material) {
        let glass = show.layers.bones && !show.section;
        material.base.alpha_mode = if glass {
            AlphaMode::Blend
        } else {
            AlphaMode::Opaque
        };
        material.base.base_color = Color::WHITE.with_alpha(if glass { 0.45 } else { 1.0 });
    }
    let presses = dent::presses(&run.machine, moment);
    let moved = dent::moved(&skin.skin.sheet, &presses);
    let first_row = if show.section {
        section_cut(run, moment).map_or(0, |cut| {
            let rows = skin.skin.sheet.rows;
            let above = (0..rows).take_while(|row| {
                skin.skin.sheet.points[row * skin.skin.sheet.columns].z > cut.z_m
            });
            above.count()
        })
    } else {
        0
    };
    if let Some(mut mesh) = meshes.get_mut(&skin.mesh) {
        mesh::dent(&mut mesh, &skin.skin.sheet, &skin.moved, &moved);
        if first_row != skin.first_row {
            mesh::cut(&mut mesh, &skin.skin.sheet, first_row);
            skin.first_row = first_row;
        }
    }
    skin.moved = moved.into_iter().map(|m| m.index).collect();
}

/// The plane square to the spine through the node that presses hardest.
fn section_cut(run: &Run, moment: &Moment) -> Option<Cut> {
    let (place, index) = hardest(run, moment)?;
    let in_back = moment.machine_from_back.inverse() * place;
    let touch = &moment.touches[index];
    let back = run.skin.as_ref()?.back.as_ref();
    let u = match back {
        Some(back) if touch.force_n <= 0.0 => back.station_at(in_back.z),
        _ => touch.place[0],
    };
    let z_m = back.map_or(in_back.z, |back| back.point(u, 0.0).z);
    Some(Cut { u, z_m })
}

fn cut(
    run: &Run,
    moment: &Moment,
    skin: &DrawnSkin,
    bands: &[Handle<Mesh>],
    meshes: &mut Assets<Mesh>,
) {
    let Some(cut) = section_cut(run, moment) else {
        return;
    };
    let presses = dent::presses(&run.machine, moment);
    let layers = section::bands(&skin.skin, run.surface.as_ref(), cut, &presses);
    for (index, handle) in bands.iter().enumerate() {
        // A slab may have fewer layers than there are bands, and its last one is what it is bonded to.
        let band = match index {
            3 => layers.last(),
            _ => layers.get(index).filter(|_| index + 1 < layers.len()),
        };
        let shape = match band {
            // Where a lower layer steps, it may lie over the one above it in the same plane: it is a hair nearer.
            Some(band) => mesh::band(&band.raised(2e-4 * index as f64)),
            None => mesh::thread(&[Point3::origin(), Point3::new(0.0, 0.0, 1e-4)], 1e-5),
        };
        let _ = meshes.insert(handle.id(), shape);
    }
}

/// Shows and hides layers.
fn dress(show: Res<Show>, mut layers: Query<(&Layer, &mut Visibility)>) {
    for (layer, mut visibility) in &mut layers {
        let wanted = if layer.is_on(&show) {
            Visibility::Inherited
        } else {
            Visibility::Hidden
        };
        visibility.set_if_neq(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The stage without a camera that looks.
    fn stage_of(booths: Booths) -> App {
        let mut app = App::new();
        app.add_plugins((MinimalPlugins, AssetPlugin::default()))
            .init_asset::<Mesh>()
            .init_asset::<Coat>()
            .init_asset::<Image>();
        stage::furnish(&mut app);
        keep(&mut app);
        app.insert_resource(booths);
        app
    }

    /// A copy that is put beside what is shown has simulated nothing yet: the time that is shown once fell back to where the copy was.
    #[test]
    fn comparing_keeps_the_time_that_is_shown() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/checks/slab.toml");
        let booth = Booth::open(Tuning::new(&path, &[]), None);
        booth.wait(2.0).unwrap();
        let mut app = stage_of(Booths(vec![booth]));
        app.insert_resource(Play {
            t_s: 2.0,
            playing: false,
            ..Play::default()
        });
        let look = |app: &mut App, count: usize| {
            app.update();
            assert_eq!(app.world().resource::<Play>().t_s, 2.0);
            let booths = app.world().resource::<Booths>();
            assert_eq!(booths.0.len(), count);
            let all_shown = booths
                .0
                .iter()
                .all(|b| b.on_stage().is_some_and(|s| s.1 > 1.9));
            let left = booths.0.iter().filter_map(|b| b.on_stage());
            let places =
                left.map(|(root, _)| app.world().get::<Transform>(root).unwrap().translation.x);
            let places: Vec<f32> = places.collect();
            let coming = booths.0.iter().any(|b| b.coming().is_some());
            (all_shown, places, coming)
        };
        let (shown, places, _) = look(&mut app, 1);
        assert!(shown && places == [0.0], "{places:?}");
        app.world_mut().resource_mut::<Booths>().compare();
        // Without a camera they stand a metre apart.
        let half = 0.5;
        let start = std::time::Instant::now();
        loop {
            let (shown, places, coming) = look(&mut app, 2);
            assert!(shown && places == [-half, half], "{places:?}");
            if !coming {
                break;
            }
            assert!(
                start.elapsed().as_secs() < 120,
                "the copy does not catch up"
            );
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        app.world_mut().resource_mut::<Booths>().keep_only(1);
        let (shown, places, _) = look(&mut app, 1);
        assert!(shown && places == [0.0], "{places:?}");
    }
}
