//! Sections, the rules on their values, and the lookup.

use anyhow::{Context, Result, ensure};

use crate::image::{Image, number};

/// All values of an image as plain numbers, in the order of the page.
pub struct Content {
    pub techniques: usize,
    pub classes: usize,
    pub columns: usize,
    pub levels: usize,
    pub axis: [i64; 2],
    pub zones: usize,
    pub depth: Vec<i64>,
    pub flags: Vec<i64>,
    pub force: Vec<i64>,
    pub current: Vec<i64>,
    /// depth, force, dwell, tap, zone.
    pub caps: Vec<Vec<i64>>,
    /// stature from, to, body mass index from, to.
    pub bands: Vec<Vec<i64>>,
    /// session, watchdog, speed, acceleration, retracted, two tolerances, requires, forbids.
    pub limits: Vec<i64>,
    /// technique, end, level, 0, from, to, spacing, hold, cycles, park, speed, timeout.
    pub steps: Vec<Vec<i64>>,
    pub fallback: Vec<Vec<i64>>,
    /// technique, body, level, flags, station, depth, force, current, four caps.
    pub vectors: Vec<Vec<i64>>,
    pub names: Vec<String>,
    /// axis, shift, knots, first knot, low, high, 1e-9 m or rad a unit.
    pub channels: Vec<Vec<i64>>,
    /// ticks, position, velocity.
    pub knots: Vec<Vec<i64>>,
    forbids: i64,
    header_classes: usize,
}

impl Content {
    pub fn decode(image: &Image<'_>) -> Result<Self> {
        let meta = one(image, 1, "BBBBhhH")?;
        let count = |i: usize| meta[i] as usize;
        let columns = (count(1) + 1) * count(2);
        let cells = count(0) * columns * count(3);
        let words = |kind, width, signed| -> Result<Vec<i64>> {
            let data = image.section(kind)?;
            ensure!(
                data.len() == cells * width,
                "section {kind} has {} bytes",
                data.len()
            );
            Ok(data
                .chunks(width)
                .map(|c| value(c, 0, width, signed))
                .collect())
        };
        let names = image.section(12)?;
        ensure!(names.last() == Some(&0), "the names do not end with a zero");
        let names: Result<Vec<String>, _> = names[..names.len() - 1]
            .split(|&b| b == 0)
            .map(|n| String::from_utf8(n.to_vec()))
            .collect();
        let content = Content {
            techniques: count(0),
            classes: count(1),
            columns: count(2),
            levels: count(3),
            axis: [meta[4], meta[5]],
            zones: usize::from(image.zones),
            depth: words(2, 2, true)?,
            flags: words(3, 1, false)?,
            force: words(4, 2, false)?,
            current: words(5, 2, false)?,
            caps: rows(image, 6, "hHHHH")?,
            bands: rows(image, 7, "HHHH0")?,
            limits: one(image, 8, "HHHHh HHI0 I000")?,
            steps: rows(image, 9, "BBBBHHH HHHHH")?,
            fallback: rows(image, 10, "BBBBHHH HHHHH")?,
            vectors: rows(image, 11, "BBBBHhH HhHHH")?,
            names: names.context("a name is not UTF-8")?,
            channels: optional(image, 13, || rows(image, 13, "BBHHhh I000"))?,
            knots: optional(image, 14, || {
                let data = image.section(14)?;
                ensure!(data.len() % 6 == 0, "HERMITE3 has {} bytes", data.len());
                let signed = |i: usize| i > 0;
                let knot = |k: &[u8]| (0..3).map(|i| value(k, 2 * i, 2, signed(i))).collect();
                Ok(data.chunks(6).map(knot).collect())
            })?,
            forbids: i64::from(image.forbids),
            header_classes: usize::from(image.classes),
        };
        ensure!(content.caps.len() == columns, "{} caps", content.caps.len());
        ensure!(
            content.bands.len() == count(1),
            "{} classes",
            content.bands.len()
        );
        ensure!(
            content.steps.len() == count(6),
            "{} programme rows",
            content.steps.len()
        );
        Ok(content)
    }

