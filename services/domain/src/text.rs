//! Text from people, checked and normalised once: what has one of these types needs no further check.

use std::fmt;

use schema::{ConnectedAccount, Profile};
use unicode_normalization::UnicodeNormalization;
use unicode_security::MixedScript;

use crate::{Code, Rejection};

/// Most characters of a person's name. Long enough for full names in any culture.
pub const NAME_CHARACTERS: usize = 100;
/// Most characters of an organization's, role's or device's name and of the directory fields.
pub const TITLE_CHARACTERS: usize = 200;
/// Most bytes of an email address: RFC 5321 4.5.3.1.3, less the angle brackets.
pub const EMAIL_BYTES: usize = 254;
/// Most bytes before the `@`: RFC 5321 4.5.3.1.1.
pub const LOCAL_PART_BYTES: usize = 64;

/// Mail services whose addresses say nothing about a company.
const CONSUMER_DOMAINS: &str = include_str!("consumer_domains.txt");

/// A line of text: NFC, trimmed, no control characters, no invisible formatting, at most `max` characters.
pub fn line(text: &str, max: usize) -> Result<String, Rejection> {
    // A character is at most 4 bytes in UTF-8; composing first could turn a long text into a long computation.
    if text.len() > max.saturating_mul(16) {
        return Err(too_long(max));
    }
    let text: String = text.trim().nfc().collect();
    match text.chars().count() {
        0 => Err(Code::Required.into()),
        n if n > max => Err(too_long(max)),
        _ if text.chars().any(is_invisible) => Err(Code::InvalidCharacters.into()),
        _ => Ok(text),
    }
}

/// Like [`line`], but empty counts as not given.
pub fn optional_line(text: Option<&str>, max: usize) -> Result<Option<String>, Rejection> {
    text.filter(|t| !t.trim().is_empty()).map(|t| line(t, max)).transpose()
}

fn too_long(max: usize) -> Rejection {
    Rejection::new(Code::TooLong, format!("Use at most {max} characters."))
}

/// Control characters, line and paragraph separators, direction overrides, invisible formatting, private use. The
/// joiners U+200C and U+200D stay: Persian and Indic names and emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}')
}

/// What a name looks like: equal for names that a person cannot tell apart (Unicode TR 39 skeleton, case folded).
pub fn look(name: &str) -> String {
    let folded = name.to_lowercase();
    unicode_security::skeleton(&folded).collect::<String>().to_lowercase()
}

/// A domain name in ASCII form: lower case, no trailing dot, registrable (not itself a public suffix), one script.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Reads what a person typed.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let invalid = || Rejection::from(Code::InvalidEmail);
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > 4 * EMAIL_BYTES || !text.contains('.') {
            return Err(invalid());
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| invalid())?;
        let (unicode, valid) = idna::domain_to_unicode(&ascii);
        if ascii.len() > 253 || valid.is_err() || ascii.parse::<std::net::IpAddr>().is_ok() {
            return Err(invalid());
        }
        if !unicode.split('.').all(MixedScript::is_single_script) {
            return Err(Code::LookAlikeDomain.into());
        }
        // Unknown suffixes count as public by the list's own rule "*"; a name needs one label before the suffix.
        if psl::domain_str(&ascii).is_none()
            || ascii.rsplit('.').next().is_none_or(|tld| tld.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(invalid());
        }
        Ok(Self(ascii))
    }
    /// ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether it or a parent of it belongs to a consumer mail service.
    pub fn is_consumer(&self) -> bool {
        let registrable = psl::domain_str(&self.0).unwrap_or(&self.0);
        CONSUMER_DOMAINS.lines().any(|line| line == self.0 || line == registrable)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An email address: ASCII local part in lower case, domain in ASCII form. Personal data: `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    whole: String,
    domain: DomainName,
}

impl EmailAddress {
    /// Reads what a person typed. Accepts the dot-atom form of RFC 5322 with an ASCII local part: what every mail
    /// server takes.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let invalid = || Rejection::from(Code::InvalidEmail);
        let text = text.trim();
        if text.is_empty() {
            return Err(Code::Required.into());
        }
        if text.len() > 4 * EMAIL_BYTES {
            return Err(too_long(EMAIL_BYTES));
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let is_atom = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
        };
        if local.len() > LOCAL_PART_BYTES || !local.split('.').all(is_atom) {
            return Err(invalid());
        }
        let domain = DomainName::parse(domain)?;
        let whole = format!("{}@{}", local.to_ascii_lowercase(), domain.as_str());
        if whole.len() > EMAIL_BYTES { Err(too_long(EMAIL_BYTES)) } else { Ok(Self { whole, domain }) }
    }
    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.whole
    }
    /// What stands after the `@`.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.domain.0)
    }
}

/// Checks every field of a profile. Field names of the refusals are those of the API.
pub fn profile(raw: &Profile) -> Result<Profile, Rejection> {
    let field = |value: &Option<String>, name: &'static str| {
        optional_line(value.as_deref(), TITLE_CHARACTERS).map_err(|e| e.at(name))
    };
    Ok(Profile {
        given_name: line(&raw.given_name, NAME_CHARACTERS).map_err(|e| e.at("givenName"))?,
        family_name: line(&raw.family_name, NAME_CHARACTERS).map_err(|e| e.at("familyName"))?,
        job_title: field(&raw.job_title, "jobTitle")?,
        department: field(&raw.department, "department")?,
        division: field(&raw.division, "division")?,
        location: field(&raw.location, "location")?,
        phone: field(&raw.phone, "phone")?,
        manager_email: raw
            .manager_email
            .as_deref()
            .filter(|text| !text.trim().is_empty())
            .map(|text| EmailAddress::parse(text).map(|email| email.whole))
            .transpose()
            .map_err(|e| e.at("managerEmail"))?,
        start_date: raw.start_date,
    })
}

/// A language tag of the simple form `en`, `de-DE`, `zh-Hant` or `zh-Hant-TW` (BCP 47: language, script, region).
pub fn locale(text: &str) -> Result<String, Rejection> {
    let text = text.trim();
    let mut parts = text.split('-');
    let letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let language = parts.next().is_some_and(|part| letters(part, 2..=3));
    let rest: Vec<_> = parts.collect();
    let tail = match rest.as_slice() {
        [] => true,
        [one] => letters(one, 2..=2) || letters(one, 4..=4),
        [script, region] => letters(script, 4..=4) && letters(region, 2..=2),
        _ => false,
    };
    if language && tail {
        Ok(text.to_owned())
    } else {
        Err(Rejection::new(Code::InvalidValue, "Use a language tag such as en or de-DE."))
    }
}

/// Accounts that a unit reports: at most 20, each a short lower-case word.
pub fn connected_accounts<'a>(
    services: impl IntoIterator<Item = &'a str>,
) -> Result<std::collections::BTreeSet<ConnectedAccount>, Rejection> {
    let accounts: std::collections::BTreeSet<_> = services
        .into_iter()
        .take(21)
        .map(|service| {
            let word =
                (1..=40).contains(&service.len()) && service.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            word.then(|| ConnectedAccount { service: service.to_owned() }).ok_or(Rejection::from(Code::InvalidValue))
        })
        .collect::<Result<_, _>>()?;
    if accounts.len() > 20 { Err(Code::TooMany.into()) } else { Ok(accounts) }
}
