//! From bytes back to [`Tables`], with every check that the C runtime makes, in the same order.

use crate::check::{self, PART};
use crate::image::{ENTRY_SIZE, HEADER_SIZE, Kind, MAX_IMAGE, crc32};
use crate::tables::{
    Cap, Channel, Class, FORMAT_MAJOR, INFEASIBLE, Knot, LAYOUT_HASH, Limits, MAX_ROWS,
    NO_TECHNIQUE, RT_VERSION, STATION_ONE, Step, TICK_MS, Tables, Vector,
};

/// Why an image was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused with code {code}: {why}")]
pub struct Refusal {
    /// The C runtime's status code.
    pub code: u8,
    /// In words.
    pub why: String,
}

/// Reads a complete image, such as the `.bin` of an export.
///
/// # Errors
/// A [`Refusal`] with the code that `kneadlab_open` gives. An image without fallback, vectors or
/// names is refused here with code 9, because a complete image has them.
pub fn blob(data: &[u8]) -> Result<Tables, Refusal> {
    let image = Directory::open(data)?;
    let meta = image.sized(Kind::Meta, PART)?;
    let (techniques, classes, stations, levels) = (meta[0], meta[1], meta[2], meta[3]);
    let (from_q14, to_q14) = (i16_at(meta, 4), i16_at(meta, 6));
    let (rows, zones) = (u16_at(meta, 8), u16_at(data, 42));
    let counts_fit = (1..=16).contains(&techniques)
        && (1..=64).contains(&classes)
        && (2..=32).contains(&stations)
        && (1..=16).contains(&levels)
        && (1..=MAX_ROWS).contains(&usize::from(rows))
        && from_q14 < to_q14
        && u16_at(data, 40) == u16::from(classes);
    if !counts_fit {
        return Err(refuse(12, "counts or axis out of range"));
    }
    let l = image.sized(Kind::Limits, 3 * PART)?;
    let limits = Limits {
        session: u16_at(l, 0),
        watchdog: u16_at(l, 2),
        speed_q8: u16_at(l, 4),
        accel: u16_at(l, 6),
        retracted: i16_at(l, 8),
        station_tolerance: u16_at(l, 12),
        depth_tolerance: u16_at(l, 14),
        requires: u32_at(l, 16),
        forbids: u32_at(l, 24),
    };
    if [
        limits.session,
        limits.watchdog,
        limits.speed_q8,
        limits.accel,
    ]
    .iter()
    .any(|limit| !(1..=32767).contains(limit))
        || limits.forbids != u32_at(data, 36)
    {
        return Err(refuse(
            13,
            "a limit outside 1 to 32767, or two answers for the forbidding conditions",
        ));
    }
    if [20, 28, 30, 32].iter().any(|&at| u16_at(l, at) != 0) {
        return Err(refuse(13, "a reserved word of LIMITS is not zero"));
    }
    let columns = (usize::from(classes) + 1) * usize::from(stations);
    let cells = usize::from(techniques) * columns * usize::from(levels);
    let (techniques, class_names, zones) = names(
        image.section(Kind::Names)?,
        [
            usize::from(techniques),
            usize::from(classes),
            usize::from(zones),
        ],
    )?;
    let (low, high) = data[24..32].split_at(4);
    let name = &data[48..64];
    let used = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    let tables = Tables {
        name: text(&name[..used])?,
        scene_id: u32_at(data, 20),
        content_hash: u64::from(u32_at(low, 0)) | u64::from(u32_at(high, 0)) << 32,
        techniques,
        class_names,
        zones,
        from_q14,
        to_q14,
        stations,
        levels,
        depth: image
            .sized(Kind::Depth, 2 * cells)?
            .chunks(2)
            .map(|w| i16_at(w, 0))
            .collect(),
        flags: image.sized(Kind::Flags, cells)?.to_vec(),
        force: image.words(Kind::Force, cells)?,
        current: image.words(Kind::Current, cells)?,
        caps: image
            .sized(Kind::Caps, columns * PART)?
            .chunks(PART)
            .map(|r| Cap {
                zone: u16_at(r, 8),
                ..cap(r)
            })
            .collect(),
        classes: image
            .sized(Kind::Classes, usize::from(classes) * PART)?
            .chunks(PART)
            .map(class)
            .collect::<Result<_, _>>()?,
        limits,
        steps: {
            image.sized(Kind::Steps, usize::from(rows) * ROW)?;
            steps(&image, Kind::Steps)?
        },
        fallback: steps(&image, Kind::Fallback)?,
        vectors: image
            .rows(Kind::Vectors)?
            .map(|r| Vector {
                technique: r[0],
                body: r[1],
                level: r[2],
                flags: r[3],
                station: u16_at(r, 4),
                depth: i16_at(r, 6),
                force: u16_at(r, 8),
                current: u16_at(r, 12),
                cap: cap(&r[14..]),
            })
            .collect(),
        channels: channels(&image)?,
    };
    meaning(&tables)?;
    Ok(tables)
}

