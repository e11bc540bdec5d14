//! `report.html` of a sweep: what varied, how it ended, what is best, what it hangs on and how sure that is; beside it the numbers
//! of its pictures as CSV. No clock, host or path: merged files of one plan give the same bytes.

mod design;
mod effects;
mod gather;
mod parallel;

use crate::chart::{Axis, COLOURS, Chart, key};
use crate::page::{self, Mood, card, page, section, table};
use crate::picture;
use crate::print;
use crate::sweep::merge::Merged;
use crate::sweep::place::Place;
use crate::sweep::rows;
use back::{Back, Body};
use effects::{Effects, scale_of, unit_of};
use gather::{Gathered, KEPT, LISTED, Point, SHOWN, cost};
use maud::{Markup, PreEscaped, html};
use scene::{AnyScene, Limit, Objective, Over, Span, Surface};
use serde_json::Value;
use std::sync::Arc;
use tune::sweep::{Judge, Plan, Record, State};
use tune::{Ask, Depth, Workshop, optimism};

/// Its name.
pub const REPORT: &str = "report.html";
const BAD: &str = "#98a1b1";
const GOOD: &str = COLOURS[0];
const FRONT: &str = COLOURS[1];
const CHOSEN: &str = "#1c2330";
/// Lines of the parallel coordinates at most, beside the front.
const LINES: usize = 400;

