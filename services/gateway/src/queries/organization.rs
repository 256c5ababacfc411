//! The organization of the person who asks.

use async_graphql::{Context, Object};

use crate::{
    access::Reading,
    app::{ContextExt, Source},
    objects::{organization::Organization, viewer::own_organization},
    scalars::Position,
};

#[derive(Default)]
pub(crate) struct OrganizationQueries;

#[Object]
impl OrganizationQueries {
    /// Your organization.
    #[graphql(complexity = "2 + child_complexity")]
    async fn organization(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Organization>> {
        context.reader(Reading::Own)?;
        let reached = context.app()?.reach(Source::Directory, after_position).await;
        reached.map_err(|stop| context.report(stop))?;
        own_organization(context).await
    }
}
