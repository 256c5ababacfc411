//! What is refused, and how: every mutation with bad input, tries that are too many, races.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Installation, PASSWORD, Unit};

/// Refusals as `CODE at field`.
async fn refused(client: &support::Client<'_>, mutation: &str, input: Value) -> String {
    let (code, field) = client.refusal(mutation, input).await;
    if field.is_empty() { code } else { format!("{code} at {field}") }
}

/// `base` with `field` replaced.
fn with(base: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut input = base.clone();
    input[field] = value.into();
    input
}

const FOREIGN: &str = "00000000000000000000000000000001";

#[tokio::test]
async fn a_person_with_bad_fields_is_refused_field_by_field() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let good = json!({ "email": "ben@northwind.example", "givenName": "Ben", "familyName": "Okafor" });
    let long = "x".repeat(10_000);
    let events = installation.events().await;
    for (field, value, expected) in [
        ("email", "", "REQUIRED at email"),
        ("email", "ben", "INVALID_EMAIL at email"),
        ("email", "ben@", "INVALID_EMAIL at email"),
        ("email", "b\u{0}n@northwind.example", "INVALID_EMAIL at email"),
        ("email", "bén@northwind.example", "INVALID_EMAIL at email"),
        ("email", "ben@other.example", "DOMAIN_NOT_ALLOWED at email"),
        ("email", "ben@nоrthwind.example", "LOOK_ALIKE_DOMAIN at email"),
        ("email", &long, "TOO_LONG at email"),
        ("givenName", " \t ", "REQUIRED at givenName"),
        ("givenName", "B\u{202e}en", "INVALID_CHARACTERS at givenName"),
        ("givenName", "B\u{7}en", "INVALID_CHARACTERS at givenName"),
        ("familyName", &long, "TOO_LONG at familyName"),
        ("jobTitle", &long, "TOO_LONG at jobTitle"),
        ("department", "a\u{200b}b", "INVALID_CHARACTERS at department"),
        ("division", &long, "TOO_LONG at division"),
        ("location", "a\nb", "INVALID_CHARACTERS at location"),
        ("phone", &long, "TOO_LONG at phone"),
        ("managerEmail", "nobody", "INVALID_EMAIL at managerEmail"),
        ("locale", "english", "INVALID_VALUE at locale"),
        ("locale", &long, "INVALID_VALUE at locale"),
    ] {
        assert_eq!(refused(&admin, "createAccount", with(&good, field, value)).await, expected, "{field}");
        // The same in a list, with the entry named; the good entry is not created either.
        let list = json!({ "people": [good, with(&with(&good, "email", "carl@northwind.example"), field, value)] });
        let within = expected.replace(" at ", " at people.1.");
        assert_eq!(refused(&admin, "createAccounts", list).await, within, "{field} in a list");
    }
    assert_eq!(refused(&admin, "createAccounts", json!({ "people": [] })).await, "REQUIRED at people");
    let many: Vec<_> = (0..101).map(|n| with(&good, "email", format!("p{n}@northwind.example"))).collect();
    assert_eq!(refused(&admin, "createAccounts", json!({ "people": many })).await, "TOO_MANY at people");
    let twice = json!({ "people": [good, good] });
    assert_eq!(refused(&admin, "createAccounts", twice).await, "EMAIL_TAKEN at people.1.email");
    assert_eq!(installation.events().await, events, "nothing was written");
    admin.mutate("createAccount", good.clone(), "").await;
    assert_eq!(
        refused(&admin, "createAccount", with(&good, "email", " BEN@NORTHWIND.EXAMPLE ")).await,
        "EMAIL_TAKEN at email"
    );
}

