//! Identity providers of an organization, and tests of them.

use async_graphql::{Enum, ID, SimpleObject, Union};
use commands::SingleSignOnService;
use domain::{Details, Provider as ProviderState, SingleSignOn as State, single_sign_on::CERTIFICATE_WARNING};
use identity::saml::Certificate as ParsedCertificate;
use schema::{SsoCheckResult, SsoConfiguration as Configuration, SsoProviderId, SsoTestId, Timestamp};

use super::person::LoginMethod;
use crate::scalars::id;

/// How requests travel through the browser to a SAML provider.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::SamlBinding")]
pub(crate) enum SamlBinding {
    /// In the query of a URL (HTTP-Redirect).
    Redirect,
    /// In a form (HTTP-POST).
    Post,
}

/// One thing that is checked when an identity provider vouches for a person.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::SsoCheck")]
pub(crate) enum SsoCheck {
    /// The answer is well-formed and holds nothing that is refused unread.
    Format,
    /// The provider reports success.
    Status,
    /// The signature is by a key of the provider, with an algorithm that is good enough, over what is used.
    Signature,
    /// The answer is by the provider that was asked.
    Issuer,
    /// The answer is addressed to us.
    Destination,
    /// The answer is to a request of ours that this browser made, and that nothing was answered to.
    Request,
    /// The answer is meant for us.
    Audience,
    /// The answer is of now.
    Times,
    /// It says how the person is confirmed, and that the person signed in.
    Confirmation,
    /// The answer was not seen before.
    Replay,
    /// It names the person, and as the same as last time.
    Subject,
    /// It has the person's email address, confirmed.
    Email,
    /// The domain of the address is verified by the organization.
    Domain,
    /// The provider is active, in the configuration that was asked.
    Provider,
    /// The person is an active member who signs in in this way, or in a test the admin who tests.
    Account,
    /// The provider's discovery document and keys can be fetched and fit together.
    Discovery,
    /// The provider gives a token for the code.
    Token,
}

/// A certificate with which a SAML provider signs.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SsoCertificate {
    /// SHA-256 of the certificate, hexadecimal.
    fingerprint: String,
    /// When it ends. It is trusted past that all the same; the provider may not sign with it any more.
    ends_at: Timestamp,
    /// It ends within 30 days: enter the provider's next one beside it.
    ends_soon: bool,
}

/// A provider of SAML 2.0.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SamlConfiguration {
    /// Entity id of the provider.
    issuer: String,
    /// Where requests to sign in go.
    sso_url: String,
    /// How they go there.
    binding: SamlBinding,
    /// Where logout messages go; null if it takes none.
    logout_url: Option<String>,
    /// Certificates with which it may sign: one, or two while it changes its key.
    certificates: Vec<SsoCertificate>,
}

/// A provider of OpenID Connect. Its client secret is never shown.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct OpenIdConnectConfiguration {
    /// The issuer, whose discovery document tells the rest.
    issuer: String,
    /// What the provider calls us.
    client_id: String,
}

/// How a provider is reached and recognized.
#[derive(Debug, Clone, Union)]
pub(crate) enum SsoConfiguration {
    Saml(SamlConfiguration),
    OpenIdConnect(OpenIdConnectConfiguration),
}

impl SsoConfiguration {
    fn new(configuration: &Configuration, now: Timestamp) -> Self {
        match configuration {
            Configuration::Saml { issuer, sso_url, binding, logout_url, certificates } => {
                let parsed = certificates.iter().filter_map(|text| text.parse::<ParsedCertificate>().ok());
                let certificates = parsed.map(|certificate| SsoCertificate {
                    fingerprint: certificate.fingerprint(),
                    ends_at: certificate.not_after(),
                    ends_soon: certificate.not_after() < now + CERTIFICATE_WARNING,
                });
                Self::Saml(SamlConfiguration {
                    issuer: issuer.clone(),
                    sso_url: sso_url.clone(),
                    binding: (*binding).into(),
                    logout_url: logout_url.clone(),
                    certificates: certificates.collect(),
                })
            }
            Configuration::OpenIdConnect { issuer, client_id, .. } => {
                Self::OpenIdConnect(OpenIdConnectConfiguration { issuer: issuer.clone(), client_id: client_id.clone() })
            }
        }
    }
}

/// What has to be entered at the provider. Which of it a provider asks for depends on its protocol.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SsoServiceProvider {
    /// SAML: our entity id, which is where our metadata is. Providers that read metadata need nothing else.
    entity_id: String,
    /// SAML: where responses go (assertion consumer service, HTTP-POST).
    acs_url: String,
    /// SAML: where logout messages go (single logout service).
    slo_url: String,
    /// OpenID Connect: the redirect URI.
    redirect_uri: String,
    /// OpenID Connect: where the browser comes back to after logging out.
    post_logout_redirect_uri: String,
    /// Where a browser begins to sign in. May get `login_hint` and `return_to`, a path on the frontend.
    start_url: String,
}

