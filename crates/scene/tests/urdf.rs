//! Promise: a robot description moves as it says, closes with the loops that a rig file adds, and what it says beyond a rig is
//! told at its line.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use mechanism::{Linkage, Rig};
use nalgebra::{Matrix3, Point3, Rotation3, Vector3};
use scene::{Problem, Severity, check_any, load_rig};

/// A rig of files in a folder of its own, `rig.toml` the first of them.
fn load(files: &[(&str, &str)]) -> Result<(Rig, Vec<Problem>), Vec<Problem>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join(files[0].0);
    let cut = |mut p: Problem| {
        let folder = folder.path().to_string_lossy().replace('\\', "/");
        p.file = p.file.replace(&format!("{folder}/"), "");
        p
    };
    match load_rig(&path, &[]) {
        Ok(loaded) => Ok((loaded.rig, loaded.warnings.into_iter().map(cut).collect())),
        Err(problems) => Err(problems.0.into_iter().map(cut).collect()),
    }
}

fn node_at(linkage: &Linkage, drives: &[f64]) -> Vec<Vector3<f64>> {
    let start = linkage.assemble().unwrap();
    let posture = linkage.follow(&start, drives).unwrap();
    linkage
        .heads(&linkage.frames(&posture))
        .iter()
        .map(|h| h.translation.vector)
        .collect()
}

const ARM: &str = r#"<robot name="arm">
  <link name="frame"/>
  <link name="shaft">
    <inertial><mass value="0.4"/><inertia ixx="2.7e-5" iyy="8.67e-4" izz="8.67e-4" ixy="0" ixz="0" iyz="0"/></inertial>
  </link>
  <link name="arm">
    <inertial><origin xyz="0 0.015 0.035"/><mass value="0.25"/>
      <inertia ixx="1.9e-4" iyy="1.4e-4" izz="5.7e-5" ixy="0" ixz="0" iyz="2e-5"/></inertial>
  </link>
  <link name="rocker">
    <inertial><origin xyz="0 0.02 0"/><mass value="0.08"/><inertia ixx="1.4e-5" iyy="2e-6" izz="1.4e-5"/></inertial>
  </link>
  <joint name="crank" type="continuous"><parent link="frame"/><child link="shaft"/></joint>
  <joint name="pin" type="continuous">
    <parent link="shaft"/><child link="arm"/><origin xyz="0.06 0.01 0"/><axis xyz="1 0 0"/>
    <dynamics friction="0.01" damping="0.002"/>
  </joint>
  <joint name="rocker" type="revolute">
    <parent link="frame"/><child link="rocker"/><origin xyz="0.06 -0.04 0.05" rpy="0 0 0"/><axis xyz="2 0 0"/>
    <limit lower="-1.5" upper="1.5" effort="9" velocity="9"/>
  </joint>
</robot>"#;

const CLOSING: &str = r#"
[[closing]]
name = "knuckle"
kind = "hinge"
a = "arm"
at_a_mm = [0, 0, 50]
b = "rocker"
at_b_mm = [0, 40, 0]

[[drive]]
name = "knead"
joint = "crank"
motion = "turn"
speed_rpm = 20

[drive.motor]
ratio = 90

[[node]]
name = "node"
link = "arm"
at_mm = [0, 45, 60]
radius_mm = 25
"#;

const BY_HAND: &str = r#"
[[link]]
name = "shaft"
mass_kg = 0.4

[[link]]
name = "arm"
mirror = true
mass_kg = 0.25

[[link]]
name = "rocker"
mirror = true
mass_kg = 0.08

[[joint]]
name = "crank"
child = "shaft"

[[joint]]
name = "pin"
parent = "shaft"
child = "arm"
at_mm = [60, 10, 0]
start_deg = 11.5

[[joint]]
name = "rocker"
child = "rocker"
at_mm = [60, -40, 50]
start_deg = -1.4
"#;

/// What the rig file says of the description's parts: starts for the loop, and the left side.
const MORE: &str = r#"
[[link]]
name = "arm"
mirror = true

[[link]]
name = "rocker"
mirror = true

[[joint]]
name = "pin"
start_deg = 11.5

[[joint]]
name = "rocker"
start_deg = -1.4
"#;

