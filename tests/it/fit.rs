//! Promise: moduli found from a force-depth curve are those that made it, within the interval that is stated, and what
//! the curve cannot tell is not told.

use crate::csv::{Table, reference};
use serde_json::Value;
use tissue::{
    Durometer, Fit, FitError, FitOptions, Free, Indenter, Law, Layer, Measured, Noise, Point, Role,
    Stack, fit,
};

const AUTO: FitOptions = FitOptions {
    free: Free::Auto,
    touch: false,
    noise: Noise::Constant,
};

/// Set 3, finite-strain FEM of known moduli to depth / thickness 0.3. The search starts at 3 times the moduli and must come
/// back to 1. A common scale is off by what the force law is off by in these rows, promised to be 5 % at worst; 1 % is added
/// for the search's own cells. Nodes of 25 mm and more: small ones that go deep are where the law itself falls short.
#[test]
fn val_common_scale_from_finite_strain_fem() {
    let cases: Value = json("3_finite_strain_sphere/cases.json");
    for case in ["fs_T40_R25_og8", "fs_T40_R25_nh", "fs_T60_R40_og8"] {
        let layers = &cases[case]["layers"];
        let thickness_mm = cases[case]["thickness_mm"].as_f64().unwrap();
        let table = Table::read("3_finite_strain_sphere/force_depth.csv");
        let rows = table.rows().filter(|r| {
            r.text("case") == case
                && r.number("a_contact_[mm]") >= 4.0
                && r.number("depth_[mm]") <= 0.3 * thickness_mm
        });
        let points = rows
            .map(|r| point(r.number("depth_[mm]"), r.number("force_[N]")))
            .collect();
        let node = sphere(cases[case]["R_mm"].as_f64().unwrap());
        let found = fit(
            &stack_of(layers, 3.0),
            &[Measured { node, points }],
            &together(),
        )
        .unwrap();
        let scale = found.stack.layers()[2].e_pa / stack_of(layers, 1.0).layers()[2].e_pa;
        println!("{case}: scale {scale:.4}, misfit {:.4}", found.misfit);
        assert!((scale - 1.0).abs() < 0.06, "{case}: {scale}");
    }
}

/// Set 2, exact linear theory: a common scale to 1 %, of which 0.4 % are the force's. From two nodes, 15 and 40 mm, and curves
/// without noise every layer is found: fat and muscle carry the force and come to 5 %, skin (a share of a tenth) to 20 %.
#[test]
fn val_moduli_from_exact_linear_curves() {
    let stacks = json("2_layered_linear_sphere/stacks.json");
    let curve = |radius_mm: f64| {
        let table = Table::read("2_layered_linear_sphere/force_depth.csv");
        let rows = table.rows().filter(|r| {
            r.text("case") == "T40"
                && r.number("R_[mm]") == radius_mm
                && r.number("a_contact_[mm]") >= 4.0
        });
        let points: Vec<Point> = rows
            .map(|r| point(r.number("depth_[mm]"), r.number("force_[N]")))
            .collect();
        let node = sphere(radius_mm);
        Measured { node, points }
    };
    let found = fit(&stack_of(&stacks["T40"], 0.4), &[curve(25.0)], &AUTO).unwrap();
    println!("{:?}", found.layers);
    assert!(found.layers.iter().all(|l| l.role == Role::Together));
    assert!(
        (found.layers[1].e_pa / 10e3 - 1.0).abs() < 0.01,
        "{:?}",
        found.layers
    );

    let options = FitOptions {
        free: Free::Layers(vec![0, 1, 2]),
        noise: Noise::Proportional,
        ..AUTO
    };
    // Far from the truth in its ratios: skin 75 for 150, fat 20 for 10, muscle 25.
    let start = scaled(&stack_of(&stacks["T40"], 1.0), &[0.5, 2.0, 1.0]);
    let found = fit(&start, &[curve(15.0), curve(40.0)], &options).unwrap();
    println!("{:?}", found.layers);
    for (layer, (exact, bar)) in found
        .layers
        .iter()
        .zip([(150e3, 0.2), (10e3, 0.05), (25e3, 0.05)])
    {
        assert!((layer.e_pa / exact - 1.0).abs() < bar, "{:?}", found.layers);
    }
}

