//! How close what was felt is to what a technique asks.

use back::Limits;
use program::{Manner, Path, Phase, Session};
use serde::Serialize;
use sim::{HandRow, RigTrace, Trace};

/// One contact at one moment: a node, the nodes of a side that stand for a large hand, or a hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Felt {
    /// Time, s.
    pub t_s: f64,
    /// Part of the session, from 0.
    pub part: usize,
    /// Which contact: one number for each of the machine's, or of the two hands.
    pub contact: usize,
    /// Left or right of the spine.
    pub left: bool,
    /// Normal force, N.
    pub force_n: f64,
    /// Contact area, m².
    pub area_m2: f64,
    /// Shear force, N.
    pub shear_n: f64,
    /// Mean pressure over the median pain pressure for that area.
    pub fraction: f64,
    /// Station.
    pub u: f64,
    /// From the midline, m.
    pub x_m: f64,
    /// The technique is at work: neither on its way nor pressing in or letting go.
    pub working: bool,
}

/// Everything felt in a run of a planned session; rows of steps that were written by hand are left out.
pub fn felt_in(trace: &Trace, session: &Session) -> Vec<Felt> {
    let mut all = Vec::new();
    for row in &trace.rows {
        let part = session
            .steps
            .get(row.step)
            .and_then(|s| s.pace)
            .map(|p| p.part);
        let Some((part, manner)) = part.and_then(|p| Some((p, &session.parts.get(p)?.manner)))
        else {
            continue;
        };
        let one = |contact: usize, nodes: &[usize]| {
            let force_n: f64 = nodes.iter().map(|i| row.force_n[*i]).sum();
            // Where the weight lies.
            let mean = |of: &dyn Fn(usize) -> f64| {
                let weighed: f64 = nodes.iter().map(|i| row.force_n[*i] * of(*i)).sum();
                if force_n > 0.0 {
                    weighed / force_n
                } else {
                    nodes.iter().map(|i| of(*i)).sum::<f64>() / nodes.len() as f64
                }
            };
            Felt {
                t_s: row.t_s,
                part,
                contact,
                left: nodes[0] < 2,
                force_n,
                area_m2: nodes.iter().map(|i| row.area_m2[*i]).sum(),
                shear_n: nodes
                    .iter()
                    .map(|i| row.shear_down_n[*i].hypot(row.shear_right_n[*i]))
                    .sum(),
                fraction: nodes.iter().map(|i| row.fraction[*i]).fold(0.0, f64::max),
                u: mean(&|i| row.u[i]),
                x_m: mean(&|i| row.x_m[i]),
                working: row.phase == Phase::Contact,
            }
        };
        if manner.takes_both_nodes() {
            all.extend([one(0, &[0, 1]), one(1, &[2, 3])]);
        } else {
            all.extend((0..4).map(|i| one(i, &[i])));
        }
    }
    all
}

/// What a hand did, on both sides alike.
pub fn felt_of_hand(rows: &[HandRow], part: usize) -> Vec<Felt> {
    let one = |row: &HandRow, left: bool| Felt {
        t_s: row.t_s,
        part,
        contact: usize::from(!left),
        left,
        force_n: row.contact.force_n,
        area_m2: row.contact.area_m2,
        shear_n: row.contact.shear_n[0].hypot(row.contact.shear_n[1]),
        fraction: row.fraction,
        u: row.contact.u,
        x_m: if left {
            -row.contact.x_m
        } else {
            row.contact.x_m
        },
        working: row.working,
    };
    rows.iter()
        .flat_map(|row| [one(row, true), one(row, false)])
        .collect()
}

/// What the nodes of a rig did: at work from `from_s` on.
pub fn felt_of_rig(trace: &RigTrace, from_s: f64) -> Vec<Felt> {
    let Some(t_s) = trace.column("t_s") else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (node, name) in trace.node_names.iter().enumerate() {
        let column = |what: &str| trace.column(&format!("{name}_{what}")).unwrap_or_default();
        let [force_n, area_m2, fraction, u, x_m, down_n, right_n] = [
            "force_n",
            "area_m2",
            "pain_fraction",
            "u",
            "x_m",
            "shear_down_n",
            "shear_right_n",
        ]
        .map(column);
        let columns = [&area_m2, &fraction, &u, &x_m, &down_n, &right_n];
        if columns.iter().any(|c| c.len() != t_s.len()) {
            continue;
        }
        all.extend(t_s.iter().enumerate().map(|(i, t_s)| Felt {
            t_s: *t_s,
            part: 0,
            contact: node,
            left: x_m[i] < 0.0,
            force_n: force_n[i],
            area_m2: area_m2[i],
            shear_n: down_n[i].hypot(right_n[i]),
            fraction: fraction[i],
            u: u[i],
            x_m: x_m[i],
            working: *t_s >= from_s,
        }));
    }
    all
}

