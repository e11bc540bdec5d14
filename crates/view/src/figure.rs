//! The rest of the user, who plays no part in a run: a figure of clay that shows which way they sit.

use std::f64::consts::{PI, TAU};
use std::sync::Arc;

use back::{Back, Level};
use nalgebra::{Point3, Vector3};

use crate::clay::{self, Lump, Shape, Solid, Trunk};
use crate::furniture::Pose;
use crate::parts::Form;
use crate::skin::{STATIONS, Sheet, half_width_m, lerp, smooth};

/// Between the middle and the front of the trunk lie so many points each way; its sections are so far apart.
const AROUND: usize = 48;
const SECTIONS: usize = 72;
/// Angles of a section's outline.
const ANGLES: usize = 120;
/// Under the skin that is drawn of its own, the clay lies so much deeper, m: dents and bones have room there.
const UNDER_M: f64 = 0.05;
/// Where the skin ends, the clay covers its edge by so much, m, and dives under it over so long a way.
const OVER_M: f64 = 0.002;
const DIVE_M: [f64; 2] = [0.004, 0.1];
/// Above the drawn back the neck goes on into the head for so long, m, and grows narrower by so much.
const NECK_M: f64 = 0.06;
const NECK_SHARE: f64 = 0.12;

/// All of the user but the skin of the back, as one body, back frame.
pub fn solid(back: &Back, pose: Pose) -> Solid {
    let trunk = Lump {
        shape: Shape::Trunk(Arc::new(trunk(back))),
        blend_m: 0.01,
    };
    let limbs = limbs(back, pose);
    let limbs = limbs
        .iter()
        .filter_map(|(form, blend_m)| Lump::of_form(form, *blend_m));
    let lumps: Vec<Lump> = std::iter::once(trunk).chain(limbs).collect();
    clay::press(&lumps)
}

/// The trunk's front, from flank to flank in rows from the nape down, back frame.
pub fn front(back: &Back) -> Vec<Point3<f64>> {
    let rows = (0..SECTIONS).map(|row| lerp(STATIONS, row, SECTIONS));
    rows.flat_map(|u| front_at(back, u)).collect()
}

fn front_at(back: &Back, u: f64) -> Vec<Point3<f64>> {
    let sizes = back.sizes();
    let neck_m = sizes.neck_circumference_m / TAU;
    let depths = [
        (STATIONS[0], 2.0 * neck_m),
        (0.0, 2.1 * neck_m),
        (0.16, 0.80 * sizes.chest_depth_m),
        (back.station(Level::T8), sizes.chest_depth_m),
        (back.station(Level::L3), sizes.waist_depth_m),
        (back.station(Level::S1), 0.95 * sizes.buttock_depth_m),
        (STATIONS[1], 0.85 * sizes.buttock_depth_m),
    ];
    let half = half_width_m(back, u);
    let [left, right] = [-half, half].map(|x| back.point(u, x));
    let y_front = back.point(u, 0.0).y + smooth(&depths, u);
    let at = |step: usize| {
        let angle = lerp([0.0, PI], step, AROUND);
        let share = 0.5 * (1.0 - angle.cos());
        let edge_y = right.y + (left.y - right.y) * share;
        // Flatter in the middle than an ellipse.
        let bulge = angle.sin().max(0.0).powf(0.8);
        let y = edge_y + (y_front - edge_y) * bulge;
        Point3::new(half * angle.cos(), y, right.z)
    };
    (0..AROUND).map(at).collect()
}

