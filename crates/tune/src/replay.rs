//! Full dynamic runs of a depth map: what the quasi-static pass left out shows here.

use crate::cast::{Player, Stage};
use crate::error::TuneError;
use crate::moments::{Moment, MomentKind, in_band, moments};
use crate::progress::{Progress, in_pool};
use crate::response::{CONTACT_N, Feel, feel};
use crate::touch::TouchProfile;
use back::{Body, Zone};
use program::{AxisLimits, DepthMap, Mark, MarkKind, Phase, Technique, compile};
use rayon::prelude::*;
use scene::{Scene, Study};
use serde::{Deserialize, Serialize};
use sim::{Bed, Limit, PressureMap, Rest, Sim, Subject, Trace, TraceRow, record};
use std::sync::Arc;

/// A run of the scene's session on one held-out body at one level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replay {
    /// Who.
    pub body: Body,
    /// Class.
    pub class: usize,
    /// Level of every step, 1 to 5.
    pub level: u8,
    /// Share of samples inside the cell's band, as the judgement counts: the nodes in effective contact at the start and the end
    /// of every press hold, at the peak of every kneading turn, at every station that is rolled past.
    pub band_share: f64,
    /// How many samples that is.
    pub samples: usize,
    /// What statics says of the same samples.
    pub band_share_reckoned: f64,
    /// Share of effective contact time inside the cell's band: a kneading peak counts for its turn.
    pub band_share_by_time: f64,
    /// Seconds of effective contact (node by node).
    pub contact_s: f64,
    /// Caps passed at any step: one per limit, node and zone.
    pub cap_violations: u64,
    /// What they were.
    pub violations: Vec<(Limit, Zone, f64, f64)>,
    /// How far the run was from statics, by kind of moment.
    pub gaps: Vec<Gap>,
    /// Largest distance between slide and command, m.
    pub worst_tracking_m: f64,
    /// A fault, if the run broke.
    pub fault: Option<String>,
    /// Highest pressure over the back.
    pub map: PressureMap,
    /// Ten rows a second: time, station, level's fraction of each node.
    pub rows: Vec<ReplayRow>,
}

/// Node forces of a run against those of statics, at one kind of moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Which.
    pub moment: MomentKind,
    /// Nodes and moments with effective contact in run or statics.
    pub samples: usize,
    /// Mean force by statics, N.
    pub reckoned_n: f64,
    /// Mean of run less statics, N.
    pub mean_n: f64,
    /// Root mean square of it, N.
    pub rms_n: f64,
}

/// One row of a replay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "every field is named by quantity and unit")]
pub struct ReplayRow {
    pub t_s: f64,
    pub station: f64,
    pub protrude_m: f64,
    pub technique: Technique,
    pub force_n: [f64; 4],
    pub fraction: [f64; 4],
    pub current_a: [f64; 3],
}

/// Depth from touch by class, technique, station and level, m: a tuned map, or tables read back.
pub type DepthOf<'a> = dyn Fn(usize, Technique, f64, u8) -> f64 + Sync + 'a;

/// The band that a cell is judged by, of class, technique, station and level.
pub type BandOf<'a> = dyn Fn(usize, Technique, f64, u8) -> [f64; 2] + Sync + 'a;

/// What is replayed.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the types say it")]
pub struct Played<'a> {
    pub depth_m: &'a DepthOf<'a>,
    pub band: &'a BandOf<'a>,
}

/// The held-out bodies a study replays, with their class and level: class after class, levels in turn.
pub fn replay_bodies(study: &Study) -> Vec<(usize, Body, u8)> {
    const LEVELS: [u8; 5] = [3, 5, 1, 4, 2];
    let classes = study.classes.len();
    (0..study.replay.bodies)
        .filter_map(|i| {
            let class = i % classes;
            let round = i / classes;
            let mut body = study
                .classes
                .sample(class, study.held_out.seed, study.held_out.per_class)
                .into_iter()
                .nth(round)?;
            body.tone = study.scene.body.tone;
            Some((class, body, LEVELS[i % LEVELS.len()]))
        })
        .collect()
}

/// Runs the study's session on bodies, with the depths that `played` gives, on `jobs` threads (0: all cores).
///
/// # Errors
/// See [`TuneError`].
pub fn replay(
    study: &Study,
    bodies: &[(usize, Body, u8)],
    played: Played<'_>,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Replay>, TuneError> {
    let stage = Stage::new(study)?;
    progress.begin("replay in the simulator", bodies.len() as u64);
    in_pool(jobs, || {
        bodies
            .par_iter()
            .map(|(class, body, level)| {
                let seated = Seated::new(&stage, *class, body)?;
                let result = seated.replay(*level, played, progress);
                progress.tick();
                result.map(|(replay, _)| replay)
            })
            .collect()
    })?
}