/// Checks what the numbers mean: caps, maps, classes, steps.
pub(crate) fn meaning(t: &Tables) -> Result<(), Refusal> {
    let retracted = t.limits.retracted;
    let stations = usize::from(t.stations);
    for row in 0..t.rows() {
        for station in 0..stations {
            let cap = &t.caps[t.cap_index(row, station)];
            let strict = &t.caps[t.cap_index(t.rows() - 1, station)];
            if cap.depth < retracted
                || usize::from(cap.zone) >= t.zones.len()
                || strict.depth > cap.depth
                || strict.force > cap.force
                || strict.dwell > cap.dwell
                || strict.tap > cap.tap
            {
                let why = format!("cap of {}, column {station}", t.row_name(row));
                return Err(refuse(14, why));
            }
        }
    }
    for (i, &depth) in t.depth.iter().enumerate() {
        let column = i / usize::from(t.levels) % (t.rows() * stations);
        let cap = &t.caps[column];
        if depth < retracted
            || depth > cap.depth
            || t.flags[i] > 3
            || t.force[i] > cap.force
            || (t.flags[i] & INFEASIBLE != 0 && depth != retracted)
        {
            return Err(refuse(16, format!("map cell {i}")));
        }
    }
    if t.classes
        .iter()
        .any(|c| c.stature_min >= c.stature_max || c.bmi_min >= c.bmi_max)
    {
        return Err(refuse(15, "an empty class"));
    }
    let rows = [t.steps.len(), t.fallback.len(), t.vectors.len()];
    if rows.iter().any(|n| !(1..=MAX_ROWS).contains(n)) {
        let why = format!("{rows:?} rows of programme, fallback, vectors; 1 to {MAX_ROWS}");
        return Err(refuse(9, why));
    }
    let fits = |s: &Step, last: u16, techniques: usize| {
        let travels = s.technique == NO_TECHNIQUE && s.end == 0 && s.level == 0;
        let works = usize::from(s.technique) < techniques
            && (1..=t.levels).contains(&s.level)
            && (s.end == 0 || s.hold > 0)
            && (s.end == 1 || s.cycles > 0);
        s.end <= 2
            && s.from <= last
            && s.to <= last
            && s.park < 36000
            && s.press > 0
            && s.speed > 0
            && s.timeout > 0
            && (travels || works)
    };
    let step = t
        .steps
        .iter()
        .position(|s| !fits(s, t.last_station(), t.techniques.len()));
    let fallback = t
        .fallback
        .iter()
        .position(|s| !fits(s, 31 * STATION_ONE, 0));
    match (step, fallback) {
        (Some(row), _) => Err(refuse(17, format!("row {row} of the programme"))),
        (_, Some(row)) => Err(refuse(17, format!("row {row} of the fallback"))),
        _ => Ok(()),
    }
}

/// Bytes of a step, a vector or a channel's head.
const ROW: usize = 2 * PART;
/// Bytes of a knot.
const KNOT: usize = 6;

/// A checked header and directory over the bytes.
struct Directory<'a> {
    data: &'a [u8],
    entries: Vec<(u16, &'a [u8])>,
}

