//! What is shown, and when of it: everything that keys, panels and the command line choose.

use bevy::prelude::Resource;
use serde::{Deserialize, Serialize};

use crate::colour::{PressureUnit, Quantity};
use crate::paint::Marks;

/// What is shown.
#[derive(Resource, Clone, Debug, PartialEq)]
pub struct Show {
    /// What the skin's colours mean.
    pub quantity: Quantity,
    /// Unit of pressures.
    pub unit: PressureUnit,
    /// Value at the end of the scale, SI; the film's largest, rounded up, where none is chosen.
    pub top: Option<f64>,
    /// What is drawn on the skin.
    pub marks: Marks,
    /// What stands in the picture.
    pub layers: Layers,
    /// A cut across the back through the node that presses hardest.
    pub section: bool,
    /// No shadows and no smoothing of edges, for drivers that draw on the processor.
    pub reduced: bool,
}

/// What stands in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layers {
    /// The machine.
    pub machine: bool,
    /// Pad and piping.
    pub pad: bool,
    /// The rest of the user, and the seat.
    pub figure: bool,
    /// Forces on the user as arrows, 2 mm a newton.
    pub forces: bool,
    /// Where the nodes' centres were in the last seconds.
    pub trails: bool,
    /// The bone under the tissue; the skin becomes glass.
    pub bones: bool,
    /// Spinous processes.
    pub landmarks: bool,
    /// Acupoints.
    pub points: bool,
    /// Names of landmarks, points and zones.
    pub names: bool,
}

impl Default for Layers {
    fn default() -> Layers {
        Layers {
            machine: true,
            pad: true,
            figure: true,
            forces: true,
            trails: true,
            bones: false,
            landmarks: false,
            points: false,
            names: true,
        }
    }
}

impl Layers {
    /// Every layer: name, whether it is on, as something to change.
    pub fn each(&mut self) -> [(&'static str, &mut bool); 9] {
        [
            ("machine", &mut self.machine),
            ("pad", &mut self.pad),
            ("figure", &mut self.figure),
            ("forces", &mut self.forces),
            ("trails", &mut self.trails),
            ("bones", &mut self.bones),
            ("landmarks", &mut self.landmarks),
            ("points", &mut self.points),
            ("names", &mut self.names),
        ]
    }
}

impl Default for Show {
    fn default() -> Show {
        Show {
            quantity: Quantity::Pressure,
            unit: PressureUnit::default(),
            top: None,
            marks: Marks::default(),
            layers: Layers::default(),
            section: false,
            reduced: false,
        }
    }
}

/// Where in the run the picture is.
#[derive(Resource, Clone, Debug, PartialEq)]
pub struct Play {
    /// Time of the run that is shown, s.
    pub t_s: f64,
    /// Whether time goes on.
    pub playing: bool,
    /// Seconds of the run per second.
    pub speed: f64,
    /// Begins again at the end.
    pub looping: bool,
    /// The part of the run that is chosen: what is played again and again, and what is written as numbers, s.
    pub span_s: Option<[f64; 2]>,
    /// What comes later is not looked at: so a picture does not depend on how far the run was when it was taken, s.
    pub horizon_s: f64,
}

/// Slowest and fastest playback.
pub const SPEEDS: [f64; 2] = [0.1, 20.0];
/// One step of the step keys, s.
pub const STEP_S: f64 = 0.02;

impl Default for Play {
    fn default() -> Play {
        Play {
            t_s: 0.0,
            playing: true,
            speed: 1.0,
            looping: true,
            span_s: None,
            horizon_s: f64::INFINITY,
        }
    }
}

impl Play {
    /// Lets `dt_s` of the user's time pass: the run ends at `duration_s` and is recorded up to `recorded_s`.
    pub fn pass(&mut self, dt_s: f64, recorded_s: f64, duration_s: f64) {
        // Before a run is there, nothing has come to its end.
        if self.playing && duration_s > 0.0 {
            let [first_s, last_s] = self.chosen_s(duration_s);
            self.t_s += dt_s * self.speed;
            if self.t_s >= last_s {
                self.t_s = if self.looping { first_s } else { last_s };
                self.playing = self.looping;
            }
        }
        // What is not simulated yet cannot be shown: the picture waits there.
        self.t_s = self.t_s.clamp(0.0, recorded_s.max(0.0));
    }