/// One four-bar, as a description with its closing beside it and as a rig file alone, both sides over a turn. Both are closed by the
/// same Newton's method to 1e-12 m, and the description's metres go through mm: 1e-9 m is wide.
#[test]
fn val_a_four_bar_of_a_description_moves_as_the_rig_file_s() {
    let urdf = format!("name = \"arm\"\nurdf = \"arm.urdf\"\n{MORE}{CLOSING}");
    let (from_urdf, warnings) = load(&[("rig.toml", &urdf), ("arm.urdf", ARM)]).unwrap();
    assert_eq!(warnings, []);
    let (by_hand, _) =
        load(&[("rig.toml", &format!("name = \"arm\"\n{BY_HAND}{CLOSING}"))]).unwrap();
    let (a, b) = (
        Linkage::new(&from_urdf).unwrap(),
        Linkage::new(&by_hand).unwrap(),
    );
    let first = node_at(&a, &[0.0])[0];
    let mut way_m = 0.0_f64;
    for step in 0..48 {
        let theta = TAU * f64::from(step) / 48.0;
        let (p, q) = (node_at(&a, &[theta]), node_at(&b, &[theta]));
        assert_eq!((p.len(), q.len()), (2, 2));
        for (p, q) in p.iter().zip(&q) {
            assert!((p - q).norm() < 1e-9, "{step}: {p} {q}");
        }
        way_m = way_m.max((p[0] - first).norm());
    }
    // It is no test if nothing moves: a crank of 10 mm.
    assert!(way_m > 0.015, "{way_m}");
    // What the description says of bodies arrives.
    let arm = from_urdf.links.iter().find(|l| l.name == "arm").unwrap();
    assert!((arm.mass_kg - 0.25).abs() < 1e-12 && arm.mirror);
    assert!((arm.centre_m[2] - 0.035).abs() < 1e-12);
    assert!((arm.inertia_kg_m2[0] - 1.9e-4).abs() < 1e-15);
    assert!((arm.products_kg_m2[2] - 2e-5).abs() < 1e-15);
    let pin = from_urdf.joints.iter().find(|j| j.name == "pin").unwrap();
    assert!((pin.friction - 0.01).abs() < 1e-15 && (pin.damping - 0.002).abs() < 1e-15);
    let rocker = from_urdf
        .joints
        .iter()
        .find(|j| j.name == "rocker")
        .unwrap();
    assert!((rocker.range.unwrap()[1] - 1.5).abs() < 1e-12);
}

/// A two-bar arm against its closed form: y = l1 cos a + l2 cos (a + b), z likewise with sines, bars of 300 and 200 mm in the y-z
/// plane; the second joint follows the first at minus half with 0.2 rad ahead. The root is turned onto our axes in the rig file.
#[test]
fn val_a_two_bar_arm_with_a_mimic_is_its_closed_form() {
    let arm = r#"<robot name="two">
      <link name="base"/>
      <link name="upper"><inertial><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial></link>
      <link name="lower"><inertial><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.01"/></inertial></link>
      <joint name="a" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 -1 0"/>
        <limit lower="-3" upper="3" effort="1" velocity="1"/></joint>
      <joint name="b" type="continuous"><parent link="upper"/><child link="lower"/><origin xyz="0.3 0 0"/>
        <axis xyz="0 -1 0"/><mimic joint="a" multiplier="-0.5" offset="0.2"/></joint>
    </robot>"#;
    // The robot's x forward is the machine's y: turned by 90 degrees about z.
    let rig = r#"name = "two"
urdf = "two.urdf"
[[joint]]
name = "base"
at_mm = [0, 0, 100]
turn_deg = [0, 0, 90]
[[drive]]
name = "a"
joint = "a"
[[node]]
name = "tip"
link = "lower"
at_mm = [200, 0, 0]
radius_mm = 20
load_n = 0
"#;
    let (rig, warnings) = load(&[("rig.toml", rig), ("two.urdf", arm)]).unwrap();
    assert_eq!(warnings, []);
    let linkage = Linkage::new(&rig).unwrap();
    for step in -10..=10 {
        let a = 0.25 * f64::from(step);
        let b = 0.2 - 0.5 * a;
        let expected = Vector3::new(
            0.0,
            0.3 * a.cos() + 0.2 * (a + b).cos(),
            0.1 + 0.3 * a.sin() + 0.2 * (a + b).sin(),
        );
        let tip = node_at(&linkage, &[a])[0];
        assert!((tip - expected).norm() < 1e-9, "{a}: {tip} {expected}");
    }
}

