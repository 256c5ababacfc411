//! What a group knows in memory. Pure: no clock, no disk.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use schema::{RecordedEvent, Timestamp};

use super::store::{Change, Loaded, Progress};

/// The most events that may be put off; beyond that a group gets no new ones until some are dealt with.
const MAX_PENDING: usize = 100_000;

/// The most events handed out or settled beyond the first that is not dealt with; beyond that a group gets no new
/// ones until that first one is.
const MAX_AHEAD: usize = 10_000;

/// The most changes that wait to be written; beyond that a group gets no new events until they are.
const MAX_UNWRITTEN: usize = 20_000;

/// Positions that pass by, of other types, before the checkpoint is worth writing down for them alone.
const WORTH_NOTING: u64 = 1_000;

/// The state of one group.
///
/// Every position up to `cursor` is in exactly one of these places: `ready`, `open`, `waiting`, or done with (passed by,
/// acknowledged, parked). A position is *held* while it has not been answered; the checkpoint stays below the first that
/// is held, so after a crash all that are held are read again. What the checkpoint may pass only once it is on disk is
/// in `unwritten` until it is taken, together with the checkpoint, to be written there.
pub(super) struct State {
    cursor: u64,
    ready: VecDeque<Arc<RecordedEvent>>,
    open: BTreeMap<u64, Open>,
    /// By the time at which they are due.
    waiting: BTreeMap<(Timestamp, u64), Open>,
    held: BTreeSet<u64>,
    /// Settled beyond the checkpoint.
    ahead: BTreeSet<u64>,
    /// Settled before the restart and beyond the cursor.
    settled: BTreeSet<u64>,
    /// By position, the last thing that happened to it.
    unwritten: BTreeMap<u64, Change>,
    /// Somebody was asked to write them.
    asked: bool,
    /// The checkpoint when they were last taken.
    noted: u64,
}

/// An event that was delivered at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    attempts: u32,
    /// It may have a row in the table of pending events.
    pending: bool,
}

/// What a member is to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Deliver this new event.
    Deliver(Arc<RecordedEvent>),
    /// Read the event at this position and then [`State::redeliver`] it.
    Redeliver(u64),
    /// Wait: until this time if any, and for new events if `more` are wanted.
    Wait { due: Option<Timestamp>, more: bool },
}

impl State {
    pub(super) fn new(loaded: Loaded) -> Self {
        let waiting = loaded.pending.into_iter().map(|(key, attempts)| (key, Open { attempts, pending: true }));
        Self {
            cursor: loaded.checkpoint,
            ready: VecDeque::new(),
            open: BTreeMap::new(),
            waiting: waiting.collect(),
            held: BTreeSet::new(),
            ahead: BTreeSet::new(),
            settled: loaded.settled,
            unwritten: BTreeMap::new(),
            asked: false,
            noted: loaded.checkpoint,
        }
    }

    /// Up to where everything is answered.
    pub(super) fn checkpoint(&self) -> u64 {
        self.held.first().map_or(self.cursor, |first| first - 1)
    }

    /// Forgets what the checkpoint has passed.
    fn forget_ahead(&mut self) {
        let checkpoint = self.checkpoint();
        while let Some(position) = self.ahead.first().copied().filter(|position| *position <= checkpoint) {
            self.ahead.pop_first();
            if matches!(self.unwritten.get(&position), Some(Change::Acknowledge { pending: false })) {
                self.unwritten.remove(&position);
            }
        }
    }

    /// Whether so much waits to be written that new events have to wait.
    pub(super) fn is_behind(&self) -> bool {
        self.unwritten.len() >= MAX_UNWRITTEN
    }

    /// Whether somebody is to be asked to write what has changed: once until it is taken.
    pub(super) fn ask(&mut self) -> bool {
        !std::mem::replace(&mut self.asked, true)
    }

    /// What has changed since the last time, to be written. None: nothing.
    pub(super) fn take(&mut self) -> Option<Progress> {
        self.asked = false;
        let (changes, checkpoint) = (std::mem::take(&mut self.unwritten), self.checkpoint());
        let changed = !changes.is_empty() || checkpoint != self.noted;
        self.noted = checkpoint;
        changed.then_some(Progress { changes, checkpoint })
    }