/// 20 curves with 1 % noise from our own forward model; two layers fitted, each on its own. Of 40 intervals of 95 % one expects
/// 38 to hold the truth. The two of a fit hang together, so count as one at worst: of 20 fits with chance 0.95 fewer than
/// 16 come once in 400 series, and 4 misses of 20 fits are 8 of 40. The seed is fixed: this cannot fail by chance later.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let truth = linear(&two_layers(8e3, 30e3));
    let start = linear(&two_layers(12e3, 20e3));
    let node = sphere(20.0);
    let exact = curve(
        &truth,
        &node,
        &[
            1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0,
        ],
    );
    let options = FitOptions {
        free: Free::Layers(vec![0, 1]),
        ..AUTO
    };
    let mut noise = Normal(20);
    let (mut held, mut narrow) = (0, 0);
    for _ in 0..20 {
        let found = fit(&start, &[noisy(&exact, 0.01, &mut noise)], &options).unwrap();
        for (layer, exact) in found.layers.iter().zip(truth.layers()) {
            held += usize::from((layer.low_pa..=layer.high_pa).contains(&exact.e_pa));
            narrow += usize::from(layer.high_pa / layer.low_pa < 5.0);
        }
    }
    println!("{held} of 40 intervals hold the truth, {narrow} span less than a factor of 5");
    assert!(held >= 32, "{held} of 40");
    // An interval that is always right because it is wide would tell nothing.
    assert!(narrow >= 36, "{narrow} of 40");
}

/// A layer is freed where the curve asks for it and not else: the same noise over the start stack's own ratios, and over a
/// stack whose upper layer is three times as stiff against the lower one.
#[test]
fn layers_are_freed_where_the_data_justify_it() {
    let start = two_layers(12e3, 20e3);
    let node = sphere(20.0);
    let depths = [
        1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0,
    ];
    let found = |truth: &Stack| {
        let measured = noisy(&curve(truth, &node, &depths), 0.01, &mut Normal(3));
        fit(&start, &[measured], &AUTO).unwrap()
    };
    let alike = found(&two_layers(18e3, 30e3));
    assert!(
        alike.layers.iter().all(|l| l.role == Role::Together),
        "{:?}",
        alike.trials
    );
    let other = found(&two_layers(36e3, 20e3));
    assert!(
        other.layers.iter().all(|l| l.role == Role::Alone),
        "{:?}",
        other.trials
    );
    for f in [&alike, &other] {
        let shares: f64 = f.layers.iter().map(|l| l.share).sum();
        assert!(
            (shares - 1.0).abs() < 1e-9,
            "force is in proportion to all moduli together: {shares}"
        );
        assert_eq!(f.combinations.len(), 2);
        assert!(f.combinations[0].factor < f.combinations[1].factor);
    }
}

/// Depth counted 0.6 mm too late: without the touch point free the fit says so and frees no layer for it; with it free the
/// touch point is found (its interval says how well) and the moduli with it.
#[test]
fn a_late_touch_is_noticed_and_found() {
    let truth = two_layers(12e3, 20e3);
    let node = sphere(20.0);
    let depths_mm: Vec<f64> = (1..=20).map(|i| 0.6 * f64::from(i)).collect();
    let mut late = curve(
        &truth,
        &node,
        &depths_mm.iter().map(|d| d + 0.6).collect::<Vec<_>>(),
    );
    late.points.iter_mut().for_each(|p| p.depth_m -= 0.6e-3);
    let late = noisy(&late, 0.003, &mut Normal(5));
    let blind = fit(&truth, std::slice::from_ref(&late), &AUTO).unwrap();
    let hint = blind
        .touch_hint
        .as_ref()
        .expect("a touch point is worth a hint");
    assert!((hint.touch_m[0] + 0.6e-3).abs() < 0.2e-3, "{hint:?}");
    assert!(
        blind.layers.iter().all(|l| l.role == Role::Together),
        "{:?}",
        blind.trials
    );

    let found = fit(
        &truth,
        &[late],
        &FitOptions {
            touch: true,
            ..AUTO
        },
    )
    .unwrap();
    let touch = &found.parameters[1];
    assert!(touch.low <= -0.6e-3 && -0.6e-3 <= touch.high, "{touch:?}");
    assert!(
        (found.layers[0].e_pa / 12e3 - 1.0).abs() < 0.05,
        "{:?}",
        found.layers
    );
    assert!(found.touch_hint.is_none());
}

