//! Which rows of a [`Listing`] have what: values to filter by, parts of words to search for, places in a sort order.
//!
//! Rows are numbered in the order in which they are added, and each 4,096 numbers in a row are a *chunk*. When all rows
//! of a chunk are there it is *sealed*: for each term (a value, or a part of a word) it is written down which of the rows
//! have it, and for each sort order in which order they are. The rows after the last sealed chunk are looked through one
//! by one, which takes a millisecond or two. So a new row costs nothing but itself until its chunk is sealed, and then a
//! share of work that is quick because it is done for thousands at once; and finding rows among a million means to take
//! 245 sets of 4,096 bits for each term, of which only those count that the other terms have left.
//!
//! Rows that change in a sealed chunk are written down anew at the end of the batch, see [`Edits`].

mod bits;
mod edits;
mod find;
mod seal;

use rusqlite::{
    Connection,
    types::{Value, ValueRef},
};

pub(crate) use bits::{Bits, RowSet, chunk_of, first_row, offset_of};
pub use edits::Edits;
pub(crate) use find::{find, find_among};

use crate::{listing::Listing, tenants::Tenant};

/// Marks terms that are parts of words; facets have the other tags.
const PART: u8 = 0;

/// The tables of the index of a listing.
pub(crate) fn schema(table: &str) -> String {
    format!(
        "-- A sealed chunk: the rows that are still there, and the least and greatest of each range.
         CREATE TABLE {table}_chunks (chunk INTEGER PRIMARY KEY, present BLOB NOT NULL, ranges BLOB NOT NULL) STRICT;
         -- Which rows of a sealed chunk have a term. Rows that are no longer there may be among them.
         CREATE TABLE {table}_terms (
             chunk INTEGER NOT NULL, term BLOB NOT NULL, found BLOB NOT NULL, PRIMARY KEY (chunk, term)
         ) STRICT, WITHOUT ROWID;
         -- The rows of a sealed chunk in a sort order. Rows that are no longer there may be among them.
         CREATE TABLE {table}_sorted (
             chunk INTEGER NOT NULL, sort INTEGER NOT NULL, rows BLOB NOT NULL, PRIMARY KEY (chunk, sort)
         ) STRICT, WITHOUT ROWID;\n"
    )
}

/// The rows of a sealed chunk in a sort order, as offsets; none if they are not kept sorted, or the chunk is not sealed.
pub(crate) fn sorted(
    connection: &Connection,
    listing: &Listing,
    chunk: i64,
    sort: u8,
) -> rusqlite::Result<Option<Vec<u16>>> {
    use rusqlite::OptionalExtension;
    connection
        .prepare_cached(&format!("SELECT rows FROM {}_sorted WHERE chunk = ?1 AND sort = ?2", listing.table))?
        .query_row((chunk, sort), |row| {
            let offsets = row.get_ref(0)?.as_blob()?.as_chunks().0;
            Ok(offsets.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect())
        })
        .optional()
}

/// The first chunk of the organization that is not sealed.
fn first_open_chunk(connection: &Connection, listing: &Listing, tenant: Tenant) -> rusqlite::Result<i64> {
    let (first, last) = (chunk_of(tenant.first_row()), chunk_of(tenant.last_row()));
    let sealed: Option<i64> = connection
        .prepare_cached(&format!("SELECT max(chunk) FROM {}_chunks WHERE chunk BETWEEN ?1 AND ?2", listing.table))?
        .query_row([first, last], |row| row.get(0))?;
    Ok(sealed.map_or(first, |sealed| sealed + 1))
}

/// The term of a value; none for NULL.
fn term(tag: u8, value: ValueRef<'_>) -> Option<Vec<u8>> {
    let mut term = vec![tag];
    match value {
        ValueRef::Null => return None,
        ValueRef::Integer(number) => term.extend(number.to_be_bytes()),
        ValueRef::Real(number) => term.extend(number.to_be_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => term.extend(bytes),
    }
    Some(term)
}

fn term_of_value(tag: u8, value: &Value) -> Option<Vec<u8>> {
    term(tag, value.into())
}

fn term_of_part(part: &str) -> Vec<u8> {
    [&[PART], part.as_bytes()].concat()
}
