//! What is recorded stays readable, and what is generated stays up to date.
#![allow(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::{collections::BTreeMap, fs, path::Path};

use schema::{
    Event,
    generate::{Files, Golden, differences, example, file_name, json_schemas, refresh},
};

fn folder(name: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap())).collect()
}

fn stored() -> Files {
    let mut goldens = folder("golden");
    let index = goldens.remove("INDEX").unwrap();
    Files { schemas: folder("events"), goldens, index }
}

#[test]
fn the_stored_files_are_up_to_date() {
    let files = stored();
    assert_eq!(differences(&files), [""; 0], "run `make schema`");
    assert_eq!(refresh(&files).unwrap(), files);
}

#[test]
fn every_golden_is_read_and_upcast() {
    for (name, text) in stored().goldens {
        let golden = Golden::read(&text).unwrap_or_else(|e| panic!("{name} {e}"));
        golden.decode().unwrap_or_else(|e| panic!("{name} {e}"));
    }
}

#[test]
fn every_type_has_an_example_that_is_written_as_it_is_read() {
    for event_type in Event::types() {
        let payload = example(event_type).unwrap();
        let golden = Golden { event_type: event_type.name.to_owned(), version: event_type.version, payload };
        golden.decode().unwrap_or_else(|e| panic!("{} {e}", event_type.name));
    }
}

#[test]
fn every_field_of_a_schema_is_in_the_golden() {
    let files = stored();
    for (name, schema) in json_schemas() {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let golden = Golden::read(&files.goldens[&name]).unwrap();
        for field in schema["properties"].as_object().into_iter().flatten().map(|(field, _)| field) {
            assert!(golden.payload.get(field).is_some(), "{name} has no {field}");
        }
    }
}

/// The stored files with one thing done to them, and the only difference that it makes.
fn spoilt(spoil: impl FnOnce(&mut Files)) -> Vec<String> {
    let mut files = stored();
    spoil(&mut files);
    differences(&files)
}

const NAME: &str = "account.created.v1.json";

#[test]
fn drift_of_a_schema_is_found() {
    let changed = spoilt(|files| files.schemas.get_mut(NAME).unwrap().push(' '));
    assert_eq!(changed, [format!("events/{NAME} differs from the event type")]);
    let missing = spoilt(|files| drop(files.schemas.remove(NAME)));
    assert_eq!(missing, [format!("events/{NAME} is missing")]);
    let extra = spoilt(|files| drop(files.schemas.insert("tea.made.v1.json".to_owned(), "{}".to_owned())));
    assert_eq!(extra, ["events/tea.made.v1.json belongs to no event type"]);
}

#[test]
fn a_golden_that_was_changed_or_deleted_is_found() {
    let changed = spoilt(|files| files.goldens.get_mut(NAME).unwrap().push('\n'));
    assert_eq!(changed, [format!("golden/{NAME} was changed")]);
    let deleted = spoilt(|files| drop(files.goldens.remove(NAME)));
    assert_eq!(deleted, [format!("golden/{NAME} was deleted"), format!("golden/{NAME} is missing")]);
    let forgotten = spoilt(|files| {
        files.goldens.remove(NAME);
        files.index =
            files.index.lines().filter(|line| !line.ends_with(NAME)).map(|line| format!("{line}\n")).collect();
    });
    assert_eq!(forgotten, [format!("golden/{NAME} is missing")]);
    let unlisted = spoilt(|files| {
        files.index =
            files.index.lines().filter(|line| !line.ends_with(NAME)).map(|line| format!("{line}\n")).collect();
    });
    assert_eq!(unlisted, [format!("golden/{NAME} is not in golden/INDEX")]);
    let twice = spoilt(|files| files.index = files.index.repeat(2));
    assert_eq!(twice.len(), stored().goldens.len());
    assert!(twice.iter().all(|line| line.ends_with("twice")));
    let garbled = spoilt(|files| files.index.push_str("tea\n"));
    assert_eq!(garbled, ["golden/INDEX has a line of another form: tea"]);
}

#[test]
fn a_payload_that_would_be_read_or_written_otherwise_is_found() {
    let recorded = |payload: serde_json::Value, version: u16| {
        Golden { event_type: "account.activated".to_owned(), version, payload }.decode().map_err(|e| e.to_string())
    };
    let good = Golden::read(&stored().goldens["account.activated.v1.json"]).unwrap().payload;
    assert!(recorded(good.clone(), 1).is_ok());
    let mut field_gone = good.clone();
    field_gone["hint"] = "a field that the type no longer has".into();
    assert!(recorded(field_gone, 1).unwrap_err().contains("new version"));
    let mut field_new = good.clone();
    field_new.as_object_mut().unwrap().remove("credential");
    assert!(recorded(field_new, 1).unwrap_err().contains("does not fit"));
    assert!(recorded(good, 2).unwrap_err().contains("newer version"));
}

#[test]
fn a_golden_under_another_name_is_found() {
    let swapped = spoilt(|files| {
        let other = files.goldens["role.created.v1.json"].clone();
        files.goldens.insert(NAME.to_owned(), other);
    });
    assert_eq!(swapped, [format!("golden/{NAME} was changed"), format!("golden/{NAME} holds role.created 1")]);
}

#[test]
fn refreshing_adds_and_never_changes() {
    let mut files = stored();
    let text = files.goldens.get_mut(NAME).unwrap();
    text.push('\n');
    let changed = text.clone();
    files.goldens.remove("role.created.v1.json");
    let fresh = refresh(&files).unwrap();
    assert_eq!(fresh.goldens[NAME], changed);
    assert_eq!(fresh.index, files.index);
    assert_eq!(fresh.goldens["role.created.v1.json"], stored().goldens["role.created.v1.json"]);
    let from_nothing = refresh(&Files::default()).unwrap();
    // Nobody can make up how an older version looked: it was recorded in its time.
    let older = Event::types().flat_map(|t| (1..t.version).map(|version| file_name(t.name, version)));
    let older: Vec<_> = older.collect();
    let missing: Vec<_> = ["events", "golden"]
        .iter()
        .flat_map(|folder| older.iter().map(move |name| format!("{folder}/{name} is missing")))
        .collect();
    assert_eq!(differences(&from_nothing), missing);
    assert_eq!(from_nothing.goldens.len(), Event::types().count());
    assert!(from_nothing.goldens.contains_key(&file_name("device.enrolled", 2)));
}

/// Every place of a payload where something is sealed.
fn sealed(value: &serde_json::Value) -> Vec<String> {
    let here = value.get("sealed").and_then(|_| value["subject"].as_str()).map(str::to_owned);
    let below: Vec<&serde_json::Value> = match value {
        serde_json::Value::Object(members) => members.values().collect(),
        serde_json::Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    here.into_iter().chain(below.into_iter().flat_map(sealed)).collect()
}

#[test]
fn an_event_names_everybody_whose_data_is_sealed_in_it() {
    let mut seen = 0;
    for (name, text) in stored().goldens {
        let golden = Golden::read(&text).unwrap();
        let named: Vec<_> = golden.decode().unwrap().subjects().map(|subject| subject.to_string()).collect();
        for subject in sealed(&golden.payload) {
            seen += 1;
            assert!(named.contains(&subject), "Event::subjects leaves out somebody in {name}");
        }
        assert_eq!(named.len(), sealed(&golden.payload).len(), "{name}");
    }
    assert!(seen > 0);
}