/// CSV files beside the page.
#[derive(Default)]
struct Files(Vec<(&'static str, String)>);

impl Files {
    fn add(&mut self, name: &'static str, rows: &[Vec<String>]) {
        let mut text = String::new();
        for row in rows {
            let cells: Vec<String> = row.iter().map(|c| quoted(c)).collect();
            text += &cells.join(",");
            text.push('\n');
        }
        self.0.push((name, text));
    }
}

/// RFC 4180.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.into()
    }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

/// Three digits: what a picture can carry.
fn quantity(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let magnitude = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    let decimals = (2 - magnitude).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

/// Writes the report of what a merge left in a folder.
pub fn write(plan: &Plan, place: &Place, merged: &Merged) -> anyhow::Result<()> {
    let summary = &merged.summary;
    let all = Gathered::read(plan, place, summary)?;
    let report = Report {
        plan,
        place,
        summary,
        all: &all,
        names: rows::objective_names(plan),
    };
    let mut files = Files::default();
    let text = report.page(&mut files)?;
    for (name, text) in &files.0 {
        place.put(name, text)?;
    }
    place.put(REPORT, &text)
}

struct Report<'a> {
    plan: &'a Plan,
    place: &'a Place,
    summary: &'a Value,
    all: &'a Gathered,
    /// Of the objectives.
    names: Vec<String>,
}

impl Report<'_> {
    fn page(&self, files: &mut Files) -> anyhow::Result<String> {
        let plan = self.plan;
        let how = match plan.sweep.search {
            Some(s) => format!("a search ({})", word(&s.algorithm)),
            None => format!("the sampler {}", plan.sweep.sampler.name()),
        };
        let effects = Effects::new(plan, self.all);
        let answer = design::answer(plan, &self.summary["sensitivity"], &self.names, files);
        let maps = self.maps()?;
        let body = html! {
            (self.cards())
            (section("What was swept", "One value for each variable is a point; a point on one body under one list of conditions is a sample.", &self.plan_tables()))
            (self.trouble())
            @if !self.names.is_empty() {
                (section("Best points", &self.best_lead(), &self.best_table()))
            }
            @if self.names.len() > 1 {
                (section("Trade-off", "Every pair of objectives. No point is better in all of them than one of the front; the chosen one is where the greatest loss against the front's best, in parts of its range, is smallest. Points farther from the front than it is long are not drawn.", &self.front(files)))
            }
            @if !self.names.is_empty() {
                (section("How the best came about", self.course_lead(), &self.course(files)))
                (section("All points at once", &self.parallel_lead(), &self.parallel(files)))
            }
            @if let Some((title, lead, content)) = &answer {
                (section(title, lead, content))
            }
            @if effects.enough() {
                (section("What each variable does", self.effects_lead(), &effects.main(&self.names, files)))
                @if answer.is_none() {
                (section("What matters", "The share of an objective's variance that a variable makes alone: its first-order Sobol' index, estimated from the means of stretches of its range, less what chance would make. Whiskers: 95 % interval from 200 parts of the points. What the bars leave to 100 % is made by variables together, and by what the stretches blur.", &effects.shares(&self.names, files)))
                }
                @if answer.is_none() && plan.sweep.search.is_none() && plan.sweep.axes.len() > 1 {
                    (section("What acts together", "Means over two variables, for the pairs whose effect is least the sum of two: the percentage says how much of the variance the rest makes, less what chance would. The strongest of many pairs is flattered: small numbers may be nothing.", &effects.interactions(&self.names, files)))
                }
            }
            @if self.all.best.is_some() && plan.cases() > 1 {
                (section("Body by body", "The chosen point on every body it was judged on, from the least value to the greatest.", &self.bodies()))
            }
            @if self.summary["held_out"].is_object() {
                (section("On bodies that nobody chose on", "The chosen point on held-out bodies. A gap to the worse says how far the choice flattered itself; its standard error comes from drawing the bodies of both sets again 1000 times, which understates it for a worst case.", &self.held_out()?))
            }
            @if let Some(maps) = &maps {
                (section("Pressure", &maps.0, &maps.1))
            }
        };
        let count = |v: &Value| v.as_u64().unwrap_or(0);
        let samples = &self.summary["samples"];
        let facts = [
            ("points", self.all.points.to_string()),
            ("bodies and conditions", plan.cases().to_string()),
            ("samples done", count(&samples["done"]).to_string()),
            ("seed", plan.seed.to_string()),
            ("plan", plan.hash.chars().take(12).collect()),
            ("scene", plan.scene_hash.chars().take(12).collect()),
        ];
        let subtitle = format!(
            "{}, {} and {}, by {how}.",
            many(plan.sweep.variables.len(), "variable"),
            many(self.names.len(), "objective"),
            many(plan.sweep.limits.len(), "limit")
        );
        Ok(page("Sweep", &plan.name, &subtitle, &facts, &body))
    }

    /// An objective's value with its unit.
    fn told(&self, objective: usize, value: f64) -> String {
        let unit = unit_of(self.plan, objective);
        let space = if unit.is_empty() { "" } else { " " };
        format!(
            "{}{space}{unit}",
            quantity(scale_of(self.plan, objective) * value)
        )
    }

    fn chosen(&self) -> Option<&Point> {
        self.all.best.as_ref().filter(|p| p.feasible())
    }

    fn cards(&self) -> Markup {
        let points = &self.summary["points"];
        let count = |v: &Value| v.as_u64().unwrap_or(0);
        let (feasible, over, incomplete) = (
            count(&points["feasible"]),
            count(&points["over_a_limit"]),
            count(&points["incomplete"]),
        );
        let samples = &self.summary["samples"];
        let failed = count(&samples["failed"]);
        let mood = |good: bool| if good { Mood::Good } else { Mood::Bad };
        let not_done = failed + count(&samples["infeasible"]) + count(&samples["missing"]);
        html! {
            div.cards {
                (card("points that keep every limit", &format!("{feasible}"), &format!("of {}; {over} over a limit, {incomplete} incomplete", feasible + over + incomplete), mood(feasible > 0)))
                (card("samples not done", &not_done.to_string(), &format!("{failed} failed, {} infeasible, {} missing", count(&samples["infeasible"]), count(&samples["missing"])), if failed + count(&samples["missing"]) > 0 { Mood::Bad } else { Mood::Plain }))
                @if let Some(best) = &self.all.best {
                    @for (i, name) in self.names.iter().enumerate().take(3) {
                        (card(name, &self.told(i, best.objectives[i]), &format!("{} point {}", if best.feasible() { "chosen" } else { "nothing is feasible; nearest" }, best.number), if best.feasible() { Mood::Plain } else { Mood::Bad }))
                    }
                }
                @if let Some(bound) = self.summary["held_out"]["violation_bound_95"].as_f64() {
                    @let held_out = &self.summary["held_out"];
                    (card("passes a limit, held-out bodies", &format!("{} of {}", count(&held_out["cases_over_a_limit"]), count(&held_out["cases"])), &format!("so at most {} of people, at 95 % (one-sided)", page::percent(bound)), mood(count(&held_out["cases_over_a_limit"]) == 0)))
                }
            }
            @if self.all.points as usize > KEPT {
                p.note { "Statistics are taken from " (KEPT) " of the " (self.all.points) " points and pictures show fewer, drawn by a hash of their numbers. The best points, the front and the course are of all." }
            }
            @if self.plan.sweep.objectives.is_empty() {
                p.note { "The study asks for no objective: there is no best point, and nothing to plot. results.parquet holds every metric." }
            }
        }
    }

    fn plan_tables(&self) -> Markup {
        let sweep = &self.plan.sweep;
        let mut variables = Vec::new();
        for (i, v) in sweep.variables.iter().enumerate() {
            let zip = sweep.axes.iter().find(|a| a.contains(&i) && a.len() > 1);
            let together = zip.map_or(String::new(), |a| {
                let others = a.iter().filter(|k| **k != i);
                let names: Vec<&str> = others.map(|k| sweep.variables[*k].name.as_str()).collect();
                format!(", together with {}", names.join(", "))
            });
            variables.push(vec![
                v.name.clone(),
                v.path.clone(),
                format!("{}{together}", span(v)),
                v.unit.clone(),
                v.shown(v.current),
                self.shown_value(self.all.best.as_ref(), i),
            ]);
        }
        for (k, d) in sweep.derived.iter().enumerate() {
            variables.push(vec![
                d.name.clone(),
                d.path.clone(),
                "follows from the others".into(),
                d.unit.clone(),
                String::new(),
                self.shown_value(self.all.best.as_ref(), sweep.variables.len() + k),
            ]);
        }
        let mut asked: Vec<Vec<String>> = sweep.objectives.iter().map(objective).collect();
        asked.extend(sweep.limits.iter().map(limit));
        let meaning = |name: &str| {
            let column = self.plan.metrics().iter().find(|c| c.name == name);
            column.map_or(String::new(), |c| c.meaning.clone())
        };
        for row in &mut asked {
            row.push(meaning(&row[1]));
        }
        let best = if self.chosen().is_some() {
            "chosen"
        } else {
            "nearest"
        };
        html! {
            (table(&["variable", "path", "range", "unit", "scene's own", best], &variables))
            @if !asked.is_empty() { h3 { "Asked for" } (table(&["", "metric", "", "meaning"], &asked)) }
            @if let Some(people) = sweep.people {
                p.lead style="margin-top:14px" {
                    "Judged on " (people.bodies) " bodies of the survey (seed " (people.seed) ")"
                    @if !sweep.conditions.is_empty() { ", each under " (sweep.conditions.len()) " lists of conditions: " (conditions(&sweep.conditions)) }
                    ". Every point meets the same ones."
                }
            }
            @if let Some(depth_m) = sweep.depth_from_touch_m {
                p.lead { "Depth beyond touch at levels 1 to 5: " (depth_m.map(|d| quantity(1e3 * d)).join(", ")) " mm." }
            }
        }
    }

    fn shown_value(&self, point: Option<&Point>, variable: usize) -> String {
        let Some(value) = point.and_then(|p| p.values.get(variable)) else {
            return "-".into();
        };
        match self.plan.sweep.variables.get(variable).map(|v| &v.span) {
            Some(Span::Words(words)) => words.get(*value as usize).cloned().unwrap_or_default(),
            _ => quantity(*value),
        }
    }

    /// What is not there, by name.
    fn trouble(&self) -> Markup {
        let all = self.all;
        if all.troubles.is_empty() && all.missing.is_empty() {
            return html! {};
        }
        let place = |sample: u64| {
            let (point, body, list) = self.plan.place(sample);
            [point.to_string(), body.to_string(), list.to_string()]
        };
        let rows: Vec<Vec<String>> = all
            .troubles
            .iter()
            .map(|t| {
                let [point, body, list] = place(t.sample);
                let state = t.state.name().to_string();
                let message: String = t.message.chars().take(300).collect();
                vec![t.sample.to_string(), point, body, list, state, message]
            })
            .collect();
        let missing: Vec<String> = all
            .missing
            .iter()
            .map(|(a, b)| {
                if a == b {
                    a.to_string()
                } else {
                    format!("{a} to {b}")
                }
            })
            .collect();
        let samples = &self.summary["samples"];
        let count = |key: &str| samples[key].as_u64().unwrap_or(0);
        let not_done = count("failed") + count("infeasible");
        section(
            "What is not there",
            "A point counts when every one of its samples is done; the others are left out of everything below.",
            &html! {
                @if !rows.is_empty() {
                    (table(&["sample", "point", "body", "conditions", "state", "why"], &rows))
                    @if not_done > rows.len() as u64 { p.lead { "The first " (rows.len()) " of " (not_done) "; results.parquet holds all." } }
                }
                @if !missing.is_empty() {
                    p.note.bad { "Missing: samples " (missing.join(", ")) @if missing.len() == LISTED { " and on" } ". kneadlab resume computes them." }
                }
            },
        )
    }

    fn best_lead(&self) -> String {
        if self.chosen().is_none() && self.all.ranked.is_empty() {
            return "No point is complete.".into();
        }
        if self.chosen().is_none() {
            return "No point keeps every limit on every body. These pass them by the least, as a share of the limit summed over bodies.".into();
        }
        match self.names.len() {
            1 => format!("The best by {}.", self.names[0]),
            _ => format!(
                "The front's {} points by {}; the chosen one is marked.",
                self.all.front.len(),
                self.names[0]
            ),
        }
    }

    /// The best, or the front, thinned evenly where it is long.
    fn best_table(&self) -> Markup {
        let mut points: Vec<&Point> = if self.all.front.is_empty() {
            self.all.ranked.iter().collect()
        } else {
            self.all.front.iter().collect()
        };
        if !self.all.front.is_empty() {
            points.sort_by(|a, b| cost(self.plan, a, 0).total_cmp(&cost(self.plan, b, 0)));
        }
        let best = self.all.best.as_ref().map(|b| b.number);
        let most = 2 * LISTED;
        let all = points.len();
        if all > most {
            let even: Vec<usize> = (0..most).map(|i| i * (all - 1) / (most - 1)).collect();
            let keep = |(i, p): (usize, &Point)| even.contains(&i) || best == Some(p.number);
            let flags: Vec<bool> = points
                .iter()
                .enumerate()
                .map(|(i, p)| keep((i, p)))
                .collect();
            let mut flag = flags.into_iter();
            points.retain(|_| flag.next().unwrap_or(false));
        }
        let variables = self.plan.variables();
        // A head may break at its underscores.
        let broken = |name: &str| name.replace('_', "_\u{200b}");
        let mut head: Vec<String> = vec!["point".into()];
        let unit = |u: &str| {
            if u.is_empty() {
                String::new()
            } else {
                format!(", {u}")
            }
        };
        for (i, name) in self.names.iter().enumerate() {
            head.push(format!("{}{}", broken(name), unit(unit_of(self.plan, i))));
        }
        if self.chosen().is_none() {
            head.push("violation".into());
        }
        head.extend(variables.iter().map(|c| broken(&c.name)));
        let rows: Vec<Vec<String>> = points
            .iter()
            .map(|p| {
                let mark = if best == Some(p.number) { " ●" } else { "" };
                let mut row = vec![format!("{}{mark}", p.number)];
                let objectives = p.objectives.iter().enumerate();
                row.extend(objectives.map(|(k, v)| quantity(scale_of(self.plan, k) * v)));
                if self.chosen().is_none() {
                    row.push(quantity(p.violation));
                }
                row.extend((0..variables.len()).map(|i| self.shown_value(Some(p), i)));
                row
            })
            .collect();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        html! {
            style { (PreEscaped(".tight th{white-space:normal;vertical-align:bottom}.tight th,.tight td{padding-right:12px}")) }
            div.tight { (table(&head, &rows)) }
            @if all > most { p.lead { (rows.len()) " of " (all) ", evenly picked." } }
        }
    }

    fn front(&self, files: &mut Files) -> Markup {
        let shown = self.all.shown(SHOWN);
        let front = thinned(&self.all.front, SHOWN);
        let mut csv = vec![self.csv_head("front")];
        let on_front = |p: &Point| self.all.front.iter().any(|f| f.number == p.number);
        csv.extend(
            shown
                .iter()
                .filter(|p| !on_front(p))
                .map(|p| self.csv_row(p, "")),
        );
        csv.extend(front.iter().map(|p| self.csv_row(p, "front")));
        files.add("plot_front.csv", &csv);
        let n = self.names.len().min(4);
        let pairs: Vec<(usize, usize)> = (0..n)
            .flat_map(|a| (a + 1..n).map(move |b| (a, b)))
            .collect();
        let (wide, tall) = if pairs.len() == 1 {
            (1040.0, 400.0)
        } else {
            (400.0, 300.0)
        };
        let chart = |a: usize, b: usize| {
            let scale = [a, b].map(|k| scale_of(self.plan, k));
            let at = |p: &Point| (scale[0] * p.objectives[a], scale[1] * p.objectives[b]);
            let all: Vec<(f64, f64)> = shown
                .iter()
                .map(|p| at(p))
                .chain(front.iter().map(|p| at(p)))
                .collect();
            let labels = [a, b].map(|k| axis_label(&self.names[k], unit_of(self.plan, k)));
            let direction = [a, b].map(|k| {
                if self.plan.sweep.objectives[k].maximise {
                    "more is better"
                } else {
                    "less is better"
                }
            });
            // Far from the front nobody looks: its length to both sides, where that is less than all.
            let near = |part: &dyn Fn(&(f64, f64)) -> f64| {
                let (low, high) = ends(all.iter().map(part));
                let (a, b) = ends(front.iter().map(|p| at(p)).map(|p| part(&p)));
                let reach = if front.len() > 1 { b - a } else { high - low };
                spread([low.max(a - reach), high.min(b + reach)].into_iter())
            };
            let (x, y) = (near(&|p| p.0), near(&|p| p.1));
            let dots = |keep: &dyn Fn(&Point) -> bool| -> Vec<(f64, f64)> {
                let inside =
                    |p: &(f64, f64)| (x.0..=x.1).contains(&p.0) && (y.0..=y.1).contains(&p.1);
                shown
                    .iter()
                    .filter(|p| keep(p))
                    .map(|p| at(p))
                    .filter(inside)
                    .collect()
            };
            let x_label = format!("{} ({})", labels[0], direction[0]);
            Chart::new(
                &labels[1],
                Axis {
                    label: &x_label,
                    from: x.0,
                    to: x.1,
                },
                Axis {
                    label: direction[1],
                    from: y.0,
                    to: y.1,
                },
                wide,
                tall,
            )
            .dots(&dots(&|p| !p.feasible()), BAD, 2.6)
            .dots(&dots(&|p| p.feasible()), GOOD, 2.8)
            .dots(&front.iter().map(|p| at(p)).collect::<Vec<_>>(), FRONT, 4.0)
            .dots(
                &self.chosen().map(at).into_iter().collect::<Vec<_>>(),
                CHOSEN,
                7.5,
            )
            .dots(
                &self.chosen().map(at).into_iter().collect::<Vec<_>>(),
                CHOSEN,
                4.5,
            )
            .svg()
        };
        html! {
            (key(&[(CHOSEN, true, "chosen"), (FRONT, true, "front"), (GOOD, true, "keeps every limit"), (BAD, true, "passes a limit on some body")]))
            div class=(if pairs.len() == 1 { "one" } else { "three" }) { @for (a, b) in &pairs { figure { (chart(*a, *b)) } } }
        }
    }

    fn course_lead(&self) -> &'static str {
        if self.plan.sweep.search.is_some() {
            "The best value so far of points that keep every limit, as the search went on; islands follow one another. A line that still falls at its end wants more generations."
        } else {
            "The best value so far of points that keep every limit, in the order of points: a line that still moves at its end wants more of them."
        }
    }

    fn course(&self, files: &mut Files) -> Markup {
        let last = self.all.points.max(1) as f64;
        let mut csv = vec![row(&["objective", "points", "best"])];
        let mut charts = Vec::new();
        // Much happens in the first points, and in small values once they are good.
        let chart = |title: &str, unit: &str, course: &[(u64, f64)]| {
            let (least, most) = ends(course.iter().map(|c| c.1));
            let log = least > 0.0 && most > 30.0 * least;
            let height = |v: f64| if log { v.log10() } else { v };
            let mut steps: Vec<(f64, f64)> = Vec::new();
            // A course of a million points has some tens of steps.
            for (at, value) in course {
                let at = (*at as f64).log10();
                if let Some((_, old)) = steps.last().copied() {
                    steps.push((at, old));
                }
                steps.push((at, height(*value)));
            }
            if let Some((_, value)) = steps.last().copied() {
                steps.push((last.log10(), value));
            }
            let (from, to) = spread(course.iter().map(|c| height(c.1)));
            let unit = match (log, unit) {
                (false, unit) => unit.to_string(),
                (true, "") => "log10".into(),
                (true, unit) => format!("log10 of {unit}"),
            };
            let decades =
                (0..=last.log10() as i32).map(|k| (f64::from(k), thousands(10f64.powi(k))));
            let end = last.log10().max(0.1);
            let beside = decades.filter(|(x, _)| *x < 0.88 * end);
            Chart::new(
                title,
                Axis {
                    label: "points so far",
                    from: 0.0,
                    to: end,
                },
                Axis {
                    label: &unit,
                    from,
                    to,
                },
                if self.names.len() == 1 { 1040.0 } else { 400.0 },
                230.0,
            )
            .marked(beside.chain([(end, thousands(last))]))
            .line(&steps, GOOD, 2.0)
            .svg()
        };
        for (i, course) in self.all.course.iter().enumerate() {
            let rows = course
                .iter()
                .map(|(at, v)| vec![self.names[i].clone(), at.to_string(), v.to_string()]);
            csv.extend(rows);
            if !course.is_empty() {
                let scale = scale_of(self.plan, i);
                let course: Vec<(u64, f64)> =
                    course.iter().map(|(at, v)| (*at, scale * v)).collect();
                charts.push(chart(&self.names[i], unit_of(self.plan, i), &course));
            }
        }
        let violation = &self.all.violation_course;
        if violation.len() > 1 {
            let rows = violation
                .iter()
                .map(|(at, v)| vec!["violation".into(), at.to_string(), v.to_string()]);
            csv.extend(rows);
            charts.push(chart(
                "violation, until something is feasible",
                "sum of shares",
                violation,
            ));
        }
        files.add("plot_course.csv", &csv);
        html! {
            div class=(if charts.len() == 1 { "one" } else { "three" }) { @for chart in &charts { figure { (chart) } } }
            @if charts.is_empty() { p.lead { "There is nothing to draw: no point is complete." } }
        }
    }

    fn parallel_lead(&self) -> String {
        format!(
            "Each line is a point, coloured by {} (bright is better); grey ones pass a limit on some body, the chosen one is thick.",
            self.names[0]
        )
    }

    fn parallel(&self, files: &mut Files) -> Markup {
        let plan = self.plan;
        let mut points: Vec<&Point> = self.all.shown(LINES);
        let mut seen: std::collections::BTreeSet<u64> = points.iter().map(|p| p.number).collect();
        let front = thinned(&self.all.front, LINES);
        for p in front.into_iter().chain(&self.all.best) {
            if p.complete() && seen.insert(p.number) {
                points.push(p);
            }
        }
        let mut csv = vec![self.csv_head("feasible")];
        csv.extend(
            points
                .iter()
                .map(|p| self.csv_row(p, if p.feasible() { "yes" } else { "no" })),
        );
        files.add("plot_points.csv", &csv);
        let mut axes = Vec::new();
        for v in &plan.sweep.variables {
            axes.push(parallel::Axis {
                name: v.name.clone(),
                unit: v.unit.clone(),
                marks: effects::marks(v),
            });
        }
        let ranges: Vec<(f64, f64)> = (0..self.names.len())
            .map(|k| {
                let values = || {
                    points
                        .iter()
                        .map(|p| p.objectives[k])
                        .filter(|v| v.is_finite())
                };
                let (a, b) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
                    (a.min(v), b.max(v))
                });
                if b > a { (a, b) } else { (a - 0.5, a + 0.5) }
            })
            .collect();
        for (k, name) in self.names.iter().enumerate() {
            let (a, b) = ranges[k];
            let marks =
                [0.0, 0.5, 1.0].map(|t| (t, quantity(scale_of(plan, k) * (a + t * (b - a)))));
            axes.push(parallel::Axis {
                name: name.clone(),
                unit: unit_of(plan, k).into(),
                marks: marks.to_vec(),
            });
        }
        let good = |p: &Point| {
            let (a, b) = ranges[0];
            let t = (p.objectives[0] - a) / (b - a);
            if plan.sweep.objectives[0].maximise {
                t
            } else {
                1.0 - t
            }
        };
        // Grey ones lie below, the chosen one on top.
        let best = self.all.best.as_ref().map(|b| b.number);
        points.sort_by_key(|p| (best == Some(p.number), p.feasible(), p.number));
        let lines: Vec<parallel::Line> = points
            .iter()
            .map(|p| {
                let variables = plan
                    .sweep
                    .variables
                    .iter()
                    .zip(&p.values)
                    .map(|(v, x)| v.share_of(*x));
                let objectives = p
                    .objectives
                    .iter()
                    .zip(&ranges)
                    .map(|(x, (a, b))| (x - a) / (b - a));
                let told: Vec<String> = self
                    .names
                    .iter()
                    .zip(&p.objectives)
                    .enumerate()
                    .map(|(k, (n, v))| format!("{n} {}", self.told(k, *v)))
                    .collect();
                let thick = best == Some(p.number);
                parallel::Line {
                    title: format!("point {}: {}", p.number, told.join(", ")),
                    heights: variables.chain(objectives).collect(),
                    colour: match (thick, p.feasible()) {
                        (true, _) => CHOSEN.into(),
                        (_, true) => picture::viridis(0.92 * good(p)),
                        _ => BAD.into(),
                    },
                    thick,
                }
            })
            .collect();
        parallel::picture(&axes, &lines)
    }

    fn effects_lead(&self) -> &'static str {
        if self.plan.sweep.search.is_some() {
            "Mean of each objective over stretches of one variable, with its 95 % interval, over all complete points. A search's points crowd where it is good: this is how its path looked, not how the machine is."
        } else {
            "Mean of each objective over stretches of one variable, all others being wherever the plan put them, with its 95 % interval; over all complete points, those that pass a limit too. One scale a row."
        }
    }

    fn csv_head(&self, last: &str) -> Vec<String> {
        let mut head = vec!["point".to_string(), "violation".into()];
        head.extend(self.plan.variables().iter().map(|c| c.name.clone()));
        head.extend(self.names.iter().cloned());
        head.push(last.into());
        head
    }

    fn csv_row(&self, p: &Point, last: &str) -> Vec<String> {
        let mut row = vec![p.number.to_string(), p.violation.to_string()];
        for (i, value) in p.values.iter().enumerate() {
            row.push(match self.plan.sweep.variables.get(i).map(|v| &v.span) {
                Some(Span::Words(words)) => words.get(*value as usize).cloned().unwrap_or_default(),
                _ => value.to_string(),
            });
        }
        row.extend(p.objectives.iter().map(|v| v.to_string()));
        row.push(last.into());
        row
    }

    fn metric(&self, name: &str) -> Option<usize> {
        self.plan.metrics().iter().position(|c| c.name == name)
    }

    fn bodies(&self) -> Markup {
        let mut wanted: Vec<&str> = Vec::new();
        let objectives = self.plan.sweep.objectives.iter().map(|o| o.name.as_str());
        for name in objectives.chain(self.plan.sweep.limits.iter().map(|l| l.name.as_str())) {
            if !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        let chart = |name: &str| {
            let column = self.metric(name)?;
            let (scale, unit) = readable(&self.plan.metrics()[column].unit);
            let samples = self.all.of_best.iter();
            let values = samples.filter_map(|r| r.metrics.get(column));
            let values = values.map(|v| scale * v);
            let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            let n = values.len();
            let bounds = self.plan.sweep.limits.iter().filter(|l| l.name == name);
            let bounds: Vec<f64> = bounds
                .flat_map(|l| [l.at_most, l.at_least])
                .flatten()
                .map(|v| scale * v)
                .collect();
            let (from, to) = spread(values.iter().copied().chain(bounds.iter().copied()));
            let points: Vec<(f64, f64)> = values
                .iter()
                .enumerate()
                .map(|(i, v)| (i as f64 + 1.0, *v))
                .collect();
            let mut chart = Chart::new(
                name,
                Axis {
                    label: "bodies, from the least",
                    from: 0.0,
                    to: n as f64 + 1.0,
                },
                Axis {
                    label: unit,
                    from,
                    to,
                },
                340.0,
                210.0,
            );
            for bound in &bounds {
                chart = chart.dashed(&[(0.0, *bound), (n as f64 + 1.0, *bound)], "#b42318", 1.5);
            }
            Some(
                chart
                    .line(&points, GOOD, 1.2)
                    .dots(&points, GOOD, 3.0)
                    .svg(),
            )
        };
        let charts: Vec<Markup> = wanted.iter().filter_map(|name| chart(name)).collect();
        html! {
            div.three { @for chart in &charts { figure { (chart) } } }
            @if !self.plan.sweep.limits.is_empty() { (key(&[("#b42318", false, "limit")])) }
        }
    }

    fn held_out(&self) -> anyhow::Result<Markup> {
        let held_out = &self.summary["held_out"];
        let Some(best) = self.chosen() else {
            return Ok(html! {});
        };
        let cases = self.plan.held_out_cases();
        let folder = self.place.held_out_folder().join(best.number.to_string());
        let (known, _) = self.place.known(&folder, &(0..cases))?;
        let others: Vec<&Record> = known.iter().collect();
        let judge = Judge::new(self.plan);
        let mut rows = Vec::new();
        for (i, objective) in self.plan.sweep.objectives.iter().enumerate() {
            let column = self.metric(&objective.name).unwrap_or(usize::MAX);
            let of = |records: &mut dyn Iterator<Item = &Record>| -> Vec<f64> {
                records
                    .filter_map(|r| r.metrics.get(column).copied())
                    .collect()
            };
            let (on, off) = (
                of(&mut self.all.of_best.iter()),
                of(&mut others.iter().copied()),
            );
            let aggregate = |values: &[f64]| judge.aggregate(i, values.to_vec());
            let error = optimism(&aggregate, &on, &off, self.plan.seed)
                .map_or(f64::NAN, |o| o.standard_error);
            let name = &self.names[i];
            let value = held_out["objectives"][name].as_f64().unwrap_or(f64::NAN);
            let gap = held_out["gap"][name].as_f64().unwrap_or(f64::NAN);
            let worse = if objective.maximise { -gap } else { gap };
            let verdict = match worse {
                w if w.is_nan() => "not all held-out samples are done",
                w if w > 2.0 * error => "flattered",
                w if w < -2.0 * error => "better than thought",
                _ => "within two standard errors",
            };
            rows.push(vec![
                name.clone(),
                self.told(i, best.objectives[i]),
                self.told(i, value),
                self.told(i, gap),
                self.told(i, error),
                verdict.into(),
            ]);
        }
        let count = |key: &str| held_out[key].as_u64().unwrap_or(0);
        let bound = held_out["violation_bound_95"].as_f64().unwrap_or(1.0);
        let done = others.iter().filter(|r| r.state == State::Done).count();
        Ok(html! {
            (table(&["objective", "bodies chosen on", "held-out bodies", "gap", "standard error", ""], &rows))
            @if !self.plan.sweep.limits.is_empty() {
                p.note {
                    @if count("cases_over_a_limit") == 0 { "No limit is passed on " (done) " held-out bodies" } @else { (count("cases_over_a_limit")) " of " (done) " held-out bodies pass a limit" }
                    ": at 95 % (one-sided, Clopper and Pearson) at most " strong { (page::percent(bound)) }
                    " of the people that the survey stands for do. It holds for this model of people and machine, and for bodies that no choice has looked at."
                }
            }
        })
    }

    /// Pressure maps of the best, the median and the worst point by the first objective, on one body.
    fn maps(&self) -> anyhow::Result<Option<(String, Markup)>> {
        let plan = self.plan;
        if plan.sweep.model != scene::SweepModel::Simulate || self.names.is_empty() {
            return Ok(None);
        }
        let Some(best) = &self.all.best else {
            return Ok(None);
        };
        let mut order: Vec<&Point> = self.all.kept.iter().filter(|p| p.complete()).collect();
        order.sort_by(|a, b| {
            cost(plan, a, 0)
                .total_cmp(&cost(plan, b, 0))
                .then(a.number.cmp(&b.number))
        });
        let (Some(worst), Some(median)) = (order.last(), order.get(order.len() / 2)) else {
            return Ok(None);
        };
        // The body that the best one presses hardest.
        let column = self.metric("peak_pressure_pa").unwrap_or(usize::MAX);
        let peak = |r: &Record| r.metrics.get(column).copied().unwrap_or(f64::NEG_INFINITY);
        let hardest = self
            .all
            .of_best
            .iter()
            .max_by(|a, b| peak(a).total_cmp(&peak(b)).then(b.sample.cmp(&a.sample)));
        let (_, body, list) = plan.place(hardest.map_or(0, |r| r.sample));
        let workshop = Workshop::default();
        let mut maps = Vec::new();
        let mut person: Option<Body> = None;
        for (words, point) in [("best", best), ("median", *median), ("worst", *worst)] {
            let Ok(scene) = plan.sweep.scene(&point.values) else {
                return Ok(None);
            };
            let conditions = plan.sweep.conditions.get(list as usize);
            let scene = scene.with(plan.body(body), conditions.map(Vec::as_slice));
            let who = scene.body().clone();
            let ask = Ask {
                map: true,
                depth: plan
                    .sweep
                    .depth_from_touch_m
                    .map_or(Depth::Scene, Depth::FromTouch),
                ..Ask::default()
            };
            let map = match scene {
                AnyScene::Carriage(scene) if matches!(scene.surface, Surface::Back) => {
                    let measured = workshop.measure(&Arc::from(scene), &who, &ask);
                    measured.ok().and_then(|m| m.map)
                }
                AnyScene::Rig(scene) if matches!(scene.surface, Surface::Back) => {
                    let measured = workshop.measure_rig(&Arc::from(scene));
                    measured.ok().map(|m| m.map)
                }
                _ => return Ok(None),
            };
            maps.push((words, point, map));
            person = Some(who);
        }
        let Some(person) = person else {
            return Ok(None);
        };
        let Ok(back) = Back::new(&person) else {
            return Ok(None);
        };
        let full_pa = maps
            .iter()
            .filter_map(|(_, _, m)| m.as_ref())
            .map(picture::peak_pa)
            .fold(1.0, f64::max);
        let mut figures = Vec::new();
        for (words, point, map) in &maps {
            let drawn = match map {
                Some(map) => picture::back_from_behind(&back, map, full_pa)?,
                None => html! { p.note { "This body has no map for this point." } },
            };
            let peak = map.as_ref().map_or(f64::NAN, picture::peak_pa);
            figures.push(html! { figure {
                (drawn)
                figcaption { strong { (words) ", point " (point.number) } ": peak of the map " (quantity(1e-3 * peak)) " kPa; " (self.names[0]) " " (self.told(0, point.objectives[0])) }
            } });
        }
        let lead = format!(
            "The {} point, and the median and the worst of all complete ones by {}, run again on body {body}, the one that the first presses hardest: {}, {:.0} mm tall, BMI {:.1} kg/m², {:.0} years. Largest pressure that each place met, one scale.",
            if best.feasible() { "chosen" } else { "nearest" },
            self.names[0],
            format!("{:?}", person.sex).to_lowercase(),
            1e3 * person.stature_m,
            person.bmi_kg_m2,
            person.age_yr
        );
        Ok(Some((
            lead,
            html! { div.three { @for figure in &figures { (figure) } } (picture::colour_bar(full_pa)) },
        )))
    }
}

