//! What an identity provider answers, and what comes of it.

use std::sync::Arc;

use domain::{
    Account, AccountCommand, Code, FederatedIdentity, Principal, SamlAssertionReservation, SingleSignOn,
    SingleSignOnCommand, SsoAnswer, SsoAnswerCommand, reservation::UseAssertion,
};
use identity::{
    Transcript, open_from_browser,
    openid::{Callback, Identified, RelyingParty, check_callback, identify, redeem},
    saml::{Assertion, Expected, decode_post, verify_response},
};
use schema::{
    AccountId, FederatedName, LoginMethod, OrganizationId, SamlAssertionKey, SessionOrigin, SsoCheck, SsoConfiguration,
    SsoProviderId, SsoRequestId, SsoTestId, Timestamp,
    events::{single_sign_on::SsoTestEnded, sso_answer::SsoAnswerAccepted},
};

use super::{
    FETCHED_ANEW_AFTER, SingleSignOnService,
    discovery::Known,
    pending::{Pending, Purpose, SEALED_FOR},
    saml_provider,
    trust::SYSTEM,
};
use crate::{
    Failure, Loaded, Request,
    processes::sign_in::{Federated, Proven, SessionStart, SignedIn},
};

/// What is expected where a provider describes itself.
pub(super) const DISCOVERED: &str = "a discovery document and keys";

/// What came of an answer.
pub enum Answered {
    /// The person is signed in.
    SignedIn {
        /// The new session.
        signed_in: Box<SignedIn>,
        /// Path to lead the browser on to.
        return_to: Option<String>,
    },
    /// A test has ended; nobody is signed in.
    Tested {
        /// The test.
        test: SsoTestId,
        /// Every check, for the admin who looks at it.
        transcript: Transcript,
    },
    /// Nobody is signed in. The history says why.
    Refused {
        /// Names the answer in the history.
        request: SsoRequestId,
    },
}

/// An answer by SAML, as the browser brings it.
#[derive(Debug, Clone)]
pub struct SamlAnswer {
    /// The response, in base64.
    pub response: String,
}

/// What a provider says of a person: everything that can be checked of the answer alone holds.
pub struct Vouched {
    /// Email address as it came.
    pub(super) email: String,
    /// Whether the provider has checked it; none if it does not say.
    pub(super) email_verified: Option<bool>,
    /// The issuer that it is.
    issuer: String,
    /// What it calls the person for ever, if it has such a name.
    lasting: Option<String>,
    /// Person and session in its words.
    pub(super) name: FederatedName,
    /// When the session has to end.
    pub(super) session_ends_at: Option<Timestamp>,
    /// The assertion, which is to be used once.
    pub(super) assertion: Option<SamlAssertionKey>,
}

/// What an answer is judged in the light of.
struct Asked {
    organization: OrganizationId,
    sso: Arc<Loaded<SingleSignOn>>,
    pending: Pending,
    configuration: SsoConfiguration,
}

impl SingleSignOnService {
    /// What this browser has asked of the provider, if it kept it well.
    pub fn open_pending(&self, sealed: &str) -> Option<Pending> {
        open_from_browser(&self.platform.keys, SEALED_FOR, sealed).ok()
    }

    /// An answer by SAML.
    pub async fn saml_answer(
        &self,
        request: &Request,
        provider: SsoProviderId,
        (pending, origin): (Option<Pending>, SessionOrigin),
        answer: SamlAnswer,
    ) -> Result<Answered, Failure> {
        let mut transcript = Transcript::default();
        let asked = match self.asked(provider, pending, &mut transcript).await? {
            Ok(asked) => asked,
            Err(request) => return self.refused(provider, request, transcript).await,
        };
        let vouched = match saml_provider(&asked.configuration) {
            Some(saml) => {
                let (wanted, issuer) = ((asked.pending.saml_id(), request.at), saml.issuer.clone());
                let (assertion, checked) = self.check_saml(provider, saml, wanted, answer, transcript).await?;
                transcript = checked;
                assertion.map(|assertion| self.vouched_by_saml(provider, &issuer, assertion))
            }
            None => wrong_protocol(&mut transcript),
        };
        self.conclude(request, asked, vouched, transcript, origin).await
    }

