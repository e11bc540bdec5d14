//! Lines, bands, bars and heat maps in SVG.

use maud::{Markup, PreEscaped, html};
use std::fmt::Write;

/// Colours that people with colour-vision deficiencies tell apart (Okabe and Ito 2008).
pub const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];
/// What is tuned, today's practice, the best that is possible.
pub const TUNED: &str = "#0f766e";
/// One constant depth.
pub const CONSTANT: &str = "#b0b8c6";
/// Tuned to each body alone.
pub const ORACLE: &str = "#1c2330";

/// One axis: what it shows, from where to where.
#[derive(Clone, Copy)]
pub struct Axis<'a> {
    /// Name and unit.
    pub label: &'a str,
    /// Value at the origin.
    pub from: f64,
    /// Value at the end.
    pub to: f64,
}

/// A chart that is drawn by and by, later things over earlier ones.
pub struct Chart<'a> {
    x: Axis<'a>,
    y: Axis<'a>,
    width: f64,
    height: f64,
    title: &'a str,
    marks: Vec<(f64, String)>,
    drawn: String,
}

const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 40.0;

impl<'a> Chart<'a> {
    /// An empty chart; width and height are proportions and the size of the text against them.
    pub fn new(title: &'a str, x: Axis<'a>, y: Axis<'a>, width: f64, height: f64) -> Chart<'a> {
        let wide = |a: Axis<'a>| {
            if a.to > a.from {
                a
            } else {
                Axis {
                    to: a.from + 1.0,
                    ..a
                }
            }
        };
        Chart {
            x: wide(x),
            y: wide(y),
            width,
            height,
            title,
            marks: Vec::new(),
            drawn: String::new(),
        }
    }

    /// Named places on the x axis instead of numbers.
    pub fn marked(mut self, marks: impl IntoIterator<Item = (f64, String)>) -> Chart<'a> {
        let (from, to) = (self.x.from, self.x.to);
        self.marks = marks
            .into_iter()
            .filter(|(x, _)| (from..=to).contains(x))
            .collect();
        self
    }

    /// A line through points.
    pub fn line(mut self, points: &[(f64, f64)], colour: &str, width: f64) -> Chart<'a> {
        let path = self.path(points.iter().copied());
        self.draw(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>"));
        self
    }

    /// As [`Chart::line`], in dashes.
    pub fn dashed(mut self, points: &[(f64, f64)], colour: &str, width: f64) -> Chart<'a> {
        let path = self.path(points.iter().copied());
        self.draw(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"5 4\"/>"));
        self
    }

    /// A dot at each point.
    pub fn dots(mut self, points: &[(f64, f64)], colour: &str, radius: f64) -> Chart<'a> {
        self.draw(format_args!("<g fill=\"{colour}\" fill-opacity=\".45\">"));
        for (x, y) in points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()) {
            let (x, y) = (self.px(*x), self.py(*y));
            self.draw(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
            ));
        }
        self.draw(format_args!("</g>"));
        self
    }

    /// The area between two lines: x, low, high.
    pub fn area(mut self, points: &[(f64, f64, f64)], colour: &str, opacity: f64) -> Chart<'a> {
        let there = points.iter().map(|p| (p.0, p.1));
        let back = points.iter().rev().map(|p| (p.0, p.2));
        let path = self.path(there.chain(back));
        self.draw(format_args!(
            "<path d=\"{path}Z\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
        ));
        self
    }

    /// An upright bar.
    pub fn bar(mut self, from_x: f64, to_x: f64, value: f64, colour: &str) -> Chart<'a> {
        let (x0, x1) = (self.px(from_x), self.px(to_x));
        let (y0, y1) = (self.py(self.y.from), self.py(value));
        self.draw(format_args!(
            "<rect x=\"{x0:.1}\" y=\"{y1:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"1.5\" fill=\"{colour}\"/>",
            (x1 - x0).max(0.0),
            (y0 - y1).max(0.0)
        ));
        self
    }

    /// A short level stroke over a range of x.
    pub fn tick(mut self, from_x: f64, to_x: f64, value: f64, colour: &str) -> Chart<'a> {
        let (x0, x1, y) = (self.px(from_x), self.px(to_x), self.py(value));
        self.draw(format_args!(
            "<path d=\"M{x0:.1} {y:.1}H{x1:.1}\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"
        ));
        self
    }

    /// The finished picture.
    pub fn svg(self) -> Markup {
        let (w, h) = (self.width, self.height);
        let (bottom, right) = (h - BOTTOM, w - RIGHT);
        let mut s = String::new();
        for y in ticks(self.y.from, self.y.to, (h / 45.0).max(3.0)) {
            let at = self.py(y);
            put(
                &mut s,
                format_args!(
                    "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#e8ebf0\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\" fill=\"#5d6778\">{}</text>",
                    LEFT - 7.0,
                    at + 4.0,
                    short(y)
                ),
            );
        }
        let named = !self.marks.is_empty();
        let marks = if named {
            self.marks.clone()
        } else {
            ticks(self.x.from, self.x.to, w / 90.0)
                .into_iter()
                .map(|x| (x, short(x)))
                .collect()
        };
        for (x, text) in &marks {
            let at = self.px(*x);
            put(
                &mut s,
                format_args!(
                    "<path d=\"M{at:.1} {bottom}v4\" stroke=\"#9aa3b2\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#5d6778\">{}</text>",
                    bottom + 17.0,
                    escape(text)
                ),
            );
        }
        let middle = 0.5 * (LEFT + right);
        html! {
            svg viewBox=(format!("0 0 {w} {h}")) role="img" aria-label=(self.title) {
                (PreEscaped(s))
                path d=(format!("M{LEFT} {bottom}H{right}")) stroke="#9aa3b2" {}
                text x=(LEFT - 44.0) y="13" font-size="12" font-weight="600" fill="#1c2330" { (self.title) }
                text x=(right) y="13" font-size="11" fill="#5d6778" text-anchor="end" { (self.y.label) }
                text x=(format!("{middle:.1}")) y=(h - 6.0) font-size="11" fill="#5d6778" text-anchor="middle" { (self.x.label) }
                (PreEscaped(self.drawn))
            }
        }
    }

    fn px(&self, x: f64) -> f64 {
        LEFT + (x - self.x.from) / (self.x.to - self.x.from) * (self.width - LEFT - RIGHT)
    }

    fn py(&self, y: f64) -> f64 {
        let t = ((y - self.y.from) / (self.y.to - self.y.from)).clamp(-0.02, 1.02);
        self.height - BOTTOM - t * (self.height - TOP - BOTTOM)
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut d = String::new();
        for (x, y) in points.filter(|p| p.0.is_finite() && p.1.is_finite()) {
            let letter = if d.is_empty() { 'M' } else { 'L' };
            put(
                &mut d,
                format_args!("{letter}{:.1} {:.1}", self.px(x), self.py(y)),
            );
        }
        d
    }

    fn draw(&mut self, element: std::fmt::Arguments<'_>) {
        put(&mut self.drawn, element);
    }
}