#[tokio::test]
async fn a_sign_up_goes_its_steps_in_order_and_in_time() {
    let installation = Installation::start().await;
    let nobody = installation.nobody();
    for (email, expected) in [
        ("", "REQUIRED at email"),
        ("anna", "INVALID_EMAIL at email"),
        ("anna@gmail.com", "CONSUMER_EMAIL_DOMAIN at email"),
        ("anna@co.uk", "INVALID_EMAIL at email"),
        ("anna@раypal.com", "LOOK_ALIKE_DOMAIN at email"),
    ] {
        assert_eq!(refused(&nobody, "beginSignup", json!({ "email": email })).await, expected, "{email}");
    }
    let email = "anna@northwind.example";
    assert_eq!(
        refused(&nobody, "beginSignup", json!({ "email": email, "locale": "1" })).await,
        "INVALID_VALUE at locale"
    );
    let begun = nobody.mutate("beginSignup", json!({ "email": email }), "signupId").await;
    let complete = json!({
        "signupId": begun["signupId"], "organizationName": "Northwind", "givenName": "Anna", "familyName": "Berg",
        "password": PASSWORD,
    });
    assert_eq!(refused(&nobody, "completeSignup", complete.clone()).await, "EMAIL_NOT_CONFIRMED at signupId");
    let confirm = |code: &str| json!({ "signupId": begun["signupId"], "code": code });
    let right = installation.code(email).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    for code in [wrong, "", "12345", "x", &"1".repeat(10_000)] {
        let payload = nobody.attempt("confirmSignup", confirm(code), "signupId").await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!("WRONG_CODE"), &json!("code")), "{code}");
    }
    for (id, expected) in [
        ("", "INVALID_ID at signupId"),
        ("acc_00000000000000000000000000000001", "INVALID_ID at signupId"),
        ("signup_00000000000000000000000000000001", "NOT_FOUND at signupId"),
    ] {
        assert_eq!(refused(&nobody, "confirmSignup", json!({ "signupId": id, "code": right })).await, expected);
        assert_eq!(refused(&nobody, "completeSignup", with(&complete, "signupId", id)).await, expected);
    }
    nobody.mutate("confirmSignup", confirm(&right), "").await;
    let events = installation.events().await;
    for (field, value, expected) in [
        ("organizationName", "", "REQUIRED at organizationName"),
        ("organizationName", "North\u{2028}wind", "INVALID_CHARACTERS at organizationName"),
        ("givenName", "", "REQUIRED at givenName"),
        ("familyName", &"x".repeat(10_000), "TOO_LONG at familyName"),
        ("password", "short", "PASSWORD_TOO_SHORT at password"),
        ("password", &"x".repeat(10_000), "PASSWORD_TOO_LONG at password"),
        ("password", "passwordpassword", "PASSWORD_TOO_COMMON at password"),
        ("password", "anna@northwind.example", "PASSWORD_TOO_COMMON at password"),
        ("locale", "x", "INVALID_VALUE at locale"),
    ] {
        assert_eq!(refused(&nobody, "completeSignup", with(&complete, field, value)).await, expected, "{field}");
    }
    assert_eq!(installation.events().await, events, "nothing was written");
    nobody.mutate("completeSignup", complete.clone(), "").await;
    assert_eq!(refused(&nobody, "completeSignup", complete).await, "ALREADY_USED at signupId");

    // Ten wrong codes end a sign-up; time ends another.
    let begun = nobody.mutate("beginSignup", json!({ "email": "x@tailspin.example" }), "signupId").await;
    let late = nobody.mutate("beginSignup", json!({ "email": "y@tailspin.example" }), "signupId").await;
    let input = json!({ "signupId": begun["signupId"], "code": "x" });
    for _ in 0..10 {
        nobody.attempt("confirmSignup", input.clone(), "").await;
    }
    assert_eq!(refused(&nobody, "confirmSignup", input).await, "TOO_MANY_TRIES at code");
    installation.advance(600);
    let code = installation.code("y@tailspin.example").await;
    let input = json!({ "signupId": late["signupId"], "code": code });
    assert_eq!(refused(&nobody, "confirmSignup", input).await, "EXPIRED at code");
}

