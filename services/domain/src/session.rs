//! A signed-in browser or client.

use chrono::Duration;
use schema::{
    AccountId, Actor, OrganizationId, Personal, SessionId, SessionOrigin, Timestamp,
    events::session::{SessionEnded, SessionEvent, SessionFederated, SessionOpenedFrom, SessionStarted},
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
    Start {
        /// Who signed in, and how.
        started: SessionStarted,
        /// From where.
        origin: Option<Personal<SessionOrigin>>,
        /// The session at an identity provider that it began with.
        federated: Option<SessionFederated>,
    },
    /// Sign out.
    End,
}

/// A session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    started: Option<SessionStarted>,
    opened: Option<SessionOpenedFrom>,
    federated: Option<SessionFederated>,
    ended: bool,
}

impl Session {
    /// How it began, while it is valid.
    pub fn valid(&self, at: Timestamp) -> Option<&SessionStarted> {
        self.started.as_ref().filter(|started| !self.ended && at < started.expires_at)
    }
    /// From where.
    pub fn origin(&self) -> Option<&Personal<SessionOrigin>> {
        self.opened.as_ref().map(|opened| &opened.origin)
    }
    /// When it began; of old sessions, when it did at the earliest.
    pub fn began_at(&self) -> Option<Timestamp> {
        let earliest = self.started.as_ref().map(|started| started.expires_at - SESSION_LIFETIME);
        self.opened.as_ref().map(|opened| opened.at).or(earliest)
    }
    /// The session at an identity provider that it began with.
    pub fn federated(&self) -> Option<&SessionFederated> {
        self.federated.as_ref()
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
            SessionEvent::OpenedFrom(e) => self.opened = Some(e.clone()),
            SessionEvent::Federated(e) => self.federated = Some(e.clone()),
            SessionEvent::Ended(_) => self.ended = true,
        }
        self
    }

    fn decide(&self, intent: &Intent<SessionCommand>) -> Result<Vec<SessionEvent>, Rejection> {
        match (&intent.command, &self.started) {
            (SessionCommand::Start { .. }, Some(_)) => Err(Code::AlreadyUsed.into()),
            (SessionCommand::Start { started, origin, federated }, None) => {
                let expires_at = started.expires_at.min(intent.at + SESSION_LIFETIME);
                let started = SessionStarted { expires_at, ..started.clone() }.into();
                let origin = origin.clone().map(|origin| SessionOpenedFrom { at: intent.at, origin }.into());
                let federated = federated.clone().map(SessionEvent::from);
                Ok(std::iter::once(started).chain(origin).chain(federated).collect())
            }
            (SessionCommand::End, None) => Err(Code::NotFound.into()),
            (SessionCommand::End, Some(_)) if self.ended => Ok(vec![]),
            (SessionCommand::End, Some(_)) => Ok(vec![SessionEnded {}.into()]),
        }
    }

    fn access(command: &SessionCommand) -> Access {
        match command {
            // Whoever signs in is nobody before; the command is only built after the credentials were checked.
            SessionCommand::Start { .. } => Access::Anyone,
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
