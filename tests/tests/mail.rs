//! Mails and a mail server that is not always there: none is lost, none leaves twice, and one that is refused holds up
//! no other.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::Duration;

use serde_json::json;
use tests::{
    client::Client,
    harness::{self, Need, Test},
    platform::Installation,
    process::free_port,
    smtp::MailServer,
};

const ANNA: &str = "anna@northwind.example";

fn main() {
    harness::main(vec![Test::new("mails_outlast_a_mail_server_that_is_away_or_busy", &[Need::Mail], run)]);
}

async fn begin_signup(nobody: &Client, email: &str, locale: &str) {
    nobody.mutate("beginSignup", json!({ "email": email, "locale": locale }), "signupId").await;
}

async fn run() {
    let port = free_port();
    let installation = Installation::new(&[env!("CARGO_BIN_EXE_platform")]);
    let sender = "Northwind IT <no-reply@northwind.example>";
    let installation = installation.with(&["--smtp-url", &format!("smtp://127.0.0.1:{port}"), "--mail-from", sender]);
    let platform = installation.start().await;
    begin_signup(&installation.client(), ANNA, "de-AT").await;
    wait_for(&installation, "reactor tries again later").await;
    // What was not delivered outlasts the process too.
    installation.stop(platform);
    let platform = installation.start().await;
    let mail = MailServer::start_at(port);
    let first = mail.mail_to(ANNA).await;
    assert_eq!(first.subject, format!("{} ist Ihr Aktivierungscode", first.code()));
    assert_eq!((first.language.as_str(), first.from.as_str()), ("de", "Northwind IT <no-reply@northwind.example>"));
    assert!(first.text.contains(" Uhr UTC.") && first.html.contains("<html lang=\"de\">"), "{}", first.html);

    let (refused, busy, other) =
        ("refused.zoe@northwind.example", "busy.ben@northwind.example", "cleo@northwind.example");
    for (email, locale) in [(refused, "en"), (busy, "ja"), (other, "es")] {
        begin_signup(&installation.client(), email, locale).await;
    }
    assert_eq!(mail.mail_to(other).await.language, "es");
    assert_eq!(
        mail.mail_to(busy).await.subject,
        format!("アクティベーションコードは {} です", mail.mail_to(busy).await.code())
    );
    wait_for(&installation, "reactor gives up on an event").await;
    let receivers: Vec<_> = mail.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(receivers, [ANNA, other, busy]);
    installation.stop(platform);
    let trace = installation.trace();
    assert!(trace.contains("451") && trace.contains("550"), "the status says what the server meant:\n{trace}");
    assert!(!trace.contains("zoe@") && !trace.contains("ben@"), "{trace}");
}

/// Returns once the platform has said so.
async fn wait_for(installation: &Installation, words: &str) {
    for _ in 0..1_000 {
        if installation.trace().contains(words) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the platform never said: {words}");
}