/// One thing that a technique asks for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// What.
    pub what: &'static str,
    /// Its unit; `1` for a plain number.
    pub unit: &'static str,
    /// Least and most that is asked for; none where the figure is told and not judged.
    pub asked: Option<[f64; 2]>,
    /// What was measured.
    pub measured: f64,
    /// 1 where it is as asked, less the farther it is off; none where it is not judged.
    pub closeness: Option<f64>,
    /// What it counts in the whole (E).
    pub weight: f64,
}

/// How close one part of a session came.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Part of the session, from 0.
    pub part: usize,
    /// The technique.
    pub technique: String,
    /// Mean of the closenesses, by weight; 0 where nothing was felt.
    pub closeness: f64,
    /// Point by point.
    pub points: Vec<Point>,
}

impl Score {
    /// A point by its name.
    pub fn get(&self, what: &str) -> Option<&Point> {
        self.points.iter().find(|p| p.what == what)
    }
}

/// Less force than this is no contact, N.
const TOUCH_N: f64 = 1.0;
/// Edge of a place along the spine, m.
const PLACE_M: f64 = 0.010;
/// Dose of a place, of the mean over all, that covers it.
const COVERED: f64 = 0.5;
/// Spread of the dose over places, and left against right, that is as good as none (E).
const EVEN: f64 = 0.35;
const ALIKE: f64 = 0.15;

