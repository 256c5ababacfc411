//! Signing in with a password, and telling who a request comes from.

use std::sync::Arc;

use domain::{
    Account, AccountStatus, Aggregate, Code, EmailReservation, Principal, Roles, Session, SessionCommand,
    session::{SESSION_IDLE_LIFETIME, SESSION_LIFETIME},
    text::EmailAddress,
};
use identity::{EntropyExt, Password, SessionToken};
use schema::{AccountId, LoginMethod, OrganizationId, Position, SessionId, events::session::SessionStarted};
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
        let may = state.status() == AccountStatus::Activated && state.login_method() == Some(LoginMethod::Password);
        let credential = state.credential().filter(|_| may).unwrap_or(Uuid::nil());
        let right = self.verify_password(account, credential, &password).await?;
        match right {
            true if state.must_reset() => Err(Code::PasswordResetRequired.into()),
            true => Ok(Proven { account, epoch: state.session_epoch() }),
            false => Err(Code::WrongCredentials.into()),
        }
    }

    /// Begins a session for a person who has just proven who they are. Refused, or not valid from its beginning, if the
    /// account was deactivated, logged out everywhere or given another password since.
    pub async fn start_session(
        &self,
        request: &Request,
        Proven { account, epoch }: Proven,
        method: LoginMethod,
    ) -> Result<SignedIn, Failure> {
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
            expires_at: request.at + SESSION_LIFETIME,
        };
        self.last_use.note(session, request.at).await;
        let principal = self.person(account, organization, session).await?;
        let done =
            self.execute::<Session>(&request.by(principal.clone()), &session, SessionCommand::Start(started)).await?;
        Ok(SignedIn { token, principal, position: done.position })
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
        if now >= self.last_use.of(started).await + SESSION_IDLE_LIFETIME {
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
