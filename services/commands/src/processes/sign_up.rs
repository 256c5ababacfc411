//! Signing an organization up: work email, mailed code, password, organization.

use domain::{
    Code, DomainReservation, EmailReservation, Organization, OrganizationCommand, Rejection, Roles, RolesCommand,
    Signup, SignupCommand,
    account::{Account, AccountCommand, AccountStatus},
    reservation::EmailCommand,
    text::{self, EmailAddress, TITLE_CHARACTERS},
};
use identity::{EntropyExt, Password, Purpose, VerificationCode};
use schema::{
    AccountId, AccountOrigin, ChallengeId, LoginMethod, OrganizationId, Profile, RoleId, SignupId, Timestamp,
    events::{account::AccountCreated, signup::SignupBegun, signup::SignupCompleted, signup::SignupEvent},
};

use super::sign_in::Proven;
use crate::{Done, Failure, Platform, Request};

/// A sign-up that waits for its code.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// Names it from now on.
    pub signup: SignupId,
    /// When the mailed code ends.
    pub code_expires_at: Timestamp,
}

/// What the founder enters last.
#[derive(Debug)]
pub struct Founding {
    /// Name of the organization.
    pub organization_name: String,
    /// Name of the founder and what else they say of themselves.
    pub profile: Profile,
    /// Language of the founder.
    pub locale: String,
    /// The password.
    pub password: Password,
}

/// A new organization.
#[derive(Debug, Clone, Copy)]
pub struct Founded {
    /// The organization.
    pub organization: OrganizationId,
    /// The founder.
    pub account: AccountId,
}

impl Founded {
    /// The founder has proven the address and chosen the password just now: an account begins in epoch 0.
    pub fn proven(&self) -> Proven {
        Proven { account: self.account, epoch: 0 }
    }
}

impl Platform {
    /// Mails a code to a work email address, in the language of `locale`. The answer is the same whether or not the address has an account.
    pub async fn begin_signup(
        &self,
        request: &Request,
        email: &str,
        locale: &str,
    ) -> Result<(Begun, Done<Signup>), Failure> {
        let email = EmailAddress::parse(email).map_err(|e| e.at("email"))?;
        let locale = text::locale(locale).map_err(|e| e.at("locale"))?;
        let email_key = self.keys.email_key(email.as_str());
        let holder = self.load::<EmailReservation>(&email_key).await?.state.holder();
        let domain_holder = self.load::<DomainReservation>(&email.domain().as_str().to_owned()).await?.state.holder();
        // Refused before there is a key, so that nothing is left behind.
        if email.domain().is_consumer() {
            return Err(Code::ConsumerEmailDomain.at("email").into());
        }
        if domain_holder.is_some() {
            return Err(Code::DomainTaken.at("email").into());
        }
        // Not derived from the intent: these ids are what proves that it is the same person who goes on.
        let signup = SignupId(self.entropy.uuid_v4());
        let account = AccountId(self.entropy.uuid_v4());
        let key = self.people.obtain(account).await?;
        let sealed = self.people.seal(&key, account, &email.as_str().to_owned())?;
        let command = SignupCommand::Begin {
            signup,
            account,
            email: sealed,
            email_key,
            domain: email.domain().clone(),
            locale,
            challenge: ChallengeId(self.entropy.uuid_v4()),
            domain_taken: domain_holder.is_some(),
            already_registered: holder.is_some(),
        };
        let done = self.execute::<Signup>(request, &signup, command).await?;
        let (_, code_expires_at) = done.after.state.challenge().ok_or(Code::NotFound)?;
        Ok((Begun { signup, code_expires_at }, done))
    }

    /// Checks the mailed code. A wrong one counts.
    pub async fn confirm_signup(
        &self,
        request: &Request,
        signup: SignupId,
        code: &str,
    ) -> Result<Done<Signup>, Failure> {
        let current = self.load::<Signup>(&signup).await?;
        let (challenge, expires_at) = current.state.challenge().ok_or(Code::NotFound.at("signupId"))?;
        let code_matches =
            VerificationCode::derive(&self.keys, Purpose::SignupCode, challenge, expires_at).matches(code);
        let done = self.execute::<Signup>(request, &signup, SignupCommand::ConfirmEmail { code_matches }).await?;
        match done.events.last() {
            Some(SignupEvent::CodeRejected(rejected)) => Err(wrong_code(rejected.tries_left).into()),
            _ => Ok(done),
        }
    }

