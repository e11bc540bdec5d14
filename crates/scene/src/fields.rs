//! The keys of every file but mechanisms: scene, body, technique, study, stack.
//!
//! Sources in brackets behind a meaning, as elsewhere: V verified, D derived, W well known, M memory, E estimate.

use program::{ContactShape, Direction, Need, Path as Way, School};

use crate::mechanism_fields::mechanism;
use crate::rig_scene_fields::RIG_SCENE;
use crate::spec::Fallback::{self, Absent, Empty, Flag, Numbers, Required, Text};
use crate::spec::{Field, Kind, Table, field, integer, number};

/// A scene: the complete input of one run.
pub static SCENE: Table = Table {
    about: "A scene: who sits where, on which mechanism, and what it does.",
    fields: &[
        field("name", Kind::Text, Required, "what to call it in reports", ""),
        field("body", Kind::File(|| &BODY), Required, "who sits in the chair", ""),
        field("chair", Kind::Table(&CHAIR), Empty, "what they sit on", ""),
        field("mechanism", Kind::File(mechanism), Required, "what massages them", ""),
        field("session", Kind::Table(&SESSION), Required, "what it does, in stations and levels", ""),
        field("timing", Kind::Table(&TIMING), Empty, "how fast it does it", ""),
        field("depth", Kind::Table(&DEPTH), Empty, "how far it pushes at each level before it is tuned", ""),
        field("solver", Kind::Table(&SOLVER), Empty, "how finely it is computed", ""),
        field("surface", Kind::Table(&SURFACE), Empty, "what the nodes touch", ""),
        field("scan", Kind::Choice(station_scans), Text("ideal"), "how the machine knows where the stations are in a run: it knows, or it looks for the shoulders first", ""),
    ],
};

/// A body, inline in a scene or a file of its own.
pub static BODY: Table = Table {
    about: "A body: what a survey would write down, and how it differs from the mean of such people.",
    fields: &[
        field("sex", Kind::Choice(sexes), Required, "which survey it is compared with", ""),
        field("size", Kind::Choice(body_sizes), Text("given"), "how large: as stature and BMI say, or at percentiles of the survey", ""),
        number("stature_mm", (1200.0, 1650.0, 2200.0), "standing height", "V").required().when("size", GIVEN),
        number("bmi_kg_m2", (13.0, 25.0, 60.0), "mass / stature^2", "V").required().when("size", GIVEN),
        number("stature_percentile", (0.1, 50.0, 99.9), "so many of 100 of the same sex are shorter", "V").when("size", PERCENTILES),
        number("bmi_percentile", (0.1, 50.0, 99.9), "so many of 100 of the same sex are lighter for their stature", "D").when("size", PERCENTILES),
        number("age_yr", (14.0, 30.0, 100.0), "age", "V"),
        number("back_length_z", Z, "trunk length, in SD of people of the same sex, stature, BMI and age", "V"),
        number("girth_z", Z, "depths of chest and waist", "V"),
        number("breadth_z", Z, "breadths of shoulders and hips", "V"),
        number("kyphosis_z", Z, "thoracic curve", "V"),
        number("lordosis_z", Z, "lumbar curve", "V"),
        number("fat_z", Z, "fat thickness", "E"),
        number("muscle_z", Z, "muscle thickness", "E"),
        number("modulus_z", Z, "tissue stiffness, in SD of its logarithm", "E"),
        number("pain_z", Z, "pain threshold, in SD of its logarithm", "D"),
        field("muscle", Kind::Choice(muscle_states), Text("toned"), "how tense: as tone says, or relaxed (1), guarding (1.5), contracted (2.1)", "V/E"),
        number("tone", (0.5, 1.0, 4.0), "muscle tone, times relaxed stiffness: 1.5 guarding, 2.1 contracted", "V/E").when("muscle", &["toned"]),
        number("breath_mm", (0.0, 0.0, 10.0), "way of the back's skin out and in with each breath: 2 to 6 in a reclined sitter, 0 holds the breath", "E"),
        number("breath_hz", (0.1, 0.25, 0.5), "breaths a second: 0.2 to 0.3 at rest", "E"),
        field("scan", Kind::Table(&SCAN), Empty, "a real back's skin instead of the parametric one; its tissue stays the body's", ""),
        field("knot", Kind::Tables(&KNOT, 0), Empty, "stiff inclusions in the muscle", ""),
        field("conditions", Kind::Choices(conditions), Empty, "health conditions that limit or forbid massage", ""),
    ],
};

