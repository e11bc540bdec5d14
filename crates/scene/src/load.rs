//! From files to checked values.

use std::path::Path;

use back::{
    Ages, Body, BodyProblem, Classes, Envelope, Knot, Limits, Market, People, Points, Scan,
    ScanMarks, ScanProblem, Sex,
};
use mechanism::{ARC_FIELDS, Arc, FIELDS, Field, Kinematics, Mechanism, NODE_FIELDS, Node, Wheel};
use program::{Session, Step, Technique, Timing};
use tissue::{Indenter, Law, Layer, PronyTerm, Stack, StackError, finest_cell_m, window_of};

use crate::any_scene::AnyScene;
use crate::check::{Checked, Value, about, check};
use crate::document::{self, Kept};
use crate::kind::FileKind;
use crate::mesh_file;
use crate::node_mesh::{NodeMesh, load_node_mesh};
use crate::problem::{Problem, Problems, Severity};
use crate::rig_file::check_rig;
use crate::rig_scene::{RigScene, to_rig_scene};
use crate::rig_scene_fields::RIG_SCENE;
use crate::scene::{Breath, Chair, ConstantDepth, Hip, Pad, Scene, Solver, StationScan, Surface};
use crate::study::{Bodies, Comparison, Replay, Stations, Study, SweepStudy};
use crate::sweep::{Sweep, to_sweep};
use crate::technique_file::{plan_parts, to_manner, to_parts};
use crate::unit::{Unit, show};

/// A scene and what somebody should look at.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scene.
    pub scene: Scene,
    /// Nothing in here is an error.
    pub warnings: Vec<Problem>,
}

/// Reads a scene and the files it names, with `sets` (path, value) laid over them.
///
/// # Errors
/// Every problem, errors and warnings, in the order of files and lines.
pub fn load(path: &Path, sets: &[(String, String)]) -> Result<Loaded, Problems> {
    let (scene, warnings) = one(path, FileKind::Scene, sets, to_scene)?;
    Ok(Loaded { scene, warnings })
}

/// Reads a study and the files it names. Paths of the scene may be set with or without a leading `scene.`. Warnings are
/// those of [`check_any`].
///
/// # Errors
/// As [`load`], and where its scene is one of a rig, which a sweep takes ([`load_sweep`]).
pub fn load_study(path: &Path, sets: &[(String, String)]) -> Result<Study, Problems> {
    study(path, sets, to_study).map(|(study, _)| study)
}

/// As [`load_study`], what a sweep takes of it; its scene may be one of a rig.
///
/// # Errors
/// As [`load`].
pub fn load_sweep(path: &Path, sets: &[(String, String)]) -> Result<SweepStudy, Problems> {
    study(path, sets, to_sweep_study).map(|(study, _)| study)
}

fn study<T>(
    path: &Path,
    sets: &[(String, String)],
    convert: fn(&Checked, &document::Node, &mut Problems) -> Option<T>,
) -> Result<(T, Vec<Problem>), Problems> {
    let mut problems = Problems::default();
    let node = document::read(path, FileKind::Study.table(), sets, &mut problems);
    let value = node.and_then(|node| {
        let checked = check(&node, FileKind::Study.table(), &mut problems);
        convert(&checked, &node, &mut problems)
    });
    problems.sort(&document::shown(path));
    match value {
        Some(value) if !problems.has_errors() => Ok((value, problems.0)),
        _ => Err(problems),
    }
}

/// A study as one text that needs no other file: what it names is put in its place, and `sets` are laid over it.
///
/// # Errors
/// As [`load`].
pub fn whole_study(path: &Path, sets: &[(String, String)]) -> Result<Whole, Problems> {
    study(path, sets, to_sweep_study)?;
    whole(path, FileKind::Study, sets)
}

/// A scene, of a carriage or of a rig, as one text: what it names is put in its place, but for meshes, which stay files of their own,
/// and `sets` are laid over it.
///
/// # Errors
/// As [`load`].
pub fn whole_scene(path: &Path, sets: &[(String, String)]) -> Result<Whole, Problems> {
    whole(path, FileKind::of(path)?, sets)
}

/// A document as one text, and the files that it still names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The text; its files are named as in `files`.
    pub text: String,
    /// Files that belong beside it, wherever it is put.
    pub files: Vec<Kept>,
}

fn whole(path: &Path, kind: FileKind, sets: &[(String, String)]) -> Result<Whole, Problems> {
    let mut problems = Problems::default();
    let node = document::read(path, kind.table(), sets, &mut problems);
    match node {
        Some(mut node) if !problems.has_errors() => {
            let mut files = Vec::new();
            document::keep(&mut node, kind.table(), &mut files);
            let text = node.to_toml();
            Ok(Whole { text, files })
        }
        _ => Err(problems),
    }
}

/// Reads a stack of tissue.
///
/// # Errors
/// As [`load`].
pub fn load_stack(path: &Path) -> Result<Stack, Problems> {
    one(path, FileKind::Stack, &[], to_stack).map(|(stack, _)| stack)
}

