//! The rest of the user, who plays no part in a run: a figure of clay that shows which way they sit.

use std::f64::consts::{PI, TAU};

use back::{Back, Level};
use nalgebra::{Point3, Vector3};

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
pub fn limbs(back: &Back) -> Vec<Form> {
    let sizes = back.sizes();
    let trunk = back.trunk();
    let scale = sizes.c7_sitting_m / 0.65;
    let nape = back.point(STATIONS[0], 0.0);
    let mut forms = vec![Form::Limb {
        // Neck, and the head as an egg.
        path: [-0.03, 0.03, 0.075, 0.12, 0.155, 0.185, 0.21, 0.225]
            .map(|up: f64| nape + scale * Vector3::new(0.0, 0.058 + 0.22 * up.clamp(0.0, 0.12), up))
            .to_vec(),
        radii_m: [0.052, 0.055, 0.072, 0.084, 0.085, 0.077, 0.055, 0.022]
            .map(|r| scale * r)
            .to_vec(),
    }];
    let shoulder_z = sizes.c7_sitting_m - sizes.c7_to_acromion_m - 0.030;
    let shoulder_y = back.point(back.station_at(shoulder_z), 0.0).y + 0.42 * sizes.chest_depth_m;
    for side in [-1.0, 1.0] {
        let at = |x: f64, y: f64, z: f64| Point3::new(side * x, y, z);
        let x = 0.5 * sizes.biacromial_m - 0.012;
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
        let middle = nalgebra::center(&at(x + 0.012, shoulder_y, shoulder_z - 0.06), &elbow);
        forms.push(Form::Limb {
            path: vec![
                at(x - 0.02, shoulder_y, shoulder_z),
                at(x + 0.008, shoulder_y, shoulder_z - 0.05),
                middle,
                elbow,
            ],
            radii_m: [0.052, 0.056, 0.046, 0.038].map(|r| scale * r).to_vec(),
        });
        forms.push(Form::Limb {
            path: vec![
                elbow,
                nalgebra::center(&elbow, &wrist),
                wrist,
                wrist + Vector3::new(0.0, 0.09 * scale, -0.01),
            ],
            radii_m: [0.038, 0.038, 0.026, 0.020].map(|r| scale * r).to_vec(),
        });
        let hip_x = 0.26 * sizes.hip_breadth_m;
        let hip = at(hip_x, trunk.hip.y - 0.01, 0.088);
        let knee = at(hip_x + 0.02, trunk.hip.y + 0.41 * scale, 0.085);
        let ankle = at(hip_x + 0.02, knee.y + 0.26 * scale, knee.z - 0.28 * scale);
        forms.push(Form::Limb {
            path: vec![hip, nalgebra::center(&hip, &knee), knee],
            radii_m: [0.086, 0.076, 0.056].map(|r| scale * r).to_vec(),
        });
        forms.push(Form::Limb {
            path: vec![
                knee,
                knee + 0.35 * (ankle - knee),
                ankle,
                ankle + Vector3::new(0.0, 0.10, 0.055) * scale,
            ],
            radii_m: [0.055, 0.056, 0.036, 0.030].map(|r| scale * r).to_vec(),
        });
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
