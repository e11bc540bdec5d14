//! What is changed in a scene by hand: values laid over its file, undone, and saved as a file of their own.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use scene::Param;
use serde_json::Value as Json;
use toml_edit::{DocumentMut, Item, Table, Value};

use crate::live::Order;
use crate::points::{self, Opened, Pick};

/// A file and the values laid over it.
#[derive(Clone, Debug)]
pub struct Tuning {
    path: PathBuf,
    sets: Vec<(String, String)>,
    undone: Vec<Vec<(String, String)>>,
    done: Vec<Vec<(String, String)>>,
    /// The parameters with what is laid over them, as far as that is allowed.
    params: Vec<Param>,
    stamp: Stamp,
    /// In place of a file: a point of a sweep, which is what it is.
    pick: Option<Pick>,
}

/// When the files of a scene were written last, and how long they are.
type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl Tuning {
    /// A file with some values laid over it.
    pub fn new(path: &Path, sets: &[(String, String)]) -> Tuning {
        let mut tuning = Tuning {
            path: path.to_path_buf(),
            sets: sets.to_vec(),
            undone: Vec::new(),
            done: Vec::new(),
            params: Vec::new(),
            stamp: Vec::new(),
            pick: None,
        };
        tuning.stamp = tuning.stamp_now();
        tuning.read_params();
        tuning
    }

    /// A file, the scene of a run's folder, or of a sweep's folder the chosen point.
    ///
    /// # Errors
    /// Where a folder holds neither, or `sets` do not go with a sweep.
    pub fn open(path: &Path, sets: &[(String, String)]) -> anyhow::Result<Tuning> {
        match points::open(path)? {
            Opened::File(file) => Ok(Tuning::new(&file, sets)),
            Opened::Sweep(_) if !sets.is_empty() => {
                bail!("--set does not go with a sweep's folder: its points are what they are")
            }
            Opened::Sweep(points) => Ok(Tuning::of_point(Pick::new(points, None, 0)?)),
        }
    }

    /// A point of a sweep: no parameter of it can be changed.
    pub fn of_point(pick: Pick) -> Tuning {
        Tuning {
            path: pick.points.root.clone(),
            sets: Vec::new(),
            undone: Vec::new(),
            done: Vec::new(),
            params: Vec::new(),
            stamp: Vec::new(),
            pick: Some(pick),
        }
    }

    /// The point of a sweep, if it is one.
    pub fn pick(&self) -> Option<&Pick> {
        self.pick.as_ref()
    }

    /// What is to be simulated.
    pub fn order(&self) -> Order {
        Order {
            path: self.path.clone(),
            sets: self.sets.clone(),
            pick: self.pick.clone(),
            until_s: None,
        }
    }

    /// The file, or the sweep's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every parameter with its present value.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// What was laid over the file.
    pub fn sets(&self) -> &[(String, String)] {
        &self.sets
    }

    /// Whether a parameter is changed.
    pub fn is_changed(&self, path: &str) -> bool {
        self.sets.iter().any(|(p, _)| p == path)
    }

    /// Lays a value over the file. A drag of a slider counts as one change: `goes_on` joins it with the one before.
    pub fn set(&mut self, path: &str, value: &str, goes_on: bool) {
        let same_again =
            goes_on && !self.done.is_empty() && self.sets.last().is_some_and(|(p, _)| p == path);
        if !same_again {
            self.done.push(self.sets.clone());
        }
        self.undone.clear();
        self.sets.retain(|(p, _)| p != path);
        self.sets.push((path.to_string(), value.to_string()));
        self.read_params();
    }

    /// Takes a change back to the file's value.
    pub fn reset(&mut self, path: &str) {
        self.done.push(self.sets.clone());
        self.undone.clear();
        self.sets.retain(|(p, _)| p != path);
        self.read_params();
    }

    /// Whether there is a change to take back.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether there is a change to make again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Takes the last change back; whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.done.pop() else {
            return false;
        };
        self.undone.push(std::mem::replace(&mut self.sets, before));
        self.read_params();
        true
    }

    /// Makes the last undone change again; whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.undone.pop() else {
            return false;
        };
        self.done.push(std::mem::replace(&mut self.sets, after));
        self.read_params();
        true
    }

    /// Whether a file of the scene was written since the last look.
    pub fn was_written(&mut self) -> bool {
        if self.pick.is_some() {
            return false;
        }
        let now = self.stamp_now();
        let written = now != self.stamp;
        if written {
            self.stamp = now;
            self.read_params();
        }
        written
    }

    /// Saves the scene with what is laid over it under another name. Values of the scene's own file are changed in its text, and
    /// comments stay; a file that it names and of which a value is changed (its mechanism, mostly) is written beside it, changed, too.
    ///
    /// # Errors
    /// Where a file cannot be read or written, or where what was written would not load.
    pub fn save_as(&self, path: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        let mut document = read(&self.path)?;
        rebase(&mut document, &self.path, path);
        for (key, value) in &self.sets {
            if !lay(document.as_table_mut(), "", key, value, &self.params)? {
                // The value belongs to a file that is named where a table might stand.
                let (table, rest) = key.split_once('.').context("no such key")?;
                let named = document
                    .get(table)
                    .and_then(Item::as_str)
                    .map(PathBuf::from);
                let Some(named) = named else {
                    bail!(
                        "{key} cannot be written: {table} is neither a table nor the name of a file"
                    );
                };
                let source = folder(path).join(named);
                let own = beside(path, table);
                let mut part = read(&source)?;
                if !lay(
                    part.as_table_mut(),
                    &format!("{table}."),
                    rest,
                    value,
                    &self.params,
                )? {
                    bail!(
                        "{key} cannot be written: {} names another file for it",
                        source.display()
                    );
                }
                rebase(&mut part, &source, &own);
                std::fs::write(&own, part.to_string())
                    .with_context(|| format!("cannot write {}", own.display()))?;
                let name = own
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                document[table] = toml_edit::value(name);
                if !written.contains(&own) {
                    written.push(own);
                }
            }
        }
        std::fs::write(path, document.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        written.insert(0, path.to_path_buf());
        if let Err(problems) = scene::params(path) {
            bail!(
                "{} was written but does not load:\n{problems}",
                path.display()
            );
        }
        Ok(written)
    }

    fn read_params(&mut self) {
        // What is not allowed leaves the sliders where they were; the desk tells the problem.
        if let Ok(params) = scene::params_with(&self.path, &self.sets) {
            self.params = params;
        }
    }

    fn stamp_now(&self) -> Stamp {
        let mut files = vec![self.path.clone()];
        if let Ok(document) = read(&self.path) {
            files.extend(named_files(document.as_table(), &folder(&self.path)));
        }
        let when = |file: &PathBuf| {
            let data = std::fs::metadata(file).ok()?;
            Some((data.modified().ok()?, data.len()))
        };
        files
            .into_iter()
            .map(|file| (file.clone(), when(&file)))
            .collect()
    }
}

