//! A virtual durometer: one node pressed into a flat bonded stack.

use crate::bases::Bases;
use crate::indenter::Indenter;
use crate::kernel::{Kernel, KernelBasis};
use crate::motion::Motion;
use crate::pair::{self, PairIndentation};
use crate::patch::{Effort, Ground, Patch, Report};
use crate::relaxation::Creep;
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

/// One moment of an indentation in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Time from the start of the motion, s.
    pub t_s: f64,
    /// Travel from first touch, m.
    pub depth_m: f64,
    /// Normal force, N.
    pub force_n: f64,
}

/// A node over a flat stack: the same contact law as on a back, with nothing else around it.
///
/// Depth is counted from first touch, for a tilted node too: from where its foremost point meets the skin.
#[derive(Clone, Debug)]
pub struct Durometer {
    pub(crate) stack: Stack,
    node: Indenter,
    tilt_rad: f64,
    turn_rad: f64,
    cell_m: Option<f64>,
    cells: f64,
    stiffening: Stiffening,
    bases: Option<Bases>,
}

/// Cells in contact that the automatic grid aims at, some 50 across a round contact. A stiff skin carries a narrow ring
/// of pressure, and a ring of cells has a jagged edge: with 2000 the peak of smooth nodes is good to 5 % of an outside
/// solution (which is itself no finer), with 1000 to 8 %, with 250 to 12 %. Force needs a tenth of them.
const CELLS: f64 = 2000.0;

/// The same for a motion, which is solved a few hundred times and gives forces alone.
const CELLS_IN_MOTION: f64 = 400.0;

/// And for a pair, which gives forces alone on windows twice as wide.
const CELLS_IN_PAIR: f64 = 600.0;

/// Cells across the window of the first solve, which finds out how large the contact is.
const PILOT_ACROSS: f64 = 20.0;

/// Cells across a window at most: a long thin contact takes fewer than it should rather than minutes.
const ACROSS_MAX: f64 = 120.0;

