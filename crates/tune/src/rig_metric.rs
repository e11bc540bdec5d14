//! What is told of a rig's run in one number each: what every machine tells, and what its own nodes and drives did.

use crate::metric::{METRICS, Metric};
use crate::response::CONTACT_N;
use crate::sweep::Column;
use mechanism::{JointKind, Linkage, Motion, Rig, RigDrive};
use sim::{DriveLoad, NodePeak, RigTrace, Totals};

/// A number of a rig's run and where it is taken from.
#[derive(Clone, Debug)]
pub(crate) struct RigMetric {
    /// Its name, unit and meaning.
    pub column: Column,
    of: Of,
}

#[derive(Clone, Debug)]
enum Of {
    /// What a carriage has too.
    Totals(&'static Metric),
    /// The whole trace.
    Run(fn(&RigTrace) -> f64),
    /// A node by its name.
    Node(String, fn(&NodePeak) -> f64),
    /// A drive by its name.
    Drive(String, fn(&DriveLoad) -> f64),
    /// Rates of a drive's joint over the second half of the run: the column of the trace that has them.
    Rates(String, fn(&[f64]) -> f64),
    /// Their mean amount over what the drive's usual motion asks for: column and drive.
    SpeedShare(String, String),
}

/// Numbers that every rig has and that are taken from its rows, joints and loops.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    fn(&RigTrace) -> f64,
);

#[rustfmt::skip] // it reads as a table: one metric a line
const OF_RUN: [Row; 7] = [
    ("contact_s", "s", "time in which a node presses with more than 5 N, node by node", contact_s),
    ("force_mean_n", "N", "force of all nodes together, mean over the time in which one presses with more than 5 N", force_mean_n),
    ("force_rms_n", "N", "node force, root mean square over the time in which it is more than 5 N, node by node", force_rms_n),
    ("impulse_n_s", "N s", "force over time of all nodes", impulse_n_s),
    ("pain_fraction_max", "1", "largest pressure of a node over the pain threshold of its place and contact area, row by row", pain_fraction_max),
    ("joint_force_max_n", "N", "largest force across the axis of a joint, or in a closing", joint_force_max_n),
    ("gap_m", "m", "farthest that a loop stood open", |t| t.gap_m),
];

/// What is told of a rig, in the order of its columns. Nodes and drives are those of the written-out rig.
pub(crate) fn rig_metrics(rig: &Rig) -> Vec<RigMetric> {
    // One that cannot be built is told at every point.
    let built = Linkage::new(rig).ok();
    let rig = built.as_ref().map_or(rig, Linkage::rig);
    let shared = METRICS.iter().filter(|m| m.is_of_any());
    let mut all: Vec<RigMetric> = shared
        .map(|m| metric(m.name, m.unit, m.meaning, Of::Totals(m)))
        .collect();
    all.extend(
        OF_RUN
            .iter()
            .map(|(name, unit, meaning, of)| metric(name, unit, meaning, Of::Run(*of))),
    );
    if rig.heads.len() > 1 {
        for head in &rig.heads {
            let node = &head.node.name;
            let mut of = |what, unit, meaning, of| {
                all.push(metric(
                    &format!("{node}_{what}"),
                    unit,
                    meaning,
                    Of::Node(node.clone(), of),
                ));
            };
            of("force_max_n", "N", "largest force of this node", |n| {
                n.force_n
            });
            of("peak_pa", "Pa", "largest local pressure under it", |n| {
                n.peak_pa
            });
        }
    }
    for drive in &rig.drives {
        all.extend(of_drive(rig, drive));
    }
    all
}

fn of_drive(rig: &Rig, described: &RigDrive) -> Vec<RigMetric> {
    let (drive, joint) = (described.name.as_str(), described.joint.as_str());
    let slides = rig.joints.iter().any(|j| {
        j.name == joint && matches!(j.kind, JointKind::Prismatic | JointKind::Track { .. })
    });
    let (effort, rate, rate_unit) = match slides {
        true => ("n", "m_s", "m/s"),
        false => ("nm", "rad_s", "rad/s"),
    };
    let effort_unit = if slides { "N" } else { "N m" };
    let load = |what: &str, unit: &str, meaning: &str, of: fn(&DriveLoad) -> f64| {
        let of = Of::Drive(drive.to_owned(), of);
        metric(&format!("{drive}_{what}"), unit, meaning, of)
    };
    let rates = |what: &str, meaning: &str, of: fn(&[f64]) -> f64| {
        let of = Of::Rates(format!("{joint}_joint_{rate}"), of);
        metric(&format!("{drive}_{what}_{rate}"), rate_unit, meaning, of)
    };
    let mut all = vec![
        load(
            "current_max_a",
            "A",
            "largest current of this drive's motor",
            |d| d.current_a.peak,
        ),
        load(
            "current_rms_a",
            "A",
            "the same, root mean square: what heats it",
            |d| d.current_a.rms,
        ),
        load("copper_w", "W", "heat of its winding, mean", |d| d.copper_w),
        load(
            &format!("effort_max_{effort}"),
            effort_unit,
            "largest torque or force on its joint",
            |d| d.effort.peak,
        ),
        load("drive_work_j", "J", "work on its joint", |d| d.work_j),
        rates(
            "rate_mean",
            "speed of its joint, mean of the amount over the second half of the run",
            mean_rate,
        ),
        rates(
            "rate_least",
            "the least amount of that, row by row: about 0 where it stalls",
            |rates| rates.iter().map(|r| r.abs()).fold(f64::INFINITY, f64::min),
        ),
    ];
    if matches!(described.motion, Motion::Run { .. }) {
        let of = Of::SpeedShare(format!("{joint}_joint_{rate}"), drive.to_owned());
        all.push(metric(
            &format!("{drive}_speed_share"),
            "1",
            "mean speed over what its usual motion asks for: below 1 it sags, near 0 it stalls",
            of,
        ));
    }
    all
}

