//! From a checked file to a rig, and over the ranges of its parameters.

use std::path::Path;

use mechanism::{
    Closing, ClosingKind, Control, Coupling, Cover, FIELDS, GearMotor, Head, Joint, JointKind, Law,
    Link, Mechanism, Motion, Mounting, Rig, RigDrive, RigProblem, Track,
};

use crate::check::{Checked, check};
use crate::document::{self, Node, Raw};
use crate::kind::FileKind;
use crate::load::{add, to_arcs, to_node, unused_params};
use crate::problem::{Problem, Problems, Severity};
use crate::unit::show;

/// A rig and what somebody should look at.
#[derive(Clone, Debug)]
pub struct LoadedRig {
    /// The rig.
    pub rig: Rig,
    /// Nothing in here is an error.
    pub warnings: Vec<Problem>,
}

/// Reads a rig, with `sets` (path, value) laid over it, and checks that it can be built and moved. Whether it still can
/// over the ranges of its parameters is asked by [`check_any`](crate::check_any).
///
/// # Errors
/// Every problem, as [`load`](fn@crate::load).
pub fn load_rig(path: &Path, sets: &[(String, String)]) -> Result<LoadedRig, Problems> {
    let mut problems = Problems::default();
    let rig = read(path, sets, &mut problems).map(|(rig, _)| rig);
    problems.sort(&document::shown(path));
    match rig {
        Some(rig) if !problems.has_errors() => Ok(LoadedRig {
            rig,
            warnings: problems.0,
        }),
        _ => Err(problems),
    }
}

/// As [`load_rig`], and over the ranges of the parameters.
pub(crate) fn check_rig(path: &Path) -> Result<Vec<Problem>, Problems> {
    let mut problems = Problems::default();
    let read = read(path, &[], &mut problems);
    if let Some((_, node)) = &read
        && !problems.has_errors()
    {
        ranges(node, &mut problems);
    }
    problems.sort(&document::shown(path));
    match read {
        Some(_) if !problems.has_errors() => Ok(problems.0),
        _ => Err(problems),
    }
}

fn read(path: &Path, sets: &[(String, String)], problems: &mut Problems) -> Option<(Rig, Node)> {
    let table = FileKind::Rig.table();
    let node = document::read(path, table, sets, problems)?;
    let checked = check(&node, table, problems);
    let rig = to_rig(&checked, problems)?;
    tell(&checked, &rig, problems);
    unused_params(&checked, problems);
    Some((rig, node))
}

/// What the rig itself finds wrong, at the keys that are wrong.
pub(crate) fn tell(t: &Checked, rig: &Rig, problems: &mut Problems) {
    // What comes of a coupling that is none: loops that it holds open, drives that it locks.
    let hidden =
        (problems.0.iter()).any(|q| q.severity == Severity::Error && q.key.contains("coupling."));
    let moves = |p: &RigProblem| {
        p.key.ends_with(".lifts")
            || ["coupling", "drive"].contains(&p.key.as_str())
            || ["the loop does not close", "the drive "]
                .iter()
                .any(|start| p.message.starts_with(start))
    };
    for p in rig.check() {
        if hidden && moves(&p) {
            continue;
        }
        let problem = Problem {
            value: String::new(),
            allowed: p.allowed,
            hint: Some(p.hint),
            severity: match p.warning {
                true => Severity::Warning,
                false => Severity::Error,
            },
            ..t.problem(&p.key, p.message)
        };
        add(problem, problems);
    }
}

/// Most corners of the parameters' box that are looked at; beyond six parameters they are drawn.
const CORNERS: usize = 64;

