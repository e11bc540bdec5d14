//! `kneadlab fit`: layer moduli that explain a measured force-depth curve.

use crate::fit_report;
use crate::folder::Folder;
use crate::force_log::{self, Curve, Node, problem};
use crate::print::{self, number};
use crate::talk::{Outcome, say};
use anyhow::bail;
use scene::{Problem, Problems, load_stack};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use tissue::{
    Fit, FitError, FitOptions, FittedCurve, FittedPoint, Free, Law, Layer, Measured, Noise,
    ParameterKind, Role, Stack, Trial, TrialKind,
};

/// What was measured, and what is sought.
#[derive(clap::Args)]
pub struct Args {
    /// CSV with the columns depth_mm (or depth_m), force_n and, if several nodes were used, node
    #[arg(required = true)]
    log: Vec<PathBuf>,
    /// What was pressed in, as for indent: once, or once for each log
    #[arg(long, value_name = "SHAPE", value_parser = Node::parse)]
    node: Vec<Node>,
    /// Where the search begins: thicknesses, laws and Poisson's ratios stay, moduli are fitted
    #[arg(long, default_value = "builtin:paraspinal")]
    stack: PathBuf,
    /// Layers to fit, each on its own, the others held; or `together` (one scale), `all`, `auto` (one scale, then what the data justify)
    #[arg(
        long,
        value_name = "LAYER,...",
        value_delimiter = ',',
        default_value = "auto"
    )]
    free: Vec<String>,
    /// Fit where each curve's depth begins too
    #[arg(long)]
    free_touch: bool,
    /// Weigh errors as shares of the force: the scatter grows with it
    #[arg(long)]
    relative: bool,
    /// The press was slow: it felt relaxed moduli, e (1 - sum g)
    #[arg(long)]
    relaxed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write fitted.toml, fit.json and fit.html
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// A stack that leaves more than this share of the force explains nothing.
const MISFIT_MAX: f64 = 0.15;

/// Prints CSV.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let start = load_stack(&args.stack)?;
    let curves = read(&args.log, &args.node)?;
    let folder = args
        .output
        .as_deref()
        .map(|dir| Folder::open(dir, "fit"))
        .transpose()?;
    let felt = if args.relaxed {
        times(&start, kept)
    } else {
        Some(start.clone())
    };
    let Some(felt) = felt else {
        bail!("{}: a relaxed modulus is below 10 Pa", args.stack.display())
    };
    let options = FitOptions {
        free: free(&args.free, &start)?,
        touch: args.free_touch,
        noise: if args.relative {
            Noise::Proportional
        } else {
            Noise::Constant
        },
    };
    let measured: Vec<Measured> = curves.iter().map(Curve::measured).collect();
    let found =
        tissue::fit(&felt, &measured, &options).map_err(|errors| place(&errors, &curves))?;

    let sheet = Sheet::new(args, &start, &curves, &found);
    if args.json {
        print::json(&sheet)?;
    } else {
        sheet.print()?;
    }
    sheet
        .notes
        .iter()
        .for_each(|n| say(format_args!("note: {n}")));
    if let Some(mut folder) = folder {
        folder.write("fitted.toml", sheet.toml(&start))?;
        folder.write("fit.html", fit_report::page(&sheet, &curves, &found))?;
        folder.write_json("fit.json", &sheet)?;
        let place = folder.finish()?;
        for name in ["fitted.toml", "fit.html", "fit.json"] {
            say(place.join(name).display());
        }
    }
    Ok(Outcome::good_if(unexplained(&found) <= MISFIT_MAX))
}

