//! A slider for every parameter: found by name, changed by hand, simulated at once.

use std::path::PathBuf;

use back::{Level, Sex, Survey, policies};
use bevy_egui::egui::{
    self, CollapsingHeader, Color32, ComboBox, PopupCloseBehavior, RichText, ScrollArea, Slider,
    SliderClamping, TextEdit, Ui,
};
use program::Technique;
use scene::Param;
use serde_json::Value as Json;

use crate::booth::{Booth, Booths, SIDES};
use crate::tuning::{Tuning, text};

/// What is typed into the panel.
#[derive(Default)]
pub struct Tuner {
    search: String,
    save_as: String,
    told: Option<String>,
    booth: usize,
}

/// A wish of the panel: a path and its value, and whether it goes on with the last one (a slider that is dragged).
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The parameter.
    pub path: String,
    /// Its value as `--set` takes it.
    pub value: String,
    /// One more step of a drag.
    pub goes_on: bool,
}

impl Tuner {
    /// Which of so many is changed.
    pub fn chosen(&self, count: usize) -> usize {
        self.booth.min(count.saturating_sub(1))
    }

    /// Shows the panel and does what was asked for.
    pub fn show(&mut self, ui: &mut Ui, booths: &mut Booths) {
        let count = booths.0.len();
        if count > 1 {
            ui.horizontal(|ui| {
                for (index, name) in SIDES.into_iter().enumerate().take(count) {
                    ui.selectable_value(&mut self.booth, index, name);
                }
                if ui
                    .button("Alone")
                    .on_hover_text("take the other one away")
                    .clicked()
                {
                    booths.keep_only(std::mem::take(&mut self.booth));
                }
            });
        }
        let Some(booth) = booths.0.get_mut(self.chosen(count)) else {
            return;
        };
        if self.file(ui, booth, count == 1) {
            // What is changed from now on is the after.
            booths.compare();
            self.booth = 1;
            return;
        }
        ui.separator();
        let mut changes = Vec::new();
        let mut reset = None;
        people(ui, &booth.tuning, &mut changes);
        ui.horizontal(|ui| {
            ui.label("find");
            ui.add(
                TextEdit::singleline(&mut self.search)
                    .hint_text("part of a name or meaning")
                    .desired_width(f32::INFINITY),
            );
        });
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let open = ["depth", "timing", "chair", "rig.params", "placement"];
            for (group, params) in groups(booth.tuning.params(), &self.search) {
                CollapsingHeader::new(group)
                    .default_open(!self.search.is_empty() || open.contains(&group))
                    .open(if self.search.is_empty() {
                        None
                    } else {
                        Some(true)
                    })
                    .show(ui, |ui| {
                        for param in params {
                            let changed = booth.tuning.is_changed(&param.path);
                            row(ui, param, group, changed, &mut changes, &mut reset);
                        }
                    });
            }
        });
        if let Some(path) = reset {
            booth.tuning.reset(&path);
            booth.order();
        }
        if !changes.is_empty() {
            for change in changes {
                booth
                    .tuning
                    .set(&change.path, &change.value, change.goes_on);
            }
            booth.order();
        }
    }

    /// File, undo, save; whether a copy is wanted beside it, where it stands `alone`.
    fn file(&mut self, ui: &mut Ui, booth: &mut Booth, alone: bool) -> bool {
        let mut compare = false;
        ui.add_space(4.0);
        ui.strong(booth.tuning.path().display().to_string());
        ui.horizontal(|ui| {
            let changed = booth.tuning.sets().len();
            let mut button = |word: &str, can: bool| {
                let button = ui.add_enabled(can, egui::Button::new(word));
                button.clicked()
            };
            let undo = button("Undo", booth.tuning.can_undo()) && booth.tuning.undo();
            let redo = button("Redo", booth.tuning.can_redo()) && booth.tuning.redo();
            if undo || redo {
                booth.order();
            }
            ui.label(match changed {
                0 => "as the file has it".to_string(),
                1 => "1 value changed".to_string(),
                n => format!("{n} values changed"),
            });
            if alone {
                let button = ui.button("Compare");
                compare = button
                    .on_hover_text("a copy beside it, to see before and after")
                    .clicked();
            }
        });
        ui.horizontal(|ui| {
            let hint = booth
                .tuning
                .path()
                .with_extension("tuned.toml")
                .display()
                .to_string();
            if ui.button("Save as").clicked() {
                let path = if self.save_as.trim().is_empty() {
                    hint.clone()
                } else {
                    self.save_as.trim().to_string()
                };
                self.told = Some(match booth.tuning.save_as(&PathBuf::from(path)) {
                    Ok(files) => {
                        let names: Vec<String> =
                            files.iter().map(|f| f.display().to_string()).collect();
                        format!("saved {}", names.join(" and "))
                    }
                    Err(error) => format!("{error:#}"),
                });
            }
            ui.add(
                TextEdit::singleline(&mut self.save_as)
                    .hint_text(hint)
                    .desired_width(f32::INFINITY),
            );
        });
        if let Some(told) = &self.told {
            ui.small(told);
        }
        compare
    }
}

