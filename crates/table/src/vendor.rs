//! The customer's own struct: his template over the tables, text in, text out.

use std::fmt::Write as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value as Any};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value, json};

use crate::emit::tables_json;
use crate::model::Model;
use crate::tables::{
    CURRENT_PER_A, DEPTH_PER_M, FORCE_PER_N, INFEASIBLE, NO_TECHNIQUE, PRESS_PER_M_S, STATION_ONE,
    Step, Tables,
};

/// Why a template was not rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: error: {message}{hint}")]
pub struct TemplateProblem {
    /// The template, as the caller calls it.
    pub file: String,
    /// Line, from 1; 0 where it is about the whole.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What there is instead, on lines of its own; may be empty.
    pub hint: String,
}

/// Renders a template over the tables; `file` is its name in messages.
///
/// The same template and tables give the same bytes: names come in order, and a template has no date, host, path or chance.
///
/// # Errors
/// The first problem: engines stop there.
pub fn render(
    tables: &Tables,
    model: &Model,
    file: &str,
    template: &str,
) -> Result<String, TemplateProblem> {
    let context = context(tables, model);
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    // The engine's own marks, {{ }} and {% %}, and blocks that leave no line behind.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(|error| problem(file, &error, &context))?;
    engine.set_syntax(syntax);
    add_builtins(&mut engine);
    add_filters(&mut engine);
    let own = tables.clone();
    engine.add_function(
        "depth_at",
        move |technique: &str, class: u8, u: f64, level: u8| {
            depth_at(&own, technique, class, u, level)
        },
    );
    // A template that never ends would hang the export.
    engine.set_fuel(Some(10_000_000));
    engine
        .render_named_str(file, template, Serde(&context))
        .map(|text| text.replace("\r\n", "\n"))
        .map_err(|error| problem(file, &error, &context))
}

