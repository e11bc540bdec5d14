//! The pictures: what is outside as points, what is ours as lines.

use crate::agreement::{
    self, FiniteRow, MotionRun, PairRow, bonded, finite_rows, json, layered, motions, pair_rows,
    quick, stack_of,
};
use crate::chart::{COLOURS, top};
use crate::csv::{Row, Table};
use crate::sheet::{Mark, Sheet, panel};
use tissue::{Durometer, Indenter, Law, Layer, Stack};

const SET_2: &str = "2_layered_linear_sphere";
const SET_3: &str = "3_finite_strain_sphere";
const SET_7: &str = "7_finite_strain_more";
const GREY: &str = "#8a93a3";

/// Every row of finite strain.
pub struct Finite {
    pub set_3: Vec<FiniteRow>,
    pub set_7: Vec<FiniteRow>,
    pub beyond: Vec<FiniteRow>,
}

impl Finite {
    pub fn read() -> Finite {
        Finite {
            set_3: finite_rows(SET_3, "force_depth.csv"),
            set_7: finite_rows(SET_7, "force_depth.csv"),
            beyond: finite_rows(SET_7, "beyond.csv"),
        }
    }
}

/// Name and SVG.
pub fn all(finite: &Finite) -> Vec<(&'static str, String)> {
    vec![
        ("force_error", force_error(finite)),
        ("force_curves", force_curves()),
        ("pressure", pressure()),
        ("beyond", beyond(finite)),
        ("cells", cells()),
        ("flat_and_two", flat_and_two()),
        ("time", time()),
    ]
}

/// Depth over radius: shallow to deep.
const TIERS: [(f64, &str, &str); 4] = [
    (0.25, "#56b4e9", "depth/R to 0.25"),
    (0.5, "#0072b2", "to 0.5"),
    (1.0, "#e69f00", "to 1"),
    (f64::INFINITY, "#d55e00", "beyond 1"),
];

fn force_error(finite: &Finite) -> String {
    let mut sheet = Sheet::new(2, "Points: reference sets 3 (FEniCS/dolfinx) and 7 (own axisymmetric FEM, 55 random stacks). Band: what is asked.")
        .key(Mark::Band(GREY), "asked");
    for (_, colour, words) in TIERS {
        sheet = sheet.key(Mark::Dot(colour), words);
    }
    let sets = [
        ("Set 3: fifteen stacks and spheres", &finite.set_3, 1.0),
        ("Set 7: stacks drawn at random", &finite.set_7, 1.5),
    ];
    for (title, rows, wider) in sets {
        let [near, far] = [5.0 * wider, 8.0 * wider];
        let mut chart = panel(
            title,
            ("depth / thickness", 0.0, 0.42),
            ("error of force, %", -15.0, 15.0),
        )
        .area(&[(0.0, -near, near), (0.3, -near, near)], GREY, 0.2)
        .area(&[(0.3, -far, far), (0.4, -far, far)], GREY, 0.2)
        .line(&[(0.0, 0.0), (0.42, 0.0)], GREY, 1.0);
        for (points, colour) in tiers(rows, |r| 100.0 * r.force) {
            chart = chart.dots(&points, colour, 2.6);
        }
        sheet.put(chart);
    }
    sheet.svg()
}

/// Points over depth / thickness, by tier of depth over radius.
fn tiers(
    rows: &[FiniteRow],
    value: impl Fn(&FiniteRow) -> f64,
) -> Vec<(Vec<(f64, f64)>, &'static str)> {
    let mut from = 0.0;
    let mut found = Vec::new();
    for (to, colour, _) in TIERS {
        let of_tier = |r: &&FiniteRow| r.depth_over_radius > from && r.depth_over_radius <= to;
        let points = rows.iter().filter(of_tier).map(|r| (r.eta, value(r)));
        found.push((points.collect(), colour));
        from = to;
    }
    found
}

