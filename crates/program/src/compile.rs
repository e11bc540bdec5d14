//! From a session to a timeline.

use std::f64::consts::TAU;

use crate::motion::{Curve, Move};
use crate::placement::Placement;
use crate::session::{ProgramError, ProgramProblem, Session, Step, Technique};
use crate::timeline::{Mark, MarkKind, Phase, Protrude, Segment, Timeline};
use crate::timing::{AxisLimits, Timing};

/// How far to protrude: a tuned map, or one number per level.
pub trait DepthMap {
    /// Protrusion out of the retracted position, m.
    fn protrude_m(&self, technique: Technique, u: f64, level: u8) -> f64;

    /// The same for one step of a session, `index` from 0: what does not depend on the step need not say more.
    fn step_protrude_m(&self, index: usize, step: &Step, u: f64) -> f64 {
        let _ = index;
        self.protrude_m(step.technique, u, step.level)
    }

    /// Protrusion at which the nodes meet the user there, m, if it is known: what depths are told apart by where they are made smoother.
    fn touch_m(&self, step: &Step, u: f64) -> Option<f64> {
        let _ = (step, u);
        None
    }

    /// The least speed that a roll is wanted at, m/s. Where the slide cannot follow the depths at that speed, they are made smoother, at no sample deeper;
    /// without it the roll goes slower.
    fn least_roll_m_s(&self, step: &Step) -> Option<f64> {
        let _ = step;
        None
    }
}

/// A roll's protrusion is sampled this often along the back, in stations (about 10 mm).
const ROLL_SAMPLE_U: f64 = 0.02;
/// The least, and the mean of those, are taken of so many samples to either side at most (E), some 40 mm of the way in all: more would take away
/// what was aimed for.
const MOST_REACH: usize = 2;

/// Compiles a session for one user on one mechanism.
///
/// The machine starts at the first point, retracted, shaft parked; it ends retracted. It walks only when retracted
/// (rolling aside) and turns to the next park angle, the shorter way, meanwhile. All axes move in trapezoids of
/// speed, rounded so that jerk has a limit.
///
/// # Errors
/// [`ProgramError`] with every problem: of the session by itself, of timing, limits and placement, of stations that the placement
/// does not cover, of carriage positions and depths that the axes do not reach.
pub fn compile(
    session: &Session,
    timing: &Timing,
    placement: &Placement,
    depth: &dyn DepthMap,
    limits: &AxisLimits,
) -> Result<Timeline, ProgramError> {
    let mut problems = session.check();
    check_numbers(timing, limits, placement, &mut problems);
    if problems.is_empty() {
        check_reach(session, placement, depth, limits, &mut problems);
    }
    if !problems.is_empty() {
        return Err(ProgramError { problems });
    }

    let first = &session.steps[0];
    let mut writer = Writer {
        timing,
        limits,
        placement,
        depth,
        timeline: Timeline {
            segments: Vec::new(),
            marks: Vec::new(),
            placement: placement.clone(),
            duration_s: 0.0,
        },
        walk_m: placement.walk_m(first.from_u),
        protrude_m: 0.0,
        knead_rad: first.park_deg.to_radians(),
        tap_rad: 0.0,
    };
    for (index, step) in session.steps.iter().enumerate() {
        match step.technique {
            Technique::Press | Technique::Knead => {
                for u in step.points_u() {
                    writer.point(index, step, u);
                }
            }
            Technique::Roll => writer.roll(index, step),
        }
    }
    Ok(writer.timeline)
}

struct Writer<'a> {
    timing: &'a Timing,
    limits: &'a AxisLimits,
    placement: &'a Placement,
    depth: &'a dyn DepthMap,
    timeline: Timeline,
    walk_m: f64,
    protrude_m: f64,
    knead_rad: f64,
    tap_rad: f64,
}

