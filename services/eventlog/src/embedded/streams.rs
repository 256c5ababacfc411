//! Finding a stream by its name.
//!
//! A table of `start`, the position of a stream's first event, by a slot: the CRC-32 of the stream's name, or the next that
//! was free when the stream began. Names are random, so every new stream touches a page of its own; a row of numbers is
//! small, which keeps these pages few. The name itself stands with the first event, so a look into the table is only right
//! once it was compared there. Slots are never given back, so whoever follows them to a free one has seen all.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use schema::StreamId;

use super::stored;

/// The table.
pub(super) const TABLE: &str = "CREATE TABLE streams(slot INTEGER PRIMARY KEY, start INTEGER NOT NULL) STRICT;";

/// What was found under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The position of the stream's first event.
    At(u64),
    /// No such stream.
    Nowhere {
        /// Where it would begin.
        free: i64,
        /// The first events of the streams in its way. Their names are others, or were altered.
        passed: Vec<u64>,
    },
}

/// Finds streams.
pub(super) struct Finder<'a>(CachedStatement<'a>);

impl<'a> Finder<'a> {
    pub(super) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let query = "SELECT start, (SELECT stream = ?2 FROM events WHERE position = streams.start) \
                     FROM streams WHERE slot = ?1";
        Ok(Self(connection.prepare_cached(query)?))
    }

    /// Looks for a stream.
    pub(super) fn find(&mut self, stream: &StreamId) -> rusqlite::Result<Found> {
        let mut passed = Vec::new();
        let mut free = slot(stream);
        loop {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<bool>>(1)?));
            match self.0.query_row(params![free, stream.as_str()], row).optional()? {
                None => return Ok(Found::Nowhere { free, passed }),
                Some((start, Some(true))) => return Ok(Found::At(start.unsigned_abs())),
                Some((start, _)) => passed.push(start.unsigned_abs()),
            }
            free += 1;
        }
    }
}

/// Where the search for a stream begins.
pub(super) fn slot(stream: &StreamId) -> i64 {
    i64::from(crc32fast::hash(stream.as_str().as_bytes()))
}

/// Takes a free slot.
pub(super) fn take(connection: &Connection, slot: i64, start: u64) -> rusqlite::Result<()> {
    let insert = "INSERT INTO streams(slot, start) VALUES(?1, ?2)";
    connection.prepare_cached(insert)?.execute([slot, stored(start)]).map(drop)
}

/// Undoes the last [`take`].
pub(super) fn untake(connection: &Connection, slot: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM streams WHERE slot = ?1")?.execute([slot]).map(drop)
}
