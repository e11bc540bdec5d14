//! Promise: the contact agrees with the published and computed solutions in `tests/reference/` (its README says what
//! each set is and how good it is itself).
//!
//! The tolerances are those the project has promised where it meets them, else what was measured plus about a third,
//! and then the comment says so. Every test prints what it found (`cargo test -- --nocapture val_`).

use crate::csv::{Row, Table, reference};
use nalgebra::Vector3;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use tissue::{
    Creep, Durometer, Effort, Ground, Indentation, Indenter, KernelBasis, Law, Layer, Patch,
    PronyTerm, Stack, Stiffening,
};

/// Set 1: spheres and paraboloids on one bonded layer. Hayes, Keer, Herrmann & Mockros 1972; the reference itself is
/// exact to 1e-13. Force is promised to 2 %; rows with less than 4 mm of contact radius are left out, because there
/// is less tissue under the node than a model of layers is for.
#[test]
fn val_bonded_layer_meets_hayes() {
    let mut found = [Errors::new("force"), Errors::new("radius")];
    for row in Table::read("1_hayes_bonded_layer/sphere_absolute.csv").rows() {
        if row.number("a_contact_[mm]") < 4.0 {
            continue;
        }
        let stack = bonded(
            row.number("h_[mm]"),
            row.number("E_[kPa]"),
            row.number("nu_[-]"),
        );
        let radius_m = row.number("R_[mm]") * 1e-3;
        let node = match row.text("indenter") {
            "exact_sphere" => Indenter::Sphere { radius_m },
            _ => Indenter::Paraboloid { radius_m },
        };
        let name = format!(
            "{} {} a {}",
            row.text("case"),
            row.text("indenter"),
            row.text("a_contact_[mm]")
        );
        let answer = one(
            &quick(Durometer::new(stack, node)),
            row.number("depth_[mm]"),
        );
        found[0].add(&name, answer.force_n, row.number("force_[N]"));
        found[1].add(
            &name,
            answer.contact_radius_m() * 1e3,
            row.number("a_contact_[mm]"),
        );
    }
    found[0].worst_below(0.02);
    found[1].worst_below(0.04);
}

/// Set 1 without dimensions: `F = 2 E* a depth kappa`, for a flat punch (force) and for a paraboloid (force, and the
/// radius through `chi = depth R / a^2`), for Poisson's ratios from 0.3 to 0.5 and contacts up to twice the thickness.
#[test]
fn val_kappa_meets_hayes() {
    let mut found = [
        Errors::new("flat punch"),
        Errors::new("sphere"),
        Errors::new("sphere's radius"),
    ];
    let thickness_mm = 20.0;
    for row in Table::read("1_hayes_bonded_layer/kappa_flat_and_sphere.csv").rows() {
        let (nu, a_over_h) = (row.number("nu_[-]"), row.number("a_over_h_[-]"));
        let stack = bonded(thickness_mm, 20.0, nu);
        let radius_m = a_over_h * thickness_mm * 1e-3;
        // E* = E / (1 - nu^2).
        let scale = |depth_m: f64| 2.0 * 20e3 / (1.0 - nu * nu) * radius_m * depth_m;
        let name = format!("nu {nu} a/h {a_over_h}");

        let flat = one(
            &quick(Durometer::new(stack.clone(), Indenter::Flat { radius_m })),
            1.0,
        );
        found[0].add(
            &name,
            flat.force_n / scale(1e-3),
            row.number("kappa_flat_[-]"),
        );

        // Small against its radius, so that sphere and paraboloid are one.
        let tip_m = 0.4;
        let depth_m = row.number("chi_sphere_[-]") * radius_m * radius_m / tip_m;
        let round = one(
            &quick(Durometer::new(
                stack,
                Indenter::Paraboloid { radius_m: tip_m },
            )),
            depth_m * 1e3,
        );
        found[1].add(
            &name,
            round.force_n / scale(depth_m),
            row.number("kappa_sphere_[-]"),
        );
        found[2].add(&name, round.contact_radius_m(), radius_m);
    }
    // A flat punch has infinite pressure at its rim, and its circle is made of square cells: no wonder would be 5 %.
    found[0].worst_below(0.02);
    found[1].worst_below(0.02);
    found[2].worst_below(0.04);
}

