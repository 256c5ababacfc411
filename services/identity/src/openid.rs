//! OpenID Connect as a relying party (openid-connect-core-1_0): the code flow with PKCE, through openidconnect. Nothing
//! here asks for the time or knows how to reach anything: the caller passes both in.

use std::{future::Future, pin::Pin};

use chrono::Duration;
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError,
    ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, LogoutProviderMetadata, LogoutRequest,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadata,
    RedirectUrl, RequestTokenError, Scope, SubjectIdentifier, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
        CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
        CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
    },
};
use schema::{SsoCheck, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Transcript;

/// How far the clocks of providers may be off.
const SKEW: Duration = Duration::seconds(120);
/// How providers may sign: with keys of their own, never with a shared secret (RFC 8725 3.1 and 3.2).
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The provider cannot be reached. The text can be shown to an admin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Answer = Boxed<'static, Result<HttpResponse, Unreachable>>;
/// Makes a request to a provider, guarded and bounded by whoever passes it in. It follows no redirects.
pub struct Fetcher(Box<dyn Fn(HttpRequest) -> Answer + Send + Sync>);

impl Fetcher {
    /// Makes requests so.
    pub fn new<F>(fetch: impl Fn(HttpRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<HttpResponse, Unreachable>> + Send + 'static,
    {
        Self(Box::new(move |request| Box::pin(fetch(request))))
    }
}

impl<'c> AsyncHttpClient<'c> for Fetcher {
    type Error = Unreachable;
    type Future = Answer;

    fn call(&'c self, request: HttpRequest) -> Answer {
        (self.0)(request)
    }
}

/// What discovery documents say beside the standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Additional {
    /// Answers name their issuer (RFC 9207).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Additional {}

type Metadata = ProviderMetadata<
    LogoutProviderMetadata<Additional>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What a provider says of itself, with its keys.
#[derive(Debug, Clone)]
pub struct Discovered(Metadata);

/// Who we are to a provider.
#[derive(Clone)]
pub struct RelyingParty {
    /// What the provider calls us.
    pub client_id: String,
    /// What proves it.
    pub client_secret: String,
    /// Where the browser comes back to.
    pub redirect_uri: Url,
}

/// What is remembered of a request until the browser comes back.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingRequest {
    /// Names the request. 256 random bits.
    pub state: String,
    /// Ties the token to it. 256 random bits.
    pub nonce: String,
    /// Ties the code to it (PKCE). 256 random bits, 43 characters.
    pub verifier: String,
}

/// What the browser brings back.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Callback {
    /// To be redeemed.
    pub code: Option<String>,
    /// Which request it answers.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
}

/// What a provider says of a person, once everything was checked that can be without knowing the person.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenIdentity {
    /// What the provider calls the person, for ever.
    pub subject: String,
    /// Email address as it came.
    pub email: String,
    /// Whether the provider has checked it; none if it does not say.
    pub email_verified: Option<bool>,
}

/// Fetches the discovery document and the keys.
///
/// # Errors
/// In words for an admin.
pub fn discover<'a>(issuer: &'a str, fetch: &'a Fetcher) -> Boxed<'a, Result<Discovered, String>> {
    Box::pin(fetch_metadata(issuer, fetch))
}

async fn fetch_metadata(issuer: &str, fetch: &Fetcher) -> Result<Discovered, String> {
    use openidconnect::DiscoveryError as Error;
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| "the issuer is not a URL".to_owned())?;
    let metadata = Metadata::discover_async(issuer, fetch).await.map_err(|error| match error {
        Error::Request(unreachable) => unreachable.to_string(),
        Error::Response(status, _, _) => format!("an answer with the status {}", status.as_u16()),
        Error::Parse(_) => "an answer that is not what the standard asks for".to_owned(),
        Error::Validation(_) => "a document of another issuer".to_owned(),
        _ => "an answer of another kind".to_owned(),
    })?;
    Ok(Discovered(metadata))
}

