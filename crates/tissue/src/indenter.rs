//! The shapes that touch: rigid nodes, described in their own frame.

use crate::mesh::Mesh;
use nalgebra::{Point3, Vector3};
use serde::{Deserialize, Serialize};

/// A rigid node. Its own frame: x along the axle (if it has one), y along the inward surface normal when it is not
/// tilted (into the tissue), z along the travel; the origin is the centre of the shape. Lengths in m.
///
/// All but the mesh are convex. A paraboloid and a flat punch go on without end behind their tip and face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Indenter {
    /// `sphere:R`.
    Sphere {
        /// Radius, m.
        radius_m: f64,
    },
    /// `flat:R`, a flat-ended cylinder whose axis is y; the origin is the centre of its end face.
    Flat {
        /// Radius, m.
        radius_m: f64,
    },
    /// `paraboloid:R`, `y = -r^2 / (2 R)`; the origin is its tip.
    Paraboloid {
        /// Radius of curvature at the tip, m.
        radius_m: f64,
    },
    /// `ellipsoid:AX,AY,AZ`, semi-axes.
    Ellipsoid {
        /// Semi-axes along x, y, z, m.
        semi_axes_m: [f64; 3],
    },
    /// `roller:R,LENGTH,FILLET`: a cylinder along x, its length includes both quarter-circle end fillets.
    Roller {
        /// Radius, m.
        radius_m: f64,
        /// Length, m.
        length_m: f64,
        /// End fillet radius, m.
        fillet_m: f64,
    },
    /// `torus:MAJOR,MINOR`: a wheel, axle along x. It has a disc: only its rim is a tube.
    Torus {
        /// Ring radius (axle to tube centre), m.
        major_m: f64,
        /// Tube radius, m.
        minor_m: f64,
    },
    /// Any surface of triangles.
    Mesh(Mesh),
}

impl Indenter {
    /// How far the shape reaches along a line: the largest `t` for which `point + t * direction` lies on it, m.
    ///
    /// `point` and the unit vector `direction` are in the node's frame. `None` if the line misses the shape.
    /// A cell of skin at `point` whose inward normal is `direction` is overlapped by this much (negative: the node
    /// is still that far away). Closed forms but for rollers and wheels, whose exact distance field is followed to 1e-10 m
    /// (a line that only grazes them: within 3 micrometres). Tilted or not: a flat punch may be left through its side.
    pub fn reach(&self, point: &Point3<f64>, direction: &Vector3<f64>) -> Option<f64> {
        let (q, d) = (point.coords, direction);
        match *self {
            Indenter::Sphere { radius_m } => {
                far_root(1.0, q.dot(d), q.norm_squared() - radius_m * radius_m)
            }
            Indenter::Ellipsoid {
                semi_axes_m: [a, b, c],
            } => {
                let scale = Vector3::new(1.0 / a, 1.0 / b, 1.0 / c);
                let (q, d) = (q.component_mul(&scale), d.component_mul(&scale));
                far_root(d.norm_squared(), q.dot(&d), q.norm_squared() - 1.0)
            }
            Indenter::Paraboloid { radius_m } => {
                // y + r^2 / (2 R) = 0, the inside is below.
                let radial = d.x * d.x + d.z * d.z;
                if radial < 1e-18 {
                    return Some((-(q.x * q.x + q.z * q.z) / (2.0 * radius_m) - q.y) / d.y);
                }
                let half_b = q.x * d.x + q.z * d.z + radius_m * d.y;
                far_root(radial, half_b, q.x * q.x + q.z * q.z + 2.0 * radius_m * q.y)
            }
            Indenter::Flat { radius_m } => {
                let t = -q.y / d.y;
                let on_face = q + d * t;
                if on_face.x.hypot(on_face.z) <= radius_m {
                    return Some(t);
                }
                // Tilted: the line may leave through the side, above the face.
                let radial = d.x * d.x + d.z * d.z;
                if radial < 1e-18 {
                    return None;
                }
                let side = far_root(
                    radial,
                    q.x * d.x + q.z * d.z,
                    q.x * q.x + q.z * q.z - radius_m * radius_m,
                )?;
                ((q + d * side).y < 0.0).then_some(side)
            }
            Indenter::Roller {
                radius_m,
                length_m,
                fillet_m,
            } => {
                let core = [0.5 * length_m - fillet_m, radius_m - fillet_m];
                along_distance(q, d, radius_m.hypot(0.5 * length_m), core, fillet_m)
            }
            Indenter::Torus { major_m, minor_m } => {
                along_distance(q, d, major_m + minor_m, [0.0, major_m], minor_m)
            }
            Indenter::Mesh(ref mesh) => mesh.reach(point, direction),
        }
    }

