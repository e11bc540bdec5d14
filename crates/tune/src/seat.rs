//! A scene, ready to run: whether its body may be massaged, the body seated, its session compiled. The one way from a scene to its
//! run, whoever runs it.

use std::sync::Arc;

use back::{BodyProblem, Envelope, NOTICE};
use mechanism::{Kinematics, Linkage};
use program::{AxisLimits, DepthMap, Timeline, compile};
use scene::{RigScene, Scene, StationScan};
use sim::{Bed, BodyScan, Fault, Groundwork, RigSim, Sim, Subject};

use crate::aim::Aim;
use crate::rig_session::{RigPlanner, RigSession};

/// Why a scene cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// A condition that is not known.
    #[error("{0}")]
    Condition(String),
    /// The body's conditions do not allow any massage.
    #[error("refused: {condition} ({note})\n  {}", NOTICE)]
    Refused {
        /// Policy ids.
        condition: String,
        /// What the policy says.
        note: String,
    },
    /// The body's conditions do not allow this machine.
    #[error(
        "refused: {condition} forbids percussion, and this machine taps {percussion_hz} times a second\n  {}",
        NOTICE
    )]
    Percussion {
        /// Policy ids.
        condition: String,
        /// Strokes a second, Hz.
        percussion_hz: f64,
    },
    /// The carriage cannot be built.
    #[error("this mechanism cannot work: {0}")]
    Mechanism(String),
    /// The rig cannot be put together; one line for each problem.
    #[error("this machine cannot work{0}")]
    Machine(String),
    /// A body that is not plausible; one line for each problem.
    #[error("no such person is plausible{0}")]
    Body(String),
    /// The session cannot be compiled for the body.
    #[error("this session cannot run on this body:\n{0}")]
    Session(String),
    /// The machine has no axes for a technique, or none quick enough.
    #[error("{0}")]
    Unable(String),
    /// The body scan has nothing to find, or did not.
    #[error("{0}")]
    Scan(String),
    /// The machine cannot stand where it shall.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The limits under the given conditions.
///
/// # Errors
/// Where a condition is not known, or they forbid massage.
pub fn allow(conditions: &[String]) -> Result<Envelope, SeatError> {
    let envelope = Envelope::new(conditions).map_err(|e| SeatError::Condition(e.to_string()))?;
    if envelope.refused() {
        let policy = envelope.policy();
        let note = match policy.note.as_str() {
            "" => "no massage with this condition, or with these together",
            note => note,
        };
        return Err(SeatError::Refused {
            condition: policy.id.clone(),
            note: note.into(),
        });
    }
    Ok(envelope)
}

/// The limits under which a rig's scene may run.
///
/// # Errors
/// As [`allow`], and where a condition forbids percussion and the machine taps.
pub fn allow_rig(scene: &RigScene) -> Result<Envelope, SeatError> {
    let envelope = allow(&scene.conditions)?;
    let policy = envelope.policy();
    if scene.percussion_hz > 0.0 && policy.forbid_percussion {
        return Err(SeatError::Percussion {
            condition: policy.id.clone(),
            percussion_hz: scene.percussion_hz,
        });
    }
    Ok(envelope)
}

/// Seats the scene's body and compiles its session for it.
///
/// # Errors
/// Why it cannot run.
pub fn seat(scene: &Arc<Scene>, envelope: Envelope) -> Result<Sim, SeatError> {
    let kinematics = Arc::new(kinematics(scene)?);
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let subject = Subject::new(scene, &scene.body, &kinematics, &groundwork, &envelope);
    let mut subject = subject.map_err(|problems| implausible(&problems))?;
    place(scene, &mut subject, &kinematics, &envelope)?;
    let subject = Arc::new(subject);
    let timeline = plan(scene, &subject, &kinematics, &envelope)?;
    Ok(Sim::new(
        Arc::clone(scene),
        subject,
        kinematics,
        timeline,
        envelope,
    )?)
}

/// How a scene's carriage moves.
///
/// # Errors
/// Why it cannot be built.
pub fn kinematics(scene: &Scene) -> Result<Kinematics, SeatError> {
    Kinematics::new(&scene.mechanism).map_err(|e| SeatError::Mechanism(e.to_string()))
}

