//! Signing in at an organization's identity provider.
//!
//! A request is remembered by the browser alone, sealed ([`Pending`]); its answer is judged by what single sign-on, the
//! organization and the account are at that moment, counts once by a stream of its own, and leaves a line in the history
//! whatever comes of it.

mod answer;
mod begin;
mod logout;
mod pending;
mod providers;
mod trust;

use std::{sync::Arc, time::Duration};

use domain::{Code, Details, Provider, SingleSignOn, SsoProviderAssignment};
use identity::{
    EntropyExt, Limiter, SSO_REFUSALS_PER_PROVIDER,
    openid::{Discovered, Fetcher, RelyingParty, Unreachable, discover},
    saml::{self, Certificate, ServiceProvider, SigningKey},
};
use moka::future::Cache;
use schema::{OrganizationId, SsoConfiguration, SsoProviderId, Timestamp};
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

pub use self::{
    answer::{Answered, SamlAnswer, Vouched},
    begin::{Begin, Begun},
    logout::{LoggedOut, LogoutMessage},
    pending::{Handle, Pending, Purpose},
    providers::{NewConfiguration, NewProvider},
};
use crate::{Failure, Platform};

/// Longest answer of a provider's endpoints in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a discovery document and its keys are used. Keys that are not among them are looked for anew.
const DISCOVERED_FOR: Duration = Duration::from_secs(3_600);
/// Keys that are not known make it be fetched anew this often at most: whoever makes them up makes us fetch no more.
const FETCHED_ANEW_AFTER: chrono::Duration = chrono::Duration::seconds(5);
/// Discovery documents that are kept.
const KEPT: u64 = 1_000;
/// Messages of SAML whose signatures are checked at once; others wait.
const CHECKED_AT_ONCE: usize = 2;
/// How long a message waits for its turn and is checked: the processors are for everybody.
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
    discovered: Cache<String, Arc<Fetched>>,
    checks: Arc<Semaphore>,
    refusals: Limiter<SsoProviderId>,
}

struct Fetched {
    discovered: Discovered,
    at: Timestamp,
}

impl SingleSignOnService {
    /// For browsers that reach the gateway at `origin`, which has no slash at the end. With `plain_http`, providers may be
    /// reached without TLS.
    pub fn new(platform: Arc<Platform>, origin: String, plain_http: bool) -> Self {
        Self {
            platform,
            origin,
            plain_http,
            signing_key: OnceCell::new(),
            discovered: Cache::builder().max_capacity(KEPT).time_to_live(DISCOVERED_FOR).build(),
            checks: Arc::new(Semaphore::new(CHECKED_AT_ONCE)),
            refusals: Limiter::new(SSO_REFUSALS_PER_PROVIDER),
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

    fn fetcher(&self) -> Fetcher {
        let (http, plain_http) = (self.platform.outbound.http.clone(), self.plain_http);
        Fetcher::new(move |request| {
            let http = http.clone();
            async move {
                if request.uri().scheme_str() != Some("https") && !plain_http {
                    return Err(Unreachable("an address without https".to_owned()));
                }
                let answer = http.exchange(request, MAX_ANSWER_BYTES, PATIENCE).await;
                answer.map_err(|error| Unreachable(error.to_string()))
            }
        })
    }

    /// What a provider says of itself; fetched anew if what is known of it is older than `since`.
    async fn discover(&self, issuer: &str, since: Option<Timestamp>) -> Result<Arc<Fetched>, String> {
        if let Some(known) = self.discovered.get(issuer).await
            && since.is_none_or(|since| known.at >= since)
        {
            return Ok(known);
        }
        let discovered = discover(issuer, &self.fetcher()).await?;
        let plain = |url: &&Url| url.scheme() != "https" && !(self.plain_http && url.scheme() == "http");
        if discovered.endpoints().any(|url| plain(&url)) {
            return Err("an address without https".to_owned());
        }
        let fetched = Arc::new(Fetched { discovered, at: self.platform.clock.now() });
        self.discovered.insert(issuer.to_owned(), fetched.clone()).await;
        Ok(fetched)
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
