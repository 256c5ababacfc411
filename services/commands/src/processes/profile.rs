//! Editing a person's details, the email address among them.
//!
//! An address is reserved in a stream of its own, so a change of it takes several steps, and whoever clears up must not
//! free an address that the account is about to take. Why that does not happen: whoever frees one counts its
//! reservations *first*, then closes the account to a change that has begun, and frees it only if the account does not
//! have it and nobody has reserved it since the count. A change that succeeds after the account was closed to it has begun
//! anew, and so has reserved anew.

use chrono::NaiveDate;
use domain::{
    Account, AccountCommand, Code, EmailReservation, Organization,
    reservation::EmailCommand,
    text::{self, EmailAddress},
};
use identity::EntropyExt;
use schema::{AccountId, ChallengeId, EmailKey, LoginMethod, OrganizationId, Position, Profile};

use crate::{Failure, Platform, Request};

/// How often a change begins anew because others change the same person.
const ATTEMPTS: u32 = 20;
/// How the history names what a change of an address takes.
const SYSTEM: &str = "directory";

/// What is to change about a person. Outer none: it stays. Inner none: it is no longer known. Without `Debug`: it is
/// personal.
#[derive(Clone, Default)]
pub struct PersonChanges {
    /// Email address.
    pub email: Option<String>,
    /// Language of mails and pages.
    pub locale: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Job title.
    pub job_title: Option<Option<String>>,
    /// Department.
    pub department: Option<Option<String>>,
    /// Division.
    pub division: Option<Option<String>>,
    /// Office or city.
    pub location: Option<Option<String>>,
    /// Phone number.
    pub phone: Option<Option<String>>,
    /// Email address of the manager.
    pub manager_email: Option<Option<String>>,
    /// First day at work.
    pub start_date: Option<Option<NaiveDate>>,
}

impl PersonChanges {
    fn of(&self, mut profile: Profile) -> Profile {
        fn set<T: Clone>(field: &mut T, change: &Option<T>) {
            if let Some(value) = change {
                field.clone_from(value);
            }
        }
        set(&mut profile.given_name, &self.given_name);
        set(&mut profile.family_name, &self.family_name);
        set(&mut profile.job_title, &self.job_title);
        set(&mut profile.department, &self.department);
        set(&mut profile.division, &self.division);
        set(&mut profile.location, &self.location);
        set(&mut profile.phone, &self.phone);
        set(&mut profile.manager_email, &self.manager_email);
        set(&mut profile.start_date, &self.start_date);
        profile
    }
}

impl Platform {
    /// Changes a person's details. Only while the domain of the person's address is the organization's, and that of a new
    /// address too.
    pub async fn edit_person(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
        changes: PersonChanges,
    ) -> Result<Option<Position>, Failure> {
        let person = self.manageable(request, organization, account).await?;
        let current = person.state.details().ok_or(Code::NotFound.at("personId"))?;
        let owner = self.load::<Organization>(&organization).await?;
        let domain = text::DomainName::parse(&current.domain).map_err(|_| Code::DomainNotAllowed.at("personId"))?;
        self.check_domain(organization, &owner.state, &domain).await.map_err(|failure| failure.at("personId"))?;
        let locale = changes.locale.as_deref().map(text::locale).transpose().map_err(|e| e.at("locale"))?;
        let email = changes.email.as_deref().map(EmailAddress::parse).transpose().map_err(|e| e.at("email"))?;
        if let Some(email) = &email {
            self.check_domain(organization, &owner.state, email.domain()).await?;
            if current.login_method == LoginMethod::SingleSignOn && email.domain().as_str() != current.domain {
                self.check_served(organization, email.domain().as_str())
                    .await
                    .map_err(|failure| failure.at("email"))?;
            }
        }
        let profile = self.people.open(&current.profile).await?.ok_or(Code::NotFound.at("personId"))?;
        text::profile(&changes.of(profile))?;
        // The address first: it may be refused.
        let mut position = match email {
            Some(email) => self.change_email(request, account, &email).await?,
            None => None,
        };
        position = position.max(self.change_profile(request, account, &changes).await?);
        if let Some(locale) = locale {
            let done = self.execute::<Account>(request, &account, AccountCommand::ChangeLocale { locale }).await?;
            position = position.max(done.position);
        }
        Ok(position)
    }

