//! The journal of a worker: one line a finished sample, with a checksum at its end.
//!
//! ```text
//! kneadlab-journal 1 9f86d081884c7d65 0 4096 *5a3f0c11
//! 17 done 0.125 31.5 *0d4e9a2b
//! 18 failed "fault at 0.4 s: the loop opens" *77aa01f3
//! ```
//!
//! A batch of lines is one `write`, so that a killed program loses only what it had not handed over. The last line may be
//! torn: its checksum tells. Once a second the file is also brought to the disk, for a power cut.

use super::place::host;
use anyhow::Context;
use crc::{CRC_32_ISO_HDLC, Crc, Table};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tune::sweep::{Record, State};

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

const SYNC_EVERY: Duration = Duration::from_secs(1);

/// A journal being written.
pub struct Journal {
    path: PathBuf,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    /// Bytes up to the end of the last whole line.
    good: u64,
    text: String,
    synced: Instant,
}

impl Journal {
    /// Begins a journal for a range of samples, with a name that no other worker has.
    pub fn begin(folder: &Path, hash: &str, range: &Range<u64>) -> anyhow::Result<Journal> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let stem = format!(
            "{}-{}.{}-{}",
            range.start,
            range.end,
            host(),
            std::process::id()
        );
        let mut last = None;
        for attempt in 0..1000 {
            let name = match attempt {
                0 => format!("{stem}.log"),
                n => format!("{stem}-{n}.log"),
            };
            let path = folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    let journal = Journal {
                        path,
                        open: Mutex::new(Open {
                            file,
                            good: 0,
                            text: String::new(),
                            synced: Instant::now(),
                        }),
                    };
                    let head = format!("kneadlab-journal 1 {hash} {} {}", range.start, range.end);
                    journal.write(|text| line(text, |t| t.push_str(&head)))?;
                    return Ok(journal);
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => last = Some(e),
                Err(e) => return Err(cannot_write(&path, &e)),
            }
        }
        let reason = last.map(|e| e.to_string()).unwrap_or_default();
        anyhow::bail!("cannot make a journal in {}: {reason}", folder.display())
    }

    /// Adds finished samples. When it returns, they outlive this program.
    pub fn put(&self, records: &[Record]) -> anyhow::Result<()> {
        self.write(|text| {
            for record in records {
                line(text, |text| say(text, record));
            }
        })
    }

    fn write(&self, fill: impl FnOnce(&mut String)) -> anyhow::Result<()> {
        let mut open = self
            .open
            .lock()
            .map_err(|_| anyhow::anyhow!("another thread broke off while writing"))?;
        let open = &mut *open;
        open.text.clear();
        fill(&mut open.text);
        if let Err(e) = open.file.write_all(open.text.as_bytes()) {
            // Half a line is of no use; without it the reader has nothing to complain of.
            let _ = open.file.set_len(open.good);
            return Err(cannot_write(&self.path, &e));
        }
        open.good += open.text.len() as u64;
        if open.synced.elapsed() > SYNC_EVERY {
            open.file
                .sync_data()
                .map_err(|e| cannot_write(&self.path, &e))?;
            open.synced = Instant::now();
        }
        Ok(())
    }
}

/// What went wrong while writing; a full disk is said in words.
pub fn cannot_write(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let full = matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    );
    if full {
        anyhow::anyhow!(
            "the disk is full: {} cannot grow; every sample that was written before is kept\n  \
             hint: make room, then run the same command again: it goes on where it stopped",
            path.display()
        )
    } else {
        anyhow::anyhow!("cannot write {}: {error}", path.display())
    }
}

fn line(text: &mut String, fill: impl FnOnce(&mut String)) {
    let start = text.len();
    fill(text);
    let sum = CRC.checksum(&text.as_bytes()[start..]);
    // Writing to a string cannot fail.
    let _ = writeln!(text, " *{sum:08x}");
}

fn say(text: &mut String, record: &Record) {
    let _ = write!(text, "{} {}", record.sample, record.state.name());
    for metric in &record.metrics {
        // Shortest digits that read back to the same bits.
        let _ = write!(text, " {metric:?}");
    }
    if record.state != State::Done {
        let message = serde_json::Value::from(record.message.as_str());
        let _ = write!(text, " {message}");
    }
}

/// A journal read again.
#[derive(Debug, Default)]
pub struct Found {
    /// Its samples, as they finished.
    pub records: Vec<Record>,
    /// Lines whose checksum is wrong: at most the last, unless somebody else wrote there.
    pub torn: usize,
}

