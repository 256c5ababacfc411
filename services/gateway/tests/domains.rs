//! Email domains through the API: what is shown to whom, what is refused, and the way to a verified one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{Client, Installation};

const DOMAIN: &str = "domain { id name displayName status verifiedBy proofLost mailboxes verification { method \
    expiresAt mailedTo recordName recordText fileUrl fileContent failure } }";

async fn add(admin: &Client<'_>, domain: &str) -> String {
    let added = admin.mutate("addDomain", json!({ "domain": domain }), DOMAIN).await;
    added["domain"]["id"].as_str().unwrap().to_owned()
}

async fn begin(admin: &Client<'_>, id: &str, method: &str) -> Value {
    let mailbox = if method == "EMAIL" { json!("postmaster") } else { Value::Null };
    let input = json!({ "domainId": id, "method": method, "mailbox": mailbox });
    admin.mutate("beginDomainVerification", input, DOMAIN).await["domain"].take()
}

async fn refused(client: &Client<'_>, mutation: &str, input: Value) -> String {
    let (code, field) = client.refusal(mutation, input).await;
    if field.is_empty() { code } else { format!("{code} at {field}") }
}

/// Somebody in the organization with a role of these rights.
async fn member<'a>(admin: &Client<'a>, email: &str, rights: &[&str]) -> Client<'a> {
    let (person, client) = admin.add_person(email).await;
    if !rights.is_empty() {
        let role = json!({ "name": email, "rights": rights });
        let role = admin.mutate("createRole", role, "role { id }").await["role"]["id"].take();
        admin.mutate("assignRole", json!({ "roleId": role, "personId": person }), "").await;
    }
    client
}

#[tokio::test]
async fn a_domain_from_the_first_mention_to_its_removal() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let added = admin.mutate("addDomain", json!({ "domain": "BÜCHER.example" }), DOMAIN).await;
    let domain = &added["domain"];
    let id = domain["id"].as_str().unwrap();
    assert!(id.starts_with("dom_") && added["position"].is_string(), "{added}");
    let mailboxes = ["admin", "administrator", "postmaster", "webmaster", "hostmaster"];
    let expected = json!({
        "id": id, "name": "xn--bcher-kva.example", "displayName": "bücher.example", "status": "ALLOWED",
        "verifiedBy": null, "proofLost": false, "mailboxes": mailboxes, "verification": null,
    });
    assert_eq!(*domain, expected);
    // The directory follows, at the position that the answer names.
    let allowed = |position: &Value| format!("{{ organization(afterPosition: {position}) {{ allowedDomains }} }}");
    let organization = admin.query(&allowed(&added["position"])).await;
    assert_eq!(organization["organization"]["allowedDomains"], json!(["northwind.example", "xn--bcher-kva.example"]));

    let record = begin(&admin, id, "DNS_TXT").await;
    assert_eq!((&record["status"], &record["verification"]["method"]), (&json!("PENDING"), &json!("DNS_TXT")));
    let shown = |domain: &Value, field: &str| domain["verification"][field].as_str().unwrap_or_default().to_owned();
    assert_eq!(shown(&record, "recordName"), "_work-accounts-challenge.xn--bcher-kva.example");
    let text = shown(&record, "recordText");
    let (token, expiry) = text.strip_prefix("token=").unwrap().split_once(" expiry=").unwrap();
    assert!(token.len() >= 22, "at least 128 bits: {token}");
    assert_eq!(expiry, "2026-01-04T00:00:00Z");
    assert_eq!(shown(&record, "fileUrl") + &shown(&record, "mailedTo"), "");
    let file = begin(&admin, id, "HTML_FILE").await;
    let url = shown(&file, "fileUrl");
    let token =
        url.strip_prefix("https://xn--bcher-kva.example/work-accounts-").unwrap().strip_suffix(".html").unwrap();
    assert_eq!(shown(&file, "fileContent"), format!("token={token}"));
    assert!(!text.contains(token), "each attempt has a token of its own");
    assert_eq!(shown(&file, "recordName"), "");
    // There is no way out to the internet here: that is not taken for a proof that is not there.
    let verify = |code: Option<&str>| json!({ "domainId": id, "code": code });
    assert_eq!(refused(&admin, "verifyDomain", verify(None)).await, "PROOF_UNREACHABLE at domainId");

    let mailed = begin(&admin, id, "EMAIL").await;
    assert_eq!(shown(&mailed, "mailedTo"), "postmaster@xn--bcher-kva.example");
    assert_eq!(shown(&mailed, "expiresAt"), "2026-01-01T00:10:00+00:00");
    let code = installation.code("postmaster@xn--bcher-kva.example").await;
    let wrong = if code == "123456" { "654321" } else { "123456" };
    let payload = admin.attempt("verifyDomain", verify(Some(wrong)), DOMAIN).await;
    assert_eq!((&payload["userErrors"][0]["code"], &payload["domain"]), (&json!("WRONG_CODE"), &Value::Null));
    let verified = admin.mutate("verifyDomain", verify(Some(&code)), DOMAIN).await["domain"].take();
    assert_eq!((&verified["status"], &verified["verifiedBy"]), (&json!("VERIFIED"), &json!("EMAIL")));
    assert_eq!(verified["verification"], Value::Null);
    assert_eq!(admin.query(&format!("{{ domain(id: \"{id}\") {{ {} }} }}", fields())).await["domain"], verified);
    let node = format!("{{ node(id: \"{id}\") {{ __typename ... on Domain {{ name status }} }} }}");
    let expected = json!({ "__typename": "Domain", "name": "xn--bcher-kva.example", "status": "VERIFIED" });
    assert_eq!(admin.query(&node).await["node"], expected);
    let all = admin.query("{ domains { name status } }").await;
    let expected = json!([
        { "name": "northwind.example", "status": "ALLOWED" },
        { "name": "xn--bcher-kva.example", "status": "VERIFIED" },
    ]);
    assert_eq!(all["domains"], expected);

    // Somebody else cannot have it, however they try.
    let other = installation.found("zoe@tailspin.example").await;
    let taken = json!({ "domain": "bücher.example" });
    assert_eq!(refused(&other, "addDomain", taken.clone()).await, "DOMAIN_TAKEN at domain");
    let signup = json!({ "email": "zoe@bücher.example" });
    assert_eq!(refused(&installation.nobody(), "beginSignup", signup.clone()).await, "DOMAIN_TAKEN at email");

    let removed = admin.mutate("removeDomain", json!({ "domainId": id }), "removedId").await;
    assert_eq!(removed["removedId"], *id);
    let organization = admin.query(&allowed(&removed["position"])).await;
    assert_eq!(organization["organization"]["allowedDomains"], json!(["northwind.example"]));
    assert_eq!(admin.query(&node).await["node"], Value::Null);
    assert_eq!(refused(&admin, "removeDomain", json!({ "domainId": id })).await, "NOT_FOUND at domainId");
    let ben = json!({ "email": "ben@bücher.example", "givenName": "Ben", "familyName": "Okafor" });
    assert_eq!(refused(&admin, "createAccount", ben.clone()).await, "DOMAIN_NOT_ALLOWED at email");
    other.mutate("addDomain", taken, "").await;
    other.mutate("createAccount", ben, "").await;
    installation.nobody().mutate("beginSignup", signup, "signupId").await;
}

