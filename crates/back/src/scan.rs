//! A real back, from a mesh.

use nalgebra::{Point3, Rotation3, Vector3};
use serde::{Deserialize, Serialize};

use crate::spine::{FROM_U, TO_U};

/// The skin of a scanned back as a height field in its own stations: what stands in for the parametric surface.
///
/// The mesh is turned so that the chord from the middle of the two PSIS to C7 is vertical and the PSIS lie level, looked at from behind on a grid of
/// `GRID_M`, smoothed once with weights 1 2 1 each way (a ripple of 20 mm keeps 0.73 of its height, one of 60 mm 0.97), and its midline
/// measured: station 0 is C7, 1 the middle of the PSIS. Below and above what was scanned the skin goes on from its last row.
///
/// Layers, zones, trunk and limits stay those of the body that is named beside it: a scan knows nothing of what lies under the skin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// C7 to S2 along the midline skin, m.
    pub arc_length_m: f64,
    /// Forward position of the midline against that of S2, m, at [`Scan::ROWS`] even stations from -0.05 to 1.05.
    pub midline_y_m: Vec<f64>,
    /// Its height over S2, m.
    pub midline_z_m: Vec<f64>,
    /// Skin behind the midline, m: row after row, [`Scan::COLUMNS`] even places from -150 to 150 mm.
    pub offset_m: Vec<f64>,
}

/// Where three points of the body are on the mesh, in the mesh's frame, m.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanMarks {
    /// Spinous process of C7, on the skin.
    pub c7: [f64; 3],
    /// Posterior superior iliac spine, the user's left.
    pub psis_left: [f64; 3],
    /// The same on the right.
    pub psis_right: [f64; 3],
}

/// Why a mesh is no back. Each message says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScanProblem {
    /// C7 and PSIS are as far apart as on no adult.
    #[error("C7 and the PSIS are {found_m:.4} m apart; allowed are {} to {} m: {hint}", CHORD_M[0], CHORD_M[1])]
    Size {
        /// Their distance.
        found_m: f64,
        /// What the unit may be.
        hint: &'static str,
    },
    /// The PSIS are as far apart as on no adult.
    #[error("the two PSIS are {found_m:.4} m apart; allowed are {} to {} m: check the three landmarks", PSIS_M[0], PSIS_M[1])]
    Psis {
        /// Their distance.
        found_m: f64,
    },
    /// A landmark is not on the skin.
    #[error(
        "{mark} is {off_m:.4} m off the mesh, at most {MARK_OFF_M} m are allowed: pick it on the skin, in the mesh's own frame and unit"
    )]
    Mark {
        /// Which.
        mark: &'static str,
        /// Its distance to the nearest vertex.
        off_m: f64,
    },
    /// Triangles are too large.
    #[error(
        "half of the edges are longer than {edge_m:.4} m; at most {EDGE_M} m are allowed, and 0.005 m are good: export the scan in more detail"
    )]
    Coarse {
        /// Median edge.
        edge_m: f64,
    },
    /// Skin is missing.
    #[error(
        "there is no skin at {missing} of {all} places between C7 and the PSIS, the first at station {u:.2}, {x_m:+.3} m from the midline: fill the holes of the scan"
    )]
    Holes {
        /// Places without skin.
        missing: usize,
        /// Places that were looked at.
        all: usize,
        /// The first.
        u: f64,
        /// The first.
        x_m: f64,
    },
    /// Nothing to look at, or a number that is none.
    #[error(
        "the mesh holds {vertices} vertices and {triangles} triangles that can be used: is it a triangle mesh?"
    )]
    Empty {
        /// Vertices.
        vertices: usize,
        /// Triangles.
        triangles: usize,
    },
}

