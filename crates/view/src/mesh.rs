//! From geometry to triangles. The only module in which metres in `f64` become `f32`.

use bevy::asset::RenderAssetUsages;
use bevy::math::{Quat, Vec3};
use bevy::mesh::{Indices, Mesh, PrimitiveTopology, VertexAttributeValues};
use bevy::transform::components::Transform;
use nalgebra::{Isometry3, Point3, Vector3};
use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, TAU};
use tissue::Indenter;

use crate::clay::Solid;
use crate::dent::Moved;
use crate::parts::Form;
use crate::section::Band;
use crate::skin::Sheet;

/// A surface, lit by its own normals. The engine could work normals out, but it drops those of
/// triangles with edges under 2 cm, which is all of them here.
pub fn sheet(sheet: &Sheet) -> Mesh {
    let points = sheet.points.iter().map(|p| point(p).to_array()).collect();
    let normals = sheet.normals.iter().map(|n| vector(n).to_array()).collect();
    let mesh = grid(points, normals, sheet.rows, sheet.columns);
    if sheet.uvs.is_empty() {
        return mesh;
    }
    mesh.with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, sheet.uvs.clone())
}

/// Puts points of a sheet's mesh where they are now, and those that were moved before back to their rest.
pub fn dent(mesh: &mut Mesh, sheet: &Sheet, before: &[usize], moved: &[Moved]) {
    let mut set =
        |attribute, rest: &dyn Fn(usize) -> [f32; 3], now: &dyn Fn(&Moved) -> [f32; 3]| {
            if let Some(VertexAttributeValues::Float32x3(values)) = mesh.attribute_mut(attribute) {
                for &index in before {
                    values[index] = rest(index);
                }
                for m in moved {
                    values[m.index] = now(m);
                }
            }
        };
    set(
        Mesh::ATTRIBUTE_POSITION.id,
        &|i| point(&sheet.points[i]).to_array(),
        &|m| point(&m.point).to_array(),
    );
    set(
        Mesh::ATTRIBUTE_NORMAL.id,
        &|i| vector(&sheet.normals[i]).to_array(),
        &|m| vector(&m.normal).to_array(),
    );
}

/// Shows the rows of a sheet's mesh from `first` down only.
pub fn cut(mesh: &mut Mesh, sheet: &Sheet, first: usize) {
    mesh.insert_indices(Indices::U32(triangles(sheet.rows, sheet.columns, first)));
}

/// A band of a section; it faces up the spine.
pub fn band(band: &Band) -> Mesh {
    let points: Vec<[f32; 3]> = band
        .outer
        .iter()
        .chain(&band.inner)
        .map(|p| point(p).to_array())
        .collect();
    let normals = vec![[0.0, 0.0, 1.0]; points.len()];
    grid(points, normals, 2, band.outer.len())
}

/// A body of clay.
pub fn solid(solid: &Solid) -> Mesh {
    let points = solid.points.iter().map(|p| point(p).to_array()).collect();
    let normals = solid.normals.iter().map(|n| vector(n).to_array()).collect();
    of_triangles(points, normals, solid.corners.clone())
}

/// A solid in its own frame.
pub fn form(form: &Form) -> Mesh {
    match form {
        Form::Tube { path, radius_m } => tube(path, &vec![*radius_m; path.len()]),
        Form::Limb { path, radii_m } => {
            let (path, radii_m) = curved(path, radii_m, 8);
            tube(&path, &radii_m)
        }
        Form::Block { size_m, edge_m } => block(vector(size_m), *edge_m as f32),
        Form::Cylinder { radius_m, length_m } => roller(*radius_m, *length_m, 0.0015),
        Form::Node(shape) => node(shape),
    }
}

/// An arrow of length 1 along x, from the origin.
pub fn arrow() -> Mesh {
    let ring = |x: f32, radius: f32, tilt: f32| Ring::on_x(x, radius, tilt);
    lathe(
        [
            ring(0.0, 0.0, -FRAC_PI_2),
            ring(0.0, 0.035, -FRAC_PI_2),
            ring(0.0, 0.035, 0.0),
            ring(0.72, 0.035, 0.0),
            ring(0.72, 0.035, -FRAC_PI_2),
            ring(0.72, 0.09, -FRAC_PI_2),
            ring(0.72, 0.09, 0.31),
            ring(1.0, 0.0, 0.31),
        ]
        .into_iter(),
    )
}