/// A value as `--set` takes it.
pub fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// `mine.toml` and `mechanism` make `mine.mechanism.toml`.
fn beside(path: &Path, what: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{what}.toml"))
}

fn read(path: &Path) -> anyhow::Result<DocumentMut> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse()
        .with_context(|| format!("{} is no TOML", path.display()))
}

/// Files that a table names: `mechanism = "NAME.toml"` and the like.
fn named_files(table: &Table, folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (_, item) in table.iter() {
        match item {
            Item::Value(Value::String(name)) if name.value().ends_with(".toml") => {
                let file = folder.join(name.value());
                if let Ok(inner) = read(&file) {
                    files.extend(named_files(inner.as_table(), &self::folder(&file)));
                }
                files.push(file);
            }
            Item::Table(inner) => files.extend(named_files(inner, folder)),
            _ => {}
        }
    }
    files
}

/// File names in a document hold from where it lies: makes them hold from where it is going to lie.
fn rebase(document: &mut DocumentMut, from: &Path, to: &Path) {
    fn walk(table: &mut Table, from: &Path) {
        for (_, item) in table.iter_mut() {
            match item {
                Item::Value(Value::String(name)) => {
                    let file = from.join(name.value());
                    let is_file = [".toml", ".obj", ".glb", ".stl"]
                        .iter()
                        .any(|e| name.value().ends_with(e));
                    if is_file && file.exists() {
                        let whole = file.canonicalize().unwrap_or(file);
                        *item = toml_edit::value(whole.to_string_lossy().into_owned());
                    }
                }
                Item::Table(inner) => walk(inner, from),
                _ => {}
            }
        }
    }
    let same = |path: &Path| folder(path).canonicalize().ok();
    if same(from) != same(to) {
        walk(document.as_table_mut(), &folder(from));
    }
}

