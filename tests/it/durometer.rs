//! Promise: the durometer answers for two nodes, for motions in time, for nodes tilted and turned, and for meshes as
//! outside solutions and plain geometry do.

use crate::agreement::{self, Errors, force_at, relaxing, stack_of};
use crate::csv::Table;
use nalgebra::{Point3, UnitQuaternion, Vector3};
use proptest::prelude::*;
use std::f64::consts::{FRAC_PI_2, PI};
use tissue::{Durometer, Indenter, Mesh, Motion, Stack};

/// Set 4: two spheres at equal depth on skin, fat and muscle (FFT-BEM, its ratio good to 0.002). Promised is a ratio
/// within 0.01. Contacts 14 mm apart and less share a window, the others exchange what they sink.
#[test]
fn val_two_spheres() {
    agreement::pairs().iter().for_each(Errors::hold);
}

/// Far apart a pair is two nodes alone, and at no distance at all it is one node, whose force two share.
#[test]
fn val_pair_far_and_near() {
    let node = Indenter::Sphere { radius_m: 0.02 };
    let durometer = Durometer::new(set_2("T20"), node);
    let far = durometer.pair(0.004, 0.5);
    assert!((far.force_n / far.force_isolated_n - 1.0).abs() < 1e-4);
    let one = durometer.pair(0.004, 1e-6);
    // Two grids: 0.1 % each.
    assert!((2.0 * one.force_n / one.force_isolated_n - 1.0).abs() < 2e-3);
}

/// Set 6: paraboloid pressed in at a steady rate and held, and in and out in half a sine (Lee & Radok 1960, Ting 1966),
/// on a half-space; here on a layer 2 m thick, which is stiffer by 1.1 a/h = 0.7 %, and on 400 mm, where a bonded layer
/// is stiffer by 1.8 to 3.5 % at these contacts (Dimitriadis et al. 2002). With that factor 1 % of the peak is asked there too.
#[test]
fn val_motion_meets_the_half_space_and_the_bonded_layer() {
    agreement::followed().iter().for_each(Errors::hold);
}

/// Set 6: after a jump to 4 mm the force relaxes as the shear modulus does, whatever the layers, if they share one
/// series. Steps are good to 0.1 % of the first force, and so is what lies between them; asked is 0.3 %.
#[test]
fn val_jump_and_hold_relaxes_as_the_modulus() {
    let table = Table::read("6_viscoelastic/step_hold.csv");
    for material in ["V1", "V2"] {
        let rows: Vec<_> = table
            .rows()
            .filter(|r| r.text("material") == material)
            .collect();
        let (stack, radius_m) = relaxing(material, &[(2e-3, 5.0), (28e-3, 1.0)]);
        let moments =
            Durometer::new(stack, Indenter::Paraboloid { radius_m }).follow(&Motion::RampHold {
                depth_m: 4e-3,
                ramp_s: 0.0,
                hold_s: rows[rows.len() - 1].number("t_[s]"),
            });
        assert_eq!(moments[0].depth_m, 4e-3);
        for row in rows {
            let ours = force_at(&moments, row.number("t_[s]")) / moments[0].force_n;
            let theirs = row.number("F_over_F0_[-]");
            assert!(
                (ours - theirs).abs() < 3e-3,
                "{material} t {}: {ours} {theirs}",
                row.text("t_[s]")
            );
        }
    }
}

