//! The C runtime in Rust: same checks in the same order, same codes, same answers to the bit. It reads images
//! in place and needs neither `std` nor an allocator; a read outside an image gives 0, so nothing panics.
//!
//! Units and meanings are those of `kneadlab_rt.h`. Engineering envelope; needs clinical review; not medical
//! advice.

/// Version of the runtime.
pub const RT_VERSION: u32 = 5;
/// First four bytes of the hash of the layout.
pub const LAYOUT_HASH: u32 = 0x3CD2_D181;
/// Station units from one column to the next.
pub const STATION_ONE: u16 = 2048;
/// Takes the strictest row.
pub const CLASS_UNKNOWN: u8 = 255;
/// Technique of a row that only retracts and travels.
pub const NO_TECHNIQUE: u8 = 255;

/// Flag: tuned, the band was moved down to the cap.
pub const F_CAP_LIMITED: u8 = 1;
/// Flag: tuned, no safe depth here; retracted.
pub const F_INFEASIBLE: u8 = 2;
/// Flag: the runtime cut the value to the cap.
pub const F_CAP_APPLIED: u8 = 4;
/// Flag: station beyond the table.
pub const F_STATION: u8 = 8;
/// Flag: unknown body class.
pub const F_CLASS: u8 = 16;
/// Flag: level out of range.
pub const F_LEVEL: u8 = 32;

/// Why something was refused or stopped, with the C runtime's codes. Whatever it is: run the fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Error {
    /// A context without what the call needs.
    Argument = 1,
    /// The CRC routine fails its known answer.
    CrcEngine = 2,
    /// Fewer bytes than a header.
    Short = 3,
    /// Not KNLB.
    Magic = 4,
    /// Format version, or the image needs a newer runtime.
    Version = 5,
    /// Layout hash of another runtime.
    Layout = 6,
    /// Header size, total size.
    Size = 7,
    /// CRC of the image.
    Crc = 8,
    /// A section is missing, twice there, misplaced or of a wrong size.
    Section = 9,
    /// CRC of a section.
    SectionCrc = 10,
    /// A part's check word.
    Record = 11,
    /// Counts or axis.
    Meta = 12,
    /// A limit of zero.
    Limits = 13,
    /// A cap out of order.
    Caps = 14,
    /// An empty class.
    Classes = 15,
    /// A depth, force or flag outside its bounds.
    Map = 16,
    /// A step that cannot be run.
    Steps = 17,
    /// Images of two different exports.
    Mismatch = 18,
    /// No such technique.
    Technique = 19,
    /// The programme forbids, or lacks, a condition.
    Condition = 20,
    /// The user pressed stop.
    Stop = 21,
    /// Too long between two calls.
    Watchdog = 22,
    /// Session limit.
    Session = 23,
    /// A step did not end.
    Timeout = 24,
    /// A vector of the self test.
    Selftest = 25,
    /// No such channel, or a knot outside its bounds.
    Channel = 26,
}

/// How often each thing happened; the counters stop at 65535.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Station beyond the table.
    pub station_clamped: u16,
    /// Unknown body class.
    pub class_unknown: u16,
    /// Level out of range.
    pub level_clamped: u16,
    /// Depth cut to the cap.
    pub cap_applied: u16,
    /// Hold cut to the dwell cap.
    pub dwell_limited: u16,
    /// Programme refused.
    pub refused: u16,
}

/// Answer of [`Context::depth`]: 0.01 mm, 0.01 N, mA, flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// 0.01 mm, capped.
    pub depth: i16,
    /// Expected node force, 0.01 N.
    pub force: u16,
    /// Expected motor current, mA.
    pub current: u16,
    /// `F_...`
    pub flags: u8,
}

/// Answer of [`Context::cap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cap {
    /// 0.01 mm.
    pub depth: i16,
    /// 0.01 N.
    pub force: u16,
    /// 0.1 s.
    pub dwell: u16,
    /// 0.01 Hz.
    pub tap: u16,
    /// `F_...`
    pub flags: u8,
}

const HEADER: usize = 64;
const ENTRY: usize = 16;
const FORMAT_MAJOR: u8 = 3;
/// Five words and their check word.
const PART: usize = 12;
/// A step and a vector.
const ROW: usize = 2 * PART;
const MAX_ROWS: usize = 2048;

const META: u16 = 1;
const DEPTH: u16 = 2;
const FLAGS: u16 = 3;
const FORCE: u16 = 4;
const CURRENT: u16 = 5;
const CAPS: u16 = 6;
const CLASSES: u16 = 7;
const LIMITS: u16 = 8;
const STEPS: u16 = 9;
const FALLBACK: u16 = 10;
const VECTORS: u16 = 11;
const CHANNELS: u16 = 13;
const HERMITE3: u16 = 14;

fn get16(data: &[u8], at: usize) -> u16 {
    match data.get(at..at + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    }
}

