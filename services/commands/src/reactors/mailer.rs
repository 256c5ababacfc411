//! Mails codes, links, notices and requests to the support. Codes and links are derived from the challenge in the event
//! at the moment they leave, and stand nowhere else. What went wrong is tried again for as long as the mail is of use.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Account, EmailReservation, Organization, Roles, SingleSignOn};
use eventlog::Delivery;
use identity::{LinkToken, Purpose, VerificationCode};
use schema::{
    AccountId, Actor, Event, LoginMethod, OrganizationId, Personal, VerificationMethod,
    events::{
        AccountEvent, OrganizationEvent, SignupEvent, SingleSignOnEvent, SupportEvent,
        account::AccountActivationLinkIssued, account::AccountPasswordResetLinkIssued,
        organization::OrganizationDomainVerificationBegun, signup::SignupBegun, single_sign_on::SsoCertificateExpiring,
        support::SupportRequested,
    },
};
use serde::de::DeserializeOwned;
use texts::Language;

use super::{Reactor, Verdict};
use crate::{
    Platform, Request,
    mail::{Letter, Links, Mail, MailError, Outbox, Person},
};

/// See the module.
pub struct Mailer {
    /// Where mails leave.
    pub outbox: Arc<dyn Outbox>,
    /// Where links lead.
    pub links: Links,
    /// Address of the support. Without one, requests to it are kept aside.
    pub support: Option<String>,
}

#[async_trait]
impl Reactor for Mailer {
    const NAME: &'static str = "mailer";
    const TYPES: &'static [&'static str] = &[
        "signup.begun",
        "account.activation_link_issued",
        "account.password_reset_link_issued",
        "account.password_changed",
        "account.email_changed",
        "organization.domain_verification_begun",
        "sso.certificate_expiring",
        "support.requested",
    ];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let mails = match (Writer { mailer: self, platform, request, delivery }).write(event).await {
            Ok(mails) => mails,
            Err(verdict) => return verdict,
        };
        let mut verdict = Verdict::Finished;
        for mail in &mails {
            match self.outbox.send(mail).await {
                Ok(()) => {}
                Err(MailError::Temporary(reason)) => return Verdict::Retry(reason),
                // Of one; the others get theirs.
                Err(MailError::Permanent(reason)) => verdict = Verdict::Park(reason),
            }
        }
        verdict
    }
}

/// The most system admins who are told the same.
const MOST_ADMINS: usize = 50;
/// After how long is looked again whether there is an address of the support.
const SUPPORT_LATER: chrono::Duration = chrono::Duration::hours(1);

/// Writes the mail that an event calls for.
struct Writer<'a> {
    mailer: &'a Mailer,
    platform: &'a Platform,
    request: &'a Request,
    delivery: &'a Delivery,
}

/// The mails, or what becomes of the event without one.
type Written = Result<Vec<Mail>, Verdict>;

