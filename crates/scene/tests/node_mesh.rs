//! Promise: a mesh in a file touches as the shape that it draws, and what keeps it from being a node is told at its key.

use std::fs;
use std::path::Path;

use scene::{Problem, Severity, check_any, load, load_node_mesh, load_rig, load_stack};
use tissue::{Durometer, Indenter};

mod mesh_bytes;
use mesh_bytes::{glb, stl, stl_text};

type Triangles = (Vec<[f64; 3]>, Vec<[usize; 3]>);

/// A ball inscribed in a sphere: an octahedron, halved so often. Its corners lie on the axes.
fn ball(radius: f64, halvings: usize) -> Triangles {
    let mut vertices: Vec<[f64; 3]> = Vec::new();
    for axis in 0..3 {
        for sign in [1.0, -1.0] {
            let mut v = [0.0; 3];
            v[axis] = sign * radius;
            vertices.push(v);
        }
    }
    let mut triangles: Vec<[usize; 3]> = Vec::new();
    for (x, sx) in [(0, 1), (1, -1)] {
        for (y, sy) in [(2, 1), (3, -1)] {
            for (z, sz) in [(4, 1), (5, -1)] {
                triangles.push(if sx * sy * sz > 0 {
                    [x, y, z]
                } else {
                    [y, x, z]
                });
            }
        }
    }
    for _ in 0..halvings {
        let mut finer = Vec::new();
        for [a, b, c] in triangles {
            let mut middle = |p: usize, q: usize| {
                let sum = [0, 1, 2].map(|i| vertices[p][i] + vertices[q][i]);
                let size = sum.iter().map(|v| v * v).sum::<f64>().sqrt();
                vertices.push(sum.map(|v| radius * v / size));
                vertices.len() - 1
            };
            let (ab, bc, ca) = (middle(a, b), middle(b, c), middle(c, a));
            finer.extend([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]);
        }
        triangles = finer;
    }
    (vertices, triangles)
}

/// How far the facets stay behind the sphere at most: the least distance of a facet's plane from the centre.
fn sagitta(radius: f64, (vertices, triangles): &Triangles) -> f64 {
    let mut nearest = f64::INFINITY;
    for t in triangles {
        let [a, b, c] = t.map(|i| nalgebra::Vector3::from(vertices[i]));
        let normal = (b - a).cross(&(c - a)).normalize();
        nearest = nearest.min(normal.dot(&a).abs());
    }
    radius - nearest
}

/// A ball of 25 mm in 8192 facets, from four kinds of file, on the published stack. Every point of its surface lies between two
/// concentric spheres, of R and of R - s, s the facets' sagitta; force grows with overlap, so it lies between theirs, the inner one
/// s less deep. To each side 0.2 %: single precision, and a large-strain law of a tip radius that is read off the facets.
#[test]
fn val_a_ball_of_facets_presses_as_the_sphere_around_it() {
    let folder = tempfile::tempdir().unwrap();
    let (vertices, triangles) = ball(25.0, 5);
    let sagitta_mm = sagitta(25.0, &(vertices.clone(), triangles.clone()));
    assert!((0.005..0.05).contains(&sagitta_mm), "{sagitta_mm}");
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
    let stack = load_stack(&scenes.join("stacks/t40.toml")).unwrap();
    let force = |node: Indenter, depth_m: f64| {
        let durometer = Durometer::new(stack.clone(), node).with_cell_m(1e-3);
        durometer.indent(&[depth_m])[0].force_n
    };
    let depth_m = 6e-3;
    let sphere = |radius_m: f64| Indenter::Sphere { radius_m };
    let most = force(sphere(0.025), depth_m);
    let least = force(
        sphere(0.025 - 1e-3 * sagitta_mm),
        depth_m - 1e-3 * sagitta_mm,
    );
    // The bound is tight: it could not hide a wrong unit or shape.
    assert!(least > 0.985 * most && least < most, "{least} {most}");
    let metres: Vec<[f64; 3]> = vertices.iter().map(|v| v.map(|x| 1e-3 * x)).collect();
    for (name, unit, bytes) in [
        ("ball.stl", "mm", stl(&vertices, &triangles)),
        ("text.stl", "mm", stl_text(&vertices, &triangles)),
        ("ball.glb", "m", glb(&metres, &triangles)),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let node = load_node_mesh(&path, unit, [0.0; 3]).unwrap();
        assert_eq!(node.warnings, [], "{name}");
        assert_eq!(node.mesh.triangles().len(), 8192, "{name}");
        // Euler: vertices = triangles / 2 + 2 once those that coincide are one.
        assert_eq!(node.mesh.vertices_m().len(), 4098, "{name}");
        let found = force(Indenter::Mesh(node.mesh), depth_m);
        assert!(
            (0.998 * least..1.002 * most).contains(&found),
            "{name}: {least} < {found} < {most}"
        );
    }
}

/// An egg drawn along z lies along y once it is turned by -90 degrees about x: its semi-axes are exchanged.
#[test]
fn val_a_mesh_is_turned_into_the_node_s_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (mut vertices, triangles) = ball(1.0, 3);
    for v in &mut vertices {
        *v = [10.0 * v[0], 15.0 * v[1], 30.0 * v[2]];
    }
    let path = folder.path().join("egg.stl");
    fs::write(&path, stl(&vertices, &triangles)).unwrap();
    let turned = load_node_mesh(&path, "mm", [-std::f64::consts::FRAC_PI_2, 0.0, 0.0]).unwrap();
    let [x, y, z] = turned.mesh.half_extents_m();
    assert!((x - 0.010).abs() < 1e-6 && (y - 0.030).abs() < 1e-6 && (z - 0.015).abs() < 1e-6);
    // Its upper tip in z has become the one in y.
    let tip = turned.mesh.foremost(&nalgebra::Vector3::y());
    assert!((tip.y - 0.030).abs() < 1e-6);
}

