//! The contact of one node: a window of surface cells and the pressure on them.

use crate::cover::Cover;
use crate::frame::{Frame, Span};
use crate::kernel::Kernel;
use crate::lanes::{
    add, add_rounded, advance, complete, count_positive, dot, dot_and_largest, dot_change, filled,
    largest, less, less_rounded, load, mark, mask, stencil, sum, turn, wide,
};
use crate::product::Product;
use crate::relaxation::Creep;
use crate::stiffening::Stiffening;
use std::ops::Range;

/// How hard the solver tries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Residual gap (root mean square over the contact) over the deepest indentation at which a solve stops,
    /// dimensionless. 1e-3 gives the force to about 0.1 %; a smaller one costs products, a larger one lags.
    pub tolerance: f64,
    /// Products with the influence table a solve may take before it reports that it did not converge.
    pub products_max: usize,
    /// Newton rounds; each looks again at the surface law and at the edge of the contact. A moving node that is
    /// solved every few milliseconds needs one, a static answer as many as it takes.
    pub rounds_max: usize,
}

impl Effort {
    /// To the end: for static answers.
    pub const STATIC: Effort = Effort {
        tolerance: 1e-5,
        products_max: 4000,
        rounds_max: 200,
    };
}

/// What the surface is made of under one window.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Influence table of the stack under the window.
    pub kernel: &'a Kernel,
    /// Large-strain law of that stack.
    pub stiffening: &'a Stiffening,
    /// Pad between node and skin, if any.
    pub cover: Option<&'a Cover>,
    /// How far the node as a whole gives way per newton on it, m/N: rubber and arm behind the contact; 0 if rigid.
    pub carrier_m_n: f64,
    /// Relaxation of that stack and the time since the last solve, s; `None` for the instantaneous answer.
    pub creep: Option<(&'a Creep, f64)>,
}

/// How a solve went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Products with the influence table.
    pub products: usize,
    /// Cells in contact.
    pub cells: usize,
    /// Whether [`Effort::tolerance`] was met.
    pub converged: bool,
}

/// A square window of surface cells under one node, row after row, with the pressure on them and what they remember.
///
/// The law, for the cells `i` of the window, with overlap `g` (how far the rigid node reaches past the resting
/// surface along the inward normal), pressure `p >= 0`, influence table `K`:
/// ```text
/// w_i = sum_j K_ij (gain p_j + memory_j) / S   displacement of the skin (gain and memory: see [`Creep`])
/// w_i + cover(p_i) >= g_i - carrier sum_j p_j A,  p_i >= 0,   and one of the two holds with equality
/// S = factor(max_i w_i)                        strain stiffening, see [`Stiffening`]
/// ```
/// Solved by Newton rounds on cover and stiffening, each a conjugate-gradient solve over the cells in contact (after
/// Polonsky and Keer 1999), warm-started from the last pressure. A cell that would pull is let go at once, and its
/// column taken out of the residual, so that a moving edge costs no extra product. Force and moment are sums over `p`.
#[derive(Clone, Debug)]
pub struct Patch {
    side: usize,
    pressure: Vec<f64>,
    /// The same force, gathered where the skin is deepest: what users see.
    field: Vec<f64>,
    /// Creep state, one window per retardation term.
    memory: Vec<Vec<f64>>,
    /// What is or was pressed: other cells remember nothing.
    touched: Frame,
    /// First and one past the last pressed column of each row, as of the last solve.
    pressed: Vec<Span>,
    /// Pressure at the last solve, and at the one before it.
    settled: Vec<f64>,
    earlier: Vec<f64>,
    /// Pressure per metre of further travel.
    tangent: Vec<f32>,
    dent: Dent,
    scratch: Scratch,
}

/// Solves between two looks at the dent that skin remembers: 32 ms in a run, in which a node moves by less than a cell.
const DENT_EVERY: u8 = 4;

/// What the skin remembers, as displacement.
#[derive(Clone, Debug)]
struct Dent {
    /// `K memory`, m, on `spans`.
    field_m: Vec<f32>,
    spans: Vec<Span>,
    /// Looks since it was found.
    age: u8,
}

/// Work space: what a solve overwrites. Increments are in single precision, as the table is; sums start afresh from the
/// pressure, in double precision, at every look. All is zero off the contact, so that loops run over whole rows.
#[derive(Clone, Debug)]
struct Scratch {
    /// 1 on cells in contact, else 0: a factor, so that loops stay straight.
    active: Vec<f32>,
    /// First and one past the last column in contact, row by row.
    spans: Vec<Span>,
    /// The same with a ring around it.
    ringed: Vec<Span>,
    history: Vec<f64>,
    source: Vec<f32>,
    diagonal: Vec<f32>,
    residual: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
    /// The residual, preconditioned; and it with a margin of one row and one cell at either end.
    steered: Vec<f32>,
    margined: Vec<f32>,
    /// How much the pressure of now counts, over the stiffening factor.
    gain: f64,
    /// The creep law's part of that, and 1 over the factor.
    creep_gain: f64,
    softness: f64,
    /// Where the skin is deepest, and the relative slope of the factor there, 1/m.
    deepest: usize,
    /// How deep it is there, m, and how far the node has given way.
    deepest_m: f64,
    give_m: f64,
    split: Split,
    stiffer_per_m: f64,
    /// Give of the node per pressure on one cell, m/Pa.
    carrier_m_pa: f64,
}

