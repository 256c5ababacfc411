//! A person's work account: added by an admin or at sign-up, then activated by choosing a password.

use chrono::Duration;
use schema::{
    AccountId, Actor, ChallengeId, LoginMethod, OrganizationId, Personal, Timestamp,
    events::account::{AccountAbandoned, AccountActivated, AccountActivationLinkIssued, AccountCreated, AccountEvent},
};
use uuid::Uuid;

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// How long an activation link is good (common practice).
pub const ACTIVATION_LINK_LIFETIME: Duration = Duration::hours(72);

/// What can be wanted of an account.
#[derive(Debug, Clone)]
pub enum AccountCommand {
    /// Add the person. Does nothing if the account exists.
    Create {
        /// Everything about the new account.
        account: Box<AccountCreated>,
        /// Mail a link derived from this challenge.
        invite: Option<ChallengeId>,
        /// The person has proven the address and chosen this password already, at sign-up.
        credential: Option<Uuid>,
    },
    /// Choose a password, by link.
    Activate {
        /// The challenge whose link was shown.
        challenge: ChallengeId,
        /// Name of the new password verifier in the vault.
        credential: Uuid,
    },
    /// Give up a creation that got stuck after the reservation of the address.
    Abandon,
}

/// Where an account stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccountStatus {
    /// There is no such account.
    #[default]
    Absent,
    /// Added by an admin; the person has not chosen a password.
    Added,
    /// The person can sign in.
    Activated,
    /// Given up halfway; never used.
    Abandoned,
}

/// An account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    id: Option<AccountId>,
    organization: Option<OrganizationId>,
    status: AccountStatus,
    email: Option<Personal<String>>,
    link: Option<(ChallengeId, Timestamp)>,
    credential: Option<Uuid>,
    login_method: Option<LoginMethod>,
}

impl Account {
    /// Where it stands.
    pub fn status(&self) -> AccountStatus {
        self.status
    }
    /// Name of the password verifier in the vault.
    pub fn credential(&self) -> Option<Uuid> {
        self.credential
    }
    /// The email address, sealed.
    pub fn email(&self) -> Option<&Personal<String>> {
        self.email.as_ref()
    }
    /// How the person signs in.
    pub fn login_method(&self) -> Option<LoginMethod> {
        self.login_method
    }
    /// The activation link that is valid, and until when.
    pub fn activation_link(&self) -> Option<(ChallengeId, Timestamp)> {
        self.link
    }

    /// Whether `challenge` may activate the account at `at`. Asked before the costly hash of the password, and again
    /// by [`AccountCommand::Activate`].
    pub fn check_link(&self, challenge: ChallengeId, at: Timestamp) -> Result<(), Rejection> {
        match self.link {
            Some((valid, until)) if self.status == AccountStatus::Added && valid == challenge && at < until => Ok(()),
            _ => Err(Code::LinkInvalid.at("token")),
        }
    }
}

impl Aggregate for Account {
    type Id = AccountId;
    type Event = AccountEvent;
    type Command = AccountCommand;
    const CATEGORY: &'static str = "account";

    fn evolve(mut self, event: &AccountEvent) -> Self {
        match event {
            AccountEvent::Created(e) => {
                self.id = Some(e.account);
                self.organization = Some(e.organization);
                self.status = AccountStatus::Added;
                self.email = Some(e.email.clone());
                self.login_method = Some(e.login_method);
            }
            AccountEvent::ActivationLinkIssued(e) => self.link = Some((e.challenge, e.expires_at)),
            AccountEvent::Activated(e) => {
                self.status = AccountStatus::Activated;
                self.link = None;
                self.credential = Some(e.credential);
            }
            AccountEvent::Abandoned(_) => self.status = AccountStatus::Abandoned,
        }
        self
    }

    fn decide(&self, intent: &Intent<AccountCommand>) -> Result<Vec<AccountEvent>, Rejection> {
        match (&intent.command, self.status) {
            (AccountCommand::Create { account, invite, credential }, AccountStatus::Absent) => {
                let mut events = vec![AccountEvent::Created((**account).clone())];
                if let Some(challenge) = *invite {
                    let expires_at = intent.at + ACTIVATION_LINK_LIFETIME;
                    events.push(AccountActivationLinkIssued { challenge, expires_at, mailed: true }.into());
                }
                if let Some(credential) = *credential {
                    events.push(AccountActivated { challenge: None, credential }.into());
                }
                Ok(events)
            }
            // It was taken for a stuck creation and its address released: the command has to begin again.
            (AccountCommand::Create { .. }, AccountStatus::Abandoned) => Err(Code::Busy.into()),
            (AccountCommand::Create { .. }, _) => Ok(vec![]),
            (AccountCommand::Activate { challenge, credential }, _) => {
                self.check_link(*challenge, intent.at)?;
                Ok(vec![AccountActivated { challenge: Some(*challenge), credential: *credential }.into()])
            }
            (AccountCommand::Abandon, AccountStatus::Absent) => Ok(vec![AccountAbandoned {}.into()]),
            (AccountCommand::Abandon, _) => Ok(vec![]),
        }
    }

    fn access(command: &AccountCommand) -> Access {
        match command {
            AccountCommand::Create { .. } => Access::Right(schema::Right::ManageAccounts),
            // The link is the proof.
            AccountCommand::Activate { .. } => Access::Anyone,
            AccountCommand::Abandon => Access::System,
        }
    }

    fn target(command: &AccountCommand) -> Option<OrganizationId> {
        match command {
            AccountCommand::Create { account, .. } => Some(account.organization),
            AccountCommand::Activate { .. } | AccountCommand::Abandon => None,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }

    fn owner(&self) -> Option<Actor> {
        self.id.map(Actor::Account)
    }
}