/// Reads a journal of the plan `hash`; `None` if it belongs to another plan or holds nothing whole.
pub fn read(path: &Path, hash: &str) -> anyhow::Result<Option<Found>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // Another worker has published its samples, and took it away.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut lines = bytes.split_inclusive(|b| *b == b'\n');
    let head = lines.next().and_then(whole);
    let ours = head.is_some_and(|head| {
        let mut words = head.split(' ');
        words.next() == Some("kneadlab-journal")
            && words.next() == Some("1")
            && words.next() == Some(hash)
    });
    if !ours {
        return Ok(None);
    }
    let mut found = Found::default();
    for bytes in lines {
        match whole(bytes).and_then(parse) {
            Some(record) => found.records.push(record),
            None => found.torn += 1,
        }
    }
    Ok(Some(found))
}

/// A line without its checksum, if that is right.
fn whole(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (text, sum) = text.rsplit_once(" *")?;
    let right = CRC.checksum(text.as_bytes());
    (sum.len() == 8 && u32::from_str_radix(sum, 16) == Ok(right)).then_some(text)
}

fn parse(text: &str) -> Option<Record> {
    let (sample, rest) = text.split_once(' ')?;
    let (state, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let state = State::named(state)?;
    let mut record = Record {
        sample: sample.parse().ok()?,
        state,
        metrics: Vec::new(),
        message: String::new(),
        backtrace: String::new(),
    };
    if state == State::Done {
        let words = rest.split(' ').filter(|w| !w.is_empty());
        let metrics: Result<Vec<f64>, _> = words.map(str::parse).collect();
        record.metrics = metrics.ok()?;
    } else {
        record.message = serde_json::from_str(rest).ok()?;
    }
    Some(record)
}

/// The range of samples in the name of a journal.
pub fn range_of(name: &str) -> Option<Range<u64>> {
    let (range, _) = name.strip_suffix(".log")?.split_once('.')?;
    let (start, end) = range.split_once('-')?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sample: u64, metrics: &[f64]) -> Record {
        Record {
            sample,
            state: State::Done,
            metrics: metrics.to_vec(),
            message: String::new(),
            backtrace: String::new(),
        }
    }

    fn records() -> Vec<Record> {
        let mut failed = record(18, &[]);
        failed.state = State::Failed;
        failed.message = "a \"loop\"\nopens *0000".into();
        vec![
            record(17, &[0.1 + 0.2, -0.0, 1e-310, 1.7976931348623157e308]),
            failed,
            record(19, &[]),
        ]
    }

    #[test]
    fn a_journal_reads_back_to_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), "abc", &(0..64)).unwrap();
        journal.put(&records()).unwrap();
        let found = read(&journal.path, "abc").unwrap().unwrap();
        assert_eq!(found.torn, 0);
        assert_eq!(found.records.len(), 3);
        assert!(records().iter().zip(&found.records).all(|(a, b)| a.same(b)));
        assert!(read(&journal.path, "abd").unwrap().is_none());
        // A second journal of the same process has another name.
        let second = Journal::begin(folder.path(), "abc", &(0..64)).unwrap();
        assert_ne!(second.path, journal.path);
        let name = second.path.file_name().unwrap().to_str().unwrap();
        assert_eq!(range_of(name), Some(0..64));
    }

    /// Cut anywhere, a journal gives the whole lines before the cut, and nothing else.
    #[test]
    fn a_torn_line_is_dropped_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), "abc", &(0..64)).unwrap();
        journal.put(&records()).unwrap();
        let bytes = fs::read(&journal.path).unwrap();
        let cut = folder.path().join("cut.log");
        for length in 0..bytes.len() {
            fs::write(&cut, &bytes[..length]).unwrap();
            let ends = bytes[..length].iter().filter(|b| **b == b'\n').count();
            match read(&cut, "abc").unwrap() {
                None => assert_eq!(ends, 0, "{length}"),
                Some(found) => {
                    assert_eq!(found.records.len(), ends - 1, "{length}");
                    let rest = bytes[..length].last() != Some(&b'\n');
                    assert_eq!(found.torn, usize::from(rest), "{length}");
                }
            }
        }
    }

    #[test]
    fn a_changed_digit_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), "abc", &(0..64)).unwrap();
        journal.put(&records()).unwrap();
        let text = fs::read_to_string(&journal.path).unwrap();
        fs::write(&journal.path, text.replace("19 done", "10 done")).unwrap();
        let found = read(&journal.path, "abc").unwrap().unwrap();
        assert_eq!((found.records.len(), found.torn), (2, 1));
    }
}
