//! What a run recorded.

use crate::bed::Bed;
use crate::fault::Fault;
use crate::guard::Violation;
use crate::movie::{Camera, Movie};
use crate::pressing::Pressing;
use crate::sim::{Frame, NODES, Sim};
use crate::tally::Tally;
use crate::touch::Touch;
use back::Zone;
use program::{DriveCommand, Phase, Technique};
use serde::{Deserialize, Serialize};

/// A recorded run: rows at a fixed rate, and what only every step knows (peaks, limits, faults).
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// Rows per second.
    pub rate_hz: f64,
    /// One row per sample.
    pub rows: Vec<TraceRow>,
    /// Pressure over the back.
    pub map: PressureMap,
    /// Pressure over the back in time, where it was asked for.
    #[serde(skip)]
    pub movie: Option<Movie>,
    /// Peaks of each node over all steps: left upper, left lower, right upper, right lower.
    pub nodes: [NodePeak; NODES],
    /// What each node did to the tissue over the run.
    pub efforts: [NodeEffort; NODES],
    /// Where each node went deepest beyond what the force law is held to, if it did.
    pub beyond: [Option<Beyond>; NODES],
    /// Farthest that the hip moved out of the machine, m.
    pub trunk_lift_m: f64,
    /// Motor currents over all steps.
    pub motors: Vec<MotorPeak>,
    /// Limits passed.
    pub violations: Vec<Violation>,
    /// Largest value over what was allowed at any step, by any limit: [`crate::Guard::load`].
    pub load: f64,
    /// What ended the run early, if anything broke.
    pub fault: Option<Fault>,
    /// Simulated time, s.
    pub duration_s: f64,
    /// Steps taken.
    pub steps: u64,
    /// Mean number of cells in contact under a touching node.
    pub cells_per_patch: f64,
}

/// One sample. Arrays of four run left upper, left lower, right upper, right lower.
#[derive(Clone, Debug, Serialize)]
#[allow(
    missing_docs,
    reason = "every field is named by quantity and unit; the struct says the order"
)]
pub struct TraceRow {
    pub t_s: f64,
    pub walk_m: f64,
    pub protrude_m: f64,
    pub knead_rad: f64,
    pub command_walk_m: f64,
    pub command_protrude_m: f64,
    pub command_knead_rad: f64,
    pub technique: Technique,
    pub phase: Phase,
    pub level: u8,
    /// Step of the session, from 0.
    pub step: usize,
    pub station: f64,
    pub force_n: [f64; NODES],
    pub peak_pa: [f64; NODES],
    pub area_m2: [f64; NODES],
    pub depth_m: [f64; NODES],
    /// Shear force, down the spine.
    pub shear_down_n: [f64; NODES],
    /// Shear force, to the right along the skin.
    pub shear_right_n: [f64; NODES],
    /// Work per second of what carries the node.
    pub power_w: [f64; NODES],
    pub u: [f64; NODES],
    pub x_m: [f64; NODES],
    pub zone: [Zone; NODES],
    /// Mean pressure over the median pain pressure for the contact area.
    pub fraction: [f64; NODES],
    /// Walk, knead, protrude.
    pub current_a: [f64; 3],
    pub rocker_rad: [f64; 2],
    pub lean_y_m: f64,
    pub lean_z_m: f64,
    pub lean_pitch_rad: f64,
    pub pad_n: f64,
}

/// Highest values of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodePeak {
    /// Force, N.
    pub force_n: f64,
    /// Local pressure, Pa.
    pub peak_pa: f64,
}

/// Work, losses and shear of one node over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeEffort {
    /// Work on the user by pressure and shear, J; what came back is taken off.
    pub work_j: f64,
    /// Lost by slip on the skin, J.
    pub friction_loss_j: f64,
    /// Lost by relaxation, J: work by pressure less what is stored at the end (an estimate while still pressed).
    pub relaxation_loss_j: f64,
    /// Lost in the node's own bearing, J; not part of the work.
    pub bearing_loss_j: f64,
    /// Slip, in the mean over the patch weighted by pressure, m.
    pub slip_m: f64,
    /// Largest shear dose of a place on the skin from this node, Pa s: shear traction over time.
    pub shear_dose_pa_s: f64,
}

