//! A rigid sphere on a stack at finite strain: axisymmetric finite elements, small enough to be solved once per stack.

use crate::band::Band;
use crate::hyperelastic::{Gradient, Hessian, Material, REST};
use crate::stack::Stack;

/// Displacements of an element's nine nodes, (radial, up) each.
const UNKNOWNS: usize = 18;
/// Pressure modes of an element: constant, along r, along z.
const MODES: usize = 3;
/// Columns of elements that the contact may cover.
const INNER: usize = 8;
/// Gauss-Legendre on three and five points (Abramowitz and Stegun 1964, table 25.4).
const GAUSS_3: [(f64, f64); 3] = [
    (-0.774_596_669_241_483, 5.0 / 9.0),
    (0.0, 8.0 / 9.0),
    (0.774_596_669_241_483, 5.0 / 9.0),
];
const GAUSS_5: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189),
    (-0.538_469_310_105_683, 0.478_628_670_499_366),
    (0.0, 0.568_888_888_888_889),
    (0.538_469_310_105_683, 0.478_628_670_499_366),
    (0.906_179_845_938_664, 0.236_926_885_056_189),
];

/// What a sphere meets at one depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Press {
    /// Travel from first touch, m.
    pub depth_m: f64,
    /// On the hyperelastic stack.
    pub finite: Push,
    /// On the same mesh at small strain.
    pub linear: Push,
}

/// Sum of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Push {
    /// Force along the travel, N.
    pub force_n: f64,
    /// How far the penalty's spring gives way in the mean, m: the skin stands so much less deep than the sphere.
    pub give_m: f64,
    /// Mean pressure within [`CENTRE`] of the contact radius, Pa.
    pub centre_pa: f64,
    /// Mean over the pressure of how deep the sphere stands, over the depth: 1 under the tip, less towards the edge.
    pub mean_depth: f64,
    /// The same, over the centre alone.
    pub centre_depth: f64,
}

/// Share of the contact's radius that counts as its centre.
const CENTRE: f64 = 0.3;

/// A sphere over a stack.
///
/// Nine-node elements with a linear pressure inside each (perturbed Lagrangian, condensed), full Newton with the exact tangent,
/// frictionless contact by penalty at the Gauss points of the surface: at finite strain against the true distance to the
/// sphere, at small strain against the vertical gap, as the influence table has it. Bonded to bone below and to a wall far away.
///
/// The mesh is coarse, 50 to 100 elements. What is used is the *ratio* of the two forces on one mesh, in which most of its error
/// cancels: 0.5 % beyond a tenth of the thickness (measured against meshes six times finer).
pub(crate) struct Sphere {
    radius_m: f64,
    mesh: Mesh,
    /// Per element: material, sides, and at each Gauss point its slopes and weight.
    elements: Vec<Element>,
    penalty_pa_m: f64,
    displacement_m: Vec<f64>,
    pressure_pa: Vec<[f64; MODES]>,
}

struct Element {
    material: Material,
    /// First unknown of each node.
    nodes: [usize; 9],
    points: [Point; 9],
}

/// One Gauss point.
struct Point {
    /// Slopes of the nine shape functions along r and z, and value over radius, 1/m.
    slopes: [[f64; 3]; 9],
    /// Volume it stands for, m^3.
    weight_m3: f64,
    modes: [f64; MODES],
}

/// Residual, stiffness and what recovers the pressure, of one element.
struct Block {
    force: [f64; UNKNOWNS],
    stiffness: [[f64; UNKNOWNS]; UNKNOWNS],
    /// `k_pp^-1 r_p`.
    pressure_step: [f64; MODES],
    /// `k_pp^-1 k_pu`.
    recover: [[f64; UNKNOWNS]; MODES],
}

