//! One payload that fits a JSON Schema, always the same.

use serde_json::{Map, Value};

use crate::EventType;

/// How deep a schema may nest.
const DEPTH: u32 = 32;
/// The digits of every example id, so that all examples of one kind of id name the same thing.
const HEX: &str = "0190a1b2c3d47e5f8a6b9c0d1e2f3a4b";
const UUID: &str = "0190a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const TIME: &str = "2026-03-02T09:00:00.123456Z";
const DATE: &str = "2026-03-02";
/// Stands for sealed bytes; nothing opens it.
const SEALED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v";

/// The schema has something of which no example can be made: give the field one with `#[schemars(extend("examples" = […]))]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no example can be made of {path}")]
pub struct NoExample {
    /// Type and path of the field.
    pub path: String,
}

/// A payload of the type in its current version.
pub fn example(event_type: &EventType) -> Result<Value, NoExample> {
    let root = (event_type.schema)().to_value();
    Maker { root: &root }.value(&root, event_type.name, DEPTH)
}

struct Maker<'a> {
    root: &'a Value,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, path: &str, depth: u32) -> Result<Value, NoExample> {
        let unknown = || NoExample { path: path.to_owned() };
        let depth = depth.checked_sub(1).ok_or_else(unknown)?;
        let first = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|values| values.first());
        if let Some(given) = first("examples").or_else(|| schema.get("const")).or_else(|| first("enum")) {
            return Ok(given.clone());
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return self.value(target.ok_or_else(unknown)?, path, depth);
        }
        // What may be absent is present in an example.
        let choices = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        if let Some(choice) = choices.and_then(|choices| choices.iter().find(|choice| kind(choice) != Some("null"))) {
            return self.value(choice, path, depth);
        }
        match kind(schema) {
            Some("object") => self.object(schema, path, depth),
            Some("array") => {
                let item = schema.get("items").ok_or_else(unknown)?;
                Ok(Value::Array(vec![self.value(item, path, depth)?]))
            }
            Some("string") => string(schema, path).map(Value::String).ok_or_else(unknown),
            Some("integer") => Ok(Value::from(1)),
            Some("boolean") => Ok(Value::Bool(true)),
            _ => Err(unknown()),
        }
    }

    fn object(&self, schema: &Value, path: &str, depth: u32) -> Result<Value, NoExample> {
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let made = properties
            .map(|(name, property)| Ok((name.clone(), self.value(property, &format!("{path}.{name}"), depth)?)));
        made.collect::<Result<Map<_, _>, _>>().map(Value::Object)
    }
}

/// The type that a schema names, leaving out that it may be null.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    }
}

fn string(schema: &Value, path: &str) -> Option<String> {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    if let Some(pattern) = text("pattern") {
        return hexadecimal(pattern);
    }
    if text("contentEncoding") == Some("base64url") {
        return Some(SEALED.to_owned());
    }
    match text("format") {
        Some("date-time") => Some(TIME.to_owned()),
        Some("date") => Some(DATE.to_owned()),
        Some("uuid") => Some(UUID.to_owned()),
        Some(_) => None,
        None => Some(format!("example of {}", path.rsplit('.').next().unwrap_or(path))),
    }
}

/// A text for the patterns that ids and hashes have: a fixed beginning and a number of hexadecimal digits.
fn hexadecimal(pattern: &str) -> Option<String> {
    let (beginning, rest) = pattern.strip_prefix('^')?.strip_suffix("}$")?.split_once("[0-9a-f]{")?;
    let is_plain = beginning.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let digits = rest.parse().ok().filter(|digits| is_plain && *digits <= 1024)?;
    Some(beginning.chars().chain(HEX.chars().cycle().take(digits)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn make(schema: &Value) -> Option<Value> {
        Maker { root: schema }.value(schema, "tea.made", DEPTH).ok()
    }

    #[test]
    fn every_shape_has_an_example_or_says_so() {
        for (schema, expected) in [
            (json!({ "type": "string", "pattern": "^tea_[0-9a-f]{4}$" }), Some(json!("tea_0190"))),
            (json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }), Some(json!(HEX.repeat(2)))),
            (json!({ "type": "string", "pattern": "^(a|b)$" }), None),
            (json!({ "type": "string", "format": "date-time" }), Some(json!(TIME))),
            (json!({ "type": "string", "format": "uri" }), None),
            (json!({ "type": ["string", "null"], "format": "uuid" }), Some(json!(UUID))),
            (json!({ "anyOf": [{ "type": "null" }, { "type": "boolean" }] }), Some(json!(true))),
            (json!({ "oneOf": [{ "const": "green" }, { "const": "black" }] }), Some(json!("green"))),
            (json!({ "type": "string", "enum": ["hot", "cold"] }), Some(json!("hot"))),
            (json!({ "type": "string", "examples": ["Assam"] }), Some(json!("Assam"))),
            (json!({ "type": "array", "items": { "type": "integer" } }), Some(json!([1]))),
            (json!({ "$ref": "#/$defs/Cup", "$defs": { "Cup": { "type": "object" } } }), Some(json!({}))),
            (json!({ "$ref": "#" }), None),
            (json!({ "$ref": "#/$defs/None" }), None),
            (
                json!({ "type": "object", "properties": { "sort": { "type": "string" } } }),
                Some(json!({ "sort": "example of sort" })),
            ),
            (json!({ "type": "object", "properties": { "sort": {} } }), None),
            (json!(true), None),
        ] {
            assert_eq!(make(&schema), expected, "{schema}");
        }
    }
}
