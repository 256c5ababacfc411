//! Choosing another password: by a mailed link, or knowing the one before.

use domain::{
    Account, AccountCommand, Code, Principal, Recovery, RecoveryCommand, RequestRecovery, text::EmailAddress,
};
use identity::{EntropyExt, Password, Purpose};
use schema::{AccountId, ChallengeId, Position, events::AccountEvent};
use uuid::Uuid;

use super::sign_in::Proven;
use crate::{Done, Failure, Platform, Request};

impl Platform {
    /// Asks for a link to choose a new password. The same steps for every address, whether or not there is an account:
    /// what follows is decided [later](crate::reactors::recovery).
    pub async fn request_password_reset(&self, request: &Request, email: &str) -> Result<Option<Position>, Failure> {
        let email = EmailAddress::parse(email).map_err(|e| e.at("email"))?;
        let email_key = self.keys.email_key(email.as_str());
        let challenge = ChallengeId(self.entropy.uuid_v4());
        let command = RecoveryCommand::Request(RequestRecovery { email_key: email_key.clone(), challenge });
        Ok(self.execute::<Recovery>(request, &email_key, command).await?.position)
    }

    /// Gives an account another password, with the link that was mailed. All sessions end.
    pub async fn reset_password(
        &self,
        request: &Request,
        token: &str,
        password: Password,
    ) -> Result<(Proven, Option<Position>), Failure> {
        let (account, current, challenge) = self.prove_link(Purpose::PasswordReset, token, request.at).await?;
        self.check_password_allowed(account).await?;
        self.check_password_of(&current.state, &password).await?;
        let credential = self.store_credential(account, &password).await?;
        self.replace_password(request, account, AccountCommand::ResetPassword { challenge, credential }, credential)
            .await
    }

    /// Gives the account of whoever asks another password, if the current one is right. All sessions end, the one that
    /// the request came with too.
    pub async fn change_password(
        &self,
        request: &Request,
        current: Password,
        new: Password,
    ) -> Result<(Proven, Option<Position>), Failure> {
        let Principal::Person { account, .. } = request.principal else {
            return Err(Code::NotSignedIn.into());
        };
        let state = &self.load::<Account>(&account).await?.state;
        let checked = state.credential().unwrap_or(Uuid::nil());
        self.check_password_allowed(account).await?;
        // Would it be refused, the costly hashes are spared.
        let command = |credential| AccountCommand::ChangePassword { checked, credential };
        self.rehearse::<Account>(request, &account, command(Uuid::nil())).await?;
        if !self.verify_password(account, checked, &current).await? {
            return Err(wrong_current());
        }
        self.check_password_of(state, &new).await.map_err(|failure| failure.at("newPassword"))?;
        let credential = self.store_credential(account, &new).await?;
        self.replace_password(request, account, command(credential), credential).await
    }

    /// Appends the new password and deletes the verifier of the one before.
    async fn replace_password(
        &self,
        request: &Request,
        account: AccountId,
        command: AccountCommand,
        credential: Uuid,
    ) -> Result<(Proven, Option<Position>), Failure> {
        let done: Done<Account> = match self.execute(request, &account, command).await {
            Ok(done) => done,
            Err(failure) => return Err(self.without_credential(account, credential, failure).await),
        };
        for event in &done.events {
            if let AccountEvent::PasswordChanged(event) = event {
                self.discard_replaced(account, event.replaced).await;
            }
        }
        Ok((Proven { account, epoch: done.after.state.session_epoch() }, done.position))
    }
}

fn wrong_current() -> Failure {
    domain::Rejection::new(Code::WrongCredentials, "The current password is wrong.").at("currentPassword").into()
}
