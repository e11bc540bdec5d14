//! Pins: the hash is of the content and of all of it; every parameter path reads back as it is listed; schemas and key tables
//! are those that are published.

use std::path::{Path, PathBuf};

use scene::{FileKind, load, load_study, params, schema};
use serde_json::Value;

fn scenes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes")
}

fn hash(path: &Path, sets: &[(String, String)]) -> String {
    load(path, sets)
        .unwrap_or_else(|p| panic!("{sets:?}\n{p}"))
        .scene
        .hash()
}

#[test]
fn the_hash_does_not_see_comments_order_units_or_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(scenes().join("chair.toml")).unwrap();
    let shipped = hash(&scenes().join("chair.toml"), &[]);

    let mechanism =
        std::fs::read_to_string(scenes().join("mechanisms/wobble_carriage.toml")).unwrap();
    std::fs::write(
        folder.path().join("other.toml"),
        mechanism.replace("node_pitch_mm / 2", "0.5 * node_pitch_mm"),
    )
    .unwrap();
    let plain: String = text
        .replace("mechanisms/wobble_carriage.toml", "other.toml")
        .lines()
        .map(|l| l.split("  #").next().unwrap_or_default().to_string() + "\n")
        .filter(|l| !l.starts_with('#'))
        .collect();
    // The chair's table before the body's, and defaults left out.
    let (head, rest) = plain.split_once("[body]").unwrap();
    let (body, rest) = rest.split_once("[chair]").unwrap();
    let (chair, rest) = rest.split_once("[session]").unwrap();
    let chair = chair.replace("width_mm = 300\n", "");
    let mixed = format!("{head}\n[chair]{chair}\n[body]{body}\n[session]{rest}")
        .replace("name = \"chair\"", "name = \"other\"");
    assert_ne!(mixed, text);
    let path = folder.path().join("mixed.toml");
    std::fs::write(&path, mixed).unwrap();
    assert_eq!(hash(&path, &[]), shipped);
    assert_eq!(shipped.len(), 64);
}

#[test]
fn every_parameter_set_to_its_own_value_changes_nothing() {
    for file in ["chair.toml", "checks/slab.toml"] {
        let path = scenes().join(file);
        let shipped = hash(&path, &[]);
        let all = params(&path).unwrap();
        assert!(all.len() > 100, "{}", all.len());
        let sets: Vec<_> = all
            .iter()
            .map(|p| (p.path.clone(), p.value.to_string()))
            .collect();
        for set in &sets {
            assert_eq!(hash(&path, std::slice::from_ref(set)), shipped, "{set:?}");
        }
        assert_eq!(hash(&path, &sets), shipped);
    }
}

/// A list that a joint or node leaves to its default is set by its items all the same.
#[test]
fn a_default_list_in_a_list_of_tables_is_set_by_its_items() {
    let hash = |path: &str, value: &str| {
        let sets = [(path.to_owned(), value.to_owned())];
        let loaded = scene::load_rig_scene(&scenes().join("hand.toml"), &sets);
        loaded
            .unwrap_or_else(|p| panic!("{path}: {p}"))
            .scene
            .hash()
    };
    let shipped = hash("duration_s", "20");
    for path in ["rig.joint.0.turn_deg.1", "rig.node.0.turn_deg.2"] {
        assert_eq!(hash(path, "0"), shipped, "{path}");
        assert_ne!(hash(path, "5"), shipped, "{path}");
    }
}

