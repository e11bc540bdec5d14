//! `safety.html` of an export: what a safety reviewer reads before anybody sits down.

use crate::page::{self, Mood, card, percent, section};
use crate::tune_report::bound_name;
use ::tune::{Bound, Cell, Tuned};
use back::{Body, Envelope, Level, Limits, NOTICE, Policy, Sex, Zone, policy, sources};
use maud::{Markup, html};
use program::Fit;
use scene::{Bodies, Study, plan_session};
use std::collections::BTreeMap;

/// Its name among the files of an export.
pub const NAME: &str = "safety.html";

/// The whole page: a function of study and result alone, so that the same export gives the same bytes.
pub fn page(study: &Study, tuned: &Tuned) -> anyhow::Result<String> {
    let envelope = Envelope::new(&study.scene.conditions)?;
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    let facts = [
        ("mechanism", study.scene.mechanism.name.clone()),
        ("conditions", condition_names(study)),
        ("decision", decision(envelope.policy()).into()),
        ("study", short(&tuned.study_hash)),
        ("scene", short(&tuned.scene_hash)),
        ("program", tuned.version.clone()),
    ];
    let content = html! {
        div.note.bad { strong { (NOTICE) } " This page tells what a simulation found. It is no approval: nobody with a licence has looked at it until the last part is filled in." }
        (cards(tuned))
        (section("Who may be massaged with it", "The tables serve the body classes below, and people with no condition but those named. Firmware asks for declared conditions and refuses all others (conditions.csv).", &who(study, tuned)))
        @if !study.scene.session.parts.is_empty() {
            (section("Techniques of the session", "What the schools ask for, and where the figures come from (V verified, D derived, W well known, M memory, E estimate). The tables press by their own depths and caps, whatever is asked here. High-velocity thrusts are never offered: no file can ask for one.", &techniques(study)))
        }
        (section("Policies in force", "Several conditions combine to the strictest: all zones that any of them leaves out, the smallest scale, the shortest time, the strictest decision.", &policies_in_force(study, &envelope)))
        (section("Caps by zone", "The most that a node may do. The force cap goes with the root of the contact area; columns are for 5 and 10 cm². Zones, force and pressure caps are the same for every body class; what a class may be pressed at follows in the next part.", &zones(&envelope)))
        (section("Caps by class and zone", "As exported: the highest over the stations of each zone. Firmware takes the lower of two neighbours and never interpolates upwards.", &classes(tuned)))
        (section("All other limits", "", &other_limits(&envelope)))
        (section("What binds each cell", "One cell for each technique, class, station and level: the limit that is nearest for the worst tuning body at the tuned depth. A dark ground marks a band that was moved down to a cap, a dash a cell without a safe depth, which stays retracted. Rows are levels, columns stations: left is nearest to the neck. Zone and share of the limit stand in each cell's tip and in binding.csv.", &binding(tuned)))
        (section("Bodies that were checked", "Drawn from a survey of soldiers (4082 men, 1986 women, 17 to 58 years), not measured on customers.", &bodies(study, tuned)))
        (section("What was found", "", &found(study, tuned)))
        (section("What was not checked", "A reviewer should ask for each of these.", &not_checked(study, tuned, &envelope)))
        (section("Every estimate used", "E: an engineering estimate, no citable source. M: from memory of the literature, not looked up. Two flags: the decision has the first, its numbers the second. They are what to replace by measurements first.", &estimates(study, tuned)))
        (section("Review", "To be filled in by hand. Without it the tables are for the laboratory.", &review()))
    };
    Ok(page::page(
        "Safety statement",
        &study.name,
        "How hard these tables can press, where and on whom; what was checked, and what is an estimate.",
        &facts,
        &content,
    ))
}

fn condition_names(study: &Study) -> String {
    match study.scene.conditions.as_slice() {
        [] => "none".into(),
        ids => ids.join(", "),
    }
}

