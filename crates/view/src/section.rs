//! A cut across the back through a node: the tissue's layers under the skin, squeezed as the skin is pushed in.

use nalgebra::{Point3, Vector3};
use scene::Surface;

use crate::dent::{self, Press};
use crate::skin::{Skin, lerp};

/// One layer of the cut as a band between its outer and its inner line, in the back frame.
#[derive(Clone, Debug)]
pub struct Band {
    /// `skin`, `fat`, `muscle`, `bone`.
    pub name: String,
    /// Outer line, from left to right.
    pub outer: Vec<Point3<f64>>,
    /// Inner line, point by point under it.
    pub inner: Vec<Point3<f64>>,
}

impl Band {
    /// The same so much nearer to whoever looks down on the cut, m.
    pub fn raised(&self, up_m: f64) -> Band {
        let lift =
            |points: &[Point3<f64>]| points.iter().map(|p| p + up_m * Vector3::z()).collect();
        Band {
            name: self.name.clone(),
            outer: lift(&self.outer),
            inner: lift(&self.inner),
        }
    }
}

/// Where the cut goes: a plane square to the spine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Station on a back; on a slab unused.
    pub u: f64,
    /// Height in the back frame, m.
    pub z_m: f64,
}

/// Half the width of the cut, m: as far as the tissue is known to nodes.
const HALF_M: f64 = 0.128;
const POINTS: usize = 161;
/// How much of the bone is drawn, m; the model ends at its surface.
const BONE_M: f64 = 0.010;

/// The layers along a cut. Each is squeezed by the same share of its thickness: how the push is shared out among them is the
/// tissue's own matter and not recorded.
pub fn bands(skin: &Skin, surface: Option<&Surface>, cut: Cut, presses: &[Press]) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for i in 0..POINTS {
        let x_m = lerp([-HALF_M, HALF_M], i, POINTS);
        let (point, normal, layers) = match &skin.back {
            Some(back) => {
                let t = back.thickness(cut.u, x_m);
                let layers = vec![
                    ("skin".to_string(), t.skin_m),
                    ("fat".to_string(), t.fat_m),
                    ("muscle".to_string(), t.muscle_m),
                ];
                (back.point(cut.u, x_m), back.normal(cut.u, x_m), layers)
            }
            None => {
                let layers = match surface {
                    Some(Surface::Slab { stack, .. }) => stack
                        .layers()
                        .iter()
                        .map(|l| (l.name.clone(), l.thickness_m))
                        .collect(),
                    _ => Vec::new(),
                };
                (Point3::new(x_m, 0.0, cut.z_m), -Vector3::y(), layers)
            }
        };
        // Drawn in the plane of the cut.
        let inward = Vector3::new(-normal.x, -normal.y, 0.0).normalize();
        let total_m: f64 = layers.iter().map(|(_, t)| t).sum();
        let pushed_m = dent::depth_m(presses, &point, &-normal).min(0.9 * total_m);
        let left = (total_m - pushed_m) / total_m.max(1e-9);
        let mut depth_m = pushed_m;
        let bone = ("bone".to_string(), BONE_M / left.max(0.1));
        for (index, (name, thickness_m)) in layers.into_iter().chain([bone]).enumerate() {
            if bands.len() <= index {
                bands.push(Band {
                    name,
                    outer: Vec::new(),
                    inner: Vec::new(),
                });
            }
            bands[index].outer.push(point + depth_m * inward);
            depth_m += left * thickness_m;
            bands[index].inner.push(point + depth_m * inward);
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use back::{Back, Body, Sex};
    use sim::Bed;
    use std::sync::Arc;

    /// Unpressed, the cut's layers are as thick as the back says, and lie on one another without a gap.
    #[test]
    fn layers_are_as_thick_as_the_back_says() {
        let body = Body::mean(Sex::Male, 1.75, 25.0, 40.0);
        let back = Arc::new(Back::new(&body).unwrap());
        let bed = Bed::of_back(&back, &Bed::groundwork(4e-3), &[0.025], 0.13);
        let skin = Skin::of_back(&back, &bed);
        let u = 0.7;
        let cut = Cut {
            u,
            z_m: back.point(u, 0.0).z,
        };
        let bands = bands(&skin, None, cut, &[]);
        let names: Vec<&str> = bands.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["skin", "fat", "muscle", "bone"]);
        let middle = POINTS / 2;
        let t = back.thickness(u, 0.0);
        for (band, thickness_m) in bands.iter().zip([t.skin_m, t.fat_m, t.muscle_m]) {
            let drawn_m = (band.inner[middle] - band.outer[middle]).norm();
            assert!(
                (drawn_m - thickness_m).abs() < 1e-9,
                "{}: {drawn_m} {thickness_m}",
                band.name
            );
        }
        for pair in bands.windows(2) {
            assert!((pair[0].inner[middle] - pair[1].outer[middle]).norm() < 1e-12);
        }
    }
}
