//! What the mails say.

use schema::{OrganizationId, SupportRequestId, Timestamp};
use texts::{Arguments, Language, moment, text};
use uuid::Uuid;

use super::{
    Mail, Person,
    layout::{Block, html, plain},
};

/// A mail before it is written out. Without `Debug`: it holds secrets and personal data.
pub enum Letter {
    /// The code that proves an email address at sign-up.
    SignupCode {
        /// Six digits.
        code: String,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered {
        /// Where to sign in.
        sign_in: String,
    },
    /// An admin added the person.
    Activation {
        /// Where to choose a password.
        link: String,
        /// When the link ends.
        expires_at: Timestamp,
        /// Name of the organization.
        organization: String,
    },
    /// An admin added the person, who signs in at the organization's identity provider.
    Invitation {
        /// Where to sign in.
        sign_in: String,
        /// Name of the organization.
        organization: String,
    },
    /// A certificate of an identity provider ends soon.
    CertificateExpiring {
        /// What people know the provider by.
        provider: String,
        /// When it ends.
        ends_at: Timestamp,
    },
    /// The person may choose a new password.
    PasswordReset {
        /// Where to do so.
        link: String,
        /// When the link ends.
        expires_at: Timestamp,
        /// An admin demands it; otherwise somebody asked for it on the sign-in page.
        forced: bool,
    },
    /// The person has a new password.
    PasswordChanged {
        /// Since when.
        at: Timestamp,
    },
    /// To the address that an account had until now. It does not say the new one: who reads this may be a stranger.
    EmailChanged {
        /// Since when.
        at: Timestamp,
    },
    /// The code that proves to an organization's admin that a domain is theirs, to an administrative address of it.
    DomainCode {
        /// Six digits.
        code: String,
        /// The domain in ASCII form: what looks like another one shows as such.
        domain: String,
        /// Name of the organization.
        organization: String,
        /// When the code ends.
        expires_at: Timestamp,
    },
    /// Somebody asks the support for help.
    SupportRequest {
        /// The request.
        request: SupportRequestId,
        /// Who asks.
        person: Person,
        /// Name of their organization.
        organization: String,
        /// Their organization.
        organization_id: OrganizationId,
        /// What it is about, in a line.
        subject: String,
        /// The whole of it.
        message: String,
    },
}

/// Says things in one language.
#[derive(Clone, Copy)]
struct Speaker(Language);

impl Speaker {
    fn say(self, id: &str, arguments: &Arguments<'_>) -> String {
        text(self.0, id, arguments)
    }
    fn paragraph(self, id: &str, arguments: &Arguments<'_>) -> Block {
        Block::Paragraph(self.say(id, arguments))
    }
    fn until(self, id: &str, at: Timestamp) -> Block {
        self.paragraph(id, &[("until", moment(self.0, at).into())])
    }
    fn link(self, label: &str, url: &str) -> Block {
        Block::Link { label: self.say(label, &[]), url: url.to_owned(), as_text: self.say("link-as-text", &[]) }
    }

    fn subject(self, letter: &Letter) -> String {
        match letter {
            Letter::SignupCode { code, .. } => self.say("signup-code-subject", &[("code", code.into())]),
            Letter::AlreadyRegistered { .. } => self.say("already-registered-subject", &[]),
            Letter::Activation { .. } => self.say("activation-subject", &[]),
            Letter::Invitation { .. } => self.say("activation-sso-subject", &[]),
            Letter::CertificateExpiring { provider, .. } => {
                self.say("certificate-subject", &[("provider", provider.into())])
            }
            Letter::PasswordReset { .. } => self.say("password-reset-subject", &[]),
            Letter::PasswordChanged { .. } => self.say("password-changed-subject", &[]),
            Letter::EmailChanged { .. } => self.say("email-changed-subject", &[]),
            Letter::DomainCode { domain, .. } => self.say("domain-code-subject", &[("domain", domain.into())]),
            Letter::SupportRequest { subject, .. } => self.say("support-subject", &[("subject", subject.into())]),
        }
    }

    fn body(self, letter: &Letter) -> Vec<Block> {
        match letter {
            Letter::SignupCode { code, expires_at } => vec![
                self.paragraph("signup-code-body", &[]),
                Block::Code(code.clone()),
                self.until("code-until", *expires_at),
                self.paragraph("ignore", &[]),
            ],
            Letter::AlreadyRegistered { sign_in } => vec![
                self.paragraph("already-registered-body", &[]),
                self.link("already-registered-action", sign_in),
                self.paragraph("ignore", &[]),
            ],
            Letter::Activation { link, expires_at, organization } => vec![
                self.paragraph("activation-body", &[("organization", organization.into())]),
                self.link("activation-action", link),
                self.until("link-until", *expires_at),
            ],
            Letter::Invitation { sign_in, organization } => vec![
                self.paragraph("activation-sso-body", &[("organization", organization.into())]),
                self.link("activation-sso-action", sign_in),
            ],
            Letter::CertificateExpiring { provider, ends_at } => {
                let until = moment(self.0, *ends_at);
                vec![self.paragraph("certificate-body", &[("provider", provider.into()), ("until", until.into())])]
            }
            Letter::PasswordReset { link, expires_at, forced } => {
                let (why, ignore) = if *forced {
                    ("password-reset-forced", None)
                } else {
                    ("password-reset-asked", Some(self.paragraph("password-reset-ignore", &[])))
                };
                let link = self.link("password-reset-action", link);
                let always = [self.paragraph(why, &[]), link, self.until("link-until", *expires_at)];
                always.into_iter().chain(ignore).collect()
            }
            Letter::PasswordChanged { at } => self.notice("password-changed-body", *at),
            Letter::EmailChanged { at } => self.notice("email-changed-body", *at),
            Letter::DomainCode { code, domain, organization, expires_at } => vec![
                self.paragraph("domain-code-body", &[("organization", organization.into()), ("domain", domain.into())]),
                Block::Code(code.clone()),
                self.until("code-until", *expires_at),
                self.paragraph("domain-code-warning", &[("domain", domain.into())]),
            ],
            Letter::SupportRequest { request, person, organization, organization_id, message, .. } => {
                let from = [("name", (&person.name).into()), ("email", (&person.address).into())];
                let whose = [("organization", organization.into()), ("id", organization_id.to_string().into())];
                let lines = [
                    self.say("support-from", &from),
                    self.say("support-organization", &whose),
                    self.say("support-request", &[("id", request.to_string().into())]),
                ];
                vec![Block::Lines(lines.join("\n")), Block::Lines(message.clone())]
            }
        }
    }

    fn notice(self, id: &str, at: Timestamp) -> Vec<Block> {
        vec![self.paragraph(id, &[("at", moment(self.0, at).into())]), self.paragraph("not-you", &[])]
    }
}

impl Letter {
    /// Writes it to `to`, as the mail named `id`.
    pub fn write(&self, to: String, id: Uuid, language: Language) -> Mail {
        let speaker = Speaker(language);
        let (subject, mut blocks) = (speaker.subject(self), speaker.body(self));
        let reply_to = match self {
            Self::SupportRequest { person, .. } => Some(person.clone()),
            _ => None,
        };
        if reply_to.is_none() {
            blocks.push(Block::Closing(speaker.say("sent-by-itself", &[])));
        }
        let (text, html) = (plain(&blocks), html(language, &subject, &blocks));
        Mail { to, reply_to, language, subject, text, html, id }
    }
}

#[cfg(test)]
mod tests;
