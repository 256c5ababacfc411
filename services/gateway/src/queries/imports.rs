//! Imports of people.

use async_graphql::{
    Context, ID, Object,
    connection::{Connection, Edge, EmptyFields},
};
use history::HistoryFilter;
use schema::ImportId;

use crate::{
    access::Reading,
    app::{ContextExt, Source},
    errors::Stop,
    history::recorded,
    objects::import::PeopleImport,
    paging::{paging, size_for_cost},
    scalars::{Position, parse_id},
};

#[derive(Default)]
pub(crate) struct ImportQueries;

#[Object]
impl ImportQueries {
    /// An import of people into your organization. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "5 + child_complexity")]
    async fn people_import(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the import.")] id: ID,
    ) -> async_graphql::Result<Option<PeopleImport>> {
        visible_import(context, &id).await
    }

    /// Imports of people into your organization, newest first. Needs the right `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "10 + size_for_cost(first, None) * child_complexity")]
    async fn people_imports(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 200; 50 unless told otherwise.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "The answer contains at least this change.")] after_position: Option<Position>,
    ) -> async_graphql::Result<Option<Connection<String, PeopleImport, EmptyFields, EmptyFields>>> {
        let reader = context.reader(Reading::Imports)?;
        let (app, caller) = (context.app()?, context.caller()?);
        let work = async {
            let paging = paging(first, after, None, None)?;
            app.reach(Source::History, after_position).await?;
            // The history knows where each began.
            let filter = HistoryFilter { types: vec!["import.uploaded".to_owned()], ..HistoryFilter::default() };
            let page = app.history.page(reader.organization, filter, paging).await?;
            let rows: Vec<_> = page.edges.iter().map(|edge| edge.node).collect();
            let mut connection = Connection::new(page.has_previous, page.has_next);
            let request = app.request(caller);
            for (edge, event) in page.edges.into_iter().zip(recorded(&app.platform, &rows).await?) {
                let Ok(import) = event.stream.id().parse::<ImportId>() else { continue };
                let loaded = app.platform.import(&request, reader.organization, import).await?;
                let import = PeopleImport::new(&app.config.public_origin, import, loaded);
                connection.edges.push(Edge::new(edge.cursor, import));
            }
            Ok::<_, Stop>(connection)
        };
        work.await.map(Some).map_err(|stop| context.report(stop))
    }
}

/// An import into the reader's organization by its id.
pub(crate) async fn visible_import(context: &Context<'_>, id: &ID) -> async_graphql::Result<Option<PeopleImport>> {
    let reader = context.reader(Reading::Imports)?;
    let (app, caller) = (context.app()?, context.caller()?);
    let work = async {
        let import = parse_id(id, "id")?;
        match app.platform.import(&app.request(caller), reader.organization, import).await {
            Ok(loaded) => Ok(Some(PeopleImport::new(&app.config.public_origin, import, loaded))),
            Err(failure) if failure.code() == Some(domain::Code::NotFound) => Ok(None),
            Err(failure) => Err(Stop::from(failure)),
        }
    };
    work.await.map_err(|stop| context.report(stop))
}