const Z: (f64, f64, f64) = (-6.0, 0.0, 6.0);

const MESH: &[&str] = &["mesh"];

static SCAN: Table = Table {
    about: "The skin of a real back, from a mesh, with three landmarks on it in the mesh's own frame and unit. For runs; studies draw their own bodies.",
    fields: &[
        field("source", Kind::Choice(scan_sources), Text("none"), "the parametric skin, or a mesh", ""),
        field("file", Kind::Beside, Required, "OBJ, STL or binary glTF (.glb), beside this file", "").when("source", MESH),
        field("unit", Kind::Choice(mesh_units), Required, "unit of the mesh and of the landmarks", "").when("source", MESH),
        mark("c7", "spinous process of C7, on the skin"),
        mark("psis_left", "posterior superior iliac spine (the dimple), the user's left"),
        mark("psis_right", "the same on the right"),
    ],
};

const fn mark(key: &'static str, meaning: &'static str) -> Field {
    field(key, Kind::Numbers { min: -1e5, max: 1e5, count: (3, 3) }, Required, meaning, "").when("source", MESH)
}

fn scan_sources() -> Vec<&'static str> {
    vec!["none", "mesh"]
}

pub(crate) fn mesh_units() -> Vec<&'static str> {
    vec!["m", "cm", "mm", "inch"]
}

static KNOT: Table = Table {
    about: "A ball of stiffer tissue in the muscle. Felt as the layers under the node, so it says little where the node's patch is larger.",
    fields: &[
        number("u", U, "station", "").required(),
        number("x_mm", (-150.0, 45.0, 150.0), "from the midline; negative to the left", "").required(),
        number("depth_mm", (2.0, 20.0, 80.0), "of its centre under the skin", "E"),
        number("radius_mm", (3.0, 10.0, 30.0), "radius", "E"),
        number("stiffness", (1.0, 3.0, 10.0), "modulus over that of the muscle around it", "E"),
        field("tender", Kind::Flag, Fallback::Flag(false), "a trigger point: the threshold over it is 105 kPa lower", "V"),
    ],
};

/// The chair.
pub(crate) static CHAIR: Table = Table {
    about: "The backrest, its pad, and how the hips hold the trunk.",
    fields: &[
        number("recline_deg", (0.0, 45.0, 90.0), "backrest angle from the vertical, 90 lying flat; the trunk leans with m g sin(recline)", "E"),
        number("seat_z_mm", (-300.0, 0.0, 300.0), "seat plane above the foot of the backrest, along it", "E"),
        field("pad", Kind::Table(&PAD), Empty, "the pad on either side of the mechanism that carries the trunk", ""),
        field("hip", Kind::Table(&HIP), Empty, "the hips' hold on the trunk along the backrest and into it", ""),
    ],
};

static PAD: Table = Table {
    about: "Foam that carries the trunk where no node does.",
    fields: &[
        number("thickness_mm", (5.0, 30.0, 80.0), "thickness", "E"),
        number("e_kpa", (2.0, 25.0, 200.0), "Young's modulus of the foam's plateau", "E"),
        number("densify_strain", (0.3, 0.75, 0.95), "strain at which the cells are closed", "E"),
        number("offset_mm", (0.0, 90.0, 200.0), "pad surface in front of the rail's curve", "E"),
        number("width_mm", (50.0, 300.0, 800.0), "width that carries", "E"),
    ],
};

static HIP: Table = Table {
    about: "Springs at the hip joint.",
    fields: &[
        number("stiffness_n_mm", (0.1, 1.0, 10.0), "spring; 0.5 to 2 is plausible", "E"),
        number("damping_ratio", (0.0, 0.3, 2.0), "share of critical damping", "E"),
    ],
};

