//! A [`Rig`] in motion: where its links are, how loops close, what moves what.
//!
//! Trees are walked from the ground; loops are closed by Newton's method on all closings and couplings at once, the driven
//! joints held. Steps are least-norm (pseudo-inverse), so conditions that say the same thing twice, as the pins of a plane
//! four-bar do, and joints that stay free do no harm. How a loop closes is decided once, by the joints' `start`; from there
//! a posture is followed in small steps of the drives, so it stays on its branch.

use nalgebra::{DMatrix, DVector, Isometry3, Point3, Translation3, Unit, UnitQuaternion, Vector3};
use thiserror::Error;

use crate::cam::CamCurve;
use crate::rig::{ClosingKind, GROUND, JointKind, Law, Rig, frame};
use crate::track::TrackCurve;

/// A built [`Rig`]: names resolved, mirror and mounting written out. It holds no state: same posture, same bits.
#[derive(Clone, Debug)]
pub struct Linkage {
    rig: Rig,
    joints: Vec<Built>,
    /// Joints from the ground outwards.
    order: Vec<usize>,
    /// For each body (0 the ground, then the links) the joint that carries it.
    carrier: Vec<Option<usize>>,
    /// For each body the columns that move it.
    moved_by: Vec<Vec<usize>>,
    closings: Vec<Closed>,
    couplings: Vec<Coupled>,
    drives: Vec<usize>,
    heads: Vec<(usize, Isometry3<f64>)>,
    /// Columns: one for each freedom of each joint.
    freedoms: usize,
    /// Rows: one for each condition.
    conditions: usize,
}

/// A joint, its names resolved.
#[derive(Clone, Debug)]
struct Built {
    parent: usize,
    child: usize,
    parent_from_joint: Isometry3<f64>,
    axis: Unit<Vector3<f64>>,
    path: Path,
    /// First column, and how many.
    column: usize,
    count: usize,
}

#[derive(Clone, Debug)]
enum Path {
    Turn,
    Slide,
    Ball,
    Weld,
    Track {
        curve: Box<TrackCurve>,
        wheelbase_m: f64,
    },
}

#[derive(Clone, Debug)]
struct Closed {
    kind: ClosingKind,
    a: usize,
    /// Point, x along the axis.
    on_a: Isometry3<f64>,
    b: usize,
    on_b: Isometry3<f64>,
    row: usize,
}

#[derive(Clone, Debug)]
struct Coupled {
    joint: usize,
    to: usize,
    law: BuiltLaw,
    row: usize,
}

#[derive(Clone, Debug)]
enum BuiltLaw {
    Gear { ratio: f64, offset: f64 },
    Cam(CamCurve),
}

/// Positions of all joints of a [`Linkage`], in the order of its rig's.
#[derive(Clone, Debug, PartialEq)]
pub struct Posture {
    /// Position of each joint, rad or m; 0 for balls and welds.
    pub positions: Vec<f64>,
    /// Attitude of each ball, the child's in the joint's frame; no turn for other joints.
    pub balls: Vec<UnitQuaternion<f64>>,
}

/// What a unit movement of a column does to a body: velocity of a point `p` is `base + turn x p`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screw {
    pub base: Vector3<f64>,
    pub turn: Vector3<f64>,
}

/// A loop that does not close.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{closing} {}{at}", how_open(*.gap_m))]
pub struct LoopGap {
    /// The closing or coupling that is farthest from being met.
    pub closing: String,
    /// Its index among closings, or `None` for a coupling.
    pub index: Option<usize>,
    /// How far, m (100 mm for 1 rad).
    pub gap_m: f64,
    /// Where the drives stood, in words; empty at assembly.
    pub at: String,
}

/// What is wrong, in words: conditions may be met and a joint have left its way of closing for another.
fn how_open(gap_m: f64) -> String {
    match gap_m > 1e3 * CLOSED_M {
        true => format!("stays {:.2} mm open", 1e3 * gap_m),
        false => "could go on only by a jump to another way of closing".into(),
    }
}

/// How a mechanism can move.
#[derive(Clone, Debug, PartialEq)]
pub struct Mobility {
    /// Ways to move without breaking a closing or coupling.
    pub degrees: usize,
    /// Ways to move that are left while all drives stand.
    pub free: usize,
    /// Joints that cannot move at all here.
    pub locked: Vec<usize>,
    /// Joints that can move while all drives stand.
    pub loose: Vec<usize>,
    /// Drives that cannot move here.
    pub stuck: Vec<usize>,
}