/// Looks whether the rig can be built and moved where its parameters are at their ends: each alone, then together. Tells the
/// first failure with the fewest parameters, and how many of those looked at fail.
fn ranges(node: &Node, problems: &mut Problems) {
    let Some(params) = entry(node, "params") else {
        return;
    };
    let ends: Vec<(&str, [f64; 2])> = params
        .entries()
        .iter()
        .filter_map(|(name, param)| {
            let end = |key| entry(param, key).and_then(number);
            Some((name.as_str(), [end("min")?, end("max")?]))
        })
        .collect();
    let mut settings: Vec<Vec<(usize, usize)>> = Vec::new();
    for i in 0..ends.len() {
        settings.extend([vec![(i, 0)], vec![(i, 1)]]);
    }
    let n = ends.len();
    if n > 1 {
        let all = 1_usize.checked_shl(n as u32).unwrap_or(usize::MAX);
        for corner in 0..all.min(CORNERS) {
            // Beyond six parameters the low bits alone would leave the others at one end: spread them (Fibonacci hashing).
            let bits = match all <= CORNERS {
                true => corner as u64,
                false => {
                    (corner as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - n.min(63))
                }
            };
            settings.push((0..n).map(|i| (i, (bits >> i & 1) as usize)).collect());
        }
    }
    let mut failed = 0;
    let mut first: Option<(usize, String)> = None;
    for (at, setting) in settings.iter().enumerate() {
        if let Some(reason) = fails(node, &ends, setting) {
            failed += 1;
            first.get_or_insert((at, reason));
        }
    }
    let Some((at, reason)) = first else { return };
    let mut setting = settings[at].clone();
    // Of a corner, only what it takes.
    let mut i = 0;
    while setting.len() > 1 && i < setting.len() {
        let mut fewer = setting.clone();
        fewer.remove(i);
        if fails(node, &ends, &fewer).is_some() {
            setting = fewer;
        } else {
            i += 1;
        }
    }
    let words: Vec<String> = setting
        .iter()
        .map(|&(i, end)| format!("{} = {}", ends[i].0, show(ends[i].1[end])))
        .collect();
    let name = ends[setting[0].0].0;
    let origin = entry(params, name).map_or(&node.origin, |p| &p.origin);
    problems.0.push(Problem {
        file: origin.file.to_string(),
        line: origin.line,
        key: format!("params.{name}"),
        value: String::new(),
        message: format!(
            "within the parameters' ranges this mechanism fails where {}: {reason}",
            words.join(", ")
        ),
        allowed: String::new(),
        hint: Some(format!(
            "narrow min and max: {failed} of {} combinations of ends fail",
            settings.len()
        )),
        severity: Severity::Warning,
    });
}

/// Why the rig fails with some parameters at their ends, the others as given.
fn fails(node: &Node, ends: &[(&str, [f64; 2])], setting: &[(usize, usize)]) -> Option<String> {
    let mut moved = node.clone();
    for &(i, end) in setting {
        set(&mut moved, ends[i].0, ends[i].1[end]);
    }
    let mut problems = Problems::default();
    let checked = check(&moved, FileKind::Rig.table(), &mut problems);
    if let Some(p) = problems.0.iter().find(|p| p.severity == Severity::Error) {
        return Some(format!("{} is {}", p.key, p.message));
    }
    let wrong = to_rig(&checked, &mut problems)?
        .check()
        .into_iter()
        .find(|p| !p.warning)?;
    Some(wrong.message)
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.entries()
        .iter()
        .find(|(k, _)| k == key)
        .map(|(_, n)| n)
}

fn number(node: &Node) -> Option<f64> {
    match node.raw {
        Raw::Number(v) => Some(v),
        Raw::Integer(v) => Some(v as f64),
        _ => None,
    }
}

/// Sets `params.NAME.value`.
fn set(root: &mut Node, name: &str, value: f64) {
    let mut at = root;
    for key in ["params", name, "value"] {
        let Raw::Table(entries) = &mut at.raw else {
            return;
        };
        let Some((_, next)) = entries.iter_mut().find(|(k, _)| k == key) else {
            return;
        };
        at = next;
    }
    at.raw = Raw::Number(value);
}

