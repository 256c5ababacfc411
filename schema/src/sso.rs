//! What is known of an organization's identity providers, and of what was checked when one of them vouched for a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an organization's identity provider is reached and recognized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "protocol", rename_all = "snake_case")]
pub enum SsoConfiguration {
    /// SAML 2.0.
    Saml {
        /// Entity id of the provider.
        #[schemars(extend("examples" = ["https://login.example.com/saml"]))]
        issuer: String,
        /// Where requests to sign in go.
        sso_url: String,
        /// How they go there.
        binding: SamlBinding,
        /// Where logout messages go, if it takes any.
        logout_url: Option<String>,
        /// Certificates with which it may sign, in base64: one, or two while it changes its key.
        certificates: Vec<String>,
    },
    /// OpenID Connect.
    OpenIdConnect {
        /// The issuer, whose discovery document tells the rest.
        #[schemars(extend("examples" = ["https://login.example.com"]))]
        issuer: String,
        /// What the provider calls us.
        client_id: String,
        /// Names the client secret in the vault.
        secret: uuid::Uuid,
    },
}

/// How requests travel through the browser to a SAML provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SamlBinding {
    /// In the query of a URL (HTTP-Redirect).
    #[default]
    Redirect,
    /// In a form (HTTP-POST).
    Post,
}

/// One thing that is checked when an identity provider vouches for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SsoCheck {
    /// The answer is well-formed and holds nothing that is refused unread.
    Format,
    /// The provider reports success.
    Status,
    /// The signature is by a key of the provider, with an algorithm that is good enough, over what is used.
    Signature,
    /// The answer is by the provider that was asked.
    Issuer,
    /// The answer is addressed to us.
    Destination,
    /// The answer is to a request of ours that this browser made, and that nothing was answered to.
    Request,
    /// The answer is meant for us.
    Audience,
    /// The answer is of now.
    Times,
    /// It says how the person is confirmed, and that the person signed in.
    Confirmation,
    /// The answer was not seen before.
    Replay,
    /// It names the person, and as the same as last time.
    Subject,
    /// It has the person's email address, confirmed.
    Email,
    /// The domain of the address is verified by the organization.
    Domain,
    /// The provider is active, in the configuration that was asked.
    Provider,
    /// The person is an active member of the organization who signs in this way, or in a test the admin who tests.
    Account,
    /// The provider's discovery document and keys can be fetched and fit together.
    Discovery,
    /// The provider gives a token for the code.
    Token,
}

impl SsoCheck {
    /// What came tells something about a person.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Subject | Self::Email | Self::Account)
    }
}

/// A check and what came of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SsoCheckResult {
    /// What was checked.
    pub check: SsoCheck,
    /// Whether it holds.
    pub passed: bool,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub actual: String,
}

impl std::fmt::Debug for SsoCheckResult {
    // What came may be personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.check, if self.passed { "passed" } else { "failed" })
    }
}
