//! The skin as a height field: how far each point lies behind the midline, to the side of it.

use crate::body::Body;
use crate::curve::{Pchip, Table, smoothstep};
use crate::level::Level;
use crate::sizes::Sizes;

/// `y(u, x) = y_midline(u) + offset(u, x)`, offset positive into the user and zero on the midline:
///
/// `offset = D f(x / B) - g (1 - e^{-(x/w)^2}) - p (ridge(x) - ridge(0)) - plate(x) - lobe(x)`
///
/// with `f(t) = 1 - (1 - t^n)^(1/n)`, n = 2.5 (E, 2.2 to 2.8), half breadth B and half depth D: the trunk's round falls away to the sides; beyond
/// an end of e B it goes on along its tangent, so that the skin stays a graph. Out of it stand the paraspinal ridges (Gaussians at both sides),
/// the scapular plates and the gluteal lobes; the bottom of the median groove g is the midline itself.
/// `z` depends on u alone, and falls with it, so the surface cannot fold.
///
/// | term | value | flag |
/// |---|---|---|
/// | B, D at chest (T8), waist (L3-L4), hip (S1) | half of the survey's breadth and depth | D |
/// | D at C7, acromion, axilla | 0.35, 0.40, 0.45 of chest depth; neck as a circle | E |
/// | B at the axilla (T4) | half of interscye / 1.05 | D |
/// | B at the neck's foot | 1.05 of the neck base's radius: some 72 mm in men, 62 in women | E |
/// | B from there to the acromion | the shoulder line, falling by 24 degrees to half biacromial at the drop C7-acromion: the survey's shoulder length (150, 135 mm) over the run between them (136, 121 mm) is 25, 27 degrees, some of which goes forward | D |
/// | B above the neck's foot | the neck, a circle, 40 mm above C7 | E |
/// | end e of the round | 0.85, at the neck 0.93: beside the neck and over the shoulder there is nothing to press | E |
/// | groove g | thorax 4 to 1 mm, lumbar 10 to 3 mm over BMI 22 to 32, + 2 mm per SD of lumbar muscle; width 17 mm | E |
/// | ridge p | thorax 4 mm at x 32 mm, width 18 mm; lumbar 8 mm at 40 mm, width 20 mm | E |
/// | scapular plate | 8 mm, from the medial border on over 30 mm, T2 to T8 | E |
/// | gluteal lobes | (buttock depth - waist depth) / 2 + 20 mm at x 70 mm, width 60 mm, at buttock level | E |
#[derive(Clone, Debug)]
pub(crate) struct Surface {
    /// B, D, groove g, ridge p, ridge position, ridge width, scapular plate, gluteal lobe, m; end e; over u.
    profile: Table<9>,
    medial_border_m: f64,
    scapula_breadth_m: f64,
}

/// Offset of the skin behind the midline with its derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Offset {
    pub y_m: f64,
    /// By u, m.
    pub by_u: f64,
    /// By x, dimensionless.
    pub by_x: f64,
}