/// Reads a mechanism.
///
/// # Errors
/// As [`load`].
pub fn load_mechanism(path: &Path, sets: &[(String, String)]) -> Result<Mechanism, Problems> {
    one(path, FileKind::Mechanism, sets, to_mechanism).map(|(mechanism, _)| mechanism)
}

/// Checks a file of any kind, told by its keys.
///
/// # Errors
/// As [`load`].
pub fn check_any(path: &Path) -> Result<(FileKind, Vec<Problem>), Problems> {
    let kind = FileKind::of(path)?;
    let warnings = match kind {
        FileKind::Scene => one(path, kind, &[], to_scene)?.1,
        FileKind::Study => study(path, &[], to_sweep_study)?.1,
        FileKind::Mechanism => one(path, kind, &[], to_mechanism)?.1,
        FileKind::Stack => one(path, kind, &[], to_stack)?.1,
        FileKind::Body => one(path, kind, &[], to_body)?.1,
        FileKind::Technique => one(path, kind, &[], to_manner)?.1,
        FileKind::Rig => check_rig(path)?,
        FileKind::RigScene => one(path, kind, &[], to_rig_scene)?.1,
    };
    Ok((kind, warnings))
}

/// Reads, walks and converts one file.
pub(crate) fn one<T>(
    path: &Path,
    kind: FileKind,
    sets: &[(String, String)],
    convert: fn(&Checked, &mut Problems) -> Option<T>,
) -> Result<(T, Vec<Problem>), Problems> {
    let mut problems = Problems::default();
    let checked = checked(path, kind, sets, &mut problems);
    let value = checked.and_then(|c| convert(&c, &mut problems));
    problems.sort(&document::shown(path));
    match value {
        Some(value) if !problems.has_errors() => Ok((value, problems.0)),
        _ => Err(problems),
    }
}

/// Reads and walks one file; problems say whether it may be used.
pub(crate) fn checked(
    path: &Path,
    kind: FileKind,
    sets: &[(String, String)],
    problems: &mut Problems,
) -> Option<Checked> {
    let node = document::read(path, kind.table(), sets, problems)?;
    Some(check(&node, kind.table(), problems))
}

/// A scene of the kind that the table is.
pub(crate) fn to_any_scene(c: &Checked, problems: &mut Problems) -> Option<AnyScene> {
    if is_rig(c) {
        let scene = to_rig_scene(c, problems)?;
        return Some(AnyScene::Rig(Box::new(scene)));
    }
    let scene = to_scene(c, problems)?;
    Some(AnyScene::Carriage(Box::new(scene)))
}

/// Whether a checked scene is one of a rig.
pub(crate) fn is_rig(scene: &Checked) -> bool {
    std::ptr::eq(scene.spec, &RIG_SCENE)
}

/// A part is converted, and what it says as a whole is checked, even if another part is wrong: every problem at once.
pub(crate) fn to_scene(c: &Checked, problems: &mut Problems) -> Option<Scene> {
    let body = c.table("body").and_then(|t| to_body(t, problems));
    let conditions = c.table("body").map(to_conditions);
    let mechanism = c.table("mechanism").and_then(|t| to_mechanism(t, problems));
    let timing = c.table("timing").map(to_timing);
    let mut session = c.table("session").and_then(|t| to_session(t, problems));
    if let (Some(t), Some(session), Some(body), Some(mechanism), Some(timing)) =
        (c.table("session"), &mut session, &body, &mechanism, &timing)
    {
        let conditions = conditions.as_deref().unwrap_or_default();
        plan_parts(session, t, mechanism, body, conditions, timing, problems);
    }
    let surface = c.table("surface").and_then(|t| to_surface(t, problems));
    let chair = c.table("chair").and_then(to_chair);
    if let (Some(mechanism), Some(chair), Some(depth)) = (&mechanism, &chair, c.table("depth")) {
        check_fit(c, mechanism, chair, depth, problems);
    }
    if let Some(mechanism) = &mechanism {
        check_cells(c, mechanism.nodes.iter(), problems);
    }
    Some(Scene {
        name: c.text("name").to_string(),
        body: body?,
        conditions: conditions?,
        chair: chair?,
        mechanism: mechanism?,
        session: session?,
        timing: timing?,
        depth: ConstantDepth {
            protrude_m: c.table("depth")?.numbers("protrude_mm"),
        },
        solver: c.table("solver").map(to_solver)?,
        surface: surface?,
        breath: c.table("body").map(to_breath)?,
        scan: match c.text("scan") {
            "shoulder" => StationScan::Shoulder,
            _ => StationScan::Ideal,
        },
    })
}

fn to_timing(t: &Checked) -> Timing {
    Timing {
        press_ramp_s: t.number("press_ramp_s"),
        release_ramp_s: t.number("release_ramp_s"),
        knead_rad_s: t.number("knead_rpm"),
        roll_m_s: t.number("roll_mm_s"),
        travel_m_s: t.number("travel_mm_s"),
    }
}

