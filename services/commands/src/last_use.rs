//! When sessions were last used, as this process knows it. Nothing of it is written down: a request costs no append, and
//! after a restart the time counts from the restart.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use moka::{future::Cache, notification::RemovalCause, policy::EvictionPolicy};
use schema::{SessionId, Timestamp};

/// Sessions that are remembered, at some 200 bytes each. Of more, those used longest ago are forgotten, and count as used
/// when the last of the forgotten was: whoever fills the memory keeps others signed in for longer, and ends nothing.
const REMEMBERED: u64 = 100_000;

/// How exactly the last use is known: much finer than sessions end that nobody used.
const NOTED_EVERY: chrono::Duration = chrono::Duration::seconds(30);

/// See the module.
pub(crate) struct LastUse {
    /// Nothing is known of what was before, in microseconds of the Unix epoch.
    since: Arc<AtomicI64>,
    sessions: Cache<SessionId, Timestamp>,
}

impl LastUse {
    /// Nothing is known of what was before `since`.
    pub(crate) fn new(since: Timestamp) -> Self {
        Self::remembering(REMEMBERED, since)
    }

    fn remembering(sessions: u64, since: Timestamp) -> Self {
        let since = Arc::new(AtomicI64::new(since.timestamp_micros()));
        let known = since.clone();
        let forget = move |_: Arc<SessionId>, at: Timestamp, cause| {
            if cause == RemovalCause::Size {
                known.fetch_max(at.timestamp_micros(), Ordering::Relaxed);
            }
        };
        let sessions = Cache::builder().max_capacity(sessions).eviction_policy(EvictionPolicy::lru());
        Self { since, sessions: sessions.eviction_listener(forget).build() }
    }

    /// The session is used; noted once in a while, as every request comes by here. Only for sessions that were found valid, so nobody can fill the memory with made-up ones.
    pub(crate) async fn note(&self, session: SessionId, at: Timestamp) {
        if self.sessions.get(&session).await.is_none_or(|noted| at >= noted + NOTED_EVERY) {
            self.sessions.insert(session, at).await;
        }
    }

    /// The latest time at which a session may have been used.
    pub(crate) async fn of(&self, session: SessionId, began: Timestamp) -> Timestamp {
        match self.sessions.get(&session).await {
            Some(at) => at,
            None => {
                let since = Timestamp::from_timestamp_micros(self.since.load(Ordering::Relaxed));
                since.unwrap_or(began).max(began)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn what_is_forgotten_counts_as_used_when_it_was_forgotten() {
        let start = Timestamp::from_timestamp(1_767_225_600, 0).unwrap();
        let session = |number: u128| SessionId(Uuid::from_u128(number));
        let last_use = LastUse::remembering(3, start);
        let used = start + Duration::hours(13);
        last_use.note(session(0), used).await;
        assert_eq!(last_use.of(session(0), start).await, used);
        for number in 1..20 {
            last_use.note(session(number), used + Duration::minutes(1)).await;
            last_use.sessions.run_pending_tasks().await;
        }
        assert_eq!(last_use.sessions.get(&session(0)).await, None);
        assert!(last_use.of(session(0), start).await >= used);
    }
}