    /// An answer by OpenID Connect.
    pub async fn openid_answer(
        &self,
        request: &Request,
        provider: SsoProviderId,
        (pending, origin): (Option<Pending>, SessionOrigin),
        callback: Callback,
    ) -> Result<Answered, Failure> {
        let mut transcript = Transcript::default();
        let asked = match self.asked(provider, pending, &mut transcript).await? {
            Ok(asked) => asked,
            Err(request) => return self.refused(provider, request, transcript).await,
        };
        let vouched = match &asked.configuration {
            SsoConfiguration::OpenIdConnect { issuer, client_id, secret } => {
                let party = self.relying_party(provider, client_id, *secret).await?;
                self.redeem(
                    (asked.organization, issuer),
                    &party,
                    &asked.pending,
                    &callback,
                    request.at,
                    &mut transcript,
                )
                .await
            }
            SsoConfiguration::Saml { .. } => wrong_protocol(&mut transcript),
        };
        self.conclude(request, asked, vouched, transcript, origin).await
    }

    /// An answer that cannot even be read.
    pub async fn unreadable_answer(&self, provider: SsoProviderId) -> Result<Answered, Failure> {
        let mut transcript = Transcript::default();
        let expected = "an answer with each field once, of at most 1 MiB";
        transcript.check(SsoCheck::Format, false, expected, "something else");
        self.refused(provider, None, transcript).await
    }

    /// The request that is answered: one that this browser has made, in time, to this provider, whose configuration has
    /// not changed since. Otherwise the request that it would be an answer to, if it is one to this provider.
    async fn asked(
        &self,
        provider: SsoProviderId,
        pending: Option<Pending>,
        transcript: &mut Transcript,
    ) -> Result<Result<Asked, Option<SsoRequestId>>, Failure> {
        let (organization, sso) = self.of(provider).await?;
        let now = self.platform.clock.now();
        let (pending, actual) = match pending {
            None => (None, "no request of this browser, or one of long ago"),
            Some(pending) if pending.provider != provider => (None, "a request to another provider"),
            Some(pending) if now >= pending.expires_at => (None, "a request that has ended"),
            Some(pending) => (Some(pending), "such a request"),
        };
        transcript.check(SsoCheck::Request, pending.is_some(), "an answer to a request of this browser", actual);
        let Some(pending) = pending else { return Ok(Err(None)) };
        let spent = self.platform.load::<SsoAnswer>(&pending.request).await?.state.is_spent();
        if !transcript.check(SsoCheck::Replay, !spent, "the first answer", if spent { "another" } else { "it" }) {
            return Ok(Err(Some(pending.request)));
        }
        let known = sso.state.provider(provider).and_then(|known| Self::configured(known, &pending));
        let configuration = known.map(|details| details.configuration.clone());
        let actual = if configuration.is_some() { "it" } else { "one that was deactivated, removed or changed since" };
        transcript.check(SsoCheck::Provider, configuration.is_some(), "the provider as it was asked", actual);
        Ok(match configuration {
            Some(configuration) => Ok(Asked { organization, sso, pending, configuration }),
            None => Err(Some(pending.request)),
        })
    }

    async fn check_saml(
        &self,
        provider: SsoProviderId,
        saml: identity::saml::Provider,
        (request, now): (String, Timestamp),
        answer: SamlAnswer,
        mut transcript: Transcript,
    ) -> Result<(Option<Assertion>, Transcript), Failure> {
        let service = self.service_provider(provider);
        let check = move || {
            let assertion = match decode_post(&answer.response) {
                Ok(message) => {
                    let expected = Expected { provider: &saml, service: &service, request: &request, now };
                    verify_response(&message, &expected, &mut transcript)
                }
                Err(problem) => {
                    transcript.check(SsoCheck::Format, false, "a response in base64", problem.0);
                    None
                }
            };
            (assertion, transcript)
        };
        self.checked(provider, check).await
    }

    /// How the issuer that a provider is knows a person: other issuers know others so.
    pub(super) fn identity(&self, provider: SsoProviderId, account: AccountId, vouched: &Vouched) -> FederatedIdentity {
        let keys = &self.platform.keys;
        let issuer = keys.federated_issuer_key(provider, &vouched.issuer);
        let key = |name: &str| keys.federated_subject_key(provider, &format!("{issuer}:{name}"));
        let (subject, by_address) = (vouched.lasting.as_deref().map(key), key(&format!("account:{account}")));
        FederatedIdentity { issuer, subject, by_address }
    }

