//! From techniques over zones and minutes to steps of a machine.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::machine::{Carriage, KNEAD, Machine, PROTRUDE, WALK, axis_name};
use crate::manner::{Direction, Manner, Need, Path, middle};
use crate::session::{Pace, ProgramError, ProgramProblem, Step, Technique};
use crate::sway::{Followed, Sway, Wave, follow};
use crate::timing::{AxisLimits, Timing};

/// One technique over a stretch of the back for some minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What is done.
    pub manner: Manner,
    /// First station.
    pub from_u: f64,
    /// Last station.
    pub to_u: f64,
    /// For how long, min.
    pub minutes: f64,
    /// Where in the technique's band of force it aims: 0 is its least, 1 its most.
    pub firmness: f64,
    /// Intensity for tuned tables, 1 to 5.
    pub level: u8,
    /// Nodes from the midline, m; none for what the technique leaves open: 50 mm, or what its movement needs.
    pub width_m: Option<f64>,
    /// From one place to the next, in stations.
    pub spacing_u: f64,
}

/// What a machine cannot do of a session's part.
pub(crate) fn refuse(part: usize, value: String, allowed: String, hint: &str) -> ProgramProblem {
    ProgramProblem {
        step: Some(part),
        key: "technique".to_owned(),
        value,
        allowed,
        hint: hint.to_owned(),
    }
}

/// Most places, or rounds, that are counted: whatever numbers a part is given.
pub(crate) const MOST: f64 = 1e6;

impl Part {
    /// An axis is too slow for it.
    pub(crate) fn too_slow(
        &self,
        index: usize,
        axis: &str,
        value: &str,
        allowed: String,
    ) -> ProgramProblem {
        refuse(
            index,
            format!("{}: its {axis} does {value}", self.manner.name),
            allowed,
            "under half of the least speed it is not that technique any more: take another, or a quicker machine",
        )
    }

    /// Places that it asks for; as many as that, nobody waits for more.
    pub(crate) fn places(&self) -> usize {
        let way_u = (self.to_u - self.from_u).abs();
        (way_u / self.spacing_u - 1e-3).ceil().clamp(0.0, MOST) as usize + 1
    }

    /// What a machine whose nodes stand `width_m` from the midline does for it, before anything else is known: one place, once.
    pub(crate) fn fit(&self, index: usize, deed: Technique, width_m: Option<f64>) -> Fit {
        let off_m = match (self.width_m, width_m) {
            (Some(asked), Some(is)) => is - asked,
            _ => 0.0,
        };
        let mut notes = Vec::new();
        if off_m.abs() > 0.005 {
            let which = if off_m > 0.0 { "wider" } else { "narrower" };
            let off_mm = 1e3 * off_m.abs();
            notes.push(format!("nodes stand {off_mm:.0} mm {which} than asked for"));
        }
        Fit {
            part: index,
            technique: self.manner.name.clone(),
            deed,
            park_deg: 0.0,
            width_off_m: off_m,
            rate_hz: None,
            amplitude_m: None,
            speed_m_s: None,
            residual_m: 0.0,
            places: 1,
            passes: 1,
            work_s: 0.0,
            notes,
        }
    }
}

/// How near a machine's steps come to what a part asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Part of the session, from 0.
    pub part: usize,
    /// The technique's name.
    pub technique: String,
    /// What the machine does for it.
    pub deed: Technique,
    /// Kneading shaft while it works, degrees.
    pub park_deg: f64,
    /// How far the nodes stand from the width asked for, m.
    pub width_off_m: f64,
    /// Cycles a second, asked for (least and most) and done.
    pub rate_hz: Option<([f64; 2], f64)>,
    /// Half the way, asked for and done, m.
    pub amplitude_m: Option<([f64; 2], f64)>,
    /// Speed of a long stroke, asked for and done, m/s.
    pub speed_m_s: Option<([f64; 2], f64)>,
    /// What is left between the path asked for and the machine's, rms, m: out of line into the user and along the spine.
    pub residual_m: f64,
    /// Places, passes over them, and time at each, s.
    pub places: usize,
    /// How often all places are visited.
    pub passes: usize,
    /// Time at a place, or of one stroke, s.
    pub work_s: f64,
    /// What somebody should know.
    pub notes: Vec<String>,
}

