//! Pins the promise about damage: of 10,000 mutated images, half of them with every CRC recomputed, each is
//! refused with a code or harmless, in Rust and in C under sanitizers, and the two agree.
//!
//! Harmless means: every lookup answers as before, or within the caps of the sound image.

mod common;
#[allow(dead_code)]
#[path = "../runtime/kneadlab_rt.rs"]
mod rt;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{build_pc, text, write_export};
use proptest::prelude::*;
use table::{Counts, Model, Tables, emit, example, quantise, read};

const MUTANTS: usize = 10_000;

fn model() -> Model {
    let mut model = example::model(2, 4, 2);
    model.channels = example::channels();
    model.channels.truncate(1);
    model
}

/// Fitting the channel takes a while, so it is done once.
fn sound() -> Tables {
    static SOUND: std::sync::OnceLock<Tables> = std::sync::OnceLock::new();
    SOUND
        .get_or_init(|| quantise(&model()).expect("the example is sound"))
        .clone()
}

// ---- mutants ----

/// xorshift32: only has to be the same every time.
struct Random(u32);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % n
    }
}

/// Offset and size of each header field (LAYOUT.md).
const HEADER: [(usize, usize); 16] = [
    (0, 4),
    (4, 1),
    (5, 1),
    (6, 2),
    (8, 4),
    (12, 4),
    (16, 4),
    (20, 4),
    (24, 8),
    (32, 2),
    (34, 2),
    (36, 4),
    (40, 2),
    (42, 2),
    (44, 4),
    (48, 16),
];

/// Where mutations go, with equal shares: each header field, each field of each directory entry, each section.
fn places(blob: &[u8]) -> Vec<(String, usize, usize)> {
    let mut out: Vec<_> = HEADER
        .iter()
        .map(|&(at, size)| (format!("header {at}"), at, size))
        .collect();
    for i in 0..usize::from(blob[32]) {
        let entry = 64 + 16 * i;
        for (field, size) in [(0, 2), (2, 2), (4, 4), (8, 4), (12, 4)] {
            out.push((format!("entry {i}.{field}"), entry + field, size));
        }
        let (offset, size) = (u32_at(blob, entry + 4), u32_at(blob, entry + 8));
        // Four shares for the contents, which are larger.
        for share in 0..4 {
            out.push((format!("section {}.{share}", i + 1), offset, size));
        }
    }
    out
}

fn u32_at(data: &[u8], at: usize) -> usize {
    u32::from_le_bytes(data[at..at + 4].try_into().expect("four bytes")) as usize
}

/// One of the ways in which memory goes wrong, somewhere in `at..at + size`; its name.
fn mutate(data: &mut Vec<u8>, at: usize, size: usize, random: &mut Random) -> &'static str {
    let i = at + random.below(size);
    let j = at + random.below(size);
    match random.below(12) {
        0 => {
            data[i] ^= 1 << random.below(8);
            "bit flipped"
        }
        1 => {
            data[i] ^= 1 + random.below(255) as u8;
            "byte changed"
        }
        2 => {
            data[i] = 0xFF;
            "byte erased"
        }
        3 => {
            data[i] = data[i].wrapping_add(1);
            "byte counted up"
        }
        4 => {
            data[at..at + size].fill(if i.is_multiple_of(2) { 0 } else { 0xFF });
            "all filled"
        }
        5 | 6 => {
            data.swap(i, j);
            "bytes exchanged"
        }
        7 => swap_blocks(data, at, size, 2, random),
        // A part, which is what has a check word; a row of the programme.
        8 => swap_blocks(data, at, size, 12, random),
        9 => swap_blocks(data, at, size, 24, random),
        // Two columns, or two classes, of a map of words (2 levels, 4 columns).
        10 => {
            let block = [4, 16][random.below(2)];
            swap_blocks(data, at, size, block, random)
        }
        _ => match random.below(4) {
            0 => {
                data.truncate(i);
                "cut"
            }
            1 => {
                data.extend([0; 8]);
                "lengthened"
            }
            2 => {
                data.remove(i);
                "byte lost"
            }
            _ => {
                data.insert(i, 0);
                "byte put in"
            }
        },
    }
}

