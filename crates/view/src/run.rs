//! A run as the picture sees it: what stays, and what it was like at one moment after the other.

use std::sync::{Arc, Mutex, PoisonError};

use back::{Envelope, Zone};
use nalgebra::{Isometry3, Point3, Vector3};
use scene::Surface;
use sim::Violation;

use crate::clay::Solid;
use crate::furniture::Furniture;
use crate::parts::Machine;
use crate::skin::Skin;

/// What does not change over a run, and the film that grows.
pub struct Run {
    /// What it calls itself.
    pub title: String,
    /// What stands around.
    pub furniture: Furniture,
    /// What the nodes touch, if anything.
    pub skin: Option<Arc<Skin>>,
    /// The rest of the user, back frame.
    pub figure: Option<Arc<Solid>>,
    /// The machine.
    pub machine: Machine,
    /// What the scene has the nodes touch, where it is one.
    pub surface: Option<Surface>,
    /// Names of the motors, in the order of a moment's currents.
    pub motors: Vec<String>,
    /// Limits in force.
    pub envelope: Option<Envelope>,
    /// Where it ends, s.
    pub duration_s: f64,
    /// What somebody should look at, as lines.
    pub warnings: Vec<String>,
    film: Mutex<Film>,
}

/// What was recorded so far.
#[derive(Default)]
pub struct Film {
    /// In the order of time, the first at 0 or after the first step.
    pub moments: Vec<Arc<Moment>>,
    /// Limits passed so far.
    pub violations: Vec<Violation>,
    /// Whether and how it ended.
    pub end: Option<End>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The programme is over.
    Done,
    /// Something broke.
    Fault(String),
    /// Another run was wanted.
    Dropped,
}

/// Everything that the picture shows of one time.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// Time, s.
    pub t_s: f64,
    /// `machine_from_body`, in the order of the machine's bodies.
    pub bodies: Vec<Isometry3<f64>>,
    /// Pose of what is touched.
    pub machine_from_back: Isometry3<f64>,
    /// How far the hip stands out of the machine against its rest, m.
    pub lift_m: f64,
    /// Force of the pad on the trunk, N.
    pub pad_n: f64,
    /// Each node on the skin.
    pub touches: Vec<Touching>,
    /// Motor currents, A, in the order of [`Run::motors`].
    pub current_a: Vec<f64>,
    /// Station of the carriage, or of a rig's node that presses hardest; not a number where none does.
    pub station: f64,
    /// What is being done, in words.
    pub doing: String,
}

/// One node on the skin.
#[derive(Clone, Debug, Default)]
pub struct Touching {
    /// Normal force, N.
    pub force_n: f64,
    /// Force on the user, machine frame, N.
    pub force: Vector3<f64>,
    /// Where it acts, machine frame.
    pub at: Point3<f64>,
    /// Station and lateral place, m.
    pub place: [f64; 2],
    /// Largest pressure, Pa.
    pub peak_pa: f64,
    /// Overlap of node and resting skin, cover included, m.
    pub depth_m: f64,
    /// How deep the skin stands where it stands deepest, m.
    pub skin_m: f64,
    /// Zone under it.
    pub zone: Option<Zone>,
    /// Median pain threshold of the zone for this area, Pa.
    pub pain_pa: f64,
    /// Cap on the local pressure, Pa.
    pub cap_pa: f64,
    /// The pressed cells.
    pub cells: Vec<Cell>,
}

/// One pressed cell of the bed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cell {
    /// Row and column of the bed.
    pub at: [u16; 2],
    /// Normal pressure, Pa.
    pub pressure_pa: f32,
    /// Shear traction, Pa.
    pub shear_pa: f32,
    /// How far the skin stands in, m.
    pub depth_m: f32,
}

