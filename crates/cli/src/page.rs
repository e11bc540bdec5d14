//! What the reports share: one self-contained page, its style, its cards.

use back::NOTICE;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page with a head, its sections, and the notice at its foot.
pub fn page(
    kicker: &str,
    title: &str,
    subtitle: &str,
    facts: &[(&str, String)],
    body: &Markup,
) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Kneadlab" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    div.wrap {
                        p.kicker { (kicker) }
                        h1 { (title) }
                        p.subtitle { (subtitle) }
                        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
                    }
                }
                main.wrap { (body) }
                footer { div.wrap { p { strong { (NOTICE) } } p { "Made by kneadlab " (env!("CARGO_PKG_VERSION")) ". The same input gives the same page." } } }
            }
        }
    }
    .into_string()
}

/// A part of a page.
pub fn section(title: &str, lead: &str, content: &Markup) -> Markup {
    html! {
        section {
            h2 { (title) }
            @if !lead.is_empty() { p.lead { (lead) } }
            (content)
        }
    }
}

/// How a headline figure is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Neither.
    Plain,
}

/// A headline figure.
pub fn card(name: &str, value: &str, note: &str, mood: Mood) -> Markup {
    let class = match mood {
        Mood::Good => "card good",
        Mood::Bad => "card bad",
        Mood::Plain => "card",
    };
    html! {
        div class=(class) {
            p.card-name { (name) }
            p.card-value { (value) }
            p.card-note { (note) }
        }
    }
}

/// A table with a head.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { @for cell in head { th { (cell) } } } }
            tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
        } }
    }
}

/// `78.4 %`.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1} %", 100.0 * share)
    } else {
        "none".into()
    }
}

const STYLE: &str = "
:root{--ink:#1c2330;--soft:#5d6778;--line:#e3e7ee;--paper:#fff;--wash:#f5f7fa;--accent:#0f766e;--good:#0f766e;--bad:#b42318}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);font:15px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;-webkit-font-smoothing:antialiased}
.wrap{max-width:1120px;margin:0 auto;padding:0 28px}
header{background:#141826;color:#fff;padding:44px 0 34px}
.kicker{margin:0 0 8px;font-size:12px;letter-spacing:.14em;text-transform:uppercase;color:#8fd3c8}
h1{margin:0;font-size:34px;line-height:1.15;font-weight:650;letter-spacing:-.02em}
.subtitle{margin:10px 0 0;max-width:760px;color:#c5cbd8;font-size:16px}
.facts{display:flex;flex-wrap:wrap;gap:10px 34px;margin:26px 0 0}
.facts dt{font-size:11px;letter-spacing:.08em;text-transform:uppercase;color:#8a93a6}
.facts dd{margin:1px 0 0;font-variant-numeric:tabular-nums;color:#eef1f6}
section{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:26px 28px 28px;margin:22px 0}
h2{margin:0 0 4px;font-size:20px;font-weight:650;letter-spacing:-.01em}
h3{margin:22px 0 6px;font-size:15px;font-weight:650}
.lead{margin:0 0 16px;color:var(--soft);max-width:860px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:16px;margin:26px 0 4px}
.card{background:var(--paper);border:1px solid var(--line);border-top:4px solid #94a0b4;border-radius:12px;padding:16px 20px 14px}
.card.good{border-top-color:var(--good)}.card.bad{border-top-color:var(--bad)}
.card-name{margin:0;color:var(--soft);font-size:13px}
.card-value{margin:2px 0;white-space:nowrap;font-size:30px;line-height:1.15;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card.bad .card-value{color:var(--bad)}
.card-note{margin:0;color:var(--soft);font-size:13px}
.row{display:flex;flex-wrap:wrap;gap:22px;align-items:flex-start}
.row>*{flex:1 1 0;min-width:260px}
.three{display:grid;grid-template-columns:repeat(3,1fr);gap:20px}
@media(max-width:860px){.three{grid-template-columns:1fr}}
figure{margin:0}
figcaption{color:var(--soft);font-size:13px;margin-top:6px}
figcaption strong{color:var(--ink)}
svg{display:block;width:100%;height:auto}
svg text{font-family:inherit}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th{text-align:left;font-weight:600;color:var(--soft);font-size:12px;border-bottom:1px solid var(--line);padding:6px 14px 6px 0;white-space:nowrap}
td{border-bottom:1px solid #eef1f5;padding:6px 14px 6px 0;vertical-align:top}
.scroll{overflow-x:auto}
.key{display:flex;flex-wrap:wrap;gap:6px 20px;margin:0 0 10px;font-size:13px;color:var(--soft)}
.key span{display:inline-flex;align-items:center;gap:7px}
.key i{display:inline-block;width:22px;height:4px;border-radius:2px}
.key i.area{height:12px}
.note{border-left:4px solid #d99a2b;background:#fdf6e8;padding:10px 16px;border-radius:0 8px 8px 0;margin:16px 0 0}
.note.bad{border-left-color:var(--bad);background:#fdecea}
ul{margin:8px 0 0;padding-left:20px}
footer{color:var(--soft);font-size:13px;padding:10px 0 40px}
footer p{margin:4px 0}
@media print{body{background:#fff}section{break-inside:avoid}}
";
