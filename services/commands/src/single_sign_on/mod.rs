//! Signing in at an organization's identity provider.
//!
//! A request is remembered by the browser alone, sealed ([`Pending`]); its answer is judged by what single sign-on, the
//! organization and the account are at that moment, counts once by a stream of its own, and leaves a line in the history
//! whatever comes of it.

mod answer;
mod begin;
mod discovery;
mod logout;
mod pending;
mod providers;
mod trust;
mod turns;

use std::{sync::Arc, time::Duration};

use domain::{Code, Details, Provider, SingleSignOn, SsoProviderAssignment};
use identity::{
    EntropyExt, Limiter, SSO_REFUSALS_PER_PROVIDER, SSO_SUPPRESSIONS_PER_PROVIDER, SSO_UNASKED_REFUSALS_PER_PROVIDER,
    openid::RelyingParty,
    saml::{self, Certificate, ServiceProvider, SigningKey},
};
use schema::{OrganizationId, SsoConfiguration, SsoProviderId};
use tokio::{sync::OnceCell, time::timeout};
use url::Url;

pub use self::{
    answer::{Answered, SamlAnswer, Vouched},
    begin::{Begin, Begun},
    logout::{LoggedOut, LogoutMessage},
    pending::{Handle, Pending, Purpose},
    providers::{NewConfiguration, NewProvider},
};
use self::{discovery::Discovery, turns::Turns};
use crate::{Failure, Platform};

/// Keys that are not known make it be fetched anew this often at most: whoever makes them up makes us fetch no more.
const FETCHED_ANEW_AFTER: chrono::Duration = chrono::Duration::seconds(5);
/// Messages of SAML whose signatures are checked at once, and those of one provider; others wait.
const CHECKED_AT_ONCE: (usize, usize) = (2, 1);
/// How long a message waits for its turn, and how long it is checked at most: the processors are for everybody.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);
/// Where the key that signs our requests is kept in the vault.
const SIGNING_KEY: &str = "single-sign-on/signing-key";

/// Signs people in at identity providers. Cheap to share behind an `Arc`.
pub struct SingleSignOnService {
    platform: Arc<Platform>,
    /// Where browsers reach the gateway, without a slash at the end.
    origin: String,
    /// Providers may be reached without TLS: on one's own machine only.
    plain_http: bool,
    signing_key: OnceCell<Arc<SigningKey>>,
    discovery: Discovery,
    checks: Turns<SsoProviderId>,
    /// By whether the answers are to requests of ours.
    refusals: Limiter<SsoProviderId>,
    unasked: Limiter<SsoProviderId>,
    suppressions: Limiter<(SsoProviderId, bool)>,
}

impl SingleSignOnService {
    /// For browsers that reach the gateway at `origin`, which has no slash at the end. With `plain_http`, providers may be
    /// reached without TLS.
    pub fn new(platform: Arc<Platform>, origin: String, plain_http: bool) -> Self {
        let (checks, of_one) = CHECKED_AT_ONCE;
        Self {
            discovery: Discovery::new(platform.outbound.http.clone(), plain_http),
            platform,
            origin,
            plain_http,
            signing_key: OnceCell::new(),
            checks: Turns::new(checks, of_one),
            refusals: Limiter::new(SSO_REFUSALS_PER_PROVIDER),
            unasked: Limiter::new(SSO_UNASKED_REFUSALS_PER_PROVIDER),
            suppressions: Limiter::new(SSO_SUPPRESSIONS_PER_PROVIDER),
        }
    }

    /// Who we are to a SAML provider.
    pub fn service_provider(&self, provider: SsoProviderId) -> ServiceProvider {
        let at = |what: &str| format!("{}/saml/{provider}/{what}", self.origin);
        ServiceProvider { entity_id: at("metadata"), acs_url: at("acs"), slo_url: at("slo") }
    }

    /// Where an OpenID provider sends the browser back to.
    pub fn callback_url(&self, provider: SsoProviderId) -> String {
        format!("{}/oidc/{provider}/callback", self.origin)
    }

    /// Where an OpenID provider sends the browser back to after logging out.
    pub fn signed_out_url(&self, provider: SsoProviderId) -> String {
        format!("{}/oidc/{provider}/signed-out", self.origin)
    }

    /// Where a browser begins to sign in.
    pub fn start_url(&self, provider: SsoProviderId) -> String {
        format!("{}/sso/{provider}/start", self.origin)
    }

    /// Our metadata for a provider, XML.
    pub async fn metadata(&self, provider: SsoProviderId) -> Result<String, Failure> {
        self.owner(provider).await?;
        Ok(saml::service_metadata(&self.service_provider(provider), &*self.signing_key().await?))
    }

