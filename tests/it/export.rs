//! Pins the promise that the exported C and the Rust mirror give the same answers, to the bit:
//! lookups and programme steps. Needs a C compiler; without one
//! it says so, and fails only where `KNEADLAB_REQUIRE` names `cc`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use table::eval::{Counts, Fault, Inputs, Phase, Programme};
use table::{Model, Tables, emit, example, quantise};

const WARNINGS: [&str; 9] = [
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wcast-qual",
    "-Werror",
    "-I.",
];

/// Compiles a main file with the export's own files; `None`, with a message, without a compiler.
fn compile(dir: &Path, compiler: &[&str], main: &str, flags: &[&str]) -> Option<PathBuf> {
    let variable = if compiler[0] == "c++" { "CXX" } else { "CC" };
    let program = std::env::var(variable).unwrap_or_else(|_| compiler[0].to_owned());
    if Command::new(&program).arg("--version").output().is_err() {
        let required = std::env::var("KNEADLAB_REQUIRE").is_ok_and(|list| list.contains("cc"));
        assert!(
            !required,
            "KNEADLAB_REQUIRE asks for a C compiler, but {program} does not start"
        );
        eprintln!("SKIPPED: no C compiler ({program})");
        return None;
    }
    let binary = dir.join(format!(
        "{}{}",
        main.replace('.', "_"),
        flags.concat().replace(',', "_")
    ));
    let output = Command::new(&program)
        .current_dir(dir)
        .args(&compiler[1..])
        .args(WARNINGS)
        .args(flags)
        .args([main, "kneadlab_rt.c", "demo_tables.c", "demo_caps.c"])
        .args(["demo_fallback.c", "demo_selftest.c", "-o"])
        .arg(&binary)
        .output()
        .expect("the compiler starts");
    assert!(
        output.status.success(),
        "{main}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(binary)
}

/// Runs a program with `input` on its standard input; its exit status must be 0.
fn answers(binary: &Path, input: &[u8]) -> String {
    let mut child = Command::new(binary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    feeder
        .join()
        .expect("no panic")
        .expect("it reads its input");
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).expect("ASCII")
}

fn write_export(dir: &Path, extra: &[(&str, &str)]) -> Tables {
    write_model(dir, &example::model(9, 24, 5), extra)
}

fn write_model(dir: &Path, model: &Model, extra: &[(&str, &str)]) -> Tables {
    let tables = quantise(model).expect("the example is sound");
    for (name, content) in emit::files(&tables, model) {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
    for (name, content) in extra {
        std::fs::write(dir.join(name), content).expect("written");
    }
    tables
}

/// xorshift32: only has to be the same every time.
struct Random(u32);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % n
    }
}

const FLAGS: [&[&str]; 3] = [&["-O0"], &["-O2"], &["-Os"]];

#[test]
fn exported_c_passes_its_self_test() {
    let dir = tempfile::tempdir().expect("a folder");
    let tables = write_export(dir.path(), &[]);
    let expected = format!("vectors {} failed 0\n", tables.vectors.len());
    for flags in FLAGS {
        let Some(binary) = compile(dir.path(), &["cc", "-std=c99"], "selftest_main.c", flags)
        else {
            return;
        };
        assert_eq!(answers(&binary, b""), expected, "{flags:?}");
    }
    let Some(binary) = compile(
        dir.path(),
        &["c++", "-x", "c++"],
        "selftest_main.c",
        &["-O1"],
    ) else {
        return;
    };
    assert_eq!(answers(&binary, b""), expected, "as C++");
}

#[test]
fn exported_example_runs() {
    let dir = tempfile::tempdir().expect("a folder");
    write_export(dir.path(), &[]);
    let Some(binary) = compile(dir.path(), &["cc", "-std=c99"], "example_main.c", &["-O1"]) else {
        return;
    };
    let output = answers(&binary, b"");
    assert!(output.trim_end().ends_with("phase 4, code 0"), "{output}");
}

const QUERIES: &str = r#"
#include <stdio.h>
#include "demo_caps.h"
#include "demo_tables.h"
int main(void) {
  kneadlab_ctx_t c;
  unsigned a[4];
  if (kneadlab_open(&c, demo_tables, DEMO_TABLES_SIZE, demo_caps, DEMO_CAPS_SIZE) != KNEADLAB_OK) return 2;
  while (scanf("%u %u %u %u", &a[0], &a[1], &a[2], &a[3]) == 4) {
    kneadlab_depth_t d;
    kneadlab_cap_t k;
    unsigned s = kneadlab_depth(&c, (uint8_t)a[0], (uint8_t)a[1], (uint16_t)a[2], (uint8_t)a[3], &d);
    (void)kneadlab_cap(&c, (uint8_t)a[1], (uint16_t)a[2], &k);
    printf("%u %d %u %u %u %d %u %u %u %u %u %u\n", s, d.depth, (unsigned)d.force, (unsigned)d.current,
           (unsigned)d.flags, k.depth, (unsigned)k.force, (unsigned)k.dwell, (unsigned)k.tap, (unsigned)k.flags,
           (unsigned)kneadlab_station(&c, (int16_t)((int)a[2] - 32768)),
           (unsigned)kneadlab_class(&c, (uint16_t)(a[2] / 16u), (uint16_t)(a[2] / 6u)));
  }
  printf("%u %u %u %u\n", (unsigned)c.counts.station_clamped, (unsigned)c.counts.class_unknown,
         (unsigned)c.counts.level_clamped, (unsigned)c.counts.cap_applied);
  return 0;
}
"#;

