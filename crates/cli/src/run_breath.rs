//! What breathing does to the forces of a run: the run laid beside the same one with the breath held.

use crate::run::RATE_HZ;
use crate::talk;
use back::Envelope;
use scene::{Breath, RigScene, Scene};
use serde::Serialize;
use sim::{Bed, Recording, RigTrace, Trace, record_rig, record_with};
use std::sync::Arc;
use tune::seat::{seat, seat_at_rig};

/// The difference that the breath makes, node by node, over the rows in which a node presses in either run.
#[derive(Serialize)]
pub struct BreathSwing {
    way_mm: f64,
    rate_hz: f64,
    force_largest_n: Vec<f64>,
    force_rms_n: Vec<f64>,
}

/// A node that presses less is not in contact, N.
const CONTACT_N: f64 = 1.0;

impl BreathSwing {
    /// Of a session on a carriage; none where the breath is held, or the second run breaks.
    pub fn of_session(scene: &Scene, trace: &Trace, envelope: &Envelope) -> Option<BreathSwing> {
        if scene.breath.is_held() {
            return None;
        }
        let held = Arc::new(Scene {
            breath: Breath::default(),
            ..scene.clone()
        });
        let mut sim = seat(&held, envelope.clone()).ok()?;
        let still = record_with(&mut sim, &rows(RATE_HZ), &mut |_, _| !talk::stop_asked());
        let forces = |trace: &Trace| trace.rows.iter().map(|r| r.force_n.to_vec()).collect();
        Some(BreathSwing::between(
            scene.breath,
            forces(trace),
            forces(&still),
        ))
    }

    /// Of a rig, whose rows come at `rate_hz`.
    pub fn of_rig(
        scene: &RigScene,
        trace: &RigTrace,
        envelope: &Envelope,
        rate_hz: f64,
    ) -> Option<BreathSwing> {
        if scene.breath.is_held() {
            return None;
        }
        let held = Arc::new(RigScene {
            breath: Breath::default(),
            ..scene.clone()
        });
        let groundwork = Bed::groundwork(held.solver.cell_m);
        let mut sim = seat_at_rig(&held, envelope.clone(), &groundwork).ok()?;
        let still = record_rig(&mut sim, &rows(rate_hz), &mut |_, _| !talk::stop_asked());
        let columns: Vec<usize> = trace
            .node_names
            .iter()
            .filter_map(|n| {
                trace
                    .columns
                    .iter()
                    .position(|c| *c == format!("{n}_force_n"))
            })
            .collect();
        let forces = |trace: &RigTrace| {
            let one = |row: &Vec<f64>| columns.iter().map(|c| row[*c]).collect();
            trace.rows.iter().map(one).collect()
        };
        Some(BreathSwing::between(
            scene.breath,
            forces(trace),
            forces(&still),
        ))
    }

    fn between(breath: Breath, with: Vec<Vec<f64>>, without: Vec<Vec<f64>>) -> BreathSwing {
        let nodes = with.first().map_or(0, Vec::len);
        let mut swing = BreathSwing {
            way_mm: 1e3 * breath.way_m,
            rate_hz: breath.rate_hz,
            force_largest_n: vec![0.0; nodes],
            force_rms_n: vec![0.0; nodes],
        };
        for node in 0..nodes {
            let pairs = with.iter().zip(&without).map(|(a, b)| (a[node], b[node]));
            let pressed = pairs.filter(|(a, b)| a.max(*b) > CONTACT_N);
            let differences: Vec<f64> = pressed.map(|(a, b)| a - b).collect();
            let squares: f64 = differences.iter().map(|d| d * d).sum();
            swing.force_largest_n[node] = differences.iter().fold(0.0, |m, d| d.abs().max(m));
            swing.force_rms_n[node] = (squares / differences.len().max(1) as f64).sqrt();
        }
        swing
    }

    /// In a line.
    pub fn line(&self) -> String {
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        format!(
            "breathing ({} mm, {} Hz; E) changes node forces by up to {:.1} N, {:.1} N rms at the node that feels it most",
            self.way_mm,
            self.rate_hz,
            most(&self.force_largest_n),
            most(&self.force_rms_n)
        )
    }
}

fn rows(rate_hz: f64) -> Recording {
    Recording {
        map: false,
        ..Recording::rows(rate_hz)
    }
}
