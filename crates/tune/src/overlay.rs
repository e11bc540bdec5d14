//! A run's maps and a mat's, cell by cell: how well they agree at a pose, and the pose near it at which they agree best.

use crate::align::{Known, Pose, TURN_MAX_RAD};
use nalgebra::{DMatrix, DVector};
use sim::{Grid, MapFrame, Movie};

/// A run's maps averaged over the cells of a mat, one moment after the other, into a buffer that is kept.
pub(crate) struct View<'a> {
    run: &'a Movie,
    grid: Grid,
    /// Pressure of each cell, Pa.
    pa: Vec<f64>,
    /// Cells that are not empty.
    touched: Vec<u32>,
}

impl<'a> View<'a> {
    pub(crate) fn new(run: &'a Movie, grid: &Grid) -> View<'a> {
        View {
            run,
            grid: *grid,
            pa: vec![0.0; grid.len()],
            touched: Vec::new(),
        }
    }

    /// The map at a time of the run: linear between its frames, held at its ends.
    pub(crate) fn look(&mut self, t_s: f64, pose: &Pose) {
        for cell in self.touched.drain(..) {
            self.pa[cell as usize] = 0.0;
        }
        let run = self.run;
        let frames = &run.frames;
        let next = frames.partition_point(|f| f.t_s <= t_s);
        match (next.checked_sub(1), frames.get(next)) {
            (Some(i), Some(after)) => {
                let w = (t_s - frames[i].t_s) / (after.t_s - frames[i].t_s);
                self.add(&frames[i], 1.0 - w, pose);
                self.add(after, w, pose);
            }
            (Some(i), None) => self.add(&frames[i], 1.0, pose),
            (None, Some(after)) => self.add(after, 1.0, pose),
            (None, None) => {}
        }
    }

    /// What was seen last: cells and their pressure, ascending.
    pub(crate) fn cells(&self) -> Vec<(u32, f32)> {
        let pressure = |c: &u32| (*c, self.pa[*c as usize] as f32);
        let mut cells: Vec<(u32, f32)> = self.touched.iter().map(pressure).collect();
        cells.sort_unstable_by_key(|c| c.0);
        cells
    }

    /// Each cell of the run gives its force to the cells of the mat by the area that they share. Its own turn is left out:
    /// a cell of 4 mm turned by a few degrees covers nearly the same area.
    fn add(&mut self, frame: &MapFrame, weight: f64, pose: &Pose) {
        if weight <= 0.0 {
            return;
        }
        let mat = self.grid;
        let run = self.run.grid;
        let middle = mat.middle_m();
        let (sin, cos) = pose.turn_rad.sin_cos();
        for (cell, p) in &frame.cells {
            let at = run.centre_m(*cell);
            // Back from the run's place to the mat's.
            let away = [0, 1].map(|i| at[i] - pose.shift_m[i] - middle[i]);
            let in_mat = [
                middle[0] + cos * away[0] + sin * away[1],
                middle[1] - sin * away[0] + cos * away[1],
            ];
            let [columns, rows] = [0, 1].map(|i| {
                shares(
                    (in_mat[i] - mat.first_m[i]) / mat.pitch_m[i],
                    run.pitch_m[i] / mat.pitch_m[i],
                )
            });
            for (row, down) in rows {
                for (column, right) in columns.clone() {
                    let inside = row >= 0
                        && column >= 0
                        && (row as usize) < mat.rows
                        && (column as usize) < mat.columns;
                    if inside && down * right > 0.0 {
                        let cell = row as usize * mat.columns + column as usize;
                        if self.pa[cell] == 0.0 {
                            self.touched.push(cell as u32);
                        }
                        self.pa[cell] += weight * f64::from(*p) * down * right;
                    }
                }
            }
        }
    }
}

/// Cells of unit width that an interval of `width` around `at` meets (cell 0 lies around 0), and the part of each cell that
/// it covers.
fn shares(at: f64, width: f64) -> impl Iterator<Item = (isize, f64)> + Clone {
    let (low, high) = (at - 0.5 * width + 0.5, at + 0.5 * width + 0.5);
    (low.floor() as isize..=high.floor() as isize).map(move |cell| {
        let (from, to) = (cell as f64, cell as f64 + 1.0);
        (cell, high.min(to) - low.max(from))
    })
}

/// Two movies and the frames of the log at which they are compared.
pub(crate) struct Overlay<'a> {
    pub(crate) run: &'a Movie,
    pub(crate) log: &'a Movie,
    pub(crate) frames: Vec<&'a MapFrame>,
    /// Sum of the log's pressures, and of their squares.
    sums: [f64; 2],
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(run: &'a Movie, log: &'a Movie, frames_max: usize) -> Overlay<'a> {
        let every = log.frames.len().div_ceil(frames_max).max(1);
        let frames: Vec<&MapFrame> = log.frames.iter().step_by(every).collect();
        let pressures = || frames.iter().flat_map(|f| &f.cells).map(|c| f64::from(c.1));
        let sums = [pressures().sum(), pressures().map(|p| p * p).sum()];
        Overlay {
            run,
            log,
            frames,
            sums,
        }
    }

    /// Mean time between the run's frames, or the log's, whichever is more, s.
    pub(crate) fn frame_s(&self) -> f64 {
        let mean = |f: &[MapFrame]| match (f.first(), f.last()) {
            (Some(a), Some(b)) if f.len() > 1 => (b.t_s - a.t_s) / (f.len() - 1) as f64,
            _ => 0.0,
        };
        mean(&self.run.frames).max(mean(&self.log.frames)).max(1e-3)
    }

    /// Pearson's correlation over all cells of the mat and all frames; 0 where one of them does not vary.
    pub(crate) fn correlation(&self, pose: &Pose) -> f64 {
        let mut view = View::new(self.run, &self.log.grid);
        let (mut m, mut mm, mut lm) = (0.0, 0.0, 0.0);
        for frame in &self.frames {
            view.look(frame.t_s + pose.shift_s, pose);
            for cell in &view.touched {
                let p = view.pa[*cell as usize];
                m += p;
                mm += p * p;
            }
            lm += frame
                .cells
                .iter()
                .map(|(cell, p)| f64::from(*p) * view.pa[*cell as usize])
                .sum::<f64>();
        }
        let n = (self.frames.len() * self.log.grid.len()) as f64;
        let [l, ll] = self.sums;
        let both = (mm - m * m / n) * (ll - l * l / n);
        if both > 0.0 {
            (lm - l * m / n) / both.sqrt()
        } else {
            0.0
        }
    }

    /// Gauss-Newton from a pose: the least squares of `log - offset - gain run(pose)`. Returns the pose and its standard
    /// errors.
    pub(crate) fn refined(&self, start: Pose, known: &Known) -> (Pose, Pose) {
        let frame_s = self.frame_s();
        let pitch_m = self.log.grid.pitch_m;
        // What is free, the step of its difference quotient, and the farthest it may go at once.
        let reach_m = 0.5
            * (self.log.grid.rows as f64 * pitch_m[1])
                .hypot(self.log.grid.columns as f64 * pitch_m[0]);
        let mut free: Vec<(usize, f64)> = Vec::new();
        if known.shift_s.is_none() {
            free.push((0, 0.25 * frame_s));
        }
        if known.shift_m.is_none() {
            free.extend([(1, 0.25 * pitch_m[0]), (2, 0.25 * pitch_m[1])]);
        }
        if known.turn {
            free.push((3, 0.25 * pitch_m[0].min(pitch_m[1]) / reach_m));
        }
        let mut pose = start;
        let mut best = self.correlation(&pose);
        let mut error = Pose::default();
        for _ in 0..12 {
            let Some((step, errors)) = self.newton(&pose, &free) else {
                free.iter()
                    .for_each(|f| set(&mut error, f.0, f64::INFINITY));
                return (pose, error);
            };
            for ((which, _), e) in free.iter().zip(&errors) {
                set(&mut error, *which, *e);
            }
            // Halved until it betters the fit; two quotient steps at most.
            let mut share = 1.0;
            let mut moved = None;
            while share > 0.05 {
                let mut next = pose;
                for ((which, h), s) in free.iter().zip(&step) {
                    let by = (share * s).clamp(-2.0 * h, 2.0 * h);
                    set(&mut next, *which, get(&pose, *which) + by);
                }
                let within = next.turn_rad.abs() <= TURN_MAX_RAD;
                let correlation = self.correlation(&next);
                if within && correlation > best {
                    moved = Some((next, correlation));
                    break;
                }
                share *= 0.5;
            }
            let Some((next, correlation)) = moved else {
                break;
            };
            let gained = correlation - best;
            (pose, best) = (next, correlation);
            if gained < 1e-9 {
                break;
            }
        }
        (pose, error)
    }

    /// One Gauss-Newton step and the standard errors there.
    fn newton(&self, pose: &Pose, free: &[(usize, f64)]) -> Option<(Vec<f64>, Vec<f64>)> {
        let nudged = |(which, h): (usize, f64), sign: f64| {
            let mut pose = *pose;
            let value = get(&pose, which) + sign * h;
            set(&mut pose, which, value);
            pose
        };
        let poses: Vec<Pose> = std::iter::once(*pose)
            .chain(
                free.iter()
                    .flat_map(|f| [nudged(*f, 1.0), nudged(*f, -1.0)]),
            )
            .collect();
        let mut views: Vec<View<'_>> = poses
            .iter()
            .map(|_| View::new(self.run, &self.log.grid))
            .collect();
        // Columns: 1, run, then the slopes of the run; the last one is the log. Sums of their products.
        let k = 2 + free.len();
        let mut sums = DMatrix::<f64>::zeros(k + 1, k + 1);
        let mut log_pa = vec![0.0; self.log.grid.len()];
        let mut row = vec![0.0; k + 1];
        let (mut cells, mut listed) = (Vec::new(), vec![false; self.log.grid.len()]);
        for frame in &self.frames {
            for (view, pose) in views.iter_mut().zip(&poses) {
                view.look(frame.t_s + pose.shift_s, pose);
            }
            for (cell, p) in &frame.cells {
                log_pa[*cell as usize] = f64::from(*p);
            }
            cells.clear();
            let touched = views.iter().flat_map(|v| v.touched.iter());
            for cell in touched.chain(frame.cells.iter().map(|c| &c.0)) {
                if !std::mem::replace(&mut listed[*cell as usize], true) {
                    cells.push(*cell);
                }
            }
            for &cell in &cells {
                listed[cell as usize] = false;
                let pa = |view: usize| views[view].pa[cell as usize];
                row[0] = 1.0;
                row[1] = pa(0);
                for (i, (_, h)) in free.iter().enumerate() {
                    row[2 + i] = (pa(1 + 2 * i) - pa(2 + 2 * i)) / (2.0 * h);
                }
                row[k] = log_pa[cell as usize];
                for a in 0..=k {
                    for b in a..=k {
                        sums[(a, b)] += row[a] * row[b];
                    }
                }
            }
            for (cell, _) in &frame.cells {
                log_pa[*cell as usize] = 0.0;
            }
        }
        // Cells without any pressure add to the count alone.
        sums[(0, 0)] = (self.frames.len() * self.log.grid.len()) as f64;
        let scale = DVector::from_fn(k, |i, _| sums[(i, i)].sqrt());
        if scale.iter().any(|s| *s <= 0.0) {
            return None;
        }
        let normal = DMatrix::from_fn(k, k, |a, b| {
            sums[(a.min(b), a.max(b))] / (scale[a] * scale[b])
        });
        let right = DVector::from_fn(k, |a, _| sums[(a, k)] / scale[a]);
        let inverse = normal.cholesky()?.inverse();
        let solution = &inverse * &right;
        let left_over = (sums[(k, k)] - solution.dot(&right)).max(0.0);
        let sigma = (left_over / (sums[(0, 0)] - k as f64).max(1.0)).sqrt();
        let gain = solution[1] / scale[1];
        if gain <= 0.0 {
            return None;
        }
        let step = (2..k).map(|i| solution[i] / scale[i] / gain).collect();
        let errors = (2..k)
            .map(|i| sigma * inverse[(i, i)].sqrt() / scale[i] / gain)
            .collect();
        Some((step, errors))
    }
}