/// Cells too fine for a node: its contact would be cut off at the edge of its window.
pub(crate) fn check_cells<'a>(
    c: &Checked,
    nodes: impl Iterator<Item = &'a Node>,
    problems: &mut Problems,
) {
    let Some(t) = c.table("solver").filter(|t| !t.broken) else {
        return;
    };
    let cell_m = t.number("cell_mm");
    for node in nodes {
        if window_of(&node.shape, cell_m).is_none() {
            let problem = Problem {
                allowed: format!("at least {:.2} mm for it", 1e3 * finest_cell_m(&node.shape)),
                hint: Some("a contact has 128 cells from edge to edge at most".into()),
                ..t.problem(
                    "cell_mm",
                    format!("the node {:?} is too large for such fine cells", node.name),
                )
            };
            add(problem, problems);
        }
    }
}

pub(crate) fn to_solver(t: &Checked) -> Solver {
    Solver {
        dt_s: t.number("dt_ms"),
        substeps: t.count("substeps"),
        cell_m: t.number("cell_mm"),
        patch_every: t.count("patch_every"),
        tolerance: t.number("tolerance"),
        max_iterations: t.count("max_iterations"),
    }
}

/// What only several parts of a scene together can get wrong.
fn check_fit(
    c: &Checked,
    mechanism: &Mechanism,
    chair: &Chair,
    depth: &Checked,
    problems: &mut Problems,
) {
    let stroke_m = mechanism.protrude.stroke_m;
    let depths: [f64; 5] = depth.numbers("protrude_mm");
    for (i, depth_m) in depths.iter().enumerate() {
        if *depth_m > stroke_m * (1.0 + 1e-12) {
            problems.0.push(Problem {
                value: show(mm(*depth_m)),
                allowed: format!("at most the mechanism's stroke, {} mm", show(mm(stroke_m))),
                hint: Some("lower it, or lengthen mechanism.protrude.stroke_mm".into()),
                ..c.problem(
                    &format!("depth.protrude_mm.{i}"),
                    "the slide does not reach that far",
                )
            });
        }
    }
    if depths.windows(2).any(|pair| pair[1] < pair[0]) {
        problems.0.push(Problem {
            severity: Severity::Warning,
            hint: Some("levels usually press harder from 1 to 5".into()),
            ..c.problem("depth.protrude_mm", "a higher level protrudes less")
        });
    }
    let retracts = Kinematics::new(mechanism)
        .ok()
        .and_then(|k| k.check_retracts(chair.pad.offset_m));
    if let Some(p) = retracts {
        let message = format!("{}: they press while the carriage travels", p.value);
        problems.0.push(Problem {
            severity: Severity::Warning,
            allowed: format!("nodes {}", p.allowed),
            hint: Some(p.hint),
            ..c.problem("mechanism.protrude.retracted_mm", message)
        });
    }
}

pub(crate) fn to_chair(t: &Checked) -> Option<Chair> {
    let (pad, hip) = (t.table("pad")?, t.table("hip")?);
    (!t.broken).then(|| Chair {
        recline_rad: t.number("recline_deg"),
        seat_z_m: t.number("seat_z_mm"),
        pad: Pad {
            thickness_m: pad.number("thickness_mm"),
            e_pa: pad.number("e_kpa"),
            densify_strain: pad.number("densify_strain"),
            offset_m: pad.number("offset_mm"),
            width_m: pad.number("width_mm"),
        },
        hip: Hip {
            stiffness_n_m: hip.number("stiffness_n_mm"),
            damping_ratio: hip.number("damping_ratio"),
        },
    })
}

pub(crate) fn to_breath(t: &Checked) -> Breath {
    Breath {
        way_m: t.number("breath_mm"),
        rate_hz: t.number("breath_hz"),
    }
}

pub(crate) fn to_body(t: &Checked, problems: &mut Problems) -> Option<Body> {
    let sex = if t.text("sex") == "male" {
        Sex::Male
    } else {
        Sex::Female
    };
    let (stature_m, bmi_kg_m2) = match t.text("size") {
        "percentiles" => Market::survey().at_percentiles(
            sex,
            t.number("stature_percentile"),
            t.number("bmi_percentile"),
        ),
        _ => (t.number("stature_mm"), t.number("bmi_kg_m2")),
    };
    let body = Body {
        back_length_z: t.number("back_length_z"),
        girth_z: t.number("girth_z"),
        breadth_z: t.number("breadth_z"),
        kyphosis_z: t.number("kyphosis_z"),
        lordosis_z: t.number("lordosis_z"),
        fat_z: t.number("fat_z"),
        muscle_z: t.number("muscle_z"),
        modulus_z: t.number("modulus_z"),
        pain_z: t.number("pain_z"),
        tone: match t.text("muscle") {
            "relaxed" => 1.0,
            "guarding" => Limits::builtin().guard_multiplier,
            "contracted" => Limits::builtin().contracted_multiplier,
            _ => t.number("tone"),
        },
        knots: t
            .tables("knot")
            .iter()
            .map(|k| Knot {
                u: k.number("u"),
                x_m: k.number("x_mm"),
                depth_m: k.number("depth_mm"),
                radius_m: k.number("radius_mm"),
                stiffness: k.number("stiffness"),
                tender: k.flag("tender"),
            })
            .collect(),
        scan: t.table("scan").and_then(|t| to_scan(t, problems)),
        ..Body::mean(sex, stature_m, bmi_kg_m2, t.number("age_yr"))
    };
    // A percentile out of range has been told, and has no size.
    if t.broken || !stature_m.is_finite() || !bmi_kg_m2.is_finite() {
        return None;
    }
    let (errors, warnings) = body.check();
    for (list, severity) in [(errors, Severity::Error), (warnings, Severity::Warning)] {
        for p in list {
            let problem = body_problem(t, p, severity);
            add(problem, problems);
        }
    }
    for id in back::of_age(body.age_yr, t.words("conditions")) {
        // Beside whatever is said of the age and of other conditions.
        problems.0.push(Problem {
            hint: Some(format!("name it among the conditions to say so: {id}")),
            severity: Severity::Warning,
            ..t.problem(
                "conditions",
                format!("at {:.0} years the limits of {id} hold too", body.age_yr),
            )
        });
    }
    let envelope = Envelope::new(&to_conditions(t));
    if let Some(envelope) = envelope.ok().filter(Envelope::refused) {
        let policy = envelope.policy();
        let problem = Problem {
            hint: Some(format!("{}: {}", policy.id, policy.note)),
            severity: Severity::Warning,
            ..t.problem(
                "conditions",
                "no session starts with these: nothing is run or tuned",
            )
        };
        add(problem, problems);
    }
    Some(body)
}

