//! A scene, whatever its machine.

use back::Body;

use crate::rig_scene::RigScene;
use crate::scene::Scene;

/// What one run takes: of a carriage with its session, or of a rig with its orders.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyScene {
    /// A scene of a carriage.
    Carriage(Box<Scene>),
    /// A scene of a rig.
    Rig(Box<RigScene>),
}

impl AnyScene {
    /// Who meets the machine.
    pub fn body(&self) -> &Body {
        match self {
            AnyScene::Carriage(scene) => &scene.body,
            AnyScene::Rig(scene) => &scene.body,
        }
    }

    /// Ids of health conditions.
    pub fn conditions(&self) -> &[String] {
        match self {
            AnyScene::Carriage(scene) => &scene.conditions,
            AnyScene::Rig(scene) => &scene.conditions,
        }
    }

    /// The same on somebody else, or under other conditions; `None` leaves them as they are. Conditions that come with the age are added.
    pub fn with(mut self, body: Option<&Body>, conditions: Option<&[String]>) -> AnyScene {
        let (own, listed) = match &mut self {
            AnyScene::Carriage(scene) => (&mut scene.body, &mut scene.conditions),
            AnyScene::Rig(scene) => (&mut scene.body, &mut scene.conditions),
        };
        if let Some(body) = body {
            own.clone_from(body);
        }
        if let Some(conditions) = conditions {
            *listed = conditions.to_vec();
        }
        listed.extend(back::of_age(own.age_yr, listed));
        self
    }

    /// What the scene is: see [`Scene::hash`] and [`RigScene::hash`].
    pub fn hash(&self) -> String {
        match self {
            AnyScene::Carriage(scene) => scene.hash(),
            AnyScene::Rig(scene) => scene.hash(),
        }
    }
}