impl Writer<'_> {
    /// One press or kneading.
    fn point(&mut self, index: usize, step: &Step, u: f64) {
        self.travel(index, step, u);
        self.slide_to(index, step, self.depth.step_protrude_m(index, step, u));
        let contact_s = self.timeline.duration_s;
        if step.technique == Technique::Press {
            self.mark(contact_s, MarkKind::PressHold, index, u);
            self.stay(index, step, step.hold_s);
            if let Some(sway) = step.sway() {
                // The tapping shaft stays where its last turn ends: a whole one.
                let turns = sway.at(step.hold_s, step.hold_s)[3];
                self.tap_rad += turns;
            }
        } else {
            let turn = Move::quick(
                self.knead_rad,
                self.knead_rad + step.cycles * TAU,
                step.turn_rad_s(self.timing).min(self.limits.knead_rad_s),
                self.limits.knead_rad_s2,
            );
            for cycle in 0..step.cycles as usize {
                let t_s = contact_s + turn.time_at(cycle as f64 / step.cycles);
                self.mark(t_s, MarkKind::KneadCycle, index, u);
            }
            self.knead_rad += step.cycles * TAU;
            let walk = Move::rest(self.walk_m, turn.duration_s);
            let slide = Protrude::Moves(Move::rest(self.protrude_m, turn.duration_s));
            self.push(index, step, Phase::Contact, walk, turn, slide);
        }
        self.slide_to(index, step, 0.0);
    }

    /// Passes there and back; the protrusion follows the depth map.
    fn roll(&mut self, index: usize, step: &Step) {
        self.travel(index, step, step.from_u);
        let (low_u, high_u) = (step.from_u.min(step.to_u), step.from_u.max(step.to_u));
        let gaps = ((high_u - low_u) / ROLL_SAMPLE_U).ceil().max(1.0);
        let places: Vec<f64> = (0..=gaps as usize)
            .map(|sample| low_u + (high_u - low_u) * sample as f64 / gaps)
            .collect();
        let points: Vec<(f64, f64)> = places
            .iter()
            .map(|u| {
                let protrude_m = self.depth.step_protrude_m(index, step, *u);
                (self.placement.walk_m(*u), protrude_m)
            })
            .collect();
        let wanted = step.walk_m_s(self.timing).min(self.limits.walk_m_s);
        // d2p/dt2 = p'' v^2 + p' a: each term may take half of the slide's acceleration.
        let follows = |curve: &Curve| {
            let (first, second) = curve.steepest();
            let speed = wanted
                .min(self.limits.protrude_m_s / first)
                .min((0.5 * self.limits.protrude_m_s2 / second).sqrt());
            let accel = 0.5 * self.limits.protrude_m_s2 / first;
            (speed, accel.min(self.limits.walk_m_s2))
        };
        let mut curve = Curve::through(&points);
        let (mut speed, mut accel) = follows(&curve);
        let least = self
            .depth
            .least_roll_m_s(step)
            .map_or(0.0, |l| l.min(wanted));
        if speed < least {
            // Depth past touch is what jumps; where nobody knows touch, or following it takes too much, protrusion stands for it.
            let level = vec![0.0; points.len()];
            let touch: Option<Vec<f64>> =
                (places.iter().map(|u| self.depth.touch_m(step, *u))).collect();
            let bases: Vec<Vec<f64>> = touch.into_iter().chain([level]).collect();
            let tries = (1..=MOST_REACH).flat_map(|reach| bases.iter().map(move |b| (reach, b)));
            for (reach, base) in tries {
                let smooth = Curve::through(&smoother(&points, base, reach));
                let (quicker, gains) = follows(&smooth);
                if quicker > speed {
                    (curve, speed, accel) = (smooth, quicker, gains);
                }
                if speed >= least {
                    break;
                }
            }
        }

        self.slide_to(index, step, curve.at(self.walk_m));
        for pass in 0..step.cycles as usize {
            let (start_u, end_u) = if pass % 2 == 0 {
                (step.from_u, step.to_u)
            } else {
                (step.to_u, step.from_u)
            };
            self.mark(self.timeline.duration_s, MarkKind::RollPass, index, start_u);
            let walk = Move::quick(self.walk_m, self.placement.walk_m(end_u), speed, accel);
            let knead = Move::rest(self.knead_rad, walk.duration_s);
            self.walk_m = self.placement.walk_m(end_u);
            self.protrude_m = curve.at(self.walk_m);
            let slide = Protrude::Follows(curve.clone());
            self.push(index, step, Phase::Contact, walk, knead, slide);
        }
        self.slide_to(index, step, 0.0);
    }

    /// Walks to a station, retracted, and turns the shaft to the step's park angle meanwhile.
    fn travel(&mut self, index: usize, step: &Step, u: f64) {
        let to_m = self.placement.walk_m(u);
        let speed = self.timing.travel_m_s.min(self.limits.walk_m_s);
        let turn = step.park_deg.to_radians() - self.knead_rad;
        let parked_rad = self.knead_rad + turn - TAU * (turn / TAU).round();
        let walk = Move::quick(self.walk_m, to_m, speed, self.limits.walk_m_s2);
        let knead = Move::quick(
            self.knead_rad,
            parked_rad,
            self.timing.knead_rad_s.min(self.limits.knead_rad_s),
            self.limits.knead_rad_s2,
        );
        (self.walk_m, self.knead_rad) = (to_m, parked_rad);
        let slide = Protrude::Moves(Move::rest(self.protrude_m, walk.duration_s));
        self.push(index, step, Phase::Travel, walk, knead, slide);
    }

    /// Presses in to a protrusion, or lets go to 0.
    fn slide_to(&mut self, index: usize, step: &Step, to_m: f64) {
        let (phase, ramp_s) = if to_m > self.protrude_m {
            (Phase::Approach, self.timing.press_ramp_s)
        } else {
            (Phase::Release, self.timing.release_ramp_s)
        };
        let slide = Move::paced(
            self.protrude_m,
            to_m,
            self.limits.protrude_m_s,
            self.limits.protrude_m_s2,
            ramp_s,
        );
        self.protrude_m = to_m;
        let walk = Move::rest(self.walk_m, slide.duration_s);
        let knead = Move::rest(self.knead_rad, slide.duration_s);
        self.push(index, step, phase, walk, knead, Protrude::Moves(slide));
    }

    fn stay(&mut self, index: usize, step: &Step, duration_s: f64) {
        let walk = Move::rest(self.walk_m, duration_s);
        let knead = Move::rest(self.knead_rad, duration_s);
        let slide = Protrude::Moves(Move::rest(self.protrude_m, duration_s));
        self.push(index, step, Phase::Contact, walk, knead, slide);
    }

    fn push(
        &mut self,
        index: usize,
        step: &Step,
        phase: Phase,
        walk: Move,
        knead: Move,
        protrude: Protrude,
    ) {
        let timeline = &mut self.timeline;
        let duration_s = walk.duration_s.max(knead.duration_s);
        timeline.segments.push(Segment {
            start_s: timeline.duration_s,
            phase,
            technique: step.technique,
            level: step.level,
            step: index,
            walk,
            knead,
            protrude,
            tap_rad: self.tap_rad,
            sway: step
                .sway()
                .filter(|_| phase == Phase::Contact)
                .map(|sway| (*sway, duration_s)),
        });
        timeline.duration_s += duration_s;
    }

    fn mark(&mut self, t_s: f64, kind: MarkKind, step: usize, u: f64) {
        self.timeline.marks.push(Mark { t_s, kind, step, u });
    }
}

