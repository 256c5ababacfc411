//! The directory of an organization: its people, its admin roles and who holds them.
//!
//! [`DirectoryProjection`] makes the rows, [`Directory`] answers queries. Every query is of one organization; what
//! belongs to another is as if it were not there.

mod accounts;
mod listing;
mod people;
mod projection;
mod roles;
mod rows;

use std::collections::HashMap;

use engine::{Reads, ViewError, listing::Count, paging::Page};
use schema::{AccountId, OrganizationId, RoleId};

pub use people::{PeopleFilter, PeopleQuery, PeopleSort, SortField};
pub use projection::{DirectoryChange, DirectoryProjection};
pub use rows::{LogoRow, OrganizationRow, PersonRow, PersonStatus, RoleRow};

/// Answers queries about the directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory {
    reads: Reads,
}

impl Directory {
    /// Reads a view of [`DirectoryProjection`]: the live one or one as of the past.
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }

    /// The organization and its domains.
    pub async fn organization(&self, organization: OrganizationId) -> Result<Option<OrganizationRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| roles::organization(rows, tenant, organization)).await
    }

    /// One page of people. The cursors are good for the same `sort.field` only.
    pub async fn people(&self, organization: OrganizationId, query: PeopleQuery) -> Result<Page<PersonRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| people::page(rows, tenant, &query)).await
    }

    /// How many people fit.
    pub async fn people_count(
        &self,
        organization: OrganizationId,
        filter: PeopleFilter,
        search: Option<String>,
    ) -> Result<Count, ViewError> {
        let count = move |rows: &_, tenant| people::count(rows, tenant, &filter, search.as_deref());
        self.reads.read_of(organization, count).await
    }

    /// A person.
    pub async fn person(
        &self,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Option<PersonRow>, ViewError> {
        Ok(self.people_by_ids(organization, vec![account]).await?.remove(&account))
    }

    /// The people among `accounts` who are in the organization.
    pub async fn people_by_ids(
        &self,
        organization: OrganizationId,
        accounts: Vec<AccountId>,
    ) -> Result<HashMap<AccountId, PersonRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| people::by_ids(rows, tenant, &accounts)).await
    }

    /// The roles: system admin first, then by name.
    pub async fn roles(&self, organization: OrganizationId) -> Result<Vec<RoleRow>, ViewError> {
        self.reads.read_of(organization, roles::all).await
    }

    /// A role.
    pub async fn role(&self, organization: OrganizationId, role: RoleId) -> Result<Option<RoleRow>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| roles::one(rows, tenant, role)).await
    }

    /// The roles that each of `accounts` holds, ordered as [`Directory::roles`]; nobody without a role is in the answer.
    pub async fn roles_of(
        &self,
        organization: OrganizationId,
        accounts: Vec<AccountId>,
    ) -> Result<HashMap<AccountId, Vec<RoleRow>>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| roles::of_people(rows, tenant, &accounts)).await
    }

    /// The first `limit` holders by name of each of `roles`; no role without holders is in the answer. For all holders
    /// of a role page through [`Directory::people`] with [`PeopleFilter::role`].
    pub async fn holders_of(
        &self,
        organization: OrganizationId,
        roles: Vec<RoleId>,
        limit: usize,
    ) -> Result<HashMap<RoleId, Vec<PersonRow>>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| roles::holders(rows, tenant, &roles, limit)).await
    }

    /// How many people hold each of `roles`.
    pub async fn holder_counts(
        &self,
        organization: OrganizationId,
        roles: Vec<RoleId>,
    ) -> Result<HashMap<RoleId, u64>, ViewError> {
        self.reads.read_of(organization, move |rows, tenant| roles::holder_counts(rows, tenant, &roles)).await
    }
}
