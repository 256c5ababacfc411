//! The email domains of an organization: allow-listed first, then perhaps verified.

use std::collections::BTreeMap;

use chrono::Duration;
use schema::{
    ChallengeId, Timestamp, VerificationMethod,
    events::organization::{
        OrganizationDomainAllowed, OrganizationDomainCodeRejected, OrganizationDomainProofFound,
        OrganizationDomainProofLost, OrganizationDomainRemoved, OrganizationDomainVerificationBegun,
        OrganizationDomainVerificationFailed, OrganizationDomainVerified, OrganizationEvent,
    },
};

use super::OrganizationCommand;
use crate::{Code, Rejection, text::DomainName};

/// How many domains an organization may have.
pub const MOST_DOMAINS: usize = 100;
/// The addresses of a domain that a code may go to: before the `@` (CA/Browser Forum Baseline Requirements 3.2.2.4.4).
pub const MAILBOXES: [&str; 5] = ["admin", "administrator", "postmaster", "webmaster", "hostmaster"];
/// How long a mailed code is good (NIST SP 800-63B).
pub const CODE_LIFETIME: Duration = Duration::minutes(10);
/// How many wrong codes end an attempt (NIST SP 800-63B).
pub const CODE_TRIES: u32 = 10;
/// How many codes may be mailed for a domain in 24 hours: its postmaster may know nothing of us.
pub const MOST_CODES_A_DAY: usize = 5;
/// How many codes an organization may have mailed to all domains in 24 hours: one for each domain that it may have.
pub const MOST_CODES_A_DAY_IN_ALL: usize = MOST_DOMAINS;
/// How long a published token is looked for.
pub const PROOF_LIFETIME: Duration = Duration::hours(72);

/// An attempt to prove a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// How.
    pub method: VerificationMethod,
    /// What the code or token is derived from.
    pub challenge: ChallengeId,
    /// For a mailed code: what stands before the `@` of its address.
    pub mailbox: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many wrong codes were entered.
    pub wrong_codes: u32,
    /// Why it failed, if it did.
    pub failed: Option<String>,
}

/// An email domain of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domain {
    /// The newest attempt to prove it, until it succeeds.
    pub attempt: Option<Attempt>,
    /// The attempt that has proven it.
    pub verified: Option<Attempt>,
    /// The proof is no longer where it was.
    pub proof_lost: bool,
}

impl Domain {
    /// The attempt that `challenge` began, while it lasts.
    pub fn open(&self, challenge: ChallengeId) -> Option<&Attempt> {
        self.attempt.as_ref().filter(|attempt| attempt.challenge == challenge && attempt.failed.is_none())
    }
}

/// The domains of an organization by name, and what was mailed to them: that outlasts their removal, or whoever adds a
/// domain again could have any number of codes mailed to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Domains {
    by_name: BTreeMap<String, Domain>,
    codes_mailed: Vec<(String, Timestamp)>,
}

impl Domains {
    pub(super) fn get(&self, name: &str) -> Option<&Domain> {
        self.by_name.get(name)
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Domain)> {
        self.by_name.iter().map(|(name, domain)| (name.as_str(), domain))
    }
    fn known(&self, name: &DomainName) -> Result<&Domain, Rejection> {
        self.get(name.as_str()).ok_or(Code::NotFound.at("domainId"))
    }
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Domain)) {
        if let Some(domain) = self.by_name.get_mut(name) {
            change(domain);
        }
    }
    /// How many codes were mailed in the 24 hours before `at` to this domain, and in all.
    fn codes_mailed(&self, name: &DomainName, at: Timestamp) -> (usize, usize) {
        let recent = || self.codes_mailed.iter().filter(|(_, sent)| at - *sent < Duration::days(1));
        (recent().filter(|(to, _)| to == name.as_str()).count(), recent().count())
    }
    fn note_code(&mut self, name: &str, sent: Timestamp) {
        self.codes_mailed.retain(|(_, earlier)| sent - *earlier < Duration::days(1));
        self.codes_mailed.push((name.to_owned(), sent));
    }
}

