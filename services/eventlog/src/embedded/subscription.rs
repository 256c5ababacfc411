//! Following the log, from disk while behind and from memory once caught up.

use std::sync::Arc;

use async_trait::async_trait;
use schema::RecordedEvent;
use tokio::sync::watch;

use super::{
    log::Log,
    recent::{End, Following, Recent},
};
use crate::{ReadError, Subscription};

/// The most events handed over at once.
const PAGE_EVENTS: usize = 512;

/// No more events are handed over at once when their payloads reach this many bytes.
const PAGE_BYTES: usize = 2 << 20;

/// A reader whose only state is the position of the last event it handed over. It costs that much memory however far it
/// is behind.
///
/// Why there is no gap, no duplicate and no reordering, also where reading turns from disk to memory and back:
///
/// 1. Positions are consecutive integers from 1, given by one thread, and both sources hold committed events only: the
///    ring is filled after the commit, and a reading connection of SQLite sees committed rows only.
/// 2. Each source answers "what follows `after`" with the events `after + 1`, `after + 2`, … and nothing else. The ring
///    does so by its invariant; a page from disk is ordered by position and checked for gaps as it is read.
/// 3. `next` hands over such a page and sets `after` to its last position. So by induction what is handed over, taken
///    together, is `start + 1`, `start + 2`, …, whichever source each page came from: there is no hand-over to get wrong.
/// 4. Nothing is missed while waiting: the wait is for the value "the log ends beyond `after`", which stays true once it
///    is, and the ring has the events before the value is announced.
///
/// A commit whose outcome is unknown changes none of this: ring and end start again from what stands on disk, and
/// nothing of it had been handed over.
pub(super) struct LogSubscription {
    log: Arc<Log>,
    after: u64,
    end: watch::Receiver<End>,
}

impl LogSubscription {
    pub(super) fn new(log: Arc<Log>, after: u64) -> Self {
        let end = log.recent.watch();
        Self { log, after, end }
    }
}

#[async_trait]
impl Subscription for LogSubscription {
    async fn next(&mut self) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        loop {
            let page = match self.log.recent.following(self.after, PAGE_EVENTS, PAGE_BYTES) {
                Following::Events(page) => page,
                Following::OnDisk => self.log.read_disk(self.after, PAGE_EVENTS, PAGE_BYTES).await?,
                Following::Nothing => {
                    Recent::wait_beyond(&mut self.end, self.after).await?;
                    continue;
                }
            };
            let Some(last) = page.last() else {
                return Err(ReadError::Damaged(format!("position {} is missing", self.after + 1)));
            };
            self.after = last.position.commit;
            return Ok(page);
        }
    }
}
