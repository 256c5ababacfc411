//! Personal data in events: sealed with a key per person, so that deleting the key erases the data for good while the
//! history stays whole.

use std::{borrow::Cow, fmt, marker::PhantomData};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use data_encoding::BASE64URL_NOPAD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::AccountId;

/// Length of the nonce of XChaCha20-Poly1305 in bytes (draft-irtf-cfrg-xchacha-03); long enough to be random.
pub const NONCE_BYTES: usize = 24;

/// The key that seals one person's data. It lives in the vault, never in the log.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PersonKey([u8; 32]);

impl PersonKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// Reads what [`PersonKey::as_bytes`] wrote; none if the length is wrong.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    /// The bytes to keep in the vault.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// Where the vault keeps the key of this person.
    pub fn vault_key(subject: AccountId) -> String {
        format!("person/{subject}")
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(…)")
    }
}

/// Why sealed data could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The key does not fit or the bytes were altered.
    #[error("the sealed value does not open with this key")]
    Altered,
    /// It opened, but is not a value of the expected shape.
    #[error("the sealed value has another shape")]
    Shape,
}

/// The value could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be sealed")]
pub struct SealError;

/// A value about a person, sealed with that person's key. Safe to store, log and show: it says nothing by itself.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Personal<T> {
    subject: AccountId,
    sealed: String,
    #[serde(skip)]
    value: PhantomData<fn() -> T>,
}

impl<T> Personal<T> {
    /// Whose data it is, and so which key opens it.
    pub fn subject(&self) -> AccountId {
        self.subject
    }
}

impl<T: Serialize> Personal<T> {
    /// Seals `value` for `subject`. The nonce must be fresh and random.
    pub fn seal(key: &PersonKey, subject: AccountId, nonce: [u8; NONCE_BYTES], value: &T) -> Result<Self, SealError> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(value).map_err(|_| SealError)?);
        let boxed = XChaCha20Poly1305::new(key.as_bytes().into())
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &plain, aad: subject.0.as_bytes() })
            .map_err(|_| SealError)?;
        let sealed = BASE64URL_NOPAD.encode(&[nonce.as_slice(), &boxed].concat());
        Ok(Self { subject, sealed, value: PhantomData })
    }
}

impl<T: DeserializeOwned> Personal<T> {
    /// Opens with the person's key.
    pub fn open(&self, key: &PersonKey) -> Result<T, OpenError> {
        let bytes = BASE64URL_NOPAD.decode(self.sealed.as_bytes()).map_err(|_| OpenError::Altered)?;
        let (nonce, boxed) = bytes.split_at_checked(NONCE_BYTES).ok_or(OpenError::Altered)?;
        let plain = XChaCha20Poly1305::new(key.as_bytes().into())
            .decrypt(XNonce::from_slice(nonce), Payload { msg: boxed, aad: self.subject.0.as_bytes() })
            .map(zeroize::Zeroizing::new)
            .map_err(|_| OpenError::Altered)?;
        serde_json::from_slice(&plain).map_err(|_| OpenError::Shape)
    }
}

impl<T> Clone for Personal<T> {
    fn clone(&self) -> Self {
        Self { subject: self.subject, sealed: self.sealed.clone(), value: PhantomData }
    }
}

impl<T> PartialEq for Personal<T> {
    fn eq(&self, other: &Self) -> bool {
        self.subject == other.subject && self.sealed == other.sealed
    }
}

impl<T> Eq for Personal<T> {}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personal({})", self.subject)
    }
}

impl<T: JsonSchema> JsonSchema for Personal<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Personal_{}", T::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let subject = AccountId::json_schema(generator);
        json_schema!({
            "type": "object",
            "description": format!("Sealed with the key of the person: {}", T::schema_name()),
            "properties": { "subject": subject, "sealed": { "type": "string", "contentEncoding": "base64url" } },
            "required": ["subject", "sealed"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn opens_with_its_key_only(text in ".*", key: [u8; 32], other: [u8; 32], nonce: [u8; NONCE_BYTES], id: u128) {
            let subject = AccountId(Uuid::from_u128(id));
            let sealed = Personal::seal(&PersonKey::new(key), subject, nonce, &text).unwrap();
            prop_assert_eq!(sealed.open(&PersonKey::new(key)), Ok(text.clone()));
            if other != key {
                prop_assert_eq!(sealed.open(&PersonKey::new(other)), Err(OpenError::Altered));
            }
            // Moved to another person it no longer opens, even with the right key.
            let moved: Personal<String> = Personal { subject: AccountId(Uuid::from_u128(!id)), ..sealed.clone() };
            prop_assert_eq!(moved.open(&PersonKey::new(key)), Err(OpenError::Altered));
            let json = serde_json::to_string(&sealed).unwrap();
            if text.len() >= 8 && !text.contains(['"', '\\']) {
                prop_assert!(!json.contains(&text));
            }
            prop_assert_eq!(serde_json::from_str::<Personal<String>>(&json).unwrap(), sealed);
        }
    }
}
