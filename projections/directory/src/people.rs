//! Queries about people.

use std::collections::HashMap;

use engine::{
    ViewError, columns,
    listing::{By, Condition, Count, Facet, FromRow, Order, Wanted},
    paging::{Page, Paging},
    search::{self, Terms},
    tenants::Tenant,
};
use rusqlite::{Connection, OptionalExtension, types::Value};
use schema::{AccountId, AccountOrigin, LoginMethod, RoleId, Timestamp};

use crate::{
    PersonRow, PersonStatus,
    listing::{
        BY_DEPARTMENT, BY_EMAIL, BY_NAME, CREATED_AT, DEPARTMENT, DIVISION, DOMAIN, LOCALE, LOCATION, LOGIN_METHOD,
        MANAGER, ORIGIN, PEOPLE, ROLE, STATUS,
    },
    rows::PERSON_COLUMNS,
};

/// Whom to list. What is none does not matter. Texts are compared as a search does, whatever case and accents; the empty
/// text lists those who have none.
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
    /// Their department.
    pub department: Option<String>,
    /// Their division.
    pub division: Option<String>,
    /// Their office or city.
    pub location: Option<String>,
    /// Email address of their manager.
    pub manager_email: Option<String>,
    /// Language of their mails and pages, a BCP 47 tag.
    pub locale: Option<String>,
    /// Where the account came from.
    pub origin: Option<AccountOrigin>,
    /// Added then or later.
    pub created_from: Option<Timestamp>,
    /// Added before.
    pub created_until: Option<Timestamp>,
}

/// What to sort people by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortField {
    /// Displayed name, accents and case aside.
    #[default]
    Name,
    /// Email address.
    Email,
    /// The order in which they were added.
    Created,
    /// Added, activated, deactivated.
    Status,
    /// Department, accents and case aside; who has none comes first.
    Department,
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
        let (tag, by) = match self.field {
            SortField::Name => (BY_NAME.tag, By::Column(&BY_NAME)),
            SortField::Email => (BY_EMAIL.tag, By::Column(&BY_EMAIL)),
            SortField::Department => (BY_DEPARTMENT.tag, By::Column(&BY_DEPARTMENT)),
            SortField::Created => (4, By::Addition),
            SortField::Status => (5, By::Groups(&STATUS, &PersonStatus::NUMBERS)),
        };
        Order { tag, by, descending: self.descending }
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
    /// Those that usually leave the fewest come first.
    fn conditions(&self) -> rusqlite::Result<Vec<Condition>> {
        let folded = |text: &Option<String>| text.as_deref().map(|text| Value::Text(search::fold(text)));
        let values: [(&'static Facet, Option<Value>); 10] = [
            (&ROLE, self.role.map(|role| Value::Blob(role.0.as_bytes().to_vec()))),
            (&MANAGER, folded(&self.manager_email)),
            (&DEPARTMENT, folded(&self.department)),
            (&DIVISION, folded(&self.division)),
            (&LOCATION, folded(&self.location)),
            (&STATUS, self.status.map(|status| status.number().into())),
            (&LOCALE, self.locale.clone().map(Value::Text)),
            (&DOMAIN, self.domain.clone().map(Value::Text)),
            (&ORIGIN, self.origin.map(|origin| columns::to_json(&origin).map(Value::Text)).transpose()?),
            (&LOGIN_METHOD, self.login_method.map(|by| columns::to_json(&by).map(Value::Text)).transpose()?),
        ];
        let has = |(facet, value): (&'static Facet, Option<Value>)| Some(Condition::Has(facet, value?));
        let created = (self.created_from.is_some() || self.created_until.is_some()).then(|| Condition::Within {
            column: CREATED_AT,
            from: self.created_from.map_or(i64::MIN, columns::from_time),
            until: self.created_until.map_or(i64::MAX, columns::from_time),
        });
        Ok(values.into_iter().filter_map(has).chain(created).collect())
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
) -> Result<Count, ViewError> {
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
