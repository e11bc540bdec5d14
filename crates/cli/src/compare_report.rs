//! A run beside a log, as a page.

use crate::chart::{Axis, COLOURS, Chart, key, top};
use crate::compare::{CurrentResult, MatResult, pose_words};
use crate::page::{self, Mood, card, percent, section};
use crate::picture;
use crate::print::share;
use crate::run_folder::Summary;
use maud::{Markup, PreEscaped, html};
use sim::{Grid, MapFrame};
use std::fmt::Write;
use tune::{CurrentAgreement, MapAgreement, centre_m};

/// Points of a line at most: more cannot be seen.
const POINTS_MAX: usize = 900;
/// Log and run.
const LOG: &str = COLOURS[1];
const RUN: &str = COLOURS[0];

/// A mat beside a run.
pub fn mat_page(
    summary: &Summary,
    log: &str,
    result: &MatResult,
    notes: &[String],
) -> anyhow::Result<String> {
    let grid = &result.log.grid;
    let facts = [
        ("log", file_name(log)),
        (
            "mat",
            format!(
                "{} x {} cells of {:.1} x {:.1} mm",
                grid.columns,
                grid.rows,
                1e3 * grid.pitch_m[0],
                1e3 * grid.pitch_m[1]
            ),
        ),
        (
            "frames",
            format!("{} of {}", result.seen.len(), result.log.frames.len()),
        ),
        ("log shifted by", pose_words(&result.alignment.pose)),
        ("scene", summary.scene_hash.chars().take(12).collect()),
    ];
    let a = &result.agreement;
    let doubtful = !result.alignment.doubts().is_empty();
    let content = html! {
        div.cards {
            (card("Force", &format!("{:.1} N rms", a.force.rms_n), &format!("bias {:+.1} N of {:.1} N", a.force.bias_n, a.force.mean_log_n), Mood::Plain))
            (card("Peak pressure", &format!("{:.0} kPa rms", a.peak.rms_kpa), &format!("bias {:+.0} kPa of {:.0} kPa", a.peak.bias_kpa, a.peak.mean_log_kpa), Mood::Plain))
            (card("Map", &percent(a.map.rms_share_of_peak), &format!("rms over mean peak; correlation {}", share(a.map.correlation)), Mood::Plain))
            (card("Alignment", &format!("{:.3}", result.alignment.correlation), if doubtful { "correlation, and a rival comes near it" } else { "correlation, no rival near it" }, if doubtful { Mood::Bad } else { Mood::Plain }))
        }
        @for note in notes { div.note { (note) } }
        (section("Over time", "What the mat measured, and what the run put on the same cells. Errors are the run less the log.", &over_time(result)))
        (section("On the skin", "Pressure on the mat's cells, the run averaged over them. Axes in mm: to the user's right of the midline, down from C7 along the skin, the log where it was aligned.", &html! {
            (maps(result, "mean over the loaded frames", &mean_kpa)?)
            (maps(result, "largest of all frames", &largest_kpa)?)
        }))
        (section("Peak against peak, and the way of the centre", "Each dot is a frame. On the line, run and log agree.", &html! {
            div.row { (scatter(result)) (way(result)) }
        }))
        (section("By technique and phase", "Frames in which either presses with 5 N and more.", &parts(result)))
        (section("Alignment", "The log was moved until its pressures and the run's correlate best, over all cells and frames. Standard errors hold if cells err independently; they do not, so they are lower bounds. A rival is the best other peak; where one comes within 5 % of the best, the log cannot tell them apart.", &alignment(result)))
    };
    Ok(page::page(
        "Run beside a pressure mat",
        &summary.scene,
        "No gain was taken off the log: how much of the run it shows is told as a figure of its own.",
        &facts,
        &content,
    ))
}

