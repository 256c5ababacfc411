//! A person's work account: added by an admin or at sign-up, activated by choosing a password, perhaps deactivated.

mod command;
mod federated;

use std::collections::BTreeMap;

use chrono::Duration;
use schema::{
    AccountId, Actor, ChallengeId, EmailKey, LoginMethod, OrganizationId, Personal, Right, SsoProviderId, Timestamp,
    events::account::{
        AccountAbandoned, AccountActivated, AccountActivationLinkIssued, AccountCreated, AccountDeactivated,
        AccountEmailChangeAbandoned, AccountEmailChangeBegun, AccountEmailChanged, AccountEvent, AccountLocaleChanged,
        AccountLoggedOutEverywhere, AccountLoginMethodChanged, AccountPasswordChanged, AccountPasswordResetForced,
        AccountPasswordResetLinkIssued, AccountProfileChanged, AccountReactivated, AccountSessionsEnded,
        AccountStatusSetToCreated, AccountSubjectLinked,
    },
};
use uuid::Uuid;

pub use self::command::{AccountCommand, FederatedIdentity};
use crate::{Access, Aggregate, Code, Intent, Rejection};

/// How long an activation link is good (common practice).
pub const ACTIVATION_LINK_LIFETIME: Duration = Duration::hours(72);
/// How long a link to choose a new password is good (OWASP Forgot Password).
pub const RESET_LINK_LIFETIME: Duration = Duration::minutes(20);

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
    /// The person cannot sign in until the account is reactivated.
    Deactivated,
    /// Given up halfway; never used.
    Abandoned,
}

