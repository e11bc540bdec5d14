//! Finds the depth of every cell.

use crate::cast::Stage;
use crate::moments::in_band;
use crate::response::{CONTACT_N, Curve, DEEPEST_M, FIRST_M};
use crate::tuned::{Binding, CapCell, Cell, RETRACTED_M};
use back::Zone;
use program::Technique;

/// Fine search step over the depth, m.
const SEARCH_STEP_M: f64 = 0.0005;

/// What a technique keeps clear of the caps by, beside the study's margin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clearance {
    /// A keep-out must hold this much deeper, m: it begins suddenly, a share of its pressure is no margin.
    keep_out_m: f64,
    /// Standard deviations above the mean over the class that force, pressure and rate must hold for: bodies that nobody
    /// drew are stranger than the strangest that was, see [`tolerance_sds`].
    press_sds: f64,
}

/// Standard deviations for keep-outs.
const KEEP_OUT_SDS: f64 = 3.0;

/// Normal quantile of the share of a class that must stay under `1 - cap_margin`: 0.9997 (estimate).
const SHARE_Z: f64 = 3.4316;
/// Normal quantile of how sure that is, given the bodies drawn: 95 %, one-sided.
const SURE_Z: f64 = 1.6449;
/// A class of fewer bodies is for trying things out. It takes the factor of this many, since its own leaves no depth at all.
const FEW_BODIES: usize = 16;

/// Standard deviations above the mean that bound a share of a class, when mean and deviation are themselves from `bodies`
/// bodies: the one-sided tolerance factor of the normal distribution, within 1 % (Natrella 1963). More bodies need less.
fn tolerance_sds(bodies: usize) -> f64 {
    let n = bodies.max(FEW_BODIES) as f64;
    let a = 1.0 - SURE_Z * SURE_Z / (2.0 * (n - 1.0));
    let b = SHARE_Z * SHARE_Z - SURE_Z * SURE_Z / n;
    (SHARE_Z + (SHARE_Z * SHARE_Z - a * b).sqrt()) / a
}

/// How much deeper still nothing may touch where no node may press, m (E). A kneading node sweeps towards the midline and over the
/// shoulder blade's edge, so that small differences between bodies matter more than for one that stands still.
pub(crate) fn keep_out_m(technique: Technique) -> f64 {
    match technique {
        Technique::Knead => 0.012,
        Technique::Press | Technique::Roll => 0.006,
    }
}

impl Clearance {
    /// For a technique tuned on so many bodies.
    pub fn of(technique: Technique, bodies: usize) -> Clearance {
        Clearance {
            keep_out_m: keep_out_m(technique),
            press_sds: tolerance_sds(bodies),
        }
    }

    /// None: one body is taken as it is.
    const NONE: Clearance = Clearance {
        keep_out_m: 0.0,
        press_sds: 0.0,
    };
}

/// The responses of the bodies of one class, one technique, one station.
pub(crate) type Column<'a> = Vec<(usize, &'a Curve)>;

/// Share of all samples, felt or not, that are inside a band, over bodies; `None` where nothing is felt.
fn served(column: &Column<'_>, depth_m: f64, band: [f64; 2]) -> Option<f64> {
    let (inside, felt) = count(column, depth_m, band);
    let all: usize = column.iter().map(|(_, c)| c.feels(depth_m).count()).sum();
    (felt > 0).then(|| inside as f64 / all as f64)
}

/// Contact samples inside a band, and all of them.
pub(crate) fn count(column: &Column<'_>, depth_m: f64, band: [f64; 2]) -> (usize, usize) {
    let (mut inside, mut all) = (0, 0);
    for (_, curve) in column {
        let samples = curve.feels(depth_m);
        for good in samples.filter_map(|f| in_band(f.force_n, f.fraction, band)) {
            all += 1;
            inside += usize::from(good);
        }
    }
    (inside, all)
}

/// Value over cap of the worst body.
pub(crate) fn worst(column: &Column<'_>, depth_m: f64) -> (f64, usize) {
    let mut worst = (0.0, 0);
    for (body, curve) in column {
        let load = curve.load(depth_m);
        if load > worst.0 {
            worst = (load, *body);
        }
    }
    worst
}

