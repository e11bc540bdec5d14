//! Clay: rounded pieces grown together to one smooth surface, as a sculptor presses lumps together. The surface is where a
//! distance to all pieces vanishes; it is meshed as a net of one point in each cell that it passes through (Gibson 1998).

use std::sync::Arc;

use nalgebra::{Point3, Vector3};

use crate::parts::Form;

/// A closed surface of triangles that face outwards.
#[derive(Clone, Debug, Default)]
pub struct Solid {
    /// Corners.
    pub points: Vec<Point3<f64>>,
    /// Unit normals, one for each corner.
    pub normals: Vec<Vector3<f64>>,
    /// Three corners for each triangle.
    pub corners: Vec<u32>,
}

/// A lump to be pressed on what is there, and how wide the fillet around it becomes.
#[derive(Clone)]
pub struct Lump {
    /// Its form.
    pub shape: Shape,
    /// From where on it grows together with the rest, m.
    pub blend_m: f64,
}

/// Forms of lumps.
#[derive(Clone)]
pub enum Shape {
    /// Rounded pieces from one point to another, with a radius at each.
    Limb(Vec<[(Point3<f64>, f64); 2]>),
    /// Cross-sections one above the other.
    Trunk(Arc<Trunk>),
}

/// Cross-sections at even heights, each as radii around a middle.
pub struct Trunk {
    /// Heights of the lowest and the highest section, m.
    pub heights_m: [f64; 2],
    /// From the lowest to the highest: the middle's y, m, and radii at even angles from x to y.
    pub sections: Vec<(f64, Vec<f64>)>,
}

/// Side of a cell of the net, m.
const CELL_M: f64 = 0.010;
/// Cells of a block each way: blocks that are far from the surface are passed over.
const BLOCK: usize = 8;

impl Lump {
    /// A limb as a lump.
    pub fn of_form(form: &Form, blend_m: f64) -> Option<Lump> {
        let Form::Limb { path, radii_m } = form else {
            return None;
        };
        let (path, radii_m) = crate::mesh::curved(path, radii_m, 4);
        let spots: Vec<(Point3<f64>, f64)> = path.into_iter().zip(radii_m).collect();
        let pieces = spots.windows(2).map(|ends| [ends[0], ends[1]]);
        let shape = Shape::Limb(pieces.collect());
        Some(Lump { shape, blend_m })
    }

    /// From its surface to a point, m; negative inside.
    fn away(&self, p: &Point3<f64>) -> f64 {
        match &self.shape {
            Shape::Limb(pieces) => {
                let from = pieces.iter().map(|piece| away_of(piece, p));
                from.fold(f64::MAX, f64::min)
            }
            Shape::Trunk(trunk) => trunk.away(p),
        }
    }

    /// What of it is nearer to a point than so far, m.
    fn near(&self, p: &Point3<f64>, within_m: f64) -> Option<Lump> {
        let shape = match &self.shape {
            Shape::Limb(pieces) => {
                let near = pieces.iter().filter(|piece| away_of(piece, p) < within_m);
                Shape::Limb(near.copied().collect())
            }
            Shape::Trunk(trunk) => Shape::Trunk(Arc::clone(trunk)),
        };
        let blend_m = self.blend_m;
        (self.away(p) < within_m).then_some(Lump { shape, blend_m })
    }

    /// Lowest and highest corner of a box around it.
    fn bounds(&self) -> [Point3<f64>; 2] {
        let around = |spots: &mut dyn Iterator<Item = (Point3<f64>, f64)>| {
            let mut ends = [Point3::from([f64::MAX; 3]), Point3::from([f64::MIN; 3])];
            for (at, radius) in spots {
                let reach = Vector3::repeat(radius);
                ends = [ends[0].inf(&(at - reach)), ends[1].sup(&(at + reach))];
            }
            ends
        };
        match &self.shape {
            Shape::Limb(pieces) => around(&mut pieces.iter().flatten().copied()),
            Shape::Trunk(trunk) => {
                let [low, high] = trunk.heights_m;
                around(&mut trunk.sections.iter().flat_map(|(y, radii)| {
                    let radius = radii.iter().copied().fold(0.0, f64::max);
                    [low + radius, high - radius].map(|z| (Point3::new(0.0, *y, z), radius))
                }))
            }
        }
    }
}

