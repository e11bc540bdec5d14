//! Friction of one node: bristles on the cells of skin, stick and slip cell by cell.

use crate::compliance::tangential_compliance;
use crate::lanes::{dot, filled, sum, wide};
use crate::stack::Stack;
use std::f64::consts::PI;
use std::ops::Range;

/// How far the skin lets itself be dragged: flexibility of a bristle over the radius of the patch.
///
/// A bristle of flexibility `L`, m/Pa, is one cell of skin that gives way by `L` times its own shear traction (Kalker's
/// simplified theory, 1982). `L` is no free number: it makes the sticking patch of radius `a` as stiff as the stack is,
/// `pi a^2 / L` = force over shift, with the traction that a half-space would have (Mindlin 1949):
/// ```text
/// L = pi a^2 / (2 pi) int_0^inf c(k) k (sin ka / ka)^2 dk          c: tangential_compliance
/// ```
/// On a half-space that is `pi a (2 - nu) / (8 G)`, exact. On layers a trial traction errs to the soft side (least
/// complementary energy): up to 4 % on skin, fat and muscle, 10 % on a layer eight times thinner than the patch is wide;
/// the sum over octaves of `k a` that stands for the integral adds up to 8 %.
/// Instantaneous, small strain: relaxation and stiffening of the shear are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shear {
    /// At [`RADII_M`].
    flexibility_m_pa: [f64; RADII_M.len()],
}

/// Patch radii that a [`Shear`] is tabulated at, m, an octave apart; straight lines between them, constant beyond.
const RADII_M: [f64; 5] = [0.002, 0.004, 0.008, 0.016, 0.032];
/// Share of `int (sin x / x)^2 dx` that lies in the octaves about `x` = 1/8, 1/4 ... 16; the outer two take the rest.
const OCTAVES: [f64; 8] = [
    0.11215, 0.10983, 0.20414, 0.30308, 0.17286, 0.04645, 0.02400, 0.02749,
];

impl Shear {
    /// The flexibility of a stack.
    pub fn of(stack: &Stack) -> Shear {
        let last = RADII_M.len() - 1;
        let waves: [f64; RADII_M.len() + OCTAVES.len() - 1] = std::array::from_fn(|j| {
            let k = 0.125 * f64::from(1 << j) / RADII_M[last];
            k * tangential_compliance(stack, k)
        });
        let flexibility = |i: usize| {
            let sum: f64 = (0..OCTAVES.len())
                .map(|m| OCTAVES[m] * waves[m + last - i])
                .sum();
            0.25 * PI * RADII_M[i] * sum
        };
        Shear {
            flexibility_m_pa: std::array::from_fn(flexibility),
        }
    }

    /// Mean of several stacks' with weights that add to 1.
    pub fn blend(parts: &[(f64, &Shear)]) -> Shear {
        let mean = |i: usize| parts.iter().map(|(w, s)| w * s.flexibility_m_pa[i]).sum();
        Shear {
            flexibility_m_pa: std::array::from_fn(mean),
        }
    }

    /// Flexibility of a bristle in a patch of a radius, m/Pa.
    pub fn flexibility_m_pa(&self, radius_m: f64) -> f64 {
        let high = RADII_M.iter().position(|r| *r > radius_m);
        let i = high.unwrap_or(RADII_M.len() - 1).max(1);
        let share = (radius_m - RADII_M[i - 1]) / (RADII_M[i] - RADII_M[i - 1]);
        let [a, b] = [self.flexibility_m_pa[i - 1], self.flexibility_m_pa[i]];
        a + share.clamp(0.0, 1.0) * (b - a)
    }
}

/// What rubs on what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grip {
    /// Coulomb's coefficient: shear traction is at most this times the pressure. 0 upwards.
    pub friction: f64,
    /// Flexibility of a bristle, m/Pa, above 0: [`Shear::flexibility_m_pa`], plus that of a cover.
    pub flexibility_m_pa: f64,
    /// Edge of a cell, m.
    pub cell_m: f64,
}

/// Rigid motion of the node against the skin over a step. Axes: along the window's rows' order, along its columns'
/// order, and the outward normal; right-handed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Travel {
    /// Of the node's centre along the surface, m.
    pub shift_m: [f64; 2],
    /// Rotation of what carries the node, rad; small.
    pub turn_rad: [f64; 3],
}

/// The axle a node turns on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axle {
    /// Unit vector, axes as in [`Travel`].
    pub direction: [f64; 3],
    /// How it turns on it.
    pub spin: Spin,
}