/// Set 2: a sphere on skin, fat and muscle, small strain; the reference is better than 1e-6. Force is promised to 2 %,
/// radius to 4 %, peak to 5 %: all rows on a quick grid, which is too coarse for the peak of a ring of stiff skin.
#[test]
fn val_layered_stack_meets_exact_compliance() {
    let mut found = [
        Errors::new("force"),
        Errors::new("radius"),
        Errors::new("peak"),
    ];
    layered(4.0, 1, quick, &mut found);
    found[0].worst_below(0.02);
    found[1].worst_below(0.04);
    found[2].median_below(0.02);
}

/// The same on the grid that `indent` takes by itself, where the peak is met too: every sixth row, for time's sake.
#[test]
fn val_layered_peak_on_the_automatic_grid() {
    let mut found = [
        Errors::new("force"),
        Errors::new("radius"),
        Errors::new("peak"),
    ];
    layered(4.0, 6, |d| d, &mut found);
    found[0].worst_below(0.02);
    found[1].worst_below(0.04);
    found[2].worst_below(0.05);
}

/// The same on the cells of a run, 2 mm, where a contact has at least 8 mm radius: 50 cells.
#[test]
fn val_layered_stack_on_2_mm_cells() {
    let mut found = [
        Errors::new("force"),
        Errors::new("radius"),
        Errors::new("peak"),
    ];
    layered(8.0, 1, |d| d.with_cell_m(0.002), &mut found);
    found[0].worst_below(0.03);
    found[1].worst_below(0.10);
}

/// 300 cells in contact instead of 2000: a tenth of the time, and force and radius are as good as here asked.
fn quick(durometer: Durometer) -> Durometer {
    durometer.with_cells(300.0)
}

fn layered(
    radius_min_mm: f64,
    every: usize,
    on_cells: impl Fn(Durometer) -> Durometer,
    found: &mut [Errors; 3],
) {
    let stacks = json("2_layered_linear_sphere/stacks.json");
    let table = Table::read("2_layered_linear_sphere/force_depth.csv");
    let large = |r: &Row<'_>| r.number("a_contact_[mm]") >= radius_min_mm;
    for row in table.rows().filter(large).step_by(every) {
        let (case, depth_mm) = (row.text("case"), row.number("depth_[mm]"));
        let node = Indenter::Sphere {
            radius_m: row.number("R_[mm]") * 1e-3,
        };
        let answer = one(
            &on_cells(Durometer::new(stack_of(&stacks[case]), node)),
            depth_mm,
        );
        let name = format!("{case} R {} depth {depth_mm}", row.text("R_[mm]"));
        found[0].add(&name, answer.force_n, row.number("force_[N]"));
        found[1].add(
            &name,
            answer.contact_radius_m() * 1e3,
            row.number("a_contact_[mm]"),
        );
        found[2].add(&name, answer.peak_pa * 1e-3, row.number("p_max_[kPa]"));
    }
}

/// Set 3: spheres on finite-strain stacks (FEM; its force is good to 0.5 %), to depth / thickness 0.4 and depth <= R.
///
/// The promise: median 2 %, worst 5 % of force to 0.3 and 8 % to 0.4; radius 8 %; peak pressure median 5 %, worst 15 % to 0.3 and
/// 20 % to 0.4. The law is not fitted to this set or any other: it is the stack's own small finite-element solution.
#[test]
fn val_finite_strain_meets_fem() {
    finite_strain("3_finite_strain_sphere", 4.0, 1.0);
}

/// Set 7: the same on stacks drawn at random, light contact included. On cases never seen the promise is one and a half times as
/// wide.
#[test]
fn val_finite_strain_meets_fem_on_random_stacks() {
    finite_strain("7_finite_strain_more", 0.0, 1.5);
}

