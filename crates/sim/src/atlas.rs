//! A node's contact, solved once over a body's back and looked up from then on.

use crate::bed::Bed;
use crate::touch::{Contact, NodeLaw, Touch};
use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use tissue::{Cover, Effort};

/// Rows between two columns of the atlas, and columns between two, m.
const PITCH_M: [f64; 2] = [0.024, 0.008];
/// Lateral span of the atlas, m from the midline along the skin.
const SPAN_M: [f64; 2] = [0.030, 0.086];
/// Depths it is solved at, m apart.
const DEPTH_STEP_M: f64 = 0.005;
/// How many of them.
const DEPTHS: usize = 11;
/// No need to go on pressing beyond this, N: far over any limit.
const ENOUGH_N: f64 = 110.0;

/// Force, area, peak and tissue share over station, lateral place and depth: the instantaneous contact of one node
/// that comes down along the normal, by the same solver that runs step by step ([`Touch::press`]).
///
/// Interpolated linearly over the back and, in the root of the force, over depth. The right half stands for both.
/// How far it is off the solver is measured where it is used ([`crate::Statics`]).
#[derive(Clone, Debug)]
pub struct Atlas {
    cover: Option<Cover>,
    /// Of the node itself, N/m.
    stiffness_n_m: f64,
    first_row: f64,
    rows_per_step: f64,
    columns_per_step: f64,
    middle_column: f64,
    first_offset: f64,
    size: [usize; 2],
    /// `[row][column][depth]`.
    points: Vec<Point>,
}

/// One solved contact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    root_force: f64,
    area_m2: f64,
    peak_pa: f64,
    /// Root of the pressure on barred cells: it begins suddenly, and its root is nearer to a straight line.
    root_barred: f64,
    /// Part of the depth that the tissue takes (the rest is cover and node), m.
    tissue_m: f64,
}

impl Atlas {
    /// Solves the contact of a node over the stations `from_u..to_u` of a bed.
    pub fn new(bed: &Bed, law: &NodeLaw, from_u: f64, to_u: f64) -> Atlas {
        let law = NodeLaw {
            effort: Effort {
                tolerance: 5e-3,
                products_max: 100,
                rounds_max: 6,
            },
            ..law.clone()
        };
        let [rows_per_step, columns_per_step] = PITCH_M.map(|p| p / bed.cell_m());
        let (first_row, last_row) = (bed.row_of(from_u), bed.row_of(to_u));
        let first_offset = SPAN_M[0] / bed.cell_m();
        let size = [
            ((last_row - first_row) / rows_per_step).ceil() as usize + 1,
            ((SPAN_M[1] - SPAN_M[0]) / PITCH_M[1]).ceil() as usize + 1,
        ];
        let middle_column = (bed.size()[1] / 2) as f64;
        let mut points = Vec::with_capacity(size[0] * size[1] * DEPTHS);
        let mut touch = Touch::new(law.clone(), bed);
        for row in 0..size[0] {
            for column in 0..size[1] {
                let at = [
                    first_row + row as f64 * rows_per_step,
                    middle_column + first_offset + column as f64 * columns_per_step,
                ];
                column_of(bed, &law, &mut touch, at, &mut points);
            }
        }
        Atlas {
            cover: law.cover,
            stiffness_n_m: law.stiffness_n_m,
            first_row,
            rows_per_step,
            columns_per_step,
            middle_column,
            first_offset,
            size,
            points,
        }
    }

    /// The contact of a node at a place of the bed, `depth_m` deep, when the tissue gives `soft` times its instantaneous
    /// displacement.
    ///
    /// Quasi-linear, as the run's own law is: at one displacement of the skin, and so at one contact area, pressure is `1 / soft`
    /// of the instantaneous one. Cover and node give by what that pressure squeezes them, less than at once, and so the skin by
    /// more.
    pub fn contact(&self, bed: &Bed, at: [f64; 2], depth_m: f64, soft: f64) -> Contact {
        let place = Contact {
            u: bed.station(at[0]),
            depth_m,
            ..Contact::default()
        };
        if depth_m <= 0.0 {
            return place;
        }
        let kept = 1.0 / soft;
        let corners = self.corners(at);
        let mut instant_m = depth_m;
        if kept < 1.0 {
            for _ in 0..4 {
                let p = self.blend(&corners, instant_m);
                let squeeze_m = self.cover.map_or(0.0, |c| c.squeeze(kept * p.peak_pa).0);
                let give_m = kept * p.root_force * p.root_force / self.stiffness_n_m;
                instant_m += depth_m - (p.tissue_m + squeeze_m + give_m);
            }
        }
        let p = self.blend(&corners, instant_m);
        Contact {
            force_n: kept * p.root_force * p.root_force,
            area_m2: p.area_m2,
            peak_pa: kept * p.peak_pa,
            barred_peak_pa: kept * p.root_barred * p.root_barred,
            cells: usize::from(p.root_force > 0.0),
            ..place
        }
    }

