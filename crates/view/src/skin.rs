//! What the nodes touch, as a surface to draw: points, normals, and where on it the cells of the bed lie.

use std::f64::consts::TAU;
use std::sync::Arc;

use back::{Back, Level};
use mechanism::TrackCurve;
use nalgebra::{Point3, Vector3};
use sim::Bed;

/// A surface as a grid: `columns` points from left to right in each of `rows` rows from the top.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Number of rows.
    pub rows: usize,
    /// Number of points in a row.
    pub columns: usize,
    /// Row by row.
    pub points: Vec<Point3<f64>>,
    /// Unit normals, one per point, on the side that is seen from the machine.
    pub normals: Vec<Vector3<f64>>,
    /// Place in the picture laid over it, from its upper left corner, 0 to 1: to the right, down.
    pub uvs: Vec<[f32; 2]>,
}

/// Which cell of the bed each pixel of the skin's picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atlas {
    /// Row and column of the bed under the first pixel; off the bed they are negative.
    pub first: [isize; 2],
    /// Rows and columns of pixels.
    pub size: [usize; 2],
}

/// The surface that nodes press, in the back frame.
#[derive(Clone)]
pub struct Skin {
    /// What is drawn of it.
    pub sheet: Sheet,
    /// Pixels and cells.
    pub atlas: Atlas,
    /// The cells.
    pub bed: Bed,
    /// Whose back it is; `None` for a slab.
    pub back: Option<Arc<Back>>,
}

/// The back is drawn from the nape down to the seat.
pub const STATIONS: [f64; 2] = [-0.115, 1.25];

/// Points of the drawn back: 3 to 4 mm apart, so that a node's dent has a shape.
const GRID: [usize; 2] = [216, 144];

impl Skin {
    /// The back of a body.
    pub fn of_back(back: &Arc<Back>, bed: &Bed) -> Skin {
        let [rows, columns] = GRID;
        let mut sheet = Sheet::with_capacity(rows, columns);
        let middle = (bed.size()[1] / 2) as f64;
        // In cells of the bed: the row, and along the skin from the midline.
        let mut places = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            let u = lerp(STATIONS, row, rows);
            let half = half_width_m(back, u);
            let x_m = |column| lerp([-half, half], column, columns);
            let line: Vec<Point3<f64>> = (0..columns).map(|c| back.point(u, x_m(c))).collect();
            let mut arc_m = vec![0.0; columns];
            for c in 1..columns {
                arc_m[c] = arc_m[c - 1] + (line[c] - line[c - 1]).norm();
            }
            // The midline lies between the two middle points of an even number.
            let zero_m = 0.5 * (arc_m[(columns - 1) / 2] + arc_m[columns / 2]);
            for column in 0..columns {
                sheet.points.push(line[column]);
                sheet.normals.push(back.normal(u, x_m(column)));
                let across = middle + (arc_m[column] - zero_m) / bed.cell_m();
                places.push([bed.row_of(u), across]);
            }
        }
        Skin::laid_out(sheet, places, bed, Some(Arc::clone(back)))
    }

    /// A bench slab.
    pub fn of_slab(bed: &Bed) -> Skin {
        let [rows, columns] = bed.size();
        let mut sheet = Sheet::with_capacity(rows, columns);
        let mut places = Vec::with_capacity(rows * columns);
        for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            sheet.points.push(bed.cell(row, column));
            sheet.normals.push(-Vector3::y());
            places.push([row as f64, column as f64]);
        }
        Skin::laid_out(sheet, places, bed, None)
    }

    /// Lays the picture over the places, one pixel a cell.
    fn laid_out(
        mut sheet: Sheet,
        places: Vec<[f64; 2]>,
        bed: &Bed,
        back: Option<Arc<Back>>,
    ) -> Skin {
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for (place, axis) in places.iter().flat_map(|place| [(place, 0), (place, 1)]) {
            low[axis] = low[axis].min(place[axis]);
            high[axis] = high[axis].max(place[axis]);
        }
        let first = low.map(|v| v.floor() as isize);
        let size = [0, 1].map(|axis| (high[axis].ceil() as isize - first[axis] + 1) as usize);
        let share = |place: &[f64; 2], axis: usize| {
            ((place[axis] - first[axis] as f64 + 0.5) / size[axis] as f64) as f32
        };
        sheet.uvs = places.iter().map(|p| [share(p, 1), share(p, 0)]).collect();
        Skin {
            sheet,
            atlas: Atlas { first, size },
            bed: bed.clone(),
            back,
        }
    }

    /// Station and lateral place of a pixel, m, where it lies on a back. Off the bed the skin goes on straight.
    pub fn place(&self, pixel: [usize; 2]) -> [f64; 2] {
        let row = (pixel[0] as isize + self.atlas.first[0]) as f64;
        let column = pixel[1] as isize + self.atlas.first[1];
        let [rows, columns] = self.bed.size();
        let on_bed = |n: isize, count: usize| n.clamp(0, count as isize - 1) as usize;
        let inside = on_bed(column, columns);
        let edge = self.bed.cell(on_bed(row as isize, rows), inside).x;
        let beyond = (column - inside as isize) as f64 * self.bed.cell_m();
        [self.bed.station(row), edge + beyond]
    }
}