/// Parameters in groups, in their order, as far as name or meaning has what is looked for. A chair in which nobody sits is left out.
pub fn groups<'a>(params: &'a [Param], search: &str) -> Vec<(&'a str, Vec<&'a Param>)> {
    let search = search.to_lowercase();
    let mut groups: Vec<(&str, Vec<&Param>)> = Vec::new();
    let idle = has_idle_chair(params);
    for param in params {
        if idle && param.path.starts_with("chair.") {
            continue;
        }
        let found = search.split_whitespace().all(|word| {
            param.path.to_lowercase().contains(word) || param.meaning.to_lowercase().contains(word)
        });
        if !found {
            continue;
        }
        let group = group_of(&param.path);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, params)) => params.push(param),
            None => groups.push((group, vec![param])),
        }
    }
    groups
}

/// What has so many parameters that it has groups of its own.
const DEEP: [&str; 3] = ["mechanism", "rig", "session"];

/// Whether the chair plays no part in the run: of who does not give way, under a machine that is held and stands on the skin.
fn has_idle_chair(params: &[Param]) -> bool {
    let is = |path: &str, word: &str| {
        let found = params.iter().find(|param| param.path == path);
        found.is_some_and(|param| param.value.as_str() == Some(word))
    };
    is("placement.on", "skin") && is("placement.user", "still") && is("rig.mounting.kind", "held")
}

/// `mechanism.knead.tilt_deg` is in `mechanism.knead`, `chair.recline_deg` in `chair`.
fn group_of(path: &str) -> &str {
    let mut dots = path.match_indices('.').map(|(at, _)| at);
    match (dots.next(), dots.next()) {
        (Some(first), Some(second)) if DEEP.contains(&&path[..first]) => &path[..second],
        (Some(first), _) => &path[..first],
        _ => "scene",
    }
}

