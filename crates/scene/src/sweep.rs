//! A sweep: what varies, on whom, and what is asked of the results.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::any_scene::AnyScene;
use crate::check::{Checked, Value, check};
use crate::document::{Node, Origin, Raw, Set, join};
use crate::expression::Formula;
use crate::load::{is_rig, to_any_scene};
use crate::problem::{Problem, Problems, Severity};
use crate::spec::{Kind, Table};
use crate::suggest;
use crate::unit::{Unit, show};

/// A checked sweep. A *point* is one value for each of [`variables`](Sweep::variables); a *sample* is a point on one body
/// under one list of conditions.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Where metrics come from.
    pub model: SweepModel,
    /// How points are picked, unless a search does.
    pub sampler: Sampling,
    /// How many, where the sampler does not say.
    pub samples: u64,
    /// What varies, in the order of the file.
    pub variables: Vec<Variable>,
    /// Which of them move together: indices of variables, one list an axis.
    pub axes: Vec<Vec<usize>>,
    /// What follows from them.
    pub derived: Vec<Derived>,
    /// Who is massaged; `None` for the scene's own body.
    pub people: Option<People>,
    /// Health conditions, each list on every body; empty for the scene's own.
    pub conditions: Vec<Vec<String>>,
    /// Per level how far beyond touch, m; `None` for the scene's own depths.
    pub depth_from_touch_m: Option<[f64; 5]>,
    /// What is wanted.
    pub objectives: Vec<Objective>,
    /// What must hold.
    pub limits: Vec<Limit>,
    /// A search instead of the sampler.
    pub search: Option<SearchPlan>,
    mold: Mold,
}

/// Where metrics come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepModel {
    /// The simulator.
    Simulate,
    /// Expressions over the names of what varies.
    Expression,
}

/// How points are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Every combination.
    Grid,
    /// Evenly at random.
    Random,
    /// Latin hypercube.
    LatinHypercube,
    /// Scrambled Sobol sequence.
    Sobol,
    /// Row by row.
    List,
    /// Trajectories that move one axis at a time: which axes matter at all (Morris 1991).
    Morris {
        /// How many.
        trajectories: u64,
    },
    /// Two matrices and their mixtures: which share of the variance an axis makes (Saltelli and others 2010).
    Saltelli {
        /// Rows of a matrix.
        rows: u64,
        /// Whether pairs of axes are told too.
        pairs: bool,
    },
}

impl Sampling {
    /// As a study names it.
    pub fn name(self) -> &'static str {
        match self {
            Sampling::Grid => "grid",
            Sampling::Random => "random",
            Sampling::LatinHypercube => "latin_hypercube",
            Sampling::Sobol => "sobol",
            Sampling::List => "list",
            Sampling::Morris { .. } => "morris",
            Sampling::Saltelli { .. } => "saltelli",
        }
    }
}

/// One parameter that varies.
#[derive(Clone, Debug, Serialize)]
pub struct Variable {
    /// Its path in the scene; with model = expression it may be a free word.
    pub path: String,
    /// What expressions and columns call it.
    pub name: String,
    /// Its unit, empty for plain numbers and words.
    pub unit: String,
    /// What it may be.
    pub span: Span,
    /// Whole numbers only.
    pub integer: bool,
    /// The scene's own value, as [`Variable::at`] counts; the middle for a free word.
    pub current: f64,
    /// Whether it is no path of the scene.
    pub free: bool,
}

/// What a variable may be. Numbers are in the unit of the path.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// From one number to another.
    Range {
        /// Lowest.
        from: f64,
        /// Highest.
        to: f64,
        /// Even in the logarithm.
        log: bool,
        /// Values of a grid.
        steps: Option<u64>,
        /// Only `from + k step`.
        step: Option<f64>,
    },
    /// These numbers.
    Numbers(Vec<f64>),
    /// These words; a value is the index of one.
    Words(Vec<String>),
}

/// A parameter that follows from what varies.
#[derive(Clone, Debug, Serialize)]
pub struct Derived {
    /// Its path in the scene.
    pub path: String,
    /// Last word of the path.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Over the variables.
    pub formula: Formula,
}

/// Bodies of the survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct People {
    /// How many.
    pub bodies: u32,
    /// Seed of their draw.
    pub seed: u64,
    /// How many judge the best again.
    pub held_out_bodies: u32,
    /// Seed of their draw.
    pub held_out_seed: u64,
}

/// Something wanted.
#[derive(Clone, Debug, Serialize)]
pub struct Objective {
    /// A metric, or what the column of the expression is called.
    pub name: String,
    /// With model = expression: over the variables, then stature_mm, bmi_kg_m2, age_yr of the body.
    pub formula: Option<Formula>,
    /// Whether more is better.
    pub maximise: bool,
    /// How bodies are put together.
    pub over: Over,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// How the values of several bodies become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Their mean.
    Mean,
    /// The worst.
    Worst,
    /// Mean of the worst tenth, rounded up to whole bodies.
    Cvar90,
    /// Mean and one standard deviation to the worse.
    MeanPlusSd,
}

/// Something that must hold on every body.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// As [`Objective::name`].
    pub name: String,
    /// As [`Objective::formula`].
    pub formula: Option<Formula>,
    /// Highest allowed.
    pub at_most: Option<f64>,
    /// Lowest allowed.
    pub at_least: Option<f64>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// Where something stands in a file, for problems that a crate further down finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// Path of the key.
    pub key: String,
}

