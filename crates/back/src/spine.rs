//! The midline of the skin in the sagittal plane.

use crate::body::Body;
use crate::curve::Table;
use crate::level::Level;
use crate::scan::{Scan, spine_row};
use crate::sizes::Sizes;

/// The midline skin curve in the back frame, from the neck (u < 0) over C7 (0) and S2 (1) to the seat (about 1.25).
///
/// Built from its curvature over arc length `s = u S`, S the arc C7-S2:
///
/// `kappa(u) = sum over lobes of sign * theta / S * sin(pi w) / I`, `w = ((u - a) / (b - a))^gamma` within a lobe `a..b`, where `I` is the integral of
/// `sin(pi w)` over the lobe, so that each lobe turns the tangent by exactly its angle `theta`. The tangent leans by
/// `h = h0 + integral kappa ds` from straight down, `dy = sin h ds`, `dz = -cos h ds`; `h0` makes the chord C7-S2 vertical.
/// A kyphotic lobe (sign +) bulges to -y, to the machine; a lordotic one to +y.
///
/// | lobe | from, to | sign | gamma | angle, deg |
/// |---|---|---|---|---|
/// | cervical | C2, T1 | - | 1 | 15 (E) |
/// | thoracic | T1, T12 | + | 1.1, apex T7 | 38 +- 9 (E, seated; standing 42.8 +- 8.8 men, 40.4 +- 9.5 women V, Lang-Tapia 2011) |
/// | lumbar | L1, S1 | - | 0.85, apex L3 | 12 +- 8 men, 18 +- 9 women (E, seated; standing 17.3, 29.6 V, same) |
/// | sacral | S1, u 1.25 | + | 1 | 25 (E) |
///
/// Angles are kept within 5..80 (thoracic) and -15..60 (lumbar) degrees. These are angles of the skin, not Cobb angles.
#[derive(Clone, Debug)]
pub(crate) struct Spine {
    /// y, z, h over u.
    table: Table<3>,
    arc_length_m: f64,
}

/// One point of the midline with its derivatives by u.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpinePoint {
    pub y_m: f64,
    pub z_m: f64,
    pub dy_du: f64,
    pub dz_du: f64,
    /// Lean of the tangent from straight down, positive where going down leads to +y.
    pub lean_rad: f64,
}

/// Stations that the curve is built over; beyond them it goes on straight.
pub(crate) const FROM_U: f64 = -0.13;
pub(crate) const TO_U: f64 = 1.25;

impl Spine {
    pub fn new(body: &Body, sizes: &Sizes) -> Spine {
        let kyphosis = (38.0 + 9.0 * body.kyphosis_z).clamp(5.0, 80.0);
        let lordosis = (body.sex.of([12.0, 18.0]) + body.sex.of([8.0, 9.0]) * body.lordosis_z)
            .clamp(-15.0, 60.0);
        let lobes = [
            Lobe::new(Level::C2.station(), Level::T1.station(), 1.0, -15.0),
            Lobe::new(Level::T1.station(), Level::T12.station(), 1.1, kyphosis),
            Lobe::new(Level::L1.station(), Level::S1.station(), 0.85, -lordosis),
            Lobe::new(Level::S1.station(), TO_U, 1.0, 25.0),
        ];
        let s = sizes.arc_length_m;
        // Integrate lean, then position, by Simpson's rule over half steps; u = 0 is a grid point.
        let step = (TO_U - FROM_U) / STEPS as f64;
        let turn = |u: f64| lobes.iter().map(|l| l.turn_per_u(u)).sum::<f64>();
        let mut lean = vec![0.0; 2 * STEPS + 1];
        for i in 0..2 * STEPS {
            let (u, h) = (FROM_U + 0.5 * step * i as f64, 0.5 * step);
            lean[i + 1] = lean[i] + h / 6.0 * (turn(u) + 4.0 * turn(u + 0.5 * h) + turn(u + h));
        }
        let position = |h0: f64| {
            let mut at = [0.0, 0.0];
            let mut points = vec![at];
            for i in 0..STEPS {
                let [a, b, c] = [lean[2 * i] + h0, lean[2 * i + 1] + h0, lean[2 * i + 2] + h0];
                at[0] += s * step / 6.0 * (a.sin() + 4.0 * b.sin() + c.sin());
                at[1] -= s * step / 6.0 * (a.cos() + 4.0 * b.cos() + c.cos());
                points.push(at);
            }
            points
        };
        // Turn the whole curve until the chord from C7 to S2 is vertical: a rotation, so once is enough.
        let between = |points: &[[f64; 2]], u: f64| {
            let t = (u - FROM_U) / step;
            let (i, f) = (
                (t as usize).min(STEPS - 1),
                t - (t as usize).min(STEPS - 1) as f64,
            );
            [0, 1].map(|k| points[i][k] + f * (points[i + 1][k] - points[i][k]))
        };
        let straight = position(0.0);
        let (c7, s2) = (between(&straight, 0.0), between(&straight, 1.0));
        let h0 = -((s2[0] - c7[0]).atan2(c7[1] - s2[1]));
        let points = position(h0);
        let (c7, s2) = (between(&points, 0.0), between(&points, 1.0));
        let mut i = 0;
        let table = Table::new(FROM_U, TO_U, STEPS, |u| {
            let h = lean[2 * i] + h0;
            let y = points[i][0] - s2[0];
            let z = points[i][1] - c7[1] + sizes.c7_sitting_m;
            i += 1;
            [[y, s * h.sin()], [z, -s * h.cos()], [h, turn(u)]]
        });
        Spine {
            table,
            arc_length_m: s,
        }
    }

