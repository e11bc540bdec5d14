//! From a file to a run that goes on, one moment after the other. What moves and what presses is the simulator's word.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use back::{Envelope, Zone};
use mechanism::{Kinematics, Linkage};
use nalgebra::{Isometry3, Point3, Vector3};
use program::Phase;
use scene::{AnyScene, Deed, FileKind, RigScene, Scene, Surface};
use sim::{Bed, Contact, Groundwork, RigSetup, RigSim, RigWorld, Sim, Subject, Support, Touch};
use tune::{Workshop, seat};

use crate::clay::Solid;
use crate::figure;
use crate::furniture::{Furniture, Pose};
use crate::parts;
use crate::points::Pick;
use crate::rig_parts;
use crate::run::{Cell, End, Moment, Run, Touching};
use crate::skin::Skin;

/// What is wanted: a file and what is changed in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    /// A scene, or a rig.
    pub path: PathBuf,
    /// Values laid over it, as `--set` takes them.
    pub sets: Vec<(String, String)>,
    /// A point of a sweep, in place of the file; then `path` is the sweep's folder.
    pub pick: Option<Pick>,
    /// How far it is simulated, s; to the end where nothing is said.
    pub until_s: Option<f64>,
}

/// Moments per second, and per stroke of a machine that taps; long runs have fewer, so that a film stays within some hundred
/// megabytes.
const RATE_HZ: f64 = 50.0;
const RATE_PER_STROKE: f64 = 10.0;
const MOMENTS_MAX: f64 = 12_000.0;
/// A rig by itself has no programme: it runs as long as this, s.
const RIG_S: f64 = 10.0;

/// Fails with every problem of a file that cannot be shown; its warnings go to stderr.
///
/// # Errors
/// The problems, as text for people.
pub fn check(path: &Path, sets: &[(String, String)]) -> anyhow::Result<()> {
    let warnings = match FileKind::of(path) {
        Ok(FileKind::Rig) => scene::load_rig(path, sets).map(|rig| rig.warnings),
        Ok(FileKind::RigScene) => scene::load_rig_scene(path, sets).map(|rig| rig.warnings),
        _ => scene::load(path, sets).map(|loaded| loaded.warnings),
    };
    for warning in warnings.map_err(|problems| anyhow!("{problems}"))? {
        eprintln!("{warning}");
    }
    Ok(())
}

/// Keeps what the next run may share with the last one: a body costs a second, a slider must not.
#[derive(Default)]
pub struct Bench {
    groundwork: Option<(f64, Arc<Groundwork>)>,
    seated: Option<Seated>,
    /// What points of a sweep share.
    workshop: Workshop,
}

struct Seated {
    scene: Arc<Scene>,
    subject: Arc<Subject>,
    skin: Arc<Skin>,
}

/// A run that goes on.
pub struct Live {
    run: Arc<Run>,
    engine: Engine,
    next_s: f64,
    period_s: f64,
}

enum Engine {
    Carriage {
        sim: Box<Sim>,
        scene: Arc<Scene>,
        kinematics: Arc<Kinematics>,
    },
    Rig(Box<RigSim>),
    /// A rig by itself, in the air.
    Air(Box<RigWorld>),
}

impl Bench {
    /// Sets a run up.
    ///
    /// # Errors
    /// Every problem of the file, or why it cannot run, as text for people.
    pub fn set_up(&mut self, order: &Order) -> anyhow::Result<Live> {
        if let Some(pick) = &order.pick {
            return self.point(pick);
        }
        match FileKind::of(&order.path) {
            Ok(FileKind::Rig) => air(order),
            Ok(FileKind::RigScene) => self.rig(order),
            Ok(FileKind::Scene) => self.carriage(order),
            Ok(kind) => bail!(
                "{} is a {kind}; a scene or a rig can be shown",
                order.path.display()
            ),
            // Its loader tells what is wrong with it.
            Err(_) => self.carriage(order),
        }
    }

