//! A machine of any topology as plain data, in SI: links, joints, closed loops, couplings, drives, heads.
//!
//! Frames are those of robot descriptions: a joint's frame stands at `at_m`, turned by `turn_rad`, in its parent link's
//! frame, and at position 0 it is the child's frame. Points on a link are given in the link's frame. `x` is to the user's
//! right, `y` forward into the user, `z` up. The machine is described as far as it is on the right side or in the middle;
//! what is marked `mirror` has a twin on the left, named `left_NAME`, whose joints move as in a mirror at the same
//! position.

use nalgebra::{Isometry3, Matrix3, Translation3, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::mechanism::{Cover, Mechanism, Node, Track};
use crate::motor::GearMotor;

/// The link that everything hangs on: the backrest, the bed, what the hand holds.
pub const GROUND: &str = "ground";
/// How the name of a mirrored part begins.
pub const LEFT: &str = "left_";
/// The link that a hand or strap carries, where the mounting gives way.
pub const HELD: &str = "held";

/// A machine: what is bolted to what, what drives it, and what touches.
///
/// Fields are free to edit. [`Rig::check`](crate::Rig::check) says what is wrong, and
/// [`Linkage::new`](crate::Linkage::new) turns it into motion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rig {
    /// What people call it.
    pub name: String,
    /// What holds it.
    pub mounting: Mounting,
    /// Rigid parts.
    pub links: Vec<Link>,
    /// What joins them: a tree; every link is the child of one joint.
    pub joints: Vec<Joint>,
    /// What closes the tree to loops.
    pub closings: Vec<Closing>,
    /// Gears and cams between joints.
    pub couplings: Vec<Coupling>,
    /// Motors on joints.
    pub drives: Vec<RigDrive>,
    /// What touches the user.
    pub heads: Vec<Head>,
    /// The flap between heads and user.
    pub cover: Cover,
}

/// What holds a machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Mounting {
    /// Bolted to a backrest or a bed's frame: its ground does not move.
    Fixed,
    /// Held by a hand or a strap: the whole machine rides along y on a mass, a spring and a damper, and is pushed on.
    ///
    /// ISO 10068 is the source of hand impedances; one mass, spring and damper is its crudest form.
    Held {
        /// What moves with the machine: its case, and of the hand and forearm what follows, kg.
        mass_kg: f64,
        /// Spring of arm or strap, N/m.
        stiffness_n_m: f64,
        /// Damping, N s/m.
        damping_n_s_m: f64,
        /// Static push towards the user, N.
        push_n: f64,
    },
}

/// A rigid part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Mass, kg, heads aside.
    pub mass_kg: f64,
    /// Centre of mass in the link's frame, m.
    pub centre_m: [f64; 3],
    /// Moments of inertia about the centre of mass along the link's axes, kg m².
    pub inertia_kg_m2: [f64; 3],
    /// The xy, xz and yz elements of the same tensor, kg m².
    #[serde(default, skip_serializing_if = "none")]
    pub products_kg_m2: [f64; 3],
    /// Whether it has a twin on the left. Its joint, closings, couplings and heads then have one too.
    pub mirror: bool,
}

impl Link {
    /// Its inertia about its centre of mass, along its axes, kg m².
    pub fn tensor_kg_m2(&self) -> Matrix3<f64> {
        let ([xx, yy, zz], [xy, xz, yz]) = (self.inertia_kg_m2, self.products_kg_m2);
        Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz)
    }
}

/// The name of a part's mirror image: a twin's is its original, and what stands in the middle is its own.
fn other_side(name: &str, mirrored: &[String]) -> String {
    let is = |name: &str| mirrored.iter().any(|m| m == name);
    match name.strip_prefix(LEFT) {
        _ if is(name) => format!("{LEFT}{name}"),
        Some(original) if is(original) => original.to_owned(),
        _ => name.to_owned(),
    }
}

/// Most links have none, and files and hashes are as they were before there were any.
fn none(products: &[f64; 3]) -> bool {
    products.iter().all(|p| *p == 0.0)
}

/// What joins a child link to its parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// How it moves.
    pub kind: JointKind,
    /// Link it stands on; [`GROUND`] is one.
    pub parent: String,
    /// Link that moves.
    pub child: String,
    /// Its frame's origin in the parent's frame, m.
    pub at_m: [f64; 3],
    /// Its frame's attitude in the parent's: turns about the parent's x, then y, then z, rad.
    pub turn_rad: [f64; 3],
    /// Direction of turn or travel in its frame; its length does not matter. Not used by spherical, fixed and track joints.
    pub axis: [f64; 3],
    /// Stops, rad or m; none for a joint that goes round or has no stop. Also where a drive's travel ends.
    pub range: Option<[f64; 2]>,
    /// Position at which it is put together, rad or m: for loops the guess that chooses how they close.
    pub start: f64,
    /// Dry friction, N m or N.
    pub friction: f64,
    /// Viscous damping, N m s/rad or N s/m.
    pub damping: f64,
    /// Spring rate, N m/rad or N/m; 0 for no spring.
    pub spring: f64,
    /// Force or torque of the spring at position 0, > 0 drives the position up, N m or N.
    pub preload: f64,
}

