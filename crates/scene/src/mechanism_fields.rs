//! The keys of a mechanism file: [`mechanism::FIELDS`], grown into tables, with what is not a single number.

use std::sync::LazyLock;

use mechanism::{ARC_FIELDS, FIELDS, Mechanism, NODE_FIELDS};

use crate::spec::Fallback::{Empty, Flag, Number, Required, Text};
use crate::spec::{Fallback, Field, Kind, Table, Words, field, number};

/// A mechanism.
pub fn mechanism() -> &'static Table {
    static TABLE: LazyLock<&'static Table> = LazyLock::new(|| {
        let mut fields = vec![
            field("name", Kind::Text, Required, "what to call it", ""),
            field(
                "params",
                Kind::Params,
                Empty,
                "named numbers that other keys use",
                "",
            ),
        ];
        fields.extend(grow(""));
        let at = fields
            .iter()
            .position(|f| f.key == "cover")
            .unwrap_or(fields.len());
        fields.insert(
            at,
            field(
                "node",
                Kind::Tables(node(), 1),
                Required,
                "what touches, per side: upper, then lower",
                "",
            ),
        );
        leak(
            "A wobble-shaft carriage. A number may be an expression over [params], in quotes, in the unit of the key.",
            fields,
        )
    });
    &TABLE
}

/// What a mechanism file cannot leave out; everything else defaults to the reference design.
const REQUIRED: &[&str] = &[
    "track.top_z_mm",
    "protrude.retracted_mm",
    "protrude.stroke_mm",
    "knead.half_spacing_mm",
    "knead.tilt_deg",
    "knead.eccentricity_mm",
    "knead.pivot_y_mm",
    "knead.pivot_z_mm",
    "knead.rod.on_arm_y_mm",
    "knead.rod.on_arm_z_mm",
    "knead.rod.anchor_x_mm",
    "knead.rod.anchor_y_mm",
    "knead.rod.anchor_z_mm",
    "knead.rod.length_mm",
    "rocker.up_mm",
    "rocker.down_mm",
];

/// What the tables are for.
const ABOUT: &[(&str, &str)] = &[
    (
        "track",
        "the rail, in the backrest's y-z plane, from the top down",
    ),
    ("carriage", "what rides on the rail"),
    (
        "protrude",
        "the slide that pushes the kneading unit out of the carriage",
    ),
    (
        "knead",
        "kneading shaft, oblique bosses and arms, right side; the left is its mirror image",
    ),
    (
        "knead.rod",
        "the rod that keeps the arm from turning with the shaft; it must close over a whole turn",
    ),
    (
        "rocker",
        "the boomerang at each arm's tip; its spring pushes the upper node forward",
    ),
    ("cover", "the flap between node and user"),
    ("motors", "one gear motor per axis"),
    ("motors.walk", "carriage along the rail"),
    ("motors.knead", "kneading shaft"),
    ("motors.tap", "tapping shaft"),
    ("motors.protrude", "protrusion slide"),
];

/// The fields below a path of [`FIELDS`], in their order.
pub(crate) fn grow(below: &str) -> Vec<Field> {
    let reference = Mechanism::reference();
    let mut fields: Vec<Field> = Vec::new();
    for leaf in FIELDS {
        let Some(rest) = leaf.path.strip_prefix(below) else {
            continue;
        };
        let (key, deeper) = match rest.split_once('.') {
            Some((key, _)) => (key, true),
            None => (rest, false),
        };
        if fields.iter().any(|f| f.key == key) {
            continue;
        }
        if !deeper {
            // The default in the file's unit, without the noise of the conversion.
            let default = (leaf.get)(&reference) / leaf.si;
            let default = format!("{default:.9e}").parse().unwrap_or(default);
            let fallback = if REQUIRED.contains(&leaf.path) {
                Required
            } else {
                Number(default)
            };
            fields.push(field(
                key,
                Kind::Number {
                    min: leaf.min,
                    max: leaf.max,
                },
                fallback,
                leaf.meaning,
                leaf.source,
            ));
            continue;
        }
        let path = format!("{below}{key}");
        let mut inner = grow(&format!("{path}."));
        if path == "track" {
            inner.push(field(
                "arc",
                Kind::Tables(arc(), 1),
                Required,
                "arcs from the top down",
                "",
            ));
        }
        if let Some(axis) = path.strip_prefix("motors.") {
            let m = &reference.motors;
            let locks = match axis {
                "walk" => m.walk,
                "knead" => m.knead,
                "tap" => m.tap,
                _ => m.protrude,
            };
            inner.push(field(
                "self_locking",
                Kind::Flag,
                Flag(locks.self_locking),
                "the load cannot turn it back",
                "E",
            ));
        }
        let about = ABOUT
            .iter()
            .find(|(p, _)| *p == path)
            .map_or("", |(_, about)| about);
        let fallback: Fallback = if REQUIRED.iter().any(|r| r.starts_with(&format!("{path}."))) {
            Required
        } else {
            Empty
        };
        fields.push(field(
            key,
            Kind::Table(leak(about, inner)),
            fallback,
            about,
            "",
        ));
    }
    fields
}