/// One radian counts as so many metres where angles and lengths are compared: the size of these machines.
const ARM_M: f64 = 0.1;
/// A loop is closed when no condition is farther off than this, m.
const CLOSED_M: f64 = 1e-11;
/// Singular values below this share of the largest count as none.
const RANK: f64 = 1e-9;
/// A joint whose share in every free motion is less does not move.
const STILL: f64 = 1e-7;
/// Largest step of a drive while a posture is followed, rad and m.
const FOLLOW: (f64, f64) = (0.10, 0.010);
/// Gears that speed up make these steps finer, as far as this ratio: what a still quicker follower moves may be said to jump.
const GEARED: f64 = 100.0;
/// A joint that goes farther than this in one such step has jumped to another way of closing, rad.
const LEAP: f64 = 0.8;

impl Linkage {
    /// Resolves names, sorts the tree, and lays out freedoms and conditions.
    ///
    /// # Errors
    /// What is wrong with the structure, as [`Rig::check`] tells it; only errors, never empty.
    pub fn new(rig: &Rig) -> Result<Linkage, Vec<crate::RigProblem>> {
        let problems = crate::rig_check::structure(rig);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Linkage::build(rig.expanded()))
    }

    /// The structure is sound.
    fn build(rig: Rig) -> Linkage {
        let body = |name: &str| -> usize {
            if name == GROUND {
                return 0;
            }
            1 + rig
                .links
                .iter()
                .position(|link| link.name == name)
                .unwrap_or_default()
        };
        let mut column = 0;
        let joints: Vec<Built> = rig
            .joints
            .iter()
            .map(|joint| {
                let (path, count) = match &joint.kind {
                    JointKind::Revolute => (Path::Turn, 1),
                    JointKind::Prismatic => (Path::Slide, 1),
                    JointKind::Spherical => (Path::Ball, 3),
                    JointKind::Fixed => (Path::Weld, 0),
                    JointKind::Track { track, wheelbase_m } => (
                        Path::Track {
                            curve: Box::new(TrackCurve::new(track)),
                            wheelbase_m: *wheelbase_m,
                        },
                        1,
                    ),
                };
                column += count;
                Built {
                    parent: body(&joint.parent),
                    child: body(&joint.child),
                    parent_from_joint: frame(joint.at_m, joint.turn_rad),
                    axis: Unit::new_normalize(Vector3::from(joint.axis)),
                    path,
                    column: column - count,
                    count,
                }
            })
            .collect();
        let mut carrier = vec![None; rig.links.len() + 1];
        for (index, joint) in joints.iter().enumerate() {
            carrier[joint.child] = Some(index);
        }
        let mut order = Vec::new();
        let mut reached = vec![0];
        while let Some(at) = reached.pop() {
            for (index, joint) in joints.iter().enumerate() {
                if joint.parent == at {
                    order.push(index);
                    reached.push(joint.child);
                }
            }
        }
        let mut moved_by = vec![Vec::new(); rig.links.len() + 1];
        for &index in &order {
            let joint = &joints[index];
            let mut columns: Vec<usize> = moved_by[joint.parent].clone();
            columns.extend(joint.column..joint.column + joint.count);
            moved_by[joint.child] = columns;
        }
        let mut row = 0;
        let closings = rig
            .closings
            .iter()
            .map(|c| {
                let closed = Closed {
                    kind: c.kind,
                    a: body(&c.a),
                    on_a: along(c.at_a_m, c.axis_a),
                    b: body(&c.b),
                    on_b: along(c.at_b_m, c.axis_b),
                    row,
                };
                row += rows(c.kind);
                closed
            })
            .collect();
        let joint_named = |name: &str| {
            rig.joints
                .iter()
                .position(|joint| joint.name == name)
                .unwrap_or_default()
        };
        let couplings = rig
            .couplings
            .iter()
            .map(|c| {
                row += 1;
                Coupled {
                    joint: joint_named(&c.joint),
                    to: joint_named(&c.to),
                    law: match &c.law {
                        Law::Gear { ratio, offset } => BuiltLaw::Gear {
                            ratio: *ratio,
                            offset: *offset,
                        },
                        Law::Cam { lifts } => BuiltLaw::Cam(CamCurve::new(lifts)),
                    },
                    row: row - 1,
                }
            })
            .collect();
        let drives = rig.drives.iter().map(|d| joint_named(&d.joint)).collect();
        let heads = rig
            .heads
            .iter()
            .map(|h| (body(&h.link), frame(h.at_m, h.turn_rad)))
            .collect();
        Linkage {
            joints,
            order,
            carrier,
            moved_by,
            closings,
            couplings,
            drives,
            heads,
            freedoms: column,
            conditions: row,
            rig,
        }
    }

    /// The machine with its left side and its mounting written out.
    pub fn rig(&self) -> &Rig {
        &self.rig
    }

    /// Joint that each drive moves.
    pub fn driven(&self) -> &[usize] {
        &self.drives
    }

    /// The joints as they are described, loops open.
    pub fn drawn(&self) -> Posture {
        Posture {
            positions: self.rig.joints.iter().map(|j| j.start).collect(),
            balls: vec![UnitQuaternion::identity(); self.joints.len()],
        }
    }

    /// Puts the machine together: drives at their joints' `start`, the others near theirs, all loops closed.
    ///
    /// # Errors
    /// [`LoopGap`] where that cannot be.
    pub fn assemble(&self) -> Result<Posture, LoopGap> {
        self.close(&self.drawn(), f64::INFINITY)
    }

    /// Follows the drives from a posture to new positions, one for each drive, in small steps.
    ///
    /// # Errors
    /// [`LoopGap`] where the loops open on the way: the drive cannot go there, or the loop would have to jump.
    pub fn follow(&self, from: &Posture, drives: &[f64]) -> Result<Posture, LoopGap> {
        let mut here = from.clone();
        let steps = self
            .drives
            .iter()
            .zip(drives)
            .map(|(&joint, to)| {
                let most = match self.joints[joint].path {
                    Path::Turn => FOLLOW.0,
                    _ => FOLLOW.1,
                } / self.gearing(joint);
                ((to - from.positions[joint]).abs() / most).ceil()
            })
            .fold(1.0, f64::max);
        // A drive's travel is bounded by its joint's range, or a few turns: thousands of steps at most.
        let steps = steps.min(1e6) as usize;
        for step in 1..=steps {
            let share = step as f64 / steps as f64;
            let mut guess = here.clone();
            for (&joint, to) in self.drives.iter().zip(drives) {
                let start = from.positions[joint];
                guess.positions[joint] = start + (to - start) * share;
            }
            self.lead(&mut guess);
            here = self.close(&guess, LEAP).map_err(|gap| LoopGap {
                at: self.place(&guess),
                ..gap
            })?;
        }
        Ok(here)
    }

    /// Couplings' followers where their leaders want them: a chain of them is as long as there are couplings at most.
    fn lead(&self, posture: &mut Posture) {
        for _ in 0..self.couplings.len() {
            for c in &self.couplings {
                posture.positions[c.joint] = c.law.at(posture.positions[c.to]).0;
            }
        }
    }

    /// How many times as far as a joint the quickest goes that gears tie to it; 1 at least, and no more than [`GEARED`].
    fn gearing(&self, joint: usize) -> f64 {
        let alike = |c: &Coupled| self.joints[c.joint].unit_m() == self.joints[c.to].unit_m();
        let shares = self.followed(joint, |c| match c.law {
            BuiltLaw::Gear { ratio, .. } if alike(c) => Some(ratio.abs()),
            _ => None,
        });
        shares.into_iter().fold(1.0, f64::max).min(GEARED)
    }

    /// How far each joint goes for one unit of a joint where couplings tie it to that one, in its own unit; 0 where none does.
    pub fn led_by(&self, joint: usize, positions: &[f64]) -> Vec<f64> {
        self.followed(joint, |c| Some(c.law.at(positions[c.to]).1))
    }

    /// The same with gains of one's own; where there is none a coupling does not count. A chain is as long as there are couplings at most.
    fn followed(&self, joint: usize, gain: impl Fn(&Coupled) -> Option<f64>) -> Vec<f64> {
        let mut shares = vec![0.0; self.joints.len()];
        shares[joint] = 1.0;
        for _ in 0..self.couplings.len() {
            for c in &self.couplings {
                if let Some(gain) = gain(c) {
                    shares[c.joint] = shares[c.to] * gain;
                }
            }
        }
        shares
    }

    /// Newton's method on all conditions with the driven joints held; no joint may go farther than `most` rad (100 mm for
    /// 1 rad) from where it began.
    fn close(&self, guess: &Posture, most: f64) -> Result<Posture, LoopGap> {
        let mut here = guess.clone();
        if self.conditions == 0 {
            return Ok(here);
        }
        let held = self.held();
        let mut moved = DVector::zeros(self.freedoms);
        for _ in 0..50 {
            let frames = self.frames(&here);
            let off = self.residual(&here, &frames);
            if off.amax() <= CLOSED_M {
                break;
            }
            let mut jacobian = self.jacobian(&here, &frames);
            self.weigh(&mut jacobian, &held);
            let svd = jacobian.svd(true, true);
            let small = RANK * svd.singular_values.max().max(1e-300);
            let Ok(mut step) = svd.solve(&(-off), small) else {
                break;
            };
            let size = step.amax();
            if size > 0.3 {
                step *= 0.3 / size;
            }
            self.unweigh(&mut step, &held);
            moved += &step;
            self.displace(&mut here, &step);
        }
        let off = self.residual(&here, &self.frames(&here));
        let far = self.joints.iter().any(|joint| {
            (joint.column..joint.column + joint.count)
                .any(|c| moved[c].abs() > most * joint.unit_m())
        });
        // At the square root of the rounding a dead centre stops Newton's last steps.
        if off.amax() <= 1e3 * CLOSED_M && !far {
            return Ok(here);
        }
        let worst = off.iamax();
        let closing = self
            .closings
            .iter()
            .position(|c| (c.row..c.row + rows(c.kind)).contains(&worst));
        let name = match closing {
            Some(index) => self.rig.closings[index].name.clone(),
            None => self
                .couplings
                .iter()
                .position(|c| c.row == worst)
                .map(|index| self.rig.couplings[index].joint.clone())
                .unwrap_or_default(),
        };
        Err(LoopGap {
            closing: name,
            index: closing,
            gap_m: off.amax(),
            at: String::new(),
        })
    }

    /// Columns of driven joints.
    fn held(&self) -> Vec<bool> {
        let mut held = vec![false; self.freedoms];
        for &joint in &self.drives {
            let built = &self.joints[joint];
            for column in &mut held[built.column..built.column + built.count] {
                *column = true;
            }
        }
        held
    }

    /// What one rad of each column is in its own unit; 0 for held ones.
    fn units(&self, held: &[bool]) -> Vec<f64> {
        let all = self
            .joints
            .iter()
            .flat_map(|joint| std::iter::repeat_n(joint.unit_m(), joint.count));
        all.zip(held)
            .map(|(unit, held)| if *held { 0.0 } else { unit })
            .collect()
    }

    /// Columns in rad, so that sliding and turning joints weigh alike; held ones taken out.
    fn weigh(&self, jacobian: &mut DMatrix<f64>, held: &[bool]) {
        for (mut column, unit) in jacobian.column_iter_mut().zip(self.units(held)) {
            column *= unit;
        }
    }

    fn unweigh(&self, step: &mut DVector<f64>, held: &[bool]) {
        for (value, unit) in step.iter_mut().zip(self.units(held)) {
            *value *= unit;
        }
    }

    fn displace(&self, posture: &mut Posture, step: &DVector<f64>) {
        for (index, joint) in self.joints.iter().enumerate() {
            match joint.path {
                Path::Weld => {}
                Path::Ball => {
                    let turn = Vector3::from_iterator(step.rows(joint.column, 3).iter().copied());
                    posture.balls[index] *= UnitQuaternion::from_scaled_axis(turn);
                }
                _ => posture.positions[index] += step[joint.column],
            }
        }
    }

    /// `machine_from_link` of the ground and every link.
    pub fn frames(&self, posture: &Posture) -> Vec<Isometry3<f64>> {
        let mut frames = vec![Isometry3::identity(); self.carrier.len()];
        for &index in &self.order {
            let joint = &self.joints[index];
            frames[joint.child] =
                frames[joint.parent] * joint.parent_from_joint * self.moved(index, posture);
        }
        frames
    }

    /// `joint_from_child` at a posture.
    fn moved(&self, index: usize, posture: &Posture) -> Isometry3<f64> {
        let joint = &self.joints[index];
        let position = posture.positions[index];
        match &joint.path {
            Path::Turn => Isometry3::from_parts(
                Translation3::identity(),
                UnitQuaternion::from_axis_angle(&joint.axis, position),
            ),
            Path::Slide => Translation3::from(joint.axis.into_inner() * position).into(),
            Path::Ball => Isometry3::from_parts(Translation3::identity(), posture.balls[index]),
            Path::Weld => Isometry3::identity(),
            Path::Track { curve, wheelbase_m } => on_track(curve, *wheelbase_m, position),
        }
    }

    /// Place of a track's carriage in the joint's frame; `None` for other joints.
    pub fn track_frame(&self, joint: usize, position_m: f64) -> Option<Isometry3<f64>> {
        match &self.joints[joint].path {
            Path::Track { curve, wheelbase_m } => Some(on_track(curve, *wheelbase_m, position_m)),
            _ => None,
        }
    }

    /// `machine_from_head` of every head.
    pub fn heads(&self, frames: &[Isometry3<f64>]) -> Vec<Isometry3<f64>> {
        self.heads
            .iter()
            .map(|(body, at)| frames[*body] * at)
            .collect()
    }

    /// Body (0 the ground, then the links) that carries each head.
    pub fn carries(&self) -> Vec<usize> {
        self.heads.iter().map(|(body, _)| *body).collect()
    }

    /// What a unit movement of each column does.
    fn screws(&self, posture: &Posture, frames: &[Isometry3<f64>]) -> Vec<Screw> {
        let mut screws = vec![
            Screw {
                base: Vector3::zeros(),
                turn: Vector3::zeros(),
            };
            self.freedoms
        ];
        for (index, joint) in self.joints.iter().enumerate() {
            let machine_from_joint = frames[joint.parent] * joint.parent_from_joint;
            let child = &frames[joint.child];
            let about = |axis: Vector3<f64>, at: Vector3<f64>| Screw {
                base: -axis.cross(&at),
                turn: axis,
            };
            let here = child.translation.vector;
            match &joint.path {
                Path::Turn => {
                    let axis = machine_from_joint.rotation * joint.axis.into_inner();
                    screws[joint.column] = about(axis, here);
                }
                Path::Slide => {
                    screws[joint.column] = Screw {
                        base: machine_from_joint.rotation * joint.axis.into_inner(),
                        turn: Vector3::zeros(),
                    };
                }
                Path::Ball => {
                    for axis in 0..3 {
                        let mut unit = Vector3::zeros();
                        unit[axis] = 1.0;
                        screws[joint.column + axis] = about(child.rotation * unit, here);
                    }
                }
                Path::Weld => {}
                Path::Track { curve, wheelbase_m } => {
                    let (travel, turn) = track_rate(curve, *wheelbase_m, posture.positions[index]);
                    let travel = machine_from_joint.rotation * travel;
                    let axis = machine_from_joint.rotation * (Vector3::x() * turn);
                    screws[joint.column] = Screw {
                        base: travel - axis.cross(&here),
                        turn: axis,
                    };
                }
            }
        }
        screws
    }

    /// How far each condition is from being met, m.
    fn residual(&self, posture: &Posture, frames: &[Isometry3<f64>]) -> DVector<f64> {
        let mut off = DVector::zeros(self.conditions);
        for closing in &self.closings {
            let (a, b) = (
                frames[closing.a] * closing.on_a,
                frames[closing.b] * closing.on_b,
            );
            let apart = b.translation.vector - a.translation.vector;
            let local = a.rotation.inverse() * apart;
            match closing.kind {
                ClosingKind::Rod { length_m } => off[closing.row] = apart.norm() - length_m,
                ClosingKind::Slot => {
                    off[closing.row] = local.y;
                    off[closing.row + 1] = local.z;
                }
                ClosingKind::Ball | ClosingKind::Hinge => {
                    off.rows_mut(closing.row, 3).copy_from(&local);
                }
            }
            if closing.kind == ClosingKind::Hinge {
                let pin = a.rotation.inverse() * (b.rotation * Vector3::x());
                off[closing.row + 3] = ARM_M * pin.y;
                off[closing.row + 4] = ARM_M * pin.z;
            }
        }
        for coupling in &self.couplings {
            let (lift, _) = coupling.law.at(posture.positions[coupling.to]);
            off[coupling.row] =
                self.joints[coupling.joint].size_m() * (posture.positions[coupling.joint] - lift);
        }
        off
    }

    /// How the conditions change with the columns, m per rad or m.
    fn jacobian(&self, posture: &Posture, frames: &[Isometry3<f64>]) -> DMatrix<f64> {
        let screws = self.screws(posture, frames);
        let mut out = DMatrix::zeros(self.conditions, self.freedoms);
        for closing in &self.closings {
            let (a, b) = (
                frames[closing.a] * closing.on_a,
                frames[closing.b] * closing.on_b,
            );
            let point = b.translation.vector;
            let apart = point - a.translation.vector;
            let axes = [Vector3::x(), Vector3::y(), Vector3::z()].map(|e| a.rotation * e);
            let pin = b.rotation * Vector3::x();
            // The point of b as part of b, less as part of a.
            for (body, sign) in [(closing.b, 1.0), (closing.a, -1.0)] {
                for &column in &self.moved_by[body] {
                    let screw = screws[column];
                    let velocity = sign * (screw.base + screw.turn.cross(&point));
                    let turn = sign * screw.turn;
                    match closing.kind {
                        ClosingKind::Rod { .. } => {
                            let along = apart / apart.norm().max(1e-12);
                            out[(closing.row, column)] += along.dot(&velocity);
                        }
                        ClosingKind::Slot => {
                            out[(closing.row, column)] += axes[1].dot(&velocity);
                            out[(closing.row + 1, column)] += axes[2].dot(&velocity);
                        }
                        ClosingKind::Ball | ClosingKind::Hinge => {
                            for (i, axis) in axes.iter().enumerate() {
                                out[(closing.row + i, column)] += axis.dot(&velocity);
                            }
                        }
                    }
                    if closing.kind == ClosingKind::Hinge {
                        let swing = turn.cross(&pin);
                        out[(closing.row + 3, column)] += ARM_M * axes[1].dot(&swing);
                        out[(closing.row + 4, column)] += ARM_M * axes[2].dot(&swing);
                    }
                }
            }
        }
        for coupling in &self.couplings {
            let (follower, leader) = (&self.joints[coupling.joint], &self.joints[coupling.to]);
            let (_, slope) = coupling.law.at(posture.positions[coupling.to]);
            out[(coupling.row, follower.column)] += follower.size_m();
            out[(coupling.row, leader.column)] -= follower.size_m() * slope;
        }
        out
    }

    /// Which rows of each closing say something that rows before it do not, at a posture; in the order of
    /// [`ClosingKind`]'s conditions: along x, y, z of the frame on `a`, then turns about y and z.
    pub fn independent(&self, posture: &Posture) -> Vec<Vec<bool>> {
        let frames = self.frames(posture);
        let mut jacobian = self.jacobian(posture, &frames);
        self.weigh(&mut jacobian, &vec![false; self.freedoms]);
        let mut basis: Vec<DVector<f64>> = Vec::new();
        let scale = jacobian.amax().max(1e-300);
        let mut fresh = vec![false; self.conditions];
        // Couplings first: an engine keeps them all.
        let couplings = self.couplings.iter().map(|c| c.row);
        let all = couplings.chain(
            self.closings
                .iter()
                .flat_map(|c| c.row..c.row + rows(c.kind)),
        );
        for row in all {
            let mut rest = jacobian.row(row).transpose();
            for _ in 0..2 {
                for direction in &basis {
                    let share = direction.dot(&rest);
                    rest -= direction * share;
                }
            }
            let norm = rest.norm();
            if norm > 1e-6 * scale {
                fresh[row] = true;
                basis.push(rest / norm);
            }
        }
        self.closings
            .iter()
            .map(|c| fresh[c.row..c.row + rows(c.kind)].to_vec())
            .collect()
    }

    /// How the machine can move from a posture.
    pub fn mobility(&self, posture: &Posture) -> Mobility {
        let frames = self.frames(posture);
        let nothing = vec![false; self.freedoms];
        let mut jacobian = self.jacobian(posture, &frames);
        let all = self.null(&mut jacobian, &nothing);
        let held = self.held();
        let mut jacobian = self.jacobian(posture, &frames);
        let standing = self.null(&mut jacobian, &held);
        let moves = |space: &[DVector<f64>], joint: &Built| {
            (joint.column..joint.column + joint.count)
                .any(|c| space.iter().any(|v| v[c].abs() > STILL))
        };
        let select = |test: &dyn Fn(usize, &Built) -> bool| -> Vec<usize> {
            let joints = self.joints.iter().enumerate();
            joints
                .filter(|(i, j)| j.count > 0 && test(*i, j))
                .map(|(i, _)| i)
                .collect()
        };
        let locked = select(&|_, joint| !moves(&all, joint));
        Mobility {
            degrees: all.len(),
            free: standing.len(),
            loose: select(&|_, joint| moves(&standing, joint)),
            stuck: (0..self.drives.len())
                .filter(|d| locked.contains(&self.drives[*d]))
                .collect(),
            locked,
        }
    }

    /// An orthonormal basis of what the conditions leave free, columns weighed, held ones taken out.
    fn null(&self, jacobian: &mut DMatrix<f64>, held: &[bool]) -> Vec<DVector<f64>> {
        self.weigh(jacobian, held);
        let n = self.freedoms;
        // Square at least, so that the decomposition has all right vectors; a held column is a condition of its own.
        let mut square = DMatrix::zeros((self.conditions + n).max(1), n.max(1));
        square
            .view_mut((0, 0), (self.conditions, n))
            .copy_from(jacobian);
        let scale = jacobian.amax().max(ARM_M * 1e-3);
        for c in 0..n {
            if held[c] {
                square[(self.conditions + c, c)] = scale;
            }
        }
        if n == 0 {
            return Vec::new();
        }
        let svd = square.svd(false, true);
        let most = svd.singular_values.max().max(scale);
        let Some(v) = svd.v_t else {
            return Vec::new();
        };
        (0..n)
            .filter(|&i| svd.singular_values[i] < 1e-7 * most)
            .map(|i| v.row(i).transpose())
            .collect()
    }

    /// How all columns move with one drive, the other drives standing and passive joints as little as they can; `None`
    /// where the drive cannot move.
    fn rates(
        &self,
        posture: &Posture,
        frames: &[Isometry3<f64>],
        drive: usize,
    ) -> Option<DVector<f64>> {
        let joint = &self.joints[self.drives[drive]];
        let mut rates = DVector::zeros(self.freedoms);
        rates[joint.column] = 1.0;
        if self.conditions == 0 {
            return Some(rates);
        }
        let mut jacobian = self.jacobian(posture, frames);
        let due = -(&jacobian * &rates);
        let held = self.held();
        self.weigh(&mut jacobian, &held);
        let check = jacobian.clone();
        let svd = jacobian.svd(true, true);
        let small = RANK * svd.singular_values.max().max(1e-300);
        let mut step = svd.solve(&due, small).ok()?;
        if (&check * &step - &due).amax() > 1e-6 * due.amax().max(1e-9) {
            return None;
        }
        self.unweigh(&mut step, &held);
        Some(rates + step)
    }

    /// How the joints move with a drive: rate of each joint per unit rate of the drive's; 0 for balls and welds. `None`
    /// where the drive cannot move.
    pub fn joint_rates(&self, posture: &Posture, drive: usize) -> Option<Vec<f64>> {
        let rates = self.rates(posture, &self.frames(posture), drive)?;
        let joints = self.joints.iter();
        Some(
            joints
                .map(|j| if j.count == 1 { rates[j.column] } else { 0.0 })
                .collect(),
        )
    }

    /// How the heads move with a drive: velocity of each head's centre per unit rate of the drive's joint, m/rad or m/m.
    /// `None` where the drive cannot move.
    pub fn head_rates(&self, posture: &Posture, drive: usize) -> Option<Vec<Vector3<f64>>> {
        let frames = self.frames(posture);
        let rates = self.rates(posture, &frames, drive)?;
        let screws = self.screws(posture, &frames);
        let heads = self.heads(&frames);
        Some(
            self.heads
                .iter()
                .zip(&heads)
                .map(|((body, _), at)| {
                    let point = at.translation.vector;
                    self.moved_by[*body]
                        .iter()
                        .map(|&c| rates[c] * (screws[c].base + screws[c].turn.cross(&point)))
                        .sum()
                })
                .collect(),
        )
    }

    /// The load on a drive, N m or N, by virtual work: what the forces on the heads' centres (N, machine frame) put against
    /// its positive motion, friction and springs aside. `None` where the drive cannot move.
    pub fn load(&self, posture: &Posture, drive: usize, forces: &[Vector3<f64>]) -> Option<f64> {
        let rates = self.head_rates(posture, drive)?;
        Some(-rates.iter().zip(forces).map(|(v, f)| v.dot(f)).sum::<f64>())
    }

    /// Law of a coupling at a position of its leader: the follower's position and its slope.
    pub fn coupling(&self, index: usize, leader: f64) -> (f64, f64) {
        self.couplings[index].law.at(leader)
    }

    /// Parent and child body of a joint, and its frame in the parent's.
    pub fn joint(&self, index: usize) -> (usize, usize, Isometry3<f64>) {
        let joint = &self.joints[index];
        (joint.parent, joint.child, joint.parent_from_joint)
    }

    /// Joints from the ground outwards.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Bodies of a closing, and the frames of its points with x along its directions, in theirs.
    pub fn closing(&self, index: usize) -> [(usize, Isometry3<f64>); 2] {
        let c = &self.closings[index];
        [(c.a, c.on_a), (c.b, c.on_b)]
    }

    /// The joint of this name, in the written-out rig.
    pub fn joint_named(&self, name: &str) -> Option<usize> {
        self.rig.joints.iter().position(|j| j.name == name)
    }

    /// The body of this name.
    pub fn body_named(&self, name: &str) -> Option<usize> {
        if name == GROUND {
            return Some(0);
        }
        Some(1 + self.rig.links.iter().position(|l| l.name == name)?)
    }

    /// Where the drives stand, in words.
    fn place(&self, posture: &Posture) -> String {
        let words: Vec<String> = self
            .drives
            .iter()
            .map(|&joint| {
                let position = posture.positions[joint];
                let name = &self.rig.joints[joint].name;
                match self.joints[joint].path {
                    Path::Turn => format!("{name} at {:.1} deg", position.to_degrees()),
                    _ => format!("{name} at {:.1} mm", 1e3 * position),
                }
            })
            .collect();
        if words.is_empty() {
            return String::new();
        }
        format!(" with {}", words.join(", "))
    }

    /// A point of a body, machine frame.
    pub fn point(frames: &[Isometry3<f64>], body: usize, at: &Point3<f64>) -> Point3<f64> {
        frames[body] * at
    }
}

