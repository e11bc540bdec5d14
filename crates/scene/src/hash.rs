//! Identity of content.

use serde::Serialize;
use serde_json::Value;

/// blake3 over a canonical form: keys sorted, every number as the bits of a double, every text with its length.
pub(crate) fn of(content: &impl Serialize) -> String {
    let mut hasher = blake3::Hasher::new();
    // Content is plain structs of numbers, text and lists, which always serialise.
    feed(
        &mut hasher,
        &serde_json::to_value(content).unwrap_or(Value::Null),
    );
    hasher.finalize().to_hex().to_string()
}

fn feed(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Null => {
            hasher.update(b"0");
        }
        Value::Bool(v) => {
            hasher.update(if *v { b"t" } else { b"f" });
        }
        Value::Number(v) => {
            // Minus zero is zero.
            let bits = (v.as_f64().unwrap_or(f64::NAN) + 0.0).to_bits();
            hasher.update(b"n").update(&bits.to_le_bytes());
        }
        Value::String(v) => text(hasher, v),
        Value::Array(v) => {
            hasher.update(b"[").update(&(v.len() as u64).to_le_bytes());
            v.iter().for_each(|v| feed(hasher, v));
        }
        Value::Object(v) => {
            hasher.update(b"{").update(&(v.len() as u64).to_le_bytes());
            let mut keys: Vec<_> = v.iter().collect();
            keys.sort_by_key(|(k, _)| k.as_str());
            for (k, v) in keys {
                text(hasher, k);
                feed(hasher, v);
            }
        }
    }
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher
        .update(b"s")
        .update(&(text.len() as u64).to_le_bytes())
        .update(text.as_bytes());
}
