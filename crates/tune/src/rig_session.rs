//! A session of techniques on a rig: what its drives are told, found by search on the machine and by pressing in slowly until the technique's force is
//! there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use back::Envelope;
use mechanism::{LEFT, Motion};
use nalgebra::Point3;
use program::{
    Course, Fit, Machine, Need, Part, ProgramError, ProgramProblem, RigMachine, RigPlan, RigWork,
    Timing,
};
use scene::{Deed, Order, RigScene, Stand, plan_rig_parts};
use sim::{Groundwork, RigSim, Subject};

use crate::score::Felt;
use crate::seat::{SeatError, implausible, linkage};

/// A rig's scene with its techniques planned: orders, and when each technique is at work.
#[derive(Clone, Debug)]
pub struct RigSession {
    /// The scene, ready to run.
    pub scene: RigScene,
    /// How near the machine comes to each part.
    pub fits: Vec<Fit>,
    /// When it is at work.
    pub windows: Vec<Window>,
    /// Whether a drive takes it along the spine.
    pub goes_along: bool,
}

/// A time in which a part is at work: neither on its way nor pressing in or letting go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Part of the session, from 0.
    pub part: usize,
    /// From when, s.
    pub from_s: f64,
    /// Until when, s.
    pub to_s: f64,
}

/// Plans sessions for a rig and a body that is put before it.
pub struct RigPlanner<'a> {
    scene: &'a RigScene,
    envelope: &'a Envelope,
    machine: RigMachine,
    subject: Arc<Subject>,
    timing: Timing,
    /// What slow presses met, by where the drives stood.
    ramps: RefCell<BTreeMap<Vec<u64>, Ramp>>,
}

/// A slow press: position, what the technique feels, N, and the limits' greatest share, in the order of time.
#[derive(Clone, Debug, Default)]
struct Ramp(Vec<[f64; 3]>);

/// Speed of a slow press, m/s: so slow that force hardly lags behind.
const RAMP_M_S: f64 = 0.006;
/// No deeper than where a slow press uses this share of a limit.
const CAP_SHARE: f64 = 0.85;
/// How far a holder comes in and goes back to press a machine on, m.
const HOLDER_M: [f64; 2] = [-0.060, 0.060];
/// Behind first touch the nodes travel, m.
const CLEAR_M: f64 = 0.010;
/// Between the end of the approach and the first movement, s.
const SETTLE_S: f64 = 0.3;
/// Along a stroke the slide is told a new depth so often, m.
const KNOT_M: f64 = 0.030;

