//! Processes: found by what they were started with, waited for, killed.

use super::text;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than a step takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until something is found.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        sleep(Duration::from_millis(25));
    }
}

/// A child that ends with whoever holds it.
pub struct Guard(pub Child);

impl Guard {
    /// With signal 9.
    pub fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

/// A process of this machine.
pub struct Process {
    pub id: u32,
    pub parent: u32,
    pub words: Vec<String>,
    pub environment: Vec<String>,
}

impl Process {
    /// Whether it computes a part of this folder.
    pub fn works_on(&self, out: &Path) -> bool {
        let begins = [env!("CARGO_BIN_EXE_kneadlab"), "resume", &text(out)];
        self.words.len() > 3 && self.words.iter().zip(begins).all(|(a, b)| a == b)
    }
}

/// All that may be looked at; none where there is no /proc.
pub fn processes() -> Vec<Process> {
    let words = |path: PathBuf| -> Option<Vec<String>> {
        let bytes = fs::read(path).ok()?;
        let words = bytes.split(|b| *b == 0).filter(|w| !w.is_empty());
        Some(
            words
                .map(|w| String::from_utf8_lossy(w).into_owned())
                .collect(),
        )
    };
    let process = |entry: fs::DirEntry| {
        let folder = entry.path();
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let parent = status.lines().find_map(|l| l.strip_prefix("PPid:"))?;
        Some(Process {
            id: entry.file_name().to_str()?.parse().ok()?,
            parent: parent.trim().parse().ok()?,
            words: words(folder.join("cmdline"))?,
            environment: words(folder.join("environ")).unwrap_or_default(),
        })
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(process).collect()
}

/// With signal 9; it may have ended by itself.
pub fn kill(id: u32) {
    let _ = Command::new("kill")
        .args(["-9", &id.to_string()])
        .stderr(Stdio::null())
        .status();
}
