//! What came of one sample.

use std::collections::BTreeMap;

/// How a sample ended. One that has not been computed is missing, and has no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Measured. Whether it passes a limit is for the judge.
    Done,
    /// There is no such machine or no such massage: the scene's own checks or the body's conditions refuse it.
    Infeasible,
    /// The simulation broke down, a metric is not a number, or the program panicked.
    Failed,
}

impl State {
    /// All of them.
    pub const ALL: [State; 3] = [State::Done, State::Infeasible, State::Failed];

    /// `done`, `infeasible` or `failed`.
    pub fn name(self) -> &'static str {
        match self {
            State::Done => "done",
            State::Infeasible => "infeasible",
            State::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// A sample's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number.
    pub sample: u64,
    /// How it ended.
    pub state: State,
    /// Metrics in the order of the plan's columns; empty unless done.
    pub metrics: Vec<f64>,
    /// Why it is not done; empty if it is.
    pub message: String,
    /// Where the program was when it panicked: for people, different from run to run, and compared with nothing.
    pub backtrace: String,
}

impl Record {
    /// Whether two records say the same, bit for bit. Backtraces do not count.
    pub fn same(&self, other: &Record) -> bool {
        let bits = |r: &Record| r.metrics.iter().map(|m| m.to_bits()).collect::<Vec<_>>();
        (self.sample, self.state, &self.message) == (other.sample, other.state, &other.message)
            && bits(self) == bits(other)
    }
}

/// Two records of one sample that contradict each other.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("sample {} has two results: {}, and {}", .0.sample, tell(.0), tell(.1))]
pub struct Contradiction(pub Box<Record>, pub Box<Record>);

fn tell(record: &Record) -> String {
    match record.state {
        State::Done => format!("done {:?}", record.metrics),
        state => format!("{}: {}", state.name(), record.message),
    }
}

/// Records by sample. Equal ones count once; what was computed again after a failure takes its place; anything else is a
/// contradiction.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<u64, Record>);

impl Known {
    /// Adds one.
    ///
    /// # Errors
    /// If it contradicts what is known.
    pub fn add(&mut self, record: Record) -> Result<(), Contradiction> {
        match self.0.get(&record.sample) {
            None => {}
            Some(old) if old.same(&record) => return Ok(()),
            Some(old) => match (old.state, record.state) {
                // Two failures with two reasons: one of them, whatever the order.
                (State::Failed, State::Failed) if old.message <= record.message => return Ok(()),
                (State::Failed, _) => {}
                (_, State::Failed) => return Ok(()),
                _ => return Err(Contradiction(Box::new(old.clone()), Box::new(record))),
            },
        }
        self.0.insert(record.sample, record);
        Ok(())
    }

    /// The record of a sample.
    pub fn get(&self, sample: u64) -> Option<&Record> {
        self.0.get(&sample)
    }

    /// Takes a record out.
    pub fn take(&mut self, sample: u64) -> Option<Record> {
        self.0.remove(&sample)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of samples.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.0.values()
    }
}
