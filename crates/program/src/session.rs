//! What to do, in techniques, stations and levels.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::part::{Fit, Part};
use crate::sway::Sway;
use crate::timing::Timing;

/// A massage: steps, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// What people call it.
    pub name: String,
    /// The school it follows: `shiatsu`.
    pub style: String,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// The techniques that the steps were planned from ([`plan`](crate::plan)); none where the steps were written by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// How near the steps come to each of them. It follows from the rest, so that it says nothing about a scene's identity.
    #[serde(skip)]
    pub fits: Vec<Fit>,
}

/// One technique along one stretch of the back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What to do there.
    pub technique: Technique,
    /// First station.
    pub from_u: f64,
    /// Last station; either end may be the upper one.
    pub to_u: f64,
    /// Intensity, 1 to 5.
    pub level: u8,
    /// Press: how long each press is held, s.
    pub hold_s: f64,
    /// Knead: turns at each point. Roll: passes, each the other way. Whole numbers.
    pub cycles: f64,
    /// Angle of the kneading shaft for press and roll, which sets the width; kneading starts and ends there. Degrees.
    pub park_deg: f64,
    /// Press and knead: distance between points, in stations; the last one may be nearer.
    pub spacing_u: f64,
    /// What a technique asks beyond the session's timing; none for steps that were written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
}

/// What a planned step does at its own pace, and for which part of the session.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Part of the session, from 0.
    pub part: usize,
    /// Kneading: speed of the shaft, rad/s.
    pub turn_rad_s: Option<f64>,
    /// Rolling: speed of the carriage, m/s.
    pub walk_m_s: Option<f64>,
    /// Press: a movement to and fro while it holds.
    pub sway: Option<Sway>,
}

/// What the machine does with its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Technique {
    /// Shiatsu: press, hold, release, go on.
    Press,
    /// The shaft turns under pressure at one place.
    Knead,
    /// The carriage walks under pressure, the shaft parked.
    Roll,
}

impl Technique {
    /// All of them.
    pub const ALL: [Technique; 3] = [Technique::Press, Technique::Knead, Technique::Roll];

    /// As files and tables write it.
    pub fn name(self) -> &'static str {
        match self {
            Technique::Press => "press",
            Technique::Knead => "knead",
            Technique::Roll => "roll",
        }
    }
}

/// Stations that a back has: C2 to a little below S2.
const STATIONS: (f64, f64) = (-0.13, 1.25);

/// Everything that keeps a session from becoming a timeline.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{}", lines(.problems))]
pub struct ProgramError {
    /// At least one.
    pub problems: Vec<ProgramProblem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgramProblem {
    /// The step it is in, from 0; none where it is about the whole.
    pub step: Option<usize>,
    /// The field, `hold_s`.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What would be allowed.
    pub allowed: String,
    /// What to do about it, or why.
    pub hint: String,
}

impl std::fmt::Display for ProgramProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(step) = self.step {
            write!(f, "steps.{step}.")?;
        }
        write!(
            f,
            "{} = {}: allowed {}; {}",
            self.key, self.value, self.allowed, self.hint
        )
    }
}

