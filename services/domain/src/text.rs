//! Text from people, checked and normalised once: what has one of these types needs no further check.

use std::fmt;

use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use schema::{ConnectedAccount, Profile};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

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

/// Most marks on one letter. Twice the four nonspacing marks of Unicode TR 39 5.4, as the vowel signs of Indic scripts
/// count too; more of them cover the lines above and below.
const MARKS: usize = 8;

/// A line of text: NFC, trimmed, something to see, no control characters, no invisible formatting, at most `max`
/// characters.
pub fn line(text: &str, max: usize) -> Result<String, Rejection> {
    // A character is at most 4 bytes in UTF-8; composing first could turn a long text into a long computation.
    if text.len() > max.saturating_mul(16) {
        return Err(too_long(max));
    }
    let text: String = text.trim().nfc().collect();
    match text.chars().count() {
        0 => Err(Code::Required.into()),
        n if n > max => Err(too_long(max)),
        _ if !is_readable(&text) => Err(Code::InvalidCharacters.into()),
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

/// Whether there is something to see and nothing hidden or piled up.
fn is_readable(text: &str) -> bool {
    let (mut visible, mut marks, mut before) = (false, 0, ' ');
    for c in text.chars() {
        let (mark, joiner) = (is_combining_mark(c), is_joiner(c));
        // A joiner belongs after a letter of a script that joins, or inside an emoji.
        let joins_nothing = joiner && (before.is_ascii() || before.is_whitespace() || is_joiner(before));
        marks = if mark {
            marks + 1
        } else if joiner {
            marks
        } else {
            0
        };
        if is_invisible(c) || joins_nothing || marks > MARKS {
            return false;
        }
        visible |= !mark && !joiner && !c.is_whitespace();
        before = c;
    }
    visible
}

/// U+200C and U+200D: Persian and Indic names and emoji need them.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Control characters, line and paragraph separators, direction marks and overrides, blank letters, invisible
/// formatting, private use, noncharacters. Variation selectors stay: Japanese names and emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xFFFE == 0xFFFE
        || matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}'
            | '\u{FDD0}'..='\u{FDEF}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFC}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E00FF}'
            | '\u{E01F0}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}')
}

/// What a name looks like: equal for names that a person cannot tell apart (Unicode TR 39 skeleton, case and spaces
/// folded). Folded before and after, since a capital I looks like a small l but is the capital of another letter.
pub fn look(name: &str) -> String {
    let fold = |text: &str| unicode_security::skeleton(text).collect::<String>().to_lowercase();
    let words: Vec<_> = name.split_whitespace().collect();
    fold(&fold(&words.join(" "))).replace('i', "l")
}

/// A domain name in ASCII form: lower case, no trailing dot, registrable (not itself a public suffix), no look-alike.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Reads what a person typed.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let invalid = || Rejection::from(Code::InvalidEmail);
        if text.len() > 4 * EMAIL_BYTES {
            return Err(invalid());
        }
        let ascii = Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::VerifyAllowRootDot)
            .map_err(|_| invalid())?;
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        let (unicode, valid) = idna::domain_to_unicode(ascii);
        let top = ascii.rsplit('.').next().unwrap_or_default();
        // Digits at the end, decimal or hexadecimal, are what some programs take for an IP address.
        let is_name = top.starts_with("xn--") || top.bytes().all(|b| b.is_ascii_alphabetic());
        // Unknown suffixes count as public by the list's own rule "*"; a name needs one label before the suffix.
        if valid.is_err() || !is_name || psl::domain_str(ascii).is_none() {
            return Err(invalid());
        }
        let in_ascii_suffix = !top.starts_with("xn--");
        if unicode.split('.').any(|label| is_look_alike(label, in_ascii_suffix)) {
            return Err(Code::LookAlikeDomain.into());
        }
        Ok(Self(ascii.to_owned()))
    }
    /// ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// As people write it.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }
    /// Whether it or a parent of it belongs to a consumer mail service.
    pub fn is_consumer(&self) -> bool {
        let registrable = psl::domain_str(&self.0).unwrap_or(&self.0);
        CONSUMER_DOMAINS.lines().any(|line| line == self.0 || line == registrable)
    }
}

