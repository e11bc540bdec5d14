//! A rig's run as a page.

use crate::chart::{Axis, COLOURS, Chart, key, top};
use crate::page::{self, Mood, card, section};
use crate::picture;
use crate::run_report::{beyond, limits, person, round_up};
use back::Back;
use maud::{Markup, html};
use scene::RigScene;
use sim::RigTrace;

/// Points of a line at most: more cannot be seen.
const POINTS_MAX: usize = 900;

/// The whole page.
pub fn page(
    scene: &RigScene,
    back: &Back,
    trace: &RigTrace,
    warnings: &[String],
) -> anyhow::Result<String> {
    let facts = [
        ("body", person(back.body())),
        ("machine", scene.rig.name.clone()),
        ("time", format!("{:.1} s", trace.duration_s)),
        (
            "recline",
            format!(
                "{:.0}° from the vertical",
                scene.chair.recline_rad.to_degrees()
            ),
        ),
        ("scene", scene.hash()[..12].to_string()),
    ];
    let full_pa = round_up(picture::peak_pa(&trace.map));
    let names = names(trace);
    let content = html! {
        (cards(trace))
        @if let Some(fault) = &trace.fault {
            div.note.bad { strong { "The run broke off. " } (fault.to_string()) }
        } @else if trace.duration_s + 0.01 < scene.duration_s {
            div.note { "The run was stopped after " (format!("{:.1} of {:.1}", trace.duration_s, scene.duration_s)) " s." }
        }
        @for w in warnings { div.note { (w) } }
        @for w in beyond(&trace.beyond, &names) { div.note { "Deeper than what is validated: " (w) } }
        (section("Pressure over the back", "The largest pressure that each place of the skin met. The skin is unrolled and seen from behind; stations run from C7 (0) to S2 (1).", &html! {
            div.row {
                div style="flex:1.2" { (picture::back_from_behind(back, &trace.map, full_pa)?) }
                div {
                    (picture::colour_bar(full_pa))
                    (tables(trace))
                    h3 { "Limits" }
                    (limits(&trace.violations, &names))
                }
            }
        }))
        (section("Over time", "Limits are watched at every step; each point of a line is the largest of its interval, of speeds the mean.", &lines(scene, trace)))
    };
    Ok(page::page(
        "Simulated machine",
        &scene.name,
        "A machine described by its links, joints and motors on layered tissue: forces and moments are the integral of the pressure field shown here.",
        &facts,
        &content,
    ))
}

/// Names of the nodes.
pub fn names(trace: &RigTrace) -> Vec<&str> {
    trace.node_names.iter().map(String::as_str).collect()
}

fn cards(trace: &RigTrace) -> Markup {
    let force_n = trace.nodes.iter().map(|n| n.force_n).fold(0.0, f64::max);
    let peak_kpa = 1e-3 * trace.nodes.iter().map(|n| n.peak_pa).fold(0.0, f64::max);
    let passed = trace.violations.len();
    html! {
        div.cards {
            (card("Largest node force", &format!("{force_n:.1} N"), "one node, any step", Mood::Plain))
            (card("Largest pressure", &format!("{peak_kpa:.0} kPa"), &format!("{:.0} cells in a patch on average", trace.cells_per_patch), Mood::Plain))
            (card("Trunk pushed out", &format!("{:.1} mm", 1e3 * trace.trunk_lift_m), "against its rest on the pad", Mood::Plain))
            (card("Limits passed", &passed.to_string(), "force, pressure, keep-out, rate, dwell", if passed == 0 { Mood::Good } else { Mood::Bad }))
        }
    }
}

fn tables(trace: &RigTrace) -> Markup {
    let nodes: Vec<Vec<String>> = trace
        .nodes
        .iter()
        .zip(&trace.node_names)
        .map(|(n, name)| {
            vec![
                name.clone(),
                format!("{:.1}", n.force_n),
                format!("{:.0}", 1e-3 * n.peak_pa),
            ]
        })
        .collect();
    let motors: Vec<Vec<String>> = trace
        .motors
        .iter()
        .map(|m| {
            vec![
                m.name.clone(),
                format!("{:.2}", m.peak_a),
                format!("{:.2}", m.rms_a),
            ]
        })
        .collect();
    html! {
        h3 { "Nodes" }
        (page::table(&["node", "largest force, N", "largest pressure, kPa"], &nodes))
        h3 { "Drives" }
        (page::table(&["drive", "largest current, A", "effective, A"], &motors))
    }
}

