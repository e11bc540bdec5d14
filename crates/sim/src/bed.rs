//! The surface that nodes press: cells, normals and what lies under them.

use crate::groundwork::{Bases, Groundwork};
use crate::law_lattice::LawLattice;
use back::{Back, Limits};
use nalgebra::{Point3, Unit, Vector3};
use std::sync::{Arc, OnceLock};
use tissue::{Creep, FarBasis, FarField, Kernel, Shear, Stack, Stiffening, WINDOWS};

/// Thinnest skin that a basis for backs resolves, m.
const SKIN_MIN_M: f64 = 0.001;
/// Spacing of the lattice of stacks along and across the back, m, whatever the cells: bone comes up over about 50 mm. A window takes one stack as if it
/// went on for ever, so a node does not feel what its patch straddles; between stacks this far apart the edge of a bone is as soft as a patch is
/// wide. Finer ones sharpen it: see the chapter.
const STACK_PITCH_M: [f64; 2] = [0.030, 0.020];
/// The same for a back with knots in it, which are smaller than that, m.
const KNOT_PITCH_M: [f64; 2] = [0.008, 0.008];
/// Finest spacing at which a back's surface is sampled, m; smaller cells lie on a smooth interpolation of it.
const SURFACE_PITCH_M: f64 = 0.004;

/// Standard deviation of the weights with which normals are averaged, m: a node faces what is under its patch and not one
/// cell. Between cells' own normals the foot would jump by up to 2 mm in the hollow beside a shoulder blade.
const NORMAL_REACH_M: f64 = 0.004;

/// A square grid of material surface cells with the tissue under it.
///
/// Rows run along the spine (arc of the skin's midline), columns along the arc of each row to the side, so that a
/// cell is a cell of skin whatever the slope. Positions and normals are in the back frame; the normal points out
/// of the body. Built once per body and shared by all who touch it: a clone costs next to nothing, and
/// [`Bed::for_nodes`] gives the same skin to other nodes.
#[derive(Clone, Debug)]
pub struct Bed {
    cell_m: f64,
    rows: usize,
    columns: usize,
    first_u: f64,
    u_per_row: f64,
    points: Arc<[Point3<f64>]>,
    normals: Arc<[Vector3<f64>]>,
    /// Cells that nodes must leave alone.
    barred: Arc<[bool]>,
    ground: Ground,
}

/// The stacks on a coarse lattice over the grid.
#[derive(Clone, Debug)]
struct Ground {
    columns: usize,
    /// Rows and columns of the bed between two stacks, which need not be whole.
    pitch: [f64; 2],
    stacks: Arc<Stacks>,
    laws: Laws,
    creep: Option<Creep>,
    mirrored: bool,
}

/// What is known of each stack, whatever presses it. Tables, far fields and shear are cheap and wait until a node asks. They depend on nothing but
/// their stack, so who asks first changes no number.
#[derive(Debug)]
struct Stacks {
    stacks: Vec<Stack>,
    shears: Vec<OnceLock<Shear>>,
    /// Influence tables for windows of each size, stack after stack.
    kernels: [Vec<OnceLock<Kernel>>; WINDOWS.len()],
    bases: Bases,
    /// How far away a force is felt, stack after stack.
    fars: Vec<OnceLock<FarField>>,
    far_basis: Arc<FarBasis>,
}

/// Large-strain laws of the stacks under the nodes that the bed is for.
#[derive(Clone, Debug)]
struct Laws {
    /// Radii of the nodes, m, and the laws: radius after radius, stack after stack.
    radii_m: Vec<f64>,
    laws: Arc<[OnceLock<Stiffening>]>,
    /// Where they come from; without it each is its stack's own.
    lattice: Option<Arc<LawLattice>>,
}

impl Bed {
    /// What beds of one cell size share: building it once saves most of a bed's cost.
    pub fn groundwork(cell_m: f64) -> Arc<Groundwork> {
        Groundwork::new(cell_m, SKIN_MIN_M)
    }

