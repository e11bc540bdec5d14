//! The rest of the user, who plays no part in a run: a figure of clay that shows which way they sit.

use std::f64::consts::{PI, TAU};

use back::{Back, Level};
use nalgebra::{Point3, Vector3};

use crate::furniture::Pose;
use crate::parts::Form;
use crate::skin::{STATIONS, Sheet, half_width_m, lerp, smooth};

/// The trunk's front: it closes the drawn back to a body, back frame.
pub fn front(back: &Back) -> Sheet {
    let (rows, columns) = (72, 40);
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
    let mut sheet = Sheet::with_capacity(rows, columns);
    for row in 0..rows {
        let u = lerp(STATIONS, row, rows);
        let half = half_width_m(back, u);
        let [left, right] = [-half, half].map(|x| back.point(u, x));
        let y_front = back.point(u, 0.0).y + smooth(&depths, u);
        for column in 0..columns {
            let angle = lerp([0.0, PI], column, columns);
            let share = 0.5 * (1.0 - angle.cos());
            let edge_y = right.y + (left.y - right.y) * share;
            // Flatter in the middle than an ellipse.
            let bulge = angle.sin().max(0.0).powf(0.8);
            sheet.points.push(Point3::new(
                half * angle.cos(),
                edge_y + (y_front - edge_y) * bulge,
                right.z,
            ));
        }
    }
    sheet.normals = normals(&sheet);
    sheet
}

/// Head, arms and legs, back frame.
pub fn limbs(back: &Back, pose: Pose) -> Vec<Form> {
    let sizes = back.sizes();
    let trunk = back.trunk();
    let scale = sizes.c7_sitting_m / 0.65;
    let nape = back.point(STATIONS[0], 0.0);
    let limb = |path: &[Point3<f64>], radii: &[f64]| Form::Limb {
        path: path.to_vec(),
        radii_m: radii.iter().map(|r| scale * r).collect(),
    };
    let head = [-0.03, 0.03, 0.075, 0.12, 0.155, 0.180, 0.198, 0.206]
        .map(|up: f64| nape + scale * Vector3::new(0.0, 0.058 + 0.22 * up.clamp(0.0, 0.12), up));
    let egg = [0.052, 0.055, 0.072, 0.084, 0.085, 0.076, 0.060, 0.048];
    // Neck, and the head as an egg.
    let mut forms = vec![limb(&head, &egg)];
    let hip_x = 0.26 * sizes.hip_breadth_m;
    let hip_y = trunk.hip.y - 0.01;
    if pose != Pose::Sitting {
        // The pelvis, which a seat hides.
        let across = [-0.75, 0.0, 0.75].map(|x| Point3::new(x * hip_x, hip_y, 0.065));
        forms.push(limb(&across, &[0.094, 0.100, 0.094]));
    }
    let shoulder_z = sizes.c7_sitting_m - sizes.c7_to_acromion_m - 0.030;
    let shoulder_y = back.point(back.station_at(shoulder_z), 0.0).y + 0.42 * sizes.chest_depth_m;
    for side in [-1.0, 1.0] {
        let at = |x: f64, y: f64, z: f64| Point3::new(side * x, y, z);
        let x = 0.5 * sizes.biacromial_m - 0.012;
        let down = |point: &Point3<f64>, x: f64, y: f64, z: f64| {
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
            Pose::Supine | Pose::Prone => {
                let elbow = at(
                    0.60 * sizes.bideltoid_m,
                    shoulder_y + 0.01,
                    shoulder_z - 0.29 * scale,
                );
                (elbow, down(&elbow, 0.012, 0.012, -0.24))
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
        ));
        let hip = at(hip_x, hip_y, 0.088);
        let (knee, ankle, toe) = match pose {
            Pose::Sitting => {
                let knee = down(&hip, 0.02, 0.41, 0.0);
                let ankle = down(&knee, 0.0, 0.26, -0.28);
                (knee, ankle, down(&ankle, 0.0, 0.13, 0.085))
            }
            Pose::Supine => {
                let knee = down(&hip, 0.0, -0.01, -0.43);
                let ankle = down(&knee, 0.0, -0.02, -0.39);
                (knee, ankle, down(&ankle, 0.03, 0.17, -0.04))
            }
            Pose::Prone => {
                let knee = down(&hip, 0.0, 0.03, -0.43);
                let ankle = down(&knee, 0.0, 0.0, -0.39);
                (knee, ankle, down(&ankle, 0.0, 0.03, -0.17))
            }
        };
        forms.push(limb(
            &[hip, nalgebra::center(&hip, &knee), knee],
            &[0.088, 0.076, 0.055],
        ));
        let calf = match pose {
            Pose::Sitting | Pose::Supine => Vector3::zeros(),
            Pose::Prone => Vector3::new(0.0, -0.008, 0.0),
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
        ));
    }
    forms
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
