//! Pins: a sweep handed to an engine comes out as the same bytes as a local one, every sample once, whatever is killed on
//! the way: a node, the controller, a process. Slurm runs for real: one controller and two nodes on this machine.
//!
//! Skipped visibly where an engine is not installed; a failure where `KNEADLAB_REQUIRE` names `slurm` or `parallel`.

#![cfg(unix)]

#[path = "cluster/process.rs"]
mod process;
#[path = "cluster/slurm.rs"]
mod slurm;

use process::{Guard, kill, processes, wait};
use serde_json::Value;
use slurm::Cluster;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Instant, SystemTime};

const KNEADLAB: &str = env!("CARGO_BIN_EXE_kneadlab");

/// What is compared: what a merge gives.
const MERGED: [&str; 3] = ["results.parquet", "points.parquet", "summary.json"];

/// Parts of the sweeps for Slurm, and elements of its arrays (`MaxArraySize` of the test's cluster).
const PARTS: u64 = 6;
const ELEMENTS: u64 = 4;
/// Samples of these sweeps: a part takes 0.6 s or more.
const SAMPLES: u64 = 24_000;

#[test]
fn slurm_loses_nothing_with_a_node_a_controller_or_a_process() {
    let programs = ["sbatch", "slurmctld", "slurmd", "munged"];
    if !programs.iter().all(|p| has(p, "slurm")) {
        return;
    }
    if !is_root() {
        skip(
            "slurm",
            "slurmd runs jobs for others than root only as root",
        );
        return;
    }
    let start = Instant::now();
    let told = |what: &str| println!("{:5.1} s: {what}", start.elapsed().as_secs_f64());
    let bench = Bench::new(SAMPLES);
    told("the local sweep");
    let mut cluster = Cluster::start();
    told("Slurm is up");
    a_node_is_killed(&bench, &mut cluster);
    told("a node was killed");
    the_controller_is_killed(&bench, &mut cluster);
    told("the controller was killed");
    a_process_is_killed(&bench, &cluster);
    told("a process was killed");
}

/// Slurm gives the part of a lost node to the other one, where it goes on behind what its journal holds.
fn a_node_is_killed(bench: &Bench, cluster: &mut Cluster) {
    // With a space: names of folders are people's affair.
    let out = bench.path("one node");
    let job = submit(bench, cluster, &out, &[]);
    // The option behind -- has arrived.
    let limits = cluster.ask("squeue", &["-h", "-r", "-o", "%l"]);
    assert!(
        limits.lines().count() > 0 && limits.lines().all(|l| l == "10:00"),
        "{limits}"
    );
    let (element, part) = wait("a part half done on node n2", || {
        let mut running = cluster.running().into_iter();
        let (element, _) = running.find(|(_, node)| node == "n2")?;
        Some((element, half_done(&out, element)?))
    });
    cluster.kill_node("n2");
    assert!(!is_published(&out, part), "killed too late");
    // Slurm would find out by itself, and hold the element for two minutes more: nothing that this test is about.
    cluster.scontrol(&["update", "NodeName=n2", "State=DOWN", "Reason=killed"]);
    finish(&out, cluster);
    let starts = starts(&out, &job, element);
    let resumed = starts.iter().filter(|n| **n < SAMPLES / PARTS).count();
    assert_eq!(resumed, 1, "begun anew: {starts:?}");
    bench.assert_merges_to_the_same(&out);
    cluster.start_node("n2");
}

/// Jobs outlive their controller, and so does the queue.
fn the_controller_is_killed(bench: &Bench, cluster: &mut Cluster) {
    let out = bench.path("controller");
    // One at a time, so that it takes longer than Slurm needs to save its queue.
    submit(bench, cluster, &out, &["--limit", "1"]);
    let submitted = SystemTime::now();
    let queue = cluster.path("ctld/job_state");
    wait("a queue that is saved, and a part published", || {
        // It is saved every few seconds; what was submitted since is lost with the controller, and `resume` is for that.
        let saved = fs::metadata(&queue).ok()?.modified().ok()?;
        (saved > submitted && published(&out) > 0).then_some(())
    });
    cluster.kill_controller();
    assert!(published(&out) < PARTS, "killed too late");
    // Without it nothing can be submitted, and that is told.
    let refused = cluster.tell(KNEADLAB, &["resume", &text(&out)]);
    let told = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(
        told.contains("Slurm does not take the job") && told.contains("hint: scontrol ping"),
        "{told}"
    );
    cluster.start_controller();
    // It may start an element again that began after the queue was saved and runs on: the node refuses that one.
    finish(&out, cluster);
    bench.assert_merges_to_the_same(&out);
}

