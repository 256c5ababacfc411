//! Clients of others, unmodified, against the platform: what they make of the API is what everybody will make of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    client::text,
    harness::{self, Need, Test},
    node::Script,
    organization::{Organization, sign_up_in_development},
    platform::Installation,
    process::Process,
    repository,
};

const COMMON: &str = include_str!("../node/common.mjs");

fn main() {
    let needs = &[Need::Node];
    harness::main(vec![
        Test::new("the_reference_implementation_reads_the_schemas_and_the_manual", needs, schemas_and_manual),
        Test::new("a_frontend_follows_the_directory_until_it_signs_out", needs, frontend),
        Test::new("a_unit_of_libraries_pairs_and_reboots_with_p256", needs, || unit("ES256")),
        Test::new("a_unit_of_libraries_pairs_and_reboots_with_ed25519", needs, || unit("EdDSA")),
    ]);
}

/// Every schema is valid and described; every operation that the README shows fits the schema.
async fn schemas_and_manual() {
    let readme = std::fs::read_to_string(repository::root().join("README.md")).unwrap();
    let blocks = readme.split("```graphql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let documents: Vec<_> = blocks.collect();
    assert!(!documents.is_empty(), "the README shows operations");
    let folder = repository::root().join("schema/graphql");
    let files = ["gateway.graphql", "dispatcher.graphql"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    let quoted = json!(documents).to_string();
    let arguments = [&quoted, &files[0], &files[1]].map(String::as_str);
    let mut script = Script::start(include_str!("../node/sdl.mjs"), &arguments);
    for file in &files {
        let schema = script.next_of("schema").await;
        assert!(schema["types"].as_u64().unwrap() > 20, "{file}: {schema}");
        assert_eq!((&schema["errors"], &schema["undescribed"]), (&json!([]), &json!([])), "{file}");
    }
    for _ in &documents {
        let document = script.next_of("document").await;
        assert_eq!(document["errors"], json!([]), "{}", document["document"]);
    }
    script.end().await;
}

async fn start() -> (Installation, Process, Organization) {
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&["--development"]);
    let platform = installation.start().await;
    let northwind = sign_up_in_development(&installation.client(), "anna@northwind.example").await;
    (installation, platform, northwind)
}

async fn frontend() {
    let (installation, platform, northwind) = start().await;
    let url = installation.origin().replace("http:", "ws:") + "/graphql";
    let source = [COMMON, include_str!("../node/frontend.mjs")].concat();
    let mut script = Script::start(&source, &[&url, northwind.admin.token()]);
    assert_eq!(script.next_of("viewer").await["person"]["displayName"], "Annegret Bergander");
    // The subscription has begun when it tells of somebody; who is added before that may be missed.
    let mut added = 0;
    let first = loop {
        added += 1;
        let email = format!("person.{added}@northwind.example");
        let input = json!({ "email": email, "givenName": "Carla", "familyName": format!("Díaz {added}") });
        northwind.admin.mutate("createAccount", input, "person { id }").await;
        if let Ok(changed) = tokio::time::timeout(Duration::from_millis(500), script.next_of("changed")).await {
            break changed;
        }
    };
    assert_eq!(first["kind"], "PERSON_ADDED");
    assert_eq!(first["person"]["displayName"], format!("Carla Díaz {added}"));
    northwind.admin.mutate("signOut", json!({}), "sessionId").await;
    assert_eq!(script.next_of("refused").await, "NOT_SIGNED_IN", "the subscription ends");
    assert_eq!(script.next().await, json!({ "closed": 4401 }), "and so does the connection");
    script.end().await;
    installation.stop(platform);
}

async fn unit(algorithm: &'static str) {
    let (installation, platform, northwind) = start().await;
    let source = [COMMON, include_str!("../node/unit.mjs")].concat();
    let mut script = Script::start(&source, &[&installation.origin(), algorithm, "LIB-1"]);
    let code = script.next_of("code").await;
    assert_eq!((&code["expires_in"], &code["interval"]), (&json!(600), &json!(5)));
    assert_eq!(script.next_of("waits").await, "authorization_pending");
    let input = json!({ "userCode": code["user_code"] });
    let connected = northwind.admin.mutate("connectDevice", input, "deviceId").await;
    let device = text(&connected["deviceId"]);
    let granted = json!({ "device_id": device, "epoch": 1, "token_type": "bearer" });
    assert_eq!(script.next_of("granted").await, granted);
    let frame = script.next_of("frame").await;
    assert_eq!(frame, json!({ "__typename": "Welcome", "deviceId": device, "epoch": 1 }));
    // A new unit is called as its model.
    assert_eq!(script.next_of("frame").await["name"], "Unit of libraries");
    accepted(&script.next_of("reported").await["reportStatus"]);
    for sequence in 1..=2 {
        let input = json!({ "deviceId": device });
        let requested = northwind.admin.mutate("rebootDevice", input, "command { id }").await;
        let frame = script.next_of("frame").await;
        assert_eq!((&frame["kind"], &frame["sequence"]), (&json!("REBOOT"), &json!(sequence)));
        assert_eq!(frame["commandId"], requested["command"]["id"]);
        accepted(&script.next_of("acknowledged").await["acknowledgeCommand"]);
        // Restarted, with a token that it got for an assertion.
        assert_eq!(script.next_of("frame").await["__typename"], "Welcome");
        assert_eq!(script.next_of("frame").await["__typename"], "DesiredSettings");
        accepted(&script.next_of("reported").await["reportStatus"]);
        succeeds(&northwind, &requested["command"]["id"]).await;
    }
    drop(script);
    installation.stop(platform);
}

fn accepted(payload: &Value) {
    assert_eq!(payload["userErrors"], json!([]));
}

async fn succeeds(northwind: &Organization, command: &Value) {
    let query = "query Command($id: ID!) { deviceCommand(id: $id) { state } }";
    for _ in 0..200 {
        let data = northwind.admin.query(query, json!({ "id": command })).await;
        if data["deviceCommand"]["state"] == "SUCCEEDED" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the command has not succeeded within 10 seconds");
}
