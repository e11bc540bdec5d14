//! A machine as named bodies with shapes, in metres: no word about how it is drawn, none about what moves it.

use std::f64::consts::PI;

use mechanism::{Drive, Kinematics, Mechanism, TrackCurve};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use tissue::Indenter;

/// A machine: what moves as one piece, and the shapes on it.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Names of what moves as one piece. A moment of a run has a pose for each.
    pub bodies: Vec<String>,
    /// The shapes.
    pub parts: Vec<Part>,
    /// Bodies that are nodes, in the order of the run's contacts, with their shapes.
    pub nodes: Vec<(usize, Indenter)>,
    /// Thickness of the flap between nodes and skin, m.
    pub cover_m: f64,
}

/// One solid.
#[derive(Clone, Debug)]
pub struct Part {
    /// The body it belongs to: an index into [`Machine::bodies`].
    pub body: usize,
    /// Where its frame is in the body's.
    pub pose: Isometry3<f64>,
    /// Its shape in that frame.
    pub form: Form,
    /// What it is made of.
    pub finish: Finish,
}

/// Shapes of parts. Axles lie along x.
#[derive(Clone, Debug)]
pub enum Form {
    /// A tube along a path, with round ends.
    Tube {
        /// Centre line.
        path: Vec<Point3<f64>>,
        /// Outer radius, m.
        radius_m: f64,
    },
    /// The same with a radius for each point of its path.
    Limb {
        /// Centre line.
        path: Vec<Point3<f64>>,
        /// Radii, m.
        radii_m: Vec<f64>,
    },
    /// A box around the origin with rounded edges.
    Block {
        /// Edge lengths, m.
        size_m: Vector3<f64>,
        /// Radius of the edges, m.
        edge_m: f64,
    },
    /// A cylinder along x around the origin.
    Cylinder {
        /// Radius, m.
        radius_m: f64,
        /// Length, m.
        length_m: f64,
    },
    /// A node.
    Node(Indenter),
}

impl Form {
    /// Points around it, in its frame: it does not reach beyond their hull by much.
    pub fn spots(&self) -> Vec<Point3<f64>> {
        let around = |at: &Point3<f64>, half: Vector3<f64>| -> Vec<Point3<f64>> {
            let sign = |i: usize, bit: usize| if i >> bit & 1 == 0 { -1.0 } else { 1.0 };
            let corner = |i| Vector3::new(sign(i, 0), sign(i, 1), sign(i, 2)).component_mul(&half);
            (0..8).map(|i| at + corner(i)).collect()
        };
        let origin = Point3::origin();
        match self {
            Form::Tube { path, radius_m } => path
                .iter()
                .step_by((path.len() / 12).max(1))
                .chain(path.last())
                .flat_map(|p| around(p, Vector3::repeat(*radius_m)))
                .collect(),
            Form::Limb { path, radii_m } => path
                .iter()
                .zip(radii_m)
                .flat_map(|(p, r)| {
                    let mut ball = around(p, Vector3::repeat(0.71 * r));
                    let ends = |axis| [-1.0, 1.0].map(|side| p + side * *r * axis);
                    ball.extend(
                        [Vector3::x(), Vector3::y(), Vector3::z()]
                            .map(ends)
                            .as_flattened(),
                    );
                    ball
                })
                .collect(),
            Form::Block { size_m, .. } => around(&origin, 0.5 * size_m),
            Form::Cylinder { radius_m, length_m } => {
                around(&origin, Vector3::new(0.5 * length_m, *radius_m, *radius_m))
            }
            Form::Node(shape) => around(&origin, Vector3::repeat(0.6 * shape.bound_m().min(0.06))),
        }
    }
}

/// What a part is made of, as far as the eye is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// Bare steel: rails, shafts.
    Steel,
    /// Painted frame.
    Paint,
    /// Arms and rockers.
    Arm,
    /// Bosses and rods: what turns.
    Brass,
    /// Nodes.
    Rubber,
    /// The pad's piping; too thin for a shadow.
    Fabric,
    /// Seat and cushions.
    Leather,
    /// The case of a machine that is held, seen through.
    Case,
    /// Whoever holds it.
    Clay,
    /// What stands before the machine and would hide it.
    Glass,
}

/// Half the distance of the rails, m: wide enough to let the arms swing between them.
pub const RAIL_HALF_M: f64 = 0.165;

