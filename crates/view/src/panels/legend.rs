//! The scale of the colours, and what one looks at.

use bevy_egui::egui::text::{LayoutJob, TextWrapping};
use bevy_egui::egui::{Align2, Color32, FontId, Painter, Pos2, Rect, pos2, vec2};

use crate::booth::Booths;
use crate::colour::{Quantity, colour};
use crate::orbit::is_narrow;
use crate::run::{Moment, Run};
use crate::show::{Play, Show};

const TEXT: Color32 = Color32::from_rgb(38, 43, 52);
const SOFT: Color32 = Color32::from_rgb(86, 92, 102);
const WIDTH: f32 = 220.0;
const HEIGHT: f32 = 12.0;

/// Draws the scale into the lower left corner of `rect`, and over each run what one looks at.
pub fn draw(painter: &Painter, rect: Rect, booths: &Booths, show: &Show, play: &Play) {
    let small = FontId::proportional(12.5);
    let corner = rect.left_bottom() + vec2(22.0, -40.0);
    if show.quantity != Quantity::Nothing
        && booths
            .0
            .iter()
            .any(|b| b.run.as_ref().is_some_and(|r| r.skin.is_some()))
    {
        let low = corner - vec2(0.0, 22.0);
        let room = Rect::from_min_max(low, corner + vec2(WIDTH, HEIGHT + 19.0));
        plate(painter, room);
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
    let count = booths.0.len();
    let column = rect.width() / count.max(1) as f32;
    for (index, booth) in booths.0.iter().enumerate() {
        let (Some(run), Some(moment)) = (&booth.run, booth.moment(play)) else {
            continue;
        };
        let left = rect.left() + column * index as f32;
        let at = pos2(left + 22.0, rect.top() + 14.0);
        let narrow = is_narrow(rect.width(), count);
        caption(painter, at, column - 44.0, run, &moment, narrow);
    }
}

/// What is shown, and what goes on there. It is as high whatever goes on, and never lies over a head: what is too long for its line is
/// cut off.
fn caption(painter: &Painter, at: Pos2, wide: f32, run: &Run, moment: &Moment, narrow: bool) {
    let lay = |text: String, size: f32, colour: Color32| {
        let mut job = LayoutJob::simple(text, FontId::proportional(size), colour, wide);
        job.wrap = TextWrapping::truncate_at_width(wide);
        painter.layout_job(job)
    };
    let title = lay(run.title.clone(), 16.0, TEXT);
    let lines = state(run, moment, narrow).into_iter();
    let lines = lines.map(|line| lay(line, 12.5, SOFT));
    let texts: Vec<_> = std::iter::once(title).chain(lines).collect();
    let size = texts.iter().fold(vec2(0.0, 0.0), |size, text| {
        vec2(size.x.max(text.size().x), size.y + text.size().y + 1.0)
    });
    plate(painter, Rect::from_min_size(at, size));
    let mut at = at;
    for text in texts {
        let height = text.size().y;
        painter.galley(at, text, TEXT);
        at.y += height + 1.0;
    }
}

/// Paper behind writing: it stays legible over whatever stands there.
fn plate(painter: &Painter, room: Rect) {
    let paper = Color32::from_rgba_unmultiplied(250, 251, 252, 205);
    painter.rect_filled(room.expand(8.0), 6.0, paper);
}

/// What goes on, in two lines; where there is little room shorter, and in three.
fn state(run: &Run, moment: &Moment, narrow: bool) -> Vec<String> {
    let mut lines = vec![format!("{:.2} s   {}", moment.t_s, moment.doing)];
    if run.skin.is_none() {
        return lines;
    }
    let touches = &moment.touches;
    let mut forces: Vec<String> = if touches.len() <= 4 {
        let each = touches.iter().enumerate().map(|(index, touch)| {
            let zone = touch
                .zone
                .filter(|_| !narrow)
                .map_or(String::new(), |z| format!(" on {}", z.name()));
            let name = run.node_name(index);
            let name = name.trim_end_matches(" node");
            format!("{name} {:.0} N{zone}", touch.force_n)
        });
        each.collect()
    } else {
        let sum: f64 = touches.iter().map(|t| t.force_n).sum();
        let most = touches.iter().map(|t| t.force_n).fold(0.0, f64::max);
        vec![format!(
            "{} nodes {sum:.0} N, one of them {most:.0} N",
            touches.len()
        )]
    };
    if narrow {
        lines.push(forces.join(",  "));
        forces.clear();
    }
    if run.furniture.carries {
        forces.push(format!("pad {:.0} N", moment.pad_n));
        forces.push(format!("hip {:+.1} mm", 1e3 * moment.lift_m));
    }
    if !forces.is_empty() {
        lines.push(forces.join(",  "));
    }
    lines
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
