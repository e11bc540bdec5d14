//! Slurm: parts as elements of a job array.

use super::{Job, LOG, quoted, runs};
use crate::sweep::place::Place;
use crate::talk::say;
use anyhow::{Context, bail};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::Command;

/// The script, kept in the folder: it can be handed over by hand too.
const SCRIPT: &str = "submit.sbatch";

/// Slurm's own default of `MaxArraySize`; the highest index is one below it.
const USUAL_ARRAY: u64 = 1001;

/// Hands the missing parts over; the number of the job.
pub fn submit(job: &Job<'_>, place: &Place) -> anyhow::Result<String> {
    place.put(SCRIPT, &script(job, longest_array())?)?;
    let output = Command::new("sbatch")
        .arg("--parsable")
        .arg(place.root.join(SCRIPT))
        .output()
        .context("sbatch does not start")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let hint = hint(&told).map_or(String::new(), |h| format!("\n  hint: {h}"));
        bail!("Slurm does not take the job: {}{hint}", told.trim());
    }
    if !told.trim().is_empty() {
        say(told.trim());
    }
    // With the name of the cluster behind it where there are several.
    let said = String::from_utf8_lossy(&output.stdout);
    let number = said.trim().split(';').next().unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        bail!("sbatch gave no number of a job: {said:?}");
    }
    Ok(number.into())
}

/// What to do about an answer of sbatch.
fn hint(told: &str) -> Option<&'static str> {
    let known = [
        (
            "job array specification",
            "the site's limit is told by: scontrol show config | grep MaxArraySize; a larger --shard-seconds \
             in another folder gives fewer parts",
        ),
        (
            "SubmitJob",
            "the site takes fewer jobs of one user: a larger --shard-seconds in another folder gives fewer parts",
        ),
        (
            "partition",
            "sinfo -s lists the partitions; name one behind --: -- --partition=NAME",
        ),
        (
            "account",
            "sacctmgr show associations user=$USER lists yours; name one behind --: -- --account=NAME",
        ),
        (
            "node configuration is not available",
            "no node has so many cores: a smaller --cpus; sinfo -o '%n %c' lists them",
        ),
        (
            "ontact",
            "scontrol ping tells whether the controller is up; nothing is lost: kneadlab resume DIR submits again",
        ),
    ];
    let fits = |word: &str| told.contains(word);
    known.iter().find(|(w, _)| fits(w)).map(|(_, h)| *h)
}

/// Longest array that the cluster takes; Slurm's default where nobody answers.
pub fn longest_array() -> u64 {
    let output = Command::new("scontrol").args(["show", "config"]).output();
    let said = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    said.ok()
        .as_deref()
        .and_then(longest_in)
        .unwrap_or(USUAL_ARRAY)
}

fn longest_in(config: &str) -> Option<u64> {
    let line = config.lines().find(|l| l.starts_with("MaxArraySize"))?;
    line.split('=').nth(1)?.trim().parse().ok()
}

