//! A file of people on the platform as it runs, which is killed again and again while it creates their accounts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};
use tests::{
    client::{Client, text},
    harness::{self, Test},
    log,
    organization::sign_up_in_development,
    platform::Installation,
};

const PEOPLE: usize = 12_000;
const UPLOAD: &str = "mutation($input: ImportPeopleInput!) { importPeople(input: $input) { \
    peopleImport { id counts { ready withProblems } } userErrors { code } } }";

fn main() {
    harness::main(vec![Test::new("an_import_outlasts_any_kill_without_a_double_or_a_loss", &[], run)]);
}

fn file() -> Vec<u8> {
    let row = |number| format!("person.{number}@northwind.example,Person,Number {number},Sales\r\n");
    let header = "Email*,First Name*,Last Name*,Department\r\n".to_owned();
    (std::iter::once(header).chain((0..PEOPLE).map(row))).collect::<String>().into_bytes()
}

async fn progress(admin: &Client, import: &str) -> (Value, usize) {
    let query = "query($id: ID!) { peopleImport(id: $id) { status progress { done } } }";
    let shown = admin.query(query, json!({ "id": import })).await["peopleImport"].take();
    (shown["status"].clone(), shown["progress"]["done"].as_u64().unwrap().try_into().unwrap())
}

async fn run() {
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&["--development"]);
    let mut platform = installation.start().await;
    let admin = sign_up_in_development(&installation.client(), "anna@northwind.example").await.admin;
    let uploaded = admin.upload(UPLOAD, json!({ "input": { "file": null } }), "input.file", &file()).await;
    let import = &uploaded["data"]["importPeople"]["peopleImport"];
    assert_eq!(import["counts"], json!({ "ready": PEOPLE, "withProblems": 0 }), "{uploaded}");
    let import = text(&import["id"]);
    let confirm = json!({ "importId": import, "locale": "en", "sendInvitations": false });
    admin.mutate("confirmImport", confirm, "").await;

    let mut kills = 0;
    let mut killed_at = BTreeSet::new();
    loop {
        let (status, done) = progress(&admin, &import).await;
        if status == "FINISHED" {
            break;
        }
        // In the middle of it, wherever that is just then: so far, and three times, each time further on.
        if kills < 3 && done > 0 && killed_at.last().is_none_or(|last| done > *last) {
            platform.kill();
            (kills, _) = (kills + 1, killed_at.insert(done));
            platform = installation.start().await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(kills >= 2, "it was killed in the middle: {killed_at:?}");

    // The directory follows the log.
    let query =
        "{ people { totalCount } last: people(search: \"number 11999\") { nodes { email department status } } }";
    let mut counted = Value::Null;
    for _ in 0..200 {
        counted = admin.query(query, json!({})).await;
        if counted["people"]["totalCount"] == PEOPLE + 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(counted["people"]["totalCount"], PEOPLE + 1);
    let last = json!([{ "email": "person.11999@northwind.example", "department": "Sales", "status": "ADDED" }]);
    assert_eq!(counted["last"]["nodes"], last);
    let url = format!("{}/imports/{import}/result.csv", installation.origin());
    let result = reqwest::Client::new().get(url).bearer_auth(admin.token()).send().await.unwrap().text().await.unwrap();
    assert_eq!(result.lines().filter(|line| line.contains(",CREATED,")).count(), PEOPLE);
    assert_eq!(result.lines().count(), PEOPLE + 1);
    installation.stop(platform);

    let mut counts = BTreeMap::new();
    for row in log::read(&installation.log_file(), 0) {
        *counts.entry(row.event_type).or_insert(0) += 1;
    }
    let counts = ["account.created", "email.reserved_for_import", "import.finished"].map(|name| counts[name]);
    assert_eq!(counts, [PEOPLE + 1, PEOPLE, 1]);
}