/// The session.
static SESSION: Table = Table {
    about: "What the mechanism does, step after step.",
    fields: &[
        field("name", Kind::Text, Text("session"), "what to call it", ""),
        field("style", Kind::Text, Text("shiatsu"), "school it follows, for reports", ""),
        field("step", Kind::Tables(&STEP, 0), Empty, "steps in their order; or parts", ""),
        field("part", Kind::Tables(&PART, 0), Empty, "techniques over stretches and minutes, in their order, instead of steps: warm-up first, cool-down last", ""),
    ],
};

pub(crate) static PART: Table = Table {
    about: "One technique over a stretch of the back for some minutes: what the machine does for it is planned, and what it cannot do is refused. \
            It aims at the technique's force, up to the caps; tuned tables take the level's depths instead.",
    fields: &[
        field("technique", Kind::File(|| &TECHNIQUE), Required, "what is done", ""),
        number("from_u", U, "station where it begins", "").required(),
        number("to_u", U, "station where it ends", "").required(),
        number("minutes", (0.05, 2.0, 60.0), "for how long", "").required(),
        number("firmness", (0.0, 0.5, 1.0), "where in the technique's band of force it aims, from its least to its most", "E"),
        integer("level", (1, 3, 5), "intensity in tuned tables"),
        Field { fallback: Absent, ..number("width_mm", (10.0, 60.0, 150.0), "nodes from the midline; left out: 50, or what the technique's movement needs", "") },
        number("spacing_u", (0.02, 0.1, 1.0), "from one place to the next", "E"),
    ],
};

const U: (f64, f64, f64) = (-0.13, 0.5, 1.25);

static STEP: Table = Table {
    about: "One technique over a stretch of the back. Station 0 is C7, 1 is the PSIS level (S2).",
    fields: &[
        field("technique", Kind::Choice(techniques), Required, "press and hold, knead, or roll", ""),
        number("from_u", U, "station where it begins", "").required(),
        number("to_u", U, "station where it ends; press and knead may stay: the same as from_u", "").required(),
        Field { fallback: Required, ..integer("level", (1, 3, 5), "intensity") },
        number("hold_s", (0.0, 3.0, 60.0), "hold of each press", "W").when("technique", &["press"]),
        number("spacing_u", (0.005, 0.1, 2.0), "from one point to the next", "E").when("technique", &["press", "knead"]),
        integer("cycles", (1, 2, 200), "turns of the kneading shaft at a point, or passes of the roll")
            .when("technique", &["knead", "roll"]),
        number("park_deg", (-360.0, 0.0, 360.0), "kneading shaft while it stands: sets the width between the nodes", "W"),
    ],
};

static TIMING: Table = Table {
    about: "What is asked of each movement; an axis that cannot follow takes longer.",
    fields: &[
        number("press_ramp_s", (0.2, 1.5, 10.0), "pressing in; longer keeps the rate of force low", "W"),
        number("release_ramp_s", (0.2, 1.0, 10.0), "letting go", "E"),
        number("knead_rpm", (1.0, 25.0, 60.0), "kneading shaft", "E"),
        number("roll_mm_s", (1.0, 30.0, 150.0), "carriage while rolling", "E"),
        number("travel_mm_s", (1.0, 45.0, 80.0), "carriage while retracted", "V"),
    ],
};

static DEPTH: Table = Table {
    about: "One protrusion per level for the whole back, as chairs without tables do it.",
    fields: &[field(
        "protrude_mm",
        Kind::Numbers { min: 0.0, max: 150.0, count: (5, 5) },
        Numbers(&[30.0, 36.0, 42.0, 48.0, 54.0]),
        "protrusion at levels 1 to 5",
        "E",
    )],
};

static SOLVER: Table = Table {
    about: "Finer costs time. The defaults are what results are quoted at.",
    fields: &[
        number("dt_ms", (0.1, 2.0, 5.0), "time step", "D"),
        integer("substeps", (1, 1, 8), "engine steps within a time step"),
        number("cell_mm", (0.5, 2.0, 8.0), "cell of the pressure map", "D"),
        integer("patch_every", (1, 4, 50), "steps from one solved pressure map to the next; its tangent in between"),
        number("tolerance", (1e-9, 1e-3, 0.1), "change of force at which the map is converged, a share", "D"),
        integer("max_iterations", (1, 60, 10_000), "sweeps at most for one map"),
    ],
};

