//! What every aggregate is.

use std::fmt::{Debug, Display};

use schema::{Actor, OrganizationId, Timestamp, events::EventFamily};
use uuid::Uuid;

use crate::{Access, Rejection};

/// A command with all that surrounds it: who wants it, when, and under which id.
#[derive(Debug, Clone)]
pub struct Intent<C> {
    /// Names the intent: repeated with the same id it happens once.
    pub id: Uuid,
    /// Who wants it.
    pub actor: Actor,
    /// When it was taken up.
    pub at: Timestamp,
    /// What is wanted, with everything random in it.
    pub command: C,
}

/// State that is folded from the events of one stream and decides on commands.
pub trait Aggregate: Debug + Clone + Default + Send + Sync + 'static {
    /// What names one of them; the stream is `<CATEGORY>-<id>`.
    type Id: Display + Clone + Send + Sync;
    /// What happens to it.
    type Event: EventFamily;
    /// What can be wanted of it.
    type Command: Debug + Clone + Send + Sync;
    /// First part of the stream's name. Frozen; without a hyphen.
    const CATEGORY: &'static str;

    /// The state after `event`. Total: whatever stands in the log is taken as it is.
    fn evolve(self, event: &Self::Event) -> Self;
    /// The events that the command leads to (none if what it wants is so already), or why it is refused.
    fn decide(&self, intent: &Intent<Self::Command>) -> Result<Vec<Self::Event>, Rejection>;
    /// Who may give the command.
    fn access(command: &Self::Command) -> Access;
    /// The organization that a command brings something into being for: asked while there is no state to ask.
    fn target(_command: &Self::Command) -> Option<OrganizationId> {
        None
    }
    /// Whose it is; none before it exists or if it belongs to no organization.
    fn organization(&self) -> Option<OrganizationId> {
        None
    }
    /// The person or unit that [`Access::Owner`] means.
    fn owner(&self) -> Option<Actor> {
        None
    }
}

/// Folds events into the state.
pub fn fold<'a, A: Aggregate>(state: A, events: impl IntoIterator<Item = &'a A::Event>) -> A {
    events.into_iter().fold(state, |state, event| state.evolve(event))
}
