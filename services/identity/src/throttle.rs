//! Limits on tries: soft locks and quotas, counted in memory.
//!
//! A limiter belongs to one process and forgets at a restart. What must hold for ever, such as the tries of a challenge,
//! is counted on its stream.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use schema::Timestamp;

const MICROSECONDS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 24 * 60 * 60;
const TEN_MINUTES: u32 = 10 * 60;
const HOUR: u32 = 60 * 60;

/// When the count of a key starts again from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At the end of the day in UTC.
    EndOfDay,
    /// So many seconds after the first try that was counted.
    Seconds(u32),
}

/// How many tries a key has, and how long it waits between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// From so many counted tries on, wait so many seconds after each. Ascending.
    steps: &'static [(u32, u32)],
    /// With so many counted tries, wait until the count starts again.
    most: u32,
    reset: Reset,
}

impl Policy {
    /// At most `most` tries within `seconds` of the first one, however close together.
    pub const fn quota(most: u32, seconds: u32) -> Self {
        Self { steps: &[], most, reset: Reset::Seconds(seconds) }
    }
}

/// Failed sign-ins to one account: a delay that grows, and at most 100 a day. The delays are those of kanidm's soft lock;
/// 100 is the most that NIST SP 800-63B 3.2.2 allows. Call [`Limiter::admit`] before the password is looked at, so that
/// many guesses at once count too, and [`Limiter::succeeded`] when it was right.
pub const SIGN_IN_PER_ACCOUNT: Policy =
    Policy { steps: &[(1, 1), (3, 3), (9, 5), (25, 10)], most: 100, reset: Reset::EndOfDay };
/// Failed sign-ins from one address. Wide, because a whole office shares one; never forgiven by a success, because the
/// attacker may have an account too. Call [`Limiter::check`] before and [`Limiter::failed`] after a wrong password.
pub const SIGN_IN_PER_ADDRESS: Policy = Policy::quota(100, TEN_MINUTES);
/// Wrong codes of units that one account enters: 5 in the 10 minutes that a code lives (RFC 8628 5.1).
pub const USER_CODE_PER_ACCOUNT: Policy = Policy::quota(5, TEN_MINUTES);
/// Wrong codes of units that come from one address.
pub const USER_CODE_PER_ADDRESS: Policy = Policy::quota(50, TEN_MINUTES);
/// Wrong codes of units in all: with 1,000 codes waiting, 1,000 guesses hit one of them with a chance of 1 in 25,000
/// (1,000 × 1,000 ÷ 20^8), RFC 8628 5.1.
pub const USER_CODE_IN_ALL: Policy = Policy::quota(1_000, TEN_MINUTES);
/// Requests of units to be connected from one address (RFC 8628 5.1): a room full of units being unpacked.
pub const DEVICE_AUTHORIZATION_PER_ADDRESS: Policy = Policy::quota(100, TEN_MINUTES);
/// Requests of units to be connected in all; each leaves events in the log.
pub const DEVICE_AUTHORIZATION_IN_ALL: Policy = Policy::quota(5_000, TEN_MINUTES);
/// Sign-ups from one address; each sends a mail and leaves events in the log.
pub const SIGN_UP_PER_ADDRESS: Policy = Policy::quota(20, HOUR);
/// Sign-ups with one email address: nobody's mailbox is flooded through us.
pub const SIGN_UP_PER_EMAIL: Policy = Policy::quota(5, HOUR);
/// Requests for a new password from one address; each leaves an event in the log. Wide, because a whole office shares one.
pub const PASSWORD_RESET_PER_ADDRESS: Policy = Policy::quota(100, HOUR);
/// Requests for a new password of one email address: nobody's mailbox is flooded through us.
pub const PASSWORD_RESET_PER_EMAIL: Policy = Policy::quota(5, HOUR);
/// Requests of one person to the support; each sends a mail to people who have to read it.
pub const SUPPORT_PER_ACCOUNT: Policy = Policy::quota(10, HOUR);
/// Files of people that an organization uploads: each is kept for days.
pub const IMPORTS_PER_ORGANIZATION: Policy = Policy::quota(50, 24 * HOUR);
/// Attempts of an organization to prove domains; each is looked after for days.
pub const DOMAIN_PROOFS_PER_ORGANIZATION: Policy = Policy::quota(200, 24 * HOUR);
/// Looks of an organization at name servers and websites of others: nobody is flooded through us.
pub const DOMAIN_LOOKS_PER_ORGANIZATION: Policy = Policy::quota(60, TEN_MINUTES);
/// Logos of an organization; each is kept.
pub const LOGOS_PER_ORGANIZATION: Policy = Policy::quota(20, 24 * HOUR);
/// Mails that admins have sent to one person: nobody's mailbox is flooded through us.
pub const MAILS_TO_PERSON: Policy = Policy::quota(5, HOUR);
/// Requests to identity providers, and what comes from them, for one address: a whole office signs in at nine.
pub const SSO_PER_ADDRESS: Policy = Policy::quota(1_000, TEN_MINUTES);
/// Answers of one identity provider that sign nobody in and still leave a line in the history.
pub const SSO_REFUSALS_PER_PROVIDER: Policy = Policy::quota(200, HOUR);
/// The same for answers to no request of ours, of which anybody can send any number.
pub const SSO_UNASKED_REFUSALS_PER_PROVIDER: Policy = Policy::quota(50, HOUR);
/// Lines in the history that say that no more are written.
pub const SSO_SUPPRESSIONS_PER_PROVIDER: Policy = Policy::quota(1, HOUR);
/// Uses of one assertion, by device and `jti` (RFC 7523 3, item 7): once while it could still be valid, which is at most
/// its lifetime and twice the clock skew.
pub const ONE_USE_OF_ASSERTION: Policy =
    Policy::quota(1, crate::MAX_ASSERTION_LIFETIME_SECONDS + 2 * crate::CLOCK_SKEW_SECONDS);