impl Surface {
    pub fn new(body: &Body, sizes: &Sizes) -> Surface {
        let s = sizes.arc_length_m;
        let neck_m = sizes.neck_circumference_m / std::f64::consts::TAU;
        let neck_base_m = sizes.neck_base_circumference_m / std::f64::consts::TAU;
        let acromion_u = (sizes.c7_to_acromion_m / s).clamp(0.08, 0.17);
        let foot_m = 1.05 * neck_base_m;
        let run_m = 0.5 * sizes.biacromial_m - foot_m;
        let foot_below_c7_m = sizes.c7_to_acromion_m - run_m * SHOULDER_SLOPE;
        let foot_u = (foot_below_c7_m / s).clamp(-0.03, acromion_u - 0.05);
        let [t4, t8] = [Level::T4.station(), Level::T8.station()];
        let waist_u = 0.5 * (Level::L3.station() + Level::L4.station());
        let s1 = Level::S1.station();
        let breadth = Pchip::new(&[
            [-0.13, neck_m],
            [-0.08, neck_m],
            [foot_u, foot_m],
            [acromion_u, 0.5 * sizes.biacromial_m],
            [t4 + 0.01, 0.5 * sizes.interscye_m / 1.05],
            [t8, 0.5 * sizes.chest_breadth_m],
            [waist_u, 0.5 * sizes.waist_breadth_m],
            [s1, 0.5 * sizes.hip_breadth_m],
        ]);
        let depth = Pchip::new(&[
            [-0.13, neck_m],
            [0.0, 0.35 * sizes.chest_depth_m],
            [acromion_u, 0.40 * sizes.chest_depth_m],
            [t4 + 0.01, 0.45 * sizes.chest_depth_m],
            [t8, 0.5 * sizes.chest_depth_m],
            [waist_u, 0.5 * sizes.waist_depth_m],
            [s1, 0.5 * sizes.buttock_depth_m],
        ]);
        let heavy = ((body.bmi_kg_m2 - 22.0) / 10.0).clamp(0.0, 1.0);
        let (thorax_g, lumbar_g) = (0.004 - 0.003 * heavy, 0.010 - 0.007 * heavy);
        let lumbar_g = (lumbar_g + 0.002 * body.muscle_z).clamp(0.001, 0.014);
        let (t10, l1, l5) = (
            Level::T10.station(),
            Level::L1.station(),
            Level::L5.station(),
        );
        let groove = Pchip::new(&[
            [-0.13, 0.0],
            [0.0, 0.0],
            [t4, thorax_g],
            [t10, thorax_g],
            [l1, lumbar_g],
            [l5, lumbar_g],
            [1.05, 0.002],
        ]);
        let ridge = Pchip::new(&[
            [-0.1, 0.0],
            [0.05, 0.002],
            [t4, 0.004],
            [t10, 0.004],
            [l1, 0.008],
            [l5, 0.008],
            [1.0, 0.0],
        ]);
        let ridge_x = Pchip::new(&[[t10, 0.032], [l1, 0.040]]);
        let ridge_w = Pchip::new(&[[t10, 0.018], [l1, 0.020]]);
        let plate = Pchip::new(&[[0.06, 0.0], [0.16, 0.008], [0.37, 0.008], [0.49, 0.0]]);
        let end = Pchip::new(&[[foot_u - 0.04, NECK_END], [acromion_u, TRUNK_END]]);
        let lobe_m = (0.5 * (sizes.buttock_depth_m - sizes.waist_depth_m) + 0.020).max(0.005);
        let lobe_u = sizes.c7_to_buttock_m / s;
        let lobe = |u: f64| {
            let t = (u - lobe_u) * s / LOBE_WIDTH_M;
            let v = lobe_m * (-t * t).exp();
            [v, -2.0 * t * s / LOBE_WIDTH_M * v]
        };
        // Every profile is flat at both ends of this range, so it stays as it is beyond them.
        let profile = Table::new(-0.15, 1.5, 330, |u| {
            [
                breadth.at(u),
                depth.at(u),
                groove.at(u),
                ridge.at(u),
                ridge_x.at(u),
                ridge_w.at(u),
                plate.at(u),
                lobe(u),
                end.at(u),
            ]
        });
        let scapula_breadth_m = sizes.scapula_breadth_m(body.sex);
        Surface {
            profile,
            medial_border_m: sizes.medial_border_m,
            scapula_breadth_m,
        }
    }

    pub fn offset(&self, u: f64, x_m: f64) -> Offset {
        let [b, d, g, p, xp, wp, plate, lobe, end] = self.profile.at(u);
        let x = x_m.abs();
        let side = if x_m < 0.0 { -1.0 } else { 1.0 };

        // The trunk's round: y = D f(t), t = x / B.
        let t = x / b[0];
        let [f, df, by_end] = round(t, end[0]);
        let mut y = d[0] * f;
        let mut by_u = d[1] * f + d[0] * (by_end * end[1] - df * t * b[1] / b[0]);
        let mut by_x = d[0] * df / b[0];

        // The groove: what stands beside it comes out of the midline by g.
        let e = (-(x / GROOVE_WIDTH_M).powi(2)).exp();
        y -= g[0] * (1.0 - e);
        by_u -= g[1] * (1.0 - e);
        by_x -= g[0] * e * 2.0 * x / GROOVE_WIDTH_M.powi(2);

        // Two ridges, both felt on both sides, so that the midline stays smooth.
        let bump = |x: f64, c: f64, w: f64| {
            let r = (x - c) / w;
            let v = (-r * r).exp();
            // value, by x, by w (by c is minus by x)
            [v, -2.0 * r / w * v, 2.0 * r * r / w * v]
        };
        let [near, far, mid] = [
            bump(x, xp[0], wp[0]),
            bump(x, -xp[0], wp[0]),
            bump(0.0, xp[0], wp[0]),
        ];
        let ridge = near[0] + far[0] - 2.0 * mid[0];
        let ridge_by_c = -near[1] + far[1] + 2.0 * mid[1];
        let ridge_by_w = near[2] + far[2] - 2.0 * mid[2];
        y -= p[0] * ridge;
        by_u -= p[1] * ridge + p[0] * (ridge_by_c * xp[1] + ridge_by_w * wp[1]);
        by_x -= p[0] * (near[1] + far[1]);

        // The scapular plate rises over its medial border and ends beyond its lateral one.
        let [rise, drise] = smoothstep((x - self.medial_border_m + 0.005) / RISE_M);
        let [fall, dfall] =
            smoothstep((x - self.medial_border_m - self.scapula_breadth_m) / FALL_M);
        y -= plate[0] * rise * (1.0 - fall);
        by_u -= plate[1] * rise * (1.0 - fall);
        by_x -= plate[0] * (drise / RISE_M * (1.0 - fall) - rise * dfall / FALL_M);

        // The gluteal lobes, their height counted over the midline.
        let [near, far, mid] = [
            bump(x, LOBE_X_M, LOBE_WIDTH_M),
            bump(x, -LOBE_X_M, LOBE_WIDTH_M),
            bump(0.0, LOBE_X_M, LOBE_WIDTH_M),
        ];
        let scale = 1.0 / (1.0 - 2.0 * mid[0]);
        let shape = scale * (near[0] + far[0] - 2.0 * mid[0]);
        y -= lobe[0] * shape;
        by_u -= lobe[1] * shape;
        by_x -= lobe[0] * scale * (near[1] + far[1]);

        Offset {
            y_m: y,
            by_u,
            by_x: side * by_x,
        }
    }
}