    /// The midline of a scan.
    pub fn of_scan(scan: &Scan, sizes: &Sizes) -> Spine {
        Spine {
            table: Table::new(FROM_U, TO_U, STEPS, |u| {
                spine_row(scan, sizes.c7_sitting_m, u)
            }),
            arc_length_m: scan.arc_length_m,
        }
    }

    pub fn at(&self, u: f64) -> SpinePoint {
        let [y, z, h] = self.table.at(u);
        SpinePoint {
            y_m: y[0],
            z_m: z[0],
            dy_du: y[1],
            dz_du: z[1],
            lean_rad: h[0],
        }
    }

    /// Station at a height: Newton from a straight line. The curve leans less than 60 degrees from vertical, so it converges.
    pub fn station_at(&self, z_m: f64) -> f64 {
        let top = self.at(0.0);
        let mut u = (top.z_m - z_m) / self.arc_length_m;
        for _ in 0..30 {
            let p = self.at(u);
            let step = (z_m - p.z_m) / p.dz_du;
            u += step;
            if step.abs() < 1e-13 {
                break;
            }
        }
        u
    }
}

/// Steps of 0.001 in u.
const STEPS: usize = 1380;

/// One bend, in radians and stations.
struct Lobe {
    from: f64,
    to: f64,
    gamma: f64,
    /// Largest turn per u.
    peak: f64,
}

impl Lobe {
    fn new(from: f64, to: f64, gamma: f64, angle_deg: f64) -> Lobe {
        let unit = Lobe {
            from,
            to,
            gamma,
            peak: 1.0,
        };
        let n = 400;
        let h = (to - from) / f64::from(n);
        let f = |i: f64| unit.turn_per_u(from + h * i);
        let area: f64 = (0..n)
            .map(f64::from)
            .map(|i| h / 6.0 * (f(i) + 4.0 * f(i + 0.5) + f(i + 1.0)))
            .sum();
        Lobe {
            peak: angle_deg.to_radians() / area,
            ..unit
        }
    }

    fn turn_per_u(&self, u: f64) -> f64 {
        let t = (u - self.from) / (self.to - self.from);
        if t <= 0.0 || t >= 1.0 {
            0.0
        } else {
            self.peak * (std::f64::consts::PI * t.powf(self.gamma)).sin()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Sex;

    fn spine(body: &Body) -> (Spine, Sizes) {
        let sizes = Sizes::new(body);
        (Spine::new(body, &sizes), sizes)
    }

    /// The angles asked for are differences of the tangent, as a skin inclinometer takes them: TK 38 and LL 12 / 18 degrees for the
    /// mean man / woman, one SD (9; 8 / 9) more for z = 1. Tolerance 0.01 degrees: Simpson's rule over 0.5 mm steps.
    #[test]
    fn val_tangent_angles_are_the_kyphosis_and_lordosis_asked_for() {
        for (sex, lordosis, sd) in [(Sex::Male, 12.0, 8.0), (Sex::Female, 18.0, 9.0)] {
            for z in [-1.5, 0.0, 1.0, 2.0] {
                let body = Body {
                    kyphosis_z: z,
                    lordosis_z: -z,
                    ..Body::mean(sex, 1.7, 25.0, 30.0)
                };
                let (spine, _) = spine(&body);
                let lean = |level: Level| spine.at(level.station()).lean_rad.to_degrees();
                assert!((lean(Level::T12) - lean(Level::T1) - (38.0 + 9.0 * z)).abs() < 0.01);
                assert!((lean(Level::L1) - lean(Level::S1) - (lordosis - sd * z)).abs() < 0.01);
            }
        }
    }

    #[test]
    fn the_curve_stands_on_s2_and_bulges_to_the_machine_at_the_thorax() {
        for sex in Sex::ALL {
            let (spine, sizes) = spine(&Body::mean(sex, 1.7, 25.0, 30.0));
            let (c7, s2) = (spine.at(0.0), spine.at(1.0));
            assert!(c7.y_m.abs() < 1e-9 && s2.y_m.abs() < 1e-12);
            assert!((c7.z_m - sizes.c7_sitting_m).abs() < 1e-9);
            assert!(spine.at(0.39).y_m < -0.02, "kyphosis bulges to -y");
            let (l3, chord) = (spine.at(0.812).y_m, spine.at(0.6).y_m * (1.0 - 0.812) / 0.4);
            assert!(l3 > chord, "the lumbar hollow lies behind the line T11-S2");
            assert!(
                s2.z_m > 0.10 && s2.z_m < 0.22,
                "S2 {} m over the seat",
                s2.z_m
            );
        }
    }

    /// Arc length by summing chords must be u S.
    #[test]
    fn stations_are_fractions_of_arc_length() {
        let (spine, sizes) = spine(&Body::mean(Sex::Female, 1.628, 25.5, 30.0));
        let n = 5000;
        let length: f64 = (0..n)
            .map(|i| {
                let (a, b) = (
                    spine.at(f64::from(i) / f64::from(n)),
                    spine.at(f64::from(i + 1) / f64::from(n)),
                );
                (b.y_m - a.y_m).hypot(b.z_m - a.z_m)
            })
            .sum();
        assert!((length - sizes.arc_length_m).abs() < 1e-6, "{length}");
        for u in [-0.2, -0.1, 0.0, 0.33, 0.9, 1.2, 1.4] {
            assert!((spine.station_at(spine.at(u).z_m) - u).abs() < 1e-9);
        }
    }
}
