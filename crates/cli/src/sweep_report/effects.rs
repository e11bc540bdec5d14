//! What the objectives hang on: how each runs along one axis, how much of its variance an axis makes, and which axes act together.

use super::gather::{Gathered, Point, scatter};
use super::{Files, quantity, readable, row};
use crate::chart::{Axis, COLOURS, Chart};
use crate::page;
use crate::picture;
use maud::{Markup, PreEscaped, html};
use scene::Variable;
use std::fmt::Write;
use tune::sensitivity::{Bin, interaction, main_effect};
use tune::sweep::Plan;

/// Parts that an interval is taken from.
const PARTS: u64 = 200;
/// Points of a part at most.
const PART: usize = 2_000;
/// Pairs of axes that are drawn.
const PAIRS: usize = 3;
/// Objectives whose effects are drawn.
const OBJECTIVES: usize = 4;

/// Points of the cube and a value of each.
pub struct Effects<'a> {
    plan: &'a Plan,
    /// Complete points, feasible or not.
    points: Vec<&'a Point>,
    cube: Vec<Vec<f64>>,
}

impl<'a> Effects<'a> {
    /// Of complete points.
    pub fn new(plan: &'a Plan, all: &'a Gathered) -> Effects<'a> {
        let points: Vec<&Point> = all.kept.iter().filter(|p| p.complete()).collect();
        let variables = &plan.sweep.variables;
        let place = |p: &&Point| -> Vec<f64> {
            let axes = plan.sweep.axes.iter();
            axes.map(|a| variables[a[0]].share_of(p.values[a[0]]))
                .collect()
        };
        let cube = points.iter().map(place).collect();
        Effects { plan, points, cube }
    }

    /// Whether there is enough to say anything.
    pub fn enough(&self) -> bool {
        self.points.len() >= 12 && !self.plan.sweep.objectives.is_empty()
    }

    fn axis(&self, axis: usize) -> &Variable {
        &self.plan.sweep.variables[self.plan.sweep.axes[axis][0]]
    }

    fn axes(&self) -> usize {
        self.plan.sweep.axes.len()
    }

    /// Stretches of an axis: its values where they are few, else so many that each holds some ten points.
    fn bins(&self, axis: usize) -> usize {
        let even = (self.points.len() / 10).clamp(3, 10);
        match self.axis(axis).places() {
            Some(places) if places <= 12 => places as usize,
            _ => even,
        }
    }

    fn values(&self, objective: usize) -> Vec<Option<f64>> {
        let scale = scale_of(self.plan, objective);
        let value = |p: &&Point| p.objectives.get(objective).map(|v| scale * v);
        self.points.iter().map(value).collect()
    }

    /// Main effects of all objectives, a row each.
    pub fn main(&self, names: &[String], files: &mut Files) -> Markup {
        let mut csv = vec![row(&[
            "objective",
            "variable",
            "from",
            "to",
            "points",
            "unit",
            "mean",
            "pm_95",
        ])];
        let objectives = names.iter().enumerate().take(OBJECTIVES);
        let rows: Vec<Markup> = objectives
            .map(|(k, name)| {
                let values = self.values(k);
                let effects: Vec<_> = (0..self.axes())
                    .map(|a| main_effect(&self.cube, &values, a, self.bins(a)).bins)
                    .collect();
                let range = range(effects.iter().flatten());
                let charts: Vec<Markup> = effects
                    .iter()
                    .enumerate()
                    .map(|(a, bins)| {
                        for (i, bin) in bins.iter().enumerate() {
                            let (from, to) = self.ends(a, i, bins.len());
                            let own = [name.clone(), self.axis(a).name.clone(), from, to];
                            let found = [
                                bin.count.to_string(),
                                unit_of(self.plan, k).to_string(),
                                maybe(bin.mean),
                                maybe(bin.pm_95),
                            ];
                            csv.push(own.into_iter().chain(found).collect());
                        }
                        self.main_chart(a, bins, range)
                    })
                    .collect();
                html! {
                    h3 { (name) " " span style="color:var(--soft);font-weight:400" { (unit_of(self.plan, k)) } }
                    div.effects { @for chart in &charts { figure { (chart) } } }
                }
            })
            .collect();
        files.add("plot_main_effects.csv", &csv);
        html! {
            style { (PreEscaped(".effects{display:grid;grid-template-columns:repeat(auto-fill,minmax(235px,1fr));gap:10px 18px}")) }
            @for row in &rows { (row) }
        }
    }

    /// Where a stretch begins and ends.
    fn ends(&self, axis: usize, bin: usize, bins: usize) -> (String, String) {
        let v = self.axis(axis);
        let edge = |k: usize| v.shown(v.at((k as f64 / bins as f64).min(1.0)));
        match v.places() {
            Some(_) => {
                let inside = v.shown(v.at((bin as f64 + 0.5) / bins as f64));
                (inside.clone(), inside)
            }
            None => (edge(bin), edge(bin + 1)),
        }
    }

    fn main_chart(&self, axis: usize, bins: &[Bin], (low, high): (f64, f64)) -> Markup {
        let v = self.axis(axis);
        let n = bins.len() as f64;
        let at = |i: usize| (i as f64 + 0.5) / n;
        let with = |b: &Bin| Some((b.mean?, b.pm_95.filter(|p| p.is_finite()).unwrap_or(0.0)));
        let found = || {
            let all = bins.iter().enumerate();
            all.filter_map(|(i, b)| with(b).map(|(m, pm)| (at(i), m, pm)))
        };
        let line: Vec<(f64, f64)> = found().map(|(x, m, _)| (x, m)).collect();
        let area: Vec<(f64, f64, f64)> = found().map(|(x, m, p)| (x, m - p, m + p)).collect();
        let (x, y) = (
            Axis {
                label: &v.unit,
                from: 0.0,
                to: 1.0,
            },
            Axis {
                label: "",
                from: low,
                to: high,
            },
        );
        Chart::new(&v.name, x, y, 270.0, 170.0)
            .marked(marks(v))
            .area(&area, COLOURS[0], 0.18)
            .line(&line, COLOURS[0], 2.0)
            .dots(&line, COLOURS[0], 2.6)
            .svg()
    }

    /// Shares of variance, with intervals.
    pub fn shares(&self, names: &[String], files: &mut Files) -> Markup {
        let mut csv = vec![row(&[
            "objective",
            "variable",
            "share",
            "low_95",
            "high_95",
        ])];
        let parts = parts(self.points.len());
        let objectives = names.iter().enumerate().take(OBJECTIVES);
        let charts: Vec<Markup> = objectives
            .map(|(k, name)| {
                let mut bars = Vec::new();
                for a in 0..self.axes() {
                    let (share, low, high) = self.share(k, a, &parts);
                    let own = [name.clone(), self.axis(a).name.clone()];
                    let found = [share, low, high].map(|v| v.to_string());
                    csv.push(own.into_iter().chain(found).collect());
                    bars.push((self.axis(a).name.clone(), share, low, high));
                }
                bars.sort_by(|a, b| b.1.total_cmp(&a.1));
                html! { figure { (bar_chart(name, &bars)) } }
            })
            .collect();
        files.add("plot_shares.csv", &csv);
        html! { div.row { @for chart in &charts { (chart) } } }
    }

    /// An axis' share of an objective's variance, with its interval.
    fn share(&self, objective: usize, axis: usize, parts: &[Vec<usize>]) -> (f64, f64, f64) {
        let column: Vec<Vec<f64>> = self.cube.iter().map(|p| vec![p[axis]]).collect();
        share(&column, &self.values(objective), self.bins(axis), parts)
    }

    /// The strongest pairs, an objective a row.
    pub fn interactions(&self, names: &[String], files: &mut Files) -> Markup {
        let mut csv = vec![row(&["objective", "first", "second", "share"])];
        let per_axis = ((self.points.len() as f64 / 6.0).sqrt() as usize).clamp(2, 6);
        let bins = |a: usize| match self.axis(a).places() {
            Some(places) => per_axis.min(places as usize),
            None => per_axis,
        };
        let pairs = (self.axes() * self.axes().saturating_sub(1)) / 2;
        let objectives = names.iter().enumerate().take(OBJECTIVES);
        let rows: Vec<Markup> = objectives
            .map(|(k, name)| {
                let values = self.values(k);
                let mut found = Vec::new();
                for a in 0..self.axes() {
                    for b in a + 1..self.axes() {
                        let cells = [bins(a), bins(b)];
                        if cells.contains(&1) {
                            continue;
                        }
                        let it = interaction(&self.cube, &values, [a, b], cells);
                        // With an empty cell there is no telling.
                        if it.cells.iter().any(|c| c.count == 0) {
                            continue;
                        }
                        csv.push(vec![
                            name.clone(),
                            self.axis(a).name.clone(),
                            self.axis(b).name.clone(),
                            it.share.to_string(),
                        ]);
                        found.push((a, b, cells, it));
                    }
                }
                // The first of equals.
                found.sort_by(|x, y| y.3.share.total_cmp(&x.3.share));
                found.truncate(PAIRS);
                let range = range(found.iter().flat_map(|f| &f.3.cells));
                if found.is_empty() {
                    return html! { h3 { (name) } p.lead { "Too few points for pairs of variables." } };
                }
                html! {
                    h3 { (name) " " span style="color:var(--soft);font-weight:400" { (unit_of(self.plan, k)) ": the strongest of " (pairs) " pairs" } }
                    div.three { @for (a, b, cells, it) in &found {
                        figure {
                            (self.heat([*a, *b], *cells, &it.cells, range))
                            figcaption { "acting together: " strong { (page::percent(it.share)) } " of the variance" }
                        }
                    } }
                }
            })
            .collect();
        files.add("plot_interactions.csv", &csv);
        html! { @for row in &rows { (row) } }
    }

    fn heat(&self, axes: [usize; 2], bins: [usize; 2], cells: &[Bin], range: (f64, f64)) -> Markup {
        let [a, b] = axes.map(|a| self.axis(a));
        let (left, top, width, height) = (64.0, 24.0, 330.0, 190.0);
        let (w, h) = (
            (width - left - 6.0) / bins[0] as f64,
            (height - top - 40.0) / bins[1] as f64,
        );
        let mut s = String::new();
        for i in 0..bins[0] {
            for k in 0..bins[1] {
                let cell = &cells[i * bins[1] + k];
                let (x, y) = (left + w * i as f64, top + h * (bins[1] - 1 - k) as f64);
                let t = |m: f64| (m - range.0) / (range.1 - range.0).max(1e-300);
                let (fill, ink) = match cell.mean {
                    Some(m) => (
                        picture::viridis(t(m)),
                        if t(m) > 0.55 { "#1c2330" } else { "#fff" },
                    ),
                    None => ("#f1f3f7".into(), "#5d6778"),
                };
                let words = cell.mean.map_or("none".into(), quantity);
                let _ = write!(
                    s,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{fill}\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"{ink}\">{words}</text>",
                    x + 0.5 * w,
                    y + 0.5 * h + 3.5
                );
            }
        }
        let side = |v: &Variable| [v.shown(v.at(0.0)), v.shown(v.at(1.0))].map(|t| trimmed(&t));
        let (x, y) = (side(a), side(b));
        let bottom = height - 40.0;
        html! {
            svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(format!("{} and {}", a.name, b.name)) {
                (PreEscaped(s))
                text x="0" y="12" font-size="11.5" font-weight="600" fill="#1c2330" { (b.name) " up, " (a.name) " to the right" }
                text x=(left - 6.0) y=(top + 10.0) font-size="10" text-anchor="end" fill="#5d6778" { (y[1]) }
                text x=(left - 6.0) y=(bottom) font-size="10" text-anchor="end" fill="#5d6778" { (y[0]) }
                text x=(left) y=(bottom + 14.0) font-size="10" fill="#5d6778" { (x[0]) }
                text x=(width - 6.0) y=(bottom + 14.0) font-size="10" text-anchor="end" fill="#5d6778" { (x[1]) }
                text x=(0.5 * (left + width)) y=(bottom + 28.0) font-size="10" text-anchor="middle" fill="#5d6778" { (a.name) " " (a.unit) }
            }
        }
    }
}

