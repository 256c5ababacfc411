//! The keys that seal what is personal, one per person, out of the vault.

use std::{collections::HashMap, sync::Arc, time::Duration};

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

    /// The keys of many people who are being created, in their order: as [`obtain`](Self::obtain), in one go and without
    /// keeping them in memory.
    pub(crate) async fn obtain_many(&self, subjects: &[AccountId]) -> Result<Vec<Arc<PersonKey>>, Failure> {
        let fresh: Vec<_> = subjects.iter().map(|_| Arc::new(PersonKey::new(self.entropy.bytes()))).collect();
        let entries = subjects.iter().zip(&fresh).map(|(s, key)| (PersonKey::vault_key(*s), key.as_bytes().to_vec()));
        let written = self.vault.put_many(entries.collect()).await;
        let mut keys = Vec::with_capacity(subjects.len());
        for ((subject, key), written) in subjects.iter().zip(fresh).zip(written) {
            keys.push(match written {
                Ok(_) => key,
                Err(VaultError::Conflict { .. }) => self.get(*subject).await?.ok_or(Code::Busy)?,
                Err(other) => return Err(other.into()),
            });
        }
        Ok(keys)
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

    /// The keys of many people, in one go; none for those who were erased.
    pub async fn many(
        &self,
        people: impl IntoIterator<Item = AccountId>,
    ) -> Result<HashMap<AccountId, Option<Arc<PersonKey>>>, Failure> {
        let (mut keys, mut unknown) = (HashMap::new(), Vec::new());
        for person in people {
            match self.cache.get(&person).await {
                Some(key) => drop(keys.insert(person, Some(key))),
                None => unknown.push(person),
            }
        }
        let names: Vec<_> = unknown.iter().map(|person| PersonKey::vault_key(*person)).collect();
        let secrets = if names.is_empty() { Vec::new() } else { self.vault.get_many(&names).await? };
        for (person, secret) in unknown.into_iter().zip(secrets) {
            let key = secret.and_then(|secret| PersonKey::from_slice(&secret.value)).map(Arc::new);
            if let Some(key) = &key {
                self.cache.insert(person, key.clone()).await;
            }
            keys.insert(person, key);
        }
        Ok(keys)
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
