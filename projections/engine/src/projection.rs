//! What a view must say of itself.

use std::collections::HashMap;

use rusqlite::Connection;
use schema::{AccountId, Event, OpenError, OrganizationId, PersonKey, Personal, RecordedEvent, StreamId};
use serde::de::DeserializeOwned;

use crate::Change;

/// Turns events into rows. Has no state besides the rows, so that they are the same however often, in whatever batches
/// and after whatever crash they are built.
pub trait Projection: Send + Sync + 'static {
    /// Names the view and its files: lower case letters.
    const NAME: &'static str;
    /// Raised whenever other rows come out of the same events; the view is then built anew.
    const VERSION: u32;
    /// The oldest version whose rows the queries of this version can read: its file goes on serving until the new one
    /// has caught up. By default none but this version.
    const READS_SINCE: u32 = Self::VERSION;
    /// Whether it opens personal data. If not, no keys are fetched for it.
    const OPENS_PERSONAL_DATA: bool = true;
    /// What listeners are told.
    type Change: Clone + std::fmt::Debug + Send + Sync + 'static;
    /// What `apply` puts aside for the end of the batch; `()` if nothing.
    type Gathered: Default;

    /// The tables, as SQL. Run once in a new file; a file that was made by other SQL is built anew.
    fn schema() -> String;
    /// What only reads need, as SQL that leaves alone what is there already. Run when the file has caught up for the first
    /// time: an index that is made at once takes a fraction of the time that one takes which grows row by row.
    fn indexes() -> String {
        String::new()
    }
    /// Whether events of this stream matter. The others are not even decoded, so a view is not stopped by a new kind
    /// of event that is none of its business.
    fn concerns(stream: &StreamId) -> bool;
    /// Writes the rows. An error stops the view before this event.
    fn apply(context: &mut Context<'_, Self::Change, Self::Gathered>, event: &Event) -> Result<(), ProjectionError>;
    /// Writes the rows of what was put aside, within the transaction of the batch. For views of which many events make
    /// the same rows: written once for all of a batch, they take a fraction of the time.
    fn finish(_rows: &Connection, _gathered: Self::Gathered) -> Result<(), ProjectionError> {
        Ok(())
    }
}

/// What surrounds the event that is being applied.
pub struct Context<'a, C, G = ()> {
    /// The view's rows, within the transaction of the batch. Use `prepare_cached`.
    pub rows: &'a Connection,
    /// The event as it stands in the log.
    pub event: &'a RecordedEvent,
    /// Opens personal data.
    pub keys: &'a PersonKeys,
    /// What is put aside for the end of the batch.
    pub gathered: &'a mut G,
    pub(crate) changes: &'a mut Vec<Change<C>>,
}

impl<C, G> Context<'_, C, G> {
    /// Reports a change to whoever listens, once the batch is committed.
    pub fn changed(&mut self, organization: OrganizationId, what: C) {
        self.changes.push(Change { organization, position: self.event.position, what });
    }
}

/// The keys of the persons whom a batch of events is about. Lives as long as the batch: a key that was kept longer
/// would outlive its erasure.
#[derive(Debug, Default)]
pub struct PersonKeys(HashMap<AccountId, Option<PersonKey>>);

impl PersonKeys {
    /// Takes a person's key, or that it was erased.
    pub fn insert(&mut self, subject: AccountId, key: Option<PersonKey>) {
        self.0.insert(subject, key);
    }

    /// Opens sealed data; none if the person was erased.
    pub fn open<T: DeserializeOwned>(&self, sealed: &Personal<T>) -> Result<Option<T>, ProjectionError> {
        match self.0.get(&sealed.subject()) {
            Some(Some(key)) => Ok(Some(sealed.open(key)?)),
            Some(None) => Ok(None),
            None => Err(ProjectionError::KeyNotFetched),
        }
    }
}

/// Why an event could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The event could not be understood.
    #[error(transparent)]
    Decode(#[from] schema::DecodeError),
    /// The personal data in it does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The event's `subjects` leave out somebody whose data it holds.
    #[error("the key of a person in the event was not fetched")]
    KeyNotFetched,
    /// The keys could not be fetched.
    #[error(transparent)]
    Vault(#[from] eventlog::VaultError),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] eventlog::ReadError),
    /// A part of the software broke off; the trace says where.
    #[error("the view broke off")]
    Panicked,
    /// The rows could not be written.
    #[error("the rows could not be written: {0}")]
    Rows(#[from] rusqlite::Error),
    /// The event does not fit the rows; what is wrong, in words without personal data.
    #[error("the event does not fit the view: {0}")]
    Unexpected(&'static str),
}

impl ProjectionError {
    /// Whether the file itself is at fault, and building it anew is the remedy.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Rows(error) if crate::file::is_damage(error))
    }
}
