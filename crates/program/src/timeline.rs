//! The compiled session: where every axis is, at every time.

use serde::{Deserialize, Serialize};

use crate::motion::{Curve, Move};
use crate::placement::Placement;
use crate::session::Technique;
use crate::sway::Sway;

/// Target positions of all axes over time. Continuous in position and speed; speeds and accelerations are within the
/// limits it was compiled with.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    pub(crate) segments: Vec<Segment>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) placement: Placement,
    pub(crate) duration_s: f64,
}

/// What all axes should do now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveCommand {
    /// Carriage from the top of the track, m.
    pub walk_m: f64,
    /// Slide out of the retracted position, m.
    pub protrude_m: f64,
    /// Kneading shaft, rad; counts turns.
    pub knead_rad: f64,
    /// Tapping shaft, rad.
    pub tap_rad: f64,
    /// Part of the technique.
    pub phase: Phase,
    /// What is being done.
    pub technique: Technique,
    /// Intensity, 1 to 5.
    pub level: u8,
    /// Step of the session, from 0.
    pub step: usize,
    /// Station of the carriage.
    pub u: f64,
}

/// Part of a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Retracted, on the way to the next point.
    Travel,
    /// Pressing in.
    Approach,
    /// The hold of a press, the turns of a kneading, the passes of a rolling.
    Contact,
    /// Letting go.
    Release,
}

/// Something that begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When, s.
    pub t_s: f64,
    /// What.
    pub kind: MarkKind,
    /// Step of the session, from 0.
    pub step: usize,
    /// Where.
    pub u: f64,
}

/// What begins at a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// The hold of a press.
    PressHold,
    /// A turn of the kneading shaft.
    KneadCycle,
    /// A rolling pass.
    RollPass,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) start_s: f64,
    pub(crate) phase: Phase,
    pub(crate) technique: Technique,
    pub(crate) level: u8,
    pub(crate) step: usize,
    pub(crate) walk: Move,
    pub(crate) knead: Move,
    pub(crate) protrude: Protrude,
    pub(crate) tap_rad: f64,
    /// A movement to and fro on top of the above, and how long it lasts, s.
    pub(crate) sway: Option<(Sway, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Protrude {
    Moves(Move),
    /// Protrusion as a function of `walk_m`.
    Follows(Curve),
}

impl Timeline {
    /// Standing still at a carriage position, retracted: for a machine that is led step by step.
    pub fn standing(walk_m: f64, knead_rad: f64, placement: Placement) -> Timeline {
        Timeline {
            segments: vec![Segment {
                start_s: 0.0,
                phase: Phase::Travel,
                technique: Technique::Press,
                level: 1,
                step: 0,
                walk: Move::rest(walk_m, 0.0),
                knead: Move::rest(knead_rad, 0.0),
                protrude: Protrude::Moves(Move::rest(0.0, 0.0)),
                tap_rad: 0.0,
                sway: None,
            }],
            marks: Vec::new(),
            placement,
            duration_s: 0.0,
        }
    }

    /// Length, s.
    pub fn duration_s(&self) -> f64 {
        self.duration_s
    }

    /// The targets at `t_s`; before the start the first, after the end the last.
    pub fn at(&self, t_s: f64) -> DriveCommand {
        let t_s = t_s.clamp(0.0, self.duration_s);
        let index = self
            .segments
            .partition_point(|segment| segment.start_s <= t_s)
            .saturating_sub(1);
        let segment = &self.segments[index];
        let since_s = t_s - segment.start_s;
        let walk_m = segment.walk.at(since_s);
        let mut command = DriveCommand {
            walk_m,
            protrude_m: match &segment.protrude {
                Protrude::Moves(slide) => slide.at(since_s),
                Protrude::Follows(curve) => curve.at(walk_m),
            },
            knead_rad: segment.knead.at(since_s),
            tap_rad: segment.tap_rad,
            phase: segment.phase,
            technique: segment.technique,
            level: segment.level,
            step: segment.step,
            u: self.placement.station(walk_m),
        };
        if let Some((sway, length_s)) = &segment.sway {
            let [walk_m, protrude_m, knead_rad, tap_rad] = sway.at(since_s, *length_s);
            command.walk_m += walk_m;
            command.protrude_m += protrude_m;
            command.knead_rad += knead_rad;
            command.tap_rad += tap_rad;
        }
        command
    }

    /// Beats a second of the tapping shaft at `t_s`; 0 while it stands.
    pub fn beat_hz(&self, t_s: f64) -> f64 {
        let after = self.segments.partition_point(|s| s.start_s <= t_s);
        let segment = &self.segments[after.saturating_sub(1)];
        match &segment.sway {
            Some((sway, _)) if sway.tap => sway.rate_hz,
            _ => 0.0,
        }
    }

    /// Start of every press hold, kneading turn and rolling pass, in order of time.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }
}