/// Puts a value where a path says; a key that is missing is added at the end of its table, a list that is missing with the values
/// that its elements have. `false` where the path leads into another file. `before` is what stands before the path in `params`.
fn lay(
    table: &mut Table,
    before: &str,
    path: &str,
    value: &str,
    params: &[Param],
) -> anyhow::Result<bool> {
    let value: Value = value.parse().unwrap_or_else(|_| Value::from(value));
    let steps: Vec<&str> = path.split('.').collect();
    let mut here = Place::Table(table);
    for (index, step) in steps.iter().enumerate() {
        let last = index + 1 == steps.len();
        if last {
            return here.put(step, value).map(|()| true);
        }
        let list = format!("{before}{}", steps[..=index].join("."));
        let Some(next) = here.enter(step, || elements(&list, params))? else {
            return Ok(false);
        };
        here = next;
    }
    Ok(true)
}

/// The values of a list, if it is one.
fn elements(list: &str, params: &[Param]) -> Option<toml_edit::Array> {
    let values: Vec<f64> = (0..)
        .map_while(|i| params.iter().find(|p| p.path == format!("{list}.{i}")))
        .map_while(|p| p.value.as_f64())
        .collect();
    (!values.is_empty()).then(|| values.into_iter().collect())
}

/// A named parameter: a table with a `value`.
fn has_value(item: &Item) -> bool {
    item.as_table_like()
        .is_some_and(|table| table.contains_key("value"))
}

