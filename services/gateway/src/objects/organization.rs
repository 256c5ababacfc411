//! An organization.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};
use directory::OrganizationRow;
use schema::{AccountId, Timestamp};

use super::person::{Person, visible_person};
use crate::scalars::id;

/// An organization: the owner of accounts, roles and Portal units.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Organization {
    #[graphql(skip)]
    founded_by: AccountId,
    /// Id of the organization.
    pub(crate) id: ID,
    /// Its name.
    name: String,
    /// Email domains of which accounts may be created, in ASCII form, in alphabetical order.
    allowed_domains: Vec<String>,
    /// When it was set up.
    created_at: Timestamp,
}

#[ComplexObject]
impl Organization {
    /// Who set it up. Null for those who may not read the directory.
    #[graphql(complexity = "2 + child_complexity")]
    async fn founder(&self, context: &Context<'_>) -> async_graphql::Result<Option<Person>> {
        visible_person(context, self.founded_by).await
    }
}

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        Self {
            founded_by: row.founder,
            id: id(row.id),
            name: row.name,
            allowed_domains: row.domains,
            created_at: row.created_at,
        }
    }
}