/// Bodies of a carriage, in the order of [`carriage_poses`].
const BODIES: [&str; 12] = [
    "frame",
    "carriage",
    "slide",
    "shaft",
    "left arm",
    "right arm",
    "left rod",
    "right rod",
    "left upper node",
    "left lower node",
    "right upper node",
    "right lower node",
];
const FRAME: usize = 0;
const CARRIAGE: usize = 1;
const SLIDE: usize = 2;
const SHAFT: usize = 3;
/// First of each pair or four.
const ARM: usize = 4;
const ROD: usize = 6;
const NODE: usize = 8;

/// The four-node carriage on its track.
///
/// # Errors
/// Why it cannot be put together.
pub fn carriage(mechanism: &Mechanism) -> anyhow::Result<Machine> {
    let kinematics = Kinematics::new(mechanism)?;
    let track = kinematics.curve();
    let mut machine = Machine {
        bodies: BODIES.map(String::from).to_vec(),
        cover_m: mechanism.cover.thickness_m,
        ..Machine::default()
    };
    rails(&mut machine, track);
    trolley(&mut machine, mechanism);

    // What is fixed to shaft, arms and rockers is taken from one posture, the shaft at 0.
    let start = Drive {
        walk_m: kinematics.walk_range().0,
        ..Drive::default()
    };
    let shaft = kinematics.shaft(start.walk_m, start.protrude_m);
    let knead = &mechanism.knead;
    for (hand, side) in kinematics.sides(&start)?.iter().enumerate() {
        let mirror = if hand == 0 { -1.0 } else { 1.0 };
        // The boss centre stays put in the arm, and the pivot is r0 away from it.
        let boss = mirrored(knead.pivot_on_arm_m, -1.0, mirror);
        let centre = side.pivot * Point3::from(boss);
        // The boss turns with the shaft inside the arm's eye, and stands oblique on it.
        let hub = shaft.inverse() * Isometry3::from_parts(centre.into(), side.pivot.rotation);
        machine.add(SHAFT, hub, Finish::Brass, cylinder(0.017, 0.034));
        let arm = ARM + hand;
        machine.add(
            arm,
            Translation3::from(boss).into(),
            Finish::Arm,
            cylinder(0.027, 0.020),
        );
        let origin = Point3::origin();
        let spine = Form::Limb {
            path: vec![Point3::from(0.9 * boss), origin],
            radii_m: vec![0.0125, 0.0085],
        };
        machine.add(arm, Isometry3::identity(), Finish::Arm, spine);
        let ball = boss + mirrored(knead.rod.on_arm_m, 1.0, mirror);
        let lug = tube(vec![Point3::from(boss), Point3::from(ball)], 0.0075);
        machine.add(arm, Isometry3::identity(), Finish::Arm, lug);
        machine.add(
            arm,
            Isometry3::identity(),
            Finish::Steel,
            cylinder(0.0105, 0.030),
        );

        let rod = tube(
            vec![origin, Point3::new(knead.rod.length_m, 0.0, 0.0)],
            0.0042,
        );
        machine.add(ROD + hand, Isometry3::identity(), Finish::Steel, rod);
        for end in [0.0, knead.rod.length_m] {
            let at = Translation3::new(end, 0.0, 0.0).into();
            machine.add(
                ROD + hand,
                at,
                Finish::Brass,
                Form::Node(Indenter::Sphere { radius_m: 0.008 }),
            );
        }

        // Rockers turn with their nodes: each half hangs on its node.
        for (index, node) in mechanism.nodes.iter().enumerate().take(2) {
            let body = NODE + 2 * hand + index;
            let centre = kinematics.node_in_pivot(index, 0.0);
            let half = Form::Limb {
                path: vec![Point3::from(-centre.coords), origin],
                radii_m: vec![0.0095, 0.0065],
            };
            machine.add(body, Isometry3::identity(), Finish::Arm, half);
            machine.add(
                body,
                Isometry3::identity(),
                Finish::Rubber,
                Form::Node(node.shape.clone()),
            );
            machine.nodes.push((body, node.shape.clone()));
        }
    }
    Ok(machine)
}

