//! A machine of any topology as shapes. A link is drawn as the box that has its mass and inertia, which is what its file says of it;
//! what joins the boxes, the case and who holds the machine are drawn to be seen.

use mechanism::{ClosingKind, HELD, JointKind, Link, Linkage, TrackCurve};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use sim::RigFrame;
use tissue::Indenter;

use crate::parts::{Finish, Form, Machine, RAIL_HALF_M, between, rail};

/// Thinner than this a box cannot be told from nothing, m.
const THIN_M: f64 = 2e-3;
/// A box as wide as this both ways is drawn as an open frame, so that what it works on can be seen, m.
const WIDE_M: f64 = 0.09;
/// Between a case and what is in it, m.
const CASE_GAP_M: f64 = 0.009;

/// A link wider than this is held with both hands, m.
const HANDLE_M: f64 = 0.2;
/// A case wider than this is sewn into a cushion, m.
const CUSHION_M: f64 = 0.15;

/// The machine of a linkage. Its bodies are those of [`poses`].
///
/// # Errors
/// Where its loops cannot be closed.
pub fn machine(linkage: &Linkage) -> anyhow::Result<Machine> {
    let rig = linkage.rig();
    let rods = rods(linkage).map(|(name, ..)| name.to_string());
    let links = rig.links.iter().map(|link| link.name.clone());
    let heads = rig.heads.iter().map(|head| head.node.name.clone());
    let mut machine = Machine {
        bodies: std::iter::once("ground".to_string())
            .chain(links)
            .chain(heads)
            .chain(rods)
            .collect(),
        cover_m: rig.cover.thickness_m,
        ..Machine::default()
    };
    let solids: Vec<Option<Solid>> = std::iter::once(None)
        .chain(rig.links.iter().map(Solid::of))
        .collect();
    for (body, solid) in solids.iter().enumerate() {
        if let Some(solid) = solid.filter(|solid| !is_hand(linkage, body, solid)) {
            solid.draw(&mut machine, body, turns_about(linkage, body));
        }
    }
    for index in 0..rig.joints.len() {
        joint(&mut machine, linkage, &solids, index);
    }
    for (index, closing) in rig.closings.iter().enumerate() {
        let ends = linkage.closing(index);
        for (body, frame) in ends {
            reach(&mut machine, &solids, body, frame.translation.vector.into());
        }
        if !matches!(closing.kind, ClosingKind::Rod { .. }) {
            let (body, frame) = ends[0];
            machine.add(body, frame, Finish::Steel, cylinder(0.0045, 0.022));
        }
    }
    let first = rig.links.len() + 1;
    for (index, head) in rig.heads.iter().enumerate() {
        let body = first + index;
        let shape = head.node.shape.clone();
        let link = linkage.body_named(&head.link).unwrap_or(0);
        carry(&mut machine, &solids, link, &head.at_m.into(), &shape);
        let form = Form::Node(shape.clone());
        machine.add(body, Isometry3::identity(), Finish::Rubber, form);
        machine.nodes.push((body, shape));
    }
    let first = first + rig.heads.len();
    for (index, (_, length_m, _)) in self::rods(linkage).enumerate() {
        let at = |x: f64| Point3::new(x, 0.0, 0.0);
        let rod = Form::Tube {
            path: vec![at(0.0), at(length_m)],
            radius_m: 0.0042,
        };
        machine.add(first + index, Isometry3::identity(), Finish::Steel, rod);
        for end in [0.0, length_m] {
            let ball = Form::Node(Indenter::Sphere { radius_m: 0.008 });
            let place = Translation3::new(end, 0.0, 0.0).into();
            machine.add(first + index, place, Finish::Brass, ball);
        }
    }
    if let Some(held) = linkage.body_named(HELD) {
        hold(&mut machine, linkage, &solids, held)?;
    }
    Ok(machine)
}

/// Poses of a rig's bodies: ground, links, heads, rods.
pub fn poses(
    linkage: &Linkage,
    frame: &RigFrame,
    machine_from_ground: &Isometry3<f64>,
) -> Vec<Isometry3<f64>> {
    let bodies = frame.links.iter().chain(&frame.heads);
    let mut poses: Vec<_> = bodies.map(|pose| machine_from_ground * pose).collect();
    for (.., index) in rods(linkage) {
        let [a, b] = linkage.closing(index).map(|(body, on)| {
            let place = frame.links[body] * Point3::from(on.translation.vector);
            machine_from_ground * place
        });
        poses.push(between(&a, &b));
    }
    poses
}

