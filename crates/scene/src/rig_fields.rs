//! The keys of a rig: a machine of any topology, described by its links, joints and loops.

use std::sync::LazyLock;

use crate::mechanism_fields::{grow, leak, node_fields};
use crate::spec::Fallback::{
    Absent, Empty, Flag, Number, Numbers, Required, RequiredWithout, Text,
};
use crate::spec::{Field, Kind, Table, field, integer, number};

/// A rig.
pub fn rig() -> &'static Table {
    static TABLE: LazyLock<&'static Table> = LazyLock::new(|| {
        leak(
            "A machine of any topology. A number may be an expression over [params], in quotes, in the unit of the key.",
            vec![
                field("name", Kind::Text, Required, "what to call it", ""),
                field("params", Kind::Params, Empty, "named numbers that other keys use", ""),
                field("mounting", Kind::Table(&MOUNTING), Empty, "what holds it", ""),
                field("urdf", Kind::Urdf, Absent, "a robot description beside this file: its links, joints and mimics are this rig's; what stands here under the same name says more of them, or something else", ""),
                field("link", Kind::Tables(&LINK, 1), RequiredWithout("urdf"), "rigid parts; `ground` is always there", ""),
                field("joint", Kind::Tables(joint(), 1), RequiredWithout("urdf"), "what carries each link: a tree that begins at the ground", ""),
                field("closing", Kind::Tables(&CLOSING, 0), Empty, "what closes the tree to loops", ""),
                field("coupling", Kind::Tables(&COUPLING, 0), Empty, "gears, racks and cams between joints", ""),
                field("drive", Kind::Tables(drive(), 0), Empty, "motors on joints", ""),
                field("node", Kind::Tables(node(), 0), Empty, "what touches the user", ""),
                field("cover", Kind::Table(leak("the flap between nodes and user", grow("cover."))), Empty, "the flap between nodes and user", ""),
            ],
        )
    });
    &TABLE
}

static MOUNTING: Table = Table {
    about: "What holds the machine: a frame that does not move, or a hand or strap that gives way along y.",
    fields: &[
        field("kind", Kind::Choice(mountings), Text("fixed"), "fixed to backrest or bed, or held by hand or strap", ""),
        number("mass_kg", (0.05, 1.5, 10.0), "what moves with it: case, hand and part of the forearm", "E, hand-held 1-2")
            .when("kind", &["held"]),
        number("stiffness_n_mm", (0.01, 1.5, 50.0), "spring of arm or strap", "E, hand 0.8-3").when("kind", &["held"]),
        number("damping_n_s_m", (0.0, 60.0, 1000.0), "damping of arm or strap", "E, hand 30-120").when("kind", &["held"]),
        number("push_n", (0.0, 30.0, 200.0), "static push towards the user", "E, hand 10-60").when("kind", &["held"]),
    ],
};

const MM3: Kind = Kind::Numbers { min: -2000.0, max: 2000.0, count: (3, 3) };
const DEG3: Kind = Kind::Numbers { min: -360.0, max: 360.0, count: (3, 3) };
const AXIS: Kind = Kind::Numbers { min: -1.0, max: 1.0, count: (3, 3) };
const ORIGIN: crate::spec::Fallback = Numbers(&[0.0, 0.0, 0.0]);
const ALONG_X: crate::spec::Fallback = Numbers(&[1.0, 0.0, 0.0]);

static LINK: Table = Table {
    about: "A rigid part. Its frame is that of the joint that carries it.",
    fields: &[
        field("name", Kind::Text, Required, "its name", ""),
        number("mass_kg", (1e-4, 0.1, 50.0), "its mass, nodes aside", "").required(),
        field("centre_mm", MM3, ORIGIN, "centre of mass in the link's frame", ""),
        field("size_mm", Kind::Numbers { min: 0.5, max: 2000.0, count: (3, 3) }, Numbers(&[30.0, 30.0, 30.0]),
            "a block of this size along x, y, z has its inertia", "E"),
        field("moment_inertia_g_cm2", Kind::Numbers { min: 1e-3, max: 1e8, count: (3, 3) }, Empty,
            "inertia about the centre of mass along x, y, z, instead of size_mm", ""),
        field("product_inertia_g_cm2", Kind::Numbers { min: -1e8, max: 1e8, count: (3, 3) }, ORIGIN,
            "products beside those moments: the xy, xz and yz elements of the tensor", ""),
        field("mirror", Kind::Flag, Flag(false), "it has a twin left_NAME on the left; so have its joint, closings, couplings and nodes", ""),
    ],
};