fn mean_rate(rates: &[f64]) -> f64 {
    rates.iter().map(|r| r.abs()).sum::<f64>() / rates.len().max(1) as f64
}

/// Rows of the second half of a run, one column.
fn second_half(trace: &RigTrace, column: &str) -> Option<Vec<f64>> {
    let rates = trace.column(column)?;
    (!rates.is_empty()).then(|| rates[rates.len() / 2..].to_vec())
}

fn metric(name: &str, unit: &str, meaning: &str, of: Of) -> RigMetric {
    RigMetric {
        column: Column {
            name: name.to_owned(),
            unit: if unit == "1" { "" } else { unit }.to_owned(),
            meaning: meaning.to_owned(),
            words: Vec::new(),
        },
        of,
    }
}

impl RigMetric {
    /// Its value in a run of a rig, as it is written out; not a number where that has no such node or drive.
    pub fn of(&self, rig: &Rig, trace: &RigTrace, totals: &Totals<'_>) -> f64 {
        match &self.of {
            Of::Totals(metric) => metric.of_any(totals).unwrap_or(f64::NAN),
            Of::Run(of) => of(trace),
            Of::Node(name, of) => {
                let index = trace.node_names.iter().position(|n| n == name);
                index.map_or(f64::NAN, |i| of(&trace.nodes[i]))
            }
            Of::Drive(name, of) => {
                let drive = trace.drives.iter().find(|d| d.name == *name);
                drive.map_or(f64::NAN, of)
            }
            Of::Rates(column, of) => {
                second_half(trace, column).map_or(f64::NAN, |rates| of(&rates))
            }
            Of::SpeedShare(column, drive) => {
                let asked = rig.drives.iter().find(|d| d.name == *drive);
                match (second_half(trace, column), asked.map(|d| d.motion)) {
                    (Some(rates), Some(Motion::Run { rate, .. })) => mean_rate(&rates) / rate.abs(),
                    _ => f64::NAN,
                }
            }
        }
    }
}

/// The columns of a channel, one for each node.
fn channel(trace: &RigTrace, name: &str) -> Vec<usize> {
    let of = |node: &String| {
        let column = format!("{node}_{name}");
        trace.columns.iter().position(|c| *c == column)
    };
    trace.node_names.iter().filter_map(of).collect()
}

/// Force of each node, row by row, N.
fn forces(trace: &RigTrace) -> impl Iterator<Item = Vec<f64>> + '_ {
    let at = channel(trace, "force_n");
    trace
        .rows
        .iter()
        .map(move |row| at.iter().map(|i| row[*i]).collect())
}

fn contact_s(trace: &RigTrace) -> f64 {
    let pressed = forces(trace).flatten().filter(|f| *f > CONTACT_N).count();
    pressed as f64 / trace.rate_hz
}

fn force_mean_n(trace: &RigTrace) -> f64 {
    let pressed = forces(trace).filter(|row| row.iter().any(|f| *f > CONTACT_N));
    let (sum, rows) = pressed.fold((0.0, 0_u32), |(sum, rows), row| {
        (sum + row.iter().sum::<f64>(), rows + 1)
    });
    sum / f64::from(rows.max(1))
}

fn force_rms_n(trace: &RigTrace) -> f64 {
    let pressed = forces(trace).flatten().filter(|f| *f > CONTACT_N);
    let (squares, count) = pressed.fold((0.0, 0_u32), |(squares, n), f| (squares + f * f, n + 1));
    (squares / f64::from(count.max(1))).sqrt()
}

fn impulse_n_s(trace: &RigTrace) -> f64 {
    forces(trace).flatten().sum::<f64>() / trace.rate_hz
}

fn pain_fraction_max(trace: &RigTrace) -> f64 {
    let at = channel(trace, "pain_fraction");
    let all = trace.rows.iter().flat_map(|row| at.iter().map(|i| row[*i]));
    all.fold(0.0, f64::max)
}

fn joint_force_max_n(trace: &RigTrace) -> f64 {
    trace
        .joints
        .iter()
        .map(|j| j.radial_n.peak)
        .fold(0.0, f64::max)
}
