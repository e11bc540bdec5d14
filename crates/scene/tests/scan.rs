//! Pins: a mesh of a back becomes the skin of a scene's body, from OBJ and from binary glTF alike, and what is wrong with one is told at its key.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use back::{Back, Body, Level, Sex, mesh_of};
use scene::{check_any, load};

mod mesh_bytes;
use mesh_bytes::glb;

/// The mean woman's skin as a mesh in mm, and the lines of her landmarks.
fn mesh() -> (Vec<[f64; 3]>, Vec<[usize; 3]>, String) {
    let back = Back::new(&woman()).unwrap();
    let (vertices, triangles) = mesh_of(|u, x| back.point(u, x), [-0.10, 1.10], 0.150, [150, 76]);
    let mm = |p: [f64; 3]| p.map(|x| 1e3 * x);
    let mark = |level: Level, x: f64| {
        let p = mm(back.point(level.station(), x).coords.into());
        format!("[{:.2}, {:.2}, {:.2}]", p[0], p[1], p[2])
    };
    let marks = format!(
        "c7 = {}\npsis_left = {}\npsis_right = {}\n",
        mark(Level::C7, 0.0),
        mark(Level::S2, -0.043),
        mark(Level::S2, 0.043)
    );
    (vertices.into_iter().map(mm).collect(), triangles, marks)
}

fn woman() -> Body {
    Body::mean(Sex::Female, 1.628, 25.5, 30.0)
}

fn obj(vertices: &[[f64; 3]], triangles: &[[usize; 3]]) -> String {
    let mut text = String::from("mtllib none.mtl\no back\n");
    for v in vertices {
        writeln!(text, "v {:.3} {:.3} {:.3}", v[0], v[1], v[2]).unwrap();
    }
    for t in triangles {
        writeln!(text, "f {} {} {}", t[0] + 1, t[1] + 1, t[2] + 1).unwrap();
    }
    text
}

fn body(folder: &Path, mesh: &str, unit: &str, marks: &str) -> std::path::PathBuf {
    let path = folder.join("her.toml");
    let text = format!(
        "sex = \"female\"\nstature_mm = 1628\nbmi_kg_m2 = 25.5\n[scan]\nsource = \"mesh\"\nfile = \"{mesh}\"\nunit = \"{unit}\"\n{marks}"
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn val_a_scan_is_read_from_obj_and_gltf_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (vertices, triangles, marks) = mesh();
    fs::write(folder.path().join("back.obj"), obj(&vertices, &triangles)).unwrap();
    fs::write(folder.path().join("back.glb"), glb(&vertices, &triangles)).unwrap();
    let back = Back::new(&woman()).unwrap();
    let chair = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/chair.toml");
    let mut hashes = vec![load(&chair, &[]).unwrap().scene.hash()];
    for mesh in ["back.obj", "back.glb"] {
        let path = body(folder.path(), mesh, "mm", &marks);
        let (_, warnings) = check_any(&path).unwrap_or_else(|p| panic!("{p}"));
        assert!(warnings.is_empty(), "{warnings:?}");
        let loaded = load(&chair, &[("body".into(), path.display().to_string())])
            .unwrap_or_else(|p| panic!("{p}"));
        hashes.push(loaded.scene.hash());
        let scanned = Back::new(&loaded.scene.body).unwrap();
        // As the mesh was made, to the grid's 5 mm smoothing; single precision adds some 0.05 mm.
        for (u, x) in [
            (0.05, 0.0),
            (0.3, 0.06),
            (0.5, -0.04),
            (0.8, 0.035),
            (0.95, -0.05),
        ] {
            let off_m = (scanned.point(u, x) - back.point(u, x)).norm();
            assert!(off_m < 0.0015, "{mesh}, {u} {x}: {off_m} m");
        }
    }
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 3, "another skin is another scene");
}

#[test]
fn a_scan_that_is_none_is_told_at_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (vertices, triangles, marks) = mesh();
    fs::write(folder.path().join("back.obj"), obj(&vertices, &triangles)).unwrap();
    fs::write(folder.path().join("back.ply"), "ply").unwrap();
    fs::write(folder.path().join("bad.obj"), "v 1 2\nf 1 2 3\n").unwrap();
    fs::write(folder.path().join("bad.glb"), "glTF").unwrap();
    fs::write(folder.path().join("far.gltf"), r#"{"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],"accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,1]}],"bufferViews":[{"buffer":0,"byteLength":36}],"buffers":[{"byteLength":36,"uri":"far.bin"}]}"#).unwrap();
    for (mesh, unit, marks, key, words) in [
        ("back.obj", "m", marks.as_str(), "scan.unit", "in mm"),
        ("none.obj", "mm", &marks, "scan.file", "cannot be read"),
        (
            "back.ply",
            "mm",
            &marks,
            "scan.file",
            "neither .stl, .obj nor .glb",
        ),
        ("bad.obj", "mm", &marks, "scan.file", "OBJ"),
        ("bad.glb", "mm", &marks, "scan.file", "glTF"),
        ("far.gltf", "mm", &marks, "scan.file", "another file"),
        (
            "back.obj",
            "mm",
            "c7 = [0, 0]\n",
            "scan.c7",
            "3 are expected",
        ),
        ("back.obj", "mm", "", "scan.psis_right", "missing"),
    ] {
        let problems = check_any(&body(folder.path(), mesh, unit, marks)).expect_err("refused");
        let text = problems.to_string();
        assert!(text.contains(key) && text.contains(words), "{mesh}: {text}");
    }
    let text = check_any(&body(folder.path(), "back.obj", "furlong", &marks))
        .expect_err("refused")
        .to_string();
    assert!(text.contains("m, cm, mm, inch"), "{text}");
}
