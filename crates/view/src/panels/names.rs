//! Names of what is marked on the back.

use bevy::prelude::{Camera, GlobalTransform};
use bevy_egui::egui::{Align2, Color32, FontId, Painter, Rect, pos2, vec2};
use nalgebra::Point3;

use crate::booth::Booths;
use crate::mesh;
use crate::show::{Play, Show};
use crate::stage;

/// Writes them beside their places.
pub fn draw(
    painter: &Painter,
    rect: Rect,
    booths: &Booths,
    show: &Show,
    play: &Play,
    camera: &Camera,
    eye: &GlobalTransform,
) {
    if !show.layers.names {
        return;
    }
    let count = booths.0.len();
    for (index, booth) in booths.0.iter().enumerate() {
        let (Some(run), Some(moment)) = (&booth.run, booth.moment(play)) else {
            continue;
        };
        let Some(user) = run.skin.as_ref().and_then(|skin| skin.back.as_ref()) else {
            continue;
        };
        let at = stage::place(run, index, count);
        let write = |name: &str, place: &Point3<f64>, colour: Color32, size: f32| {
            let world = at * mesh::point(&(moment.machine_from_back * place));
            // In a window the panels' points are the window's; the picture begins where its rectangle does.
            if let Ok(spot) = camera.world_to_viewport(eye, world) {
                let spot = pos2(spot.x, spot.y) + vec2(6.0, 0.0);
                if rect.contains(spot) {
                    painter.text(
                        spot,
                        Align2::LEFT_CENTER,
                        name,
                        FontId::proportional(size),
                        colour,
                    );
                }
            }
        };
        if show.section {
            for band in booth.section(play) {
                let middle = nalgebra::center(&band.outer[6], &band.inner[6]);
                write(&band.name, &middle, Color32::from_rgb(30, 30, 34), 11.5);
            }
            continue;
        }
        if show.layers.landmarks {
            for (name, place) in stage::landmarks(user) {
                write(&name, &place, Color32::from_rgb(92, 34, 28), 11.0);
            }
        }
        if show.layers.points {
            for (name, place) in stage::points(user) {
                if !name.starts_with("EX") {
                    write(&name, &place, Color32::from_rgb(18, 66, 120), 9.5);
                }
            }
        }
        if show.marks.zones {
            for zone in back::Zone::ALL {
                for [from_u, to_u, from_x, to_x] in zone.rectangles() {
                    let place = user.point(0.5 * (from_u + to_u), 0.5 * (from_x + to_x));
                    write(zone.name(), &place, Color32::from_rgb(30, 30, 34), 12.0);
                }
            }
        }
    }
}
