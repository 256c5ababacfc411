//! Lists that people filter, search, sort and page through, of one organization at a time.
//!
//! A view describes its list as a [`Listing`] and tells [`crate::index::Edits`] which rows come and change. How the rows
//! that are wanted are found, [`crate::index`] says; how a page of them, [`plan`].

mod merge;
mod plan;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value};

use self::plan::PageQuery;
use crate::{
    index,
    paging::{Edge, LARGEST_PAGE, Page, Paging, Place},
    readers::ViewError,
    search::Terms,
    tenants::Tenant,
};

/// Rows that are compared with the words of a search to count them, in about 30 ms.
const MOST_COMPARED: usize = 20_000;

/// What there is to list: a table with the columns `id` (see [`crate::tenants`]), `organization` (the tenant's number)
/// and `search_text` (folded).
#[derive(Debug)]
pub struct Listing {
    /// The table.
    pub table: &'static str,
    /// What to select, for [`FromRow`].
    pub columns: &'static str,
    /// What to filter by.
    pub facets: &'static [&'static Facet],
    /// Columns of whole numbers to select ranges of. They never change.
    pub ranges: &'static [&'static str],
    /// Columns to sort by, never NULL.
    pub sorts: &'static [&'static SortColumn],
}

/// Something to filter by.
#[derive(Debug, PartialEq, Eq)]
pub struct Facet {
    /// From 1 to 255; unlike that of any other facet of the listing.
    pub tag: u8,
    /// Where the values are.
    pub source: Source,
}

impl Facet {
    /// Tag and column; none if the values are in another table.
    pub(crate) fn column(&self) -> Option<(u8, &'static str)> {
        match self.source {
            Source::Column(column) => Some((self.tag, column)),
            Source::Other { .. } => None,
        }
    }
}

/// Where the values of a facet are.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// In a column of the table; NULL for none.
    Column(&'static str),
    /// In another table, any number for each row. Whoever changes them says so, see [`index::Edits`].
    Other {
        /// SQL that selects `id` and value of all rows whose `id` is from `?1` to `?2`.
        select: &'static str,
        /// SQL that tells whether the row `t` has the value `?`.
        exists: &'static str,
    },
}

/// A column to sort by.
#[derive(Debug, PartialEq, Eq)]
pub struct SortColumn {
    /// Marks its cursors; unlike that of any other order of any listing.
    pub tag: u8,
    /// The column.
    pub column: &'static str,
    /// Whether the index keeps the chunks sorted by it: for what seldom changes. Without, a search that finds neither few
    /// nor many rows reads far more of the list.
    pub kept_sorted: bool,
}

/// What a listing is sorted by. What is equal is in the order in which it was added.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// The order in which the rows were added.
    Addition,
    /// A column.
    Column(&'static SortColumn),
    /// The values of a facet in a column, in this order. For few values, of which every row has one.
    Groups(&'static Facet, &'static [i64]),
}

/// A way to sort a listing.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Marks its cursors; unlike that of any other order of any listing.
    pub tag: u8,
    /// By what.
    pub by: By,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// Something that rows must fulfil.
#[derive(Debug, Clone)]
pub enum Condition {
    /// To have a value.
    Has(&'static Facet, Value),
    /// To be in a range of one of [`Listing::ranges`].
    Within {
        /// The column.
        column: &'static str,
        /// The least.
        from: i64,
        /// Less than this.
        until: i64,
    },
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

impl Wanted<'_> {
    /// Whether all rows of the organization are wanted.
    pub(crate) fn is_everything(&self) -> bool {
        self.conditions.is_empty() && self.terms.is_empty()
    }

    /// What a row `t` that is named by its `id` must fulfil, apart from what the index answers without doubt.
    pub(crate) fn push_doubts(&self, sql: &mut Sql) {
        if !self.terms.is_exact() {
            self.push_words(sql);
        }
    }

    /// What the row `t` must fulfil, besides being of the organization.
    pub(crate) fn push_all(&self, sql: &mut Sql) {
        for condition in &self.conditions {
            condition.push(sql);
        }
        self.push_words(sql);
    }

    fn push_words(&self, sql: &mut Sql) {
        for word in self.terms.words() {
            sql.push(" AND instr(t.search_text, ?)", [word.clone().into()]);
        }
    }
}

impl Condition {
    fn push(&self, sql: &mut Sql) {
        match self {
            Self::Has(facet, value) => match facet.source {
                Source::Column(column) => sql.push(&format!(" AND t.{column} = ?"), [value.clone()]),
                Source::Other { exists, .. } => sql.push(&format!(" AND {exists}"), [value.clone()]),
            },
            Self::Within { column, from, until } => {
                let values = [(*from).into(), (*until).into()];
                sql.push(&format!(" AND t.{column} >= ? AND t.{column} < ?"), values)
            }
        };
    }
}

/// How many rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// This many.
    pub rows: u64,
    /// Or more: they were not all counted.
    pub or_more: bool,
}

/// SQL and its values, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Sql {
    pub(crate) fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) -> &mut Self {
        self.text.push_str(text);
        self.values.extend(values);
        self
    }
    /// The values, with the first replaced by a row's number.
    pub(crate) fn values_for(&self, row: i64) -> impl Iterator<Item = Value> {
        std::iter::once(row.into()).chain(self.values.iter().skip(1).cloned())
    }
}

impl Listing {
    /// The tables that the listing needs for its index; part of the schema of a view.
    pub fn schema(&self) -> String {
        index::schema(self.table)
    }

    /// What is made when the view has caught up for the first time, see [`crate::Projection::indexes`].
    pub fn indexes(&self) -> String {
        let of_column = |sort: &&SortColumn| {
            let (table, column) = (self.table, sort.column);
            format!("CREATE INDEX IF NOT EXISTS {table}_by_{column} ON {table} (organization, {column});")
        };
        self.sorts.iter().map(of_column).collect()
    }

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

    /// How many rows are wanted in all. Exact unless words of more than three characters are searched for that very many
    /// rows may hold.
    pub fn count(&self, connection: &Connection, wanted: &Wanted<'_>) -> Result<Count, ViewError> {
        let found = index::find(connection, self, wanted)?;
        if wanted.terms.is_exact() {
            return Ok(Count { rows: found.len() as u64, or_more: false });
        }
        let mut sql = Sql::default();
        sql.push(&format!("SELECT 1 FROM {} t WHERE t.id = ?", self.table), [Value::Null]);
        wanted.push_doubts(&mut sql);
        let mut statement = connection.prepare_cached(&sql.text)?;
        let mut rows = 0;
        for id in found.iter().take(MOST_COMPARED) {
            let fits = statement.query_row(params_from_iter(sql.values_for(id)), |_| Ok(1)).optional()?;
            rows += fits.unwrap_or(0);
        }
        Ok(Count { rows, or_more: found.len() > MOST_COMPARED })
    }
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