/// Names and units of marks at the ends and the middle, or of each word.
pub fn marks(v: &Variable) -> Vec<(f64, String)> {
    match v.places() {
        Some(places) if places <= 5 => (0..places)
            .map(|k| {
                let u = (k as f64 + 0.5) / places as f64;
                (u, trimmed(&v.shown(v.at(u))))
            })
            .collect(),
        _ => [0.0, 0.5, 1.0]
            .map(|u| (u, trimmed(&v.shown(v.at(u)))))
            .to_vec(),
    }
}

/// A number as text with three digits, words as they are.
fn trimmed(text: &str) -> String {
    text.parse().map_or_else(|_| text.into(), quantity)
}

fn maybe(value: Option<f64>) -> String {
    value
        .filter(|v| v.is_finite())
        .map_or(String::new(), |v| v.to_string())
}

/// Unit of an objective, as people read it.
pub fn unit_of(plan: &Plan, objective: usize) -> &str {
    let name = plan.sweep.objectives.get(objective).map(|o| &o.name);
    let column = plan.metrics().iter().find(|c| Some(&c.name) == name);
    column.map_or("", |c| readable(&c.unit).1)
}

/// What an objective is multiplied by, so that people can read it.
pub fn scale_of(plan: &Plan, objective: usize) -> f64 {
    let name = plan.sweep.objectives.get(objective).map(|o| &o.name);
    let column = plan.metrics().iter().find(|c| Some(&c.name) == name);
    column.map_or(1.0, |c| readable(&c.unit).0)
}