fn get(pose: &Pose, which: usize) -> f64 {
    [
        pose.shift_s,
        pose.shift_m[0],
        pose.shift_m[1],
        pose.turn_rad,
    ][which]
}

fn set(pose: &mut Pose, which: usize, value: f64) {
    match which {
        0 => pose.shift_s = value,
        1 => pose.shift_m[0] = value,
        2 => pose.shift_m[1] = value,
        _ => pose.turn_rad = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::seen_by_mat;

    /// An interval of 0.4 around 0.45 reaches from 0.25 to 0.65; cells end at 0.5: 0.25 in cell 0, 0.15 in cell 1.
    #[test]
    fn val_shares_are_covered_parts() {
        let parts: Vec<(isize, f64)> = shares(0.45, 0.4).collect();
        assert_eq!(parts.iter().map(|p| p.0).collect::<Vec<_>>(), [0, 1]);
        assert!((parts[0].1 - 0.25).abs() < 1e-12 && (parts[1].1 - 0.15).abs() < 1e-12);
        let wide: f64 = shares(-3.3, 2.7).map(|p| p.1).sum();
        assert!((wide - 2.7).abs() < 1e-12);
    }

    /// Averaging keeps the force, wherever the mat lies and however it is turned, as long as it covers the contact.
    #[test]
    fn val_a_mat_that_covers_the_contact_sees_all_force() {
        let grid = |n: usize, pitch: f64| Grid {
            rows: n,
            columns: n,
            first_m: [-0.5 * (n as f64 - 1.0) * pitch; 2],
            pitch_m: [pitch; 2],
        };
        let run = Movie {
            grid: grid(51, 0.004),
            frames: vec![MapFrame {
                t_s: 0.0,
                cells: vec![(1300, 2e4), (1301, 3e4), (1352, 1e4)],
            }],
        };
        let log = Movie {
            grid: grid(20, 0.0127),
            frames: vec![MapFrame::default()],
        };
        let pose = Pose {
            shift_s: 0.0,
            shift_m: [0.0113, -0.0071],
            turn_rad: 0.2,
        };
        let seen = seen_by_mat(&run, &log, &pose);
        let (mat_n, run_n) = (
            seen[0].1.force_n(&log.grid),
            run.frames[0].force_n(&run.grid),
        );
        // The maps are kept in single precision.
        assert!((mat_n / run_n - 1.0).abs() < 1e-6, "{mat_n} {run_n}");
    }
}
