//! Whether what a provider says of a person lets that person in, as things stand at this moment.

use domain::{
    Account, AccountStatus, Aggregate, DomainReservation, EmailReservation, Organization, Principal, Roles,
    SingleSignOn, SsoAnswer, SsoAnswerCommand, single_sign_on::Person, text::EmailAddress,
};
use identity::{EntropyExt, Transcript};
use schema::{
    AccountId, OrganizationId, SsoCheck, SsoCheckResult, SsoProviderId, SsoRequestId,
    events::sso_answer::{SsoAnswerRefusalsSuppressed, SsoAnswerRefused},
};

use super::{
    SingleSignOnService, Vouched,
    pending::{Pending, Purpose},
};
use crate::{Failure, Platform};

/// How the history names what the platform does by itself here.
pub(super) const SYSTEM: &str = "single-sign-on";

impl Platform {
    /// What decides how a person may sign in.
    pub(crate) async fn sign_in_terms<T>(
        &self,
        account: AccountId,
        terms: impl FnOnce(&SingleSignOn, Person<'_>, bool) -> T,
    ) -> Result<Option<T>, Failure> {
        let state = self.load::<Account>(&account).await?;
        let Some(details) = state.state.details() else { return Ok(None) };
        let organization = details.organization;
        let sso = self.load::<SingleSignOn>(&organization).await?;
        let (system_admin, _) = self.load::<Roles>(&organization).await?.state.of(account);
        let way_back_in_is_open = match sso.state.way_back_in() {
            Some(way_back_in) => self.is_way_back_in(organization, way_back_in).await?,
            None => false,
        };
        let domain_verified = self.has_verified(organization, &details.domain).await?;
        let (method, domain) = (details.login_method, details.domain.as_str());
        let person = Person { account, method, domain, domain_verified, system_admin };
        Ok(Some(terms(&sso.state, person, way_back_in_is_open)))
    }

    /// Whether the organization has verified the domain, which is given in ASCII form, and no other has.
    pub(crate) async fn has_verified(&self, organization: OrganizationId, domain: &str) -> Result<bool, Failure> {
        let own = self.load::<Organization>(&organization).await?;
        let verified = own.state.domain(domain).is_some_and(|domain| domain.verified.is_some());
        let holder = self.load::<DomainReservation>(&domain.to_owned()).await?.state.holder();
        Ok(verified && holder == Some(organization))
    }
}

impl SingleSignOnService {
    /// Whom the provider vouches for, if that person is let in by it. Every check goes into the transcript.
    pub(super) async fn trust(
        &self,
        (organization, sso): (OrganizationId, &SingleSignOn),
        pending: &Pending,
        vouched: &Vouched,
        transcript: &mut Transcript,
    ) -> Result<Option<AccountId>, Failure> {
        let address = EmailAddress::parse(&vouched.email).ok();
        let confirmed = vouched.email_verified != Some(false);
        let actual = match (&address, confirmed) {
            (Some(address), true) => address.as_str(),
            (Some(_), false) => "an address that the provider has not verified",
            (None, _) => "something else",
        };
        transcript.check(SsoCheck::Email, address.is_some() && confirmed, "a verified email address", actual);
        let Some(address) = address.filter(|_| confirmed) else { return Ok(None) };
        let domain = address.domain().as_str();
        let verified = self.platform.has_verified(organization, domain).await?;
        transcript.check(SsoCheck::Domain, verified, "a domain that the organization has verified", domain);
        if !verified {
            return Ok(None);
        }
        let key = self.platform.keys.email_key(address.as_str());
        let holder = self.platform.load::<EmailReservation>(&key).await?.state.holder();
        let account = match &pending.purpose {
            Purpose::Test { test } => {
                self.tester((organization, sso), pending, *test, (holder, domain), transcript).await?
            }
            Purpose::SignIn { .. } => self.member(organization, pending, holder, domain, transcript).await?,
        };
        let Some(account) = account else { return Ok(None) };
        self.check_subject(pending, account, vouched, transcript).await?;
        Ok(transcript.failed().is_none().then_some(account))
    }