/// Every curve of every log.
fn read(logs: &[PathBuf], nodes: &[Node]) -> anyhow::Result<Vec<Curve>> {
    if nodes.len() > 1 && nodes.len() != logs.len() {
        bail!(
            "--node was given {} times for {} logs\n  allowed: once, or once for each log in its order",
            nodes.len(),
            logs.len()
        );
    }
    let (mut curves, mut problems, mut all_named) = (Vec::new(), Vec::new(), true);
    for (i, path) in logs.iter().enumerate() {
        match force_log::read(path, nodes.get(i).or(nodes.first())) {
            Ok(log) => {
                if !log.ignored.is_empty() {
                    say(format_args!(
                        "{}: columns not used: {}",
                        path.display(),
                        log.ignored.join(", ")
                    ));
                }
                all_named &= log.names_nodes;
                curves.extend(log.curves);
            }
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    if all_named && !nodes.is_empty() {
        bail!("--node and a column node both say what was pressed in\n  hint: leave --node out");
    }
    Ok(curves)
}

/// `--free` in words.
fn free(words: &[String], stack: &Stack) -> anyhow::Result<Free> {
    let layers = stack.layers();
    match words {
        [one] if one == "auto" => return Ok(Free::Auto),
        [one] if one == "together" => return Ok(Free::Together),
        [one] if one == "all" => return Ok(Free::Layers((0..layers.len()).collect())),
        _ => {}
    }
    let named = |word: &String| layers.iter().position(|l| l.name == *word);
    let unknown: Vec<&str> = words
        .iter()
        .filter(|w| named(w).is_none())
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = layers.iter().map(|l| l.name.as_str()).collect();
        bail!(
            "--free: no layer is called {}\n  allowed: {}, or one of together, all, auto",
            unknown.join(", "),
            names.join(", ")
        );
    }
    Ok(Free::Layers(words.iter().filter_map(named).collect()))
}

/// Share of the modulus that a long hold leaves.
fn kept(layer: &Layer) -> f64 {
    1.0 - layer.prony.iter().map(|p| p.g).sum::<f64>()
}

/// The stack with moduli times a factor.
fn times(stack: &Stack, factor: impl Fn(&Layer) -> f64) -> Option<Stack> {
    let layer = |l: &Layer| Layer {
        e_pa: l.e_pa * factor(l),
        ..l.clone()
    };
    Stack::try_new(stack.layers().iter().map(layer).collect()).ok()
}

/// Problems of the numbers, at their lines.
fn place(errors: &[FitError], curves: &[Curve]) -> anyhow::Error {
    let one = |e: &FitError| -> Problem {
        let message = e.to_string();
        match e {
            FitError::Value {
                curve,
                point,
                key,
                value,
                allowed,
            } => {
                let c = &curves[*curve];
                problem(
                    &c.file,
                    c.lines[*point],
                    key,
                    &number(*value),
                    "out of range",
                    allowed,
                    "is the column's unit right?",
                )
            }
            FitError::ComesBack { curve, points } => {
                let c = &curves[*curve];
                let hint = format!(
                    "tissue gives back less on the way out; delete lines {} to {}",
                    c.lines[points.0], c.lines[points.1]
                );
                problem(&c.file, c.lines[points.0], "", "", &message, "", &hint)
            }
            FitError::Falling { curve } => {
                let c = &curves[*curve];
                let hint = "pressing in counts positive, in depth and in force";
                problem(
                    &c.file,
                    c.lines[0],
                    "force_n",
                    "",
                    &message,
                    "a force that rises",
                    hint,
                )
            }
            FitError::TooFew { .. } => {
                let file = curves.first().map_or("log", |c| c.file.as_str());
                problem(
                    file,
                    1,
                    "",
                    "",
                    &message,
                    "",
                    "measure more depths, or free less",
                )
            }
            FitError::Implausible(_) => {
                let file = curves.first().map_or("log", |c| c.file.as_str());
                problem(
                    file,
                    1,
                    "force_n",
                    "",
                    &message,
                    "N",
                    "are force in N and depth in the unit of its column?",
                )
            }
            FitError::Layers(_) => {
                problem("--free", 1, "", "", &message, "each layer at most once", "")
            }
        }
    };
    Problems(errors.iter().map(one).collect()).into()
}

/// All that is told, in the units of its names.
#[derive(Serialize)]
pub struct Sheet {
    /// The start stack.
    pub stack: String,
    pub logs: Vec<LogSheet>,
    pub layers: Vec<LayerSheet>,
    pub goodness: Goodness,
    /// What was sought: a name for each row of `correlation`.
    pub parameters: Vec<String>,
    pub correlation: Vec<Vec<f64>>,
    pub combinations: Vec<CombinationSheet>,
    pub trials: Vec<TrialSheet>,
    pub notes: Vec<String>,
}

#[derive(Serialize)]
pub struct LogSheet {
    pub file: String,
    pub node: String,
    pub rows: usize,
    pub deepest_mm: f64,
    /// Where the tissue begins on the log's scale of depth; null where it was not sought.
    pub touch_mm: Option<[f64; 3]>,
}

#[derive(Serialize)]
pub struct LayerSheet {
    pub layer: String,
    pub thickness_mm: f64,
    pub e_kpa: f64,
    pub low_kpa: f64,
    pub high_kpa: f64,
    /// `together`, `alone` or `held`.
    pub fitted: &'static str,
    pub determined: bool,
    pub share: f64,
}

#[derive(Serialize)]
pub struct Goodness {
    pub rows: usize,
    pub rms_n: f64,
    pub misfit_percent: f64,
    pub degrees_of_freedom: f64,
    pub autocorrelation: f64,
    pub interval_widened: f64,
}

#[derive(Serialize)]
pub struct CombinationSheet {
    /// Of the layers' moduli.
    pub exponents: Vec<f64>,
    /// Up or down; null where nothing is known.
    pub known_to_factor: Option<f64>,
}

#[derive(Serialize)]
pub struct TrialSheet {
    pub freed: String,
    pub rms_n: f64,
    pub p_value: f64,
    pub kept: bool,
}

impl Sheet {
    fn new(args: &Args, start: &Stack, curves: &[Curve], found: &Fit) -> Sheet {
        let names: Vec<&str> = start.layers().iter().map(|l| l.name.as_str()).collect();
        let layers: Vec<LayerSheet> = found
            .layers
            .iter()
            .zip(start.layers())
            .map(|(f, l)| {
                // Back to the instantaneous modulus that files hold.
                let kpa = 1e-3 / if args.relaxed { kept(l) } else { 1.0 };
                LayerSheet {
                    layer: l.name.clone(),
                    thickness_mm: 1e3 * l.thickness_m,
                    e_kpa: kpa * f.e_pa,
                    low_kpa: kpa * f.low_pa,
                    high_kpa: kpa * f.high_pa,
                    fitted: role(f.role),
                    determined: f.determined,
                    share: f.share,
                }
            })
            .collect();
        let touch = |curve: usize| {
            let of = found
                .parameters
                .iter()
                .find(|p| p.kind == ParameterKind::Touch(curve));
            of.map(|p| [p.value, p.low, p.high].map(|m| 1e3 * m))
        };
        let logs = curves.iter().enumerate().map(|(i, c)| LogSheet {
            file: c.file.clone(),
            node: c.node.text.clone(),
            rows: c.points.len(),
            deepest_mm: 1e3 * deepest_m(c),
            touch_mm: touch(i),
        });
        let trials = found.trials.iter().map(|t| TrialSheet {
            freed: match t.kind {
                TrialKind::Layer(l) => format!("{} on its own", names[l]),
                TrialKind::Touch => "touch points".into(),
            },
            rms_n: t.rms_n,
            p_value: t.p_value,
            kept: t.kept,
        });
        let parameters = found.parameters.iter().map(|p| match &p.kind {
            ParameterKind::Modulus(l) => {
                l.iter().map(|&l| names[l]).collect::<Vec<_>>().join(" + ")
            }
            ParameterKind::Touch(c) => format!("touch of curve {}", c + 1),
        });
        Sheet {
            stack: args.stack.display().to_string(),
            logs: logs.collect(),
            goodness: Goodness {
                rows: found.points,
                rms_n: found.rms_n,
                misfit_percent: 100.0 * found.misfit,
                degrees_of_freedom: found.freedom,
                autocorrelation: found.autocorrelation,
                interval_widened: found.redundancy.sqrt(),
            },
            parameters: parameters.collect(),
            correlation: found.correlation.clone(),
            combinations: found
                .combinations
                .iter()
                .map(|c| CombinationSheet {
                    exponents: c.exponents.clone(),
                    known_to_factor: Some(c.factor).filter(|f| f.is_finite()),
                })
                .collect(),
            trials: trials.collect(),
            notes: notes(args, start, curves, found, &layers),
            layers,
        }
    }

    fn print(&self) -> anyhow::Result<()> {
        let mut out = print::out();
        writeln!(
            out,
            "layer,thickness_mm,e_kpa,low_kpa,high_kpa,fitted,determined,share"
        )?;
        for l in &self.layers {
            let sizes = [l.thickness_mm, l.e_kpa, l.low_kpa, l.high_kpa]
                .map(|v| number(significant(v, 4)))
                .join(",");
            let determined = if l.determined { "yes" } else { "no" };
            writeln!(
                out,
                "{},{sizes},{},{determined},{:.3}",
                cell(&l.layer),
                l.fitted,
                l.share
            )?;
        }
        for l in &self.logs {
            if let Some([best, low, high]) = l.touch_mm {
                writeln!(
                    out,
                    "# {}, {}: touch_mm {best:.3}, 95 % {low:.3} to {high:.3}",
                    l.file, l.node
                )?;
            }
        }
        writeln!(out, "# {}", self.verdict())?;
        print::finish(out)
    }

    /// One line about goodness.
    pub fn verdict(&self) -> String {
        let g = &self.goodness;
        let known = self
            .combinations
            .iter()
            .filter(|c| c.known_to_factor.is_some_and(|f| f < 2.0))
            .count();
        format!(
            "rms {} N, misfit {:.1} % of the force, {} rows; the curve knows {known} of {} combinations of moduli",
            number(significant(g.rms_n, 3)),
            g.misfit_percent,
            g.rows,
            self.combinations.len()
        )
    }

    /// A stack file.
    fn toml(&self, start: &Stack) -> String {
        let mut out = format!(
            "# Found by kneadlab fit {} from measured force over depth. Moduli are estimates: beside each stands what holds it.\n\
             # Begun with {}, whose thicknesses, laws, Poisson's ratios and Prony terms are kept.\n",
            env!("CARGO_PKG_VERSION"),
            self.stack.escape_debug()
        );
        for l in &self.logs {
            out += &format!(
                "# Data: {}, {}, {} rows to {} mm.\n",
                l.file.escape_debug(),
                l.node,
                l.rows,
                number(l.deepest_mm)
            );
        }
        out += &format!("# Goodness: {}.\nname = \"fitted\"\n", self.verdict());
        for (found, layer) in self.layers.iter().zip(start.layers()) {
            out += &format!("\n[[layer]]\nname = {}\n", quoted(&layer.name));
            out += &format!("thickness_mm = {}\n", number(1e3 * layer.thickness_m));
            let model = match layer.law {
                Law::Linear => "linear",
                Law::NeoHookean => "neo-hookean",
                Law::Ogden { .. } => "ogden",
            };
            out += &format!("model = \"{model}\"\n");
            out += &format!(
                "e_kpa = {}   # {}\n",
                number(significant(found.e_kpa, 4)),
                found.grounds()
            );
            out += &format!("nu = {}\n", number(layer.nu));
            if let Law::Ogden { alpha } = layer.law {
                out += &format!("alpha = {}\n", number(alpha));
            }
            if !layer.prony.is_empty() {
                let terms = layer
                    .prony
                    .iter()
                    .map(|p| format!("{{ g = {}, tau_s = {} }}", number(p.g), number(p.tau_s)));
                out += &format!("prony = [{}]\n", terms.collect::<Vec<_>>().join(", "));
            }
        }
        out
    }
}

impl LayerSheet {
    /// What holds a modulus.
    pub fn grounds(&self) -> String {
        let interval = format!(
            "{} to {} (95 %)",
            number(significant(self.low_kpa, 3)),
            number(significant(self.high_kpa, 3))
        );
        match (self.fitted, self.determined) {
            ("held", _) => "held at the start stack's value".into(),
            (_, false) => format!("NOT DETERMINED by the data: {interval}"),
            ("alone", _) => format!("estimate, fitted on its own: {interval}"),
            _ => format!("estimate, one scale with the others, ratios kept: {interval}"),
        }
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Together => "together",
        Role::Alone => "alone",
        Role::Held => "held",
    }
}

/// What a careful reader would want to know.
fn notes(
    args: &Args,
    start: &Stack,
    curves: &[Curve],
    found: &Fit,
    layers: &[LayerSheet],
) -> Vec<String> {
    let mut notes = Vec::new();
    if unexplained(found) > MISFIT_MAX {
        notes.push(format!(
            "this stack does not explain these curves: the misfit is {:.0} % of the force; look at thicknesses, node and units first",
            100.0 * unexplained(found)
        ));
    }
    notes.extend(unit_note(start, layers));
    if let Some(hint) = &found.touch_hint {
        for (c, touch_m) in curves.iter().zip(&hint.touch_m) {
            let way = if *touch_m < 0.0 { "earlier" } else { "later" };
            notes.push(format!(
                "{}, {}: a touch point {:.2} mm {way} would explain it better (rms {} N instead of {}); try --free-touch",
                c.file,
                c.node.text,
                1e3 * touch_m.abs(),
                number(significant(hint.rms_n, 3)),
                number(significant(found.rms_n, 3))
            ));
        }
    }
    let freed = found
        .trials
        .iter()
        .find(|t| matches!(t.kind, TrialKind::Layer(_)) && !t.kept && t.p_value < 0.01);
    if let (
        Some(Trial {
            kind: TrialKind::Layer(l),
            rms_n,
            ..
        }),
        Some(_),
    ) = (freed, &found.touch_hint)
    {
        notes.push(format!(
            "{} on its own would explain as much (rms {} N): these curves cannot tell it from a wrong touch point, so it was not freed",
            layers[*l].layer,
            number(significant(*rms_n, 3))
        ));
    }
    let loose: Vec<&str> = layers
        .iter()
        .filter(|l| !l.determined)
        .map(|l| l.layer.as_str())
        .collect();
    if !loose.is_empty() {
        notes.push(format!(
            "the data do not determine {} (an interval that spans a factor of 10 or meets the end of the search): free less, or measure with a smaller and a larger node",
            loose.join(", ")
        ));
    }
    let scaled: Vec<&str> = layers
        .iter()
        .filter(|l| l.fitted == "together")
        .map(|l| l.layer.as_str())
        .collect();
    if scaled.len() > 1 {
        notes.push(format!(
            "one scale was fitted to {}: their ratios are the start stack's and were not measured",
            scaled.join(", ")
        ));
        if found.combinations.iter().all(|c| c.is_known()) {
            notes.push("the curves could tell every layer, but the simpler fit is as close as the force law itself; --free all shows them".into());
        }
    }
    if found.redundancy > 1.0 {
        notes.push(format!(
            "residuals follow each other (autocorrelation {:.2}): the curve's shape is not quite the model's; intervals are widened {:.1} times",
            found.autocorrelation,
            found.redundancy.sqrt()
        ));
    }
    for c in curves {
        let share = deepest_m(c) / start.thickness_m();
        let over_tip = deepest_m(c) > c.node.shape.tip_radius_m();
        if share > 0.4 || over_tip {
            let what = if share > 0.4 {
                "0.4 of the thickness"
            } else {
                "the node's radius"
            };
            notes.push(format!(
                "{}, {}: goes deeper than {what}, where the force law is an estimate",
                c.file, c.node.text
            ));
        }
    }
    if args.relaxed {
        notes.push("moduli are instantaneous ones, from a press taken as fully relaxed".into());
    }
    notes.push("intervals are of the measured scatter alone; the force law's own error (some 2 % in the median) and wrong thicknesses come on top".into());
    notes
}

/// Root mean square of what is left over that of the force, of the worst curve, whatever the weights were.
fn unexplained(found: &Fit) -> f64 {
    let share = |c: &FittedCurve| {
        let sum =
            |f: &dyn Fn(&FittedPoint) -> f64| c.points.iter().map(|p| f(p).powi(2)).sum::<f64>();
        (sum(&|p| p.force_n - p.model_n) / sum(&|p| p.force_n)).sqrt()
    };
    found.curves.iter().map(share).fold(0.0, f64::max)
}

/// Moduli far from where the search began are more often a wrong unit than odd tissue.
fn unit_note(start: &Stack, layers: &[LayerSheet]) -> Option<String> {
    const UNITS: [(f64, &str); 5] = [
        (101.97, "gram-force"),
        (1000.0, "mN"),
        (1.0 / 9.806_65, "kgf"),
        (1.0 / 4.448_222, "lbf"),
        (1e-3, "kN"),
    ];
    let free: Vec<f64> = layers
        .iter()
        .zip(start.layers())
        .filter(|(f, _)| f.fitted != "held")
        .map(|(f, l)| (1e3 * f.e_kpa / l.e_pa).ln())
        .collect();
    let factor = (free.iter().sum::<f64>() / free.len().max(1) as f64).exp();
    let strange = layers
        .iter()
        .any(|l| l.fitted != "held" && !(0.05..=1e4).contains(&l.e_kpa));
    if !strange && (0.2..=5.0).contains(&factor) {
        return None;
    }
    let unit = UNITS.iter().find(|u| (factor / u.0).ln().abs() < 0.4);
    let guess = match unit {
        Some((_, unit)) => format!("; so it would be if the force were in {unit} and not in N"),
        None => "; check that force is in N, and depth in the unit of its column".into(),
    };
    Some(format!(
        "the moduli come out at {} times the start stack's{guess}",
        number(significant(factor, 2))
    ))
}

fn deepest_m(curve: &Curve) -> f64 {
    curve.points.iter().map(|p| p.depth_m).fold(0.0, f64::max)
}

/// To so many significant digits.
pub fn significant(value: f64, digits: i32) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let decimals = digits - 1 - value.abs().log10().floor() as i32;
    // Through text, so that 4.47 stays 4.47.
    if decimals >= 0 {
        format!("{value:.*}", decimals as usize)
            .parse()
            .unwrap_or(value)
    } else {
        let unit = 10f64.powi(-decimals);
        (value / unit).round() * unit
    }
}

/// A cell of CSV.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The last part of a path, for a legend.
pub fn file_name(file: &str) -> &str {
    Path::new(file)
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_significant_ones() {
        for (value, digits, rounded) in [
            (4.4712, 3, 4.47),
            (123_456.0, 3, 123_000.0),
            (0.001_234_6, 4, 0.001_235),
            (0.0, 3, 0.0),
        ] {
            assert_eq!(significant(value, digits), rounded);
        }
    }
}
