//! Full dynamic runs of a depth map: what the quasi-static pass left out shows here.

use crate::cast::{Player, Stage};
use crate::error::TuneError;
use crate::progress::{Progress, in_pool};
use crate::response::{CONTACT_N, feel};
use crate::touch::TouchProfile;
use back::{Body, Zone};
use program::{AxisLimits, DepthMap, Mark, MarkKind, Phase, Technique, compile};
use rayon::prelude::*;
use scene::{Scene, Study};
use serde::{Deserialize, Serialize};
use sim::{Bed, Limit, PressureMap, Rest, Sim, Subject, Trace, record};
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
    /// Share of effective contact time inside the level's band.
    pub band_share: f64,
    /// Seconds of effective contact (node by node).
    pub contact_s: f64,
    /// Caps passed at any step: one per limit, node and zone.
    pub cap_violations: u64,
    /// What they were.
    pub violations: Vec<(Limit, Zone, f64, f64)>,
    /// Root mean square of (force in a hold - quasi-static force), N.
    pub force_rms_error_n: f64,
    /// Largest distance between slide and command, m.
    pub worst_tracking_m: f64,
    /// A fault, if the run broke.
    pub fault: Option<String>,
    /// Highest pressure over the back.
    pub map: PressureMap,
    /// Ten rows a second: time, station, level's fraction of each node.
    pub rows: Vec<ReplayRow>,
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

/// Runs the study's session on bodies, with the depth that `depth` gives, on `jobs` threads (0: all cores).
///
/// # Errors
/// See [`TuneError`].
pub fn replay(
    study: &Study,
    bodies: &[(usize, Body, u8)],
    depth: &DepthOf<'_>,
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
                let result = seated.replay(*level, depth, progress);
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
        depth: &DepthOf<'_>,
        progress: &dyn Progress,
    ) -> Result<(Replay, Trace), TuneError> {
        let Seated { stage, player, .. } = self;
        let mut sim = self.sim(level, depth)?;
        let trace = record(&mut sim, 50.0, &mut |_, _| !progress.stop_asked());
        if progress.stop_asked() {
            return Err(TuneError::Stopped);
        }
        let band = stage.study.bands[usize::from(level) - 1];
        let (inside_s, contact_s) = band_time(&trace, sim.timeline().marks(), band);
        let quasi = hold_errors(stage, player, &trace, &sim, &|u| {
            depth(self.class, Technique::Press, u, level)
        });
        let replay = Replay {
            body: self.body.clone(),
            class: self.class,
            level,
            band_share: if contact_s > 0.0 {
                inside_s / contact_s
            } else {
                0.0
            },
            contact_s,
            cap_violations: trace.violations.len() as u64,
            violations: trace
                .violations
                .iter()
                .map(|v| (v.limit, v.zone, v.value, v.allowed))
                .collect(),
            force_rms_error_n: quasi,
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
            &scene.session,
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

/// Seconds of effective contact inside the band, and all of them: press holds, the peak of each kneading turn (it
/// counts for the turn's length), all of a roll.
pub(crate) fn band_time(trace: &Trace, marks: &[Mark], band: [f64; 2]) -> (f64, f64) {
    let dt_s = 1.0 / trace.rate_hz;
    let (mut inside_s, mut all_s) = (0.0, 0.0);
    let mut note = |fraction: f64, force_n: f64, s: f64| {
        if force_n > CONTACT_N {
            all_s += s;
            if (band[0]..=band[1]).contains(&fraction) {
                inside_s += s;
            }
        }
    };
    for row in trace
        .rows
        .iter()
        .filter(|r| r.phase == Phase::Contact && r.technique != Technique::Knead)
    {
        for i in 0..4 {
            note(row.fraction[i], row.force_n[i], dt_s);
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
                note(
                    peak.fraction[node],
                    peak.force_n[node],
                    turn.len() as f64 * dt_s,
                );
            }
        }
    }
    (inside_s, all_s)
}

/// Root mean square of dynamic less quasi-static node force at the end of the press holds, N.
fn hold_errors(
    stage: &Stage<'_>,
    player: &Player,
    trace: &Trace,
    sim: &Sim,
    depth_m: &dyn Fn(f64) -> f64,
) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    for mark in sim
        .timeline()
        .marks()
        .iter()
        .filter(|m| m.kind == MarkKind::PressHold)
    {
        let mut held = trace
            .rows
            .iter()
            .filter(|r| r.phase == Phase::Contact && r.t_s >= mark.t_s && r.t_s < mark.t_s + 0.5);
        let Some(row) = held.next_back() else {
            continue;
        };
        let still = feel(
            stage,
            player,
            Technique::Press,
            mark.u,
            depth_m(mark.u),
            &mut Rest::default(),
        );
        for node in 0..2 {
            sum += (row.force_n[2 + node] - still.feels[node].force_n).powi(2);
            count += 1;
        }
    }
    (sum / count.max(1) as f64).sqrt()
}