impl Durometer {
    /// A node that comes straight down, on a grid that fits its contact. Solves the stack's large-strain law at once.
    pub fn new(stack: Stack, node: Indenter) -> Durometer {
        Durometer {
            stiffening: Stiffening::of(&stack, node.law_radius_m()),
            stack,
            node,
            tilt_rad: 0.0,
            turn_rad: 0.0,
            cell_m: None,
            bases: None,
            cells: CELLS,
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

    /// With a grid that still fits the contact, but with about so many cells in it: 50 to 5000, usually 2000. 300 give the
    /// force to 0.3 % and the radius to 3 % in a tenth of the time; peaks want all of them.
    #[must_use]
    pub fn with_cells(mut self, cells: f64) -> Durometer {
        self.cells = cells;
        self
    }

    /// With the node tilted by `tilt_rad` about its travel axis z: its +x end goes in first.
    #[must_use]
    pub fn with_tilt_rad(mut self, tilt_rad: f64) -> Durometer {
        self.tilt_rad = tilt_rad;
        self
    }

    /// With the node, tilted or not, turned by `turn_rad` about the inward surface normal y: from z towards x.
    #[must_use]
    pub fn with_turn_rad(mut self, turn_rad: f64) -> Durometer {
        self.turn_rad = turn_rad;
        self
    }

    /// The instantaneous answer at each depth, m.
    pub fn indent(&self, depths_m: &[f64]) -> Vec<Indentation> {
        depths_m
            .iter()
            .map(|&depth_m| self.press(depth_m, self.cells).indentation(depth_m))
            .collect()
    }

    /// Pressure at one depth along a line through the node's origin: lateral place, m, and pressure, Pa, from the middle
    /// outwards; of a tilted node, whose contact lies to one side, the whole line. `along_z` takes it along z instead of x.
    pub fn profile(&self, depth_m: f64, along_z: bool) -> Vec<(f64, f64)> {
        let Pressed { bench, patch } = self.press(depth_m, self.cells);
        let (side, cell_m) = (bench.side, bench.cell_m);
        let place = |i: usize, axis: usize| i as f64 * cell_m + bench.corner_m[axis];
        let (along, across) = if along_z { (1, 0) } else { (0, 1) };
        // The window of a tilted node need not hold the line.
        let Some(row) = (0..side).find(|&i| place(i, across).abs() <= 0.5001 * cell_m) else {
            return Vec::new();
        };
        (0..side)
            .filter(|&i| self.tilt_rad != 0.0 || place(i, along) > -0.01 * cell_m)
            .map(|i| {
                let cell = if along_z {
                    i * side + row
                } else {
                    row * side + i
                };
                (place(i, along), patch.pressure_pa()[cell])
            })
            .collect()
    }

    /// Two equal nodes side by side, `spacing_m` apart along x, at equal depth; both tilted and turned alike.
    pub fn pair(&self, depth_m: f64, spacing_m: f64) -> PairIndentation {
        pair::press(
            self,
            self.press(depth_m, self.cells.min(CELLS_IN_PAIR)),
            depth_m,
            spacing_m,
        )
    }

    /// Force while the node moves as told, relaxation included.
    ///
    /// Steps are chosen by accuracy: a step is taken twice in halves, and halved again until two halves and the whole
    /// give the same force, and the middle lies on the straight line between the ends, both to 0.1 % of the
    /// instantaneous force at the largest depth. So what is returned may be joined by straight lines.
    pub fn follow(&self, motion: &Motion) -> Vec<Moment> {
        let Pressed { bench, patch } =
            self.press(motion.depth_max_m(), self.cells.min(CELLS_IN_MOTION));
        let scale_n = bench.force_n(&patch);
        let creep = Creep::of(&self.stack);
        let terms = creep.as_ref().map_or(0, |c| c.terms().len());
        let mut run = Run {
            at: State {
                patch: Patch::new(bench.side, terms),
                moment: Moment {
                    t_s: 0.0,
                    depth_m: 0.0,
                    force_n: 0.0,
                },
            },
            bench: &bench,
            creep: creep.as_ref(),
            motion,
            tolerance_n: 1e-3 * scale_n,
        };
        // A motion may begin with a jump.
        run.at = run.after(&run.at, 0.0);
        let mut moments = vec![run.at.moment];
        for until_s in motion.stretches_s() {
            run.stretch(until_s, &mut moments);
        }
        moments
    }

    /// Largest half edge, m, of the square that holds all of the node that would lie under the resting skin at a depth:
    /// about the half width of the contact, and never much less.
    pub fn half_width_m(&self, depth_m: f64) -> f64 {
        self.footprint(depth_m).half()
    }

    /// One depth on a grid that holds its contact, with cells of the given edge or, if none was given, about so many
    /// in contact.
    fn press(&self, depth_m: f64, cells: f64) -> Pressed {
        let mut frame = self.footprint(depth_m);
        let mut pilot = self.cell_m.is_none();
        let mut cell_m = self.cell_m.unwrap_or(2.0 * frame.half() / PILOT_ACROSS);
        loop {
            let bench = Bench::new(self, &frame, cell_m, &[0.0]);
            let pressed = Pressed::new(bench, depth_m);
            let used = pressed.frame();
            let holds = (0..2).all(|axis| {
                let (off_m, window_m) = (
                    (used.centre_m[axis] - frame.centre_m[axis]).abs(),
                    frame.half() - 1.5 * cell_m,
                );
                used.half_m[axis] + off_m <= window_m
            });
            if !holds && frame.half() < 1.0 {
                frame.half_m = [1.4 * frame.half() + 2.0 * cell_m; 2];
                continue;
            }
            if !pilot {
                return pressed;
            }
            pilot = false;
            let area_m2 = pressed.indentation(depth_m).area_m2;
            frame = used.widened(2.0 * cell_m);
            cell_m = (area_m2 / cells)
                .sqrt()
                .max(2.0 * frame.half() / ACROSS_MAX);
        }
    }

    /// Where the node would be under the resting skin at a depth, found on a coarse net that is drawn in step by step.
    fn footprint(&self, depth_m: f64) -> Frame {
        const NET: i32 = 12;
        let (node_from_surface, down, tip) = self.attitude();
        let foremost = node_from_surface.inverse_transform_point(&tip.into());
        let radius_m = match self.node {
            Indenter::Paraboloid { radius_m } => {
                // It has no end; tilted, its section with the skin is stretched by as much as its axis leans.
                2.0 * (2.0 * radius_m * depth_m).sqrt() / down.y.powi(2)
            }
            _ => 2.0 * self.node.bound_m() + depth_m,
        };
        let mut frame = Frame {
            centre_m: [foremost.x, foremost.z],
            half_m: [radius_m; 2],
        };
        for _ in 0..24 {
            let step_m = frame.half_m.map(|h| h / f64::from(NET));
            let (mut low, mut high) = ([0i32; 2], [0i32; 2]);
            for iz in -NET..=NET {
                for ix in -NET..=NET {
                    let at = [ix, iz];
                    let place = [0, 1].map(|i| frame.centre_m[i] + f64::from(at[i]) * step_m[i]);
                    if self.reach_m(&node_from_surface, &down, tip.dot(&down), place) > -depth_m {
                        low = [0, 1].map(|i| low[i].min(at[i]));
                        high = [0, 1].map(|i| high[i].max(at[i]));
                    }
                }
            }
            let next = Frame {
                centre_m: [0, 1]
                    .map(|i| frame.centre_m[i] + 0.5 * f64::from(low[i] + high[i]) * step_m[i]),
                half_m: [0, 1].map(|i| (0.5 * f64::from(high[i] - low[i]) + 1.0) * step_m[i]),
            };
            let drawn_in = (0..2).any(|i| next.half_m[i] < 0.8 * frame.half_m[i]);
            frame = next;
            if !drawn_in {
                break;
            }
        }
        frame
    }

    /// By how much of a cell the origin stands beside a cell's centre, x and z.
    ///
    /// All that a grid sees of a flat punch is which cells lie under it, and its force goes with the area of these. Against
    /// exact solutions (Hayes 1972, thickness 0.5 to 5 radii) it is right where their circle is 0.12 cells wider than
    /// the punch, and up to 6 % off where it is not, on 20 cells across. So the punch stands where it comes nearest.
    fn off_centre(&self, cell_m: f64) -> [f64; 2] {
        const WIDER: f64 = 0.12;
        const STEPS: i32 = 10;
        let Indenter::Flat { radius_m } = self.node else {
            return [0.0; 2];
        };
        let radius = radius_m / cell_m;
        if self.tilt_rad != 0.0 || radius > ACROSS_MAX {
            return [0.0; 2];
        }
        let mut best = (f64::INFINITY, [0.0; 2]);
        for ix in 0..=STEPS {
            for iz in 0..=ix {
                let off = [ix, iz].map(|i| 0.5 * f64::from(i) / f64::from(STEPS));
                let circle = (cells_within(radius, off) / std::f64::consts::PI).sqrt();
                let miss = (circle - radius - WIDER).abs();
                if miss < best.0 - 1e-9 {
                    best = (miss, off);
                }
            }
        }
        best.1
    }

    /// From the surface's frame to the node's; the inward normal and the foremost point in the node's.
    pub(crate) fn attitude(&self) -> (UnitQuaternion<f64>, Vector3<f64>, Vector3<f64>) {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), self.turn_rad);
        let tilt = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.tilt_rad);
        let node_from_surface = (turn * tilt).inverse();
        let down = node_from_surface * Vector3::y();
        (node_from_surface, down, self.node.foremost(&down).coords)
    }

    /// How far the node that just touches reaches past the skin at a place (x, z) beside its origin, m: 0 at most.
    fn reach_m(
        &self,
        node_from_surface: &UnitQuaternion<f64>,
        down: &Vector3<f64>,
        tip_m: f64,
        place: [f64; 2],
    ) -> f64 {
        let skin = Point3::new(place[0], tip_m, place[1]);
        self.node
            .reach(&(node_from_surface * skin), down)
            .unwrap_or(f64::NEG_INFINITY)
    }
}