/// Lowest and highest mean, a little wider; intervals may reach over it.
fn range<'a>(bins: impl Iterator<Item = &'a Bin>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for mean in bins.filter_map(|b| b.mean) {
        low = low.min(mean);
        high = high.max(mean);
    }
    if high > low {
        let room = 0.45 * (high - low);
        (low - room, high + room)
    } else if low.is_finite() {
        (low - 1.0, low + 1.0)
    } else {
        (0.0, 1.0)
    }
}

/// Parts of so many points, half of them each or [`PART`], none twice in a part.
fn parts(points: usize) -> Vec<Vec<usize>> {
    let size = (points / 2).min(PART);
    let part = |r: u64| {
        let mut lots: Vec<(u64, usize)> = (0..points)
            .map(|i| (scatter(r << 32 | i as u64), i))
            .collect();
        if size < lots.len() {
            lots.select_nth_unstable(size);
        }
        let mut drawn: Vec<usize> = lots[..size].iter().map(|l| l.1).collect();
        drawn.sort_unstable();
        drawn
    };
    (0..PARTS).map(part).collect()
}

/// Share of the variance that an axis makes, and its interval: the share in each part against the whole, percentiles 2.5 and
/// 97.5, brought from the size `m` of a part to that of all `n` points by `sqrt(m / (n - m))` (delete-d jackknife, Shao and
/// Wu 1989). Resampling with points twice would take chance for an effect.
fn share(
    column: &[Vec<f64>],
    values: &[Option<f64>],
    bins: usize,
    parts: &[Vec<usize>],
) -> (f64, f64, f64) {
    let share = main_effect(column, values, 0, bins).share;
    let mut off: Vec<f64> = parts
        .iter()
        .map(|part| {
            let points: Vec<Vec<f64>> = part.iter().map(|i| column[*i].clone()).collect();
            let values: Vec<Option<f64>> = part.iter().map(|i| values[*i]).collect();
            let (m, n) = (part.len() as f64, column.len() as f64);
            (main_effect(&points, &values, 0, bins).share - share) * (m / (n - m)).sqrt()
        })
        .collect();
    off.sort_by(f64::total_cmp);
    let at = |q: f64| off.get((off.len().max(1) - 1).min((off.len() as f64 * q) as usize));
    let end = |q: f64| share + at(q).copied().unwrap_or(0.0);
    (
        share,
        end(0.025).clamp(0.0, share),
        end(0.975).clamp(share, 1.0),
    )
}

