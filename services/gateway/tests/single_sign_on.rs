//! Identity providers and one's own sessions as admins and frontends see them: what is refused, and how.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{Client, Installation, PASSWORD, certificate};

fn saml(change: impl FnOnce(&mut Value)) -> Value {
    let mut saml = json!({
        "issuer": "https://idp.example", "ssoUrl": "https://idp.example/sso?tenant=1", "certificates": [certificate(1)],
    });
    change(&mut saml);
    json!({ "saml": saml })
}

async fn add(admin: &Client<'_>, configuration: Value) -> (String, String) {
    admin.refusal("addSsoProvider", json!({ "name": "Another", "configuration": configuration })).await
}

#[tokio::test]
async fn what_cannot_be_a_provider_is_refused_where_it_is_wrong() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let refused = add(&admin, saml(|_| {})).await;
    assert_eq!(refused.0, "DOMAIN_NOT_VERIFIED", "without a verified domain");
    installation.add_provider(&admin).await;
    let long = "x".repeat(3_000);
    let open_id = |issuer: &str, secret: Value| json!({ "openIdConnect": { "issuer": issuer, "clientId": "us", "clientSecret": secret } });
    for (configuration, code, field) in [
        (saml(|saml| saml["ssoUrl"] = json!("javascript:alert(1)")), "INVALID_URL", "ssoUrl"),
        (saml(|saml| saml["ssoUrl"] = json!("https://a:b@idp.example")), "INVALID_URL", "ssoUrl"),
        (saml(|saml| saml["ssoUrl"] = json!("idp.example")), "INVALID_URL", "ssoUrl"),
        (saml(|saml| saml["logoutUrl"] = json!("ftp://idp.example")), "INVALID_URL", "logoutUrl"),
        (saml(|saml| saml["issuer"] = json!(" ")), "REQUIRED", "issuer"),
        (saml(|saml| saml["issuer"] = json!(long)), "TOO_LONG", "issuer"),
        (saml(|saml| saml["issuer"] = json!("a\u{0}b")), "INVALID_CHARACTERS", "issuer"),
        (saml(|saml| saml["certificates"] = json!([])), "REQUIRED", "certificates"),
        (saml(|saml| saml["certificates"] = json!(["a", "b", "c"])), "TOO_MANY", "certificates"),
        (
            saml(|saml| saml["certificates"] = json!([certificate(1), "nonsense"])),
            "INVALID_CERTIFICATE",
            "certificates.1",
        ),
        (json!({ "samlMetadata": "<html/>" }), "INVALID_METADATA", "metadata"),
        (json!({ "samlMetadata": "<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>" }), "INVALID_METADATA", "metadata"),
        (open_id("https://idp.example", Value::Null), "REQUIRED", "clientSecret"),
        (open_id("https://idp.example#x", json!("s")), "INVALID_URL", "issuer"),
    ] {
        let refused = add(&admin, configuration.clone()).await;
        assert_eq!(refused, (code.to_owned(), field.to_owned()), "{configuration}");
    }
    let bad = |name: &str, domains: Value| json!({ "name": name, "domains": domains, "configuration": saml(|_| {}) });
    for (input, code) in [
        (bad("", json!([])), "REQUIRED"),
        (bad("northwind LOGIN", json!([])), "PROVIDER_NAME_TAKEN"),
        (bad("Another", json!(["tailspin.example"])), "DOMAIN_NOT_VERIFIED"),
        (bad("Another", json!(["no domain"])), "INVALID_DOMAIN"),
    ] {
        assert_eq!(admin.refusal("addSsoProvider", input).await.0, code);
    }
    let nobody = json!({ "loginMethod": "SINGLE_SIGN_ON" });
    assert_eq!(admin.refusal("setDefaultLoginMethod", nobody).await.0, "NO_ACTIVE_PROVIDER");
    assert_eq!(admin.refusal("setSingleSignOn", json!({ "required": true })).await.0, "REQUIRED");
    let (ben, _) = admin.add_person("ben@northwind.example").await;
    let way_back_in = json!({ "required": true, "wayBackIn": ben });
    assert_eq!(admin.refusal("setSingleSignOn", way_back_in).await.0, "NO_WAY_BACK_IN");
    let method = json!({ "personId": ben, "loginMethod": "SINGLE_SIGN_ON" });
    assert_eq!(admin.refusal("setLoginMethod", method).await.0, "NO_ACTIVE_PROVIDER");
}