fn joint() -> &'static Table {
    let turns: &[&str] = &["revolute"];
    let slides: &[&str] = &["prismatic", "track"];
    let track = {
        let mut fields = grow("track.");
        fields.push(field("arc", Kind::Tables(crate::mechanism_fields::arc(), 1), Required, "arcs from the top down", ""));
        // A rig's track may stand anywhere.
        for f in &mut fields {
            if f.key == "top_z_mm" {
                f.kind = Kind::Number { min: -2000.0, max: 2000.0 };
                f.fallback = Number(0.0);
            }
            if f.key == "heading_deg" {
                f.fallback = Number(0.0);
            }
        }
        leak("A curve of arcs in the y-z plane of the joint's frame.", fields)
    };
    let pair = |min: f64, max: f64| Kind::Numbers { min, max, count: (2, 2) };
    leak(
        "What carries a link. At position 0 its frame, `at_mm` and `turn_deg` in the parent's, is the child's.",
        vec![
            field("name", Kind::Text, Required, "its name", ""),
            field("kind", Kind::Choice(kinds), Text("revolute"), "how it moves", ""),
            field("parent", Kind::Text, Text("ground"), "the link it stands on", ""),
            field("child", Kind::Text, Required, "the link it carries", ""),
            field("at_mm", MM3, ORIGIN, "its place in the parent's frame", ""),
            field("turn_deg", DEG3, ORIGIN, "its attitude there: turns about the parent's x, then y, then z", ""),
            field("axis", AXIS, ALONG_X, "direction of turn or travel in its frame", "").when("kind", &["revolute", "prismatic"]),
            field("track", Kind::Table(track), Required, "the curve it runs along, from the top down", "").when("kind", &["track"]),
            number("wheelbase_mm", (0.0, 120.0, 400.0), "between upper and lower rollers", "E").when("kind", &["track"]),
            field("range_deg", pair(-36000.0, 36000.0), Empty, "stops, low and high; none: it goes round", "").when("kind", turns),
            field("range_mm", pair(-3000.0, 3000.0), Empty, "stops, low and high", "").when("kind", slides),
            number("start_deg", (-360.0, 0.0, 360.0), "position when put together; in loops a guess that chooses how they close", "").when("kind", turns),
            number("start_mm", (-3000.0, 0.0, 3000.0), "position when put together; in loops a guess", "").when("kind", slides),
            number("friction_nm", (0.0, 0.0, 10.0), "dry friction", "E").when("kind", turns),
            number("friction_n", (0.0, 0.0, 500.0), "dry friction", "E").when("kind", slides),
            number("damping_nm_s", (0.0, 0.0, 10.0), "viscous damping", "E").when("kind", &["revolute", "spherical"]),
            number("damping_n_s_m", (0.0, 0.0, 10_000.0), "viscous damping", "E").when("kind", slides),
            number("spring_nm_deg", (0.0, 0.0, 10.0), "spring's rate", "E").when("kind", turns),
            number("spring_n_mm", (0.0, 0.0, 1000.0), "spring's rate", "E").when("kind", slides),
            number("preload_nm", (-50.0, 0.0, 50.0), "spring's torque at position 0, > 0 drives the position up", "E").when("kind", turns),
            number("preload_n", (-1000.0, 0.0, 1000.0), "spring's force at position 0, > 0 drives the position up", "E").when("kind", slides),
        ],
    )
}

static CLOSING: Table = Table {
    about: "A second hold on a link: what makes a loop of the tree.",
    fields: &[
        field("name", Kind::Text, Required, "its name", ""),
        field("kind", Kind::Choice(closings), Text("ball"), "ball: the points meet; hinge: the directions too; rod: they keep a distance; slot: b stays on a's line", ""),
        field("a", Kind::Text, Required, "one link", ""),
        field("at_a_mm", MM3, ORIGIN, "the point on it, in its frame", ""),
        field("axis_a", AXIS, ALONG_X, "pin or slot on it", "").when("kind", &["hinge", "slot"]),
        field("b", Kind::Text, Text("ground"), "the other link", ""),
        field("at_b_mm", MM3, ORIGIN, "the point on it, in its frame", ""),
        field("axis_b", AXIS, ALONG_X, "pin on it", "").when("kind", &["hinge"]),
        number("length_mm", (1.0, 100.0, 2000.0), "between the rod's balls", "").required().when("kind", &["rod"]),
    ],
};

static COUPLING: Table = Table {
    about: "One joint's position as a function of another's.",
    fields: &[
        field("joint", Kind::Text, Required, "the joint that follows", ""),
        field("to", Kind::Text, Required, "the joint that leads", ""),
        field("kind", Kind::Choice(couplings), Text("gear"), "gear: turns to turns or slides to slides; rack: slide to turn; cam: slide or swing to turn by a table", ""),
        number("ratio", (-1000.0, 1.0, 1000.0), "follower's movement per leader's; negative turns the other way", "").when("kind", &["gear"]),
        number("offset_deg", (-360.0, 0.0, 360.0), "position of a follower that turns where the leader is at 0", "").when("kind", &["gear"]),
        number("travel_mm_per_rev", (-2000.0, 50.0, 2000.0), "slide per turn of the leader", "").required().when("kind", &["rack"]),
        number("offset_mm", (-2000.0, 0.0, 2000.0), "the same of a follower that slides", "").when("kind", &["gear", "rack"]),
        field("lifts_mm", Kind::Numbers { min: -500.0, max: 500.0, count: (4, 360) }, Empty,
            "slide at equal steps of one turn of the leader, from its 0", "").when("kind", &["cam"]),
        field("lifts_deg", Kind::Numbers { min: -360.0, max: 360.0, count: (4, 360) }, Empty,
            "the same of a follower that turns: a swinging arm on a cam", "").when("kind", &["cam"]),
    ],
};