#[tokio::test]
async fn roles_links_and_devices_with_bad_input() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let viewer = admin.query("{ viewer { person { id roles { id } } session { id } } }").await["viewer"].take();
    let (anna, system_admin) = (viewer["person"]["id"].clone(), viewer["person"]["roles"][0]["id"].clone());
    let input = json!({ "email": "ben@northwind.example", "givenName": "Ben", "familyName": "Okafor" });
    let ben = admin.mutate("createAccount", input, "person { id }").await["person"]["id"].take();
    let role = json!({ "name": "Caretaker", "rights": ["MANAGE_DEVICES"] });
    let caretaker = admin.mutate("createRole", role.clone(), "role { id }").await["role"]["id"].take();
    let device = json!(admin.add_device("SN-1").await);
    let events = installation.events().await;
    let edit = |field: &str, value: Value| {
        with(&json!({ "roleId": caretaker, "name": "Desk", "rights": ["MANAGE_DEVICES"] }), field, value)
    };
    let pair = |role: &Value, person: &Value| json!({ "roleId": role, "personId": person });
    let id = |prefix: &str| json!(format!("{prefix}_{FOREIGN}"));
    for (mutation, input, expected) in [
        ("createRole", with(&role, "name", ""), "REQUIRED at name"),
        ("createRole", with(&role, "name", "Саretaker"), "ROLE_NAME_TAKEN at name"),
        ("createRole", with(&role, "name", "CARETAKER"), "ROLE_NAME_TAKEN at name"),
        ("createRole", with(&role, "name", "x".repeat(10_000)), "TOO_LONG at name"),
        ("createRole", with(&role, "name", "a\u{0}b"), "INVALID_CHARACTERS at name"),
        ("createRole", json!({ "name": "New", "rights": [] }), "REQUIRED at rights"),
        ("editRole", edit("roleId", json!("nonsense")), "INVALID_ID at roleId"),
        ("editRole", edit("roleId", anna.clone()), "INVALID_ID at roleId"),
        ("editRole", edit("roleId", id("role")), "NOT_FOUND at roleId"),
        ("editRole", edit("roleId", system_admin.clone()), "ROLE_BUILT_IN at roleId"),
        ("editRole", edit("name", json!("system admin")), "ROLE_NAME_TAKEN at name"),
        ("editRole", edit("rights", json!([])), "REQUIRED at rights"),
        ("deleteRole", json!({ "roleId": system_admin }), "ROLE_BUILT_IN at roleId"),
        ("deleteRole", json!({ "roleId": id("role") }), "NOT_FOUND at roleId"),
        ("assignRole", pair(&id("role"), &ben), "NOT_FOUND at roleId"),
        ("assignRole", pair(&caretaker, &id("acc")), "NOT_FOUND at personId"),
        ("assignRole", pair(&caretaker, &caretaker), "INVALID_ID at personId"),
        ("assignRole", pair(&system_admin, &ben), "ACCOUNT_NOT_ACTIVATED at personId"),
        ("unassignRole", pair(&system_admin, &anna), "LAST_SYSTEM_ADMIN at personId"),
        ("unassignRole", pair(&id("role"), &anna), "NOT_FOUND at roleId"),
        ("renameDevice", json!({ "deviceId": device, "name": "\u{feff}" }), "INVALID_CHARACTERS at name"),
        ("renameDevice", json!({ "deviceId": device, "name": "x".repeat(10_000) }), "TOO_LONG at name"),
        ("renameDevice", json!({ "deviceId": id("dev"), "name": "x" }), "NOT_FOUND at deviceId"),
        ("renameDevice", json!({ "deviceId": ben, "name": "x" }), "INVALID_ID at deviceId"),
        ("rebootDevice", json!({ "deviceId": id("dev") }), "NOT_FOUND at deviceId"),
        ("rebootDevice", json!({ "deviceId": "" }), "INVALID_ID at deviceId"),
        ("signOut", json!({ "sessionId": id("ses") }), "NOT_FOUND"),
        ("signOut", json!({ "sessionId": anna }), "INVALID_ID at sessionId"),
        ("connectDevice", json!({ "userCode": "" }), "USER_CODE_UNKNOWN at userCode"),
        ("connectDevice", json!({ "userCode": "BCDF-GHJK", "name": "x".repeat(10_000) }), "TOO_LONG at name"),
    ] {
        assert_eq!(refused(&admin, mutation, input.clone()).await, expected, "{mutation}");
    }
    let nobody = installation.nobody();
    let token = installation.link_token("ben@northwind.example").await;
    let mut forged = token.clone().into_bytes();
    let last = forged.len() - 5;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    for token in ["", "x", &String::from_utf8(forged).unwrap(), &"x".repeat(10_000)] {
        let input = json!({ "token": token, "password": PASSWORD });
        assert_eq!(refused(&nobody, "activateAccount", input).await, "LINK_INVALID at token");
    }
    let activate = |password: &str| json!({ "token": token, "password": password });
    assert_eq!(refused(&nobody, "activateAccount", activate("short")).await, "PASSWORD_TOO_SHORT at password");
    assert_eq!(installation.events().await, events, "nothing was written");
    nobody.mutate("activateAccount", activate(PASSWORD), "").await;
    assert_eq!(
        refused(&nobody, "activateAccount", activate(PASSWORD)).await,
        "LINK_INVALID at token",
        "a link works once"
    );
    let input = json!({ "email": "carla@northwind.example", "givenName": "Carla", "familyName": "Díaz" });
    admin.mutate("createAccount", input, "").await;
    let token = installation.link_token("carla@northwind.example").await;
    installation.advance(72 * 60 * 60);
    let input = json!({ "token": token, "password": PASSWORD });
    assert_eq!(refused(&nobody, "activateAccount", input).await, "LINK_INVALID at token", "a link ends");
}

