//! What is wrong with a [`Rig`]: names, loops that stay open, joints that lock, drives that are too weak.

use nalgebra::Vector3;

use crate::linkage::{Linkage, LoopGap, Posture};
use crate::mechanism::Track;
use crate::rig::{ClosingKind, GROUND, HELD, Joint, JointKind, LEFT, Law, Motion, Mounting, Rig};

/// Something wrong with a rig, at the part that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct RigProblem {
    /// Key in a rig file: `joint.2.parent`. Lists count from 0, as the rig's do.
    pub key: String,
    /// What is wrong, one sentence.
    pub message: String,
    /// What would be allowed; may be empty.
    pub allowed: String,
    /// What to do about it, or why.
    pub hint: String,
    /// Whether the rig can be used all the same.
    pub warning: bool,
}

impl std::fmt::Display for RigProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.message, self.hint)
    }
}

/// What a drive does over its travel, the other drives at their start.
#[derive(Clone, Debug, PartialEq)]
pub struct Travel {
    /// Index among the rig's drives.
    pub drive: usize,
    /// From where to where, rad or m.
    pub range: [f64; 2],
    /// Where its load is greatest, and the greatest load in size, N m or N, with every head pressing its `load_n` along y.
    pub peak_load: (f64, f64),
    /// What its motor can hold, N m or N.
    pub load_max: f64,
    /// How far each head moves along x, y and z, m, in the order of the written-out rig.
    pub strokes_m: Vec<[f64; 3]>,
    /// The joint of the written-out rig that goes farthest beyond its range, as a share of that range, so that turns and slides
    /// compare; the drive's position and its own there. Loops are closed as if it had no stops.
    pub stopped: Option<(usize, f64, f64)>,
}

/// Postures looked at over a drive's travel.
const SAMPLES: usize = 72;
/// A joint is beyond its stop by more than this, rad or m.
const STOP_SLACK: f64 = 1e-6;
/// A joint without stops.
const FREE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

impl Rig {
    /// Everything that is wrong. Ranges of single numbers are the file's business.
    pub fn check(&self) -> Vec<RigProblem> {
        let linkage = match Linkage::new(self) {
            Ok(linkage) => linkage,
            Err(problems) => return problems,
        };
        let mut problems = Vec::new();
        let start = match linkage.assemble() {
            Ok(start) => start,
            Err(gap) => {
                problems.push(open(self, &gap));
                return problems;
            }
        };
        mobility(self, &linkage, &start, &mut problems);
        if problems.iter().any(|p| !p.warning) {
            return problems;
        }
        for drive in 0..self.drives.len() {
            beyond(self, drive, &mut problems);
            match linkage.travel(&start, drive) {
                Ok(travel) => {
                    stopped(self, &linkage, &travel, &mut problems);
                    weak(self, &linkage, &travel, &mut problems);
                }
                Err(gap) => problems.push(open(self, &gap)),
            }
        }
        problems
    }
}

