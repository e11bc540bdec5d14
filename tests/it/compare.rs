//! Promise: a log is laid over the run that it belongs to, in time and place, and what is told of the difference is what was
//! put there. The logs here are made from a run itself by arithmetic of their own: no mat has been measured yet.

use crate::seat::{only, scene, seat};
use program::{Step, Technique};
use sim::{Grid, MapFrame, Movie, Trace, record_maps};
use std::sync::OnceLock;
use tune::{
    Alignment, Known, MapAgreement, Pair, Pose, Signal, align, currents_agree, maps_agree,
    seen_by_mat, time_matches,
};

/// A press and a roll on the slab, about 8 s: 200 rows and 100 maps a second.
fn run() -> &'static Trace {
    static RUN: OnceLock<Trace> = OnceLock::new();
    RUN.get_or_init(|| {
        let sets = [
            ("timing.press_ramp_s", "1"),
            ("timing.release_ramp_s", "0.5"),
        ];
        let mut slab = scene("checks/slab.toml", &sets);
        slab.session = only(Technique::Press, 0.5, 0.3, 1.0);
        let roll = Step {
            technique: Technique::Roll,
            to_u: 0.56,
            ..slab.session.steps[0]
        };
        slab.session.steps.push(roll);
        record_maps(&mut seat(&slab), 200.0, 100.0, &mut |_, _| true)
    })
}

fn movie() -> &'static Movie {
    run().movie.as_ref().unwrap()
}

/// What `run` keeps: every fourth map, and the force of every fourth row.
fn kept() -> (Signal, Movie) {
    let rows = || run().rows.iter().step_by(4);
    let force = Signal {
        t_s: rows().map(|r| r.t_s).collect(),
        values: rows().map(|r| r.force_n.iter().sum()).collect(),
    };
    let kept = Movie {
        grid: movie().grid,
        frames: movie().frames.iter().step_by(4).cloned().collect(),
    };
    (force, kept)
}

/// Numbers around 0 with a standard deviation of 1: the sum of twelve even ones, less six (Irwin and Hall), from the
/// congruential generator of Knuth's MMIX.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        }
        sum
    }
}

/// A mat of 10 mm that lies somewhere: 20 frames a second from maps that the run did not keep, each cell of the run cut
/// into 8 x 8 pieces, each piece given to the cell of the mat that its middle lies in. `pose` is what alignment must find.
fn mat_log(pose: &Pose, reading: &mut dyn FnMut(f64) -> f64) -> Movie {
    const PITCH_M: f64 = 0.010;
    const SIDE: usize = 26;
    let run = movie();
    let middle = run.grid.middle_m();
    let half = 0.5 * (SIDE as f64 - 1.0);
    let grid = Grid {
        rows: SIDE,
        columns: SIDE,
        first_m: middle.map(|m| m - half * PITCH_M),
        pitch_m: [PITCH_M; 2],
    };
    let frames = run.frames.iter().skip(2).step_by(5).map(|frame| {
        let mut pa = vec![0.0; grid.len()];
        for (cell, p) in &frame.cells {
            let at = run.grid.centre_m(*cell);
            for piece in 0..64 {
                let part =
                    [piece % 8, piece / 8].map(|k| (k as f64 - 3.5) / 8.0 * run.grid.pitch_m[0]);
                let away = [0, 1].map(|i| at[i] + part[i] - pose.shift_m[i] - middle[i]);
                let (sin, cos) = pose.turn_rad.sin_cos();
                let on_mat = [cos * away[0] + sin * away[1], cos * away[1] - sin * away[0]];
                let [column, row] = on_mat.map(|m| (m / PITCH_M + half).round());
                if column >= 0.0 && row >= 0.0 && column < SIDE as f64 && row < SIDE as f64 {
                    let share = run.grid.cell_m2() / 64.0 / grid.cell_m2();
                    pa[row as usize * SIDE + column as usize] += share * f64::from(*p);
                }
            }
        }
        let cells = (0u32..).zip(pa).filter(|c| c.1 > 0.0);
        MapFrame {
            t_s: frame.t_s - pose.shift_s,
            cells: cells.map(|(cell, p)| (cell, reading(p) as f32)).collect(),
        }
    });
    Movie {
        grid,
        frames: frames.collect(),
    }
}

