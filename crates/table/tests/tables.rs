//! Pins the promises of the export that need no C compiler: what goes in comes back, rounding stays
//! inside its bound and on the safe side, damage is refused or harmless, the bytes do not change.

use std::path::Path;

use table::eval::{CAP_APPLIED, Inputs, Phase, Programme, SHAFT_STAYS};
use table::tables::{DEPTH_PER_M, FORMAT_MAJOR, INFEASIBLE, LAYOUT_HASH, STATION_ONE};
use table::{Counts, Model, Tables, emit, example, quantise, read};

fn model() -> Model {
    example::model(9, 24, 5)
}

fn tables() -> Tables {
    quantise(&model()).expect("the example is sound")
}

/// Every layout that ever left the building, by format major. A row is never edited: a changed layout is a new
/// row with the next major, so that old firmware refuses it by its version.
const LAYOUTS: [(u8, u32); 3] = [(1, 0x7074_8457), (2, 0x4D8D_9152), (3, 0x3CD2_D181)];

#[test]
fn layout_hash_is_the_page_and_belongs_to_its_version() {
    let page = include_str!("../LAYOUT.md");
    let mut inside = false;
    let mut layout = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            layout += line;
            layout.push('\n');
        }
    }
    let hash = blake3::hash(layout.as_bytes());
    let first = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap());
    assert_eq!(
        first, LAYOUT_HASH,
        "layout changed: raise the format major, and set the hash to {first:#010x} everywhere"
    );
    assert_eq!(LAYOUTS.last(), Some(&(FORMAT_MAJOR, LAYOUT_HASH)));
    for (i, (major, hash)) in LAYOUTS.iter().enumerate() {
        assert_eq!(usize::from(*major), i + 1);
        assert!(LAYOUTS[..i].iter().all(|l| l.1 != *hash));
        assert!(page.contains(&format!("| {major} | {hash:08x} |")));
    }
    assert!(page.contains(&format!(" 4 u8    format major, {FORMAT_MAJOR}\n")));
    let (high, low) = (LAYOUT_HASH >> 16, LAYOUT_HASH & 0xFFFF);
    for (runtime, line) in [
        (
            include_str!("../runtime/kneadlab_rt.h"),
            format!("#define KNEADLAB_LAYOUT_HASH 0x{LAYOUT_HASH:08X}u"),
        ),
        (
            include_str!("../runtime/kneadlab_rt.rs"),
            format!("pub const LAYOUT_HASH: u32 = 0x{high:04X}_{low:04X};"),
        ),
        (
            include_str!("../runtime/kneadlab_rt.c"),
            format!("#define FORMAT_MAJOR {FORMAT_MAJOR}u"),
        ),
        (
            include_str!("../runtime/kneadlab_rt.rs"),
            format!("const FORMAT_MAJOR: u8 = {FORMAT_MAJOR};"),
        ),
    ] {
        assert!(
            runtime.contains(&line),
            "a runtime knows another layout than {line}"
        );
    }
}

#[test]
fn reads_back_what_was_written() {
    let tables = tables();
    assert_eq!(read::blob(&emit::blob(&tables)), Ok(tables));
}

/// A quarter of an hour of two channels, maps of 3 techniques for 9 classes and 5 levels, and the caps: with the
/// self test and the fallback at most 64 KB, and back to the bit.
#[test]
fn val_a_programme_of_a_quarter_of_an_hour_fits_in_64_kilobytes() {
    let mut m = model();
    m.channels = example::channels_over(900);
    let t = quantise(&m).expect("it can be held");
    let blob = emit::blob(&t);
    let knots: Vec<usize> = t.channels.iter().map(|c| c.knots.len()).collect();
    println!("{} bytes, knots {knots:?}", blob.len());
    assert!(t.channels.iter().all(|c| c.ticks() >= 90_000));
    assert!(blob.len() <= 65_536, "{} bytes", blob.len());
    assert_eq!(read::blob(&blob), Ok(t));
}

#[test]
fn same_model_same_bytes() {
    let m = model();
    let first = emit::files(&quantise(&m).unwrap(), &m);
    let copy: Model = serde_json::from_str(&serde_json::to_string(&m).unwrap()).unwrap();
    let second = emit::files(&quantise(&copy).unwrap(), &copy);
    assert!(first == second);
    assert!(first.len() >= 19);
    for (name, content) in &first {
        assert!(
            name.ends_with(".bin") || !content.contains(&b'\r'),
            "{name} has a CR"
        );
    }
    let mut other = m;
    other.depth_m[0] += 1e-12;
    assert_ne!(
        quantise(&other).unwrap().content_hash,
        read::blob(&emit::blob(&tables())).unwrap().content_hash
    );
}