/// How a joint moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JointKind {
    /// Turns about its axis; position in rad.
    Revolute,
    /// Slides along its axis; position in m.
    Prismatic,
    /// A ball.
    Spherical,
    /// A weld.
    Fixed,
    /// Runs along a curve in the y-z plane of its frame, on two pairs of rollers; position in m from the curve's top.
    Track {
        /// The curve.
        track: Track,
        /// Distance between upper and lower rollers, m.
        wheelbase_m: f64,
    },
}

/// What closes a loop: a condition between a point of link `a` and a point of link `b`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closing {
    /// Its name.
    pub name: String,
    /// What it holds together.
    pub kind: ClosingKind,
    /// One link.
    pub a: String,
    /// Point on it, in its frame, m.
    pub at_a_m: [f64; 3],
    /// Direction on it: of a hinge's pin, of a slot.
    pub axis_a: [f64; 3],
    /// The other link.
    pub b: String,
    /// Point on it, in its frame, m.
    pub at_b_m: [f64; 3],
    /// Direction on it: of a hinge's pin.
    pub axis_b: [f64; 3],
}

/// What a [`Closing`] holds together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClosingKind {
    /// A ball joint: the points coincide.
    Ball,
    /// A pin: the points coincide and the directions are the same.
    Hinge,
    /// A massless rod with a ball at either end, of this length, m.
    Rod {
        /// Between the balls, m.
        length_m: f64,
    },
    /// A pin in a slot: the point of `b` stays on the line through the point of `a` along its direction.
    Slot,
}

/// One joint's position as a function of another's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coupling {
    /// The joint that follows.
    pub joint: String,
    /// The joint that leads.
    pub to: String,
    /// How.
    pub law: Law,
}

/// How a joint follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Law {
    /// Gear, belt, rack: `position = ratio * leader + offset`.
    Gear {
        /// Position of the follower per position of the leader.
        ratio: f64,
        /// Position of the follower where the leader is at 0.
        offset: f64,
    },
    /// Cam: lifts at equal steps of one turn of the leader, from its 0; a periodic cubic spline goes through them.
    Cam {
        /// Lifts, rad or m; at least 4.
        lifts: Vec<f64>,
    },
}

/// A motor on a joint, and what it does when nobody asks for anything else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RigDrive {
    /// Its name.
    pub name: String,
    /// The joint that it drives.
    pub joint: String,
    /// Motor and gearbox.
    pub motor: GearMotor,
    /// Its usual motion.
    pub motion: Motion,
    /// Play between motor and joint, from stop to stop at the joint, rad or m: what the motor loses on turning round.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backlash: f64,
    /// What its controller counts and can put out; ideal by default.
    #[serde(default, skip_serializing_if = "Control::is_ideal")]
    pub control: Control,
}

/// Most drives are told none, and files and hashes are as they were before there was any.
fn is_zero(play: &f64) -> bool {
    *play == 0.0
}

/// The usual motion of a drive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Motion {
    /// Stands at the joint's `start`.
    Hold,
    /// Goes on at a speed.
    Run {
        /// Joint speed, rad/s or m/s.
        rate: f64,
        /// Turns round after so many seconds; 0 for never.
        reverse_s: f64,
    },
    /// Swings about the joint's `start`: `start + amplitude sin(2 pi frequency t + phase)`.
    Swing {
        /// Half the travel, rad or m.
        amplitude: f64,
        /// Hz.
        frequency_hz: f64,
        /// Ahead of a sine, rad.
        phase_rad: f64,
    },
}

/// What touches the user: a node on a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Shape, compliance, friction. Its mass is added to the link's where it stands.
    pub node: Node,
    /// The link that carries it.
    pub link: String,
    /// Its centre in the link's frame, m.
    pub at_m: [f64; 3],
    /// Its attitude in the link's frame: turns about x, then y, then z, rad.
    pub turn_rad: [f64; 3],
    /// Force with which it must be able to press along the machine's y, N; drives are checked against it.
    pub load_n: f64,
}

