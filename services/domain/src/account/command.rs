//! Commands to an account.

use schema::{
    ChallengeId, EmailKey, FederatedSubjectKey, LoginMethod, Personal, Profile, SsoProviderId,
    events::account::AccountCreated,
};
use uuid::Uuid;

/// How an identity provider knows a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedIdentity {
    /// Keyed hash of the issuer that the provider is.
    pub issuer: FederatedSubjectKey,
    /// Keyed hash of the name that it has for the person for ever; none if it goes by the email address alone.
    pub subject: Option<FederatedSubjectKey>,
    /// Keyed hash that stands for this account where there is no such name.
    pub by_address: FederatedSubjectKey,
}

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
    /// Change name or directory fields.
    ChangeProfile {
        /// What they were when the change was made up: another change meanwhile must not be lost.
        base: Personal<Profile>,
        /// What they are to be, checked.
        profile: Personal<Profile>,
    },
    /// Change the language of mails and pages.
    ChangeLocale {
        /// Checked.
        locale: String,
    },
    /// Begin to give the account another address, which is reserved next.
    BeginEmailChange {
        /// Keyed hash of the new address.
        email_key: EmailKey,
    },
    /// Give up a change of the address.
    AbandonEmailChange {
        /// Keyed hash of the address that it was to have.
        email_key: EmailKey,
    },
    /// The new address is reserved: take it.
    ChangeEmail {
        /// The new address, sealed.
        email: Personal<String>,
        /// Keyed hash of it.
        email_key: EmailKey,
        /// Domain of it, in ASCII form.
        domain: String,
        /// What an activation link to the new address is derived from, if one is due.
        invite: ChallengeId,
    },
    /// The person has signed in at an identity provider, whose answer was found to be good.
    SignInAtProvider {
        /// The provider.
        provider: SsoProviderId,
        /// How it knows the person.
        identity: FederatedIdentity,
    },
    /// Let the person sign in otherwise.
    ChangeLoginMethod {
        /// How.
        method: LoginMethod,
        /// A password stays, as a way back in: of system admins.
        keeps_password: bool,
    },
    /// Prevent sign-in and log out everywhere.
    Deactivate {
        /// Only while the account has this session epoch.
        epoch: Option<u64>,
    },
    /// Undo a deactivation.
    Reactivate,
    /// End all sessions and log out all Portal units.
    LogOutEverywhere,
    /// End all sessions; Portal units stay.
    EndSessions,
    /// Make it as if the account had only been added.
    SetToCreated {
        /// Only while the account has this session epoch.
        epoch: Option<u64>,
    },
    /// Issue a link that activates the account.
    IssueActivationLink {
        /// What it is derived from.
        challenge: ChallengeId,
        /// It goes out by mail; otherwise the admin is shown it.
        mailed: bool,
    },
    /// End the sessions and demand a new password. Whether the person may have one was found out before.
    ForcePasswordReset {
        /// What the link is derived from.
        challenge: ChallengeId,
    },
    /// Mail a link to choose a new password. Whether the person may have one was found out before.
    IssueResetLink {
        /// What the link is derived from.
        challenge: ChallengeId,
    },
    /// Choose a new password, by link.
    ResetPassword {
        /// The challenge whose link was shown.
        challenge: ChallengeId,
        /// Name of the new password verifier in the vault.
        credential: Uuid,
    },
    /// Choose a new password, knowing the old one.
    ChangePassword {
        /// The verifier that the old password was checked against.
        checked: Uuid,
        /// Name of the new password verifier in the vault.
        credential: Uuid,
    },
}
