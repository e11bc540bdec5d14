//! `kneadlab body`: who sits there, as the simulator sees them.

use crate::print;
use crate::talk::{Outcome, say};
use anyhow::bail;
use back::{Back, Body, BodyProblem, Decision, Envelope, Level, Market, NOTICE, Sex, Zone};
use clap::ValueEnum;
use serde::Serialize;
use std::io::Write;

/// Who.
#[derive(clap::Args)]
pub struct Args {
    #[arg(long)]
    sex: SexArg,
    /// Standing height
    #[arg(
        long,
        value_name = "MM",
        allow_negative_numbers = true,
        required_unless_present = "stature_percentile"
    )]
    stature_mm: Option<f64>,
    /// Body mass index, kg/m2
    #[arg(
        long,
        value_name = "KG_M2",
        allow_negative_numbers = true,
        required_unless_present = "bmi_percentile"
    )]
    bmi: Option<f64>,
    /// Standing height at this percentile of the survey's men or women
    #[arg(long, value_name = "P", value_parser = percentile, conflicts_with = "stature_mm")]
    stature_percentile: Option<f64>,
    /// BMI at this percentile
    #[arg(long, value_name = "P", value_parser = percentile, conflicts_with = "bmi")]
    bmi_percentile: Option<f64>,
    /// Years
    #[arg(
        long,
        value_name = "YR",
        allow_negative_numbers = true,
        default_value_t = 30.0
    )]
    age: f64,
    /// A health condition that limits or forbids (repeatable)
    #[arg(long, value_name = "ID")]
    condition: Vec<String>,
    /// Print where every default comes from, too (JSON always holds it)
    #[arg(long)]
    sources: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum SexArg {
    Female,
    Male,
}

/// Contact area at which caps and thresholds are printed, m^2.
const AREA_M2: f64 = 1e-3;

/// Prints the body.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let sex = match args.sex {
        SexArg::Female => Sex::Female,
        SexArg::Male => Sex::Male,
    };
    let (stature_m, bmi_kg_m2) = Market::survey().at_percentiles(
        sex,
        args.stature_percentile.unwrap_or(50.0),
        args.bmi_percentile.unwrap_or(50.0),
    );
    let stature_m = args.stature_mm.map_or(stature_m, |mm| 1e-3 * mm);
    let body = Body::mean(sex, stature_m, args.bmi.unwrap_or(bmi_kg_m2), args.age);
    let (errors, warnings) = body.check();
    if !errors.is_empty() {
        bail!("no such person is plausible{}", lines(&errors));
    }
    for w in &warnings {
        say(format_args!("warning: outside the survey: {w}"));
    }
    let by_age = back::of_age(args.age, &args.condition);
    for id in &by_age {
        say(format_args!("at this age the limits of {id} hold"));
    }
    let envelope = Envelope::new(&[&args.condition[..], &by_age].concat())?;
    let Ok(back) = Back::new(&body) else {
        bail!("no such person is plausible")
    };
    let sheet = Sheet::new(&back, &envelope, &warnings);
    if args.json {
        print::json(&sheet)?;
    } else {
        sheet.print(args.sources)?;
    }
    if envelope.refused() {
        say(format_args!(
            "refused: {}: {}",
            envelope.policy().id,
            envelope.policy().note
        ));
    }
    Ok(Outcome::Good)
}

/// A percentile of the command line.
fn percentile(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(p) if (0.1..=99.9).contains(&p) => Ok(p),
        _ => Err("allowed: 0.1 to 99.9".into()),
    }
}

