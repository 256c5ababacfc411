//! Whether a response signs somebody in: all conditions of the web browser profile (saml-profiles-2.0-os 4.1.4.3) and
//! those that the standard leaves to us.

use schema::{SsoCheck, Timestamp};

use super::{
    NameId, Provider, ServiceProvider,
    claims::{self, SKEW},
    names::{ASSERTION, BEARER, PROTOCOL},
    screen::screen,
    signature::signed_content,
    xml::{self, Element},
};
use crate::Transcript;

/// What a response has to be an answer to.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who was asked.
    pub provider: &'a Provider,
    /// Who we are to them.
    pub service: &'a ServiceProvider,
    /// The id of the request that this browser was sent with.
    pub request: &'a str,
    /// The present moment.
    pub now: Timestamp,
}

/// What a provider says of a person, once everything was checked that can be without knowing the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its id: to be seen once only.
    pub id: String,
    /// The person in the words of the provider.
    pub subject: NameId,
    /// Email address as it came. Personal.
    pub email: String,
    /// The session at the provider, for logging out of it.
    pub session_index: Option<String>,
    /// When the session has to end.
    pub session_ends_at: Option<Timestamp>,
}

/// Checks a response, XML. None if any check failed; the transcript says which. May take milliseconds of processor time.
pub fn verify_response(message: &str, expected: &Expected<'_>, transcript: &mut Transcript) -> Option<Assertion> {
    let (response, assertion) = read(message, expected, transcript)?;
    check_response(&response, expected, transcript);
    check_issued(&assertion, expected, transcript);
    check_conditions(&assertion, expected, transcript);
    check_confirmation(&assertion, expected, transcript);
    let session = check_session(&assertion, expected, transcript);
    let subject = assertion.only(ASSERTION, "Subject").and_then(claims::name_id);
    transcript.check(
        SsoCheck::Subject,
        subject.is_some(),
        "one NameID that is not empty",
        if subject.is_some() { "one" } else { "none" },
    );
    let subject = subject?;
    let email = claims::email(&assertion, &subject);
    transcript.check(
        SsoCheck::Email,
        email.is_some(),
        "a NameID of the format emailAddress, or one attribute such as mail with one value",
        if email.is_some() { "one" } else { "none" },
    );
    if transcript.failed().is_some() {
        return None;
    }
    let (session_index, session_ends_at) = session;
    let id = assertion.attribute("ID")?.to_owned();
    Some(Assertion { id, subject, email: email?, session_index, session_ends_at })
}

/// Screens the message, checks its signatures, and returns the response and the assertion: the latter always out of the
/// bytes that were signed, the former if it was.
fn read(message: &str, expected: &Expected<'_>, transcript: &mut Transcript) -> Option<(Element, Element)> {
    const FORM: &str = "a signed response with one assertion";
    let root = match xml::parse(message) {
        Ok(root) if root.is(PROTOCOL, "Response") => root,
        Ok(_) => {
            transcript.check(SsoCheck::Format, false, FORM, "another message");
            return None;
        }
        Err(problem) => {
            transcript.check(SsoCheck::Format, false, FORM, problem.0);
            return None;
        }
    };
    // What a provider says that refuses has no assertion; its words are worth more than that.
    if root.only(ASSERTION, "Assertion").is_none() && !claims::check_status(&root, transcript) {
        return None;
    }
    let signed = match screen(&root, true) {
        Ok(signed) => signed,
        Err(problem) => {
            transcript.check(SsoCheck::Format, false, FORM, problem.0);
            return None;
        }
    };
    transcript.check(SsoCheck::Format, true, FORM, "one");
    let content = signed_content(message, &expected.provider.certificates);
    let verified = content.and_then(|content| match (signed.root, &content) {
        (true, response) if response.is(PROTOCOL, "Response") => {
            let assertion = response.only(ASSERTION, "Assertion")?.clone();
            (same_id(response, &root) && screened_again(response)).then_some((content, assertion))
        }
        (false, assertion) if assertion.is(ASSERTION, "Assertion") => {
            let shown = root.only(ASSERTION, "Assertion")?;
            same_id(assertion, shown).then_some((root.clone(), content))
        }
        _ => None,
    });
    let actual = if verified.is_some() { "such a signature" } else { "another signature, or content that was changed" };
    let by = "a signature by the configured certificate over what is used";
    transcript.check(SsoCheck::Signature, verified.is_some(), by, actual);
    verified
}

fn same_id(signed: &Element, shown: &Element) -> bool {
    signed.attribute("ID").is_some_and(|id| Some(id) == shown.attribute("ID"))
}

/// What was signed has one assertion too: canonicalization leaves nothing that the screening has not seen.
fn screened_again(response: &Element) -> bool {
    response.descendants().filter(|element| element.name == "Assertion").count() == 1
}

