//! Images: header, directory and sections, as bytes and as C text made from the same cells.

use std::fmt::Write as _;

use crate::check;
use crate::tables::{
    CURRENT_PER_A, Channel, DEPTH_PER_M, FORCE_PER_N, FORMAT_MAJOR, Knot, LAYOUT_HASH,
    PRESS_PER_M_S, RT_VERSION, Step, TICK_MS, Tables, Vector,
};

/// Bytes of a header.
pub(crate) const HEADER_SIZE: usize = 64;
/// Bytes of a directory entry.
pub(crate) const ENTRY_SIZE: usize = 16;
/// Largest image, as the runtime accepts it.
pub(crate) const MAX_IMAGE: usize = 0x10_0000;

/// Section kinds, in the order in which they lie in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub(crate) enum Kind {
    Meta = 1,
    Depth = 2,
    Flags = 3,
    Force = 4,
    Current = 5,
    Caps = 6,
    Classes = 7,
    Limits = 8,
    Steps = 9,
    Fallback = 10,
    Vectors = 11,
    Names = 12,
    Channels = 13,
    Hermite3 = 14,
}

impl Kind {
    pub(crate) const ALL: [Kind; 12] = [
        Kind::Meta,
        Kind::Depth,
        Kind::Flags,
        Kind::Force,
        Kind::Current,
        Kind::Caps,
        Kind::Classes,
        Kind::Limits,
        Kind::Steps,
        Kind::Fallback,
        Kind::Vectors,
        Kind::Names,
    ];
    /// What `<name>_channels.c` holds, where there are channels.
    pub(crate) const CHANNELS: [Kind; 2] = [Kind::Channels, Kind::Hermite3];
    /// Sections made of parts with check words.
    pub(crate) const PARTS: [Kind; 8] = [
        Kind::Meta,
        Kind::Caps,
        Kind::Classes,
        Kind::Limits,
        Kind::Steps,
        Kind::Fallback,
        Kind::Vectors,
        Kind::Channels,
    ];
    /// What `<name>_tables.c` holds.
    pub(crate) const TABLES: [Kind; 7] = [
        Kind::Meta,
        Kind::Depth,
        Kind::Flags,
        Kind::Force,
        Kind::Current,
        Kind::Classes,
        Kind::Steps,
    ];
    /// What `<name>_caps.c` holds.
    pub(crate) const CAPS: [Kind; 3] = [Kind::Meta, Kind::Caps, Kind::Limits];
    /// What `<name>_fallback.c` holds.
    pub(crate) const FALLBACK: [Kind; 2] = [Kind::Limits, Kind::Fallback];
    /// What `<name>_selftest.c` holds.
    pub(crate) const SELFTEST: [Kind; 1] = [Kind::Vectors];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Meta => "META",
            Kind::Depth => "DEPTH",
            Kind::Flags => "FLAGS",
            Kind::Force => "FORCE",
            Kind::Current => "CURRENT",
            Kind::Caps => "CAPS",
            Kind::Classes => "CLASSES",
            Kind::Limits => "LIMITS",
            Kind::Steps => "STEPS",
            Kind::Fallback => "FALLBACK",
            Kind::Vectors => "VECTORS",
            Kind::Names => "NAMES",
            Kind::Channels => "CHANNELS",
            Kind::Hermite3 => "HERMITE3",
        }
    }
}

/// A set of sections behind one header.
pub(crate) struct Image {
    header: Vec<Line>,
    sections: Vec<(Kind, Vec<Line>)>,
}

impl Image {
    /// The image of `kinds`, with every CRC in place.
    pub(crate) fn new(tables: &Tables, kinds: &[Kind]) -> Image {
        let mut sections: Vec<(Kind, Vec<Line>)> =
            kinds.iter().map(|&k| (k, section(tables, k))).collect();
        let mut directory = Vec::new();
        let mut end = HEADER_SIZE + ENTRY_SIZE * sections.len();
        for (kind, lines) in &mut sections {
            let data = bytes(lines);
            directory.push(Line::new(
                vec![
                    Cell::U16(*kind as u16),
                    Cell::U16(0),
                    Cell::U32(end as u32),
                    Cell::U32(data.len() as u32),
                    Cell::U32(crc32(&data)),
                ],
                format!("{}: kind, id, offset, size, CRC", kind.name()),
            ));
            end += data.len();
            let pad = end.next_multiple_of(8) - end;
            if pad > 0 {
                lines.push(Line::new(vec![Cell::U8(0); pad], "padding".into()));
                end += pad;
            }
        }
        let mut rest = header(tables, sections.len());
        rest.extend(directory);
        let first = Line::new(
            vec![
                Cell::U8(b'K'),
                Cell::U8(b'N'),
                Cell::U8(b'L'),
                Cell::U8(b'B'),
                Cell::U8(FORMAT_MAJOR),
                Cell::U8(0),
                Cell::U16(HEADER_SIZE as u16),
                Cell::U32(end as u32),
            ],
            format!("magic KNLB, format {FORMAT_MAJOR}.0, header size, total size"),
        );
        let mut covered = bytes(std::slice::from_ref(&first));
        covered.extend(bytes(&rest));
        for (_, lines) in &sections {
            covered.extend(bytes(lines));
        }
        let crc = Line::new(
            vec![Cell::U32(crc32(&covered))],
            "CRC of all other bytes".into(),
        );
        let mut header = vec![first, crc];
        header.extend(rest);
        Image { header, sections }
    }

