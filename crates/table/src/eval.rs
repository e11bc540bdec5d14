//! The C runtime's arithmetic, word for word in integers: what it answers, this answers.

use crate::tables::{
    ACCEL_Q8_X2, Cap, DEPTH_PER_M, INFEASIBLE, NO_TECHNIQUE, PRESS_Q8, STATION_ONE, Step, Tables,
};

/// The runtime cut the value to the cap.
pub const CAP_APPLIED: u8 = 4;
/// Station beyond the table.
pub const STATION: u8 = 8;
/// Unknown body class.
pub const CLASS: u8 = 16;
/// Level out of range.
pub const LEVEL: u8 = 32;

/// Answer of [`Tables::eval`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lookup {
    /// 0.01 mm, capped.
    pub depth: i16,
    /// Expected node force, 0.01 N.
    pub force: u16,
    /// Expected motor current, mA.
    pub current: u16,
    /// Tuned and runtime flags.
    pub flags: u8,
}

/// How often each thing happened. Saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Station beyond the table.
    pub station_clamped: u16,
    /// Unknown class.
    pub class_unknown: u16,
    /// Level out of range.
    pub level_clamped: u16,
    /// Depth cut to the cap.
    pub cap_applied: u16,
    /// Hold cut to the dwell cap.
    pub dwell_limited: u16,
    /// Programme or image refused.
    pub refused: u16,
}

/// Columns around a station.
struct Place {
    low: usize,
    high: usize,
    frac: u32,
    flags: u8,
    row: usize,
}

impl Tables {
    /// `kneadlab_depth`: depth, expected force and current. `level` counts from 1.
    ///
    /// Along the station the maps are interpolated with a Q14 fraction; the level and the class are
    /// not. The caps of both columns come last. `None`: no such technique.
    pub fn eval(
        &self,
        counts: &mut Counts,
        technique: u8,
        body: u8,
        station: u16,
        level: u8,
    ) -> Option<Lookup> {
        self.eval_with_cap(counts, technique, body, station, level)
            .map(|(lookup, _)| lookup)
    }

    /// A lookup and the cap of its place, which is counted once.
    fn eval_with_cap(
        &self,
        counts: &mut Counts,
        technique: u8,
        body: u8,
        station: u16,
        level: u8,
    ) -> Option<(Lookup, Cap)> {
        let mut place = self.locate(counts, body, station);
        let cap = self.cap_of(&place);
        let mut level = level;
        if level < 1 || level > self.levels {
            level = 1;
            place.flags |= LEVEL;
            count_up(&mut counts.level_clamped);
        }
        if usize::from(technique) >= self.techniques.len() {
            return None;
        }
        let cell = |station| {
            self.cell(
                usize::from(technique),
                place.row,
                station,
                usize::from(level) - 1,
            )
        };
        let (low, high) = (cell(place.low), cell(place.high));
        let mut out = Lookup {
            depth: self.limits.retracted,
            force: 0,
            current: 0,
            flags: place.flags | self.flags[low] | self.flags[high],
        };
        if out.flags & INFEASIBLE == 0 {
            out.depth = lerp_signed(self.depth[low], self.depth[high], place.frac);
            out.force = lerp(self.force[low], self.force[high], place.frac).min(cap.force);
            out.current = lerp(self.current[low], self.current[high], place.frac);
        }
        if out.depth > cap.depth {
            out.depth = cap.depth;
            out.flags |= CAP_APPLIED;
            count_up(&mut counts.cap_applied);
        }
        Some((out, cap))
    }

    /// `kneadlab_cap`: value by value the smaller of the two columns. The zone is that of the force.
    pub fn cap(&self, counts: &mut Counts, body: u8, station: u16) -> (Cap, u8) {
        let place = self.locate(counts, body, station);
        (self.cap_of(&place), place.flags)
    }

    /// `kneadlab_class`: the first class that holds the body; 255 where none does.
    pub fn class(&self, stature_mm: u16, bmi_x100: u16) -> u8 {
        self.classes
            .iter()
            .position(|c| {
                (c.stature_min..c.stature_max).contains(&stature_mm)
                    && (c.bmi_min..c.bmi_max).contains(&bmi_x100)
            })
            .map_or(255, |i| i as u8)
    }

