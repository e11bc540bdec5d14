//! What changed between two exports, in units, for whom.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::eval::{Counts, Lookup, STATION};
use crate::tables::{
    Cap, INFEASIBLE, Limits, NO_TECHNIQUE, PRESS_PER_M_S, STATION_ONE, Step, Tables,
};

/// All that two exports differ in. [`Difference::lines`] tells it shortly; as JSON it is complete.
///
/// Techniques, classes and zones are matched by name, levels by number, places by u: where the columns moved, the old tables are looked up at
/// the new ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Content hashes, old and new.
    pub content: [String; 2],
    /// Techniques, classes, columns, levels that are not the same: what cannot be compared is said here.
    pub shape: Vec<String>,
    /// Caps that changed, every class and column.
    pub caps: Vec<CapChange>,
    /// Limits of the session, in units.
    pub limits: Vec<LimitChange>,
    /// Bounds of body classes.
    pub class_bounds: Vec<String>,
    /// Rows of the programme.
    pub programme: Vec<String>,
    /// Rows of the fallback.
    pub fallback: Vec<String>,
    /// Cells that changed.
    pub cells: Vec<CellChange>,
    /// Cells that were compared.
    pub cells_compared: usize,
}

/// One cap of one class at one column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapChange {
    /// Zone that binds in the new tables.
    pub zone: String,
    /// Class.
    pub class: String,
    /// Station.
    pub u: f64,
    /// New less old, mm.
    pub depth_mm: f64,
    /// New less old, N.
    pub force_n: f64,
    /// New less old, s.
    pub dwell_s: f64,
    /// New less old, Hz.
    pub tap_hz: f64,
    /// Old values: depth, force, dwell, tap.
    pub old: [f64; 4],
}

impl CapChange {
    fn parts(&self) -> [(f64, &'static str); 4] {
        [
            (self.depth_mm, "mm"),
            (self.force_n, "N"),
            (self.dwell_s, "s"),
            (self.tap_hz, "Hz"),
        ]
    }

    /// Whether any of it allows more than before.
    pub fn raised(&self) -> bool {
        self.parts().iter().any(|(d, _)| *d > 0.0)
    }
}

/// One limit of the session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitChange {
    /// Which.
    pub name: &'static str,
    /// Before, with its unit.
    pub old: String,
    /// After.
    pub new: String,
    /// Whether more is allowed than before.
    pub raised: bool,
}

/// One cell of the maps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellChange {
    /// Zone whose cap binds there in the new tables.
    pub zone: String,
    /// Class.
    pub class: String,
    /// Technique.
    pub technique: String,
    /// Level, from 1.
    pub level: u8,
    /// Station.
    pub u: f64,
    /// New less old, mm; none where either is retracted for want of a safe depth.
    pub depth_mm: Option<f64>,
    /// New less old, N.
    pub force_n: f64,
    /// New less old, A.
    pub current_a: f64,
    /// Tuned flags, old and new.
    pub flags: [u8; 2],
}

/// Compares two exports.
pub fn diff(old: &Tables, new: &Tables) -> Difference {
    let hash = |t: &Tables| format!("{:016x}", t.content_hash);
    let mut out = Difference {
        content: [hash(old), hash(new)],
        ..Difference::default()
    };
    out.shape(old, new);
    out.limits(&old.limits, &new.limits);
    out.programme = steps((old, &old.steps), (new, &new.steps));
    out.fallback = steps((old, &old.fallback), (new, &new.fallback));
    let rows = shared_rows(old, new);
    for (row, other, class) in &rows {
        for column in 0..usize::from(new.stations) {
            if let Some(place) = Place::new(old, new, *row, *other, column) {
                out.compare_caps(class, &place);
                out.compare_cells(old, new, class, &place);
            }
        }
    }
    out
}

/// A column of the new tables and the same place in the old ones.
struct Place {
    u: f64,
    old: (u8, u16),
    new: (u8, u16),
    caps: [Cap; 2],
    zone: String,
}