pub(crate) fn to_rig(t: &Checked, problems: &mut Problems) -> Option<Rig> {
    if t.broken {
        return None;
    }
    let mounting = t.table("mounting")?;
    Some(Rig {
        name: t.text("name").to_string(),
        mounting: match mounting.text("kind") {
            "held" => Mounting::Held {
                mass_kg: mounting.number("mass_kg"),
                stiffness_n_m: mounting.number("stiffness_n_mm"),
                damping_n_s_m: mounting.number("damping_n_s_m"),
                push_n: mounting.number("push_n"),
            },
            _ => Mounting::Fixed,
        },
        links: t.tables("link").iter().map(to_link).collect(),
        joints: t.tables("joint").iter().filter_map(to_joint).collect(),
        closings: t.tables("closing").iter().map(to_closing).collect(),
        couplings: t
            .tables("coupling")
            .iter()
            .map(|c| to_coupling(c, t.tables("joint"), problems))
            .collect(),
        drives: t
            .tables("drive")
            .iter()
            .filter_map(|d| to_drive(d, t.tables("joint"), problems))
            .collect(),
        heads: t
            .tables("node")
            .iter()
            .map(|n| Head {
                node: to_node(n, problems),
                link: n.text("link").to_string(),
                at_m: n.numbers("at_mm"),
                turn_rad: n.numbers("turn_deg"),
                load_n: n.number("load_n"),
            })
            .collect(),
        cover: to_cover(t.table("cover")?),
    })
}

fn to_link(t: &Checked) -> Link {
    let mass_kg = t.number("mass_kg");
    let [x, y, z] = t.numbers("size_mm");
    let block = [y * y + z * z, x * x + z * z, x * x + y * y].map(|s| mass_kg * s / 12.0);
    Link {
        name: t.text("name").to_string(),
        mass_kg,
        centre_m: t.numbers("centre_mm"),
        inertia_kg_m2: match t.list("moment_inertia_g_cm2").is_empty() {
            true => block,
            false => t.numbers("moment_inertia_g_cm2"),
        },
        products_kg_m2: t.numbers("product_inertia_g_cm2"),
        mirror: t.flag("mirror"),
    }
}

fn to_joint(t: &Checked) -> Option<Joint> {
    // Of two keys the one that applies to this kind of joint is there.
    let either = |turn: &str, slide: &str| {
        [turn, slide]
            .iter()
            .find(|key| t.entries.contains_key(**key))
            .map_or(0.0, |key| t.number(key))
    };
    let range = [t.list("range_deg"), t.list("range_mm")].concat();
    let kind = match t.text("kind") {
        "prismatic" => JointKind::Prismatic,
        "spherical" => JointKind::Spherical,
        "fixed" => JointKind::Fixed,
        "track" => {
            let track = t.table("track")?;
            JointKind::Track {
                track: Track {
                    arcs: to_arcs(track),
                    blend_m: track.number("blend_mm"),
                    top: [track.number("top_y_mm"), track.number("top_z_mm")],
                    heading_rad: track.number("heading_deg"),
                },
                wheelbase_m: t.number("wheelbase_mm"),
            }
        }
        _ => JointKind::Revolute,
    };
    let axis: [f64; 3] = t.numbers("axis");
    Some(Joint {
        name: t.text("name").to_string(),
        kind,
        parent: t.text("parent").to_string(),
        child: t.text("child").to_string(),
        at_m: t.numbers("at_mm"),
        turn_rad: t.numbers("turn_deg"),
        axis: match t.entries.contains_key("axis") {
            true => axis,
            false => [1.0, 0.0, 0.0],
        },
        range: match range[..] {
            [low, high] => Some([low, high]),
            _ => None,
        },
        start: either("start_deg", "start_mm"),
        friction: either("friction_nm", "friction_n"),
        damping: either("damping_nm_s", "damping_n_s_m"),
        spring: either("spring_nm_deg", "spring_n_mm"),
        preload: either("preload_nm", "preload_n"),
    })
}

