//! Names of what is marked on the back.

use bevy::prelude::{Camera, GlobalTransform};
use bevy_egui::egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Stroke, pos2, vec2};
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
    for booth in &booths.0 {
        let (Some(run), Some(moment)) = (&booth.run, booth.moment(play)) else {
            continue;
        };
        let Some(user) = run.skin.as_ref().and_then(|skin| skin.back.as_ref()) else {
            continue;
        };
        let at = booth.at;
        let write = |name: &str, place: &Point3<f64>, colour: Color32, size: f32| {
            let world = at * mesh::point(&(moment.machine_from_back * place));
            // In a window the panels' points are the window's; the picture begins where its rectangle does.
            if let Ok(spot) = camera.world_to_viewport(eye, world) {
                let spot = rect.min + vec2(spot.x + 6.0, spot.y);
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
            let spots = booth.section(play).into_iter().filter_map(|band| {
                let middle = nalgebra::center(band.outer.get(10)?, band.inner.get(10)?);
                let world = at * mesh::point(&(moment.machine_from_back * middle));
                let spot = camera.world_to_viewport(eye, world).ok()?;
                Some((band.name, rect.min + vec2(spot.x, spot.y)))
            });
            beside(painter, spots.collect());
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

/// Names in a column to the left of their places, each on a line of its own, with a thread to its place.
fn beside(painter: &Painter, mut spots: Vec<(String, Pos2)>) {
    const LINE: f32 = 17.0;
    const AWAY: f32 = 46.0;
    let ink = Color32::from_rgb(40, 42, 48);
    spots.sort_by(|a, b| a.1.y.total_cmp(&b.1.y));
    let count = spots.len() as f32;
    let middle = spots.iter().map(|(_, spot)| spot.y).sum::<f32>() / count.max(1.0);
    let left = spots
        .iter()
        .map(|(_, spot)| spot.x)
        .fold(f32::MAX, f32::min)
        - AWAY;
    for (index, (name, spot)) in spots.iter().enumerate() {
        let y = middle + LINE * (index as f32 - 0.5 * (count - 1.0));
        let end = pos2(left, y);
        painter.line_segment([end + vec2(4.0, 0.0), *spot], Stroke::new(1.0, ink));
        painter.circle_filled(*spot, 2.0, ink);
        let font = FontId::proportional(13.0);
        painter.text(end, Align2::RIGHT_CENTER, name, font, ink);
    }
}