    /// The point that lies farthest along the unit vector `direction`, in the node's frame; where it is a line or a
    /// face, its middle (of a mesh, its first vertex).
    pub fn foremost(&self, direction: &Vector3<f64>) -> Point3<f64> {
        let d = direction;
        // Unit vector across the axle; nothing if the direction is the axle.
        let across = |v: Vector3<f64>| v.try_normalize(1e-9).unwrap_or_else(Vector3::zeros);
        let sign = |v: f64| if v.abs() < 1e-9 { 0.0 } else { v.signum() };
        let place = match *self {
            Indenter::Sphere { radius_m } => d * radius_m,
            Indenter::Ellipsoid { semi_axes_m } => {
                let axes = Vector3::from(semi_axes_m);
                axes.component_mul(&axes.component_mul(d)) / axes.component_mul(d).norm()
            }
            Indenter::Paraboloid { radius_m } => {
                let (x, z) = (radius_m * d.x / d.y, radius_m * d.z / d.y);
                Vector3::new(x, -(x * x + z * z) / (2.0 * radius_m), z)
            }
            Indenter::Flat { radius_m } => across(Vector3::new(d.x, 0.0, d.z)) * radius_m,
            Indenter::Roller {
                radius_m,
                length_m,
                fillet_m,
            } => {
                Vector3::x() * (sign(d.x) * (0.5 * length_m - fillet_m))
                    + across(Vector3::new(0.0, d.y, d.z)) * (radius_m - fillet_m)
                    + d * fillet_m
            }
            Indenter::Torus { major_m, minor_m } => {
                across(Vector3::new(0.0, d.y, d.z)) * major_m + d * minor_m
            }
            Indenter::Mesh(ref mesh) => mesh.foremost(direction).coords,
        };
        place.into()
    }

    /// Radius of the sphere about the origin that holds all of the shape that can touch, m; infinite for a paraboloid.
    pub fn bound_m(&self) -> f64 {
        match *self {
            Indenter::Sphere { radius_m } | Indenter::Flat { radius_m } => radius_m,
            Indenter::Paraboloid { .. } => f64::INFINITY,
            Indenter::Ellipsoid { semi_axes_m } => semi_axes_m.into_iter().fold(0.0, f64::max),
            Indenter::Roller {
                radius_m, length_m, ..
            } => radius_m.hypot(0.5 * length_m),
            Indenter::Torus { major_m, minor_m } => major_m + minor_m,
            Indenter::Mesh(ref mesh) => mesh.bound_m(),
        }
    }

    /// Distance from the shape's origin to its foremost point along the unit vector `direction`, m.
    pub fn extent_m(&self, direction: &Vector3<f64>) -> f64 {
        let d = direction;
        match *self {
            Indenter::Sphere { radius_m } => radius_m,
            Indenter::Ellipsoid {
                semi_axes_m: [a, b, c],
            } => (a * d.x).hypot(b * d.y).hypot(c * d.z),
            Indenter::Paraboloid { radius_m } => 0.5 * radius_m * (d.x * d.x + d.z * d.z) / d.y,
            Indenter::Flat { radius_m } => radius_m * d.x.hypot(d.z),
            Indenter::Roller {
                radius_m,
                length_m,
                fillet_m,
            } => {
                (0.5 * length_m - fillet_m) * d.x.abs()
                    + (radius_m - fillet_m) * d.y.hypot(d.z)
                    + fillet_m
            }
            Indenter::Torus { major_m, minor_m } => major_m * d.y.hypot(d.z) + minor_m,
            Indenter::Mesh(ref mesh) => mesh.foremost(direction).coords.dot(d),
        }
    }

    /// Radius of curvature that a shallow contact straight along y sees, m (geometric mean; infinite for a flat end).
    /// Of a mesh: how far its surface falls away from the foremost vertex, a quarter of its size to eight sides.
    pub fn tip_radius_m(&self) -> f64 {
        match *self {
            Indenter::Sphere { radius_m } | Indenter::Paraboloid { radius_m } => radius_m,
            Indenter::Ellipsoid {
                semi_axes_m: [a, b, c],
            } => a * c / b,
            Indenter::Roller {
                radius_m, length_m, ..
            } => (radius_m * length_m).sqrt(),
            Indenter::Torus { major_m, minor_m } => ((major_m + minor_m) * minor_m).sqrt(),
            Indenter::Flat { .. } => f64::INFINITY,
            Indenter::Mesh(ref mesh) => mesh.tip_radius_m(),
        }
    }