/// Grid that the mesh is looked at on, m.
const GRID_M: f64 = 0.005;
/// C7 to PSIS, straight, m: nobody's is shorter or longer (survey, C7 to crest 0.33 to 0.55 over 0.861).
const CHORD_M: [f64; 2] = [0.33, 0.68];
/// From one PSIS to the other, m (E; 80 to 90 mm are usual).
const PSIS_M: [f64; 2] = [0.05, 0.16];
/// A landmark may be off the mesh by this, m.
const MARK_OFF_M: f64 = 0.012;
/// Median edge of the mesh at most, m.
const EDGE_M: f64 = 0.012;
/// Skin that must be there, m to either side of the midline: between the shoulder blades and below, and at the neck.
const NEEDED_M: [f64; 2] = [0.090, 0.050];
/// Stations of the first and last row.
const ROWS_U: [f64; 2] = [-0.05, 1.05];
/// Places of the first and last column, m.
const HALF_M: f64 = 0.150;

impl Scan {
    /// Rows: 0.005 in u.
    pub const ROWS: usize = 221;
    /// Columns: 5 mm.
    pub const COLUMNS: usize = 61;

    /// Resamples a mesh: vertices in m, triangles as indices.
    ///
    /// # Errors
    /// Everything that keeps it from being a back.
    pub fn new(
        vertices: &[[f64; 3]],
        triangles: &[[usize; 3]],
        marks: &ScanMarks,
    ) -> Result<Scan, Vec<ScanProblem>> {
        let usable: Vec<[usize; 3]> = triangles
            .iter()
            .copied()
            .filter(|t| {
                t.iter().all(|i| {
                    vertices
                        .get(*i)
                        .is_some_and(|v| v.iter().all(|x| x.is_finite()))
                })
            })
            .collect();
        let [c7, left, right] = [marks.c7, marks.psis_left, marks.psis_right].map(Point3::from);
        let s2 = nalgebra::center(&left, &right);
        let mut problems = Vec::new();
        if usable.is_empty() {
            return Err(vec![ScanProblem::Empty {
                vertices: vertices.len(),
                triangles: usable.len(),
            }]);
        }
        let chord_m = (c7 - s2).norm();
        if !(CHORD_M[0]..=CHORD_M[1]).contains(&chord_m) {
            let fits = |scale: f64| (CHORD_M[0]..=CHORD_M[1]).contains(&(scale * chord_m));
            let hint = if fits(1e-3) {
                "the mesh seems to be in mm of what is taken for m"
            } else if fits(1e3) {
                "the mesh seems to be in m of what is taken for mm"
            } else if fits(1e-2) || fits(1e2) || fits(10.0) || fits(0.1) {
                "the unit seems to be wrong by a factor of 10 or 100, as with cm"
            } else if fits(0.0254) || fits(1.0 / 0.0254) {
                "the mesh seems to be in inches"
            } else {
                "check the unit and the three landmarks"
            };
            return Err(vec![ScanProblem::Size {
                found_m: chord_m,
                hint,
            }]);
        }
        let psis_m = (right - left).norm();
        if !(PSIS_M[0]..=PSIS_M[1]).contains(&psis_m) {
            problems.push(ScanProblem::Psis { found_m: psis_m });
        }
        for (mark, point) in [("c7", c7), ("psis_left", left), ("psis_right", right)] {
            let off_m = vertices
                .iter()
                .map(|v| (Point3::from(*v) - point).norm())
                .fold(f64::INFINITY, f64::min);
            if off_m > MARK_OFF_M {
                problems.push(ScanProblem::Mark { mark, off_m });
            }
        }
        let mut edges: Vec<f64> = usable
            .iter()
            .flat_map(|t| [(t[0], t[1]), (t[1], t[2]), (t[2], t[0])])
            .map(|(a, b)| (Point3::from(vertices[a]) - Point3::from(vertices[b])).norm())
            .collect();
        edges.sort_by(f64::total_cmp);
        let edge_m = edges[edges.len() / 2];
        if edge_m > EDGE_M {
            problems.push(ScanProblem::Coarse { edge_m });
        }
        if !problems.is_empty() {
            return Err(problems);
        }

        // Up along the chord, to the right along the PSIS, forward what is left. The skin of S2 lies a little before or behind the line between the
        // PSIS: looked up with the first frame, it gives the second.
        let mut s2 = s2;
        for last in [false, true] {
            let up = (c7 - s2).normalize();
            let across = right - left;
            let side = (across - up * across.dot(&up)).normalize();
            let axes = nalgebra::Matrix3::from_columns(&[side, up.cross(&side), up]);
            let turn = Rotation3::from_matrix_unchecked(axes.transpose());
            let chord_m = (c7 - s2).norm();
            let view = View::of(
                vertices,
                &usable,
                |v| Point3::from(turn * (Point3::from(*v) - s2)),
                chord_m,
            );
            if last {
                return view.scan(chord_m);
            }
            let skin_y_m = view.middle_y_m(0.0);
            if skin_y_m.is_finite() {
                s2 += turn.inverse() * Vector3::new(0.0, skin_y_m, 0.0);
            }
        }
        Err(problems)
    }

