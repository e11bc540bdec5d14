//! A log of a press: CSV with a column of depth, one of force, and perhaps one that names the node.

use crate::indent;
use scene::{Problem, Severity};
use std::path::Path;
use tissue::{Indenter, Measured, Point};

/// A node as it was written, and its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// `sphere:25`.
    pub text: String,
    /// Its shape.
    pub shape: Indenter,
}

impl Node {
    /// From `sphere:25` and its relatives, mm.
    pub fn parse(text: &str) -> Result<Node, String> {
        let text = text.trim().to_string();
        indent::node(&text).map(|shape| Node { text, shape })
    }
}

/// What was measured with one node in one file.
pub struct Curve {
    /// The file, as it was given.
    pub file: String,
    /// What was pressed in.
    pub node: Node,
    /// Depth and force.
    pub points: Vec<Point>,
    /// Line of each point, from 1.
    pub lines: Vec<usize>,
}

impl Curve {
    /// Without file and lines.
    pub fn measured(&self) -> Measured {
        Measured {
            node: self.node.shape.to_owned(),
            points: self.points.clone(),
        }
    }
}

/// A file that was read.
pub struct Log {
    /// One for each node, in the order of the file.
    pub curves: Vec<Curve>,
    /// Columns that nobody asked for.
    pub ignored: Vec<String>,
    /// Whether a column names the nodes.
    pub names_nodes: bool,
}

/// Reads a file; its nodes are those of its column `node`, else `node`.
///
/// # Errors
/// Every problem of the file, by line.
pub fn read(path: &Path, node: Option<&Node>) -> Result<Log, Vec<Problem>> {
    let mut reader = Reader {
        file: path.display().to_string(),
        problems: Vec::new(),
    };
    let log = match std::fs::read_to_string(path) {
        Ok(text) => reader.log(&text, node),
        Err(e) => {
            reader.tell(1, "", "", &format!("cannot be read: {e}"), "", "");
            None
        }
    };
    match log {
        Some(log) if reader.problems.is_empty() => Ok(log),
        _ => Err(reader.problems),
    }
}

struct Reader {
    file: String,
    problems: Vec<Problem>,
}

/// Where the columns are.
struct Columns {
    depth: usize,
    /// m for one unit of the column.
    depth_unit_m: f64,
    force: usize,
    node: Option<usize>,
    names: Vec<String>,
}

/// Rows with one and the same fault that are told one by one.
const TOLD_MAX: usize = 5;

impl Reader {
    fn log(&mut self, text: &str, node: Option<&Node>) -> Option<Log> {
        let mut csv = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let head = csv.headers().ok()?.clone();
        let head_line = head.position().map_or(1, |p| p.line() as usize);
        let columns = self.columns(&head, head_line, node.is_some())?;
        let mut curves: Vec<Curve> = Vec::new();
        for record in csv.records() {
            match record {
                Ok(record) => {
                    if let Some((node, point, line)) = self.row(&record, &columns, node) {
                        self.put(&mut curves, node, point, line);
                    }
                }
                Err(e) => {
                    let line = e.position().map_or(1, |p| p.line() as usize);
                    self.tell(line, "", "", &format!("cannot be read: {e}"), "", "");
                }
            }
        }
        self.shorten();
        let used = [Some(columns.depth), Some(columns.force), columns.node];
        let names = columns.names.iter().enumerate();
        Some(Log {
            curves,
            ignored: names
                .filter(|(i, _)| !used.contains(&Some(*i)))
                .map(|(_, n)| n.clone())
                .collect(),
            names_nodes: columns.node.is_some(),
        })
    }

    fn columns(
        &mut self,
        head: &csv::StringRecord,
        line: usize,
        has_node: bool,
    ) -> Option<Columns> {
        let names: Vec<String> = head.iter().map(String::from).collect();
        let first = names.first().map(String::as_str).unwrap_or_default();
        let wanted = "a first line such as depth_mm,force_n";
        if names.len() <= 1 && first.contains([';', '\t']) {
            let hint = "write commas between cells and points in numbers: 1.5,0.32";
            self.tell(line, "", "", "cells are not parted by commas", wanted, hint);
            return None;
        }
        if first.is_empty() || first.parse::<f64>().is_ok() {
            self.tell(
                line,
                "",
                first,
                "the first line names no columns",
                wanted,
                "put it over the numbers",
            );
            return None;
        }
        let before = self.problems.len();
        let depth = self.column(&names, line, &["depth_mm", "depth_m"], &DEPTHS);
        let force = self.column(&names, line, &["force_n"], &FORCES);
        let node = names.iter().position(|n| n == "node");
        if node.is_none() && !has_node {
            self.tell(
                line,
                "node",
                "",
                "nothing says what was pressed in",
                "",
                "give --node sphere:25, or a column node",
            );
        }
        let (depth, force) = (depth?, force?);
        (self.problems.len() == before).then(|| Columns {
            depth,
            depth_unit_m: if names[depth] == "depth_mm" {
                1e-3
            } else {
                1.0
            },
            force,
            node,
            names,
        })
    }

