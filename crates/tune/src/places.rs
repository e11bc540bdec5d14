//! Where on the skin a mat may lie: the peaks of the correlation over all shifts.

use crate::align::{Pose, Rival};
use crate::overlay::{Overlay, View};
use sim::{Grid, MapFrame, Movie};

/// Step of the search, m: a contact is 30 to 50 mm wide.
pub(crate) const STEP_M: f64 = 0.008;
/// Peaks that are kept.
const PEAKS: usize = 3;

/// The best places at a shift in time, best first, each a peak of the correlation, good to 1 mm; the known one alone where it
/// is known.
pub(crate) fn places(overlay: &Overlay<'_>, shift_s: f64, known_m: Option<[f64; 2]>) -> Vec<Rival> {
    let at = |shift_m: [f64; 2]| {
        let pose = Pose {
            shift_s,
            shift_m,
            turn_rad: 0.0,
        };
        Rival {
            pose,
            correlation: overlay.correlation(&pose),
        }
    };
    let mut found = match known_m {
        Some(shift_m) => vec![at(shift_m)],
        None => {
            let peaks = Scan::new(overlay, shift_s).map_or(Vec::new(), |scan| scan.peaks_m());
            peaks
                .into_iter()
                .map(|peak| climbed(at(peak), &at))
                .collect()
        }
    };
    found.retain(|r| r.correlation > 0.0);
    found.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    found
}

/// Uphill in steps that are halved down to 1 mm.
fn climbed(mut top: Rival, at: &dyn Fn([f64; 2]) -> Rival) -> Rival {
    let mut step = 0.5 * STEP_M;
    while step >= 0.001 {
        let [x, down] = top.pose.shift_m;
        let near = [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step]]
            .map(|d| at([x + d[0], down + d[1]]));
        let best = near
            .into_iter()
            .max_by(|a, b| a.correlation.total_cmp(&b.correlation));
        match best {
            Some(better) if better.correlation > top.correlation => top = better,
            _ => step *= 0.5,
        }
    }
    top
}

/// Both movies at the same moments and on cells of one size: a shift by whole cells is then a matter of counting.
struct Scan {
    /// Loaded cells of the run: column, row, pressure; one list a frame.
    run: Vec<Vec<(isize, isize, f64)>>,
    /// Pressure of the mat's cells, row after row; one list a frame.
    log: Vec<Vec<f64>>,
    /// Columns and rows of the mat.
    size: [isize; 2],
    /// Shift that lays the first cells over each other, m.
    first_m: [f64; 2],
    /// Whole cells beyond it, first and last, at which what is loaded meets: to the right, down.
    span: [[isize; 2]; 2],
}

impl Scan {
    /// `None` where one of them is never loaded.
    fn new(overlay: &Overlay<'_>, shift_s: f64) -> Option<Scan> {
        let run = on_steps(overlay.run, &overlay.frames, shift_s);
        let log = on_steps(overlay.log, &overlay.frames, 0.0);
        let (run_m, log_m) = (loaded_m(&run)?, loaded_m(&log)?);
        let first_m = [0, 1].map(|i| run.grid.first_m[i] - log.grid.first_m[i]);
        let span = [0, 1].map(|i| {
            let cells = |m: f64| ((m - first_m[i]) / STEP_M).round() as isize;
            [
                cells(run_m[0][i] - log_m[1][i]),
                cells(run_m[1][i] - log_m[0][i]),
            ]
        });
        let columns = run.grid.columns as u32;
        let lists = run.frames.iter().map(|f| {
            let place = |c: &(u32, f32)| {
                let (row, column) = (c.0 / columns, c.0 % columns);
                (column as isize, row as isize, f64::from(c.1))
            };
            f.cells.iter().map(place).collect()
        });
        let dense = log.frames.iter().map(|f| {
            let mut pa = vec![0.0; log.grid.len()];
            for (cell, p) in &f.cells {
                pa[*cell as usize] = f64::from(*p);
            }
            pa
        });
        Some(Scan {
            run: lists.collect(),
            log: dense.collect(),
            size: [log.grid.columns as isize, log.grid.rows as isize],
            first_m,
            span,
        })
    }