    fn vouched_by_saml(&self, provider: SsoProviderId, issuer: &str, assertion: Assertion) -> Vouched {
        let keys = &self.platform.keys;
        let persistent = assertion.subject.is_persistent();
        let lasting = persistent.then(|| format!("persistent:{}", assertion.subject.value));
        Vouched {
            email: assertion.email,
            email_verified: None,
            issuer: issuer.to_owned(),
            lasting,
            assertion: Some(keys.saml_assertion_key(provider, &assertion.id)),
            name: FederatedName {
                value: assertion.subject.value,
                format: assertion.subject.format,
                qualifiers: assertion.subject.qualifiers,
                session_index: assertion.session_index,
            },
            session_ends_at: assertion.session_ends_at,
        }
    }

    /// Redeems the code and checks the tokens. A key that is not known is looked for anew, once in a while.
    async fn redeem(
        &self,
        (organization, issuer): (OrganizationId, &str),
        party: &RelyingParty,
        pending: &Pending,
        callback: &Callback,
        now: Timestamp,
        transcript: &mut Transcript,
    ) -> Option<Vouched> {
        let fetched = self.discovered_for(organization, issuer, (now, None), transcript).await?;
        let code = check_callback(&fetched.discovered, callback, &pending.ties, transcript)?;
        let fetch = self.discovery.fetcher(organization);
        let tokens = redeem(&fetched.discovered, party, (code, &pending.ties), &fetch, transcript).await?;
        let tokens = (&tokens, &pending.ties);
        let mut tried = transcript.clone();
        let mut identified = identify(&fetched.discovered, party, tokens, now, &fetch, &mut tried).await;
        if matches!(identified, Identified::UnknownKey) && fetched.at + FETCHED_ANEW_AFTER <= now {
            let anew = self.discovered_for(organization, issuer, (now, Some(now)), transcript).await?;
            tried.clone_from(transcript);
            identified = identify(&anew.discovered, party, tokens, now, &fetch, &mut tried).await;
        }
        *transcript = tried;
        let Identified::As(identity) = identified else { return None };
        Some(Vouched {
            email: identity.email,
            email_verified: identity.email_verified,
            issuer: issuer.to_owned(),
            lasting: Some(format!("sub:{}", identity.subject)),
            assertion: None,
            name: FederatedName { value: identity.subject, ..FederatedName::default() },
            session_ends_at: None,
        })
    }

    async fn discovered_for(
        &self,
        organization: OrganizationId,
        issuer: &str,
        times: (Timestamp, Option<Timestamp>),
        transcript: &mut Transcript,
    ) -> Option<Known> {
        match self.discovery.of(organization, issuer, times).await {
            Ok(fetched) => {
                transcript.check(SsoCheck::Discovery, true, DISCOVERED, "such a document");
                Some(fetched)
            }
            Err(problem) => {
                transcript.check(SsoCheck::Discovery, false, DISCOVERED, &problem);
                None
            }
        }
    }

    /// Lets the person in, ends the test, or notes the refusal.
    async fn conclude(
        &self,
        request: &Request,
        asked: Asked,
        vouched: Option<Vouched>,
        mut transcript: Transcript,
        origin: SessionOrigin,
    ) -> Result<Answered, Failure> {
        let Asked { organization, sso, pending, .. } = asked;
        let account = match &vouched {
            Some(vouched) if transcript.failed().is_none() => {
                let account = self.trust((organization, &sso.state), &pending, vouched, &mut transcript).await?;
                self.use_assertion(&pending, vouched, account, &mut transcript).await?
            }
            _ => None,
        };
        match (&pending.purpose, account, vouched) {
            (Purpose::Test { test }, ..) => self.end_test(organization, &sso.state, &pending, *test, transcript).await,
            (Purpose::SignIn { return_to }, Some(account), Some(vouched)) => {
                let return_to = return_to.clone();
                let accepted = self.accept(request, organization, &pending, account, vouched, origin).await;
                match accepted {
                    Ok(signed_in) => Ok(Answered::SignedIn { signed_in: Box::new(signed_in), return_to }),
                    // Somebody was faster: with the same answer, or in changing the account.
                    Err(failure) if failure.code().is_some_and(|code| code != Code::Busy) => {
                        let check = match failure.code() {
                            Some(Code::AlreadyUsed) => SsoCheck::Replay,
                            _ => SsoCheck::Account,
                        };
                        transcript.check(check, false, "the first answer, for an account as it was", "another");
                        self.refused(pending.provider, Some(pending.request), transcript).await
                    }
                    Err(failure) => Err(failure),
                }
            }
            _ => self.refused(pending.provider, Some(pending.request), transcript).await,
        }
    }

