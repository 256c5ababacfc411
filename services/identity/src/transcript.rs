//! What was checked when an identity provider vouched for a person: an admin reads it, so every line says what was
//! expected and what came.

use schema::{SsoCheck, SsoCheckResult};

/// Longest text of one line in characters.
const MAX_TEXT: usize = 300;

/// The checks so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript(Vec<SsoCheckResult>);

impl Transcript {
    /// Notes a check and returns whether it holds.
    pub fn check(&mut self, check: SsoCheck, passed: bool, expected: &str, actual: &str) -> bool {
        self.0.push(SsoCheckResult { check, passed, expected: shown(expected), actual: shown(actual) });
        passed
    }

    /// The same for what must be one certain text.
    pub fn equal(&mut self, check: SsoCheck, expected: &str, actual: Option<&str>) -> bool {
        self.check(check, actual == Some(expected), expected, actual.unwrap_or("nothing"))
    }

    /// The first check that failed.
    pub fn failed(&self) -> Option<&SsoCheckResult> {
        self.0.iter().find(|result| !result.passed)
    }

    /// All checks in order.
    pub fn results(&self) -> &[SsoCheckResult] {
        &self.0
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
}