/// A body's conditions: those that it names and those of its age.
pub(crate) fn to_conditions(t: &Checked) -> Vec<String> {
    let named = t.words("conditions");
    [named, &back::of_age(t.number("age_yr"), named)].concat()
}

fn to_scan(t: &Checked, problems: &mut Problems) -> Option<Scan> {
    if t.text("source") != "mesh" || t.broken {
        return None;
    }
    let unit_m = mesh_file::unit_m(t.text("unit")).unwrap_or(1e-3);
    let (vertices, triangles) = match mesh_file::read(Path::new(t.text("file"))) {
        Ok(mesh) => mesh,
        Err(message) => {
            problems.0.push(Problem {
                hint: Some("name a mesh beside this file".into()),
                ..t.problem("file", message)
            });
            return None;
        }
    };
    let vertices: Vec<[f64; 3]> = vertices.iter().map(|v| v.map(|x| unit_m * x)).collect();
    let mark = |key: &str| t.numbers::<3>(key).map(|x| unit_m * x);
    let marks = ScanMarks {
        c7: mark("c7"),
        psis_left: mark("psis_left"),
        psis_right: mark("psis_right"),
    };
    match Scan::new(&vertices, &triangles, &marks) {
        Ok(scan) => Some(scan),
        Err(found) => {
            for p in found {
                let key = match &p {
                    ScanProblem::Size { .. } => "unit",
                    ScanProblem::Psis { .. } => "psis_left",
                    ScanProblem::Mark { mark, .. } => mark,
                    _ => "file",
                };
                problems.0.push(t.problem(key, p.to_string()));
            }
            None
        }
    }
}

fn body_problem(t: &Checked, p: BodyProblem, severity: Severity) -> Problem {
    let unit = t.spec.field_by_stem(p.key).and_then(|f| f.unit());
    let message = match severity {
        Severity::Error => "no such person is plausible",
        Severity::Warning => "this is outside the survey",
    };
    // The body's ranges are SI; the file's are in its own unit.
    let allowed = match (unit, p.allowed.split_once(" to ")) {
        (Some(unit), Some((low, high))) => match (low.parse::<f64>(), high.parse::<f64>()) {
            (Ok(low), Ok(high)) => {
                format!(
                    "{} to {} {}",
                    show(tidy(unit.of_si(low))),
                    show(tidy(unit.of_si(high))),
                    unit.symbol
                )
            }
            _ => p.allowed,
        },
        _ => p.allowed,
    };
    Problem {
        allowed,
        hint: Some(p.hint),
        severity,
        ..t.problem(p.key, message)
    }
}

fn to_mechanism(t: &Checked, problems: &mut Problems) -> Option<Mechanism> {
    if t.broken {
        return None;
    }
    // Every value below is overwritten: FIELDS, arcs and nodes are all there is.
    let mut m = Mechanism::reference();
    m.name = t.text("name").to_string();
    fill(&mut m, FIELDS, t);
    let motors = t.table("motors")?;
    for (axis, motor) in [
        ("walk", &mut m.motors.walk),
        ("knead", &mut m.motors.knead),
        ("tap", &mut m.motors.tap),
        ("protrude", &mut m.motors.protrude),
    ] {
        motor.self_locking = motors.table(axis)?.flag("self_locking");
    }
    m.track.arcs = to_arcs(t.table("track")?);
    m.nodes = t
        .tables("node")
        .iter()
        .map(|n| to_node(n, problems))
        .collect();
    for p in m.check() {
        let key = p.key.replace("arcs", "arc").replace("nodes", "node");
        let problem = Problem {
            allowed: p.allowed,
            hint: Some(p.hint),
            ..t.problem(&key, format!("this mechanism cannot work: {}", p.value))
        };
        add(problem, problems);
    }
    unused_params(t, problems);
    Some(m)
}