    /// What was taken could not be written. What happened since to the same positions stands.
    pub(super) fn restore(&mut self, progress: Progress) {
        for (position, change) in progress.changes {
            self.unwritten.entry(position).or_insert(change);
        }
        // Nor was the checkpoint.
        self.noted = 0;
    }

    /// Whether events are waiting to be handed out.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the next page of the log, of which `wanted` events concern the group. Tells whether so many others passed by
    /// that the checkpoint should be noted.
    pub(super) fn accept(&mut self, page: Vec<Arc<RecordedEvent>>, wanted: impl Fn(&RecordedEvent) -> bool) -> bool {
        for event in page {
            self.cursor = event.position.commit;
            if self.settled.remove(&self.cursor) {
                self.ahead.insert(self.cursor);
            } else if wanted(&event) {
                self.held.insert(self.cursor);
                self.ready.push_back(event);
            }
        }
        self.forget_ahead();
        self.checkpoint() >= self.noted + WORTH_NOTING
    }

    /// What is next at `now`. An event that is due goes before new ones.
    pub(super) fn next(&mut self, now: Timestamp) -> Next {
        let due = self.waiting.first_key_value().map(|((due, position), _)| (*due, *position));
        if let Some((_, position)) = due.filter(|(due, _)| *due <= now) {
            return Next::Redeliver(position);
        }
        let ahead = self.open.len() + self.ahead.len();
        let more = self.waiting.len() < MAX_PENDING && ahead < MAX_AHEAD && !self.is_behind();
        if more && let Some(event) = self.ready.pop_front() {
            self.open.insert(event.position.commit, Open { attempts: 1, pending: false });
            return Next::Deliver(event);
        }
        Next::Wait { due: due.map(|(due, _)| due), more }
    }

    /// Hands out a position that is due at `now`. Tells the number of the delivery; none if another member was faster.
    pub(super) fn redeliver(&mut self, position: u64, now: Timestamp) -> Option<u32> {
        let due = self.waiting.range(..=(now, u64::MAX)).map(|(key, _)| *key).find(|(_, at)| *at == position)?;
        let waited = self.waiting.remove(&due)?;
        let open = Open { attempts: waited.attempts.saturating_add(1), ..waited };
        self.open.insert(position, open);
        Some(open.attempts)
    }

    /// Dealt with. False: it is not handed out.
    pub(super) fn acknowledge(&mut self, position: u64) -> bool {
        let Some(open) = self.answer(position) else { return false };
        self.ahead.insert(position);
        self.unwritten.insert(position, Change::Acknowledge { pending: open.pending });
        self.forget_ahead();
        true
    }

    /// Comes back later. False: it is not handed out.
    pub(super) fn put_off(&mut self, position: u64, due: Timestamp) -> bool {
        let Some(Open { attempts, .. }) = self.answer(position) else { return false };
        self.waiting.insert((due, position), Open { attempts, pending: true });
        self.unwritten.insert(position, Change::PutOff { attempts, due });
        self.forget_ahead();
        true
    }

    /// Given up. False: it is not handed out.
    pub(super) fn park(&mut self, position: u64, reason: &str) -> bool {
        let Some(Open { attempts, .. }) = self.answer(position) else { return false };
        self.unwritten.insert(position, Change::Park { attempts, reason: reason.to_owned() });
        self.forget_ahead();
        true
    }

    fn answer(&mut self, position: u64) -> Option<Open> {
        let open = self.open.remove(&position)?;
        self.held.remove(&position);
        Some(open)
    }

    /// A member went away without a word on this delivery: it is due at once.
    pub(super) fn give_back(&mut self, position: u64, attempts: u32) {
        if self.open.get(&position).is_some_and(|open| open.attempts == attempts)
            && let Some(open) = self.open.remove(&position)
        {
            self.waiting.insert((Timestamp::MIN_UTC, position), open);
        }
    }
}

#[cfg(test)]
mod tests;
