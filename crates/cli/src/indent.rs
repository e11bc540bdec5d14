//! `kneadlab indent`: indentation of a flat bonded stack, a virtual durometer.

use crate::print::{self, number};
use crate::talk::{Outcome, say};
use anyhow::bail;
use clap::ValueEnum;
use scene::{load_node_mesh, load_stack};
use std::io::Write;
use std::path::{Path, PathBuf};
use tissue::{Creep, Durometer, Indenter, Layer, Motion, Stack};

/// What is pressed into what.
#[derive(clap::Args)]
pub struct Args {
    /// A stack file, skin first (or builtin:paraspinal)
    stack: PathBuf,
    /// sphere:R, flat:R, roller:R,LENGTH,FILLET, ellipsoid:AX,AY,AZ, torus:MAJOR,MINOR or paraboloid:R, in mm; mesh:FILE,UNIT is an STL,
    /// OBJ or GLB in mm, cm, m or inch, whose y goes into the skin
    #[arg(long, value_name = "SHAPE", value_parser = node)]
    node: Indenter,
    /// Travel from first touch, a list; each is an indentation of its own
    #[arg(long, value_name = "MM,...", value_delimiter = ',', required = true, allow_negative_numbers = true, value_parser = positive)]
    depth_mm: Vec<f64>,
    /// Edge of the cells; by default some 2000 lie in the patch, some 50 across it
    #[arg(long, value_name = "MM", allow_negative_numbers = true, value_parser = positive)]
    cell_mm: Option<f64>,
    /// Tilt of the node about the travel axis z: its +x end goes in first
    #[arg(long, value_name = "DEG", default_value_t = 0.0, allow_negative_numbers = true, value_parser = tilt)]
    tilt_deg: f64,
    /// Turn of the node, after the tilt, about the surface normal: from z towards x
    #[arg(long, value_name = "DEG", default_value_t = 0.0, allow_negative_numbers = true, value_parser = turn)]
    turn_deg: f64,
    /// Print pressure along a line through the centre instead
    #[arg(long, conflicts_with_all = ["pair_mm", "ramp_s", "hold_s", "sine_hz"])]
    profile: bool,
    /// The line of --profile
    #[arg(long, value_enum, default_value_t = Along::X)]
    along: Along,
    /// Print the force of one of two such nodes instead, this far apart along x, and what it would be alone
    #[arg(long, value_name = "MM", allow_negative_numbers = true, value_parser = positive, conflicts_with_all = ["ramp_s", "hold_s", "sine_hz"])]
    pair_mm: Option<f64>,
    /// Print force in time instead: in at a steady rate for so long (0 is a jump), then --hold-s
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = duration, conflicts_with = "sine_hz")]
    ramp_s: Option<f64>,
    /// Print force in time instead: held for so long after --ramp-s
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = duration, conflicts_with = "sine_hz")]
    hold_s: Option<f64>,
    /// Print force in time instead: in and out in half a period of a sine of this frequency
    #[arg(long, value_name = "HZ", allow_negative_numbers = true, value_parser = frequency)]
    sine_hz: Option<f64>,
    /// Relaxed moduli: e (1 - sum g)
    #[arg(long, conflicts_with_all = ["ramp_s", "hold_s", "sine_hz"])]
    relaxed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Along {
    X,
    Z,
}

/// Cells across that a window may need; beyond it takes minutes and gigabytes.
const CELLS_MAX: f64 = 240.0;

/// The same for a motion, which is solved some hundred times.
const CELLS_MAX_IN_TIME: f64 = 80.0;

/// Prints CSV.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let stack = load_stack(&args.stack)?;
    let stack = if args.relaxed {
        relaxed(&stack)?
    } else {
        stack
    };
    let mut durometer = Durometer::new(stack.clone(), args.node.clone())
        .with_tilt_rad(args.tilt_deg.to_radians())
        .with_turn_rad(args.turn_deg.to_radians());
    if let Some(cell_mm) = args.cell_mm {
        durometer = durometer.with_cell_m(1e-3 * cell_mm);
    }
    let problems = problems(args, &stack, &durometer);
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }

    warn_beyond(&beyond(&args.depth_mm, &args.node, &durometer));

    let mut out = print::out();
    if args.profile {
        profile(args, &durometer, &mut out)?;
    } else if let Some(pair_mm) = args.pair_mm {
        pair(args, &durometer, pair_mm, &mut out)?;
    } else if args.is_in_time() {
        in_time(args, &stack, &durometer, &mut out)?;
    } else {
        at_rest(args, &durometer, &mut out)?;
    }
    print::finish(out)?;
    Ok(Outcome::Good)
}

