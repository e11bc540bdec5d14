//! `kneadlab compare`: a log of a pressure mat or of motor currents, laid over a run and scored.

use crate::compare_report;
use crate::folder::Folder;
use crate::mat_log::{self, ColumnOrder, Geometry, Log, MOTORS, MatLog, RowOrder, Unit};
use crate::print::{self, number, share};
use crate::run_folder::RunFolder;
use crate::talk::{Outcome, say};
use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Value, json};
use sim::{MapFrame, Movie};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tune::{
    Alignment, CurrentAgreement, Known, MapAgreement, Pair, Pose, Rival, Signal, TURN_MAX_RAD,
    TimeMatch, align, best_correlation, currents_agree, maps_agree, seen_by_mat, time_matches,
};

/// What is compared, and what is known of the log.
#[derive(clap::Args)]
pub struct Args {
    /// Folder that `kneadlab run` wrote
    run: PathBuf,
    /// The log: `t_s,row,p0,p1,...` of a mat, or `t_s,walk_current_a,...` of motors
    log: PathBuf,
    /// Folder for compare.json and compare.html
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// From one cell of the mat to the next, to the right and down
    #[arg(long, value_name = "MM[,MM]", value_parser = mat_log::pitch_mm)]
    pitch_mm: Option<[f64; 2]>,
    /// Where the first cell lies: right of the midline, down from C7 along the skin. A first guess; without it the mat's
    /// middle is laid on the middle of the run's skin
    #[arg(long, value_name = "X,DOWN", allow_hyphen_values = true, value_parser = mat_log::pair_mm)]
    first_cell_mm: Option<[f64; 2]>,
    /// Unit of the mat's pressures [default: kpa]
    #[arg(long, value_enum)]
    unit: Option<Unit>,
    /// Which way rows run [default: down]
    #[arg(long, value_enum)]
    row_order: Option<RowOrder>,
    /// Which way columns run, to the user [default: right]
    #[arg(long, value_enum)]
    column_order: Option<ColumnOrder>,
    /// Take off each cell's mean over these seconds of the log: the weight of the back, an offset
    #[arg(long, value_name = "FROM,TO", allow_hyphen_values = true, value_parser = span_s)]
    tare_s: Option<[f64; 2]>,
    /// Pressure from which a cell is in contact
    #[arg(long, value_name = "KPA", default_value_t = 2.0, value_parser = threshold_kpa)]
    threshold_kpa: f64,
    /// The shift in time, where it is known: what to add to the log's times
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    shift_s: Option<f64>,
    /// The shift on the skin, where it is known: right, down
    #[arg(long, value_name = "X,DOWN", allow_hyphen_values = true, value_parser = mat_log::pair_mm)]
    shift_mm: Option<[f64; 2]>,
    /// Also look for a small turn of the mat on the skin, up to 20 degrees
    #[arg(long)]
    turn: bool,
    /// Compare magnitudes of currents: the log's sensor knows no sign
    #[arg(long)]
    magnitude: bool,
}

/// A mat beside a run.
pub struct MatResult {
    /// The log on its cells.
    pub log: Movie,
    /// The run as the mat would have seen it, with the index of the log's frame.
    pub seen: Vec<(usize, MapFrame)>,
    /// How the one lies over the other.
    pub alignment: Alignment,
    /// Pressure from which a cell is in contact, Pa.
    pub threshold_pa: f64,
    /// Over all frames.
    pub agreement: MapAgreement,
    /// By technique and phase, in the order of the session.
    pub parts: Vec<(String, MapAgreement)>,
    /// Share of the run's force that fell beside the mat.
    pub force_share_off_mat: f64,
}

/// Motor currents beside a run.
pub struct CurrentResult {
    /// Best shift in time first.
    pub matches: Vec<TimeMatch>,
    /// What to add to the log's times, s.
    pub shift_s: f64,
    /// Motors of the log.
    pub motors: Vec<Motor>,
}

