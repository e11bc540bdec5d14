//! Who takes part: bodies per class, and everything about a study that does not depend on them.

use crate::error::TuneError;
use back::{Body, Envelope};
use mechanism::Kinematics;
use scene::Study;
use sim::{Bed, Groundwork, Statics, Subject};
use std::sync::Arc;

use crate::touch::TouchProfile;

/// Cell of the quasi-static pass, m: coarser than a run's; the force differs by a few per cent (see `validity` in the crate's
/// chapter), and the replays tell by how much in the end.
const COARSE_CELL_M: f64 = 0.004;

/// What all bodies share.
#[derive(Clone, Debug)]
pub(crate) struct Stage<'a> {
    pub study: &'a Study,
    pub kinematics: Arc<Kinematics>,
    pub envelope: Envelope,
    pub coarse: Arc<Groundwork>,
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
            kinematics: Arc::new(kinematics),
            envelope,
            coarse: Bed::groundwork(COARSE_CELL_M),
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
