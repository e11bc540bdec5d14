//! A broken physical state, with time and part: returned, never hidden.

use crate::sim::Frame;
use crate::trunk::Lean;
use mechanism::LoopOpen;
use serde::{Deserialize, Serialize};

/// What broke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("at {t_s:.3} s, {part}: {what}")]
pub struct Fault {
    /// When, s.
    pub t_s: f64,
    /// Which part.
    pub part: String,
    /// What is wrong with it.
    pub what: String,
}

/// Farther than this the trunk has left the chair, m.
const THROWN_M: f64 = 0.3;

impl Fault {
    pub(crate) fn loop_open(t_s: f64, error: &LoopOpen) -> Fault {
        Fault {
            t_s,
            part: "kneading rod".into(),
            what: error.to_string(),
        }
    }

    /// A node pressed harder than any limit of work: the envelope's fault ceiling.
    pub(crate) fn crushed(t_s: f64, node: usize, force_n: f64, ceiling_n: f64) -> Fault {
        Fault {
            t_s,
            part: format!("node {node}"),
            what: format!(
                "it presses a person with {force_n:.0} N, over the fault ceiling of {ceiling_n:.0} N"
            ),
        }
    }

    /// Looks for numbers that are not finite and a trunk that has left the chair.
    pub(crate) fn check(frame: &Frame) -> Result<(), Fault> {
        let t_s = frame.t_s;
        for (i, contact) in frame.contacts.iter().enumerate() {
            let sound = contact.force_n.is_finite()
                && contact.peak_pa.is_finite()
                && frame.nodes[i].coords.iter().all(|v| v.is_finite());
            if !sound {
                return Err(Fault {
                    t_s,
                    part: format!("node {i}"),
                    what: "its force or place is not finite".into(),
                });
            }
        }
        Fault::check_trunk(t_s, &frame.lean)
    }

    /// Looks for a trunk that has left the chair.
    pub(crate) fn check_trunk(t_s: f64, lean: &Lean) -> Result<(), Fault> {
        let moved = [lean.y_m, lean.z_m, lean.pitch_rad];
        if !moved.iter().all(|v| v.is_finite()) {
            return Err(Fault {
                t_s,
                part: "trunk".into(),
                what: "its place is not finite".into(),
            });
        }
        if lean.y_m.abs() > THROWN_M || lean.z_m.abs() > THROWN_M {
            return Err(Fault {
                t_s,
                part: "trunk".into(),
                what: format!(
                    "it was thrown {:.0} mm off its rest",
                    1e3 * lean.y_m.hypot(lean.z_m)
                ),
            });
        }
        Ok(())
    }
}
