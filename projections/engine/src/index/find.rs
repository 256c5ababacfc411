//! Finding the rows that are wanted.

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::ValueRef};

use super::{Bits, RowSet, chunk_of, first_open_chunk, first_row, offset_of, term_of_part, term_of_value};
use crate::listing::{Condition, Listing, Sql, Wanted};

/// The rows that are wanted. If words of more than three characters are searched for, perhaps some that do not hold them.
pub(crate) fn find(connection: &Connection, listing: &Listing, wanted: &Wanted<'_>) -> rusqlite::Result<RowSet> {
    found(Search { connection, listing, wanted, among: None })
}

/// Those of `among` that are wanted.
pub(crate) fn find_among(
    connection: &Connection,
    listing: &Listing,
    wanted: &Wanted<'_>,
    among: &RowSet,
) -> rusqlite::Result<RowSet> {
    found(Search { connection, listing, wanted, among: Some(among) })
}

fn found(search: Search<'_>) -> rusqlite::Result<RowSet> {
    let mut found = RowSet::default();
    search.sealed(&mut found)?;
    search.open(&mut found)?;
    Ok(found)
}

struct Search<'a> {
    connection: &'a Connection,
    listing: &'a Listing,
    wanted: &'a Wanted<'a>,
    among: Option<&'a RowSet>,
}

/// A range that is wanted, and which of the listing's ranges it is of.
struct Range {
    column: &'static str,
    index: usize,
    from: i64,
    until: i64,
}

impl Search<'_> {
    /// In the sealed chunks, by their terms.
    fn sealed(&self, found: &mut RowSet) -> rusqlite::Result<()> {
        let table = self.listing.table;
        let (terms, ranges) = (self.terms(), self.ranges());
        let tenant = self.wanted.tenant;
        let mut chunks = self.connection.prepare_cached(&format!(
            "SELECT chunk, present, ranges FROM {table}_chunks WHERE chunk BETWEEN ?1 AND ?2 ORDER BY chunk"
        ))?;
        let mut with_term = self
            .connection
            .prepare_cached(&format!("SELECT found FROM {table}_terms WHERE chunk = ?1 AND term = ?2"))?;
        let mut rows = chunks.query([chunk_of(tenant.first_row()), chunk_of(tenant.last_row())])?;
        while let Some(row) = rows.next()? {
            let chunk: i64 = row.get(0)?;
            let mut bits = match self.among {
                None => Bits::decode(row.get_ref(1)?.as_blob()?),
                Some(among) => match among.chunk(chunk) {
                    Some(bits) => bits.clone(),
                    None => continue,
                },
            };
            for term in &terms {
                let read = |row: &rusqlite::Row<'_>| Ok(Bits::decode(row.get_ref(0)?.as_blob()?));
                match with_term.query_row((chunk, term), read).optional()? {
                    Some(have) => bits.keep(&have),
                    None => bits = Bits::none(),
                }
                if bits.is_empty() {
                    break;
                }
            }
            for range in &ranges {
                if !bits.is_empty() {
                    self.keep_within(&mut bits, chunk, row.get_ref(2)?, range)?;
                }
            }
            found.push(chunk, bits);
        }
        Ok(())
    }

    fn keep_within(&self, bits: &mut Bits, chunk: i64, bounds: ValueRef<'_>, range: &Range) -> rusqlite::Result<()> {
        let mut bounds = bounds.as_blob()?.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
        let (least, greatest) = bounds.nth(range.index * 2).zip(bounds.next()).unwrap_or((i64::MIN, i64::MAX));
        if least >= range.from && greatest < range.until {
            return Ok(());
        }
        let mut within = Bits::none();
        if least < range.until && greatest >= range.from {
            let (table, column) = (self.listing.table, range.column);
            let mut select = self.connection.prepare_cached(&format!(
                "SELECT id FROM {table} WHERE id BETWEEN ?1 AND ?2 AND {column} >= ?3 AND {column} < ?4"
            ))?;
            let mut rows = select.query([first_row(chunk), first_row(chunk + 1) - 1, range.from, range.until])?;
            while let Some(row) = rows.next()? {
                within.insert(offset_of(row.get(0)?));
            }
        }
        bits.keep(&within);
        Ok(())
    }

    /// In the rows after the last sealed chunk, one by one.
    fn open(&self, found: &mut RowSet) -> rusqlite::Result<()> {
        let open = first_open_chunk(self.connection, self.listing, self.wanted.tenant)?;
        let mut sql = Sql::default();
        let range = [first_row(open).into(), self.wanted.tenant.last_row().into()];
        sql.push(&format!("SELECT t.id FROM {} t WHERE t.id BETWEEN ? AND ?", self.listing.table), range);
        self.wanted.push_all(&mut sql);
        sql.push(" ORDER BY t.id", []);
        let mut select = self.connection.prepare_cached(&sql.text)?;
        if self.among.is_some_and(|among| among.chunks().last().is_none_or(|(last, _)| *last < open)) {
            return Ok(());
        }
        let mut rows = select.query(params_from_iter(&sql.values))?;
        while let Some(row) = rows.next()? {
            let row = row.get(0)?;
            if self.among.is_none_or(|among| among.contains(row)) {
                found.push_row(row);
            }
        }
        Ok(())
    }

    /// Conditions first: there are fewer of them, and they often leave nothing.
    fn terms(&self) -> Vec<Vec<u8>> {
        let of_condition = |condition: &Condition| match condition {
            Condition::Has(facet, value) => term_of_value(facet.tag, value),
            Condition::Within { .. } => None,
        };
        let conditions = self.wanted.conditions.iter().filter_map(of_condition);
        conditions.chain(self.wanted.terms.parts().into_iter().map(term_of_part)).collect()
    }

    fn ranges(&self) -> Vec<Range> {
        let of_condition = |condition: &Condition| match condition {
            Condition::Within { column, from, until } => {
                let index = self.listing.ranges.iter().position(|range| range == column)?;
                Some(Range { column, index, from: *from, until: *until })
            }
            Condition::Has(..) => None,
        };
        self.wanted.conditions.iter().filter_map(of_condition).collect()
    }
}