    /// The skin of a body from the nape to below the crest, `half_width_m` to each side, for nodes of `node_radii_m` (one or more).
    ///
    /// Large-strain laws are not solved yet, see [`Bed::solve_laws`]. Relaxation is taken from the stack over the third lumbar vertebra, 35 mm beside the midline, for the whole back.
    pub fn of_back(
        back: &Back,
        groundwork: &Groundwork,
        node_radii_m: &[f64],
        half_width_m: f64,
    ) -> Bed {
        const RANGE_U: [f64; 2] = [-0.12, 1.18];
        let cell_m = groundwork.bases().cell_m();
        let refinement = if 2.0 * cell_m <= SURFACE_PITCH_M + 1e-9 {
            2
        } else {
            1
        };
        let lattice_m = refinement as f64 * cell_m;
        let half = (half_width_m / lattice_m).ceil() as usize;
        let length_m = (RANGE_U[1] - RANGE_U[0]) * back.arc_length_m();
        let lattice_rows = (length_m / lattice_m).ceil() as usize + 1;
        let u_per_row = lattice_m / back.arc_length_m();
        // Each row from the midline to one side: places, and their distance from the midline along x.
        let walk = |side: f64| {
            let mut points = Vec::with_capacity(lattice_rows * (half + 1));
            let mut lateral = vec![0.0; lattice_rows * (half + 1)];
            for row in 0..lattice_rows {
                let u = RANGE_U[0] + row as f64 * u_per_row;
                let mut x = 0.0;
                let mut here = back.point(u, 0.0);
                points.push(here);
                for column in 1..=half {
                    // One correction makes the chord as long as the cell.
                    let trial = back.point(u, side * (x + lattice_m));
                    x += lattice_m * (lattice_m / (trial - here).norm()).clamp(0.2, 1.0);
                    here = back.point(u, side * x);
                    lateral[row * (half + 1) + column] = x;
                    points.push(here);
                }
            }
            (points, lateral)
        };
        let (right, lateral) = walk(1.0);
        let left = (!back.is_symmetric()).then(|| walk(-1.0).0);
        let lattice_columns = 2 * half + 1;
        let cell = |row: usize, column: usize| {
            let i = row * (half + 1) + column.abs_diff(half);
            match &left {
                _ if column >= half => right[i],
                Some(left) => left[i],
                None => Point3::new(-right[i].x, right[i].y, right[i].z),
            }
        };
        let lattice: Vec<Point3<f64>> = (0..lattice_rows)
            .flat_map(|r| (0..lattice_columns).map(move |c| (r, c)))
            .map(|(r, c)| cell(r, c))
            .collect();
        let stack_at = |row: f64, column: f64| {
            let [row, aside] = [row, column.abs()].map(|at| at / refinement as f64);
            let line = (row as usize).min(lattice_rows - 1) * (half + 1);
            let inner = (aside as usize).min(half);
            let [x0, x1] = [inner, (inner + 1).min(half)].map(|c| lateral[line + c]);
            let x_m = x0 + (aside - inner as f64) * (x1 - x0);
            back.stack(RANGE_U[0] + row * u_per_row, x_m.copysign(column))
        };
        let knotted = !back.body().knots.is_empty();
        let creep = Creep::of(&back.stack(back.station(back::Level::L3), 0.035));
        let skin = Skin::from_lattice(cell_m, refinement, lattice_rows, lattice_columns, &lattice);
        let ground = Ground::new(&skin, groundwork, node_radii_m, creep, knotted, stack_at);
        skin.over(ground, RANGE_U[0], u_per_row / refinement as f64)
    }

    /// A flat slab of one stack, `size_m` along x and z, centred on the origin, its surface at y = 0 facing -y; for nodes
    /// of `node_radii_m` (one or more), whose laws are its own and solved at once.
    pub fn slab(
        stack: &Stack,
        groundwork: &Groundwork,
        node_radii_m: &[f64],
        size_m: [f64; 2],
    ) -> Bed {
        let cell_m = groundwork.bases().cell_m();
        let lattice_m = 2.0 * cell_m;
        let count = size_m.map(|s| (0.5 * s / lattice_m).ceil() as usize * 2 + 1);
        let lattice: Vec<Point3<f64>> = (0..count[1])
            .flat_map(|r| (0..count[0]).map(move |c| (r, c)))
            .map(|(r, c)| {
                // Rows run downwards, as stations do.
                let z = (count[1] / 2) as f64 - r as f64;
                Point3::new(
                    (c as f64 - (count[0] / 2) as f64) * lattice_m,
                    0.0,
                    z * lattice_m,
                )
            })
            .collect();
        let skin = Skin::from_lattice(cell_m, 2, count[1], count[0], &lattice);
        let bed = skin.over(
            Ground::uniform(groundwork, node_radii_m, stack),
            0.0,
            cell_m,
        );
        bed.solve_laws();
        bed
    }