/// Tunes one cell: the depth with the highest band share over the class among those that leave the margin to
/// every cap on every body; among equals the middle of the plateau.
///
/// `beside` holds the same bodies half a step above and below: between stations the depth is interpolated, and the caps hold
/// there too.
pub(crate) fn tune_cell(
    stage: &Stage<'_>,
    technique: Technique,
    column: &Column<'_>,
    beside: &[Column<'_>; 2],
    asked: [f64; 2],
) -> Cell {
    let clearance = Clearance::of(technique, column.len());
    let allowed = 1.0 - stage.study.cap_margin;
    let (band, cap_limited) = band_under_cap(column, asked);
    let beside = beside
        .iter()
        .filter(|c| !c.is_empty())
        .map(|c| deepest(c, allowed, clearance));
    let limit_m = beside.fold(deepest(column, allowed, clearance), |a, b| {
        a.zip(b).map(|(a, b)| a.min(b))
    });
    let best = limit_m.and_then(|limit_m| best_depth(column, limit_m, band));
    let Some((depth_m, best_share)) = best else {
        let (load, body) = limit_m.map_or((f64::INFINITY, 0), |m| worst(column, m + SEARCH_STEP_M));
        let bound = column
            .iter()
            .find(|(b, _)| *b == body)
            .and_then(|(_, c)| c.bound(limit_m.unwrap_or(0.0) + SEARCH_STEP_M));
        return Cell {
            depth_m: RETRACTED_M,
            cap_limited,
            infeasible: true,
            band,
            force_n: 0.0,
            current_a: 0.0,
            share: 0.0,
            load: if load.is_finite() { load } else { 0.0 },
            binding: bound.map(|(limit, zone)| Binding { body, limit, zone }),
        };
    };
    let (load, body) = worst(column, depth_m);
    let bound = column
        .iter()
        .find(|(b, _)| *b == body)
        .and_then(|(_, c)| c.bound(depth_m));
    let forces: Vec<f64> = column
        .iter()
        .map(|(_, c)| c.feels(depth_m).map(|f| f.force_n).fold(0.0, f64::max))
        .collect();
    let force_n = median(forces);
    let motor = &stage.study.scene.mechanism.motors.protrude;
    let torque = 4.0 * force_n * motor.joint_per_rad() / motor.efficiency + motor.friction_nm;
    Cell {
        depth_m,
        cap_limited,
        infeasible: false,
        band,
        force_n,
        current_a: torque / motor.torque_constant_nm_a(),
        share: best_share,
        load,
        binding: bound.map(|(limit, zone)| Binding { body, limit, zone }),
    }
}

/// A band whose upper edge lies over the cap is moved down until it is the cap. The cap as a fraction of the pain
/// pressure is the median over bodies of what the most pressed node does where the body meets its first cap, whichever
/// that is: force, pressure, keep-out or rate.
fn band_under_cap(column: &Column<'_>, asked: [f64; 2]) -> ([f64; 2], bool) {
    let caps: Vec<f64> = column
        .iter()
        .map(|(_, curve)| {
            let depth_m = grid(curve.last_m())
                .take_while(|m| curve.load(*m) <= 1.0)
                .last()
                .unwrap_or(FIRST_M);
            let capped = curve.load(depth_m + SEARCH_STEP_M) > 1.0;
            if capped {
                curve.feels(depth_m).map(|f| f.fraction).fold(0.0, f64::max)
            } else {
                f64::INFINITY
            }
        })
        .collect();
    let cap = median(caps);
    let over = asked[1] - cap;
    if over > 0.0 {
        ([(asked[0] - over).max(0.0), cap], true)
    } else {
        (asked, false)
    }
}

/// Largest depth at which the worst body's load is at most `allowed`; `None` if even the first is too deep.
pub(crate) fn deepest(column: &Column<'_>, allowed: f64, clearance: Clearance) -> Option<f64> {
    let mut last = None;
    for m in grid(DEEPEST_M) {
        let keep_out = tail(column, KEEP_OUT_SDS, |c| {
            c.keep_out(m + clearance.keep_out_m)
        });
        if tail(column, clearance.press_sds, |c| c.press(m)) > allowed || keep_out > 1.0 {
            break;
        }
        last = Some(m);
    }
    last
}

/// The depth that serves one body best within its caps.
pub(crate) fn best_for(column: &Column<'_>, band: [f64; 2]) -> Option<f64> {
    let limit_m = deepest(column, 1.0, Clearance::NONE)?;
    best_depth(column, limit_m, band).map(|(m, _)| m)
}

/// What nearly every body of the class stays under: the worst of those drawn, or mean plus `sds` standard deviations if
/// that is more. One body alone is taken as it is.
fn tail(column: &Column<'_>, sds: f64, load: impl Fn(&Curve) -> f64) -> f64 {
    let loads: Vec<f64> = column.iter().map(|(_, c)| load(c)).collect();
    let n = loads.len() as f64;
    let worst = loads.iter().copied().fold(0.0, f64::max);
    if loads.len() < 2 {
        return worst;
    }
    let mean = loads.iter().sum::<f64>() / n;
    let sd = (loads.iter().map(|l| (l - mean) * (l - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    worst.max(mean + sds * sd)
}

/// The depth and its share of all samples. One that is not felt counts as missed: else the shallowest depth, at which few
/// nodes touch and those that do are in the band, would win, and most of the class would feel nothing.
fn best_depth(column: &Column<'_>, limit_m: f64, band: [f64; 2]) -> Option<(f64, f64)> {
    let shares: Vec<(f64, f64)> = grid(limit_m)
        .filter_map(|m| served(column, m, band).map(|s| (m, s)))
        .collect();
    let top = shares.iter().map(|(_, s)| *s).fold(0.0, f64::max);
    if top <= 0.0 {
        // Out of reach of the band within the caps: as near to it as is allowed, if it is felt at all.
        return shares.last().copied();
    }
    let plateau: Vec<f64> = shares
        .iter()
        .filter(|(_, s)| *s >= top - 1e-9)
        .map(|(m, _)| *m)
        .collect();
    Some((plateau[plateau.len() / 2], top))
}

/// Depths to look at, m from touch.
pub(crate) fn grid(limit_m: f64) -> impl Iterator<Item = f64> {
    (0..=((limit_m - FIRST_M) / SEARCH_STEP_M + 1e-6) as usize)
        .map(|i| FIRST_M + i as f64 * SEARCH_STEP_M)
}

/// Caps of one class at one station: what the technique that may go deepest there may do. A technique's own limit is in
/// its map; the cap is the last line behind all of them.
pub(crate) fn cap_cell(stage: &Stage<'_>, columns: &[Column<'_>], beside: Option<Zone>) -> CapCell {
    let max_depth_m = columns
        .iter()
        .filter_map(|c| deepest(c, 1.0, Clearance::NONE))
        .fold(RETRACTED_M, f64::max);
    let feels = || {
        columns
            .iter()
            .flatten()
            .flat_map(|(_, c)| c.feels(max_depth_m))
    };
    let touched = feels().filter(|f| f.force_n > CONTACT_N).map(|f| f.zone);
    let strictest = |a: &Zone, b: &Zone| {
        stage
            .envelope
            .force_cap_n(*a, 1e-3)
            .total_cmp(&stage.envelope.force_cap_n(*b, 1e-3))
    };
    CapCell {
        zone: touched.min_by(strictest).or(beside).unwrap_or(Zone::LP),
        max_depth_m,
        max_force_n: feels().map(|f| f.cap_n).fold(0.0, f64::max),
        max_dwell_s: stage.envelope.stay_cap_s(),
        max_tap_hz: 0.0,
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        _ if n % 2 == 1 => values[n / 2],
        _ => 0.5 * (values[n / 2 - 1] + values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of the noncentral t distribution, drawn 400 000 times (share 0.9997, sure 0.95): 5.02, 4.62, 4.41 and 4.07 for 16, 24,
    /// 32 and 64 bodies; without end the normal quantile itself.
    #[test]
    fn val_tolerance_factor_is_that_of_the_noncentral_t() {
        for (bodies, sds) in [(16, 5.02), (24, 4.62), (32, 4.41), (64, 4.07)] {
            let off = tolerance_sds(bodies) / sds - 1.0;
            assert!(off.abs() < 0.01, "{bodies}: {off}");
        }
        assert!((tolerance_sds(1_000_000_000) - SHARE_Z).abs() < 1e-3);
        assert_eq!(tolerance_sds(2), tolerance_sds(FEW_BODIES));
    }
}