/// A column is within half a unit of the model. Between columns: half a unit for the two rounded
/// columns (their weights sum to 1), half a unit for rounding the result; 1/4096 of a unit for
/// Q14 is in neither, because these fractions are exact in it. A value at its cap may be one unit
/// lower, because the cap is rounded down.
#[test]
fn val_rounding_is_within_its_bound() {
    let (m, t) = (model(), tables());
    let mut worst: (f64, f64) = (0.0, 0.0);
    let (mut compared, mut at_cap) = (0, 0);
    for technique in 0..3_usize {
        for class in 0..9_usize {
            for level in 0..5_usize {
                for station in 0..=t.last_station() {
                    let counts = &mut Counts::default();
                    let got = t
                        .eval(
                            counts,
                            technique as u8,
                            class as u8,
                            station,
                            level as u8 + 1,
                        )
                        .unwrap();
                    let low = usize::from(station / STATION_ONE);
                    let high = (low + 1).min(23);
                    let part = f64::from(station % STATION_ONE) / 2048.0;
                    let at = |s| m.depth_m[m.cell(technique, class, s, level)] * DEPTH_PER_M;
                    let exact = at(low) * (1.0 - part) + at(high) * part;
                    if got.flags & (INFEASIBLE | CAP_APPLIED) != 0 {
                        continue;
                    }
                    let error = f64::from(got.depth) - exact;
                    let limited = got.flags & 1 != 0;
                    assert!(error <= 1.0 + 1e-9, "{error} units too deep");
                    assert!(error >= if limited { -1.5 } else { -1.0 - 1e-9 }, "{error}");
                    if limited {
                        at_cap += 1;
                    } else if part == 0.0 {
                        worst.0 = worst.0.max(error.abs());
                    } else {
                        worst.1 = worst.1.max(error.abs());
                    }
                    compared += 1;
                }
            }
        }
    }
    println!(
        "{compared} lookups ({at_cap} at a cap): columns {:.3}, between {:.3} units",
        worst.0, worst.1
    );
    assert!(compared - at_cap > 1_000_000 && at_cap > 1000);
    assert!(worst.0 <= 0.5 + 1e-9, "{}", worst.0);
    assert!(
        worst.1 > 0.5,
        "a bound that no lookup comes near tests nothing: {}",
        worst.1
    );
}

#[test]
fn caps_are_never_raised() {
    let (m, t) = (model(), tables());
    let mut cut = 0_u32;
    for station in 0..=t.last_station() {
        for body in [0, 3, 8, 9, 255] {
            let counts = &mut Counts::default();
            let (cap, _) = t.cap(counts, body, station);
            let (low, high) = (station / STATION_ONE, station.div_ceil(STATION_ONE));
            for row in &m.caps {
                let near = [low, high].contains(&(row.station as u16));
                let mine = usize::from(body) == row.class || body > 8;
                if near && mine {
                    assert!(f64::from(cap.depth) / DEPTH_PER_M <= row.max_depth_m + 1e-11);
                    assert!(f64::from(cap.force) / 100.0 <= row.max_force_n + 1e-8);
                    assert!(f64::from(cap.dwell) / 10.0 <= row.max_dwell_s + 1e-7);
                    assert!(f64::from(cap.tap) / 100.0 <= row.max_tap_hz + 1e-8);
                }
            }
            for technique in 0..3 {
                let got = t.eval(counts, technique, body, station, 5).unwrap();
                assert!(got.depth <= cap.depth && got.force <= cap.force);
            }
            cut += u32::from(counts.cap_applied);
        }
    }
    assert!(
        cut > 100,
        "no lookup between columns came near its cap: {cut}"
    );
}

#[test]
fn unknown_body_is_as_strict_as_every_class() {
    let t = tables();
    for station in (0..=t.last_station()).step_by(64) {
        for level in 1..=5 {
            let counts = &mut Counts::default();
            let strict = t.eval(counts, 1, 255, station, level).unwrap();
            assert_eq!(counts.class_unknown, 1);
            for class in 0..9 {
                let known = t.eval(counts, 1, class, station, level).unwrap();
                assert!(strict.depth <= known.depth);
            }
        }
    }
}

