//! Files of people through the API: uploaded, reviewed, mended, confirmed, followed live, and the result as a file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Client, Heard, Installation, Live, ORIGIN};

const HEADER: &str = "Email*;First Name*;Last Name*;Job Title;Phone;Start Date\r\n";
const SELECTION: &str = "id status keptUntil resultUrl duplicateOfId ignoredColumns counts { total ready withProblems removed } \
    problemCounts { code rows } uploadedBy { email } progress { status total done created refused invited }";

fn file(rows: &str) -> Vec<u8> {
    format!("\u{FEFF}{HEADER}{rows}").into_bytes()
}

/// The whole payload of an upload.
async fn upload(client: &Client<'_>, file: &[u8]) -> Value {
    let query = format!(
        "mutation($input: ImportPeopleInput!) {{ importPeople(input: $input) {{ peopleImport {{ {SELECTION} }} position \
         userErrors {{ code field message }} }} }}"
    );
    let response = client.upload(&query, json!({ "input": { "file": null } }), "input.file", file).send().await;
    let mut answer: Value = response.unwrap().json().await.unwrap();
    assert_eq!(answer["errors"], Value::Null);
    answer["data"]["importPeople"].take()
}

async fn look(client: &Client<'_>, import: &Value, selection: &str) -> Value {
    client.query(&format!("{{ peopleImport(id: {import}) {{ {selection} }} }}")).await["peopleImport"].take()
}

