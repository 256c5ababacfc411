//! Finding a stream by its name.
//!
//! `streams` holds for the CRC-32 of a name, its slot, the positions of the first events of the streams that have it. The
//! name itself stands with that event, so what is found under a slot is the stream only once the names were compared.
//!
//! Names are random. A stream that was noted there at once would have a page rewritten for itself alone, which is more
//! than all the rest of an append. So a new stream is noted in the small table `new_streams` and remembered by [`Heads`]
//! until there are many; then they are moved, slice by slice, so that one page takes in several of them. Hence the rule
//! for whoever looks for a stream: first ask `Heads`, then read `streams`, in this order. A stream that is in neither had no
//! event when it was asked for, as `Heads` forgets a new stream only after it was moved durably.
//!
//! [`Heads`]: super::heads::Heads

use rusqlite::{CachedStatement, Connection, params};
use schema::StreamId;

use super::stored;

/// The tables.
pub(super) const TABLES: &str = "
    CREATE TABLE streams(
        slot  INTEGER NOT NULL,
        start INTEGER NOT NULL,
        PRIMARY KEY(slot, start)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE new_streams(
        slice INTEGER NOT NULL,
        start INTEGER NOT NULL,
        slot  INTEGER NOT NULL,
        PRIMARY KEY(slice, start)
    ) STRICT, WITHOUT ROWID;
";

/// Into how many slices of equal size the slots are cut.
pub(super) const SLICES: u32 = 64;

/// Where a stream is noted.
pub(super) fn slot(stream: &StreamId) -> u32 {
    crc32fast::hash(stream.as_str().as_bytes())
}

/// The slice of a slot.
pub(super) fn slice(slot: u32) -> u32 {
    slot / (u32::MAX / SLICES + 1)
}

/// What was found under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The position of the stream's first event.
    At(u64),
    /// No such stream, but these first events of streams with the same slot. Their names are others, or were altered.
    Others(Vec<u64>),
}

/// Finds streams, except new ones.
pub(super) struct Finder<'a>(CachedStatement<'a>);

impl<'a> Finder<'a> {
    pub(super) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let query = "SELECT start, (SELECT stream = ?2 FROM events WHERE position = streams.start) \
                     FROM streams WHERE slot = ?1";
        Ok(Self(connection.prepare_cached(query)?))
    }

    /// Looks for a stream.
    pub(super) fn find(&mut self, stream: &StreamId) -> rusqlite::Result<Found> {
        let mut rows = self.0.query(params![slot(stream), stream.as_str()])?;
        let mut others = Vec::new();
        while let Some(row) = rows.next()? {
            let start = row.get::<_, i64>(0)?.unsigned_abs();
            if row.get::<_, Option<bool>>(1)? == Some(true) {
                return Ok(Found::At(start));
            }
            others.push(start);
        }
        Ok(Found::Others(others))
    }
}

/// Notes a new stream.
pub(super) fn note(connection: &Connection, stream: &StreamId, start: u64) -> rusqlite::Result<()> {
    let slot = slot(stream);
    let insert = "INSERT INTO new_streams(slice, start, slot) VALUES(?1, ?2, ?3)";
    connection.prepare_cached(insert)?.execute(params![slice(slot), stored(start), slot]).map(drop)
}

/// Undoes [`note`].
pub(super) fn unnote(connection: &Connection, stream: &StreamId, start: u64) -> rusqlite::Result<()> {
    let delete = "DELETE FROM new_streams WHERE slice = ?1 AND start = ?2";
    connection.prepare_cached(delete)?.execute(params![slice(slot(stream)), stored(start)]).map(drop)
}

/// Moves the new streams of a slice to the others.
pub(super) fn file_slice(connection: &Connection, slice: u32) -> rusqlite::Result<()> {
    let insert = "INSERT INTO streams(slot, start) SELECT slot, start FROM new_streams WHERE slice = ?1 ORDER BY slot";
    connection.prepare_cached(insert)?.execute([slice])?;
    connection.prepare_cached("DELETE FROM new_streams WHERE slice = ?1")?.execute([slice]).map(drop)
}

/// Moves all new streams to the others: done when the file is opened, while nobody remembers them.
pub(super) fn file_all(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    (0..SLICES).try_for_each(|slice| file_slice(&transaction, slice))?;
    transaction.commit()
}