impl Sphere {
    /// The sphere at first touch. `deepest_m` sizes the mesh.
    pub fn new(stack: &Stack, radius_m: f64, deepest_m: f64) -> Sphere {
        let mesh = Mesh::new(stack, radius_m, deepest_m);
        let materials: Vec<Material> = stack.layers().iter().map(Material::of).collect();
        let elements: Vec<Element> = mesh.elements(&materials).collect();
        let stiffest_pa = materials.iter().map(|m| m.mu_pa).fold(0.0, f64::max);
        Sphere {
            radius_m,
            displacement_m: vec![0.0; mesh.unknowns()],
            pressure_pa: vec![[0.0; MODES]; elements.len()],
            // Some 30 micrometres deep under 10 kPa, in both solutions; five times stiffer costs twice the rounds and moves the
            // ratio by less than 0.5 %.
            penalty_pa_m: 160.0 * stiffest_pa / radius_m.min(0.04),
            mesh,
            elements,
        }
    }

    /// Both forces at rising depths, m; ends before the first that Newton does not reach.
    pub fn press(&mut self, depths_m: &[f64]) -> Vec<Press> {
        let Some(small) = self.small_strain() else {
            return vec![];
        };
        let mut found = Vec::with_capacity(depths_m.len());
        let (mut at_m, mut before): (f64, Option<(f64, Vec<f64>)>) = (0.0, None);
        for &depth_m in depths_m {
            let mut halvings = 0;
            let mut finite = Push::default();
            while at_m < depth_m {
                let goal_m = if at_m > 0.0 {
                    depth_m.min(2.0 * at_m)
                } else {
                    depth_m
                };
                let to_m = at_m + (goal_m - at_m) * 0.5f64.powi(halvings);
                let start = self.displacement_m.clone();
                // Straight on from the last two depths.
                if let Some((old_m, old)) = &before {
                    let ahead = ((to_m - at_m) / (at_m - old_m)).min(2.0);
                    for (u, o) in self.displacement_m.iter_mut().zip(old) {
                        *u += ahead * (*u - o);
                    }
                }
                let kept = self.pressure_pa.clone();
                let settled = self.settle(to_m).or_else(|| {
                    // Or from where it stood.
                    self.displacement_m.copy_from_slice(&start);
                    self.pressure_pa.copy_from_slice(&kept);
                    self.settle(to_m)
                });
                match settled {
                    Some(push) => {
                        finite = push;
                        before = Some((at_m, start));
                        at_m = to_m;
                        halvings = (halvings - 1).max(0);
                    }
                    None => {
                        self.displacement_m = start;
                        self.pressure_pa = kept;
                        halvings += 1;
                        if halvings > 4 {
                            return found;
                        }
                    }
                }
            }
            let Some(linear) = self.press_small(&small, depth_m) else {
                return found;
            };
            found.push(Press {
                depth_m,
                finite,
                linear,
            });
            // As the tissue grows stiff, so does the penalty: it gives way by some 0.4 % of the depth.
            self.penalty_pa_m *= (finite.give_m / (0.004 * depth_m)).max(1.0);
        }
        found
    }

    /// Newton at one depth; nothing if it does not converge.
    fn settle(&mut self, depth_m: f64) -> Option<Push> {
        const ROUNDS: usize = 16;
        let unknowns = self.mesh.unknowns();
        let mut blocks = Vec::with_capacity(self.elements.len());
        let mut moved_m = f64::INFINITY;
        for _ in 0..ROUNDS {
            let mut matrix = Band::new(unknowns, self.mesh.bandwidth());
            let mut residual = vec![0.0; unknowns];
            blocks.clear();
            for (element, p) in self.elements.iter().zip(&self.pressure_pa) {
                let block = element.block(&self.displacement_m, p)?;
                element.scatter(&block.force, &block.stiffness, &mut matrix, &mut residual);
                blocks.push(block);
            }
            let (push, size_n) = self.touch(depth_m, &mut matrix, &mut residual);
            self.mesh.fix(&mut matrix, &mut residual);
            let left: f64 = residual.iter().map(|r| r.abs()).sum();
            if left <= 1e-4 * size_n && moved_m < 1e-3 * depth_m {
                return Some(push);
            }
            residual.iter_mut().for_each(|r| *r = -*r);
            matrix.factor()?.solve(&mut residual);
            moved_m = residual.iter().fold(0.0, |a, v| a.max(v.abs()));
            if !moved_m.is_finite() || moved_m > self.mesh.width_m() {
                return None;
            }
            let damped = (0.15 * self.radius_m / moved_m).min(1.0);
            residual.iter_mut().for_each(|r| *r *= damped);
            for ((element, block), p) in
                self.elements.iter().zip(&blocks).zip(&mut self.pressure_pa)
            {
                for (i, p) in p.iter_mut().enumerate() {
                    *p -= block.pressure_step[i];
                    for (n, first) in element.nodes.iter().enumerate() {
                        for c in 0..2 {
                            *p -= block.recover[i][2 * n + c] * residual[first + c];
                        }
                    }
                }
            }
            for (u, du) in self.displacement_m.iter_mut().zip(&residual) {
                *u += du;
            }
        }
        None
    }

