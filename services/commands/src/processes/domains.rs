//! The email domains of an organization: allowing them, proving that they are its own, giving them up.

use domain::{
    Access, Code, DomainReservation, Organization, OrganizationCommand, Rejection, SingleSignOn, authorize,
    organization::{Attempt, Domain},
    reservation::DomainCommand,
    text::DomainName,
};
use identity::{DomainToken, EntropyExt, Purpose, VerificationCode};
use schema::{
    ChallengeId, DomainId, OrganizationId, Position, Right, Timestamp, VerificationMethod,
    events::{OrganizationEvent, reservation::DomainReserved},
};

use crate::{
    Done, Failure, Platform, Request,
    domain_proof::{self, Sought},
};

/// Most bytes of a domain as typed: what is longer is not even looked at. A name has 253 at most (RFC 1035), some more
/// in another script.
const TYPED_BYTES: usize = 1_024;

/// A domain with what has to be published to prove it.
#[derive(Debug, Clone)]
pub struct DomainView {
    /// Names it.
    pub id: DomainId,
    /// Its name.
    pub name: DomainName,
    /// Where it stands.
    pub state: Domain,
    /// What has to be published, while an attempt waits for that.
    pub proof: Option<Sought>,
}

impl Platform {
    /// Whether accounts of the organization may have addresses of the domain: it is on the list, and no other
    /// organization has verified it. `owner` is the organization as just loaded.
    pub(crate) async fn check_domain(
        &self,
        organization: OrganizationId,
        owner: &Organization,
        domain: &DomainName,
    ) -> Result<(), Failure> {
        if !owner.allows(domain) {
            return Err(Code::DomainNotAllowed.at("email").into());
        }
        let verified = owner.domain(domain.as_str()).is_some_and(|domain| domain.verified.is_some());
        if !verified && self.is_taken(organization, domain).await? {
            return Err(taken("email"));
        }
        Ok(())
    }

    async fn is_taken(&self, organization: OrganizationId, domain: &DomainName) -> Result<bool, Failure> {
        let reservation = self.load::<DomainReservation>(&domain.as_str().to_owned()).await?;
        Ok(reservation.state.holder().is_some_and(|holder| holder != organization))
    }

    /// The domains of the organization by name.
    pub async fn domains(&self, organization: OrganizationId) -> Result<Vec<DomainView>, Failure> {
        let owner = self.load::<Organization>(&organization).await?;
        let names = owner.state.domains().filter_map(|(name, _)| DomainName::parse(name).ok());
        Ok(names.filter_map(|name| self.domain_view(organization, &owner.state, name)).collect())
    }

    /// One of them.
    pub async fn domain(&self, organization: OrganizationId, id: DomainId) -> Result<Option<DomainView>, Failure> {
        let owner = self.load::<Organization>(&organization).await?;
        Ok(find(organization, &owner.state, id).and_then(|name| self.domain_view(organization, &owner.state, name)))
    }

    fn domain_view(&self, organization: OrganizationId, owner: &Organization, name: DomainName) -> Option<DomainView> {
        let state = owner.domain(name.as_str())?.clone();
        let proof = state.attempt.as_ref().or(state.verified.as_ref());
        let proof = proof.and_then(|attempt| self.sought(organization, &name, attempt));
        Some(DomainView { id: DomainId::of(organization, name.as_str()), name, state, proof })
    }

    /// What has to be published for an attempt; none if a code is mailed instead.
    pub(crate) fn sought(&self, organization: OrganizationId, name: &DomainName, attempt: &Attempt) -> Option<Sought> {
        let (method, expires_at) = (attempt.method, attempt.expires_at);
        let token = || DomainToken::derive(&self.keys, organization, name.as_str(), attempt.challenge, expires_at);
        Sought::of(method, name.as_str(), token, expires_at)
    }

    /// Allows accounts with addresses of a domain.
    pub async fn add_domain(
        &self,
        request: &Request,
        organization: OrganizationId,
        typed: &str,
    ) -> Result<(DomainId, Option<Position>), Failure> {
        authorize(&request.principal, Access::Right(Right::ManageDomains), Some(organization), None)?;
        let domain = parse(typed).map_err(|rejection| rejection.at("domain"))?;
        if self.is_taken(organization, &domain).await? {
            return Err(taken("domain"));
        }
        let id = DomainId::of(organization, domain.as_str());
        let done =
            self.execute::<Organization>(request, &organization, OrganizationCommand::AllowDomain { domain }).await?;
        Ok((id, done.position))
    }

