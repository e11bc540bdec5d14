//! A node as a triangle mesh.

use nalgebra::{Point3, Vector3};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A rigid surface of triangles in the node's frame, lengths in m. Cheap to clone: the triangles are shared.
///
/// Which way a triangle faces does not matter, and the surface need not be closed: a line's *farthest* crossing counts,
/// so only the side that meets the tissue has to be there. Boxes in a tree make a crossing cost about the logarithm
/// of the number of triangles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Mesh(Arc<Tree>);

/// What is wrong with a mesh.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeshError {
    /// Too little to have an inside.
    #[error("{vertices} vertices and {triangles} triangles: allowed: at least 4 of each")]
    TooSmall {
        /// Vertices given.
        vertices: usize,
        /// Triangles given.
        triangles: usize,
    },
    /// A coordinate that is no length.
    #[error(
        "vertex {vertex} at {at:?} m: allowed: finite, within 10 m of the origin (are the lengths in metres?)"
    )]
    Vertex {
        /// Its index.
        vertex: usize,
        /// Where it is, m.
        at: [f64; 3],
    },
    /// A corner that is not there.
    #[error("triangle {triangle} names vertex {vertex}: allowed: 0 to {last}")]
    Corner {
        /// Index of the triangle.
        triangle: usize,
        /// The vertex it names.
        vertex: u32,
        /// The last vertex there is.
        last: usize,
    },
    /// A triangle without area: corners that fall together or lie on one line.
    #[error("triangle {triangle} has no area: leave it out, or merge its corners")]
    Degenerate {
        /// Index of the triangle.
        triangle: usize,
    },
}

impl Mesh {
    /// Checks every vertex and triangle and reports every problem.
    ///
    /// # Errors
    /// Fewer than four vertices or triangles, a coordinate that is not finite or beyond 10 m, an index out of range, a
    /// triangle without area (height under 1e-9 of its longest edge).
    pub fn try_new(
        vertices_m: Vec<Point3<f64>>,
        triangles: Vec<[u32; 3]>,
    ) -> Result<Mesh, Vec<MeshError>> {
        let mut errors = Vec::new();
        if vertices_m.len() < 4 || triangles.len() < 4 {
            errors.push(MeshError::TooSmall {
                vertices: vertices_m.len(),
                triangles: triangles.len(),
            });
        }
        for (vertex, p) in vertices_m.iter().enumerate() {
            if !p.coords.iter().all(|v| v.abs() <= 10.0) {
                let at = [p.x, p.y, p.z];
                errors.push(MeshError::Vertex { vertex, at });
            }
        }
        let sound = errors.is_empty();
        for (triangle, corners) in triangles.iter().enumerate() {
            let missing = corners
                .iter()
                .filter(|c| **c as usize >= vertices_m.len())
                .map(|&vertex| MeshError::Corner {
                    triangle,
                    vertex,
                    last: vertices_m.len().saturating_sub(1),
                });
            let before = errors.len();
            errors.extend(missing);
            if sound && errors.len() == before && is_degenerate(&vertices_m, corners) {
                errors.push(MeshError::Degenerate { triangle });
            }
        }
        if errors.is_empty() {
            Ok(Mesh(Arc::new(Tree::new(vertices_m, triangles))))
        } else {
            Err(errors)
        }
    }

    /// The vertices, m.
    pub fn vertices_m(&self) -> &[Point3<f64>] {
        &self.0.vertices_m
    }

