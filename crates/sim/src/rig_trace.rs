//! What a rig's run recorded.

use mechanism::JointKind;
use nalgebra::Isometry3;
use serde::Serialize;

use crate::fault::Fault;
use crate::guard::Violation;
use crate::movie::{Camera, Movie};
use crate::rig_sim::RigSim;
use crate::sizing::{DriveLoad, JointLoad, Sizing};
use crate::tally::Tally;
use crate::trace::{Beyond, MotorPeak, NodeEffort, NodePeak, PressureMap, Recording};

/// A recorded run of a rig: rows at a fixed rate under named columns, and what only every step knows.
#[derive(Clone, Debug, Serialize)]
pub struct RigTrace {
    /// Rows per second.
    pub rate_hz: f64,
    /// What stands in a row, the unit last in each name.
    pub columns: Vec<String>,
    /// One row per sample, in the order of the columns.
    pub rows: Vec<Vec<f64>>,
    /// The written-out rig's ground and links, by name.
    pub links: Vec<String>,
    /// Poses of the links at each row, in the backrest's frame (`machine_from_link`).
    #[serde(skip)]
    pub link_poses: Vec<Vec<Isometry3<f64>>>,
    /// Pose of the back at each row, `machine_from_back`.
    #[serde(skip)]
    pub back_poses: Vec<Isometry3<f64>>,
    /// Pressure over the back.
    pub map: PressureMap,
    /// Pressure over the back in time, where it was asked for.
    #[serde(skip)]
    pub movie: Option<Movie>,
    /// Names of the nodes: the order of all lists over nodes.
    pub node_names: Vec<String>,
    /// Peaks of each node over all steps.
    pub nodes: Vec<NodePeak>,
    /// What each node did to the tissue over the run.
    pub efforts: Vec<NodeEffort>,
    /// Where each node went deepest beyond what the force law is held to, if it did.
    pub beyond: Vec<Option<Beyond>>,
    /// Farthest that the hip moved out of the machine, m.
    pub trunk_lift_m: f64,
    /// Current of each drive.
    pub motors: Vec<MotorPeak>,
    /// What joints and closings carried.
    pub joints: Vec<JointLoad>,
    /// What drives did.
    pub drives: Vec<DriveLoad>,
    /// Widest that a loop stood open, m.
    pub gap_m: f64,
    /// Limits passed.
    pub violations: Vec<Violation>,
    /// Largest value over what was allowed, by any limit: see [`Guard::load`](crate::Guard::load).
    pub load: f64,
    /// What ended the run early.
    pub fault: Option<Fault>,
    /// How long it went, s.
    pub duration_s: f64,
    /// Steps.
    pub steps: u64,
    /// Cells in contact for each node that touched, mean.
    pub cells_per_patch: f64,
}

/// Channels of a node in a row.
const NODE_CHANNELS: [&str; 13] = [
    "force_n",
    "peak_pa",
    "area_m2",
    "depth_m",
    "u",
    "x_m",
    "pain_fraction",
    "shear_down_n",
    "shear_right_n",
    "power_w",
    "at_x_m",
    "at_y_m",
    "at_z_m",
];

/// Runs a rig's simulation to its end, or until `keep_going(t_s, duration_s)` says no: what is done is kept.
pub fn record_rig(
    sim: &mut RigSim,
    recording: &Recording,
    keep_going: &mut dyn FnMut(f64, f64) -> bool,
) -> RigTrace {
    let rig = sim.linkage().rig();
    let motors = rig.drives.iter().map(|drive| drive.name.as_str());
    let mut tally = Tally::new(&sim.subject().bed, recording, rig.heads.len(), motors);
    let mut sizing = Sizing::default();
    let (mut rows, mut link_poses, mut back_poses) = (Vec::new(), Vec::new(), Vec::new());
    let mut gap_m: f64 = 0.0;
    let mut fault = None;
    let duration_s = sim.scene().duration_s;
    while !sim.is_done() {
        if let Err(broken) = sim.step() {
            fault = Some(broken);
            break;
        }
        sizing.add(sim.world());
        let frame = sim.frame();
        gap_m = gap_m.max(frame.gap_m);
        let current_a = frame.drives.iter().map(|drive| drive.current_a);
        if tally.add(&sim.pressing(), sim.lean().y_m, current_a) {
            rows.push(row(sim));
            let machine_from_ground = sim.machine_from_ground();
            let poses = frame.links.iter().map(|link| machine_from_ground * link);
            link_poses.push(poses.collect());
            back_poses.push(sim.machine_from_back());
            if !keep_going(tally.duration_s, duration_s) {
                break;
            }
        }
    }
    sim.watch_dose(&tally.map);
    let rig = sim.linkage().rig();
    let links = rig.links.iter().map(|l| l.name.clone());
    RigTrace {
        rate_hz: recording.rate_hz,
        columns: columns(sim),
        rows,
        links: std::iter::once(mechanism::GROUND.to_owned())
            .chain(links)
            .collect(),
        link_poses,
        back_poses,
        node_names: rig.heads.iter().map(|h| h.node.name.clone()).collect(),
        efforts: tally.efforts(&sim.pressing()),
        trunk_lift_m: tally.trunk_lift_m,
        motors: tally.motors(),
        joints: sizing.joints(sim.world()),
        drives: sizing.drives(sim.world()),
        gap_m,
        violations: sim.violations().to_vec(),
        load: sim.load(),
        fault,
        duration_s: tally.duration_s,
        steps: tally.steps,
        cells_per_patch: tally.cells_per_patch(),
        nodes: tally.nodes,
        beyond: tally.beyond,
        movie: tally.camera.map(Camera::movie),
        map: tally.map,
    }
}