/// Too many tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; wait {} s", self.seconds())]
pub struct RetryAfter(pub Duration);

impl RetryAfter {
    /// For a `Retry-After` header: whole seconds, rounded up.
    pub fn seconds(&self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)
    }
}

/// What is known of a key. Times are microseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Count {
    tries: u32,
    open_at: i64,
    reset_at: i64,
}

/// Counts tries by key, in bounded memory.
///
/// When it is full, finished counts go first, then those with the fewest tries: somebody who makes up keys to push a
/// count out has to try each of them more often than the one it is about.
pub struct Limiter<K> {
    policy: Policy,
    capacity: usize,
    counts: Mutex<HashMap<K, Count>>,
}

impl<K: Hash + Eq> Limiter<K> {
    /// How many keys a limiter remembers unless told otherwise: some 10 MB at most.
    pub const DEFAULT_CAPACITY: usize = 1 << 16;

    /// Remembers up to [`Limiter::DEFAULT_CAPACITY`] keys.
    pub fn new(policy: Policy) -> Self {
        Self::with_capacity(policy, Self::DEFAULT_CAPACITY)
    }

    /// Remembers up to `capacity` keys, at least 8.
    pub fn with_capacity(policy: Policy, capacity: usize) -> Self {
        Self { policy, capacity: capacity.max(8), counts: Mutex::default() }
    }

    /// Whether a try is allowed now. Counts nothing.
    pub fn check(&self, key: &K, now: Timestamp) -> Result<(), RetryAfter> {
        self.lock().get(key).map_or(Ok(()), |count| open(count, now.timestamp_micros()))
    }

    /// Counts a try, whether allowed or not.
    pub fn failed(&self, key: K, now: Timestamp) {
        let now = now.timestamp_micros();
        self.count(&mut self.lock(), key, now);
    }

    /// Checks and counts in one step, so that of many tries at once none slips through. A try that is refused is not
    /// counted.
    pub fn admit(&self, key: K, now: Timestamp) -> Result<(), RetryAfter> {
        let now = now.timestamp_micros();
        let mut counts = self.lock();
        counts.get(&key).map_or(Ok(()), |count| open(count, now))?;
        self.count(&mut counts, key, now);
        Ok(())
    }

    /// Forgets the tries of a key.
    pub fn succeeded(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Takes one counted try back: nothing came of it.
    pub fn take_back(&self, key: &K) {
        if let Some(count) = self.lock().get_mut(key) {
            count.tries = count.tries.saturating_sub(1);
            // Who still has to wait for other tries, does.
            if !self.policy.steps.iter().any(|(tries, _)| count.tries >= *tries) && count.tries < self.policy.most {
                count.open_at = i64::MIN;
            }
        }
    }

    fn count(&self, counts: &mut HashMap<K, Count>, key: K, now: i64) {
        if counts.len() >= self.capacity && !counts.contains_key(&key) {
            make_room(counts, self.capacity - self.capacity / 8, now);
        }
        let fresh = Count { tries: 0, open_at: now, reset_at: self.reset_at(now) };
        let count = match counts.entry(key) {
            Entry::Occupied(mut known) => {
                if known.get().reset_at <= now {
                    known.insert(fresh);
                }
                known.into_mut()
            }
            Entry::Vacant(unknown) => unknown.insert(fresh),
        };
        count.tries = count.tries.saturating_add(1);
        count.open_at = if count.tries >= self.policy.most {
            count.reset_at
        } else {
            let step = self.policy.steps.iter().rev().find(|(tries, _)| count.tries >= *tries);
            step.map_or(now, |(_, seconds)| now.saturating_add(i64::from(*seconds) * MICROSECONDS))
        };
    }

    fn reset_at(&self, now: i64) -> i64 {
        let day = DAY_SECONDS * MICROSECONDS;
        match self.policy.reset {
            Reset::EndOfDay => now.saturating_add(day - now.rem_euclid(day)),
            Reset::Seconds(seconds) => now.saturating_add(i64::from(seconds) * MICROSECONDS),
        }
    }

    /// No code that holds the lock can leave a count half written, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(count: &Count, now: i64) -> Result<(), RetryAfter> {
    let until = count.open_at.min(count.reset_at);
    match u64::try_from(until.saturating_sub(now)) {
        Ok(left) if left > 0 => Err(RetryAfter(Duration::from_micros(left))),
        _ => Ok(()),
    }
}

/// Leaves at most `keep` counts. Called once per `capacity - keep` new keys, so it costs little per key.
fn make_room<K: Hash + Eq>(counts: &mut HashMap<K, Count>, keep: usize, now: i64) {
    counts.retain(|_, count| now < count.reset_at);
    let Some(mut surplus) = counts.len().checked_sub(keep).filter(|surplus| *surplus > 0) else { return };
    let rank = |count: &Count| (count.tries, count.reset_at);
    let mut ranks: Vec<_> = counts.values().map(rank).collect();
    let (_, last_to_go, _) = ranks.select_nth_unstable(surplus - 1);
    let last_to_go = *last_to_go;
    counts.retain(|_, count| {
        let goes = surplus > 0 && rank(count) <= last_to_go;
        surplus -= usize::from(goes);
        !goes
    });
}

/// What to count an address as: an IPv4 address by itself, an IPv6 address as its /64, which is what one subscriber gets
/// (RFC 6177) and can change within at will.
pub fn throttled_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