/// What is selected of a domain by itself.
fn fields() -> &'static str {
    DOMAIN.strip_prefix("domain {").unwrap().strip_suffix('}').unwrap()
}

#[tokio::test]
async fn bad_input_is_told_where_it_is() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let id = add(&admin, "fabrikam.example").await;
    let events = installation.events().await;
    let long = format!("{}.example", "a.".repeat(146));
    for (domain, expected) in [
        ("", "REQUIRED at domain"),
        ("https://fabrikam.example/path", "INVALID_DOMAIN at domain"),
        ("fabrikam.example:8443", "INVALID_DOMAIN at domain"),
        ("192.0.2.1", "INVALID_DOMAIN at domain"),
        ("co.uk", "INVALID_DOMAIN at domain"),
        (&long, "INVALID_DOMAIN at domain"),
        ("fаbrikam.example", "LOOK_ALIKE_DOMAIN at domain"),
        ("gmail.com", "CONSUMER_EMAIL_DOMAIN at domain"),
    ] {
        assert_eq!(refused(&admin, "addDomain", json!({ "domain": domain })).await, expected, "{domain}");
    }
    let begin = |id: &str, mailbox: Value| json!({ "domainId": id, "method": "EMAIL", "mailbox": mailbox });
    for (input, expected) in [
        (begin("", json!("admin")), "INVALID_ID at domainId"),
        (begin("acc_00000000000000000000000000000001", json!("admin")), "INVALID_ID at domainId"),
        (begin("dom_00000000000000000000000000000001", json!("admin")), "NOT_FOUND at domainId"),
        (begin(&id, Value::Null), "REQUIRED at mailbox"),
        (begin(&id, json!("")), "INVALID_VALUE at mailbox"),
        (begin(&id, json!("anna")), "INVALID_VALUE at mailbox"),
        (begin(&id, json!("x".repeat(100_000))), "INVALID_VALUE at mailbox"),
    ] {
        assert_eq!(refused(&admin, "beginDomainVerification", input).await, expected);
    }
    for (id, expected) in [
        ("x", "INVALID_ID at domainId"),
        ("dom_00000000000000000000000000000001", "NOT_FOUND at domainId"),
        (&id, "WRONG_STATE at domainId"),
    ] {
        assert_eq!(refused(&admin, "verifyDomain", json!({ "domainId": id, "code": "123456" })).await, expected);
    }
    assert_eq!(refused(&admin, "removeDomain", json!({ "domainId": "x" })).await, "INVALID_ID at domainId");
    assert_eq!(admin.error("{ domain(id: \"x\") { id } }").await, "INVALID_ID");
    assert_eq!(installation.events().await, events, "nothing was written");
    for _ in 0..5 {
        admin.mutate("beginDomainVerification", begin(&id, json!("admin")), "").await;
    }
    let sixth = refused(&admin, "beginDomainVerification", begin(&id, json!("admin"))).await;
    assert!(sixth.starts_with("RATE_LIMITED"), "{sixth}");
    for code in ["", "12345", "x", &"1".repeat(100_000)] {
        let payload = admin.attempt("verifyDomain", json!({ "domainId": id, "code": code }), "").await;
        assert_eq!(payload["userErrors"][0]["code"], "WRONG_CODE", "{code:.20}");
    }
    assert_eq!(refused(&admin, "verifyDomain", json!({ "domainId": id })).await, "REQUIRED at code");
}

