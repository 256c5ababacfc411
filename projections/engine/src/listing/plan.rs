//! Finding one page.
//!
//! The index names the rows that are wanted, see [`crate::index`]. In the order in which they were added, and within the
//! values of a facet, the page is read off. Sorted by a column, one of four plans takes the least time:
//!
//! 1. Everything is wanted: *pass* along the sort index, which is full after as many rows as the page has.
//! 2. [`FEW`] rows are wanted: *pick* them, all of them, and sort.
//! 3. Many are wanted: *pass* along the sort index and leave out the others. They are likely to be spread evenly, but need
//!    not be: those who are searched for by name lie together when sorted by name. So a pass has an end.
//! 4. Otherwise, *merge* the chunks, each of which the index keeps sorted.
//!
//! The example `people_search` of the directory measures all of them with a million people in one organization.

use rusqlite::{Connection, OptionalExtension, Row, Statement, params_from_iter, types::Value};

use super::{By, Condition, Facet, FromRow, Listing, Order, SortColumn, Sql, Wanted};
use crate::{
    index::{self, RowSet},
    paging::{Key, Paging, Place},
    search::Terms,
    tenants,
};

/// So few rows are picked in about 3 ms. In tests so few that lists of thousands are found by every plan.
const FEW: usize = if cfg!(test) { 100 } else { 1_500 };
/// Rows that a pass leaves out, in about a millisecond.
const LONG_PASS: usize = if cfg!(test) { 1_000 } else { 6_000 };

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

pub(super) type Found<T> = rusqlite::Result<Vec<(Place, T)>>;

impl PageQuery<'_> {
    /// The rows in the direction of the paging.
    pub(super) fn rows<T: FromRow>(&self) -> Found<T> {
        match self.order.by {
            By::Addition => self.by_addition(),
            By::Groups(facet, values) => self.by_groups(facet, values),
            By::Column(sort) => self.by_column(sort),
        }
    }

    fn by_addition<T: FromRow>(&self) -> Found<T> {
        let start = self.start.as_ref().map(|start| start.row);
        let mut found = Vec::with_capacity(self.rows);
        if !self.wanted.is_everything() {
            let set = index::find(self.connection, self.listing, self.wanted)?;
            self.read_off(&set, start, 0, &mut found)?;
            return Ok(found);
        }
        let tenant = self.wanted.tenant;
        let (first, last) = match (start, self.is_descending()) {
            (None, _) => (tenant.first_row(), tenant.last_row()),
            (Some(start), false) => (start + 1, tenant.last_row()),
            (Some(start), true) => (tenant.first_row(), start - 1),
        };
        let direction = if self.is_descending() { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT t.id, 0, {} FROM {} t WHERE t.id BETWEEN ?1 AND ?2 ORDER BY t.id {direction} LIMIT ?3",
            self.listing.columns, self.listing.table
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let limit = i64::try_from(self.rows).unwrap_or(i64::MAX);
        let rows = select.query_map([first, last, limit], |row| Ok((place(row)?, T::from_row(row)?)))?;
        rows.collect()
    }

    /// One group after the other, from that of the cursor on.
    fn by_groups<T: FromRow>(&self, facet: &'static Facet, values: &[i64]) -> Found<T> {
        let place_of = |group: i64| values.iter().position(|value| *value == group);
        let start = self.start.as_ref().and_then(|start| match start.key {
            Key::Integer(group) => place_of(group).map(|at| (at, start.row)),
            Key::Text(_) => None,
        });
        let mut groups: Vec<(usize, i64)> = values.iter().copied().enumerate().collect();
        if self.is_descending() {
            groups.reverse();
        }
        let first = start.and_then(|(at, _)| groups.iter().position(|(index, _)| *index == at)).unwrap_or(0);
        let mut found = Vec::with_capacity(self.rows);
        let all = match self.wanted.is_everything() {
            true => None,
            false => Some(index::find(self.connection, self.listing, self.wanted)?),
        };
        for (at, group) in groups.into_iter().skip(first) {
            let conditions = vec![Condition::Has(facet, group.into())];
            let wanted = Wanted { tenant: self.wanted.tenant, conditions, terms: &Terms::default() };
            let set = match &all {
                None => index::find(self.connection, self.listing, &wanted)?,
                Some(all) => index::find_among(self.connection, self.listing, &wanted, all)?,
            };
            let start = start.filter(|(of, _)| *of == at).map(|(_, row)| row);
            self.read_off(&set, start, group, &mut found)?;
            if found.len() == self.rows {
                break;
            }
        }
        Ok(found)
    }

    /// Reads the rows of a set in the order in which they were added, until the page is full.
    fn read_off<T: FromRow>(
        &self,
        set: &RowSet,
        start: Option<i64>,
        group: i64,
        found: &mut Vec<(Place, T)>,
    ) -> rusqlite::Result<()> {
        let mut reader = Reader::new(self)?;
        let mut take = |row: i64| -> rusqlite::Result<bool> {
            found.extend(reader.read(row)?.map(|node| (Place { key: Key::Integer(group), row }, node)));
            Ok(found.len() < self.rows)
        };
        if self.is_descending() {
            for row in set.iter().rev().skip_while(|row| start.is_some_and(|start| *row >= start)) {
                if !take(row)? {
                    break;
                }
            }
        } else {
            for row in set.iter().skip_while(|row| start.is_some_and(|start| *row <= start)) {
                if !take(row)? {
                    break;
                }
            }
        }
        Ok(())
    }

    fn by_column<T: FromRow>(&self, sort: &SortColumn) -> Found<T> {
        if self.wanted.is_everything() {
            return Ok(self.pass(sort, None, usize::MAX)?.unwrap_or_default());
        }
        let set = index::find(self.connection, self.listing, self.wanted)?;
        if set.len() <= FEW {
            return self.pick(sort, &set);
        }
        // How many rows a pass leaves out if those that are wanted are spread evenly.
        let all = tenants::rows_given(self.connection, self.wanted.tenant)?;
        let left_out = all / set.len() * self.rows;
        let most = if sort.kept_sorted { LONG_PASS } else { usize::MAX };
        if left_out < most / 2
            && let Some(found) = self.pass(sort, Some(&set), most)?
        {
            return Ok(found);
        }
        self.merge(sort, &set)
    }

    /// Reads all rows of the set and sorts what fits.
    fn pick<T: FromRow>(&self, sort: &SortColumn, set: &RowSet) -> Found<T> {
        let mut places = Vec::with_capacity(set.len());
        let mut keys = Keys::new(self, sort)?;
        for row in set.iter() {
            places.extend(keys.place(row)?.filter(|place| self.is_ahead(place)));
        }
        places.sort_unstable();
        if self.is_descending() {
            places.reverse();
        }
        let mut reader = Reader::new(self)?;
        let mut found = Vec::with_capacity(self.rows);
        for place in places {
            found.extend(reader.read(place.row)?.map(|node| (place, node)));
            if found.len() == self.rows {
                break;
            }
        }
        Ok(found)
    }

    /// Passes along the sort index and reads the rows of the set, or all; none if the page is not full after `most` rows
    /// that were left out.
    fn pass<T: FromRow>(
        &self,
        sort: &SortColumn,
        set: Option<&RowSet>,
        most: usize,
    ) -> rusqlite::Result<Option<Vec<(Place, T)>>> {
        let mut reader = Reader::new(self)?;
        let (mut found, mut left_out) = (Vec::with_capacity(self.rows), 0);
        for stretch in self.stretches(sort) {
            let mut statement = self.connection.prepare_cached(&stretch.text)?;
            let mut passing = statement.query(params_from_iter(&stretch.values))?;
            while found.len() < self.rows
                && let Some(row) = passing.next()?
            {
                let id = row.get(0)?;
                if set.is_none_or(|set| set.contains(id)) {
                    let place = place(row)?;
                    found.extend(reader.read(id)?.map(|node| (place, node)));
                } else if left_out == most {
                    return Ok(None);
                } else {
                    left_out += 1;
                }
            }
        }
        Ok(Some(found))
    }

    /// The rows of the organization along the sort index, from where the page starts: first what has the same sort key,
    /// then what lies beyond. In one query SQLite would pass everything that has the same sort key.
    fn stretches(&self, sort: &SortColumn) -> Vec<Sql> {
        let (table, column, comparison) = (self.listing.table, sort.column, self.comparison());
        let direction = if self.is_descending() { " DESC" } else { "" };
        let stretch = |bound: String, values: Vec<Value>| {
            let mut sql = Sql::default();
            sql.push(&format!("SELECT t.id, t.{column} FROM {table} t INDEXED BY {table}_by_{column}"), [])
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

    /// Whether the place lies beyond the cursor.
    pub(super) fn is_ahead(&self, place: &Place) -> bool {
        self.start.as_ref().is_none_or(|start| if self.is_descending() { place < start } else { place > start })
    }

    /// What lies further on in the direction of the paging.
    fn comparison(&self) -> &'static str {
        if self.is_descending() { "<" } else { ">" }
    }

    /// Going backward turns the order around.
    pub(super) fn is_descending(&self) -> bool {
        self.order.descending != self.paging.is_backward()
    }
}

/// Reads rows for the page.
pub(super) struct Reader<'a> {
    statement: rusqlite::CachedStatement<'a>,
    sql: Sql,
}