    /// The same skin under nodes of other radii, m (one or more). Shares all but the laws.
    #[must_use]
    pub fn for_nodes(&self, node_radii_m: &[f64]) -> Bed {
        let mut bed = self.clone();
        bed.ground.laws = self.ground.laws.under(node_radii_m, &self.ground.stacks);
        bed
    }

    /// Solves every large-strain law now. Else each is solved when a node first comes to its stack: that changes no number and
    /// costs less in all, but halts single steps, for up to a second where the lattice is new.
    pub fn solve_laws(&self) {
        let ground = &self.ground;
        for radius in 0..ground.laws.radii_m.len() {
            for stack in 0..ground.stacks.stacks.len() {
                ground.laws.solved(&ground.stacks, radius, stack);
            }
        }
    }

    /// Bytes that it and what it may still lay hold at most, laws aside.
    pub fn bytes_max(&self) -> usize {
        let cells = self.rows * self.columns;
        let kernel = self.blank_kernel(0).bytes();
        cells * (size_of::<Point3<f64>>() + size_of::<Vector3<f64>>() + 1)
            + self.ground.stacks.stacks.len() * kernel
    }

    /// Edge of a cell, m.
    pub fn cell_m(&self) -> f64 {
        self.cell_m
    }

    /// Rows (along the spine, downwards) and columns (to the right).
    pub fn size(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Station of a row, which need not be whole.
    pub fn station(&self, row: f64) -> f64 {
        self.first_u + row * self.u_per_row
    }

    /// Row of a station.
    pub fn row_of(&self, u: f64) -> f64 {
        (u - self.first_u) / self.u_per_row
    }

    /// Position of a cell in the back frame.
    pub fn cell(&self, row: usize, column: usize) -> Point3<f64> {
        self.points[row * self.columns + column]
    }

    /// Positions of `count` cells of one row from a column on, back frame.
    pub(crate) fn line(&self, row: usize, column: usize, count: usize) -> &[Point3<f64>] {
        &self.points[row * self.columns + column..][..count]
    }

    /// Marks the cells that nodes must leave alone, by station and lateral place.
    pub fn bar(&mut self, keep_out: impl Fn(f64, f64) -> bool) {
        let barred = (0..self.rows * self.columns).map(|i| {
            let row = i / self.columns;
            keep_out(self.station(row as f64), self.points[i].x)
        });
        self.barred = barred.collect();
    }

    /// Whether nodes must leave a cell alone.
    pub fn is_barred(&self, row: usize, column: usize) -> bool {
        self.barred[row * self.columns + column]
    }

    /// How tissue there relaxes.
    pub fn creep(&self) -> Option<&Creep> {
        self.ground.creep.as_ref()
    }

    /// The foot of the normal through a point: its `[row, column]` (not whole) and the outward normal there. `None` if it
    /// lies off the grid. Found by Newton from the place at the same height and distance from the midline, so that the
    /// same point always has the same foot, wherever the node came from.
    pub fn foot(&self, point: &Point3<f64>) -> Option<Foot> {
        const STEP_MAX: f64 = 6.0;
        /// In a hollow as narrow as the point is high feet run away: what is left of the metric there.
        const HOLLOW_MIN: f64 = 0.2;
        let mut at = self.facing(point)?;
        for _ in 0..12 {
            let (p, down, side) = self.frame(at)?;
            let (normal, [turn_down, turn_side]) = self.normal(at);
            let length = normal.norm();
            let normal = normal / length;
            let height_m = (point - p).dot(&normal);
            let off = (point - p) - normal * height_m;
            let bend = height_m / length;
            let [dd, ss] = [(&down, &turn_down), (&side, &turn_side)].map(|(along, turn)| {
                let square = along.norm_squared();
                (square + bend * turn.dot(along)).max(HOLLOW_MIN * square)
            });
            let ds = down.dot(&side) + 0.5 * bend * (turn_down.dot(&side) + turn_side.dot(&down));
            let ds = ds.clamp(-0.9 * (dd * ss).sqrt(), 0.9 * (dd * ss).sqrt());
            let (e_down, e_side) = (off.dot(&down), off.dot(&side));
            let whole = dd * ss - ds * ds;
            let step = [
                (ss * e_down - ds * e_side) / whole,
                (dd * e_side - ds * e_down) / whole,
            ];
            at = [0, 1].map(|i| at[i] + step[i].clamp(-STEP_MAX, STEP_MAX));
            if step[0].abs() + step[1].abs() < 1e-4 {
                break;
            }
        }
        self.place(at)
    }

    /// The place at a point's height and about its distance from the midline.
    fn facing(&self, point: &Point3<f64>) -> Option<[f64; 2]> {
        let middle = self.columns / 2;
        let z_m = |row: usize| self.cell(row, middle).z;
        if point.z > z_m(0) || point.z < z_m(self.rows - 1) {
            return None;
        }
        // Rows go down.
        let (mut above, mut below) = (0, self.rows - 1);
        while below - above > 1 {
            let row = (above + below) / 2;
            if z_m(row) >= point.z {
                above = row
            } else {
                below = row
            }
        }
        let column = middle as f64 + point.x / self.cell_m;
        Some([
            above as f64 + 0.5,
            column.clamp(1.0, (self.columns - 2) as f64),
        ])
    }

    /// A place on the grid, given by its row and column. `None` off the grid.
    pub fn place(&self, at: [f64; 2]) -> Option<Foot> {
        let (p, down, _) = self.frame(at)?;
        let normal = Unit::new_normalize(self.normal(at).0);
        let down = Unit::new_normalize(down - normal.into_inner() * down.dot(&normal));
        Some(Foot {
            at,
            point: p,
            normal,
            down,
            side: Unit::new_unchecked(normal.cross(&down)),
        })
    }

    /// Position and the two cell vectors at a place, bilinear.
    fn frame(&self, at: [f64; 2]) -> Option<(Point3<f64>, Vector3<f64>, Vector3<f64>)> {
        let inside = at[0] >= 0.0
            && at[1] >= 0.0
            && at[0] < (self.rows - 1) as f64
            && at[1] < (self.columns - 1) as f64;
        if !inside {
            return None;
        }
        let (r, c) = (at[0] as usize, at[1] as usize);
        let (fr, fc) = (at[0] - r as f64, at[1] - c as f64);
        let [a, b, d, e] = [
            self.cell(r, c),
            self.cell(r, c + 1),
            self.cell(r + 1, c),
            self.cell(r + 1, c + 1),
        ];
        let down = (1.0 - fc) * (d - a) + fc * (e - b);
        let side = (1.0 - fr) * (b - a) + fr * (e - d);
        Some((
            a + fr * (d - a) + fc * ((1.0 - fr) * (b - a) + fr * (e - d)),
            down,
            side,
        ))
    }

    /// Outward normal, bilinear, not normalised; its change per cell down and to the side.
    fn normal(&self, at: [f64; 2]) -> (Vector3<f64>, [Vector3<f64>; 2]) {
        let (r, c) = (at[0] as usize, at[1] as usize);
        let (fr, fc) = (at[0] - r as f64, at[1] - c as f64);
        let [a, b, d, e] = [(r, c), (r, c + 1), (r + 1, c), (r + 1, c + 1)]
            .map(|(r, c)| self.normals[r * self.columns + c]);
        let down = (1.0 - fc) * (d - a) + fc * (e - b);
        let side = (1.0 - fr) * (b - a) + fr * (e - d);
        (a + fr * (d - a) + fc * side, [down, side])
    }

    /// Blends the influence table under a place, for windows of one of [`WINDOWS`], into `kernel`; returns the large-strain law there for
    /// nodes of a radius.
    pub(crate) fn ground(
        &self,
        at: [f64; 2],
        radius_m: f64,
        window: usize,
        kernel: &mut Kernel,
    ) -> Stiffening {
        self.ground.blend(self, at, radius_m, window, kernel)
    }

    /// How the skin around a place lets itself be dragged.
    pub(crate) fn shear(&self, at: [f64; 2]) -> Shear {
        let ground = &self.ground;
        let corners = ground.corners(self, at);
        Shear::blend(&corners.map(|(w, i)| (w, ground.stacks.shear(i))))
    }

    /// Displacement of the skin per newton at a distance over the tissue of a place, m/N, and its derivative by the
    /// distance, 1/N; small strain, at once.
    pub(crate) fn far(&self, at: [f64; 2], distance_m: f64) -> (f64, f64) {
        let corners = self.ground.corners(self, at);
        let parts = corners.iter().filter(|(weight, _)| *weight > 0.0);
        parts.fold((0.0, 0.0), |(sink, slope), &(weight, i)| {
            let (more, steeper) = self.ground.stacks.far(i).sink_and_slope(distance_m);
            (sink + weight * more, slope + weight * steeper)
        })
    }

    /// Whether the tissue is the same all over.
    pub(crate) fn is_uniform(&self) -> bool {
        self.ground.is_uniform()
    }

    /// A kernel to blend into, for windows of one of [`WINDOWS`].
    pub(crate) fn blank_kernel(&self, window: usize) -> Kernel {
        self.ground.stacks.kernel(window, 0).clone()
    }
}

/// Cells without what lies under them.
struct Skin {
    cell_m: f64,
    rows: usize,
    columns: usize,
    points: Vec<Point3<f64>>,
    normals: Vec<Vector3<f64>>,
}

impl Skin {
    /// Cells on a lattice (`refinement` 1) or by midpoint interpolation of one of twice their size (2); normals from
    /// differences of neighbours.
    fn from_lattice(
        cell_m: f64,
        refinement: usize,
        lattice_rows: usize,
        lattice_columns: usize,
        lattice: &[Point3<f64>],
    ) -> Skin {
        let (rows, columns) = (
            refinement * (lattice_rows - 1) + 1,
            refinement * (lattice_columns - 1) + 1,
        );
        // (-1, 9, 9, -1)/16 at midpoints: third order, so that a node does not feel the lattice.
        let refine = |line: &dyn Fn(usize) -> Vector3<f64>, n: usize, i: usize| {
            if i.is_multiple_of(refinement) {
                return line(i / refinement);
            }
            let k = i / 2;
            if k == 0 || k + 2 >= n {
                return 0.5 * (line(k) + line(k + 1));
            }
            (9.0 * (line(k) + line(k + 1)) - line(k - 1) - line(k + 2)) / 16.0
        };
        let mut half_fine = Vec::with_capacity(lattice_rows * columns);
        for r in 0..lattice_rows {
            let line = |c: usize| lattice[r * lattice_columns + c].coords;
            half_fine.extend((0..columns).map(|c| refine(&line, lattice_columns, c)));
        }
        let mut points = Vec::with_capacity(rows * columns);
        for r in 0..rows {
            for c in 0..columns {
                let line = |k: usize| half_fine[k * columns + c];
                points.push(Point3::from(refine(&line, lattice_rows, r)));
            }
        }
        let at = |r: usize, c: usize| points[r * columns + c];
        let mut normals = Vec::with_capacity(rows * columns);
        for r in 0..rows {
            for c in 0..columns {
                let down = at((r + 1).min(rows - 1), c) - at(r.saturating_sub(1), c);
                let side = at(r, (c + 1).min(columns - 1)) - at(r, c.saturating_sub(1));
                // Rows go down (-z), columns to the right (+x): (-z) x (+x) = -y, out of the body.
                normals.push(down.cross(&side).normalize());
            }
        }
        smooth(
            &mut normals,
            columns,
            (NORMAL_REACH_M / cell_m).powi(2).round().max(1.0) as usize,
        );
        Skin {
            cell_m,
            rows,
            columns,
            points,
            normals,
        }
    }