/// Slower than this share of the least that a technique asks for, a machine does not do it (E).
pub(crate) const LEAST_SHARE: f64 = 0.5;
/// Farther from its path than this share of its amplitude, a machine does not follow it (E).
pub(crate) const MOST_RESIDUAL: f64 = 0.5;
/// A millimetre outward, along the spine and into the user: what it counts in following a path (E). Along the spine tissue hardly tells.
pub(crate) const WEIGHTS: [f64; 3] = [1.0, 0.3, 1.0];
/// Where hands work beside the spine, m from the midline: on the ridge of the muscle (E). Nodes of 20 mm then keep 10 mm off what is left out.
pub(crate) const BESIDE_M: f64 = 0.050;
/// Way of the slide from behind the pad to the work, m (E): only to reckon how many places fit into the minutes.
pub(crate) const PRESS_WAY_M: f64 = 0.055;

/// Plans every part for a machine: what it does, at which rate and width, how often. `length_m` is the back's from station 0 to 1.
///
/// # Errors
/// Every part that the machine cannot do, with the reason; `step` is the part's number.
pub fn plan(
    parts: &[Part],
    machine: &Carriage,
    limits: &AxisLimits,
    timing: &Timing,
    length_m: f64,
) -> Result<(Vec<Step>, Vec<Fit>), ProgramError> {
    let mut problems = Vec::new();
    let (mut steps, mut fits) = (Vec::new(), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        let planner = Planner {
            index,
            part,
            machine,
            limits,
            timing,
            length_m,
        };
        match planner.plan() {
            Ok((mut more, fit)) => {
                steps.append(&mut more);
                fits.push(fit);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok((steps, fits))
    } else {
        Err(ProgramError { problems })
    }
}

struct Planner<'a> {
    index: usize,
    part: &'a Part,
    machine: &'a Carriage,
    limits: &'a AxisLimits,
    timing: &'a Timing,
    length_m: f64,
}

/// Places and time at each.
struct Beats {
    places: usize,
    passes: usize,
    work_s: f64,
}

impl Planner<'_> {
    fn plan(&self) -> Result<(Vec<Step>, Fit), ProgramProblem> {
        self.able()?;
        let manner = &self.part.manner;
        match manner.path {
            Path::Place => Ok(self.still()),
            Path::Line => self.line(),
            Path::Circle => self.circle(),
            Path::Across => self.across(),
            Path::Beat => self.beat(),
        }
    }

    fn refuse(&self, value: String, allowed: String, hint: &str) -> ProgramProblem {
        refuse(self.index, value, allowed, hint)
    }

    /// Whether there is an axis for everything.
    fn able(&self) -> Result<(), ProgramProblem> {
        let manner = &self.part.manner;
        let lacks: Vec<Need> = manner
            .needs
            .iter()
            .copied()
            .filter(|need| !self.machine.has(*need))
            .collect();
        if lacks.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = lacks.iter().map(|n| n.meaning()).collect();
        let has: Vec<&str> = self
            .machine
            .axes()
            .iter()
            .map(|a| axis_name(a.role))
            .collect();
        Err(self.refuse(
            format!("{}, which needs {}", manner.name, names.join(" and ")),
            format!("what this machine's {} can do", has.join(", ")),
            "this machine has no axis for it: take another technique, or another machine",
        ))
    }

    fn fit(&self, deed: Technique, park_rad: f64, beats: &Beats) -> Fit {
        let width_m = self.machine.place_m(&[0.0, 0.0, park_rad]).map(|p| p[0]);
        Fit {
            park_deg: park_rad.to_degrees(),
            places: beats.places,
            passes: beats.passes,
            work_s: beats.work_s,
            ..self.part.fit(self.index, deed, width_m)
        }
    }

    fn step(&self, technique: Technique, park_rad: f64, pace: Pace) -> Step {
        Step {
            technique,
            from_u: self.part.from_u,
            to_u: self.part.to_u,
            level: self.part.level,
            hold_s: 0.0,
            cycles: 1.0,
            park_deg: park_rad.to_degrees(),
            spacing_u: self.part.spacing_u,
            pace: Some(pace),
        }
    }

    fn pace(&self) -> Pace {
        Pace {
            part: self.index,
            turn_rad_s: None,
            walk_m_s: None,
            sway: None,
        }
    }

    /// The shaft's angle for the width asked for, else for where hands work.
    fn park_rad(&self) -> f64 {
        self.machine.park(self.part.width_m.unwrap_or(BESIDE_M)).0
    }

    /// As many places as fit into the minutes at the technique's shortest time, then as many rounds, then as long at each as is left and allowed.
    fn beats(&self, hold_s: [f64; 2]) -> Beats {
        let part = self.part;
        let wanted = part.places();
        let budget_s = 60.0 * part.minutes;
        let travel_m_s = self.timing.travel_m_s.min(self.limits.walk_m_s);
        let slide_s = PRESS_WAY_M / self.limits.protrude_m_s;
        let beside_s = part.spacing_u * self.length_m / travel_m_s
            + self.timing.press_ramp_s.max(slide_s)
            + self.timing.release_ramp_s.max(slide_s);
        let fits = |each_s: f64| (budget_s / each_s).floor().clamp(1.0, MOST) as usize;
        let places = wanted.min(fits(beside_s + hold_s[0]));
        let round_s = places as f64 * (beside_s + middle(hold_s));
        let passes = fits(round_s);
        let left_s = budget_s / (places * passes) as f64 - beside_s;
        Beats {
            places,
            passes,
            work_s: left_s.clamp(hold_s[0], hold_s[1]),
        }
    }

    /// One step a round, to and fro; where fewer places fit than asked for, they spread over the stretch.
    fn rounds(&self, beats: &Beats, step: Step, fit: &mut Fit) -> Vec<Step> {
        let part = self.part;
        let wanted = part.places();
        let (mut from_u, mut to_u, mut spacing_u) = (part.from_u, part.to_u, part.spacing_u);
        if beats.places < wanted {
            fit.notes.push(format!(
                "{} of {wanted} places fit into {} min",
                beats.places, part.minutes
            ));
            if beats.places == 1 {
                from_u = 0.5 * (part.from_u + part.to_u);
                to_u = from_u;
            } else {
                spacing_u = (part.to_u - part.from_u).abs() / (beats.places - 1) as f64;
            }
        }
        (0..beats.passes)
            .map(|round| {
                let ends = if round % 2 == 0 {
                    (from_u, to_u)
                } else {
                    (to_u, from_u)
                };
                Step {
                    from_u: ends.0,
                    to_u: ends.1,
                    spacing_u,
                    ..step
                }
            })
            .collect()
    }

    fn still(&self) -> (Vec<Step>, Fit) {
        let park_rad = self.park_rad();
        let beats = self.beats(self.part.manner.hold_s.unwrap_or([3.0, 5.0]));
        let mut fit = self.fit(Technique::Press, park_rad, &beats);
        let step = Step {
            hold_s: beats.work_s,
            ..self.step(Technique::Press, park_rad, self.pace())
        };
        (self.rounds(&beats, step, &mut fit), fit)
    }

    fn line(&self) -> Result<(Vec<Step>, Fit), ProgramProblem> {
        let part = self.part;
        let asked = part.manner.speed_m_s.unwrap_or([0.02, 0.04]);
        let speed_m_s = middle(asked).min(self.limits.walk_m_s);
        if speed_m_s < LEAST_SHARE * asked[0] {
            return Err(self.too_slow(
                "carriage",
                format!("{:.0} mm/s", 1e3 * self.limits.walk_m_s),
                format!("{:.0} mm/s at least", 1e3 * asked[0]),
            ));
        }
        let park_rad = self.park_rad();
        let way_s = (part.to_u - part.from_u).abs() * self.length_m / speed_m_s;
        let one_way = part.manner.direction != Direction::Both;
        let slide_s = PRESS_WAY_M / self.limits.protrude_m_s;
        let ramps_s =
            self.timing.press_ramp_s.max(slide_s) + self.timing.release_ramp_s.max(slide_s);
        let pass_s = if one_way {
            way_s + ramps_s + way_s * speed_m_s / self.timing.travel_m_s.min(self.limits.walk_m_s)
        } else {
            way_s
        };
        let passes = ((60.0 * part.minutes / pass_s).round() as usize).clamp(1, 200);
        let beats = Beats {
            places: 1,
            passes,
            work_s: way_s,
        };
        let mut fit = self.fit(Technique::Roll, park_rad, &beats);
        fit.speed_m_s = Some((asked, speed_m_s));
        if speed_m_s < asked[0] {
            fit.notes.push(format!(
                "the carriage walks at most {:.0} mm/s",
                1e3 * self.limits.walk_m_s
            ));
        }
        let pace = Pace {
            walk_m_s: Some(speed_m_s),
            ..self.pace()
        };
        let step = self.step(Technique::Roll, park_rad, pace);
        // Station 0 is at the top: up is towards smaller ones.
        let (top_u, bottom_u) = (part.from_u.min(part.to_u), part.from_u.max(part.to_u));
        let (from_u, to_u) = match part.manner.direction {
            Direction::Both => (part.from_u, part.to_u),
            Direction::Up => (bottom_u, top_u),
            Direction::Down => (top_u, bottom_u),
        };
        let step = Step {
            from_u,
            to_u,
            ..step
        };
        let steps = if one_way {
            vec![step; passes]
        } else {
            vec![Step {
                cycles: passes as f64,
                ..step
            }]
        };
        Ok((steps, fit))
    }

    fn circle(&self) -> Result<(Vec<Step>, Fit), ProgramProblem> {
        let manner = &self.part.manner;
        let asked = manner.rate_hz.unwrap_or([0.25, 0.5]);
        let most_hz = self.limits.knead_rad_s / TAU;
        let rate_hz = middle(asked).min(most_hz);
        if rate_hz < LEAST_SHARE * asked[0] {
            return Err(self.too_slow(
                "kneading shaft",
                format!("{:.0} turns a minute", 60.0 * most_hz),
                format!("{:.0} at least", 60.0 * asked[0]),
            ));
        }
        let park_rad = self.park_rad();
        let beats = self.beats(manner.hold_s.unwrap_or([3.0, 10.0]));
        let cycles = (beats.work_s * rate_hz).round().clamp(1.0, 200.0);
        let mut fit = self.fit(Technique::Knead, park_rad, &beats);
        fit.rate_hz = Some((asked, rate_hz));
        if rate_hz < asked[0] {
            fit.notes.push(format!(
                "the kneading shaft turns at most {:.0} times a minute",
                60.0 * most_hz
            ));
        }
        if let Some(asked_m) = manner.amplitude_m {
            // A shaft goes its own way round: what it does beyond or short of the circle asked for is left over.
            let [out_m, _, into_m] = self.machine.orbit_m();
            fit.amplitude_m = Some((asked_m, out_m));
            let off_m = out_m - out_m.clamp(asked_m[0], asked_m[1]);
            // A sine of that amplitude, rms.
            fit.residual_m = (0.5 * (off_m * off_m + into_m * into_m)).sqrt();
            fit.notes.push(format!(
                "the shaft's own way round: half {:.0} mm wide, {:.0} mm deep",
                1e3 * out_m,
                1e3 * into_m
            ));
        }
        let pace = Pace {
            turn_rad_s: Some(TAU * rate_hz),
            ..self.pace()
        };
        let step = Step {
            cycles,
            ..self.step(Technique::Knead, park_rad, pace)
        };
        Ok((self.rounds(&beats, step, &mut fit), fit))
    }

    /// A part turn of the kneading shaft moves the nodes sideways; slide and carriage take back what it does besides. Searched over where
    /// the shaft is parked, which axes help, and the amplitude.
    fn across(&self) -> Result<(Vec<Step>, Fit), ProgramProblem> {
        let manner = &self.part.manner;
        let asked_hz = manner.rate_hz.unwrap_or([1.0, 2.0]);
        let asked_m = manner.amplitude_m.unwrap_or([0.005, 0.010]);
        let parks: Vec<f64> = match self.part.width_m {
            Some(width_m) => {
                let one = self.machine.park(width_m).0;
                vec![one, -one]
            }
            None => (0..12).map(|i| f64::from(i) * TAU / 12.0).collect(),
        };
        let mut best: Option<(f64, f64, f64, Followed)> = None;
        for amplitude_m in [middle(asked_m), asked_m[0]] {
            for &park_rad in &parks {
                for free in [&[KNEAD][..], &[KNEAD, PROTRUDE], &[KNEAD, PROTRUDE, WALK]] {
                    let from = [0.0, 0.0, park_rad, 0.0];
                    let from = &from[..self.machine.axes().len()];
                    let path = |phase: f64| [amplitude_m * phase.sin(), 0.0, 0.0];
                    let found = follow(self.machine, from, free, &path, WEIGHTS, middle(asked_hz));
                    let Some(found) = found else { continue };
                    let slow = (asked_hz[0] - found.rate_hz).max(0.0) / asked_hz[0];
                    // A smaller way than the middle of the band only where it gains something.
                    let small = (middle(asked_m) - amplitude_m) / middle(asked_m);
                    let cost = found.residual_m / amplitude_m + 2.0 * slow + 0.2 * small;
                    if best.as_ref().is_none_or(|b| cost < b.0 - 1e-9) {
                        best = Some((cost, park_rad, amplitude_m, found));
                    }
                }
            }
        }
        let Some((_, park_rad, amplitude_m, found)) = best else {
            return Err(self.refuse(
                manner.name.clone(),
                "a path that its loops can close on".to_owned(),
                "the rods do not close where the nodes would have to be",
            ));
        };
        if found.rate_hz < LEAST_SHARE * asked_hz[0] {
            let held = found
                .slowest
                .map_or("machine", |axis| axis_name(self.machine.axes()[axis].role));
            return Err(self.too_slow(
                held,
                format!("{:.2} Hz over {:.0} mm", found.rate_hz, 2e3 * amplitude_m),
                format!("{:.1} Hz at least", asked_hz[0]),
            ));
        }
        if found.residual_m > MOST_RESIDUAL * amplitude_m {
            return Err(self.refuse(
                format!(
                    "{}: {:.1} mm (rms) beside its path of {:.0} mm",
                    manner.name,
                    1e3 * found.residual_m,
                    2e3 * amplitude_m
                ),
                format!("at most {:.1} mm", 1e3 * MOST_RESIDUAL * amplitude_m),
                "its axes cannot move the nodes sideways alone",
            ));
        }
        let beats = self.beats(manner.hold_s.unwrap_or([10.0, 30.0]));
        let mut fit = self.fit(Technique::Press, park_rad, &beats);
        fit.rate_hz = Some((asked_hz, found.rate_hz));
        fit.amplitude_m = Some((asked_m, amplitude_m));
        fit.residual_m = found.residual_m;
        if let Some(axis) = found.slowest {
            fit.notes.push(format!(
                "the {} holds it back to {:.2} Hz",
                axis_name(self.machine.axes()[axis].role),
                found.rate_hz
            ));
        }
        let wave = |axis: usize| found.waves.get(axis).copied().unwrap_or_default();
        let sway = Sway {
            rate_hz: found.rate_hz,
            walk: wave(WALK),
            protrude: wave(PROTRUDE),
            knead: wave(KNEAD),
            tap: false,
        };
        let steps = self.swaying(&beats, sway, park_rad, &mut fit);
        Ok((steps, fit))
    }

    fn beat(&self) -> Result<(Vec<Step>, Fit), ProgramProblem> {
        let manner = &self.part.manner;
        let asked_hz = manner.rate_hz.unwrap_or([4.0, 10.0]);
        let asked_m = manner.amplitude_m.unwrap_or([0.003, 0.012]);
        let tap = self.machine.axes().iter().find(|a| a.role == Need::Tap);
        let Some(tap) = tap else {
            // `able` has said so already where the technique names its need.
            return Err(self.refuse(
                format!("{}, which needs a tapping shaft", manner.name),
                "a machine with one".to_owned(),
                "this machine has no axis for it",
            ));
        };
        let most_hz = tap.limits.speed / TAU;
        let rate_hz = middle(asked_hz).min(most_hz);
        if rate_hz < LEAST_SHARE * asked_hz[0] {
            return Err(self.too_slow(
                "tapping shaft",
                format!("{most_hz:.1} Hz"),
                format!("{:.1} Hz at least", asked_hz[0]),
            ));
        }
        let is_m = self.machine.tap_m();
        if !(LEAST_SHARE * asked_m[0]..=asked_m[1] / LEAST_SHARE).contains(&is_m) {
            return Err(self.refuse(
                format!("{}: the crank beats {:.1} mm", manner.name, 2e3 * is_m),
                format!("{:.0} to {:.0} mm", 2e3 * asked_m[0], 2e3 * asked_m[1]),
                "change the throw of the tapping crank",
            ));
        }
        let park_rad = self.park_rad();
        let beats = self.beats(manner.hold_s.unwrap_or([5.0, 20.0]));
        let mut fit = self.fit(Technique::Press, park_rad, &beats);
        fit.rate_hz = Some((asked_hz, rate_hz));
        fit.amplitude_m = Some((asked_m, is_m));
        fit.residual_m = (is_m - is_m.clamp(asked_m[0], asked_m[1])).abs() / 2f64.sqrt();
        let sway = Sway {
            rate_hz,
            walk: Wave::default(),
            protrude: Wave::default(),
            knead: Wave::default(),
            tap: true,
        };
        let steps = self.swaying(&beats, sway, park_rad, &mut fit);
        Ok((steps, fit))
    }

    /// Presses that sway for whole cycles.
    fn swaying(&self, beats: &Beats, sway: Sway, park_rad: f64, fit: &mut Fit) -> Vec<Step> {
        let least_s = 2.0 * sway.grow_s();
        let work_s = beats.work_s.clamp(least_s, 60.0);
        if work_s < beats.work_s {
            fit.notes
                .push("a step holds 60 s at most: places are left earlier".to_owned());
        }
        let cycles = (work_s * sway.rate_hz).floor().max(2.0);
        let pace = Pace {
            sway: Some(sway),
            ..self.pace()
        };
        fit.work_s = cycles / sway.rate_hz;
        let step = Step {
            hold_s: fit.work_s,
            ..self.step(Technique::Press, park_rad, pace)
        };
        self.rounds(beats, step, fit)
    }

    fn too_slow(&self, axis: &str, value: String, allowed: String) -> ProgramProblem {
        self.part.too_slow(self.index, axis, &value, allowed)
    }
}
