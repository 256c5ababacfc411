//! What signed elements say.

use chrono::Duration;
use schema::{SsoCheck, Timestamp};

use super::{
    NameId,
    names::{ASSERTION, EMAIL, ENTITY, PROTOCOL, SUCCESS, UNSPECIFIED},
    xml::Element,
};
use crate::Transcript;

/// How far the clocks of providers may be off.
pub(super) const SKEW: Duration = Duration::seconds(120);
/// Longest name of a person or session.
const MAX_NAME: usize = 256;
/// Attributes in which providers put the email address: by name in LDAP, by object identifier, by claim.
const EMAIL_ATTRIBUTES: [&str; 6] = [
    "email",
    "mail",
    "emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
];

/// A moment as an attribute has it.
pub(super) fn time(element: &Element, name: &str) -> Result<Option<Timestamp>, ()> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    let time = chrono::DateTime::parse_from_rfc3339(text.trim()).map_err(|_| ())?;
    Ok(Some(time.to_utc()))
}

/// The issuer, if it is named as an entity.
pub(super) fn issuer(element: &Element) -> Option<&str> {
    let issuer = element.only(ASSERTION, "Issuer")?;
    issuer.attribute("Format").is_none_or(|format| format == ENTITY).then_some(issuer)?.text()
}

/// Whether an answer reports success; the transcript quotes what it says.
pub(super) fn check_status(response: &Element, transcript: &mut Transcript) -> bool {
    let status = response.only(PROTOCOL, "Status");
    let code = status.and_then(|status| status.only(PROTOCOL, "StatusCode"));
    let second = code.and_then(|code| code.only(PROTOCOL, "StatusCode"));
    let [code, second] = [code, second].map(|code| code.and_then(|code| code.attribute("Value")).unwrap_or_default());
    let message = status.and_then(|status| status.only(PROTOCOL, "StatusMessage")).and_then(Element::text);
    transcript.quote(SsoCheck::Status, code == SUCCESS, SUCCESS, &[code, second], message.unwrap_or_default());
    code == SUCCESS
}

/// The name of the person.
pub(super) fn name_id(parent: &Element) -> Option<NameId> {
    let element = parent.only(ASSERTION, "NameID")?;
    let value = element.text().filter(|value| !value.is_empty() && value.len() <= MAX_NAME)?;
    let attribute = |name: &str| element.attribute(name).map(str::to_owned);
    Some(NameId {
        value: value.to_owned(),
        format: attribute("Format").unwrap_or_default(),
        qualifiers: [attribute("NameQualifier"), attribute("SPNameQualifier")],
    })
}

/// The email address: the name of the person if that is one, otherwise the one value of the one attribute for it.
pub(super) fn email(assertion: &Element, name: &NameId) -> Option<String> {
    if name.format == EMAIL {
        return Some(name.value.clone());
    }
    let attributes = assertion.all(ASSERTION, "AttributeStatement").flat_map(|s| s.all(ASSERTION, "Attribute"));
    let about_email = attributes.filter(|attribute| {
        let name = attribute.attribute("Name").unwrap_or_default();
        EMAIL_ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(name))
    });
    let mut values: Vec<_> = about_email.flat_map(|a| a.all(ASSERTION, "AttributeValue")).map(Element::text).collect();
    values.dedup();
    match &*values {
        [Some(value)] if !value.is_empty() && value.len() <= MAX_NAME => Some((*value).to_owned()),
        [] if matches!(name.format.as_str(), "" | UNSPECIFIED) && name.value.contains('@') => Some(name.value.clone()),
        _ => None,
    }
}

/// Audiences of the conditions, one list for each restriction: each has to name us.
pub(super) fn audiences(conditions: &Element) -> Vec<Vec<&str>> {
    let restrictions = conditions.all(ASSERTION, "AudienceRestriction");
    restrictions.map(|r| r.all(ASSERTION, "Audience").filter_map(Element::text).collect()).collect()
}

/// The conditions are all of kinds that are understood (saml-core-2.0-os 2.5.1.1).
pub(super) fn understood(conditions: &Element) -> bool {
    let known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
    conditions.children.iter().all(|child| child.namespace == ASSERTION && known.contains(&child.name.as_str()))
}
