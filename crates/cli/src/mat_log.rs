//! Logs as CSV: pressure maps over time (a mat's, and a run's own), and motor currents over time.
//!
//! ```text
//! # pitch_mm = 10                  what no column can say: comment lines `# key = value`, or options
//! t_s,row,p0,p1,p2                 a line for each row of cells; lines of one time are one frame
//! 0.00,0,0,1.2,0                   rows from the top down, columns to the user's right; rows left out carry nothing
//! 0.00,1,0,0.8,0
//!
//! t_s,walk_current_a,knead_current_a,protrude_current_a      any of the three
//! ```

use crate::print::number;
use scene::{Problem, Problems};
use sim::{Grid, MapFrame, Movie};
use std::fmt::Write;
use tune::Signal;

/// A log that can be compared.
pub enum Log {
    /// Of a pressure mat.
    Mat(MatLog),
    /// Of motors: a channel for each of [`MOTORS`], where it is there.
    Current([Option<Signal>; 3]),
}

/// A mat's frames.
pub struct MatLog {
    /// Its frames on its cells.
    pub movie: Movie,
    /// Whether the log says where its first cell lies; else the grid begins at 0.
    pub placed: bool,
    /// The unit that it was written in.
    pub unit: Unit,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
}

/// What is known of a mat beside its numbers; an option wins over the log's own comment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Geometry {
    /// From a cell to the next: to the right, down, m.
    pub pitch_m: Option<[f64; 2]>,
    /// Centre of the first cell: to the right of the midline, down from C7, m.
    pub first_m: Option<[f64; 2]>,
    /// Rows; without it, as many as are seen.
    pub rows: Option<usize>,
    /// Unit of its pressures.
    pub unit: Option<Unit>,
    /// Which way its rows run.
    pub row_order: Option<RowOrder>,
    /// Which way its columns run.
    pub column_order: Option<ColumnOrder>,
}

/// Units of pressure that mats export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs, reason = "they are their own names")]
pub enum Unit {
    #[default]
    Kpa,
    Pa,
    Mmhg,
    Psi,
    #[value(name = "n/cm2")]
    NPerCm2,
    Mbar,
}

/// Which way rows run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RowOrder {
    /// Row 0 is nearest to the head.
    #[default]
    Down,
    /// Row 0 is nearest to the seat.
    Up,
}

/// Which way columns run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColumnOrder {
    /// Column 0 is leftmost to the user.
    #[default]
    Right,
    /// Column 0 is rightmost to the user: a mat seen from in front.
    Left,
}

impl Unit {
    /// One of it in Pa (mmHg and psi: NIST SP 811, 2008, appendix B.8).
    pub fn pa(self) -> f64 {
        match self {
            Unit::Kpa => 1e3,
            Unit::Pa => 1.0,
            Unit::Mmhg => 133.322_4,
            Unit::Psi => 6_894.757,
            Unit::NPerCm2 => 1e4,
            Unit::Mbar => 100.0,
        }
    }
}

/// Columns of a current log, in the order of a trace.
pub const MOTORS: [&str; 3] = ["walk_current_a", "knead_current_a", "protrude_current_a"];
/// Keys of comment lines.
const KEYS: [&str; 6] = [
    "pitch_mm",
    "first_cell_mm",
    "rows",
    "unit",
    "row_order",
    "column_order",
];
/// Problems that are told one by one.
const TOLD_MAX: usize = 12;
/// Rows, and columns, of a mat at most.
const SIDE_MAX: usize = 4096;