    /// `[y, z]` of the midline by station, with their derivatives; straight on beyond the rows.
    pub(crate) fn midline(&self, u: f64) -> [[f64; 2]; 2] {
        let step = (ROWS_U[1] - ROWS_U[0]) / (Scan::ROWS - 1) as f64;
        let t = (u - ROWS_U[0]) / step;
        [&self.midline_y_m, &self.midline_z_m].map(|row| {
            let [v, d] = catmull(|i| row[i], row.len(), t);
            [v, d / step]
        })
    }

    /// Offset behind the midline with its derivatives by u and x; constant in u beyond the rows, straight on in x beyond the columns.
    pub(crate) fn offset(&self, u: f64, x_m: f64) -> [f64; 3] {
        let step_u = (ROWS_U[1] - ROWS_U[0]) / (Scan::ROWS - 1) as f64;
        let step_x = 2.0 * HALF_M / (Scan::COLUMNS - 1) as f64;
        let (inside, flat) = (
            u.clamp(ROWS_U[0], ROWS_U[1]),
            !(ROWS_U[0]..=ROWS_U[1]).contains(&u),
        );
        let t = (inside - ROWS_U[0]) / step_u;
        let w = (x_m + HALF_M) / step_x;
        // Rows around t, each interpolated along x, then along u.
        let last = Scan::ROWS - 1;
        let i = (t as usize).min(last - 1);
        let line = |r: usize| catmull(|c| self.offset_m[r * Scan::COLUMNS + c], Scan::COLUMNS, w);
        let lines = [i.saturating_sub(1), i, i + 1, (i + 2).min(last)].map(line);
        let f = t - i as f64;
        let blend = |k: usize| hermite4(lines.map(|l| l[k]), f);
        let ([v, by_u], [by_x, _]) = (blend(0), blend(1));
        [v, if flat { 0.0 } else { by_u / step_u }, by_x / step_x]
    }
}

/// Cubic through four even samples (Catmull and Rom 1974), between the second and the third; value and slope per step.
fn hermite4([a, b, c, d]: [f64; 4], f: f64) -> [f64; 2] {
    crate::curve::hermite([b, 0.5 * (c - a)], [c, 0.5 * (d - b)], 1.0, f)
}

/// The same along a row; straight on beyond its ends.
fn catmull(row: impl Fn(usize) -> f64, count: usize, t: f64) -> [f64; 2] {
    let last = count - 1;
    let inside = t.clamp(0.0, last as f64);
    let i = (inside as usize).min(last - 1);
    // Beyond an end the neighbour is the end's mirror image, so that the slope there is that of the last step.
    let at = |k: isize| {
        if k < 0 {
            2.0 * row(0) - row(1)
        } else if k > last as isize {
            2.0 * row(last) - row(last - 1)
        } else {
            row(k as usize)
        }
    };
    let k = i as isize;
    let [v, d] = hermite4([at(k - 1), at(k), at(k + 1), at(k + 2)], inside - i as f64);
    [v + d * (t - inside), d]
}

/// The mesh seen from behind: forward distance of the rearmost skin on a grid; rows downwards.
struct View {
    columns: usize,
    rows: usize,
    top_m: f64,
    y_m: Vec<f64>,
}