#[test]
fn out_of_range_is_flagged_and_counted() {
    let t = tables();
    let mut counts = Counts {
        level_clamped: u16::MAX,
        ..Counts::default()
    };
    let got = t.eval(&mut counts, 0, 200, 65535, 9).unwrap();
    assert_eq!(got.flags & (8 | 16 | 32), 8 | 16 | 32);
    assert_eq!(counts.station_clamped, 1);
    assert_eq!(
        counts.level_clamped,
        u16::MAX,
        "a counter stops and does not wrap"
    );
    assert_eq!(
        got.depth,
        t.eval(&mut counts, 0, 255, t.last_station(), 1)
            .unwrap()
            .depth
    );
    assert_eq!(t.eval(&mut counts, 3, 0, 0, 1), None);
}

#[test]
fn stations_and_classes() {
    let t = tables();
    assert_eq!(t.station(-5), 0);
    assert_eq!(t.station(16384), 23 * 2048);
    assert_eq!(t.station(20000), 23 * 2048);
    // u = 0.5 lies at column 11.5 of 0..=23.
    assert_eq!(t.station(8192), 23552);
    // Column 3 at level 2 for class 4: within half a unit of what the model says there.
    let m = model();
    let exact = m.depth_m[m.cell(2, 4, 3, 1)];
    assert!((t.depth_m(2, 4, m.stations[3], 2) - exact).abs() <= 0.5e-5 + 1e-9);
    assert_eq!(t.class(1400, 2200), 0);
    assert_eq!(t.class(1560, 2200), 1);
    assert_eq!(t.class(2500, 2200), 8);
    assert_eq!(t.class(1560, 9100), 255);
}

/// A wrong model is refused with the path of each wrong value.
#[test]
fn every_problem_is_reported() {
    type Change = fn(&mut Model);
    let cases: [(&str, Change); 15] = [
        ("name", |m| m.name = "Bad name".into()),
        ("stations", |m| m.stations[3] += 0.01),
        ("depth_m.count", |m| m.depth_m.truncate(7)),
        ("depth_m[press][class 0][u 0.000][level 1]", |m| {
            m.depth_m[0] = 0.1
        }),
        ("depth_m[press][class 0][u 0.000][level 1]", |m| {
            m.depth_m[0] = f64::NAN
        }),
        ("force_n[press][class 0][u 0.000][level 1]", |m| {
            m.force_n[0] = 80.0
        }),
        ("caps[class 0][station 0].max_depth_m", |m| {
            m.caps[0].max_depth_m = f64::NAN
        }),
        ("caps[class 0][station 0].max_depth_m", |m| {
            m.caps[0].max_depth_m = -0.1
        }),
        ("caps[class 0][station 0]", |m| {
            m.caps[1] = m.caps[0].clone()
        }),
        ("limits.watchdog_s", |m| m.limits.watchdog_s = 0.001),
        ("programme[0].from_u", |m| m.programme[0].from_u = 1.2),
        ("programme[1].level", |m| m.programme[1].level = 6),
        ("programme[2].technique", |m| {
            m.programme[2].technique = Some(3)
        }),
        ("fallback[0].technique", |m| {
            m.fallback[0].technique = Some(0)
        }),
        ("classes[class 2]", |m| m.classes[2].bmi_max = 0.0),
    ];
    for (key, change) in cases {
        let mut m = model();
        change(&mut m);
        let problems = quantise(&m).expect_err(key);
        assert!(problems.iter().any(|p| p.key == key), "{key}: {problems:?}");
    }
    let mut m = model();
    m.depth_m[0] = 0.1;
    m.depth_m[7] = 0.1;
    m.force_n[9] = 1e9;
    assert_eq!(quantise(&m).expect_err("three").len(), 3);
}

/// CRC-32 written out here, so that a mutant can be given a right one.
fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().copied().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}

