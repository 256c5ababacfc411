//! An organization.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};
use directory::{LogoRow, OrganizationRow};
use schema::{AccountId, OrganizationId, Timestamp};

use super::person::{Person, visible_person};
use crate::{app::ContextExt, logos, scalars::id};

/// The picture that stands for an organization.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Logo {
    /// Where it is, a PNG. Anybody may fetch it, and what is there never changes: another logo has another address.
    url: String,
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
}

/// An organization: the owner of accounts, roles and Portal units.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Organization {
    #[graphql(skip)]
    founded_by: AccountId,
    #[graphql(skip)]
    organization: OrganizationId,
    #[graphql(skip)]
    stored_logo: Option<LogoRow>,
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
    /// Its logo; null if it has none yet.
    async fn logo(&self, context: &Context<'_>) -> async_graphql::Result<Option<Logo>> {
        let origin = &context.app()?.config.public_origin;
        Ok(self.stored_logo.as_ref().map(|logo| Logo {
            url: logos::url(origin, self.organization, logo),
            width: logo.width,
            height: logo.height,
        }))
    }

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
            organization: row.id,
            stored_logo: row.logo,
            id: id(row.id),
            name: row.name,
            allowed_domains: row.domains,
            created_at: row.created_at,
        }
    }
}
