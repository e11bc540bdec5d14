//! What `loop.c` does, with the exported Rust crate: the same lines.

use kneadlab_demo::{
    CLASS_UNKNOWN, Channel, Command, Context, Cursor, Error, IMAGE, Inputs, Phase, Programme,
};

/// What the test says of its tables.
fn given(name: &str) -> i32 {
    std::env::var(name).unwrap().parse().unwrap()
}

fn words(values: &[u16]) {
    let texts: Vec<String> = values.iter().map(|v| format!("{v:04x}")).collect();
    println!("{}", texts.join(" "));
}

struct Random(u32);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % n
    }
}

fn code<T>(result: &Result<T, Error>) -> u16 {
    result.as_ref().err().map_or(0, |error| *error as u16)
}

/// The image holds everything, so only its refusals differ from those of separate arrays.
fn refusals() {
    let codes = [
        code(&Context::open(IMAGE, &IMAGE[..IMAGE.len() - 8])),
        code(&Context::open(&IMAGE[1..], IMAGE)),
        code(&Context::open(&IMAGE[..63], IMAGE)),
    ];
    assert_eq!(codes, [7, 4, 3]);
    words(&[9, 7, 4, 3, 1, 1]);
}

fn lookups(tables: &mut Context<'_>) {
    let mut random = Random(1);
    for i in 0..4000 {
        let technique = random.below(4) as u8;
        let body = random.below(if i % 9 == 0 { 256 } else { 10 }) as u8;
        let station = random.below(if i % 3 == 0 { 65536 } else { 47106 }) as u16;
        let level = random.below(8) as u8;
        let found = tables.depth(technique, body, station, level);
        let cap = tables.cap(body, station).unwrap();
        let in_range = (1..=5).contains(&level);
        // Where the C fills in a retracted depth, Rust has an error.
        let flags = cap.flags | if in_range { 0 } else { 32 };
        let (depth, force, current, flags) = found.map_or((given("RETRACTED") as i16, 0, 0, flags), |d| {
            (d.depth, d.force, d.current, d.flags)
        });
        words(&[
            code(&found),
            depth as u16,
            force,
            current,
            flags.into(),
            cap.depth as u16,
            cap.force,
            cap.dwell,
            cap.tap,
            cap.flags.into(),
            tables.station((i32::from(station) - 32768) as i16),
            tables.class(station / 16, station / 6).into(),
        ]);
    }
    let n = tables.counts;
    words(&[
        n.station_clamped,
        n.class_unknown,
        n.level_clamped,
        n.cap_applied,
    ]);
}

fn follow(input: &mut Inputs, out: &Command, seed: u32, random: &mut Random) {
    let stride = random.below(60) as u16;
    let step = stride.min(out.station.abs_diff(input.station));
    input.station = if out.station > input.station {
        input.station + step
    } else {
        input.station - step
    };
    input.ticks = 1 + random.below(3) as u16;
    input.depth = (i32::from(out.depth) + random.below(40) as i32 - 20) as i16;
    let turned = out.knead > 0 && random.below(200) == 0;
    input.cycles = input.cycles.wrapping_add(u16::from(turned));
    if random.below(100) == 0 {
        input.trim = random.below(9) as i8 - 4;
    }
    input.stop = seed % 4 == 1 && random.below(3000) == 0;
    if seed % 4 == 2 && random.below(900) == 0 {
        input.ticks = 500;
    }
}

fn session<'a>(tables: &mut Context<'a>, fallback: &mut Context<'a>, seed: u32) {
    let mut random = Random(seed);
    let body = if seed == 3 { 255 } else { seed as u8 };
    let mut programme = Programme::start(tables, body, given("CONDITIONS") as u32, 0);
    words(&[programme.fault().map_or(0, |e| e as u16)]);
    let mut input = Inputs {
        ticks: 1,
        ..Inputs::default()
    };
    let (mut after, mut failed) = (0, false);
    while after < 50 {
        let context = if failed { &mut *fallback } else { &mut *tables };
        let out = programme.step(context, &input);
        words(&[
            programme.fault().map_or(0, |e| e as u16),
            out.station,
            out.depth as u16,
            out.speed,
            out.park,
            out.step,
            out.technique.into(),
            out.knead,
            out.press.into(),
            out.phase as u16,
            out.flags.into(),
        ]);
        if programme.fault().is_some() && !failed {
            failed = true;
            programme = Programme::start(fallback, CLASS_UNKNOWN, 0, input.depth);
        }
        after += u32::from(out.phase == Phase::Done);
        follow(&mut input, &out, seed, &mut random);
    }
}

fn channels() {
    let mut random = Random(9);
    for axis in 0..3 {
        let channel = Channel::open(IMAGE, axis);
        words(&[code(&channel)]);
        let Ok(channel) = channel else { continue };
        let mut at = Cursor::default();
        for _ in 0..2200 {
            let position = channel.step(&mut at, 3 + random.below(7) as u16);
            words(&[0, position as u16, at.knot, at.ticks]);
        }
    }
}

fn main() {
    refusals();
    let mut fallback = Context::open_fallback(IMAGE).unwrap();
    let mut tables = Context::open(IMAGE, IMAGE).unwrap();
    let vectors = tables.selftest(IMAGE).unwrap();
    words(&[0, 0, 0, vectors, 0]);
    lookups(&mut tables);
    for seed in 1..=4 {
        session(&mut tables, &mut fallback, seed);
    }
    channels();
}
