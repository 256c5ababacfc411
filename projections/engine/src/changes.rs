//! Telling listeners what changed, without ever waiting for them.

use std::sync::Arc;

use schema::{OrganizationId, Position};
use tokio::sync::broadcast::{self, error::RecvError};

/// Batches of changes that a listener may be behind before it is told to start afresh.
const BATCHES_KEPT: usize = 1_024;
/// A batch with more changes than this is not worth telling one by one: fetching again is cheaper for everybody.
const LARGEST_BATCH: usize = 1_024;

/// Something in a view that is other than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<C> {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The event that changed it.
    pub position: Position,
    /// What changed.
    pub what: C,
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update<C> {
    /// This changed.
    Changed(Change<C>),
    /// More changed than can be told: fetch again what is on display.
    Refetch,
}

#[derive(Debug)]
enum Message<C> {
    Batch(Arc<[Change<C>]>),
    Refetch,
}

impl<C> Clone for Message<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Batch(changes) => Self::Batch(changes.clone()),
            Self::Refetch => Self::Refetch,
        }
    }
}

/// Where a view tells its changes.
#[derive(Debug)]
pub(crate) struct Announcer<C>(broadcast::Sender<Message<C>>);

impl<C: Clone> Announcer<C> {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BATCHES_KEPT))
    }

    /// Tells the changes of one batch.
    pub(crate) fn announce(&self, changes: Vec<Change<C>>) {
        if changes.is_empty() {
            return;
        }
        let message = if changes.len() > LARGEST_BATCH { Message::Refetch } else { Message::Batch(changes.into()) };
        // An error only says that nobody listens.
        self.0.send(message).ok();
    }

    /// The rows were exchanged as a whole.
    pub(crate) fn announce_exchange(&self) {
        self.0.send(Message::Refetch).ok();
    }

    pub(crate) fn listen(&self) -> Changes<C> {
        Changes { messages: self.0.subscribe(), batch: Vec::new().into(), next: 0 }
    }
}

/// Hears the changes of a view from the moment it was made.
#[derive(Debug)]
pub struct Changes<C> {
    messages: broadcast::Receiver<Message<C>>,
    batch: Arc<[Change<C>]>,
    next: usize,
}

impl<C: Clone> Changes<C> {
    /// The next update of one organization; none once the view has stopped. Cancel safe.
    pub async fn next(&mut self, organization: OrganizationId) -> Option<Update<C>> {
        loop {
            while let Some(change) = self.batch.get(self.next) {
                self.next += 1;
                if change.organization == organization {
                    return Some(Update::Changed(change.clone()));
                }
            }
            match self.messages.recv().await {
                Ok(Message::Batch(batch)) => (self.batch, self.next) = (batch, 0),
                Ok(Message::Refetch) | Err(RecvError::Lagged(_)) => return Some(Update::Refetch),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
