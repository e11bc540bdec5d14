//! A tuned chair as a page: for the customer who asks what it is worth, and the reviewer who asks what was checked.

use crate::chart::{Axis, COLOURS, CONSTANT, Chart, Heat, ORACLE, TUNED, key, top};
use crate::page::{self, Mood, card, percent, section};
use crate::picture;
use crate::run_report::round_up;
use ::tune::{Bound, Cell, Gap, MomentKind, Profile, Replay, ReplayRow, Tuned};
use anyhow::anyhow;
use back::{Back, Body, Level};
use maud::{Markup, html};
use program::Technique;
use scene::Study;
use std::collections::BTreeMap;

/// The whole page.
pub fn page(study: &Study, tuned: &Tuned) -> anyhow::Result<String> {
    let j = &tuned.held_out;
    let techniques: Vec<&str> = tuned.techniques.iter().map(|t| t.name()).collect();
    let tuning: usize = tuned.classes.iter().map(|c| c.tuning_bodies).sum();
    let facts = [
        ("mechanism", study.scene.mechanism.name.clone()),
        ("techniques", techniques.join(", ")),
        (
            "maps",
            format!(
                "{} classes × {} stations × {} levels",
                tuned.classes.len(),
                tuned.stations.len(),
                tuned.bands.len()
            ),
        ),
        (
            "tuned on",
            format!("{tuning} bodies, seed {}", study.tuning.seed),
        ),
        (
            "judged on",
            format!("{} other bodies, seed {}", j.bodies, study.held_out.seed),
        ),
        ("study", tuned.study_hash.chars().take(12).collect()),
    ];
    let conditions = &study.scene.conditions;
    let content = html! {
        (cards(tuned))
        @if !conditions.is_empty() { div.note { "Limits are those of: " (conditions.join(", ")) "." } }
        (before_after(tuned, &study.scene.body)?)
        (section("Where the pressure lies", "Levels 2 to 4, station by station. Shaded in green is the band that the level asks for, as a share of the median pain threshold of the place; lines are the median held-out body, ribbons hold four bodies in five.", &bands(tuned)))
        (section("Share of contact in the band", "By technique and level, over all classes of held-out bodies. The oracle tunes the depth to each body alone: no table can do better.", &shares(tuned)))
        (section("Depth maps", "What the firmware gets: depth from touch (where the body scan met the skin) over station (left is the neck) and level, for each technique and body class. A dot marks a band that was moved down to a cap, a cross a cell without a safe depth, which stays retracted.", &maps(tuned)))
        (section("What limits it", "Cells that a safety limit holds back, by technique, limit and zone.", &limits(tuned)))
        (replays(tuned))
        (section("What was checked, and what is an estimate", "", &checked(tuned, study)))
    };
    Ok(page::page(
        "Tuned massage programme",
        &study.name,
        "Depth maps that put the pressure where it belongs, for many bodies, under safety limits on every one of them.",
        &facts,
        &content,
    ))
}

fn cards(tuned: &Tuned) -> Markup {
    let j = &tuned.held_out;
    let gain = 100.0 * (j.band_share - j.band_share_constant_depth);
    let mood = |good| if good { Mood::Good } else { Mood::Bad };
    let reached = j.band_share >= 0.7 || j.band_share >= 0.85 * j.band_share_oracle;
    html! {
        div.cards {
            (card("Contact in the pressure band", &percent(j.band_share), &format!("{gain:+.0} points against one constant depth ({})", percent(j.band_share_constant_depth)), mood(reached && gain > 0.0)))
            (card("Of what is possible", &percent(j.band_share / j.band_share_oracle), &format!("depth tuned to each body alone: {}", percent(j.band_share_oracle)), Mood::Plain))
            (card("Cap violations", &format!("{} of {}", j.cap_violations, j.cap_checks), &bound(tuned), mood(j.cap_violations == 0)))
            (card("Coverage", &percent(j.coverage), &format!("{} cells cap-limited, {} infeasible", j.cap_limited, j.infeasible), mood(j.coverage >= 0.9)))
        }
    }
}

