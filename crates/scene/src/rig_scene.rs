//! A scene whose machine is a rig: SI, complete, checked.

use std::path::Path;

use back::{Body, Envelope};
use mechanism::{JointKind, Motion, Rig};
use program::{Course, Part, Timing};
use serde::{Deserialize, Serialize};

use crate::check::Checked;
use crate::kind::FileKind;
use crate::load::{
    add, check_cells, one, to_body, to_breath, to_chair, to_conditions, to_solver, to_surface,
    unused_params,
};
use crate::problem::{Problem, Problems, Severity};
use crate::rig_file::{other_way, tell, to_rig};
use crate::scene::{Breath, Chair, Solver, Surface};
use crate::suggest;
use crate::technique_file::{forbidden, parts_wrong, plan_rig_parts, to_parts};

/// The complete input of a rig's run. Built by [`load_rig_scene`]; fields are free to edit, and then the editor answers for
/// their sense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RigScene {
    /// What to call it in reports.
    pub name: String,
    /// Who meets the machine.
    pub body: Body,
    /// Ids of health conditions, each known to [`back::policies`]. Whether they forbid the run is for the caller to ask.
    pub conditions: Vec<String>,
    /// What they sit or lie on.
    pub chair: Chair,
    /// The machine.
    pub rig: Rig,
    /// Where it stands.
    pub placement: RigPlacement,
    /// How long it runs, s.
    pub duration_s: f64,
    /// What its drives are told, in the order of time.
    pub orders: Vec<Order>,
    /// Techniques, planned as orders by whoever runs it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Strokes a second of a machine that taps, Hz; 0 for others.
    pub percussion_hz: f64,
    /// How finely it is computed.
    pub solver: Solver,
    /// What the nodes touch.
    pub surface: Surface,
    /// How the user breathes.
    #[serde(default, skip_serializing_if = "Breath::is_usual")]
    pub breath: Breath,
}

/// Where a rig's ground stands, and how it comes there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RigPlacement {
    /// Where, in the end.
    pub stand: Stand,
    /// Way back from there along the ground's y at the beginning, m.
    pub approach_m: f64,
    /// Time for that way, s.
    pub approach_s: f64,
    /// Whether the user leans on pad and hips and gives way; else the trunk does not move.
    pub leans: bool,
}

/// Where a rig's ground stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stand {
    /// In the backrest's frame; on a slab from the middle of its face.
    Chair {
        /// The ground's origin, m.
        offset_m: [f64; 3],
    },
    /// On the resting skin, y into the body, z up along it.
    Skin {
        /// Station under the origin.
        u: f64,
        /// Lateral place, m.
        x_m: f64,
        /// Turned about y, rad.
        turn_rad: f64,
        /// How far the foremost node would stand in the resting skin, drives at their start, m.
        press_m: f64,
    },
}

/// What a drive is told from a time on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// From when on, s.
    pub at_s: f64,
    /// Index of the drive in the rig.
    pub drive: usize,
    /// What.
    pub deed: Deed,
}

/// What an [`Order`] asks for. Positions and speeds are of the drive's joint, in rad or m.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Deed {
    /// Its usual motion.
    Motion,
    /// To a position, from standstill to standstill.
    Go {
        /// Where to.
        position: f64,
        /// Time for the way, s.
        over_s: f64,
    },
    /// On in the sense of its usual motion to the next place where a sensor on the shaft tells this angle, and stand there.
    Park {
        /// Angle of the joint within a turn, rad.
        angle_rad: f64,
        /// Time for the way, s.
        over_s: f64,
    },
    /// Along a planned course.
    Follow {
        /// Where it begins.
        from: f64,
        /// What.
        course: Course,
    },
    /// On at a speed.
    Speed(f64),
    /// Stays where it is.
    Stop,
    /// Broken controller: this voltage on the motor, V.
    Volts(f64),
    /// Broken: no current any more.
    Off,
    /// Broken: it cannot move any more.
    Stuck,
    /// Broken: it stands so far beyond where it is asked to, from its next command on.
    Lost(f64),
}

/// A rig's scene and what somebody should look at.
#[derive(Clone, Debug)]
pub struct LoadedRigScene {
    /// The scene.
    pub scene: RigScene,
    /// Nothing in here is an error.
    pub warnings: Vec<Problem>,
}

/// Reads a rig's scene and the files it names, with `sets` (path, value) laid over them.
///
/// # Errors
/// Every problem, as [`load`](fn@crate::load).
pub fn load_rig_scene(path: &Path, sets: &[(String, String)]) -> Result<LoadedRigScene, Problems> {
    let (scene, warnings) = one(path, FileKind::RigScene, sets, to_rig_scene)?;
    Ok(LoadedRigScene { scene, warnings })
}

/// Largest share of a round or beat that a step should be (E): a gun of 40 Hz has its pressures within 2 % at 2 ms, and at 5 ms nine times too high.
const ROUND_SHARE: f64 = 0.1;

