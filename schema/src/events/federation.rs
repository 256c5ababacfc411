//! Sessions that began with one at an identity provider, by what it calls the person: stream `federation-<hash>`. When the
//! provider ends a session there, those here are found by it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{FederatedSubjectKey, SessionId, SsoProviderId, Timestamp};

events! {
    /// Events of a person at an identity provider.
    FederationEvent {
        /// A session begins.
        SessionNoted(FederationSessionNoted) = "federation.session_noted" @ 1,
    }
}

/// Payload of `federation.session_noted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FederationSessionNoted {
    /// The provider.
    pub provider: SsoProviderId,
    /// The session here.
    pub session: SessionId,
    /// Keyed hash of what the provider calls the session there; none if it did not say.
    pub index: Option<FederatedSubjectKey>,
    /// When the session here ends whatever happens.
    pub expires_at: Timestamp,
}