/// How a node turns about its axle, against what carries it, over one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spin {
    /// Not at all.
    Fixed,
    /// By a given angle.
    Driven {
        /// The angle, rad.
        turn_rad: f64,
    },
    /// As friction turns it, against a bearing. The wheel's own inertia is left out.
    Free {
        /// Torque that the bearing holds before it turns, and while it turns, N m; 0 upwards.
        bearing_nm: f64,
    },
}

/// What friction did over a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drag {
    /// Shear force of the node on the skin, N, axes as in [`Travel`].
    pub force_n: [f64; 2],
    /// Torque of the node on the skin about the axle, N m; the carrier feels the opposite.
    pub torque_nm: f64,
    /// How far the node turned about its axle, rad.
    pub roll_rad: f64,
    /// Work of the node's surface on the skin by shear, J.
    pub work_j: f64,
    /// What of it slip turned into heat, J.
    pub slip_loss_j: f64,
    /// What the bearing turned into heat, J.
    pub bearing_loss_j: f64,
    /// Slip in the mean over the patch, weighted by pressure, m.
    pub slip_m: f64,
    /// Change of the force per metre of further shift, N/m: `[0 0], [1 1], [0 1]`. A turning wheel's gives way.
    pub stiffness_n_m: [f64; 3],
}

/// Shear traction on a square window of surface cells under one node, row after row.
///
/// The law of a cell under pressure `p`, whose node surface has moved by `d` against the skin since the last step:
/// ```text
/// q' = q + d / L;   q <- q' where |q'| <= mu p, else mu p q' / |q'|   (return to Coulomb's cone: the rest is slip)
/// ```
/// `q` is the traction of the node on the skin, so it points where the node goes. A cell that enters the patch starts
/// unstrained, one that leaves it lets go; as the bristles live on the skin and the window moves over it, creepage of a
/// rolling node needs no extra rule. `d = shift + turn x arm`, `arm` from the node's centre to its surface over the cell,
/// so a node that bores or is carried round drags as it should. A free wheel's turn is the one unknown: torque about the
/// axle in balance with its bearing, found by Newton's method; the torque never falls with the turn.
///
/// Against exact theory, on a half-space: sticking stiffness and the shift at which a sphere slips as a whole are
/// Mindlin's; between them the force is up to 5 % of `mu P` high (Cattaneo 1938, Mindlin 1949); creep of a rolling sphere,
/// against Kalker's (1967) linear theory, is 6 % low along and 6 % high across at `nu` 0.25, 13 and 14 % at 0.5; small cycles
/// lose less than Mindlin and Deresiewicz (1953) say, since bristles slip only where the pressure is low. Left out: pressure
/// from shear (none on an incompressible half-space, Johnson 1985, 7.1), a lower friction while slipping, adhesion.
#[derive(Clone, Debug)]
pub struct Bristles {
    side: usize,
    traction_pa: [Vec<f64>; 2],
    cells: Cells,
    /// Cells that may hold traction.
    held: Range<usize>,
    buffer: Vec<f64>,
}

/// The loaded cells, in the order of the window.
#[derive(Clone, Debug, Default)]
struct Cells {
    index: Vec<usize>,
    /// Traction that Coulomb allows, Pa.
    limit_pa: Vec<f64>,
    /// Traction before the step.
    before_pa: [Vec<f64>; 2],
    /// Traction were there no slip and no roll.
    stuck_pa: [Vec<f64>; 2],
    /// Shift of the surface per radian of roll, m.
    lever_m: [Vec<f64>; 2],
    /// After a roll: traction were there no slip, Pa; what is left of it on Coulomb's cone, 1 where the cell sticks.
    wanted_pa: [Vec<f64>; 2],
    share: Vec<f64>,
    /// Terms of a sum.
    terms: [Vec<f64>; 2],
}

impl Cells {
    /// Makes room for the cells of `index`.
    fn fit(&mut self) {
        let count = self.index.len();
        let pairs = [
            &mut self.before_pa,
            &mut self.stuck_pa,
            &mut self.lever_m,
            &mut self.wanted_pa,
            &mut self.terms,
        ];
        let all = pairs.into_iter().flatten();
        all.chain([&mut self.limit_pa, &mut self.share])
            .for_each(|v| v.resize(count, 0.0));
    }

    /// Rolls all cells by `roll_pa_m`, angle over flexibility, and returns them to the cone.
    #[inline(always)]
    fn bend(&mut self, roll_pa_m: f64) {
        for axis in 0..2 {
            let (wanted, stuck) = (&mut self.wanted_pa[axis], &self.stuck_pa[axis]);
            carry(wanted, stuck, &self.lever_m[axis], roll_pa_m);
        }
        let [w0, w1] = &self.wanted_pa;
        return_to_cone(&mut self.share, w0, w1, &self.limit_pa);
    }

