//! Deciding on appends inside the transaction that writes them.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{CachedStatement, Connection, OptionalExtension, ffi::SQLITE_CONSTRAINT_UNIQUE, params};
use schema::{NewEvent, Position, RecordedEvent, StreamId};

use super::{
    heads::{Head, Heads},
    reader::last_revision,
    row::{INSERT, Place, Prepared},
    stored,
    streams::{self, Finder, Found},
};
use crate::{AppendError, Appended, Expected, StreamAppend};

/// The most bytes of payload in one append: what KurrentDB takes, so that both implementations take the same.
pub const MAX_APPEND_BYTES: usize = 1 << 20;

/// The most events in one append.
pub const MAX_APPEND_EVENTS: usize = 1000;

/// Bytes of payload in these events.
pub(super) fn payload_bytes(events: &[NewEvent]) -> usize {
    events.iter().map(|event| event.payload.len()).sum()
}

/// Refuses what is empty or too large. Tells the bytes of payload.
fn check_size(events: &[NewEvent]) -> Result<usize, AppendError> {
    let (events, bytes) = (events.len(), payload_bytes(events));
    if events == 0 {
        Err(AppendError::Empty)
    } else if events > MAX_APPEND_EVENTS || bytes > MAX_APPEND_BYTES {
        let (max_bytes, max_events) = (MAX_APPEND_BYTES, MAX_APPEND_EVENTS);
        Err(AppendError::TooLarge { bytes, events, max_bytes, max_events })
    } else {
        Ok(bytes)
    }
}

/// An append made ready by the task that asks for it.
pub(super) struct PreparedAppend {
    stream: StreamId,
    expected: Expected,
    events: Vec<Prepared>,
    /// Bytes of payload.
    bytes: usize,
}

impl PreparedAppend {
    /// Refuses what is empty, too large or no text.
    pub(super) fn new(append: StreamAppend) -> Result<Self, AppendError> {
        let StreamAppend { stream, expected, events } = append;
        let bytes = check_size(&events)?;
        let events: Option<_> = events.into_iter().map(|event| Prepared::new(&stream, event)).collect();
        let events = events.ok_or_else(|| AppendError::Unavailable("a payload is not JSON text".into()))?;
        Ok(Self { stream, expected, events, bytes })
    }

    /// What it weighs in the queue, in KiB.
    pub(super) fn weight(&self) -> u32 {
        u32::try_from(self.events.len() + self.bytes / 1024).unwrap_or(u32::MAX)
    }
}

/// Appends on their way into one transaction.
pub(super) struct Appends<'a> {
    connection: &'a Connection,
    insert: CachedStatement<'a>,
    finder: Finder<'a>,
    /// What has been committed.
    heads: &'a Heads,
    before: u64,
    filed: Option<u32>,
    /// What this transaction adds to it.
    added: HashMap<StreamId, Head>,
    /// Position of the last event.
    head: u64,
    events: Vec<Arc<RecordedEvent>>,
}

/// What a transaction adds to the log, to be made known once it is committed.
pub(super) struct Written {
    /// Position of the last event before.
    pub(super) before: u64,
    /// The slice of new streams that was filed before anything was written.
    pub(super) filed: Option<u32>,
    pub(super) heads: HashMap<StreamId, Head>,
    pub(super) events: Vec<Arc<RecordedEvent>>,
}

impl<'a> Appends<'a> {
    /// In the open transaction of `connection`, after position `head`.
    pub(super) fn begin(connection: &'a Connection, heads: &'a Heads, head: u64) -> rusqlite::Result<Self> {
        let insert = connection.prepare_cached(INSERT)?;
        let finder = Finder::new(connection)?;
        let filed = heads.slice_to_file();
        if let Some(slice) = filed {
            streams::file_slice(connection, slice)?;
        }
        let (added, events) = (HashMap::new(), Vec::new());
        Ok(Self { connection, insert, finder, heads, before: head, filed, added, head, events })
    }

    pub(super) fn end(self) -> Written {
        Written { before: self.before, filed: self.filed, heads: self.added, events: self.events }
    }

    /// Writes one append, or finds that it does not fit or is there already. The outer error means that the transaction
    /// as a whole cannot go on.
    pub(super) fn append(&mut self, append: PreparedAppend) -> rusqlite::Result<Result<Appended, AppendError>> {
        let PreparedAppend { stream, expected, events, .. } = append;
        match (expected, self.find(&stream)?) {
            (Expected::NoStream, None) => {
                let start = self.head + 1;
                streams::note(self.connection, &stream, start)?;
                let appended = self.write(&stream, start, 0, events)?;
                if appended.is_err() {
                    streams::unnote(self.connection, &stream, start)?;
                }
                Ok(appended)
            }
            (Expected::Revision(expected), Some(Head { start, revision })) if expected == revision => {
                self.write(&stream, start, revision + 1, events)
            }
            (_, Some(head)) => self.settle(head, &events),
            (Expected::Revision(_), None) => Ok(Err(AppendError::Conflict { actual: None })),
        }
    }

    /// Where a stream ends. None: it has no events.
    fn find(&mut self, stream: &StreamId) -> rusqlite::Result<Option<Head>> {
        if let Some(head) = self.added.get(stream).copied().or_else(|| self.heads.get(stream)) {
            return Ok(Some(head));
        }
        Ok(match self.finder.find(stream)? {
            Found::At(start) => Some(Head { start, revision: last_revision(self.connection, start)? }),
            Found::Others(_) => None,
        })
    }

    /// Writes all of `events` from revision `first` on or, if one of them is there already, none.
    fn write(
        &mut self,
        stream: &StreamId,
        start: u64,
        first: u64,
        mut events: Vec<Prepared>,
    ) -> rusqlite::Result<Result<Appended, AppendError>> {
        if !self.insert(&mut events, start, first)? {
            return match first.checked_sub(1) {
                Some(revision) => self.settle(Head { start, revision }, &events),
                None => Ok(Err(AppendError::Conflict { actual: None })),
            };
        }
        let appended = Appended { revision: first + events.len() as u64 - 1, position: Position::at(self.head) };
        self.added.insert(stream.clone(), Head { start, revision: appended.revision });
        self.events.extend(events.into_iter().map(|event| Arc::new(event.into_event())));
        Ok(Ok(appended))
    }

    /// Writes all of `events` or, if one of them is in the way of an index, none.
    fn insert(&mut self, events: &mut [Prepared], start: u64, first: u64) -> rusqlite::Result<bool> {
        let before = self.head;
        for (revision, event) in (first..).zip(events) {
            match event.insert(&mut self.insert, Place { start, revision, position: self.head + 1 }) {
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
    fn settle(&self, head: Head, events: &[Prepared]) -> rusqlite::Result<Result<Appended, AppendError>> {
        let appended = self.repeated(head.start, events)?;
        Ok(appended.ok_or(AppendError::Conflict { actual: Some(head.revision) }))
    }

    /// Where the stream has these events, if it has all of them one after another.
    fn repeated(&self, start: u64, events: &[Prepared]) -> rusqlite::Result<Option<Appended>> {
        let query = "SELECT revision, position FROM events WHERE start = ?1 AND id = ?2";
        let mut statement = self.connection.prepare_cached(query)?;
        let mut last: Option<(i64, i64)> = None;
        for event in events {
            let place = statement.query_row(params![stored(start), event.id()], |row| Ok((row.get(0)?, row.get(1)?)));
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
