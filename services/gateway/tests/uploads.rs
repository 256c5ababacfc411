//! Files that come with requests, and logos that are served.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use support::{Client, Installation, MULTIPART, ORIGIN, multipart};

const CHANGE_LOGO: &str = "mutation($input: ChangeOrganizationLogoInput!) { changeOrganizationLogo(input: $input) { \
    organization { name logo { url width height } } position userErrors { code field message } } }";
/// What `userErrors` is when there are none.
const NONE: Value = Value::Array(Vec::new());

fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height)).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn variables() -> Value {
    json!({ "input": { "logo": null } })
}

async fn change_logo(client: &Client<'_>, file: &[u8]) -> Value {
    let response = client.upload(CHANGE_LOGO, variables(), "input.logo", file).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut answer: Value = response.json().await.unwrap();
    assert_eq!(answer["errors"], Value::Null);
    answer["data"]["changeOrganizationLogo"].take()
}

/// Status and code of a request that is not run.
async fn refusal(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

#[tokio::test]
async fn a_logo_is_uploaded_shown_and_kept_for_ever() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    assert_eq!(admin.query("{ organization { logo { url } } }").await["organization"]["logo"], Value::Null);
    let changed = change_logo(&admin, &picture(4000, 1000)).await;
    assert_eq!((&changed["userErrors"], changed["position"].is_string()), (&NONE, true), "{changed}");
    let logo = changed["organization"]["logo"].clone();
    assert_eq!((&logo["width"], &logo["height"]), (&json!(2048), &json!(512)));
    let path = logo["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();

    // Anybody may see it.
    let response = installation.get(&path).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-disposition"), "inline");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    let (tag, length) = (header("etag"), header("content-length"));
    let image = image::load_from_memory(&response.bytes().await.unwrap()).unwrap();
    assert_eq!((image.width(), image.height()), (2048, 512));

    let http = reqwest::Client::new();
    let head = http.head(installation.url(&path)).send().await.unwrap();
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, &*length));
    for (known, status) in [(&*tag, 304), (&*format!("\"x\", W/{tag}"), 304), ("*", 304), ("\"x\"", 200)] {
        let response = installation.get(&path).header("if-none-match", known).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{known}");
        assert_eq!(response.headers()["etag"], tag);
    }

    // The one before stays where it was.
    let second = change_logo(&admin, &picture(600, 300)).await["organization"]["logo"]["url"].take();
    assert_ne!(second, logo["url"]);
    assert_eq!(installation.get(&path).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(admin.query("{ organization { logo { url } } }").await["organization"]["logo"]["url"], second);
    let other = path.replace("/logos/org_", "/logos/org_f").replacen(".png", "", 1);
    for path in [
        &path.replace(".png", ""),
        &path.replace(".png", ".svg"),
        &path.to_uppercase(),
        &other,
        "/logos/org_00000000000000000000000000000001/..%2f..%2fmaster.key.png",
        "/logos/..%2f..%2flog/log.db",
        "/logos/x",
    ] {
        assert_eq!(installation.get(path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_logo_gets_its_code_and_changes_nothing() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let before = installation.events().await;
    let large = [picture(600, 300), vec![0; 10 * 1024 * 1024]].concat();
    for (file, code) in [
        (&b""[..], "NOT_AN_IMAGE"),
        (b"Email*,First Name*\r\n", "NOT_AN_IMAGE"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "NOT_AN_IMAGE"),
        (&picture(600, 300)[..500], "NOT_AN_IMAGE"),
        (&picture(400, 300), "IMAGE_TOO_SMALL"),
        (&large, "IMAGE_TOO_LARGE"),
    ] {
        let payload = change_logo(&admin, file).await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!("logo")), "{payload}");
        assert_eq!((&payload["organization"], &payload["position"]), (&Value::Null, &Value::Null));
    }
    assert_eq!(installation.events().await, before);
}

#[tokio::test]
async fn the_profile_is_changed_by_those_who_may() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let (ben, member) = admin.add_person("ben@northwind.example").await;
    let rename = json!({ "name": "Südwind" });
    assert_eq!(member.refusal("renameOrganization", rename.clone()).await.0, "FORBIDDEN");
    // Not even what is no image is looked at for somebody who may not.
    assert_eq!(change_logo(&member, b"no image").await["userErrors"][0]["code"], "FORBIDDEN");
    let role = json!({ "name": "Brand", "rights": ["MANAGE_ORGANIZATION"] });
    let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
    admin.mutate("assignRole", json!({ "roleId": role, "personId": ben }), "role { id }").await;
    let renamed = member.mutate("renameOrganization", rename, "organization { name }").await;
    assert_eq!(renamed["organization"]["name"], "Südwind");
    let changed = change_logo(&member, &picture(600, 300)).await;
    assert_eq!(changed["userErrors"], NONE);
    assert_eq!(admin.query("{ organization { name } }").await["organization"]["name"], "Südwind");
    assert_eq!(member.refusal("renameOrganization", json!({ "name": " " })).await, ("REQUIRED".into(), "name".into()));
}

