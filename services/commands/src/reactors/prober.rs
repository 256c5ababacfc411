//! Looks for the TXT record of a domain that is being verified, again and again until its time is up; looks at verified
//! domains from time to time; and finishes or undoes what a crash left of a verification or a removal.

use async_trait::async_trait;
use chrono::Duration;
use domain::{Code, Organization, OrganizationCommand, Rejection, text::DomainName};
use eventlog::Delivery;
use schema::{
    Event, OrganizationId, Timestamp, VerificationMethod,
    events::{
        OrganizationEvent, ReservationEvent,
        organization::{OrganizationDomainVerificationBegun, OrganizationDomainVerified},
        reservation::DomainReserved,
    },
};

use super::{Reactor, Verdict};
use crate::{Failure, Platform, Request, domain_proof};

/// The pause between two looks is this part of the time that has passed: frequent at first, as long as somebody waits.
const PAUSE_PART: i32 = 10;
/// After how long is looked whether an attempt that is proven otherwise is still open.
const LOOK_WHETHER_OPEN: Duration = Duration::hours(1);
/// How long whoever reserved a domain has to note that it is verified. Far longer than any request takes.
const GRACE: Duration = Duration::seconds(60);

/// See the module.
#[derive(Debug, Clone)]
pub struct Prober {
    /// The shortest pause between two looks.
    pub shortest_pause: Duration,
    /// The longest pause between two looks.
    pub longest_pause: Duration,
    /// How often verified domains are looked at.
    pub watch: Duration,
}

impl Default for Prober {
    fn default() -> Self {
        Self { shortest_pause: Duration::minutes(1), longest_pause: Duration::hours(1), watch: Duration::days(1) }
    }
}

#[async_trait]
impl Reactor for Prober {
    const NAME: &'static str = "prober";
    const TYPES: &'static [&'static str] = &[
        "organization.domain_verification_begun",
        "organization.domain_verified",
        "organization.domain_removed",
        "domain.reserved",
    ];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let stream = delivery.event.stream.id();
        let since = delivery.event.recorded_at;
        match event {
            Event::Reservation(ReservationEvent::DomainReserved(e)) => {
                if request.at < since + GRACE {
                    return Verdict::At(since + GRACE);
                }
                let Ok(domain) = DomainName::parse(stream) else { return Verdict::Finished };
                finish(platform, request, &domain, &e).await.into()
            }
            Event::Organization(event) => match stream.parse() {
                Ok(organization) => self.about_organization(platform, request, organization, since, event).await,
                Err(error) => Verdict::Park(error.to_string()),
            },
            _ => Verdict::Finished,
        }
    }
}

impl Prober {
    async fn about_organization(
        &self,
        platform: &Platform,
        request: &Request,
        organization: OrganizationId,
        since: Timestamp,
        event: OrganizationEvent,
    ) -> Verdict {
        let looked = match event {
            OrganizationEvent::DomainVerificationBegun(e) => {
                self.look_for_record(platform, request, organization, since, e).await
            }
            OrganizationEvent::DomainVerified(e) => self.look_again(platform, request, organization, since, e).await,
            OrganizationEvent::DomainRemoved(e) => match DomainName::parse(&e.domain) {
                Ok(domain) => return platform.settle_domain(request, &domain).await.into(),
                Err(_) => Ok(Verdict::Finished),
            },
            _ => Ok(Verdict::Finished),
        };
        looked.unwrap_or_else(|failure| Verdict::Retry(failure.to_string()))
    }

    /// The next look, a pause after this one that grows with the time that has passed.
    fn next_look(&self, since: Timestamp, at: Timestamp) -> Timestamp {
        at + ((at - since) / PAUSE_PART).clamp(self.shortest_pause, self.longest_pause)
    }

