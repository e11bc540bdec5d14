//! A run as a page.

use crate::chart::{Axis, COLOURS, Chart, key, top};
use crate::page::{self, section};
use crate::picture;
use crate::run_gist::{Gist, NODES};
use crate::run_scan;
use back::{Back, Body};
use maud::{Markup, html};
use scene::Scene;
use sim::{Beyond, Limit, Shoulder, Trace, TraceRow, Violation};

/// Points of a line at most: more cannot be seen.
const POINTS_MAX: usize = 900;

/// The whole page.
pub fn page(
    scene: &Scene,
    back: &Back,
    trace: &Trace,
    gist: &Gist<'_>,
    shoulder: Option<&Shoulder>,
    warnings: &[String],
) -> anyhow::Result<String> {
    let mut facts = vec![
        ("body", person(back.body())),
        ("mechanism", scene.mechanism.name.clone()),
        (
            "session",
            format!("{}, {:.1} s", scene.session.name, trace.duration_s),
        ),
        (
            "recline",
            format!(
                "{:.0}° from the vertical",
                scene.chair.recline_rad.to_degrees()
            ),
        ),
        ("scene", scene.hash()[..12].to_string()),
    ];
    if let Some(found) = shoulder {
        facts.push(("body scan", run_scan::line(found)));
    }
    let full_pa = round_up(picture::peak_pa(&trace.map));
    let content = html! {
        (gist.cards())
        (gist.notes(warnings))
        (section("Pressure over the back", "The largest pressure that each place of the skin met during the session. The skin is unrolled and seen from behind; stations run from C7 (0) to S2 (1).", &html! {
            div.row {
                div style="flex:1.2" { (picture::back_from_behind(back, &trace.map, full_pa)?) }
                div {
                    (picture::colour_bar(full_pa))
                    (gist.tables())
                }
            }
        }))
        (section("Over time", "Limits are watched at every step; the lines show 50 samples a second.", &lines(trace)))
    };
    Ok(page::page(
        "Simulated session",
        &scene.name,
        "Four nodes on layered tissue: forces and moments are the integral of the pressure field shown here.",
        &facts,
        &content,
    ))
}

/// A body in words.
pub fn person(body: &Body) -> String {
    format!(
        "{}, {:.0} mm, BMI {:.1}, {:.0} years",
        body.sex.name(),
        1e3 * body.stature_m,
        body.bmi_kg_m2,
        body.age_yr
    )
}

/// Limits passed, as a table.
pub fn limits(violations: &[Violation], nodes: &[&str]) -> Markup {
    html! {
        @if violations.is_empty() {
            p { "No limit was passed." }
        } @else {
            @let rows: Vec<Vec<String>> = worst(violations).into_iter().map(|v| cells(v, nodes).to_vec()).collect();
            (page::table(&["limit", "zone", "node", "worst", "allowed", "from"], &rows))
        }
    }
}

/// The worst of each limit and zone: left and right are often alike.
pub fn worst(violations: &[Violation]) -> Vec<&Violation> {
    let mut out: Vec<&Violation> = Vec::new();
    for v in violations {
        match out
            .iter_mut()
            .find(|o| o.limit == v.limit && o.zone == v.zone)
        {
            Some(o) if v.value / v.allowed > o.value / o.allowed => *o = v,
            Some(_) => {}
            None => out.push(v),
        }
    }
    out
}

/// Where nodes went deeper than the force law is held to, a line a node.
pub fn beyond(beyond: &[Option<Beyond>], nodes: &[&str]) -> Vec<String> {
    let line = |(b, name): (&Option<Beyond>, &&str)| {
        b.as_ref().map(|b| {
            format!(
                "{name} node {:.1} mm into the tissue, {:.2} of the {:.1} mm that are held, at {:.1} s, station {:.2}, {:+.0} mm from the midline: {}",
                1e3 * b.depth_m,
                b.share(),
                1e3 * b.held_m,
                b.t_s,
                b.u,
                1e3 * b.x_m,
                b.meaning
            )
        })
    };
    beyond.iter().zip(nodes).filter_map(line).collect()
}

/// A passed limit in words.
pub fn violation(v: &Violation, nodes: &[&str]) -> String {
    let [what, zone, node, worst, allowed, from]: [String; 6] = cells(v, nodes);
    format!("{what}: {worst} by the {node} node over {zone} at {from}, allowed {allowed}")
}

