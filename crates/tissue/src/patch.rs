//! The contact of one node: a window of surface cells and the pressure on them.

use crate::cover::Cover;
use crate::kernel::Kernel;
use crate::relaxation::Creep;
use crate::stiffening::Stiffening;

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
    /// Pressure at the last solve, for the creep step.
    settled: Vec<f64>,
    /// Pressure per metre of further travel.
    tangent: Vec<f64>,
    scratch: Scratch,
}

/// Work space: what a solve overwrites.
#[derive(Clone, Debug)]
struct Scratch {
    /// 1 on cells in contact, else 0: a factor, so that loops stay straight.
    active: Vec<f64>,
    /// First and one past the last column in contact, row by row.
    spans: Vec<Span>,
    /// The same with a ring around it.
    ringed: Vec<Span>,
    history: Vec<f64>,
    source: Vec<f64>,
    diagonal: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
    lines: Lines,
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
    stiffer_per_m: f64,
    /// Give of the node per pressure on one cell, m/Pa.
    carrier_m_pa: f64,
}

/// Single-precision work space of a product.
#[derive(Clone, Debug)]
struct Lines {
    source: Vec<f32>,
    target: Vec<f32>,
}

/// Columns `from..to` of one row; empty if `from >= to`.
type Span = (usize, usize);

