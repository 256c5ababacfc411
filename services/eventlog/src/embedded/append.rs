//! Deciding on appends inside the transaction that writes them.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{CachedStatement, Connection, OptionalExtension, ffi::SQLITE_CONSTRAINT_UNIQUE};
use schema::{Position, RecordedEvent, StreamId};

use super::{
    heads::Heads,
    reader::stream_head,
    row::{INSERT, Prepared},
    stored,
};
use crate::{AppendError, Appended, Expected};

/// The most bytes of payload in one append: what KurrentDB takes, so that both implementations take the same.
pub const MAX_APPEND_BYTES: usize = 1 << 20;

/// The most events in one append.
pub const MAX_APPEND_EVENTS: usize = 1000;

/// Refuses what is empty or too large.
pub(super) fn check_size(payloads: impl ExactSizeIterator<Item = usize>) -> Result<usize, AppendError> {
    let events = payloads.len();
    let bytes = payloads.sum();
    if events == 0 {
        Err(AppendError::Empty)
    } else if events > MAX_APPEND_EVENTS || bytes > MAX_APPEND_BYTES {
        let (max_bytes, max_events) = (MAX_APPEND_BYTES, MAX_APPEND_EVENTS);
        Err(AppendError::TooLarge { bytes, events, max_bytes, max_events })
    } else {
        Ok(bytes)
    }
}

/// Appends on their way into one transaction.
pub(super) struct Appends<'a> {
    connection: &'a Connection,
    insert: CachedStatement<'a>,
    /// What has been committed.
    heads: &'a Heads,
    /// What this transaction adds to it.
    added: HashMap<StreamId, u64>,
    /// Position of the last event.
    head: u64,
    events: Vec<Arc<RecordedEvent>>,
}

/// What a transaction adds to the log, to be made known once it is committed.
pub(super) struct Written {
    pub(super) heads: HashMap<StreamId, u64>,
    pub(super) events: Vec<Arc<RecordedEvent>>,
}

impl<'a> Appends<'a> {
    /// In the open transaction of `connection`, after position `head`.
    pub(super) fn begin(connection: &'a Connection, heads: &'a Heads, head: u64) -> rusqlite::Result<Self> {
        let insert = connection.prepare_cached(INSERT)?;
        Ok(Self { connection, insert, heads, added: HashMap::new(), head, events: Vec::new() })
    }

    pub(super) fn end(self) -> Written {
        Written { heads: self.added, events: self.events }
    }

    /// Writes one append, or finds that it does not fit or is there already. The outer error means that the transaction
    /// as a whole cannot go on.
    pub(super) fn append(
        &mut self,
        stream: &StreamId,
        expected: Expected,
        mut events: Vec<Prepared>,
    ) -> rusqlite::Result<Result<Appended, AppendError>> {
        let first = match (expected, self.remembered(stream)) {
            // A stream that is not remembered may still be there. Then the first insert fails on the index of revisions,
            // for a stream that has events has revision 0; asking before would cost every new stream a query.
            (Expected::NoStream, None) => 0,
            (Expected::NoStream, Some(_)) => return self.settle(stream, &events),
            (Expected::Revision(expected), remembered) => {
                let head = if remembered.is_some() { remembered } else { stream_head(self.connection, stream)? };
                if head != Some(expected) {
                    return self.settle(stream, &events);
                }
                expected + 1
            }
        };
        if !self.insert(&mut events, first)? {
            return self.settle(stream, &events);
        }
        let appended = Appended { revision: first + events.len() as u64 - 1, position: Position::at(self.head) };
        self.added.insert(stream.clone(), appended.revision);
        self.events.extend(events.into_iter().map(|event| Arc::new(event.into_event())));
        Ok(Ok(appended))
    }

    fn remembered(&self, stream: &StreamId) -> Option<u64> {
        self.added.get(stream).copied().or_else(|| self.heads.get(stream))
    }

    /// Writes all of `events` or, if one of them is in the way of an index, none.
    fn insert(&mut self, events: &mut [Prepared], first: u64) -> rusqlite::Result<bool> {
        let before = self.head;
        for (revision, event) in (first..).zip(events) {
            match event.insert(&mut self.insert, revision, self.head + 1) {
                Ok(()) => self.head += 1,
                Err(error) if is_duplicate(&error) => {
                    // Positions are given in order, so what this append has written so far is what comes after `before`.
                    let mut undo = self.connection.prepare_cached("DELETE FROM events WHERE position > ?1")?;
                    undo.execute([stored(before)])?;
                    self.head = before;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The answer to an append that cannot be written: as the first time if the stream has its events already, else a
    /// conflict.
    fn settle(&self, stream: &StreamId, events: &[Prepared]) -> rusqlite::Result<Result<Appended, AppendError>> {
        match self.find(stream, events)? {
            Some(appended) => Ok(Ok(appended)),
            None => Ok(Err(AppendError::Conflict { actual: stream_head(self.connection, stream)? })),
        }
    }

    /// Where the stream has these events, if it has all of them one after another.
    fn find(&self, stream: &StreamId, events: &[Prepared]) -> rusqlite::Result<Option<Appended>> {
        let query = "SELECT revision, position FROM events WHERE id = ?1 AND stream = ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut last: Option<(i64, i64)> = None;
        for event in events {
            let place = statement.query_row([event.id(), stream.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
            match (place.optional()?, last) {
                (Some(place), None) => last = Some(place),
                (Some(place), Some((revision, _))) if place.0 == revision + 1 => last = Some(place),
                _ => return Ok(None),
            }
        }
        Ok(last.and_then(|(revision, position)| {
            let position = Position::at(u64::try_from(position).ok()?);
            Some(Appended { revision: u64::try_from(revision).ok()?, position })
        }))
    }
}

/// Whether a row stands in the way on one of the two unique indexes.
fn is_duplicate(error: &rusqlite::Error) -> bool {
    error.sqlite_extended_error_code() == Some(SQLITE_CONSTRAINT_UNIQUE)
}
