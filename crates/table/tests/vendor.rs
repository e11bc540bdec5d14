//! Pins the promise of customers' templates: the shipped example compiles with every warning an error and says what the runtime
//! answers; the same bytes twice; what does not fit is an error with its line, never a wrapped number; and
//! templates/README.md names what there is.

mod common;

use std::process::Command;

use common::{build_pc, run, text, write_export};
use table::vendor::{self, TemplateProblem};
use table::{Model, Tables, example, quantise};

const SOURCE: &str = include_str!("../templates/chair_steps.c.j2");
const HEADER: &str = include_str!("../templates/chair_steps.h.j2");

/// The made-up model with a programme and depths within what the example's board can do.
fn model() -> Model {
    let mut m = example::model(9, 24, 5);
    for row in &mut m.programme {
        (row.from_u, row.to_u) = (row.from_u.clamp(0.1, 0.7), row.to_u.clamp(0.1, 0.7));
    }
    m
}

fn tables() -> (Model, Tables) {
    let m = model();
    let t = quantise(&m).expect("the example is sound");
    (m, t)
}

fn render(template: &str) -> Result<String, TemplateProblem> {
    let (m, t) = tables();
    vendor::render(&t, &m, "mine.c.j2", template)
}

const MAIN: &str = r#"
#include <stdio.h>
#include "chair_steps.h"
int main(void) {
  unsigned c, r;
  printf("%u\n", (unsigned)sizeof(demo_step_t));
  for (c = 0u; c < DEMO_STEP_CLASSES; c++) {
    for (r = 0u; r < DEMO_STEP_ROWS; r++) {
      const demo_step_t *s = &demo_steps[c][r];
      printf("%u %u %u %u %u %u %u %u %u\n", (unsigned)s->sub_mode, (unsigned)s->end, (unsigned)s->place,
             (unsigned)s->hold_ds, (unsigned)s->knead, (unsigned)s->knead_cycles, (unsigned)s->speed,
             (unsigned)s->depth, (unsigned)s->width);
    }
  }
  return 0;
}
"#;

#[test]
fn the_shipped_example_compiles_and_says_what_the_runtime_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let t = write_export(dir.path(), &model());
    for (name, template) in [("chair_steps.c", SOURCE), ("chair_steps.h", HEADER)] {
        let text = render(template).expect(name);
        assert!(text.is_ascii() && !text.contains('\r') && text.ends_with('\n'));
        std::fs::write(dir.path().join(name), text).expect("written");
    }
    std::fs::write(dir.path().join("main.c"), MAIN).expect("written");
    let Some(program) = build_pc(dir.path(), &["main.c", "chair_steps.c"], &["-O1"]) else {
        return;
    };
    let said = text(&run(&mut Command::new(program), "the rows").stdout);
    let mut lines = said.lines();
    assert_eq!(
        lines.next(),
        Some("14"),
        "no padding: the struct is its fields"
    );
    // The same rows, worked out from the tables without the template. Shoulder 0.06, waist 0.80, tenths; stops every 10 mm from -10.
    let mut deep = 0;
    for class in 0..10 {
        for step in &t.steps {
            for u in points_u(&t, step) {
                let part = ((u - 0.06) / 0.74 * 10.0).round();
                let place_u = 0.06 + 0.74 * part / 10.0;
                let depth_mm = if step.technique == 255 {
                    -2.0
                } else {
                    (t.depth_m(step.technique, class, place_u, step.level) * 1e5).round() / 100.0
                };
                // The example's retracted position: no stop at all.
                let reached = |i: &i32| depth_mm > -2.0 && f64::from(i * 10 - 10) <= depth_mm;
                let stop = (0..5).filter(reached).count();
                deep += usize::from(stop > 2);
                let expected = [
                    if step.technique == 255 {
                        0
                    } else {
                        u64::from(step.technique) + 1
                    },
                    u64::from(step.end),
                    part as u64,
                    if step.end == 1 {
                        u64::from(step.hold) / 10
                    } else {
                        0
                    },
                    u64::from(step.end == 2),
                    if step.end == 2 {
                        u64::from(step.cycles)
                    } else {
                        0
                    },
                    4,
                    stop as u64,
                    2,
                ];
                let found = lines.next().unwrap_or("no more rows");
                assert_eq!(
                    found,
                    expected.map(|v| v.to_string()).join(" "),
                    "class {class}, u {u}"
                );
            }
        }
    }
    assert_eq!(lines.next(), None);
    assert!(deep > 20, "{deep} rows press: too few to mean anything");
}

/// Stations of a row, by the words of LAYOUT.md.
fn points_u(t: &Tables, s: &table::tables::Step) -> Vec<f64> {
    let u = |station: u16| {
        let share = f64::from(station) / f64::from(t.last_station());
        (f64::from(t.from_q14) + f64::from(t.to_q14 - t.from_q14) * share) / 16384.0
    };
    if s.technique == 255 {
        return vec![u(s.from)];
    }
    if s.end == 0 {
        return vec![u(s.from), u(s.to)];
    }
    let mut points = vec![s.from];
    let mut at = s.from;
    while at != s.to && s.spacing > 0 {
        at = if s.to > at {
            at + s.spacing.min(s.to - at)
        } else {
            at - s.spacing.min(at - s.to)
        };
        points.push(at);
    }
    points.into_iter().map(u).collect()
}

