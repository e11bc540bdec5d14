//! The files of an export, in memory.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::a2l;
use crate::channel;
use crate::eval::{CAP_APPLIED, Counts};
use crate::hex;
use crate::image::{Image, Kind};
use crate::model::Model;
use crate::tables::{
    CURRENT_PER_A, Channel, DEPTH_PER_M, FORCE_PER_N, INFEASIBLE, Knot, LAYOUT_HASH, STATION_ONE,
    Step, TICK_MS, Tables,
};

/// Path and content of each file, sorted by path; but for the Rust crate all lie flat in one folder.
///
/// The same tables and model give the same bytes, on any machine and day.
pub fn files(tables: &Tables, model: &Model) -> Vec<(String, Vec<u8>)> {
    let name = &tables.name;
    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    let mut text = |path: String, content: String| out.push((path, content.into_bytes()));
    text("kneadlab_rt.h".into(), RUNTIME_H.into());
    text("kneadlab_rt.c".into(), RUNTIME_C.into());
    if !tables.channels.is_empty() {
        text("kneadlab_channel.h".into(), CHANNEL_H.into());
        text("kneadlab_channel.c".into(), CHANNEL_C.into());
        text(format!("{name}_channels.csv"), channels_csv(tables));
    }
    for part in parts(tables) {
        text(
            format!("{name}_{}.h", part.suffix),
            c_header(tables, model, part),
        );
        text(
            format!("{name}_{}.c", part.suffix),
            c_source(tables, model, part),
        );
    }
    text("example_main.c".into(), fill(EXAMPLE_MAIN, tables));
    text("selftest_main.c".into(), fill(SELFTEST_MAIN, tables));
    text("log_main.c".into(), fill(LOG_MAIN, tables));
    text("CMakeLists.txt".into(), fill(CMAKE, tables));
    text("rust/Cargo.toml".into(), fill(RUST_CARGO, tables));
    text("rust/src/kneadlab_rt.rs".into(), RUNTIME_RS.into());
    text("rust/src/lib.rs".into(), fill(RUST_LIB, tables));
    text("README.md".into(), readme(tables, model));
    text("LAYOUT.md".into(), LAYOUT.into());
    text(
        format!("{name}.json"),
        json_text(&tables_json(tables, model)),
    );
    text(format!("{name}.csv"), csv(tables));
    text("report.json".into(), json_text(&report_json(tables, model)));
    text("report.md".into(), report_md(tables, model));
    let blob = blob(tables);
    text(format!("{name}.a2l"), a2l::text(tables));
    text(format!("{name}.hex"), hex::text(&blob));
    out.push((format!("{name}.bin"), blob));
    out.sort();
    out
}

/// The `.bin`: one image with every section.
pub fn blob(tables: &Tables) -> Vec<u8> {
    let mut kinds = Kind::ALL.to_vec();
    if !tables.channels.is_empty() {
        kinds.extend(Kind::CHANNELS);
    }
    Image::new(tables, &kinds).bytes()
}

/// The C file pairs of these tables.
fn parts(t: &Tables) -> impl Iterator<Item = &'static Part> {
    let count = PARTS.len() - usize::from(t.channels.is_empty());
    PARTS.iter().take(count)
}

const RUNTIME_H: &str = include_str!("../runtime/kneadlab_rt.h");
const RUNTIME_RS: &str = include_str!("../runtime/kneadlab_rt.rs");
const RUST_CARGO: &str = include_str!("../runtime/rust_cargo.toml");
const RUST_LIB: &str = include_str!("../runtime/rust_lib.rs");
const CHANNEL_H: &str = include_str!("../runtime/kneadlab_channel.h");
const CHANNEL_C: &str = include_str!("../runtime/kneadlab_channel.c");
const RUNTIME_C: &str = include_str!("../runtime/kneadlab_rt.c");
const SELFTEST_MAIN: &str = include_str!("../runtime/selftest_main.c");
const EXAMPLE_MAIN: &str = include_str!("../runtime/example_main.c");
const LOG_MAIN: &str = include_str!("../runtime/log_main.c");
const CMAKE: &str = include_str!("../runtime/CMakeLists.txt");
const README: &str = include_str!("../runtime/README.md");
const LAYOUT: &str = include_str!("../LAYOUT.md");