    /// Corners of each triangle: indices of vertices.
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.0.triangles
    }

    /// Largest `t` for which `point + t * direction` lies on a triangle, m; `None` if the line meets none.
    pub fn reach(&self, point: &Point3<f64>, direction: &Vector3<f64>) -> Option<f64> {
        self.0.reach(point, direction)
    }

    /// Distance of the farthest vertex from the origin, m.
    pub fn bound_m(&self) -> f64 {
        let far = |p: &Point3<f64>| p.coords.norm();
        self.vertices_m().iter().map(far).fold(0.0, f64::max)
    }

    /// Largest distance of a vertex from the origin along x, y and z, m.
    pub fn half_extents_m(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| {
            let along = |p: &Point3<f64>| p[axis].abs();
            self.vertices_m().iter().map(along).fold(0.0, f64::max)
        })
    }

    /// Radius of curvature around the place farthest along y, m: of the circle that falls away as far as the surface does
    /// a quarter of the mesh's size to eight sides, in the mean. The place is the middle of the [flat face](Mesh::foremost_face)
    /// that lies farthest, where there is one, else a vertex. Infinite if the surface does not fall.
    pub fn tip_radius_m(&self) -> f64 {
        let down = Vector3::y();
        let tip = match self.foremost_face() {
            Some((middle, _)) => middle,
            None => self.foremost(&down),
        };
        let side_m = 0.25 * self.bound_m();
        let fallen_m = (0..8).map(|i| {
            let (sin, cos) = (f64::from(i) * std::f64::consts::FRAC_PI_4).sin_cos();
            let beside = tip + Vector3::new(cos, 0.0, sin) * side_m;
            self.reach(&beside, &down)
                .map_or(side_m, |t| (-t).min(side_m))
        });
        let mean_m = fallen_m.sum::<f64>() / 8.0;
        if mean_m <= self.flat_m() {
            return f64::INFINITY;
        }
        (side_m * side_m + mean_m * mean_m) / (2.0 * mean_m)
    }

    /// The flat face that lies farthest along y: its middle, and the radius of the disc of its area, m. `None` where a vertex or an edge
    /// lies farthest, or a face without a middle, such as a ring's.
    ///
    pub fn foremost_face(&self) -> Option<(Point3<f64>, f64)> {
        let down = Vector3::y();
        let front_m = self.foremost(&down).y;
        let behind_m = self.flat_m();
        let (mut area_m2, mut moment) = (0.0, Vector3::zeros());
        for corners in self.triangles() {
            let [a, b, c] = corners.map(|c| self.vertices_m()[c as usize].coords);
            if [a, b, c].iter().all(|p| p.y >= front_m - behind_m) {
                let area = 0.5 * (b - a).cross(&(c - a)).y.abs();
                area_m2 += area;
                moment += area * (a + b + c) / 3.0;
            }
        }
        if area_m2 <= 0.0 {
            return None;
        }
        let middle = Point3::from(moment / area_m2);
        // Over a hole the line meets nothing there, or what lies behind.
        let met_m = self.reach(&middle, &down)?;
        (met_m.abs() <= behind_m).then(|| (middle, (area_m2 / std::f64::consts::PI).sqrt()))
    }

    /// What lies no farther behind than this is flat, m: a ten-thousandth of the mesh's size. Rounding in files is less, and of a sphere it
    /// is a cap of 1.4 % of the radius.
    fn flat_m(&self) -> f64 {
        1e-4 * self.bound_m()
    }

    /// The vertex that lies farthest along a direction; of several, the first.
    pub fn foremost(&self, direction: &Vector3<f64>) -> Point3<f64> {
        self.0.foremost(direction)
    }

    /// Edges that no second triangle closes, and edges whose two triangles face opposite ways. Both 0 for a surface that
    /// has an inside.
    pub fn seams(&self) -> Seams {
        // How often an edge is walked from its lower to its higher vertex, and the other way.
        let mut edges: BTreeMap<(u32, u32), (usize, usize)> = BTreeMap::new();
        for [a, b, c] in self.triangles() {
            for (from, to) in [(*a, *b), (*b, *c), (*c, *a)] {
                let walked = edges.entry((from.min(to), from.max(to))).or_default();
                match from < to {
                    true => walked.0 += 1,
                    false => walked.1 += 1,
                }
            }
        }
        let count = |of: fn(&(usize, usize)) -> bool| edges.values().filter(|w| of(w)).count();
        Seams {
            open: count(|(up, down)| (up + down) % 2 == 1),
            turned: count(|(up, down)| (up + down) % 2 == 0 && up != down),
        }
    }

    /// What a closed surface holds, m³; negative if its triangles face inwards.
    pub fn volume_m3(&self) -> f64 {
        let corners = |t: &[u32; 3]| t.map(|c| self.vertices_m()[c as usize].coords);
        let sixfold = self.triangles().iter().map(|t| {
            let [a, b, c] = corners(t);
            a.dot(&b.cross(&c))
        });
        sixfold.sum::<f64>() / 6.0
    }

    /// How far the mesh is from being round about x: the greatest difference of its radii, m, at nine places along x and in 24
    /// directions, and the radius there.
    pub fn unroundness_m(&self) -> (f64, f64) {
        let along = |pick: fn(f64, f64) -> f64| self.vertices_m().iter().map(|p| p.x).reduce(pick);
        let (Some(low), Some(high)) = (along(f64::min), along(f64::max)) else {
            return (0.0, 0.0);
        };
        let mut worst = (0.0, 0.0);
        for place in 1..10 {
            let on_axis = Point3::new(low + (high - low) * 0.1 * f64::from(place), 0.0, 0.0);
            let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
            for turn in 0..24 {
                let (sin, cos) = (f64::from(turn) * std::f64::consts::TAU / 24.0).sin_cos();
                let out = Vector3::new(0.0, cos, sin);
                let radius = self.reach(&on_axis, &out).unwrap_or(0.0).max(0.0);
                (least, most) = (least.min(radius), most.max(radius));
            }
            if most - least > worst.0 {
                worst = (most - least, most);
            }
        }
        worst
    }
}

