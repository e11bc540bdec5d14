//! A target's own log, run again through the mirror of the runtime: where the two part ways.
//!
//! ```text
//! # start programme body=4 conditions=0 depth=-3000      what kneadlab_prog_start got; every start begins again
//! ticks,station,depth,cycles,trim,stop,out_station,out_depth,phase,flags,code
//! 1,0,-3000,0,0,0,0,-3000,1,0,0
//! # start fallback depth=120
//! 1,9000,120,0,0,0,9000,87,0,0,0
//! # counts cap_applied=3                                 the context's counters, where they were logged
//! ```
//!
//! One row a call of `kneadlab_prog_step`: first what went in, then what came out, in table units. Any order of columns; of
//! those that come out any may be missing. Lines with `#` that are not of these are for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::eval::{CAP_APPLIED, CLASS, Command, Counts, Inputs, LEVEL, Phase, Programme, STATION};
use crate::tables::{CAP_LIMITED, DEPTH_PER_M, INFEASIBLE, Tables};

/// What goes into a tick. `trim` and `stop` may be left out: 0.
pub const INPUTS: [&str; 6] = ["ticks", "station", "depth", "cycles", "trim", "stop"];
/// What comes out of one.
pub const OUTPUTS: [&str; 11] = [
    "out_station",
    "out_depth",
    "out_speed",
    "out_park",
    "step",
    "technique",
    "knead",
    "press",
    "phase",
    "flags",
    "code",
];
/// What a context counts.
pub const COUNTS: [&str; 6] = [
    "station_clamped",
    "class_unknown",
    "level_clamped",
    "cap_applied",
    "dwell_limited",
    "refused",
];
/// As many problems of a log are told; a wrong column is wrong in every row.
const PROBLEMS: usize = 20;

/// A log, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    outputs: Vec<usize>,
    sessions: Vec<Session>,
}

#[derive(Clone, Debug, PartialEq)]
struct Session {
    start: Start,
    rows: Vec<Row>,
    counts: Vec<(usize, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    Programme {
        body: u8,
        conditions: u32,
        depth: i16,
    },
    Fallback {
        depth: i16,
    },
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    line: usize,
    inputs: [i64; 6],
    outputs: Vec<i64>,
}

/// One thing that keeps a log from being read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct LogProblem {
    /// Line of the log, from 1.
    pub line: usize,
    /// What is wrong, and what is allowed.
    pub message: String,
}

/// What a replay of a log found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Calls of the runtime.
    pub rows: usize,
    /// Ticks that passed in them.
    pub ticks: u64,
    /// Starts of the programme or the fallback.
    pub sessions: usize,
    /// Columns of the log that were compared.
    pub compared: Vec<&'static str>,
    /// Where the two first part ways.
    pub first: Option<Difference>,
    /// By column: how many rows differ, and by how much at most.
    pub columns: BTreeMap<&'static str, ColumnDifference>,
    /// Counters that differ: log and mirror.
    pub counts_differ: BTreeMap<&'static str, [i64; 2]>,
    /// What the mirror counted, over all sessions.
    pub counts: BTreeMap<&'static str, u64>,
    /// Rows with each flag in the mirror.
    pub flags: BTreeMap<&'static str, u64>,
    /// Rows in which a cap held the depth back, by the zone of the cap.
    pub caps: BTreeMap<String, u64>,
    /// How each session ended in the mirror: `done`, `code 22`, or the phase that it was in.
    pub ends: Vec<String>,
}

impl Comparison {
    /// Whether log and mirror are the same.
    pub fn same(&self) -> bool {
        self.first.is_none() && self.counts_differ.is_empty()
    }
}

/// One column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ColumnDifference {
    /// Rows that differ.
    pub rows: u64,
    /// Largest difference, log less mirror, in table units.
    pub most: i64,
}

