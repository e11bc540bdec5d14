//! Pins the wobble's path, track and loads of the reference design to numbers computed outside this crate.
//! The test vectors were computed from the same published equations by a separate program (bisection for the spin).

use std::f64::consts::{PI, TAU};

use mechanism::{Drive, Hand, Kinematics, LoopOpen, Mechanism, Track, TrackCurve};
use nalgebra::{Point3, Vector3};

fn reference() -> Kinematics {
    Kinematics::new(&Mechanism::reference()).expect("the reference design closes")
}

/// theta deg; no-spin pivot; spin deg; pivot with the rod (right side, shaft frame, mm).
#[rustfmt::skip]
const VECTORS: [(f64, [f64; 3], f64, [f64; 3]); 4] = [
    (  0.0, [41.108, 86.785, 70.000],  1.285, [41.384, 85.219, 71.776]),
    ( 90.0, [42.845, 80.000, 76.937], 11.005, [40.416, 65.167, 90.708]),
    (180.0, [68.892, 70.785, 70.000],  1.021, [68.673, 69.543, 71.415]),
    (270.0, [67.155, 80.000, 60.937], -9.993, [64.560, 90.933, 46.220]),
];

/// The table is rounded to 0.001 mm and 0.001 degrees; half a unit of that is all the room.
#[test]
fn val_pivot_meets_test_vectors() {
    let kinematics = reference();
    for (degrees, no_spin, beta, closed) in VECTORS {
        let theta = f64::to_radians(degrees);
        let free = kinematics.wobble_closed_form(theta, Hand::Right) * 1e3;
        let right = kinematics
            .pivot_in_carriage(theta, 0.0, Hand::Right)
            .expect("closes");
        let left = kinematics
            .pivot_in_carriage(theta, 0.0, Hand::Left)
            .expect("closes");
        let [r, l] = [right, left].map(|side| side.pivot.translation.vector * 1e3);
        for axis in 0..3 {
            assert!(
                (free[axis] - no_spin[axis]).abs() < 0.51e-3,
                "{degrees}: {free}"
            );
            assert!((r[axis] - closed[axis]).abs() < 0.51e-3, "{degrees}: {r}");
        }
        assert!((right.beta_rad.to_degrees() - beta).abs() < 0.51e-3);
        assert_eq!([l.x, l.y, l.z], [-r.x, r.y, r.z], "mirror image");
    }
}

/// The closed form of the no-spin path written out per coordinate, k = 1 - cos a, q = -ly sin t + lz cos t.
#[test]
fn val_no_spin_matches_written_out_form() {
    let kinematics = reference();
    let (a, alpha, e, ly, lz) = (0.055, 10.0_f64.to_radians(), 0.008, 0.080, 0.070);
    for turn in 0..360 {
        let t = f64::from(turn).to_radians();
        let (k, q) = (1.0 - alpha.cos(), -ly * t.sin() + lz * t.cos());
        let expected = Point3::new(
            a - alpha.sin() * (ly * t.cos() + lz * t.sin()),
            e * t.cos() + ly * alpha.cos() - q * k * t.sin(),
            e * t.sin() + lz * alpha.cos() + q * k * t.cos(),
        );
        assert!((kinematics.wobble_closed_form(t, Hand::Right) - expected).norm() < 1e-15);
    }
}

/// Peak-to-peak 36.9 x 16.2 x 16.2 mm without the rod, 36.9 x 29.5 x 44.5 mm with it; width 73 to 147 mm (rounded).
#[test]
fn val_path_extent_and_width() {
    let kinematics = reference();
    let turn = (0..3600).map(|step| f64::from(step) * TAU / 3600.0);
    let free: Vec<_> = turn
        .clone()
        .map(|t| kinematics.wobble_closed_form(t, Hand::Right).coords * 1e3)
        .collect();
    let closed: Vec<_> = turn
        .map(|t| right_mm(&kinematics, t, 0.0).expect("closes"))
        .collect();
    let extent = |path: &[Vector3<f64>], axis: usize| {
        let (low, high) = range(path.iter().map(|p| p[axis]));
        high - low
    };
    for (path, expected) in [(&free, [36.9, 16.2, 16.2]), (&closed, [36.9, 29.5, 44.5])] {
        for (axis, wanted) in expected.into_iter().enumerate() {
            let found = extent(path, axis);
            assert!((found - wanted).abs() < 0.06, "{axis}: {found}");
        }
    }
    let (narrow, wide) = range(closed.iter().map(|p| 2.0 * p.x));
    assert!(
        (narrow - 73.0).abs() < 0.6 && (wide - 147.0).abs() < 0.6,
        "{narrow} {wide}"
    );
}

