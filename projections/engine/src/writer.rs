//! Applying batches of events to a file.

use std::{collections::HashSet, path::Path, sync::Arc};

use eventlog::{Vault, VaultError};
use rusqlite::Connection;
use schema::{AccountId, Event, PersonKey, Position, RecordedEvent};

use crate::{
    Change, Context, PersonKeys, Projection, ProjectionError,
    file::{self, Checkpoint},
};

/// Events that may pass without any of concern before the checkpoint is written all the same: what is read again after
/// a crash.
const UNCONCERNED_EVENTS: usize = 10_000;
/// Keys that are asked of the vault in one go.
const KEYS_PER_REQUEST: usize = 4_096;

/// Events in the order of the log, of which those of concern are decoded.
pub(crate) struct Batch {
    concerned: Vec<Decoded>,
    /// The last event; none if there is nothing to apply.
    last: Option<Position>,
    /// How many events there are, of concern or not.
    events: usize,
    /// What could not be understood after `last`.
    failure: Option<Failure>,
    /// Whether the view opens personal data.
    opens: bool,
}

struct Decoded {
    recorded: Arc<RecordedEvent>,
    event: Event,
}

impl Batch {
    /// Decodes the events that concern the view, up to the first that cannot be understood.
    pub(crate) fn decode<P: Projection>(events: &[Arc<RecordedEvent>]) -> Self {
        let concerned = Vec::with_capacity(events.len());
        let mut batch = Self { concerned, last: None, events: 0, failure: None, opens: P::OPENS_PERSONAL_DATA };
        for recorded in events {
            if P::concerns(&recorded.stream) {
                match Event::try_from(&**recorded) {
                    Ok(event) => batch.concerned.push(Decoded { recorded: recorded.clone(), event }),
                    Err(error) => {
                        batch.failure = Some(Failure { position: Some(recorded.position), error: error.into() });
                        break;
                    }
                }
            }
            batch.last = Some(recorded.position);
            batch.events += 1;
        }
        batch
    }

    /// Fetches the keys of everybody whose data the events hold.
    pub(crate) async fn keys(&self, vault: &dyn Vault) -> Result<PersonKeys, VaultError> {
        let opened = self.concerned.iter().filter(|_| self.opens);
        let subjects: HashSet<AccountId> = opened.flat_map(|decoded| decoded.event.subjects()).collect();
        let subjects = Vec::from_iter(subjects);
        let mut keys = PersonKeys::default();
        for subjects in subjects.chunks(KEYS_PER_REQUEST) {
            let names: Vec<String> = subjects.iter().map(|subject| PersonKey::vault_key(*subject)).collect();
            for (subject, secret) in subjects.iter().zip(vault.get_many(&names).await?) {
                let key = secret.map(|secret| PersonKey::from_slice(&secret.value).ok_or(VaultError::Sealed));
                keys.insert(*subject, key.transpose()?);
            }
        }
        Ok(keys)
    }
}

/// Why a batch was not applied as a whole.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The event at fault; none if it is the file.
    pub(crate) position: Option<Position>,
    pub(crate) error: ProjectionError,
}

/// How a writer stands to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Somebody waits for every event.
    Following,
    /// There is much to catch up with.
    CatchingUp,
}

impl Pace {
    /// After how many pages of 4 KiB the write-ahead log is folded in. Following, every 8 MiB: so often that nobody who
    /// waits notices. Catching up, every 128 MiB: what is written again and again meanwhile is folded in once.
    pub(crate) fn pages(self) -> u32 {
        match self {
            Self::Following => 2_048,
            Self::CatchingUp => 32_768,
        }
    }
}

/// Writes one file. Only one may exist per file.
pub(crate) struct Writer<P: Projection> {
    rows: Connection,
    /// As committed.
    checkpoint: Checkpoint,
    /// Events seen since, none of which was of concern.
    unconcerned: usize,
    pace: Pace,
    /// Whether what only reads need is there.
    indexed: bool,
    projection: std::marker::PhantomData<fn() -> P>,
}

impl<P: Projection> Writer<P> {
    /// Opens or makes the file; none if it was made by another version of the software.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Option<Self>> {
        Ok(file::open_writer::<P>(path)?.map(|(rows, checkpoint)| Self {
            rows,
            checkpoint,
            unconcerned: 0,
            pace: Pace::Following,
            indexed: checkpoint.complete,
            projection: std::marker::PhantomData,
        }))
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        self.checkpoint
    }

    /// Tells how many more events wait.
    pub(crate) fn set_pace(&mut self, pace: Pace) -> rusqlite::Result<()> {
        if pace == self.pace {
            return Ok(());
        }
        self.pace = pace;
        file::fold_in_every(&self.rows, pace.pages())
    }

    /// Makes what only reads need. Takes seconds in a large file, and no time if it is there.
    pub(crate) fn make_indexes(&mut self) -> rusqlite::Result<()> {
        if !self.indexed {
            self.rows.execute_batch(&P::indexes())?;
            self.indexed = true;
        }
        Ok(())
    }

    /// Marks the file as good to serve from.
    pub(crate) fn complete(&mut self) -> Result<(), ProjectionError> {
        self.make_indexes()?;
        let checkpoint = Checkpoint { complete: true, ..self.checkpoint };
        file::write_checkpoint(&self.rows, &checkpoint)?;
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// Applies the batch and commits it together with the checkpoint. On a failure everything before the event at fault
    /// is applied and committed.
    pub(crate) fn apply(
        &mut self,
        batch: Batch,
        keys: &PersonKeys,
        changes: &mut Vec<Change<P::Change>>,
    ) -> Result<(), Failure> {
        let Some(last) = batch.last else {
            return batch.failure.map_or(Ok(()), Err);
        };
        if batch.concerned.is_empty() && self.unconcerned + batch.events < UNCONCERNED_EVENTS {
            self.unconcerned += batch.events;
        } else if let Err((index, failure)) = self.commit(&batch.concerned, last, keys, changes) {
            changes.clear();
            let before = index.and_then(|index| batch.concerned.get(..index)).unwrap_or_default();
            if let Some(previous) = before.last() {
                self.commit(before, previous.recorded.position, keys, changes).map_err(|(_, failure)| failure)?;
            }
            return Err(failure);
        }
        batch.failure.map_or(Ok(()), Err)
    }

    fn commit(
        &mut self,
        batch: &[Decoded],
        last: Position,
        keys: &PersonKeys,
        changes: &mut Vec<Change<P::Change>>,
    ) -> Result<(), (Option<usize>, Failure)> {
        let of_file = |error: ProjectionError| (None, Failure { position: None, error });
        let transaction = self.rows.unchecked_transaction().map_err(|error| of_file(error.into()))?;
        let mut gathered = P::Gathered::default();
        for (index, decoded) in batch.iter().enumerate() {
            let (event, gathered) = (&*decoded.recorded, &mut gathered);
            P::apply(&mut Context { rows: &transaction, event, keys, gathered, changes }, &decoded.event)
                .map_err(|error| (Some(index), Failure { position: Some(event.position), error }))?;
        }
        P::finish(&transaction, gathered).map_err(of_file)?;
        let checkpoint = Checkpoint {
            position: Some(last),
            events: self.checkpoint.events + batch.len() as u64,
            complete: self.checkpoint.complete,
        };
        file::write_checkpoint(&transaction, &checkpoint).map_err(of_file)?;
        transaction.commit().map_err(|error| of_file(error.into()))?;
        (self.checkpoint, self.unconcerned) = (checkpoint, 0);
        Ok(())
    }
}