/// Makes every CRC of an image fit its content, as far as its directory makes sense.
fn repair(data: &mut [u8]) {
    let at32 = |d: &[u8], i: usize| u32::from_le_bytes(d[i..i + 4].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes(data[32..34].try_into().unwrap()));
    for i in 0..count.min((data.len() - 64) / 16) {
        let entry = 64 + 16 * i;
        let (offset, size) = (at32(data, entry + 4), at32(data, entry + 8));
        if let Some(content) = offset
            .checked_add(size)
            .and_then(|end| data.get(offset..end))
        {
            let crc = crc32(&[content]).to_le_bytes();
            data[entry + 12..entry + 16].copy_from_slice(&crc);
        }
    }
    let crc = crc32(&[&data[..12], &data[16..]]).to_le_bytes();
    data[12..16].copy_from_slice(&crc);
}

/// Every byte of an image is changed. As it is, all but the format's minor version are refused. With
/// every CRC made to fit, a mutant is refused or harmless: no lookup is over the *right* cap.
#[test]
fn damage_is_refused_or_harmless() {
    let sound = quantise(&example::model(2, 4, 2)).unwrap();
    let blob = emit::blob(&sound);
    let (mut refused, mut harmless) = (0, 0);
    for at in 0..blob.len() {
        for flip in [0x01, 0x90] {
            let mut mutant = blob.clone();
            mutant[at] ^= flip;
            let refusal = read::blob(&mutant).expect_err("a wrong CRC passed");
            assert!((3..=18).contains(&refusal.code), "{refusal}");
            repair(&mut mutant);
            match read::blob(&mutant) {
                Err(refusal) => {
                    assert!((3..=18).contains(&refusal.code), "{refusal}");
                    refused += 1;
                }
                Ok(tables) => {
                    assert_inside_caps(&sound, &tables, at);
                    harmless += 1;
                }
            }
        }
        assert!(read::blob(&blob[..at]).is_err(), "a cut image passed");
    }
    println!(
        "{} bytes: {refused} refused, {harmless} harmless with every CRC right",
        blob.len()
    );
    assert!(refused > harmless);
}

fn assert_inside_caps(sound: &Tables, mutant: &Tables, at: usize) {
    assert_eq!(sound.caps, mutant.caps, "byte {at}: caps");
    assert_eq!(sound.limits, mutant.limits, "byte {at}: limits");
    assert_eq!(sound.steps, mutant.steps, "byte {at}: programme");
    let counts = &mut Counts::default();
    for technique in 0..3 {
        for body in [0, 1, 255] {
            for station in (0..=sound.last_station()).step_by(256) {
                for level in 1..=2 {
                    let Some(got) = mutant.eval(counts, technique, body, station, level) else {
                        continue;
                    };
                    let cap = sound.cap(counts, body, station).0;
                    assert!(
                        got.depth <= cap.depth && got.force <= cap.force,
                        "byte {at}"
                    );
                }
            }
        }
    }
}

/// The example programme runs to its end on a machine that obeys, within caps and speed.
#[test]
fn programme_runs_to_its_end() {
    let t = tables();
    let mut p = Programme::start(&t, 2, 0b0100, 0);
    let mut input = Inputs {
        ticks: 1,
        ..Inputs::default()
    };
    let mut work = std::collections::BTreeSet::new();
    let mut last_depth = 0_i32;
    let mut fastest = [0, 0];
    let mut before = Phase::Retract;
    for tick in 0..90_000 {
        let out = p.step(&input);
        // A shaft that turned while the nodes come back would take them to places that nobody looked at.
        let park = match before {
            Phase::Retract | Phase::Done => SHAFT_STAYS,
            _ if out.phase == Phase::Done => SHAFT_STAYS,
            _ => t.steps[usize::from(out.step)].park,
        };
        assert_eq!(out.park, park, "tick {tick}, after {before:?}");
        before = out.phase;
        assert_eq!(p.fault(), None, "tick {tick}");
        let moved = i32::from(out.depth) - last_depth;
        // 33.3 mm/s in and 10 mm/s out are 33.3 and 10 units a tick; one more because a whole unit can be seen to pass.
        assert!(
            (-34..=11).contains(&moved) || out.flags & CAP_APPLIED != 0,
            "{moved} units in a tick"
        );
        fastest = [fastest[0].min(moved), fastest[1].max(moved)];
        if out.phase == Phase::Work {
            work.insert((out.step, out.station));
            let cap = t.cap(&mut Counts::default(), 2, input.station).0;
            assert!(out.depth <= cap.depth);
        }
        if out.phase == Phase::Done {
            // 4 press points (0.05, 0.35, 0.65, 0.9), 4 kneading points (0.8, 0.55, 0.3, 0.2), 2 ends of the rolling.
            assert_eq!(work.len(), 10, "{work:?}");
            assert!(fastest[0] < -30 && fastest[1] >= 10, "{fastest:?}");
            return;
        }
        last_depth = i32::from(out.depth);
        input.depth = out.depth;
        input.station = match out.station.cmp(&input.station) {
            std::cmp::Ordering::Greater => input.station + 40.min(out.station - input.station),
            _ => input.station - 40.min(input.station - out.station),
        };
        input.cycles = (tick / 100) as u16;
    }
    panic!("the programme did not end");
}