fn get16s(data: &[u8], at: usize) -> i16 {
    get16(data, at) as i16
}

fn get32(data: &[u8], at: usize) -> u32 {
    u32::from(get16(data, at)) | u32::from(get16(data, at + 2)) << 16
}

fn get8(data: &[u8], at: usize) -> u8 {
    data.get(at).copied().unwrap_or(0)
}

fn record(data: &[u8], index: usize, size: usize) -> &[u8] {
    data.get(index * size..(index + 1) * size).unwrap_or(&[])
}

/// Whether part `index` of a section has its check word: the words are coefficients of a polynomial over
/// GF(2), which modulo x^16 + x^5 + x^3 + x^2 + 1 must be kind and index.
fn part_ok(section: &[u8], kind: u16, index: usize) -> bool {
    let part = record(section, index, PART);
    let words = (0..PART).step_by(2).map(|at| u32::from(get16(part, at)));
    let sum = words.fold(0, |sum, word| (sum << 1) ^ word);
    let over = sum >> 16;
    let sum = sum ^ over ^ (over << 2) ^ (over << 3) ^ (over << 5);
    part.len() == PART && sum as u16 == (kind << 12).wrapping_add(index as u16)
}

/// Every part of a section that is made of such; nothing may be left over.
fn parts_ok(section: &[u8], kind: u16) -> bool {
    !matches!(kind, META | CAPS..=VECTORS | CHANNELS)
        || section.len().is_multiple_of(PART)
            && (0..section.len() / PART).all(|index| part_ok(section, kind, index))
}

fn crc_run(crc: u32, data: &[u8]) -> u32 {
    data.iter().fold(crc, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            (c >> 1) ^ (0xEDB8_8320 & (c & 1).wrapping_neg())
        })
    })
}

/// CRC-32 as zlib computes it.
pub fn crc32(data: &[u8]) -> u32 {
    !crc_run(!0, data)
}

fn check(good: bool, error: Error) -> Result<(), Error> {
    if good { Ok(()) } else { Err(error) }
}

fn count_up(counter: &mut u16) {
    *counter = counter.saturating_add(1);
}

// ---- reading an image ----

/// Offset of the first directory entry of a kind.
fn entry_of(image: &[u8], kind: u16) -> Option<usize> {
    let count = usize::from(get16(image, 32));
    (0..count)
        .map(|i| HEADER + i * ENTRY)
        .find(|&at| get16(image, at) == kind)
}

fn section(image: &[u8], kind: u16) -> Result<&[u8], Error> {
    let at = entry_of(image, kind).ok_or(Error::Section)?;
    let from = get32(image, at + 4) as usize;
    let size = get32(image, at + 8) as usize;
    image.get(from..from + size).ok_or(Error::Section)
}

fn sized(image: &[u8], kind: u16, size: usize) -> Result<&[u8], Error> {
    section(image, kind).and_then(|s| {
        if s.len() == size {
            Ok(s)
        } else {
            Err(Error::Section)
        }
    })
}

/// A section of 1 to 2048 whole rows.
fn rows(image: &[u8], kind: u16) -> Result<&[u8], Error> {
    let s = section(image, kind)?;
    check(
        !s.is_empty() && s.len() % ROW == 0 && s.len() <= MAX_ROWS * ROW,
        Error::Section,
    )?;
    Ok(s)
}

fn check_image(image: &[u8]) -> Result<(), Error> {
    check(crc32(b"123456789") == 0xCBF4_3926, Error::CrcEngine)?;
    check(image.len() >= HEADER, Error::Short)?;
    check(image.starts_with(b"KNLB"), Error::Magic)?;
    check(get8(image, 4) == FORMAT_MAJOR, Error::Version)?;
    let size = image.len();
    let fits = usize::from(get16(image, 6)) == HEADER && get32(image, 8) as usize == size;
    check(fits && size <= 0x10_0000, Error::Size)?;
    let crc = !crc_run(crc_run(!0, &image[..12]), &image[16..]);
    check(crc == get32(image, 12), Error::Crc)?;
    check(get32(image, 16) == LAYOUT_HASH, Error::Layout)?;
    check(get32(image, 44) <= RT_VERSION, Error::Version)?;
    check(get16(image, 34) == 1000, Error::Meta)?;
    check_directory(image)
}

fn check_directory(image: &[u8]) -> Result<(), Error> {
    let count = usize::from(get16(image, 32));
    let mut end = HEADER + count * ENTRY;
    check(count <= 32 && end <= image.len(), Error::Section)?;
    for entry in (0..count).map(|i| HEADER + i * ENTRY) {
        let bytes = get32(image, entry + 8) as usize;
        let in_place = get32(image, entry + 4) as usize == end
            && bytes <= image.len() - end
            && get16(image, entry + 2) == 0
            && entry_of(image, get16(image, entry)) == Some(entry);
        check(in_place, Error::Section)?;
        let content = image.get(end..end + bytes).ok_or(Error::Section)?;
        check(
            crc32(content) == get32(image, entry + 12),
            Error::SectionCrc,
        )?;
        check(parts_ok(content, get16(image, entry)), Error::Record)?;
        end = (end + bytes + 7) & !7;
        check(end <= image.len(), Error::Section)?;
    }
    check(end == image.len(), Error::Size)
}