fn over_time(result: &MatResult) -> Markup {
    let grid = &result.log.grid;
    let every = result.seen.len().div_ceil(POINTS_MAX).max(1);
    let series = |of: &dyn Fn(&MapFrame) -> f64| -> [Vec<(f64, f64)>; 2] {
        let frames = || result.seen.iter().step_by(every);
        [
            frames()
                .map(|(i, f)| (f.t_s, of(&result.log.frames[*i])))
                .collect(),
            frames().map(|(_, f)| (f.t_s, of(f))).collect(),
        ]
    };
    let [log_n, run_n] = series(&|f| f.force_n(grid));
    let [log_kpa, run_kpa] = series(&|f| 1e-3 * f.peak_pa());
    let cell_cm2 = 1e4 * grid.cell_m2();
    let [log_cm2, run_cm2] = series(&|f| {
        let over = |c: &&(u32, f32)| f64::from(c.1) >= result.threshold_pa;
        cell_cm2 * f.cells.iter().filter(over).count() as f64
    });
    html! {
        (names())
        (both("Force on the mat", "N", &log_n, &run_n, 1080.0))
        (residual("Error of force", "N", &log_n, &run_n, 1080.0))
        div.row style="margin-top:18px" {
            figure { (both("Peak pressure", "kPa", &log_kpa, &run_kpa, 540.0)) }
            figure { (both("Contact area", "cm²", &log_cm2, &run_cm2, 540.0)) }
        }
    }
}

fn names() -> Markup {
    key(&[(LOG, false, "log"), (RUN, false, "run")])
}

fn time_axis(points: &[(f64, f64)]) -> Axis<'static> {
    Axis {
        label: "time of the run, s",
        from: points.first().map_or(0.0, |p| p.0),
        to: points.last().map_or(1.0, |p| p.0),
    }
}

fn both(title: &str, unit: &str, log: &[(f64, f64)], run: &[(f64, f64)], width: f64) -> Markup {
    let values = || log.iter().chain(run).map(|p| p.1);
    let low = values().fold(0.0, f64::min);
    let axis = Axis {
        label: unit,
        from: 1.06 * low,
        to: top(values(), 1e-3),
    };
    Chart::new(title, time_axis(run), axis, width, 230.0)
        .line(log, LOG, 1.8)
        .line(run, RUN, 1.4)
        .svg()
}

fn residual(title: &str, unit: &str, log: &[(f64, f64)], run: &[(f64, f64)], width: f64) -> Markup {
    let error: Vec<(f64, f64)> = run.iter().zip(log).map(|(r, l)| (r.0, r.1 - l.1)).collect();
    let far = top(error.iter().map(|e| e.1.abs()), 1e-3);
    let axis = Axis {
        label: unit,
        from: -far,
        to: far,
    };
    let zero = [(time_axis(run).from, 0.0), (time_axis(run).to, 0.0)];
    Chart::new(title, time_axis(run), axis, width, 190.0)
        .line(&zero, "#9aa3b2", 1.0)
        .line(&error, "#1c2330", 1.3)
        .svg()
}

/// Pressure of each cell, made of many frames, kPa.
type Summed<'a> = &'a dyn Fn(&Grid, &mut dyn Iterator<Item = &MapFrame>) -> Vec<f64>;

fn mean_kpa(grid: &Grid, frames: &mut dyn Iterator<Item = &MapFrame>) -> Vec<f64> {
    let (mut sum, mut count) = (vec![0.0; grid.len()], 0.0);
    for frame in frames {
        count += 1.0;
        for (cell, p) in &frame.cells {
            sum[*cell as usize] += 1e-3 * f64::from(*p);
        }
    }
    sum.into_iter().map(|s| s / f64::max(count, 1.0)).collect()
}

fn largest_kpa(grid: &Grid, frames: &mut dyn Iterator<Item = &MapFrame>) -> Vec<f64> {
    let mut high = vec![0.0; grid.len()];
    for (cell, p) in frames.flat_map(|f| &f.cells) {
        let high = &mut high[*cell as usize];
        *high = f64::max(*high, 1e-3 * f64::from(*p));
    }
    high
}