async fn finished(client: &Client<'_>, import: &Value) -> Value {
    for _ in 0..500 {
        let shown = look(client, import, SELECTION).await;
        if shown["status"] == "FINISHED" {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the import does not finish");
}

#[tokio::test]
async fn a_file_becomes_people() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let rows = "ben@northwind.example;Ben;\"=HYPERLINK(\"\"http://x\"\")\";Baker;+49 30 123;31.12.2026\r\n\
        zoe@northwind.example;Zoë;Ruiz;;;\r\n\
        zoe@northwind.example;Zoë;Again;;;\r\n\
        anna@northwind.example;Anna;Berg;;;\r\n\
        cem@fabrikam.example;Cem;Kaya;;;\r\n\
        dan@northwind.example;;Duarte;;;someday\r\n";
    let uploaded = upload(&admin, &file(rows)).await;
    assert_eq!((&uploaded["userErrors"], uploaded["position"].is_string()), (&json!([]), true));
    let import = &uploaded["peopleImport"];
    assert_eq!(import["counts"], json!({ "total": 6, "ready": 2, "withProblems": 4, "removed": 0 }));
    assert_eq!(
        (&import["status"], &import["uploadedBy"]["email"]),
        (&json!("IN_REVIEW"), &json!("anna@northwind.example"))
    );
    assert_eq!((&import["resultUrl"], import["keptUntil"].is_string()), (&Value::Null, true));
    let id = &import["id"];

    let rows = "rows(filter: WITH_PROBLEMS, first: 2) { nodes { row line email problems { code field } } \
        pageInfo { hasNextPage endCursor } }";
    let page = look(&admin, id, rows).await["rows"].take();
    let shown: Vec<_> = page["nodes"].as_array().unwrap().iter().map(|row| (&row["row"], &row["line"])).collect();
    assert_eq!(shown, [(&json!(2), &json!(4)), (&json!(3), &json!(5))]);
    assert_eq!(page["nodes"][0]["problems"], json!([{ "code": "DUPLICATE_ROW", "field": "email" }]));
    assert_eq!(page["nodes"][1]["problems"], json!([{ "code": "EMAIL_TAKEN", "field": "email" }]));
    let next = rows.replace("first: 2", &format!("first: 2, after: {}", page["pageInfo"]["endCursor"]));
    let page = look(&admin, id, &next).await["rows"].take();
    assert_eq!(page["nodes"][0]["problems"], json!([{ "code": "DOMAIN_NOT_ALLOWED", "field": "email" }]));
    let problems =
        json!([{ "code": "INVALID_VALUE", "field": "startDate" }, { "code": "REQUIRED", "field": "givenName" }]);
    assert_eq!((&page["nodes"][1]["problems"], &page["pageInfo"]["hasNextPage"]), (&problems, &json!(false)));

    let edit = json!({ "importId": id, "row": 5, "givenName": "Dan", "startDate": "" });
    let edited =
        admin.mutate("editImportRow", edit, "row { givenName problems { code } } peopleImport { counts { ready } }");
    let edited = edited.await;
    assert_eq!(edited["row"], json!({ "givenName": "Dan", "problems": [] }));
    assert_eq!(edited["peopleImport"]["counts"]["ready"], 3);
    // Without the first of two, the second is the only one.
    let removed = admin.mutate(
        "removeImportRow",
        json!({ "importId": id, "row": 1 }),
        "peopleImport { counts { ready removed } }",
    );
    assert_eq!(removed.await["peopleImport"]["counts"], json!({ "ready": 3, "removed": 1 }));

    for (mutation, input, expected) in [
        ("editImportRow", json!({ "importId": id, "row": 6, "email": "x" }), ("NOT_FOUND", "row")),
        ("editImportRow", json!({ "importId": id, "row": 0, "email": "x".repeat(9000) }), ("TOO_LONG", "")),
        ("editImportRow", json!({ "importId": "imp_x", "row": 0 }), ("INVALID_ID", "importId")),
        ("removeImportRow", json!({ "importId": id, "row": 600 }), ("NOT_FOUND", "row")),
        ("confirmImport", json!({ "importId": id, "locale": "klingon!" }), ("INVALID_VALUE", "locale")),
    ] {
        let (code, field) = admin.refusal(mutation, input.clone()).await;
        assert_eq!((&*code, &*field), expected, "{mutation} {input}");
    }

    let mut live = Live::of(&admin).await;
    live.subscribe("progress", &format!("subscription {{ importProgress(id: {id}) {{ status created invited }} }}"))
        .await;
    assert_eq!(
        live.payload().await["data"]["importProgress"],
        json!({ "status": "IN_REVIEW", "created": 0, "invited": 0 })
    );
    let confirmed = admin.mutate("confirmImport", json!({ "importId": id, "locale": "de" }), "peopleImport { status }");
    assert_ne!(confirmed.await["peopleImport"]["status"], "IN_REVIEW");
    let last = loop {
        match live.next().await {
            Heard::Message(message) if message["type"] == "complete" => break message,
            Heard::Message(message) if message["payload"]["data"]["importProgress"]["status"] == "FINISHED" => {
                let expected = json!({ "status": "FINISHED", "created": 3, "invited": 6 });
                assert_eq!(message["payload"]["data"]["importProgress"], expected);
            }
            Heard::Message(message) => assert_eq!(message["type"], "next", "{message}"),
            closed @ Heard::Closed(_) => panic!("{closed:?}"),
        }
    };
    assert_eq!(last["id"], "progress");

    let done = finished(&admin, id).await;
    let progress = json!({ "status": "FINISHED", "total": 6, "done": 6, "created": 3, "refused": 2, "invited": 6 });
    assert_eq!(done["progress"], progress);
    let people = admin.query("{ people(search: \"ruiz\") { totalCount } all: people { totalCount } }").await;
    assert_eq!((&people["people"]["totalCount"], &people["all"]["totalCount"]), (&json!(0), &json!(4)));
    assert!(installation.mail("ben@northwind.example", 0).await.contains("Konto"), "in the language of the import");

    let path = done["resultUrl"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
    let result = installation.get(&path).bearer_auth(admin.token.as_ref().unwrap()).send().await.unwrap();
    assert_eq!(result.headers()["content-type"], "text/csv; charset=utf-8");
    let text = result.text().await.unwrap();
    let lines: Vec<_> = text.trim_start_matches('\u{FEFF}').lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert!(
        lines[1].starts_with("2,ben@northwind.example,Ben,\"'=HYPERLINK(") && lines[1].contains(",CREATED,,,acc_"),
        "{text}"
    );
    assert!(lines[2].contains(",REMOVED,") && lines[3].contains(",CREATED,"), "{text}");
    assert!(lines[4].contains(",REFUSED,EMAIL_TAKEN,") && lines[5].contains(",REFUSED,DOMAIN_NOT_ALLOWED,"), "{text}");

    let list = "{ peopleImports { nodes { id status } pageInfo { hasNextPage } } }";
    let expected = json!({ "nodes": [{ "id": id, "status": "FINISHED" }], "pageInfo": { "hasNextPage": false } });
    assert_eq!(admin.query(list).await["peopleImports"], expected);

    // Nobody else gets any of it.
    let (_, member) = admin.add_person("mia@northwind.example").await;
    let other = installation.found("eve@fabrikam.example").await;
    for (client, status) in [(&member, 403), (&other, 404)] {
        let refused = installation.get(&path).bearer_auth(client.token.as_ref().unwrap()).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), status);
        assert!(!refused.text().await.unwrap().contains("northwind"));
    }
    assert_eq!(installation.get(&path).send().await.unwrap().status().as_u16(), 401);
    assert_eq!(look(&other, id, "id").await, Value::Null);
    assert_eq!(other.query(list).await["peopleImports"]["nodes"], json!([]));
    assert_eq!(member.error(list).await, "FORBIDDEN");
    assert_eq!(other.refusal("cancelImport", json!({ "importId": id })).await.0, "NOT_FOUND");
    let elsewhere = installation.get(&path).bearer_auth(admin.token.as_ref().unwrap());
    let elsewhere = elsewhere.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 403);
}

