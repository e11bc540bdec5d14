//! From checked tables to techniques, and from a session's parts to the steps of its machine.

use std::path::Path;

use back::{Back, Body, Envelope, KIDNEYS_TO_U, Zone};
use mechanism::{Linkage, Mechanism};
use program::{
    AxisLimits, Carriage, ContactShape, Direction, Manner, NO_THRUST, Need, Part, Path as Way,
    ProgramError, RigMachine, RigPlan, School, Session, Sources, Timing, plan, plan_rig,
};

use crate::check::Checked;
use crate::kind::FileKind;
use crate::load::{add, checked};
use crate::problem::{Problem, Problems, Severity};
use crate::rig_scene::{RigScene, Stand};

/// Reads a technique.
///
/// # Errors
/// As [`load`](fn@crate::load).
pub fn load_technique(path: &Path) -> Result<Manner, Problems> {
    let mut problems = Problems::default();
    let manner = checked(path, FileKind::Technique, &[], &mut problems)
        .and_then(|c| to_manner(&c, &mut problems));
    match manner {
        Some(manner) if !problems.has_errors() => Ok(manner),
        _ => Err(problems),
    }
}

pub(crate) fn to_manner(t: &Checked, problems: &mut Problems) -> Option<Manner> {
    if t.text("path") == "thrust" {
        problems.0.push(Problem {
            allowed: Way::ALL.map(Way::name).join(", "),
            hint: Some(NO_THRUST.into()),
            ..t.problem("path", "a thrust is no technique for a machine")
        });
        return None;
    }
    if t.broken {
        return None;
    }
    let band = |key: &str| t.entries.contains_key(key).then(|| t.numbers::<2>(key));
    let path = named(Way::ALL, Way::name, t.text("path"))?;
    let source = t.table("source")?;
    let says = |key: &str| source.text(key).to_string();
    let manner = Manner {
        name: t.text("name").to_string(),
        school: named(School::ALL, School::name, t.text("school"))?,
        path,
        force_n: t.numbers("force_n"),
        swing_n: band("swing_n"),
        drag_n: band("drag_n"),
        shape: named(
            ContactShape::ALL,
            ContactShape::name,
            t.text("contact_shape"),
        )?,
        contact_m2: t.numbers("contact_cm2"),
        pressure_pa: t.numbers("pressure_kpa"),
        rate_hz: band("rate_hz"),
        amplitude_m: band("amplitude_mm"),
        speed_m_s: band("speed_mm_s"),
        direction: named(Direction::ALL, Direction::name, t.text("direction"))
            .unwrap_or(Direction::Both),
        hold_s: band("hold_s"),
        percussive: t.flag("percussive") || path == Way::Beat,
        deep: t.flag("deep"),
        needs: t
            .words("needs")
            .iter()
            .filter_map(|w| named(Need::ALL, Need::name, w))
            .collect(),
        sources: Sources {
            force: says("force"),
            contact: says("contact"),
            motion: says("motion"),
            time: says("time"),
        },
    };
    let found = manner.check();
    let good = found.is_empty();
    for p in found {
        let problem = Problem {
            value: p.value,
            allowed: p.allowed,
            hint: Some(p.hint),
            ..t.problem(&p.key, "this technique cannot be")
        };
        add(problem, problems);
    }
    good.then_some(manner)
}

fn named<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
    word: &str,
) -> Option<T> {
    all.into_iter().find(|one| name(*one) == word)
}

/// A session's parts, each checked by itself; none if one of them cannot be built.
pub(crate) fn to_parts(t: &Checked, problems: &mut Problems) -> Option<Vec<Part>> {
    let parts: Vec<Option<Part>> = t
        .tables("part")
        .iter()
        .map(|p| {
            let manner = p.table("technique").and_then(|t| to_manner(t, problems))?;
            if p.broken {
                return None;
            }
            let part = Part {
                manner,
                from_u: p.number("from_u"),
                to_u: p.number("to_u"),
                minutes: p.number("minutes"),
                firmness: p.number("firmness"),
                level: u8::try_from(p.integer("level")).unwrap_or(3),
                width_m: p
                    .entries
                    .contains_key("width_mm")
                    .then(|| p.number("width_mm")),
                spacing_u: p.number("spacing_u"),
            };
            if part.manner.path == Way::Line && part.from_u == part.to_u {
                let problem = Problem {
                    allowed: "another station than from_u".into(),
                    hint: Some("a stroke along the spine needs a way".into()),
                    ..p.problem("to_u", "this part cannot be done")
                };
                add(problem, problems);
                return None;
            }
            Some(part)
        })
        .collect();
    parts.into_iter().collect()
}