/// Massless rods: name, length, index of the closing.
fn rods(linkage: &Linkage) -> impl Iterator<Item = (&str, f64, usize)> {
    let closings = linkage.rig().closings.iter().enumerate();
    closings.filter_map(|(index, closing)| match closing.kind {
        ClosingKind::Rod { length_m } => Some((closing.name.as_str(), length_m, index)),
        _ => None,
    })
}

/// A link's box, in its frame.
#[derive(Clone, Copy, Debug)]
struct Solid {
    centre: Point3<f64>,
    size_m: Vector3<f64>,
}

/// How a box is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// A disc or a shaft that turns about this axis of its frame.
    Round(usize),
    /// Four bars around what is square to this axis.
    Frame(usize),
    Block,
}

impl Solid {
    /// The box of a link's mass and moments: `I_x = m (s_y^2 + s_z^2) / 12` and so on. None for what has no such box, and for what is held,
    /// whose moments say nothing.
    fn of(link: &Link) -> Option<Solid> {
        if link.name == HELD || link.mass_kg <= 0.0 {
            return None;
        }
        let [x, y, z] = link.inertia_kg_m2;
        let square = |sum: f64| 6.0 * sum / link.mass_kg;
        let squares = [square(y + z - x), square(z + x - y), square(x + y - z)];
        if squares.iter().any(|s| *s < THIN_M * THIN_M) {
            return None;
        }
        Some(Solid {
            centre: link.centre_m.into(),
            size_m: Vector3::from(squares.map(f64::sqrt)),
        })
    }

    /// `turns` is the axis that it turns about, if it does.
    fn look(&self, turns: Option<usize>) -> Look {
        let of = |axis: usize| self.size_m[axis];
        if let Some(axis) = turns {
            let (a, b) = (of((axis + 1) % 3), of((axis + 2) % 3));
            let even = (a - b).abs() < 0.02 * a.max(b);
            if even && !(0.5..2.0).contains(&(of(axis) / a)) {
                return Look::Round(axis);
            }
        }
        let thin = self.size_m.imin();
        let wide = |axis: usize| of(axis) > WIDE_M && of(axis) > 1.5 * of(thin);
        if wide((thin + 1) % 3) && wide((thin + 2) % 3) {
            return Look::Frame(thin);
        }
        Look::Block
    }

    fn draw(&self, machine: &mut Machine, body: usize, turns: Option<usize>) {
        let at = |shift: Vector3<f64>| Translation3::from(self.centre.coords + shift).into();
        let zero = Vector3::zeros();
        match self.look(turns) {
            Look::Round(axis) => {
                let radius_m = 0.5 * self.size_m[(axis + 1) % 3];
                let pose: Isometry3<f64> = at(zero);
                let pose = pose * along(&axis_of(axis));
                let length_m = self.size_m[axis];
                let finish = if length_m > radius_m {
                    Finish::Steel
                } else {
                    Finish::Arm
                };
                machine.add(body, pose, finish, cylinder(radius_m, length_m));
            }
            Look::Frame(thin) => {
                let bar_m = self.bar_m(thin);
                for along in [(thin + 1) % 3, (thin + 2) % 3] {
                    let across = 3 - thin - along;
                    for side in [-1.0, 1.0] {
                        let mut size_m = Vector3::repeat(bar_m);
                        size_m[along] = self.size_m[along];
                        size_m[thin] = (0.6 * self.size_m[thin]).max(bar_m);
                        let mut shift = zero;
                        shift[across] = side * 0.5 * (self.size_m[across] - bar_m);
                        let bar = Form::Block {
                            size_m,
                            edge_m: 0.0045,
                        };
                        machine.add(body, at(shift), Finish::Paint, bar);
                    }
                }
            }
            Look::Block => {
                let block = Form::Block {
                    size_m: self.size_m,
                    edge_m: 0.3 * self.size_m.min().min(0.04),
                };
                machine.add(body, at(zero), Finish::Arm, block);
            }
        }
    }

    /// Width of a frame's bars, m.
    fn bar_m(&self, thin: usize) -> f64 {
        (0.35 * self.size_m[thin]).clamp(0.010, 0.022)
    }