    /// Weights and columns around a place.
    fn corners(&self, at: [f64; 2]) -> [(f64, usize); 4] {
        let split = |x: f64, n: usize| {
            let x = x.clamp(0.0, (n - 1) as f64);
            let i = (x as usize).min(n - 2);
            (i, x - i as f64)
        };
        let (r, fr) = split((at[0] - self.first_row) / self.rows_per_step, self.size[0]);
        let offset = (at[1] - self.middle_column).abs() - self.first_offset;
        let (c, fc) = split(offset / self.columns_per_step, self.size[1]);
        let column = |r: usize, c: usize| (r * self.size[1] + c) * DEPTHS;
        [
            ((1.0 - fr) * (1.0 - fc), column(r, c)),
            ((1.0 - fr) * fc, column(r, c + 1)),
            (fr * (1.0 - fc), column(r + 1, c)),
            (fr * fc, column(r + 1, c + 1)),
        ]
    }

    fn blend(&self, corners: &[(f64, usize); 4], depth_m: f64) -> Point {
        let x = (depth_m / DEPTH_STEP_M).max(0.0);
        let i = (x as usize).min(DEPTHS - 2);
        let f = x - i as f64;
        let mut out = Point::default();
        for (weight, first) in corners {
            for (weight, p) in [
                (weight * (1.0 - f), &self.points[first + i]),
                (weight * f, &self.points[first + i + 1]),
            ] {
                out.root_force += weight * p.root_force;
                out.area_m2 += weight * p.area_m2;
                out.peak_pa += weight * p.peak_pa;
                out.root_barred += weight * p.root_barred;
                out.tissue_m += weight * p.tissue_m;
            }
        }
        out
    }
}

/// Presses the node into one place, deeper and deeper.
fn column_of(bed: &Bed, law: &NodeLaw, touch: &mut Touch, at: [f64; 2], points: &mut Vec<Point>) {
    touch.lift();
    let Some(foot) = bed.place(at) else {
        points.extend([Point::default(); DEPTHS]);
        return;
    };
    points.push(Point::default());
    let inward = -foot.normal.into_inner();
    let turn = UnitQuaternion::identity();
    let cover_m = law.cover.map_or(0.0, |c| c.thickness_m);
    let mut last = [Point::default(); 2];
    for i in 1..DEPTHS {
        let depth_m = i as f64 * DEPTH_STEP_M;
        if last[1].root_force * last[1].root_force > ENOUGH_N {
            // Straight on: nothing that is tuned ever goes here.
            let rise = last[1].root_force - last[0].root_force;
            let next = Point {
                root_force: last[1].root_force + rise,
                peak_pa: 2.0 * last[1].peak_pa - last[0].peak_pa,
                ..last[1]
            };
            last = [last[1], next];
            points.push(next);
            continue;
        }
        let back_off_m = law.shape.extent_m(&inward) + cover_m - depth_m;
        let centre = foot.point - inward * back_off_m;
        let contact = touch.press(
            bed,
            &Isometry3::from_parts(Translation3::from(centre.coords), turn),
        );
        let squeeze_m = law.cover.map_or(0.0, |c| c.squeeze(contact.peak_pa).0)
            + contact.force_n / law.stiffness_n_m;
        let point = Point {
            root_force: contact.force_n.sqrt(),
            area_m2: contact.area_m2,
            peak_pa: contact.peak_pa,
            root_barred: contact.barred_peak_pa.sqrt(),
            tissue_m: (depth_m - squeeze_m).max(0.0),
        };
        last = [last[1], point];
        points.push(point);
    }
}
