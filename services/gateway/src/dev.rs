//! What developers look at; served in development only.

use async_graphql::http::GraphiQLSource;
use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
    response::{Html, IntoResponse},
};
use commands::mail::Received;
use serde_json::{Value, json};

use crate::http::Web;

/// GraphiQL comes from a content delivery network, and runs scripts that stand in the page.
const GRAPHIQL_SOURCES: &str = "default-src 'self' https://unpkg.com https://esm.sh data: blob:; connect-src * ws: wss:; \
     script-src 'self' 'unsafe-inline' 'unsafe-eval' https://unpkg.com https://esm.sh blob:; \
     style-src 'self' 'unsafe-inline' https://unpkg.com https://esm.sh; frame-ancestors 'none'";
/// The mailbox shows mails as they are sent, with their own styles and without anything from elsewhere.
const MAILBOX_SOURCES: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'";

fn sources(allowed: &'static str) -> [(HeaderName, &'static str); 1] {
    [(header::CONTENT_SECURITY_POLICY, allowed)]
}

/// `GET /graphiql`: the API in the browser.
pub(crate) async fn graphiql() -> impl IntoResponse {
    let page = GraphiQLSource::build()
        .endpoint("/graphql")
        .subscription_endpoint("/graphql")
        .header("x-requested-with", "graphiql")
        .title("Work Accounts")
        .finish();
    (sources(GRAPHIQL_SOURCES), Html(page))
}

fn mails(web: &Web) -> Vec<Received> {
    web.api.app.mailbox.as_ref().map(commands::mail::Mailbox::latest).unwrap_or_default()
}

/// `GET /dev/mailbox.json`: the mails, newest first.
pub(crate) async fn mailbox_json(State(web): State<Web>) -> Json<Value> {
    let entry = |received: Received| {
        let mail = received.mail;
        json!({ "id": mail.id, "at": received.at, "to": mail.to, "subject": mail.subject, "text": mail.text, "html": mail.html })
    };
    Json(mails(&web).into_iter().map(entry).collect())
}

/// `GET /dev/mailbox`: the mails, newest first.
pub(crate) async fn mailbox(State(web): State<Web>) -> impl IntoResponse {
    let entry = |received: Received| {
        let mail = received.mail;
        let (to, subject, text) = (escape(&mail.to), escape(&mail.subject), escape(&mail.text));
        let at = received.at.format("%H:%M:%S");
        format!("<article><h2>{subject}</h2><p>to {to} at {at} UTC</p><pre>{}</pre></article>", with_links(&text))
    };
    let entries: String = mails(&web).into_iter().map(entry).collect();
    let entries = if entries.is_empty() { "<p>No mail yet.</p>".to_owned() } else { entries };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\"><title>Mailbox</title>\
         <style>body{{font:16px system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem}}pre{{white-space:pre-wrap}}\
         article{{border-top:1px solid #ccc}}</style><h1>Mailbox</h1>{entries}</html>"
    );
    (sources(MAILBOX_SOURCES), Html(page))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Makes addresses that stand on a line of their own clickable. The text is escaped already.
fn with_links(text: &str) -> String {
    let line = |line: &str| match line.starts_with("http") && !line.contains(' ') {
        true => format!("<a href=\"{line}\">{line}</a>\n"),
        false => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}
