//! From the still's geometry to triangles. The only module in which metres in `f64` become `f32`.

use bevy::asset::RenderAssetUsages;
use bevy::math::{Quat, Vec3};
use bevy::mesh::{Indices, Mesh, PrimitiveTopology};
use bevy::transform::components::Transform;
use nalgebra::{Isometry3, Point3, Vector3};
use std::f32::consts::{FRAC_PI_2, TAU};
use tissue::Indenter;

use crate::still::{Form, Sheet};

/// A surface, lit by its own normals. The engine could work normals out, but it drops those of
/// triangles with edges under 2 cm, which is all of them here.
pub fn sheet(sheet: &Sheet) -> Mesh {
    let points = sheet
        .points
        .iter()
        .map(|p| [p.x as f32, p.y as f32, p.z as f32])
        .collect();
    let normals = sheet
        .normals
        .iter()
        .map(|n| [n.x as f32, n.y as f32, n.z as f32])
        .collect();
    grid(points, normals, sheet.rows, sheet.columns)
}

/// A solid in its own frame.
pub fn form(form: &Form) -> Mesh {
    match form {
        Form::Tube { path, radius_m } => tube(path, *radius_m as f32),
        Form::Block { size_m } => bevy::math::primitives::Cuboid::from_size(vector(size_m)).into(),
        Form::Cylinder { radius_m, length_m } => roller(*radius_m, *length_m, 0.0015),
        Form::Node(shape) => node(shape),
    }
}

/// The place of a frame.
pub fn transform(pose: &Isometry3<f64>) -> Transform {
    let q = pose.rotation.coords;
    Transform::from_translation(vector(&pose.translation.vector)).with_rotation(Quat::from_xyzw(
        q.x as f32, q.y as f32, q.z as f32, q.w as f32,
    ))
}

/// A point for the engine.
pub fn point(p: &Point3<f64>) -> Vec3 {
    vector(&p.coords)
}

fn vector(v: &Vector3<f64>) -> Vec3 {
    Vec3::new(v.x as f32, v.y as f32, v.z as f32)
}

fn node(shape: &Indenter) -> Mesh {
    match *shape {
        Indenter::Sphere { radius_m } => ball(radius_m),
        Indenter::Roller {
            radius_m,
            length_m,
            fillet_m,
        } => roller(radius_m, length_m, fillet_m),
        Indenter::Ellipsoid { semi_axes_m } => ball(1.0).scaled_by(vector(&semi_axes_m.into())),
        Indenter::Torus { major_m, minor_m } => {
            let (major, minor) = (major_m as f32, minor_m as f32);
            let around = (0..=32).map(|i| i as f32 / 32.0 * TAU);
            lathe(
                around.map(|tilt| Ring::on_x(minor * tilt.sin(), major + minor * tilt.cos(), tilt)),
            )
        }
        // The axis of these two is y: they touch with their face or tip at the origin.
        Indenter::Flat { radius_m } => roller(radius_m, 0.02, 0.001)
            .translated_by(Vec3::new(-0.01, 0.0, 0.0))
            .rotated_by(Quat::from_rotation_z(FRAC_PI_2)),
        Indenter::Paraboloid { radius_m } => {
            ball(radius_m).translated_by(Vec3::new(0.0, -radius_m as f32, 0.0))
        }
        Indenter::Mesh(ref mesh) => facets(mesh),
    }
}

/// Flat triangles, each with corners of its own: which way they face is not known, so they are lit from both sides.
fn facets(mesh: &tissue::Mesh) -> Mesh {
    let (mut points, mut normals) = (Vec::new(), Vec::new());
    for corners in mesh.triangles() {
        let [a, b, c] = corners.map(|i| point(&mesh.vertices_m()[i as usize]));
        let normal = (b - a).cross(c - a).normalize_or_zero();
        for (corners, normal) in [([a, b, c], normal), ([a, c, b], -normal)] {
            points.extend(corners.map(|p| p.to_array()));
            normals.extend([normal.to_array(); 3]);
        }
    }
    let indices = (0..points.len() as u32).collect();
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, points)
    .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, normals)
    .with_inserted_indices(Indices::U32(indices))
}

fn ball(radius_m: f64) -> Mesh {
    roller(radius_m, 2.0 * radius_m, radius_m)
}

/// A cylinder along x with rounded ends; its length includes both fillets.
fn roller(radius_m: f64, length_m: f64, fillet_m: f64) -> Mesh {
    let (radius, half, fillet) = (radius_m as f32, 0.5 * length_m as f32, fillet_m as f32);
    let end = |sign: f32| {
        (0..=10).map(move |i| {
            let tilt = FRAC_PI_2
                * if sign < 0.0 {
                    i as f32 / 10.0 - 1.0
                } else {
                    i as f32 / 10.0
                };
            let x = sign * (half - fillet) + fillet * tilt.sin();
            Ring::on_x(x, radius - fillet + fillet * tilt.cos(), tilt)
        })
    };
    // The flat faces: a ring of no radius at each end.
    let face = |sign: f32| std::iter::once(Ring::on_x(sign * half, 0.0, sign * FRAC_PI_2));
    lathe(face(-1.0).chain(end(-1.0)).chain(end(1.0)).chain(face(1.0)))
}