fn laid(log: &Movie, known: &Known) -> (Alignment, MapAgreement) {
    let (force, run) = kept();
    let alignment = align(&force, &run, log, known).expect("run and log meet");
    let seen = seen_by_mat(&run, log, &alignment.pose);
    let pairs: Vec<Pair<'_>> = seen
        .iter()
        .map(|(i, run)| Pair {
            run,
            log: &log.frames[*i],
        })
        .collect();
    let agreement = maps_agree(&log.grid, &pairs, 2e3);
    println!("{:?}\n{:?}\n{agreement:?}", alignment.pose, alignment.error);
    (alignment, agreement)
}

/// A map's pressure sums to the nodes' force of that moment, between two solves too. Kept in single precision: 1e-6.
#[test]
fn val_maps_sum_to_the_force_of_the_nodes() {
    let mut loaded = 0;
    for (frame, row) in movie().frames.iter().zip(run().rows.iter().step_by(2)) {
        assert_eq!(frame.t_s, row.t_s);
        let force_n: f64 = row.force_n.iter().sum();
        let map_n = frame.force_n(&movie().grid);
        assert!(
            (map_n - force_n).abs() <= 1e-6 * force_n,
            "{map_n} {force_n} at {} s",
            row.t_s
        );
        loaded += usize::from(force_n > 5.0);
    }
    assert!(loaded > 200, "{loaded} maps under load prove little");
}

/// Time is found to a tenth of the log's sample (5 ms), place to 0.3 mm (asked: 1 mm), under noise of 1 kPa on all cells over
/// 4 kPa. What is left over is that noise: its root mean square to 5 %, since linear interpolation between maps 40 ms apart
/// and pieces of half a millimetre add a tenth of it or two, in quadrature. No rival comes near.
#[test]
fn val_a_shifted_noisy_log_is_laid_back() {
    let pose = Pose {
        shift_s: 2.413,
        shift_m: [0.0133, -0.0227],
        turn_rad: 0.0,
    };
    let mut noise = Noise(7);
    let (mut squares, mut cells) = (0.0, 0);
    let log = mat_log(&pose, &mut |p| {
        let e = if p > 4e3 { 1e3 * noise.next() } else { 0.0 };
        if p >= 2e3 {
            squares += e * e;
            cells += 1;
        }
        p + e.max(1.0 - p)
    });
    let (alignment, agreement) = laid(&log, &Known::default());
    assert!((alignment.pose.shift_s - pose.shift_s).abs() < 0.005);
    for i in 0..2 {
        assert!((alignment.pose.shift_m[i] - pose.shift_m[i]).abs() < 3e-4);
    }
    assert!(alignment.doubts().is_empty());
    let put_kpa = 1e-3 * (squares / cells as f64).sqrt();
    let ratio = agreement.map.rms_kpa / put_kpa;
    assert!((ratio - 1.0).abs() < 0.05, "{ratio} of {put_kpa} kPa");
    // The noise of N cells of 1 cm^2 in a frame: 0.1 N times the root of N, here 40 to 80; no bias.
    assert!(
        (0.3..1.2).contains(&agreement.force.rms_n),
        "{}",
        agreement.force.rms_n
    );
    assert!(
        agreement.force.bias_n.abs() < 0.1 && (agreement.force.gain.unwrap() - 1.0).abs() < 0.003
    );
}

/// A mat that reads 10 % high: alignment does not mind, the gain is told to half a percent, and nothing takes it off.
#[test]
fn val_a_gain_is_told_and_not_applied() {
    let pose = Pose {
        shift_s: -0.7,
        shift_m: [-0.004, 0.031],
        turn_rad: 0.0,
    };
    let (alignment, agreement) = laid(&mat_log(&pose, &mut |p| 1.1 * p), &Known::default());
    assert!((alignment.pose.shift_s - pose.shift_s).abs() < 0.005);
    assert!(
        (agreement.force.gain.unwrap() - 1.1).abs() < 0.005
            && (agreement.map.gain.unwrap() - 1.1).abs() < 0.005
    );
    let share = agreement.force.bias_n / agreement.force.mean_run_n;
    assert!((share + 0.1).abs() < 0.005, "{share}");
    assert!(agreement.map.rms_without_gain_kpa < 0.2 * agreement.map.rms_kpa);
}

