//! One variant of a scene on one body, in the full simulator, as a row of numbers.

use crate::aim::Aim;
use crate::metric::{METRICS, Run};
use crate::rig_metric::{RigMetric, rig_metrics};
use crate::seat::{SeatError, allow, allow_rig, linkage, place, seat_rig_session};
use crate::shelf::Shelf;
use back::{Back, Body, Envelope};
use mechanism::{Kinematics, Linkage, Rig, Track};
use program::{AxisLimits, DepthMap, Technique, compile};
use scene::{BANDS, Chair, RigScene, Scene, Surface, Sweep};
use serde::{Deserialize, Serialize};
use sim::{
    Bed, Groundwork, PressureMap, Recording, RigSim, RigTrace, Scan, Sim, Subject, Support, Totals,
    Trace, record_rig, record_with,
};
use std::cell::Cell;
use std::sync::Arc;
use tissue::Stack;

/// Everything that variants have in common, built once and shared by threads.
///
/// What is kept, by the content that it depends on: kernel basis and large-strain laws (cell), backs (body), skins (body, cell, keep-outs),
/// seats (body, chair, rail), slabs. Tilt, eccentricity, springs, speeds, node radius and all else of a mechanism but its rail
/// build none of it anew. It takes [`MEMORY_MAX`] bytes at most unless told otherwise, and as much again as threads work on at the moment;
/// what was asked for least recently goes first and is built again when it comes back, to the same bits.
#[derive(Debug)]
pub struct Workshop {
    groundworks: Shelf<u64, Arc<Groundwork>>,
    backs: Shelf<Body, Result<Arc<Back>, Failure>>,
    skins: Shelf<(Body, u64, Envelope), Bed>,
    seats: Shelf<(Body, Chair, Track), Support>,
    slabs: Shelf<(Stack, [f64; 2], u64, Vec<f64>), Bed>,
}

/// What a workshop keeps at most, bytes: some ninety bodies on cells of 2 mm.
pub const MEMORY_MAX: usize = 384 << 20;

/// Rows a second that metrics are taken from; limits, peaks and currents are watched at every step.
const RATE_HZ: f64 = 50.0;

/// What is wanted of a variant beyond its physics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    /// Per level: pressure as shares of the median pain threshold, low and high.
    pub bands: [[f64; 2]; 5],
    /// Whether a pressure map is kept. Without it the metrics that are taken from a map are not a number.
    pub map: bool,
    /// How far out.
    pub depth: Depth,
}

/// Where protrusion comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Depth {
    /// The scene's own table: one protrusion per level, whoever sits there. Of a session of techniques the force they aim at.
    Scene,
    /// Per level, m beyond the protrusion at which both nodes of a side touch the resting user ([`Scan`]): where the shaft is parked, and for
    /// kneading where a turn touches first. So people and mechanisms of other shapes are pressed as deep. Geometry alone, 0.05 ms a
    /// place: the touch profile of a tuning, which is at 25 N, would cost several times the run.
    FromTouch([f64; 5]),
}

impl Depth {
    /// Of the samples of a sweep.
    pub(crate) fn of(sweep: &Sweep) -> Depth {
        sweep
            .depth_from_touch_m
            .map_or(Depth::Scene, Depth::FromTouch)
    }
}

impl Default for Ask {
    /// [`BANDS`], with a map, the scene's own depths.
    fn default() -> Ask {
        Ask {
            bands: BANDS,
            map: true,
            depth: Depth::Scene,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// One value a metric, in the order of [`METRICS`].
    pub values: Vec<f64>,
    /// Pressure over the back, where it was asked for.
    pub map: Option<PressureMap>,
}

impl Measures {
    /// The value of a metric by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        let at = METRICS.iter().position(|m| m.name == name)?;
        self.values.get(at).copied()
    }
}

/// What was found of a rig.
#[derive(Clone, Debug, PartialEq)]
pub struct RigMeasures {
    /// Name and value of each metric, in the order of a plan's columns.
    pub values: Vec<(String, f64)>,
    /// Pressure over the back.
    pub map: PressureMap,
}

impl RigMeasures {
    /// The value of a metric by its name.
    pub fn get(&self, name: &str) -> Option<f64> {
        let found = self.values.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| *value)
    }
}

