//! A scene at rest as plain geometry: metres, machine frame, no word about how it is drawn.

use std::f64::consts::TAU;

use anyhow::Context;
use back::{Back, Level};
use mechanism::{Drive, Kinematics, Mechanism, TrackCurve};
use nalgebra::{Isometry3, Point3, Translation3, Vector3};
use scene::{Scene, Surface};
use tissue::Indenter;

/// Everything that stands in the picture.
pub struct Still {
    /// What the scene calls itself.
    pub title: String,
    /// Tilt of the machine frame's z from the vertical, backwards, rad.
    pub recline_rad: f64,
    /// Height of the seat in the machine frame, m.
    pub seat_z_m: f64,
    /// The user's back.
    pub skin: Sheet,
    /// Midline skin points over the vertebrae, C7 to S2.
    pub spine: Vec<Point3<f64>>,
    /// The pad's surface.
    pub pad: Sheet,
    /// All that is solid: rails, carriage, arms, nodes.
    pub parts: Vec<Part>,
}

/// A surface as a grid: `columns` points from left to right in each of `rows` rows from the top.
pub struct Sheet {
    /// Number of rows.
    pub rows: usize,
    /// Number of points in a row.
    pub columns: usize,
    /// Row by row.
    pub points: Vec<Point3<f64>>,
    /// Unit normals, one per point, on the side that is seen from the machine.
    pub normals: Vec<Vector3<f64>>,
}

/// One solid.
pub struct Part {
    /// Where its frame is in the machine frame.
    pub pose: Isometry3<f64>,
    /// Its shape in that frame.
    pub form: Form,
    /// What it is made of.
    pub finish: Finish,
}

/// Shapes of parts. Axles lie along x.
pub enum Form {
    /// A tube along a path.
    Tube {
        /// Centre line.
        path: Vec<Point3<f64>>,
        /// Outer radius, m.
        radius_m: f64,
    },
    /// A box around the origin.
    Block {
        /// Edge lengths, m.
        size_m: Vector3<f64>,
    },
    /// A cylinder along x around the origin.
    Cylinder {
        /// Radius, m.
        radius_m: f64,
        /// Length, m.
        length_m: f64,
    },
    /// A node.
    Node(Indenter),
}

/// What a part is made of, as far as the eye is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Bare steel: rails, shafts.
    Steel,
    /// Painted frame.
    Paint,
    /// Arms and rockers.
    Arm,
    /// Nodes.
    Rubber,
    /// The pad's piping; too thin for a shadow.
    Fabric,
}

/// Half the distance of the rails, m: wide enough to let the arms swing between them.
const RAIL_HALF_M: f64 = 0.165;
/// The back is drawn from the root of the neck down to the seat.
const STATIONS: [f64; 2] = [-0.07, 1.25];

impl Still {
    /// The scene with its machine parked: carriage half way down the track, nodes at the depth of
    /// the middle level, the back just touching the pad.
    pub fn new(scene: &Scene) -> anyhow::Result<Still> {
        anyhow::ensure!(
            scene.surface == Surface::Back,
            "this scene presses on a slab; only backs are shown"
        );
        let back = Back::new(&scene.body).map_err(|problems| {
            let list: Vec<String> = problems
                .iter()
                .map(|p| format!("{} = {}", p.key, p.value))
                .collect();
            anyhow::anyhow!("this body cannot be built: {}", list.join(", "))
        })?;
        let track = TrackCurve::new(&scene.mechanism.track);
        let pad = pad(&track, scene.chair.pad.offset_m, scene.chair.pad.width_m);
        let mut parts = parts(&scene.mechanism, &track, scene.depth.protrude_m[2])?;
        parts.push(Part {
            pose: Isometry3::identity(),
            form: piping(&pad),
            finish: Finish::Fabric,
        });
        let machine_from_back = resting(&back, &pad, scene.chair.seat_z_m);
        Ok(Still {
            title: scene.name.clone(),
            recline_rad: scene.chair.recline_rad,
            seat_z_m: scene.chair.seat_z_m,
            skin: skin(&back, &machine_from_back),
            spine: Level::ALL
                .iter()
                .map(|level| back.station(*level))
                .filter(|u| (0.0..=1.0).contains(u))
                .map(|u| machine_from_back * back.point(u, 0.0))
                .collect(),
            pad,
            parts,
        })
    }
}

/// Where the back leans when it touches the pad without pressing: shifted along y until the first
/// point touches. How deep it really sinks is a matter of forces, and the simulator's.
fn resting(back: &Back, pad: &Sheet, seat_z_m: f64) -> Isometry3<f64> {
    let mut shift_m = f64::NEG_INFINITY;
    for (row, column) in (0..=100).flat_map(|row| (-9..=9).map(move |column| (row, column))) {
        let point = back.point(lerp(STATIONS, row, 101), 0.01 * f64::from(column));
        // Above and below the rail there is no pad to touch.
        if let Some(y_m) = pad.y_at(point.z + seat_z_m) {
            shift_m = shift_m.max(y_m - point.y);
        }
    }
    Translation3::new(
        0.0,
        if shift_m.is_finite() { shift_m } else { 0.0 },
        seat_z_m,
    )
    .into()
}