impl Discovered {
    /// Where the browser goes to sign in.
    pub fn authorization_url(&self, party: &RelyingParty, request: &PendingRequest, login_hint: &str) -> Url {
        let client = CoreClient::from_provider_metadata(self.0.clone(), client_id(party), None);
        let verifier = PkceCodeVerifier::new(request.verifier.clone());
        let (state, nonce) = (CsrfToken::new(request.state.clone()), Nonce::new(request.nonce.clone()));
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let client = client.set_redirect_uri(RedirectUrl::from_url(party.redirect_uri.clone()));
        let url = client.authorize_url(flow, || state, || nonce);
        let url = url.add_scope(Scope::new("email".to_owned()));
        let url = url.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let url = if login_hint.is_empty() {
            url
        } else {
            url.set_login_hint(openidconnect::LoginHint::new(login_hint.to_owned()))
        };
        url.url().0
    }

    /// Where the browser goes to end the session at the provider (openid-connect-rpinitiated-1_0), if it can.
    pub fn logout_url(&self, client_id: &str, return_to: &Url, state: &str) -> Option<Url> {
        let endpoint = self.0.additional_metadata().end_session_endpoint.clone()?;
        let request = LogoutRequest::from(endpoint)
            .set_client_id(ClientId::new(client_id.to_owned()))
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::from_url(return_to.clone()))
            .set_state(CsrfToken::new(state.to_owned()));
        Some(request.http_get_url())
    }

    /// URLs that a browser is sent to or secrets go to.
    pub fn endpoints(&self) -> impl Iterator<Item = &Url> {
        let token = self.0.token_endpoint().map(|url| url.url());
        let logout = self.0.additional_metadata().end_session_endpoint.as_ref().map(|url| url.url());
        std::iter::once(self.0.authorization_endpoint().url())
            .chain(token)
            .chain(self.0.userinfo_endpoint().map(|url| url.url()))
            .chain(logout)
    }

    fn basic_authentication(&self) -> bool {
        // What a provider does not list defaults to this (openid-connect-discovery-1_0 3).
        let methods = self.0.token_endpoint_auth_methods_supported();
        methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic))
    }
}

fn client_id(party: &RelyingParty) -> ClientId {
    ClientId::new(party.client_id.clone())
}

/// The answer to a request that this browser has made, at the provider that was asked. Returns the code.
pub fn check_callback<'a>(
    discovered: &Discovered,
    callback: &'a Callback,
    request: &PendingRequest,
    transcript: &mut Transcript,
) -> Option<&'a str> {
    let same = callback.state.as_deref() == Some(request.state.as_str());
    transcript.check(
        SsoCheck::Request,
        same,
        "the state of this browser's request",
        if same { "it" } else { "another" },
    );
    let issuer = discovered.0.issuer().as_str();
    let named = discovered.0.additional_metadata().additional_metadata.authorization_response_iss_parameter_supported;
    if named || callback.iss.is_some() {
        transcript.equal(SsoCheck::Issuer, issuer, callback.iss.as_deref());
    }
    if !same || transcript.failed().is_some() {
        return None;
    }
    if let Some(error) = &callback.error {
        let description = callback.error_description.as_deref().unwrap_or_default();
        transcript.quote(SsoCheck::Status, false, "a code", &[error], description);
        return None;
    }
    let code = callback.code.as_deref();
    transcript.check(SsoCheck::Status, code.is_some(), "a code", if code.is_some() { "one" } else { "nothing" });
    code
}

/// Tokens that a code was redeemed for. Nothing of them is checked.
pub struct Tokens(CoreTokenResponse);

/// Redeems a code.
pub fn redeem<'a>(
    discovered: &'a Discovered,
    party: &'a RelyingParty,
    code: (&'a str, &'a PendingRequest),
    fetch: &'a Fetcher,
    transcript: &'a mut Transcript,
) -> Boxed<'a, Option<Tokens>> {
    Box::pin(exchange(discovered, party, code, fetch, transcript))
}