/// Log, run and their difference side by side.
fn maps(result: &MatResult, what: &str, summed: Summed<'_>) -> anyhow::Result<Markup> {
    let grid = &result.log.grid;
    // Frames in which either presses: the others tell nothing of a place.
    let loaded: Vec<&(usize, MapFrame)> = result
        .seen
        .iter()
        .filter(|(i, f)| f.force_n(grid).max(result.log.frames[*i].force_n(grid)) >= 5.0)
        .collect();
    let log = summed(
        grid,
        &mut loaded.iter().map(|(i, _)| &result.log.frames[*i]),
    );
    let run = summed(grid, &mut loaded.iter().map(|(_, f)| f));
    let high = |v: &[f64]| v.iter().copied().map(f64::abs).fold(0.0, f64::max);
    let full = nice(high(&log).max(high(&run)));
    let error: Vec<f64> = run.iter().zip(&log).map(|(r, l)| r - l).collect();
    let far = nice(high(&error));
    let window = window(grid, &log, &run, full);
    let place = result.alignment.pose.shift_m;
    let plain = |v: &f64| picture::inferno_rgb(v / full);
    let signed = |v: &f64| picture::diverging_rgb(v / far);
    Ok(html! {
        h3 { "Pressure, " (what) }
        div.three {
            figure { (picture_of(grid, place, window, &log, &plain)?) figcaption { strong { "Log" } } }
            figure { (picture_of(grid, place, window, &run, &plain)?) figcaption { strong { "Run" } } }
            figure { (picture_of(grid, place, window, &error, &signed)?) figcaption { strong { "Run less log" } } }
        }
        div.row style="margin-top:10px" {
            div { (picture::pressure_bar("log and run, kPa", full)) }
            div { (picture::difference_bar("run less log, kPa", far)) }
        }
    })
}

/// First and last row and column with pressure, and a cell around them.
fn window(grid: &Grid, log: &[f64], run: &[f64], full: f64) -> [[usize; 2]; 2] {
    let loaded = |i: usize| log[i].abs().max(run[i].abs()) > 0.02 * full;
    let mut rows = [grid.rows - 1, 0];
    let mut columns = [grid.columns - 1, 0];
    for i in (0..grid.len()).filter(|i| loaded(*i)) {
        let (row, column) = (i / grid.columns, i % grid.columns);
        rows = [rows[0].min(row), rows[1].max(row)];
        columns = [columns[0].min(column), columns[1].max(column)];
    }
    let grown = |[from, to]: [usize; 2], n: usize| {
        if from > to {
            [0, n - 1]
        } else {
            [from.saturating_sub(2), (to + 2).min(n - 1)]
        }
    };
    [grown(rows, grid.rows), grown(columns, grid.columns)]
}

/// A map of cells with its axes, mm.
fn picture_of(
    grid: &Grid,
    shift_m: [f64; 2],
    [rows, columns]: [[usize; 2]; 2],
    kpa: &[f64],
    colour: &dyn Fn(&f64) -> [u8; 3],
) -> anyhow::Result<Markup> {
    let mut rgba = Vec::new();
    for row in rows[0]..=rows[1] {
        for column in columns[0]..=columns[1] {
            rgba.extend(colour(&kpa[row * grid.columns + column]));
            rgba.push(255);
        }
    }
    let counts = [columns[1] - columns[0] + 1, rows[1] - rows[0] + 1];
    let image = picture::image(counts[0], counts[1], &rgba)?;
    let size_mm = [0, 1].map(|i| 1e3 * grid.pitch_m[i] * counts[i] as f64);
    let first = [columns[0], rows[0]];
    let from_mm = [0, 1]
        .map(|i| 1e3 * (grid.first_m[i] + shift_m[i] + (first[i] as f64 - 0.5) * grid.pitch_m[i]));
    // Text is sized against the picture, whose scale depends on the mat: one unit is a hundredth of a panel's width.
    let unit = 100.0 / size_mm[0].max(0.6 * size_mm[1]);
    let [w, h] = size_mm.map(|s| unit * s);
    let mut marks = String::new();
    for at in round_marks(from_mm[0], from_mm[0] + size_mm[0], 4.0) {
        let x = unit * (at - from_mm[0]);
        let _ = write!(
            marks,
            "<path d=\"M{x:.2} {h:.2}v1.5\" stroke=\"#9aa3b2\" stroke-width=\".4\"/><text x=\"{x:.2}\" y=\"{:.2}\" font-size=\"4\" fill=\"#5d6778\" text-anchor=\"middle\">{at:.0}</text>",
            h + 6.0
        );
    }
    for at in round_marks(from_mm[1], from_mm[1] + size_mm[1], 5.0) {
        let y = unit * (at - from_mm[1]);
        let _ = write!(
            marks,
            "<path d=\"M0 {y:.2}h-1.5\" stroke=\"#9aa3b2\" stroke-width=\".4\"/><text x=\"-2.5\" y=\"{:.2}\" font-size=\"4\" fill=\"#5d6778\" text-anchor=\"end\">{at:.0}</text>",
            y + 1.4
        );
    }
    Ok(html! {
        svg viewBox=(format!("-14 -2 {:.2} {:.2}", w + 18.0, h + 11.0)) role="img" aria-label="pressure on the mat" {
            image href=(image) x="0" y="0" width=(format!("{w:.2}")) height=(format!("{h:.2}")) preserveAspectRatio="none" style="image-rendering:pixelated" {}
            rect x="0" y="0" width=(format!("{w:.2}")) height=(format!("{h:.2}")) fill="none" stroke="#c9cfda" stroke-width=".4" {}
            (PreEscaped(marks))
        }
    })
}