/// A contact deeper than the reference sets hold the force law to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Beyond {
    /// Depth of the skin where it stands deepest, cover and node taken off, m.
    pub depth_m: f64,
    /// Depth to which the law is held there, m.
    pub held_m: f64,
    /// What it means: [`tissue::Bound::meaning`].
    pub meaning: &'static str,
    /// When, s.
    pub t_s: f64,
    /// Station.
    pub u: f64,
    /// Lateral place, m.
    pub x_m: f64,
}

impl Beyond {
    /// Depth over the depth that the law is held to; above 1.
    pub fn share(&self) -> f64 {
        self.depth_m / self.held_m
    }

    /// The node's present depth, where it is beyond and more so than the last.
    pub(crate) fn worse(
        before: Option<Beyond>,
        nodes: &Pressing<'_>,
        node: usize,
    ) -> Option<Beyond> {
        let contact = &nodes.contacts[node];
        let (depth_m, held_m, bound) = nodes.touches[node].reached();
        let Some(bound) = bound.filter(|_| contact.force_n > 0.0) else {
            return before;
        };
        let now = Beyond {
            depth_m,
            held_m,
            meaning: bound.meaning(),
            t_s: nodes.t_s,
            u: contact.u,
            x_m: contact.x_m,
        };
        let deeper = before.is_none_or(|b| now.share() > b.share());
        if deeper { Some(now) } else { before }
    }
}

/// Current of one motor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MotorPeak {
    /// Axis.
    pub name: String,
    /// Largest magnitude, A.
    pub peak_a: f64,
    /// Root mean square, A.
    pub rms_a: f64,
}

/// Pressure over the unrolled back: one row per station step (top first), one column per lateral step (left first).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PressureMap {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Station of the first row.
    pub first_u: f64,
    /// Stations per row.
    pub u_per_row: f64,
    /// Lateral place of the first column along the skin, m.
    pub first_x_m: f64,
    /// Metres per column.
    pub x_per_column_m: f64,
    /// Highest pressure seen, Pa.
    pub peak_pa: Vec<f64>,
    /// Pressure over time, Pa s.
    pub dose_pa_s: Vec<f64>,
}

/// Cells of the bed per cell of the map, each way.
const COARSE: usize = 2;

/// What of a run is kept, besides what only each step knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recording {
    /// Rows per second, and samples of the map.
    pub rate_hz: f64,
    /// Whether the pressure map and the shear dose are kept; without them [`Trace::map`] has no cells.
    pub map: bool,
    /// Maps per second in [`Trace::movie`] (0: none; at most one a step). A map keeps 8 bytes for each loaded cell of 4 mm: about 1.5 kB
    /// with four nodes on the back.
    pub movie_hz: f64,
}

impl Recording {
    /// Rows and the pressure map.
    pub fn rows(rate_hz: f64) -> Recording {
        Recording {
            rate_hz,
            map: true,
            movie_hz: 0.0,
        }
    }
}

/// Runs a simulation to its end, or until `keep_going(t_s, duration_s)` says no: what is done is kept.
pub fn record(sim: &mut Sim, rate_hz: f64, keep_going: &mut dyn FnMut(f64, f64) -> bool) -> Trace {
    record_with(sim, &Recording::rows(rate_hz), keep_going)
}

/// As [`record`], and a map of the pressure `map_hz` times a second, see [`Recording::movie_hz`].
pub fn record_maps(
    sim: &mut Sim,
    rate_hz: f64,
    map_hz: f64,
    keep_going: &mut dyn FnMut(f64, f64) -> bool,
) -> Trace {
    let recording = Recording {
        movie_hz: map_hz,
        ..Recording::rows(rate_hz)
    };
    record_with(sim, &recording, keep_going)
}