/// Two blocks of `block` bytes, counted from `at`, change places; two bytes where there is no second block.
fn swap_blocks(
    data: &mut [u8],
    at: usize,
    size: usize,
    block: usize,
    random: &mut Random,
) -> &'static str {
    let blocks = size / block;
    if blocks < 2 {
        data.swap(at, at + size - 1);
        return "bytes exchanged";
    }
    let (a, b) = (random.below(blocks), random.below(blocks));
    for k in 0..block {
        data.swap(at + block * a + k, at + block * b + k);
    }
    match block {
        2 => "words exchanged",
        12 => "parts exchanged",
        24 => "rows exchanged",
        _ => "cells exchanged",
    }
}

/// Makes every CRC fit, as far as the directory makes sense.
fn repair(data: &mut [u8]) {
    if data.len() < 64 {
        return;
    }
    let count = usize::from(data[32]).min((data.len() - 64) / 16);
    for entry in (0..count).map(|i| 64 + 16 * i) {
        let (offset, size) = (u32_at(data, entry + 4), u32_at(data, entry + 8));
        if let Some(content) = data.get(offset..offset.saturating_add(size)) {
            let crc = crc32(&[content]).to_le_bytes();
            data[entry + 12..entry + 16].copy_from_slice(&crc);
        }
    }
    seal(data);
}

/// Makes the image's own CRC fit.
fn seal(data: &mut [u8]) {
    let crc = crc32(&[&data[..12], &data[16..]]).to_le_bytes();
    data[12..16].copy_from_slice(&crc);
}

fn crc32(parts: &[&[u8]]) -> u32 {
    const ZLIB: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = ZLIB.digest();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize()
}

/// The mutants, by place and kind; every second one with right CRCs. None equals the sound image.
fn mutants(blob: &[u8]) -> Vec<(String, Vec<u8>)> {
    let places = places(blob);
    let mut random = Random(8);
    let mut out = Vec::new();
    while out.len() < MUTANTS {
        let (name, at, size) = &places[out.len() / 2 % places.len()];
        let mut mutant = blob.to_vec();
        let repaired = out.len() % 2 == 1;
        let what = mutate(&mut mutant, *at, *size, &mut random);
        if repaired {
            repair(&mut mutant);
        } else if name.starts_with("section") && out.len() % 4 == 0 && mutant.len() >= 64 {
            // The image's CRC fits and the section's does not.
            seal(&mut mutant);
        }
        // A damaged CRC that was repaired is no damage; the place gets another try.
        if mutant != blob {
            out.push((format!("{name}: {what}"), mutant));
        } else if name.ends_with(".12") || name == "header 12" {
            mutant[12] ^= 1;
            out.push((format!("{name}: {what}"), mutant));
        }
    }
    out
}

// ---- what a mutant does ----

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verdict {
    Refused(u8),
    /// Every lookup, cap, limit and step is as before.
    Same,
    /// Another depth, force or current somewhere, and every one within the sound caps.
    InsideCaps,
}

/// The lookups that `damage.c` makes too: their CRC, and whether all lie within the caps of `sound`.
fn lookups(tables: &Tables, sound: &Tables) -> (u32, bool) {
    let counts = &mut Counts::default();
    let (mut crc, mut inside) = (0_u32, true);
    for technique in 0..3 {
        for body in [0, 1, 255] {
            for station in (0..=6144).step_by(256) {
                for level in 1..=2 {
                    let found = tables.eval(counts, technique, body, station, level);
                    let (cap, flags) = tables.cap(counts, body, station);
                    let l = found.unwrap_or(table::Lookup {
                        depth: tables.limits.retracted,
                        flags,
                        ..Default::default()
                    });
                    let sound_cap = sound.cap(counts, body, station).0;
                    inside &= l.depth <= sound_cap.depth && l.force <= sound_cap.force;
                    inside &= cap.dwell <= sound_cap.dwell && cap.tap <= sound_cap.tap;
                    let mut row = crc.to_le_bytes().to_vec();
                    row.extend(l.depth.to_le_bytes());
                    row.extend(l.force.to_le_bytes());
                    row.extend(l.current.to_le_bytes());
                    row.extend([l.flags, if found.is_some() { 0 } else { 19 }]);
                    crc = crc32(&[&row]);
                }
            }
        }
    }
    // The carriage, every 47 ticks: never beyond what its channel says.
    for (channel, right) in tables.channels.iter().zip(&sound.channels) {
        for ticks in (1..=400).map(|i| 47 * i) {
            let position = channel.at(ticks);
            inside &= (right.low..=right.high).contains(&position);
            let row = [&crc.to_le_bytes()[..], &position.to_le_bytes()].concat();
            crc = crc32(&[&row]);
        }
    }
    (crc, inside && tables.channels.len() == sound.channels.len())
}

