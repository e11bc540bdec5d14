//! From a tuned result to what the tables are made of.

use crate::tune_report::bound_name;
use crate::{safety_page, tune};
use ::tune::{RETRACTED_M, Tuned, within_stay};
use anyhow::{Context, anyhow, bail};
use back::{Decision, Envelope, Policy, Zone, policies};
use program::{Step, Technique};
use scene::{Study, forbidden};
use std::fmt::Write as _;
use table::Tables;
use table::model::{CapRow, ClassInfo, End, Limits, Model, Source, StepRow};
use table::tables::{CAP_LIMITED, INFEASIBLE};

/// The files of an export, in memory.
pub fn files(study: &Study, tuned: &Tuned) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let (model, tables) = tables(study, tuned)?;
    let mut files = table::emit::files(&tables, &model);
    let notes = notes(study, tuned)?;
    let readme = files.iter_mut().find(|(name, _)| name == "README.md");
    if let (Some((_, readme)), false) = (readme, notes.is_empty()) {
        readme.extend(b"\n## What the session asks for and does not get\n\n");
        readme.extend(notes.iter().flat_map(|n| format!("- {n}\n").into_bytes()));
    }
    files.push((
        "conditions.csv".into(),
        conditions_csv(&study.scene.conditions).into_bytes(),
    ));
    files.push(("binding.csv".into(), binding_csv(tuned).into_bytes()));
    files.push((
        safety_page::NAME.into(),
        safety_page::page(study, tuned)?.into_bytes(),
    ));
    files.sort();
    Ok(files)
}

/// Where a result, perhaps edited by hand, does not keep what its conditions ask for.
fn disobeyed(envelope: &Envelope, tuned: &Tuned) -> Vec<String> {
    let policy = envelope.policy();
    if envelope.refused() {
        return vec![format!(
            "{}: no massage with this condition, or with these together ({})",
            policy.id, policy.note
        )];
    }
    let stations = tuned.stations.len().max(1);
    let at = |i: usize| {
        let class = tuned
            .classes
            .get(i / stations)
            .map_or("", |c| c.name.as_str());
        format!("{class}, u {:.3}", tuned.stations[i % stations])
    };
    // No zone's cap is higher at any contact area.
    let most_n = Zone::ALL
        .into_iter()
        .map(|z| envelope.force_cap_n(z, 1.0))
        .fold(0.0, f64::max);
    let most_s = envelope.stay_cap_s();
    let mut broken = Vec::new();
    for (i, cap) in tuned.caps.iter().enumerate() {
        if cap.max_force_n > most_n + 1e-9 {
            broken.push(format!(
                "{}: max_force_n = {} is over {most_n} of {}",
                at(i),
                cap.max_force_n,
                policy.id
            ));
        }
        if cap.max_dwell_s > most_s + 1e-9 {
            broken.push(format!(
                "{}: max_dwell_s = {} is over {most_s} of {}",
                at(i),
                cap.max_dwell_s,
                policy.id
            ));
        }
        if policy.forbid_percussion && cap.max_tap_hz > 0.0 {
            broken.push(format!(
                "{}: max_tap_hz = {}, and {} forbids percussion",
                at(i),
                cap.max_tap_hz,
                policy.id
            ));
        }
    }
    broken
}

/// What the tables are made of, and the tables.
pub fn tables(study: &Study, tuned: &Tuned) -> anyhow::Result<(Model, Tables)> {
    let model = model(study, tuned)?;
    let tables = table::quantise(&model).map_err(|problems| {
        let lines: String = problems.iter().map(|p| format!("\n  {p}")).collect();
        anyhow!("these tables cannot be exported:{lines}")
    })?;
    Ok((model, tables))
}

/// How close the carriage and the slide come before they count as arrived: 5 mm of a 0.5 m back, and 0.5 mm.
const TOLERANCE: (f64, f64) = (0.01, 0.0005);
/// Longest time between two calls of the runtime, s.
const WATCHDOG_S: f64 = 0.2;
/// A point may take this many times as long as planned before it is a fault.
const PATIENCE: f64 = 3.0;
/// Longest way of the carriage, m, for timeouts.
const WAY_M: f64 = 0.8;