/// Scores one part. `length_m` is the back's from station 0 to 1, `ends_u` the stretch that was asked for.
///
/// Bands count in ratios: half or twice of what was asked for is 0.5. Force and pressure count sample by sample over the time at work, contact lost included, so a
/// force that swings through the band is not taken for one that stays in it. All weights and edges are estimates.
pub fn score(
    felt: &[Felt],
    part: usize,
    manner: &Manner,
    ends_u: [f64; 2],
    length_m: f64,
) -> Score {
    let rows: Vec<&Felt> = felt.iter().filter(|f| f.part == part).collect();
    let contacts = rows.iter().map(|f| f.contact + 1).max().unwrap_or(0);
    let tracks: Vec<Vec<&Felt>> = (0..contacts)
        .map(|c| rows.iter().copied().filter(|f| f.contact == c).collect())
        .collect();
    let strokes: Vec<&[&Felt]> = tracks.iter().flat_map(|track| at_work(track)).collect();
    let mut points = Vec::new();
    let mut point = |what, unit, asked, measured: f64, closeness: Option<f64>, weight| {
        points.push(Point {
            what,
            unit,
            asked,
            measured,
            closeness,
            weight,
        });
    };
    let work = || strokes.iter().flat_map(|s| s.iter());
    let touching = || work().filter(|f| f.force_n > TOUCH_N);
    let nothing = touching().next().is_none();

    let beats = manner.leaves_skin();
    let forces: Vec<f64> = if beats {
        strokes.iter().flat_map(|s| peaks(s)).collect()
    } else {
        work().map(|f| f.force_n).collect()
    };
    let mean_n = mean(forces.iter().copied());
    point(
        "force",
        "N",
        Some(manner.force_n),
        mean_n,
        Some(mean(forces.iter().map(|n| near(*n, manner.force_n)))),
        0.5,
    );
    let in_band = forces
        .iter()
        .filter(|n| (manner.force_n[0]..=manner.force_n[1]).contains(n));
    point(
        "band_share",
        "1",
        None,
        in_band.count() as f64 / forces.len().max(1) as f64,
        None,
        0.0,
    );
    let pressures: Vec<f64> = touching()
        .filter(|f| f.area_m2 > 0.0)
        .map(|f| f.force_n / f.area_m2)
        .collect();
    point(
        "pressure",
        "Pa",
        Some(manner.pressure_pa),
        mean(pressures.iter().copied()),
        Some(mean(pressures.iter().map(|p| near(*p, manner.pressure_pa)))),
        0.5,
    );
    if let Some(swing_n) = manner.swing_n {
        let swing = median(strokes.iter().map(|s| half_spread(s, |f| f.force_n)));
        point(
            "swing",
            "N",
            Some(swing_n),
            swing,
            Some(near(swing, swing_n)),
            0.3,
        );
    }
    if let Some(rate_hz) = manner.rate_hz {
        let signal: fn(&Felt) -> f64 = match manner.path {
            Path::Beat => |f| f.force_n,
            _ => |f| f.x_m,
        };
        let rate = median(strokes.iter().filter_map(|s| rate_of(s, signal)));
        point(
            "rate",
            "Hz",
            Some(rate_hz),
            rate,
            Some(near(rate, rate_hz)),
            0.3,
        );
    }
    if let (Some(amplitude_m), Path::Circle | Path::Across) = (manner.amplitude_m, manner.path) {
        let is = median(strokes.iter().map(|s| half_spread(s, |f| f.x_m)));
        point(
            "amplitude",
            "m",
            Some(amplitude_m),
            is,
            Some(near(is, amplitude_m)),
            0.2,
        );
    }
    if let Some(speed_m_s) = manner.speed_m_s {
        let speeds = strokes.iter().flat_map(|s| {
            s.windows(2).map(|w| {
                let dt_s = (w[1].t_s - w[0].t_s).max(1e-9);
                (w[1].u - w[0].u).abs() * length_m / dt_s
            })
        });
        let speed = median(speeds);
        point(
            "speed",
            "m/s",
            Some(speed_m_s),
            speed,
            Some(near(speed, speed_m_s)),
            0.3,
        );
    }
    if let Some(hold_s) = manner.hold_s {
        let held = median(strokes.iter().map(|s| stay_s(s, beats)));
        point(
            "hold",
            "s",
            Some(hold_s),
            held,
            Some(near(held, hold_s)),
            0.3,
        );
    }
    if let Some(drag_n) = manner.drag_n {
        let drag = mean(touching().map(|f| f.shear_n));
        point(
            "drag",
            "N",
            Some(drag_n),
            drag,
            Some(near(drag, drag_n)),
            0.2,
        );
    }
    let doses = doses_n_s(&strokes, ends_u, length_m);
    let places: Vec<f64> = doses[0].iter().zip(&doses[1]).map(|(l, r)| l + r).collect();
    let even = mean(places.iter().copied());
    let covered = places
        .iter()
        .filter(|d| **d >= COVERED * even && even > 0.0);
    let coverage = covered.count() as f64 / places.len().max(1) as f64;
    point(
        "coverage",
        "1",
        Some([0.9, 1.0]),
        coverage,
        Some(near(coverage, [0.9, 1.0])),
        0.5,
    );
    let variance = mean(places.iter().map(|d| (d - even).powi(2)));
    let spread = if even > 0.0 {
        variance.sqrt() / even
    } else {
        f64::INFINITY
    };
    point(
        "unevenness",
        "1",
        Some([0.0, EVEN]),
        spread,
        Some(below(spread, EVEN)),
        0.3,
    );
    let sides = doses.each_ref().map(|d| d.iter().sum::<f64>());
    let unlike = if sides[0] + sides[1] > 0.0 {
        2.0 * (sides[0] - sides[1]).abs() / (sides[0] + sides[1])
    } else {
        f64::INFINITY
    };
    point(
        "asymmetry",
        "1",
        Some([0.0, ALIKE]),
        unlike,
        Some(below(unlike, ALIKE)),
        0.2,
    );
    let dose_pa_s = mean(touching().map(|f| f.force_n / f.area_m2.max(1e-9)))
        * touching().count() as f64
        * step_s(&rows)
        / contacts.max(1) as f64;
    // The technique's pressure all the time that it is at work. Made of pressure and contact, which count already, so it counts nothing more. How
    // long of a beat the skin is touched no technique says.
    let work_s = work().count() as f64 * step_s(&rows) / contacts.max(1) as f64;
    let asked_pa_s = (!beats).then(|| manner.pressure_pa.map(|pa| pa * work_s));
    point(
        "dose",
        "Pa s",
        asked_pa_s,
        dose_pa_s,
        asked_pa_s.map(|asked| near(dose_pa_s, asked)),
        0.0,
    );
    // Where work is deep, and how long it may stay so.
    let (deep, stay_s) = Limits::builtin().dwell[0];
    let dwell_s = strokes
        .iter()
        .map(|s| longest_s(s, |f| f.fraction > deep))
        .fold(0.0, f64::max);
    point(
        "dwell",
        "s",
        Some([0.0, stay_s]),
        dwell_s,
        Some(below(dwell_s, stay_s)),
        0.3,
    );
    let shear_cap = Limits::builtin().shear_to_normal_max;
    let shear = touching()
        .filter(|f| f.force_n > 5.0)
        .map(|f| f.shear_n / f.force_n)
        .fold(0.0, f64::max);
    point(
        "shear",
        "1",
        Some([0.0, shear_cap]),
        shear,
        Some(below(shear, shear_cap)),
        0.2,
    );

    let (mut sum, mut weights) = (0.0, 0.0);
    for p in &points {
        if let Some(closeness) = p.closeness {
            sum += p.weight * closeness;
            weights += p.weight;
        }
    }
    Score {
        part,
        technique: manner.name.clone(),
        closeness: if nothing { 0.0 } else { sum / weights },
        points,
    }
}

