//! The points of a sweep over all columns at once: parallel coordinates. A line is a point and passes its values on upright axes; a
//! click on one shows that point live.

use std::f32::consts::FRAC_PI_2;
use std::sync::Arc;

use bevy_egui::egui::epaint::TextShape;
use bevy_egui::egui::{
    Align2, Color32, FontId, Galley, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, pos2,
    vec2,
};

use crate::panels::legend::number;
use crate::panels::scatter::{FEASIBLE, INFEASIBLE, SHOWN, title};
use crate::points::{Axis, Points, Row};

/// Lines that are drawn at most: of more points every second, third ... one.
const STRANDS_MAX: usize = 1500;
/// How near a click must be to a line, points.
const NEAR: f32 = 7.0;
/// For numbers at both ends of the axes, points.
const NUMBERS: f32 = 14.0;
/// Axes and their names.
const INK: Color32 = Color32::from_gray(90);
/// Narrower than this, axes have no numbers, points.
const NARROW: f32 = 30.0;

/// Shows all points; the one that was clicked.
pub fn show(ui: &mut Ui, points: &Points, shown: u64) -> Option<u64> {
    let names: Vec<Arc<Galley>> = points
        .columns
        .iter()
        .map(|axis| {
            ui.painter()
                .layout_no_wrap(title(axis), FontId::proportional(11.0), INK)
        })
        .collect();
    let hang = names.iter().map(|name| name.size().x).fold(0.0, f32::max);
    let width = ui.available_width();
    let height = (0.8 * width.min(420.0)).max(200.0) + hang;
    let (answer, painter) = ui.allocate_painter(vec2(width, height), Sense::click());
    let room = Rect::from_min_max(
        answer.rect.min + vec2(16.0, NUMBERS + 2.0),
        answer.rect.max - vec2(16.0, NUMBERS + hang),
    );
    let sheet = Sheet::new(points, room);
    sheet.draw(&painter, &points.columns, names);
    let every = points.rows.len().div_ceil(STRANDS_MAX).max(1);
    let drawn = || points.rows.iter().step_by(every);
    for kind in [Some(false), None, Some(true)] {
        let colour = if kind == Some(false) {
            INFEASIBLE
        } else {
            FEASIBLE
        };
        for row in drawn().filter(|row| row.feasible == kind) {
            sheet.thread(&painter, row, Stroke::new(1.0, colour.gamma_multiply(0.55)));
        }
    }
    let at = answer.hover_pos().and_then(|at| sheet.nearest(drawn(), at));
    if let Some(row) = at {
        sheet.thread(&painter, row, Stroke::new(2.0, Color32::from_gray(50)));
    }
    if let Some(row) = points.row(shown) {
        sheet.thread(&painter, row, Stroke::new(2.5, SHOWN));
    }
    let point = at.map(|row| row.point);
    told(&answer, point);
    point.filter(|_| answer.clicked())
}

/// Which point one is on.
fn told(answer: &Response, point: Option<u64>) {
    if let Some(point) = point {
        answer
            .clone()
            .on_hover_text_at_pointer(format!("point {point}"));
    }
}

/// Axes side by side.
struct Sheet {
    room: Rect,
    /// Smallest and largest value of each column.
    spans: Vec<[f64; 2]>,
}

impl Sheet {
    fn new(points: &Points, room: Rect) -> Sheet {
        let span = |column: usize| {
            let values = points.rows.iter().map(|row| row.values[column]);
            values
                .filter(|v| v.is_finite())
                .fold([f64::MAX, f64::MIN], |[low, high], v| {
                    [low.min(v), high.max(v)]
                })
        };
        let spans = (0..points.columns.len()).map(span).collect();
        Sheet { room, spans }
    }

    fn x(&self, column: usize) -> f32 {
        let gaps = self.spans.len().saturating_sub(1).max(1);
        self.room.left() + self.room.width() * column as f32 / gaps as f32
    }

