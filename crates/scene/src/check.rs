//! The walk over a document along its spec: what the file says becomes what we can rely on, or problems.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::document::{Node, Origin, Raw, join};
use crate::expression::{self, PARAM, ParamValue};
use crate::problem::{Problem, Problems, Severity};
use crate::spec::{Fallback, Field, Kind, Table, how_many};
use crate::suggest;
use crate::unit::{Unit, show};

/// A checked table: every key of its spec that applies, given or by default.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub spec: &'static Table,
    pub path: String,
    pub origin: Origin,
    pub entries: BTreeMap<&'static str, Entry>,
    /// A value is missing or of the wrong type somewhere in here: nothing can be built from it.
    pub broken: bool,
}

/// A checked value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub origin: Origin,
    pub value: Value,
}

/// A checked value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// In the unit of the key; `derived` if an expression gave it.
    Number {
        given: f64,
        si: f64,
        derived: bool,
    },
    Integer(i64),
    Flag(bool),
    Text(String),
    Words(Vec<String>),
    /// In the unit of the key, in SI, and whether an expression gave it.
    Numbers(Vec<(f64, f64, bool)>),
    Bands(Vec<[f64; 2]>),
    WordLists(Vec<Vec<String>>),
    Table(Checked),
    Tables(Vec<Checked>),
    Params(BTreeMap<String, ParamValue>),
}

impl Checked {
    /// An SI number. Not a number if the table is broken, which callers ask first.
    pub fn number(&self, key: &str) -> f64 {
        match self.value(key) {
            Some(Value::Number { si, .. }) => *si,
            _ => f64::NAN,
        }
    }

    pub fn integer(&self, key: &str) -> i64 {
        match self.value(key) {
            Some(Value::Integer(v)) => *v,
            _ => 0,
        }
    }

    pub fn count(&self, key: &str) -> usize {
        usize::try_from(self.integer(key)).unwrap_or(0)
    }

    pub fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Flag(true)))
    }

    pub fn text(&self, key: &str) -> &str {
        match self.value(key) {
            Some(Value::Text(v)) => v,
            _ => "",
        }
    }

    pub fn words(&self, key: &str) -> &[String] {
        match self.value(key) {
            Some(Value::Words(v)) => v,
            _ => &[],
        }
    }

    pub fn list(&self, key: &str) -> Vec<f64> {
        match self.value(key) {
            Some(Value::Numbers(v)) => v.iter().map(|(_, si, _)| *si).collect(),
            _ => Vec::new(),
        }
    }

    pub fn numbers<const N: usize>(&self, key: &str) -> [f64; N] {
        let mut out = [f64::NAN; N];
        for (o, si) in out.iter_mut().zip(self.list(key)) {
            *o = si;
        }
        out
    }

    pub fn bands<const N: usize>(&self, key: &str) -> [[f64; 2]; N] {
        let mut out = [[f64::NAN; 2]; N];
        if let Some(Value::Bands(v)) = self.value(key) {
            for (o, band) in out.iter_mut().zip(v) {
                *o = *band;
            }
        }
        out
    }

    /// A table below; `None` if it does not apply or its file could not be read.
    pub fn table(&self, key: &str) -> Option<&Checked> {
        match self.value(key) {
            Some(Value::Table(v)) => Some(v),
            _ => None,
        }
    }

    pub fn tables(&self, key: &str) -> &[Checked] {
        match self.value(key) {
            Some(Value::Tables(v)) => v,
            _ => &[],
        }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.entries.get(key).map(|e| &e.value)
    }

    /// The field of this name, whatever its unit; of several the one that is used here.
    fn field_here(&self, key: &str) -> Option<&'static Field> {
        let stem = Unit::split(key).0;
        let here = |f: &&Field| f.stem() == stem && self.entries.contains_key(f.key);
        (self.spec.field(key))
            .or_else(|| self.spec.fields.iter().find(here))
            .or_else(|| self.spec.field_by_stem(key))
    }

    /// The place of a path below this table, as far as it is known: a missing key has its table's place.
    pub fn place(&self, path: &str) -> (Origin, String) {
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let Some(field) = self.field_here(head) else {
            return (self.origin.clone(), self.path.clone());
        };
        let key = join(&self.path, field.key);
        match self.entries.get(field.key) {
            None => (self.origin.clone(), key),
            Some(Entry {
                value: Value::Table(t),
                ..
            }) if !rest.is_empty() => t.place(rest),
            Some(Entry {
                value: Value::Tables(list),
                origin,
            }) if !rest.is_empty() => {
                let (index, rest) = rest.split_once('.').unwrap_or((rest, ""));
                match index.parse::<usize>().ok().and_then(|i| list.get(i)) {
                    Some(t) if rest.is_empty() => (t.origin.clone(), t.path.clone()),
                    Some(t) => t.place(rest),
                    None => (origin.clone(), key),
                }
            }
            Some(entry) => (
                entry.origin.clone(),
                if rest.is_empty() {
                    key
                } else {
                    format!("{key}.{rest}")
                },
            ),
        }
    }

    /// The value at a path below, in the unit of the file, as one would write it; empty for tables.
    pub fn shown(&self, path: &str) -> String {
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let Some(field) = self.field_here(head) else {
            return String::new();
        };
        match self.value(field.key) {
            Some(Value::Table(t)) if !rest.is_empty() => t.shown(rest),
            Some(Value::Tables(list)) if !rest.is_empty() => {
                let (index, rest) = rest.split_once('.').unwrap_or((rest, ""));
                index
                    .parse::<usize>()
                    .ok()
                    .and_then(|i| list.get(i))
                    .map(|t| t.shown(rest))
                    .unwrap_or_default()
            }
            Some(Value::Number { given, .. }) => show(*given),
            Some(Value::Integer(v)) => v.to_string(),
            Some(Value::Text(v)) => format!("{v:?}"),
            Some(Value::Numbers(v)) => {
                format!(
                    "[{}]",
                    v.iter().map(|v| show(v.0)).collect::<Vec<_>>().join(", ")
                )
            }
            _ => String::new(),
        }
    }

    /// As [`problem`](Self::problem), told at the line of another path: a part's own rather than that of the file it names.
    pub fn problem_at(&self, line: &str, path: &str, message: impl Into<String>) -> Problem {
        let (origin, _) = self.place(line);
        Problem {
            file: origin.file.to_string(),
            line: origin.line,
            ..self.problem(path, message)
        }
    }

    /// A problem at a path below this table, found after the walk.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        let (origin, key) = self.place(path);
        Problem {
            file: origin.file.to_string(),
            line: origin.line,
            key,
            value: self.shown(path),
            message: message.into(),
            allowed: String::new(),
            hint: None,
            severity: Severity::Error,
        }
    }
}