#[test]
fn the_same_template_gives_the_same_bytes() {
    assert_eq!(render(SOURCE), render(SOURCE));
    assert_eq!(render(HEADER), render(HEADER));
}

#[test]
fn numbers_come_out_as_a_firmware_engineer_means_them() {
    for (template, expected) in [
        ("{{ 12.34 | u16(100) }}", "1234"),
        ("{{ -0.5 | i8(10) }}", "-5"),
        ("{{ 2.5 | u8 }}", "3"),
        ("{{ -2.5 | i8 }}", "-3"),
        ("{{ 127.4 | i8 }}", "127"),
        ("{{ 255 | hex }} {{ 48879 | hex(8) }}", "0xFF 0x0000BEEF"),
        ("{{ 44 | detent([10, 20, 30, 45, 60]) }}", "4"),
        ("{{ 29 | detent(even(5, -10, 30), round=\"down\") }}", "4"),
        ("{{ 99 | detent(even(5, -10, 30), round=\"down\") }}", "5"),
        ("{{ even(3, 0, 1) | join(\" \") }}", "0.0 0.5 1.0"),
        ("{{ \"tall/heavy 2\" | c_name }}", "tall_heavy_2"),
        ("{{ \"a */ b\" | c_comment }}", "a * / b"),
        (
            "{{ [1000, 2000, 3000, 4000] | c_array(16, 2) }}",
            "1000, 2000,\n  3000, 4000",
        ),
        ("{{ raw.units.depth }}", "0.01 mm"),
        (
            "{{ programme[0].technique }} {{ programme[0].hold_s }}",
            "press 2.0",
        ),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_with_its_line() {
    for (template, line, part) in [
        ("\n{{ 256 | u8 }}", 2, "u8 takes 0 to 255"),
        ("{{ 655.36 | u16(100) }}", 1, "u16 takes 0 to 65535"),
        ("{{ -1 | u16 }}", 1, "u16 takes 0"),
        ("{{ 7 | u8(low=1, high=6) }}", 1, "u8 takes 1 to 6"),
        ("{{ \"x\" | u8 }}", 1, "not a number"),
        (
            "{{ 99 | detent([0, 10, 20]) }}",
            1,
            "outside the detents 0 to 20",
        ),
        (
            "{{ -1 | detent([0, 10], round=\"down\") }}",
            1,
            "outside the detents",
        ),
        (
            "{{ 5 | detent([0, 10], round=\"up\") }}",
            1,
            "\"nearest\" and \"down\"",
        ),
        ("{{ 256 | hex }}", 1, "more than 2 hex digits"),
        ("{{ depth_at(\"tap\", 0, 0.5, 1) }}", 1, "no technique tap"),
        (
            "{{ depth_at(\"press\", 0, 0.5, 6) }}",
            1,
            "level 6 of 1 to 5",
        ),
        ("\n\n{% for x in range(3) %}", 3, "syntax"),
        ("{{ 1 | sixteen }}", 1, "sixteen"),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}.{% endfor %}{% endfor %}",
            1,
            "does not come to an end",
        ),
    ] {
        let problem = render(template).expect_err(template);
        assert_eq!(
            (problem.file.as_str(), problem.line),
            ("mine.c.j2", line),
            "{problem}"
        );
        assert!(problem.message.contains(part), "{template}: {problem}");
    }
}

/// A name that does not exist: where, and what there is.
#[test]
fn a_wrong_name_teaches() {
    for template in [
        "one\n{{ programm }}",
        "one\n{% for row in programme %}{{ row.speed }}{% endfor %}",
        "one\n{{ limits.session | u16 }}",
    ] {
        let told = render(template).expect_err(template).to_string();
        assert!(told.starts_with("mine.c.j2:2: error: "), "{told}");
        for there in ["programme", "speed_mm_s", "session_s", "depth_mm"] {
            assert!(told.contains(there), "{there}: {told}");
        }
    }
}

/// The page beside the templates names every key that a template sees, and no filter is missing.
#[test]
fn the_page_names_what_there_is() {
    let page = include_str!("../templates/README.md");
    let (m, t) = tables();
    let context = vendor::context(&t, &m);
    let mut keys: Vec<String> = Vec::new();
    let mut gather = |value: &serde_json::Value| {
        keys.extend(value.as_object().expect("an object").keys().cloned());
    };
    gather(&context);
    gather(&context["limits"]);
    for inner in [
        &context["programme"][0],
        &context["classes"][0],
        &context["caps"][0][0],
    ] {
        gather(inner);
    }
    gather(&context["programme"][0]["points"][0]);
    for key in keys {
        assert!(
            page.contains(&format!("`{key}`")),
            "templates/README.md does not name `{key}`"
        );
    }
    let told = render("{{ 1 | nofilter }}")
        .expect_err("no such filter")
        .hint;
    for word in told
        .split([' ', ',', '\n'])
        .filter(|w| !w.is_empty() && !w.ends_with(':'))
    {
        assert!(
            page.contains(word),
            "templates/README.md does not name {word}"
        );
    }
}
