//! Adding people to the directory.

use std::collections::HashMap;

use domain::{
    Access, AccountStatus, Code, EmailReservation, Organization, Rejection,
    account::{Account, AccountCommand},
    authorize,
    reservation::EmailCommand,
    text::{self, EmailAddress},
};
use futures::{StreamExt, stream};
use identity::{Password, Purpose};
use schema::{
    AccountId, AccountOrigin, ChallengeId, EmailKey, LoginMethod, OrganizationId, Position, Profile, Right,
    events::account::AccountCreated,
};
use uuid::Uuid;

use super::sign_in::Proven;
use crate::{Failure, Platform, Request};

/// Most people in one `createAccounts`; an import takes more.
pub const MOST_AT_ONCE: usize = 100;
/// Appends in flight for one request.
const AT_A_TIME: usize = 16;

/// A person to add, as entered. Without `Debug`: it is personal.
#[derive(Clone)]
pub struct NewPerson {
    /// Email address.
    pub email: String,
    /// Name and directory fields.
    pub profile: Profile,
    /// Language of mails and pages.
    pub locale: String,
}

/// A person who was added.
#[derive(Debug, Clone, Copy)]
pub struct Added {
    /// The account.
    pub account: AccountId,
    /// Where its last event stands in the log.
    pub position: Option<Position>,
}

struct Checked {
    account: AccountId,
    email: EmailAddress,
    email_key: EmailKey,
    profile: Profile,
    locale: String,
    login_method: LoginMethod,
}

impl Platform {
    /// Adds one person and mails an activation link.
    pub async fn create_account(
        &self,
        request: &Request,
        organization: OrganizationId,
        person: NewPerson,
    ) -> Result<Added, Failure> {
        authorize(&request.principal, Access::Right(Right::ManageAccounts), Some(organization), None)?;
        let owner = self.load::<Organization>(&organization).await?;
        let person = self.check(request, organization, &owner.state, person).await?;
        self.reserve(request, &person).await?;
        self.create(request, organization, person).await
    }

    /// Adds several people, all of them or none: the refusals name the entries that have to be mended. Trouble midway, when
    /// all were accepted, names the entries that are missing.
    pub async fn create_accounts(
        &self,
        request: &Request,
        organization: OrganizationId,
        people: Vec<NewPerson>,
    ) -> Result<Vec<Added>, Vec<Failure>> {
        let one = |failure: Failure| vec![failure];
        authorize(&request.principal, Access::Right(Right::ManageAccounts), Some(organization), None)
            .map_err(|e| one(e.into()))?;
        if people.is_empty() {
            return Err(one(Code::Required.at("people").into()));
        }
        if people.len() > MOST_AT_ONCE {
            return Err(one(Rejection::new(Code::TooMany, "Add at most 100 people at once; import a file for more.")
                .at("people")
                .into()));
        }
        let owner = self.load::<Organization>(&organization).await.map_err(one)?;
        let people = self.check_all(request, organization, &owner.state, people).await?;
        let reservations: Vec<_> = people.iter().map(|person| self.reserve(request, person)).collect();
        let reserved: Vec<_> = stream::iter(reservations).buffered(AT_A_TIME).collect().await;
        if reserved.iter().any(Result::is_err) {
            return Err(self.give_back(request, &people, reserved).await);
        }
        // Past this point a failure leaves reservations that are given back by themselves.
        let created = people.into_iter().map(|person| self.create(request, organization, person)).collect::<Vec<_>>();
        let created: Vec<_> = stream::iter(created).buffered(AT_A_TIME).collect().await;
        let (mut added, mut failed) = (Vec::with_capacity(created.len()), Vec::new());
        for (index, outcome) in created.into_iter().enumerate() {
            match outcome {
                Ok(person) => added.push(person),
                Err(failure) => failed.push(within(index, failure)),
            }
        }
        if failed.is_empty() { Ok(added) } else { Err(failed) }
    }

    async fn check_all(
        &self,
        request: &Request,
        organization: OrganizationId,
        owner: &Organization,
        people: Vec<NewPerson>,
    ) -> Result<Vec<Checked>, Vec<Failure>> {
        let mut seen = HashMap::new();
        let mut checked = Vec::with_capacity(people.len());
        let mut refused = Vec::new();
        for (index, person) in people.into_iter().enumerate() {
            let request = request.part(&index.to_string());
            let result = self.check(&request, organization, owner, person).await.and_then(|person| {
                match seen.insert(person.email_key.clone(), index) {
                    Some(_) => Err(Rejection::new(Code::EmailTaken, "The email address stands twice in the list.")
                        .at("email")
                        .into()),
                    None => Ok(person),
                }
            });
            match result {
                Ok(person) => checked.push(person),
                Err(failure) => refused.push(within(index, failure)),
            }
        }
        if refused.is_empty() { Ok(checked) } else { Err(refused) }
    }