pub(crate) static SURFACE: Table = Table {
    about: "The back of the body, or for checks a flat slab of tissue on rigid ground.",
    fields: &[
        field("kind", Kind::Choice(surfaces), Text("back"), "what the nodes touch", ""),
        field("stack", Kind::File(|| &STACK), Required, "the slab's tissue", "").when("kind", &["slab"]),
        field(
            "size_mm",
            Kind::Numbers { min: 50.0, max: 2000.0, count: (2, 2) },
            Numbers(&[400.0, 400.0]),
            "the slab's width and length",
            "",
        )
        .when("kind", &["slab"]),
    ],
};

/// A stack of tissue.
pub static STACK: Table = Table {
    about: "Flat layers of tissue, skin first, bonded to each other and to rigid bone.",
    fields: &[
        field("name", Kind::Text, Text("stack"), "what to call it", ""),
        field("layer", Kind::Tables(&LAYER, 1), Required, "layers from the skin down", ""),
    ],
};

static LAYER: Table = Table {
    about: "One layer, homogeneous and isotropic.",
    fields: &[
        field("name", Kind::Text, Text("layer"), "skin, fat, muscle", ""),
        number("thickness_mm", (0.01, 10.0, 2000.0), "thickness", "").required(),
        field("model", Kind::Choice(models), Text("linear"), "how it answers to large strain", ""),
        number("e_kpa", (0.01, 25.0, 1e9), "instantaneous small-strain Young's modulus", "").required(),
        number("nu", (0.0, 0.49, 0.5), "Poisson's ratio; 0.5 only with model = \"linear\"", ""),
        number("alpha", (2.0, 8.0, 40.0), "exponent; 2 is neo-Hookean", "").required().when("model", &["ogden"]),
        field("prony", Kind::Tables(&PRONY, 0), Empty, "relaxation of the shear modulus; the shares stay below 1 in sum", ""),
    ],
};

static PRONY: Table = Table {
    about: "One relaxing share.",
    fields: &[
        number("g", (0.0, 0.2, 0.999), "share of the instantaneous modulus", "").required(),
        number("tau_s", (1e-6, 1.0, 1e6), "relaxation time", "").required(),
    ],
};

/// A technique.
pub static TECHNIQUE: Table = Table {
    about: "A massage technique: what hands do, whatever machine shall come near it. Pairs are bands, least and most.",
    fields: &[
        field("name", Kind::Text, Required, "what to call it", ""),
        field("school", Kind::Choice(schools), Text("other"), "who teaches it", ""),
        field("path", Kind::Choice(paths), Required, "the hand stays, goes along the spine, round, across the fibres, or beats; a thrust is always refused", ""),
        field("needs", Kind::Choices(needs), Required, "what a machine must have for it", ""),
        field("contact_shape", Kind::Choice(contact_shapes), Text("palm"), "what touches", ""),
        band("force_n", (0.0, 2000.0), Required, "force of one hand; of a blow its peak"),
        band("swing_n", (0.0, 200.0), Absent, "by what the force swings about that, in a vibration; without it a beat leaves the skin").when("path", BEATS),
        band("drag_n", (0.0, 200.0), Absent, "force along the skin, where it is part of the technique"),
        band("contact_cm2", (0.2, 300.0), Required, "contact area"),
        band("pressure_kpa", (0.01, 2000.0), Required, "mean pressure"),
        band("rate_hz", (0.01, 60.0), Required, "turns, rubs or beats a second").when("path", SWAYS),
        band("amplitude_mm", (0.1, 100.0), Required, "half the way of a turn, rub or beat").when("path", SWAYS),
        band("speed_mm_s", (0.1, 1000.0), Required, "speed of the stroke").when("path", LINES),
        field("direction", Kind::Choice(directions), Text("both"), "which way it presses: towards the head, away from it, or both", "").when("path", LINES),
        band("hold_s", (0.1, 600.0), Required, "time at one place").when("path", PLACES),
        field("percussive", Kind::Flag, Flag(false), "forbidden where a condition forbids percussion; beats always are", ""),
        field("deep", Kind::Flag, Flag(false), "works above 0.6 of the pain threshold: forbidden where a condition forbids deep work", ""),
        field("source", Kind::Table(&SOURCE), Required, "where the figures come from", ""),
    ],
};