/// A mat that lies 5 degrees askew is turned back to 0.3 degrees, where that is asked for; the shift stays good to 1 mm.
#[test]
fn val_a_turned_mat_is_turned_back() {
    let pose = Pose {
        shift_s: 0.2,
        shift_m: [0.008, 0.005],
        turn_rad: f64::to_radians(5.0),
    };
    let known = Known {
        turn: true,
        ..Known::default()
    };
    let (alignment, _) = laid(&mat_log(&pose, &mut |p| p), &known);
    assert!((alignment.pose.turn_rad - pose.turn_rad).to_degrees().abs() < 0.3);
    for i in 0..2 {
        assert!((alignment.pose.shift_m[i] - pose.shift_m[i]).abs() < 1e-3);
    }
}

/// What is known is not touched, and has no error.
#[test]
fn pinned_shifts_stay() {
    let pose = Pose {
        shift_s: 0.5,
        shift_m: [0.0, 0.01],
        turn_rad: 0.0,
    };
    let known = Known {
        shift_s: Some(0.45),
        shift_m: Some([0.002, 0.01]),
        turn: false,
    };
    let (alignment, _) = laid(&mat_log(&pose, &mut |p| p), &known);
    assert_eq!(alignment.pose.shift_s, 0.45);
    assert_eq!(alignment.pose.shift_m, [0.002, 0.01]);
    assert_eq!(alignment.error, Pose::default());
}

/// Currents of walk and protrusion, logged at 67 Hz with a clock 0.37 s off and noise of 20 mA. Currents jump, and of a jump
/// between two rows of the run (20 ms apart) nobody knows where it was, so the shift is good to a quarter of a row. What is
/// left over is those jumps and, in quadrature, the noise.
#[test]
fn val_a_shifted_current_log_is_laid_back() {
    let signal = |motor: usize, every: usize, shift_s: f64, noise: &mut dyn FnMut() -> f64| {
        let rows = || run().rows.iter().step_by(every);
        Signal {
            t_s: rows().map(|r| r.t_s - shift_s).collect(),
            values: rows().map(|r| r.current_a[motor] + noise()).collect(),
        }
    };
    let mut noise = Noise(11);
    for motors in [&[0, 2][..], &[0], &[2]] {
        let pairs: Vec<[Signal; 3]> = motors
            .iter()
            .map(|&motor| {
                [
                    signal(motor, 4, 0.0, &mut || 0.0),
                    signal(motor, 3, 0.37, &mut || 0.02 * noise.next()),
                    signal(motor, 3, 0.37, &mut || 0.0),
                ]
            })
            .collect();
        let lent: Vec<(&Signal, &Signal)> = pairs.iter().map(|[run, log, _]| (run, log)).collect();
        let found = time_matches(&lent);
        println!("{found:?}");
        assert!((found[0].shift_s - 0.37).abs() < 0.007, "{motors:?}");
        assert!(found.iter().skip(1).all(|rival| rival.correlation < 0.6));
        for [run, log, clean] in &pairs {
            let there: Vec<f64> = log
                .t_s
                .iter()
                .map(|t| run.at(t + found[0].shift_s))
                .collect();
            let agreement = currents_agree(&there, &log.values);
            let jumps = currents_agree(&there, &clean.values);
            assert!(agreement.bias_a.abs() < 0.005 && agreement.correlation.unwrap() > 0.9);
            // Of 500 samples the noise's own spread is known to 3 %, and 5 % is asked.
            let wanted = jumps.rms_a.hypot(0.02);
            assert!(
                (agreement.rms_a / wanted - 1.0).abs() < 0.05,
                "{agreement:?}"
            );
        }
    }
}
