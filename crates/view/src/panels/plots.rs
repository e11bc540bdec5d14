//! Curves over the run, and the limits it passed.

use std::path::Path;
use std::sync::Arc;

use bevy_egui::egui::{Button, Color32, RichText, ScrollArea, TextEdit, TextStyle, Ui};
use egui_plot::{Legend, Line, LineStyle, Plot, PlotPoints, VLine};
use sim::{Limit, Violation};

use crate::booth::{Booths, SIDES};
use crate::ledger;
use crate::run::{End, Run};
use crate::show::{Play, Show};
use crate::stage::NODE_COLOURS;

/// Curves of the runs, as far as they were looked at.
#[derive(Default)]
pub struct Plotter {
    curves: Vec<Curves>,
    save_as: String,
    told: Option<String>,
}

/// The curves of one run.
#[derive(Default)]
struct Curves {
    run: Option<Arc<Run>>,
    looked: usize,
    force_n: Vec<Vec<[f64; 2]>>,
    peak_pa: Vec<[f64; 2]>,
    pain_pa: Vec<[f64; 2]>,
    cap_pa: Vec<[f64; 2]>,
    current_a: Vec<Vec<[f64; 2]>>,
    station: Vec<[f64; 2]>,
}

/// Points of a curve that are drawn at most.
const POINTS_MAX: usize = 1500;

/// Below it a node only brushes the skin, N.
const LIGHT_N: f64 = 3.0;

impl Curves {
    fn follow(&mut self, run: &Arc<Run>) {
        if self.run.as_ref().is_none_or(|old| !Arc::ptr_eq(old, run)) {
            *self = Curves {
                run: Some(Arc::clone(run)),
                ..Curves::default()
            };
        }
        for moment in run.moments(self.looked, usize::MAX - 1) {
            self.looked += 1;
            let t_s = moment.t_s;
            self.force_n.resize(moment.touches.len(), Vec::new());
            self.current_a.resize(moment.current_a.len(), Vec::new());
            for (curve, touch) in self.force_n.iter_mut().zip(&moment.touches) {
                curve.push([t_s, touch.force_n]);
            }
            for (curve, current_a) in self.current_a.iter_mut().zip(&moment.current_a) {
                curve.push([t_s, *current_a]);
            }
            self.station.push([t_s, moment.station]);
            // The node that is nearest to its cap says how near the run is.
            let near = |t: &&crate::run::Touching| t.peak_pa / t.cap_pa.max(1.0);
            let pressing = moment.touches.iter().filter(|t| t.force_n > 0.0);
            let nearest = pressing.max_by(|a, b| near(a).total_cmp(&near(b)));
            self.peak_pa.push([t_s, nearest.map_or(0.0, |t| t.peak_pa)]);
            // A threshold grows without end as the touched area vanishes.
            if let Some(touch) = nearest.filter(|t| t.force_n > LIGHT_N) {
                self.pain_pa.push([t_s, touch.pain_pa]);
                self.cap_pa.push([t_s, touch.cap_pa]);
            }
        }
    }
}

