//! Who takes part: bodies per class, and everything about a study that does not depend on them.

use crate::error::TuneError;
use back::{Body, Envelope};
use mechanism::{Drive, Kinematics};
use program::Session;
use scene::{Scene, Study};
use sim::{Bed, Groundwork, Statics, Subject};
use std::f64::consts::TAU;
use std::sync::Arc;

use crate::stay::within_stay;
use crate::touch::TouchProfile;

/// Cell of the quasi-static pass, m: coarser than a run's; the force differs by a few per cent (see `validity` in the crate's
/// chapter), and the replays tell by how much in the end.
const COARSE_CELL_M: f64 = 0.004;

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
        let kinematics =
            Kinematics::new(&scene.mechanism).map_err(|e| TuneError::Mechanism(e.to_string()))?;
        Ok(Stage {
            study,
            session: within_stay(study)?.session,
            envelope,
            coarse: Bed::groundwork(COARSE_CELL_M),
            knead_m_s: knead_path_m(scene, &kinematics)? * scene.timing.knead_rad_s / TAU,
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