/// How skin, cover and carrier shared the travel under the node's foremost point, at the last pressure that was solved for.
#[derive(Clone, Copy, Debug, Default)]
struct Split {
    /// Depth of the skin there, m, and 1 over the stiffening factor it led to.
    depth_m: f64,
    softness: f64,
    /// Sum of the pressures, and the pressure there, Pa.
    sum_pa: f64,
    here_pa: f64,
}

impl Patch {
    /// An unloaded window of `side` by `side` cells that remembers `terms` retardation terms.
    pub fn new(side: usize, terms: usize) -> Patch {
        let zeros = || vec![0.0; side * side];
        let singles = || vec![0.0f32; side * side];
        Patch {
            side,
            pressure: zeros(),
            field: zeros(),
            memory: vec![zeros(); terms],
            touched: Frame::default(),
            pressed: vec![(0, 0); side],
            settled: zeros(),
            earlier: zeros(),
            tangent: singles(),
            dent: Dent {
                field_m: singles(),
                spans: vec![(0, 0); side],
                age: 0,
            },
            scratch: Scratch {
                active: singles(),
                spans: vec![(0, 0); side],
                ringed: vec![(0, 0); side],
                history: zeros(),
                source: singles(),
                diagonal: singles(),
                residual: singles(),
                direction: singles(),
                product: singles(),
                steered: singles(),
                margined: vec![0.0; side * side + 2 * (side + 1)],
                gain: 1.0,
                creep_gain: 1.0,
                softness: 1.0,
                deepest: 0,
                deepest_m: 0.0,
                give_m: 0.0,
                split: Split::default(),
                stiffer_per_m: 0.0,
                carrier_m_pa: 0.0,
            },
        }
    }

    /// Cells along one edge of the window.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Normal pressure on each cell, Pa, row after row.
    pub fn pressure_pa(&self) -> &[f64] {
        &self.field
    }

    /// Pressed cells as row, column and pressure, Pa, row after row.
    pub fn pressed(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        self.pressed
            .iter()
            .enumerate()
            .flat_map(move |(row, &(from, to))| {
                let line = &self.field[row * self.side..(row + 1) * self.side];
                let columns = (from..to).filter(|c| line[*c] > 0.0);
                columns.map(move |column| (row, column, line[column]))
            })
    }

    /// Whether no cell is pressed and none remembers having been.
    pub fn is_idle(&self) -> bool {
        let cells = self.touched.cells(self.side);
        let mut memory = self.memory.iter().flat_map(|q| &q[cells.clone()]);
        self.pressure[cells.clone()].iter().all(|p| *p == 0.0) && memory.all(|q| q.abs() < 1.0)
    }

    /// Moves the window by whole cells over the surface; what leaves it is forgotten.
    pub fn shift(&mut self, columns: isize, rows: isize) {
        let side = self.side;
        let memory = self.memory.iter_mut();
        let windows = [
            &mut self.pressure,
            &mut self.field,
            &mut self.settled,
            &mut self.earlier,
        ];
        for values in windows.into_iter().chain(memory) {
            shift(values, side, columns, rows);
        }
        shift(&mut self.tangent, side, columns, rows);
        spans_of(side, &self.pressure, 0..side, &mut self.pressed);
        // The dent is found anew.
        self.dent.spans.fill((0, 0));
        self.touched = self.touched.shifted(side, columns, rows);
    }

    /// Forgets pressure and memory.
    pub fn clear(&mut self) {
        self.pressure.fill(0.0);
        self.field.fill(0.0);
        self.settled.fill(0.0);
        self.earlier.fill(0.0);
        self.tangent.fill(0.0);
        self.memory.iter_mut().for_each(|m| m.fill(0.0));
        self.scratch.split = Split::default();
        self.touched = Frame::default();
        self.pressed.fill((0, 0));
        self.dent.spans.fill((0, 0));
    }

    /// Carries the pressure on along its last change, `ratio` times: a first guess for the next solve, good where a
    /// node moves steadily, whichever way. `ratio` is the time until that solve over the time between the last two.
    pub fn foresee(&mut self, ratio: f64) {
        let cells = self.touched.cells(self.side);
        wide!({
            let pressure = &mut self.pressure[cells.clone()];
            let last = (&self.settled[cells.clone()], &self.earlier[cells]);
            extrapolate(pressure, last, ratio);
        });
    }

