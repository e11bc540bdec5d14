//! The shapes that touch: rigid nodes, described in their own frame.

use nalgebra::{Point3, Vector3};
use serde::{Deserialize, Serialize};

/// A rigid node. Its own frame: x along the axle (if it has one), y along the inward surface normal when it is not
/// tilted (into the tissue), z along the travel; the origin is the centre of the shape. Lengths in m.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
    /// `torus:MAJOR,MINOR`: a wheel, axle along x.
    Torus {
        /// Ring radius (axle to tube centre), m.
        major_m: f64,
        /// Tube radius, m.
        minor_m: f64,
    },
}

impl Indenter {
    /// How far the shape reaches along a line: the largest `t` for which `point + t * direction` lies on it, m.
    ///
    /// `point` and the unit vector `direction` are in the node's frame. `None` if the line misses the shape.
    /// A cell of skin at `point` whose inward normal is `direction` is overlapped by this much (negative: the node
    /// is still that far away). Sphere, ellipsoid and paraboloid are exact; rollers and tori are marched along
    /// their exact distance field to 0.1 micrometre.
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
                // Tilted: the line may leave through the side, below the face.
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
                let distance = |p: Vector3<f64>| {
                    let along = p.x.abs() - (0.5 * length_m - fillet_m);
                    let across = p.y.hypot(p.z) - (radius_m - fillet_m);
                    along.max(0.0).hypot(across.max(0.0)) + along.max(across).min(0.0) - fillet_m
                };
                march(q, d, radius_m.hypot(0.5 * length_m), distance)
            }
            Indenter::Torus { major_m, minor_m } => {
                // A wheel has a disc: only its rim is a tube.
                let distance =
                    |p: Vector3<f64>| (p.y.hypot(p.z) - major_m).max(0.0).hypot(p.x) - minor_m;
                march(q, d, major_m + minor_m, distance)
            }
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
        }
    }

    /// Radius of curvature that a shallow contact straight along y sees, m (geometric mean; infinite for a flat end).
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
        }
    }

    /// Radius of the sphere whose large-strain law serves for this node, m: that of its tip; a flat end counts as a sphere of
    /// 1.5 times its radius, which has the same contact radius about a fifth of that radius deep (estimate).
    pub fn law_radius_m(&self) -> f64 {
        match *self {
            Indenter::Flat { radius_m } => 1.5 * radius_m,
            _ => self.tip_radius_m(),
        }
    }
}

/// Larger root of `a t^2 + 2 b t + c = 0`.
fn far_root(a: f64, half_b: f64, c: f64) -> Option<f64> {
    let discriminant = half_b * half_b - a * c;
    (discriminant >= 0.0).then(|| (-half_b + discriminant.sqrt()) / a)
}

/// Comes back along the line from beyond the bounding sphere until the distance field says the shape is met.
fn march(
    q: Vector3<f64>,
    d: &Vector3<f64>,
    bound_m: f64,
    distance: impl Fn(Vector3<f64>) -> f64,
) -> Option<f64> {
    let mut t = far_root(1.0, q.dot(d), q.norm_squared() - bound_m * bound_m)?;
    let enough = t - 2.0 * bound_m;
    for _ in 0..200 {
        let gap = distance(q + d * t);
        if gap < 1e-7 {
            return Some(t);
        }
        t -= gap;
        if t < enough {
            return None;
        }
    }
    Some(t)
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
