//! Data goes to stdout: through one buffer, and a reader who stops reading is no error.

use serde::Serialize;
use std::io::{BufWriter, ErrorKind, Result, StdoutLock, Write, stdout};

/// Buffered stdout. Flush it at the end: [`finish`].
pub fn out() -> BufWriter<Stdout> {
    BufWriter::new(Stdout(stdout().lock()))
}

/// Stdout whose reader may have seen enough: a closed pipe swallows the rest, and changes no exit code.
pub struct Stdout(StdoutLock<'static>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self.0.write(bytes) {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self.0.flush() {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// Writes what is left.
pub fn finish(mut out: impl Write) -> anyhow::Result<()> {
    Ok(out.flush()?)
}

/// A value as indented JSON and a line end.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = out();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    finish(out)
}

/// Six significant digits without trailing zeros, `-` where there is no number.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = (5 - magnitude).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

/// Three decimals, `-` where there is no number.
pub fn share(value: Option<f64>) -> String {
    value.map_or("-".into(), |v| format!("{v:.3}"))
}

/// Rows as columns that line up, two spaces apart; the first `left` columns to the left, the last as it is.
pub fn table(out: &mut impl Write, left: usize, rows: &[Vec<String>]) -> Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        rows.iter()
            .filter_map(|r| r.get(c))
            .map(|t| t.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (c, text) in row.iter().enumerate() {
            let pad = " ".repeat(widths[c].saturating_sub(text.chars().count()));
            match (c < left, c + 1 == columns) {
                (_, true) if c >= left => line += text,
                (true, _) => line += &format!("{text}{pad}"),
                (false, _) => line += &format!("{pad}{text}"),
            }
            line += "  ";
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits_and_no_tail() {
        let cases = [
            (0.0264309, "0.0264309"),
            (12.5, "12.5"),
            (123456.7, "123457"),
            (-2.0, "-2"),
            (f64::NAN, "-"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