    /// Founds the organization: password and names are given, the address is proven.
    pub async fn complete_signup(
        &self,
        request: &Request,
        signup: SignupId,
        founding: Founding,
    ) -> Result<Founded, Failure> {
        let current = self.load::<Signup>(&signup).await?;
        let begun = current.state.begun().ok_or(Code::NotFound.at("signupId"))?.clone();
        let organization_name =
            text::line(&founding.organization_name, TITLE_CHARACTERS).map_err(|e| e.at("organizationName"))?;
        let profile = text::profile(&founding.profile)?;
        let locale = text::locale(&founding.locale).map_err(|e| e.at("locale"))?;
        let email = self.people.open(&begun.email).await?.ok_or(Code::Expired.at("signupId"))?;
        let about = [&email, &organization_name, &profile.given_name, &profile.family_name];
        self.check_password(&founding.password, &about.map(String::as_str))?;
        let profile = self.people.seal_for(begun.account, &profile).await?.ok_or(Code::Expired.at("signupId"))?;
        let command = |credential| SignupCommand::Complete {
            organization: OrganizationId(request.derive("organization")),
            organization_name,
            profile,
            locale,
            credential,
        };
        // Would it be refused, the costly hash is spared.
        self.rehearse::<Signup>(request, &signup, command.clone()(uuid::Uuid::nil())).await?;
        if self.load::<EmailReservation>(&begun.email_key).await?.state.holder().is_some() {
            return Err(Code::EmailTaken.at("signupId").into());
        }
        if self.load::<DomainReservation>(&begun.domain).await?.state.holder().is_some() {
            return Err(Code::DomainTaken.at("signupId").into());
        }
        let credential = self.store_credential(begun.account, &founding.password).await?;
        match self.execute::<Signup>(request, &signup, command(credential)).await {
            Ok(_) => self.finish_signup(request, signup).await,
            Err(failure) => Err(self.without_credential(begun.account, credential, failure).await),
        }
    }

    /// Takes a completed sign-up to its end. Repeated, it goes on where it was interrupted.
    pub async fn finish_signup(&self, request: &Request, signup: SignupId) -> Result<Founded, Failure> {
        let current = self.load::<Signup>(&signup).await?;
        let (Some(begun), Some(completed)) = (current.state.begun(), current.state.completed()) else {
            return Err(Code::NotFound.at("signupId").into());
        };
        let request = request.as_system("sign-up");
        match self.load::<Account>(&begun.account).await?.state.status() {
            AccountStatus::Absent => self.create_founder(&request, begun, completed).await?,
            AccountStatus::Abandoned => return Err(Code::EmailTaken.at("signupId").into()),
            // What may have happened to address and account since is not undone.
            AccountStatus::Added | AccountStatus::Activated | AccountStatus::Deactivated => {}
        }
        let organization = completed.organization;
        let found = RolesCommand::Found { organization, role: system_admin_role(organization), founder: begun.account };
        self.execute::<Roles>(&request, &organization, found).await?;
        Ok(Founded { organization, account: begun.account })
    }

    async fn create_founder(
        &self,
        request: &Request,
        begun: &SignupBegun,
        completed: &SignupCompleted,
    ) -> Result<(), Failure> {
        let reserve = EmailCommand::Reserve { account: begun.account, signup: Some(begun.signup) };
        self.execute::<EmailReservation>(request, &begun.email_key, reserve).await?;
        let organization = completed.organization;
        let create = OrganizationCommand::Create {
            organization,
            name: completed.organization_name.clone(),
            founder: begun.account,
            domain: begun.domain.clone(),
        };
        self.execute::<Organization>(request, &organization, create).await?;
        let create = AccountCommand::Create {
            account: Box::new(founder(begun, completed)),
            invite: None,
            credential: Some(completed.credential),
        };
        self.execute::<Account>(request, &begun.account, create).await.map(drop)
    }
}

fn founder(begun: &SignupBegun, completed: &SignupCompleted) -> AccountCreated {
    AccountCreated {
        account: begun.account,
        organization: completed.organization,
        email: begun.email.clone(),
        email_key: begun.email_key.clone(),
        domain: begun.domain.clone(),
        profile: completed.profile.clone(),
        locale: completed.locale.clone(),
        login_method: LoginMethod::Password,
        origin: AccountOrigin::Signup,
    }
}

/// The system admin role of an organization: one each, so its id follows from the organization's.
pub fn system_admin_role(organization: OrganizationId) -> RoleId {
    RoleId(uuid::Uuid::new_v5(&organization.0, b"system-admin"))
}

/// The refusal of a wrong mailed code.
pub(crate) fn wrong_code(tries_left: u32) -> Rejection {
    let message = match tries_left {
        0 => "Wrong code, and it was the last try; start again.".to_owned(),
        1 => "Wrong code; one more try.".to_owned(),
        n => format!("Wrong code; {n} more tries."),
    };
    Rejection::new(Code::WrongCode, message).at("code")
}
