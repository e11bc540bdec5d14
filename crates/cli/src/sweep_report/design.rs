//! What the points of a screening, or of a variance analysis, were picked to tell.

use super::effects::{bar_chart, scale_of, unit_of};
use super::{Files, quantity, row};
use crate::chart::{Axis, COLOURS, Chart, top};
use crate::page::{percent, table};
use maud::{Markup, html};
use serde_json::Value;
use tune::sweep::{Design, Plan};

/// Heading, lead and content, where the sampler has an answer of its own. `told` is `sensitivity` of `summary.json`.
pub fn answer(
    plan: &Plan,
    told: &Value,
    names: &[String],
    files: &mut Files,
) -> Option<(&'static str, &'static str, Markup)> {
    match plan.design()? {
        Design::Morris(_) => Some((
            "Which variables matter at all",
            "Elementary effects (Morris 1991): what an objective changes by if one variable goes over its whole range, all others standing still somewhere. mu* is their mean size; sigma, how much they differ from place to place: as large as mu* means that the variable acts with others, or bends. A variable near the origin may be left alone.",
            screening(plan, told, names, files),
        )),
        Design::Saltelli(_) => Some((
            "Which share of the variance each variable makes",
            "Sobol' indices by Saltelli's plan. First order: what a variable makes alone. Total: what would be left if all others were known, so a variable whose total is nothing may be fixed. Whiskers: 95 % interval of 1000 resamplings of rows.",
            shares(told, names, files),
        )),
    }
}

fn screening(plan: &Plan, told: &Value, names: &[String], files: &mut Files) -> Markup {
    let head = [
        "objective",
        "variable",
        "unit",
        "mu",
        "mu_star",
        "mu_star_pm_95",
        "sigma",
        "effects",
    ];
    let mut csv = vec![row(&head)];
    let blocks: Vec<Markup> = names
        .iter()
        .enumerate()
        .map(|(k, name)| {
            let (scale, unit) = (scale_of(plan, k), unit_of(plan, k));
            let mut effects: Vec<(&str, [f64; 4], u64)> = list(&told[name]["effects"])
                .map(|e| {
                    let number = |key: &str| scale * e[key].as_f64().unwrap_or(f64::NAN);
                    (
                        e["variable"].as_str().unwrap_or(""),
                        ["mu", "mu_star", "mu_star_pm_95", "sigma"].map(number),
                        e["used"].as_u64().unwrap_or(0),
                    )
                })
                .collect();
            for (variable, numbers, used) in &effects {
                let numbers = numbers.map(|v| {
                    if v.is_finite() {
                        v.to_string()
                    } else {
                        String::new()
                    }
                });
                let cells = [name.to_string(), (*variable).to_string(), unit.to_string()];
                csv.push(
                    cells
                        .into_iter()
                        .chain(numbers)
                        .chain([used.to_string()])
                        .collect(),
                );
            }
            // The strongest first, the first of equals; those that cannot be told last.
            let size = |e: &[f64; 4]| if e[1].is_finite() { e[1] } else { -1.0 };
            effects.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)));
            let rows: Vec<Vec<String>> = effects
                .iter()
                .map(|(variable, [mu, star, pm, sigma], used)| {
                    vec![
                        (*variable).to_string(),
                        format!("{} +- {}", quantity(*star), quantity(*pm)),
                        quantity(*mu),
                        quantity(*sigma),
                        used.to_string(),
                    ]
                })
                .collect();
            let unit = if unit.is_empty() {
                String::new()
            } else {
                format!(", {unit}")
            };
            html! {
                h3 { (name) }
                div.row {
                    (table(&["variable", &format!("mu*{unit}"), "mu", "sigma", "effects"], &rows))
                    figure { (scatter(&effects)) }
                }
                (missing(&told[name]))
            }
        })
        .collect();
    files.add("plot_sensitivity.csv", &csv);
    html! { @for block in &blocks { (block) } }
}