fn problems(path: &Path) -> Vec<Problem> {
    match check_any(path) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    }
}

/// In a chair's carriage and in a rig: the same keys, the same surface; the hash knows the surface and not the file's name.
#[test]
fn a_mesh_is_a_node_of_carriages_and_rigs() {
    let folder = tempfile::tempdir().unwrap();
    let (vertices, triangles) = ball(20.0, 4);
    fs::write(folder.path().join("ball.stl"), stl(&vertices, &triangles)).unwrap();
    fs::write(folder.path().join("same.stl"), stl(&vertices, &triangles)).unwrap();
    let scenes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
    let rig = folder.path().join("rig.toml");
    let text = "name = \"r\"\n[[link]]\nname = \"a\"\nmass_kg = 1\n[[joint]]\nname = \"j\"\nchild = \"a\"\nfriction_nm = 1\n\
                [[node]]\nname = \"n\"\nlink = \"a\"\nshape = \"mesh\"\nfile = \"ball.stl\"\nunit = \"mm\"\n";
    fs::write(&rig, text).unwrap();
    let loaded = load_rig(&rig, &[]).unwrap();
    assert_eq!(loaded.warnings, []);
    assert!((loaded.rig.heads[0].node.shape.bound_m() - 0.02).abs() < 1e-6);

    let mechanism = fs::read_to_string(scenes.join("mechanisms/wobble_carriage.toml")).unwrap();
    let mut hashes = Vec::new();
    for name in ["ball.stl", "same.stl"] {
        let ball = format!("shape = \"mesh\"\nfile = \"{name}\"\nunit = \"mm\"\n");
        let lines: Vec<&str> = mechanism
            .lines()
            .filter(|l| !l.starts_with("shape"))
            .map(|l| {
                if l.starts_with("radius_mm") {
                    ball.trim_end()
                } else {
                    l
                }
            })
            .filter(|l| !l.starts_with("node_radius_mm"))
            .collect();
        let path = folder.path().join("carriage.toml");
        fs::write(&path, lines.join("\n")).unwrap();
        assert_eq!(problems(&path), []);
        let set = ("mechanism".to_owned(), path.display().to_string());
        let scene = load(&scenes.join("chair.toml"), &[set]).unwrap().scene;
        assert!(matches!(scene.mechanism.nodes[0].shape, Indenter::Mesh(_)));
        hashes.push(scene.hash());
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn what_keeps_a_mesh_from_being_a_node_is_told_at_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (vertices, triangles) = ball(20.0, 3);
    let write = |name: &str, v: &[[f64; 3]], t: &[[usize; 3]]| {
        fs::write(folder.path().join(name), stl(v, t)).unwrap();
    };
    let rig = folder.path().join("rig.toml");
    let told = |node: &str| {
        let text = format!(
            "name = \"r\"\n[[link]]\nname = \"a\"\nmass_kg = 1\n[[joint]]\nname = \"j\"\nchild = \"a\"\nfriction_nm = 1\n\
             [[node]]\nname = \"n\"\nlink = \"a\"\nshape = \"mesh\"\n{node}"
        );
        fs::write(&rig, text).unwrap();
        let problems = problems(&rig);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].hint.is_some());
        problems[0].clone()
    };
    write("ball.stl", &vertices, &triangles);
    let p = told("file = \"ball.stl\"\n");
    assert_eq!((p.key.as_str(), p.line), ("node.0.unit", 9));
    let p = told("file = \"ball.stl\"\nunit = \"inch\"\n");
    assert!(p.key == "node.0.file" && p.message.contains("508"), "{p}");
    assert_eq!(p.severity, Severity::Error);
    let p = told("file = \"bal.stl\"\nunit = \"mm\"\n");
    assert!(p.message.contains("cannot be read"), "{p}");

    write("open.stl", &vertices, &triangles[3..]);
    let p = told("file = \"open.stl\"\nunit = \"mm\"\n");
    assert!(
        p.message.contains("open") && p.severity == Severity::Warning,
        "{p}"
    );
    let inwards: Vec<[usize; 3]> = triangles.iter().map(|[a, b, c]| [*b, *a, *c]).collect();
    write("inwards.stl", &vertices, &inwards);
    assert!(
        told("file = \"inwards.stl\"\nunit = \"mm\"\n")
            .message
            .contains("inside out")
    );
    let mut mixed = triangles.clone();
    mixed[7] = inwards[7];
    write("mixed.stl", &vertices, &mixed);
    assert!(
        told("file = \"mixed.stl\"\nunit = \"mm\"\n")
            .message
            .contains("opposite")
    );
    let off: Vec<[f64; 3]> = vertices.iter().map(|v| [v[0], v[1], v[2] + 30.0]).collect();
    write("off.stl", &off, &triangles);
    let p = told("file = \"off.stl\"\nunit = \"mm\"\n");
    assert!(p.message.contains("outside of it along z"), "{p}");
    let long: Vec<[f64; 3]> = vertices.iter().map(|v| [v[0], v[1], 2.0 * v[2]]).collect();
    write("long.stl", &long, &triangles);
    let p = told("file = \"long.stl\"\nunit = \"mm\"\n");
    assert!(
        p.key == "node.0.wheel" && p.message.contains("20.0 to 40.0 mm"),
        "{p}"
    );
    fs::write(folder.path().join("no.stl"), "not a mesh").unwrap();
    assert!(
        told("file = \"no.stl\"\nunit = \"mm\"\n")
            .message
            .contains("no STL")
    );
}