/// Sections of the trunk: its front, and its back as deep under the skin as nothing of it shall be seen.
fn trunk(back: &Back) -> Trunk {
    let [bottom_m, nape_m] = [STATIONS[1], STATIONS[0]].map(|u| back.point(u, 0.0).z);
    let heights_m = [bottom_m, nape_m + NECK_M];
    let section = |index: usize| {
        let height_m = lerp(heights_m, index, SECTIONS);
        let u = back.station_at(height_m.min(nape_m));
        let u = u.clamp(STATIONS[0], STATIONS[1]);
        let neck = 1.0 - NECK_SHARE * ((height_m - nape_m) / NECK_M).max(0.0);
        let half = half_width_m(back, u);
        let front = front_at(back, u);
        let rear = (0..AROUND).map(|i| back.point(u, lerp([-half, half], i, AROUND)));
        let to_end_m = (u - STATIONS[0]).min(STATIONS[1] - u) * back.arc_length_m();
        let foremost = front.iter().map(|p| p.y).fold(f64::MIN, f64::max);
        let middle_y = 0.5 * (foremost + back.point(u, 0.0).y);
        let dives = |p: &Point3<f64>| {
            let [from, to] = DIVE_M;
            let left = (((half - p.x.abs()).min(to_end_m) - from) / (to - from)).clamp(0.0, 1.0);
            UNDER_M * left * left * (3.0 - 2.0 * left)
        };
        let deep = rear.map(|p| (p, dives(&p)));
        let mut outline: Vec<[f64; 2]> = front
            .iter()
            .map(|p| (*p, 0.0))
            .chain(deep)
            .map(|(p, deep_m)| {
                let (x, y) = (p.x, p.y - middle_y);
                let radius = (neck * x.hypot(y) + OVER_M - deep_m).max(0.01);
                [y.atan2(x).rem_euclid(TAU), radius]
            })
            .collect();
        outline.sort_by(|a, b| a[0].total_cmp(&b[0]));
        (
            middle_y,
            (0..ANGLES)
                .map(|i| at_angle(&outline, TAU * i as f64 / ANGLES as f64))
                .collect(),
        )
    };
    Trunk {
        heights_m,
        sections: (0..SECTIONS).map(section).collect(),
    }
}

/// Radius of a closed outline, given by angles that grow and radii, at an angle.
fn at_angle(outline: &[[f64; 2]], angle: f64) -> f64 {
    let next = outline.partition_point(|[a, _]| *a <= angle);
    let count = outline.len();
    let [before, after] = [outline[(next + count - 1) % count], outline[next % count]];
    let turn = |from: f64, to: f64| (to - from).rem_euclid(TAU);
    let whole = turn(before[0], after[0]).max(1e-9);
    let share = (turn(before[0], angle) / whole).min(1.0);
    before[1] + (after[1] - before[1]) * share
}