    fn carriage(&mut self, order: &Order) -> anyhow::Result<Live> {
        let loaded =
            scene::load(&order.path, &order.sets).map_err(|problems| anyhow!("{problems}"))?;
        let scene = Arc::new(loaded.scene);
        let envelope = seat::allow(&scene.conditions)?;
        let kinematics = Arc::new(seat::kinematics(&scene)?);
        let (subject, skin) = self.seat(&scene, &kinematics, &envelope)?;
        let timeline = seat::plan(&scene, &subject, &kinematics, &envelope)?;
        let sim = Sim::new(
            Arc::clone(&scene),
            subject,
            Arc::clone(&kinematics),
            timeline,
            envelope,
        )?;
        let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        on_carriage(scene, kinematics, sim, skin, warnings)
    }

    /// A point of a sweep: the same run as was measured.
    fn point(&mut self, pick: &Pick) -> anyhow::Result<Live> {
        let (scene, depth) = pick.scene()?;
        let scene: Arc<Scene> = match scene {
            AnyScene::Carriage(scene) => Arc::from(scene),
            AnyScene::Rig(scene) => {
                let sim = self.workshop.seat_rig(&Arc::from(scene))?;
                return on_rig(sim, Vec::new());
            }
        };
        let sim = self.workshop.seat(&scene, &scene.body, depth)?;
        let kinematics = Arc::new(seat::kinematics(&scene)?);
        let skin = Arc::new(skin(&scene.surface, sim.subject()));
        on_carriage(scene, kinematics, sim, skin, Vec::new())
    }

    fn rig(&mut self, order: &Order) -> anyhow::Result<Live> {
        let loaded = scene::load_rig_scene(&order.path, &order.sets)
            .map_err(|problems| anyhow!("{problems}"))?;
        let scene = Arc::new(loaded.scene);
        let envelope = seat::allow_rig(&scene)?;
        let groundwork = self.groundwork(scene.solver.cell_m);
        let sim = seat::seat_at_rig(&scene, envelope, &groundwork)?;
        let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
        on_rig(sim, warnings)
    }

    /// What beds of one cell size share.
    fn groundwork(&mut self, cell_m: f64) -> Arc<Groundwork> {
        let groundwork = match &self.groundwork {
            Some((size_m, groundwork)) if *size_m == cell_m => Arc::clone(groundwork),
            _ => Bed::groundwork(cell_m),
        };
        self.groundwork = Some((cell_m, Arc::clone(&groundwork)));
        groundwork
    }

    /// Seats the body, or takes what is left of the last run where only other things have changed.
    fn seat(
        &mut self,
        scene: &Arc<Scene>,
        kinematics: &Arc<Kinematics>,
        envelope: &Envelope,
    ) -> anyhow::Result<(Arc<Subject>, Arc<Skin>)> {
        let cell_m = scene.solver.cell_m;
        let groundwork = self.groundwork(cell_m);
        let same = |old: &&Seated| {
            old.scene.body == scene.body
                && old.scene.conditions == scene.conditions
                && old.scene.surface == scene.surface
                && old.scene.solver.cell_m == cell_m
        };
        let (mut subject, skin) = match self.seated.as_ref().filter(same) {
            Some(old) => {
                let back = Arc::clone(&old.subject.back);
                let support = old
                    .subject
                    .support
                    .is_some()
                    .then(|| Arc::new(Support::new(&back, &scene.chair, kinematics.curve())));
                let bed = old.subject.bed.clone();
                let subject = Subject::of_parts(scene, kinematics, back, bed, support);
                subject.bed.solve_laws();
                (subject, Arc::clone(&old.skin))
            }
            None => {
                let subject = Subject::new(scene, &scene.body, kinematics, &groundwork, envelope)
                    .map_err(|problems| seat::implausible(&problems))?;
                let skin = skin(&scene.surface, &subject);
                (subject, Arc::new(skin))
            }
        };
        seat::place(scene, &mut subject, kinematics, envelope)?;
        let subject = Arc::new(subject);
        self.seated = Some(Seated {
            scene: Arc::clone(scene),
            subject: Arc::clone(&subject),
            skin: Arc::clone(&skin),
        });
        Ok((subject, skin))
    }
}

