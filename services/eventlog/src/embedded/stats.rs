//! What the log counts about itself, for others to export.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the log was opened.
#[derive(Debug, Default)]
pub struct Stats {
    /// Appends that were acknowledged, among them repeated ones that wrote nothing.
    pub appends: Counter,
    /// Events that were written.
    pub events: Counter,
    /// Appends that were refused because the stream was at another revision.
    pub conflicts: Counter,
    /// Transactions that failed, so that nothing of them is known to be written.
    pub failed_commits: Counter,
    /// Events per transaction that wrote any.
    pub batch_events: Histogram,
    /// Microseconds that the disk took per transaction, from `COMMIT` to its answer.
    pub commit_micros: Histogram,
    /// Microseconds per acknowledged append, from the call to the moment it was durable.
    pub append_micros: Histogram,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// What was counted.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

/// How many buckets a [`Histogram`] has: the last bounded one ends at 2^24, which is 17 s in microseconds.
const BUCKETS: usize = 25;

/// Counts values in buckets whose bounds are powers of two.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl Histogram {
    /// Bounds and counts: how many values were at most `bound` and above the bound before. Those above the last bound
    /// come last, with `u64::MAX`.
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        let counts = self.buckets.iter().map(|count| count.load(Ordering::Relaxed));
        let mut buckets: Vec<_> = counts.enumerate().map(|(exponent, count)| (1 << exponent, count)).collect();
        buckets.push((u64::MAX, self.beyond.load(Ordering::Relaxed)));
        buckets
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.buckets().into_iter().map(|(_, count)| count).sum()
    }

    /// Counts `value` so many times.
    pub(super) fn record(&self, value: u64, times: u64) {
        let exponent = value.saturating_sub(1).checked_ilog2().map_or(0, |log| log as usize + 1);
        self.buckets.get(exponent).unwrap_or(&self.beyond).fetch_add(times, Ordering::Relaxed);
        self.sum.fetch_add(value.saturating_mul(times), Ordering::Relaxed);
    }
}