    /// The one column with one of these names; otherwise tells what is there.
    fn column(
        &mut self,
        names: &[String],
        line: usize,
        wanted: &[&str],
        units: &[Unit],
    ) -> Option<usize> {
        let found: Vec<usize> = (0..names.len())
            .filter(|&i| wanted.contains(&names[i].as_str()))
            .collect();
        let allowed = wanted.join(" or ");
        match found.as_slice() {
            [one] => return Some(*one),
            [] => {
                let stem = wanted[0].split('_').next().unwrap_or_default();
                let message = format!("no column of {stem} among {}", names.join(", "));
                let hint = look_alike(names, units, wanted[0]);
                self.tell(line, wanted[0], "", &message, &allowed, &hint);
            }
            [_, second, ..] => {
                self.tell(
                    line,
                    &names[*second],
                    "",
                    "a second column of the same kind",
                    &allowed,
                    "leave one",
                );
            }
        }
        None
    }

    fn row(
        &mut self,
        record: &csv::StringRecord,
        columns: &Columns,
        node: Option<&Node>,
    ) -> Option<(Node, Point, usize)> {
        let line = record.position().map_or(1, |p| p.line() as usize);
        if record.len() != columns.names.len() {
            let message = format!(
                "{} cells, and the first line names {} columns",
                record.len(),
                columns.names.len()
            );
            self.tell(
                line,
                "",
                "",
                &message,
                "",
                "a decimal comma makes two cells of one number: write 1.5",
            );
            return None;
        }
        let depth = self.number(record, columns, columns.depth, line);
        let force = self.number(record, columns, columns.force, line);
        let node = match columns.node {
            None => node.cloned(),
            Some(i) => match Node::parse(&record[i]) {
                Ok(node) => Some(node),
                Err(e) => {
                    self.tell(
                        line,
                        "node",
                        &record[i],
                        &e,
                        "shapes as of --node, in mm",
                        "",
                    );
                    None
                }
            },
        };
        let depth = depth.filter(|depth| {
            let deep = *depth > 0.0;
            if !deep {
                let hint = "depth is the travel from touch; leave out what came before";
                self.tell(
                    line,
                    &columns.names[columns.depth],
                    &record[columns.depth],
                    "not in the tissue",
                    "above 0",
                    hint,
                );
            }
            deep
        });
        let point = Point {
            depth_m: depth? * columns.depth_unit_m,
            force_n: force?,
        };
        Some((node?, point, line))
    }

    fn number(
        &mut self,
        record: &csv::StringRecord,
        columns: &Columns,
        column: usize,
        line: usize,
    ) -> Option<f64> {
        let text = &record[column];
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
        if value.is_none() {
            let hint = if text.contains(',') {
                "write a decimal point: 1.5"
            } else {
                ""
            };
            self.tell(
                line,
                &columns.names[column],
                text,
                "this is no number",
                "finite numbers",
                hint,
            );
        }
        value
    }

    fn put(&self, curves: &mut Vec<Curve>, node: Node, point: Point, line: usize) {
        let known = curves.iter().position(|c| c.node.shape == node.shape);
        let at = known.unwrap_or_else(|| {
            curves.push(Curve {
                file: self.file.clone(),
                node,
                points: Vec::new(),
                lines: Vec::new(),
            });
            curves.len() - 1
        });
        curves[at].points.push(point);
        curves[at].lines.push(line);
    }

    fn tell(
        &mut self,
        line: usize,
        key: &str,
        value: &str,
        message: &str,
        allowed: &str,
        hint: &str,
    ) {
        self.problems.push(problem(
            &self.file, line, key, value, message, allowed, hint,
        ));
    }

    /// A log of thousands of rows may have one fault in all of them: it is told a few times and then counted.
    fn shorten(&mut self) {
        let mut kinds: Vec<((String, String), usize)> = Vec::new();
        let mut told = Vec::new();
        for p in std::mem::take(&mut self.problems) {
            let kind = (p.key.clone(), p.message.clone());
            match kinds.iter_mut().find(|k| k.0 == kind) {
                Some(k) => k.1 += 1,
                None => kinds.push((kind.clone(), 1)),
            }
            if kinds.iter().any(|k| k.0 == kind && k.1 <= TOLD_MAX) {
                told.push(p);
            }
        }
        for ((key, message), count) in kinds.into_iter().filter(|k| k.1 > TOLD_MAX) {
            let at = told
                .iter()
                .rposition(|p| p.key == key && p.message == message);
            if let Some(p) = at.map(|i| &mut told[i]) {
                p.message += &format!(", and the same in {} more lines", count - TOLD_MAX);
            }
        }
        self.problems = told;
    }
}

/// A problem of a log.
pub fn problem(
    file: &str,
    line: usize,
    key: &str,
    value: &str,
    message: &str,
    allowed: &str,
    hint: &str,
) -> Problem {
    Problem {
        file: file.into(),
        line,
        key: key.into(),
        value: value.into(),
        message: message.into(),
        allowed: allowed.into(),
        hint: (!hint.is_empty()).then(|| hint.into()),
        severity: Severity::Error,
    }
}

