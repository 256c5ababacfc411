//! Upcasters: pure functions that take the JSON of an old version of an event to the next version, one step each.

use serde_json::Value;

use crate::{DecodeError, Event};

/// Takes the payload of `event_type` in version `from` to version `from + 1`.
pub struct Upcaster {
    /// Frozen name of the type.
    pub event_type: &'static str,
    /// Version that it reads.
    pub from: u16,
    /// The step. Pure and total: an old payload always has a newer form.
    pub step: fn(Value) -> Value,
}

/// Every step there is. Only ever added to.
pub const UPCASTERS: &[Upcaster] = &[
    // Before there were epochs nobody could be logged out everywhere: all are of the first.
    Upcaster { event_type: "session.started", from: 1, step: |v| with(v, "epoch", 0.into()) },
    Upcaster { event_type: "pairing.approved", from: 1, step: |v| with(v, "account_epoch", 0.into()) },
    Upcaster { event_type: "device.enrolled", from: 1, step: |v| with(v, "account_epoch", 0.into()) },
    // Mails were in English only.
    Upcaster { event_type: "signup.begun", from: 1, step: |v| with(v, "locale", "en".into()) },
    // The issuer was not part of the name: the person is linked anew.
    Upcaster { event_type: "account.subject_linked", from: 1, step: |v| with(v, "issuer", Value::Null) },
    // The password stayed, and the sessions.
    Upcaster { event_type: "account.login_method_changed", from: 1, step: |v| with(v, "replaced", Value::Null) },
    // Reserved for no attempt that can still be confirmed.
    Upcaster { event_type: "domain.reserved", from: 1, step: |v| with(v, "challenge", NO_CHALLENGE.into()) },
];

/// The id of no challenge.
const NO_CHALLENGE: &str = "chal_00000000000000000000000000000000";

/// The payload with one more field.
fn with(mut payload: Value, field: &str, value: Value) -> Value {
    if let Some(fields) = payload.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
    payload
}

/// Applies the steps from `stored` to `current`.
pub(crate) fn to_version(
    event_type: &'static str,
    stored: u16,
    current: u16,
    value: Value,
) -> Result<Value, DecodeError> {
    apply(UPCASTERS, event_type, stored, current, value)
}

fn apply(
    upcasters: &[Upcaster],
    event_type: &'static str,
    stored: u16,
    current: u16,
    value: Value,
) -> Result<Value, DecodeError> {
    (stored..current).try_fold(value, |value, from| {
        upcasters
            .iter()
            .find(|u| u.event_type == event_type && u.from == from)
            .map(|u| (u.step)(value))
            .ok_or(DecodeError::MissingUpcaster { event_type, from })
    })
}

/// Fails if a version of any type between 1 and its current one has no step to the next. Called at start, so that a
/// forgotten step shows before the first old event is read.
pub fn check() -> Result<(), DecodeError> {
    Event::types().try_for_each(|t| check_type(UPCASTERS, t.name, t.version))
}

fn check_type(upcasters: &[Upcaster], event_type: &'static str, current: u16) -> Result<(), DecodeError> {
    match (1..current).find(|from| !upcasters.iter().any(|u| u.event_type == event_type && u.from == *from)) {
        Some(from) => Err(DecodeError::MissingUpcaster { event_type, from }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STEPS: &[Upcaster] = &[
        Upcaster { event_type: "tea.made", from: 1, step: |v| json!({ "kind": v["sort"] }) },
        Upcaster { event_type: "tea.made", from: 2, step: |v| json!({ "kind": v["kind"], "sugar": false }) },
        Upcaster { event_type: "tea.drunk", from: 2, step: |v| v },
    ];

    #[test]
    fn steps_follow_one_another() {
        let newest = apply(STEPS, "tea.made", 1, 3, json!({ "sort": "green" })).unwrap();
        assert_eq!(newest, json!({ "kind": "green", "sugar": false }));
    }

    #[test]
    fn a_gap_is_found_at_start() {
        assert!(check_type(STEPS, "tea.made", 3).is_ok());
        assert!(matches!(check_type(STEPS, "tea.made", 4), Err(DecodeError::MissingUpcaster { from: 3, .. })));
        assert!(matches!(check_type(STEPS, "tea.drunk", 3), Err(DecodeError::MissingUpcaster { from: 1, .. })));
        check().unwrap();
    }
}
