//! The result of a tuning: what `tuned.json` holds.

use crate::judge::Judgement;
use crate::replay::Replay;
use crate::response::Bound;
use back::Zone;
use program::Technique;
use serde::{Deserialize, Serialize};
use sim::PressureMap;

/// Depth that stands for "retracted" in the maps, m: the machine goes all the way in.
pub const RETRACTED_M: f64 = -0.030;

/// A tuned study. Arrays of cells run technique, class, station, level, the last fastest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tuned {
    /// Version of the program that made it.
    pub version: String,
    /// Identity of the study.
    pub study_hash: String,
    /// Identity of its scene.
    pub scene_hash: String,
    /// Root seed.
    pub seed: u64,
    /// What it is not.
    pub notice: String,
    /// Name of the study.
    pub name: String,
    /// Techniques with a depth map.
    pub techniques: Vec<Technique>,
    /// Body classes.
    pub classes: Vec<ClassInfo>,
    /// Stations of the maps.
    pub stations: Vec<f64>,
    /// Pressure bands asked for, one per level, as fractions of the median pain pressure.
    pub bands: [[f64; 2]; 5],
    /// The depth maps.
    pub cells: Vec<Cell>,
    /// Caps per class and station.
    pub caps: Vec<CapCell>,
    /// The one constant depth per level that they are judged against, m from touch.
    pub constant_m: [f64; 5],
    /// Slowest way out of the slide at which the rate of force was checked, per technique, m/s; empty in results of older versions.
    #[serde(default)]
    pub press_speed_m_s: Vec<f64>,
    /// Band share on the bodies it was tuned on.
    pub tuning_share: f64,
    /// How it does on bodies of another seed.
    pub held_out: Judgement,
    /// Full dynamic runs of tuned tables on held-out bodies.
    pub replays: Vec<Replay>,
    /// Pressure over the back of the first replayed body with constant depth.
    pub before: Option<PressureMap>,
    /// The same with the tuned map.
    pub after: Option<PressureMap>,
    /// Estimates that the result leans on.
    pub estimates: Vec<String>,
}

/// A body class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassInfo {
    /// Stature and build.
    pub name: String,
    /// Stature band, m.
    pub stature_m: [f64; 2],
    /// BMI band, kg/m^2.
    pub bmi_kg_m2: [f64; 2],
    /// Bodies it was tuned on.
    pub tuning_bodies: usize,
    /// Bodies it was judged on.
    pub held_out_bodies: usize,
}

/// One tuned cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Depth from touch, m; [`RETRACTED_M`] where infeasible. Kneading may start before touch: its orbit reaches on.
    pub depth_m: f64,
    /// The band reached over the cap and was moved down.
    pub cap_limited: bool,
    /// No depth is both felt and safe.
    pub infeasible: bool,
    /// The band as used.
    pub band: [f64; 2],
    /// Expected force of the most pressed node, median body, N.
    pub force_n: f64,
    /// Expected current of the protrusion motor while it advances, A.
    pub current_a: f64,
    /// Share of the tuning bodies' samples, felt or not, in the band.
    pub share: f64,
    /// Nearest limit of the worst tuning body: value over cap.
    pub load: f64,
    /// Which one.
    pub binding: Option<Binding>,
}

/// The limit that stops a cell from going deeper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Index of the tuning body.
    pub body: usize,
    /// Which limit.
    pub limit: Bound,
    /// Where.
    pub zone: Zone,
}

/// Caps of one class at one station, over all techniques.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapCell {
    /// Strictest zone that nodes touch.
    pub zone: Zone,
    /// Largest depth from touch at which no tuning body passes a limit, for the technique that may go deepest, m.
    pub max_depth_m: f64,
    /// Highest node force, N.
    pub max_force_n: f64,
    /// Longest hold, s.
    pub max_dwell_s: f64,
    /// Highest tapping rate, Hz (0: no tapping was checked).
    pub max_tap_hz: f64,
}