impl<'a> Directory<'a> {
    fn open(data: &'a [u8]) -> Result<Self, Refusal> {
        if data.len() < HEADER_SIZE {
            return Err(refuse(
                3,
                format!("{} bytes are less than a header", data.len()),
            ));
        }
        if &data[..4] != b"KNLB" {
            return Err(refuse(4, "the magic is not KNLB"));
        }
        if data[4] != FORMAT_MAJOR {
            let why = format!("format {} is not {FORMAT_MAJOR}", data[4]);
            return Err(refuse(5, why));
        }
        if usize::from(u16_at(data, 6)) != HEADER_SIZE
            || u32_at(data, 8) as usize != data.len()
            || data.len() > MAX_IMAGE
        {
            return Err(refuse(7, "header size or total size"));
        }
        let covered = [&data[..12], &data[16..]].concat();
        if crc32(&covered) != u32_at(data, 12) {
            return Err(refuse(8, "CRC of the image"));
        }
        if u32_at(data, 16) != LAYOUT_HASH {
            return Err(refuse(6, "layout hash of another version"));
        }
        if u32_at(data, 44) > RT_VERSION {
            return Err(refuse(5, format!("needs runtime {}", u32_at(data, 44))));
        }
        if u16_at(data, 34) != TICK_MS * 100 {
            return Err(refuse(12, "tick"));
        }
        let count = usize::from(u16_at(data, 32));
        let mut end = HEADER_SIZE + ENTRY_SIZE * count;
        if count > 32 || end > data.len() {
            return Err(refuse(9, format!("{count} sections do not fit")));
        }
        let mut entries: Vec<(u16, &[u8])> = Vec::new();
        for entry in data[HEADER_SIZE..end].chunks(ENTRY_SIZE) {
            let (kind, size) = (u16_at(entry, 0), u32_at(entry, 8) as usize);
            if u32_at(entry, 4) as usize != end
                || size > data.len() - end
                || u16_at(entry, 2) != 0
                || entries.iter().any(|(k, _)| *k == kind)
            {
                return Err(refuse(9, format!("directory entry of section {kind}")));
            }
            let content = &data[end..end + size];
            if crc32(content) != u32_at(entry, 12) {
                return Err(refuse(10, format!("CRC of section {kind}")));
            }
            check_parts(kind, content)?;
            entries.push((kind, content));
            end = (end + size).next_multiple_of(8);
            if end > data.len() {
                return Err(refuse(9, format!("section {kind} ends beyond the image")));
            }
        }
        if end != data.len() {
            return Err(refuse(7, "bytes after the last section"));
        }
        Ok(Directory { data, entries })
    }

    fn has(&self, kind: Kind) -> bool {
        self.entries.iter().any(|(k, _)| *k == kind as u16)
    }

    fn section(&self, kind: Kind) -> Result<&'a [u8], Refusal> {
        debug_assert!(self.data.len() >= HEADER_SIZE);
        self.entries
            .iter()
            .find(|(k, _)| *k == kind as u16)
            .map(|(_, content)| *content)
            .ok_or_else(|| refuse(9, format!("no section {}", kind.name())))
    }

    fn sized(&self, kind: Kind, size: usize) -> Result<&'a [u8], Refusal> {
        let content = self.section(kind)?;
        if content.len() == size {
            return Ok(content);
        }
        Err(refuse(
            9,
            format!("{} has {} bytes, not {size}", kind.name(), content.len()),
        ))
    }

    fn words(&self, kind: Kind, count: usize) -> Result<Vec<u16>, Refusal> {
        Ok(self
            .sized(kind, 2 * count)?
            .chunks(2)
            .map(|w| u16_at(w, 0))
            .collect())
    }

    /// Steps or vectors: 1 to 2048 of them.
    fn rows(&self, kind: Kind) -> Result<impl Iterator<Item = &'a [u8]>, Refusal> {
        let content = self.section(kind)?;
        if content.is_empty() || content.len() % ROW != 0 || content.len() > MAX_ROWS * ROW {
            let why = format!("{} has {} bytes", kind.name(), content.len());
            return Err(refuse(9, why));
        }
        Ok(content.chunks(ROW))
    }
}

/// Check words, where the section is made of parts.
fn check_parts(kind: u16, content: &[u8]) -> Result<(), Refusal> {
    let Some(kind) = Kind::PARTS.into_iter().find(|k| *k as u16 == kind) else {
        return Ok(());
    };
    let mut parts = content.chunks(check::PART).enumerate();
    match parts.find(|(i, part)| !check::is_sound(part, check::seed(kind, *i))) {
        Some((i, _)) => {
            let why = format!("check word of {} part {i}", kind.name());
            Err(refuse(11, why))
        }
        None => Ok(()),
    }
}

fn refuse(code: u8, why: impl Into<String>) -> Refusal {
    Refusal {
        code,
        why: why.into(),
    }
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([data[at], data[at + 1]])
}