/// A search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SearchPlan {
    /// Which.
    pub algorithm: Algorithm,
    /// Points of a generation.
    pub population: u32,
    /// Generations at most.
    pub generations: u32,
    /// Whether it begins at the scene's own values.
    pub from_current: bool,
    /// How far the first generation spreads, a share of each range.
    pub spread: f64,
    /// Independent searches.
    pub islands: u32,
    /// Whether it ends with a walk to the best neighbour.
    pub polish: bool,
    /// Whether the worse half of a generation is dropped after a share of the bodies.
    pub racing: bool,
}

/// A search's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Covariance matrix adaptation.
    CmaEs,
    /// Non-dominated sorting.
    Nsga2,
    /// With reference directions.
    Nsga3,
    /// Stochastic ranking.
    StochasticRanking,
    /// Pattern search.
    Pattern,
}

/// More samples than this are taken for a slip.
pub const MOST_SAMPLES: u64 = 1_000_000_000;

/// Names of a body that an expression may use, after those of the variables.
pub const BODY_NAMES: [&str; 3] = ["stature_mm", "bmi_kg_m2", "age_yr"];

impl Variable {
    /// How many values it takes, where they can be counted.
    pub fn levels(&self) -> Option<u64> {
        match &self.span {
            Span::Numbers(v) => Some(v.len() as u64),
            Span::Words(v) => Some(v.len() as u64),
            Span::Range {
                steps: Some(steps), ..
            } => Some(*steps),
            Span::Range { from, to, step, .. } => {
                let step = step.or(self.integer.then_some(1.0))?;
                // A thousandth of a step is rounding.
                Some(((to - from) / step + 1e-3).floor() as u64 + 1)
            }
        }
    }

    /// Value number `level` of [`levels`](Variable::levels); beyond them the last.
    pub fn at_level(&self, level: u64) -> f64 {
        let last = self.levels().unwrap_or(1).saturating_sub(1);
        let level = level.min(last);
        match &self.span {
            Span::Numbers(v) => v[level as usize],
            Span::Words(_) => level as f64,
            Span::Range { steps: Some(_), .. } if last == 0 => self.between(0.0),
            Span::Range { steps: Some(_), .. } => self.between(level as f64 / last as f64),
            Span::Range { from, step, .. } => from + level as f64 * step.unwrap_or(1.0),
        }
    }

    /// The value at `u` of its range, 0 to 1. Values that can be counted get equal shares of it, but the steps of a grid,
    /// which bind nobody else.
    pub fn at(&self, u: f64) -> f64 {
        match self.places() {
            Some(places) => self.at_level((u.clamp(0.0, 1.0) * places as f64) as u64),
            None => self.between(u.clamp(0.0, 1.0)),
        }
    }

    /// Where a value stands in the range, 0 to 1: the other way of [`at`](Variable::at).
    pub fn share_of(&self, value: f64) -> f64 {
        if let Some(places) = self.places() {
            let nearest = match &self.span {
                Span::Range { from, step, .. } => {
                    let level = ((value - from) / step.unwrap_or(1.0)).round();
                    level.clamp(0.0, (places - 1) as f64)
                }
                Span::Words(_) => value,
                Span::Numbers(v) => {
                    let far = |i: &usize| (v[*i] - value).abs();
                    let nearest = (0..v.len()).min_by(|a, b| far(a).total_cmp(&far(b)));
                    nearest.unwrap_or(0) as f64
                }
            };
            return (nearest + 0.5) / places as f64;
        }
        let share = match &self.span {
            Span::Range { from, to, .. } if to == from => 0.5,
            Span::Range { from, to, log, .. } if *log => (value / from).ln() / (to / from).ln(),
            Span::Range { from, to, .. } => (value - from) / (to - from),
            _ => 0.5,
        };
        share.clamp(0.0, 1.0)
    }

    /// How many values there are at all; `None` for any number of a range.
    pub fn places(&self) -> Option<u64> {
        match self.span {
            Span::Range { step: None, .. } if !self.integer => None,
            Span::Range { steps: Some(_), .. } => None,
            _ => self.levels(),
        }
    }

    fn between(&self, u: f64) -> f64 {
        match self.span {
            Span::Range { from, to, log, .. } => {
                let value = if log {
                    from * (to / from).powf(u)
                } else {
                    from * (1.0 - u) + to * u
                };
                let value = value.clamp(from, to);
                if self.integer { value.round() } else { value }
            }
            _ => 0.0,
        }
    }

    /// A value as one would write it.
    pub fn shown(&self, value: f64) -> String {
        match &self.span {
            Span::Words(words) => words.get(value as usize).cloned().unwrap_or_default(),
            _ => show(value),
        }
    }

    fn raw(&self, value: f64) -> Raw {
        match &self.span {
            Span::Words(words) => match words.get(value as usize).map(String::as_str) {
                Some("true") => Raw::Flag(true),
                Some("false") => Raw::Flag(false),
                Some(word) => Raw::Text(word.into()),
                None => Raw::Broken,
            },
            _ if self.integer => Raw::Integer(value as i64),
            _ => Raw::Number(value),
        }
    }
}

impl Sweep {
    /// Bodies that every point is judged on.
    pub fn bodies(&self) -> u32 {
        self.people.map_or(1, |p| p.bodies)
    }

    /// Samples of a point: bodies times lists of conditions.
    pub fn cases(&self) -> u32 {
        self.bodies() * self.conditions.len().max(1) as u32
    }