impl<'a> RigPlanner<'a> {
    /// Puts the scene's body before its machine.
    ///
    /// # Errors
    /// Why the machine cannot work or the body is not plausible.
    pub fn new(
        scene: &'a RigScene,
        envelope: &'a Envelope,
        groundwork: &Groundwork,
    ) -> Result<RigPlanner<'a>, SeatError> {
        let linkage = linkage(scene)?;
        let turn_rad = match scene.placement.stand {
            Stand::Skin { turn_rad, .. } => turn_rad,
            Stand::Chair { .. } => 0.0,
        };
        let machine = RigMachine::new(&linkage, turn_rad)
            .ok_or_else(|| SeatError::Machine("\n  its loops do not close".into()))?;
        let subject = Subject::at_rig(scene, &linkage, groundwork, envelope);
        Ok(RigPlanner {
            scene,
            envelope,
            machine,
            subject: Arc::new(subject.map_err(|problems| implausible(&problems))?),
            timing: Timing {
                press_ramp_s: 3.0,
                release_ramp_s: 1.5,
                ..Timing::default()
            },
            ramps: RefCell::default(),
        })
    }

    /// The body before the machine.
    pub fn subject(&self) -> &Arc<Subject> {
        &self.subject
    }

    /// Plans the parts. What a part is pressed with is its own band of force.
    ///
    /// # Errors
    /// The parts that the machine cannot do, and stations that it does not reach.
    pub fn plan(&self, parts: &[Part]) -> Result<RigSession, SeatError> {
        let mut scene = self.scene.clone();
        scene.parts = parts.to_vec();
        let mut plans =
            plan_rig_parts(&scene, &self.timing).map_err(|e| SeatError::Unable(in_words(&e)))?;
        scene.orders.clear();
        scene.percussion_hz = plans.iter().map(|p| p.beat_hz).fold(0.0, f64::max);
        let mut board = Board::new(self, &scene);
        for (index, (part, plan)) in parts.iter().zip(&mut plans).enumerate() {
            if self.machine.pressed_by_holder() {
                self.held(&mut board, &mut scene, index, part, plan)?;
            } else {
                self.driven(&mut board, index, part, plan)?;
            }
        }
        let starts = board.starts.clone();
        set_starts(&mut scene, &starts);
        scene.orders = board.orders;
        scene.duration_s = board.now_s + SETTLE_S;
        Ok(RigSession {
            scene,
            fits: plans.into_iter().map(|p| p.fit).collect(),
            windows: board.windows,
            goes_along: self.machine.axis(Need::Walk).is_some(),
        })
    }

    /// A part whose depth is a drive's.
    fn driven(
        &self,
        board: &mut Board<'_>,
        index: usize,
        part: &Part,
        plan: &mut RigPlan,
    ) -> Result<(), SeatError> {
        let walk = self.machine.axis(Need::Walk);
        let slide = self.machine.axis(Need::Protrude);
        let Some(slide) = slide else {
            return Err(SeatError::Session(format!(
                "{}: no drive presses the nodes on",
                part.manner.name
            )));
        };
        for (drive, to) in &plan.set {
            board.stand(*drive, *to);
        }
        if let RigWork::Stroke {
            speed_m_s,
            strokes,
            one_way,
        } = plan.work
        {
            let walk = walk.ok_or_else(|| SeatError::Session("no drive along the spine".into()))?;
            return self.strokes(
                board,
                index,
                part,
                plan,
                [walk, slide],
                (speed_m_s, strokes, one_way),
            );
        }
        let places: Vec<Option<f64>> = match plan.places_u.as_slice() {
            [] => vec![None],
            all => all.iter().copied().map(Some).collect(),
        };
        let mut fell_short = 1.0f64;
        for u in places {
            let at_m = match (u, walk) {
                (Some(u), Some(walk)) => Some((walk, self.walk_at(walk, &plan.set, &[u])?[0])),
                _ => None,
            };
            let most = match &plan.work {
                RigWork::Sway { waves, .. } => {
                    let own = waves.iter().find(|w| w.0 == self.machine.drive(slide));
                    own.map_or(0.0, |w| w.1.most())
                }
                _ => 0.0,
            };
            let ramp = self.ramp(part, plan, at_m, slide)?;
            let (depth, share) = ramp.reach(part.manner.target_n(part.firmness));
            fell_short = fell_short.min(share);
            let [low, high] = self.machine.ends(slide);
            let depth = depth.min(high - most).max(low + most);
            let out = (ramp.touch() - CLEAR_M - most).clamp(low, depth);
            board.settle(slide, out);
            if let Some((walk, at_m)) = at_m {
                board.travel(walk, at_m, self.timing.travel_m_s);
            }
            board.glide(slide, depth, self.timing.press_ramp_s);
            board.work(index, &plan.work);
            board.glide(slide, out, self.timing.release_ramp_s);
        }
        note_short(plan, part, fell_short);
        Ok(())
    }

    /// Strokes along the spine: the slide follows what slow presses met on the way, and where it cannot, the stroke is slower.
    fn strokes(
        &self,
        board: &mut Board<'_>,
        index: usize,
        part: &Part,
        plan: &mut RigPlan,
        [walk, slide]: [usize; 2],
        (speed_m_s, strokes, one_way): (f64, usize, bool),
    ) -> Result<(), SeatError> {
        let [a_u, b_u] = [plan.places_u[0], plan.places_u[1]];
        let way_m = (b_u - a_u).abs() * self.subject.back.arc_length_m();
        let count = ((way_m / KNOT_M).ceil() as usize).clamp(1, 12);
        let all_u: Vec<f64> = (0..=count)
            .map(|i| a_u + (b_u - a_u) * i as f64 / count as f64)
            .collect();
        let walks = self.walk_at(walk, &plan.set, &all_u)?;
        let target_n = part.manner.target_n(part.firmness);
        let (mut depths, mut touch, mut fell_short) = (Vec::new(), f64::INFINITY, 1.0f64);
        for at_m in &walks {
            let ramp = self.ramp(part, plan, Some((walk, *at_m)), slide)?;
            let (depth, share) = ramp.reach(target_n);
            fell_short = fell_short.min(share);
            touch = touch.min(ramp.touch());
            depths.push(depth);
        }
        note_short(plan, part, fell_short);
        let low = self.machine.ends(slide)[0];
        let out = (touch - CLEAR_M).max(low);
        let limits = [walk, slide].map(|axis| self.machine.axes()[axis].limits);
        // The way as a course, and the times at which it passes the knots.
        let pass = |speed_m_s: f64| {
            let course = Course::cruise(walks[0], walks[count], speed_m_s, &limits[0]);
            let times: Vec<f64> = walks
                .iter()
                .map(|w| passes_s(&course, walks[0], *w))
                .collect();
            (course, times)
        };
        let mut speed_m_s = speed_m_s;
        let (mut course, mut times) = pass(speed_m_s);
        for _ in 0..40 {
            let quick = (0..count).any(|i| {
                let there_s = times[i + 1] - times[i];
                Course::glide(depths[i], depths[i + 1], there_s, &limits[1]).length_s()
                    > there_s + 1e-6
            });
            if !quick {
                break;
            }
            speed_m_s *= 0.9;
            (course, times) = pass(speed_m_s);
        }
        if let Some((asked, planned)) = plan.fit.speed_m_s
            && speed_m_s < planned - 1e-9
        {
            plan.fit.speed_m_s = Some((asked, speed_m_s));
            plan.fit.notes.push(format!(
                "the drive into the user holds the stroke back to {:.0} mm/s",
                1e3 * speed_m_s
            ));
        }
        board.settle(slide, out);
        let mut begun = false;
        for stroke in 0..strokes {
            let back = !one_way && stroke % 2 == 1;
            let (first, last) = if back { (count, 0) } else { (0, count) };
            if !begun {
                board.travel(walk, walks[first], self.timing.travel_m_s);
                board.glide(slide, depths[first], self.timing.press_ramp_s);
                begun = true;
            }
            let from_s = board.now_s;
            let length_s = course.length_s();
            let over = Course::Glide {
                to: walks[last],
                over_s: length_s,
                ramp_s: match course {
                    Course::Glide { ramp_s, .. } => ramp_s,
                    Course::Wave { .. } => 0.5 * length_s,
                },
            };
            board.follow(walk, over, from_s);
            for i in 0..count {
                let (to, at_s, until_s) = if back {
                    let k = count - 1 - i;
                    (depths[k], length_s - times[k + 1], length_s - times[k])
                } else {
                    (depths[i + 1], times[i], times[i + 1])
                };
                let glide = Course::Glide {
                    to,
                    over_s: until_s - at_s,
                    ramp_s: 0.5 * (until_s - at_s),
                };
                board.follow(slide, glide, from_s + at_s);
            }
            board.works(index, length_s);
            if one_way || stroke + 1 == strokes {
                board.glide(slide, out, self.timing.release_ramp_s);
                begun = false;
            }
        }
        Ok(())
    }

    /// A part that whoever holds the machine presses on: how far in they come is found.
    fn held(
        &self,
        board: &mut Board<'_>,
        scene: &mut RigScene,
        index: usize,
        part: &Part,
        plan: &mut RigPlan,
    ) -> Result<(), SeatError> {
        if let RigWork::Stroke {
            speed_m_s, strokes, ..
        } = plan.work
        {
            // A stroke of a hand: the holder's push follows the skin by itself.
            return self.held_strokes(board, scene, index, part, plan, (speed_m_s, strokes));
        }
        let press_m = self.held_press(scene, part, plan)?;
        set_press(scene, press_m);
        board.now_s = scene.placement.approach_s + 1.0;
        board.work(index, &plan.work);
        Ok(())
    }

    fn held_strokes(
        &self,
        board: &mut Board<'_>,
        scene: &mut RigScene,
        index: usize,
        part: &Part,
        plan: &mut RigPlan,
        (speed_m_s, strokes): (f64, usize),
    ) -> Result<(), SeatError> {
        let Some(walk) = self.machine.axis(Need::Walk) else {
            return Err(SeatError::Session("no drive along the spine".into()));
        };
        let walks = self.walk_at(walk, &plan.set, &plan.places_u)?;
        board.stand(self.machine.drive(walk), walks[0]);
        let press_m = self.held_press(scene, part, plan)?;
        set_press(scene, press_m);
        let limits = self.machine.axes()[walk].limits;
        board.now_s = scene.placement.approach_s + 1.0;
        for stroke in 0..strokes {
            let (from, to) = (walks[stroke % 2], walks[1 - stroke % 2]);
            let course = Course::cruise(from, to, speed_m_s, &limits);
            board.follow(walk, course, board.now_s);
            board.works(index, course.length_s());
        }
        Ok(())
    }

    fn held_press(
        &self,
        scene: &RigScene,
        part: &Part,
        plan: &mut RigPlan,
    ) -> Result<f64, SeatError> {
        if !matches!(scene.placement.stand, Stand::Skin { .. }) {
            return Err(SeatError::Session(
                "a machine that somebody holds is planned where it stands on skin (placement.on = \"skin\")".into(),
            ));
        }
        let key = key(part, &[]);
        let known = self.ramps.borrow().get(&key).cloned();
        let ramp = match known {
            Some(ramp) => ramp,
            None => {
                let mut slow = scene.clone();
                slow.percussion_hz = 0.0;
                set_press(&mut slow, HOLDER_M[1]);
                slow.placement.approach_m = HOLDER_M[1] - HOLDER_M[0];
                // A cosine's greatest speed is pi/2 of its mean.
                slow.placement.approach_s = 1.571 * slow.placement.approach_m / RAMP_M_S / 2.0;
                slow.duration_s = slow.placement.approach_s;
                stand_still(&mut slow);
                let ramp = self.press(slow, part, |sim| {
                    let left = sim.ground().inverse() * sim.machine_from_ground();
                    HOLDER_M[1] + left.translation.y
                })?;
                self.ramps.borrow_mut().insert(key, ramp.clone());
                ramp
            }
        };
        let (press_m, share) = ramp.reach(part.manner.target_n(part.firmness));
        note_short(plan, part, share);
        Ok(press_m)
    }

    /// Presses slowly in at a place, all else standing.
    fn ramp(
        &self,
        part: &Part,
        plan: &RigPlan,
        walk: Option<(usize, f64)>,
        slide: usize,
    ) -> Result<Ramp, SeatError> {
        let mut starts = self.machine.starts().to_vec();
        for (drive, to) in &plan.set {
            starts[*drive] = *to;
        }
        if let Some((axis, at_m)) = walk {
            starts[self.machine.drive(axis)] = at_m;
        }
        let drive = self.machine.drive(slide);
        let [low, high] = self.machine.ends(slide);
        starts[drive] = low;
        let key = key(part, &starts);
        if let Some(known) = self.ramps.borrow().get(&key) {
            return Ok(known.clone());
        }
        let mut slow = self.scene.clone();
        set_starts(&mut slow, &starts);
        stand_still(&mut slow);
        slow.percussion_hz = 0.0;
        let begin_s = slow.placement.approach_s + SETTLE_S;
        let over_s = (high - low) / RAMP_M_S;
        slow.orders.push(Order {
            at_s: begin_s,
            drive,
            deed: Deed::Follow {
                from: low,
                course: Course::Glide {
                    to: high,
                    over_s,
                    ramp_s: 0.2,
                },
            },
        });
        slow.duration_s = begin_s + over_s;
        let ramp = self.press(slow, part, |sim| {
            sim.frame().positions[sim.linkage().driven()[drive]]
        })?;
        self.ramps.borrow_mut().insert(key, ramp.clone());
        Ok(ramp)
    }

    /// Runs a slow press until the most that the technique asks for is felt, or a limit is near.
    fn press(
        &self,
        slow: RigScene,
        part: &Part,
        position: impl Fn(&RigSim) -> f64,
    ) -> Result<Ramp, SeatError> {
        let linkage = Arc::new(linkage(&slow)?);
        let scene = Arc::new(slow);
        let mut sim = RigSim::new(
            scene,
            Arc::clone(&self.subject),
            linkage,
            self.envelope.clone(),
        )?;
        let mut ramp = Ramp::default();
        let mut steps = 0u64;
        while !sim.is_done() {
            if sim.step().is_err() {
                break;
            }
            steps += 1;
            if !steps.is_multiple_of(10) {
                continue;
            }
            let felt_n = felt_n(&sim, part);
            ramp.0.push([position(&sim), felt_n, sim.load()]);
            if felt_n >= part.manner.force_n[1] || sim.load() >= CAP_SHARE {
                break;
            }
        }
        Ok(ramp)
    }

    /// Positions of the axis along the spine at which the nodes face stations.
    fn walk_at(
        &self,
        walk: usize,
        set: &[(usize, f64)],
        stations_u: &[f64],
    ) -> Result<Vec<f64>, SeatError> {
        const SAMPLES: u32 = 60;
        let linkage = Arc::new(linkage(self.scene)?);
        let sim = RigSim::new(
            Arc::new(self.scene.clone()),
            Arc::clone(&self.subject),
            linkage,
            self.envelope.clone(),
        )?;
        let back_from_ground = sim.machine_from_back().inverse() * sim.ground();
        let bed = &self.subject.bed;
        let mut drives = self.machine.starts().to_vec();
        for (drive, to) in set {
            drives[*drive] = *to;
        }
        let drive = self.machine.drive(walk);
        let [low, high] = self.machine.ends(walk);
        let faced: Vec<(f64, f64)> = (0..=SAMPLES)
            .filter_map(|i| {
                let at_m = low + (high - low) * f64::from(i) / f64::from(SAMPLES);
                drives[drive] = at_m;
                let point = back_from_ground * Point3::from(self.machine.heads_m(&drives)?);
                Some((bed.station(bed.foot(&point)?.at[0]), at_m))
            })
            .collect();
        let find = |u: f64| {
            faced.windows(2).find_map(|w| {
                let ((u0, m0), (u1, m1)) = (w[0], w[1]);
                let share = (u - u0) / (u1 - u0);
                (u0 != u1 && (0.0..=1.0).contains(&share)).then_some(m0 + share * (m1 - m0))
            })
        };
        let ends = faced.iter().map(|f| f.0);
        let (least, most) = (
            ends.clone().fold(f64::INFINITY, f64::min),
            ends.fold(f64::NEG_INFINITY, f64::max),
        );
        let found: Option<Vec<f64>> = stations_u.iter().map(|u| find(*u)).collect();
        found.ok_or_else(|| {
            let asked: Vec<String> = stations_u.iter().map(|u| format!("{u:.2}")).collect();
            SeatError::Session(format!(
                "  stations {}: the middle of the nodes reaches {least:.2} to {most:.2} on this body\n  hint: move the part (from_u, to_u), or the machine",
                asked.join(", ")
            ))
        })
    }
}