/// Poses of a carriage's bodies, `machine_from_body`, in the order of its bodies; the nodes are where the run has them.
///
/// # Errors
/// Where a rod cannot close.
pub fn carriage_poses(
    mechanism: &Mechanism,
    kinematics: &Kinematics,
    drive: &Drive,
    rocker_rad: [f64; 2],
    nodes: &[Point3<f64>],
) -> anyhow::Result<Vec<Isometry3<f64>>> {
    let carriage = kinematics.carriage(drive.walk_m);
    let slide = kinematics.shaft(drive.walk_m, drive.protrude_m);
    let sides = kinematics.sides(drive)?;
    let shaft = slide * turn_x(drive.knead_rad);
    let knead = &mechanism.knead;
    let rods = [0, 1].map(|hand| {
        let mirror = if hand == 0 { -1.0 } else { 1.0 };
        let on_arm =
            mirrored(knead.rod.on_arm_m, 1.0, mirror) - mirrored(knead.pivot_on_arm_m, 1.0, mirror);
        let ball = sides[hand].pivot * Point3::from(on_arm);
        // The left crank is half a turn on.
        let psi = drive.tap_rad + if hand == 0 { PI } else { 0.0 };
        let crank = Vector3::new(0.0, psi.cos(), psi.sin()) * knead.rod.crank_m;
        let anchor = slide * Point3::from(mirrored(knead.rod.anchor_m, 1.0, mirror) + crank);
        between(&ball, &anchor)
    });
    let mut poses = vec![
        Isometry3::identity(),
        carriage,
        slide,
        shaft,
        sides[0].pivot,
        sides[1].pivot,
        rods[0],
        rods[1],
    ];
    for (index, node) in nodes.iter().enumerate() {
        let hand = index / 2;
        let rocker = sides[hand].pivot.rotation * turn_x(-rocker_rad[hand]).rotation;
        poses.push(Isometry3::from_parts(node.coords.into(), rocker));
    }
    Ok(poses)
}

impl Machine {
    /// Puts a shape on a body.
    pub fn add(&mut self, body: usize, pose: Isometry3<f64>, finish: Finish, form: Form) {
        self.parts.push(Part {
            body,
            pose,
            form,
            finish,
        });
    }
}

fn rails(machine: &mut Machine, track: &TrackCurve) {
    let path = rail(track);
    for side in [-1.0, 1.0] {
        let shift = Translation3::new(side * RAIL_HALF_M, 0.0, 0.0).into();
        machine.add(FRAME, shift, Finish::Steel, tube(path.clone(), 0.0085));
    }
    // What keeps them apart, at both ends.
    for end in [path[0], path[path.len() - 1]] {
        let bar = vec![
            Point3::new(-RAIL_HALF_M, end.y, end.z),
            Point3::new(RAIL_HALF_M, end.y, end.z),
        ];
        machine.add(
            FRAME,
            Isometry3::identity(),
            Finish::Paint,
            tube(bar, 0.011),
        );
    }
}

/// The carriage's frame on its rollers, and the slide with the kneading shaft.
fn trolley(machine: &mut Machine, mechanism: &Mechanism) {
    let wheelbase_m = mechanism.carriage.wheelbase_m;
    let at = |x: f64, y: f64, z: f64| Translation3::new(x, y, z).into();
    let block = |x: f64, y: f64, z: f64| Form::Block {
        size_m: Vector3::new(x, y, z),
        edge_m: 0.004,
    };
    for end in [-0.5, 0.5] {
        let z = end * wheelbase_m;
        machine.add(
            CARRIAGE,
            at(0.0, 0.0, z),
            Finish::Paint,
            block(2.0 * RAIL_HALF_M - 0.03, 0.022, 0.030),
        );
        for side in [-1.0, 1.0] {
            machine.add(
                CARRIAGE,
                at(side * RAIL_HALF_M, 0.0, z),
                Finish::Leather,
                cylinder(0.0165, 0.017),
            );
            machine.add(
                CARRIAGE,
                at(side * RAIL_HALF_M, 0.0, z),
                Finish::Steel,
                cylinder(0.006, 0.026),
            );
        }
    }
    let retracted_m = mechanism.protrude.retracted_m;
    let stroke_m = mechanism.protrude.stroke_m;
    for side in [-1.0, 1.0] {
        let x = side * (RAIL_HALF_M - 0.030);
        machine.add(
            CARRIAGE,
            at(x, 0.0, 0.0),
            Finish::Paint,
            block(0.014, 0.030, wheelbase_m + 0.030),
        );
        // Guides over the slide's travel.
        let middle = retracted_m + 0.5 * stroke_m;
        machine.add(
            CARRIAGE,
            at(x, middle, 0.022),
            Finish::Steel,
            block(0.008, stroke_m + 0.05, 0.008),
        );
        machine.add(
            CARRIAGE,
            at(x, middle, -0.022),
            Finish::Steel,
            block(0.008, stroke_m + 0.05, 0.008),
        );
        machine.add(
            SLIDE,
            at(x, 0.0, 0.0),
            Finish::Brass,
            block(0.018, 0.036, 0.052),
        );
        let anchor = mechanism.knead.rod.anchor_m;
        let crank = vec![
            Point3::new(x, 0.0, -0.02),
            Point3::new(x, anchor[1], anchor[2]),
            Point3::new(side * anchor[0], anchor[1], anchor[2]),
        ];
        machine.add(
            SLIDE,
            Isometry3::identity(),
            Finish::Paint,
            tube(crank, 0.006),
        );
    }
    machine.add(
        SHAFT,
        Isometry3::identity(),
        Finish::Steel,
        cylinder(0.0075, 2.0 * RAIL_HALF_M - 0.05),
    );
}

