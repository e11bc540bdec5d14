//! Pressure over a back, as a picture: the skin unrolled, seen from behind.

use anyhow::Context;
use back::{Back, Level, Zone};
use maud::{Markup, PreEscaped, html};
use sim::PressureMap;
use std::fmt::Write;

/// Inferno (S. van der Walt and N. Smith, matplotlib, CC0), 16 of its 256 colours: evenly spaced to the eye, and readable in grey.
const INFERNO: [[u8; 3]; 16] = [
    [0, 0, 4],
    [12, 8, 38],
    [36, 12, 79],
    [66, 10, 104],
    [93, 18, 110],
    [120, 28, 109],
    [147, 38, 103],
    [174, 48, 92],
    [199, 62, 76],
    [221, 81, 58],
    [237, 105, 37],
    [248, 133, 15],
    [252, 165, 10],
    [250, 198, 45],
    [242, 230, 97],
    [252, 255, 164],
];

/// Viridis, as above.
const VIRIDIS: [[u8; 3]; 16] = [
    [68, 1, 84],
    [72, 26, 108],
    [71, 47, 125],
    [65, 68, 135],
    [57, 86, 140],
    [49, 104, 142],
    [42, 120, 142],
    [35, 136, 142],
    [31, 152, 139],
    [34, 168, 132],
    [53, 183, 121],
    [84, 197, 104],
    [122, 209, 81],
    [165, 219, 54],
    [210, 226, 27],
    [253, 231, 37],
];

/// A colour of viridis at `t`, 0 to 1.
pub fn viridis(t: f64) -> String {
    hex(between(&VIRIDIS, t))
}

fn inferno(t: f64) -> String {
    hex(inferno_rgb(t))
}

/// A colour of inferno at `t`, 0 to 1.
pub fn inferno_rgb(t: f64) -> [u8; 3] {
    between(&INFERNO, t)
}

/// From blue at -1 over near white at 0 to red at 1: lightness and chroma are straight in Oklab (B. Ottosson 2020), so equal
/// steps look equal.
pub fn diverging_rgb(t: f64) -> [u8; 3] {
    let t = if t.is_finite() {
        t.clamp(-1.0, 1.0)
    } else {
        0.0
    };
    let (lightness, chroma) = (0.97 - 0.50 * t.abs(), 0.15 * t.abs());
    let hue = f64::to_radians(if t < 0.0 { 255.0 } else { 32.0 });
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let [l, m, s] = [
        lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b,
        lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b,
        lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b,
    ]
    .map(|v| v * v * v);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
    .map(|linear| {
        let v = linear.clamp(0.0, 1.0);
        let shown = if v <= 0.003_130_8 {
            12.92 * v
        } else {
            1.055 * v.powf(1.0 / 2.4) - 0.055
        };
        (255.0 * shown).round() as u8
    })
}

/// The colours of differences, kPa.
pub fn difference_bar(label: &str, full_kpa: f64) -> Markup {
    bar(label, -full_kpa, full_kpa, |t| {
        hex(diverging_rgb(2.0 * t - 1.0))
    })
}