#[test]
fn ten_thousand_lookups_are_the_same_in_c() {
    let dir = tempfile::tempdir().expect("a folder");
    let t = write_export(dir.path(), &[("queries.c", QUERIES)]);
    let mut random = Random(1);
    let mut queries = String::new();
    let mut expected = String::new();
    let mut counts = Counts::default();
    for i in 0..10_000_u32 {
        let technique = random.below(4) as u8;
        let body = if i % 9 == 0 {
            random.below(256)
        } else {
            random.below(10)
        } as u8;
        let station = if i % 3 == 0 {
            random.below(65536)
        } else {
            random.below(23 * 2048 + 2)
        } as u16;
        let level = random.below(8) as u8;
        let _ = writeln!(queries, "{technique} {body} {station} {level}");
        let found = t.eval(&mut counts, technique, body, station, level);
        let (cap, cap_flags) = t.cap(&mut counts, body, station);
        let retracted = table::Lookup {
            depth: t.limits.retracted,
            ..Default::default()
        };
        let l = found.unwrap_or(table::Lookup {
            // Without a technique the C answers retracted, with the flags of the place.
            flags: cap_flags
                | if (1..=5).contains(&level) {
                    0
                } else {
                    table::eval::LEVEL
                },
            ..retracted
        });
        let _ = writeln!(
            expected,
            "{} {} {} {} {} {} {} {} {} {} {} {}",
            if found.is_some() { 0 } else { 19 },
            l.depth,
            l.force,
            l.current,
            l.flags,
            cap.depth,
            cap.force,
            cap.dwell,
            cap.tap,
            cap_flags,
            t.station((i32::from(station) - 32768) as i16),
            t.class(station / 16, station / 6)
        );
    }
    let _ = writeln!(
        expected,
        "{} {} {} {}",
        counts.station_clamped, counts.class_unknown, counts.level_clamped, counts.cap_applied
    );
    assert!(
        counts.cap_applied > 10,
        "too few lookups at a cap: {}",
        counts.cap_applied
    );
    for flags in FLAGS {
        let Some(binary) = compile(dir.path(), &["cc", "-std=c99"], "queries.c", flags) else {
            return;
        };
        compare(&answers(&binary, queries.as_bytes()), &expected);
    }
}

/// Names the first line that differs.
fn compare(got: &str, expected: &str) {
    for (i, (a, b)) in got.lines().zip(expected.lines()).enumerate() {
        assert_eq!(a, b, "line {i}: C left, Rust right");
    }
    assert_eq!(got.lines().count(), expected.lines().count());
}

const PROGRAMME: &str = r#"
#include <stdio.h>
#include "demo_caps.h"
#include "demo_fallback.h"
#include "demo_tables.h"
int main(void) {
  kneadlab_ctx_t c, f;
  kneadlab_ctx_t *now = &c;
  kneadlab_prog_t p;
  unsigned body, conditions;
  int v[6];
  if (kneadlab_open(&c, demo_tables, DEMO_TABLES_SIZE, demo_caps, DEMO_CAPS_SIZE) != KNEADLAB_OK) return 2;
  if (kneadlab_open_fallback(&f, demo_fallback, DEMO_FALLBACK_SIZE) != KNEADLAB_OK) return 2;
  if (scanf("%u %u", &body, &conditions) != 2) return 3;
  printf("%u\n", (unsigned)kneadlab_prog_start(now, &p, (uint8_t)body, (uint32_t)conditions, 0));
  while (scanf("%d %d %d %d %d %d", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) == 6) {
    kneadlab_inputs_t in;
    kneadlab_cmd_t o;
    unsigned s;
    in.ticks = (uint16_t)v[0]; in.station = (uint16_t)v[1]; in.depth = (int16_t)v[2];
    in.cycles = (uint16_t)v[3]; in.trim = (int8_t)v[4]; in.stop = (uint8_t)v[5];
    s = kneadlab_prog_step(now, &p, &in, &o);
    printf("%u %u %d %u %u %u %u %u %u %u\n", s, (unsigned)o.station, o.depth, (unsigned)o.speed, (unsigned)o.park,
           (unsigned)o.step, (unsigned)o.technique, (unsigned)o.knead, (unsigned)o.phase, (unsigned)o.flags);
    if ((s != 0u) && (now == &c)) {
      now = &f;
      (void)kneadlab_prog_start(now, &p, KNEADLAB_CLASS_UNKNOWN, 0u, in.depth);
    }
  }
  printf("%u %u\n", (unsigned)c.counts.dwell_limited, (unsigned)c.counts.cap_applied);
  return 0;
}
"#;

