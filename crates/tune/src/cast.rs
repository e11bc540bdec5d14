//! Who takes part: bodies per class, and everything about a study that does not depend on them.

use crate::error::TuneError;
use back::{Body, Envelope, Policy};
use mechanism::{Drive, Kinematics};
use program::{Session, Step, Technique};
use scene::{Scene, Study, forbidden};
use sim::{Bed, Groundwork, Statics, Subject};
use std::f64::consts::TAU;
use std::sync::Arc;

use crate::stay::within_stay;
use crate::touch::TouchProfile;

/// Cell of the quasi-static pass, m: coarser than a run's; the force differs by a few per cent (see `validity` in the crate's
/// chapter), and the replays tell by how much in the end.
pub(crate) const COARSE_CELL_M: f64 = 0.004;

/// What all bodies share.
#[derive(Clone, Debug)]
pub(crate) struct Stage<'a> {
    pub study: &'a Study,
    /// The study's session as firmware may run it.
    pub session: Session,
    pub kinematics: Arc<Kinematics>,
    pub envelope: Envelope,
    pub coarse: Arc<Groundwork>,
    /// How fast a kneading node goes along the skin, in the mean over a turn, m/s.
    pub knead_m_s: f64,
}

/// One body, ready for the quasi-static pass.
#[derive(Debug)]
pub(crate) struct Player {
    pub class: usize,
    pub subject: Subject,
    pub statics: Statics,
    pub touch: TouchProfile,
}

impl<'a> Stage<'a> {
    pub fn new(study: &'a Study) -> Result<Stage<'a>, TuneError> {
        let scene = &study.scene;
        let envelope =
            Envelope::new(&scene.conditions).map_err(|e| TuneError::Condition(e.to_string()))?;
        if envelope.refused() {
            let policy = envelope.policy();
            return Err(TuneError::Refused {
                condition: policy.id.clone(),
                note: policy.note.clone(),
            });
        }
        tunable(scene, envelope.policy())?;
        let kinematics =
            Kinematics::new(&scene.mechanism).map_err(|e| TuneError::Mechanism(e.to_string()))?;
        Ok(Stage {
            study,
            session: within_stay(study)?.session,
            envelope,
            coarse: Bed::groundwork(COARSE_CELL_M),
            knead_m_s: knead_path_m(scene, &kinematics)? * knead_rad_s(scene) / TAU,
            kinematics: Arc::new(kinematics),
        })
    }

    /// Seats one body and solves its atlas.
    pub fn seat(&self, class: usize, body: &Body) -> Result<Player, TuneError> {
        let subject = Subject::new(
            &self.study.scene,
            body,
            &self.kinematics,
            &self.coarse,
            &self.envelope,
        )
        .map_err(|problems| TuneError::body(&problems))?;
        let statics = Statics::new(&self.study.scene, &subject, &self.kinematics);
        let touch = TouchProfile::scan(self.study, &subject, &statics);
        Ok(Player {
            class,
            subject,
            statics,
            touch,
        })
    }

    /// Bodies of every class, class after class.
    pub fn draw(&self, seed: u64, per_class: usize) -> Vec<(usize, Body)> {
        let classes = &self.study.classes;
        (0..classes.len())
            .flat_map(|class| {
                classes
                    .sample_of(&self.study.people, class, seed, per_class)
                    .into_iter()
                    .map(move |body| (class, body))
            })
            .map(|(class, mut body)| {
                // Tone is a state, not a trait: everyone is tuned as tense as the scene's body is.
                body.tone = self.study.scene.body.tone;
                (class, body)
            })
            .collect()
    }
}

/// What a session of techniques must keep to be tuned: its conditions allow each of them, tables can hold each step, and steps of one deed
/// stand at one width, since they share a depth map.
fn tunable(scene: &Scene, policy: &Policy) -> Result<(), TuneError> {
    let session = &scene.session;
    if let Some((_, note)) = forbidden(&session.parts, &scene.conditions).pop() {
        return Err(TuneError::Refused {
            condition: policy.id.clone(),
            note,
        });
    }
    for (i, step) in session.steps.iter().enumerate() {
        if step.sway().is_some() {
            let parts = &session.parts;
            let part = step.pace.and_then(|p| parts.get(p.part));
            return Err(TuneError::Program(format!(
                "{}: tables have presses, turns and rolls, and no movement to and fro; leave it out of the session that is tuned",
                part.map_or("a step", |p| p.manner.name.as_str())
            )));
        }
        let first = session.steps.iter().find(|s| s.technique == step.technique);
        let off_deg = first.map_or(0.0, |s| (s.park_deg - step.park_deg).abs());
        if step.pace.is_some() && off_deg > SAME_PARK_DEG {
            return Err(TuneError::Program(format!(
                "step {i}: {} at two widths (the shaft parked {off_deg:.0} degrees apart), and there is one depth map; give its parts one width_mm",
                step.technique.name()
            )));
        }
    }
    Ok(())
}

/// Angles of the parked shaft that count as one width, degrees (E): under a millimetre.
const SAME_PARK_DEG: f64 = 2.0;

/// The quickest kneading of the session, rad/s: forces rise fastest, and tissue gives least.
pub(crate) fn knead_rad_s(scene: &Scene) -> f64 {
    quickest(scene, Technique::Knead, |s| s.turn_rad_s(&scene.timing))
        .unwrap_or(scene.timing.knead_rad_s)
}

/// The quickest roll of the session, m/s.
pub(crate) fn roll_m_s(scene: &Scene) -> f64 {
    quickest(scene, Technique::Roll, |s| s.walk_m_s(&scene.timing)).unwrap_or(scene.timing.roll_m_s)
}

fn quickest(scene: &Scene, technique: Technique, speed: impl Fn(&Step) -> f64) -> Option<f64> {
    let steps = scene.session.steps.iter();
    steps
        .filter(|s| s.technique == technique)
        .map(speed)
        .reduce(f64::max)
}

/// Way of a node along the back in one turn of the kneading shaft, m, the mean of upper and lower.
fn knead_path_m(scene: &Scene, kinematics: &Kinematics) -> Result<f64, TuneError> {
    const STEPS: usize = 32;
    let walk_m = 0.5 * kinematics.curve().length_m();
    let mut way_m = 0.0;
    let mut before = None;
    for step in 0..=STEPS {
        let drive = Drive {
            walk_m,
            protrude_m: 0.5 * scene.mechanism.protrude.stroke_m,
            knead_rad: TAU * step as f64 / STEPS as f64,
            tap_rad: 0.0,
        };
        let sides = kinematics.sides(&drive);
        let pivot = sides.map_err(|e| TuneError::Mechanism(e.to_string()))?[1].pivot;
        let nodes = [0, 1].map(|i| pivot * kinematics.node_in_pivot(i, 0.0));
        if let Some(before) = before.replace(nodes) {
            let steps = nodes
                .iter()
                .zip(&before)
                .map(|(b, a)| (b.x - a.x).hypot(b.z - a.z));
            way_m += 0.5 * steps.sum::<f64>();
        }
    }
    Ok(way_m)
}
