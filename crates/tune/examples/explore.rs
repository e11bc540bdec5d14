use std::sync::Mutex;
use std::time::Instant;
use tune::*;
struct P(Mutex<(Instant, &'static str)>);
impl Progress for P {
    fn begin(&self, p: &'static str, n: u64) {
        let mut g = self.0.lock().unwrap();
        eprintln!("{:?} {} -> {p} {n}", g.0.elapsed(), g.1);
        *g = (Instant::now(), p);
    }
    fn tick(&self) {}
    fn stop_asked(&self) -> bool {
        false
    }
}
fn main() {
    let sets: Vec<(String, String)> = std::env::args()
        .skip(1)
        .map(|a| {
            let (k, v) = a.split_once('=').unwrap();
            (k.to_string(), v.to_string())
        })
        .collect();
    let study = scene::load_study(
        std::path::Path::new("scenes/studies/chair_shiatsu.toml"),
        &sets,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let t0 = Instant::now();
    let tuned = tune(&study, 0, &P(Mutex::new((Instant::now(), "")))).unwrap();
    println!("total {:?}", t0.elapsed());
    let mut j = tuned.held_out.clone();
    let shares = std::mem::take(&mut j.shares);
    j.profiles.clear();
    for v in std::mem::take(&mut j.violations) {
        println!(
            "VIOL {:?} {:?}{:?} {:.2} class {} u {:.2} L{}",
            v.technique, v.limit, v.zone, v.load, v.class, v.u, v.level
        );
    }
    println!("{j:?}");
    println!(
        "tuning share {} constant {:?}",
        tuned.tuning_share, tuned.constant_m
    );
    for t in &tuned.techniques {
        for l in 1..=5u8 {
            let v: Vec<String> = shares
                .iter()
                .filter(|s| s.technique == *t && s.level == l)
                .map(|s| format!("{:.2}/{:.2}/{:.2}", s.tuned, s.constant, s.oracle))
                .collect();
            println!("{t:?} L{l} {}", v.join(" "));
        }
    }
    for t in 0..tuned.techniques.len() {
        for c in [0, 4, 8] {
            for l in [0, 2, 4] {
                println!(
                    "{:?} class {c} L{} {}",
                    tuned.techniques[t],
                    l + 1,
                    (0..tuned.stations.len())
                        .map(|s| {
                            let x = &tuned.cells[tuned.index(t, c, s, l)];
                            format!(
                                "{:.0}{}{}/{:.0}%{}",
                                x.depth_m * 1e3,
                                if x.cap_limited { "c" } else { "" },
                                if x.infeasible { "X" } else { "" },
                                x.share * 100.,
                                x.binding
                                    .map(|b| if x.load > 0.88 {
                                        format!("{:?}{:?}", b.limit, b.zone)
                                    } else {
                                        String::new()
                                    })
                                    .unwrap_or_default()
                            )
                        })
                        .collect::<Vec<_>>()
                        .join(" ")
                );
            }
        }
    }
    for r in &tuned.replays {
        println!(
            "replay class {} level {} share {:.2} contact {:.0}s viol {} {:?} force rms {:.1} track {:.2}mm fault {:?}",
            r.class,
            r.level,
            r.band_share,
            r.contact_s,
            r.cap_violations,
            r.violations,
            r.force_rms_error_n,
            r.worst_tracking_m * 1e3,
            r.fault
        );
    }
}