#[tokio::test]
async fn each_sees_and_does_what_is_theirs() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let id = add(&admin, "fabrikam.example").await;
    begin(&admin, &id, "DNS_TXT").await;
    let domains = member(&admin, "dora@northwind.example", &["MANAGE_DOMAINS"]).await;
    let accounts = member(&admin, "ada@northwind.example", &["MANAGE_ACCOUNTS"]).await;
    let devices = member(&admin, "dan@northwind.example", &["MANAGE_DEVICES"]).await;
    let plain = member(&admin, "ben@northwind.example", &[]).await;
    let stranger = installation.found("zoe@tailspin.example").await;
    let nobody = installation.nobody();

    let one = format!("{{ domain(id: \"{id}\") {{ {} }} }}", fields());
    let node = format!("{{ node(id: \"{id}\") {{ id }} }}");
    let whole = admin.query(&one).await["domain"].take();
    assert!(whole["verification"]["recordText"].is_string());
    assert_eq!(domains.query(&one).await["domain"], whole);
    // Whoever adds people sees which addresses they may have, but not what proves the domain.
    let mut without = whole.clone();
    without["verification"] = Value::Null;
    assert_eq!(accounts.query(&one).await["domain"], without);
    assert_eq!(accounts.query("{ domains { name } }").await["domains"].as_array().unwrap().len(), 2);
    for (client, code) in [(&devices, "FORBIDDEN"), (&plain, "FORBIDDEN"), (&nobody, "NOT_SIGNED_IN")] {
        assert_eq!(client.error(&one).await, code);
        assert_eq!(client.error("{ domains { name } }").await, code);
    }
    assert_eq!(stranger.query(&one).await["domain"], Value::Null);
    assert_eq!(stranger.query(&node).await["node"], Value::Null);
    assert_eq!(stranger.query("{ domains { name } }").await["domains"], json!([{ "name": "tailspin.example" }]));

    let events = installation.events().await;
    let forbidden = [
        (&accounts, "FORBIDDEN"),
        (&devices, "FORBIDDEN"),
        (&plain, "FORBIDDEN"),
        (&stranger, "NOT_FOUND at domainId"),
        (&nobody, "NOT_SIGNED_IN"),
    ];
    for (client, expected) in forbidden {
        for (mutation, input) in [
            ("beginDomainVerification", json!({ "domainId": id, "method": "DNS_TXT" })),
            ("verifyDomain", json!({ "domainId": id, "code": "123456" })),
            ("removeDomain", json!({ "domainId": id })),
        ] {
            let refusal = refused(client, mutation, input).await;
            assert!(refusal.starts_with(expected), "{mutation}: {refusal}");
        }
        if expected != "NOT_FOUND at domainId" {
            let refusal = refused(client, "addDomain", json!({ "domain": "contoso.example" })).await;
            assert!(refusal.starts_with(expected), "addDomain: {refusal}");
        }
    }
    assert_eq!(installation.events().await, events, "nothing was written");
    let other = add(&domains, "contoso.example").await;
    begin(&domains, &other, "HTML_FILE").await;
    domains.mutate("removeDomain", json!({ "domainId": other }), "").await;
}

/// Whoever signs up may name any domain, and must not have us flood whoever has it.
#[tokio::test]
async fn nobody_is_flooded_with_looks() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let id = add(&admin, "fabrikam.example").await;
    let look = || json!({ "domainId": id });
    for _ in 0..60 {
        assert_eq!(refused(&admin, "verifyDomain", look()).await, "WRONG_STATE at domainId");
    }
    assert_eq!(refused(&admin, "verifyDomain", look()).await, "RATE_LIMITED");
    for _ in 0..200 {
        admin.mutate("beginDomainVerification", json!({ "domainId": id, "method": "HTML_FILE" }), "").await;
    }
    let again = json!({ "domainId": id, "method": "DNS_TXT" });
    assert_eq!(refused(&admin, "beginDomainVerification", again).await, "RATE_LIMITED");
    let other = installation.found("zoe@tailspin.example").await;
    let theirs = add(&other, "fabrikam.example").await;
    assert_eq!(refused(&other, "verifyDomain", json!({ "domainId": theirs })).await, "WRONG_STATE at domainId");
}