impl Place {
    /// None beyond the old tables' ends.
    fn new(old: &Tables, new: &Tables, row: usize, other: usize, column: usize) -> Option<Place> {
        let station = column as u16 * STATION_ONE;
        let there = if axis(old) == axis(new) {
            station
        } else {
            let q14 = new.u(column) * 16384.0;
            let inside = q14 >= f64::from(old.from_q14) - 0.5 && q14 <= f64::from(old.to_q14) + 0.5;
            inside.then(|| old.station(q14.round() as i16))?
        };
        let counts = &mut Counts::default();
        let (before, _) = old.cap(counts, row as u8, there);
        let (after, flags) = new.cap(counts, other as u8, station);
        (flags & STATION == 0).then(|| Place {
            u: (new.u(column) * 1e4).round() / 1e4,
            old: (row as u8, there),
            new: (other as u8, station),
            caps: [before, after],
            zone: new
                .zones
                .get(usize::from(after.zone))
                .cloned()
                .unwrap_or_default(),
        })
    }
}

impl Difference {
    /// Whether the two say the same.
    pub fn is_empty(&self) -> bool {
        self.content[0] == self.content[1] || self.same_values()
    }

    fn same_values(&self) -> bool {
        let same = Difference {
            content: self.content.clone(),
            cells_compared: self.cells_compared,
            ..Difference::default()
        };
        *self == same
    }

    fn shape(&mut self, old: &Tables, new: &Tables) {
        for (what, a, b) in [
            (
                "techniques",
                old.techniques.join(", "),
                new.techniques.join(", "),
            ),
            (
                "classes",
                old.class_names.join(", "),
                new.class_names.join(", "),
            ),
            ("columns", axis(old), axis(new)),
            ("levels", old.levels.to_string(), new.levels.to_string()),
        ] {
            if a != b {
                self.shape.push(format!("{what}: {a} -> {b}"));
            }
        }
        for (row, other, name) in shared_rows(old, new) {
            let (Some(a), Some(b)) = (old.classes.get(row), new.classes.get(other)) else {
                continue;
            };
            for (what, per, unit, a, b) in [
                (
                    "stature",
                    1.0,
                    "mm",
                    [a.stature_min, a.stature_max],
                    [b.stature_min, b.stature_max],
                ),
                (
                    "body mass index",
                    100.0,
                    "kg/m2",
                    [a.bmi_min, a.bmi_max],
                    [b.bmi_min, b.bmi_max],
                ),
            ] {
                if a != b {
                    let band = |v: [u16; 2]| {
                        format!("{} to {}", f64::from(v[0]) / per, f64::from(v[1]) / per)
                    };
                    self.class_bounds.push(format!(
                        "{name}: {what} {} -> {} {unit}",
                        band(a),
                        band(b)
                    ));
                }
            }
        }
    }

