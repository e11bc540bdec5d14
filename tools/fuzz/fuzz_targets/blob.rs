//! Damaged images through the reader and the evaluator, and through the exported crate: no panic, no read outside, and where both
//! take an image they answer alike, under its own caps.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use table::eval::{Counts, Inputs, Programme};
use table::{Tables, emit, example, quantise, read};

#[path = "../../../crates/table/tests/common/edits.rs"]
mod edits;
#[allow(dead_code)]
#[path = "../../../crates/table/runtime/kneadlab_rt.rs"]
mod rt;

fn sound() -> &'static [u8] {
    static SOUND: OnceLock<Vec<u8>> = OnceLock::new();
    SOUND.get_or_init(|| {
        let mut model = example::model(2, 4, 2);
        model.channels = example::channels();
        model.channels.truncate(1);
        emit::blob(&quantise(&model).expect("the example is sound"))
    })
}

fuzz_target!(|script: &[u8]| {
    let image = edits::mutant(sound(), script);
    let opened = rt::Context::open(&image, &image);
    let Ok(tables) = read::blob(&image) else {
        return;
    };
    lookups(&tables, opened.ok());
    session(&tables);
    for channel in &tables.channels {
        for ticks in (0..100_000).step_by(4099) {
            let _ = channel.at(ticks);
        }
    }
});

fn lookups(t: &Tables, mut runtime: Option<rt::Context<'_>>) {
    let counts = &mut Counts::default();
    for technique in 0..t.techniques.len().min(4) as u8 {
        for body in [0, 1, 255] {
            for station in (0..=u32::from(t.last_station()) + 300).step_by(300) {
                let station = station.min(65535) as u16;
                for level in 0..=t.levels.min(3) {
                    let l = t.eval(counts, technique, body, station, level).expect("a technique");
                    let (cap, _) = t.cap(counts, body, station);
                    assert!(l.depth <= cap.depth && l.force <= cap.force);
                    assert!(l.depth >= t.limits.retracted);
                    if let Some(c) = &mut runtime {
                        let d = c.depth(technique, body, station, level).expect("a technique");
                        assert_eq!((l.depth, l.force, l.current, l.flags), (d.depth, d.force, d.current, d.flags));
                    }
                }
            }
        }
    }
}

/// A machine that obeys at once, until the end or 2000 ticks.
fn session(t: &Tables) {
    let mut p = Programme::start(t, 0, t.limits.requires, 0);
    let mut input = Inputs { ticks: 1, ..Inputs::default() };
    for _ in 0..2000 {
        let out = p.step(&input);
        input.station = out.station;
        input.depth = out.depth;
        input.cycles = input.cycles.wrapping_add(u16::from(out.knead));
    }
}