/// One motor beside a run.
pub struct Motor {
    /// Its column.
    pub name: &'static str,
    /// Times of the run, s.
    pub t_s: Vec<f64>,
    /// Run and log there, A.
    pub run_a: Vec<f64>,
    /// As above.
    pub log_a: Vec<f64>,
    /// Over all samples.
    pub agreement: CurrentAgreement,
    /// By technique and phase.
    pub parts: Vec<(String, CurrentAgreement)>,
}

/// Lays the log over the run, and tells how they differ.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let run = RunFolder::read(&args.run)?;
    let name = args.log.display().to_string();
    let bytes = fs::read(&args.log).with_context(|| format!("cannot read {name}"))?;
    let Ok(text) = String::from_utf8(bytes) else {
        bail!("{name} is no text\n  hint: export the log as CSV, in UTF-8");
    };
    let geometry = Geometry {
        pitch_m: args.pitch_mm,
        first_m: args.first_cell_mm,
        unit: args.unit,
        row_order: args.row_order,
        column_order: args.column_order,
        ..Geometry::default()
    };
    let folder = match &args.output {
        Some(output) => Some(Folder::open(output, "compare")?),
        None => None,
    };
    let mut notes = Vec::new();
    let (value, words, page) = match mat_log::read(&text, &name, &geometry)? {
        Log::Mat(log) => {
            let unit = log.unit;
            let result = mat(args, &run, log, &mut notes)?;
            let value = mat_json(args, &run, &result, unit, &notes);
            let page = compare_report::mat_page(&run.summary, &name, &result, &notes)?;
            (value, mat_words(&result), page)
        }
        Log::Current(channels) => {
            let result = currents(args, &run, channels, &mut notes)?;
            let value = current_json(args, &run, &result, &notes);
            let page = compare_report::current_page(&run.summary, &name, &result, &notes);
            (value, current_words(&result), page)
        }
    };
    notes.iter().for_each(|n| say(format_args!("note: {n}")));
    if let Some(mut folder) = folder {
        folder.write_json("compare.json", &value)?;
        folder.write("compare.html", page)?;
        folder.finish()?;
    }
    if args.json {
        print::json(&value)?;
        return Ok(Outcome::Good);
    }
    let mut out = print::out();
    print::table(&mut out, 1, &words)?;
    for file in ["compare.html", "compare.json"] {
        if let Some(output) = &args.output {
            writeln!(out, "{}", output.join(file).display())?;
        }
    }
    print::finish(out)?;
    Ok(Outcome::Good)
}

