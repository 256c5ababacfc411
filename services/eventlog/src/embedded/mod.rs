//! The embedded implementation on SQLite: two files in one folder, written by one process.
//!
//! - `log.db` holds the events and the progress of consumer groups. One thread writes it: it takes whatever is queued,
//!   commits it in one transaction, answers and publishes. An auditor can open the file with any SQLite tool; everything
//!   is in the table `events`, the others only help to find it.
//! - `vault.db` holds the sealed secrets. It is a file of its own because real deletion empties its write-ahead log,
//!   which must not hold up the event log.
//! - `lock` is held locked while a process has the folder open.
//!
//! Every commit is synced before it is answered (WAL, `synchronous=FULL`), so what was acknowledged survives `kill -9`
//! and power loss.

mod append;
mod appending;
mod checkpointer;
mod consumer;
mod database;
mod heads;
mod log;
mod queue;
mod reader;
mod readers;
mod recent;
mod row;
mod stats;
mod streams;
mod subscription;
#[cfg(test)]
mod tests;
mod vault;
mod writer;

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use async_trait::async_trait;
use schema::{NewEvent, Position, RecordedEvent, StreamId};
use zeroize::Zeroizing;

pub use self::{
    append::{MAX_APPEND_BYTES, MAX_APPEND_EVENTS},
    database::OpenError,
    stats::{Counter, Histogram, Stats},
};
use self::{consumer::Groups, log::Log, subscription::LogSubscription, vault::Store};
use crate::{
    AppendError, Appended, Clock, Consumer, EventLog, Expected, ExpectedVersion, ReadError, Secret, StreamAppend,
    Subscription, Vault, VaultError,
};

/// Where the embedded log lives and what it may use.
pub struct EmbeddedConfig {
    /// The folder of its files. Created, for its owner only, if it is not there.
    pub folder: PathBuf,
    /// Seals the values of the vault. Lost, they are lost.
    pub sealing_key: [u8; 32],
    /// Tells consumers when events that were put off are due.
    pub clock: Arc<dyn Clock>,
    /// Threads that read events; as many again read the vault.
    pub readers: usize,
    /// The most events kept in memory for subscribers that are up to date; together at most 32 MiB of payload.
    pub recent_events: usize,
}

impl EmbeddedConfig {
    /// With a thread pair per processor (at most eight) and 16,384 recent events.
    pub fn new(folder: impl Into<PathBuf>, sealing_key: [u8; 32], clock: Arc<dyn Clock>) -> Self {
        let readers = std::thread::available_parallelism().map_or(2, |n| n.get().min(8));
        Self { folder: folder.into(), sealing_key, clock, readers, recent_events: 16_384 }
    }
}

/// The log and the vault in one folder. Closed when dropped.
pub struct Embedded {
    log: Arc<Log>,
    groups: Groups,
    vault: Store,
    threads: Mutex<Threads>,
    lock: File,
}

/// The threads behind an open folder. Writers end last: the last connection to a file empties its write-ahead log.
#[derive(Default)]
struct Threads {
    writers: Vec<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Waits for all of them. Their queues must have been closed.
    fn end(self) {
        for thread in self.readers.into_iter().chain(self.writers) {
            join(thread);
        }
    }
}

/// Starts a thread.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|source| OpenError::Io { path: PathBuf::from(name), source })
}

impl Embedded {
    /// Opens the folder, creating its files on first use. Blocks for as long as the files need to recover from a crash.
    pub fn open(config: EmbeddedConfig) -> Result<Self, OpenError> {
        let EmbeddedConfig { folder, sealing_key, clock, readers, recent_events } = config;
        database::create_folder(&folder)?;
        let lock = database::lock(&folder)?;
        let mut threads = Threads::default();
        let opened = (|| {
            let vault = Store::open(&folder.join("vault.db"), Zeroizing::new(sealing_key), readers, &mut threads)?;
            let log = Log::open(&folder.join("log.db"), readers, recent_events, &mut threads)?;
            Ok((log, vault))
        })();
        match opened {
            Ok((log, vault)) => {
                let groups = Groups::new(log.clone(), clock);
                Ok(Self { log, groups, vault, threads: Mutex::new(threads), lock })
            }
            Err(error) => {
                // A vault that was opened before the log failed has closed its queues; its threads end before the lock.
                threads.end();
                Err(error)
            }
        }
    }

    /// What the log has done since it was opened.
    pub fn stats(&self) -> &Stats {
        &self.log.stats
    }

    /// Finishes what is queued, refuses what comes later, ends every subscription and lets go of the folder. Blocks for
    /// the last commit. Closing twice does nothing.
    pub fn close(&self) {
        let threads = std::mem::take(&mut *guard(&self.threads));
        self.log.close();
        self.vault.close();
        threads.end();
        self.log.recent.close();
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the folder of the log stays locked until this process ends");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

/// Waits for a thread to end.
fn join(thread: JoinHandle<()>) {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!(name, "a thread of the log ended by a defect");
    }
}

/// Locks. What these locks protect is consistent after every statement, so a panic elsewhere does not spoil it.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A count or position as SQLite keeps it: signed. What does not fit lies beyond everything stored.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What the embedded log says when it has been closed.
const CLOSED: &str = "it is shutting down";

#[async_trait]
impl EventLog for Embedded {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.log.append(StreamAppend { stream: stream.clone(), expected, events }).await
    }

    async fn append_many(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        self.log.append_many(appends).await
    }

    async fn revisions(&self, streams: &[StreamId]) -> Result<Vec<Option<u64>>, ReadError> {
        self.log.revisions(streams.to_vec()).await
    }

    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        self.log.read_all(after.map_or(0, |position| position.commit), limit).await
    }

    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Option<Arc<RecordedEvent>>>, ReadError> {
        self.log.events_at(positions.to_vec()).await
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        let head = self.log.recent.head();
        Ok((head > 0).then_some(Position::at(head)))
    }

    async fn subscribe(&self, after: Option<Position>) -> Result<Box<dyn Subscription>, ReadError> {
        let after = after.map_or(0, |position| position.commit);
        Ok(Box::new(LogSubscription::new(self.log.clone(), after)))
    }

    async fn consumer(&self, group: &str, types: &[&str]) -> Result<Box<dyn Consumer>, ReadError> {
        Ok(Box::new(self.groups.join(group, types).await?))
    }
}

#[async_trait]
impl Vault for Embedded {
    async fn get(&self, key: &str) -> Result<Option<Secret>, VaultError> {
        self.vault.get(key).await
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Secret>>, VaultError> {
        self.vault.get_many(keys.to_vec()).await
    }

    async fn put(&self, key: &str, value: &[u8], expected: ExpectedVersion) -> Result<u64, VaultError> {
        self.vault.put(key, value, expected).await
    }

    async fn put_many(&self, entries: Vec<(String, Vec<u8>)>) -> Vec<Result<u64, VaultError>> {
        self.vault.put_many(entries).await
    }

    async fn delete(&self, key: &str) -> Result<bool, VaultError> {
        self.vault.delete(key).await
    }
}
