//! What is generated from the event types and kept beside them: a JSON Schema and one recorded example, the golden, of
//! every type and version. Goldens are only ever added to: they stand for all that is in somebody's log.
//!
//! Pure: `examples/generate.rs` reads and writes the files.

use std::collections::{BTreeMap, btree_map::Entry};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{DecodeError, Event, EventType};

mod example;

pub use example::{NoExample, example};

/// The generated files by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Folder `events`: JSON Schemas.
    pub schemas: BTreeMap<String, String>,
    /// Folder `golden` without its index.
    pub goldens: BTreeMap<String, String>,
    /// `golden/INDEX`: a line `<sha256>  <name>` for every golden, in the order in which they were added.
    pub index: String,
}

/// A recorded example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    /// Frozen name of the type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Version of the payload.
    pub version: u16,
    /// The payload.
    pub payload: Value,
}

/// Why a golden is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// It is no golden.
    #[error("is not of the shape of a golden: {0}")]
    Shape(#[from] serde_json::Error),
    /// The software cannot read it any more.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The software reads it, but writes another payload of the same version.
    #[error("has a payload that is written differently now: the type needs a new version and an upcaster")]
    Drift,
    /// It could not be written again.
    #[error("{0}")]
    Encode(#[from] crate::events::EncodeError),
}

impl Golden {
    /// Reads a golden file.
    pub fn read(text: &str) -> Result<Self, GoldenError> {
        Ok(serde_json::from_str(text)?)
    }
    /// The event, upcast to the current version. Fails if the current version is written otherwise than recorded.
    pub fn decode(&self) -> Result<Event, GoldenError> {
        let event = Event::decode(&self.event_type, self.version, &serde_json::to_vec(&self.payload)?)?;
        let is_current = Event::types().any(|t| t.name == self.event_type && t.version == self.version);
        if is_current && serde_json::from_slice::<Value>(&event.encode()?)? != self.payload {
            return Err(GoldenError::Drift);
        }
        Ok(event)
    }
}

/// Name of the schema and of the golden of a type in a version.
pub fn file_name(event_type: &str, version: u16) -> String {
    format!("{event_type}.v{version}.json")
}

/// The JSON Schema of every type in its current version, by file name.
pub fn json_schemas() -> BTreeMap<String, String> {
    Event::types().map(|t| (file_name(t.name, t.version), pretty(&schema_of(t)))).collect()
}

/// The files with all that is missing added and the schemas brought up to date. No golden is changed.
pub fn refresh(files: &Files) -> Result<Files, NoExample> {
    let mut files = files.clone();
    files.schemas.extend(json_schemas());
    for event_type in Event::types() {
        let name = file_name(event_type.name, event_type.version);
        if let Entry::Vacant(missing) = files.goldens.entry(name) {
            let payload = example(event_type)?;
            let golden = json!({ "type": event_type.name, "version": event_type.version, "payload": payload });
            missing.insert(pretty(&golden));
        }
    }
    for (name, text) in &files.goldens {
        if !index_entries(&files.index).any(|(_, indexed)| indexed == name) {
            files.index.push_str(&format!("{}  {name}\n", digest(text)));
        }
    }
    Ok(files)
}

/// Whatever is missing, changed, deleted or left over, a line each. Empty if all is well.
pub fn differences(files: &Files) -> Vec<String> {
    let mut lines = Vec::new();
    schema_differences(files, &mut lines);
    index_differences(files, &mut lines);
    golden_differences(files, &mut lines);
    lines
}

fn schema_differences(files: &Files, lines: &mut Vec<String>) {
    for (name, text) in json_schemas() {
        if files.schemas.get(&name).is_some_and(|stored| *stored != text) {
            lines.push(format!("events/{name} differs from the event type"));
        }
    }
    let expected = every_version();
    for name in expected.iter().filter(|name| !files.schemas.contains_key(*name)) {
        lines.push(format!("events/{name} is missing"));
    }
    for name in files.schemas.keys().filter(|name| !expected.contains(name)) {
        lines.push(format!("events/{name} belongs to no event type"));
    }
}

fn index_differences(files: &Files, lines: &mut Vec<String>) {
    let mut indexed = BTreeMap::new();
    for line in files.index.lines() {
        match line.split_once("  ") {
            Some((digest, name)) if indexed.insert(name, digest).is_none() => {}
            Some((_, name)) => lines.push(format!("golden/INDEX names {name} twice")),
            None => lines.push(format!("golden/INDEX has a line of another form: {line}")),
        }
    }
    for (name, expected) in &indexed {
        match files.goldens.get(*name) {
            None => lines.push(format!("golden/{name} was deleted")),
            Some(text) if digest(text) != *expected => lines.push(format!("golden/{name} was changed")),
            Some(_) => {}
        }
    }
    for name in files.goldens.keys().filter(|name| !indexed.contains_key(name.as_str())) {
        lines.push(format!("golden/{name} is not in golden/INDEX"));
    }
}

fn golden_differences(files: &Files, lines: &mut Vec<String>) {
    for name in every_version().iter().filter(|name| !files.goldens.contains_key(*name)) {
        lines.push(format!("golden/{name} is missing"));
    }
    for (name, text) in &files.goldens {
        let decoded = Golden::read(text).and_then(|golden| golden.decode().map(|_| golden));
        match decoded {
            Ok(golden) if file_name(&golden.event_type, golden.version) != *name => {
                lines.push(format!("golden/{name} holds {} {}", golden.event_type, golden.version));
            }
            Ok(_) => {}
            Err(error) => lines.push(format!("golden/{name} {error}")),
        }
    }
}

fn every_version() -> Vec<String> {
    Event::types().flat_map(|t| (1..=t.version).map(|version| file_name(t.name, version))).collect()
}

fn index_entries(index: &str) -> impl Iterator<Item = (&str, &str)> {
    index.lines().filter_map(|line| line.split_once("  "))
}

fn digest(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

fn schema_of(event_type: &EventType) -> Value {
    let mut schema = (event_type.schema)();
    schema.insert("title".to_owned(), format!("{} v{}", event_type.name, event_type.version).into());
    schema.insert("description".to_owned(), event_type.description.trim().into());
    schema.to_value()
}

/// Indented, with the keys in order whichever map serde_json was built with.
fn pretty(value: &Value) -> String {
    format!("{:#}\n", sorted(value))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let by_key: BTreeMap<_, _> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Value::Object(Map::from_iter(by_key))
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