/// From a rounded piece to a point, m.
fn away_of([(a, from), (b, to)]: &[(Point3<f64>, f64); 2], p: &Point3<f64>) -> f64 {
    // Plain numbers: this is where the time goes.
    let (x, y, z) = (b.x - a.x, b.y - a.y, b.z - a.z);
    let (px, py, pz) = (p.x - a.x, p.y - a.y, p.z - a.z);
    let share = (px * x + py * y + pz * z) / (x * x + y * y + z * z).max(1e-12);
    let share = share.clamp(0.0, 1.0);
    let (dx, dy, dz) = (px - x * share, py - y * share, pz - z * share);
    (dx * dx + dy * dy + dz * dz).sqrt() - from - (to - from) * share
}

impl Trunk {
    /// About the distance from its surface, m: along the section's radius, and square to a leaning outline.
    fn away(&self, p: &Point3<f64>) -> f64 {
        let [low, high] = self.heights_m;
        let last = self.sections.len() - 1;
        let height = ((p.z - low) / (high - low) * last as f64).clamp(0.0, last as f64);
        let below = (height as usize).min(last - 1);
        let up = height - below as f64;
        let radial = |(y, radii): &(f64, Vec<f64>)| {
            let (dx, dy) = (p.x, p.y - y);
            let count = radii.len();
            let turn = dy.atan2(dx).rem_euclid(std::f64::consts::TAU);
            let at = turn / std::f64::consts::TAU * count as f64;
            let [a, b] = [0, 1].map(|i| radii[(at as usize + i) % count]);
            let radius = a + (b - a) * at.fract();
            let slope = (b - a) * count as f64 / std::f64::consts::TAU / radius.max(1e-3);
            (dx.hypot(dy) - radius) / slope.hypot(1.0)
        };
        let [lower, upper] = [below, below + 1].map(|i| radial(&self.sections[i]));
        let beyond = (low - p.z).max(p.z - high);
        (lower + (upper - lower) * up).max(beyond)
    }
}

/// Both together, with a fillet that begins where they are `blend` apart.
fn together(a: f64, b: f64, blend: f64) -> f64 {
    let near = (blend - (a - b).abs()).max(0.0);
    a.min(b) - 0.25 * near * near / blend
}

fn away(lumps: &[Lump], p: &Point3<f64>) -> f64 {
    let press = |sum: f64, lump: &Lump| together(sum, lump.away(p), lump.blend_m);
    lumps.iter().fold(f64::MAX, press)
}

/// The surface of lumps, each pressed on those before it.
pub fn press(lumps: &[Lump]) -> Solid {
    let bounds = lumps.iter().map(Lump::bounds);
    let Some([low, high]) = bounds.reduce(|a, b| [a[0].inf(&b[0]), a[1].sup(&b[1])]) else {
        return Solid::default();
    };
    let low = low - Vector3::repeat(2.5 * CELL_M);
    let blocks = [0, 1, 2].map(|axis| {
        let cells = (high[axis] - low[axis]) / CELL_M + 3.0;
        (cells as usize).div_ceil(BLOCK)
    });
    let size = blocks.map(|n| n * BLOCK + 1);
    let mut net = Net {
        low,
        size,
        values: vec![f64::MAX; size.iter().product()],
    };
    let half = 0.5 * BLOCK as f64 * CELL_M;
    // Lean outlines make distances a little longer than they are.
    let reach = 1.25 * half * 3f64.sqrt();
    let mut busy = Vec::new();
    for block in all_of([0; 3], blocks) {
        let first = block.map(|n| n * BLOCK);
        let middle = net.corner(first) + Vector3::repeat(half);
        let here = away(lumps, &middle);
        if here.abs() < reach {
            let near = |lump: &Lump| lump.near(&middle, here + 2.0 * reach + lump.blend_m);
            busy.push((first, lumps.iter().filter_map(near).collect::<Vec<_>>()));
        } else {
            net.fill(first, |_| here);
        }
    }
    // After the far ones: what both share is known better here.
    for (first, some) in &busy {
        let low = net.low;
        net.fill(*first, |at| away(some, &(low + at)));
    }
    let blocks: Vec<[usize; 3]> = busy.iter().map(|(first, _)| *first).collect();
    let (mut solid, patch) = net.weave(&blocks);
    const STEP_M: f64 = 1e-3;
    for (point, block) in solid.points.iter().zip(patch) {
        let some = &busy[block].1;
        let slope = Vector3::from([Vector3::x(), Vector3::y(), Vector3::z()].map(|axis| {
            away(some, &(point + STEP_M * axis)) - away(some, &(point - STEP_M * axis))
        }));
        solid
            .normals
            .push(slope.try_normalize(1e-9).unwrap_or(Vector3::z()));
    }
    solid
}

