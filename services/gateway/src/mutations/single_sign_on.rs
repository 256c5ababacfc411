//! Identity providers, and who signs in how.

use async_graphql::{Context, ID, InputObject, Object, OneofObject};
use commands::{
    Done, Failure,
    single_sign_on::{NewConfiguration, NewProvider},
};
use domain::{Code, SingleSignOn};
use schema::{OrganizationId, SsoProviderId};

use crate::{
    app::{App, ContextExt, Source, signed_in},
    errors::Stop,
    objects::{
        person::{LoginMethod, Person},
        single_sign_on::{SamlBinding, SignInPolicy, SsoProvider},
    },
    payload::{about, answer, payload},
    scalars::{Position, id, parse_id},
    session::Caller,
};

/// A provider of SAML 2.0, by hand.
#[derive(InputObject)]
struct SamlInput {
    /// Entity id of the provider.
    issuer: String,
    /// Where requests to sign in go: https.
    sso_url: String,
    /// How they go there.
    #[graphql(default_with = "SamlBinding::Redirect")]
    binding: SamlBinding,
    /// Where logout messages go, by redirect; leave it out if it takes none.
    logout_url: Option<String>,
    /// The certificate with which it signs, in PEM; or two while it changes its key.
    certificates: Vec<String>,
}

/// A provider of OpenID Connect.
#[derive(InputObject)]
struct OpenIdConnectInput {
    /// The issuer, letter by letter as its discovery document has it: https.
    issuer: String,
    /// What the provider calls us.
    client_id: String,
    /// What proves it. May be left out to keep the one that there is, as long as the issuer stays the same. Never shown.
    client_secret: Option<String>,
}

/// How a provider is to be reached and recognized: one of these.
#[derive(OneofObject)]
enum SsoConfigurationInput {
    /// SAML 2.0, by hand.
    Saml(SamlInput),
    /// SAML 2.0, by the text of the provider's metadata file.
    SamlMetadata(String),
    /// OpenID Connect.
    OpenIdConnect(OpenIdConnectInput),
}

impl From<SsoConfigurationInput> for NewConfiguration {
    fn from(input: SsoConfigurationInput) -> Self {
        match input {
            SsoConfigurationInput::Saml(SamlInput { issuer, sso_url, binding, logout_url, certificates }) => {
                Self::Saml { issuer, sso_url, binding: binding.into(), logout_url, certificates }
            }
            SsoConfigurationInput::SamlMetadata(metadata) => Self::SamlMetadata(metadata),
            SsoConfigurationInput::OpenIdConnect(OpenIdConnectInput { issuer, client_id, client_secret }) => {
                Self::OpenIdConnect { issuer, client_id, client_secret }
            }
        }
    }
}

/// Input of `addSsoProvider`.
#[derive(InputObject)]
struct AddSsoProviderInput {
    /// What people know it by: shown where they sign in.
    name: String,
    /// Verified domains of your organization that it serves; all of them if left out.
    #[graphql(default)]
    domains: Vec<String>,
    /// How it is to be reached and recognized.
    configuration: SsoConfigurationInput,
}

payload! {
    /// What came of `addSsoProvider`.
    AddSsoProviderPayload {
        /// The provider, with what has to be entered there.
        sso_provider: SsoProvider,
    }
}

/// Input of `updateSsoProvider`.
#[derive(InputObject)]
struct UpdateSsoProviderInput {
    /// The provider.
    provider_id: ID,
    /// What people know it by.
    name: String,
    /// Verified domains of your organization that it serves; all of them if left out.
    #[graphql(default)]
    domains: Vec<String>,
    /// How it is to be reached and recognized.
    configuration: SsoConfigurationInput,
}

payload! {
    /// What came of `updateSsoProvider`.
    UpdateSsoProviderPayload {
        /// The provider.
        sso_provider: SsoProvider,
    }
}

/// Declares input and payload of a mutation that takes a provider and nothing else.
macro_rules! of_provider {
    ($mutation:literal: $input:ident, $payload:ident) => {
        #[doc = concat!("Input of `", $mutation, "`.")]
        #[derive(InputObject)]
        struct $input {
            /// The provider.
            provider_id: ID,
        }

        payload! {
            #[doc = concat!("What came of `", $mutation, "`.")]
            $payload {
                /// The provider.
                sso_provider: SsoProvider,
            }
        }
    };
}

of_provider!("activateSsoProvider": ActivateSsoProviderInput, ActivateSsoProviderPayload);
of_provider!("deactivateSsoProvider": DeactivateSsoProviderInput, DeactivateSsoProviderPayload);

/// Input of `removeSsoProvider`.
#[derive(InputObject)]
struct RemoveSsoProviderInput {
    /// The provider.
    provider_id: ID,
}

