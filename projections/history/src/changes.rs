//! What was there before an event and what is there after it.

use engine::{PersonKeys, ProjectionError};
use schema::{
    Event, RecordedEvent, Right, SsoConfiguration,
    events::{AccountEvent, DeviceEvent, OrganizationEvent, RoleEvent, SingleSignOnEvent},
};
use serde_json::{Map, Value, json};

use crate::follows::{Aspect, Follows, follows};

/// A field that an event changed, named as the API names it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// Its name, such as `givenName`.
    pub field: String,
    /// Its value until then; null if it had none.
    pub before: Value,
    /// Its value from then on; null if it has none.
    pub after: Value,
}

/// The fields that the event changed, in alphabetical order. `previous` is the event that it follows up. What only an
/// erased person's key would open is left out.
///
/// # Errors
/// A key that is needed was not fetched, or does not fit.
pub fn changes(
    event: &Event,
    recorded: &RecordedEvent,
    previous: Option<&Event>,
    keys: &PersonKeys,
) -> Result<Vec<FieldChange>, ProjectionError> {
    let (aspect, removes) = match follows(event, recorded) {
        Some(Follows::Sets(_, aspect)) => (aspect, false),
        Some(Follows::Removes(_, aspect)) => (aspect, true),
        _ => return Ok(Vec::new()),
    };
    let before = previous.map(|previous| fields(previous, aspect, keys)).transpose()?.unwrap_or_default();
    let after = if removes { Map::new() } else { fields(event, aspect, keys)? };
    let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |fields: &Map<String, Value>, name: &str| fields.get(name).cloned().unwrap_or_default();
    let compared = names.into_iter().map(|name| FieldChange {
        field: camel_case(name),
        before: value(&before, name),
        after: value(&after, name),
    });
    Ok(compared.filter(|change| change.before != change.after).collect())
}

/// What the event sets of the aspect.
fn fields(event: &Event, aspect: Aspect, keys: &PersonKeys) -> Result<Map<String, Value>, ProjectionError> {
    let one = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
    Ok(match (aspect, event) {
        (Aspect::Profile, Event::Account(AccountEvent::Created(e))) => profile(keys.open(&e.profile)?.as_ref()),
        (Aspect::Profile, Event::Account(AccountEvent::ProfileChanged(e))) => profile(keys.open(&e.profile)?.as_ref()),
        (Aspect::Locale, Event::Account(AccountEvent::Created(e))) => one("locale", json!(e.locale)),
        (Aspect::Locale, Event::Account(AccountEvent::LocaleChanged(e))) => one("locale", json!(e.locale)),
        (Aspect::Email, Event::Account(AccountEvent::Created(e))) => one("email", json!(keys.open(&e.email)?)),
        (Aspect::Email, Event::Account(AccountEvent::EmailChanged(e))) => one("email", json!(keys.open(&e.email)?)),
        (Aspect::Name, Event::Organization(OrganizationEvent::Created(e))) => one("name", json!(e.name)),
        (Aspect::Name, Event::Organization(OrganizationEvent::Renamed(e))) => one("name", json!(e.name)),
        (Aspect::Name, Event::SingleSignOn(SingleSignOnEvent::ProviderAdded(e))) => {
            provider(&e.name, &e.domains, &e.configuration)
        }
        (Aspect::Name, Event::SingleSignOn(SingleSignOnEvent::ProviderUpdated(e))) => {
            provider(&e.name, &e.domains, &e.configuration)
        }
        (Aspect::LoginMethod, Event::Account(AccountEvent::Created(e))) => one("login_method", json!(e.login_method)),
        (Aspect::LoginMethod, Event::Account(AccountEvent::LoginMethodChanged(e))) => {
            one("login_method", json!(e.method))
        }
        (Aspect::Logo, Event::Organization(OrganizationEvent::LogoChanged(e))) => one("logo", json!(e.sha256)),
        (Aspect::Name, Event::Role(RoleEvent::Created(e))) => role(&e.name, &e.rights),
        (Aspect::Name, Event::Role(RoleEvent::Edited(e))) => role(&e.name, &e.rights),
        (Aspect::Name, Event::Device(DeviceEvent::Enrolled(e))) => one("name", json!(e.name)),
        (Aspect::Name, Event::Device(DeviceEvent::Renamed(e))) => one("name", json!(e.name)),
        (Aspect::Status, Event::Device(DeviceEvent::Enrolled(e))) => one("software_version", json!(e.software_version)),
        (Aspect::Status, Event::Device(DeviceEvent::StatusReported(e))) => Map::from_iter([
            ("boot_id".to_owned(), json!(e.boot_id)),
            ("connected_accounts".to_owned(), e.connected_accounts.iter().map(|a| a.service.clone()).collect()),
            ("settings_revision".to_owned(), json!(e.settings_revision)),
            ("software_version".to_owned(), json!(e.software_version)),
        ]),
        _ => Map::new(),
    })
}

/// Empty for an erased person.
fn profile(profile: Option<&schema::Profile>) -> Map<String, Value> {
    match profile.map(serde_json::to_value) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => Map::new(),
    }
}

fn role<'a>(name: &str, rights: impl IntoIterator<Item = &'a Right>) -> Map<String, Value> {
    let rights = rights.into_iter().map(|right| json!(right).as_str().unwrap_or_default().to_uppercase());
    Map::from_iter([("name".to_owned(), json!(name)), ("rights".to_owned(), rights.collect())])
}

/// Without the name of the client secret: what it changes with is told by the rest.
fn provider(name: &str, domains: &[String], configuration: &SsoConfiguration) -> Map<String, Value> {
    let mut fields = match serde_json::to_value(configuration) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    fields.remove("secret");
    fields.insert("name".to_owned(), json!(name));
    fields.insert("domains".to_owned(), json!(domains));
    fields
}

/// `given_name` as `givenName`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut joined, word| {
        let (initial, rest) = word.split_at_checked(1).unwrap_or_default();
        joined.push_str(&initial.to_uppercase());
        joined.push_str(rest);
        joined
    })
}
