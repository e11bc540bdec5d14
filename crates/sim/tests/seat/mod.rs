//! A chair's scene with its body seated, as `kneadlab run` does it.

use back::Envelope;
use mechanism::Kinematics;
use program::{AxisLimits, compile};
use scene::Scene;
use sim::{Bed, Sim, Subject};
use std::sync::Arc;

/// The scene's session on the scene's body, no condition.
pub fn seated(scene: Scene) -> Sim {
    let kinematics = Arc::new(Kinematics::new(&scene.mechanism).unwrap());
    let envelope = Envelope::new(&[]).unwrap();
    let ground = Bed::groundwork(scene.solver.cell_m);
    let subject = Subject::new(&scene, &scene.body, &kinematics, &ground, &envelope).unwrap();
    let timeline = compile(
        &scene.session,
        &scene.timing,
        &subject.placement,
        &scene.depth,
        &AxisLimits::of(&scene.mechanism),
    )
    .unwrap();
    let (scene, subject) = (Arc::new(scene), Arc::new(subject));
    Sim::new(scene, subject, kinematics, timeline, envelope).unwrap()
}