#[tokio::test]
async fn types_that_do_not_fit_and_pages_that_are_none() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    for query in [
        "{ people(first: \"5\") { nodes { id } } }",
        "{ people(sort: { field: SHOE_SIZE }) { nodes { id } } }",
        "{ people(filter: { status: 1 }) { nodes { id } } }",
        "{ people(afterPosition: 5) { nodes { id } } }",
        "{ people(afterPosition: \"x\") { nodes { id } } }",
        "{ nothing }",
        "{ viewer }",
        "{",
        "",
        "mutation { createAccount(input: { email: 1, givenName: true, familyName: [] }) { position } }",
        "mutation { createAccount(input: { email: \"a@northwind.example\" }) { position } }",
        "mutation { createAccount(input: null) { position } }",
        "mutation { createRole(input: { name: \"x\", rights: [EVERYTHING] }) { position } }",
        "mutation { createAccount(input: { email: \"a@b.c\", givenName: \"a\", familyName: \"b\", startDate: \"soon\" }) { position } }",
        "subscription { directoryChanged { kind } }",
    ] {
        let answer = admin.send(query, json!({})).await;
        for error in answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}")) {
            assert_eq!(error["extensions"]["code"], "BAD_REQUEST", "{query}");
        }
        assert!(answer["data"].is_null(), "{query}");
    }
    for (query, code) in [
        ("{ people(first: 0) { nodes { id } } }", "INVALID_PAGE_SIZE"),
        ("{ people(first: 10000) { nodes { id } } }", "INVALID_PAGE_SIZE"),
        ("{ people(first: -1) { nodes { id } } }", "INVALID_PAGE_SIZE"),
        ("{ people(first: 1, last: 1) { nodes { id } } }", "INVALID_PAGE_SIZE"),
        ("{ devices(last: 201) { nodes { id } } }", "INVALID_PAGE_SIZE"),
        ("{ roles { holders(first: 0) { nodes { id } } } }", "INVALID_PAGE_SIZE"),
        ("{ people(after: \"\") { nodes { id } } }", "INVALID_CURSOR"),
        ("{ people(after: \"AQEAAAAAAAAAAGk\") { nodes { id } } }", "INVALID_CURSOR"),
        ("{ people(before: \"ü\") { nodes { id } } }", "INVALID_CURSOR"),
        ("{ people(filter: { roleId: \"x\" }) { nodes { id } } }", "INVALID_ID"),
        ("{ person(id: \"role_00000000000000000000000000000001\") { id } }", "INVALID_ID"),
        ("{ node(id: \"x\") { id } }", "INVALID_ID"),
        ("{ node(id: \"acc_x\") { id } }", "INVALID_ID"),
    ] {
        assert_eq!(admin.error(query).await, code, "{query}");
    }
    // A cursor of another sort order is not taken either.
    let page = admin.query("{ people(sort: { field: EMAIL }) { pageInfo { endCursor } } }").await;
    let cursor = &page["people"]["pageInfo"]["endCursor"];
    assert_eq!(admin.error(&format!("{{ people(after: {cursor}) {{ nodes {{ id }} }} }}")).await, "INVALID_CURSOR");
}