    fn over(self, ground: Ground, first_u: f64, u_per_row: f64) -> Bed {
        Bed {
            cell_m: self.cell_m,
            rows: self.rows,
            columns: self.columns,
            first_u,
            u_per_row,
            barred: vec![false; self.points.len()].into(),
            points: self.points.into(),
            normals: self.normals.into(),
            ground,
        }
    }
}

/// A place on the grid.
#[derive(Clone, Copy, Debug)]
pub struct Foot {
    /// Row and column, not whole.
    pub at: [f64; 2],
    /// The skin there, back frame.
    pub point: Point3<f64>,
    /// Outward normal.
    pub normal: Unit<Vector3<f64>>,
    /// Along the rows' order, square to the normal: down the spine.
    pub down: Unit<Vector3<f64>>,
    /// Square to both, along the columns' order: to the right.
    pub side: Unit<Vector3<f64>>,
}

impl Stacks {
    fn new(groundwork: &Groundwork, stacks: Vec<Stack>) -> Arc<Stacks> {
        Arc::new(Stacks {
            shears: vec![OnceLock::new(); stacks.len()],
            kernels: std::array::from_fn(|_| vec![OnceLock::new(); stacks.len()]),
            bases: groundwork.bases().clone(),
            fars: vec![OnceLock::new(); stacks.len()],
            far_basis: Arc::clone(groundwork.far()),
            stacks,
        })
    }

