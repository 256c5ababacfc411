//! Password verifiers in the vault. Each is written under a name of its own; the event that stands names the one that
//! counts.

use domain::{Account, Code, Rejection};
use eventlog::ExpectedVersion;
use identity::{EntropyExt, Password, PasswordRecord, Verification};
use schema::AccountId;
use uuid::Uuid;

use crate::{Failure, Platform, failure::password_problem};

fn vault_key(account: AccountId, credential: Uuid) -> String {
    format!("password/{account}/{}", credential.simple())
}

impl Platform {
    /// Refuses passwords that are too short or easy to guess. `about` is what others know of the person.
    pub(crate) fn check_password(&self, password: &Password, about: &[&str]) -> Result<(), Rejection> {
        self.password_policy.check(password, about).map_err(password_problem)
    }

    /// The same for a password that a person chooses for an account that exists.
    pub(crate) async fn check_password_of(&self, account: &Account, password: &Password) -> Result<(), Failure> {
        let Some(details) = account.details() else { return Err(Code::NotFound.into()) };
        let email = self.people.open(&details.email).await?.ok_or(Code::NotFound)?;
        let profile = self.people.open(&details.profile).await?.ok_or(Code::NotFound)?;
        Ok(self.check_password(password, &[&email, &profile.given_name, &profile.family_name])?)
    }

    /// Hashes and stores a password under a new name.
    pub(crate) async fn store_credential(&self, account: AccountId, password: &Password) -> Result<Uuid, Failure> {
        let credential = self.entropy.uuid_v4();
        let record = self.passwords.hash(password, &*self.entropy).await?;
        self.vault.put(&vault_key(account, credential), record.as_str().as_bytes(), ExpectedVersion::Absent).await?;
        Ok(credential)
    }

    /// Removes a verifier that no event names.
    pub(crate) async fn discard_credential(&self, account: AccountId, credential: Uuid) -> Result<(), Failure> {
        self.vault.delete(&vault_key(account, credential)).await?;
        Ok(())
    }

    /// Removes the verifier that an event has replaced. If that fails the [finisher](crate::reactors::finisher) does it.
    pub(crate) async fn discard_replaced(&self, account: AccountId, replaced: Option<Uuid>) {
        if let Some(credential) = replaced
            && let Err(error) = self.discard_credential(account, credential).await
        {
            tracing::warn!(%account, %error, "a replaced password verifier stays in the vault for now");
        }
    }

    /// Removes the verifier of a command that was refused. If it only failed, its event may stand in the log all the
    /// same, so the verifier stays.
    pub(crate) async fn without_credential(&self, account: AccountId, credential: Uuid, failure: Failure) -> Failure {
        if failure.code().is_some()
            && let Err(error) = self.discard_credential(account, credential).await
        {
            tracing::warn!(%account, %error, "an unused password verifier stays in the vault");
        }
        failure
    }

    /// Whether the password is the one that the verifier was made of. Takes the same steps and as long if there is no such
    /// verifier.
    pub(crate) async fn verify_password(
        &self,
        account: AccountId,
        credential: Uuid,
        password: &Password,
    ) -> Result<bool, Failure> {
        let key = vault_key(account, credential);
        let Some(secret) = self.vault.get(&key).await? else {
            self.passwords.verify_absent(password).await.map(drop)?;
            return Ok(false);
        };
        let record = PasswordRecord::from_text(String::from_utf8_lossy(&secret.value).into_owned());
        let verification = self.passwords.verify(password, &record).await?;
        if verification == (Verification::Verified { needs_rehash: true })
            && let Err(failure) = self.rehash(&key, secret.version, password).await
        {
            tracing::debug!(%account, %failure, "the password record keeps its old parameters for now");
        }
        Ok(verification != Verification::Wrong)
    }

    /// Fails if somebody else has changed the record at the same moment: as good.
    async fn rehash(&self, key: &str, version: u64, password: &Password) -> Result<(), Failure> {
        let record = self.passwords.hash(password, &*self.entropy).await?;
        self.vault.put(key, record.as_str().as_bytes(), ExpectedVersion::Version(version)).await?;
        Ok(())
    }
}