/// What a template sees: everything in units, and the content of the export's `.json` as `raw`.
///
/// Stands in `templates/README.md`, name by name; a test holds both together.
pub fn context(t: &Tables, m: &Model) -> Value {
    let mm = |depth: i16| f64::from(depth) * 1e3 / DEPTH_PER_M;
    let u = |station: u16| {
        let (from, to) = (f64::from(t.from_q14), f64::from(t.to_q14));
        let u = (from + (to - from) * f64::from(station) / f64::from(t.last_station())) / 16384.0;
        (u * 1e6).round() / 1e6
    };
    let ends = ["arrival", "time", "cycles"];
    let step = |s: &Step| {
        let technique = t.techniques.get(usize::from(s.technique));
        json!({
            "technique": technique.map_or("none", String::as_str),
            "technique_index": s.technique,
            "travels_only": s.technique == NO_TECHNIQUE,
            "end": ends.get(usize::from(s.end)),
            "level": s.level,
            "from_u": u(s.from), "to_u": u(s.to),
            "spacing_u": (u(s.spacing) - u(0)).abs(),
            "points": points(s).map(|station| json!({
                "u": u(station), "station": station,
                "column": (f64::from(station) / f64::from(STATION_ONE)).round() as u16,
            })).collect::<Value>(),
            "hold_s": if s.end == 1 { f64::from(s.hold) / 100.0 } else { 0.0 },
            "knead_rpm": f64::from(s.knead()) / 100.0,
            "press_mm_s": f64::from(s.press) * 1e3 / PRESS_PER_M_S,
            "cycles": s.cycles,
            "park_deg": f64::from(s.park) / 100.0,
            "speed_mm_s": f64::from(s.speed) / 10.0,
            "timeout_s": s.timeout,
        })
    };
    let map = |value: &dyn Fn(usize) -> Value| -> Value {
        let levels = |k, r, s| {
            (0..usize::from(t.levels))
                .map(|l| value(t.cell(k, r, s, l)))
                .collect::<Value>()
        };
        let stations = |k, r| {
            (0..usize::from(t.stations))
                .map(|s| levels(k, r, s))
                .collect::<Value>()
        };
        let rows = |k| (0..t.rows()).map(|r| stations(k, r)).collect::<Value>();
        (0..t.techniques.len()).map(rows).collect()
    };
    let caps: Value = (0..t.rows())
        .map(|row| {
            (0..usize::from(t.stations))
                .map(|s| {
                    let c = &t.caps[t.cap_index(row, s)];
                    json!({
                        "depth_mm": mm(c.depth),
                        "force_n": f64::from(c.force) / FORCE_PER_N,
                        "dwell_s": f64::from(c.dwell) / 10.0,
                        "tap_hz": f64::from(c.tap) / 100.0,
                        "zone": t.zones.get(usize::from(c.zone)),
                    })
                })
                .collect::<Value>()
        })
        .collect();
    let classes: Value = (0..t.rows())
        .map(|row| match t.classes.get(row) {
            Some(c) => json!({
                "name": t.row_name(row), "index": row, "unknown": false,
                "stature_min_mm": c.stature_min, "stature_max_mm": c.stature_max,
                "bmi_min": f64::from(c.bmi_min) / 100.0, "bmi_max": f64::from(c.bmi_max) / 100.0,
            }),
            None => json!({"name": t.row_name(row), "index": row, "unknown": true}),
        })
        .collect();
    let l = &t.limits;
    json!({
        "name": t.name,
        "content_hash": format!("{:016x}", t.content_hash),
        "notice": m.source.notice,
        "source": {
            "version": m.source.version, "scene_hash": m.source.scene_hash,
            "study_hash": m.source.study_hash, "seed": m.source.seed,
        },
        "techniques": t.techniques,
        "zones": t.zones,
        "classes": classes,
        "stations_u": (0..usize::from(t.stations)).map(|s| u(s as u16 * STATION_ONE)).collect::<Value>(),
        "levels": t.levels,
        "depth_mm": map(&|i| mm(t.depth[i]).into()),
        "infeasible": map(&|i| (t.flags[i] & INFEASIBLE != 0).into()),
        "force_n": map(&|i| (f64::from(t.force[i]) / FORCE_PER_N).into()),
        "current_a": map(&|i| (f64::from(t.current[i]) / CURRENT_PER_A).into()),
        "caps": caps,
        "programme": t.steps.iter().map(step).collect::<Value>(),
        "fallback": t.fallback.iter().map(step).collect::<Value>(),
        "limits": {
            "session_s": l.session, "watchdog_s": f64::from(l.watchdog) / 100.0,
            "protrude_mm_s": f64::from(l.speed_q8) / 256.0,
            "protrude_mm_s2": l.accel, "retracted_mm": mm(l.retracted),
            "requires": l.requires, "forbids": l.forbids,
        },
        "raw": tables_json(t, m),
    })
}

/// Stations of a row at which it works, in order; both ends of a roll.
fn points(s: &Step) -> impl Iterator<Item = u16> + use<> {
    let s = *s;
    std::iter::successors(Some(s.from), move |point| {
        let next = match s.end {
            0 if s.technique == NO_TECHNIQUE => s.from,
            0 => s.to,
            _ => s.next_point(*point),
        };
        (next != *point).then_some(next)
    })
}

// ---- what a template can do with numbers ----

/// The engine's own filters and tests that a table needs; nothing that depends on a locale, a clock or chance.
fn add_builtins(engine: &mut Environment<'_>) {
    use minijinja::{filters, functions, tests};
    engine.add_filter("length", filters::length);
    engine.add_filter("join", filters::join);
    engine.add_filter("upper", filters::upper);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("replace", filters::replace);
    engine.add_filter("round", filters::round);
    engine.add_filter("abs", filters::abs);
    engine.add_filter("int", filters::int);
    engine.add_filter("float", filters::float);
    engine.add_filter("min", filters::min);
    engine.add_filter("max", filters::max);
    engine.add_filter("sum", filters::sum);
    engine.add_filter("first", filters::first);
    engine.add_filter("last", filters::last);
    engine.add_filter("list", filters::list);
    engine.add_filter("items", filters::items);
    engine.add_filter("default", filters::default);
    engine.add_test("defined", tests::is_defined);
    engine.add_test("none", tests::is_none);
    engine.add_test("odd", tests::is_odd);
    engine.add_test("even", tests::is_even);
    engine.add_function("range", functions::range);
    engine.add_function("namespace", functions::namespace);
}