/// Walks a document along its spec.
pub(crate) fn check(node: &Node, spec: &'static Table, problems: &mut Problems) -> Checked {
    Walk {
        root: spec,
        problems,
        unread: false,
    }
    .table(node, spec, "", None)
}

type Scope<'a> = Option<&'a BTreeMap<String, ParamValue>>;

struct Walk<'a> {
    root: &'static Table,
    problems: &'a mut Problems,
    /// Below a table whose robot description could not be read, which is told: what is missing there might stand in it.
    unread: bool,
}

impl Walk<'_> {
    fn table(
        &mut self,
        node: &Node,
        spec: &'static Table,
        path: &str,
        scope: Scope<'_>,
    ) -> Checked {
        let mut out = Checked {
            spec,
            path: path.to_string(),
            origin: node.origin.clone(),
            entries: BTreeMap::new(),
            broken: false,
        };
        let entries = match &node.raw {
            Raw::Table(entries) => entries,
            Raw::Broken => {
                out.broken = true;
                return out;
            }
            other => {
                let message = format!("a table is expected, this is {}", other.kind());
                self.report(
                    &node.origin,
                    path,
                    &other.show(),
                    message,
                    "a table".into(),
                    None,
                );
                out.broken = true;
                return out;
            }
        };
        let excused = self.unknown_keys(entries, spec, path);

        // Named numbers first: everything else in the table may use them.
        let mut own = None;
        for field in spec
            .fields
            .iter()
            .filter(|f| matches!(f.kind, Kind::Params))
        {
            let given = entries.iter().find(|(k, _)| k == field.key).map(|(_, n)| n);
            let here = join(path, field.key);
            let params = given
                .map(|n| self.params(n, &here, &mut out.broken))
                .unwrap_or_default();
            let origin = given.map_or(&node.origin, |n| &n.origin).clone();
            out.entries.insert(
                field.key,
                Entry {
                    origin,
                    value: Value::Params(params.clone()),
                },
            );
            own = Some(params);
        }
        let scope = own.as_ref().or(scope);
        // The key is still there only where its file could not be read.
        let left =
            |f: &&Field| matches!(f.kind, Kind::Urdf) && entries.iter().any(|(k, _)| k == f.key);
        let unread = self.unread;
        self.unread |= spec.fields.iter().any(|f| left(&f));

        for field in spec.fields {
            let here = join(path, field.key);
            let given = entries.iter().find(|(k, _)| k == field.key).map(|(_, n)| n);
            if matches!(field.kind, Kind::Params) {
                continue;
            }
            if let Some((choice, values)) = field.when
                && let Some(word) = out.entries.get(choice).and_then(|e| match &e.value {
                    Value::Text(word) => Some(word.as_str()),
                    _ => None,
                })
                && !values.contains(&word)
            {
                if let Some(node) = given {
                    let message = format!("{} is not used where {choice} is {word:?}", field.key);
                    let hint = Some(format!(
                        "it goes with {choice} = {}; leave it out",
                        values.join(" or ")
                    ));
                    self.report(
                        &node.origin,
                        &here,
                        &node.raw.show(),
                        message,
                        String::new(),
                        hint,
                    );
                    self.soften();
                }
                continue;
            }
            let value = match given {
                Some(node) => self.value(node, field, &here, scope),
                None if matches!(
                    field.fallback,
                    Fallback::Required | Fallback::RequiredWithout(_)
                ) =>
                {
                    // If the choice that decides about it is itself wrong, it may not apply at all.
                    let undecided = field
                        .when
                        .is_some_and(|(choice, _)| !out.entries.contains_key(choice));
                    // The other key is still there only where its file could not be read, which is told.
                    let instead = matches!(field.fallback, Fallback::RequiredWithout(other)
                        if entries.iter().any(|(k, _)| k == other));
                    if !undecided && !instead && !unread && !excused.contains(&field.key) {
                        let message = "this key is missing".to_string();
                        self.report(
                            &node.origin,
                            &here,
                            "",
                            message,
                            field.allowed(),
                            about(field),
                        );
                    }
                    None
                }
                None if matches!(field.fallback, Fallback::Absent) => continue,
                None => self.fallback(field, node, &here, scope),
            };
            match value {
                Some(value) => {
                    match &value {
                        Value::Table(t) => out.broken |= t.broken,
                        Value::Tables(list) => out.broken |= list.iter().any(|t| t.broken),
                        _ => {}
                    }
                    let origin = given.map_or(&node.origin, |n| &n.origin).clone();
                    out.entries.insert(field.key, Entry { origin, value });
                }
                None => out.broken = true,
            }
        }
        self.unread = unread;
        out
    }

    /// Reports keys that the spec does not have; returns the right keys that they stand for.
    fn unknown_keys(
        &mut self,
        entries: &[(String, Node)],
        spec: &'static Table,
        path: &str,
    ) -> Vec<&'static str> {
        let mut excused = Vec::new();
        for (key, node) in entries {
            if spec.field(key).is_some() {
                continue;
            }
            let here = join(path, key);
            let value = node.raw.show();
            if let Some(field) = spec.field_by_stem(key)
                && let Some(unit) = field.unit()
            {
                excused.push(field.key);
                let message = match Unit::split(key).1 {
                    Some(wrong) if key != field.stem() => {
                        format!("this key takes {}, not {}", unit.symbol, wrong.symbol)
                    }
                    _ => format!("this key needs its unit, {}", unit.symbol),
                };
                let number = match node.raw {
                    Raw::Number(v) => Some(v),
                    Raw::Integer(v) => Some(v as f64),
                    _ => None,
                };
                let converted = match (Unit::split(key).1, number) {
                    (Some(wrong), Some(v)) if wrong.quantity == unit.quantity => Some(format!(
                        "write {} = {}",
                        field.key,
                        show(round(unit.of_si(wrong.to_si(v))))
                    )),
                    _ => Some(format!("write {}", field.key)),
                };
                self.report(
                    &node.origin,
                    &here,
                    &value,
                    message,
                    field.allowed(),
                    converted,
                );
                continue;
            }
            let hint = match suggest::closest(key, &spec.keys()) {
                Some(near) => {
                    excused.push(near);
                    Some(format!("did you mean {near:?}?"))
                }
                None => match home(self.root, key, "") {
                    Some(home) => Some(format!("it belongs in {home}")),
                    None => Some(format!("known here: {}", spec.keys().join(", "))),
                },
            };
            self.report(
                &node.origin,
                &here,
                &value,
                "there is no such key".into(),
                String::new(),
                hint,
            );
        }
        excused
    }

    fn value(
        &mut self,
        node: &Node,
        field: &'static Field,
        path: &str,
        scope: Scope<'_>,
    ) -> Option<Value> {
        match field.kind {
            _ if matches!(node.raw, Raw::Broken) => None,
            Kind::Number { min, max } => {
                let (given, derived) = self.number(node, field, path, (min, max), scope)?;
                Some(Value::Number {
                    given,
                    si: field.unit().map_or(given, |u| u.to_si(given)),
                    derived,
                })
            }
            Kind::Integer { min, max } => match node.raw {
                Raw::Integer(v) if (min..=max).contains(&v) => Some(Value::Integer(v)),
                Raw::Integer(v) => {
                    self.out_of_range(node, field, path);
                    Some(Value::Integer(v.clamp(min, max)))
                }
                Raw::Number(v) if v.fract() == 0.0 && v.abs() < 1e15 => {
                    let message = "a whole number is expected".to_string();
                    let hint = Some(format!("write {}", v as i64));
                    self.report(
                        &node.origin,
                        path,
                        &node.raw.show(),
                        message,
                        field.allowed(),
                        hint,
                    );
                    None
                }
                _ => self.wrong_type(node, field, path, "a whole number"),
            },
            Kind::Text | Kind::Beside => match &node.raw {
                Raw::Text(v) if v.trim().is_empty() => {
                    self.report(
                        &node.origin,
                        path,
                        "\"\"",
                        "this text is empty".into(),
                        String::new(),
                        None,
                    );
                    None
                }
                Raw::Text(v) => Some(Value::Text(v.clone())),
                // A bare number or flag that came from the command line is meant as text here.
                other
                    if node.origin.line == 0 && !matches!(other, Raw::List(_) | Raw::Table(_)) =>
                {
                    Some(Value::Text(other.show()))
                }
                _ => self.wrong_type(node, field, path, "text in quotes"),
            },
            Kind::Flag => match node.raw {
                Raw::Flag(v) => Some(Value::Flag(v)),
                _ => self.wrong_type(node, field, path, "true or false"),
            },
            Kind::Choice(words) => match &node.raw {
                Raw::Text(v) => self.word(v, &words(), node, field, path).map(Value::Text),
                _ => self.wrong_type(node, field, path, "one word in quotes"),
            },
            Kind::Choices(words) => self.words(node, &words(), field, path).map(Value::Words),
            Kind::WordLists(words) => {
                let Raw::List(items) = &node.raw else {
                    return self.wrong_type(node, field, path, "a list of lists of words");
                };
                let words = words();
                let lists = items.iter().enumerate().map(|(i, item)| {
                    self.words(item, &words, field, &join(path, &i.to_string()))
                        .unwrap_or_default()
                });
                Some(Value::WordLists(lists.collect()))
            }
            Kind::Values => self.values(node, field, path),
            Kind::Numbers { min, max, count } => {
                let Raw::List(items) = &node.raw else {
                    return self.wrong_type(node, field, path, "a list of numbers");
                };
                if !(count.0..=count.1).contains(&items.len()) {
                    let message =
                        format!("{} given, {} are expected", items.len(), how_many(count));
                    self.report(
                        &node.origin,
                        path,
                        &node.raw.show(),
                        message,
                        field.allowed(),
                        about(field),
                    );
                    return None;
                }
                let mut all = Some(Vec::new());
                for (i, item) in items.iter().enumerate() {
                    let number =
                        self.number(item, field, &join(path, &i.to_string()), (min, max), scope);
                    all = all.zip(number).map(|(mut all, (v, derived))| {
                        all.push((v, field.unit().map_or(v, |u| u.to_si(v)), derived));
                        all
                    });
                }
                all.map(Value::Numbers)
            }
            Kind::Bands { min, max, count } => self.bands(node, field, path, (min, max), count),
            Kind::Table(spec) => Some(Value::Table(self.table(node, spec, path, scope))),
            Kind::File(_) | Kind::AnyFile(_) => {
                let spec = field.kind.file_with(node.keys())?;
                Some(Value::Table(self.table(node, spec, path, None)))
            }
            Kind::Tables(spec, least) => {
                let Raw::List(items) = &node.raw else {
                    return self.wrong_type(node, field, path, "a list of tables");
                };
                if items.len() < least {
                    let message = format!("{} given, at least {least} expected", items.len());
                    self.report(
                        &node.origin,
                        path,
                        "",
                        message,
                        field.allowed(),
                        about(field),
                    );
                    return None;
                }
                let tables = items.iter().enumerate();
                Some(Value::Tables(
                    tables
                        .map(|(i, item)| self.table(item, spec, &join(path, &i.to_string()), scope))
                        .collect(),
                ))
            }
            Kind::Urdf => self.wrong_type(node, field, path, "text in quotes"),
            Kind::Params => None,
        }
    }

    /// A list of words. Wrong ones are reported, the others still stand.
    fn words(
        &mut self,
        node: &Node,
        words: &[&'static str],
        field: &'static Field,
        path: &str,
    ) -> Option<Vec<String>> {
        let mut found = Vec::new();
        match &node.raw {
            Raw::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    match &item.raw {
                        Raw::Text(v) => found.push(self.word(
                            v,
                            words,
                            item,
                            field,
                            &join(path, &i.to_string()),
                        )),
                        _ => found.push(self.wrong_type(
                            item,
                            field,
                            &join(path, &i.to_string()),
                            "one word in quotes",
                        )),
                    }
                }
            }
            // On the command line a list of words may be written with commas.
            Raw::Text(v) if node.origin.line == 0 => {
                for part in v
                    .trim_matches(['[', ']'])
                    .split(',')
                    .map(str::trim)
                    .filter(|p| !p.is_empty())
                {
                    found.push(self.word(part.trim_matches(['"', '\'']), words, node, field, path));
                }
            }
            _ => return self.wrong_type(node, field, path, "a list of words"),
        }
        // Wrong words are reported; the others still stand, so that the rest of the table is checked.
        Some(found.into_iter().flatten().collect())
    }

    /// A list of numbers, or a list of words.
    fn values(&mut self, node: &Node, field: &'static Field, path: &str) -> Option<Value> {
        let expected = "a list of numbers or of words";
        let Raw::List(items) = &node.raw else {
            return self.wrong_type(node, field, path, expected);
        };
        let numbers: Vec<(f64, f64, bool)> = items
            .iter()
            .filter_map(|item| match item.raw {
                Raw::Number(v) if v.is_finite() => Some((v + 0.0, v + 0.0, false)),
                Raw::Integer(v) => Some((v as f64, v as f64, false)),
                _ => None,
            })
            .collect();
        let words: Vec<String> = items
            .iter()
            .filter_map(|item| match &item.raw {
                Raw::Text(v) => Some(v.clone()),
                _ => None,
            })
            .collect();
        if items.is_empty() {
            let message = "this list is empty".to_string();
            let (allowed, hint) = (field.allowed(), about(field));
            self.report(&node.origin, path, "[]", message, allowed, hint);
            return None;
        }
        match (numbers.len() == items.len(), words.len() == items.len()) {
            (true, _) => Some(Value::Numbers(numbers)),
            (_, true) => Some(Value::Words(words)),
            _ => self.wrong_type(node, field, path, expected),
        }
    }

    fn bands(
        &mut self,
        node: &Node,
        field: &'static Field,
        path: &str,
        range: (f64, f64),
        count: usize,
    ) -> Option<Value> {
        let Raw::List(items) = &node.raw else {
            return self.wrong_type(node, field, path, "a list of pairs");
        };
        if items.len() != count {
            let message = format!("{} pairs, {count} are expected", items.len());
            self.report(
                &node.origin,
                path,
                &node.raw.show(),
                message,
                field.allowed(),
                about(field),
            );
            return None;
        }
        let mut bands = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let here = join(path, &i.to_string());
            match &item.raw {
                Raw::List(pair) if pair.len() == 2 => {
                    let low = self.number(&pair[0], field, &join(&here, "0"), range, None);
                    let high = self.number(&pair[1], field, &join(&here, "1"), range, None);
                    let (Some((low, _)), Some((high, _))) = (low, high) else {
                        continue;
                    };
                    if low >= high {
                        let hint = Some(format!("write [{}, {}]", show(high), show(low)));
                        let message = "the low end is not below the high end".to_string();
                        self.report(
                            &item.origin,
                            &here,
                            &item.raw.show(),
                            message,
                            field.allowed(),
                            hint,
                        );
                    }
                    bands.push([low, high]);
                }
                _ => {
                    self.wrong_type::<()>(item, field, &here, "a pair [low, high]");
                }
            }
        }
        (bands.len() == count).then_some(Value::Bands(bands))
    }

    /// A number in the unit of the key, and whether an expression gave it. A number out of range is reported and used,
    /// so that what follows from it is checked too.
    fn number(
        &mut self,
        node: &Node,
        field: &'static Field,
        path: &str,
        (min, max): (f64, f64),
        scope: Scope<'_>,
    ) -> Option<(f64, bool)> {
        let (value, derived) = match (&node.raw, scope) {
            (Raw::Number(v), _) => (*v, false),
            (Raw::Integer(v), _) => (*v as f64, false),
            (Raw::Text(text), Some(params)) => {
                match expression::evaluate(text, params, field.unit()) {
                    Ok(Some(v)) => (v, true),
                    // Told where the parameter stands.
                    Ok(None) => return None,
                    Err(fault) => {
                        self.report(
                            &node.origin,
                            path,
                            &node.raw.show(),
                            fault.message,
                            field.allowed(),
                            fault.hint,
                        );
                        return None;
                    }
                }
            }
            (Raw::Text(text), None) => {
                let of_param = PARAM.fields.iter().any(|f| std::ptr::eq(f, field));
                let hint = match text.trim().parse::<f64>() {
                    Ok(_) => Some(format!("write {} without quotes", text.trim())),
                    Err(_) => of_param.then(|| {
                        "a parameter is a plain number; expressions stand at the keys that use it"
                            .into()
                    }),
                };
                let message = "a number is expected, this is text".to_string();
                self.report(
                    &node.origin,
                    path,
                    &node.raw.show(),
                    message,
                    field.allowed(),
                    hint,
                );
                return None;
            }
            _ => return self.wrong_type(node, field, path, "a number"),
        };
        if !value.is_finite() {
            let message = "this is not a finite number".to_string();
            self.report(
                &node.origin,
                path,
                &node.raw.show(),
                message,
                field.allowed(),
                about(field),
            );
            return None;
        }
        if !(min..=max).contains(&value) {
            let shown = if derived {
                format!("{} (= {})", show(value), node.raw.show())
            } else {
                node.raw.show()
            };
            self.report(
                &node.origin,
                path,
                &shown,
                "out of range".into(),
                field.allowed(),
                about(field),
            );
        }
        Some((value + 0.0, derived))
    }

    fn fallback(
        &mut self,
        field: &'static Field,
        node: &Node,
        path: &str,
        scope: Scope<'_>,
    ) -> Option<Value> {
        Some(match field.fallback {
            Fallback::Required | Fallback::RequiredWithout(_) | Fallback::Absent => return None,
            Fallback::Number(v) => Value::Number {
                given: v,
                si: field.unit().map_or(v, |u| u.to_si(v)),
                derived: false,
            },
            Fallback::Integer(v) => Value::Integer(v),
            Fallback::Flag(v) => Value::Flag(v),
            Fallback::Text(v) => Value::Text(v.into()),
            Fallback::Numbers(v) => Value::Numbers(
                v.iter()
                    .map(|v| (*v, field.unit().map_or(*v, |u| u.to_si(*v)), false))
                    .collect(),
            ),
            Fallback::Empty => match field.kind {
                Kind::Table(spec) => {
                    let empty = Node {
                        origin: node.origin.clone(),
                        raw: Raw::Table(Vec::new()),
                    };
                    Value::Table(self.table(&empty, spec, path, scope))
                }
                Kind::Tables(..) => Value::Tables(Vec::new()),
                _ => Value::Words(Vec::new()),
            },
        })
    }

    fn params(
        &mut self,
        node: &Node,
        path: &str,
        broken: &mut bool,
    ) -> BTreeMap<String, ParamValue> {
        let mut params = BTreeMap::new();
        if !matches!(node.raw, Raw::Table(_)) {
            let message = format!("a table is expected, this is {}", node.raw.kind());
            self.report(
                &node.origin,
                path,
                &node.raw.show(),
                message,
                "a table of named numbers".into(),
                None,
            );
            *broken = true;
        }
        for (name, node) in node.entries() {
            let here = join(path, name);
            if let Err(fault) = expression::check_name(name) {
                self.report(
                    &node.origin,
                    &here,
                    "",
                    fault.message,
                    String::new(),
                    fault.hint,
                );
                *broken = true;
                continue;
            }
            let table = self.table(node, &PARAM, &here, None);
            *broken |= table.broken;
            if table.broken {
                params.insert(name.clone(), ParamValue::broken(table.origin.clone()));
                continue;
            }
            let param = ParamValue {
                value: table.number("value"),
                unit: table.text("unit").to_string(),
                min: table.number("min"),
                max: table.number("max"),
                meaning: table.text("meaning").to_string(),
                origin: table
                    .entries
                    .get("value")
                    .map_or(&table.origin, |e| &e.origin)
                    .clone(),
                used: Rc::default(),
            };
            if param.min > param.max {
                self.report(
                    &param.origin,
                    &here,
                    "",
                    format!("min {} is above max {}", show(param.min), show(param.max)),
                    String::new(),
                    Some("write the smaller number as min".into()),
                );
            } else if !(param.min..=param.max).contains(&param.value) {
                let unit = if param.unit == "1" {
                    String::new()
                } else {
                    format!(" {}", param.unit)
                };
                let allowed = format!("{} to {}{unit}", show(param.min), show(param.max));
                self.report(
                    &param.origin,
                    &here,
                    &show(param.value),
                    "out of range".into(),
                    allowed,
                    Some(param.meaning.clone()),
                );
            }
            params.insert(name.clone(), param);
        }
        params
    }

    fn word(
        &mut self,
        word: &str,
        words: &[&'static str],
        node: &Node,
        field: &'static Field,
        path: &str,
    ) -> Option<String> {
        if words.contains(&word) {
            return Some(word.to_string());
        }
        let hint = suggest::closest(word, words)
            .map(|w| format!("did you mean {w:?}?"))
            .or_else(|| about(field));
        self.report(
            &node.origin,
            path,
            &format!("{word:?}"),
            "this is not one of the words".into(),
            field.allowed(),
            hint,
        );
        None
    }

    fn wrong_type<T>(
        &mut self,
        node: &Node,
        field: &'static Field,
        path: &str,
        expected: &str,
    ) -> Option<T> {
        if !matches!(node.raw, Raw::Broken) {
            let message = format!("{expected} is expected, this is {}", node.raw.kind());
            self.report(
                &node.origin,
                path,
                &node.raw.show(),
                message,
                field.allowed(),
                about(field),
            );
        }
        None
    }

    fn out_of_range(&mut self, node: &Node, field: &'static Field, path: &str) {
        self.report(
            &node.origin,
            path,
            &node.raw.show(),
            "out of range".into(),
            field.allowed(),
            about(field),
        );
    }

    fn report(
        &mut self,
        origin: &Origin,
        path: &str,
        value: &str,
        message: String,
        allowed: String,
        hint: Option<String>,
    ) {
        self.problems.0.push(Problem {
            file: origin.file.to_string(),
            line: origin.line,
            key: path.to_string(),
            value: value.to_string(),
            message,
            allowed,
            hint,
            severity: Severity::Error,
        });
    }

    /// Makes the problem reported last a warning.
    fn soften(&mut self) {
        if let Some(problem) = self.problems.0.last_mut() {
            problem.severity = Severity::Warning;
        }
    }
}

/// The table that has a key, searched from the top.
fn home(spec: &'static Table, key: &str, path: &str) -> Option<String> {
    if spec.field(key).is_some() {
        return Some(if path.is_empty() {
            "the top level".into()
        } else {
            format!("[{path}]")
        });
    }
    spec.fields.iter().find_map(|field| {
        let inner = match field.kind {
            Kind::Table(inner) | Kind::Tables(inner, _) => vec![inner],
            _ => field.kind.files(),
        };
        let here = join(path, field.key);
        inner.into_iter().find_map(|table| home(table, key, &here))
    })
}

/// What a key is for, where there is nothing better to say.
pub(crate) fn about(field: &Field) -> Option<String> {
    let default = match field.fallback {
        Fallback::Required | Fallback::RequiredWithout(_) | Fallback::Empty => String::new(),
        _ => format!("; the default is {}", field.default_text()),
    };
    Some(format!("{} is: {}{default}", field.key, field.meaning))
}

/// Nine digits: a converted value without the noise of the conversion.
fn round(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}
