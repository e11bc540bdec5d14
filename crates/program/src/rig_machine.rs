//! A rig as inverse kinematics sees it. What each drive is for is found from the linkage itself: which way the heads go with it.

use std::f64::consts::{PI, TAU};

use mechanism::{JointKind, LEFT, Linkage, Mounting, Posture, Rig};
use nalgebra::{UnitQuaternion, Vector3};

use crate::machine::{Axis, Machine, Rates};
use crate::manner::Need;

/// A rig's forward model, and the roles of its drives.
#[derive(Clone, Debug)]
pub struct RigMachine {
    linkage: Linkage,
    base: Posture,
    /// Positions of the drives' joints at `base`.
    starts: Vec<f64>,
    /// Heads on the right side and in the middle.
    right: Vec<usize>,
    back_from_ground: UnitQuaternion<f64>,
    along: Vector3<f64>,
    into: Vector3<f64>,
    axes: Vec<Axis>,
    /// The drive of each axis, and where its joint ends.
    drives: Vec<(usize, [f64; 2])>,
    rounds: Vec<Round>,
    held: bool,
}

/// A drive that goes round and round, and takes the heads with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Index of the drive.
    pub drive: usize,
    /// [`Need::Knead`], or [`Need::Tap`] where the heads go in and out alone.
    pub role: Need,
    /// Half the way of a head in a turn, outward, along and into the user, m: the mean over the heads.
    pub half_m: [f64; 3],
    /// What the drive can do, rad/s and so on.
    pub limits: Rates,
}

/// A drive uses this much of its motor's speed without load, and reaches it in so many seconds (E, as carriages do).
const SPEED_SHARE: f64 = 0.8;
const RUN_UP_S: f64 = 0.25;
/// Heads that go less sideways and along than this share of their way in and out, tap (E).
const TAP_SHARE: f64 = 0.3;
/// An axis may leave its place by so much along the spine, m: not farther than the next place is.
const WALK_REACH_M: f64 = 0.030;

impl RigMachine {
    /// What a rig can do that stands turned by `turn_rad` about the way into the user. `None` where its loops do not close.
    pub fn new(linkage: &Linkage, turn_rad: f64) -> Option<RigMachine> {
        let rig = linkage.rig();
        let base = linkage.assemble().ok()?;
        let driven = linkage.driven();
        let right: Vec<usize> = (0..rig.heads.len())
            .filter(|i| !rig.heads[*i].node.name.starts_with(LEFT))
            .collect();
        let mut machine = RigMachine {
            starts: driven.iter().map(|j| base.positions[*j]).collect(),
            right,
            back_from_ground: UnitQuaternion::from_axis_angle(&Vector3::y_axis(), turn_rad),
            along: -Vector3::z(),
            into: Vector3::y(),
            axes: Vec::new(),
            drives: Vec::new(),
            rounds: Vec::new(),
            held: is_held(rig),
            linkage: linkage.clone(),
            base,
        };
        for (drive, joint) in driven.iter().enumerate() {
            let joint = &rig.joints[*joint];
            let limits = limits(rig, drive);
            if joint.kind == JointKind::Revolute && joint.range.is_none() {
                if let Some(half_m) = machine.orbit_m(drive) {
                    let beside_m = half_m[0].max(half_m[1]);
                    let role = if beside_m < TAP_SHARE * half_m[2] {
                        Need::Tap
                    } else {
                        Need::Knead
                    };
                    machine.rounds.push(Round {
                        drive,
                        role,
                        half_m,
                        limits,
                    });
                }
                continue;
            }
            let Some(way) = machine.way(drive) else {
                continue;
            };
            let [out, along, into] = [way.x.abs(), way.z.abs(), way.y.abs()];
            let role = if into >= out && into >= along {
                Need::Protrude
            } else if along >= out {
                Need::Walk
            } else {
                Need::Width
            };
            let rest = machine.starts[drive];
            let ends = joint.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
            machine.axes.push(Axis {
                role,
                rest,
                reach: match role {
                    Need::Walk => WALK_REACH_M,
                    _ => 0.5 * (ends[1] - ends[0]).min(2.0 * PI),
                },
                limits,
            });
            machine.drives.push((drive, ends));
            if role == Need::Walk {
                // The spine runs where the carriage goes.
                machine.along = way.normalize() * -way.z.signum();
                machine.into = Vector3::x().cross(&machine.along).normalize();
            }
        }
        Some(machine)
    }

    /// Whether it has what is needed. Whoever holds a machine presses it on; two axes make a circle; a slide that is quick enough beats.
    pub fn has(&self, need: Need) -> bool {
        let axis = |role| self.axes.iter().any(|a| a.role == role);
        let round = |role| self.rounds.iter().any(|r| r.role == role);
        match need {
            Need::Protrude => self.held || axis(need),
            Need::Walk => axis(need),
            Need::Knead => round(need) || axis(Need::Width) && axis(Need::Walk),
            Need::Width => axis(need) || round(Need::Knead),
            Need::Tap => round(need) || axis(Need::Protrude),
            Need::Hand => false,
        }
    }

    /// Whether a hand or a strap presses it on, and no drive.
    pub fn pressed_by_holder(&self) -> bool {
        self.held && self.axis(Need::Protrude).is_none()
    }