/// At most so many, evenly picked.
fn thinned(points: &[Point], most: usize) -> Vec<&Point> {
    let step = points.len().div_ceil(most.max(1)).max(1);
    points.iter().step_by(step).collect()
}

/// The unit that people read, and what to multiply by.
fn readable(unit: &str) -> (f64, &str) {
    match unit {
        "Pa" => (1e-3, "kPa"),
        "Pa s" => (1e-3, "kPa s"),
        unit => (1.0, unit),
    }
}

fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn axis_label(name: &str, unit: &str) -> String {
    if unit.is_empty() {
        name.into()
    } else {
        format!("{name}, {unit}")
    }
}

/// Lowest and highest.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        })
}

/// `1000000` is too wide for the foot of a small picture: `1M`.
fn thousands(count: f64) -> String {
    match count {
        n if n >= 1e6 => format!("{}M", quantity(1e-6 * n)),
        n if n >= 1e4 => format!("{}k", quantity(1e-3 * n)),
        n => format!("{n}"),
    }
}

/// Lowest and highest, a little wider.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (a, b) = ends(values);
    if b > a {
        (a - 0.06 * (b - a), b + 0.06 * (b - a))
    } else if a.is_finite() {
        let room = (0.1 * a.abs()).max(1e-9);
        (a - room, a + room)
    } else {
        (0.0, 1.0)
    }
}