    /// Points of the sampler, or the most that the search may take without its polish.
    pub fn points(&self) -> u64 {
        if let Some(search) = self.search {
            return u64::from(search.population)
                * u64::from(search.generations)
                * u64::from(search.islands);
        }
        let levels = |axis: &Vec<usize>| self.variables[axis[0]].levels().unwrap_or(1);
        match self.sampler {
            Sampling::Grid => self.axes.iter().map(levels).fold(1, u64::saturating_mul),
            Sampling::List => self.axes.first().map_or(0, levels),
            Sampling::Morris { trajectories } => trajectories * (self.axes.len() as u64 + 1),
            Sampling::Saltelli { rows, pairs } => {
                let axes = self.axes.len() as u64;
                rows * (2 + if pairs { 2 * axes } else { axes })
            }
            _ => self.samples,
        }
    }

    /// Values of the derived parameters, put behind those of the variables.
    pub fn derive(&self, values: &mut Vec<f64>) {
        for derived in &self.derived {
            values.push(derived.formula.eval(values));
        }
    }

    /// The scene at a point: a value for each variable, then for each derived parameter.
    ///
    /// # Errors
    /// Every problem of the scene, one a line: this point cannot be built.
    pub fn scene(&self, values: &[f64]) -> Result<AnyScene, String> {
        let given = self.variables.iter().zip(values);
        let sets = given
            .filter(|(v, _)| !v.free)
            .map(|(v, value)| (v.path.as_str(), v.raw(*value)));
        let derived = self.derived.iter().zip(&values[self.variables.len()..]);
        let derived = derived.map(|(d, value)| (d.path.as_str(), Raw::Number(*value)));
        self.mold.cast(sets.chain(derived))
    }
}

/// A scene's text, parsed once, to be cast with other values.
#[derive(Clone, Debug)]
struct Mold {
    scene: Arc<Node>,
    spec: &'static Table,
}

impl Mold {
    fn cast<'a>(&self, sets: impl Iterator<Item = (&'a str, Raw)>) -> Result<AnyScene, String> {
        let mut node = (*self.scene).clone();
        let mut problems = Problems::default();
        let origin = Origin {
            file: node.origin.file.clone(),
            line: 0,
        };
        for (path, raw) in sets {
            let node_set = Node {
                origin: origin.clone(),
                raw,
            };
            Set::of(path, node_set).apply(&mut node, self.spec, &mut problems);
        }
        let checked = check(&node, self.spec, &mut problems);
        let scene = to_any_scene(&checked, &mut problems);
        match scene {
            Some(scene) if !problems.has_errors() => Ok(scene),
            _ => Err(reasons(&problems)),
        }
    }
}

/// What is wrong, without names of files: the same wherever the study lies.
fn reasons(problems: &Problems) -> String {
    let errors = problems.0.iter().filter(|p| p.severity == Severity::Error);
    let told: Vec<String> = errors
        .map(|p| {
            let value = if p.value.is_empty() {
                String::new()
            } else {
                format!(" = {}", p.value)
            };
            let allowed = if p.allowed.is_empty() {
                String::new()
            } else {
                format!(" (allowed: {})", p.allowed)
            };
            format!("{}{value}: {}{allowed}", p.key, p.message)
        })
        .collect();
    told.join("; ")
}

/// What a path of the scene takes.
enum Target {
    Number {
        now: f64,
        min: f64,
        max: f64,
        unit: String,
    },
    Integer {
        now: i64,
        min: i64,
        max: i64,
        unit: String,
    },
    Word {
        now: String,
        words: Vec<&'static str>,
    },
    /// An expression gives it.
    Derived,
    /// Nothing that one number or word could be.
    Other,
}

impl Target {
    fn unit(&self) -> &str {
        match self {
            Target::Number { unit, .. } | Target::Integer { unit, .. } => unit,
            _ => "",
        }
    }

    fn range(&self) -> Option<(f64, f64)> {
        match self {
            Target::Number { min, max, .. } => Some((*min, *max)),
            Target::Integer { min, max, .. } => Some((*min as f64, *max as f64)),
            _ => None,
        }
    }

    fn allowed(&self) -> String {
        match self {
            Target::Number { min, max, unit, .. } => {
                format!("{} to {} {unit}", show(*min), show(*max))
                    .trim_end()
                    .into()
            }
            Target::Integer { min, max, unit, .. } => {
                format!("a whole number, {min} to {max} {unit}")
                    .trim_end()
                    .into()
            }
            Target::Word { words, .. } => words.join(", "),
            _ => String::new(),
        }
    }
}