fn before_after(tuned: &Tuned, fallback: &Body) -> anyhow::Result<Markup> {
    let (Some(before), Some(after)) = (&tuned.before, &tuned.after) else {
        return Ok(html! {});
    };
    let first = tuned.replays.first();
    let body = first.map_or(fallback, |r| &r.body);
    let back = Back::new(body).map_err(|_| anyhow!("the replayed body is not plausible"))?;
    let full_pa = round_up(picture::peak_pa(before).max(picture::peak_pa(after)));
    let who = format!(
        "{}, {:.0} mm, BMI {:.1}",
        body.sex.name(),
        1e3 * body.stature_m,
        body.bmi_kg_m2
    );
    let level = first.map_or(String::new(), |r| format!(", level {}", r.level));
    let lead = format!(
        "The same session on the same held-out body ({who}{level}), simulated in full. Colour is the largest pressure that each place of the skin met; both pictures share one scale."
    );
    let figure = |map, title: &str, words: &str| -> anyhow::Result<Markup> {
        Ok(html! {
            figure {
                (picture::back_from_behind(&back, map, full_pa)?)
                figcaption { strong { (title) } " " (words) }
            }
        })
    };
    Ok(section(
        "Before and after",
        &lead,
        &html! {
            (picture::colour_bar(full_pa))
            div.row style="margin-top:10px" {
                (figure(before, "One constant depth.", "Today's practice: the best single depth from touch per level within the caps.")?)
                (figure(after, "Tuned.", "The depth map of this body's class.")?)
            }
        },
    ))
}

/// Levels of the middle: light enough to be common, firm enough to be felt.
const SHOWN: [u8; 3] = [2, 3, 4];

fn bands(tuned: &Tuned) -> Markup {
    let (first, last) = (
        tuned.stations.first().copied().unwrap_or(0.0),
        tuned.stations.last().copied().unwrap_or(1.0),
    );
    let highest = top(
        tuned
            .held_out
            .profiles
            .iter()
            .filter(|f| SHOWN.contains(&f.level))
            .map(|f| f.tuned[2].max(f.constant[1])),
        0.4,
    )
    .min(1.0);
    let chart = |technique: Technique, level: u8| {
        let rows: Vec<_> = tuned
            .held_out
            .profiles
            .iter()
            .filter(|f| f.technique == technique && f.level == level)
            .collect();
        let at = |f: &&Profile| f.u;
        let area = |pick: &dyn Fn(&Profile) -> [f64; 3]| {
            rows.iter()
                .map(|f| (at(f), pick(f)[0], pick(f)[2]))
                .collect::<Vec<_>>()
        };
        let line = |pick: &dyn Fn(&Profile) -> [f64; 3]| {
            rows.iter().map(|f| (at(f), pick(f)[1])).collect::<Vec<_>>()
        };
        let [low, high] = tuned.bands[usize::from(level.clamp(1, 5)) - 1];
        let title = format!("{}, level {level}", technique.name());
        let axis = Axis {
            label: "",
            from: 0.0,
            to: highest,
        };
        let levels = ["T1", "T4", "T7", "T10", "L1", "L3", "L5"];
        let marks = Level::ALL
            .into_iter()
            .filter(|l| levels.contains(&l.name()))
            .map(|l| (l.station(), l.name().to_string()));
        Chart::new(
            &title,
            Axis {
                label: "",
                from: first,
                to: last,
            },
            axis,
            360.0,
            210.0,
        )
        .marked(marks)
        .area(&[(first, low, high), (last, low, high)], "#2e9e6b", 0.20)
        .area(&area(&|f| f.constant), CONSTANT, 0.28)
        .area(&area(&|f| f.tuned), TUNED, 0.28)
        .dashed(&line(&|f| f.constant), "#8a93a6", 1.6)
        .line(&line(&|f| f.tuned), TUNED, 2.2)
        .svg()
    };
    html! {
        (key(&[("#b7dfcb", true, "band of the level"), (TUNED, false, "tuned, median body"), ("#8fbdb7", true, "10 to 90 % of bodies"), ("#8a93a6", false, "constant depth, median body"), ("#e3e6ec", true, "10 to 90 % of bodies")]))
        div.three { @for technique in &tuned.techniques { @for level in SHOWN { (chart(*technique, level)) } } }
    }
}