/// An opened set of tables, or a fallback.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// How often things happened.
    pub counts: Counts,
    depth: &'a [u8],
    flags: &'a [u8],
    force: &'a [u8],
    current: &'a [u8],
    caps: &'a [u8],
    classes: &'a [u8],
    limits: &'a [u8],
    steps: &'a [u8],
    from_q14: i16,
    span_q14: u16,
    retracted: i16,
    technique_count: u8,
    class_count: u8,
    station_count: u8,
    level_count: u8,
}

impl<'a> Context<'a> {
    /// Checks everything. A single image that holds both, such as the `.bin`, is given twice.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn open(tables: &'a [u8], caps: &'a [u8]) -> Result<Self, Error> {
        check_image(tables)?;
        check_image(caps)?;
        check(tables[24..32] == caps[24..32], Error::Mismatch)?;
        let mut c = Context::default();
        c.read_meta(caps)?;
        let step_count = c.read_meta(tables)?;
        c.read_limits(caps)?;
        check(
            section(tables, META)? == section(caps, META)?,
            Error::Mismatch,
        )?;
        let columns = c.columns();
        let cells = usize::from(c.technique_count) * columns * usize::from(c.level_count);
        c.depth = sized(tables, DEPTH, 2 * cells)?;
        c.flags = sized(tables, FLAGS, cells)?;
        c.force = sized(tables, FORCE, 2 * cells)?;
        c.current = sized(tables, CURRENT, 2 * cells)?;
        c.caps = sized(caps, CAPS, columns * PART)?;
        c.classes = sized(tables, CLASSES, usize::from(c.class_count) * PART)?;
        c.steps = sized(tables, STEPS, step_count * ROW)?;
        c.check_caps(get16(caps, 42))?;
        c.check_maps()?;
        c.check_classes()?;
        c.check_steps(c.last_station())?;
        Ok(c)
    }

    /// The same for a fallback, which needs no map.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn open_fallback(image: &'a [u8]) -> Result<Self, Error> {
        check_image(image)?;
        let mut c = Context::default();
        c.read_limits(image)?;
        c.steps = rows(image, FALLBACK)?;
        c.check_steps(31 * STATION_ONE)?;
        Ok(c)
    }

    fn columns(&self) -> usize {
        (usize::from(self.class_count) + 1) * usize::from(self.station_count)
    }

    fn last_station(&self) -> u16 {
        (u16::from(self.station_count) - 1) * STATION_ONE
    }

    /// Counts and axis; the number of steps.
    fn read_meta(&mut self, image: &[u8]) -> Result<usize, Error> {
        let m = sized(image, META, PART)?;
        let in_range = (1..=16).contains(&m[0])
            && (1..=64).contains(&m[1])
            && (2..=32).contains(&m[2])
            && (1..=16).contains(&m[3]);
        let (from, to, steps) = (get16s(m, 4), get16s(m, 6), get16(m, 8));
        let fits = from < to
            && (1..=MAX_ROWS).contains(&steps.into())
            && get16(image, 40) == u16::from(m[1]);
        check(in_range && fits, Error::Meta)?;
        [self.technique_count, self.class_count] = [m[0], m[1]];
        [self.station_count, self.level_count] = [m[2], m[3]];
        self.from_q14 = from;
        self.span_q14 = (i32::from(to) - i32::from(from)) as u16;
        Ok(usize::from(steps))
    }

    fn read_limits(&mut self, image: &'a [u8]) -> Result<(), Error> {
        let l = sized(image, LIMITS, 3 * PART)?;
        let in_range = [0, 2, 4, 6].iter().all(|&at| get16s(l, at) > 0);
        check(in_range && get32(l, 24) == get32(image, 36), Error::Limits)?;
        self.limits = l;
        self.retracted = get16s(l, 8);
        Ok(())
    }

    fn check_caps(&self, zones: u16) -> Result<(), Error> {
        let stations = usize::from(self.station_count);
        let columns = self.columns();
        for column in 0..columns {
            let own = record(self.caps, column, PART);
            let strict = record(self.caps, columns - stations + column % stations, PART);
            let ordered = [2, 4, 6]
                .iter()
                .all(|&at| get16(strict, at) <= get16(own, at));
            let depths = get16s(own, 0) >= self.retracted && get16s(strict, 0) <= get16s(own, 0);
            check(ordered && depths && get16(own, 8) < zones, Error::Caps)?;
        }
        Ok(())
    }

    fn check_maps(&self) -> Result<(), Error> {
        for cell in 0..self.flags.len() {
            let column = cell / usize::from(self.level_count) % self.columns();
            let cap = record(self.caps, column, PART);
            let (depth, flags) = (get16s(self.depth, 2 * cell), get8(self.flags, cell));
            let good = depth >= self.retracted
                && depth <= get16s(cap, 0)
                && flags <= 3
                && get16(self.force, 2 * cell) <= get16(cap, 2)
                && (flags & F_INFEASIBLE == 0 || depth == self.retracted);
            check(good, Error::Map)?;
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), Error> {
        for i in 0..usize::from(self.class_count) {
            let c = record(self.classes, i, PART);
            check(
                get16(c, 0) < get16(c, 2) && get16(c, 4) < get16(c, 6),
                Error::Classes,
            )?;
        }
        Ok(())
    }

    fn check_steps(&self, last: u16) -> Result<(), Error> {
        for i in 0..self.steps.len() / ROW {
            let row = record(self.steps, i, ROW);
            let s = Step::read(row);
            let fits = s.end <= 2
                && s.press > 0
                && s.from <= last
                && s.to <= last
                && s.park < 36000
                && s.speed > 0
                && s.timeout > 0;
            let travels = s.technique == NO_TECHNIQUE && s.end == 0 && s.level == 0;
            let works = s.technique != NO_TECHNIQUE
                && s.technique < self.technique_count
                && (1..=self.level_count).contains(&s.level)
                && (s.end == 0 || s.hold > 0)
                && (s.end == 1 || s.cycles > 0);
            check(fits && (travels || works), Error::Steps)?;
        }
        Ok(())
    }

    // ---- lookups ----

    fn locate(&mut self, body: u8, station: u16) -> Place {
        let (mut body, mut station, mut flags) = (body, station, 0);
        if station > self.last_station() {
            station = self.last_station();
            flags = F_STATION;
            count_up(&mut self.counts.station_clamped);
        }
        if body >= self.class_count {
            body = self.class_count;
            flags |= F_CLASS;
            count_up(&mut self.counts.class_unknown);
        }
        let low = usize::from(body) * usize::from(self.station_count)
            + usize::from(station / STATION_ONE);
        let frac = u32::from(station % STATION_ONE) * (16384 / u32::from(STATION_ONE));
        Place {
            low,
            high: low + usize::from(frac > 0),
            frac,
            flags,
        }
    }

    fn cap_at(&self, place: &Place) -> Result<Cap, Error> {
        let a = record(self.caps, place.low, PART);
        let b = record(self.caps, place.high, PART);
        check(
            part_ok(self.caps, CAPS, place.low) && part_ok(self.caps, CAPS, place.high),
            Error::Record,
        )?;
        let least = |at| get16(a, at).min(get16(b, at));
        Ok(Cap {
            depth: get16s(a, 0).min(get16s(b, 0)),
            force: least(2),
            dwell: least(4),
            tap: least(6),
            flags: place.flags,
        })
    }

    /// The smaller cap of the two columns around a station; never interpolated.
    ///
    /// # Errors
    /// A cap whose check word is wrong, or a fallback.
    pub fn cap(&mut self, body: u8, station: u16) -> Result<Cap, Error> {
        check(!self.caps.is_empty(), Error::Argument)?;
        let place = self.locate(body, station);
        self.cap_at(&place)
    }

    /// Depth and what to expect there; the caps are applied last. On an error: retract.
    ///
    /// # Errors
    /// No such technique, a cap whose check word is wrong, or a fallback.
    pub fn depth(
        &mut self,
        technique: u8,
        body: u8,
        station: u16,
        level: u8,
    ) -> Result<Depth, Error> {
        self.depth_and_cap(technique, body, station, level)
            .map(|(depth, _)| depth)
    }

    fn depth_and_cap(
        &mut self,
        technique: u8,
        body: u8,
        station: u16,
        level: u8,
    ) -> Result<(Depth, Cap), Error> {
        check(!self.caps.is_empty(), Error::Argument)?;
        let mut place = self.locate(body, station);
        let cap = self.cap_at(&place);
        let mut level = level;
        if level < 1 || level > self.level_count {
            level = 1;
            place.flags |= F_LEVEL;
            count_up(&mut self.counts.level_clamped);
        }
        let cap = cap?;
        check(technique < self.technique_count, Error::Technique)?;
        let first = usize::from(technique) * self.columns();
        let cell = |column: usize| {
            (first + column) * usize::from(self.level_count) + usize::from(level) - 1
        };
        let (low, high) = (cell(place.low), cell(place.high));
        let between = |map: &[u8], flip: u16| {
            let a = u32::from(get16(map, 2 * low) ^ flip);
            let b = u32::from(get16(map, 2 * high) ^ flip);
            (((a * (16384 - place.frac)) + b * place.frac + 8192) >> 14) as u16 ^ flip
        };
        let mut out = Depth {
            depth: self.retracted,
            flags: place.flags | get8(self.flags, low) | get8(self.flags, high),
            ..Depth::default()
        };
        if out.flags & F_INFEASIBLE == 0 {
            out.depth = between(self.depth, 0x8000) as i16;
            out.force = between(self.force, 0).min(cap.force);
            out.current = between(self.current, 0);
        }
        if out.depth > cap.depth {
            out.depth = cap.depth;
            out.flags |= F_CAP_APPLIED;
            count_up(&mut self.counts.cap_applied);
        }
        Ok((out, cap))
    }

    /// Body class from the body scan; [`CLASS_UNKNOWN`] where no class matches.
    pub fn class(&self, stature_mm: u16, bmi_x100: u16) -> u8 {
        let holds = |i: &u8| {
            let c = record(self.classes, usize::from(*i), PART);
            part_ok(self.classes, CLASSES, usize::from(*i))
                && (get16(c, 0)..get16(c, 2)).contains(&stature_mm)
                && (get16(c, 4)..get16(c, 6)).contains(&bmi_x100)
        };
        (0..self.class_count).find(holds).unwrap_or(CLASS_UNKNOWN)
    }

    /// Station from u (0 = C7, 1 = S2) in Q14; ends are clamped.
    pub fn station(&self, u_q14: i16) -> u16 {
        if self.station_count < 2 {
            return 0;
        }
        let along = i32::from(u_q14) - i32::from(self.from_q14);
        let (last, span) = (u32::from(self.last_station()), u32::from(self.span_q14));
        match u32::try_from(along) {
            Err(_) => 0,
            Ok(along) if along >= span => self.last_station(),
            Ok(along) => ((along * last + span / 2) / span) as u16,
        }
    }

    /// Runs the vectors of an image: how many there are.
    ///
    /// # Errors
    /// An image that is refused, or [`Error::Selftest`].
    pub fn selftest(&mut self, image: &[u8]) -> Result<u16, Error> {
        check(!self.caps.is_empty(), Error::Argument)?;
        check_image(image)?;
        let vectors = rows(image, VECTORS)?;
        let saved = self.counts;
        let count = vectors.len() / ROW;
        let failed = (0..count)
            .filter(|&i| !self.vector_ok(record(vectors, i, ROW)))
            .count();
        self.counts = saved;
        check(failed == 0, Error::Selftest)?;
        Ok(count as u16)
    }

    fn vector_ok(&mut self, v: &[u8]) -> bool {
        let found = self.depth_and_cap(get8(v, 0), get8(v, 1), get16(v, 4), get8(v, 2));
        found.is_ok_and(|(d, cap)| {
            d.flags == get8(v, 3)
                && d.depth == get16s(v, 6)
                && d.force == get16(v, 8)
                && d.current == get16(v, 12)
                && cap.depth == get16s(v, 14)
                && cap.force == get16(v, 16)
                && cap.dwell == get16(v, 18)
                && cap.tap == get16(v, 20)
        })
    }
}