/// Cells of edge 1 whose centres lie within a circle that stands beside a cell's centre.
fn cells_within(radius: f64, off: [f64; 2]) -> f64 {
    let far = radius.ceil() as i32 + 1;
    let mut count = 0.0;
    for row in -far..=far {
        let z = f64::from(row) - off[1];
        let half = (radius * radius - z * z).max(0.0).sqrt();
        if z.abs() <= radius {
            count += (half + off[0]).floor() + (half - off[0]).floor() + 1.0;
        }
    }
    count
}

/// A rectangle of the surface, m from the node's origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Along x and z.
    pub centre_m: [f64; 2],
    pub half_m: [f64; 2],
}

impl Frame {
    /// Half edge of the square around it, m.
    pub fn half(&self) -> f64 {
        self.half_m[0].max(self.half_m[1])
    }

    pub fn widened(self, by_m: f64) -> Frame {
        Frame {
            half_m: self.half_m.map(|h| h + by_m),
            ..self
        }
    }
}

/// A grid over the stack under one node, or under several alike.
pub(crate) struct Bench {
    pub side: usize,
    pub cell_m: f64,
    /// Centre of the first cell, x and z, m from the origin.
    pub corner_m: [f64; 2],
    kernel: Kernel,
    stiffening: Stiffening,
    /// Overlap when a node just touches, m: 0 or less.
    touching_m: Vec<f64>,
}