/// A row in which the log says another thing than the mirror.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Line of the log, from 1.
    pub line: usize,
    /// Session, from 0.
    pub session: usize,
    /// Ticks since the session's start, this row's included.
    pub tick: u64,
    /// Row of the programme that the mirror is in.
    pub step: u16,
    /// Phase of the mirror after it: [`Phase`].
    pub phase: u8,
    /// Where the carriage was, u.
    pub u: f64,
    /// Flags of the mirror by name.
    pub flags: Vec<&'static str>,
    /// Cap of the place: zone, depth in mm, while it presses.
    pub cap: Option<(String, f64)>,
    /// The columns that differ: name, log, mirror, in table units.
    pub values: Vec<(&'static str, i64, i64)>,
}

/// Reads a log.
///
/// # Errors
/// Every problem, up to twenty.
pub fn read(text: &str) -> Result<Log, Vec<LogProblem>> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        reader.line = index + 1;
        match line.strip_prefix('#') {
            _ if line.is_empty() => {}
            Some(comment) => reader.comment(comment.trim()),
            None if reader.columns.is_none() => reader.header(line),
            None if reader.unread => {}
            None => reader.row(line),
        }
    }
    reader.finish()
}

/// Runs a log's inputs through the mirror and compares what came out.
///
/// After a difference the mirror goes on by its own state and the log's inputs.
pub fn compare(tables: &Tables, log: &Log) -> Comparison {
    let mut out = Comparison {
        rows: 0,
        ticks: 0,
        sessions: log.sessions.len(),
        compared: log.outputs.iter().map(|c| OUTPUTS[*c]).collect(),
        first: None,
        columns: BTreeMap::new(),
        counts_differ: BTreeMap::new(),
        counts: COUNTS.into_iter().map(|name| (name, 0)).collect(),
        flags: BTreeMap::new(),
        caps: BTreeMap::new(),
        ends: Vec::new(),
    };
    for (index, session) in log.sessions.iter().enumerate() {
        let mut programme = session.start.run(tables);
        let mut last = Command::default();
        let mut tick = 0;
        for row in &session.rows {
            let inputs = row.inputs();
            tick += u64::from(inputs.ticks);
            let command = programme.step(&inputs);
            let code = programme.fault().map_or(0, |fault| fault as i64);
            out.note(tables, session.start.body(), &inputs, &command);
            let values = differences(log, row, &command, code);
            for (name, log, mirror) in &values {
                let column = out.columns.entry(name).or_default();
                column.rows += 1;
                if (log - mirror).abs() > column.most.abs() {
                    column.most = log - mirror;
                }
            }
            if !values.is_empty() && out.first.is_none() {
                out.first = Some(Difference {
                    line: row.line,
                    session: index,
                    tick,
                    step: command.step,
                    phase: command.phase as u8,
                    u: u(tables, inputs.station),
                    flags: flag_names(command.flags),
                    cap: cap(tables, session.start.body(), &inputs, &command),
                    values,
                });
            }
            last = command;
        }
        out.rows += session.rows.len();
        out.ticks += tick;
        out.counted(&programme.counts, &session.counts);
        out.ends.push(match (programme.fault(), last.phase) {
            (Some(fault), _) => format!("code {}", fault as u8),
            (None, Phase::Done) => "done".into(),
            (None, phase) => format!("in phase {}", phase as u8),
        });
    }
    out
}

/// A log of the mirror: the session of a body on a machine that obeys at once, as in `log_main.c`.
pub fn record(tables: &Tables, body: u8, conditions: u32) -> String {
    let mut text = format!("# start programme body={body} conditions={conditions} depth=0\n");
    let _ = writeln!(text, "{},{}", INPUTS.join(","), OUTPUTS.join(","));
    let mut machine = Machine::default();
    let mut programme = Programme::start(tables, body, conditions, 0);
    machine.session(&mut programme, &mut text);
    if programme.fault().is_some() {
        let depth = machine.inputs.depth;
        let _ = writeln!(text, "# start fallback body=255 conditions=0 depth={depth}");
        machine.session(&mut Programme::start_fallback(tables, depth), &mut text);
    }
    text
}

/// A machine that obeys at once; the carriage takes 28 units a tick, a turn of the shaft 100 ticks.
#[derive(Default)]
struct Machine {
    inputs: Inputs,
    turn_ticks: u16,
}

impl Machine {
    const STRIDE: u16 = 28;
    const TURN_TICKS: u16 = 100;