/// A run's maps as a log: kPa to 1 Pa, rows without pressure left out.
pub fn csv(movie: &Movie) -> String {
    let grid = &movie.grid;
    let mm = |m: [f64; 2]| m.map(|v| number(1e3 * v)).join(",");
    let mut text = format!(
        "# pressure of the nodes on the skin, kPa; rows go down the spine, columns to the user's right\n\
         # pitch_mm = {}\n# first_cell_mm = {}\n# rows = {}\nt_s,row",
        mm(grid.pitch_m),
        mm(grid.first_m),
        grid.rows,
    );
    for column in 0..grid.columns {
        let _ = write!(text, ",p{column}");
    }
    text.push('\n');
    let mut row_kpa = vec![0.0; grid.columns];
    for frame in &movie.frames {
        // An unloaded frame still has its time.
        let rows = frame
            .cells
            .chunk_by(|a, b| a.0 as usize / grid.columns == b.0 as usize / grid.columns);
        let empty: &[(u32, f32)] = &[];
        for cells in rows.chain(frame.cells.is_empty().then_some(empty)) {
            let row = cells.first().map_or(0, |c| c.0 as usize / grid.columns);
            row_kpa.fill(0.0);
            for (cell, p) in cells {
                row_kpa[*cell as usize % grid.columns] = 1e-3 * f64::from(*p);
            }
            let _ = write!(text, "{},{row}", number(frame.t_s));
            for p in &row_kpa {
                // Most cells are empty, and a number has no tail.
                let shown = format!("{p:.3}");
                let _ = write!(
                    text,
                    ",{}",
                    shown.trim_end_matches('0').trim_end_matches('.')
                );
            }
            text.push('\n');
        }
    }
    text
}

/// Reads a log. `file` is its name in problems.
pub fn read(text: &str, file: &str, geometry: &Geometry) -> Result<Log, Problems> {
    let mut reader = Reader {
        file,
        problems: Vec::new(),
        more: 0,
        notes: Vec::new(),
    };
    let log = reader.log(text.trim_start_matches('\u{feff}'), geometry);
    if reader.more > 0 {
        let what = format!("{} more problems like these", reader.more);
        reader
            .problems
            .push(problem(file, 1, ["", ""], what, "", ""));
    }
    match log {
        Some(log) if reader.problems.is_empty() => Ok(log),
        _ => Err(Problems(reader.problems)),
    }
}

struct Reader<'a> {
    file: &'a str,
    problems: Vec<Problem>,
    more: usize,
    notes: Vec<String>,
}

/// A line that is neither empty nor a comment: its number, its fields.
struct Line<'a> {
    number: usize,
    fields: Vec<&'a str>,
}