    /// Contact with the true sphere; also the sum of the forces' sizes.
    fn touch(&self, depth_m: f64, matrix: &mut Band, residual: &mut [f64]) -> (Push, f64) {
        let (mut along_n, mut size_n, mut field) = (0.0, 0.0, vec![]);
        let centre_m = self.radius_m - depth_m;
        for edge in self.mesh.surface() {
            for &(xi, w) in &GAUSS_5 {
                let (shape, slope) = quadratic(xi);
                let (mut r, mut up, mut rest_r, mut dr_dxi) = (0.0, 0.0, 0.0, 0.0);
                for (i, (node, r0)) in edge.nodes.iter().zip(edge.radii_m).enumerate() {
                    let now = r0 + self.displacement_m[*node];
                    rest_r += shape[i] * r0;
                    r += shape[i] * now;
                    dr_dxi += slope[i] * now;
                    up += shape[i] * self.displacement_m[node + 1];
                }
                let (dr, du) = (r, up - centre_m);
                let distance_m = dr.hypot(du);
                let gap_m = distance_m - self.radius_m;
                if gap_m >= 0.0 || du > 0.0 {
                    continue;
                }
                let weight_m2 = std::f64::consts::TAU * rest_r * w * edge.half_m;
                let (n_r, n_u) = (dr / distance_m, du / distance_m);
                let force_n = self.penalty_pa_m * gap_m * weight_m2;
                let along = self.penalty_pa_m * weight_m2;
                let across = force_n / distance_m;
                let k = [
                    along * n_r * n_r + across * n_u * n_u,
                    (along - across) * n_r * n_u,
                    along * n_u * n_u + across * n_r * n_r,
                ];
                for (si, i) in shape.iter().zip(&edge.nodes) {
                    residual[*i] += si * force_n * n_r;
                    residual[i + 1] += si * force_n * n_u;
                    for (sj, j) in shape.iter().zip(&edge.nodes) {
                        let s = si * sj;
                        matrix.add(*i, *j, s * k[0]);
                        matrix.add(i + 1, *j, s * k[1]);
                        matrix.add(*i, j + 1, s * k[1]);
                        matrix.add(i + 1, j + 1, s * k[2]);
                    }
                }
                along_n += force_n * n_u;
                size_n += force_n.abs();
                field.push((r, std::f64::consts::TAU * r * dr_dxi * w, force_n * n_u));
            }
        }
        (self.push(depth_m, along_n, &field), size_n)
    }