fn add_filters(engine: &mut Environment<'_>) {
    engine.add_filter("hex", hex);
    engine.add_filter("c_array", c_array);
    engine.add_filter("c_name", |text: &str| c_name(text));
    engine.add_filter("c_comment", |text: &str| {
        text.replace("*/", "* /").replace(['\n', '\r'], " ")
    });
    for (name, least, most) in [
        ("u8", 0.0, 255.0),
        ("u16", 0.0, 65535.0),
        ("i8", -128.0, 127.0),
        ("i16", -32768.0, 32767.0),
        ("u32", 0.0, 4_294_967_295.0),
        ("i32", -2_147_483_648.0, 2_147_483_647.0),
    ] {
        engine.add_filter(name, move |value: &Any, per: Option<f64>, args: Kwargs| {
            scaled(name, value, per.unwrap_or(1.0), [least, most], args)
        });
    }
    engine.add_filter("detent", detent);
    engine.add_function("even", even);
}

/// What the runtime answers, mm.
fn depth_at(t: &Tables, technique: &str, class: u8, u: f64, level: u8) -> Result<f64, Error> {
    let index = t.techniques.iter().position(|name| name == technique);
    let index =
        index.ok_or_else(|| wrong(format!("depth_at: there is no technique {technique}")))?;
    if level < 1 || level > t.levels {
        return Err(wrong(format!(
            "depth_at: level {level} of 1 to {}",
            t.levels
        )));
    }
    if !u.is_finite() {
        return Err(wrong(format!("depth_at: u = {u}")));
    }
    let depth_mm = t.depth_m(index as u8, class, u, level) * 1e3;
    Ok((depth_mm * 100.0).round() / 100.0)
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn number(value: &Any) -> Result<f64, Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let bad = || wrong(format!("{value} is not a number"));
    if !value.is_number() {
        return Err(bad());
    }
    f64::try_from(value.clone()).map_err(|_| bad())
}

/// `value * per`, rounded to the nearest integer, halves away from zero; an error where it does not fit the type or the
/// narrower range of `low=` and `high=`. Nothing wraps and nothing is cut.
fn scaled(
    name: &str,
    value: &Any,
    per: f64,
    [least, most]: [f64; 2],
    args: Kwargs,
) -> Result<i64, Error> {
    let low: Option<f64> = args.get("low")?;
    let high: Option<f64> = args.get("high")?;
    args.assert_all_used()?;
    let (low, high) = (
        low.unwrap_or(least).max(least),
        high.unwrap_or(most).min(most),
    );
    let exact = number(value)? * per;
    let rounded = exact.round();
    if !(low..=high).contains(&rounded) {
        return Err(wrong(format!(
            "{value} times {per} is {exact}, and {name} takes {low} to {high} here"
        )));
    }
    Ok(rounded as i64)
}

/// `0x00FF`: as many digits as `digits`; an error for negative numbers and for those that need more.
fn hex(value: &Any, digits: Option<usize>) -> Result<String, Error> {
    let digits = digits.unwrap_or(2);
    let whole = u64::try_from(value.clone())
        .map_err(|_| wrong(format!("hex takes whole numbers from 0, not {value}")))?;
    let text = format!("{whole:0digits$X}");
    if text.len() > digits {
        return Err(wrong(format!("{value} has more than {digits} hex digits")));
    }
    Ok(format!("0x{text}"))
}

/// Values with commas between them, in lines of at most `width` bytes, all but the first indented by `indent`.
fn c_array(values: &Any, width: Option<usize>, indent: Option<usize>) -> Result<String, Error> {
    let (width, pad) = (width.unwrap_or(80), " ".repeat(indent.unwrap_or(4)));
    let mut out = String::new();
    let mut used = pad.len();
    for (i, value) in values.try_iter()?.enumerate() {
        let item = value.to_string();
        if i > 0 {
            out.push(',');
            if used + 2 + item.len() + 1 > width {
                let _ = write!(out, "\n{pad}");
                used = pad.len();
            } else {
                out.push(' ');
                used += 2;
            }
        }
        used += item.len();
        out += &item;
    }
    Ok(out)
}

/// A name that C takes: letters, digits and `_`.
fn c_name(text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() {
        out.insert(0, '_');
    }
    out
}

