//! Queries about people.

use std::collections::HashMap;

use engine::{
    ViewError, columns,
    listing::{Condition, FromRow, Listing, Order, Wanted},
    paging::{Page, Paging},
    search::{self, Terms},
    tenants::Tenant,
};
use rusqlite::{Connection, OptionalExtension, types::Value};
use schema::{AccountId, LoginMethod, RoleId};

use crate::{PersonRow, PersonStatus, projection::PEOPLE_SEARCH, rows::PERSON_COLUMNS};

const PEOPLE: Listing = Listing { table: "people", search_table: PEOPLE_SEARCH, columns: PERSON_COLUMNS };

/// Whom to list. What is none does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleFilter {
    /// Where the account stands.
    pub status: Option<PersonStatus>,
    /// A role that they hold.
    pub role: Option<RoleId>,
    /// Domain of their address, in ASCII form.
    pub domain: Option<String>,
    /// How they sign in.
    pub login_method: Option<LoginMethod>,
    /// Their department, whatever the case of the letters.
    pub department: Option<String>,
}

/// What to sort people by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortField {
    /// Displayed name, accents and case aside.
    #[default]
    Name,
    /// Email address.
    Email,
    /// When they were added.
    Created,
    /// Added, activated, deactivated.
    Status,
}

/// How to sort people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PeopleSort {
    /// By what.
    pub field: SortField,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl PeopleSort {
    fn order(self) -> Order {
        let (tag, column, index) = match self.field {
            SortField::Name => (1, "name_sort", "people_by_name"),
            SortField::Email => (2, "email_sort", "people_by_email"),
            SortField::Created => (3, "created_at", "people_by_creation"),
            SortField::Status => (4, "status", "people_by_status"),
        };
        Order { tag, column, index, descending: self.descending }
    }
}

/// Which people, in which order, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleQuery {
    /// Whom to list.
    pub filter: PeopleFilter,
    /// Words of which each must be part of the name or the email address.
    pub search: Option<String>,
    /// In which order.
    pub sort: PeopleSort,
    /// Which page.
    pub paging: Paging,
}

impl PeopleFilter {
    fn conditions(&self) -> rusqlite::Result<Vec<Condition>> {
        let login_method = self.login_method.map(|method| columns::to_json(&method)).transpose()?;
        let department = self.department.as_deref().map(search::fold);
        // Those that usually name the fewest come first.
        let conditions = [
            self.role.map(|role| Condition {
                sql: "EXISTS (SELECT 1 FROM role_holders h WHERE h.account_id = t.account_id AND h.role_id = ?)",
                values: vec![Value::Blob(role.0.as_bytes().to_vec())],
                selection: Some(
                    "SELECT p.id FROM people p JOIN role_holders h ON h.account_id = p.account_id \
                     WHERE p.organization = ? AND h.role_id = ?",
                ),
            }),
            department.map(|department| Condition {
                sql: "t.department_key = ?",
                values: vec![department.into()],
                selection: Some("SELECT id FROM people WHERE organization = ? AND department_key = ?"),
            }),
            self.status.map(|status| Condition {
                sql: "t.status = ?",
                values: vec![status.number().into()],
                selection: Some("SELECT id FROM people WHERE organization = ? AND status = ?"),
            }),
            self.domain.clone().map(|domain| Condition {
                sql: "t.domain = ?",
                values: vec![domain.into()],
                selection: Some("SELECT id FROM people WHERE organization = ? AND domain = ?"),
            }),
            login_method.map(|method| Condition {
                sql: "t.login_method = ?",
                values: vec![method.into()],
                selection: Some("SELECT id FROM people WHERE organization = ? AND login_method = ?"),
            }),
        ];
        Ok(conditions.into_iter().flatten().collect())
    }
}

/// One page of people.
pub(crate) fn page(rows: &Connection, tenant: Tenant, query: &PeopleQuery) -> Result<Page<PersonRow>, ViewError> {
    let terms = Terms::parse(query.search.as_deref().unwrap_or_default());
    let wanted = Wanted { tenant, conditions: query.filter.conditions()?, terms: &terms };
    PEOPLE.page(rows, &wanted, query.sort.order(), &query.paging)
}

/// How many people fit.
pub(crate) fn count(
    rows: &Connection,
    tenant: Tenant,
    filter: &PeopleFilter,
    search: Option<&str>,
) -> Result<u64, ViewError> {
    let terms = Terms::parse(search.unwrap_or_default());
    PEOPLE.count(rows, &Wanted { tenant, conditions: filter.conditions()?, terms: &terms })
}

/// The people among `accounts` who are in the organization.
pub(crate) fn by_ids(
    rows: &Connection,
    tenant: Tenant,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, PersonRow>, ViewError> {
    let mut find = rows.prepare_cached(&format!(
        "SELECT {PERSON_COLUMNS} FROM people t WHERE t.account_id = ?1 AND t.organization = ?2"
    ))?;
    let mut found = HashMap::with_capacity(accounts.len());
    for account in accounts {
        let key = (account.0.as_bytes(), tenant.number());
        if let Some(person) = find.query_row(key, PersonRow::from_row).optional()? {
            found.insert(*account, person);
        }
    }
    Ok(found)
}