/// Depth is the travel from first touch, tilted or not: just touching, nothing is pressed yet, and a round node does
/// not know that it is tilted. An ellipsoid turned by a right angle is the one with its axes exchanged.
#[test]
fn val_tilt_and_turn_by_plain_geometry() {
    let stack = set_2("T40");
    let force = |d: &Durometer, depth_m: f64| d.indent(&[depth_m])[0].force_n;
    let roller = Indenter::Roller {
        radius_m: 0.02,
        length_m: 0.04,
        fillet_m: 0.005,
    };
    let tilted = Durometer::new(stack.clone(), roller)
        .with_cells(300.0)
        .with_tilt_rad(0.14);
    // One hundredth of the depth: less than a hundredth of the force.
    assert!(force(&tilted, 4e-5) < 0.01 * force(&tilted, 4e-3));
    // Turned, the same contact lies elsewhere on the grid: 0.3 %.
    let turned = tilted.clone().with_turn_rad(2.0);
    assert!((force(&turned, 4e-3) / force(&tilted, 4e-3) - 1.0).abs() < 3e-3);

    let sphere =
        Durometer::new(stack.clone(), Indenter::Sphere { radius_m: 0.02 }).with_cells(300.0);
    let leaning = sphere.clone().with_tilt_rad(0.5).with_turn_rad(-1.0);
    assert!((force(&leaning, 4e-3) / force(&sphere, 4e-3) - 1.0).abs() < 1e-3);

    let egg = |semi_axes_m| {
        Durometer::new(stack.clone(), Indenter::Ellipsoid { semi_axes_m }).with_cells(600.0)
    };
    let long = egg([0.02, 0.015, 0.012]).with_turn_rad(FRAC_PI_2);
    let wide = egg([0.012, 0.015, 0.02]);
    assert!((force(&long, 4e-3) / force(&wide, 4e-3) - 1.0).abs() < 1e-3);
    let lines = [long.profile(4e-3, true), wide.profile(4e-3, true)];
    for (a, b) in lines[0].iter().zip(&lines[1]) {
        // The solver stops at 1e-5 of the depth; cells at the edge may differ by a little more.
        assert!(
            (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 100.0,
            "{a:?} {b:?}"
        );
    }
}

/// A sphere of 65 000 flat triangles presses as the sphere does: its facets cut 0.008 mm into it at most, 0.2 % of
/// this depth, which is 0.3 % of the force. Pressure feels them more: waves of 0.004 mm, 1.2 mm long, in 150 kPa skin are
/// u E k / (2 (1 - nu^2)) = 2 kPa against 6.6 kPa of the peak, were skin thick and cells fine; here it is 7 %.
#[test]
fn val_mesh_sphere_presses_as_the_sphere() {
    let radius_m = 0.025;
    let mesh = ball(radius_m, 128);
    let press = |node: Indenter| {
        Durometer::new(set_2("T40"), node)
            .with_cells(500.0)
            .with_tilt_rad(0.3)
            .indent(&[0.004])[0]
            .clone()
    };
    let (ours, theirs) = (
        press(Indenter::Mesh(mesh)),
        press(Indenter::Sphere { radius_m }),
    );
    let off = |a: f64, b: f64| (a / b - 1.0).abs();
    assert!(
        off(ours.force_n, theirs.force_n) < 0.01,
        "{ours:?} {theirs:?}"
    );
    assert!(
        off(ours.area_m2, theirs.area_m2) < 0.03,
        "{ours:?} {theirs:?}"
    );
    assert!(
        off(ours.peak_pa, theirs.peak_pa) < 0.15,
        "{ours:?} {theirs:?}"
    );
}

/// A globe of `2 n` meridians and `n` parallels, its poles on x.
fn ball(radius_m: f64, n: u32) -> Mesh {
    let (columns, mut triangles) = (2 * n, Vec::new());
    let mut vertices_m = vec![
        Point3::new(radius_m, 0.0, 0.0),
        Point3::new(-radius_m, 0.0, 0.0),
    ];
    for row in 1..n {
        let (s, c) = (PI * f64::from(row) / f64::from(n)).sin_cos();
        for column in 0..columns {
            let (sin, cos) = (PI * f64::from(column) / f64::from(n)).sin_cos();
            vertices_m.push(Point3::new(c, s * cos, s * sin) * radius_m);
        }
    }
    let at = |row: u32, column: u32| 2 + (row - 1) * columns + column % columns;
    for column in 0..columns {
        triangles.push([0, at(1, column), at(1, column + 1)]);
        triangles.push([1, at(n - 1, column), at(n - 1, column + 1)]);
        for row in 1..n - 1 {
            triangles.push([at(row, column), at(row + 1, column), at(row, column + 1)]);
            triangles.push([
                at(row + 1, column),
                at(row + 1, column + 1),
                at(row, column + 1),
            ]);
        }
    }
    Mesh::try_new(vertices_m, triangles).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Every shape's reach, however tilted, against its plain definition: where the line is said to leave the shape it
    /// lies on it, and nothing of the shape lies beyond (walked in steps of 20 micrometres); a line that is said to miss
    /// meets nothing. And no point of it lies farther along than `foremost`, at `extent_m`.
    #[test]
    fn val_reach_is_the_last_point_on_the_shape(
        shape in 0usize..6,
        tilt in -0.7f64..0.7,
        turn in -3.0f64..3.0,
        x_m in -0.03f64..0.03,
        z_m in -0.03f64..0.03,
    ) {
        let node = shapes()[shape].clone();
        let node_from_surface = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), -tilt)
            * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), turn);
        let d = node_from_surface * Vector3::y();
        let q = node_from_surface * Point3::new(x_m, 0.0, z_m);
        // The last 30 mm before the foremost plane, and a little beyond it.
        let extent_m = node.extent_m(&d);
        prop_assert!((node.foremost(&d).coords.dot(&d) - extent_m).abs() < 1e-12);
        prop_assert!(overlap_m(&node, &node.foremost(&d)).abs() < 1e-9);
        let end_m = node.reach(&q, &d);
        if let Some(t) = end_m {
            prop_assert!(t <= extent_m + 1e-9, "{node:?}: {t} beyond {extent_m}");
            prop_assert!(overlap_m(&node, &(q + d * t)).abs() < 2e-9, "{node:?}: not on it at {t}");
        }
        let beyond_m = end_m.map_or(extent_m - 0.03, |t| t.max(extent_m - 0.03) + 5e-6);
        let mut t = extent_m + 1e-3;
        while t > beyond_m {
            let inside_m = overlap_m(&node, &(q + d * t));
            prop_assert!(inside_m <= 1e-9, "{node:?}: inside by {inside_m} at {t}, reach {end_m:?}");
            t -= 2e-5;
        }
    }
}