/// Rows a second of a rig's trace: those of a carriage, and of a machine that taps ten a stroke.
pub fn rig_rate_hz(scene: &RigScene) -> f64 {
    const ROWS_PER_STROKE: f64 = 10.0;
    RATE_HZ.max(ROWS_PER_STROKE * scene.percussion_hz)
}

/// Why a variant has no measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "state", content = "message", rename_all = "snake_case")]
pub enum Failure {
    /// No such machine, or it cannot do this: a rod that does not close, a depth beyond the stroke, a condition that forbids the session.
    #[error("infeasible: {0}")]
    Infeasible(String),
    /// It could not be simulated: a person who cannot be, broken physics.
    #[error("failed: {0}")]
    Failed(String),
}

impl From<SeatError> for Failure {
    /// No other design helps a person who cannot be, or a condition that nobody knows.
    fn from(why: SeatError) -> Failure {
        match why {
            SeatError::Condition(message) | SeatError::Body(message) => Failure::Failed(message),
            SeatError::Refused { condition, note } => {
                Failure::Infeasible(format!("refused for {condition}: {note}"))
            }
            SeatError::Percussion { condition, .. } => {
                Failure::Infeasible(format!("refused for {condition}: it forbids percussion"))
            }
            other => Failure::Infeasible(other.to_string()),
        }
    }
}

impl Default for Workshop {
    fn default() -> Workshop {
        Workshop::with_memory(MEMORY_MAX)
    }
}

impl Workshop {
    /// An empty workshop that keeps at most so many bytes.
    pub fn with_memory(bytes: usize) -> Workshop {
        /// What a key and its list weigh, and a small value.
        const SMALL: usize = 4 << 10;
        // Kernel bases are few; seats and backs weigh some tens of kilobytes a body.
        Workshop {
            groundworks: Shelf::new(4, |_| 1),
            backs: Shelf::new(bytes / 16, |_| 8 * SMALL),
            seats: Shelf::new(bytes / 16, |_| 8 * SMALL),
            skins: Shelf::new(bytes / 16 * 13, |bed| bed.bytes_max() + SMALL),
            slabs: Shelf::new(bytes / 16, |bed| bed.bytes_max() + SMALL),
        }
    }

    /// Bytes that it keeps now, as it counts them: bodies with all that they may still lay.
    pub fn bytes(&self) -> usize {
        self.backs.weight() + self.seats.weight() + self.skins.weight() + self.slabs.weight()
    }