/// Problems by the flags that were given: `--stature-mm` is in millimetres, and metres are a usual slip.
fn lines(problems: &[BodyProblem]) -> String {
    let line = |p: &BodyProblem| match p.key {
        "stature_m" => {
            let mm = 1e3 * p.value;
            let slip = match (1.2..=2.2).contains(&mm) {
                true => format!("; {mm} m are {} mm", 1e3 * mm),
                false => String::new(),
            };
            format!("\n  --stature-mm {mm}: allowed 1200 to 2200 mm{slip}")
        }
        "bmi_kg_m2" => format!(
            "\n  --bmi {}: allowed {} kg/m^2; {}",
            p.value, p.allowed, p.hint
        ),
        "age_yr" => format!(
            "\n  --age {}: allowed {} yr; {}",
            p.value, p.allowed, p.hint
        ),
        _ => format!("\n  {p}"),
    };
    problems.iter().map(line).collect()
}

/// All that is printed, in the units of its names.
#[derive(Serialize)]
struct Sheet {
    notice: &'static str,
    body: Body,
    warnings: Vec<String>,
    sizes: Vec<Size>,
    levels: Vec<LevelRow>,
    zones: Vec<ZoneRow>,
    points: Vec<PointRow>,
    keep_out: Vec<KeepOut>,
    limits: LimitSheet,
    all_limits: Vec<LimitLine>,
    sources: Vec<SourceLine>,
}

/// A named point on the right side.
#[derive(Serialize)]
struct PointRow {
    point: String,
    u: f64,
    x_mm: f64,
    z_mm: f64,
    zone: &'static str,
    bone_depth_mm: f64,
    contact: bool,
    flag: &'static str,
}

/// Where no node may press: stations, and distance from the midline on either side.
#[derive(Serialize)]
struct KeepOut {
    what: String,
    u: [f64; 2],
    x_mm: [f64; 2],
}

#[derive(Serialize)]
struct LimitLine {
    limit: &'static str,
    value: String,
    flag: &'static str,
    kept_by: &'static str,
}

#[derive(Serialize)]
struct SourceLine {
    group: String,
    name: String,
    value: String,
    flag: String,
    source: String,
}