/// One session on a machine that follows with some noise, until done or a fault and then the
/// fallback. Returns the script for the C program, what it must print, and the fault.
fn session(t: &Tables, seed: u32, body: u8, conditions: u32) -> (String, String, Option<Fault>) {
    let mut random = Random(seed);
    let mut script = format!("{body} {conditions}\n");
    let mut p = Programme::start(t, body, conditions, 0);
    let mut expected = format!("{}\n", p.fault().map_or(0, |f| f as u8));
    let mut input = Inputs {
        ticks: 1,
        ..Inputs::default()
    };
    let mut first: Option<(Fault, Counts)> = None;
    let mut after = 0;
    while after < 300 {
        let out = p.step(&input);
        let _ = writeln!(
            script,
            "{} {} {} {} {} {}",
            input.ticks,
            input.station,
            input.depth,
            input.cycles,
            input.trim,
            u8::from(input.stop)
        );
        let code = p.fault().map_or(0, |f| f as u8);
        let _ = writeln!(
            expected,
            "{code} {} {} {} {} {} {} {} {} {}",
            out.station,
            out.depth,
            out.speed,
            out.park,
            out.step,
            out.technique,
            out.knead,
            out.phase as u8,
            out.flags
        );
        if let (Some(fault), None) = (p.fault(), first) {
            first = Some((fault, p.counts));
            p = Programme::start_fallback(t, input.depth);
        }
        after += u32::from(out.phase == Phase::Done);
        input.ticks = 1 + random.below(3) as u16;
        let stride = random.below(60) as u16;
        input.station = if out.station > input.station {
            input.station + stride.min(out.station - input.station)
        } else {
            input.station - stride.min(input.station - out.station)
        };
        input.depth = out.depth.saturating_add(random.below(40) as i16 - 20);
        input.cycles = input
            .cycles
            .wrapping_add(u16::from(out.knead > 0 && random.below(200) == 0));
        if random.below(100) == 0 {
            input.trim = random.below(9) as i8 - 4;
        }
        // Seeds end differently: by a stop, a lost timer, a stuck carriage, or well.
        input.stop = seed % 4 == 1 && random.below(3000) == 0;
        if seed % 4 == 2 && random.below(3000) == 0 {
            input.ticks = 500;
        }
        if seed % 4 == 3 && out.step == 2 {
            input.station = 9000;
        }
    }
    let counts = first.map_or(p.counts, |(_, counts)| counts);
    let _ = writeln!(expected, "{} {}", counts.dwell_limited, counts.cap_applied);
    (script, expected, first.map(|(fault, _)| fault))
}

#[test]
fn programmes_step_the_same_in_c() {
    let dir = tempfile::tempdir().expect("a folder");
    let t = write_export(dir.path(), &[("programme.c", PROGRAMME)]);
    let Some(binary) = compile(dir.path(), &["cc", "-std=c99"], "programme.c", &["-O2"]) else {
        return;
    };
    let mut faults = Vec::new();
    for seed in 1..=16 {
        let body = if seed == 7 { 255 } else { (seed % 9) as u8 };
        let conditions = if seed == 16 { 0b0101 } else { 0b0100 };
        let (script, expected, fault) = session(&t, seed, body, conditions);
        compare(&answers(&binary, script.as_bytes()), &expected);
        faults.push(fault);
    }
    for wanted in [
        None,
        Some(Fault::Stop),
        Some(Fault::Watchdog),
        Some(Fault::Timeout),
        Some(Fault::Condition),
    ] {
        assert!(
            faults.contains(&wanted),
            "no session ended by {wanted:?}: {faults:?}"
        );
    }
}

#[test]
fn a_session_that_is_too_long_ends_the_same_in_c() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut model = example::model(9, 24, 5);
    model.limits.session_max_s = 20.0;
    let t = write_model(dir.path(), &model, &[("programme.c", PROGRAMME)]);
    let Some(binary) = compile(dir.path(), &["cc", "-std=c99"], "programme.c", &["-O1"]) else {
        return;
    };
    let (script, expected, fault) = session(&t, 4, 1, 0b0100);
    assert_eq!(fault, Some(Fault::Session));
    compare(&answers(&binary, script.as_bytes()), &expected);
}