/// An account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    created: Option<AccountCreated>,
    status: AccountStatus,
    link: Option<(ChallengeId, Timestamp)>,
    link_was_mailed: bool,
    reset_link: Option<(ChallengeId, Timestamp)>,
    credential: Option<Uuid>,
    was_activated: bool,
    subjects: BTreeMap<SsoProviderId, AccountSubjectLinked>,
    must_reset: bool,
    session_epoch: u64,
    unit_epoch: u64,
    pending_email: Option<EmailKey>,
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
    /// The account as it is now: email, profile and language are the current ones.
    pub fn details(&self) -> Option<&AccountCreated> {
        self.created.as_ref()
    }
    /// The email address, sealed.
    pub fn email(&self) -> Option<&Personal<String>> {
        self.created.as_ref().map(|created| &created.email)
    }
    /// How the person signs in.
    pub fn login_method(&self) -> Option<LoginMethod> {
        self.created.as_ref().map(|created| created.login_method)
    }
    /// The activation link that is valid, and until when.
    pub fn activation_link(&self) -> Option<(ChallengeId, Timestamp)> {
        self.link
    }
    /// Whether an activation link that an admin was shown, to hand it over, is still good.
    pub fn has_shown_link(&self, at: Timestamp) -> bool {
        !self.link_was_mailed && self.link.is_some_and(|(_, expires_at)| at < expires_at)
    }
    /// The link to choose a new password that is valid, and until when.
    pub fn reset_link(&self) -> Option<(ChallengeId, Timestamp)> {
        self.reset_link
    }
    /// The person has to choose a new password before signing in.
    pub fn must_reset(&self) -> bool {
        self.must_reset
    }
    /// Counts what ended all sessions: one is valid only if it began in the present epoch.
    pub fn session_epoch(&self) -> u64 {
        self.session_epoch
    }
    /// Counts what logged out all Portal units: one is logged in only if it was set up in the present epoch.
    pub fn unit_epoch(&self) -> u64 {
        self.unit_epoch
    }
    /// Whether a unit that was set up in `epoch` is still logged in.
    pub fn keeps_unit(&self, epoch: u64) -> bool {
        self.status == AccountStatus::Activated && self.unit_epoch == epoch
    }

    /// Whether `challenge` may activate the account at `at`. Asked before the costly hash of the password, and again
    /// by [`AccountCommand::Activate`].
    pub fn check_link(&self, challenge: ChallengeId, at: Timestamp) -> Result<(), Rejection> {
        check(self.link.filter(|_| self.status == AccountStatus::Added), challenge, at)
    }

    /// Whether `challenge` may reset the password at `at`. Asked before the costly hash of the password, and again
    /// by [`AccountCommand::ResetPassword`].
    pub fn check_reset_link(&self, challenge: ChallengeId, at: Timestamp) -> Result<(), Rejection> {
        check(self.reset_link.filter(|_| self.status == AccountStatus::Activated), challenge, at)
    }

    fn end_sessions(&mut self) {
        self.session_epoch = self.session_epoch.saturating_add(1);
    }

    fn log_out(&mut self) {
        self.end_sessions();
        self.unit_epoch = self.unit_epoch.saturating_add(1);
    }

    /// The account must be activated.
    fn check_activated(&self) -> Result<(), Rejection> {
        match self.status {
            AccountStatus::Activated => Ok(()),
            AccountStatus::Deactivated => Err(Code::AccountDeactivated.at("personId")),
            _ => Err(Code::AccountNotActivated.at("personId")),
        }
    }

    fn change_login_method(
        &self,
        current: LoginMethod,
        method: LoginMethod,
        keeps_password: bool,
    ) -> Vec<AccountEvent> {
        // Who has had a password for a while, may have it from whoever set the account up.
        let closes = method == LoginMethod::SingleSignOn && !keeps_password;
        let replaced = self.credential.filter(|_| closes);
        if current == method { vec![] } else { vec![AccountLoginMethodChanged { method, replaced }.into()] }
    }

    fn change_email(
        &self,
        current: &AccountCreated,
        new: (&Personal<String>, &EmailKey, &str),
        invite: ChallengeId,
        at: Timestamp,
    ) -> Result<Vec<AccountEvent>, Rejection> {
        let (email, email_key, domain) = new;
        if current.email_key == *email_key {
            return Ok(vec![]);
        }
        // It was taken for stuck and the address released: the command has to begin again.
        if self.pending_email.as_ref() != Some(email_key) {
            return Err(Code::Busy.into());
        }
        let changed = AccountEmailChanged {
            email: email.clone(),
            email_key: email_key.clone(),
            domain: domain.to_owned(),
            previous: current.email.clone(),
            previous_key: current.email_key.clone(),
        };
        let invited = (self.status == AccountStatus::Added && self.link.is_some())
            .then(|| issue_activation_link(invite, true, at));
        Ok(std::iter::once(changed.into()).chain(invited).collect())
    }

    fn decide_known(
        &self,
        current: &AccountCreated,
        intent: &Intent<AccountCommand>,
    ) -> Result<Vec<AccountEvent>, Rejection> {
        let at = intent.at;
        let none_if = |so_already: bool, event: AccountEvent| if so_already { vec![] } else { vec![event] };
        let moved_on = |epoch: &Option<u64>| epoch.is_some_and(|epoch| epoch != self.session_epoch);
        Ok(match (&intent.command, self.status) {
            (AccountCommand::Create { .. } | AccountCommand::Abandon, _) => vec![],
            (AccountCommand::Activate { .. }, AccountStatus::Added)
                if current.login_method == LoginMethod::SingleSignOn =>
            {
                return Err(Code::NoPassword.into());
            }
            (AccountCommand::SignInAtProvider { provider, identity }, status) => {
                return self.sign_in_at_provider(*provider, identity, status);
            }
            (AccountCommand::ChangeLoginMethod { method, keeps_password }, _) => {
                self.change_login_method(current.login_method, *method, *keeps_password)
            }
            (AccountCommand::Activate { challenge, credential }, _) => {
                self.check_link(*challenge, at)?;
                vec![AccountActivated { challenge: Some(*challenge), credential: *credential }.into()]
            }
            (AccountCommand::ChangeProfile { base, .. }, _) if *base != current.profile => {
                return Err(Code::Busy.into());
            }
            (AccountCommand::ChangeProfile { profile, .. }, _) => {
                vec![AccountProfileChanged { profile: profile.clone() }.into()]
            }
            (AccountCommand::ChangeLocale { locale }, _) => {
                none_if(current.locale == *locale, AccountLocaleChanged { locale: locale.clone() }.into())
            }
            (AccountCommand::BeginEmailChange { email_key }, _) => {
                let so_already = current.email_key == *email_key || self.pending_email.as_ref() == Some(email_key);
                none_if(so_already, AccountEmailChangeBegun { email_key: email_key.clone() }.into())
            }
            (AccountCommand::AbandonEmailChange { email_key }, _) => {
                let pending = self.pending_email.as_ref() == Some(email_key);
                none_if(!pending, AccountEmailChangeAbandoned { email_key: email_key.clone() }.into())
            }
            (AccountCommand::ChangeEmail { email, email_key, domain, invite }, _) => {
                self.change_email(current, (email, email_key, domain), *invite, at)?
            }
            (AccountCommand::Deactivate { epoch }, status) => {
                none_if(status == AccountStatus::Deactivated || moved_on(epoch), AccountDeactivated {}.into())
            }
            (AccountCommand::Reactivate, status) => {
                none_if(status != AccountStatus::Deactivated, AccountReactivated {}.into())
            }
            (AccountCommand::LogOutEverywhere, status) => {
                none_if(status != AccountStatus::Activated, AccountLoggedOutEverywhere {}.into())
            }
            (AccountCommand::EndSessions, _) => vec![AccountSessionsEnded {}.into()],
            (AccountCommand::SetToCreated { epoch: Some(_) }, AccountStatus::Deactivated) => vec![],
            (AccountCommand::SetToCreated { .. }, AccountStatus::Deactivated)
            | (AccountCommand::IssueActivationLink { .. }, AccountStatus::Deactivated) => {
                return Err(Code::AccountDeactivated.at("personId"));
            }
            (AccountCommand::SetToCreated { epoch }, status) => {
                let event = AccountStatusSetToCreated { replaced: self.credential };
                none_if(status == AccountStatus::Added || moved_on(epoch), event.into())
            }
            (AccountCommand::IssueActivationLink { .. }, AccountStatus::Activated) => {
                return Err(Code::AlreadyActivated.at("personId"));
            }
            (AccountCommand::IssueActivationLink { mailed: false, .. }, _)
                if current.login_method == LoginMethod::SingleSignOn =>
            {
                return Err(Code::NoPassword.at("personId"));
            }
            (AccountCommand::IssueActivationLink { challenge, mailed }, _) => {
                let so_already = self.link.is_some_and(|(valid, _)| valid == *challenge);
                none_if(so_already, issue_activation_link(*challenge, *mailed, at))
            }
            (AccountCommand::ForcePasswordReset { challenge }, _) => {
                self.check_activated()?;
                vec![AccountPasswordResetForced {}.into(), issue_reset_link(*challenge, true, at)]
            }
            (AccountCommand::IssueResetLink { challenge }, _) => {
                let so_already = self.reset_link.is_some_and(|(valid, _)| valid == *challenge);
                let refused = self.check_activated().is_err();
                none_if(so_already || refused, issue_reset_link(*challenge, false, at))
            }
            (AccountCommand::ResetPassword { challenge, credential }, _) => {
                self.check_reset_link(*challenge, at)?;
                vec![self.password_changed(Some(*challenge), *credential)]
            }
            (AccountCommand::ChangePassword { checked, credential }, _) => {
                self.check_activated()?;
                if self.credential != Some(*checked) {
                    return Err(Code::WrongCredentials.at("currentPassword"));
                }
                vec![self.password_changed(None, *credential)]
            }
        })
    }

    fn password_changed(&self, challenge: Option<ChallengeId>, credential: Uuid) -> AccountEvent {
        AccountPasswordChanged { challenge, credential, replaced: self.credential }.into()
    }
}

