//! A signed-in browser or client.

use chrono::Duration;
use schema::{
    AccountId, Actor, OrganizationId, SessionId, Timestamp,
    events::session::{SessionEnded, SessionEvent, SessionStarted},
};

use crate::{Access, Aggregate, Code, Intent, Rejection};

/// When a session ends whatever happens (OWASP Session Management, NIST SP 800-63B AAL1).
pub const SESSION_LIFETIME: Duration = Duration::days(30);
/// When a session ends that nobody used (OWASP Session Management).
pub const SESSION_IDLE_LIFETIME: Duration = Duration::hours(12);

/// What can be wanted of a session.
#[derive(Debug, Clone)]
pub enum SessionCommand {
    /// Begin it: the credentials were right. It ends after [`SESSION_LIFETIME`] at the latest.
    Start(SessionStarted),
    /// Sign out.
    End,
}

/// A session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    started: Option<SessionStarted>,
    ended: bool,
}

impl Session {
    /// How it began, while it is valid.
    pub fn valid(&self, at: Timestamp) -> Option<&SessionStarted> {
        self.started.as_ref().filter(|started| !self.ended && at < started.expires_at)
    }
    /// Who signed in.
    pub fn account(&self) -> Option<AccountId> {
        self.started.as_ref().map(|started| started.account)
    }
}

impl Aggregate for Session {
    type Id = SessionId;
    type Event = SessionEvent;
    type Command = SessionCommand;
    const CATEGORY: &'static str = "session";

    fn evolve(mut self, event: &SessionEvent) -> Self {
        match event {
            SessionEvent::Started(e) => self.started = Some(e.clone()),
            SessionEvent::Ended(_) => self.ended = true,
        }
        self
    }

    fn decide(&self, intent: &Intent<SessionCommand>) -> Result<Vec<SessionEvent>, Rejection> {
        match (&intent.command, &self.started) {
            (SessionCommand::Start(_), Some(_)) => Err(Code::AlreadyUsed.into()),
            (SessionCommand::Start(started), None) => {
                let expires_at = started.expires_at.min(intent.at + SESSION_LIFETIME);
                Ok(vec![SessionStarted { expires_at, ..started.clone() }.into()])
            }
            (SessionCommand::End, None) => Err(Code::NotFound.into()),
            (SessionCommand::End, Some(_)) if self.ended => Ok(vec![]),
            (SessionCommand::End, Some(_)) => Ok(vec![SessionEnded {}.into()]),
        }
    }

    fn access(command: &SessionCommand) -> Access {
        match command {
            // Whoever signs in is nobody before; the command is only built after the credentials were checked.
            SessionCommand::Start(_) => Access::Anyone,
            SessionCommand::End => Access::Owner,
        }
    }

    fn organization(&self) -> Option<OrganizationId> {
        self.started.as_ref().map(|started| started.organization)
    }

    fn owner(&self) -> Option<Actor> {
        self.account().map(Actor::Account)
    }
}