impl RigTrace {
    /// Values of a column over the rows; `None` where there is none of the name.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let index = self.columns.iter().position(|c| c == name)?;
        Some(self.rows.iter().map(|row| row[index]).collect())
    }
}

/// Unit suffixes of a joint: position, rate, effort; `None` for joints of no or three freedoms.
fn units(kind: &JointKind) -> Option<[&'static str; 3]> {
    match kind {
        JointKind::Revolute => Some(["rad", "rad_s", "nm"]),
        JointKind::Prismatic | JointKind::Track { .. } => Some(["m", "m_s", "n"]),
        JointKind::Spherical | JointKind::Fixed => None,
    }
}

fn columns(sim: &RigSim) -> Vec<String> {
    let linkage = sim.linkage();
    let rig = linkage.rig();
    let mut out = vec!["t_s".to_owned()];
    for joint in &rig.joints {
        if let Some([position, rate, _]) = units(&joint.kind) {
            out.push(format!("{}_joint_{position}", joint.name));
            out.push(format!("{}_joint_{rate}", joint.name));
        }
    }
    for (drive, &joint) in rig.drives.iter().zip(linkage.driven()) {
        let effort = units(&rig.joints[joint].kind).map_or("nm", |u| u[2]);
        out.push(format!("{}_drive_{effort}", drive.name));
        out.push(format!("{}_current_a", drive.name));
        if drive.control.pulses_per_turn > 0.0 {
            let position = units(&rig.joints[joint].kind).map_or("rad", |u| u[0]);
            out.push(format!("{}_counted_{position}", drive.name));
        }
    }
    for closing in &rig.closings {
        out.push(format!("{}_closing_n", closing.name));
    }
    for name in ["gap_m", "lean_y_m", "lean_z_m", "lean_pitch_rad", "pad_n"] {
        out.push(name.to_owned());
    }
    for head in &rig.heads {
        for channel in NODE_CHANNELS {
            out.push(format!("{}_{channel}", head.node.name));
        }
    }
    out
}

fn row(sim: &RigSim) -> Vec<f64> {
    let (frame, rig) = (sim.frame(), sim.linkage().rig());
    let mut out = vec![frame.t_s];
    for (i, joint) in rig.joints.iter().enumerate() {
        if units(&joint.kind).is_some() {
            out.extend([frame.positions[i], frame.rates[i]]);
        }
    }
    for (drive, described) in frame.drives.iter().zip(&rig.drives) {
        out.extend([drive.effort, drive.current_a]);
        if described.control.pulses_per_turn > 0.0 {
            out.push(drive.counted);
        }
    }
    out.extend(frame.closing_n.iter().map(|force| force.norm()));
    let lean = sim.lean();
    out.extend([frame.gap_m, lean.y_m, lean.z_m, lean.pitch_rad, sim.pad_n()]);
    let machine_from_ground = sim.machine_from_ground();
    for ((c, zone), head) in sim.contacts().iter().zip(sim.zones()).zip(&frame.heads) {
        let fraction = c.fraction_of_pain(sim.envelope(), *zone);
        let at = (machine_from_ground * head).translation.vector;
        out.extend([
            c.force_n,
            c.peak_pa,
            c.area_m2,
            c.depth_m,
            c.u,
            c.x_m,
            fraction,
            c.shear_n[0],
            c.shear_n[1],
            c.power_w,
            at.x,
            at.y,
            at.z,
        ]);
    }
    out
}
