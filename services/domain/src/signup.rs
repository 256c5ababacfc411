//! Signing an organization up: a work email address is given, proven by a mailed code, then password and organization.

use chrono::Duration;
use schema::{
    AccountId, ChallengeId, EmailKey, OrganizationId, Personal, Profile, SignupId, Timestamp,
    events::signup::{
        SignupBegun, SignupCodeRejected, SignupCompleted, SignupEmailConfirmed, SignupEvent, SignupExpired,
    },
};

use uuid::Uuid;

use crate::{Access, Aggregate, Code, Intent, Rejection, text::DomainName};

/// How long a mailed code is good (NIST SP 800-63B).
pub const CODE_LIFETIME: Duration = Duration::minutes(10);
/// How many wrong codes end the challenge (NIST SP 800-63B).
pub const CODE_TRIES: u32 = 10;
/// How long the whole sign-up may take.
pub const SIGNUP_LIFETIME: Duration = Duration::hours(1);

/// What can be wanted of a sign-up.
#[derive(Debug, Clone)]
pub enum SignupCommand {
    /// Start, and mail a code.
    Begin {
        /// The sign-up.
        signup: SignupId,
        /// The account it will create.
        account: AccountId,
        /// The address.
        email: Personal<String>,
        /// Its keyed hash.
        email_key: EmailKey,
        /// Its domain.
        domain: DomainName,
        /// Language of the mail, checked.
        locale: String,
        /// What the code is derived from.
        challenge: ChallengeId,
        /// Another organization has verified the domain.
        domain_taken: bool,
        /// The address has an account already.
        already_registered: bool,
    },
    /// Prove the address.
    ConfirmEmail {
        /// The code given is the one that was mailed.
        code_matches: bool,
    },
    /// Found the organization.
    Complete {
        /// Its id.
        organization: OrganizationId,
        /// Its name, checked.
        organization_name: String,
        /// Name of the founder, checked and sealed.
        profile: Personal<Profile>,
        /// Language of the founder.
        locale: String,
        /// Names the founder's password verifier in the vault.
        credential: Uuid,
    },
    /// Give up if its time has come.
    Expire,
}

/// A sign-up.
#[derive(Debug, Clone, Default)]
pub struct Signup {
    begun: Option<SignupBegun>,
    wrong_codes: u32,
    confirmed: bool,
    completed: Option<SignupCompleted>,
    expired: bool,
}

impl Signup {
    /// How it began.
    pub fn begun(&self) -> Option<&SignupBegun> {
        self.begun.as_ref()
    }
    /// How it was completed.
    pub fn completed(&self) -> Option<&SignupCompleted> {
        self.completed.as_ref()
    }
    /// Challenge of the mailed code, and when the code ends.
    pub fn challenge(&self) -> Option<(ChallengeId, Timestamp)> {
        self.begun.as_ref().map(|b| (b.challenge, b.code_expires_at))
    }

    fn confirm(&self, begun: &SignupBegun, at: Timestamp, code_matches: bool) -> Result<Vec<SignupEvent>, Rejection> {
        if self.wrong_codes >= CODE_TRIES {
            return Err(Code::TooManyTries.at("code"));
        }
        if at >= begun.code_expires_at {
            return Err(Code::Expired.at("code"));
        }
        // An address that has an account gets no code, so none can be right.
        if !code_matches || begun.already_registered {
            return Ok(vec![SignupCodeRejected { tries_left: CODE_TRIES - 1 - self.wrong_codes }.into()]);
        }
        Ok(if self.confirmed { vec![] } else { vec![SignupEmailConfirmed {}.into()] })
    }
}

impl Aggregate for Signup {
    type Id = SignupId;
    type Event = SignupEvent;
    type Command = SignupCommand;
    const CATEGORY: &'static str = "signup";

    fn evolve(mut self, event: &SignupEvent) -> Self {
        match event {
            SignupEvent::Begun(e) => self.begun = Some(e.clone()),
            SignupEvent::CodeRejected(_) => self.wrong_codes = self.wrong_codes.saturating_add(1),
            SignupEvent::EmailConfirmed(_) => self.confirmed = true,
            SignupEvent::Completed(e) => self.completed = Some(e.clone()),
            SignupEvent::Expired(_) => self.expired = true,
        }
        self
    }

    fn decide(&self, intent: &Intent<SignupCommand>) -> Result<Vec<SignupEvent>, Rejection> {
        let at = intent.at;
        if let SignupCommand::Begin {
            signup,
            account,
            email,
            email_key,
            domain,
            locale,
            challenge,
            domain_taken,
            already_registered,
        } = &intent.command
        {
            return match self.begun {
                Some(_) => Err(Code::AlreadyUsed.into()),
                None if domain.is_consumer() => Err(Code::ConsumerEmailDomain.at("email")),
                None if *domain_taken => Err(Code::DomainTaken.at("email")),
                None => Ok(vec![
                    SignupBegun {
                        signup: *signup,
                        account: *account,
                        email: email.clone(),
                        email_key: email_key.clone(),
                        domain: domain.as_str().to_owned(),
                        locale: locale.clone(),
                        challenge: *challenge,
                        code_expires_at: at + CODE_LIFETIME,
                        expires_at: at + SIGNUP_LIFETIME,
                        already_registered: *already_registered,
                    }
                    .into(),
                ]),
            };
        }
        let begun = self.begun.as_ref().ok_or(Code::NotFound.at("signupId"))?;
        if matches!(intent.command, SignupCommand::Expire) {
            let due = at >= begun.expires_at && self.completed.is_none() && !self.expired;
            return Ok(if due { vec![SignupExpired {}.into()] } else { vec![] });
        }
        if self.completed.is_some() {
            return Err(Code::AlreadyUsed.at("signupId"));
        }
        if self.expired || at >= begun.expires_at {
            return Err(Code::Expired.at("signupId"));
        }
        match &intent.command {
            SignupCommand::ConfirmEmail { code_matches } => self.confirm(begun, at, *code_matches),
            SignupCommand::Complete { .. } if !self.confirmed => Err(Code::EmailNotConfirmed.at("signupId")),
            SignupCommand::Complete { organization, organization_name, profile, locale, credential } => Ok(vec![
                SignupCompleted {
                    organization: *organization,
                    organization_name: organization_name.clone(),
                    profile: profile.clone(),
                    locale: locale.clone(),
                    credential: *credential,
                }
                .into(),
            ]),
            SignupCommand::Begin { .. } | SignupCommand::Expire => Ok(vec![]),
        }
    }

    fn access(command: &SignupCommand) -> Access {
        match command {
            // The id of a sign-up is random and known only to whoever began it; the code proves the address.
            SignupCommand::Begin { .. } | SignupCommand::ConfirmEmail { .. } | SignupCommand::Complete { .. } => {
                Access::Anyone
            }
            SignupCommand::Expire => Access::System,
        }
    }
}
