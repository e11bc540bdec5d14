//! The session as firmware may run it: no work at one place is longer than the caps let a machine stay there.
//!
//! The law is about pressure: a stay is bounded where it is deep. Firmware feels no pressure and counts every stay as one, so a
//! session that asks for more would be cut short at its caps. It is planned within them instead, and the notes say what was left out.

use std::f64::consts::TAU;

use crate::error::TuneError;
use back::Envelope;
use mechanism::Mechanism;
use program::{AxisLimits, Session, Technique, Timing};
use scene::Study;

/// A session within the longest stay, and what it does less than was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct StaySession {
    /// Holds no longer, and no more turns at a place, than a stay allows.
    pub session: Session,
    /// A line for each step that asked for more.
    pub notes: Vec<String>,
}

/// The study's session within [`Envelope::stay_cap_s`] of its conditions.
///
/// # Errors
/// A condition that is not known; a kneading so slow that not even one turn fits.
pub fn within_stay(study: &Study) -> Result<StaySession, TuneError> {
    let scene = &study.scene;
    let envelope =
        Envelope::new(&scene.conditions).map_err(|e| TuneError::Condition(e.to_string()))?;
    shortened(
        &scene.session,
        &scene.timing,
        &scene.mechanism,
        envelope.stay_cap_s(),
    )
}

fn shortened(
    asked: &Session,
    timing: &Timing,
    mechanism: &Mechanism,
    stay_s: f64,
) -> Result<StaySession, TuneError> {
    let limits = AxisLimits::of(mechanism);
    let mut session = asked.clone();
    let mut notes = Vec::new();
    for (i, step) in session.steps.iter_mut().enumerate() {
        let name = step.technique.name();
        let rate_rad_s = step.turn_rad_s(timing).min(limits.knead_rad_s);
        // Turns from rest to rest: each at full speed, and once the time of speeding up and braking.
        let ramp_s = rate_rad_s / limits.knead_rad_s2;
        let turn_s = TAU / rate_rad_s;
        let turns = ((stay_s - ramp_s) / turn_s + 1e-9).floor();
        match step.technique {
            Technique::Press if step.hold_s > stay_s => {
                notes.push(format!(
                    "session.step.{i} ({name}): a hold of {} s is planned as {stay_s} s, the longest stay at one place",
                    step.hold_s
                ));
                step.hold_s = stay_s;
            }
            Technique::Knead if turns < 1.0 => {
                return Err(TuneError::Program(format!(
                    "session.step.{i} ({name}): one turn takes {:.1} s, and the longest stay at one place is {stay_s} s\n  hint: raise timing.knead_rpm",
                    turn_s + ramp_s
                )));
            }
            Technique::Knead if step.cycles > turns => {
                notes.push(format!(
                    "session.step.{i} ({name}): {} turns take {:.1} s; planned are {turns}, as the longest stay at one place is {stay_s} s",
                    step.cycles,
                    step.cycles * turn_s + ramp_s
                ));
                step.cycles = turns;
            }
            _ => {}
        }
    }
    Ok(StaySession { session, notes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use program::Step;

    fn step(technique: Technique, hold_s: f64, cycles: f64) -> Step {
        Step {
            technique,
            from_u: 0.3,
            to_u: 0.5,
            level: 3,
            hold_s,
            cycles,
            park_deg: 0.0,
            spacing_u: 0.1,
            pace: None,
        }
    }

    fn plan(rpm: f64, steps: Vec<Step>) -> Result<StaySession, TuneError> {
        let asked = Session {
            name: "s".into(),
            style: "shiatsu".into(),
            steps,
            parts: Vec::new(),
            fits: Vec::new(),
        };
        let timing = Timing {
            knead_rad_s: rpm / 60.0 * TAU,
            ..Timing::default()
        };
        shortened(&asked, &timing, &Mechanism::reference(), 8.0)
    }

    /// By hand, with 8 s at a place: at 12 turns a minute a turn takes 5 s, so one fits and two (10 s) do not; at 16 two take
    /// 7.5 s and the ramp some tenths. A hold of 20 s becomes one of 8; a roll moves on and stays as it is.
    #[test]
    fn val_work_at_a_place_fits_the_longest_stay() {
        let steps = vec![
            step(Technique::Press, 2.0, 1.0),
            step(Technique::Press, 20.0, 1.0),
            step(Technique::Knead, 0.0, 2.0),
            step(Technique::Roll, 0.0, 4.0),
        ];
        let slow = plan(12.0, steps.clone()).unwrap();
        let of = |s: &StaySession| {
            s.session
                .steps
                .iter()
                .map(|s| (s.hold_s, s.cycles))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&slow), [(2.0, 1.0), (8.0, 1.0), (0.0, 1.0), (0.0, 4.0)]);
        assert!(
            slow.notes.len() == 2 && slow.notes[1].contains("step.2"),
            "{:?}",
            slow.notes
        );
        let fast = plan(16.0, steps).unwrap();
        assert_eq!((of(&fast)[2], fast.notes.len()), ((0.0, 2.0), 1));
    }

    #[test]
    fn a_turn_that_is_longer_than_a_stay_is_an_error() {
        let told = plan(6.0, vec![step(Technique::Knead, 0.0, 1.0)]).unwrap_err();
        assert!(told.to_string().contains("knead_rpm"), "{told}");
    }
}
