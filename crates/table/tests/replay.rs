//! Pins the promise of `kneadlab replay`: the log of the compiled C replays without a difference, through the fallback too; a log
//! that was tampered with is found at its tick and no earlier; and what is no log is told with its lines.

mod common;

use std::process::Command;

use common::{build_pc, run, text, write_export};
use table::{Tables, example, log, quantise};

fn tables() -> Tables {
    quantise(&example::model(9, 24, 5)).expect("the example is sound")
}

fn read(text: &str) -> log::Log {
    log::read(text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn the_compiled_c_logs_what_the_mirror_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let t = write_export(dir.path(), &example::model(9, 24, 5));
    let Some(program) = build_pc(dir.path(), &["log_main.c"], &["-O1"]) else {
        return;
    };
    for body in ["0", "5", "255"] {
        let said = run(Command::new(&program).arg(body), "the log");
        let said = text(&said.stdout);
        assert_eq!(
            said,
            log::record(&t, body.parse().expect("a number"), t.limits.requires)
        );
        let found = log::compare(&t, &read(&said));
        assert!(found.same(), "{found:?}");
        assert_eq!(found.ends, ["done"]);
        assert!(
            found.rows > 5000 && found.compared.len() == 11,
            "{} rows",
            found.rows
        );
        if body == "255" {
            assert!(found.flags["unknown body class"] > 1000);
        }
    }
}

/// One value of one row changed: that row, that column, that much.
#[test]
fn a_tampered_log_is_found_at_its_tick() {
    let t = tables();
    let sound = log::record(&t, 3, t.limits.requires);
    let lines: Vec<&str> = sound.lines().collect();
    // Header and start are two lines; the depth that came out is column 7.
    let at = lines.len() / 2;
    let mut fields: Vec<String> = lines[at].split(',').map(String::from).collect();
    let depth: i64 = fields[7].parse().expect("a depth");
    fields[7] = (depth + 130).to_string();
    let tampered = sound.replacen(lines[at], &fields.join(","), 1);
    // Equal lines before it would be hit first.
    let line = 1 + tampered
        .lines()
        .zip(&lines)
        .position(|(a, b)| a != *b)
        .expect("a change");
    let found = log::compare(&t, &read(&tampered));
    let first = found.first.clone().expect("a difference");
    assert_eq!((first.line, first.tick), (line, line as u64 - 2));
    assert_eq!(first.values, [("out_depth", depth + 130, depth)]);
    assert_eq!(
        (
            found.columns["out_depth"].rows,
            found.columns["out_depth"].most
        ),
        (1, 130)
    );
    assert_eq!(found.columns.len(), 1);
    assert!(!found.same());

    // An input changed: the target did not do what these inputs ask for.
    let stop = lines[at].replacen(",0,0,", ",0,1,", 1);
    let found = log::compare(&t, &read(&sound.replacen(lines[at], &stop, 1)));
    let first = found.first.expect("a difference");
    assert!(first.values.contains(&("code", 0, 21)), "{first:?}");

    // A counter.
    let wrong = sound.replace("dwell_limited=", "dwell_limited=7");
    let found = log::compare(&t, &read(&wrong));
    assert!(found.first.is_none() && !found.same());
    assert_eq!(
        found.counts_differ.keys().collect::<Vec<_>>(),
        [&"dwell_limited"]
    );
}

/// Other tables than the target's: a cap of 0.5 mm less shows where the cap binds, with its zone.
#[test]
fn other_tables_part_ways_where_they_differ() {
    let old = tables();
    let mut model = example::model(9, 24, 5);
    for depth in &mut model.depth_m {
        *depth = (*depth - 0.0005).max(model.limits.retracted_m);
    }
    let new = quantise(&model).expect("sound");
    let found = log::compare(&new, &read(&log::record(&old, 3, old.limits.requires)));
    let first = found.first.expect("a difference");
    assert!(
        first.tick > 100,
        "{first:?}: on the way out they are the same"
    );
    // These tables arrive, and the target pressed on: 0.5 mm more in the end, and from there on another time.
    assert!([2, 3].contains(&first.phase), "{first:?}");
    assert!(found.columns["out_depth"].most >= 50);
    assert!(first.cap.is_some());
}

#[test]
fn a_stop_goes_on_in_the_fallback() {
    let t = tables();
    let mut text =
        String::from("# a person's note\n# start programme body=2 conditions=4 depth=0\n");
    text += "ticks,station,depth,cycles,my_own,stop,code,phase\n";
    text +=
        "1,0,0,0,99,0,0,0\n1,0,-33,0,98,1,21,5\n# start fallback depth=-33\n1,0,-33,0,97,0,0,0\n";
    let found = log::compare(&t, &read(&text));
    assert!(found.same(), "{found:?}");
    assert_eq!(found.ends, ["code 21", "in phase 0"]);
    assert_eq!(found.compared, ["phase", "code"]);
}

#[test]
fn what_is_no_log_is_told_with_its_lines() {
    for (text, line, part) in [
        ("", 1, "no row"),
        ("t,x\n1,2\n", 1, "missing: ticks, station, depth, cycles"),
        (
            "ticks,station,depth,cycles\n",
            1,
            "no column of what came out",
        ),
        (
            "ticks,station,depth,cycles,code\n1,0,0,0,0\n",
            2,
            "# start programme",
        ),
        (
            "# start programme\nticks,station,depth,cycles,code\n1,0,0\n",
            3,
            "3 values for 5 columns",
        ),
        (
            "# start programme\nticks,station,depth,cycles,code\n1,0.5,0,0,0\n",
            3,
            "station = 0.5: a whole number",
        ),
        (
            "# start programme\nticks,station,depth,cycles,code\n1,70000,0,0,0\n",
            3,
            "0 to 65535",
        ),
        (
            "# start programme body=300\nticks,station,depth,cycles,code\n1,0,0,0,0\n",
            1,
            "body = 300",
        ),
        (
            "# start programm\nticks,station,depth,cycles,code\n",
            1,
            "start programm:",
        ),
        (
            "# start programme\nticks,ticks,station,depth,cycles,code\n",
            2,
            "comes twice",
        ),
        ("# counts cap_applied=1\n", 1, "counts before a start"),
        (
            "# start fallback\n# counts caps=1\n",
            2,
            "there are station_clamped",
        ),
    ] {
        let problems = log::read(text).expect_err(text);
        let hit = problems
            .iter()
            .any(|p| p.line == line && p.message.contains(part));
        assert!(hit, "{text:?}: {problems:?}");
    }
    // All at once, and no flood.
    let mut text = String::from("# start programme\nticks,station,depth,cycles,code\n");
    text += &"1,x,0,0,0\n".repeat(1000);
    let problems = log::read(&text).expect_err("1000 problems");
    assert_eq!(problems.len(), 21);
    assert!(problems[20].message.contains("980 more"));
}
