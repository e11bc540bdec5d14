//! The camera: it looks at a point and turns around it.

use bevy::input::mouse::{AccumulatedMouseMotion, AccumulatedMouseScroll, MouseScrollUnit};
use bevy::prelude::*;

use crate::furniture::LYING_RAD;

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
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Outermost points of all that stands there.
    pub whole: Vec<Vec3>,
    /// The same of back, head and machine.
    pub near: Vec<Vec3>,
    /// Whether the corner view, too, shows the near part only.
    pub close: bool,
    /// The node that presses hardest.
    pub node: Vec3,
    /// How far the back leans, rad; negative for one who lies on the belly.
    pub recline_rad: f32,
    /// Height of the ground, m.
    pub ground_m: f32,
    /// Width and height of the picture, points; 0 as long as it is not known.
    pub frame: Vec2,
    /// Whether the writing over a run has a line more.
    pub tall: bool,
}

/// What a run has of the stage where two are compared: a chair's width, and the length of somebody who lies, m.
const ACROSS_M: f32 = 1.05;
const LENGTHWAYS_M: f32 = 2.0;
/// Opening of the camera from bottom to top, rad.
pub const FOV_RAD: f32 = 0.5;
/// What is kept free for writing at the top and at the bottom of the picture, and at its sides, points.
const FREE: [f32; 3] = [76.0, 76.0, 26.0];
/// The same at the top where the writing has a line more.
const FREE_TALL: f32 = 98.0;
/// Narrower than this, points, a picture has shorter lines of writing, and one more.
const NARROW: f32 = 740.0;

/// Whether so many runs in a picture of this width, points, have short lines of writing.
pub fn is_narrow(width: f32, runs: usize) -> bool {
    runs > 1 || width < NARROW
}

impl Sight {
    /// Whether it is known where to look.
    pub fn is_known(&self) -> bool {
        !self.whole.is_empty() && self.frame.min_element() > 1.0
    }

    /// Where the camera stands and at what distance from the middle, so that a turned camera has all points between the margins.
    ///
    /// With `x`, `y` to the right and up in the picture and `z` to the viewer, a point is under the upper margin if
    /// `y - c_y <= t_u (c_z - z)`, `t_u` its slope. The largest `y + t_u z` is what matters of all points, and so for each margin.
    fn fit(&self, points: &[Vec3], turned: Quat) -> (Vec3, f32) {
        let frame = self.frame.max(Vec2::splat(1.0));
        let half = (0.5 * FOV_RAD).tan();
        let slope = |free: f32, of: f32| (1.0 - 2.0 * (free / of).min(0.3)) * half;
        let writing = if self.tall { FREE_TALL } else { FREE[0] };
        let (up, down) = (slope(writing, frame.y), slope(FREE[1], frame.y));
        let aside = slope(FREE[2], frame.x) * frame.x / frame.y;
        let seen: Vec<Vec3> = points.iter().map(|p| turned.inverse() * *p).collect();
        let most = |of: &dyn Fn(&Vec3) -> f32| seen.iter().map(of).fold(f32::MIN, f32::max);
        let top = most(&|p| p.y + up * p.z);
        let bottom = most(&|p| down * p.z - p.y);
        let right = most(&|p| p.x + aside * p.z);
        let left = most(&|p| aside * p.z - p.x);
        let z = ((top + bottom) / (up + down)).max((right + left) / (2.0 * aside));
        let y = 0.5 * ((top - up * z) + (down * z - bottom));
        let x = 0.5 * (right - left);
        let (front, rear) = (most(&|p| p.z), most(&|p| -p.z));
        let middle_z = 0.5 * (front - rear);
        (turned * Vec3::new(x, y, middle_z), z - middle_z)
    }
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
    /// The view, until the mouse takes over: it stays on what there is to see, in the frame that there is.
    view: Option<View>,
    /// Whether it was a view from the side: there, runs stand one behind the other.
    aside: bool,
}

impl Orbit {
    /// Takes a view.
    pub fn new(view: View, sight: &Sight) -> Orbit {
        let mut orbit = Orbit {
            target: Vec3::ZERO,
            yaw: 0.0,
            pitch: 0.0,
            distance: 1.9,
            view: None,
            aside: false,
        };
        orbit.take(view, sight);
        orbit
    }

