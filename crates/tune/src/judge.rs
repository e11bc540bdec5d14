//! Judges a tuned result on bodies it has not seen, beside constant depth and beside an oracle.

use crate::cast::{Player, Stage};
use crate::held_out::bound_95;
use crate::moments::in_band;
use crate::response::{Bound, CONTACT_N, Curve, Feel, feel};
use crate::tuned::Cell;
use crate::tuner::{Column, best_for};
use back::Zone;
use program::Technique;
use serde::{Deserialize, Serialize};
use sim::Rest;

/// How a result does on held-out bodies.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Judgement {
    /// Bodies.
    pub bodies: usize,
    /// Share of effective contact inside the band, tuned.
    pub band_share: f64,
    /// The same with the depth of every cell tuned to each body alone, within its caps.
    pub band_share_oracle: f64,
    /// The same with one constant depth per level.
    pub band_share_constant_depth: f64,
    /// (body, technique, station, level) in which a cap is passed.
    pub cap_violations: u64,
    /// How many were looked at.
    pub cap_checks: u64,
    /// The share of bodies that may have one, given those among `bodies` that do: exact binomial, one-sided, 95 %.
    pub cap_bound_95: f64,
    /// The worst: value over cap, where.
    pub worst: Option<Worst>,
    /// Every cell in which a cap is passed.
    pub violations: Vec<Worst>,
    /// Mean of the worst tenth of value over cap.
    pub cvar90_load: f64,
    /// Share of (body, technique, station, level) in which a node is felt at half the band or more.
    pub coverage: f64,
    /// Tuned cells whose band was moved down to the cap.
    pub cap_limited: u64,
    /// Tuned cells without a depth.
    pub infeasible: u64,
    /// Share of contact above the body's own pain threshold.
    pub pain_share: f64,
    /// By technique, class and level.
    pub shares: Vec<Share>,
    /// Pressure fraction of the median, 10th and 90th percentile body, by technique, level and station (all classes).
    pub profiles: Vec<Profile>,
}

/// One figure of the bar chart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Share {
    /// Technique.
    pub technique: Technique,
    /// Class.
    pub class: usize,
    /// Level, 1 to 5.
    pub level: u8,
    /// Tuned.
    pub tuned: f64,
    /// One constant depth.
    pub constant: f64,
    /// Each body alone.
    pub oracle: f64,
}

/// Spread of pressure over bodies at one station.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// Technique.
    pub technique: Technique,
    /// Level, 1 to 5.
    pub level: u8,
    /// Station.
    pub u: f64,
    /// 10th, 50th and 90th percentile of pressure over the median pain pressure.
    pub tuned: [f64; 3],
    /// The same with constant depth.
    pub constant: [f64; 3],
}

/// The nearest call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Worst {
    /// Value over cap.
    pub load: f64,
    /// Which limit.
    pub limit: Bound,
    /// Where.
    pub zone: Zone,
    /// Which class.
    pub class: usize,
    /// Technique.
    pub technique: Technique,
    /// Station.
    pub u: f64,
    /// Level, 1 to 5.
    pub level: u8,
}

/// What one held-out body contributes.
pub(crate) struct Verdict {
    class: usize,
    /// `[technique][level]`: inside and all, for tuned, constant, oracle.
    counts: Vec<[[(u64, u64); 3]; 5]>,
    covered: u64,
    cells: u64,
    loads: Vec<f64>,
    violations: Vec<Worst>,
    worst: Option<Worst>,
    pain: (u64, u64),
    /// `[technique][level][station]`: tuned and constant fraction of the most pressed node.
    fractions: Vec<[f64; 2]>,
}

/// Looks at one body: every cell by its exact balance at the tuned depth, constant and oracle on its curves.
pub(crate) fn judge(
    stage: &Stage<'_>,
    player: &Player,
    curves: &[Vec<Curve>],
    cells: &dyn Fn(usize, usize, usize) -> Cell,
    constant_m: &[f64; 5],
) -> Verdict {
    let study = stage.study;
    let stations = study.stations.all_u();
    let mut verdict = Verdict {
        class: player.class,
        counts: vec![[[(0, 0); 3]; 5]; study.techniques.len()],
        covered: 0,
        cells: 0,
        loads: Vec::new(),
        violations: Vec::new(),
        worst: None,
        pain: (0, 0),
        fractions: Vec::new(),
    };
    for (t, technique) in study.techniques.iter().enumerate() {
        for (level, constant_m) in constant_m.iter().enumerate() {
            let mut start = Rest::default();
            for (s, u) in stations.iter().enumerate() {
                let cell = cells(t, s, level);
                let curve = &curves[t][s];
                let sample = feel(stage, player, *technique, *u, cell.depth_m, &mut start);
                let alone: Column<'_> = vec![(0, curve)];
                let oracle_m = best_for(&alone, cell.band);
                let feels: [Vec<Feel>; 3] = [
                    sample.feels.clone(),
                    curve.feels(*constant_m).collect(),
                    oracle_m.map_or(Vec::new(), |m| curve.feels(m).collect()),
                ];
                for (count, feels) in verdict.counts[t][level].iter_mut().zip(&feels) {
                    let samples = feels.iter();
                    for good in samples.filter_map(|f| in_band(f.force_n, f.fraction, cell.band)) {
                        count.1 += 1;
                        count.0 += u64::from(good);
                    }
                }
                for f in feels[0].iter().filter(|f| f.force_n > CONTACT_N) {
                    verdict.pain.1 += 1;
                    verdict.pain.0 += u64::from(f.own_fraction > 1.0);
                }
                let most = |feels: &[Feel]| feels.iter().map(|f| f.fraction).fold(0.0, f64::max);
                let felt = feels[0]
                    .iter()
                    .any(|f| f.force_n > CONTACT_N && f.fraction >= 0.5 * cell.band[0]);
                verdict.cells += 1;
                verdict.covered += u64::from(felt);
                verdict.fractions.push([most(&feels[0]), most(&feels[1])]);
                verdict.loads.push(sample.load);
                if let Some((limit, zone)) = sample.bound {
                    let here = Worst {
                        load: sample.load,
                        limit,
                        zone,
                        class: player.class,
                        technique: *technique,
                        u: *u,
                        level: level as u8 + 1,
                    };
                    if sample.load > 1.0 {
                        verdict.violations.push(here.clone());
                    }
                    if verdict.worst.as_ref().is_none_or(|w| sample.load > w.load) {
                        verdict.worst = Some(here);
                    }
                }
            }
        }
    }
    verdict
}

