//! Email domains.

use async_graphql::{Context, ID, Object};

use crate::{access::Reading, app::ContextExt, errors::Stop, objects::domain::Domain, scalars::parse_id};

#[derive(Default)]
pub(crate) struct DomainQueries;

#[Object]
impl DomainQueries {
    /// The email domains of your organization, by name. At most 100. Needs the right `MANAGE_DOMAINS` or
    /// `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn domains(&self, context: &Context<'_>) -> async_graphql::Result<Option<Vec<Domain>>> {
        let reader = context.reader(Reading::Domains)?;
        let found = context.app()?.platform.domains(reader.organization).await;
        let found = found.map_err(|failure| context.report(Stop::from(failure)))?;
        Ok(Some(found.into_iter().map(|view| Domain::new(view, &reader)).collect()))
    }

    /// An email domain of your organization. Needs the right `MANAGE_DOMAINS` or `MANAGE_ACCOUNTS`.
    #[graphql(complexity = "5 + child_complexity")]
    async fn domain(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the domain.")] id: ID,
    ) -> async_graphql::Result<Option<Domain>> {
        visible_domain(context, &id).await
    }
}

/// A domain of the reader's organization by its id.
pub(crate) async fn visible_domain(context: &Context<'_>, id: &ID) -> async_graphql::Result<Option<Domain>> {
    let reader = context.reader(Reading::Domains)?;
    let app = context.app()?;
    let work = async {
        let domain = parse_id(id, "id")?;
        Ok::<_, Stop>(app.platform.domain(reader.organization, domain).await?)
    };
    let found = work.await.map_err(|stop| context.report(stop))?;
    Ok(found.map(|view| Domain::new(view, &reader)))
}