/// What keeps a mesh from having an inside; see [`Mesh::seams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seams {
    /// Edges of one triangle only.
    pub open: usize,
    /// Edges whose triangles face opposite ways.
    pub turned: usize,
}

/// A mesh as files have it.
#[derive(Serialize, Deserialize)]
struct Plain {
    vertices_m: Vec<[f64; 3]>,
    triangles: Vec<[u32; 3]>,
}

impl From<Mesh> for Plain {
    fn from(mesh: Mesh) -> Plain {
        let vertex = |p: &Point3<f64>| [p.x, p.y, p.z];
        Plain {
            vertices_m: mesh.vertices_m().iter().map(vertex).collect(),
            triangles: mesh.triangles().to_vec(),
        }
    }
}

impl TryFrom<Plain> for Mesh {
    type Error = String;

    fn try_from(plain: Plain) -> Result<Mesh, String> {
        let vertices_m = plain.vertices_m.into_iter().map(Point3::from).collect();
        Mesh::try_new(vertices_m, plain.triangles).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            lines.join("\n")
        })
    }
}

/// Triangles in boxes in boxes.
#[derive(Debug, PartialEq)]
struct Tree {
    vertices_m: Vec<Point3<f64>>,
    triangles: Vec<[u32; 3]>,
    /// Triangle numbers, those of one leaf side by side.
    order: Vec<u32>,
    /// The root is the first; children come after their parent.
    boxes: Vec<Bounds>,
}

/// A box around triangles.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bounds {
    low: Vector3<f64>,
    high: Vector3<f64>,
    inside: Inside,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Inside {
    /// Two boxes.
    Boxes(usize, usize),
    /// From and to in `order`.
    Triangles(usize, usize),
}

/// Triangles in a leaf: fewer cost more boxes, more cost more crossings; 4 is usual.
const LEAF: usize = 4;

/// Deepest possible tree: halves of 2^32 triangles.
const DEPTH: usize = 34;

impl Tree {
    fn new(vertices_m: Vec<Point3<f64>>, triangles: Vec<[u32; 3]>) -> Tree {
        let mut tree = Tree {
            order: (0..triangles.len() as u32).collect(),
            vertices_m,
            triangles,
            boxes: Vec::new(),
        };
        tree.split(0, tree.order.len());
        tree
    }