impl RigSession {
    /// The session's machine before the planner's body.
    ///
    /// # Errors
    /// Why it cannot stand there.
    pub fn seat(&self, planner: &RigPlanner<'_>, envelope: &Envelope) -> Result<RigSim, SeatError> {
        let linkage = Arc::new(linkage(&self.scene)?);
        let scene = Arc::new(self.scene.clone());
        let subject = Arc::clone(planner.subject());
        Ok(RigSim::new(scene, subject, linkage, envelope.clone())?)
    }
}

impl Ramp {
    /// Position at which a force is met, m, and which share of it is; where a limit is near before, the last position.
    fn reach(&self, force_n: f64) -> (f64, f64) {
        let Some(last) = self.0.last() else {
            return (0.0, 0.0);
        };
        match self.0.iter().find(|p| p[1] >= force_n) {
            Some(p) => (p[0], 1.0),
            None => (last[0], last[1] / force_n.max(1e-9)),
        }
    }

    /// Position of first touch.
    fn touch(&self) -> f64 {
        let first = self.0.iter().find(|p| p[1] > 0.5);
        first.or(self.0.last()).map_or(0.0, |p| p[0])
    }
}

/// What is told drives so far.
struct Board<'a> {
    planner: &'a RigPlanner<'a>,
    orders: Vec<Order>,
    windows: Vec<Window>,
    /// Where drives stand before anything is told.
    starts: Vec<f64>,
    at: Vec<f64>,
    moved: Vec<bool>,
    now_s: f64,
}