fn finite_strain(set: &str, radius_min_mm: f64, wider: f64) {
    let cases = json(&format!("{set}/cases.json"));
    let mut force = [
        "force to depth/T 0.1",
        "force to depth/T 0.2",
        "force to depth/T 0.3",
        "force to depth/T 0.4",
    ]
    .map(Errors::new);
    let mut radius = Errors::new("radius");
    let mut peak = [
        Errors::new("peak to depth/T 0.3"),
        Errors::new("peak to depth/T 0.4"),
    ];
    let mut durometers = BTreeMap::new();
    for row in Table::read(&format!("{set}/force_depth.csv")).rows() {
        let (case, depth_mm, radius_mm) = (
            row.text("case"),
            row.number("depth_[mm]"),
            row.number("R_[mm]"),
        );
        let eta = depth_mm / row.number("thickness_[mm]");
        let deep = eta > 0.4 + 1e-3 || depth_mm > radius_mm;
        if deep || row.number("a_contact_[mm]") < radius_min_mm {
            continue;
        }
        let node = Indenter::Sphere {
            radius_m: radius_mm * 1e-3,
        };
        let durometer = durometers
            .entry(case.to_string())
            .or_insert_with(|| quick(Durometer::new(stack_of(&cases[case]["layers"]), node)));
        let answer = one(durometer, depth_mm);
        let name = format!("{case} depth/T {eta:.3}");
        let tier = ((eta * 10.0 - 1e-2) as usize).min(3);
        force[tier].add(&name, answer.force_n, row.number("force_[N]"));
        let found_mm = answer.contact_radius_m() * 1e3;
        radius.add(&name, found_mm, row.number("a_contact_[mm]"));
        let to_04 = usize::from(eta > 0.3 + 1e-3);
        peak[to_04].add(&name, answer.peak_pa * 1e-3, row.number("p_max_[kPa]"));
    }
    for (errors, worst) in force.iter().zip([0.05, 0.05, 0.05, 0.08]) {
        errors.median_below(0.02 * wider);
        errors.worst_below(worst * wider);
    }
    radius.worst_below(0.08 * wider);
    peak[0].median_below(0.05 * wider);
    peak[0].worst_below(0.15 * wider);
    peak[1].worst_below(0.20 * wider);
}

/// Set 5: roller, ellipsoid and wheel on linear stacks (FFT-BEM on a 0.75 mm grid, its force good to 0.3 %, its peak to 2 %
/// and at the roller's fillets to 5 %). Promised are 2 % of the force, 5 % of the peak and 15 % at a roller's ends.
#[test]
fn val_shaped_nodes_meet_bem() {
    let stacks = json("2_layered_linear_sphere/stacks.json");
    let mut found = [
        Errors::new("force"),
        Errors::new("peak"),
        Errors::new("peak at a roller's ends"),
    ];
    for row in Table::read("5_rollers_nodes/roller_force.csv").rows() {
        let node = shaped(row.text("shape"));
        let depth_mm = row.number("depth_[mm]");
        let answer = one(
            &Durometer::new(stack_of(&stacks[row.text("case")]), node),
            depth_mm,
        );
        let name = format!(
            "{} {} depth {depth_mm}",
            row.text("case"),
            row.text("shape")
        );
        found[0].add(&name, answer.force_n, row.number("force_[N]"));
        let peak = 1 + usize::from(row.text("shape").starts_with("cyl"));
        found[peak].add(&name, answer.peak_pa * 1e-3, row.number("p_max_[kPa]"));
    }
    found[0].worst_below(0.02);
    found[1].worst_below(0.05);
    found[2].worst_below(0.15);
}

