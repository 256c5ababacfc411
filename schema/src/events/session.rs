//! A signed-in browser or client: stream `session-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{
    AccountId, FederatedName, LoginMethod, OrganizationId, Personal, SessionId, SessionOrigin, SsoProviderId, Timestamp,
};

events! {
    /// Events of a session.
    SessionEvent {
        /// A person signed in.
        Started(SessionStarted) = "session.started" @ 2,
        /// From where the person signed in.
        OpenedFrom(SessionOpenedFrom) = "session.opened_from" @ 1,
        /// The session began with one at an identity provider.
        Federated(SessionFederated) = "session.federated" @ 1,
        /// The person signed out, or the session was ended for them.
        Ended(SessionEnded) = "session.ended" @ 1,
    }
}

/// Payload of `session.started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// The session.
    pub session: SessionId,
    /// Who signed in.
    pub account: AccountId,
    /// Of which organization.
    pub organization: OrganizationId,
    /// How.
    pub method: LoginMethod,
    /// SHA-256 of the secret, hexadecimal. The secret has 256 random bits, so its hash gives nothing away.
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    pub secret_sha256: String,
    /// The account's session epoch: the session is valid only as long as the account has the same.
    pub epoch: u64,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// Payload of `session.opened_from`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionOpenedFrom {
    /// When.
    pub at: Timestamp,
    /// Device and place.
    pub origin: Personal<SessionOrigin>,
}

/// Payload of `session.federated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionFederated {
    /// The provider.
    pub provider: SsoProviderId,
    /// Person and session in the words of the provider.
    pub name: Personal<FederatedName>,
}

/// Payload of `session.ended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {}