    /// Finds the pressure for the overlap `g`, m, of each cell (`-inf` where no part of the node is above it).
    ///
    /// `sink` is the displacement that other nodes cause at the cells, m, if any: the surface they find is not
    /// flat. Time moves on by the creep step in `ground`; the pressure is taken linear in time over it.
    ///
    /// # Panics
    /// If a window has the wrong size, or the kernel reaches less far than the window.
    pub fn solve(
        &mut self,
        overlap_m: &[f64],
        sink_m: Option<&[f64]>,
        ground: &Ground<'_>,
        effort: &Effort,
    ) -> Report {
        let side = self.side;
        assert!(overlap_m.len() == side * side && ground.kernel.reach() >= side);
        let deepest_m = wide!(largest(overlap_m)).max(0.0);
        if deepest_m > 0.0 {
            let deepest = overlap_m.iter().position(|g| *g == deepest_m);
            self.scratch.deepest = deepest.unwrap_or(0);
        }
        self.remember(ground);
        let mut report = Report::default();
        if deepest_m <= 0.0 {
            self.pressure.fill(0.0);
            self.field.fill(0.0);
            self.pressed.fill((0, 0));
            self.scratch.split = Split::default();
            report.converged = true;
        } else {
            let tolerance_m = effort.tolerance * deepest_m;
            self.first_contact(overlap_m, deepest_m);
            for _ in 0..effort.rounds_max {
                let quiet = self.look(
                    overlap_m,
                    sink_m,
                    deepest_m,
                    tolerance_m,
                    ground,
                    &mut report,
                );
                if quiet {
                    report.converged = true;
                    self.scratch.share(&self.pressure);
                    break;
                }
                let fine_m = self.scratch.softness * tolerance_m;
                let solved = self.conjugate_gradients(ground.kernel, fine_m, effort, &mut report);
                self.scratch.share(&self.pressure);
                if !solved {
                    break;
                }
            }
            report.converged |= effort.rounds_max == 1 && report.products < effort.products_max;
            report.cells = wide!(count_positive(&self.pressure));
            let held = self.touched.around(&Frame::of(&self.scratch.spans));
            spans_of(side, &self.pressure, held.rows, &mut self.pressed);
            self.gather(overlap_m, ground);
        }
        self.commit(ground);
        report
    }

    /// Stiffness of the contact against further travel of the node, N/m, at the last solve: the sum of
    /// `dp/d(depth)` over the contact times `cell_m^2`. Takes up to `products_max` products from the last answer on.
    pub fn stiffness_n_m(&mut self, kernel: &Kernel, products_max: usize) -> f64 {
        let cell_m2 = kernel.cell_m() * kernel.cell_m();
        let side = self.side;
        let s = &mut self.scratch;
        s.spans.copy_from_slice(&self.pressed);
        let contact = Frame::of(&s.spans);
        let cells = contact.cells(side);
        self.tangent[..cells.start].fill(0.0);
        self.tangent[cells.end..].fill(0.0);
        s.active[..cells.start].fill(0.0);
        s.active[cells.end..].fill(0.0);
        wide!({
            let active = &mut s.active[cells.clone()];
            mark(active, &self.pressure[cells.clone()]);
            let tangent = &mut self.tangent[cells.clone()];
            mask(tangent, active);
            s.direction[cells.clone()].copy_from_slice(tangent);
        });
        s.curve(kernel, side, &contact);
        let steer = s.stencil(kernel, cells.clone());
        let mut slope_before = 0.0;
        for turn in 1..products_max {
            let square = wide!({
                let residual = &mut s.residual[cells.clone()];
                let product = &s.product[cells.clone()];
                if turn == 1 {
                    less(residual, &s.active[cells.clone()], product);
                }
                dot(residual, residual)
            });
            if square < 1e-4 {
                break;
            }
            slope_before = s.turn(cells.clone(), &steer, slope_before);
            let (curvature, slope) = s.curve(kernel, side, &contact);
            if curvature <= 0.0 {
                break;
            }
            let step = (slope / curvature) as f32;
            wide!({
                add(
                    &mut self.tangent[cells.clone()],
                    &s.direction[cells.clone()],
                    step,
                    0.0,
                );
                add(
                    &mut s.residual[cells.clone()],
                    &s.product[cells.clone()],
                    -step,
                    0.0,
                );
            });
        }
        self.with_stiffening(cell_m2, cell_m2 * sum(&self.tangent[cells]).max(0.0))
    }

    /// Adds to the stiffness at a constant factor what the factor's own rise gives.
    ///
    /// With the node's give `c`, `k = k0 / (1 + c k0)` takes away the stiffness `k0` of the contact alone; that of all is
    /// `k0 + F S'/S` times the share of further travel that the deepest cell of skin takes and the cover does not.
    fn with_stiffening(&self, cell_m2: f64, stiffness_n_m: f64) -> f64 {
        let s = &self.scratch;
        let give_m_n = s.carrier_m_pa / cell_m2;
        let kept = (1.0 - give_m_n * stiffness_n_m).max(1e-6);
        let squeezed = f64::from(s.diagonal[s.deepest]) * f64::from(self.tangent[s.deepest]);
        let share = (1.0 - squeezed / kept).clamp(0.0, 1.0);
        let force_n = cell_m2 * wide!(sum(&self.pressure));
        let own_n_m = stiffness_n_m / kept + force_n * s.stiffer_per_m * share;
        own_n_m / (1.0 + give_m_n * own_n_m)
    }