fn on_carriage(
    scene: Arc<Scene>,
    kinematics: Arc<Kinematics>,
    sim: Sim,
    skin: Arc<Skin>,
    warnings: Vec<String>,
) -> anyhow::Result<Live> {
    let machine = parts::carriage(&scene.mechanism).context("the mechanism cannot be drawn")?;
    let mut run = Run::new(scene.name.clone(), machine, sim.timeline().duration_s());
    run.furniture = Furniture::of_carriage(&scene);
    run.motors = ["walk", "knead", "protrude"].map(String::from).to_vec();
    run.figure = figure(&skin, run.furniture.pose);
    run.skin = Some(skin);
    run.surface = Some(scene.surface.clone());
    run.envelope = Some(sim.envelope().clone());
    run.warnings = warnings;
    let engine = Engine::Carriage {
        sim: Box::new(sim),
        scene,
        kinematics,
    };
    Ok(Live::new(run, engine, RATE_HZ))
}

fn on_rig(sim: RigSim, warnings: Vec<String>) -> anyhow::Result<Live> {
    let scene = sim.scene();
    let machine = rig_parts::machine(sim.linkage())?;
    let mut run = Run::new(scene.name.clone(), machine, scene.duration_s);
    run.furniture = Furniture::of_rig(&sim);
    run.motors = motors(sim.linkage());
    let skin = Arc::new(skin(&scene.surface, sim.subject()));
    run.figure = figure(&skin, run.furniture.pose);
    run.skin = Some(skin);
    run.surface = Some(scene.surface.clone());
    run.envelope = Some(sim.envelope().clone());
    run.warnings = warnings;
    let rate_hz = RATE_HZ.max(RATE_PER_STROKE * scene.percussion_hz);
    Ok(Live::new(run, Engine::Rig(Box::new(sim)), rate_hz))
}

fn skin(surface: &Surface, subject: &Subject) -> Skin {
    match surface {
        Surface::Back => Skin::of_back(&subject.back, &subject.bed),
        Surface::Slab { .. } => Skin::of_slab(&subject.bed),
    }
}

/// The rest of the user, where there is one.
fn figure(skin: &Skin, pose: Pose) -> Option<Arc<Solid>> {
    let back = skin.back.as_ref()?;
    Some(Arc::new(figure::solid(back, pose)))
}

fn motors(linkage: &Linkage) -> Vec<String> {
    let drives = &linkage.rig().drives;
    drives.iter().map(|drive| drive.name.clone()).collect()
}

/// A rig by itself, in the air, in its usual motion.
fn air(order: &Order) -> anyhow::Result<Live> {
    let loaded =
        scene::load_rig(&order.path, &order.sets).map_err(|problems| anyhow!("{problems}"))?;
    let linkage = Linkage::new(&loaded.rig).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow!("this rig cannot be put together: {}", lines.join("; "))
    })?;
    let linkage = Arc::new(linkage);
    let setup = RigSetup::default();
    let machine = rig_parts::machine(&linkage)?;
    let mut run = Run::new(loaded.rig.name.clone(), machine, RIG_S);
    run.furniture = Furniture::bare();
    run.motors = motors(&linkage);
    run.warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    let world = RigWorld::new(linkage, setup)?;
    Ok(Live::new(run, Engine::Air(Box::new(world)), RATE_HZ))
}

impl Live {
    fn new(run: Run, engine: Engine, rate_hz: f64) -> Live {
        let period_s = (run.duration_s / MOMENTS_MAX).max(1.0 / rate_hz);
        Live {
            run: Arc::new(run),
            engine,
            next_s: 0.0,
            period_s,
        }
    }

    /// The run, as the picture sees it.
    pub fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// Goes on by one step; whether there is another one.
    pub fn step(&mut self) -> bool {
        let (stepped, done) = match &mut self.engine {
            Engine::Carriage { sim, .. } => (sim.step().map(|frame| frame.t_s), sim.is_done()),
            Engine::Rig(sim) => (sim.step().map(|frame| frame.t_s), sim.is_done()),
            Engine::Air(world) => {
                let stepped = world.step(&[]).map(|frame| frame.t_s);
                let done = world.frame().t_s >= self.run.duration_s;
                (stepped, done)
            }
        };
        let t_s = match stepped {
            Ok(t_s) => t_s,
            Err(fault) => return self.stop(End::Fault(fault.to_string())),
        };
        if t_s + 1e-9 >= self.next_s || done {
            self.next_s += self.period_s;
            if let Err(error) = self.record() {
                return self.stop(End::Fault(format!("{error:#}")));
            }
        }
        if done { self.stop(End::Done) } else { true }
    }

