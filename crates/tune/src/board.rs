//! The machine around a firmware: what a customer's drives make of its orders.

use crate::firmware::{Firmware, Order, Sensed, State, TICK_S};
use crate::touch::TouchProfile;
use crate::tuned::RETRACTED_M;
use program::{AxisLimits, DriveCommand, Mark, MarkKind, Phase, Placement, Technique};
use sim::Frame;
use std::f64::consts::TAU;

/// The slide counts as all the way in this near to its stop, m.
const IN_M: f64 = 0.0005;

/// Reads the axes, asks the firmware every tick, and leads the axes from one order to the next within their limits.
///
/// An order holds for a tick, so the slide is led straight from the last depth to the new one: it comes 10 ms late, and
/// without it a drive would start and stop a hundred times a second. The body scan (touch, stations) is the study's.
pub(crate) struct Board<'a> {
    firmware: Box<dyn Firmware + 'a>,
    placement: &'a Placement,
    touch: &'a TouchProfile,
    limits: AxisLimits,
    walk: Axis,
    knead: Axis,
    slide: Axis,
    /// Slide command of the last two ticks, m.
    slide_m: [f64; 2],
    order: Option<Order>,
    ticks: u64,
    /// Way of the shaft since it began to turn.
    turned_rad: f64,
    /// Whole turns, free running.
    turns: u16,
    turn_began_s: f64,
    /// Start of every hold, turn and pass.
    pub marks: Vec<Mark>,
}

impl<'a> Board<'a> {
    /// At rest where `now` stands.
    pub fn new(
        firmware: Box<dyn Firmware + 'a>,
        placement: &'a Placement,
        touch: &'a TouchProfile,
        limits: AxisLimits,
        now: &Frame,
    ) -> Board<'a> {
        Board {
            firmware,
            placement,
            touch,
            walk: Axis::at(now.drive.walk_m, limits.walk_m_s2),
            knead: Axis::at(now.drive.knead_rad, limits.knead_rad_s2),
            slide: Axis::at(now.drive.protrude_m, limits.protrude_m_s2),
            slide_m: [now.drive.protrude_m; 2],
            limits,
            order: None,
            ticks: 0,
            turned_rad: 0.0,
            turns: 0,
            turn_began_s: 0.0,
            marks: Vec::new(),
        }
    }

    /// The fault that the firmware stopped with.
    pub fn fault(&self) -> Option<u8> {
        match self.order?.state {
            State::Fault(code) => Some(code),
            _ => None,
        }
    }

    /// Where the axes shall be at `t_s`, the machine standing as in `now`; `None` when the programme is over and the slide is in.
    pub fn command(&mut self, now: &Frame, t_s: f64) -> Option<DriveCommand> {
        let dt_s = t_s - now.t_s;
        // Ticks that begin before the step's end; half a nanosecond against rounding.
        let due = ((t_s - 5e-10) / TICK_S).ceil() as u64;
        while self.ticks < due {
            self.ticks += 1;
            self.tick(now, t_s);
        }
        let order = self.order?;
        let phase = match order.state {
            State::Running(phase) => phase,
            State::Done | State::Fault(_) if self.slide.position < IN_M => return None,
            State::Done | State::Fault(_) => Phase::Release,
        };

        let walk_m = self.placement.walk_m(order.u);
        let speed = order.walk_m_s.min(self.limits.walk_m_s);
        self.walk.follow(walk_m, 0.0, [-speed, speed], dt_s);

        let [before, after] = self.slide_m;
        let since = ((t_s - (self.ticks - 1) as f64 * TICK_S) / TICK_S).clamp(0.0, 1.0);
        let target = before + since * (after - before);
        let inward = self.limits.protrude_m_s;
        let outward = order.slide_m_s.min(inward);
        let rate = ((after - before) / TICK_S).clamp(-inward, outward);
        self.slide.follow(target, rate, [-inward, outward], dt_s);

        let knead_rad_s = order.knead_rad_s.min(self.limits.knead_rad_s);
        if order.knead {
            self.knead.run(knead_rad_s, dt_s);
            self.turn(self.knead.rate * dt_s, &order, t_s);
        } else {
            self.turned_rad = 0.0;
            match order.park_rad {
                Some(park_rad) => {
                    let turn = park_rad - self.knead.position;
                    let parked = self.knead.position + turn - TAU * (turn / TAU).round();
                    self.knead
                        .follow(parked, 0.0, [-knead_rad_s, knead_rad_s], dt_s);
                }
                None => self.knead.run(0.0, dt_s),
            }
        }

        Some(DriveCommand {
            walk_m: self.walk.position,
            protrude_m: self.slide.position,
            knead_rad: self.knead.position,
            tap_rad: 0.0,
            phase,
            technique: order.technique,
            level: order.level,
            step: order.step,
            u: self.placement.station(self.walk.position),
        })
    }

    /// One call of the firmware.
    fn tick(&mut self, now: &Frame, t_s: f64) {
        let u = self.placement.station(now.drive.walk_m);
        let technique = self.order.map_or(Technique::Press, |o| o.technique);
        let protrude_m = now.drive.protrude_m;
        let depth_m = if let Some(beyond_m) = self.at_stop(u, protrude_m) {
            beyond_m
        } else if protrude_m < IN_M {
            RETRACTED_M
        } else {
            // A place short of the stop is never reported as the stop.
            (protrude_m - self.touch.datum_m(technique, u)).max(RETRACTED_M + 4.0 * IN_M)
        };
        let order = self.firmware.tick(&Sensed {
            ticks: 1,
            u,
            depth_m,
            turns: self.turns,
        });
        let slide_m = self.touch.command_m(
            order.technique,
            u,
            order.depth_m,
            self.limits.protrude_max_m,
        );
        self.slide_m = [self.slide_m[1], slide_m];
        self.note(&order, t_s);
        self.order = Some(order);
    }

    /// The ordered depth, where it lies beyond the slide's stroke and the slide stands at that end: it goes no further.
    fn at_stop(&self, u: f64, protrude_m: f64) -> Option<f64> {
        let order = self.order.filter(|o| o.depth_m > RETRACTED_M)?;
        let asked_m = self.touch.datum_m(order.technique, u) + order.depth_m;
        let stroke_m = self.limits.protrude_max_m;
        let cut_m = asked_m.clamp(0.0, stroke_m);
        (cut_m != asked_m && (protrude_m - cut_m).abs() < IN_M).then_some(order.depth_m)
    }

    /// Marks the hold, turn or pass that an order begins.
    fn note(&mut self, order: &Order, t_s: f64) {
        if order.state != State::Running(Phase::Contact) {
            return;
        }
        let before = self.order.filter(|b| b.state == order.state);
        let kind = match order.technique {
            Technique::Press if before.is_none() => MarkKind::PressHold,
            // The tick in which the slide arrives still stands at the start.
            Technique::Roll if before.is_some_and(|b| b.u != order.u) => MarkKind::RollPass,
            _ => return,
        };
        self.mark(kind, order, t_s);
    }

    /// Counts the shaft's way and marks the turns that begin, once a twentieth of one is done: firmware stops the shaft a tick
    /// after its last turn, and that is no further turn.
    fn turn(&mut self, way_rad: f64, order: &Order, t_s: f64) {
        let before = self.turned_rad / TAU;
        self.turned_rad += way_rad;
        let after = self.turned_rad / TAU;
        if before == 0.0 || after.floor() > before.floor() {
            self.turn_began_s = t_s;
        }
        self.turns = self
            .turns
            .wrapping_add((after.floor() - before.floor()) as u16);
        if (after + 0.95).floor() > (before + 0.95).floor() {
            self.mark(MarkKind::KneadCycle, order, self.turn_began_s);
        }
    }

    fn mark(&mut self, kind: MarkKind, order: &Order, t_s: f64) {
        self.marks.push(Mark {
            t_s,
            kind,
            step: order.step,
            u: order.u,
        });
    }
}