fn i16_at(data: &[u8], at: usize) -> i16 {
    i16::from_le_bytes([data[at], data[at + 1]])
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}

fn text(data: &[u8]) -> Result<String, Refusal> {
    String::from_utf8(data.to_vec()).map_err(|_| refuse(9, "a name that is not UTF-8"))
}

type Names = (Vec<String>, Vec<String>, Vec<String>);

fn names(section: &[u8], counts: [usize; 3]) -> Result<Names, Refusal> {
    let mut all = Vec::new();
    for name in section.split_inclusive(|&b| b == 0) {
        match name.split_last() {
            Some((0, name)) => all.push(text(name)?),
            _ => return Err(refuse(9, "NAMES does not end with a zero byte")),
        }
    }
    if all.len() != counts.iter().sum::<usize>() {
        return Err(refuse(9, format!("{} names", all.len())));
    }
    let zones = all.split_off(counts[0] + counts[1]);
    let classes = all.split_off(counts[0]);
    Ok((all, classes, zones))
}

fn cap(r: &[u8]) -> Cap {
    Cap {
        depth: i16_at(r, 0),
        force: u16_at(r, 2),
        dwell: u16_at(r, 4),
        tap: u16_at(r, 6),
        zone: 0,
    }
}

/// None where neither section is there.
fn channels(image: &Directory<'_>) -> Result<Vec<Channel>, Refusal> {
    if !image.has(Kind::Channels) && !image.has(Kind::Hermite3) {
        return Ok(Vec::new());
    }
    let heads = image.section(Kind::Channels)?;
    let knots = image.section(Kind::Hermite3)?;
    if heads.is_empty() || heads.len() % ROW != 0 || knots.len() % KNOT != 0 {
        return Err(refuse(26, "CHANNELS or HERMITE3 is cut"));
    }
    let mut out: Vec<Channel> = Vec::new();
    let mut next = 0;
    for head in heads.chunks(ROW) {
        let (count, first) = (usize::from(u16_at(head, 2)), usize::from(u16_at(head, 4)));
        let own = knots.get(first * KNOT..(first + count) * KNOT);
        let Some(own) = own.filter(|_| first == next) else {
            return Err(refuse(26, format!("knots of axis {}", head[0])));
        };
        next += count;
        let channel = Channel {
            axis: head[0],
            shift: head[1],
            nano_per_unit: u32_at(head, 12),
            low: i16_at(head, 6),
            high: i16_at(head, 8),
            knots: own
                .chunks(KNOT)
                .map(|k| Knot {
                    dt: u16_at(k, 0),
                    position: i16_at(k, 2),
                    velocity: i16_at(k, 4),
                })
                .collect(),
        };
        let reserved = [16, 18, 20].iter().any(|&at| u16_at(head, at) != 0);
        let twice = out.iter().any(|c| c.axis == channel.axis);
        let goes_on = channel.knots.last().is_some_and(|k| k.dt > 0);
        if reserved || twice || goes_on || channel.axis > 2 || channel.check().is_err() {
            return Err(refuse(26, format!("axis {}", channel.axis)));
        }
        out.push(channel);
    }
    if next * KNOT != knots.len() {
        return Err(refuse(26, "knots of no channel"));
    }
    Ok(out)
}

fn class(r: &[u8]) -> Result<Class, Refusal> {
    if u16_at(r, 8) != 0 {
        return Err(refuse(15, "a reserved word of CLASSES is not zero"));
    }
    Ok(Class {
        stature_min: u16_at(r, 0),
        stature_max: u16_at(r, 2),
        bmi_min: u16_at(r, 4),
        bmi_max: u16_at(r, 6),
    })
}

fn steps(image: &Directory<'_>, kind: Kind) -> Result<Vec<Step>, Refusal> {
    image
        .rows(kind)?
        .map(|r| {
            Ok(Step {
                technique: r[0],
                end: r[1],
                level: r[2],
                press: r[3],
                from: u16_at(r, 4),
                to: u16_at(r, 6),
                spacing: u16_at(r, 8),
                hold: u16_at(r, 12),
                cycles: u16_at(r, 14),
                park: u16_at(r, 16),
                speed: u16_at(r, 18),
                timeout: u16_at(r, 20),
            })
        })
        .collect()
}
