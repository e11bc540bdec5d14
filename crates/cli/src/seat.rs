//! A scene, ready to run: its body seated, its session compiled.

use anyhow::{anyhow, bail};
use back::{BodyProblem, Envelope};
use mechanism::{Kinematics, Linkage};
use program::{AxisLimits, DepthMap, compile};
use scene::{RigScene, Scene, StationScan};
use sim::{Bed, BodyScan, RigSim, Sim, Subject};
use std::sync::Arc;
use tune::Aim;

/// Seats the scene's body and compiles its session for it.
pub fn seat(scene: &Arc<Scene>, envelope: Envelope) -> anyhow::Result<Sim> {
    let kinematics = Kinematics::new(&scene.mechanism)
        .map_err(|e| anyhow!("this mechanism cannot work: {e}"))?;
    let kinematics = Arc::new(kinematics);
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let mut subject = match Subject::new(scene, &scene.body, &kinematics, &groundwork, &envelope) {
        Ok(subject) => subject,
        Err(problems) => bail!(implausible(&problems)),
    };
    if scene.scan == StationScan::Shoulder {
        find_shoulders(scene, &mut subject, &kinematics, &envelope)?;
    }
    let subject = Arc::new(subject);
    let limits = AxisLimits::of(&scene.mechanism);
    // Techniques aim at their force; written steps take the scene's table.
    let aim = if scene.session.parts.is_empty() {
        None
    } else {
        let aim = Aim::new(scene, &scene.body, &kinematics, &envelope);
        Some(aim.map_err(|_| anyhow!("no such person is plausible"))?)
    };
    let depth: &dyn DepthMap = aim.as_ref().map_or(&scene.depth, |a| a);
    let timeline = compile(
        &scene.session,
        &scene.timing,
        &subject.placement,
        depth,
        &limits,
    );
    let timeline = timeline.map_err(|e| anyhow!("this session cannot run on this body:\n{e}"))?;
    Ok(Sim::new(
        Arc::clone(scene),
        subject,
        kinematics,
        timeline,
        envelope,
    )?)
}

/// Looks for the shoulders and puts the stations where they say.
fn find_shoulders(
    scene: &Arc<Scene>,
    subject: &mut Subject,
    kinematics: &Arc<Kinematics>,
    envelope: &Envelope,
) -> anyhow::Result<()> {
    if subject.support.is_none() {
        bail!("a slab has no shoulders\n  hint: scan = \"ideal\"");
    }
    let Some(scan) = BodyScan::new(scene, kinematics) else {
        bail!(
            "a body scan begins 370 mm above the seat, and this rail does not reach down to there"
        );
    };
    let Some(found) = scan.run(scene, subject, kinematics, envelope.clone())? else {
        bail!(
            "the body scan found no shoulder: nothing bore its force, or the track ended\n  hint: a longer stroke reaches further              (mechanism.params.stroke_mm); scan = \"ideal\" runs without a scan"
        );
    };
    subject.placement = found.placement(scene, kinematics);
    subject.shoulder = Some(found);
    Ok(())
}

/// Puts the body of a rig's scene before its machine.
pub fn seat_at_rig(scene: &Arc<RigScene>, envelope: Envelope) -> anyhow::Result<RigSim> {
    let linkage = Linkage::new(&scene.rig).map_err(|problems| {
        let lines: String = problems
            .iter()
            .map(|p| format!("\n  {}", p.message))
            .collect();
        anyhow!("this machine cannot work{lines}")
    })?;
    let linkage = Arc::new(linkage);
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let subject = match Subject::at_rig(scene, &linkage, &groundwork, &envelope) {
        Ok(subject) => Arc::new(subject),
        Err(problems) => bail!(implausible(&problems)),
    };
    Ok(RigSim::new(Arc::clone(scene), subject, linkage, envelope)?)
}

fn implausible(problems: &[BodyProblem]) -> String {
    let lines: String = problems.iter().map(|p| format!("\n  {p}")).collect();
    format!("no such person is plausible{lines}")
}