/// Round numbers in a range, about `count` of them.
fn round_marks(from: f64, to: f64, count: f64) -> Vec<f64> {
    let rough = (to - from) / count;
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]
        .into_iter()
        .find(|s| *s >= rough)
        .unwrap_or(2000.0);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The next number that a colour bar of four parts can end on.
fn nice(value: f64) -> f64 {
    let decade = 10f64.powf(value.max(1e-3).log10().floor());
    [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0]
        .map(|m| m * decade)
        .into_iter()
        .find(|v| *v >= value)
        .unwrap_or(value)
}

fn scatter(result: &MatResult) -> Markup {
    let every = result.seen.len().div_ceil(POINTS_MAX).max(1);
    let points: Vec<(f64, f64)> = result
        .seen
        .iter()
        .step_by(every)
        .map(|(i, f)| (1e-3 * result.log.frames[*i].peak_pa(), 1e-3 * f.peak_pa()))
        .collect();
    let end = top(points.iter().flat_map(|p| [p.0, p.1]), 1.0);
    let axis = |label| Axis {
        label,
        from: 0.0,
        to: end,
    };
    let chart = Chart::new(
        "Peak of the run",
        axis("peak of the log, kPa"),
        axis("kPa"),
        540.0,
        400.0,
    )
    .line(&[(0.0, 0.0), (end, end)], "#9aa3b2", 1.2)
    .dots(&points, RUN, 3.0);
    html! { figure { (chart.svg()) } }
}

/// The centre of pressure, down along the skin, over time.
fn way(result: &MatResult) -> Markup {
    let grid = &result.log.grid;
    let shift_m = result.alignment.pose.shift_m;
    let every = result.seen.len().div_ceil(POINTS_MAX).max(1);
    let of = |t_s: f64, frame: &MapFrame| {
        let at = centre_m(grid, frame, result.threshold_pa)?;
        Some((t_s, 1e3 * (at[1] + shift_m[1])))
    };
    let frames = || result.seen.iter().step_by(every);
    let log: Vec<_> = frames()
        .filter_map(|(i, f)| of(f.t_s, &result.log.frames[*i]))
        .collect();
    let run: Vec<_> = frames().filter_map(|(_, f)| of(f.t_s, f)).collect();
    let values = || log.iter().chain(&run).map(|p| p.1);
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let ends = result.seen.first().zip(result.seen.last());
    let time = Axis {
        label: "time of the run, s",
        from: ends.map_or(0.0, |(a, _)| a.1.t_s),
        to: ends.map_or(1.0, |(_, b)| b.1.t_s),
    };
    let axis = if low.is_finite() {
        Axis {
            label: "mm down from C7",
            from: low - 10.0,
            to: high + 10.0,
        }
    } else {
        Axis {
            label: "mm down from C7",
            from: 0.0,
            to: 1.0,
        }
    };
    let chart = Chart::new("Centre of pressure", time, axis, 540.0, 400.0)
        .dots(&log, LOG, 2.6)
        .dots(&run, RUN, 1.8);
    html! { figure { (names()) (chart.svg()) } }
}

