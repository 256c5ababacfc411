//! An organization's identity providers, and who signs in with them.
//!
//! What a provider is configured to is a draft until it has passed a test and was activated; until then the configuration
//! that was activated before goes on. So a provider can be changed without locking anybody out.

mod providers;

use chrono::Duration;
use schema::{
    AccountId, LoginMethod, OrganizationId, SsoProviderId, SsoTestId, Timestamp,
    events::single_sign_on::{
        SingleSignOnEvent, SsoCertificateExpiring, SsoDefaultMethodChanged, SsoProviderAdded, SsoReleased, SsoRequired,
        SsoTestEnded,
    },
};

use self::providers::Providers;
pub use self::providers::{Details, MOST_PROVIDERS, Passed, Pending, Provider};
use crate::{Access, Aggregate, Code, Intent, Rejection};

/// How long a test may take, from the link to the provider's answer.
pub const TEST_LIFETIME: Duration = Duration::minutes(10);
/// How long before a certificate ends the admins are told.
pub const CERTIFICATE_WARNING: Duration = Duration::days(30);

/// What can be wanted of single sign-on.
#[derive(Debug, Clone)]
pub enum SingleSignOnCommand {
    /// Add a provider. The domains were found to be verified.
    Add(SsoProviderAdded),
    /// Configure a provider otherwise. Voids its test.
    Update {
        /// Which.
        provider: SsoProviderId,
        /// Name, domains and configuration from now on.
        details: Details,
        /// Which edit they were made from: what another admin has entered meanwhile is not lost.
        revision: u32,
    },
    /// Remove a provider.
    Remove(SsoProviderId),
    /// Begin a test of what the provider is configured to now.
    BeginTest {
        /// Which.
        provider: SsoProviderId,
        /// The test.
        test: SsoTestId,
        /// Who tests.
        account: AccountId,
    },
    /// The provider has answered to a test.
    EndTest(SsoTestEnded),
    /// Let the provider sign people in, in the configuration that has passed its test.
    Activate(SsoProviderId),
    /// Let it sign in nobody.
    Deactivate(SsoProviderId),
    /// Note that a certificate of an active provider ends soon.
    WarnOfCertificate(SsoCertificateExpiring),
    /// Let new people sign in so.
    SetDefaultMethod(LoginMethod),
    /// Let everybody whom an active provider serves sign in there, but for one system admin, who was found to be active and
    /// to have a password.
    Require {
        /// The system admin.
        way_back_in: AccountId,
    },
    /// Let everybody sign in by their own method.
    Release,
}

/// Single sign-on of an organization.
#[derive(Debug, Clone, Default)]
pub struct SingleSignOn {
    organization: Option<OrganizationId>,
    providers: Providers,
    default_method: Option<LoginMethod>,
    way_back_in: Option<AccountId>,
}

/// What decides how somebody may sign in, beside single sign-on itself.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// Who.
    pub account: AccountId,
    /// Their own method.
    pub method: LoginMethod,
    /// Domain of their email address, in ASCII form.
    pub domain: &'a str,
    /// The organization has verified the domain.
    pub domain_verified: bool,
    /// Has the system admin role at this moment.
    pub system_admin: bool,
}

impl SingleSignOn {
    /// A provider.
    pub fn provider(&self, provider: SsoProviderId) -> Option<&Provider> {
        self.providers.get(provider)
    }
    /// All providers, oldest first.
    pub fn providers(&self) -> impl Iterator<Item = (SsoProviderId, &Provider)> {
        self.providers.iter()
    }
    /// The active provider for a verified domain, and what was activated.
    pub fn serving(&self, domain: &str) -> Option<(SsoProviderId, &Details)> {
        self.providers.serving(domain)
    }
    /// How new people sign in.
    pub fn default_method(&self) -> LoginMethod {
        self.default_method.unwrap_or(LoginMethod::Password)
    }
    /// Everybody whom an active provider serves has to sign in there, but for this system admin.
    pub fn way_back_in(&self) -> Option<AccountId> {
        self.way_back_in
    }

    /// How somebody signs in who is added with an address of this domain, which the organization has verified or not.
    pub fn method_for_new(&self, domain: &str, domain_verified: bool) -> LoginMethod {
        let wanted = self.way_back_in.is_some() || self.default_method() == LoginMethod::SingleSignOn;
        match wanted && domain_verified && self.serving(domain).is_some() {
            true => LoginMethod::SingleSignOn,
            false => LoginMethod::Password,
        }
    }

