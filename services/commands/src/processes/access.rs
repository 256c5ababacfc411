//! What admins do to a person's access: deactivate and reactivate, log out, force a new password, set back, show a link.
//!
//! Who is deactivated or set back must not be the last active system admin. That is decided on the stream of the roles,
//! so those come first: the person's roles are suspended, then the account changes. They come back after it was
//! activated again. What is true wherever it breaks off, and whoever else acts at the same moment: *an account that is
//! not activated, but was, has its roles suspended*. A suspension names the session epoch of the account, the change of
//! the account happens in that epoch only and ends it, and roles come back only for an account that was seen activated
//! in a later epoch. So no suspension is undone whose change may still happen, or has.

use std::sync::Arc;

use domain::{
    Access, Account, AccountCommand, AccountStatus, Aggregate, Code, Principal, Roles, RolesCommand, authorize,
};
use identity::{EntropyExt, LinkToken, Purpose};
use schema::{AccountId, ChallengeId, OrganizationId, Position, Right, Timestamp, events::AccountEvent};

use crate::{Failure, Loaded, Platform, Request};

/// How often a change begins anew because the account was logged out meanwhile.
const ATTEMPTS: u32 = 20;
/// How the history names what follows from a change of an account.
const SYSTEM: &str = "access";

/// How a person loses access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Until the account is reactivated.
    Deactivated,
    /// Until the account is activated again, by a new link.
    SetBack,
}

impl Loss {
    fn command(self, epoch: Option<u64>) -> AccountCommand {
        match self {
            Self::Deactivated => AccountCommand::Deactivate { epoch },
            Self::SetBack => AccountCommand::SetToCreated { epoch },
        }
    }
}

/// A link that activates an account.
#[derive(Debug)]
pub struct ActivationLink {
    /// What to show to whoever asked; none if it goes out by mail.
    pub token: Option<LinkToken>,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// Where the event stands in the log.
    pub position: Option<Position>,
}