    async fn change_profile(
        &self,
        request: &Request,
        account: AccountId,
        changes: &PersonChanges,
    ) -> Result<Option<Position>, Failure> {
        for _ in 0..ATTEMPTS {
            let gone = || Failure::from(Code::NotFound).at("personId");
            let person = self.load::<Account>(&account).await?;
            let base = person.state.details().ok_or_else(gone)?.profile.clone();
            let before = self.people.open(&base).await?.ok_or_else(gone)?;
            let after = text::profile(&changes.of(before.clone()))?;
            if after == before {
                return Ok(None);
            }
            let profile = self.people.seal_for(account, &after).await?.ok_or_else(gone)?;
            let command = AccountCommand::ChangeProfile { base, profile };
            match self.execute::<Account>(request, &account, command).await {
                // Somebody else has changed another field: both changes count.
                Err(failure) if failure.code() == Some(Code::Busy) => {}
                done => return Ok(done?.position),
            }
        }
        Err(Code::Busy.into())
    }

    async fn change_email(
        &self,
        request: &Request,
        account: AccountId,
        email: &EmailAddress,
    ) -> Result<Option<Position>, Failure> {
        let email_key = self.keys.email_key(email.as_str());
        for _ in 0..ATTEMPTS {
            let person = self.load::<Account>(&account).await?;
            let previous_key = person.state.details().ok_or(Code::NotFound.at("personId"))?.email_key.clone();
            if previous_key == email_key {
                return Ok(None);
            }
            match self.take_email(request, account, email, &email_key).await {
                // The change was taken for stuck, or another one has begun since.
                Err(failure) if failure.code() == Some(Code::Busy) => {}
                Err(failure) => return Err(failure),
                Ok(position) => {
                    if let Err(failure) = self.release_email(request, account, &previous_key).await {
                        tracing::warn!(%account, %failure, "the previous address is freed later");
                    }
                    return Ok(position);
                }
            }
        }
        Err(Code::Busy.into())
    }

    async fn take_email(
        &self,
        request: &Request,
        account: AccountId,
        email: &EmailAddress,
        email_key: &EmailKey,
    ) -> Result<Option<Position>, Failure> {
        let system = request.as_system(SYSTEM);
        let sealed = self.people.seal_for(account, &email.as_str().to_owned()).await?;
        let sealed = sealed.ok_or(Code::NotFound.at("personId"))?;
        let begin = AccountCommand::BeginEmailChange { email_key: email_key.clone() };
        self.execute::<Account>(request, &account, begin).await?;
        let reserved = self.execute::<EmailReservation>(&system, email_key, EmailCommand::ReserveAnew(account)).await;
        if let Err(failure) = reserved {
            if failure.code() == Some(Code::EmailTaken) {
                let abandon = AccountCommand::AbandonEmailChange { email_key: email_key.clone() };
                self.execute::<Account>(&system, &account, abandon).await?;
            }
            return Err(failure);
        }
        let change = AccountCommand::ChangeEmail {
            email: sealed,
            email_key: email_key.clone(),
            domain: email.domain().as_str().to_owned(),
            invite: ChallengeId(self.entropy.uuid_v4()),
        };
        Ok(self.execute::<Account>(request, &account, change).await?.position)
    }

    /// Frees an address that was reserved for an account that exists, unless the account has it. See the module for why
    /// that is safe at any moment.
    pub(crate) async fn release_email(
        &self,
        request: &Request,
        account: AccountId,
        email_key: &EmailKey,
    ) -> Result<(), Failure> {
        let system = request.as_system(SYSTEM);
        let reservation = self.load::<EmailReservation>(email_key).await?;
        if reservation.state.holder() != Some(account) {
            return Ok(());
        }
        let abandon = AccountCommand::AbandonEmailChange { email_key: email_key.clone() };
        let closed = self.execute::<Account>(&system, &account, abandon).await?;
        if closed.after.state.details().is_none_or(|details| details.email_key == *email_key) {
            return Ok(());
        }
        let reservations = reservation.state.reservations();
        let release = EmailCommand::ReleaseUnlessRenewed { account, reservations };
        self.execute::<EmailReservation>(&system, email_key, release).await.map(drop)
    }
}