fn row(
    ui: &mut Ui,
    param: &Param,
    group: &str,
    changed: bool,
    changes: &mut Vec<Change>,
    reset: &mut Option<String>,
) {
    let name = param
        .path
        .strip_prefix(group)
        .unwrap_or(&param.path)
        .trim_start_matches('.');
    let name = if name.is_empty() {
        param.path.as_str()
    } else {
        name
    };
    let mut change = |value: String, goes_on: bool| {
        changes.push(Change {
            path: param.path.clone(),
            value,
            goes_on,
        });
    };
    let range = match (param.min, param.max) {
        (Some(min), Some(max)) => format!("\n{} to {} {}", min, max, param.unit),
        _ => String::new(),
    };
    let meaning = format!("{}\n{}{range}", param.path, param.meaning);
    let label = if changed {
        RichText::new(name)
            .strong()
            .color(Color32::from_rgb(180, 70, 0))
    } else {
        RichText::new(name)
    };
    ui.horizontal(|ui| {
        let title = ui.label(label).on_hover_text(&meaning);
        if changed
            && ui
                .small_button("x")
                .on_hover_text("as the file has it")
                .clicked()
        {
            *reset = Some(param.path.clone());
        }
        let _ = title;
    });
    ui.visuals_mut().indent_has_left_vline = false;
    ui.indent(&param.path, |ui| {
        ui.spacing_mut().slider_width = (ui.available_width() - 110.0).max(80.0);
        match (&param.value, param.min, param.max) {
            (Json::Number(number), Some(min), Some(max)) => {
                let old = number.as_f64().unwrap_or(min);
                let mut value = old;
                // What is only shown is not rounded either.
                let mut slider = Slider::new(&mut value, min..=max)
                    .clamping(SliderClamping::Edits)
                    .suffix(suffix(&param.unit))
                    .max_decimals(4);
                if number.is_i64() {
                    slider = slider.step_by(1.0);
                } else if min > 0.0 && max / min > 500.0 {
                    slider = slider.logarithmic(true);
                }
                let response = ui.add(slider);
                if response.changed() && value != old {
                    change(
                        shortest(value, number.is_i64()),
                        response.dragged() && !response.drag_started(),
                    );
                }
            }
            (Json::Bool(old), ..) => {
                let mut value = *old;
                if ui.checkbox(&mut value, "").changed() {
                    change(value.to_string(), false);
                }
            }
            (Json::String(old), ..) => match choices(&param.path) {
                Some(words) => {
                    ComboBox::from_id_salt(&param.path)
                        .selected_text(old)
                        .show_ui(ui, |ui| {
                            for word in words {
                                if ui.selectable_label(word == old, word).clicked() && word != old {
                                    change(word.to_string(), false);
                                }
                            }
                        });
                }
                None => {
                    let mut value = old.clone();
                    let response = ui.add(TextEdit::singleline(&mut value).id_salt(&param.path));
                    if response.changed() {
                        change(value, true);
                    }
                }
            },
            (value, ..) => drop(ui.monospace(text(value))),
        }
    });
}

fn suffix(unit: &str) -> String {
    if unit.is_empty() {
        String::new()
    } else {
        format!(" {unit}")
    }
}

/// Four significant digits are more than a hand can place.
pub fn shortest(value: f64, whole: bool) -> String {
    if whole {
        return format!("{}", value.round() as i64);
    }
    let digits = (3 - value.abs().max(1e-9).log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    };
    // A whole number is a number of its own kind in a file.
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// Words that a parameter may have, where they are few.
fn choices(path: &str) -> Option<Vec<&'static str>> {
    match path.rsplit('.').next()? {
        "sex" => Some(Sex::ALL.map(Sex::name).to_vec()),
        "technique" => Some(Technique::ALL.map(Technique::name).to_vec()),
        "muscle" => Some(vec!["toned", "relaxed", "guarding", "contracted"]),
        "wheel" => Some(vec!["free", "fixed"]),
        "kind" if path.starts_with("surface") => Some(vec!["back", "slab"]),
        _ => None,
    }
}

