//! A scan of a back, or the shape of a node: a mesh in a file.

use std::path::Path;

/// Vertices in the file's unit, and triangles as indices.
pub(crate) type Mesh = (Vec<[f64; 3]>, Vec<[usize; 3]>);

/// Reads an OBJ, an STL or a binary glTF; what else lies in it (colours, cameras) is left out.
pub(crate) fn read(path: &Path) -> Result<Mesh, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("it cannot be read: {e}"))?;
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    match extension.as_str() {
        "obj" => obj(&bytes),
        "glb" | "gltf" => gltf(&bytes),
        "stl" => stl(bytes),
        _ => Err("it is neither .stl, .obj nor .glb: export the mesh as one of these".into()),
    }
}

/// Metres in a unit by its word.
pub(crate) fn unit_m(word: &str) -> Option<f64> {
    match word {
        "m" => Some(1.0),
        "cm" => Some(1e-2),
        "mm" => Some(1e-3),
        "inch" => Some(0.0254),
        _ => None,
    }
}

/// Triangles of a binary STL begin here, and one takes so many bytes.
const STL: (usize, usize) = (84, 50);

fn stl(mut bytes: Vec<u8>) -> Result<Mesh, String> {
    // Some binary files begin with the word of the text form; their length tells.
    if let Some(count) = bytes.get(80..84) {
        let count = count.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
        if bytes.len() == STL.0 + STL.1 * count {
            bytes[..5].fill(b' ');
        }
    }
    let wrong = |e: std::io::Error| format!("this is no STL: {e}");
    let mut bytes = std::io::Cursor::new(bytes);
    let mut mesh: Mesh = Default::default();
    for triangle in stl_io::create_stl_reader(&mut bytes).map_err(wrong)? {
        let first = mesh.0.len();
        let corners = triangle.map_err(wrong)?.vertices;
        mesh.0.extend(corners.map(|v| v.0.map(f64::from)));
        mesh.1.push([first, first + 1, first + 2]);
    }
    Ok(mesh)
}

fn obj(bytes: &[u8]) -> Result<Mesh, String> {
    let options = tobj::LoadOptions {
        triangulate: true,
        ..tobj::LoadOptions::default()
    };
    // Materials are none of our business, so none is looked for.
    let no_material = |_: &Path| Ok(Default::default());
    let (models, _) = tobj::load_obj_buf(&mut &bytes[..], &options, no_material)
        .map_err(|e| format!("this is no OBJ: {e}"))?;
    let mut mesh: Mesh = Default::default();
    for model in models {
        let first = mesh.0.len();
        let positions = model.mesh.positions.chunks_exact(3);
        mesh.0.extend(positions.map(|p| [p[0], p[1], p[2]]));
        let indices = model.mesh.indices.chunks_exact(3);
        mesh.1
            .extend(indices.map(|t| [0, 1, 2].map(|k| first + t[k] as usize)));
    }
    Ok(mesh)
}

fn gltf(bytes: &[u8]) -> Result<Mesh, String> {
    let file = gltf::Gltf::from_slice(bytes).map_err(|e| format!("this is no glTF: {e}"))?;
    let mut mesh: Mesh = Default::default();
    let mut elsewhere = false;
    let scene = file.default_scene().or_else(|| file.scenes().next());
    let mut nodes: Vec<(gltf::Node<'_>, [[f32; 4]; 4])> = scene
        .iter()
        .flat_map(gltf::Scene::nodes)
        .map(|n| (n, UNTURNED))
        .collect();
    while let Some((node, parent)) = nodes.pop() {
        let here = product(&parent, &node.transform().matrix());
        nodes.extend(node.children().map(|child| (child, here)));
        for part in node.mesh().iter().flat_map(gltf::Mesh::primitives) {
            if part.mode() != gltf::mesh::Mode::Triangles {
                continue;
            }
            let reader = part.reader(|buffer| match buffer.source() {
                gltf::buffer::Source::Bin => file.blob.as_deref(),
                gltf::buffer::Source::Uri(_) => None,
            });
            let Some(positions) = reader.read_positions() else {
                elsewhere = true;
                continue;
            };
            let first = mesh.0.len();
            mesh.0.extend(positions.map(|p| moved(&here, p)));
            let count = mesh.0.len() - first;
            let indices: Vec<usize> = match reader.read_indices() {
                Some(indices) => indices.into_u32().map(|i| i as usize).collect(),
                None => (0..count).collect(),
            };
            let triangles = indices.chunks_exact(3);
            mesh.1
                .extend(triangles.map(|t| [0, 1, 2].map(|k| first + t[k])));
        }
    }
    if mesh.1.is_empty() && elsewhere {
        return Err("its numbers lie in another file: export it as one binary file, .glb".into());
    }
    Ok(mesh)
}

/// Columns of the identity.
const UNTURNED: [[f32; 4]; 4] = [
    [1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 0.0, 1.0],
];

/// `a b`, both column by column as glTF has them.
fn product(a: &[[f32; 4]; 4], b: &[[f32; 4]; 4]) -> [[f32; 4]; 4] {
    b.map(|column| [0, 1, 2, 3].map(|row| (0..4).map(|k| a[k][row] * column[k]).sum()))
}

fn moved(by: &[[f32; 4]; 4], p: [f32; 3]) -> [f64; 3] {
    let column = |k: usize, row: usize| f64::from(by[k][row]);
    [0, 1, 2].map(|row| {
        column(3, row)
            + (0..3)
                .map(|k| column(k, row) * f64::from(p[k]))
                .sum::<f64>()
    })
}
