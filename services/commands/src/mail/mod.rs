//! Mails: what they say and how they leave.

mod layout;
mod letters;
mod links;
mod mailbox;
mod smtp;

use async_trait::async_trait;
use texts::Language;

pub use self::{
    letters::Letter,
    links::Links,
    mailbox::{Mailbox, Received},
    smtp::{InvalidMailUrl, Smtp, is_address},
};

/// A person with an email address. Without `Debug`: personal data.
#[derive(Clone)]
pub struct Person {
    /// How they are called.
    pub name: String,
    /// Email address.
    pub address: String,
}

/// A mail on its way out. Personal data: `Debug` hides it.
#[derive(Clone)]
pub struct Mail {
    /// Address of the receiver.
    pub to: String,
    /// Who gets the answer; none if nobody reads one.
    pub reply_to: Option<Person>,
    /// What it is written in.
    pub language: Language,
    /// Subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Names the mail: a repeated delivery has the same one, so that receivers can drop the second.
    pub id: uuid::Uuid,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail({})", self.id)
    }
}

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The server is away or says to come back: try again.
    #[error("the mail server did not take the mail for now: {0}")]
    Temporary(String),
    /// The server refuses it for good.
    #[error("the mail server refuses the mail: {0}")]
    Permanent(String),
}

/// Where mails leave.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Hands the mail over. Returns when the next server has taken responsibility for it.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
