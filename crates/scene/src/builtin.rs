//! Files that are always there: `mechanism = "builtin:wobble_carriage"`. They are the shipped files, word for word, and
//! what `new` starts from.

use crate::kind::FileKind;

/// How a path begins that names one.
pub(crate) const PREFIX: &str = "builtin:";

const FILES: &[(&str, &str)] = &[
    ("chair", include_str!("../../../scenes/chair.toml")),
    (
        "chair_shiatsu",
        include_str!("../../../scenes/studies/chair_shiatsu.toml"),
    ),
    (
        "wobble_carriage",
        include_str!("../../../scenes/mechanisms/wobble_carriage.toml"),
    ),
    (
        "kneading_arm",
        include_str!("../../../scenes/mechanisms/kneading_arm.toml"),
    ),
    ("pillow", include_str!("../../../scenes/pillow.toml")),
    (
        "shiatsu_pillow",
        include_str!("../../../scenes/mechanisms/shiatsu_pillow.toml"),
    ),
    (
        "paraspinal",
        include_str!("../../../scenes/stacks/paraspinal.toml"),
    ),
    (
        "chair_kneading",
        include_str!("../../../scenes/techniques/chair_kneading.toml"),
    ),
    (
        "chair_rolling",
        include_str!("../../../scenes/techniques/chair_rolling.toml"),
    ),
    (
        "chair_tapping",
        include_str!("../../../scenes/techniques/chair_tapping.toml"),
    ),
    (
        "osteopathic_inhibition",
        include_str!("../../../scenes/techniques/osteopathic_inhibition.toml"),
    ),
    (
        "osteopathic_kneading",
        include_str!("../../../scenes/techniques/osteopathic_kneading.toml"),
    ),
    (
        "osteopathic_stretch",
        include_str!("../../../scenes/techniques/osteopathic_stretch.toml"),
    ),
    (
        "shiatsu_hold",
        include_str!("../../../scenes/techniques/shiatsu_hold.toml"),
    ),
    (
        "shiatsu_palm",
        include_str!("../../../scenes/techniques/shiatsu_palm.toml"),
    ),
    (
        "shiatsu_thumb",
        include_str!("../../../scenes/techniques/shiatsu_thumb.toml"),
    ),
    (
        "swedish_effleurage",
        include_str!("../../../scenes/techniques/swedish_effleurage.toml"),
    ),
    (
        "swedish_friction",
        include_str!("../../../scenes/techniques/swedish_friction.toml"),
    ),
    (
        "swedish_petrissage",
        include_str!("../../../scenes/techniques/swedish_petrissage.toml"),
    ),
    (
        "swedish_tapotement",
        include_str!("../../../scenes/techniques/swedish_tapotement.toml"),
    ),
    (
        "swedish_vibration",
        include_str!("../../../scenes/techniques/swedish_vibration.toml"),
    ),
    (
        "tuina_press_knead",
        include_str!("../../../scenes/techniques/tuina_press_knead.toml"),
    ),
    (
        "tuina_rolling",
        include_str!("../../../scenes/techniques/tuina_rolling.toml"),
    ),
];

/// The text of a built-in file.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, text)| *text)
}

/// Their names.
pub(crate) fn names() -> Vec<&'static str> {
    FILES.iter().map(|(n, _)| *n).collect()
}

/// A commented file that runs: the shipped one under another name, naming no file of its own.
pub fn template(kind: FileKind, name: &str) -> String {
    let base = match kind {
        FileKind::Scene => "chair",
        FileKind::Study => "chair_shiatsu",
        FileKind::Mechanism => "wobble_carriage",
        FileKind::Rig => "kneading_arm",
        FileKind::RigScene => "pillow",
        FileKind::Stack => "paraspinal",
        FileKind::Technique => "shiatsu_palm",
        FileKind::Body => return body(name),
    };
    let mut out = String::new();
    let mut named = false;
    for line in text(base).unwrap_or_default().lines() {
        let key = line.split('=').next().unwrap_or_default().trim();
        match key {
            // Editors find the schema beside the shipped files only.
            _ if line.starts_with("#:schema") => continue,
            "name" if !named => {
                named = true;
                out += &format!("name = {}", quoted(name));
            }
            "mechanism" if line.contains(".toml") => {
                out += "mechanism = \"builtin:wobble_carriage\"   # or the name of a file"
            }
            "rig" if line.contains(".toml") => {
                out += "rig = \"builtin:shiatsu_pillow\"   # or the name of a file"
            }
            "scene" if line.contains(".toml") => {
                out += "scene = \"builtin:chair\"   # or the name of a file"
            }
            _ => out += line,
        }
        out.push('\n');
    }
    out
}

fn body(name: &str) -> String {
    let mut out = format!("# {name}: {}\n", FileKind::Body.table().about);
    for field in FileKind::Body.table().fields {
        let value = match (field.key, field.default_text()) {
            ("sex", _) => "\"female\"".into(),
            ("stature_mm", _) => "1628".into(),
            ("bmi_kg_m2", _) => "25.5".into(),
            ("conditions" | "knot", _) => "[]".into(),
            ("scan", _) => "{ source = \"none\" }".into(),
            (_, default) => default,
        };
        // What goes with another choice than the default one waits behind a comment sign.
        let unused = field.when.is_some_and(|(choice, words)| {
            let chosen = FileKind::Body.table().field(choice);
            chosen.is_some_and(|c| !words.contains(&c.default_text().trim_matches('"')))
        });
        let off = if unused { "# " } else { "" };
        out += &format!("{off}{} = {value}   # {}\n", field.key, field.meaning);
    }
    out
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}