/// Slurm calls the element failed and leaves it; `resume` submits it, and nothing else.
fn a_process_is_killed(bench: &Bench, cluster: &Cluster) {
    let out = bench.path("process");
    submit(bench, cluster, &out, &[]);
    let part = wait("a part half done", || {
        let mut running = cluster.running().into_iter();
        let part = running.find_map(|(element, _)| half_done(&out, element))?;
        let shard = format!("{part}/{PARTS}");
        let worker = cluster
            .processes()
            .into_iter()
            .find(|p| p.works_on(&out) && p.words.contains(&shard))?;
        kill(worker.id);
        Some(part)
    });
    cluster.wait_until_idle();
    assert!(!is_published(&out, part), "killed too late");
    assert_eq!(published(&out), PARTS - 1);
    let states = fs::read_to_string(cluster.path("jobcomp.txt")).unwrap();
    assert!(states.contains("JobState=FAILED"), "{states}");

    let status = cluster.tell(KNEADLAB, &["status", &text(&out), "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["submitted"]["missing"], 1, "{status}");
    let element = part % ELEMENTS;
    let dry = cluster.tell(KNEADLAB, &["resume", &text(&out), "--dry-run"]);
    let script = String::from_utf8(dry.stdout).unwrap();
    let line = format!("#SBATCH --array={element}\n");
    assert!(script.contains(&line), "{script}");
    let resumed = cluster.tell(KNEADLAB, &["resume", &text(&out)]);
    let job = job_of(&resumed);
    finish(&out, cluster);
    let starts = starts(&out, &job, element);
    assert!(
        starts.len() == 1 && starts[0] < SAMPLES / PARTS,
        "begun anew: {starts:?}"
    );
    bench.assert_merges_to_the_same(&out);
    // Nothing is left to submit.
    let again = cluster.tell(KNEADLAB, &["resume", &text(&out)]);
    assert!(said(&again).contains("every part is published"));
}

#[test]
fn gnu_parallel_loses_nothing_with_a_process() {
    if !has("parallel", "parallel") {
        return;
    }
    let bench = Bench::new(8_000);
    let out = bench.path("in parallel");
    let submit = command(&["submit", &text(&bench.study), "-o", &text(&out)])
        .args(["--engine", "parallel", "--shards", "4", "--sshlogin", ":"])
        .stderr(Stdio::null())
        .spawn();
    let mut submit = Guard(submit.unwrap());
    let working = || processes().into_iter().filter(|p| p.works_on(&out));
    let killed = wait("a part to kill", || {
        let part = working().next()?;
        kill(part.id);
        Some(part)
    });
    wait("the same part again", || {
        working().find(|p| p.words == killed.words && p.id != killed.id)
    });
    assert!(submit.0.wait().unwrap().success());
    let log = fs::read_to_string(out.join("joblog.tsv")).unwrap();
    assert_eq!(log.matches("--shard").count(), 4, "{log}");
    bench.assert_merges_to_the_same(&out);
}

#[test]
fn processes_give_the_same_bytes() {
    let bench = Bench::new(1_000);
    let (study, out) = (text(&bench.study), bench.path("local"));
    let submit = ["submit", &study, "-o", &text(&out), "--engine", "local"].map(String::from);
    let submit = |more: &[&str]| {
        let args: Vec<&str> = submit
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        kneadlab(&args)
    };
    // A dry run writes nothing and starts nothing.
    let dry = submit(&["--shards", "5", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry));
    let lines = String::from_utf8(dry.stdout).unwrap();
    assert_eq!(lines.lines().count(), 5, "{lines}");
    assert!(!out.exists());

    let done = submit(&["--shards", "5", "--limit", "2"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(fs::read_dir(out.join("shards")).unwrap().count(), 5);
    bench.assert_merges_to_the_same(&out);
    // The cut is in the lock and stays; a part that gets lost is computed again, and no other.
    let lock: Value = read_json(&out.join("plan.lock.json"));
    assert_eq!(lock["parts"], 5);
    let other = submit(&["--shards", "4"]);
    assert!(
        said(&other).contains("is cut into 5 parts already"),
        "{}",
        said(&other)
    );
    let second = fs::read_dir(out.join("shards"))
        .unwrap()
        .map(|e| e.unwrap().path());
    let second = second
        .into_iter()
        .find(|p| text(p).contains("-200-400."))
        .unwrap();
    fs::remove_file(second).unwrap();
    let resumed = kneadlab(&["resume", &text(&out)]);
    assert!(
        said(&resumed).contains("1 of 5 parts are missing"),
        "{}",
        said(&resumed)
    );
    bench.assert_merges_to_the_same(&out);
    // Options that a part elsewhere would not know of.
    let options = kneadlab(&["resume", &text(&out), "--rerun", "failed"]);
    assert!(said(&options).contains("hint: --here computes on this machine"));
    let here = kneadlab(&["resume", &text(&out), "--here", "--rerun", "failed"]);
    assert_eq!(here.status.code(), Some(0), "{}", said(&here));
}

/// The pilot: a part takes as long as asked or longer, and never less than a point.
#[test]
fn a_plan_is_cut_by_what_a_sample_takes() {
    let bench = Bench::new(2_000);
    let parts = |seconds: &str| {
        let out = bench.path("cut");
        let args = [
            "submit",
            &text(&bench.study),
            "-o",
            &text(&out),
            "--engine",
            "local",
        ];
        let dry = command(&args)
            .args(["--dry-run", "--shard-seconds", seconds])
            .output()
            .unwrap();
        assert_eq!(dry.status.code(), Some(0), "{}", said(&dry));
        dry.stdout.iter().filter(|b| **b == b'\n').count()
    };
    assert_eq!(parts("120"), 1);
    // A sample takes from 20 us to 5 ms, whatever the machine does beside: 2000 of them 40 ms to 10 s.
    let some = parts("0.01");
    assert!((4..=1000).contains(&some), "{some}");
}

/// Error texts are pinned: people mend what they did by them.
#[test]
fn what_an_engine_lacks_is_told() {
    let bench = Bench::new(1_000);
    let (study, out) = (text(&bench.study), bench.path("out"));
    let tools = bench.path("tools");
    fs::create_dir(&tools).unwrap();
    let submit = |engine: &str, more: &[&str]| {
        let output = command(&["submit", &study, "-o", &text(&out), "--engine", engine])
            .args(more)
            .env("PATH", format!("{}:/usr/bin:/bin", text(&tools)))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    };
    let tool = |name: &str, script: &str| {
        let path = tools.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    // Programs of these names that are something else stand for none.
    tool("sbatch", "exit 1");
    tool("parallel", "echo 'parallel of moreutils'");
    for (engine, lacks) in [
        ("slurm", "sbatch of slurm"),
        ("parallel", "parallel of GNU parallel"),
    ] {
        let told = submit(engine, &[]);
        assert!(
            told.contains(&format!("error: {lacks} does not start here\n  hint: ")),
            "{told}"
        );
        assert!(!out.exists());
    }
    // A site without arrays, and one that takes fewer elements than it says.
    let answers = |limit: u32| {
        tool(
            "scontrol",
            &format!("echo 'MaxArraySize            = {limit}'"),
        );
        let no = "echo 'sbatch: error: Batch job submission failed: Invalid job array specification' >&2; exit 1";
        tool(
            "sbatch",
            &format!("[ \"$1\" = --version ] && echo 'slurm 99' && exit\n{no}"),
        );
    };
    answers(1);
    let told = submit("slurm", &["--shards", "3"]);
    assert!(
        told.contains("this cluster takes no job arrays (MaxArraySize = 1)"),
        "{told}"
    );
    answers(2000);
    let told = submit("slurm", &[]);
    assert!(
        told.contains("Invalid job array specification\n  hint: the site's limit is told by: scontrol show config"),
        "{told}"
    );
    // Folders: one that cannot be made, and one of another plan.
    let under_a_file = command(&[
        "submit",
        &study,
        "-o",
        &format!("{study}/out"),
        "--engine",
        "local",
    ]);
    let told = said(&{ under_a_file }.output().unwrap());
    assert!(
        told.contains("hint: choose a folder that this and every computing machine can write"),
        "{told}"
    );
    let told = submit("local", &["--set", "seed=4"]);
    assert!(
        told.contains("is not resumed: the plan is another one"),
        "{told}"
    );
    let told = submit("local", &["--sshlogin", "desk"]);
    assert!(told.contains("hint: --engine parallel"), "{told}");
}

/// Submits the slow study; the number of the job.
fn submit(bench: &Bench, cluster: &Cluster, out: &Path, more: &[&str]) -> String {
    let (study, out, parts) = (text(&bench.study), text(out), PARTS.to_string());
    let args = ["submit", &study, "-o", &out, "--engine", "slurm"];
    let args = [&args[..], &["--shards", &parts], more, &["--", "--time=10"]].concat();
    job_of(&cluster.tell(KNEADLAB, &args))
}

/// Waits until every part is published and nothing is left in the queue.
fn finish(out: &Path, cluster: &Cluster) {
    wait("every part", || {
        cluster.hurry();
        (published(out) == PARTS).then_some(())
    });
    cluster.wait_until_idle();
}

/// A study that takes its time, and what a local sweep makes of it.
struct Bench {
    folder: tempfile::TempDir,
    study: PathBuf,
}

impl Bench {
    fn new(samples: u64) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let study = folder.path().join("study.toml");
        // Eight sums of 17 products of waves: about 150 us a sample.
        let waves: Vec<String> = (1..=17).map(|k| format!("sin({k}*x)*cos({k}*y)")).collect();
        let waves = waves.join("+");
        let limits: Vec<String> = (1..8)
            .map(|k| format!("{{ metric = \"{k}+{waves}\", name = \"limit_{k}\", at_most = 30 }}"))
            .collect();
        let text_of = format!(
            r#"
            name = "waves"
            scene = "builtin:chair"
            seed = 3
            [sweep]
            model = "expression"
            samples = {samples}
            vary = [{{ path = "x", from = -2, to = 2 }}, {{ path = "y", from = -2, to = 2 }}]
            objective = [{{ metric = "{waves}", name = "waves" }}]
            limit = [{}]
            "#,
            limits.join(", ")
        );
        fs::write(&study, text_of).unwrap();
        let bench = Bench { folder, study };
        let whole = kneadlab(&[
            "sweep",
            &text(&bench.study),
            "-o",
            &text(&bench.path("whole")),
        ]);
        assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn assert_merges_to_the_same(&self, out: &Path) {
        let merged = kneadlab(&["merge", &text(out), "-o", &text(out)]);
        assert_eq!(merged.status.code(), Some(0), "{}", said(&merged));
        for name in MERGED {
            let whole = fs::read(self.path("whole").join(name)).unwrap();
            assert!(fs::read(out.join(name)).unwrap() == whole, "{name} differs");
        }
    }
}

/// The part of an element that is at work in the middle, by its journals.
fn half_done(out: &Path, element: u64) -> Option<u64> {
    (element..PARTS).step_by(ELEMENTS as usize).find(|part| {
        let size = SAMPLES / PARTS;
        let begins = format!("{}-{}.", part * size, (part + 1) * size);
        let entries = fs::read_dir(out.join("journal"))
            .into_iter()
            .flatten()
            .flatten();
        let journals = entries.filter(|e| e.file_name().to_string_lossy().starts_with(&begins));
        let lines = |e: fs::DirEntry| {
            fs::read_to_string(e.path())
                .unwrap_or_default()
                .lines()
                .count()
        };
        let done = journals.map(lines).sum::<usize>() as u64;
        (size / 20..size * 3 / 5).contains(&done) && !is_published(out, *part)
    })
}

fn is_published(out: &Path, part: u64) -> bool {
    let size = SAMPLES / PARTS;
    let ends = format!("-{}-{}.parquet", part * size, (part + 1) * size);
    let entries = fs::read_dir(out.join("shards")).unwrap();
    entries
        .flatten()
        .any(|e| e.file_name().to_string_lossy().ends_with(&ends))
}

fn published(out: &Path) -> u64 {
    (0..PARTS).filter(|part| is_published(out, *part)).count() as u64
}

/// How many samples an element had to compute, each time that it began a part.
fn starts(out: &Path, job: &str, element: u64) -> Vec<u64> {
    let log = out.join("log").join(format!("{job}_{element}.txt"));
    let said = fs::read_to_string(log).unwrap();
    let number = |line: &str| {
        let (_, rest) = line.split_once(" a sample; ")?;
        rest.split(' ').next()?.parse().ok()
    };
    said.lines().filter_map(number).collect()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn job_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    let told = String::from_utf8_lossy(&output.stdout);
    told.trim().strip_prefix("job ").unwrap().to_string()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(KNEADLAB);
    command.args(args);
    command
}

fn kneadlab(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn is_root() -> bool {
    let owner = Command::new("id").arg("-u").output();
    owner.is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}

/// Whether a program is there.
fn has(program: &str, word: &str) -> bool {
    let there = Command::new(program).arg("-V").output().is_ok();
    if !there {
        skip(word, &format!("{program} does not start"));
    }
    there
}

fn skip(word: &str, why: &str) {
    let list = std::env::var("KNEADLAB_REQUIRE").unwrap_or_default();
    assert!(
        !list.split(',').any(|w| w == word),
        "KNEADLAB_REQUIRE asks for {word}, but {why}"
    );
    eprintln!("SKIPPED: {why}");
}
