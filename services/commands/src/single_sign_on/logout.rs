//! Single logout: ours at the provider when a person signs out here, and the provider's here.

use data_encoding::HEXLOWER;
use domain::{
    Code, Federation, Principal, SamlAssertionReservation, Session, SessionCommand, reservation::UseAssertion,
};
use identity::{
    EntropyExt, Transcript,
    saml::{
        LogoutRequest, NameId, Parties, Received, SignedQuery, decode_post, logout_request, logout_response,
        verify_logout_request, verify_logout_response,
    },
};
use schema::{OrganizationId, SessionId, SsoCheck, SsoConfiguration, SsoProviderId, SsoRequestId};
use url::Url;

use super::{SingleSignOnService, saml_provider, trust::SYSTEM};
use crate::Failure;

/// A message of single logout, as the browser brings it.
#[derive(Debug, Clone)]
pub enum LogoutMessage {
    /// In the query of a URL, as it came.
    Query(String),
    /// In a form.
    Form {
        /// The message in base64.
        message: String,
        /// It is a response, not a request.
        is_response: bool,
        /// What goes back with the answer.
        relay_state: Option<String>,
    },
}

/// What came of a message of single logout.
#[derive(Debug)]
pub enum LoggedOut {
    /// The provider asked for it: sessions are ended, and the browser takes the answer there.
    Here(Url),
    /// The provider asked for it and takes no answer.
    Silently,
    /// The provider has ended its session, as we asked.
    There,
    /// The message does not count. The history says why.
    Refused(SsoRequestId),
}

impl SingleSignOnService {
    /// Where a browser goes to end the session at the provider that a session here began with. None if it began
    /// otherwise, or the provider takes no such requests.
    pub async fn logout_url(&self, session: SessionId) -> Result<Option<Url>, Failure> {
        let loaded = self.platform.load::<Session>(&session).await?;
        let Some(federated) = loaded.state.federated() else { return Ok(None) };
        let provider = federated.provider;
        let (organization, sso) = self.of(provider).await?;
        let Some(active) = sso.state.provider(provider).and_then(|known| known.active.as_ref()) else {
            return Ok(None);
        };
        match &active.configuration {
            SsoConfiguration::Saml { logout_url: Some(logout_url), .. } => {
                let Some(name) = self.platform.people.open(&federated.name).await? else { return Ok(None) };
                let to = self.url(logout_url)?;
                let state = HEXLOWER.encode(&self.platform.entropy.bytes::<16>());
                let id = self.logout_id(provider, &state);
                let index = name.session_index;
                let name = NameId { value: name.value, format: name.format, qualifiers: name.qualifiers };
                let service = self.service_provider(provider);
                let named = (&name, index.as_deref());
                let message = logout_request(&id, &to, &service, self.platform.clock.now(), named);
                let url = message.redirect(Some(&state), &*self.signing_key().await?);
                url.map(Some).map_err(|problem| Failure::OutOfOrder(problem.to_string()))
            }
            SsoConfiguration::Saml { .. } => Ok(None),
            SsoConfiguration::OpenIdConnect { issuer, client_id, .. } => {
                // A provider that is out of reach keeps nobody from signing out here.
                let now = self.platform.clock.now();
                let Ok(known) = self.discovery.of(organization, issuer, (now, None)).await else { return Ok(None) };
                let state = HEXLOWER.encode(&self.platform.entropy.bytes::<16>());
                let back = self.url(&self.signed_out_url(provider))?;
                Ok(known.discovered.logout_url(client_id, &back, &state))
            }
        }
    }

    /// The id of a request to log out follows from what comes back with the answer, so nothing has to be remembered.
    fn logout_id(&self, provider: SsoProviderId, state: &str) -> String {
        format!("_{}", self.platform.keys.federated_subject_key(provider, &format!("logout:{state}")))
    }

