//! Parallel coordinates: one line a point, one upright axis for each variable and objective. Without its script it is a
//! still picture; with it, a stretch dragged on an axis keeps the lines that pass there.

use maud::{Markup, PreEscaped, html};
use std::fmt::Write;

/// An axis.
pub struct Axis {
    /// Over it.
    pub name: String,
    /// Below the name.
    pub unit: String,
    /// Words at heights of it, 0 to 1 from below.
    pub marks: Vec<(f64, String)>,
}

/// A line.
pub struct Line {
    /// What it is, for who points at it.
    pub title: String,
    /// Heights on the axes, 0 to 1 from below.
    pub heights: Vec<f64>,
    /// Its colour.
    pub colour: String,
    /// Thick lines stand out.
    pub thick: bool,
}

const WIDTH: f64 = 1060.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 92.0;
const TOP: f64 = 62.0;
const BOTTOM: f64 = 26.0;

/// The picture, its legend of what is kept, its script.
pub fn picture(axes: &[Axis], lines: &[Line]) -> Markup {
    let n = axes.len().max(2) as f64;
    let x = |i: usize| LEFT + i as f64 * (WIDTH - LEFT - RIGHT) / (n - 1.0);
    let y = |h: f64| TOP + (1.0 - h) * (HEIGHT - TOP - BOTTOM);
    let mut paths = String::new();
    for line in lines {
        let mut d = String::new();
        for (i, h) in line.heights.iter().enumerate() {
            let letter = if i == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{letter}{:.1} {:.1}", x(i), y(*h));
        }
        let data: Vec<String> = line.heights.iter().map(|h| format!("{h:.3}")).collect();
        let (width, opacity) = if line.thick { (2.6, 1.0) } else { (1.1, 0.5) };
        let title = html! { title { (line.title) } }.into_string();
        let _ = write!(
            paths,
            "<path d=\"{d}\" data-h=\"{}\" stroke=\"{}\" stroke-width=\"{width}\" stroke-opacity=\"{opacity}\">{title}</path>",
            data.join(","),
            line.colour
        );
    }
    let total = lines.len();
    html! {
        p.lead.brush-words { "Drag up or down along an axis to keep the lines that pass there, on as many axes as you like; click an axis to let go. "
            strong data-count { (total) } " of " (total) " lines are kept." }
        div.scroll { svg.parallel viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) style="min-width:760px"
            data-top=(TOP) data-tall=(HEIGHT - TOP - BOTTOM) role="img" aria-label="parallel coordinates" {
            g fill="none" stroke-linejoin="round" { (PreEscaped(paths)) }
            @for (i, axis) in axes.iter().enumerate() {
                g data-axis=(i) {
                    path d=(format!("M{:.1} {TOP}V{:.1}", x(i), HEIGHT - BOTTOM)) stroke="#5d6778" {}
                    rect.stretch x=(format!("{:.1}", x(i) - 8.0)) y=(TOP) width="16" height="0" fill="#0f766e" fill-opacity=".28" stroke="#0f766e" {}
                    @for (h, words) in &axis.marks {
                        path d=(format!("M{:.1} {:.1}h8", x(i) - 4.0, y(*h))) stroke="#5d6778" {}
                        text x=(format!("{:.1}", x(i) + 7.0)) y=(format!("{:.1}", y(*h) + 4.0)) font-size="10.5" fill="#1c2330"
                            stroke="#fff" stroke-width="3" paint-order="stroke" { (words) }
                    }
                    // Names in two heights, so that neighbours do not run into each other.
                    @let high = 14.0 + 22.0 * (i % 2) as f64;
                    text x=(format!("{:.1}", x(i))) y=(high) font-size="11" font-weight="600" text-anchor="middle" fill="#1c2330" { (axis.name) }
                    text x=(format!("{:.1}", x(i))) y=(high + 12.0) font-size="10" text-anchor="middle" fill="#5d6778" { (axis.unit) }
                    rect.grip x=(format!("{:.1}", x(i) - 22.0)) y=(TOP) width="44" height=(HEIGHT - TOP - BOTTOM) fill="transparent" style="cursor:ns-resize;touch-action:none" {}
                }
            }
        } }
        style { (PreEscaped(STYLE)) }
        script { (PreEscaped(SCRIPT)) }
    }
}

const STYLE: &str = ".parallel path.off{stroke:#d9dde5!important;stroke-opacity:.35!important;stroke-width:.7!important}\
.brush-words{display:none}.js .brush-words{display:block}";

const SCRIPT: &str = r#"
(function () {
  "use strict";
  document.documentElement.classList.add("js");
  var svg = document.querySelector("svg.parallel");
  var count = document.querySelector("[data-count]");
  var top = +svg.dataset.top, tall = +svg.dataset.tall;
  var lines = Array.from(svg.querySelectorAll("[data-h]")).map(function (path) {
    return { path: path, h: path.dataset.h.split(",").map(Number) };
  });
  var kept = {};
  function height(event) {
    var at = svg.createSVGPoint();
    at.x = event.clientX;
    at.y = event.clientY;
    var y = at.matrixTransform(svg.getScreenCTM().inverse()).y;
    return Math.min(1, Math.max(0, 1 - (y - top) / tall));
  }
  function show() {
    var n = 0;
    lines.forEach(function (line) {
      var on = Object.keys(kept).every(function (i) {
        return line.h[i] >= kept[i][0] - 5e-4 && line.h[i] <= kept[i][1] + 5e-4;
      });
      line.path.classList.toggle("off", !on);
      n += on ? 1 : 0;
    });
    count.textContent = n;
  }
  svg.querySelectorAll("[data-axis]").forEach(function (axis) {
    var i = axis.dataset.axis, grip = axis.querySelector(".grip"), stretch = axis.querySelector(".stretch");
    var from = null;
    function draw() {
      var k = kept[i];
      stretch.setAttribute("y", k ? top + (1 - k[1]) * tall : top);
      stretch.setAttribute("height", k ? (k[1] - k[0]) * tall : 0);
      show();
    }
    grip.addEventListener("pointerdown", function (event) {
      grip.setPointerCapture(event.pointerId);
      from = height(event);
      delete kept[i];
      draw();
    });
    grip.addEventListener("pointermove", function (event) {
      if (from === null) { return; }
      var to = height(event);
      if (Math.abs(to - from) > 0.01) { kept[i] = [Math.min(from, to), Math.max(from, to)]; }
      draw();
    });
    grip.addEventListener("pointerup", function () { from = null; });
    grip.addEventListener("pointercancel", function () { from = null; });
  });
})();
"#;
