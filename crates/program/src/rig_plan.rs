//! From a technique over a stretch to what a rig does for it: which drives move, how, how fast, at which places.

use std::f64::consts::TAU;

use crate::machine::{Machine, Rates};
use crate::manner::{Direction, Manner, Need, Path, middle};
use crate::part::{
    BESIDE_M, Fit, LEAST_SHARE, MOST, MOST_RESIDUAL, PRESS_WAY_M, Part, WEIGHTS, refuse,
};
use crate::rig_machine::RigMachine;
use crate::session::{ProgramError, ProgramProblem, Technique};
use crate::sway::{Followed, Wave, follow};
use crate::timing::Timing;

/// What a rig does for one part.
#[derive(Clone, Debug, PartialEq)]
pub struct RigPlan {
    /// How near it comes.
    pub fit: Fit,
    /// What it does at each place.
    pub work: RigWork,
    /// Stations in the order in which they are worked, all rounds; of a stroke its two ends, the first where it begins. Empty where no drive goes
    /// along the spine: whoever holds the machine chose the place.
    pub places_u: Vec<f64>,
    /// Where drives stand meanwhile that are neither the slide nor the carriage: drive, m or rad.
    pub set: Vec<(usize, f64)>,
    /// Beats a second, Hz; 0 for what does not beat.
    pub beat_hz: f64,
}

/// What a rig does at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum RigWork {
    /// It stays, s.
    Hold(f64),
    /// Drives swing about where they stand.
    Sway {
        /// Drive and its wave.
        waves: Vec<(usize, Wave)>,
        /// Cycles a second.
        rate_hz: f64,
        /// For how long, s.
        length_s: f64,
    },
    /// A drive goes round.
    Turn {
        /// Which.
        drive: usize,
        /// Turns a second.
        rate_hz: f64,
        /// Whole turns.
        turns: f64,
    },
    /// The carriage goes from end to end.
    Stroke {
        /// m/s.
        speed_m_s: f64,
        /// How often.
        strokes: usize,
        /// Every stroke begins at the first end; back it goes let go.
        one_way: bool,
    },
}

/// Plans parts for a rig.
///
/// # Errors
/// Every part that it cannot do, with the reason; `step` is the part's number.
pub fn plan_rig(
    parts: &[Part],
    machine: &RigMachine,
    timing: &Timing,
    length_m: f64,
) -> Result<Vec<RigPlan>, ProgramError> {
    let mut problems = Vec::new();
    let mut plans = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let planner = Planner {
            index,
            part,
            machine,
            timing,
            length_m,
        };
        match planner.plan() {
            Ok(plan) => plans.push(plan),
            Err(problem) => problems.push(problem),
        }
    }
    if parts.len() > 1 && machine.pressed_by_holder() {
        problems.push(ProgramProblem {
            step: None,
            key: "part".to_owned(),
            value: format!("{} parts", parts.len()),
            allowed: "one".to_owned(),
            hint: "whoever holds this machine presses it on and puts it down anew for each technique: write a scene for each".to_owned(),
        });
    }
    if parts.len() > 1 && plans.iter().any(|p| p.beat_hz > 0.0) {
        problems.push(ProgramProblem {
            step: None,
            key: "part".to_owned(),
            value: "something that beats among other parts".to_owned(),
            allowed: "beats alone".to_owned(),
            hint: "the rise of force is watched as the mean over a beat, all along a rig's run: write a scene for what beats".to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(plans)
    } else {
        Err(ProgramError { problems })
    }
}

/// Nearer to the midline than this the middle of the nodes does not swing, m (E): 18 are left out, and a node's patch is some 15 about its middle.
const INNER_M: f64 = 0.042;

struct Planner<'a> {
    index: usize,
    part: &'a Part,
    machine: &'a RigMachine,
    timing: &'a Timing,
    length_m: f64,
}