payload! {
    /// What came of `removeSsoProvider`.
    RemoveSsoProviderPayload {
        /// Id of the provider that was removed.
        removed_id: ID,
    }
}

/// Input of `testSsoProvider`.
#[derive(InputObject)]
struct TestSsoProviderInput {
    /// The provider.
    provider_id: ID,
}

payload! {
    /// What came of `testSsoProvider`.
    TestSsoProviderPayload {
        /// Id of the test: ask `ssoTest` how it stands.
        test_id: ID,
        /// To be opened in a popup, within 10 minutes, where you sign in at the provider. Give it to nobody else.
        test_url: String,
    }
}

/// Input of `setSingleSignOn`.
#[derive(InputObject)]
struct SetSingleSignOnInput {
    /// Whether everybody whom an active provider serves has to sign in there.
    required: bool,
    /// An active system admin who keeps a password, so that a provider that fails locks nobody out. Needed if single
    /// sign-on is to be required.
    way_back_in: Option<ID>,
}

payload! {
    /// What came of `setSingleSignOn`.
    SetSingleSignOnPayload {
        /// Who signs in how.
        sign_in_policy: SignInPolicy,
    }
}

/// Input of `setDefaultLoginMethod`.
#[derive(InputObject)]
struct SetDefaultLoginMethodInput {
    /// How people sign in who are added from now on.
    login_method: LoginMethod,
}

payload! {
    /// What came of `setDefaultLoginMethod`.
    SetDefaultLoginMethodPayload {
        /// Who signs in how.
        sign_in_policy: SignInPolicy,
    }
}

/// Input of `setLoginMethod`.
#[derive(InputObject)]
struct SetLoginMethodInput {
    /// Id of the account.
    person_id: ID,
    /// How the person signs in from now on.
    login_method: LoginMethod,
}

payload! {
    /// What came of `setLoginMethod`.
    SetLoginMethodPayload {
        /// The person as they are now.
        person: Person,
    }
}

#[derive(Default)]
pub(crate) struct SingleSignOnMutations;

#[Object]
impl SingleSignOnMutations {
    /// Adds an identity provider. It signs nobody in before `testSsoProvider` has passed and `activateSsoProvider` was called.
    /// Needs a verified domain, and a system admin: a provider vouches for anybody.
    #[graphql(complexity = "100 + child_complexity")]
    async fn add_sso_provider(
        &self,
        context: &Context<'_>,
        input: AddSsoProviderInput,
    ) -> async_graphql::Result<AddSsoProviderPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let new =
                NewProvider { name: input.name, domains: input.domains, configuration: input.configuration.into() };
            let (provider, done) = app.sso.add_provider(&app.request(caller), organization, new).await?;
            let sso_provider = shown(app, provider, &done);
            Ok(AddSsoProviderPayload { sso_provider, position: done.position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Configures an identity provider otherwise: a draft, which voids its test. What was activated before goes on until the
    /// draft has passed a test and is activated. Needs a system admin.
    #[graphql(complexity = "100 + child_complexity")]
    async fn update_sso_provider(
        &self,
        context: &Context<'_>,
        input: UpdateSsoProviderInput,
    ) -> async_graphql::Result<UpdateSsoProviderPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let provider = parse_id(&input.provider_id, "providerId")?;
            let new =
                NewProvider { name: input.name, domains: input.domains, configuration: input.configuration.into() };
            let done = app.sso.update_provider(&app.request(caller), organization, provider, new).await?;
            let sso_provider = shown(app, provider, &done);
            Ok(UpdateSsoProviderPayload { sso_provider, position: done.position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Removes an identity provider; it signs nobody in any more. Sessions that began with it stay. Needs a system admin.
    #[graphql(complexity = "100 + child_complexity")]
    async fn remove_sso_provider(
        &self,
        context: &Context<'_>,
        input: RemoveSsoProviderInput,
    ) -> async_graphql::Result<RemoveSsoProviderPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let provider = parse_id(&input.provider_id, "providerId")?;
            let done = app.sso.remove_provider(&app.request(caller), organization, provider).await;
            let position = done.map_err(about("providerId"))?.position.map(Position);
            Ok(RemoveSsoProviderPayload { removed_id: Some(input.provider_id), position, ..Default::default() })
        })
        .await
    }

    /// Begins a test of what an identity provider is configured to now: open the URL in a popup and sign in at the provider
    /// with your own email address. Nobody is signed in by it. Needs a system admin.
    #[graphql(complexity = "100 + child_complexity")]
    async fn test_sso_provider(
        &self,
        context: &Context<'_>,
        input: TestSsoProviderInput,
    ) -> async_graphql::Result<TestSsoProviderPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let provider = parse_id(&input.provider_id, "providerId")?;
            let begun = app.sso.test_provider(&app.request(caller), organization, provider).await;
            let (test, url, done) = begun.map_err(about("providerId"))?;
            Ok(TestSsoProviderPayload {
                test_id: Some(id(test)),
                test_url: Some(url.into()),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Lets an identity provider sign people in, in exactly the configuration that has passed its test. Needs a system admin.
    #[graphql(complexity = "100 + child_complexity")]
    async fn activate_sso_provider(
        &self,
        context: &Context<'_>,
        input: ActivateSsoProviderInput,
    ) -> async_graphql::Result<ActivateSsoProviderPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let (sso_provider, position) = set_active(app, caller, &input.provider_id, true).await?;
            Ok(ActivateSsoProviderPayload { sso_provider, position, ..Default::default() })
        })
        .await
    }