impl View {
    fn of(
        vertices: &[[f64; 3]],
        triangles: &[[usize; 3]],
        turn: impl Fn(&[f64; 3]) -> Point3<f64>,
        chord_m: f64,
    ) -> View {
        let columns = (2.0 * HALF_M / GRID_M).round() as usize + 1;
        // A little over C7 and under the PSIS.
        let top_m = chord_m + 0.060;
        let rows = ((top_m + 0.060) / GRID_M).ceil() as usize + 1;
        let mut y_m = vec![f64::NAN; rows * columns];
        for t in triangles {
            let p = t.map(|i| turn(&vertices[i]));
            let of = |v: f64, from: f64| (v - from) / GRID_M;
            let (xs, zs) = (p.map(|p| of(p.x, -HALF_M)), p.map(|p| of(top_m - p.z, 0.0)));
            let span = |v: [f64; 3], n: usize| {
                let (low, high) = (
                    v.iter().copied().fold(f64::MAX, f64::min),
                    v.iter().copied().fold(f64::MIN, f64::max),
                );
                low.ceil().max(0.0) as usize..((high.floor() + 1.0).max(0.0) as usize).min(n)
            };
            let area = (xs[1] - xs[0]) * (zs[2] - zs[0]) - (xs[2] - xs[0]) * (zs[1] - zs[0]);
            if area.abs() < 1e-9 {
                continue;
            }
            for r in span(zs, rows) {
                for c in span(xs, columns) {
                    let (x, z) = (c as f64, r as f64);
                    let b = ((xs[1] - xs[0]) * (z - zs[0]) - (x - xs[0]) * (zs[1] - zs[0])) / area;
                    let a = ((x - xs[0]) * (zs[2] - zs[0]) - (xs[2] - xs[0]) * (z - zs[0])) / area;
                    if a >= -1e-9 && b >= -1e-9 && a + b <= 1.0 + 1e-9 {
                        let y = p[0].y + a * (p[1].y - p[0].y) + b * (p[2].y - p[0].y);
                        let cell = &mut y_m[r * columns + c];
                        // Rearmost: not a number gives way to any.
                        *cell = cell.min(y);
                    }
                }
            }
        }
        View {
            columns,
            rows,
            top_m,
            y_m,
        }
    }

    /// Skin of the midline at a height, m.
    fn middle_y_m(&self, z_m: f64) -> f64 {
        let row = (((self.top_m - z_m) / GRID_M).round() as usize).min(self.rows - 1);
        self.y_m[row * self.columns + self.columns / 2]
    }

    fn scan(mut self, chord_m: f64) -> Result<Scan, Vec<ScanProblem>> {
        let middle = self.columns / 2;
        let z_of = |top_m: f64, r: usize| top_m - r as f64 * GRID_M;
        let (mut missing, mut all, mut first) = (0, 0, None);
        for r in 0..self.rows {
            let share = 1.0 - z_of(self.top_m, r) / chord_m;
            if !(-0.01..=1.01).contains(&share) {
                continue;
            }
            let reach = NEEDED_M[usize::from(share < 0.12)];
            for c in 0..self.columns {
                let x_m = (c as f64 - middle as f64) * GRID_M;
                if x_m.abs() <= reach {
                    all += 1;
                    if self.y_m[r * self.columns + c].is_nan() {
                        missing += 1;
                        first = first.or(Some((share, x_m)));
                    }
                }
            }
        }
        if let Some((u, x_m)) = first {
            return Err(vec![ScanProblem::Holes {
                missing,
                all,
                u,
                x_m,
            }]);
        }
        self.fill();
        self.smooth();

        // Stations along the midline: arc from C7 down.
        let z: Vec<f64> = (0..self.rows).map(|r| z_of(self.top_m, r)).collect();
        let y: Vec<f64> = (0..self.rows)
            .map(|r| self.y_m[r * self.columns + middle])
            .collect();
        let mut arc = vec![0.0; self.rows];
        for r in 1..self.rows {
            arc[r] = arc[r - 1] + GRID_M.hypot(y[r] - y[r - 1]);
        }
        let at = |values: &[f64], row: f64| {
            let i = (row.max(0.0) as usize).min(values.len() - 2);
            values[i] + (row - i as f64) * (values[i + 1] - values[i])
        };
        let row_of_z = |z_m: f64| (self.top_m - z_m) / GRID_M;
        let (arc_c7, arc_s2) = (at(&arc, row_of_z(chord_m)), at(&arc, row_of_z(0.0)));
        let arc_length_m = arc_s2 - arc_c7;
        let y_s2 = catmull(|i| y[i], y.len(), row_of_z(0.0))[0];

        let mut scan = Scan {
            arc_length_m,
            midline_y_m: vec![],
            midline_z_m: vec![],
            offset_m: vec![],
        };
        for i in 0..Scan::ROWS {
            let u = ROWS_U[0] + (ROWS_U[1] - ROWS_U[0]) * i as f64 / (Scan::ROWS - 1) as f64;
            let wanted = arc_c7 + u * arc_length_m;
            let below = arc
                .partition_point(|a| *a <= wanted)
                .clamp(1, self.rows - 1);
            let row =
                (below - 1) as f64 + (wanted - arc[below - 1]) / (arc[below] - arc[below - 1]);
            let here = catmull(|k| y[k], y.len(), row)[0];
            scan.midline_y_m.push(here - y_s2);
            scan.midline_z_m.push(at(&z, row));
            for c in 0..Scan::COLUMNS {
                let value = catmull(|k| self.y_m[k * self.columns + c], self.rows, row)[0];
                scan.offset_m.push(value - here);
            }
        }
        Ok(scan)
    }