/// Protrusions that change less from place to place, and none further out than it was: the least past `base` within `reach` samples, and the
/// mean of those least. Whatever the base, each of these least is no more than the point's own; what goes up and down with it costs
/// nothing, and on another slope `2 reach` samples of it are lost.
fn smoother(points: &[(f64, f64)], base: &[f64], reach: usize) -> Vec<(f64, f64)> {
    let near = |i: usize| i.saturating_sub(reach)..=(i + reach).min(points.len() - 1);
    let past: Vec<f64> = points.iter().zip(base).map(|(p, b)| p.1 - b).collect();
    let least = |i: usize| past[near(i)].iter().copied().fold(f64::INFINITY, f64::min);
    let all: Vec<f64> = (0..points.len()).map(least).collect();
    let mean = |i: usize| all[near(i)].iter().sum::<f64>() / all[near(i)].len() as f64;
    (0..points.len())
        .map(|i| (points[i].0, base[i] + mean(i)))
        .collect()
}

fn check_numbers(
    timing: &Timing,
    limits: &AxisLimits,
    placement: &Placement,
    problems: &mut Vec<ProgramProblem>,
) {
    let mut positive = |key: &str, value: f64, least: f64| {
        if !(value.is_finite() && value > 0.0 && value >= least) {
            problems.push(ProgramProblem {
                step: None,
                key: key.to_owned(),
                value: value.to_string(),
                allowed: if least > 0.0 {
                    format!("at least {least}")
                } else {
                    "more than 0".to_owned()
                },
                hint: "without it the session has no end, or a jerk".to_owned(),
            });
        }
    };
    positive("timing.press_ramp_s", timing.press_ramp_s, 0.1);
    positive("timing.release_ramp_s", timing.release_ramp_s, 0.1);
    positive("timing.knead_rad_s", timing.knead_rad_s, 0.0);
    positive("timing.roll_m_s", timing.roll_m_s, 0.0);
    positive("timing.travel_m_s", timing.travel_m_s, 0.0);
    positive("limits.walk_m_s", limits.walk_m_s, 0.0);
    positive("limits.walk_m_s2", limits.walk_m_s2, 0.0);
    positive("limits.protrude_m_s", limits.protrude_m_s, 0.0);
    positive("limits.protrude_m_s2", limits.protrude_m_s2, 0.0);
    positive("limits.knead_rad_s", limits.knead_rad_s, 0.0);
    positive("limits.knead_rad_s2", limits.knead_rad_s2, 0.0);
    if placement.range_u().is_none() {
        problems.push(ProgramProblem {
            step: None,
            key: "placement.walk_at".to_owned(),
            value: format!("{} rows", placement.walk_at.len()),
            allowed: "two rows or more, both columns rising".to_owned(),
            hint: "the body scan gives it".to_owned(),
        });
    }
}

