//! Signing up an organization: stream `signup-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, ChallengeId, EmailKey, OrganizationId, Personal, Profile, SignupId, Timestamp};

events! {
    /// Events of a sign-up.
    SignupEvent {
        /// Somebody gave a work email address; a code is to be mailed to it.
        Begun(SignupBegun) = "signup.begun" @ 2,
        /// A wrong code was entered.
        CodeRejected(SignupCodeRejected) = "signup.code_rejected" @ 1,
        /// The mailed code was entered: the email address is proven.
        EmailConfirmed(SignupEmailConfirmed) = "signup.email_confirmed" @ 1,
        /// Password and organization were given; organization and account follow.
        Completed(SignupCompleted) = "signup.completed" @ 1,
        /// Nobody completed it in time.
        Expired(SignupExpired) = "signup.expired" @ 1,
    }
}

/// Payload of `signup.begun`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignupBegun {
    /// The sign-up.
    pub signup: SignupId,
    /// The account it will create; its key seals the email address.
    pub account: AccountId,
    /// Where the code goes.
    pub email: Personal<String>,
    /// Keyed hash of the address.
    pub email_key: EmailKey,
    /// Domain of the address, in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
    /// Language of the mail, a BCP 47 tag.
    #[schemars(extend("examples" = ["en-GB"]))]
    pub locale: String,
    /// What the mailed code is derived from.
    pub challenge: ChallengeId,
    /// When the code ends.
    pub code_expires_at: Timestamp,
    /// When the whole sign-up ends.
    pub expires_at: Timestamp,
    /// The address has an account already: the mail says so instead of giving a code, the answer on screen is the same.
    pub already_registered: bool,
}

/// Payload of `signup.code_rejected`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignupCodeRejected {
    /// How many more tries the challenge allows.
    pub tries_left: u32,
}

/// Payload of `signup.email_confirmed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignupEmailConfirmed {}

/// Payload of `signup.completed`. With `signup.begun` it holds all that the rest of the sign-up needs, so that a crash
/// between the appends is made good by whoever finds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignupCompleted {
    /// The new organization.
    pub organization: OrganizationId,
    /// Its name.
    #[schemars(extend("examples" = ["Example Ltd"]))]
    pub organization_name: String,
    /// Name of the founder.
    pub profile: Personal<Profile>,
    /// Language of the account, a BCP 47 tag.
    #[schemars(extend("examples" = ["en-GB"]))]
    pub locale: String,
    /// Names the founder's password verifier in the vault.
    pub credential: uuid::Uuid,
}

/// Payload of `signup.expired`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignupExpired {}
