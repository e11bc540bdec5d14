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
        let force_n = |trace: &Trace, i: usize| trace.rows.iter().map(|r| r.force_n[i]).collect();
        let nodes = (0..trace.nodes.len()).map(|i| [force_n(trace, i), force_n(&still, i)]);
        Some(BreathSwing::of(scene.breath, nodes))
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
        let nodes = trace.node_names.iter().filter_map(|name| {
            let column = format!("{name}_force_n");
            Some([trace.column(&column)?, still.column(&column)?])
        });
        Some(BreathSwing::of(scene.breath, nodes))
    }

    /// From each node's forces with and without the breath, row by row, N.
    fn of(breath: Breath, nodes: impl Iterator<Item = [Vec<f64>; 2]>) -> BreathSwing {
        let mut swing = BreathSwing {
            way_mm: 1e3 * breath.way_m,
            rate_hz: breath.rate_hz,
            force_largest_n: Vec::new(),
            force_rms_n: Vec::new(),
        };
        for [with, without] in nodes {
            let pressed = with
                .iter()
                .zip(&without)
                .filter(|(a, b)| a.max(**b) > CONTACT_N);
            let differences: Vec<f64> = pressed.map(|(a, b)| a - b).collect();
            let squares: f64 = differences.iter().map(|d| d * d).sum();
            let largest_n = differences.iter().fold(0.0, |m: f64, d| d.abs().max(m));
            swing.force_largest_n.push(largest_n);
            swing
                .force_rms_n
                .push((squares / differences.len().max(1) as f64).sqrt());
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