/// A value as its file writes it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_string()
}

fn span(v: &scene::Variable) -> String {
    match &v.span {
        Span::Range {
            from,
            to,
            log,
            step,
            ..
        } => {
            let scale = if *log { ", logarithmic" } else { "" };
            let step = match step {
                Some(step) => format!(" by {}", quantity(*step)),
                None if v.integer => " by 1".into(),
                None => String::new(),
            };
            format!(
                "{} to {}{step}{scale}",
                print::number(*from),
                print::number(*to)
            )
        }
        Span::Numbers(values) => {
            let shown: Vec<String> = values
                .iter()
                .take(LISTED)
                .map(|v| print::number(*v))
                .collect();
            let more = if values.len() > LISTED {
                format!(" and {} more", values.len() - LISTED)
            } else {
                String::new()
            };
            format!("{}{more}", shown.join(", "))
        }
        Span::Words(words) => words.join(", "),
    }
}

fn objective(o: &Objective) -> Vec<String> {
    let over = match o.over {
        Over::Mean => "mean over bodies",
        Over::Worst => "worst body",
        Over::Cvar90 => "mean of the worst tenth of bodies",
        Over::MeanPlusSd => "mean over bodies, one standard deviation to the worse",
    };
    let goal = if o.maximise {
        "as much as can be"
    } else {
        "as little as can be"
    };
    vec![
        "objective".into(),
        o.name.clone(),
        format!("{goal}, {over}"),
    ]
}

fn limit(l: &Limit) -> Vec<String> {
    let most = l.at_most.map(|v| format!("at most {}", print::number(v)));
    let least = l.at_least.map(|v| format!("at least {}", print::number(v)));
    let both: Vec<String> = most.into_iter().chain(least).collect();
    vec![
        "limit".into(),
        l.name.clone(),
        format!("{}, on every body", both.join(", ")),
    ]
}

fn conditions(lists: &[Vec<String>]) -> String {
    let one = |l: &Vec<String>| {
        if l.is_empty() {
            "none".to_string()
        } else {
            l.join(" and ")
        }
    };
    lists.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_three_digits() {
        let cases = [
            (0.0123456, "0.0123"),
            (47677.4, "47677"),
            (0.0, "0"),
            (2.0, "2"),
            (-1.236, "-1.24"),
            (f64::NAN, "-"),
        ];
        for (value, text) in cases {
            assert_eq!(quantity(value), text);
        }
    }

    #[test]
    fn val_cells_are_quoted_as_rfc_4180_says() {
        let mut files = Files::default();
        files.add("a.csv", &[row(&["a", "b,c", "d\"e"])]);
        assert_eq!(files.0[0].1, "a,\"b,c\",\"d\"\"e\"\n");
    }
}