/// A published robot: the UR5's description (frames and offsets of ROS-Industrial's model) against the closed form of its published
/// Denavit-Hartenberg lengths (K. Hawkins 2013, Analytic inverse kinematics for the UR-5/UR-10, position of frame 6), whose base is
/// turned half round. At zero it is the well-known (0.81725, 0.19145, -0.005491).
#[test]
fn val_the_ur5_reaches_where_it_is_published_to() {
    let rig = r#"name = "ur5"
urdf = "ur5.urdf"
[[drive]]
name = "1"
joint = "shoulder_pan"
[[drive]]
name = "2"
joint = "shoulder_lift"
[[drive]]
name = "3"
joint = "elbow"
[[drive]]
name = "4"
joint = "wrist_1"
[[drive]]
name = "5"
joint = "wrist_2"
[[drive]]
name = "6"
joint = "wrist_3"
[[node]]
name = "tool"
link = "tool0"
radius_mm = 20
load_n = 0
"#;
    let ur5 = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ur5.urdf"))
        .unwrap();
    let (rig, warnings) = load(&[("rig.toml", rig), ("ur5.urdf", &ur5)]).unwrap();
    assert_eq!(warnings, []);
    let linkage = Linkage::new(&rig).unwrap();
    let published = |q: [f64; 6]| {
        let (d1, a2, a3, d4, d5, d6) = (0.089159, -0.425, -0.39225, 0.10915, 0.09465, 0.0823);
        let (s1, c1) = q[0].sin_cos();
        let (s2, c2) = q[1].sin_cos();
        let (s23, c23) = (q[1] + q[2]).sin_cos();
        let (s234, c234) = (q[1] + q[2] + q[3]).sin_cos();
        let (s5, c5) = q[4].sin_cos();
        let out = a2 * c2 + a3 * c23 + d5 * s234 - d6 * c234 * s5;
        let beside = d4 + d6 * c5;
        Vector3::new(
            -(c1 * out + s1 * beside),
            -(s1 * out - c1 * beside),
            d1 + a2 * s2 + a3 * s23 - d5 * c234 - d6 * s234 * s5,
        )
    };
    let zero = published([0.0; 6]);
    assert!((zero - Vector3::new(0.81725, 0.19145, -0.005491)).norm() < 1e-12);
    for q in [
        [0.0; 6],
        [0.3, -1.2, 1.4, -0.5, 0.9, 2.0],
        [-2.1, -0.4, -0.9, 1.7, -1.3, 0.1],
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    ] {
        let tool = node_at(&linkage, &q)[0];
        assert!((tool - published(q)).norm() < 1e-9, "{q:?}: {tool}");
    }
}

/// A turned inertia frame: the tensor along the link's axes is R I R^T, and the mirror's products in x change sign, so that both
/// sides turn alike.
#[test]
fn val_a_turned_inertia_is_that_of_the_link_s_axes() {
    let arm = r#"<robot name="r"><link name="base"/>
      <link name="bar"><inertial><origin xyz="0.01 0.02 0.03" rpy="0.3 -0.5 0.7"/><mass value="0.5"/>
        <inertia ixx="1e-3" iyy="2e-3" izz="2.5e-3" ixy="1e-4" ixz="-2e-4" iyz="3e-4"/></inertial></link>
      <joint name="j" type="continuous"><parent link="base"/><child link="bar"/></joint></robot>"#;
    let rig = "name = \"r\"\nurdf = \"r.urdf\"\n[[link]]\nname = \"bar\"\nmirror = true\n[[joint]]\nname = \"j\"\nfriction_nm = 0.1\n";
    let (rig, _) = load(&[("rig.toml", rig), ("r.urdf", arm)]).unwrap();
    let own = Matrix3::new(1e-3, 1e-4, -2e-4, 1e-4, 2e-3, 3e-4, -2e-4, 3e-4, 2.5e-3);
    let turn = Rotation3::from_axis_angle(&Vector3::z_axis(), 0.7)
        * Rotation3::from_axis_angle(&Vector3::y_axis(), -0.5)
        * Rotation3::from_axis_angle(&Vector3::x_axis(), 0.3);
    let expected = turn * own * turn.inverse();
    let bar = rig.links.iter().find(|l| l.name == "bar").unwrap();
    assert!((bar.tensor_kg_m2() - expected).amax() < 1e-15);
    let both = rig.expanded();
    let left = both.links.iter().find(|l| l.name == "left_bar").unwrap();
    let flip = Matrix3::from_diagonal(&Vector3::new(-1.0, 1.0, 1.0));
    assert!((left.tensor_kg_m2() - flip * expected * flip).amax() < 1e-15);
    assert_eq!(Point3::from(left.centre_m).x, -0.01);
}

