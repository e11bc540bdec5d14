//! Processes on this machine, a few at once.

use super::{Job, LOG, quoted};
use crate::talk::{self, say};
use anyhow::Context;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long stopped parts may take to end by themselves.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs the missing parts; whether the user stopped it.
pub fn run(job: &Job<'_>) -> anyhow::Result<bool> {
    talk::watch_ctrl_c();
    let cores = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let at_once = job.order.limit.unwrap_or((cores / job.order.cpus).max(1));
    let mut waiting = job.missing.iter();
    let mut running = Running(Vec::new());
    let mut ended = 0;
    let mut stopped: Option<Instant> = None;
    loop {
        while stopped.is_none() && (running.0.len() as u64) < at_once {
            let Some(part) = waiting.next() else { break };
            running.0.push(start(job, *part)?);
        }
        if running.0.is_empty() {
            return Ok(stopped.is_some());
        }
        let mut i = 0;
        while i < running.0.len() {
            let Some(status) = running.0[i].child.try_wait()? else {
                i += 1;
                continue;
            };
            let part = running.0.swap_remove(i);
            ended += 1;
            if status.success() {
                say(format_args!("{ended} of {} parts", job.missing.len()));
            } else if stopped.is_none() {
                let told = fs::read_to_string(&part.log).unwrap_or_default();
                let last = told.lines().last().unwrap_or("it said nothing");
                say(format_args!(
                    "part {} ended with {status}: {last}\n  see {}",
                    part.number,
                    part.log.display()
                ));
            }
        }
        if talk::stop_asked() {
            // A terminal tells its parts too; they end when their samples in hand are written.
            let since = *stopped.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE {
                return Ok(true);
            }
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The same by hand.
pub fn lines(job: &Job<'_>) -> anyhow::Result<String> {
    let mut text = String::new();
    for part in &job.missing {
        text += &quoted(&job.words(&part.to_string()))?;
        text.push('\n');
    }
    Ok(text)
}

struct Part {
    number: u64,
    log: PathBuf,
    child: Child,
}

/// Ends with whoever holds it: no part is left behind without somebody who waits for it.
struct Running(Vec<Part>);

impl Drop for Running {
    fn drop(&mut self) {
        for part in &mut self.0 {
            let _ = part.child.kill();
            let _ = part.child.wait();
        }
    }
}

fn start(job: &Job<'_>, number: u64) -> anyhow::Result<Part> {
    let words = job.words(&number.to_string());
    let log = job.root.join(LOG).join(format!("part_{number}.txt"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .with_context(|| format!("{} does not start", words[0]))?;
    Ok(Part { number, log, child })
}
