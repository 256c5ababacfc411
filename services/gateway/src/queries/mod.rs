//! Queries, one file per view.

mod devices;
mod directory;
pub(crate) mod domains;
mod history;
mod imports;
mod organization;
pub(crate) mod single_sign_on;
mod viewer;

use async_graphql::{Context, ID, MergedObject, Object};

use crate::objects::node::{self, Node};

/// What can be read. Queries need a signed-in person; without one they give an error with the code `NOT_SIGNED_IN`, and
/// `FORBIDDEN` without the rights that their description names. What belongs to another organization is null, like what
/// does not exist.
#[derive(Default, MergedObject)]
pub(crate) struct Query(
    viewer::ViewerQueries,
    organization::OrganizationQueries,
    directory::DirectoryQueries,
    domains::DomainQueries,
    single_sign_on::SingleSignOnQueries,
    imports::ImportQueries,
    devices::DeviceQueries,
    history::HistoryQueries,
    NodeQueries,
);

#[derive(Default)]
struct NodeQueries;

#[Object]
impl NodeQueries {
    /// Anything by its id: a person, role, device, command to a device, or your organization. Needs the same rights as
    /// the query for that kind of thing.
    #[graphql(complexity = "2 + child_complexity")]
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id.")] id: ID,
    ) -> async_graphql::Result<Option<Node>> {
        node::find(context, &id).await
    }
}