    /// Shapes the field: see [`Stiffening`] on its focus. Each cell's pressure is multiplied by `1 + focus (t - mean of t)`, `t`
    /// its depth over the deepest, and never by less than 0.02; then the force is what it was.
    fn gather(&mut self, overlap_m: &[f64], ground: &Ground<'_>) {
        let s = &self.scratch;
        let focus = ground.stiffening.focus(s.deepest_m);
        let per_m = 1.0 / s.deepest_m.max(1e-9);
        self.field.copy_from_slice(&self.pressure);
        if focus == 0.0 {
            return;
        }
        let cells = Frame::of(&s.spans).cells(self.side);
        let (pressure, field) = (
            &self.pressure[cells.clone()],
            &mut self.field[cells.clone()],
        );
        let overlap_m = &overlap_m[cells];
        let kept = wide!({
            weigh(field, pressure, overlap_m, ground.cover, s.give_m, per_m);
            let all = sum(pressure);
            lean(field, pressure, focus, sum(field) / all);
            all / sum(field)
        });
        if kept.is_finite() && (kept - 1.0).abs() > 1e-12 {
            field.iter_mut().for_each(|f| *f *= kept);
        }
    }

    /// Sideways force on the skin by relaxation, N, along the columns' order and the rows' order: the node pushes against
    /// the dent that it has left behind.
    ///
    /// Moved by `dx` over a uniform surface, a node does the work `-sum p A dg/dx dx`. Of `g = w / S + cover(p)`, what the
    /// pressure of now makes (`w = K p`, the cover) drops out of the sum, since `p . d(K p)/dx = 0` for a symmetric table and
    /// `p d cover(p)` is a full differential: what is left is the dent `m = K memory` that the skin remembers,
    /// `F = -A sum p dm/dx / S`. Summed so, it does not amplify what a solve leaves of its residual.
    /// The dent takes a product; it changes slowly, and is found anew every fourth time or where the contact outgrows it.
    pub fn dent_force_n(&mut self, kernel: &Kernel) -> [f64; 2] {
        if self.memory.is_empty() {
            return [0.0; 2];
        }
        let side = self.side;
        let inside =
            |(have, need): (&Span, &Span)| need.0 >= need.1 || have.0 < need.0 && need.1 < have.1;
        let known = self.dent.spans.iter().zip(&self.pressed).all(inside);
        self.dent.age = (self.dent.age + 1) % DENT_EVERY;
        if self.dent.age == 0 || !known {
            self.dent.age = 0;
            self.scratch.source.fill(0.0);
            self.add_memory();
            ring(side, &self.pressed, &mut self.dent.spans);
            self.dent.field_m.fill(0.0);
            let wanted = Frame::of(&self.dent.spans);
            self.scratch
                .sink(kernel, &self.touched, &wanted, &mut self.dent.field_m);
        }
        let m = &self.dent.field_m[..];
        let rows = self.pressed.iter().enumerate().take(side - 1).skip(1);
        let sums = wide!({
            let mut sums = [0.0; 2];
            for (row, &(from, to)) in rows {
                let (from, to) = (from.max(1), to.min(side - 1));
                if from < to {
                    let i = row * side + from;
                    let p = &self.pressure[i..i + to - from];
                    sums[0] += dot_change(p, &m[i + 1..], &m[i - 1..]);
                    sums[1] += dot_change(p, &m[i + side..], &m[i - side..]);
                }
            }
            sums
        });
        sums.map(|v| -0.5 * kernel.cell_m() * self.scratch.softness * v)
    }

    /// Adds what the skin remembers to the scratch's source.
    fn add_memory(&mut self) {
        let cells = self.touched.cells(self.side);
        let source = &mut self.scratch.source[cells.clone()];
        for term in &self.memory {
            wide!(add_rounded(source, &term[cells.clone()]));
        }
    }

    /// Strain energy of the skin, J, were the stack each of some others, with the pressure and memory of now: `A/2 sum p w / S`.
    /// The change from one place to the next is what a node feels where tissue gets stiffer along its way. `ground` lays
    /// the stack's table and tells its law; each takes a product.
    pub fn energies_j<const N: usize>(
        &mut self,
        table: &mut Kernel,
        mut ground: impl FnMut(usize, &mut Kernel) -> Stiffening,
    ) -> [f64; N] {
        let (side, cells) = (self.side, self.touched.cells(self.side));
        self.scratch.source.fill(0.0);
        wide!(add_rounded(
            &mut self.scratch.source[cells.clone()],
            &self.pressure[cells]
        ));
        self.add_memory();
        let s = &mut self.scratch;
        let mut spare_m = std::mem::take(&mut s.product);
        let wanted = Frame::of(&self.pressed);
        let energies_j = std::array::from_fn(|n| {
            let stiffening = ground(n, table);
            s.sink(table, &self.touched, &wanted, &mut spare_m);
            let (mut sum, mut deepest_m) = (0.0, 0.0f64);
            wide!(for (row, &(from, to)) in self.pressed.iter().enumerate() {
                if from < to {
                    let line = row * side + from..row * side + to;
                    let (p, w_m) = (&self.pressure[line.clone()], &spare_m[line]);
                    let (work, depth_m) = dot_and_largest(p, w_m);
                    sum += work;
                    deepest_m = deepest_m.max(f64::from(depth_m));
                }
            });
            let factor = stiffening.factor(s.softness * deepest_m).0;
            0.5 * table.cell_m() * table.cell_m() * sum / factor
        });
        s.product = spare_m;
        energies_j
    }