impl Built {
    /// A column's unit in rad: 1 for turns, the machines' size for slides.
    fn unit_m(&self) -> f64 {
        match self.path {
            Path::Slide | Path::Track { .. } => ARM_M,
            _ => 1.0,
        }
    }

    /// A unit of its position as a length, m.
    fn size_m(&self) -> f64 {
        ARM_M / self.unit_m()
    }
}

impl BuiltLaw {
    fn at(&self, leader: f64) -> (f64, f64) {
        match self {
            BuiltLaw::Gear { ratio, offset } => (ratio * leader + offset, *ratio),
            BuiltLaw::Cam(curve) => curve.at(leader),
        }
    }
}

/// How many conditions a closing makes.
fn rows(kind: ClosingKind) -> usize {
    match kind {
        ClosingKind::Rod { .. } => 1,
        ClosingKind::Slot => 2,
        ClosingKind::Ball => 3,
        ClosingKind::Hinge => 5,
    }
}

/// A frame at a point with x along a direction.
fn along(at_m: [f64; 3], axis: [f64; 3]) -> Isometry3<f64> {
    let axis = Vector3::from(axis);
    let rotation = UnitQuaternion::rotation_between(&Vector3::x(), &axis).unwrap_or_else(|| {
        // Straight back: half a turn about z.
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI)
    });
    Isometry3::from_parts(Translation3::from(Vector3::from(at_m)), rotation)
}

