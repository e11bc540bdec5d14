use mechanism::Drive;
use nalgebra::*;
use sim::*;
use std::sync::Arc;
fn main() {
    let loaded = scene::load(std::path::Path::new("scenes/chair.toml"), &[])
        .unwrap_or_else(|e| panic!("{e}"));
    let scene = Arc::new(loaded.scene);
    let kin = Arc::new(mechanism::Kinematics::new(&scene.mechanism).unwrap());
    let env = back::Envelope::new(&scene.conditions).unwrap();
    let body = back::Classes::default_3x3().sample(6, 2, 8).remove(0);
    println!("{body:?}");
    for (cell) in [0.004, 0.002] {
        let basis = Bed::basis(cell);
        let sub = Subject::new(&scene, &body, &kin, &basis, &env).unwrap();
        let st = Statics::new(&scene, &sub, &kin);
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
                tolerance: 1e-3,
                products_max: 300,
                rounds_max: 30,
            },
        };
        for u in [0.80, 0.82, 0.84, 0.85, 0.86, 0.88, 0.90] {
            for p in [0.06, 0.07, 0.075] {
                let d = Drive {
                    walk_m: sub.placement.walk_m(u),
                    protrude_m: p,
                    knead_rad: 0.0,
                    tap_rad: 0.0,
                };
                if let Some(r) = st.rest(&sub, &d, 1.0, &Rest::default()).unwrap() {
                    // exact press at same place
                    let pose = sub
                        .support
                        .as_ref()
                        .unwrap()
                        .machine_from_back(&r.lean)
                        .inverse();
                    let side = kin.sides(&d).unwrap()[1];
                    let f: Vec<String> = (0..2)
                        .map(|i| {
                            let c = pose * (side.pivot * kin.node_in_pivot(i, r.rocker_rad));
                            let mut t = Touch::new(law, &sub.bed);
                            let k = t.press(
                                &sub.bed,
                                &Isometry3::from_parts(c.coords.into(), UnitQuaternion::identity()),
                            );
                            format!(
                                "{:.1}({:.1}) pk {:.0}({:.0}) thick {:.0}",
                                r.contacts[i].force_n,
                                k.force_n,
                                r.contacts[i].peak_pa / 1e3,
                                k.peak_pa / 1e3,
                                sub.back.thickness(k.u, k.x_m).total_m() * 1e3
                            )
                        })
                        .collect();
                    println!(
                        "cell {cell} u {u} p {p} {} u {:.2} {:.2} x {:.0} {:.0} z {:?}",
                        f.join(" | "),
                        r.contacts[0].u,
                        r.contacts[1].u,
                        r.contacts[0].x_m * 1e3,
                        r.contacts[1].x_m * 1e3,
                        [0, 1].map(|i| sub.back.zone(r.contacts[i].u, r.contacts[i].x_m).zone)
                    );
                }
            }
        }
    }
}