    /// The key that signs our requests: made when it is first needed, the same in every process.
    async fn signing_key(&self) -> Result<Arc<SigningKey>, Failure> {
        let broken = |problem: saml::KeyProblem| Failure::OutOfOrder(problem.to_string());
        let key = self.signing_key.get_or_try_init(|| async {
            let vault = &self.platform.vault;
            if let Some(secret) = vault.get(SIGNING_KEY).await? {
                return SigningKey::from_bytes(&secret.value).map(Arc::new).map_err(broken);
            }
            let (now, serial) = (self.platform.clock.now(), self.platform.entropy.bytes());
            let made = tokio::task::spawn_blocking(move || SigningKey::generate(now, serial));
            let made = made.await.map_err(|error| Failure::OutOfOrder(error.to_string()))?.map_err(broken)?;
            let bytes = made.to_bytes().map_err(broken)?;
            match vault.put(SIGNING_KEY, &bytes, eventlog::ExpectedVersion::Absent).await {
                Ok(_) => Ok(Arc::new(made)),
                Err(eventlog::VaultError::Conflict { .. }) => {
                    let secret = vault.get(SIGNING_KEY).await?.ok_or(Code::Busy)?;
                    SigningKey::from_bytes(&secret.value).map(Arc::new).map_err(broken)
                }
                Err(other) => Err(other.into()),
            }
        });
        key.await.cloned()
    }

    /// The organization that the provider belongs to.
    async fn owner(&self, provider: SsoProviderId) -> Result<OrganizationId, Failure> {
        let assigned = self.platform.load::<SsoProviderAssignment>(&provider).await?;
        Ok(domain::Aggregate::organization(&assigned.state).ok_or(Code::NotFound)?)
    }

    /// Single sign-on of the organization that the provider belongs to.
    async fn of(&self, provider: SsoProviderId) -> Result<(OrganizationId, Arc<crate::Loaded<SingleSignOn>>), Failure> {
        let organization = self.owner(provider).await?;
        Ok((organization, self.platform.load::<SingleSignOn>(&organization).await?))
    }

    /// The configuration that a request was made with, if it still counts for its purpose.
    fn configured<'a>(provider: &'a Provider, pending: &Pending) -> Option<&'a Details> {
        match pending.purpose {
            Purpose::SignIn { .. } => provider.active.as_ref().filter(|_| provider.active_revision == pending.revision),
            Purpose::Test { .. } => Some(&provider.details).filter(|_| provider.revision == pending.revision),
        }
    }

    /// Checks a message of SAML, which takes processor time in a C library: a few at once, aside of what serves everybody.
    async fn checked<T: Send + 'static>(
        &self,
        provider: SsoProviderId,
        check: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = timeout(CHECK_PATIENCE, self.checks.of(provider)).await.map_err(|_| Code::Busy)?;
        let turn = turn.map_err(|_| Code::Busy)?;
        let checking = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            check()
        });
        match timeout(CHECK_PATIENCE, checking).await {
            Ok(checked) => checked.map_err(|error| Failure::OutOfOrder(error.to_string())),
            Err(_) => {
                // It cannot be stopped. It keeps the one turn of its provider for as long as it goes on.
                tracing::error!(%provider, "a message of SAML takes longer to check than it may");
                Err(Code::Busy.into())
            }
        }
    }

    async fn relying_party(
        &self,
        provider: SsoProviderId,
        client_id: &str,
        secret: uuid::Uuid,
    ) -> Result<RelyingParty, Failure> {
        let kept = self.platform.vault.get(&secret_key(provider, secret)).await?.ok_or(Code::NotFound)?;
        Ok(RelyingParty {
            client_id: client_id.to_owned(),
            client_secret: String::from_utf8_lossy(&kept.value).into_owned(),
            redirect_uri: self.url(&self.callback_url(provider))?,
        })
    }

    fn url(&self, text: &str) -> Result<Url, Failure> {
        Url::parse(text).map_err(|_| Failure::OutOfOrder("a configured address is not a URL".to_owned()))
    }
}

/// Where a client secret is kept in the vault.
fn secret_key(provider: SsoProviderId, secret: uuid::Uuid) -> String {
    format!("single-sign-on/{provider}/{}", secret.simple())
}

/// A SAML provider as it is configured; none if it is one of another kind.
fn saml_provider(configuration: &SsoConfiguration) -> Option<saml::Provider> {
    let SsoConfiguration::Saml { issuer, sso_url, logout_url, certificates, .. } = configuration else { return None };
    let certificates: Vec<Certificate> = certificates.iter().filter_map(|text| text.parse().ok()).collect();
    Some(saml::Provider {
        issuer: issuer.clone(),
        sso_url: sso_url.clone(),
        logout_url: logout_url.clone(),
        certificates,
    })
}
