//! Fitted moduli as a page: the measured points, the fitted curve, what is left between them, and what the curve knows.

use crate::chart::{Axis, COLOURS, CONSTANT, Chart, key, top};
use crate::fit::{Sheet, file_name, significant};
use crate::force_log::Curve;
use crate::page::{self, Mood, card, section};
use crate::print::number;
use maud::{Markup, html};
use tissue::{Fit, FittedCurve};

/// The whole page.
pub fn page(sheet: &Sheet, curves: &[Curve], found: &Fit) -> String {
    let facts = [
        ("start stack", sheet.stack.clone()),
        ("curves", names(curves).join("; ")),
        ("rows", sheet.goodness.rows.to_string()),
    ];
    let content = html! {
        (cards(sheet))
        @for note in &sheet.notes { div.note { (note) } }
        (section("Force over depth", "Dots are measured, lines are the fitted stack, dashes the stack that the search began with.", &force(curves, found)))
        (section("What is left", "Measured less fitted. Dots that follow each other tell of a shape that the model does not have: another touch point, other thicknesses, or relaxation.", &residuals(curves, found)))
        (section("Moduli", "Intervals are 95 %, of the measured scatter alone. The share says how much of the force hangs on a layer: a modulus 1 % higher raises the force by so much of 1 %. Shares of all layers sum to 1.", &moduli(sheet)))
        (section("What the curve knows", "A force-depth curve knows some products of powers of the moduli well and others hardly. Each line is one such product; below a factor of 2 it counts as known.", &html! {
            div.row {
                div { (combinations(sheet)) @if !sheet.trials.is_empty() { h3 { "Tried beyond one scale" } (trials(sheet)) } }
                div { (shares(sheet, curves, found)) }
            }
        }))
    };
    page::page(
        "Fitted tissue",
        "Moduli from force and depth",
        "The layered stack that explains a measured press, and how well it is known.",
        &facts,
        &content,
    )
}

fn names(curves: &[Curve]) -> Vec<String> {
    curves
        .iter()
        .map(|c| format!("{}, {}", file_name(&c.file), c.node.text))
        .collect()
}

fn cards(sheet: &Sheet) -> Markup {
    let g = &sheet.goodness;
    let known = sheet
        .combinations
        .iter()
        .filter(|c| c.known_to_factor.is_some_and(|f| f < 2.0))
        .count();
    let mood = if g.misfit_percent > 15.0 {
        Mood::Bad
    } else {
        Mood::Plain
    };
    let fitted = sheet.parameters.len();
    html! {
        div.cards {
            (card("Misfit", &format!("{:.1} %", g.misfit_percent), "root mean square, of the force", mood))
            (card("Left over", &format!("{} N", number(significant(g.rms_n, 3))), "root mean square", Mood::Plain))
            (card("Fitted numbers", &fitted.to_string(), &format!("{:.0} degrees of freedom left", g.degrees_of_freedom), Mood::Plain))
            (card("Known", &format!("{known} of {}", sheet.combinations.len()), "combinations of moduli, to a factor of 2", Mood::Plain))
        }
    }
}

fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

fn legend(curves: &[Curve]) -> Markup {
    let names = names(curves);
    key(&names
        .iter()
        .enumerate()
        .map(|(i, n)| (colour(i), false, n.as_str()))
        .collect::<Vec<_>>())
}

fn depth_axis(curves: &[FittedCurve]) -> Axis<'static> {
    Axis {
        label: "depth as measured, mm",
        from: 1e3 * curves.iter().map(|c| c.touch_m).fold(0.0, f64::min),
        to: top(
            curves
                .iter()
                .flat_map(|c| &c.points)
                .map(|p| 1e3 * p.depth_m),
            0.0,
        ),
    }
}

fn force(curves: &[Curve], found: &Fit) -> Markup {
    let points = || found.curves.iter().flat_map(|c| &c.points);
    let axis = Axis {
        label: "N",
        from: points().map(|p| p.force_n).fold(0.0, f64::min),
        to: top(points().flat_map(|p| [p.force_n, p.model_n]), 1e-6),
    };
    let mut chart = Chart::new("Force", depth_axis(&found.curves), axis, 1080.0, 330.0);
    for c in &found.curves {
        // What lies beyond the axis is left out.
        let start: Vec<_> = c
            .line
            .iter()
            .map(|l| (1e3 * l.depth_m, l.start_n))
            .take_while(|l| l.1 <= axis.to)
            .collect();
        chart = chart.dashed(&start, CONSTANT, 1.4);
    }
    for (i, c) in found.curves.iter().enumerate() {
        let line: Vec<_> = c
            .line
            .iter()
            .map(|l| (1e3 * l.depth_m, l.force_n))
            .collect();
        let dots: Vec<_> = c
            .points
            .iter()
            .map(|p| (1e3 * p.depth_m, p.force_n))
            .collect();
        chart = chart
            .line(&line, colour(i), 1.6)
            .dots(&dots, colour(i), radius(dots.len()));
    }
    html! { (legend(curves)) (chart.svg()) }
}