/// What sbatch gets. `longest`: elements that an array may have.
pub fn script(job: &Job<'_>, longest: u64) -> anyhow::Result<String> {
    if longest < 2 {
        bail!(
            "this cluster takes no job arrays (MaxArraySize = {longest})\n  hint: ask for MaxArraySize in slurm.conf"
        );
    }
    let elements = job.parts.min(longest);
    let wanted: BTreeSet<u64> = job.missing.iter().map(|part| part % elements).collect();
    let wanted: Vec<u64> = wanted.into_iter().collect();
    let limit = job.order.limit.map_or(String::new(), |n| format!("%{n}"));
    let name: String = job
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let log = job.root.join(LOG).join("%A_%a.txt").display().to_string();
    // In names of files sbatch fills in what follows a percent sign.
    let log = log.replace('%', "%%").replace("%%A_%%a", "%A_%a");
    let mut compute = job.words("");
    compute.truncate(3);
    let mut text = String::new();
    writeln!(
        text,
        "#!/bin/bash\n\
         # Parts of a sweep as a job array of Slurm. `kneadlab submit` wrote this; `kneadlab resume DIR` writes it again with\n\
         # what is then missing. By hand: sbatch {SCRIPT}\n\
         #\n\
         # Part I of {parts} is the same samples whoever computes it. A part that is published ends at once; one that was cut off\n\
         # goes on behind what its journal holds. So any element may run twice, on any node.\n\
         \n\
         #SBATCH --job-name=kneadlab-{name}\n\
         # Elements with something to do{at_once}.\n\
         #SBATCH --array={array}{limit}\n\
         # A part is one process with threads.\n\
         #SBATCH --nodes=1 --ntasks=1 --cpus-per-task={cpus}\n\
         # When a node is lost, Slurm starts its elements again elsewhere (by default two minutes later).\n\
         #SBATCH --requeue\n\
         #SBATCH --open-mode=append\n\
         #SBATCH --output={log}",
        parts = job.parts,
        at_once = job
            .order
            .limit
            .map_or(String::new(), |n| format!(", at most {n} at once")),
        array = indices(&wanted),
        cpus = job.order.cpus,
        log = quoted(&[log])?,
    )?;
    if !job.order.options.is_empty() {
        writeln!(
            text,
            "# As given to submit.\n#SBATCH {}",
            quoted(&job.order.options)?
        )?;
    }
    writeln!(
        text,
        "\nparts={parts}\n\
         # An element computes the parts that leave its own number when divided by the number of elements.\n\
         elements={elements}\n\
         worst=0\n\
         for ((part = SLURM_ARRAY_TASK_ID; part < parts; part += elements)); do\n    \
             {compute} --shard \"$part/$parts\" --jobs \"$SLURM_CPUS_PER_TASK\" || worst=$?\n\
         done\n\
         exit \"$worst\"",
        parts = job.parts,
        compute = quoted(&compute)?,
    )?;
    Ok(text)
}

/// Indices of an array, as sbatch takes them: `0-5,9`.
fn indices(numbers: &[u64]) -> String {
    let shown: Vec<String> = runs(numbers)
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            _ => format!("{first}-{last}"),
        })
        .collect();
    shown.join(",")
}

#[cfg(test)]
mod tests {
    use super::super::{Engine, Order};
    use super::*;

    fn script_of(parts: u64, missing: Vec<u64>, longest: u64) -> String {
        let order = Order {
            engine: Engine::Slurm,
            cpus: 4,
            limit: Some(20),
            sshlogin: Vec::new(),
            options: vec!["--partition=short".into(), "--comment=two words".into()],
            jobs: Vec::new(),
        };
        let job = Job {
            name: "knead design",
            program: "/opt/kneadlab".into(),
            root: "/shared/100% mine".into(),
            parts,
            missing,
            order: &order,
        };
        script(&job, longest).unwrap()
    }

    fn has(script: &str, line: &str) {
        assert!(script.lines().any(|l| l.trim() == line), "{line}\n{script}");
    }

    #[test]
    fn a_script_names_what_is_missing() {
        let script = script_of(6, vec![0, 1, 2, 5], 1001);
        has(&script, "#SBATCH --array=0-2,5%20");
        has(&script, "#SBATCH --job-name=kneadlab-knead-design");
        has(
            &script,
            "#SBATCH --output='/shared/100%% mine/log/%A_%a.txt'",
        );
        has(&script, "#SBATCH --partition=short '--comment=two words'");
        has(
            &script,
            "/opt/kneadlab resume '/shared/100% mine' --shard \"$part/$parts\" --jobs \"$SLURM_CPUS_PER_TASK\" || worst=$?",
        );
    }

    /// Ten parts for arrays of four: element 1 computes 1, 5 and 9. Parts 5 and 8 are in elements 1 and 0.
    #[test]
    fn beyond_the_longest_array_an_element_takes_several_parts() {
        let script = script_of(10, vec![5, 8], 4);
        has(&script, "#SBATCH --array=0-1%20");
        has(&script, "parts=10");
        has(&script, "elements=4");
        let all = script_of(38_400, (0..38_400).collect(), 1001);
        has(&all, "#SBATCH --array=0-1000%20");
    }

    #[test]
    fn the_longest_array_is_read_from_the_cluster() {
        let config = "LogTimeFormat           = iso8601_ms\nMaxArraySize            = 100001\n";
        assert_eq!(longest_in(config), Some(100_001));
        assert_eq!(longest_in("slurm_load_ctl_conf error"), None);
    }
}