    /// The last of the checks, since it uses the assertion up.
    async fn use_assertion(
        &self,
        pending: &Pending,
        vouched: &Vouched,
        account: Option<AccountId>,
        transcript: &mut Transcript,
    ) -> Result<Option<AccountId>, Failure> {
        let (Some(account), Some(assertion)) = (account, &vouched.assertion) else { return Ok(account) };
        let system = self.platform.request(Principal::System(SYSTEM));
        let used =
            self.platform.execute::<SamlAssertionReservation>(&system, assertion, UseAssertion(pending.request)).await;
        match used {
            Ok(_) => Ok(Some(account)),
            Err(failure) if failure.code() == Some(Code::AlreadyUsed) => {
                transcript.check(SsoCheck::Replay, false, "an assertion that was not seen before", "one that was");
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn accept(
        &self,
        request: &Request,
        organization: OrganizationId,
        pending: &Pending,
        account: AccountId,
        vouched: Vouched,
        origin: SessionOrigin,
    ) -> Result<SignedIn, Failure> {
        let (platform, provider) = (&self.platform, pending.provider);
        let system = request.as_system(SYSTEM);
        let accepted = SsoAnswerAccepted { request: pending.request, organization, provider, account };
        platform.execute::<SsoAnswer>(&system, &pending.request, SsoAnswerCommand::Accept(accepted)).await?;
        let identity = self.identity(provider, account, &vouched);
        let command = AccountCommand::SignInAtProvider { provider, identity };
        let person = platform.execute::<Account>(&system, &account, command).await?;
        if !person.events.is_empty()
            && let Err(failure) = platform.resume_roles(request, account).await
        {
            tracing::warn!(%account, %failure, "an account that was set back has its roles again later");
        }
        let proven = Proven { account, epoch: person.after.state.session_epoch() };
        let federated = Federated { provider, name: vouched.name, ends_at: vouched.session_ends_at };
        let start = SessionStart { method: LoginMethod::SingleSignOn, origin, federated: Some(federated) };
        platform.start_session(request, proven, start).await
    }

    /// Keeps the transcript with the test, sealed for the admin who tests.
    pub(super) async fn end_test(
        &self,
        organization: OrganizationId,
        sso: &SingleSignOn,
        pending: &Pending,
        test: SsoTestId,
        mut transcript: Transcript,
    ) -> Result<Answered, Failure> {
        let provider = pending.provider;
        let tester = sso.provider(provider).and_then(|known| known.pending.get(&test)).map(|open| open.account);
        let Some(tester) = tester else {
            transcript.check(SsoCheck::Replay, false, "the first answer to the test", "another");
            return self.refused(provider, Some(pending.request), transcript).await;
        };
        let results = transcript.results().to_vec();
        let sealed = self.platform.people.seal_for(tester, &results).await?.ok_or(Code::NotFound)?;
        let failed = transcript.failed().map(|failed| failed.check);
        let ended = SingleSignOnCommand::EndTest(SsoTestEnded { provider, test, failed, transcript: sealed });
        let system = self.platform.request(Principal::System(SYSTEM));
        match self.platform.execute::<SingleSignOn>(&system, &organization, ended).await {
            Ok(_) => Ok(Answered::Tested { test, transcript }),
            // Answered or edited meanwhile.
            Err(failure) if matches!(failure.code(), Some(Code::NotFound | Code::Expired)) => {
                transcript.check(SsoCheck::Replay, false, "the first answer to the test", "another");
                self.refused(provider, Some(pending.request), transcript).await
            }
            Err(failure) => Err(failure),
        }
    }

    async fn refused(
        &self,
        provider: SsoProviderId,
        request: Option<SsoRequestId>,
        transcript: Transcript,
    ) -> Result<Answered, Failure> {
        let organization = self.owner(provider).await?;
        let request = self.note_refusal((organization, provider), request, &transcript).await?;
        Ok(Answered::Refused { request })
    }
}

fn wrong_protocol(transcript: &mut Transcript) -> Option<Vouched> {
    transcript.check(SsoCheck::Format, false, "an answer in the protocol of the provider", "another");
    None
}