/// Finds what a path leads to.
fn target(table: &Checked, path: &str) -> Option<Target> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = table.spec.field(head)?;
    let unit = || {
        field
            .unit()
            .map(|u| u.symbol.to_string())
            .unwrap_or_default()
    };
    let at = |list: &[Checked]| -> Option<Target> {
        let (index, rest) = rest.split_once('.')?;
        target(list.get(index.parse::<usize>().ok()?)?, rest)
    };
    match (&table.entries.get(head)?.value, field.kind) {
        (Value::Table(t), _) if !rest.is_empty() => target(t, rest),
        (Value::Tables(list), _) if !rest.is_empty() => at(list),
        (Value::Params(params), _) => {
            let param = params.get(rest)?;
            Some(Target::Number {
                now: param.value,
                min: param.min,
                max: param.max,
                unit: Unit::named(&param.unit)
                    .map(|u| u.symbol.to_string())
                    .unwrap_or_default(),
            })
        }
        (Value::Number { derived: true, .. }, _) if rest.is_empty() => Some(Target::Derived),
        (Value::Number { given, .. }, Kind::Number { min, max }) if rest.is_empty() => {
            Some(Target::Number {
                now: *given,
                min,
                max,
                unit: unit(),
            })
        }
        (Value::Numbers(list), Kind::Numbers { min, max, .. }) if !rest.is_empty() => {
            let (given, _, derived) = list.get(rest.parse::<usize>().ok()?)?;
            Some(match derived {
                true => Target::Derived,
                false => Target::Number {
                    now: *given,
                    min,
                    max,
                    unit: unit(),
                },
            })
        }
        (Value::Integer(now), Kind::Integer { min, max }) if rest.is_empty() => {
            Some(Target::Integer {
                now: *now,
                min,
                max,
                unit: unit(),
            })
        }
        (Value::Text(now), Kind::Choice(words)) if rest.is_empty() => Some(Target::Word {
            now: now.clone(),
            words: words(),
        }),
        (Value::Flag(now), _) if rest.is_empty() => Some(Target::Word {
            now: now.to_string(),
            words: vec!["true", "false"],
        }),
        _ if rest.is_empty() => Some(Target::Other),
        _ => None,
    }
}

/// From the checked table: `scene` is the study's scene, `text` the tree that it was read from.
pub(crate) fn to_sweep(
    c: &Checked,
    scene: &Checked,
    text: &Node,
    problems: &mut Problems,
) -> Option<Sweep> {
    let before = problems.0.len();
    let mut walk = Walk {
        c,
        scene,
        problems,
        model: model(c),
        sampler: sampling(c),
        searched: c.entries.contains_key("search"),
    };
    let variables = walk.variables();
    let axes = walk.axes(&variables);
    walk.names(&variables);
    let derived = walk.derived(&variables);
    let (people, conditions) = walk.people();
    let objectives = walk.objectives(&variables, &derived);
    let limits = walk.limits(&variables, &derived);
    let search = walk.search(&objectives);
    if c.broken
        || problems.0[before..]
            .iter()
            .any(|p| p.severity == Severity::Error)
    {
        return None;
    }
    let sweep = Sweep {
        model: model(c),
        sampler: sampling(c),
        samples: c.integer("samples").max(1).unsigned_abs(),
        variables,
        axes,
        derived,
        people,
        conditions,
        depth_from_touch_m: c
            .entries
            .contains_key("depth_from_touch_mm")
            .then(|| c.numbers("depth_from_touch_mm")),
        objectives,
        limits,
        search,
        mold: Mold {
            scene: Arc::new(text.clone()),
            spec: scene.spec,
        },
    };
    check_size(c, &sweep, problems);
    Some(sweep)
}

fn model(c: &Checked) -> SweepModel {
    match c.text("model") {
        "expression" => SweepModel::Expression,
        _ => SweepModel::Simulate,
    }
}

fn sampling(c: &Checked) -> Sampling {
    match c.text("sampler") {
        "grid" => Sampling::Grid,
        "random" => Sampling::Random,
        "latin_hypercube" => Sampling::LatinHypercube,
        "list" => Sampling::List,
        "morris" => Sampling::Morris {
            trajectories: c.integer("trajectories").unsigned_abs(),
        },
        "saltelli" => Sampling::Saltelli {
            rows: c.integer("rows").unsigned_abs(),
            pairs: c.flag("pairs"),
        },
        _ => Sampling::Sobol,
    }
}

fn check_size(c: &Checked, sweep: &Sweep, problems: &mut Problems) {
    let samples = sweep.points().saturating_mul(u64::from(sweep.cases()));
    if samples > MOST_SAMPLES {
        let counts: Vec<String> = sweep
            .axes
            .iter()
            .filter_map(|axis| sweep.variables[axis[0]].levels())
            .map(|n| n.to_string())
            .collect();
        let points = match sweep.sampler {
            Sampling::Grid if sweep.search.is_none() => counts.join(" x "),
            _ => sweep.points().to_string(),
        };
        problems.0.push(Problem {
            value: String::new(),
            allowed: format!("at most {MOST_SAMPLES} samples"),
            hint: Some("take fewer steps or bodies, or sampler = \"sobol\"".into()),
            ..c.problem(
                "",
                format!(
                    "this plan is too large: {points} points on {} bodies and conditions are {samples} samples",
                    sweep.cases()
                ),
            )
        });
    }
}

struct Walk<'a> {
    c: &'a Checked,
    scene: &'a Checked,
    problems: &'a mut Problems,
    model: SweepModel,
    sampler: Sampling,
    searched: bool,
}