fn mat(
    args: &Args,
    run: &RunFolder,
    log: MatLog,
    notes: &mut Vec<String>,
) -> anyhow::Result<MatResult> {
    let maps = run.maps()?;
    let mut movie = log.movie;
    notes.extend(log.notes);
    if !log.placed {
        let (to, from) = (maps.grid.middle_m(), movie.grid.middle_m());
        movie.grid.first_m = [0, 1].map(|i| movie.grid.first_m[i] + to[i] - from[i]);
    }
    notes.extend(saturated(&movie));
    if let Some(span_s) = args.tare_s {
        tare(&mut movie, span_s)?;
    }
    let [run_hz, log_hz] = [&maps, &movie].map(rate_hz);
    if log_hz > 1.2 * run_hz {
        notes.push(format!(
            "the mat's {log_hz:.0} frames a second meet {run_hz:.0} maps of the run, straight lines between them: `run --map-hz {log_hz:.0}` gives it as many"
        ));
    }
    let known = Known {
        shift_s: args.shift_s,
        shift_m: args.shift_mm,
        turn: args.turn,
    };
    let Some(alignment) = align(&run.force, &maps, &movie, &known) else {
        bail!(
            "the log cannot be laid over the run: its force does not vary, or the two never press at one place\n  \
             hint: --shift-s and --shift-mm say what is known; a log of one frame needs --shift-s"
        );
    };
    doubts(&alignment, args, notes);
    if args.shift_mm.is_none() {
        notes.extend(other_way_round(args, &maps, &movie, &alignment));
    }
    let seen = seen_by_mat(&maps, &movie, &alignment.pose);
    if seen.is_empty() {
        bail!(
            "no frame of the log falls into the run's {:.1} s\n  hint: --shift-s is added to the log's times",
            run.summary.duration_s
        );
    }
    let threshold_pa = 1e3 * args.threshold_kpa;
    let pairs: Vec<Pair<'_>> = seen
        .iter()
        .map(|(i, run)| Pair {
            run,
            log: &movie.frames[*i],
        })
        .collect();
    let agreement = maps_agree(&movie.grid, &pairs, threshold_pa);
    let parts = by_part(run, pairs.iter().map(|p| (p.run.t_s, *p)))
        .into_iter()
        .map(|(part, pairs)| (part, maps_agree(&movie.grid, &pairs, threshold_pa)))
        .filter(|(_, agreement)| agreement.loaded_frames > 0)
        .collect();
    let all_n: f64 = seen.iter().map(|(_, f)| run.force.at(f.t_s)).sum();
    let on_mat_n: f64 = seen.iter().map(|(_, f)| f.force_n(&movie.grid)).sum();
    Ok(MatResult {
        log: movie,
        seen,
        alignment,
        threshold_pa,
        agreement,
        parts,
        force_share_off_mat: if all_n > 0.0 {
            (1.0 - on_mat_n / all_n).max(0.0)
        } else {
            0.0
        },
    })
}

/// The most frequent slip with a mat: its rows or columns run the other way. Told where that fits better.
fn other_way_round(args: &Args, maps: &Movie, log: &Movie, taken: &Alignment) -> Option<String> {
    // The total force knows no way round: its best shift in time holds for all of them.
    let by_force = taken.over_time.first().map(|m| m.shift_s);
    let shift_s = args.shift_s.or(by_force).unwrap_or(taken.pose.shift_s);
    let as_said = best_correlation(maps, log, shift_s);
    let ways = [[true, false], [false, true], [true, true]].map(|turned| {
        (
            best_correlation(maps, &mirrored(log, turned), shift_s),
            turned,
        )
    });
    let (correlation, turned) = ways.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    // Left and right of a back are alike: only what is clearly better counts.
    if correlation < as_said + 0.05 {
        return None;
    }
    let upward = (args.row_order == Some(RowOrder::Up)) != turned[0];
    let leftward = (args.column_order == Some(ColumnOrder::Left)) != turned[1];
    Some(format!(
        "with its {} the other way the log fits better (correlation {correlation:.2} against {as_said:.2}): look how the mat lay, and try --row-order {} --column-order {}",
        match turned {
            [true, true] => "rows and columns",
            [true, false] => "rows",
            _ => "columns",
        },
        if upward { "up" } else { "down" },
        if leftward { "left" } else { "right" },
    ))
}

/// The same grid with its rows, its columns, or both, in the other order.
fn mirrored(log: &Movie, [rows, columns]: [bool; 2]) -> Movie {
    let grid = log.grid;
    let turned = |cell: u32| {
        let (row, column) = (cell as usize / grid.columns, cell as usize % grid.columns);
        let row = if rows { grid.rows - 1 - row } else { row };
        let column = if columns {
            grid.columns - 1 - column
        } else {
            column
        };
        (row * grid.columns + column) as u32
    };
    let frames = log.frames.iter().map(|frame| {
        let mut cells: Vec<(u32, f32)> = frame.cells.iter().map(|c| (turned(c.0), c.1)).collect();
        cells.sort_unstable_by_key(|c| c.0);
        MapFrame {
            t_s: frame.t_s,
            cells,
        }
    });
    Movie {
        grid,
        frames: frames.collect(),
    }
}