    /// The image as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = bytes(&self.header);
        for (_, lines) in &self.sections {
            out.extend(bytes(lines));
        }
        out
    }

    /// Bytes of each section, padding included.
    pub(crate) fn sizes(&self) -> Vec<(Kind, usize)> {
        self.sections
            .iter()
            .map(|(k, lines)| (*k, bytes(lines).len()))
            .collect()
    }

    /// Where a section of this image starts.
    pub(crate) fn offset(&self, kind: Kind) -> usize {
        let before = self.sections.iter().take_while(|(k, _)| *k != kind);
        let sizes = before.map(|(_, lines)| bytes(lines).len());
        HEADER_SIZE + ENTRY_SIZE * self.sections.len() + sizes.sum::<usize>()
    }

    /// The body of a C array of bytes: raw values in macros, physical values in comments.
    pub(crate) fn c_text(&self) -> String {
        let mut out = String::new();
        write_lines(&mut out, &self.header);
        for (kind, lines) in &self.sections {
            let _ = writeln!(out, "\n  /* {}: {} */", kind.name(), describe(*kind));
            write_lines(&mut out, lines);
        }
        out
    }
}

/// CRC-32 as zlib computes it.
pub(crate) fn crc32(data: &[u8]) -> u32 {
    const ZLIB: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    ZLIB.checksum(data)
}

/// A number of a fixed width.
#[derive(Clone, Copy)]
enum Cell {
    U8(u8),
    U16(u16),
    I16(i16),
    U32(u32),
}

/// Cells with what they mean.
struct Line {
    cells: Vec<Cell>,
    comment: String,
}

impl Line {
    fn new(cells: Vec<Cell>, comment: String) -> Line {
        Line { cells, comment }
    }

    /// Ends the cells of a part with their check word.
    fn part(kind: Kind, index: usize, mut cells: Vec<Cell>, comment: String) -> Line {
        let mut data = Vec::new();
        cells.iter().for_each(|c| c.push_to(&mut data));
        debug_assert_eq!(data.len(), check::PART - 2, "{comment}");
        cells.push(Cell::U16(check::check_word(
            &data,
            check::seed(kind, index),
        )));
        Line { cells, comment }
    }
}

impl Cell {
    fn push_to(self, out: &mut Vec<u8>) {
        match self {
            Cell::U8(v) => out.push(v),
            Cell::U16(v) => out.extend(v.to_le_bytes()),
            Cell::I16(v) => out.extend(v.to_le_bytes()),
            Cell::U32(v) => out.extend(v.to_le_bytes()),
        }
    }
}

fn bytes(lines: &[Line]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        line.cells.iter().for_each(|c| c.push_to(&mut out));
    }
    out
}