impl Platform {
    /// A person whom the sender of the request may manage: one of the organization, with no right that the sender lacks.
    pub(crate) async fn manageable(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Arc<Loaded<Account>>, Failure> {
        // Before the person is looked up: who may not manage anybody learns nothing about who exists.
        authorize(&request.principal, Access::Right(Right::ManageAccounts), Some(organization), None)?;
        let person = self.load::<Account>(&account).await?;
        if person.state.organization() != Some(organization) {
            return Err(Code::NotFound.at("personId").into());
        }
        if let Principal::Person { system_admin: false, rights, .. } = &request.principal {
            // Also those that rest: they come back.
            let (system_admin, held) = self.load::<Roles>(&organization).await?.state.held(account);
            if system_admin || !held.is_subset(rights) {
                return Err(Code::MorePowerful.at("personId").into());
            }
        }
        Ok(person)
    }

    /// The same, and somebody else.
    async fn manageable_other(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<(), Failure> {
        self.manageable(request, organization, account).await?;
        match request.principal {
            Principal::Person { account: own, .. } if own == account => Err(Code::NotYourself.at("personId").into()),
            _ => Ok(()),
        }
    }

    /// Prevents sign-in and logs the person out everywhere.
    pub async fn deactivate_account(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Option<Position>, Failure> {
        self.manageable_other(request, organization, account).await?;
        self.end_access(request, organization, account, Loss::Deactivated).await
    }

    /// Makes it as if the account had only been added, and logs the person out everywhere.
    pub async fn set_account_status_to_created(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Option<Position>, Failure> {
        self.manageable_other(request, organization, account).await?;
        self.end_access(request, organization, account, Loss::SetBack).await
    }

    async fn end_access(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
        loss: Loss,
    ) -> Result<Option<Position>, Failure> {
        for _ in 0..ATTEMPTS {
            let session_epoch = self.load::<Account>(&account).await?.state.session_epoch();
            // Refused, or so already: then the roles are left alone.
            if self.rehearse::<Account>(request, &account, loss.command(None)).await?.is_empty() {
                return Ok(None);
            }
            let suspend = RolesCommand::Suspend { account, session_epoch, set_back: loss == Loss::SetBack };
            self.execute::<Roles>(&request.as_system(SYSTEM), &organization, suspend).await?;
            let position = self.lose(request, account, session_epoch, loss).await?;
            if position.is_some() {
                return Ok(position);
            }
        }
        Err(Code::Busy.into())
    }

    /// The second half of losing access, after the roles were suspended. Does nothing if the account has moved on since.
    async fn lose(
        &self,
        request: &Request,
        account: AccountId,
        session_epoch: u64,
        loss: Loss,
    ) -> Result<Option<Position>, Failure> {
        let done = self.execute::<Account>(request, &account, loss.command(Some(session_epoch))).await?;
        for event in &done.events {
            if let AccountEvent::StatusSetToCreated(event) = event {
                self.discard_replaced(account, event.replaced).await;
            }
        }
        Ok(done.position)
    }

    /// Takes a suspension of roles to its end that may have been left halfway: the account changes as was meant, or, if
    /// it has moved on, has its roles back.
    pub(crate) async fn finish_suspension(
        &self,
        request: &Request,
        account: AccountId,
        session_epoch: u64,
        loss: Loss,
    ) -> Result<(), Failure> {
        self.lose(request, account, session_epoch, loss).await?;
        self.resume_roles(request, account).await.map(drop)
    }

    /// Gives an account that is activated its roles back.
    pub(crate) async fn resume_roles(
        &self,
        request: &Request,
        account: AccountId,
    ) -> Result<Option<Position>, Failure> {
        let person = self.load::<Account>(&account).await?;
        let Some(organization) =
            person.state.organization().filter(|_| person.state.status() == AccountStatus::Activated)
        else {
            return Ok(None);
        };
        let resume = RolesCommand::Resume { account, session_epoch: person.state.session_epoch() };
        Ok(self.execute::<Roles>(&request.as_system(SYSTEM), &organization, resume).await?.position)
    }

    /// Undoes a deactivation.
    pub async fn reactivate_account(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Option<Position>, Failure> {
        self.manageable(request, organization, account).await?;
        let reactivated = self.execute::<Account>(request, &account, AccountCommand::Reactivate).await?;
        let resumed = self.resume_roles(request, account).await?;
        Ok(reactivated.position.max(resumed))
    }

    /// Ends all sessions of the person and logs out all Portal units that the person has set up.
    pub async fn log_out_everywhere(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Option<Position>, Failure> {
        self.manageable(request, organization, account).await?;
        Ok(self.execute::<Account>(request, &account, AccountCommand::LogOutEverywhere).await?.position)
    }

    /// Ends all sessions of the person and demands a new password: the link goes out by mail.
    pub async fn force_password_reset(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<Option<Position>, Failure> {
        self.manageable(request, organization, account).await?;
        if !self.allows_password(account).await? {
            return Err(Code::NoPassword.at("personId").into());
        }
        let command = AccountCommand::ForcePasswordReset { challenge: ChallengeId(self.entropy.uuid_v4()) };
        Ok(self.execute::<Account>(request, &account, command).await?.position)
    }

    /// Makes a link that activates the account of a person who was only added; the one before is void. It is mailed to
    /// the person, or else handed to whoever asks.
    pub async fn generate_activation_link(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
        mailed: bool,
    ) -> Result<ActivationLink, Failure> {
        self.manageable(request, organization, account).await?;
        let challenge = ChallengeId(self.entropy.uuid_v4());
        let command = AccountCommand::IssueActivationLink { challenge, mailed };
        let done = self.execute::<Account>(request, &account, command).await?;
        let (_, expires_at) = done.after.state.activation_link().ok_or(Code::NotFound)?;
        let derive = || LinkToken::derive(&self.keys, Purpose::ActivationLink, account, challenge, expires_at);
        Ok(ActivationLink { token: (!mailed).then(derive), expires_at, position: done.position })
    }
}