/// The colours of pressures, kPa.
pub fn pressure_bar(label: &str, full_kpa: f64) -> Markup {
    bar(label, 0.0, full_kpa, inferno)
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn between(map: &[[u8; 3]; 16], t: f64) -> [u8; 3] {
    let at = 15.0
        * if t.is_finite() {
            t.clamp(0.0, 1.0)
        } else {
            0.0
        };
    let i = (at as usize).min(14);
    let part = at - i as f64;
    std::array::from_fn(|c| {
        let (a, b) = (f64::from(map[i][c]), f64::from(map[i + 1][c]));
        (a + part * (b - a)).round() as u8
    })
}

/// The largest pressure of a map, Pa.
pub fn peak_pa(map: &PressureMap) -> f64 {
    map.peak_pa
        .iter()
        .copied()
        .filter(|p| p.is_finite())
        .fold(0.0, f64::max)
}

/// The back from behind with the largest pressure that each place met; `full_pa` is the bright end of the colours.
pub fn back_from_behind(back: &Back, map: &PressureMap, full_pa: f64) -> anyhow::Result<Markup> {
    let arc_mm = 1e3 * back.arc_length_m();
    let (x0, x1, y0, y1) = (-265.0, 285.0, -0.17 * arc_mm, 1.24 * arc_mm);
    let first_y = map.first_u * arc_mm;
    let height_mm = map.u_per_row * arc_mm * map.rows as f64;
    let width_mm = 1e3 * map.x_per_column_m * map.columns as f64;
    // Samples lie in the middle of their pixels.
    let (left_mm, top_mm) = (
        1e3 * (map.first_x_m - 0.5 * map.x_per_column_m),
        first_y - 0.5 * map.u_per_row * arc_mm,
    );
    let image = data_uri(&pixels(map, full_pa)?);
    let mut labels = String::new();
    for level in Level::ALL.into_iter().skip_while(|l| *l != Level::C7) {
        let y = back.station(level) * arc_mm;
        let strong = ["C7", "T4", "T7", "T12", "L3", "L5", "S2"].contains(&level.name());
        let reach = if strong { 10.0 } else { 5.0 };
        let _ = write!(
            labels,
            "<path d=\"M{:.0} {y:.1}h{:.0}\" stroke=\"#8d94a8\" stroke-width=\"1.2\"/>",
            -reach / 2.0,
            reach
        );
        if strong {
            let _ = write!(
                labels,
                "<text x=\"248\" y=\"{:.1}\" font-size=\"15\" fill=\"#1c2330\" font-weight=\"600\">{}</text>",
                y + 5.0,
                level.name()
            );
            let _ = write!(
                labels,
                "<path d=\"M{:.0} {y:.1}H244\" stroke=\"#8d94a8\" stroke-width=\".6\" stroke-dasharray=\"2 5\"/>",
                8.0
            );
        }
    }
    for tenth in [0, 2, 4, 6, 8, 10] {
        let u = 0.1 * f64::from(tenth);
        let _ = write!(
            labels,
            "<text x=\"-262\" y=\"{:.1}\" font-size=\"13\" fill=\"#7b8496\">u {u:.1}</text>",
            u * arc_mm + 5.0
        );
    }
    let outline = outline(back);
    Ok(html! {
        svg viewBox=(format!("{x0} {y0:.1} {} {:.1}", x1 - x0, y1 - y0)) role="img" aria-label="pressure over the back" {
            path d=(outline) fill="#171a2b" {}
            (PreEscaped(scapulae(arc_mm)))
            image href=(image) x=(format!("{left_mm:.1}")) y=(format!("{top_mm:.1}")) width=(format!("{width_mm:.1}")) height=(format!("{height_mm:.1}")) preserveAspectRatio="none" {}
            (PreEscaped(labels))
        }
    })
}

/// The colours of the map with their pressures, kPa.
pub fn colour_bar(full_pa: f64) -> Markup {
    bar("largest pressure, kPa", 0.0, 1e-3 * full_pa, inferno)
}

/// The colours of depth maps, mm.
pub fn depth_bar(low_mm: f64, full_mm: f64) -> Markup {
    bar("depth from touch, mm", low_mm, full_mm, viridis)
}

fn bar(label: &str, low: f64, full: f64, colour: fn(f64) -> String) -> Markup {
    let decimals = if full - low < 16.0 { 1 } else { 0 };
    html! {
        svg viewBox="0 0 420 46" style="max-width:420px" role="img" aria-label=(label) {
            @for i in 0..64 {
                rect x=(format!("{:.2}", 6.0 * f64::from(i))) y="2" width="6.3" height="12" fill=(colour(f64::from(i) / 63.0)) {}
            }
            @for i in 0..=4 {
                @let x = 96.0 * f64::from(i);
                @let anchor = if i == 0 { "start" } else { "middle" };
                text x=(x) y="27" font-size="11" fill="#5d6778" text-anchor=(anchor) { (format!("{:.decimals$}", low + (full - low) * f64::from(i) / 4.0)) }
            }
            text x="0" y="41" font-size="11" fill="#5d6778" { (label) }
        }
    }
}

/// The trunk's outline, stations down and mm to the side: sizes of the body, joined smoothly.
fn outline(back: &Back) -> String {
    let s = back.sizes();
    let arc_mm = 1e3 * back.arc_length_m();
    let neck = 1e3 * s.neck_circumference_m / std::f64::consts::TAU;
    let acromion_u = 1e3 * s.c7_to_acromion_m / arc_mm;
    // Station and half width, mm, down the right side.
    let side = [
        (-0.17, neck),
        (-0.08, 1.06 * neck),
        (0.0, 1.5 * neck),
        (0.55 * acromion_u, 400.0 * s.biacromial_m),
        (acromion_u + 0.03, 500.0 * s.biacromial_m),
        (acromion_u + 0.15, 515.0 * s.biacromial_m),
        (0.46, 590.0 * s.chest_breadth_m),
        (0.62, 545.0 * s.chest_breadth_m),
        (0.80, 500.0 * s.waist_breadth_m),
        (0.95, 540.0 * s.waist_breadth_m),
        (1.10, 495.0 * s.hip_breadth_m),
        (1.24, 500.0 * s.hip_breadth_m),
    ];
    let right = side.iter().map(|(u, x)| (*x, u * arc_mm));
    let left = side.iter().rev().map(|(u, x)| (-x, u * arc_mm));
    format!(
        "{} {}Z",
        smooth(&right.collect::<Vec<_>>(), 'M'),
        smooth(&left.collect::<Vec<_>>(), 'L')
    )
}

/// A curve through points: Catmull-Rom as cubic Bezier pieces.
fn smooth(points: &[(f64, f64)], start: char) -> String {
    let Some(first) = points.first() else {
        return String::new();
    };
    let mut d = format!("{start}{:.1} {:.1}", first.0, first.1);
    let at = |i: isize| points[i.clamp(0, points.len() as isize - 1) as usize];
    for i in 0..points.len() as isize - 1 {
        let (a, b, c, e) = (at(i - 1), at(i), at(i + 1), at(i + 2));
        let (p, q) = (
            (b.0 + (c.0 - a.0) / 6.0, b.1 + (c.1 - a.1) / 6.0),
            (c.0 - (e.0 - b.0) / 6.0, c.1 - (e.1 - b.1) / 6.0),
        );
        let _ = write!(
            d,
            "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            p.0, p.1, q.0, q.1, c.0, c.1
        );
    }
    d
}

/// Where the shoulder blades lie, so that one knows the way.
fn scapulae(arc_mm: f64) -> String {
    let mut out = String::new();
    for [u0, u1, a_m, b_m] in Zone::SC.rectangles() {
        for sign in [-1.0, 1.0] {
            let (x0, x1) = (sign * 1e3 * a_m, sign * 1e3 * b_m);
            let (left, width) = (x0.min(x1), (x1 - x0).abs());
            let _ = write!(
                out,
                "<rect x=\"{left:.0}\" y=\"{:.0}\" width=\"{width:.0}\" height=\"{:.0}\" rx=\"22\" fill=\"none\" stroke=\"#363c55\" stroke-width=\"1.4\"/>",
                u0 * arc_mm,
                (u1 - u0) * arc_mm
            );
        }
    }
    out
}

/// The map as a PNG: transparent where nothing pressed.
fn pixels(map: &PressureMap, full_pa: f64) -> anyhow::Result<Vec<u8>> {
    let mut rgba = Vec::with_capacity(4 * map.peak_pa.len());
    for p in &map.peak_pa {
        let t = p / full_pa.max(1.0);
        let [r, g, b] = between(&INFERNO, t);
        // The first twentieth fades in.
        let alpha = (255.0 * (20.0 * t).clamp(0.0, 1.0)) as u8;
        rgba.extend([r, g, b, alpha]);
    }
    png(map.columns, map.rows, &rgba)
}

/// A PNG of red, green, blue and opacity, row after row, as an address that stands for itself.
pub fn image(columns: usize, rows: usize, rgba: &[u8]) -> anyhow::Result<String> {
    Ok(data_uri(&png(columns, rows, rgba)?))
}

fn png(columns: usize, rows: usize, rgba: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, u32::try_from(columns)?, u32::try_from(rows)?);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().context("the pressure picture")?;
    writer
        .write_image_data(rgba)
        .context("the pressure picture")?;
    writer.finish().context("the pressure picture")?;
    Ok(png)
}

fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", base64(png))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .enumerate()
            .fold(0u32, |w, (i, b)| w | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors of RFC 4648, section 10.
    #[test]
    fn val_base64() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }

    #[test]
    fn colours_stay_within_the_map() {
        assert_eq!(viridis(f64::NAN), "#440154");
        assert_eq!(
            (viridis(-1.0), viridis(2.0)),
            ("#440154".into(), "#fde725".into())
        );
    }
}