/// A tube with round ends.
fn tube(path: &[Point3<f64>], radius: f32) -> Mesh {
    let path: Vec<Vec3> = path.iter().map(point).collect();
    let last = path.len() - 1;
    let along =
        |i: usize| (path[(i + 1).min(last)] - path[i.saturating_sub(1)]).normalize_or(Vec3::X);
    let cap = |i: usize, from: f32| (0..=6).map(move |k| (i, (from + k as f32 / 6.0) * FRAC_PI_2));
    let rings = cap(0, -1.0)
        .chain((1..last).map(|i| (i, 0.0)))
        .chain(cap(last, 0.0));
    lathe(rings.map(|(i, tilt)| Ring {
        centre: path[i] + along(i) * radius * tilt.sin(),
        axis: along(i),
        radius: radius * tilt.cos(),
        tilt,
    }))
}

/// One circle of a turned body.
struct Ring {
    centre: Vec3,
    axis: Vec3,
    radius: f32,
    /// Of the surface normal, from square to the axis towards it, rad.
    tilt: f32,
}

impl Ring {
    fn on_x(x: f32, radius: f32, tilt: f32) -> Ring {
        Ring {
            centre: Vec3::X * x,
            axis: Vec3::X,
            radius,
            tilt,
        }
    }
}

/// The surface through the rings, in their order.
fn lathe(rings: impl Iterator<Item = Ring>) -> Mesh {
    const AROUND: usize = 32;
    let (mut points, mut normals) = (Vec::new(), Vec::new());
    let mut rows = 0;
    let mut side = Vec3::ZERO;
    for ring in rings {
        // Carried along from ring to ring, so that the surface does not twist.
        side = side
            .reject_from_normalized(ring.axis)
            .try_normalize()
            .unwrap_or(ring.axis.any_orthonormal_vector());
        let up = ring.axis.cross(side);
        for step in 0..=AROUND {
            let angle = -TAU * step as f32 / AROUND as f32;
            let out = side * angle.cos() + up * angle.sin();
            points.push((ring.centre + out * ring.radius).to_array());
            normals.push((out * ring.tilt.cos() + ring.axis * ring.tilt.sin()).to_array());
        }
        rows += 1;
    }
    grid(points, normals, rows, AROUND + 1)
}

/// Triangles over a grid of points. Seen with the rows going down, the columns go right.
fn grid(points: Vec<[f32; 3]>, normals: Vec<[f32; 3]>, rows: usize, columns: usize) -> Mesh {
    let mut indices = Vec::with_capacity(6 * rows * columns);
    for row in 1..rows {
        for column in 1..columns {
            let corner = |r: usize, c: usize| ((row - r) * columns + column - c) as u32;
            indices.extend([
                corner(1, 1),
                corner(0, 1),
                corner(1, 0),
                corner(1, 0),
                corner(0, 1),
                corner(0, 0),
            ]);
        }
    }
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, points)
    .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, normals)
    .with_inserted_indices(Indices::U32(indices))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy::mesh::VertexAttributeValues;

    /// All triangles of a convex body must face away from its middle, as must the normals: a body
    /// that is inside out is drawn black or not at all.
    #[test]
    fn bodies_face_outwards() {
        let path = [Point3::new(0.0, 0.0, -0.05), Point3::new(0.0, 0.0, 0.05)];
        let bodies = [ball(0.03), roller(0.03, 0.08, 0.01), tube(&path, 0.01)];
        for body in bodies {
            let Some(VertexAttributeValues::Float32x3(points)) =
                body.attribute(Mesh::ATTRIBUTE_POSITION)
            else {
                panic!("no points");
            };
            let Some(VertexAttributeValues::Float32x3(normals)) =
                body.attribute(Mesh::ATTRIBUTE_NORMAL)
            else {
                panic!("no normals");
            };
            let corners: Vec<usize> = body.indices().unwrap().iter().collect();
            for triangle in corners.chunks(3) {
                let [a, b, c] = [0, 1, 2].map(|i| Vec3::from(points[triangle[i]]));
                let face = (b - a).cross(c - a);
                assert!(face.dot(a + b + c) >= -1e-9, "a triangle looks inwards");
                for corner in triangle {
                    assert!(
                        face.dot(Vec3::from(normals[*corner])) >= -1e-9,
                        "a normal looks inwards"
                    );
                }
            }
        }
    }
}
