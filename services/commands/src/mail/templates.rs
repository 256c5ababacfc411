//! What the mails say.

use schema::Timestamp;
use uuid::Uuid;

use super::Mail;

/// A mail before it is written out. Without `Debug`: it holds a secret.
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
    },
}

impl Letter {
    /// Writes it to `to`, as the mail named `id`.
    pub fn write(&self, to: String, id: Uuid) -> Mail {
        let time = |at: &Timestamp| at.format("%Y-%m-%d %H:%M UTC").to_string();
        let (subject, paragraphs, link) = match self {
            Self::SignupCode { code, expires_at } => (
                format!("{code} is your activation code"),
                vec![
                    format!("Your activation code for Work Accounts is {code}. It is good until {}.", time(expires_at)),
                    "If you did not ask for it, you can ignore this mail.".to_owned(),
                ],
                None,
            ),
            Self::AlreadyRegistered { sign_in } => (
                "You have a work account already".to_owned(),
                vec![
                    "Somebody, probably you, tried to sign up with this address, which has a work account already."
                        .to_owned(),
                    "Sign in instead:".to_owned(),
                ],
                Some(sign_in),
            ),
            Self::Activation { link, expires_at } => (
                "Activate your work account".to_owned(),
                vec![
                    "Your organization has added a work account for you.".to_owned(),
                    format!("Choose a password to activate it. The link is good until {}:", time(expires_at)),
                ],
                Some(link),
            ),
        };
        let mut text = paragraphs.join("\n\n");
        let mut html: String = paragraphs.iter().map(|p| format!("<p>{}</p>", escape(p))).collect();
        if let Some(link) = link {
            text.push_str(&format!("\n\n{link}"));
            html.push_str(&format!("<p><a href=\"{0}\">{0}</a></p>", escape(link)));
        }
        text.push('\n');
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>{html}</body></html>",
            escape(&subject)
        );
        Mail { to, subject, text, html, id }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
