//! Keys and their sheet.

use bevy::prelude::*;
use bevy_egui::egui;
use bevy_egui::input::EguiWantsInput;

use crate::booth::{Booth, Booths};
use crate::colour::Quantity;
use crate::easel::Easel;
use crate::orbit::{Orbit, Sight, View};
use crate::panels::Panels;
use crate::show::{Play, Show};
use crate::tuning::Tuning;

/// Keys that are not views: what is pressed, what it does.
const KEYS: [(&str, &str); 18] = [
    ("Space", "play, pause"),
    ("Left, Right", "one step back, on"),
    ("Home, End", "to the start, to the end of what is simulated"),
    ("- and +", "slower, faster: 0.1 to 20 x"),
    ("L", "loop"),
    ("[ and ]", "what is chosen begins here, ends here"),
    ("C", "next quantity on the skin"),
    ("U", "next unit of pressure"),
    ("F", "force arrows"),
    ("M", "the machine"),
    ("B", "bones"),
    ("Z", "zones and keep-outs"),
    ("A", "acupoints"),
    ("T, P", "sliders, plots"),
    ("Ctrl+Z, Ctrl+Y", "undo, redo a change"),
    ("S", "save the picture beside the scene"),
    ("F5", "read the file again"),
    ("H, F1", "this sheet"),
];

/// Does what a pressed key stands for, unless somebody types.
#[allow(
    clippy::too_many_arguments,
    reason = "an engine's system takes what it needs as arguments"
)]
pub fn press(
    keys: Res<ButtonInput<KeyCode>>,
    typing: Res<EguiWantsInput>,
    sight: Res<Sight>,
    mut panels: ResMut<Panels>,
    mut booths: ResMut<Booths>,
    mut play: ResMut<Play>,
    mut show: ResMut<Show>,
    mut orbit: Single<&mut Orbit>,
    mut easel: ResMut<Easel>,
) {
    if typing.wants_any_keyboard_input() {
        return;
    }
    // Where a frame takes long, a key is down and up again within it.
    let controls = [KeyCode::ControlLeft, KeyCode::ControlRight];
    let control = keys.any_pressed(controls)
        || keys.any_just_pressed(controls)
        || keys.any_just_released(controls);
    for key in keys.get_just_pressed() {
        match key {
            KeyCode::KeyZ if control => change(&mut booths, &panels, Tuning::undo),
            KeyCode::KeyY if control => change(&mut booths, &panels, Tuning::redo),
            _ if control => {}
            KeyCode::Space => play.playing = !play.playing,
            KeyCode::ArrowLeft => play.step(-1.0),
            KeyCode::ArrowRight => play.step(1.0),
            KeyCode::Home => play.t_s = 0.0,
            KeyCode::End => play.scrub(f64::MAX),
            KeyCode::Minus | KeyCode::NumpadSubtract => play.change_speed(false),
            KeyCode::Equal | KeyCode::NumpadAdd => play.change_speed(true),
            KeyCode::BracketLeft => play.choose(true, booths.spans_s()[1]),
            KeyCode::BracketRight => play.choose(false, booths.spans_s()[1]),
            KeyCode::KeyL => play.looping = !play.looping,
            KeyCode::KeyC => show.quantity = next(&Quantity::ALL, show.quantity),
            KeyCode::KeyU => show.unit = next(&crate::colour::PressureUnit::ALL, show.unit),
            KeyCode::KeyF => show.layers.forces = !show.layers.forces,
            KeyCode::KeyM => show.layers.machine = !show.layers.machine,
            KeyCode::KeyB => show.layers.bones = !show.layers.bones,
            KeyCode::KeyA => show.layers.points = !show.layers.points,
            KeyCode::KeyZ => {
                show.marks.zones = !show.marks.zones;
                show.marks.keep_outs = show.marks.zones;
            }
            KeyCode::KeyT => panels.tune = !panels.tune,
            KeyCode::KeyP => panels.plots = !panels.plots,
            KeyCode::KeyS => easel.save(&booths, &mut play),
            KeyCode::F5 => booths.0.iter_mut().for_each(Booth::order),
            KeyCode::KeyH | KeyCode::F1 => panels.help = !panels.help,
            _ => {
                if let Some((view, ..)) = View::ALL.into_iter().find(|(_, _, k, _)| k == key) {
                    take(view, &mut orbit, &sight, &mut show);
                }
            }
        }
    }
}

/// Goes to a view.
pub fn take(view: View, orbit: &mut Orbit, sight: &Sight, show: &mut Show) {
    orbit.take(view, sight);
    show.section = view == View::Section;
}

/// Changes what the sliders change.
fn change(booths: &mut Booths, panels: &Panels, how: impl Fn(&mut Tuning) -> bool) {
    let chosen = panels.tuner.chosen(booths.0.len());
    if let Some(booth) = booths.0.get_mut(chosen)
        && how(&mut booth.tuning)
    {
        booth.order();
    }
}

/// The one after, and after the last the first.
pub fn next<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or(0);
    all[(at + 1) % all.len()]
}

/// The sheet.
pub fn sheet(context: &egui::Context, open: &mut bool) {
    egui::Window::new("Keys")
        .open(open)
        .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
        .resizable(false)
        .collapsible(false)
        .show(context, |ui| {
            egui::Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
                for (number, (_, name, _, what)) in View::ALL.iter().enumerate() {
                    ui.strong((number + 1).to_string());
                    ui.label(format!("view {name}: {what}"));
                    ui.end_row();
                }
                for (key, what) in KEYS {
                    ui.strong(key);
                    ui.label(what);
                    ui.end_row();
                }
                ui.strong("Mouse");
                ui.label("left turns, right shifts, wheel comes nearer; drop a scene on the window to open it");
                ui.end_row();
            });
        });
}