/// Where a test of a provider stands.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum SsoTestStatus {
    /// The provider has not answered yet.
    Pending,
    /// Everything was as expected.
    Passed,
    /// Something was not; the transcript says what.
    Failed,
    /// Nobody signed in in time.
    Expired,
}

/// A check and what came of it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SsoTestCheck {
    /// What was checked.
    check: SsoCheck,
    /// Whether it holds.
    passed: bool,
    /// What was expected.
    expected: String,
    /// What came.
    actual: String,
}

impl From<SsoCheckResult> for SsoTestCheck {
    fn from(result: SsoCheckResult) -> Self {
        let SsoCheckResult { check, passed, expected, actual } = result;
        Self { check: check.into(), passed, expected, actual }
    }
}

/// A test of a provider's configuration.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SsoTest {
    /// Id of the test.
    id: ID,
    /// Where it stands.
    status: SsoTestStatus,
    /// Every check in order; empty while it is pending.
    transcript: Vec<SsoTestCheck>,
}

impl SsoTest {
    /// A test by its id, and the transcript if it has ended.
    pub(crate) fn new(
        test: SsoTestId,
        state: &ProviderState,
        transcript: Vec<SsoCheckResult>,
        now: Timestamp,
    ) -> Option<Self> {
        let status = match (state.pending.get(&test), state.ended.iter().find(|(id, _)| *id == test)) {
            (Some(pending), _) if now < pending.expires_at => SsoTestStatus::Pending,
            (Some(_), _) => SsoTestStatus::Expired,
            (None, Some((_, ended))) if ended.failed.is_none() => SsoTestStatus::Passed,
            (None, Some(_)) => SsoTestStatus::Failed,
            (None, None) => return None,
        };
        Some(Self { id: id(test), status, transcript: transcript.into_iter().map(SsoTestCheck::from).collect() })
    }
}

/// An identity provider of an organization.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SsoProvider {
    /// Id of the provider.
    pub(crate) id: ID,
    /// What people know it by.
    name: String,
    /// Verified domains that it serves; all of the organization if it names none.
    domains: Vec<String>,
    /// What it is configured to now.
    configuration: SsoConfiguration,
    /// Whether it signs people in.
    is_active: bool,
    /// What signs people in; null if it is not active. Differs from `configuration` while there is a draft.
    active_configuration: Option<SsoConfiguration>,
    /// What it is configured to now has yet to be tested and activated.
    has_draft: bool,
    /// What it is configured to now has passed its test: `activateSsoProvider` will do.
    passed_test: bool,
    /// What has to be entered at the provider.
    service_provider: SsoServiceProvider,
}

impl SsoProvider {
    /// A provider as it stands.
    pub(crate) fn new(
        provider: SsoProviderId,
        state: &ProviderState,
        service: &SingleSignOnService,
        now: Timestamp,
    ) -> Self {
        let shown = |details: &Details| SsoConfiguration::new(&details.configuration, now);
        let saml = service.service_provider(provider);
        Self {
            id: id(provider),
            name: state.details.name.clone(),
            domains: state.details.domains.clone(),
            configuration: shown(&state.details),
            is_active: state.active.is_some(),
            active_configuration: state.active.as_ref().map(shown),
            has_draft: state.has_draft(),
            passed_test: state.passed().is_some(),
            service_provider: SsoServiceProvider {
                entity_id: saml.entity_id,
                acs_url: saml.acs_url,
                slo_url: saml.slo_url,
                redirect_uri: service.callback_url(provider),
                post_logout_redirect_uri: service.signed_out_url(provider),
                start_url: service.start_url(provider),
            },
        }
    }

    /// One of the providers of an organization.
    pub(crate) fn of(
        state: &State,
        provider: SsoProviderId,
        service: &SingleSignOnService,
        now: Timestamp,
    ) -> Option<Self> {
        state.provider(provider).map(|known| Self::new(provider, known, service, now))
    }
}

/// Who of an organization signs in how.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SignInPolicy {
    /// How people sign in who are added from now on, if a provider serves their domain.
    default_login_method: LoginMethod,
    /// Everybody whom an active provider serves has to sign in there, but for one system admin.
    single_sign_on_required: bool,
    /// That system admin, who keeps a password; null unless single sign-on is required.
    way_back_in: Option<ID>,
}

impl SignInPolicy {
    pub(crate) fn new(state: &State) -> Self {
        Self {
            default_login_method: state.default_method().into(),
            single_sign_on_required: state.way_back_in().is_some(),
            way_back_in: state.way_back_in().map(id),
        }
    }
}

/// How people with an address of a certain domain sign in.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct SignInOptions {
    /// What to offer first.
    pub(crate) preferred: LoginMethod,
    /// Whether to offer a password at all. One system admin has one all the same.
    pub(crate) password: bool,
    /// What people know the identity provider by; null if there is none.
    pub(crate) provider_name: Option<String>,
    /// Where to lead the browser to sign in there; null if there is none. May get `return_to`, a path on the frontend.
    pub(crate) start_url: Option<String>,
}