/// How a column may be called that holds the quantity in another unit: end of its name, what one of it is.
type Unit = (&'static str, f64);

const DEPTHS: [Unit; 6] = [
    ("um", 1e-3),
    ("cm", 10.0),
    ("inch", 25.4),
    ("in", 25.4),
    ("mm", 1.0),
    ("m", 1e3),
];
/// N; the standard weights of a kilogram and a pound.
const FORCES: [Unit; 8] = [
    ("kgf", 9.806_65),
    ("gf", 9.806_65e-3),
    ("lbf", 4.448_222),
    ("ozf", 0.278_014),
    ("kn", 1e3),
    ("mn", 1e-3),
    ("g", 9.806_65e-3),
    ("n", 1.0),
];

/// What to do with a column that may be the one that is wanted.
fn look_alike(names: &[String], units: &[Unit], wanted: &str) -> String {
    let words: &[&str] = if wanted.starts_with("depth") {
        &["depth", "disp", "travel", "indent", "position", "stroke"]
    } else {
        &["force", "load", "weight"]
    };
    let Some(name) = names
        .iter()
        .find(|n| words.iter().any(|w| n.to_lowercase().contains(w)))
    else {
        return format!("name the column {wanted}");
    };
    let lower = name.to_lowercase();
    let end = lower.trim_end_matches([')', ']']);
    let last = end
        .rsplit(['_', '[', '(', ' ', '/'])
        .next()
        .unwrap_or_default();
    match units.iter().find(|u| u.0 == last) {
        Some((_, factor)) if *factor != 1.0 => {
            format!("{name} looks like it: multiply it by {factor} and call it {wanted}")
        }
        Some(_) => format!("{name} looks like it: call it {wanted}"),
        None => format!("{name} looks like it: if its unit is right, call it {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Log, Vec<Problem>> {
        let mut reader = Reader {
            file: "log.csv".into(),
            problems: Vec::new(),
        };
        let node = Node::parse("sphere:25").ok();
        let log = reader.log(text, node.as_ref());
        log.filter(|_| reader.problems.is_empty())
            .ok_or(reader.problems)
    }

    #[test]
    fn columns_go_by_name_and_nodes_by_row() {
        let log = of(
            "\u{feff}# bench 2\nnode,t_s,force_n,depth_m\nsphere:25,0,1,0.001\n\"roller:10,40,5\",1,2,0.002\nsphere:25,2,3,0.003\n",
        );
        let log = log.unwrap_or_else(|p| panic!("{p:?}"));
        let sizes: Vec<_> = log
            .curves
            .iter()
            .map(|c| (c.points.len(), c.lines.clone()))
            .collect();
        assert_eq!(sizes, [(2, vec![3, 5]), (1, vec![4])]);
        assert_eq!(
            log.curves[0].points[1],
            Point {
                depth_m: 0.003,
                force_n: 3.0
            }
        );
        assert_eq!(log.ignored, ["t_s"]);
        let mm = of("depth_mm,force_n\n1,1\n").unwrap_or_else(|p| panic!("{p:?}"));
        assert_eq!(mm.curves[0].points[0].depth_m, 0.001);
    }

    /// Every fault is told with its line, and says what to do.
    #[test]
    fn faults_are_told_with_line_and_hint() {
        let faults = |text: &str| -> Vec<String> {
            of(text)
                .map(|_| ())
                .unwrap_err()
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        for (text, line, word) in [
            ("depth_mm,force_kgf\n1,2\n", 1, "9.80665"),
            ("displacement [mm],force_n\n1,2\n", 1, "call it depth_mm"),
            ("depth_mm;force_n\n1,5;2\n", 1, "commas"),
            ("1,2\n2,3\n", 1, "names no columns"),
            ("", 1, "names no columns"),
            ("depth_mm,depth_m,force_n\n1,1,1\n", 1, "second column"),
            ("depth_mm,force_n\n1,0.1\n2,x\n", 3, "no number"),
            ("depth_mm,force_n\n1,NaN\n", 2, "no number"),
            ("depth_mm,force_n\n0,0\n1,1\n", 2, "above 0"),
            ("depth_mm,force_n\n1,5,0\n", 2, "decimal comma"),
            ("depth_mm,force_n,node\n1,5,cube:3\n", 2, "known shapes"),
        ] {
            let found = faults(text);
            let place = format!("log.csv:{line}: error");
            assert!(
                found
                    .iter()
                    .any(|f| f.starts_with(&place) && f.contains(word)),
                "{text:?}: {found:?}"
            );
        }
        assert_eq!(faults("depth_mm,force_n\nx,y\n-1,2\n").len(), 3);
        let many = format!("depth_mm,force_n\n{}", "0,0\n".repeat(40));
        let told = faults(&many);
        assert!(
            told.len() == 5 && told[4].contains("35 more lines"),
            "{told:?}"
        );
    }
}