fn beyond(finite: &Finite) -> String {
    let mut sheet = Sheet::new(
        2,
        "Points: set 7 carried on to 0.7 of the thickness or two radii (beyond.csv), and set 3's rows deeper than R. At the top edge: more than 100 %.",
    );
    for (_, colour, words) in TIERS {
        sheet = sheet.key(Mark::Dot(colour), words);
    }
    let outside: Vec<&FiniteRow> = finite
        .set_3
        .iter()
        .filter(|r| !r.within())
        .chain(&finite.beyond)
        .collect();
    // A few estimates near bone go through the roof; the table has the worst.
    let most = 100.0;
    for (title, valid) in [
        ("Within the law's own solution: force", true),
        ("Beyond it, an estimate: force", false),
    ] {
        let mut chart = panel(
            title,
            ("depth / thickness", 0.1, 0.72),
            ("error, %", -20.0, most),
        )
        .line(&[(0.1, 0.0), (0.72, 0.0)], GREY, 1.0)
        .dashed(&[(0.4, -20.0), (0.4, most)], GREY, 1.2);
        let mut from = 0.0;
        for (to, colour, _) in TIERS {
            let points: Vec<(f64, f64)> = outside
                .iter()
                .filter(|r| {
                    r.valid == valid && r.depth_over_radius > from && r.depth_over_radius <= to
                })
                .map(|r| (r.eta, 100.0 * r.force))
                .collect();
            chart = chart.dots(&points, colour, 3.2);
            from = to;
        }
        sheet.put(chart);
    }
    sheet.svg()
}

/// Four contrasting ones: a sphere in fat alone at its usual size, a small one, a stiff and nonlinear stack, a thin one.
const CURVES: [(&str, &str, &str); 4] = [
    (SET_3, "fs_T40_R25_nh", "40 mm, neo-Hookean, R 25 mm"),
    (SET_3, "fs_T60_R15_og8", "60 mm, Ogden alpha 8, R 15 mm"),
    (SET_3, "fs_T20_R40_og8", "20 mm, Ogden alpha 8, R 40 mm"),
    (SET_7, "g020", "19 mm, Ogden alpha 6, 17 and 13, R 6 mm"),
];

fn force_curves() -> String {
    let mut sheet = Sheet::new(
        2,
        "Points: finite-strain FEM, reference sets 3 and 7. Skin, fat and muscle on bone, spheres.",
    )
    .key(Mark::Dot(COLOURS[1]), "FEM")
    .key(Mark::Line(COLOURS[0]), "Kneadlab")
    .key(Mark::Dashed(GREY), "the same layers at small strain");
    for (set, case, title) in CURVES {
        let layers = &json(&format!("{set}/cases.json"))[case];
        let stack = stack_of(&layers["layers"]);
        let table = Table::read(&format!("{set}/force_depth.csv"));
        let theirs: Vec<(f64, f64)> = table
            .rows()
            .filter(|r| r.text("case") == case)
            .map(|r| (r.number("depth_[mm]"), r.number("force_[N]")))
            .collect();
        let end_mm = theirs.iter().map(|p| p.0).fold(0.0, f64::max);
        let node = Indenter::Sphere {
            radius_m: layers["R_mm"].as_f64().expect("R_mm") * 1e-3,
        };
        let curve = |stack: Stack| curve(&quick(Durometer::new(stack, node.clone())), end_mm);
        let ours = curve(stack.clone());
        let small = curve(linear(&stack));
        let force_top = top(ours.iter().chain(&theirs).chain(&small).map(|p| p.1), 0.0);
        sheet.put(
            panel(
                title,
                ("depth, mm", 0.0, 1.03 * end_mm),
                ("force, N", 0.0, force_top),
            )
            .dashed(&small, GREY, 1.5)
            .line(&ours, COLOURS[0], 1.8)
            .dots(&theirs, COLOURS[1], 3.4),
        );
    }
    sheet.svg()
}

fn curve(durometer: &Durometer, end_mm: f64) -> Vec<(f64, f64)> {
    let at = |i: i32| end_mm * f64::from(i) / 24.0;
    let force_n = |mm: f64| durometer.indent(&[1e-3 * mm])[0].force_n;
    (0..=24)
        .map(|i| (at(i), if i == 0 { 0.0 } else { force_n(at(i)) }))
        .collect()
}