fn judge(mutant: &[u8], sound: &Tables) -> (Verdict, u32) {
    match read::blob(mutant) {
        Err(refusal) => (Verdict::Refused(refusal.code), 0),
        Ok(tables) => {
            let (crc, inside) = lookups(&tables, sound);
            assert!(inside, "a lookup passes a cap of the sound image");
            assert_eq!(tables.limits, sound.limits);
            assert_eq!(tables.steps, sound.steps);
            assert_eq!(tables.fallback, sound.fallback);
            assert_eq!(tables.classes, sound.classes);
            assert_eq!(tables.vectors, sound.vectors);
            let same = crc == lookups(sound, sound).0;
            (
                if same {
                    Verdict::Same
                } else {
                    Verdict::InsideCaps
                },
                crc,
            )
        }
    }
}

#[test]
fn ten_thousand_mutants_are_refused_or_harmless() {
    let sound = sound();
    let blob = emit::blob(&sound);
    let mutants = mutants(&blob);
    let mut counters: BTreeMap<Verdict, usize> = BTreeMap::new();
    let verdicts: Vec<(Verdict, u32)> = mutants
        .iter()
        .enumerate()
        .map(|(i, (place, mutant))| {
            let verdict = judge(mutant, &sound);
            let crc_is_wrong = i % 2 == 0;
            assert!(
                !crc_is_wrong || matches!(verdict.0, Verdict::Refused(3..=18 | 26)),
                "{i}, {place}: a wrong CRC passed"
            );
            *counters.entry(verdict.0).or_default() += 1;
            verdict
        })
        .collect();
    println!("{} mutants: {counters:?}", mutants.len());
    assert_eq!(counters.values().sum::<usize>(), MUTANTS);
    // What lies in parts is found by its check word, before its meaning is asked for (13 to 15, 17).
    for code in [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 26] {
        assert!(
            counters.contains_key(&Verdict::Refused(code)),
            "code {code}"
        );
    }
    for what in ["bytes", "words", "parts", "rows", "cells"] {
        let kind = format!("{what} exchanged");
        let count = |ok: fn(&Verdict) -> bool| {
            let of = mutants.iter().zip(&verdicts).enumerate();
            of.filter(|(i, ((place, _), v))| i % 2 == 1 && place.ends_with(&kind) && ok(&v.0))
                .count()
        };
        let (all, refused) = (count(|_| true), count(|v| matches!(v, Verdict::Refused(_))));
        println!("{kind}, right CRCs: {all}, refused {refused}");
        assert!(all > 50, "{kind}: {all}");
    }
    let in_parts = |place: &str| {
        let number = place
            .strip_prefix("section ")
            .and_then(|p| p.split('.').next());
        matches!(
            number,
            Some("1" | "6" | "7" | "8" | "9" | "10" | "11" | "13")
        )
    };
    for ((place, _), verdict) in mutants.iter().zip(&verdicts) {
        assert!(
            !(in_parts(place) && place.ends_with("exchanged"))
                || matches!(verdict.0, Verdict::Refused(_)),
            "{place}: not found"
        );
    }
    in_c(&sound, &mutants, &verdicts);
}

/// The code of the exported Rust crate, which makes the same calls as `damage.c`.
fn crate_code(image: &[u8]) -> u32 {
    let opened = rt::Context::open(image, image).and_then(|mut c| {
        rt::Context::open_fallback(image)?;
        rt::Channel::open(image, 0)?;
        c.selftest(image)
    });
    opened.map_or_else(|error| error as u32, |_| 0)
}

