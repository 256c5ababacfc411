//! The one thread that writes the log: group commit.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    append::{Appends, PreparedAppend, Written},
    checkpointer::Checkpoints,
    consumer::{Ledger, Progress, write_progress},
    database,
    log::{LAYOUT, Log},
    queue::AbandonAtEnd,
    reader::log_head,
    streams,
};
use crate::{AppendError, Appended, ReadError};

/// The most jobs in one transaction, which bounds how long the first of them waits for the last.
const MAX_BATCH_JOBS: usize = 2048;

/// The most in one transaction, in KiB: the unit in which jobs are weighed. A job that weighs more is alone in its own. A
/// part of what is appended in bulk leaves room for single appends, not for another part.
const MAX_BATCH_WEIGHT: usize = 1500;

/// What came of an append.
pub(super) type Outcome = Result<Appended, AppendError>;

/// What came of appends that were asked for together; an error if it is the same for all.
pub(super) type Outcomes = Result<Vec<Outcome>, AppendError>;

/// What the writer is asked to do.
pub(super) enum Job {
    /// Append to streams, and tell what came of each. Those that were refused before stay so.
    Append {
        appends: Vec<Result<PreparedAppend, AppendError>>,
        since: Instant,
        answer: oneshot::Sender<Outcomes>,
        /// Given back with the answer.
        turn: Option<OwnedSemaphorePermit>,
    },
    /// Note what a consumer group has done. Without an answer if nobody waits for it.
    Progress { ledger: Arc<Ledger>, answer: Option<oneshot::Sender<Result<(), ReadError>>> },
}

/// To be answered when the transaction has ended.
enum Answer {
    Append { outcomes: Vec<Outcome>, since: Instant, to: oneshot::Sender<Outcomes>, turn: Option<OwnedSemaphorePermit> },
    Progress { to: oneshot::Sender<Result<(), ReadError>> },
}

/// How a transaction failed, with what SQLite said.
enum Failure {
    /// Before its end: nothing of it was written.
    NothingWritten(String),
    /// At its end: it may be on disk or not.
    Unknown(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::NothingWritten(error.to_string())
    }
}

/// What a transaction is to write.
#[derive(Default)]
struct Batch {
    appends: Vec<Asked>,
    ledgers: Vec<Arc<Ledger>>,
    /// What was taken from them.
    progress: Vec<(Arc<Ledger>, Progress)>,
    answers: Vec<Answer>,
}

/// Appends and the index of their answer.
struct Asked {
    appends: Vec<Result<PreparedAppend, AppendError>>,
    answer: usize,
}

pub(super) struct Writer {
    log: Arc<Log>,
    file: PathBuf,
    /// None after a failure until the file has been opened again.
    connection: Option<Connection>,
    /// Of the groups whose progress was in a transaction that failed. It is written with the next.
    unnoted: Vec<Arc<Ledger>>,
    checkpoints: Checkpoints,
}

impl Writer {
    pub(super) fn new(log: Arc<Log>, file: PathBuf, connection: Connection, checkpoints: Checkpoints) -> Self {
        Self { log, file, connection: Some(connection), unnoted: Vec::new(), checkpoints }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let log = self.log.clone();
        let _abandon = AbandonAtEnd(&log.queue);
        while let Some(batch) = log.queue.take(MAX_BATCH_JOBS, MAX_BATCH_WEIGHT) {
            self.work(batch.items);
        }
    }

    fn work(&mut self, jobs: Vec<Job>) {
        let mut batch = Batch::from(jobs);
        batch.ledgers.append(&mut self.unnoted);
        let written = self.transact(&mut batch);
        match written {
            Ok(written) => self.succeed(written, batch.answers),
            Err(failure) => {
                for (ledger, progress) in batch.progress {
                    ledger.give_back(progress);
                }
                for ledger in batch.ledgers {
                    if !self.unnoted.iter().any(|known| Arc::ptr_eq(known, &ledger)) {
                        self.unnoted.push(ledger);
                    }
                }
                self.fail(&failure, batch.answers);
            }
        }
    }

