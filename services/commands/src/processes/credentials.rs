//! Password verifiers in the vault. Each is written under a name of its own; the event that stands names the one that
//! counts.

use domain::{Aggregate, Intent, Rejection, authorize};
use eventlog::ExpectedVersion;
use identity::{EntropyExt, Password, PasswordRecord, Verification};
use schema::AccountId;
use uuid::Uuid;

use crate::{Failure, Platform, Request, failure::password_problem};

fn vault_key(account: AccountId, credential: Uuid) -> String {
    format!("password/{account}/{}", credential.simple())
}

impl Platform {
    /// Refuses passwords that are too short or easy to guess. `about` is what others know of the person.
    pub(crate) fn check_password(&self, password: &Password, about: &[&str]) -> Result<(), Rejection> {
        self.password_policy.check(password, about).map_err(password_problem)
    }

    /// Hashes and stores a password under a new name.
    pub(crate) async fn store_credential(&self, account: AccountId, password: &Password) -> Result<Uuid, Failure> {
        let credential = self.entropy.uuid_v4();
        let record = self.passwords.hash(password, &*self.entropy).await?;
        self.vault.put(&vault_key(account, credential), record.as_str().as_bytes(), ExpectedVersion::Absent).await?;
        Ok(credential)
    }

    /// Removes a verifier that no event names. A failure leaves an entry that nothing can use.
    pub(crate) async fn discard_credential(&self, account: AccountId, credential: Uuid) {
        if let Err(error) = self.vault.delete(&vault_key(account, credential)).await {
            tracing::warn!(%account, %error, "an unused password verifier stays in the vault");
        }
    }

    /// Whether the password is the one behind `of`. Takes as long without one.
    pub(crate) async fn verify_password(
        &self,
        of: Option<(AccountId, Uuid)>,
        password: &Password,
    ) -> Result<bool, Failure> {
        let secret = match of {
            Some((account, credential)) => self.vault.get(&vault_key(account, credential)).await?,
            None => None,
        };
        let (Some((account, credential)), Some(secret)) = (of, secret) else {
            return Ok(self.passwords.verify_absent(password).await? != Verification::Wrong);
        };
        let record = PasswordRecord::from_text(String::from_utf8_lossy(&secret.value).into_owned());
        let verification = self.passwords.verify(password, &record).await?;
        if verification == (Verification::Verified { needs_rehash: true }) {
            let record = self.passwords.hash(password, &*self.entropy).await?;
            let expected = ExpectedVersion::Version(secret.version);
            // If this conflicts, somebody else has rehashed it at the same moment: as good.
            if let Err(error) =
                self.vault.put(&vault_key(account, credential), record.as_str().as_bytes(), expected).await
            {
                tracing::debug!(%account, %error, "the password record keeps its old parameters for now");
            }
        }
        Ok(verification != Verification::Wrong)
    }

    /// Authorizes and decides without appending: tells early whether a command would be refused.
    pub(crate) async fn rehearse<A: Aggregate>(
        &self,
        request: &Request,
        id: &A::Id,
        command: &A::Command,
    ) -> Result<(), Failure> {
        let state = &self.load::<A>(id).await?.state;
        authorize(&request.principal, A::access(command), state.organization(), state.owner().as_ref())?;
        let actor = request.principal.actor();
        state.decide(&Intent { id: request.intent, actor, at: request.at, command: command.clone() })?;
        Ok(())
    }
}
