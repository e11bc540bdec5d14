//! Charts side by side on one white sheet, an SVG file of its own.

use crate::chart::{Axis, Chart};
use std::fmt::Write;

/// Size of one chart, in the units of its text.
pub const PANEL: [f64; 2] = [430.0, 290.0];
/// Height of the line of words under the charts.
const FOOT: f64 = 24.0;

/// A sheet under way.
pub struct Sheet {
    columns: usize,
    panels: Vec<String>,
    /// Colour or pattern and words.
    key: Vec<(Mark, String)>,
    source: &'static str,
}

/// How an entry of the key looks.
#[derive(Clone, Copy)]
pub enum Mark {
    Dot(&'static str),
    Line(&'static str),
    Dashed(&'static str),
    Band(&'static str),
}

impl Sheet {
    /// `source` says where the reference is from.
    pub fn new(columns: usize, source: &'static str) -> Sheet {
        Sheet {
            columns,
            panels: Vec::new(),
            key: Vec::new(),
            source,
        }
    }

    pub fn key(mut self, mark: Mark, words: impl Into<String>) -> Sheet {
        self.key.push((mark, words.into()));
        self
    }

    pub fn put(&mut self, chart: Chart<'_>) {
        self.panels.push(chart.svg().into_string());
    }

    pub fn svg(self) -> String {
        let rows = self.panels.len().div_ceil(self.columns);
        let width = PANEL[0] * self.columns as f64 + 16.0;
        let charts_end = 10.0 + PANEL[1] * rows as f64;
        let height = charts_end + 2.0 * FOOT;
        let mut s = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"Helvetica,Arial,sans-serif\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        );
        for (i, panel) in self.panels.iter().enumerate() {
            let x = 8.0 + PANEL[0] * (i % self.columns) as f64;
            let y = 10.0 + PANEL[1] * (i / self.columns) as f64;
            let place = format!(
                "<svg x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" ",
                PANEL[0], PANEL[1]
            );
            s += &panel.replacen("<svg ", &place, 1);
            s.push('\n');
        }
        let mut x = 20.0;
        let y = charts_end + 0.6 * FOOT;
        for (mark, words) in &self.key {
            s += &mark.svg(x, y);
            text(&mut s, x + 26.0, y + 4.0, words);
            // Some 5.9 units a letter at this size.
            x += 44.0 + 5.9 * words.chars().count() as f64;
        }
        text(&mut s, 20.0, charts_end + 1.6 * FOOT, self.source);
        s + "</svg>\n"
    }
}

impl Mark {
    fn svg(self, x: f64, y: f64) -> String {
        let end = x + 20.0;
        match self {
            Mark::Dot(colour) => format!(
                "<circle cx=\"{}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\" fill-opacity=\".7\"/>",
                x + 12.0
            ),
            Mark::Line(colour) => {
                format!("<path d=\"M{x} {y:.1}H{end}\" stroke=\"{colour}\" stroke-width=\"2\"/>")
            }
            Mark::Dashed(colour) => format!(
                "<path d=\"M{x} {y:.1}H{end}\" stroke=\"{colour}\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>"
            ),
            Mark::Band(colour) => format!(
                "<rect x=\"{x}\" y=\"{:.1}\" width=\"20\" height=\"10\" fill=\"{colour}\" fill-opacity=\".25\"/>",
                y - 5.0
            ),
        }
    }
}

fn text(s: &mut String, x: f64, y: f64, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a string cannot fail.
    let _ = writeln!(
        s,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11.5\" fill=\"#3c4656\">{words}</text>"
    );
}

/// A chart of the sheet's size.
pub fn panel<'a>(title: &'a str, x: (&'a str, f64, f64), y: (&'a str, f64, f64)) -> Chart<'a> {
    let axis = |(label, from, to)| Axis { label, from, to };
    Chart::new(title, axis(x), axis(y), PANEL[0], PANEL[1])
}
