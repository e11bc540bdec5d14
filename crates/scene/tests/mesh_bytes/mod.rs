//! Meshes as the bytes of files, by the formats' standards.
#![allow(dead_code, reason = "each test file uses its own part")]

/// A binary glTF by the book (Khronos, glTF 2.0, 4.4): header, JSON chunk, binary chunk; a node that turns metres into mm and back again.
pub fn glb(vertices: &[[f64; 3]], triangles: &[[usize; 3]]) -> Vec<u8> {
    let mut data: Vec<u8> = Vec::new();
    for v in vertices {
        v.iter()
            .for_each(|x| data.extend((*x as f32).to_le_bytes()));
    }
    let indices_at = data.len();
    for t in triangles {
        t.iter()
            .for_each(|i| data.extend((*i as u32).to_le_bytes()));
    }
    let range = |pick: fn(f64, f64) -> f64, from: f64| {
        [0, 1, 2].map(|k| vertices.iter().map(|v| v[k]).fold(from, pick) as f32)
    };
    let mut json = serde_json::json!({
        "asset": { "version": "2.0" },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{ "children": [1], "scale": [2.0, 2.0, 2.0] }, { "mesh": 0, "scale": [0.5, 0.5, 0.5] }],
        "meshes": [{ "primitives": [{ "attributes": { "POSITION": 0 }, "indices": 1 }] }],
        "accessors": [
            { "bufferView": 0, "componentType": 5126, "count": vertices.len(), "type": "VEC3", "min": range(f64::min, f64::MAX), "max": range(f64::max, f64::MIN) },
            { "bufferView": 1, "componentType": 5125, "count": 3 * triangles.len(), "type": "SCALAR" },
        ],
        "bufferViews": [
            { "buffer": 0, "byteOffset": 0, "byteLength": indices_at },
            { "buffer": 0, "byteOffset": indices_at, "byteLength": data.len() - indices_at },
        ],
        "buffers": [{ "byteLength": data.len() }],
    })
    .to_string()
    .into_bytes();
    json.resize(json.len().next_multiple_of(4), b' ');
    data.resize(data.len().next_multiple_of(4), 0);
    let mut file = b"glTF".to_vec();
    let chunk = |file: &mut Vec<u8>, kind: u32, bytes: &[u8]| {
        file.extend((bytes.len() as u32).to_le_bytes());
        file.extend(kind.to_le_bytes());
        file.extend(bytes);
    };
    file.extend(2_u32.to_le_bytes());
    file.extend((12 + 16 + json.len() as u32 + data.len() as u32).to_le_bytes());
    chunk(&mut file, 0x4E4F_534A, &json);
    chunk(&mut file, 0x004E_4942, &data);
    file
}

/// A binary STL (3D Systems 1989): 80 bytes of anything, a count, 50 bytes a triangle.
pub fn stl(vertices: &[[f64; 3]], triangles: &[[usize; 3]]) -> Vec<u8> {
    // As some programs write it: with the word that begins the text form.
    let mut file = b"solid ".to_vec();
    file.resize(80, b' ');
    file.extend((triangles.len() as u32).to_le_bytes());
    for t in triangles {
        file.extend([0_u8; 12]);
        for corner in t {
            let place = vertices[*corner];
            place
                .iter()
                .for_each(|x| file.extend((*x as f32).to_le_bytes()));
        }
        file.extend([0_u8; 2]);
    }
    file
}

/// The same as text.
pub fn stl_text(vertices: &[[f64; 3]], triangles: &[[usize; 3]]) -> Vec<u8> {
    let mut text = String::from("solid ball\n");
    for t in triangles {
        text += "facet normal 0 0 0\nouter loop\n";
        for corner in t {
            let [x, y, z] = vertices[*corner];
            text += &format!("vertex {x:e} {y:e} {z:e}\n");
        }
        text += "endloop\nendfacet\n";
    }
    (text + "endsolid ball\n").into_bytes()
}