async fn exchange(
    discovered: &Discovered,
    party: &RelyingParty,
    (code, request): (&str, &PendingRequest),
    fetch: &Fetcher,
    transcript: &mut Transcript,
) -> Option<Tokens> {
    let secret = ClientSecret::new(party.client_secret.clone());
    let client = CoreClient::from_provider_metadata(discovered.0.clone(), client_id(party), Some(secret));
    let kind = if discovered.basic_authentication() { AuthType::BasicAuth } else { AuthType::RequestBody };
    let client = client.set_auth_type(kind).set_redirect_uri(RedirectUrl::from_url(party.redirect_uri.clone()));
    let verifier = PkceCodeVerifier::new(request.verifier.clone());
    const EXPECTED: &str = "tokens for the code";
    let Ok(exchange) = client.exchange_code(AuthorizationCode::new(code.to_owned())) else {
        transcript.check(SsoCheck::Token, false, EXPECTED, "no token endpoint");
        return None;
    };
    let tokens = match exchange.set_pkce_verifier(verifier).request_async(fetch).await {
        Ok(tokens) => tokens,
        Err(error) => {
            match error {
                RequestTokenError::ServerResponse(response) => {
                    let words = response.error_description().map(String::as_str).unwrap_or_default();
                    transcript.quote(SsoCheck::Token, false, EXPECTED, &[response.error().as_ref()], words);
                }
                RequestTokenError::Request(unreachable) => {
                    transcript.check(SsoCheck::Token, false, EXPECTED, &unreachable.to_string());
                }
                _ => {
                    let odd = "an answer that is not what the standard asks for";
                    transcript.check(SsoCheck::Token, false, EXPECTED, odd);
                }
            }
            return None;
        }
    };
    transcript.check(SsoCheck::Token, true, EXPECTED, "tokens");
    Some(Tokens(tokens))
}

/// What checking a token can come to.
pub enum Identified {
    /// The provider vouches for this person.
    As(OpenIdentity),
    /// A check failed; the transcript says which.
    Refused,
    /// It is signed with a key that was not among the provider's when they were fetched.
    UnknownKey,
}

/// Checks the tokens, and asks the provider for the email address if it is not in them.
pub fn identify<'a>(
    discovered: &'a Discovered,
    party: &'a RelyingParty,
    tokens: (&'a Tokens, &'a PendingRequest),
    now: Timestamp,
    fetch: &'a Fetcher,
    transcript: &'a mut Transcript,
) -> Boxed<'a, Identified> {
    Box::pin(check_tokens(discovered, party, tokens, now, fetch, transcript))
}

async fn check_tokens(
    discovered: &Discovered,
    party: &RelyingParty,
    (tokens, request): (&Tokens, &PendingRequest),
    now: Timestamp,
    fetch: &Fetcher,
    transcript: &mut Transcript,
) -> Identified {
    let claims = match check_id_token(discovered, party, (tokens, request), now, transcript) {
        Ok(claims) => claims,
        Err(unknown_key) => return if unknown_key { Identified::UnknownKey } else { Identified::Refused },
    };
    let subject = claims.subject().to_string();
    let mut email = (claims.email().map(|email| email.to_string()), claims.email_verified());
    if email.0.is_none() {
        email = user_info(discovered, party, tokens, claims.subject().clone(), fetch, transcript).await;
    }
    let (address, verified) = email;
    let actual = if address.is_some() { "one" } else { "nothing" };
    transcript.check(SsoCheck::Email, address.is_some(), "the claim email", actual);
    match address {
        Some(email) if transcript.failed().is_none() => {
            Identified::As(OpenIdentity { subject, email, email_verified: verified })
        }
        _ => Identified::Refused,
    }
}

