use back::*;
use mechanism::Drive;
use sim::*;
use std::sync::Arc;
fn main() {
    let loaded = scene::load(std::path::Path::new("scenes/chair.toml"), &[])
        .unwrap_or_else(|e| panic!("{e}"));
    let scene = Arc::new(loaded.scene);
    let kin = Arc::new(mechanism::Kinematics::new(&scene.mechanism).unwrap());
    let coarse = Bed::basis(0.004);
    let env = back::Envelope::new(&scene.conditions).unwrap();
    let base = Body::mean(Sex::Male, 1.69, 25.5, 40.0);
    let mut list: Vec<(String, Body)> = vec![("base".into(), base.clone())];
    macro_rules! z {
        ($f:ident) => {
            for s in [-1.0, 1.0] {
                let mut b = base.clone();
                b.$f = s;
                list.push((format!("{} {s}", stringify!($f)), b));
            }
        };
    }
    z!(back_length_z);
    z!(girth_z);
    z!(breadth_z);
    z!(kyphosis_z);
    z!(lordosis_z);
    z!(fat_z);
    z!(muscle_z);
    z!(modulus_z);
    for s in [1.65, 1.73] {
        let mut b = base.clone();
        b.stature_m = s;
        list.push((format!("stature {s}"), b));
    }
    for s in [24.6, 26.4] {
        let mut b = base.clone();
        b.bmi_kg_m2 = s;
        list.push((format!("bmi {s}"), b));
    }
    for s in [20., 64.] {
        let mut b = base.clone();
        b.age_yr = s;
        list.push((format!("age {s}"), b));
    }
    {
        let b = Body::mean(Sex::Female, 1.69, 25.5, 40.0);
        list.push(("female".into(), b));
    }
    for (name, body) in &list {
        let sub = Subject::new(&scene, body, &kin, &coarse, &env).unwrap();
        let st = Statics::new(&scene, &sub, &kin);
        let mut out = String::new();
        for u in [0.12, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88] {
            let f = |p: f64| {
                let d = Drive {
                    walk_m: sub.placement.walk_m(u),
                    protrude_m: p,
                    knead_rad: (-33f64).to_radians(),
                    tap_rad: 0.0,
                };
                st.rest(&sub, &d, 1.3, &Rest::default()).unwrap()
            };
            let r = f(0.062).unwrap();
            // touch protrusion: total 2-node force 15 N
            let (mut lo, mut hi) = (0.0, 0.09);
            for _ in 0..30 {
                let m = 0.5 * (lo + hi);
                if f(m).map_or(99.0, |r| r.contacts[0].force_n + r.contacts[1].force_n) > 15.0 {
                    hi = m
                } else {
                    lo = m
                }
            }
            let q = f(hi + 0.020);
            out += &format!(
                " {:4.0}({:2.0}mm,{:3.0})",
                r.contacts[0].force_n + r.contacts[1].force_n,
                hi * 1e3,
                q.map_or(0.0, |q| q.contacts[0].force_n + q.contacts[1].force_n)
            );
        }
        println!("{name:18} {out}");
    }
}
