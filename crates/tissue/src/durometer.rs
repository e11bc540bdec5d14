//! A virtual durometer: one node pressed into a flat bonded stack.

use crate::bases::Bases;
use crate::indenter::Indenter;
use crate::kernel::{Kernel, KernelBasis};
use crate::patch::{Effort, Ground, Patch};
use crate::stack::Stack;
use crate::stiffening::Stiffening;
use nalgebra::{Point3, UnitQuaternion, Vector3};

/// What one static indentation gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Indentation {
    /// Travel from first touch, m.
    pub depth_m: f64,
    /// Normal force, N: the integral of the pressure.
    pub force_n: f64,
    /// Projected contact area, m^2.
    pub area_m2: f64,
    /// Largest pressure on a cell, Pa.
    pub peak_pa: f64,
    /// Edge of the cells it was computed with, m.
    pub cell_m: f64,
    /// Cells in contact.
    pub cells: usize,
}

impl Indentation {
    /// `sqrt(area / pi)`, m.
    pub fn contact_radius_m(&self) -> f64 {
        (self.area_m2 / std::f64::consts::PI).sqrt()
    }

    /// Force over area, Pa; 0 without contact.
    pub fn mean_pa(&self) -> f64 {
        if self.area_m2 > 0.0 {
            self.force_n / self.area_m2
        } else {
            0.0
        }
    }
}

/// A node over a flat stack: the same contact law as on a back, with nothing else around it.
#[derive(Clone, Debug)]
pub struct Durometer {
    stack: Stack,
    node: Indenter,
    /// Attitude of the node: its y axis against the surface normal.
    node_from_surface: UnitQuaternion<f64>,
    cell_m: Option<f64>,
    stiffening: Stiffening,
    bases: Option<Bases>,
}

/// Cells across the contact that the automatic grid aims at.
const CELLS_ACROSS: f64 = 20.0;

impl Durometer {
    /// A node that comes straight down, on a grid that fits its contact. Solves the stack's large-strain law at once.
    pub fn new(stack: Stack, node: Indenter) -> Durometer {
        Durometer {
            stiffening: Stiffening::of(&stack, node.law_radius_m()),
            stack,
            node,
            node_from_surface: UnitQuaternion::identity(),
            cell_m: None,
            bases: None,
        }
    }

    /// The large-strain law of the stack under this node.
    pub fn stiffening(&self) -> &Stiffening {
        &self.stiffening
    }

    /// With cells of a given edge.
    #[must_use]
    pub fn with_cell_m(mut self, cell_m: f64) -> Durometer {
        self.cell_m = Some(cell_m);
        self
    }

    /// With grids that other durometers have built, or will use again.
    #[must_use]
    pub fn with_bases(mut self, bases: &Bases) -> Durometer {
        self.bases = Some(bases.clone());
        self
    }

    /// With the node tilted by `tilt_rad` about its travel axis z.
    #[must_use]
    pub fn with_tilt_rad(mut self, tilt_rad: f64) -> Durometer {
        self.node_from_surface = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -tilt_rad);
        self
    }

    /// The instantaneous answer at each depth, m.
    pub fn indent(&self, depths_m: &[f64]) -> Vec<Indentation> {
        depths_m
            .iter()
            .map(|&depth_m| self.press(depth_m).0)
            .collect()
    }

    /// Pressure along a line through the middle of the contact at one depth: lateral place, m, and pressure, Pa, from the
    /// middle outwards. `along_z` takes the line along z instead of x.
    pub fn profile(&self, depth_m: f64, along_z: bool) -> Vec<(f64, f64)> {
        let (result, patch) = self.press(depth_m);
        let (side, middle) = (patch.side(), patch.side() / 2);
        (middle..side)
            .map(|i| {
                let cell = if along_z {
                    i * side + middle
                } else {
                    middle * side + i
                };
                (
                    (i - middle) as f64 * result.cell_m,
                    patch.pressure_pa()[cell],
                )
            })
            .collect()
    }

    /// One depth: the figures, and the pressed window (its centre cell is under the node).
    fn press(&self, depth_m: f64) -> (Indentation, Patch) {
        let mut half_m = self.half_width_guess_m(depth_m);
        loop {
            let cell_m = self.cell_m.unwrap_or(2.0 * half_m / CELLS_ACROSS);
            let bench = Bench::new(self, cell_m, half_m, depth_m);
            let (result, patch) = bench.solve(depth_m);
            let used_m = bench.contact_half_width_m(&patch);
            // The grid must hold the contact, and an automatic one must be fine enough for it.
            let full = used_m + 1.5 * cell_m >= bench.half_m();
            let coarse = self.cell_m.is_none() && used_m < 0.7 * half_m && result.cells > 0;
            if full && half_m < 1.0 {
                half_m *= 1.4;
            } else if coarse {
                half_m = 1.15 * used_m;
            } else {
                return (result, patch);
            }
        }
    }

    /// Half width of the contact if the surface around it stayed where it is, m.
    fn half_width_guess_m(&self, depth_m: f64) -> f64 {
        let geometric = match self.node {
            Indenter::Flat { radius_m } => radius_m,
            Indenter::Roller {
                radius_m, length_m, ..
            } => (0.5 * length_m).max((2.0 * radius_m * depth_m).sqrt().min(radius_m)),
            Indenter::Ellipsoid {
                semi_axes_m: [a, b, c],
            } => {
                let rel = (depth_m / b).min(1.0);
                a.max(c) * (2.0 * rel - rel * rel).sqrt()
            }
            Indenter::Torus { major_m, minor_m } => (2.0 * (major_m + minor_m) * depth_m).sqrt(),
            Indenter::Sphere { radius_m } | Indenter::Paraboloid { radius_m } => {
                (2.0 * radius_m * depth_m).sqrt()
            }
        };
        1.05 * geometric.max(1e-4)
    }
}