impl Reader<'_> {
    fn tell(
        &mut self,
        line: usize,
        key_value: [&str; 2],
        message: impl Into<String>,
        allowed: &str,
        hint: &str,
    ) {
        if self.problems.len() < TOLD_MAX {
            let found = problem(self.file, line, key_value, message.into(), allowed, hint);
            self.problems.push(found);
        } else {
            self.more += 1;
        }
    }

    fn log(&mut self, text: &str, geometry: &Geometry) -> Option<Log> {
        let mut geometry = *geometry;
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            match line.strip_prefix('#') {
                Some(comment) => self.comment(i + 1, comment, &mut geometry),
                None if line.is_empty() => {}
                None => lines.push(Line {
                    number: i + 1,
                    fields: line
                        .split(',')
                        .map(|f| f.trim().trim_matches('"'))
                        .collect(),
                }),
            }
        }
        const HEADS: &str = "t_s,row,p0,p1,... for a mat; t_s and any of walk_current_a, knead_current_a, protrude_current_a for motors";
        let Some((head, lines)) = lines.split_first() else {
            self.tell(1, ["", ""], "there is nothing in this file", HEADS, "");
            return None;
        };
        if head.fields[0] != "t_s" {
            let hint = if head.fields[0].contains(';') {
                "separate fields with commas, and write decimals with a point"
            } else {
                "the first line names the columns; times are seconds in the first column, t_s"
            };
            self.tell(
                head.number,
                ["", ""],
                "these are not the columns of a log",
                HEADS,
                hint,
            );
            return None;
        }
        if lines.is_empty() {
            self.tell(
                head.number,
                ["", ""],
                "no line follows the names of the columns",
                "",
                "",
            );
            return None;
        }
        let before = self.problems.len();
        for line in lines {
            if line.fields.len() != head.fields.len() {
                let message = format!(
                    "{} fields, {} columns",
                    line.fields.len(),
                    head.fields.len()
                );
                self.tell(
                    line.number,
                    ["", ""],
                    message,
                    "",
                    "each line has a field for each column: a mat's cells without pressure are 0",
                );
            }
        }
        if self.problems.len() > before {
            return None;
        }
        if head.fields.get(1) == Some(&"row") {
            self.mat(head, lines, &geometry).map(Log::Mat)
        } else {
            self.currents(head, lines).map(Log::Current)
        }
    }

    /// `key = value`: taken where it is known and no option says otherwise. Other comments are for people.
    fn comment(&mut self, line: usize, comment: &str, geometry: &mut Geometry) {
        let Some((key, value)) = comment.split_once('=').map(|(k, v)| (k.trim(), v.trim())) else {
            return;
        };
        let mut wrong = |allowed: &str| {
            self.tell(line, [key, value], "this cannot be read", allowed, "");
        };
        match key {
            "pitch_mm" => match pitch_mm(value) {
                Ok(m) => geometry.pitch_m = geometry.pitch_m.or(Some(m)),
                Err(e) => wrong(&e),
            },
            "first_cell_mm" => match pair_mm(value) {
                Ok(m) => geometry.first_m = geometry.first_m.or(Some(m)),
                Err(e) => wrong(&e),
            },
            "rows" => match value.parse::<usize>() {
                Ok(rows) if (1..=SIDE_MAX).contains(&rows) => geometry.rows = Some(rows),
                _ => wrong(&format!("1 to {SIDE_MAX}")),
            },
            "unit" => choice(value, &mut geometry.unit, wrong),
            "row_order" => choice(value, &mut geometry.row_order, wrong),
            "column_order" => choice(value, &mut geometry.column_order, wrong),
            _ if key.ends_with("_mm") || key.ends_with("_order") => self.notes.push(format!(
                "{}:{line}: `{key}` is no key of a log and was left out; known: {}",
                self.file,
                KEYS.join(", ")
            )),
            _ => {}
        }
    }

    fn mat(&mut self, head: &Line<'_>, lines: &[Line<'_>], geometry: &Geometry) -> Option<MatLog> {
        let columns = head.fields.len() - 2;
        for (i, name) in head.fields[2..].iter().enumerate() {
            if *name != format!("p{i}") {
                let allowed = format!("p{i}");
                self.tell(head.number, [name, ""], "this column is unknown", &allowed, "columns are p0, p1, ... in order; the unit goes into --unit or a line `# unit = mmhg`");
            }
        }
        let Some(pitch_m) = geometry.pitch_m else {
            self.tell(head.number, ["pitch_mm", ""], "the distance between the mat's cells is not given, and force hangs on it", "0.5 to 100 mm", "give --pitch-mm 10, or --pitch-mm 10,12 (to the right, down), or a line `# pitch_mm = 10`");
            return None;
        };
        if columns == 0 || columns > SIDE_MAX {
            self.tell(
                head.number,
                ["columns", &columns.to_string()],
                "no such mat can be read",
                &format!("1 to {SIDE_MAX}"),
                "",
            );
            return None;
        }
        let unit = geometry.unit.unwrap_or_default();
        let mirrored = geometry.column_order == Some(ColumnOrder::Left);
        let mut frames: Vec<Frame> = Vec::new();
        for line in lines {
            let t_s = self.number(line, head, 0);
            let row = self.row(line, geometry.rows.unwrap_or(SIDE_MAX));
            let cells = self.pressures(line, columns, unit, mirrored);
            let (Some(t_s), Some(row), Some(cells)) = (t_s, row, cells) else {
                continue;
            };
            match frames.last_mut() {
                Some(frame) if t_s < frame.t_s => {
                    let allowed = format!(
                        "at least {}, the time of the line before",
                        number(frame.t_s)
                    );
                    self.tell(
                        line.number,
                        ["t_s", line.fields[0]],
                        "time runs backwards",
                        &allowed,
                        "sort the log, or cut it where its clock was set",
                    );
                }
                Some(frame) if t_s == frame.t_s => {
                    if frame.rows.iter().any(|(r, _)| *r == row) {
                        self.tell(
                            line.number,
                            ["row", line.fields[1]],
                            format!("this row is there twice at {} s", number(t_s)),
                            "",
                            "frames need times that differ",
                        );
                    }
                    frame.rows.push((row, cells));
                }
                _ => frames.push(Frame {
                    t_s,
                    rows: vec![(row, cells)],
                }),
            }
        }
        if !self.problems.is_empty() || frames.is_empty() {
            return None;
        }
        let seen = 1 + frames.iter().flat_map(|f| &f.rows).map(|r| r.0).max()?;
        let rows = geometry.rows.unwrap_or(seen);
        let short = frames.iter().filter(|f| f.rows.len() < rows).count();
        // A log that says how many rows there are may leave out what is unloaded.
        if short > 0 && geometry.rows.is_none() {
            self.notes.push(format!(
                "{short} of {} frames do not list all of {rows} rows; those left out are taken as unloaded (a line `# rows = {rows}` says that this is meant)",
                frames.len()
            ));
        }
        let upward = geometry.row_order == Some(RowOrder::Up);
        let frames = frames
            .into_iter()
            .map(|f| f.map(rows, columns, upward))
            .collect();
        Some(MatLog {
            movie: Movie {
                grid: Grid {
                    rows,
                    columns,
                    first_m: geometry.first_m.unwrap_or_default(),
                    pitch_m,
                },
                frames,
            },
            placed: geometry.first_m.is_some(),
            unit,
            notes: std::mem::take(&mut self.notes),
        })
    }

    fn row(&mut self, line: &Line<'_>, rows: usize) -> Option<usize> {
        match line.fields[1].parse::<usize>() {
            Ok(row) if row < rows => Some(row),
            _ => {
                let allowed = format!("0 to {}", rows - 1);
                self.tell(
                    line.number,
                    ["row", line.fields[1]],
                    "this is no row of a mat",
                    &allowed,
                    "rows count from 0",
                );
                None
            }
        }
    }

    /// Cells with pressure of one line, Pa.
    fn pressures(
        &mut self,
        line: &Line<'_>,
        columns: usize,
        unit: Unit,
        mirrored: bool,
    ) -> Option<Vec<(u32, f32)>> {
        let mut cells = Vec::new();
        for (i, field) in line.fields[2..].iter().enumerate() {
            // Most cells of most mats.
            if *field == "0" {
                continue;
            }
            match field.parse::<f64>() {
                Ok(p) if p > 0.0 && p * unit.pa() <= 1e8 => {
                    let column = if mirrored { columns - 1 - i } else { i };
                    cells.push((column as u32, (p * unit.pa()) as f32));
                }
                Ok(0.0) => {}
                Ok(p) if p < 0.0 => {
                    let key = format!("p{i}");
                    self.tell(line.number, [&key, field], "a mat cannot pull", "0 and more", "an offset that was taken off too far: write the raw values and give --tare-s FROM,TO");
                    return None;
                }
                other => {
                    let key = format!("p{i}");
                    let what = if other.is_ok() {
                        "no such pressure is plausible"
                    } else {
                        "this is no number"
                    };
                    self.tell(
                        line.number,
                        [&key, field],
                        what,
                        "0 to 100000 kPa",
                        "cells that are dead or blocked are written as 0",
                    );
                    return None;
                }
            }
        }
        cells.sort_unstable_by_key(|c| c.0);
        Some(cells)
    }

    fn currents(&mut self, head: &Line<'_>, lines: &[Line<'_>]) -> Option<[Option<Signal>; 3]> {
        let mut channels: [Option<usize>; 3] = [None; 3];
        for (i, name) in head.fields.iter().enumerate().skip(1) {
            match MOTORS.iter().position(|m| m == name) {
                Some(motor) if channels[motor].is_none() => channels[motor] = Some(i),
                Some(_) => self.tell(head.number, [name, ""], "this column is there twice", "", ""),
                None => self.tell(head.number, [name, ""], "this column is unknown", &MOTORS.join(", "), "currents are in A; leave out what the run does not know. A mat's second column is `row`"),
            }
        }
        if head.fields.len() == 1 {
            self.tell(
                head.number,
                ["", ""],
                "there is a time and nothing else",
                &MOTORS.join(", "),
                "",
            );
        }
        let mut t_s: Vec<f64> = Vec::with_capacity(lines.len());
        let mut values = [const { Vec::new() }; 3];
        for line in lines {
            let Some(t) = self.number(line, head, 0) else {
                continue;
            };
            if let Some(before) = t_s.last().filter(|before| t <= **before) {
                let allowed = format!("over {}, the time of the line before", number(*before));
                self.tell(
                    line.number,
                    ["t_s", line.fields[0]],
                    "time does not go on",
                    &allowed,
                    "sort the log, or cut it where its clock was set",
                );
            }
            t_s.push(t);
            for (values, channel) in values.iter_mut().zip(channels) {
                if let Some(i) = channel {
                    values.push(self.number(line, head, i).unwrap_or(0.0));
                }
            }
        }
        let mut values = values.into_iter();
        Some(channels.map(|channel| {
            let values = values.next().unwrap_or_default();
            channel.map(|_| Signal {
                t_s: t_s.clone(),
                values,
            })
        }))
    }

    fn number(&mut self, line: &Line<'_>, head: &Line<'_>, i: usize) -> Option<f64> {
        match line.fields[i].parse::<f64>() {
            Ok(v) if v.abs() <= 1e9 => Some(v),
            _ => {
                self.tell(
                    line.number,
                    [head.fields[i], line.fields[i]],
                    "this is no number",
                    "",
                    "seconds and amperes as plain decimals, such as 12.5",
                );
                None
            }
        }
    }
}