/// Everything the tables need, in SI.
pub fn model(study: &Study, tuned: &Tuned) -> anyhow::Result<Model> {
    let (classes, stations, levels) =
        (tuned.classes.len(), tuned.stations.len(), tuned.bands.len());
    if tuned.cells.len() != tuned.techniques.len() * classes * stations * levels
        || tuned.caps.len() != classes * stations
    {
        bail!(
            "tuned.json holds {} cells and {} caps, which do not fit its techniques, classes, stations and levels",
            tuned.cells.len(),
            tuned.caps.len()
        );
    }
    let scene = &study.scene;
    let press_m_s = &tuned.press_speed_m_s;
    if press_m_s.len() != tuned.techniques.len() {
        bail!(
            "tuned.json holds {} press speeds for {} techniques\n  hint: an older version wrote it; tune again",
            press_m_s.len(),
            tuned.techniques.len()
        );
    }
    let envelope = Envelope::new(&scene.conditions)?;
    let mut broken = disobeyed(&envelope, tuned);
    let techniques = forbidden(&scene.session.parts, &scene.conditions);
    broken.extend(techniques.into_iter().map(|(_, why)| why));
    if !broken.is_empty() {
        bail!(
            "these tables do not keep the limits and are not exported:{}",
            tune::lines(&broken)
        );
    }
    let caps = tuned.caps.iter().enumerate().map(|(i, c)| CapRow {
        class: i / stations,
        station: i % stations,
        zone: c.zone.name().into(),
        max_depth_m: c.max_depth_m,
        max_force_n: c.max_force_n,
        max_dwell_s: c.max_dwell_s,
        max_tap_hz: c.max_tap_hz,
    });
    let planned = within_stay(study)?;
    let programme = planned
        .session
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| row(study, tuned, i, step));
    Ok(Model {
        name: identifier(&study.name),
        source: Source {
            version: tuned.version.clone(),
            scene_hash: tuned.scene_hash.clone(),
            study_hash: tuned.study_hash.clone(),
            seed: tuned.seed,
            notice: tuned.notice.clone(),
        },
        techniques: tuned.techniques.iter().map(|t| t.name().into()).collect(),
        classes: tuned
            .classes
            .iter()
            .map(|c| ClassInfo {
                name: c.name.clone(),
                stature_min_m: c.stature_m[0],
                stature_max_m: c.stature_m[1],
                bmi_min: c.bmi_kg_m2[0],
                bmi_max: c.bmi_kg_m2[1],
            })
            .collect(),
        stations: tuned.stations.clone(),
        levels,
        depth_m: tuned.cells.iter().map(|c| c.depth_m).collect(),
        flags: tuned.cells.iter().map(|c| if c.cap_limited { CAP_LIMITED } else { 0 } | if c.infeasible { INFEASIBLE } else { 0 }).collect(),
        force_n: tuned.cells.iter().map(|c| c.force_n).collect(),
        current_a: tuned.cells.iter().map(|c| c.current_a).collect(),
        caps: caps.collect(),
        programme: programme.collect::<anyhow::Result<_>>()?,
        fallback: vec![StepRow {
            technique: None,
            end: End::Arrival,
            // Down at the waist nothing can pinch the neck.
            from_u: tuned.stations.last().copied().unwrap_or(1.0),
            to_u: tuned.stations.last().copied().unwrap_or(1.0),
            spacing_u: 0.0,
            level: 0,
            hold_s: 0.0,
            cycles: 0,
            knead_hz: 0.0,
            park_deg: 0.0,
            speed_m_s: scene.timing.travel_m_s,
            press_speed_m_s: press_m_s.iter().copied().fold(f64::INFINITY, f64::min),
            timeout_s: (PATIENCE * WAY_M / scene.timing.travel_m_s).ceil(),
        }],
        limits: Limits {
            session_max_s: envelope.session_max_s(),
            protrude_speed_max_m_s: scene.mechanism.protrude.speed_max_m_s,
            protrude_accel_max_m_s2: scene.mechanism.protrude.accel_max_m_s2,
            watchdog_s: WATCHDOG_S,
            retracted_m: RETRACTED_M,
            station_tolerance_u: TOLERANCE.0,
            depth_tolerance_m: TOLERANCE.1,
            requires: 0,
            forbids: !bits(&scene.conditions),
        },
        // Depths count from each user's touch and places from his stations, so no channel over time serves two users. The rows do.
        channels: Vec::new(),
    })
}