    /// Goes to a view.
    pub fn take(&mut self, view: View, sight: &Sight) {
        self.view = Some(view);
        self.aside = view == View::Side;
        let lean = sight.recline_rad;
        // One who lies on the belly is seen from above, though not so steeply that the machine hides the back.
        let follow = |share: f32| {
            if lean < 0.0 {
                0.6 * share * lean
            } else {
                share * lean
            }
        };
        (self.yaw, self.pitch) = match view {
            View::Back => (0.0, 0.1 - lean),
            View::Side => (1.45, 0.05),
            // Who lies on a bed is seen from beside it, level with the machine under the back.
            View::Corner if f64::from(lean) > LYING_RAD => (1.05, -0.03),
            View::Corner => (0.72, 0.28 - follow(0.6)),
            View::Node => (1.05, 0.25 - follow(0.7)),
            // Along the spine, from the head.
            View::Section => (0.0, 1.57 - lean),
        };
        let points = match view {
            View::Back => &sight.near,
            View::Corner if sight.close => &sight.near,
            _ => &sight.whole,
        };
        (self.target, self.distance) = match view {
            View::Node => (sight.node, 0.55),
            View::Section => (sight.node, 0.72),
            _ if points.is_empty() => (Vec3::ZERO, 2.5),
            _ => sight.fit(points, self.turned()),
        };
    }

    /// Keeps a view on what it shows.
    pub fn follow(&mut self, sight: &Sight) {
        match self.view {
            Some(View::Node | View::Section) => self.target = sight.node,
            Some(view) if sight.is_known() => self.take(view, sight),
            _ => {}
        }
    }

    /// Comes nearer, or goes away. What shows all of it is no longer that view; a node is still followed.
    fn come(&mut self, nearer: f32) {
        if !matches!(self.view, Some(View::Node | View::Section)) {
            self.view = None;
        }
        self.distance = (self.distance * (-0.12 * nearer).exp()).clamp(0.1, 8.0);
    }

    /// From one run to the next where two are compared, left to right as they are seen, m.
    pub fn apart(&self) -> Vec3 {
        if self.aside {
            Vec3::NEG_Z * LENGTHWAYS_M
        } else {
            Vec3::X * ACROSS_M
        }
    }

    /// How far it is from what it turns around, m.
    pub fn distance_m(&self) -> f32 {
        self.distance
    }

    fn turned(&self) -> Quat {
        Quat::from_rotation_y(self.yaw) * Quat::from_rotation_x(-self.pitch)
    }

    /// Where that puts the camera.
    pub fn transform(&self) -> Transform {
        let turned = self.turned();
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
        if notches != 0.0 {
            orbit.come(notches);
        }
    }
    orbit.follow(&sight);
    **transform = orbit.transform();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen through the camera, every point is within the picture's margins, and on each of two opposite ones at least one lies on it.
    #[test]
    fn all_points_are_in_the_picture() {
        let points: Vec<Vec3> = (0..60)
            .map(|i| {
                let a = i as f32;
                Vec3::new(
                    (0.7 * a).sin(),
                    0.6 * (1.3 * a).cos(),
                    0.9 * (2.1 * a).sin(),
                )
            })
            .collect();
        for frame in [Vec2::new(1280.0, 720.0), Vec2::new(500.0, 900.0)] {
            let sight = Sight {
                whole: points.clone(),
                frame,
                ..Sight::default()
            };
            let mut orbit = Orbit::new(View::Side, &sight);
            orbit.pitch = 0.6;
            (orbit.target, orbit.distance) = sight.fit(&points, orbit.turned());
            let eye = orbit.transform().to_matrix().inverse();
            let half = (0.5 * FOV_RAD).tan();
            let seen = points.iter().map(|p| {
                let p = eye.transform_point3(*p);
                // From -1 to 1 over the picture.
                Vec2::new(p.x / (half * frame.x / frame.y), p.y / half) / -p.z
            });
            let seen: Vec<Vec2> = seen.collect();
            let low = seen.iter().copied().reduce(Vec2::min).unwrap();
            let high = seen.iter().copied().reduce(Vec2::max).unwrap();
            let free = Vec2::new(FREE[2] / frame.x, FREE[0] / frame.y);
            let room = Vec2::ONE - 2.0 * free;
            let left = [(room - high).min_element(), (room + low).min_element()];
            assert!(left.iter().all(|l| *l > -1e-4), "{low} {high} {room}");
            let (tall, wide) = (high.y - low.y - 2.0 * room.y, high.x - low.x - 2.0 * room.x);
            assert!(
                tall.abs() < 1e-3 || wide.abs() < 1e-3,
                "{low} {high} {room}"
            );
        }
    }
}