static SOURCE: Table = Table {
    about: "Where the figures come from, each with its flag first: V verified, D derived, W well known, M memory, E estimate.",
    fields: &[
        field("force", Kind::Text, Required, "of force, swing and drag", ""),
        field("contact", Kind::Text, Required, "of area and pressure", ""),
        field("motion", Kind::Text, Required, "of rate, amplitude, speed and direction", ""),
        field("time", Kind::Text, Required, "of the time at a place", ""),
    ],
};

const BEATS: &[&str] = &["beat"];
const SWAYS: &[&str] = &["circle", "across", "beat"];
const LINES: &[&str] = &["line"];
const PLACES: &[&str] = &["place", "circle", "across", "beat"];

const fn band(key: &'static str, (min, max): (f64, f64), fallback: Fallback, meaning: &'static str) -> Field {
    field(key, Kind::Numbers { min, max, count: (2, 2) }, fallback, meaning, "")
}

/// A study.
pub static STUDY: Table = Table {
    about: "A study: a scene, the people it is tuned for, and what counts as good.",
    fields: &[
        field("name", Kind::Text, Required, "what to call it in reports", ""),
        field("scene", Kind::AnyFile(SCENES), Required, "what is tuned; for a sweep it may be the scene of a rig", ""),
        integer("seed", (0, 1, i64::MAX), "of everything random that is not a body"),
        field("techniques", Kind::Choices(techniques), Absent, "what gets a depth map; required, except for a sweep", ""),
        field(
            "bands",
            Kind::Bands { min: 0.0, max: 1.0, count: 5 },
            Absent,
            "per level: pressure, as shares of the class's median pain threshold; required, except for a sweep, which takes those of the shipped study",
            "E",
        ),
        number("cap_margin", (0.0, 0.1, 0.9), "share of every cap that stays unused by the worst tuning body", "E"),
        field("people", Kind::Table(&PEOPLE), Empty, "whose bodies are drawn", ""),
        field("classes", Kind::Table(&CLASSES), Empty, "what the chair can tell apart after its scan", ""),
        field("stations", Kind::Table(&STATIONS), Empty, "where the maps have their columns", ""),
        field("tuning", Kind::Table(&TUNING), Empty, "bodies it is tuned on", ""),
        field("held_out", Kind::Table(&HELD_OUT), Empty, "bodies it is judged on", ""),
        field("replay", Kind::Table(&REPLAY), Empty, "bodies on which the final tables are run dynamically", ""),
        field("comparison", Kind::Table(&COMPARISON), Absent, "what `kneadlab techniques` lets machines and a hand do", ""),
        field("sweep", Kind::Table(&SWEEP), Absent, "what `kneadlab sweep` varies, and what it asks for", ""),
    ],
};

