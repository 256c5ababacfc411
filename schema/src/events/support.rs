//! A request to the support: stream `support-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, OrganizationId, Personal, SupportRequestId};

events! {
    /// Events of support requests.
    SupportEvent {
        /// A person asks for help; it goes to the configured address.
        Requested(SupportRequested) = "support.requested" @ 1,
    }
}

/// Payload of `support.requested`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SupportRequested {
    /// The request.
    pub request: SupportRequestId,
    /// Who asks.
    pub account: AccountId,
    /// Of which organization.
    pub organization: OrganizationId,
    /// What it is about, in a line.
    pub subject: Personal<String>,
    /// The whole of it.
    pub message: Personal<String>,
}