    /// The rules of the page, then the vectors.
    pub fn check(&self) -> Result<()> {
        let within = |what, value, low, high| {
            ensure!(
                (low..=high).contains(&value),
                "{value} {what}, not {low} to {high}"
            );
            Ok(())
        };
        within("techniques", self.techniques, 1, 16)?;
        within("classes", self.classes, 1, 64)?;
        within("columns", self.columns, 2, 32)?;
        within("levels", self.levels, 1, 16)?;
        within("programme rows", self.steps.len(), 1, 2048)?;
        within("fallback rows", self.fallback.len(), 1, 2048)?;
        within("vectors", self.vectors.len(), 1, 2048)?;
        ensure!(
            self.axis[0] < self.axis[1],
            "the axis does not rise: {:?}",
            self.axis
        );
        ensure!(
            self.header_classes == self.classes,
            "header: {} classes",
            self.header_classes
        );
        let names = self.techniques + self.classes + self.zones;
        ensure!(
            self.names.len() == names,
            "{} names, not {names}",
            self.names.len()
        );
        ensure!(
            self.limits[..4].iter().all(|v| (1..=32767).contains(v)),
            "a limit outside 1 to 32767: {:?}",
            self.limits
        );
        ensure!(
            self.limits[8] == self.forbids,
            "two answers for the forbidding conditions"
        );
        let retracted = self.limits[4];
        let strictest = &self.caps[self.classes * self.columns..];
        for (i, cap) in self.caps.iter().enumerate() {
            let strict = &strictest[i % self.columns];
            ensure!(
                cap[0] >= retracted,
                "cap {i} is below the retracted position"
            );
            ensure!(
                (cap[4] as usize) < self.zones,
                "cap {i} has zone {}",
                cap[4]
            );
            ensure!(
                (0..4).all(|k| strict[k] <= cap[k]),
                "cap {i} is stricter than the strictest"
            );
        }
        for i in 0..self.depth.len() {
            let cap = &self.caps[i / self.levels % self.caps.len()];
            let depth = self.depth[i];
            ensure!(
                (retracted..=cap[0]).contains(&depth),
                "cell {i}: depth {depth}"
            );
            ensure!(self.force[i] <= cap[1], "cell {i}: force {}", self.force[i]);
            ensure!(self.flags[i] <= 3, "cell {i}: flags {}", self.flags[i]);
            ensure!(
                self.flags[i] & 2 == 0 || depth == retracted,
                "cell {i}: not retracted"
            );
        }
        for (i, band) in self.bands.iter().enumerate() {
            ensure!(band[0] < band[1] && band[2] < band[3], "class {i} is empty");
        }
        for (list, rows, last) in [
            ("programme", &self.steps, 2048 * (self.columns as i64 - 1)),
            ("fallback", &self.fallback, 2048 * 31),
        ] {
            for (i, row) in rows.iter().enumerate() {
                self.check_step(row, last, list == "fallback")
                    .with_context(|| format!("{list} row {i}"))?;
            }
        }
        self.check_channels()?;
        for (i, vector) in self.vectors.iter().enumerate() {
            let answer = self.lookup(vector[0], vector[1], vector[2], vector[4])?;
            let expected: Vec<i64> = [&vector[3..4], &vector[5..]].concat();
            ensure!(
                answer == expected,
                "vector {i}: {answer:?}, not {expected:?}"
            );
        }
        Ok(())
    }

    /// Knots one behind the other, and each cubic's four points within the channel's bounds.
    fn check_channels(&self) -> Result<()> {
        let mut next = 0;
        for (i, c) in self.channels.iter().enumerate() {
            let [axis, shift, count, first, low, high, _] = c[..] else {
                anyhow::bail!("channel {i} has {} values", c.len());
            };
            let before = self.channels[..i].iter().any(|b| b[0] == axis);
            ensure!(axis <= 2 && !before, "axis {axis}");
            ensure!(
                count >= 2 && first == next && (3..=15).contains(&shift) && low <= high,
                "channel of axis {axis}: {c:?}"
            );
            next += count;
            ensure!(next as usize <= self.knots.len(), "axis {axis}: knots");
            let own = &self.knots[first as usize..next as usize];
            for (k, pair) in own.windows(2).enumerate() {
                let points = points(&pair[0], &pair[1], shift);
                ensure!(pair[0][0] > 0, "axis {axis}, knot {k}: no time");
                ensure!(
                    points
                        .iter()
                        .all(|p| (4 * (low + 32768)..=4 * (high + 32768)).contains(p)),
                    "axis {axis}, knot {k}: {points:?} leave {low} to {high}"
                );
                let reach = (pair[0][1] - pair[1][1]).abs();
                ensure!(reach <= 16384, "axis {axis}, knot {k}: {reach} to the next");
            }
            ensure!(
                own[own.len() - 1][0] == 0,
                "axis {axis}: the last knot goes on"
            );
        }
        ensure!(next as usize == self.knots.len(), "knots of no channel");
        Ok(())
    }

    fn check_step(&self, row: &[i64], last: i64, fallback: bool) -> Result<()> {
        let [
            technique,
            end,
            level,
            press,
            from,
            to,
            _,
            hold,
            cycles,
            park,
            speed,
            timeout,
        ] = *row
        else {
            anyhow::bail!("{} values", row.len());
        };
        ensure!(end <= 2 && press > 0, "end {end}, press speed {press}");
        ensure!(from <= last && to <= last, "stations {from}, {to}");
        ensure!(
            park < 36000 && speed > 0 && timeout > 0,
            "{park}, {speed}, {timeout}"
        );
        if technique == 255 {
            ensure!(
                end == 0 && level == 0,
                "travel with end {end}, level {level}"
            );
        } else {
            ensure!(!fallback, "a fallback with technique {technique}");
            ensure!(
                (technique as usize) < self.techniques,
                "technique {technique}"
            );
            ensure!((1..=self.levels as i64).contains(&level), "level {level}");
            ensure!(
                (end == 0 || hold > 0) && (end == 1 || cycles > 0),
                "it never ends, or does not knead"
            );
        }
        Ok(())
    }

