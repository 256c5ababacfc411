//! A unit that is connected: what its connection, its command stream and the log tell each other.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use commands::processes::pairing::UnitIdentity;
use domain::{Code, device::MOST_WAITING};
use graphql_ws_server::{Close, Connection};
use schema::{AccountId, CommandId, RecordedEvent, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

/// A newer connection of the same unit has taken over.
pub(crate) const REPLACED: Close = Close::new(4410, "replaced by a newer connection of this unit");
/// How long the command stream has to say goodbye to a unit that is revoked.
const GOODBYE: Duration = Duration::from_secs(1);

/// What has become known since the command stream last asked.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The enrollment is over.
    pub(crate) revoked: bool,
    /// The device has changed in the log.
    pub(crate) changed: bool,
    /// Boot id and last stored sequence, as the unit has reported on this connection.
    pub(crate) status: Option<(Uuid, u64)>,
    /// Commands requested while the unit was connected, with the events that say so.
    pub(crate) requested: Vec<(CommandId, Arc<RecordedEvent>)>,
}

#[derive(Debug, Default)]
struct State {
    news: News,
    /// The command stream that is open.
    stream: Option<Uuid>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ConnectedUnit {
    pub(crate) identity: UnitIdentity,
    /// Who set it up.
    pub(crate) owner: AccountId,
    socket: Connection,
    state: Mutex<State>,
    wake: Notify,
    /// Microseconds since 1970.
    seen_at: AtomicI64,
}

impl ConnectedUnit {
    pub(crate) fn new(identity: UnitIdentity, owner: AccountId, socket: Connection, now: Timestamp) -> Self {
        let seen_at = AtomicI64::new(now.timestamp_micros());
        Self { identity, owner, socket, state: Mutex::default(), wake: Notify::new(), seen_at }
    }

    /// When the unit last gave a sign of its own.
    pub(crate) fn seen_at(&self) -> Option<Timestamp> {
        Timestamp::from_timestamp_micros(self.seen_at.load(Ordering::Relaxed))
    }
    pub(crate) fn seen(&self, now: Timestamp) {
        self.seen_at.store(now.timestamp_micros(), Ordering::Relaxed);
    }

    /// The device has changed.
    pub(crate) fn changed(&self) {
        self.tell(|news| news.changed = true);
    }
    /// A command was requested.
    pub(crate) fn requested(&self, command: CommandId, event: Arc<RecordedEvent>) {
        self.tell(|news| {
            news.changed = true;
            if news.requested.len() < MOST_WAITING {
                news.requested.push((command, event));
            }
        });
    }
    /// The unit has reported its status.
    pub(crate) fn reported(&self, boot_id: Uuid, last_sequence: u64) {
        self.tell(|news| news.status = Some((boot_id, last_sequence)));
    }
    /// The enrollment is over: the stream says so, then the connection ends.
    pub(crate) fn revoke(&self) {
        let mut state = self.state();
        state.news.revoked = true;
        if state.stream.is_some() {
            // Ends also if the unit does not read what the stream says.
            self.socket.close_after(GOODBYE, Close::FORBIDDEN);
        } else {
            self.socket.close(Close::FORBIDDEN);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Ends the connection.
    pub(crate) fn close(&self, close: Close) {
        self.socket.close(close);
    }
    /// Lets the connection last until a token ends. A unit that is revoked gets no further time.
    pub(crate) fn lives_until(&self, end: Timestamp, now: Timestamp) -> Result<(), Code> {
        let state = self.state();
        if state.news.revoked {
            return Err(Code::Forbidden);
        }
        self.socket.close_after((end - now).to_std().unwrap_or_default(), Close::UNAUTHORIZED);
        Ok(())
    }

    /// Takes the place of the one command stream that a connection has; false if it is taken.
    pub(crate) fn begin_stream(&self, stream: Uuid) -> bool {
        let mut state = self.state();
        let free = state.stream.is_none();
        if free {
            // The device's changes up to here are in the state that the stream begins with.
            state.news.changed = false;
            state.news.requested = Vec::new();
            state.stream = Some(stream);
        }
        free
    }
    pub(crate) fn end_stream(&self) {
        self.state().stream = None;
    }
    /// Whether this command stream is the one that is open.
    pub(crate) fn is_streaming(&self, stream: Uuid) -> bool {
        self.state().stream == Some(stream)
    }
    /// What has become known since the last time. A revocation stays.
    pub(crate) fn take_news(&self) -> News {
        let mut state = self.state();
        let revoked = state.news.revoked;
        std::mem::replace(&mut state.news, News { revoked, ..News::default() })
    }
    /// Returns when there may be news.
    pub(crate) async fn news(&self) {
        self.wake.notified().await;
    }

    fn tell(&self, note: impl FnOnce(&mut News)) {
        note(&mut self.state().news);
        self.wake.notify_one();
    }

    /// No code that holds the lock can leave the state half written, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