/// A C file pair and the image in it.
struct Part {
    suffix: &'static str,
    kinds: &'static [Kind],
    what: &'static str,
}

const PARTS: [Part; 5] = [
    Part {
        suffix: "tables",
        kinds: &Kind::TABLES,
        what: "Maps, body classes and programme.",
    },
    Part {
        suffix: "caps",
        kinds: &Kind::CAPS,
        what: "Caps and session limits: what no programme and no user setting may exceed.",
    },
    Part {
        suffix: "fallback",
        kinds: &Kind::FALLBACK,
        what: "What runs when anything fails. Needs no map.",
    },
    Part {
        suffix: "selftest",
        kinds: &Kind::SELFTEST,
        what: "Lookups and their exact answers. Against the unrounded model a depth is at most 1 unit\n \
               * off; beside a column that stands at its cap at most 1.5, as caps are rounded down.",
    },
    Part {
        suffix: "channels",
        kinds: &Kind::CHANNELS,
        what: "Axes over time, as cubics between knots.",
    },
];

fn fill(template: &str, t: &Tables) -> String {
    template
        .replace("@NAME@", &t.name)
        .replace("@UPPER@", &t.name.to_uppercase())
        .replace("@REQUIRES@", &t.limits.requires.to_string())
        .replace("@CRATE@", &t.name.to_lowercase())
        .replace("@INDICES@", &rust_indices(t))
}

/// Techniques and classes by name.
fn rust_indices(t: &Tables) -> String {
    let mut out = String::new();
    for (kind, names) in [("TECHNIQUE", &t.techniques), ("CLASS", &t.class_names)] {
        for (i, name) in names.iter().enumerate() {
            let text = name.replace(['\n', '\r'], " ");
            let _ = write!(
                out,
                "\n/// {text}\npub const {kind}_{}: u8 = {i};",
                macro_name(name)
            );
        }
    }
    out
}

fn c_comment(t: &Tables, m: &Model, file: &str, what: &str) -> String {
    let s = &m.source;
    let clean = |text: &str| text.replace("*/", "* /").replace(['\n', '\r'], " ");
    format!(
        "/*\n * {file}: generated, do not edit.\n * {what}\n *\n \
         * content {:016x}, layout {LAYOUT_HASH:08x}\n \
         * made by {}, scene {}, study {}, seed {}\n * {}\n */\n",
        t.content_hash,
        clean(&s.version),
        clean(&s.scene_hash),
        clean(&s.study_hash),
        s.seed,
        clean(&s.notice)
    )
}

fn c_header(t: &Tables, m: &Model, part: &Part) -> String {
    let (name, suffix) = (&t.name, part.suffix);
    let upper = format!("{}_{}", name.to_uppercase(), suffix.to_uppercase());
    let size = Image::new(t, part.kinds).bytes().len();
    let mut out = c_comment(t, m, &format!("{name}_{suffix}.h"), part.what);
    let _ = write!(
        out,
        "#ifndef {upper}_H\n#define {upper}_H\n\n#include \"kneadlab_rt.h\"\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n#define {upper}_SIZE {size}u\n"
    );
    if suffix == "tables" {
        let upper = name.to_uppercase();
        for (i, technique) in t.techniques.iter().enumerate() {
            let _ = writeln!(
                out,
                "#define {upper}_TECHNIQUE_{} {i}u",
                macro_name(technique)
            );
        }
        for (i, class) in t.class_names.iter().enumerate() {
            let _ = writeln!(out, "#define {upper}_CLASS_{} {i}u", macro_name(class));
        }
        let _ = writeln!(out, "#define {upper}_LEVELS {}u", t.levels);
        let _ = writeln!(out, "#define {upper}_COLUMNS {}u", t.stations);
        let _ = writeln!(out, "#define {upper}_LAST_STATION {}u", t.last_station());
    }
    if suffix == "selftest" {
        let upper = name.to_uppercase();
        let _ = writeln!(out, "#define {upper}_SELFTEST_COUNT {}u", t.vectors.len());
        let _ = writeln!(
            out,
            "#define {upper}_SELFTEST_TOLERANCE 2u /* depth, to the unrounded model */"
        );
    }
    let _ = write!(
        out,
        "\nextern const uint8_t {name}_{suffix}[{upper}_SIZE];\n\n\
         #ifdef __cplusplus\n}}\n#endif\n#endif\n"
    );
    out
}