/// The carriage on its track: origin in the middle of the chord between its rollers, z up the chord.
fn on_track(curve: &TrackCurve, wheelbase_m: f64, s_m: f64) -> Isometry3<f64> {
    let half = 0.5 * wheelbase_m;
    let (upper, lower) = (curve.pose(s_m - half), curve.pose(s_m + half));
    let heading = if half > 0.0 {
        (lower.y_m - upper.y_m).atan2(upper.z_m - lower.z_m)
    } else {
        upper.heading_rad
    };
    Isometry3::from_parts(
        Translation3::new(
            0.0,
            0.5 * (upper.y_m + lower.y_m),
            0.5 * (upper.z_m + lower.z_m),
        ),
        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), heading),
    )
}

/// How the carriage moves per metre of track: its origin, and its turn about x.
fn track_rate(curve: &TrackCurve, wheelbase_m: f64, s_m: f64) -> (Vector3<f64>, f64) {
    let half = 0.5 * wheelbase_m;
    if half > 0.0 {
        let (upper, lower) = (curve.pose(s_m - half), curve.pose(s_m + half));
        let tangent = |h: f64| Vector3::new(0.0, h.sin(), -h.cos());
        let (tu, tl) = (tangent(upper.heading_rad), tangent(lower.heading_rad));
        let chord = Vector3::new(0.0, lower.y_m - upper.y_m, lower.z_m - upper.z_m);
        let change = tl - tu;
        let turn = (chord.y * change.z - chord.z * change.y) / chord.norm_squared().max(1e-12);
        return (0.5 * (tu + tl), turn);
    }
    let step = 1e-5;
    let h = curve.pose(s_m).heading_rad;
    let turn =
        (curve.pose(s_m + step).heading_rad - curve.pose(s_m - step).heading_rad) / (2.0 * step);
    (Vector3::new(0.0, h.sin(), -h.cos()), turn)
}
