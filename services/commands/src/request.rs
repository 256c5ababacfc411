//! What surrounds a command on its way: who asks, when, and under which ids.

use domain::{Intent, Principal};
use schema::{EventId, Timestamp};
use uuid::Uuid;

/// One request to the platform. Everything that follows from it shares its correlation.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks, as known at this moment.
    pub principal: Principal,
    /// Names the intent; ids of new things are derived from it.
    pub intent: Uuid,
    /// When it was taken up. A request must not go on for long after that: what it leaves unfinished is cleared away by
    /// the [finisher](crate::reactors::finisher), and a job of many parts takes each up anew.
    pub at: Timestamp,
    /// One id for all that follows.
    pub correlation: Uuid,
    /// The event that is reacted to.
    pub cause: Option<EventId>,
}

impl Request {
    /// The same request in the hands of the platform itself, for steps that only it may take.
    #[must_use]
    pub fn as_system(&self, name: &'static str) -> Self {
        Self { principal: Principal::System(name), ..self.clone() }
    }
    /// The same request in the hands of `principal`.
    #[must_use]
    pub fn by(&self, principal: Principal) -> Self {
        Self { principal, ..self.clone() }
    }
    /// An id for a new thing: the same one if the request is repeated.
    pub fn derive(&self, label: &str) -> Uuid {
        Uuid::new_v5(&self.intent, label.as_bytes())
    }
    /// A command as part of the request.
    pub(crate) fn intend<C>(&self, command: C) -> Intent<C> {
        Intent { id: self.intent, actor: self.principal.actor(), at: self.at, command }
    }
    /// A part of the request that makes things of its own, such as one row of many.
    #[must_use]
    pub fn part(&self, label: &str) -> Self {
        Self { intent: self.derive(label), ..self.clone() }
    }
}