pub(crate) fn to_node(t: &Checked, problems: &mut Problems) -> Node {
    let mut node = Node {
        name: t.text("name").to_string(),
        shape: to_shape(t, problems),
        mass_kg: 0.0,
        stiffness_n_m: 0.0,
        friction: 0.0,
        wheel: match t.text("wheel") {
            "fixed" => Wheel::Fixed,
            _ => Wheel::Free,
        },
        bearing_resistance: 0.0,
    };
    fill(&mut node, NODE_FIELDS, t);
    if node.wheel == Wheel::Fixed {
        // Its key does not apply.
        node.bearing_resistance = 0.0;
    }
    node
}

/// The arcs of a track, from the top down.
pub(crate) fn to_arcs(track: &Checked) -> Vec<Arc> {
    let arc = |t: &Checked| {
        let mut arc = Arc {
            length_m: 0.0,
            radius_m: 0.0,
        };
        fill(&mut arc, ARC_FIELDS, t);
        arc
    };
    track.tables("arc").iter().map(arc).collect()
}

pub(crate) fn fill<T>(of: &mut T, fields: &[Field<T>], t: &Checked) {
    for field in fields {
        let mut table = Some(t);
        let mut parts = field.path.split('.').peekable();
        while let Some(part) = parts.next() {
            match table {
                Some(t) if parts.peek().is_none() => (field.set)(of, t.number(part)),
                Some(t) => table = t.table(part),
                None => break,
            }
        }
    }
}

fn to_shape(t: &Checked, problems: &mut Problems) -> Indenter {
    match t.text("shape") {
        "mesh" => to_mesh(t, problems),
        "roller" => Indenter::Roller {
            radius_m: t.number("radius_mm"),
            length_m: t.number("length_mm"),
            fillet_m: t.number("fillet_mm"),
        },
        "ellipsoid" => Indenter::Ellipsoid {
            semi_axes_m: t.numbers("semi_axes_mm"),
        },
        "torus" => Indenter::Torus {
            major_m: t.number("major_mm"),
            minor_m: t.number("minor_mm"),
        },
        "flat" => Indenter::Flat {
            radius_m: t.number("radius_mm"),
        },
        _ => Indenter::Sphere {
            radius_m: t.number("radius_mm"),
        },
    }
}

/// The surface in a file; where it cannot be used, which is told, a ball, so that the rest is still checked.
fn to_mesh(t: &Checked, problems: &mut Problems) -> Indenter {
    let loaded = load_node_mesh(
        Path::new(t.text("file")),
        t.text("unit"),
        t.numbers("mesh_turn_deg"),
    );
    let NodeMesh { mesh, warnings } = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => {
            for (message, hint) in errors {
                let problem = Problem {
                    hint: Some(hint),
                    ..t.problem("file", message)
                };
                add(problem, problems);
            }
            return Indenter::Sphere { radius_m: 0.025 };
        }
    };
    let mut warn = |key: &str, message: String, hint: &str| {
        let problem = Problem {
            hint: Some(hint.to_owned()),
            severity: Severity::Warning,
            ..t.problem(key, message)
        };
        add(problem, problems);
    };
    for w in warnings {
        warn("file", w.message, &w.hint);
    }
    let (off_m, radius_m) = mesh.unroundness_m();
    if t.text("wheel") != "fixed" && off_m > 0.03 * radius_m {
        let message = format!(
            "a free wheel turns about x, and this mesh is not round about it: radii of {:.1} to {:.1} mm at one place",
            mm(radius_m - off_m),
            mm(radius_m)
        );
        warn(
            "wheel",
            message,
            "it is pressed as it stands and does not turn with the wheel: write wheel = \"fixed\", or turn it by mesh_turn_deg so that its axle is x",
        );
    }
    Indenter::Mesh(mesh)
}

/// A parameter that nothing uses does nothing when it is turned.
pub(crate) fn unused_params(t: &Checked, problems: &mut Problems) {
    let Some(Value::Params(params)) = t.entries.get("params").map(|e| &e.value) else {
        return;
    };
    for (name, param) in params {
        if !param.used.get() {
            problems.0.push(Problem {
                file: param.origin.file.to_string(),
                line: param.origin.line,
                key: document::join(&t.path, &format!("params.{name}")),
                value: String::new(),
                message: "no key uses this parameter".into(),
                allowed: String::new(),
                hint: Some(format!("write it as the value of a key: \"{name}\"")),
                severity: Severity::Warning,
            });
        }
    }
}