    /// Runs the scene's session on a body, as `run` does, and measures it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn measure(&self, scene: &Arc<Scene>, body: &Body, ask: &Ask) -> Result<Measures, Failure> {
        let mut sim = self.seat(scene, body, ask.depth)?;
        let recording = Recording {
            map: ask.map,
            ..Recording::rows(RATE_HZ)
        };
        let trace = record_with(&mut sim, &recording, &mut |_, _| true);
        measures(trace, &sim, ask)
    }

    /// A run of the scene's session on a body, from what is at hand.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn seat(&self, scene: &Arc<Scene>, body: &Body, depth: Depth) -> Result<Sim, Failure> {
        let envelope = allow(&scene.conditions)?;
        let kinematics = Arc::new(kinematics(scene)?);
        let mut subject = self.subject(scene, body, &kinematics, &envelope)?;
        place(scene, &mut subject, &kinematics, &envelope).map_err(|e| match e {
            SeatError::Fault(fault) => Failure::Failed(fault.to_string()),
            other => other.into(),
        })?;
        let subject = Arc::new(subject);
        let limits = AxisLimits::of(&scene.mechanism);
        let (from_touch, aim);
        let depths: &dyn DepthMap = match depth {
            Depth::Scene if scene.session.parts.is_empty() => &scene.depth,
            Depth::Scene => {
                aim = Aim::new(scene, body, &kinematics, &envelope)
                    .map_err(|_| Failure::Failed("no such person".into()))?;
                &aim
            }
            Depth::FromTouch(depth_m) => {
                from_touch = FromTouch::new(scene, &subject, &kinematics, depth_m);
                &from_touch
            }
        };
        let timeline = compile(
            &scene.session,
            &scene.timing,
            &subject.placement,
            depths,
            &limits,
        )
        .map_err(|e| Failure::Infeasible(e.to_string()))?;
        Sim::new(Arc::clone(scene), subject, kinematics, timeline, envelope)
            .map_err(|e| Failure::Infeasible(e.to_string()))
    }

    /// Runs a rig's scene, as `run` does, and measures it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn measure_rig(&self, scene: &Arc<RigScene>) -> Result<RigMeasures, Failure> {
        let metrics = rig_metrics(&scene.rig);
        let (trace, linkage) = self.trace_rig(scene)?;
        let values = told(&trace, linkage.rig(), &metrics);
        let names = metrics.into_iter().map(|m| m.column.name);
        Ok(RigMeasures {
            values: names.zip(values).collect(),
            map: trace.map,
        })
    }

    /// Values of given metrics.
    pub(crate) fn tell_rig(
        &self,
        scene: &Arc<RigScene>,
        metrics: &[RigMetric],
    ) -> Result<Vec<f64>, Failure> {
        let (trace, linkage) = self.trace_rig(scene)?;
        Ok(told(&trace, linkage.rig(), metrics))
    }

    fn trace_rig(&self, scene: &Arc<RigScene>) -> Result<(RigTrace, Linkage), Failure> {
        let mut sim = self.seat_rig(scene)?;
        let recording = Recording::rows(rig_rate_hz(sim.scene()));
        let trace = record_rig(&mut sim, &recording, &mut |_, _| true);
        match &trace.fault {
            Some(fault) => Err(Failure::Failed(fault.to_string())),
            None => Ok((trace, sim.linkage().clone())),
        }
    }

    /// A run of a rig's scene, from what is at hand.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn seat_rig(&self, scene: &Arc<RigScene>) -> Result<RigSim, Failure> {
        let envelope = allow_rig(scene)?;
        if !scene.parts.is_empty() {
            let groundwork = self.groundwork(scene.solver.cell_m);
            return Ok(seat_rig_session(scene, envelope, &groundwork)?.0);
        }
        let linkage = linkage(scene)?;
        let linkage = Arc::new(linkage);
        let back = self.back(&scene.body)?;
        let bed = match &scene.surface {
            Surface::Back => self.skin(&back, scene.solver.cell_m, &envelope),
            Surface::Slab { stack, size_m } => {
                let radii_m = Subject::rig_law_radii_m(&linkage);
                self.slab(stack, *size_m, scene.solver.cell_m, radii_m)
            }
        };
        let subject = Subject::at_rig_of_parts(scene, &linkage, back, Bed::clone(&bed));
        RigSim::new(Arc::clone(scene), Arc::new(subject), linkage, envelope)
            .map_err(|e| Failure::Infeasible(e.to_string()))
    }

    fn back(&self, body: &Body) -> Result<Arc<Back>, Failure> {
        let back = self.backs.get(body.clone(), || match Back::new(body) {
            Ok(back) => Ok(Arc::new(back)),
            Err(problems) => {
                let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Err(Failure::Failed(all.join("; ")))
            }
        });
        back.as_ref().clone()
    }

    fn groundwork(&self, cell_m: f64) -> Arc<Groundwork> {
        let cell = cell_m.to_bits();
        let groundwork = self.groundworks.get(cell, || Bed::groundwork(cell_m));
        Arc::clone(&groundwork)
    }

    fn skin(&self, back: &Arc<Back>, cell_m: f64, envelope: &Envelope) -> Arc<Bed> {
        let groundwork = self.groundwork(cell_m);
        let key = (back.body().clone(), cell_m.to_bits(), envelope.clone());
        self.skins
            .get(key, || Subject::skin(back, &groundwork, envelope))
    }

    fn slab(&self, stack: &Stack, size_m: [f64; 2], cell_m: f64, radii_m: Vec<f64>) -> Arc<Bed> {
        let groundwork = self.groundwork(cell_m);
        let key = (stack.clone(), size_m, cell_m.to_bits(), radii_m.clone());
        self.slabs
            .get(key, || Bed::slab(stack, &groundwork, &radii_m, size_m))
    }

    fn subject(
        &self,
        scene: &Scene,
        body: &Body,
        kinematics: &Kinematics,
        envelope: &Envelope,
    ) -> Result<Subject, Failure> {
        let back = self.back(body)?;
        let cell_m = scene.solver.cell_m;
        let (bed, support) = match &scene.surface {
            Surface::Back => {
                let bed = self.skin(&back, cell_m, envelope);
                let key = (body.clone(), scene.chair, scene.mechanism.track.clone());
                let support = self.seats.get(key, || {
                    Support::new(&back, &scene.chair, kinematics.curve())
                });
                (bed, Some(support))
            }
            Surface::Slab { stack, size_m } => {
                let radii_m = Subject::law_radii_m(&scene.mechanism);
                (self.slab(stack, *size_m, cell_m, radii_m), None)
            }
        };
        let bed = Bed::clone(&bed);
        Ok(Subject::of_parts(scene, kinematics, back, bed, support))
    }
}

