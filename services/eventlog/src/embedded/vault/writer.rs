//! The one thread that writes the vault: group commit, and deletion that leaves nothing behind.

use std::{path::PathBuf, sync::Arc};

use rusqlite::Connection;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{
    super::queue::{AbandonAtEnd, Queue},
    seal::SealingKey,
    table,
};
use crate::{ExpectedVersion, VaultError};

/// The most jobs in one transaction.
const MAX_BATCH_JOBS: usize = 1024;

/// About the most in one transaction, in KiB: the unit in which jobs are weighed.
const MAX_BATCH_WEIGHT: usize = 4 << 10;

/// What the writer is asked to do.
pub(super) enum Job {
    /// Write values, and tell what came of each.
    Put { puts: Vec<Put>, answer: oneshot::Sender<Outcomes> },
    /// Delete a value and every trace of it.
    Delete { key: String, answer: oneshot::Sender<Result<bool, VaultError>> },
}

/// A value to write.
pub(super) struct Put {
    pub(super) key: String,
    pub(super) value: Zeroizing<Vec<u8>>,
    pub(super) expected: ExpectedVersion,
}

/// The new versions of values that were written together; an error if it is the same for all.
pub(super) type Outcomes = Result<Vec<Result<u64, VaultError>>, VaultError>;

/// What came of a job, to be told when the transaction is durable.
enum Outcome {
    Put(Vec<Result<u64, VaultError>>),
    Delete(bool),
}

pub(super) struct Writer {
    queue: Arc<Queue<Job>>,
    key: Arc<SealingKey>,
    file: PathBuf,
    /// None after a failure until the file has been opened again.
    connection: Option<Connection>,
}

impl Writer {
    pub(super) fn new(queue: Arc<Queue<Job>>, key: Arc<SealingKey>, file: PathBuf, connection: Connection) -> Self {
        Self { queue, key, file, connection: Some(connection) }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let queue = self.queue.clone();
        let _abandon = AbandonAtEnd(&queue);
        while let Some(batch) = queue.take(MAX_BATCH_JOBS, MAX_BATCH_WEIGHT) {
            self.work(batch.items);
        }
    }

    fn work(&mut self, jobs: Vec<Job>) {
        let written = self.transact(&jobs);
        if let Err(error) = &written {
            tracing::error!(%error, "a transaction of the vault failed");
            self.connection = None;
        }
        let mut deletions = Vec::new();
        let mut outcomes = written.map(Vec::into_iter);
        for job in jobs {
            let outcome = outcomes.as_mut().map(Iterator::next).map_err(|error| error.clone());
            match (job, outcome) {
                (Job::Put { answer, .. }, Ok(Some(Outcome::Put(outcomes)))) => drop(answer.send(Ok(outcomes))),
                (Job::Delete { answer, .. }, Ok(Some(Outcome::Delete(existed)))) => deletions.push((answer, existed)),
                (Job::Put { answer, .. }, Err(error)) => drop(answer.send(Err(error))),
                (Job::Delete { answer, .. }, Err(error)) => drop(answer.send(Err(error))),
                // Outcomes stand in the order of their jobs, so this does not happen; unanswered means unavailable.
                (_, Ok(_)) => {}
            }
        }
        if !deletions.is_empty() {
            let gone = self.empty_wal();
            for (answer, existed) in deletions {
                // Whoever asked may have gone away.
                answer.send(gone.clone().map(|()| existed)).ok();
            }
        }
    }

    /// Writes all jobs in one transaction.
    fn transact(&mut self, jobs: &[Job]) -> Result<Vec<Outcome>, VaultError> {
        let key = self.key.clone();
        let connection = self.connection()?;
        let write = || {
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            let outcomes = jobs.iter().map(|job| execute(connection, &key, job)).collect::<rusqlite::Result<_>>()?;
            connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(outcomes)
        };
        write().map_err(table::unavailable)
    }

    /// Also for a key that had no value: an earlier deletion of it may have failed just here.
    fn empty_wal(&mut self) -> Result<(), VaultError> {
        match table::empty_wal(self.connection()?) {
            Ok(true) => Ok(()),
            Ok(false) => Err(VaultError::Unavailable("deleted, but still read; delete again to be sure".into())),
            Err(error) => Err(table::unavailable(error)),
        }
    }

    /// The connection. After a failure the file is opened again.
    fn connection(&mut self) -> Result<&Connection, VaultError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => table::open_to_write(&self.file).map_err(|error| VaultError::Unavailable(error.to_string()))?,
        };
        Ok(self.connection.insert(connection))
    }
}

fn execute(connection: &Connection, sealing: &SealingKey, job: &Job) -> rusqlite::Result<Outcome> {
    match job {
        Job::Put { puts, .. } => {
            let written = puts.iter().map(|value| put(connection, sealing, value)).collect::<rusqlite::Result<_>>()?;
            Ok(Outcome::Put(written))
        }
        Job::Delete { key, .. } => {
            let place = table::find(connection, key)?;
            if let Some(place) = &place {
                table::erase(connection, key, place)?;
            }
            Ok(Outcome::Delete(place.is_some()))
        }
    }
}

fn put(connection: &Connection, sealing: &SealingKey, put: &Put) -> rusqlite::Result<Result<u64, VaultError>> {
    let Put { key, value, expected } = put;
    let old = table::find(connection, key)?;
    let actual = old.as_ref().map(|place| place.version);
    let fits = match expected {
        ExpectedVersion::Any => true,
        ExpectedVersion::Absent => actual.is_none(),
        ExpectedVersion::Version(version) => actual == Some(*version),
    };
    if !fits {
        return Ok(Err(VaultError::Conflict { actual }));
    }
    let version = actual.unwrap_or(0) + 1;
    let Some(sealed) = sealing.seal(key, version, value) else {
        return Ok(Err(VaultError::Unavailable("the value cannot be sealed".into())));
    };
    table::write(connection, key, old.as_ref(), &sealed)?;
    Ok(Ok(version))
}
