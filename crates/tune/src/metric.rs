//! What is told of a run in one number each.

use crate::response::CONTACT_N;
use back::EXCLUDED_PRESSURE_PA;
use program::{MarkKind, Phase, Technique, Timeline};
use sim::{NODES, PressureMap, Totals, Trace, TraceRow};

/// A number of a run.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, the unit last.
    pub name: &'static str,
    /// Its unit; `1` for a plain number.
    pub unit: &'static str,
    /// What it is.
    pub meaning: &'static str,
    of: Of,
}

/// What a metric is taken from.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// What every machine's run comes to.
    Totals(fn(&Totals<'_>) -> f64),
    /// A carriage's session.
    Session(fn(&Run<'_>) -> f64),
}

macro_rules! metrics {
    ($($name:literal $unit:literal $meaning:literal $from:ident $of:expr;)*) => {
        /// Every metric of a carriage's run, in the order of [`crate::Measures::values`]. Those that need no session a rig's run has too.
        pub const METRICS: &[Metric] = &[
            $(Metric { name: $name, unit: $unit, meaning: $meaning, of: Of::$from($of) },)*
        ];
    };
}

#[rustfmt::skip] // it reads as a table: one metric a line
metrics![
    "band_share" "1" "share of effective contact time (press: the hold; kneading: the peak of each turn, for its length; rolling: all; node force over 5 N) inside the level's band" Session |r| r.band.share();
    "coverage" "1" "share of the time in contact in which a node is felt at half of the band's lower edge or more" Session |r| r.covered.share();
    "contact_s" "s" "effective contact, node by node" Session |r| r.band.all_s;
    "cap_load" "1" "largest value over its cap at any step, by any limit (force, pressure, keep-out, rate, dwell): above 1 a cap is passed" Totals |t| t.load;
    "cap_violations" "1" "caps passed, one for each limit, node and zone" Totals |t| t.violations.len() as f64;
    "peak_pressure_pa" "Pa" "largest local pressure at any step" Totals |t| t.peak_pa();
    "node_force_max_n" "N" "largest force of a node at any step" Totals |t| t.force_n();
    "force_rms_n" "N" "node force, root mean square over the time in contact and the four nodes" Session |r| r.force_rms_n();
    "left_right_asymmetry" "1" "difference between left and right in force over time, over their sum" Session |r| r.asymmetry();
    "dose_pa_s" "Pa s" "largest pressure over time of a cell of the map" Totals |t| of_map(t, |m| worst(m.dose_pa_s.iter().copied()));
    "impulse_n_s" "N s" "force over time of all nodes" Session |r| r.impulse_n_s.iter().sum();
    "area_m2" "m2" "skin that felt more than 2 kPa" Totals area_m2;
    "shear_dose_pa_s" "Pa s" "largest shear traction over time of a cell of the map" Totals |t| of_map(t, |_| worst(t.efforts.iter().map(|e| e.shear_dose_pa_s)));
    "work_j" "J" "work on the user by pressure and shear" Totals |t| t.efforts.iter().map(|e| e.work_j).sum();
    "friction_loss_j" "J" "lost by slip on the skin" Totals |t| t.efforts.iter().map(|e| e.friction_loss_j).sum();
    "trunk_lift_m" "m" "farthest that the hip moved out of the machine" Totals |t| t.trunk_lift_m;
    "motor_current_max_a" "A" "largest current of a motor" Totals |t| worst(t.motors.iter().map(|m| m.peak_a));
    "walk_current_max_a" "A" "largest current of the carriage's motor" Session |r| r.trace.motors[0].peak_a;
    "knead_current_max_a" "A" "largest current of the kneading motor" Session |r| r.trace.motors[1].peak_a;
    "protrude_current_max_a" "A" "largest current of the slide's motor" Session |r| r.trace.motors[2].peak_a;
    "walk_current_rms_a" "A" "current of the carriage's motor, root mean square" Session |r| r.trace.motors[0].rms_a;
    "knead_current_rms_a" "A" "current of the kneading motor, root mean square" Session |r| r.trace.motors[1].rms_a;
    "protrude_current_rms_a" "A" "current of the slide's motor, root mean square" Session |r| r.trace.motors[2].rms_a;
    "knead_speed_ripple" "1" "speed of the kneading shaft against its command while it turns, root mean square over the mean speed; 0 where it never turns" Session |r| r.speed_ripple();
    "nodes_beyond_validity" "1" "nodes that went deeper than what the force law is held to" Totals |t| t.beyond.iter().flatten().count() as f64;
    "duration_s" "s" "simulated time" Totals |t| t.duration_s;
];

impl Metric {
    pub(crate) fn of(&self, run: &Run<'_>) -> f64 {
        match self.of {
            Of::Totals(of) => of(&run.totals),
            Of::Session(of) => of(run),
        }
    }

    /// The same of any machine's run; `None` where it takes a carriage's session.
    pub(crate) fn of_any(&self, totals: &Totals<'_>) -> Option<f64> {
        match self.of {
            Of::Totals(of) => Some(of(totals)),
            Of::Session(_) => None,
        }
    }

    /// Whether every machine's run has it.
    pub(crate) fn is_of_any(&self) -> bool {
        matches!(self.of, Of::Totals(_))
    }
}

/// A recorded run, and what several metrics share.
pub(crate) struct Run<'a> {
    trace: &'a Trace,
    totals: Totals<'a>,
    band: Share,
    covered: Share,
    impulse_n_s: [f64; NODES],
}

/// A part of some time.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    part_s: f64,
    all_s: f64,
}

impl Share {
    fn add(&mut self, s: f64, counts: bool) {
        self.all_s += s;
        self.part_s += if counts { s } else { 0.0 };
    }

    /// 0 of nothing is 0.
    fn share(&self) -> f64 {
        if self.all_s > 0.0 {
            self.part_s / self.all_s
        } else {
            0.0
        }
    }
}

/// What the effective contact of a technique is made of: nodes, and the time each stands for, s. Press and roll: every row in contact.
/// Kneading: the peak of each node in each turn, for the turn's length.
fn effective<'a>(
    trace: &'a Trace,
    timeline: &Timeline,
    note: &mut dyn FnMut([&'a TraceRow; NODES], f64),
) {
    let dt_s = 1.0 / trace.rate_hz;
    let in_contact = || trace.rows.iter().filter(|r| r.phase == Phase::Contact);
    for row in in_contact().filter(|r| r.technique != Technique::Knead) {
        note([row; NODES], dt_s);
    }
    let turns: Vec<f64> = timeline
        .marks()
        .iter()
        .filter(|m| m.kind == MarkKind::KneadCycle)
        .map(|m| m.t_s)
        .collect();
    for (i, start_s) in turns.iter().enumerate() {
        let next_s = turns.get(i + 1).copied().unwrap_or(f64::INFINITY);
        let turn: Vec<&TraceRow> = in_contact()
            .filter(|r| r.technique == Technique::Knead && (*start_s..next_s).contains(&r.t_s))
            .collect();
        let Some(first) = turn.first() else {
            continue;
        };
        let peak = |node: usize| {
            turn.iter()
                .max_by(|a, b| a.fraction[node].total_cmp(&b.fraction[node]))
                .unwrap_or(first)
        };
        note(std::array::from_fn(|i| *peak(i)), turn.len() as f64 * dt_s);
    }
}

impl<'a> Run<'a> {
    pub fn new(trace: &'a Trace, timeline: &Timeline, bands: &[[f64; 2]; 5]) -> Run<'a> {
        let (mut band, mut covered) = (Share::default(), Share::default());
        effective(trace, timeline, &mut |rows, s| {
            let [low, high] = bands[usize::from(rows[0].level.clamp(1, 5)) - 1];
            let mut felt = false;
            for (node, row) in rows.iter().enumerate() {
                let fraction = row.fraction[node];
                if row.force_n[node] > CONTACT_N {
                    band.add(s, (low..=high).contains(&fraction));
                    felt |= fraction >= 0.5 * low;
                }
            }
            covered.add(s, felt);
        });
        let dt_s = 1.0 / trace.rate_hz;
        let impulse_n_s = std::array::from_fn(|node| {
            dt_s * trace.rows.iter().map(|r| r.force_n[node]).sum::<f64>()
        });
        Run {
            trace,
            totals: Totals::from(trace),
            band,
            covered,
            impulse_n_s,
        }
    }

    fn force_rms_n(&self) -> f64 {
        let rows = || self.trace.rows.iter().filter(|r| r.phase == Phase::Contact);
        let squares: f64 = rows().flat_map(|r| r.force_n).map(|f| f * f).sum();
        (squares / (NODES * rows().count()).max(1) as f64).sqrt()
    }

    fn asymmetry(&self) -> f64 {
        let [a, b, c, d] = self.impulse_n_s;
        let (left, right) = (a + b, c + d);
        if left + right > 0.0 {
            (left - right).abs() / (left + right)
        } else {
            0.0
        }
    }

    fn speed_ripple(&self) -> f64 {
        let (mut squares, mut sum, mut count) = (0.0, 0.0, 0u32);
        for pair in self.trace.rows.windows(2) {
            let turning =
                |r: &TraceRow| r.technique == Technique::Knead && r.phase == Phase::Contact;
            if !pair.iter().all(turning) {
                continue;
            }
            let dt_s = pair[1].t_s - pair[0].t_s;
            let speed = (pair[1].knead_rad - pair[0].knead_rad) / dt_s;
            let wanted = (pair[1].command_knead_rad - pair[0].command_knead_rad) / dt_s;
            squares += (speed - wanted).powi(2);
            sum += wanted;
            count += 1;
        }
        let n = f64::from(count.max(1));
        if sum > 0.0 {
            (squares / n).sqrt() / (sum / n)
        } else {
            0.0
        }
    }
}

fn area_m2(totals: &Totals<'_>) -> f64 {
    of_map(totals, |map| {
        let cells = map.peak_pa.iter().filter(|p| **p > EXCLUDED_PRESSURE_PA);
        cells.count() as f64 * map.x_per_column_m * map.x_per_column_m
    })
}

fn of_map(totals: &Totals<'_>, of: impl Fn(&PressureMap) -> f64) -> f64 {
    if totals.map.peak_pa.is_empty() {
        f64::NAN
    } else {
        of(totals.map)
    }
}

fn worst(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}