fn decision(policy: &Policy) -> &'static str {
    match policy.decision {
        back::Decision::Allow => "allow",
        back::Decision::AllowLow => "allow, gently",
        back::Decision::Ask => "only with a clinician's recorded clearance",
        back::Decision::Refuse => "refuse",
    }
}

fn cards(tuned: &Tuned) -> Markup {
    let j = &tuned.held_out;
    let mood = |good| if good { Mood::Good } else { Mood::Bad };
    let replayed: u64 = tuned.replays.iter().map(|r| r.cap_violations).sum();
    let faults = tuned.replays.iter().filter(|r| r.fault.is_some()).count();
    let worst = j.worst.as_ref().map_or(0.0, |w| w.load);
    let bound = if j.cap_violations == 0 {
        format!("none on {} held-out bodies", j.bodies)
    } else {
        "this result must not be used".into()
    };
    html! {
        div.cards {
            (card("Caps passed", &format!("{} of {}", j.cap_violations, j.cap_checks), &bound, mood(j.cap_violations == 0)))
            (card("Bodies that may pass one", &format!("≤ {}", percent(j.cap_bound_95)), "one-sided bound, 95 %, if people are as the survey", Mood::Plain))
            (card("Nearest call", &percent(worst), "of a cap, on a held-out body", mood(worst <= 1.0)))
            (card("Full simulation", &format!("{replayed} passed"), &format!("{} bodies replayed, {faults} faults", tuned.replays.len()), mood(replayed == 0 && faults == 0)))
        }
    }
}

fn who(study: &Study, tuned: &Tuned) -> Markup {
    // Outermost bands are closed far out in the tables; for people they end where a body does.
    let band = |[low, high]: [f64; 2], scale: f64, ends: [f64; 2], unit: &str| {
        let (low, high) = (scale * low.max(ends[0]), scale * high.min(ends[1]));
        format!("{low:.1} to {high:.1} {unit}")
    };
    let rows: Vec<Vec<String>> = tuned
        .classes
        .iter()
        .map(|c| {
            vec![
                c.name.clone(),
                band(c.stature_m, 100.0, [1.2, 2.2], "cm"),
                band(c.bmi_kg_m2, 1.0, [13.0, 60.0], "kg/m²"),
                c.tuning_bodies.to_string(),
                c.held_out_bodies.to_string(),
            ]
        })
        .collect();
    html! {
        (page::table(&["class", "stature", "BMI", "tuned on", "judged on"], &rows))
        p { "Everyone was simulated as tense as " (tone_word(study.scene.body.tone)) " (muscle " (study.scene.body.tone) " times as stiff as relaxed), reclined by " (format!("{:.0}", study.scene.chair.recline_rad.to_degrees())) "°." }
    }
}

/// Each technique once, with its sources, and the minutes it takes.
fn techniques(study: &Study) -> Markup {
    let parts = &study.scene.session.parts;
    // Planned anew: a result that is read back does not hold how near its steps come.
    let mut planned = study.scene.session.clone();
    let scene = &study.scene;
    let fits = match plan_session(&mut planned, &scene.mechanism, &scene.body, &scene.timing) {
        Ok(()) => planned.fits,
        Err(_) => Vec::new(),
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let manner = &part.manner;
        if parts[..i].iter().any(|p| p.manner == *manner) {
            continue;
        }
        let minutes: f64 = parts
            .iter()
            .filter(|p| p.manner == *manner)
            .map(|p| p.minutes)
            .sum();
        let band = |[low, high]: [f64; 2], factor: f64| {
            format!("{:.0}–{:.0}", factor * low, factor * high)
        };
        let kind = match (manner.percussive, manner.deep) {
            (true, _) => "percussion",
            (_, true) => "deep",
            _ => "",
        };
        let s = &manner.sources;
        rows.push(vec![
            manner.name.clone(),
            manner.school.name().into(),
            format!("{minutes:.1}"),
            band(manner.force_n, 1.0),
            band(manner.pressure_pa, 1e-3),
            kind.into(),
            fits.iter()
                .find(|f| f.part == i)
                .map_or(String::new(), done_for),
            format!(
                "force {}; contact {}; motion {}; time {}",
                s.force, s.contact, s.motion, s.time
            ),
        ]);
    }
    let head = [
        "technique",
        "school",
        "min",
        "force N",
        "kPa",
        "kind",
        "what the machine does",
        "sources",
    ];
    page::table(&head, &rows)
}

