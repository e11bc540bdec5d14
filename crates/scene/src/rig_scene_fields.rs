//! The keys of a rig's scene: who meets which machine, where it stands, what its drives are told.

use crate::fields::{BODY, CHAIR, PART, SURFACE};
use crate::rig_fields::rig;
use crate::spec::Fallback::{Empty, Numbers, Required, Text};
use crate::spec::{Kind, Table, field, integer, number};

/// A scene whose machine is a rig.
pub static RIG_SCENE: Table = Table {
    about: "A scene of a rig: who meets which machine, where it stands, and what its drives are told.",
    fields: &[
        field("name", Kind::Text, Required, "what to call it in reports", ""),
        field("body", Kind::File(|| &BODY), Required, "who meets it", ""),
        field("rig", Kind::File(rig), Required, "the machine", ""),
        field("placement", Kind::Table(&PLACEMENT), Empty, "where it stands, and how it comes there", ""),
        number("duration_s", (0.01, 20.0, 7200.0), "how long it runs", ""),
        field("command", Kind::Tables(&COMMAND, 0), Empty, "what drives are told instead of their usual motions", ""),
        field("part", Kind::Tables(&PART, 0), Empty, "techniques over stretches and minutes instead of commands: planned for this machine when it runs, and the scene then lasts as long as they do", ""),
        number("percussion_hz", (0.0, 0.0, 200.0), "strokes a second of a machine that taps, else 0: the rise of force is then that of the mean over a stroke, and some conditions forbid it", ""),
        field("chair", Kind::Table(&CHAIR), Empty, "what the body sits or lies on; with a track in the rig the backrest follows it, else it is flat", ""),
        field("solver", Kind::Table(&SOLVER), Empty, "how finely it is computed", ""),
        field("surface", Kind::Table(&SURFACE), Empty, "what the nodes touch", ""),
    ],
};

const CHAIR_ONLY: &[&str] = &["chair"];
const SKIN_ONLY: &[&str] = &["skin"];

static PLACEMENT: Table = Table {
    about: "Where the rig's ground stands, and how it comes there: it begins a way back along its y and comes up smoothly.",
    fields: &[
        field("on", Kind::Choice(grounds), Text("chair"), "the ground is the backrest's frame (foot of the backrest, z up along it), or it stands on the skin: y into the body, z up along it", ""),
        field("offset_mm", Kind::Numbers { min: -2000.0, max: 2000.0, count: (3, 3) }, Numbers(&[0.0, 0.0, 0.0]), "the ground's origin in the backrest's frame; on a slab from the middle of its face", "").when("on", CHAIR_ONLY),
        number("u", (-0.10, 0.5, 1.15), "station under the ground's origin", "").required().when("on", SKIN_ONLY),
        number("x_mm", (-110.0, 0.0, 110.0), "from the midline; negative to the left", "").when("on", SKIN_ONLY),
        number("turn_deg", (-180.0, 0.0, 180.0), "turned about its y", "").when("on", SKIN_ONLY),
        number("press_mm", (-100.0, 0.0, 60.0), "how far the foremost node would then stand in the resting skin, drives at their start", "").when("on", SKIN_ONLY),
        number("approach_mm", (0.0, 40.0, 300.0), "way back from there at the beginning", ""),
        number("approach_s", (0.1, 2.0, 60.0), "time for that way", ""),
        field("user", Kind::Choice(users), Text("leans"), "leans on pad and hips and gives way, or is still: propped, or lying on a bench", ""),
    ],
};

static COMMAND: Table = Table {
    about: "What a drive is told from a time on, until its next command.",
    fields: &[
        field("drive", Kind::Text, Required, "the drive; all of them (all) with stop, motion, off, stuck", ""),
        number("at_s", (0.0, 0.0, 7200.0), "from when on", "").required(),
        field("do", Kind::Choice(deeds), Required, "go: to a position, smoothly; park: on to the next place of its turn at an angle; speed: on at a speed; stop: stay where it is; motion: back to its usual motion. Faults: volts: a voltage whatever the controller wants; off: no current any more; stuck: no movement any more; lost: it stands beyond where it is asked to", ""),
        number("position_deg", (-100_000.0, 0.0, 100_000.0), "where to, for a joint that turns", "").optional().when("do", &["go"]),
        number("position_mm", (-5000.0, 0.0, 5000.0), "where to, for a joint that slides", "").optional().when("do", &["go"]),
        number("angle_deg", (-360.0, 0.0, 360.0), "where within its turn the shaft shall stand, as its park sensor tells it", "").when("do", &["park"]),
        number("over_s", (0.01, 1.0, 600.0), "time for the way", "").when("do", &["go", "park"]),
        number("speed_rpm", (-10_000.0, 0.0, 10_000.0), "speed of a joint that turns", "").optional().when("do", &["speed"]),
        number("speed_mm_s", (-2000.0, 0.0, 2000.0), "speed of a joint that slides", "").optional().when("do", &["speed"]),
        number("volts_v", (-60.0, 0.0, 60.0), "on the motor", "").required().when("do", &["volts"]),
        number("off_by_deg", (-3600.0, 0.0, 3600.0), "how far, for a joint that turns", "").optional().when("do", &["lost"]),
        number("off_by_mm", (-500.0, 0.0, 500.0), "how far, for a joint that slides", "").optional().when("do", &["lost"]),
    ],
};

static SOLVER: Table = Table {
    about: "Finer costs time. The defaults are what results are quoted at.",
    fields: &[
        number("dt_ms", (0.1, 1.0, 5.0), "time step", "D"),
        integer("substeps", (1, 4, 16), "engine steps within a time step"),
        number("cell_mm", (0.5, 2.0, 8.0), "cell of the pressure map", "D"),
        integer("patch_every", (1, 4, 50), "steps from one solved pressure map to the next; its tangent in between"),
        number("tolerance", (1e-9, 1e-3, 0.1), "change of force at which the map is converged, a share", "D"),
        integer("max_iterations", (1, 60, 10_000), "sweeps at most for one map"),
    ],
};

fn grounds() -> Vec<&'static str> {
    vec!["chair", "skin"]
}

fn users() -> Vec<&'static str> {
    vec!["leans", "still"]
}

fn deeds() -> Vec<&'static str> {
    vec!["go", "park", "speed", "stop", "motion", "volts", "off", "stuck", "lost"]
}