fn shares(tuned: &Tuned) -> Markup {
    // Classes weigh the same: each holds the same number of bodies.
    let mut sums: BTreeMap<(&str, u8), [f64; 4]> = BTreeMap::new();
    for s in &tuned.held_out.shares {
        let sum = sums.entry((s.technique.name(), s.level)).or_default();
        for (total, value) in sum.iter_mut().zip([s.tuned, s.constant, s.oracle, 1.0]) {
            *total += value;
        }
    }
    let panel = |technique: &Technique| {
        let axis = Axis {
            label: "% of contact",
            from: 0.0,
            to: 100.0,
        };
        let mut chart = Chart::new(
            technique.name(),
            Axis {
                label: "level",
                from: 0.5,
                to: 5.5,
            },
            axis,
            360.0,
            230.0,
        )
        .marked((1..=5u8).map(|l| (f64::from(l), l.to_string())));
        for level in 1..=5u8 {
            let Some([tuned, constant, oracle, n]) = sums.get(&(technique.name(), level)).copied()
            else {
                continue;
            };
            let x = f64::from(level);
            chart = chart
                .bar(x - 0.34, x - 0.02, 100.0 * constant / n, CONSTANT)
                .bar(x + 0.02, x + 0.34, 100.0 * tuned / n, TUNED)
                .tick(x - 0.02, x + 0.38, 100.0 * oracle / n, ORACLE);
        }
        chart.svg()
    };
    html! {
        (key(&[(CONSTANT, true, "one constant depth"), (TUNED, true, "tuned"), (ORACLE, false, "oracle")]))
        div.three { @for technique in &tuned.techniques { (panel(technique)) } }
    }
}

fn maps(tuned: &Tuned) -> Markup {
    let (classes, stations, levels) =
        (tuned.classes.len(), tuned.stations.len(), tuned.bands.len());
    // Kneading may start behind touch: its orbit reaches on.
    let feasible = || {
        tuned
            .cells
            .iter()
            .filter(|c| !c.infeasible)
            .map(|c| 1e3 * c.depth_m)
    };
    let low_mm = (feasible().fold(0.0, f64::min) / 10.0).floor() * 10.0;
    let full_mm = (feasible().fold(1.0, f64::max) / 10.0).ceil() * 10.0;
    // Level 5 on top: the page's up is harder.
    let rows: Vec<String> = (1..=levels).rev().map(|l| l.to_string()).collect();
    let ends = [tuned.stations.first(), tuned.stations.last()]
        .map(|u| u.map_or(String::new(), |u| format!("u {u:.2}")));
    let map = |t: usize, class: usize| {
        let cell = |i: usize| -> Option<&Cell> {
            let (level, station) = (levels - 1 - i / stations, i % stations);
            tuned
                .cells
                .get(((t * classes + class) * stations + station) * levels + level)
        };
        let colours: Vec<String> = (0..levels * stations)
            .map(|i| match cell(i) {
                Some(c) if !c.infeasible => {
                    picture::viridis((1e3 * c.depth_m - low_mm) / (full_mm - low_mm))
                }
                _ => "#c3c9d4".into(),
            })
            .collect();
        let signs: Vec<char> = (0..levels * stations)
            .map(|i| match cell(i) {
                Some(c) if c.infeasible => 'x',
                Some(c) if c.cap_limited => '.',
                _ => ' ',
            })
            .collect();
        Heat {
            title: &tuned.classes[class].name,
            columns: stations,
            colours: &colours,
            signs: &signs,
            rows: &rows,
            ends: [&ends[0], &ends[1]],
        }
        .svg()
    };
    html! {
        (picture::depth_bar(low_mm, full_mm))
        @for (t, technique) in tuned.techniques.iter().enumerate() {
            h3 { (technique.name()) }
            div.three { @for class in 0..classes { (map(t, class)) } }
        }
    }
}