/// Tapping with a 4 mm crank at theta = 0 moves the rocker pivot by +/- 6.6 mm in y and the upper node, 50 mm above
/// it on the arm, by +/- 11 mm.
#[test]
fn val_tapping_stroke() {
    let mut mechanism = Mechanism::reference();
    mechanism.knead.rod.crank_m = 0.004;
    let kinematics = Kinematics::new(&mechanism).expect("closes");
    let sides: Vec<_> = (0..720)
        .map(|step| {
            kinematics
                .pivot_in_carriage(0.0, f64::from(step) * TAU / 720.0, Hand::Right)
                .expect("closes")
        })
        .collect();
    let half = |values: Vec<f64>| {
        let (low, high) = range(values.into_iter());
        0.5 * (high - low) * 1e3
    };
    let pivot = half(sides.iter().map(|side| side.pivot.translation.y).collect());
    let node = half(
        sides
            .iter()
            .map(|side| (side.pivot * kinematics.node_in_pivot(0, 0.0)).y)
            .collect(),
    );
    assert!((pivot - 6.6).abs() < 0.06, "{pivot}");
    assert!((node - 11.0).abs() < 0.6, "{node}");
    // The left crank is half a turn on.
    let left = kinematics
        .pivot_in_carriage(0.3, 0.7, Hand::Left)
        .expect("closes");
    let right = kinematics
        .pivot_in_carriage(0.3, 0.7 + PI, Hand::Right)
        .expect("closes");
    assert_eq!(left.beta_rad, right.beta_rad);
}

/// Each arm presses with 150 N along +y and drags 30 N of friction, which always resists its lateral motion. The
/// shaft then carries tau = sum over both arms of 150 dy/dtheta + 30 |dx/dtheta|: 5.1 N m at its peak, 3.4 N m rms.
/// (The source gives both figures rounded, and "30 N lateral" without a direction; of the readings tried, a force
/// fixed outwards, inwards, none, and friction, with one arm and two, only this one gives both.)
#[test]
fn val_knead_torque_by_virtual_work() -> Result<(), LoopOpen> {
    let kinematics = reference();
    let mut torque = Vec::new();
    for step in 0..720 {
        let drive = Drive {
            knead_rad: f64::from(step) * TAU / 720.0,
            ..at_rest(&kinematics)
        };
        let carriage = kinematics.carriage(drive.walk_m);
        let twists = kinematics.knead_twist(&drive)?;
        torque.push(
            twists
                .iter()
                .map(|twist| carriage.inverse_transform_vector(&twist.linear_m_rad))
                .map(|way| 150.0 * way.y + 30.0 * way.x.abs())
                .sum::<f64>(),
        );
    }
    let peak = torque.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    let rms = (torque.iter().map(|t| t * t).sum::<f64>() / 720.0).sqrt();
    assert!((peak - 5.1).abs() < 0.05, "{peak}");
    assert!((rms - 3.4).abs() < 0.05, "{rms}");
    Ok(())
}

/// Over a turn the arm's attitude comes back: its angular twist integrates to nothing about x, and its linear twist
/// too.
#[test]
fn val_twist_integrates_to_the_path() -> Result<(), LoopOpen> {
    let kinematics = reference();
    let start = at_rest(&kinematics);
    let from = kinematics.sides(&start)?[1].pivot.translation.vector;
    let mut at = from;
    for step in 0..720 {
        let knead_rad = (f64::from(step) + 0.5) * (PI / 2.0) / 720.0;
        let twist = kinematics.knead_twist(&Drive { knead_rad, ..start })?[1];
        at += twist.linear_m_rad * (PI / 2.0) / 720.0;
        // An arm that kneads without slip on its boss turns no more than tilt and spin allow: under 1 rad per rad.
        assert!(twist.angular_rad_rad.norm() < 1.0);
    }
    let to = kinematics.sides(&Drive {
        knead_rad: PI / 2.0,
        ..start
    })?[1];
    // Midpoint rule over 720 steps: error (pi/2)^3 / (24 * 720^2) x third derivative (< 0.1 m), under 1e-7 m.
    assert!((at - to.pivot.translation.vector).norm() < 1e-7);
    Ok(())
}

