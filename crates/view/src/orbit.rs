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
}

impl View {
    const ALL: [(View, &'static str, KeyCode); 3] = [
        (View::Back, "back", KeyCode::Digit1),
        (View::Side, "side", KeyCode::Digit2),
        (View::Corner, "corner", KeyCode::Digit3),
    ];

    /// The view called so.
    pub fn from_name(name: &str) -> Option<View> {
        View::ALL
            .iter()
            .find(|(_, n, _)| *n == name)
            .map(|(view, ..)| *view)
    }

    /// All names.
    pub fn names() -> Vec<&'static str> {
        View::ALL.iter().map(|(_, name, _)| *name).collect()
    }
}

/// A camera that turns around a point. Left button turns, right button shifts, the wheel comes
/// nearer, the keys 1 to 3 take the views.
#[derive(Component, Clone, Copy)]
pub struct Orbit {
    target: Vec3,
    /// Around the vertical; 0 looks at the back from behind, positive from the user's right, rad.
    yaw: f32,
    /// Above the horizontal, rad.
    pitch: f32,
    distance: f32,
    recline_rad: f32,
}

impl Orbit {
    /// Looks at `target`, a back that leans by `recline_rad`, from a view.
    pub fn new(view: View, target: Vec3, recline_rad: f32) -> Orbit {
        let mut orbit = Orbit {
            target,
            yaw: 0.0,
            pitch: 0.0,
            distance: 1.9,
            recline_rad,
        };
        orbit.take(view);
        orbit
    }

    fn take(&mut self, view: View) {
        (self.yaw, self.pitch) = match view {
            View::Back => (0.0, 0.1 - self.recline_rad),
            View::Side => (1.45, 0.05),
            View::Corner => (0.75, 0.3 - 0.6 * self.recline_rad),
        };
    }

    /// Where that puts the camera.
    pub fn transform(&self) -> Transform {
        let turned = Quat::from_rotation_y(self.yaw) * Quat::from_rotation_x(-self.pitch);
        Transform::from_translation(self.target + turned * Vec3::Z * self.distance)
            .with_rotation(turned)
    }
}

/// Mouse and keys to camera.
pub fn steer(
    mut camera: Single<(&mut Orbit, &mut Transform)>,
    buttons: Res<ButtonInput<MouseButton>>,
    keys: Res<ButtonInput<KeyCode>>,
    motion: Res<AccumulatedMouseMotion>,
    scroll: Res<AccumulatedMouseScroll>,
) {
    let (orbit, transform) = &mut *camera;
    let drag = motion.delta;
    if buttons.pressed(MouseButton::Left) {
        orbit.yaw -= 0.006 * drag.x;
        orbit.pitch = (orbit.pitch + 0.006 * drag.y).clamp(-1.5, 1.5);
    }
    if buttons.pressed(MouseButton::Right) {
        let shift = transform.rotation * Vec3::new(-drag.x, drag.y, 0.0);
        let metres_per_pixel = 0.0006 * orbit.distance;
        orbit.target += shift * metres_per_pixel;
    }
    let notches = match scroll.unit {
        MouseScrollUnit::Line => scroll.delta.y,
        MouseScrollUnit::Pixel => 0.02 * scroll.delta.y,
    };
    orbit.distance = (orbit.distance * (-0.12 * notches).exp()).clamp(0.3, 6.0);
    for (view, _, key) in View::ALL {
        if keys.just_pressed(key) {
            orbit.take(view);
        }
    }
    **transform = orbit.transform();
}
