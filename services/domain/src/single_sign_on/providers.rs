//! The providers of an organization: drafts, tests, and what is active.

use std::collections::{BTreeMap, BTreeSet};

use schema::{
    AccountId, Personal, SsoCheck, SsoCheckResult, SsoConfiguration, SsoProviderId, SsoTestId, Timestamp,
    events::single_sign_on::{
        SingleSignOnEvent, SsoProviderActivated, SsoProviderAdded, SsoProviderDeactivated, SsoProviderRemoved,
        SsoProviderUpdated, SsoTestBegun, SsoTestEnded,
    },
};

use super::{SingleSignOnCommand, test_ends};
use crate::{Code, Rejection, text::look};

/// How many providers an organization may have.
pub const MOST_PROVIDERS: usize = 10;
/// How many ended tests of a provider are remembered.
const MOST_TESTS: usize = 20;

/// What a provider is configured to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What people know it by.
    pub name: String,
    /// Verified domains that it serves; all if it names none.
    pub domains: Vec<String>,
    /// How it is reached and recognized.
    pub configuration: SsoConfiguration,
}

impl Details {
    /// Whether it is for people with addresses of this domain, if the organization has verified it.
    pub fn serves(&self, domain: &str) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|own| own == domain)
    }
    fn overlaps(&self, other: &Self) -> bool {
        self.domains.is_empty() || other.domains.is_empty() || self.domains.iter().any(|own| other.serves(own))
    }
}

/// A test that waits for the provider's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Who tests.
    pub account: AccountId,
    /// Until when.
    pub expires_at: Timestamp,
    /// Which configuration is tested: it counts the edits.
    pub revision: u32,
}

/// A test that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// Who tested.
    pub account: AccountId,
    /// Which configuration was tested.
    pub revision: u32,
    /// The check that failed; none if it has passed.
    pub failed: Option<SsoCheck>,
    /// Every check, sealed.
    pub transcript: Personal<Vec<SsoCheckResult>>,
}

/// A provider.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What it is configured to now.
    pub details: Details,
    /// Counts the edits.
    pub revision: u32,
    /// What signs people in.
    pub active: Option<Details>,
    /// Which edit that is.
    pub active_revision: u32,
    /// The test that it has passed.
    pub active_test: Option<SsoTestId>,
    /// Tests that wait for an answer.
    pub pending: BTreeMap<SsoTestId, Pending>,
    /// Tests that have ended, oldest first.
    pub ended: Vec<(SsoTestId, Passed)>,
    pub(super) warned: BTreeSet<String>,
}

