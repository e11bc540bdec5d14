//! What a body scan found, in words and tables.

use crate::print::number;
use serde_json::{Value, json};
use sim::Shoulder;
use std::fmt::Write as _;
use std::io::Write;

/// One line.
pub fn line(found: &Shoulder) -> String {
    let by = if found.all_out {
        "by the force on the way down, the slide having been all the way out"
    } else {
        "by the arms' swing on the way up"
    };
    let error = found.error_m.map_or_else(String::new, |m| {
        format!(", {:+.1} mm from this body's own", 1e3 * m)
    });
    format!(
        "shoulder at {:.0} mm {by}{error}, in {:.1} s with at most {:.0} N a node",
        1e3 * found.z_m,
        found.took_s,
        found.force_n
    )
}

/// The same, and what limits the scan passed.
pub fn tell(out: &mut impl Write, found: &Shoulder) -> anyhow::Result<()> {
    writeln!(out, "body scan: {}", line(found))?;
    if !found.violations.is_empty() {
        writeln!(
            out,
            "body scan: {} limits passed while it scanned, see summary.json",
            found.violations.len()
        )?;
    }
    Ok(())
}

/// For `summary.json`: all but the rows.
pub fn summary(found: &Shoulder) -> Value {
    json!({
        "shoulder_z_m": found.z_m,
        "by_swing_z_m": found.swung_z_m,
        "by_force_z_m": found.borne_z_m,
        "slide_all_out": found.all_out,
        "error_m": found.error_m,
        "took_s": found.took_s,
        "node_force_n": found.force_n,
        "violations": found.violations,
    })
}

/// What the sensors said.
pub fn csv(found: &Shoulder) -> String {
    let mut text = String::from("t_s,stage,walk_m,protrude_m,arm_rad,side_force_n\n");
    for row in &found.rows {
        let s = &row.sensed;
        let _ = writeln!(
            text,
            "{},{},{},{},{},{}",
            number(row.t_s),
            row.stage.name(),
            number(s.walk_m),
            number(s.protrude_m),
            number(s.arm_rad),
            number(s.force_n)
        );
    }
    text
}
