//! A file as it was written: a tree of values, each with the place it came from. Nothing is checked here but the TOML.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::builtin;
use crate::problem::{Problem, Problems, Severity};
use crate::spec::{Fallback, Kind, Table};
use crate::suggest;
use crate::unit::show;
use crate::urdf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    /// The file, as it is shown.
    pub file: Arc<str>,
    /// Line from 1; 0 for `--set`.
    pub line: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub origin: Origin,
    pub raw: Raw,
}

/// A value as TOML has it.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    Number(f64),
    Integer(i64),
    Flag(bool),
    Text(String),
    Date(String),
    List(Vec<Node>),
    /// In the order of the lines.
    Table(Vec<(String, Node)>),
    /// Already reported: a file that could not be read.
    Broken,
}

impl Raw {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Raw::Number(_) => "a number",
            Raw::Integer(_) => "a whole number",
            Raw::Flag(_) => "true or false",
            Raw::Text(_) => "text",
            Raw::Date(_) => "a date",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
            Raw::Broken => "nothing",
        }
    }

    /// The value as one would write it, cut when long.
    pub fn show(&self) -> String {
        let mut text = self.show_all();
        if text.chars().count() > 60 {
            text = text.chars().take(57).collect::<String>() + "...";
        }
        text
    }

    fn show_all(&self) -> String {
        match self {
            Raw::Number(v) if v.fract() == 0.0 && v.abs() < 1e9 => format!("{v:.1}"),
            Raw::Number(v) => show(*v),
            Raw::Integer(v) => v.to_string(),
            Raw::Flag(v) => v.to_string(),
            Raw::Text(v) => format!("{v:?}"),
            Raw::Date(v) => v.clone(),
            Raw::List(v) => {
                let parts: Vec<String> = v.iter().take(12).map(|n| n.raw.show()).collect();
                format!("[{}]", parts.join(", "))
            }
            Raw::Table(_) => "{...}".into(),
            Raw::Broken => String::new(),
        }
    }
}

impl Node {
    /// The entries of a table, or none.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.raw {
            Raw::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The keys of a table, or none.
    pub fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries().iter().map(|(key, _)| key.as_str())
    }
}

impl Node {
    /// The tree as TOML that reads back the same, on one line a top-level key.
    pub fn to_toml(&self) -> String {
        let line =
            |(key, node): &(String, Node)| format!("{} = {}\n", quoted_key(key), node.inline());
        self.entries().iter().map(line).collect()
    }