/// Where the scene scans for the shoulders: looks for them and puts the stations where they say. Else they stay where they are.
///
/// # Errors
/// Where there are none to find, or they are not found.
pub fn place(
    scene: &Arc<Scene>,
    subject: &mut Subject,
    kinematics: &Arc<Kinematics>,
    envelope: &Envelope,
) -> Result<(), SeatError> {
    if scene.scan != StationScan::Shoulder {
        return Ok(());
    }
    let wrong = |message: &str| SeatError::Scan(message.into());
    if subject.support.is_none() {
        return Err(wrong("a slab has no shoulders\n  hint: scan = \"ideal\""));
    }
    let scan = BodyScan::new(scene, kinematics).ok_or_else(|| {
        wrong(
            "a body scan begins 370 mm above the seat, and this rail does not reach down to there",
        )
    })?;
    let found = scan.run(scene, subject, kinematics, envelope.clone())?;
    let found = found.ok_or_else(|| {
        wrong(
            "the body scan found no shoulder: nothing bore its force, or the track ended\n  hint: a longer stroke reaches further \
             (mechanism.params.stroke_mm); scan = \"ideal\" runs without a scan",
        )
    })?;
    subject.placement = found.placement(scene, kinematics);
    subject.shoulder = Some(found);
    Ok(())
}

/// Compiles the scene's session for a seated body: techniques aim at their force, written steps take the scene's table.
///
/// # Errors
/// Why the session cannot run on this body.
pub fn plan(
    scene: &Scene,
    subject: &Subject,
    kinematics: &Kinematics,
    envelope: &Envelope,
) -> Result<Timeline, SeatError> {
    let aim = if scene.session.parts.is_empty() {
        None
    } else {
        let aim = Aim::new(scene, &scene.body, kinematics, envelope);
        Some(aim.map_err(|problems| implausible(&problems))?)
    };
    let depth: &dyn DepthMap = aim.as_ref().map_or(&scene.depth, |a| a);
    let limits = AxisLimits::of(&scene.mechanism);
    let placement = &subject.placement;
    compile(&scene.session, &scene.timing, placement, depth, &limits)
        .map_err(|e| SeatError::Session(e.to_string()))
}

/// Puts the body of a rig's scene before its machine, on groundwork for the scene's cells, its techniques planned.
///
/// # Errors
/// Why it cannot run.
pub fn seat_at_rig(
    scene: &Arc<RigScene>,
    envelope: Envelope,
    groundwork: &Groundwork,
) -> Result<RigSim, SeatError> {
    Ok(seat_rig_session(scene, envelope, groundwork)?.0)
}

/// The same, and the plan of its techniques, where it has any.
///
/// # Errors
/// Why it cannot run.
pub fn seat_rig_session(
    scene: &Arc<RigScene>,
    envelope: Envelope,
    groundwork: &Groundwork,
) -> Result<(RigSim, Option<RigSession>), SeatError> {
    if !scene.parts.is_empty() {
        let planner = RigPlanner::new(scene, &envelope, groundwork)?;
        let session = planner.plan(&scene.parts)?;
        let sim = session.seat(&planner, &envelope)?;
        return Ok((sim, Some(session)));
    }
    let linkage = Arc::new(linkage(scene)?);
    let subject = Subject::at_rig(scene, &linkage, groundwork, &envelope);
    let subject = Arc::new(subject.map_err(|problems| implausible(&problems))?);
    let sim = RigSim::new(Arc::clone(scene), subject, linkage, envelope)?;
    Ok((sim, None))
}

/// The machine of a rig's scene, put together.
pub(crate) fn linkage(scene: &RigScene) -> Result<Linkage, SeatError> {
    Linkage::new(&scene.rig).map_err(|problems| {
        let lines = problems.iter().map(|p| format!("\n  {}", p.message));
        SeatError::Machine(lines.collect())
    })
}

/// A body that nobody has.
pub fn implausible(problems: &[BodyProblem]) -> SeatError {
    SeatError::Body(problems.iter().map(|p| format!("\n  {p}")).collect())
}