/// Whether a label mixes scripts (other than Latin with Chinese, Japanese or Korean: "highly restrictive" in Unicode
/// TR 39) or imitates a Latin one as a whole under a suffix in ASCII, as browsers judge it.
fn is_look_alike(label: &str, in_ascii_suffix: bool) -> bool {
    if label.is_ascii() {
        return false;
    }
    let mixed = !label.is_single_script() && !label.check_restriction_level(RestrictionLevel::HighlyRestrictive);
    let is_latin = format!("{label}a").as_str().is_single_script();
    mixed || (in_ascii_suffix && !is_latin && unicode_security::skeleton(label).all(|c| c.is_ascii()))
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

/// Checks every field of a profile and names the first that has to be mended. Field names are those of the API.
pub fn profile(raw: &Profile) -> Result<Profile, Rejection> {
    all_of_profile(raw).map_err(|mut refused| refused.swap_remove(0))
}

/// The same, naming every field that has to be mended: never none of them.
pub fn all_of_profile(raw: &Profile) -> Result<Profile, Vec<Rejection>> {
    let mut refused = Vec::new();
    let mut name = |text: &str, field: &'static str| keep(line(text, NAME_CHARACTERS), field, &mut refused);
    let (given_name, family_name) = (name(&raw.given_name, "givenName"), name(&raw.family_name, "familyName"));
    let mut title = |text: &Option<String>, field: &'static str| {
        keep(optional_line(text.as_deref(), TITLE_CHARACTERS), field, &mut refused)
    };
    let checked = Profile {
        given_name,
        family_name,
        job_title: title(&raw.job_title, "jobTitle"),
        department: title(&raw.department, "department"),
        division: title(&raw.division, "division"),
        location: title(&raw.location, "location"),
        phone: title(&raw.phone, "phone"),
        manager_email: keep(manager(raw.manager_email.as_deref()), "managerEmail", &mut refused),
        start_date: raw.start_date,
    };
    if refused.is_empty() { Ok(checked) } else { Err(refused) }
}

fn manager(text: Option<&str>) -> Result<Option<String>, Rejection> {
    let given = text.filter(|text| !text.trim().is_empty());
    given.map(|text| EmailAddress::parse(text).map(|email| email.whole)).transpose()
}

/// The checked text, or nothing and a note why not.
fn keep<T: Default>(checked: Result<T, Rejection>, field: &'static str, refused: &mut Vec<Rejection>) -> T {
    checked.unwrap_or_else(|rejection| {
        refused.push(rejection.at(field));
        T::default()
    })
}

/// A language tag of the simple form `en`, `de-DE`, `zh-Hant` or `zh-Hant-TW` (BCP 47: language, script, region), in
/// its canonical case.
pub fn locale(text: &str) -> Result<String, Rejection> {
    let letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let is_script = |part: &str| letters(part, 4..=4);
    let is_region = |part: &str| letters(part, 2..=2) || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()));
    let mut parts = text.trim().split('-');
    let language = parts.next().filter(|part| letters(part, 2..=3));
    let tail: Vec<_> = parts.take(3).collect();
    let (script, region) = match tail.as_slice() {
        [] => ("", ""),
        [script] if is_script(script) => (*script, ""),
        [region] if is_region(region) => ("", *region),
        [script, region] if is_script(script) && is_region(region) => (*script, *region),
        _ => return Err(invalid_locale()),
    };
    let mut tag = language.ok_or_else(invalid_locale)?.to_ascii_lowercase();
    if let Some((first, rest)) = script.split_at_checked(1) {
        tag = format!("{tag}-{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase());
    }
    if region.is_empty() { Ok(tag) } else { Ok(format!("{tag}-{}", region.to_ascii_uppercase())) }
}

fn invalid_locale() -> Rejection {
    Rejection::new(Code::InvalidValue, "Use a language tag such as en or de-DE.")
}

/// Most accounts that a unit may report.
const CONNECTED_ACCOUNTS: usize = 20;

/// Accounts that a unit reports: at most 20, each a short lower-case word.
pub fn connected_accounts<'a>(
    services: impl IntoIterator<Item = &'a str>,
) -> Result<std::collections::BTreeSet<ConnectedAccount>, Rejection> {
    let mut accounts = std::collections::BTreeSet::new();
    for (index, service) in services.into_iter().enumerate() {
        if index == CONNECTED_ACCOUNTS {
            return Err(Code::TooMany.into());
        }
        let is_word = (1..=40).contains(&service.len()) && service.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !is_word {
            return Err(Code::InvalidValue.into());
        }
        accounts.insert(ConnectedAccount { service: service.to_owned() });
    }
    Ok(accounts)
}
