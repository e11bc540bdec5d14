//! Moves of one axis that keep their speed and acceleration limits.

/// A move from rest to rest: steady acceleration, steady speed, steady braking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    from: f64,
    distance: f64,
    /// Time of acceleration and of braking, s.
    ramp_s: f64,
    pub(crate) duration_s: f64,
}

impl Move {
    /// Standing still.
    pub(crate) fn rest(at: f64, duration_s: f64) -> Move {
        Move {
            from: at,
            distance: 0.0,
            ramp_s: 0.0,
            duration_s,
        }
    }

    /// The quickest move within `speed` and `accel`.
    pub(crate) fn quick(from: f64, to: f64, speed: f64, accel: f64) -> Move {
        let way = (to - from).abs();
        // Too short to reach full speed: accelerate half of the way.
        let ramp_s = (speed / accel).min((way / accel).sqrt());
        let top = accel * ramp_s;
        Move {
            from,
            distance: to - from,
            ramp_s,
            duration_s: if way > 0.0 { way / top + ramp_s } else { 0.0 },
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
        // way = accel ramp (duration - ramp), the shorter of the two ramps.
        let half = 0.5 * duration_s;
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
        if share > 0.5 {
            return self.duration_s - self.time_at(1.0 - share);
        }
        let cruise_s = self.duration_s - self.ramp_s;
        let ramp_share = 0.5 * self.ramp_s / cruise_s;
        if share <= ramp_share {
            (2.0 * share * self.ramp_s * cruise_s).max(0.0).sqrt()
        } else {
            0.5 * self.ramp_s + share * cruise_s
        }
    }

    fn share(&self, t_s: f64) -> f64 {
        if self.distance == 0.0 || t_s <= 0.0 {
            return 0.0;
        }
        if t_s >= self.duration_s {
            return 1.0;
        }
        // Top speed, in shares per second; the area under the trapezoid is 1.
        let top = 1.0 / (self.duration_s - self.ramp_s);
        if t_s < self.ramp_s {
            0.5 * top * t_s * t_s / self.ramp_s
        } else if t_s <= self.duration_s - self.ramp_s {
            top * (t_s - 0.5 * self.ramp_s)
        } else {
            let left = self.duration_s - t_s;
            1.0 - 0.5 * top * left * left / self.ramp_s
        }
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