/// sigma over mu*, each variable with its name.
fn scatter(effects: &[(&str, [f64; 4], u64)]) -> Markup {
    let points: Vec<(f64, f64)> = effects.iter().map(|(_, e, _)| (e[1], e[3])).collect();
    let x = top(points.iter().map(|p| p.0), 1e-9);
    let y = top(points.iter().map(|p| p.1), 1e-9);
    let axis = |label, to| Axis {
        label,
        from: 0.0,
        to,
    };
    Chart::new("sigma", axis("mu*", x), axis("", y), 480.0, 240.0)
        .dashed(&[(0.0, 0.0), (x.min(y), x.min(y))], "#98a1b1", 1.2)
        .dots(&points, COLOURS[0], 5.0)
        .marked(
            effects
                .iter()
                .filter(|(_, e, _)| e[1].is_finite())
                .map(|(name, e, _)| (e[1], (*name).to_string())),
        )
        .svg()
}

fn shares(told: &Value, names: &[String], files: &mut Files) -> Markup {
    let mut csv = vec![row(&[
        "objective",
        "index",
        "variables",
        "value",
        "low_95",
        "high_95",
        "rows",
    ])];
    let mut keep = |name: &str, index: &str, variables: &str, found: &Value| {
        let cell = |key: &str| found[key].as_f64().map_or(String::new(), |v| v.to_string());
        let head = [name, index, variables].map(String::from);
        csv.push(
            head.into_iter()
                .chain(["value", "low", "high", "rows"].map(cell))
                .collect(),
        );
    };
    let blocks: Vec<Markup> = names
        .iter()
        .map(|name| {
            let told = &told[name];
            let bars = ["first", "total"].map(|index| {
                let bars: Vec<(String, f64, f64, f64)> = list(&told["shares"])
                    .filter_map(|s| {
                        let variable = s["variable"].as_str()?;
                        keep(name, index, variable, &s[index]);
                        let number = |key: &str| s[index][key].as_f64();
                        Some((variable.to_string(), number("value")?, number("low")?, number("high")?))
                    })
                    .collect();
                bars
            });
            let mut pairs: Vec<(String, f64, f64, f64)> = list(&told["pairs"])
                .filter_map(|p| {
                    let variables = [0, 1].map(|i| p["variables"][i].as_str().unwrap_or(""));
                    let both = variables.join(" x ");
                    keep(name, "second", &both, &p["second"]);
                    let number = |key: &str| p["second"][key].as_f64();
                    Some((both, number("value")?, number("low")?, number("high")?))
                })
                .collect();
            pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
            let rows: Vec<Vec<String>> = pairs
                .iter()
                .take(10)
                .map(|(both, v, low, high)| {
                    vec![both.clone(), percent(*v), format!("{} to {}", percent(*low), percent(*high))]
                })
                .collect();
            let few = bars[0].is_empty();
            html! {
                h3 { (name) }
                @if few {
                    p.lead { "Nothing can be told: the objective does not vary, or too few rows are complete." }
                } @else {
                    div.row {
                        figure { (bar_chart("alone (first order)", &bars[0])) }
                        figure { (bar_chart("with all others (total)", &bars[1])) }
                    }
                    @if !rows.is_empty() { (table(&["pair", "share beyond both", "95 %"], &rows)) }
                }
                (missing(told))
            }
        })
        .collect();
    files.add("plot_sensitivity.csv", &csv);
    html! { @for block in &blocks { (block) } }
}

/// Points that are not there, by number.
fn missing(told: &Value) -> Markup {
    let count = told["missing"].as_u64().unwrap_or(0);
    let first: Vec<String> = list(&told["first_missing"])
        .map(ToString::to_string)
        .collect();
    html! {
        @if count > 0 {
            p.lead { (count) " points have no value, and what they alone would complete is left out: " (first.join(", ")) @if count > first.len() as u64 { ", ..." } }
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
