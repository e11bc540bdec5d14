use nalgebra::*;
use sim::*;
fn main() {
    let loaded = scene::load(std::path::Path::new("scenes/chair.toml"), &[])
        .unwrap_or_else(|e| panic!("{e}"));
    let scene = loaded.scene;
    let kin = mechanism::Kinematics::new(&scene.mechanism).unwrap();
    for cell in [0.004, 0.003, 0.002] {
        let basis = Bed::basis(cell);
        let sub = Subject::new(
            &scene,
            &scene.body,
            &kin,
            &basis,
            &back::Envelope::new(&scene.conditions).unwrap(),
        )
        .unwrap();
        for (tol, rounds) in [(2e-3, 12), (5e-3, 12), (5e-3, 4), (1e-2, 3), (1e-4, 60)] {
            let law = NodeLaw {
                shape: scene.mechanism.nodes[0].shape,
                cover: Some(tissue::Cover {
                    thickness_m: 0.015,
                    e_pa: 25e3,
                    densify_strain: 0.75,
                }),
                stiffness_n_m: 3e4,
                friction: [0.05, 0.3],
                effort: tissue::Effort {
                    tolerance: tol,
                    products_max: 300,
                    rounds_max: rounds,
                },
            };
            let mut touch = Touch::new(law, &sub.bed);
            let foot = sub
                .bed
                .place([
                    sub.bed.row_of(0.5),
                    (sub.bed.size()[1] / 2) as f64 + 0.045 / cell,
                ])
                .unwrap();
            let mut out = String::new();
            let t = std::time::Instant::now();
            for i in 1..10 {
                let depth = i as f64 * 0.005;
                let before = touch.products();
                let c = foot.point + foot.normal.into_inner() * (0.025 + 0.015 - depth);
                let f = touch.press(
                    &sub.bed,
                    &Isometry3::from_parts(
                        Translation3::from(c.coords),
                        UnitQuaternion::identity(),
                    ),
                );
                out += &format!(" {:.2}N({})", f.force_n, touch.products() - before);
            }
            println!(
                "cell {cell} tol {tol} rounds {rounds}: {out} {:?}",
                t.elapsed()
            );
        }
    }
}