/// What no press gives is refused, every problem with its place.
#[test]
fn wrong_curves_are_refused() {
    let stack = two_layers(12e3, 20e3);
    let errors = |points: Vec<Point>| {
        let node = sphere(20.0);
        fit(&stack, &[Measured { node, points }], &AUTO)
            .map(|_| ())
            .unwrap_err()
    };
    let line = |depths_mm: &[f64]| depths_mm.iter().map(|d| point(*d, *d)).collect::<Vec<_>>();
    assert_eq!(
        errors(line(&[1.0, 2.0])),
        [FitError::TooFew {
            points: 2,
            needed: 3
        }]
    );
    let mut wild = line(&[1.0, -2.0, 3.0, 29.0]);
    wild[2].force_n = f64::NAN;
    let places: Vec<usize> = errors(wild)
        .iter()
        .map(|e| match e {
            FitError::Value { point, .. } => *point,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(places, [1, 2, 3]);
    let falling: Vec<Point> = [1.0, 2.0, 3.0].map(|d| point(d, 5.0 - d)).to_vec();
    assert_eq!(errors(falling), [FitError::Falling { curve: 0 }]);
    let there_and_back = line(&[1.0, 2.0, 4.0, 6.0, 5.0, 3.0, 2.0, 1.0]);
    assert_eq!(
        errors(there_and_back),
        [FitError::ComesBack {
            curve: 0,
            points: (4, 7)
        }]
    );
}

/// The same input gives the same bits.
#[test]
fn same_curve_same_bits() {
    let stack = two_layers(12e3, 20e3);
    let measured = curve(
        &two_layers(15e3, 15e3),
        &sphere(20.0),
        &[2.0, 4.0, 6.0, 8.0],
    );
    let once = || -> Fit { fit(&stack, std::slice::from_ref(&measured), &AUTO).unwrap() };
    assert_eq!(format!("{:?}", once()), format!("{:?}", once()));
}

fn together() -> FitOptions {
    FitOptions {
        free: Free::Together,
        ..AUTO
    }
}

fn sphere(radius_mm: f64) -> Indenter {
    Indenter::Sphere {
        radius_m: 1e-3 * radius_mm,
    }
}

fn point(depth_mm: f64, force_n: f64) -> Point {
    Point {
        depth_m: 1e-3 * depth_mm,
        force_n,
    }
}

/// 8 mm over 22 mm, Ogden: thick layers make cheap grids.
fn two_layers(upper_pa: f64, lower_pa: f64) -> Stack {
    let layer = |name: &str, thickness_m, e_pa| Layer {
        name: name.into(),
        thickness_m,
        e_pa,
        nu: 0.49,
        law: Law::Ogden { alpha: 8.0 },
        prony: vec![],
    };
    Stack::try_new(vec![
        layer("fat", 0.008, upper_pa),
        layer("muscle", 0.022, lower_pa),
    ])
    .unwrap()
}

/// The same without a law for large strain: statistics do not ask for one, and it solves faster.
fn linear(stack: &Stack) -> Stack {
    let layers = stack.layers().iter().cloned();
    let law = Law::Linear;
    Stack::try_new(layers.map(|l| Layer { law, ..l }).collect()).unwrap()
}

fn curve(stack: &Stack, node: &Indenter, depths_mm: &[f64]) -> Measured {
    let depths_m: Vec<f64> = depths_mm.iter().map(|d| 1e-3 * d).collect();
    let answers = Durometer::new(stack.clone(), node.to_owned()).indent(&depths_m);
    let points = answers
        .iter()
        .map(|a| Point {
            depth_m: a.depth_m,
            force_n: a.force_n,
        })
        .collect();
    Measured {
        node: node.to_owned(),
        points,
    }
}

/// Noise of a share of the largest force, the same at every depth.
fn noisy(exact: &Measured, share: f64, noise: &mut Normal) -> Measured {
    let top_n = exact.points.iter().map(|p| p.force_n).fold(0.0, f64::max);
    let mut out = exact.clone();
    out.points
        .iter_mut()
        .for_each(|p| p.force_n += share * top_n * noise.next());
    out
}

/// Normal numbers (Box and Muller 1958) from a counter mixed by SplitMix64 (Steele, Lea and Flood 2014).
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn scaled(stack: &Stack, factors: &[f64]) -> Stack {
    let layers = stack.layers().iter().zip(factors);
    Stack::try_new(
        layers
            .map(|(l, f)| Layer {
                e_pa: l.e_pa * f,
                ..l.clone()
            })
            .collect(),
    )
    .unwrap()
}

/// A stack of the reference data, its moduli times `factor`.
fn stack_of(layers: &Value, factor: f64) -> Stack {
    let layers = layers.as_array().unwrap().iter().map(|l| Layer {
        name: l["name"].as_str().unwrap_or("layer").into(),
        thickness_m: 1e-3 * l["h_mm"].as_f64().unwrap(),
        e_pa: factor * 1e3 * l["E_kPa"].as_f64().unwrap(),
        nu: l["nu"].as_f64().unwrap(),
        law: match l["model"].as_str() {
            Some("ogden") => Law::Ogden {
                alpha: l["alpha"].as_f64().unwrap(),
            },
            Some("neo-hookean") => Law::NeoHookean,
            _ => Law::Linear,
        },
        prony: vec![],
    });
    Stack::try_new(layers.collect()).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(reference(name)).unwrap()).unwrap()
}