    /// How many times the present force a fresh contact in the same dent would take: by as much the skin resists being
    /// moved off the dent it remembers. 1 without relaxation.
    pub fn freshness(&self) -> f64 {
        let cells = self.touched.cells(self.side);
        let p = &self.pressure[cells.clone()];
        let squares = wide!(dot(p, p));
        let memory = self.memory.iter();
        let remembered: f64 = memory.map(|q| wide!(dot(p, &q[cells.clone()]))).sum();
        if squares > 0.0 {
            1.0 + (remembered / squares).max(0.0)
        } else {
            1.0
        }
    }

    /// The memory part of the pressure, and how much the pressure of now counts.
    fn remember(&mut self, ground: &Ground<'_>) {
        let s = &mut self.scratch;
        s.carrier_m_pa = ground.carrier_m_n * ground.kernel.cell_m() * ground.kernel.cell_m();
        s.history.fill(0.0);
        s.creep_gain = ground.creep.map_or(1.0, |(creep, dt_s)| {
            let cells = self.touched.cells(self.side);
            creep.history(dt_s, &self.settled, &self.memory, cells, &mut s.history)
        });
    }

    /// The state after the step, once the pressure is known.
    fn commit(&mut self, ground: &Ground<'_>) {
        self.touched = self.touched.around(&Frame::of(&self.pressed));
        let cells = self.touched.cells(self.side);
        if let Some((creep, dt_s)) = ground.creep {
            let (old, new) = (&self.settled, &self.pressure);
            creep.advance(dt_s, old, new, cells.clone(), &mut self.memory);
        }
        self.earlier[cells.clone()].copy_from_slice(&self.settled[cells.clone()]);
        self.settled[cells.clone()].copy_from_slice(&self.pressure[cells]);
    }

    /// Cells to start with: those pressed before that the node is still near, or, at first touch, the deepest part.
    fn first_contact(&mut self, overlap_m: &[f64], deepest_m: f64) {
        let s = &mut self.scratch;
        s.active.fill(0.0);
        let cells = self.touched.cells(self.side);
        let any = wide!({
            let (pressure, active) = (
                &mut self.pressure[cells.clone()],
                &mut s.active[cells.clone()],
            );
            keep_near(pressure, &overlap_m[cells], deepest_m);
            mark(active, pressure);
            sum(active) > 0.0
        });
        if !any {
            s.ringed.fill((0, self.side));
            for (a, g) in s.active.iter_mut().zip(overlap_m) {
                *a = f32::from(u8::from(*g > 0.5 * deepest_m));
            }
        }
    }

    /// One look at the surface: the residual of the two scalar laws at the present pressure, their slope, and the
    /// cells of the ring around the contact that the node overlaps, which join it. True if nothing is left to do.
    fn look(
        &mut self,
        overlap_m: &[f64],
        sink_m: Option<&[f64]>,
        deepest_m: f64,
        tolerance_m: f64,
        ground: &Ground<'_>,
        report: &mut Report,
    ) -> bool {
        let side = self.side;
        let s = &mut self.scratch;
        let held = self.touched.around(&Frame::of(&s.ringed));
        spans_of(side, &s.active, held.rows, &mut s.spans);
        ring(side, &s.spans, &mut s.ringed);
        // Pressure of this solve may stand on cells that were never pressed before.
        let loaded = self.touched.around(&Frame::of(&s.spans));
        let ringed = Frame::of(&s.ringed);
        let cells = loaded.cells(side);
        s.source.fill(0.0);
        wide!(load(
            &mut s.source[cells.clone()],
            &self.pressure[cells.clone()],
            &s.history[cells],
            s.creep_gain
        ));
        Product {
            kernel: ground.kernel,
            side,
            source: &s.source,
            loaded: &loaded,
            wanted: &ringed,
            out: &mut s.product,
        }
        .run();
        report.products += 1;
        let give_m = s.carrier_m_pa * wide!(sum(&self.pressure));
        s.give_m = give_m;
        s.deepen(deepest_m, ground);
        // Of the displacement that small strain would need: pressure errs by what it means there.
        let tolerance_m = s.softness * tolerance_m;
        s.residual.fill(0.0);
        s.direction.fill(0.0);
        s.diagonal.fill(0.0);
        let law = Look {
            cover: ground.cover.copied().unwrap_or(Cover::NONE),
            softness: s.softness,
            give_m,
            deepest_m,
            tolerance_m,
        };
        let (mut energy, mut count, mut grown) = (0.0, 0.0, false);
        wide!(for (row, &(from, to)) in s.ringed.iter().enumerate() {
            let i = row * side + from..row * side + to;
            let state = (&self.pressure[i.clone()], &s.product[i.clone()]);
            let place = (&overlap_m[i.clone()], sink_m.map(|w| &w[i.clone()]));
            let out = [&mut s.residual, &mut s.diagonal, &mut s.active].map(|a| &mut a[i.clone()]);
            let found = law.row(state, place, out);
            energy += found.0;
            count += found.1;
            grown |= found.2;
        });
        if grown {
            spans_of(side, &s.active, ringed.rows, &mut s.spans);
        }
        !grown && energy <= tolerance_m * tolerance_m * count
    }