/// Adds the verdicts up, in the order of the bodies.
pub(crate) fn sum(stage: &Stage<'_>, verdicts: &[Verdict], cells: &[Cell]) -> Judgement {
    let study = stage.study;
    let techniques = &study.techniques;
    let ratio = |(inside, all): (u64, u64)| {
        if all > 0 {
            inside as f64 / all as f64
        } else {
            0.0
        }
    };
    let total = |which: usize, keep: &dyn Fn(usize, usize, usize) -> bool| {
        let mut sum = (0, 0);
        for v in verdicts {
            for (t, levels) in v.counts.iter().enumerate() {
                for (level, count) in levels.iter().enumerate() {
                    if keep(t, v.class, level) {
                        sum.0 += count[which].0;
                        sum.1 += count[which].1;
                    }
                }
            }
        }
        ratio(sum)
    };
    let mut shares = Vec::new();
    for (t, technique) in techniques.iter().enumerate() {
        for class in 0..study.classes.len() {
            for level in 0..5 {
                let figure = |which| total(which, &|a, b, c| (a, b, c) == (t, class, level));
                shares.push(Share {
                    technique: *technique,
                    class,
                    level: level as u8 + 1,
                    tuned: figure(0),
                    constant: figure(1),
                    oracle: figure(2),
                });
            }
        }
    }
    let mut loads: Vec<f64> = verdicts
        .iter()
        .flat_map(|v| v.loads.iter().copied())
        .collect();
    loads.sort_by(f64::total_cmp);
    let tail = &loads[loads.len() - loads.len().div_ceil(10)..];
    let bodies = verdicts.len();
    let worst = verdicts
        .iter()
        .filter_map(|v| v.worst.clone())
        .reduce(|a, b| if b.load > a.load { b } else { a });
    let pain = verdicts
        .iter()
        .fold((0, 0), |s, v| (s.0 + v.pain.0, s.1 + v.pain.1));
    Judgement {
        bodies,
        band_share: total(0, &|_, _, _| true),
        band_share_constant_depth: total(1, &|_, _, _| true),
        band_share_oracle: total(2, &|_, _, _| true),
        cap_violations: verdicts.iter().map(|v| v.violations.len() as u64).sum(),
        violations: verdicts
            .iter()
            .flat_map(|v| v.violations.iter().cloned())
            .collect(),
        cap_checks: verdicts.iter().map(|v| v.cells).sum(),
        cap_bound_95: bound_95(
            verdicts.iter().filter(|v| !v.violations.is_empty()).count(),
            bodies,
        ),
        worst,
        cvar90_load: tail.iter().sum::<f64>() / tail.len().max(1) as f64,
        coverage: ratio(
            verdicts
                .iter()
                .fold((0, 0), |s, v| (s.0 + v.covered, s.1 + v.cells)),
        ),
        cap_limited: cells.iter().filter(|c| c.cap_limited).count() as u64,
        infeasible: cells.iter().filter(|c| c.infeasible).count() as u64,
        pain_share: ratio(pain),
        shares,
        profiles: profiles(stage, verdicts),
    }
}

fn profiles(stage: &Stage<'_>, verdicts: &[Verdict]) -> Vec<Profile> {
    let stations = stage.study.stations.all_u();
    let mut out = Vec::new();
    for (t, technique) in stage.study.techniques.iter().enumerate() {
        for level in 0..5 {
            for (s, u) in stations.iter().enumerate() {
                let i = (t * 5 + level) * stations.len() + s;
                let spread = |which: usize| {
                    let mut values: Vec<f64> =
                        verdicts.iter().map(|v| v.fractions[i][which]).collect();
                    values.sort_by(f64::total_cmp);
                    [0.1, 0.5, 0.9]
                        .map(|q| values[((values.len() - 1) as f64 * q).round() as usize])
                };
                out.push(Profile {
                    technique: *technique,
                    level: level as u8 + 1,
                    u: *u,
                    tuned: spread(0),
                    constant: spread(1),
                });
            }
        }
    }
    out
}