fn linear(stack: &Stack) -> Stack {
    let layers = stack.layers().iter().map(|l| Layer {
        law: Law::Linear,
        ..l.clone()
    });
    Stack::try_new(layers.collect()).expect("layers that were good")
}

fn pressure() -> String {
    let mut sheet = Sheet::new(2, "Points: set 2 (exact compliance of the layers, linear) and set 3 (finite-strain FEM, current radius).")
        .key(Mark::Dot(COLOURS[0]), "shallow, outside")
        .key(Mark::Line(COLOURS[0]), "Kneadlab")
        .key(Mark::Dot(COLOURS[1]), "deep, outside")
        .key(Mark::Line(COLOURS[1]), "Kneadlab");
    let charts = [
        (
            SET_2,
            "T40",
            25.0,
            [4.0, 10.0],
            "linear, 40 mm, R 25 mm, 4 and 10 mm deep",
        ),
        (
            SET_2,
            "T20",
            15.0,
            [2.0, 6.0],
            "linear, 20 mm, R 15 mm, 2 and 6 mm deep",
        ),
        (
            SET_3,
            "fs_T40_R25_og8",
            25.0,
            [6.0, 14.0],
            "Ogden alpha 8, 40 mm, R 25 mm, 6 and 14 mm deep",
        ),
        (
            SET_3,
            "fs_T60_R15_nh",
            15.0,
            [6.0, 15.0],
            "neo-Hookean, 60 mm, R 15 mm, 6 and 15 mm deep",
        ),
    ];
    for (set, case, radius_mm, depths_mm, title) in charts {
        let finite = set == SET_3;
        let stack = if finite {
            stack_of(&json(&format!("{set}/cases.json"))[case]["layers"])
        } else {
            stack_of(&json(&format!("{set}/stacks.json"))[case])
        };
        let durometer = Durometer::new(
            stack,
            Indenter::Sphere {
                radius_m: 1e-3 * radius_mm,
            },
        );
        let table = Table::read(&format!("{set}/pressure_profile.csv"));
        let mut lines = Vec::new();
        for depth_mm in depths_mm {
            let mine = |r: &Row<'_>| {
                r.text("case") == case
                    && r.number("depth_[mm]") == depth_mm
                    && (finite || r.number("R_[mm]") == radius_mm)
            };
            let columns = if finite {
                ["r_current_[mm]", "p_cauchy_[kPa]"]
            } else {
                ["r_[mm]", "p_[kPa]"]
            };
            let theirs: Vec<(f64, f64)> = table
                .rows()
                .filter(mine)
                .map(|r| (r.number(columns[0]), r.number(columns[1])))
                .collect();
            let ours: Vec<(f64, f64)> = durometer
                .profile(1e-3 * depth_mm, false)
                .into_iter()
                .map(|(r_m, p_pa)| (1e3 * r_m, 1e-3 * p_pa))
                .collect();
            lines.push((theirs, ours));
        }
        let theirs =
            |at: fn(&(f64, f64)) -> f64| lines.iter().flat_map(move |l| l.0.iter().map(at));
        let (r_top, p_top) = (top(theirs(|p| p.0), 0.0), top(theirs(|p| p.1), 0.0));
        let mut chart = panel(
            title,
            ("distance from the axis, mm", 0.0, r_top),
            ("pressure, kPa", 0.0, 1.1 * p_top),
        );
        for ((theirs, ours), colour) in lines.iter().zip(COLOURS) {
            let seen: Vec<_> = ours
                .iter()
                .copied()
                .filter(|p| p.0 <= r_top && p.1 > 0.0)
                .collect();
            chart = chart.line(&seen, colour, 1.6).dots(theirs, colour, 2.8);
        }
        sheet.put(chart);
    }
    sheet.svg()
}