impl Linkage {
    /// Takes a drive over its travel: between its end switches, or over its joint's range, or a whole turn from `start`.
    ///
    /// # Errors
    /// [`LoopGap`] where a loop opens.
    pub fn travel(&self, start: &Posture, drive: usize) -> Result<Travel, LoopGap> {
        let rig = self.rig();
        let joint = self.driven()[drive];
        let from = start.positions[joint];
        let described = &rig.joints[joint];
        let round = described.kind == JointKind::Revolute && described.range.is_none();
        let switches = rig.drives[drive].control.switches;
        let range = switches.or(described.range).unwrap_or(match round {
            true => [from, from + std::f64::consts::TAU],
            false => [from, from],
        });
        let forces: Vec<Vector3<f64>> = rig
            .heads
            .iter()
            .map(|head| Vector3::new(0.0, -head.load_n, 0.0))
            .collect();
        let mut drives: Vec<f64> = self.driven().iter().map(|&j| start.positions[j]).collect();
        let mut travel = Travel {
            drive,
            range,
            peak_load: (from, 0.0),
            load_max: rig.drives[drive].motor.load_max(),
            strokes_m: Vec::new(),
            stopped: None,
        };
        let mut least = vec![[f64::INFINITY; 3]; rig.heads.len()];
        let mut most = vec![[f64::NEG_INFINITY; 3]; rig.heads.len()];
        let mut farthest = 0.0;
        let mut look = |posture: &Posture, at: f64| {
            for (joint, position) in posture.positions.iter().enumerate() {
                let [low, high] = rig.joints[joint].range.unwrap_or(FREE);
                let off = (low - position).max(position - high);
                let share = off / (high - low);
                if off > STOP_SLACK && share > farthest {
                    farthest = share;
                    travel.stopped = Some((joint, at, *position));
                }
            }
            if let Some(load) = self.load(posture, drive, &forces)
                && load.abs() > travel.peak_load.1
            {
                travel.peak_load = (at, load.abs());
            }
            for (i, head) in self.heads(&self.frames(posture)).iter().enumerate() {
                for axis in 0..3 {
                    let place = head.translation.vector[axis];
                    least[i][axis] = least[i][axis].min(place);
                    most[i][axis] = most[i][axis].max(place);
                }
            }
        };
        // From the start up, then from the start down.
        for end in [range[1], range[0]] {
            let mut here = start.clone();
            let count = ((SAMPLES as f64) * ((end - from) / (range[1] - range[0])).abs()).ceil();
            let count = if count.is_finite() { count as usize } else { 0 };
            for i in 0..=count {
                let at = from + (end - from) * i as f64 / count.max(1) as f64;
                drives[drive] = at;
                here = self.follow(&here, &drives)?;
                look(&here, at);
            }
        }
        travel.strokes_m = (0..rig.heads.len())
            .map(|i| std::array::from_fn(|axis| most[i][axis] - least[i][axis]))
            .collect();
        Ok(travel)
    }
}