    fn limits(&mut self, a: &Limits, b: &Limits) {
        let numbers: [(&'static str, i64, i64, f64, &str); 7] = [
            ("session", a.session.into(), b.session.into(), 1.0, "s"),
            ("watchdog", a.watchdog.into(), b.watchdog.into(), 100.0, "s"),
            (
                "protrusion speed",
                a.speed_q8.into(),
                b.speed_q8.into(),
                256.0,
                "mm/s",
            ),
            (
                "protrusion acceleration",
                a.accel.into(),
                b.accel.into(),
                1.0,
                "mm/s2",
            ),
            (
                "retracted",
                a.retracted.into(),
                b.retracted.into(),
                100.0,
                "mm",
            ),
            (
                "depth tolerance",
                a.depth_tolerance.into(),
                b.depth_tolerance.into(),
                100.0,
                "mm",
            ),
            (
                "station tolerance",
                a.station_tolerance.into(),
                b.station_tolerance.into(),
                2048.0,
                "columns",
            ),
        ];
        for (name, old, new, per, unit) in numbers {
            if old != new {
                let show = |v: i64| format!("{} {unit}", rounded(v as f64 / per, 2));
                self.limits.push(LimitChange {
                    name,
                    old: show(old),
                    new: show(new),
                    raised: new > old,
                });
            }
        }
        // Fewer bits that forbid, or that must be declared, let more people in.
        for (name, old, new) in [
            ("requires", a.requires, b.requires),
            ("forbids", a.forbids, b.forbids),
        ] {
            if old != new {
                self.limits.push(LimitChange {
                    name,
                    old: format!("0x{old:08X}"),
                    new: format!("0x{new:08X}"),
                    raised: old & !new != 0,
                });
            }
        }
    }

    fn compare_caps(&mut self, class: &str, place: &Place) {
        let [a, b] = &place.caps;
        let values = |c: &Cap| {
            [
                f64::from(c.depth) / 100.0,
                f64::from(c.force) / 100.0,
                f64::from(c.dwell) / 10.0,
                f64::from(c.tap) / 100.0,
            ]
        };
        let (old, new) = (values(a), values(b));
        if old != new {
            let less = |i: usize| rounded(new[i] - old[i], 2);
            self.caps.push(CapChange {
                zone: place.zone.clone(),
                class: class.into(),
                u: place.u,
                depth_mm: less(0),
                force_n: less(1),
                dwell_s: less(2),
                tap_hz: less(3),
                old,
            });
        }
    }

    fn compare_cells(&mut self, old: &Tables, new: &Tables, class: &str, place: &Place) {
        let counts = &mut Counts::default();
        for (technique, name) in new.techniques.iter().enumerate() {
            let Some(twin) = old.techniques.iter().position(|n| n == name) else {
                continue;
            };
            for level in 1..=old.levels.min(new.levels) {
                let (row, station) = place.old;
                let before = old.eval(counts, twin as u8, row, station, level);
                let (row, station) = place.new;
                let after = new.eval(counts, technique as u8, row, station, level);
                let (Some(a), Some(b)) = (before, after) else {
                    continue;
                };
                self.cells_compared += 1;
                self.cells
                    .extend(cell_change(&a, &b).map(|change| CellChange {
                        zone: place.zone.clone(),
                        class: class.into(),
                        technique: name.clone(),
                        level,
                        u: place.u,
                        ..change
                    }));
            }
        }
    }

    /// Short: caps first, and those that allow more before all; then limits, programme, maps. Maps and caps are gathered over
    /// stations, the largest changes first.
    pub fn lines(&self) -> Vec<String> {
        const MOST: usize = 40;
        if self.content[0] == self.content[1] {
            return Vec::new();
        }
        if self.same_values() {
            let [old, new] = &self.content;
            return vec![format!(
                "the same values; only the source differs (content {old} -> {new})"
            )];
        }
        let mut out = self.shape.clone();
        let raised = self.caps.iter().filter(|c| c.raised()).count();
        if !self.caps.is_empty() {
            out.push(format!(
                "caps: {raised} raised, {} lowered only",
                self.caps.len() - raised
            ));
        }
        out.extend(cap_lines(&self.caps, true));
        out.extend(cap_lines(&self.caps, false));
        out.extend(self.limits.iter().map(|l| {
            let mark = if l.raised { " (RAISED)" } else { "" };
            format!("limit, {}: {} -> {}{mark}", l.name, l.old, l.new)
        }));
        out.extend(self.class_bounds.iter().map(|b| format!("class, {b}")));
        out.extend(self.programme.iter().map(|s| format!("programme {s}")));
        out.extend(self.fallback.iter().map(|s| format!("fallback {s}")));
        if !self.cells.is_empty() {
            out.push(format!(
                "maps: {} of {} cells changed",
                self.cells.len(),
                self.cells_compared
            ));
        }
        let maps = map_lines(&self.cells);
        let more = maps.len().saturating_sub(MOST);
        out.extend(maps.into_iter().take(MOST));
        if more > 0 {
            out.push(format!(
                "and {more} more lines like these; --json has every cell"
            ));
        }
        out
    }
}

fn cell_change(a: &Lookup, b: &Lookup) -> Option<CellChange> {
    // Only what was tuned: the runtime's own flags say where one looked.
    let flags = [a.flags, b.flags].map(|f| f & 3);
    let changed =
        (a.depth, a.force, a.current) != (b.depth, b.force, b.current) || flags[0] != flags[1];
    let retracted = (flags[0] | flags[1]) & INFEASIBLE != 0;
    changed.then(|| CellChange {
        zone: String::new(),
        class: String::new(),
        technique: String::new(),
        level: 0,
        u: 0.0,
        depth_mm: (!retracted).then(|| rounded(f64::from(b.depth - a.depth) / 100.0, 2)),
        force_n: rounded((f64::from(b.force) - f64::from(a.force)) / 100.0, 2),
        current_a: rounded((f64::from(b.current) - f64::from(a.current)) / 1000.0, 3),
        flags,
    })
}

fn axis(t: &Tables) -> String {
    format!(
        "{} from u {:.4} to {:.4}",
        t.stations,
        t.u(0),
        t.u(usize::from(t.stations) - 1)
    )
}

/// Rows of both that serve the same class.
fn shared_rows(old: &Tables, new: &Tables) -> Vec<(usize, usize, String)> {
    (0..old.rows())
        .filter_map(|row| {
            let name = old.row_name(row);
            let other = (0..new.rows()).find(|&r| new.row_name(r) == name)?;
            Some((row, other, name.to_owned()))
        })
        .collect()
}

/// One line a row that changed, with its fields in units.
fn steps((old, a): (&Tables, &[Step]), (new, b): (&Tables, &[Step])) -> Vec<String> {
    let mut out = Vec::new();
    if a.len() != b.len() {
        out.push(format!("has {} rows, had {}", b.len(), a.len()));
    }
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        let (x, y) = (fields(old, x), fields(new, y));
        let parts: Vec<String> = x
            .iter()
            .zip(&y)
            .filter(|(x, y)| x != y)
            .map(|((name, x), (_, y))| format!("{name} {x} -> {y}"))
            .collect();
        if !parts.is_empty() {
            out.push(format!("row {i} ({}): {}", y[0].1, parts.join(", ")));
        }
    }
    out
}

