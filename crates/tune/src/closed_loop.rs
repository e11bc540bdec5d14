//! The simulator driven by a firmware, beside the same tables run as a timeline.

use crate::board::Board;
use crate::cast::Stage;
use crate::error::TuneError;
use crate::firmware::Firmware;
use crate::moments::moments;
use crate::progress::{Progress, in_pool};
use crate::replay::{Played, Replay, Seated, count, ratio};
use crate::response::CONTACT_N;
use back::{Body, Zone};
use program::{Mark, MarkKind, Phase, Technique};
use rayon::prelude::*;
use scene::Study;
use serde::Serialize;
use sim::{Limit, NODES, Sim, Trace, TraceRow, record_led};

/// One body, twice: as a timeline, and led by a firmware.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    /// The tables' depths as a timeline.
    pub replay: Replay,
    /// The same tables through the firmware.
    pub driven: Driven,
    /// Deed by deed, where both did the same.
    pub pairs: Vec<ForcePair>,
}

/// What a firmware's run did.
#[derive(Clone, Debug, Serialize)]
pub struct Driven {
    /// Share of samples inside the cell's band, as [`Replay::band_share`].
    pub band_share: f64,
    /// How many samples that is.
    pub samples: usize,
    /// Caps passed at any step: limit, zone, value, allowed.
    pub violations: Vec<(Limit, Zone, f64, f64)>,
    /// Length of the session, s; that of the timeline stands beside it.
    pub duration_s: f64,
    /// Length of the timeline, s.
    pub timeline_s: f64,
    /// Broken physics, a code of the firmware, deeds that the timeline has and this run has not.
    pub problems: Vec<String>,
}

/// A hold, turn or pass of the timeline and of the firmware's run, with its force on each node, N: the mean over the last half second of a
/// hold, the peak of a turn, and of a pass the force at each station that is rolled past, one pair for each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ForcePair {
    /// What it was.
    pub technique: Technique,
    /// Step of the session.
    pub step: usize,
    /// Where.
    pub u: f64,
    /// Force in the timeline.
    pub planned_n: [f64; NODES],
    /// Force with the firmware.
    pub driven_n: [f64; NODES],
    /// Length of both, s: the timeline's, the firmware's.
    pub length_s: [f64; 2],
}

impl ForcePair {
    /// Whether the firmware ended a hold or turn early. A pass ends by arrival: how long it takes is the carriage's matter.
    pub fn cut_short(&self) -> bool {
        self.technique != Technique::Roll && self.length_s[1] < 0.9 * self.length_s[0]
    }

    /// Driven less planned force of the nodes that touch in either, N.
    pub fn differences_n(&self) -> impl Iterator<Item = f64> {
        let both = self.driven_n.into_iter().zip(self.planned_n);
        both.filter(|(a, b)| a.max(*b) > CONTACT_N)
            .map(|(a, b)| a - b)
    }
}

/// Makes the firmware for a class at a level.
pub type FirmwareOf<'a> = dyn Fn(usize, u8) -> Box<dyn Firmware + 'a> + Sync + 'a;

/// Runs the study's session on bodies twice, with the depths that `played` gives and led by the firmware that `firmware` makes, on `jobs`
/// threads (0: all cores).
///
/// # Errors
/// See [`TuneError`].
pub fn closed_loop(
    study: &Study,
    bodies: &[(usize, Body, u8)],
    played: Played<'_>,
    firmware: &FirmwareOf<'_>,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<ClosedLoop>, TuneError> {
    let stage = Stage::new(study)?;
    progress.begin("run the tables", bodies.len() as u64);
    in_pool(jobs, || {
        bodies
            .par_iter()
            .map(|(class, body, level)| {
                let seated = Seated::new(&stage, *class, body)?;
                let (replay, planned) = seated.replay(*level, played, progress)?;
                // A run of its own, whose timeline is only asked for its start and its marks.
                let sim = seated.sim(*level, played.depth_m)?;
                let firmware = firmware(*class, *level);
                let band = |technique, u| (played.band)(*class, technique, u, *level);
                let result = drive(&seated, replay, &planned, sim, firmware, &band, progress);
                progress.tick();
                result
            })
            .collect()
    })?
}

/// A firmware that has not ended after this many times the timeline's length never will.
const PATIENCE: f64 = 3.0;

fn drive(
    seated: &Seated<'_>,
    replay: Replay,
    planned: &Trace,
    mut sim: Sim,
    firmware: Box<dyn Firmware + '_>,
    band: &dyn Fn(Technique, f64) -> [f64; 2],
    progress: &dyn Progress,
) -> Result<ClosedLoop, TuneError> {
    let timeline_s = planned.duration_s;
    let mut board = Board::new(
        firmware,
        &seated.subject.placement,
        &seated.player.touch,
        seated.limits,
        sim.frame(),
    );
    let mut late = false;
    let mut pilot = |sim: &Sim| {
        let t_s = sim.next_s();
        late = t_s > PATIENCE * timeline_s;
        (!late).then(|| board.command(sim.frame(), t_s)).flatten()
    };
    let trace = record_led(&mut sim, 50.0, &mut pilot, &mut |_, _| {
        !progress.stop_asked()
    });
    if progress.stop_asked() {
        return Err(TuneError::Stopped);
    }
    let mut problems = Vec::new();
    if late {
        problems.push(format!(
            "no end after {PATIENCE} times the timeline's {timeline_s:.0} s"
        ));
    }
    problems.extend(trace.fault.as_ref().map(ToString::to_string));
    problems.extend(
        board
            .fault()
            .map(|code| format!("the runtime stopped with code {code}")),
    );
    let plan = (planned, sim.timeline().marks());
    let stations = seated.stage.study.stations.all_u();
    let pairs = pairs(plan, (&trace, &board.marks), &stations, &mut problems);
    let (inside, samples) = count(&moments(&trace, &board.marks, &stations), band);
    Ok(ClosedLoop {
        driven: Driven {
            band_share: ratio(inside as f64, samples as f64),
            samples,
            violations: trace
                .violations
                .iter()
                .map(|v| (v.limit, v.zone, v.value, v.allowed))
                .collect(),
            duration_s: trace.duration_s,
            timeline_s,
            problems,
        },
        replay,
        pairs,
    })
}

