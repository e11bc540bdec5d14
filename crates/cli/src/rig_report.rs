//! A rig's run as a page.

use crate::chart::{Axis, COLOURS, Chart, key, top};
use crate::page::{self, section};
use crate::picture;
use crate::run_gist::Gist;
use crate::run_report::{person, round_up};
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
    gist: &Gist<'_>,
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
    let content = html! {
        (gist.cards())
        (gist.notes(warnings))
        (section("Pressure over the back", "The largest pressure that each place of the skin met. The skin is unrolled and seen from behind; stations run from C7 (0) to S2 (1).", &html! {
            div.row {
                div style="flex:1.2" { (picture::back_from_behind(back, &trace.map, full_pa)?) }
                div {
                    (picture::colour_bar(full_pa))
                    (gist.tables())
                }
            }
        }))
        (section("Over time", "Limits are watched at every step; each point of a line is the largest of its interval, of speeds the mean.", &lines(scene, trace, &gist.names)))
    };
    Ok(page::page(
        "Simulated machine",
        &scene.name,
        "A machine described by its links, joints and motors on layered tissue: forces and moments are the integral of the pressure field shown here.",
        &facts,
        &content,
    ))
}

/// How the values of an interval become one point.
#[derive(Clone, Copy)]
enum Pick {
    Largest,
    Mean,
}

fn lines(scene: &RigScene, trace: &RigTrace, nodes: &[&str]) -> Markup {
    let time = Axis {
        label: "time, s",
        from: 0.0,
        to: trace.duration_s.max(0.1),
    };
    let drives: Vec<&str> = scene.rig.drives.iter().map(|d| d.name.as_str()).collect();
    let forces = curves(trace, nodes, "_force_n", 1.0, Pick::Largest);
    let fractions = curves(trace, nodes, "_pain_fraction", 1.0, Pick::Largest);
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
