//! Moves of one axis that keep their limits of speed, acceleration and jerk.

use crate::machine::JERK_S;

/// A move from rest to rest: steady acceleration, steady speed, steady braking, and all of it a mean over a short window, so that the acceleration comes and
/// goes evenly: `x(t) = 1/w integral of x0 from t - w to t`, `x0` being the trapezoid of speed. A mean passes no limit that `x0` keeps, and its
/// jerk is `(a0(t) - a0(t - w)) / w`. The window is `JERK_S`, or twice that where braking follows acceleration sooner, so jerk is within
/// `accel / JERK_S` either way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    from: f64,
    distance: f64,
    /// Time of acceleration and of braking of the trapezoid, s.
    ramp_s: f64,
    /// The window, s; 0 stands still.
    round_s: f64,
    pub(crate) duration_s: f64,
}

impl Move {
    /// Standing still.
    pub(crate) fn rest(at: f64, duration_s: f64) -> Move {
        Move {
            from: at,
            distance: 0.0,
            ramp_s: 0.0,
            round_s: 0.0,
            duration_s,
        }
    }

    /// The quickest such move within `speed` and `accel`.
    pub(crate) fn quick(from: f64, to: f64, speed: f64, accel: f64) -> Move {
        let way = (to - from).abs();
        if way == 0.0 {
            return Move::rest(from, 0.0);
        }
        // Too short to reach full speed: accelerate half of the way.
        let ramp_s = (speed / accel).min((way / accel).sqrt());
        let top = accel * ramp_s;
        let steady_s = way / top - ramp_s;
        let round_s = if steady_s < JERK_S {
            2.0 * JERK_S
        } else {
            JERK_S
        };
        Move {
            from,
            distance: to - from,
            ramp_s,
            round_s,
            duration_s: way / top + ramp_s + round_s,
        }
    }

    /// As [`quick`](Self::quick), but at least `duration_s` long, at the lowest top speed: that keeps force rates
    /// low.
    pub(crate) fn paced(from: f64, to: f64, speed: f64, accel: f64, duration_s: f64) -> Move {
        let quick = Move::quick(from, to, speed, accel);
        let way = (to - from).abs();
        if way == 0.0 {
            return Move::rest(from, duration_s);
        }
        if quick.duration_s >= duration_s {
            return quick;
        }
        // way = accel ramp (duration - ramp) of the trapezoid, the shorter of the two ramps.
        let half = 0.5 * (duration_s - quick.round_s);
        let ramp_s = way / accel / (half + (half * half - way / accel).max(0.0).sqrt());
        Move {
            ramp_s,
            duration_s,
            ..quick
        }
    }

    pub(crate) fn at(&self, t_s: f64) -> f64 {
        self.from + self.distance * self.share(t_s)
    }

    /// When the move has covered `share` (0 to 1) of its way, s.
    pub(crate) fn time_at(&self, share: f64) -> f64 {
        if share <= 0.0 || self.distance == 0.0 {
            return 0.0;
        }
        // It only ever goes on.
        let (mut low_s, mut high_s) = (0.0, self.duration_s);
        for _ in 0..60 {
            let middle_s = 0.5 * (low_s + high_s);
            if self.share(middle_s) < share {
                low_s = middle_s;
            } else {
                high_s = middle_s;
            }
        }
        high_s
    }

    fn share(&self, t_s: f64) -> f64 {
        if self.distance == 0.0 || t_s <= 0.0 {
            return 0.0;
        }
        if t_s >= self.duration_s {
            return 1.0;
        }
        // The second half is the first one backwards.
        if t_s > 0.5 * self.duration_s {
            return 1.0 - self.share(self.duration_s - t_s);
        }
        let (ramp_s, round_s) = (self.ramp_s, self.round_s);
        let trapezoid_s = self.duration_s - round_s;
        // Top speed, in shares per second; the area under the trapezoid is 1.
        let top = 1.0 / (trapezoid_s - ramp_s);
        if t_s - round_s >= ramp_s && t_s <= trapezoid_s - ramp_s {
            return top * (t_s - 0.5 * (round_s + ramp_s));
        }
        // The trapezoid's share, from 0 to t.
        let area = |t_s: f64| {
            let early = |t_s: f64| {
                if t_s <= 0.0 {
                    0.0
                } else if t_s < ramp_s {
                    top * t_s * t_s * t_s / (6.0 * ramp_s)
                } else {
                    let on_s = t_s - ramp_s;
                    top * (ramp_s * ramp_s / 6.0 + 0.5 * on_s * (ramp_s + on_s))
                }
            };
            if t_s <= trapezoid_s - ramp_s {
                early(t_s)
            } else {
                t_s - 0.5 * trapezoid_s + early(trapezoid_s - t_s)
            }
        };
        (area(t_s) - area(t_s - round_s)) / round_s
    }
}

/// A smooth curve through points (x rising): cubic pieces with continuous slope that never overshoot the points
/// (Fritsch and Butland 1984, SIAM J Sci Stat Comput 5:300; slope 0 at the ends).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    /// (x, y, dy/dx).
    knots: Vec<(f64, f64, f64)>,
}

impl Curve {
    pub(crate) fn through(points: &[(f64, f64)]) -> Curve {
        let slope = |i: usize| (points[i + 1].1 - points[i].1) / (points[i + 1].0 - points[i].0);
        let knots = (0..points.len())
            .map(|i| {
                let inner = i > 0 && i + 1 < points.len();
                let tangent = if inner && slope(i - 1) * slope(i) > 0.0 {
                    let (before, after) = (slope(i - 1), slope(i));
                    let (hb, ha) = (points[i].0 - points[i - 1].0, points[i + 1].0 - points[i].0);
                    let (wb, wa) = (2.0 * ha + hb, ha + 2.0 * hb);
                    (wb + wa) / (wb / before + wa / after)
                } else {
                    0.0
                };
                (points[i].0, points[i].1, tangent)
            })
            .collect();
        Curve { knots }
    }

    pub(crate) fn at(&self, x: f64) -> f64 {
        let after = self
            .knots
            .partition_point(|knot| knot.0 < x)
            .clamp(1, self.knots.len() - 1);
        let (a, b) = (self.knots[after - 1], self.knots[after]);
        let h = b.0 - a.0;
        let t = ((x - a.0) / h).clamp(0.0, 1.0);
        let (t2, t3) = (t * t, t * t * t);
        a.1 * (2.0 * t3 - 3.0 * t2 + 1.0)
            + b.1 * (3.0 * t2 - 2.0 * t3)
            + h * (a.2 * (t3 - 2.0 * t2 + t) + b.2 * (t3 - t2))
    }

    /// Greatest |dy/dx| and |d²y/dx²|.
    pub(crate) fn steepest(&self) -> (f64, f64) {
        let (mut first, mut second) = (0.0_f64, 0.0_f64);
        for pair in self.knots.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let h = b.0 - a.0;
            let chord = (b.1 - a.1) / h;
            // y' is a parabola: its ends, and its middle where that lies between (a bound: its vertex is no higher
            // than the Bezier control value).
            let control = 3.0 * chord - a.2 - b.2;
            first = first.max(a.2.abs()).max(b.2.abs()).max(control.abs());
            second = second
                .max(((6.0 * chord - 4.0 * a.2 - 2.0 * b.2) / h).abs())
                .max(((6.0 * chord - 2.0 * a.2 - 4.0 * b.2) / h).abs());
        }
        (first, second)
    }
}