    fn inline(&self) -> String {
        match &self.raw {
            Raw::Number(v) if v.fract() == 0.0 && v.abs() < 1e15 => format!("{v:.1}"),
            // Infinity and not-a-number are TOML's words too, in small letters.
            Raw::Number(v) if !v.is_finite() => v.to_string().to_lowercase(),
            Raw::Number(v) => format!("{v:?}"),
            Raw::Integer(v) => v.to_string(),
            Raw::Flag(v) => v.to_string(),
            Raw::Text(v) => toml::Value::String(v.clone()).to_string(),
            Raw::Date(v) => v.clone(),
            Raw::List(v) => {
                let items: Vec<String> = v.iter().map(Node::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Raw::Table(entries) => {
                let item = |(key, node): &(String, Node)| {
                    format!("{} = {}", quoted_key(key), node.inline())
                };
                let items: Vec<String> = entries.iter().map(item).collect();
                format!("{{ {} }}", items.join(", "))
            }
            Raw::Broken => "\"\"".into(),
        }
    }
}

fn quoted_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !key.is_empty() && key.chars().all(bare) {
        key.into()
    } else {
        toml::Value::String(key.into()).to_string()
    }
}

/// Reads a file, the files that it refers to, and lays `sets` over them.
pub(crate) fn read(
    path: &Path,
    spec: &'static Table,
    sets: &[(String, String)],
    problems: &mut Problems,
) -> Option<Node> {
    let name = shown(path);
    let mut node = match read_file(path, &name, problems) {
        Ok(node) => node,
        Err(reason) => {
            problems.0.push(Problem {
                file: name,
                line: 1,
                key: String::new(),
                value: String::new(),
                message: reason,
                allowed: String::new(),
                hint: similar_file(path),
                severity: Severity::Error,
            });
            return None;
        }
    };
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let sets: Vec<Set> = sets
        .iter()
        .map(|(path, value)| Set::new(path, value, spec, &node.origin.file))
        .collect();
    resolve(&mut node, spec, "", &folder, &sets, problems);
    for set in sets.iter().filter(|s| !s.is_reference(spec)) {
        set.apply(&mut node, spec, problems);
    }
    Some(node)
}

/// Parses TOML and keeps what can be kept: every syntax error is a problem, and the rest is still checked.
pub(crate) fn parse(text: &str, name: &str, problems: &mut Problems) -> Node {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(
            text.bytes()
                .enumerate()
                .filter(|(_, b)| *b == b'\n')
                .map(|(i, _)| i + 1),
        )
        .collect();
    let lines = Lines {
        file: name.into(),
        starts,
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut tell = |line: usize, key: &str, message: String, hint: Option<&str>| {
        problems.0.push(Problem {
            file: name.into(),
            line,
            key: key.into(),
            value: String::new(),
            message,
            allowed: String::new(),
            hint: hint.map(str::to_owned),
            severity: Severity::Error,
        });
    };
    // A list that is not closed takes in the rest of the file, and each line of that would be told.
    if let Some(first) = errors.first()
        && errors
            .iter()
            .any(|e| e.message().contains("unclosed array"))
    {
        let at = lines.line(first.span().map_or(0, |s| s.start));
        if let Some((line, key, rest)) = without_open_list(text, at) {
            let message = "not TOML: the list that begins here is not closed".to_owned();
            tell(line, &key, message, Some("close it with ]"));
            return parse(&rest, name, problems);
        }
    }
    for e in errors {
        let span = e.span().unwrap_or(0..0);
        let message = e.message().replace('\n', ", ");
        let key = match message.starts_with("duplicate key") {
            true => text.get(span.clone()).unwrap_or_default(),
            false => "",
        };
        let hint = SLIPS
            .iter()
            .find(|(start, _)| message.starts_with(start))
            .map(|(_, hint)| *hint);
        tell(
            lines.line(span.start),
            key,
            format!("not TOML: {message}"),
            hint,
        );
    }
    lines.table(table.get_ref(), 0)
}

/// Slips of the pen, by how the parser's message begins, and what to do about them.
const SLIPS: [(&str, &str); 5] = [
    ("duplicate key", "it stands here a second time: leave one"),
    (
        "string values must be quoted",
        "words stand in quotes, numbers without their unit",
    ),
    (
        "unexpected key or value",
        "one value after =, on one line; decimals have a point, not a comma",
    ),
    (
        "key with no value",
        "a line is key = value, [table] or [[list of tables]]",
    ),
    (
        "missing comma between array elements",
        "a list is [1, 2, 3]: commas between, ] at its end",
    ),
];

/// A line's key and what stands behind its `=`.
fn key(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (!key.is_empty() && key.chars().all(plain)).then(|| (key.to_owned(), value.trim()))
}

/// The line, at `at` or before it, whose list is left open, its key, and the text without that list: up to the next line that
/// begins a table or a key.
fn without_open_list(text: &str, at: usize) -> Option<(usize, String, String)> {
    let lines: Vec<&str> = text.split('\n').collect();
    let (open, name) = (0..at.min(lines.len())).rev().find_map(|i| {
        let (key, value) = key(lines[i])?;
        let count = |c: char| value.chars().filter(|x| *x == c).count();
        (value.starts_with('[') && count('[') > count(']')).then_some((i, key))
    })?;
    let begins = |line: &&str| line.trim_start().starts_with('[') || key(line).is_some();
    let next = lines[open + 1..].iter().position(begins);
    let end = next.map_or(lines.len(), |n| open + 1 + n);
    let kept = lines
        .iter()
        .enumerate()
        .map(|(i, line)| if (open..end).contains(&i) { "" } else { line });
    Some((open + 1, name, kept.collect::<Vec<_>>().join("\n")))
}

struct Lines {
    file: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|s| *s <= byte).max(1)
    }