const GROOVE_WIDTH_M: f64 = 0.017;
const LOBE_X_M: f64 = 0.070;
const LOBE_WIDTH_M: f64 = 0.060;
const RISE_M: f64 = 0.030;
const FALL_M: f64 = 0.040;

/// Fall of the shoulder line over its run: 24 degrees.
const SHOULDER_SLOPE: f64 = 0.445;
/// Where the round goes on straight, in half breadths.
const NECK_END: f64 = 0.93;
const TRUNK_END: f64 = 0.85;

/// Superellipse `f(t) = 1 - (1 - t^n)^(1/n)`, n = 2.5, continued along its tangent beyond `end`; with its derivatives by t and by `end`.
fn round(t: f64, end: f64) -> [f64; 3] {
    const N: f64 = 2.5;
    let s = t.min(end);
    let tn = s * s * s.sqrt();
    let root = (1.0 - tn).powf(1.0 / N);
    let slope = if s > 0.0 {
        tn / s * root / (1.0 - tn)
    } else {
        0.0
    };
    // f'' = (n - 1) f' / (t (1 - t^n)).
    let by_end = if t > end {
        (N - 1.0) * slope / (s * (1.0 - tn)) * (t - s)
    } else {
        0.0
    };
    [1.0 - root + slope * (t - s), slope, by_end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Sex;

    #[test]
    fn derivatives_are_those_of_the_offset() {
        for (sex, bmi) in [(Sex::Male, 35.0), (Sex::Female, 19.0)] {
            let body = Body {
                muscle_z: 1.0,
                ..Body::mean(sex, 1.65, bmi, 50.0)
            };
            let surface = Surface::new(&body, &Sizes::new(&body));
            for i in 0..200 {
                for j in -15..=15 {
                    let (u, x) = (-0.12 + 0.0068 * f64::from(i), 0.0113 * f64::from(j));
                    let h = 1e-6;
                    let y = |u, x| surface.offset(u, x).y_m;
                    let o = surface.offset(u, x);
                    let by_u = (y(u + h, x) - y(u - h, x)) / (2.0 * h);
                    let by_x = (y(u, x + h) - y(u, x - h)) / (2.0 * h);
                    // The profile table is C1 with jumps in its second derivative: 1e-6 of step times 100 m per u^2.
                    assert!((o.by_u - by_u).abs() < 2e-3, "{u} {x}: {} {by_u}", o.by_u);
                    assert!((o.by_x - by_x).abs() < 2e-3, "{u} {x}: {} {by_x}", o.by_x);
                }
            }
        }
    }

    #[test]
    fn the_midline_is_the_spine_and_both_sides_are_alike() {
        let body = Body::mean(Sex::Male, 1.75, 25.0, 40.0);
        let surface = Surface::new(&body, &Sizes::new(&body));
        for u in [-0.1, 0.0, 0.2, 0.8, 1.1] {
            assert_eq!(surface.offset(u, 0.0).y_m, 0.0);
            assert_eq!(surface.offset(u, 0.0).by_x, 0.0);
            assert_eq!(surface.offset(u, 0.05).y_m, surface.offset(u, -0.05).y_m);
        }
        // The lumbar muscles stand out beside the groove: 8 to 10 mm of groove and 8 mm of ridge, less the round at 40 mm.
        assert!(surface.offset(0.81, 0.035).y_m < -0.005);
    }
}