/// Everything made to fit, the check words as well: what is left to find it is what the numbers mean.
fn repair_parts(data: &mut [u8]) {
    for i in 0..usize::from(data[32]) {
        let entry = 64 + 16 * i;
        let kind = data[entry];
        let (offset, size) = (u32_at(data, entry + 4), u32_at(data, entry + 8));
        if ![1, 6, 7, 8, 9, 10, 11, 13].contains(&kind) {
            continue;
        }
        let parts = data[offset..offset + size].chunks_mut(12);
        for (index, part) in parts.enumerate() {
            part[10..].fill(0);
            let mut sum = part.chunks(2).fold(0, |sum: u32, w| {
                sum << 1 ^ u32::from(w[0]) ^ u32::from(w[1]) << 8
            });
            while sum >> 16 != 0 {
                sum ^= 0x1_002D << (sum.ilog2() - 16);
            }
            let check = sum as u16 ^ (u16::from(kind) << 12 | index as u16);
            part[10..].copy_from_slice(&check.to_le_bytes());
        }
    }
    repair(data);
}

/// Each rule on a value, broken with every CRC and check word right: kind, byte, what is written there, the code.
#[test]
fn meaning_is_checked_behind_right_check_words() {
    const RULES: [(u8, usize, &[u8], u8); 40] = [
        (1, 0, &[0], 12),            // no technique
        (1, 0, &[17], 12),           // too many
        (1, 1, &[65], 12),           // classes
        (1, 2, &[1], 12),            // one column
        (1, 3, &[0], 12),            // no level
        (1, 6, &[0, 0x80], 12),      // the axis falls
        (1, 8, &[0, 0], 12),         // no programme
        (1, 8, &[1, 8], 12),         // 2049 rows
        (1, 8, &[3, 0], 9),          // three rows, but there are four
        (2, 0, &[0xFF, 0x7F], 16),   // above its cap
        (2, 0, &[0, 0x80], 16),      // below the retracted position
        (3, 0, &[4], 16),            // no such flag
        (3, 0, &[2], 16),            // infeasible, but not retracted
        (4, 0, &[0xFF, 0xFF], 16),   // above its force cap
        (6, 0, &[0, 0x80], 14),      // a cap below the retracted position
        (6, 96, &[0xFF, 0x7F], 14),  // the strictest row is not: depth
        (6, 98, &[0xFF, 0xFF], 14),  // force
        (6, 100, &[0xFF, 0xFF], 14), // dwell
        (6, 102, &[0xFF, 0xFF], 14), // tap
        (6, 8, &[9, 0], 14),         // no such zone
        (7, 2, &[0, 0], 15),         // an empty class: stature
        (7, 6, &[0, 0], 15),         // body mass index
        (8, 0, &[0, 0], 13),         // no session
        (8, 2, &[0, 0], 13),         // no watchdog
        (8, 4, &[0, 0], 13),         // no speed
        (8, 6, &[0, 0], 13),         // no acceleration
        (8, 24, &[0], 13),           // another answer than the header's
        (9, 1, &[3], 17),            // no such end
        (9, 0, &[3], 17),            // no such technique
        (9, 12, &[0, 0], 17),        // it never ends
        (10, 0, &[0], 17),           // a fallback that works
        (10, 20, &[0, 0], 17),       // no timeout
        (13, 1, &[2], 26),           // no such shift
        (13, 2, &[1, 0], 26),        // one knot
        (13, 2, &[0xFF, 0xFF], 26),  // more than there are
        (13, 8, &[0, 0x80], 26),     // no room
        (14, 0, &[0, 0], 26),        // no time
        (14, 2, &[0xFF, 0x7F], 26),  // beyond the bounds
        (14, 0, &[0xFF, 0xFF], 26),  // so long that its speed leads out of them
        (14, 10, &[0, 0x80], 26),    // and so fast
    ];
    let sound = sound();
    let blob = emit::blob(&sound);
    let mut mutants = Vec::new();
    let mut verdicts = Vec::new();
    for (kind, at, value, code) in RULES {
        let mut mutant = blob.clone();
        let entry = 64 + 16 * (usize::from(kind) - 1);
        let at = u32_at(&blob, entry + 4) + at;
        mutant[at..at + value.len()].copy_from_slice(value);
        repair_parts(&mut mutant);
        assert_ne!(mutant, blob);
        let verdict = judge(&mutant, &sound);
        assert_eq!(verdict.0, Verdict::Refused(code), "section {kind}, {at}");
        assert_eq!(
            crate_code(&mutant),
            u32::from(code),
            "section {kind}, {at}, crate"
        );
        mutants.push((format!("section {kind}, {at}"), mutant));
        verdicts.push(verdict);
    }
    let mut untouched = blob.clone();
    repair_parts(&mut untouched);
    assert_eq!(
        untouched, blob,
        "the test's own check words are the export's"
    );
    in_c(&sound, &mutants, &verdicts);
}