fn lines(problems: &[ProgramProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

impl Session {
    /// Shiatsu along both paraspinal lines, T1 to L5, with the nodes at their narrowest (shaft at 0 degrees):
    /// presses, kneading, and two rolling passes. Hold time, turns and levels are estimates (E) within what chairs
    /// do.
    pub fn reference() -> Session {
        let step = |technique, level, cycles, spacing_u| Step {
            technique,
            from_u: 0.06,
            to_u: 0.92,
            level,
            hold_s: 3.0,
            cycles,
            park_deg: 0.0,
            spacing_u,
            pace: None,
        };
        Session {
            name: "paraspinal shiatsu".to_owned(),
            style: "shiatsu".to_owned(),
            steps: vec![
                step(Technique::Roll, 2, 2.0, 0.1),
                step(Technique::Press, 3, 1.0, 0.1075),
                step(Technique::Knead, 3, 2.0, 0.215),
            ],
            ..Session::default()
        }
    }

    /// Everything that is wrong with it by itself. Empty is good.
    pub fn check(&self) -> Vec<ProgramProblem> {
        let mut problems = Vec::new();
        if self.steps.is_empty() {
            problems.push(ProgramProblem {
                step: None,
                key: "steps".to_owned(),
                value: "none".to_owned(),
                allowed: "at least one step".to_owned(),
                hint: "a session without steps does nothing".to_owned(),
            });
        }
        for (index, step) in self.steps.iter().enumerate() {
            step.check(index, &mut problems);
        }
        problems
    }
}

impl Step {
    fn check(&self, index: usize, problems: &mut Vec<ProgramProblem>) {
        let mut wrong = |good: bool, key: &str, value: f64, allowed: &str, hint: &str| {
            if !good {
                problems.push(ProgramProblem {
                    step: Some(index),
                    key: key.to_owned(),
                    value: value.to_string(),
                    allowed: allowed.to_owned(),
                    hint: hint.to_owned(),
                });
            }
        };
        let (low_u, high_u) = STATIONS;
        for (key, u) in [("from_u", self.from_u), ("to_u", self.to_u)] {
            wrong(
                (low_u..=high_u).contains(&u),
                key,
                u,
                "-0.13 to 1.25",
                "stations run from C2 (-0.13) over C7 (0) and S2 (1)",
            );
        }
        wrong(
            (1..=5).contains(&self.level),
            "level",
            self.level.into(),
            "1 to 5",
            "there are five levels",
        );
        wrong(
            (-360.0..=360.0).contains(&self.park_deg),
            "park_deg",
            self.park_deg,
            "-360 to 360",
            "an angle of the kneading shaft; it sets the width",
        );
        match self.technique {
            Technique::Press => wrong(
                (0.0..=60.0).contains(&self.hold_s),
                "hold_s",
                self.hold_s,
                "0 to 60",
                "presses are usually held 2 to 8 s",
            ),
            Technique::Knead | Technique::Roll => wrong(
                (1.0..=200.0).contains(&self.cycles) && self.cycles.fract() == 0.0,
                "cycles",
                self.cycles,
                "a whole number, 1 to 200",
                "turns at a point, or passes",
            ),
        }
        match self.technique {
            Technique::Press | Technique::Knead => wrong(
                (0.005..=2.0).contains(&self.spacing_u),
                "spacing_u",
                self.spacing_u,
                "0.005 to 2",
                "distance between points along the back",
            ),
            Technique::Roll => wrong(
                self.from_u != self.to_u,
                "to_u",
                self.to_u,
                "another station than from_u",
                "rolling needs a way",
            ),
        }
    }

    /// Speed of the kneading shaft, rad/s: its own, else the session's.
    pub fn turn_rad_s(&self, timing: &Timing) -> f64 {
        let own = self.pace.and_then(|p| p.turn_rad_s);
        own.unwrap_or(timing.knead_rad_s)
    }

    /// Speed of the carriage while rolling, m/s: its own, else the session's.
    pub fn walk_m_s(&self, timing: &Timing) -> f64 {
        let own = self.pace.and_then(|p| p.walk_m_s);
        own.unwrap_or(timing.roll_m_s)
    }

    /// The movement to and fro while it presses.
    pub fn sway(&self) -> Option<&Sway> {
        self.pace.as_ref().and_then(|p| p.sway.as_ref())
    }

    /// The stations at which a press or knead stops: from `from_u` by `spacing_u`, and `to_u` at the end.
    pub fn points_u(&self) -> Vec<f64> {
        let way = self.to_u - self.from_u;
        // A remainder under a thousandth of the spacing is rounding, not a further point.
        let gaps = (way.abs() / self.spacing_u - 1e-3).ceil().max(0.0) as usize;
        (0..=gaps)
            .map(|point| {
                if point == gaps {
                    self.to_u
                } else {
                    self.from_u + point as f64 * self.spacing_u.copysign(way)
                }
            })
            .collect()
    }
}