/// Who sits there and how hard it presses, in one place.
fn people(ui: &mut Ui, tuning: &Tuning, changes: &mut Vec<Change>) {
    let value = |path: &str| {
        tuning
            .params()
            .iter()
            .find(|p| p.path == path)
            .map(|p| p.value.clone())
    };
    let Some(Json::String(sex)) = value("body.sex") else {
        return;
    };
    let mut change = |path: &str, value: String| {
        changes.push(Change {
            path: path.into(),
            value,
            goes_on: false,
        });
    };
    ui.horizontal(|ui| {
        ui.label("body");
        for each in Sex::ALL {
            if ui
                .selectable_label(sex == each.name(), each.name())
                .clicked()
            {
                change("body.sex", each.name().into());
            }
        }
        ui.separator();
        let of = Sex::ALL
            .into_iter()
            .find(|s| s.name() == sex)
            .unwrap_or(Sex::Female);
        let survey = Survey::builtin().marginal(of, "stature");
        for (name, stature_mm) in [
            ("5 %", survey.p05),
            ("50 %", survey.p50),
            ("95 %", survey.p95),
        ] {
            let said = format!("stature of the {name} of the survey: {stature_mm:.0} mm");
            if ui.small_button(name).on_hover_text(said).clicked() {
                change("body.stature_mm", format!("{stature_mm:.1}"));
            }
        }
    });
    ui.horizontal(|ui| {
        ui.label("BMI");
        let now = value("body.bmi_kg_m2").and_then(|v| v.as_f64());
        // Bounds of the classes of the World Health Organization (2000), in their middles: normal, over, obese I and II.
        for bmi in [18.5, 21.7, 27.5, 32.5, 37.5] {
            let is = now.is_some_and(|now| (now - bmi).abs() < 0.05);
            if ui.selectable_label(is, format!("{bmi}")).clicked() && !is {
                change("body.bmi_kg_m2", shortest(bmi, false));
            }
        }
        ui.small("kg/m2");
    });
    ui.horizontal(|ui| {
        ui.label("condition");
        let has: Vec<String> = match value("body.conditions") {
            Some(Json::Array(list)) => list
                .iter()
                .filter_map(|v| v.as_str().map(String::from))
                .collect(),
            _ => Vec::new(),
        };
        let said = if has.is_empty() {
            "none".to_string()
        } else {
            has.join(", ")
        };
        ComboBox::from_id_salt("conditions")
            .selected_text(said)
            .width(150.0)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show_ui(ui, |ui| {
                for policy in policies() {
                    let mut on = has.contains(&policy.id);
                    if ui
                        .checkbox(&mut on, &policy.id)
                        .on_hover_text(&policy.note)
                        .changed()
                    {
                        let mut now: Vec<&String> =
                            has.iter().filter(|id| **id != policy.id).collect();
                        if on {
                            now.push(&policy.id);
                        }
                        change("body.conditions", format!("{now:?}"));
                    }
                }
            });
    });
    let steps: Vec<&Param> = tuning
        .params()
        .iter()
        .filter(|p| p.path.starts_with("session.step."))
        .collect();
    let levels: Vec<&&Param> = steps
        .iter()
        .filter(|p| p.path.ends_with(".level"))
        .collect();
    // A rig has no steps: its drives are told by `command`.
    if levels.is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        ui.label("level");
        for level in 1..=5 {
            let all = levels.iter().all(|p| p.value.as_i64() == Some(level));
            if ui
                .selectable_label(all, level.to_string())
                .on_hover_text("of every step")
                .clicked()
                && !all
            {
                for param in &levels {
                    change(&param.path, level.to_string());
                }
            }
        }
        ui.separator();
        ui.menu_button("programme", |ui| {
            for technique in steps.iter().filter(|p| p.path.ends_with(".technique")) {
                let at = technique.path.trim_end_matches(".technique");
                let end = |name: &str| {
                    let path = format!("{at}.{name}");
                    steps
                        .iter()
                        .find(|p| p.path == path)
                        .and_then(|p| p.value.as_f64())
                };
                let place = |u: Option<f64>| u.map_or(String::new(), level_near);
                ui.horizontal(|ui| {
                    ui.label(format!(
                        "{}  {} to {}",
                        at.trim_start_matches("session."),
                        place(end("from_u")),
                        place(end("to_u"))
                    ));
                    for word in Technique::ALL.map(Technique::name) {
                        if ui
                            .selectable_label(technique.value.as_str() == Some(word), word)
                            .clicked()
                        {
                            change(&technique.path, word.into());
                        }
                    }
                });
            }
        });
    });
}

