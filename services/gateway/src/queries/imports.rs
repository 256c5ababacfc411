//! Imports of people.

use async_graphql::{Context, ID, Object};

use crate::{access::Reading, app::ContextExt, errors::Stop, objects::import::PeopleImport, scalars::parse_id};

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
