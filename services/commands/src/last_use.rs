//! When sessions were last used, as this process knows it. Nothing of it is written down: a request costs no append, and
//! after a restart the time counts from the restart.

use domain::session::SESSION_LIFETIME;
use moka::{future::Cache, policy::EvictionPolicy};
use schema::{SessionId, Timestamp, events::session::SessionStarted};

/// Sessions that are remembered, at some 200 bytes each. If more are in use, those used longest ago are forgotten and
/// end early: whoever it hits signs in again.
const REMEMBERED: u64 = 100_000;

/// See the module.
pub(crate) struct LastUse {
    since: Timestamp,
    sessions: Cache<SessionId, Timestamp>,
}

impl LastUse {
    /// Nothing is known of what was before `since`.
    pub(crate) fn new(since: Timestamp) -> Self {
        let sessions = Cache::builder().max_capacity(REMEMBERED).eviction_policy(EvictionPolicy::lru()).build();
        Self { since, sessions }
    }

    /// The session is used. Only for sessions that were found valid, so nobody can fill the memory with made-up ones.
    pub(crate) async fn note(&self, session: SessionId, at: Timestamp) {
        self.sessions.insert(session, at).await;
    }

    /// The latest time at which the session may have been used.
    pub(crate) async fn of(&self, started: &SessionStarted) -> Timestamp {
        match self.sessions.get(&started.session).await {
            Some(at) => at,
            None => self.since.max(started.expires_at - SESSION_LIFETIME),
        }
    }
}