fn to_session(t: &Checked, problems: &mut Problems) -> Option<Session> {
    if t.broken {
        return None;
    }
    let reference = Session::reference();
    let steps = t.tables("step").iter().map(|s| {
        let technique = technique(s.text("technique"));
        // Keys that a technique does not use take the reference's values, so that they count for nothing.
        let unused = reference.steps[0];
        let or = |key: &str, unused: f64| {
            if s.entries.contains_key(key) {
                s.number(key)
            } else {
                unused
            }
        };
        Step {
            technique,
            from_u: s.number("from_u"),
            to_u: s.number("to_u"),
            level: u8::try_from(s.integer("level")).unwrap_or(1),
            hold_s: or("hold_s", unused.hold_s),
            cycles: if s.entries.contains_key("cycles") {
                s.integer("cycles") as f64
            } else {
                1.0
            },
            park_deg: Unit::named("deg").map_or(0.0, |u| u.of_si(s.number("park_deg"))),
            spacing_u: or("spacing_u", unused.spacing_u),
            pace: None,
        }
    });
    let session = Session {
        name: t.text("name").to_string(),
        style: t.text("style").to_string(),
        steps: steps.collect(),
        parts: to_parts(t, problems)?,
        ..Session::default()
    };
    if !session.parts.is_empty() {
        if !session.steps.is_empty() {
            let problem = Problem {
                allowed: "steps or parts".into(),
                hint: Some("parts are planned as steps: write one of the two".into()),
                ..t.problem("step", "a session has both steps and parts")
            };
            add(problem, problems);
        }
        // Their steps are planned when the machine is known.
        return Some(session);
    }
    for p in session.check() {
        let key = match p.step {
            Some(step) => format!("step.{step}.{}", p.key),
            None => "step".into(),
        };
        let problem = Problem {
            allowed: p.allowed,
            hint: Some(p.hint.clone()),
            ..t.problem(&key, "this step cannot be done")
        };
        add(problem, problems);
    }
    Some(session)
}

fn technique(name: &str) -> Technique {
    Technique::ALL
        .into_iter()
        .find(|t| t.name() == name)
        .unwrap_or(Technique::Press)
}

pub(crate) fn to_surface(t: &Checked, problems: &mut Problems) -> Option<Surface> {
    match t.text("kind") {
        "slab" => {
            let stack = to_stack(t.table("stack")?, problems)?;
            Some(Surface::Slab {
                stack,
                size_m: t.numbers("size_mm"),
            })
        }
        _ => (!t.broken).then_some(Surface::Back),
    }
}

fn to_stack(t: &Checked, problems: &mut Problems) -> Option<Stack> {
    if t.broken {
        return None;
    }
    let layers = t.tables("layer").iter().map(|l| Layer {
        name: l.text("name").to_string(),
        thickness_m: l.number("thickness_mm"),
        e_pa: l.number("e_kpa"),
        nu: l.number("nu"),
        law: match l.text("model") {
            "ogden" => Law::Ogden {
                alpha: l.number("alpha"),
            },
            "neo-hookean" => Law::NeoHookean,
            _ => Law::Linear,
        },
        prony: l
            .tables("prony")
            .iter()
            .map(|p| PronyTerm {
                g: p.number("g"),
                tau_s: p.number("tau_s"),
            })
            .collect(),
    });
    match Stack::try_new(layers.collect()) {
        Ok(stack) => Some(stack),
        Err(errors) => {
            for e in errors {
                let problem = match e {
                    StackError::Range {
                        layer,
                        key,
                        value,
                        allowed,
                        ..
                    } => Problem {
                        value: show(value),
                        allowed: allowed.into(),
                        ..t.problem(
                            &format!("layer.{layer}.{}", layer_key(key)),
                            format!("{key} is out of range"),
                        )
                    },
                    other => t.problem("layer", other.to_string()),
                };
                add(problem, problems);
            }
            None
        }
    }
}

/// Errors of a Prony series stand at the series.
fn layer_key(key: &str) -> &str {
    if key.contains("prony") { "prony" } else { key }
}

/// Scores are cut at this many standard deviations: whom a market must still be able to seat.
const WIDEST_SD: f64 = 3.31;

fn to_people(t: &Checked, problems: &mut Problems) -> People {
    if t.text("kind") != "correlated" || t.broken {
        return People::Grouped;
    }
    let [stature_mean_m, stature_sd_m, bmi_median, ln_bmi_sd, age_yr] = [
        "stature_mean_mm",
        "stature_sd_mm",
        "bmi_median_kg_m2",
        "bmi_log_sd",
        "age_yr",
    ]
    .map(|key| t.numbers::<2>(key));
    for (i, sex) in Sex::ALL.into_iter().enumerate() {
        let ends = |middle: f64, spread: f64| [middle - spread, middle + spread];
        let stature_m = ends(stature_mean_m[i], WIDEST_SD * stature_sd_m[i]);
        let ln_bmi = ends(bmi_median[i].ln(), WIDEST_SD * ln_bmi_sd[i]);
        for (key, [low, high], pick) in [
            (
                "stature_sd_mm",
                stature_m,
                (|b: &mut Body, v| b.stature_m = v) as fn(&mut Body, f64),
            ),
            ("bmi_log_sd", ln_bmi.map(f64::exp), |b: &mut Body, v| {
                b.bmi_kg_m2 = v
            }),
        ] {
            let far = [low, high].into_iter().find_map(|v| {
                let mut body = Body::mean(sex, 1.7, 25.0, 40.0);
                pick(&mut body, v);
                body.check().0.into_iter().next()
            });
            if let Some(p) = far {
                problems.0.push(Problem {
                    allowed: p.allowed,
                    hint: Some("narrow the spread or move the middle".into()),
                    ..t.problem(
                        &format!("{key}.{i}"),
                        format!(
                            "one {} in 1000 would have {} = {:.3}, which nobody has",
                            sex.name(),
                            p.key,
                            p.value
                        ),
                    )
                });
            }
        }
    }
    let even = t.text("ages") == "even";
    if even && age_yr[0] > age_yr[1] {
        problems
            .0
            .push(t.problem("age_yr", "the youngest is older than the oldest"));
    }
    let market = Market {
        male_share: t.number("male_share"),
        stature_mean_m,
        stature_sd_m,
        ln_bmi_mean: bmi_median.map(f64::ln),
        ln_bmi_sd,
        ages: if even {
            Ages::Even(age_yr)
        } else {
            Ages::Survey
        },
    };
    let points = match t.text("points") {
        "low_discrepancy" => Points::LowDiscrepancy,
        _ => Points::Random,
    };
    People::Correlated { market, points }
}

