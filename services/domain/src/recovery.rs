//! Forgotten passwords, by the hash of the address that was given. The same for known and unknown addresses: whether
//! there is an account is found out later, where nobody can watch.

use schema::{
    ChallengeId, EmailKey,
    events::recovery::{RecoveryAnswered, RecoveryEvent, RecoveryRequested},
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

/// What can be wanted of a recovery.
#[derive(Debug, Clone)]
pub enum RecoveryCommand {
    /// Ask for a link.
    Request(RequestRecovery),
    /// Note that none goes out.
    Answer(ChallengeId),
}

/// What was asked for an address. Nothing needs to be known of it: requests are limited before they come here.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    answered: Option<ChallengeId>,
}

impl Aggregate for Recovery {
    type Id = EmailKey;
    type Event = RecoveryEvent;
    type Command = RecoveryCommand;
    const CATEGORY: &'static str = "recovery";

    fn evolve(mut self, event: &RecoveryEvent) -> Self {
        if let RecoveryEvent::Answered(e) = event {
            self.answered = Some(e.challenge);
        }
        self
    }

    fn decide(&self, intent: &Intent<RecoveryCommand>) -> Result<Vec<RecoveryEvent>, Rejection> {
        match intent.command.clone() {
            RecoveryCommand::Request(RequestRecovery { email_key, challenge }) => {
                Ok(vec![RecoveryRequested { email_key, challenge }.into()])
            }
            RecoveryCommand::Answer(challenge) if self.answered == Some(challenge) => Ok(vec![]),
            RecoveryCommand::Answer(challenge) => Ok(vec![RecoveryAnswered { challenge }.into()]),
        }
    }

    fn access(command: &RecoveryCommand) -> Access {
        match command {
            RecoveryCommand::Request(_) => Access::Anyone,
            RecoveryCommand::Answer(_) => Access::System,
        }
    }
}
