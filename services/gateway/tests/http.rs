//! The transport: cross-site requests, media types, sizes, limits, headers, development.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use prometheus_client::encoding::text::encode;
use reqwest::{RequestBuilder, header};
use serde_json::{Value, json};
use support::{Installation, ORIGIN};

const VIEWER: &str = "{ viewer { isSystemAdmin } }";

async fn status_and_code(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned())
}

#[tokio::test]
async fn a_cookie_works_from_the_own_origin_with_a_header_only() {
    let installation = Installation::start().await;
    let token = installation.found("anna@northwind.example").await.token.unwrap();
    let body = json!({ "query": VIEWER });
    let with_cookie = || installation.post("/graphql").json(&body).header(header::COOKIE, format!("session={token}"));
    let code = |request| status_and_code(request);
    assert_eq!(code(with_cookie()).await, (403, "CSRF".into()));
    assert_eq!(code(with_cookie().header("x-requested-with", "x")).await, (200, "none".into()));
    assert_eq!(
        code(with_cookie().header("apollo-require-preflight", "x").header("origin", ORIGIN)).await,
        (200, "none".into())
    );
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let request = with_cookie().header("x-requested-with", "x").header(name, value);
        assert_eq!(code(request).await, (403, "CSRF".into()), "{name}");
        let request = installation.post("/graphql").json(&body).bearer_auth(&token).header(name, value);
        assert_eq!(code(request).await, (200, "none".into()), "bearer, {name}");
        // Nobody is signed in from another page.
        let sign_in = json!({ "query": "mutation { signIn(input: { email: \"a\", password: \"b\" }) { position } }" });
        let request = installation.post("/graphql").json(&sign_in).header(name, value);
        assert_eq!(code(request).await, (403, "CSRF".into()), "sign-in, {name}");
    }
    let two = installation.post("/graphql").json(&body).header("x-requested-with", "x");
    let two = two.header(header::COOKIE, format!("session={token}; session={token}"));
    assert_eq!(code(two).await, (200, "NOT_SIGNED_IN".into()), "which of two cookies is ours cannot be told");
}

