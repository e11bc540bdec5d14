//! Pressure over the back in time: what a pressure mat records, and what a run keeps to be compared with one.

use crate::bed::Bed;
use crate::pressing::Pressing;

/// Pressure maps in time on one grid of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Movie {
    /// Where the cells lie.
    pub grid: Grid,
    /// The maps, in the order of time.
    pub frames: Vec<MapFrame>,
}

/// A grid of cells over the unrolled skin: rows go down along the midline, columns to the user's right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Centre of the first cell: to the right of the midline along the skin, and down from C7 along the midline (on a slab:
    /// from its upper edge), m.
    pub first_m: [f64; 2],
    /// From a cell to the next one, to the right and down, m.
    pub pitch_m: [f64; 2],
}

/// One map. Only cells with pressure are kept, 8 bytes each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapFrame {
    /// Time, s.
    pub t_s: f64,
    /// Cell (`row columns + column`, ascending) and its mean pressure, Pa.
    pub cells: Vec<(u32, f32)>,
}

impl Grid {
    /// Area of a cell, m^2.
    pub fn cell_m2(&self) -> f64 {
        self.pitch_m[0] * self.pitch_m[1]
    }

    /// Cells.
    pub fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Centre of a cell: to the right, down, m.
    pub fn centre_m(&self, cell: u32) -> [f64; 2] {
        let (row, column) = (cell as usize / self.columns, cell as usize % self.columns);
        [
            self.first_m[0] + column as f64 * self.pitch_m[0],
            self.first_m[1] + row as f64 * self.pitch_m[1],
        ]
    }

    /// The middle of the whole grid: to the right, down, m.
    pub fn middle_m(&self) -> [f64; 2] {
        let half = |n: usize| 0.5 * (n as f64 - 1.0);
        [
            self.first_m[0] + half(self.columns) * self.pitch_m[0],
            self.first_m[1] + half(self.rows) * self.pitch_m[1],
        ]
    }
}

impl MapFrame {
    /// Force of the map, N: the sum of pressure times cell area.
    pub fn force_n(&self, grid: &Grid) -> f64 {
        self.cells.iter().map(|(_, p)| f64::from(*p)).sum::<f64>() * grid.cell_m2()
    }

    /// Largest pressure of a cell, Pa; 0 without one.
    pub fn peak_pa(&self) -> f64 {
        self.cells
            .iter()
            .map(|(_, p)| f64::from(*p))
            .fold(0.0, f64::max)
    }
}

/// Edge that a cell of a run's maps has at least, as near as whole cells of the bed come to it, m: finer than mats (8 to
/// 13 mm), so that a map can be moved and averaged over a mat's cells, and coarse enough to be kept.
const CELL_M: f64 = 0.004;

/// Films a run.
#[derive(Debug)]
pub(crate) struct Camera {
    movie: Movie,
    /// Cells of the bed per cell of the map, each way.
    coarse: usize,
    cell_m2: f64,
    sum_pa: Vec<f64>,
}

impl Camera {
    pub(crate) fn new(bed: &Bed) -> Camera {
        let cell_m = bed.cell_m();
        let coarse = (CELL_M / cell_m).round().max(1.0) as usize;
        let [rows, columns] = bed.size().map(|n| n.div_ceil(coarse));
        // The first cell's centre lies between those of the bed's first cells.
        let inside = 0.5 * (coarse as f64 - 1.0);
        let row_of_c7 = -bed.station(0.0) / (bed.station(1.0) - bed.station(0.0));
        let first_m = [(bed.size()[1] / 2) as f64, row_of_c7].map(|at| (inside - at) * cell_m);
        let grid = Grid {
            rows,
            columns,
            first_m,
            pitch_m: [coarse as f64 * cell_m; 2],
        };
        Camera {
            movie: Movie {
                grid,
                frames: Vec::new(),
            },
            coarse,
            cell_m2: cell_m * cell_m,
            sum_pa: vec![0.0; grid.len()],
        }
    }

    /// Adds a map of this moment. Each node's field is scaled to the node's force, which between two solves is carried on
    /// along its stiffness: a map's pressure sums to the force of the nodes.
    pub(crate) fn shoot(&mut self, nodes: &Pressing<'_>) {
        let columns = self.movie.grid.columns;
        let mut touched = Vec::new();
        for (touch, contact) in nodes.touches.iter().zip(nodes.contacts) {
            let force_n = contact.force_n;
            let solved_n = touch.pressure_pa().iter().sum::<f64>() * self.cell_m2;
            let Some(origin) = touch.origin() else {
                continue;
            };
            if force_n <= 0.0 || solved_n <= 0.0 {
                continue;
            }
            let share = force_n / solved_n / (self.coarse * self.coarse) as f64;
            let side = touch.pressure_pa().len().isqrt();
            for (i, p) in touch.pressure_pa().iter().enumerate() {
                if *p > 0.0 {
                    let row = (origin[0] + (i / side) as isize) as usize / self.coarse;
                    let column = (origin[1] + (i % side) as isize) as usize / self.coarse;
                    let cell = row * columns + column;
                    if self.sum_pa[cell] == 0.0 {
                        touched.push(cell);
                    }
                    self.sum_pa[cell] += share * p;
                }
            }
        }
        touched.sort_unstable();
        let cells = touched
            .into_iter()
            .map(|cell| (cell as u32, std::mem::take(&mut self.sum_pa[cell]) as f32))
            .collect();
        self.movie.frames.push(MapFrame {
            t_s: nodes.t_s,
            cells,
        });
    }

    pub(crate) fn movie(self) -> Movie {
        self.movie
    }
}