/// A grid over all lumps, and the distance at each of its corners.
struct Net {
    low: Point3<f64>,
    /// Corners each way.
    size: [usize; 3],
    values: Vec<f64>,
}

impl Net {
    fn index(&self, [i, j, k]: [usize; 3]) -> usize {
        (k * self.size[1] + j) * self.size[0] + i
    }

    fn corner(&self, at: [usize; 3]) -> Point3<f64> {
        self.low + Vector3::from(at.map(|n| n as f64 * CELL_M))
    }

    /// Sets all corners of a block to the value at their place from the grid's first corner.
    fn fill(&mut self, first: [usize; 3], value: impl Fn(Vector3<f64>) -> f64) {
        for at in all_of(first, [BLOCK + 1; 3]) {
            let index = self.index(at);
            self.values[index] = value(self.corner(at) - self.low);
        }
    }

    /// A point in each cell that the surface passes through, in the middle of where it meets the cell's edges; four of them around
    /// each edge make a face. Normals are left out; beside them stands which block each point is from.
    fn weave(&self, blocks: &[[usize; 3]]) -> (Solid, Vec<usize>) {
        let mut solid = Solid::default();
        let mut patch = Vec::new();
        let mut knots = vec![u32::MAX; self.values.len()];
        for (number, block) in blocks.iter().enumerate() {
            for cell in all_of(*block, [BLOCK; 3]) {
                if let Some(point) = self.knot(cell) {
                    knots[self.index(cell)] = solid.points.len() as u32;
                    solid.points.push(point);
                    patch.push(number);
                }
            }
        }
        for cell in blocks.iter().flat_map(|block| all_of(*block, [BLOCK; 3])) {
            for axis in 0..3 {
                let (right, up) = ((axis + 1) % 3, (axis + 2) % 3);
                let (mut end, mut around) = (cell, [cell; 4]);
                end[axis] += 1;
                let inside = [cell, end].map(|at| self.values[self.index(at)] < 0.0);
                if inside[0] == inside[1] || cell[right] == 0 || cell[up] == 0 {
                    continue;
                }
                for (corner, (back, down)) in
                    around.iter_mut().zip([(0, 0), (1, 0), (1, 1), (0, 1)])
                {
                    corner[right] -= back;
                    corner[up] -= down;
                }
                let [a, b, c, d] = around.map(|at| knots[self.index(at)]);
                // A distance that was told too long may leave a block out: better a hole than a spike.
                if [a, b, c, d].contains(&u32::MAX) {
                    continue;
                }
                // Outside lies on, or back: the face is seen from there.
                solid.corners.extend(match inside[0] {
                    true => [a, b, c, a, c, d],
                    false => [a, c, b, a, d, c],
                });
            }
        }
        (solid, patch)
    }

    /// The middle of where the surface meets a cell's edges, if it does.
    fn knot(&self, cell: [usize; 3]) -> Option<Point3<f64>> {
        let at = |corner: usize| [0, 1, 2].map(|axis| cell[axis] + (corner >> axis & 1));
        let values = [0, 1, 2, 3, 4, 5, 6, 7].map(|corner| self.values[self.index(at(corner))]);
        let (mut sum, mut count) = (Vector3::zeros(), 0.0);
        for (corner, axis) in (0..8).flat_map(|corner| (0..3).map(move |axis| (corner, axis))) {
            let end = corner | 1 << axis;
            let (from, to) = (values[corner], values[end]);
            if end != corner && (from < 0.0) != (to < 0.0) {
                let [a, b] = [corner, end].map(|corner| self.corner(at(corner)).coords);
                sum += a + (b - a) * (from / (from - to));
                count += 1.0;
            }
        }
        (count > 0.0).then(|| Point3::from(sum / count))
    }
}

