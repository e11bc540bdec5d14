//! Play, scrub, look: the bar at the bottom.

use bevy_egui::egui::containers::menu::{MenuButton, MenuConfig};
use bevy_egui::egui::{self, ComboBox, PopupCloseBehavior, Slider, SliderClamping, Ui};

use crate::booth::Booths;
use crate::colour::{PressureUnit, Quantity};
use crate::easel::Easel;
use crate::orbit::{Orbit, Sight, View};
use crate::panels::keys;
use crate::show::{Play, SPEEDS, Show};

#[allow(
    clippy::too_many_arguments,
    reason = "the bar is where all of it is changed"
)]
/// Shows the bar. `panels` are the switches of the panels for sliders, plots and keys.
pub fn show(
    ui: &mut Ui,
    booths: &mut Booths,
    play: &mut Play,
    show: &mut Show,
    orbit: &mut Orbit,
    sight: &Sight,
    panels: [&mut bool; 3],
    easel: &mut Easel,
) {
    let [recorded_s, duration_s] = booths.spans_s();
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let word = if play.playing { "Pause" } else { "Play" };
        if ui
            .add_sized([54.0, 22.0], egui::Button::new(word))
            .clicked()
        {
            play.playing = !play.playing;
        }
        if ui.button("<").on_hover_text("one step back").clicked() {
            play.step(-1.0);
        }
        if ui.button(">").on_hover_text("one step on").clicked() {
            play.step(1.0);
        }
        let mut t_s = play.t_s;
        ui.spacing_mut().slider_width = (ui.available_width() - 520.0).max(120.0);
        // A slider that rounds what it shows would count as moved, and stop the playing.
        let scrubber = Slider::new(&mut t_s, 0.0..=duration_s.max(1e-3))
            .clamping(SliderClamping::Edits)
            .fixed_decimals(2)
            .suffix(" s");
        if ui.add(scrubber).changed() {
            play.scrub(t_s.min(recorded_s));
        }
        ui.label(format!("of {duration_s:.1} s"));
        ui.spacing_mut().slider_width = 90.0;
        let speed = Slider::new(&mut play.speed, SPEEDS[0]..=SPEEDS[1])
            .clamping(SliderClamping::Edits)
            .logarithmic(true)
            .suffix(" x");
        ui.add(speed.max_decimals(1))
            .on_hover_text("seconds of the run per second");
        ui.toggle_value(&mut play.looping, "Loop");
        let coming = booths.0.iter().filter_map(|b| b.coming()).next();
        match coming {
            Some(at_s) => drop(ui.label(format!("simulating anew: {at_s:.1} s"))),
            None if recorded_s < duration_s - 1e-6 => {
                drop(ui.label(format!("simulated to {recorded_s:.1} s")))
            }
            None => {}
        }
    });
    ui.horizontal_wrapped(|ui| {
        let [tune, plots, help] = panels;
        ui.toggle_value(tune, "Sliders");
        ui.toggle_value(plots, "Plots");
        ui.separator();
        for (view, name, ..) in View::ALL {
            if ui.button(name).clicked() {
                keys::take(view, orbit, sight, show);
            }
        }
        ui.separator();
        ComboBox::from_id_salt("quantity")
            .selected_text(show.quantity.title())
            .show_ui(ui, |ui| {
                for quantity in Quantity::ALL {
                    if ui
                        .selectable_value(&mut show.quantity, quantity, quantity.title())
                        .clicked()
                    {
                        show.top = None;
                    }
                }
            });
        ComboBox::from_id_salt("unit")
            .width(64.0)
            .selected_text(show.unit.per_pa().0)
            .show_ui(ui, |ui| {
                for unit in PressureUnit::ALL {
                    ui.selectable_value(&mut show.unit, unit, unit.per_pa().0);
                }
            });
        scale(ui, booths, show);
        let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        MenuButton::new("Layers").config(stays).ui(ui, |ui| {
            for (name, layer) in show.layers.each() {
                ui.checkbox(layer, name);
            }
            ui.checkbox(&mut show.marks.zones, "zones");
            ui.checkbox(&mut show.marks.keep_outs, "keep-outs");
            ui.separator();
            ui.checkbox(&mut show.reduced, "no shadows");
        });
        ui.toggle_value(help, "Keys");
        if ui
            .button("Save picture")
            .on_hover_text("as a PNG beside the scene; key S")
            .clicked()
        {
            easel.save(booths, play);
        }
        if let Some(told) = &easel.told {
            ui.small(told);
        }
    });
    ui.add_space(2.0);
}

/// End of the colour scale: the film's largest, or one that stays.
fn scale(ui: &mut Ui, booths: &Booths, show: &mut Show) {
    let (unit, per_si) = show.quantity.unit(show.unit);
    let mut fixed = show.top.is_some();
    let top = booths.top(show);
    if ui
        .checkbox(&mut fixed, "scale to")
        .on_hover_text("else to the largest value so far, rounded up")
        .changed()
    {
        show.top = fixed.then_some(top);
    }
    if let Some(chosen) = &mut show.top {
        let mut value = *chosen * per_si;
        let range = 1e-3 * top * per_si..=1e3 * top * per_si;
        let drag = egui::DragValue::new(&mut value)
            .range(range)
            .speed(0.01 * top * per_si)
            .suffix(format!(" {unit}"));
        if ui.add(drag).changed() {
            *chosen = value / per_si;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy::asset::Assets;

    /// Whoever touches nothing changes nothing: a time with more digits than the scrubber shows is not rounded, and the run plays on.
    #[test]
    fn a_bar_that_is_only_looked_at_lets_the_run_play_on() {
        let context = egui::Context::default();
        let mut play = Play {
            t_s: 0.123_456_789,
            speed: 0.123,
            ..Play::default()
        };
        let (before, mut show) = (play.clone(), Show::default());
        let sight = Sight::default();
        let mut orbit = Orbit::new(View::Back, &sight);
        let (mut easel, _) = Easel::new(&mut Assets::default());
        for _ in 0..3 {
            let mut drawn = context.run_ui(egui::RawInput::default(), |ui| {
                let panels = [&mut true, &mut true, &mut false];
                let booths = &mut Booths::default();
                let (play, show) = (&mut play, &mut show);
                super::show(
                    ui, booths, play, show, &mut orbit, &sight, panels, &mut easel,
                );
            });
            drawn.textures_delta.clear();
        }
        assert_eq!(play, before);
        assert_eq!(show, Show::default());
    }
}
