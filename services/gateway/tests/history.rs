//! The event history: found, told, followed to its file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use std::{collections::BTreeSet, time::Duration};

use eventlog::{Clock, Expected};
use reqwest::Response;
use schema::{
    AccountId, Actor, EventId, NewEvent, OrganizationId, StreamId,
    events::{EventFamily, OrganizationEvent, organization::OrganizationRenamed},
};
use serde_json::{Value, json};
use support::{Client, Installation, PASSWORD};

const ENTRY: &str = "id position occurredAt type summary correlationId causeId details actor { kind id name node { id } } \
                     subjects { id name node { __typename id } } changes { field before after }";

impl Client<'_> {
    /// A page of the history, with the arguments as they are given.
    async fn history(&self, arguments: &str) -> Value {
        let query =
            format!("{{ history({arguments}) {{ nodes {{ {ENTRY} }} pageInfo {{ hasNextPage endCursor }} }} }}");
        self.query(&query).await["history"].take()
    }

    async fn summaries(&self, arguments: &str) -> Vec<String> {
        let page = self.history(arguments).await;
        let nodes = page["nodes"].as_array().unwrap().iter();
        nodes.map(|entry| entry["summary"].as_str().unwrap().to_owned()).collect()
    }

    async fn own_organization(&self) -> OrganizationId {
        self.query("{ organization { id } }").await["organization"]["id"].as_str().unwrap().parse().unwrap()
    }

    async fn export(&self, parameters: &str) -> Response {
        let request = self.installation.get(&format!("/history/export?{parameters}"));
        let request = self.token.iter().fold(request, |request, token| request.bearer_auth(token));
        request.send().await.unwrap()
    }
}