    /// `kneadlab_station`: station from u in Q14.
    pub fn station(&self, u_q14: i16) -> u16 {
        let along = i32::from(u_q14) - i32::from(self.from_q14);
        let span = i32::from(self.to_q14) - i32::from(self.from_q14);
        if along <= 0 {
            return 0;
        }
        if along >= span {
            return self.last_station();
        }
        let (along, span) = (along as u32, span as u32);
        ((along * u32::from(self.last_station()) + span / 2) / span) as u16
    }

    /// The depth in metres at u, as firmware commands it: through the Q14 station, capped.
    /// Retracted where there is no such technique.
    pub fn depth_m(&self, technique: u8, body: u8, u: f64, level: u8) -> f64 {
        let station = self.station((u * 16384.0).round() as i16);
        let depth = self
            .eval(&mut Counts::default(), technique, body, station, level)
            .map_or(self.limits.retracted, |lookup| lookup.depth);
        f64::from(depth) / DEPTH_PER_M
    }

    fn cap_of(&self, place: &Place) -> Cap {
        self.caps[self.cap_index(place.row, place.low)]
            .strictest(self.caps[self.cap_index(place.row, place.high)])
    }

    fn locate(&self, counts: &mut Counts, body: u8, station: u16) -> Place {
        let mut flags = 0;
        let mut at = station;
        if at > self.last_station() {
            at = self.last_station();
            flags |= STATION;
            count_up(&mut counts.station_clamped);
        }
        let mut row = usize::from(body);
        if row >= self.class_names.len() {
            row = self.class_names.len();
            flags |= CLASS;
            count_up(&mut counts.class_unknown);
        }
        let low = usize::from(at / STATION_ONE);
        let frac = u32::from(at % STATION_ONE) * (16384 / u32::from(STATION_ONE));
        let high = if frac == 0 { low } else { low + 1 };
        Place {
            low,
            high,
            frac,
            flags,
            row,
        }
    }
}

fn count_up(counter: &mut u16) {
    *counter = counter.saturating_add(1);
}

/// `(a (2^14 - f) + b f + 2^13) >> 14`, unsigned: convex, so it never leaves [a, b].
fn lerp(a: u16, b: u16, frac: u32) -> u16 {
    ((u32::from(a) * (16384 - frac) + u32::from(b) * frac + 8192) >> 14) as u16
}

/// The same in offset binary.
fn lerp_signed(a: i16, b: i16, frac: u32) -> i16 {
    let offset = |v: i16| (i32::from(v) + 32768) as u16;
    (i32::from(lerp(offset(a), offset(b), frac)) - 32768) as i16
}

/// Phase of a step, with the C runtime's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Pulling the nodes back.
    #[default]
    Retract = 0,
    /// Carriage on its way.
    Travel = 1,
    /// Protruding.
    Approach = 2,
    /// Holding, kneading or rolling.
    Work = 3,
    /// The programme is over.
    Done = 4,
    /// Something failed: run the fallback.
    Fault = 5,
}

/// Why a programme stopped, with the C runtime's status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No such technique.
    Technique = 19,
    /// A declared condition forbids the programme, or a required one is missing.
    Condition = 20,
    /// The user pressed stop.
    Stop = 21,
    /// Too long between two calls.
    Watchdog = 22,
    /// Session limit.
    Session = 23,
    /// A step did not end.
    Timeout = 24,
}

/// What the machine reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs {
    /// Ticks since the last call.
    pub ticks: u16,
    /// Where the carriage is.
    pub station: u16,
    /// Where the protrusion is.
    pub depth: i16,
    /// Kneading turns, free running.
    pub cycles: u16,
    /// User strength, added to the level.
    pub trim: i8,
    /// The user wants to stop.
    pub stop: bool,
}

/// A park of this: the kneading shaft stops where it is, since the nodes may still press.
pub const SHAFT_STAYS: u16 = 0xFFFF;

/// What the machine shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Command {
    /// Go there.
    pub station: u16,
    /// Protrude to here, already limited in speed and acceleration.
    pub depth: i16,
    /// Carriage speed, 0.1 mm/s.
    pub speed: u16,
    /// While it does not knead: turn the kneading shaft there, 0.01 degree; or [`SHAFT_STAYS`].
    pub park: u16,
    /// Row.
    pub step: u16,
    /// Index, or [`NO_TECHNIQUE`].
    pub technique: u8,
    /// Speed of the kneading shaft, 0.01 turns a minute; 0: it does not turn.
    pub knead: u16,
    /// The slide itself comes out no faster, 0.125 mm/s; 0: as fast as it can, to follow a rolled back.
    pub press: u8,
    /// Phase after the call.
    pub phase: Phase,
    /// Flags of the lookup behind `depth`.
    pub flags: u8,
}

