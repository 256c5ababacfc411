//! Signing in with a password, and telling who a request comes from.

use std::sync::Arc;

use domain::{
    Account, AccountStatus, Aggregate, Code, EmailReservation, Principal, Roles, Session, SessionCommand,
    session::SESSION_LIFETIME, text::EmailAddress,
};
use identity::{EntropyExt, Password, SessionToken};
use schema::{AccountId, LoginMethod, OrganizationId, Position, SessionId, events::session::SessionStarted};

use crate::{Failure, Platform, Request};

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
    pub async fn check_credentials(&self, email: &str, password: Password) -> Result<AccountId, Failure> {
        let holder = match EmailAddress::parse(email) {
            Ok(email) => self.load::<EmailReservation>(&self.keys.email_key(email.as_str())).await?.state.holder(),
            Err(_) => None,
        };
        let of = match holder {
            Some(account) => {
                let state = &self.load::<Account>(&account).await?.state;
                let may =
                    state.status() == AccountStatus::Activated && state.login_method() == Some(LoginMethod::Password);
                state.credential().filter(|_| may).map(|credential| (account, credential))
            }
            None => None,
        };
        let right = self.verify_password(of, &password).await?;
        of.filter(|_| right).map(|(account, _)| account).ok_or_else(|| Code::WrongCredentials.into())
    }

    /// Begins a session for a person who has just proven who they are.
    pub async fn start_session(
        &self,
        request: &Request,
        account: AccountId,
        method: LoginMethod,
    ) -> Result<SignedIn, Failure> {
        let organization = self.load::<Account>(&account).await?.state.organization().ok_or(Code::NotFound)?;
        let session = SessionId(self.entropy.uuid_v4());
        let token = SessionToken::issue(session, &*self.entropy);
        let started = SessionStarted {
            session,
            account,
            organization,
            method,
            secret_sha256: token.secret_sha256(),
            expires_at: request.at + SESSION_LIFETIME,
        };
        let principal = self.person(account, organization, session).await?;
        let done =
            self.execute::<Session>(&request.by(principal.clone()), &session, SessionCommand::Start(started)).await?;
        Ok(SignedIn { token, principal, position: done.position })
    }

    /// Who a request with this token comes from, by the log as it stands at this moment: a sign-out, a deactivation or
    /// a change of roles counts from the next request on. Anonymous if the token is not valid.
    pub async fn authenticate(&self, token: &SessionToken) -> Result<Principal, Failure> {
        let session = self.load::<Session>(&token.session()).await?;
        let Some(started) = session.state.valid(self.clock.now()).filter(|s| token.matches(&s.secret_sha256)) else {
            return Ok(Principal::Anonymous);
        };
        let account = self.load::<Account>(&started.account).await?;
        if account.state.status() != AccountStatus::Activated {
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