    /// Until done or failed.
    fn session(&mut self, programme: &mut Programme<'_>, text: &mut String) {
        loop {
            self.inputs.ticks = 1;
            let command = programme.step(&self.inputs);
            let code = programme.fault().map_or(0, |fault| fault as i64);
            let values = self
                .inputs
                .values()
                .into_iter()
                .chain(outputs(&command, code));
            let line: Vec<String> = values.map(|v| v.to_string()).collect();
            let _ = writeln!(text, "{}", line.join(","));
            self.obey(&command);
            if code != 0 || command.phase == Phase::Done {
                break;
            }
        }
        write_counts(text, &programme.counts);
    }

    fn obey(&mut self, command: &Command) {
        let i = &mut self.inputs;
        i.station = if command.station > i.station {
            i.station + Self::STRIDE.min(command.station - i.station)
        } else {
            i.station - Self::STRIDE.min(i.station - command.station)
        };
        i.depth = command.depth;
        self.turn_ticks = if command.knead > 0 {
            self.turn_ticks + 1
        } else {
            0
        };
        if self.turn_ticks >= Self::TURN_TICKS {
            self.turn_ticks = 0;
            i.cycles = i.cycles.wrapping_add(1);
        }
    }
}

fn write_counts(text: &mut String, counts: &Counts) {
    text.push_str("# counts");
    for (name, value) in COUNTS.into_iter().zip(count_values(counts)) {
        let _ = write!(text, " {name}={value}");
    }
    text.push('\n');
}

// ---- reading ----

#[derive(Default)]
struct Reader {
    line: usize,
    /// Column by column: an input, or an output, or neither.
    columns: Option<Vec<Column>>,
    /// Rows are not looked at.
    unread: bool,
    sessions: Vec<Session>,
    problems: Vec<LogProblem>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Column {
    Input(usize),
    Output(usize),
    Other,
}

impl Reader {
    fn wrong(&mut self, message: impl Into<String>) {
        self.problems.push(LogProblem {
            line: self.line,
            message: message.into(),
        });
    }

    fn comment(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        match words.next() {
            Some("start") => self.start(words.next().unwrap_or_default(), &pairs(words)),
            Some("counts") => self.counts(&pairs(words)),
            _ => {}
        }
    }

    fn start(&mut self, what: &str, given: &[(&str, &str)]) {
        let mut values = BTreeMap::from([("body", 255), ("conditions", 0), ("depth", 0)]);
        for (key, text) in given {
            let range = match *key {
                "body" => 0..=255,
                "conditions" => 0..=i64::from(u32::MAX),
                "depth" => -32768..=32767,
                _ => {
                    self.wrong(format!(
                        "start: {key}: there are body, conditions and depth"
                    ));
                    continue;
                }
            };
            match whole(text).filter(|v| range.contains(v)) {
                Some(v) => drop(values.insert(key, v)),
                None => self.wrong(format!(
                    "start: {key} = {text}: a whole number, {} to {}",
                    range.start(),
                    range.end()
                )),
            }
        }
        let depth = values["depth"] as i16;
        let start = match what {
            "programme" => Start::Programme {
                body: values["body"] as u8,
                conditions: values["conditions"] as u32,
                depth,
            },
            "fallback" => Start::Fallback { depth },
            _ => {
                self.wrong(format!(
                    "start {what}: `# start programme ...` or `# start fallback ...`"
                ));
                return;
            }
        };
        self.sessions.push(Session {
            start,
            rows: Vec::new(),
            counts: Vec::new(),
        });
    }

    fn counts(&mut self, given: &[(&str, &str)]) {
        let mut counts = Vec::new();
        for (key, text) in given {
            match (COUNTS.iter().position(|c| c == key), whole(text)) {
                (Some(c), Some(v)) => counts.push((c, v)),
                _ => self.wrong(format!(
                    "counts: {key} = {text}: there are {}",
                    COUNTS.join(", ")
                )),
            }
        }
        match self.sessions.last_mut() {
            Some(session) => session.counts = counts,
            None => self.wrong("counts before a start"),
        }
    }

