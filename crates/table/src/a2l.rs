//! ASAP2 (A2L) 1.71: where each map lies in the C arrays, for tools that look into a running controller.
//!
//! Addresses count from the start of an array and carry its symbol, so that a tool with the ELF file can
//! put in the real ones. Everything is read-only: a value changed in place would break its CRC.

use std::fmt::Write as _;

use crate::image::{Image, Kind};
use crate::tables::{CURRENT_PER_A, DEPTH_PER_M, FORCE_PER_N, LAYOUT_HASH, Tables};

/// One value a cell: section, name, record layout, conversion, factor to the unit, unit, smallest raw value, largest.
struct Map {
    kind: Kind,
    name: &'static str,
    layout: &'static str,
    bytes: usize,
    factor: f64,
    unit: &'static str,
    low: f64,
    high: f64,
    what: &'static str,
}

const MAPS: [Map; 4] = [
    Map {
        kind: Kind::Depth,
        name: "depth",
        layout: "S16",
        bytes: 2,
        factor: 1000.0 / DEPTH_PER_M,
        unit: "mm",
        low: -32768.0,
        high: 32767.0,
        what: "depth from touch",
    },
    Map {
        kind: Kind::Flags,
        name: "flags",
        layout: "U8",
        bytes: 1,
        factor: 1.0,
        unit: "",
        low: 0.0,
        high: 255.0,
        what: "1 cap limited, 2 infeasible",
    },
    Map {
        kind: Kind::Force,
        name: "force",
        layout: "U16",
        bytes: 2,
        factor: 1.0 / FORCE_PER_N,
        unit: "N",
        low: 0.0,
        high: 65535.0,
        what: "expected node force",
    },
    Map {
        kind: Kind::Current,
        name: "current",
        layout: "U16",
        bytes: 2,
        factor: 1.0 / CURRENT_PER_A,
        unit: "A",
        low: 0.0,
        high: 65535.0,
        what: "expected protrusion motor current",
    },
];

/// The description of `<name>_tables` and `<name>_caps`.
pub(crate) fn text(t: &Tables) -> String {
    let mut out = format!(
        "ASAP2_VERSION 1 71\n\
         /begin PROJECT {name} \"massage tables\"\n\
         /begin MODULE {name} \"content {:016x}\"\n\
         /begin MOD_PAR \"layout {LAYOUT_HASH:08x}\"\n  EPK \"{:016x}\"\n/end MOD_PAR\n\
         /begin MOD_COMMON \"little-endian, byte aligned\"\n  BYTE_ORDER MSB_LAST\n  ALIGNMENT_WORD 1\n/end MOD_COMMON\n",
        t.content_hash,
        t.content_hash,
        name = t.name
    );
    for (name, kind) in [("S16", "SWORD"), ("U16", "UWORD"), ("U8", "UBYTE")] {
        let _ = writeln!(
            out,
            "/begin RECORD_LAYOUT {name}\n  FNC_VALUES 1 {kind} ROW_DIR DIRECT\n/end RECORD_LAYOUT"
        );
    }
    conversions(&mut out, t);
    let image = Image::new(t, &Kind::TABLES);
    for map in &MAPS {
        let start = image.offset(map.kind);
        for (technique, technique_name) in t.techniques.iter().enumerate() {
            for row in 0..t.rows() {
                let at = start + map.bytes * t.cell(technique, row, 0, 0);
                let title = format!("{}, {technique_name}, {}", map.what, t.row_name(row));
                characteristic(&mut out, t, map, &format!("{technique}_{row}"), &title, at);
            }
        }
    }
    caps(&mut out, t);
    let _ = writeln!(out, "/end MODULE\n/end PROJECT");
    out
}

/// Raw to physical, one for each map; and the column's number to u.
fn conversions(out: &mut String, t: &Tables) {
    let mut linear = |name: &str, what: &str, format: &str, unit: &str, factor: f64, first: f64| {
        let _ = writeln!(
            out,
            "/begin COMPU_METHOD {name} \"{what}\" LINEAR \"{format}\" \"{unit}\"\n  COEFFS_LINEAR {factor} {first}\n/end COMPU_METHOD"
        );
    };
    for map in MAPS.iter().filter(|m| m.kind != Kind::Flags) {
        linear(map.name, map.what, "%8.3", map.unit, map.factor, 0.0);
    }
    let pitch = t.u(1) - t.u(0);
    linear("u", "0 at C7, 1 at S2", "%6.4", "", pitch, t.u(0));
}

