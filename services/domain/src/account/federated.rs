//! Signing in at an identity provider.

use schema::{
    FederatedSubjectKey, SsoProviderId,
    events::account::{AccountActivatedBySso, AccountEvent, AccountSubjectLinked},
};

use super::{Account, AccountStatus, FederatedIdentity};
use crate::{Code, Rejection};

/// How a provider has known a person so far, beside how it does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acquaintance<'a> {
    /// As it does now.
    Same,
    /// Not at all, or only by the address: from now on by this name.
    Better(&'a FederatedSubjectKey),
    /// As somebody else.
    Another,
}

impl Account {
    /// What an identity provider has called the person so far, as the issuer that it is now. One that was configured to
    /// another issuer since calls everybody otherwise.
    pub fn subject(&self, provider: SsoProviderId, issuer: &FederatedSubjectKey) -> Option<&FederatedSubjectKey> {
        let known = self.subjects.get(&provider)?;
        (known.issuer.as_ref() == Some(issuer)).then_some(&known.subject)
    }

    /// Whether the provider can mean this person: it does not know them by another name.
    pub fn may_be(&self, provider: SsoProviderId, identity: &FederatedIdentity) -> bool {
        self.acquaintance(provider, identity) != Acquaintance::Another
    }

    fn acquaintance<'a>(&self, provider: SsoProviderId, identity: &'a FederatedIdentity) -> Acquaintance<'a> {
        match (self.subject(provider, &identity.issuer), &identity.subject) {
            (None, subject) => Acquaintance::Better(subject.as_ref().unwrap_or(&identity.by_address)),
            (Some(_), None) => Acquaintance::Same,
            (Some(known), Some(subject)) if known == subject => Acquaintance::Same,
            (Some(known), Some(subject)) if *known == identity.by_address => Acquaintance::Better(subject),
            (Some(_), Some(_)) => Acquaintance::Another,
        }
    }

    /// The provider vouches for the person.
    pub(super) fn sign_in_at_provider(
        &self,
        provider: SsoProviderId,
        identity: &FederatedIdentity,
        status: AccountStatus,
    ) -> Result<Vec<AccountEvent>, Rejection> {
        let activated = match status {
            AccountStatus::Activated => None,
            AccountStatus::Added => Some(AccountActivatedBySso { provider }.into()),
            AccountStatus::Deactivated => return Err(Code::AccountDeactivated.into()),
            AccountStatus::Absent | AccountStatus::Abandoned => return Err(Code::NotFound.into()),
        };
        let linked = match self.acquaintance(provider, identity) {
            Acquaintance::Same => None,
            Acquaintance::Better(name) => {
                let (subject, issuer) = (name.clone(), Some(identity.issuer.clone()));
                Some(AccountSubjectLinked { provider, subject, issuer }.into())
            }
            Acquaintance::Another => return Err(Code::WrongCredentials.into()),
        };
        Ok(activated.into_iter().chain(linked).collect())
    }
}