    /// The span that is chosen of a run that ends at `duration_s`; all of it where none is.
    pub fn chosen_s(&self, duration_s: f64) -> [f64; 2] {
        let [first_s, last_s] = self.span_s.unwrap_or([0.0, duration_s]);
        [first_s.min(duration_s), last_s.min(duration_s)]
    }

    /// Lets the span begin (`start`) or end at the time that is shown. An end before the beginning moves the other one out of the way.
    pub fn choose(&mut self, start: bool, duration_s: f64) {
        let [first_s, last_s] = self.chosen_s(duration_s);
        let t_s = self.t_s;
        self.span_s = Some(match start {
            true if t_s < last_s => [t_s, last_s],
            true => [t_s, duration_s],
            false if t_s > first_s => [first_s, t_s],
            false => [0.0, t_s],
        });
    }

    /// Stops and goes to a time.
    pub fn scrub(&mut self, t_s: f64) {
        self.playing = false;
        self.t_s = t_s;
    }

    /// Stops and goes on by a step, or back.
    pub fn step(&mut self, steps: f64) {
        self.scrub(self.t_s + steps * STEP_S);
    }

    /// Faster (`up`) or slower, by the steps 1, 2, 5.
    pub fn change_speed(&mut self, up: bool) {
        const STEPS: [f64; 8] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
        let next = if up {
            STEPS.into_iter().find(|s| *s > 1.001 * self.speed)
        } else {
            STEPS.into_iter().rev().find(|s| *s < 0.999 * self.speed)
        };
        self.speed = next.unwrap_or(self.speed).clamp(SPEEDS[0], SPEEDS[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_waits_and_begins_again() {
        let mut play = Play::default();
        play.pass(0.5, 10.0, 20.0);
        assert_eq!(play.t_s, 0.5);
        play.speed = 20.0;
        play.pass(0.9, 10.0, 20.0);
        assert_eq!(
            (play.t_s, play.playing),
            (10.0, true),
            "it waits for the simulation"
        );
        play.pass(0.9, 20.0, 20.0);
        assert_eq!(play.t_s, 0.0, "it begins again");
        play.looping = false;
        play.pass(0.5, 0.0, 0.0);
        assert!(play.playing, "it waits for the run");
        play.pass(3.0, 20.0, 20.0);
        play.pass(20.0, 20.0, 20.0);
        assert_eq!((play.t_s, play.playing), (20.0, false));
        play.step(-1.0);
        assert!((play.t_s - 19.98).abs() < 1e-12);
    }

    #[test]
    fn a_span_is_played_again_and_again() {
        let mut play = Play {
            t_s: 4.0,
            ..Play::default()
        };
        play.choose(true, 20.0);
        assert_eq!(play.span_s, Some([4.0, 20.0]));
        play.t_s = 6.0;
        play.choose(false, 20.0);
        assert_eq!(play.chosen_s(20.0), [4.0, 6.0]);
        play.pass(0.5, 20.0, 20.0);
        assert_eq!(play.t_s, 4.0, "it begins again");
        // A run that is shorter than what was chosen of another one.
        assert_eq!(play.chosen_s(5.0), [4.0, 5.0]);
        play.t_s = 9.0;
        play.choose(true, 20.0);
        assert_eq!(play.span_s, Some([9.0, 20.0]), "the end gives way");
        play.t_s = 2.0;
        play.choose(false, 20.0);
        assert_eq!(play.span_s, Some([0.0, 2.0]), "the beginning gives way");
    }

    #[test]
    fn speeds_stay_within_a_tenth_and_twenty() {
        let mut play = Play::default();
        for _ in 0..9 {
            play.change_speed(true);
        }
        assert_eq!(play.speed, SPEEDS[1]);
        for _ in 0..9 {
            play.change_speed(false);
        }
        assert_eq!(play.speed, SPEEDS[0]);
    }
}
