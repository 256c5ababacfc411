//! The trait of the vault: secrets beside the log, sealed, versioned and really deletable.

use async_trait::async_trait;
use zeroize::Zeroizing;

/// A value out of the vault. Wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Counts the writes of this key, from 1; starts again after a deletion.
    pub version: u64,
    /// The value.
    pub value: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(version {})", self.version)
    }
}

/// What a key must look like for a write to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// Anything.
    Any,
    /// There is no value.
    Absent,
    /// The value has this version.
    Version(u64),
}

/// Why the vault did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key has another version (none: it has no value).
    #[error("the value has another version")]
    Conflict {
        /// What it has.
        actual: Option<u64>,
    },
    /// The value does not open: another sealing key, or altered bytes.
    #[error("the value does not open with this installation's key")]
    Sealed,
    /// It cannot be reached or is shutting down.
    #[error("the vault is not available: {0}")]
    Unavailable(String),
}

/// Sealed key-value storage beside the log, never part of the history.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// The value of `key`.
    async fn get(&self, key: &str) -> Result<Option<Secret>, VaultError>;
    /// The values of many keys, in their order, in one go.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Secret>>, VaultError>;
    /// Writes durably and returns the new version.
    async fn put(&self, key: &str, value: &[u8], expected: ExpectedVersion) -> Result<u64, VaultError>;
    /// Writes many new values durably: each as [`Vault::put`] with [`ExpectedVersion::Absent`] would, by itself and in the
    /// given order, so that one that is refused does not touch the others. The outcomes stand in that order. Whoever
    /// gives up the wait does not know which of them were written.
    async fn put_many(&self, entries: Vec<(String, Vec<u8>)>) -> Vec<Result<u64, VaultError>>;
    /// Deletes for good: afterwards the bytes are nowhere in the vault's files. Tells whether there was a value.
    async fn delete(&self, key: &str) -> Result<bool, VaultError>;
}