/// Columns around a station.
struct Place {
    low: usize,
    high: usize,
    frac: u32,
    flags: u8,
}

/// A row of a programme.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    technique: u8,
    end: u8,
    level: u8,
    press: u8,
    from: u16,
    to: u16,
    spacing: u16,
    /// Or the kneading speed.
    hold: u16,
    cycles: u16,
    park: u16,
    speed: u16,
    timeout: u16,
}

impl Step {
    fn read(row: &[u8]) -> Step {
        Step {
            technique: get8(row, 0),
            end: get8(row, 1),
            level: get8(row, 2),
            press: get8(row, 3),
            from: get16(row, 4),
            to: get16(row, 6),
            spacing: get16(row, 8),
            hold: get16(row, 12),
            cycles: get16(row, 14),
            park: get16(row, 16),
            speed: get16(row, 18),
            timeout: get16(row, 20),
        }
    }
}

// ---- programme ----

/// Phase of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Pulling the nodes back.
    #[default]
    Retract = 0,
    /// Carriage on its way.
    Travel = 1,
    /// Protruding.
    Approach = 2,
    /// Holding, kneading or rolling.
    Work = 3,
    /// The programme is over.
    Done = 4,
    /// Something failed: run the fallback.
    Fault = 5,
}

/// What the machine reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs {
    /// Since the last call; at least 1.
    pub ticks: u16,
    /// Where the carriage is.
    pub station: u16,
    /// Where the protrusion is; without an encoder the last command.
    pub depth: i16,
    /// Kneading turns, free running.
    pub cycles: u16,
    /// User strength: added to the level.
    pub trim: i8,
    /// The user wants to stop.
    pub stop: bool,
}