    /// The axis of a role: its place in the list.
    pub fn axis(&self, role: Need) -> Option<usize> {
        self.axes.iter().position(|a| a.role == role)
    }

    /// The drive of an axis.
    pub fn drive(&self, axis: usize) -> usize {
        self.drives[axis].0
    }

    /// Where an axis ends, m or rad.
    pub fn ends(&self, axis: usize) -> [f64; 2] {
        self.drives[axis].1
    }

    /// The drive that goes round, by its role.
    pub fn round(&self, role: Need) -> Option<&Round> {
        self.rounds.iter().find(|r| r.role == role)
    }

    /// Positions of all drives as they are put together.
    pub fn starts(&self) -> &[f64] {
        &self.starts
    }

    /// Its axes in words, for messages.
    pub fn words(&self) -> String {
        let name = |drive: usize| self.linkage.rig().drives[drive].name.clone();
        let axes = self.axes.iter().zip(&self.drives);
        let axes = axes.map(|(a, (drive, _))| format!("{} ({})", name(*drive), does(a.role)));
        let rounds = self.rounds.iter();
        let rounds = rounds.map(|r| format!("{} ({})", name(r.drive), does(r.role)));
        let mut words: Vec<String> = axes.chain(rounds).collect();
        if self.held {
            words.push("whoever holds it (into the user)".to_owned());
        }
        words.join(", ")
    }

    /// The name of an axis' drive.
    pub fn name(&self, drive: usize) -> &str {
        &self.linkage.rig().drives[drive].name
    }

    /// Middle of the right heads with all drives at `drives`, ground frame, m; `None` where a loop does not close.
    pub fn heads_m(&self, drives: &[f64]) -> Option<Vector3<f64>> {
        let posture = self.linkage.follow(&self.base, drives).ok()?;
        let heads = self.linkage.heads(&self.linkage.frames(&posture));
        let sum: Vector3<f64> = self
            .right
            .iter()
            .map(|i| heads[*i].translation.vector)
            .sum();
        Some(sum / self.right.len().max(1) as f64)
    }

    /// Positions of all drives with the axes at `at`.
    fn positions(&self, at: &[f64]) -> Vec<f64> {
        let mut drives = self.starts.clone();
        for (position, (drive, _)) in at.iter().zip(&self.drives) {
            drives[*drive] = *position;
        }
        drives
    }

    /// Where the right heads go with a drive, back's directions, m per unit.
    fn way(&self, drive: usize) -> Option<Vector3<f64>> {
        let rates = self.linkage.head_rates(&self.base, drive)?;
        let sum: Vector3<f64> = self.right.iter().map(|i| rates[*i]).sum();
        let mean = self.back_from_ground * sum / self.right.len().max(1) as f64;
        (mean.norm() > 1e-9).then_some(mean)
    }

    /// Half the way of the right heads in a whole turn of a drive, each by itself; `None` where it cannot turn, or takes none with it.
    fn orbit_m(&self, drive: usize) -> Option<[f64; 3]> {
        const STEPS: u32 = 24;
        let mut low = vec![[f64::INFINITY; 3]; self.right.len()];
        let mut high = vec![[f64::NEG_INFINITY; 3]; self.right.len()];
        let mut posture = self.base.clone();
        let mut drives = self.starts.clone();
        for step in 0..STEPS {
            drives[drive] = self.starts[drive] + TAU * f64::from(step) / f64::from(STEPS);
            posture = self.linkage.follow(&posture, &drives).ok()?;
            let heads = self.linkage.heads(&self.linkage.frames(&posture));
            for (k, head) in self.right.iter().enumerate() {
                let at = self.back_from_ground * heads[*head].translation.vector;
                for (i, v) in [at.x, -at.z, at.y].into_iter().enumerate() {
                    low[k][i] = low[k][i].min(v);
                    high[k][i] = high[k][i].max(v);
                }
            }
        }
        let count = self.right.len().max(1) as f64;
        let half_m: [f64; 3] = std::array::from_fn(|i| {
            let ways = low.iter().zip(&high).map(|(l, h)| 0.5 * (h[i] - l[i]));
            ways.sum::<f64>() / count
        });
        (half_m.iter().copied().fold(0.0, f64::max) > 1e-4).then_some(half_m)
    }
}

impl Machine for RigMachine {
    fn axes(&self) -> &[Axis] {
        &self.axes
    }

    fn place_m(&self, at: &[f64]) -> Option<[f64; 3]> {
        let middle = self.back_from_ground * self.heads_m(&self.positions(at))?;
        Some([middle.x, middle.dot(&self.along), middle.dot(&self.into)])
    }
}

/// What an axis does, in words.
fn does(role: Need) -> &'static str {
    match role {
        Need::Protrude => "into the user",
        Need::Walk => "along the spine",
        Need::Knead => "round",
        Need::Width => "sideways",
        Need::Tap => "in and out",
        Need::Hand => "a hand",
    }
}

/// The mounting is a link by now, on a joint of its name.
fn is_held(rig: &Rig) -> bool {
    rig.mounting != Mounting::Fixed || rig.links.iter().any(|l| l.name == mechanism::HELD)
}

/// What a drive can do.
fn limits(rig: &Rig, drive: usize) -> Rates {
    let speed = SPEED_SHARE * rig.drives[drive].motor.no_load_rate().abs();
    Rates::of(speed, speed / RUN_UP_S)
}
