//! Every technique on every machine, and by a hand: the techniques study.

use std::sync::Arc;

use back::{Back, Envelope};
use program::{Fit, Manner, Part, Session};
use rayon::prelude::*;
use scene::{Comparison, RigScene, Scene, Stand, Study, forbidden, plan_session};
use serde::Serialize;
use sim::{Bed, Limit, Recording, Subject, Violation, perform, record_rig, record_with, surface};

use crate::error::TuneError;
use crate::progress::{Progress, in_pool};
use crate::rig_session::{RigPlanner, felt_in_windows};
use crate::score::{Felt, Score, felt_in, felt_of_hand, score};
use crate::seat;
use crate::variant::{Depth, Workshop};

/// One technique by one performer.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The technique's name.
    pub technique: String,
    /// The machine's name, or `hand`.
    pub performer: String,
    /// How close it came; none where it was refused or broke.
    pub score: Option<Score>,
    /// What the machine did for it; none for a hand.
    pub fit: Option<Fit>,
    /// Limits passed in the run: which, the worst value and what was allowed. A hand is held to none.
    pub passed: Vec<(Limit, f64, f64)>,
    /// Where a machine passed limits: the same, eased until it passes none.
    pub within: Option<Within>,
    /// Why there is no score.
    pub refused: Option<String>,
}

/// A technique as far as the limits let a machine do it: pressed less, or for a shorter time, and scored as what was asked for at first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Within {
    /// How close it came.
    pub score: Score,
    /// Force aimed at, as a share of what was asked for.
    pub force_share: f64,
    /// Length, as a share of the minutes asked for.
    pub time_share: f64,
    /// Limits that it passes all the same, after [`EASINGS`] tries.
    pub passed: Vec<(Limit, f64, f64)>,
}

/// How often a trial is eased before it is told as it is.
pub const EASINGS: usize = 6;

/// What a performer without a machine is called.
pub const HAND: &str = "hand";
/// Rows a second that scores are taken from: ten for the quickest technique of 10 Hz.
const RATE_HZ: f64 = 100.0;
/// Cells under a hand, m: fine for fingers; coarse for palms, whose patch a window of fine ones does not hold.
const CELLS_M: [f64; 2] = [0.002, 0.004];