/// Names, tree, loops: what must be right before anything can be built.
pub(crate) fn structure(rig: &Rig) -> Vec<RigProblem> {
    let mut problems = names(rig);
    let links: Vec<&str> = rig.links.iter().map(|l| l.name.as_str()).collect();
    for (i, link) in rig.links.iter().enumerate() {
        let name = link.name.as_str();
        let key = format!("link.{i}.name");
        if name == GROUND || name.starts_with(LEFT) || name == HELD {
            problems.push(error(
                &key,
                format!("no link may be called {name:?}"),
                format!("{GROUND} and held are always there, {LEFT}... is a mirrored twin's name"),
            ));
        }
        if links[..i].contains(&name) {
            problems.push(error(
                &key,
                format!("there are two links {name:?}"),
                "rename one".into(),
            ));
        }
        let carriers = rig.joints.iter().filter(|j| j.child == name).count();
        if carriers == 0 {
            problems.push(error(
                &key,
                format!("no joint has the link {name:?} as its child"),
                "add a [[joint]] that carries it; kind = \"fixed\" welds it on".into(),
            ));
        }
        if !(link.mass_kg > 0.0 && link.tensor_kg_m2().symmetric_eigenvalues().min() > 0.0) {
            problems.push(error(
                &format!("link.{i}.mass_kg"),
                format!("the link {name:?} has no mass or inertia"),
                "every link needs both, if small: a tenth of its neighbours' changes little".into(),
            ));
        }
    }
    // Twins may be named too.
    let twins: Vec<String> = rig
        .links
        .iter()
        .filter(|l| l.mirror)
        .map(|l| format!("{LEFT}{}", l.name))
        .collect();
    let known =
        |name: &str| name == GROUND || links.contains(&name) || twins.iter().any(|t| t == name);
    let joints: Vec<&str> = rig.joints.iter().map(|j| j.name.as_str()).collect();
    let twin_joints: Vec<String> = rig
        .joints
        .iter()
        .filter(|j| rig.links.iter().any(|l| l.mirror && l.name == j.child))
        .map(|j| format!("{LEFT}{}", j.name))
        .collect();
    let mut link_named = |key: String, name: &str| {
        if !known(name) {
            problems.push(error(
                &key,
                format!("there is no link {name:?}"),
                format!("there are {GROUND}, {}", links.join(", ")),
            ));
        }
    };
    for (i, joint) in rig.joints.iter().enumerate() {
        link_named(format!("joint.{i}.parent"), &joint.parent);
        link_named(format!("joint.{i}.child"), &joint.child);
    }
    for (i, c) in rig.closings.iter().enumerate() {
        link_named(format!("closing.{i}.a"), &c.a);
        link_named(format!("closing.{i}.b"), &c.b);
    }
    for (i, head) in rig.heads.iter().enumerate() {
        link_named(format!("node.{i}.link"), &head.link);
    }
    for (i, joint) in rig.joints.iter().enumerate() {
        let name = &joint.name;
        if joints[..i].contains(&name.as_str()) || name.starts_with(LEFT) || name == HELD {
            problems.push(error(
                &format!("joint.{i}.name"),
                format!("the name {name:?} is taken"),
                "joints need names of their own, not beginning with left_; held is the mounting's"
                    .into(),
            ));
        }
        let carried = joint.child.as_str();
        if carried == GROUND || twins.iter().any(|t| t == carried) {
            problems.push(error(
                &format!("joint.{i}.child"),
                format!("{carried:?} cannot be a child"),
                "the ground stands, and a twin's joint is written out by the mirror".into(),
            ));
        }
        if rig.joints[..i].iter().any(|j| j.child == carried) {
            problems.push(error(
                &format!("joint.{i}.child"),
                format!("the link {carried:?} is already carried by another joint"),
                "a second hold on a link closes a loop: write it as [[closing]]".into(),
            ));
        }
        let moves = matches!(joint.kind, JointKind::Revolute | JointKind::Prismatic);
        if moves && Vector3::from(joint.axis).norm() < 1e-9 {
            problems.push(error(
                &format!("joint.{i}.axis"),
                "an axis needs a direction".into(),
                "such as [1, 0, 0]".into(),
            ));
        }
        if let Some([low, high]) = joint.range
            && low >= high
        {
            problems.push(error(
                &format!("joint.{i}.range"),
                format!("the range of the joint {name:?} does not end above its begin"),
                "write the lower stop first".into(),
            ));
        } else if let Some([low, high]) = joint.range
            && !(low <= joint.start && joint.start <= high)
        {
            problems.push(error(
                &format!("joint.{i}.start"),
                format!("the joint {name:?} starts outside its range"),
                "start it between its stops".into(),
            ));
        }
        if let JointKind::Track { track, wheelbase_m } = &joint.kind {
            let length_m = length(track);
            if !(length_m > *wheelbase_m && joint.range.is_some()) {
                problems.push(error(
                    &format!("joint.{i}.wheelbase"),
                    format!("the track of {name:?} is shorter than its carriage, or has no range"),
                    "give arcs longer than the wheelbase, and range_mm within the track".into(),
                ));
            }
        }
    }
    // Every link must hang on the ground.
    for (i, joint) in rig.joints.iter().enumerate() {
        let mut at = joint;
        let mut steps = 0;
        while at.parent != GROUND && steps <= rig.joints.len() {
            steps += 1;
            let parent = at.parent.strip_prefix(LEFT).unwrap_or(&at.parent);
            match rig.joints.iter().find(|j| j.child == parent) {
                Some(next) => at = next,
                None => break,
            }
        }
        if steps > rig.joints.len() {
            problems.push(error(
                &format!("joint.{i}.parent"),
                format!(
                    "the joint {:?} hangs on itself, not on the ground",
                    joint.name
                ),
                "joints make a tree that begins at the ground; close loops with [[closing]]".into(),
            ));
        }
    }
    let single = |name: &str| {
        rig.joints
            .iter()
            .find(|j| j.name == name || format!("{LEFT}{}", j.name) == name)
            .is_some_and(|j| !matches!(j.kind, JointKind::Spherical | JointKind::Fixed))
    };
    let mut joint_named = |key: String, name: &str| {
        if !joints.contains(&name) && !twin_joints.iter().any(|t| t == name) {
            problems.push(error(
                &key,
                format!("there is no joint {name:?}"),
                format!("there are {}", joints.join(", ")),
            ));
        } else if !single(name) {
            problems.push(error(
                &key,
                format!("the joint {name:?} has no single position"),
                "couple and drive revolute, prismatic and track joints".into(),
            ));
        }
    };
    for (i, c) in rig.couplings.iter().enumerate() {
        joint_named(format!("coupling.{i}.joint"), &c.joint);
        joint_named(format!("coupling.{i}.to"), &c.to);
    }
    for (i, d) in rig.drives.iter().enumerate() {
        joint_named(format!("drive.{i}.joint"), &d.joint);
    }
    for (i, c) in rig.couplings.iter().enumerate() {
        if c.joint == c.to {
            problems.push(error(
                &format!("coupling.{i}.to"),
                format!("the joint {:?} cannot follow itself", c.to),
                "name the joint that leads it".into(),
            ));
        }
    }
    for (i, c) in rig.couplings.iter().enumerate() {
        if let Law::Cam { lifts } = &c.law
            && lifts.len() < 4
        {
            problems.push(error(
                &format!("coupling.{i}.lifts"),
                format!("{} lifts do not make a cam", lifts.len()),
                "give at least 4, at equal steps of a turn".into(),
            ));
        }
    }
    for (i, d) in rig.drives.iter().enumerate() {
        let double = rig.drives[..i].iter().any(|o| o.joint == d.joint);
        let follows = rig.couplings.iter().any(|c| c.joint == d.joint);
        if double || follows {
            problems.push(error(
                &format!("drive.{i}.joint"),
                format!("the joint {:?} is already driven", d.joint),
                "by another drive or as the follower of a coupling; drive the leader".into(),
            ));
        }
    }
    for (i, d) in rig.drives.iter().enumerate() {
        let on_track = rig
            .joints
            .iter()
            .any(|j| j.name == d.joint && matches!(j.kind, JointKind::Track { .. }));
        if on_track && d.backlash > 0.0 {
            problems.push(error(
                &format!("drive.{i}.backlash_mm"),
                "the play of a drive on a track is not modelled".into(),
                "leave it out, or put the carriage on a prismatic joint".into(),
            ));
        }
    }
    for (i, d) in rig.drives.iter().enumerate() {
        let Some([low, high]) = d.control.switches else {
            continue;
        };
        let within = rig.described(&d.joint).is_none_or(|j| {
            let [least, most] = j.range.unwrap_or(FREE);
            least <= low && high <= most && low <= j.start && j.start <= high
        });
        if low >= high || !within {
            problems.push(error(
                &format!("drive.{i}.switches"),
                "the end switches are not where they could be met".into(),
                "lower one first, the joint's start between them, both within the joint's range"
                    .into(),
            ));
        }
    }
    for (i, c) in rig.closings.iter().enumerate() {
        if c.a == c.b {
            problems.push(error(
                &format!("closing.{i}.b"),
                format!("both ends of {:?} are on the link {:?}", c.name, c.a),
                "a closing holds two links together".into(),
            ));
        }
        let hinge = c.kind == ClosingKind::Hinge;
        let bad = |axis: [f64; 3]| Vector3::from(axis).norm() < 1e-9;
        if (hinge || c.kind == ClosingKind::Slot) && (bad(c.axis_a) || hinge && bad(c.axis_b)) {
            problems.push(error(
                &format!("closing.{i}.axis_a"),
                "an axis needs a direction".into(),
                "such as [1, 0, 0]".into(),
            ));
        }
    }
    if let Mounting::Held { mass_kg, .. } = rig.mounting
        && mass_kg.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater)
    {
        problems.push(error(
            "mounting.mass_kg",
            "what is held needs a mass".into(),
            "case, hand and forearm, 1 to 2 kg".into(),
        ));
    }
    problems
}