    fn header(&mut self, line: &str) {
        let names: Vec<&str> = line.split(',').map(str::trim).collect();
        let columns: Vec<Column> = names
            .iter()
            .map(|name| {
                let input = INPUTS.iter().position(|c| c == name).map(Column::Input);
                let output = || OUTPUTS.iter().position(|c| c == name).map(Column::Output);
                input.or_else(output).unwrap_or(Column::Other)
            })
            .collect();
        let missing: Vec<&str> = (0..4)
            .filter(|i| !columns.contains(&Column::Input(*i)))
            .map(|i| INPUTS[i])
            .collect();
        if !missing.is_empty() {
            self.wrong(format!(
                "the first line names the columns; missing: {} (what goes in: {})",
                missing.join(", "),
                INPUTS.join(", ")
            ));
        }
        if !columns.iter().any(|c| matches!(c, Column::Output(_))) {
            self.wrong(format!(
                "no column of what came out: one or more of {}",
                OUTPUTS.join(", ")
            ));
        }
        for (i, column) in columns.iter().enumerate() {
            if *column != Column::Other && columns[..i].contains(column) {
                self.wrong(format!("column {} comes twice", names[i]));
            }
        }
        // Under a header that makes no sense every row would be wrong too.
        self.unread = self.problems.iter().any(|p| p.line == self.line);
        self.columns = Some(columns);
    }

    fn row(&mut self, line: &str) {
        let columns = self.columns.clone().unwrap_or_default();
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != columns.len() {
            self.wrong(format!(
                "{} values for {} columns",
                fields.len(),
                columns.len()
            ));
            return;
        }
        let mut inputs = [0; 6];
        let mut outputs = vec![0; OUTPUTS.len()];
        for (column, text) in columns.iter().zip(&fields) {
            let (name, range) = match column {
                Column::Input(i) => (
                    INPUTS[*i],
                    [
                        0..=65535,
                        0..=65535,
                        -32768..=32767,
                        0..=65535,
                        -128..=127,
                        0..=255,
                    ][*i]
                        .clone(),
                ),
                Column::Output(i) => (OUTPUTS[*i], -32768..=65535),
                Column::Other => continue,
            };
            let Some(value) = whole(text).filter(|v| range.contains(v)) else {
                self.wrong(format!(
                    "{name} = {text}: a whole number in table units, {} to {}",
                    range.start(),
                    range.end()
                ));
                return;
            };
            match column {
                Column::Input(i) => inputs[*i] = value,
                Column::Output(i) => outputs[*i] = value,
                Column::Other => {}
            }
        }
        let row = Row {
            line: self.line,
            inputs,
            outputs,
        };
        match self.sessions.last_mut() {
            Some(session) => session.rows.push(row),
            None if self.problems.is_empty() => self.wrong(
                "rows before a start: say what kneadlab_prog_start got, `# start programme body=4 conditions=0 depth=-3000`",
            ),
            None => {}
        }
    }

    fn finish(mut self) -> Result<Log, Vec<LogProblem>> {
        self.line = self.line.max(1);
        if self.problems.is_empty() && self.sessions.iter().all(|s| s.rows.is_empty()) {
            self.wrong("there is no row");
        }
        if !self.problems.is_empty() {
            let more = self.problems.len().saturating_sub(PROBLEMS);
            self.problems.truncate(PROBLEMS);
            if more > 0 {
                self.wrong(format!("and {more} more problems"));
            }
            return Err(self.problems);
        }
        let outputs = self.columns.unwrap_or_default().into_iter();
        let mut outputs: Vec<usize> = outputs
            .filter_map(|c| match c {
                Column::Output(i) => Some(i),
                _ => None,
            })
            .collect();
        outputs.sort_unstable();
        Ok(Log {
            outputs,
            sessions: self.sessions,
        })
    }
}

/// `key=value` words.
fn pairs<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a str)> {
    words
        .map(|w| w.split_once('=').unwrap_or((w, "")))
        .collect()
}