    /// Radius of the sphere whose large-strain law serves for this node, m: that of its tip; a flat end counts as a sphere of
    /// 1.5 times its radius, which has the same contact radius about a fifth of that radius deep (estimate). So does the flat foremost face
    /// of a mesh, by the disc of its area, where the surface does not fall a quarter of the mesh's size beside its middle.
    pub fn law_radius_m(&self) -> f64 {
        /// What a flat end counts as, over its radius.
        const FLAT: f64 = 1.5;
        match *self {
            Indenter::Flat { radius_m } => FLAT * radius_m,
            Indenter::Mesh(ref mesh) => {
                let tip_m = mesh.tip_radius_m();
                let counts_m = match mesh.foremost_face() {
                    Some((_, face_m)) if !tip_m.is_finite() => FLAT * face_m,
                    _ => tip_m,
                };
                counts_m.min(FLAT * mesh.bound_m())
            }
            _ => self.tip_radius_m(),
        }
    }
}

/// Larger root of `a t^2 + 2 b t + c = 0`.
fn far_root(a: f64, half_b: f64, c: f64) -> Option<f64> {
    let discriminant = half_b * half_b - a * c;
    (discriminant >= 0.0).then(|| (-half_b + discriminant.sqrt()) / a)
}

/// Farthest crossing of a line with a cylinder about x (half length and radius in `core`) that is rounded by `round_m`.
///
/// The distance to a convex body is convex along a line, so Newton's steps from beyond the bounding sphere come nearer
/// from one side, and a line that misses shows by a distance that no longer falls.
fn along_distance(
    q: Vector3<f64>,
    d: &Vector3<f64>,
    bound_m: f64,
    core: [f64; 2],
    round_m: f64,
) -> Option<f64> {
    let mut t = far_root(1.0, q.dot(d), q.norm_squared() - bound_m * bound_m)? + 1e-9;
    // A grazing line halves its distance to the touch with each step; all others double their digits.
    for _ in 0..60 {
        let p = q + d * t;
        let radial = p.y.hypot(p.z);
        let (along, across) = ((p.x.abs() - core[0]).max(0.0), (radial - core[1]).max(0.0));
        let far = along.hypot(across);
        if far - round_m < 1e-10 {
            return Some(t);
        }
        let outward = if across > 0.0 {
            (p.y * d.y + p.z * d.z) / radial
        } else {
            0.0
        };
        let slope = (along * p.x.signum() * d.x + across * outward) / far;
        if slope <= 0.0 {
            return None;
        }
        t -= (far - round_m) / slope;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hand-worked: a line 15 mm beside the centre of a 25 mm sphere leaves it 20 mm further on; a roller of the
    /// same radius does so along z, and its fillet of 5 mm takes 5 - 3 = 2 mm off at 4 mm into the fillet... sqrt(25 - 16) = 3.
    #[test]
    fn val_reach_by_hand() {
        let down = Vector3::y();
        let sphere = Indenter::Sphere { radius_m: 0.025 };
        assert!(
            (sphere.reach(&Point3::new(0.015, 0.0, 0.0), &down).unwrap() - 0.020).abs() < 1e-12
        );
        assert!(sphere.reach(&Point3::new(0.026, 0.0, 0.0), &down).is_none());
        let roller = Indenter::Roller {
            radius_m: 0.025,
            length_m: 0.04,
            fillet_m: 0.005,
        };
        assert!((roller.reach(&Point3::new(0.0, 0.0, 0.015), &down).unwrap() - 0.020).abs() < 1e-6);
        assert!(
            (roller.reach(&Point3::new(0.019, -0.1, 0.0), &down).unwrap() - 0.123).abs() < 1e-6
        );
        let torus = Indenter::Torus {
            major_m: 0.02,
            minor_m: 0.005,
        };
        assert!((torus.reach(&Point3::new(0.003, 0.0, 0.0), &down).unwrap() - 0.024).abs() < 1e-6);
        let flat = Indenter::Flat { radius_m: 0.01 };
        assert!(
            (flat.reach(&Point3::new(0.009, -0.003, 0.0), &down).unwrap() - 0.003).abs() < 1e-12
        );
        let bowl = Indenter::Paraboloid { radius_m: 0.025 };
        assert!((bowl.reach(&Point3::new(0.01, 0.0, 0.0), &down).unwrap() + 0.002).abs() < 1e-12);
        let egg = Indenter::Ellipsoid {
            semi_axes_m: [0.02, 0.015, 0.012],
        };
        assert!((egg.reach(&Point3::new(0.0, 0.0, 0.0), &down).unwrap() - 0.015).abs() < 1e-12);
    }
}
