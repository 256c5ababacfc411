//! The sessions of a person at an identity provider, so that its logout ends them.

use schema::{
    FederatedSubjectKey, SessionId, Timestamp,
    events::federation::{FederationEvent, FederationSessionNoted},
};

use crate::{Access, Aggregate, Intent, Rejection};

/// The sessions here that began with one at a provider, for one person.
#[derive(Debug, Clone, Default)]
pub struct Federation {
    sessions: Vec<FederationSessionNoted>,
}

/// A session begins.
#[derive(Debug, Clone)]
pub struct NoteSession(pub FederationSessionNoted);

impl Federation {
    /// The sessions that began with one of these at the provider, or with any if none are named.
    pub fn sessions(&self, indexes: &[FederatedSubjectKey], at: Timestamp) -> impl Iterator<Item = SessionId> {
        // A session whose provider did not name it ends with any: better one too many than one too few.
        let meant = move |noted: &&FederationSessionNoted| {
            indexes.is_empty() || noted.index.as_ref().is_none_or(|index| indexes.contains(index))
        };
        self.sessions.iter().filter(move |noted| at < noted.expires_at).filter(meant).map(|noted| noted.session)
    }
}

impl Aggregate for Federation {
    type Id = FederatedSubjectKey;
    type Event = FederationEvent;
    type Command = NoteSession;
    const CATEGORY: &'static str = "federation";

    fn evolve(mut self, event: &FederationEvent) -> Self {
        let FederationEvent::SessionNoted(noted) = event;
        let began = noted.expires_at - crate::session::SESSION_LIFETIME;
        self.sessions.retain(|earlier| began < earlier.expires_at);
        self.sessions.push(noted.clone());
        self
    }

    fn decide(&self, intent: &Intent<NoteSession>) -> Result<Vec<FederationEvent>, Rejection> {
        let NoteSession(noted) = &intent.command;
        let known = self.sessions.iter().any(|earlier| earlier.session == noted.session);
        Ok(if known { vec![] } else { vec![noted.clone().into()] })
    }

    fn access(_: &NoteSession) -> Access {
        Access::System
    }
}
