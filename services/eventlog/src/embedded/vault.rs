//! The vault: sealed values in a file of their own.

use std::{path::Path, sync::Arc};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{
    CLOSED, OpenError, Threads,
    queue::{Closed, Queue},
    readers::Readers,
    spawn,
};
use crate::{ExpectedVersion, Secret, VaultError};

mod seal;
mod table;
mod writer;

use self::{
    seal::{Sealed, SealingKey},
    writer::{Job, Outcomes, Put, Writer},
};

/// The most that waits to be written, in KiB.
const MAX_QUEUED: u32 = 16 << 10;

/// The most values that are written in one transaction when many are given at once: others that write wait for it.
const MAX_TOGETHER: usize = 1000;

/// The open vault.
pub(super) struct Store {
    key: Arc<SealingKey>,
    queue: Arc<Queue<Job>>,
    readers: Readers<table::Reader>,
}

impl Store {
    /// Opens the file and starts its threads.
    pub(super) fn open(
        file: &Path,
        key: Zeroizing<[u8; 32]>,
        readers: usize,
        threads: &mut Threads,
    ) -> Result<Self, OpenError> {
        let key = Arc::new(SealingKey::new(key));
        let connection = table::open_to_write(file)?;
        let connections = (0..readers).map(|_| table::Reader::open(file)).collect::<Result<_, _>>()?;
        let readers = Readers::start("vault-reader", connections, &mut threads.readers)?;
        let queue = Arc::new(Queue::new(MAX_QUEUED));
        let writer = Writer::new(queue.clone(), key.clone(), file.to_owned(), connection);
        threads.writers.push(spawn("vault-writer", move || writer.run())?);
        Ok(Self { key, queue, readers })
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Secret>, VaultError> {
        Ok(self.get_many(vec![key.to_owned()]).await?.pop().flatten())
    }

    pub(super) async fn get_many(&self, keys: Vec<String>) -> Result<Vec<Option<Secret>>, VaultError> {
        let sealing = self.key.clone();
        let query = move |reader: &mut table::Reader| {
            let found = reader.get_many(&keys)?;
            keys.iter().zip(found).map(|(key, sealed)| unseal(&sealing, key, sealed)).collect()
        };
        self.readers.run(query).await.unwrap_or_else(|Closed| Err(closed()))
    }

    pub(super) async fn put(&self, key: &str, value: &[u8], expected: ExpectedVersion) -> Result<u64, VaultError> {
        let put = Put { key: key.to_owned(), value: Zeroizing::new(value.to_vec()), expected };
        self.put_together(vec![put]).await?.pop().unwrap_or_else(|| Err(closed()))
    }

    pub(super) async fn put_many(&self, entries: Vec<(String, Vec<u8>)>) -> Vec<Result<u64, VaultError>> {
        let put = |(key, value)| Put { key, value: Zeroizing::new(value), expected: ExpectedVersion::Absent };
        let mut puts = entries.into_iter().map(put).peekable();
        let mut outcomes = Vec::new();
        while puts.peek().is_some() {
            let part: Vec<_> = puts.by_ref().take(MAX_TOGETHER).collect();
            let count = part.len();
            let written = self.put_together(part).await;
            outcomes.extend(written.unwrap_or_else(|error| vec![Err(error); count]));
        }
        outcomes
    }

    /// Writes values in one transaction and tells what came of each.
    async fn put_together(&self, puts: Vec<Put>) -> Outcomes {
        let (answer, answered) = oneshot::channel();
        let weight: usize = puts.iter().map(|put| 1 + put.value.len() / 1024).sum();
        self.push(Job::Put { puts, answer }, u32::try_from(weight).unwrap_or(u32::MAX)).await?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(super) async fn delete(&self, key: &str) -> Result<bool, VaultError> {
        let (answer, answered) = oneshot::channel();
        self.push(Job::Delete { key: key.to_owned(), answer }, 1).await?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn push(&self, job: Job, weight: u32) -> Result<(), VaultError> {
        self.queue.push(job, weight).await.map_err(|Closed| closed())
    }

    /// Takes nothing more; what is queued is still done.
    pub(super) fn close(&self) {
        self.queue.close();
        self.readers.close();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

fn unseal(sealing: &SealingKey, key: &str, sealed: Option<Sealed>) -> Result<Option<Secret>, VaultError> {
    let Some(sealed) = sealed else { return Ok(None) };
    let value = sealing.open(key, &sealed).ok_or(VaultError::Sealed)?;
    Ok(Some(Secret { version: sealed.version, value }))
}

fn closed() -> VaultError {
    VaultError::Unavailable(CLOSED.into())
}
