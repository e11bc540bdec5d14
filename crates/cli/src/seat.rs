//! A scene, ready to run: its body seated, its session compiled.

use anyhow::{anyhow, bail};
use back::{BodyProblem, Envelope};
use mechanism::{Kinematics, Linkage};
use program::{AxisLimits, DepthMap, compile};
use scene::{RigScene, Scene};
use sim::{Bed, RigSim, Sim, Subject};
use std::sync::Arc;
use tune::Aim;

/// Seats the scene's body and compiles its session for it.
pub fn seat(scene: &Arc<Scene>, envelope: Envelope) -> anyhow::Result<Sim> {
    let kinematics = Kinematics::new(&scene.mechanism)
        .map_err(|e| anyhow!("this mechanism cannot work: {e}"))?;
    let kinematics = Arc::new(kinematics);
    let groundwork = Bed::groundwork(scene.solver.cell_m);
    let subject = match Subject::new(scene, &scene.body, &kinematics, &groundwork, &envelope) {
        Ok(subject) => Arc::new(subject),
        Err(problems) => bail!(implausible(&problems)),
    };
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