const SCENES: &[fn() -> &'static Table] = &[|| &SCENE, || &RIG_SCENE];

static COMPARISON: Table = Table {
    about: "Techniques, each done by every machine on the scene's body, and by an ideal hand; the scene's own session plays no part.",
    fields: &[
        field("machine", Kind::Tables(&MACHINE, 1), Required, "who does them", ""),
        field("part", Kind::Tables(&PART, 1), Required, "what is done: each part alone, from first touch to last", ""),
        field("rig", Kind::Tables(&RIG_TRIAL, 0), Empty, "machines of other topologies, on the bodies of their own scenes", ""),
        field("hand", Kind::Flag, Flag(true), "an ideal hand does them too, on the same skin, lying still", ""),
    ],
};

static RIG_TRIAL: Table = Table {
    about: "A scene of a rig that does every part: what its drives do is planned, its own commands play no part.",
    fields: &[
        field("name", Kind::Text, Required, "what to call it in the table", ""),
        field("scene", Kind::File(|| &RIG_SCENE), Required, "rig, body and where it stands", ""),
    ],
};

static MACHINE: Table = Table {
    about: "One machine of a comparison.",
    fields: &[
        field("name", Kind::Text, Required, "what to call it in the table", ""),
        field("mechanism", Kind::File(mechanism), Required, "what it is", ""),
    ],
};

const CORRELATED: &[&str] = &["correlated"];

static PEOPLE: Table = Table {
    about: "Whose bodies are drawn. Pairs are [men, women].",
    fields: &[
        field("kind", Kind::Choice(people), Text("grouped"), "sizes in three independent groups, or with all of the survey's correlations", ""),
        field("points", Kind::Choice(points), Text("random"), "how sex, stature, BMI and age fill their ranges", "").when("kind", CORRELATED),
        number("male_share", (0.0, 0.5, 1.0), "share of men", "E").when("kind", CORRELATED),
        pair("stature_mean_mm", (1200.0, 2200.0), &[1756.21, 1628.47], "mean stature", "V").when("kind", CORRELATED),
        pair("stature_sd_mm", (0.0, 120.0), &[68.55, 64.2], "its standard deviation", "V").when("kind", CORRELATED),
        pair("bmi_median_kg_m2", (15.0, 40.0), &[27.385, 25.254], "median BMI: exp of the mean of its logarithm", "D").when("kind", CORRELATED),
        pair("bmi_log_sd", (0.0, 0.25), &[0.146, 0.135], "standard deviation of ln BMI", "D").when("kind", CORRELATED),
        field("ages", Kind::Choice(ages), Text("even"), "evenly between two ages, or as in the survey", "").when("kind", CORRELATED),
        pair("age_yr", (14.0, 100.0), &[20.0, 65.0], "youngest and oldest", "E").when("ages", &["even"]),
    ],
};

const fn pair(
    key: &'static str,
    (min, max): (f64, f64),
    default: &'static [f64],
    meaning: &'static str,
    source: &'static str,
) -> Field {
    field(key, Kind::Numbers { min, max, count: (2, 2) }, Numbers(default), meaning, source)
}

static CLASSES: Table = Table {
    about: "Bands of stature times bands of build, both sexes inside. The defaults cut the survey into thirds.",
    fields: &[
        field(
            "stature_edges_mm",
            Kind::Numbers { min: 1200.0, max: 2200.0, count: (1, 8) },
            Numbers(&[1640.0, 1740.0]),
            "where one stature band ends and the next begins, rising",
            "D",
        ),
        field(
            "bmi_edges_kg_m2",
            Kind::Numbers { min: 13.0, max: 60.0, count: (1, 8) },
            Numbers(&[24.5, 28.0]),
            "where one build band ends and the next begins, rising",
            "D",
        ),
    ],
};

static STATIONS: Table = Table {
    about: "Evenly spaced stations.",
    fields: &[
        integer("count", (2, 24, 200), "how many"),
        number("from_u", (-0.13, 0.06, 1.25), "first", "E"),
        number("to_u", (-0.13, 0.92, 1.25), "last", "E"),
    ],
};

static TUNING: Table = bodies(
    "Drawn per class; more make the worst body worse.",
    &[integer("bodies_per_class", (1, 16, 10_000), "how many"), integer("seed", (0, 1, i64::MAX), "of the draw")],
);

static HELD_OUT: Table = bodies(
    "Drawn with another seed than the tuning bodies.",
    &[integer("bodies_per_class", (1, 8, 10_000), "how many"), integer("seed", (0, 2, i64::MAX), "of the draw")],
);

static REPLAY: Table = bodies("Taken from the held-out bodies.", &[integer("bodies", (0, 3, 10_000), "how many")]);

const fn bodies(about: &'static str, fields: &'static [Field]) -> Table {
    Table { about, fields }
}

const GIVEN: &[&str] = &["given"];
const PERCENTILES: &[&str] = &["percentiles"];

fn body_sizes() -> Vec<&'static str> {
    vec!["given", "percentiles"]
}

fn muscle_states() -> Vec<&'static str> {
    vec!["toned", "relaxed", "guarding", "contracted"]
}

fn people() -> Vec<&'static str> {
    vec!["grouped", "correlated"]
}