    /// Ends the film.
    pub fn stop(&mut self, end: End) -> bool {
        self.run.film(|film| film.end = Some(end));
        false
    }

    fn record(&mut self) -> anyhow::Result<()> {
        let (moment, violations) = match &self.engine {
            Engine::Carriage {
                sim,
                scene,
                kinematics,
            } => (
                of_carriage(sim, scene, kinematics)?,
                sim.violations().to_vec(),
            ),
            Engine::Rig(sim) => (of_rig(sim), sim.violations().to_vec()),
            Engine::Air(world) => (of_air(world), Vec::new()),
        };
        self.run.film(|film| {
            film.moments.push(Arc::new(moment));
            film.violations = violations;
        });
        Ok(())
    }
}

fn of_carriage(sim: &Sim, scene: &Scene, kinematics: &Kinematics) -> anyhow::Result<Moment> {
    let frame = sim.frame();
    let bodies = parts::carriage_poses(
        &scene.mechanism,
        kinematics,
        &frame.drive,
        frame.rocker_rad,
        &frame.nodes,
    )?;
    let pose = frame.machine_from_back;
    let command = &frame.command;
    let phase = match command.phase {
        Phase::Travel => "on the way",
        Phase::Approach => "pressing in",
        Phase::Contact => "working",
        Phase::Release => "letting go",
    };
    let touches = frame
        .contacts
        .iter()
        .zip(frame.zones)
        .enumerate()
        .map(|(i, (contact, zone))| {
            let touch = touching(sim.touch(i), contact, &sim.subject().bed, &pose);
            watched(touch, contact, zone, sim.envelope())
        });
    Ok(Moment {
        t_s: frame.t_s,
        bodies,
        machine_from_back: pose,
        lift_m: frame.lean.y_m,
        pad_n: frame.pad_n,
        touches: touches.collect(),
        current_a: frame.current_a.to_vec(),
        station: command.u,
        doing: format!(
            "{}, {phase}, level {}",
            command.technique.name(),
            command.level
        ),
    })
}

/// A node's contact beside what is allowed there.
fn watched(touch: Touching, contact: &Contact, zone: Zone, envelope: &Envelope) -> Touching {
    let area_m2 = contact.area_m2;
    Touching {
        zone: (contact.force_n > 0.0).then_some(zone),
        pain_pa: if area_m2 > 0.0 {
            envelope.reference_pressure_pa(zone, area_m2)
        } else {
            0.0
        },
        cap_pa: envelope.peak_pressure_cap_pa(zone, area_m2.max(1e-4)),
        ..touch
    }
}

/// A node's contact. Between two solves of its field the force goes on along the contact's stiffness, and the field is
/// scaled to it: pressures sum to the force.
fn touching(
    touch: &Touch,
    contact: &Contact,
    bed: &Bed,
    machine_from_back: &Isometry3<f64>,
) -> Touching {
    let mut out = Touching {
        force_n: contact.force_n,
        force: machine_from_back.rotation * contact.force_in_back,
        at: machine_from_back * contact.point_in_back,
        place: [contact.u, contact.x_m],
        peak_pa: contact.peak_pa,
        depth_m: contact.depth_m,
        skin_m: if contact.force_n > 0.0 {
            touch.reached().0
        } else {
            0.0
        },
        ..Touching::default()
    };
    let cell_m2 = bed.cell_m() * bed.cell_m();
    let solved_n = touch.pressure_pa().iter().sum::<f64>() * cell_m2;
    let Some(origin) = touch
        .origin()
        .filter(|_| contact.force_n > 0.0 && solved_n > 0.0)
    else {
        return out;
    };
    let share = contact.force_n / solved_n;
    let side = touch.pressure_pa().len().isqrt();
    let [down, across] = touch.shear_pa();
    for (i, (pressure, depth_m)) in touch
        .pressure_pa()
        .iter()
        .zip(touch.skin_depths_m())
        .enumerate()
    {
        if *pressure > 0.0 {
            let at = [
                origin[0] + (i / side) as isize,
                origin[1] + (i % side) as isize,
            ];
            out.cells.push(Cell {
                at: at.map(|n| n as u16),
                pressure_pa: (share * pressure) as f32,
                shear_pa: down[i].hypot(across[i]) as f32,
                depth_m: depth_m as f32,
            });
        }
    }
    out
}

