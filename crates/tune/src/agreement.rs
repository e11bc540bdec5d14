//! How well a run and a log agree, once the one is laid over the other. An error is the run less the log; a correlation is
//! `None` where one of them does not vary, a gain where the run is below a tenth of the log.

use crate::signal::correlation;
use serde::Serialize;
use sim::{Grid, MapFrame};

/// One moment of a mat, and the run as the mat would have seen it.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Averaged over the mat's cells.
    pub run: &'a MapFrame,
    /// As logged.
    pub log: &'a MapFrame,
}

/// Agreement of pressure maps over the frames in which either presses with 5 N and more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MapAgreement {
    /// Frames that both have.
    pub frames: usize,
    /// Those that count.
    pub loaded_frames: usize,
    /// Total force on the mat.
    pub force: Force,
    /// Largest pressure of a cell, frame by frame.
    pub peak: Peak,
    /// Centre of pressure; `None` where no frame has both.
    pub centre: Option<Centre>,
    /// Pressure, cell by cell.
    pub map: Maps,
    /// Contact area: cells at or over the threshold.
    pub area: Area,
    /// Share of the run's force on cells below the threshold: what such a mat does not see.
    pub force_share_below_threshold: f64,
}

/// Force on the mat, N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "every field is named by quantity and unit")]
pub struct Force {
    pub mean_log_n: f64,
    pub mean_run_n: f64,
    pub bias_n: f64,
    pub rms_n: f64,
    pub correlation: Option<f64>,
    /// The log over the run, by least squares through the origin: a diagnostic, applied nowhere.
    pub gain: Option<f64>,
}

/// Largest pressure of a cell of the mat, kPa.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "every field is named by quantity and unit")]
pub struct Peak {
    /// Mean over frames.
    pub mean_log_kpa: f64,
    /// Mean over frames.
    pub mean_run_kpa: f64,
    /// Largest of all frames.
    pub largest_log_kpa: f64,
    /// Largest of all frames.
    pub largest_run_kpa: f64,
    pub bias_kpa: f64,
    pub rms_kpa: f64,
}

/// Centre of pressure (cells at or over the threshold), mm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Centre {
    /// Frames in which both press with 5 N and more.
    pub frames: usize,
    /// Mean error to the right, and down: what alignment left over.
    pub bias_mm: [f64; 2],
    /// Root mean square of the distance.
    pub rms_mm: f64,
    /// Largest distance.
    pub worst_mm: f64,
}

/// Pressure over the cells that are at or over the threshold in either, kPa.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Maps {
    /// Cells times frames.
    pub samples: usize,
    /// Mean error.
    pub bias_kpa: f64,
    /// Root mean square error.
    pub rms_kpa: f64,
    /// The same over the log's mean peak.
    pub rms_share_of_peak: f64,
    /// Pearson's.
    pub correlation: Option<f64>,
    /// The log over the run, by least squares through the origin: a diagnostic, applied nowhere.
    pub gain: Option<f64>,
    /// What root mean square error would be left, were the log divided by this gain.
    pub rms_without_gain_kpa: f64,
}

/// Contact area, cm^2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "every field is named by quantity and unit")]
pub struct Area {
    pub mean_log_cm2: f64,
    pub mean_run_cm2: f64,
    pub bias_cm2: f64,
    pub rms_cm2: f64,
}

/// Agreement of one motor's current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "every field is named by quantity and unit")]
pub struct CurrentAgreement {
    pub samples: usize,
    pub rms_log_a: f64,
    pub rms_run_a: f64,
    pub bias_a: f64,
    pub rms_a: f64,
    pub correlation: Option<f64>,
    /// The log over the run, by least squares through the origin: a diagnostic, applied nowhere.
    pub gain: Option<f64>,
}

/// Least force of a frame that counts, N: what counts as contact elsewhere too.
const LOADED_N: f64 = 5.0;