/// A map of one technique and class over level and column.
fn characteristic(out: &mut String, t: &Tables, map: &Map, place: &str, title: &str, at: usize) {
    let name = &t.name;
    let conversion = if map.kind == Kind::Flags {
        "NO_COMPU_METHOD"
    } else {
        map.name
    };
    let (low, high) = (map.low * map.factor, map.high * map.factor);
    let _ = write!(
        out,
        "/begin CHARACTERISTIC {name}_{}_{place} \"{}\" MAP 0x{at:X} {} 0 {conversion} {low} {high}\n  READ_ONLY\n  \
         SYMBOL_LINK \"{name}_tables\" {at}\n",
        map.name,
        quoted(title),
        map.layout
    );
    for (conversion, first, count, last) in [
        (
            "NO_COMPU_METHOD",
            1,
            usize::from(t.levels),
            f64::from(t.levels),
        ),
        (
            "u",
            0,
            usize::from(t.stations),
            t.u(usize::from(t.stations) - 1),
        ),
    ] {
        let low = if first == 1 { 1.0 } else { t.u(0) };
        let _ = writeln!(
            out,
            "  /begin AXIS_DESCR FIX_AXIS NO_INPUT_QUANTITY {conversion} {count} {low} {last}\n    \
             FIX_AXIS_PAR_DIST {first} 1 {count}\n  /end AXIS_DESCR"
        );
    }
    let _ = writeln!(out, "/end CHARACTERISTIC");
}

/// The caps of a class, as the words of their parts: depth, force, dwell, tap, zone, check word.
fn caps(out: &mut String, t: &Tables) {
    let start = Image::new(t, &Kind::CAPS).offset(Kind::Caps);
    for row in 0..t.rows() {
        let at = start + 12 * t.cap_index(row, 0);
        let title = format!(
            "caps, {}: depth 0.01 mm, force 0.01 N, dwell 0.1 s, tap 0.01 Hz, zone, check",
            t.row_name(row)
        );
        let _ = writeln!(
            out,
            "/begin CHARACTERISTIC {name}_caps_{row} \"{}\" VAL_BLK 0x{at:X} U16 0 NO_COMPU_METHOD 0 65535\n  \
             READ_ONLY\n  SYMBOL_LINK \"{name}_caps\" {at}\n  MATRIX_DIM 6 {}\n/end CHARACTERISTIC",
            quoted(&title),
            t.stations,
            name = t.name
        );
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::{MAPS, text};
    use crate::image::{Image, Kind};
    use crate::{example, quantise};
    use a2lfile::{A2lObjectName, AxisDescr};

    fn numbers(axis: &AxisDescr) -> (f64, f64, u16) {
        let par = axis.fix_axis_par_dist.as_ref().expect("a fixed axis");
        (par.offset, par.distance, par.number_apo)
    }

    /// Read by another's parser, strictly: no message, and each address, layout, axis and conversion leads to
    /// the value of the tables.
    #[test]
    fn loads_and_points_at_the_values() {
        let t = quantise(&example::model(9, 24, 5)).expect("the example is sound");
        let (file, messages) = a2lfile::load_from_string(&text(&t), None, true).expect("it is A2L");
        assert!(messages.is_empty(), "{messages:?}");
        let found = file.check();
        assert!(found.is_empty(), "{found:?}");
        let module = &file.project.module[0];
        let image = Image::new(&t, &Kind::TABLES).bytes();
        let mut compared = 0;
        for map in &MAPS {
            for technique in 0..t.techniques.len() {
                for row in 0..t.rows() {
                    let name = format!("demo_{}_{technique}_{row}", map.name);
                    let c = module
                        .characteristic
                        .iter()
                        .find(|c| c.get_name() == name)
                        .expect("a map");
                    assert!(c.read_only.is_some());
                    assert_eq!(numbers(&c.axis_descr[0]), (1.0, 1.0, 5));
                    assert_eq!(numbers(&c.axis_descr[1]), (0.0, 1.0, 24));
                    for station in 0..24 {
                        for level in 0..5 {
                            let at = c.address as usize + map.bytes * (station * 5 + level);
                            let cell = t.cell(technique, row, station, level);
                            let word = || u16::from_le_bytes([image[at], image[at + 1]]);
                            let same = match map.kind {
                                Kind::Depth => word() as i16 == t.depth[cell],
                                Kind::Force => word() == t.force[cell],
                                Kind::Current => word() == t.current[cell],
                                _ => image[at] == t.flags[cell],
                            };
                            assert!(same, "{name}, column {station}, level {}", level + 1);
                            compared += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(compared, 4 * t.depth.len());
        let depth = module.compu_method.iter().find(|c| c.get_name() == "depth");
        let linear = depth
            .and_then(|c| c.coeffs_linear.as_ref())
            .expect("linear");
        assert!((linear.a - 0.01).abs() < 1e-15 && linear.b == 0.0);
    }
}