fn limits(tuned: &Tuned) -> Markup {
    let per_technique = tuned.cells.len() / tuned.techniques.len().max(1);
    let mut counts: BTreeMap<(String, &str, &str), [usize; 2]> = BTreeMap::new();
    for (i, cell) in tuned
        .cells
        .iter()
        .enumerate()
        .filter(|(_, c)| c.cap_limited || c.infeasible)
    {
        let technique =
            tuned.techniques[(i / per_technique.max(1)).min(tuned.techniques.len() - 1)];
        let (limit, zone) = cell
            .binding
            .as_ref()
            .map_or(("not felt within the limits", "-"), |b| {
                (bound_name(b.limit), b.zone.name())
            });
        let count = counts
            .entry((technique.name().into(), limit, zone))
            .or_default();
        let which = usize::from(cell.infeasible);
        count[which] += 1;
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(_, n)| std::cmp::Reverse(n[0] + n[1]));
    let shown: Vec<Vec<String>> = rows
        .iter()
        .take(20)
        .map(|((technique, limit, zone), n)| {
            vec![
                technique.clone(),
                (*limit).into(),
                (*zone).into(),
                n[0].to_string(),
                n[1].to_string(),
            ]
        })
        .collect();
    html! {
        p { (tuned.held_out.cap_limited) " of " (tuned.cells.len()) " cells had their band moved down to a cap; " (tuned.held_out.infeasible) " have no depth that is both felt and safe. Below, a cell that is both counts as infeasible." }
        @if !shown.is_empty() { (page::table(&["technique", "nearest limit", "zone", "cap-limited cells", "infeasible cells"], &shown)) }
        @if rows.len() > shown.len() { p { (rows.len() - shown.len()) " rarer kinds are left out here; tuned.json has each cell." } }
    }
}

/// What none in so many bodies proves, or where to look.
fn bound(tuned: &Tuned) -> String {
    let j = &tuned.held_out;
    if j.cap_violations > 0 {
        return "This result must not be used".into();
    }
    format!(
        "With none in {} bodies, at most {} of bodies have one (one-sided, 95 %)",
        j.bodies,
        percent(j.cap_bound_95)
    )
}

pub fn bound_name(limit: Bound) -> &'static str {
    match limit {
        Bound::Force => "node force",
        Bound::Pressure => "local pressure",
        Bound::KeepOut => "pressure where none may be",
        Bound::Rate => "rise of the force",
        Bound::Balance => "the trunk would leave the pad",
        Bound::Push => "push into the lumbar spine",
    }
}

fn replays(tuned: &Tuned) -> Markup {
    if tuned.replays.is_empty() {
        return html! {};
    }
    let rows: Vec<Vec<String>> = tuned
        .replays
        .iter()
        .map(|r| {
            vec![
                format!(
                    "{}, {:.0} mm, BMI {:.1}",
                    r.body.sex.name(),
                    1e3 * r.body.stature_m,
                    r.body.bmi_kg_m2
                ),
                tuned
                    .classes
                    .get(r.class)
                    .map_or(String::new(), |c| c.name.clone()),
                r.level.to_string(),
                format!("{} of {}", percent(r.band_share), r.samples),
                percent(r.band_share_reckoned),
                format!("{} of {:.0} s", percent(r.band_share_by_time), r.contact_s),
                format!("{:.1} mm", 1e3 * r.worst_tracking_m),
                r.cap_violations.to_string(),
            ]
        })
        .collect();
    let head = [
        "body",
        "class",
        "level",
        "samples in the band",
        "the same by statics",
        "contact time in the band",
        "slide behind its command",
        "cap violations",
    ];
    section(
        "Replayed in the full simulator",
        "Tuning asks a quasi-static model a million times; the finished tables then run dynamically, with motors, friction, relaxation and a trunk that leans, on held-out bodies.",
        &html! {
            (page::table(&head, &rows))
            (page::table(&GAP_HEAD, &gap_rows(tuned)))
            @if let Some(first) = tuned.replays.first() { (over_time(tuned, first)) }
        },
    )
}

const GAP_HEAD: [&str; 5] = [
    "node force in all replays",
    "samples",
    "mean by statics",
    "run less statics, mean",
    "run less statics, RMS",
];