/// Compares maps. A cell is in contact from `threshold_pa` on.
pub fn maps_agree(grid: &Grid, pairs: &[Pair<'_>], threshold_pa: f64) -> MapAgreement {
    let loaded: Vec<&Pair<'_>> = pairs
        .iter()
        .filter(|p| p.run.force_n(grid).max(p.log.force_n(grid)) >= LOADED_N)
        .collect();
    let each = |of: &dyn Fn(&MapFrame) -> f64| {
        let run: Vec<f64> = loaded.iter().map(|p| of(p.run)).collect();
        let log: Vec<f64> = loaded.iter().map(|p| of(p.log)).collect();
        Errors::of(&run, &log)
    };
    let force = each(&|f| f.force_n(grid));
    let peak = each(&|f| 1e-3 * f.peak_pa());
    let cell_cm2 = 1e4 * grid.cell_m2();
    let area = each(&|f| cell_cm2 * in_contact(f, threshold_pa).count() as f64);
    let largest =
        |of: fn(&Pair<'_>) -> f64| loaded.iter().map(|p| 1e-3 * of(p)).fold(0.0, f64::max);
    let below: f64 = loaded
        .iter()
        .flat_map(|p| &p.run.cells)
        .map(|c| f64::from(c.1))
        .filter(|p| *p < threshold_pa)
        .sum();
    let all_n = force.mean_run * loaded.len() as f64;
    MapAgreement {
        frames: pairs.len(),
        loaded_frames: loaded.len(),
        force: Force {
            mean_log_n: force.mean_log,
            mean_run_n: force.mean_run,
            bias_n: force.bias,
            rms_n: force.rms,
            correlation: force.correlation,
            gain: force.gain,
        },
        peak: Peak {
            mean_log_kpa: peak.mean_log,
            mean_run_kpa: peak.mean_run,
            largest_log_kpa: largest(|p| p.log.peak_pa()),
            largest_run_kpa: largest(|p| p.run.peak_pa()),
            bias_kpa: peak.bias,
            rms_kpa: peak.rms,
        },
        centre: centres(grid, &loaded, threshold_pa),
        map: cells(&loaded, threshold_pa, peak.mean_log),
        area: Area {
            mean_log_cm2: area.mean_log,
            mean_run_cm2: area.mean_run,
            bias_cm2: area.bias,
            rms_cm2: area.rms,
        },
        force_share_below_threshold: if all_n > 0.0 {
            below * grid.cell_m2() / all_n
        } else {
            0.0
        },
    }
}

/// Compares currents at the log's samples, A.
pub fn currents_agree(run_a: &[f64], log_a: &[f64]) -> CurrentAgreement {
    let errors = Errors::of(run_a, log_a);
    let rms = |v: &[f64]| (v.iter().map(|a| a * a).sum::<f64>() / v.len().max(1) as f64).sqrt();
    CurrentAgreement {
        samples: log_a.len(),
        rms_log_a: rms(log_a),
        rms_run_a: rms(run_a),
        bias_a: errors.bias,
        rms_a: errors.rms,
        correlation: errors.correlation,
        gain: errors.gain,
    }
}

/// What two series of one length differ by.
#[derive(Clone, Copy, Default)]
struct Errors {
    mean_run: f64,
    mean_log: f64,
    bias: f64,
    rms: f64,
    correlation: Option<f64>,
    gain: Option<f64>,
    rms_without_gain: f64,
}

impl Errors {
    fn of(run: &[f64], log: &[f64]) -> Errors {
        if run.is_empty() {
            return Errors::default();
        }
        let n = run.len() as f64;
        let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            run.iter().zip(log).map(|(r, l)| f(*r, *l)).sum()
        };
        let run_2 = sum(&|r, _| r * r);
        // Of a run that hardly moves against its log there is no share to tell.
        let told = run_2 > 0.01 * sum(&|_, l| l * l);
        let gain = told.then(|| sum(&|r, l| r * l) / run_2);
        let scale = gain.filter(|g| *g > 0.0).map_or(1.0, |g| 1.0 / g);
        Errors {
            mean_run: sum(&|r, _| r) / n,
            mean_log: sum(&|_, l| l) / n,
            bias: sum(&|r, l| r - l) / n,
            rms: (sum(&|r, l| (r - l) * (r - l)) / n).sqrt(),
            correlation: correlation(run, log),
            gain,
            rms_without_gain: (sum(&|r, l| (r - scale * l).powi(2)) / n).sqrt(),
        }
    }
}

fn in_contact(frame: &MapFrame, threshold_pa: f64) -> impl Iterator<Item = (u32, f64)> {
    frame
        .cells
        .iter()
        .map(|c| (c.0, f64::from(c.1)))
        .filter(move |c| c.1 >= threshold_pa)
}

/// Pressures of run and log on all cells in contact in either, kPa.
fn cells(loaded: &[&Pair<'_>], threshold_pa: f64, mean_peak_kpa: f64) -> Maps {
    let (mut run, mut log) = (Vec::new(), Vec::new());
    for pair in loaded {
        let (mut a, mut b) = (
            pair.run.cells.iter().peekable(),
            pair.log.cells.iter().peekable(),
        );
        // Both lists rise: walk them together.
        while let Some(cell) = [a.peek().map(|c| c.0), b.peek().map(|c| c.0)]
            .into_iter()
            .flatten()
            .min()
        {
            let take = |list: &mut std::iter::Peekable<std::slice::Iter<'_, (u32, f32)>>| {
                list.next_if(|c| c.0 == cell)
                    .map_or(0.0, |c| f64::from(c.1))
            };
            let (r, l) = (take(&mut a), take(&mut b));
            if r.max(l) >= threshold_pa {
                run.push(1e-3 * r);
                log.push(1e-3 * l);
            }
        }
    }
    let errors = Errors::of(&run, &log);
    Maps {
        samples: run.len(),
        bias_kpa: errors.bias,
        rms_kpa: errors.rms,
        rms_share_of_peak: if mean_peak_kpa > 0.0 {
            errors.rms / mean_peak_kpa
        } else {
            0.0
        },
        correlation: errors.correlation,
        gain: errors.gain,
        rms_without_gain_kpa: errors.rms_without_gain,
    }
}

/// Centre of pressure, m; `None` without contact.
pub fn centre_m(grid: &Grid, frame: &MapFrame, threshold_pa: f64) -> Option<[f64; 2]> {
    let (mut sum, mut moment) = (0.0, [0.0; 2]);
    for (cell, p) in in_contact(frame, threshold_pa) {
        let at = grid.centre_m(cell);
        sum += p;
        moment = [0, 1].map(|i| moment[i] + p * at[i]);
    }
    (sum * grid.cell_m2() >= LOADED_N).then(|| moment.map(|m| m / sum))
}

fn centres(grid: &Grid, loaded: &[&Pair<'_>], threshold_pa: f64) -> Option<Centre> {
    let errors: Vec<[f64; 2]> = loaded
        .iter()
        .filter_map(|p| {
            let (run, log) = (
                centre_m(grid, p.run, threshold_pa)?,
                centre_m(grid, p.log, threshold_pa)?,
            );
            Some([0, 1].map(|i| 1e3 * (run[i] - log[i])))
        })
        .collect();
    let n = errors.len() as f64;
    let distances = || errors.iter().map(|e| e[0].hypot(e[1]));
    (!errors.is_empty()).then(|| Centre {
        frames: errors.len(),
        bias_mm: [0, 1].map(|i| errors.iter().map(|e| e[i]).sum::<f64>() / n),
        rms_mm: (distances().map(|d| d * d).sum::<f64>() / n).sqrt(),
        worst_mm: distances().fold(0.0, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, cells of 10 mm: run 10 and 20 N on cells 0 and 1 (100 and 200 kPa), log 15 N on 1 and 5 N on 2.
    #[test]
    fn val_figures_of_one_frame() {
        let grid = Grid {
            rows: 1,
            columns: 3,
            first_m: [0.0; 2],
            pitch_m: [0.01; 2],
        };
        let frame = |cells: &[(u32, f32)]| MapFrame {
            t_s: 0.0,
            cells: cells.to_vec(),
        };
        let (run, log) = (frame(&[(0, 1e5), (1, 2e5)]), frame(&[(1, 1.5e5), (2, 5e4)]));
        let a = maps_agree(
            &grid,
            &[Pair {
                run: &run,
                log: &log,
            }],
            6e4,
        );
        let near =
            |value: f64, wanted: f64| assert!((value - wanted).abs() < 1e-9, "{value} {wanted}");
        near(a.force.bias_n, 10.0);
        near(a.force.gain.unwrap(), 20.0 / 30.0);
        near(a.peak.bias_kpa, 50.0);
        near(a.area.bias_cm2, 1.0); // two cells against one: 50 kPa is below the threshold
        // Cells 0 and 1 count: errors 100 and 50 kPa.
        assert_eq!(a.map.samples, 2);
        near(
            a.map.rms_kpa,
            (0.5f64 * (100.0 * 100.0 + 50.0 * 50.0)).sqrt(),
        );
        // Centres at 20/30 and 1 of a cell.
        let centre = a.centre.unwrap();
        near(centre.bias_mm[0], 10.0 * (2.0 / 3.0 - 1.0));
        near(centre.rms_mm, 10.0 / 3.0);
    }
}