    /// Whether the person may sign in with a password. No broken provider locks an organization out: system admins always
    /// may, unless one of them is named as the way back in, and is there.
    pub fn allows_password(&self, person: Person<'_>, way_back_in_is_open: bool) -> bool {
        let served = person.domain_verified && self.serving(person.domain).is_some();
        let chosen = person.method == LoginMethod::Password && (self.way_back_in.is_none() || !served);
        let way_back_in = match self.way_back_in {
            Some(named) => named == person.account || !way_back_in_is_open || !served,
            None => true,
        };
        chosen || (person.system_admin && way_back_in)
    }

    /// Whether the person may sign in at a provider that vouches for them.
    pub fn allows_provider(&self, person: Person<'_>, provider: SsoProviderId) -> bool {
        let wanted = person.method == LoginMethod::SingleSignOn || self.way_back_in.is_some();
        let serves = self.serving(person.domain).is_some_and(|(serving, _)| serving == provider);
        wanted && person.domain_verified && serves
    }
}

impl Aggregate for SingleSignOn {
    type Id = OrganizationId;
    type Event = SingleSignOnEvent;
    type Command = SingleSignOnCommand;
    const CATEGORY: &'static str = "single_sign_on";

    fn evolve(mut self, event: &SingleSignOnEvent) -> Self {
        match event {
            SingleSignOnEvent::DefaultMethodChanged(e) => self.default_method = Some(e.method),
            SingleSignOnEvent::Required(e) => self.way_back_in = Some(e.way_back_in),
            SingleSignOnEvent::Released(_) => self.way_back_in = None,
            about_providers => {
                if let SingleSignOnEvent::ProviderAdded(e) = about_providers {
                    self.organization = Some(e.organization);
                }
                self.providers.evolve(about_providers);
            }
        }
        self
    }

    fn decide(&self, intent: &Intent<SingleSignOnCommand>) -> Result<Vec<SingleSignOnEvent>, Rejection> {
        match &intent.command {
            SingleSignOnCommand::SetDefaultMethod(method) if *method == self.default_method() => Ok(vec![]),
            SingleSignOnCommand::SetDefaultMethod(LoginMethod::SingleSignOn) if !self.providers.any_active() => {
                Err(Code::NoActiveProvider.at("method"))
            }
            SingleSignOnCommand::SetDefaultMethod(method) => {
                Ok(vec![SsoDefaultMethodChanged { method: *method }.into()])
            }
            SingleSignOnCommand::Require { way_back_in } if self.way_back_in == Some(*way_back_in) => Ok(vec![]),
            SingleSignOnCommand::Require { .. } if !self.providers.any_active() => Err(Code::NoActiveProvider.into()),
            SingleSignOnCommand::Require { way_back_in } => Ok(vec![SsoRequired { way_back_in: *way_back_in }.into()]),
            SingleSignOnCommand::Release if self.way_back_in.is_none() => Ok(vec![]),
            SingleSignOnCommand::Release => Ok(vec![SsoReleased {}.into()]),
            about_providers => self.providers.decide(about_providers, self.way_back_in.is_some(), intent.at),
        }
    }

    fn access(command: &SingleSignOnCommand) -> Access {
        match command {
            // A provider vouches for anybody of the organization, system admins included: who sets one up could be them.
            SingleSignOnCommand::Add(_)
            | SingleSignOnCommand::Update { .. }
            | SingleSignOnCommand::Remove(_)
            | SingleSignOnCommand::BeginTest { .. }
            | SingleSignOnCommand::Activate(_)
            | SingleSignOnCommand::Deactivate(_)
            | SingleSignOnCommand::SetDefaultMethod(_)
            | SingleSignOnCommand::Require { .. }
            | SingleSignOnCommand::Release => Access::SystemAdmin,
            SingleSignOnCommand::EndTest(_) | SingleSignOnCommand::WarnOfCertificate(_) => Access::System,
        }
    }

    fn target(command: &SingleSignOnCommand) -> Option<OrganizationId> {
        match command {
            SingleSignOnCommand::Add(added) => Some(added.organization),
            _ => None,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }
}

impl SingleSignOn {
    /// Names of the client secrets in the vault that are still of use.
    pub fn secrets(&self) -> impl Iterator<Item = uuid::Uuid> {
        self.providers.iter().flat_map(|(_, provider)| provider.secrets())
    }
    /// Whether a certificate of this fingerprint was already warned of.
    pub fn warned_of(&self, provider: SsoProviderId, fingerprint: &str) -> bool {
        self.provider(provider).is_some_and(|provider| provider.warned.contains(fingerprint))
    }
}

/// Until when a test can be made that begins at `at`.
pub(crate) fn test_ends(at: Timestamp) -> Timestamp {
    at + TEST_LIFETIME
}
