//! The scale of the colours, and what one looks at.

use bevy_egui::egui::{Align2, Color32, FontId, Painter, Pos2, Rect, pos2, vec2};

use crate::booth::Booths;
use crate::colour::{Quantity, colour};
use crate::show::{Play, Show};

const TEXT: Color32 = Color32::from_rgb(45, 50, 58);
const WIDTH: f32 = 220.0;
const HEIGHT: f32 = 12.0;

/// Draws both into the left corners of `rect`.
pub fn draw(painter: &Painter, rect: Rect, booths: &Booths, show: &Show, play: &Play) {
    let small = FontId::proportional(12.5);
    let corner = rect.left_bottom() + vec2(22.0, -40.0);
    if show.quantity != Quantity::Nothing
        && booths
            .0
            .iter()
            .any(|b| b.run.as_ref().is_some_and(|r| r.skin.is_some()))
    {
        let steps = 64;
        for i in 0..steps {
            let share = i as f32 / steps as f32;
            let [r, g, b] = colour(f64::from(share));
            let left = corner + vec2(WIDTH * share, 0.0);
            // A hair wider than a step, against seams.
            let step = Rect::from_min_size(left, vec2(WIDTH / steps as f32 + 0.6, HEIGHT));
            painter.rect_filled(step, 0.0, Color32::from_rgb(r, g, b));
        }
        let (unit, per_si) = show.quantity.unit(show.unit);
        let top = booths.top(show) * per_si;
        for quarter in 0..=4 {
            let at = corner + vec2(WIDTH * quarter as f32 / 4.0, HEIGHT + 3.0);
            let align =
                [Align2::LEFT_TOP, Align2::CENTER_TOP, Align2::RIGHT_TOP][[0, 1, 1, 1, 2][quarter]];
            painter.text(
                at,
                align,
                number(top * quarter as f64 / 4.0),
                small.clone(),
                TEXT,
            );
        }
        let title = if unit.is_empty() {
            show.quantity.title().to_string()
        } else {
            format!("{}, {unit}", show.quantity.title())
        };
        painter.text(
            corner + vec2(0.0, -5.0),
            Align2::LEFT_BOTTOM,
            title,
            small.clone(),
            TEXT,
        );
    }
    let mut at: Pos2 = pos2(rect.left() + 22.0, rect.top() + 16.0);
    for booth in &booths.0 {
        let (Some(run), Some(moment)) = (&booth.run, booth.moment(play)) else {
            continue;
        };
        let mut line = format!("{}   t = {:.2} s   {}", run.title, moment.t_s, moment.doing);
        if run.skin.is_some() {
            for touch in &moment.touches {
                let zone = touch.zone.map_or("", back::Zone::name);
                line += &format!("   {:.0} N {zone}", touch.force_n);
            }
            if run.stand.seat_z_m.is_some() {
                line += &format!(
                    "   pad {:.0} N, lifted {:.1} mm",
                    moment.pad_n,
                    1e3 * moment.lift_m
                );
            }
        }
        painter.text(at, Align2::LEFT_TOP, line, small.clone(), TEXT);
        at.y += 18.0;
    }
}

/// Three digits at most.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v < 1e-9 => "0".into(),
        v if v < 0.1 => format!("{value:.3}"),
        v if v < 10.0 => format!("{value:.2}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .into(),
        v if v < 100.0 => format!("{value:.1}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .into(),
        _ => format!("{value:.0}"),
    }
}