impl Patch {
    /// An unloaded window of `side` by `side` cells that remembers `terms` retardation terms.
    pub fn new(side: usize, terms: usize) -> Patch {
        let zeros = || vec![0.0; side * side];
        Patch {
            side,
            pressure: zeros(),
            field: zeros(),
            memory: vec![zeros(); terms],
            settled: zeros(),
            tangent: zeros(),
            scratch: Scratch {
                active: zeros(),
                spans: vec![(0, 0); side],
                ringed: vec![(0, 0); side],
                history: zeros(),
                source: zeros(),
                diagonal: zeros(),
                residual: zeros(),
                direction: zeros(),
                product: zeros(),
                lines: Lines {
                    source: vec![0.0; side * side],
                    target: vec![0.0; side],
                },
                gain: 1.0,
                creep_gain: 1.0,
                softness: 1.0,
                deepest: 0,
                deepest_m: 0.0,
                give_m: 0.0,
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

    /// Whether no cell is pressed and none remembers having been.
    pub fn is_idle(&self) -> bool {
        self.pressure.iter().all(|p| *p == 0.0)
            && self.memory.iter().flatten().all(|q| q.abs() < 1.0)
    }

    /// Moves the window by whole cells over the surface; what leaves it is forgotten.
    pub fn shift(&mut self, columns: isize, rows: isize) {
        if columns == 0 && rows == 0 {
            return;
        }
        let side = self.side;
        let buffer = &mut self.scratch.product;
        let mut move_one = |values: &mut Vec<f64>| {
            buffer.fill(0.0);
            for row in 0..side {
                let Some(from_row) = row.checked_add_signed(rows).filter(|v| *v < side) else {
                    continue;
                };
                for column in 0..side {
                    if let Some(from) = column.checked_add_signed(columns).filter(|v| *v < side) {
                        buffer[row * side + column] = values[from_row * side + from];
                    }
                }
            }
            values.copy_from_slice(buffer);
        };
        move_one(&mut self.pressure);
        move_one(&mut self.field);
        move_one(&mut self.settled);
        move_one(&mut self.tangent);
        for term in &mut self.memory {
            move_one(term);
        }
    }

    /// Forgets pressure and memory.
    pub fn clear(&mut self) {
        self.pressure.fill(0.0);
        self.field.fill(0.0);
        self.settled.fill(0.0);
        self.tangent.fill(0.0);
        self.memory.iter_mut().for_each(|m| m.fill(0.0));
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
        assert!(overlap_m.len() == self.side * self.side && ground.kernel.reach() >= self.side);
        let deepest_m = overlap_m.iter().copied().fold(0.0, f64::max);
        self.remember(ground);
        let mut report = Report::default();
        if deepest_m <= 0.0 {
            self.pressure.fill(0.0);
            self.field.fill(0.0);
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
                    break;
                }
                if !self.conjugate_gradients(ground.kernel, tolerance_m, effort, &mut report) {
                    break;
                }
            }
            report.converged |= effort.rounds_max == 1 && report.products < effort.products_max;
            report.cells = self.pressure.iter().filter(|p| **p > 0.0).count();
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
        mark(side, &self.pressure, &mut self.scratch);
        let s = &mut self.scratch;
        for (t, a) in self.tangent.iter_mut().zip(&s.active) {
            *t *= a;
        }
        s.direction.copy_from_slice(&self.tangent);
        s.curve(kernel, side);
        let mut energy = 0.0;
        for_spans(&s.spans, side, |i| {
            s.residual[i] = s.active[i] - s.product[i];
            s.direction[i] = s.residual[i];
            energy += s.residual[i] * s.residual[i];
        });
        for _ in 1..products_max {
            if energy < 1e-4 {
                break;
            }
            let curvature = s.curve(kernel, side);
            if curvature <= 0.0 {
                break;
            }
            let step = energy / curvature;
            let mut left = 0.0;
            for_spans(&s.spans, side, |i| {
                self.tangent[i] += step * s.direction[i];
                s.residual[i] -= step * s.product[i];
                left += s.residual[i] * s.residual[i];
            });
            let keep = left / energy;
            energy = left;
            for_spans(&s.spans, side, |i| {
                s.direction[i] = s.residual[i] + keep * s.direction[i]
            });
        }
        self.with_stiffening(cell_m2, cell_m2 * self.tangent.iter().sum::<f64>().max(0.0))
    }

    /// Adds to the stiffness at a constant factor what the factor's own rise gives.
    ///
    /// With the node's give `c`, `k = k0 / (1 + c k0)` takes away the stiffness `k0` of the contact alone; that of all is
    /// `k0 + F S'/S` times the share of further travel that the deepest cell of skin takes and the cover does not.
    fn with_stiffening(&self, cell_m2: f64, stiffness_n_m: f64) -> f64 {
        let s = &self.scratch;
        let give_m_n = s.carrier_m_pa / cell_m2;
        let kept = (1.0 - give_m_n * stiffness_n_m).max(1e-6);
        let share = 1.0 - s.diagonal[s.deepest] * self.tangent[s.deepest] / kept;
        let force_n = cell_m2 * self.pressure.iter().sum::<f64>();
        let own_n_m = stiffness_n_m / kept + force_n * s.stiffer_per_m * share.clamp(0.0, 1.0);
        own_n_m / (1.0 + give_m_n * own_n_m)
    }

    /// Shapes the field: see [`Stiffening`] on its focus.
    fn gather(&mut self, overlap_m: &[f64], ground: &Ground<'_>) {
        let s = &self.scratch;
        let focus = ground.stiffening.focus(s.deepest_m);
        let (mut sum, mut first) = (0.0, 0.0);
        for ((field, p), g) in self.field.iter_mut().zip(&self.pressure).zip(overlap_m) {
            *field = 0.0;
            if *p > 0.0 {
                let squeeze_m = ground.cover.map_or(0.0, |c| c.squeeze(*p).0);
                let share = ((g - s.give_m - squeeze_m) / s.deepest_m).clamp(0.0, 1.0);
                *field = share;
                sum += p;
                first += p * share;
            }
        }
        let mean = first / sum;
        let mut kept = 0.0;
        for (field, p) in self.field.iter_mut().zip(&self.pressure) {
            *field = p * (1.0 + focus * (*field - mean)).max(0.02);
            kept += *field;
        }
        let scale = sum / kept;
        if scale.is_finite() {
            self.field.iter_mut().for_each(|f| *f *= scale);
        } else {
            self.field.copy_from_slice(&self.pressure);
        }
    }

    /// The memory part of the pressure, and how much the pressure of now counts.
    fn remember(&mut self, ground: &Ground<'_>) {
        let s = &mut self.scratch;
        s.carrier_m_pa = ground.carrier_m_n * ground.kernel.cell_m() * ground.kernel.cell_m();
        s.creep_gain = match ground.creep {
            Some((creep, dt_s)) => creep.history(dt_s, &self.settled, &self.memory, &mut s.history),
            None => {
                s.history.fill(0.0);
                1.0
            }
        };
    }

    /// The creep state after the step, once the pressure is known.
    fn commit(&mut self, ground: &Ground<'_>) {
        if let Some((creep, dt_s)) = ground.creep {
            creep.advance(dt_s, &self.settled, &self.pressure, &mut self.memory);
            self.settled.copy_from_slice(&self.pressure);
        }
    }

    /// Cells to start with: those pressed before that the node is still near, or, at first touch, the deepest part.
    fn first_contact(&mut self, overlap_m: &[f64], deepest_m: f64) {
        let s = &mut self.scratch;
        let mut any = false;
        for ((p, a), g) in self.pressure.iter_mut().zip(&mut s.active).zip(overlap_m) {
            if *g <= -deepest_m {
                *p = 0.0;
            }
            *a = f64::from(*p > 0.0);
            any |= *p > 0.0;
        }
        if !any {
            for (a, g) in s.active.iter_mut().zip(overlap_m) {
                *a = f64::from(*g > 0.5 * deepest_m);
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
        spans_of(side, &s.active, &mut s.spans);
        ring(side, &s.spans, &mut s.ringed);
        for ((source, p), h) in s.source.iter_mut().zip(&self.pressure).zip(&s.history) {
            *source = s.creep_gain * p + h;
        }
        let mut loaded = vec![(0, 0); side];
        spans_of(side, &s.source, &mut loaded);
        apply(
            ground.kernel,
            side,
            &s.source,
            &loaded,
            &s.ringed,
            &mut s.lines,
            &mut s.product,
        );
        let give_m = s.carrier_m_pa * self.pressure.iter().sum::<f64>();
        report.products += 1;
        s.deepen(overlap_m, give_m, &self.pressure, ground);
        let (mut energy, mut count, mut grown) = (0.0, 0usize, false);
        for row in 0..side {
            for i in row * side + s.ringed[row].0..row * side + s.ringed[row].1 {
                s.residual[i] = 0.0;
                s.direction[i] = 0.0;
                s.diagonal[i] = 0.0;
                if overlap_m[i] <= -deepest_m {
                    continue;
                }
                let (squeeze_m, squeeze_slope) = ground
                    .cover
                    .map_or((0.0, 0.0), |c| c.squeeze(self.pressure[i]));
                let skin_m = overlap_m[i] - give_m - squeeze_m;
                let left_m = skin_m - s.softness * s.product[i] - sink_m.map_or(0.0, |w| w[i]);
                if s.active[i] == 0.0 {
                    if left_m <= tolerance_m {
                        continue;
                    }
                    s.active[i] = 1.0;
                    grown = true;
                }
                s.diagonal[i] = squeeze_slope;
                s.residual[i] = left_m;
                energy += left_m * left_m;
                count += 1;
            }
        }
        if grown {
            spans_of(side, &s.active, &mut s.spans);
        }
        !grown && energy <= tolerance_m * tolerance_m * count as f64
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
        let mut keep = 0.0;
        let mut energy_before = 0.0;
        loop {
            let s = &mut self.scratch;
            let (mut energy, mut count) = (0.0, 0.0);
            for_spans(&s.spans, side, |i| {
                energy += s.residual[i] * s.residual[i];
                count += s.active[i];
            });
            if energy <= 0.25 * tolerance_m * tolerance_m * count {
                return true;
            }
            if report.products >= effort.products_max {
                return false;
            }
            if energy_before > 0.0 {
                keep = energy / energy_before;
            }
            energy_before = energy;
            for_spans(&s.spans, side, |i| {
                s.direction[i] = s.residual[i] + keep * s.direction[i]
            });
            let curvature = s.curve(kernel, side);
            report.products += 1;
            if curvature <= 0.0 {
                return false;
            }
            let step = energy / curvature;
            let mut pulled = false;
            for_spans(&s.spans, side, |i| {
                self.pressure[i] += step * s.direction[i];
                s.residual[i] -= step * s.product[i];
                pulled |= self.pressure[i] < 0.0;
            });
            if pulled {
                self.let_go(kernel);
                energy_before = 0.0;
                keep = 0.0;
            }
        }
    }

    /// Sets pulling cells free and takes their part out of the residual of the others.
    fn let_go(&mut self, kernel: &Kernel) {
        let side = self.side;
        let middle = kernel.reach() - 1;
        for row in 0..side {
            for column in self.scratch.spans[row].0..self.scratch.spans[row].1 {
                let i = row * side + column;
                let pull = self.pressure[i];
                if pull >= 0.0 {
                    continue;
                }
                let s = &mut self.scratch;
                self.pressure[i] = 0.0;
                s.active[i] = 0.0;
                let give_m = s.carrier_m_pa * pull;
                for other in 0..side {
                    let (from, to) = s.spans[other];
                    let line = &kernel.row(row.abs_diff(other))[middle + from - column..];
                    for (j, k) in (other * side + from..other * side + to).zip(line) {
                        s.residual[j] += s.gain * f64::from(*k) * pull + give_m;
                    }
                }
                s.residual[i] = 0.0;
                s.direction[i] = 0.0;
            }
        }
        let s = &mut self.scratch;
        for_spans(&s.spans, side, |i| {
            s.residual[i] *= s.active[i];
            s.direction[i] = 0.0;
        });
    }
}

impl Scratch {
    /// The stiffening factor at the skin's deepest cell, under the present pressure.
    fn deepen(&mut self, overlap_m: &[f64], give_m: f64, pressure: &[f64], ground: &Ground<'_>) {
        let side = self.ringed.len();
        let mut skin_m = 0.0;
        for (row, (from, to)) in self.ringed.iter().enumerate() {
            for i in row * side + from..row * side + to {
                let squeeze_m = ground.cover.map_or(0.0, |c| c.squeeze(pressure[i]).0);
                let here_m = overlap_m[i] - give_m - squeeze_m;
                if here_m > skin_m {
                    skin_m = here_m;
                    self.deepest = i;
                }
            }
        }
        (self.deepest_m, self.give_m) = (skin_m, give_m);
        let (factor, slope) = ground.stiffening.factor(skin_m);
        self.softness = 1.0 / factor;
        self.stiffer_per_m = slope / factor;
        self.gain = self.creep_gain * self.softness;
    }

    /// `product = (gain K + diagonal + carrier 1 1') direction` on the contact; returns `direction . product`.
    fn curve(&mut self, kernel: &Kernel, side: usize) -> f64 {
        apply(
            kernel,
            side,
            &self.direction,
            &self.spans,
            &self.spans,
            &mut self.lines,
            &mut self.product,
        );
        let mut pushed = 0.0;
        for_spans(&self.spans, side, |i| pushed += self.direction[i]);
        let give_m = self.carrier_m_pa * pushed;
        let mut curvature = 0.0;
        for_spans(&self.spans, side, |i| {
            let own = self.diagonal[i] * self.direction[i] + give_m;
            self.product[i] = self.active[i] * (self.gain * self.product[i] + own);
            curvature += self.direction[i] * self.product[i];
        });
        curvature
    }
}

/// Runs over the cells of all spans.
fn for_spans(spans: &[Span], side: usize, mut f: impl FnMut(usize)) {
    for (row, (from, to)) in spans.iter().enumerate() {
        for i in row * side + from..row * side + to {
            f(i);
        }
    }
}

/// Marks pressed cells as in contact.
fn mark(side: usize, pressure: &[f64], s: &mut Scratch) {
    for (a, p) in s.active.iter_mut().zip(pressure) {
        *a = f64::from(*p > 0.0);
    }
    spans_of(side, &s.active, &mut s.spans);
}

/// First and one past the last non-zero column of each row.
fn spans_of(side: usize, values: &[f64], spans: &mut [Span]) {
    for (row, span) in spans.iter_mut().enumerate() {
        let line = &values[row * side..(row + 1) * side];
        let from = line.iter().position(|v| *v != 0.0).unwrap_or(side);
        let to = line
            .iter()
            .rposition(|v| *v != 0.0)
            .map_or(from, |last| last + 1);
        *span = (from, to);
    }
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

/// `out = K source` on the spans `wanted`, from the spans `loaded` of the source.
///
/// Row by row the table is a band of a Toeplitz matrix, so the inner loop runs over contiguous cells and the
/// compiler turns it into vector code; sums are taken in one fixed order.
fn apply(
    kernel: &Kernel,
    side: usize,
    source: &[f64],
    loaded: &[Span],
    wanted: &[Span],
    lines: &mut Lines,
    out: &mut [f64],
) {
    let middle = kernel.reach() - 1;
    for_spans(loaded, side, |i| lines.source[i] = source[i] as f32);
    for (row, (from, to)) in wanted.iter().copied().enumerate() {
        if from >= to {
            continue;
        }
        let target = &mut lines.target[..to - from];
        target.fill(0.0);
        let width = target.len();
        for (other, (first, last)) in loaded.iter().copied().enumerate() {
            let table = kernel.row(row.abs_diff(other));
            let line = &lines.source[other * side..(other + 1) * side];
            let mut x = first;
            while x + 4 <= last {
                let p = [line[x], line[x + 1], line[x + 2], line[x + 3]];
                let start = middle + from - x - 3;
                let k = &table[start..start + width + 3];
                let (k3, k2, k1, k0) = (
                    &k[..width],
                    &k[1..][..width],
                    &k[2..][..width],
                    &k[3..][..width],
                );
                for i in 0..width {
                    target[i] += (p[0] * k0[i] + p[1] * k1[i]) + (p[2] * k2[i] + p[3] * k3[i]);
                }
                x += 4;
            }
            while x < last {
                let k = &table[middle + from - x..][..width];
                for (t, k) in target.iter_mut().zip(k) {
                    *t += line[x] * k;
                }
                x += 1;
            }
        }
        for (out, t) in out[row * side + from..row * side + to]
            .iter_mut()
            .zip(target)
        {
            *out = f64::from(*t);
        }
    }
}
