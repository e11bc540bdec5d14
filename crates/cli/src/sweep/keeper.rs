//! Where records go while a sweep runs: the journal, failures with their backtrace, and whoever watches.

use super::journal::{self, Journal};
use super::place::{self, Place};
use crate::talk::{self, say};
use indicatif::ProgressBar;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tune::sweep::{Plan, Record, Sink, State};

/// Counts, and tells people and programs.
pub struct Watcher {
    bar: ProgressBar,
    json: bool,
    planned: u64,
    before: u64,
    done: AtomicU64,
    failed: AtomicU64,
    infeasible: AtomicU64,
    start: Instant,
    told: Mutex<Instant>,
}

/// Failures told as they happen; the rest stands in the file.
const TOLD_FAILURES: u64 = 5;

impl Watcher {
    /// Of `planned` samples, `before` of which were there at the start.
    pub fn new(planned: u64, before: u64, json: bool) -> Watcher {
        let bar = if json {
            ProgressBar::hidden()
        } else {
            talk::bar("sweep", planned)
        };
        bar.set_position(before);
        bar.reset_eta();
        Watcher {
            bar,
            json,
            planned,
            before,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            infeasible: AtomicU64::new(0),
            start: Instant::now(),
            told: Mutex::new(Instant::now()),
        }
    }

    fn saw(&self, records: &[Record]) {
        let count = |state: State| records.iter().filter(|r| r.state == state).count() as u64;
        self.done.fetch_add(count(State::Done), Ordering::Relaxed);
        self.infeasible
            .fetch_add(count(State::Infeasible), Ordering::Relaxed);
        for record in records.iter().filter(|r| r.state == State::Failed) {
            let nth = self.failed.fetch_add(1, Ordering::Relaxed);
            if nth < TOLD_FAILURES {
                self.say(&format!(
                    "sample {} failed: {}",
                    record.sample, record.message
                ));
            } else if nth == TOLD_FAILURES {
                self.say(&format!("more failures: see {}", place::FAILURES));
            }
        }
        self.bar.inc(records.len() as u64);
        if self.json
            && let Ok(mut told) = self.told.try_lock()
            && told.elapsed() > Duration::from_secs(1)
        {
            *told = Instant::now();
            self.tell(false);
        }
    }

    fn say(&self, line: &str) {
        if self.json {
            say(json!({ "event": "failure", "message": line }));
        } else {
            self.bar.suspend(|| say(line));
        }
    }

    /// A line of JSON on stderr.
    fn tell(&self, end: bool) {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let now = get(&self.done) + get(&self.infeasible) + get(&self.failed);
        let seconds = self.start.elapsed().as_secs_f64();
        let left = self.planned.saturating_sub(self.before + now);
        say(json!({
            "event": if end { "end" } else { "progress" },
            "planned": self.planned,
            "before": self.before,
            "done": get(&self.done),
            "infeasible": get(&self.infeasible),
            "failed": get(&self.failed),
            "seconds": (seconds * 1e3).round() / 1e3,
            "eta_s": if now > 0 { json!((left as f64 * seconds / now as f64).round()) } else { json!(null) },
        }));
    }

    /// Takes the bar away; the last line of JSON.
    pub fn end(&self) {
        self.bar.finish_and_clear();
        if self.json {
            self.tell(true);
        }
    }
}

/// Keeps the records of a lot.
pub struct Keeper<'a> {
    place: &'a Place,
    plan: &'a Plan,
    journal: Journal,
    watcher: &'a Watcher,
    values: bool,
}

impl<'a> Keeper<'a> {
    /// Into this journal.
    pub fn new(
        place: &'a Place,
        plan: &'a Plan,
        journal: Journal,
        watcher: &'a Watcher,
    ) -> Keeper<'a> {
        Keeper {
            place,
            plan,
            journal,
            watcher,
            values: plan.sweep.search.is_none(),
        }
    }

    /// Failures with what people need to find out why; not compared with anything.
    fn keep_failures(&self, records: &[Record]) -> anyhow::Result<()> {
        let mut text = String::new();
        for record in records.iter().filter(|r| r.state == State::Failed) {
            let (point, body, list) = self.plan.place(record.sample);
            let values = if self.values {
                let values = self.plan.values(point);
                let names = self.plan.variables().iter().map(|c| c.name.clone());
                json!(
                    names
                        .zip(values)
                        .collect::<std::collections::BTreeMap<_, _>>()
                )
            } else {
                json!(null)
            };
            let line = json!({
                "sample": record.sample,
                "point": point,
                "body": body,
                "conditions": list,
                "state": record.state.name(),
                "message": record.message,
                "values": values,
                "backtrace": record.backtrace,
            });
            text += &format!("{line}\n");
        }
        if text.is_empty() {
            return Ok(());
        }
        let path = self.place.root.join(place::FAILURES);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|e| journal::cannot_write(&path, &e))
    }
}

impl Sink for Keeper<'_> {
    fn put(&self, records: &[Record]) -> Result<(), String> {
        let kept = self
            .keep_failures(records)
            .and_then(|()| self.journal.put(records));
        kept.map_err(|e| format!("{e:#}"))?;
        self.watcher.saw(records);
        Ok(())
    }

    fn stop_asked(&self) -> bool {
        talk::stop_asked()
    }
}