/// A park of this: the kneading shaft stops where it is, since the nodes may still press.
pub const SHAFT_STAYS: u16 = 0xFFFF;

/// What the machine shall do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Go there.
    pub station: u16,
    /// Protrude to here, 0.01 mm; already limited in speed.
    pub depth: i16,
    /// Carriage speed, 0.1 mm/s.
    pub speed: u16,
    /// While it does not knead: turn the kneading shaft there, 0.01 degree; or [`SHAFT_STAYS`].
    pub park: u16,
    /// Row of the programme.
    pub step: u16,
    /// Or [`NO_TECHNIQUE`].
    pub technique: u8,
    /// Speed of the kneading shaft, 0.01 turns a minute; 0: it does not turn.
    pub knead: u16,
    /// The slide itself comes out no faster, 0.125 mm/s; 0: as fast as it can, to follow a rolled back.
    pub press: u8,
    /// Phase after the call.
    pub phase: Phase,
    /// Of the lookup behind `depth`.
    pub flags: u8,
}

/// A running programme.
#[derive(Clone, Debug, Default)]
pub struct Programme {
    depth_q8: i32,
    rate: i32,
    session_ticks: u32,
    step_ticks: u32,
    work_ticks: u32,
    step: u16,
    point: u16,
    pass: u16,
    cycles_at_start: u16,
    phase: Phase,
    body: u8,
    fault: Option<Error>,
    /// The row that runs.
    row: Step,
}