/// Longest name of a part.
const LONGEST: usize = 60;

/// Names that results cannot carry: they stand at the heads of columns, and orders are given by them.
fn names(rig: &Rig) -> Vec<RigProblem> {
    let mut problems = Vec::new();
    let whole = rig.expanded();
    let of = |r: &Rig| -> [(&'static str, Vec<String>); 5] {
        [
            ("link", r.links.iter().map(|l| l.name.clone()).collect()),
            ("joint", r.joints.iter().map(|j| j.name.clone()).collect()),
            (
                "closing",
                r.closings.iter().map(|c| c.name.clone()).collect(),
            ),
            ("drive", r.drives.iter().map(|d| d.name.clone()).collect()),
            (
                "node",
                r.heads.iter().map(|h| h.node.name.clone()).collect(),
            ),
        ]
    };
    for ((part, given), (_, all)) in of(rig).iter().zip(of(&whole)) {
        for (i, name) in given.iter().enumerate() {
            let key = format!("{part}.{i}.name");
            let odd = |c: char| c.is_control() || matches!(c, ',' | '"');
            if name.chars().any(odd) || name.chars().count() > LONGEST {
                problems.push(error(
                    &key,
                    "this cannot be the name of a part".into(),
                    format!(
                        "it stands at the head of a column: at most {LONGEST} characters, without commas, quotes and line ends"
                    ),
                ));
            }
            // Of links and joints more is told where their tree is looked at.
            let own = matches!(*part, "closing" | "drive" | "node");
            if own && (given[..i].contains(name) || all[given.len()..].contains(name)) {
                problems.push(error(
                    &key,
                    format!("the name {name:?} is taken by another {part}"),
                    "results and orders go by names: rename one; a mirrored part's twin is left_NAME"
                        .into(),
                ));
            }
        }
    }
    problems
}

/// What cannot move, and what nothing holds.
fn mobility(rig: &Rig, linkage: &Linkage, start: &Posture, problems: &mut Vec<RigProblem>) {
    let mobility = linkage.mobility(start);
    let names = |joints: &[usize]| {
        let names: Vec<&str> = joints
            .iter()
            .map(|&j| linkage.rig().joints[j].name.as_str())
            .collect();
        names.join(", ")
    };
    for &drive in &mobility.stuck {
        problems.push(error(
            &format!("drive.{drive}.joint"),
            format!(
                "the drive {:?} cannot move: the closings lock the joints {}",
                rig.drives[drive].name,
                names(&mobility.locked)
            ),
            match mobility.degrees {
                0 => "nothing can move: turn a hinge into a ball, make pins parallel, or take a closing away".into(),
                n => format!("{} left; it may stand at a dead centre: change `start`", ways(n, "other ")),
            },
        ));
    }
    let drives = rig.drives.len();
    if mobility.stuck.is_empty() && mobility.degrees < mobility.free + drives {
        problems.push(error(
            "drive",
            format!(
                "{drives} drives work against each other: closings and couplings leave {} ways to move, {} of them without a drive",
                mobility.degrees, mobility.free
            ),
            "take a drive away, or a closing".into(),
        ));
    }
    // A joint that may move while all drives stand must be held by something.
    let limp: Vec<usize> = mobility
        .loose
        .iter()
        .copied()
        .filter(|&j| {
            let joint = &linkage.rig().joints[j];
            joint.spring == 0.0 && joint.damping == 0.0 && joint.friction == 0.0
        })
        .collect();
    if mobility.free > 0 && limp.len() == mobility.loose.len() {
        let key = limp
            .iter()
            .find_map(|&j| original(rig, j))
            .map_or("joint".to_owned(), |j| format!("joint.{j}.name"));
        problems.push(RigProblem {
            warning: true,
            ..error(
                &key,
                format!(
                    "{} left while all drives stand: {} {} loose",
                    ways(mobility.free, ""),
                    names(&limp),
                    if limp.len() == 1 { "hangs" } else { "hang" }
                ),
                "give one of them a spring, damping or friction, or drive it".into(),
            )
        });
    }
}

/// How many ways to move there are, in words.
fn ways(count: usize, other: &str) -> String {
    match count {
        1 => format!("1 {other}way to move is"),
        n => format!("{n} {other}ways to move are"),
    }
}

/// A swing that its own joint stops.
fn beyond(rig: &Rig, drive: usize, problems: &mut Vec<RigProblem>) {
    let d = &rig.drives[drive];
    let (Motion::Swing { amplitude, .. }, Some(joint)) = (d.motion, rig.described(&d.joint)) else {
        return;
    };
    let Some([low, high]) = joint.range else {
        return;
    };
    let room = (high - joint.start).min(joint.start - low);
    if amplitude.abs() > room + STOP_SLACK {
        problems.push(RigProblem {
            warning: true,
            allowed: format!("at most {}", show(joint, room)),
            ..error(
                &format!("drive.{drive}.amplitude"),
                format!(
                    "the drive {:?} swings the joint {:?} against its stop",
                    d.name, joint.name
                ),
                "swing less, widen the range, or start nearer to its middle".into(),
            )
        });
    }
}

/// A joint's position in its unit.
fn show(joint: &Joint, value: f64) -> String {
    match joint.kind {
        JointKind::Revolute => format!("{:.1} deg", value.to_degrees()),
        _ => format!("{:.1} mm", 1e3 * value),
    }
}

/// A joint that comes to its stop before a drive has gone its way.
fn stopped(rig: &Rig, linkage: &Linkage, travel: &Travel, problems: &mut Vec<RigProblem>) {
    let Some((joint, at, position)) = travel.stopped else {
        return;
    };
    let (joint, driven) = (
        &linkage.rig().joints[joint],
        &linkage.rig().joints[linkage.driven()[travel.drive]],
    );
    let [low, high] = joint.range.unwrap_or_default();
    problems.push(RigProblem {
        warning: true,
        allowed: format!("{} to {}", show(joint, low), show(joint, high)),
        ..error(
            &format!("drive.{}.joint", travel.drive),
            format!(
                "the drive {:?} runs the joint {:?} against its stop: {} at {} = {}",
                rig.drives[travel.drive].name,
                joint.name,
                show(joint, position),
                driven.name,
                show(driven, at)
            ),
            format!("widen its range, or let {} turn or slide less", driven.name),
        )
    });
}

/// A drive that stalls under the heads' loads.
fn weak(rig: &Rig, linkage: &Linkage, travel: &Travel, problems: &mut Vec<RigProblem>) {
    let (at, load) = travel.peak_load;
    if load <= travel.load_max {
        return;
    }
    let joint = &linkage.rig().joints[linkage.driven()[travel.drive]];
    let (unit, place) = match joint.kind {
        JointKind::Revolute => ("N m", format!("{:.0} deg", at.to_degrees())),
        _ => ("N", format!("{:.1} mm", 1e3 * at)),
    };
    let name = &rig.drives[travel.drive].name;
    problems.push(RigProblem {
        warning: true,
        allowed: format!("at most {:.3} {unit} at its current limit", travel.load_max),
        ..error(
            &format!("drive.{}.motor", travel.drive),
            format!(
                "the drive {name:?} cannot hold its load: {load:.3} {unit} at {} = {place}, every head pressing its load_n",
                joint.name
            ),
            format!(
                "it stalls at {:.0} % of it; a higher ratio, a stronger motor or less load",
                100.0 * travel.load_max / load
            ),
        )
    });
}

/// A loop that stays open.
fn open(rig: &Rig, gap: &LoopGap) -> RigProblem {
    let key = match gap.index.and_then(|i| original_closing(rig, i)) {
        Some(i) => format!("closing.{i}.name"),
        None => "coupling".to_owned(),
    };
    error(
        &key,
        format!("the loop does not close: {gap}"),
        "move its points, change a length, or start the joints nearer to where they belong".into(),
    )
}

/// Index in the file's list of a joint of the written-out rig: twins have their original's.
fn original(rig: &Rig, joint: usize) -> Option<usize> {
    if joint < rig.joints.len() {
        return Some(joint);
    }
    let expanded = rig.expanded();
    let name = expanded
        .joints
        .get(joint)?
        .name
        .strip_prefix(LEFT)?
        .to_owned();
    rig.joints.iter().position(|j| j.name == name)
}

fn original_closing(rig: &Rig, closing: usize) -> Option<usize> {
    if closing < rig.closings.len() {
        return Some(closing);
    }
    let expanded = rig.expanded();
    let name = expanded
        .closings
        .get(closing)?
        .name
        .strip_prefix(LEFT)?
        .to_owned();
    rig.closings.iter().position(|c| c.name == name)
}

fn length(track: &Track) -> f64 {
    track.arcs.iter().map(|arc| arc.length_m.max(0.0)).sum()
}

fn error(key: &str, message: String, hint: String) -> RigProblem {
    RigProblem {
        key: key.to_owned(),
        message,
        allowed: String::new(),
        hint,
        warning: false,
    }
}