/// Set 5 names a shape by its sizes in mm, its normal along z: its (x, y, z) is (x, z, y) here. Its roller lies along y,
/// ours along x: the stack has no direction, so it is the same one.
fn shaped(name: &str) -> Indenter {
    let sizes_m: Vec<f64> = name
        .split(|c: char| !c.is_ascii_digit())
        .filter(|s| !s.is_empty())
        .map(|s| s.parse::<f64>().unwrap() * 1e-3)
        .collect();
    match (name.split('_').next(), sizes_m.as_slice()) {
        (Some("cyl"), &[radius_m, length_m, fillet_m]) => Indenter::Roller {
            radius_m,
            length_m,
            fillet_m,
        },
        (Some("ellipsoid"), &[x, y, z]) => Indenter::Ellipsoid {
            semi_axes_m: [x, z, y],
        },
        (Some("torus"), &[major_m, minor_m]) => Indenter::Torus { major_m, minor_m },
        _ => panic!("unknown shape {name}"),
    }
}

/// Set 6: a node held at 4 mm relaxes as the shear modulus does, `F(t) / F(0) = G(t) / G(0)`, whatever its shape and
/// the layers, if all share one Prony series.
#[test]
fn val_hold_relaxes_as_the_modulus() {
    let materials = json("6_viscoelastic/materials.json");
    let table = Table::read("6_viscoelastic/step_hold.csv");
    let mut found = Errors::new("F(t) / F(0)");
    for material in ["V1", "V2"] {
        let mut press = Press::new(&materials[material], &[(2e-3, 5.0), (28e-3, 1.0)], 4e-3);
        let mut at_once_n = 0.0;
        let mut before_s = 0.0;
        for row in table.rows().filter(|r| r.text("material") == material) {
            let t_s = row.number("t_[s]");
            let force_n = press.to(4e-3, t_s - before_s);
            before_s = t_s;
            if t_s == 0.0 {
                at_once_n = force_n;
            }
            found.add(
                &format!("{material} t {t_s}"),
                force_n / at_once_n,
                row.number("F_over_F0_[-]"),
            );
        }
    }
    found.worst_below(0.01);
}

/// How thick a layer stands for a half-space, m. On 400 mm the contacts below, 10 to 12 mm in radius, would be stiffer by
/// 2 to 3 % (set 1: kappa / (2/3) / sqrt(chi) = 1.09 at a / h = 0.1, and the excess goes with a / h); on 2 m by 0.5 %.
const HALF_SPACE_M: f64 = 2.0;

/// Set 6: a paraboloid pressed into a half-space at a steady rate and held (Lee & Radok 1960); the reference is good to
/// 1e-5. Promised is 3 %; ours is the error of 27 cells across. Before 0.5 mm of depth there are fewer than ten.
#[test]
fn val_ramp_and_hold_meets_lee_radok() {
    let materials = json("6_viscoelastic/materials.json");
    let table = Table::read("6_viscoelastic/ramp_hold_sphere.csv");
    let mut found = Errors::new("force");
    for (material, ramp_s) in [
        ("V1", "0.05"),
        ("V1", "0.5"),
        ("V1", "5.0"),
        ("V2", "0.05"),
        ("V2", "0.5"),
        ("V2", "5.0"),
    ] {
        let mut press = Press::new(&materials[material], &[(HALF_SPACE_M, 1.0)], 4e-3);
        let mut before = (0.0, 0.0);
        for row in table
            .rows()
            .filter(|r| r.text("material") == material && r.text("ramp_time_[s]") == ramp_s)
        {
            let (t_s, depth_m) = (row.number("t_[s]"), row.number("depth_[mm]") * 1e-3);
            let force_n = press.through(before, (t_s, depth_m), 4);
            before = (t_s, depth_m);
            if depth_m > 0.5e-3 {
                found.add(
                    &format!("{material} ramp {ramp_s} t {t_s}"),
                    force_n,
                    row.number("force_[N]"),
                );
            }
        }
    }
    found.worst_below(0.03);
}

