//! Lists that people filter, search, sort and page through, of one organization at a time.
//!
//! How a page is found, [`plan`] says.

mod plan;

use rusqlite::{Connection, Row, params_from_iter, types::Value};

use self::plan::PageQuery;
use crate::{
    paging::{Edge, LARGEST_PAGE, Page, Paging, Place},
    readers::ViewError,
    search::Terms,
    tenants::Tenant,
};

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
    /// The values, with the first replaced by a row's number.
    fn values_for(&self, row: i64) -> impl Iterator<Item = Value> {
        std::iter::once(row.into()).chain(self.values.iter().skip(1).cloned())
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
        let query = PageQuery { connection, listing: self, wanted, order, paging, start, rows: size + 1 };
        let rows = query.rows()?;
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