fn skin(back: &Back, machine_from_back: &Isometry3<f64>) -> Sheet {
    let (rows, columns) = (200, 120);
    let mut sheet = Sheet::with_capacity(rows, columns);
    for row in 0..rows {
        let u = lerp(STATIONS, row, rows);
        let half = half_width_m(back, u);
        for column in 0..columns {
            let x = lerp([-half, half], column, columns);
            sheet.points.push(machine_from_back * back.point(u, x));
            sheet.normals.push(machine_from_back * back.normal(u, x));
        }
    }
    sheet
}

/// How far the back is drawn to either side: to where it turns into the flank, from the body's
/// breadths, so that the picture has a silhouette.
fn half_width_m(back: &Back, u: f64) -> f64 {
    let sizes = back.sizes();
    let acromion_u = (sizes.c7_to_acromion_m / back.arc_length_m()).clamp(0.08, 0.17);
    let breadths = [
        (STATIONS[0], 0.85 * sizes.neck_circumference_m / TAU),
        (acromion_u, 0.5 * sizes.biacromial_m),
        (back.station(Level::T5), 0.5 * sizes.interscye_m),
        (back.station(Level::T9), 0.5 * sizes.chest_breadth_m),
        (back.station(Level::L3), 0.5 * sizes.waist_breadth_m),
        (back.station(Level::S1), 0.5 * sizes.hip_breadth_m),
    ];
    let above = breadths
        .iter()
        .rposition(|(station, _)| *station <= u)
        .unwrap_or(0)
        .min(breadths.len() - 2);
    let ((from, a), (to, b)) = (breadths[above], breadths[above + 1]);
    let t = ((u - from) / (to - from)).clamp(0.0, 1.0);
    0.96 * (a + (b - a) * t * t * (3.0 - 2.0 * t))
}

/// The pad's surface lies `offset_m` in front of the rail, square to it.
fn pad(track: &TrackCurve, offset_m: f64, width_m: f64) -> Sheet {
    let (rows, columns) = (120, 9);
    let mut sheet = Sheet::with_capacity(rows, columns);
    for row in 0..rows {
        let rail = track.pose(lerp([0.0, track.length_m()], row, rows));
        let (sin, cos) = rail.heading_rad.sin_cos();
        for column in 0..columns {
            let x = lerp([-0.5 * width_m, 0.5 * width_m], column, columns);
            sheet.points.push(Point3::new(
                x,
                rail.y_m + offset_m * cos,
                rail.z_m + offset_m * sin,
            ));
            sheet.normals.push(Vector3::new(0.0, -cos, -sin));
        }
    }
    sheet
}

/// A cord around the edge of the pad, which is drawn see-through and would hardly be seen.
fn piping(pad: &Sheet) -> Form {
    let (right, bottom) = (pad.columns - 1, pad.rows - 1);
    let at = |row: usize, column: usize| pad.points[row * pad.columns + column];
    let mut path: Vec<Point3<f64>> = (0..=bottom).map(|row| at(row, 0)).collect();
    path.extend((0..=bottom).rev().map(|row| at(row, right)));
    path.push(at(0, 0));
    Form::Tube {
        path,
        radius_m: 0.003,
    }
}

