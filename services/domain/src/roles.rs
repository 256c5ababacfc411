//! The admin roles of an organization and who holds them. One stream for all, so that the rule that an active system
//! admin always remains is decided in one place.

use std::collections::{BTreeMap, BTreeSet};

use schema::{
    AccountId, OrganizationId, Right, RoleId,
    events::role::{
        RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleEvent, RoleHolderResumed, RoleHolderSuspended,
        RoleUnassigned,
    },
};

use crate::{Access, Aggregate, Code, Intent, Rejection, text};

/// How many roles an organization may have.
pub const MOST_ROLES: usize = 100;

/// What can be wanted of the roles.
#[derive(Debug, Clone)]
pub enum RolesCommand {
    /// Make the system admin role and give it to the founder. Does nothing if it is there.
    Found {
        /// Whose roles they are.
        organization: OrganizationId,
        /// Id of the system admin role.
        role: RoleId,
        /// Who gets it.
        founder: AccountId,
    },
    /// Create a custom role.
    Create {
        /// Its id.
        role: RoleId,
        /// Its name, checked.
        name: String,
        /// What it allows.
        rights: BTreeSet<Right>,
    },
    /// Change name and rights of a custom role.
    Edit {
        /// The role.
        role: RoleId,
        /// Its name, checked.
        name: String,
        /// What it allows.
        rights: BTreeSet<Right>,
    },
    /// Delete a custom role; its holders lose it.
    Delete {
        /// The role.
        role: RoleId,
    },
    /// Give a role to a person of the organization.
    Assign {
        /// The role.
        role: RoleId,
        /// The person, of this organization.
        account: AccountId,
        /// The person has activated the account.
        activated: bool,
    },
    /// Take a role from a person.
    Unassign {
        /// The role.
        role: RoleId,
        /// The person.
        account: AccountId,
    },
    /// The person is going to be deactivated or set back: first of all steps, so that of two admins who do it to each
    /// other at the same moment one is refused.
    Suspend {
        /// The person.
        account: AccountId,
        /// The account's session epoch.
        session_epoch: u64,
        /// Set back to being only added; otherwise deactivated.
        set_back: bool,
    },
    /// The person is active again. Does nothing to a suspension of that moment or later, so that one who is slow with
    /// this does not undo a newer suspension.
    Resume {
        /// The person.
        account: AccountId,
        /// The session epoch in which the account was seen activated.
        session_epoch: u64,
    },
}

#[derive(Debug, Clone)]
struct Role {
    look: String,
    name: String,
    rights: BTreeSet<Right>,
    system_admin: bool,
    holders: BTreeSet<AccountId>,
}

/// The roles of an organization.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    organization: Option<OrganizationId>,
    roles: BTreeMap<RoleId, Role>,
    /// Whose roles rest, and the session epoch of the account before it was deactivated or set back.
    suspended: BTreeMap<AccountId, u64>,
}

impl Roles {
    /// Whether the person is a system admin, and the rights out of all their roles.
    pub fn of(&self, account: AccountId) -> (bool, BTreeSet<Right>) {
        if self.suspended.contains_key(&account) {
            return (false, BTreeSet::new());
        }
        self.held(account)
    }

    /// The same whether or not the roles rest: what the person has once active again.
    pub fn held(&self, account: AccountId) -> (bool, BTreeSet<Right>) {
        let held = || self.roles.values().filter(|role| role.holders.contains(&account));
        (held().any(|role| role.system_admin), held().flat_map(|role| role.rights.iter().copied()).collect())
    }

    /// The active system admins.
    pub fn system_admins(&self) -> impl Iterator<Item = AccountId> {
        let holders =
            self.roles.values().filter(|role| role.system_admin).flat_map(|role| role.holders.iter().copied());
        holders.filter(|holder| !self.suspended.contains_key(holder))
    }

    /// Whether nobody else than `account` is an active holder of the role.
    fn is_last(&self, role: &Role, account: AccountId) -> bool {
        !role.holders.iter().any(|holder| *holder != account && !self.suspended.contains_key(holder))
    }

    fn get(&self, id: RoleId) -> Result<&Role, Rejection> {
        self.roles.get(&id).ok_or(Code::NotFound.at("roleId"))
    }

    fn custom(&self, id: RoleId) -> Result<&Role, Rejection> {
        self.get(id).and_then(|role| if role.system_admin { Err(Code::RoleBuiltIn.at("roleId")) } else { Ok(role) })
    }

    fn check(&self, id: RoleId, name: &str, rights: &BTreeSet<Right>) -> Result<(), Rejection> {
        let look = text::look(name);
        if self.roles.iter().any(|(other, role)| *other != id && role.look == look) {
            return Err(Code::RoleNameTaken.at("name"));
        }
        if rights.is_empty() { Err(Code::Required.at("rights")) } else { Ok(()) }
    }
}

impl Aggregate for Roles {
    type Id = OrganizationId;
    type Event = RoleEvent;
    type Command = RolesCommand;
    const CATEGORY: &'static str = "roles";

