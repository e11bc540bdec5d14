//! A mat's movie laid over a run's: shift in time, shift and turn on the skin.

use crate::signal::{Signal, TimeMatch, time_matches};
use nalgebra::{DMatrix, DVector};
use sim::{Grid, MapFrame, Movie};

/// Where a log lies against a run: `t_run = t_log + shift_s`, and a place of the log, turned about the middle of its grid
/// (positive from right to down), is moved by `shift_m`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// In time, s.
    pub shift_s: f64,
    /// To the user's right, and down along the skin, m.
    pub shift_m: [f64; 2],
    /// Turn on the skin, rad.
    pub turn_rad: f64,
}

/// What is known beforehand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The shift in time, s.
    pub shift_s: Option<f64>,
    /// The shift on the skin, m.
    pub shift_m: Option<[f64; 2]>,
    /// Whether a turn is looked for, up to [`TURN_MAX_RAD`]; else there is none.
    pub turn: bool,
}

/// How a log was laid over a run, and how sure that is.
#[derive(Clone, Debug)]
pub struct Alignment {
    /// Where it lies.
    pub pose: Pose,
    /// Pearson's correlation of pressure there, over all cells of the mat and all its frames.
    pub correlation: f64,
    /// One standard error of the pose, in the same units, if cells erred independently of each other; they do not, so it is
    /// a lower bound. Infinite where the logs cannot tell; 0 for what was known.
    pub error: Pose,
    /// The best one at another time.
    pub time_rival: Option<Rival>,
    /// The best one at another place.
    pub place_rival: Option<Rival>,
    /// Correlation over the shift in time, of the force, s.
    pub over_time: Vec<TimeMatch>,
}

/// A pose that fits nearly as well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rival {
    /// Where the log would lie.
    pub pose: Pose,
    /// As in [`Alignment`].
    pub correlation: f64,
}

impl Alignment {
    /// Rivals that reach 95 % of the best correlation: nobody should trust a pose that has one.
    pub fn doubts(&self) -> Vec<Rival> {
        let rivals = [self.time_rival, self.place_rival];
        rivals
            .into_iter()
            .flatten()
            .filter(|r| r.correlation > 0.95 * self.correlation)
            .collect()
    }
}

/// Largest turn that is looked for: beyond it a mat was laid in another way, and one should say which.
pub const TURN_MAX_RAD: f64 = 0.35;
/// Frames of the log at which places are searched, candidates refined, and the winner refined.
const FRAMES: [usize; 3] = [32, 150, 600];
/// Step of the search over places, m: a contact is 30 to 50 mm wide.
const STEP_M: f64 = 0.008;
/// Poses in time that are tried on maps.
const TIMES: usize = 4;

/// Lays `log` over `run`; `force` are the run's node forces over time, finer than its maps.
///
/// 1. The shift in time at which the two total forces correlate best, and its rivals ([`time_matches`]).
/// 2. For each of them the shift on the skin at which pressure correlates best, frame by frame and cell by cell, on a grid
///    of 8 mm over all places at which the two touch, then halved steps to 1 mm. The best pair wins: where two times give
///    the same force the moving nodes tell them apart.
/// 3. Gauss-Newton on time, place (and turn) together, with gain and offset of the log free.
///
/// `None` where nothing varies or nothing meets.
pub fn align(force: &Signal, run: &Movie, log: &Movie, known: &Known) -> Option<Alignment> {
    let mat_force = Signal {
        t_s: log.frames.iter().map(|f| f.t_s).collect(),
        values: log.frames.iter().map(|f| f.force_n(&log.grid)).collect(),
    };
    let over_time = time_matches(&[(force, &mat_force)]);
    let times: Vec<f64> = match known.shift_s {
        Some(shift_s) => vec![shift_s],
        None => {
            let least = 0.5 * over_time.first().map_or(0.0, |m| m.correlation);
            let likely = over_time.iter().filter(|m| m.correlation >= least);
            likely.take(TIMES).map(|m| m.shift_s).collect()
        }
    };
    let scan = Overlay::new(run, log, FRAMES[0]);
    let found: Vec<Vec<Rival>> = times
        .iter()
        .map(|&shift_s| scan.places(shift_s, known.shift_m))
        .filter(|places| !places.is_empty())
        .collect();
    let [middling, fine] = [1, 2].map(|i| Overlay::new(run, log, FRAMES[i]));
    // Each slides to its own best, and all are judged on the same frames.
    let settled = |rival: &Rival| {
        let (pose, _) = middling.refined(rival.pose, known);
        Rival {
            pose,
            correlation: fine.correlation(&pose),
        }
    };
    let mut bests: Vec<(Rival, &[Rival])> = found
        .iter()
        .map(|places| (settled(&places[0]), &places[1..]))
        .collect();
    bests.sort_by(|a, b| b.0.correlation.total_cmp(&a.0.correlation));
    let (best, places) = bests.first()?;
    let (pose, error) = fine.refined(best.pose, known);
    let apart_m = 2.0 * STEP_M.max(log.grid.pitch_m[0]).max(log.grid.pitch_m[1]);
    let distance_m = |r: &Rival| {
        (r.pose.shift_m[0] - pose.shift_m[0]).hypot(r.pose.shift_m[1] - pose.shift_m[1])
    };
    let place_rival = places.iter().map(settled).find(|r| distance_m(r) > apart_m);
    let apart_s = 2.0 * fine.frame_s();
    let time_rival = bests
        .iter()
        .skip(1)
        .map(|b| b.0)
        .find(|r| (r.pose.shift_s - pose.shift_s).abs() > apart_s);
    Some(Alignment {
        pose,
        correlation: fine.correlation(&pose),
        error,
        time_rival,
        place_rival,
        over_time,
    })
}

