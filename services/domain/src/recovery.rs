//! Forgotten passwords, by the hash of the address that was given. The same for known and unknown addresses: whether
//! there is an account is found out later, where nobody can watch.

use schema::{
    ChallengeId, EmailKey,
    events::recovery::{RecoveryEvent, RecoveryRequested},
};

use crate::{Access, Aggregate, Intent, Rejection};

/// Somebody asks for a link to choose a new password.
#[derive(Debug, Clone)]
pub struct RequestRecovery {
    /// Keyed hash of the address.
    pub email_key: EmailKey,
    /// What the link will be derived from.
    pub challenge: ChallengeId,
}

/// What was asked for an address. Nothing needs to be known of it: requests are limited before they come here.
#[derive(Debug, Clone, Default)]
pub struct Recovery;

impl Aggregate for Recovery {
    type Id = EmailKey;
    type Event = RecoveryEvent;
    type Command = RequestRecovery;
    const CATEGORY: &'static str = "recovery";

    fn evolve(self, _: &RecoveryEvent) -> Self {
        self
    }

    fn decide(&self, intent: &Intent<RequestRecovery>) -> Result<Vec<RecoveryEvent>, Rejection> {
        let RequestRecovery { email_key, challenge } = intent.command.clone();
        Ok(vec![RecoveryRequested { email_key, challenge }.into()])
    }

    fn access(_: &RequestRecovery) -> Access {
        Access::Anyone
    }
}