/// Plans the session's parts for the scene's machine and body, and refuses what the machine cannot do or a condition forbids.
pub(crate) fn plan_parts(
    session: &mut Session,
    t: &Checked,
    mechanism: &Mechanism,
    body: &Body,
    conditions: &[String],
    timing: &Timing,
    problems: &mut Problems,
) {
    if session.parts.is_empty() {
        return;
    }
    let wrong = parts_wrong(problems);
    for (i, reason) in forbidden(&session.parts, conditions) {
        let problem = Problem {
            allowed: "a technique that the condition allows".into(),
            hint: Some(reason),
            ..t.problem_at(
                &format!("part.{i}"),
                &format!("part.{i}.technique"),
                format!("{} is forbidden here", session.parts[i].manner.name),
            )
        };
        add(problem, problems);
    }
    if wrong {
        return;
    }
    if let Err(found) = plan_session(session, mechanism, body, timing) {
        for p in found.problems {
            let part = format!("part.{}", p.step.unwrap_or(0));
            let key = format!("{part}.{}", p.key);
            let problem = Problem {
                value: p.value,
                allowed: p.allowed,
                hint: Some(p.hint),
                ..t.problem_at(&part, &key, "this machine cannot do this technique")
            };
            add(problem, problems);
        }
    }
}

/// Whether something is wrong with a part's own numbers: that has been told, and no plan is made of them.
pub(crate) fn parts_wrong(problems: &Problems) -> bool {
    let wrong = |p: &Problem| p.severity == Severity::Error && p.key.contains("part.");
    problems.0.iter().any(wrong)
}

/// Writes the steps of a session's parts anew, for a machine and a body; a session without parts stays as it is. Machines and bodies that cannot be
/// leave it without steps: whoever runs it says why.
///
/// # Errors
/// The parts that the machine cannot do; `step` is the part's number.
pub fn plan_session(
    session: &mut Session,
    mechanism: &Mechanism,
    body: &Body,
    timing: &Timing,
) -> Result<(), ProgramError> {
    if session.parts.is_empty() {
        return Ok(());
    }
    session.steps.clear();
    session.fits.clear();
    let (Some(carriage), Ok(back)) = (Carriage::new(mechanism), Back::new(body)) else {
        return Ok(());
    };
    let limits = AxisLimits::of(mechanism);
    let planned = plan(
        &session.parts,
        &carriage,
        &limits,
        timing,
        back.arc_length_m(),
    )?;
    (session.steps, session.fits) = planned;
    Ok(())
}

/// Whether a part is asked for on the flank above L3.
fn over_kidneys(part: &Part) -> bool {
    let (low_u, high_u) = (part.from_u.min(part.to_u), part.from_u.max(part.to_u));
    part.width_m.is_some_and(|x_m| {
        Zone::QL.rectangles().any(|[u0, u1, x0, x1]| {
            (x0..=x1).contains(&x_m) && low_u < u1.min(KIDNEYS_TO_U) && high_u > u0
        })
    })
}

/// Parts whose technique a condition forbids, or a limit that holds for everybody, with the reason. Conditions that are not known or that refuse everything are told elsewhere.
pub fn forbidden(parts: &[Part], conditions: &[String]) -> Vec<(usize, String)> {
    let Ok(envelope) = Envelope::new(conditions) else {
        return Vec::new();
    };
    let policy = envelope.policy();
    let mut found = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let name = &part.manner.name;
        if part.manner.percussive && over_kidneys(part) {
            found.push((
                i,
                format!(
                    "no percussion on the flank above L3, where the kidneys lie, and {name} beats"
                ),
            ));
        } else if part.manner.percussive && policy.forbid_percussion {
            found.push((i, format!("{}: no percussion, and {name} beats", policy.id)));
        } else if part.manner.deep && policy.forbid_deep {
            found.push((i, format!("{}: no deep work, and {name} is", policy.id)));
        }
    }
    found
}

/// Plans the parts of a rig's scene for its machine and body. Machines and bodies that cannot be leave no plan: whoever runs it says why.
///
/// # Errors
/// The parts that the machine cannot do; `step` is the part's number.
pub fn plan_rig_parts(scene: &RigScene, timing: &Timing) -> Result<Vec<RigPlan>, ProgramError> {
    let turn_rad = match scene.placement.stand {
        Stand::Skin { turn_rad, .. } => turn_rad,
        Stand::Chair { .. } => 0.0,
    };
    let machine = Linkage::new(&scene.rig)
        .ok()
        .and_then(|linkage| RigMachine::new(&linkage, turn_rad));
    let (Some(machine), Ok(back)) = (machine, Back::new(&scene.body)) else {
        return Ok(Vec::new());
    };
    plan_rig(&scene.parts, &machine, timing, back.arc_length_m())
}