    /// Solves `(gain K + diagonal) dp = residual` over the cells in contact and adds it to the pressure, letting go
    /// of cells that would pull. False if it ran out of products.
    fn conjugate_gradients(
        &mut self,
        kernel: &Kernel,
        tolerance_m: f64,
        effort: &Effort,
        report: &mut Report,
    ) -> bool {
        let side = self.side;
        let contact = Frame::of(&self.scratch.spans);
        let cells = contact.cells(side);
        let steer = self.scratch.stencil(kernel, cells.clone());
        let enough_m2 = 0.25 * tolerance_m * tolerance_m;
        let mut slope_before = 0.0;
        loop {
            let s = &mut self.scratch;
            let (energy, count) = wide!({
                let residual = &s.residual[cells.clone()];
                (dot(residual, residual), sum(&s.active[cells.clone()]))
            });
            if energy <= enough_m2 * count {
                return true;
            }
            if report.products >= effort.products_max {
                return false;
            }
            slope_before = s.turn(cells.clone(), &steer, slope_before);
            let (curvature, slope) = s.curve(kernel, side, &contact);
            report.products += 1;
            if curvature <= 0.0 {
                return false;
            }
            let step = (slope / curvature) as f32;
            let lowest = wide!({
                advance(
                    &mut self.pressure[cells.clone()],
                    &s.direction[cells.clone()],
                    &mut s.residual[cells.clone()],
                    &s.product[cells.clone()],
                    step,
                )
            });
            if lowest < 0.0 {
                self.let_go(kernel, cells.clone());
                slope_before = 0.0;
            }
        }
    }

    /// Sets pulling cells free and takes their part out of the residual of the others.
    fn let_go(&mut self, kernel: &Kernel, cells: Range<usize>) {
        let side = self.side;
        let middle = kernel.reach() - 1;
        let s = &mut self.scratch;
        for i in cells.clone() {
            let pull = self.pressure[i];
            if pull >= 0.0 {
                continue;
            }
            self.pressure[i] = 0.0;
            s.active[i] = 0.0;
            let (row, column) = (i / side, i % side);
            let own = (s.gain * pull) as f32;
            let give_m = (s.carrier_m_pa * pull) as f32;
            let lines = s.residual[cells.clone()].chunks_exact_mut(side);
            wide!(for (other, line) in (cells.start / side..).zip(lines) {
                let table = &kernel.row(row.abs_diff(other))[middle - column..];
                add(line, &table[..side], own, give_m);
            });
        }
        let active = &s.active[cells.clone()];
        wide!(mask(&mut s.residual[cells.clone()], active));
        s.direction[cells].fill(0.0);
    }
}

/// Weights of a three by three stencil: middle, edges, corners.
type Stencil = [f32; 3];

impl Scratch {
    /// The stiffening factor that the coming pressure will find, from the last one.
    ///
    /// Under the node's foremost point, `top_m` past the resting skin, skin, cover and carrier share the travel:
    /// `depth + give + squeeze = top`. As the skin goes deeper, force rises with the factor and about the 3/2 power of depth (Hertz),
    /// pressure with its half power; so the split is found at the factor it leads to. Taken at the present pressure, a node whose rubber gives more
    /// than the tissue left over bone would swing between far too soft and far too hard. At rest both are the same.
    fn deepen(&mut self, top_m: f64, ground: &Ground<'_>) {
        let last = self.split;
        let give_m = self.carrier_m_pa * last.sum_pa;
        let over = |depth_m: f64| {
            let (factor, _) = ground.stiffening.factor(depth_m);
            let ratio = if last.depth_m > 0.0 {
                depth_m / last.depth_m
            } else {
                0.0
            };
            let harder = factor * last.softness * ratio.sqrt();
            let squeeze_m = ground
                .cover
                .map_or(0.0, |c| c.squeeze(last.here_pa * harder).0);
            depth_m + give_m * harder * ratio + squeeze_m - top_m
        };
        self.deepest_m = rising_root(over, last.depth_m.min(top_m), top_m);
        let (factor, slope) = ground.stiffening.factor(self.deepest_m);
        self.softness = 1.0 / factor;
        self.stiffer_per_m = slope / factor;
        self.gain = self.creep_gain * self.softness;
    }

    /// Displacement on the cells `wanted` by the source, which is zero off the cells `loaded`.
    fn sink(&mut self, kernel: &Kernel, loaded: &Frame, wanted: &Frame, out: &mut [f32]) {
        Product {
            kernel,
            side: self.spans.len(),
            source: &self.source,
            loaded,
            wanted,
            out,
        }
        .run();
    }

