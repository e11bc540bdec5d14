//! Threads at work on a lot of samples.

use super::plan::{Plan, SweepError};
use super::record::{Known, Record, State};
use rayon::prelude::*;
use std::ops::Range;

/// Keeps records as they come. Called from many threads.
pub trait Sink: Sync {
    /// Keeps finished samples, in any order. Once it returns they outlive the program.
    ///
    /// # Errors
    /// Why they cannot be kept; the sweep stops.
    fn put(&self, records: &[Record]) -> Result<(), String>;

    /// Whether to stop.
    fn stop_asked(&self) -> bool;
}

/// How a lot is worked on. None of it changes a result.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Samples that one thread takes at a time and hands on together.
    pub batch: usize,
    /// Whether a failed sample ends it.
    pub fail_fast: bool,
}

/// A sample with its point.
#[derive(Clone, Debug)]
pub struct Row {
    /// Values of the point: of what varies, then of what is derived.
    pub values: Vec<f64>,
    /// What came of it.
    pub record: Record,
}

/// A pool of threads.
pub struct Crew(rayon::ThreadPool);

impl Crew {
    /// Of `jobs` threads; 0 is as many as there are cores.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn new(jobs: usize) -> Result<Crew, SweepError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .map(Crew)
            .map_err(|e| SweepError::Threads(e.to_string()))
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Computes what is not known of a lot (see [`Plan::lots`]). Returns all its rows in the order of samples; a search that
    /// ends early has fewer than its lot.
    ///
    /// # Errors
    /// See [`SweepError`]. What was computed until then went to the sink.
    pub fn compute(
        &self,
        plan: &Plan,
        lot: Range<u64>,
        known: Known,
        manner: Manner,
        sink: &dyn Sink,
    ) -> Result<Vec<Row>, SweepError> {
        if plan.sweep.search.is_some() {
            return super::hunt::hunt(self, plan, lot, known, manner, sink);
        }
        let mut known = known;
        let todo: Vec<u64> = lot.clone().filter(|s| known.get(*s).is_none()).collect();
        let done = self.measure(
            &todo,
            manner,
            sink,
            &|sample| plan.values(plan.place(sample).0),
            &|sample, values| plan.record(sample, values),
        )?;
        let mut done = done.into_iter().peekable();
        let rows = lot.filter_map(|sample| match known.take(sample) {
            Some(record) => Some(Row {
                values: plan.values(plan.place(sample).0),
                record,
            }),
            None => done.next_if(|row| row.record.sample == sample),
        });
        Ok(rows.collect())
    }

    /// Computes single samples, known or not.
    ///
    /// # Errors
    /// As [`Crew::compute`].
    pub fn again(
        &self,
        plan: &Plan,
        samples: &[u64],
        manner: Manner,
        sink: &dyn Sink,
    ) -> Result<Vec<Row>, SweepError> {
        self.measure(
            samples,
            manner,
            sink,
            &|sample| plan.values(plan.place(sample).0),
            &|sample, values| plan.record(sample, values),
        )
    }

    /// Measures a point on the held-out cases that are not known; returns all.
    ///
    /// # Errors
    /// As [`Crew::compute`].
    pub fn held_out(
        &self,
        plan: &Plan,
        values: &[f64],
        mut known: Known,
        manner: Manner,
        sink: &dyn Sink,
    ) -> Result<Vec<Record>, SweepError> {
        let cases = 0..plan.held_out_cases();
        let todo: Vec<u64> = cases.clone().filter(|c| known.get(*c).is_none()).collect();
        let done = self.measure(
            &todo,
            manner,
            sink,
            &|_| values.to_vec(),
            &|case, values| plan.held_out_record(case, values),
        )?;
        for row in done {
            known.add(row.record)?;
        }
        Ok(cases.filter_map(|case| known.take(case)).collect())
    }

    /// Samples on all threads, rows in the order of `samples`.
    pub(super) fn measure(
        &self,
        samples: &[u64],
        manner: Manner,
        sink: &dyn Sink,
        values: &(dyn Fn(u64) -> Vec<f64> + Sync),
        measure: &(dyn Fn(u64, &[f64]) -> Record + Sync),
    ) -> Result<Vec<Row>, SweepError> {
        let work = |batch: &[u64]| -> Result<Vec<Row>, SweepError> {
            let mut rows = Vec::with_capacity(batch.len());
            let mut end = None;
            for sample in batch {
                if sink.stop_asked() {
                    end = Some(SweepError::Stopped);
                    break;
                }
                let values = values(*sample);
                let record = measure(*sample, &values);
                let failed = record.state == State::Failed && manner.fail_fast;
                if failed {
                    end = Some(SweepError::Failed(Box::new(record.clone())));
                }
                rows.push(Row { values, record });
                if failed {
                    break;
                }
            }
            let records: Vec<Record> = rows.iter().map(|r| r.record.clone()).collect();
            if !records.is_empty() {
                sink.put(&records).map_err(SweepError::Sink)?;
            }
            match end {
                Some(end) => Err(end),
                None => Ok(rows),
            }
        };
        let batches = samples.par_chunks(manner.batch.max(1));
        let rows: Result<Vec<Vec<Row>>, SweepError> = self
            .0
            .install(|| batches.with_max_len(1).map(work).collect());
        Ok(rows?.into_iter().flatten().collect())
    }
}