fn write_lines(out: &mut String, lines: &[Line]) {
    for line in lines {
        out.push_str("  ");
        for cell in &line.cells {
            let _ = match cell {
                Cell::U8(v) => write!(out, "U8({v}u), "),
                Cell::U16(v) => write!(out, "U16({v}u), "),
                Cell::I16(v) => write!(out, "I16({v}), "),
                Cell::U32(v) => write!(out, "U32(0x{v:08X}u), "),
            };
        }
        let _ = writeln!(out, "/* {} */", line.comment.replace("*/", "* /"));
    }
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Meta => "techniques, classes, stations, levels, first and last u in Q14, rows, check",
        Kind::Depth => {
            "depth from touch, 0.01 mm; per technique, class, station: one value per level"
        }
        Kind::Flags => "1 cap limited, 2 infeasible; order as DEPTH",
        Kind::Force => "expected node force, 0.01 N; order as DEPTH",
        Kind::Current => "expected protrusion motor current, mA; order as DEPTH",
        Kind::Caps => "depth 0.01 mm, force 0.01 N, dwell 0.1 s, tap 0.01 Hz, zone, check",
        Kind::Classes => "stature from, to in mm; body mass index from, to in 0.01 kg/m2; 0; check",
        Kind::Limits => {
            "session s, watchdog ticks, speed 1/256 of 0.01 mm per tick, acceleration mm/s2,\n     \
             retracted 0.01 mm, check; station and depth tolerance, requires, 0, check; forbids, 0, 0, 0, check"
        }
        Kind::Steps | Kind::Fallback => {
            "technique, end (0 arrival, 1 time, 2 cycles), level, 0, from, to, spacing (stations), check;\n     \
             hold (ticks), cycles, park 0.01 degree, speed 0.1 mm/s, timeout s, check"
        }
        Kind::Vectors => {
            "technique, body, level, flags, station, depth, force, check;\n     \
             current, cap depth, cap force, cap dwell, cap tap, check"
        }
        Kind::Names => "techniques, classes, zones; each ended by a zero byte",
        Kind::Channels => {
            "axis (0 carriage, 1 protrusion, 2 knead), shift, knots, first knot, low, high, check;\n     \
             1e-9 m or rad a unit, 0, 0, 0, check"
        }
        Kind::Hermite3 => "ticks to the next, position in units, velocity in 2^-shift units a tick",
    }
}

fn header(t: &Tables, sections: usize) -> Vec<Line> {
    let mut name = [0u8; 16];
    for (to, from) in name.iter_mut().zip(t.name.bytes()) {
        *to = from;
    }
    vec![
        Line::new(vec![Cell::U32(LAYOUT_HASH)], "layout hash".into()),
        Line::new(vec![Cell::U32(t.scene_id)], "scene id".into()),
        Line::new(
            vec![
                Cell::U32(t.content_hash as u32),
                Cell::U32((t.content_hash >> 32) as u32),
            ],
            "content hash".into(),
        ),
        Line::new(
            vec![Cell::U16(sections as u16), Cell::U16(TICK_MS * 100)],
            "sections, tick in 10 us".into(),
        ),
        Line::new(
            vec![Cell::U32(t.limits.forbids)],
            "forbidding conditions".into(),
        ),
        Line::new(
            vec![
                Cell::U16(t.class_names.len() as u16),
                Cell::U16(t.zones.len() as u16),
            ],
            "classes, zones".into(),
        ),
        Line::new(
            vec![Cell::U32(RT_VERSION)],
            "needs this runtime or a newer one".into(),
        ),
        Line::new(name.map(Cell::U8).to_vec(), "name".into()),
    ]
}

fn section(t: &Tables, kind: Kind) -> Vec<Line> {
    match kind {
        Kind::Meta => vec![Line::part(
            kind,
            0,
            vec![
                Cell::U8(t.techniques.len() as u8),
                Cell::U8(t.class_names.len() as u8),
                Cell::U8(t.stations),
                Cell::U8(t.levels),
                Cell::I16(t.from_q14),
                Cell::I16(t.to_q14),
                Cell::U16(t.steps.len() as u16),
            ],
            format!("u {:.4} to {:.4}", t.u(0), t.u(usize::from(t.stations) - 1)),
        )],
        Kind::Depth => map(t, "mm", |i| {
            (
                Cell::I16(t.depth[i]),
                f64::from(t.depth[i]) * 1000.0 / DEPTH_PER_M,
            )
        }),
        Kind::Flags => map(t, "", |i| (Cell::U8(t.flags[i]), f64::NAN)),
        Kind::Force => map(t, "N", |i| {
            (Cell::U16(t.force[i]), f64::from(t.force[i]) / FORCE_PER_N)
        }),
        Kind::Current => map(t, "A", |i| {
            (
                Cell::U16(t.current[i]),
                f64::from(t.current[i]) / CURRENT_PER_A,
            )
        }),
        Kind::Caps => caps(t),
        Kind::Classes => t
            .classes
            .iter()
            .zip(&t.class_names)
            .enumerate()
            .map(|(i, (c, name))| {
                Line::part(
                    kind,
                    i,
                    vec![
                        Cell::U16(c.stature_min),
                        Cell::U16(c.stature_max),
                        Cell::U16(c.bmi_min),
                        Cell::U16(c.bmi_max),
                        Cell::U16(0),
                    ],
                    format!(
                        "{name}: {:.3} to {:.3} m, {:.2} to {:.2} kg/m2",
                        f64::from(c.stature_min) / 1000.0,
                        f64::from(c.stature_max) / 1000.0,
                        f64::from(c.bmi_min) / 100.0,
                        f64::from(c.bmi_max) / 100.0
                    ),
                )
            })
            .collect(),
        Kind::Limits => limits(t),
        Kind::Steps => steps(t, kind, &t.steps),
        Kind::Fallback => steps(t, kind, &t.fallback),
        Kind::Vectors => vectors(t),
        Kind::Channels => channels(t),
        Kind::Hermite3 => knots(t),
        Kind::Names => {
            let names = t.techniques.iter().chain(&t.class_names).chain(&t.zones);
            names
                .map(|n| {
                    let cells = n.bytes().chain([0]).map(Cell::U8).collect();
                    Line::new(cells, n.clone())
                })
                .collect()
        }
    }
}