    fn table(&self, table: &DeTable<'_>, at: usize) -> Node {
        let mut entries: Vec<(usize, String, Node)> = table
            .iter()
            .map(|(k, v)| {
                let mut node = self.value(v.get_ref(), k.span().start);
                node.origin.line = self.line(k.span().start);
                (k.span().start, k.get_ref().to_string(), node)
            })
            .collect();
        entries.sort_by_key(|(start, _, _)| *start);
        let raw = Raw::Table(entries.into_iter().map(|(_, k, n)| (k, n)).collect());
        Node {
            origin: Origin {
                file: self.file.clone(),
                line: self.line(at),
            },
            raw,
        }
    }

    fn value(&self, value: &DeValue<'_>, at: usize) -> Node {
        let raw = match value {
            DeValue::String(s) => Raw::Text(s.to_string()),
            DeValue::Integer(i) => {
                match i64::from_str_radix(&i.as_str().replace('_', ""), i.radix()) {
                    Ok(v) => Raw::Integer(v),
                    Err(_) => Raw::Number(f64::INFINITY),
                }
            }
            DeValue::Float(f) => {
                Raw::Number(f.as_str().replace('_', "").parse().unwrap_or(f64::NAN))
            }
            DeValue::Boolean(b) => Raw::Flag(*b),
            DeValue::Datetime(d) => Raw::Date(d.to_string()),
            DeValue::Array(items) => Raw::List(
                items
                    .iter()
                    .map(|v| self.value(v.get_ref(), v.span().start))
                    .collect(),
            ),
            DeValue::Table(t) => return self.table(t, at),
        };
        Node {
            origin: Origin {
                file: self.file.clone(),
                line: self.line(at),
            },
            raw,
        }
    }
}

