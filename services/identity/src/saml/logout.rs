//! Messages of single logout that come in. They count only if the provider has signed them.

use chrono::Duration;
use schema::{SsoCheck, Timestamp};

use super::{
    NameId, Provider, ServiceProvider, SignedQuery,
    claims::{self, SKEW},
    names::PROTOCOL,
    response::check_issue_instant,
    screen::screen,
    signature::signed_content,
    xml::{self, Element},
};
use crate::Transcript;

/// How old a request may be, even if it says that it is good for longer: for so long it is known whether it came before.
const LIFETIME: Duration = Duration::minutes(5);

/// A provider asks to end a person's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its id, for the answer.
    pub id: String,
    /// Whose sessions.
    pub subject: NameId,
    /// Which of them; all if it names none.
    pub session_indexes: Vec<String>,
}

/// How a message came.
#[derive(Debug, Clone, Copy)]
pub enum Received<'a> {
    /// In the query of a URL.
    Query(&'a SignedQuery),
    /// In a form: XML.
    Form(&'a str),
}

/// What a message of single logout has to agree with.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// By whom it has to be.
    pub provider: &'a Provider,
    /// To whom.
    pub service: &'a ServiceProvider,
    /// The present moment.
    pub now: Timestamp,
}

/// Checks a request to log out. None if any check failed; the transcript says which.
pub fn verify_logout_request(
    received: Received<'_>,
    parties: &Parties<'_>,
    transcript: &mut Transcript,
) -> Option<LogoutRequest> {
    let request = read(received, "LogoutRequest", parties, transcript)?;
    let now = parties.now;
    let issued = claims::time(&request, "IssueInstant").ok().flatten();
    let until = match (issued, claims::time(&request, "NotOnOrAfter")) {
        (Some(issued), Ok(until)) => Some(until.map_or(issued + LIFETIME, |until| until.min(issued + LIFETIME))),
        _ => None,
    };
    let fresh = until.is_some_and(|until| now - SKEW < until);
    transcript.check(
        SsoCheck::Times,
        fresh,
        "a request that is still good",
        request.attribute("NotOnOrAfter").unwrap_or("nothing"),
    );
    let subject = claims::name_id(&request);
    transcript.check(
        SsoCheck::Subject,
        subject.is_some(),
        "one NameID",
        if subject.is_some() { "one" } else { "none" },
    );
    if transcript.failed().is_some() {
        return None;
    }
    let indexes = request.all(PROTOCOL, "SessionIndex").map(|index| index.text().map(str::to_owned));
    Some(LogoutRequest {
        id: request.attribute("ID")?.to_owned(),
        subject: subject?,
        session_indexes: indexes.collect::<Option<_>>()?,
    })
}

/// Checks the answer to a request of ours to log out. Whether the provider has ended its session.
pub fn verify_logout_response(
    received: Received<'_>,
    parties: &Parties<'_>,
    request: &str,
    transcript: &mut Transcript,
) -> bool {
    let Some(response) = read(received, "LogoutResponse", parties, transcript) else { return false };
    transcript.equal(SsoCheck::Request, request, response.attribute("InResponseTo"));
    claims::check_status(&response, transcript);
    transcript.failed().is_none()
}

/// Screens a message, checks its signature and what both kinds have in common.
fn read(received: Received<'_>, name: &str, parties: &Parties<'_>, transcript: &mut Transcript) -> Option<Element> {
    let Parties { provider, service, now } = parties;
    let text = match received {
        Received::Query(query) => query.message.as_str(),
        Received::Form(text) => text,
    };
    let root = xml::parse(text).and_then(|root| match (root.is(PROTOCOL, name), received) {
        (false, _) => Err(xml::Malformed("another message")),
        (true, Received::Form(_)) => screen(&root, false).map(|_| root),
        // The query is signed, not the message.
        (true, Received::Query(_)) => Ok(root),
    });
    let root = match root {
        Ok(root) => root,
        Err(problem) => {
            transcript.check(SsoCheck::Format, false, &format!("a signed {name}"), problem.0);
            return None;
        }
    };
    let signed = match received {
        Received::Query(query) => query.is_signed_by(&provider.certificates).then_some(root),
        Received::Form(text) => signed_content(text, &provider.certificates)
            .filter(|signed| signed.is(PROTOCOL, name) && signed.attribute("ID") == root.attribute("ID")),
    };
    let actual = if signed.is_some() { "such a signature" } else { "another signature, or content that was changed" };
    transcript.check(SsoCheck::Signature, signed.is_some(), "a signature by the configured certificate", actual);
    let root = signed?;
    transcript.equal(SsoCheck::Format, "2.0", root.attribute("Version"));
    transcript.equal(SsoCheck::Issuer, &provider.issuer, claims::issuer(&root));
    transcript.equal(SsoCheck::Destination, &service.slo_url, root.attribute("Destination"));
    check_issue_instant(&root, *now, transcript);
    Some(root)
}
