//! The skin as it is drawn under the nodes.
//!
//! Where a node presses, the skin lies on it: the node's shape, moved back until the deepest point is as deep as the simulator
//! says. Around it the surface runs out softly over a few millimetres; that fillet is drawn, not computed.

use nalgebra::{Isometry3, Point3, Vector3};
use tissue::Indenter;

use crate::parts::Machine;
use crate::run::Moment;
use crate::skin::Sheet;

/// One node in the skin, in the back frame.
pub struct Press<'a> {
    shape: &'a Indenter,
    node_from_back: Isometry3<f64>,
    centre: Point3<f64>,
    /// How far the surface that pushes the skin lies behind the node's own, m: what node and cover give way, less the
    /// cover's thickness.
    behind_m: f64,
    reach_m: f64,
}

/// A point of a sheet that is not where it rests.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// Index of the point.
    pub index: usize,
    /// Where it is.
    pub point: Point3<f64>,
    /// Which way it faces.
    pub normal: Vector3<f64>,
}

/// Over this length the skin lifts off a node, m.
const FILLET_M: f64 = 0.0022;

/// The nodes that press at a moment.
pub fn presses<'a>(machine: &'a Machine, moment: &Moment) -> Vec<Press<'a>> {
    let back_from_machine = moment.machine_from_back.inverse();
    let nodes = machine.nodes.iter().zip(&moment.touches);
    nodes
        .filter(|(_, touch)| touch.force_n > 0.0 && touch.skin_m > 0.0)
        .filter_map(|((body, shape), touch)| {
            let back_from_node = back_from_machine * moment.bodies.get(*body)?;
            let bound_m = shape.bound_m().min(0.06);
            Some(Press {
                shape,
                node_from_back: back_from_node.inverse(),
                centre: back_from_node.translation.vector.into(),
                behind_m: touch.depth_m - machine.cover_m - touch.skin_m,
                reach_m: bound_m + 0.01,
            })
        })
        .collect()
}

/// How far the skin at a point, whose inward normal is given, is pushed in, m.
pub fn depth_m(presses: &[Press], point: &Point3<f64>, inward: &Vector3<f64>) -> f64 {
    presses
        .iter()
        .filter(|press| (point - press.centre).norm_squared() < press.reach_m * press.reach_m)
        .filter_map(|press| {
            let (at, way) = (press.node_from_back * point, press.node_from_back * inward);
            let past_m = press.shape.reach(&at, &way)? - press.behind_m;
            // ln(1 + e^x), which is x where the node is past the skin and 0 where it is not.
            let x = past_m / FILLET_M;
            Some(FILLET_M * if x > 30.0 { x } else { x.exp().ln_1p() })
        })
        .fold(0.0, f64::max)
}

/// The points of a sheet that presses move, and their normals.
pub fn moved(sheet: &Sheet, presses: &[Press]) -> Vec<Moved> {
    let mut depths = std::collections::BTreeMap::new();
    for row in 0..sheet.rows {
        let line = row * sheet.columns..(row + 1) * sheet.columns;
        // A row lies at one height.
        let Some(first) = sheet.points.get(line.start) else {
            continue;
        };
        if !presses
            .iter()
            .any(|p| (p.centre.z - first.z).abs() < p.reach_m)
        {
            continue;
        }
        for index in line {
            let depth_m = depth_m(presses, &sheet.points[index], &-sheet.normals[index]);
            if depth_m > 1e-6 {
                depths.insert(index, depth_m);
            }
        }
    }
    let point = |row: usize, column: usize, pressed: bool| {
        let index = row * sheet.columns + column;
        let depth_m = depths
            .get(&index)
            .copied()
            .filter(|_| pressed)
            .unwrap_or(0.0);
        sheet.points[index] - depth_m * sheet.normals[index]
    };
    // By differences of neighbours, with and without the dent, so that the rest keeps its own normals.
    let facing = |index: usize, pressed: bool| {
        let (row, column) = (index / sheet.columns, index % sheet.columns);
        let (up, down) = (row.saturating_sub(1), (row + 1).min(sheet.rows - 1));
        let (left, right) = (
            column.saturating_sub(1),
            (column + 1).min(sheet.columns - 1),
        );
        let along = point(down, column, pressed) - point(up, column, pressed);
        let across = point(row, right, pressed) - point(row, left, pressed);
        along.cross(&across).normalize()
    };
    depths
        .iter()
        .map(|(&index, depth_m)| Moved {
            index,
            point: sheet.points[index] - *depth_m * sheet.normals[index],
            normal: (sheet.normals[index] + facing(index, true) - facing(index, false)).normalize(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Touching;

    /// A sphere of 25 mm whose skin stands 8 mm deep on a plane: at the middle the drawn skin is that deep, 40 mm away it rests.
    #[test]
    fn the_deepest_point_is_as_deep_as_the_run_says() {
        let (rows, columns) = (41, 41);
        let mut sheet = Sheet::with_capacity(rows, columns);
        for i in 0..rows * columns {
            let (row, column) = (i / columns, i % columns);
            sheet.points.push(Point3::new(
                0.002 * (column as f64 - 20.0),
                0.0,
                0.002 * (20.0 - row as f64),
            ));
            sheet.normals.push(-Vector3::y());
        }
        let shape = Indenter::Sphere { radius_m: 0.025 };
        let machine = Machine {
            bodies: vec!["node".into()],
            nodes: vec![(0, shape)],
            cover_m: 0.005,
            ..Machine::default()
        };
        // Overlap with the cover: 15 mm. Node: its foremost point at y = 10 mm.
        let moment = Moment {
            bodies: vec![Isometry3::translation(0.0, 0.010 - 0.025, 0.0)],
            touches: vec![Touching {
                force_n: 40.0,
                depth_m: 0.015,
                skin_m: 0.008,
                ..Touching::default()
            }],
            ..Moment::default()
        };
        let presses = presses(&machine, &moment);
        let at = |x: f64| depth_m(&presses, &Point3::new(x, 0.0, 0.0), &Vector3::y());
        // ln(1 + e^(8 / 2.2)) 2.2 mm = 8.06 mm.
        assert!((at(0.0) - 0.008).abs() < 1e-4, "{}", at(0.0));
        assert_eq!(at(0.040), 0.0);
        let moved = moved(&sheet, &presses);
        assert!(moved.len() > 100 && moved.len() < rows * columns);
        for m in &moved {
            assert!((m.normal.norm() - 1.0).abs() < 1e-9 && m.normal.y < 0.0);
            assert!(m.point.y >= 0.0 && m.point.y < 0.0082);
        }
    }
}
