//! What a mailed link says before it is used.

use std::sync::Arc;

use domain::{Account, Code};
use identity::{LinkToken, Purpose};
use schema::{AccountId, ChallengeId, Timestamp};

use crate::{Failure, Loaded, Platform};

impl Platform {
    /// The email address of whoever a link to activate or to choose a new password was mailed to; none if it is no longer
    /// good. Spends nothing.
    pub async fn email_of_link(&self, purpose: Purpose, token: &str) -> Result<Option<String>, Failure> {
        match self.prove_link(purpose, token, self.clock.now()).await {
            Ok((_, current, _)) => match current.state.email() {
                Some(email) => self.people.open(email).await,
                None => Ok(None),
            },
            Err(Failure::Rejected(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whose a mailed link is, and its challenge, if it is good at that moment.
    pub(super) async fn prove_link(
        &self,
        purpose: Purpose,
        token: &str,
        at: Timestamp,
    ) -> Result<(AccountId, Arc<Loaded<Account>>, ChallengeId), Failure> {
        let invalid = || Failure::from(Code::LinkInvalid).at("token");
        let token: LinkToken = token.parse().map_err(|_| invalid())?;
        let current = self.load::<Account>(&token.account()).await?;
        let (link, check) = match purpose {
            Purpose::ActivationLink => {
                (current.state.activation_link(), current.state.check_link(token.challenge(), at))
            }
            Purpose::PasswordReset => {
                (current.state.reset_link(), current.state.check_reset_link(token.challenge(), at))
            }
            Purpose::SignupCode | Purpose::DomainCode => return Err(invalid()),
        };
        let (challenge, expires_at) = link.ok_or_else(invalid)?;
        if token.challenge() != challenge || !token.verify(&self.keys, purpose, expires_at) {
            return Err(invalid());
        }
        check?;
        Ok((token.account(), current, challenge))
    }
}