#[derive(Serialize)]
struct Size {
    name: &'static str,
    value: f64,
    unit: &'static str,
    flag: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
struct LevelRow {
    level: &'static str,
    u: f64,
    u_flag: &'static str,
    z_mm: f64,
    lean_deg: f64,
    x_mm: f64,
    skin_mm: f64,
    fat_mm: f64,
    muscle_mm: f64,
    bone_depth_mm: f64,
    outer_bone_depth_mm: f64,
}

#[derive(Serialize)]
struct ZoneRow {
    zone: &'static str,
    title: &'static str,
    u: Vec<[f64; 2]>,
    x_mm: Vec<[f64; 2]>,
    bone_depth_mm: f64,
    threshold_1cm2_kpa: f64,
    median_threshold_10cm2_kpa: f64,
    force_cap_n: f64,
    peak_cap_kpa: f64,
    contact: bool,
}

#[derive(Serialize)]
struct LimitSheet {
    condition: String,
    decision: &'static str,
    note: String,
    midline_half_mm: f64,
    press_rate_max_n_s: f64,
    tap_rate_max_n_s: f64,
    dwell_over_60_percent_s: f64,
    dwell_over_80_percent_s: f64,
    session_max_min: f64,
    flag: &'static str,
}

impl Sheet {
    fn new(back: &Back, envelope: &Envelope, warnings: &[BodyProblem]) -> Sheet {
        let sizes = back.sizes().rows().into_iter().map(|r| {
            let (value, unit) = if r.unit == "m" {
                (1e3 * r.value, "mm")
            } else {
                (r.value, r.unit)
            };
            Size {
                name: r.name,
                value,
                unit,
                flag: r.flag,
                source: r.source,
            }
        });
        let (inner_m, outer_m) = (1.5 * back.sizes().cun_m, 3.0 * back.sizes().cun_m);
        let levels = Level::ALL.into_iter().map(|level| {
            let u = back.station(level);
            let t = back.thickness(u, inner_m);
            LevelRow {
                level: level.name(),
                u,
                u_flag: level.flag(),
                z_mm: 1e3 * back.point(u, 0.0).z,
                lean_deg: back.lean_rad(u).to_degrees(),
                x_mm: 1e3 * inner_m,
                skin_mm: 1e3 * t.skin_m,
                fat_mm: 1e3 * t.fat_m,
                muscle_mm: 1e3 * t.muscle_m,
                bone_depth_mm: 1e3 * t.total_m(),
                outer_bone_depth_mm: 1e3 * back.thickness(u, outer_m).total_m(),
            }
        });
        let zones = Zone::ALL.into_iter().map(|zone| {
            let parts: Vec<[f64; 4]> = zone.rectangles().collect();
            // The iliac crest follows the bone and has no rectangle of its own where none is listed.
            let depth_m = parts.first().map_or(f64::NAN, |[u0, u1, x0, x1]| {
                back.thickness(0.5 * (u0 + u1), 0.5 * (x0 + x1)).total_m()
            });
            ZoneRow {
                zone: zone.name(),
                title: zone.title(),
                u: parts.iter().map(|r| [r[0], r[1]]).collect(),
                x_mm: parts.iter().map(|r| [1e3 * r[2], 1e3 * r[3]]).collect(),
                bone_depth_mm: 1e3 * depth_m,
                threshold_1cm2_kpa: 1e-3 * back.ppt1_pa(zone),
                median_threshold_10cm2_kpa: 1e-3 * envelope.reference_pressure_pa(zone, AREA_M2),
                force_cap_n: envelope.force_cap_n(zone, AREA_M2),
                peak_cap_kpa: 1e-3 * envelope.peak_pressure_cap_pa(zone, AREA_M2),
                contact: !envelope.excluded(zone) && !envelope.refused(),
            }
        });
        let points = back.points().into_iter().map(|p| {
            let place = back.zone(p.u, p.x_m);
            PointRow {
                u: p.u,
                x_mm: 1e3 * p.x_m,
                z_mm: 1e3 * back.point(p.u, p.x_m).z,
                zone: place.zone.name(),
                bone_depth_mm: 1e3 * back.thickness(p.u, p.x_m).total_m(),
                contact: !envelope.keeps_out(&place, p.x_m) && !envelope.refused(),
                flag: p.flag,
                point: p.name,
            }
        });
        let half_mm = 1e3 * envelope.midline_half_m();
        let mut keep_out = vec![KeepOut {
            what: "midline".into(),
            u: [-0.13, 1.25],
            x_mm: [0.0, half_mm],
        }];
        for zone in Zone::ALL
            .into_iter()
            .filter(|z| envelope.excluded(*z) && !z.is_midline())
        {
            keep_out.extend(zone.rectangles().map(|[u0, u1, x0, x1]| KeepOut {
                what: format!("{} ({})", zone.name(), envelope.policy().id),
                u: [u0, u1],
                x_mm: [1e3 * x0, 1e3 * x1],
            }));
        }
        let all_limits = envelope.rows().into_iter().map(|r| LimitLine {
            limit: r.name,
            value: r.value,
            flag: r.flag,
            kept_by: r.kept_by,
        });
        let sources = back::sources().into_iter().map(|s| SourceLine {
            group: s.group,
            name: s.name,
            value: s.value,
            flag: s.flag,
            source: s.source,
        });
        let policy = envelope.policy();
        Sheet {
            notice: NOTICE,
            body: back.body().clone(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
            sizes: sizes.collect(),
            levels: levels.collect(),
            zones: zones.collect(),
            points: points.collect(),
            keep_out,
            all_limits: all_limits.collect(),
            sources: sources.collect(),
            limits: LimitSheet {
                condition: policy.id.clone(),
                decision: match policy.decision {
                    Decision::Allow => "allow",
                    Decision::AllowLow => "allow, low",
                    Decision::Ask => "ask a clinician first",
                    Decision::Refuse => "refused",
                },
                note: policy.note.clone(),
                midline_half_mm: 1e3 * envelope.midline_half_m(),
                press_rate_max_n_s: envelope.rate_cap_n_s(false),
                tap_rate_max_n_s: envelope.rate_cap_n_s(true),
                dwell_over_60_percent_s: envelope.dwell_cap_s(envelope.dwell_fractions()[0] + 1e-9),
                dwell_over_80_percent_s: envelope.dwell_cap_s(envelope.dwell_fractions()[1] + 1e-9),
                session_max_min: envelope.session_max_s() / 60.0,
                flag: "E: estimates pending clinical review; sources in crates/back/data/limits.toml",
            },
        }
    }

    fn print(&self, sources: bool) -> anyhow::Result<()> {
        let mut out = print::out();
        let text = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        let b = &self.body;
        let (stature_mm, mass_kg) = (1e3 * b.stature_m, b.bmi_kg_m2 * b.stature_m * b.stature_m);
        writeln!(
            out,
            "{}, {stature_mm:.0} mm, {mass_kg:.1} kg, BMI {:.1}, {} years",
            b.sex.name(),
            b.bmi_kg_m2,
            b.age_yr
        )?;
        for w in &self.warnings {
            writeln!(out, "warning: outside the survey: {w}")?;
        }

        writeln!(
            out,
            "\nSizes (flag: V verified, D derived, W well known, M memory, E estimate)"
        )?;
        let mut rows = vec![text(&["size", "value", "unit", "flag", "source"])];
        rows.extend(
            self.sizes
                .iter()
                .map(|s| text(&[s.name, &format!("{:.1}", s.value), s.unit, s.flag, s.source])),
        );
        print::table(&mut out, 1, &rows)?;

        writeln!(
            out,
            "\nVertebrae: station u (flag beside it), height over the seat (D), and tissue over bone beside the spine (E; which depths are measured: --sources)"
        )?;
        let x = self.levels.first().map_or(0.0, |l| l.x_mm);
        writeln!(
            out,
            "layers {x:.0} mm beside the midline (1.5 cun); outer bone depth at {:.0} mm (3 cun)",
            2.0 * x
        )?;
        let head = [
            "level",
            "u",
            "flag",
            "z mm",
            "lean deg",
            "skin mm",
            "fat mm",
            "muscle mm",
            "bone depth mm",
            "outer mm",
        ];
        let mut rows = vec![text(&head)];
        rows.extend(self.levels.iter().map(|l| {
            let mut row = vec![
                l.level.to_string(),
                format!("{:.3}", l.u),
                l.u_flag.to_string(),
                format!("{:.0}", l.z_mm),
            ];
            let rest = [
                l.lean_deg,
                l.skin_mm,
                l.fat_mm,
                l.muscle_mm,
                l.bone_depth_mm,
                l.outer_bone_depth_mm,
            ];
            row.extend(rest.map(|v| format!("{v:.1}")));
            row
        }));
        print::table(&mut out, 1, &rows)?;

        writeln!(
            out,
            "\nZones: stations (V, D), distance from the midline, thresholds and caps for 10 cm2 of contact (E)"
        )?;
        let head = [
            "zone",
            "name",
            "u",
            "x mm",
            "bone depth mm",
            "threshold 1 cm2 kPa",
            "median at 10 cm2 kPa",
            "force cap N",
            "peak cap kPa",
            "contact",
        ];
        let mut rows = vec![text(&head)];
        rows.extend(self.zones.iter().map(|z| {
            let depth = if z.bone_depth_mm.is_finite() {
                format!("{:.0}", z.bone_depth_mm)
            } else {
                "-".into()
            };
            let mut row = text(&[z.zone, z.title, &spans(&z.u, 2), &spans(&z.x_mm, 0), &depth]);
            row.extend(
                [
                    z.threshold_1cm2_kpa,
                    z.median_threshold_10cm2_kpa,
                    z.force_cap_n,
                    z.peak_cap_kpa,
                ]
                .map(|v| format!("{v:.0}")),
            );
            row.push(if z.contact { "yes" } else { "none" }.into());
            row
        }));
        print::table(&mut out, 4, &rows)?;

        writeln!(out, "\nTissue at small strain, tone and knots")?;
        let mut rows = vec![text(&["of", "what", "value", "flag", "source"])];
        let shown = |s: &&SourceLine| {
            [
                "mu_kpa",
                "guard_multiplier",
                "contracted_multiplier",
                "knot",
            ]
            .contains(&s.name.as_str())
        };
        rows.extend(
            self.sources
                .iter()
                .filter(shown)
                .map(|s| text(&[&s.group, &s.name, &s.value, &s.flag, &s.source])),
        );
        print::table(&mut out, 5, &rows)?;

        let l = &self.limits;
        writeln!(out, "\nLimits, condition {}: {}", l.condition, l.decision)?;
        if !l.note.is_empty() {
            writeln!(out, "{}", l.note)?;
        }
        let stay = |s: f64| {
            if s.is_finite() {
                format!("{s:.0} s")
            } else {
                "not limited".into()
            }
        };
        let rows = [
            [
                "no node contact within",
                &format!("{:.0} mm of the midline", l.midline_half_mm),
            ],
            [
                "force rises at most",
                &format!(
                    "{:.0} N/s pressing, {:.0} N/s tapping",
                    l.press_rate_max_n_s, l.tap_rate_max_n_s
                ),
            ],
            ["stay over 60 % of pain", &stay(l.dwell_over_60_percent_s)],
            ["stay over 80 % of pain", &stay(l.dwell_over_80_percent_s)],
            ["session at most", &format!("{:.0} min", l.session_max_min)],
            ["source", l.flag],
        ];
        print::table(&mut out, 2, &rows.map(|r| r.map(String::from).to_vec()))?;

        if sources {
            writeln!(out, "\nEvery limit in force, and who keeps it")?;
            let mut rows = vec![text(&["limit", "value", "flag", "kept by"])];
            rows.extend(
                self.all_limits
                    .iter()
                    .map(|l| text(&[l.limit, &l.value, l.flag, l.kept_by])),
            );
            print::table(&mut out, 4, &rows)?;

            writeln!(out, "\nPoints of the right side (W well known, E estimate)")?;
            let mut rows = vec![text(&[
                "point",
                "u",
                "x mm",
                "zone",
                "bone depth mm",
                "contact",
                "flag",
            ])];
            rows.extend(self.points.iter().map(|p| {
                let contact = if p.contact { "yes" } else { "none" };
                let number = [
                    format!("{:.3}", p.u),
                    format!("{:.0}", p.x_mm),
                    format!("{:.0}", p.bone_depth_mm),
                ];
                text(&[
                    &p.point, &number[0], &number[1], p.zone, &number[2], contact, p.flag,
                ])
            }));
            print::table(&mut out, 1, &rows)?;

            writeln!(
                out,
                "\nWhere every default comes from (V verified, D derived, W well known, M memory, E estimate)"
            )?;
            let mut rows = vec![text(&["of", "what", "value", "flag", "source"])];
            rows.extend(
                self.sources
                    .iter()
                    .map(|s| text(&[&s.group, &s.name, &s.value, &s.flag, &s.source])),
            );
            print::table(&mut out, 5, &rows)?;
        }
        writeln!(out, "\n{}", self.notice)?;
        print::finish(out)
    }
}

fn spans(parts: &[[f64; 2]], decimals: usize) -> String {
    if parts.is_empty() {
        return "-".into();
    }
    let span = |[a, b]: &[f64; 2]| format!("{a:.decimals$}..{b:.decimals$}");
    parts.iter().map(span).collect::<Vec<_>>().join(", ")
}
