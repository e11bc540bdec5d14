//! The rail as a curve: from arcs with blended curvature to position and heading.

use crate::mechanism::Track;

/// A built [`Track`].
///
/// `s` runs from the top (0) down to `length_m`. With heading `h`, the downward tangent is `(y, z)' = (sin h, -cos
/// h)` and `h' = kappa(s)`. The curvature is constant in an arc and changes linearly over `blend_m` around each
/// joint, so that joints keep the heading of the plain arcs outside the blend. Heading is exact; the position is
/// Gauss-integrated over 1 mm pieces and interpolated by cubic Hermite, good to 1e-9 m for radii over 50 mm. Beyond
/// its ends the rail goes on straight.
#[derive(Clone, Debug)]
pub struct TrackCurve {
    /// Joints of the piecewise linear curvature: (s, heading, curvature), sorted by s.
    joints: Vec<Joint>,
    /// (y, z) every `step_m`.
    points: Vec<[f64; 2]>,
    step_m: f64,
    length_m: f64,
}

/// Where the rail is, and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackPose {
    /// Forward, machine frame, m.
    pub y_m: f64,
    /// Up, machine frame, m.
    pub z_m: f64,
    /// Tilt of the downward tangent from straight down, rad; > 0 leans to the user going down.
    pub heading_rad: f64,
}

#[derive(Clone, Copy, Debug)]
struct Joint {
    s_m: f64,
    heading_rad: f64,
    curvature_1_m: f64,
}

impl TrackCurve {
    /// Builds the curve. Arcs of no or negative length are left out (see
    /// [`Mechanism::check`](crate::Mechanism::check)).
    pub fn new(track: &Track) -> TrackCurve {
        let arcs: Vec<(f64, f64)> = track
            .arcs
            .iter()
            .filter(|arc| arc.length_m > 0.0 && arc.length_m.is_finite())
            .map(|arc| (arc.length_m, 1.0 / arc.radius_m))
            .collect();
        let length_m: f64 = arcs.iter().map(|(length, _)| length).sum();

        // Corners of kappa(s). A blend is never longer than the shorter of the two arcs it joins.
        let mut corners = vec![(0.0, arcs.first().map_or(0.0, |(_, kappa)| *kappa))];
        let mut s = 0.0;
        for pair in arcs.windows(2) {
            s += pair[0].0;
            let half = 0.5 * track.blend_m.max(1e-6).min(pair[0].0).min(pair[1].0);
            corners.push((s - half, pair[0].1));
            corners.push((s + half, pair[1].1));
        }
        corners.push((length_m, arcs.last().map_or(0.0, |(_, kappa)| *kappa)));

        let mut heading = track.heading_rad;
        let mut joints = Vec::with_capacity(corners.len());
        let mut before = corners[0];
        for corner in corners {
            heading += 0.5 * (before.1 + corner.1) * (corner.0 - before.0);
            joints.push(Joint {
                s_m: corner.0,
                heading_rad: heading,
                curvature_1_m: corner.1,
            });
            before = corner;
        }

        let pieces = (length_m / 1e-3).ceil().max(1.0) as usize;
        let mut curve = TrackCurve {
            joints,
            points: vec![track.top],
            step_m: length_m / pieces as f64,
            length_m,
        };
        let mut point = track.top;
        for piece in 0..pieces {
            // Two-point Gauss over the piece.
            let middle = (piece as f64 + 0.5) * curve.step_m;
            for side in [-1.0, 1.0] {
                let h = curve.heading_rad(middle + side * curve.step_m / 12.0_f64.sqrt());
                point[0] += 0.5 * curve.step_m * h.sin();
                point[1] -= 0.5 * curve.step_m * h.cos();
            }
            curve.points.push(point);
        }
        curve
    }

    /// Length from top to bottom, m.
    pub fn length_m(&self) -> f64 {
        self.length_m
    }

    /// Position and heading at `s_m`.
    pub fn pose(&self, s_m: f64) -> TrackPose {
        let inside = s_m.clamp(0.0, self.length_m);
        let beyond = s_m - inside;
        let heading_rad = self.heading_rad(inside);
        let [mut y_m, mut z_m] = self.point(inside);
        y_m += beyond * heading_rad.sin();
        z_m -= beyond * heading_rad.cos();
        TrackPose {
            y_m,
            z_m,
            heading_rad,
        }
    }

    /// The place on the rail at height `z_m`: the first from the top. Above and below the rail, its nearer end.
    pub fn s_at_z(&self, z_m: f64) -> f64 {
        let Some(after) = self.points.iter().position(|point| point[1] <= z_m) else {
            return self.length_m;
        };
        if after == 0 {
            return 0.0;
        }
        let (mut low, mut high) = ((after - 1) as f64 * self.step_m, after as f64 * self.step_m);
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if self.point(middle)[1] > z_m {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }

    fn heading_rad(&self, s_m: f64) -> f64 {
        let after = self
            .joints
            .partition_point(|joint| joint.s_m <= s_m)
            .clamp(1, self.joints.len() - 1);
        let (a, b) = (self.joints[after - 1], self.joints[after]);
        let (ds, span) = (s_m - a.s_m, b.s_m - a.s_m);
        let slope = if span > 0.0 {
            (b.curvature_1_m - a.curvature_1_m) / span
        } else {
            0.0
        };
        a.heading_rad + ds * (a.curvature_1_m + 0.5 * slope * ds)
    }

    /// Cubic Hermite between table points, with the exact tangents.
    fn point(&self, s_m: f64) -> [f64; 2] {
        if self.step_m <= 0.0 {
            return self.points[0];
        }
        let index = ((s_m / self.step_m) as usize).min(self.points.len() - 2);
        let (p, q) = (self.points[index], self.points[index + 1]);
        let (s0, s1) = (index as f64 * self.step_m, (index + 1) as f64 * self.step_m);
        let (hp, hq) = (self.heading_rad(s0), self.heading_rad(s1));
        let t = (s_m - s0) / self.step_m;
        let (t2, t3) = (t * t, t * t * t);
        let blend = |p: f64, dp: f64, q: f64, dq: f64| {
            p * (2.0 * t3 - 3.0 * t2 + 1.0)
                + q * (3.0 * t2 - 2.0 * t3)
                + self.step_m * (dp * (t3 - 2.0 * t2 + t) + dq * (t3 - t2))
        };
        [
            blend(p[0], hp.sin(), q[0], hq.sin()),
            blend(p[1], -hp.cos(), q[1], -hq.cos()),
        ]
    }
}