/// What the colours of a chart mean: colour, whether it is an area, words.
pub fn key(entries: &[(&str, bool, &str)]) -> Markup {
    html! {
        div.key { @for (colour, area, words) in entries {
            span { i class=[area.then_some("area")] style=(format!("background:{colour}")) {} (words) }
        } }
    }
}

/// Cells of a heat map: row after row, the first row at the top.
pub struct Heat<'a> {
    /// Over the map.
    pub title: &'a str,
    /// Columns.
    pub columns: usize,
    /// A colour for each cell.
    pub colours: &'a [String],
    /// A sign for each cell: `.` for a dot, `x` for a cross, else nothing.
    pub signs: &'a [char],
    /// Names of the rows.
    pub rows: &'a [String],
    /// Below the first and the last column.
    pub ends: [&'a str; 2],
}

impl Heat<'_> {
    /// The finished picture.
    pub fn svg(&self) -> Markup {
        let (left, top, w, h) = (20.0, 20.0, 10.0, 12.0);
        let rows = self.rows.len();
        let (width, height) = (
            left + w * self.columns as f64 + 2.0,
            top + h * rows as f64 + 18.0,
        );
        let mut s = String::new();
        for (i, colour) in self.colours.iter().enumerate() {
            let (x, y) = (
                left + w * (i % self.columns) as f64,
                top + h * (i / self.columns) as f64,
            );
            put(
                &mut s,
                format_args!(
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{colour}\"/>"
                ),
            );
            let (cx, cy) = (x + 0.5 * w, y + 0.5 * h);
            match self.signs.get(i) {
                Some('.') => put(
                    &mut s,
                    format_args!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"1.6\" fill=\"#fff\"/>"),
                ),
                Some('x') => put(
                    &mut s,
                    format_args!(
                        "<path d=\"M{} {}l5 5m0 -5l-5 5\" stroke=\"#fff\" stroke-width=\"1.3\"/>",
                        cx - 2.5,
                        cy - 2.5
                    ),
                ),
                _ => {}
            }
        }
        for (i, row) in self.rows.iter().enumerate() {
            let y = top + h * (i as f64 + 0.5) + 3.5;
            put(
                &mut s,
                format_args!(
                    "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" font-size=\"9\" fill=\"#5d6778\">{}</text>",
                    left - 5.0,
                    escape(row)
                ),
            );
        }
        let foot = top + h * rows as f64 + 12.0;
        html! {
            svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(self.title) {
                text x=(left) y="13" font-size="11" font-weight="600" fill="#1c2330" { (self.title) }
                g shape-rendering="crispEdges" { (PreEscaped(s)) }
                text x=(left) y=(foot) font-size="9" fill="#5d6778" { (self.ends[0]) }
                text x=(width - 2.0) y=(foot) font-size="9" fill="#5d6778" text-anchor="end" { (self.ends[1]) }
            }
        }
    }
}

/// Round numbers within a range, about `count` of them.
fn ticks(from: f64, to: f64, count: f64) -> Vec<f64> {
    let rough = (to - from) / count;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * decade)
        .into_iter()
        .find(|s| *s >= rough)
        .unwrap_or(rough);
    let first = (from / step - 1e-9).ceil() as i64;
    let last = (to / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A number on an axis.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(what);
}

/// The highest of many values, at least `floor`, with a little room over it.
pub fn top(values: impl IntoIterator<Item = f64>, floor: f64) -> f64 {
    1.06 * values
        .into_iter()
        .filter(|v| v.is_finite())
        .fold(floor, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(
            ticks(0.0, 1.0, 5.0),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert!(ticks(1.0, 1.0, 5.0).is_empty() && ticks(f64::NAN, 1.0, 5.0).is_empty());
        assert_eq!(short(0.6000000000000001), "0.6");
    }
}
