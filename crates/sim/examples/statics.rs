use mechanism::Drive;
use sim::*;
use std::sync::Arc;
fn main() {
    let loaded = scene::load(std::path::Path::new("scenes/chair.toml"), &[])
        .unwrap_or_else(|e| panic!("{e}"));
    let scene = Arc::new(loaded.scene);
    let kin = Arc::new(mechanism::Kinematics::new(&scene.mechanism).unwrap());
    let basis = Bed::basis(scene.solver.cell_m);
    let coarse = Bed::basis(0.004);
    let env = back::Envelope::new(&scene.conditions).unwrap();
    let subject = Arc::new(
        Subject::new(
            &scene,
            &scene.body,
            &kin,
            &basis,
            &back::Envelope::new(&scene.conditions).unwrap(),
        )
        .unwrap(),
    );
    let t = std::time::Instant::now();
    let csub = Subject::new(
        &scene,
        &scene.body,
        &kin,
        &coarse,
        &back::Envelope::new(&scene.conditions).unwrap(),
    )
    .unwrap();
    println!("csub {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let st = Statics::new(&scene, &csub, &kin);
    println!("statics coarse {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let fine = Statics::new(&scene, &subject, &kin);
    println!("statics fine {:?}", t.elapsed());
    for u in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] {
        for p in [0.03, 0.045, 0.06] {
            let d = Drive {
                walk_m: subject.placement.walk_m(u),
                protrude_m: p,
                knead_rad: (-33f64).to_radians(),
                tap_rad: 0.0,
            };
            let t = std::time::Instant::now();
            let r = st.rest(&csub, &d, 1.0, &Rest::default()).unwrap();
            let e = t.elapsed();
            let f = fine.rest(&subject, &d, 1.0, &Rest::default()).unwrap();
            match (r, f) {
                (Some(r), Some(f)) => println!(
                    "u {u} p {p} F {:.1} {:.1} | fine {:.1} {:.1} A {:.1} {:.1} cm2 pk {:.0} {:.0} depth {:.1} {:.1} rock {:.1} lean {:.1}mm {:.2}deg mid {:.1} {:?} u {:.2} x {:.0} z {:?}",
                    r.contacts[0].force_n,
                    r.contacts[1].force_n,
                    f.contacts[0].force_n,
                    f.contacts[1].force_n,
                    r.contacts[0].area_m2 * 1e4,
                    r.contacts[1].area_m2 * 1e4,
                    r.contacts[0].peak_pa / 1e3,
                    r.contacts[1].peak_pa / 1e3,
                    r.contacts[0].depth_m * 1e3,
                    r.contacts[1].depth_m * 1e3,
                    r.rocker_rad.to_degrees(),
                    r.lean.y_m * 1e3,
                    r.lean.pitch_rad.to_degrees(),
                    r.contacts[0].barred_peak_pa / 1e3,
                    e,
                    r.contacts[0].u,
                    r.contacts[0].x_m * 1e3,
                    [0, 1].map(|i| subject.back.zone(r.contacts[i].u, r.contacts[i].x_m).zone)
                ),
                x => println!("u {u} p {p} {:?} {e:?}", x.0.is_some()),
            }
        }
    }
    let _ = env;
}