fn of_rig(sim: &RigSim) -> Moment {
    let frame = sim.frame();
    let pose = sim.machine_from_back();
    let bed = &sim.subject().bed;
    let touches = sim.contacts().iter().zip(sim.zones()).enumerate();
    let touches = touches.map(|(i, (contact, zone))| {
        let touch = touching(sim.touch(i), contact, bed, &pose);
        watched(touch, contact, *zone, sim.envelope())
    });
    let hardest = sim
        .contacts()
        .iter()
        .filter(|c| c.force_n > 0.0)
        .max_by(|a, b| a.force_n.total_cmp(&b.force_n));
    Moment {
        t_s: frame.t_s,
        bodies: rig_parts::poses(sim.linkage(), frame, &sim.machine_from_ground()),
        machine_from_back: pose,
        lift_m: sim.lean().y_m,
        pad_n: sim.pad_n(),
        touches: touches.collect(),
        current_a: frame.drives.iter().map(|drive| drive.current_a).collect(),
        station: hardest.map_or(f64::NAN, |c| c.u),
        doing: doing(sim.scene(), frame.t_s),
    }
}

/// What the drives were told last, in words.
fn doing(scene: &RigScene, t_s: f64) -> String {
    let told = scene.orders.iter().take_while(|o| o.at_s <= t_s + 1e-9);
    let mut last: Vec<Option<Deed>> = vec![None; scene.rig.drives.len()];
    for order in told {
        last[order.drive] = Some(order.deed);
    }
    let words = scene.rig.drives.iter().zip(last).map(|(drive, deed)| {
        let what = match deed {
            None | Some(Deed::Motion) => "runs",
            Some(Deed::Go { .. }) => "goes to its place",
            Some(Deed::Park { .. }) => "parks",
            Some(Deed::Follow { .. }) => "works",
            Some(Deed::Speed(_)) => "runs at a speed",
            Some(Deed::Stop) => "stands",
            Some(Deed::Volts(_)) => "has lost its controller",
            Some(Deed::Off) => "has no current",
            Some(Deed::Stuck) => "is stuck",
            Some(Deed::Lost(_)) => "has lost its position",
        };
        format!("{} {what}", drive.name)
    });
    words.collect::<Vec<_>>().join(", ")
}

