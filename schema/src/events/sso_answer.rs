//! What came of one answer of an identity provider: stream `sso_answer-<request id>`, so that a request is answered once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, OrganizationId, SsoCheck, SsoProviderId, SsoRequestId};

events! {
    /// Events of an answer.
    SsoAnswerEvent {
        /// The answer signs a person in.
        Accepted(SsoAnswerAccepted) = "sso_answer.accepted" @ 1,
        /// The answer signs nobody in.
        Refused(SsoAnswerRefused) = "sso_answer.refused" @ 1,
        /// More answers sign nobody in than the history has room for; those that follow are not noted for a while.
        RefusalsSuppressed(SsoAnswerRefusalsSuppressed) = "sso_answer.refusals_suppressed" @ 1,
    }
}

/// Payload of `sso_answer.accepted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoAnswerAccepted {
    /// The request that was answered.
    pub request: SsoRequestId,
    /// Whose provider it is.
    pub organization: OrganizationId,
    /// The provider.
    pub provider: SsoProviderId,
    /// The person it vouches for.
    pub account: AccountId,
}

/// Payload of `sso_answer.refusals_suppressed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoAnswerRefusalsSuppressed {
    /// A name of its own.
    pub request: SsoRequestId,
    /// Whose provider it is.
    pub organization: OrganizationId,
    /// The provider.
    pub provider: SsoProviderId,
    /// Whether the answers were to requests of ours; everybody can send others.
    pub asked: bool,
}

/// Payload of `sso_answer.refused`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SsoAnswerRefused {
    /// The request that was answered, or a name of its own for an answer to none.
    pub request: SsoRequestId,
    /// Whose provider it is.
    pub organization: OrganizationId,
    /// The provider.
    pub provider: SsoProviderId,
    /// The check that failed.
    pub check: SsoCheck,
    /// What was expected; nothing personal.
    pub expected: String,
    /// What came; nothing personal.
    pub actual: String,
}
