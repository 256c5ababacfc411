//! The gateway's own pages in a real browser: with a mail and a browser alone an account is activated, and a forgotten
//! password replaced.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use serde_json::{Value, json};
use tests::{
    harness::{self, Need, Test},
    node::{self, Script},
    organization::sign_up_in_development,
    platform::Installation,
};

const BEN: &str = "ben@northwind.example";
const FIRST: &str = "fourteen owls above the mill";
const SECOND: &str = "no owl is seen above the mill";

fn main() {
    let name = "an_account_is_activated_and_its_password_replaced_in_a_browser";
    harness::main(vec![Test::new(name, &[Need::Node, Need::Browser], run)]);
}

async fn run() {
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]).with(&["--development"]);
    let platform = installation.start().await;
    let northwind = sign_up_in_development(&installation.client(), "anna@northwind.example").await;
    let input = json!({ "email": BEN, "givenName": "Ben", "familyName": "Okafor", "locale": "de-AT" });
    northwind.admin.mutate("createAccount", input, "").await;

    let chromium = node::browser().unwrap();
    let arguments = [chromium.to_str().unwrap(), &installation.origin(), BEN, FIRST, SECOND];
    let mut script = Script::start(include_str!("../node/browser.mjs"), &arguments);
    for (path, heading, part, signed_in) in [
        ("/activate", "Aktivieren Sie Ihr Arbeitskonto", "Wählen Sie ein Passwort.", false),
        ("/activate", "Aktivieren Sie Ihr Arbeitskonto", "Verwenden Sie mindestens 15 Zeichen.", false),
        ("/account", "Ihr Arbeitskonto", "Ben Okafor", true),
        ("/sign-in", "Anmelden", "Passwort", false),
        ("/forgot-password/sent", "Sehen Sie in Ihr Postfach", "Wenn es zu dieser Adresse", false),
        ("/account", "Ihr Arbeitskonto", "Northwind", true),
        ("/reset-password", "Wählen Sie ein neues Passwort", "Der Link gilt nicht mehr", true),
    ] {
        let page = script.next_of("page").await;
        let seen = [&page["path"], &page["heading"], &page["language"]];
        assert_eq!(seen, [path, heading, "de"], "{page}");
        assert!(page["text"].as_str().unwrap().contains(part), "{page}");
        let cookies = page["cookies"].as_array().unwrap();
        assert_eq!(!cookies.is_empty(), signed_in, "{page}");
        assert!(cookies.iter().all(|cookie| cookie["httpOnly"] == true && cookie["sameSite"] == "Lax"), "{page}");
    }
    assert_eq!(script.next_of("strangers").await, json!([]), "pages load nothing from elsewhere");
    script.end().await;

    let nobody = installation.client();
    let sign_in = |password| json!({ "email": BEN, "password": password });
    let signed_in = nobody.mutate("signIn", sign_in(SECOND), "viewer { person { status } }").await;
    assert_eq!(signed_in["viewer"]["person"]["status"], Value::from("ACTIVATED"));
    assert_eq!(nobody.refusal("signIn", sign_in(FIRST)).await, ["WRONG_CREDENTIALS"]);
    installation.stop(platform);
}