/// `kneadlab_prog_*`: a running programme.
#[derive(Clone, Debug)]
pub struct Programme<'a> {
    tables: &'a Tables,
    rows: &'a [Step],
    fallback: bool,
    body: u8,
    depth_q8: i32,
    rate: i32,
    session_ticks: u32,
    step_ticks: u32,
    work_ticks: u32,
    step: u16,
    point: u16,
    pass: u16,
    cycles_at_start: u16,
    phase: Phase,
    fault: Option<Fault>,
    /// Counters of the lookups and of cut holds.
    pub counts: Counts,
}

impl<'a> Programme<'a> {
    /// Starts the programme for a body class under the declared conditions.
    pub fn start(tables: &'a Tables, body: u8, conditions: u32, depth_now: i16) -> Self {
        let mut p = Self::new(tables, &tables.steps, false, body, depth_now);
        let l = &tables.limits;
        if conditions & l.forbids != 0 || conditions & l.requires != l.requires {
            p.phase = Phase::Fault;
            p.fault = Some(Fault::Condition);
            count_up(&mut p.counts.refused);
        }
        p
    }

    /// Starts the fallback, which is never refused.
    pub fn start_fallback(tables: &'a Tables, depth_now: i16) -> Self {
        Self::new(tables, &tables.fallback, true, 255, depth_now)
    }

    fn new(tables: &'a Tables, rows: &'a [Step], fallback: bool, body: u8, depth_now: i16) -> Self {
        let mut p = Programme {
            tables,
            rows,
            fallback,
            body,
            depth_q8: i32::from(depth_now) * 256,
            rate: 0,
            session_ticks: 0,
            step_ticks: 0,
            work_ticks: 0,
            step: 0,
            point: 0,
            pass: 0,
            cycles_at_start: 0,
            phase: Phase::Retract,
            fault: None,
            counts: Counts::default(),
        };
        p.enter(0);
        p
    }

    /// Why it stopped, if it did.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// One tick.
    pub fn step(&mut self, input: &Inputs) -> Command {
        let retracted = self.tables.limits.retracted;
        let mut out = Command {
            step: self.step,
            technique: NO_TECHNIQUE,
            press: self.press(),
            park: SHAFT_STAYS,
            ..Command::default()
        };
        let mut goal = Lookup {
            depth: retracted,
            ..Lookup::default()
        };
        let mut cap = None;
        if !self.over() {
            self.session_ticks = self.session_ticks.wrapping_add(u32::from(input.ticks));
            self.step_ticks = self.step_ticks.wrapping_add(u32::from(input.ticks));
            match self.watch(input).and_then(|()| self.aim(input)) {
                Ok(None) => {}
                Ok(Some((lookup, its_cap))) => {
                    goal = lookup;
                    cap = Some(its_cap);
                }
                Err(fault) => {
                    self.phase = Phase::Fault;
                    self.fault = Some(fault);
                }
            }
        }
        for _ in 0..input.ticks.min(100) {
            self.slew(goal.depth);
        }
        if let Some(cap) = cap
            && self.depth_q8 > i32::from(cap.depth) * 256
        {
            // A cap that comes nearer while the carriage moves wins over the speed limit.
            self.depth_q8 = i32::from(cap.depth) * 256;
            goal.flags |= CAP_APPLIED;
        }
        if !self.over() {
            out.flags = goal.flags;
            let dwell = cap.map_or(0, |c| c.dwell);
            self.act(input, goal.depth, dwell, &mut out);
        }
        if self.over() {
            out.station = input.station;
            out.speed = 0;
            out.park = SHAFT_STAYS;
            out.technique = NO_TECHNIQUE;
            out.knead = 0;
        }
        out.depth = self.depth();
        out.phase = self.phase;
        out
    }

