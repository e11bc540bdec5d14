//! Promise: the same input gives the same bits, run after run, on any number of threads.

use crate::seat::{only, scene, seat, small_study};
use program::{Step, Technique};
use sim::{Trace, record};
use tune::{Silent, tune};

/// The chair presses, then rolls, 5 s in all: every number of every row, the map and the peaks, bit for bit.
#[test]
fn regress_same_scene_same_bits() {
    let run = || {
        let mut chair = scene(
            "chair.toml",
            &[("timing.press_ramp_s", "1"), ("timing.release_ramp_s", "1")],
        );
        let press = only(Technique::Press, 0.6, 0.2, 1.0);
        let roll = Step {
            technique: Technique::Roll,
            to_u: 0.65,
            ..press.steps[0]
        };
        chair.session.steps = vec![press.steps[0], roll];
        chair.depth.protrude_m = [0.070; 5];
        record(&mut seat(&chair), 200.0, &mut |t_s, _| t_s < 5.0)
    };
    let (one, two) = (run(), run());
    assert!(
        one.rows.iter().any(|r| r.force_n.iter().any(|f| *f > 5.0)),
        "a run without contact proves little"
    );
    let (one, two) = (bits(&one), bits(&two));
    assert!(one.len() > 10_000);
    let differ = one.iter().zip(&two).position(|(a, b)| a != b);
    assert_eq!((one.len(), differ), (two.len(), None));
}

/// A small study on one thread and on two: the same text, to the last digit of every number.
#[test]
fn regress_same_study_on_one_and_two_threads() {
    let study = small_study(&[]);
    let run = |jobs: usize| serde_json::to_string(&tune(&study, jobs, &Silent).unwrap()).unwrap();
    let (one, two) = (run(1), run(2));
    assert!(one.len() > 10_000);
    // Not assert_eq: nobody wants to read both.
    let differ = one.bytes().zip(two.bytes()).position(|(a, b)| a != b);
    let around = differ.map(|i| (&one[i.saturating_sub(60)..(i + 60).min(one.len())], i));
    assert!(one == two, "{around:?}");
}

/// Every number of a trace.
fn bits(trace: &Trace) -> Vec<u64> {
    let mut out = Vec::new();
    for r in &trace.rows {
        let scalars = [
            r.t_s,
            r.walk_m,
            r.protrude_m,
            r.knead_rad,
            r.command_walk_m,
            r.command_protrude_m,
            r.command_knead_rad,
            r.station,
            r.lean_y_m,
            r.lean_z_m,
            r.lean_pitch_rad,
            r.pad_n,
        ];
        let nodes = [
            r.force_n, r.peak_pa, r.area_m2, r.depth_m, r.u, r.x_m, r.fraction,
        ];
        out.extend(
            scalars
                .iter()
                .chain(nodes.iter().flatten())
                .chain(&r.current_a)
                .chain(&r.rocker_rad)
                .map(|v| v.to_bits()),
        );
    }
    out.extend(
        trace
            .map
            .peak_pa
            .iter()
            .chain(&trace.map.dose_pa_s)
            .map(|v| v.to_bits()),
    );
    out.extend(
        trace
            .nodes
            .iter()
            .flat_map(|n| [n.force_n, n.peak_pa])
            .map(f64::to_bits),
    );
    out
}