fn c_source(t: &Tables, m: &Model, part: &Part) -> String {
    let (name, suffix) = (&t.name, part.suffix);
    let upper = format!("{}_{}", name.to_uppercase(), suffix.to_uppercase());
    let mut out = c_comment(t, m, &format!("{name}_{suffix}.c"), part.what);
    let text = Image::new(t, part.kinds).c_text();
    let _ = writeln!(out, "#include \"{name}_{suffix}.h\"\n");
    // Only the macros that this file uses, so that no compiler warns of an unused one.
    for (used, line) in [
        ("U8(", "#define U8(x) (uint8_t)(x)"),
        (
            "U16(",
            "#define U16(x) (uint8_t)((x) & 0xFFu), (uint8_t)((x) >> 8)",
        ),
        ("I16(", "#define I16(x) U16((uint16_t)(x))"),
        (
            "U32(",
            "#define U32(x) \\\n  (uint8_t)((x) & 0xFFu), (uint8_t)(((x) >> 8) & 0xFFu), \\\n      \
             (uint8_t)(((x) >> 16) & 0xFFu), (uint8_t)((x) >> 24)",
        ),
    ] {
        if text.contains(used) {
            let _ = writeln!(out, "{line}");
        }
    }
    let _ = writeln!(
        out,
        "\nKNEADLAB_SECTION const uint8_t {name}_{suffix}[{upper}_SIZE] = {{\n{text}}};"
    );
    out
}

fn macro_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

fn mm(depth: i16) -> f64 {
    f64::from(depth) * 1000.0 / DEPTH_PER_M
}

/// Nested arrays [technique][row][station][level].
fn nested(t: &Tables, value: impl Fn(usize) -> Value) -> Value {
    let levels = |k, r, s| {
        (0..usize::from(t.levels))
            .map(|l| value(t.cell(k, r, s, l)))
            .collect::<Value>()
    };
    let stations = |k, r| {
        (0..usize::from(t.stations))
            .map(|s| levels(k, r, s))
            .collect::<Value>()
    };
    let rows = |k| (0..t.rows()).map(|r| stations(k, r)).collect::<Value>();
    (0..t.techniques.len()).map(rows).collect()
}

fn step_json(s: &Step) -> Value {
    json!({
        "technique": s.technique, "end": s.end, "level": s.level, "from": s.from, "to": s.to,
        "spacing": s.spacing, "hold": s.hold, "cycles": s.cycles, "park": s.park,
        "speed": s.speed, "timeout": s.timeout, "press": s.press,
    })
}

fn source_json(t: &Tables, m: &Model) -> Value {
    json!({
        "content_hash": format!("{:016x}", t.content_hash),
        "layout_hash": format!("{LAYOUT_HASH:08x}"),
        "notice": m.source.notice,
        "scene_hash": m.source.scene_hash,
        "scene_id": t.scene_id,
        "seed": m.source.seed,
        "study_hash": m.source.study_hash,
        "version": m.source.version,
    })
}