    fn kernel(&self, window: usize, stack: usize) -> &Kernel {
        let new = || self.bases.of_window(window).kernel(&self.stacks[stack]);
        self.kernels[window][stack].get_or_init(new)
    }

    fn shear(&self, stack: usize) -> &Shear {
        self.shears[stack].get_or_init(|| Shear::of(&self.stacks[stack]))
    }

    fn far(&self, stack: usize) -> &FarField {
        self.fars[stack].get_or_init(|| self.far_basis.field(&self.stacks[stack]))
    }
}

impl Laws {
    fn new(radii_m: &[f64], stacks: &Stacks, lattice: Option<Arc<LawLattice>>) -> Laws {
        Laws {
            laws: vec![OnceLock::new(); radii_m.len() * stacks.stacks.len()].into(),
            radii_m: radii_m.to_vec(),
            lattice,
        }
    }

    /// Laws of the same stacks for other nodes: those at hand where the nodes are the same.
    fn under(&self, radii_m: &[f64], stacks: &Stacks) -> Laws {
        if self.radii_m == radii_m {
            self.clone()
        } else {
            Laws::new(radii_m, stacks, self.lattice.clone())
        }
    }

    /// The law of a stack under nodes of a radius: of the nearest of those that the bed is for.
    fn law(&self, stacks: &Stacks, stack: usize, radius_m: f64) -> &Stiffening {
        let off = |i: &usize| (self.radii_m[*i] - radius_m).abs();
        let nearest = (0..self.radii_m.len())
            .min_by(|a, b| off(a).total_cmp(&off(b)))
            .unwrap_or(0);
        self.solved(stacks, nearest, stack)
    }