    /// Where the mesh ends the skin goes on: along its row as steep as it ended (by at most 60 degrees), above and below as its last row.
    fn fill(&mut self) {
        let (columns, middle) = (self.columns, self.columns / 2);
        for r in 0..self.rows {
            let row = &mut self.y_m[r * columns..][..columns];
            if row[middle].is_nan() {
                continue;
            }
            for step in [1, -1_isize] {
                let mut c = middle as isize;
                let mut slope = 0.0_f64;
                while (0..columns as isize).contains(&(c + step)) {
                    let (here, next) = (row[c as usize], row[(c + step) as usize]);
                    if next.is_nan() {
                        row[(c + step) as usize] = here + slope;
                    } else {
                        slope = (next - here).clamp(0.0, 1.7 * GRID_M);
                    }
                    c += step;
                }
            }
        }
        let whole: Vec<usize> = (0..self.rows)
            .filter(|r| !self.y_m[r * columns + middle].is_nan())
            .collect();
        let (Some(&top), Some(&bottom)) = (whole.first(), whole.last()) else {
            return;
        };
        for r in (0..self.rows).filter(|r| !(top..=bottom).contains(r)) {
            let from = if r < top { top } else { bottom };
            self.y_m
                .copy_within(from * columns..(from + 1) * columns, r * columns);
        }
    }

    /// Weights 1 2 1 down and across.
    fn smooth(&mut self) {
        let (rows, columns) = (self.rows as isize, self.columns as isize);
        for (dr, dc) in [(1, 0), (0, 1)] {
            let old = self.y_m.clone();
            let at = |r: isize, c: isize| {
                old[(r.clamp(0, rows - 1) * columns + c.clamp(0, columns - 1)) as usize]
            };
            for r in 0..rows {
                for c in 0..columns {
                    self.y_m[(r * columns + c) as usize] =
                        0.25 * (at(r - dr, c - dc) + 2.0 * at(r, c) + at(r + dr, c + dc));
                }
            }
        }
    }
}

/// What the midline of a scan gives to [`crate::spine::Spine`]: `[y, dy/du]`, `[z, dz/du]`, lean and its derivative, at a station.
pub(crate) fn spine_row(scan: &Scan, c7_sitting_m: f64, u: f64) -> [[f64; 2]; 3] {
    let c7_z_m = scan.midline(0.0)[1][0];
    let [y, z] = scan.midline(u.clamp(FROM_U, TO_U));
    let lean = |u: f64| {
        let [y, z] = scan.midline(u);
        y[1].atan2(-z[1])
    };
    let h = 1e-3;
    [
        y,
        [z[0] - c7_z_m + c7_sitting_m, z[1]],
        [lean(u), (lean(u + h) - lean(u - h)) / (2.0 * h)],
    ]
}