/// As [`record`], of what is asked for.
pub fn record_with(
    sim: &mut Sim,
    recording: &Recording,
    keep_going: &mut dyn FnMut(f64, f64) -> bool,
) -> Trace {
    let mut step = |sim: &mut Sim| (!sim.is_done()).then(|| sim.step().map(|_| ()));
    record_steps(sim, recording, &mut step, keep_going)
}

/// As [`record`], led by `pilot` instead of the timeline: it sees where the run stands and says where the axes shall be at
/// [`Sim::next_s`]; `None` ends the run.
pub fn record_led(
    sim: &mut Sim,
    rate_hz: f64,
    pilot: &mut dyn FnMut(&Sim) -> Option<DriveCommand>,
    keep_going: &mut dyn FnMut(f64, f64) -> bool,
) -> Trace {
    let mut step = |sim: &mut Sim| pilot(sim).map(|command| sim.step_to(command).map(|_| ()));
    record_steps(sim, &Recording::rows(rate_hz), &mut step, keep_going)
}

/// Records until `step` says `None`.
fn record_steps(
    sim: &mut Sim,
    recording: &Recording,
    step: &mut dyn FnMut(&mut Sim) -> Option<Result<(), Fault>>,
    keep_going: &mut dyn FnMut(f64, f64) -> bool,
) -> Trace {
    let motors = ["walk", "knead", "protrude"];
    let mut tally = Tally::new(&sim.subject().bed, recording, NODES, motors);
    let mut rows = Vec::new();
    let mut fault = None;
    let duration_s = sim.timeline().duration_s();
    while let Some(result) = step(sim) {
        if let Err(broken) = result {
            fault = Some(broken);
            break;
        }
        let frame = sim.frame();
        if tally.add(&sim.pressing(), frame.lean.y_m, frame.current_a) {
            rows.push(TraceRow::of(frame, sim));
            if !keep_going(tally.duration_s, duration_s) {
                break;
            }
        }
    }
    sim.watch_dose(&tally.map);
    let efforts = tally.efforts(&sim.pressing());
    Trace {
        rate_hz: recording.rate_hz,
        rows,
        nodes: std::array::from_fn(|i| tally.nodes[i]),
        efforts: std::array::from_fn(|i| efforts[i]),
        beyond: std::array::from_fn(|i| tally.beyond[i]),
        trunk_lift_m: tally.trunk_lift_m,
        motors: tally.motors(),
        violations: sim.violations().to_vec(),
        load: sim.load(),
        fault,
        duration_s: tally.duration_s,
        steps: tally.steps,
        cells_per_patch: tally.cells_per_patch(),
        movie: tally.camera.map(Camera::movie),
        map: tally.map,
    }
}

impl TraceRow {
    fn of(frame: &Frame, sim: &Sim) -> TraceRow {
        let envelope = sim.envelope();
        let fraction =
            std::array::from_fn(|i| frame.contacts[i].fraction_of_pain(envelope, frame.zones[i]));
        TraceRow {
            t_s: frame.t_s,
            walk_m: frame.drive.walk_m,
            protrude_m: frame.drive.protrude_m,
            knead_rad: frame.drive.knead_rad,
            command_walk_m: frame.command.walk_m,
            command_protrude_m: frame.command.protrude_m,
            command_knead_rad: frame.command.knead_rad,
            technique: frame.command.technique,
            phase: frame.command.phase,
            level: frame.command.level,
            step: frame.command.step,
            station: frame.command.u,
            force_n: frame.contacts.map(|c| c.force_n),
            peak_pa: frame.contacts.map(|c| c.peak_pa),
            area_m2: frame.contacts.map(|c| c.area_m2),
            depth_m: frame.contacts.map(|c| c.depth_m),
            shear_down_n: frame.contacts.map(|c| c.shear_n[0]),
            shear_right_n: frame.contacts.map(|c| c.shear_n[1]),
            power_w: frame.contacts.map(|c| c.power_w),
            u: frame.contacts.map(|c| c.u),
            x_m: frame.contacts.map(|c| c.x_m),
            zone: frame.zones,
            fraction,
            current_a: frame.current_a,
            rocker_rad: frame.rocker_rad,
            lean_y_m: frame.lean.y_m,
            lean_z_m: frame.lean.z_m,
            lean_pitch_rad: frame.lean.pitch_rad,
            pad_n: frame.pad_n,
        }
    }
}