    /// The point of what is drawn that is nearest to a place.
    fn nearest(&self, place: &Point3<f64>, turns: Option<usize>) -> Point3<f64> {
        let half = 0.5 * self.size_m;
        let off = place - self.centre;
        let mut near = Vector3::from_fn(|axis, _| off[axis].clamp(-half[axis], half[axis]));
        if let Look::Frame(thin) = self.look(turns) {
            // Onto the bar that is nearest.
            let inset = 0.5 * self.bar_m(thin);
            let plane = [(thin + 1) % 3, (thin + 2) % 3];
            let to_bar = |axis: usize| half[axis] - inset - near[axis].abs();
            let axis = if to_bar(plane[0]) < to_bar(plane[1]) {
                plane[0]
            } else {
                plane[1]
            };
            near[axis] =
                (half[axis] - inset).copysign(if near[axis] == 0.0 { 1.0 } else { near[axis] });
            near[thin] = near[thin].clamp(-0.3 * self.size_m[thin], 0.3 * self.size_m[thin]);
        }
        self.centre + near
    }

    fn corners(&self) -> [Point3<f64>; 8] {
        std::array::from_fn(|i| {
            let sign = |bit: usize| if i >> bit & 1 == 0 { -0.5 } else { 0.5 };
            let shift = Vector3::new(sign(0), sign(1), sign(2)).component_mul(&self.size_m);
            self.centre + shift
        })
    }
}

/// The axis of its own frame that a body's joint turns it about, if it turns about one.
fn turns_about(linkage: &Linkage, body: usize) -> Option<usize> {
    let joints = &linkage.rig().joints;
    let index = (0..joints.len()).find(|&i| linkage.joint(i).1 == body)?;
    let axis = Vector3::from(joints[index].axis).normalize();
    let straight = (0..3).find(|&i| axis[i].abs() > 0.999)?;
    (joints[index].kind == JointKind::Revolute).then_some(straight)
}

/// What can be seen of a joint: hubs, guides, rails.
fn joint(machine: &mut Machine, linkage: &Linkage, solids: &[Option<Solid>], index: usize) {
    let joint = &linkage.rig().joints[index];
    let (parent, child, frame) = linkage.joint(index);
    let held = linkage.body_named(HELD);
    let solid = solids[child];
    match &joint.kind {
        JointKind::Revolute | JointKind::Spherical => {
            reach(machine, solids, parent, frame.translation.vector.into());
            reach(machine, solids, child, Point3::origin());
            let axis = Vector3::from(joint.axis);
            let turns = turns_about(linkage, child);
            let look = solid.map(|s| s.look(turns));
            if joint.kind == JointKind::Spherical {
                let ball = Form::Node(Indenter::Sphere { radius_m: 0.010 });
                machine.add(child, Isometry3::identity(), Finish::Brass, ball);
            } else {
                // It stands out of what it carries.
                let through_m = match (look, solid) {
                    (Some(Look::Round(axis)), Some(s)) => s.size_m[axis],
                    _ => 0.016,
                };
                let radius_m = solid.map_or(0.010, |s| (0.3 * s.size_m.min()).clamp(0.006, 0.012));
                let hub = cylinder(radius_m, through_m + 0.008);
                machine.add(child, along(&axis), Finish::Brass, hub);
            }
        }
        JointKind::Prismatic if Some(parent) != held && joint.range.is_some() => {
            guides(machine, linkage, solid.as_ref(), index);
        }
        JointKind::Track { track, wheelbase_m } => {
            let curve = TrackCurve::new(track);
            let path = rail(&curve);
            for side in [-1.0, 1.0] {
                let shift = Translation3::new(side * RAIL_HALF_M, 0.0, 0.0);
                let tube = Form::Tube {
                    path: path.clone(),
                    radius_m: 0.0085,
                };
                machine.add(parent, frame * shift, Finish::Steel, tube);
                for end in [-0.5, 0.5] {
                    let at = |x: f64| Translation3::new(x, 0.0, end * wheelbase_m).into();
                    let outside = side * RAIL_HALF_M;
                    machine.add(child, at(outside), Finish::Leather, cylinder(0.0165, 0.017));
                    machine.add(child, at(outside), Finish::Steel, cylinder(0.006, 0.026));
                    reach(
                        machine,
                        solids,
                        child,
                        Point3::new(outside, 0.0, end * wheelbase_m),
                    );
                }
            }
            for end in [path[0], path[path.len() - 1]] {
                let at = |x: f64| Point3::new(x, end.y, end.z);
                let bar = Form::Tube {
                    path: vec![at(-RAIL_HALF_M), at(RAIL_HALF_M)],
                    radius_m: 0.011,
                };
                machine.add(parent, frame, Finish::Paint, bar);
            }
        }
        JointKind::Prismatic | JointKind::Fixed => {
            if Some(parent) != held {
                reach(machine, solids, parent, frame.translation.vector.into());
            }
        }
    }
}

