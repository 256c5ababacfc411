//! Mails codes and links. They are derived from the challenge in the event at the moment they leave, and stand nowhere
//! else.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Account;
use eventlog::Delivery;
use identity::{LinkToken, Purpose, VerificationCode};
use schema::{
    AccountId, Event, Personal,
    events::{AccountEvent, SignupEvent},
};

use super::{Reactor, Verdict};
use crate::{
    Failure, Platform, Request,
    mail::{Letter, MailError, Outbox},
};

/// Where links in mails lead. Built from configuration only, never from a request.
#[derive(Debug, Clone)]
pub struct Links {
    /// Such as `https://accounts.example.com`, without a slash at the end.
    pub origin: String,
}

impl Links {
    fn sign_in(&self) -> String {
        format!("{}/sign-in", self.origin)
    }
    fn activation(&self, token: &LinkToken) -> String {
        // In the fragment, which browsers send to no server: it stands in no access log.
        format!("{}/activate#{}", self.origin, token.to_text())
    }
}

/// See the module.
pub struct Mailer {
    /// Where mails leave.
    pub outbox: Arc<dyn Outbox>,
    /// Where links lead.
    pub links: Links,
}

#[async_trait]
impl Reactor for Mailer {
    const NAME: &'static str = "mailer";
    const TYPES: &'static [&'static str] = &["signup.begun", "account.activation_link_issued"];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let (letter, email) = match self.letter(platform, request, delivery, event).await {
            Ok(Some(written)) => written,
            // Expired, replaced, erased or not to be mailed.
            Ok(None) => return Verdict::Finished,
            Err(failure) => return Verdict::Retry(failure.to_string()),
        };
        let to = match platform.people().open(&email).await {
            Ok(Some(to)) => to,
            Ok(None) => return Verdict::Finished,
            Err(failure) => return Verdict::Retry(failure.to_string()),
        };
        match self.outbox.send(&letter.write(to, delivery.event.id.0)).await {
            Ok(()) => Verdict::Finished,
            Err(MailError::Temporary(reason)) => Verdict::Retry(reason),
            Err(MailError::Permanent(reason)) => Verdict::Park(reason),
        }
    }
}

impl Mailer {
    async fn letter(
        &self,
        platform: &Platform,
        request: &Request,
        delivery: &Delivery,
        event: Event,
    ) -> Result<Option<(Letter, Personal<String>)>, Failure> {
        match event {
            Event::Signup(SignupEvent::Begun(e)) if request.at >= e.code_expires_at => Ok(None),
            Event::Signup(SignupEvent::Begun(e)) if e.already_registered => {
                Ok(Some((Letter::AlreadyRegistered { sign_in: self.links.sign_in() }, e.email)))
            }
            Event::Signup(SignupEvent::Begun(e)) => {
                let code =
                    VerificationCode::derive(platform.keys(), Purpose::SignupCode, e.challenge, e.code_expires_at);
                let code = code.as_str().to_owned();
                Ok(Some((Letter::SignupCode { code, expires_at: e.code_expires_at }, e.email)))
            }
            Event::Account(AccountEvent::ActivationLinkIssued(e)) if e.mailed && request.at < e.expires_at => {
                let Ok(account) = delivery.event.stream.id().parse::<AccountId>() else { return Ok(None) };
                let current = platform.load::<Account>(&account).await?;
                let valid = current.state.activation_link() == Some((e.challenge, e.expires_at));
                let purpose = Purpose::ActivationLink;
                let token = LinkToken::derive(platform.keys(), purpose, account, e.challenge, e.expires_at);
                let link = self.links.activation(&token);
                let email = current.state.email().filter(|_| valid).cloned();
                Ok(email.map(|email| (Letter::Activation { link, expires_at: e.expires_at }, email)))
            }
            _ => Ok(None),
        }
    }
}