/// Head, arms and legs, back frame, and from where on each grows together with the rest, m. The head stands first.
pub fn limbs(back: &Back, pose: Pose) -> Vec<(Form, f64)> {
    let sizes = back.sizes();
    let trunk = back.trunk();
    let scale = sizes.c7_sitting_m / 0.65;
    let nape = back.point(STATIONS[0], 0.0);
    let limb = |path: &[Point3<f64>], radii: &[f64], blend_m: f64| {
        let form = Form::Limb {
            path: path.to_vec(),
            radii_m: radii.iter().map(|r| scale * r).collect(),
        };
        (form, blend_m)
    };
    let from_nape = |y: f64, z: f64| nape + scale * Vector3::new(0.0, y, z);
    let mut forms = vec![
        limb(
            &[from_nape(0.062, 0.108), from_nape(0.098, 0.112)],
            &[0.077, 0.074],
            0.03,
        ),
        // From the temples to the chin.
        limb(
            &[from_nape(0.092, 0.085), from_nape(0.130, 0.012)],
            &[0.064, 0.034],
            0.03,
        ),
        limb(
            &[from_nape(0.050, -0.075), from_nape(0.058, 0.06)],
            &[0.060, 0.053],
            0.05,
        ),
    ];
    let hip_x = 0.26 * sizes.hip_breadth_m;
    let hip_y = trunk.hip.y - 0.01;
    // The pelvis, which a seat hides. On one who lies prone it is seen, and goes on where the drawn back ends.
    let across = [-0.75, 0.0, 0.75].map(|x| x * hip_x);
    let radii_m = [0.094, 0.100, 0.094];
    match pose {
        Pose::Sitting => {}
        Pose::Supine => {
            let pelvis = across.map(|x| Point3::new(x, hip_y, 0.065));
            forms.push(limb(&pelvis, &radii_m, 0.05));
        }
        Pose::Prone { .. } => {
            let skin = across.map(|x| back.point(STATIONS[1], x));
            let pelvis: [Point3<f64>; 3] = std::array::from_fn(|i| {
                skin[i] + Vector3::new(0.0, scale * radii_m[i] - 0.004, -0.012)
            });
            forms.push(limb(&pelvis, &radii_m, 0.05));
        }
    }
    let shoulder_z = sizes.c7_sitting_m - sizes.c7_to_acromion_m - 0.030;
    let shoulder_y = back.point(back.station_at(shoulder_z), 0.0).y + 0.42 * sizes.chest_depth_m;
    // Who lies prone lies on the bench with all there is.
    let down = match pose {
        Pose::Prone { down_rad } => Vector3::new(0.0, down_rad.cos(), down_rad.sin()),
        _ => Vector3::y(),
    };
    let depth = |p: &Point3<f64>| p.coords.dot(&down);
    let bench_m = front(back).iter().map(depth).fold(f64::MIN, f64::max);
    let lying =
        |point: Point3<f64>, over_m: f64| point + down * (bench_m - scale * over_m - depth(&point));
    for side in [-1.0, 1.0] {
        let at = |x: f64, y: f64, z: f64| Point3::new(side * x, y, z);
        let x = 0.5 * sizes.biacromial_m - 0.012;
        let down_from = |point: &Point3<f64>, x: f64, y: f64, z: f64| {
            point + scale * Vector3::new(side * x, y, z)
        };
        let shoulder = at(x + 0.008, shoulder_y, shoulder_z - 0.05);
        let (elbow, wrist) = match pose {
            Pose::Sitting => {
                let elbow = at(
                    0.54 * sizes.bideltoid_m,
                    shoulder_y + 0.06,
                    shoulder_z - 0.29 * scale,
                );
                let wrist = at(
                    0.50 * sizes.bideltoid_m,
                    elbow.y + 0.24 * scale,
                    elbow.z - 0.03,
                );
                (elbow, wrist)
            }
            Pose::Supine => {
                let elbow = at(
                    0.60 * sizes.bideltoid_m,
                    shoulder_y + 0.01,
                    shoulder_z - 0.29 * scale,
                );
                (elbow, down_from(&elbow, 0.012, 0.012, -0.24))
            }
            Pose::Prone { .. } => {
                let elbow = at(
                    0.58 * sizes.bideltoid_m,
                    shoulder_y,
                    shoulder_z - 0.27 * scale,
                );
                let elbow = lying(elbow, 0.040);
                (elbow, lying(down_from(&elbow, 0.0, 0.0, -0.24), 0.028))
            }
        };
        let hand = (wrist - elbow).normalize();
        let middle = nalgebra::center(&at(x + 0.012, shoulder_y, shoulder_z - 0.06), &elbow);
        forms.push(limb(
            &[
                at(x - 0.02, shoulder_y, shoulder_z),
                shoulder,
                middle,
                elbow,
            ],
            &[0.052, 0.056, 0.046, 0.038],
            0.03,
        ));
        forms.push(limb(
            &[
                elbow,
                elbow + 0.4 * (wrist - elbow),
                wrist,
                wrist + 0.05 * scale * hand,
                wrist + 0.11 * scale * hand,
                wrist + 0.17 * scale * hand,
            ],
            &[0.038, 0.039, 0.026, 0.033, 0.030, 0.012],
            0.012,
        ));
        let hip = at(hip_x, hip_y, 0.088);
        let (knee, ankle, toe) = match pose {
            Pose::Sitting => {
                let knee = down_from(&hip, 0.02, 0.41, 0.0);
                let ankle = down_from(&knee, 0.0, 0.26, -0.28);
                (knee, ankle, down_from(&ankle, 0.0, 0.13, 0.085))
            }
            Pose::Supine => {
                let knee = down_from(&hip, 0.0, -0.01, -0.43);
                let ankle = down_from(&knee, 0.0, -0.02, -0.39);
                (knee, ankle, down_from(&ankle, 0.03, 0.17, -0.04))
            }
            Pose::Prone { .. } => {
                let knee = lying(down_from(&hip, 0.0, 0.0, -0.43), 0.053);
                let ankle = lying(down_from(&knee, 0.0, 0.0, -0.39), 0.052);
                (
                    knee,
                    ankle,
                    lying(down_from(&ankle, 0.0, 0.0, -0.17), 0.020),
                )
            }
        };
        forms.push(limb(
            &[hip, nalgebra::center(&hip, &knee), knee],
            &[0.088, 0.076, 0.055],
            0.04,
        ));
        let calf = match pose {
            Pose::Sitting | Pose::Supine => Vector3::zeros(),
            Pose::Prone { .. } => Vector3::new(0.0, -0.008, 0.0),
        };
        forms.push(limb(
            &[
                knee,
                knee + 0.35 * (ankle - knee) + calf,
                ankle,
                nalgebra::center(&ankle, &toe),
                toe,
            ],
            &[0.055, 0.056, 0.037, 0.038, 0.022],
            0.015,
        ));
    }
    forms
}

