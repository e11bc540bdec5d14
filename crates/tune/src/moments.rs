//! The moments of a run that tuning reckons with: where statics and a run can be laid side by side.

use crate::response::CONTACT_N;
use program::{Mark, MarkKind, Phase, Technique};
use serde::{Deserialize, Serialize};
use sim::{NODES, Trace, TraceRow};

/// A kind of moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// A press hold begins: the force is highest.
    HoldStart,
    /// A press hold ends.
    HoldEnd,
    /// A node at the peak of its pressure in a kneading turn.
    KneadPeak,
    /// A rolling node passes a station.
    Rolling,
}

impl MomentKind {
    /// All of them.
    pub const ALL: [MomentKind; 4] = [
        MomentKind::HoldStart,
        MomentKind::HoldEnd,
        MomentKind::KneadPeak,
        MomentKind::Rolling,
    ];

    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            MomentKind::HoldStart => "press, start of hold",
            MomentKind::HoldEnd => "press, end of hold",
            MomentKind::KneadPeak => "kneading, peak of a turn",
            MomentKind::Rolling => "rolling, past a station",
        }
    }

    /// The technique it belongs to.
    pub fn technique(self) -> Technique {
        match self {
            MomentKind::HoldStart | MomentKind::HoldEnd => Technique::Press,
            MomentKind::KneadPeak => Technique::Knead,
            MomentKind::Rolling => Technique::Roll,
        }
    }
}

/// One node at one moment: the sample of a run that answers to one of statics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub kind: MomentKind,
    /// Station of the programme: of the press or the kneading, or the one that is rolled past.
    pub u: f64,
    /// Node, 0 to 3: left upper, left lower, right upper, right lower.
    pub node: usize,
    pub force_n: f64,
    pub fraction: f64,
}

/// Whether a sample lies in a band; `None` where the node is not in effective contact, which is then no sample. The one
/// definition, for tuning, judgement and replay.
pub(crate) fn in_band(force_n: f64, fraction: f64, band: [f64; 2]) -> Option<bool> {
    (force_n > CONTACT_N).then(|| (band[0]..=band[1]).contains(&fraction))
}

/// Every moment of a run: start and end of each press hold, the peak of each node in each kneading turn, each of `stations`
/// that a roll passes.
pub(crate) fn moments(trace: &Trace, marks: &[Mark], stations: &[f64]) -> Vec<Moment> {
    let mut out = Vec::new();
    let mut note = |kind, u, node: usize, row: &TraceRow| {
        out.push(Moment {
            kind,
            u,
            node,
            force_n: row.force_n[node],
            fraction: row.fraction[node],
        });
    };
    for (i, mark) in marks.iter().enumerate() {
        let next_s = marks.get(i + 1).map_or(f64::INFINITY, |m| m.t_s);
        let technique = match mark.kind {
            MarkKind::PressHold => Technique::Press,
            MarkKind::KneadCycle => Technique::Knead,
            MarkKind::RollPass => Technique::Roll,
        };
        let rows: Vec<&TraceRow> = trace
            .rows
            .iter()
            .filter(|r| {
                r.phase == Phase::Contact
                    && r.technique == technique
                    && (mark.t_s..next_s).contains(&r.t_s)
            })
            .collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            continue;
        };
        for node in 0..NODES {
            match mark.kind {
                MarkKind::PressHold => {
                    note(MomentKind::HoldStart, mark.u, node, first);
                    note(MomentKind::HoldEnd, mark.u, node, last);
                }
                MarkKind::KneadCycle => {
                    let higher = |a: &&&TraceRow, b: &&&TraceRow| {
                        a.fraction[node].total_cmp(&b.fraction[node])
                    };
                    if let Some(peak) = rows.iter().max_by(higher) {
                        note(MomentKind::KneadPeak, mark.u, node, peak);
                    }
                }
                MarkKind::RollPass => {
                    for pair in rows.windows(2) {
                        let (from, to) = (pair[0].station, pair[1].station);
                        for u in stations {
                            if (from.min(to)..from.max(to)).contains(u) {
                                note(MomentKind::Rolling, *u, node, pair[0]);
                            }
                        }
                    }
                }
            }
        }
    }
    out
}
