//! `plan.lock.json`: what a study comes to, with every default filled in.

use super::place::pretty;
use serde::Serialize;
use serde_json::{Value, json};
use tune::sweep::{Column, Plan};

/// The plan, resolved.
#[derive(Serialize)]
pub struct Lock {
    format: u32,
    study: String,
    plan_hash: String,
    scene_hash: String,
    seed: u64,
    model: Value,
    points: u64,
    cases: u64,
    samples: u64,
    /// Parts that `submit` cut it into. No sample depends on it.
    parts: Option<u64>,
    lot: u64,
    sampler: Value,
    search: Value,
    vary: Value,
    derive: Value,
    population: Value,
    conditions: Value,
    depth_from_touch_m: Value,
    objectives: Value,
    limits: Value,
    variables: Vec<Column>,
    metrics: Vec<Column>,
}

impl Lock {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Lock {
        let sweep = &plan.sweep;
        Lock {
            format: 1,
            study: plan.name.clone(),
            plan_hash: plan.hash.clone(),
            scene_hash: plan.scene_hash.clone(),
            seed: plan.seed,
            model: json!(sweep.model),
            points: plan.points(),
            cases: plan.cases(),
            samples: plan.samples(),
            parts: None,
            lot: Plan::LOT,
            sampler: match sweep.search {
                Some(_) => Value::Null,
                None => json!(sweep.sampler),
            },
            search: json!(sweep.search),
            vary: json!(sweep.variables),
            derive: json!(sweep.derived),
            population: json!(sweep.people),
            conditions: json!(sweep.conditions),
            depth_from_touch_m: json!(sweep.depth_from_touch_m),
            objectives: json!(sweep.objectives),
            limits: json!(sweep.limits),
            variables: plan.variables().to_vec(),
            metrics: plan.metrics().to_vec(),
        }
    }

    /// Cut into parts.
    pub fn with_parts(mut self, parts: Option<u64>) -> Lock {
        self.parts = parts;
        self
    }

    /// As JSON.
    pub fn text(&self) -> anyhow::Result<String> {
        pretty(self)
    }
}

/// Parts in the text of a lock, if it is this plan's.
pub fn parts(text: &str, plan: &Plan) -> Option<u64> {
    let lock: Value = serde_json::from_str(text).ok()?;
    let same = lock["plan_hash"] == plan.hash && lock["samples"] == plan.samples();
    lock["parts"].as_u64().filter(|n| same && *n > 0)
}

/// What differs between two locks, one line each: path, then, now. Long lists are cut.
pub fn differences(old: &str, new: &str) -> Vec<String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let mut all = Vec::new();
    walk("", &parse(old), &parse(new), &mut all);
    // Hashes follow from the rest, and the parts change nothing.
    let mut told: Vec<String> = all
        .iter()
        .filter(|(path, _)| !["plan_hash", "scene_hash", "parts"].contains(&path.as_str()))
        .map(|(path, text)| format!("  {path}: {text}"))
        .collect();
    if told.is_empty() {
        told = vec!["  a value of the scene that does not vary".into()];
    }
    if told.len() > MOST {
        let more = told.len() - MOST;
        told.truncate(MOST);
        told.push(format!("  and {more} more"));
    }
    told
}

const MOST: usize = 12;

fn walk(path: &str, old: &Value, new: &Value, out: &mut Vec<(String, String)>) {
    let join = |key: &str| {
        if path.is_empty() {
            key.to_string()
        } else {
            format!("{path}.{key}")
        }
    };
    match (old, new) {
        (a, b) if a == b => {}
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                walk(&join(key), value, b.get(key).unwrap_or(&Value::Null), out);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                walk(&join(key), &Value::Null, value, out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&join(&i.to_string()), a, b, out);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            out.push((path.into(), format!("{} then, {} now", a.len(), b.len())));
        }
        (a, b) => out.push((path.into(), format!("{} then, {} now", short(a), short(b)))),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".into(),
        other => other.to_string(),
    };
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
