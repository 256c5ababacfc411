//! The last events in memory, and where the log ends.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use schema::RecordedEvent;
use tokio::sync::watch;

use super::CLOSED;
use crate::ReadError;

/// The most bytes of payload kept.
const MAX_BYTES: usize = 32 << 20;

/// The end of the log as readers see it. Changed by the thread that writes, and only to what has been committed.
pub(super) struct Recent {
    ring: RwLock<Ring>,
    end: watch::Sender<End>,
    most: usize,
}

/// Invariant: the positions of `events` are consecutive and the last is `head`; or there are none.
struct Ring {
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
    head: u64,
}

/// What subscribers wait on.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    head: u64,
    closed: bool,
}

/// What follows a position.
pub(super) enum Following {
    /// These events, at least one, from the very next on.
    Events(Vec<Arc<RecordedEvent>>),
    /// Events that are not in memory any more.
    OnDisk,
    /// Nothing yet.
    Nothing,
}

impl Recent {
    pub(super) fn new(head: u64, most: usize) -> Self {
        let ring = RwLock::new(Ring { events: VecDeque::new(), bytes: 0, head });
        Self { ring, end: watch::Sender::new(End { head, closed: false }), most }
    }

    /// Position of the last event; 0 while the log is empty.
    pub(super) fn head(&self) -> u64 {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).head
    }

    /// What follows `after`: at most `limit` events, and no more once their payloads reach `bytes`.
    pub(super) fn following(&self, after: u64, limit: usize, bytes: usize) -> Following {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        if after >= ring.head {
            return Following::Nothing;
        }
        // The event at position p stands at index p - first; consecutive by the invariant.
        let first = ring.events.front().map_or(u64::MAX, |event| event.position.commit);
        let Some(index) = (after + 1).checked_sub(first).and_then(|index| usize::try_from(index).ok()) else {
            return Following::OnDisk;
        };
        let mut left = bytes;
        let fits = |event: &&Arc<RecordedEvent>| {
            let room = left > 0;
            left = left.saturating_sub(event.payload.len().max(1));
            room
        };
        Following::Events(ring.events.iter().skip(index).take(limit).take_while(fits).cloned().collect())
    }

    /// Adds events that have been committed, in order; the first follows the head.
    pub(super) fn publish(&self, events: Vec<Arc<RecordedEvent>>) {
        let Some(head) = events.last().map(|event| event.position.commit) else { return };
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        ring.bytes += events.iter().map(|event| event.payload.len()).sum::<usize>();
        ring.events.extend(events);
        ring.head = head;
        while ring.events.len() > self.most || ring.bytes > MAX_BYTES {
            let Some(oldest) = ring.events.pop_front() else { break };
            ring.bytes -= oldest.payload.len();
        }
    }

    /// Wakes who waits for what was published.
    pub(super) fn announce(&self) {
        let head = self.head();
        self.end.send_modify(|end| end.head = head);
    }

    /// Starts again from what stands on disk.
    pub(super) fn reset(&self, head: u64) {
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            *ring = Ring { events: VecDeque::new(), bytes: 0, head };
        }
        self.announce();
    }

    /// Ends every wait.
    pub(super) fn close(&self) {
        self.end.send_modify(|end| end.closed = true);
    }

    /// For [`Recent::wait_beyond`].
    pub(super) fn watch(&self) -> watch::Receiver<End> {
        self.end.subscribe()
    }

    /// Waits until the log goes beyond `after`. A value is waited for, not a signal, so none can be missed.
    pub(super) async fn wait_beyond(end: &mut watch::Receiver<End>, after: u64) -> Result<(), ReadError> {
        match end.wait_for(|end| end.closed || end.head > after).await {
            Ok(end) if !end.closed => Ok(()),
            _ => Err(ReadError::Unavailable(CLOSED.into())),
        }
    }
}