impl Motion {
    /// Position that the motion asks for at a time, and its rate; `start` is the joint's.
    pub fn at(&self, t_s: f64, start: f64) -> (f64, f64) {
        match *self {
            Motion::Hold => (start, 0.0),
            Motion::Run { rate, reverse_s } if reverse_s > 0.0 => {
                let period = 2.0 * reverse_s;
                let t = t_s - period * (t_s / period).floor();
                if t < reverse_s {
                    (start + rate * t, rate)
                } else {
                    (start + rate * (period - t), -rate)
                }
            }
            Motion::Run { rate, .. } => (start + rate * t_s, rate),
            Motion::Swing {
                amplitude,
                frequency_hz,
                phase_rad,
            } => {
                let omega = std::f64::consts::TAU * frequency_hz;
                let (s, c) = (omega * t_s + phase_rad).sin_cos();
                (start + amplitude * s, amplitude * omega * c)
            }
        }
    }
}

impl Rig {
    /// The same machine with its left side written out and its mounting as a link and a joint: no part of the result is
    /// marked `mirror`, and what was there keeps its index.
    pub fn expanded(&self) -> Rig {
        let mut rig = self.clone();
        rig.mirror();
        if let Mounting::Held {
            mass_kg,
            stiffness_n_m,
            damping_n_s_m,
            push_n,
        } = self.mounting
        {
            rig.hold(mass_kg, stiffness_n_m, damping_n_s_m, push_n);
        }
        rig
    }

    /// Writes out the left side.
    fn mirror(&mut self) {
        let mirrored: Vec<String> = self
            .links
            .iter()
            .filter(|link| link.mirror)
            .map(|link| link.name.clone())
            .collect();
        let twin = |name: &str| other_side(name, &mirrored);
        let is = |name: &str| mirrored.iter().any(|m| m == name);
        let flip = |v: [f64; 3]| [-v[0], v[1], v[2]];
        // A turn's mirror image: about x as it was, about y and z the other way.
        let turn = |v: [f64; 3]| [v[0], -v[1], -v[2]];
        let turn_products = |v: [f64; 3]| [-v[0], -v[1], v[2]];

        let links: Vec<Link> = self.links.iter().filter(|l| l.mirror).cloned().collect();
        for link in links {
            self.links.push(Link {
                name: twin(&link.name),
                centre_m: flip(link.centre_m),
                products_kg_m2: turn_products(link.products_kg_m2),
                ..link
            });
        }
        let joints: Vec<Joint> = self
            .joints
            .iter()
            .filter(|j| is(&j.child))
            .cloned()
            .collect();
        let joint_names: Vec<String> = joints.iter().map(|j| j.name.clone()).collect();
        for joint in joints {
            self.joints.push(Joint {
                name: format!("{LEFT}{}", joint.name),
                parent: twin(&joint.parent),
                child: twin(&joint.child),
                at_m: flip(joint.at_m),
                turn_rad: turn(joint.turn_rad),
                axis: match joint.kind {
                    JointKind::Revolute => turn(joint.axis),
                    _ => flip(joint.axis),
                },
                ..joint
            });
        }
        let closings: Vec<Closing> = self
            .closings
            .iter()
            .filter(|c| is(&c.a) || is(&c.b))
            .cloned()
            .collect();
        for c in closings {
            let mirrored = Closing {
                name: format!("{LEFT}{}", c.name),
                a: twin(&c.a),
                at_a_m: flip(c.at_a_m),
                axis_a: flip(c.axis_a),
                b: twin(&c.b),
                at_b_m: flip(c.at_b_m),
                axis_b: flip(c.axis_b),
                ..c.clone()
            };
            // A tie from side to side is its own mirror image.
            let itself = (&mirrored.a, mirrored.at_a_m) == (&c.b, c.at_b_m)
                && (&mirrored.b, mirrored.at_b_m) == (&c.a, c.at_a_m);
            if !itself {
                self.closings.push(mirrored);
            }
        }
        let twin_joint = |name: &str| other_side(name, &joint_names);
        let couplings: Vec<Coupling> = self
            .couplings
            .iter()
            .filter(|c| joint_names.contains(&c.joint) && c.to != twin_joint(&c.joint))
            .cloned()
            .collect();
        for c in couplings {
            self.couplings.push(Coupling {
                joint: twin_joint(&c.joint),
                to: twin_joint(&c.to),
                ..c
            });
        }
        let heads: Vec<Head> = self.heads.iter().filter(|h| is(&h.link)).cloned().collect();
        for head in heads {
            self.heads.push(Head {
                node: Node {
                    name: format!("{LEFT}{}", head.node.name),
                    ..head.node
                },
                link: twin(&head.link),
                at_m: flip(head.at_m),
                turn_rad: turn(head.turn_rad),
                load_n: head.load_n,
            });
        }
        for link in &mut self.links {
            link.mirror = false;
        }
    }

