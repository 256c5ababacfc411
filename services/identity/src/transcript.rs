//! What was checked when an identity provider vouched for a person: an admin reads it, so every line says what was
//! expected and what came.

use std::collections::BTreeMap;

use schema::{SsoCheck, SsoCheckResult};

/// Longest text of one line in characters.
const MAX_TEXT: usize = 300;

/// Codes with which providers refuse (RFC 6749 4.1.2.1 and 5.2, openid-connect-core-1_0 3.1.2.6).
const CODES: [&str; 16] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
];
/// The same of SAML begin so (saml-core-2.0-os 3.2.2.2).
const SAML_CODE: &str = "urn:oasis:names:tc:SAML:2.0:status:";

/// The checks so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    results: Vec<SsoCheckResult>,
    /// Of checks that quote the provider: the codes in what it said.
    codes: BTreeMap<usize, String>,
}

impl Transcript {
    /// Notes a check and returns whether it holds.
    pub fn check(&mut self, check: SsoCheck, passed: bool, expected: &str, actual: &str) -> bool {
        self.results.push(SsoCheckResult { check, passed, expected: shown(expected), actual: shown(actual) });
        passed
    }

    /// The same for what must be one certain text.
    pub fn equal(&mut self, check: SsoCheck, expected: &str, actual: Option<&str>) -> bool {
        self.check(check, actual == Some(expected), expected, actual.unwrap_or("nothing"))
    }

    /// Notes that the provider refuses, with its codes and its words. The latter may name the person.
    pub fn quote(&mut self, check: SsoCheck, passed: bool, expected: &str, codes: &[&str], words: &str) {
        let known = |code: &&&str| {
            let saml = code.strip_prefix(SAML_CODE);
            CODES.contains(code) || saml.is_some_and(|c| c.len() <= 40 && c.bytes().all(|b| b.is_ascii_alphabetic()))
        };
        let known: Vec<_> = codes.iter().filter(known).copied().collect();
        self.codes.insert(self.results.len(), known.join(" "));
        let actual: Vec<_> = codes.iter().copied().chain([words]).filter(|part| !part.is_empty()).collect();
        self.check(check, passed, expected, &actual.join(" "));
    }

    /// The first check that failed.
    pub fn failed(&self) -> Option<&SsoCheckResult> {
        self.results.iter().find(|result| !result.passed)
    }

    /// The first check that failed, with what may stand of it in the log in the clear: nothing that tells of a person,
    /// and of what a provider says its codes.
    pub fn impersonal(&self) -> Option<SsoCheckResult> {
        let (index, failed) = self.results.iter().enumerate().find(|(_, result)| !result.passed)?;
        let actual = match (failed.check.is_personal(), self.codes.get(&index)) {
            (true, _) => String::new(),
            (false, Some(codes)) => codes.clone(),
            (false, None) => failed.actual.clone(),
        };
        Some(SsoCheckResult { actual, ..failed.clone() })
    }

    /// All checks in order.
    pub fn results(&self) -> &[SsoCheckResult] {
        &self.results
    }
}

/// What came is anybody's text: bounded, on one line, without anything that moves a cursor or turns its direction.
fn shown(text: &str) -> String {
    let plain = |c: char| {
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if hidden { '�' } else { c }
    };
    let mut shown: String = text.chars().take(MAX_TEXT).map(plain).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_plain() {
        let mut transcript = Transcript::default();
        assert!(transcript.equal(SsoCheck::Issuer, "a", Some("a")));
        assert!(!transcript.equal(SsoCheck::Audience, "a", None));
        assert!(!transcript.check(SsoCheck::Status, false, "x", &format!("\u{1b}[2J\u{202e}{}", "y".repeat(400))));
        assert_eq!(transcript.failed().unwrap().check, SsoCheck::Audience);
        let [_, _, last] = transcript.results() else { panic!() };
        assert!(last.actual.starts_with("�[2J�yyy") && last.actual.ends_with("y…"), "{}", last.actual);
        assert_eq!(last.actual.chars().count(), 301);
    }

    #[test]
    fn only_codes_of_a_provider_are_impersonal() {
        let impersonal = |codes: &[&str], words: &str| {
            let mut transcript = Transcript::default();
            transcript.check(SsoCheck::Format, true, "x", "anna@northwind.example");
            transcript.quote(SsoCheck::Status, false, "a code", codes, words);
            assert!(transcript.failed().unwrap().actual.ends_with(words));
            transcript.impersonal().unwrap().actual
        };
        assert_eq!(impersonal(&["access_denied"], "anna is locked"), "access_denied");
        assert_eq!(impersonal(&["", "anna"], "is locked"), "");
        let (outer, inner) = (&*format!("{SAML_CODE}Responder"), &*format!("{SAML_CODE}AuthnFailed"));
        assert_eq!(impersonal(&[outer, inner], "anna"), format!("{outer} {inner}"));
        assert_eq!(impersonal(&[&format!("{SAML_CODE}anna@northwind.example")], "x"), "");
        let mut personal = Transcript::default();
        personal.check(SsoCheck::Email, false, "x", "anna@northwind.example");
        assert_eq!(personal.impersonal().unwrap().actual, "");
    }
}
