//! Finding one page.
//!
//! Several plans give the same page, and each is slow for some lists. Which to take is found out at little cost:
//!
//! 1. If an index names [`FEW`] rows or less for one of the conditions, *pick*: read these, sort them.
//! 2. Otherwise much may fit: *pass* along the sort index and read row by row until the page is full. If there are
//!    conditions that an index answers, only [`SHORT_PASS`] rows; if a tenth of all rows fits, the page is full by then.
//! 3. If not, gather what the indexes name for all conditions as a set of rows, and pass along the sort index again, but
//!    read only the rows of the set: passing takes a tenth of the time of reading.
//! 4. The set may lie all together far on in the list, such as all Marias when sorting by name. So when passing has taken
//!    as long as picking would, pick.
//!
//! The example `people_search` of the directory measures all of them with 100,000 people in one organization.

use rusqlite::{
    Connection, OptionalExtension, Row, params_from_iter,
    types::{Value, ValueRef},
};

use super::{FromRow, Listing, Order, Sql, Wanted, residue};
use crate::{
    paging::{Key, Paging, Place},
    tenants,
};

/// So few rows are read and sorted in about 2 ms.
const FEW: usize = 2_000;
/// Rows that a short pass reads, in about half a millisecond.
const SHORT_PASS: usize = 500;
/// What names more than one row in so many is no help.
const BROAD: usize = 4;
/// Reading a row takes as long as passing so many in the sort index.
const READ_COST: usize = 10;

/// One page, being looked for.
pub(super) struct PageQuery<'a> {
    pub(super) connection: &'a Connection,
    pub(super) listing: &'a Listing,
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) order: Order,
    pub(super) paging: &'a Paging,
    pub(super) start: Option<Place>,
    /// One more than the page has, to see whether more follow.
    pub(super) rows: usize,
}

type Found<T> = rusqlite::Result<Vec<(Place, T)>>;

impl PageQuery<'_> {
    /// The rows in the direction of the paging.
    pub(super) fn rows<T: FromRow>(&self) -> Found<T> {
        let selections = self.listing.selections(self.wanted);
        for selection in &selections {
            if let Some(set) = self.set_of(selection, FEW)? {
                return self.pick(&set);
            }
        }
        if selections.is_empty() {
            return self.pass_to_the_end();
        }
        if let Some(found) = self.pass(SHORT_PASS, |_| true)? {
            return Ok(found);
        }
        let all = tenants::rows_given(self.connection, self.wanted.tenant)?;
        match self.intersection(&selections, FEW.max(all / BROAD))? {
            None => self.pass_to_the_end(),
            Some(set) => match self.pass(set.len() * READ_COST, |row| set.contains(row))? {
                Some(found) => Ok(found),
                None => self.pick(&set),
            },
        }
    }

    fn pass_to_the_end<T: FromRow>(&self) -> Found<T> {
        Ok(self.pass(usize::MAX, |_| true)?.unwrap_or_default())
    }

    /// The rows that a selection names; none if there are more than `most`.
    fn set_of(&self, selection: &Sql, most: usize) -> rusqlite::Result<Option<RowSet>> {
        let mut sql = selection.clone();
        sql.push(" LIMIT ?", [i64::try_from(most + 1).unwrap_or(i64::MAX).into()]);
        let mut statement = self.connection.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(&sql.values))?;
        let mut set = RowSet::new(self.wanted.tenant.first_row());
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            set.insert(row.get(0)?);
        }
        Ok((count <= most).then_some(set))
    }

    /// The rows that all selections name which name at most `most`; none if there is no such selection.
    fn intersection(&self, selections: &[Sql], most: usize) -> rusqlite::Result<Option<RowSet>> {
        let mut common: Option<RowSet> = None;
        for selection in selections {
            let Some(set) = self.set_of(selection, most)? else { continue };
            common = Some(match common {
                Some(common) => common.intersection(&set),
                None => set,
            });
        }
        Ok(common)
    }

    /// Reads all rows of the set and sorts what fits.
    fn pick<T: FromRow>(&self, set: &RowSet) -> Found<T> {
        let mut sql = Sql::default();
        sql.push(&format!("SELECT t.id, t.{} FROM {} t", self.order.column, self.listing.table), []);
        self.of_one_row(&mut sql);
        let mut statement = self.connection.prepare_cached(&sql.text)?;
        let mut places = Vec::new();
        for id in set.iter() {
            places.extend(statement.query_row(params_from_iter(sql.values_for(id)), place).optional()?);
        }
        places.sort_unstable();
        if self.is_descending() {
            places.reverse();
        }
        let mut sql = self.select();
        sql.push(&format!("{} t WHERE t.id = ?", self.listing.table), []);
        let mut statement = self.connection.prepare_cached(&sql.text)?;
        let read = |place: Place| Ok((place.clone(), statement.query_row([place.row], T::from_row)?));
        places.into_iter().take(self.rows).map(read).collect()
    }

    /// Passes along the sort index and reads the rows that may fit; none if the page is not full after `most` rows.
    fn pass<T: FromRow>(
        &self,
        most: usize,
        may_fit: impl Fn(i64) -> bool,
    ) -> rusqlite::Result<Option<Vec<(Place, T)>>> {
        let mut one = self.select();
        one.push(&format!("{} t", self.listing.table), []);
        self.of_one_row(&mut one);
        let mut one_statement = self.connection.prepare_cached(&one.text)?;
        let (mut found, mut passed) = (Vec::with_capacity(self.rows), 0);
        for stretch in self.stretches() {
            let mut statement = self.connection.prepare_cached(&stretch.text)?;
            let mut passing = statement.query(params_from_iter(&stretch.values))?;
            while found.len() < self.rows
                && let Some(row) = passing.next()?
            {
                if passed == most {
                    return Ok(None);
                }
                passed += 1;
                let id = row.get(0)?;
                if may_fit(id) {
                    let read = |row: &Row<'_>| Ok((place(row)?, T::from_row(row)?));
                    found.extend(one_statement.query_row(params_from_iter(one.values_for(id)), read).optional()?);
                }
            }
        }
        Ok(Some(found))
    }

    /// The rows of the organization along the sort index, from where the page starts: first what has the same sort key,
    /// then what lies beyond. In one query SQLite would pass everything that has the same sort key.
    fn stretches(&self) -> Vec<Sql> {
        let (column, comparison) = (self.order.column, self.comparison());
        let direction = if self.is_descending() { " DESC" } else { "" };
        let stretch = |bound: String, values: Vec<Value>| {
            let mut sql = Sql::default();
            sql.push(&format!("SELECT t.id FROM {} t INDEXED BY {}", self.listing.table, self.order.index), [])
                .push(" WHERE t.organization = ?", [self.wanted.tenant.number().into()])
                .push(&bound, values)
                .push(&format!(" ORDER BY t.{column}{direction}, t.id{direction}"), []);
            sql
        };
        let Some(start) = &self.start else {
            return vec![stretch(String::new(), vec![])];
        };
        vec![
            stretch(format!(" AND t.{column} = ? AND t.id {comparison} ?"), vec![start.key.value(), start.row.into()]),
            stretch(format!(" AND t.{column} {comparison} ?"), vec![start.key.value()]),
        ]
    }

    /// What a row that is named by its id must fulfil; for [`Sql::values_for`].
    fn of_one_row(&self, sql: &mut Sql) {
        sql.push(" WHERE t.id = ?", [Value::Null])
            .push(" AND t.organization = ?", [self.wanted.tenant.number().into()]);
        if let Some(start) = &self.start {
            let bound = format!(" AND (t.{}, t.id) {} (?, ?)", self.order.column, self.comparison());
            sql.push(&bound, [start.key.value(), start.row.into()]);
        }
        sql.add(&residue(self.wanted));
    }

    fn select(&self) -> Sql {
        let mut sql = Sql::default();
        sql.push(&format!("SELECT t.id, t.{}, {} FROM ", self.order.column, self.listing.columns), []);
        sql
    }

    /// What lies further on in the direction of the paging.
    fn comparison(&self) -> &'static str {
        if self.is_descending() { "<" } else { ">" }
    }

    /// Going backward turns the order around.
    fn is_descending(&self) -> bool {
        self.order.descending != self.paging.is_backward()
    }
}

