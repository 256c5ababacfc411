//! An organization: stream `organization-<id>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, OrganizationId};

events! {
    /// Events of an organization.
    OrganizationEvent {
        /// The organization exists.
        Created(OrganizationCreated) = "organization.created" @ 1,
        /// Accounts with this email domain may be created.
        DomainAllowed(OrganizationDomainAllowed) = "organization.domain_allowed" @ 1,
    }
}

/// Payload of `organization.created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationCreated {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    #[schemars(extend("examples" = ["Example Ltd"]))]
    pub name: String,
    /// Who signed it up.
    pub founder: AccountId,
}

/// Payload of `organization.domain_allowed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationDomainAllowed {
    /// The domain in ASCII form.
    #[schemars(extend("examples" = ["example.com"]))]
    pub domain: String,
}
