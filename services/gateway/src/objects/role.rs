//! An admin role.

use async_graphql::{
    ComplexObject, Context, Enum, ID, OutputType, SimpleObject,
    connection::{Connection, ConnectionNameType, EmptyFields},
};
use directory::RoleRow;
use schema::{RoleId, Timestamp};

use super::person::Person;
use crate::{
    access::Reading,
    app::ContextExt,
    errors::Stop,
    paging::{DEFAULT_PAGE, checked_size, first_of, size_for_cost},
    scalars::id,
};

/// What an admin role allows.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::Right")]
pub(crate) enum Right {
    /// Manage email domains.
    ManageDomains,
    /// Manage organization settings and integrations.
    ManageOrganization,
    /// Add and deactivate accounts.
    ManageAccounts,
    /// Manage all Portal devices.
    ManageDevices,
    /// Read the event history.
    ReadHistory,
    /// Contact support.
    ContactSupport,
}

/// An admin role of the organization.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Role {
    #[graphql(skip)]
    role: RoleId,
    /// Id of the role.
    pub(crate) id: ID,
    /// Its name.
    name: String,
    /// What it allows.
    rights: Vec<Right>,
    /// Whether it is the system admin role: it has every right, alone allows to manage roles, and can be neither edited
    /// nor deleted.
    is_system_admin: bool,
    /// When it was created.
    created_at: Timestamp,
}

/// The first people who hold a role.
type RoleHolders = Connection<String, Person, EmptyFields, EmptyFields, RoleHolderConnection>;

/// The name of the connection: unlike others of people it counts nothing by itself, as the role does.
pub(crate) struct RoleHolderConnection;

impl ConnectionNameType for RoleHolderConnection {
    fn type_name<T: OutputType>() -> String {
        "RoleHolderConnection".to_owned()
    }
}

#[ComplexObject]
impl Role {
    /// How many people hold it. Needs any admin right.
    #[graphql(complexity = 2)]
    async fn holder_count(&self, context: &Context<'_>) -> async_graphql::Result<Option<u64>> {
        let reader = context.reader(Reading::Directory)?;
        let loaded = context.app()?.loaders.holder_counts.load_one((reader.organization, self.role)).await;
        Ok(Some(loaded.map_err(|error| context.report(error.into()))?.unwrap_or_default()))
    }

    /// The first people, by name, who hold it. To page through all of them, query `people(filter: {roleId})`. Needs any
    /// admin right.
    #[graphql(complexity = "2 + size_for_cost(first, None) * child_complexity")]
    async fn holders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 200.", default_with = "DEFAULT_PAGE")] first: i32,
    ) -> async_graphql::Result<Option<RoleHolders>> {
        let reader = context.reader(Reading::Directory)?;
        let size = checked_size(first).map_err(|rejection| context.report(Stop::from(rejection)))?;
        let loaded = context.app()?.loaders.holders.load_one((reader.organization, size + 1, self.role)).await;
        let people = loaded.map_err(|error| context.report(error.into()))?.unwrap_or_default();
        Ok(Some(first_of(people, size, |person| person.id.to_string())))
    }
}

impl From<RoleRow> for Role {
    fn from(row: RoleRow) -> Self {
        Self {
            role: row.id,
            id: id(row.id),
            name: row.name,
            rights: row.rights.into_iter().map(Right::from).collect(),
            is_system_admin: row.system_admin,
            created_at: row.created_at,
        }
    }
}