/// Bands of the shipped study (`scenes/studies/chair_shiatsu.toml`), estimates: what a sweep without bands of its own, and a scene without a study, is measured
/// against.
pub const BANDS: [[f64; 2]; 5] = [
    [0.055, 0.10],
    [0.07, 0.127],
    [0.088, 0.16],
    [0.108, 0.195],
    [0.13, 0.235],
];

/// Its parts are checked by themselves: what a machine cannot do is a result there and no problem.
fn to_comparison(t: &Checked, problems: &mut Problems) -> Option<Comparison> {
    let machines: Vec<Option<(String, Mechanism)>> = t
        .tables("machine")
        .iter()
        .map(|m| {
            let mechanism = to_mechanism(m.table("mechanism")?, problems)?;
            Some((m.text("name").to_string(), mechanism))
        })
        .collect();
    let rigs: Vec<Option<(String, RigScene)>> = t
        .tables("rig")
        .iter()
        .map(|r| {
            let scene = to_rig_scene(r.table("scene")?, problems);
            Some((r.text("name").to_string(), scene?))
        })
        .collect();
    let parts = to_parts(t, problems)?;
    Some(Comparison {
        rigs: rigs.into_iter().collect::<Option<_>>()?,
        machines: machines.into_iter().collect::<Option<_>>()?,
        parts,
        hand: t.flag("hand"),
    })
}

/// What a sweep takes of a study.
fn to_sweep_study(
    c: &Checked,
    node: &document::Node,
    problems: &mut Problems,
) -> Option<SweepStudy> {
    match c.table("scene") {
        Some(scene) if is_rig(scene) => to_rig_study(c, scene, node, problems),
        _ => to_study(c, node, problems).map(|study| study.for_sweep()),
    }
}

/// Keys of a tuning or a comparison: a rig has no carriage whose depths could be told.
const OF_CARRIAGES: [&str; 10] = [
    "techniques",
    "bands",
    "cap_margin",
    "people",
    "classes",
    "stations",
    "tuning",
    "held_out",
    "replay",
    "comparison",
];

/// A study of a rig is its sweep.
fn to_rig_study(
    c: &Checked,
    scene: &Checked,
    node: &document::Node,
    problems: &mut Problems,
) -> Option<SweepStudy> {
    let base = to_any_scene(scene, problems);
    for (key, _) in node.entries() {
        if OF_CARRIAGES.contains(&key.as_str()) {
            let problem = Problem {
                value: String::new(),
                allowed: "name, scene, seed, sweep".into(),
                hint: Some("leave it out: what is wanted of a rig stands in [sweep]".into()),
                ..c.problem(key, "this is of a tuning, and a rig's scene is swept only")
            };
            add(problem, problems);
        }
    }
    if c.table("sweep").is_none() && !c.broken {
        let problem = Problem {
            hint: Some("say what varies: [[sweep.vary]] with path, from and to".into()),
            ..c.problem("sweep", "a study of a rig needs a [sweep]")
        };
        add(problem, problems);
    }
    let sweep = sweep_of(c, node, problems);
    if c.table("sweep")
        .is_some_and(|t| t.entries.contains_key("depth_from_touch_mm"))
    {
        let problem = Problem {
            hint: Some(
                "say how deep it stands by placement.press_mm or placement.offset_mm.1".into(),
            ),
            ..c.problem("sweep.depth_from_touch_mm", "a rig has no levels of depth")
        };
        add(problem, problems);
    }
    Some(SweepStudy {
        name: c.text("name").to_string(),
        scene: base?,
        seed: c.integer("seed").unsigned_abs(),
        bands: BANDS,
        sweep,
    })
}

fn sweep_of(c: &Checked, node: &document::Node, problems: &mut Problems) -> Option<Sweep> {
    let text = node.entries().iter().find(|(k, _)| k == "scene");
    match (c.table("sweep"), c.table("scene"), text) {
        (Some(t), Some(scene), Some((_, text))) if !scene.broken => {
            to_sweep(t, scene, text, problems)
        }
        _ => None,
    }
}