/// Groups what belongs to one technique and phase, in the order in which they come.
fn by_part<T>(run: &RunFolder, items: impl Iterator<Item = (f64, T)>) -> Vec<(String, Vec<T>)> {
    let mut order: BTreeMap<&(String, String), usize> = BTreeMap::new();
    let mut out: Vec<(String, Vec<T>)> = Vec::new();
    for (t_s, item) in items {
        let part = run.part(t_s);
        let at = *order.entry(part).or_insert_with(|| {
            out.push((format!("{} {}", part.0, part.1), Vec::new()));
            out.len() - 1
        });
        out[at].1.push(item);
    }
    out
}

fn rate_hz(movie: &Movie) -> f64 {
    match (movie.frames.first(), movie.frames.last()) {
        (Some(a), Some(b)) if b.t_s > a.t_s => (movie.frames.len() - 1) as f64 / (b.t_s - a.t_s),
        _ => 0.0,
    }
}

/// Takes off each cell's mean over a span of the log. What falls below zero stays there: noise must not add up.
fn tare(log: &mut Movie, [from_s, to_s]: [f64; 2]) -> anyhow::Result<()> {
    let resting: Vec<&MapFrame> = log
        .frames
        .iter()
        .filter(|f| (from_s..=to_s).contains(&f.t_s))
        .collect();
    if resting.is_empty() {
        bail!(
            "--tare-s {from_s},{to_s}: no frame of the log lies there\n  hint: times are the log's own"
        );
    }
    let mut mean_pa = vec![0.0; log.grid.len()];
    for (cell, p) in resting.iter().flat_map(|f| &f.cells) {
        mean_pa[*cell as usize] += f64::from(*p) / resting.len() as f64;
    }
    for frame in &mut log.frames {
        let mut pa = mean_pa.iter().map(|m| -m).collect::<Vec<_>>();
        for (cell, p) in &frame.cells {
            pa[*cell as usize] += f64::from(*p);
        }
        frame.cells = (0u32..)
            .zip(pa)
            .filter(|c| c.1 != 0.0)
            .map(|(cell, p)| (cell, p as f32))
            .collect();
    }
    Ok(())
}

/// Many cells at one highest value: the mat may have ended there, not the pressure.
fn saturated(log: &Movie) -> Option<String> {
    let pressures = || log.frames.iter().flat_map(|f| &f.cells).map(|c| c.1);
    let high = pressures().fold(0.0, f32::max);
    let (loaded, full) = (
        pressures().count(),
        pressures().filter(|p| *p == high).count(),
    );
    (full >= 5 && 200 * full >= loaded).then(|| {
        format!(
            "{full} cells stand at the log's highest value, {} kPa: the mat may be at the end of its range there",
            number(1e-3 * f64::from(high))
        )
    })
}

/// Tells what makes an alignment doubtful.
fn doubts(alignment: &Alignment, args: &Args, notes: &mut Vec<String>) {
    for rival in alignment.doubts() {
        notes.push(format!(
            "the alignment is doubtful: shifted by {} the log fits nearly as well (correlation {:.3} against {:.3}); pin what you know with --shift-s or --shift-mm",
            pose_words(&rival.pose),
            rival.correlation,
            alignment.correlation
        ));
    }
    let e = &alignment.error;
    if [e.shift_s, e.shift_m[0], e.shift_m[1], e.turn_rad].contains(&f64::INFINITY) {
        notes.push("the log does not tell where it lies: moving it changes nothing; pin it with --shift-s and --shift-mm".into());
    }
    if args.turn && alignment.pose.turn_rad.abs() > 0.97 * TURN_MAX_RAD {
        notes.push("the turn is at the end of what is looked for: say how the mat lay with --row-order and --column-order".into());
    }
    if alignment.correlation < 0.5 {
        notes.push(format!(
            "run and log hardly agree (correlation {:.2}): is this the log of that session, and its rows and columns the way round that was said?",
            alignment.correlation
        ));
    }
}