    /// Puts the machine on a link of its own that rides along y.
    fn hold(&mut self, mass_kg: f64, stiffness_n_m: f64, damping_n_s_m: f64, push_n: f64) {
        for joint in &mut self.joints {
            if joint.parent == GROUND {
                joint.parent = HELD.to_owned();
            }
        }
        for closing in &mut self.closings {
            for link in [&mut closing.a, &mut closing.b] {
                if link == GROUND {
                    *link = HELD.to_owned();
                }
            }
        }
        for head in &mut self.heads {
            if head.link == GROUND {
                head.link = HELD.to_owned();
            }
        }
        self.links.push(Link {
            name: HELD.to_owned(),
            mass_kg,
            centre_m: [0.0; 3],
            // It does not turn.
            inertia_kg_m2: [1e-3 * mass_kg; 3],
            products_kg_m2: [0.0; 3],
            mirror: false,
        });
        self.joints.push(Joint {
            name: HELD.to_owned(),
            kind: JointKind::Prismatic,
            parent: GROUND.to_owned(),
            child: HELD.to_owned(),
            axis: [0.0, 1.0, 0.0],
            damping: damping_n_s_m,
            spring: stiffness_n_m,
            preload: push_n,
            ..Joint::default()
        });
        self.mounting = Mounting::Fixed;
    }
}

impl Rig {
    /// The joint of a name as it is described: a mirrored twin's is its original's.
    pub fn described(&self, joint: &str) -> Option<&Joint> {
        let of = |name: &str| self.joints.iter().find(|j| j.name == name);
        of(joint).or_else(|| of(joint.strip_prefix(LEFT)?))
    }

    /// Nothing on a frame that stands, under the reference design's cover.
    pub fn new(name: &str) -> Rig {
        Rig {
            name: name.to_owned(),
            mounting: Mounting::Fixed,
            links: Vec::new(),
            joints: Vec::new(),
            closings: Vec::new(),
            couplings: Vec::new(),
            drives: Vec::new(),
            heads: Vec::new(),
            cover: Mechanism::reference().cover,
        }
    }
}

impl Link {
    /// A part whose mass lies about its frame's origin, with the same moment of inertia about every axis.
    pub fn new(name: &str, mass_kg: f64, inertia_kg_m2: f64) -> Link {
        Link {
            name: name.to_owned(),
            mass_kg,
            centre_m: [0.0; 3],
            inertia_kg_m2: [inertia_kg_m2; 3],
            products_kg_m2: [0.0; 3],
            mirror: false,
        }
    }
}

impl Joint {
    /// A joint along or about x that nothing holds.
    pub fn new(name: &str, kind: JointKind, parent: &str, child: &str, at_m: [f64; 3]) -> Joint {
        Joint {
            name: name.to_owned(),
            kind,
            parent: parent.to_owned(),
            child: child.to_owned(),
            at_m,
            ..Joint::default()
        }
    }
}

impl Closing {
    /// A condition between a point of one link and a point of another, their directions along x.
    pub fn new(
        name: &str,
        kind: ClosingKind,
        (a, at_a_m): (&str, [f64; 3]),
        (b, at_b_m): (&str, [f64; 3]),
    ) -> Closing {
        Closing {
            name: name.to_owned(),
            kind,
            a: a.to_owned(),
            at_a_m,
            axis_a: [1.0, 0.0, 0.0],
            b: b.to_owned(),
            at_b_m,
            axis_b: [1.0, 0.0, 0.0],
        }
    }
}

impl RigDrive {
    /// A motor on the joint of its name, without play, its controller ideal.
    pub fn new(joint: &str, motor: GearMotor, motion: Motion) -> RigDrive {
        RigDrive {
            name: joint.to_owned(),
            joint: joint.to_owned(),
            motor,
            motion,
            backlash: 0.0,
            control: Control::default(),
        }
    }
}

impl Default for Joint {
    /// A weld at the parent's origin.
    fn default() -> Joint {
        Joint {
            name: String::new(),
            kind: JointKind::Fixed,
            parent: GROUND.to_owned(),
            child: String::new(),
            at_m: [0.0; 3],
            turn_rad: [0.0; 3],
            axis: [1.0, 0.0, 0.0],
            range: None,
            start: 0.0,
            friction: 0.0,
            damping: 0.0,
            spring: 0.0,
            preload: 0.0,
        }
    }
}

/// A place and an attitude as files have them.
pub(crate) fn frame(at_m: [f64; 3], turn_rad: [f64; 3]) -> Isometry3<f64> {
    let [roll, pitch, yaw] = turn_rad;
    Isometry3::from_parts(
        Translation3::from(Vector3::from(at_m)),
        UnitQuaternion::from_euler_angles(roll, pitch, yaw),
    )
}