/// Stations within the placement, carriage positions and depths within the axes; each step's first offence of each
/// kind.
fn check_reach(
    session: &Session,
    placement: &Placement,
    depth: &dyn DepthMap,
    limits: &AxisLimits,
    problems: &mut Vec<ProgramProblem>,
) {
    let Some((low_u, high_u)) = placement.range_u() else {
        return;
    };
    for (index, step) in session.steps.iter().enumerate() {
        let mut wrong = |key: &str, value: String, allowed: String, hint: String| {
            problems.push(ProgramProblem {
                step: Some(index),
                key: key.to_owned(),
                value,
                allowed,
                hint,
            });
        };
        for (key, u) in [("from_u", step.from_u), ("to_u", step.to_u)] {
            let walk_m = placement.walk_m(u);
            let (low_m, high_m) = limits.walk_range_m;
            if !(low_u..=high_u).contains(&u) {
                let hint = "the body scan found no place for it on the track".to_owned();
                wrong(key, u.to_string(), format!("{low_u} to {high_u}"), hint);
            } else if !(low_m..=high_m).contains(&walk_m) {
                wrong(
                    key,
                    u.to_string(),
                    format!(
                        "{:.3} to {:.3}",
                        placement.station(low_m),
                        placement.station(high_m)
                    ),
                    format!(
                        "the carriage would have to be at {walk_m:.3} m, beyond the end of its track"
                    ),
                );
            }
        }
        let stops = match step.technique {
            Technique::Press | Technique::Knead => step.points_u(),
            Technique::Roll => Step {
                spacing_u: ROLL_SAMPLE_U,
                ..*step
            }
            .points_u(),
        };
        let swing_m = step.sway().map_or(0.0, |sway| sway.protrude.most());
        let reach = swing_m..=limits.protrude_max_m - swing_m;
        let beyond = stops.into_iter().find_map(|u| {
            let protrude_m = depth.step_protrude_m(index, step, u);
            (!reach.contains(&protrude_m)).then_some((u, protrude_m))
        });
        if let Some((u, protrude_m)) = beyond {
            wrong(
                "level",
                step.level.to_string(),
                format!("protrusion 0 to {} m", limits.protrude_max_m),
                format!("the depth map gives {protrude_m} m at station {u:.3}"),
            );
        }
    }
}