/// Where firmware will do less than the session says: what was planned shorter, and steps whose work at a place is longer than a cap
/// that was lowered by hand.
pub fn notes(study: &Study, tuned: &Tuned) -> anyhow::Result<Vec<String>> {
    let planned = within_stay(study)?;
    let cap_s = tuned.caps.iter().map(|c| c.max_dwell_s);
    let least_s = cap_s.fold(f64::INFINITY, f64::min);
    let cut = planned.session.steps.iter().enumerate().filter_map(|(i, step)| {
        let (what, s) = match step.technique {
            Technique::Press => ("the hold takes", step.hold_s),
            Technique::Knead => (
                "its turns take",
                step.cycles * std::f64::consts::TAU / step.turn_rad_s(&study.scene.timing),
            ),
            Technique::Roll => return None,
        };
        (s > least_s).then(|| {
            format!("session.step.{i} ({}): {what} {s:.1} s, and the dwell cap ends it after {least_s:.1} s", step.technique.name())
        })
    });
    let cut: Vec<String> = cut.collect();
    Ok([planned.notes, cut].concat())
}

/// Which of the tuned techniques a step is.
fn deed(techniques: &[Technique], index: usize, step: &Step) -> anyhow::Result<usize> {
    let found = techniques.iter().position(|t| *t == step.technique);
    found.with_context(|| {
        format!("session.step.{index}.technique = {}: it was not tuned\n  hint: add it to the study's techniques", step.technique.name())
    })
}

/// Whether a study's session can be exported once it is tuned: better told before the work than after it.
pub fn exportable(study: &Study) -> anyhow::Result<()> {
    for (i, step) in study.scene.session.steps.iter().enumerate() {
        deed(&study.techniques, i, step)?;
    }
    Ok(())
}

/// One step of the session as firmware runs it.
fn row(study: &Study, tuned: &Tuned, index: usize, step: &Step) -> anyhow::Result<StepRow> {
    if step.sway().is_some() {
        let parts = &study.scene.session.parts;
        let name = step
            .pace
            .and_then(|p| parts.get(p.part))
            .map_or("a step", |p| &p.manner.name);
        bail!(
            "{name}: tables have presses, turns and rolls, and no movement to and fro\n  hint: leave the part out of the session that is exported"
        );
    }
    let technique = deed(&tuned.techniques, index, step)?;
    let timing = &study.scene.timing;
    let (end, speed_m_s) = match step.technique {
        Technique::Press => (End::Time, timing.travel_m_s),
        Technique::Knead => (End::Cycles, timing.travel_m_s),
        Technique::Roll => (End::Arrival, step.walk_m_s(timing)),
    };
    let press_m_s = tuned.press_speed_m_s[technique];
    let turns_s = step.cycles * std::f64::consts::TAU / step.turn_rad_s(timing);
    let point_s = WAY_M / speed_m_s
        + study.scene.mechanism.protrude.stroke_m / press_m_s
        + timing.release_ramp_s
        + step.hold_s
        + turns_s;
    Ok(StepRow {
        technique: Some(technique),
        end,
        from_u: step.from_u,
        to_u: step.to_u,
        spacing_u: if end == End::Arrival {
            0.0
        } else {
            step.spacing_u
        },
        level: step.level,
        hold_s: if end == End::Time { step.hold_s } else { 0.0 },
        cycles: if end == End::Time {
            0
        } else {
            step.cycles as u32
        },
        knead_hz: if end == End::Cycles {
            step.turn_rad_s(timing) / std::f64::consts::TAU
        } else {
            0.0
        },
        park_deg: step.park_deg.rem_euclid(360.0),
        speed_m_s,
        press_speed_m_s: press_m_s,
        timeout_s: (PATIENCE * point_s).ceil(),
    })
}

/// Bit of every condition that is refused, whatever it is.
const REFUSED_BIT: u32 = 31;