/// Runs a study's comparison on `jobs` threads (0: all cores): technique after technique, the machines and rigs in their order,
/// the hand last.
///
/// # Errors
/// See [`TuneError`]; what a machine cannot do is a trial without a score.
pub fn compare_techniques(
    study: &Study,
    comparison: &Comparison,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Trial>, TuneError> {
    let scene = &study.scene;
    let envelope =
        Envelope::new(&scene.conditions).map_err(|e| TuneError::Condition(e.to_string()))?;
    if envelope.refused() {
        return Err(TuneError::Refused {
            condition: envelope.policy().id.clone(),
            note: envelope.policy().note.clone(),
        });
    }
    let back = Back::new(&scene.body).map_err(|p| TuneError::body(&p))?;
    let (machines, rigs) = (comparison.machines.len(), comparison.rigs.len());
    let performers = machines + rigs + usize::from(comparison.hand);
    let workshop = Workshop::default();
    let skins = CELLS_M.map(|cell_m| Subject::skin(&back, &Bed::groundwork(cell_m), &envelope));
    let trials = comparison.parts.len() * performers;
    progress.begin("techniques", trials as u64);
    in_pool(jobs, || {
        (0..trials)
            .into_par_iter()
            .map(|i| {
                if progress.stop_asked() {
                    return Err(TuneError::Stopped);
                }
                let part = &comparison.parts[i / performers];
                let who = i % performers;
                let rig = who
                    .checked_sub(machines)
                    .and_then(|r| comparison.rigs.get(r));
                let trial = match (comparison.machines.get(who), rig) {
                    (Some((name, mechanism)), _) => {
                        let mut scene = scene.clone();
                        scene.mechanism = mechanism.clone();
                        by_machine(&workshop, scene, name, part, &back)
                    }
                    (None, Some((name, scene))) => by_rig(scene, name, part),
                    (None, None) => by_hand(&skins, &envelope, part, &back),
                };
                progress.tick();
                Ok(trial)
            })
            .collect()
    })?
}

/// A rig does what is planned for it, on its own scene's body; where it stands on skin, it is put to the middle of the stretch.
fn by_rig(scene: &RigScene, name: &str, part: &Part) -> Trial {
    let refuse = |reason: String| without(&part.manner, name, reason);
    if let Some((_, reason)) = forbidden(std::slice::from_ref(part), &scene.conditions).pop() {
        return refuse(reason);
    }
    let envelope = match seat::allow(&scene.conditions) {
        Ok(envelope) => envelope,
        Err(e) => return refuse(e.to_string()),
    };
    let mut scene = scene.clone();
    if let Stand::Skin { u, .. } = &mut scene.placement.stand {
        *u = 0.5 * (part.from_u + part.to_u);
    }
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let planner = match RigPlanner::new(&scene, &envelope, &groundwork) {
        Ok(planner) => planner,
        Err(e) => return refuse(e.to_string()),
    };
    tried(name, part, |eased| {
        let session = planner
            .plan(std::slice::from_ref(eased))
            .map_err(|e| one_line(&e.to_string()))?;
        let mut sim = session
            .seat(&planner, &envelope)
            .map_err(|e| e.to_string())?;
        let rate_hz = RATE_HZ.max(ROWS_PER_STROKE * session.scene.percussion_hz);
        let trace = record_rig(&mut sim, &Recording::rows(rate_hz), &mut |_, _| true);
        if let Some(fault) = &trace.fault {
            return Err(format!("fault {fault}"));
        }
        let felt = felt_in_windows(&trace, &session);
        let length_m = sim.subject().back.arc_length_m();
        let ends_u = if session.goes_along {
            [part.from_u, part.to_u]
        } else {
            touched(&felt, length_m)
        };
        Ok(Done {
            score: score(&felt, 0, &part.manner, ends_u, length_m),
            fit: session.fits.first().cloned(),
            passed: passed(&trace.violations),
        })
    })
}

/// The stretch that a machine touches which does not go along the spine; a place wide at least.
fn touched(felt: &[Felt], length_m: f64) -> [f64; 2] {
    let touched = || felt.iter().filter(|f| f.working && f.force_n > 1.0);
    let low_u = touched().map(|f| f.u).fold(f64::INFINITY, f64::min);
    let high_u = touched().map(|f| f.u).fold(f64::NEG_INFINITY, f64::max);
    let half_u = 0.5 * (0.01 / length_m - (high_u - low_u)).max(0.0);
    if low_u <= high_u {
        [low_u - half_u, high_u + half_u]
    } else {
        [0.0, 0.1]
    }
}

/// A message of several lines in one.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

/// Rows for each stroke of a machine that taps.
const ROWS_PER_STROKE: f64 = 12.0;

fn scored(manner: &Manner, performer: &str, score: Score) -> Trial {
    Trial {
        technique: manner.name.clone(),
        performer: performer.to_owned(),
        score: Some(score),
        fit: None,
        passed: Vec::new(),
        within: None,
        refused: None,
    }
}

fn without(manner: &Manner, performer: &str, reason: String) -> Trial {
    Trial {
        technique: manner.name.clone(),
        performer: performer.to_owned(),
        score: None,
        fit: None,
        passed: Vec::new(),
        within: None,
        refused: Some(reason),
    }
}

fn passed(violations: &[Violation]) -> Vec<(Limit, f64, f64)> {
    let one = |v: &Violation| (v.limit, v.value, v.allowed);
    violations.iter().map(one).collect()
}

fn by_machine(workshop: &Workshop, scene: Scene, name: &str, part: &Part, back: &Back) -> Trial {
    if let Some((_, reason)) = forbidden(std::slice::from_ref(part), &scene.conditions).pop() {
        return without(&part.manner, name, reason);
    }
    tried(name, part, |eased| {
        done(workshop, scene.clone(), eased, &part.manner, back)
    })
}

/// A trial by runs of a part: as asked for, and eased where that passes limits.
fn tried(name: &str, part: &Part, run: impl Fn(&Part) -> Result<Done, String>) -> Trial {
    let asked = match run(part) {
        Ok(asked) => asked,
        Err(reason) => return without(&part.manner, name, reason),
    };
    let within = if asked.passed.is_empty() {
        None
    } else {
        within(part, &asked, &run)
    };
    Trial {
        fit: asked.fit,
        passed: asked.passed,
        within,
        ..scored(&part.manner, name, asked.score)
    }
}

/// Eases a part until its run passes no limit: a dose by its time, all else by its force, each by what it passes its limit by and a tenth more. A hold
/// is no shorter than its technique lets it be: a dose that does not fall with the time is eased by the force too.
fn within(
    part: &Part,
    asked: &Done,
    run: &impl Fn(&Part) -> Result<Done, String>,
) -> Option<Within> {
    let (mut force_share, mut time_share) = (1.0, 1.0);
    let mut passed = asked.passed.clone();
    let mut best = None;
    let mut dose_before = f64::INFINITY;
    for _ in 0..EASINGS {
        let worst = |dose: bool| {
            let over = passed
                .iter()
                .filter(|(limit, ..)| (*limit == Limit::Dose) == dose)
                .map(|(_, value, allowed)| value / allowed.max(1e-9));
            over.fold(0.0, f64::max)
        };
        let ease = |over: f64| (0.9 / over).clamp(0.5, 0.9);
        let (dose, rest) = (worst(true), worst(false));
        if dose > 0.0 {
            time_share *= (0.9 / dose).clamp(0.2, 0.9);
        }
        let stuck = if dose > 0.97 * dose_before { dose } else { 0.0 };
        dose_before = dose;
        if rest.max(stuck) > 0.0 {
            force_share *= ease(rest.max(stuck));
        }
        let mut eased = part.clone();
        eased.minutes *= time_share;
        eased.manner.force_n = part.manner.force_n.map(|n| force_share * n);
        let run = run(&eased).ok()?;
        passed = run.passed;
        let kept = passed.is_empty();
        best = Some(Within {
            score: run.score,
            force_share,
            time_share,
            passed: passed.clone(),
        });
        if kept {
            break;
        }
    }
    best
}

/// What a run of a part came to.
struct Done {
    score: Score,
    fit: Option<Fit>,
    passed: Vec<(Limit, f64, f64)>,
}

/// One run of a part, scored as `manner`; or why there is none.
fn done(
    workshop: &Workshop,
    mut scene: Scene,
    part: &Part,
    manner: &Manner,
    back: &Back,
) -> Result<Done, String> {
    scene.session = Session {
        name: part.manner.name.clone(),
        style: part.manner.school.name().to_owned(),
        parts: vec![part.clone()],
        ..Session::default()
    };
    let planned = plan_session(
        &mut scene.session,
        &scene.mechanism,
        &scene.body,
        &scene.timing,
    );
    if let Err(e) = planned {
        let reasons: Vec<String> = e
            .problems
            .iter()
            .map(|p| format!("{}; allowed: {}", p.value, p.allowed))
            .collect();
        return Err(reasons.join("; "));
    }
    let fit = scene.session.fits.first().cloned();
    let body = scene.body.clone();
    let scene = Arc::new(scene);
    let mut sim = workshop
        .seat(&scene, &body, Depth::Scene)
        .map_err(|e| e.to_string())?;
    let trace = record_with(&mut sim, &Recording::rows(RATE_HZ), &mut |_, _| true);
    if let Some(fault) = &trace.fault {
        return Err(format!("fault {fault}"));
    }
    let felt = felt_in(&trace, &scene.session);
    let ends_u = [part.from_u, part.to_u];
    Ok(Done {
        score: score(&felt, 0, manner, ends_u, back.arc_length_m()),
        fit,
        passed: passed(&trace.violations),
    })
}

fn by_hand(skins: &[Bed; 2], envelope: &Envelope, part: &Part, back: &Back) -> Trial {
    let large = part.manner.takes_both_nodes();
    let skin = &skins[usize::from(large)];
    let bed = skin.for_nodes(&[surface(&part.manner).law_radius_m()]);
    match perform(back, envelope, &bed, part, RATE_HZ) {
        Ok(rows) => {
            let felt = felt_of_hand(&rows, 0);
            let ends_u = [part.from_u, part.to_u];
            let score = score(&felt, 0, &part.manner, ends_u, back.arc_length_m());
            scored(&part.manner, HAND, score)
        }
        Err(fault) => without(&part.manner, HAND, format!("fault {fault}")),
    }
}
