//! `kneadlab indent`: static indentation of a flat bonded stack, a virtual durometer.

use crate::print::{self, number};
use crate::talk::Outcome;
use anyhow::bail;
use clap::ValueEnum;
use scene::load_stack;
use std::io::Write;
use std::path::PathBuf;
use tissue::{Durometer, Indenter, Layer, Stack};

/// What is pressed into what.
#[derive(clap::Args)]
pub struct Args {
    /// A stack file, skin first (or builtin:paraspinal)
    stack: PathBuf,
    /// sphere:R, flat:R, roller:R,LENGTH,FILLET, ellipsoid:AX,AY,AZ, torus:MAJOR,MINOR or paraboloid:R, in mm
    #[arg(long, value_name = "SHAPE", value_parser = node)]
    node: Indenter,
    /// Travel from first touch, a list
    #[arg(long, value_name = "MM,...", value_delimiter = ',', required = true, value_parser = positive)]
    depth_mm: Vec<f64>,
    /// Edge of the cells; by default at least 12 lie across the patch
    #[arg(long, value_name = "MM", value_parser = positive)]
    cell_mm: Option<f64>,
    /// Tilt of the node about the travel axis z
    #[arg(long, value_name = "DEG", default_value_t = 0.0, allow_negative_numbers = true, value_parser = tilt)]
    tilt_deg: f64,
    /// Print pressure along a line through the centre instead
    #[arg(long)]
    profile: bool,
    /// The line of --profile
    #[arg(long, value_enum, default_value_t = Along::X)]
    along: Along,
    /// Relaxed moduli: e (1 - sum g)
    #[arg(long)]
    relaxed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Along {
    X,
    Z,
}

/// Cells along an edge that a patch may need; beyond it takes minutes and gigabytes.
const CELLS_MAX: f64 = 240.0;

/// Prints CSV.
pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let stack = load_stack(&args.stack)?;
    let thickness_mm = 1e3 * stack.thickness_m();
    let problems: Vec<String> = args
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
    if !problems.is_empty() {
        bail!(
            "the node would touch bone{}\n  hint: press less, or give a thicker stack",
            problems.concat()
        );
    }
    if let Some(cell_mm) = args.cell_mm {
        let deepest_mm = args.depth_mm.iter().copied().fold(0.0, f64::max);
        let width_mm = 2.0 * half_width_mm(&args.node, deepest_mm);
        if width_mm / cell_mm > CELLS_MAX {
            bail!(
                "cell_mm = {cell_mm}: too fine for a patch of about {} mm\n  allowed: at least {}",
                number(width_mm),
                number(width_mm / CELLS_MAX)
            );
        }
    }
    let stack = if args.relaxed {
        relaxed(&stack)?
    } else {
        stack
    };
    let mut durometer = Durometer::new(stack, args.node).with_tilt_rad(args.tilt_deg.to_radians());
    if let Some(cell_mm) = args.cell_mm {
        durometer = durometer.with_cell_m(1e-3 * cell_mm);
    }

    let mut out = print::out();
    if args.profile {
        writeln!(out, "depth_mm,r_mm,p_kpa")?;
        for &depth_mm in &args.depth_mm {
            for (r_m, p_pa) in durometer.profile(1e-3 * depth_mm, args.along == Along::Z) {
                writeln!(
                    out,
                    "{depth_mm},{},{}",
                    number(1e3 * r_m),
                    number(1e-3 * p_pa)
                )?;
            }
        }
    } else {
        writeln!(
            out,
            "depth_mm,force_n,contact_radius_mm,area_mm2,peak_kpa,mean_kpa"
        )?;
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
            }
        }
    }
    print::finish(out)?;
    Ok(Outcome::Good)
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

/// Half width of the patch at most, mm.
fn half_width_mm(node: &Indenter, depth_mm: f64) -> f64 {
    let arc = |radius_m: f64| (2.0 * 1e3 * radius_m * depth_mm).sqrt();
    match *node {
        Indenter::Sphere { radius_m } | Indenter::Paraboloid { radius_m } => arc(radius_m),
        Indenter::Flat { radius_m } => 1e3 * radius_m,
        Indenter::Ellipsoid {
            semi_axes_m: [a, _, c],
        } => 1e3 * a.max(c),
        Indenter::Roller {
            radius_m, length_m, ..
        } => (500.0 * length_m).max(arc(radius_m)),
        Indenter::Torus { major_m, minor_m } => arc(major_m + minor_m),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(v) if v > 0.0 && v <= 1e4 => Ok(v),
        Ok(_) => Err("allowed: above 0, at most 10000".into()),
        Err(_) => Err("this is no number".into()),
    }
}

fn tilt(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(v) if v.abs() <= 45.0 => Ok(v),
        Ok(_) => Err("allowed: -45 to 45".into()),
        Err(_) => Err("this is no number".into()),
    }
}

/// `sphere:25` and its relatives, mm.
pub fn node(text: &str) -> Result<Indenter, String> {
    let (shape, sizes) = text
        .split_once(':')
        .ok_or("write SHAPE:SIZES, such as sphere:25")?;
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
        _ => Err("known shapes: sphere, flat, roller, ellipsoid, torus, paraboloid".into()),
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