impl Tuned {
    /// Index of a cell.
    pub fn index(&self, technique: usize, class: usize, station: usize, level: usize) -> usize {
        ((technique * self.classes.len() + class) * self.stations.len() + station) * 5 + level
    }

    /// Depth from touch at any station, m: linear between stations, [`RETRACTED_M`] beside an infeasible one, never over
    /// the lower cap of the two neighbours, as the exported tables do. `level` is 1 to 5.
    pub fn depth_m(&self, class: usize, technique: Technique, u: f64, level: u8) -> f64 {
        let Some(t) = self.techniques.iter().position(|x| *x == technique) else {
            return RETRACTED_M;
        };
        let stations = &self.stations;
        let last = stations.len() - 1;
        let (i, f) = self.between(u);
        let level = usize::from(level.clamp(1, 5) - 1);
        let at = |s: usize| &self.cells[self.index(t, class, s.min(last), level)];
        let (a, b) = (at(i), at(i + 1));
        if a.infeasible || (b.infeasible && f > 0.0) {
            return RETRACTED_M;
        }
        let depth_m = a.depth_m + f * (b.depth_m - a.depth_m);
        let caps = &self.caps[class * stations.len()..][..stations.len()];
        let next_m = if f > 0.0 {
            caps[i + 1].max_depth_m
        } else {
            depth_m
        };
        depth_m.min(caps[i].max_depth_m).min(next_m)
    }

    /// The band that a place between stations is judged by: its edges lie on a straight line between the cells', as the depth
    /// does. `level` is 1 to 5.
    pub fn band(&self, class: usize, technique: Technique, u: f64, level: u8) -> [f64; 2] {
        let level = usize::from(level.clamp(1, 5) - 1);
        let Some(t) = self.techniques.iter().position(|x| *x == technique) else {
            return self.bands[level];
        };
        let (i, f) = self.between(u);
        let at = |s: usize| self.cells[self.index(t, class, s, level)].band;
        let (a, b) = (at(i), at((i + 1).min(self.stations.len() - 1)));
        std::array::from_fn(|edge| a[edge] + f * (b[edge] - a[edge]))
    }

    /// The station before a place, and the share of the way to the next.
    fn between(&self, u: f64) -> (usize, f64) {
        let last = self.stations.len() - 1;
        let step = (self.stations[last] - self.stations[0]) / last.max(1) as f64;
        let x = ((u - self.stations[0]) / step).clamp(0.0, last as f64);
        let i = (x as usize).min(last.saturating_sub(1));
        (i, x - i as f64)
    }

    /// What is wrong with a hand-edited result: depths that no cap allows, sizes that do not fit.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let count = self.techniques.len() * self.classes.len() * self.stations.len() * 5;
        if self.cells.len() != count || self.caps.len() != self.classes.len() * self.stations.len()
        {
            problems.push(format!("cells: {} instead of {count}", self.cells.len()));
            return problems;
        }
        for (t, technique) in self.techniques.iter().enumerate() {
            for (c, class) in self.classes.iter().enumerate() {
                for (s, u) in self.stations.iter().enumerate() {
                    for level in 0..5 {
                        let cell = &self.cells[self.index(t, c, s, level)];
                        let cap_m = self.caps[c * self.stations.len() + s].max_depth_m;
                        let place = || {
                            format!(
                                "{}, {}, u {u:.3}, level {}",
                                technique.name(),
                                class.name,
                                level + 1
                            )
                        };
                        if !(RETRACTED_M..=cap_m + 1e-9).contains(&cell.depth_m) {
                            problems.push(format!(
                                "{}: depth_m = {} is outside {RETRACTED_M} to {cap_m:.4} (the cap)",
                                place(),
                                cell.depth_m
                            ));
                        }
                        if cell.infeasible && cell.depth_m != RETRACTED_M {
                            problems.push(format!("{}: infeasible, but not retracted", place()));
                        }
                    }
                }
            }
        }
        problems
    }
}