/// One grid of a durometer.
struct Bench {
    side: usize,
    cell_m: f64,
    kernel: Kernel,
    stiffening: Stiffening,
    overlap_m: Vec<f64>,
}

impl Bench {
    fn new(d: &Durometer, cell_m: f64, half_m: f64, depth_m: f64) -> Bench {
        let side = (2.0 * half_m / cell_m).ceil() as usize + 2;
        let side = side | 1;
        let top_m = d.stack.layers()[0].thickness_m;
        let kernel = match &d.bases {
            Some(bases) => bases.get(cell_m, side, top_m).kernel(&d.stack),
            None => KernelBasis::new(cell_m, side, top_m).kernel(&d.stack),
        };
        let down = d.node_from_surface * Vector3::y();
        // The node's origin stands so that its foremost point has travelled `depth_m`; a tilted one counts from
        // the bottom point it had before the tilt.
        let tip_m = d.node.extent_m(&Vector3::y());
        let mut overlap_m = Vec::with_capacity(side * side);
        let middle = (side / 2) as f64;
        for iz in 0..side {
            for ix in 0..side {
                let cell = Point3::new(
                    (ix as f64 - middle) * cell_m,
                    tip_m - depth_m,
                    (iz as f64 - middle) * cell_m,
                );
                let reach = d.node.reach(&(d.node_from_surface * cell), &down);
                overlap_m.push(reach.unwrap_or(f64::NEG_INFINITY));
            }
        }
        Bench {
            side,
            cell_m,
            kernel,
            stiffening: d.stiffening,
            overlap_m,
        }
    }

    fn half_m(&self) -> f64 {
        0.5 * self.side as f64 * self.cell_m
    }

    fn solve(&self, depth_m: f64) -> (Indentation, Patch) {
        let mut patch = Patch::new(self.side, 0);
        let ground = Ground {
            kernel: &self.kernel,
            stiffening: &self.stiffening,
            cover: None,
            carrier_m_n: 0.0,
            creep: None,
        };
        let report = patch.solve(&self.overlap_m, None, &ground, &Effort::STATIC);
        let cell_area = self.cell_m * self.cell_m;
        let p = patch.pressure_pa();
        let result = Indentation {
            depth_m,
            force_n: p.iter().sum::<f64>() * cell_area,
            area_m2: report.cells as f64 * cell_area,
            peak_pa: p.iter().copied().fold(0.0, f64::max),
            cell_m: self.cell_m,
            cells: report.cells,
        };
        (result, patch)
    }

    /// Half width of the smallest centred square that holds the contact, m.
    fn contact_half_width_m(&self, patch: &Patch) -> f64 {
        let middle = self.side / 2;
        let mut far = 0;
        for (i, p) in patch.pressure_pa().iter().enumerate() {
            if *p > 0.0 {
                far = far
                    .max((i % self.side).abs_diff(middle))
                    .max((i / self.side).abs_diff(middle));
            }
        }
        (far as f64 + 0.5) * self.cell_m
    }
}