    /// Makes the box of a part of `order`, halving it along its longest edge; returns its index.
    fn split(&mut self, from: usize, to: usize) -> usize {
        let mut low = Vector3::repeat(f64::INFINITY);
        let mut high = -low;
        for t in &self.order[from..to] {
            for corner in self.corners(*t) {
                (low, high) = (low.inf(&corner), high.sup(&corner));
            }
        }
        let this = self.boxes.len();
        self.boxes.push(Bounds {
            low,
            high,
            inside: Inside::Triangles(from, to),
        });
        if to - from > LEAF {
            let axis = (high - low).imax();
            let mut part = self.order[from..to].to_vec();
            let middle = |t: &u32| self.corners(*t).iter().map(|c| c[axis]).sum::<f64>();
            // Ties go by number, so that one mesh makes one tree.
            part.sort_by(|a, b| middle(a).total_cmp(&middle(b)).then(a.cmp(b)));
            self.order[from..to].copy_from_slice(&part);
            let half = from + (to - from) / 2;
            let (near, far) = (self.split(from, half), self.split(half, to));
            self.boxes[this].inside = Inside::Boxes(near, far);
        }
        this
    }

    fn corners(&self, triangle: u32) -> [Vector3<f64>; 3] {
        self.triangles[triangle as usize].map(|c| self.vertices_m[c as usize].coords)
    }

    fn reach(&self, point: &Point3<f64>, direction: &Vector3<f64>) -> Option<f64> {
        let inverse = direction.map(|d| 1.0 / d);
        let exit = |i: usize| self.boxes[i].exit(&point.coords, direction, &inverse);
        let mut best = f64::NEG_INFINITY;
        // Boxes and where the line leaves them; the farthest is looked into first, so that few others have to be.
        let mut waiting = [(0usize, f64::INFINITY); 2 * DEPTH];
        waiting[0].1 = exit(0);
        let mut count = 1;
        while count > 0 {
            count -= 1;
            let (at, leaves) = waiting[count];
            if leaves <= best {
                continue;
            }
            match self.boxes[at].inside {
                Inside::Boxes(a, b) => {
                    let (a, b) = ((a, exit(a)), (b, exit(b)));
                    let (near, far) = if a.1 < b.1 { (a, b) } else { (b, a) };
                    for child in [near, far] {
                        if child.1 > best {
                            waiting[count] = child;
                            count += 1;
                        }
                    }
                }
                Inside::Triangles(from, to) => {
                    for t in &self.order[from..to] {
                        if let Some(t) = crossing(&self.corners(*t), &point.coords, direction) {
                            best = best.max(t);
                        }
                    }
                }
            }
        }
        (best > f64::NEG_INFINITY).then_some(best)
    }

    /// Boxes whose foremost corner is not beyond the best vertex so far are left out.
    fn foremost(&self, direction: &Vector3<f64>) -> Point3<f64> {
        let mut best = (f64::NEG_INFINITY, u32::MAX);
        let mut waiting = [0usize; 2 * DEPTH];
        let mut count = 1;
        while count > 0 {
            count -= 1;
            let bounds = &self.boxes[waiting[count]];
            if bounds.farthest(direction) < best.0 {
                continue;
            }
            match bounds.inside {
                Inside::Boxes(a, b) => {
                    // The more promising one first: it is on top.
                    let along = |i: usize| self.boxes[i].farthest(direction);
                    let (first, second) = if along(a) > along(b) { (b, a) } else { (a, b) };
                    waiting[count] = first;
                    waiting[count + 1] = second;
                    count += 2;
                }
                Inside::Triangles(from, to) => {
                    for t in &self.order[from..to] {
                        for corner in self.triangles[*t as usize] {
                            let along = self.vertices_m[corner as usize].coords.dot(direction);
                            if along > best.0 || along == best.0 && corner < best.1 {
                                best = (along, corner);
                            }
                        }
                    }
                }
            }
        }
        self.vertices_m[best.1 as usize]
    }
}