impl Run {
    /// A run of which nothing is recorded yet.
    pub fn new(title: String, machine: Machine, duration_s: f64) -> Run {
        Run {
            title,
            furniture: Furniture::default(),
            skin: None,
            figure: None,
            machine,
            surface: None,
            motors: Vec::new(),
            envelope: None,
            duration_s,
            warnings: Vec::new(),
            film: Mutex::default(),
        }
    }

    /// What a node calls itself.
    pub fn node_name(&self, index: usize) -> String {
        let body = self.machine.nodes.get(index).map(|(body, _)| *body);
        let name = body.and_then(|body| self.machine.bodies.get(body));
        name.map_or_else(|| (index + 1).to_string(), |n| n.replace('_', " "))
    }

    /// What a motor calls itself.
    pub fn motor_name(&self, index: usize) -> String {
        let name = self.motors.get(index);
        name.map_or_else(|| (index + 1).to_string(), |n| n.replace('_', " "))
    }

    /// Looks at the film. Whoever holds it holds up the recording: keep it short.
    pub fn film<T>(&self, look: impl FnOnce(&mut Film) -> T) -> T {
        look(&mut self.film.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How far it is recorded, s, and whether it goes on.
    pub fn recorded(&self) -> (f64, bool) {
        self.film(|film| {
            let t_s = film.moments.last().map_or(0.0, |m| m.t_s);
            (t_s, film.end.is_none())
        })
    }

    /// The run at a time between what was recorded: poses go straight from one moment to the next, fields are the
    /// earlier one's. `None` as long as nothing is recorded.
    pub fn at(&self, t_s: f64) -> Option<Arc<Moment>> {
        let (before, after) = self.film(|film| {
            let next = film.moments.partition_point(|m| m.t_s <= t_s);
            let before = film.moments.get(next.saturating_sub(1)).cloned();
            (before, film.moments.get(next).cloned())
        });
        let before = before?;
        let Some(after) = after.filter(|after| after.t_s > before.t_s) else {
            return Some(before);
        };
        let share = ((t_s - before.t_s) / (after.t_s - before.t_s)).clamp(0.0, 1.0);
        if share < 1e-3 || before.bodies.len() != after.bodies.len() {
            return Some(before);
        }
        let mut between = Moment::clone(&before);
        between.t_s = t_s;
        for (pose, next) in between.bodies.iter_mut().zip(&after.bodies) {
            *pose = pose.lerp_slerp(next, share);
        }
        between.machine_from_back = between
            .machine_from_back
            .lerp_slerp(&after.machine_from_back, share);
        Some(Arc::new(between))
    }

    /// Index of the last moment at or before a time.
    pub fn index_at(&self, t_s: f64) -> usize {
        self.film(|film| {
            film.moments
                .partition_point(|m| m.t_s <= t_s)
                .saturating_sub(1)
        })
    }

    /// All moments from `first` up to and with `last`.
    pub fn moments(&self, first: usize, last: usize) -> Vec<Arc<Moment>> {
        self.film(|film| {
            let end = (last + 1).min(film.moments.len());
            film.moments
                .get(first.min(end)..end)
                .unwrap_or_default()
                .to_vec()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(t_s: f64, x: f64) -> Arc<Moment> {
        Arc::new(Moment {
            t_s,
            bodies: vec![Isometry3::translation(x, 0.0, 0.0)],
            ..Moment::default()
        })
    }

    #[test]
    fn between_two_moments_poses_go_straight() {
        let run = Run::new("test".into(), Machine::default(), 1.0);
        assert!(run.at(0.0).is_none());
        run.film(|film| film.moments.extend([moment(0.0, 0.0), moment(0.1, 1.0)]));
        let x = |t_s| run.at(t_s).unwrap().bodies[0].translation.x;
        assert_eq!(x(-1.0), 0.0);
        assert!((x(0.05) - 0.5).abs() < 1e-12);
        assert_eq!(x(7.0), 1.0);
        assert_eq!(run.index_at(0.09), 0);
        assert_eq!(run.moments(0, 9).len(), 2);
    }
}