    async fn check(
        &self,
        request: &Request,
        organization: OrganizationId,
        owner: &Organization,
        person: NewPerson,
    ) -> Result<Checked, Failure> {
        let email = EmailAddress::parse(&person.email).map_err(|e| e.at("email"))?;
        let profile = text::profile(&person.profile)?;
        let locale = text::locale(&person.locale).map_err(|e| e.at("locale"))?;
        self.check_domain(organization, owner, email.domain()).await?;
        let email_key = self.keys.email_key(email.as_str());
        let login_method = self.method_for_new(organization, email.domain().as_str()).await?;
        Ok(Checked { account: AccountId(request.derive("account")), email, email_key, profile, locale, login_method })
    }

    async fn reserve(&self, request: &Request, person: &Checked) -> Result<(), Failure> {
        let command = EmailCommand::Reserve { account: person.account, signup: None };
        self.execute::<EmailReservation>(&request.as_system("directory"), &person.email_key, command).await.map(drop)
    }

    async fn give_back(
        &self,
        request: &Request,
        people: &[Checked],
        reserved: Vec<Result<(), Failure>>,
    ) -> Vec<Failure> {
        let system = request.as_system("directory");
        let mut refused = Vec::new();
        for (index, (person, result)) in people.iter().zip(reserved).enumerate() {
            match result {
                Err(failure) => refused.push(within(index, failure)),
                Ok(()) => {
                    let release = EmailCommand::Release(person.account);
                    if let Err(error) = self.execute::<EmailReservation>(&system, &person.email_key, release).await {
                        tracing::warn!(%error, "a reservation is given back later");
                    }
                }
            }
        }
        refused
    }

    async fn create(&self, request: &Request, organization: OrganizationId, person: Checked) -> Result<Added, Failure> {
        let account = person.account;
        let key = self.people.obtain(account).await?;
        let created = AccountCreated {
            account,
            organization,
            email: self.people.seal(&key, account, &person.email.as_str().to_owned())?,
            email_key: person.email_key,
            domain: person.email.domain().as_str().to_owned(),
            profile: self.people.seal(&key, account, &person.profile)?,
            locale: person.locale,
            login_method: person.login_method,
            origin: AccountOrigin::Admin,
        };
        // Not a secret; the same if the request is repeated.
        let invite = Some(ChallengeId(Uuid::new_v5(&account.0, b"invite")));
        let command = AccountCommand::Create { account: Box::new(created), invite, credential: None };
        match self.execute::<Account>(request, &account, command).await {
            Ok(done) => Ok(Added { account, position: done.position }),
            Err(failure) => {
                // It took so long that it was given up: the key came after the others had been cleared away.
                if self.load::<Account>(&account).await?.state.status() == AccountStatus::Abandoned {
                    self.people.discard(account).await?;
                }
                Err(failure)
            }
        }
    }

    /// Activates an account with the link that was mailed, and the password that the person chose.
    pub async fn activate_account(
        &self,
        request: &Request,
        token: &str,
        password: Password,
    ) -> Result<(Proven, Option<Position>), Failure> {
        let (account, current, challenge) = self.prove_link(Purpose::ActivationLink, token, request.at).await?;
        self.check_password_allowed(account).await?;
        self.check_password_of(&current.state, &password).await?;
        let credential = self.store_credential(account, &password).await?;
        let activate = AccountCommand::Activate { challenge, credential };
        let done = match self.execute::<Account>(request, &account, activate).await {
            Ok(done) => done,
            Err(failure) => return Err(self.without_credential(account, credential, failure).await),
        };
        if let Err(failure) = self.resume_roles(request, account).await {
            tracing::warn!(%account, %failure, "an account that was set back has its roles again later");
        }
        Ok((Proven { account, epoch: done.after.state.session_epoch() }, done.position))
    }
}

fn within(index: usize, failure: Failure) -> Failure {
    match failure {
        Failure::Rejected(rejection) => {
            let field =
                rejection.field.as_deref().map_or(format!("people.{index}"), |field| format!("people.{index}.{field}"));
            Failure::Rejected(rejection.at(field))
        }
        other @ Failure::OutOfOrder(_) => other,
    }
}