/// A whole number, decimal or with 0x.
fn whole(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

// ---- comparing ----

impl Start {
    fn run(self, tables: &Tables) -> Programme<'_> {
        match self {
            Start::Programme {
                body,
                conditions,
                depth,
            } => Programme::start(tables, body, conditions, depth),
            Start::Fallback { depth } => Programme::start_fallback(tables, depth),
        }
    }

    fn body(self) -> u8 {
        match self {
            Start::Programme { body, .. } => body,
            Start::Fallback { .. } => 255,
        }
    }
}

impl Row {
    fn inputs(&self) -> Inputs {
        let [ticks, station, depth, cycles, trim, stop] = self.inputs;
        Inputs {
            ticks: ticks as u16,
            station: station as u16,
            depth: depth as i16,
            cycles: cycles as u16,
            trim: trim as i8,
            stop: stop != 0,
        }
    }
}

impl Inputs {
    fn values(&self) -> [i64; 6] {
        [
            self.ticks.into(),
            self.station.into(),
            self.depth.into(),
            self.cycles.into(),
            self.trim.into(),
            self.stop.into(),
        ]
    }
}

fn outputs(c: &Command, code: i64) -> [i64; 11] {
    [
        c.station.into(),
        c.depth.into(),
        c.speed.into(),
        c.park.into(),
        c.step.into(),
        c.technique.into(),
        c.knead.into(),
        c.press.into(),
        c.phase as i64,
        c.flags.into(),
        code,
    ]
}

fn count_values(c: &Counts) -> [i64; 6] {
    [
        c.station_clamped,
        c.class_unknown,
        c.level_clamped,
        c.cap_applied,
        c.dwell_limited,
        c.refused,
    ]
    .map(i64::from)
}

fn differences(
    log: &Log,
    row: &Row,
    command: &Command,
    code: i64,
) -> Vec<(&'static str, i64, i64)> {
    let mirror = outputs(command, code);
    log.outputs
        .iter()
        .filter(|c| row.outputs[**c] != mirror[**c])
        .map(|c| (OUTPUTS[*c], row.outputs[*c], mirror[*c]))
        .collect()
}

fn flag_names(flags: u8) -> Vec<&'static str> {
    [
        (CAP_LIMITED, "tuned to the cap"),
        (INFEASIBLE, "no safe depth here"),
        (CAP_APPLIED, "cut to the cap"),
        (STATION, "station beyond the table"),
        (CLASS, "unknown body class"),
        (LEVEL, "level out of range"),
    ]
    .into_iter()
    .filter(|(bit, _)| flags & bit != 0)
    .map(|(_, name)| name)
    .collect()
}

fn u(t: &Tables, station: u16) -> f64 {
    let (from, to) = (f64::from(t.from_q14), f64::from(t.to_q14));
    let share = f64::from(station) / f64::from(t.last_station());
    ((from + (to - from) * share) / 16384.0 * 1e4).round() / 1e4
}

/// Zone and depth cap where the nodes press.
fn cap(t: &Tables, body: u8, inputs: &Inputs, command: &Command) -> Option<(String, f64)> {
    if !matches!(command.phase, Phase::Approach | Phase::Work) {
        return None;
    }
    let (cap, _) = t.cap(&mut Counts::default(), body, inputs.station);
    let zone = t.zones.get(usize::from(cap.zone))?;
    Some((zone.clone(), f64::from(cap.depth) * 1e3 / DEPTH_PER_M))
}

impl Comparison {
    fn note(&mut self, t: &Tables, body: u8, inputs: &Inputs, command: &Command) {
        for name in flag_names(command.flags) {
            *self.flags.entry(name).or_default() += 1;
        }
        if command.flags & (CAP_APPLIED | CAP_LIMITED) != 0
            && let Some((zone, _)) = cap(t, body, inputs, command)
        {
            *self.caps.entry(zone).or_default() += 1;
        }
    }

    fn counted(&mut self, counts: &Counts, logged: &[(usize, i64)]) {
        let values = count_values(counts);
        for (name, value) in COUNTS.into_iter().zip(values) {
            *self.counts.entry(name).or_default() += value.unsigned_abs();
        }
        for (c, log) in logged {
            if *log != values[*c] {
                self.counts_differ.insert(COUNTS[*c], [*log, values[*c]]);
            }
        }
    }
}
