//! The person who asks.

use async_graphql::{Context, Object};

use crate::{
    access::Reading,
    app::{ContextExt, Source},
    objects::viewer::Viewer,
    scalars::Position,
};

#[derive(Default)]
pub(crate) struct ViewerQueries;

#[Object]
impl ViewerQueries {
    /// The signed-in person, and what they may do at this moment.
    #[graphql(complexity = "1 + child_complexity")]
    async fn viewer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Viewer>> {
        context.reader(Reading::Own)?;
        let reached = context.app()?.reach(Source::Directory, after_position).await;
        reached.map_err(|stop| context.report(stop))?;
        Ok(Viewer::new(&context.caller()?.principal()))
    }
}