/// What a rig cannot say, or nobody can: each at its line, all at once, with a hint.
#[test]
fn what_a_description_says_beyond_a_rig_is_told_at_its_line() {
    let odd = r#"<robot name="odd">
  <link name="base"/>
  <link name="a"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="5"/></inertial></link>
  <link name="b"><inertial><mass value="x"/></inertial><sensor/></link>
  <link name="c"/>
  <joint name="ja" type="floating"><parent link="base"/><child link="a"/></joint>
  <joint name="jb" type="revolute"><parent link="base"/><child link="b"/><origin xyz="0 1"/></joint>
  <joint name="jc" type="prismatic"><parent link="b"/><child link="c"/><limit effort="1" velocity="1"/></joint>
  <joint name="jd" type="screw"><parent link="b"/><child link="c"/></joint>
  <transmission name="t"/>
  <transmission name="u"/>
</robot>"#;
    let problems = load(&[
        ("rig.toml", "name = \"odd\"\nurdf = \"odd.urdf\"\n"),
        ("odd.urdf", odd),
    ])
    .unwrap_err();
    let told = |line: usize, word: &str| {
        problems
            .iter()
            .find(|p| p.file == "odd.urdf" && p.line == line && p.message.contains(word))
            .unwrap_or_else(|| panic!("{line} {word}: {problems:#?}"))
    };
    for (line, word) in [
        (3, "triangle rule"),
        (4, "not a number"),
        (4, "<sensor>"),
        (6, "floating"),
        (7, "three numbers"),
        (7, "no <limit>"),
        (8, "not below"),
        (9, "no type \"screw\""),
        (10, "here and 1 times more"),
    ] {
        let p = told(line, word);
        assert!(p.hint.is_some() || word == "not a number", "{p}");
    }
    assert_eq!(told(10, "<transmission>").severity, Severity::Warning);
    assert_eq!(told(6, "floating").severity, Severity::Error);
    // A link that nothing carries is the second root.
    assert!(problems.iter().any(|p| p.message.contains("roots")));
}

/// Files that are no description, or none yet.
#[test]
fn other_files_are_told_apart() {
    let rig = "name = \"r\"\nurdf = \"r.urdf\"\n";
    let first =
        |text: &str| load(&[("rig.toml", rig), ("r.urdf", text)]).unwrap_err()[0].to_string();
    assert!(first("<robot><link></robot>").contains("r.urdf:1: error: not XML"));
    assert!(first("<sdf/>").contains("begins with <robot>"));
    let macros = "<robot name=\"r\" xmlns:xacro=\"http://ros.org/wiki/xacro\">\n<xacro:include filename=\"a\"/></robot>";
    assert!(first(macros).contains("r.urdf:2: error: this is a macro"));
    let missing = load(&[
        ("rig.toml", "name = \"r\"\nurdf = \"s.urdf\"\n"),
        ("r.urdf", ""),
    ])
    .unwrap_err();
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert_eq!(missing[0].key, "urdf");
    assert_eq!(missing[0].hint.as_deref(), Some("did you mean \"r.urdf\"?"));
    // What the rig says more of a joint is not missed while nobody knows the joint.
    let more =
        "name = \"r\"\nurdf = \"r.urdf\"\n[[joint]]\nname = \"base\"\nturn_deg = [0, 0, 90]\n";
    let broken = load(&[("rig.toml", more), ("r.urdf", "<robot>")]).unwrap_err();
    assert_eq!(broken.len(), 1, "{broken:#?}");
    // Without either there is no machine.
    let none = load(&[(
        "rig.toml",
        "name = \"r\"\ncover = {}\n[[drive]]\nname = \"d\"\njoint = \"j\"\n",
    )])
    .unwrap_err();
    assert!(
        none.iter()
            .any(|p| p.key == "link" && p.message.contains("missing"))
    );
}

/// `check` walks a rig with a description: a motor that is too weak, a range that is out of bounds, at the line that says so.
#[test]
fn check_explains_a_rig_with_a_description() {
    let folder = tempfile::tempdir().unwrap();
    let rig = format!("name = \"arm\"\nurdf = \"arm.urdf\"\n{CLOSING}");
    fs::write(
        folder.path().join("arm.urdf"),
        ARM.replace("0.06 -0.04 0.05", "0.06 -0.4 0.5"),
    )
    .unwrap();
    let path = folder.path().join("rig.toml");
    fs::write(&path, rig).unwrap();
    let text = check_any(&path).unwrap_err().to_string();
    assert!(text.contains("knuckle"), "{text}");
    let far = ARM.replace("0.06 -0.04 0.05", "0.06 -4 0.05");
    fs::write(folder.path().join("arm.urdf"), far).unwrap();
    let text = check_any(&path).unwrap_err().to_string();
    assert!(
        text.contains("arm.urdf:19: error: joint.3.at_mm.1 = -4000.0: out of range"),
        "{text}"
    );
}