fn near(a: i32, b: i32, tolerance: u16) -> bool {
    a.abs_diff(b) <= u32::from(tolerance)
}

impl Programme {
    /// Starts the programme of a context. `conditions`: what the user declared. A fallback is never refused.
    pub fn start(c: &mut Context<'_>, body: u8, conditions: u32, depth_now: i16) -> Programme {
        let mut p = Programme {
            depth_q8: i32::from(depth_now) * 256,
            rate: 0,
            body,
            ..Programme::default()
        };
        p.enter(c, 0);
        let (requires, forbids) = (get32(c.limits, 16), get32(c.limits, 24));
        if c.technique_count > 0 && (conditions & forbids) | (!conditions & requires) != 0 {
            p.phase = Phase::Fault;
            p.fault = Some(Error::Condition);
            count_up(&mut c.counts.refused);
        }
        p
    }

    /// Why it stopped, if it did.
    pub fn fault(&self) -> Option<Error> {
        self.fault
    }

    /// Call every tick. After a fault it retracts: start the fallback.
    pub fn step(&mut self, c: &mut Context<'_>, input: &Inputs) -> Command {
        let mut out = Command {
            technique: NO_TECHNIQUE,
            park: SHAFT_STAYS,
            step: self.step,
            press: self.row.press,
            ..Command::default()
        };
        let mut goal = Depth {
            depth: c.retracted,
            ..Depth::default()
        };
        let mut cap = None;
        if !self.over() {
            self.session_ticks = self.session_ticks.wrapping_add(input.ticks.into());
            self.step_ticks = self.step_ticks.wrapping_add(input.ticks.into());
            match self.watch(c, input).and_then(|()| self.aim(c, input)) {
                Ok(None) => {}
                Ok(Some((depth, its_cap))) => {
                    goal = depth;
                    cap = Some(its_cap);
                }
                Err(fault) => {
                    self.phase = Phase::Fault;
                    self.fault = Some(fault);
                }
            }
        }
        for _ in 0..input.ticks.min(100) {
            self.slew(c, goal.depth);
        }
        // A cap that comes nearer while the carriage moves wins over the speed limit.
        if let Some(most) = cap.map(|cap| i32::from(cap.depth) * 256)
            && self.depth_q8 > most
        {
            self.depth_q8 = most;
            goal.flags |= F_CAP_APPLIED;
        }
        if !self.over() {
            out.flags = goal.flags;
            let dwell = cap.map_or(0, |cap| cap.dwell);
            self.act(c, input, goal.depth, dwell, &mut out);
        }
        if self.over() {
            out.station = input.station;
            out.speed = 0;
            out.park = SHAFT_STAYS;
            out.technique = NO_TECHNIQUE;
            out.knead = 0;
        }
        out.depth = self.depth();
        out.phase = self.phase;
        out
    }