    /// Pearson's correlation at a shift of whole cells.
    fn correlation(&self, [right, down]: [isize; 2], [l, ll]: [f64; 2]) -> f64 {
        let [columns, rows] = self.size;
        let (mut m, mut mm, mut lm) = (0.0, 0.0, 0.0);
        for (run, log) in self.run.iter().zip(&self.log) {
            for (column, row, p) in run {
                let (column, row) = (column - right, row - down);
                if column >= 0 && row >= 0 && column < columns && row < rows {
                    m += p;
                    mm += p * p;
                    lm += p * log[(row * columns + column) as usize];
                }
            }
        }
        let n = (self.log.len() as isize * columns * rows) as f64;
        let both = (mm - m * m / n) * (ll - l * l / n);
        if both > 0.0 {
            (lm - l * m / n) / both.sqrt()
        } else {
            0.0
        }
    }

    /// Shifts of the highest peaks, m, highest first.
    fn peaks_m(&self) -> Vec<[f64; 2]> {
        let pressures = || self.log.iter().flatten();
        let sums = [
            pressures().sum::<f64>(),
            pressures().map(|p| p * p).sum::<f64>(),
        ];
        let [across, along] = self.span;
        let width = across[1] - across[0] + 1;
        let shifts =
            (along[0]..=along[1]).flat_map(|d| (across[0]..=across[1]).map(move |r| [r, d]));
        let map: Vec<f64> = shifts.map(|shift| self.correlation(shift, sums)).collect();
        let value = |i: isize, j: isize| match i >= 0 && i < width && j >= 0 {
            true => map.get((j * width + i) as usize).copied().unwrap_or(0.0),
            false => 0.0,
        };
        let mut peaks: Vec<(f64, [isize; 2])> = (0..map.len() as isize)
            .map(|k| [k % width, k / width])
            .filter_map(|[i, j]| {
                let c = value(i, j);
                let near = (-1..=1).flat_map(|dj| (-1..=1).map(move |di| (dj, di)));
                // Of two equal neighbours the later one is the peak.
                let top = near.filter(|d| *d != (0, 0)).all(|d| {
                    let near = value(i + d.1, j + d.0);
                    c > near || (c == near && d < (0, 0))
                });
                (c > 0.0 && top).then_some((c, [across[0] + i, along[0] + j]))
            })
            .collect();
        peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
        peaks.truncate(PEAKS);
        let place = |cells: [isize; 2]| [0, 1].map(|i| self.first_m[i] + cells[i] as f64 * STEP_M);
        peaks.into_iter().map(|p| place(p.1)).collect()
    }
}

/// A movie at the times of some frames, on cells of the search's step.
fn on_steps(movie: &Movie, frames: &[&MapFrame], shift_s: f64) -> Movie {
    let grid = &movie.grid;
    let count = |n: usize, pitch_m: f64| (n as f64 * pitch_m / STEP_M).ceil().max(1.0) as usize;
    let steps = Grid {
        rows: count(grid.rows, grid.pitch_m[1]),
        columns: count(grid.columns, grid.pitch_m[0]),
        first_m: [0, 1].map(|i| grid.first_m[i] + 0.5 * (STEP_M - grid.pitch_m[i])),
        pitch_m: [STEP_M; 2],
    };
    let mut view = View::new(movie, &steps);
    let frames = frames.iter().map(|frame| {
        let t_s = frame.t_s + shift_s;
        view.look(t_s, &Pose::default());
        MapFrame {
            t_s,
            cells: view.cells(),
        }
    });
    Movie {
        frames: frames.collect(),
        grid: steps,
    }
}

/// The box around the centres of all cells that ever reach a twentieth of the highest pressure: first and last corner, m.
fn loaded_m(movie: &Movie) -> Option<[[f64; 2]; 2]> {
    let high = movie
        .frames
        .iter()
        .map(MapFrame::peak_pa)
        .fold(0.0, f64::max);
    let mut corners: Option<[[f64; 2]; 2]> = None;
    for (cell, p) in movie.frames.iter().flat_map(|f| &f.cells) {
        if f64::from(*p) > 0.05 * high {
            let at = movie.grid.centre_m(*cell);
            let [low, up] = corners.unwrap_or([at, at]);
            corners = Some([
                [low[0].min(at[0]), low[1].min(at[1])],
                [up[0].max(at[0]), up[1].max(at[1])],
            ]);
        }
    }
    corners
}