fn parts(result: &MatResult) -> Markup {
    let row = |(part, a): (&str, &MapAgreement)| {
        vec![
            part.to_string(),
            a.loaded_frames.to_string(),
            format!("{:.1}", a.force.mean_log_n),
            format!("{:+.2}", a.force.bias_n),
            format!("{:.2}", a.force.rms_n),
            format!("{:+.1}", a.peak.bias_kpa),
            format!("{:.1}", a.peak.rms_kpa),
            format!("{:.2}", a.map.rms_kpa),
            share(a.map.correlation),
            a.centre.map_or("-".into(), |c| format!("{:.1}", c.rms_mm)),
            share(a.map.gain),
        ]
    };
    let rows: Vec<_> = std::iter::once(("all", &result.agreement))
        .chain(result.parts.iter().map(|(part, a)| (part.as_str(), a)))
        .map(row)
        .collect();
    page::table(
        &[
            "part",
            "frames",
            "force, N",
            "bias, N",
            "rms, N",
            "peak bias, kPa",
            "rms, kPa",
            "map rms, kPa",
            "correlation",
            "centre, mm",
            "log/run",
        ],
        &rows,
    )
}

fn alignment(result: &MatResult) -> Markup {
    let a = &result.alignment;
    let mut rows = vec![vec![
        "taken".into(),
        pose_words(&a.pose),
        format!("{:.4}", a.correlation),
        format!(
            "{:.4} s, {:.2} mm, {:.2} mm",
            a.error.shift_s,
            1e3 * a.error.shift_m[0],
            1e3 * a.error.shift_m[1]
        ),
    ]];
    for (name, rival) in [
        ("rival in time", a.time_rival),
        ("rival in place", a.place_rival),
    ] {
        if let Some(r) = rival {
            rows.push(vec![
                name.into(),
                pose_words(&r.pose),
                format!("{:.4}", r.correlation),
                String::new(),
            ]);
        }
    }
    page::table(
        &[
            "",
            "log shifted by",
            "correlation",
            "standard error, at least",
        ],
        &rows,
    )
}

/// Motor currents beside a run.
pub fn current_page(
    summary: &Summary,
    log: &str,
    result: &CurrentResult,
    notes: &[String],
) -> String {
    let facts = [
        ("log", file_name(log)),
        ("log shifted by", format!("{:+.3} s", result.shift_s)),
        ("scene", summary.scene_hash.chars().take(12).collect()),
    ];
    let row = |name: String, a: &CurrentAgreement| {
        vec![
            name,
            a.samples.to_string(),
            format!("{:.3}", a.rms_log_a),
            format!("{:+.3}", a.bias_a),
            format!("{:.3}", a.rms_a),
            share(a.correlation),
            share(a.gain),
        ]
    };
    let content = html! {
        div.cards { @for m in &result.motors {
            (card(&m.name.replace("_current_a", " motor"), &format!("{:.3} A rms", m.agreement.rms_a), &format!("bias {:+.3} A of {:.3} A; correlation {}", m.agreement.bias_a, m.agreement.rms_log_a, share(m.agreement.correlation)), Mood::Plain))
        } }
        @for note in notes { div.note { (note) } }
        @for m in &result.motors {
            @let every = m.t_s.len().div_ceil(POINTS_MAX).max(1);
            @let points = |values: &[f64]| m.t_s.iter().copied().zip(values.iter().copied()).step_by(every).collect::<Vec<_>>();
            @let (log, run) = (points(&m.log_a), points(&m.run_a));
            (section(&m.name.replace("_current_a", " motor"), "Errors are the run less the log.", &html! {
                (names())
                (both("Current", "A", &log, &run, 1080.0))
                (residual("Error", "A", &log, &run, 1080.0))
                (page::table(&["part", "samples", "log, A rms", "bias, A", "rms, A", "correlation", "log over run"],
                    &std::iter::once(row("all".into(), &m.agreement)).chain(m.parts.iter().map(|(part, a)| row(part.clone(), a))).collect::<Vec<_>>()))
            }))
        }
        (section("Alignment", "One shift in time for all motors: the one at which their currents correlate best, and its rivals.", &page::table(
            &["log shifted by", "correlation"],
            &result.matches.iter().map(|m| vec![format!("{:+.3} s", m.shift_s), format!("{:.4}", m.correlation)]).collect::<Vec<_>>(),
        )))
    };
    page::page(
        "Run beside motor currents",
        &summary.scene,
        "A log that is faster than the run's rows was averaged over them.",
        &facts,
        &content,
    )
}

/// The last part of a path: where the log lies on somebody's disk is no result.
fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_string()
}
