//! A Slurm of the test's own: munged, a controller and two nodes, on the loopback address.

use super::process::{Guard, Process, kill, processes, wait};
use super::text;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A Slurm of one controller and two nodes in a folder of its own. What it started ends with it.
pub struct Cluster {
    base: tempfile::TempDir,
    munged: Guard,
    controller: Guard,
    nodes: Vec<(String, Guard)>,
}

impl Cluster {
    pub fn start() -> Cluster {
        let base = tempfile::tempdir().unwrap();
        for folder in ["ctld", "n1", "n2", "log"] {
            fs::create_dir(base.path().join(folder)).unwrap();
        }
        // All held open until all are known, so that they differ.
        let free: Vec<TcpListener> = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let mut conf = include_str!("slurm.conf")
            .replace("@BASE@", &text(base.path()))
            .replace("@HOST@", host.trim());
        for (name, port) in ["@CTLD@", "@N1@", "@N2@"].iter().zip(&free) {
            conf = conf.replace(name, &port.local_addr().unwrap().port().to_string());
        }
        drop(free);
        fs::write(base.path().join("slurm.conf"), conf).unwrap();
        // The folder is closed to others; nobody else can talk to this munged.
        let mut key = [0; 1024];
        File::open("/dev/urandom")
            .unwrap()
            .read_exact(&mut key)
            .unwrap();
        fs::write(base.path().join("key"), key).unwrap();
        let owner_only = fs::Permissions::from_mode(0o400);
        fs::set_permissions(base.path().join("key"), owner_only).unwrap();
        let file = |name: &str| text(&base.path().join(name));
        let munged = [
            format!("--socket={}", file("munge.sock")),
            format!("--key-file={}", file("key")),
            format!("--log-file={}", file("log/munged.log")),
            format!("--pid-file={}", file("munged.pid")),
            format!("--seed-file={}", file("seed")),
        ];
        // --force: the folder above ours, /tmp, is everybody's.
        let munged = daemon(base.path(), "munged", &["--foreground", "--force"], &munged);
        wait("munged", || {
            base.path().join("munge.sock").exists().then_some(())
        });
        let controller = daemon(base.path(), "slurmctld", &["-D"], &[]);
        let mut cluster = Cluster {
            base,
            munged,
            controller,
            nodes: Vec::new(),
        };
        cluster.start_node("n1");
        cluster.start_node("n2");
        cluster
    }

    pub fn start_node(&mut self, name: &str) {
        let node = daemon(self.base.path(), "slurmd", &["-D", "-N", name], &[]);
        self.nodes.push((name.into(), node));
        wait("a node", || {
            let states = self.ask("sinfo", &["-h", "-N", "-n", name, "-o", "%t"]);
            (states.trim() == "idle").then_some(())
        });
    }

    pub fn start_controller(&mut self) {
        self.controller = daemon(self.base.path(), "slurmctld", &["-D"], &[]);
    }

    pub fn kill_controller(&mut self) {
        self.controller.end();
    }

    /// What a power cut does to a node: its daemon, the keepers of its jobs and the jobs go at once.
    pub fn kill_node(&mut self, name: &str) {
        let of_it = format!("SLURMD_NODENAME={name}");
        for (_, daemon) in self.nodes.extract_if(.., |(n, _)| n == name) {
            drop(daemon);
        }
        let all = self.processes();
        let jobs: Vec<&Process> = all
            .iter()
            .filter(|p| p.environment.contains(&of_it))
            .collect();
        let keepers = all
            .iter()
            .filter(|k| jobs.iter().any(|job| job.parent == k.id));
        keepers.chain(jobs.iter().copied()).for_each(|p| kill(p.id));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    /// Everything that belongs to this cluster, jobs included: they carry its configuration's path with them.
    pub fn processes(&self) -> Vec<Process> {
        let ours = format!("SLURM_CONF={}", text(&self.path("slurm.conf")));
        let all = processes().into_iter();
        all.filter(|p| p.environment.contains(&ours)).collect()
    }

    pub fn tell(&self, program: &str, args: &[&str]) -> Output {
        let conf = self.path("slurm.conf");
        let mut command = Command::new(program);
        command.args(args).env("SLURM_CONF", conf).output().unwrap()
    }

    pub fn ask(&self, program: &str, args: &[&str]) -> String {
        String::from_utf8(self.tell(program, args).stdout).unwrap()
    }

    pub fn scontrol(&self, args: &[&str]) {
        self.tell("scontrol", args);
    }

    /// Elements that run, and where.
    pub fn running(&self) -> Vec<(u64, String)> {
        let told = self.ask("squeue", &["-h", "-r", "-t", "R", "-o", "%K %N"]);
        let pair = |line: &str| {
            let (element, node) = line.split_once(' ')?;
            Some((element.parse().ok()?, node.to_string()))
        };
        told.lines().filter_map(pair).collect()
    }

    /// Lets elements start at once that Slurm holds: for two minutes after their node was lost, and until somebody releases them
    /// where a node refused them.
    pub fn hurry(&self) {
        sleep(Duration::from_millis(300));
        let told = self.ask("squeue", &["-h", "-r", "-t", "PD", "-o", "%i %r"]);
        for (job, reason) in told.lines().filter_map(|line| line.split_once(' ')) {
            if reason == "launch failed requeued held" {
                self.scontrol(&["release", job]);
            }
            if reason == "BeginTime" {
                self.scontrol(&["update", &format!("JobId={job}"), "StartTime=now"]);
            }
        }
    }

    pub fn wait_until_idle(&self) {
        wait("an empty queue", || {
            self.hurry();
            let told = self.tell("squeue", &["-h"]);
            (told.status.success() && told.stdout.is_empty()).then_some(())
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "--- queue\n{}",
                self.ask("squeue", &["-r", "-o", "%i %T %r %S %N"])
            );
            for log in ["log/ctld.log", "log/n1.log", "log/n2.log", "jobcomp.txt"] {
                let said = fs::read_to_string(self.path(log)).unwrap_or_default();
                let lines: Vec<&str> = said.lines().collect();
                let last = &lines[lines.len().saturating_sub(30)..];
                println!("--- {log}\n{}", last.join("\n"));
            }
        }
        // Daemons first: nobody starts anything again.
        self.controller.end();
        self.nodes.iter_mut().for_each(|(_, node)| node.end());
        self.munged.end();
        self.processes().iter().for_each(|p| kill(p.id));
    }
}

fn daemon(base: &Path, program: &str, args: &[&str], more: &[String]) -> Guard {
    let out = File::create(base.join(format!("log/{program}.out"))).unwrap();
    let child = Command::new(program)
        .args(args)
        .args(more)
        .env("SLURM_CONF", base.join("slurm.conf"))
        .current_dir(base)
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn();
    Guard(child.unwrap())
}