pub(crate) fn arc() -> &'static Table {
    let fields = ARC_FIELDS
        .iter()
        .map(|f| {
            field(
                f.path,
                Kind::Number {
                    min: f.min,
                    max: f.max,
                },
                Required,
                f.meaning,
                f.source,
            )
        })
        .collect();
    leak(
        "One arc of the rail; neighbours share their tangent.",
        fields,
    )
}

fn node() -> &'static Table {
    leak("One node; both sides carry the same.", node_fields(shapes))
}

/// The keys of a node of one of these shapes.
pub(crate) fn node_fields(shapes: Words) -> Vec<Field> {
    let default = &Mechanism::reference().nodes[0];
    let mut fields = vec![
        field("name", Kind::Text, Required, "upper, lower", ""),
        field(
            "shape",
            Kind::Choice(shapes),
            Text("sphere"),
            "its shape; the axle is along x",
            "",
        ),
        number(
            "radius_mm",
            (5.0, 25.0, 60.0),
            "radius of the sphere or of the roller",
            "E",
        )
        .required()
        .when("shape", &["sphere", "roller", "flat"]),
        number(
            "length_mm",
            (5.0, 40.0, 120.0),
            "roller, with both end fillets",
            "E",
        )
        .required()
        .when("shape", &["roller"]),
        number(
            "fillet_mm",
            (0.5, 5.0, 50.0),
            "radius of the roller's ends",
            "E",
        )
        .required()
        .when("shape", &["roller"]),
        field(
            "semi_axes_mm",
            Kind::Numbers {
                min: 5.0,
                max: 60.0,
                count: (3, 3),
            },
            Required,
            "along x, y, z",
            "E",
        )
        .when("shape", &["ellipsoid"]),
        number(
            "major_mm",
            (5.0, 20.0, 60.0),
            "wheel: axle to the middle of the tyre",
            "E",
        )
        .required()
        .when("shape", &["torus"]),
        number("minor_mm", (2.0, 10.0, 40.0), "wheel: half the tyre", "E")
            .required()
            .when("shape", &["torus"]),
        field(
            "file",
            Kind::Beside,
            Required,
            "STL, OBJ or binary glTF (.glb), beside this file; its origin is the node's centre",
            "",
        )
        .when("shape", &["mesh"]),
        field(
            "unit",
            Kind::Choice(crate::fields::mesh_units),
            Required,
            "unit of the mesh: STL and OBJ do not say theirs; glTF is in m",
            "",
        )
        .when("shape", &["mesh"]),
        field(
            "mesh_turn_deg",
            Kind::Numbers {
                min: -360.0,
                max: 360.0,
                count: (3, 3),
            },
            Fallback::Numbers(&[0.0, 0.0, 0.0]),
            "turns the mesh about x, then y, then z, into the node's frame: axle x, into the skin y, up z",
            "",
        )
        .when("shape", &["mesh"]),
    ];
    for f in NODE_FIELDS {
        let value = (f.get)(default) / f.si;
        let of_free_wheels = f.path == "bearing_resistance";
        if of_free_wheels {
            fields.push(field(
                "wheel",
                Kind::Choice(wheels),
                Text("free"),
                "whether it turns freely about its axle or not at all",
                "E",
            ));
        }
        let plain = field(
            f.path,
            Kind::Number {
                min: f.min,
                max: f.max,
            },
            Number(value),
            f.meaning,
            f.source,
        );
        fields.push(if of_free_wheels {
            plain.when("wheel", &["free"])
        } else {
            plain
        });
    }
    fields
}

fn shapes() -> Vec<&'static str> {
    vec!["sphere", "roller", "ellipsoid", "torus", "mesh"]
}

fn wheels() -> Vec<&'static str> {
    vec!["free", "fixed"]
}

/// Built once and kept for the life of the program.
pub(crate) fn leak(about: &'static str, fields: Vec<Field>) -> &'static Table {
    Box::leak(Box::new(Table {
        about,
        fields: Box::leak(fields.into_boxed_slice()),
    }))
}