/// The best correlation that any place gives at a shift in time, on a few frames: enough to tell one way round from another.
pub fn best_correlation(run: &Movie, log: &Movie, shift_s: f64) -> f64 {
    let places = Overlay::new(run, log, FRAMES[0]).places(shift_s, None);
    places.first().map_or(0.0, |r| r.correlation)
}

/// The run as the mat at that pose would have seen it: one frame for each of the log's, at the log's times, pressure
/// averaged over the mat's cells (a run's cell gives to each cell of the mat by the area that they share). Frames outside
/// the run are left out; the index says which of the log's frame each is.
pub fn seen_by_mat(run: &Movie, log: &Movie, pose: &Pose) -> Vec<(usize, MapFrame)> {
    let (Some(first), Some(last)) = (run.frames.first(), run.frames.last()) else {
        return Vec::new();
    };
    let span = [first.t_s - 1e-9, last.t_s + 1e-9];
    let mut view = View::new(run, &log.grid);
    let mut out = Vec::new();
    for (i, frame) in log.frames.iter().enumerate() {
        let t_s = frame.t_s + pose.shift_s;
        if t_s >= span[0] && t_s <= span[1] {
            view.look(t_s, pose);
            let mut cells: Vec<(u32, f32)> = view
                .touched
                .iter()
                .map(|c| (*c, view.pa[*c as usize] as f32))
                .collect();
            cells.sort_unstable_by_key(|c| c.0);
            out.push((i, MapFrame { t_s, cells }));
        }
    }
    out
}

/// A run's maps averaged over the cells of a mat, one moment after the other, into a buffer that is kept.
struct View<'a> {
    run: &'a Movie,
    grid: Grid,
    pa: Vec<f64>,
    touched: Vec<u32>,
}

