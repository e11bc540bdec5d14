//! The page: words around figures that are computed.

use crate::agreement::{self, Errors, FiniteRow};
use crate::pictures::Finite;

pub fn text(finite: &Finite) -> String {
    let all: Vec<Errors> = [
        agreement::bonded_layer(),
        agreement::kappa(),
        agreement::layered_stack(),
        agreement::layered_on_the_automatic_grid(),
        agreement::layered_on_2_mm_cells(),
        agreement::finite_strain(),
        agreement::finite_strain_on_random_stacks(),
        agreement::pairs(),
        agreement::shaped_nodes(),
        agreement::hold(),
        agreement::ramp_and_hold(),
        agreement::half_sine(),
        agreement::followed(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let outside = outside(finite);
    include_str!("page.md")
        .replace("{table}", &table(&all))
        .replace("{beyond}", &table(&outside))
}

/// Where nothing is promised.
fn outside(finite: &Finite) -> Vec<Errors> {
    let rows: Vec<&FiniteRow> = finite
        .set_3
        .iter()
        .filter(|r| !r.within())
        .chain(&finite.beyond)
        .collect();
    let within_radius = |r: &FiniteRow| r.depth_over_radius <= 1.0;
    let pick = |what, of: &dyn Fn(&FiniteRow) -> bool| {
        let mut force = Errors::new("3, 7", what);
        for row in rows.iter().filter(|r| of(r)) {
            let name = format!(
                "{} depth/T {:.3}, depth/R {:.2}",
                row.case, row.eta, row.depth_over_radius
            );
            force.put(&name, row.force);
        }
        force
    };
    let found = vec![
        pick("force, depth/T 0.4 to 0.5, depth to R", &|r| {
            within_radius(r) && r.eta <= 0.501
        }),
        pick("force, depth/T 0.5 to 0.6, depth to R", &|r| {
            within_radius(r) && r.eta > 0.501 && r.eta <= 0.601
        }),
        pick("force, depth/T 0.6 to 0.7, depth to R", &|r| {
            within_radius(r) && r.eta > 0.601
        }),
        pick("force, depth R to 1.5 R, to 0.6 of the thickness", &|r| {
            !within_radius(r) && r.depth_over_radius <= 1.5 && r.eta <= 0.601
        }),
        pick(
            "force, depth 1.5 R to 2 R, or R and more at over 0.6 of the thickness",
            &|r| !within_radius(r) && (r.depth_over_radius > 1.5 || r.eta > 0.601),
        ),
    ];
    found.into_iter().filter(|e| e.rows() > 0).collect()
}

fn table(all: &[Errors]) -> String {
    let mut lines = vec![
        "| set | what | rows | median | worst | asked | where the worst is |".to_string(),
        "|---|---|---|---|---|---|---|".to_string(),
    ];
    for e in all {
        let (worst, name) = e.largest();
        let bar =
            |word: &str, bar: Option<f64>| bar.map(|b| format!("{word} {} %", short(100.0 * b)));
        let asked: Vec<String> = [bar("median", e.median_bar), bar("worst", e.worst_bar)]
            .into_iter()
            .flatten()
            .collect();
        lines.push(format!(
            "| {} | {} | {} | {:.2} % | {:+.2} % | {} | {name} |",
            e.set,
            e.what,
            e.rows(),
            100.0 * e.middle(),
            100.0 * worst,
            match (asked.is_empty(), e.passes()) {
                (true, _) => "nothing".into(),
                (false, true) => asked.join(", "),
                (false, false) => format!("{}: **missed**", asked.join(", ")),
            }
        ));
    }
    lines.join("\n")
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}
