use sim::*;
use std::sync::Arc;
fn main() {
    let path = std::env::args()
        .nth(1)
        .unwrap_or("scenes/chair.toml".into());
    let sets: Vec<(String, String)> = std::env::args()
        .skip(2)
        .map(|a| {
            let (k, v) = a.split_once('=').unwrap();
            (k.to_string(), v.to_string())
        })
        .collect();
    let loaded = scene::load(std::path::Path::new(&path), &sets).unwrap_or_else(|e| panic!("{e}"));
    let scene = Arc::new(loaded.scene);
    let t = std::time::Instant::now();
    let kin = Arc::new(mechanism::Kinematics::new(&scene.mechanism).unwrap());
    let basis = Bed::basis(scene.solver.cell_m);
    println!("basis {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let b = back::Back::new(&scene.body).unwrap();
    println!("back {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let s = Support::new(&b, &scene.chair, kin.curve());
    println!(
        "support {:?} pad at rest {:?} load {:?}",
        t.elapsed(),
        s.pad(&s.machine_from_back(&Lean::default())),
        s.load(&Lean::default())
    );
    let t = std::time::Instant::now();
    let bed = Bed::of_back(&b, &basis, 0.13);
    println!(
        "bed {:?} {:?} creep {:?}",
        t.elapsed(),
        bed.size(),
        bed.creep()
    );
    let t = std::time::Instant::now();
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
    println!(
        "subject {:?} placement {:?}..{:?}",
        t.elapsed(),
        subject.placement.walk_at.first(),
        subject.placement.walk_at.last()
    );
    let pose = s.machine_from_back(&Lean::default());
    for i in 0..=11 {
        let u = i as f64 * 0.1;
        let p = pose * b.point(u, 0.041);
        let c = kin.curve().pose(kin.curve().s_at_z(p.z));
        println!(
            "u {u:.1} skin y {:.1} z {:.1} track y {:.1} gap-to-pad {:.1} thick {:?} zone {:?}",
            p.y * 1e3,
            p.z * 1e3,
            c.y_m * 1e3,
            (p.y - c.y_m - scene.chair.pad.offset_m) * 1e3,
            b.thickness(u, 0.041),
            b.zone(u, 0.041).zone
        );
    }
    struct D(f64);
    impl program::DepthMap for D {
        fn protrude_m(&self, _: program::Technique, _: f64, _: u8) -> f64 {
            self.0
        }
    }
    let limits = program::AxisLimits::of(&scene.mechanism);
    let depth = std::env::var("DEPTH")
        .ok()
        .map(|d| d.parse::<f64>().unwrap() * 1e-3)
        .unwrap_or(0.04);
    let tl = program::compile(
        &scene.session,
        &scene.timing,
        &subject.placement,
        &D(depth),
        &limits,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    println!("duration {}", tl.duration_s());
    let env = back::Envelope::new(&scene.conditions).unwrap();
    let mut sim = Sim::new(scene.clone(), subject, kin, tl, env).unwrap();
    let t = std::time::Instant::now();
    let mut n = 0u64;
    let mut cells = 0;
    let mut touch = 0;
    while !sim.is_done() {
        let f = sim.step().unwrap_or_else(|e| panic!("{e}")).clone();
        n += 1;
        for c in &f.contacts {
            if c.cells > 0 {
                cells += c.cells;
                touch += 1;
            }
        }
        if n % 250 == 0 {
            println!(
                "t {:.1} {:?} {:?} u {:.2} prot {:.1}/{:.1} F {:?} pk {:?} x {:.0} zones {:?} rock {:.1} lean y {:.1} z {:.1} p {:.2}deg pad {:.0} I {:?} dep {:?}",
                f.t_s,
                f.command.technique,
                f.command.phase,
                f.command.u,
                f.drive.protrude_m * 1e3,
                f.command.protrude_m * 1e3,
                f.contacts.map(|c| (c.force_n * 10.).round() / 10.),
                f.contacts.map(|c| (c.peak_pa / 1e3).round()),
                f.contacts[2].x_m * 1e3,
                &f.zones[2..],
                f.rocker_rad[1].to_degrees(),
                f.lean.y_m * 1e3,
                f.lean.z_m * 1e3,
                f.lean.pitch_rad.to_degrees(),
                f.pad_n,
                f.current_a.map(|c| (c * 100.).round() / 100.),
                f.contacts.map(|c| (c.depth_m * 1e3).round())
            );
        }
    }
    let el = t.elapsed().as_secs_f64();
    println!(
        "steps {n} {:.1} us/step realtime x{:.1} cells/patch {:.0} products/step {:.2}",
        el / n as f64 * 1e6,
        sim.frame().t_s / el,
        cells as f64 / touch.max(1) as f64,
        (0..4).map(|i| sim.touch(i).products()).sum::<usize>() as f64 / n as f64
    );
    println!("violations {:#?}", sim.violations());
}