fn check_response(response: &Element, expected: &Expected<'_>, transcript: &mut Transcript) {
    claims::check_status(response, transcript);
    transcript.equal(SsoCheck::Format, "2.0", response.attribute("Version"));
    // A response may leave its issuer out if it is not signed itself; the assertion's is checked in any case.
    if response.all(ASSERTION, "Issuer").next().is_some() {
        transcript.equal(SsoCheck::Issuer, &expected.provider.issuer, claims::issuer(response));
    }
    transcript.equal(SsoCheck::Destination, &expected.service.acs_url, response.attribute("Destination"));
    transcript.equal(SsoCheck::Request, expected.request, response.attribute("InResponseTo"));
    check_issue_instant(response, expected.now, transcript);
}

fn check_issued(assertion: &Element, expected: &Expected<'_>, transcript: &mut Transcript) {
    transcript.equal(SsoCheck::Format, "2.0", assertion.attribute("Version"));
    transcript.equal(SsoCheck::Issuer, &expected.provider.issuer, claims::issuer(assertion));
    check_issue_instant(assertion, expected.now, transcript);
}

pub(super) fn check_issue_instant(element: &Element, now: Timestamp, transcript: &mut Transcript) {
    let issued = claims::time(element, "IssueInstant").ok().flatten();
    let passed = issued.is_some_and(|issued| issued <= now + SKEW);
    let actual = element.attribute("IssueInstant").unwrap_or("nothing");
    transcript.check(SsoCheck::Times, passed, &format!("issued by {}", shown(now)), actual);
}

fn check_conditions(assertion: &Element, expected: &Expected<'_>, transcript: &mut Transcript) {
    let ours = expected.service.entity_id.as_str();
    let Some(conditions) = assertion.only(ASSERTION, "Conditions") else {
        transcript.check(SsoCheck::Audience, false, ours, "no Conditions");
        return;
    };
    check_period(conditions, expected.now, false, transcript);
    let restrictions = claims::audiences(conditions);
    let passed = !restrictions.is_empty() && restrictions.iter().all(|audiences| audiences.contains(&ours));
    let actual = restrictions.concat().join(", ");
    transcript.check(SsoCheck::Audience, passed, ours, if actual.is_empty() { "nothing" } else { &actual });
    if !claims::understood(conditions) {
        transcript.check(SsoCheck::Format, false, "conditions of the standard", "another condition");
    }
}

/// The present moment lies between `NotBefore` and `NotOnOrAfter`.
fn check_period(element: &Element, now: Timestamp, must_end: bool, transcript: &mut Transcript) {
    let (from, until) = (claims::time(element, "NotBefore"), claims::time(element, "NotOnOrAfter"));
    let begun = from.as_ref().is_ok_and(|from| from.is_none_or(|from| from <= now + SKEW));
    let open = until.as_ref().is_ok_and(|until| until.map_or(!must_end, |until| now - SKEW < until));
    let text = |name: &str| element.attribute(name).unwrap_or("nothing").to_owned();
    let actual = format!("{} from {} until {}", element.name, text("NotBefore"), text("NotOnOrAfter"));
    transcript.check(SsoCheck::Times, begun && open, &format!("good at {}", shown(now)), &actual);
}

fn check_confirmation(assertion: &Element, expected: &Expected<'_>, transcript: &mut Transcript) {
    let subject = assertion.only(ASSERTION, "Subject");
    let confirmation = subject.and_then(|subject| subject.only(ASSERTION, "SubjectConfirmation"));
    let method = confirmation.and_then(|confirmation| confirmation.attribute("Method"));
    transcript.equal(SsoCheck::Confirmation, BEARER, method);
    let data = confirmation.and_then(|confirmation| confirmation.only(ASSERTION, "SubjectConfirmationData"));
    let Some(data) = data else {
        transcript.check(SsoCheck::Confirmation, false, "SubjectConfirmationData", "nothing");
        return;
    };
    transcript.equal(SsoCheck::Destination, &expected.service.acs_url, data.attribute("Recipient"));
    transcript.equal(SsoCheck::Request, expected.request, data.attribute("InResponseTo"));
    check_period(data, expected.now, true, transcript);
}

/// The person signed in at the provider: the session there, and when it ends.
fn check_session(
    assertion: &Element,
    expected: &Expected<'_>,
    transcript: &mut Transcript,
) -> (Option<String>, Option<Timestamp>) {
    let mut statements = assertion.all(ASSERTION, "AuthnStatement").peekable();
    let present = statements.peek().is_some();
    let actual = if present { "one" } else { "nothing" };
    transcript.check(SsoCheck::Confirmation, present, "an AuthnStatement", actual);
    let (mut index, mut ends_at) = (None, None);
    for statement in statements {
        let ends = claims::time(statement, "SessionNotOnOrAfter");
        let open = ends.as_ref().is_ok_and(|ends| ends.is_none_or(|ends| expected.now - SKEW < ends));
        if !open {
            let actual = statement.attribute("SessionNotOnOrAfter").unwrap_or_default();
            transcript.check(SsoCheck::Times, false, "a session that has not ended", actual);
        }
        ends_at = [ends_at, ends.ok().flatten()].into_iter().flatten().min();
        index = index.or_else(|| statement.attribute("SessionIndex").map(str::to_owned));
    }
    (index, ends_at)
}

pub(super) fn shown(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