    /// Coulomb's traction times what it cut off, and Coulomb's traction, summed.
    fn slip(&self) -> [f64; 2] {
        let [w0, w1] = &self.wanted_pa;
        let mut slipped = 0.0;
        for (i, share) in self.share.iter().enumerate().filter(|(_, s)| **s < 1.0) {
            slipped += self.limit_pa[i] * (w0[i] * w0[i] + w1[i] * w1[i]).sqrt() * (1.0 - share);
        }
        [slipped, wide!(sum(&self.limit_pa))]
    }

    /// Of the sticking cells: count, sum of levers, sum of their squares.
    fn grip(&self) -> (f64, [f64; 2], f64) {
        let [l0, l1] = &self.lever_m;
        let (mut count, mut lever, mut square) = (0.0, [0.0; 2], 0.0);
        for ((share, l0), l1) in self.share.iter().zip(l0).zip(l1) {
            let sticks = if *share < 1.0 { 0.0 } else { 1.0 };
            count += sticks;
            lever = [lever[0] + sticks * l0, lever[1] + sticks * l1];
            square += sticks * (l0 * l0 + l1 * l1);
        }
        (count, lever, square)
    }
}

/// Products of traction after the step `q`, before it `b`, and without slip `t`, summed over cells and axes.
#[derive(Clone, Copy, Debug, Default)]
struct Flux {
    qq: f64,
    qb: f64,
    qt: f64,
    bb: f64,
    bt: f64,
}

impl Flux {
    #[inline(always)]
    fn add(&mut self, q: &[f64], b: &[f64], t: &[f64]) {
        self.qq += dot(q, q);
        self.qb += dot(q, b);
        self.qt += dot(q, t);
        self.bb += dot(b, b);
        self.bt += dot(b, t);
    }

    /// Mean traction times the way of the node's surface, `(q + b) (t - b) / 2`.
    fn work(&self) -> f64 {
        0.5 * (self.qt - self.qb + self.bt - self.bb)
    }

    /// Mean traction times slip, `(q + b) (t - q) / 2`.
    fn loss(&self) -> f64 {
        0.5 * (self.qt - self.qq + self.bt - self.qb)
    }
}

/// `out = a b`.
#[inline(always)]
fn times(out: &mut [f64], a: &[f64], b: &[f64]) {
    for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
        *out = a * b;
    }
}

/// `wanted = stuck + roll lever`.
#[inline(always)]
fn carry(wanted: &mut [f64], stuck: &[f64], lever: &[f64], roll: f64) {
    for (w, (s, l)) in wanted.iter_mut().zip(stuck.iter().zip(lever)) {
        *w = s + roll * l;
    }
}

/// The share of each traction that Coulomb allows. Both ways are taken, so that the loop stays straight.
#[inline(always)]
fn return_to_cone(share: &mut [f64], w0: &[f64], w1: &[f64], limit: &[f64]) {
    let count = share.len();
    let (w0, w1, limit) = (&w0[..count], &w1[..count], &limit[..count]);
    for i in 0..count {
        let square = w0[i] * w0[i] + w1[i] * w1[i];
        let slipping = limit[i] / square.sqrt();
        share[i] = if square > limit[i] * limit[i] {
            slipping
        } else {
            1.0
        };
    }
}

/// Torque of each cell about the axle, per cell area, and its slope, that over the stiffness of a bristle too.
#[inline(always)]
fn torques(
    torque: &mut [f64],
    slope: &mut [f64],
    [w0, w1]: [&[f64]; 2],
    [l0, l1]: [&[f64]; 2],
    share: &[f64],
) {
    let count = torque.len();
    let (slope, share) = (&mut slope[..count], &share[..count]);
    let (w0, w1, l0, l1) = (&w0[..count], &w1[..count], &l0[..count], &l1[..count]);
    for i in 0..count {
        let pull = w0[i] * l0[i] + w1[i] * l1[i];
        let slipping = pull * pull / (w0[i] * w0[i] + w1[i] * w1[i]);
        let along = if share[i] < 1.0 { slipping } else { 0.0 };
        torque[i] = share[i] * pull;
        slope[i] = share[i] * (l0[i] * l0[i] + l1[i] * l1[i] - along);
    }
}

impl Bristles {
    /// An unstrained window of `side` by `side` cells.
    pub fn new(side: usize) -> Bristles {
        let zeros = || vec![0.0; side * side];
        Bristles {
            side,
            traction_pa: [zeros(), zeros()],
            cells: Cells::default(),
            held: 0..0,
            buffer: zeros(),
        }
    }

