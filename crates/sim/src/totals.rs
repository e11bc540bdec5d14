//! What a run comes to, whatever the machine.

use crate::fault::Fault;
use crate::guard::Violation;
use crate::movie::Movie;
use crate::rig_trace::RigTrace;
use crate::trace::{Beyond, MotorPeak, NodeEffort, NodePeak, PressureMap, Trace};

/// The part of a trace that carriages and rigs have in common. Lists over nodes are in the trace's order.
#[derive(Clone, Copy, Debug)]
pub struct Totals<'a> {
    /// How long it went, s.
    pub duration_s: f64,
    /// Peaks of each node over all steps.
    pub nodes: &'a [NodePeak],
    /// What each node did to the tissue over the run.
    pub efforts: &'a [NodeEffort],
    /// Where each node went deepest beyond what the force law is held to, if it did.
    pub beyond: &'a [Option<Beyond>],
    /// Current of each motor.
    pub motors: &'a [MotorPeak],
    /// Farthest that the hip moved out of the machine, m.
    pub trunk_lift_m: f64,
    /// Cells in contact for each node that touched, mean.
    pub cells_per_patch: f64,
    /// Limits passed.
    pub violations: &'a [Violation],
    /// Largest value over what was allowed, by any limit: see [`Guard::load`](crate::Guard::load).
    pub load: f64,
    /// What ended the run early.
    pub fault: Option<&'a Fault>,
    /// Pressure over the back.
    pub map: &'a PressureMap,
    /// The same in time, where it was asked for.
    pub movie: Option<&'a Movie>,
}

/// Both traces call these things alike.
macro_rules! totals_of {
    ($($trace:ty),*) => {$(
        impl<'a> From<&'a $trace> for Totals<'a> {
            fn from(trace: &'a $trace) -> Totals<'a> {
                Totals {
                    duration_s: trace.duration_s,
                    nodes: &trace.nodes,
                    efforts: &trace.efforts,
                    beyond: &trace.beyond,
                    motors: &trace.motors,
                    trunk_lift_m: trace.trunk_lift_m,
                    cells_per_patch: trace.cells_per_patch,
                    violations: &trace.violations,
                    load: trace.load,
                    fault: trace.fault.as_ref(),
                    map: &trace.map,
                    movie: trace.movie.as_ref(),
                }
            }
        }
    )*};
}
totals_of!(Trace, RigTrace);

impl Totals<'_> {
    /// Largest force of any node at any step, N.
    pub fn force_n(&self) -> f64 {
        worst(self.nodes.iter().map(|n| n.force_n))
    }

    /// Largest local pressure at any step, Pa.
    pub fn peak_pa(&self) -> f64 {
        worst(self.nodes.iter().map(|n| n.peak_pa))
    }
}

fn worst(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}