/// The same mutants in C under the address and undefined-behaviour sanitizers, each in a block of its size.
fn in_c(sound: &Tables, mutants: &[(String, Vec<u8>)], verdicts: &[(Verdict, u32)]) {
    let dir = tempfile::tempdir().expect("a folder");
    write_export(dir.path(), &model());
    let flags = [
        "-O1",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "-DDAMAGE_CHANNELS",
    ];
    let Some(program) = build_pc(dir.path(), &["damage.c", "kneadlab_channel.c"], &flags) else {
        return;
    };
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = Vec::new();
    for (_, mutant) in mutants {
        input.extend((mutant.len() as u32).to_le_bytes());
        input.extend(mutant);
    }
    let mut stdin = child.stdin.take().expect("a pipe");
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    feeder.join().expect("no panic").expect("it reads on");
    assert!(output.status.success(), "{}", output.status);
    let untouched = lookups(sound, sound).0;
    let mut counters: BTreeMap<u32, usize> = BTreeMap::new();
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), mutants.len());
    for (i, line) in lines.lines().enumerate() {
        let mut numbers = line.split(' ').map(|n| n.parse::<u32>().expect("a number"));
        let (code, crc) = (
            numbers.next().expect("a code"),
            numbers.next().expect("a CRC"),
        );
        let (place, mutant) = &mutants[i];
        let in_rust = crate_code(mutant);
        assert_eq!(
            code, in_rust,
            "{i}, {place}: C left, the exported crate right"
        );
        *counters.entry(code).or_default() += 1;
        match verdicts[i] {
            // The codes may differ where one reader looks at a section before the other. A vector that is
            // wrong in itself fails the self test; names are read on a PC only and touch no lookup.
            (Verdict::Refused(why), _) => assert!(
                code != 0 || (why == 9 && crc == untouched),
                "{i}, {}: C takes what Rust refuses with {why}",
                mutants[i].0
            ),
            // A changed vector, or a value that the vectors look up, fails the self test.
            (_, expected) => {
                assert!([0, 25].contains(&code), "{i}, {}: {code}", mutants[i].0);
                assert_eq!(crc, expected, "{i}, {}: lookups", mutants[i].0);
            }
        }
    }
    println!("in C, by code: {counters:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    /// Any number of edits anywhere, cut anywhere: refused with a code, or within the sound caps.
    #[test]
    fn prop_any_edits_are_refused_or_harmless(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        right_crc in any::<bool>(),
    ) {
        let sound = sound();
        let mut mutant = emit::blob(&sound);
        for (at, value) in edits {
            let at = at.index(mutant.len());
            mutant[at] = value;
        }
        if let Some(cut) = cut {
            mutant.truncate(cut.index(mutant.len()));
        }
        if right_crc {
            repair(&mut mutant);
        }
        if let (Verdict::Refused(code), _) = judge(&mutant, &sound) {
            prop_assert!((3..=18).contains(&code) || code == 26);
        }
    }

    /// Bytes that never were an image.
    #[test]
    fn prop_noise_is_refused(mut noise in prop::collection::vec(any::<u8>(), 0..400), headed in any::<bool>()) {
        if headed && noise.len() >= 64 {
            let size = noise.len() as u32;
            noise[..8].copy_from_slice(b"KNLB\x01\x00\x40\x00");
            noise[8..12].copy_from_slice(&size.to_le_bytes());
            noise[16..20].copy_from_slice(&table::tables::LAYOUT_HASH.to_le_bytes());
            repair(&mut noise);
        }
        prop_assert!(read::blob(&noise).is_err());
    }
}