/// One line per column of a map.
fn map(t: &Tables, unit: &str, value: impl Fn(usize) -> (Cell, f64)) -> Vec<Line> {
    let mut lines = Vec::new();
    for (technique, name) in t.techniques.iter().enumerate() {
        for row in 0..t.rows() {
            for station in 0..usize::from(t.stations) {
                let (cells, physical): (Vec<Cell>, Vec<f64>) = (0..usize::from(t.levels))
                    .map(|level| value(t.cell(technique, row, station, level)))
                    .unzip();
                let mut comment = format!("{name}, {}, u {:.4}", t.row_name(row), t.u(station));
                if !unit.is_empty() {
                    let values: Vec<String> = physical.iter().map(|v| format!("{v:.2}")).collect();
                    let _ = write!(comment, ": {} {unit}", values.join(" "));
                }
                lines.push(Line::new(cells, comment));
            }
        }
    }
    lines
}

fn caps(t: &Tables) -> Vec<Line> {
    let mut lines = Vec::new();
    for row in 0..t.rows() {
        for station in 0..usize::from(t.stations) {
            let index = t.cap_index(row, station);
            let cap = &t.caps[index];
            lines.push(Line::part(
                Kind::Caps,
                index,
                vec![
                    Cell::I16(cap.depth),
                    Cell::U16(cap.force),
                    Cell::U16(cap.dwell),
                    Cell::U16(cap.tap),
                    Cell::U16(cap.zone),
                ],
                format!(
                    "{}, u {:.4}, {}: {:.2} mm, {:.2} N, {:.1} s, {:.2} Hz",
                    t.row_name(row),
                    t.u(station),
                    t.zones[usize::from(cap.zone)],
                    f64::from(cap.depth) / 100.0,
                    f64::from(cap.force) / 100.0,
                    f64::from(cap.dwell) / 10.0,
                    f64::from(cap.tap) / 100.0
                ),
            ));
        }
    }
    lines
}

fn limits(t: &Tables) -> Vec<Line> {
    let l = &t.limits;
    let ticks_per_s = 1000.0 / f64::from(TICK_MS);
    let part = |index, cells, comment| Line::part(Kind::Limits, index, cells, comment);
    vec![
        part(
            0,
            vec![
                Cell::U16(l.session),
                Cell::U16(l.watchdog),
                Cell::U16(l.speed_q8),
                Cell::U16(l.accel),
                Cell::I16(l.retracted),
            ],
            format!(
                "{} s, {:.2} s, {:.2} mm/s, {} mm/s2, retracted {:.2} mm",
                l.session,
                f64::from(l.watchdog) / ticks_per_s,
                f64::from(l.speed_q8) / 256.0 / 100.0 * ticks_per_s,
                l.accel,
                f64::from(l.retracted) / 100.0
            ),
        ),
        part(
            1,
            vec![
                Cell::U16(l.station_tolerance),
                Cell::U16(l.depth_tolerance),
                Cell::U32(l.requires),
                Cell::U16(0),
            ],
            format!(
                "arrived within {:.3} columns, {:.2} mm; requires",
                f64::from(l.station_tolerance) / 2048.0,
                f64::from(l.depth_tolerance) / 100.0
            ),
        ),
        part(
            2,
            vec![
                Cell::U32(l.forbids),
                Cell::U16(0),
                Cell::U16(0),
                Cell::U16(0),
            ],
            "forbids".into(),
        ),
    ]
}