/// Lying bars with whiskers.
pub fn bar_chart(title: &str, bars: &[(String, f64, f64, f64)]) -> Markup {
    let (left, right, line) = (150.0, 44.0, 22.0);
    let width = 480.0;
    let height = 26.0 + line * bars.len() as f64 + 22.0;
    let most = bars.iter().map(|b| b.3).fold(0.1, f64::max).min(1.0);
    let x = |v: f64| left + (v / most).clamp(0.0, 1.0) * (width - left - right);
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(format!("shares of the variance of {title}")) {
            text x="0" y="13" font-size="12" font-weight="600" fill="#1c2330" { (title) }
            @for (i, (name, share, low, high)) in bars.iter().enumerate() {
                @let y = 26.0 + line * i as f64;
                text x=(left - 8.0) y=(y + 13.0) font-size="11" text-anchor="end" fill="#1c2330" { (name) }
                rect x=(left) y=(y + 3.0) width=(format!("{:.1}", x(*share) - left)) height="13" rx="2" fill=(COLOURS[0]) fill-opacity=".75" {}
                path d=(format!("M{:.1} {:.1}H{:.1}M{:.1} {:.1}v7M{:.1} {:.1}v7", x(*low), y + 9.5, x(*high), x(*low), y + 6.0, x(*high), y + 6.0)) stroke="#1c2330" stroke-width="1.3" fill="none" {}
                text x=(format!("{:.1}", x(*high) + 6.0)) y=(y + 13.0) font-size="11" fill="#5d6778" { (format!("{:.0} %", 100.0 * share)) }
            }
            text x=(left) y=(height - 6.0) font-size="10.5" fill="#5d6778" { "share of the variance, and its 95 % interval" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `y = 2 a + b` over the unit square has a share of 4/5 for a and 1/5 for b; ten stretches blur 1 % of each. c does
    /// nothing.
    #[test]
    fn val_shares_of_a_sum() {
        let points: Vec<Vec<f64>> = (0..600)
            .map(|i| tune::Sampler::Sobol.point(3, i, 600, 3))
            .collect();
        let values: Vec<Option<f64>> = points.iter().map(|p| Some(2.0 * p[0] + p[1])).collect();
        let parts = parts(points.len());
        for (axis, exact, near) in [(0, 0.8, 0.02), (1, 0.2, 0.03), (2, 0.0, 0.02)] {
            let column: Vec<Vec<f64>> = points.iter().map(|p| vec![p[axis]]).collect();
            let (found, low, high) = share(&column, &values, 10, &parts);
            assert!((found - exact).abs() < near, "{axis}: {found}");
            assert!(low <= exact && exact - 0.01 <= high, "{axis}: {low} {high}");
            assert!(high - low < 0.15, "{axis}: {low} {high}");
        }
        assert!(
            parts
                .iter()
                .all(|p| p.len() == 300 && p.windows(2).all(|w| w[0] < w[1]))
        );
    }
}