    /// Traction of the node on each cell of skin, Pa, row after row: along the rows' order, along the columns' order.
    pub fn traction_pa(&self) -> [&[f64]; 2] {
        [&self.traction_pa[0], &self.traction_pa[1]]
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        self.traction_pa.iter_mut().for_each(|t| t.fill(0.0));
        self.held = 0..0;
    }

    /// Moves the window by whole cells over the surface; what leaves it lets go.
    pub fn shift(&mut self, columns: isize, rows: isize) {
        let side = self.side;
        for traction in &mut self.traction_pa {
            self.buffer.fill(0.0);
            for row in 0..side {
                let Some(from) = row.checked_add_signed(rows).filter(|r| *r < side) else {
                    continue;
                };
                let first = (-columns).clamp(0, side as isize) as usize;
                let last = (side as isize - columns).clamp(0, side as isize) as usize;
                if first < last {
                    let source = from * side + first.saturating_add_signed(columns);
                    self.buffer[row * side + first..row * side + last]
                        .copy_from_slice(&traction[source..source + last - first]);
                }
            }
            std::mem::swap(traction, &mut self.buffer);
        }
        let by = rows * side as isize + columns;
        let moved = |cell: usize| cell.saturating_add_signed(-by).min(side * side);
        self.held = moved(self.held.start)..moved(self.held.end);
    }

    /// Moves the node on. `pressure_pa` is that at the end of the step; `arm_m` tells, for a cell, where the node's
    /// surface stands over it: from the node's centre, along the first two axes, and how deep below the centre.
    pub fn step(
        &mut self,
        pressure_pa: &[f64],
        arm_m: impl Fn(usize) -> [f64; 3],
        travel: &Travel,
        axle: &Axle,
        grip: &Grip,
    ) -> Drag {
        self.gather(pressure_pa, arm_m, travel, axle, grip);
        let roll_rad = match axle.spin {
            Spin::Fixed => 0.0,
            Spin::Driven { turn_rad } => turn_rad,
            Spin::Free { bearing_nm } => self.roll(bearing_nm, grip),
        };
        let mut drag = self.commit(roll_rad, grip);
        if let Spin::Free { bearing_nm } = axle.spin {
            drag.bearing_loss_j = bearing_nm * roll_rad.abs();
        }
        drag
    }