impl<'a> Board<'a> {
    fn new(planner: &'a RigPlanner<'a>, scene: &RigScene) -> Board<'a> {
        let mut starts = planner.machine.starts().to_vec();
        if let Some(slide) = planner.machine.axis(Need::Protrude) {
            starts[planner.machine.drive(slide)] = planner.machine.ends(slide)[0];
        }
        let stop = |drive| Order {
            at_s: 0.0,
            drive,
            deed: Deed::Stop,
        };
        Board {
            planner,
            orders: (0..starts.len()).map(stop).collect(),
            windows: Vec::new(),
            at: starts.clone(),
            moved: vec![false; starts.len()],
            starts,
            now_s: scene.placement.approach_s + SETTLE_S,
        }
    }

    fn follow(&mut self, axis: usize, course: Course, at_s: f64) {
        self.send(self.planner.machine.drive(axis), course, at_s);
    }

    fn send(&mut self, drive: usize, course: Course, at_s: f64) {
        let from = self.at[drive];
        self.orders.push(Order {
            at_s,
            drive,
            deed: Deed::Follow { from, course },
        });
        self.at[drive] = course.end(from);
        self.moved[drive] = true;
    }

    /// Puts a drive somewhere: before the first movement it has always stood there.
    fn stand(&mut self, drive: usize, to: f64) {
        if !self.moved[drive] {
            self.starts[drive] = to;
            self.at[drive] = to;
            return;
        }
        let axes = &self.planner.machine;
        let axis = (0..axes.axes().len()).find(|a| axes.drive(*a) == drive);
        if let Some(axis) = axis {
            self.glide(axis, to, 1.0);
        }
    }

    /// Out of the way, from wherever it is.
    fn settle(&mut self, axis: usize, to: f64) {
        self.stand(self.planner.machine.drive(axis), to);
    }

    fn glide(&mut self, axis: usize, to: f64, least_s: f64) {
        let from = self.at[self.planner.machine.drive(axis)];
        if from == to {
            return;
        }
        let limits = self.planner.machine.axes()[axis].limits;
        let course = Course::glide(from, to, least_s, &limits);
        self.follow(axis, course, self.now_s);
        self.now_s += course.length_s();
    }

    fn travel(&mut self, axis: usize, to: f64, speed_m_s: f64) {
        let drive = self.planner.machine.drive(axis);
        if !self.moved[drive] {
            return self.stand(drive, to);
        }
        let limits = self.planner.machine.axes()[axis].limits;
        if (self.at[drive] - to).abs() > 1e-6 {
            let course = Course::cruise(self.at[drive], to, speed_m_s, &limits);
            self.follow(axis, course, self.now_s);
            self.now_s += course.length_s();
        }
    }

    fn work(&mut self, part: usize, work: &RigWork) {
        let from_s = self.now_s;
        let length_s = match work {
            RigWork::Hold(s) => *s,
            RigWork::Sway {
                waves,
                rate_hz,
                length_s,
            } => {
                for (drive, wave) in waves {
                    let course = Course::Wave {
                        wave: *wave,
                        rate_hz: *rate_hz,
                        length_s: *length_s,
                    };
                    self.send(*drive, course, from_s);
                }
                *length_s
            }
            RigWork::Turn {
                drive,
                rate_hz,
                turns,
            } => {
                let rounds = [Need::Knead, Need::Tap].map(|role| self.planner.machine.round(role));
                let round = rounds.into_iter().flatten().find(|r| r.drive == *drive);
                let from = self.at[*drive];
                let to = from + std::f64::consts::TAU * turns;
                let speed = std::f64::consts::TAU * rate_hz;
                let course = round.map(|r| Course::cruise(from, to, speed, &r.limits));
                course.map_or(0.0, |course| {
                    self.send(*drive, course, from_s);
                    course.length_s()
                })
            }
            RigWork::Stroke { .. } => 0.0,
        };
        self.works(part, length_s);
    }

    /// From now on a part is at work for so long.
    fn works(&mut self, part: usize, length_s: f64) {
        let from_s = self.now_s;
        self.now_s += length_s;
        self.windows.push(Window {
            part,
            from_s,
            to_s: self.now_s,
        });
    }
}

