//! The admin roles of an organization and who holds them: stream `roles-<organization>`.
//!
//! One stream for all of them: the rule that a system admin always remains is decided on it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::events;
use crate::{AccountId, OrganizationId, Right, RoleId};

events! {
    /// Events of admin roles.
    RoleEvent {
        /// A role was created.
        Created(RoleCreated) = "role.created" @ 1,
        /// Name or rights of a role changed.
        Edited(RoleEdited) = "role.edited" @ 1,
        /// A role was deleted; its holders lose it.
        Deleted(RoleDeleted) = "role.deleted" @ 1,
        /// A person was given a role.
        Assigned(RoleAssigned) = "role.assigned" @ 1,
        /// A role was taken from a person.
        Unassigned(RoleUnassigned) = "role.unassigned" @ 1,
        /// A person is about to be deactivated or set back: the roles rest, and the person counts no longer as an admin.
        HolderSuspended(RoleHolderSuspended) = "role.holder_suspended" @ 1,
        /// The person is active again and has the roles back.
        HolderResumed(RoleHolderResumed) = "role.holder_resumed" @ 1,
    }
}

/// Payload of `role.created`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleCreated {
    /// The role.
    pub role: RoleId,
    /// Whose role it is.
    pub organization: OrganizationId,
    /// Its name, unique within the organization.
    #[schemars(extend("examples" = ["Help desk"]))]
    pub name: String,
    /// What it allows.
    pub rights: BTreeSet<Right>,
    /// It is the system admin role, which nobody can edit or delete.
    pub system_admin: bool,
}

/// Payload of `role.edited`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleEdited {
    /// The role.
    pub role: RoleId,
    /// Its name from now on.
    #[schemars(extend("examples" = ["Help desk"]))]
    pub name: String,
    /// What it allows from now on.
    pub rights: BTreeSet<Right>,
}

/// Payload of `role.deleted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleDeleted {
    /// The role.
    pub role: RoleId,
}

/// Payload of `role.assigned`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleAssigned {
    /// The role.
    pub role: RoleId,
    /// Who holds it from now on.
    pub account: AccountId,
}

/// Payload of `role.unassigned`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleUnassigned {
    /// The role.
    pub role: RoleId,
    /// Who loses it.
    pub account: AccountId,
}

/// Payload of `role.holder_suspended`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleHolderSuspended {
    /// Who.
    pub account: AccountId,
    /// The account's session epoch at the time: what follows is finished after a crash only if nothing happened since.
    pub session_epoch: u64,
    /// The account is set back to being only added; otherwise it is deactivated.
    pub set_back: bool,
}

/// Payload of `role.holder_resumed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleHolderResumed {
    /// Who.
    pub account: AccountId,
}
