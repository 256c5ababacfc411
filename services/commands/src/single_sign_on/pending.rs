//! A request to an identity provider while the browser is there. The browser keeps it, sealed, in a cookie of its own.

use identity::openid::PendingRequest;
use schema::{SsoProviderId, SsoRequestId, SsoTestId, Timestamp};
use serde::{Deserialize, Serialize};

/// What it is sealed for.
pub(super) const SEALED_FOR: &str = "single-sign-on";
/// How long a person may take at the provider.
pub(super) const PENDING_LIFETIME: chrono::Duration = chrono::Duration::minutes(10);

/// What an answer is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Purpose {
    /// To sign somebody in.
    SignIn {
        /// Path to lead the browser on to.
        return_to: Option<String>,
    },
    /// To test the provider: nobody is signed in.
    Test {
        /// The test.
        test: SsoTestId,
    },
}

/// See the module. Without `Debug`: it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    /// Names the request in the history.
    pub request: SsoRequestId,
    /// Who was asked.
    pub provider: SsoProviderId,
    /// In which configuration: it counts the edits.
    pub revision: u32,
    /// What for.
    pub purpose: Purpose,
    /// What ties the answer to it. Its state, after an underscore, is the id of a SAML request.
    pub ties: PendingRequest,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Pending {
    /// The id of the request as SAML has it.
    pub(super) fn saml_id(&self) -> String {
        format!("_{}", self.ties.state)
    }
    /// What names it among the requests of one browser.
    pub fn handle(&self) -> Handle {
        Handle::of(&self.ties.state)
    }
}

/// Names a request among those of one browser, which may have several tabs open. No secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(String);

impl Handle {
    /// Characters of a state that name it.
    const CHARACTERS: usize = 16;

    /// The handle of a request by its state, or by what a provider sends back of it. Whatever is sent makes a handle that
    /// can stand in the name of a cookie.
    pub fn of(state: &str) -> Self {
        Self(state.chars().filter(char::is_ascii_alphanumeric).take(Self::CHARACTERS).collect())
    }
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
