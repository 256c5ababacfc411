//! One answer of an identity provider: accepted or refused, once.

use schema::{
    OrganizationId, SsoRequestId,
    events::sso_answer::{SsoAnswerAccepted, SsoAnswerEvent, SsoAnswerRefusalsSuppressed, SsoAnswerRefused},
};

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// What came of the answer to one request.
#[derive(Debug, Clone, Default)]
pub struct SsoAnswer {
    outcome: Option<SsoAnswerEvent>,
}

/// What can be noted of an answer.
#[derive(Debug, Clone)]
pub enum SsoAnswerCommand {
    /// It signs a person in. Refused if the request was answered before.
    Accept(SsoAnswerAccepted),
    /// It signs nobody in.
    Refuse(SsoAnswerRefused),
    /// There are so many that sign nobody in that no more are noted for a while.
    Suppress(SsoAnswerRefusalsSuppressed),
}

impl SsoAnswer {
    /// The request was answered.
    pub fn is_spent(&self) -> bool {
        self.outcome.is_some()
    }
}

impl Aggregate for SsoAnswer {
    type Id = SsoRequestId;
    type Event = SsoAnswerEvent;
    type Command = SsoAnswerCommand;
    const CATEGORY: &'static str = "sso_answer";

    fn evolve(mut self, event: &SsoAnswerEvent) -> Self {
        self.outcome.get_or_insert_with(|| event.clone());
        self
    }

    fn decide(&self, intent: &Intent<SsoAnswerCommand>) -> Result<Vec<SsoAnswerEvent>, Rejection> {
        match &intent.command {
            SsoAnswerCommand::Accept(_) if self.is_spent() => Err(Code::AlreadyUsed.into()),
            SsoAnswerCommand::Accept(accepted) => Ok(vec![accepted.clone().into()]),
            SsoAnswerCommand::Refuse(_) | SsoAnswerCommand::Suppress(_) if self.is_spent() => Ok(vec![]),
            SsoAnswerCommand::Refuse(refused) => Ok(vec![refused.clone().into()]),
            SsoAnswerCommand::Suppress(suppressed) => Ok(vec![suppressed.clone().into()]),
        }
    }

    fn access(_: &SsoAnswerCommand) -> Access {
        Access::System
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.outcome.as_ref().map(|outcome| match outcome {
            SsoAnswerEvent::Accepted(e) => e.organization,
            SsoAnswerEvent::Refused(e) => e.organization,
            SsoAnswerEvent::RefusalsSuppressed(e) => e.organization,
        })
    }
}
