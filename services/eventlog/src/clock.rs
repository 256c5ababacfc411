//! Time as a parameter: the only place that asks the system for it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::SubsecRound;
use schema::Timestamp;
use tokio::sync::watch;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Now, in whole microseconds (what the log keeps).
    fn now(&self) -> Timestamp;
    /// Returns when `now()` has reached `at`.
    async fn sleep_until(&self, at: Timestamp);
}

/// After this long a sleeper looks at the clock again: it may have been set, or the machine may have been suspended,
/// neither of which the timer notices.
const LONGEST_NAP: Duration = Duration::from_secs(10);

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge where time comes in")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now().trunc_subsecs(6)
    }
    async fn sleep_until(&self, at: Timestamp) {
        while let Ok(left) = (at - self.now()).to_std() {
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }
}

/// A clock that tests set by hand.
#[derive(Debug, Clone)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// Starts at `at`.
    pub fn new(at: Timestamp) -> Self {
        Self(watch::Sender::new(at))
    }
    /// Moves on and wakes whoever waits for a time that has come.
    pub fn advance(&self, by: chrono::Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }
    async fn sleep_until(&self, at: Timestamp) {
        // The sender lives as long as `self`, so waiting cannot fail.
        self.0.subscribe().wait_for(|now| *now >= at).await.ok();
    }
}