    fn evolve(mut self, event: &RoleEvent) -> Self {
        match event {
            RoleEvent::Created(e) => {
                self.organization = Some(e.organization);
                let role = Role {
                    look: text::look(&e.name),
                    name: e.name.clone(),
                    rights: e.rights.clone(),
                    system_admin: e.system_admin,
                    holders: BTreeSet::new(),
                };
                self.roles.insert(e.role, role);
            }
            RoleEvent::Edited(e) => {
                if let Some(role) = self.roles.get_mut(&e.role) {
                    role.look = text::look(&e.name);
                    role.name.clone_from(&e.name);
                    role.rights.clone_from(&e.rights);
                }
            }
            RoleEvent::Deleted(e) => drop(self.roles.remove(&e.role)),
            RoleEvent::Assigned(e) => {
                if let Some(role) = self.roles.get_mut(&e.role) {
                    role.holders.insert(e.account);
                }
            }
            RoleEvent::HolderSuspended(e) => drop(self.suspended.insert(e.account, e.session_epoch)),
            RoleEvent::HolderResumed(e) => drop(self.suspended.remove(&e.account)),
            RoleEvent::Unassigned(e) => {
                if let Some(role) = self.roles.get_mut(&e.role) {
                    role.holders.remove(&e.account);
                }
            }
        }
        self
    }

    fn decide(&self, intent: &Intent<RolesCommand>) -> Result<Vec<RoleEvent>, Rejection> {
        match &intent.command {
            RolesCommand::Found { .. } if !self.roles.is_empty() => Ok(vec![]),
            RolesCommand::Found { organization, role, founder } => Ok(vec![
                RoleCreated {
                    role: *role,
                    organization: *organization,
                    name: "System admin".to_owned(),
                    rights: Right::ALL.into(),
                    system_admin: true,
                }
                .into(),
                RoleAssigned { role: *role, account: *founder }.into(),
            ]),
            RolesCommand::Create { role, .. } if self.roles.contains_key(role) => Ok(vec![]),
            RolesCommand::Create { role, name, rights } => {
                let organization = self.organization.ok_or(Code::NotFound)?;
                self.check(*role, name, rights)?;
                if self.roles.len() >= MOST_ROLES {
                    return Err(Rejection::new(
                        Code::TooMany,
                        "An organization has at most 100 roles; delete one first.",
                    ));
                }
                let created = RoleCreated {
                    role: *role,
                    organization,
                    name: name.clone(),
                    rights: rights.clone(),
                    system_admin: false,
                };
                Ok(vec![created.into()])
            }
            RolesCommand::Edit { role, name, rights } => {
                let current = self.custom(*role)?;
                self.check(*role, name, rights)?;
                if current.name == *name && current.rights == *rights {
                    return Ok(vec![]);
                }
                Ok(vec![RoleEdited { role: *role, name: name.clone(), rights: rights.clone() }.into()])
            }
            RolesCommand::Delete { role } => {
                self.custom(*role)?;
                Ok(vec![RoleDeleted { role: *role }.into()])
            }
            RolesCommand::Assign { role, account, activated } => {
                let current = self.get(*role)?;
                if current.holders.contains(account) {
                    return Ok(vec![]);
                }
                // Every holder of this role is active or suspended, so of the last one it is known.
                if current.system_admin && (!activated || self.suspended.contains_key(account)) {
                    return Err(Code::AccountNotActivated.at("personId"));
                }
                Ok(vec![RoleAssigned { role: *role, account: *account }.into()])
            }
            RolesCommand::Unassign { role, account } => {
                let current = self.get(*role)?;
                if !current.holders.contains(account) {
                    return Ok(vec![]);
                }
                // Whose roles rest is no active admin, so taking them from that person leaves as many as before.
                if current.system_admin && !self.suspended.contains_key(account) && self.is_last(current, *account) {
                    return Err(Code::LastSystemAdmin.at("personId"));
                }
                Ok(vec![RoleUnassigned { role: *role, account: *account }.into()])
            }
            RolesCommand::Suspend { .. } if self.organization.is_none() => Err(Code::NotFound.into()),
            RolesCommand::Suspend { account, session_epoch, .. }
                if self.suspended.get(account).is_some_and(|since| since >= session_epoch) =>
            {
                Ok(vec![])
            }
            RolesCommand::Suspend { account, session_epoch, set_back } => {
                let last =
                    |role: &Role| role.system_admin && role.holders.contains(account) && self.is_last(role, *account);
                // Whose roles rest already is no active admin: only the epoch moves on.
                if !self.suspended.contains_key(account) && self.roles.values().any(last) {
                    return Err(Code::LastSystemAdmin.at("personId"));
                }
                let suspended =
                    RoleHolderSuspended { account: *account, session_epoch: *session_epoch, set_back: *set_back };
                Ok(vec![suspended.into()])
            }
            RolesCommand::Resume { account, session_epoch }
                if self.suspended.get(account).is_some_and(|since| since < session_epoch) =>
            {
                Ok(vec![RoleHolderResumed { account: *account }.into()])
            }
            RolesCommand::Resume { .. } => Ok(vec![]),
        }
    }

    fn access(command: &RolesCommand) -> Access {
        match command {
            RolesCommand::Found { .. } | RolesCommand::Suspend { .. } | RolesCommand::Resume { .. } => Access::System,
            // Who could edit roles could give themselves every right: only system admins may.
            RolesCommand::Create { .. }
            | RolesCommand::Edit { .. }
            | RolesCommand::Delete { .. }
            | RolesCommand::Assign { .. }
            | RolesCommand::Unassign { .. } => Access::SystemAdmin,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }
}