    fn over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Fault)
    }

    /// Rounded down, so that a fraction never lies over a cap.
    fn depth(&self) -> i16 {
        (self.depth_q8 >> 8) as i16
    }

    /// Reads a row and checks it; the programme is over where there is none.
    fn enter(&mut self, c: &Context<'_>, step: u16) {
        self.step = step;
        self.step_ticks = 0;
        self.pass = 0;
        let first = 2 * usize::from(step);
        if first >= c.steps.len() / PART {
            self.phase = Phase::Done;
            return;
        }
        self.phase = Phase::Retract;
        let kind = if c.technique_count > 0 {
            STEPS
        } else {
            FALLBACK
        };
        if !(part_ok(c.steps, kind, first) && part_ok(c.steps, kind, first + 1)) {
            self.phase = Phase::Fault;
            self.fault = Some(Error::Record);
        }
        self.row = Step::read(record(c.steps, usize::from(step), ROW));
        self.point = self.row.from;
    }

    fn watch(&self, c: &Context<'_>, input: &Inputs) -> Result<(), Error> {
        let is_fallback = c.technique_count == 0;
        if input.stop {
            // A fallback goes on: it is what stopping means.
            return check(is_fallback, Error::Stop);
        }
        if !is_fallback {
            check(input.ticks <= get16(c.limits, 2), Error::Watchdog)?;
            let most = u32::from(get16(c.limits, 0)) * 100;
            check(self.session_ticks <= most, Error::Session)?;
        }
        let timeout = u32::from(self.row.timeout);
        check(self.step_ticks <= timeout * 100, Error::Timeout)
    }

    fn at_point(&self, c: &Context<'_>, input: &Inputs) -> bool {
        near(input.station.into(), self.point.into(), get16(c.limits, 12))
    }

    /// Depth and cap while the nodes touch.
    fn aim(&mut self, c: &mut Context<'_>, input: &Inputs) -> Result<Option<(Depth, Cap)>, Error> {
        if !matches!(self.phase, Phase::Approach | Phase::Work) {
            return Ok(None);
        }
        // A carriage that is not where it should be, or rolls, gets the depth and cap of where it is.
        let rolls = self.row.end == 0 && self.phase == Phase::Work;
        let at = if rolls || !self.at_point(c, input) {
            input.station
        } else {
            self.point
        };
        let level = (i32::from(self.row.level) + i32::from(input.trim))
            .min(c.level_count.into())
            .max(1);
        c.depth_and_cap(self.row.technique, self.body, at, level as u8)
            .map(Some)
    }

    /// Moves the phase on.
    fn act(
        &mut self,
        c: &mut Context<'_>,
        input: &Inputs,
        goal: i16,
        dwell: u16,
        out: &mut Command,
    ) {
        let step = self.row;
        let at_point = self.at_point(c, input);
        out.station = self.point;
        out.speed = step.speed;
        if self.phase != Phase::Retract {
            // A turn under pressure would drag the nodes to where none may press.
            out.park = step.park;
        }
        out.technique = step.technique;
        let arrived =
            self.depth() == goal && near(input.depth.into(), goal.into(), get16(c.limits, 14));
        match self.phase {
            Phase::Retract => {
                out.station = input.station;
                if arrived {
                    self.phase = Phase::Travel;
                }
            }
            Phase::Travel if at_point && step.technique == NO_TECHNIQUE => self.leave(c, &step),
            Phase::Travel if at_point => self.phase = Phase::Approach,
            Phase::Travel => {}
            Phase::Approach => {
                if arrived {
                    self.phase = Phase::Work;
                    self.work_ticks = 0;
                    self.cycles_at_start = input.cycles;
                }
            }
            _ => self.work(c, input, &step, dwell, out),
        }
    }

    fn work(
        &mut self,
        c: &mut Context<'_>,
        input: &Inputs,
        step: &Step,
        dwell: u16,
        out: &mut Command,
    ) {
        self.work_ticks = self.work_ticks.wrapping_add(input.ticks.into());
        let done = if step.end == 0 {
            out.press = 0;
            out.station = if self.pass & 1 == 0 {
                step.to
            } else {
                step.from
            };
            near(
                input.station.into(),
                out.station.into(),
                get16(c.limits, 12),
            )
        } else {
            let turns = input.cycles.wrapping_sub(self.cycles_at_start);
            out.knead = if step.end == 2 { step.hold } else { 0 };
            let enough = if step.end == 1 {
                self.work_ticks >= u32::from(step.hold)
            } else {
                turns >= step.cycles
            };
            let too_long = !enough && self.work_ticks >= u32::from(dwell) * 10;
            if too_long {
                count_up(&mut c.counts.dwell_limited);
            }
            enough || too_long
        };
        if done {
            self.leave(c, step);
        }
    }

    /// The next press point of this row, the way back, or the next row.
    fn leave(&mut self, c: &Context<'_>, step: &Step) {
        self.step_ticks = 0;
        let last = if step.end == 0 {
            self.pass = self.pass.wrapping_add(1);
            step.technique == NO_TECHNIQUE || self.pass >= step.cycles
        } else {
            // The last gap may be smaller than the others.
            let (point, spacing) = (i32::from(self.point), i32::from(step.spacing));
            let way = (i32::from(step.to) - point).clamp(-spacing, spacing);
            if way != 0 {
                self.point = (point + way) as u16;
                self.phase = Phase::Retract;
            }
            way == 0
        };
        if last {
            self.enter(c, self.step + 1);
        }
    }

    /// One tick of the commanded depth, within speed and acceleration: as fast as can still be braked on the way that is left.
    fn slew(&mut self, c: &Context<'_>, target: i16) {
        let more = i32::from(get16(c.limits, 6)) * 5 / 2;
        let way = i32::from(target) * 256 - self.depth_q8;
        let mut fastest = i32::from(get16(c.limits, 4));
        if way >= 0 {
            fastest = fastest.min(i32::from(self.row.press) * 32);
        }
        // The speeds of the braking, the last one first.
        let (mut left, mut most) = (way.abs() - more, more);
        while left >= most + more && most < fastest {
            most += more;
            left -= most;
        }
        let most = most.min(fastest);
        self.rate += (way.clamp(-most, most) - self.rate).clamp(-more, more);
        self.depth_q8 += self.rate;
    }
}