pub(crate) fn tables_json(t: &Tables, m: &Model) -> Value {
    let l = &t.limits;
    let caps: Value = (0..t.rows())
        .map(|row| {
            (0..usize::from(t.stations))
                .map(|s| {
                    let c = &t.caps[t.cap_index(row, s)];
                    json!({"depth": c.depth, "force": c.force, "dwell": c.dwell, "tap": c.tap, "zone": c.zone})
                })
                .collect::<Value>()
        })
        .collect();
    let classes: Value = t
        .classes
        .iter()
        .zip(&t.class_names)
        .map(|(c, name)| {
            json!({
                "name": name, "stature_min": c.stature_min, "stature_max": c.stature_max,
                "bmi_min": c.bmi_min, "bmi_max": c.bmi_max,
            })
        })
        .collect();
    let vectors: Value = t
        .vectors
        .iter()
        .map(|v| {
            json!([
                v.technique,
                v.body,
                v.level,
                v.flags,
                v.station,
                v.depth,
                v.force,
                v.current,
                v.cap.depth,
                v.cap.force,
                v.cap.dwell,
                v.cap.tap
            ])
        })
        .collect();
    json!({
        "axis": {"from_q14": t.from_q14, "to_q14": t.to_q14, "stations": t.stations, "station_one": STATION_ONE},
        "caps": caps,
        "channels": channels_json(t),
        "classes": classes,
        "current": nested(t, |i| t.current[i].into()),
        "depth": nested(t, |i| t.depth[i].into()),
        "depth_mm": nested(t, |i| mm(t.depth[i]).into()),
        "fallback": t.fallback.iter().map(step_json).collect::<Value>(),
        "flags": nested(t, |i| t.flags[i].into()),
        "force": nested(t, |i| t.force[i].into()),
        "levels": t.levels,
        "limits": {
            "accel": l.accel, "depth_tolerance": l.depth_tolerance, "forbids": l.forbids,
            "requires": l.requires, "retracted": l.retracted, "session": l.session,
            "speed_q8": l.speed_q8, "station_tolerance": l.station_tolerance, "watchdog": l.watchdog,
        },
        "name": t.name,
        "order": "technique, class (last: unknown), station, level",
        "programme": t.steps.iter().map(step_json).collect::<Value>(),
        "source": source_json(t, m),
        "techniques": t.techniques,
        "units": {
            "accel": "mm/s2", "bmi": "0.01 kg/m2", "current": "mA", "depth": "0.01 mm",
            "dwell": "0.1 s", "force": "0.01 N", "hold": "10 ms", "park": "0.01 degree",
            "session": "s", "speed": "0.1 mm/s", "speed_q8": "0.01/256 mm per 10 ms",
            "station": "1/2048 column", "stature": "mm", "tap": "0.01 Hz", "timeout": "s",
            "watchdog": "10 ms",
        },
        "vectors": vectors,
        "zones": t.zones,
    })
}

/// Sorted keys; an array of plain values stands on one line.
fn json_text(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, 0);
    out.push('\n');
    out
}