fn points() -> Vec<&'static str> {
    vec!["random", "low_discrepancy"]
}

fn ages() -> Vec<&'static str> {
    vec!["even", "survey"]
}

/// A sweep.
static SWEEP: Table = Table {
    about: "Many variants of the scene: what varies, on whom, and what counts. `tune` ignores it.",
    fields: &[
        field("model", Kind::Choice(models_of_sweep), Text("simulate"), "where metrics come from: the simulator, or expressions over the names of what varies (cheap: for tests and teaching)", ""),
        field("sampler", Kind::Choice(samplers), Text("sobol"), "how points are picked; list: the values side by side, row by row; morris and saltelli: so that they tell what matters", ""),
        integer("samples", (1, 256, 1_000_000_000), "how many points; powers of 2 suit sobol").when("sampler", &["random", "latin_hypercube", "sobol"]),
        integer("trajectories", (2, 20, 10_000), "of morris, each a point more than there are axes: which variables matter at all; 10 to 50 are usual").when("sampler", &["morris"]),
        integer("rows", (16, 256, 16_384), "of saltelli's two matrices: `rows (axes + 2)` points tell which share of the variance each variable makes; a power of 2").when("sampler", &["saltelli"]),
        field("pairs", Kind::Flag, Flag(false), "of variables too: then `rows (2 axes + 2)` points", "").when("sampler", &["saltelli"]),
        field("vary", Kind::Tables(&VARY, 1), Required, "what varies; a grid is the product of all", ""),
        field("derive", Kind::Tables(&DERIVE, 0), Empty, "what follows from what varies", ""),
        field("population", Kind::Table(&POPULATION), Absent, "bodies on which every point is judged; without it, the scene's own", ""),
        field(
            "depth_from_touch_mm",
            Kind::Numbers { min: -50.0, max: 80.0, count: (5, 5) },
            Absent,
            "per level: how far beyond touch, so that bodies and mechanisms of other shapes are pressed as deep; without it, the scene's own depths",
            "E",
        ),
        field("objective", Kind::Tables(&OBJECTIVE, 0), Empty, "what is wanted; a search needs one at least", ""),
        field("limit", Kind::Tables(&LIMIT, 0), Empty, "what must hold on every body", ""),
        field("search", Kind::Table(&SEARCH), Absent, "a search instead of the sampler", ""),
    ],
};

static VARY: Table = Table {
    about: "One parameter that varies.",
    fields: &[
        field("path", Kind::Text, Required, "which one, as `params` prints it; with model = expression also a free word", ""),
        field("name", Kind::Text, Absent, "what expressions and columns call it; else the last word of the path", ""),
        number("from", ANY, "lowest, in the unit of the path", "").optional(),
        number("to", ANY, "highest", "").optional(),
        field("values", Kind::Values, Absent, "instead of from and to: these, numbers or words", ""),
        integer("steps", (1, 2, 1_000_000), "how many values of a grid, ends included").optional(),
        number("step", (1e-12, 1.0, 1e12), "only from, from + step, ... are taken; a polish walks on them", "").optional(),
        field("integer", Kind::Flag, Flag(false), "whole numbers only", ""),
        field("scale", Kind::Choice(scales), Text("linear"), "log: even in the logarithm", ""),
        field("zip", Kind::Text, Absent, "entries with the same word move together", ""),
    ],
};

const ANY: (f64, f64, f64) = (-1e12, 0.0, 1e12);

static DERIVE: Table = Table {
    about: "A parameter that follows from what varies.",
    fields: &[
        field("path", Kind::Text, Required, "which one, as `params` prints it", ""),
        field("expression", Kind::Text, Required, "over the names of what varies, in their units: \"2 * tilt_deg\"", ""),
    ],
};

static POPULATION: Table = Table {
    about: "Bodies of the survey, the same for every point.",
    fields: &[
        integer("bodies", (1, 16, 100_000), "how many"),
        integer("seed", (0, 1, i64::MAX), "of the draw"),
        integer("held_out_bodies", (0, 0, 100_000), "on which the best is judged again; 0: none"),
        integer("held_out_seed", (0, 2, i64::MAX), "of their draw"),
        field("conditions", Kind::WordLists(conditions), Absent, "health conditions: each list on every body; without it, the scene's own", ""),
    ],
};