/// One axis and the way it moves: from where it is, within speed and acceleration.
#[derive(Clone, Copy, Debug)]
struct Axis {
    position: f64,
    rate: f64,
    accel: f64,
}

impl Axis {
    fn at(position: f64, accel: f64) -> Axis {
        Axis {
            position,
            rate: 0.0,
            accel,
        }
    }

    /// Towards a target that itself moves at `target_rate`, at a speed between `limits`.
    ///
    /// The speed beyond the target's is the `v` of `v dt + v^2 / (2 a) = gap`: after this step, braking ends on the target.
    fn follow(&mut self, target: f64, target_rate: f64, limits: [f64; 2], dt_s: f64) {
        // What the target itself moves in this step is in its rate.
        let gap = target - target_rate * dt_s - self.position;
        let a = self.accel;
        let beyond = a * ((dt_s * dt_s + 2.0 * gap.abs() / a).sqrt() - dt_s);
        let wanted = (target_rate + beyond.copysign(gap)).clamp(limits[0], limits[1]);
        self.move_at(wanted, dt_s);
    }

    /// Round and round, or braking to a stop.
    fn run(&mut self, rate: f64, dt_s: f64) {
        self.move_at(rate, dt_s);
    }

    fn move_at(&mut self, wanted: f64, dt_s: f64) {
        let most = self.accel * dt_s;
        self.rate += (wanted - self.rate).clamp(-most, most);
        self.position += self.rate * dt_s;
    }
}

#[cfg(test)]
mod test {
    use super::Axis;

    /// 100 mm at 50 mm/s and 200 mm/s^2: 0.1 / 0.05 + 0.05 / 0.2 = 2.25 s by hand, and a step or two to come to rest.
    #[test]
    fn val_an_axis_takes_the_time_of_a_trapezoid() {
        let mut axis = Axis::at(0.0, 0.2);
        let dt_s = 0.004;
        let mut steps = 0;
        let (mut fastest, mut farthest): (f64, f64) = (0.0, 0.0);
        while (axis.position - 0.1).abs() > 1e-6 {
            axis.follow(0.1, 0.0, [-0.05, 0.05], dt_s);
            steps += 1;
            fastest = fastest.max(axis.rate);
            farthest = farthest.max(axis.position);
            assert!(steps < 1000, "it never arrives");
        }
        let t_s = f64::from(steps) * dt_s;
        assert!((t_s - 2.25).abs() < 0.05, "{t_s} s");
        assert!(fastest <= 0.05 + 1e-12 && farthest < 0.1 + 1e-6);
    }

    /// A target that runs away at 10 mm/s is caught and not left again.
    #[test]
    fn an_axis_keeps_up_with_a_moving_target() {
        let mut axis = Axis::at(0.0, 0.1);
        let dt_s = 0.004;
        for i in 1..=500 {
            let target = 0.010 * f64::from(i) * dt_s;
            axis.follow(target, 0.010, [-0.025, 0.025], dt_s);
            if i > 250 {
                assert!((axis.position - target).abs() < 1e-5);
            }
        }
    }
}