fn check(link: Option<(ChallengeId, Timestamp)>, challenge: ChallengeId, at: Timestamp) -> Result<(), Rejection> {
    match link {
        Some((valid, until)) if valid == challenge && at < until => Ok(()),
        _ => Err(Code::LinkInvalid.at("token")),
    }
}

fn issue_activation_link(challenge: ChallengeId, mailed: bool, at: Timestamp) -> AccountEvent {
    AccountActivationLinkIssued { challenge, expires_at: at + ACTIVATION_LINK_LIFETIME, mailed }.into()
}

fn issue_reset_link(challenge: ChallengeId, forced: bool, at: Timestamp) -> AccountEvent {
    AccountPasswordResetLinkIssued { challenge, expires_at: at + RESET_LINK_LIFETIME, forced }.into()
}

impl Aggregate for Account {
    type Id = AccountId;
    type Event = AccountEvent;
    type Command = AccountCommand;
    const CATEGORY: &'static str = "account";

    fn evolve(mut self, event: &AccountEvent) -> Self {
        match event {
            AccountEvent::Created(e) => {
                self.created = Some(e.clone());
                self.status = AccountStatus::Added;
            }
            AccountEvent::ActivationLinkIssued(e) => {
                self.link = Some((e.challenge, e.expires_at));
                self.link_was_mailed = e.mailed;
            }
            AccountEvent::Activated(e) => {
                self.status = AccountStatus::Activated;
                self.was_activated = true;
                self.link = None;
                self.credential = Some(e.credential);
            }
            AccountEvent::ActivatedBySso(_) => {
                self.status = AccountStatus::Activated;
                self.was_activated = true;
                self.link = None;
            }
            AccountEvent::LoginMethodChanged(e) => {
                self.reset_link = None;
                if e.replaced.is_some() {
                    self.credential = None;
                    self.must_reset = false;
                    self.end_sessions();
                }
                if let Some(created) = &mut self.created {
                    created.login_method = e.method;
                }
            }
            AccountEvent::SubjectLinked(e) => {
                self.subjects.insert(e.provider, e.clone());
                // Whoever began them with the password may be somebody else than the provider vouches for.
                if self.credential.is_some() {
                    self.end_sessions();
                }
            }
            AccountEvent::Abandoned(_) => self.status = AccountStatus::Abandoned,
            AccountEvent::ProfileChanged(e) => {
                if let Some(created) = &mut self.created {
                    created.profile = e.profile.clone();
                }
            }
            AccountEvent::LocaleChanged(e) => {
                if let Some(created) = &mut self.created {
                    created.locale.clone_from(&e.locale);
                }
            }
            AccountEvent::EmailChangeBegun(e) => self.pending_email = Some(e.email_key.clone()),
            AccountEvent::EmailChangeAbandoned(_) => self.pending_email = None,
            AccountEvent::EmailChanged(e) => {
                self.pending_email = None;
                self.link = None;
                self.reset_link = None;
                if let Some(created) = &mut self.created {
                    created.email = e.email.clone();
                    created.email_key = e.email_key.clone();
                    created.domain.clone_from(&e.domain);
                }
            }
            AccountEvent::Deactivated(_) => {
                self.status = AccountStatus::Deactivated;
                self.link = None;
                self.reset_link = None;
                self.log_out();
            }
            AccountEvent::Reactivated(_) => {
                self.status = if self.was_activated { AccountStatus::Activated } else { AccountStatus::Added };
            }
            AccountEvent::LoggedOutEverywhere(_) => self.log_out(),
            AccountEvent::SessionsEnded(_) => self.end_sessions(),
            AccountEvent::StatusSetToCreated(_) => {
                self.status = AccountStatus::Added;
                self.was_activated = false;
                self.subjects.clear();
                self.credential = None;
                self.must_reset = false;
                self.reset_link = None;
                self.log_out();
            }
            AccountEvent::PasswordResetForced(_) => {
                self.must_reset = true;
                self.end_sessions();
            }
            AccountEvent::PasswordResetLinkIssued(e) => self.reset_link = Some((e.challenge, e.expires_at)),
            AccountEvent::PasswordChanged(e) => {
                self.credential = Some(e.credential);
                self.must_reset = false;
                self.reset_link = None;
                self.end_sessions();
            }
        }
        self
    }