/// Puts the joints of the drives where they stand when all begins.
fn set_starts(scene: &mut RigScene, starts: &[f64]) {
    for (drive, start) in scene.rig.drives.iter().zip(starts) {
        let name = drive.joint.strip_prefix(LEFT).unwrap_or(&drive.joint);
        for joint in &mut scene.rig.joints {
            if joint.name == drive.joint || joint.name == name {
                joint.start = *start;
            }
        }
    }
}

/// No drive moves by itself.
fn stand_still(scene: &mut RigScene) {
    scene.orders.clear();
    scene.parts.clear();
    for drive in &mut scene.rig.drives {
        drive.motion = Motion::Hold;
    }
}

fn set_press(scene: &mut RigScene, to_m: f64) {
    if let Stand::Skin { press_m, .. } = &mut scene.placement.stand {
        *press_m = to_m;
    }
}

/// What the technique feels now: the hardest node, or for a large hand the nodes of the harder side.
fn felt_n(sim: &RigSim, part: &Part) -> f64 {
    let heads = &sim.linkage().rig().heads;
    let forces = sim.contacts().iter().map(|c| c.force_n);
    if !part.manner.takes_both_nodes() {
        return forces.fold(0.0, f64::max);
    }
    let mut sides = [0.0; 2];
    for (force_n, head) in forces.zip(heads) {
        sides[usize::from(head.node.name.starts_with(LEFT))] += force_n;
    }
    sides[0].max(sides[1])
}

