//! From a study to points, samples and what is measured on them.

use super::design::Design;
use super::model::{Case, Column, Expressions, Model};
use super::record::{Contradiction, Record, State};
use super::trouble::{Trouble, catch_panics};
use crate::sampler::Sampler;
use crate::search::Space;
use crate::variant::Depth;
use back::{Body, Population};
use scene::{
    AnyScene, Place, Problem, Problems, Sampling, Severity, Sweep, SweepModel, SweepStudy,
};
use std::ops::Range;

/// A study's sweep, ready to be computed.
pub struct Plan {
    /// What it says.
    pub sweep: Sweep,
    /// Name of the study.
    pub name: String,
    /// Identity of its samples.
    pub hash: String,
    /// Identity of its scene.
    pub scene_hash: String,
    /// Root of everything random.
    pub seed: u64,
    pub(super) model: Box<dyn Model>,
    bodies: Vec<Body>,
    held_out: Vec<Body>,
    variables: Vec<Column>,
    metrics: Vec<Column>,
    pub(super) space: Space,
    design: Option<Design>,
}

/// Why a sweep did not go on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The user asked.
    #[error("stopped; what is done is kept")]
    Stopped,
    /// A sample failed, and that was to end it.
    #[error("sample {} failed: {}", .0.sample, .0.message)]
    Failed(Box<Record>),
    /// Records could not be kept.
    #[error("{0}")]
    Sink(String),
    /// Records of one sample differ.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// A search cannot be set up.
    #[error("search: {0}")]
    Search(String),
    /// The worker threads could not be started.
    #[error("threads: {0}")]
    Threads(String),
}

impl Plan {
    /// From a checked study.
    ///
    /// # Errors
    /// No sweep in it, metrics that are not there, or a sampler that cannot make so many points.
    pub fn new(study: &SweepStudy) -> Result<Plan, Problems> {
        let Some(sweep) = &study.sweep else {
            return Err(Problems(vec![problem(
                &Place {
                    file: study.name.clone(),
                    line: 1,
                    key: "sweep".into(),
                },
                "this study has no [sweep]",
                "say what varies: [[sweep.vary]] with path, from and to",
            )]));
        };
        let model: Box<dyn Model> = match sweep.model {
            SweepModel::Expression => Box::new(Expressions::new(sweep, study.scene.body().clone())),
            SweepModel::Simulate => Box::new(super::simulate::Simulate::new(study, sweep)),
        };
        Plan::with_model(study, sweep, model)
    }