impl Bounds {
    /// How far the box reaches along a direction, with room for rounding.
    fn farthest(&self, d: &Vector3<f64>) -> f64 {
        let corner = |i: usize| {
            if d[i] > 0.0 {
                self.high[i]
            } else {
                self.low[i]
            }
        };
        d.x * corner(0) + d.y * corner(1) + d.z * corner(2) + 1e-12
    }

    /// Where a line leaves the box; minus infinity if it misses it.
    fn exit(&self, q: &Vector3<f64>, d: &Vector3<f64>, inverse: &Vector3<f64>) -> f64 {
        let (mut enter, mut leave) = (f64::NEG_INFINITY, f64::INFINITY);
        for i in 0..3 {
            if d[i] == 0.0 {
                if q[i] < self.low[i] || q[i] > self.high[i] {
                    return f64::NEG_INFINITY;
                }
                continue;
            }
            let (a, b) = (
                (self.low[i] - q[i]) * inverse[i],
                (self.high[i] - q[i]) * inverse[i],
            );
            enter = enter.max(a.min(b));
            leave = leave.min(a.max(b));
        }
        // A flat box is entered where it is left: room for rounding.
        if enter <= leave + 1e-9 {
            leave + 1e-9
        } else {
            f64::NEG_INFINITY
        }
    }
}

/// Where a line crosses a triangle (Moeller and Trumbore 1997). Edges belong to it, with a little over so that no
/// line slips between two neighbours.
fn crossing([a, b, c]: &[Vector3<f64>; 3], q: &Vector3<f64>, d: &Vector3<f64>) -> Option<f64> {
    const EDGE: f64 = 1e-9;
    let (ab, ac) = (b - a, c - a);
    let across = d.cross(&ac);
    let det = ab.dot(&across);
    if det == 0.0 {
        return None;
    }
    let from = q - a;
    let u = from.dot(&across) / det;
    let turned = from.cross(&ab);
    let v = d.dot(&turned) / det;
    (u >= -EDGE && v >= -EDGE && u + v <= 1.0 + EDGE).then(|| ac.dot(&turned) / det)
}