impl RigScene {
    /// The most rounds, swings or beats a second that its machine usually makes, Hz.
    fn rounds_hz(&self) -> f64 {
        let rounds = self.rig.drives.iter().map(|drive| {
            let turns =
                self.rig.described(&drive.joint).map(|j| &j.kind) == Some(&JointKind::Revolute);
            match drive.motion {
                Motion::Run { rate, .. } if turns => rate.abs() / std::f64::consts::TAU,
                Motion::Swing { frequency_hz, .. } => frequency_hz,
                Motion::Run { .. } | Motion::Hold => 0.0,
            }
        });
        rounds.fold(self.percussion_hz, f64::max)
    }

    /// What the scene is, as [`Scene::hash`](crate::Scene::hash): without the titles of scene and rig.
    pub fn hash(&self) -> String {
        let mut same = self.clone();
        same.name.clear();
        same.rig.name.clear();
        crate::hash::of(&same)
    }
}

pub(crate) fn to_rig_scene(c: &Checked, problems: &mut Problems) -> Option<RigScene> {
    let body = c.table("body").and_then(|t| to_body(t, problems));
    let conditions = c.table("body").map(to_conditions);
    let rig = c.table("rig").and_then(|t| {
        let rig = to_rig(t, problems)?;
        tell(t, &rig, problems);
        unused_params(t, problems);
        Some(rig)
    });
    let surface = c.table("surface").and_then(|t| to_surface(t, problems));
    let orders = rig.as_ref().map(|rig| {
        let mut orders: Vec<Order> = c
            .tables("command")
            .iter()
            .flat_map(|t| to_orders(t, rig, problems))
            .collect();
        orders.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        orders
    });
    if let Some(rig) = &rig
        && rig.heads.is_empty()
    {
        let problem = Problem {
            hint: Some("give it a [[node]]".into()),
            ..c.problem("rig", "nothing of this machine touches")
        };
        add(problem, problems);
    }
    let parts = to_parts(c, problems);
    if let Some(parts) = &parts
        && !parts.is_empty()
        && orders.as_ref().is_some_and(|o| !o.is_empty())
    {
        let problem = Problem {
            allowed: "commands or parts".into(),
            hint: Some("parts are planned as commands: write one of the two".into()),
            ..c.problem("command", "this scene has both commands and parts")
        };
        add(problem, problems);
    }
    if let Some(rig) = &rig {
        check_cells(c, rig.heads.iter().map(|head| &head.node), problems);
    }
    let wrong = parts_wrong(problems);
    if let (Some(parts), Some(conditions)) = (&parts, &conditions) {
        for (i, reason) in forbidden(parts, conditions) {
            let problem = Problem {
                allowed: "a technique that the condition allows".into(),
                hint: Some(reason),
                ..c.problem_at(
                    &format!("part.{i}"),
                    &format!("part.{i}.technique"),
                    format!("{} is forbidden here", parts[i].manner.name),
                )
            };
            add(problem, problems);
        }
    }
    let scene = RigScene {
        name: c.text("name").to_string(),
        body: body?,
        conditions: conditions?,
        chair: c.table("chair").and_then(to_chair)?,
        rig: rig?,
        placement: c
            .table("placement")
            .filter(|t| !t.broken)
            .map(to_placement)?,
        duration_s: c.number("duration_s"),
        orders: orders?,
        parts: parts?,
        percussion_hz: c.number("percussion_hz"),
        solver: c.table("solver").filter(|t| !t.broken).map(to_solver)?,
        surface: surface?,
        breath: c.table("body").map(to_breath)?,
    };
    let forbids = Envelope::new(&scene.conditions).is_ok_and(|e| e.policy().forbid_percussion);
    if scene.percussion_hz > 0.0 && forbids {
        let problem = Problem {
            severity: Severity::Warning,
            hint: Some("the body's conditions forbid percussion".into()),
            ..c.problem("percussion_hz", "this machine taps, and is not run")
        };
        add(problem, problems);
    }
    let round_hz = scene.rounds_hz();
    if scene.solver.dt_s * round_hz > ROUND_SHARE {
        let problem = Problem {
            allowed: format!("at most {:.3} ms", 1e3 * ROUND_SHARE / round_hz),
            hint: Some("forces between two steps are not seen".into()),
            severity: Severity::Warning,
            ..c.problem(
                "solver.dt_ms",
                format!("this machine goes round or beats {round_hz:.0} times a second, in too few steps"),
            )
        };
        add(problem, problems);
    }
    if !wrong && let Err(found) = plan_rig_parts(&scene, &Timing::default()) {
        for p in found.problems {
            let (part, key) = match p.step {
                Some(part) => (format!("part.{part}"), format!("part.{part}.{}", p.key)),
                None => (p.key.clone(), p.key),
            };
            let problem = Problem {
                value: p.value,
                allowed: p.allowed,
                hint: Some(p.hint),
                ..c.problem_at(&part, &key, "this machine cannot do this")
            };
            add(problem, problems);
        }
    }
    Some(scene)
}