fn parts(mechanism: &Mechanism, track: &TrackCurve, protrude_m: f64) -> anyhow::Result<Vec<Part>> {
    let kinematics = Kinematics::new(mechanism).context("the mechanism cannot be drawn")?;
    let (top, bottom) = kinematics.walk_range();
    let drive = Drive {
        walk_m: 0.5 * (top + bottom),
        protrude_m,
        knead_rad: 0.0,
        tap_rad: 0.0,
    };
    let carriage = kinematics.carriage(drive.walk_m);
    let at = |x: f64, y: f64, z: f64| carriage * Translation3::new(x, y, z);

    let mut parts = Vec::new();
    let mut add = |pose: Isometry3<f64>, finish, form| parts.push(Part { pose, form, finish });
    let tube = |path: Vec<Point3<f64>>, radius_m| Form::Tube { path, radius_m };

    let rail: Vec<Point3<f64>> = (0..120)
        .map(|i| track.pose(lerp([0.0, track.length_m()], i, 120)))
        .map(|p| Point3::new(0.0, p.y_m, p.z_m))
        .collect();
    for side in [-1.0, 1.0] {
        let shift = Translation3::new(side * RAIL_HALF_M, 0.0, 0.0).into();
        add(shift, Finish::Steel, tube(rail.clone(), 0.008));
        for end in [-0.5, 0.5] {
            let roller = Form::Cylinder {
                radius_m: 0.014,
                length_m: 0.016,
            };
            add(
                at(
                    side * RAIL_HALF_M,
                    0.0,
                    end * mechanism.carriage.wheelbase_m,
                ),
                Finish::Rubber,
                roller,
            );
        }
    }
    let beam = Vector3::new(2.0 * RAIL_HALF_M - 0.03, 0.022, 0.03);
    for end in [-0.5, 0.5] {
        let z = end * mechanism.carriage.wheelbase_m;
        add(at(0.0, 0.0, z), Finish::Paint, Form::Block { size_m: beam });
    }
    let machine_from_shaft = kinematics.shaft(drive.walk_m, drive.protrude_m);
    let shaft_y = (carriage.inverse() * machine_from_shaft).translation.y;
    for side in [-1.0, 1.0] {
        let x = side * (RAIL_HALF_M - 0.03);
        add(
            at(x, 0.0, 0.0),
            Finish::Paint,
            Form::Block {
                size_m: Vector3::new(0.012, 0.03, mechanism.carriage.wheelbase_m + 0.03),
            },
        );
        add(
            at(x, 0.5 * shaft_y, 0.0),
            Finish::Steel,
            Form::Block {
                size_m: Vector3::new(0.01, shaft_y.abs() + 0.03, 0.026),
            },
        );
    }
    let shaft = Form::Cylinder {
        radius_m: 0.007,
        length_m: 2.0 * RAIL_HALF_M - 0.05,
    };
    add(machine_from_shaft, Finish::Steel, shaft);

    for side in kinematics.sides(&drive)? {
        // The boss centre stays put in the arm, and the pivot is r0 away from it.
        let pivot_on_arm = Vector3::from(mechanism.knead.pivot_on_arm_m);
        let boss = side.pivot * Point3::from(-pivot_on_arm);
        let pivot = side.pivot * Point3::origin();
        let boss_pose = Isometry3::from_parts(boss.into(), side.pivot.rotation);
        add(
            boss_pose,
            Finish::Paint,
            Form::Cylinder {
                radius_m: 0.026,
                length_m: 0.022,
            },
        );
        add(
            Isometry3::identity(),
            Finish::Arm,
            tube(vec![boss, pivot], 0.0085),
        );
        add(
            side.pivot,
            Finish::Steel,
            Form::Cylinder {
                radius_m: 0.011,
                length_m: 0.03,
            },
        );
        for (index, node) in mechanism.nodes.iter().enumerate() {
            let centre = kinematics.node_in_pivot(index, kinematics.rocker_rest_rad());
            add(
                Isometry3::identity(),
                Finish::Arm,
                tube(vec![pivot, side.pivot * centre], 0.0075),
            );
            add(
                side.pivot * Translation3::from(centre.coords),
                Finish::Rubber,
                Form::Node(node.shape.clone()),
            );
        }
    }
    Ok(parts)
}

impl Sheet {
    fn with_capacity(rows: usize, columns: usize) -> Sheet {
        let count = rows * columns;
        Sheet {
            rows,
            columns,
            points: Vec::with_capacity(count),
            normals: Vec::with_capacity(count),
        }
    }

    /// The y of the middle column at a height, `None` above and below the sheet.
    fn y_at(&self, z_m: f64) -> Option<f64> {
        let middle = |row: usize| self.points[row * self.columns + self.columns / 2];
        let below =
            (1..self.rows).find(|row| (middle(*row).z..=middle(row - 1).z).contains(&z_m))?;
        let (a, b) = (middle(below - 1), middle(below));
        Some(b.y + (a.y - b.y) * (z_m - b.z) / (a.z - b.z).max(1e-9))
    }
}

/// The `index`-th of `count` evenly spread values, ends included.
fn lerp([from, to]: [f64; 2], index: usize, count: usize) -> f64 {
    from + (to - from) * index as f64 / (count - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The back touches the pad and does not reach through it.
    #[test]
    fn the_back_just_touches_the_pad() {
        let path = std::path::Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scenes/chair.toml"
        ));
        let still = Still::new(&crate::scene_input::load(path, &[]).unwrap()).unwrap();
        let near = still.skin.points.iter().filter(|skin| skin.x.abs() < 0.09);
        let gaps_m = near.filter_map(|skin| Some(skin.y - still.pad.y_at(skin.z)?));
        let least_m = gaps_m.fold(f64::INFINITY, f64::min);
        // The touch is searched every 10 mm across; between two such points a paraspinal ridge, the
        // sharpest form there is (8 mm high, 20 mm wide), stands out by 8 (5 / 20)^2 = 0.5 mm.
        assert!(least_m.abs() < 1e-3, "the gap is {least_m} m");
    }
}