impl Walk<'_> {
    fn report(&mut self, problem: Problem) {
        self.problems.0.push(problem);
    }

    fn variables(&mut self) -> Vec<Variable> {
        let (c, scene) = (self.c, self.scene);
        let mut all: Vec<Variable> = Vec::new();
        for t in c.tables("vary") {
            if t.broken {
                continue;
            }
            let given = t.text("path").trim();
            let path = given.strip_prefix("scene.").unwrap_or(given).to_string();
            let free = self.model == SweepModel::Expression && !path.contains('.');
            let found = if free { None } else { target(scene, &path) };
            if !free && !self.path_is_good(t, &path, found.as_ref()) {
                continue;
            }
            if all.iter().any(|v| v.path == path) {
                self.report(Problem {
                    hint: Some("leave one of the two out".into()),
                    ..t.problem("path", "this path varies already")
                });
                continue;
            }
            let name = match t.text("name") {
                "" => last_word(&path).to_string(),
                name => name.to_string(),
            };
            let integer = t.flag("integer") || matches!(found, Some(Target::Integer { .. }));
            let Some(span) = self.span(t, found.as_ref(), integer) else {
                continue;
            };
            let mut variable = Variable {
                unit: found.as_ref().map(Target::unit).unwrap_or_default().into(),
                path,
                name,
                span,
                integer,
                current: 0.0,
                free,
            };
            variable.current = match (&found, &variable.span) {
                (Some(Target::Word { now, .. }), Span::Words(words)) => {
                    words.iter().position(|w| w == now).unwrap_or(0) as f64
                }
                (Some(Target::Number { now, .. }), _) => *now,
                (Some(Target::Integer { now, .. }), _) => *now as f64,
                _ => variable.at(0.5),
            };
            all.push(variable);
        }
        all
    }

    fn path_is_good(&mut self, t: &Checked, path: &str, found: Option<&Target>) -> bool {
        let (message, hint) = match found {
            Some(Target::Derived) => (
                "an expression gives this value",
                match is_rig(self.scene) {
                    true => "vary the parameter that it uses: rig.params.NAME".to_string(),
                    false => "vary the parameter that it uses: mechanism.params.NAME".to_string(),
                },
            ),
            Some(Target::Other) => (
                "this is no single number or word",
                "go on to one: `kneadlab params SCENE` lists them".into(),
            ),
            Some(_) => return true,
            None => {
                let mut paths = Vec::new();
                settable(self.scene, "", &mut paths);
                let names: Vec<&str> = paths.iter().map(String::as_str).collect();
                // A slip in the last word is looked for among paths that end so.
                let near = suggest::closest(path, &names).or_else(|| {
                    names
                        .iter()
                        .copied()
                        .find(|p| last_word(p) == last_word(path))
                });
                let hint = match near {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => "`kneadlab params SCENE` lists all paths".into(),
                };
                let mut message = "there is no such path in the scene";
                if self.model == SweepModel::Simulate && !path.contains('.') {
                    message = "there is no such path in the scene (a free word needs model = \"expression\")";
                }
                (message, hint)
            }
        };
        self.report(Problem {
            hint: Some(hint),
            ..t.problem("path", message)
        });
        false
    }

    /// From `values`, or from `from` and `to`.
    fn span(&mut self, t: &Checked, found: Option<&Target>, integer: bool) -> Option<Span> {
        let has = |key: &str| t.entries.contains_key(key);
        if has("values") {
            for key in ["from", "to", "steps", "step"]
                .into_iter()
                .filter(|k| has(k))
            {
                self.report(Problem {
                    hint: Some("give values, or from and to".into()),
                    ..t.problem(key, "this key does not go with values")
                });
            }
            return self.list(t, found, integer);
        }
        if let Some(Target::Word { words, .. }) = found {
            self.report(Problem {
                allowed: words.join(", "),
                hint: Some("give values = [\"...\", \"...\"]".into()),
                ..t.problem("path", "this takes words, and has no range")
            });
            return None;
        }
        let missing: Vec<&str> = ["from", "to"].into_iter().filter(|k| !has(k)).collect();
        if !missing.is_empty() {
            self.report(Problem {
                value: String::new(),
                allowed: found.map(Target::allowed).unwrap_or_default(),
                hint: Some("give from and to, or values = [...]".into()),
                ..t.problem("path", format!("{} is missing", missing.join(" and ")))
            });
            return None;
        }
        let (from, to) = (t.number("from"), t.number("to"));
        let log = t.text("scale") == "log";
        let step = has("step").then(|| t.number("step"));
        let steps = has("steps").then(|| t.integer("steps").unsigned_abs());
        let mut good = true;
        let mut bad = |walk: &mut Self, key: &str, message: &str, allowed: String, hint: &str| {
            good = false;
            walk.report(Problem {
                allowed,
                hint: Some(hint.into()),
                ..t.problem(key, message)
            });
        };
        if from > to {
            let hint = "swap from and to";
            bad(
                self,
                "to",
                "the range is empty: to lies below from",
                String::new(),
                hint,
            );
        }
        if let Some((found, (min, max))) = found.and_then(|f| Some((f, f.range()?))) {
            for (key, value) in [("from", from), ("to", to)] {
                if !(min..=max).contains(&value) {
                    let message = "outside the parameter's own range";
                    bad(self, key, message, found.allowed(), "stay within it");
                }
            }
        }
        if log && from <= 0.0 {
            let allowed = "above 0".into();
            bad(
                self,
                "from",
                "a log scale needs numbers above 0",
                allowed,
                "or scale = \"linear\"",
            );
        }
        if integer {
            for (key, value) in [("from", from), ("to", to), ("step", step.unwrap_or(1.0))] {
                if value.fract() != 0.0 {
                    bad(
                        self,
                        key,
                        "a whole number is expected",
                        String::new(),
                        "round it",
                    );
                }
            }
        }
        let counted = step.is_some() || steps.is_some() || integer;
        if self.sampler == Sampling::Grid && !self.searched && !counted {
            let hint = "give steps = 5 (values, ends included), step = 0.5, or values = [...]";
            bad(
                self,
                "path",
                "a grid needs to know how many values",
                String::new(),
                hint,
            );
        }
        if self.sampler == Sampling::List && !self.searched {
            let hint = "give values = [...], or another sampler";
            bad(self, "path", "a list needs values", String::new(), hint);
        }
        if let (Some(steps), Some(_)) | (Some(steps), None) = (steps, step)
            && (step.is_some() || (integer && steps as f64 > to - from + 1.0))
        {
            let hint = "leave one of the two out";
            bad(
                self,
                "steps",
                "steps and whole or fixed steps contradict each other",
                String::new(),
                hint,
            );
        }
        good.then_some(Span::Range {
            from,
            to,
            log,
            steps,
            step,
        })
    }

    fn list(&mut self, t: &Checked, found: Option<&Target>, integer: bool) -> Option<Span> {
        let value = t.entries.get("values").map(|e| &e.value);
        let shown = |v: &dyn std::fmt::Display| v.to_string();
        match (value, found) {
            (Some(Value::Words(words)), Some(Target::Word { words: allowed, .. })) => {
                let wrong: Vec<&String> = words
                    .iter()
                    .filter(|w| !allowed.contains(&w.as_str()))
                    .collect();
                for word in &wrong {
                    let hint = suggest::closest(word, allowed);
                    self.report(Problem {
                        value: format!("{word:?}"),
                        allowed: allowed.join(", "),
                        hint: hint.map(|w| format!("did you mean {w:?}?")),
                        ..t.problem("values", "this is not one of the words")
                    });
                }
                wrong.is_empty().then(|| Span::Words(words.clone()))
            }
            (Some(Value::Words(words)), None) => Some(Span::Words(words.clone())),
            (Some(Value::Words(words)), Some(found)) => {
                self.report(Problem {
                    value: format!("{words:?}"),
                    allowed: found.allowed(),
                    ..t.problem("values", "numbers are expected, these are words")
                });
                None
            }
            (Some(Value::Numbers(numbers)), Some(found @ Target::Word { .. })) => {
                self.report(Problem {
                    value: shown(&numbers.len()) + " numbers",
                    allowed: found.allowed(),
                    ..t.problem("values", "words are expected, these are numbers")
                });
                None
            }
            (Some(Value::Numbers(numbers)), found) => {
                let numbers: Vec<f64> = numbers.iter().map(|n| n.0).collect();
                let range = found.and_then(Target::range);
                let mut good = true;
                for (i, value) in numbers.iter().enumerate() {
                    let outside = range.is_some_and(|(min, max)| !(min..=max).contains(value));
                    if outside || (integer && value.fract() != 0.0) {
                        good = false;
                        self.report(Problem {
                            value: show(*value),
                            allowed: found.map(Target::allowed).unwrap_or_default(),
                            hint: Some("stay within it".into()),
                            ..t.problem(
                                &format!("values.{i}"),
                                if outside {
                                    "outside the parameter's own range"
                                } else {
                                    "a whole number is expected"
                                },
                            )
                        });
                    }
                }
                good.then_some(Span::Numbers(numbers))
            }
            _ => None,
        }
    }

    /// Entries with the same word move together.
    fn axes(&mut self, variables: &[Variable]) -> Vec<Vec<usize>> {
        let mut axes: Vec<(String, Vec<usize>)> = Vec::new();
        for (i, variable) in variables.iter().enumerate() {
            let table = self.table_of(variable);
            let zip = match (self.sampler, table.map_or("", |t| t.text("zip"))) {
                // Side by side: all of them are one axis.
                (Sampling::List, _) if !self.searched => " list".to_string(),
                (_, "") => format!(" {i}"),
                (_, zip) => zip.to_string(),
            };
            match axes.iter_mut().find(|(word, _)| *word == zip) {
                Some((_, axis)) => {
                    let first = &variables[axis[0]];
                    let (here, there) = (variable.levels(), first.levels());
                    let counted = matches!(self.sampler, Sampling::Grid | Sampling::List);
                    axis.push(i);
                    if counted && !self.searched && here != there {
                        let count = |n: Option<u64>| n.map_or("no".into(), |n| n.to_string());
                        let message = format!(
                            "{} values here, {} of {}: they move together",
                            count(here),
                            count(there),
                            first.name
                        );
                        if let Some(t) = self.table_of(variable) {
                            let key = if t.entries.contains_key("values") {
                                "values"
                            } else {
                                "path"
                            };
                            self.report(Problem {
                                hint: Some("give both as many".into()),
                                ..t.problem(key, message)
                            });
                        }
                    }
                }
                None => axes.push((zip, vec![i])),
            }
        }
        axes.into_iter().map(|(_, axis)| axis).collect()
    }

    fn table_of(&self, variable: &Variable) -> Option<&Checked> {
        self.c.tables("vary").iter().find(|t| {
            let path = t.text("path").trim();
            path.strip_prefix("scene.").unwrap_or(path) == variable.path
        })
    }

    /// Every name once, and a name that an expression can hold.
    fn names(&mut self, variables: &[Variable]) {
        let mut seen: BTreeMap<&str, &Variable> = BTreeMap::new();
        let mut told = Vec::new();
        for variable in variables {
            let Some(t) = self.table_of(variable) else {
                continue;
            };
            let key = if t.entries.contains_key("name") {
                "name"
            } else {
                "path"
            };
            if let Some(first) = seen.get(variable.name.as_str()) {
                told.push(Problem {
                    hint: Some("give one of them a name of its own: name = \"...\"".into()),
                    ..t.problem(
                        key,
                        format!(
                            "{:?} is also the name of {}: expressions and columns could not tell them apart",
                            variable.name, first.path
                        ),
                    )
                });
            }
            if crate::expression::check_name(&variable.name).is_err() {
                told.push(Problem {
                    hint: Some(
                        "give it one of small letters, digits and _, no function such as sin: name = \"...\""
                            .into(),
                    ),
                    ..t.problem(key, format!("{:?} cannot be a name here", variable.name))
                });
            } else if RESERVED.contains(&variable.name.as_str()) {
                told.push(Problem {
                    hint: Some("give it another: name = \"...\"".into()),
                    ..t.problem(
                        key,
                        format!("{:?} is a column of every result", variable.name),
                    )
                });
            }
            seen.insert(&variable.name, variable);
        }
        self.problems.0.extend(told);
    }

    fn derived(&mut self, variables: &[Variable]) -> Vec<Derived> {
        let c = self.c;
        let mut all: Vec<Derived> = Vec::new();
        for t in c.tables("derive") {
            if t.broken {
                continue;
            }
            let given = t.text("path").trim();
            let path = given.strip_prefix("scene.").unwrap_or(given).to_string();
            let found = target(self.scene, &path);
            let formula = self.formula(t, "expression", variables, &[], &[]);
            if !self.path_is_good(t, &path, found.as_ref()) {
                continue;
            }
            let name = last_word(&path).to_string();
            let taken = variables.iter().any(|v| v.path == path || v.name == name)
                || all.iter().any(|d| d.path == path || d.name == name);
            if taken {
                self.report(Problem {
                    hint: Some(
                        "leave one of the two out, or give the one that varies another name".into(),
                    ),
                    ..t.problem("path", "this path or its name is taken by what varies")
                });
                continue;
            }
            if !matches!(found, Some(Target::Number { .. })) {
                self.report(Problem {
                    allowed: found.as_ref().map(Target::allowed).unwrap_or_default(),
                    ..t.problem("path", "an expression gives a number, and this takes none")
                });
                continue;
            }
            if let Some(formula) = formula {
                all.push(Derived {
                    unit: found.as_ref().map(Target::unit).unwrap_or_default().into(),
                    path,
                    name,
                    formula,
                });
            }
        }
        all
    }

    /// An expression over names.
    fn formula(
        &mut self,
        t: &Checked,
        key: &str,
        variables: &[Variable],
        derived: &[Derived],
        more: &[&str],
    ) -> Option<Formula> {
        let mut names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
        names.extend(derived.iter().map(|d| d.name.as_str()));
        names.extend(more);
        match Formula::new(t.text(key), &names) {
            Ok(formula) => {
                let word = |i: &usize| {
                    variables
                        .get(*i)
                        .is_some_and(|v| matches!(v.span, Span::Words(_)))
                };
                if let Some(i) = formula.inputs().iter().find(|i| word(i)) {
                    let message = format!("{:?} stands for words", names[*i]);
                    self.report(t.problem(key, message));
                    return None;
                }
                Some(formula)
            }
            Err(fault) => {
                self.report(Problem {
                    hint: fault.hint,
                    ..t.problem(key, fault.message)
                });
                None
            }
        }
    }

    fn people(&mut self) -> (Option<People>, Vec<Vec<String>>) {
        let Some(t) = self.c.table("population") else {
            return (None, Vec::new());
        };
        let people = People {
            bodies: t.count("bodies").max(1) as u32,
            seed: t.integer("seed").unsigned_abs(),
            held_out_bodies: t.count("held_out_bodies") as u32,
            held_out_seed: t.integer("held_out_seed").unsigned_abs(),
        };
        if people.held_out_bodies > 0 && people.seed == people.held_out_seed {
            self.report(Problem {
                allowed: format!("any seed but {}", people.seed),
                hint: Some("bodies that a design was picked on prove nothing".into()),
                ..t.problem("held_out_seed", "both draws have the same seed")
            });
        }
        let conditions = match t.entries.get("conditions").map(|e| &e.value) {
            Some(Value::WordLists(lists)) if lists.is_empty() => {
                self.report(Problem {
                    hint: Some("leave it out, or write [[]] for none".into()),
                    ..t.problem(
                        "conditions",
                        "this plan is empty: there is no list of conditions",
                    )
                });
                Vec::new()
            }
            Some(Value::WordLists(lists)) => lists.clone(),
            _ => Vec::new(),
        };
        let body = self.c.tables("vary").iter().find(|v| {
            let path = v.text("path").trim();
            let path = path.strip_prefix("scene.").unwrap_or(path);
            path.starts_with("body.") && !v.broken
        });
        if let Some(v) = body {
            let problem = Problem {
                hint: Some("leave out [sweep.population], or do not vary the body".into()),
                ..v.problem("path", "the population gives the body")
            };
            self.report(problem);
        }
        (Some(people), conditions)
    }

    fn objectives(&mut self, variables: &[Variable], derived: &[Derived]) -> Vec<Objective> {
        let c = self.c;
        let mut all = Vec::new();
        for (i, t) in c.tables("objective").iter().enumerate() {
            let Some((name, formula)) = self.metric(t, "objective", i, variables, derived) else {
                continue;
            };
            all.push(Objective {
                name,
                formula,
                maximise: t.text("goal") == "max",
                over: match t.text("over") {
                    "worst" => Over::Worst,
                    "cvar90" => Over::Cvar90,
                    "mean_plus_sd" => Over::MeanPlusSd,
                    _ => Over::Mean,
                },
                place: place(t, "metric"),
            });
        }
        if all.is_empty()
            && c.tables("objective").is_empty()
            && (self.searched || self.model == SweepModel::Expression)
        {
            let who = if self.searched {
                "a search"
            } else {
                "model = \"expression\""
            };
            self.report(Problem {
                hint: Some("add [[sweep.objective]] with metric = \"...\"".into()),
                ..c.problem("objective", format!("{who} needs an objective"))
            });
        }
        all
    }

    fn limits(&mut self, variables: &[Variable], derived: &[Derived]) -> Vec<Limit> {
        let c = self.c;
        let mut all = Vec::new();
        for (i, t) in c.tables("limit").iter().enumerate() {
            let Some((name, formula)) = self.metric(t, "limit", i, variables, derived) else {
                continue;
            };
            let bound = |key: &str| t.entries.contains_key(key).then(|| t.number(key));
            let (at_most, at_least) = (bound("at_most"), bound("at_least"));
            if at_most.is_none() && at_least.is_none() {
                self.report(Problem {
                    hint: Some("give at_most = ..., at_least = ..., or both".into()),
                    ..t.problem("metric", "this limit has no bound")
                });
            }
            if let (Some(most), Some(least)) = (at_most, at_least)
                && most < least
            {
                let message = "nothing can hold: at_most lies below at_least";
                self.report(t.problem("at_most", message));
            }
            all.push(Limit {
                name,
                formula,
                at_most,
                at_least,
                place: place(t, "metric"),
            });
        }
        all
    }

    /// The name of a metric's column, and how it is reckoned where an expression says so.
    fn metric(
        &mut self,
        t: &Checked,
        what: &str,
        index: usize,
        variables: &[Variable],
        derived: &[Derived],
    ) -> Option<(String, Option<Formula>)> {
        if t.broken {
            return None;
        }
        if self.model == SweepModel::Simulate {
            return Some((t.text("metric").trim().to_string(), None));
        }
        let formula = self.formula(t, "metric", variables, derived, &BODY_NAMES)?;
        let name = match t.text("name") {
            "" => format!("{what}_{index}"),
            name => name.to_string(),
        };
        let taken = variables.iter().any(|v| v.name == name)
            || derived.iter().any(|d| d.name == name)
            || RESERVED.contains(&name.as_str());
        if taken {
            self.report(Problem {
                hint: Some("give it another name".into()),
                ..t.problem("name", format!("{name:?} is another column's name"))
            });
        }
        Some((name, Some(formula)))
    }

    fn search(&mut self, objectives: &[Objective]) -> Option<SearchPlan> {
        let t = self.c.table("search")?;
        if t.broken {
            return None;
        }
        let algorithm = match t.text("algorithm") {
            "nsga2" => Algorithm::Nsga2,
            "nsga3" => Algorithm::Nsga3,
            "stochastic_ranking" => Algorithm::StochasticRanking,
            "pattern" => Algorithm::Pattern,
            _ => Algorithm::CmaEs,
        };
        let several = matches!(algorithm, Algorithm::Nsga2 | Algorithm::Nsga3);
        let word = t.text("algorithm");
        if !several && objectives.len() > 1 {
            self.report(Problem {
                allowed: "nsga2, nsga3".into(),
                hint: Some(
                    "turn all but one objective into limits, or search the trade-off".into(),
                ),
                ..t.problem(
                    "algorithm",
                    format!("{word} takes one objective, there are {}", objectives.len()),
                )
            });
        }
        if several && objectives.len() > 4 {
            self.report(Problem {
                hint: Some("turn some of them into limits".into()),
                ..t.problem(
                    "algorithm",
                    format!(
                        "{word} takes up to four objectives, there are {}",
                        objectives.len()
                    ),
                )
            });
        }
        if t.flag("polish") && several {
            self.report(Problem {
                hint: Some("polish goes with one objective".into()),
                ..t.problem("polish", "there is no one best to walk on from")
            });
        }
        Some(SearchPlan {
            algorithm,
            population: t.count("population") as u32,
            generations: t.count("generations") as u32,
            from_current: t.text("start") == "current",
            spread: t.number("spread"),
            islands: t.count("islands") as u32,
            polish: t.flag("polish"),
            racing: t.flag("racing"),
        })
    }
}