/// All triples from `first` on, `count` each way.
fn all_of(first: [usize; 3], count: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let [i0, j0, k0] = first;
    let [ni, nj, nk] = count;
    (0..ni * nj * nk).map(move |n| [i0 + n % ni, j0 + n / ni % nj, k0 + n / (ni * nj)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn limb(path: &[[f64; 3]], radius_m: f64) -> Lump {
        let at = |p: [f64; 3]| (Point3::from(p), radius_m);
        let pieces = path.windows(2).map(|ends| [at(ends[0]), at(ends[1])]);
        Lump {
            shape: Shape::Limb(pieces.collect()),
            blend_m: 0.03,
        }
    }

    /// By the divergence theorem.
    fn volume_m3(solid: &Solid) -> f64 {
        let triangles = solid.corners.as_chunks::<3>().0.iter();
        let signed = triangles.map(|corners| {
            let [a, b, c] = corners.map(|i| solid.points[i as usize].coords);
            a.dot(&b.cross(&c)) / 6.0
        });
        signed.sum()
    }

    /// A ball's net is closed, faces outwards, lies on the ball and holds its volume.
    #[test]
    fn a_ball_is_a_ball() {
        let centre = Point3::new(0.1, -0.2, 0.3);
        let solid = press(&[limb(&[[0.1, -0.2, 0.3], [0.1, -0.2, 0.3]], 0.1)]);
        let exact_m3 = 4.0 / 3.0 * std::f64::consts::PI * 0.1f64.powi(3);
        // The chord of a cell's diagonal of 17 mm stands 0.4 mm inside a ball of 100 mm, which is 1.2 % of its volume.
        let off = volume_m3(&solid) / exact_m3 - 1.0;
        assert!((-0.015..0.0).contains(&off), "{off}");
        for (point, normal) in solid.points.iter().zip(&solid.normals) {
            let out = point - centre;
            // As deep as the chord of a cell's diagonal stands in the ball, twice.
            assert!((out.norm() - 0.1).abs() < 8e-4, "{}", out.norm());
            assert!(out.normalize().dot(normal) > 0.9999);
        }
        is_closed(&solid);
    }

    /// Two lumps that touch become one body with a fillet: more than both volumes, and no hole where blocks meet.
    #[test]
    fn lumps_grow_together() {
        let (a, b) = (
            [[0.0; 3], [0.3, 0.0, 0.0]],
            [[0.15, 0.0, 0.0], [0.15, 0.0, 0.3]],
        );
        let both = press(&[limb(&a, 0.05), limb(&b, 0.04)]);
        is_closed(&both);
        let apart = press(&[limb(&a, 0.05)]);
        let leg = press(&[limb(&[[0.15, 0.0, 0.05], [0.15, 0.0, 0.3]], 0.04)]);
        let ball_half_m3 = 2.0 / 3.0 * std::f64::consts::PI * 0.04f64.powi(3);
        let sum = volume_m3(&apart) + volume_m3(&leg) - ball_half_m3;
        let gain = volume_m3(&both) / sum - 1.0;
        assert!((0.0..0.05).contains(&gain), "{gain}");
        assert!(press(&[]).points.is_empty());
    }

    /// Every edge has two triangles, which pass it in opposite ways.
    fn is_closed(solid: &Solid) {
        let mut edges: HashMap<(u32, u32), i32> = HashMap::new();
        for [a, b, c] in solid.corners.as_chunks::<3>().0 {
            for (from, to) in [(a, b), (b, c), (c, a)] {
                *edges.entry((*from, *to)).or_default() += 1;
            }
        }
        let paired = |((from, to), count): (&(u32, u32), &i32)| {
            *count == edges.get(&(*to, *from)).copied().unwrap_or(0)
        };
        assert!(!edges.is_empty() && edges.iter().all(paired));
    }
}