/// A thin tube along points; two at least.
pub fn thread(path: &[Point3<f64>], radius_m: f64) -> Mesh {
    tube(path, &vec![radius_m; path.len()])
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
    of_triangles(points, normals, indices)
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

/// A tube with round ends and a radius at each point.
fn tube(path: &[Point3<f64>], radii_m: &[f64]) -> Mesh {
    let path: Vec<Vec3> = path.iter().map(point).collect();
    let last = path.len() - 1;
    let along =
        |i: usize| (path[(i + 1).min(last)] - path[i.saturating_sub(1)]).normalize_or(Vec3::X);
    let radius = |i: usize| radii_m[i.min(radii_m.len() - 1)] as f32;
    // How the surface leans where the tube grows or tapers.
    let lean = |i: usize| {
        let way = (path[(i + 1).min(last)] - path[i.saturating_sub(1)]).length();
        -(radius((i + 1).min(last)) - radius(i.saturating_sub(1))).atan2(way.max(1e-6))
    };
    let cap =
        |i: usize, from: f32| (0..=6).map(move |k| (i, (from + k as f32 / 6.0) * FRAC_PI_2, false));
    let rings = cap(0, -1.0)
        .chain((1..last).map(|i| (i, 0.0, true)))
        .chain(cap(last, 0.0));
    lathe(rings.map(|(i, tilt, inside)| Ring {
        centre: path[i] + along(i) * radius(i) * tilt.sin(),
        axis: along(i),
        radius: radius(i) * tilt.cos(),
        tilt: if inside { lean(i) } else { tilt },
    }))
}

/// Points between those of a path, `between` of them to each, on a smooth curve through them (Catmull and Rom 1974).
pub fn curved(
    path: &[Point3<f64>],
    radii_m: &[f64],
    between: usize,
) -> (Vec<Point3<f64>>, Vec<f64>) {
    let last = path.len() - 1;
    let (mut points, mut radii) = (Vec::new(), Vec::new());
    for i in 0..last {
        let four = [i.saturating_sub(1), i, i + 1, (i + 2).min(last)];
        for step in 0..between {
            let t = step as f64 / between as f64;
            let weights = [
                0.5 * (-t + 2.0 * t * t - t * t * t),
                0.5 * (2.0 - 5.0 * t * t + 3.0 * t * t * t),
                0.5 * (t + 4.0 * t * t - 3.0 * t * t * t),
                0.5 * (-t * t + t * t * t),
            ];
            let sum = |of: &dyn Fn(usize) -> Vector3<f64>| -> Vector3<f64> {
                four.iter().zip(weights).map(|(k, w)| of(*k) * w).sum()
            };
            points.push(Point3::from(sum(&|k| path[k].coords)));
            radii.push(sum(&|k| Vector3::x() * radii_m[k]).x);
        }
    }
    points.push(path[last]);
    radii.push(radii_m[last]);
    (points, radii)
}

/// A box with rounded edges.
fn block(size: Vec3, edge: f32) -> Mesh {
    const CORNER: usize = 4;
    let half = 0.5 * size;
    let edge = edge.min(half.min_element());
    // Along one axis: the corner's bend, the flat, the other corner's bend.
    let stops = |half: f32| -> Vec<f32> {
        let bend = |k: usize| edge * (FRAC_PI_4 * k as f32 / CORNER as f32).tan();
        let low = (0..=CORNER).rev().map(|k| edge - half - bend(k));
        let high = (0..=CORNER).map(|k| half - edge + bend(k));
        low.chain(high).collect()
    };
    let (mut points, mut normals, mut indices) = (Vec::new(), Vec::new(), Vec::new());
    for (axis, sign) in (0..3).flat_map(|axis| [(axis, -1.0), (axis, 1.0)]) {
        let (right, up) = ((axis + 1) % 3, (axis + 2) % 3);
        let (rights, ups) = (stops(half[right]), stops(half[up]));
        let first = points.len() as u32;
        for v in &ups {
            for u in &rights {
                let mut on_box = Vec3::ZERO;
                on_box[axis] = sign * half[axis];
                on_box[right] = sign * u;
                on_box[up] = *v;
                let core = on_box.clamp(edge - half, half - edge);
                let normal = (on_box - core).normalize_or(Vec3::AXES[axis] * sign);
                points.push((core + normal * edge).to_array());
                normals.push(normal.to_array());
            }
        }
        let width = rights.len() as u32;
        for row in 0..ups.len() as u32 - 1 {
            for column in 0..width - 1 {
                let a = first + row * width + column;
                indices.extend([a, a + 1, a + width, a + width, a + 1, a + width + 1]);
            }
        }
    }
    of_triangles(points, normals, indices)
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
    of_triangles(points, normals, triangles(rows, columns, 0))
}

fn of_triangles(points: Vec<[f32; 3]>, normals: Vec<[f32; 3]>, indices: Vec<u32>) -> Mesh {
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, points)
    .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, normals)
    .with_inserted_indices(Indices::U32(indices))
}

/// Corners of a grid's triangles, its rows from `first` down.
fn triangles(rows: usize, columns: usize, first: usize) -> Vec<u32> {
    let mut indices = Vec::with_capacity(6 * rows * columns);
    for row in first + 1..rows {
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
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All triangles of a convex body must face away from its middle, as must the normals: a body
    /// that is inside out is drawn black or not at all.
    #[test]
    fn bodies_face_outwards() {
        let path = [Point3::new(0.0, 0.0, -0.05), Point3::new(0.0, 0.0, 0.05)];
        let bodies = [
            ball(0.03),
            roller(0.03, 0.08, 0.01),
            tube(&path, &[0.01, 0.02]),
            block(Vec3::new(0.03, 0.05, 0.2), 0.01),
        ];
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