/// A track's centre line, in its own frame.
pub fn rail(track: &TrackCurve) -> Vec<Point3<f64>> {
    let last = 119;
    (0..=last)
        .map(|i| track.pose(track.length_m() * f64::from(i) / f64::from(last)))
        .map(|p| Point3::new(0.0, p.y_m, p.z_m))
        .collect()
}

fn tube(path: Vec<Point3<f64>>, radius_m: f64) -> Form {
    Form::Tube { path, radius_m }
}

fn cylinder(radius_m: f64, length_m: f64) -> Form {
    Form::Cylinder { radius_m, length_m }
}

/// A vector of the right side, times `sign`, on the side of `mirror`.
fn mirrored([x, y, z]: [f64; 3], sign: f64, mirror: f64) -> Vector3<f64> {
    sign * Vector3::new(mirror * x, y, z)
}

fn turn_x(angle_rad: f64) -> Isometry3<f64> {
    Isometry3::from_parts(
        Translation3::identity(),
        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), angle_rad),
    )
}

/// A frame at `from` whose x points to `to`.
pub fn between(from: &Point3<f64>, to: &Point3<f64>) -> Isometry3<f64> {
    let way = to - from;
    let turn = UnitQuaternion::rotation_between(&Vector3::x(), &way)
        .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), PI));
    Isometry3::from_parts(from.coords.into(), turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts that the mechanism joins stay joined at every angle of the shaft: the boss in the arm's eye, the rod's ball at the
    /// length of the rod from its anchor, the node on its rocker.
    #[test]
    fn what_is_bolted_together_stays_together() {
        let mechanism = Mechanism::reference();
        let machine = carriage(&mechanism).unwrap();
        let kinematics = Kinematics::new(&mechanism).unwrap();
        let hubs: Vec<&Part> = machine
            .parts
            .iter()
            .filter(|p| p.body == SHAFT && p.finish == Finish::Brass)
            .collect();
        for step in 0..12 {
            let drive = Drive {
                walk_m: 0.3,
                protrude_m: 0.04,
                knead_rad: 0.7 * f64::from(step),
                tap_rad: 0.0,
            };
            let sides = kinematics.sides(&drive).unwrap();
            let rocker_rad = [0.1, -0.2];
            let nodes: Vec<Point3<f64>> = (0..4)
                .map(|i| sides[i / 2].pivot * kinematics.node_in_pivot(i % 2, rocker_rad[i / 2]))
                .collect();
            let poses =
                carriage_poses(&mechanism, &kinematics, &drive, rocker_rad, &nodes).unwrap();
            assert_eq!(poses.len(), machine.bodies.len());
            for hand in 0..2 {
                let mirror = if hand == 0 { -1.0 } else { 1.0 };
                let eye = poses[ARM + hand]
                    * Point3::from(mirrored(mechanism.knead.pivot_on_arm_m, -1.0, mirror));
                let boss = poses[SHAFT] * hubs[hand].pose * Point3::origin();
                assert!(
                    (eye - boss).norm() < 1e-9,
                    "{hand} {step}: {}",
                    (eye - boss).norm()
                );
                let rod = poses[ROD + hand];
                let far = rod * Point3::new(mechanism.knead.rod.length_m, 0.0, 0.0);
                let anchor = poses[SLIDE]
                    * Point3::from(mirrored(mechanism.knead.rod.anchor_m, 1.0, mirror));
                assert!(
                    (far - anchor).norm() < 1e-6,
                    "{hand} {step}: {}",
                    (far - anchor).norm()
                );
                for index in 0..2 {
                    let pivot = poses[NODE + 2 * hand + index]
                        * Point3::from(-kinematics.node_in_pivot(index, 0.0).coords);
                    let off = (pivot - sides[hand].pivot * Point3::origin()).norm();
                    assert!(off < 1e-9, "{hand} {index} {step}: {off}");
                }
            }
        }
    }
}