impl NodeEffort {
    pub(crate) fn of(touch: &Touch, node: usize, shear: &ShearDose) -> NodeEffort {
        let work = touch.work();
        NodeEffort {
            work_j: work.done_j(),
            friction_loss_j: work.slip_loss_j,
            relaxation_loss_j: work.normal_j - touch.stored_j(),
            bearing_loss_j: work.bearing_loss_j,
            slip_m: work.slip_m,
            shear_dose_pa_s: shear.pa_s[node].iter().copied().fold(0.0, f64::max),
        }
    }
}

/// Shear traction over time, node by node, on the cells of the pressure map, Pa s.
pub(crate) struct ShearDose {
    pa_s: Vec<Vec<f64>>,
}

impl ShearDose {
    pub(crate) fn blank(map: &PressureMap, nodes: usize) -> ShearDose {
        ShearDose {
            pa_s: vec![vec![0.0; map.rows * map.columns]; nodes],
        }
    }

    pub(crate) fn add(&mut self, map: &PressureMap, nodes: &Pressing<'_>, dt_s: f64) {
        for (touch, dose) in nodes.touches.iter().zip(&mut self.pa_s) {
            let Some(origin) = touch.origin() else {
                continue;
            };
            let [down, side] = touch.shear_pa();
            let width = down.len().isqrt();
            let share = dt_s / (COARSE * COARSE) as f64;
            let lines = down.chunks_exact(width).zip(side.chunks_exact(width));
            for (r, (down, side)) in lines.enumerate() {
                if down.iter().chain(side).all(|s| *s == 0.0) {
                    continue;
                }
                let row = (origin[0] + r as isize) as usize / COARSE;
                for (c, (a, b)) in down.iter().zip(side).enumerate() {
                    let shear_pa = (a * a + b * b).sqrt();
                    if shear_pa > 0.0 {
                        let column = (origin[1] + c as isize) as usize / COARSE;
                        dose[row * map.columns + column] += shear_pa * share;
                    }
                }
            }
        }
    }
}

impl PressureMap {
    pub(crate) fn blank(bed: &Bed, cells: bool) -> PressureMap {
        let [rows, columns] = if cells {
            bed.size().map(|n| n.div_ceil(COARSE))
        } else {
            [0, 0]
        };
        PressureMap {
            rows,
            columns,
            first_u: bed.station(0.0),
            u_per_row: bed.station(COARSE as f64) - bed.station(0.0),
            first_x_m: -((bed.size()[1] / 2) as f64) * bed.cell_m(),
            x_per_column_m: COARSE as f64 * bed.cell_m(),
            peak_pa: vec![0.0; rows * columns],
            dose_pa_s: vec![0.0; rows * columns],
        }
    }

    pub(crate) fn add(&mut self, nodes: &Pressing<'_>, dt_s: f64) {
        for (touch, contact) in nodes.touches.iter().zip(nodes.contacts) {
            let Some(origin) = touch.origin() else {
                continue;
            };
            if contact.force_n <= 0.0 {
                continue;
            }
            let side = touch.pressure_pa().len().isqrt();
            for (r, line) in touch.pressure_pa().chunks_exact(side).enumerate() {
                if line.iter().all(|p| *p <= 0.0) {
                    continue;
                }
                let row = (origin[0] + r as isize) as usize / COARSE;
                for (c, p) in line.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    let column = (origin[1] + c as isize) as usize / COARSE;
                    let cell = row * self.columns + column;
                    self.peak_pa[cell] = self.peak_pa[cell].max(*p);
                    self.dose_pa_s[cell] += p * dt_s / (COARSE * COARSE) as f64;
                }
            }
        }
    }
}