fn at_rest(args: &Args, durometer: &Durometer, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "depth_mm,force_n,contact_radius_mm,area_mm2,peak_kpa,mean_kpa"
    )?;
    let mut coarse = Vec::new();
    for &depth_mm in &args.depth_mm {
        for i in durometer.indent(&[1e-3 * depth_mm]) {
            let row = [
                i.force_n,
                1e3 * i.contact_radius_m(),
                1e6 * i.area_m2,
                1e-3 * i.peak_pa,
                1e-3 * i.mean_pa(),
            ];
            writeln!(out, "{depth_mm},{}", row.map(number).join(","))?;
            if i.cells < CELLS_FEW {
                coarse.push(format!("{depth_mm} mm: {}", i.cells));
            }
        }
    }
    if !coarse.is_empty() {
        say(format_args!(
            "warning: few cells in contact ({}); force is good to 3 % with {CELLS_FEW}, radius and peak are coarser\n  \
             hint: a smaller --cell-mm, or none",
            coarse.join(", ")
        ));
    }
    Ok(())
}

/// Cells in contact below which a patch is a rough guess: 8 across.
const CELLS_FEW: usize = 50;

fn profile(args: &Args, durometer: &Durometer, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "depth_mm,r_mm,p_kpa")?;
    for &depth_mm in &args.depth_mm {
        for (r_m, p_pa) in durometer.profile(1e-3 * depth_mm, args.along == Along::Z) {
            let row = [1e3 * r_m, 1e-3 * p_pa].map(number).join(",");
            writeln!(out, "{depth_mm},{row}")?;
        }
    }
    Ok(())
}

fn pair(
    args: &Args,
    durometer: &Durometer,
    pair_mm: f64,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    writeln!(out, "depth_mm,force_n,force_isolated_n")?;
    for &depth_mm in &args.depth_mm {
        let found = durometer.pair(1e-3 * depth_mm, 1e-3 * pair_mm);
        let row = [found.force_n, found.force_isolated_n]
            .map(number)
            .join(",");
        writeln!(out, "{depth_mm},{row}")?;
    }
    Ok(())
}

fn in_time(
    args: &Args,
    stack: &Stack,
    durometer: &Durometer,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match Creep::of(stack) {
        None => say("note: no layer of this stack has a prony series; force follows depth at once"),
        Some(creep) if creep.misfit() > 0.0 => say(format_args!(
            "note: the layers relax differently; one series stands for all, within {:.1} % of the stack's creep",
            100.0 * creep.misfit()
        )),
        Some(_) => {}
    }
    writeln!(out, "t_s,depth_mm,force_n")?;
    for &depth_mm in &args.depth_mm {
        for m in durometer.follow(&args.motion(1e-3 * depth_mm)) {
            let row = [m.t_s, 1e3 * m.depth_m, m.force_n].map(number).join(",");
            writeln!(out, "{row}")?;
        }
    }
    Ok(())
}

impl Args {
    fn is_in_time(&self) -> bool {
        self.ramp_s.is_some() || self.hold_s.is_some() || self.sine_hz.is_some()
    }

    fn motion(&self, depth_m: f64) -> Motion {
        match self.sine_hz {
            Some(hz) => Motion::HalfSine { depth_m, hz },
            None => Motion::RampHold {
                depth_m,
                ramp_s: self.ramp_s.unwrap_or(0.0),
                hold_s: self.hold_s.unwrap_or(0.0),
            },
        }
    }
}