#[tokio::test]
async fn guessing_is_slowed_down_alike_for_known_and_unknown_addresses() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let nobody = installation.nobody();
    let mut answers = BTreeMap::new();
    for email in ["anna@northwind.example", "nobody@northwind.example", "no address"] {
        for password in ["wrong wrong wrong", PASSWORD, "x"] {
            let payload =
                nobody.attempt("signIn", json!({ "email": email, "password": password }), "session { id }").await;
            answers.entry(email).or_insert_with(Vec::new).push(payload);
        }
        installation.advance(1);
        let long = "x".repeat(10_000);
        let payload = nobody.attempt("signIn", json!({ "email": email, "password": long }), "").await;
        answers.entry(email).or_default().push(payload);
        installation.advance(10);
    }
    let mut answers = answers.into_values();
    let known = answers.next().unwrap();
    assert!(answers.all(|others| others == known), "known and unknown addresses can be told apart");
    let codes: Vec<_> = known.iter().map(|payload| payload["userErrors"][0]["code"].clone()).collect();
    assert_eq!(codes, ["WRONG_CREDENTIALS", "RATE_LIMITED", "RATE_LIMITED", "WRONG_CREDENTIALS"]);
    assert_eq!(known[1]["userErrors"][0]["message"], "Too many attempts; try again in 1 second.");
    let right = json!({ "email": "anna@northwind.example", "password": PASSWORD });
    nobody.mutate("signIn", right, "").await;

    // Five wrong codes of units, then none is looked at for 10 minutes, also not by another way.
    let (_, code) = Unit::new("SN-1").authorize(&installation).await;
    for _ in 0..3 {
        admin.refusal("connectDevice", json!({ "userCode": "BCDF-GHJK" })).await;
    }
    // The fields of one query run side by side; they are counted all the same.
    let guesses: String = (0..8).map(|n| format!("g{n}: pairing(userCode: \"BCDF-GHJK\") {{ id }} ")).collect();
    let guessed = admin.send(&format!("{{ {guesses} }}"), json!({})).await;
    let refused_guesses = guessed["errors"].as_array().unwrap();
    assert_eq!(refused_guesses.len(), 6, "{guessed}");
    assert!(refused_guesses.iter().all(|error| error["extensions"]["code"] == "RATE_LIMITED"));
    assert_eq!(admin.error(&format!("{{ pairing(userCode: \"{code}\") {{ id }} }}")).await, "RATE_LIMITED");
    assert_eq!(refused(&admin, "connectDevice", json!({ "userCode": code })).await, "RATE_LIMITED");

    // Five sign-ups an hour for one address.
    for _ in 0..5 {
        nobody.mutate("beginSignup", json!({ "email": "x@tailspin.example" }), "").await;
    }
    assert_eq!(refused(&nobody, "beginSignup", json!({ "email": "X@tailspin.example" })).await, "RATE_LIMITED");
    installation.advance(60 * 60);
    nobody.mutate("beginSignup", json!({ "email": "x@tailspin.example" }), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_100_who_want_the_same_address_at_once_one_gets_it() {
    let installation = Installation::start().await;
    let admin = installation.found("anna@northwind.example").await;
    let input = json!({ "email": "ben@northwind.example", "givenName": "Ben", "familyName": "Okafor" });
    let attempts = (0..100).map(|_| admin.attempt("createAccount", input.clone(), "person { id }"));
    let payloads = futures::future::join_all(attempts).await;
    let won: Vec<_> = payloads.iter().filter(|payload| payload["person"]["id"].is_string()).collect();
    assert_eq!(won.len(), 1);
    let refused = payloads.iter().filter(|payload| payload["userErrors"][0]["code"] == "EMAIL_TAKEN").count();
    assert_eq!(refused, 99);
    let people = admin.query("{ people(search: \"ben@\") { totalCount nodes { id } } }").await;
    assert_eq!(people["people"], json!({ "totalCount": 1, "nodes": [{ "id": won[0]["person"]["id"] }] }));
}