    fn decide(&self, intent: &Intent<AccountCommand>) -> Result<Vec<AccountEvent>, Rejection> {
        if let Some(current) = &self.created {
            return self.decide_known(current, intent);
        }
        match (&intent.command, self.status) {
            // It was taken for a stuck creation and its address released: the command has to begin again.
            (AccountCommand::Create { .. }, AccountStatus::Abandoned) => Err(Code::Busy.into()),
            (AccountCommand::Create { account, invite, credential }, _) => {
                let created = AccountEvent::Created((**account).clone());
                let invited = invite.map(|challenge| issue_activation_link(challenge, true, intent.at));
                let activated = credential.map(|credential| AccountActivated { challenge: None, credential }.into());
                Ok(std::iter::once(created).chain(invited).chain(activated).collect())
            }
            (AccountCommand::Abandon, AccountStatus::Absent) => Ok(vec![AccountAbandoned {}.into()]),
            (AccountCommand::Abandon, _) => Ok(vec![]),
            (AccountCommand::Activate { .. } | AccountCommand::ResetPassword { .. }, _) => {
                Err(Code::LinkInvalid.at("token"))
            }
            _ => Err(Code::NotFound.at("personId")),
        }
    }

    fn access(command: &AccountCommand) -> Access {
        match command {
            AccountCommand::Create { .. }
            | AccountCommand::ChangeProfile { .. }
            | AccountCommand::ChangeLocale { .. }
            | AccountCommand::BeginEmailChange { .. }
            | AccountCommand::ChangeEmail { .. }
            | AccountCommand::Deactivate { .. }
            | AccountCommand::Reactivate
            | AccountCommand::LogOutEverywhere
            | AccountCommand::SetToCreated { .. }
            | AccountCommand::IssueActivationLink { .. }
            | AccountCommand::ChangeLoginMethod { .. }
            | AccountCommand::ForcePasswordReset { .. } => Access::Right(Right::ManageAccounts),
            // The link is the proof.
            AccountCommand::Activate { .. } | AccountCommand::ResetPassword { .. } => Access::Anyone,
            AccountCommand::ChangePassword { .. } | AccountCommand::EndSessions => Access::Owner,
            AccountCommand::Abandon
            | AccountCommand::AbandonEmailChange { .. }
            // Given only after the provider's answer was checked.
            | AccountCommand::SignInAtProvider { .. }
            | AccountCommand::IssueResetLink { .. } => Access::System,
        }
    }

    fn target(command: &AccountCommand) -> Option<OrganizationId> {
        match command {
            AccountCommand::Create { account, .. } => Some(account.organization),
            _ => None,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.created.as_ref().map(|created| created.organization)
    }

    fn owner(&self) -> Option<Actor> {
        self.created.as_ref().map(|created| Actor::Account(created.account))
    }
}