impl Plotter {
    /// Shows curves, and what was passed beside them.
    pub fn show(&mut self, ui: &mut Ui, booths: &Booths, play: &mut Play, show: &Show) {
        // A panel is as high as what is in it: else it would shrink from frame to frame.
        ui.set_min_height(ui.available_height());
        self.curves.resize_with(booths.0.len(), Curves::default);
        for (curves, booth) in self.curves.iter_mut().zip(&booths.0) {
            if let Some(run) = &booth.run {
                curves.follow(run);
            }
        }
        let duration_s = booths.spans_s()[1];
        let (unit, per_pa) = show.unit.per_pa();
        ui.horizontal_wrapped(|ui| self.selection(ui, booths, play, duration_s));
        // Beneath the titles.
        let height = (ui.available_height() - 26.0).max(60.0);
        ui.horizontal(|ui| {
            let list = (0.3 * ui.available_width()).min(250.0);
            let width = ((ui.available_width() - list) / 4.0 - 8.0).max(60.0);
            let plot = Sheet {
                width,
                height,
                duration_s,
            };
            let all = &self.curves;
            plot.show(ui, "node forces, N", play, || {
                lines(all, |c| &c.force_n, Run::node_name)
            });
            plot.show(ui, &format!("peak pressure, {unit}"), play, || {
                let mut shown = Vec::new();
                for (c, style) in all.iter().zip(styles()) {
                    shown.push(line("peak", &c.peak_pa, per_pa, colour(0), style));
                    shown.push(line(
                        "pain threshold, median",
                        &c.pain_pa,
                        per_pa,
                        Color32::from_rgb(160, 120, 0),
                        LineStyle::dashed_loose(),
                    ));
                    shown.push(line(
                        "cap",
                        &c.cap_pa,
                        per_pa,
                        Color32::from_rgb(190, 30, 30),
                        LineStyle::dashed_dense(),
                    ));
                }
                shown
            });
            plot.show(ui, "motor current, A", play, || {
                lines(all, |c| &c.current_a, Run::motor_name)
            });
            plot.show(ui, "station", play, || {
                let each = all.iter().zip(styles());
                let station =
                    each.map(|(c, style)| line("station", &c.station, 1.0, colour(0), style));
                station.collect()
            });
            ui.vertical(|ui| warnings(ui, booths, play));
        });
    }
}

impl Plotter {
    /// Which part of the run is chosen, and its numbers as a file.
    fn selection(&mut self, ui: &mut Ui, booths: &Booths, play: &mut Play, duration_s: f64) {
        let [first_s, last_s] = play.chosen_s(duration_s);
        ui.label(format!("chosen: {first_s:.2} to {last_s:.2} s"));
        if ui.button("From here").on_hover_text("key [").clicked() {
            play.choose(true, duration_s);
        }
        if ui.button("To here").on_hover_text("key ]").clicked() {
            play.choose(false, duration_s);
        }
        let chosen = play.span_s.is_some();
        if ui.add_enabled(chosen, Button::new("All")).clicked() {
            play.span_s = None;
        }
        ui.separator();
        let hint = booths.0.first().map(|booth| {
            let file = booth.tuning.path().with_extension("film.csv");
            file.display().to_string()
        });
        let hint = hint.unwrap_or_default();
        if ui
            .button("Save CSV")
            .on_hover_text("what is plotted, over the chosen time, as numbers in SI units")
            .clicked()
        {
            let name = match self.save_as.trim() {
                "" => hint.as_str(),
                name => name,
            };
            self.told = Some(match save(booths, [first_s, last_s], Path::new(name)) {
                Ok(told) => told,
                Err(error) => format!("{error:#}"),
            });
        }
        let name = TextEdit::singleline(&mut self.save_as).hint_text(hint);
        ui.add(name.desired_width(240.0));
        if booths.0.len() > 1 {
            ui.small("dashed: the right one");
        }
        if let Some(told) = &self.told {
            ui.small(told);
        }
    }
}

/// Writes the span of each run that is shown; what was written, in words.
fn save(booths: &Booths, span_s: [f64; 2], path: &Path) -> anyhow::Result<String> {
    let mut told = Vec::new();
    let files = [path.to_path_buf(), ledger::beside(path)];
    for (booth, file) in booths.0.iter().zip(files) {
        if let Some(run) = &booth.run {
            let rows = ledger::save(run, span_s, &file)?;
            told.push(format!("{rows} rows in {}", file.display()));
        }
    }
    Ok(told.join(", "))
}

/// Size of a plot, and the time that all share.
struct Sheet {
    width: f32,
    height: f32,
    duration_s: f64,
}