/// 1 inside the band, else the ratio to its nearer end.
fn near(is: f64, [low, high]: [f64; 2]) -> f64 {
    if !is.is_finite() || is <= 0.0 {
        return if low <= 0.0 && is == 0.0 { 1.0 } else { 0.0 };
    }
    if is < low {
        is / low
    } else if is > high {
        high / is
    } else {
        1.0
    }
}

/// 1 up to the edge, beyond it the ratio.
fn below(is: f64, edge: f64) -> f64 {
    if is <= edge { 1.0 } else { edge / is }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0usize);
    for v in values {
        sum += v;
        count += 1;
    }
    if count > 0 { sum / count as f64 } else { 0.0 }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Time from one row of a contact to its next, s.
fn step_s(rows: &[&Felt]) -> f64 {
    let first = rows.first();
    let next = first.and_then(|f| {
        rows.iter()
            .find(|g| g.contact == f.contact && g.t_s > f.t_s)
    });
    match (first, next) {
        (Some(a), Some(b)) => b.t_s - a.t_s,
        _ => 0.0,
    }
}

/// Stretches of a contact's rows in which the technique is at work.
fn at_work<'a>(track: &'a [&'a Felt]) -> Vec<&'a [&'a Felt]> {
    track
        .chunk_by(|a, b| a.working == b.working)
        .filter(|s| s[0].working && s.len() > 1)
        .collect()
}

/// The highest force of each beat: between one time the skin is left and the next.
fn peaks<'a>(stroke: &'a [&'a Felt]) -> impl Iterator<Item = f64> + 'a {
    let top = stroke.iter().map(|f| f.force_n).fold(0.0, f64::max);
    stroke
        .chunk_by(move |a, b| (a.force_n > 0.3 * top) == (b.force_n > 0.3 * top))
        .map(|s| s.iter().map(|f| f.force_n).fold(0.0, f64::max))
        .filter(move |n| *n > 0.3 * top)
}

/// Half of the way between the 5th and the 95th percentile, over sin(81 degrees): of a sine its amplitude.
fn half_spread(stroke: &[&Felt], of: fn(&Felt) -> f64) -> f64 {
    let mut sorted: Vec<f64> = stroke.iter().map(|f| of(f)).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64).round() as usize];
    0.5 * (at(0.95) - at(0.05)) / (0.45 * std::f64::consts::PI).sin()
}

/// Cycles a second: how often the signal rises through its mean, a quarter of its spread below between two times. None with fewer than two.
fn rate_of(stroke: &[&Felt], of: fn(&Felt) -> f64) -> Option<f64> {
    let middle = mean(stroke.iter().map(|f| of(f)));
    let low = middle - 0.25 * half_spread(stroke, of);
    let mut armed = false;
    let mut rises = Vec::new();
    for pair in stroke.windows(2) {
        let (a, b) = (of(pair[0]), of(pair[1]));
        armed |= a < low;
        if armed && a <= middle && b > middle {
            let share = (middle - a) / (b - a);
            rises.push(pair[0].t_s + share * (pair[1].t_s - pair[0].t_s));
            armed = false;
        }
    }
    match rises.as_slice() {
        [first, .., last] => Some((rises.len() - 1) as f64 / (last - first)),
        _ => None,
    }
}