static OBJECTIVE: Table = Table {
    about: "Something wanted.",
    fields: &[
        field("metric", Kind::Text, Required, "a metric, or with model = expression an expression over names", ""),
        field("name", Kind::Text, Absent, "what its column is called with model = expression", ""),
        field("goal", Kind::Choice(goals), Text("min"), "which way is better", ""),
        field("over", Kind::Choice(overs), Text("mean"), "over bodies: their mean, the worst, the mean of the worst tenth, the mean and one SD to the worse", ""),
    ],
};

static LIMIT: Table = Table {
    about: "Something that must hold on every body.",
    fields: &[
        field("metric", Kind::Text, Required, "a metric, or with model = expression an expression over names", ""),
        field("name", Kind::Text, Absent, "what its column is called with model = expression", ""),
        number("at_most", ANY, "highest allowed", "").optional(),
        number("at_least", ANY, "lowest allowed", "").optional(),
    ],
};

static SEARCH: Table = Table {
    about: "A search in generations; each waits for all of the one before, so threads change nothing.",
    fields: &[
        field("algorithm", Kind::Choice(algorithms), Text("cma_es"), "for one objective cma_es, stochastic_ranking, pattern; for several nsga2, nsga3", ""),
        integer("population", (2, 24, 100_000), "points of a generation"),
        integer("generations", (1, 40, 1_000_000), "how many at most"),
        field("start", Kind::Choice(starts), Text("current"), "where it begins: at the scene's own values, or in the middle", ""),
        number("spread", (0.001, 0.3, 1.0), "how far the first generation spreads, a share of each range", "E"),
        integer("islands", (1, 1, 10_000), "independent searches, each with a seed of its own; shards share them out"),
        field("polish", Kind::Flag, Flag(false), "walk from the best to the best neighbour, on the steps where there are any", ""),
        field("racing", Kind::Flag, Flag(false), "drop the worse half of a generation after a share of the bodies", ""),
    ],
};

fn models_of_sweep() -> Vec<&'static str> {
    vec!["simulate", "expression"]
}

fn samplers() -> Vec<&'static str> {
    vec!["grid", "random", "latin_hypercube", "sobol", "list", "morris", "saltelli"]
}

fn scales() -> Vec<&'static str> {
    vec!["linear", "log"]
}

fn goals() -> Vec<&'static str> {
    vec!["min", "max"]
}

fn overs() -> Vec<&'static str> {
    vec!["mean", "worst", "cvar90", "mean_plus_sd"]
}

fn algorithms() -> Vec<&'static str> {
    vec!["cma_es", "nsga2", "nsga3", "stochastic_ranking", "pattern"]
}

fn starts() -> Vec<&'static str> {
    vec!["current", "centre"]
}

fn sexes() -> Vec<&'static str> {
    vec!["female", "male"]
}

fn conditions() -> Vec<&'static str> {
    back::policies().iter().map(|p| p.id.as_ref()).filter(|id| *id != "none").collect()
}

fn techniques() -> Vec<&'static str> {
    vec!["press", "knead", "roll"]
}

fn schools() -> Vec<&'static str> {
    School::ALL.map(School::name).to_vec()
}

/// `thrust` can be written, so that it can be refused with the reason.
fn paths() -> Vec<&'static str> {
    Way::ALL.map(Way::name).into_iter().chain(["thrust"]).collect()
}

fn directions() -> Vec<&'static str> {
    Direction::ALL.map(Direction::name).to_vec()
}

fn contact_shapes() -> Vec<&'static str> {
    ContactShape::ALL.map(ContactShape::name).to_vec()
}

fn needs() -> Vec<&'static str> {
    Need::ALL.map(Need::name).to_vec()
}

fn surfaces() -> Vec<&'static str> {
    vec!["back", "slab"]
}

fn station_scans() -> Vec<&'static str> {
    vec!["ideal", "shoulder"]
}

fn models() -> Vec<&'static str> {
    vec!["linear", "neo-hookean", "ogden"]
}