#[tokio::test]
async fn a_client_secret_is_never_shown_and_goes_to_its_issuer_alone() {
    const SECRET: &str = "nobody else may know this";
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    installation.verify_domain(&admin, "northwind.example").await;
    let open_id = |issuer: &str, secret: Value| json!({ "openIdConnect": { "issuer": issuer, "clientId": "us", "clientSecret": secret } });
    let input = json!({ "name": "OpenID", "configuration": open_id("https://idp.example", json!(SECRET)) });
    let selection = "ssoProvider { id configuration { ... on OpenIdConnectConfiguration { issuer clientId } } }";
    let added = admin.mutate("addSsoProvider", input, selection).await["ssoProvider"].take();
    let update = |issuer: &str, name: &str| json!({ "providerId": added["id"], "name": name, "configuration": open_id(issuer, Value::Null) });
    let renamed = admin.mutate("updateSsoProvider", update("https://idp.example", "Renamed"), "").await;
    let elsewhere = admin.refusal("updateSsoProvider", update("https://evil.example", "Renamed")).await;
    assert_eq!(elsewhere, ("REQUIRED".to_owned(), "clientSecret".to_owned()));
    let query = "query($p: Position) { history(first: 50, afterPosition: $p) { nodes { summary details changes { field before after } } } }";
    let shown = admin.send(query, json!({ "p": renamed["position"] })).await.to_string();
    assert!(shown.contains("Renamed") && !shown.contains(SECRET) && !shown.contains("\"secret\""), "{shown}");
    admin.mutate("removeSsoProvider", json!({ "providerId": added["id"] }), "removedId").await;
    let query = "query($id: ID!) { ssoProvider(id: $id) { id } }";
    assert_eq!(admin.send(query, json!({ "id": added["id"] })).await["data"]["ssoProvider"], Value::Null);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions() {
    let installation = Installation::start().await;
    let anna = installation.found("anna@northwind.example").await;
    let sign_in = json!({ "email": "anna@northwind.example", "password": PASSWORD });
    let begin = async || {
        installation.nobody().mutate("signIn", sign_in.clone(), "session { id token }").await["session"].take()
    };
    let (second, third) = (begin().await, begin().await);
    let list = "{ viewer { sessions { id isCurrent device network loginMethod startedAt lastUsedAt expiresAt } } }";
    let sessions = anna.query(list).await["viewer"]["sessions"].take();
    let of = |sessions: &Value, id: &Value| sessions.as_array().unwrap().iter().find(|s| s["id"] == *id).cloned();
    assert_eq!(sessions.as_array().unwrap().len(), 3, "{sessions:#}");
    let current: Vec<_> = sessions.as_array().unwrap().iter().filter(|s| s["isCurrent"] == true).collect();
    assert_eq!(current.len(), 1);
    let shown = of(&sessions, &second["id"]).unwrap();
    assert_eq!((&shown["loginMethod"], &shown["network"]), (&json!("PASSWORD"), &json!("127.0.0.0/24")));

    anna.mutate("signOut", json!({ "sessionId": second["id"] }), "sessionId logoutUrl").await;
    let of_second = installation.client(second["token"].as_str().unwrap());
    assert_eq!(of_second.error(list).await, "NOT_SIGNED_IN");
    let sessions = anna.query(list).await["viewer"]["sessions"].take();
    assert!(of(&sessions, &second["id"]).is_none() && of(&sessions, &third["id"]).is_some());
    // Somebody else's is as if it were not there.
    let (_, ben) = anna.add_person("ben@northwind.example").await;
    assert_eq!(ben.refusal("signOut", json!({ "sessionId": third["id"] })).await.0, "NOT_FOUND");
    let everywhere = "mutation { signOutEverywhere { personId userErrors { code } } }";
    assert_eq!(anna.query(everywhere).await["signOutEverywhere"]["userErrors"], json!([]));
    assert_eq!(anna.error(list).await, "NOT_SIGNED_IN");
    assert_eq!(installation.client(third["token"].as_str().unwrap()).error(list).await, "NOT_SIGNED_IN");
    ben.query("{ viewer { rights } }").await;
}

/// Who leads others to a provider of their own would have them signed in as somebody else.
#[tokio::test]
async fn nobody_is_led_to_a_provider_by_other_websites() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let provider = installation.add_provider(&admin).await;
    let path = format!("/sso/{}/start?login_hint=a%40b%22", provider["id"].as_str().unwrap());
    let ours = format!("{}/people", support::ORIGIN);
    for (name, value, led_by_us) in [
        ("accept", "*/*", false),
        ("sec-fetch-site", "cross-site", false),
        ("sec-fetch-site", "same-site", false),
        ("referer", "https://evil.example/", false),
        ("referer", "http://accounts.example.com.evil.example/", false),
        ("sec-fetch-site", "none", true),
        ("sec-fetch-site", "same-origin", true),
        ("referer", &*ours, true),
    ] {
        let answer = installation.get(&path).header(name, value).send().await.unwrap();
        // The provider is not active.
        let expected = if led_by_us { 422 } else { 200 };
        assert_eq!(answer.status(), expected, "{name}: {value}");
        let page = answer.text().await.unwrap();
        assert_eq!(page.contains(&format!("href=\"{path}\"")), !led_by_us, "{page}");
    }
}