    /// Keeps how a pressure that was solved for shares the travel.
    fn share(&mut self, pressure: &[f64]) {
        self.split = Split {
            depth_m: self.deepest_m,
            softness: self.softness,
            sum_pa: wide!(sum(pressure)),
            here_pa: pressure[self.deepest],
        };
    }

    /// Preconditioner: a stencil that undoes `gain K + diagonal` for three waves, see [`Kernel::waves`], and to about a
    /// third for all others. Positive for every wave, since it lies between its values at the corners of the band.
    fn stencil(&self, kernel: &Kernel, cells: Range<usize>) -> Stencil {
        let (own, count) = wide!({
            (
                sum(&self.diagonal[cells.clone()]),
                sum(&self.active[cells.clone()]),
            )
        });
        let own = own / count.max(1.0);
        let waves = kernel.waves().map(f64::from);
        // A table that ends too soon for a long wave may tell it wrong, but hardly the shortest.
        let [long, along, both] = waves.map(|k| 1.0 / (self.gain * k.max(waves[2]) + own));
        // The same at the long wave as at its end, where cosines are 1; of `m0 + m1 (cos x + cos z) + m2 cos x cos z`.
        let (mean, m1) = (0.5 * (long + both), 0.25 * (long - both));
        let (m0, m2) = (0.5 * (mean + along), 0.5 * (mean - along));
        [m0, 0.5 * m1, 0.25 * m2].map(|m| (m / m0) as f32)
    }

    /// Turns the direction to the preconditioned residual, conjugate to the last; the slope along the former.
    fn turn(&mut self, cells: Range<usize>, weights: &Stencil, slope_before: f64) -> f64 {
        let side = (self.margined.len() - self.residual.len()) / 2 - 1;
        let around = cells.start..cells.end + 2 * (side + 1);
        self.margined[around.start..around.start + side + 1].fill(0.0);
        self.margined[around.end - side - 1..around.end].fill(0.0);
        self.margined[around.start + side + 1..around.end - side - 1]
            .copy_from_slice(&self.residual[cells.clone()]);
        wide!({
            let steered = &mut self.steered[cells.clone()];
            let active = &self.active[cells.clone()];
            stencil(steered, active, &self.margined[around], side, *weights);
            let slope = dot(&self.residual[cells.clone()], steered);
            let keep = if slope_before > 0.0 {
                (slope / slope_before) as f32
            } else {
                0.0
            };
            turn(&mut self.direction[cells], steered, keep);
            slope
        })
    }

    /// `product = (gain K + diagonal + carrier 1 1') direction` on the contact; returns `direction . product` and
    /// `direction . residual`.
    fn curve(&mut self, kernel: &Kernel, side: usize, contact: &Frame) -> (f64, f64) {
        Product {
            kernel,
            side,
            source: &self.direction,
            loaded: contact,
            wanted: contact,
            out: &mut self.product,
        }
        .run();
        let cells = contact.cells(side);
        wide!({
            let direction = &self.direction[cells.clone()];
            let give_m = (self.carrier_m_pa * sum(direction)) as f32;
            let product = &mut self.product[cells.clone()];
            let (active, own) = (&self.active[cells.clone()], &self.diagonal[cells.clone()]);
            complete(product, active, own, direction, self.gain as f32, give_m);
            (
                dot(direction, product),
                dot(direction, &self.residual[cells]),
            )
        })
    }
}

/// What the residual of a cell hangs on beside its own numbers.
#[derive(Clone, Copy)]
struct Look {
    cover: Cover,
    softness: f64,
    give_m: f64,
    deepest_m: f64,
    tolerance_m: f64,
}

impl Look {
    /// Residual and slope of the cover on the cells of a row that are in contact or join it; the sum of the residuals'
    /// squares, how many cells, and whether any joined.
    #[inline(always)]
    fn row(
        &self,
        (pressure, product): (&[f64], &[f32]),
        (overlap_m, sink_m): (&[f64], Option<&[f64]>),
        [residual, diagonal, active]: [&mut [f32]; 3],
    ) -> (f64, f64, bool) {
        let count = residual.len();
        let (pressure, product) = (&pressure[..count], &product[..count]);
        let (overlap_m, diagonal) = (&overlap_m[..count], &mut diagonal[..count]);
        let active = &mut active[..count];
        for i in 0..count {
            let (squeeze_m, slope) = self.cover.squeeze(pressure[i]);
            let skin_m = overlap_m[i] - self.give_m - squeeze_m;
            let sunk_m = self.softness * f64::from(product[i]);
            residual[i] = (skin_m - sunk_m) as f32;
            diagonal[i] = slope as f32;
        }
        if let Some(sink_m) = sink_m {
            less_rounded(residual, sink_m);
        }
        let (mut energy, mut cells, mut joined) = ([0.0f64; 8], [0.0f32; 8], 0u32);
        let (near_m, tolerance_m) = (-self.deepest_m, self.tolerance_m as f32);
        for i in 0..count {
            let near = overlap_m[i] > near_m;
            let joins = active[i] == 0.0 && near && residual[i] > tolerance_m;
            joined |= u32::from(joins);
            let now = if joins { 1.0 } else { active[i] };
            active[i] = now;
            residual[i] = if now > 0.0 { residual[i] } else { 0.0 };
            diagonal[i] = if now > 0.0 { diagonal[i] } else { 0.0 };
            energy[i % 8] += f64::from(residual[i]) * f64::from(residual[i]);
            cells[i % 8] += now;
        }
        (
            energy.iter().sum(),
            f64::from(cells.iter().sum::<f32>()),
            joined > 0,
        )
    }
}