fn currents(
    args: &Args,
    run: &RunFolder,
    channels: [Option<Signal>; 3],
    notes: &mut Vec<String>,
) -> anyhow::Result<CurrentResult> {
    let size = |s: &Signal| Signal {
        t_s: s.t_s.clone(),
        values: s.values.iter().map(|v| v.abs()).collect(),
    };
    let row_s = {
        let [from, to] = run.force.span_s();
        (to - from) / (run.force.t_s.len() - 1).max(1) as f64
    };
    let mut pairs: Vec<(&'static str, Signal, Signal)> = Vec::new();
    for (i, channel) in channels.into_iter().enumerate() {
        let Some(log) = channel else { continue };
        let mine = &run.currents[i];
        let below = |s: &Signal| s.values.iter().any(|v| *v < 0.0);
        if !args.magnitude && below(mine) && !below(&log) {
            notes.push(format!(
                "{} is never negative in the log, and is in the run: --magnitude compares sizes",
                MOTORS[i]
            ));
        }
        // A faster log is averaged over the run's rows.
        let (mine, log) = if args.magnitude {
            (size(mine), size(&log).averaged(row_s))
        } else {
            (mine.clone(), log.averaged(row_s))
        };
        pairs.push((MOTORS[i], mine, log));
    }
    let lent: Vec<(&Signal, &Signal)> = pairs.iter().map(|(_, run, log)| (run, log)).collect();
    let matches = time_matches(&lent);
    let shift_s = match (args.shift_s, matches.first()) {
        (Some(shift_s), _) => shift_s,
        (None, Some(best)) => best.shift_s,
        (None, None) => bail!(
            "the log cannot be laid over the run: its currents do not vary as the run's do\n  hint: give --shift-s"
        ),
    };
    if args.shift_s.is_none()
        && let [best, rival, ..] = matches[..]
        && rival.correlation > 0.95 * best.correlation
    {
        notes.push(format!(
            "the alignment is doubtful: shifted by {:.2} s the log fits nearly as well (correlation {:.3} against {:.3}); pin it with --shift-s",
            rival.shift_s, rival.correlation, best.correlation
        ));
    }
    let [from, to] = run.force.span_s();
    let mut motors = Vec::new();
    for (name, mine, log) in &pairs {
        let mut motor = Motor {
            name,
            t_s: Vec::new(),
            run_a: Vec::new(),
            log_a: Vec::new(),
            agreement: CurrentAgreement::default(),
            parts: Vec::new(),
        };
        for (t, a) in log.t_s.iter().zip(&log.values) {
            let t_s = t + shift_s;
            if (from..=to).contains(&t_s) {
                motor.t_s.push(t_s);
                motor.run_a.push(mine.at(t_s));
                motor.log_a.push(*a);
            }
        }
        if motor.t_s.is_empty() {
            bail!(
                "no sample of the log falls into the run's {to:.1} s\n  hint: --shift-s is added to the log's times"
            );
        }
        motor.agreement = currents_agree(&motor.run_a, &motor.log_a);
        let samples =
            (0..motor.t_s.len()).map(|i| (motor.t_s[i], (motor.run_a[i], motor.log_a[i])));
        motor.parts = by_part(run, samples)
            .into_iter()
            .map(|(part, samples)| {
                let (run_a, log_a): (Vec<f64>, Vec<f64>) = samples.into_iter().unzip();
                (part, currents_agree(&run_a, &log_a))
            })
            .collect();
        motors.push(motor);
    }
    Ok(CurrentResult {
        matches,
        shift_s,
        motors,
    })
}

/// `+0.37 s, 12.0 mm right, -4.0 mm down`.
pub fn pose_words(pose: &Pose) -> String {
    let mut words = format!(
        "{:+.3} s, {:.1} mm right, {:.1} mm down",
        pose.shift_s,
        1e3 * pose.shift_m[0],
        1e3 * pose.shift_m[1]
    );
    if pose.turn_rad != 0.0 {
        words += &format!(", turned by {:.1}°", pose.turn_rad.to_degrees());
    }
    words
}

fn mat_words(result: &MatResult) -> Vec<Vec<String>> {
    let a = &result.agreement;
    let line = |name: &str, what: String| vec![name.to_string(), what];
    let rival = |r: &Option<Rival>| match r {
        Some(r) => format!("{} (correlation {:.3})", pose_words(&r.pose), r.correlation),
        None => "none".into(),
    };
    let e = &result.alignment.error;
    let mut lines = vec![
        line("log is shifted by", pose_words(&result.alignment.pose)),
        line(
            "  standard error",
            format!(
                "at least {:.3} s, {:.2} mm, {:.2} mm",
                e.shift_s,
                1e3 * e.shift_m[0],
                1e3 * e.shift_m[1]
            ),
        ),
        line("  rival in time", rival(&result.alignment.time_rival)),
        line("  rival in place", rival(&result.alignment.place_rival)),
        line(
            "compared",
            format!(
                "{} frames, {} of them loaded; errors are the run less the log",
                a.frames, a.loaded_frames
            ),
        ),
        line(
            "force",
            format!(
                "bias {:+.2} N, rms {:.2} N of {:.1} N; correlation {}; log is {} of the run",
                a.force.bias_n,
                a.force.rms_n,
                a.force.mean_log_n,
                share(a.force.correlation),
                share(a.force.gain)
            ),
        ),
        line(
            "peak",
            format!(
                "bias {:+.1} kPa, rms {:.1} kPa of {:.1} kPa; largest {:.1} kPa, run {:.1} kPa",
                a.peak.bias_kpa,
                a.peak.rms_kpa,
                a.peak.mean_log_kpa,
                a.peak.largest_log_kpa,
                a.peak.largest_run_kpa
            ),
        ),
        line(
            "map",
            format!(
                "rms {:.2} kPa, {:.1} % of the mean peak; correlation {}; log is {} of the run, without that rms {:.2} kPa",
                a.map.rms_kpa,
                100.0 * a.map.rms_share_of_peak,
                share(a.map.correlation),
                share(a.map.gain),
                a.map.rms_without_gain_kpa
            ),
        ),
    ];
    if let Some(c) = &a.centre {
        lines.push(line(
            "centre of pressure",
            format!(
                "rms {:.1} mm, bias {:+.1} mm right, {:+.1} mm down",
                c.rms_mm, c.bias_mm[0], c.bias_mm[1]
            ),
        ));
    }
    lines.push(line(
        "contact area",
        format!(
            "bias {:+.1} cm2, rms {:.1} cm2 of {:.1} cm2 from {} kPa on",
            a.area.bias_cm2,
            a.area.rms_cm2,
            a.area.mean_log_cm2,
            number(1e-3 * result.threshold_pa)
        ),
    ));
    lines.push(line(
        "run's force not seen",
        format!(
            "{:.1} % beside the mat, {:.1} % on cells below the threshold",
            100.0 * result.force_share_off_mat,
            100.0 * a.force_share_below_threshold
        ),
    ));
    for (part, a) in &result.parts {
        lines.push(line(part, format!("{} frames: force bias {:+.2} N, rms {:.2} N; peak rms {:.1} kPa; map rms {:.2} kPa", a.loaded_frames, a.force.bias_n, a.force.rms_n, a.peak.rms_kpa, a.map.rms_kpa)));
    }
    lines
}

fn current_words(result: &CurrentResult) -> Vec<Vec<String>> {
    let line = |name: &str, what: String| vec![name.to_string(), what];
    let mut lines = vec![line(
        "log is shifted by",
        format!("{:+.3} s", result.shift_s),
    )];
    for (i, m) in result.matches.iter().enumerate().take(2) {
        let name = ["  best match", "  rival"][i];
        lines.push(line(
            name,
            format!("{:+.3} s (correlation {:.3})", m.shift_s, m.correlation),
        ));
    }
    for motor in &result.motors {
        let words = |a: &CurrentAgreement| {
            format!(
                "bias {:+.3} A, rms {:.3} A of {:.3} A; correlation {}; log is {} of the run",
                a.bias_a,
                a.rms_a,
                a.rms_log_a,
                share(a.correlation),
                share(a.gain)
            )
        };
        lines.push(line(motor.name, words(&motor.agreement)));
        lines.extend(
            motor
                .parts
                .iter()
                .map(|(part, a)| line(&format!("  {part}"), words(a))),
        );
    }
    lines
}

fn run_json(run: &RunFolder) -> Value {
    json!({ "scene": run.summary.scene, "scene_hash": run.summary.scene_hash, "duration_s": run.summary.duration_s })
}

fn pose_json(pose: &Pose) -> Value {
    json!({ "shift_s": pose.shift_s, "shift_mm": pose.shift_m.map(|m| 1e3 * m), "turn_deg": pose.turn_rad.to_degrees() })
}

fn parts_json<T: Serialize>(parts: &[(String, T)]) -> Vec<Value> {
    parts
        .iter()
        .map(|(part, agreement)| json!({ "part": part, "agreement": agreement }))
        .collect()
}

fn mat_json(
    args: &Args,
    run: &RunFolder,
    result: &MatResult,
    unit: Unit,
    notes: &[String],
) -> Value {
    let rival = |r: &Option<Rival>| {
        r.map(|r| json!({ "pose": pose_json(&r.pose), "correlation": r.correlation }))
    };
    let grid = &result.log.grid;
    let alignment = &result.alignment;
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kind": "pressure mat",
        "run": run_json(run),
        "log": {
            "frames": result.log.frames.len(), "rows": grid.rows, "columns": grid.columns,
            "pitch_mm": grid.pitch_m.map(|m| 1e3 * m), "first_cell_mm": grid.first_m.map(|m| 1e3 * m),
            "rate_hz": rate_hz(&result.log), "unit": format!("{unit:?}").to_lowercase(),
            "tare_s": args.tare_s, "threshold_kpa": args.threshold_kpa,
        },
        "alignment": {
            "pose": pose_json(&alignment.pose),
            "known": { "shift_s": args.shift_s.is_some(), "shift_mm": args.shift_mm.is_some(), "turn_deg": !args.turn },
            "standard_error_at_least": pose_json(&alignment.error),
            "correlation": alignment.correlation,
            "time_rival": rival(&alignment.time_rival),
            "place_rival": rival(&alignment.place_rival),
            "doubtful": !alignment.doubts().is_empty(),
        },
        "agreement": result.agreement,
        "force_share_off_mat": result.force_share_off_mat,
        "parts": parts_json(&result.parts),
        "notes": notes,
    })
}

