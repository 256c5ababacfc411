//! The one thread that writes the log: group commit.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use schema::StreamId;
use tokio::sync::oneshot;

use super::{
    append::{Appends, Written},
    checkpointer::Checkpoints,
    consumer::{Change, Progress, write_progress},
    database,
    log::{LAYOUT, Log},
    queue::AbandonAtEnd,
    reader::log_head,
    row::Prepared,
};
use crate::{AppendError, Appended, Expected, ReadError};

/// The most jobs in one transaction, which bounds how long the first of them waits for the last.
const MAX_BATCH_JOBS: usize = 2048;

/// About the most in one transaction, in KiB: the unit in which jobs are weighed.
const MAX_BATCH_WEIGHT: usize = 8 << 10;

/// What the writer is asked to do.
pub(super) enum Job {
    /// Append events.
    Append {
        stream: StreamId,
        expected: Expected,
        events: Vec<Prepared>,
        since: Instant,
        answer: oneshot::Sender<Result<Appended, AppendError>>,
    },
    /// Note what a consumer group has dealt with. Without an answer if losing it does no harm.
    Progress { progress: Progress, answer: Option<oneshot::Sender<Result<(), ReadError>>> },
}

/// To be answered when the transaction has ended.
enum Answer {
    Append {
        outcome: Result<Appended, AppendError>,
        since: Instant,
        to: oneshot::Sender<Result<Appended, AppendError>>,
    },
    Progress {
        to: oneshot::Sender<Result<(), ReadError>>,
    },
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
    appends: Vec<Append>,
    progress: Vec<Progress>,
    answers: Vec<Answer>,
}

/// An append and the index of its answer.
struct Append {
    stream: StreamId,
    expected: Expected,
    events: Vec<Prepared>,
    answer: usize,
}

pub(super) struct Writer {
    log: Arc<Log>,
    file: PathBuf,
    /// None after a failure until the file has been opened again.
    connection: Option<Connection>,
    /// Acknowledgements of events that had been put off, from transactions that failed. If their rows stayed, they would
    /// come back at the next start, however late that is. At most as many as there are such rows.
    unnoted: Vec<Progress>,
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
        batch.progress.splice(0..0, self.unnoted.drain(..));
        let written = self.transact(&mut batch);
        match written {
            Ok(written) => self.succeed(written, batch.answers),
            Err(failure) => {
                self.unnoted = batch.progress;
                self.unnoted.retain(|progress| matches!(progress.change, Change::Acknowledge { pending: true, .. }));
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
        for Append { stream, expected, events, answer } in batch.appends.drain(..) {
            let result = appends.append(&stream, expected, events)?;
            if let Some(Answer::Append { outcome, .. }) = batch.answers.get_mut(answer) {
                *outcome = result;
            }
        }
        write_progress(connection, &batch.progress)?;
        let written = appends.end();
        let start = Instant::now();
        let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map_err(|error| Failure::Unknown(error.to_string()))?;
        log.stats.commit_micros.record(micros(start.elapsed()));
        Ok(written)
    }

    fn succeed(&mut self, written: Written, answers: Vec<Answer>) {
        let Written { heads, events } = written;
        if !events.is_empty() {
            self.log.stats.events.add(events.len() as u64);
            self.log.stats.batch_events.record(events.len() as u64);
        }
        self.checkpoints.wrote(events.len());
        // Before anybody is answered: who has an answer finds its events in every way of reading.
        self.log.heads.extend(heads);
        self.log.recent.publish(events);
        answers.into_iter().for_each(|answer| self.answer(answer));
        self.log.recent.announce();
    }

    fn answer(&self, answer: Answer) {
        match answer {
            Answer::Append { outcome, since, to } => {
                match &outcome {
                    Ok(_) => {
                        self.log.stats.appends.add(1);
                        self.log.stats.append_micros.record(micros(since.elapsed()));
                    }
                    Err(_) => self.log.stats.conflicts.add(1),
                }
                // Whoever asked may have gone away.
                to.send(outcome).ok();
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
                let connection = opened.map_err(|error| Failure::NothingWritten(error.to_string()))?;
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
                Job::Append { stream, expected, events, since, answer: to } => {
                    batch.appends.push(Append { stream, expected, events, answer: batch.answers.len() });
                    batch.answers.push(Answer::Append { outcome: Err(AppendError::OutcomeUnknown), since, to });
                }
                Job::Progress { progress, answer } => {
                    batch.progress.push(progress);
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