/// Depths at which the answer is no longer what a test holds, with the reason, each depth once.
fn beyond(
    depths_mm: &[f64],
    node: &Indenter,
    durometer: &Durometer,
) -> Vec<(&'static str, Vec<f64>)> {
    let radius_m = node.law_radius_m();
    let law = durometer.stiffening();
    let mut found: Vec<(&str, Vec<f64>)> = Vec::new();
    for &depth_mm in depths_mm {
        if let Some(bound) = law.beyond(1e-3 * depth_mm, radius_m) {
            let reason = bound.meaning();
            match found.iter_mut().find(|f| f.0 == reason) {
                Some((_, depths)) => depths.push(depth_mm),
                None => found.push((reason, vec![depth_mm])),
            }
        }
    }
    found
}

fn warn_beyond(found: &[(&'static str, Vec<f64>)]) {
    if found.is_empty() {
        return;
    }
    let lines: Vec<String> = found
        .iter()
        .map(|(reason, depths)| {
            let depths: Vec<String> = depths.iter().map(f64::to_string).collect();
            format!("\n  {} mm: {reason}", depths.join(", "))
        })
        .collect();
    say(format_args!(
        "warning: deeper than what is validated{}\n  hint: how far off it may be: crates/tissue/VALIDITY.md",
        lines.concat()
    ));
}

/// What cannot be pressed so, every reason.
fn problems(args: &Args, stack: &Stack, durometer: &Durometer) -> Vec<String> {
    let mut problems = Vec::new();
    let thickness_mm = 1e3 * stack.thickness_m();
    let too_deep: Vec<String> = args
        .depth_mm
        .iter()
        .filter(|&&depth_mm| depth_mm > 0.9 * thickness_mm)
        .map(|depth_mm| {
            format!(
                "\n  depth_mm = {depth_mm}: allowed: at most 0.9 of the stack's {} mm",
                number(thickness_mm)
            )
        })
        .collect();
    if !too_deep.is_empty() {
        problems.push(format!(
            "the node would touch bone{}\n  hint: press less, or give a thicker stack",
            too_deep.concat()
        ));
    }
    if let Some(cell_mm) = args.cell_mm {
        let deepest_mm = args.depth_mm.iter().copied().fold(0.0, f64::max);
        let patch_mm = 2e3 * durometer.half_width_m(1e-3 * deepest_mm);
        // Nodes that stand well apart have a window each.
        let width_mm = match args.pair_mm {
            Some(pair_mm) if pair_mm < 2.0 * patch_mm => patch_mm + pair_mm,
            _ => patch_mm,
        };
        let cells_max = if args.is_in_time() {
            CELLS_MAX_IN_TIME
        } else {
            CELLS_MAX
        };
        if width_mm / cell_mm > cells_max {
            problems.push(format!(
                "cell_mm = {cell_mm}: too fine for a patch of about {} mm: {} cells across\n  allowed: at least {}",
                number(width_mm),
                number((width_mm / cell_mm).ceil()),
                number((1e3 * width_mm / cells_max).ceil() / 1e3)
            ));
        }
    }
    if args.is_in_time() && args.sine_hz.is_none() {
        let [ramp_s, hold_s] = [args.ramp_s, args.hold_s].map(Option::unwrap_or_default);
        if ramp_s + hold_s <= 0.0 {
            problems.push(
                "ramp_s and hold_s are both 0: nothing happens in no time\n  hint: --ramp-s 0.1 --hold-s 10".into(),
            );
        }
    }
    problems
}

/// The stack after a long hold.
fn relaxed(stack: &Stack) -> anyhow::Result<Stack> {
    let layer = |l: &Layer| {
        let lost: f64 = l.prony.iter().map(|p| p.g).sum();
        Layer {
            e_pa: l.e_pa * (1.0 - lost),
            prony: Vec::new(),
            ..l.clone()
        }
    };
    match Stack::try_new(stack.layers().iter().map(layer).collect()) {
        Ok(stack) => Ok(stack),
        Err(errors) => bail!(
            "relaxed: {}",
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(v) if v > 0.0 && v <= 1e4 => Ok(v),
        Ok(_) => Err("allowed: above 0, at most 10000".into()),
        Err(_) => Err("this is no number".into()),
    }
}

fn duration(text: &str) -> Result<f64, String> {
    within(text, 0.0, 1e6, "0 to 1000000 s")
}

fn frequency(text: &str) -> Result<f64, String> {
    within(text, 1e-5, 1e4, "0.00001 to 10000 Hz")
}

fn tilt(text: &str) -> Result<f64, String> {
    within(text, -45.0, 45.0, "-45 to 45")
}

fn turn(text: &str) -> Result<f64, String> {
    within(text, -180.0, 180.0, "-180 to 180")
}

fn within(text: &str, low: f64, high: f64, allowed: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(v) if (low..=high).contains(&v) => Ok(v),
        Ok(_) => Err(format!("allowed: {allowed}")),
        Err(_) => Err("this is no number".into()),
    }
}

/// `sphere:25` and its relatives, mm.
pub fn node(text: &str) -> Result<Indenter, String> {
    let (shape, sizes) = text
        .split_once(':')
        .ok_or("write SHAPE:SIZES, such as sphere:25")?;
    if shape == "mesh" {
        return mesh(sizes);
    }
    let sizes = sizes
        .split(',')
        .map(positive)
        .collect::<Result<Vec<f64>, _>>()?;
    let m: Vec<f64> = sizes.iter().map(|mm| 1e-3 * mm).collect();
    match (shape, m.as_slice()) {
        ("sphere", &[radius_m]) => Ok(Indenter::Sphere { radius_m }),
        ("flat", &[radius_m]) => Ok(Indenter::Flat { radius_m }),
        ("paraboloid", &[radius_m]) => Ok(Indenter::Paraboloid { radius_m }),
        ("ellipsoid", &[a, b, c]) => Ok(Indenter::Ellipsoid {
            semi_axes_m: [a, b, c],
        }),
        ("roller", &[radius_m, length_m, fillet_m])
            if fillet_m <= radius_m && 2.0 * fillet_m <= length_m =>
        {
            Ok(Indenter::Roller {
                radius_m,
                length_m,
                fillet_m,
            })
        }
        ("roller", [_, _, _]) => Err("the fillet is at most the radius and half the length".into()),
        ("torus", &[major_m, minor_m]) => Ok(Indenter::Torus { major_m, minor_m }),
        ("sphere" | "flat" | "paraboloid", _) => Err(format!("{shape} takes one size, its radius")),
        ("ellipsoid", _) => Err("ellipsoid takes three semi-axes: AX,AY,AZ".into()),
        ("roller", _) => Err("roller takes three sizes: R,LENGTH,FILLET".into()),
        ("torus", _) => Err("torus takes two sizes: MAJOR,MINOR".into()),
        _ => Err("known shapes: sphere, flat, roller, ellipsoid, torus, paraboloid, mesh".into()),
    }
}

/// `node.stl,mm`.
fn mesh(text: &str) -> Result<Indenter, String> {
    let (file, unit) = text
        .rsplit_once(',')
        .ok_or("mesh takes a file and its unit: mesh:node.stl,mm")?;
    match load_node_mesh(Path::new(file), unit, [0.0; 3]) {
        Ok(loaded) => {
            for w in loaded.warnings {
                say(format_args!(
                    "warning: {file}: {}\n  hint: {}",
                    w.message, w.hint
                ));
            }
            Ok(Indenter::Mesh(loaded.mesh))
        }
        Err(errors) => {
            let lines = errors
                .iter()
                .map(|(message, hint)| format!("{message}; {hint}"));
            Err(lines.collect::<Vec<_>>().join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_in_mm() {
        assert_eq!(node("sphere:25"), Ok(Indenter::Sphere { radius_m: 0.025 }));
        assert_eq!(
            node("ellipsoid:20,15,12"),
            Ok(Indenter::Ellipsoid {
                semi_axes_m: [0.02, 0.015, 0.012]
            })
        );
        assert_eq!(
            node("torus:20,5"),
            Ok(Indenter::Torus {
                major_m: 0.02,
                minor_m: 0.005
            })
        );
        for wrong in [
            "sphere",
            "sphere:",
            "sphere:-1",
            "sphere:1,2",
            "cube:3",
            "roller:10,40,11",
            "flat:nan",
            "roller:10,12,7",
        ] {
            assert!(node(wrong).is_err(), "{wrong}");
        }
    }
}