fn write_json(out: &mut String, value: &Value, depth: usize) {
    let flat = |v: &Value| !v.is_array() && !v.is_object();
    let pad = "  ".repeat(depth + 1);
    match value {
        Value::Object(map) if map.values().all(flat) && depth > 1 => {
            let mut entries: Vec<String> = map
                .iter()
                .map(|(k, v)| format!("{}: {v}", Value::from(k.as_str())))
                .collect();
            entries.sort();
            let _ = write!(out, "{{{}}}", entries.join(", "));
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push_str("{\n");
            for (i, key) in keys.iter().enumerate() {
                let _ = write!(out, "{pad}{}: ", Value::from(key.as_str()));
                write_json(out, &map[key.as_str()], depth + 1);
                out.push_str(if i + 1 < keys.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{}}}", "  ".repeat(depth));
        }
        Value::Array(items) if !items.iter().all(flat) => {
            out.push_str("[\n");
            for (i, item) in items.iter().enumerate() {
                out.push_str(&pad);
                write_json(out, item, depth + 1);
                out.push_str(if i + 1 < items.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{}]", "  ".repeat(depth));
        }
        plain => {
            let _ = write!(out, "{plain}");
        }
    }
}

/// Every knot of every channel.
fn channels_csv(t: &Tables) -> String {
    let mut out =
        String::from("axis,knot,ticks,position_raw,velocity_raw,time_s,position,velocity_per_s\n");
    for c in &t.channels {
        let unit = f64::from(c.nano_per_unit) * 1e-9;
        let per_s = 1000.0 / f64::from(TICK_MS) / f64::from(1_u32 << c.shift);
        let mut ticks = 0_u32;
        for (i, k) in c.knots.iter().enumerate() {
            let _ = writeln!(
                out,
                "{},{i},{},{},{},{:.2},{:.6},{:.6}",
                c.axis,
                k.dt,
                k.position,
                k.velocity,
                f64::from(ticks) * f64::from(TICK_MS) / 1000.0,
                f64::from(k.position) * unit,
                f64::from(k.velocity) * unit * per_s
            );
            ticks += u32::from(k.dt);
        }
    }
    out
}

fn channels_json(t: &Tables) -> Value {
    let knots = |c: &Channel| -> Value {
        let one = |k: &Knot| json!([k.dt, k.position, k.velocity]);
        c.knots.iter().map(one).collect()
    };
    let one = |c: &Channel| {
        json!({
            "axis": c.axis, "shift": c.shift, "nano_per_unit": c.nano_per_unit, "low": c.low, "high": c.high,
            "knots": knots(c),
        })
    };
    t.channels.iter().map(one).collect()
}

fn csv(t: &Tables) -> String {
    let quote = |s: &str| {
        if s.contains([',', '"']) {
            format!("\"{}\"", s.replace('"', "\"\""))
        } else {
            s.to_owned()
        }
    };
    let mut out = String::from(
        "technique,class,station,u,level,depth_raw,depth_mm,force_n,current_a,flags,\
         zone,cap_depth_mm,cap_force_n,cap_dwell_s,cap_tap_hz\n",
    );
    for (technique, name) in t.techniques.iter().enumerate() {
        for row in 0..t.rows() {
            for station in 0..usize::from(t.stations) {
                let cap = &t.caps[t.cap_index(row, station)];
                for level in 0..usize::from(t.levels) {
                    let i = t.cell(technique, row, station, level);
                    let _ = writeln!(
                        out,
                        "{},{},{},{:.4},{},{},{:.2},{:.2},{:.3},{},{},{:.2},{:.2},{:.1},{:.2}",
                        quote(name),
                        quote(t.row_name(row)),
                        station * usize::from(STATION_ONE),
                        t.u(station),
                        level + 1,
                        t.depth[i],
                        mm(t.depth[i]),
                        f64::from(t.force[i]) / FORCE_PER_N,
                        f64::from(t.current[i]) / CURRENT_PER_A,
                        t.flags[i],
                        quote(&t.zones[usize::from(cap.zone)]),
                        mm(cap.depth),
                        f64::from(cap.force) / 100.0,
                        f64::from(cap.dwell) / 10.0,
                        f64::from(cap.tap) / 100.0
                    );
                }
            }
        }
    }
    out
}

/// Largest distance, in table units, between a lookup and the unrounded model.
struct Error {
    depth: f64,
    force: f64,
    current: f64,
    /// Lookups at or beside a column at its cap.
    cut: usize,
}

/// Looks up every column and three places in each gap. Lookups near a cap or retracted
/// are left out, and so is the strictest row, which the model does not have.
fn quantisation_error(t: &Tables, m: &Model) -> Error {
    let mut e = Error {
        depth: 0.0,
        force: 0.0,
        current: 0.0,
        cut: 0,
    };
    let counts = &mut Counts::default();
    for technique in 0..t.techniques.len() {
        for class in 0..t.class_names.len() {
            for level in 0..usize::from(t.levels) {
                for station in (0..=t.last_station()).step_by(usize::from(STATION_ONE / 4)) {
                    let lookup = t.eval(
                        counts,
                        technique as u8,
                        class as u8,
                        station,
                        level as u8 + 1,
                    );
                    let Some(lookup) = lookup.filter(|l| l.flags & INFEASIBLE == 0) else {
                        continue;
                    };
                    let low = usize::from(station / STATION_ONE);
                    let high = (low + 1).min(usize::from(t.stations) - 1);
                    let part = f64::from(station % STATION_ONE) / f64::from(STATION_ONE);
                    let exact = |map: &[f64]| {
                        let at = |s| map[m.cell(technique, class, s, level)];
                        at(low) * (1.0 - part) + at(high) * part
                    };
                    let at_cap = [low, high].iter().any(|&s| {
                        let cap = &t.caps[t.cap_index(class, s)];
                        let i = t.cell(technique, class, s, level);
                        t.depth[i] == cap.depth || t.force[i] == cap.force
                    });
                    if at_cap || lookup.flags & CAP_APPLIED != 0 {
                        e.cut += 1;
                        continue;
                    }
                    let depth = exact(&m.depth_m) * DEPTH_PER_M;
                    e.depth = e.depth.max((f64::from(lookup.depth) - depth).abs());
                    let force = exact(&m.force_n) * FORCE_PER_N;
                    e.force = e.force.max((f64::from(lookup.force) - force).abs());
                    let current = exact(&m.current_a) * CURRENT_PER_A;
                    e.current = e.current.max((f64::from(lookup.current) - current).abs());
                }
            }
        }
    }
    e
}

fn report_json(t: &Tables, m: &Model) -> Value {
    let e = quantisation_error(t, m);
    let round = |v: f64| (v * 1e4).round() / 1e4;
    let mut rom = serde_json::Map::new();
    for part in parts(t) {
        let image = Image::new(t, part.kinds);
        let mut sections = serde_json::Map::new();
        for (kind, size) in image.sizes() {
            sections.insert(kind.name().to_lowercase(), size.into());
        }
        rom.insert(
            part.suffix.into(),
            json!({"bytes": image.bytes().len(), "sections": Value::Object(sections)}),
        );
    }
    let count = |flag: u8| {
        let own = |i: &usize| {
            i / usize::from(t.levels) / usize::from(t.stations) % t.rows() != t.rows() - 1
        };
        (0..t.flags.len())
            .filter(own)
            .filter(|&i| t.flags[i] & flag != 0)
            .count()
    };
    json!({
        "bin_bytes": blob(t).len(),
        "cells": m.depth_m.len(),
        "cells_cap_limited": count(1),
        "cells_infeasible": count(INFEASIBLE),
        "error_units": {
            "current": round(e.current), "depth": round(e.depth), "force": round(e.force),
            "lookups_at_cap": e.cut,
        },
        "name": t.name,
        "processors": measured(),
        "rom": rom,
        "source": source_json(t, m),
        "steps": t.steps.len(),
        "vectors": t.vectors.len(),
    })
}

/// What the runtime costs, as `tests/emulated.rs` measured it and pins it.
fn measured() -> Value {
    serde_json::from_str(include_str!("../runtime/measured.json")).unwrap_or_default()
}

/// The same as text. Where a figure was not measured, a dash.
fn processors_md() -> String {
    let measured = measured();
    let compilers: Vec<&str> = measured["compilers"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut out = format!(
        "## Runtime\n\nMeasured on emulated processors with tables of 3 techniques, 9 classes, 24 columns and 5 levels\n\
         ({}), not on your board: instructions, no cycles, without wait states. Largest of\n\
         4000 lookups, four sessions, one opening. Code: all of `kneadlab_rt.c` but the self test; it calls one\n\
         division of libgcc. State: a context and a programme; the runtime has no variables of its own. Stack: deepest\n\
         seen below the caller. A second context, for a fallback that stays open, adds what a context takes.\n\n\
         | processor | code, bytes | self test, bytes | state, bytes | stack to open, step, self test, bytes | RAM, bytes \
         | lookup, mean, most, instructions | step, most | CRC a byte |\n|---|---|---|---|---|---|---|---|---|\n",
        compilers.join(", ")
    );
    for (name, f) in measured["figures"].as_object().into_iter().flatten() {
        let show = |key: &str| f[key].as_u64().map_or("-".into(), |v| v.to_string());
        let bytes = |key: &str| f[key].as_u64().unwrap_or(0);
        let state = bytes("context_bytes") + bytes("programme_bytes");
        let ram = state + bytes("stack_open_bytes").max(bytes("stack_step_bytes"));
        let crc = f["crc_1024_bytes_instructions"]
            .as_f64()
            .map_or("-".into(), |v| format!("{:.1}", v / 1024.0));
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {state} | {}, {}, {} | {ram} | {}, {} | {} | {crc} |",
            show("runtime_bytes"),
            show("selftest_bytes"),
            show("stack_open_bytes"),
            show("stack_step_bytes"),
            show("stack_selftest_bytes"),
            show("depth_mean_instructions"),
            show("depth_most_instructions"),
            show("step_most_instructions"),
        );
    }
    out
}

fn report_md(t: &Tables, m: &Model) -> String {
    let e = quantisation_error(t, m);
    let l = &t.limits;
    let mut out = format!(
        "# Report: {}\n\n{}\n\n## Flash\n\n",
        t.name, m.source.notice
    );
    let mut total = 0;
    out.push_str("| image | section | bytes |\n|---|---|---|\n");
    for part in parts(t) {
        let image = Image::new(t, part.kinds);
        for (kind, size) in image.sizes() {
            let _ = writeln!(out, "| {} | {} | {size} |", part.suffix, kind.name());
        }
        let size = image.bytes().len();
        let _ = writeln!(out, "| **{}** | with header | {size} |", part.suffix);
        total += size;
    }
    let _ = write!(
        out,
        "\nTogether {total} bytes; the self-test may be left out of a release build. The `.bin`, which holds\n\
         all of it and the names, has {} bytes.\n\n{}\n## Error\n\n\
         Largest distance between a lookup and the unrounded model, at every column and three places in\n\
         each gap. Lookups at or beside a column that stands at its cap ({}) are left out: there the depth\n\
         may be up to 1.5 units lower, because caps are rounded down.\n\n\
         | map | unit | largest error, units |\n|---|---|---|\n\
         | depth | 0.01 mm | {:.3} |\n| force | 0.01 N | {:.3} |\n| current | 1 mA | {:.3} |\n\n",
        blob(t).len(),
        processors_md(),
        e.cut,
        e.depth,
        e.force,
        e.current
    );
    let _ = write!(
        out,
        "## Limits\n\n- session: {} s\n- watchdog: {:.2} s between two calls\n\
         - protrusion: {:.2} mm/s, {} mm/s2 (the commanded depth keeps both)\n\
         - retracted: {:.2} mm\n- conditions: requires 0x{:08X}, forbids 0x{:08X}\n\n\
         Caps lie in `{}_caps.c` and, beside the maps, in `{}.csv`.\n{}",
        l.session,
        f64::from(l.watchdog) / 100.0,
        f64::from(l.speed_q8) / 256.0,
        l.accel,
        mm(l.retracted),
        l.requires,
        l.forbids,
        t.name,
        t.name,
        channels_md(t, m)
    );
    out
}

/// What became of each channel; nothing where there is none.
fn channels_md(t: &Tables, m: &Model) -> String {
    if t.channels.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "\n## Channels\n\nAxes over time as cubics between knots (m or rad, s). Peaks are those of the quantised curve; jerk has no\n\
         bound where a motor has none, as acceleration steps at a knot. Error: the integer evaluator at every tick,\n\
         against the motion in its stretched time. `kneadlab_channel.c` adds 760 bytes of code at -Os on Cortex-M0.\n\n\
         | axis | length, s | knots | bytes | time stretched by | error | a unit | speed, of | acceleration, of |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (c, model) in t.channels.iter().zip(&m.channels) {
        let Ok((_, fit)) = channel::fit(model) else {
            continue; // not reached: the tables were made from it
        };
        let _ = writeln!(
            out,
            "| {} | {:.2} | {} | {} | {:.4} | {:.6} | {:.8} | {:.4} of {} | {:.4} of {} |",
            model.axis.name(),
            f64::from(c.ticks()) * f64::from(TICK_MS) / 1000.0,
            c.knots.len(),
            24 + 6 * c.knots.len(),
            fit.stretch,
            fit.error,
            channel::unit_of(c),
            fit.peak.speed,
            model.speed_max,
            fit.peak.acceleration,
            model.accel_max
        );
    }
    out
}