    /// The figures of a field of radius, projected area and force along the travel.
    fn push(&self, depth_m: f64, force_n: f64, field: &[(f64, f64, f64)]) -> Push {
        let area_m2: f64 = field.iter().map(|f| f.1).sum();
        let depth = |r: f64| {
            let sag_m = self.radius_m - (self.radius_m.powi(2) - r * r).max(0.0).sqrt();
            1.0 - sag_m / depth_m
        };
        let edge_m = field.iter().map(|f| f.0).fold(0.0, f64::max);
        let centre = || field.iter().filter(|f| f.0 < CENTRE * edge_m);
        let centre_m2: f64 = centre().map(|f| f.1).sum();
        Push {
            force_n,
            give_m: force_n / (area_m2 * self.penalty_pa_m).max(1e-12),
            centre_pa: centre().map(|f| f.2).sum::<f64>() / centre_m2,
            mean_depth: field.iter().map(|f| f.2 * depth(f.0)).sum::<f64>() / force_n,
            centre_depth: centre().map(|f| f.1 * depth(f.0)).sum::<f64>() / centre_m2,
        }
    }

    /// Force of the small-strain body at one depth, contact on the vertical gap.
    fn press_small(&self, surface: &SmallStrain, depth_m: f64) -> Option<Push> {
        const ROUNDS: usize = 40;
        let count = surface.nodes.len();
        let mut up = nalgebra::DVector::<f64>::zeros(count);
        let mut pressed: Vec<bool> = vec![];
        for _ in 0..ROUNDS {
            let mut matrix = nalgebra::DMatrix::<f64>::identity(count, count);
            let mut load = nalgebra::DVector::<f64>::zeros(count);
            let (mut force_n, mut field, mut now) = (0.0, vec![], vec![]);
            for edge in self.mesh.surface() {
                let places = edge
                    .nodes
                    .map(|n| surface.nodes.iter().position(|m| *m == n));
                let [Some(a), Some(b), Some(c)] = places else {
                    continue;
                };
                for &(xi, w) in &GAUSS_5 {
                    let (shape, _) = quadratic(xi);
                    let r: f64 = shape.iter().zip(edge.radii_m).map(|(s, r)| s * r).sum();
                    let u: f64 = shape.iter().zip([a, b, c]).map(|(s, n)| s * up[n]).sum();
                    let under = self.radius_m * self.radius_m - r * r;
                    let sphere_m = self.radius_m - depth_m - under.max(0.0).sqrt();
                    let gap_m = sphere_m - u;
                    let touches = under > 0.0 && gap_m < 0.0;
                    now.push(touches);
                    if !touches {
                        continue;
                    }
                    let stiff = self.penalty_pa_m * std::f64::consts::TAU * r * w * edge.half_m;
                    force_n -= stiff * gap_m;
                    field.push((r, stiff / self.penalty_pa_m, -stiff * gap_m));
                    // up = C f, f = stiff (sphere - up): (1 + C S) up = C S sphere, column by column of C.
                    for (si, i) in shape.iter().zip([a, b, c]) {
                        for row in 0..count {
                            let give = surface.compliance_m_n[(row, i)] * si * stiff;
                            load[row] += give * sphere_m;
                            for (sj, j) in shape.iter().zip([a, b, c]) {
                                matrix[(row, j)] += give * sj;
                            }
                        }
                    }
                }
            }
            if now == pressed {
                return Some(self.push(depth_m, force_n, &field));
            }
            pressed = now;
            up = matrix.lu().solve(&load)?;
        }
        None
    }

    /// The small-strain body as its inner surface sees it.
    fn small_strain(&self) -> Option<SmallStrain> {
        let unknowns = self.mesh.unknowns();
        let mut matrix = Band::new(unknowns, self.mesh.bandwidth());
        let rest = vec![0.0; unknowns];
        let mut nothing = rest.clone();
        for element in &self.elements {
            let block = element.block(&rest, &[0.0; MODES])?;
            element.scatter(&block.force, &block.stiffness, &mut matrix, &mut nothing);
        }
        self.mesh.fix(&mut matrix, &mut nothing);
        let solver = matrix.factor()?;
        let nodes: Vec<usize> = (0..=2 * INNER)
            .map(|column| self.mesh.node(column, self.mesh.heights_m.len() - 1))
            .collect();
        let mut compliance_m_n = nalgebra::DMatrix::zeros(nodes.len(), nodes.len());
        for (j, node) in nodes.iter().enumerate() {
            let mut up = rest.clone();
            up[node + 1] = 1.0;
            solver.solve(&mut up);
            for (i, other) in nodes.iter().enumerate() {
                compliance_m_n[(i, j)] = up[other + 1];
            }
        }
        Some(SmallStrain {
            nodes,
            compliance_m_n,
        })
    }
}