/// Two rods that a slide runs on, as long as its way and itself.
fn guides(machine: &mut Machine, linkage: &Linkage, solid: Option<&Solid>, index: usize) {
    let joint = &linkage.rig().joints[index];
    let (parent, _, frame) = linkage.joint(index);
    let way = Vector3::from(joint.axis).normalize();
    let range = joint.range.unwrap_or_default();
    let size_m = solid.map_or(Vector3::repeat(0.05), |s| s.size_m);
    let middle = solid.map_or(Vector3::zeros(), |s| s.centre.coords);
    let long_m = size_m.dot(&way.abs());
    // Sideways where that is square to the way.
    let side = if way.x.abs() < 0.7 {
        Vector3::x()
    } else {
        Vector3::z()
    };
    let out_m = 0.40 * size_m.dot(&side.abs());
    let ends = [range[0] - 0.5 * long_m, range[1] + 0.5 * long_m];
    let is_bed = range[1] - range[0] > 0.3;
    let radius_m = if is_bed { 0.010 } else { 0.0055 };
    let at = |s: f64, on: f64| {
        let centred = middle - way * middle.dot(&way);
        Point3::from(centred + side * (s * out_m) + way * (on + middle.dot(&way)))
    };
    for s in [-1.0, 1.0] {
        let path = vec![at(s, ends[0]), at(s, ends[1])];
        let rod = Form::Tube { path, radius_m };
        machine.add(parent, frame, Finish::Steel, rod);
    }
    if is_bed {
        for on in ends {
            let path = vec![at(-1.2, on), at(1.2, on)];
            let bar = Form::Tube {
                path,
                radius_m: 0.014,
            };
            machine.add(parent, frame, Finish::Paint, bar);
        }
    }
}

/// A strut from a body to a place on it, where its box does not reach so far.
fn reach(machine: &mut Machine, solids: &[Option<Solid>], body: usize, place: Point3<f64>) {
    let Some(Some(solid)) = solids.get(body) else {
        return;
    };
    let from = solid.nearest(&place, None);
    if (place - from).norm() > 4e-3 {
        let strut = Form::Limb {
            path: vec![from, place],
            radii_m: vec![0.0075, 0.0065],
        };
        machine.add(body, Isometry3::identity(), Finish::Arm, strut);
    }
}

/// What carries a head: a post, or a fork where it is a roller on an axle.
fn carry(
    machine: &mut Machine,
    solids: &[Option<Solid>],
    body: usize,
    at: &Point3<f64>,
    shape: &Indenter,
) {
    let half_m = match *shape {
        Indenter::Roller { length_m, .. } => 0.5 * length_m,
        Indenter::Torus { minor_m, .. } => minor_m,
        _ => {
            let from = match solids.get(body) {
                Some(Some(solid)) => solid.nearest(at, None),
                _ => Point3::origin(),
            };
            let post = Form::Limb {
                path: vec![from, *at],
                radii_m: vec![0.0095, 0.007],
            };
            machine.add(body, Isometry3::identity(), Finish::Arm, post);
            return;
        }
    };
    let out_m = half_m + 0.007;
    let axle = cylinder(0.005, 2.0 * out_m + 0.008);
    let place: Translation3<f64> = at.coords.into();
    machine.add(body, place.into(), Finish::Steel, axle);
    for side in [-1.0, 1.0] {
        let end = at + Vector3::new(side * out_m, 0.0, 0.0);
        let from = match solids.get(body) {
            Some(Some(solid)) => solid.nearest(&end, None),
            _ => Point3::origin(),
        };
        let prong = Form::Limb {
            path: vec![from, end],
            radii_m: vec![0.0075, 0.006],
        };
        machine.add(body, Isometry3::identity(), Finish::Arm, prong);
    }
}

