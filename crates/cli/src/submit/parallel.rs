//! GNU parallel: parts as jobs, on this machine or over ssh.

use super::{Job, quoted, runs};
use crate::talk;
use anyhow::Context;
use std::io::Write;
use std::process::{Command, Stdio};

/// What parallel writes a line into when a part ends; for people.
const JOB_LOG: &str = "joblog.tsv";

/// Runs the missing parts; whether the user stopped it.
pub fn run(job: &Job<'_>) -> anyhow::Result<bool> {
    talk::watch_ctrl_c();
    let words = words(job);
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .spawn()
        .context("parallel does not start")?;
    if let Some(mut stdin) = child.stdin.take() {
        let numbers: Vec<String> = job.missing.iter().map(u64::to_string).collect();
        // It may end before it has read all: what is missing then is told by the files.
        let _ = stdin.write_all((numbers.join("\n") + "\n").as_bytes());
    }
    // Its exit status counts failed jobs; the files say which.
    child.wait().context("parallel cannot be waited for")?;
    Ok(talk::stop_asked())
}

/// The same for a shell.
pub fn line(job: &Job<'_>) -> anyhow::Result<String> {
    let numbers: Vec<String> = runs(&job.missing)
        .iter()
        .map(|(first, last)| format!("seq {first} {last};"))
        .collect();
    Ok(format!(
        "{{ {} }} | {}\n",
        numbers.join(" "),
        quoted(&words(job))?
    ))
}

fn words(job: &Job<'_>) -> Vec<String> {
    let order = job.order;
    let mut words: Vec<String> = ["parallel", "--quote", "--joblog"].map(String::from).into();
    // The plus: what earlier runs wrote stays.
    words.push(format!("+{}", job.root.join(JOB_LOG).display()));
    words.push("--jobs".into());
    words.push(match order.limit {
        Some(n) => n.to_string(),
        // Of the cores of each machine.
        None => format!("{}%", (100 / order.cpus).max(1)),
    });
    // A part whose machine went away goes on elsewhere.
    words.extend(["--retries".into(), "3".into()]);
    for hosts in &order.sshlogin {
        words.extend(["--sshlogin".into(), hosts.clone()]);
    }
    words.extend(order.options.iter().cloned());
    words.extend(job.words("{}"));
    words
}

#[cfg(test)]
mod tests {
    use super::super::{Engine, Order};
    use super::*;

    #[test]
    fn the_line_names_parts_machines_and_options() {
        let order = Order {
            engine: Engine::Parallel,
            cpus: 2,
            limit: None,
            sshlogin: vec!["desk,bench".into()],
            options: vec!["--nice".into(), "10".into()],
            jobs: Vec::new(),
        };
        let job = Job {
            name: "s",
            program: "/opt/kneadlab".into(),
            root: "/shared/my sweep".into(),
            parts: 12,
            missing: vec![0, 1, 2, 7, 10, 11],
            order: &order,
        };
        assert_eq!(
            line(&job).unwrap(),
            "{ seq 0 2; seq 7 7; seq 10 11; } | parallel --quote --joblog '+/shared/my sweep/joblog.tsv' --jobs 50% --retries 3 \
             --sshlogin desk,bench --nice 10 /opt/kneadlab resume '/shared/my sweep' --shard '{}/12' --jobs 2\n"
        );
    }
}