    fn solved(&self, stacks: &Stacks, radius: usize, stack: usize) -> &Stiffening {
        self.laws[radius * stacks.stacks.len() + stack].get_or_init(|| {
            let (under, radius_m) = (&stacks.stacks[stack], self.radii_m[radius]);
            let limits = Limits::builtin();
            let typical_pa = [&limits.skin, &limits.fat, &limits.muscle].map(|t| t.mu_pa);
            match &self.lattice {
                Some(lattice) => lattice.law(under, &typical_pa, radius_m),
                None => Stiffening::of(under, radius_m),
            }
        })
    }
}

impl Ground {
    fn uniform(groundwork: &Groundwork, node_radii_m: &[f64], stack: &Stack) -> Ground {
        let stacks = Stacks::new(groundwork, vec![stack.clone()]);
        Ground {
            columns: 1,
            pitch: [1.0, 1.0],
            laws: Laws::new(node_radii_m, &stacks, None),
            stacks,
            creep: Creep::of(stack),
            mirrored: false,
        }
    }

    /// Stacks every [`STACK_PITCH_M`]; across only the right half, the left is its mirror image. With knots every [`KNOT_PITCH_M`] and on both
    /// sides. `stack_at` takes a row and a column counted from the middle.
    fn new(
        skin: &Skin,
        groundwork: &Groundwork,
        node_radii_m: &[f64],
        creep: Option<Creep>,
        knotted: bool,
        stack_at: impl Fn(f64, f64) -> Stack,
    ) -> Ground {
        let pitch_m = if knotted { KNOT_PITCH_M } else { STACK_PITCH_M };
        let pitch = pitch_m.map(|p| (p / skin.cell_m).max(1.0));
        let middle = skin.columns / 2;
        let (width, left) = if knotted {
            (skin.columns - 1, middle as f64)
        } else {
            (middle, 0.0)
        };
        let count = |cells: usize, pitch: f64| (cells as f64 / pitch).ceil() as usize + 1;
        let columns = count(width, pitch[1]);
        let rows = count(skin.rows - 1, pitch[0]);
        let stacks = (0..rows * columns).map(|i| {
            stack_at(
                ((i / columns) as f64 * pitch[0]).min((skin.rows - 1) as f64),
                ((i % columns) as f64 * pitch[1]).min(width as f64) - left,
            )
        });
        let stacks = Stacks::new(groundwork, stacks.collect());
        Ground {
            columns,
            pitch,
            laws: Laws::new(node_radii_m, &stacks, Some(Arc::clone(groundwork.laws()))),
            stacks,
            creep,
            mirrored: !knotted,
        }
    }

