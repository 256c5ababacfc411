//! A person's work account: stream `account-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{
    AccountId, AccountOrigin, ChallengeId, EmailKey, LoginMethod, OrganizationId, Personal, Profile, Timestamp,
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
        /// The creation was given up halfway; the id is never used.
        Abandoned(AccountAbandoned) = "account.abandoned" @ 1,
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

/// Payload of `account.abandoned`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountAbandoned {}
