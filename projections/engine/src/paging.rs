//! Pages of a list and the cursors between them.
//!
//! A cursor holds the sort key and the number of the row it stands at, not a count of rows: rows that come or go
//! elsewhere never make the next page skip or repeat one.

use data_encoding::BASE64URL_NOPAD;
use rusqlite::types::{Value, ValueRef};

/// Most rows of a page.
pub const LARGEST_PAGE: usize = 200;
/// Raised when the layout of cursors changes.
const LAYOUT: u8 = 1;

/// Which rows of a list to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// The first `first` rows, after the cursor if there is one.
    Forward {
        /// How many, from 1 to [`LARGEST_PAGE`].
        first: usize,
        /// A cursor that the same list gave out for the same sort order.
        after: Option<String>,
    },
    /// The last `last` rows, before the cursor if there is one.
    Backward {
        /// How many, from 1 to [`LARGEST_PAGE`].
        last: usize,
        /// A cursor that the same list gave out for the same sort order.
        before: Option<String>,
    },
}

impl Paging {
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Forward { first, .. } => *first,
            Self::Backward { last, .. } => *last,
        }
    }
    pub(crate) fn cursor(&self) -> Option<&str> {
        match self {
            Self::Forward { after, .. } => after.as_deref(),
            Self::Backward { before, .. } => before.as_deref(),
        }
    }
    pub(crate) fn is_backward(&self) -> bool {
        matches!(self, Self::Backward { .. })
    }
}

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge<T> {
    /// Opaque; good for [`Paging`] with the same sort order.
    pub cursor: String,
    /// The row.
    pub node: T,
}

/// Some rows of a list, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub edges: Vec<Edge<T>>,
    /// Whether there are rows after these. Going backward: whether a cursor was given, at whose row the page ends.
    pub has_next: bool,
    /// Whether there are rows before these. Going forward: whether a cursor was given, at whose row the page starts.
    pub has_previous: bool,
}

// Derived, it would ask for a default of the rows.
impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { edges: Vec::new(), has_next: false, has_previous: false }
    }
}

/// The text is not a cursor of this list in this sort order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one of this list in this sort order")]
pub struct InvalidCursor;

/// What a list is sorted by, of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Text(String),
    Integer(i64),
}

impl Key {
    /// Reads a column to sort by.
    pub(crate) fn read(value: ValueRef<'_>) -> rusqlite::Result<Self> {
        Ok(match value {
            ValueRef::Integer(number) => Self::Integer(number),
            other => Self::Text(other.as_str()?.to_owned()),
        })
    }

    /// What to compare the column with.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Integer(number) => (*number).into(),
        }
    }
}

/// Where a row stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) row: i64,
}

impl Place {
    /// Writes the cursor; `order` names the list and the column it is sorted by.
    pub(crate) fn cursor(&self, order: u8) -> String {
        let mut bytes = vec![LAYOUT, order];
        bytes.extend(self.row.to_be_bytes());
        match &self.key {
            Key::Integer(number) => {
                bytes.push(b'i');
                bytes.extend(number.to_be_bytes());
            }
            Key::Text(text) => {
                bytes.push(b't');
                bytes.extend(text.as_bytes());
            }
        }
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Reads a cursor of the same `order`.
    pub(crate) fn parse(cursor: &str, order: u8) -> Result<Self, InvalidCursor> {
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| InvalidCursor)?;
        let rest = bytes.strip_prefix(&[LAYOUT, order]).ok_or(InvalidCursor)?;
        let (row, rest) = rest.split_first_chunk().ok_or(InvalidCursor)?;
        let key = match rest.split_first().ok_or(InvalidCursor)? {
            (b'i', number) => Key::Integer(i64::from_be_bytes(number.try_into().map_err(|_| InvalidCursor)?)),
            (b't', text) => Key::Text(String::from_utf8(text.to_vec()).map_err(|_| InvalidCursor)?),
            _ => return Err(InvalidCursor),
        };
        Ok(Self { key, row: i64::from_be_bytes(*row) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_order_only() {
        for key in [Key::Text("田中 a".into()), Key::Text(String::new()), Key::Integer(i64::MIN)] {
            let place = Place { key, row: -7 };
            let cursor = place.cursor(3);
            assert_eq!(Place::parse(&cursor, 3), Ok(place));
            assert_eq!(Place::parse(&cursor, 4), Err(InvalidCursor));
            assert_eq!(Place::parse(&cursor[..cursor.len() / 2], 3), Err(InvalidCursor));
        }
        for nonsense in ["", "!", "AQ", "AQM", "héllo", "AQMAAAAAAAAAAGnw"] {
            assert_eq!(Place::parse(nonsense, 3), Err(InvalidCursor), "{nonsense}");
        }
    }
}