    fn over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Fault)
    }

    fn enter(&mut self, step: u16) {
        self.step = step;
        self.step_ticks = 0;
        self.pass = 0;
        match self.rows.get(usize::from(step)) {
            Some(row) => {
                self.phase = Phase::Retract;
                self.point = row.from;
            }
            None => self.phase = Phase::Done,
        }
    }

    fn watch(&self, input: &Inputs) -> Result<(), Fault> {
        let limits = &self.tables.limits;
        if input.stop {
            return if self.fallback {
                Ok(())
            } else {
                Err(Fault::Stop)
            };
        }
        if !self.fallback {
            if input.ticks > limits.watchdog {
                return Err(Fault::Watchdog);
            }
            if self.session_ticks > u32::from(limits.session) * 100 {
                return Err(Fault::Session);
            }
        }
        if self.step_ticks > u32::from(self.rows[usize::from(self.step)].timeout) * 100 {
            return Err(Fault::Timeout);
        }
        Ok(())
    }

    fn at_station(&self, input: &Inputs, station: u16) -> bool {
        near(input.station, station, self.tables.limits.station_tolerance)
    }

    /// Depth and cap of where the carriage is, or, once it has arrived, of where it should be; `None` while the
    /// nodes do not touch.
    fn aim(&mut self, input: &Inputs) -> Result<Option<(Lookup, Cap)>, Fault> {
        if !matches!(self.phase, Phase::Approach | Phase::Work) {
            return Ok(None);
        }
        let row = self.rows[usize::from(self.step)];
        let rolls = row.end == 0 && self.phase == Phase::Work;
        let at = if rolls || !self.at_station(input, self.point) {
            input.station
        } else {
            self.point
        };
        let level = (i32::from(row.level) + i32::from(input.trim))
            .min(i32::from(self.tables.levels))
            .max(1) as u8;
        self.tables
            .eval_with_cap(&mut self.counts, row.technique, self.body, at, level)
            .map(Some)
            .ok_or(Fault::Technique)
    }

    /// Moves the phase on.
    fn act(&mut self, input: &Inputs, goal: i16, dwell: u16, out: &mut Command) {
        let row = self.rows[usize::from(self.step)];
        out.station = self.point;
        out.speed = row.speed;
        if self.phase != Phase::Retract {
            // A turn under pressure would drag the nodes to where none may press.
            out.park = row.park;
        }
        out.technique = row.technique;
        let arrived = self.depth() == goal
            && near_depth(input.depth, goal, self.tables.limits.depth_tolerance);
        match self.phase {
            Phase::Retract => {
                out.station = input.station;
                if arrived {
                    self.phase = Phase::Travel;
                }
            }
            Phase::Travel => {
                if self.at_station(input, self.point) {
                    if row.technique == NO_TECHNIQUE {
                        self.leave(&row);
                    } else {
                        self.phase = Phase::Approach;
                    }
                }
            }
            Phase::Approach => {
                if arrived {
                    self.phase = Phase::Work;
                    self.work_ticks = 0;
                    self.cycles_at_start = input.cycles;
                }
            }
            _ => {
                self.work_ticks = self.work_ticks.wrapping_add(u32::from(input.ticks));
                if row.end == 0 {
                    out.press = 0;
                    out.station = if self.pass & 1 == 0 { row.to } else { row.from };
                    if self.at_station(input, out.station) {
                        self.leave(&row);
                    }
                } else {
                    let dwell = u32::from(dwell) * 10;
                    let turns = input.cycles.wrapping_sub(self.cycles_at_start);
                    out.knead = if row.end == 2 { row.hold } else { 0 };
                    if (row.end == 1 && self.work_ticks >= u32::from(row.hold))
                        || (row.end == 2 && turns >= row.cycles)
                    {
                        self.leave(&row);
                    } else if self.work_ticks >= dwell {
                        count_up(&mut self.counts.dwell_limited);
                        self.leave(&row);
                    }
                }
            }
        }
    }

    fn leave(&mut self, row: &Step) {
        if row.end == 0 {
            self.pass = self.pass.wrapping_add(1);
            self.step_ticks = 0;
            if row.technique == NO_TECHNIQUE || self.pass >= row.cycles {
                self.enter(self.step + 1);
            }
            return;
        }
        let next = row.next_point(self.point);
        if next == self.point {
            self.enter(self.step + 1);
        } else {
            self.point = next;
            self.step_ticks = 0;
            self.phase = Phase::Retract;
        }
    }

    /// Press speed of the row that runs, or ran last.
    fn press(&self) -> u8 {
        let row = self.rows.get(usize::from(self.step)).or(self.rows.last());
        row.map_or(0, |row| row.press)
    }

    /// One tick of the commanded depth, within speed and acceleration: as fast as can still be braked on the way that is left.
    fn slew(&mut self, target: i16) {
        let limits = &self.tables.limits;
        let more = i32::from(limits.accel) * ACCEL_Q8_X2 / 2;
        let way = i32::from(target) * 256 - self.depth_q8;
        let mut fastest = i32::from(limits.speed_q8);
        if way >= 0 {
            fastest = fastest.min(i32::from(self.press()) * PRESS_Q8);
        }
        // The speeds of the braking, the last one first.
        let (mut left, mut most) = (way.abs() - more, more);
        while left >= most + more && most < fastest {
            most += more;
            left -= most;
        }
        let most = most.min(fastest);
        self.rate += (way.clamp(-most, most) - self.rate).clamp(-more, more);
        self.depth_q8 += self.rate;
    }

    /// Rounded down, so that a fraction never lies over a cap.
    fn depth(&self) -> i16 {
        (self.depth_q8 >> 8) as i16
    }
}