    /// Lets an identity provider sign in nobody until it is activated again. Sessions that began with it stay. Needs a system
    /// admin.
    #[graphql(complexity = "100 + child_complexity")]
    async fn deactivate_sso_provider(
        &self,
        context: &Context<'_>,
        input: DeactivateSsoProviderInput,
    ) -> async_graphql::Result<DeactivateSsoProviderPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let (sso_provider, position) = set_active(app, caller, &input.provider_id, false).await?;
            Ok(DeactivateSsoProviderPayload { sso_provider, position, ..Default::default() })
        })
        .await
    }

    /// Has everybody whom an active provider serves sign in there, but for one system admin; or lets everybody sign in by
    /// their own method again. Sessions stay. Needs a system admin, and an active provider.
    #[graphql(complexity = "100 + child_complexity")]
    async fn set_single_sign_on(
        &self,
        context: &Context<'_>,
        input: SetSingleSignOnInput,
    ) -> async_graphql::Result<SetSingleSignOnPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let way_back_in = match (input.required, input.way_back_in) {
                (true, None) => return Err(Code::Required.at("wayBackIn").into()),
                (true, Some(id)) => Some(parse_id(&id, "wayBackIn")?),
                (false, _) => None,
            };
            let done = app.sso.require(&app.request(caller), organization, way_back_in).await?;
            let sign_in_policy = Some(SignInPolicy::new(&done.after.state));
            Ok(SetSingleSignOnPayload { sign_in_policy, position: done.position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Lets people sign in so who are added from now on, if an active provider serves the domain of their address. Needs a
    /// system admin.
    #[graphql(complexity = "100 + child_complexity")]
    async fn set_default_login_method(
        &self,
        context: &Context<'_>,
        input: SetDefaultLoginMethodInput,
    ) -> async_graphql::Result<SetDefaultLoginMethodPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let method = input.login_method.into();
            let done = app.sso.set_default_method(&app.request(caller), organization, method).await;
            let done = done.map_err(|failure| failure.at("loginMethod"))?;
            let sign_in_policy = Some(SignInPolicy::new(&done.after.state));
            let position = done.position.map(Position);
            Ok(SetDefaultLoginMethodPayload { sign_in_policy, position, ..Default::default() })
        })
        .await
    }

    /// Lets a person sign in otherwise. A person who has no password yet gets one with the link for a forgotten password.
    /// Needs the right `MANAGE_ACCOUNTS`, and every right that the person has.
    #[graphql(complexity = "100 + child_complexity")]
    async fn set_login_method(
        &self,
        context: &Context<'_>,
        input: SetLoginMethodInput,
    ) -> async_graphql::Result<SetLoginMethodPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let (request, account) = (app.request(caller), parse_id(&input.person_id, "personId")?);
            let method = input.login_method.into();
            let position = app.platform.set_login_method(&request, organization, account, method).await?;
            let read = app.directory.person(organization, account);
            let person = app.read_back(Source::Directory, position, read).await.map(Person::from);
            Ok(SetLoginMethodPayload { person, position: position.map(Position), ..Default::default() })
        })
        .await
    }
}

fn shown(app: &App, provider: SsoProviderId, done: &Done<SingleSignOn>) -> Option<SsoProvider> {
    SsoProvider::of(&done.after.state, provider, &app.sso, app.platform.clock().now())
}

async fn set_active(
    app: &App,
    caller: &Caller,
    provider: &ID,
    active: bool,
) -> Result<(Option<SsoProvider>, Option<Position>), Stop> {
    let organization: OrganizationId = signed_in(caller)?.organization;
    let provider = parse_id(provider, "providerId")?;
    let done = app.sso.set_provider_active(&app.request(caller), organization, provider, active).await;
    let done = done.map_err(|failure: Failure| about("providerId")(failure))?;
    Ok((shown(app, provider, &done), done.position.map(Position)))
}