/// Set 6: in and out in half a sine (Ting 1966), with the contact lost before the depth is back at zero. Force to 3 % of
/// the loop's peak; the share of the work put in that is lost to 0.01.
#[test]
fn val_half_sine_meets_ting() {
    let materials = json("6_viscoelastic/materials.json");
    let table = Table::read("6_viscoelastic/halfsine_sphere.csv");
    let mut found = [
        Errors::new("force over the peak"),
        Errors::new("share of the work lost"),
    ];
    for energy in Table::read("6_viscoelastic/loop_energy.csv").rows() {
        let (material, hz) = (energy.text("material"), energy.text("freq_[Hz]"));
        if energy.text("test") != "sphere_halfsine_halfspace" {
            continue;
        }
        let peak_n = energy.number("peak_force_[N]");
        let mut press = Press::new(&materials[material], &[(HALF_SPACE_M, 1.0)], 6e-3);
        let (mut before, mut before_n, mut put_in_j, mut lost_j) = ((0.0, 0.0), 0.0, 0.0, 0.0);
        for row in table
            .rows()
            .filter(|r| r.text("material") == material && r.text("freq_[Hz]") == hz)
        {
            let (t_s, depth_m) = (row.number("t_[s]"), row.number("depth_[mm]") * 1e-3);
            let force_n = press.through(before, (t_s, depth_m), 4);
            let work_j = 0.5 * (force_n + before_n) * (depth_m - before.1);
            put_in_j += work_j.max(0.0);
            lost_j += work_j;
            (before, before_n) = ((t_s, depth_m), force_n);
            found[0].add_against(
                &format!("{material} {hz} Hz t {t_s}"),
                force_n,
                row.number("force_[N]"),
                peak_n,
            );
        }
        found[1].add_against(
            &format!("{material} {hz} Hz"),
            lost_j / put_in_j,
            energy.number("ratio_[-]"),
            1.0,
        );
    }
    found[0].worst_below(0.03);
    found[1].worst_below(0.01);
}

/// A paraboloid that is moved in and out of a relaxing stack, on its own grid.
struct Press {
    kernel: tissue::Kernel,
    stiffening: Stiffening,
    creep: Creep,
    patch: Patch,
    tip_m: f64,
}

impl Press {
    /// Layers by thickness, m, and modulus over the material's; the grid holds a contact of `depth_m`.
    fn new(material: &Value, layers: &[(f64, f64)], depth_m: f64) -> Press {
        let number = |key: &str| material[key].as_f64().unwrap();
        let list = |key: &str| {
            material[key]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect::<Vec<_>>()
        };
        let prony: Vec<PronyTerm> = list("g")
            .into_iter()
            .zip(list("tau_s"))
            .map(|(g, tau_s)| PronyTerm { g, tau_s })
            .collect();
        let (nu, tip_m) = (number("nu"), number("R_mm") * 1e-3);
        let stack = Stack::try_new(
            layers
                .iter()
                .map(|&(thickness_m, times)| Layer {
                    name: "layer".into(),
                    thickness_m,
                    e_pa: times * 2.0 * (1.0 + nu) * number("G0_kPa") * 1e3,
                    nu,
                    law: Law::Linear,
                    prony: prony.clone(),
                })
                .collect(),
        )
        .unwrap();
        let side = 27;
        let cell_m = 2.2 * (tip_m * depth_m).sqrt() / side as f64;
        let creep = Creep::of(&stack).unwrap();
        Press {
            kernel: KernelBasis::new(cell_m, side, layers[0].0).kernel(&stack),
            stiffening: Stiffening::none(stack.thickness_m()),
            patch: Patch::new(side, creep.terms().len()),
            creep,
            tip_m,
        }
    }

    /// Force at a depth, `dt_s` after the last.
    fn to(&mut self, depth_m: f64, dt_s: f64) -> f64 {
        let (side, cell_m) = (self.patch.side(), self.kernel.cell_m());
        let node = Indenter::Paraboloid {
            radius_m: self.tip_m,
        };
        let middle = (side / 2) as f64;
        let overlap_m: Vec<f64> = (0..side * side)
            .map(|i| [(i % side) as f64, (i / side) as f64].map(|c| (c - middle) * cell_m))
            .map(|[x, z]| node.reach(&[x, -depth_m, z].into(), &Vector3::y()).unwrap())
            .collect();
        let ground = Ground {
            kernel: &self.kernel,
            stiffening: &self.stiffening,
            cover: None,
            carrier_m_n: 0.0,
            creep: Some((&self.creep, dt_s)),
        };
        let report = self.patch.solve(&overlap_m, None, &ground, &Effort::STATIC);
        assert!(report.converged);
        self.patch.pressure_pa().iter().sum::<f64>() * cell_m * cell_m
    }