/// Columns of every result.
const RESERVED: [&str; 9] = [
    "sample",
    "point",
    "body",
    "conditions",
    "state",
    "message",
    "violation",
    "feasible",
    "shard",
];

fn place(t: &Checked, key: &str) -> Place {
    let (origin, key) = t.place(key);
    Place {
        file: origin.file.to_string(),
        line: origin.line,
        key,
    }
}

fn last_word(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Every path below a table that one number or word can be given.
fn settable(table: &Checked, path: &str, out: &mut Vec<String>) {
    for field in table.spec.fields {
        let Some(entry) = table.entries.get(field.key) else {
            continue;
        };
        let here = join(path, field.key);
        match &entry.value {
            Value::Table(t) => settable(t, &here, out),
            Value::Tables(list) => {
                for (i, t) in list.iter().enumerate() {
                    settable(t, &join(&here, &i.to_string()), out);
                }
            }
            Value::Params(params) => out.extend(params.keys().map(|name| join(&here, name))),
            Value::Number { derived: false, .. } | Value::Integer(_) | Value::Flag(_) => {
                out.push(here);
            }
            Value::Text(_) if matches!(field.kind, Kind::Choice(_)) => out.push(here),
            Value::Numbers(list) => {
                out.extend((0..list.len()).map(|i| join(&here, &i.to_string())));
            }
            _ => {}
        }
    }
}