/// Marks in order, side by side; says where one run did what the other did not.
fn pairs(
    planned: (&Trace, &[Mark]),
    driven: (&Trace, &[Mark]),
    stations: &[f64],
    problems: &mut Vec<String>,
) -> Vec<ForcePair> {
    /// Marks of one deed lie nearer than this: tolerance of arrival, and rounding.
    const SAME_U: f64 = 0.015;
    let mut out = Vec::new();
    let (plan, led) = (planned.1, driven.1);
    for (i, (a, b)) in plan.iter().zip(led).enumerate() {
        // A pass is marked where it starts in a timeline and where it goes to by a firmware.
        let same_place = a.kind == MarkKind::RollPass || (a.u - b.u).abs() < SAME_U;
        if (a.kind, a.step) != (b.kind, b.step) || !same_place {
            problems.push(format!(
                "deed {i}: step {} at station {:.3} was planned, step {} at {:.3} came",
                a.step, a.u, b.step, b.u
            ));
            return out;
        }
        let next_s = |marks: &[Mark]| marks.get(i + 1).map_or(f64::INFINITY, |m| m.t_s);
        let deeds = [
            Deed::of(planned.0, a, next_s(plan)),
            Deed::of(driven.0, b, next_s(led)),
        ];
        let mut pair = |technique, u, felt: &dyn Fn(&Deed<'_>) -> Option<[f64; NODES]>| {
            if let [Some(planned_n), Some(driven_n)] = deeds.each_ref().map(felt) {
                out.push(ForcePair {
                    technique,
                    step: a.step,
                    u,
                    planned_n,
                    driven_n,
                    length_s: deeds.each_ref().map(Deed::length_s),
                });
            }
        };
        match a.kind {
            MarkKind::PressHold => pair(Technique::Press, a.u, &|d| Some(d.end_n())),
            MarkKind::KneadCycle => pair(Technique::Knead, a.u, &|d| Some(d.peak_n())),
            MarkKind::RollPass => {
                for u in stations {
                    pair(Technique::Roll, *u, &|d| d.passing_n(*u));
                }
            }
        }
    }
    if plan.len() != led.len() {
        problems.push(format!(
            "{} holds, turns and passes were planned, {} came",
            plan.len(),
            led.len()
        ));
    }
    out
}

/// What a run recorded of one deed: from its mark to the end of that contact, or to the next mark.
struct Deed<'a> {
    rows: Vec<&'a TraceRow>,
    mark_s: f64,
}

impl<'a> Deed<'a> {
    /// The next deed's first rows in contact may lie before its mark (a turn is marked where the shaft begins to move): this
    /// deed is over with the first row that is not in contact.
    fn of(trace: &'a Trace, mark: &Mark, next_s: f64) -> Deed<'a> {
        let after = trace
            .rows
            .iter()
            .filter(|r| r.t_s >= mark.t_s && r.t_s < next_s);
        let from_contact = after.skip_while(|r| r.phase != Phase::Contact);
        Deed {
            rows: from_contact
                .take_while(|r| r.phase == Phase::Contact)
                .collect(),
            mark_s: mark.t_s,
        }
    }

    fn last_s(&self) -> f64 {
        self.rows.last().map_or(self.mark_s, |r| r.t_s)
    }

    fn length_s(&self) -> f64 {
        self.last_s() - self.mark_s
    }

    /// Mean over the last half second.
    fn end_n(&self) -> [f64; NODES] {
        let late = |r: &&&TraceRow| r.t_s >= self.last_s() - 0.5;
        std::array::from_fn(|node| {
            let forces = self.rows.iter().filter(late).map(|r| r.force_n[node]);
            let (sum, count) = forces.fold((0.0, 0usize), |(sum, n), f| (sum + f, n + 1));
            sum / count.max(1) as f64
        })
    }

    fn peak_n(&self) -> [f64; NODES] {
        std::array::from_fn(|node| {
            let forces = self.rows.iter().map(|r| r.force_n[node]);
            forces.fold(0.0, f64::max)
        })
    }

    /// On the way past a station, between the two rows beside it; none where it was not passed.
    fn passing_n(&self, u: f64) -> Option<[f64; NODES]> {
        let pair = self.rows.windows(2).find(|pair| {
            let (from, to) = (pair[0].station, pair[1].station);
            (from.min(to)..from.max(to)).contains(&u)
        })?;
        let share = (u - pair[0].station) / (pair[1].station - pair[0].station);
        Some(std::array::from_fn(|node| {
            let [a, b] = [pair[0], pair[1]].map(|r| r.force_n[node]);
            a + share * (b - a)
        }))
    }
}
