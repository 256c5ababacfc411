//! Rows of one organization lie side by side: every organization has a number, and the rows of its people or devices
//! are numbered from `number × 2³²` on. So a search index over all organizations is narrowed to one by a range of rows.
//!
//! The numbers are given in the order of the log, hence the same in every copy of a view.

use rusqlite::{Connection, OptionalExtension};
use schema::OrganizationId;

/// The table that a view needs for this; part of its schema.
pub const SCHEMA: &str = "CREATE TABLE tenants (
    number INTEGER PRIMARY KEY,
    organization BLOB NOT NULL UNIQUE,
    rows_given INTEGER NOT NULL DEFAULT 0
) STRICT;";

/// Bits of a row's number that count within the organization.
const ROW_BITS: u32 = 32;

/// An organization as a view numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant(i64);

impl Tenant {
    /// The number, as the rows of the organization hold it.
    pub fn number(self) -> i64 {
        self.0
    }
    /// The lowest number that a row of the organization can have.
    pub fn first_row(self) -> i64 {
        self.0 << ROW_BITS
    }
    /// The highest number that a row of the organization can have.
    pub fn last_row(self) -> i64 {
        self.first_row() | ((1 << ROW_BITS) - 1)
    }
}

/// The tenant of an organization, if the view has heard of it.
pub fn find(rows: &Connection, organization: OrganizationId) -> rusqlite::Result<Option<Tenant>> {
    rows.prepare_cached("SELECT number FROM tenants WHERE organization = ?1")?
        .query_row([organization.0.as_bytes()], |row| row.get(0).map(Tenant))
        .optional()
}

/// The tenant of an organization; numbered now if the view has not heard of it before.
pub fn find_or_add(rows: &Connection, organization: OrganizationId) -> rusqlite::Result<Tenant> {
    if let Some(tenant) = find(rows, organization)? {
        return Ok(tenant);
    }
    rows.prepare_cached("INSERT INTO tenants (organization) VALUES (?1) RETURNING number")?
        .query_row([organization.0.as_bytes()], |row| row.get(0).map(Tenant))
}

/// A number for a new row of the organization; never given twice.
pub fn next_row(rows: &Connection, tenant: Tenant) -> rusqlite::Result<i64> {
    let given: i64 = rows
        .prepare_cached("UPDATE tenants SET rows_given = rows_given + 1 WHERE number = ?1 RETURNING rows_given")?
        .query_row([tenant.0], |row| row.get(0))?;
    Ok(tenant.first_row() | given)
}

/// Numbers for `count` new rows in a row of the organization: the first of them.
pub fn next_rows(rows: &Connection, tenant: Tenant, count: usize) -> rusqlite::Result<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let given: i64 = rows
        .prepare_cached("UPDATE tenants SET rows_given = rows_given + ?2 WHERE number = ?1 RETURNING rows_given")?
        .query_row([tenant.0, count], |row| row.get(0))?;
    Ok(tenant.first_row() | (given - count + 1))
}

/// How many rows the organization was given: no fewer than it has.
pub fn rows_given(rows: &Connection, tenant: Tenant) -> rusqlite::Result<usize> {
    let given: i64 = rows
        .prepare_cached("SELECT rows_given FROM tenants WHERE number = ?1")?
        .query_row([tenant.0], |row| row.get(0))?;
    Ok(usize::try_from(given).unwrap_or_default())
}

/// Notes how many rows the organization was given.
pub(crate) fn set_rows_given(rows: &Connection, tenant: Tenant, given: i64) -> rusqlite::Result<()> {
    rows.prepare_cached("UPDATE tenants SET rows_given = ?2 WHERE number = ?1")?.execute([tenant.0, given]).map(drop)
}
