//! The plan for rows that lie anywhere in the sort order: each chunk is sorted, so the next row of the page is the first
//! of one of them.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::{
    FromRow, SortColumn,
    plan::{Found, Keys, PageQuery, Reader},
};
use crate::{
    index::{self, Bits, RowSet, first_row},
    paging::Place,
};

/// The rows of one chunk that are wanted and lie ahead, the furthest first.
struct Run {
    first_row: i64,
    /// The next is the last.
    left: Vec<u16>,
}

impl Run {
    /// The next row that is still there.
    fn next(&mut self, keys: &mut Keys<'_>) -> rusqlite::Result<Option<Place>> {
        while let Some(offset) = self.left.pop() {
            if let Some(place) = keys.place(self.first_row + i64::from(offset))? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

/// The next row of a run. The one that comes first in the list is the greatest.
struct Next {
    place: Place,
    run: usize,
    descending: bool,
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.place.cmp(&other.place);
        if self.descending { order } else { order.reverse() }
    }
}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Next {}

impl PageQuery<'_> {
    /// Takes the next row of all chunks until the page is full.
    pub(super) fn merge<T: FromRow>(&self, sort: &SortColumn, set: &RowSet) -> Found<T> {
        let descending = self.is_descending();
        let mut keys = Keys::new(self, sort)?;
        let (mut runs, mut next) = (Vec::new(), BinaryHeap::new());
        for (chunk, wanted) in set.chunks() {
            let mut run = Run { first_row: first_row(*chunk), left: self.ahead(sort, *chunk, wanted, &mut keys)? };
            if let Some(place) = run.next(&mut keys)? {
                next.push(Next { place, run: runs.len(), descending });
                runs.push(run);
            }
        }
        let mut reader = Reader::new(self)?;
        let mut found = Vec::with_capacity(self.rows);
        while found.len() < self.rows
            && let Some(Next { place, run, .. }) = next.pop()
        {
            if let Some(place) = runs.get_mut(run).map(|run| run.next(&mut keys)).transpose()?.flatten() {
                next.push(Next { place, run, descending });
            }
            found.extend(reader.read(place.row)?.map(|node| (place, node)));
        }
        Ok(found)
    }

    /// The wanted rows of a chunk that lie beyond the cursor, the furthest first.
    fn ahead(&self, sort: &SortColumn, chunk: i64, wanted: &Bits, keys: &mut Keys<'_>) -> rusqlite::Result<Vec<u16>> {
        let mut rows: Vec<u16> = match index::sorted(self.connection, self.listing, chunk, sort.tag)? {
            Some(sorted) => sorted.into_iter().filter(|offset| wanted.contains(*offset)).collect(),
            None => self.sort(chunk, wanted, keys)?,
        };
        if !self.is_descending() {
            rows.reverse();
        }
        if self.start.is_some() {
            let ahead = self.count_ahead(chunk, &rows, keys)?;
            rows.truncate(ahead);
        }
        Ok(rows)
    }

    /// Sorts the wanted rows of a chunk that is not kept sorted.
    fn sort(&self, chunk: i64, wanted: &Bits, keys: &mut Keys<'_>) -> rusqlite::Result<Vec<u16>> {
        let mut places = Vec::with_capacity(wanted.len());
        for offset in wanted.offsets() {
            places.extend(keys.place(first_row(chunk) + i64::from(offset))?.map(|place| (place, offset)));
        }
        places.sort_unstable();
        Ok(places.into_iter().map(|(_, offset)| offset).collect())
    }

    /// How many of the rows, the furthest of which comes first, lie beyond the cursor. Each look halves what is left.
    fn count_ahead(&self, chunk: i64, rows: &[u16], keys: &mut Keys<'_>) -> rusqlite::Result<usize> {
        let (mut ahead, mut not_ahead) = (0, rows.len());
        while ahead < not_ahead {
            let middle = (ahead + not_ahead) / 2;
            let offset = rows.get(middle).copied().unwrap_or_default();
            let place = keys.place(first_row(chunk) + i64::from(offset))?;
            if place.is_some_and(|place| self.is_ahead(&place)) {
                ahead = middle + 1;
            } else {
                not_ahead = middle;
            }
        }
        Ok(ahead)
    }
}