/// The first two columns: number and sort key.
fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    let key = match row.get_ref(1)? {
        ValueRef::Integer(number) => Key::Integer(number),
        other => Key::Text(other.as_str()?.to_owned()),
    };
    Ok(Place { key, row: row.get(0)? })
}

impl Key {
    fn value(&self) -> Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Integer(number) => (*number).into(),
        }
    }
}

/// A set of rows of one organization: a bit for each.
struct RowSet {
    first: i64,
    words: Vec<u64>,
}

impl RowSet {
    fn new(first: i64) -> Self {
        Self { first, words: Vec::new() }
    }

    /// Which word and which bit in it; none for a row of another organization.
    fn bit(&self, row: i64) -> Option<(usize, u64)> {
        let offset = usize::try_from(row - self.first).ok()?;
        Some((offset / 64, 1 << (offset % 64)))
    }

    fn insert(&mut self, row: i64) {
        let Some((word, bit)) = self.bit(row) else { return };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    fn contains(&self, row: i64) -> bool {
        self.bit(row).is_some_and(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn intersection(&self, other: &Self) -> Self {
        Self { first: self.first, words: self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect() }
    }

    fn iter(&self) -> impl Iterator<Item = i64> {
        let starts = (self.first..).step_by(64);
        starts
            .zip(&self.words)
            .flat_map(|(start, word)| (0..64).filter(move |n| word >> n & 1 == 1).map(move |n| start + n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let rows = |rows: &[i64]| {
            let mut set = RowSet::new(1 << 32);
            rows.iter().for_each(|row| set.insert((1 << 32) + row));
            set
        };
        let (some, others) = (rows(&[1, 64, 63, 1_000, 0]), rows(&[64, 2, 1]));
        assert_eq!(some.len(), 5);
        assert!(some.contains((1 << 32) + 63) && !some.contains((1 << 32) + 62) && !some.contains(63));
        let both: Vec<i64> = some.intersection(&others).iter().map(|row| row - (1 << 32)).collect();
        assert_eq!(both, [1, 64]);
    }
}