impl Atlas {
    /// The pixel of a cell.
    pub fn pixel(&self, cell: [u16; 2]) -> Option<usize> {
        let at = [0, 1].map(|axis| cell[axis] as isize - self.first[axis]);
        let inside = (0..2).all(|axis| (0..self.size[axis] as isize).contains(&at[axis]));
        inside.then(|| at[0] as usize * self.size[1] + at[1] as usize)
    }
}

/// How far the back is drawn to either side: to where it turns into the flank, from the body's
/// breadths, so that the picture has a silhouette.
pub fn half_width_m(back: &Back, u: f64) -> f64 {
    let sizes = back.sizes();
    let acromion_u = (sizes.c7_to_acromion_m / back.arc_length_m()).clamp(0.08, 0.17);
    let neck_m = 0.95 * sizes.neck_circumference_m / TAU;
    let breadths = [
        (-0.05, neck_m),
        (0.02, 1.35 * neck_m),
        (acromion_u, 0.5 * sizes.biacromial_m),
        (back.station(Level::T5), 0.53 * sizes.interscye_m),
        (back.station(Level::T9), 0.5 * sizes.chest_breadth_m),
        (back.station(Level::L3), 0.5 * sizes.waist_breadth_m),
        (back.station(Level::S1), 0.5 * sizes.hip_breadth_m),
    ];
    0.96 * smooth(&breadths, u)
}

/// Between knots, level at each of them.
pub fn smooth(knots: &[(f64, f64)], at: f64) -> f64 {
    let above = knots
        .iter()
        .rposition(|(place, _)| *place <= at)
        .unwrap_or(0)
        .min(knots.len() - 2);
    let ((from, a), (to, b)) = (knots[above], knots[above + 1]);
    let t = ((at - from) / (to - from)).clamp(0.0, 1.0);
    a + (b - a) * t * t * (3.0 - 2.0 * t)
}

/// The pad's surface, machine frame: it lies `offset_m` in front of the rail, square to it.
pub fn pad(track: &TrackCurve, offset_m: f64, width_m: f64) -> Sheet {
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

impl Sheet {
    /// An empty one.
    pub fn with_capacity(rows: usize, columns: usize) -> Sheet {
        let count = rows * columns;
        Sheet {
            rows,
            columns,
            points: Vec::with_capacity(count),
            normals: Vec::with_capacity(count),
            uvs: Vec::new(),
        }
    }
}

/// The `index`-th of `count` evenly spread values, ends included.
pub fn lerp([from, to]: [f64; 2], index: usize, count: usize) -> f64 {
    from + (to - from) * index as f64 / (count - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use back::{Body, Sex};

    /// A cell of the bed and the pixel that is drawn for it are the same place on the skin.
    #[test]
    fn a_pixel_lies_over_its_cell() {
        let body = Body::mean(Sex::Female, 1.628, 25.5, 30.0);
        let back = Arc::new(Back::new(&body).unwrap());
        let bed = Bed::of_back(&back, &Bed::groundwork(4e-3), &[0.025], 0.13);
        let skin = Skin::of_back(&back, &bed);
        for (row, column) in [(20usize, 8usize), (60, 30), (90, 50)] {
            let cell = bed.cell(row, column);
            // The drawn point nearest to the cell.
            let away = |p: &Point3<f64>| (p - cell).norm();
            let (index, _) = skin
                .sheet
                .points
                .iter()
                .enumerate()
                .min_by(|a, b| away(a.1).total_cmp(&away(b.1)))
                .unwrap();
            let [right, down] = skin.sheet.uvs[index];
            let pixel = skin.atlas.pixel([row as u16, column as u16]).unwrap();
            let at = [pixel / skin.atlas.size[1], pixel % skin.atlas.size[1]];
            let off = [
                f64::from(down) * skin.atlas.size[0] as f64 - (at[0] as f64 + 0.5),
                f64::from(right) * skin.atlas.size[1] as f64 - (at[1] as f64 + 0.5),
            ];
            // Drawn points are 3 to 4 mm apart and the pixel 4 mm wide: within one pixel either way.
            assert!(
                off[0].abs() < 1.0 && off[1].abs() < 1.0,
                "{row} {column}: {off:?}"
            );
            let [u, x_m] = skin.place(at);
            assert!((u - bed.station(row as f64)).abs() < 1e-9 && (x_m - cell.x).abs() < 1e-9);
        }
    }
}