/// The vertebra nearest to a station.
fn level_near(u: f64) -> String {
    let away = |level: &Level| (level.station() - u).abs();
    let nearest = Level::ALL
        .into_iter()
        .min_by(|a, b| away(a).total_cmp(&away(b)));
    nearest.map_or(String::new(), |level| level.name().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn chair() -> Tuning {
        Tuning::new(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/chair.toml"),
            &[],
        )
    }

    /// Every parameter has its row, and what is looked for is found by name and by meaning.
    #[test]
    fn every_parameter_is_in_a_group() {
        let chair = chair();
        let all: usize = groups(chair.params(), "")
            .iter()
            .map(|(_, params)| params.len())
            .sum();
        assert_eq!(all, chair.params().len());
        let names: Vec<&str> = groups(chair.params(), "")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(
            names.contains(&"mechanism.knead")
                && names.contains(&"chair")
                && names.contains(&"session.step"),
            "{names:?}"
        );
        let found = groups(chair.params(), "recline");
        assert!(
            found
                .iter()
                .any(|(_, params)| params.iter().any(|p| p.path == "chair.recline_deg"))
        );
        assert!(groups(chair.params(), "no such thing").is_empty());
    }

    /// Who lies prone under a gun is in no chair; who leans on a pillow is. A rig's many parameters are in groups of their own.
    #[test]
    fn a_chair_in_which_nobody_sits_is_left_out() {
        let names = |scene: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
            let params = Tuning::new(&path.join(scene), &[]).params().to_vec();
            let names = groups(&params, "").into_iter();
            names.map(|(name, _)| name.to_string()).collect::<Vec<_>>()
        };
        let [gun, pillow] = ["gun.toml", "pillow.toml"].map(names);
        let has = |names: &[String], name: &str| names.iter().any(|n| n == name);
        assert!(!has(&gun, "chair") && has(&pillow, "chair"), "{gun:?}");
        assert!(has(&gun, "rig.params") && has(&gun, "rig.link"), "{gun:?}");
    }

    #[test]
    fn values_are_written_short() {
        assert_eq!(shortest(64.000_000_1, false), "64.0");
        assert_eq!(shortest(0.123_456_7, false), "0.1235");
        assert_eq!(shortest(-12.345_67, false), "-12.35");
        assert_eq!(shortest(3.2, true), "3");
        assert_eq!(shortest(0.0, false), "0.0");
    }

    /// The panel drawn without a window, with a hand on one of its sliders: the value changes, and undo takes it back.
    #[test]
    fn a_slider_changes_its_parameter() {
        let mut tuning = chair();
        let before = tuning.clone();
        let context = egui::Context::default();
        let mut changes: Vec<Change> = Vec::new();
        let draw = |events: Vec<egui::Event>, changes: &mut Vec<Change>| {
            let input = egui::RawInput {
                screen_rect: Some(egui::Rect::from_min_size(
                    egui::Pos2::ZERO,
                    egui::vec2(360.0, 200.0),
                )),
                events,
                ..egui::RawInput::default()
            };
            let param = before
                .params()
                .iter()
                .find(|p| p.path == "chair.recline_deg")
                .unwrap();
            let mut drawn = context.run_ui(input, |ui| {
                row(ui, param, "chair", false, changes, &mut None);
            });
            drawn.textures_delta.clear();
        };
        draw(Vec::new(), &mut changes);
        let button = |pos: egui::Pos2, pressed: bool| egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        };
        // Somewhere on the slider's rail, which lies under its name.
        for y in [24.0, 30.0, 36.0, 42.0] {
            let at = egui::pos2(60.0, y);
            draw(vec![egui::Event::PointerMoved(at)], &mut changes);
            draw(vec![button(at, true)], &mut changes);
            draw(vec![button(at, false)], &mut changes);
        }
        let change = changes.first().expect("the slider was moved");
        assert_eq!(change.path, "chair.recline_deg");
        let value: f64 = change.value.parse().unwrap();
        assert!((0.0..=85.0).contains(&value) && value != 45.0, "{value}");
        tuning.set(&change.path, &change.value, change.goes_on);
        let now = |t: &Tuning| {
            t.params()
                .iter()
                .find(|p| p.path == "chair.recline_deg")
                .unwrap()
                .value
                .as_f64()
        };
        assert_eq!(now(&tuning), Some(value));
        assert!(tuning.undo());
        assert_eq!(now(&tuning), Some(45.0));
    }
}
