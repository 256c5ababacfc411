//! Email domains proven to the platform as it runs, by records of a real name server and a file on a website.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tests::{
    client::{Client, text},
    harness::{self, Need, Test},
    names::NameServer,
    organization::sign_up_in_development,
    platform::Installation,
};

const DOMAIN: &str = "domain { id status verification { recordName recordText fileUrl fileContent mailedTo failure } }";

fn main() {
    harness::main(vec![Test::new("domains_are_proven_and_stay_proven_over_a_crash", &[Need::Names], run)]);
}

type Pages = Arc<Mutex<HashMap<String, String>>>;

/// A website of every host; the port it is at.
async fn website(pages: Pages) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let page =
        async move |Path(name): Path<String>| pages.lock().unwrap().get(&name).cloned().ok_or(StatusCode::NOT_FOUND);
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/{name}", get(page))).await.unwrap() });
    port
}

async fn begin(admin: &Client, id: &str, method: &str) -> Value {
    let mailbox = if method == "EMAIL" { json!("hostmaster") } else { Value::Null };
    let input = json!({ "domainId": id, "method": method, "mailbox": mailbox });
    admin.mutate("beginDomainVerification", input, DOMAIN).await["domain"]["verification"].take()
}

async fn add(admin: &Client, name: &str) -> String {
    text(&admin.mutate("addDomain", json!({ "domain": name }), DOMAIN).await["domain"]["id"])
}

async fn verify(admin: &Client, id: &str, code: Option<&str>) -> Value {
    let input = json!({ "domainId": id, "code": code });
    admin.mutate("verifyDomain", input, DOMAIN).await["domain"]["status"].take()
}

async fn statuses(admin: &Client) -> Value {
    admin.query("{ domains { name status } }", json!({})).await["domains"].take()
}

async fn run() {
    let (mut names, pages) = (NameServer::start(), Pages::default());
    let websites = format!("{}:1", website(pages.clone()).await);
    let options = ["--development", "--dns-servers", &names.address(), "--private-websites", &websites];
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&options);
    let platform = installation.start().await;
    let northwind = sign_up_in_development(&installation.client(), "anna@northwind.example").await;
    let admin = &northwind.admin;

    let by_record = add(admin, "record.example").await;
    let shown = begin(admin, &by_record, "DNS_TXT").await;
    let (name, right) = (text(&shown["recordName"]), text(&shown["recordText"]));
    let refused = async |id: &str| admin.refusal("verifyDomain", json!({ "domainId": id })).await;
    for (answer, code) in [
        (json!("NXDOMAIN"), "PROOF_NOT_FOUND"),
        (json!([]), "PROOF_NOT_FOUND"),
        (json!("SERVFAIL"), "PROOF_UNREACHABLE"),
        (json!("garbage"), "PROOF_UNREACHABLE"),
        (json!("silence"), "PROOF_UNREACHABLE"),
    ] {
        names.answers(&name, answer.clone());
        assert_eq!(refused(&by_record).await, [code], "{answer}");
    }
    // In two strings, as the last of a thousand.
    let mut records: Vec<_> = (0..999).map(|number| json!({ "TXT": [format!("token={number}")] })).collect();
    names.answers(&name, records.clone());
    assert_eq!(refused(&by_record).await, ["PROOF_NOT_FOUND"]);
    let (first, second) = right.split_at(20);
    records.push(json!({ "TXT": [first, second] }));
    names.answers(&name, records);
    assert_eq!(verify(admin, &by_record, None).await, "VERIFIED");

    let by_file = add(admin, "file.example").await;
    let shown = begin(admin, &by_file, "HTML_FILE").await;
    let file = text(&shown["fileUrl"]).strip_prefix("https://file.example/").unwrap().to_owned();
    assert_eq!(refused(&by_file).await, ["PROOF_UNREACHABLE"], "there is no such host");
    names.answers("file.example", json!([{ "A": "127.0.0.1" }]));
    assert_eq!(refused(&by_file).await, ["PROOF_NOT_FOUND"]);
    pages.lock().unwrap().insert(file, text(&shown["fileContent"]));
    assert_eq!(verify(admin, &by_file, None).await, "VERIFIED");

    let by_mail = add(admin, "mail.example").await;
    let mailed_to = text(&begin(admin, &by_mail, "EMAIL").await["mailedTo"]);
    let mail = installation.client().mail_in_development(&mailed_to).await;
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    let code = mail.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).unwrap().to_owned();
    assert_eq!(verify(admin, &by_mail, Some(&code)).await, "VERIFIED");

    let before = statuses(admin).await;
    platform.kill();
    let platform = installation.start().await;
    assert_eq!(statuses(admin).await, before);
    let verified = before.as_array().unwrap().iter().filter(|domain| domain["status"] == "VERIFIED").count();
    assert_eq!(verified, 3, "{before}");
    for name in ["record.example", "file.example", "mail.example"] {
        let nobody = installation.client();
        let refused = nobody.refusal("beginSignup", json!({ "email": format!("zoe@{name}") })).await;
        assert_eq!(refused, ["DOMAIN_TAKEN"], "{name}");
    }
    let told = "{ history(filter: { types: [\"organization.domain_verified\"] }) { nodes { actor { name } } } }";
    let told = admin.query(told, json!({})).await["history"]["nodes"].take();
    assert_eq!(told.as_array().unwrap().len(), 3);
    assert!(told.as_array().unwrap().iter().all(|node| node["actor"]["name"] == "Annegret Bergander"), "{told}");
    installation.stop(platform);
}
