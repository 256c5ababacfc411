//! An organization: its name, its logo, and the email domains its accounts may have.

mod domains;

use schema::{
    AccountId, ChallengeId, OrganizationId, Right, VerificationMethod,
    events::organization::{
        OrganizationCreated, OrganizationDomainAllowed, OrganizationEvent, OrganizationLogoChanged, OrganizationRenamed,
    },
};

use self::domains::Domains;
pub use self::domains::{
    Attempt, CODE_LIFETIME, CODE_TRIES, Domain, MAILBOXES, MOST_CODES_A_DAY, MOST_CODES_A_DAY_IN_ALL, MOST_DOMAINS,
    PROOF_LIFETIME,
};
use crate::{Access, Aggregate, Code, Intent, Rejection, text::DomainName};

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
    /// Call it something else.
    Rename {
        /// Checked.
        name: String,
    },
    /// Give it another logo, whose file is stored.
    ChangeLogo(OrganizationLogoChanged),
    /// Allow accounts with this email domain.
    AllowDomain {
        /// Which.
        domain: DomainName,
    },
    /// Start to prove that a domain is the organization's own. Voids an attempt before.
    BeginVerification {
        /// Which.
        domain: DomainName,
        /// How.
        method: VerificationMethod,
        /// What the code or token will be derived from.
        challenge: ChallengeId,
        /// For a mailed code: which of [`MAILBOXES`] it goes to.
        mailbox: Option<String>,
    },
    /// A code was entered that is not the one that was mailed.
    RejectCode {
        /// Which domain.
        domain: DomainName,
        /// Which attempt.
        challenge: ChallengeId,
    },
    /// The proof was found, and the domain is reserved for the organization.
    ConfirmDomain {
        /// Which domain.
        domain: DomainName,
        /// Which attempt.
        challenge: ChallengeId,
    },
    /// Give up an attempt.
    FailVerification {
        /// Which domain.
        domain: DomainName,
        /// Which attempt.
        challenge: ChallengeId,
        /// Why.
        code: Code,
    },
    /// A verified domain was looked at again.
    NoteProof {
        /// Which domain.
        domain: DomainName,
        /// Which proof.
        challenge: ChallengeId,
        /// It is still there.
        found: bool,
    },
    /// Allow no more accounts with this email domain.
    RemoveDomain {
        /// Which.
        domain: DomainName,
    },
}

/// An organization.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    id: Option<OrganizationId>,
    name: String,
    logo: Option<OrganizationLogoChanged>,
    domains: Domains,
}

impl Organization {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Its logo, if it has one.
    pub fn logo(&self) -> Option<&OrganizationLogoChanged> {
        self.logo.as_ref()
    }
    /// Whether the domain is on its list. Another organization may have verified it all the same.
    pub fn allows(&self, domain: &DomainName) -> bool {
        self.domains.get(domain.as_str()).is_some()
    }
    /// One of its domains, in ASCII form.
    pub fn domain(&self, domain: &str) -> Option<&Domain> {
        self.domains.get(domain)
    }
    /// Its domains by name in ASCII form.
    pub fn domains(&self) -> impl Iterator<Item = (&str, &Domain)> {
        self.domains.iter()
    }
}

impl Aggregate for Organization {
    type Id = OrganizationId;
    type Event = OrganizationEvent;
    type Command = OrganizationCommand;
    const CATEGORY: &'static str = "organization";

    fn evolve(mut self, event: &OrganizationEvent) -> Self {
        match event {
            OrganizationEvent::Created(e) => {
                self.id = Some(e.organization);
                self.name.clone_from(&e.name);
            }
            OrganizationEvent::Renamed(e) => self.name.clone_from(&e.name),
            OrganizationEvent::LogoChanged(e) => self.logo = Some(e.clone()),
            about_domains => self.domains.evolve(about_domains),
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
            _ if self.id.is_none() => Err(Code::NotFound.into()),
            OrganizationCommand::Rename { name } if *name == self.name => Ok(vec![]),
            OrganizationCommand::Rename { name } => Ok(vec![OrganizationRenamed { name: name.clone() }.into()]),
            OrganizationCommand::ChangeLogo(logo) if self.logo.as_ref() == Some(logo) => Ok(vec![]),
            OrganizationCommand::ChangeLogo(logo) => Ok(vec![logo.clone().into()]),
            about_domains => self.domains.decide(about_domains, intent.at),
        }
    }

    fn access(command: &OrganizationCommand) -> Access {
        match command {
            OrganizationCommand::Rename { .. } | OrganizationCommand::ChangeLogo(_) => {
                Access::Right(Right::ManageOrganization)
            }
            OrganizationCommand::AllowDomain { .. }
            | OrganizationCommand::BeginVerification { .. }
            | OrganizationCommand::RemoveDomain { .. }
            // Given only after the proof was looked at, for whoever had it looked at.
            | OrganizationCommand::RejectCode { .. }
            | OrganizationCommand::ConfirmDomain { .. } => Access::Right(Right::ManageDomains),
            OrganizationCommand::Create { .. }
            | OrganizationCommand::FailVerification { .. }
            | OrganizationCommand::NoteProof { .. } => Access::System,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.id
    }
}