    /// The admin who tests, if that is who the provider vouches for.
    async fn tester(
        &self,
        (organization, sso): (OrganizationId, &SingleSignOn),
        pending: &Pending,
        test: schema::SsoTestId,
        (holder, domain): (Option<AccountId>, &str),
        transcript: &mut Transcript,
    ) -> Result<Option<AccountId>, Failure> {
        let known = sso.provider(pending.provider);
        let serves = known.is_some_and(|provider| provider.details.serves(domain));
        transcript.check(
            SsoCheck::Provider,
            serves,
            "a provider that serves the domain",
            if serves { "it" } else { "another" },
        );
        let open = known.and_then(|provider| provider.pending.get(&test));
        let same = open.is_some_and(|open| Some(open.account) == holder);
        let actual = if same { "it" } else { "the address of somebody else, or of nobody" };
        transcript.check(SsoCheck::Account, same, "the email address of the admin who tests", actual);
        let Some(account) = holder.filter(|_| serves && same) else { return Ok(None) };
        let active = self.platform.load::<Account>(&account).await?.state.status() == AccountStatus::Activated;
        let (system_admin, _) = self.platform.load::<Roles>(&organization).await?.state.of(account);
        let still = active && system_admin;
        let actual = if still { "such an admin" } else { "one who is none any more" };
        transcript.check(SsoCheck::Account, still, "an active system admin", actual);
        Ok(Some(account).filter(|_| still))
    }

    /// A member of the organization who signs in at this provider.
    async fn member(
        &self,
        organization: OrganizationId,
        pending: &Pending,
        holder: Option<AccountId>,
        domain: &str,
        transcript: &mut Transcript,
    ) -> Result<Option<AccountId>, Failure> {
        const EXPECTED: &str = "a person of the organization who signs in at this provider";
        let refuse = |transcript: &mut Transcript, actual: &str| {
            transcript.check(SsoCheck::Account, false, EXPECTED, actual);
            Ok(None)
        };
        let Some(account) = holder else { return refuse(transcript, "an address without an account") };
        let person = self.platform.load::<Account>(&account).await?;
        if person.state.organization() != Some(organization) {
            return refuse(transcript, "an address without an account");
        }
        match person.state.status() {
            AccountStatus::Added | AccountStatus::Activated => {}
            AccountStatus::Deactivated => return refuse(transcript, "an account that is deactivated"),
            AccountStatus::Absent | AccountStatus::Abandoned => {
                return refuse(transcript, "an account that is not there");
            }
        }
        let provider = pending.provider;
        let terms = |sso: &SingleSignOn, person: Person<'_>, _: bool| {
            let serves = sso.serving(domain).is_some_and(|(serving, _)| serving == provider);
            (serves, sso.allows_provider(person, provider))
        };
        let (serves, allowed) = self.platform.sign_in_terms(account, terms).await?.unwrap_or_default();
        let shown = if serves { "it" } else { "another" };
        transcript.check(SsoCheck::Provider, serves, "the active provider for the domain", shown);
        if serves && !allowed {
            return refuse(transcript, "an account that signs in with a password");
        }
        transcript.check(SsoCheck::Account, allowed, EXPECTED, "such a person");
        Ok(Some(account).filter(|_| serves && allowed))
    }

    /// The provider knows the person as it did before.
    async fn check_subject(
        &self,
        pending: &Pending,
        account: AccountId,
        vouched: &Vouched,
        transcript: &mut Transcript,
    ) -> Result<(), Failure> {
        let person = self.platform.load::<Account>(&account).await?;
        let same = person.state.may_be(pending.provider, &self.identity(pending.provider, account, vouched));
        let actual = if same { "it" } else { "another; set the account back if the person is the same" };
        transcript.check(SsoCheck::Subject, same, "what the provider called the person before, if it did", actual);
        Ok(())
    }

    /// Leaves a line in the history about an answer that signs nobody in: `request`, if it is to one of ours. Bounded,
    /// since anybody can send one.
    pub(super) async fn note_refusal(
        &self,
        (organization, provider): (OrganizationId, SsoProviderId),
        request: Option<SsoRequestId>,
        transcript: &Transcript,
    ) -> Result<SsoRequestId, Failure> {
        let asked = request.is_some();
        // A request that was answered keeps its answer; what comes after that has a name of its own.
        let request = match request {
            Some(request) if !self.platform.load::<SsoAnswer>(&request).await?.state.is_spent() => request,
            _ => SsoRequestId(self.platform.entropy.uuid_v4()),
        };
        let Some(SsoCheckResult { check, expected, actual, .. }) = transcript.impersonal() else { return Ok(request) };
        tracing::info!(%organization, %provider, %request, ?check, "an answer of an identity provider is refused");
        let (system, noted) =
            (self.platform.request(Principal::System(SYSTEM)), if asked { &self.refusals } else { &self.unasked });
        let command = if noted.admit(provider, system.at).is_ok() {
            SsoAnswerCommand::Refuse(SsoAnswerRefused { request, organization, provider, check, expected, actual })
        } else if self.suppressions.admit((provider, asked), system.at).is_ok() {
            SsoAnswerCommand::Suppress(SsoAnswerRefusalsSuppressed { request, organization, provider, asked })
        } else {
            return Ok(request);
        };
        self.platform.execute::<SsoAnswer>(&system, &request, command).await?;
        Ok(request)
    }
}