/// What a machine does for a technique, and how far it is from what is asked.
fn done_for(fit: &Fit) -> String {
    let mut said = vec![fit.deed.name().to_owned()];
    if let Some(([low, high], is)) = fit.rate_hz {
        said.push(format!("{is:.2} of {low:.2}–{high:.2} Hz"));
    }
    if let Some(([low, high], is)) = fit.amplitude_m.map(|(a, b)| (a.map(|m| 1e3 * m), 1e3 * b)) {
        said.push(format!("half a way of {is:.0} for {low:.0}–{high:.0} mm"));
    }
    if let Some(([low, high], is)) = fit.speed_m_s.map(|(a, b)| (a.map(|m| 1e3 * m), 1e3 * b)) {
        said.push(format!("{is:.0} of {low:.0}–{high:.0} mm/s"));
    }
    if fit.residual_m > 5e-4 {
        said.push(format!(
            "{:.0} mm beside its path (rms)",
            1e3 * fit.residual_m
        ));
    }
    said.extend(fit.notes.iter().cloned());
    said.join("; ")
}

fn tone_word(tone: f64) -> &'static str {
    let limits = Limits::builtin();
    if tone < 0.5 * (1.0 + limits.guard_multiplier) {
        "a relaxed person"
    } else if tone < 0.5 * (limits.guard_multiplier + limits.contracted_multiplier) {
        "a guarding person"
    } else {
        "a person who contracts the back"
    }
}

fn policies_in_force(study: &Study, envelope: &Envelope) -> Markup {
    let none = ["none".to_string()];
    let ids = if study.scene.conditions.is_empty() {
        &none[..]
    } else {
        &study.scene.conditions
    };
    let all = envelope.policy();
    let parts: Vec<&Policy> = ids.iter().filter_map(|id| policy(id)).collect();
    let combined = (parts.len() > 1).then_some(all);
    let rows: Vec<Vec<String>> = parts
        .into_iter()
        .chain(combined)
        .map(|p| {
            let zones: Vec<&str> = p.exclude.iter().map(|z| z.name()).collect();
            let word =
                |forbidden: bool| if forbidden { "forbidden" } else { "allowed" }.to_string();
            vec![
                p.id.clone(),
                decision(p).into(),
                format!("× {}", p.pressure_scale),
                if zones.is_empty() {
                    "midline only".into()
                } else {
                    format!("midline, {}", zones.join(", "))
                },
                word(p.forbid_percussion),
                word(p.forbid_deep),
                format!("{} min", p.max_minutes),
                p.note.clone(),
                p.support.clone(),
            ]
        })
        .collect();
    let head = [
        "condition",
        "decision",
        "caps",
        "left out",
        "percussion",
        "deep kneading",
        "at most",
        "note",
        "support",
    ];
    html! {
        (page::table(&head, &rows))
        @if !all.note.is_empty() { p { "Notes that are not in the table's columns (postures, stop on symptoms, single levels) are for the operator: no number here keeps them, but where a whole zone is left out instead of a level the strict side was taken." } }
    }
}

