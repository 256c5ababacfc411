//! The keys that seal what is personal, one per person, out of the vault.

use std::{sync::Arc, time::Duration};

use domain::Code;
use eventlog::{ExpectedVersion, Vault, VaultError};
use identity::{Entropy, EntropyExt};
use moka::future::Cache;
use schema::{AccountId, PersonKey, Personal};
use serde::{Serialize, de::DeserializeOwned};

use crate::Failure;

/// Keys kept in memory.
const CACHED_KEYS: u64 = 10_000;
/// How long a key may be used after it was last read: the longest that another process can see erased data.
const CACHED_FOR: Duration = Duration::from_secs(60);

/// Seals and opens what is personal.
#[derive(Clone)]
pub struct PeopleKeys {
    vault: Arc<dyn Vault>,
    entropy: Arc<dyn Entropy>,
    cache: Cache<AccountId, Arc<PersonKey>>,
}

impl PeopleKeys {
    pub(crate) fn new(vault: Arc<dyn Vault>, entropy: Arc<dyn Entropy>) -> Self {
        let cache = Cache::builder().max_capacity(CACHED_KEYS).time_to_live(CACHED_FOR).build();
        Self { vault, entropy, cache }
    }

    /// The key of a person who is being created, kept before anything sealed with it is appended. The one of an earlier
    /// try stays: what it has sealed may stand in the log.
    pub(crate) async fn obtain(&self, subject: AccountId) -> Result<Arc<PersonKey>, Failure> {
        let key = Arc::new(PersonKey::new(self.entropy.bytes()));
        match self.vault.put(&PersonKey::vault_key(subject), key.as_bytes(), ExpectedVersion::Absent).await {
            Ok(_) => {
                self.cache.insert(subject, key.clone()).await;
                Ok(key)
            }
            // None: the creation was given up at this very moment.
            Err(VaultError::Conflict { .. }) => self.get(subject).await?.ok_or_else(|| Code::Busy.into()),
            Err(other) => Err(other.into()),
        }
    }

    /// Deletes the key of somebody who never came to be.
    pub(crate) async fn discard(&self, subject: AccountId) -> Result<(), Failure> {
        self.vault.delete(&PersonKey::vault_key(subject)).await?;
        // Afterwards, as until then whoever reads puts it back.
        self.cache.invalidate(&subject).await;
        Ok(())
    }

    async fn get(&self, subject: AccountId) -> Result<Option<Arc<PersonKey>>, Failure> {
        if let Some(key) = self.cache.get(&subject).await {
            return Ok(Some(key));
        }
        let secret = self.vault.get(&PersonKey::vault_key(subject)).await?;
        let Some(key) = secret.and_then(|secret| PersonKey::from_slice(&secret.value)).map(Arc::new) else {
            return Ok(None);
        };
        self.cache.insert(subject, key.clone()).await;
        Ok(Some(key))
    }

    /// Seals with a key that is at hand.
    pub(crate) fn seal<T: Serialize>(
        &self,
        key: &PersonKey,
        subject: AccountId,
        value: &T,
    ) -> Result<Personal<T>, Failure> {
        Ok(Personal::seal(key, subject, self.entropy.bytes(), value)?)
    }

    /// Seals for a person who exists; none if the person was erased.
    pub async fn seal_for<T: Serialize>(&self, subject: AccountId, value: &T) -> Result<Option<Personal<T>>, Failure> {
        match self.get(subject).await? {
            Some(key) => self.seal(&key, subject, value).map(Some),
            None => Ok(None),
        }
    }

    /// Opens; none if the person was erased.
    pub async fn open<T: DeserializeOwned>(&self, sealed: &Personal<T>) -> Result<Option<T>, Failure> {
        match self.get(sealed.subject()).await? {
            Some(key) => Ok(Some(sealed.open(&key)?)),
            None => Ok(None),
        }
    }
}