#[tokio::test]
async fn what_is_no_request_is_answered_as_such() {
    let installation = Installation::start().await;
    let post = || installation.post("/graphql");
    let json_text = |text: &'static str| post().header("content-type", "application/json").body(text);
    for (request, status) in [
        (post().body("{}"), 415),
        (post().header("content-type", "text/plain").body(r#"{"query":"{__typename}"}"#), 415),
        (post().form(&[("query", "{__typename}")]), 415),
        (json_text(""), 400),
        (json_text("nonsense"), 400),
        (json_text("\"text\""), 400),
        (json_text(r#" [{"query":"{__typename}"}]"#), 400),
        (json_text(r#"{"query":5}"#), 400),
        (json_text("\u{0}"), 400),
        (post().json(&json!({ "query": "x".repeat(300_000) })), 413),
        (post().json(&json!({ "query": "x".repeat(40_000) })), 200),
        (json_text("{}"), 200),
    ] {
        assert_eq!(status_and_code(request).await, (status, "BAD_REQUEST".into()));
    }
    // The media type of the specification has its status as well.
    let request = post().json(&json!({ "query": "{ nothing }" })).header("accept", "application/graphql-response+json");
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (400, &"application/graphql-response+json".parse().unwrap())
    );
    assert_eq!(installation.get("/graphql?query={__typename}").send().await.unwrap().status(), 405);
    assert_eq!(installation.get("/nothing").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn requests_that_cost_too_much_are_refused_and_tools_can_ask_for_the_schema() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let deep = format!(
        "{{ viewer {{ person {{ {}roles {{ id{} }} }} }} }}",
        "roles { holders { nodes { ".repeat(4),
        " } } }".repeat(4)
    );
    let bomb = (0..20).map(|n| format!(" fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1)).collect::<String>();
    let bomb = format!("{{ ...F0 }}{bomb} fragment F20 on Query {{ viewer {{ isSystemAdmin }} }}");
    let brackets = "{a".repeat(5_000);
    for query in [
        deep.as_str(),
        &bomb,
        &brackets,
        "{ people(first: 200) { nodes { roles { holders(first: 200) { nodes { id } } } } } }",
        &format!("{{ {} }}", (0..1_001).map(|n| format!("a{n}: __typename ")).collect::<String>()),
        &format!(
            "mutation {{ {} }}",
            (0..30)
                .map(|n| format!("a{n}: signIn(input: {{ email: \"a\", password: \"b\" }}) {{ position }} "))
                .collect::<String>()
        ),
        &format!("{{ {} }}", "__schema { types { fields { type { fields { type { fields { name } } } } } } }"),
    ] {
        let shown: String = query.chars().take(60).collect();
        assert_eq!(admin.error(query).await, "BAD_REQUEST", "{shown}");
    }
    let full = "{ people(first: 200) { totalCount pageInfo { endCursor } edges { cursor node { id email displayName status department jobTitle location phone locale createdAt roles { id name } } } } }";
    admin.query(full).await;
    let introspection = include_str!("introspection.graphql");
    let schema = installation.nobody().query(introspection).await;
    assert!(schema["__schema"]["types"].as_array().unwrap().len() > 50);
}

#[tokio::test]
async fn answers_have_an_id_and_safe_headers_and_are_measured() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let response = admin.respond(VIEWER, json!({})).await;
    let text = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(text("x-request-id").len(), 36);
    assert_eq!((text("cache-control"), text("x-content-type-options")), ("no-store".into(), "nosniff".into()));
    assert_eq!(text("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert!(!response.headers().contains_key("strict-transport-security"), "there is no https here");
    // The request's id is the correlation of what it causes.
    let query = "mutation { createRole(input: { name: \"x\", rights: [MANAGE_DEVICES] }) { position } }";
    let response = admin.respond(query, json!({})).await;
    let head = installation.log.head().await.unwrap().unwrap();
    let before = schema::Position::at(head.commit - 1);
    let event = installation.log.read_all(Some(before), 1).await.unwrap().remove(0);
    assert_eq!(event.correlation.to_string(), response.headers()["x-request-id"].to_str().unwrap());
    admin.refusal("createRole", json!({ "name": "x", "rights": ["MANAGE_DEVICES"] })).await;
    admin.send("{ nonsense }", json!({})).await;
    let mut metrics = String::new();
    encode(&mut metrics, &installation.registry).unwrap();
    for line in [
        "gateway_operations_total{operation=\"viewer\"} 1",
        "gateway_operations_total{operation=\"createRole\"} 2",
        "gateway_user_errors_total{code=\"ROLE_NAME_TAKEN\"} 1",
        "gateway_http_requests_total{route=\"/graphql\",status=\"2xx\"}",
        "gateway_view_wait_seconds_count{view=\"directory\"}",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    assert!(!metrics.contains("nonsense"));
}

#[tokio::test]
async fn https_locks_the_cookie_and_development_opens_tools() {
    let installation = Installation::with(|config| config.public_origin = "https://accounts.example.com".into()).await;
    let query = "mutation { signOut { userErrors { code } } }";
    let response = installation.nobody().respond(query, json!({})).await;
    assert_eq!(response.headers()["strict-transport-security"], "max-age=31536000");
    let admin = installation.found("anna@northwind.example").await;
    let response = admin.respond(query, json!({})).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert_eq!(cookie, "__Host-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    for path in ["/graphiql", "/dev/mailbox", "/dev/mailbox.json"] {
        assert_eq!(installation.get(path).send().await.unwrap().status(), 404, "{path}");
    }
    let development = Installation::with(|config| config.development = true).await;
    development.found("anna@northwind.example").await;
    for (path, part) in [
        ("/graphiql", "GraphiQL"),
        ("/dev/mailbox", "is your activation code"),
        ("/dev/mailbox.json", "anna@northwind.example"),
    ] {
        let text = development.get(path).send().await.unwrap().text().await.unwrap();
        assert!(text.contains(part), "{path}: {text}");
    }
}