/// The image that `tools/table-check` reads in its own test. `KNEADLAB_GOLDEN=write` renews it.
#[test]
fn regress_golden_image() {
    let mut m = example::model(2, 4, 2);
    m.channels = example::channels();
    m.channels.truncate(1);
    let files = emit::files(&quantise(&m).unwrap(), &m);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/table-check/tests/golden");
    for name in ["demo.bin", "demo.json"] {
        let (_, content) = files.iter().find(|(n, _)| n == name).unwrap();
        if std::env::var("KNEADLAB_GOLDEN").is_ok_and(|v| v == "write") {
            std::fs::write(golden.join(name), content).unwrap();
        }
        let old = std::fs::read(golden.join(name)).unwrap();
        assert!(
            old == *content,
            "{name} changed: what did, and who must know?"
        );
    }
}

/// 2000 rows by chance: as many points as `program::Step::points_u` has by its words (its sum is written out here, since this crate
/// does not know that one), each within a unit for every point before it and the thousandth of a
/// spacing that is rounding there, whether the spacing divides the way or not.
#[test]
fn a_row_visits_the_points_of_its_step() {
    let mut state = 0x1234_5678_u32;
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / 4_294_967_296.0
    };
    let mut model = example::model(1, 9, 1);
    model.programme.truncate(1);
    let mut uneven = 0;
    for case in 0..2000 {
        let (from_u, to_u) = (chance(), chance());
        let way_u = f64::abs(to_u - from_u);
        let spacing_u = if case % 2 == 0 {
            (way_u / (1.0 + chance() * 11.0).floor()).max(0.005)
        } else {
            0.005 + 0.5 * chance()
        };
        let gaps = (way_u / spacing_u - 1e-3).ceil().max(0.0) as usize;
        let row = &mut model.programme[0];
        (row.from_u, row.to_u, row.spacing_u) = (from_u, to_u, spacing_u);
        let row = quantise(&model).expect("a sound row").steps[0];
        let mut at = row.from;
        for point in 0..=gaps {
            let u = if point == gaps {
                to_u
            } else {
                from_u + (point as f64 * spacing_u).copysign(to_u - from_u)
            };
            let off = (f64::from(at) - u * 8.0 * f64::from(STATION_ONE)).abs();
            assert!(
                off <= 1.0 + point as f64 + 16.384 * spacing_u,
                "case {case}, point {point}: {off}"
            );
            let next = row.next_point(at);
            assert_eq!(
                next == at,
                point == gaps,
                "case {case}, point {point} of {gaps}"
            );
            at = next;
        }
        uneven += usize::from(way_u - (gaps.max(1) - 1) as f64 * spacing_u < 0.9 * spacing_u);
    }
    assert!(uneven > 300, "{uneven} rows with a last gap of their own");
}

/// A point is a station unit at least beyond the one before: 100 gaps on 70 units cannot be, and the row that asks for them is
/// named; 70 can.
#[test]
fn points_that_are_too_near_are_told() {
    let mut model = example::model(1, 9, 1);
    model.programme.truncate(1);
    let row = &mut model.programme[0];
    (row.from_u, row.to_u) = (0.5, 0.5 + 70.0 / (8.0 * f64::from(STATION_ONE)));
    let way_u = row.to_u - row.from_u;
    row.spacing_u = way_u / 100.0;
    let told = quantise(&model).expect_err("100 points on 70 units");
    assert_eq!(told.len(), 1, "{told:?}");
    let line = told[0].to_string();
    assert!(
        line.contains("programme[0].spacing_u") && line.contains("too near"),
        "{line}"
    );
    model.programme[0].spacing_u = way_u / 70.0;
    assert_eq!(quantise(&model).expect("they fit").steps[0].spacing, 1);
}
