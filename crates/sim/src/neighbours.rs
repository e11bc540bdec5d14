//! What nodes feel of each other: the dent of one under another.

use crate::bed::{Bed, Foot};
use crate::sim::NODES;
use nalgebra::{Point3, Vector3};

/// A contact as others feel it: a force on a spot of the skin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Centre of pressure, back frame.
    pub(crate) point: Point3<f64>,
    /// Row and column of the node's foot on the bed.
    pub(crate) at: [f64; 2],
    /// Force whose dent this is, N: the present one, and what the skin under it remembers.
    pub(crate) load_n: f64,
    /// Displacement under it over that of small strain: one over the factor of large strain.
    pub(crate) softness: f64,
}

/// The other contacts of a run, in the order of the nodes; `None` where one does not touch.
pub type Others = [Option<Spot>; NODES - 1];

/// How far other contacts sink the skin around a foot: a plane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sink {
    /// Under the foot, m.
    pub(crate) sink_m: f64,
    /// How it rises along the foot's axes: down, to the side.
    pub(crate) slope: [f64; 2],
}

impl Sink {
    /// Under a node at `foot` on skin of `softness`.
    ///
    /// Nodes stand several patches apart, so each is a force at its centre of pressure, and what it does is as good as plane
    /// under another. Tissue differs between the two places: the mean of both is taken, so that a newton here sinks
    /// the skin there by what one there sinks it here (Betti), and pressing in one order and letting go in another gains nothing.
    pub(crate) fn under(bed: &Bed, foot: &Foot, softness: f64, others: &Others) -> Sink {
        let mut sum = Sink::default();
        for other in others.iter().flatten() {
            let away: Vector3<f64> = foot.point - other.point;
            let distance_m = away.norm();
            let (here, here_slope) = bed.far(foot.at, distance_m);
            let (there, there_slope) = bed.far(other.at, distance_m);
            let half_n = 0.5 * other.load_n;
            sum.sink_m += half_n * (softness * here + other.softness * there);
            let slope = half_n * (softness * here_slope + other.softness * there_slope);
            for (along, axis) in sum.slope.iter_mut().zip([foot.down, foot.side]) {
                *along += slope * away.dot(&axis) / distance_m.max(1e-3);
            }
        }
        sum
    }

    /// Force of a node on the user along the skin, N: downhill the skin gives way, as at the node's own dent.
    pub(crate) fn sideways_n(&self, force_n: f64) -> [f64; 2] {
        self.slope.map(|slope| -force_n * slope)
    }
}
