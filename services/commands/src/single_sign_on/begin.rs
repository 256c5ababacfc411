//! Sending a browser to an identity provider.

use domain::{Code, Details, SingleSignOn};
use identity::{
    EntropyExt, Transcript,
    openid::PendingRequest,
    saml::{PostForm, authn_request},
    seal_for_browser,
};
use schema::{OrganizationId, SamlBinding, SsoCheck, SsoConfiguration, SsoProviderId, SsoRequestId, SsoTestId};
use url::Url;

use super::{
    SingleSignOnService,
    answer::DISCOVERED,
    pending::{PENDING_LIFETIME, Pending, Purpose, SEALED_FOR},
    saml_provider,
};
use crate::Failure;

/// Longest address that a person is expected to have, and longest path to be led on to.
const MAX_TEXT: usize = 512;

/// What a browser asks for.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// A test instead of a sign-in.
    pub test: Option<SsoTestId>,
    /// Path to be led on to, on the frontend.
    pub return_to: Option<String>,
    /// Address that the person has entered, for the provider's form.
    pub login_hint: String,
}

/// Where a browser goes; or a form to be sent there.
type To = Result<Url, PostForm>;

/// Where the browser goes, and what it keeps.
pub struct Begun {
    /// Where to.
    pub to: To,
    /// What is remembered of it.
    pub pending: Pending,
    /// The same, sealed for the browser.
    pub sealed: String,
}

impl SingleSignOnService {
    /// Sends a browser to a provider that is active, or that a test is open for.
    pub async fn begin(&self, provider: SsoProviderId, wanted: Begin) -> Result<Begun, Failure> {
        let (organization, sso) = self.of(provider).await?;
        let known = sso.state.provider(provider).ok_or(Code::NotFound)?;
        let now = self.platform.clock.now();
        let (details, revision, purpose): (&Details, _, _) = match wanted.test {
            Some(test) => {
                let pending = known.pending.get(&test).filter(|pending| now < pending.expires_at);
                let pending = pending.ok_or(Code::Expired)?;
                (&known.details, pending.revision, Purpose::Test { test })
            }
            None => {
                let active = known.active.as_ref().ok_or(Code::NoActiveProvider)?;
                let return_to = wanted.return_to.filter(|path| is_local_path(path));
                (active, known.active_revision, Purpose::SignIn { return_to })
            }
        };
        let token = || data_encoding::HEXLOWER.encode(&self.platform.entropy.bytes::<32>());
        let ties = PendingRequest { state: token(), nonce: token(), verifier: token() };
        let request = SsoRequestId(self.platform.entropy.uuid_v4());
        let expires_at = now + PENDING_LIFETIME;
        let pending = Pending { request, provider, revision, purpose, ties, expires_at };
        let hint: String = wanted.login_hint.chars().take(MAX_TEXT).collect();
        let to = match self.request(organization, &pending, &details.configuration, &hint).await? {
            Ok(to) => to,
            Err(problem) => {
                self.note_undiscovered((organization, &sso.state), &pending, &problem).await?;
                return Err(Code::ProviderUnreachable.into());
            }
        };
        let sealed = seal_for_browser(&self.platform.keys, SEALED_FOR, self.platform.entropy.bytes(), &pending);
        let sealed = sealed.map_err(|error| Failure::OutOfOrder(error.to_string()))?;
        Ok(Begun { to, pending, sealed })
    }

    /// The provider does not even answer: a test has failed, and a sign-in leaves a line in the history.
    async fn note_undiscovered(
        &self,
        (organization, sso): (OrganizationId, &SingleSignOn),
        pending: &Pending,
        problem: &str,
    ) -> Result<(), Failure> {
        let mut transcript = Transcript::default();
        transcript.check(SsoCheck::Discovery, false, DISCOVERED, problem);
        match &pending.purpose {
            Purpose::Test { test } => self.end_test(organization, sso, pending, *test, transcript).await.map(drop),
            Purpose::SignIn { .. } => {
                let noted = (organization, pending.provider);
                self.note_refusal(noted, Some(pending.request), &transcript).await.map(drop)
            }
        }
    }

    /// Where the browser goes; the error says why the provider cannot be asked.
    async fn request(
        &self,
        organization: OrganizationId,
        pending: &Pending,
        configuration: &SsoConfiguration,
        login_hint: &str,
    ) -> Result<Result<To, String>, Failure> {
        match configuration {
            SsoConfiguration::Saml { binding, .. } => {
                let saml = saml_provider(configuration).ok_or(Code::NotFound)?;
                let (service, key) = (self.service_provider(pending.provider), self.signing_key().await?);
                let to = self.url(&saml.sso_url)?;
                let message = authn_request(&pending.saml_id(), &to, &service, self.platform.clock.now());
                let handle = pending.handle();
                let relay_state = Some(handle.as_str());
                let signed = match binding {
                    SamlBinding::Redirect => message.redirect(relay_state, &key).map(Ok),
                    SamlBinding::Post => message.post(relay_state, &key).map(Err),
                };
                signed.map(Ok).map_err(|problem| Failure::OutOfOrder(problem.to_string()))
            }
            SsoConfiguration::OpenIdConnect { issuer, client_id, secret } => {
                let now = self.platform.clock.now();
                let known = match self.discovery.of(organization, issuer, (now, None)).await {
                    Ok(known) => known,
                    Err(problem) => return Ok(Err(problem)),
                };
                let party = self.relying_party(pending.provider, client_id, *secret).await?;
                let url = known.discovered.authorization_url(&party, &pending.ties, login_hint);
                Ok(Ok(Ok(url)))
            }
        }
    }
}

/// A path on the frontend, and not an address elsewhere that looks like one to a browser.
fn is_local_path(path: &str) -> bool {
    let plain = path.len() <= MAX_TEXT && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && path.starts_with('/') && !path.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for path in ["/", "/people?x=1#y", "/a//b"] {
            assert!(is_local_path(path), "{path}");
        }
        for path in ["", "//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a b", "/\n", "/é"] {
            assert!(!is_local_path(path), "{path}");
        }
        assert!(!is_local_path(&format!("/{}", "x".repeat(MAX_TEXT))));
    }
}
