//! The bounded queue in front of a thread that works on batches.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::guard;

/// How long an item that nobody waits for may lie before it makes a batch by itself.
const IDLE_WAIT: Duration = Duration::from_millis(50);

/// Nothing more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

/// Takes items from tasks, which wait for room, and gives them to threads in batches, in order.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
    /// Room in units of weight. Given back when the batch is dropped: what is being worked on still counts.
    room: Arc<Semaphore>,
    capacity: u32,
}

struct State<T> {
    /// With the room that each takes.
    items: VecDeque<(T, Option<OwnedSemaphorePermit>)>,
    /// Somebody waits for one of the items.
    urgent: bool,
    /// When the oldest item that nobody waits for arrived.
    idle_since: Option<Instant>,
    closed: bool,
}

/// Items to be worked on together.
pub(super) struct Batch<T> {
    pub(super) items: Vec<T>,
    room: Option<OwnedSemaphorePermit>,
}

impl<T> Queue<T> {
    /// Holds items of a total weight of `capacity`.
    pub(super) fn new(capacity: u32) -> Self {
        let state = State { items: VecDeque::new(), urgent: false, idle_since: None, closed: false };
        let room = Arc::new(Semaphore::new(capacity as usize));
        Self { state: Mutex::new(state), arrived: Condvar::new(), room, capacity }
    }

    /// Waits for room and adds an item that somebody waits for.
    pub(super) async fn push(&self, item: T, weight: u32) -> Result<(), Closed> {
        let room = self.room(weight).await?;
        let mut state = guard(&self.state);
        if state.closed {
            return Err(Closed);
        }
        state.items.push_back((item, Some(room)));
        state.urgent = true;
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Adds an item that nobody waits for: it goes with the next batch, or makes one a little later. It takes no room:
    /// whoever calls this sees to it that there are few such items.
    pub(super) fn push_idle(&self, item: T) -> Result<(), Closed> {
        let mut state = guard(&self.state);
        if state.closed {
            return Err(Closed);
        }
        state.items.push_back((item, None));
        if state.idle_since.is_none() {
            state.idle_since = Some(Instant::now());
            drop(state);
            self.arrived.notify_one();
        }
        Ok(())
    }

    async fn room(&self, weight: u32) -> Result<OwnedSemaphorePermit, Closed> {
        let weight = weight.clamp(1, self.capacity);
        self.room.clone().acquire_many_owned(weight).await.map_err(|_| Closed)
    }

    /// Blocks until there is something to do; at most `most` items of a total weight of at most `weight`, or one that
    /// weighs more. None when the queue is closed and empty.
    pub(super) fn take(&self, most: usize, weight: usize) -> Option<Batch<T>> {
        let mut state = guard(&self.state);
        while !state.urgent && !state.closed {
            state = match state.idle_since {
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(since) => {
                    let left = IDLE_WAIT.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        break;
                    }
                    self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let mut batch = Batch { items: Vec::new(), room: None };
        while batch.items.len() < most
            && state.items.front().is_some_and(|(_, room)| batch.has_room(room.as_ref(), weight))
            && let Some((item, room)) = state.items.pop_front()
        {
            batch.add(item, room);
        }
        // What is left over is taken at once by the next call, whether somebody waits for it or not.
        state.urgent = !state.items.is_empty();
        state.idle_since = None;
        (!batch.items.is_empty()).then_some(batch)
    }

    /// Takes nothing more; what is in the queue can still be taken out.
    pub(super) fn close(&self) {
        guard(&self.state).closed = true;
        self.room.close();
        self.arrived.notify_all();
    }

    /// Closes and throws away what is in the queue: nobody is going to take it out.
    pub(super) fn abandon(&self) {
        self.close();
        let items = std::mem::take(&mut guard(&self.state).items);
        drop(items);
    }
}

impl<T> Batch<T> {
    fn add(&mut self, item: T, room: Option<OwnedSemaphorePermit>) {
        self.items.push(item);
        match (&mut self.room, room) {
            (_, None) => {}
            (Some(all), Some(room)) => all.merge(room),
            (none, room) => *none = room,
        }
    }

    /// Whether one more fits in. The first always does.
    fn has_room(&self, item: Option<&OwnedSemaphorePermit>, weight: usize) -> bool {
        let of = |room: Option<&OwnedSemaphorePermit>| room.map_or(0, OwnedSemaphorePermit::num_permits);
        self.items.is_empty() || of(self.room.as_ref()) + of(item) <= weight
    }
}

/// Abandons the queue when the thread that serves it ends, also by a defect, so that nobody waits for ever.
pub(super) struct AbandonAtEnd<'a, T>(pub(super) &'a Queue<T>);

impl<T> Drop for AbandonAtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