/// The claims of the token, or whether it was refused because its key is not known.
fn check_id_token(
    discovered: &Discovered,
    party: &RelyingParty,
    (tokens, request): (&Tokens, &PendingRequest),
    now: Timestamp,
    transcript: &mut Transcript,
) -> Result<CoreIdTokenClaims, bool> {
    let client = CoreClient::from_provider_metadata(discovered.0.clone(), client_id(party), None);
    let Some(token) = tokens.0.id_token() else {
        transcript.check(SsoCheck::Token, false, "an ID token", "nothing");
        return Err(false);
    };
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || now - SKEW)
        .set_issue_time_verifier_fn(move |issued| (issued <= now + SKEW).then_some(()).ok_or_else(String::new));
    let claims = match token.claims(&verifier, &Nonce::new(request.nonce.clone())) {
        Ok(claims) => claims,
        Err(error) => {
            let unknown = matches!(
                error,
                ClaimsVerificationError::SignatureVerification(
                    openidconnect::SignatureVerificationError::NoMatchingKey
                        | openidconnect::SignatureVerificationError::CryptoError(_)
                )
            );
            let (check, expected, actual) = refusal(&error);
            transcript.check(check, false, expected, actual);
            return Err(unknown);
        }
    };
    transcript.check(SsoCheck::Signature, true, "a signature by a key of the provider", "such a signature");
    transcript.check(SsoCheck::Issuer, true, discovered.0.issuer().as_str(), claims.issuer().as_str());
    let presenter = claims.authorized_party().map(|party| party.to_string());
    let presenter = presenter.as_deref().unwrap_or(&party.client_id);
    transcript.equal(SsoCheck::Audience, &party.client_id, Some(presenter));
    transcript.check(SsoCheck::Times, true, "a token of now", "such a token");
    let subject = claims.subject().as_str();
    let named = !subject.is_empty() && subject.len() <= 255;
    transcript.check(
        SsoCheck::Subject,
        named,
        "a subject of up to 255 characters",
        if named { "one" } else { "another" },
    );
    if let Some(expected) = claims.access_token_hash() {
        let key = token.signing_key(&verifier).ok();
        let algorithm = token.signing_alg().ok();
        let hash = key
            .zip(algorithm)
            .and_then(|(key, algorithm)| AccessTokenHash::from_token(tokens.0.access_token(), algorithm, key).ok());
        let same = hash.as_ref() == Some(expected);
        transcript.check(
            SsoCheck::Token,
            same,
            "the access token that the ID token names",
            if same { "it" } else { "another" },
        );
    }
    if transcript.failed().is_some() { Err(false) } else { Ok(claims.clone()) }
}

/// What is said of a token that is refused: nothing that stands in it.
fn refusal(error: &ClaimsVerificationError) -> (SsoCheck, &'static str, &'static str) {
    use ClaimsVerificationError as Error;
    match error {
        Error::Expired(_) => (SsoCheck::Times, "a token of now", "one that has ended"),
        Error::InvalidAudience(_) => (SsoCheck::Audience, "a token for us alone", "one for others"),
        Error::InvalidIssuer(_) => (SsoCheck::Issuer, "a token of this issuer", "one of another"),
        Error::InvalidNonce(_) => (SsoCheck::Request, "the nonce of this browser's request", "another"),
        Error::InvalidSubject(_) => (SsoCheck::Subject, "a subject", "none"),
        Error::SignatureVerification(openidconnect::SignatureVerificationError::DisallowedAlg(_)) => {
            (SsoCheck::Signature, "an algorithm with a key of the provider", "another algorithm, or none")
        }
        Error::SignatureVerification(_) => (SsoCheck::Signature, "a signature by a key of the provider", "another"),
        // The only other thing that is looked at by the library is when it was issued.
        _ => (SsoCheck::Times, "a well-formed token of now", "another"),
    }
}

/// The email address as the provider tells it at its user info endpoint, for the same subject.
async fn user_info(
    discovered: &Discovered,
    party: &RelyingParty,
    tokens: &Tokens,
    subject: SubjectIdentifier,
    fetch: &Fetcher,
    transcript: &mut Transcript,
) -> (Option<String>, Option<bool>) {
    let client = CoreClient::from_provider_metadata(discovered.0.clone(), client_id(party), None);
    let Ok(request) = client.user_info(tokens.0.access_token().clone(), Some(subject)) else { return (None, None) };
    match request.request_async(fetch).await {
        Ok(claims) => {
            let claims: CoreUserInfoClaims = claims;
            (claims.email().map(|email| email.to_string()), claims.email_verified())
        }
        Err(_) => {
            transcript.check(SsoCheck::Token, false, "claims at the user info endpoint", "no such answer");
            (None, None)
        }
    }
}
