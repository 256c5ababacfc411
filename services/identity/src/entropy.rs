//! Chance as a parameter.

use std::sync::{Mutex, PoisonError};

use rand::{
    RngCore, SeedableRng, TryRngCore,
    rngs::{OsRng, StdRng},
};
use schema::Timestamp;
use uuid::Uuid;

use crate::UserCode;

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// What is drawn from any [`Entropy`].
pub trait EntropyExt: Entropy {
    /// `N` random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random UUID (RFC 9562 5.4): for ids that shall not tell when they were made.
    fn uuid_v4(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A UUID that sorts by the time it was made, in milliseconds (RFC 9562 5.7).
    fn uuid_v7(&self, now: Timestamp) -> Uuid {
        let milliseconds = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.bytes()).into_uuid()
    }

    /// A code for a unit to show, each as likely as any other.
    fn user_code(&self) -> UserCode {
        UserCode::draw(|| {
            let [byte] = self.bytes();
            byte
        })
    }
}

impl<E: Entropy + ?Sized> EntropyExt for E {}

/// The random source of the operating system: the only edge where chance comes in.
///
/// It panics if the system has none, which `getrandom(2)` rules out once the machine has booted; there would be no
/// safe way to go on.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        OsRng.unwrap_err().fill_bytes(bytes);
    }
}

/// For tests: the same seed gives the same bytes again.
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn ids_are_of_their_version_and_differ() {
        let entropy: &dyn Entropy = &OsEntropy;
        let now = Timestamp::from_timestamp_millis(1_767_225_600_123).unwrap();
        assert_eq!(entropy.uuid_v4().get_version_num(), 4);
        assert_ne!(entropy.uuid_v4(), entropy.uuid_v4());
        let (id, later) = (entropy.uuid_v7(now), entropy.uuid_v7(now + chrono::Duration::milliseconds(1)));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_timestamp().unwrap().to_unix(), (1_767_225_600, 123_000_000));
        assert!(id < later);
    }

    #[test]
    fn a_seed_repeats_itself() {
        let draw = |seed| (SeededEntropy::new(seed).bytes::<16>(), SeededEntropy::new(seed).user_code().to_string());
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    /// Each letter is due 4,000 times of 80,000 with a standard deviation of 62; a bias as of `byte % 20` is 5% for some.
    #[test]
    fn no_letter_is_favoured() {
        let entropy = SeededEntropy::new(3);
        let mut seen = BTreeMap::<u8, u32>::new();
        for _ in 0..10_000 {
            entropy.user_code().letters().iter().for_each(|letter| *seen.entry(*letter).or_default() += 1);
        }
        assert_eq!(seen.len(), 20);
        assert!(seen.values().all(|n| n.abs_diff(4_000) < 250), "{seen:?}");
    }
}