fn to_closing(t: &Checked) -> Closing {
    let axis = |key: &str| match t.entries.contains_key(key) {
        true => t.numbers(key),
        false => [1.0, 0.0, 0.0],
    };
    Closing {
        name: t.text("name").to_string(),
        kind: match t.text("kind") {
            "hinge" => ClosingKind::Hinge,
            "rod" => ClosingKind::Rod {
                length_m: t.number("length_mm"),
            },
            "slot" => ClosingKind::Slot,
            _ => ClosingKind::Ball,
        },
        a: t.text("a").to_string(),
        at_a_m: t.numbers("at_a_mm"),
        axis_a: axis("axis_a"),
        b: t.text("b").to_string(),
        at_b_m: t.numbers("at_b_mm"),
        axis_b: axis("axis_b"),
    }
}

fn to_coupling(t: &Checked, joints: &[Checked], problems: &mut Problems) -> Coupling {
    let names = ["joint", "to"].map(|key| t.text(key));
    let known = names.iter().all(|name| there(name, joints));
    let [follows, leads] = names.map(|name| slides(name, joints));
    let kind = t.text("kind");
    let wrong = match kind {
        "gear" if follows != leads => Some((
            "kind",
            "a gear ties turns to turns, or slides to slides".to_owned(),
            "kind = \"rack\" takes travel_mm_per_rev, kind = \"cam\" lifts_mm or lifts_deg"
                .to_owned(),
        )),
        "rack" if !follows || leads => Some((
            "kind",
            format!(
                "a rack moves a slide by a turn: {}",
                ways(names, [follows, leads])
            ),
            "name what slides as `joint` and what turns as `to`; a drive stands on what turns"
                .to_owned(),
        )),
        "cam" if leads => Some((
            "to",
            format!("a cam goes round, and the joint {:?} slides", names[1]),
            "let it follow a joint that turns; a rack ties that to the slide".to_owned(),
        )),
        _ => None,
    };
    if let Some((key, message, hint)) = wrong.filter(|_| known) {
        add(
            Problem {
                hint: Some(hint),
                ..t.problem(key, message)
            },
            problems,
        );
    }
    let (lifts, no_lifts) = match follows {
        true => ("lifts_mm", "lifts_deg"),
        false => ("lifts_deg", "lifts_mm"),
    };
    if kind == "cam" && known {
        if !t.list(no_lifts).is_empty() {
            add(other_way(t, names[0], follows, [no_lifts, lifts]), problems);
        } else if t.list(lifts).is_empty() {
            let problem = Problem {
                hint: Some("at least 4, at equal steps of one turn of the leader".into()),
                ..t.problem(lifts, "a cam needs its lifts")
            };
            add(problem, problems);
        }
    }
    Coupling {
        joint: names[0].to_string(),
        to: names[1].to_string(),
        law: match kind {
            "rack" => Law::Gear {
                ratio: t.number("travel_mm_per_rev"),
                offset: t.number("offset_mm"),
            },
            "cam" => Law::Cam {
                lifts: [lifts, no_lifts].map(|key| t.list(key)).concat(),
            },
            _ => Law::Gear {
                ratio: t.number("ratio"),
                // One of them, by how the follower moves.
                offset: t.number("offset_deg") + t.number("offset_mm"),
            },
        },
    }
}

/// How two joints move, in words.
fn ways(names: [&str; 2], slides: [bool; 2]) -> String {
    let [a, b] = [0, 1].map(|i| {
        let way = if slides[i] { "slides" } else { "turns" };
        format!("{:?} {way}", names[i])
    });
    format!("{a}, {b}")
}

/// Whether there is a joint of this name, or one whose twin has it.
fn there(joint: &str, joints: &[Checked]) -> bool {
    joints.iter().any(|j| {
        let name = j.text("name");
        name == joint || joint.strip_prefix(mechanism::LEFT) == Some(name)
    })
}