    async fn look_for_record(
        &self,
        platform: &Platform,
        request: &Request,
        organization: OrganizationId,
        since: Timestamp,
        begun: OrganizationDomainVerificationBegun,
    ) -> Result<Verdict, Failure> {
        let Ok(domain) = DomainName::parse(&begun.domain) else { return Ok(Verdict::Finished) };
        let owner = platform.load::<Organization>(&organization).await?;
        // Answered, replaced by a newer attempt or removed.
        let Some(attempt) = owner.state.domain(domain.as_str()).and_then(|domain| domain.open(begun.challenge)) else {
            return Ok(Verdict::Finished);
        };
        let in_time = request.at < begun.expires_at;
        // Codes and files are looked at when somebody asks for it.
        if begun.method != VerificationMethod::DnsTxt && in_time {
            // In between too, so that what was replaced meanwhile does not wait with it.
            return Ok(Verdict::At(begun.expires_at.min(request.at + LOOK_WHETHER_OPEN)));
        }
        let found = match platform.sought(organization, &domain, attempt) {
            Some(sought) if begun.method == VerificationMethod::DnsTxt => {
                domain_proof::look(platform.outbound(), domain.as_str(), &sought).await.is_ok()
            }
            _ => false,
        };
        if found {
            return confirmed(platform.confirm_domain(request, organization, &domain, begun.challenge).await.map(drop));
        }
        if in_time {
            return Ok(Verdict::At(self.next_look(since, request.at).min(begun.expires_at)));
        }
        platform.fail_verification(request, organization, &domain, begun.challenge, Code::Expired).await?;
        Ok(Verdict::Finished)
    }

    async fn look_again(
        &self,
        platform: &Platform,
        request: &Request,
        organization: OrganizationId,
        since: Timestamp,
        verified: OrganizationDomainVerified,
    ) -> Result<Verdict, Failure> {
        let Ok(domain) = DomainName::parse(&verified.domain) else { return Ok(Verdict::Finished) };
        let owner = platform.load::<Organization>(&organization).await?;
        let proof = owner.state.domain(domain.as_str()).and_then(|domain| domain.verified.as_ref());
        // Removed, or proven anew. A mailed code leaves nothing to be looked at.
        let Some(sought) = proof
            .filter(|proof| proof.challenge == verified.challenge)
            .and_then(|proof| platform.sought(organization, &domain, proof))
        else {
            return Ok(Verdict::Finished);
        };
        if request.at < since + self.watch {
            return Ok(Verdict::At(since + self.watch));
        }
        let found = match domain_proof::look(platform.outbound(), domain.as_str(), &sought).await {
            Ok(()) => Some(true),
            Err(Rejection { code: Code::ProofNotFound, .. }) => Some(false),
            // Who does not answer has not taken the proof away.
            Err(_) => None,
        };
        if let Some(found) = found {
            let note = OrganizationCommand::NoteProof { domain, challenge: verified.challenge, found };
            platform.execute::<Organization>(request, &organization, note).await?;
        }
        Ok(Verdict::At(request.at + self.watch))
    }
}

/// A refusal is final: another organization was faster, or the attempt was replaced meanwhile.
fn confirmed(result: Result<(), Failure>) -> Result<Verdict, Failure> {
    match result {
        Err(failure) if failure.code().is_none_or(|code| code == Code::Busy) => Err(failure),
        _ => Ok(Verdict::Finished),
    }
}

/// A domain was reserved a while ago: it is verified by now, or whoever did it got no further. The proof was found before.
async fn finish(
    platform: &Platform,
    request: &Request,
    domain: &DomainName,
    reserved: &DomainReserved,
) -> Result<(), Failure> {
    let owner = platform.load::<Organization>(&reserved.organization).await?;
    if owner.state.domain(domain.as_str()).and_then(|domain| domain.open(reserved.challenge)).is_some() {
        let confirming = platform.confirm_domain(request, reserved.organization, domain, reserved.challenge).await;
        return confirmed(confirming.map(drop)).map(drop);
    }
    platform.settle_domain(request, domain).await
}