fn shapes() -> [Indenter; 6] {
    [
        Indenter::Sphere { radius_m: 0.025 },
        Indenter::Flat { radius_m: 0.012 },
        Indenter::Paraboloid { radius_m: 0.02 },
        Indenter::Ellipsoid {
            semi_axes_m: [0.02, 0.015, 0.012],
        },
        Indenter::Roller {
            radius_m: 0.02,
            length_m: 0.04,
            fillet_m: 0.005,
        },
        Indenter::Torus {
            major_m: 0.02,
            minor_m: 0.01,
        },
    ]
}

/// How far inside a shape a point lies, m: from the definitions, as a difference of lengths that vanishes on the surface
/// and is negative outside.
fn overlap_m(node: &Indenter, p: &Point3<f64>) -> f64 {
    let axle = p.y.hypot(p.z);
    match *node {
        Indenter::Sphere { radius_m } => radius_m - p.coords.norm(),
        Indenter::Flat { radius_m } => (-p.y).min(radius_m - p.x.hypot(p.z)),
        Indenter::Paraboloid { radius_m } => -p.y - (p.x * p.x + p.z * p.z) / (2.0 * radius_m),
        Indenter::Ellipsoid {
            semi_axes_m: [a, b, c],
        } => (1.0 - (p.x / a).hypot(p.y / b).hypot(p.z / c)) * a.min(b).min(c),
        Indenter::Roller {
            radius_m,
            length_m,
            fillet_m,
        } => {
            // The radius a quarter circle leaves at this place along the axle.
            let into = p.x.abs() - (0.5 * length_m - fillet_m);
            if into <= 0.0 {
                radius_m - axle
            } else {
                fillet_m - into.hypot((axle - (radius_m - fillet_m)).max(0.0))
            }
        }
        Indenter::Torus { major_m, minor_m } => minor_m - p.x.hypot((axle - major_m).max(0.0)),
        Indenter::Mesh(_) => f64::NAN,
    }
}

/// A stack of set 2.
fn set_2(case: &str) -> Stack {
    stack_of(&agreement::json("2_layered_linear_sphere/stacks.json")[case])
}