/// Compliance of the inner surface, upward by upward.
struct SmallStrain {
    /// First unknown of each node.
    nodes: Vec<usize>,
    compliance_m_n: nalgebra::DMatrix<f64>,
}

impl Element {
    /// Residual and stiffness with the pressure condensed; `None` where it has turned inside out.
    fn block(&self, displacement_m: &[f64], pressure: &[f64; MODES]) -> Option<Block> {
        let mut u = [0.0; UNKNOWNS];
        for (n, first) in self.nodes.iter().enumerate() {
            u[2 * n] = displacement_m[*first];
            u[2 * n + 1] = displacement_m[first + 1];
        }
        let mut force = [0.0; UNKNOWNS];
        let mut stiffness = [[0.0; UNKNOWNS]; UNKNOWNS];
        let mut to_volume = [[0.0; UNKNOWNS]; MODES];
        let mut mass = [[0.0; MODES]; MODES];
        let mut volume_left = [0.0; MODES];
        for point in &self.points {
            let mut f = REST;
            for (n, [dr, dz, over]) in point.slopes.iter().enumerate() {
                f[0] += dr * u[2 * n];
                f[1] += dz * u[2 * n];
                f[2] += dr * u[2 * n + 1];
                f[3] += dz * u[2 * n + 1];
                f[4] += over * u[2 * n];
            }
            let r = self.material.at(&f)?;
            let p: f64 = point.modes.iter().zip(pressure).map(|(m, p)| m * p).sum();
            let w = point.weight_m3;
            let stress: Gradient = std::array::from_fn(|i| w * (r.stress[i] + p * r.d_volume[i]));
            let tangent: Hessian = std::array::from_fn(|i| {
                std::array::from_fn(|j| w * (r.stiffness[i][j] + p * r.dd_volume[i][j]))
            });
            let left = w * (r.volume - 1.0 - p / self.material.bulk_pa);
            for i in 0..MODES {
                volume_left[i] += point.modes[i] * left;
                for (m, mode) in mass[i].iter_mut().zip(point.modes) {
                    *m += w / self.material.bulk_pa * point.modes[i] * mode;
                }
            }
            for (n, s) in point.slopes.iter().enumerate() {
                let (volume_r, volume_z) = pull(s, &r.d_volume);
                for (row, mode) in to_volume.iter_mut().zip(point.modes) {
                    row[2 * n] += w * mode * volume_r;
                    row[2 * n + 1] += w * mode * volume_z;
                }
                let (force_r, force_z) = pull(s, &stress);
                force[2 * n] += force_r;
                force[2 * n + 1] += force_z;
                // Stress per displacement of node n.
                let by_r: Gradient = std::array::from_fn(|i| {
                    tangent[i][0] * s[0] + tangent[i][1] * s[1] + tangent[i][4] * s[2]
                });
                let by_z: Gradient =
                    std::array::from_fn(|i| tangent[i][2] * s[0] + tangent[i][3] * s[1]);
                for (other, t) in point.slopes.iter().enumerate().skip(n) {
                    let (rr, zr) = pull(t, &by_r);
                    let (rz, zz) = pull(t, &by_z);
                    stiffness[2 * other][2 * n] += rr;
                    stiffness[2 * other + 1][2 * n] += zr;
                    stiffness[2 * other][2 * n + 1] += rz;
                    stiffness[2 * other + 1][2 * n + 1] += zz;
                }
            }
        }
        // The pressure's own equation is -mass p + volume = 0; taken out, it adds its stiffness to the displacements.
        let inverse = invert(&mass)?;
        let mut recover = [[0.0; UNKNOWNS]; MODES];
        let mut pressure_step = [0.0; MODES];
        for i in 0..MODES {
            for j in 0..MODES {
                pressure_step[i] -= inverse[i][j] * volume_left[j];
                for c in 0..UNKNOWNS {
                    recover[i][c] -= inverse[i][j] * to_volume[j][c];
                }
            }
        }
        for row in 0..UNKNOWNS {
            for m in 0..MODES {
                force[row] -= to_volume[m][row] * pressure_step[m];
                for column in 0..=row {
                    stiffness[row][column] -= to_volume[m][row] * recover[m][column];
                }
            }
        }
        Some(Block {
            force,
            stiffness,
            pressure_step,
            recover,
        })
    }