    /// Writes the batch in one transaction and leaves the outcome of each append with its answer.
    fn transact(&mut self, batch: &mut Batch) -> Result<Written, Failure> {
        let log = self.log.clone();
        let connection = self.connection()?;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let head = log.recent.head();
        let mut appends = Appends::begin(connection, &log.heads, head)?;
        for asked in batch.appends.drain(..) {
            if let Some(Answer::Append { outcomes, .. }) = batch.answers.get_mut(asked.answer) {
                let written = asked.appends.into_iter().map(|append| match append {
                    Ok(append) => appends.append(append),
                    Err(refused) => Ok(Err(refused)),
                });
                *outcomes = written.collect::<rusqlite::Result<_>>()?;
            }
        }
        for ledger in &batch.ledgers {
            if let Some(progress) = ledger.take() {
                let written = write_progress(connection, &ledger.group, &progress);
                // Kept in any case: what could not be written is given back.
                batch.progress.push((ledger.clone(), progress));
                written?;
            }
        }
        let written = appends.end();
        let start = Instant::now();
        let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map_err(|error| Failure::Unknown(error.to_string()))?;
        log.stats.commit_micros.record(micros(start.elapsed()), 1);
        Ok(written)
    }

    fn succeed(&mut self, written: Written, answers: Vec<Answer>) {
        let Written { before, filed, heads, events } = written;
        if !events.is_empty() {
            self.log.stats.events.add(events.len() as u64);
            self.log.stats.batch_events.record(events.len() as u64, 1);
        }
        // Before anybody is answered: who has an answer finds its events in every way of reading.
        self.log.heads.committed(filed, heads, before);
        self.log.recent.publish(events);
        answers.into_iter().for_each(|answer| self.answer(answer));
        self.log.recent.announce();
    }

    fn answer(&self, answer: Answer) {
        match answer {
            Answer::Append { outcomes, since, to, turn } => {
                let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
                let conflict = |outcome: &&Outcome| matches!(outcome, Err(AppendError::Conflict { .. }));
                self.log.stats.appends.add(taken);
                self.log.stats.append_micros.record(micros(since.elapsed()), taken);
                self.log.stats.conflicts.add(outcomes.iter().filter(conflict).count() as u64);
                drop(turn);
                // Whoever asked may have gone away.
                to.send(Ok(outcomes)).ok();
            }
            Answer::Progress { to } => drop(to.send(Ok(()))),
        }
    }

    /// Answers everybody that it failed and starts again from what stands on disk.
    fn fail(&mut self, failure: &Failure, answers: Vec<Answer>) {
        self.log.stats.failed_commits.add(1);
        let (error, append) = match failure {
            Failure::NothingWritten(error) => (error, AppendError::Unavailable(error.clone())),
            Failure::Unknown(error) => (error, AppendError::OutcomeUnknown),
        };
        tracing::error!(error, "a transaction of the event log failed");
        // Closing the connection rolls back what is left of the transaction. Where the log ends is asked of the disk
        // before the next one, so a commit that did reach it is not forgotten.
        self.connection = None;
        if let Err(Failure::NothingWritten(error) | Failure::Unknown(error)) = self.connection() {
            tracing::error!(error, "the event log cannot be opened again");
        }
        for answer in answers {
            match answer {
                Answer::Append { to, .. } => drop(to.send(Err(append.clone()))),
                Answer::Progress { to } => drop(to.send(Err(ReadError::Unavailable(error.clone())))),
            }
        }
    }

    /// The connection. After a failure the file is opened again and the end of the log taken from there.
    fn connection(&mut self) -> Result<&Connection, Failure> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let opened = database::open_to_write(&self.file, &LAYOUT);
                let mut connection = opened.map_err(|error| Failure::NothingWritten(error.to_string()))?;
                self.checkpoints.watch(&mut connection)?;
                streams::file_all(&mut connection)?;
                let head = log_head(&connection)?;
                self.log.heads.clear();
                self.log.recent.reset(head);
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }
}

impl From<Vec<Job>> for Batch {
    fn from(jobs: Vec<Job>) -> Self {
        let mut batch = Self::default();
        for job in jobs {
            match job {
                Job::Append { appends, since, answer: to, turn } => {
                    batch.appends.push(Asked { appends, answer: batch.answers.len() });
                    batch.answers.push(Answer::Append { outcomes: Vec::new(), since, to, turn });
                }
                Job::Progress { ledger, answer } => {
                    batch.ledgers.push(ledger);
                    batch.answers.extend(answer.map(|to| Answer::Progress { to }));
                }
            }
        }
        batch
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
