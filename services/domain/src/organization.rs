//! An organization: its name and the email domains its accounts may have.

use std::collections::BTreeSet;

use schema::{
    AccountId, OrganizationId,
    events::organization::{OrganizationCreated, OrganizationDomainAllowed, OrganizationEvent},
};

use crate::{Access, Aggregate, Intent, Rejection, text::DomainName};

/// What can be wanted of an organization.
#[derive(Debug, Clone)]
pub enum OrganizationCommand {
    /// Bring it into being, with the founder's domain allow-listed. Does nothing if it exists.
    Create {
        /// The organization.
        organization: OrganizationId,
        /// Its name, checked.
        name: String,
        /// Who signed it up.
        founder: AccountId,
        /// The founder's email domain.
        domain: String,
    },
}

/// An organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    id: Option<OrganizationId>,
    domains: BTreeSet<String>,
}

impl Organization {
    /// Whether accounts with this email domain may be created.
    pub fn allows(&self, domain: &DomainName) -> bool {
        self.domains.contains(domain.as_str())
    }
}

impl Aggregate for Organization {
    type Id = OrganizationId;
    type Event = OrganizationEvent;
    type Command = OrganizationCommand;
    const CATEGORY: &'static str = "organization";

    fn evolve(mut self, event: &OrganizationEvent) -> Self {
        match event {
            OrganizationEvent::Created(e) => self.id = Some(e.organization),
            OrganizationEvent::DomainAllowed(e) => drop(self.domains.insert(e.domain.clone())),
        }
        self
    }

    fn decide(&self, intent: &Intent<OrganizationCommand>) -> Result<Vec<OrganizationEvent>, Rejection> {
        match &intent.command {
            OrganizationCommand::Create { .. } if self.id.is_some() => Ok(vec![]),
            OrganizationCommand::Create { organization, name, founder, domain } => Ok(vec![
                OrganizationCreated { organization: *organization, name: name.clone(), founder: *founder }.into(),
                OrganizationDomainAllowed { domain: domain.clone() }.into(),
            ]),
        }
    }

    fn access(command: &OrganizationCommand) -> Access {
        match command {
            OrganizationCommand::Create { .. } => Access::System,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.id
    }
}
