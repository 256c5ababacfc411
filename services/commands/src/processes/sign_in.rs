//! Signing in with a password, and telling who a request comes from.

use std::sync::Arc;

use domain::{
    Account, AccountStatus, Aggregate, Code, DomainReservation, EmailReservation, Federation, NoteSession, Principal,
    Roles, Session, SessionCommand, SingleSignOn,
    session::{SESSION_IDLE_LIFETIME, SESSION_LIFETIME},
    text::EmailAddress,
};
use identity::{EntropyExt, Password, SessionToken};
use schema::{
    AccountId, FederatedName, LoginMethod, OrganizationId, Position, SessionId, SessionOrigin, SsoProviderId,
    Timestamp,
    events::{
        federation::FederationSessionNoted,
        session::{SessionFederated, SessionStarted},
    },
};
use uuid::Uuid;

use crate::{Failure, Platform, Request};

/// A person who has proven who they are, by what the account was at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// Who.
    pub account: AccountId,
    /// The account's session epoch when the proof was checked.
    pub epoch: u64,
}

/// How people with an address of a certain domain sign in. The same for all of them, whether or not they have an account.
#[derive(Debug, Clone)]
pub struct SignInOptions {
    /// What to offer first.
    pub preferred: LoginMethod,
    /// The provider that serves the domain, and what people know it by.
    pub provider: Option<(SsoProviderId, String)>,
    /// Everybody has to sign in at the provider, but for one system admin.
    pub required: bool,
}

/// How a session begins.
#[derive(Debug, Clone)]
pub struct SessionStart {
    /// How the person has proven who they are.
    pub method: LoginMethod,
    /// From where.
    pub origin: SessionOrigin,
    /// The session at an identity provider that it begins with.
    pub federated: Option<Federated>,
}

impl SessionStart {
    /// With a password, or the link by which one was chosen.
    pub fn by_password(origin: SessionOrigin) -> Self {
        Self { method: LoginMethod::Password, origin, federated: None }
    }
}

/// A session at an identity provider.
#[derive(Debug, Clone)]
pub struct Federated {
    /// The provider.
    pub provider: SsoProviderId,
    /// Person and session in its words.
    pub name: FederatedName,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
}

/// A session that is open.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session.
    pub session: SessionId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last used, as far as this process knows.
    pub last_used_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// How the person signed in.
    pub method: LoginMethod,
    /// From where.
    pub origin: Option<SessionOrigin>,
}

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// What the client keeps. Shown once.
    pub token: SessionToken,
    /// Who signed in.
    pub principal: Principal,
    /// Where the event stands in the log.
    pub position: Option<Position>,
}

impl Platform {
    /// Checks email address and password. Unknown addresses get the same answer, in the same time, as wrong passwords.
    pub async fn check_credentials(&self, email: &str, password: Password) -> Result<Proven, Failure> {
        let holder = match EmailAddress::parse(email) {
            Ok(email) => self.load::<EmailReservation>(&self.keys.email_key(email.as_str())).await?.state.holder(),
            Err(_) => None,
        };
        // Without an account the same steps are taken for one that cannot be.
        let account = holder.unwrap_or(AccountId(Uuid::nil()));
        let state = &self.load::<Account>(&account).await?.state;
        let activated = state.status() == AccountStatus::Activated;
        let credential = state.credential().filter(|_| activated).unwrap_or(Uuid::nil());
        let right = self.verify_password(account, credential, &password).await?;
        match right {
            // Said only to those who know the password: who signs in how is nobody else's business.
            true if !self.allows_password(account).await? => Err(Code::SingleSignOnRequired.into()),
            true if state.must_reset() => Err(Code::PasswordResetRequired.into()),
            true => Ok(Proven { account, epoch: state.session_epoch() }),
            false => Err(Code::WrongCredentials.into()),
        }
    }

    /// How people with an address of the same domain sign in. What is no address is answered like one of a domain that
    /// nobody has verified.
    pub async fn sign_in_options(&self, email: &str) -> Result<SignInOptions, Failure> {
        let mut options = SignInOptions { preferred: LoginMethod::Password, provider: None, required: false };
        let Ok(email) = EmailAddress::parse(email) else { return Ok(options) };
        let domain = email.domain().as_str();
        let holder = self.load::<DomainReservation>(&domain.to_owned()).await?.state.holder();
        let Some(organization) = holder else { return Ok(options) };
        let sso = self.load::<SingleSignOn>(&organization).await?;
        if let Some((provider, active)) = sso.state.serving(domain)
            && self.has_verified(organization, domain).await?
        {
            options.provider = Some((provider, active.name.clone()));
            options.preferred = sso.state.method_for_new(domain, true);
            options.required = sso.state.way_back_in().is_some();
        }
        Ok(options)
    }

    /// Those of the sessions that are a person's and open at this moment, in the same order.
    pub async fn open_sessions(&self, account: AccountId, sessions: &[SessionId]) -> Result<Vec<OpenSession>, Failure> {
        let now = self.clock.now();
        let epoch = self.load::<Account>(&account).await?.state.session_epoch();
        let mut open = Vec::with_capacity(sessions.len());
        for session in sessions {
            let loaded = self.load::<Session>(session).await?;
            let Some(started) = loaded.state.valid(now).filter(|s| s.account == account && s.epoch == epoch) else {
                continue;
            };
            let Some(began_at) = loaded.state.began_at() else { continue };
            let last_used_at = self.last_use.of(started.session, began_at).await;
            if now >= last_used_at + SESSION_IDLE_LIFETIME {
                continue;
            }
            let origin = match loaded.state.origin() {
                Some(origin) => self.people.open(origin).await?,
                None => None,
            };
            open.push(OpenSession {
                session: *session,
                started_at: began_at,
                last_used_at,
                expires_at: started.expires_at,
                method: started.method,
                origin,
            });
        }
        Ok(open)
    }