impl<'a> View<'a> {
    fn new(run: &'a Movie, grid: &Grid) -> View<'a> {
        View {
            run,
            grid: *grid,
            pa: vec![0.0; grid.len()],
            touched: Vec::new(),
        }
    }

    /// The map at a time of the run: linear between its frames, held at its ends.
    fn look(&mut self, t_s: f64, pose: &Pose) {
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
struct Overlay<'a> {
    run: &'a Movie,
    log: &'a Movie,
    frames: Vec<&'a MapFrame>,
    /// Sum of the log's pressures, and of their squares.
    sums: [f64; 2],
}

impl<'a> Overlay<'a> {
    fn new(run: &'a Movie, log: &'a Movie, frames_max: usize) -> Overlay<'a> {
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
    fn frame_s(&self) -> f64 {
        let mean = |f: &[MapFrame]| match (f.first(), f.last()) {
            (Some(a), Some(b)) if f.len() > 1 => (b.t_s - a.t_s) / (f.len() - 1) as f64,
            _ => 0.0,
        };
        mean(&self.run.frames).max(mean(&self.log.frames)).max(1e-3)
    }

    /// Pearson's correlation over all cells of the mat and all frames; 0 where one of them does not vary.
    fn correlation(&self, pose: &Pose) -> f64 {
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

    /// The best places at a shift in time, best first, all of them peaks of the correlation.
    fn places(&self, shift_s: f64, known_m: Option<[f64; 2]>) -> Vec<Rival> {
        let at = |shift_m: [f64; 2]| {
            let pose = Pose {
                shift_s,
                shift_m,
                turn_rad: 0.0,
            };
            Rival {
                pose,
                correlation: self.correlation(&pose),
            }
        };
        if let Some(shift_m) = known_m {
            return Some(at(shift_m))
                .filter(|r| r.correlation > 0.0)
                .into_iter()
                .collect();
        }
        let (Some(run), Some(log)) = (loaded_m(self.run), loaded_m(self.log)) else {
            return Vec::new();
        };
        let from = [0, 1].map(|i| run[0][i] - log[1][i]);
        let steps =
            [0, 1].map(|i| ((run[1][i] - log[0][i] - from[i]) / STEP_M).ceil() as usize + 1);
        let thin = [
            thinned(self.run, &self.frames, shift_s),
            thinned(self.log, &self.frames, 0.0),
        ];
        let coarse = Overlay::new(&thin[0], &thin[1], FRAMES[0]);
        let map: Vec<Rival> = (0..steps[0] * steps[1])
            .map(|k| {
                let (i, j) = (k % steps[0], k / steps[0]);
                let pose = Pose {
                    shift_s,
                    shift_m: [from[0] + i as f64 * STEP_M, from[1] + j as f64 * STEP_M],
                    turn_rad: 0.0,
                };
                Rival {
                    pose,
                    correlation: coarse.correlation(&pose),
                }
            })
            .collect();
        let value = |i: isize, j: isize| {
            let inside = i >= 0 && j >= 0 && (i as usize) < steps[0] && (j as usize) < steps[1];
            if inside {
                map[j as usize * steps[0] + i as usize].correlation
            } else {
                0.0
            }
        };
        let mut tops: Vec<Rival> = (0..map.len())
            .filter(|&k| {
                let (i, j) = ((k % steps[0]) as isize, (k / steps[0]) as isize);
                let c = map[k].correlation;
                let around = (-1..=1).flat_map(|di| (-1..=1).map(move |dj| (di, dj)));
                // Of two equal neighbours the later one is the peak.
                c > 0.0
                    && around.filter(|d| *d != (0, 0)).all(|(di, dj)| {
                        let near = value(i + di, j + dj);
                        c > near || (c == near && (dj, di) < (0, 0))
                    })
            })
            .map(|k| map[k])
            .collect();
        tops.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
        tops.truncate(3);
        for top in &mut tops {
            *top = at(top.pose.shift_m);
            let mut step = 0.5 * STEP_M;
            while step >= 0.001 {
                let [x, down] = top.pose.shift_m;
                let near = [[step, 0.0], [-step, 0.0], [0.0, step], [0.0, -step]]
                    .map(|d| at([x + d[0], down + d[1]]));
                match near
                    .into_iter()
                    .max_by(|a, b| a.correlation.total_cmp(&b.correlation))
                {
                    Some(better) if better.correlation > top.correlation => *top = better,
                    _ => step *= 0.5,
                }
            }
        }
        tops.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
        tops
    }

    /// Gauss-Newton from a pose: the least squares of `log - offset - gain run(pose)`. Returns the pose and its standard
    /// errors.
    fn refined(&self, start: Pose, known: &Known) -> (Pose, Pose) {
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

/// A movie at the times of some frames, and on cells about as large as a step of the search: a fraction of the work.
fn thinned(movie: &Movie, frames: &[&MapFrame], shift_s: f64) -> Movie {
    let grid = &movie.grid;
    let fewer = grid.pitch_m.map(|p| (STEP_M / p).round().max(1.0));
    let times = Movie {
        grid: Grid {
            rows: grid.rows.div_ceil(fewer[1] as usize),
            columns: grid.columns.div_ceil(fewer[0] as usize),
            first_m: [0, 1].map(|i| grid.first_m[i] + 0.5 * (fewer[i] - 1.0) * grid.pitch_m[i]),
            pitch_m: [0, 1].map(|i| fewer[i] * grid.pitch_m[i]),
        },
        frames: frames
            .iter()
            .map(|f| MapFrame {
                t_s: f.t_s,
                cells: Vec::new(),
            })
            .collect(),
    };
    let in_time = Pose {
        shift_s,
        ..Pose::default()
    };
    let seen = seen_by_mat(movie, &times, &in_time);
    Movie {
        grid: times.grid,
        frames: seen.into_iter().map(|s| s.1).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

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