fn current_json(args: &Args, run: &RunFolder, result: &CurrentResult, notes: &[String]) -> Value {
    let matches: Vec<Value> = result
        .matches
        .iter()
        .map(|m| json!({ "shift_s": m.shift_s, "correlation": m.correlation }))
        .collect();
    let motors: Vec<Value> = result
        .motors
        .iter()
        .map(
            |m| json!({ "motor": m.name, "agreement": m.agreement, "parts": parts_json(&m.parts) }),
        )
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kind": "motor current",
        "run": run_json(run),
        "alignment": { "shift_s": result.shift_s, "known": args.shift_s.is_some(), "matches": matches },
        "magnitude": args.magnitude,
        "motors": motors,
        "notes": notes,
    })
}

fn span_s(text: &str) -> Result<[f64; 2], String> {
    let both = text
        .split_once(',')
        .map(|(a, b)| [a, b].map(|t| t.trim().parse::<f64>()));
    match both {
        Some([Ok(from), Ok(to)]) if from.is_finite() && to.is_finite() && from <= to => {
            Ok([from, to])
        }
        _ => Err("write FROM,TO in seconds of the log, such as 0,2".into()),
    }
}

fn threshold_kpa(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(v) if v > 0.0 && v <= 1000.0 => Ok(v),
        _ => Err("allowed: above 0, at most 1000".into()),
    }
}