    /// Force at the end of a straight stretch of motion between two (time, depth), taken in a number of steps.
    fn through(&mut self, from: (f64, f64), to: (f64, f64), steps: u32) -> f64 {
        let dt_s = (to.0 - from.0) / f64::from(steps);
        (1..=steps)
            .map(|i| {
                self.to(
                    from.1 + (to.1 - from.1) * f64::from(i) / f64::from(steps),
                    dt_s,
                )
            })
            .last()
            .unwrap()
    }
}

/// Relative errors of one quantity over a set.
struct Errors {
    what: &'static str,
    all: Vec<(f64, String)>,
}

impl Errors {
    fn new(what: &'static str) -> Errors {
        Errors {
            what,
            all: Vec::new(),
        }
    }

    fn add(&mut self, name: &str, ours: f64, theirs: f64) {
        self.add_against(name, ours, theirs, theirs);
    }

    /// With a scale of its own, for values that pass through zero.
    fn add_against(&mut self, name: &str, ours: f64, theirs: f64, scale: f64) {
        self.all.push(((ours - theirs) / scale, name.to_string()));
    }

    fn worst_below(&self, bar: f64) {
        let (error, name) = self
            .all
            .iter()
            .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()))
            .unwrap();
        println!(
            "{}: {} rows, median {:.2} %, worst {:.2} % at {name}",
            self.what,
            self.all.len(),
            self.median() * 100.0,
            error * 100.0
        );
        assert!(
            error.abs() < bar,
            "{}: {:.2} % at {name}, allowed {:.2} %",
            self.what,
            error * 100.0,
            bar * 100.0
        );
    }

    fn median_below(&self, bar: f64) {
        let median = self.median();
        assert!(
            median < bar,
            "{}: median {:.2} %, allowed {:.2} %",
            self.what,
            median * 100.0,
            bar * 100.0
        );
    }

    fn median(&self) -> f64 {
        let mut sizes: Vec<f64> = self.all.iter().map(|e| e.0.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        sizes[sizes.len() / 2]
    }
}

fn one(durometer: &Durometer, depth_mm: f64) -> Indentation {
    durometer.indent(&[depth_mm * 1e-3]).remove(0)
}

/// One linear layer.
fn bonded(thickness_mm: f64, e_kpa: f64, nu: f64) -> Stack {
    let layer = Layer {
        name: "layer".into(),
        thickness_m: thickness_mm * 1e-3,
        e_pa: e_kpa * 1e3,
        nu,
        law: Law::Linear,
        prony: vec![],
    };
    Stack::try_new(vec![layer]).unwrap()
}

/// Layers as the reference's JSON has them.
fn stack_of(layers: &Value) -> Stack {
    let layer = |v: &Value| {
        let number = |key: &str| v[key].as_f64().unwrap_or_else(|| panic!("{key} in {v}"));
        Layer {
            name: v["name"].as_str().unwrap_or("layer").into(),
            thickness_m: number("h_mm") * 1e-3,
            e_pa: number("E_kPa") * 1e3,
            nu: number("nu"),
            law: match v["model"].as_str() {
                Some("ogden") => Law::Ogden {
                    alpha: number("alpha"),
                },
                Some("neo-hookean") => Law::NeoHookean,
                _ => Law::Linear,
            },
            prony: vec![],
        }
    };
    Stack::try_new(
        layers
            .as_array()
            .expect("layers")
            .iter()
            .map(layer)
            .collect(),
    )
    .unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(reference(name)).unwrap()).unwrap()
}