fn cells() -> String {
    let grids: [(&str, Vec<agreement::LayeredRow>, &str); 3] = [
        (
            "2 mm cells",
            layered(0.0, 1, |d| d.with_cell_m(2e-3)),
            COLOURS[1],
        ),
        (
            "1 mm cells",
            layered(0.0, 1, |d| d.with_cell_m(1e-3)),
            COLOURS[0],
        ),
        ("automatic", layered(0.0, 4, |d| d), COLOURS[2]),
    ];
    let mut sheet = Sheet::new(
        2,
        "Points: set 2, spheres of 15 to 40 mm on skin, fat and muscle (exact, linear), contacts of every size. Dashed: 50 cells, where `indent` warns.",
    );
    for (name, _, colour) in &grids {
        sheet = sheet.key(Mark::Dot(colour), *name);
    }
    let marks = [3.0f64, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0];
    type Value = fn(&agreement::LayeredRow) -> f64;
    let values: [(&str, f64, Value); 2] = [
        ("Force", 8.0, |r| r.force),
        ("Peak pressure", 40.0, |r| r.peak),
    ];
    for (title, most, value) in values {
        let from = 3f64.log10();
        let mut chart = panel(
            title,
            ("cells in contact", from, 3.6),
            ("error, %", -most, most),
        )
        .marked(marks.map(|m| (m.log10(), format!("{m}"))))
        .line(&[(from, 0.0), (3.6, 0.0)], GREY, 1.0)
        .dashed(&[(50f64.log10(), -most), (50f64.log10(), most)], GREY, 1.2);
        for (_, rows, colour) in &grids {
            let points: Vec<(f64, f64)> = rows
                .iter()
                .map(|r| ((r.cells as f64).max(1.0).log10(), 100.0 * value(r)))
                .filter(|p| p.0 >= from)
                .collect();
            chart = chart.dots(&points, colour, 2.8);
        }
        sheet.put(chart);
    }
    sheet.svg()
}

fn flat_and_two() -> String {
    let mut sheet = Sheet::new(
        2,
        "Points: set 1 (Hayes et al. 1972, solved anew) and set 4 (FFT boundary elements). Lines: Kneadlab.",
    );
    let mut chart = panel(
        "Flat punch on a bonded layer, force over the half-space's",
        ("punch radius / thickness", 0.0, 2.05),
        ("kappa", 0.0, 9.0),
    );
    let table = Table::read("1_hayes_bonded_layer/kappa_flat_and_sphere.csv");
    for (nu, colour) in [
        ("0.3", COLOURS[2]),
        ("0.4", COLOURS[3]),
        ("0.49", COLOURS[4]),
    ] {
        let value: f64 = nu.parse().expect("a number");
        let theirs: Vec<(f64, f64)> = table
            .rows()
            .filter(|r| r.number("nu_[-]") == value && r.number("a_over_h_[-]") <= 2.0)
            .map(|r| (r.number("a_over_h_[-]"), r.number("kappa_flat_[-]")))
            .collect();
        let ours: Vec<(f64, f64)> = (2..=40)
            .map(|i| {
                let ratio = 0.05 * f64::from(i);
                let radius_m = 0.02 * ratio;
                let punch = quick(Durometer::new(
                    bonded(20.0, 20.0, value),
                    Indenter::Flat { radius_m },
                ));
                let scale_n = 2.0 * 20e3 / (1.0 - value * value) * radius_m * 1e-3;
                (ratio, punch.indent(&[1e-3])[0].force_n / scale_n)
            })
            .collect();
        chart = chart.line(&ours, colour, 1.6).dots(&theirs, colour, 3.4);
        sheet = sheet.key(Mark::Dot(colour), format!("nu {nu}"));
    }
    sheet.put(chart);

    let stacks = json(&format!("{SET_2}/stacks.json"));
    let rows = pair_rows();
    let mut chart = panel(
        "Two spheres side by side",
        ("distance, mm", 30.0, 110.0),
        ("force over that of one alone", 0.99, 1.09),
    )
    .line(&[(30.0, 1.0), (110.0, 1.0)], GREY, 1.0);
    for (case, radius_mm, depth_mm, colour) in [
        ("T20", 25.0, 6.0, COLOURS[1]),
        ("T40", 25.0, 8.0, COLOURS[0]),
        ("T60", 25.0, 8.0, COLOURS[5]),
    ] {
        let mine =
            |r: &&PairRow| r.case == case && r.radius_mm == radius_mm && r.depth_mm == depth_mm;
        let theirs: Vec<(f64, f64)> = rows
            .iter()
            .filter(mine)
            .map(|r| (r.spacing_mm, r.their_ratio))
            .collect();
        let node = Indenter::Sphere {
            radius_m: 1e-3 * radius_mm,
        };
        let durometer = Durometer::new(stack_of(&stacks[case]), node);
        let ours: Vec<(f64, f64)> = (0..=14)
            .map(|i| 36.0 + 5.0 * f64::from(i))
            .map(|spacing_mm| {
                let pair = durometer.pair(1e-3 * depth_mm, 1e-3 * spacing_mm);
                (spacing_mm, pair.force_n / pair.force_isolated_n)
            })
            .collect();
        chart = chart.line(&ours, colour, 1.6).dots(&theirs, colour, 4.0);
        sheet = sheet.key(
            Mark::Dot(colour),
            format!("{} mm thick, {depth_mm} mm deep", &case[1..]),
        );
    }
    sheet.put(chart);
    sheet.svg()
}

