//! Queries on the log.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};
use schema::{RecordedEvent, StreamId};

use super::{
    OpenError, database,
    row::{Decoder, failure, select},
    stored,
};
use crate::ReadError;

/// A connection that reads events.
pub(super) struct LogReader {
    connection: Connection,
    decoder: Decoder,
}

impl LogReader {
    pub(super) fn open(file: &Path) -> Result<Self, OpenError> {
        Ok(Self { connection: database::open_to_read(file)?, decoder: Decoder::default() })
    }

    /// For queries that are not on events.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Events of a stream from revision `from` on.
    pub(super) fn stream(
        &mut self,
        stream: &StreamId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let query = select!("WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3");
        let mut statement = self.connection.prepare_cached(query).map_err(failure)?;
        let limit = stored(limit as u64);
        let mut rows = statement.query(params![stream.as_str(), stored(from), limit]).map_err(failure)?;
        let mut events = Vec::new();
        let mut next = from;
        while let Some(row) = rows.next().map_err(failure)? {
            let event = self.decoder.decode(row)?;
            if event.revision != next {
                return Err(ReadError::Damaged(format!("revision {next} of {stream} is missing")));
            }
            next += 1;
            events.push(event);
        }
        Ok(events)
    }

    /// Events of the whole log after position `after`, until there are `limit` or their payloads reach `bytes`.
    pub(super) fn after(
        &mut self,
        after: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        let query = select!("WHERE position > ?1 ORDER BY position LIMIT ?2");
        let mut statement = self.connection.prepare_cached(query).map_err(failure)?;
        let mut rows = statement.query(params![stored(after), stored(limit as u64)]).map_err(failure)?;
        let mut events = Vec::new();
        let (mut last, mut left) = (after, bytes);
        while left > 0
            && let Some(row) = rows.next().map_err(failure)?
        {
            let event = self.decoder.decode(row)?;
            if event.position.commit != last + 1 {
                return Err(ReadError::Damaged(format!("position {} is missing", last + 1)));
            }
            last += 1;
            left = left.saturating_sub(event.payload.len().max(1));
            events.push(Arc::new(event));
        }
        Ok(events)
    }
}

/// Revision of the last event of a stream.
pub(super) fn stream_head(connection: &Connection, stream: &StreamId) -> rusqlite::Result<Option<u64>> {
    let query = "SELECT revision FROM events WHERE stream = ?1 ORDER BY revision DESC LIMIT 1";
    let head = connection.prepare_cached(query)?.query_row([stream.as_str()], |row| row.get::<_, i64>(0)).optional()?;
    Ok(head.and_then(|revision| u64::try_from(revision).ok()))
}

/// Position of the last event; 0 while the log is empty.
pub(super) fn log_head(connection: &Connection) -> rusqlite::Result<u64> {
    let head: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    Ok(u64::try_from(head).unwrap_or(0))
}
