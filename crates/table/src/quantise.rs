//! From [`Model`] to [`Tables`]: every check, every rounding.
//!
//! Depth and what is expected are rounded to the nearest unit, caps and limits down, tolerances
//! down but not to zero. A depth is then cut to its cap, which lies at most one unit below.

use crate::channel;
use crate::eval::Counts;
use crate::model::{End, Model, Problem, StepRow};
use crate::read;
use crate::tables::{
    CURRENT_PER_A, Cap, Channel, Class, DEPTH_PER_M, DWELL_PER_S, FORCE_PER_N, INFEASIBLE,
    KNEAD_PER_HZ, Limits, MAX_ROWS, NO_TECHNIQUE, PRESS_PER_M_S, STATION_ONE, Step, TAP_PER_HZ,
    TICK_MS, Tables, Vector,
};

/// Checks the model and rounds it.
///
/// # Errors
/// Every problem of the model, not only the first.
pub fn quantise(model: &Model) -> Result<Tables, Vec<Problem>> {
    let mut problems = Vec::new();
    check_shape(model, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let p = &mut problems;
    let mut zones: Vec<String> = model.caps.iter().map(|c| c.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    let limits = limits(model, p);
    let mut tables = Tables {
        name: model.name.clone(),
        scene_id: hash(model.source.scene_hash.as_bytes()) as u32,
        content_hash: content_hash(model, p),
        techniques: model.techniques.clone(),
        class_names: model.classes.iter().map(|c| c.name.clone()).collect(),
        zones,
        from_q14: to_i16("stations[first]", model.stations[0] * 16384.0, p),
        to_q14: to_i16(
            "stations[last]",
            model.stations[model.stations.len() - 1] * 16384.0,
            p,
        ),
        stations: model.stations.len() as u8,
        levels: model.levels as u8,
        depth: Vec::new(),
        flags: Vec::new(),
        force: Vec::new(),
        current: Vec::new(),
        caps: Vec::new(),
        classes: classes(model, p),
        limits,
        steps: steps(model, "programme", &model.programme, p),
        fallback: steps(model, "fallback", &model.fallback, p),
        vectors: Vec::new(),
        channels: channels(model, p),
    };
    caps(model, &mut tables, p);
    if !problems.is_empty() {
        return Err(problems);
    }
    maps(model, &mut tables, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    tables.vectors = vectors(&tables);
    read::meaning(&tables).map_err(|refusal| {
        vec![problem(
            "model",
            &tables.name,
            format!("the tables would be {refusal}"),
        )]
    })?;
    Ok(tables)
}

fn problem(key: impl Into<String>, value: impl ToString, message: impl Into<String>) -> Problem {
    Problem {
        key: key.into(),
        value: value.to_string(),
        message: message.into(),
    }
}

fn check_shape(m: &Model, p: &mut Vec<Problem>) {
    let is_name = m.name.len() <= 16
        && m.name.starts_with(|c: char| c.is_ascii_lowercase())
        && m.name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_name {
        p.push(problem(
            "name",
            &m.name,
            "a lower-case letter, then lower-case letters, digits or _, at most 16 in all",
        ));
    }
    let mut count = |key: &str, n: usize, low: usize, high: usize| {
        if !(low..=high).contains(&n) {
            p.push(problem(
                format!("{key}.count"),
                n,
                format!("{low} to {high} of them"),
            ));
        }
    };
    count("techniques", m.techniques.len(), 1, 16);
    count("classes", m.classes.len(), 1, 64);
    count("stations", m.stations.len(), 2, 32);
    count("levels", m.levels, 1, 16);
    count("programme", m.programme.len(), 1, MAX_ROWS);
    count("fallback", m.fallback.len(), 1, MAX_ROWS);
    let columns = m.classes.len() * m.stations.len();
    let cells = m.techniques.len() * columns * m.levels;
    count("depth_m", m.depth_m.len(), cells, cells);
    count("flags", m.flags.len(), cells, cells);
    count("force_n", m.force_n.len(), cells, cells);
    count("current_a", m.current_a.len(), cells, cells);
    count("caps", m.caps.len(), columns, columns);
    let names = m.techniques.iter().chain(m.classes.iter().map(|c| &c.name));
    for name in names.chain(m.caps.iter().map(|c| &c.zone)) {
        if name.is_empty() || name.chars().any(char::is_control) {
            p.push(problem(
                "names",
                format!("{name:?}"),
                "a visible name without control characters",
            ));
        }
    }
    if let [first, .., last] = m.stations[..] {
        let pitch = (last - first) / (m.stations.len() - 1) as f64;
        let even = |i: usize, u: f64| (u - first - pitch * i as f64).abs() < 1e-9;
        if !(pitch > 0.0 && m.stations.iter().enumerate().all(|(i, &u)| even(i, u))) {
            p.push(problem(
                "stations",
                format!("{:?}", m.stations),
                "rising at even distances",
            ));
        }
    }
}

/// One channel an axis.
fn channels(m: &Model, p: &mut Vec<Problem>) -> Vec<Channel> {
    let mut out: Vec<Channel> = Vec::new();
    for channel in &m.channels {
        match channel::fit(channel) {
            Ok((fitted, _)) if out.iter().all(|c| c.axis != fitted.axis) => out.push(fitted),
            Ok(_) => {
                let name = channel.axis.name();
                p.push(problem("channels", name, "one channel for each axis"));
            }
            Err(problem) => p.push(problem),
        }
    }
    out
}

/// Rounds to an integer in `low..=high`, or reports.
fn number(key: &str, value: f64, low: f64, high: f64, p: &mut Vec<Problem>) -> i32 {
    let rounded = value.round();
    if !(low..=high).contains(&rounded) {
        p.push(problem(
            key,
            value,
            format!("in table units it must lie in {low} to {high}"),
        ));
        return low as i32;
    }
    rounded as i32
}

fn to_i16(key: &str, value: f64, p: &mut Vec<Problem>) -> i16 {
    number(key, value, -32768.0, 32767.0, p) as i16
}

fn to_u16(key: &str, value: f64, p: &mut Vec<Problem>) -> u16 {
    number(key, value, 0.0, 65535.0, p) as u16
}

/// Down to the safe side. A millionth of a unit is forgiven, so that 0.05 m is 5000 units and not
/// 4999; a value beyond the range becomes its end, which is stricter.
fn down(key: &str, value: f64, high: f64, p: &mut Vec<Problem>) -> u16 {
    to_u16(key, floor_to(value, high), p)
}

fn down_i16(key: &str, value: f64, p: &mut Vec<Problem>) -> i16 {
    to_i16(key, floor_to(value, 32767.0), p)
}

/// Keeps a NaN, which `min` would turn into `high`: a cap that is no number must not become none.
fn floor_to(value: f64, high: f64) -> f64 {
    let floor = (value + 1e-6).floor();
    if floor > high { high } else { floor }
}

fn limits(m: &Model, p: &mut Vec<Problem>) -> Limits {
    /// Of session, watchdog, speed and acceleration.
    const MOST: f64 = 32767.0;
    let l = &m.limits;
    let ticks_per_s = 1000.0 / f64::from(TICK_MS);
    let speed = l.protrude_speed_max_m_s * DEPTH_PER_M * 256.0 / ticks_per_s;
    let out = Limits {
        session: down("limits.session_max_s", l.session_max_s, MOST, p),
        watchdog: down("limits.watchdog_s", l.watchdog_s * ticks_per_s, MOST, p),
        speed_q8: down("limits.protrude_speed_max_m_s", speed, MOST, p),
        accel: down(
            "limits.protrude_accel_max_m_s2",
            l.protrude_accel_max_m_s2 * 1000.0,
            MOST,
            p,
        ),
        retracted: down_i16("limits.retracted_m", l.retracted_m * DEPTH_PER_M, p),
        station_tolerance: down(
            "limits.station_tolerance_u",
            l.station_tolerance_u * station_per_u(m),
            f64::from(STATION_ONE / 2),
            p,
        )
        .max(1),
        depth_tolerance: down(
            "limits.depth_tolerance_m",
            l.depth_tolerance_m * DEPTH_PER_M,
            65535.0,
            p,
        )
        .max(1),
        requires: l.requires,
        forbids: l.forbids,
    };
    for (key, value) in [
        ("session_max_s", out.session),
        ("watchdog_s", out.watchdog),
        ("protrude_speed_max_m_s", out.speed_q8),
        ("protrude_accel_max_m_s2", out.accel),
    ] {
        if value == 0 {
            p.push(problem(
                format!("limits.{key}"),
                0,
                "must be at least one table unit",
            ));
        }
    }
    if l.protrude_speed_max_m_s > l.protrude_accel_max_m_s2 {
        p.push(problem(
            "limits.protrude_accel_max_m_s2",
            l.protrude_accel_max_m_s2,
            format!(
                "too small: the speed of {} m/s must be reached within a second",
                l.protrude_speed_max_m_s
            ),
        ));
    }
    out
}

fn station_per_u(m: &Model) -> f64 {
    let last = m.stations.len() - 1;
    f64::from(STATION_ONE) * last as f64 / (m.stations[last] - m.stations[0])
}

fn classes(m: &Model, p: &mut Vec<Problem>) -> Vec<Class> {
    let mut out = Vec::new();
    for c in &m.classes {
        let mut bound = |key: &str, value: f64| {
            to_u16(
                &format!("classes[{}].{key}", c.name),
                value.clamp(0.0, 65535.0),
                p,
            )
        };
        let class = Class {
            stature_min: bound("stature_min_m", c.stature_min_m * 1000.0),
            stature_max: bound("stature_max_m", c.stature_max_m * 1000.0),
            bmi_min: bound("bmi_min", c.bmi_min * 100.0),
            bmi_max: bound("bmi_max", c.bmi_max * 100.0),
        };
        if class.stature_min >= class.stature_max || class.bmi_min >= class.bmi_max {
            p.push(problem(
                format!("classes[{}]", c.name),
                "",
                "the class is empty",
            ));
        }
        out.push(class);
    }
    out
}

/// Caps of the classes, rounded down, then the strictest row.
fn caps(m: &Model, t: &mut Tables, p: &mut Vec<Problem>) {
    let stations = m.stations.len();
    let mut caps: Vec<Option<Cap>> = vec![None; m.classes.len() * stations];
    for row in &m.caps {
        let key = format!("caps[class {}][station {}]", row.class, row.station);
        let free = (row.class < m.classes.len() && row.station < stations)
            .then(|| &mut caps[row.class * stations + row.station])
            .filter(|slot| slot.is_none());
        let Some(slot) = free else {
            p.push(problem(
                &key,
                &row.zone,
                "one row for each class and station, none twice",
            ));
            continue;
        };
        let zone = t.zones.iter().position(|z| *z == row.zone).unwrap_or(0);
        let cap = Cap {
            depth: down_i16(
                &format!("{key}.max_depth_m"),
                row.max_depth_m * DEPTH_PER_M,
                p,
            ),
            force: down(
                &format!("{key}.max_force_n"),
                row.max_force_n * FORCE_PER_N,
                65535.0,
                p,
            ),
            dwell: down(
                &format!("{key}.max_dwell_s"),
                row.max_dwell_s * DWELL_PER_S,
                65535.0,
                p,
            ),
            tap: down(
                &format!("{key}.max_tap_hz"),
                row.max_tap_hz * TAP_PER_HZ,
                65535.0,
                p,
            ),
            zone: zone as u16,
        };
        if cap.depth < t.limits.retracted {
            p.push(problem(
                format!("{key}.max_depth_m"),
                row.max_depth_m,
                format!("below the retracted position of {} m", m.limits.retracted_m),
            ));
        }
        *slot = Some(cap);
    }
    t.caps = caps.into_iter().flatten().collect();
    if t.caps.len() != m.classes.len() * stations {
        return; // reported above: a row twice means another is missing
    }
    for station in 0..stations {
        let column = (0..m.classes.len()).map(|class| t.caps[class * stations + station]);
        t.caps.extend(column.reduce(Cap::strictest));
    }
}

fn maps(m: &Model, t: &mut Tables, p: &mut Vec<Problem>) {
    let (classes, stations, levels) = (m.classes.len(), m.stations.len(), m.levels);
    for technique in 0..m.techniques.len() {
        let first = t.depth.len();
        for class in 0..classes {
            for station in 0..stations {
                for level in 0..levels {
                    cell(m, t, [technique, class, station, level], p);
                }
            }
        }
        // The strictest row: value by value the smallest, every flag.
        let stride = stations * levels;
        for i in first..first + stride {
            let rows = (0..classes).map(|class| i + class * stride);
            let least = |of: &[u16]| rows.clone().map(|j| of[j]).min().unwrap_or(0);
            let (force, current) = (least(&t.force), least(&t.current));
            let depth = rows
                .clone()
                .map(|j| t.depth[j])
                .min()
                .unwrap_or(t.limits.retracted);
            let flags = rows.clone().fold(0, |all, j| all | t.flags[j]);
            t.force.push(force);
            t.current.push(current);
            t.depth.push(depth);
            t.flags.push(flags);
        }
    }
}

fn cell(
    m: &Model,
    t: &mut Tables,
    [technique, class, station, level]: [usize; 4],
    p: &mut Vec<Problem>,
) {
    let i = m.cell(technique, class, station, level);
    let place = format!(
        "[{}][{}][u {:.3}][level {}]",
        m.techniques[technique],
        m.classes[class].name,
        m.stations[station],
        level + 1
    );
    let cap = t.caps[t.cap_index(class, station)];
    let retracted = t.limits.retracted;
    let depth = to_i16(&format!("depth_m{place}"), m.depth_m[i] * DEPTH_PER_M, p).max(retracted);
    let force = to_u16(&format!("force_n{place}"), m.force_n[i] * FORCE_PER_N, p);
    // Rounding explains one unit on each side, and no more.
    if i32::from(depth) > i32::from(cap.depth) + 1 {
        let limit = format!(
            "above its cap of {:.5} m",
            f64::from(cap.depth) / DEPTH_PER_M
        );
        p.push(problem(format!("depth_m{place}"), m.depth_m[i], limit));
    }
    if m.depth_m[i] < m.limits.retracted_m - 0.5 / DEPTH_PER_M {
        let limit = format!("below the retracted position of {} m", m.limits.retracted_m);
        p.push(problem(format!("depth_m{place}"), m.depth_m[i], limit));
    }
    if u32::from(force) > u32::from(cap.force) + 1 {
        let limit = format!(
            "above its cap of {:.2} N",
            f64::from(cap.force) / FORCE_PER_N
        );
        p.push(problem(format!("force_n{place}"), m.force_n[i], limit));
    }
    if m.flags[i] > 3 {
        p.push(problem(format!("flags{place}"), m.flags[i], "0 to 3"));
    }
    let infeasible = m.flags[i] & INFEASIBLE != 0;
    if infeasible && (m.depth_m[i] - m.limits.retracted_m).abs() > 1.0 / DEPTH_PER_M {
        let rule = "an infeasible cell holds the retracted position";
        p.push(problem(format!("depth_m{place}"), m.depth_m[i], rule));
    }
    t.depth.push(if infeasible {
        retracted
    } else {
        depth.min(cap.depth)
    });
    t.force.push(force.min(cap.force));
    t.current.push(to_u16(
        &format!("current_a{place}"),
        m.current_a[i] * CURRENT_PER_A,
        p,
    ));
    t.flags.push(m.flags[i]);
}

fn steps(m: &Model, list: &str, rows: &[StepRow], p: &mut Vec<Problem>) -> Vec<Step> {
    let ticks_per_s = 1000.0 / f64::from(TICK_MS);
    let mut out = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let key = |field: &str| format!("{list}[{i}].{field}");
        let per_u = station_per_u(m);
        let last = (m.stations.len() - 1) as f64 * f64::from(STATION_ONE);
        let mut station = |field: &str, u: f64| {
            number(&key(field), (u - m.stations[0]) * per_u, 0.0, last, p) as u16
        };
        let (from, to) = (station("from_u", row.from_u), station("to_u", row.to_u));
        if let Some(technique) = row.technique {
            if list == "fallback" {
                p.push(problem(
                    key("technique"),
                    technique,
                    "a fallback only retracts and travels",
                ));
            }
            if technique >= m.techniques.len() {
                p.push(problem(key("technique"), technique, "no such technique"));
            }
            if row.level < 1 || usize::from(row.level) > m.levels {
                p.push(problem(
                    key("level"),
                    row.level,
                    format!("1 to {}", m.levels),
                ));
            }
            let counts = if row.end == End::Time {
                row.hold_s > 0.0
            } else {
                row.cycles > 0
            };
            if !counts {
                p.push(problem(
                    key("end"),
                    format!("{:?}", row.end),
                    "needs a hold_s or cycles above 0",
                ));
            }
        } else if row.end != End::Arrival || row.level != 0 {
            p.push(problem(
                key("end"),
                format!("{:?}", row.end),
                "a row without technique ends by arrival and has level 0",
            ));
        }
        let step = Step {
            technique: row.technique.map_or(NO_TECHNIQUE, |t| t.min(254) as u8),
            end: match row.end {
                End::Arrival => 0,
                End::Time => 1,
                End::Cycles => 2,
            },
            level: row.level,
            press: down(
                &key("press_speed_m_s"),
                row.press_speed_m_s * PRESS_PER_M_S,
                255.0,
                p,
            ) as u8,
            from,
            to,
            spacing: spacing(&key("spacing_u"), row, from.abs_diff(to), per_u, p),
            hold: if row.end == End::Cycles {
                to_u16(&key("knead_hz"), row.knead_hz * KNEAD_PER_HZ, p)
            } else {
                to_u16(&key("hold_s"), row.hold_s * ticks_per_s, p)
            },
            cycles: to_u16(&key("cycles"), f64::from(row.cycles), p),
            park: (number(&key("park_deg"), row.park_deg * 100.0, 0.0, 36000.0, p) % 36000) as u16,
            speed: to_u16(&key("speed_m_s"), row.speed_m_s * 1e4, p),
            timeout: to_u16(&key("timeout_s"), row.timeout_s.ceil(), p),
        };
        let press = u16::from(step.press);
        let knead = if step.end == 2 { step.hold } else { 1 };
        for (field, value) in [
            ("speed_m_s", step.speed),
            ("timeout_s", step.timeout),
            ("press_speed_m_s", press),
            ("knead_hz", knead),
        ] {
            if value == 0 {
                p.push(problem(key(field), 0, "must be above 0"));
            }
        }
        out.push(step);
    }
    out
}

/// Spacing in station units by which as many points come out as the row has. `way` is what rounding has left of it; the
/// nearest spacing to the row's own that fits moves a point by a unit for each point before it at most.
fn spacing(key: &str, row: &StepRow, way: u16, per_u: f64, p: &mut Vec<Problem>) -> u16 {
    let wanted = to_u16(key, row.spacing_u * per_u, p);
    if row.end == End::Arrival || row.spacing_u.is_nan() || row.spacing_u <= 0.0 {
        return wanted;
    }
    // As `program::Step::points_u`.
    let gaps = ((row.to_u - row.from_u).abs() / row.spacing_u - 1e-3)
        .ceil()
        .max(0.0);
    let way = f64::from(way);
    if gaps == 0.0 {
        return if way == 0.0 { wanted } else { 0 };
    }
    // `gaps` gaps of which the last may be smaller: way / gaps <= spacing < way / (gaps - 1).
    let low = (way / gaps).ceil();
    let high = if gaps > 1.0 {
        (way / (gaps - 1.0)).ceil() - 1.0
    } else {
        65535.0
    };
    if low < 1.0 || low > high {
        let limit = "too near for points of their own: a unit is a 2048th of the distance between two columns";
        p.push(problem(key, row.spacing_u, limit));
        return wanted;
    }
    f64::from(wanted).clamp(low, high) as u16
}

/// Every technique and class at every level in turn: the ends, columns, places between, and out of
/// range (fewer places where there are very many of them). Chosen by a small counter-based generator, so that they are the same every time.
fn vectors(t: &Tables) -> Vec<Vector> {
    let mut out = Vec::new();
    let mut state = 0x9E37_79B9_u32;
    let mut next = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % n
    };
    let each = (MAX_ROWS / (t.techniques.len() * t.rows())).min(6);
    for technique in 0..t.techniques.len() as u8 {
        for row in 0..t.rows() as u8 {
            let last = u32::from(t.last_station());
            let column = next(u32::from(t.stations)) * u32::from(STATION_ONE);
            let stations = [next(last), last, column, next(last), 65535, 0];
            for station in stations.into_iter().take(each) {
                let level = match next(8) {
                    0 => 0,
                    1 => t.levels + 1,
                    _ => 1 + next(u32::from(t.levels)) as u8,
                };
                let body = if usize::from(row) + 1 == t.rows() {
                    255
                } else {
                    row
                };
                let station = station as u16;
                let counts = &mut Counts::default();
                let Some(lookup) = t.eval(counts, technique, body, station, level) else {
                    continue; // not reached: the technique exists
                };
                let (cap, _) = t.cap(counts, body, station);
                out.push(Vector {
                    technique,
                    body,
                    level,
                    flags: lookup.flags,
                    station,
                    depth: lookup.depth,
                    force: lookup.force,
                    current: lookup.current,
                    cap: Cap { zone: 0, ..cap },
                });
            }
        }
    }
    out
}

/// First eight bytes of the blake3 hash, little-endian.
fn hash(data: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(data).as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// Over the model as JSON: the field order is the struct's, and numbers are printed exactly.
fn content_hash(m: &Model, p: &mut Vec<Problem>) -> u64 {
    serde_json::to_vec(m).map_or_else(
        |error| {
            p.push(problem("model", &m.name, error.to_string()));
            0
        },
        |json| hash(&json),
    )
}
