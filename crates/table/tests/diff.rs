//! Pins what `kneadlab export --diff` tells: units, for whom, raised caps before all, and nothing left out of the full form.

use std::path::Path;

use table::{Difference, Model, diff, example, quantise};

fn model() -> Model {
    example::model(9, 24, 5)
}

fn told(change: impl FnOnce(&mut Model)) -> Difference {
    let old = quantise(&model()).expect("sound");
    let mut m = model();
    change(&mut m);
    diff(&old, &quantise(&m).expect("still sound"))
}

#[test]
fn the_same_tables_differ_in_nothing() {
    let d = told(|_| ());
    assert!(d.is_empty() && d.lines().is_empty());
    let d = told(|m| m.source.version = "kneadlab 9".into());
    assert!(d.is_empty());
    assert!(d.lines()[0].starts_with("the same values; only the source differs"));
}

/// By hand: 1.3 mm and 4 N more in one cell, which lies under a cap of zone TP.
#[test]
fn one_cell_speaks_in_units() {
    let d = told(|m| {
        let i = m.cell(0, 8, 10, 3);
        m.depth_m[i] += 0.0013;
        m.force_n[i] += 4.0;
    });
    assert_eq!(
        d.lines(),
        [
            "maps: 1 of 3600 cells changed",
            "TP, class 8, press, level 4: +1.3 mm, +4 N (u 0.43)",
        ]
    );
    assert_eq!((d.cells.len(), d.cells[0].depth_mm), (1, Some(1.3)));
}

/// A cap that allows more is called out first, and one that allows less is not called so.
#[test]
fn raised_caps_come_first() {
    let d = told(|m| {
        for c in m.caps.iter_mut().filter(|c| c.class == 2) {
            match c.zone.as_str() {
                "LP" => c.max_force_n += 1.5,
                _ => c.max_dwell_s -= 2.0,
            }
        }
        m.limits.session_max_s = 1200.0;
        m.limits.forbids = 0b0011;
    });
    let lines = d.lines();
    assert!(lines[0].starts_with("caps: "), "{lines:#?}");
    assert!(
        lines[1].starts_with("RAISED cap, LP, class 2: +1.5 N (12 columns, u 0.04 to 1.00)"),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|l| l.starts_with("cap, TP, class 2: -2 s (")),
        "{lines:#?}"
    );
    assert!(
        lines.contains(&"limit, session: 900 s -> 1200 s (RAISED)".into()),
        "{lines:#?}"
    );
    assert!(
        lines.contains(&"limit, forbids: 0x0000000B -> 0x00000003 (RAISED)".into()),
        "{lines:#?}"
    );
    assert_eq!(
        d.caps
            .iter()
            .filter(|c| c.raised() && c.class == "class 2")
            .count(),
        12
    );
}

#[test]
fn a_column_without_a_safe_depth_is_no_number() {
    let d = told(|m| {
        let i = m.cell(1, 3, 7, 2);
        m.depth_m[i] = m.limits.retracted_m;
        m.force_n[i] = 0.0;
        m.flags[i] = 2;
    });
    assert_eq!(d.cells[0].depth_mm, None);
    let line = &d.lines()[1];
    assert!(
        line.contains("knead, level 3: 1 cells now retracted: no safe depth (u 0.30)"),
        "{line}"
    );
}

#[test]
fn rows_of_the_programme_speak_in_units() {
    let d = told(|m| {
        m.programme[0].hold_s = 3.0;
        m.programme[0].level = 2;
        m.programme.pop();
    });
    assert_eq!(
        d.programme,
        [
            "has 3 rows, had 4",
            "row 0 (press): level 5 -> 2, hold 2.00 s -> 3.00 s"
        ]
    );
}

/// Columns that moved: the old tables are looked up at the new places. A map that is straight in u has not changed there.
#[test]
fn moved_columns_are_compared_by_place() {
    let straight = |stations: usize| {
        let mut m = example::model(1, stations, 1);
        for technique in 0..3 {
            for station in 0..stations {
                let i = m.cell(technique, 0, station, 0);
                m.depth_m[i] = 0.010 + 0.010 * m.stations[station];
                (m.force_n[i], m.current_a[i], m.flags[i]) = (10.0, 0.5, 0);
            }
        }
        for c in &mut m.caps {
            (c.max_depth_m, c.max_force_n, c.max_dwell_s, c.max_tap_hz) = (0.05, 60.0, 8.0, 5.0);
            c.zone = "LP".into();
        }
        quantise(&m).expect("sound")
    };
    let d = diff(&straight(9), &straight(17));
    assert_eq!(
        d.shape,
        ["columns: 9 from u 0.0000 to 1.0000 -> 17 from u 0.0000 to 1.0000"]
    );
    // Rounding of a place between two old columns.
    assert!(
        d.cells
            .iter()
            .all(|c| c.depth_mm.is_some_and(|mm| mm.abs() <= 0.0101)),
        "{:?}",
        d.cells
    );
    assert!(d.caps.is_empty());
}

/// A tuning that moved everything, as people read it. `KNEADLAB_GOLDEN=write` renews it.
#[test]
fn regress_golden_diff() {
    let d = told(|m| {
        for (i, depth) in m.depth_m.iter_mut().enumerate() {
            if m.flags[i] == 0 {
                *depth -= 0.0002 * (i % 7) as f64;
            }
        }
        for c in &mut m.caps {
            c.max_force_n += 0.5 * (c.class as f64 - 4.0);
        }
        m.programme[1].cycles = 6;
        m.classes[0].stature_max_m = 1.56;
        m.classes[1].stature_min_m = 1.56;
    });
    let text = d.lines().join("\n") + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diff.txt");
    if std::env::var("KNEADLAB_GOLDEN").is_ok_and(|v| v == "write") {
        std::fs::write(&golden, &text).expect("written");
    }
    assert_eq!(std::fs::read_to_string(&golden).unwrap_or_default(), text);
}