fn to_placement(t: &Checked) -> RigPlacement {
    RigPlacement {
        stand: match t.text("on") {
            "skin" => Stand::Skin {
                u: t.number("u"),
                x_m: t.number("x_mm"),
                turn_rad: t.number("turn_deg"),
                press_m: t.number("press_mm"),
            },
            _ => Stand::Chair {
                offset_m: t.numbers("offset_mm"),
            },
        },
        approach_m: t.number("approach_mm"),
        approach_s: t.number("approach_s"),
        leans: t.text("user") != "still",
    }
}

/// What a command means: one order, or one for each drive.
fn to_orders(t: &Checked, rig: &Rig, problems: &mut Problems) -> Vec<Order> {
    let whole = matches!(t.text("do"), "stop" | "motion" | "off" | "stuck");
    if t.broken || t.text("drive") != ALL_DRIVES || !whole {
        return to_order(t, rig, problems).into_iter().collect();
    }
    let deed = deed_without_value(t.text("do"));
    (0..rig.drives.len())
        .map(|drive| Order {
            at_s: t.number("at_s"),
            drive,
            deed,
        })
        .collect()
}

/// The name that stands for all drives.
const ALL_DRIVES: &str = "all";

fn deed_without_value(word: &str) -> Deed {
    match word {
        "stop" => Deed::Stop,
        "off" => Deed::Off,
        "stuck" => Deed::Stuck,
        _ => Deed::Motion,
    }
}

fn to_order(t: &Checked, rig: &Rig, problems: &mut Problems) -> Option<Order> {
    if t.broken {
        return None;
    }
    let name = t.text("drive");
    let Some(drive) = rig.drives.iter().position(|d| d.name == name) else {
        let names: Vec<&str> = rig.drives.iter().map(|d| d.name.as_str()).collect();
        let problem = Problem {
            allowed: names.join(", "),
            hint: suggest::closest(name, &names).map(|near| format!("did you mean {near:?}?")),
            ..t.problem("drive", "the rig has no such drive")
        };
        add(problem, problems);
        return None;
    };
    let joint = &rig.drives[drive].joint;
    let described = rig.described(joint);
    let slides =
        described.is_some_and(|j| matches!(j.kind, JointKind::Prismatic | JointKind::Track { .. }));
    let bounded = rig.drives[drive].control.switches.is_some()
        || described.is_some_and(|j| j.range.is_some());
    let mut given = |turn: &str, slide: &str| {
        let (right, wrong) = if slides { (slide, turn) } else { (turn, slide) };
        if t.entries.contains_key(wrong) {
            add(other_way(t, joint, slides, [wrong, right]), problems);
            return None;
        }
        if !t.entries.contains_key(right) {
            let way = if slides { "slides" } else { "turns" };
            let problem = Problem {
                hint: Some(format!("the joint {joint:?} {way}: write {right}")),
                ..t.problem(right, "this key is missing")
            };
            add(problem, problems);
            return None;
        }
        Some(t.number(right))
    };
    let deed = match t.text("do") {
        "go" => Deed::Go {
            position: given("position_deg", "position_mm")?,
            over_s: t.number("over_s"),
        },
        "park" if slides || bounded => {
            let why = match slides {
                true => "slides: it has no angle to park at",
                false => "has ends: the next place of its turn may lie beyond",
            };
            let problem = Problem {
                hint: Some("send it with do = \"go\"".into()),
                ..t.problem("do", format!("the joint {joint:?} {why}"))
            };
            add(problem, problems);
            return None;
        }
        "park" => Deed::Park {
            angle_rad: t.number("angle_deg"),
            over_s: t.number("over_s"),
        },
        "speed" => Deed::Speed(given("speed_rpm", "speed_mm_s")?),
        "lost" => Deed::Lost(given("off_by_deg", "off_by_mm")?),
        "volts" => Deed::Volts(t.number("volts_v")),
        word => deed_without_value(word),
    };
    if let (Deed::Go { position, .. }, Some([low, high])) = (
        deed,
        rig.joints
            .iter()
            .find(|j| j.name == *joint)
            .and_then(|j| j.range),
    ) && !(low - 1e-9..=high + 1e-9).contains(&position)
    {
        let (key, unit) = if slides {
            ("position_mm", 1e3)
        } else {
            ("position_deg", 1f64.to_degrees())
        };
        let problem = Problem {
            allowed: format!("{:.4} to {:.4}", unit * low, unit * high),
            hint: Some("the joint's range ends there".into()),
            ..t.problem(key, "the drive cannot go there")
        };
        add(problem, problems);
        return None;
    }
    Some(Order {
        at_s: t.number("at_s"),
        drive,
        deed,
    })
}
