//! The shape of a node from a mesh in a file.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::{Point3, Rotation3};
use tissue::Mesh;

use crate::mesh_file;

/// A node's mesh and what somebody should look at.
#[derive(Clone, Debug)]
pub struct NodeMesh {
    /// The surface, in the node's frame, m.
    pub mesh: Mesh,
    /// Nothing in here is an error: an open surface, one turned inside out.
    pub warnings: Vec<MeshWarning>,
}

/// What somebody should look at, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct MeshWarning {
    /// What is odd.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Most triangles of a node: with 200 000, facets of a node of 25 mm radius are a fifth of a millimetre.
const MOST_TRIANGLES: usize = 200_000;

/// Half size that a node may have, m.
const HALF_SIZE_M: [f64; 2] = [0.002, 0.15];

/// Reads an STL, OBJ or binary glTF as the shape of a node: in `unit` (`m`, `cm`, `mm` or `inch`; no file says its own, but glTF is in
/// m by its standard), turned by `turn_rad` about x, then y, then z. Its origin is the node's centre. Vertices that coincide are one,
/// and triangles without area are left out.
///
/// # Errors
/// What is wrong, each with what to do: a file that cannot be read, an unknown unit, too many triangles, a size that no node has, an
/// origin outside the surface's box.
pub fn load_node_mesh(
    path: &Path,
    unit: &str,
    turn_rad: [f64; 3],
) -> Result<NodeMesh, Vec<(String, String)>> {
    let one = |message: String, hint: &str| Err(vec![(message, hint.to_owned())]);
    let Some(unit_m) = mesh_file::unit_m(unit) else {
        return one(
            format!("{unit:?} is no unit of a mesh"),
            "m, cm, mm or inch",
        );
    };
    let (vertices, triangles) = match mesh_file::read(path) {
        Ok(mesh) => mesh,
        Err(message) => return one(message, "name a mesh beside this file"),
    };
    if triangles.len() > MOST_TRIANGLES {
        let message = format!("it has {} triangles", triangles.len());
        return one(message, "simplify it: 20 000 are plenty, 200 000 the most");
    }
    let [roll, pitch, yaw] = turn_rad;
    let turn = Rotation3::from_euler_angles(roll, pitch, yaw);
    let place = |v: &[f64; 3]| turn * Point3::from(v.map(|x| unit_m * x));
    let (vertices_m, triangles) = weld(vertices.iter().map(place), &triangles);
    let mesh = match Mesh::try_new(vertices_m, triangles) {
        Ok(mesh) => mesh,
        Err(errors) => {
            let hint = "export it anew, as triangles";
            return Err(errors
                .iter()
                .take(3)
                .map(|e| (e.to_string(), hint.to_owned()))
                .collect());
        }
    };
    let mut errors = Vec::new();
    let half_m = mesh.bound_m();
    if !(HALF_SIZE_M[0]..=HALF_SIZE_M[1]).contains(&half_m) {
        errors.push((
            format!("its farthest point is {:.4} mm from its origin", 1e3 * half_m),
            format!(
                "nodes have {} to {} mm: look at the unit, and put the origin into the node's middle",
                1e3 * HALF_SIZE_M[0],
                1e3 * HALF_SIZE_M[1]
            ),
        ));
    } else if let Some(axis) = outside(&mesh) {
        errors.push((
            format!("its origin lies outside of it along {axis}"),
            "the origin is the node's centre, from which its radius and place count: move the mesh onto it"
                .to_owned(),
        ));
    }
    match errors.is_empty() {
        true => Ok(NodeMesh {
            warnings: warnings(&mesh),
            mesh,
        }),
        false => Err(errors),
    }
}

/// One vertex for each place; of triangles, those with an area.
fn weld(
    vertices_m: impl Iterator<Item = Point3<f64>>,
    triangles: &[[usize; 3]],
) -> (Vec<Point3<f64>>, Vec<[u32; 3]>) {
    let mut known: BTreeMap<[u64; 3], u32> = BTreeMap::new();
    let mut welded: Vec<Point3<f64>> = Vec::new();
    let new_index: Vec<u32> = vertices_m
        .map(|p| {
            // Minus zero is zero.
            let key = [p.x, p.y, p.z].map(|v| (v + 0.0).to_bits());
            *known.entry(key).or_insert_with(|| {
                welded.push(p);
                welded.len() as u32 - 1
            })
        })
        .collect();
    let kept = triangles
        .iter()
        // An index beyond the list stays beyond it, and is told.
        .map(|t| t.map(|i| new_index.get(i).copied().unwrap_or(u32::MAX)))
        .filter(|t| has_area(&welded, t))
        .collect();
    (welded, kept)
}

fn has_area(vertices_m: &[Point3<f64>], corners: &[u32; 3]) -> bool {
    let place = |c: u32| vertices_m.get(c as usize);
    let [Some(a), Some(b), Some(c)] = corners.map(place) else {
        return true;
    };
    let (ab, ac, bc) = (b - a, c - a, c - b);
    let longest = ab
        .norm_squared()
        .max(ac.norm_squared())
        .max(bc.norm_squared());
    ab.cross(&ac).norm() > 1e-9 * longest
}

/// The axis along which all of the surface lies on one side of the origin.
fn outside(mesh: &Mesh) -> Option<char> {
    ['x', 'y', 'z']
        .into_iter()
        .enumerate()
        .find_map(|(i, name)| {
            let along = |p: &Point3<f64>| p[i];
            let one_side = mesh.vertices_m().iter().map(along).all(|v| v > 0.0)
                || mesh.vertices_m().iter().map(along).all(|v| v < 0.0);
            one_side.then_some(name)
        })
}

fn warnings(mesh: &Mesh) -> Vec<MeshWarning> {
    let mut warnings = Vec::new();
    let seams = mesh.seams();
    let mut warn = |message: String, hint: &str| {
        let hint = hint.to_owned();
        warnings.push(MeshWarning { message, hint });
    };
    if seams.open > 0 {
        warn(
            format!(
                "its surface is open: {} edges have one triangle",
                seams.open
            ),
            "the skin meets what is seen along its normal, and through a hole the far side: close it, or see that holes are at the back",
        );
    }
    if seams.turned > 0 {
        warn(
            format!(
                "{} edges have triangles that face opposite ways",
                seams.turned
            ),
            "contact does not ask which way a triangle faces, but the file has been damaged: make normals consistent",
        );
    } else if seams.open == 0 && mesh.volume_m3() < 0.0 {
        warn(
            "it is inside out: its triangles face inwards".to_owned(),
            "contact does not ask, but this is what a mirrored or wrongly scaled export looks like: look at its shape",
        );
    }
    warnings
}
