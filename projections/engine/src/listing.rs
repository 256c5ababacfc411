//! Lists that people filter, search, sort and page through, of one organization at a time.
//!
//! Two plans give the same page. The *walk* goes along the sort index and leaves out what does not fit: quick when much
//! fits. The *selection* takes the rows that an index names for one of the conditions and sorts them: quick when few
//! fit. Which is the case is found out by counting, with bounds: first whether some condition selects [`FEW`] rows or
//! less; if none does, a walk of [`WALK`] rows; and if that did not fill the page, what fits lies elsewhere in the list
//! and is selected.

use rusqlite::{
    Connection, Row, params_from_iter,
    types::{Value, ValueRef},
};

use crate::{
    paging::{Edge, Key, LARGEST_PAGE, Page, Paging, Place},
    readers::ViewError,
    search::Terms,
    tenants::Tenant,
};

/// So few rows are sorted in less time than it takes to find out more about them.
const FEW: i64 = 2_000;
/// Rows that a walk may look at.
const WALK: i64 = 10_000;

/// What there is to list: a table with the columns `id` (see [`crate::tenants`]), `organization` (the tenant's number)
/// and `search_text` (folded), whose sort columns are never NULL.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// The table.
    pub table: &'static str,
    /// Its search table, by the same `id`.
    pub search_table: &'static str,
    /// What to select, for [`FromRow`].
    pub columns: &'static str,
}

/// A way to sort a listing.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Marks its cursors; unlike that of any other order of any listing.
    pub tag: u8,
    /// The column.
    pub column: &'static str,
    /// An index on `(organization, column)`.
    pub index: &'static str,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// Something that rows must fulfil.
#[derive(Debug, Clone)]
pub struct Condition {
    /// SQL about the table's columns, with a `?` for each value.
    pub sql: &'static str,
    /// The values.
    pub values: Vec<Value>,
    /// If an index answers it: SQL that selects the `id` of the rows that fulfil it, with `?` for the tenant's number
    /// and then for each value.
    pub selection: Option<&'static str>,
}

/// A row of a listing, read from the selected columns by name.
pub trait FromRow: Sized {
    /// Reads the row.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self>;
}

/// What is wanted of a listing.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Whose rows.
    pub tenant: Tenant,
    /// Conditions that all must be fulfilled.
    pub conditions: Vec<Condition>,
    /// Words that all must be found.
    pub terms: &'a Terms,
}

/// SQL and its values, in order.
#[derive(Debug, Clone, Default)]
struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) -> &mut Self {
        self.text.push_str(text);
        self.values.extend(values);
        self
    }
    fn add(&mut self, other: &Self) -> &mut Self {
        self.push(&other.text, other.values.iter().cloned())
    }
    fn count(&self, connection: &Connection) -> rusqlite::Result<i64> {
        connection.prepare_cached(&self.text)?.query_row(params_from_iter(&self.values), |row| row.get(0))
    }
}

impl Listing {
    /// One page of the rows that are wanted.
    pub fn page<T: FromRow>(
        &self,
        connection: &Connection,
        wanted: &Wanted<'_>,
        order: Order,
        paging: &Paging,
    ) -> Result<Page<T>, ViewError> {
        let size = paging.size();
        if size == 0 || size > LARGEST_PAGE {
            return Err(ViewError::PageSize);
        }
        let start = paging.cursor().map(|cursor| Place::parse(cursor, order.tag)).transpose()?;
        let query = PageQuery { listing: self, wanted, order, paging, start, rows: size + 1 };
        let rows = query.rows(connection)?;
        Ok(page_of(rows, size, order, paging))
    }

    /// How many rows are wanted in all. Takes time in proportion to what is found.
    pub fn count(&self, connection: &Connection, wanted: &Wanted<'_>) -> Result<u64, ViewError> {
        let selections = self.selections(wanted);
        let mut sql = Sql::default();
        match selections.first() {
            Some(search) if wanted.conditions.is_empty() && wanted.terms.is_exact() => {
                sql.push("SELECT count(*) FROM (", []).add(search).push(")", []);
                return Ok(sql.count(connection)?.cast_unsigned());
            }
            Some(selection) => sql
                .push("SELECT count(*) FROM (", [])
                .add(selection)
                .push(&format!(") s CROSS JOIN {} t ON t.id = s.id", self.table), []),
            None => sql.push(&format!("SELECT count(*) FROM {} t", self.table), []),
        };
        sql.push(" WHERE t.organization = ?", [wanted.tenant.number().into()]).add(&residue(wanted));
        Ok(sql.count(connection)?.cast_unsigned())
    }

    /// The ways in which an index names a superset of the wanted rows; search first, as it usually names the fewest.
    fn selections(&self, wanted: &Wanted<'_>) -> Vec<Sql> {
        let mut selections = Vec::new();
        if !wanted.terms.is_empty() {
            let mut sql = Sql::default();
            let table = self.search_table;
            let range = [wanted.tenant.first_row().into(), wanted.tenant.last_row().into()];
            sql.push(
                &format!("SELECT rowid AS id FROM {table} WHERE {table} MATCH ?"),
                [wanted.terms.expression().into()],
            )
            .push(" AND rowid BETWEEN ? AND ?", range);
            selections.push(sql);
        }
        for condition in &wanted.conditions {
            let Some(text) = condition.selection else { continue };
            let values = std::iter::once(wanted.tenant.number().into()).chain(condition.values.iter().cloned());
            selections.push(Sql { text: text.to_owned(), values: values.collect() });
        }
        selections
    }
}

