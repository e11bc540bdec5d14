//! The points of a sweep, two columns against each other, or all of them at once: a click shows that point live.

use bevy_egui::egui::{Color32, ComboBox, DragValue, Grid, RichText, ScrollArea, Ui, vec2};
use egui_plot::{Legend, MarkerShape, Plot, PlotPoint, PlotPoints, Points as Dots};

use crate::booth::Booth;
use crate::panels::legend::number;
use crate::panels::strands;
use crate::points::{Axis, Points};
use crate::tuning::Tuning;

/// What is plotted.
#[derive(Default)]
pub struct Scatter {
    axes: Option<[usize; 2]>,
    all: bool,
}

/// Colour of a point that keeps all limits, or may.
pub const FEASIBLE: Color32 = Color32::from_rgb(0, 114, 178);
/// Of one that passes a limit.
pub const INFEASIBLE: Color32 = Color32::from_rgb(170, 174, 182);
/// Of the one that is shown.
pub const SHOWN: Color32 = Color32::from_rgb(213, 94, 0);

/// How near a click must be to a point, as a share of the plot's sides.
const NEAR: f64 = 0.04;

impl Scatter {
    /// Shows the panel and goes to what was clicked.
    pub fn show(&mut self, ui: &mut Ui, booth: &mut Booth) {
        let Some(pick) = booth.tuning.pick().cloned() else {
            return;
        };
        let points = &pick.points;
        ui.add_space(4.0);
        ui.strong(points.root.display().to_string());
        ui.small(format!(
            "{} points, {} cases each",
            points.rows.len(),
            points.cases()
        ));
        ui.separator();
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.all, false, "two columns");
            ui.selectable_value(&mut self.all, true, "all columns");
        });
        let mut next = pick.clone();
        let clicked = match self.all {
            true => strands::show(ui, points, pick.point),
            false => self.two(ui, points, pick.point),
        };
        next.point = clicked.unwrap_or(pick.point);
        ui.horizontal(|ui| {
            let at = points.rows.iter().position(|row| row.point == pick.point);
            let beside =
                |step: isize| at.and_then(|at| points.rows.get(at.checked_add_signed(step)?));
            ui.strong(format!("point {}", pick.point));
            for (word, step) in [("<", -1), (">", 1)] {
                let there = beside(step).map(|row| row.point);
                if ui.button(word).clicked()
                    && let Some(point) = there
                {
                    next.point = point;
                }
            }
            if let Some(chosen) = points.chosen
                && ui
                    .button("chosen")
                    .on_hover_text("the sweep's own choice")
                    .clicked()
            {
                next.point = chosen;
            }
            if points.cases() > 1 {
                ui.label("case");
                let all = 0..=points.cases() - 1;
                ui.add(DragValue::new(&mut next.case).range(all).speed(0.05))
                    .on_hover_text("which body under which conditions");
            }
        });
        values(ui, points, pick.point);
        if next != pick {
            booth.tuning = Tuning::of_point(next);
            booth.order();
        }
    }

    /// Two columns against each other, and which; the point that was clicked.
    fn two(&mut self, ui: &mut Ui, points: &Points, shown: u64) -> Option<u64> {
        let last = points.columns.len().saturating_sub(1);
        let axes = self.axes.get_or_insert_with(|| points.first_axes());
        for (axis, name) in axes.iter_mut().zip(["across", "up"]) {
            *axis = (*axis).min(last);
            ui.horizontal(|ui| {
                ui.add_sized([44.0, 18.0], bevy_egui::egui::Label::new(name));
                ComboBox::from_id_salt(name)
                    .width(ui.available_width() - 12.0)
                    .selected_text(title(&points.columns[*axis]))
                    .show_ui(ui, |ui| {
                        for (index, column) in points.columns.iter().enumerate() {
                            ui.selectable_value(axis, index, title(column));
                        }
                    });
            });
        }
        plot(ui, points, *axes, shown)
    }
}

/// A column's name with its unit.
pub fn title(axis: &Axis) -> String {
    match axis.unit.as_str() {
        "" => axis.name.clone(),
        unit => format!("{}, {unit}", axis.name),
    }
}

/// The plot; the point that was clicked.
fn plot(ui: &mut Ui, points: &Points, axes: [usize; 2], shown: u64) -> Option<u64> {
    let side = ui.available_width().min(420.0);
    let answer = Plot::new("points")
        .width(side)
        .height(0.8 * side)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .x_axis_label(title(&points.columns[axes[0]]))
        .y_axis_label(title(&points.columns[axes[1]]))
        .legend(Legend::default())
        .show(ui, |plot| {
            for (name, kind, colour) in [
                ("passes a limit", Some(false), INFEASIBLE),
                ("keeps all limits", Some(true), FEASIBLE),
                ("not merged yet", None, FEASIBLE),
            ] {
                let of = points.rows.iter().filter(|row| row.feasible == kind);
                let dots = of.map(|row| axes.map(|i| row.values[i]));
                // A point may have no value of an objective.
                let dots: Vec<[f64; 2]> = dots.filter(is_there).collect();
                if !dots.is_empty() {
                    plot.points(
                        Dots::new(name, PlotPoints::from(dots))
                            .radius(3.0)
                            .color(colour),
                    );
                }
            }
            let here = points.row(shown).map(|row| axes.map(|i| row.values[i]));
            if let Some(here) = here.filter(is_there) {
                let here = PlotPoints::from(vec![here]);
                let ring = Dots::new("shown", here)
                    .radius(6.0)
                    .filled(false)
                    .shape(MarkerShape::Circle);
                plot.points(ring.color(SHOWN));
            }
            let bounds = plot.plot_bounds();
            (plot.pointer_coordinate(), [bounds.width(), bounds.height()])
        });
    let (at, sides) = answer.inner;
    at.filter(|_| answer.response.clicked())
        .and_then(|at| nearest(points, axes, at, sides))
}

fn is_there(place: &[f64; 2]) -> bool {
    place.iter().all(|value| value.is_finite())
}

/// The point nearest to a place in the plot, if it is near.
fn nearest(points: &Points, axes: [usize; 2], at: PlotPoint, sides: [f64; 2]) -> Option<u64> {
    let away = |values: &[f64]| {
        let [dx, dy] = [
            (values[axes[0]] - at.x) / sides[0],
            (values[axes[1]] - at.y) / sides[1],
        ];
        dx.hypot(dy)
    };
    let far = points.rows.iter().map(|row| (away(&row.values), row.point));
    let near = far.filter(|(away, _)| *away < NEAR);
    near.min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, point)| point)
}

/// What is known of a point.
fn values(ui: &mut Ui, points: &Points, point: u64) {
    let Some(row) = points.row(point) else {
        return;
    };
    if let Some(feasible) = row.feasible {
        ui.label(match feasible {
            true => RichText::new("keeps all limits"),
            false => RichText::new("passes a limit").color(Color32::from_rgb(180, 70, 0)),
        });
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Grid::new("values")
            .num_columns(2)
            .spacing(vec2(16.0, 3.0))
            .striped(true)
            .show(ui, |ui| {
                for (column, value) in points.columns.iter().zip(&row.values) {
                    ui.label(&column.name);
                    let word = column
                        .words
                        .get(*value as usize)
                        .filter(|_| value.is_finite());
                    ui.label(match word {
                        Some(word) => word.clone(),
                        None if value.is_nan() => "none".into(),
                        None => format!("{} {}", number(*value), column.unit),
                    });
                    ui.end_row();
                }
            });
    });
}
