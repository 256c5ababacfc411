//! The keys that seal what is personal, one per person, out of the vault.

use std::{sync::Arc, time::Duration};

use eventlog::{ExpectedVersion, Vault};
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

    /// A key for a new person. It has to be [stored](Self::store) before anything sealed with it is appended.
    pub(crate) fn generate(&self) -> PersonKey {
        PersonKey::new(self.entropy.bytes())
    }

    pub(crate) async fn store(&self, subject: AccountId, key: &PersonKey) -> Result<(), Failure> {
        self.vault.put(&PersonKey::vault_key(subject), key.as_bytes(), ExpectedVersion::Absent).await?;
        self.cache.insert(subject, Arc::new(key.clone())).await;
        Ok(())
    }

    /// Forgets a key that nothing was sealed with for good, after a creation that was refused.
    pub(crate) async fn discard(&self, subject: AccountId) -> Result<(), Failure> {
        self.cache.invalidate(&subject).await;
        self.vault.delete(&PersonKey::vault_key(subject)).await?;
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