    /// As [`Plan::new`], measured by a model of the caller's.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn with_model(
        study: &SweepStudy,
        sweep: &Sweep,
        model: Box<dyn Model>,
    ) -> Result<Plan, Problems> {
        let metrics = model.columns();
        let mut problems = unknown_metrics(sweep, &metrics);
        problems.extend(double_names(study, sweep, &metrics));
        let space = super::hunt::space(sweep).unwrap_or_else(|e| {
            let place = Place {
                file: study.name.clone(),
                line: 1,
                key: "sweep.vary".into(),
            };
            problems.push(problem(&place, &e.to_string(), "see what varies"));
            Space::real(1)
        });
        if sweep.search.is_none()
            && let Some(sampler) = sampler(sweep)
            && let Err(e) = sampler.check(sweep.samples, sweep.axes.len())
        {
            let place = Place {
                file: study.name.clone(),
                line: 1,
                key: "sweep.sampler".into(),
            };
            problems.push(problem(&place, &e.to_string(), "take another sampler"));
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        let draw = |seed: u64, count: u32| -> Vec<Body> {
            let people = Population::survey(seed);
            (0..u64::from(count))
                .map(|i| Body {
                    // Tone is a state, not a trait: everyone is as tense as the scene's body is.
                    tone: study.scene.body().tone,
                    ..people.body(i)
                })
                .collect()
        };
        let people = sweep.people;
        let variable = sweep.variables.iter().map(|v| Column {
            name: v.name.clone(),
            unit: v.unit.clone(),
            meaning: v.path.clone(),
            words: match &v.span {
                scene::Span::Words(words) => words.clone(),
                _ => Vec::new(),
            },
        });
        let derived = sweep.derived.iter().map(|d| Column {
            name: d.name.clone(),
            unit: d.unit.clone(),
            meaning: d.path.clone(),
            words: Vec::new(),
        });
        let plan = Plan {
            name: study.name.clone(),
            hash: study.samples_hash().unwrap_or_default(),
            scene_hash: study.scene.hash(),
            seed: study.seed,
            bodies: people.map_or(Vec::new(), |p| draw(p.seed, p.bodies)),
            held_out: people.map_or(Vec::new(), |p| draw(p.held_out_seed, p.held_out_bodies)),
            variables: variable.chain(derived).collect(),
            metrics,
            space,
            design: Design::of(sweep, study.seed),
            sweep: sweep.clone(),
            model,
        };
        match super::hunt::check(&plan) {
            Some(e) => {
                let place = Place {
                    file: study.name.clone(),
                    line: 1,
                    key: "sweep.search".into(),
                };
                Err(Problems(vec![problem(&place, &e, "see the key's range")]))
            }
            None => Ok(plan),
        }
    }

    /// Columns of what varies, then of what is derived.
    pub fn variables(&self) -> &[Column] {
        &self.variables
    }

    /// Columns of what is measured.
    pub fn metrics(&self) -> &[Column] {
        &self.metrics
    }

    /// Samples of a point.
    pub fn cases(&self) -> u64 {
        u64::from(self.sweep.cases())
    }

    /// Points of the plan; of a search the most that it may take.
    pub fn points(&self) -> u64 {
        match self.sweep.search {
            Some(search) => u64::from(search.islands) * self.island_points(),
            None => self.sweep.points(),
        }
    }

    /// Samples of the plan, or the most that the search may take.
    pub fn samples(&self) -> u64 {
        self.points() * self.cases()
    }

    /// What one run computes of the plan: part `part` of `of`. Whole points stay together; islands too.
    pub fn shard(&self, part: u64, of: u64) -> Range<u64> {
        let units = match self.sweep.search {
            Some(search) => u64::from(search.islands),
            None => self.points(),
        };
        let unit = self.samples() / units.max(1);
        let edge = |k: u64| {
            let share = u128::from(units) * u128::from(k) / u128::from(of.max(1));
            share as u64 * unit
        };
        edge(part)..edge(part + 1)
    }

    /// Cuts a range of samples into lots, each computed and published as one: at most [`LOT`](Plan::LOT) samples of
    /// whole points, or one island.
    pub fn lots(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let unit = match self.sweep.search {
            Some(_) => self.island_points() * self.cases(),
            None => (Plan::LOT / self.cases()).max(1) * self.cases(),
        };
        let mut lots = Vec::new();
        let mut start = range.start;
        while start < range.end {
            // Cut where the plan would, wherever the range begins.
            let end = ((start / unit + 1) * unit).min(range.end);
            lots.push(start..end);
            start = end;
        }
        lots
    }

    /// Most samples of a lot.
    pub const LOT: u64 = 65_536;

    /// Point, body and list of conditions of a sample.
    pub fn place(&self, sample: u64) -> (u64, u32, u32) {
        let lists = self.sweep.conditions.len().max(1) as u64;
        let case = sample % self.cases();
        (
            sample / self.cases(),
            (case / lists) as u32,
            (case % lists) as u32,
        )
    }

    /// Values of a point, of what varies and then of what is derived. Points of a search are known to the search alone.
    pub fn values(&self, point: u64) -> Vec<f64> {
        let sweep = &self.sweep;
        if let Some(design) = &self.design {
            return self.values_at(&design.point(point));
        }
        let mut values = vec![0.0; sweep.variables.len()];
        match sampler(sweep) {
            None => {
                let mut rest = point;
                for axis in sweep.axes.iter().rev() {
                    let levels = sweep.variables[axis[0]].levels().unwrap_or(1);
                    for i in axis {
                        values[*i] = sweep.variables[*i].at_level(rest % levels);
                    }
                    rest /= levels;
                }
            }
            Some(sampler) => {
                let unit = sampler.point(self.seed, point, sweep.samples, sweep.axes.len());
                self.fill(&unit, &mut values);
            }
        }
        sweep.derive(&mut values);
        values
    }

    /// Values at a place of the unit cube, one number an axis.
    pub(super) fn values_at(&self, unit: &[f64]) -> Vec<f64> {
        let mut values = vec![0.0; self.sweep.variables.len()];
        self.fill(unit, &mut values);
        self.sweep.derive(&mut values);
        values
    }

    fn fill(&self, unit: &[f64], values: &mut [f64]) {
        for (axis, u) in self.sweep.axes.iter().zip(unit) {
            for i in axis {
                values[*i] = self.sweep.variables[*i].at(*u);
            }
        }
    }

    /// What its points tell by the way they were picked, if the sampler is such a one.
    pub fn design(&self) -> Option<&Design> {
        self.design.as_ref()
    }

    /// What moves on each axis.
    pub fn axis_names(&self) -> Vec<String> {
        let axes = self.sweep.axes.iter();
        axes.map(|axis| {
            let names: Vec<&str> = axis
                .iter()
                .map(|i| self.sweep.variables[*i].name.as_str())
                .collect();
            names.join(" + ")
        })
        .collect()
    }

    /// A body of the population; `None` where every sample has the scene's own.
    pub fn body(&self, body: u32) -> Option<&Body> {
        self.bodies.get(body as usize)
    }

    /// Whether there is such a case of such a point, and something to run.
    ///
    /// # Errors
    /// Why not.
    pub fn holds(&self, point: u64, case: u64) -> Result<(), String> {
        if self.sweep.model != SweepModel::Simulate {
            return Err("this sweep measures expressions: there is nothing to run".into());
        }
        if point >= self.points() || case >= self.cases() {
            return Err(format!(
                "there is no point {point}, case {case}\n  allowed: points 0 to {}, cases 0 to {}",
                self.points() - 1,
                self.cases() - 1
            ));
        }
        Ok(())
    }

    /// A case of a point as a scene of its own, its body and conditions in it, and where its depth comes from: what
    /// [`Workshop::seat`](crate::Workshop::seat) (of a rig [`Workshop::seat_rig`](crate::Workshop::seat_rig)) takes to make the run that was measured.
    ///
    /// # Errors
    /// As [`Plan::holds`], or where the values cannot be built.
    pub fn scene(
        &self,
        point: u64,
        case: u64,
        values: &[f64],
    ) -> Result<(AnyScene, Depth), String> {
        self.holds(point, case)?;
        let scene = self.sweep.scene(values);
        let scene = scene.map_err(|e| format!("point {point} cannot be built: {e}"))?;
        let (_, body, list) = self.place(point * self.cases() + case);
        let conditions = self.sweep.conditions.get(list as usize);
        let mut scene = scene.with(self.body(body), conditions.map(Vec::as_slice));
        let name = format!("{}, point {point}, case {case}", self.name);
        match &mut scene {
            AnyScene::Carriage(scene) => scene.name = name,
            AnyScene::Rig(scene) => scene.name = name,
        }
        Ok((scene, Depth::of(&self.sweep)))
    }

    /// Measures a sample.
    pub fn record(&self, sample: u64, values: &[f64]) -> Record {
        let (_, body, list) = self.place(sample);
        self.measure(sample, values, self.bodies.get(body as usize), list)
    }

    /// Measures the middle of all ranges on the first case, to see how long it takes.
    pub fn pilot_record(&self) -> Record {
        self.record(0, &self.values_at(&vec![0.5; self.sweep.axes.len()]))
    }

    /// Held-out bodies times lists of conditions.
    pub fn held_out_cases(&self) -> u64 {
        self.held_out.len() as u64 * self.sweep.conditions.len().max(1) as u64
    }

    /// Measures a point on a held-out case.
    pub fn held_out_record(&self, case: u64, values: &[f64]) -> Record {
        let lists = self.sweep.conditions.len().max(1) as u64;
        let body = self.held_out.get((case / lists) as usize);
        self.measure(case, values, body, (case % lists) as u32)
    }

    fn measure(&self, sample: u64, values: &[f64], body: Option<&Body>, list: u32) -> Record {
        let conditions = self.sweep.conditions.get(list as usize);
        let case = Case {
            body,
            conditions: conditions.map(Vec::as_slice),
        };
        let measured = catch_panics(|| self.model.measure(values, case));
        let mut record = Record {
            sample,
            state: State::Done,
            metrics: Vec::new(),
            message: String::new(),
            backtrace: String::new(),
        };
        match measured {
            Ok(mut metrics) => match (0..metrics.len()).find(|i| self.useless(*i, metrics[*i])) {
                None => {
                    // One not-a-number, so that equal records have equal bits.
                    for metric in metrics.iter_mut().filter(|m| m.is_nan()) {
                        *metric = f64::NAN;
                    }
                    record.metrics = metrics;
                }
                Some(i) => {
                    record.state = State::Failed;
                    let name = self.metrics.get(i).map_or("a metric", |c| c.name.as_str());
                    record.message = format!("{name} is {}", metrics[i]);
                }
            },
            Err(Trouble::Infeasible(message)) => {
                record.state = State::Infeasible;
                record.message = message;
            }
            Err(Trouble::Failed { message, backtrace }) => {
                record.state = State::Failed;
                record.message = message;
                record.backtrace = backtrace;
            }
        }
        record
    }

    /// Whether an objective or a limit hangs on this metric, and it is no number. Others may have none: nothing was touched,
    /// say.
    fn useless(&self, metric: usize, value: f64) -> bool {
        let asked = |name: &str| self.metrics.get(metric).is_some_and(|c| c.name == name);
        !value.is_finite()
            && (self.sweep.objectives.iter().any(|o| asked(&o.name))
                || self.sweep.limits.iter().any(|l| asked(&l.name)))
    }
}