fn fields(t: &Tables, s: &Step) -> Vec<(&'static str, String)> {
    let u = |station: u16| {
        let (from, to) = (f64::from(t.from_q14), f64::from(t.to_q14));
        let share = f64::from(station) / f64::from(t.last_station());
        format!("u {:.3}", (from + (to - from) * share) / 16384.0)
    };
    let technique = match t.techniques.get(usize::from(s.technique)) {
        Some(name) => name.clone(),
        None if s.technique == NO_TECHNIQUE => "travel".into(),
        None => s.technique.to_string(),
    };
    let end = ["arrival", "time", "cycles"].get(usize::from(s.end));
    let pitch = f64::from(t.to_q14 - t.from_q14) / 16384.0 / f64::from(t.last_station());
    vec![
        ("technique", technique),
        ("end", end.map_or(s.end.to_string(), |e| (*e).into())),
        ("level", s.level.to_string()),
        ("from", u(s.from)),
        ("to", u(s.to)),
        ("spacing", format!("u {:.3}", f64::from(s.spacing) * pitch)),
        (
            "hold",
            match s.end {
                1 => format!("{:.2} s", f64::from(s.hold) / 100.0),
                _ => "none".into(),
            },
        ),
        (
            "knead",
            format!("{:.2} turns a minute", f64::from(s.knead()) / 100.0),
        ),
        (
            "press",
            format!("{:.3} mm/s", f64::from(s.press) * 1e3 / PRESS_PER_M_S),
        ),
        ("cycles", s.cycles.to_string()),
        ("park", format!("{:.2} degrees", f64::from(s.park) / 100.0)),
        ("speed", format!("{:.1} mm/s", f64::from(s.speed) / 10.0)),
        ("timeout", format!("{} s", s.timeout)),
    ]
}

// ---- short lines ----

/// Smallest and largest of some values.
#[derive(Clone, Copy, Debug)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn of(values: impl Iterator<Item = f64>) -> Option<Range> {
        values.fold(None, |range: Option<Range>, v| {
            Some(range.map_or(Range { low: v, high: v }, |r| Range {
                low: r.low.min(v),
                high: r.high.max(v),
            }))
        })
    }

    /// `+1.3 mm`, `-0.2 to +1.3 mm`; nothing where all are 0.
    fn text(self, unit: &str) -> Option<String> {
        let show = |v: f64| {
            let text = format!("{v:+.2}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            if text == "+" || text == "-" || v == 0.0 {
                "0".into()
            } else {
                text.to_string()
            }
        };
        let (low, high) = (show(self.low), show(self.high));
        if self.low == 0.0 && self.high == 0.0 {
            return None;
        }
        Some(if low == high {
            format!("{low} {unit}")
        } else {
            format!("{low} to {high} {unit}")
        })
    }

    fn size(self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

/// ` (u 0.43)`, ` (5 columns, u 0.43 to 0.57)`.
fn columns(us: &[f64]) -> String {
    match Range::of(us.iter().copied()) {
        Some(r) if r.low == r.high => format!(" (u {:.2})", r.low),
        Some(r) => format!(" ({} columns, u {:.2} to {:.2})", us.len(), r.low, r.high),
        None => String::new(),
    }
}

/// One line for each zone and class.
fn cap_lines(caps: &[CapChange], raised: bool) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str), Vec<&CapChange>> = BTreeMap::new();
    for cap in caps.iter().filter(|c| c.raised() == raised) {
        groups.entry((&cap.zone, &cap.class)).or_default().push(cap);
    }
    let lines = groups.into_iter().map(|((zone, class), caps)| {
        let parts = (0..4).filter_map(|i| {
            let range = Range::of(caps.iter().map(|c| c.parts()[i].0))?;
            range.text(caps[0].parts()[i].1)
        });
        let mark = if raised { "RAISED cap" } else { "cap" };
        let us: Vec<f64> = caps.iter().map(|c| c.u).collect();
        let parts: Vec<String> = parts.collect();
        format!(
            "{mark}, {zone}, {class}: {}{}",
            parts.join(", "),
            columns(&us)
        )
    });
    lines.collect()
}