/// S-track: 760 mm; plain arcs turn by sum(length / radius): -24.24 + 39.39 - 31.51 + 13.64 = -2.72 degrees.
#[test]
fn val_track_turns_as_its_arcs() {
    let curve = TrackCurve::new(&Track {
        heading_rad: 0.0,
        ..Mechanism::reference().track
    });
    let heading = |s_mm: f64| curve.pose(s_mm / 1e3).heading_rad.to_degrees();
    assert!((curve.length_m() - 0.760).abs() < 1e-12);
    assert!((heading(760.0) + 2.72).abs() < 0.005, "{}", heading(760.0));
    // Blends keep each joint's heading up to b/8 of the change of curvature, so take the arcs outside the blends and
    // add what the blends hold back: 10 mm of each arc's own curvature at either end.
    let thoracic = heading(430.0) - heading(120.0) + (0.020_f64 / 0.480).to_degrees();
    let lumbar = heading(650.0) - heading(450.0) - (0.020_f64 / 0.400).to_degrees();
    assert!((thoracic - 39.4).abs() < 0.05, "{thoracic}");
    assert!((lumbar + 31.5).abs() < 0.05, "{lumbar}");
}

/// A single arc is a circle: y = R (cos h0 - cos h), z = top - R (sin h - sin h0).
#[test]
fn val_single_arc_is_a_circle() {
    for radius_m in [0.2, -0.26, 0.48] {
        let mut track = Mechanism::reference().track;
        track.arcs = vec![mechanism::Arc {
            length_m: 0.4,
            radius_m,
        }];
        track.heading_rad = 0.1;
        let curve = TrackCurve::new(&track);
        for step in 0..=97 {
            let s = 0.4 * f64::from(step) / 97.0;
            let pose = curve.pose(s);
            let h = 0.1 + s / radius_m;
            let y = track.top[0] + radius_m * (0.1_f64.cos() - h.cos());
            let z = track.top[1] - radius_m * (h.sin() - 0.1_f64.sin());
            assert!((pose.y_m - y).abs() < 1e-9 && (pose.z_m - z).abs() < 1e-9);
            assert!((pose.heading_rad - h).abs() < 1e-12);
        }
    }
}

/// The thoracic arc wraps a convex back: its middle lies behind its chord. The lumbar arc bulges: its middle lies in
/// front. Sagitta of an arc: L^2 / (8 R) = 330^2 / 3840 = 28.4 mm and 220^2 / 3200 = 15.1 mm; the blends take some
/// tenths.
#[test]
fn val_bends_go_the_right_way() {
    let curve = TrackCurve::new(&Mechanism::reference().track);
    let sagitta = |from: f64, to: f64| {
        let (a, m, b) = (
            curve.pose(from),
            curve.pose(0.5 * (from + to)),
            curve.pose(to),
        );
        m.y_m - 0.5 * (a.y_m + b.y_m)
    };
    assert!((sagitta(0.110, 0.440) + 0.0284).abs() < 0.001);
    assert!((sagitta(0.440, 0.660) - 0.0151).abs() < 0.001);
}

/// The reference track stands for the mean sitter: chord vertical to 0.2 degrees, s = 110 mm at C7, 650 mm above the
/// seat.
#[test]
fn regress_reference_track_stands_where_it_should() {
    let curve = TrackCurve::new(&Mechanism::reference().track);
    let (top, bottom) = (curve.pose(0.0), curve.pose(curve.length_m()));
    let chord = ((bottom.y_m - top.y_m) / (top.z_m - bottom.z_m))
        .atan()
        .to_degrees();
    assert!(chord.abs() < 0.2, "{chord}");
    assert!(
        (curve.pose(0.110).z_m - 0.650).abs() < 0.002,
        "{}",
        curve.pose(0.110).z_m
    );
    assert!((curve.s_at_z(0.650) - 0.110).abs() < 0.002);
    assert!((curve.pose(curve.s_at_z(0.3)).z_m - 0.3).abs() < 1e-9);
}

