//! Forgotten and changed passwords, and requests to the support, through the API.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{Client, Installation, PASSWORD};

const ANNA: &str = "anna@northwind.example";
const NEW: &str = "copper moons over the seventh lake";

async fn refused(client: &Client<'_>, mutation: &str, input: Value) -> String {
    let (code, field) = client.refusal(mutation, input).await;
    if field.is_empty() { code } else { format!("{code} at {field}") }
}

async fn is_signed_in(client: &Client<'_>) -> bool {
    client.send("{ viewer { isSystemAdmin } }", json!({})).await["errors"].is_null()
}

fn token_in(mail: &str) -> String {
    mail.split_once("/reset-password?token=").unwrap().1.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_mail() {
    let installation = Installation::start().await;
    let admin = installation.found(ANNA).await;
    let nobody = installation.nobody();
    nobody.mutate("requestPasswordReset", json!({ "email": ANNA }), "").await;
    let token = token_in(&installation.mail(ANNA, 1).await);
    let reset = |password: &str| json!({ "token": token, "password": password });
    assert_eq!(refused(&nobody, "resetPassword", reset("short")).await, "PASSWORD_TOO_SHORT at password");
    assert_eq!(refused(&nobody, "resetPassword", reset(&"x".repeat(129))).await, "PASSWORD_TOO_LONG at password");
    let garbled = json!({ "token": format!("{token}x"), "password": NEW });
    assert_eq!(refused(&nobody, "resetPassword", garbled).await, "LINK_INVALID at token");
    assert!(is_signed_in(&admin).await);
    let answer = nobody.mutate("resetPassword", reset(NEW), "viewer { isSystemAdmin } session { token }").await;
    assert_eq!(answer["viewer"]["isSystemAdmin"], true);
    assert!(is_signed_in(&installation.client(answer["session"]["token"].as_str().unwrap())).await);
    assert!(!is_signed_in(&admin).await, "other sessions have ended");
    assert_eq!(refused(&nobody, "resetPassword", reset(PASSWORD)).await, "LINK_INVALID at token");
    nobody.mutate("signIn", json!({ "email": ANNA, "password": NEW }), "").await;
}

#[tokio::test]
async fn asking_for_a_link_tells_nothing_and_floods_nobody() {
    let installation = Installation::start().await;
    installation.found(ANNA).await;
    let nobody = installation.nobody();
    let mut answers = Vec::new();
    for email in [ANNA, "nobody@northwind.example", "nobody@elsewhere.example"] {
        let mut of_this = Vec::new();
        for _ in 0..6 {
            let mut answer = nobody.attempt("requestPasswordReset", json!({ "email": email }), "").await;
            let position = answer["position"].take();
            assert_eq!(position.is_string(), answer["userErrors"] == json!([]));
            of_this.push(answer);
        }
        answers.push(of_this);
    }
    assert!(answers.iter().all(|of_this| *of_this == answers[0]), "{answers:?}");
    assert_eq!(answers[0][5]["userErrors"][0]["code"], "RATE_LIMITED");
    for (email, expected) in [("", "REQUIRED at email"), ("anna", "INVALID_EMAIL at email")] {
        assert_eq!(refused(&nobody, "requestPasswordReset", json!({ "email": email })).await, expected);
    }
    installation.advance(60 * 60);
    nobody.mutate("requestPasswordReset", json!({ "email": ANNA }), "").await;
}

#[tokio::test]
async fn a_changed_password_begins_a_new_session_and_ends_all_others() {
    let installation = Installation::start().await;
    let admin = installation.found(ANNA).await;
    let other = installation.nobody();
    let other = other.mutate("signIn", json!({ "email": ANNA, "password": PASSWORD }), "session { token }").await;
    let other = installation.client(other["session"]["token"].as_str().unwrap());
    let change = |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });
    let nobody = installation.nobody();
    assert_eq!(refused(&nobody, "changePassword", change(PASSWORD, NEW)).await, "NOT_SIGNED_IN");
    let short = refused(&admin, "changePassword", change(PASSWORD, "short")).await;
    assert_eq!(short, "PASSWORD_TOO_SHORT at newPassword");
    // Wrong tries make the next ones wait, also right ones; and keep nobody from signing in.
    for wrong in ["wrong wrong wrong", &"x".repeat(10_000)] {
        let refusal = refused(&admin, "changePassword", change(wrong, NEW)).await;
        assert_eq!(refusal, "WRONG_CREDENTIALS at currentPassword");
        assert_eq!(refused(&admin, "changePassword", change(PASSWORD, NEW)).await, "RATE_LIMITED");
        installation.advance(3);
    }
    assert!(is_signed_in(&admin).await && is_signed_in(&other).await);
    let changed = admin.mutate("changePassword", change(PASSWORD, NEW), "viewer { rights } session { token }").await;
    let renewed = installation.client(changed["session"]["token"].as_str().unwrap());
    assert!(is_signed_in(&renewed).await);
    assert!(!is_signed_in(&admin).await && !is_signed_in(&other).await);
    let old = json!({ "email": ANNA, "password": PASSWORD });
    assert_eq!(refused(&nobody, "signIn", old).await, "WRONG_CREDENTIALS");
}

#[tokio::test]
async fn the_support_gets_requests_of_those_who_may() {
    let installation = Installation::start().await;
    let admin = installation.found(ANNA).await;
    let (_, member) = admin.add_person("ben@northwind.example").await;
    let ask = |subject: &str, message: &str| json!({ "subject": subject, "message": message });
    assert_eq!(refused(&member, "submitSupportRequest", ask("Help", "How?")).await, "FORBIDDEN");
    for (subject, message, expected) in [
        ("", "How?", "REQUIRED at subject"),
        ("a\nb", "How?", "INVALID_CHARACTERS at subject"),
        ("Help", " ", "REQUIRED at message"),
        ("Help", &"x".repeat(5_001), "TOO_LONG at message"),
    ] {
        assert_eq!(refused(&admin, "submitSupportRequest", ask(subject, message)).await, expected);
    }
    let asked = admin.mutate("submitSupportRequest", ask("Help", "How?\n\nAnd why?"), "requestId").await;
    let mail = installation.mail("support@example.com", 0).await;
    assert!(mail.contains("And why?") && mail.contains(asked["requestId"].as_str().unwrap()), "{mail}");
    // Four of ten were refused for their form and count all the same.
    for _ in 0..5 {
        admin.mutate("submitSupportRequest", ask("Help", "How?"), "").await;
    }
    assert_eq!(refused(&admin, "submitSupportRequest", ask("Help", "How?")).await, "RATE_LIMITED");
}