impl Provider {
    /// The test that what it is configured to now has passed.
    pub fn passed(&self) -> Option<SsoTestId> {
        let passed = |(_, test): &&(SsoTestId, Passed)| test.failed.is_none() && test.revision == self.revision;
        self.ended.iter().rev().find(passed).map(|(test, _)| *test)
    }
    /// Names of the client secrets in the vault that are of use.
    pub fn secrets(&self) -> impl Iterator<Item = uuid::Uuid> {
        let configurations =
            [Some(&self.details), self.active.as_ref()].into_iter().flatten().map(|d| &d.configuration);
        configurations.filter_map(|configuration| match configuration {
            SsoConfiguration::OpenIdConnect { secret, .. } => Some(*secret),
            SsoConfiguration::Saml { .. } => None,
        })
    }
    /// What it is configured to now has yet to be activated.
    pub fn has_draft(&self) -> bool {
        self.active.is_none() || self.active_revision != self.revision
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Providers {
    by_id: BTreeMap<SsoProviderId, Provider>,
    order: Vec<SsoProviderId>,
}

impl Providers {
    pub(super) fn get(&self, provider: SsoProviderId) -> Option<&Provider> {
        self.by_id.get(&provider)
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = (SsoProviderId, &Provider)> {
        self.order.iter().filter_map(|id| self.get(*id).map(|provider| (*id, provider)))
    }
    pub(super) fn any_active(&self) -> bool {
        self.by_id.values().any(|provider| provider.active.is_some())
    }
    pub(super) fn serving(&self, domain: &str) -> Option<(SsoProviderId, &Details)> {
        let active = self.iter().filter_map(|(id, provider)| provider.active.as_ref().map(|active| (id, active)));
        active.into_iter().find(|(_, active)| active.serves(domain))
    }
    fn known(&self, provider: SsoProviderId) -> Result<&Provider, Rejection> {
        self.get(provider).ok_or(Code::NotFound.at("providerId"))
    }
    fn change(&mut self, provider: SsoProviderId, change: impl FnOnce(&mut Provider)) {
        if let Some(provider) = self.by_id.get_mut(&provider) {
            change(provider);
        }
    }
    /// Another provider has this name, or one that looks the same.
    fn check_name(&self, name: &str, own: Option<SsoProviderId>) -> Result<(), Rejection> {
        let taken = self.iter().any(|(id, other)| Some(id) != own && look(&other.details.name) == look(name));
        if taken { Err(Code::ProviderNameTaken.at("name")) } else { Ok(()) }
    }

    pub(super) fn evolve(&mut self, event: &SingleSignOnEvent) {
        match event {
            SingleSignOnEvent::ProviderAdded(e) => {
                let SsoProviderAdded { provider, name, domains, configuration, .. } = e.clone();
                let details = Details { name, domains, configuration };
                self.order.push(provider);
                let added = Provider {
                    details,
                    revision: 0,
                    active: None,
                    active_revision: 0,
                    active_test: None,
                    pending: BTreeMap::new(),
                    ended: Vec::new(),
                    warned: BTreeSet::new(),
                };
                self.by_id.insert(provider, added);
            }
            SingleSignOnEvent::ProviderUpdated(e) => self.change(e.provider, |provider| {
                let SsoProviderUpdated { name, domains, configuration, .. } = e.clone();
                provider.details = Details { name, domains, configuration };
                provider.revision = provider.revision.saturating_add(1);
                // Their answers would be to another configuration.
                provider.pending.clear();
            }),
            SingleSignOnEvent::ProviderRemoved(e) => {
                self.by_id.remove(&e.provider);
                self.order.retain(|id| *id != e.provider);
            }
            SingleSignOnEvent::TestBegun(e) => self.change(e.provider, |provider| {
                let SsoTestBegun { test, account, expires_at, .. } = *e;
                let begun_at = expires_at - super::TEST_LIFETIME;
                provider.pending.retain(|_, pending| begun_at < pending.expires_at);
                provider.pending.insert(test, Pending { account, expires_at, revision: provider.revision });
            }),
            SingleSignOnEvent::TestEnded(e) => self.change(e.provider, |provider| {
                if let Some(Pending { account, revision, .. }) = provider.pending.remove(&e.test) {
                    let test = Passed { account, revision, failed: e.failed, transcript: e.transcript.clone() };
                    provider.ended.push((e.test, test));
                    let surplus = provider.ended.len().saturating_sub(MOST_TESTS);
                    provider.ended.drain(..surplus);
                }
            }),
            SingleSignOnEvent::ProviderActivated(e) => self.change(e.provider, |provider| {
                provider.active = Some(provider.details.clone());
                provider.active_revision = provider.revision;
                provider.active_test = Some(e.test);
            }),
            SingleSignOnEvent::ProviderDeactivated(e) => self.change(e.provider, |provider| provider.active = None),
            SingleSignOnEvent::CertificateExpiring(e) => {
                self.change(e.provider, |provider| provider.warned.extend([e.fingerprint.clone()]));
            }
            SingleSignOnEvent::DefaultMethodChanged(_)
            | SingleSignOnEvent::Required(_)
            | SingleSignOnEvent::Released(_) => {}
        }
    }

    pub(super) fn decide(
        &self,
        command: &SingleSignOnCommand,
        required: bool,
        at: Timestamp,
    ) -> Result<Vec<SingleSignOnEvent>, Rejection> {
        match command {
            SingleSignOnCommand::Add(added) if self.get(added.provider).is_some() => Ok(vec![]),
            SingleSignOnCommand::Add(_) if self.order.len() >= MOST_PROVIDERS => {
                Err(Rejection::new(Code::TooMany, "An organization may have 10 providers; remove one first."))
            }
            SingleSignOnCommand::Add(added) => {
                self.check_name(&added.name, None)?;
                Ok(vec![added.clone().into()])
            }
            SingleSignOnCommand::Update { provider, details, revision } => {
                let known = self.known(*provider)?;
                if known.revision != *revision {
                    return Err(Code::Busy.at("providerId"));
                }
                self.check_name(&details.name, Some(*provider))?;
                if known.details == *details {
                    return Ok(vec![]);
                }
                let Details { name, domains, configuration } = details.clone();
                Ok(vec![SsoProviderUpdated { provider: *provider, name, domains, configuration }.into()])
            }
            SingleSignOnCommand::Remove(provider) => {
                self.known(*provider)?;
                self.check_spared(*provider, required)?;
                Ok(vec![SsoProviderRemoved { provider: *provider }.into()])
            }
            SingleSignOnCommand::BeginTest { provider, test, account } => {
                if self.known(*provider)?.pending.contains_key(test) {
                    return Ok(vec![]);
                }
                let begun =
                    SsoTestBegun { provider: *provider, test: *test, account: *account, expires_at: test_ends(at) };
                Ok(vec![begun.into()])
            }
            SingleSignOnCommand::EndTest(ended) => self.end_test(ended, at),
            SingleSignOnCommand::Activate(provider) => self.activate(*provider),
            SingleSignOnCommand::Deactivate(provider) if self.known(*provider)?.active.is_none() => Ok(vec![]),
            SingleSignOnCommand::Deactivate(provider) => {
                self.check_spared(*provider, required)?;
                Ok(vec![SsoProviderDeactivated { provider: *provider }.into()])
            }
            SingleSignOnCommand::WarnOfCertificate(warning) => {
                let known = self.get(warning.provider);
                let due = known.is_some_and(|p| p.active.is_some() && !p.warned.contains(&warning.fingerprint));
                Ok(if due { vec![warning.clone().into()] } else { vec![] })
            }
            SingleSignOnCommand::SetDefaultMethod(_)
            | SingleSignOnCommand::Require { .. }
            | SingleSignOnCommand::Release => Ok(vec![]),
        }
    }

    /// An answer counts once, in time, and for the configuration that was there when the test began.
    fn end_test(&self, ended: &SsoTestEnded, at: Timestamp) -> Result<Vec<SingleSignOnEvent>, Rejection> {
        let pending = self.known(ended.provider)?.pending.get(&ended.test).ok_or(Code::NotFound)?;
        if at >= pending.expires_at {
            return Err(Code::Expired.into());
        }
        Ok(vec![ended.clone().into()])
    }

    fn activate(&self, id: SsoProviderId) -> Result<Vec<SingleSignOnEvent>, Rejection> {
        let provider = self.known(id)?;
        if !provider.has_draft() {
            return Ok(vec![]);
        }
        let test = provider.passed().ok_or(Code::NotTested.at("providerId"))?;
        let mut others = self.iter().filter(|(other, _)| *other != id).filter_map(|(_, other)| other.active.as_ref());
        if others.any(|other| other.overlaps(&provider.details)) {
            return Err(Code::ProviderConflict.at("providerId"));
        }
        Ok(vec![SsoProviderActivated { provider: id, test }.into()])
    }

    /// As long as people have to sign in at providers, the active ones stay.
    fn check_spared(&self, id: SsoProviderId, required: bool) -> Result<(), Rejection> {
        let active = self.get(id).is_some_and(|provider| provider.active.is_some());
        if !required || !active {
            return Ok(());
        }
        let message = "People have to sign in at this provider; let everybody sign in by their own method first.";
        Err(Rejection::new(Code::SingleSignOnRequired, message).at("providerId"))
    }
}