fn cells(v: &Violation, nodes: &[&str]) -> [String; 6] {
    let (what, scale, unit) = match v.limit {
        Limit::Force => ("node force", 1.0, "N"),
        Limit::Pressure => ("local pressure", 1e-3, "kPa"),
        Limit::KeepOut => ("pressure where none may be", 1e-3, "kPa"),
        Limit::Rate => ("rise of force", 1.0, "N/s"),
        Limit::Dwell => ("stay near the pain threshold", 1.0, "s"),
        Limit::Shear => ("shear over normal force", 1.0, ""),
        Limit::Push => ("push into the lumbar spine", 1e3, "mm"),
        Limit::Dose => ("pressure over time", 1e-3, "kPa s"),
        Limit::Session => ("length of the session", 1.0, "s"),
    };
    [
        what.into(),
        v.zone.name().into(),
        nodes.get(v.node).copied().unwrap_or_default().into(),
        format!("{:.1} {unit}", scale * v.value),
        format!("{:.1} {unit}", scale * v.allowed),
        format!("{:.1} s", v.t_s),
    ]
}

fn lines(trace: &Trace) -> Markup {
    let rows: Vec<&TraceRow> = thin(&trace.rows);
    let end_s = trace.duration_s.max(0.1);
    let time = Axis {
        label: "time, s",
        from: 0.0,
        to: end_s,
    };
    let of = |f: &dyn Fn(&TraceRow) -> f64| rows.iter().map(|r| (r.t_s, f(r))).collect::<Vec<_>>();
    let axis = |label, values: &mut dyn Iterator<Item = f64>, floor| Axis {
        label,
        from: 0.0,
        to: top(values, floor),
    };

    let mut force = Chart::new(
        "Node force",
        time,
        axis("N", &mut rows.iter().flat_map(|r| r.force_n), 5.0),
        1080.0,
        250.0,
    );
    for (i, colour) in COLOURS.iter().enumerate().take(NODES.len()) {
        let points = of(&|r| r.force_n[i]);
        // Left and right are often alike: the right side in dashes lets the left one through.
        force = if i < 2 {
            force.line(&points, colour, 1.6)
        } else {
            force.dashed(&points, colour, 1.6)
        };
    }
    let slide = Chart::new(
        "Protrusion",
        time,
        axis(
            "mm",
            &mut rows
                .iter()
                .map(|r| 1e3 * r.command_protrude_m.max(r.protrude_m)),
            10.0,
        ),
        540.0,
        230.0,
    )
    .line(&of(&|r| 1e3 * r.protrude_m), COLOURS[0], 1.6)
    .dashed(&of(&|r| 1e3 * r.command_protrude_m), COLOURS[1], 1.2);
    let station = Chart::new(
        "Station",
        time,
        Axis {
            label: "u, 0 is C7 and 1 is S2",
            from: 0.0,
            to: 1.0,
        },
        540.0,
        230.0,
    )
    .line(&of(&|r| r.station), COLOURS[2], 1.6);
    let mut current = Chart::new(
        "Motor current",
        time,
        axis(
            "A",
            &mut rows.iter().flat_map(|r| r.current_a.map(f64::abs)),
            0.5,
        ),
        540.0,
        230.0,
    );
    for (i, colour) in COLOURS.iter().enumerate().take(3) {
        current = current.line(&of(&|r| r.current_a[i].abs()), colour, 1.3);
    }
    let pain = Chart::new(
        "Share of the median pain threshold",
        time,
        axis("", &mut rows.iter().flat_map(|r| r.fraction), 0.3),
        540.0,
        230.0,
    );
    let pain = (0..4).fold(pain, |chart, i| {
        chart.line(&of(&|r| r.fraction[i]), COLOURS[i], 1.3)
    });
    let named = |names: &[&'static str]| {
        key(&names
            .iter()
            .enumerate()
            .map(|(i, n)| (COLOURS[i], false, *n))
            .collect::<Vec<_>>())
    };
    html! {
        (named(&NODES)) (force.svg())
        div.row style="margin-top:18px" {
            figure { (named(&["reached", "asked for"])) (slide.svg()) }
            figure { (key(&[(COLOURS[2], false, "carriage")])) (station.svg()) }
        }
        div.row style="margin-top:18px" {
            figure { (named(&["walk", "knead", "protrude"])) (current.svg()) }
            figure { (named(&NODES)) (pain.svg()) }
        }
    }
}

/// Every nth row, so that a page stays small.
fn thin(rows: &[TraceRow]) -> Vec<&TraceRow> {
    rows.iter()
        .step_by(rows.len().div_ceil(POINTS_MAX).max(1))
        .collect()
}

/// The next round pressure, so that a colour bar ends on a number that can be read.
pub fn round_up(pressure_pa: f64) -> f64 {
    let kpa = (1e-3 * pressure_pa).max(1.0);
    let step = if kpa > 100.0 { 40.0 } else { 20.0 };
    1e3 * step * (kpa / step).ceil()
}