    fn scatter(
        &self,
        force: &[f64; UNKNOWNS],
        stiffness: &[[f64; UNKNOWNS]; UNKNOWNS],
        matrix: &mut Band,
        residual: &mut [f64],
    ) {
        let at = |i: usize| self.nodes[i / 2] + i % 2;
        for i in 0..UNKNOWNS {
            residual[at(i)] += force[i];
            for (j, k) in stiffness[i].iter().enumerate().take(i + 1) {
                // Entries are held once, whichever of the two comes first.
                matrix.add(at(i).max(at(j)), at(i).min(at(j)), *k);
            }
        }
    }
}

/// A gradient-like quantity seen from a node's radial and vertical displacement.
fn pull(slopes: &[f64; 3], g: &Gradient) -> (f64, f64) {
    (
        slopes[0] * g[0] + slopes[1] * g[1] + slopes[2] * g[4],
        slopes[0] * g[2] + slopes[1] * g[3],
    )
}

fn invert(m: &[[f64; MODES]; MODES]) -> Option<[[f64; MODES]; MODES]> {
    let matrix = nalgebra::Matrix3::from_fn(|i, j| m[i][j]);
    let inverse = matrix.try_inverse()?;
    Some(std::array::from_fn(|i| {
        std::array::from_fn(|j| inverse[(i, j)])
    }))
}

/// Three Lagrange polynomials on -1, 0, 1 and their slopes.
fn quadratic(x: f64) -> ([f64; 3], [f64; 3]) {
    (
        [0.5 * x * (x - 1.0), 1.0 - x * x, 0.5 * x * (x + 1.0)],
        [x - 0.5, -2.0 * x, x + 0.5],
    )
}

/// A rectangle: axis to wall, bone to skin, lines at every layer and between.
struct Mesh {
    /// Radii of the node columns and heights of the node rows (bone first), m.
    radii_m: Vec<f64>,
    heights_m: Vec<f64>,
    /// Layer of each row of elements, bone first.
    owners: Vec<usize>,
}

/// One element's edge on the skin.
struct Edge {
    /// First unknown of each node.
    nodes: [usize; 3],
    radii_m: [f64; 3],
    half_m: f64,
}

impl Mesh {
    fn new(stack: &Stack, radius_m: f64, deepest_m: f64) -> Mesh {
        let reach_m = 1.05 * radius_m.min((2.0 * radius_m * deepest_m).sqrt());
        let thickness_m = stack.thickness_m();
        let mut columns: Vec<f64> = (0..=INNER)
            .map(|i| {
                // Finer towards the axis, where light contact is.
                let x = i as f64 / INNER as f64;
                reach_m * x * (0.4 + 0.6 * x)
            })
            .collect();
        let mut step_m = columns[INNER] - columns[INNER - 1];
        let wall_m = 4.0 * thickness_m + 2.0 * reach_m;
        while columns[columns.len() - 1] < wall_m {
            step_m *= 1.9;
            columns.push(columns[columns.len() - 1] + step_m);
        }
        let (mut rows, mut owners, mut top_m) = (vec![0.0], vec![], 0.0);
        for (i, layer) in stack.layers().iter().enumerate() {
            let h = layer.thickness_m;
            let size_m = (0.4 * reach_m)
                .max(0.7 * (top_m + 0.5 * h))
                .min(thickness_m / 3.0);
            let count = ((h / size_m).ceil() as usize).max(1);
            for k in 1..=count {
                rows.push(-(top_m + h * k as f64 / count as f64));
                owners.push(i);
            }
            top_m += h;
        }
        rows.reverse();
        owners.reverse();
        Mesh {
            radii_m: halved(&columns),
            heights_m: halved(&rows),
            owners,
        }
    }