/// The depth of one class at one level, whatever the session says.
struct AtLevel<'a> {
    depth: &'a DepthOf<'a>,
    touch: &'a TouchProfile,
    stroke_m: f64,
    class: usize,
    level: u8,
}

impl DepthMap for AtLevel<'_> {
    fn protrude_m(&self, technique: Technique, u: f64, _level: u8) -> f64 {
        let depth_m = (self.depth)(self.class, technique, u, self.level);
        self.touch.command_m(technique, u, depth_m, self.stroke_m)
    }
}

/// A body in its chair, ready for runs.
pub(crate) struct Seated<'a> {
    pub stage: &'a Stage<'a>,
    pub subject: Arc<Subject>,
    pub player: Player,
    pub limits: AxisLimits,
    scene: Arc<Scene>,
    body: &'a Body,
    class: usize,
}

impl<'a> Seated<'a> {
    pub fn new(
        stage: &'a Stage<'a>,
        class: usize,
        body: &'a Body,
    ) -> Result<Seated<'a>, TuneError> {
        let scene = Arc::new(stage.study.scene.clone());
        let groundwork = Bed::groundwork(scene.solver.cell_m);
        let subject = Subject::new(
            &scene,
            body,
            &stage.kinematics,
            &groundwork,
            &stage.envelope,
        )
        .map_err(|p| TuneError::body(&p))?;
        Ok(Seated {
            stage,
            subject: Arc::new(subject),
            player: stage.seat(class, body)?,
            limits: AxisLimits::of(&scene.mechanism),
            scene,
            body,
            class,
        })
    }

    /// The study's session at one level, and what it recorded.
    pub fn replay(
        &self,
        level: u8,
        played: Played<'_>,
        progress: &dyn Progress,
    ) -> Result<(Replay, Trace), TuneError> {
        let mut sim = self.sim(level, played.depth_m)?;
        let trace = record(&mut sim, 50.0, &mut |_, _| !progress.stop_asked());
        if progress.stop_asked() {
            return Err(TuneError::Stopped);
        }
        let (stage, class) = (self.stage, self.class);
        let band = |technique, u| (played.band)(class, technique, u, level);
        let (inside_s, contact_s) = band_time(&trace, sim.timeline().marks(), &band);
        let found = moments(
            &trace,
            sim.timeline().marks(),
            &stage.study.stations.all_u(),
        );
        let reckoned = reckon(stage, &self.player, &found, &|technique, u| {
            (played.depth_m)(class, technique, u, level)
        });
        let (inside, samples) = count(&found, &band);
        let (reckoned_inside, reckoned_samples) = count(&reckoned, &band);
        let replay = Replay {
            body: self.body.clone(),
            class,
            level,
            band_share: ratio(inside as f64, samples as f64),
            samples,
            band_share_reckoned: ratio(reckoned_inside as f64, reckoned_samples as f64),
            band_share_by_time: ratio(inside_s, contact_s),
            contact_s,
            cap_violations: trace.violations.len() as u64,
            violations: trace
                .violations
                .iter()
                .map(|v| (v.limit, v.zone, v.value, v.allowed))
                .collect(),
            gaps: gaps(&found, &reckoned),
            worst_tracking_m: trace
                .rows
                .iter()
                .map(|r| (r.protrude_m - r.command_protrude_m).abs())
                .fold(0.0, f64::max),
            fault: trace.fault.as_ref().map(ToString::to_string),
            map: trace.map.clone(),
            rows: trace
                .rows
                .iter()
                .step_by(5)
                .map(|r| ReplayRow {
                    t_s: r.t_s,
                    station: r.station,
                    protrude_m: r.protrude_m,
                    technique: r.technique,
                    force_n: r.force_n,
                    fraction: r.fraction,
                    current_a: r.current_a,
                })
                .collect(),
        };
        Ok((replay, trace))
    }

    /// A run of the session at one level.
    pub fn sim(&self, level: u8, depth: &DepthOf<'_>) -> Result<Sim, TuneError> {
        let scene = &self.scene;
        let map = AtLevel {
            depth,
            touch: &self.player.touch,
            stroke_m: scene.mechanism.protrude.stroke_m,
            class: self.class,
            level,
        };
        let timeline = compile(
            &self.stage.session,
            &scene.timing,
            &self.subject.placement,
            &map,
            &self.limits,
        )
        .map_err(|e| TuneError::Program(e.to_string()))?;
        Sim::new(
            Arc::clone(scene),
            Arc::clone(&self.subject),
            Arc::clone(&self.stage.kinematics),
            timeline,
            self.stage.envelope.clone(),
        )
        .map_err(|e| TuneError::Mechanism(e.to_string()))
    }
}