impl Writer<'_> {
    async fn write(&self, event: Event) -> Written {
        let at = self.delivery.event.recorded_at;
        match event {
            Event::Signup(SignupEvent::Begun(e)) => self.sign_up(e).await,
            Event::Account(AccountEvent::ActivationLinkIssued(e)) => self.activation(e).await,
            Event::Account(AccountEvent::PasswordResetLinkIssued(e)) => self.password_reset(e).await,
            Event::Account(AccountEvent::PasswordChanged(_)) => {
                let (account, language) = self.account().await?;
                let to = account.email().ok_or(Verdict::Finished)?;
                self.to(to, &Letter::PasswordChanged { at }, language).await
            }
            Event::Account(AccountEvent::EmailChanged(e)) => {
                let (_, language) = self.account().await?;
                self.to(&e.previous, &Letter::EmailChanged { at }, language).await
            }
            Event::Organization(OrganizationEvent::DomainVerificationBegun(e)) => self.domain_code(e).await,
            Event::SingleSignOn(SingleSignOnEvent::CertificateExpiring(e)) => self.certificate(e).await,
            Event::Support(SupportEvent::Requested(e)) => self.support(e).await,
            _ => Err(Verdict::Finished),
        }
    }

    async fn sign_up(&self, begun: SignupBegun) -> Written {
        let expires_at = begun.code_expires_at;
        self.before(expires_at)?;
        let mut language = Language::of(&begun.locale);
        let letter = if begun.already_registered {
            // Whoever has the account reads it, not whoever typed the address.
            let holder = self.platform.load::<EmailReservation>(&begun.email_key).await?.state.holder();
            if let Some(holder) = holder {
                language = language_of(&self.platform.load::<Account>(&holder).await?.state);
            }
            Letter::AlreadyRegistered { sign_in: self.mailer.links.sign_in.clone() }
        } else {
            let keys = self.platform.keys();
            let code = VerificationCode::derive(keys, Purpose::SignupCode, begun.challenge, expires_at);
            Letter::SignupCode { code: code.as_str().to_owned(), expires_at }
        };
        self.to(&begun.email, &letter, language).await
    }

    async fn activation(&self, issued: AccountActivationLinkIssued) -> Written {
        let AccountActivationLinkIssued { challenge, expires_at, mailed } = issued;
        self.before(expires_at)?;
        let (account, language) = self.account().await?;
        let details =
            account.details().filter(|_| mailed && account.activation_link() == Some((challenge, expires_at)));
        let details = details.ok_or(Verdict::Finished)?;
        if details.login_method == LoginMethod::SingleSignOn {
            let organization = self.organization(details.organization).await?;
            let letter = Letter::Invitation { sign_in: self.mailer.links.sign_in.clone(), organization };
            return self.to(&details.email, &letter, language).await;
        }
        let token =
            LinkToken::derive(self.platform.keys(), Purpose::ActivationLink, details.account, challenge, expires_at);
        let organization = self.organization(details.organization).await?;
        let link = self.mailer.links.activate(&token);
        self.to(&details.email, &Letter::Activation { link, expires_at, organization }, language).await
    }

    async fn password_reset(&self, issued: AccountPasswordResetLinkIssued) -> Written {
        let AccountPasswordResetLinkIssued { challenge, expires_at, forced } = issued;
        self.before(expires_at)?;
        let (account, language) = self.account().await?;
        let details = account.details().filter(|_| account.reset_link() == Some((challenge, expires_at)));
        let details = details.ok_or(Verdict::Finished)?;
        let token =
            LinkToken::derive(self.platform.keys(), Purpose::PasswordReset, details.account, challenge, expires_at);
        let link = self.mailer.links.reset_password(&token);
        self.to(&details.email, &Letter::PasswordReset { link, expires_at, forced }, language).await
    }

    /// In the language of the admin who asked for it: nothing is known of whoever reads the mails of the domain.
    async fn domain_code(&self, begun: OrganizationDomainVerificationBegun) -> Written {
        let OrganizationDomainVerificationBegun { domain, method, challenge, mailbox, expires_at } = begun;
        self.before(expires_at)?;
        let organization = self.stream::<OrganizationId>()?;
        let state = &self.platform.load::<Organization>(&organization).await?.state;
        let open = state.domain(&domain).and_then(|domain| domain.open(challenge)).is_some();
        let mailbox = mailbox.filter(|_| open && method == VerificationMethod::Email).ok_or(Verdict::Finished)?;
        let code = VerificationCode::derive(self.platform.keys(), Purpose::DomainCode, challenge, expires_at);
        let to = format!("{mailbox}@{domain}");
        let (code, organization) = (code.as_str().to_owned(), state.name().to_owned());
        let language = match &self.delivery.event.actor {
            Actor::Account(account) => language_of(&self.platform.load::<Account>(account).await?.state),
            _ => Language::default(),
        };
        Ok(vec![Letter::DomainCode { code, domain, organization, expires_at }.write(to, self.id(), language)])
    }

    /// To those who can do something about it.
    async fn certificate(&self, expiring: SsoCertificateExpiring) -> Written {
        let organization = self.stream::<OrganizationId>()?;
        let sso = self.platform.load::<SingleSignOn>(&organization).await?;
        let known = sso.state.provider(expiring.provider).ok_or(Verdict::Finished)?;
        let letter = Letter::CertificateExpiring { provider: known.details.name.clone(), ends_at: expiring.ends_at };
        let roles = self.platform.load::<Roles>(&organization).await?;
        let mut mails = Vec::new();
        for admin in roles.state.system_admins().take(MOST_ADMINS) {
            let account = self.platform.load::<Account>(&admin).await?;
            if let Some(sealed) = account.state.email()
                && let Some(to) = self.platform.people().open(sealed).await?
            {
                let id = uuid::Uuid::new_v5(&self.id(), admin.to_string().as_bytes());
                mails.push(letter.write(to, id, language_of(&account.state)));
            }
        }
        Ok(mails)
    }

    /// In English, which is what the support of every installation reads.
    async fn support(&self, requested: SupportRequested) -> Written {
        // It goes out once the platform runs with one.
        let no_address = || Verdict::At(self.request.at + SUPPORT_LATER);
        let to = self.mailer.support.clone().ok_or_else(no_address)?;
        let account = self.platform.load::<Account>(&requested.account).await?;
        let details = account.state.details().ok_or(Verdict::Finished)?;
        let profile = self.open(&details.profile).await?;
        let person = Person {
            name: format!("{} {}", profile.given_name, profile.family_name),
            address: self.open(&details.email).await?,
        };
        let letter = Letter::SupportRequest {
            request: requested.request,
            person,
            organization: self.organization(requested.organization).await?,
            organization_id: requested.organization,
            subject: self.open(&requested.subject).await?,
            message: self.open(&requested.message).await?,
        };
        Ok(vec![letter.write(to, self.id(), Language::English)])
    }

    /// A repeated delivery makes the same mail.
    fn id(&self) -> uuid::Uuid {
        self.delivery.event.id.0
    }

    fn before(&self, expires_at: schema::Timestamp) -> Result<(), Verdict> {
        if self.request.at < expires_at { Ok(()) } else { Err(Verdict::Finished) }
    }

    /// The id of the stream that the event stands in.
    fn stream<I: std::str::FromStr<Err: std::fmt::Display>>(&self) -> Result<I, Verdict> {
        self.delivery.event.stream.id().parse().map_err(|error: I::Err| Verdict::Park(error.to_string()))
    }

    /// The account that the event is about, as it is now, and its language.
    async fn account(&self) -> Result<(Account, Language), Verdict> {
        let account = self.platform.load::<Account>(&self.stream::<AccountId>()?).await?.state.clone();
        let language = language_of(&account);
        Ok((account, language))
    }

    async fn organization(&self, organization: OrganizationId) -> Result<String, Verdict> {
        Ok(self.platform.load::<Organization>(&organization).await?.state.name().to_owned())
    }

    /// What is sealed; to nobody who was erased anything is written any more.
    async fn open<T: DeserializeOwned>(&self, sealed: &Personal<T>) -> Result<T, Verdict> {
        self.platform.people().open(sealed).await?.ok_or(Verdict::Finished)
    }

    async fn to(&self, sealed: &Personal<String>, letter: &Letter, language: Language) -> Written {
        Ok(vec![letter.write(self.open(sealed).await?, self.id(), language)])
    }
}

fn language_of(account: &Account) -> Language {
    account.details().map_or_else(Language::default, |details| Language::of(&details.locale))
}
