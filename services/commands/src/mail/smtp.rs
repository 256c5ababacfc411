//! Mails by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{
        Mailbox as Address, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{PoolConfig, response::Category},
};

use super::{Mail, MailError, Outbox};

/// How long the mail server may take for each answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Connections to the mail server.
const CONNECTIONS: u32 = 8;

/// The address of the mail server or of the sender is not usable.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMailUrl(String);

/// Sends through a mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    domain: String,
}

impl Smtp {
    /// `url` is `smtp://[user:password@]host[:port][?tls=required]` or `smtps://…`; `from` is an address such as
    /// `Work Accounts <no-reply@example.com>`. A password needs encryption, unless the server is on this machine.
    pub fn new(url: &str, from: &str) -> Result<Self, InvalidMailUrl> {
        if exposes_password(url) {
            return Err(InvalidMailUrl(
                "a password would leave unencrypted: use smtps:// or add ?tls=required".to_owned(),
            ));
        }
        // The error of the library may repeat the URL, and with it the password.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
            InvalidMailUrl("the mail server has to be given as smtp://host:port or smtps://host".to_owned())
        })?;
        let transport = builder.timeout(Some(TIMEOUT)).pool_config(PoolConfig::new().max_size(CONNECTIONS)).build();
        let from: Address = from
            .parse()
            .map_err(|_| InvalidMailUrl("the sender has to be given as Name <address@example.com>".to_owned()))?;
        let domain = from.email.domain().to_owned();
        Ok(Self { transport, from, domain })
    }

    fn message(&self, mail: &Mail) -> Result<lettre::Message, MailError> {
        let permanent = |what: &str| MailError::Permanent(what.to_owned());
        let builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(mail.to.parse().map_err(|_| permanent("the address of the receiver cannot be used"))?)
            .subject(one_line(&mail.subject))
            .message_id(Some(format!("<{}@{}>", mail.id, self.domain)))
            .raw_header(header("Content-Language", mail.language.tag()));
        let builder = match &mail.reply_to {
            Some(person) => {
                let unusable = |_| permanent("the address of the sender cannot be used");
                builder.reply_to(Address::new(Some(one_line(&person.name)), person.address.parse().map_err(unusable)?))
            }
            // Keeps notes of absence from being sent back (RFC 3834 5). On a mail that a person caused it would keep
            // ticket systems from taking it.
            None => builder.raw_header(header("Auto-Submitted", "auto-generated")),
        };
        builder
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|_| permanent("the mail cannot be written"))
    }
}

/// What a header can hold: the library panics at a line break in a name.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Whether mails can be sent to it.
pub fn is_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[async_trait]
impl Outbox for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        match self.transport.send(self.message(mail)?).await {
            Ok(_) => Ok(()),
            // The text of the server may name the receiver; the status says enough.
            Err(error) => {
                let status = error.status().map_or_else(|| "no answer".to_owned(), |code| code.to_string());
                // x3x (RFC 4954) is about our own user and password, which the operator mends: no mail is lost for it.
                let ours = error.status().is_some_and(|code| code.category == Category::Unspecified3);
                let permanent = error.is_permanent() && !ours;
                Err(if permanent { MailError::Permanent(status) } else { MailError::Temporary(status) })
            }
        }
    }
}

/// Whether user and password would go to another machine in the clear, which is what happens without TLS and what
/// anybody in between can bring about with opportunistic TLS.
fn exposes_password(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (authority, options) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let Some((_, host)) = authority.rsplit_once('@') else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let encrypted = scheme.eq_ignore_ascii_case("smtps") || options.contains("tls=required");
    !encrypted && !["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

#[cfg(test)]
mod tests;