impl<'a> Reader<'a> {
    pub(super) fn new(query: &PageQuery<'a>) -> rusqlite::Result<Self> {
        let mut sql = Sql::default();
        let (columns, table) = (query.listing.columns, query.listing.table);
        sql.push(&format!("SELECT {columns} FROM {table} t WHERE t.id = ?"), [Value::Null]);
        query.wanted.push_doubts(&mut sql);
        Ok(Self { statement: query.connection.prepare_cached(&sql.text)?, sql })
    }

    /// The row; none if it turns out not to be wanted.
    pub(super) fn read<T: FromRow>(&mut self, row: i64) -> rusqlite::Result<Option<T>> {
        self.statement.query_row(params_from_iter(self.sql.values_for(row)), T::from_row).optional()
    }
}

/// Reads what rows are sorted by.
pub(super) struct Keys<'a> {
    statement: rusqlite::CachedStatement<'a>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(query: &PageQuery<'a>, sort: &SortColumn) -> rusqlite::Result<Self> {
        let sql = format!("SELECT id, {} FROM {} WHERE id = ?1", sort.column, query.listing.table);
        Ok(Self { statement: query.connection.prepare_cached(&sql)? })
    }

    /// Where the row stands; none if it is no longer there.
    pub(super) fn place(&mut self, row: i64) -> rusqlite::Result<Option<Place>> {
        let statement: &mut Statement<'_> = &mut self.statement;
        statement.query_row([row], place).optional()
    }
}

/// The first two columns: number and sort key.
fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { key: Key::read(row.get_ref(1)?)?, row: row.get(0)? })
}
