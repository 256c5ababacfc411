//! What a mailed link says before it is used.

use domain::Account;
use identity::{LinkToken, Purpose};

use crate::{Failure, Platform};

impl Platform {
    /// The email address of whoever a link to activate or to choose a new password was mailed to; none if it is no longer
    /// good. Spends nothing.
    pub async fn email_of_link(&self, purpose: Purpose, token: &str) -> Result<Option<String>, Failure> {
        let Ok(token) = token.parse::<LinkToken>() else { return Ok(None) };
        let account = &self.load::<Account>(&token.account()).await?.state;
        let (link, check) = match purpose {
            Purpose::ActivationLink => {
                (account.activation_link(), account.check_link(token.challenge(), self.clock.now()))
            }
            Purpose::PasswordReset => {
                (account.reset_link(), account.check_reset_link(token.challenge(), self.clock.now()))
            }
            Purpose::SignupCode | Purpose::DomainCode => return Ok(None),
        };
        let proven = link.is_some_and(|(_, expires_at)| token.verify(&self.keys, purpose, expires_at));
        match account.email().filter(|_| proven && check.is_ok()) {
            Some(email) => self.people.open(email).await,
            None => Ok(None),
        }
    }
}