impl Bench {
    /// A square grid that holds a frame; one node stands at each place `nodes_x_m` along x.
    pub fn new(d: &Durometer, frame: &Frame, cell_m: f64, nodes_x_m: &[f64]) -> Bench {
        let side = ((2.0 * frame.half() / cell_m).ceil() as usize + 2) | 1;
        let top_m = d.stack.layers()[0].thickness_m;
        let kernel = match &d.bases {
            Some(bases) => bases.get(cell_m, side, top_m).kernel(&d.stack),
            None => KernelBasis::new(cell_m, side, top_m).kernel(&d.stack),
        };
        // The origin falls on a cell's centre, or where a punch is round.
        let off = d.off_centre(cell_m);
        let corner_m = [0, 1]
            .map(|i| ((frame.centre_m[i] / cell_m).round() - (side / 2) as f64 - off[i]) * cell_m);
        let (node_from_surface, down, tip) = d.attitude();
        let tip_m = tip.dot(&down);
        let touching_m = (0..side * side)
            .map(|i| {
                let x_m = corner_m[0] + (i % side) as f64 * cell_m;
                let z_m = corner_m[1] + (i / side) as f64 * cell_m;
                nodes_x_m
                    .iter()
                    .map(|node_m| d.reach_m(&node_from_surface, &down, tip_m, [x_m - node_m, z_m]))
                    .fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        Bench {
            side,
            cell_m,
            corner_m,
            kernel,
            stiffening: d.stiffening,
            touching_m,
        }
    }

    /// Presses a patch to a depth, with what others sink the surface by, or with time.
    pub fn solve(
        &self,
        patch: &mut Patch,
        depth_m: f64,
        sink_m: Option<&[f64]>,
        creep: Option<(&Creep, f64)>,
    ) -> Report {
        let overlap_m: Vec<f64> = self.touching_m.iter().map(|t| t + depth_m).collect();
        let ground = Ground {
            kernel: &self.kernel,
            stiffening: &self.stiffening,
            cover: None,
            carrier_m_n: 0.0,
            creep,
        };
        patch.solve(&overlap_m, sink_m, &ground, &Effort::STATIC)
    }

    pub fn force_n(&self, patch: &Patch) -> f64 {
        patch.pressure_pa().iter().sum::<f64>() * self.cell_m * self.cell_m
    }

    /// Centre of a cell, x and z, m from the origin.
    pub fn place_m(&self, cell: usize) -> [f64; 2] {
        [
            self.corner_m[0] + (cell % self.side) as f64 * self.cell_m,
            self.corner_m[1] + (cell / self.side) as f64 * self.cell_m,
        ]
    }
}

/// A grid and the pressure on it.
pub(crate) struct Pressed {
    pub bench: Bench,
    pub patch: Patch,
}

impl Pressed {
    pub fn new(bench: Bench, depth_m: f64) -> Pressed {
        let mut patch = Patch::new(bench.side, 0);
        bench.solve(&mut patch, depth_m, None, None);
        Pressed { bench, patch }
    }

    fn indentation(&self, depth_m: f64) -> Indentation {
        let p = self.patch.pressure_pa();
        let cells = p.iter().filter(|p| **p > 0.0).count();
        Indentation {
            depth_m,
            force_n: self.bench.force_n(&self.patch),
            area_m2: cells as f64 * self.bench.cell_m * self.bench.cell_m,
            peak_pa: p.iter().copied().fold(0.0, f64::max),
            cell_m: self.bench.cell_m,
            cells,
        }
    }

    /// Smallest rectangle that holds the contact.
    pub fn frame(&self) -> Frame {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for (i, p) in self.patch.pressure_pa().iter().enumerate() {
            if *p > 0.0 {
                let at = self.bench.place_m(i);
                low = [0, 1].map(|i| low[i].min(at[i]));
                high = [0, 1].map(|i| high[i].max(at[i]));
            }
        }
        if low[0] > high[0] {
            (low, high) = ([0.0; 2], [0.0; 2]);
        }
        Frame {
            centre_m: [0, 1].map(|i| 0.5 * (low[i] + high[i])),
            half_m: [0, 1].map(|i| 0.5 * (high[i] - low[i] + self.bench.cell_m)),
        }
    }
}

/// A motion under way.
struct Run<'a> {
    bench: &'a Bench,
    creep: Option<&'a Creep>,
    motion: &'a Motion,
    tolerance_n: f64,
    at: State,
}

#[derive(Clone)]
struct State {
    patch: Patch,
    moment: Moment,
}

impl Run<'_> {
    /// Goes on to a time within one smooth stretch of the motion.
    fn stretch(&mut self, until_s: f64, moments: &mut Vec<Moment>) {
        let start_s = self.at.moment.t_s;
        let length_s = until_s - start_s;
        // Below a millionth of the stretch time no longer explains a difference.
        let shortest_s = 1e-6 * length_s;
        let mut step_s = length_s / 8.0;
        while self.at.moment.t_s < until_s - shortest_s {
            let left_s = until_s - self.at.moment.t_s;
            // The last steps share what is left.
            step_s = left_s / (left_s / step_s).ceil().max(1.0);
            let whole = self.after(&self.at, step_s);
            let half = self.after(&self.at, 0.5 * step_s);
            let end = self.after(&half, 0.5 * step_s);
            let [before_n, middle_n, end_n] = [&self.at, &half, &end].map(|s| s.moment.force_n);
            let error_n = (whole.moment.force_n - end_n)
                .abs()
                .max((middle_n - 0.5 * (before_n + end_n)).abs());
            if error_n > self.tolerance_n && step_s > 2.0 * shortest_s {
                step_s *= 0.5;
                continue;
            }
            moments.extend([half.moment, end.moment]);
            self.at = end;
            if error_n < 0.2 * self.tolerance_n {
                step_s *= 2.0;
            }
        }
    }

    /// The state a step later.
    fn after(&self, from: &State, step_s: f64) -> State {
        let mut patch = from.patch.clone();
        let t_s = from.moment.t_s + step_s;
        let depth_m = self.motion.depth_m(t_s);
        let creep = self.creep.map(|c| (c, step_s));
        self.bench.solve(&mut patch, depth_m, None, creep);
        let force_n = self.bench.force_n(&patch);
        State {
            patch,
            moment: Moment {
                t_s,
                depth_m,
                force_n,
            },
        }
    }
}