/// The middle of the face, back frame.
pub fn face(back: &Back) -> Point3<f64> {
    let scale = back.sizes().c7_sitting_m / 0.65;
    back.point(STATIONS[0], 0.0) + scale * Vector3::new(0.0, 0.150, 0.070)
}

/// Normals of a grid by differences of neighbours, seen with the rows going down and the columns going right.
pub fn normals(sheet: &Sheet) -> Vec<Vector3<f64>> {
    let at = |row: usize, column: usize| sheet.points[row * sheet.columns + column];
    (0..sheet.rows * sheet.columns)
        .map(|i| {
            let (row, column) = (i / sheet.columns, i % sheet.columns);
            let down =
                at((row + 1).min(sheet.rows - 1), column) - at(row.saturating_sub(1), column);
            let right =
                at(row, (column + 1).min(sheet.columns - 1)) - at(row, column.saturating_sub(1));
            down.cross(&right).normalize()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use back::{Body, Sex};

    /// Who lies prone floats nowhere: arms and legs end on the plane that the trunk's front touches, however the trunk leans, and
    /// nothing is much under it.
    #[test]
    fn who_lies_prone_lies_on_the_bench() {
        let body = Body::mean(Sex::Male, 1.75, 25.0, 40.0);
        let back = Back::new(&body).unwrap();
        for down_rad in [0.0, 0.1, -0.08] {
            let down = Vector3::new(0.0, f64::cos(down_rad), f64::sin(down_rad));
            let lowest = |points: Vec<Point3<f64>>| {
                let depths = points.into_iter().map(|p| p.coords.dot(&down));
                depths.fold(f64::MIN, f64::max)
            };
            let bench_m = lowest(front(&back));
            let limbs = limbs(&back, Pose::Prone { down_rad });
            // Head, face, neck and pelvis come first; each side has two arms' and two legs' forms.
            for (form, _) in &limbs[limbs.len() - 8..] {
                let under_m = lowest(form.spots()) - bench_m;
                assert!(under_m < 0.015, "{under_m} m under the bench");
            }
            for (form, _) in limbs[limbs.len() - 8..].iter().skip(1).step_by(2) {
                let over_m = bench_m - lowest(form.spots());
                assert!(over_m < 0.005, "{over_m} m over the bench");
            }
        }
    }
}
