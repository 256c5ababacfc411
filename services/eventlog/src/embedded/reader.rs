//! Queries on the log.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, params};
use schema::{Position, RecordedEvent, StreamId};

use super::{
    OpenError, database,
    heads::Head,
    row::{Decoder, failure, select},
    stored,
    streams::{self, Finder, Found},
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

    /// Events of a stream from revision `from` on. `start` is the position of its first event, if known.
    pub(super) fn stream(
        &mut self,
        stream: &StreamId,
        start: Option<u64>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let start = match start {
            None => start_of(&self.connection, &mut self.decoder, stream)?,
            known => known,
        };
        let Some(start) = start else { return Ok(Vec::new()) };
        let query = select!("WHERE start = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3");
        let mut statement = self.connection.prepare_cached(query).map_err(failure)?;
        let limit = stored(limit as u64);
        let mut rows = statement.query(params![stored(start), stored(from), limit]).map_err(failure)?;
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

    /// The events at these positions.
    pub(super) fn at(&mut self, positions: &[Position]) -> Result<Vec<Option<Arc<RecordedEvent>>>, ReadError> {
        let statement = self.connection.prepare_cached(select!("WHERE position = ?1"));
        let mut statement = statement.map_err(failure)?;
        let mut event = |position: &Position| {
            if position.commit != position.prepare {
                return Ok(None);
            }
            let mut rows = statement.query([stored(position.commit)]).map_err(failure)?;
            let row = rows.next().map_err(failure)?;
            row.map(|row| self.decoder.decode(row).map(Arc::new)).transpose()
        };
        positions.iter().map(&mut event).collect()
    }

    /// The last revisions of these streams, those that are not remembered at one moment.
    pub(super) fn revisions(
        &mut self,
        streams: &[StreamId],
        remembered: Vec<Option<Head>>,
    ) -> Result<Vec<Option<u64>>, ReadError> {
        let mut revisions: Vec<_> = remembered.into_iter().map(|head| head.map(|head| head.revision)).collect();
        let unknown = streams.iter().zip(&mut revisions).filter(|(_, revision)| revision.is_none());
        let mut unknown: Vec<_> = unknown.map(|(stream, place)| (streams::slot(stream), stream, place)).collect();
        // In the order of the table, so that each of its pages is read once.
        unknown.sort_unstable_by_key(|(slot, ..)| *slot);
        let moment = self.connection.unchecked_transaction().map_err(failure)?;
        for (_, stream, place) in unknown {
            let start = start_of(&moment, &mut self.decoder, stream)?;
            *place = start.map(|start| last_revision(&moment, start)).transpose().map_err(failure)?;
        }
        Ok(revisions)
    }
}

/// The position of the stream's first event. Others of the same slot are read in full, as a stream whose name was altered
/// in the file would be among them, and be taken for one that does not exist.
fn start_of(connection: &Connection, decoder: &mut Decoder, stream: &StreamId) -> Result<Option<u64>, ReadError> {
    let others = match Finder::new(connection).and_then(|mut finder| finder.find(stream)).map_err(failure)? {
        Found::At(start) => return Ok(Some(start)),
        Found::Others(others) => others,
    };
    for start in others {
        let statement = connection.prepare_cached(select!("WHERE position = ?1"));
        let mut statement = statement.map_err(failure)?;
        let mut rows = statement.query([stored(start)]).map_err(failure)?;
        let Some(row) = rows.next().map_err(failure)? else {
            return Err(ReadError::Damaged(format!("position {start} is missing")));
        };
        decoder.decode(row)?;
    }
    Ok(None)
}

/// Revision of the last event of the stream that starts at `start`.
pub(super) fn last_revision(connection: &Connection, start: u64) -> rusqlite::Result<u64> {
    let query = "SELECT revision FROM events WHERE start = ?1 ORDER BY revision DESC LIMIT 1";
    let head: i64 = connection.prepare_cached(query)?.query_row([stored(start)], |row| row.get(0))?;
    Ok(head.unsigned_abs())
}

/// Position of the last event; 0 while the log is empty.
pub(super) fn log_head(connection: &Connection) -> rusqlite::Result<u64> {
    let head: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    Ok(u64::try_from(head).unwrap_or(0))
}