#[test]
fn every_parameter_changes_the_hash() {
    let path = scenes().join("chair.toml");
    let shipped = hash(&path, &[]);
    let mut seen = 0;
    for p in params(&path).unwrap() {
        // A nudge inside the range, small enough that the mechanism still works.
        let other = match &p.value {
            Value::Number(v) if v.is_f64() => {
                let (v, min, max) = (v.as_f64().unwrap(), p.min.unwrap(), p.max.unwrap());
                let step = (v.abs() * 1e-4).max((max - min) * 1e-9);
                format!("{:?}", if v + step <= max { v + step } else { v - step })
            }
            Value::Number(v) => {
                let v = v.as_i64().unwrap();
                format!(
                    "{}",
                    if ((v + 1) as f64) <= p.max.unwrap() {
                        v + 1
                    } else {
                        v - 1
                    }
                )
            }
            Value::Bool(v) => format!("{}", !v),
            Value::Array(_) => "[\"osteopenia\"]".into(),
            Value::String(v) => match v.as_str() {
                "female" => "\"male\"".into(),
                // Other shapes, surfaces and techniques need further keys.
                _ => continue,
            },
            other => panic!("{other}"),
        };
        let sets = [(p.path.clone(), other)];
        assert_ne!(hash(&path, &sets), shipped, "{sets:?}");
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn a_study_has_its_own_identity() {
    let path = scenes().join("studies/chair_shiatsu.toml");
    let with = |p: &str, v: &str| {
        load_study(&path, &[(p.into(), v.into())])
            .unwrap_or_else(|e| panic!("{e}"))
            .hash()
    };
    let shipped = with("seed", "1");
    for p in params(&path).unwrap() {
        assert_eq!(with(&p.path, &p.value.to_string()), shipped, "{}", p.path);
    }
    for (p, v) in [
        ("seed", "2"),
        ("cap_margin", "0.2"),
        ("bands.0.0", "0.09"),
        ("stations.count", "25"),
        ("tuning.seed", "5"),
        ("held_out.bodies_per_class", "9"),
        ("replay.bodies", "4"),
        ("classes.bmi_edges_kg_m2.0", "24"),
        ("techniques", "[\"press\"]"),
        ("scene.chair.recline_deg", "46"),
        ("chair.recline_deg", "46"),
    ] {
        assert_ne!(with(p, v), shipped, "{p}");
    }
    assert_eq!(
        with("scene.chair.recline_deg", "46"),
        with("chair.recline_deg", "46")
    );
    // A file named by --set takes the place of the one in the file, with its own parameters still settable.
    assert_eq!(with("mechanism", "builtin:wobble_carriage"), shipped);
    let both = [
        ("mechanism", "builtin:wobble_carriage"),
        ("mechanism.params.tilt_deg", "12"),
    ];
    let both: Vec<_> = both
        .iter()
        .map(|(p, v)| (p.to_string(), v.to_string()))
        .collect();
    assert_eq!(
        load_study(&path, &both).unwrap().hash(),
        with("mechanism.params.tilt_deg", "12")
    );
}

/// Compares with a published file; `KNEADLAB_GOLDEN=write` writes it anew.
fn published(path: &Path, text: &str) {
    if std::env::var("KNEADLAB_GOLDEN").is_ok_and(|v| v == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "{} is not what the spec says; KNEADLAB_GOLDEN=write rewrites it",
        path.display()
    );
}

#[test]
fn regress_the_published_schemas_are_those_of_the_spec() {
    for kind in FileKind::ALL {
        let text = serde_json::to_string_pretty(&schema(kind)).unwrap() + "\n";
        published(&scenes().join(format!("schema/{kind}.json")), &text);
    }
}

#[test]
fn regress_the_key_tables_of_the_readme_are_those_of_the_spec() {
    let path = scenes().join("README.md");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for kind in FileKind::ALL {
        let (open, close) = (
            format!("<!-- keys of a {kind} -->\n"),
            format!("<!-- end of {kind} -->"),
        );
        let (head, rest) = text
            .split_once(&open)
            .unwrap_or_else(|| panic!("no {open}"));
        let (_, tail) = rest.split_once(&close).unwrap();
        text = format!("{head}{open}{}\n{close}{tail}", scene::reference(kind));
    }
    published(&path, &text);
}

/// Every shipped file against the published schemas, by a validator that knows just what our schemas use.
#[test]
fn the_schemas_accept_the_shipped_files_and_refuse_a_typo() {
    let mut all = Vec::new();
    toml_files(&scenes(), &mut all);
    assert!(all.len() > 40, "{}", all.len());
    for file in all {
        let kind = FileKind::of(&file).unwrap();
        let schema: Value = serde_json::from_str(
            &std::fs::read_to_string(scenes().join(format!("schema/{kind}.json"))).unwrap(),
        )
        .unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let document: Value = toml::from_str(&text).unwrap();
        accepts(&schema, &document).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let wrong: Value = toml::from_str(&format!("nam = 1\n{text}")).unwrap();
        assert!(accepts(&schema, &wrong).is_err());
    }
}

fn toml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            toml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "toml") {
            out.push(path);
        }
    }
}

fn accepts(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(any) = schema.get("anyOf") {
        let any = any.as_array().unwrap();
        let mut last = Ok(());
        for one in any {
            last = accepts(one, value);
            if last.is_ok() {
                return Ok(());
            }
        }
        return last;
    }
    let is = schema["type"].as_str().unwrap();
    let right = match is {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    };
    if !right {
        return Err(format!("{value} is no {is}"));
    }
    if let Some(v) = value.as_f64() {
        let (min, max) = (
            schema["minimum"].as_f64().unwrap(),
            schema["maximum"].as_f64().unwrap(),
        );
        if v < min || v > max {
            return Err(format!("{v} is not within {min} to {max}"));
        }
    }
    if let (Some(words), Some(v)) = (schema.get("enum"), value.as_str())
        && !words.as_array().unwrap().contains(&Value::from(v))
    {
        return Err(format!("{v} is not one of {words}"));
    }
    for item in value.as_array().into_iter().flatten() {
        accepts(&schema["items"], item)?;
    }
    for (key, below) in value.as_object().into_iter().flatten() {
        let property = schema.get("properties").and_then(|p| p.get(key));
        match property.or(schema.get("additionalProperties").filter(|p| p.is_object())) {
            Some(property) => accepts(property, below).map_err(|e| format!("{key}: {e}"))?,
            None => return Err(format!("{key} is unknown")),
        }
    }
    for key in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if value.get(key.as_str().unwrap()).is_none() {
            return Err(format!("{key} is missing"));
        }
    }
    Ok(())
}

/// The woman at the 5th percentile of stature and the 95th of BMI, as the survey prints them: 1525 mm and 31.7 kg/m2, a tenth of an SD (64 mm, 3.5) off at
/// most.
#[test]
fn val_a_body_may_be_named_by_percentiles() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.toml");
    let text =
        "sex = \"female\"\nsize = \"percentiles\"\nstature_percentile = 5\nbmi_percentile = 95\n";
    std::fs::write(&path, text).unwrap();
    assert!(scene::check_any(&path).is_ok_and(|(_, warnings)| warnings.is_empty()));
    let sets = [
        ("body.size", "percentiles"),
        ("body.stature_percentile", "5"),
        ("body.bmi_percentile", "95"),
    ];
    let sets = sets.map(|(k, v)| (k.to_string(), v.to_string()));
    let body = load(&scenes().join("chair.toml"), &sets)
        .unwrap()
        .scene
        .body;
    assert!((body.stature_m - 1.525).abs() < 6.4e-3, "{body:?}");
    assert!((body.bmi_kg_m2 - 31.7).abs() < 0.35, "{body:?}");
}