fn of_air(world: &RigWorld) -> Moment {
    let frame = world.frame();
    let touches = frame.heads.iter().map(|head| Touching {
        at: Point3::from(head.translation.vector),
        force: Vector3::zeros(),
        ..Touching::default()
    });
    Moment {
        t_s: frame.t_s,
        bodies: rig_parts::poses(world.linkage(), frame, &Isometry3::identity()),
        touches: touches.collect(),
        current_a: frame.drives.iter().map(|drive| drive.current_a).collect(),
        doing: "in the air, its usual motion".into(),
        ..Moment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenes(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../scenes")
            .join(name)
    }

    /// What the picture is given of a step is what the run has: the cells' pressures sum to the nodes' forces.
    #[test]
    fn pressures_sum_to_the_forces() {
        let order = Order {
            path: scenes("checks/knead_turns.toml"),
            ..Order::default()
        };
        let mut live = Bench::default().set_up(&order).unwrap();
        let run = Arc::clone(live.run());
        while run.recorded().0 < 9.0 {
            assert!(live.step());
        }
        let cell_m2 = run.skin.as_ref().unwrap().bed.cell_m().powi(2);
        let moment = run.at(9.0).unwrap();
        let mut pressed = 0;
        for touch in &moment.touches {
            let sum_n: f64 = touch
                .cells
                .iter()
                .map(|c| f64::from(c.pressure_pa) * cell_m2)
                .sum();
            // Single precision keeps 7 digits of each.
            assert!(
                (sum_n - touch.force_n).abs() < 1e-4 * touch.force_n.max(1.0),
                "{sum_n} {}",
                touch.force_n
            );
            let deepest = touch
                .cells
                .iter()
                .map(|c| f64::from(c.depth_m))
                .fold(0.0, f64::max);
            assert!(deepest <= touch.depth_m, "{deepest} {}", touch.depth_m);
            pressed += usize::from(touch.force_n > 1.0);
        }
        assert!(pressed >= 2, "{pressed} nodes press");
    }

    /// A body is seated once for many settings of the machine, and the answer is the same as from scratch.
    #[test]
    fn what_is_kept_between_runs_changes_no_number() {
        let order = |deep: &str| Order {
            path: scenes("checks/knead_turns.toml"),
            sets: vec![("depth.protrude_mm.2".into(), deep.into())],
            ..Order::default()
        };
        let force_n = |bench: &mut Bench, deep: &str| {
            let mut live = bench.set_up(&order(deep)).unwrap();
            for _ in 0..2000 {
                live.step();
            }
            live.run()
                .at(7.9)
                .unwrap()
                .touches
                .iter()
                .map(|t| t.force_n)
                .sum::<f64>()
        };
        let mut kept = Bench::default();
        let shallow = force_n(&mut kept, "52");
        let deep = force_n(&mut kept, "60");
        assert!(deep > shallow, "{deep} {shallow}");
        assert_eq!(deep, force_n(&mut Bench::default(), "60"));
    }

    /// A session of techniques is seated as `run` seats it: its parts aim at their force, and the same steps give the same bits.
    #[test]
    fn a_session_of_techniques_runs_as_it_is_shown() {
        let path = scenes("mixed_styles.toml");
        let order = Order {
            path: path.clone(),
            ..Order::default()
        };
        let mut live = Bench::default().set_up(&order).unwrap();
        let scene = Arc::new(scene::load(&path, &[]).unwrap().scene);
        assert!(!scene.session.parts.is_empty(), "no techniques in it");
        let mut sim = seat::seat(&scene, seat::allow(&scene.conditions).unwrap()).unwrap();
        assert_eq!(live.run().duration_s, sim.timeline().duration_s());
        for _ in 0..2500 {
            assert!(live.step());
            sim.step().unwrap();
        }
        let shown = live
            .run()
            .film(|film| film.moments.last().cloned())
            .unwrap();
        let frame = sim.frame();
        assert_eq!(shown.t_s, frame.t_s);
        for (shown, run) in shown.touches.iter().zip(&frame.contacts) {
            assert_eq!(shown.force_n, run.force_n);
        }
    }

    /// A rig's film has the run's own poses: the heads where the machine has them, the body leaning as it leans.
    #[test]
    fn a_rig_is_shown_where_it_is() {
        let order = Order {
            path: scenes("pillow.toml"),
            sets: vec![("solver.cell_mm".into(), "4.0".into())],
            ..Order::default()
        };
        let mut live = Bench::default().set_up(&order).unwrap();
        while live.run().recorded().0 < 2.6 {
            assert!(live.step());
        }
        let Engine::Rig(sim) = &live.engine else {
            panic!("the scene of a rig");
        };
        let shown = live
            .run()
            .film(|film| film.moments.last().cloned())
            .unwrap();
        assert_eq!(shown.machine_from_back, sim.machine_from_back());
        let heads = sim
            .frame()
            .heads
            .iter()
            .map(|h| sim.machine_from_ground() * h);
        for ((body, _), head) in live.run().machine.nodes.iter().zip(heads) {
            assert_eq!(shown.bodies[*body], head);
        }
        assert_eq!(shown.bodies.len(), live.run().machine.bodies.len());
        assert_eq!(shown.current_a.len(), live.run().motors.len());
        assert!(shown.pad_n > 0.0, "the pad carries nothing");
    }
}