/// Protrusion as a depth beyond touch, station by station.
struct FromTouch<'a> {
    scan: Scan<'a>,
    subject: &'a Subject,
    park_rad: f64,
    depth_m: [f64; 5],
    /// What was asked for last: a programme asks several times for each place.
    last: Cell<Option<(Technique, f64, f64)>>,
}

impl<'a> FromTouch<'a> {
    fn new(
        scene: &Scene,
        subject: &'a Subject,
        kinematics: &'a Kinematics,
        depth_m: [f64; 5],
    ) -> FromTouch<'a> {
        let first = scene.session.steps.first();
        FromTouch {
            scan: Scan::new(scene, subject, kinematics),
            subject,
            park_rad: first.map_or(0.0, |s| s.park_deg.to_radians()),
            depth_m,
            last: Cell::new(None),
        }
    }
}

impl DepthMap for FromTouch<'_> {
    /// Not a number where the nodes find no skin: the session then says that it cannot run.
    fn protrude_m(&self, technique: Technique, u: f64, level: u8) -> f64 {
        let depth_m = self.depth_m[usize::from(level.clamp(1, 5)) - 1];
        if let Some((_, _, touch_m)) = self.last.get().filter(|l| (l.0, l.1) == (technique, u)) {
            return touch_m + depth_m;
        }
        let walk_m = self.subject.placement.walk_m(u);
        let touch_m = match technique {
            Technique::Knead => self.scan.turn_touch_m(walk_m),
            Technique::Press | Technique::Roll => self.scan.touch_m(walk_m, self.park_rad),
        };
        let touch_m = touch_m.unwrap_or(f64::NAN);
        self.last.set(Some((technique, u, touch_m)));
        touch_m + depth_m
    }
}

/// A mechanism that works over the whole turn of its shaft.
fn kinematics(scene: &Scene) -> Result<Kinematics, Failure> {
    let problems = scene.mechanism.check();
    if let Some(first) = problems.first() {
        return Err(Failure::Infeasible(format!("mechanism: {first}")));
    }
    Kinematics::new(&scene.mechanism).map_err(|e| Failure::Infeasible(format!("mechanism: {e}")))
}

fn told(trace: &RigTrace, rig: &Rig, metrics: &[RigMetric]) -> Vec<f64> {
    let totals = Totals::from(trace);
    metrics.iter().map(|m| m.of(rig, trace, &totals)).collect()
}

fn measures(trace: Trace, sim: &Sim, ask: &Ask) -> Result<Measures, Failure> {
    if let Some(fault) = &trace.fault {
        return Err(Failure::Failed(fault.to_string()));
    }
    let run = Run::new(&trace, sim.timeline(), &ask.bands);
    let values = METRICS.iter().map(|m| m.of(&run)).collect();
    Ok(Measures {
        values,
        map: ask.map.then_some(trace.map),
    })
}