/// Rows of one moment, each with its cells by column.
struct Frame {
    t_s: f64,
    rows: Vec<(usize, Vec<(u32, f32)>)>,
}

impl Frame {
    fn map(mut self, rows: usize, columns: usize, upward: bool) -> MapFrame {
        for (row, _) in &mut self.rows {
            if upward {
                *row = rows - 1 - *row;
            }
        }
        self.rows.sort_unstable_by_key(|r| r.0);
        let cells = self.rows.into_iter().flat_map(|(row, cells)| {
            let first = (row * columns) as u32;
            cells
                .into_iter()
                .map(move |(column, p)| (first + column, p))
        });
        MapFrame {
            t_s: self.t_s,
            cells: cells.collect(),
        }
    }
}

fn problem(
    file: &str,
    line: usize,
    [key, value]: [&str; 2],
    message: String,
    allowed: &str,
    hint: &str,
) -> Problem {
    crate::force_log::problem(file, line, key, value, &message, allowed, hint)
}

fn choice<T: clap::ValueEnum>(value: &str, into: &mut Option<T>, mut wrong: impl FnMut(&str)) {
    match T::from_str(value, true) {
        Ok(v) => *into = into.take().or(Some(v)),
        Err(_) => {
            let known: Vec<String> = T::value_variants()
                .iter()
                .filter_map(|v| Some(v.to_possible_value()?.get_name().to_string()))
                .collect();
            wrong(&known.join(", "));
        }
    }
}

