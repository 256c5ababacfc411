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
    codes_mailed: Vec<Timestamp>,
}

impl Domain {
    /// The attempt that `challenge` began, while it lasts.
    pub fn open(&self, challenge: ChallengeId) -> Option<&Attempt> {
        self.attempt.as_ref().filter(|attempt| attempt.challenge == challenge && attempt.failed.is_none())
    }
}

type Domains = BTreeMap<String, Domain>;

pub(super) fn evolve(domains: &mut Domains, event: &OrganizationEvent) {
    match event {
        OrganizationEvent::DomainVerificationBegun(e) => change(domains, &e.domain, |domain| {
            if e.method == VerificationMethod::Email {
                let sent = e.expires_at - CODE_LIFETIME;
                domain.codes_mailed.retain(|earlier| sent - *earlier < Duration::days(1));
                domain.codes_mailed.push(sent);
            }
            domain.attempt = Some(Attempt {
                method: e.method,
                challenge: e.challenge,
                mailbox: e.mailbox.clone(),
                expires_at: e.expires_at,
                wrong_codes: 0,
                failed: None,
            });
        }),
        OrganizationEvent::DomainCodeRejected(e) => change(domains, &e.domain, |domain| {
            if let Some(attempt) = &mut domain.attempt {
                attempt.wrong_codes = attempt.wrong_codes.saturating_add(1);
            }
        }),
        OrganizationEvent::DomainVerified(e) => change(domains, &e.domain, |domain| {
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
        OrganizationEvent::DomainVerificationFailed(e) => change(domains, &e.domain, |domain| {
            if let Some(attempt) = domain.attempt.as_mut().filter(|attempt| attempt.challenge == e.challenge) {
                attempt.failed = Some(e.code.clone());
            }
        }),
        OrganizationEvent::DomainProofLost(e) => change(domains, &e.domain, |domain| domain.proof_lost = true),
        OrganizationEvent::DomainProofFound(e) => change(domains, &e.domain, |domain| domain.proof_lost = false),
        OrganizationEvent::Created(_)
        | OrganizationEvent::Renamed(_)
        | OrganizationEvent::LogoChanged(_)
        | OrganizationEvent::DomainAllowed(_)
        | OrganizationEvent::DomainRemoved(_) => {}
    }
}

fn change(domains: &mut Domains, name: &str, change: impl FnOnce(&mut Domain)) {
    if let Some(domain) = domains.get_mut(name) {
        change(domain);
    }
}

pub(super) fn decide(
    domains: &Domains,
    command: &OrganizationCommand,
    at: Timestamp,
) -> Result<Vec<OrganizationEvent>, Rejection> {
    match command {
        OrganizationCommand::AllowDomain { domain } => allow(domains, domain),
        OrganizationCommand::BeginVerification { domain, method, challenge, mailbox } => {
            begin(known(domains, domain)?, domain, *method, *challenge, mailbox.as_deref(), at)
        }
        OrganizationCommand::RejectCode { domain, challenge } => {
            reject(known(domains, domain)?, domain, *challenge, at)
        }
        OrganizationCommand::ConfirmDomain { domain, challenge } => {
            confirm(known(domains, domain)?, domain, *challenge)
        }
        OrganizationCommand::FailVerification { domain, challenge, code } => {
            let open = domains.get(domain.as_str()).and_then(|known| known.open(*challenge));
            let failed = |_| OrganizationDomainVerificationFailed {
                domain: domain.as_str().to_owned(),
                challenge: *challenge,
                code: code.name().to_owned(),
            };
            Ok(open.map(failed).map(Into::into).into_iter().collect())
        }
        OrganizationCommand::NoteProof { domain, challenge, found } => {
            Ok(note_proof(domains, domain, *challenge, *found).into_iter().collect())
        }
        OrganizationCommand::RemoveDomain { domain } => {
            known(domains, domain)?;
            Ok(vec![OrganizationDomainRemoved { domain: domain.as_str().to_owned() }.into()])
        }
        OrganizationCommand::Create { .. }
        | OrganizationCommand::Rename { .. }
        | OrganizationCommand::ChangeLogo(_) => Ok(vec![]),
    }
}

fn known<'a>(domains: &'a Domains, name: &DomainName) -> Result<&'a Domain, Rejection> {
    domains.get(name.as_str()).ok_or(Code::NotFound.at("domainId"))
}

fn allow(domains: &Domains, name: &DomainName) -> Result<Vec<OrganizationEvent>, Rejection> {
    if name.is_consumer() {
        return Err(Code::ConsumerEmailDomain.at("domain"));
    }
    if domains.contains_key(name.as_str()) {
        return Ok(vec![]);
    }
    if domains.len() >= MOST_DOMAINS {
        return Err(Rejection::new(Code::TooMany, "An organization has at most 100 domains; remove one first."));
    }
    Ok(vec![OrganizationDomainAllowed { domain: name.as_str().to_owned() }.into()])
}

fn begin(
    domain: &Domain,
    name: &DomainName,
    method: VerificationMethod,
    challenge: ChallengeId,
    mailbox: Option<&str>,
    at: Timestamp,
) -> Result<Vec<OrganizationEvent>, Rejection> {
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
    let today = domain.codes_mailed.iter().filter(|sent| at - **sent < Duration::days(1)).count();
    if mailbox.is_some() && today >= MOST_CODES_A_DAY {
        return Err(Rejection::new(
            Code::RateLimited,
            "Enough codes were mailed to this domain today; use another method or wait until tomorrow.",
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
    /// When it began.
    pub fn begun_at(&self) -> Timestamp {
        self.expires_at - lifetime(self.method)
    }

    /// Whether an answer still counts at `at`.
    pub fn check(&self, at: Timestamp) -> Result<(), Rejection> {
        if self.wrong_codes >= CODE_TRIES {
            return Err(Code::TooManyTries.at("code"));
        }
        if at >= self.expires_at {
            return Err(Code::Expired.at(if self.method == VerificationMethod::Email { "code" } else { "domainId" }));
        }
        Ok(())
    }
}

fn confirm(domain: &Domain, name: &DomainName, challenge: ChallengeId) -> Result<Vec<OrganizationEvent>, Rejection> {
    if domain.verified.is_some() {
        return Ok(vec![]);
    }
    // Not by the clock: the proof was found in time, and the domain is reserved by now.
    let attempt = domain.open(challenge).ok_or(Code::Expired.at("domainId"))?;
    let verified = OrganizationDomainVerified { domain: name.as_str().to_owned(), method: attempt.method, challenge };
    Ok(vec![verified.into()])
}

fn note_proof(domains: &Domains, name: &DomainName, challenge: ChallengeId, found: bool) -> Option<OrganizationEvent> {
    let domain =
        domains.get(name.as_str()).filter(|d| d.verified.as_ref().is_some_and(|proof| proof.challenge == challenge))?;
    let text = name.as_str().to_owned();
    match (domain.proof_lost, found) {
        (false, false) => Some(OrganizationDomainProofLost { domain: text }.into()),
        (true, true) => Some(OrganizationDomainProofFound { domain: text }.into()),
        _ => None,
    }
}