/// Number, from 1, of the detent that stands for a value: the nearest, or with `round="down"` the last one that is not above it.
/// Detents rise. The nearest is an error for a value further than half a gap beyond either end, rounding down for one below the
/// first.
fn detent(value: &Any, detents: Vec<f64>, args: Kwargs) -> Result<usize, Error> {
    let round: Option<String> = args.get("round")?;
    args.assert_all_used()?;
    let at = number(value)?;
    let [first, second, ..] = detents.as_slice() else {
        return Err(wrong("detent needs two or more detents"));
    };
    if !detents.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(wrong("detents must rise"));
    }
    let last = detents.len() - 1;
    let ends = [
        first - 0.5 * (second - first),
        detents[last] + 0.5 * (detents[last] - detents[last - 1]),
    ];
    // A last bit of rounding is not a step.
    let slack = 1e-9 * (detents[last] - first);
    let outside = || {
        Err(wrong(format!(
            "{at} lies outside the detents {first} to {}",
            detents[last]
        )))
    };
    match round.as_deref() {
        None | Some("nearest") if at < ends[0] - slack || at > ends[1] + slack => outside(),
        None | Some("nearest") => {
            let middle = |pair: &[f64]| 0.5 * (pair[0] + pair[1]);
            Ok(1 + detents.windows(2).filter(|pair| at >= middle(pair)).count())
        }
        Some("down") => match detents.iter().filter(|d| **d <= at + slack).count() {
            0 => outside(),
            n => Ok(n),
        },
        Some(other) => Err(wrong(format!(
            "round = {other}: allowed \"nearest\" and \"down\""
        ))),
    }
}

/// `count` detents, evenly from `low` to `high`.
fn even(count: usize, low: f64, high: f64) -> Result<Vec<f64>, Error> {
    if !(2..=1024).contains(&count) || low.is_nan() || low >= high {
        return Err(wrong(format!(
            "even({count}, {low}, {high}): needs 2 to 1024 detents and low below high"
        )));
    }
    Ok((0..count)
        .map(|i| low + (high - low) * i as f64 / (count - 1) as f64)
        .collect())
}

// ---- errors ----

fn problem(file: &str, error: &Error, context: &Value) -> TemplateProblem {
    // The innermost says what, the outermost where.
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), String::from);
    let message = match error.kind() {
        ErrorKind::UndefinedError => "a name that does not exist".to_string(),
        ErrorKind::SyntaxError => format!("syntax: {detail}"),
        ErrorKind::OutOfFuel => "the template does not come to an end".to_string(),
        _ => detail,
    };
    let hint = match error.kind() {
        ErrorKind::UndefinedError => names(context),
        ErrorKind::UnknownFilter => FILTERS.to_string(),
        _ => String::new(),
    };
    TemplateProblem {
        file: file.into(),
        line: error.line().unwrap_or(0),
        message,
        hint,
    }
}

const FILTERS: &str = "\n  filters: abs, c_array, c_comment, c_name, default, detent, first, float, hex, \
     i8, i16, i32, int, items, join, last, length, list, lower, max, min, replace, round, sum, u8, u16, u32, upper\n  functions: depth_at, even, namespace, range";

/// What exists, two levels deep.
fn names(context: &Value) -> String {
    let keys = |map: &Map<String, Value>| {
        let mut keys: Vec<&str> = map.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys.join(", ")
    };
    let Value::Object(top) = context else {
        return String::new();
    };
    let mut out = format!("\n  there are: {}", keys(top));
    let mut inner = |name: &str, value: Option<&Value>| {
        if let Some(Value::Object(map)) = value {
            let _ = write!(out, "\n  {name}: {}", keys(map));
        }
    };
    inner(
        "a row of programme or fallback",
        context["programme"].get(0),
    );
    inner("a point of a row", context["programme"][0]["points"].get(0));
    inner("one of classes", context["classes"].get(0));
    inner("caps[class][column]", context["caps"][0].get(0));
    inner("limits", context.get("limits"));
    inner("source", context.get("source"));
    inner("raw", context.get("raw"));
    out + "\n  maps: depth_mm, force_n, current_a, infeasible [technique][class][column][level]"
}
