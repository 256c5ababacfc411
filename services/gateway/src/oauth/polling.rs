//! How often units may ask whether they have been connected (RFC 8628 3.5). Counted in this process.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use identity::{POLL_INTERVAL_SECONDS, POLL_SLOW_DOWN_SECONDS};
use moka::future::Cache;
use schema::{PairingId, Timestamp};

/// Units that are remembered: ten times those that may begin to wait in the lifetime of a code.
const REMEMBERED: u64 = 50_000;
/// How long: past the lifetime of a code.
const REMEMBERED_FOR: Duration = Duration::from_secs(15 * 60);
/// How much earlier than agreed a request may arrive, in milliseconds: the one before may have been slower on its way.
const TOLERANCE: i64 = 1_000;

#[derive(Debug)]
struct Waiting {
    asked_at: Timestamp,
    interval: chrono::Duration,
}

/// See the module.
pub(crate) struct Polls(Cache<PairingId, Arc<Mutex<Option<Waiting>>>>);

impl Polls {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build())
    }

    /// Whether a unit may ask now. If not, it has to wait longer each time from now on.
    pub(crate) async fn admit(&self, pairing: PairingId, now: Timestamp) -> bool {
        let known = self.0.get_with(pairing, async { Arc::default() }).await;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let interval = chrono::Duration::seconds(POLL_INTERVAL_SECONDS.into());
        let waiting = match known.as_mut() {
            None => {
                *known = Some(Waiting { asked_at: now, interval });
                return true;
            }
            Some(waiting) => waiting,
        };
        let in_time = now - waiting.asked_at + chrono::Duration::milliseconds(TOLERANCE) >= waiting.interval;
        waiting.asked_at = now;
        if !in_time {
            waiting.interval += chrono::Duration::seconds(POLL_SLOW_DOWN_SECONDS.into());
        }
        in_time
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn who_asks_too_often_waits_longer() {
        let polls = Polls::new();
        let pairing = PairingId(Uuid::from_u128(1));
        let at = |milliseconds| Timestamp::from_timestamp_millis(milliseconds).unwrap();
        assert!(polls.admit(pairing, at(0)).await);
        assert!(polls.admit(pairing, at(4_000)).await, "within the tolerance");
        assert!(!polls.admit(pairing, at(7_000)).await);
        assert!(!polls.admit(pairing, at(12_500)).await, "10 seconds now");
        assert!(!polls.admit(pairing, at(25_000)).await, "15 seconds now");
        assert!(polls.admit(pairing, at(45_000)).await, "20 seconds now");
        assert!(polls.admit(PairingId(Uuid::from_u128(2)), at(7_001)).await, "another unit");
    }
}