impl Domains {
    pub(super) fn evolve(&mut self, event: &OrganizationEvent) {
        match event {
            OrganizationEvent::DomainAllowed(e) => drop(self.by_name.insert(e.domain.clone(), Domain::default())),
            OrganizationEvent::DomainRemoved(e) => drop(self.by_name.remove(&e.domain)),
            OrganizationEvent::DomainVerificationBegun(e) => self.begun(e),
            OrganizationEvent::DomainCodeRejected(e) => self.change(&e.domain, |domain| {
                if let Some(attempt) = &mut domain.attempt {
                    attempt.wrong_codes = attempt.wrong_codes.saturating_add(1);
                }
            }),
            OrganizationEvent::DomainVerified(e) => self.change(&e.domain, |domain| {
                domain.verified = domain.attempt.take().filter(|attempt| attempt.challenge == e.challenge);
                // Total, whatever stands in the log: an attempt that nobody has seen begin.
                domain.verified.get_or_insert(Attempt {
                    method: e.method,
                    challenge: e.challenge,
                    mailbox: None,
                    expires_at: Timestamp::UNIX_EPOCH,
                    wrong_codes: 0,
                    failed: None,
                });
                domain.proof_lost = false;
            }),
            OrganizationEvent::DomainVerificationFailed(e) => self.change(&e.domain, |domain| {
                if let Some(attempt) = domain.attempt.as_mut().filter(|attempt| attempt.challenge == e.challenge) {
                    attempt.failed = Some(e.code.clone());
                }
            }),
            OrganizationEvent::DomainProofLost(e) => self.change(&e.domain, |domain| domain.proof_lost = true),
            OrganizationEvent::DomainProofFound(e) => self.change(&e.domain, |domain| domain.proof_lost = false),
            OrganizationEvent::Created(_) | OrganizationEvent::Renamed(_) | OrganizationEvent::LogoChanged(_) => {}
        }
    }

    fn begun(&mut self, e: &OrganizationDomainVerificationBegun) {
        if e.method == VerificationMethod::Email {
            self.note_code(&e.domain, e.expires_at - CODE_LIFETIME);
        }
        self.change(&e.domain, |domain| {
            domain.attempt = Some(Attempt {
                method: e.method,
                challenge: e.challenge,
                mailbox: e.mailbox.clone(),
                expires_at: e.expires_at,
                wrong_codes: 0,
                failed: None,
            });
        });
    }

    pub(super) fn decide(
        &self,
        command: &OrganizationCommand,
        at: Timestamp,
    ) -> Result<Vec<OrganizationEvent>, Rejection> {
        match command {
            OrganizationCommand::AllowDomain { domain } => allow(self, domain),
            OrganizationCommand::BeginVerification { domain, method, challenge, mailbox } => {
                begin(self, domain, *method, *challenge, mailbox.as_deref(), at)
            }
            OrganizationCommand::RejectCode { domain, challenge } => {
                reject(self.known(domain)?, domain, *challenge, at)
            }
            OrganizationCommand::ConfirmDomain { domain, challenge } => {
                confirm(self.known(domain)?, domain, *challenge)
            }
            OrganizationCommand::FailVerification { domain, challenge, code } => {
                let open = self.get(domain.as_str()).and_then(|known| known.open(*challenge));
                let failed = |_| OrganizationDomainVerificationFailed {
                    domain: domain.as_str().to_owned(),
                    challenge: *challenge,
                    code: code.name().to_owned(),
                };
                Ok(open.map(failed).map(Into::into).into_iter().collect())
            }
            OrganizationCommand::NoteProof { domain, challenge, found } => {
                Ok(note_proof(self, domain, *challenge, *found).into_iter().collect())
            }
            OrganizationCommand::RemoveDomain { domain } => {
                self.known(domain)?;
                Ok(vec![OrganizationDomainRemoved { domain: domain.as_str().to_owned() }.into()])
            }
            OrganizationCommand::Create { .. }
            | OrganizationCommand::Rename { .. }
            | OrganizationCommand::ChangeLogo(_) => Ok(vec![]),
        }
    }
}

fn allow(domains: &Domains, name: &DomainName) -> Result<Vec<OrganizationEvent>, Rejection> {
    if name.is_consumer() {
        return Err(Code::ConsumerEmailDomain.at("domain"));
    }
    if domains.get(name.as_str()).is_some() {
        return Ok(vec![]);
    }
    if domains.by_name.len() >= MOST_DOMAINS {
        return Err(Rejection::new(Code::TooMany, "An organization has at most 100 domains; remove one first."));
    }
    Ok(vec![OrganizationDomainAllowed { domain: name.as_str().to_owned() }.into()])
}

