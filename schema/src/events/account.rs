//! A person's work account: stream `account-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{
    AccountId, AccountOrigin, ChallengeId, EmailKey, FederatedSubjectKey, LoginMethod, OrganizationId, Personal,
    Profile, SsoProviderId, Timestamp,
};

events! {
    /// Events of an account.
    AccountEvent {
        /// The person was added.
        Created(AccountCreated) = "account.created" @ 1,
        /// A link that activates the account was made; it voids the one before.
        ActivationLinkIssued(AccountActivationLinkIssued) = "account.activation_link_issued" @ 1,
        /// The person chose a password by link or at sign-up and can sign in from now on.
        Activated(AccountActivated) = "account.activated" @ 1,
        /// The person signed in at the organization's identity provider for the first time.
        ActivatedBySso(AccountActivatedBySso) = "account.activated_by_sso" @ 1,
        /// The person signs in otherwise from now on.
        LoginMethodChanged(AccountLoginMethodChanged) = "account.login_method_changed" @ 2,
        /// An identity provider has its own name for the person, which has to be the same from now on.
        SubjectLinked(AccountSubjectLinked) = "account.subject_linked" @ 2,
        /// The creation was given up halfway; the id is never used.
        Abandoned(AccountAbandoned) = "account.abandoned" @ 1,
        /// Name or directory fields changed.
        ProfileChanged(AccountProfileChanged) = "account.profile_changed" @ 1,
        /// The language of mails and pages changed.
        LocaleChanged(AccountLocaleChanged) = "account.locale_changed" @ 1,
        /// The account is to have another email address, which is reserved next.
        EmailChangeBegun(AccountEmailChangeBegun) = "account.email_change_begun" @ 1,
        /// The address was not to be had, or the change got stuck.
        EmailChangeAbandoned(AccountEmailChangeAbandoned) = "account.email_change_abandoned" @ 1,
        /// The account has another email address. Links that were mailed to the one before are void.
        EmailChanged(AccountEmailChanged) = "account.email_changed" @ 1,
        /// The person cannot sign in any more; sessions and Portal units are logged out.
        Deactivated(AccountDeactivated) = "account.deactivated" @ 1,
        /// The account is as it was before it was deactivated.
        Reactivated(AccountReactivated) = "account.reactivated" @ 1,
        /// All sessions and Portal units of the person are logged out.
        LoggedOutEverywhere(AccountLoggedOutEverywhere) = "account.logged_out_everywhere" @ 1,
        /// The person ended all their sessions. Portal units stay.
        SessionsEnded(AccountSessionsEnded) = "account.sessions_ended" @ 1,
        /// The account is as if it had only been added: it has to be activated again.
        StatusSetToCreated(AccountStatusSetToCreated) = "account.status_set_to_created" @ 1,
        /// The person has to choose a new password; sessions end.
        PasswordResetForced(AccountPasswordResetForced) = "account.password_reset_forced" @ 1,
        /// A link to choose a new password goes out by mail; it voids the one before.
        PasswordResetLinkIssued(AccountPasswordResetLinkIssued) = "account.password_reset_link_issued" @ 1,
        /// The person has a new password; sessions end.
        PasswordChanged(AccountPasswordChanged) = "account.password_changed" @ 1,
    }
}

/// Payload of `account.created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountCreated {
    /// The account.
    pub account: AccountId,
    /// Whose account it is.
    pub organization: OrganizationId,
    /// Email address, normalised.
    pub email: Personal<String>,
    /// Keyed hash of the address.
    pub email_key: EmailKey,
    /// Domain of the address, in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// Name and directory fields.
    pub profile: Personal<Profile>,
    /// Language of mails and pages, a BCP 47 tag.
    #[schemars(extend("examples" = ["en-GB"]))]
    pub locale: String,
    /// How the person signs in.
    pub login_method: LoginMethod,
    /// Where the account came from.
    pub origin: AccountOrigin,
}

/// Payload of `account.activation_link_issued`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountActivationLinkIssued {
    /// What the link is derived from.
    pub challenge: ChallengeId,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// The link goes to the person by mail; otherwise an admin was shown it.
    pub mailed: bool,
}

/// Payload of `account.activated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountActivated {
    /// The challenge that was answered; none at sign-up.
    pub challenge: Option<ChallengeId>,
    /// Names the password verifier in the vault. Each attempt writes under a name of its own, so that of two who
    /// answer one challenge at the same moment only the password of the one whose event stands is valid.
    pub credential: uuid::Uuid,
}

/// Payload of `account.activated_by_sso`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountActivatedBySso {
    /// The provider that vouched for the person.
    pub provider: SsoProviderId,
}

/// Payload of `account.login_method_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountLoginMethodChanged {
    /// How the person signs in from now on.
    pub method: LoginMethod,
    /// The password verifier that is not valid any more, and with it the sessions that there are.
    pub replaced: Option<uuid::Uuid>,
}

/// Payload of `account.subject_linked`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountSubjectLinked {
    /// The provider.
    pub provider: SsoProviderId,
    /// Keyed hash of its name for the person.
    pub subject: FederatedSubjectKey,
    /// Keyed hash of the issuer that calls the person so: the provider may be configured to another one later.
    /// Not known of links made before this was noted.
    pub issuer: Option<FederatedSubjectKey>,
}

/// Payload of `account.abandoned`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountAbandoned {}

/// Payload of `account.profile_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountProfileChanged {
    /// Name and directory fields from now on.
    pub profile: Personal<Profile>,
}

/// Payload of `account.locale_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountLocaleChanged {
    /// A BCP 47 tag.
    #[schemars(extend("examples" = ["en-GB"]))]
    pub locale: String,
}

/// Payload of `account.email_change_begun`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountEmailChangeBegun {
    /// Keyed hash of the address that it is to have.
    pub email_key: EmailKey,
}

/// Payload of `account.email_change_abandoned`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountEmailChangeAbandoned {
    /// Keyed hash of the address that it was to have.
    pub email_key: EmailKey,
}

/// Payload of `account.email_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountEmailChanged {
    /// Email address from now on, normalised.
    pub email: Personal<String>,
    /// Keyed hash of the address.
    pub email_key: EmailKey,
    /// Domain of the address, in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// Email address until now: it is told of the change.
    pub previous: Personal<String>,
    /// Keyed hash of the address until now, which is free again.
    pub previous_key: EmailKey,
}

/// Payload of `account.deactivated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountDeactivated {}

/// Payload of `account.reactivated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountReactivated {}

/// Payload of `account.logged_out_everywhere`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountLoggedOutEverywhere {}

/// Payload of `account.sessions_ended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountSessionsEnded {}

/// Payload of `account.status_set_to_created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStatusSetToCreated {
    /// Names the password verifier that is no longer valid.
    pub replaced: Option<uuid::Uuid>,
}

/// Payload of `account.password_reset_forced`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountPasswordResetForced {}

/// Payload of `account.password_reset_link_issued`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountPasswordResetLinkIssued {
    /// What the link is derived from.
    pub challenge: ChallengeId,
    /// When the link ends.
    pub expires_at: Timestamp,
    /// An admin demands it; otherwise somebody asked for it on the sign-in page.
    pub forced: bool,
}

/// Payload of `account.password_changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountPasswordChanged {
    /// The challenge of the link; none if the person was signed in and knew the password before.
    pub challenge: Option<ChallengeId>,
    /// Names the new password verifier in the vault.
    pub credential: uuid::Uuid,
    /// Names the password verifier that is no longer valid.
    pub replaced: Option<uuid::Uuid>,
}