fn to_study(c: &Checked, node: &document::Node, problems: &mut Problems) -> Option<Study> {
    if c.table("scene").is_some_and(is_rig) {
        let problem = Problem {
            value: String::new(),
            allowed: "the scene of a carriage".into(),
            hint: Some(
                "`kneadlab sweep` varies the parameters of a rig, and with [sweep.search] looks for the best".into(),
            ),
            ..c.problem("scene", "this is the scene of a rig, which has no carriage whose depths could be tuned")
        };
        add(problem, problems);
        return None;
    }
    let scene = c.table("scene").and_then(|t| to_scene(t, problems));
    let sweep = sweep_of(c, node, problems);
    let lacks: Vec<&'static str> = ["techniques", "bands"]
        .into_iter()
        .filter(|key| !node.entries().iter().any(|(k, _)| k == key))
        .collect();
    let given =
        |key: &str| c.entries.contains_key(key) || node.entries().iter().any(|(k, _)| k == key);
    if given("techniques")
        && let Some(table) = c.table("scene")
        && scene
            .as_ref()
            .is_some_and(|s| s.scan == StationScan::Shoulder)
    {
        problems.0.push(Problem {
            severity: Severity::Warning,
            allowed: "ideal".into(),
            hint: Some("runs, sweeps and comparisons do scan; how far off a scan leaves the stations, `kneadlab run` tells".into()),
            ..table.problem("scan", "a tuning knows where everybody's stations are and does not scan")
        });
    }
    if !given("sweep") && !given("comparison") {
        for key in &lacks {
            if let Some(field) = c.spec.field(key) {
                problems.0.push(Problem {
                    allowed: field.allowed(),
                    hint: about(field),
                    ..c.problem(key, "this key is missing")
                });
            }
        }
    }
    let comparison = c
        .table("comparison")
        .and_then(|t| to_comparison(t, problems));
    let bodies = |key: &str| {
        c.table(key).map(|t| Bodies {
            per_class: t.count("bodies_per_class"),
            seed: t.integer("seed").unsigned_abs(),
        })
    };
    let (tuning, held_out) = (bodies("tuning")?, bodies("held_out")?);
    if tuning.seed == held_out.seed {
        problems.0.push(Problem {
            allowed: format!("any seed but {}", tuning.seed),
            hint: Some("bodies that were tuned on prove nothing".into()),
            ..c.problem(
                "held_out.seed",
                "held-out and tuning bodies are drawn with the same seed",
            )
        });
    }
    let stations = c.table("stations").map(|t| Stations {
        count: t.count("count"),
        from_u: t.number("from_u"),
        to_u: t.number("to_u"),
    })?;
    if stations.from_u >= stations.to_u {
        problems.0.push(Problem {
            allowed: format!("above from_u = {}", show(stations.from_u)),
            ..c.problem(
                "stations.to_u",
                "the last station is not below the first on the back",
            )
        });
    }
    let techniques: Vec<Technique> = c.words("techniques").iter().map(|w| technique(w)).collect();
    if techniques.is_empty() && c.entries.contains_key("techniques") {
        add(
            c.problem("techniques", "there is no technique to tune"),
            problems,
        );
    }
    let mut unique = techniques.clone();
    unique.sort();
    unique.dedup();
    if unique.len() < techniques.len() {
        problems
            .0
            .push(c.problem("techniques", "a technique is named twice"));
    }
    let people = c.table("people").map(|t| to_people(t, problems))?;
    if let (Some(scene), People::Correlated { market, .. }) = (&scene, &people)
        && let Ages::Even([_, oldest]) = market.ages
        && given("techniques")
    {
        for id in back::of_age(oldest, &scene.conditions) {
            let problem = Problem {
                hint: Some(format!(
                    "draw nobody of that age, or write conditions = [{id:?}] in the scene's body"
                )),
                severity: Severity::Warning,
                ..c.problem(
                    "people.age_yr",
                    format!("people to whom the limits of {id} apply are drawn, and the tables are tuned without them"),
                )
            };
            add(problem, problems);
        }
    }
    let classes = c.table("classes").map(|t| Classes {
        stature_edges_m: t.list("stature_edges_mm"),
        bmi_edges_kg_m2: t.list("bmi_edges_kg_m2"),
    })?;
    for (key, edges) in [
        ("stature_edges_mm", &classes.stature_edges_m),
        ("bmi_edges_kg_m2", &classes.bmi_edges_kg_m2),
    ] {
        if edges.windows(2).any(|pair| pair[1] <= pair[0]) {
            problems
                .0
                .push(c.problem(&format!("classes.{key}"), "the edges do not rise"));
        }
    }
    Some(Study {
        name: c.text("name").to_string(),
        scene: scene?,
        seed: c.integer("seed").unsigned_abs(),
        tuning,
        held_out,
        stations,
        bands: if c.entries.contains_key("bands") {
            c.bands("bands")
        } else {
            BANDS
        },
        lacks,
        sweep,
        comparison,
        techniques,
        cap_margin: c.number("cap_margin"),
        replay: Replay {
            bodies: c.table("replay")?.count("bodies"),
        },
        people,
        classes,
    })
}

/// Adds a problem found after the walk, unless the walk already said something about that key.
pub(crate) fn add(problem: Problem, problems: &mut Problems) {
    let known = |p: &Problem| p.file == problem.file && p.key == problem.key;
    if !problems.0.iter().any(known) {
        problems.0.push(problem);
    }
}

fn mm(value_m: f64) -> f64 {
    tidy(value_m * 1000.0)
}

/// Nine digits: without the noise of a conversion.
fn tidy(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}