impl Planner<'_> {
    fn plan(&self) -> Result<RigPlan, ProgramProblem> {
        let manner = &self.part.manner;
        let lacks: Vec<&str> = manner
            .needs
            .iter()
            .chain(&manner.implied())
            .filter(|need| !self.machine.has(**need))
            .map(|need| need.meaning())
            .collect();
        if let Some(first) = lacks.first() {
            return Err(self.refuse(
                format!("{}, which needs {first}", manner.name),
                format!("what this machine has: {}", self.machine.words()),
                "this machine has no axis for it: take another technique, or another machine",
            ));
        }
        match manner.path {
            Path::Place => {
                Ok(self.at_places(manner.hold_s.unwrap_or([3.0, 5.0]), &self.at(), None))
            }
            Path::Line => self.line(),
            Path::Circle => self.circle(),
            Path::Across => self.across(),
            Path::Beat => self.beat(),
        }
    }

    fn refuse(&self, value: String, allowed: String, hint: &str) -> ProgramProblem {
        refuse(self.index, value, allowed, hint)
    }

    fn too_slow(&self, axis: &str, value: String, allowed: String) -> ProgramProblem {
        self.part.too_slow(self.index, axis, &value, allowed)
    }

    /// A drive, as a refusal names it.
    fn named(&self, drive: usize) -> String {
        format!("drive {}", self.machine.name(drive))
    }

    fn limits(&self, role: Need) -> Option<Rates> {
        let axis = self.machine.axis(role)?;
        Some(self.machine.axes()[axis].limits)
    }

    /// Positions of all axes as they are put together, the width axis where the nodes stand as far out as asked for or as hands work.
    fn at(&self) -> Vec<f64> {
        self.at_width(BESIDE_M)
    }

    /// The same, the nodes `usual_m` from the midline where nothing else is asked for.
    fn at_width(&self, usual_m: f64) -> Vec<f64> {
        let machine = self.machine;
        let mut at: Vec<f64> = machine.axes().iter().map(|a| a.rest).collect();
        let Some(axis) = machine.axis(Need::Width) else {
            return at;
        };
        let wanted_m = self.part.width_m.unwrap_or(usual_m);
        let [low, high] = machine.ends(axis);
        // Newton on a way that is nearly straight.
        for _ in 0..20 {
            let Some(here) = machine.place_m(&at) else {
                break;
            };
            let mut beside = at.clone();
            beside[axis] += 1e-4;
            let Some(there) = machine.place_m(&beside) else {
                break;
            };
            let slope = (there[0] - here[0]) / 1e-4;
            if slope.abs() < 1e-3 || (wanted_m - here[0]).abs() < 1e-6 {
                break;
            }
            at[axis] = (at[axis] + (wanted_m - here[0]) / slope).clamp(low, high);
        }
        at
    }

    /// What stands while the machine works: the width axis.
    fn set(&self, at: &[f64]) -> Vec<(usize, f64)> {
        let axis = self.machine.axis(Need::Width);
        axis.map(|a| (self.machine.drive(a), at[a]))
            .into_iter()
            .collect()
    }

    fn fit(&self, deed: Technique, at: &[f64]) -> Fit {
        let width_m = self.machine.place_m(at).map(|p| p[0]);
        let mut fit = self.part.fit(self.index, deed, width_m);
        if self.machine.axis(Need::Walk).is_none() {
            let note = "no drive goes along the spine: it works where it stands";
            fit.notes.push(note.to_owned());
        }
        fit
    }

    /// Time to let go, to go to the next place, and to press in.
    fn beside_s(&self) -> f64 {
        let slow = |role, way_m: f64| {
            self.limits(role)
                .map_or(0.0, |l| way_m / l.speed.min(self.timing.travel_m_s))
        };
        let slide_s = slow(Need::Protrude, PRESS_WAY_M);
        slow(Need::Walk, self.part.spacing_u * self.length_m)
            + self.timing.press_ramp_s.max(slide_s)
            + self.timing.release_ramp_s.max(slide_s)
    }

    /// Stays at as many places as fit into the minutes, as many rounds as fit then, as long at each as is left and allowed; `moved` says how it moves there.
    fn at_places(&self, hold_s: [f64; 2], at: &[f64], moved: Option<RigWork>) -> RigPlan {
        let part = self.part;
        let deed = match moved {
            Some(RigWork::Turn { .. }) => Technique::Knead,
            _ => Technique::Press,
        };
        let mut fit = self.fit(deed, at);
        let budget_s = 60.0 * part.minutes;
        let beside_s = self.beside_s();
        let fits = |each_s: f64| (budget_s / each_s).floor().clamp(1.0, MOST) as usize;
        let mut places_u = Vec::new();
        let mut work_s = (budget_s - beside_s).clamp(hold_s[0], hold_s[1]);
        if self.machine.axis(Need::Walk).is_some() {
            let wanted = part.places();
            fit.places = wanted.min(fits(beside_s + hold_s[0]));
            fit.passes = fits(fit.places as f64 * (beside_s + middle(hold_s)));
            let left_s = budget_s / (fit.places * fit.passes) as f64 - beside_s;
            work_s = left_s.clamp(hold_s[0], hold_s[1]);
            if fit.places < wanted {
                fit.notes.push(format!(
                    "{} of {wanted} places fit into {} min",
                    fit.places, part.minutes
                ));
            }
            let round: Vec<f64> = (0..fit.places)
                .map(|i| match fit.places {
                    1 => 0.5 * (part.from_u + part.to_u),
                    n => part.from_u + (part.to_u - part.from_u) * i as f64 / (n - 1) as f64,
                })
                .collect();
            for pass in 0..fit.passes {
                let back = pass % 2 == 1;
                places_u.extend((0..round.len()).map(|i| match back {
                    true => round[round.len() - 1 - i],
                    false => round[i],
                }));
            }
        }
        let mut cycles_hz = 0.0;
        let work = match moved {
            None => RigWork::Hold(work_s),
            Some(RigWork::Sway { waves, rate_hz, .. }) => {
                cycles_hz = rate_hz;
                work_s = (work_s * rate_hz).floor().max(2.0) / rate_hz;
                RigWork::Sway {
                    waves,
                    rate_hz,
                    length_s: work_s,
                }
            }
            Some(RigWork::Turn { drive, rate_hz, .. }) => {
                cycles_hz = rate_hz;
                let turns = (work_s * rate_hz).round().max(1.0);
                work_s = turns / rate_hz;
                RigWork::Turn {
                    drive,
                    rate_hz,
                    turns,
                }
            }
            Some(stroke) => stroke,
        };
        let beats = part.manner.path == Path::Beat;
        let beat_hz = if beats { cycles_hz } else { 0.0 };
        fit.work_s = work_s;
        RigPlan {
            fit,
            work,
            places_u,
            set: self.set(at),
            beat_hz,
        }
    }

    fn line(&self) -> Result<RigPlan, ProgramProblem> {
        let part = self.part;
        let asked = part.manner.speed_m_s.unwrap_or([0.02, 0.04]);
        let most = self.limits(Need::Walk).map_or(0.0, |l| l.speed);
        let speed_m_s = middle(asked).min(most);
        if speed_m_s < LEAST_SHARE * asked[0] {
            return Err(self.too_slow(
                "axis along the spine",
                format!("{:.0} mm/s", 1e3 * most),
                format!("{:.0} mm/s at least", 1e3 * asked[0]),
            ));
        }
        let at = self.at();
        let mut fit = self.fit(Technique::Roll, &at);
        fit.speed_m_s = Some((asked, speed_m_s));
        if speed_m_s < asked[0] {
            let note = format!(
                "the axis along the spine goes at most {:.0} mm/s",
                1e3 * most
            );
            fit.notes.push(note);
        }
        let way_s = (part.to_u - part.from_u).abs() * self.length_m / speed_m_s;
        let one_way = part.manner.direction != Direction::Both;
        let stroke_s = if one_way {
            way_s + self.beside_s() + way_s * speed_m_s / self.timing.travel_m_s.min(most)
        } else {
            way_s
        };
        let strokes = ((60.0 * part.minutes / stroke_s).round() as usize).clamp(1, 200);
        fit.passes = strokes;
        fit.work_s = way_s;
        let (top_u, bottom_u) = (part.from_u.min(part.to_u), part.from_u.max(part.to_u));
        let places_u = match part.manner.direction {
            Direction::Both => vec![part.from_u, part.to_u],
            Direction::Up => vec![bottom_u, top_u],
            Direction::Down => vec![top_u, bottom_u],
        };
        Ok(RigPlan {
            fit,
            work: RigWork::Stroke {
                speed_m_s,
                strokes,
                one_way,
            },
            places_u,
            set: self.set(&at),
            beat_hz: 0.0,
        })
    }

    /// A drive that goes round does it its own way; else the axes sideways and along make a circle.
    fn circle(&self) -> Result<RigPlan, ProgramProblem> {
        let manner = &self.part.manner;
        let asked = manner.rate_hz.unwrap_or([0.25, 0.5]);
        let hold_s = manner.hold_s.unwrap_or([3.0, 10.0]);
        let Some(round) = self.machine.round(Need::Knead) else {
            let path = |a: f64, phase: f64| [a * phase.cos(), a * phase.sin(), 0.0];
            let free = [Need::Width, Need::Walk, Need::Protrude];
            return self.sway(&free, &path, asked, [0.010, 0.020], hold_s);
        };
        let most_hz = round.limits.speed / TAU;
        let rate_hz = middle(asked).min(most_hz);
        if rate_hz < LEAST_SHARE * asked[0] {
            return Err(self.too_slow(
                &self.named(round.drive),
                format!("{:.0} turns a minute", 60.0 * most_hz),
                format!("{:.0} at least", 60.0 * asked[0]),
            ));
        }
        let turn = RigWork::Turn {
            drive: round.drive,
            rate_hz,
            turns: 0.0,
        };
        let mut plan = self.at_places(hold_s, &self.at(), Some(turn));
        plan.fit.rate_hz = Some((asked, rate_hz));
        if let Some(asked_m) = manner.amplitude_m {
            let [out_m, along_m, into_m] = round.half_m;
            let is_m = out_m.max(along_m);
            plan.fit.amplitude_m = Some((asked_m, is_m));
            let off_m = is_m - is_m.clamp(asked_m[0], asked_m[1]);
            plan.fit.residual_m = (0.5 * (off_m * off_m + into_m * into_m)).sqrt();
            plan.fit.notes.push(format!(
                "its own way round: half {:.0} mm wide, {:.0} mm high, {:.0} mm deep",
                1e3 * out_m,
                1e3 * along_m,
                1e3 * into_m
            ));
        }
        Ok(plan)
    }

    fn across(&self) -> Result<RigPlan, ProgramProblem> {
        let manner = &self.part.manner;
        let asked = manner.rate_hz.unwrap_or([1.0, 2.0]);
        let path = |a: f64, phase: f64| [a * phase.sin(), 0.0, 0.0];
        let free = [Need::Width, Need::Walk, Need::Protrude];
        if self.machine.axis(Need::Width).is_none() {
            return Err(self.refuse(
                format!("{}: only {} moves the nodes sideways", self.part.manner.name, self.machine.words()),
                "an axis sideways".to_owned(),
                "a shaft that goes round takes them along and into the user too; the wobble carriage's plan can use part of a turn",
            ));
        }
        let hold_s = manner.hold_s.unwrap_or([10.0, 30.0]);
        self.sway(&free, &path, asked, [0.005, 0.010], hold_s)
    }

    fn beat(&self) -> Result<RigPlan, ProgramProblem> {
        let manner = &self.part.manner;
        let asked = manner.rate_hz.unwrap_or([4.0, 10.0]);
        let asked_m = manner.amplitude_m.unwrap_or([0.003, 0.012]);
        let hold_s = manner.hold_s.unwrap_or([5.0, 20.0]);
        let Some(round) = self.machine.round(Need::Tap) else {
            let path = |a: f64, phase: f64| [0.0, 0.0, a * phase.sin()];
            return self.sway(&[Need::Protrude], &path, asked, asked_m, hold_s);
        };
        let most_hz = round.limits.speed / TAU;
        let rate_hz = middle(asked).min(most_hz);
        if rate_hz < LEAST_SHARE * asked[0] {
            return Err(self.too_slow(
                &self.named(round.drive),
                format!("{most_hz:.1} Hz"),
                format!("{:.1} Hz at least", asked[0]),
            ));
        }
        let is_m = round.half_m[2];
        if !(LEAST_SHARE * asked_m[0]..=asked_m[1] / LEAST_SHARE).contains(&is_m) {
            return Err(self.refuse(
                format!("{}: its stroke is {:.1} mm", manner.name, 2e3 * is_m),
                format!("{:.0} to {:.0} mm", 2e3 * asked_m[0], 2e3 * asked_m[1]),
                "another crank beats another way",
            ));
        }
        let turn = RigWork::Turn {
            drive: round.drive,
            rate_hz,
            turns: 0.0,
        };
        let mut plan = self.at_places(hold_s, &self.at(), Some(turn));
        plan.fit.rate_hz = Some((asked, rate_hz));
        plan.fit.amplitude_m = Some((asked_m, is_m));
        let off_m = is_m - is_m.clamp(asked_m[0], asked_m[1]);
        plan.fit.residual_m = off_m.abs() / 2f64.sqrt();
        Ok(plan)
    }

    /// A closed path, followed by the axes of these roles: first by the first alone, then with one more, while that brings the nodes nearer.
    fn sway(
        &self,
        roles: &[Need],
        path: &dyn Fn(f64, f64) -> [f64; 3],
        asked_hz: [f64; 2],
        usual_m: [f64; 2],
        hold_s: [f64; 2],
    ) -> Result<RigPlan, ProgramProblem> {
        let manner: &Manner = &self.part.manner;
        let asked_m = manner.amplitude_m.unwrap_or(usual_m);
        let axes: Vec<usize> = roles.iter().filter_map(|r| self.machine.axis(*r)).collect();
        let mut best: Option<(f64, f64, Followed, Vec<f64>)> = None;
        for amplitude_m in [middle(asked_m), asked_m[0]] {
            let outward_m = path(amplitude_m, 0.0)[0].max(path(amplitude_m, 0.25 * TAU)[0]);
            let at = self.at_width(BESIDE_M.max(INNER_M + outward_m));
            for count in 1..=axes.len() {
                let way = |phase: f64| path(amplitude_m, phase);
                let found = follow(
                    self.machine,
                    &at,
                    &axes[..count],
                    &way,
                    WEIGHTS,
                    middle(asked_hz),
                );
                let Some(found) = found.filter(|f| self.inside(&at, f)) else {
                    continue;
                };
                let slow = (asked_hz[0] - found.rate_hz).max(0.0) / asked_hz[0];
                let small = (middle(asked_m) - amplitude_m) / middle(asked_m);
                let cost = found.residual_m / amplitude_m + 2.0 * slow + 0.2 * small;
                if best.as_ref().is_none_or(|b| cost < b.0 - 1e-3) {
                    best = Some((cost, amplitude_m, found, at.clone()));
                }
            }
        }
        let Some((_, amplitude_m, found, at)) = best else {
            return Err(self.refuse(
                manner.name.clone(),
                "a path inside its axes' ways".to_owned(),
                "its axes end before, or its loops do not close there",
            ));
        };
        let slowest = found.slowest.map(|axis| self.machine.drive(axis));
        if found.rate_hz < LEAST_SHARE * asked_hz[0] {
            return Err(self.too_slow(
                &slowest.map_or_else(|| "drive".to_owned(), |drive| self.named(drive)),
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
                "its axes cannot move the nodes that way alone",
            ));
        }
        let waves = axes
            .iter()
            .map(|axis| (self.machine.drive(*axis), found.waves[*axis]))
            .filter(|(_, wave)| wave.most() > 1e-6)
            .collect();
        let sway = RigWork::Sway {
            waves,
            rate_hz: found.rate_hz,
            length_s: 0.0,
        };
        let mut plan = self.at_places(hold_s, &at, Some(sway));
        plan.fit.rate_hz = Some((asked_hz, found.rate_hz));
        plan.fit.amplitude_m = Some((asked_m, amplitude_m));
        plan.fit.residual_m = found.residual_m;
        if let Some(drive) = slowest {
            let name = self.machine.name(drive);
            let note = format!("{name} holds it back to {:.2} Hz", found.rate_hz);
            plan.fit.notes.push(note);
        }
        Ok(plan)
    }

    /// Whether axes that end stay inside their ways; carriage and slide are elsewhere when they work, and are looked at there.
    fn inside(&self, at: &[f64], found: &Followed) -> bool {
        let machine = self.machine;
        (0..at.len()).all(|axis| {
            let most = found.waves[axis].most();
            let [low, high] = machine.ends(axis);
            machine.axes()[axis].role != Need::Width
                || (at[axis] - most >= low && at[axis] + most <= high)
        })
    }
}
