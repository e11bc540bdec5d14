//! Scores as a table: one technique a line, one measured figure a column.

use std::io::Write;

use program::Fit;
use tune::Score;

use crate::print;

/// Figures that get a column: name, title, factor to the shown unit, decimals.
pub const COLUMNS: [(&str, &str, f64, usize); 13] = [
    ("force", "force N", 1.0, 1),
    ("band_share", "in band", 1.0, 2),
    ("pressure", "kPa", 1e-3, 1),
    ("rate", "Hz", 1.0, 2),
    ("amplitude", "mm", 1e3, 1),
    ("speed", "mm/s", 1e3, 0),
    ("hold", "hold s", 1.0, 1),
    ("dose", "kPa s", 1e-3, 0),
    ("coverage", "cover", 1.0, 2),
    ("unevenness", "uneven", 1.0, 2),
    ("asymmetry", "l/r", 1.0, 2),
    ("dwell", "dwell s", 1.0, 1),
    ("shear", "shear", 1.0, 2),
];

/// Stands under every table of scores.
pub const LEGEND: &str = "closeness: 1 is as the technique asks; * is outside its band, ** at half or twice of it. Force and pressure are means \
     over the time at work, contact lost included. Bands, weights and the hand are estimates where the techniques' files say E.";

/// The titles, behind `lead`.
pub fn head(lead: &[&str]) -> Vec<String> {
    let mut row: Vec<String> = lead.iter().map(ToString::to_string).collect();
    row.push("close".into());
    row.extend(COLUMNS.iter().map(|c| c.1.to_string()));
    row.push(String::new());
    row
}

/// One score, behind `lead`; the last column stays empty for notes.
pub fn row(lead: Vec<String>, score: &Score) -> Vec<String> {
    let mut row = lead;
    row.push(format!("{:.2}", score.closeness));
    for (name, _, factor, decimals) in COLUMNS {
        row.push(match score.get(name) {
            Some(p) => {
                let mark = match p.closeness {
                    Some(c) if c <= 0.5 => "**",
                    Some(c) if c < 0.95 => "*",
                    _ => "",
                };
                if p.measured.is_finite() {
                    format!("{:.decimals$}{mark}", factor * p.measured)
                } else {
                    "-".into()
                }
            }
            None => String::new(),
        });
    }
    row.push(String::new());
    row
}

/// The table of scores, and what the machine could not follow.
pub fn tell(out: &mut impl Write, fits: &[Fit], scores: &[Score]) -> anyhow::Result<()> {
    if scores.is_empty() {
        return Ok(());
    }
    let mut rows = vec![head(&["technique"])];
    rows.extend(scores.iter().map(|s| row(vec![s.technique.clone()], s)));
    print::table(out, 1, &rows)?;
    writeln!(out, "{}", LEGEND)?;
    for fit in fits {
        for note in &fit.notes {
            writeln!(out, "part.{} ({}): {note}", fit.part, fit.technique)?;
        }
        if fit.residual_m > 5e-4 {
            writeln!(
                out,
                "part.{} ({}): {:.1} mm (rms) beside the path asked for",
                fit.part,
                fit.technique,
                1e3 * fit.residual_m
            )?;
        }
    }
    Ok(())
}
