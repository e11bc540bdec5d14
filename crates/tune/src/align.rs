//! A mat's movie laid over a run's: shift in time, shift and turn on the skin.

use crate::overlay::{Overlay, View};
use crate::places::{STEP_M, places};
use crate::signal::{Signal, TimeMatch, time_matches};
use sim::{MapFrame, Movie};

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
        .map(|&shift_s| places(&scan, shift_s, known.shift_m))
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
    let (best, others) = bests.first()?;
    let (pose, error) = fine.refined(best.pose, known);
    let apart_m = 2.0 * STEP_M.max(log.grid.pitch_m[0]).max(log.grid.pitch_m[1]);
    let distance_m = |r: &Rival| {
        (r.pose.shift_m[0] - pose.shift_m[0]).hypot(r.pose.shift_m[1] - pose.shift_m[1])
    };
    let place_rival = others.iter().map(settled).find(|r| distance_m(r) > apart_m);
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
    let found = places(&Overlay::new(run, log, FRAMES[0]), shift_s, None);
    found.first().map_or(0.0, |r| r.correlation)
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
            let cells = view.cells();
            out.push((i, MapFrame { t_s, cells }));
        }
    }
    out
}