    fn unknowns(&self) -> usize {
        2 * self.radii_m.len() * self.heights_m.len()
    }

    /// Farthest apart that two coupled unknowns lie.
    fn bandwidth(&self) -> usize {
        2 * (2 * self.heights_m.len() + 2) + 1
    }

    fn width_m(&self) -> f64 {
        self.radii_m[self.radii_m.len() - 1]
    }

    /// First unknown of a node; columns follow each other, so that the band is as narrow as the stack is.
    fn node(&self, column: usize, row: usize) -> usize {
        2 * (column * self.heights_m.len() + row)
    }

    fn elements(&self, materials: &[Material]) -> impl Iterator<Item = Element> {
        let columns = (self.radii_m.len() - 1) / 2;
        (0..columns).flat_map(move |column| {
            self.owners.iter().enumerate().map(move |(row, owner)| {
                let (left_m, right_m) = (self.radii_m[2 * column], self.radii_m[2 * column + 2]);
                let (low_m, high_m) = (self.heights_m[2 * row], self.heights_m[2 * row + 2]);
                let (half_r, half_z) = (0.5 * (right_m - left_m), 0.5 * (high_m - low_m));
                Element {
                    material: materials[*owner],
                    nodes: std::array::from_fn(|n| self.node(2 * column + n % 3, 2 * row + n / 3)),
                    points: std::array::from_fn(|g| {
                        let ((xi, wr), (zeta, wz)) = (GAUSS_3[g % 3], GAUSS_3[g / 3]);
                        let ((sr, dr), (sz, dz)) = (quadratic(xi), quadratic(zeta));
                        let r = left_m + (1.0 + xi) * half_r;
                        Point {
                            slopes: std::array::from_fn(|n| {
                                let (i, j) = (n % 3, n / 3);
                                [
                                    dr[i] * sz[j] / half_r,
                                    sr[i] * dz[j] / half_z,
                                    sr[i] * sz[j] / r,
                                ]
                            }),
                            weight_m3: std::f64::consts::TAU * r * wr * wz * half_r * half_z,
                            modes: [1.0, xi, zeta],
                        }
                    }),
                }
            })
        })
    }

    fn surface(&self) -> impl Iterator<Item = Edge> {
        let top = self.heights_m.len() - 1;
        (0..(self.radii_m.len() - 1) / 2).map(move |column| {
            let radii_m = std::array::from_fn(|i| self.radii_m[2 * column + i]);
            Edge {
                nodes: std::array::from_fn(|i| self.node(2 * column + i, top)),
                radii_m,
                half_m: 0.5 * (radii_m[2] - radii_m[0]),
            }
        })
    }

    /// Holds bone and wall, and the axis sideways.
    fn fix(&self, matrix: &mut Band, residual: &mut [f64]) {
        let mut hold = |unknown: usize| {
            matrix.hold(unknown);
            residual[unknown] = 0.0;
        };
        let last = self.radii_m.len() - 1;
        for column in 0..=last {
            for row in 0..self.heights_m.len() {
                let first = self.node(column, row);
                let stuck = row == 0 || column == last;
                if stuck || column == 0 {
                    hold(first);
                }
                if stuck {
                    hold(first + 1);
                }
            }
        }
    }
}

/// The lines and their middles.
fn halved(lines: &[f64]) -> Vec<f64> {
    let mut all = vec![lines[0]];
    for pair in lines.windows(2) {
        all.push(0.5 * (pair[0] + pair[1]));
        all.push(pair[1]);
    }
    all
}