#[tokio::test]
async fn files_that_are_none_are_told_apart() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let many: String = (0..100_001).map(|n| format!("p{n}@northwind.example;P;R;;;\r\n")).collect();
    let before = installation.events().await;
    for (name, file, code) in [
        ("empty", Vec::new(), "FILE_EMPTY"),
        ("only a header", file(""), "FILE_EMPTY"),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "NOT_A_SPREADSHEET"),
        ("an archive", b"PK\x03\x04 and so on".to_vec(), "NOT_A_SPREADSHEET"),
        ("other columns", b"Name;Mail\r\nBen;ben@northwind.example\r\n".to_vec(), "WRONG_COLUMNS"),
        ("too many", file(&many), "TOO_MANY_ROWS"),
    ] {
        let refused = upload(&admin, &file).await;
        assert_eq!(refused["userErrors"][0]["code"], code, "{name}: {refused}");
        assert_eq!(
            (&refused["userErrors"][0]["field"], &refused["position"]),
            (&json!("file"), &Value::Null),
            "{name}"
        );
    }
    assert_eq!(installation.events().await, before);
    // The same again says so, and one that is cancelled in review is gone.
    let first = upload(&admin, &file("ben@northwind.example;Ben;Ruiz;;;\r\n")).await["peopleImport"].take();
    let second = upload(&admin, &file("ben@northwind.example;Ben;Ruiz;;;\r\n")).await["peopleImport"].take();
    assert_eq!(second["duplicateOfId"], first["id"]);
    let cancelled = admin.mutate("cancelImport", json!({ "importId": first["id"] }), "peopleImport { status }").await;
    assert_eq!(cancelled["peopleImport"]["status"], "CANCELLED");
    let confirm = json!({ "importId": first["id"], "locale": "en" });
    assert_eq!(admin.refusal("confirmImport", confirm).await.0, "WRONG_STATE");
}

#[tokio::test]
async fn templates_are_there_for_everybody() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let csv = installation.get("/import-template.csv").send().await.unwrap().text().await.unwrap();
    let header = csv.trim_start_matches('\u{FEFF}').lines().next().unwrap().to_owned();
    assert_eq!(
        header,
        "Email*,First Name*,Last Name*,Job Title,Department,Division,Location,Phone,Locale,Manager Email,Start Date"
    );
    let xlsx = installation.get("/import-template.xlsx").send().await.unwrap().bytes().await.unwrap();
    for template in [csv.as_bytes(), &xlsx] {
        let taken = upload(&admin, template).await;
        let code = taken["userErrors"][0]["code"].as_str().unwrap_or("NONE");
        assert!(["NONE", "FILE_EMPTY"].contains(&code), "its columns are known: {taken}");
    }
}