/// What the row must fulfil besides belonging to the organization.
fn residue(wanted: &Wanted<'_>) -> Sql {
    let mut sql = Sql::default();
    for condition in &wanted.conditions {
        sql.push(" AND (", []).push(condition.sql, condition.values.iter().cloned()).push(")", []);
    }
    for word in wanted.terms.words() {
        sql.push(" AND instr(t.search_text, ?)", [word.clone().into()]);
    }
    sql
}

/// One page, being looked for.
struct PageQuery<'a> {
    listing: &'a Listing,
    wanted: &'a Wanted<'a>,
    order: Order,
    paging: &'a Paging,
    start: Option<Place>,
    /// One more than the page has, to see whether more follow.
    rows: usize,
}

impl PageQuery<'_> {
    /// The rows in the direction of the paging.
    fn rows<T: FromRow>(&self, connection: &Connection) -> Result<Vec<(Place, T)>, ViewError> {
        let selections = self.listing.selections(self.wanted);
        for selection in &selections {
            let mut count = Sql::default();
            count.push("SELECT count(*) FROM (", []).add(selection).push(" LIMIT ?)", [(FEW + 1).into()]);
            if count.count(connection)? <= FEW {
                return self.fetch(connection, &self.selected(selection));
            }
        }
        let Some(fallback) = selections.first() else {
            return self.fetch(connection, &self.walk(None));
        };
        let Some(end) = self.end_of_walk(connection)? else {
            return self.fetch(connection, &self.walk(None));
        };
        let found = self.fetch(connection, &self.walk(Some(&end)))?;
        if found.len() == self.rows {
            return Ok(found);
        }
        self.fetch(connection, &self.selected(fallback))
    }

    fn selected(&self, selection: &Sql) -> Sql {
        let mut sql = self.select();
        sql.push("(", [])
            .add(selection)
            .push(") s CROSS JOIN ", [])
            .push(self.listing.table, [])
            .push(" t ON t.id = s.id", []);
        self.belonging(&mut sql);
        sql.add(&residue(self.wanted));
        self.sorted(&mut sql, self.rows);
        sql
    }

    fn walk(&self, end: Option<&Place>) -> Sql {
        let mut sql = self.select();
        self.along_index(&mut sql);
        if let Some(end) = end {
            self.bounded_by(&mut sql, if self.is_descending() { ">=" } else { "<=" }, end);
        }
        sql.add(&residue(self.wanted));
        self.sorted(&mut sql, self.rows);
        sql
    }

    /// Where a bounded walk ends; none if the list ends before.
    fn end_of_walk(&self, connection: &Connection) -> Result<Option<Place>, ViewError> {
        let mut sql = Sql::default();
        sql.push(&format!("SELECT t.id, t.{} FROM ", self.order.column), []);
        self.along_index(&mut sql);
        self.sorted(&mut sql, 1);
        sql.push(" OFFSET ?", [WALK.into()]);
        let mut statement = connection.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(&sql.values))?;
        Ok(rows.next()?.map(place).transpose()?)
    }

    fn along_index(&self, sql: &mut Sql) {
        sql.push(&format!("{} t INDEXED BY {}", self.listing.table, self.order.index), []);
        self.belonging(sql);
    }

    fn select(&self) -> Sql {
        let mut sql = Sql::default();
        sql.push(&format!("SELECT t.id, t.{}, {} FROM ", self.order.column, self.listing.columns), []);
        sql
    }

    /// Rows of the organization from where the page starts.
    fn belonging(&self, sql: &mut Sql) {
        sql.push(" WHERE t.organization = ?", [self.wanted.tenant.number().into()]);
        if let Some(start) = &self.start {
            self.bounded_by(sql, if self.is_descending() { "<" } else { ">" }, start);
        }
    }

    fn bounded_by(&self, sql: &mut Sql, comparison: &str, place: &Place) {
        let key = match &place.key {
            Key::Text(text) => Value::from(text.clone()),
            Key::Integer(number) => Value::from(*number),
        };
        sql.push(&format!(" AND (t.{}, t.id) {comparison} (?, ?)", self.order.column), [key, place.row.into()]);
    }

    fn sorted(&self, sql: &mut Sql, limit: usize) {
        let direction = if self.is_descending() { " DESC" } else { "" };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql.push(&format!(" ORDER BY t.{}{direction}, t.id{direction} LIMIT ?", self.order.column), [limit.into()]);
    }

    /// Going backward turns the order around.
    fn is_descending(&self) -> bool {
        self.order.descending != self.paging.is_backward()
    }

    fn fetch<T: FromRow>(&self, connection: &Connection, sql: &Sql) -> Result<Vec<(Place, T)>, ViewError> {
        let mut statement = connection.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(&sql.values))?;
        let mut found = Vec::with_capacity(self.rows);
        while let Some(row) = rows.next()? {
            found.push((place(row)?, T::from_row(row)?));
        }
        Ok(found)
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

fn page_of<T>(mut rows: Vec<(Place, T)>, size: usize, order: Order, paging: &Paging) -> Page<T> {
    let more = rows.len() > size;
    rows.truncate(size);
    let with_cursor = paging.cursor().is_some();
    let mut edges: Vec<_> =
        rows.into_iter().map(|(place, node)| Edge { cursor: place.cursor(order.tag), node }).collect();
    let (has_next, has_previous) = match paging {
        Paging::Forward { .. } => (more, with_cursor),
        Paging::Backward { .. } => {
            edges.reverse();
            (with_cursor, more)
        }
    };
    Page { edges, has_next, has_previous }
}