/// One line for each zone, class and technique whose levels changed alike in kind; the largest change of depth first.
fn map_lines(cells: &[CellChange]) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&CellChange>> = BTreeMap::new();
    for cell in cells {
        let key = (
            cell.zone.as_str(),
            cell.class.as_str(),
            cell.technique.as_str(),
        );
        groups.entry(key).or_default().push(cell);
    }
    let mut lines: Vec<(f64, String)> = groups
        .into_iter()
        .map(|((zone, class, technique), cells)| {
            let depth = Range::of(cells.iter().filter_map(|c| c.depth_mm));
            let felt = || cells.iter().filter(|c| c.depth_mm.is_some());
            let force = Range::of(felt().map(|c| c.force_n));
            let current = Range::of(felt().map(|c| c.current_a));
            let mut parts: Vec<String> = [(depth, "mm"), (force, "N"), (current, "A")]
                .into_iter()
                .filter_map(|(range, unit)| range?.text(unit))
                .collect();
            let count = |from: u8, to: u8, bit: u8| {
                let hit = |c: &&&CellChange| c.flags[0] & bit == from && c.flags[1] & bit == to;
                cells.iter().filter(hit).count()
            };
            for (n, what) in [
                (
                    count(0, INFEASIBLE, INFEASIBLE),
                    "cells now retracted: no safe depth",
                ),
                (
                    count(INFEASIBLE, 0, INFEASIBLE),
                    "cells no longer retracted",
                ),
                (count(0, 1, 1), "cells newly at their cap"),
                (count(1, 0, 1), "cells no longer at their cap"),
            ] {
                if n > 0 {
                    parts.push(format!("{n} {what}"));
                }
            }
            let mut us: Vec<f64> = cells.iter().map(|c| c.u).collect();
            us.sort_by(f64::total_cmp);
            us.dedup();
            let line = format!(
                "{zone}, {class}, {technique}, {}: {}{}",
                levels(&cells),
                parts.join(", "),
                columns(&us)
            );
            // A place that is opened or closed counts before any change of depth.
            let opened = cells.iter().any(|c| c.depth_mm.is_none());
            (
                depth.map_or(0.0, Range::size) + if opened { 1e3 } else { 0.0 },
                line,
            )
        })
        .collect();
    lines.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// `level 4`, `levels 1 to 5`, `levels 1, 3`.
fn levels(cells: &[&CellChange]) -> String {
    let mut levels: Vec<u8> = cells.iter().map(|c| c.level).collect();
    levels.sort_unstable();
    levels.dedup();
    let run = levels.windows(2).all(|w| w[1] == w[0] + 1);
    let mut out = String::new();
    match levels.as_slice() {
        [one] => {
            let _ = write!(out, "level {one}");
        }
        [first, .., last] if run => {
            let _ = write!(out, "levels {first} to {last}");
        }
        all => {
            let list: Vec<String> = all.iter().map(u8::to_string).collect();
            let _ = write!(out, "levels {}", list.join(", "));
        }
    }
    out
}

fn rounded(value: f64, digits: i32) -> f64 {
    let per = 10f64.powi(digits);
    (value * per).round() / per
}
