//! The payload of an event as a person reads it.

use engine::{PersonKeys, ProjectionError};
use schema::{Event, Personal};
use serde_json::Value;

/// Fields that say nothing to anybody but the platform and stand near a secret: hashes of secrets, what codes and links are
/// derived from, names of what the vault holds.
const LEFT_OUT: [&str; 5] = ["secret_sha256", "challenge", "credential", "replaced", "edit"];

/// The payload in its current version, as its JSON Schema describes it, with personal values opened. Those of an
/// erased person are null. Left out is what stands near a secret.
///
/// # Errors
/// A key that is needed was not fetched, or does not fit.
pub fn details(event: &Event, keys: &PersonKeys) -> Result<Value, ProjectionError> {
    let unwritable = |_| ProjectionError::Unexpected("the payload cannot be written");
    let mut payload = event.encode().map_err(unwritable).and_then(|bytes| {
        serde_json::from_slice(&bytes).map_err(|_| ProjectionError::Unexpected("the payload is not JSON"))
    })?;
    open(&mut payload, keys)?;
    if let Value::Object(fields) = &mut payload {
        fields.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        if let Some(Value::Object(configuration)) = fields.get_mut("configuration") {
            configuration.remove("secret");
        }
    }
    Ok(payload)
}

/// Puts what is sealed in the open, however deep it lies.
fn open(value: &mut Value, keys: &PersonKeys) -> Result<(), ProjectionError> {
    match value {
        Value::Object(fields)
            if fields.len() == 2 && fields.contains_key("subject") && fields.contains_key("sealed") =>
        {
            let sealed = serde_json::from_value::<Personal<Value>>(value.take());
            let sealed = sealed.map_err(|_| ProjectionError::Unexpected("a sealed value has another shape"))?;
            *value = keys.open(&sealed)?.unwrap_or_default();
            Ok(())
        }
        Value::Object(fields) => fields.values_mut().try_for_each(|value| open(value, keys)),
        Value::Array(values) => values.iter_mut().try_for_each(|value| open(value, keys)),
        _ => Ok(()),
    }
}