    /// Whether the person may sign in with a password, as things stand.
    pub(crate) async fn allows_password(&self, account: AccountId) -> Result<bool, Failure> {
        let terms = self.sign_in_terms(account, |sso, person, open| sso.allows_password(person, open)).await?;
        Ok(terms.unwrap_or(false))
    }

    /// Refuses a password, or what would give one, to whoever has to sign in at a provider.
    pub(crate) async fn check_password_allowed(&self, account: AccountId) -> Result<(), Failure> {
        if self.allows_password(account).await? { Ok(()) } else { Err(Code::SingleSignOnRequired.into()) }
    }

    /// Begins a session for a person who has just proven who they are. Refused, or not valid from its beginning, if the
    /// account was deactivated, logged out everywhere or given another password since.
    pub async fn start_session(
        &self,
        request: &Request,
        Proven { account, epoch }: Proven,
        start: SessionStart,
    ) -> Result<SignedIn, Failure> {
        let SessionStart { method, origin, federated } = start;
        if method == LoginMethod::Password {
            self.check_password_allowed(account).await?;
        }
        let state = &self.load::<Account>(&account).await?.state;
        if state.status() != AccountStatus::Activated {
            return Err(Code::AccountNotActivated.into());
        }
        // The proof is of what the account was: since then it was logged out everywhere, or has another password.
        if state.session_epoch() != epoch {
            return Err(Code::WrongCredentials.into());
        }
        let organization = state.organization().ok_or(Code::NotFound)?;
        let session = SessionId(self.entropy.uuid_v4());
        let token = SessionToken::issue(session, &*self.entropy);
        let started = SessionStarted {
            session,
            account,
            organization,
            method,
            secret_sha256: token.secret_sha256(),
            epoch,
            expires_at: federated
                .as_ref()
                .and_then(|federated| federated.ends_at)
                .map_or(request.at + SESSION_LIFETIME, |ends_at| ends_at.min(request.at + SESSION_LIFETIME)),
        };
        let origin = self.people.seal_for(account, &origin).await?;
        let federated = match federated {
            Some(federated) => self.note_federated(request, &started, federated).await?,
            None => None,
        };
        self.last_use.note(session, request.at).await;
        let principal = self.person(account, organization, session).await?;
        let done = self
            .execute::<Session>(
                &request.by(principal.clone()),
                &session,
                SessionCommand::Start { started, origin, federated },
            )
            .await?;
        Ok(SignedIn { token, principal, position: done.position })
    }

    /// Notes the session where a logout at the provider finds it: before it begins, so that none is missed.
    async fn note_federated(
        &self,
        request: &Request,
        started: &SessionStarted,
        federated: Federated,
    ) -> Result<Option<SessionFederated>, Failure> {
        let Federated { provider, name, .. } = federated;
        let key = |kind: &str, text: &str| self.keys.federated_subject_key(provider, &format!("{kind}:{text}"));
        let noted = FederationSessionNoted {
            provider,
            session: started.session,
            index: name.session_index.as_deref().map(|index| key("index", index)),
            expires_at: started.expires_at,
        };
        let system = request.as_system("single-sign-on");
        self.execute::<Federation>(&system, &key("name", &name.value), NoteSession(noted)).await?;
        let name = self.people.seal_for(started.account, &name).await?;
        Ok(name.map(|name| SessionFederated { provider, name }))
    }

    /// Who a request with this token comes from, by the log as it stands at this moment: a sign-out, a deactivation or
    /// a change of roles counts from the next request on. Anonymous if the token is not valid. It counts as use of the
    /// session, which ends when it was not used for [`SESSION_IDLE_LIFETIME`].
    pub async fn authenticate(&self, token: &SessionToken) -> Result<Principal, Failure> {
        let principal = self.recognize(token).await?;
        if let Principal::Person { session, .. } = principal {
            self.last_use.note(session, self.clock.now()).await;
        }
        Ok(principal)
    }

    /// Like [`authenticate`](Self::authenticate), but no use of the session: for whatever is open and checks by itself
    /// whether it still may be.
    pub async fn recognize(&self, token: &SessionToken) -> Result<Principal, Failure> {
        let now = self.clock.now();
        let session = self.load::<Session>(&token.session()).await?;
        let Some(started) = session.state.valid(now).filter(|s| token.matches(&s.secret_sha256)) else {
            return Ok(Principal::Anonymous);
        };
        let began = session.state.began_at().unwrap_or(now);
        if now >= self.last_use.of(started.session, began).await + SESSION_IDLE_LIFETIME {
            // Ended in the log, so that no restart brings it back. Until that succeeds it is refused every time.
            let request = self.request(Principal::System("idle-sessions"));
            if let Err(failure) = self.execute::<Session>(&request, &started.session, SessionCommand::End).await {
                tracing::warn!(session = %started.session, %failure, "an idle session is not ended in the log yet");
            }
            return Ok(Principal::Anonymous);
        }
        let account = self.load::<Account>(&started.account).await?;
        if account.state.status() != AccountStatus::Activated || account.state.session_epoch() != started.epoch {
            return Ok(Principal::Anonymous);
        }
        self.person(started.account, started.organization, started.session).await
    }

    async fn person(
        &self,
        account: AccountId,
        organization: OrganizationId,
        session: SessionId,
    ) -> Result<Principal, Failure> {
        let (system_admin, rights) = self.load::<Roles>(&organization).await?.state.of(account);
        Ok(Principal::Person { account, organization, session, system_admin, rights: Arc::new(rights) })
    }
}