/// Somewhere in a document.
enum Place<'a> {
    Table(&'a mut Table),
    Inline(&'a mut toml_edit::InlineTable),
    Tables(&'a mut toml_edit::ArrayOfTables),
    Array(&'a mut toml_edit::Array),
}

impl<'a> Place<'a> {
    fn of_item(item: &'a mut Item) -> Option<Place<'a>> {
        match item {
            Item::Table(table) => Some(Place::Table(table)),
            Item::ArrayOfTables(tables) => Some(Place::Tables(tables)),
            Item::Value(value) => Place::of_value(value),
            Item::None => None,
        }
    }

    fn of_value(value: &'a mut Value) -> Option<Place<'a>> {
        match value {
            Value::InlineTable(table) => Some(Place::Inline(table)),
            Value::Array(array) => Some(Place::Array(array)),
            _ => None,
        }
    }

    /// Goes into a key, or into an element by its number or its `name`; `None` where a file's name stands there.
    fn enter(
        self,
        step: &str,
        list: impl Fn() -> Option<toml_edit::Array>,
    ) -> anyhow::Result<Option<Place<'a>>> {
        let missing = || anyhow::anyhow!("there is no `{step}` in the file");
        Ok(match self {
            Place::Table(table) => {
                if !table.contains_key(step) {
                    let item = match list() {
                        Some(array) => toml_edit::value(array),
                        None => Item::Table(Table::new()),
                    };
                    table.insert(step, item);
                }
                Place::of_item(table.get_mut(step).ok_or_else(missing)?)
            }
            Place::Inline(table) => Place::of_value(table.get_mut(step).ok_or_else(missing)?),
            Place::Tables(tables) => {
                let named = |t: &Table| t.get("name").and_then(Item::as_str) == Some(step);
                let index = step.parse().ok().or_else(|| tables.iter().position(named));
                index
                    .and_then(|i| tables.get_mut(i))
                    .map(Place::Table)
                    .ok_or_else(missing)
                    .map(Some)?
            }
            Place::Array(array) => {
                let index = step.parse::<usize>().ok();
                Place::of_value(index.and_then(|i| array.get_mut(i)).ok_or_else(missing)?)
            }
        })
    }

    fn put(self, key: &str, mut value: Value) -> anyhow::Result<()> {
        let keep = |old: Option<&Value>, new: &mut Value| {
            if let Some(old) = old {
                *new.decor_mut() = old.decor().clone();
            }
        };
        match self {
            Place::Table(table) if table.get(key).is_some_and(has_value) => {
                // A named parameter is set by its value.
                let item = table
                    .get_mut(key)
                    .and_then(Place::of_item)
                    .context("no table")?;
                item.put("value", value)?;
            }
            Place::Table(table) => {
                keep(table.get(key).and_then(Item::as_value), &mut value);
                match table.get_mut(key) {
                    Some(item) => *item = Item::Value(value),
                    None => drop(table.insert(key, Item::Value(value))),
                }
            }
            Place::Inline(table) => {
                keep(table.get(key), &mut value);
                table.insert(key, value);
            }
            Place::Tables(_) => bail!("`{key}` is a table, not a value"),
            Place::Array(array) => {
                let index: usize = key
                    .parse()
                    .with_context(|| format!("`{key}` is no number of an element"))?;
                let old = array
                    .get_mut(index)
                    .with_context(|| format!("there is no element {index}"))?;
                keep(Some(&*old), &mut value);
                *old = value;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../scenes")
            .join(name)
    }

    fn sets(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(p, v)| (p.to_string(), v.to_string()))
            .collect()
    }

    /// What is saved means the same run as the file with the values laid over it, also where a value is the mechanism's, a list's
    /// that the file leaves out, or a word; and its comments stay.
    #[test]
    fn a_saved_scene_is_the_same_run() {
        let folder = tempfile::tempdir().unwrap();
        for (name, changes) in [
            (
                "chair.toml",
                sets(&[
                    ("chair.recline_deg", "30.5"),
                    ("depth.protrude_mm.2", "66"),
                    ("body.sex", "male"),
                    ("body.conditions", "[\"osteopenia\"]"),
                    ("session.step.1.level", "2"),
                    ("mechanism.knead.tilt_deg", "11"),
                    ("mechanism.motors.walk.ratio", "70"),
                ]),
            ),
            (
                "checks/slab.toml",
                sets(&[("depth.protrude_mm.4", "70"), ("timing.knead_rpm", "20")]),
            ),
        ] {
            let from = shipped(name);
            let changes: Vec<(String, String)> = {
                // Only what the file has: names differ between shipped mechanisms.
                let known: Vec<String> = scene::params(&from)
                    .unwrap()
                    .into_iter()
                    .map(|p| p.path)
                    .collect();
                changes
                    .into_iter()
                    .filter(|(p, _)| known.contains(p))
                    .collect()
            };
            assert!(changes.len() >= 2, "{changes:?}");
            let mut tuning = Tuning::new(&from, &[]);
            for (path, value) in &changes {
                tuning.set(path, value, false);
            }
            let to = folder.path().join("mine.toml");
            let written = tuning.save_as(&to).unwrap();
            assert_eq!(written[0], to);
            let wanted = scene::load(&from, &changes).unwrap().scene.hash();
            assert_eq!(
                scene::load(&to, &[]).unwrap().scene.hash(),
                wanted,
                "{name}"
            );
            let text = std::fs::read_to_string(&to).unwrap();
            let comment = std::fs::read_to_string(&from)
                .unwrap()
                .lines()
                .nth(1)
                .unwrap()
                .to_string();
            assert!(
                comment.starts_with('#') && text.contains(&comment),
                "{text}"
            );
        }
    }

    /// A drag is one change; undo and redo go both ways.
    #[test]
    fn undo_takes_back_a_whole_drag() {
        let mut tuning = Tuning::new(&shipped("chair.toml"), &[]);
        let value = |t: &Tuning, path: &str| {
            t.params()
                .iter()
                .find(|p| p.path == path)
                .unwrap()
                .value
                .as_f64()
        };
        tuning.set("chair.recline_deg", "40", false);
        for deg in ["39", "38", "37"] {
            tuning.set("chair.recline_deg", deg, true);
        }
        tuning.set("timing.knead_rpm", "20", false);
        assert_eq!(value(&tuning, "chair.recline_deg"), Some(37.0));
        assert!(tuning.undo());
        assert_eq!(value(&tuning, "timing.knead_rpm"), Some(12.0));
        assert!(tuning.undo());
        assert_eq!(value(&tuning, "chair.recline_deg"), Some(45.0));
        assert!(!tuning.undo());
        assert!(tuning.redo() && tuning.redo() && !tuning.redo());
        assert_eq!(value(&tuning, "timing.knead_rpm"), Some(20.0));
        tuning.reset("chair.recline_deg");
        assert_eq!(value(&tuning, "chair.recline_deg"), Some(45.0));
        assert!(tuning.is_changed("timing.knead_rpm") && !tuning.is_changed("chair.recline_deg"));
    }

    /// Saving the scene or its mechanism in another program is noticed, once.
    #[test]
    fn a_file_that_is_written_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mechanism = folder.path().join("carriage.toml");
        std::fs::copy(shipped("mechanisms/wobble_carriage.toml"), &mechanism).unwrap();
        let text = std::fs::read_to_string(shipped("chair.toml")).unwrap();
        let scene = folder.path().join("mine.toml");
        std::fs::write(
            &scene,
            text.replace("mechanisms/wobble_carriage.toml", "carriage.toml"),
        )
        .unwrap();
        let mut tuning = Tuning::new(&scene, &[]);
        assert!(!tuning.was_written());
        let longer = std::fs::read_to_string(&mechanism).unwrap() + "\n# more\n";
        std::fs::write(&mechanism, longer).unwrap();
        assert!(tuning.was_written() && !tuning.was_written());
    }
}