    /// Collects the loaded cells; those without pressure let go here.
    fn gather(
        &mut self,
        pressure_pa: &[f64],
        arm_m: impl Fn(usize) -> [f64; 3],
        travel: &Travel,
        axle: &Axle,
        grip: &Grip,
    ) {
        let stiffness = 1.0 / grip.flexibility_m_pa;
        // (t0, t1, t2) x (x, y, -h), the part along the surface.
        let turned =
            |[t0, t1, t2]: [f64; 3], [x, y, h]: [f64; 3]| [-t1 * h - t2 * y, t0 * h + t2 * x];
        let [along, across] = &self.traction_pa;
        let cells = &mut self.cells;
        cells.index.clear();
        let counts = |i: &usize| (pressure_pa[*i] > 0.0) | (along[*i] != 0.0) | (across[*i] != 0.0);
        // Of a window most is bare: all before the first and after the last, and in between eight cells at a time.
        const BLOCK: usize = 8;
        let (mut from, mut to) = wide!(filled(pressure_pa));
        if from >= to {
            (from, to) = (self.held.start, self.held.end);
        } else if !self.held.is_empty() {
            (from, to) = (from.min(self.held.start), to.max(self.held.end));
        }
        for first in (from..to).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(to);
            if block.clone().fold(false, |any, i| any | counts(&i)) {
                cells.index.extend(block.filter(counts));
            }
        }
        let ends = cells.index.first().zip(cells.index.last());
        self.held = ends.map_or(0..0, |(first, last)| *first..last + 1);
        cells.fit();
        for (i, &index) in cells.index.iter().enumerate() {
            let arm = arm_m(index);
            let before_pa = [along[index], across[index]];
            let (carried, lever_m) = (turned(travel.turn_rad, arm), turned(axle.direction, arm));
            cells.limit_pa[i] = grip.friction * pressure_pa[index].max(0.0);
            for axis in 0..2 {
                let moved_m = travel.shift_m[axis] + carried[axis];
                cells.before_pa[axis][i] = before_pa[axis];
                cells.stuck_pa[axis][i] = before_pa[axis] + stiffness * moved_m;
                cells.lever_m[axis][i] = lever_m[axis];
            }
        }
    }

    /// The turn of a free wheel: none while the bearing holds, else that at which it just gives.
    fn roll(&mut self, bearing_nm: f64, grip: &Grip) -> f64 {
        let (held_nm, slope) = self.torque(0.0, grip);
        if held_nm.abs() <= bearing_nm {
            return 0.0;
        }
        // The node pushes the skin with `held`; the wheel gives way the other way until the bearing's torque is left.
        let wanted_nm = bearing_nm.copysign(held_nm);
        let enough_nm = 1e-4 * held_nm.abs();
        let (mut low, mut high) = if held_nm > 0.0 {
            (f64::NEG_INFINITY, 0.0)
        } else {
            (0.0, f64::INFINITY)
        };
        // Where nearly all slips the slope says little: no step is longer than twenty times that of a sticking patch.
        let levers = self.cells.lever_m.iter().flatten();
        let squares: f64 = levers.map(|l| l * l).sum();
        let slope_min =
            0.05 * squares * grip.cell_m * grip.cell_m / grip.flexibility_m_pa + f64::MIN_POSITIVE;
        let mut roll = (wanted_nm - held_nm) / slope.max(slope_min);
        for _ in 0..30 {
            if !(low..=high).contains(&roll) {
                roll = 0.5 * (low + high);
            }
            let (torque_nm, slope) = self.torque(roll, grip);
            if (torque_nm - wanted_nm).abs() <= enough_nm {
                break;
            }
            *(if torque_nm < wanted_nm {
                &mut low
            } else {
                &mut high
            }) = roll;
            roll += (wanted_nm - torque_nm) / slope.max(slope_min);
        }
        roll
    }

    /// Torque of the node on the skin about the axle after a turn, N m, and its slope, N m/rad.
    fn torque(&mut self, roll_rad: f64, grip: &Grip) -> (f64, f64) {
        let stiffness = 1.0 / grip.flexibility_m_pa;
        let cells = &mut self.cells;
        let (torque, slope) = wide!({
            cells.bend(stiffness * roll_rad);
            let [torque, slope] = &mut cells.terms;
            let [[w0, w1], [l0, l1]] = [&cells.wanted_pa, &cells.lever_m];
            torques(torque, slope, [w0, w1], [l0, l1], &cells.share);
            (sum(torque), stiffness * sum(slope))
        });
        let cell_m2 = grip.cell_m * grip.cell_m;
        (torque * cell_m2, slope * cell_m2)
    }

    /// Takes the turn, returns every bristle to its cone and sums up.
    fn commit(&mut self, roll_rad: f64, grip: &Grip) -> Drag {
        let (flexibility, stiffness) = (grip.flexibility_m_pa, 1.0 / grip.flexibility_m_pa);
        let mut drag = Drag {
            roll_rad,
            ..Drag::default()
        };
        let cells = &mut self.cells;
        let (flux, torque) = wide!({
            cells.bend(stiffness * roll_rad);
            let (mut flux, mut torque) = (Flux::default(), 0.0);
            for axis in 0..2 {
                let (q, wanted) = (&mut cells.terms[axis], &cells.wanted_pa[axis]);
                times(q, wanted, &cells.share);
                flux.add(q, &cells.before_pa[axis], wanted);
                torque += dot(q, &cells.lever_m[axis]);
                drag.force_n[axis] = sum(q);
            }
            (flux, torque)
        });
        let [along, across] = &mut self.traction_pa;
        let [q0, q1] = &cells.terms;
        for (&index, (q0, q1)) in cells.index.iter().zip(q0.iter().zip(q1)) {
            (along[index], across[index]) = (*q0, *q1);
        }
        let [slipped, pressed] = cells.slip();
        let (stuck, lever, lever2) = cells.grip();
        let cell_m2 = grip.cell_m * grip.cell_m;
        drag.force_n = drag.force_n.map(|f| f * cell_m2);
        drag.torque_nm = torque * cell_m2;
        drag.work_j = flux.work() * cell_m2 * flexibility;
        drag.slip_loss_j = flux.loss() * cell_m2 * flexibility;
        if pressed > 0.0 {
            drag.slip_m = slipped * flexibility / pressed;
        }
        let gives = if roll_rad != 0.0 && lever2 > 0.0 {
            1.0 / lever2
        } else {
            0.0
        };
        let [a, b] = lever;
        drag.stiffness_n_m = [stuck - a * a * gives, stuck - b * b * gives, -a * b * gives]
            .map(|k| k * cell_m2 * stiffness);
        drag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Law, Layer};

    const SIDE: usize = 64;
    const CELL_M: f64 = 0.0005;
    const RADIUS_M: f64 = 0.012;
    const SHEAR_PA: f64 = 8e3;
    const FORCE_N: f64 = 20.0;
    const FRICTION: f64 = 0.3;

    fn layer(thickness_m: f64, e_pa: f64, nu: f64) -> Layer {
        Layer {
            name: "l".into(),
            thickness_m,
            e_pa,
            nu,
            law: Law::Linear,
            prony: vec![],
        }
    }

    /// Place of a cell from the middle of the window, m.
    fn place(i: usize) -> [f64; 2] {
        [i / SIDE, i % SIDE].map(|v| (v as f64 - 31.5) * CELL_M)
    }

    /// Hertz's pressure of a sphere whose patch is centred at `x` along the rows, Pa.
    fn hertz(x_m: f64) -> Vec<f64> {
        let peak_pa = 1.5 * FORCE_N / (PI * RADIUS_M * RADIUS_M);
        let height = |[x, y]: [f64; 2]| 1.0 - ((x - x_m).powi(2) + y * y) / RADIUS_M.powi(2);
        (0..SIDE * SIDE)
            .map(|i| peak_pa * height(place(i)).max(0.0).sqrt())
            .collect()
    }

    /// Of the half-space, as [`Shear`] has it.
    fn grip(nu: f64) -> Grip {
        Grip {
            friction: FRICTION,
            flexibility_m_pa: PI * RADIUS_M * (2.0 - nu) / (8.0 * SHEAR_PA),
            cell_m: CELL_M,
        }
    }

    const CARRIED: Axle = Axle {
        direction: [0.0, 1.0, 0.0],
        spin: Spin::Fixed,
    };

    fn shift(x_m: f64, y_m: f64) -> Travel {
        Travel {
            shift_m: [x_m, y_m],
            turn_rad: [0.0; 3],
        }
    }

    /// A half-space gives Mindlin's stiffness `8 G a / (2 - nu)` (1949; Johnson 1985, section 7.2): the octaves add up to
    /// it within rounding of their table. A layer far thinner than the patch is columns in shear, `L = h / G`, here met
    /// from the soft side. On tissue the sum over octaves is held against the integral it stands for: 8 % from 3 to 30 mm.
    #[test]
    fn val_bristles_are_as_stiff_as_the_patch() {
        let thick = Stack::try_new(vec![layer(2.0, 24e3, 0.45)]).unwrap();
        let g = thick.layers()[0].mu_pa();
        for a in RADII_M {
            let exact = (2.0 - 0.45) / (8.0 * g * a);
            let ours = Shear::of(&thick).flexibility_m_pa(a) / (PI * a * a);
            assert!((ours / exact - 1.0).abs() < 3e-3, "{ours} {exact}");
        }
        let thin = Stack::try_new(vec![layer(0.002, 24e3, 0.49)]).unwrap();
        let ours = Shear::of(&thin).flexibility_m_pa(0.032) / (0.002 / thin.layers()[0].mu_pa());
        assert!((1.0..1.3).contains(&ours), "{ours}");

        let tissue = [
            vec![
                layer(0.002, 119e3, 0.49),
                layer(0.008, 10e3, 0.495),
                layer(0.03, 18e3, 0.495),
            ],
            vec![
                layer(0.002, 119e3, 0.49),
                layer(0.020, 5e3, 0.495),
                layer(0.03, 18e3, 0.495),
            ],
            vec![layer(0.0015, 119e3, 0.49), layer(0.005, 5e3, 0.495)],
            vec![layer(0.04, 20e3, 0.49)],
        ];
        for layers in tissue {
            let stack = Stack::try_new(layers).unwrap();
            for a in [0.003, 0.007, 0.014, 0.028] {
                let step = 0.02 / a;
                let sum: f64 = (0..3000)
                    .map(|i| (f64::from(i) + 0.5) * step)
                    .map(|k| {
                        tangential_compliance(&stack, k) * k * ((k * a).sin() / (k * a)).powi(2)
                    })
                    .sum();
                let exact = sum * step / (2.0 * PI);
                let ours = Shear::of(&stack).flexibility_m_pa(a) / (PI * a * a);
                println!(
                    "{} layers, {:.0} mm: {:.3}",
                    stack.layers().len(),
                    1e3 * a,
                    ours / exact
                );
                assert!((ours / exact - 1.0).abs() < 0.08, "{ours} {exact}");
            }
        }
    }

    /// A sphere pressed by `P` and shifted by `d`: `Q = mu P (1 - (1 - d / d1)^1.5)`, slipping as a whole from
    /// `d1 = 3 mu P (2 - nu) / (16 G a)` on (Cattaneo 1938, Mindlin 1949). Bristles have the same first slope and the same
    /// `d1`, and `1.5 x - 0.5 x^3` between, which is at most 4.6 % of `mu P` more. The grid is worth 0.5 %.
    #[test]
    fn val_partial_slip_is_near_cattaneo_mindlin() {
        let (nu, limit_n) = (0.3, FRICTION * FORCE_N);
        let whole_m = 3.0 * limit_n * (2.0 - nu) / (16.0 * SHEAR_PA * RADIUS_M);
        let pressure = hertz(0.0);
        let mut bristles = Bristles::new(SIDE);
        for i in 1..=30 {
            let drag = bristles.step(
                &pressure,
                |_| [0.0; 3],
                &shift(0.0, 0.04 * whole_m),
                &CARRIED,
                &grip(nu),
            );
            let x = (0.04 * f64::from(i)).min(1.0);
            let mindlin = 1.0 - (1.0 - x).powf(1.5);
            let simplified = 1.5 * x - 0.5 * x.powi(3);
            let ours = drag.force_n[1] / limit_n;
            assert!(
                (ours - simplified).abs() < 0.005,
                "{x}: {ours} {simplified}"
            );
            assert!(
                ours > mindlin - 0.005 && ours < mindlin + 0.051,
                "{x}: {ours} {mindlin}"
            );
            assert!(drag.force_n[0].abs() < 1e-12 * limit_n);
        }
    }

    /// Dragged on, the whole patch slips: `Q = mu P` against whatever direction, and all work is heat.
    #[test]
    fn val_steady_drag_is_coulombs() {
        let pressure = hertz(0.0);
        let normal_n: f64 = pressure.iter().sum::<f64>() * CELL_M * CELL_M;
        let mut bristles = Bristles::new(SIDE);
        let mut drag = Drag::default();
        for _ in 0..200 {
            drag = bristles.step(
                &pressure,
                |_| [0.0; 3],
                &shift(3e-4, 4e-4),
                &CARRIED,
                &grip(0.3),
            );
        }
        let exact = [0.6, 0.8].map(|u| u * FRICTION * normal_n);
        for (ours, exact) in drag.force_n.iter().zip(exact) {
            assert!((ours / exact - 1.0).abs() < 1e-9, "{ours} {exact}");
        }
        let heat_j = 5e-4 * FRICTION * normal_n;
        assert!(
            (drag.work_j / heat_j - 1.0).abs() < 1e-9
                && (drag.slip_loss_j / heat_j - 1.0).abs() < 1e-9
        );
        assert!((drag.slip_m / 5e-4 - 1.0).abs() < 1e-9);
    }

    /// To and fro under a constant force: what goes in and does not come back is heat, step by step and over the cycle;
    /// and at an amplitude of `x d1` it is `x^4 mu P d1`, Masing's rule on the bristles' own curve. The same rule on the curve
    /// of Cattaneo and Mindlin is Mindlin and Deresiewicz (1953), `x^3 mu P d1 / 2` for small `x`: bristles lose less than
    /// half of that below a third of `d1`, about as much at half of it, 1.25 times as much close to it. The grid is worth 2 %.
    #[test]
    fn val_cycles_lose_what_slip_eats() {
        let (nu, limit_n) = (0.3, FRICTION * FORCE_N);
        let whole_m = 3.0 * limit_n * (2.0 - nu) / (16.0 * SHEAR_PA * RADIUS_M);
        let pressure = hertz(0.0);
        for x in [0.3, 0.5, 0.7, 0.9] {
            let mut bristles = Bristles::new(SIDE);
            let step_m = x * whole_m / 50.0;
            let (mut work, mut loss) = (0.0, 0.0);
            for i in 0..450 {
                let forth = (i + 50) % 200 < 100;
                let drag = bristles.step(
                    &pressure,
                    |_| [0.0; 3],
                    &shift(if forth { step_m } else { -step_m }, 0.0),
                    &CARRIED,
                    &grip(nu),
                );
                assert!(drag.slip_loss_j >= -1e-15);
                // The second round is a closed loop.
                if i >= 250 {
                    work += drag.work_j;
                    loss += drag.slip_loss_j;
                }
            }
            let unit_j = limit_n * whole_m;
            let mindlin = 8.0 * (x - 0.4 * (1.0 - (1.0 - x).powf(2.5)))
                - 4.0 * x * (1.0 - (1.0 - x).powf(1.5));
            println!(
                "x {x}: {:.5}, Masing {:.5}, Mindlin {mindlin:.5}",
                work / unit_j,
                x.powi(4)
            );
            assert!((work / loss - 1.0).abs() < 1e-9, "{work} {loss}");
            assert!((work / unit_j / x.powi(4) - 1.0).abs() < 0.02, "{x}");
            assert!((0.5..1.3).contains(&(work / unit_j / mindlin)), "{x}");
        }
    }

    /// A braked sphere that rolls with a little creepage `c`: `Q = C G a^2 c` in the linear range, Kalker (1967), circle:
    /// `C11` = 3.40, 4.12, 5.20 along and `C22` = 3.40, 3.67, 3.98 across for `nu` = 0, 1/4, 1/2 (Johnson 1985, table 8.1).
    /// Bristles have one `C = 64 / (3 pi (2 - nu))` for both: 3.40, 3.88, 4.53, which lies between.
    /// The patch passes over the skin by whole windows' cells, as in a run; the grid is worth 3 %.
    #[test]
    fn val_small_creepage_is_near_kalkers() {
        for (nu, kalker) in [
            (0.0, [3.40, 3.40]),
            (0.25, [4.12, 3.67]),
            (0.5, [5.20, 3.98]),
        ] {
            for (axis, kalker) in kalker.into_iter().enumerate() {
                let creepage = 1e-5;
                let mut bristles = Bristles::new(SIDE);
                let mut drag = Drag::default();
                for i in 0..240 {
                    // Four steps to a cell.
                    let x_m = f64::from(i % 4) * 0.25 * CELL_M;
                    if i % 4 == 0 {
                        bristles.shift(0, 1);
                    }
                    let mut slip = [0.0; 2];
                    slip[axis] = creepage * 0.25 * CELL_M;
                    drag = bristles.step(
                        &hertz(x_m),
                        |_| [0.0; 3],
                        &shift(slip[0], slip[1]),
                        &CARRIED,
                        &grip(nu),
                    );
                }
                let ours = drag.force_n[axis] / (SHEAR_PA * RADIUS_M * RADIUS_M * creepage);
                let simplified = 64.0 / (3.0 * PI * (2.0 - nu));
                println!(
                    "nu {nu}, axis {axis}: {ours:.3}, simplified {simplified:.3}, Kalker {kalker}"
                );
                assert!((ours / simplified - 1.0).abs() < 0.03);
                assert!((ours / kalker - 1.0).abs() < 0.15);
            }
        }
    }

    /// A wheel on a frictionless bearing rolls: no torque and no force. With a bearing that holds `M` it drags with `M / R`.
    /// With one that holds more than friction can turn it slides: over each strip along the travel, of half length `c`, a
    /// bristle is strained by its way from the leading edge, `q = min((c - x) / L, mu p)`, summed here on its own.
    /// On skin as soft as this a patch is left behind before the whole of it slips, so that is less than `mu P`.
    #[test]
    fn val_free_wheel_rolls() {
        let radius_m = 0.02;
        let grip = grip(0.45);
        let mut dragged_n = 0.0;
        for (i, p) in hertz(0.0).iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let [x, y] = place(i);
            let way_m = (RADIUS_M * RADIUS_M - y * y).sqrt() - x;
            dragged_n += (way_m / grip.flexibility_m_pa).min(FRICTION * p) * CELL_M * CELL_M;
        }
        for (bearing_nm, wanted_n) in [(0.0, 0.0), (0.01, 0.5), (1.0, dragged_n)] {
            let mut bristles = Bristles::new(SIDE);
            let (mut drag, mut rolled) = (Drag::default(), 0.0);
            for i in 0..800 {
                if i % 4 == 0 {
                    bristles.shift(0, 1);
                }
                let x_m = f64::from(i % 4) * 0.25 * CELL_M;
                let axle = Axle {
                    spin: Spin::Free { bearing_nm },
                    ..CARRIED
                };
                let level = |i: usize| [place(i)[0] - x_m, place(i)[1], radius_m];
                drag = bristles.step(&hertz(x_m), level, &shift(0.25 * CELL_M, 0.0), &axle, &grip);
                if i >= 400 {
                    rolled += drag.roll_rad;
                }
            }
            let q_n = drag.force_n[0];
            let share = rolled * radius_m / (100.0 * CELL_M);
            println!(
                "bearing {bearing_nm} N m: {q_n:.4} N of {dragged_n:.3} N, rolls {share:.4} of the way"
            );
            // The torque is met to 1e-4 of what a held wheel would take; half a cell of way is worth 2 %.
            assert!(
                (q_n - wanted_n).abs() < 0.02 * wanted_n + 1e-3,
                "{q_n} {wanted_n}"
            );
            assert_eq!(share > 0.5, bearing_nm < 0.5, "{share}");
        }
    }
}