#[tokio::test]
async fn requests_with_files_are_taken_from_members_on_the_own_pages_only() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let file = picture(600, 300);
    let with_cookie = || {
        let request = installation.nobody().upload(CHANGE_LOGO, variables(), "input.logo", &file);
        request.header("cookie", format!("session={}", admin.token.as_ref().unwrap()))
    };
    assert_eq!(refusal(with_cookie()).await, (403, "CSRF".into()));
    let foreign = with_cookie().header("x-requested-with", "x").header("origin", "https://evil.example");
    assert_eq!(refusal(foreign).await, (403, "CSRF".into()));
    let own = with_cookie().header("x-requested-with", "x").header("origin", ORIGIN).send().await.unwrap();
    let answer: Value = own.json().await.unwrap();
    assert_eq!(answer["data"]["changeOrganizationLogo"]["userErrors"], NONE, "{answer}");
    // Nobody's file is read before it is known whose it is, but all of it is taken from the line.
    let unknown = installation.nobody().upload("{ __typename }", variables(), "input.logo", &vec![0; 30 << 20]);
    assert_eq!(refusal(unknown).await, (200, "NOT_SIGNED_IN".into()));
}

#[tokio::test]
async fn what_is_no_request_with_a_file_is_answered_as_such() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let before = installation.events().await;
    let file = picture(600, 300);
    let operations = json!({ "query": CHANGE_LOGO, "variables": variables() }).to_string();
    let (operations, map) = (operations.as_bytes(), &br#"{"0":["variables.input.logo"]}"#[..]);
    let post = |body: Vec<u8>| {
        let request = installation.post("/graphql").header("content-type", MULTIPART).body(body);
        request.bearer_auth(admin.token.as_ref().unwrap())
    };
    let parts = |parts: &[(&str, &[u8])]| post(multipart(parts));
    let (ops, whole) = (("operations", operations), [("operations", operations), ("map", map), ("0", &file)]);
    let batch = [b"[", operations, b"]"].concat();
    let long = json!({ "query": "x".repeat(300_000) }).to_string();
    for (request, status, code) in [
        (post(Vec::new()), 400, "BAD_REQUEST"),
        (post(b"--a-line-between".to_vec()), 400, "BAD_REQUEST"),
        (post(multipart(&whole)[..2_000].to_vec()), 400, "BAD_REQUEST"),
        (parts(&[]), 400, "BAD_REQUEST"),
        (parts(&[ops]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("map", b"{}")]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("map", b"[]"), ("0", &file)]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("map", map)]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("map", map), ("1", &file)]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("0", &file), ("map", map)]), 400, "BAD_REQUEST"),
        (parts(&[("map", map), ops, ("0", &file)]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("map", br#"{"0":["variables.input.picture"]}"#), ("0", &file)]), 400, "BAD_REQUEST"),
        (parts(&[ops, ("map", br#"{"0":["query"]}"#), ("0", &file)]), 400, "BAD_REQUEST"),
        (parts(&[("operations", &batch), ("map", map), ("0", &file)]), 400, "BAD_REQUEST"),
        (parts(&[("operations", b"{"), ("map", map), ("0", &file)]), 400, "BAD_REQUEST"),
        // Two files, named or not.
        (parts(&[whole[0], whole[1], whole[2], ("1", &file)]), 400, "BAD_REQUEST"),
        (
            parts(&[
                ops,
                ("map", br#"{"0":["variables.input.logo"],"1":["variables.x"]}"#),
                ("0", &file),
                ("1", &file),
            ]),
            400,
            "BAD_REQUEST",
        ),
        // Too large: the whole, the request itself, the map.
        (parts(&[ops, ("map", map), ("0", &vec![0; 11 << 20])]), 413, "FILE_TOO_LARGE"),
        (parts(&[ops, ("map", map), ("0", &vec![0; 40 << 20])]), 413, "FILE_TOO_LARGE"),
        (parts(&[("operations", long.as_bytes()), ("map", map), ("0", &file)]), 413, "FILE_TOO_LARGE"),
        (parts(&[ops, ("map", &vec![b' '; 2_000]), ("0", &file)]), 413, "FILE_TOO_LARGE"),
        // The limits of requests hold for those with files too, and a logo costs half of what a request may.
        (
            parts(&[
                (
                    "operations",
                    json!({ "query": "{a".repeat(5_000) , "variables": variables() }).to_string().as_bytes(),
                ),
                whole[1],
                whole[2],
            ]),
            200,
            "BAD_REQUEST",
        ),
        (
            parts(&[
                (
                    "operations",
                    json!({
                        "query": "mutation($input: ChangeOrganizationLogoInput!) { \
                            a: changeOrganizationLogo(input: $input) { position } \
                            b: changeOrganizationLogo(input: $input) { position } }",
                        "variables": variables(),
                    })
                    .to_string()
                    .as_bytes(),
                ),
                whole[1],
                whole[2],
            ]),
            200,
            "BAD_REQUEST",
        ),
    ] {
        assert_eq!(refusal(request).await, (status, code.to_owned()));
    }
    // Without a file there is no way to claim one.
    for claimed in [json!(null), json!("file"), json!("#__graphql_file__:0"), json!([102, 105, 108, 101]), json!({})] {
        let answer = admin.send(CHANGE_LOGO, json!({ "input": { "logo": claimed } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{answer}");
    }
    // A file for a variable of another type is not written into the answer.
    let query = "mutation($name: String!) { renameOrganization(input: { name: $name }) { position } }";
    let answer = admin.upload(query, json!({ "name": null }), "name", &file).send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("BAD_REQUEST") && text.len() < 1_000, "{text}");
    assert_eq!(installation.events().await, before);
}

#[tokio::test]
async fn logos_of_an_organization_are_counted() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let code = async || change_logo(&admin, b"no image").await["userErrors"][0]["code"].take();
    for _ in 0..20 {
        assert_eq!(code().await, "NOT_AN_IMAGE");
    }
    assert_eq!(code().await, "RATE_LIMITED");
}