fn zones(envelope: &Envelope) -> Markup {
    let limits = Limits::builtin();
    let rows: Vec<Vec<String>> = Zone::ALL
        .into_iter()
        .map(|zone| {
            let force = |cm2: f64| format!("{:.0} N", envelope.force_cap_n(zone, 1e-4 * cm2));
            let (area_m2, barred) = (1e-3, envelope.excluded(zone) || envelope.refused());
            let pain_kpa = |sex| 1e-3 * limits.ppt1_pa(zone, sex);
            let own_n = limits.zone_cap_n(zone, area_m2);
            let mean_pa = envelope.force_cap_n(zone, area_m2) / area_m2;
            let why = if zone.is_midline() {
                "midline: spinous processes"
            } else if barred {
                "left out by a condition"
            } else if zone.over_ribs() && envelope.policy().rib_force_max_n.is_some() {
                "ribs of weak bone"
            } else if own_n > limits.node_force_default_max_n {
                "node, 60 N"
            } else {
                match zone {
                    Zone::SB | Zone::SA | Zone::IC => "thin over bone",
                    Zone::QL => "kidney",
                    _ => "pain of the most sensitive tenth of women",
                }
            };
            vec![
                zone.name().into(),
                zone.title().into(),
                if barred { "none".into() } else { "yes".into() },
                format!(
                    "{:.0} / {:.0} kPa",
                    pain_kpa(Sex::Male),
                    pain_kpa(Sex::Female)
                ),
                force(5.0),
                force(10.0),
                format!(
                    "{:.0} kPa",
                    1e-3 * envelope.peak_pressure_cap_pa(zone, area_m2)
                ),
                percent(mean_pa / envelope.reference_pressure_pa(zone, area_m2)),
                why.into(),
            ]
        })
        .collect();
    let head = [
        "zone",
        "where",
        "contact",
        "pain at 1 cm², M / F",
        "force, 5 cm²",
        "force, 10 cm²",
        "peak, 10 cm²",
        "of median pain pressure",
        "what sets it",
    ];
    html! {
        (page::table(&head, &rows))
        p { "Pain thresholds are means by sex (E); they differ between people by 40 % (D), and over larger areas pressure hurts less in total but sooner: with area to the power −0.5 (D from 0.5 to 2 cm², E beyond). Where two zones overlap, and in gaps between them, the stricter holds." }
    }
}

fn classes(tuned: &Tuned) -> Markup {
    let stations = tuned.stations.len().max(1);
    let mut groups: BTreeMap<(usize, Zone), [f64; 4]> = BTreeMap::new();
    for (i, cap) in tuned.caps.iter().enumerate() {
        let most = groups
            .entry((i / stations, cap.zone))
            .or_insert([f64::NEG_INFINITY; 4]);
        for (m, v) in most.iter_mut().zip([
            cap.max_depth_m,
            cap.max_force_n,
            cap.max_dwell_s,
            cap.max_tap_hz,
        ]) {
            *m = m.max(v);
        }
    }
    let rows: Vec<Vec<String>> = groups
        .into_iter()
        .map(|((class, zone), [depth_m, force_n, dwell_s, tap_hz])| {
            vec![
                tuned
                    .classes
                    .get(class)
                    .map_or(String::new(), |c| c.name.clone()),
                zone.name().into(),
                format!("{:.1} mm", 1e3 * depth_m),
                format!("{force_n:.1} N"),
                format!("{dwell_s:.0} s"),
                if tap_hz > 0.0 {
                    format!("{tap_hz:.1} Hz")
                } else {
                    "none".into()
                },
            ]
        })
        .collect();
    page::table(
        &[
            "class",
            "strictest zone that nodes touch",
            "depth from touch",
            "node force",
            "stay over 0.6 of pain",
            "tapping",
        ],
        &rows,
    )
}

fn other_limits(envelope: &Envelope) -> Markup {
    let rows: Vec<Vec<String>> = envelope
        .rows()
        .into_iter()
        .map(|r| vec![r.name.into(), r.value, r.flag.into(), r.kept_by.into()])
        .collect();
    html! {
        (page::table(&["limit", "value", "flag", "kept by"], &rows))
        p { "Tuning: no depth is chosen at which a tuning body passes it. Simulator: every step of a replay is watched. Tables: the runtime cuts commands to it." }
    }
}

/// Letter, colour and name of a limit.
const BOUNDS: [(Bound, &str, &str); 6] = [
    (Bound::Force, "F", "#cfe3f5"),
    (Bound::Pressure, "P", "#fbe3cf"),
    (Bound::KeepOut, "K", "#f6d3d3"),
    (Bound::Rate, "R", "#d6efe3"),
    (Bound::Balance, "B", "#e7dcf3"),
    (Bound::Push, "L", "#f7efc2"),
];