fn begin(
    domains: &Domains,
    name: &DomainName,
    method: VerificationMethod,
    challenge: ChallengeId,
    mailbox: Option<&str>,
    at: Timestamp,
) -> Result<Vec<OrganizationEvent>, Rejection> {
    let domain = domains.known(name)?;
    if domain.verified.is_some() {
        return Err(Code::DomainVerified.at("domainId"));
    }
    if domain.open(challenge).is_some() {
        return Ok(vec![]);
    }
    let mailbox = match method {
        VerificationMethod::Email => Some(mailbox.ok_or(Code::Required.at("mailbox"))?),
        VerificationMethod::HtmlFile | VerificationMethod::DnsTxt => None,
    };
    if mailbox.is_some_and(|mailbox| !MAILBOXES.contains(&mailbox)) {
        return Err(Code::InvalidValue.at("mailbox"));
    }
    let (here, in_all) = domains.codes_mailed(name, at);
    if mailbox.is_some() && (here >= MOST_CODES_A_DAY || in_all >= MOST_CODES_A_DAY_IN_ALL) {
        return Err(Rejection::new(
            Code::RateLimited,
            "Enough codes were mailed today; use another method or wait until tomorrow.",
        ));
    }
    let begun = OrganizationDomainVerificationBegun {
        domain: name.as_str().to_owned(),
        method,
        challenge,
        mailbox: mailbox.map(str::to_owned),
        expires_at: at + lifetime(method),
    };
    Ok(vec![begun.into()])
}

fn reject(
    domain: &Domain,
    name: &DomainName,
    challenge: ChallengeId,
    at: Timestamp,
) -> Result<Vec<OrganizationEvent>, Rejection> {
    let attempt = domain.open(challenge).ok_or(Code::Expired.at("code"))?;
    attempt.check(at)?;
    let tries_left = CODE_TRIES - 1 - attempt.wrong_codes;
    Ok(vec![OrganizationDomainCodeRejected { domain: name.as_str().to_owned(), tries_left }.into()])
}

fn lifetime(method: VerificationMethod) -> Duration {
    match method {
        VerificationMethod::Email => CODE_LIFETIME,
        VerificationMethod::HtmlFile | VerificationMethod::DnsTxt => PROOF_LIFETIME,
    }
}

impl Attempt {
    /// Whether an answer still counts at `at`.
    pub fn check(&self, at: Timestamp) -> Result<(), Rejection> {
        self.check_tries()?;
        if at >= self.expires_at {
            return Err(Code::Expired.at(if self.method == VerificationMethod::Email { "code" } else { "domainId" }));
        }
        Ok(())
    }

    fn check_tries(&self) -> Result<(), Rejection> {
        if self.wrong_codes >= CODE_TRIES { Err(Code::TooManyTries.at("code")) } else { Ok(()) }
    }
}

fn confirm(domain: &Domain, name: &DomainName, challenge: ChallengeId) -> Result<Vec<OrganizationEvent>, Rejection> {
    if domain.verified.is_some() {
        return Ok(vec![]);
    }
    // Not by the clock: the proof was found in time, and the domain is reserved by now.
    let attempt = domain.open(challenge).ok_or(Code::Expired.at("domainId"))?;
    // Whoever tries many codes at the same moment has no more tries than one after the other.
    attempt.check_tries()?;
    let verified = OrganizationDomainVerified { domain: name.as_str().to_owned(), method: attempt.method, challenge };
    Ok(vec![verified.into()])
}

fn note_proof(domains: &Domains, name: &DomainName, challenge: ChallengeId, found: bool) -> Option<OrganizationEvent> {
    let domain = domains.get(name.as_str())?;
    domain.verified.as_ref().filter(|proof| proof.challenge == challenge)?;
    let text = name.as_str().to_owned();
    match (domain.proof_lost, found) {
        (false, false) => Some(OrganizationDomainProofLost { domain: text }.into()),
        (true, true) => Some(OrganizationDomainProofFound { domain: text }.into()),
        _ => None,
    }
}