    /// Starts to prove a domain. With [`VerificationMethod::Email`], a code goes to the `mailbox` at the domain.
    pub async fn begin_domain_verification(
        &self,
        request: &Request,
        organization: OrganizationId,
        id: DomainId,
        method: VerificationMethod,
        mailbox: Option<&str>,
    ) -> Result<Option<Position>, Failure> {
        let domain = self.named(request, organization, id).await?;
        if self.is_taken(organization, &domain).await? {
            return Err(taken("domainId"));
        }
        let challenge = ChallengeId(self.entropy.uuid_v4());
        let mailbox = mailbox.map(|mailbox| mailbox.trim().to_ascii_lowercase());
        let command = OrganizationCommand::BeginVerification { domain, method, challenge, mailbox };
        Ok(self.execute::<Organization>(request, &organization, command).await?.position)
    }

    /// Checks the mailed code, or looks for what was to be published, and if it is right makes the domain the
    /// organization's own.
    pub async fn verify_domain(
        &self,
        request: &Request,
        organization: OrganizationId,
        id: DomainId,
        code: Option<&str>,
    ) -> Result<Option<Position>, Failure> {
        let domain = self.named(request, organization, id).await?;
        let owner = self.load::<Organization>(&organization).await?;
        let state = owner.state.domain(domain.as_str()).ok_or(Code::NotFound.at("domainId"))?;
        if state.verified.is_some() {
            return Ok(None);
        }
        let attempt = state.attempt.as_ref().filter(|attempt| attempt.failed.is_none());
        let attempt = attempt
            .ok_or_else(|| Rejection::new(Code::WrongState, "Begin to verify the domain first.").at("domainId"))?;
        attempt.check(request.at)?;
        let challenge = attempt.challenge;
        match self.sought(organization, &domain, attempt) {
            None => {
                let code = code.ok_or(Code::Required.at("code"))?;
                self.check_code(request, organization, &domain, attempt, code).await?;
            }
            Some(sought) => {
                let found = domain_proof::look(&self.outbound, domain.as_str(), &sought).await;
                found.map_err(|rejection| rejection.at("domainId"))?;
            }
        }
        let done = self.confirm_domain(request, organization, &domain, challenge).await?;
        Ok(done.position)
    }

    async fn check_code(
        &self,
        request: &Request,
        organization: OrganizationId,
        domain: &DomainName,
        attempt: &Attempt,
        code: &str,
    ) -> Result<(), Failure> {
        let (challenge, expires_at) = (attempt.challenge, attempt.expires_at);
        if VerificationCode::derive(&self.keys, Purpose::DomainCode, challenge, expires_at).matches(code) {
            return Ok(());
        }
        let command = OrganizationCommand::RejectCode { domain: domain.clone(), challenge };
        let done = self.execute::<Organization>(request, &organization, command).await?;
        match done.events.last() {
            Some(OrganizationEvent::DomainCodeRejected(rejected)) => {
                Err(super::sign_up::wrong_code(rejected.tries_left).into())
            }
            _ => Err(Code::WrongCode.at("code").into()),
        }
    }

    /// The proof was found: reserves the domain, which of many organizations one gets, and notes it. Repeated, it goes on
    /// where it was interrupted.
    pub(crate) async fn confirm_domain(
        &self,
        request: &Request,
        organization: OrganizationId,
        domain: &DomainName,
        challenge: ChallengeId,
    ) -> Result<Done<Organization>, Failure> {
        let system = system(request);
        if let Err(failure) = self.reserve_domain(&system, organization, domain, challenge).await {
            if failure.code() == Some(Code::DomainTaken) {
                self.fail_verification(&system, organization, domain, challenge, Code::DomainTaken).await?;
            }
            return Err(failure);
        }
        let confirm = OrganizationCommand::ConfirmDomain { domain: domain.clone(), challenge };
        let confirmed = self.execute::<Organization>(request, &organization, confirm).await;
        if let Some(code) = confirmed.as_ref().err().and_then(Failure::code).filter(|code| *code != Code::Busy) {
            // Begun anew or removed while the proof was looked at, or out of tries.
            self.fail_verification(&system, organization, domain, challenge, code).await?;
            self.settle_domain(&system, domain).await?;
        }
        confirmed
    }

    async fn reserve_domain(
        &self,
        system: &Request,
        organization: OrganizationId,
        domain: &DomainName,
        challenge: ChallengeId,
    ) -> Result<(), Failure> {
        let reserve = async || {
            let command = DomainCommand::Reserve(DomainReserved { organization, challenge });
            self.execute::<DomainReservation>(system, &domain.as_str().to_owned(), command).await
        };
        let is_taken = |failure: &Failure| failure.code() == Some(Code::DomainTaken);
        let mut reserved = reserve().await;
        if reserved.as_ref().is_err_and(is_taken) {
            // Perhaps by an attempt that came to nothing.
            self.settle_domain(system, domain).await?;
            reserved = reserve().await;
        }
        match reserved {
            Err(failure) if is_taken(&failure) && !self.is_taken(organization, domain).await? => {
                // By another attempt of our own: whoever looks again sees what became of that.
                Err(Code::Busy.into())
            }
            Err(failure) if is_taken(&failure) => Err(taken("domainId")),
            other => other.map(drop),
        }
    }