fn near(a: u16, b: u16, tolerance: u16) -> bool {
    a.abs_diff(b) <= tolerance
}

fn near_depth(a: i16, b: i16, tolerance: u16) -> bool {
    a.abs_diff(b) <= tolerance
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::{example, quantise};

    fn tables(speed_m_s: f64, accel_m_s2: f64) -> Tables {
        let mut model = example::model(1, 4, 5);
        model.limits.protrude_speed_max_m_s = speed_m_s;
        model.limits.protrude_accel_max_m_s2 = accel_m_s2;
        for row in &mut model.programme {
            row.press_speed_m_s = 0.006;
        }
        quantise(&model).unwrap()
    }

    /// Rest to rest over 30 mm within 25 mm/s and 100 mm/s2: in 30 / 25 + 25 / 100 = 1.45 s by hand; out at the press speed of
    /// 6 mm/s in 30 / 6 + 6 / 100 = 5.06 s. The runtime brakes with 2.5 / 2.56 of the acceleration, in whole ticks: 3 % and 3 ticks.
    /// Never faster, never harder, never beyond.
    #[test]
    fn val_the_commanded_depth_is_a_trapezoid() {
        let t = tables(0.025, 0.1);
        for (from, to, speed_mm_s, time_s) in [(3000, 0, 25.0, 1.45), (0, 3000, 6.0, 5.06)] {
            let mut p = Programme::start(&t, 0, t.limits.requires, from);
            let (mut ticks, mut before) = (0, 0);
            while p.depth_q8 != i32::from(to) * 256 || p.rate != 0 {
                p.slew(to);
                ticks += 1;
                let mm = |q8: i32| f64::from(q8) / 25_600.0;
                assert!(mm(p.rate.abs()) * 100.0 <= speed_mm_s, "{ticks}");
                assert!(mm((p.rate - before).abs()) * 1e4 <= 100.0, "{ticks}");
                assert!((0..=3000 * 256).contains(&p.depth_q8), "{ticks}");
                before = p.rate;
                assert!(ticks < 2000, "it never arrives");
            }
            let off = f64::from(ticks) - 100.0 * time_s;
            assert!(off.abs() < 3.0 + 3.0 * time_s, "{ticks} ticks, {time_s} s");
        }
    }

    /// Goals that jump at any time, and commands of any number of ticks: speed and acceleration hold all the same, and a goal that
    /// stays is reached to the unit.
    #[test]
    fn no_goal_makes_it_leap() {
        let mut state = 7_u32;
        let mut below = move |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % n
        };
        for case in 0..200 {
            let speed_m_s = 0.002 + 0.12 * f64::from(below(1000)) / 1000.0;
            let accel_m_s2 = speed_m_s * (1.0 + f64::from(below(50)));
            let t = tables(speed_m_s, accel_m_s2);
            let mut p = Programme::start(&t, 0, t.limits.requires, 0);
            let (fast, more) = (
                i32::from(t.limits.speed_q8),
                i32::from(t.limits.accel) * 5 / 2,
            );
            let mut goal = 0;
            for tick in 0..3000 {
                if tick < 2000 && below(60) == 0 {
                    goal = below(8000) as i16 - 3000;
                }
                let before = p.rate;
                p.slew(goal);
                assert!((-fast..=fast).contains(&p.rate), "case {case}, tick {tick}");
                assert!((p.rate - before).abs() <= more, "case {case}, tick {tick}");
            }
            let far_s = 0.08 / speed_m_s.min(0.006) + 1.0;
            if far_s < 10.0 {
                assert_eq!((p.depth(), p.rate), (goal, 0), "case {case}");
            }
        }
    }
}