fn is_degenerate(vertices_m: &[Point3<f64>], corners: &[u32; 3]) -> bool {
    let [a, b, c] = corners.map(|c| vertices_m[c as usize]);
    let longest = (b - a).norm().max((c - b).norm()).max((a - c).norm());
    (b - a).cross(&(c - a)).norm() <= 1e-9 * longest * longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube() -> (Vec<Point3<f64>>, Vec<[u32; 3]>) {
        let corner = |i: u32| {
            Point3::from([0, 1, 2].map(|axis| if i >> axis & 1 == 1 { 0.01 } else { -0.01 }))
        };
        let squares = [
            [0, 1, 3, 2],
            [4, 6, 7, 5],
            [0, 4, 5, 1],
            [2, 3, 7, 6],
            [0, 2, 6, 4],
            [1, 5, 7, 3],
        ];
        let halves = squares
            .iter()
            .flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]])
            .collect();
        ((0..8).map(corner).collect(), halves)
    }

    /// A cube of 20 mm: its far face is 10 mm from the centre, its corner root 3 times that, and lines through edges,
    /// corners and along faces are met as well.
    #[test]
    fn val_cube_by_hand() {
        let (vertices_m, triangles) = cube();
        let mesh = Mesh::try_new(vertices_m, triangles).unwrap();
        let down = Vector3::y();
        for (x, z) in [(0.0, 0.0), (0.01, 0.0), (0.01, 0.01), (-0.004, 0.004)] {
            let t = mesh.reach(&Point3::new(x, -0.03, z), &down).unwrap();
            assert!((t - 0.04).abs() < 1e-12, "{x} {z}: {t}");
        }
        assert_eq!(mesh.reach(&Point3::new(0.0101, 0.0, 0.0), &down), None);
        let corner = Vector3::repeat(1.0).normalize();
        let t = mesh.reach(&Point3::origin(), &corner).unwrap();
        assert!((t - 0.01 * 3f64.sqrt()).abs() < 1e-12);
        assert_eq!(mesh.foremost(&corner), Point3::new(0.01, 0.01, 0.01));
        // Its flat face of 20 x 20 mm does not fall a quarter of its size from the middle, and is as large as a disc of 20 mm / sqrt pi.
        let (middle, radius_m) = mesh.foremost_face().unwrap();
        assert!((middle - Point3::new(0.0, 0.01, 0.0)).norm() < 1e-12);
        assert!((radius_m - 0.02 / std::f64::consts::PI.sqrt()).abs() < 1e-12);
        assert_eq!(mesh.tip_radius_m(), f64::INFINITY);
    }

    /// A cut cone of 48 sides without a bottom: beside a face of 6 mm radius it falls at 45 degrees, out to 16 mm. A quarter of its size is
    /// 4.7 mm, still on the face. Cut at 3 mm its size is 20.6 mm, and at a quarter, 5.15 mm, it has fallen by 2.15 mm: `(a^2 + h^2) / (2 h)`,
    /// 7.24 mm. With a hole in the middle of the face there is no face to speak of.
    #[test]
    fn val_a_flat_foremost_face_is_told_by_its_extent() {
        let cone = |flat_m: f64, hole: bool| {
            let n = 48;
            let ring = |radius_m: f64, y_m: f64| {
                (0..n).map(move |i| {
                    let (sin, cos) = (std::f64::consts::TAU * i as f64 / n as f64).sin_cos();
                    Point3::new(radius_m * cos, y_m, radius_m * sin)
                })
            };
            let mut vertices_m: Vec<_> = ring(flat_m, 0.0).collect();
            vertices_m.extend(ring(0.016, flat_m - 0.016));
            vertices_m.extend(ring(0.5 * flat_m, 0.0));
            vertices_m.push(Point3::origin());
            let n = n as u32;
            let mut triangles = Vec::new();
            for i in 0..n {
                let j = (i + 1) % n;
                triangles.extend([[i, j, n + i], [j, n + i, n + j]]);
                triangles.extend([[i, j, 2 * n + i], [j, 2 * n + i, 2 * n + j]]);
                if !hole {
                    triangles.push([2 * n + i, 2 * n + j, 3 * n]);
                }
            }
            Mesh::try_new(vertices_m, triangles).unwrap()
        };
        // A polygon of 48 sides has 0.29 % less area than its circle, and a side's middle falls by 0.2 % of the radius more.
        let wide = cone(0.006, false);
        let (middle, radius_m) = wide.foremost_face().unwrap();
        assert!(middle.coords.norm() < 1e-9);
        assert!((radius_m / 0.006 - 1.0).abs() < 3e-3, "{radius_m}");
        assert_eq!(wide.tip_radius_m(), f64::INFINITY);
        let narrow = cone(0.003, false);
        assert!((narrow.foremost_face().unwrap().1 / 0.003 - 1.0).abs() < 3e-3);
        let radius_m = narrow.tip_radius_m();
        let (aside, fallen) = (5.154e-3, 2.154e-3);
        let by_hand = (aside * aside + fallen * fallen) / (2.0 * fallen);
        assert!((radius_m / by_hand - 1.0).abs() < 0.01, "{radius_m}");
        assert_eq!(cone(0.006, true).foremost_face(), None);
    }

    /// The tree leaves no triangle out: against a walk over all of a wavy sheet.
    #[test]
    fn val_tree_finds_what_a_walk_finds() {
        let n = 23;
        let vertices_m: Vec<_> = (0..n * n)
            .map(|i| {
                let (x, z) = ((i % n) as f64, (i / n) as f64);
                Point3::new(1e-3 * x, 2e-3 * (0.7 * x + 0.3 * z * x).sin(), 1e-3 * z)
            })
            .collect();
        let mut triangles = Vec::new();
        for i in 0..(n * (n - 1)) as u32 {
            if i % n as u32 != n as u32 - 1 {
                triangles.push([i, i + 1, i + n as u32]);
                triangles.push([i + 1, i + n as u32, i + n as u32 + 1]);
            }
        }
        let mesh = Mesh::try_new(vertices_m, triangles).unwrap();
        let mut met = 0;
        for i in 0..2000 {
            let f = |a: f64| (f64::from(i) * a).fract();
            let q = Point3::new(0.03 * f(0.618) - 0.004, -0.01, 0.03 * f(0.414) - 0.004);
            let d = Vector3::new(f(0.73) - 0.5, 1.0, f(0.37) - 0.5).normalize();
            let walk = (0..mesh.0.triangles.len() as u32)
                .filter_map(|t| crossing(&mesh.0.corners(t), &q.coords, &d))
                .reduce(f64::max);
            met += usize::from(walk.is_some());
            assert_eq!(mesh.reach(&q, &d), walk, "{q} {d}");
        }
        assert!(met > 500, "{met}");
    }

    /// The tree's foremost vertex is that of a walk over all; a closed cube holds
    /// (20 mm)^3, is round about x to within its corners, sqrt 2 - 1 of 10 mm, and loses three edges with a triangle.
    #[test]
    fn val_what_a_mesh_says_of_itself() {
        let (vertices_m, mut triangles) = cube();
        let mesh = Mesh::try_new(vertices_m.clone(), triangles.clone()).unwrap();
        assert!((mesh.volume_m3().abs() - 8e-6).abs() < 1e-18);
        let (far, radius) = mesh.unroundness_m();
        assert!(
            (far - 0.01 * (2f64.sqrt() - 1.0)).abs() < 1e-12
                && (radius - 0.01 * 2f64.sqrt()).abs() < 1e-12
        );
        for i in 0..500 {
            let f = |a: f64| (f64::from(i) * a).fract() - 0.5;
            let d = Vector3::new(f(0.618), f(0.414), f(0.732));
            let walk = vertices_m
                .iter()
                .map(|p| p.coords.dot(&d))
                .fold(f64::MIN, f64::max);
            assert_eq!(mesh.foremost(&d).coords.dot(&d), walk);
        }
        let seams = |t: Vec<[u32; 3]>| Mesh::try_new(vertices_m.clone(), t).unwrap().seams();
        let turned = seams(triangles.clone()).turned;
        assert_eq!(seams(triangles.clone()).open, 0);
        let [a, b, c] = triangles[0];
        triangles[0] = [b, a, c];
        assert_ne!(seams(triangles.clone()).turned, turned);
        triangles.remove(0);
        assert_eq!(seams(triangles).open, 3);
    }

    #[test]
    fn every_problem_of_a_mesh_is_told() {
        let (vertices_m, triangles) = cube();
        let few = Mesh::try_new(vertices_m[..3].to_vec(), vec![[0, 1, 2]]).unwrap_err();
        assert!(matches!(few[..], [MeshError::TooSmall { .. }]), "{few:?}");
        let mut wrong = triangles.clone();
        wrong[2] = [0, 1, 8];
        wrong[5] = [3, 3, 4];
        let two = Mesh::try_new(vertices_m.clone(), wrong).unwrap_err();
        assert_eq!(
            two.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "triangle 2 names vertex 8: allowed: 0 to 7",
                "triangle 5 has no area: leave it out, or merge its corners"
            ]
        );
        let mut away = vertices_m.clone();
        away[1].y = f64::NAN;
        away[4].x = 25.0;
        assert_eq!(Mesh::try_new(away, triangles.clone()).unwrap_err().len(), 2);
        let mesh = Mesh::try_new(vertices_m, triangles).unwrap();
        let text = serde_json::to_string(&mesh).unwrap();
        assert_eq!(serde_json::from_str::<Mesh>(&text).unwrap(), mesh);
    }
}