fn letter(cell: &Cell) -> (&'static str, &'static str) {
    if cell.infeasible {
        return ("–", "#c3c9d4");
    }
    let of = |bound: Bound| BOUNDS.iter().find(|(b, ..)| *b == bound);
    cell.binding
        .and_then(|b| of(b.limit))
        .map_or((" ", "#f5f7fa"), |(_, letter, colour)| (letter, colour))
}

fn binding(tuned: &Tuned) -> Markup {
    let (levels, last) = (tuned.bands.len(), tuned.stations.len().saturating_sub(1));
    let nearest = |u: f64| {
        let off = |l: &Level| (l.station() - u).abs();
        Level::ALL
            .into_iter()
            .min_by(|a, b| off(a).total_cmp(&off(b)))
            .map_or("", Level::name)
    };
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for cell in tuned.cells.iter().filter(|c| !c.infeasible) {
        if let Some(b) = cell.binding {
            *counts
                .entry((bound_name(b.limit), b.zone.name()))
                .or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let total = tuned.cells.len().max(1) as f64;
    let rows: Vec<Vec<String>> = counts
        .into_iter()
        .map(|((limit, zone), n)| {
            vec![
                limit.into(),
                zone.into(),
                n.to_string(),
                percent(n as f64 / total),
            ]
        })
        .collect();
    html! {
        div.key { @for (bound, letter, colour) in BOUNDS { span { i.area style=(format!("background:{colour};width:18px")) {} strong { (letter) } " " (bound_name(bound)) } } span { i.area style="background:#c3c9d4;width:18px" {} strong { "–" } " retracted" } }
        div.row { div { (page::table(&["nearest limit", "over zone", "cells", "of all"], &rows)) } }
        @for (t, technique) in tuned.techniques.iter().enumerate() {
            h3 { (technique.name()) }
            div.three {
                @for (c, class) in tuned.classes.iter().enumerate() {
                    figure {
                        figcaption { strong { (class.name) } }
                        table style="table-layout:fixed;font-size:10px;line-height:1.2" {
                            @for level in (0..levels).rev() {
                                tr {
                                    td style="padding:1px 3px;width:14px;border:0;color:#5d6778" { (level + 1) }
                                    @for s in 0..=last {
                                        @let cell = &tuned.cells[tuned.index(t, c, s, level)];
                                        @let (text, colour) = letter(cell);
                                        td title=(tip(tuned, cell, s)) style=(format!("padding:1px 0;text-align:center;border:1px solid #fff;background:{};{}", if cell.cap_limited && !cell.infeasible { "#3b4a63" } else { colour }, if cell.cap_limited && !cell.infeasible { "color:#fff" } else { "" })) { (text) }
                                    }
                                }
                            }
                        }
                        figcaption { (nearest(tuned.stations[0])) " … " (nearest(tuned.stations[last])) }
                    }
                }
            }
        }
    }
}

/// What a cell says when somebody points at it.
fn tip(tuned: &Tuned, cell: &Cell, station: usize) -> String {
    let place = format!("u {:.2}", tuned.stations[station]);
    if cell.infeasible {
        return format!("{place}: retracted");
    }
    let limit = cell.binding.map_or(String::new(), |b| {
        format!(
            ", {} % of {} over {}",
            (100.0 * cell.load).round(),
            bound_name(b.limit),
            b.zone.name()
        )
    });
    format!(
        "{place}: {:.1} mm, {:.0} N{limit}",
        1e3 * cell.depth_m,
        cell.force_n
    )
}

fn bodies(study: &Study, tuned: &Tuned) -> Markup {
    let draw = |from: Bodies| -> Vec<Body> {
        (0..study.classes.len())
            .flat_map(|class| {
                study
                    .classes
                    .sample_of(&study.people, class, from.seed, from.per_class)
            })
            .collect()
    };
    let row = |what: &str, from: Bodies| {
        let bodies = draw(from);
        let range = |f: &dyn Fn(&Body) -> f64, scale: f64| {
            let (low, high) = bodies
                .iter()
                .map(f)
                .fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
            format!("{:.0} to {:.0}", scale * low, scale * high)
        };
        let women = bodies.iter().filter(|b| b.sex == Sex::Female).count();
        let outside = bodies
            .iter()
            .filter(|b| b.check().1.iter().any(|p| !p.key.ends_with("_z")))
            .count();
        vec![
            what.into(),
            bodies.len().to_string(),
            from.seed.to_string(),
            women.to_string(),
            range(&|b| b.stature_m, 100.0),
            range(&|b| b.bmi_kg_m2, 1.0),
            range(&|b| b.age_yr, 1.0),
            outside.to_string(),
        ]
    };
    let rows = [
        row("tuned on", study.tuning),
        row("judged on", study.held_out),
    ];
    let replays: Vec<Vec<String>> = tuned
        .replays
        .iter()
        .map(|r| {
            vec![
                format!(
                    "{}, {:.0} cm, BMI {:.1}, {:.0} years",
                    r.body.sex.name(),
                    100.0 * r.body.stature_m,
                    r.body.bmi_kg_m2,
                    r.body.age_yr
                ),
                tuned
                    .classes
                    .get(r.class)
                    .map_or(String::new(), |c| c.name.clone()),
                r.level.to_string(),
                format!("{:.0} s", r.contact_s),
                r.cap_violations.to_string(),
                r.fault.clone().unwrap_or_else(|| "none".into()),
            ]
        })
        .collect();
    let people = match study.people {
        back::People::Grouped => {
            "Sizes beyond stature, BMI and age move in three independent groups."
        }
        back::People::Correlated { .. } => "Sizes go together as in the survey.",
    };
    html! {
        (page::table(&["bodies", "how many", "seed", "women", "stature, cm", "BMI", "age", "outside the survey"], &rows))
        p { (people) " Fat, muscle, stiffness and pain thresholds are drawn for each body, independently (E)." }
        @if !replays.is_empty() {
            h3 { "Replayed in the full simulator" }
            (page::table(&["body", "class", "level", "contact", "caps passed", "fault"], &replays))
        }
    }
}

fn found(study: &Study, tuned: &Tuned) -> Markup {
    let j = &tuned.held_out;
    let violations: Vec<Vec<String>> = j
        .violations
        .iter()
        .map(|v| {
            vec![
                bound_name(v.limit).into(),
                v.zone.name().into(),
                tuned
                    .classes
                    .get(v.class)
                    .map_or(String::new(), |c| c.name.clone()),
                v.technique.name().into(),
                format!("{:.2}", v.u),
                v.level.to_string(),
                percent(v.load),
            ]
        })
        .collect();
    html! {
        ul {
            li { "Quasi-static model: every held-out body at every technique, station and level, against force, local pressure, keep-out, rise of force and, where a condition asks for it, push: " strong { (j.cap_violations) " of " (j.cap_checks) } " exceeded one." }
            li { "What that proves: " (if j.cap_violations == 0 { "none" } else { "so many" }) " in " (j.bodies) " bodies bounds the share of bodies that have one to " strong { (percent(j.cap_bound_95)) } " (exact binomial, one-sided, 95 %), for people spread as the survey's, for this mechanism, and for this model of tissue. It says nothing about the model." }
            li { "The worst tuning body was left " (percent(study.cap_margin)) " of every cap; the worst tenth of held-out cases reaches " (percent(j.cvar90_load)) " of its cap on average." }
            @if let Some(w) = &j.worst {
                li { "The nearest call: " (percent(w.load)) " of the cap of " (bound_name(w.limit)) " over " (w.zone.name()) ", " (w.technique.name()) " at u " (format!("{:.2}", w.u)) ", level " (w.level) ", class " (tuned.classes.get(w.class).map_or("", |c| c.name.as_str())) "." }
            }
            li { "Share of contact over a body's own pain threshold: " strong { (percent(j.pain_share)) } ". Caps keep nine of ten women below pain at rest; they do not keep everybody." }
            li { (j.cap_limited) " of " (tuned.cells.len()) " cells had their band moved down to a cap, " (j.infeasible) " have no safe depth and stay retracted." }
        }
        @if !violations.is_empty() {
            h3 { "Caps passed" }
            (page::table(&["limit", "zone", "class", "technique", "u", "level", "of the cap"], &violations))
        }
    }
}

fn not_checked(study: &Study, tuned: &Tuned, envelope: &Envelope) -> Markup {
    let replayed = tuned.replays.len();
    html! {
        ul {
            li { "A real machine. No chair was measured; mechanism dimensions, motors and covers are estimates." }
            li { "Heat (limit " (envelope.surface_temp_max_c()) " °C), electricity, pinching, hair and clothing in the mechanism, falls, noise: not modelled." }
            li { "The user: moving, talking, arms, leaning otherwise than modelled, or asleep. The stop button is assumed to work." }
            li { "Breathing: " (if study.scene.breath.is_held() { "everybody holds the breath (body.breath_mm = 0)." } else { "the quasi-static pass holds the breath; only the replayed bodies breathe." }) " A back goes out and in by 2 to 6 mm (E)." }
            li { "The body scan: taken as ideal. A scan that is off by 10 mm along the back is not simulated here." }
            li { "Backs that are not symmetric (scoliosis), scars, implants, hardware, skin that is broken." }
            li { "People outside the survey: heavier, older or smaller bodies are extrapolated; nobody under 14 is served." }
            li { "Shear, dose and time above pain fractions on more than the " (replayed) " replayed bodies: the quasi-static pass knows none of them." }
            li { "A whole session of " (format!("{:.0}", envelope.session_max_s() / 60.0)) " minutes, or several in a day: the replayed programme has " (study.scene.session.steps.len()) " steps." }
            li { "Tapping and percussion: none is tuned or exported." }
            @if !study.scene.session.parts.is_empty() {
                li { "Whether these steps are felt as the schools' techniques: how near they come is scored on simulated bodies (" code { "kneadlab run" } "), by bands that are estimates." }
            }
            li { "Conditions that a user does not declare, and any that is not on the list." }
            li { "Faults of motors, sensors and firmware beyond the runtime's own watchdog; a force sensor is not assumed." }
            li { "Benefit. Nothing here says that massage helps." }
        }
    }
}

fn estimates(study: &Study, tuned: &Tuned) -> Markup {
    let all = sources();
    let mut groups: Vec<(&str, Vec<Vec<String>>)> = Vec::new();
    for s in all.iter().filter(|s| s.is_estimate()) {
        if groups.last().is_none_or(|(g, _)| *g != s.group) {
            groups.push((&s.group, Vec::new()));
        }
        if let Some((_, rows)) = groups.last_mut() {
            rows.push(vec![
                s.name.clone(),
                s.value.clone(),
                s.flag.clone(),
                s.source.clone(),
            ]);
        }
    }
    let count = |flag: &str| all.iter().filter(|s| s.flag.contains(flag)).count();
    let own = own_estimates(study);
    html! {
        p { "Of " (all.len()) " defaults of body and limits " (count("E")) " are estimates in whole or in part, " (count("M")) " are from memory, " (count("V")) " rest on a source that was read. The simulation leans on these besides:" }
        ul { @for e in &tuned.estimates { li { (e) } } }
        details {
            summary { "chair, machine and study (" (own.len()) ")" }
            (page::table(&["what", "value", "flag", "what is known"], &own))
        }
        @for (group, rows) in &groups {
            details {
                summary { (group) " (" (rows.len()) ")" }
                (page::table(&["what", "value", "flag", "what is known"], rows))
            }
        }
    }
}

/// What the study's own files say of chair, machine and bands, as they were computed with.
fn own_estimates(study: &Study) -> Vec<Vec<String>> {
    let (chair, machine, timing) = (
        &study.scene.chair,
        &study.scene.mechanism,
        &study.scene.timing,
    );
    let (pad, hip, cover) = (&chair.pad, &chair.hip, &machine.cover);
    let mm = |m: f64| format!("{:.1} mm", 1e3 * m);
    let kpa = |pa: f64| format!("{:.0} kPa", 1e-3 * pa);
    let unpublished = "no maker publishes it";
    let foam = "no foam was measured";
    let mut rows: Vec<[String; 3]> = vec![
        [
            "recline".into(),
            format!("{:.0}°", chair.recline_rad.to_degrees()),
            "the trunk leans with m g sin(recline)".into(),
        ],
        [
            "pad: thickness, modulus, full compression".into(),
            format!(
                "{}, {}, {}",
                mm(pad.thickness_m),
                kpa(pad.e_pa),
                pad.densify_strain
            ),
            foam.into(),
        ],
        [
            "pad in front of the rail, width that carries".into(),
            format!("{}, {}", mm(pad.offset_m), mm(pad.width_m)),
            unpublished.into(),
        ],
        [
            "hip: stiffness, damping".into(),
            format!(
                "{:.1} N/mm, {} of critical",
                1e-3 * hip.stiffness_n_m,
                hip.damping_ratio
            ),
            "0.5 to 2 N/mm is plausible".into(),
        ],
        [
            "cover: thickness, modulus, full compression".into(),
            format!(
                "{}, {}, {}",
                mm(cover.thickness_m),
                kpa(cover.e_pa),
                cover.densify_strain
            ),
            foam.into(),
        ],
    ];
    for node in &machine.nodes {
        rows.push([
            format!("node {}: size, stiffness, friction", node.name),
            format!(
                "{}, {:.0} N/mm, {}",
                mm(node.shape.law_radius_m()),
                1e-3 * node.stiffness_n_m,
                node.friction
            ),
            format!("{unpublished}; radius of its curvature"),
        ]);
    }
    let (slide, knead) = (&machine.protrude, &machine.knead);
    rows.extend([
        [
            "slide: stroke, speed, acceleration".into(),
            format!(
                "{}, {:.0} mm/s, {:.0} mm/s²",
                mm(slide.stroke_m),
                1e3 * slide.speed_max_m_s,
                1e3 * slide.accel_max_m_s2
            ),
            unpublished.into(),
        ],
        [
            "kneading shaft: tilt, eccentricity, half spacing".into(),
            format!(
                "{:.0}°, {}, {}",
                knead.tilt_rad.to_degrees(),
                mm(knead.eccentricity_m),
                mm(knead.half_spacing_m)
            ),
            unpublished.into(),
        ],
        [
            "rocker: preload, rate".into(),
            format!(
                "{} Nm, {:.3} Nm/°",
                machine.rocker.preload_nm,
                machine.rocker.rate_nm_rad / 1f64.to_degrees()
            ),
            unpublished.into(),
        ],
        [
            "pressing in, letting go".into(),
            format!("{} s, {} s", timing.press_ramp_s, timing.release_ramp_s),
            "a choice of the programme".into(),
        ],
    ]);
    rows.extend(study.bands.iter().enumerate().map(|(i, [low, high])| {
        [
            format!("level {} asks for", i + 1),
            format!(
                "{:.1} to {:.1} % of the median pain pressure",
                100.0 * low,
                100.0 * high
            ),
            "no dose-response for chairs is published".into(),
        ]
    }));
    rows.into_iter()
        .map(|[what, value, known]| vec![what, value, "E".into(), known])
        .collect()
}

fn review() -> Markup {
    let line = |name: &str| vec![name.to_string(), String::new()];
    let names = [
        "clinical reviewer, profession",
        "safety engineer",
        "conditions reviewed",
        "decision",
        "date, signature",
    ];
    page::table(&["", ""], &names.map(line))
}