fn readme(t: &Tables, m: &Model) -> String {
    let upper = t.name.to_uppercase();
    let mut names = String::from("| number | technique |\n|---|---|\n");
    for (i, technique) in t.techniques.iter().enumerate() {
        let _ = writeln!(names, "| {i} | {technique} |");
    }
    names.push_str(
        "\n| number | body class | stature, m | body mass index, kg/m2 |\n|---|---|---|---|\n",
    );
    for (i, c) in t.classes.iter().enumerate() {
        let _ = writeln!(
            names,
            "| {i} | {} | {:.3} to {:.3} | {:.2} to {:.2} |",
            t.class_names[i],
            f64::from(c.stature_min) / 1000.0,
            f64::from(c.stature_max) / 1000.0,
            f64::from(c.bmi_min) / 100.0,
            f64::from(c.bmi_max) / 100.0
        );
    }
    let last = usize::from(t.stations) - 1;
    fill(README, t)
        .replace("@NOTICE@", &m.source.notice)
        .replace("@CONTENT@", &format!("{:016x}", t.content_hash))
        .replace("@COLUMNS@", &t.stations.to_string())
        .replace("@LEVELS@", &t.levels.to_string())
        .replace("@FROM@", &format!("{:.4}", t.u(0)))
        .replace("@TO@", &format!("{:.4}", t.u(last)))
        .replace("@LAST@", &t.last_station().to_string())
        .replace("@NAMES@", &names)
        .replace("@PREFIX@", &upper)
}