/// The points at which the runtime works, one after the other until it is done, are those that the session asks for: as many, in
/// order, the first and the last to the unit, each other within a unit for every gap before it and a thousandth of a gap for each
/// (a remainder under a thousandth of the spacing is no gap).
#[test]
fn points_of_rows_are_those_of_the_session() {
    use program::{Step, Technique};
    let mut random = Random(7);
    let mut chance = |steps: u32| f64::from(random.below(steps + 1)) / f64::from(steps);
    let mut model = example::model(1, 9, 1);
    model.programme.truncate(1);
    let mut points = 0;
    for case in 0..600 {
        let step = Step {
            technique: Technique::Press,
            from_u: chance(1000),
            to_u: chance(1000),
            level: 1,
            hold_s: 0.05,
            cycles: 1.0,
            park_deg: 0.0,
            spacing_u: 0.02 + 0.3 * chance(97),
            pace: None,
        };
        let row = &mut model.programme[0];
        (row.from_u, row.to_u, row.spacing_u) = (step.from_u, step.to_u, step.spacing_u);
        row.end = table::model::End::Time;
        row.hold_s = step.hold_s;
        let t = quantise(&model).expect("a sound row");
        let found = worked_at(&t);
        let asked = step.points_u();
        assert_eq!(found.len(), asked.len(), "case {case}: {step:?}");
        for (i, (at, u)) in found.iter().zip(&asked).enumerate() {
            let off = (f64::from(*at) - f64::from(t.station((u * 16384.0).round() as i16))).abs();
            let allowed = if i == 0 || i + 1 == asked.len() {
                0.0
            } else {
                2.0 + i as f64 * (1.0 + 1e-3 * step.spacing_u * 8.0 * 2048.0)
            };
            assert!(
                off <= allowed,
                "case {case}, point {i}: {off} over {allowed}, {step:?}"
            );
        }
        points += asked.len();
    }
    assert!(points > 2000, "{points}");
}

/// Stations of the mirror's work, on a machine that obeys at once.
fn worked_at(t: &Tables) -> Vec<u16> {
    let mut p = Programme::start(t, 0, t.limits.requires, t.limits.retracted);
    let mut input = Inputs {
        ticks: 1,
        ..Inputs::default()
    };
    let mut out: Vec<u16> = Vec::new();
    let mut worked = false;
    loop {
        let command = p.step(&input);
        assert_eq!(p.fault(), None);
        match command.phase {
            Phase::Done => return out,
            Phase::Work if !worked => out.push(command.station),
            _ => {}
        }
        worked = command.phase == Phase::Work;
        (input.station, input.depth) = (command.station, command.depth);
    }
}

const PIECES: &str = r#"
#include <stdio.h>
#include "demo_caps.h"
#include "demo_fallback.h"
#include "demo_selftest.h"
#include "demo_tables.h"
#include "other_caps.h"
int main(void) {
  kneadlab_ctx_t c;
  kneadlab_depth_t d;
  printf("%u ", (unsigned)kneadlab_open(&c, demo_tables, DEMO_TABLES_SIZE, other_caps, OTHER_CAPS_SIZE));
  printf("%u ", (unsigned)kneadlab_open(&c, demo_tables, DEMO_TABLES_SIZE, demo_tables, DEMO_TABLES_SIZE));
  printf("%u ", (unsigned)kneadlab_open(&c, demo_caps, DEMO_CAPS_SIZE, demo_caps, DEMO_CAPS_SIZE));
  printf("%u ", (unsigned)kneadlab_open(&c, demo_tables, DEMO_TABLES_SIZE, 0, 0u));
  printf("%u ", (unsigned)c.counts.refused);
  printf("%u ", (unsigned)kneadlab_depth(&c, 0u, 0u, 0u, 1u, &d));
  printf("%u ", (unsigned)kneadlab_open_fallback(&c, demo_tables, DEMO_TABLES_SIZE));
  printf("%u\n", (unsigned)kneadlab_selftest(&c, demo_selftest, DEMO_SELFTEST_SIZE, 0, 0, 0));
  return 0;
}
"#;

/// Images that are sound alone and wrong together, and calls on what was refused.
#[test]
fn pieces_that_do_not_belong_together_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut other = example::model(9, 24, 5);
    other.name = "other".into();
    write_model(dir.path(), &other, &[]);
    // `other_caps.c` is compiled as part of the main file, because `compile` takes one export.
    let main = format!("#include \"other_caps.c\"\n{PIECES}");
    write_export(dir.path(), &[("pieces.c", &main)]);
    let Some(binary) = compile(dir.path(), &["cc", "-std=c99"], "pieces.c", &["-O1"]) else {
        return;
    };
    // 18 mismatch, 9 no LIMITS, 9 no DEPTH, 1 null; one refusal counted since the last open; a
    // context that was refused answers 1.
    assert_eq!(answers(&binary, b""), "18 9 9 1 1 1 9 1\n");
}
