//! Identity providers, and how people sign in.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use commands::Loaded;
use domain::SingleSignOn;
use schema::{SsoProviderId, SsoTestId};
use url::Url;

use crate::{
    access::{Reader, Reading},
    app::ContextExt,
    errors::Stop,
    objects::single_sign_on::{SignInOptions, SignInPolicy, SsoProvider, SsoTest},
    scalars::parse_id,
};

#[derive(Default)]
pub(crate) struct SingleSignOnQueries;

#[Object]
impl SingleSignOnQueries {
    /// How people with an email address of the same domain sign in: the first step of a sign-in. The same for every address
    /// of a domain, whether or not there is an account. Anybody may call it.
    #[graphql(complexity = "20 + child_complexity")]
    async fn sign_in_options(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Email address.")] email: String,
    ) -> async_graphql::Result<Option<SignInOptions>> {
        let app = context.app()?;
        let options = app.platform.sign_in_options(&email).await;
        let options = options.map_err(|failure| context.report(Stop::from(failure)))?;
        let start = options.provider.as_ref().and_then(|(provider, _)| {
            Url::parse_with_params(&app.sso.start_url(*provider), [("login_hint", &email)]).ok()
        });
        Ok(Some(SignInOptions {
            preferred: options.preferred.into(),
            password: !options.required,
            provider_name: options.provider.map(|(_, name)| name),
            start_url: start.map(String::from),
        }))
    }

    /// Who of your organization signs in how. Needs a system admin.
    #[graphql(complexity = "5 + child_complexity")]
    async fn sign_in_policy(&self, context: &Context<'_>) -> async_graphql::Result<Option<SignInPolicy>> {
        let (_, sso) = load(context).await?;
        Ok(Some(SignInPolicy::new(&sso.state)))
    }

    /// The identity providers of your organization, oldest first. At most 10. Needs a system admin.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn sso_providers(&self, context: &Context<'_>) -> async_graphql::Result<Option<Vec<SsoProvider>>> {
        let (_, sso) = load(context).await?;
        let (app, now) = (context.app()?, context.app()?.platform.clock().now());
        Ok(Some(sso.state.providers().map(|(id, state)| SsoProvider::new(id, state, &app.sso, now)).collect()))
    }

    /// An identity provider of your organization. Needs a system admin.
    #[graphql(complexity = "5 + child_complexity")]
    async fn sso_provider(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the provider.")] id: ID,
    ) -> async_graphql::Result<Option<SsoProvider>> {
        visible_provider(context, &id).await
    }

    /// A test of an identity provider, one of the latest 20 of each. Needs a system admin.
    #[graphql(complexity = "20 + 20 * child_complexity")]
    async fn sso_test(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the test.")] id: ID,
    ) -> async_graphql::Result<Option<SsoTest>> {
        let (_, sso) = load(context).await?;
        let app = context.app()?;
        let work = async {
            let test: SsoTestId = parse_id(&id, "id")?;
            for (_, state) in sso.state.providers() {
                let ended = state.ended.iter().find(|(ended, _)| *ended == test);
                let transcript = match ended {
                    Some((_, ended)) => app.platform.people().open(&ended.transcript).await?.unwrap_or_default(),
                    None => Vec::new(),
                };
                if let Some(found) = SsoTest::new(test, state, transcript, app.platform.clock().now()) {
                    return Ok(Some(found));
                }
            }
            Ok::<_, Stop>(None)
        };
        work.await.map_err(|stop| context.report(stop))
    }
}

/// Single sign-on of the reader's organization.
async fn load(context: &Context<'_>) -> async_graphql::Result<(Reader, Arc<Loaded<SingleSignOn>>)> {
    let reader = context.reader(Reading::SingleSignOn)?;
    let loaded = context.app()?.platform.load::<SingleSignOn>(&reader.organization).await;
    Ok((reader, loaded.map_err(|failure| context.report(Stop::from(failure)))?))
}

/// A provider of the reader's organization by its id.
pub(crate) async fn visible_provider(context: &Context<'_>, id: &ID) -> async_graphql::Result<Option<SsoProvider>> {
    let (_, sso) = load(context).await?;
    let app = context.app()?;
    let provider: SsoProviderId = parse_id(id, "id").map_err(|rejection| context.report(rejection.into()))?;
    Ok(SsoProvider::of(&sso.state, provider, &app.sso, app.platform.clock().now()))
}