/// What a hand or a strap holds: a case around a machine that runs by itself, the hands where they are what moves it.
fn hold(
    machine: &mut Machine,
    linkage: &Linkage,
    solids: &[Option<Solid>],
    held: usize,
) -> anyhow::Result<()> {
    let rig = linkage.rig();
    let frames = linkage.frames(&linkage.assemble()?);
    let held_from = |body: usize| frames[held].inverse() * frames[body];
    if !runs_by_itself(linkage) {
        for (body, solid) in solids.iter().enumerate() {
            if let Some(solid) = solid.filter(|_| has_head(linkage, body)) {
                arms(machine, body, &solid);
            }
        }
        return Ok(());
    }
    let (mut low, mut high) = (Vector3::repeat(f64::MAX), Vector3::repeat(f64::MIN));
    for (body, solid) in solids.iter().enumerate() {
        for corner in solid.iter().flat_map(Solid::corners) {
            let at = held_from(body) * corner;
            low = low.inf(&at.coords);
            high = high.sup(&at.coords);
        }
    }
    // Open where the heads stand out.
    let heads = linkage.heads(&frames);
    let rear = heads.iter().zip(&rig.heads).map(|(pose, head)| {
        let place = frames[held].inverse() * pose;
        let back = place.rotation.inverse() * -Vector3::y();
        place.translation.vector.y - head.node.shape.extent_m(&back)
    });
    let front_m = rear.fold(high.y, f64::min) - 0.014;
    low -= Vector3::repeat(CASE_GAP_M);
    high += Vector3::repeat(CASE_GAP_M);
    high.y = front_m.max(low.y + 0.03);
    if front_m < low.y + 0.03 {
        low.y = front_m - 0.03;
        high.y = front_m;
    }
    let size_m = high - low;
    let middle = 0.5 * (low + high);
    if size_m.x.max(size_m.z) > CUSHION_M {
        cushion(
            machine,
            held,
            &Vector3::new(middle.x, high.y, middle.z),
            &size_m,
        );
        return Ok(());
    }
    let case = Form::Block {
        size_m,
        edge_m: 0.35 * size_m.min(),
    };
    machine.add(held, Translation3::from(middle).into(), Finish::Case, case);
    // One that fits a hand has a grip.
    if size_m.x.max(size_m.z) < 0.08 {
        let at = |y: f64, z: f64| Point3::new(middle.x, y, z);
        let root = low.y + 0.4 * size_m.y;
        let grip = Form::Limb {
            path: vec![
                at(root, middle.z),
                at(root - 0.006, low.z - 0.03),
                at(root - 0.018, low.z - 0.085),
                at(root - 0.026, low.z - 0.115),
            ],
            radii_m: vec![0.016, 0.0175, 0.0185, 0.019],
        };
        machine.add(held, Isometry3::identity(), Finish::Leather, grip);
        let collar = Form::Cylinder {
            radius_m: 0.5 * size_m.x.min(size_m.z) - 0.004,
            length_m: 0.016,
        };
        let front = Translation3::new(middle.x, high.y, middle.z);
        let front = front * along(&Vector3::y());
        machine.add(held, front, Finish::Steel, collar);
    }
    Ok(())
}

/// The case of a machine as wide as a pillow: a bolster around it, open to both sides, so that one sees it work.
fn cushion(machine: &mut Machine, body: usize, middle: &Vector3<f64>, size_m: &Vector3<f64>) {
    const THICK_M: f64 = 0.024;
    const CORNER_M: f64 = 0.05;
    const STEPS: usize = 8;
    let half = [size_m.x, size_m.z].map(|side| 0.5 * side + THICK_M);
    let core = half.map(|h| (h - CORNER_M).max(0.0));
    let corners = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]];
    let mut path = Vec::new();
    for (quarter, sign) in corners.iter().enumerate() {
        for step in 0..=STEPS {
            let turn = quarter as f64 + step as f64 / STEPS as f64;
            let (sin, cos) = (turn * std::f64::consts::FRAC_PI_2).sin_cos();
            let x = sign[0] * core[0] + (half[0] - core[0]) * cos;
            let z = sign[1] * core[1] + (half[1] - core[1]) * sin;
            path.push(Point3::from(middle + Vector3::new(x, 0.0, z)));
        }
    }
    // Closed: it ends on its first stretch.
    path.extend_from_within(..2);
    let bolster = Form::Tube {
        path,
        radius_m: THICK_M,
    };
    machine.add(body, Isometry3::identity(), Finish::Fabric, bolster);
}