    /// Where a point crosses an axis; nowhere without a value. What is the same for all points is in the middle.
    fn crossing(&self, row: &Row, column: usize) -> Option<Pos2> {
        let value = row.values[column];
        let [low, high] = self.spans[column];
        let share = if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        };
        let y = self.room.bottom() - self.room.height() * share as f32;
        value.is_finite().then(|| pos2(self.x(column), y))
    }

    /// Stretches from axis to axis; where a value is missing there is a gap.
    fn stretches(&self, row: &Row) -> impl Iterator<Item = [Pos2; 2]> {
        (1..self.spans.len()).filter_map(|column| {
            Some([self.crossing(row, column - 1)?, self.crossing(row, column)?])
        })
    }

    fn thread(&self, painter: &Painter, row: &Row, stroke: Stroke) {
        for ends in self.stretches(row) {
            painter.line_segment(ends, stroke);
        }
    }

    /// The point whose line passes nearest to a place, if it is near.
    fn nearest<'a>(&self, rows: impl Iterator<Item = &'a Row>, at: Pos2) -> Option<&'a Row> {
        let away = |row: &Row| {
            let each = self.stretches(row).map(|ends| away(at, ends));
            each.fold(f32::MAX, f32::min)
        };
        let near = rows
            .map(|row| (away(row), row))
            .filter(|(away, _)| *away < NEAR);
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, row)| row)
    }

    fn draw(&self, painter: &Painter, columns: &[Axis], names: Vec<Arc<Galley>>) {
        let gap = if self.spans.len() > 1 {
            self.x(1) - self.x(0)
        } else {
            self.room.width()
        };
        for (column, name) in names.into_iter().enumerate() {
            let (axis, span) = (&columns[column], self.spans[column]);
            let x = self.x(column);
            let [top, foot] = [self.room.top(), self.room.bottom()].map(|y| pos2(x, y));
            painter.line_segment([top, foot], Stroke::new(1.0, INK));
            if gap > NARROW && span[0] <= span[1] {
                let ends = [
                    (foot, Align2::CENTER_TOP, span[0]),
                    (top, Align2::CENTER_BOTTOM, span[1]),
                ];
                for (end, align, value) in ends {
                    painter.text(
                        end,
                        align,
                        said(axis, value),
                        FontId::proportional(9.5),
                        INK,
                    );
                }
            }
            // Read from below, it ends under its axis.
            let hangs = foot + vec2(0.0, NUMBERS);
            let corner = hangs - Align2::RIGHT_CENTER.pos_in_rect(&name.rect).to_vec2();
            let name = TextShape::new(corner, name, INK);
            painter.add(Shape::Text(
                name.with_angle_and_anchor(-FRAC_PI_2, Align2::RIGHT_CENTER),
            ));
        }
    }
}

/// A value as a number, or as the word that it stands for.
fn said(axis: &Axis, value: f64) -> String {
    let word = axis.words.get(value as usize);
    word.cloned().unwrap_or_else(|| number(value))
}

/// From a place to a stretch.
fn away(at: Pos2, [a, b]: [Pos2; 2]) -> f32 {
    let along = b - a;
    let share = (at - a).dot(along) / along.length_sq().max(1e-9);
    (a + along * share.clamp(0.0, 1.0)).distance(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(point: u64, values: [f64; 3]) -> Row {
        Row {
            point,
            feasible: None,
            values: values.to_vec(),
        }
    }

    /// Three axes at x = 0, 50 and 100 from y = 100 (the smallest value) up to y = 0. The first point passes (0, 100), (50, 50) and
    /// (100, 0), the second one (0, 0) and (50, 50), and has no third value.
    #[test]
    fn a_click_finds_the_line_it_is_on() {
        let sheet = Sheet {
            room: Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 100.0)),
            spans: vec![[1.0, 3.0], [7.0, 7.0], [0.0, 10.0]],
        };
        let rows = [row(4, [1.0, 7.0, 10.0]), row(9, [3.0, 7.0, f64::NAN])];
        let ends: Vec<_> = sheet.stretches(&rows[0]).collect();
        assert_eq!(ends[0], [pos2(0.0, 100.0), pos2(50.0, 50.0)]);
        assert_eq!(ends[1], [pos2(50.0, 50.0), pos2(100.0, 0.0)]);
        assert_eq!(sheet.stretches(&rows[1]).count(), 1);
        let nearest = |x: f32, y: f32| sheet.nearest(rows.iter(), pos2(x, y)).map(|row| row.point);
        assert_eq!(nearest(22.0, 80.0), Some(4));
        assert_eq!(nearest(22.0, 20.0), Some(9));
        assert_eq!(nearest(80.0, 22.0), Some(4));
        assert_eq!(nearest(80.0, 60.0), None);
    }
}