/// The sampler of a sweep; `None` where points are counted out, grids and lists, or a [`Design`] has them.
fn sampler(sweep: &Sweep) -> Option<Sampler> {
    match sweep.sampler {
        Sampling::Grid | Sampling::List | Sampling::Morris { .. } | Sampling::Saltelli { .. } => {
            None
        }
        Sampling::Random => Some(Sampler::Random),
        Sampling::LatinHypercube => Some(Sampler::LatinHypercube),
        Sampling::Sobol => Some(Sampler::Sobol),
    }
}

fn unknown_metrics(sweep: &Sweep, metrics: &[Column]) -> Vec<Problem> {
    let objectives = sweep.objectives.iter().map(|o| (&o.name, &o.place));
    let limits = sweep.limits.iter().map(|l| (&l.name, &l.place));
    let unknown = objectives
        .chain(limits)
        .filter(|(name, _)| !metrics.iter().any(|m| m.name == **name));
    unknown
        .map(|(name, place)| {
            let names: Vec<&str> = metrics.iter().map(|m| m.name.as_str()).collect();
            let hint = match scene::closest(name, &names) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "the chapter of tune says what each means".into(),
            };
            Problem {
                value: format!("{name:?}"),
                allowed: names.join(", "),
                ..problem(place, "there is no such metric", &hint)
            }
        })
        .collect()
}

/// Columns of what varies and of what is measured stand side by side.
fn double_names(study: &SweepStudy, sweep: &Sweep, metrics: &[Column]) -> Vec<Problem> {
    let variables = sweep.variables.iter().map(|v| &v.name);
    let derived = sweep.derived.iter().map(|d| &d.name);
    let measured = |name: &&String| metrics.iter().any(|m| m.name == **name);
    let double = variables.chain(derived).filter(measured);
    double
        .map(|name| {
            let place = Place {
                file: study.name.clone(),
                line: 1,
                key: "sweep.vary".into(),
            };
            let message = format!("{name:?} is also what a metric is called");
            problem(
                &place,
                &message,
                "give what varies a name of its own: name = \"...\"",
            )
        })
        .collect()
}

fn problem(place: &Place, message: &str, hint: &str) -> Problem {
    Problem {
        file: place.file.clone(),
        line: place.line,
        key: place.key.clone(),
        value: String::new(),
        message: message.into(),
        allowed: String::new(),
        hint: Some(hint.into()),
        severity: Severity::Error,
    }
}