/// Whether something turns in it; where all drives slide, it is an arm that moves it.
fn runs_by_itself(linkage: &Linkage) -> bool {
    let joints = &linkage.rig().joints;
    linkage
        .driven()
        .iter()
        .any(|&j| joints[j].kind == JointKind::Revolute)
}

/// Whether a body carries a node.
fn has_head(linkage: &Linkage, body: usize) -> bool {
    let heads = &linkage.rig().heads;
    heads
        .iter()
        .any(|h| linkage.body_named(&h.link) == Some(body))
}

/// Whether a body is no tool but the hand itself.
fn is_hand(linkage: &Linkage, body: usize, solid: &Solid) -> bool {
    let held = linkage.body_named(HELD).is_some() && !runs_by_itself(linkage);
    held && has_head(linkage, body) && solid.size_m.x <= HANDLE_M
}

/// One hand, or two on what is as wide as a handle. The arms are glass: they would hide what the hands do.
fn arms(machine: &mut Machine, body: usize, solid: &Solid) {
    let wide = solid.size_m.x > HANDLE_M;
    let sides: &[f64] = if wide { &[-1.0, 1.0] } else { &[0.0] };
    for side in sides {
        let x = side * (0.5 * solid.size_m.x - 0.02);
        let at = |x: f64, y: f64, z: f64| solid.centre + Vector3::new(x, y, z);
        let arm = Form::Limb {
            path: vec![
                at(x, -0.012, -0.03),
                at(x, -0.05, -0.055),
                at(1.15 * x, -0.16, -0.11),
                at(1.3 * x, -0.27, -0.15),
                at(1.4 * x, -0.40, -0.11),
                at(1.5 * x, -0.52, -0.07),
            ],
            radii_m: vec![0.025, 0.027, 0.040, 0.043, 0.050, 0.056],
        };
        machine.add(body, Isometry3::identity(), Finish::Glass, arm);
        if wide {
            let fist = Form::Limb {
                path: vec![at(x - 0.034, 0.0, 0.0), at(x + 0.034, 0.0, 0.0)],
                radii_m: vec![0.027, 0.027],
            };
            machine.add(body, Isometry3::identity(), Finish::Clay, fist);
        } else {
            hand(machine, body, solid);
        }
    }
}

/// A flat hand that has the box of a link: its palm, and four fingers that lie on the skin in front of it.
fn hand(machine: &mut Machine, body: usize, solid: &Solid) {
    let [x, y, z]: [f64; 3] = solid.size_m.into();
    let at = |x: f64, y: f64, z: f64| solid.centre + Vector3::new(x, y, z);
    let palm = Form::Block {
        size_m: Vector3::new(x, y, 0.8 * z),
        edge_m: 0.45 * y,
    };
    let heel = Translation3::from(at(0.0, 0.0, -0.1 * z).coords);
    machine.add(body, heel.into(), Finish::Clay, palm);
    let radius_m = 0.115 * x;
    for (finger, long) in [(-1.5, 0.66), (-0.5, 0.80), (0.5, 0.86), (1.5, 0.76)] {
        let x = 0.245 * x * finger;
        let bone = Form::Limb {
            path: vec![
                at(x, 0.0, 0.2 * z),
                at(1.1 * x, 0.1 * y, 0.62 * z),
                at(1.15 * x, 0.5 * y, (0.3 + long) * z),
            ],
            radii_m: vec![1.1 * radius_m, radius_m, 0.8 * radius_m],
        };
        machine.add(body, Isometry3::identity(), Finish::Clay, bone);
    }
}

fn cylinder(radius_m: f64, length_m: f64) -> Form {
    Form::Cylinder { radius_m, length_m }
}

fn axis_of(axis: usize) -> Vector3<f64> {
    Vector3::from_fn(|i, _| f64::from(u8::from(i == axis)))
}

/// A frame whose x points along a direction.
fn along(way: &Vector3<f64>) -> Isometry3<f64> {
    let turn = UnitQuaternion::rotation_between(&Vector3::x(), way).unwrap_or_else(|| {
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI)
    });
    Isometry3::from_parts(Translation3::identity(), turn)
}