/// The same moments by statics.
fn reckon(
    stage: &Stage<'_>,
    player: &Player,
    found: &[Moment],
    depth_m: &dyn Fn(Technique, f64) -> f64,
) -> Vec<Moment> {
    let mut last: Option<(Technique, f64, Vec<Feel>)> = None;
    found
        .iter()
        .map(|moment| {
            let (technique, u) = (moment.kind.technique(), moment.u);
            if last.as_ref().is_none_or(|l| (l.0, l.1) != (technique, u)) {
                let depth_m = depth_m(technique, u);
                let still = feel(stage, player, technique, u, depth_m, &mut Rest::default());
                last = Some((technique, u, still.feels));
            }
            let first = if moment.kind == MomentKind::HoldEnd {
                2
            } else {
                0
            };
            let (force_n, fraction) = last
                .as_ref()
                .and_then(|l| l.2.get(first + moment.node % 2))
                .map_or((0.0, 0.0), |feel| (feel.force_n, feel.fraction));
            Moment {
                force_n,
                fraction,
                ..*moment
            }
        })
        .collect()
}

/// Samples inside their band, and all of them.
pub(crate) fn count(
    moments: &[Moment],
    band: &dyn Fn(Technique, f64) -> [f64; 2],
) -> (usize, usize) {
    let samples = moments
        .iter()
        .filter_map(|m| in_band(m.force_n, m.fraction, band(m.kind.technique(), m.u)));
    samples.fold((0, 0), |(inside, all), good| {
        (inside + usize::from(good), all + 1)
    })
}

fn gaps(found: &[Moment], reckoned: &[Moment]) -> Vec<Gap> {
    let of = |kind| {
        let pairs: Vec<[f64; 2]> = found
            .iter()
            .zip(reckoned)
            .filter(|(f, r)| f.kind == kind && f.force_n.max(r.force_n) > CONTACT_N)
            .map(|(f, r)| [f.force_n, r.force_n])
            .collect();
        let mean = |value: &dyn Fn(&[f64; 2]) -> f64| {
            pairs.iter().map(value).sum::<f64>() / pairs.len().max(1) as f64
        };
        Gap {
            moment: kind,
            samples: pairs.len(),
            reckoned_n: mean(&|p| p[1]),
            mean_n: mean(&|p| p[0] - p[1]),
            rms_n: mean(&|p| (p[0] - p[1]).powi(2)).sqrt(),
        }
    };
    MomentKind::ALL
        .into_iter()
        .map(of)
        .filter(|g| g.samples > 0)
        .collect()
}

pub(crate) fn ratio(part: f64, all: f64) -> f64 {
    if all > 0.0 { part / all } else { 0.0 }
}

/// Seconds of effective contact inside the band, and all of them: press holds, the peak of each kneading turn (it
/// counts for the turn's length), all of a roll.
fn band_time(
    trace: &Trace,
    marks: &[Mark],
    band: &dyn Fn(Technique, f64) -> [f64; 2],
) -> (f64, f64) {
    let dt_s = 1.0 / trace.rate_hz;
    let (mut inside_s, mut all_s) = (0.0, 0.0);
    let mut note = |row: &TraceRow, node: usize, s: f64| {
        let band = band(row.technique, row.station);
        if let Some(good) = in_band(row.force_n[node], row.fraction[node], band) {
            all_s += s;
            inside_s += if good { s } else { 0.0 };
        }
    };
    for row in trace
        .rows
        .iter()
        .filter(|r| r.phase == Phase::Contact && r.technique != Technique::Knead)
    {
        for i in 0..4 {
            note(row, i, dt_s);
        }
    }
    let marks: Vec<f64> = marks
        .iter()
        .filter(|m| m.kind == MarkKind::KneadCycle)
        .map(|m| m.t_s)
        .collect();
    for (i, start_s) in marks.iter().enumerate() {
        let next_s = marks.get(i + 1).copied().unwrap_or(f64::INFINITY);
        let turn: Vec<_> = trace
            .rows
            .iter()
            .filter(|r| {
                r.technique == Technique::Knead
                    && r.phase == Phase::Contact
                    && (*start_s..next_s).contains(&r.t_s)
            })
            .collect();
        for node in 0..4 {
            if let Some(peak) = turn
                .iter()
                .max_by(|a, b| a.fraction[node].total_cmp(&b.fraction[node]))
            {
                note(peak, node, turn.len() as f64 * dt_s);
            }
        }
    }
    (inside_s, all_s)
}
