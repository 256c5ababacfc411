//! How values stand in `vault.db`, so that deleting one leaves nothing of it.
//!
//! SQLite's `secure_delete` overwrites deleted rows and freed pages with zeros. That alone is not enough: when it moves
//! rows from one B-tree page to another to balance them, it leaves copies behind in the free space of the first page,
//! and a row deleted later is overwritten in its last place only. Overflow pages are never moved. So a value is stored
//! as a row that always overflows, with nothing of the value in the part that stays on the B-tree page. The rule for
//! what overflows is fixed by the file format (<https://www.sqlite.org/fileformat2.html#b_tree_pages>): a row of `P` bytes
//! with `P ≡ M (mod U-4)`, `P > M`, leaves `M` bytes on the page, where for pages of `U` = 512 bytes `M` is 39.
//!
//! What was deleted or replaced can still stand in the write-ahead log, so a deletion is acknowledged only when that has
//! been written back and cut to nothing.

use std::path::Path;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::{
    super::{
        OpenError,
        database::{self, Layout},
        stored,
    },
    seal::{NONCE_BYTES, Sealed},
};
use crate::VaultError;

/// Bytes of a page: the least that SQLite allows, because every value takes at least one page of its own.
const PAGE: usize = 512;

/// What a row that overflows leaves on its B-tree page: the file format's `M` for pages of 512 bytes.
const ON_PAGE: usize = (PAGE - 12) * 32 / 255 - 23;

/// What an overflow page holds beside the number of the next.
const OVERFLOW: usize = PAGE - 4;

/// What stands before the value in its row: the nonce, the length and zeros, enough to fill what stays on the page.
const PREFIX: usize = 40;

/// How `vault.db` is set up. `values` has one column beside its row id, so that the layout of its rows is known.
pub(super) const LAYOUT: Layout = Layout {
    format: 1,
    page_size: PAGE as u32,
    tables: &["
        CREATE TABLE keys(key TEXT PRIMARY KEY, version INTEGER NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE sealed(id INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
    "],
    settings: "PRAGMA cache_size = -16384; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 16384;",
};

/// Opens the file to write it. What a crash kept from being cut off the write-ahead log is cut off now.
pub(super) fn open_to_write(file: &Path) -> Result<Connection, OpenError> {
    let connection = database::open_to_write(file, &LAYOUT)?;
    empty_wal(&connection).map_err(|source| OpenError::Database { file: file.to_owned(), source })?;
    Ok(connection)
}

/// Writes everything back to the file and cuts the write-ahead log to nothing. False if readers kept it from doing so.
pub(super) fn empty_wal(connection: &Connection) -> rusqlite::Result<bool> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// Where a key stands.
pub(super) struct Place {
    pub(super) version: u64,
    id: i64,
}

/// Looks a key up.
pub(super) fn find(connection: &Connection, key: &str) -> rusqlite::Result<Option<Place>> {
    let mut statement = connection.prepare_cached("SELECT version, value FROM keys WHERE key = ?1")?;
    statement.query_row([key], |row| Ok(Place { version: version(row, 0)?, id: row.get(1)? })).optional()
}

/// Writes a value, in the place of the one before if there is one.
pub(super) fn write(connection: &Connection, key: &str, old: Option<&Place>, sealed: &Sealed) -> rusqlite::Result<()> {
    let value = encode(sealed)?;
    let id = match old {
        Some(old) => {
            connection.prepare_cached("UPDATE sealed SET value = ?1 WHERE id = ?2")?.execute(params![value, old.id])?;
            old.id
        }
        None => connection.prepare_cached("INSERT INTO sealed(value) VALUES(?1)")?.insert([value])?,
    };
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO keys(key, version, value) VALUES(?1, ?2, ?3)")?;
    statement.execute(params![key, stored(sealed.version), id])?;
    Ok(())
}

/// Deletes a value.
pub(super) fn erase(connection: &Connection, key: &str, place: &Place) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM sealed WHERE id = ?1")?.execute([place.id])?;
    connection.prepare_cached("DELETE FROM keys WHERE key = ?1")?.execute([key])?;
    Ok(())
}

/// A connection that reads values.
pub(super) struct Reader(Connection);

impl Reader {
    pub(super) fn open(file: &Path) -> Result<Self, OpenError> {
        database::open_to_read(file).map(Self)
    }

    /// The values of `keys` at one moment, in their order.
    pub(super) fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Sealed>>, VaultError> {
        let read = || {
            let moment = (keys.len() > 1).then(|| self.0.unchecked_transaction()).transpose()?;
            let query = "SELECT version, sealed.value FROM keys JOIN sealed ON sealed.id = keys.value WHERE key = ?1";
            let mut statement = self.0.prepare_cached(query)?;
            let found = keys.iter().map(|key| get(&mut statement, key)).collect::<rusqlite::Result<_>>()?;
            drop(moment);
            Ok(found)
        };
        read().map_err(unavailable)
    }
}

fn get(statement: &mut CachedStatement<'_>, key: &str) -> rusqlite::Result<Option<Sealed>> {
    statement.query_row([key], |row| Ok(decode(version(row, 0)?, row.get_ref(1)?.as_blob()?))).optional()
}

fn version(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let version: i64 = row.get(column)?;
    u64::try_from(version).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, version))
}

/// What a failed statement means to whoever asked.
#[expect(clippy::needless_pass_by_value, reason = "its callers have the error and pass it on")]
pub(super) fn unavailable(error: rusqlite::Error) -> VaultError {
    VaultError::Unavailable(error.to_string())
}

fn encode(sealed: &Sealed) -> rusqlite::Result<Vec<u8>> {
    let too_long = || rusqlite::Error::InvalidParameterName("the value is too long for the vault".into());
    let length = u32::try_from(sealed.boxed.len()).map_err(|_| too_long())?;
    let mut bytes = [sealed.nonce.as_slice(), &length.to_be_bytes()].concat();
    bytes.resize(PREFIX, 0);
    bytes.extend_from_slice(&sealed.boxed);
    bytes.resize(padded(bytes.len()).ok_or_else(too_long)?, 0);
    Ok(bytes)
}

/// Reads what [`encode`] wrote. What does not have that form cannot be opened either, and says so as an empty value.
fn decode(version: u64, bytes: &[u8]) -> Sealed {
    let read = || {
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let (length, _) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let boxed = bytes.get(PREFIX..)?.get(..length)?;
        Some(Sealed { version, nonce: *nonce, boxed: boxed.to_vec() })
    };
    read().unwrap_or(Sealed { version, nonce: [0; NONCE_BYTES], boxed: Vec::new() })
}

/// The least length of a blob, from `length` on, with which its row fills its overflow pages exactly.
fn padded(length: usize) -> Option<usize> {
    let pages = length.saturating_sub(ON_PAGE) / OVERFLOW;
    (pages.max(1)..pages + 3).find_map(|pages| {
        let row = ON_PAGE + pages * OVERFLOW;
        // The header: its own length, the type of the row id, the type of the blob as a number of 1 to 9 bytes.
        let blob = (1..=9).map(|kind| (kind, row - 2 - kind)).find(|(kind, blob)| type_bytes(*blob) == *kind);
        blob.map(|(_, blob)| blob).filter(|blob| *blob >= length)
    })
}

/// Bytes of the record format's type of a blob: `2 n + 12`, seven bits to a byte.
fn type_bytes(blob: usize) -> usize {
    let bits = usize::BITS - (2 * blob + 12).leading_zeros();
    (bits as usize).div_ceil(7)
}

#[cfg(test)]
mod tests;
