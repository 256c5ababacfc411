//! What a group has done, between its members and the thread that writes.

use std::sync::Mutex;

use tokio::sync::Notify;

use super::{
    super::guard,
    state::State,
    store::{Loaded, Progress},
};

/// The state of a group. The members change it; the thread that writes takes all that has changed, in one step with the
/// position up to which the group is then done. So what is on disk was true of the group at one moment, however its
/// members come between one another, and a checkpoint is never there without the changes that let it come so far.
pub(crate) struct Ledger {
    /// Name of the group.
    pub(crate) group: String,
    pub(super) state: Mutex<State>,
    /// The state changed in a way that may give a waiting member something to do.
    pub(super) changed: Notify,
}

impl Ledger {
    pub(super) fn new(group: &str, loaded: Loaded) -> Self {
        Self { group: group.to_owned(), state: Mutex::new(State::new(loaded)), changed: Notify::new() }
    }

    /// What has changed since the last time. None: nothing.
    pub(crate) fn take(&self) -> Option<Progress> {
        let mut state = guard(&self.state);
        let behind = state.is_behind();
        let progress = state.take();
        drop(state);
        if behind {
            self.changed.notify_waiters();
        }
        progress
    }

    /// What was taken could not be written.
    pub(crate) fn give_back(&self, progress: Progress) {
        guard(&self.state).restore(progress);
    }
}
