//! JSON Schema of every kind of file, for editors.

use serde_json::{Map, Value, json};

use crate::expression::PARAM;
use crate::kind::FileKind;
use crate::mechanism_fields::mechanism;
use crate::spec::{Fallback, Field, Kind, Table};

/// JSON Schema (draft 7, which TOML editors read) of a kind of file.
pub fn schema(kind: FileKind) -> Value {
    let mut out = table(
        kind.table(),
        matches!(kind, FileKind::Mechanism | FileKind::Rig),
    );
    if let Value::Object(map) = &mut out {
        let mut head = Map::new();
        head.insert(
            "$schema".into(),
            json!("http://json-schema.org/draft-07/schema#"),
        );
        head.insert("title".into(), json!(format!("Kneadlab {kind}")));
        head.append(map);
        return Value::Object(head);
    }
    out
}

fn table(spec: &'static Table, expressions: bool) -> Value {
    let expressions = expressions || std::ptr::eq(spec, mechanism());
    let imports = spec.fields.iter().any(|f| matches!(f.kind, Kind::Urdf));
    let properties: Map<String, Value> = spec
        .fields
        .iter()
        .map(|f| {
            let mut property = property(f, expressions);
            if imports && matches!(f.fallback, Fallback::RequiredWithout(_)) {
                // What is required may stand in the other file; here an item of the same name only says more of it.
                property["items"]["required"] = json!(["name"]);
            }
            (f.key.to_string(), property)
        })
        .collect();
    let required: Vec<&str> = spec
        .fields
        .iter()
        .filter(|f| matches!(f.fallback, Fallback::Required) && f.when.is_none())
        .map(|f| f.key)
        .collect();
    json!({
        "description": spec.about,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(field: &Field, expressions: bool) -> Value {
    let mut out = match field.kind {
        Kind::Number { min, max } => {
            let number = json!({ "type": "number", "minimum": min, "maximum": max });
            if expressions {
                json!({ "anyOf": [number, { "type": "string" }] })
            } else {
                number
            }
        }
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Text | Kind::Beside | Kind::Urdf => json!({ "type": "string", "minLength": 1 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words() }),
        Kind::Choices(words) => {
            json!({ "type": "array", "items": { "type": "string", "enum": words() }, "uniqueItems": true })
        }
        Kind::WordLists(words) => {
            let list = json!({ "type": "array", "items": { "type": "string", "enum": words() } });
            json!({ "type": "array", "items": list })
        }
        Kind::Values => json!({ "anyOf": [
            { "type": "array", "items": { "type": "number" }, "minItems": 1 },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ] }),
        Kind::Numbers { min, max, count } => {
            let number = json!({ "type": "number", "minimum": min, "maximum": max });
            let item = if expressions {
                json!({ "anyOf": [number, { "type": "string" }] })
            } else {
                number
            };
            json!({ "type": "array", "items": item, "minItems": count.0, "maxItems": count.1 })
        }
        Kind::Bands { min, max, count } => {
            let number = json!({ "type": "number", "minimum": min, "maximum": max });
            let pair = json!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2 });
            json!({ "type": "array", "items": pair, "minItems": count, "maxItems": count })
        }
        Kind::Table(spec) => table(spec, expressions),
        Kind::Tables(spec, least) => {
            json!({ "type": "array", "items": table(spec, expressions), "minItems": least })
        }
        Kind::File(_) | Kind::AnyFile(_) => {
            let tables = field
                .kind
                .files()
                .into_iter()
                .map(|spec| table(spec, false));
            let any = std::iter::once(json!({ "type": "string" })).chain(tables);
            json!({ "anyOf": any.collect::<Vec<_>>() })
        }
        Kind::Params => json!({ "type": "object", "additionalProperties": table(&PARAM, false) }),
    };
    let Value::Object(map) = &mut out else {
        return out;
    };
    map.insert("description".into(), json!(describe(field)));
    let default = match field.fallback {
        Fallback::Number(v) => json!(v),
        Fallback::Integer(v) => json!(v),
        Fallback::Flag(v) => json!(v),
        Fallback::Text(v) => json!(v),
        Fallback::Numbers(v) => json!(v),
        Fallback::Required | Fallback::RequiredWithout(_) | Fallback::Empty | Fallback::Absent => {
            return out;
        }
    };
    map.insert("default".into(), default);
    out
}

/// Meaning, unit, range, when it applies, source: what an editor shows beside the key.
pub(crate) fn describe(field: &Field) -> String {
    let mut text = field.meaning.to_string();
    if matches!(
        field.kind,
        Kind::Number { .. } | Kind::Integer { .. } | Kind::Numbers { .. }
    ) {
        text += &format!("; {}", field.allowed());
    }
    if let Some((choice, values)) = field.when {
        text += &format!("; only with {choice} = {}", values.join(" or "));
    }
    if !field.source.is_empty() {
        text += &format!(" [{}]", field.source);
    }
    text
}