/// Puts the files that a table refers to in place of their names.
fn resolve(
    node: &mut Node,
    spec: &'static Table,
    path: &str,
    folder: &Path,
    sets: &[Set],
    problems: &mut Problems,
) {
    let origin = node.origin.clone();
    let Raw::Table(entries) = &mut node.raw else {
        return;
    };
    for field in spec.fields {
        let here = join(path, field.key);
        match field.kind {
            Kind::File(_) | Kind::AnyFile(_) => {
                let mut folder = folder.to_path_buf();
                if let Some(set) = sets.iter().rev().find(|s| s.path == here) {
                    folder = PathBuf::new();
                    put(entries, field.key, set.node.clone());
                }
                let Some((_, node)) = entries.iter_mut().find(|(k, _)| k == field.key) else {
                    continue;
                };
                if let Raw::Text(reference) = &node.raw {
                    let reference = reference.clone();
                    let (loaded, target) = open(&reference, &folder, &node.origin, problems);
                    match loaded {
                        Ok(loaded) => *node = loaded,
                        Err(reason) => {
                            problems.0.push(Problem {
                                file: node.origin.file.to_string(),
                                line: node.origin.line,
                                key: here.clone(),
                                value: format!("{reference:?}"),
                                message: reason,
                                allowed: "a file, its path relative to the file that names it"
                                    .into(),
                                hint: similar_file(&target),
                                severity: Severity::Error,
                            });
                            node.raw = Raw::Broken;
                        }
                    }
                    folder = target.parent().map(Path::to_path_buf).unwrap_or_default();
                }
                if let Some(inner) = field.kind.file_with(node.keys()) {
                    resolve(node, inner, &here, &folder, sets, problems);
                }
            }
            Kind::Beside => {
                if let Some((_, node)) = entries.iter_mut().find(|(k, _)| k == field.key)
                    && let Raw::Text(name) = &mut node.raw
                {
                    let path = folder.join(&name);
                    *name = shown(&clean(&std::path::absolute(&path).unwrap_or(path)));
                }
            }
            Kind::Urdf => {
                let mut folder = folder.to_path_buf();
                if let Some(set) = sets.iter().rev().find(|s| s.path == here) {
                    folder = PathBuf::new();
                    put(entries, field.key, set.node.clone());
                }
                describe(entries, field.key, &here, &folder, problems);
            }
            Kind::Table(inner) => {
                let below = format!("{here}.");
                let wanted = sets.iter().any(|s| s.path.starts_with(&below));
                if wanted && !entries.iter().any(|(k, _)| k == field.key) {
                    let line = origin.line;
                    let empty = Node {
                        origin: Origin {
                            file: origin.file.clone(),
                            line,
                        },
                        raw: Raw::Table(Vec::new()),
                    };
                    entries.push((field.key.into(), empty));
                }
                if let Some((_, node)) = entries.iter_mut().find(|(k, _)| k == field.key) {
                    resolve(node, inner, &here, folder, sets, problems);
                }
            }
            Kind::Tables(inner, _) => {
                if let Some((_, node)) = entries.iter_mut().find(|(k, _)| k == field.key)
                    && let Raw::List(items) = &mut node.raw
                {
                    for (i, item) in items.iter_mut().enumerate() {
                        let here = join(&here, &i.to_string());
                        resolve(item, inner, &here, folder, sets, problems);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A file that a document names and that stays one of its own: a mesh, a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What the text calls it: a path below the folder in which the text lies.
    pub name: String,
    /// Where it is now.
    pub from: PathBuf,
}

/// Has a document whose files are in place name those that stay files of their own below its own folder, and tells which they are.
pub(crate) fn keep(node: &mut Node, spec: &'static Table, kept: &mut Vec<Kept>) {
    let Raw::Table(entries) = &mut node.raw else {
        return;
    };
    for field in spec.fields {
        let Some((_, node)) = entries.iter_mut().find(|(k, _)| k == field.key) else {
            continue;
        };
        match field.kind {
            Kind::Beside => {
                if let Raw::Text(path) = &mut node.raw {
                    *path = kept_name(Path::new(path.as_str()), kept);
                }
            }
            Kind::File(_) | Kind::AnyFile(_) => {
                if let Some(inner) = field.kind.file_with(node.keys()) {
                    keep(node, inner, kept);
                }
            }
            Kind::Table(inner) => keep(node, inner, kept),
            Kind::Tables(inner, _) => {
                if let Raw::List(items) = &mut node.raw {
                    items.iter_mut().for_each(|item| keep(item, inner, kept));
                }
            }
            _ => {}
        }
    }
}

/// The name of a file among those kept; two of one name from different places are told apart by a number.
fn kept_name(from: &Path, kept: &mut Vec<Kept>) -> String {
    if let Some(same) = kept.iter().find(|k| k.from == from) {
        return same.name.clone();
    }
    let own = from.file_name().unwrap_or_default().to_string_lossy();
    let mut name = format!("files/{own}");
    let mut count = 1;
    // Some systems take head.obj and Head.obj for one.
    while kept.iter().any(|k| k.name.eq_ignore_ascii_case(&name)) {
        count += 1;
        name = format!("files/{count}-{own}");
    }
    kept.push(Kept {
        name: name.clone(),
        from: from.to_path_buf(),
    });
    name
}

/// Puts the links and joints of a robot description in place of its name.
fn describe(
    entries: &mut Vec<(String, Node)>,
    key: &str,
    path: &str,
    folder: &Path,
    problems: &mut Problems,
) {
    let Some(place) = entries.iter().position(|(k, _)| k == key) else {
        return;
    };
    let node = &mut entries[place].1;
    let Raw::Text(reference) = &node.raw else {
        return;
    };
    let target = folder.join(reference);
    match read_text(&target) {
        Ok(text) => match urdf::read(&text, &shown(&clean(&target)), &mut problems.0) {
            Some(parts) => {
                let (_, node) = entries.remove(place);
                urdf::lay_under(entries, parts, &node.origin, &mut problems.0);
            }
            None => node.raw = Raw::Broken,
        },
        Err(reason) => {
            problems.0.push(Problem {
                file: node.origin.file.to_string(),
                line: node.origin.line,
                key: path.to_string(),
                value: format!("{reference:?}"),
                message: reason,
                allowed: "a URDF, its path relative to the file that names it".into(),
                hint: similar_file(&target),
                severity: Severity::Error,
            });
            node.raw = Raw::Broken;
        }
    }
}

/// Reads a file that another one names. A built-in file names built-in files: those of the same name as the shipped ones.
fn open(
    reference: &str,
    folder: &Path,
    by: &Origin,
    problems: &mut Problems,
) -> (Result<Node, String>, PathBuf) {
    let mut target = folder.join(reference);
    if by.file.starts_with(builtin::PREFIX) && by.line > 0 {
        let stem = Path::new(reference)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        target = PathBuf::from(format!("{}{stem}", builtin::PREFIX));
    } else if reference.starts_with(builtin::PREFIX) {
        target = PathBuf::from(reference);
    }
    // Shown without `..`; opened with them, since folders may be links.
    (
        read_file(&target, &shown(&clean(&target)), problems),
        target,
    )
}

fn read_file(path: &Path, name: &str, problems: &mut Problems) -> Result<Node, String> {
    if let Some(builtin) = name.strip_prefix(builtin::PREFIX) {
        return match builtin::text(builtin) {
            Some(text) => Ok(parse(text, name, problems)),
            None => Err(format!(
                "nothing of that name is built in; there are {}",
                builtin::names().join(", ")
            )),
        };
    }
    Ok(parse(&read_text(path)?, name, problems))
}

fn read_text(path: &Path) -> Result<String, String> {
    if path.is_dir() {
        return Err("this is a folder, not a file".into());
    }
    let bytes = std::fs::read(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        _ => format!("the file cannot be read: {e}"),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_string())?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// A neighbour of a missing file whose name is close.
fn similar_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return folder
            .parent()
            .map(|_| format!("there is no folder {}", shown(folder)));
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .collect();
    names.sort();
    let names: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|n| {
            (n.ends_with(".toml") || Path::new(n).extension() == path.extension()) && *n != wanted
        })
        .collect();
    suggest::closest(wanted, &names).map(|n| format!("did you mean {n:?}?"))
}

/// One `--set PATH=VALUE`.
pub(crate) struct Set {
    path: String,
    node: Node,
}

impl Set {
    /// A value that is already read.
    pub fn of(path: &str, node: Node) -> Set {
        Set {
            path: path.into(),
            node,
        }
    }

    /// A study takes its scene's paths also without the leading `scene.`.
    fn new(path: &str, value: &str, spec: &'static Table, file: &Arc<str>) -> Set {
        let mut path = path.trim().to_string();
        let first = path.split('.').next().unwrap_or_default().to_string();
        if spec.field(&first).is_none() {
            for field in spec.fields {
                let files = field.kind.files();
                if files.iter().any(|table| table.field(&first).is_some()) {
                    path = join(field.key, &path);
                    break;
                }
            }
        }
        let mut ignored = Problems::default();
        let mut node = parse(&format!("v = {value}"), file, &mut ignored);
        let single = match &mut node.raw {
            Raw::Table(entries) if ignored.0.is_empty() && entries.len() == 1 => {
                entries.pop().map(|(_, n)| n)
            }
            _ => None,
        };
        let mut node = single.unwrap_or_else(|| Node {
            origin: Origin {
                file: file.clone(),
                line: 0,
            },
            raw: Raw::Text(value.trim().to_string()),
        });
        from_set(&mut node);
        Set { path, node }
    }

    fn is_reference(&self, spec: &'static Table) -> bool {
        let parts: Vec<&str> = self.path.split('.').collect();
        leads_to_file(&parts, spec)
    }

    /// Puts the value into the tree. Tables on the way that are missing are made, and lists that have a default are made as
    /// the default has them.
    pub fn apply(&self, root: &mut Node, spec: &'static Table, problems: &mut Problems) {
        let mut refuse = |message: &str, hint: Option<String>| {
            problems.0.push(Problem {
                file: self.node.origin.file.to_string(),
                line: 0,
                key: self.path.clone(),
                value: self.node.raw.show(),
                message: message.into(),
                allowed: String::new(),
                hint,
                severity: Severity::Error,
            });
        };
        let mut at = root;
        let mut table = Some(spec);
        let parts: Vec<&str> = self.path.split('.').collect();
        for (i, part) in parts.iter().enumerate() {
            let last = i + 1 == parts.len();
            let step = at;
            match &mut step.raw {
                Raw::Table(entries) => {
                    if last {
                        // A named parameter is set by its value.
                        match entries.iter_mut().find(|(k, _)| k == part) {
                            Some((
                                _,
                                Node {
                                    raw: Raw::Table(inner),
                                    ..
                                },
                            )) if !matches!(self.node.raw, Raw::Table(_))
                                && inner.iter().any(|(k, _)| k == "value") =>
                            {
                                put(inner, "value", self.node.clone());
                            }
                            _ => put(entries, part, self.node.clone()),
                        }
                        return;
                    }
                    let field = table.and_then(|t| t.field(part));
                    if !entries.iter().any(|(k, _)| k == part) {
                        let origin = self.node.origin.clone();
                        let raw = match field.map(|f| f.fallback) {
                            Some(Fallback::Numbers(values)) => {
                                let node = |v: &f64| Node {
                                    origin: origin.clone(),
                                    raw: Raw::Number(*v),
                                };
                                Raw::List(values.iter().map(node).collect())
                            }
                            _ => Raw::Table(Vec::new()),
                        };
                        entries.push((part.to_string(), Node { origin, raw }));
                    }
                    table = match field.map(|f| f.kind) {
                        Some(Kind::Table(inner) | Kind::Tables(inner, _)) => Some(inner),
                        kind => entries
                            .iter()
                            .find(|(k, _)| k == part)
                            .and_then(|(_, next)| kind?.file_with(next.keys())),
                    };
                    let Some((_, next)) = entries.iter_mut().find(|(k, _)| k == part) else {
                        return;
                    };
                    at = next;
                }
                Raw::List(items) => {
                    let count = items.len();
                    let Some(item) = part.parse::<usize>().ok().and_then(|n| items.get_mut(n))
                    else {
                        let hint = match count {
                            0 => "the list is empty".to_string(),
                            _ => format!("the list has items 0 to {}", count - 1),
                        };
                        return refuse(
                            &format!("there is no item {part:?} in this list"),
                            Some(hint),
                        );
                    };
                    if last {
                        *item = self.node.clone();
                        return;
                    }
                    at = item;
                }
                Raw::Broken => return,
                other => {
                    let kind = other.kind();
                    return refuse(
                        &format!("{} is {kind}, nothing lies below it", parts[..i].join(".")),
                        None,
                    );
                }
            }
        }
    }
}

/// Whether a path below a table ends at the name of a file.
fn leads_to_file(parts: &[&str], table: &'static Table) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return false;
    };
    match table.field(part).map(|f| f.kind) {
        Some(Kind::Urdf) => rest.is_empty(),
        Some(Kind::Table(inner)) => leads_to_file(rest, inner),
        // After the number of the item.
        Some(Kind::Tables(inner, _)) => leads_to_file(rest.get(1..).unwrap_or_default(), inner),
        Some(kind) => {
            let files = kind.files();
            !files.is_empty()
                && (rest.is_empty() || files.into_iter().any(|table| leads_to_file(rest, table)))
        }
        None => false,
    }
}

fn from_set(node: &mut Node) {
    node.origin.line = 0;
    match &mut node.raw {
        Raw::List(items) => items.iter_mut().for_each(from_set),
        Raw::Table(entries) => entries.iter_mut().for_each(|(_, n)| from_set(n)),
        _ => {}
    }
}

fn put(entries: &mut Vec<(String, Node)>, key: &str, node: Node) {
    match entries.iter_mut().find(|(k, _)| k == key) {
        Some((_, old)) => *old = node,
        None => entries.push((key.to_string(), node)),
    }
}

/// `a.b`, or `b` at the top.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}

/// A path with forward slashes, so that messages are the same everywhere.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// `a/b/../c` as `a/c`.
fn clean(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}