// ---- channels ----

const KNOT: usize = 6;
const SPAN_MAX: u32 = 16384;

/// An axis over time: cubics between knots.
#[derive(Clone, Copy, Debug, Default)]
pub struct Channel<'a> {
    knots: &'a [u8],
    shift: u8,
}

/// Where a channel stands; the default is its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Number of the knot that was passed last.
    pub knot: u16,
    /// Ticks since.
    pub ticks: u16,
}

/// A position in offset binary and quarters of a unit.
fn quarters(position: u16) -> u32 {
    u32::from(position ^ 0x8000) << 2
}

/// A third of the way that a knot's speed makes, added to (or taken from) its position.
fn beside(knot: &[u8], dt: u32, shift: u8, after: bool) -> u32 {
    let velocity = get16s(knot, 4);
    let divisor = 3_u32 << (shift - 2);
    let third = (u32::from(velocity.unsigned_abs()) * dt + divisor / 2) / divisor;
    let at = quarters(get16(knot, 2));
    if (velocity < 0) == after {
        at.wrapping_sub(third)
    } else {
        at.wrapping_add(third)
    }
}

fn mix(a: u32, b: u32, frac: u32) -> u32 {
    (a * (16384 - frac) + b * frac + 8192) >> 14
}

impl<'a> Channel<'a> {
    /// Checks the image, and every knot and the curve between them against the channel's stated bounds.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn open(image: &'a [u8], axis: u8) -> Result<Channel<'a>, Error> {
        check_image(image)?;
        let heads = section(image, CHANNELS)?;
        let all = section(image, HERMITE3)?;
        let head = (0..heads.len() / ROW)
            .map(|i| record(heads, i, ROW))
            .find(|head| get8(head, 0) == axis)
            .ok_or(Error::Channel)?;
        let (count, first) = (usize::from(get16(head, 2)), usize::from(get16(head, 4)));
        let (low, high) = (quarters(get16(head, 6)), quarters(get16(head, 8)));
        let shift = get8(head, 1);
        let knots = all.get(first * KNOT..(first + count) * KNOT);
        let knots = knots.ok_or(Error::Channel)?;
        check(
            count >= 2 && (3..=15).contains(&shift) && low <= high,
            Error::Channel,
        )?;
        for i in 0..count - 1 {
            let (from, to) = (record(knots, i, KNOT), record(knots, i + 1, KNOT));
            let dt = u32::from(get16(from, 0));
            let (a, b) = (quarters(get16(from, 2)), quarters(get16(to, 2)));
            let points = [
                a,
                b,
                beside(from, dt, shift, true),
                beside(to, dt, shift, false),
            ];
            let inside = points.iter().all(|p| (low..=high).contains(p));
            check(
                dt > 0 && inside && a.abs_diff(b) >> 2 <= SPAN_MAX,
                Error::Channel,
            )?;
        }
        Ok(Channel { knots, shift })
    }

    /// Goes on by `ticks` and tells the position, in the channel's unit; after the end the last one.
    pub fn step(&self, at: &mut Cursor, ticks: u16) -> i16 {
        let last = (self.knots.len() / KNOT).saturating_sub(1);
        let mut t = u32::from(at.ticks) + u32::from(ticks);
        let mut i = usize::from(at.knot).min(last);
        while i < last && t >= u32::from(get16(self.knots, i * KNOT)) {
            t -= u32::from(get16(self.knots, i * KNOT));
            i += 1;
        }
        let from = record(self.knots, i, KNOT);
        let mut value = quarters(get16(from, 2));
        if i < last {
            let to = record(self.knots, i + 1, KNOT);
            let dt = u32::from(get16(from, 0)).max(1);
            let frac = ((t << 14) + dt / 2) / dt;
            let b = beside(from, dt, self.shift, true);
            let c = beside(to, dt, self.shift, false);
            let d = quarters(get16(to, 2));
            let first = [mix(value, b, frac), mix(b, c, frac), mix(c, d, frac)];
            let second = [mix(first[0], first[1], frac), mix(first[1], first[2], frac)];
            value = mix(second[0], second[1], frac);
        } else {
            t = 0;
        }
        at.knot = i as u16;
        at.ticks = t as u16;
        (((value + 2) >> 2) as i32 - 32768) as i16
    }
}
