//! Exponential back-off with full jitter: units that lost the same server at the same moment do not return together.

use std::time::Duration;

/// Counts failures in a row.
#[derive(Debug)]
pub(crate) struct Backoff {
    floor: Duration,
    ceiling: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait is up to `floor`; it doubles up to `ceiling`.
    pub(crate) fn new(floor: Duration, ceiling: Duration) -> Self {
        Self { floor, ceiling, failures: 0 }
    }

    /// How long to wait now; `fraction` is random, 0 to 1.
    pub(crate) fn next(&mut self, fraction: f64) -> Duration {
        let longest = self.floor.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.ceiling);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(fraction)
    }

    /// Starts anew after a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits as if there had been many failures: for a peer that pushes this unit out, time and again.
    pub(crate) fn exhaust(&mut self) {
        self.failures = u32::BITS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_ceiling_and_starts_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        let waits: Vec<u64> = (0..8).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.next(0.5), Duration::from_secs(30), "jitter spreads over the whole wait");
        backoff.reset();
        assert_eq!(backoff.next(1.0), Duration::from_secs(1));
        backoff.exhaust();
        assert_eq!(backoff.next(1.0), Duration::from_secs(60));
    }
}