/// Whether the joint of this name, or its twin, slides.
fn slides(joint: &str, joints: &[Checked]) -> bool {
    joints.iter().any(|j| {
        let name = j.text("name");
        let twin = joint.strip_prefix(mechanism::LEFT) == Some(name);
        (name == joint || twin) && matches!(j.text("kind"), "prismatic" | "track")
    })
}

/// A key for a joint that moves the other way.
pub(crate) fn other_way(
    t: &Checked,
    joint: &str,
    slides: bool,
    [wrong, right]: [&str; 2],
) -> Problem {
    let way = if slides { "slides" } else { "turns" };
    Problem {
        hint: Some(format!("write {right}")),
        ..t.problem(wrong, format!("the joint {joint:?} {way}"))
    }
}

fn to_drive(t: &Checked, joints: &[Checked], problems: &mut Problems) -> Option<RigDrive> {
    let joint = t.text("joint").to_string();
    let slides = slides(&joint, joints);
    let pick = |turn: &'static str, slide: &'static str| match slides {
        true => (slide, turn),
        false => (turn, slide),
    };
    let (backlash, no_backlash) = pick("backlash_deg", "backlash_mm");
    let (switches, no_switches) = pick("switches_deg", "switches_mm");
    if t.number(no_backlash) != 0.0 {
        add(
            other_way(t, &joint, slides, [no_backlash, backlash]),
            problems,
        );
    }
    if !t.list(no_switches).is_empty() {
        add(
            other_way(t, &joint, slides, [no_switches, switches]),
            problems,
        );
    }
    let m = t.table("motor")?;
    let motion = t.text("motion");
    let instead = match (slides, motion) {
        (false, "travel") => Some("motion = \"turn\" and speed_rpm"),
        (false, "stroke") => Some("motion = \"swing\" and amplitude_deg"),
        (true, "turn") => Some("motion = \"travel\" and speed_mm_s"),
        (true, "swing") => Some("motion = \"stroke\" and amplitude_mm"),
        _ => None,
    };
    if let Some(instead) = instead.filter(|_| there(&joint, joints)) {
        add(other_way(t, &joint, slides, ["motion", instead]), problems);
    }
    let run = |key: &str| Motion::Run {
        rate: t.number(key),
        reverse_s: t.number("reverse_s"),
    };
    let swing = |key: &str| Motion::Swing {
        amplitude: t.number(key),
        frequency_hz: t.number("frequency_hz"),
        phase_rad: t.number("phase_deg"),
    };
    Some(RigDrive {
        name: t.text("name").to_string(),
        motor: GearMotor {
            supply_v: m.number("supply_v"),
            no_load_rad_s: m.number("no_load_rpm"),
            stall_torque_nm: m.number("stall_torque_nm"),
            friction_nm: m.number("friction_nm"),
            rotor_inertia_kg_m2: m.number("rotor_inertia_kg_m2"),
            current_limit_a: m.number("current_limit_a"),
            ratio: m.number("ratio"),
            efficiency: m.number("efficiency"),
            self_locking: m.flag("self_locking"),
            out_per_rad: if slides { m.number("pinion_mm") } else { 1.0 },
        },
        motion: match motion {
            "turn" => run("speed_rpm"),
            "travel" => run("speed_mm_s"),
            "swing" => swing("amplitude_deg"),
            "stroke" => swing("amplitude_mm"),
            _ => Motion::Hold,
        },
        joint,
        backlash: t.number(backlash),
        control: Control {
            pulses_per_turn: t.integer("pulses_per_turn") as f64,
            pwm_steps: t.integer("pwm_steps") as f64,
            speed_gain: t.number("speed_gain"),
            switches: match t.list(switches)[..] {
                [low, high] => Some([low, high]),
                _ => None,
            },
        },
    })
}

fn to_cover(t: &Checked) -> Cover {
    let mut whole = Mechanism::reference();
    for field in FIELDS {
        if let Some(key) = field.path.strip_prefix("cover.") {
            (field.set)(&mut whole, t.number(key));
        }
    }
    whole.cover
}