#[tokio::test]
async fn what_happened_is_told_with_names_and_what_was_there_before() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, _) = admin.add_person("ben@northwind.example").await;
    let edit = json!({ "personId": ben, "familyName": "Berg", "jobTitle": "Caretaker" });
    admin.mutate("editPerson", edit, "").await;
    let role = json!({ "name": "Help desk", "rights": ["READ_HISTORY"] });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].as_str().unwrap().to_owned();
    admin.mutate("assignRole", json!({ "roleId": role, "personId": ben }), "").await;
    let device = admin.add_device("SN-1").await;
    admin.mutate("renameDevice", json!({ "deviceId": device, "name": "Lobby" }), "").await;
    admin.mutate("renameOrganization", json!({ "name": "Northwind Traders" }), "").await;
    let deleted = admin.mutate("deleteRole", json!({ "roleId": role }), "").await["position"].take();

    let told = admin.summaries(&format!("first: 200, afterPosition: {deleted}")).await;
    let expected = [
        "Anna Berg deleted the role Help desk.",
        "Anna Berg renamed the organization from Northwind to Northwind Traders.",
        "Anna Berg renamed the Portal SN-1 to Lobby.",
        "Anna Berg set up the Portal SN-1 (SN-1).",
        "Anna Berg gave Ben Berg the role Help desk.",
        "Anna Berg created the role Help desk.",
        "Anna Berg changed the details of Ben Berg.",
        "Ben Berg signed in.",
        "Ben Berg activated the account.",
        "Anna Berg added Ben Berg.",
        "Anna Berg set up the organization Northwind.",
    ];
    let mut rest = told.iter();
    for sentence in expected {
        assert!(rest.any(|told| told == sentence), "{sentence} is missing, or in another place:\n{}", told.join("\n"));
    }
    // An id that the sentence could not name would stand in it.
    assert!(
        told.iter().all(|sentence| !["acc_", "dev_", "role_"].iter().any(|prefix| sentence.contains(prefix))),
        "{}",
        told.join("\n")
    );

    let newest = |page: Value| page["nodes"][0].clone();
    let edited = newest(admin.history(r#"filter: { types: ["account.profile_changed"] }"#).await);
    assert_eq!(
        edited["changes"],
        json!([
            { "field": "familyName", "before": "Okafor", "after": "Berg" },
            { "field": "jobTitle", "before": null, "after": "Caretaker" },
        ])
    );
    assert_eq!(
        edited["subjects"],
        json!([{ "id": ben, "name": "Ben Berg", "node": { "__typename": "Person", "id": ben } }])
    );
    assert_eq!(edited["details"]["profile"]["family_name"], "Berg");
    let anna = admin.query("{ viewer { person { id } } }").await["viewer"]["person"]["id"].take();
    let actor = json!({ "kind": "PERSON", "id": anna, "name": "Anna Berg", "node": { "id": anna } });
    assert_eq!(edited["actor"], actor);
    assert!(edited["correlationId"].is_string() && edited["occurredAt"].is_string() && edited["id"].is_string());
    let renamed = newest(admin.history(r#"filter: { types: ["device.renamed"] }"#).await);
    assert_eq!(renamed["changes"], json!([{ "field": "name", "before": "SN-1", "after": "Lobby" }]));
    let deleted = newest(admin.history(&format!(r#"filter: {{ subject: "{role}" }}"#)).await);
    let rights = json!(["READ_HISTORY"]);
    assert_eq!(
        deleted["changes"],
        json!([
            { "field": "name", "before": "Help desk", "after": null },
            { "field": "rights", "before": rights, "after": null },
        ])
    );
    assert_eq!(deleted["subjects"][0], json!({ "id": role, "name": "Help desk", "node": null }));
    let session = newest(admin.history(r#"filter: { types: ["session.started"] }"#).await);
    assert!(session["details"]["expires_at"].is_string() && session["details"]["secret_sha256"].is_null());
    let by_platform = newest(admin.history(r#"filter: { actor: "system:sign-up" }"#).await);
    assert_eq!((&by_platform["actor"]["name"], &by_platform["actor"]["node"]), (&json!("The platform"), &Value::Null));
}

#[tokio::test]
async fn filters_go_together_and_pages_stay_whole() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, _) = admin.add_person("ben@northwind.example").await;
    installation.advance(3_600);
    let noon = "2026-01-01T00:30:00Z";
    for name in 0..20 {
        admin.mutate("editPerson", json!({ "personId": ben, "givenName": format!("Ben {name}") }), "").await;
    }
    let deactivated = admin.mutate("deactivateAccount", json!({ "personId": ben }), "").await["position"].take();
    let about_ben = format!(r#"subject: "{ben}""#);
    let count = async |filter: &str| {
        let arguments = format!("first: 200, afterPosition: {deactivated}, filter: {{ {filter} }}");
        admin.history(&arguments).await["nodes"].as_array().unwrap().len()
    };
    let all = count(&about_ben).await;
    let before = count(&format!(r#"{about_ben}, until: "{noon}""#)).await;
    let after = count(&format!(r#"{about_ben}, from: "{noon}""#)).await;
    assert!(before >= 3 && after >= 21 && before + after == all, "{before} + {after} = {all}");
    assert_eq!(count(&format!(r#"{about_ben}, types: ["account.profile_changed"]"#)).await, 20);
    assert_eq!(count(&format!(r#"{about_ben}, types: ["account.profile_changed"], until: "{noon}""#)).await, 0);
    let two = r#"types: ["account.profile_changed", "account.deactivated"]"#;
    assert_eq!(count(&format!(r#"{about_ben}, {two}, from: "{noon}""#)).await, 21);
    assert_eq!(count(&format!(r#"{about_ben}, actor: "{ben}", types: ["account.deactivated"]"#)).await, 0);

    // Page by page while more is appended: what was there comes once, in order.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let arguments = format!(r#"first: 3, filter: {{ {about_ben}, {two} }} {cursor}"#);
        let page = admin.history(&arguments).await;
        let entries = page["nodes"].as_array().unwrap().iter();
        seen.extend(entries.map(|entry| entry["position"].as_str().unwrap().parse::<u64>().unwrap()));
        admin.mutate("renameOrganization", json!({ "name": format!("Northwind {}", seen.len()) }), "").await;
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        cursor = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(seen.len(), 21);
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    let oldest = admin.history(&format!(r#"last: 2, filter: {{ {about_ben}, {two} }}"#)).await;
    assert_eq!(oldest["nodes"][1]["position"], json!(seen[20].to_string()));
    let newer = admin.history(&format!(r#"last: 1, before: "{}", filter: {{ {about_ben} }}"#, seen[20])).await;
    assert_eq!(newer["nodes"][0]["position"], json!(seen[19].to_string()));

    for (filter, code) in [
        (r#"filter: { actor: "role_00000000000000000000000000000001" }"#, "INVALID_ID"),
        (r#"filter: { actor: "system" }"#, "INVALID_ID"),
        (r#"filter: { subject: "chal_00000000000000000000000000000001" }"#, "INVALID_ID"),
        (r#"filter: { types: ["account.exploded"] }"#, "INVALID_VALUE"),
        (r#"after: "nonsense""#, "INVALID_CURSOR"),
        ("first: 201", "INVALID_PAGE_SIZE"),
        ("first: 1, last: 1", "INVALID_PAGE_SIZE"),
    ] {
        assert_eq!(admin.error(&format!("{{ history({filter}) {{ nodes {{ id }} }} }}")).await, code, "{filter}");
    }
    let types = admin.query("{ historyEventTypes { name description } }").await["historyEventTypes"].take();
    let names: BTreeSet<_> = types.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert!(names.contains("account.created") && !names.contains("email.reserved"), "{names:?}");
}

#[tokio::test]
async fn it_is_for_those_with_the_right_and_of_their_organization_only() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person("ben@northwind.example").await;
    let stranger = installation.found("zoe@tailspin.example").await;
    let history = "{ history { nodes { id } } }";
    assert_eq!(installation.nobody().error(history).await, "NOT_SIGNED_IN");
    assert_eq!(member.error(history).await, "FORBIDDEN");
    assert_eq!(member.error("{ historyEventTypes { name } }").await, "FORBIDDEN");
    for (client, status) in [(&installation.nobody(), 401), (&member, 403)] {
        let answer = client.export("format=jsonl").await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
            (status, "text/plain; charset=utf-8")
        );
    }
    let role = json!({ "name": "Auditor", "rights": ["READ_HISTORY"] });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
    admin.mutate("assignRole", json!({ "roleId": role, "personId": ben }), "").await;
    assert!(!member.summaries("first: 50").await.is_empty());
    // Ids of others find nothing, whoever asks for them.
    assert!(stranger.summaries(&format!(r#"filter: {{ subject: "{ben}" }}"#)).await.is_empty());
    let theirs = stranger.summaries("first: 200").await.join("\n");
    assert!(theirs.contains("Northwind") && !theirs.contains("Ben"), "both organizations have that name: {theirs}");
    let exported = stranger.export("format=jsonl").await.text().await.unwrap();
    let own = stranger.own_organization().await.to_string();
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 3 && lines[..lines.len() - 1].iter().all(|line| line["organization"] == json!(own)));
}

#[tokio::test]
async fn an_export_is_whole_or_says_that_it_is_not() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, _) = admin.add_person("ben@northwind.example").await;
    let edit = json!({ "personId": ben, "givenName": "=HYPERLINK(\"https://evil.example\")", "familyName": "Berg" });
    admin.mutate("editPerson", edit, "").await;
    let organization = admin.own_organization().await;

    let answer = admin.export("format=jsonl").await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["content-type"], "application/jsonl; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"history.jsonl\"");
    let text = answer.text().await.unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Everything in the log that belongs to the organization, as it stands there.
    let log = installation.log.read_all(None, 10_000).await.unwrap();
    let expected: Vec<_> = log.iter().filter(|event| event.organization == Some(organization)).collect();
    assert_eq!(lines.pop(), Some(json!({ "complete": true, "events": expected.len() })));
    assert_eq!(lines.len(), expected.len());
    for (line, event) in lines.iter().zip(&expected) {
        assert_eq!(line["position"], json!(event.position.to_string()));
        assert_eq!((&line["type"], &line["version"]), (&json!(*event.event_type), &json!(event.version)));
        assert_eq!((&line["stream"], &line["revision"]), (&json!(event.stream.as_str()), &json!(event.revision)));
        assert_eq!(line["actor"], json!(event.actor.to_string()));
        assert_eq!(line["payload"], serde_json::from_slice::<Value>(&event.payload).unwrap());
    }
    assert!(!text.contains("Okafor") && !text.contains("ben@northwind"), "sealed");

    let opened = admin.export(&format!("format=jsonl&personal=true&subject={ben}&type=account.created")).await;
    let opened = opened.text().await.unwrap();
    let lines: Vec<Value> = opened.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["payload"]["email"]), (2, &json!("ben@northwind.example")));
    assert_eq!(lines[0]["payload"]["profile"]["family_name"], "Okafor");

    let table = admin.export(&format!("format=csv&subject={ben}")).await;
    assert_eq!(table.headers()["content-disposition"], "attachment; filename=\"history.csv\"");
    // The mark at the beginning would be taken away from a text.
    let table = String::from_utf8(table.bytes().await.unwrap().to_vec()).unwrap();
    let rows: Vec<_> = table.trim_end().split("\r\n").collect();
    assert_eq!(rows[0], "\u{feff}Position,Time,Type,Actor,Actor id,Subjects,Summary");
    assert!(rows[1].contains(",account.created,Anna Berg,acc_"), "{}", rows[1]);
    assert_eq!(*rows.last().unwrap(), format!("complete,,,,,,{} events", rows.len() - 2));
    // The name now begins like a formula: where a cell would, it is made harmless.
    let signed_in = rows.iter().find(|row| row.contains("session.started")).unwrap();
    assert!(signed_in.contains(r#","'=HYPERLINK(""https://evil.example"") Berg","#), "{signed_in}");

    let after = expected[expected.len() - 3].position;
    let rest = admin.export(&format!("format=jsonl&after={after}")).await.text().await.unwrap();
    assert_eq!(rest.lines().count(), 3, "two events and the last line");
    let nothing = admin.export("format=jsonl&until=2020-01-01T00:00:00Z").await.text().await.unwrap();
    assert_eq!(nothing, "{\"complete\":true,\"events\":0}\n");

    for wrong in [
        "",
        "format=xml",
        "format=jsonl&subjct=x",
        "format=jsonl&subject=x",
        "format=jsonl&type=x",
        "format=csv&from=x",
        "format=csv&after=x",
    ] {
        assert_eq!(admin.export(wrong).await.status(), 400, "{wrong}");
    }
    // A browser sends its cookie along when a link is followed; not from pages of others.
    let cookie = format!("session={}", admin.token.as_ref().unwrap());
    let by_link = |site: &'static str| {
        installation.get("/history/export?format=csv").header("cookie", &cookie).header("sec-fetch-site", site)
    };
    for (site, status) in [("none", 200), ("same-origin", 200), ("cross-site", 403)] {
        assert_eq!(by_link(site).send().await.unwrap().status(), status, "{site}");
    }
}

/// Puts so many long events into an organization's history, past the commands.
async fn swell(installation: &Installation, organization: OrganizationId, events: usize) {
    for batch in 0..events / 40 {
        let stream = StreamId::new("organization", &OrganizationId(uuid::Uuid::from_u128(batch as u128 + 1)));
        let new = (0..40).map(|revision| {
            let event =
                OrganizationEvent::Renamed(OrganizationRenamed { name: format!("{revision} {}", "x".repeat(20_000)) });
            NewEvent {
                id: EventId::derive(uuid::Uuid::nil(), &stream, revision),
                event_type: event.event_type(),
                version: event.version(),
                organization: Some(organization),
                actor: Actor::Account(AccountId(uuid::Uuid::nil())),
                recorded_at: installation.clock.now(),
                cause: None,
                correlation: uuid::Uuid::nil(),
                payload: event.encode().unwrap(),
            }
        });
        let new = new.collect();
        installation.log.append(&stream, Expected::NoStream, new).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_ends_when_the_session_does_and_with_the_gateway() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let organization = admin.own_organization().await;
    // More than the buffers on the way hold.
    swell(&installation, organization, 5_000).await;
    let newest = installation.log.head().await.unwrap().unwrap();
    admin.history(&format!("first: 1, afterPosition: \"{newest}\"")).await;
    let whole = admin.export("format=jsonl").await.text().await.unwrap();
    assert!(whole.len() > 100_000_000 && whole.lines().count() > 5_000 && whole.ends_with("}\n"));

    let input = json!({ "email": "anna@northwind.example", "password": PASSWORD });
    let again = installation.nobody().mutate("signIn", input, "session { token }").await;
    let again = installation.client(again["session"]["token"].as_str().unwrap());
    for end in ["sign out", "stop"] {
        let client = if end == "stop" { &again } else { &admin };
        let mut export = client.export("format=jsonl").await;
        let mut received = export.chunk().await.unwrap().unwrap().len();
        match end {
            "stop" => installation.stop.cancel(),
            _ => drop(admin.mutate("signOut", json!({}), "").await),
        }
        // Longer than a look at the session may be old.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let cut_off = loop {
            match export.chunk().await {
                Ok(Some(piece)) => received += piece.len(),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(cut_off && received < whole.len(), "{end}: {received} of {}", whole.len());
    }
}