/// Longest time for which something holds without a break, s.
fn longest_s(stroke: &[&Felt], holds: impl Fn(&Felt) -> bool) -> f64 {
    stroke
        .chunk_by(|a, b| holds(a) == holds(b))
        .filter(|s| holds(s[0]))
        .map(|s| s[s.len() - 1].t_s - s[0].t_s)
        .fold(0.0, f64::max)
}

/// How long a place is worked: from the first to the last time its force is a third of its highest, or of a beat's.
fn stay_s(stroke: &[&Felt], beats: bool) -> f64 {
    let top = stroke.iter().map(|f| f.force_n).fold(0.0, f64::max);
    if top <= TOUCH_N {
        return 0.0;
    }
    if beats {
        return stroke[stroke.len() - 1].t_s - stroke[0].t_s;
    }
    let pressed = |f: &&&Felt| f.force_n > top / 3.0;
    let first = stroke.iter().find(pressed);
    let last = stroke.iter().rev().find(pressed);
    match (first, last) {
        (Some(a), Some(b)) => b.t_s - a.t_s,
        _ => 0.0,
    }
}

/// Force over time on each place of the stretch, left and right, N s: spread over the patch that touches.
fn doses_n_s(strokes: &[&[&Felt]], ends_u: [f64; 2], length_m: f64) -> [Vec<f64>; 2] {
    let (low_u, high_u) = (ends_u[0].min(ends_u[1]), ends_u[0].max(ends_u[1]));
    let way_m = (high_u - low_u) * length_m;
    let count = ((way_m / PLACE_M).round() as usize).max(1);
    let mut doses = [vec![0.0; count], vec![0.0; count]];
    for stroke in strokes {
        for pair in stroke.windows(2) {
            let f = pair[0];
            if f.force_n <= 0.0 {
                continue;
            }
            let dt_s = pair[1].t_s - f.t_s;
            let half_m = (f.area_m2 / std::f64::consts::PI).sqrt().max(0.5 * PLACE_M);
            let at_m = (f.u - low_u) * length_m;
            let side = &mut doses[usize::from(!f.left)];
            for (i, dose) in side.iter_mut().enumerate() {
                let (from_m, to_m) = (i as f64 * PLACE_M, (i + 1) as f64 * PLACE_M);
                let shared = (to_m.min(at_m + half_m) - from_m.max(at_m - half_m)).max(0.0);
                *dose += f.force_n * dt_s * shared / (2.0 * half_m);
            }
        }
    }
    doses
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Two hands at one place, 100 rows a second for 10 s at work, between 0.5 s of pressing in and letting go.
    fn rows(
        force_n: impl Fn(f64) -> f64,
        x_m: impl Fn(f64) -> f64,
        u: impl Fn(f64) -> f64,
    ) -> Vec<Felt> {
        (0..1100)
            .flat_map(|i| {
                let t_s = 0.01 * f64::from(i);
                let work_s = t_s - 0.5;
                let working = (0.0..10.0).contains(&work_s);
                let one = |left: bool| Felt {
                    t_s,
                    part: 0,
                    contact: usize::from(!left),
                    left,
                    force_n: if working { force_n(work_s) } else { 0.0 },
                    area_m2: 10e-4,
                    shear_n: 0.0,
                    fraction: 0.3,
                    u: u(work_s),
                    x_m: if left { -x_m(work_s) } else { x_m(work_s) },
                    working,
                };
                [one(true), one(false)]
            })
            .collect()
    }

    fn manner(path: Path) -> Manner {
        let text = match path {
            Path::Across => "swedish_friction",
            Path::Beat => "swedish_tapotement",
            Path::Line => "chair_rolling",
            _ => "shiatsu_hold",
        };
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../scenes/techniques/{text}.toml"));
        scene::load_technique(&file).unwrap()
    }

    fn measured(score: &Score, what: &str) -> f64 {
        score.get(what).unwrap().measured
    }

    /// Signals with known answers: a rub of 8 mm at 1.7 Hz; beats of 20 N at 6 Hz; a walk of 30 mm/s; a hold of 50 N for 10 s.
    #[test]
    fn val_known_signals_are_measured() {
        let rub = rows(|_| 30.0, |t| 0.05 + 0.008 * (TAU * 1.7 * t).sin(), |_| 0.5);
        let s = score(&rub, 0, &manner(Path::Across), [0.49, 0.51], 0.5);
        assert!((measured(&s, "rate") - 1.7).abs() < 0.02, "{s:?}");
        assert!((measured(&s, "amplitude") - 0.008).abs() < 2e-4, "{s:?}");
        let beat = rows(
            |t| (20.0 * (TAU * 6.0 * t).sin()).max(0.0),
            |_| 0.05,
            |_| 0.5,
        );
        let s = score(&beat, 0, &manner(Path::Beat), [0.49, 0.51], 0.5);
        assert!((measured(&s, "rate") - 6.0).abs() < 0.05, "{s:?}");
        // 16.7 samples a beat: a peak is met within 9 degrees, 1.3 %.
        assert!((measured(&s, "force") - 20.0).abs() < 0.3, "{s:?}");
        // 30 mm/s over 10 s: 0.6 stations of 0.5 m.
        let walk = rows(|_| 30.0, |_| 0.05, |t| 0.2 + 0.06 * t);
        let s = score(&walk, 0, &manner(Path::Line), [0.2, 0.8], 0.5);
        assert!((measured(&s, "speed") - 0.030).abs() < 1e-6, "{s:?}");
        assert!(
            measured(&s, "coverage") > 0.95 && measured(&s, "unevenness") < 0.2,
            "{s:?}"
        );
        let hold = rows(|_| 50.0, |_| 0.05, |_| 0.5);
        let s = score(&hold, 0, &manner(Path::Place), [0.49, 0.51], 0.5);
        assert!((measured(&s, "hold") - 10.0).abs() < 0.02, "{s:?}");
        // 50 N on 10 cm2 are 50 kPa, for 10 s 500 kPa s.
        assert!((measured(&s, "pressure") - 50e3).abs() < 1.0, "{s:?}");
        assert!((measured(&s, "dose") - 500e3).abs() < 1e3, "{s:?}");
        assert_eq!(measured(&s, "asymmetry"), 0.0);
        // All of that hold is within the technique's force, and the dose is its pressure for those 10 s.
        let m = manner(Path::Place);
        assert!((m.force_n[0]..=m.force_n[1]).contains(&50.0));
        assert_eq!(measured(&s, "band_share"), 1.0);
        let [low, high] = s.get("dose").unwrap().asked.unwrap();
        assert!((low / m.pressure_pa[0] - 10.0).abs() < 0.02);
        assert!((high / m.pressure_pa[1] - 10.0).abs() < 0.02);
    }

    /// The farther off, the less: half of the force counts half, one hand alone is unlike, nothing at all is nothing.
    #[test]
    fn val_what_is_off_counts_less() {
        let m = manner(Path::Place);
        let of = |rows: &[Felt]| score(rows, 0, &m, [0.49, 0.51], 0.5);
        let good = of(&rows(|_| 50.0, |_| 0.05, |_| 0.5));
        let half = of(&rows(|_| 0.5 * m.force_n[0], |_| 0.05, |_| 0.5));
        assert_eq!(good.get("force").unwrap().closeness, Some(1.0));
        assert!((half.get("force").unwrap().closeness.unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(half.get("band_share").unwrap().measured, 0.0);
        // Half of the time in contact: half of the pressure's dose.
        let least = rows(
            |t| {
                if t < 5.0 {
                    1e-3 * m.pressure_pa[0]
                } else {
                    0.0
                }
            },
            |_| 0.05,
            |_| 0.5,
        );
        let lost = of(&least);
        assert_eq!(lost.get("pressure").unwrap().closeness, Some(1.0));
        let dose = lost.get("dose").unwrap();
        assert!((dose.closeness.unwrap() - 0.5).abs() < 0.01, "{dose:?}");
        assert_eq!(dose.weight, 0.0);
        assert!(half.closeness < good.closeness);
        let one: Vec<Felt> = rows(|_| 50.0, |_| 0.05, |_| 0.5)
            .into_iter()
            .map(|f| Felt {
                force_n: if f.left { 0.0 } else { f.force_n },
                ..f
            })
            .collect();
        assert!((measured(&of(&one), "asymmetry") - 2.0).abs() < 1e-12);
        assert_eq!(of(&rows(|_| 0.0, |_| 0.05, |_| 0.5)).closeness, 0.0);
    }
}