/// `p = last + ratio (last - before)` where it was pressed, not below zero.
#[inline(always)]
fn extrapolate(pressure: &mut [f64], (last, before): (&[f64], &[f64]), ratio: f64) {
    for (p, (last, before)) in pressure.iter_mut().zip(last.iter().zip(before)) {
        let next = (last + ratio * (last - before)).max(0.0);
        *p = if *last > 0.0 { next } else { *p };
    }
}

/// No pressure where the node is farther off than it is deep.
#[inline(always)]
fn keep_near(pressure: &mut [f64], overlap_m: &[f64], deepest_m: f64) {
    for (p, g) in pressure.iter_mut().zip(overlap_m) {
        *p = if *g > -deepest_m { *p } else { 0.0 };
    }
}

/// `field = p t`, `t` the share of the deepest cell's depth (`1 / per_m`) that a cell's skin has.
#[inline(always)]
fn weigh(
    field: &mut [f64],
    pressure: &[f64],
    overlap_m: &[f64],
    cover: Option<&Cover>,
    give_m: f64,
    per_m: f64,
) {
    for (f, (p, overlap_m)) in field.iter_mut().zip(pressure.iter().zip(overlap_m)) {
        let squeeze_m = cover.map_or(0.0, |c| c.squeeze(*p).0);
        *f = p * (per_m * (overlap_m - give_m - squeeze_m)).clamp(0.0, 1.0);
    }
}

/// From `p t` to `p (1 + focus (t - mean))`, at least `0.02 p`.
#[inline(always)]
fn lean(field: &mut [f64], pressure: &[f64], focus: f64, mean: f64) {
    for (f, p) in field.iter_mut().zip(pressure) {
        *f = (p + focus * (*f - mean * p)).max(0.02 * p);
    }
}

/// Where a rising function passes zero between 0 and `top`, to a ten-thousandth of it: secants kept inside a bracket (Illinois).
fn rising_root(f: impl Fn(f64) -> f64, guess: f64, top: f64) -> f64 {
    let (mut low, mut high) = ((0.0, -top), (top, f(top)));
    if high.1 <= 0.0 {
        return top;
    }
    let mut x = if guess > 0.0 { guess } else { 0.5 * top };
    for _ in 0..40 {
        let y = f(x);
        if y.abs() < 1e-4 * top {
            break;
        }
        if y > 0.0 {
            high = (x, y);
            low.1 *= 0.5;
        } else {
            low = (x, y);
            high.1 *= 0.5;
        }
        x = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
    }
    x
}

/// Moves the values of a window by whole cells; what comes in is zero.
fn shift<T: Copy + Default>(values: &mut [T], side: usize, columns: isize, rows: isize) {
    let far = side as isize;
    if columns.abs() >= far || rows.abs() >= far {
        values.fill(T::default());
        return;
    }
    let by = rows * far + columns;
    let (kept, size) = (side * side - by.unsigned_abs(), side * side);
    if by >= 0 {
        values.copy_within(size - kept.., 0);
        values[kept..].fill(T::default());
    } else {
        values.copy_within(..kept, size - kept);
        values[..size - kept].fill(T::default());
    }
    // What came round from the neighbouring row.
    let round = if columns >= 0 {
        side - columns as usize..side
    } else {
        0..columns.unsigned_abs()
    };
    for line in values.chunks_exact_mut(side) {
        line[round.clone()].fill(T::default());
    }
}

/// First and one past the last non-zero column of each row, of values that are zero off `rows`.
fn spans_of<T: Copy + Default + PartialEq>(
    side: usize,
    values: &[T],
    rows: Range<usize>,
    spans: &mut [Span],
) {
    spans.fill((0, 0));
    let (cells, spans) = (rows.start * side..rows.end * side, &mut spans[rows]);
    wide!(
        for (line, span) in values[cells].chunks_exact(side).zip(spans) {
            *span = filled(line);
        }
    );
}

/// Spans widened by two cells to every side.
fn ring(side: usize, spans: &[Span], ringed: &mut [Span]) {
    for row in 0..side {
        let near = &spans[row.saturating_sub(2)..(row + 3).min(side)];
        let filled = near.iter().filter(|(from, to)| from < to);
        let from = filled.clone().map(|s| s.0).min().unwrap_or(side);
        let to = filled.map(|s| s.1).max().unwrap_or(from);
        ringed[row] = if from < to {
            (from.saturating_sub(2), (to + 2).min(side))
        } else {
            (0, 0)
        };
    }
}