/// A slow press is the same for the same place and the same way of feeling it.
fn key(part: &Part, starts: &[f64]) -> Vec<u64> {
    let mut key = vec![
        u64::from(part.manner.takes_both_nodes()),
        part.from_u.to_bits(),
        part.to_u.to_bits(),
    ];
    key.extend(starts.iter().map(|s| s.to_bits()));
    key
}

/// When a course from `from` passes a position, s.
fn passes_s(course: &Course, from: f64, position: f64) -> f64 {
    let forward = course.end(from) > from;
    let (mut low, mut high) = (0.0, course.length_s());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if (course.at(from, middle).0 < position) == forward {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// What a machine cannot do, part by part.
fn in_words(error: &ProgramError) -> String {
    let one = |p: &ProgramProblem| format!("{}; allowed: {} ({})", p.value, p.allowed, p.hint);
    let all: Vec<String> = error.problems.iter().map(one).collect();
    all.join("\n")
}

fn note_short(plan: &mut RigPlan, part: &Part, share: f64) {
    if share < 0.95 {
        plan.fit.notes.push(format!(
            "slow presses reach {:.0} % of {:.0} N before a limit or the end of the way",
            100.0 * share,
            part.manner.target_n(part.firmness)
        ));
    }
}

/// What the nodes of a rig did while its parts were at work. Nodes of a side stand for a hand so large.
pub fn felt_in_windows(trace: &sim::RigTrace, session: &RigSession) -> Vec<Felt> {
    let t_s = trace.column("t_s").unwrap_or_default();
    let all = crate::score::felt_of_rig(trace, 0.0);
    let nodes = trace.node_names.len();
    if t_s.is_empty() || all.len() != nodes * t_s.len() {
        return Vec::new();
    }
    let node = |node: usize, row: usize| &all[node * t_s.len() + row];
    let mut felt = Vec::new();
    for (index, part) in session.scene.parts.iter().enumerate() {
        let groups: Vec<Vec<usize>> = if part.manner.takes_both_nodes() {
            let left = |n: &usize| trace.node_names[*n].starts_with(LEFT);
            let (left, right): (Vec<usize>, Vec<usize>) = (0..nodes).partition(left);
            [right, left]
                .into_iter()
                .filter(|g| !g.is_empty())
                .collect()
        } else {
            (0..nodes).map(|n| vec![n]).collect()
        };
        let mine: Vec<&Window> = session.windows.iter().filter(|w| w.part == index).collect();
        for (contact, group) in groups.iter().enumerate() {
            for (row, t_s) in t_s.iter().enumerate() {
                let force_n: f64 = group.iter().map(|n| node(*n, row).force_n).sum();
                let mean = |of: &dyn Fn(&Felt) -> f64| {
                    let weighed = |n: &usize| node(*n, row).force_n * of(node(*n, row));
                    if force_n > 0.0 {
                        group.iter().map(weighed).sum::<f64>() / force_n
                    } else {
                        group.iter().map(|n| of(node(*n, row))).sum::<f64>() / group.len() as f64
                    }
                };
                let sum = |of: &dyn Fn(&Felt) -> f64| group.iter().map(|n| of(node(*n, row))).sum();
                felt.push(Felt {
                    t_s: *t_s,
                    part: index,
                    contact,
                    left: node(group[0], row).left,
                    force_n,
                    area_m2: sum(&|f| f.area_m2),
                    shear_n: sum(&|f| f.shear_n),
                    fraction: group
                        .iter()
                        .map(|n| node(*n, row).fraction)
                        .fold(0.0, f64::max),
                    u: mean(&|f| f.u),
                    x_m: mean(&|f| f.x_m),
                    working: mine.iter().any(|w| w.from_s <= *t_s && *t_s < w.to_s),
                });
            }
        }
    }
    felt
}
