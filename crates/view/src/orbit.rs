//! The camera: it looks at a point and turns around it.

use bevy::input::mouse::{AccumulatedMouseMotion, AccumulatedMouseScroll, MouseScrollUnit};
use bevy::prelude::*;

/// Where one can look from without a mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// From the machine's side, square on the back whatever the recline.
    Back,
    /// From the user's right.
    Side,
    /// From behind, above and to the right.
    Corner,
    /// The node that presses hardest, from near.
    Node,
    /// Down on a cut across the back through that node.
    Section,
}

impl View {
    /// All: name, key, what it shows.
    pub const ALL: [(View, &'static str, KeyCode, &'static str); 5] = [
        (View::Back, "back", KeyCode::Digit1, "square on the back"),
        (View::Side, "side", KeyCode::Digit2, "from the user's right"),
        (
            View::Corner,
            "corner",
            KeyCode::Digit3,
            "from behind, above and right",
        ),
        (
            View::Node,
            "node",
            KeyCode::Digit4,
            "the node that presses hardest",
        ),
        (
            View::Section,
            "section",
            KeyCode::Digit5,
            "a cut through that node",
        ),
    ];

    /// The view called so.
    pub fn from_name(name: &str) -> Option<View> {
        View::ALL
            .iter()
            .find(|(_, n, ..)| *n == name)
            .map(|(view, ..)| *view)
    }

    /// All names.
    pub fn names() -> Vec<&'static str> {
        View::ALL.iter().map(|(_, name, ..)| *name).collect()
    }
}

/// What there is to look at, world frame.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    /// Middle of the whole.
    pub middle: Vec3,
    /// Its size, m.
    pub size: f32,
    /// The node that presses hardest.
    pub node: Vec3,
    /// How far the back leans, rad.
    pub recline_rad: f32,
}

/// A camera that turns around a point. Left button turns, right button shifts, the wheel comes
/// nearer, the digit keys take the views.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct Orbit {
    target: Vec3,
    /// Around the vertical; 0 looks at the back from behind, positive from the user's right, rad.
    yaw: f32,
    /// Above the horizontal, rad.
    pitch: f32,
    distance: f32,
    /// The view, until the mouse takes over: views of a node go with it.
    view: Option<View>,
}

impl Orbit {
    /// Takes a view.
    pub fn new(view: View, sight: &Sight) -> Orbit {
        let mut orbit = Orbit {
            target: sight.middle,
            yaw: 0.0,
            pitch: 0.0,
            distance: 1.9,
            view: None,
        };
        orbit.take(view, sight);
        orbit
    }

    /// Goes to a view.
    pub fn take(&mut self, view: View, sight: &Sight) {
        self.view = Some(view);
        let lean = sight.recline_rad;
        (self.yaw, self.pitch) = match view {
            View::Back => (0.0, 0.1 - lean),
            View::Side => (1.45, 0.05),
            View::Corner => (0.72, 0.28 - 0.6 * lean),
            View::Node => (1.05, 0.25 - 0.7 * lean),
            // Along the spine, from the head.
            View::Section => (0.0, 1.57 - lean),
        };
        (self.target, self.distance) = match view {
            View::Node => (sight.node, 0.55),
            View::Section => (sight.node, 0.72),
            _ => (sight.middle, 2.9 * sight.size.max(0.1)),
        };
    }

    /// Keeps a view of a node on it.
    pub fn follow(&mut self, sight: &Sight) {
        if matches!(self.view, Some(View::Node | View::Section)) {
            self.target = sight.node;
        }
    }

    /// Where that puts the camera.
    pub fn transform(&self) -> Transform {
        let turned = Quat::from_rotation_y(self.yaw) * Quat::from_rotation_x(-self.pitch);
        Transform::from_translation(self.target + turned * Vec3::Z * self.distance)
            .with_rotation(turned)
    }
}

/// Mouse to camera. Panels keep what happens over them.
pub fn steer(
    mut camera: Single<(&mut Orbit, &mut Transform)>,
    sight: Res<Sight>,
    buttons: Res<ButtonInput<MouseButton>>,
    motion: Res<AccumulatedMouseMotion>,
    scroll: Res<AccumulatedMouseScroll>,
    panels: Res<bevy_egui::input::EguiWantsInput>,
) {
    let (orbit, transform) = &mut *camera;
    if !panels.wants_any_pointer_input() {
        let drag = motion.delta;
        if buttons.pressed(MouseButton::Left) && drag != Vec2::ZERO {
            orbit.view = None;
            orbit.yaw -= 0.006 * drag.x;
            orbit.pitch = (orbit.pitch + 0.006 * drag.y).clamp(-1.57, 1.57);
        }
        if buttons.any_pressed([MouseButton::Right, MouseButton::Middle]) && drag != Vec2::ZERO {
            orbit.view = None;
            let shift = transform.rotation * Vec3::new(-drag.x, drag.y, 0.0);
            let metres_per_pixel = 0.0006 * orbit.distance;
            orbit.target += shift * metres_per_pixel;
        }
        let notches = match scroll.unit {
            MouseScrollUnit::Line => scroll.delta.y,
            MouseScrollUnit::Pixel => 0.02 * scroll.delta.y,
        };
        orbit.distance = (orbit.distance * (-0.12 * notches).exp()).clamp(0.1, 8.0);
    }
    orbit.follow(&sight);
    **transform = orbit.transform();
}
