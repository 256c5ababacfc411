//! How often units may ask whether they have been connected (RFC 8628 3.5). Counted in this process.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use identity::{DeviceCode, POLL_INTERVAL_SECONDS, POLL_SLOW_DOWN_SECONDS};
use moka::future::Cache;
use schema::Timestamp;

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

/// See the module. Counted by the whole device code: others may know the pairing, but only the unit knows its proof, so
/// nobody else can make it wait.
pub(crate) struct Polls(Cache<String, Arc<Mutex<Option<Waiting>>>>);

impl Polls {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build())
    }

    /// Whether a unit may ask now. If not, it has to wait longer each time from now on.
    pub(crate) async fn admit(&self, code: &DeviceCode, now: Timestamp) -> bool {
        let known = self.0.get_with(code.to_text(), async { Arc::default() }).await;
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
    use identity::ServerKeys;
    use schema::PairingId;
    use uuid::Uuid;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_timestamp_millis(milliseconds).unwrap()
    }

    fn code(pairing: u128, master: u8) -> DeviceCode {
        let keys = ServerKeys::from_master(&[master; 32]);
        DeviceCode::derive(&keys, PairingId(Uuid::from_u128(pairing)), at(600_000))
    }

    #[tokio::test]
    async fn who_asks_too_often_waits_longer() {
        let (polls, unit) = (Polls::new(), code(1, 1));
        assert!(polls.admit(&unit, at(0)).await);
        assert!(polls.admit(&unit, at(4_000)).await, "within the tolerance");
        assert!(!polls.admit(&unit, at(7_000)).await);
        assert!(!polls.admit(&unit, at(12_500)).await, "10 seconds now");
        assert!(!polls.admit(&unit, at(25_000)).await, "15 seconds now");
        assert!(polls.admit(&unit, at(45_000)).await, "20 seconds now");
        assert!(polls.admit(&code(2, 1), at(7_001)).await, "another unit");
    }

    #[tokio::test]
    async fn a_forged_code_of_the_same_pairing_does_not_slow_the_unit_down() {
        let (polls, unit, forged) = (Polls::new(), code(1, 1), code(1, 2));
        assert!(polls.admit(&unit, at(0)).await);
        for second in 1..5 {
            polls.admit(&forged, at(second * 1_000)).await;
        }
        assert!(polls.admit(&unit, at(5_000)).await);
    }
}