/// The bit by which a user declares a condition to the runtime: conditions that are not refused have one each, in
/// the order of the policies; all that are refused share the last.
fn bit(policy: &Policy) -> Option<u32> {
    if policy.decision == Decision::Refuse {
        return Some(REFUSED_BIT);
    }
    let own = policies()
        .iter()
        .filter(|p| p.decision != Decision::Refuse && p.id != "none");
    own.zip(0..REFUSED_BIT)
        .find(|(p, _)| p.id == policy.id)
        .map(|(_, bit)| bit)
}

/// Bits of the conditions that a study was tuned for. Users with fewer of them are served too: their limits are wider.
fn bits(conditions: &[String]) -> u32 {
    let of = |id: &String| back::policy(id).and_then(bit).map_or(0, |b| 1 << b);
    conditions.iter().map(of).fold(0, |all, b| all | b)
}

fn conditions_csv(tuned_for: &[String]) -> String {
    let forbids = !bits(tuned_for);
    let mut text = String::from("bit,condition,decision,this_programme\n");
    for policy in policies().iter().filter(|p| p.id != "none") {
        let Some(bit) = bit(policy) else { continue };
        let decision = match policy.decision {
            Decision::Allow => "allow",
            Decision::AllowLow => "allow_low",
            Decision::Ask => "ask",
            Decision::Refuse => "refuse",
        };
        let verdict = if forbids >> bit & 1 == 1 {
            "forbidden"
        } else {
            "tuned for it"
        };
        let _ = writeln!(text, "{bit},{},{decision},{verdict}", policy.id);
    }
    text
}

/// What binds each cell: the nearest limit of the worst tuning body, where, and the share of it that is used.
fn binding_csv(tuned: &Tuned) -> String {
    let mut text = String::from(
        "technique,class,u,level,depth_mm,force_n,limit,zone,share,moved_to_cap,retracted\n",
    );
    for (t, technique) in tuned.techniques.iter().enumerate() {
        for (c, class) in tuned.classes.iter().enumerate() {
            for (s, u) in tuned.stations.iter().enumerate() {
                for level in 0..tuned.bands.len() {
                    let cell = &tuned.cells[tuned.index(t, c, s, level)];
                    let (limit, zone) = cell
                        .binding
                        .filter(|_| !cell.infeasible)
                        .map_or(("", ""), |b| (bound_name(b.limit), b.zone.name()));
                    let _ = writeln!(
                        text,
                        "{},{},{u:.4},{},{:.2},{:.2},{limit},{zone},{:.3},{},{}",
                        technique.name(),
                        class.name,
                        level + 1,
                        1e3 * cell.depth_m,
                        cell.force_n,
                        cell.load,
                        cell.cap_limited,
                        cell.infeasible
                    );
                }
            }
        }
    }
    text
}

/// A name for C: lower case, digits and `_`, a letter first, at most 16 bytes.
fn identifier(title: &str) -> String {
    let mut name = String::new();
    for c in title.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name.insert_str(0, "t_");
    }
    name.truncate(16);
    name.trim_end_matches('_').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suit_c() {
        for (title, name) in [
            ("chair shiatsu", "chair_shiatsu"),
            ("  Größe 3!", "gr_e_3"),
            ("3D", "t_3d"),
            ("", "t"),
            ("a very long title indeed", "a_very_long_titl"),
        ] {
            assert_eq!(identifier(title), name);
        }
    }

    #[test]
    fn a_condition_that_was_not_tuned_for_is_forbidden() {
        assert_eq!(!bits(&[]), u32::MAX);
        let forbids = !bits(&["osteopenia".to_string()]);
        assert_eq!(forbids.count_zeros(), 1);
        assert_eq!(forbids >> REFUSED_BIT, 1);
        let mut own: Vec<u32> = policies()
            .iter()
            .filter(|p| p.decision != Decision::Refuse && p.id != "none")
            .filter_map(bit)
            .collect();
        let all = own.len();
        own.dedup();
        assert_eq!(own.len(), all, "one bit each");
        assert!(own.iter().all(|b| *b < REFUSED_BIT));
    }
}
