//! Telling listeners what changed, without ever waiting for them.

use std::{collections::HashSet, sync::Arc};

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
    /// Everything of these organizations may have changed; of all of them, if it does not say.
    Refetch(Option<Arc<HashSet<OrganizationId>>>),
}

impl<C> Clone for Message<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Batch(changes) => Self::Batch(changes.clone()),
            Self::Refetch(whose) => Self::Refetch(whose.clone()),
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
        let message = if changes.len() > LARGEST_BATCH {
            let whose: HashSet<_> = changes.iter().map(|change| change.organization).collect();
            Message::Refetch(Some(Arc::new(whose)))
        } else {
            Message::Batch(changes.into())
        };
        // An error only says that nobody listens.
        self.0.send(message).ok();
    }

    /// The rows were exchanged as a whole.
    pub(crate) fn announce_exchange(&self) {
        self.0.send(Message::Refetch(None)).ok();
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
                Ok(Message::Refetch(Some(whose))) if !whose.contains(&organization) => {}
                Ok(Message::Refetch(_)) | Err(RecvError::Lagged(_)) => return Some(Update::Refetch),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_large_batch_is_told_to_those_whose_it_is() {
        let [busy, quiet] = [1, 2].map(|number| OrganizationId(Uuid::from_u128(number)));
        let change = |organization, commit| Change { organization, position: Position::at(commit), what: () };
        let announcer = Announcer::new();
        let (mut of_busy, mut of_quiet) = (announcer.listen(), announcer.listen());
        announcer.announce((1..=2_000).map(|commit| change(busy, commit)).collect());
        announcer.announce(vec![change(quiet, 2_001)]);
        assert_eq!(of_busy.next(busy).await, Some(Update::Refetch));
        assert_eq!(of_quiet.next(quiet).await, Some(Update::Changed(change(quiet, 2_001))));
        announcer.announce_exchange();
        assert_eq!(of_quiet.next(quiet).await, Some(Update::Refetch));
    }
}