    /// A message of single logout from a provider.
    pub async fn logout_message(&self, provider: SsoProviderId, message: LogoutMessage) -> Result<LoggedOut, Failure> {
        let (organization, sso) = self.of(provider).await?;
        let mut transcript = Transcript::default();
        let active = sso.state.provider(provider).and_then(|known| known.active.as_ref());
        let saml = active.and_then(|active| saml_provider(&active.configuration));
        let actual = if saml.is_some() { "it" } else { "one that is not active" };
        transcript.check(SsoCheck::Provider, saml.is_some(), "an active provider of SAML", actual);
        let Some(saml) = saml else { return self.refused_logout((organization, provider), transcript).await };
        let read = match read(message) {
            Ok(read) => read,
            Err(problem) => {
                transcript.check(SsoCheck::Format, false, "a signed message of single logout", problem);
                return self.refused_logout((organization, provider), transcript).await;
            }
        };
        let (service, now) = (self.service_provider(provider), self.platform.clock.now());
        let expected = read.relay_state().map(|state| self.logout_id(provider, state)).unwrap_or_default();
        let logout_url = saml.logout_url.clone();
        let check = move || {
            let parties = Parties { provider: &saml, service: &service, now };
            let outcome = match read.is_response() {
                true => verify_logout_response(read.received(), &parties, &expected, &mut transcript).then_some(None),
                false => verify_logout_request(read.received(), &parties, &mut transcript).map(Some),
            };
            (outcome, transcript, read, service)
        };
        let (outcome, mut transcript, read, service) = self.checked(provider, check).await?;
        match outcome {
            None => self.refused_logout((organization, provider), transcript).await,
            Some(None) => Ok(LoggedOut::There),
            Some(Some(request)) => {
                if !self.is_first(provider, &request.id).await? {
                    transcript.check(SsoCheck::Replay, false, "a request that was not seen before", "one that was");
                    return self.refused_logout((organization, provider), transcript).await;
                }
                self.end_sessions(provider, &request).await?;
                let Some(to) = logout_url else { return Ok(LoggedOut::Silently) };
                let id = format!("_{}", HEXLOWER.encode(&self.platform.entropy.bytes::<20>()));
                let message = logout_response(&id, &self.url(&to)?, &service, now, &request.id);
                let url = message.redirect(read.relay_state(), &*self.signing_key().await?);
                url.map(LoggedOut::Here).map_err(|problem| Failure::OutOfOrder(problem.to_string()))
            }
        }
    }

    async fn refused_logout(
        &self,
        whose: (OrganizationId, SsoProviderId),
        transcript: Transcript,
    ) -> Result<LoggedOut, Failure> {
        Ok(LoggedOut::Refused(self.note_refusal(whose, None, &transcript).await?))
    }

    /// Notes a request of a provider, which is for the sessions that there are now and for none later.
    async fn is_first(&self, provider: SsoProviderId, id: &str) -> Result<bool, Failure> {
        let key = self.platform.keys.saml_assertion_key(provider, &format!("logout:{id}"));
        let system = self.platform.request(Principal::System(SYSTEM));
        let used = UseAssertion(SsoRequestId(self.platform.entropy.uuid_v4()));
        match self.platform.execute::<SamlAssertionReservation>(&system, &key, used).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.code() == Some(Code::AlreadyUsed) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn end_sessions(&self, provider: SsoProviderId, request: &LogoutRequest) -> Result<(), Failure> {
        let keys = &self.platform.keys;
        let subject = keys.federated_subject_key(provider, &format!("name:{}", request.subject.value));
        let index = |index: &String| keys.federated_subject_key(provider, &format!("index:{index}"));
        let indexes: Vec<_> = request.session_indexes.iter().map(index).collect();
        let federation = self.platform.load::<Federation>(&subject).await?;
        let system = self.platform.request(Principal::System(SYSTEM));
        for session in federation.state.sessions(&indexes, system.at) {
            match self.platform.execute::<Session>(&system, &session, SessionCommand::End).await {
                // It was noted before it began, and never did.
                Err(failure) if failure.code() == Some(Code::NotFound) => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}

/// A message that was taken out of what came.
enum Read {
    Query(SignedQuery),
    Form { message: String, is_response: bool, relay_state: Option<String> },
}

impl Read {
    fn is_response(&self) -> bool {
        match self {
            Self::Query(query) => query.is_response,
            Self::Form { is_response, .. } => *is_response,
        }
    }
    fn relay_state(&self) -> Option<&str> {
        match self {
            Self::Query(query) => query.relay_state.as_deref(),
            Self::Form { relay_state, .. } => relay_state.as_deref(),
        }
    }
    fn received(&self) -> Received<'_> {
        match self {
            Self::Query(query) => Received::Query(query),
            Self::Form { message, .. } => Received::Form(message),
        }
    }
}

fn read(message: LogoutMessage) -> Result<Read, &'static str> {
    match message {
        LogoutMessage::Query(query) => SignedQuery::parse(&query).map(Read::Query).map_err(|problem| problem.0),
        LogoutMessage::Form { message, is_response, relay_state } => {
            let message = decode_post(&message).map_err(|problem| problem.0)?;
            Ok(Read::Form { message, is_response, relay_state })
        }
    }
}