impl Sheet {
    /// One plot; a click or a drag in it goes to that time.
    fn show<'a>(
        &self,
        ui: &mut Ui,
        title: &str,
        play: &mut Play,
        lines: impl FnOnce() -> Vec<Line<'a>>,
    ) {
        ui.vertical(|ui| {
            ui.small(title);
            let Play { t_s, span_s, .. } = *play;
            let answer = Plot::new(title)
                .width(self.width)
                .height(self.height)
                .allow_drag(false)
                .allow_scroll(false)
                .allow_boxed_zoom(false)
                .include_x(0.0)
                .include_x(self.duration_s)
                .include_y(0.0)
                .legend(legend())
                .show(ui, |plot| {
                    for line in lines() {
                        plot.line(line);
                    }
                    plot.vline(VLine::new("", t_s).color(Color32::from_gray(90)));
                    for end_s in span_s.into_iter().flatten() {
                        let line = VLine::new("", end_s).color(Color32::from_gray(150));
                        plot.vline(line.style(LineStyle::dashed_dense()));
                    }
                    plot.pointer_coordinate().map(|at| at.x)
                });
            let held = answer.response.clicked() || answer.response.dragged();
            if let Some(at_s) = answer.inner.filter(|_| held) {
                play.scrub(at_s.max(0.0));
            }
        });
    }
}

/// Small, and the curves shine through.
fn legend() -> Legend {
    Legend::default()
        .text_style(TextStyle::Small)
        .background_alpha(0.5)
}

/// Of two runs side by side, the right one's curves are dashed.
fn styles() -> [LineStyle; 2] {
    [LineStyle::Solid, LineStyle::Dashed { length: 5.0 }]
}

fn colour(index: usize) -> Color32 {
    let [r, g, b] = NODE_COLOURS[index % NODE_COLOURS.len()];
    Color32::from_rgb(r, g, b)
}

fn drawable(curve: &[[f64; 2]], scale: f64) -> PlotPoints<'static> {
    let finite: Vec<[f64; 2]> = curve
        .iter()
        .map(|[t, y]| [*t, scale * y])
        .filter(|[_, y]| y.is_finite())
        .collect();
    thinned(&finite, POINTS_MAX).into()
}

fn lines<'a>(
    all: &'a [Curves],
    of: impl Fn(&'a Curves) -> &'a Vec<Vec<[f64; 2]>>,
    name: impl Fn(&Run, usize) -> String,
) -> Vec<Line<'a>> {
    let mut shown = Vec::new();
    for (curves, style) in all.iter().zip(styles()) {
        for (index, curve) in of(curves).iter().enumerate() {
            let name = curves.run.as_deref().map(|run| name(run, index));
            let name = name.unwrap_or_default();
            shown.push(line(&name, curve, 1.0, colour(index), style));
        }
    }
    shown
}

/// A curve of few enough points, those that are no number left out (the panels' painter cannot take them): of many the highest and the lowest of each stretch, so that peaks stay.
fn line<'a>(
    name: &str,
    curve: &[[f64; 2]],
    scale: f64,
    colour: Color32,
    style: LineStyle,
) -> Line<'a> {
    Line::new(name, drawable(curve, scale))
        .color(colour)
        .style(style)
        .width(1.4)
}

fn thinned(curve: &[[f64; 2]], most: usize) -> Vec<[f64; 2]> {
    if curve.len() <= most {
        return curve.to_vec();
    }
    let stretch = curve.len().div_ceil(most / 2);
    let by_value = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
    let mut out = Vec::new();
    for part in curve.chunks(stretch) {
        let mut ends: Vec<[f64; 2]> = part
            .iter()
            .min_by(by_value)
            .into_iter()
            .chain(part.iter().max_by(by_value))
            .copied()
            .collect();
        ends.sort_by(|a, b| a[0].total_cmp(&b[0]));
        out.extend(ends);
    }
    out
}

