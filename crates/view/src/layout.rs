//! What the window looked like last time: a small file among the user's settings. It has no say in pictures without a window,
//! which are the same whoever takes them.

use std::path::{Path, PathBuf};

use bevy::app::AppExit;
use bevy::prelude::*;
use bevy::window::PrimaryWindow;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::colour::{PressureUnit, Quantity};
use crate::paint::Marks;
use crate::panels::Panels;
use crate::show::{Layers, Play, SPEEDS, Show};

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// Width and height of the window, points.
    pub size: [u32; 2],
    /// Whether the sliders are open.
    pub sliders: bool,
    /// Whether the plots are open.
    pub plots: bool,
    /// What the skin's colours mean.
    pub quantity: Quantity,
    /// Unit of pressures.
    pub unit: PressureUnit,
    /// Seconds of the run per second.
    pub speed: f64,
    /// Whether it begins again at the end.
    pub looping: bool,
    /// What stands in the picture.
    pub layers: Layers,
    /// What is drawn on the skin.
    pub marks: Marks,
}

impl Default for Layout {
    fn default() -> Layout {
        let (show, play, panels) = (Show::default(), Play::default(), Panels::default());
        Layout::of([1280, 960], &show, &play, &panels)
    }
}

/// Sides of a window, points.
pub const SIDES: std::ops::RangeInclusive<u32> = 16..=4096;
/// Between two looks at whether something has changed, s.
const EVERY_S: f64 = 1.0;

impl Layout {
    /// As it is now.
    fn of(size: [u32; 2], show: &Show, play: &Play, panels: &Panels) -> Layout {
        Layout {
            size,
            sliders: panels.tune,
            plots: panels.plots,
            quantity: show.quantity,
            unit: show.unit,
            speed: play.speed,
            looping: play.looping,
            layers: show.layers,
            marks: show.marks,
        }
    }

    /// The file among the user's settings, where the system has a place for them.
    pub fn path() -> Option<PathBuf> {
        let base = etcetera::choose_base_strategy().ok()?;
        Some(base.config_dir().join("kneadlab").join("view.toml"))
    }

    /// What a file remembers; the default where there is none, or where it makes no sense. Nobody is asked to mend a file that the
    /// program wrote, and the next change writes it anew.
    pub fn read(path: &Path) -> Layout {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let layout: Option<Layout> = toml::from_str(&text).ok();
        layout.filter(Layout::makes_sense).unwrap_or_default()
    }

    fn makes_sense(&self) -> bool {
        let [slowest, fastest] = SPEEDS;
        self.size.iter().all(|side| SIDES.contains(side))
            && (slowest..=fastest).contains(&self.speed)
    }

    /// Writes it whole or not at all.
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let work = path.with_extension(format!("{}.part", std::process::id()));
        std::fs::write(&work, toml::to_string(self)?)?;
        Ok(std::fs::rename(&work, path)?)
    }

    /// What is shown.
    pub fn show(&self) -> Show {
        Show {
            quantity: self.quantity,
            unit: self.unit,
            layers: self.layers,
            marks: self.marks,
            ..Show::default()
        }
    }

    /// How it plays.
    pub fn play(&self) -> Play {
        Play {
            speed: self.speed,
            looping: self.looping,
            ..Play::default()
        }
    }

    /// Which panels are open.
    pub fn panels(&self) -> Panels {
        let mut panels = Panels::default();
        panels.tune = self.sliders;
        panels.plots = self.plots;
        panels
    }
}

/// Where the layout is kept, and what the file has.
#[derive(Resource)]
struct Kept {
    path: PathBuf,
    written: Layout,
}

/// Keeps a file up to date with the window.
pub fn keep(app: &mut App, path: PathBuf, layout: Layout) {
    app.insert_resource(Kept {
        path,
        written: layout,
    })
    .add_systems(Last, remember);
}

/// Writes what has changed: every second, and when the program leaves.
#[allow(
    clippy::too_many_arguments,
    reason = "an engine's system takes what it needs as arguments"
)]
fn remember(
    mut kept: ResMut<Kept>,
    show: Res<Show>,
    play: Res<Play>,
    panels: Res<Panels>,
    window: Query<&Window, With<PrimaryWindow>>,
    time: Res<Time<Real>>,
    leaving: MessageReader<AppExit>,
    mut next_s: Local<f64>,
) {
    let now_s = time.elapsed_secs_f64();
    if now_s < *next_s && leaving.is_empty() {
        return;
    }
    *next_s = now_s + EVERY_S;
    let size = match window.iter().next() {
        Some(window) => [window.width(), window.height()].map(|side| side.round() as u32),
        None => kept.written.size,
    };
    let now = Layout::of(size, &show, &play, &panels);
    if now != kept.written && now.makes_sense() {
        // Settings that cannot be written are forgotten: that stops nobody's work.
        let _ = now.write(&kept.path);
        kept.written = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other() -> Layout {
        Layout {
            size: [1600, 1000],
            sliders: false,
            plots: true,
            quantity: Quantity::PainFraction,
            unit: PressureUnit::MmHg,
            speed: 5.0,
            looping: false,
            layers: Layers {
                bones: true,
                pad: false,
                ..Layers::default()
            },
            marks: Marks {
                zones: true,
                keep_outs: false,
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/down/view.toml");
        other().write(&path).unwrap();
        assert_eq!(Layout::read(&path), other());
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(files.count(), 1, "something was left behind");
    }

    /// A file that is missing, torn, of another version or by another hand is as good as none; one that says less keeps the rest.
    #[test]
    fn what_cannot_be_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.toml");
        assert_eq!(Layout::read(&path), Layout::default());
        assert_eq!(Layout::read(folder.path()), Layout::default());
        for wrong in [
            "speed = ",
            "speed = \"fast\"",
            "speed = nan",
            "speed = 1e9",
            "size = [0, 960]",
            "size = [99999, 960]",
            "size = [1280]",
            "quantity = \"colour\"",
            "unit = \"bar\"",
            "curtains = true",
            "\u{0}\u{1}",
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert_eq!(Layout::read(&path), Layout::default(), "{wrong}");
        }
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert_eq!(Layout::read(&path), Layout::default());
        std::fs::write(&path, "unit = \"mmHg\"\n[layers]\nbones = true\n").unwrap();
        let some = Layout::read(&path);
        assert!(some.unit == PressureUnit::MmHg && some.layers.bones && some.layers.machine);
        assert_eq!(some.speed, Layout::default().speed);
    }

    /// What is changed in the window is in the file, at the latest when the program leaves; where it cannot be written, the
    /// program goes on.
    #[test]
    fn the_window_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kneadlab/view.toml");
        let run = |path: &Path| {
            let layout = Layout::read(path);
            let mut app = App::new();
            app.add_plugins(MinimalPlugins)
                .insert_resource(layout.show())
                .insert_resource(layout.play())
                .insert_resource(layout.panels());
            keep(&mut app, path.to_path_buf(), layout);
            app.update();
            app.world_mut().resource_mut::<Show>().unit = PressureUnit::MmHg;
            app.world_mut().resource_mut::<Panels>().plots = false;
            app.world_mut().write_message(AppExit::Success);
            app.update();
        };
        run(&path);
        let kept = Layout::read(&path);
        assert!(kept.unit == PressureUnit::MmHg && !kept.plots, "{kept:?}");
        assert_eq!(kept.size, Layout::default().size);
        run(&folder.path().join("kneadlab/view.toml/cannot/be"));
    }
}