/// A mesh of a skin `point(u, x)`, for tests and examples: vertices row after row, two triangles a cell.
pub fn mesh_of(
    point: impl Fn(f64, f64) -> Point3<f64>,
    u: [f64; 2],
    half_m: f64,
    size: [usize; 2],
) -> (Vec<[f64; 3]>, Vec<[usize; 3]>) {
    let [rows, columns] = size;
    let vertices = (0..rows * columns)
        .map(|i| {
            let (r, c) = (
                (i / columns) as f64 / (rows - 1) as f64,
                (i % columns) as f64 / (columns - 1) as f64,
            );
            let p = point(u[0] + r * (u[1] - u[0]), half_m * (2.0 * c - 1.0));
            [p.x, p.y, p.z]
        })
        .collect();
    let triangles = (0..(rows - 1) * (columns - 1))
        .flat_map(|i| {
            let a = i / (columns - 1) * columns + i % (columns - 1);
            [
                [a, a + columns, a + 1],
                [a + 1, a + columns, a + columns + 1],
            ]
        })
        .collect();
    (vertices, triangles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Back, Body, Level, Sex};

    fn woman() -> Back {
        Back::new(&Body::mean(Sex::Female, 1.628, 25.5, 30.0)).expect("plausible")
    }

    fn marks_of(back: &Back, at: impl Fn(Point3<f64>) -> Point3<f64>) -> ScanMarks {
        let mark = |u, x| at(back.point(u, x)).coords.into();
        let [c7, s2] = [Level::C7, Level::S2].map(Level::station);
        ScanMarks {
            c7: mark(c7, 0.0),
            psis_left: mark(s2, -0.043),
            psis_right: mark(s2, 0.043),
        }
    }

    /// A mesh of 4 mm of a known back, turned and moved as a scanner would have it, comes back: arc within 1 mm (the landmarks lie
    /// 1 to 2 mm behind the midline's skin, which tilts the chord), skin within 1.5 mm of itself wherever nodes work, vertebrae where they were, and the left
    /// side stays the left: a lump of 6 mm there is found there and not on the right.
    #[test]
    fn val_a_known_back_comes_back_from_its_mesh() {
        let back = woman();
        let lump = |p: Point3<f64>| {
            let (x, z) = (p.x + 0.060, p.z - 0.40);
            Point3::new(
                p.x,
                p.y - 0.006 * (-(x * x + z * z) / 0.02_f64.powi(2)).exp(),
                p.z,
            )
        };
        let turn = Rotation3::from_euler_angles(0.3, -0.2, 1.1);
        let there = |p: Point3<f64>| turn * lump(p) + Vector3::new(0.4, -1.2, 0.9);
        let (vertices, triangles) = mesh_of(
            |u, x| there(back.point(u, x)),
            [-0.10, 1.10],
            0.150,
            [150, 76],
        );
        let scan = Scan::new(&vertices, &triangles, &marks_of(&back, there)).expect("a good mesh");
        assert!(
            (scan.arc_length_m / back.arc_length_m() - 1.0).abs() < 2e-3,
            "{} {}",
            scan.arc_length_m,
            back.arc_length_m()
        );
        let scanned = Back::new(&Body {
            scan: Some(scan),
            ..back.body().clone()
        })
        .expect("plausible");
        let mut worst = 0.0_f64;
        for i in 0..=50 {
            for j in -9..=9 {
                let (u, x) = (0.02 * f64::from(i), 0.010 * f64::from(j));
                let [a, b] = [scanned.point(u, x), lump(back.point(u, x))];
                worst = worst.max((a - b).dot(&back.normal(u, x)).abs());
            }
        }
        println!("skin off by at most {:.2} mm", 1e3 * worst);
        assert!(worst < 0.0015, "{worst} m");
        let u = scanned.station_at(0.40);
        assert!(
            scanned.point(u, -0.060).y < scanned.point(u, 0.060).y - 0.004,
            "the lump is on the left"
        );
        assert_eq!(
            scanned.thickness(0.8, 0.035),
            back.thickness(0.8, 0.035),
            "what lies under it is the body's"
        );
    }

    /// Normals of a scanned skin turn smoothly and are square to it.
    #[test]
    fn normals_of_a_scan_are_square_to_it() {
        let back = woman();
        let (vertices, triangles) =
            mesh_of(|u, x| back.point(u, x), [-0.10, 1.10], 0.150, [150, 76]);
        let scan = Scan::new(&vertices, &triangles, &marks_of(&back, |p| p)).expect("a good mesh");
        let scanned = Back::new(&Body {
            scan: Some(scan),
            ..back.body().clone()
        })
        .expect("plausible");
        for i in 0..100 {
            for j in -12..=12 {
                let (u, x, h) = (-0.04 + 0.0107 * f64::from(i), 0.0101 * f64::from(j), 1e-5);
                let n = scanned.normal(u, x);
                let along = (scanned.point(u + h, x) - scanned.point(u - h, x)).normalize();
                let across = (scanned.point(u, x + h) - scanned.point(u, x - h)).normalize();
                assert!(
                    n.y < 0.0 && n.dot(&along).abs() < 2e-3 && n.dot(&across).abs() < 2e-3,
                    "{u} {x}: {} {}",
                    n.dot(&along),
                    n.dot(&across)
                );
                let next = scanned.normal(u + 0.0005 / back.arc_length_m(), x);
                assert!(n.angle(&next) < 0.08);
            }
        }
    }

    #[test]
    fn a_mesh_that_is_no_back_is_refused_with_what_to_do() {
        let back = woman();
        let marks = marks_of(&back, |p| p);
        let (vertices, triangles) =
            mesh_of(|u, x| back.point(u, x), [-0.10, 1.10], 0.150, [150, 76]);
        let told = |v: &[[f64; 3]], t: &[[usize; 3]], m: &ScanMarks| {
            let problems = Scan::new(v, t, m).expect_err("refused");
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        let scaled = |by: f64, p: [f64; 3]| p.map(|x| by * x);
        for (by, hint) in [
            (1e3, "in mm"),
            (1e-3, "in m of"),
            (100.0, "cm"),
            (39.3701, "inches"),
        ] {
            let v: Vec<_> = vertices.iter().map(|p| scaled(by, *p)).collect();
            let m = ScanMarks {
                c7: scaled(by, marks.c7),
                psis_left: scaled(by, marks.psis_left),
                psis_right: scaled(by, marks.psis_right),
            };
            let text = told(&v, &triangles, &m);
            assert!(text.contains(hint), "{by}: {text}");
        }
        // A triangle taken out between the shoulder blades is no hole of the grid; forty are.
        let holed: Vec<_> = triangles
            .iter()
            .copied()
            .enumerate()
            .filter(|(i, _)| !(5000..5040).contains(i))
            .map(|(_, t)| t)
            .collect();
        assert!(told(&vertices, &holed, &marks).contains("fill the holes"));
        let off = ScanMarks {
            c7: [marks.c7[0], marks.c7[1] - 0.05, marks.c7[2]],
            ..marks
        };
        assert!(told(&vertices, &triangles, &off).contains("c7 is 0.0"));
        let swapped = ScanMarks {
            psis_right: [
                marks.psis_right[0] + 0.15,
                marks.psis_right[1],
                marks.psis_right[2],
            ],
            ..marks
        };
        let text = told(&vertices, &triangles, &swapped);
        assert!(
            text.contains("PSIS are") && text.contains("psis_right is"),
            "both at once: {text}"
        );
        let (few, large) = mesh_of(|u, x| back.point(u, x), [-0.10, 1.10], 0.150, [20, 12]);
        assert!(told(&few, &large, &marks).contains("more detail"));
        assert!(told(&vertices, &[[0, 1, 1_000_000]], &marks).contains("triangle mesh"));
    }
}