fn drive() -> &'static Table {
    let mut motor = grow("motors.knead.");
    motor.push(field("self_locking", Kind::Flag, Flag(true), "the load cannot turn it back", "E"));
    motor.push(number("pinion_mm", (0.1, 10.0, 60.0), "pinion's radius, or a screw's lead / 2 pi, where the joint slides", "E"));
    for f in &mut motor {
        // A direct drive has no gear, a small brushless motor next to no inertia and friction.
        f.meaning = match f.key {
            "supply_v" => "supply",
            "no_load_rpm" => "speed without load",
            "stall_torque_nm" => "torque at standstill and full supply, current limit aside",
            "friction_nm" => "dry friction of brushes and bearings",
            "rotor_inertia_kg_m2" => "inertia at the motor's shaft",
            "current_limit_a" => "driver's current limit",
            "ratio" => "motor turns per turn of the output",
            "efficiency" => "share of the power that arrives",
            _ => f.meaning,
        };
    }
    let motor = leak("A brushed motor with its gearbox; a brushless one reads the same, its driver commutating.", motor);
    let pair = |min: f64, max: f64| Kind::Numbers { min, max, count: (2, 2) };
    let (run, swing): (&[&str], &[&str]) = (&["turn", "travel"], &["swing", "stroke"]);
    leak(
        "A motor on a joint, and its usual motion.",
        vec![
            field("name", Kind::Text, Required, "its name", ""),
            field("joint", Kind::Text, Required, "the joint that it drives", ""),
            field("motion", Kind::Choice(motions), Text("hold"), "what it does: hold at start, turn, travel, swing or stroke about start", ""),
            number("speed_rpm", (-10_000.0, 20.0, 10_000.0), "joint speed", "").required().when("motion", &["turn"]),
            number("speed_mm_s", (-2000.0, 40.0, 2000.0), "joint speed", "").required().when("motion", &["travel"]),
            number("reverse_s", (0.0, 0.0, 3600.0), "turns round after so long; 0: never", "").when("motion", run),
            number("amplitude_deg", (0.0, 10.0, 720.0), "half the swing", "").required().when("motion", &["swing"]),
            number("amplitude_mm", (0.0, 10.0, 1000.0), "half the stroke", "").required().when("motion", &["stroke"]),
            number("frequency_hz", (0.0, 0.5, 200.0), "swings a second", "").required().when("motion", swing),
            number("phase_deg", (-360.0, 0.0, 360.0), "ahead of a sine", "").when("motion", swing),
            number("backlash_deg", (0.0, 0.0, 45.0), "play of gearbox and couplings at a joint that turns, from stop to stop: what is lost on turning round", "E"),
            number("backlash_mm", (0.0, 0.0, 20.0), "the same at a joint that slides", "E"),
            integer("pulses_per_turn", (0, 0, 4096), "Hall pulses a turn of the motor, all that its controller knows of place and speed; 0: it knows them exactly"),
            integer("pwm_steps", (0, 0, 65_535), "voltages from 0 to the supply that its driver has; 0: any"),
            number("speed_gain", (0.0, 0.0, 50.0), "gain of its speed loop: volts over the back-EMF of the speed that is missing; 0: 4. Few pulses ask for less than 1", "E"),
            field("switches_deg", pair(-36000.0, 36000.0), Empty, "end switches of a joint that turns, low and high: beyond one it is not sent on, and `turn` turns round", ""),
            field("switches_mm", pair(-3000.0, 3000.0), Empty, "the same of a joint that slides", ""),
            field("motor", Kind::Table(motor), Empty, "motor and gearbox", ""),
        ],
    )
}

fn node() -> &'static Table {
    let mut fields: Vec<Field> = node_fields(shapes);
    fields.push(field("link", Kind::Text, Required, "the link that carries it", ""));
    fields.push(field("at_mm", MM3, ORIGIN, "its centre in the link's frame", ""));
    fields.push(field("turn_deg", DEG3, ORIGIN, "its attitude there: turns about x, then y, then z", ""));
    fields.push(number("load_n", (0.0, 30.0, 1000.0), "what it must be able to press with along y: `check` asks the drives for it", "E"));
    leak("What touches the user.", fields)
}

fn mountings() -> Vec<&'static str> {
    vec!["fixed", "held"]
}

fn kinds() -> Vec<&'static str> {
    vec!["revolute", "prismatic", "spherical", "fixed", "track"]
}

fn closings() -> Vec<&'static str> {
    vec!["ball", "hinge", "rod", "slot"]
}

fn couplings() -> Vec<&'static str> {
    vec!["gear", "rack", "cam"]
}

fn motions() -> Vec<&'static str> {
    vec!["hold", "turn", "travel", "swing", "stroke"]
}

fn shapes() -> Vec<&'static str> {
    vec!["sphere", "roller", "ellipsoid", "torus", "flat", "mesh"]
}