    fn is_uniform(&self) -> bool {
        self.stacks.stacks.len() == 1
    }

    fn blend(
        &self,
        bed: &Bed,
        at: [f64; 2],
        radius_m: f64,
        window: usize,
        kernel: &mut Kernel,
    ) -> Stiffening {
        let law = |stack| self.laws.law(&self.stacks, stack, radius_m);
        if self.is_uniform() {
            return *law(0);
        }
        let corners = self.corners(bed, at);
        kernel.blend(corners.map(|(w, i)| (w, self.stacks.kernel(window, i))));
        Stiffening::blend(&corners.map(|(w, i)| (w, law(i))))
    }

    /// Weights and indices of the stacks around a place.
    fn corners(&self, bed: &Bed, at: [f64; 2]) -> [(f64, usize); 4] {
        if self.is_uniform() {
            return [(1.0, 0), (0.0, 0), (0.0, 0), (0.0, 0)];
        }
        let across = if self.mirrored {
            (at[1] - (bed.columns / 2) as f64).abs()
        } else {
            at[1]
        };
        let rows = self.stacks.stacks.len() / self.columns;
        let (r, fr) = split(at[0] / self.pitch[0], rows);
        let (c, fc) = split(across / self.pitch[1], self.columns);
        [
            ((1.0 - fr) * (1.0 - fc), r * self.columns + c),
            ((1.0 - fr) * fc, r * self.columns + c + 1),
            (fr * (1.0 - fc), (r + 1) * self.columns + c),
            (fr * fc, (r + 1) * self.columns + c + 1),
        ]
    }
}

/// Averages normals with their neighbours along both axes, weights 1 4 6 4 1 (a variance of one cell), so many times.
fn smooth(normals: &mut Vec<Vector3<f64>>, columns: usize, times: usize) {
    let rows = normals.len() / columns;
    let mut spare = normals.clone();
    let at = |i: isize, count: usize| i.clamp(0, count as isize - 1) as usize;
    for _ in 0..times {
        for axis in 0..2 {
            for r in 0..rows {
                for c in 0..columns {
                    let near = |by: isize| {
                        let (r, c) = if axis == 0 {
                            (at(r as isize + by, rows), c)
                        } else {
                            (r, at(c as isize + by, columns))
                        };
                        normals[r * columns + c]
                    };
                    let sum = near(-2) + near(2) + 4.0 * (near(-1) + near(1)) + 6.0 * near(0);
                    spare[r * columns + c] = sum / 16.0;
                }
            }
            std::mem::swap(normals, &mut spare);
        }
    }
    normals.iter_mut().for_each(|n| *n = n.normalize());
}

/// Whole part and fraction of a lattice coordinate with at least one neighbour above.
fn split(x: f64, count: usize) -> (usize, f64) {
    let i = (x.max(0.0) as usize).min(count.saturating_sub(2));
    (i, (x - i as f64).clamp(0.0, 1.0))
}