/// Dots of a dense log are small.
fn radius(dots: usize) -> f64 {
    if dots > 200 { 1.4 } else { 3.2 }
}

fn residuals(curves: &[Curve], found: &Fit) -> Markup {
    let left = |c: &FittedCurve| {
        c.points
            .iter()
            .map(|p| (1e3 * p.depth_m, p.force_n - p.model_n))
            .collect::<Vec<_>>()
    };
    let far = top(found.curves.iter().flat_map(left).map(|p| p.1.abs()), 1e-9);
    let axis = Axis {
        label: "N",
        from: -far,
        to: far,
    };
    let depth = depth_axis(&found.curves);
    let mut chart = Chart::new("Measured less fitted", depth, axis, 1080.0, 210.0).line(
        &[(depth.from, 0.0), (depth.to, 0.0)],
        "#9aa3b2",
        1.0,
    );
    for (i, c) in found.curves.iter().enumerate() {
        let dots = left(c);
        chart = chart.dots(&dots, colour(i), radius(dots.len()));
    }
    html! { (legend(curves)) (chart.svg()) }
}

fn moduli(sheet: &Sheet) -> Markup {
    let rows: Vec<Vec<String>> = sheet
        .layers
        .iter()
        .map(|l| {
            vec![
                l.layer.clone(),
                number(l.thickness_mm),
                number(significant(l.e_kpa, 4)),
                format!("{:.2}", l.share),
                l.grounds(),
            ]
        })
        .collect();
    page::table(
        &[
            "layer",
            "thickness, mm",
            "modulus, kPa",
            "share",
            "what holds it",
        ],
        &rows,
    )
}

fn combinations(sheet: &Sheet) -> Markup {
    let rows: Vec<Vec<String>> = sheet
        .combinations
        .iter()
        .map(|c| {
            let product: Vec<String> = sheet
                .layers
                .iter()
                .zip(&c.exponents)
                .filter(|(_, e)| e.abs() >= 0.05)
                .map(|(l, e)| format!("{}^{e:.2}", l.layer))
                .collect();
            let factor = match c.known_to_factor {
                Some(f) if f < 1.5 => format!("{:.1} %", 100.0 * (f - 1.0)),
                Some(f) if f < 100.0 => format!("a factor of {f:.1}"),
                _ => "not known".into(),
            };
            vec![product.join(" "), factor]
        })
        .collect();
    page::table(&["product of moduli", "known to (95 %)"], &rows)
}

fn trials(sheet: &Sheet) -> Markup {
    let rows: Vec<Vec<String>> = sheet
        .trials
        .iter()
        .map(|t| {
            let chance = if t.p_value < 1e-4 {
                "below 0.0001".into()
            } else {
                format!("{:.4}", t.p_value)
            };
            vec![
                t.freed.clone(),
                number(significant(t.rms_n, 3)),
                chance,
                if t.kept { "kept" } else { "not kept" }.into(),
            ]
        })
        .collect();
    page::table(
        &["freed", "rms, N", "chance of such a gain by luck", ""],
        &rows,
    )
}

/// Of the first curve: how much of the force hangs on each layer, over depth.
fn shares(sheet: &Sheet, curves: &[Curve], found: &Fit) -> Markup {
    let (Some(c), Some(curve)) = (found.curves.first(), curves.first()) else {
        return html! {};
    };
    let title = format!("Share in the force, {}", curve.node.text);
    let axis = Axis {
        label: "d ln F / d ln E",
        from: 0.0,
        to: 1.0,
    };
    let depth = depth_axis(std::slice::from_ref(c));
    let mut chart = Chart::new(&title, depth, axis, 540.0, 260.0);
    for l in 0..sheet.layers.len() {
        let line: Vec<_> = c
            .line
            .iter()
            .map(|p| (1e3 * p.depth_m, p.shares[l]))
            .collect();
        chart = chart.line(&line, colour(l), 1.6);
    }
    let entries: Vec<(&str, bool, &str)> = sheet
        .layers
        .iter()
        .enumerate()
        .map(|(i, l)| (colour(i), false, l.layer.as_str()))
        .collect();
    html! { (key(&entries)) (chart.svg()) }
}
