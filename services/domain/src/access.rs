//! Authorization: who may give which command. The one place that decides it, for commands and for queries.

use std::{collections::BTreeSet, sync::Arc};

use schema::{AccountId, Actor, DeviceId, OrganizationId, Right, SessionId};

use crate::{Code, Rejection};

/// What a command or query asks of whoever wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the command carries its own proof, such as a mailed code.
    Anyone,
    /// A signed-in person of the organization.
    Member,
    /// A person whose roles give this right.
    Right(Right),
    /// A system admin.
    SystemAdmin,
    /// The person or unit that it is about.
    Owner,
    /// The platform itself.
    System,
}

/// Who acts, as known at this moment.
#[derive(Debug, Clone)]
pub enum Principal {
    /// Nobody has signed in.
    Anonymous,
    /// A signed-in person.
    Person {
        /// The account.
        account: AccountId,
        /// Its organization.
        organization: OrganizationId,
        /// The session that the request came with.
        session: SessionId,
        /// Has the system admin role.
        system_admin: bool,
        /// Rights out of all roles.
        rights: Arc<BTreeSet<Right>>,
    },
    /// A Portal unit.
    Unit {
        /// The device.
        device: DeviceId,
        /// Its organization.
        organization: OrganizationId,
    },
    /// A part of the platform, by name.
    System(&'static str),
}

impl Principal {
    /// How the log names it.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Anonymous => Actor::Anonymous,
            Self::Person { account, .. } => Actor::Account(*account),
            Self::Unit { device, .. } => Actor::Device(*device),
            Self::System(name) => Actor::System((*name).into()),
        }
    }
    /// The organization it belongs to.
    pub fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::Person { organization, .. } | Self::Unit { organization, .. } => Some(*organization),
            Self::Anonymous | Self::System(_) => None,
        }
    }
    fn has(&self, right: Right) -> bool {
        matches!(self, Self::Person { system_admin, rights, .. } if *system_admin || rights.contains(&right))
    }
}

/// Whether `principal` may do what asks for `access` to a thing of `organization` that belongs to `owner`. A thing of
/// another organization is answered like one that does not exist.
pub fn authorize(
    principal: &Principal,
    access: Access,
    organization: Option<OrganizationId>,
    owner: Option<&Actor>,
) -> Result<(), Rejection> {
    if matches!(principal, Principal::System(_)) || access == Access::Anyone {
        return Ok(());
    }
    let (Some(own), false) = (principal.organization(), access == Access::System) else {
        return Err(match principal {
            Principal::Anonymous if access != Access::System => Code::NotSignedIn.into(),
            _ => Code::Forbidden.into(),
        });
    };
    if organization.is_some_and(|target| target != own) {
        return Err(Code::NotFound.into());
    }
    let allowed = match access {
        Access::Anyone => true,
        Access::System => false,
        Access::Member => matches!(principal, Principal::Person { .. }),
        Access::Right(right) => principal.has(right),
        Access::SystemAdmin => matches!(principal, Principal::Person { system_admin: true, .. }),
        // Somebody else's, and nobody's, is answered like one that does not exist.
        Access::Owner if owner != Some(&principal.actor()) => return Err(Code::NotFound.into()),
        Access::Owner => true,
    };
    if allowed { Ok(()) } else { Err(Code::Forbidden.into()) }
}
