//! The event history.

use async_graphql::{
    Context, Object,
    connection::{Connection, EmptyFields},
};

use engine::paging::{Edge, Page};

use crate::{
    access::Reading,
    app::{ContextExt, Source},
    errors::Stop,
    history::tell,
    objects::history::{HistoryEntry, HistoryEventType, HistoryFilter},
    paging::{connection, paging, size_for_cost},
    scalars::Position,
};

#[derive(Default)]
pub(crate) struct HistoryQueries;

#[Object]
impl HistoryQueries {
    /// What happened in your organization, newest first: who did what, to whom, when. Needs the right `READ_HISTORY`. To
    /// take all of it away, use `GET /history/export`.
    #[graphql(complexity = "10 + size_for_cost(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    async fn history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<HistoryFilter>,
        #[graphql(desc = "How many from the newest on, from 1 to 200; 50 unless told otherwise.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor; the position of an event is one.")] after: Option<String>,
        #[graphql(desc = "How many from the oldest on, from 1 to 200.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor; the position of an event is one.")] before: Option<String>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Connection<String, HistoryEntry, EmptyFields>>> {
        let reader = context.reader(Reading::History)?;
        let app = context.app()?;
        let work = async {
            let paging = paging(first, after, last, before)?;
            let filter = filter.unwrap_or_default().parse()?;
            app.reach(Source::History, after_position).await?;
            let page = app.history.page(reader.organization, filter, paging).await?;
            let rows: Vec<_> = page.edges.iter().map(|edge| edge.node).collect();
            let told = tell(&app.platform, &app.history, reader.organization, &rows).await?;
            let edges = page.edges.into_iter().zip(told).map(|(edge, node)| Edge { cursor: edge.cursor, node });
            let page = Page { edges: edges.collect(), has_next: page.has_next, has_previous: page.has_previous };
            Ok::<_, Stop>(connection(page, EmptyFields))
        };
        work.await.map(Some).map_err(|stop| context.report(stop))
    }

    /// The types of events that a history can have, by name, to choose from. Needs the right `READ_HISTORY`.
    #[graphql(complexity = "10 * child_complexity")]
    async fn history_event_types(&self, context: &Context<'_>) -> async_graphql::Result<Option<Vec<HistoryEventType>>> {
        context.reader(Reading::History)?;
        Ok(Some(HistoryEventType::all()))
    }
}
