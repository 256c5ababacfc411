//! Somebody forgot a password: stream `recovery-<hash of the address>`. Written for known and unknown addresses alike, so that
//! neither answer nor timing tells whether there is an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{ChallengeId, EmailKey};

events! {
    /// Events of recoveries.
    RecoveryEvent {
        /// Somebody asked for a link to choose a new password. Whether one goes out is decided later.
        Requested(RecoveryRequested) = "recovery.requested" @ 1,
        /// No link goes out, because there is no account that it would help. Where one does, its event stands in the
        /// account's stream: so each request is followed by one event, and positions do not tell them apart.
        Answered(RecoveryAnswered) = "recovery.answered" @ 1,
    }
}

/// Payload of `recovery.requested`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryRequested {
    /// Keyed hash of the address.
    pub email_key: EmailKey,
    /// What the link will be derived from.
    pub challenge: ChallengeId,
}

/// Payload of `recovery.answered`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryAnswered {
    /// What the link would have been derived from.
    pub challenge: ChallengeId,
}