/// Both rollers lie on the curve, a wheelbase of curve apart, and the carriage's z points from the lower to the
/// upper.
#[test]
fn val_carriage_stands_on_its_rollers() {
    let kinematics = reference();
    let (top, bottom) = kinematics.walk_range();
    assert!((top - 0.060).abs() < 1e-12 && (bottom - 0.700).abs() < 1e-12);
    for step in 0..=64 {
        let walk = top + (bottom - top) * f64::from(step) / 64.0;
        let upper = kinematics.curve().pose(walk - 0.060);
        let in_carriage = kinematics
            .carriage(walk)
            .inverse_transform_point(&Point3::new(0.0, upper.y_m, upper.z_m));
        // A chord is shorter than its curve by up to L^3 / (24 R^2) = 1.1 mm; half of that here.
        assert!(in_carriage.y.abs() < 1e-12);
        assert!(
            (0.0594..=0.060).contains(&in_carriage.z),
            "{}",
            in_carriage.z
        );
    }
}

/// The whole mechanism, side by side with its parts: mirrored sides, slide along the carriage's y.
#[test]
fn val_sides_chain() -> Result<(), LoopOpen> {
    let kinematics = reference();
    let drive = Drive {
        walk_m: 0.3,
        protrude_m: 0.02,
        knead_rad: 1.0,
        tap_rad: 0.0,
    };
    let [left, right] = kinematics.sides(&drive)?;
    let mirror = |p: Point3<f64>| Point3::new(-p.x, p.y, p.z);
    for node in 0..2 {
        let at = kinematics.node_in_pivot(node, 0.2);
        assert!((mirror(left.pivot * at) - right.pivot * at).norm() < 1e-15);
    }
    let out = kinematics.sides(&Drive {
        protrude_m: 0.05,
        ..drive
    })?;
    let moved = out[1].pivot.translation.vector - right.pivot.translation.vector;
    let forward = kinematics.carriage(0.3) * Vector3::y();
    assert!((moved - 0.03 * forward).norm() < 1e-15);
    // Rocker > 0 moves the upper node forward and the lower one back.
    assert!(kinematics.node_in_pivot(0, 0.1).y > 0.0 && kinematics.node_in_pivot(1, 0.1).y < 0.0);
    Ok(())
}

/// A carriage that faces a point has it on the line through its rocker pivots.
#[test]
fn val_walk_facing_a_point() {
    let kinematics = reference();
    let walk = kinematics
        .walk_facing(0.12, 0.4, 0.0)
        .expect("within the track");
    let shaft = kinematics.carriage(walk);
    let point = shaft.inverse_transform_point(&Point3::new(0.0, 0.12, 0.4));
    assert!(
        (point.z - 0.071776).abs() < 1e-6,
        "height of the pivots above the shaft at theta = 0"
    );
    assert_eq!(kinematics.walk_facing(0.12, 2.0, 0.0), None);
}

fn at_rest(kinematics: &Kinematics) -> Drive {
    Drive {
        walk_m: 0.5 * (kinematics.walk_range().0 + kinematics.walk_range().1),
        ..Drive::default()
    }
}

fn right_mm(kinematics: &Kinematics, theta: f64, psi: f64) -> Result<Vector3<f64>, LoopOpen> {
    let side = kinematics.pivot_in_carriage(theta, psi, Hand::Right)?;
    Ok(side.pivot.translation.vector * 1e3)
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// Both sides cost a few tenths of a microsecond; sweeps call this in every step. The bound leaves room for a loaded
/// machine.
#[test]
fn regress_forward_kinematics_is_fast() -> Result<(), LoopOpen> {
    let kinematics = reference();
    let mut sum = 0.0;
    let best = (0..20)
        .map(|_| {
            let start = std::time::Instant::now();
            for step in 0..1000 {
                let drive = Drive {
                    knead_rad: f64::from(step) * 0.01,
                    ..at_rest(&kinematics)
                };
                sum += kinematics
                    .sides(&drive)
                    .map_or(f64::NAN, |s| s[1].pivot.translation.y);
            }
            start.elapsed().as_secs_f64() / 1000.0
        })
        .fold(f64::INFINITY, f64::min);
    println!("{:.2} microseconds for both sides", best * 1e6);
    assert!(sum.is_finite() && best < 3e-6, "{best}");
    Ok(())
}