/// `10` or `10,12`: to the right, down; in m.
pub fn pitch_mm(text: &str) -> Result<[f64; 2], String> {
    let both = if text.contains(',') {
        pair_mm(text)?
    } else {
        pair_mm(&format!("{text},{text}"))?
    };
    if both.iter().all(|p| (0.0005..=0.1).contains(p)) {
        Ok(both)
    } else {
        Err("0.5 to 100 mm".into())
    }
}

/// `X,DOWN` in mm; in m.
pub fn pair_mm(text: &str) -> Result<[f64; 2], String> {
    let wrong = || "two numbers X,DOWN in mm, each within 5 m".to_string();
    let (x, down) = text.split_once(',').ok_or_else(wrong)?;
    let mm = |t: &str| match t.trim().parse::<f64>() {
        Ok(v) if v.abs() <= 5000.0 => Ok(1e-3 * v),
        _ => Err(wrong()),
    };
    Ok([mm(x)?, mm(down)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let geometry = Geometry {
            pitch_m: Some([0.01; 2]),
            ..Geometry::default()
        };
        match read(text, "log.csv", &geometry) {
            Ok(_) => panic!("{text:?} was read"),
            Err(problems) => problems.to_string(),
        }
    }

    fn mat(text: &str, geometry: &Geometry) -> MatLog {
        match read(text, "log.csv", geometry) {
            Ok(Log::Mat(log)) => log,
            Ok(Log::Current(_)) => panic!("currents"),
            Err(problems) => panic!("{problems}"),
        }
    }

    /// Two rows of two cells in mmHg, seen from in front and upside down: all four go to the opposite corner.
    #[test]
    fn geometry_comes_from_comments_and_options_win() {
        let text = "\u{feff}# pitch_mm = 8,12\r\n# unit = mmhg\r\n# column_order = left\r\n# row_order = up\r\nt_s,row,p0,p1\r\n0,0,1,2\r\n0,1,3,4\r\n";
        let log = mat(text, &Geometry::default());
        let kpa: Vec<f64> = log.movie.frames[0]
            .cells
            .iter()
            .map(|c| f64::from(c.1) / 133.3224)
            .collect();
        for (found, wanted) in kpa.iter().zip([4.0, 3.0, 2.0, 1.0]) {
            assert!((found - wanted).abs() < 1e-6, "{kpa:?}");
        }
        assert_eq!(log.movie.grid.pitch_m, [0.008, 0.012]);
        let options = Geometry {
            pitch_m: Some([0.01; 2]),
            unit: Some(Unit::Pa),
            ..Geometry::default()
        };
        let log = mat(text, &options);
        assert_eq!(log.movie.grid.pitch_m, [0.01; 2]);
        assert_eq!(log.movie.frames[0].cells[0], (0, 4.0));
    }

    #[test]
    fn what_a_run_writes_is_read_back() {
        let movie = Movie {
            grid: Grid {
                rows: 3,
                columns: 4,
                first_m: [-0.006, -0.01],
                pitch_m: [0.004; 2],
            },
            frames: vec![
                MapFrame {
                    t_s: 0.02,
                    cells: vec![],
                },
                MapFrame {
                    t_s: 0.12,
                    cells: vec![(1, 1500.0), (2, 2e5), (11, 12.0)],
                },
            ],
        };
        let log = mat(&csv(&movie), &Geometry::default());
        assert_eq!(log.movie, movie);
        assert!(log.placed);
    }

    /// Each slip is told at its line, with what is allowed.
    #[test]
    fn every_problem_is_told() {
        for (text, told) in [
            ("", "nothing in this file"),
            ("a,b\n1,2\n", "allowed: t_s,row,p0"),
            ("t_s;row;p0\n0;0;1\n", "hint: separate fields with commas"),
            ("t_s,row,p0\n", "no line follows"),
            (
                "t_s,row,p0,p1\n0,0,1\n0,1,1,2,3\n",
                "log.csv:2: error: 3 fields, 4 columns",
            ),
            (
                "t_s,row,p0\n1,0,1\n0.5,0,1\n",
                "log.csv:3: error: t_s = 0.5: time runs backwards\n  allowed: at least 1",
            ),
            ("t_s,row,p0\n1,0,-1\n", "p0 = -1: a mat cannot pull"),
            ("t_s,row,p0\n1,0,B\n", "p0 = B: this is no number"),
            ("t_s,row,p0\n1,0,nan\n", "p0 = nan"),
            (
                "t_s,row,p0\n1,0,1\n1,0,1\n",
                "log.csv:3: error: row = 0: this row is there twice at 1 s",
            ),
            ("t_s,row,p0\n1,-1,1\n", "row = -1: this is no row of a mat"),
            ("t_s,row,mmhg\n1,0,1\n", "the unit goes into --unit"),
            ("t_s,row,p0\nx,0,1\n", "t_s = x: this is no number"),
            (
                "# unit = atm\nt_s,row,p0\n0,0,1\n",
                "allowed: kpa, pa, mmhg",
            ),
            (
                "# pitch_mm = 0\nt_s,row,p0\n0,0,1\n",
                "allowed: 0.5 to 100 mm",
            ),
            (
                "t_s,walk_current_ma\n0,1\n",
                "walk_current_ma: this column is unknown\n  allowed: walk_current_a",
            ),
            ("t_s,walk_current_a\n0,1\n0,1\n", "time does not go on"),
            ("t_s\n0\n", "a time and nothing else"),
        ] {
            let found = problems(text);
            assert!(found.contains(told), "{text:?} gives\n{found}");
        }
        let many = format!("t_s,row,p0\n{}", "0,0,-1\n".repeat(100));
        assert!(problems(&many).ends_with("88 more problems like these"));
        let unknown = read("t_s,row,p0\n0,0,1\n", "log.csv", &Geometry::default());
        assert!(unknown.is_err_and(|p| p.to_string().contains("--pitch-mm")));
    }
}