/// How the values of an interval become one point.
#[derive(Clone, Copy)]
enum Pick {
    Largest,
    Mean,
}

fn lines(scene: &RigScene, trace: &RigTrace) -> Markup {
    let time = Axis {
        label: "time, s",
        from: 0.0,
        to: trace.duration_s.max(0.1),
    };
    let drives: Vec<&str> = scene.rig.drives.iter().map(|d| d.name.as_str()).collect();
    let forces = curves(trace, &names(trace), "_force_n", 1.0, Pick::Largest);
    let fractions = curves(trace, &names(trace), "_pain_fraction", 1.0, Pick::Largest);
    let currents = curves(trace, &drives, "_current_a", 1.0, Pick::Largest);
    let joints: Vec<&str> = scene.rig.drives.iter().map(|d| d.joint.as_str()).collect();
    let turns = curves(
        trace,
        &joints,
        "_joint_rad_s",
        60.0 / std::f64::consts::TAU,
        Pick::Mean,
    );
    let slides = curves(trace, &joints, "_joint_m", 1e3, Pick::Largest);
    let lift = curves(trace, &["lean"], "_y_m", 1e3, Pick::Largest);
    html! {
        (drawn("Node force", "N", time, &forces, 5.0, 1080.0))
        div.row style="margin-top:18px" {
            @if !turns.is_empty() { figure { (drawn("Speed of driven joints", "rpm", time, &turns, 1.0, 540.0)) } }
            @if !slides.is_empty() { figure { (drawn("Place of driven slides", "mm", time, &slides, 1.0, 540.0)) } }
            figure { (drawn("Current", "A", time, &currents, 0.5, 540.0)) }
            figure { (drawn("Share of the median pain threshold", "", time, &fractions, 0.3, 540.0)) }
            figure { (drawn("Trunk pushed out", "mm", time, &lift, 1.0, 540.0)) }
        }
    }
}

/// A named line.
type Curve = (String, Vec<(f64, f64)>);

/// The columns that are named so, at most as many as there are colours.
fn curves(trace: &RigTrace, names: &[&str], suffix: &str, scale: f64, pick: Pick) -> Vec<Curve> {
    let Some(t_s) = trace.column("t_s") else {
        return Vec::new();
    };
    let every = t_s.len().div_ceil(POINTS_MAX).max(1);
    let lines = names.iter().filter_map(|name| {
        let values = trace.column(&format!("{name}{suffix}"))?;
        let points = t_s
            .chunks(every)
            .zip(values.chunks(every))
            .map(|(t, v)| {
                let value = match pick {
                    Pick::Largest => v
                        .iter()
                        .fold(v[0], |a, b| if b.abs() > a.abs() { *b } else { a }),
                    Pick::Mean => v.iter().sum::<f64>() / v.len() as f64,
                };
                (t[0], scale * value)
            })
            .collect();
        Some((name.replace('_', " "), points))
    });
    lines.take(COLOURS.len()).collect()
}

fn drawn(
    title: &str,
    unit: &str,
    time: Axis<'_>,
    curves: &[Curve],
    floor: f64,
    width: f64,
) -> Markup {
    let values = || curves.iter().flat_map(|c| c.1.iter().map(|p| p.1));
    let low = -top(values().map(|v| -v), 0.0);
    let axis = Axis {
        label: unit,
        from: if low < 0.0 { low } else { 0.0 },
        to: top(values(), floor),
    };
    let mut chart = Chart::new(title, time, axis, width, 240.0);
    for ((_, points), colour) in curves.iter().zip(COLOURS) {
        chart = chart.line(points, colour, 1.4);
    }
    let entries: Vec<(&str, bool, &str)> = curves
        .iter()
        .zip(COLOURS)
        .map(|((name, _), colour)| (colour, false, name.as_str()))
        .collect();
    html! { (key(&entries)) (chart.svg()) }
}