fn time() -> String {
    let mut sheet = Sheet::new(
        2,
        "Points: set 6, paraboloid on a half-space (Lee & Radok 1960, Ting 1966). Lines: Kneadlab on a layer of 2 m, steps of its own.",
    );
    let runs = motions(2.0, |_| 1.0);
    let names: Vec<&MotionRun> = runs
        .iter()
        .filter(|r| r.file == "ramp_hold_sphere")
        .collect();
    let end =
        |runs: &[&MotionRun]| top(runs.iter().flat_map(|r| r.theirs.iter().map(|p| p[2])), 0.0);
    let mut chart = panel(
        "Ramp to 4 mm and hold",
        ("time from the start, s (logarithmic)", -1.6, 1.6),
        ("force, N", 0.0, end(&names)),
    )
    .marked([0.03f64, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0].map(|t| (t.log10(), format!("{t}"))));
    let in_log = |t_s: f64, force_n: f64| (t_s.log10(), force_n);
    for (run, colour) in names.iter().filter(|r| r.value < 1.0).zip(COLOURS) {
        let seen = |p: &(f64, f64)| p.0 >= -1.6 && p.0 <= 1.6;
        let ours: Vec<_> = run
            .ours
            .iter()
            .map(|m| in_log(m.t_s, m.force_n))
            .filter(seen)
            .collect();
        let theirs: Vec<_> = run
            .theirs
            .iter()
            .map(|p| in_log(p[0], p[2]))
            .filter(seen)
            .collect();
        chart = chart.line(&ours, colour, 1.6).dots(&theirs, colour, 2.8);
        sheet = sheet.key(Mark::Dot(colour), run.name());
    }
    sheet.put(chart);

    let sines: Vec<&MotionRun> = runs
        .iter()
        .filter(|r| r.file == "halfsine_sphere")
        .collect();
    let mut chart = panel(
        "Half a sine to 6 mm, in and out",
        ("depth, mm", 0.0, 6.2),
        ("force, N", 0.0, end(&sines)),
    );
    let [slow, fast] = [|a: f64, b: f64| a.min(b), |a: f64, b: f64| a.max(b)];
    let values = sines.iter().map(|r| r.value);
    let chosen = [
        values.clone().fold(f64::INFINITY, slow),
        values.fold(0.0, fast),
    ];
    let mine = |r: &&&MotionRun| chosen.contains(&r.value);
    for (run, colour) in sines.iter().filter(mine).zip(COLOURS) {
        let ours: Vec<_> = run
            .ours
            .iter()
            .map(|m| (1e3 * m.depth_m, m.force_n))
            .collect();
        let theirs: Vec<_> = run.theirs.iter().map(|p| (1e3 * p[1], p[2])).collect();
        chart = chart.line(&ours, colour, 1.6).dots(&theirs, colour, 2.6);
        sheet = sheet.key(Mark::Dot(colour), run.name());
    }
    sheet.put(chart);
    sheet.svg()
}