/// What statics was off by, by kind of moment, over all replays.
fn gap_rows(tuned: &Tuned) -> Vec<Vec<String>> {
    let of = |kind: MomentKind| {
        let gaps: Vec<_> = tuned
            .replays
            .iter()
            .flat_map(|r| r.gaps.iter().filter(|g| g.moment == kind))
            .collect();
        let samples: usize = gaps.iter().map(|g| g.samples).sum();
        let mean = |value: &dyn Fn(&Gap) -> f64| {
            gaps.iter()
                .map(|g| g.samples as f64 * value(g))
                .sum::<f64>()
                / samples.max(1) as f64
        };
        vec![
            kind.name().to_string(),
            samples.to_string(),
            format!("{:.1} N", mean(&|g| g.reckoned_n)),
            format!("{:+.1} N", mean(&|g| g.mean_n)),
            format!("{:.1} N", mean(&|g| g.rms_n * g.rms_n).sqrt()),
        ]
    };
    MomentKind::ALL.into_iter().map(of).collect()
}

/// Force and pressure of the first replay.
fn over_time(tuned: &Tuned, replay: &Replay) -> Markup {
    let end_s = replay.rows.last().map_or(1.0, |r| r.t_s);
    let time = |label| Axis {
        label,
        from: 0.0,
        to: end_s,
    };
    let [low, high] = tuned.bands[usize::from(replay.level.clamp(1, 5)) - 1];
    let highest_n = top(replay.rows.iter().flat_map(|r| r.force_n), 5.0);
    let highest = top(replay.rows.iter().flat_map(|r| r.fraction), 1.2 * high);
    // Left and right are alike; the right side is shown.
    let of = |node: usize, pick: &dyn Fn(&ReplayRow) -> [f64; 4]| {
        replay
            .rows
            .iter()
            .map(|r| (r.t_s, pick(r)[node]))
            .collect::<Vec<_>>()
    };
    let force = Chart::new(
        "Node force, first body",
        time(""),
        Axis {
            label: "N",
            from: 0.0,
            to: highest_n,
        },
        1060.0,
        200.0,
    );
    let share = Chart::new(
        "Share of the median pain threshold",
        time("time, s"),
        Axis {
            label: "",
            from: 0.0,
            to: highest,
        },
        1060.0,
        220.0,
    )
    .area(&[(0.0, low, high), (end_s, low, high)], "#2e9e6b", 0.20);
    let draw = |chart: Chart<'_>, pick: &dyn Fn(&ReplayRow) -> [f64; 4]| {
        [2, 3]
            .into_iter()
            .fold(chart, |c, node| {
                c.line(&of(node, pick), COLOURS[node - 2], 1.5)
            })
            .svg()
    };
    html! {
        div style="margin-top:22px" {
            (key(&[(COLOURS[0], false, "upper node"), (COLOURS[1], false, "lower node"), ("#b7dfcb", true, "band of the level")]))
            (draw(force, &|r| r.force_n))
            (draw(share, &|r| r.fraction))
        }
    }
}

fn checked(tuned: &Tuned, study: &Study) -> Markup {
    let j = &tuned.held_out;
    html! {
        ul {
            li { "Every held-out body was checked at every station and level against the caps of node force, local pressure, keep-out and rise of force, in the quasi-static model: " (j.cap_violations) " of " (j.cap_checks) " exceeded one. " (bound(tuned)) "." }
            li { "The replays were watched at every simulated step, against the same caps and the longest stay: " (tuned.replays.iter().map(|r| r.cap_violations).sum::<u64>()) " passed on " (tuned.replays.len()) " bodies." }
            @if let Some(w) = &j.worst {
                li { "The nearest call: " (percent(w.load)) " of the cap of " (bound_name(w.limit)) " over " (w.zone.name()) ", " (w.technique.name()) " at u " (format!("{:.2}", w.u)) ", level " (w.level) ", class " (tuned.classes.get(w.class).map_or("", |c| c.name.as_str())) "." }
            }
            li { "Tuning left " (percent(study.cap_margin)) " of every cap unused on the worst tuning body. The worst tenth of held-out cases reaches " (percent(j.cvar90_load)) " of its cap on average." }
            li { "Share of contact over a body's own pain threshold: " (percent(j.pain_share)) "." }
            li { "One constant depth, for comparison: " (tuned.constant_m.map(|m| format!("{:.1}", 1e3 * m)).join(", ")) " mm at levels 1 to 5." }
        }
        @if !tuned.estimates.is_empty() {
            h3 { "Estimates that these numbers lean on" }
            ul { @for e in &tuned.estimates { li { (e) } } }
        }
        div.note { strong { (tuned.notice) } }
    }
}