    /// Flags, depth, force, current and the four caps, by the page's last section.
    fn lookup(&self, technique: i64, body: i64, level: i64, station: i64) -> Result<Vec<i64>> {
        ensure!(
            (technique as usize) < self.techniques,
            "technique {technique}"
        );
        let end = 2048 * (self.columns as i64 - 1);
        let mut flags = 0;
        flags += if station > end { 8 } else { 0 };
        flags += if body >= self.classes as i64 { 16 } else { 0 };
        let in_range = (1..=self.levels as i64).contains(&level);
        flags += if in_range { 0 } else { 32 };
        let station = station.min(end);
        let row = body.min(self.classes as i64) as usize;
        let level = if in_range { level as usize - 1 } else { 0 };
        let columns = [
            (station / 2048) as usize,
            ((station + 2047) / 2048) as usize,
        ];
        let f = station % 2048 * 8;
        let cap = |k: usize| {
            let of = |c: usize| self.caps[row * self.columns + c][k];
            of(columns[0]).min(of(columns[1]))
        };
        let rows = self.classes + 1;
        let cells = columns
            .map(|c| ((technique as usize * rows + row) * self.columns + c) * self.levels + level);
        let between = |map: &[i64], offset: i64| {
            let (a, b) = (map[cells[0]] + offset, map[cells[1]] + offset);
            (a * (16384 - f) + b * f + 8192) / 16384 - offset
        };
        flags |= self.flags[cells[0]] | self.flags[cells[1]];
        let (mut depth, mut force, mut current) = (self.limits[4], 0, 0);
        if flags & 2 == 0 {
            depth = between(&self.depth, 32768);
            force = between(&self.force, 0);
            current = between(&self.current, 0);
        }
        if depth > cap(0) {
            depth = cap(0);
            flags |= 4;
        }
        Ok(vec![
            flags,
            depth,
            force.min(cap(1)),
            current,
            cap(0),
            cap(1),
            cap(2),
            cap(3),
        ])
    }
}

/// Nothing where the image has no such section.
fn optional(
    image: &Image<'_>,
    kind: u16,
    read: impl FnOnce() -> Result<Vec<Vec<i64>>>,
) -> Result<Vec<Vec<i64>>> {
    if image.sections.iter().any(|s| s.0 == kind) {
        read()
    } else {
        Ok(Vec::new())
    }
}

/// The four points of a cubic between two knots, in quarters of a unit.
fn points(a: &[i64], b: &[i64], shift: i64) -> [i64; 4] {
    let d = 3 << (shift - 2);
    let third = |v: i64| v.signum() * ((v.abs() * a[0] + d / 2) / d);
    let at = |p: i64| 4 * (p + 32768);
    [
        at(a[1]),
        at(a[1]) + third(a[2]),
        at(b[1]) - third(b[2]),
        at(b[1]),
    ]
}

fn value(data: &[u8], at: usize, width: usize, signed: bool) -> i64 {
    let raw = number(data, at, width) as i64;
    if signed && raw >= 1 << (8 * width - 1) {
        raw - (1 << (8 * width))
    } else {
        raw
    }
}

/// Rows of a shape (B u8, H u16, h i16, I u32, 0 a word that must be zero), where a blank ends a part: ten bytes
/// and their check word.
fn rows(image: &Image<'_>, kind: u16, shape: &str) -> Result<Vec<Vec<i64>>> {
    let data = image.section(kind)?;
    let parts: Vec<&str> = shape.split(' ').collect();
    ensure!(
        data.len() % (12 * parts.len()) == 0,
        "section {kind} is not made of parts"
    );
    let mut out: Vec<Vec<i64>> = Vec::new();
    for (index, part) in data.chunks(12).enumerate() {
        let right = remainder(part) == 4096 * u64::from(kind) + index as u64;
        ensure!(right, "section {kind}, part {index}: check word");
        if index % parts.len() == 0 {
            out.push(Vec::new());
        }
        let mut at = 0;
        for letter in parts[index % parts.len()].chars() {
            let width = match letter {
                'B' => 1,
                'I' => 4,
                _ => 2,
            };
            let value = value(part, at, width, letter == 'h');
            at += width;
            if letter == '0' {
                ensure!(value == 0, "section {kind}, part {index}: reserved {value}");
            } else if let Some(row) = out.last_mut() {
                row.push(value);
            }
        }
    }
    Ok(out)
}

/// Long division by the page's modulus, of the polynomial whose coefficients are the words; x is one bit.
fn remainder(part: &[u8]) -> u64 {
    let mut rest = (0..6).fold(0, |sum, i| (sum << 1) ^ number(part, 2 * i, 2));
    while rest >= 1 << 16 {
        rest ^= 0b1_0000_0000_0010_1101 << (rest.ilog2() - 16);
    }
    rest
}

fn one(image: &Image<'_>, kind: u16, shape: &str) -> Result<Vec<i64>> {
    let mut all = rows(image, kind, shape)?;
    ensure!(all.len() == 1, "section {kind} has {} rows", all.len());
    Ok(all.remove(0))
}