/// Two parts a row: where, then how.
fn steps(t: &Tables, kind: Kind, rows: &[Step]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (i, s) in rows.iter().enumerate() {
        let name = t
            .techniques
            .get(usize::from(s.technique))
            .map_or("travel", String::as_str);
        lines.push(Line::part(
            kind,
            2 * i,
            vec![
                Cell::U8(s.technique),
                Cell::U8(s.end),
                Cell::U8(s.level),
                Cell::U8(s.press),
                Cell::U16(s.from),
                Cell::U16(s.to),
                Cell::U16(s.spacing),
            ],
            format!(
                "{name}, columns {:.2} to {:.2}, level {}, out at {:.3} mm/s",
                f64::from(s.from) / 2048.0,
                f64::from(s.to) / 2048.0,
                s.level,
                f64::from(s.press) * 1e3 / PRESS_PER_M_S
            ),
        ));
        lines.push(Line::part(
            kind,
            2 * i + 1,
            vec![
                Cell::U16(s.hold),
                Cell::U16(s.cycles),
                Cell::U16(s.park),
                Cell::U16(s.speed),
                Cell::U16(s.timeout),
            ],
            format!(
                "{}, {:.2} degree, {:.1} mm/s, at most {} s",
                match s.end {
                    0 => format!("{} passes", s.cycles),
                    1 => format!("{:.2} s", f64::from(s.hold) * f64::from(TICK_MS) / 1000.0),
                    _ => format!(
                        "{} turns at {:.2} a minute",
                        s.cycles,
                        f64::from(s.hold) / 100.0
                    ),
                },
                f64::from(s.park) / 100.0,
                f64::from(s.speed) / 10.0,
                s.timeout
            ),
        ));
    }
    lines
}

/// Two parts a channel.
fn channels(t: &Tables) -> Vec<Line> {
    let mut first = 0;
    let lines = |(i, c): (usize, &Channel)| {
        let unit_um = f64::from(c.nano_per_unit) / 1000.0;
        let head = vec![
            Cell::U8(c.axis),
            Cell::U8(c.shift),
            Cell::U16(c.knots.len() as u16),
            Cell::U16(first),
            Cell::I16(c.low),
            Cell::I16(c.high),
        ];
        first += c.knots.len() as u16;
        let about = format!(
            "{} s, {:.3} to {:.3} m or rad",
            f64::from(c.ticks()) * f64::from(TICK_MS) / 1000.0,
            f64::from(c.low) * unit_um / 1e6,
            f64::from(c.high) * unit_um / 1e6
        );
        let unit = vec![
            Cell::U32(c.nano_per_unit),
            Cell::U16(0),
            Cell::U16(0),
            Cell::U16(0),
        ];
        let unit_text = format!("{unit_um:.3} um or urad a unit");
        [
            Line::part(Kind::Channels, 2 * i, head, about),
            Line::part(Kind::Channels, 2 * i + 1, unit, unit_text),
        ]
    };
    t.channels.iter().enumerate().flat_map(lines).collect()
}

fn knots(t: &Tables) -> Vec<Line> {
    let of = |c: &Channel| -> Vec<Line> {
        let unit = f64::from(c.nano_per_unit) * 1e-9;
        let per_s = 1000.0 / f64::from(TICK_MS) / f64::from(1_u32 << c.shift);
        let line = |k: &Knot| {
            Line::new(
                vec![
                    Cell::U16(k.dt),
                    Cell::I16(k.position),
                    Cell::I16(k.velocity),
                ],
                format!(
                    "{:.5}, {:.5} a second",
                    f64::from(k.position) * unit,
                    f64::from(k.velocity) * unit * per_s
                ),
            )
        };
        c.knots.iter().map(line).collect()
    };
    t.channels.iter().flat_map(of).collect()
}

/// Two parts a vector.
fn vectors(t: &Tables) -> Vec<Line> {
    let lines = |(i, v): (usize, &Vector)| {
        let asked = vec![
            Cell::U8(v.technique),
            Cell::U8(v.body),
            Cell::U8(v.level),
            Cell::U8(v.flags),
            Cell::U16(v.station),
            Cell::I16(v.depth),
            Cell::U16(v.force),
        ];
        let name = &t.techniques[usize::from(v.technique)];
        let comment = format!(
            "{name}, {}: {:.2} mm, {:.2} N",
            t.row_name(usize::from(v.body)),
            f64::from(v.depth) / 100.0,
            f64::from(v.force) / 100.0
        );
        let rest = vec![
            Cell::U16(v.current),
            Cell::I16(v.cap.depth),
            Cell::U16(v.cap.force),
            Cell::U16(v.cap.dwell),
            Cell::U16(v.cap.tap),
        ];
        let caps = format!(
            "{:.3} A, cap {:.2} mm, {:.2} N",
            f64::from(v.current) / CURRENT_PER_A,
            f64::from(v.cap.depth) / 100.0,
            f64::from(v.cap.force) / 100.0
        );
        [
            Line::part(Kind::Vectors, 2 * i, asked, comment),
            Line::part(Kind::Vectors, 2 * i + 1, rest, caps),
        ]
    };
    t.vectors.iter().enumerate().flat_map(lines).collect()
}