/// Limits passed, faults and remarks; a click goes to the moment.
fn warnings(ui: &mut Ui, booths: &Booths, play: &mut Play) {
    ui.small("limits passed");
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (booth, side) in booths.0.iter().zip(SIDES) {
            let Some(run) = &booth.run else {
                continue;
            };
            if booths.0.len() > 1 {
                ui.strong(side);
            }
            let (violations, end) = run.film(|film| (film.violations.clone(), film.end.clone()));
            if let Some(End::Fault(what)) = end {
                ui.label(RichText::new(what).color(Color32::from_rgb(190, 30, 30)));
            }
            if violations.is_empty() {
                ui.small("none so far");
            }
            for violation in violations {
                if ui
                    .link(passed(&violation, &run.node_name(violation.node)))
                    .clicked()
                {
                    play.scrub(violation.t_s);
                }
            }
            for warning in &run.warnings {
                ui.small(warning);
            }
        }
    });
}

/// `12.3 s  left upper node: force 62 N over 60 N in LP`.
pub fn passed(v: &Violation, node: &str) -> String {
    let (name, unit, per_si) = match v.limit {
        Limit::Force => ("force", "N", 1.0),
        Limit::Pressure => ("pressure", "kPa", 1e-3),
        Limit::KeepOut => ("pressure in a keep-out", "kPa", 1e-3),
        Limit::Rate => ("rise of force", "N/s", 1.0),
        Limit::Dwell => ("dwell", "s", 1.0),
        Limit::Shear => ("shear over normal force", "", 1.0),
        Limit::Push => ("push", "mm", 1e3),
        Limit::Dose => ("dose", "kPa s", 1e-3),
        Limit::Session => ("session", "s", 1.0),
    };
    let value = |x: f64| super::legend::number(x * per_si);
    format!(
        "{:.1} s  {node}: {name} {} over {} {unit} in {}",
        v.t_s,
        value(v.value),
        value(v.allowed),
        v.zone.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_egui::egui::{self, Rect};

    #[test]
    fn thin_curves_keep_their_peaks() {
        let mut curve: Vec<[f64; 2]> = (0..10_000).map(|i| [f64::from(i), 0.0]).collect();
        curve[7777][1] = 5.0;
        curve[1234][1] = -3.0;
        let thin = thinned(&curve, 1000);
        assert!(
            thin.len() <= 1000 && thin.contains(&[7777.0, 5.0]) && thin.contains(&[1234.0, -3.0])
        );
        assert!(thin.windows(2).all(|w| w[0][0] <= w[1][0]));
    }

    /// A rig has no station while nothing presses, and a limit may have no end: neither reaches the painter, which would stop the program.
    #[test]
    fn what_is_no_number_is_not_drawn() {
        let curve = [
            [0.0, f64::NAN],
            [1.0, 2.0],
            [2.0, f64::INFINITY],
            [3.0, 4.0],
        ];
        let drawn = drawable(&curve, 1e-3);
        let points: Vec<[f64; 2]> = drawn.points().iter().map(|p| [p.x, p.y]).collect();
        assert_eq!(points, [[1.0, 2e-3], [3.0, 4e-3]]);
        assert!(drawable(&[[0.0, f64::NAN]], 1.0).points().is_empty());
    }

    #[test]
    fn a_limit_is_told_with_value_cap_and_place() {
        let v = Violation {
            limit: Limit::Pressure,
            node: 2,
            zone: back::Zone::LP,
            t_s: 12.34,
            value: 212e3,
            allowed: 180e3,
        };
        assert_eq!(
            passed(&v, "right upper"),
            "12.3 s  right upper: pressure 212 over 180 kPa in LP"
        );
    }

    /// The panel can be drawn with nothing to show.
    #[test]
    fn an_empty_stage_has_empty_plots() {
        let context = egui::Context::default();
        let input = egui::RawInput {
            screen_rect: Some(Rect::from_min_size(
                egui::Pos2::ZERO,
                egui::vec2(900.0, 300.0),
            )),
            ..egui::RawInput::default()
        };
        let mut plotter = Plotter::default();
        let mut play = Play::default();
        let mut drawn = context.run_ui(input, |ui| {
            plotter.show(ui, &Booths::default(), &mut play, &Show::default());
        });
        drawn.textures_delta.clear();
        assert_eq!(play, Play::default());
    }
}