    /// Gives a reserved domain back if whoever has it neither has it verified nor can have any more: after a crash, a
    /// removal, or an attempt that was replaced meanwhile.
    pub(crate) async fn settle_domain(&self, request: &Request, domain: &DomainName) -> Result<(), Failure> {
        let name = domain.as_str().to_owned();
        let reservation = self.load::<DomainReservation>(&name).await?;
        let Some(reserved) = reservation.state.reserved() else { return Ok(()) };
        // Looked at after the reservation. An attempt that is over by now stays so, and any other reserves for itself.
        let owner = self.load::<Organization>(&reserved.organization).await?;
        let is_held = |domain: &Domain| domain.verified.is_some() || domain.open(reserved.challenge).is_some();
        if !owner.state.domain(domain.as_str()).is_some_and(is_held) {
            let release = DomainCommand::Release(reserved.clone());
            self.execute::<DomainReservation>(&system(request), &name, release).await?;
        }
        Ok(())
    }

    /// Allows no more accounts with addresses of the domain. Those that exist stay; others may have the domain.
    pub async fn remove_domain(
        &self,
        request: &Request,
        organization: OrganizationId,
        id: DomainId,
    ) -> Result<Option<Position>, Failure> {
        let domain = self.named(request, organization, id).await?;
        self.check_spared(request, organization, domain.as_str()).await?;
        let remove = OrganizationCommand::RemoveDomain { domain: domain.clone() };
        let done = self.execute::<Organization>(request, &organization, remove).await?;
        self.settle_domain(request, &domain).await?;
        Ok(done.position)
    }

    /// People who sign in at a provider could not any more.
    async fn check_spared(&self, request: &Request, organization: OrganizationId, domain: &str) -> Result<(), Failure> {
        let sso = self.load::<SingleSignOn>(&organization).await?;
        if sso.state.serving(domain).is_none() || !self.has_verified(organization, domain).await? {
            return Ok(());
        }
        if sso.state.way_back_in().is_some() {
            let message = "People have to sign in at the provider of this domain; let everybody sign in by their own \
                           method first.";
            return Err(Rejection::new(Code::SingleSignOnRequired, message).at("domainId").into());
        }
        let message = "People sign in at the provider of this domain; ask a system admin.";
        authorize(&request.principal, Access::SystemAdmin, Some(organization), None)
            .map_err(|_| Rejection::new(Code::Forbidden, message).at("domainId").into())
    }

    /// The domain that an id of the organization names, for whoever may manage domains.
    async fn named(
        &self,
        request: &Request,
        organization: OrganizationId,
        id: DomainId,
    ) -> Result<DomainName, Failure> {
        authorize(&request.principal, Access::Right(Right::ManageDomains), Some(organization), None)?;
        let owner = self.load::<Organization>(&organization).await?;
        find(organization, &owner.state, id).ok_or_else(|| Code::NotFound.at("domainId").into())
    }

    /// Ends an attempt, if it has not ended by itself.
    pub(crate) async fn fail_verification(
        &self,
        request: &Request,
        organization: OrganizationId,
        domain: &DomainName,
        challenge: ChallengeId,
        code: Code,
    ) -> Result<(), Failure> {
        let fail = OrganizationCommand::FailVerification { domain: domain.clone(), challenge, code };
        self.execute::<Organization>(&system(request), &organization, fail).await.map(drop)
    }
}

/// The refusal of a domain that another organization has verified.
fn taken(field: &'static str) -> Failure {
    Rejection::new(Code::DomainTaken, "Another organization has verified this domain.").at(field).into()
}

fn system(request: &Request) -> Request {
    request.as_system("domains")
}

fn find(organization: OrganizationId, owner: &Organization, id: DomainId) -> Option<DomainName> {
    let mut names = owner.domains().map(|(name, _)| name);
    names.find(|name| DomainId::of(organization, name) == id).and_then(|name| DomainName::parse(name).ok())
}

/// Reads a domain as typed, and says what to do about it if it is none.
fn parse(typed: &str) -> Result<DomainName, Rejection> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Code::Required.into());
    }
    if typed.len() > TYPED_BYTES {
        return Err(Code::InvalidDomain.into());
    }
    DomainName::parse(typed).map_err(|rejection| match rejection.code {
        Code::InvalidEmail => Code::InvalidDomain.into(),
        _ => rejection,
    })
}

/// How the expiry of a token is written, in the record that proves a domain: RFC 3339, whole seconds.
pub(crate) fn written(expires_at: Timestamp) -> String {
    expires_at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
