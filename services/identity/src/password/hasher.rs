//! Hashing passwords with Argon2id, a few at a time.

use std::{
    fmt,
    num::NonZeroUsize,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{self, SaltString},
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Password;
use crate::{Entropy, EntropyExt};

/// Memory in KiB (OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, 2 passes, 1 lane).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory (same source).
const PASSES: u32 = 2;
/// Lanes (same source).
const LANES: u32 = 1;
/// Length of the hash in bytes (RFC 9106 section 4).
const OUTPUT_BYTES: usize = 32;
/// Length of the salt in bytes (RFC 9106 section 4).
const SALT_BYTES: usize = 16;
/// How many may wait for each that is being hashed. At some 20 ms for one, the last waits less than a second; whoever
/// comes later is told at once to try again.
const WAITING_PER_WORKER: usize = 32;

/// A record that no password fits, with the parameters of today: what is looked at when there is no account.
const ABSENT: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What is kept of a password, for the vault: an Argon2id hash in PHC string format, which names its own parameters.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PasswordRecord(String);

impl PasswordRecord {
    /// Takes what [`PasswordRecord::as_str`] gave. Whether it is well-formed shows when a password is verified.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordRecord(…)")
    }
}

/// Whether a password is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// It is.
    Verified {
        /// The record was made with other parameters than today's: hash the password again and replace it.
        needs_rehash: bool,
    },
    /// It is not.
    Wrong,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting; try again in a second.
    #[error("too many passwords are being checked; try again in a moment")]
    Busy,
    /// The record is not one that we wrote.
    #[error("the kept password record is damaged")]
    Malformed,
    /// Hashing failed, or the process is shutting down.
    #[error("the password could not be hashed")]
    Failed,
}

/// Hashes on threads beside those that serve requests. Clones share the bounds: some run at a time, some more wait, the
/// rest are refused at once, so that a flood of sign-ins leaves the processors and the memory to everybody else.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    admission: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    jobs: mpsc::UnboundedSender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

/// How much the threads that hash stand back for others when the processors are busy (nice(2)): a sign-in takes a little
/// longer then, and everybody else hardly notices.
const STANDS_BACK: i32 = 15;

impl Default for PasswordHasher {
    /// Uses half of the processors.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = NonZeroUsize::new(processors / 2).unwrap_or(NonZeroUsize::MIN);
        Self::new(workers, workers.get().saturating_mul(WAITING_PER_WORKER))
    }
}

impl PasswordHasher {
    /// Hashes at most `workers` passwords at a time, each with 19 MiB of memory, while at most `waiting` more wait.
    pub fn new(workers: NonZeroUsize, waiting: usize) -> Self {
        let admitted = workers.get().saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        let (jobs, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..workers.get() {
            let queue = queue.clone();
            let spawned = thread::Builder::new().name(format!("password-{number}")).spawn(move || work(&queue));
            if let Err(error) = spawned {
                tracing::error!(%error, "a thread that hashes passwords could not be started");
            }
        }
        let workers = Arc::new(Semaphore::new(workers.get()));
        Self { admission: Arc::new(Semaphore::new(admitted)), workers, jobs }
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: &Password, entropy: &dyn Entropy) -> Result<PasswordRecord, PasswordError> {
        let (password, salt) = (Zeroizing::new(password.0.clone()), entropy.bytes::<SALT_BYTES>());
        self.run(move || hash(password.as_bytes(), &salt)).await?.map_err(|_| PasswordError::Failed)
    }

    /// Compares a password with a record.
    pub async fn verify(&self, password: &Password, record: &PasswordRecord) -> Result<Verification, PasswordError> {
        let (password, record) = (Zeroizing::new(password.0.clone()), record.clone());
        self.run(move || verify(password.as_bytes(), &record.0)).await?
    }

    /// Takes as long as [`PasswordHasher::verify`] does and always finds the password wrong. For an email address that has
    /// no password, so that the time of an answer does not tell.
    pub async fn verify_absent(&self, password: &Password) -> Result<Verification, PasswordError> {
        self.verify(password, &PasswordRecord(ABSENT.to_owned())).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.admission).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| PasswordError::Failed)?;
        let (answer, answered) = oneshot::channel();
        let job = move || {
            // Held until the work ends, even if nobody waits for it any more.
            let held = (place, worker);
            let done = work();
            drop(held);
            // An error only says that nobody waits.
            answer.send(done).ok();
        };
        self.jobs.send(Box::new(job)).map_err(|_| PasswordError::Failed)?;
        answered.await.map_err(|_| PasswordError::Failed)
    }
}

/// Does one job after the other, until nobody can send any more.
fn work(queue: &Mutex<mpsc::UnboundedReceiver<Job>>) {
    // On Linux this is about the thread alone; elsewhere it would be about the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(STANDS_BACK) {
        tracing::warn!(%error, "threads that hash passwords compete with all others");
    }
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = next else { return };
        // Whoever waits is told that it failed, as the channel closes.
        if panic::catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("hashing a password broke off");
        }
    }
}

fn hash(password: &[u8], salt: &[u8]) -> password_hash::Result<PasswordRecord> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES))?;
    let salt = SaltString::encode_b64(salt)?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(password, &salt)?;
    Ok(PasswordRecord(hash.to_string()))
}

fn verify(password: &[u8], record: &str) -> Result<Verification, PasswordError> {
    let record = PasswordHash::new(record).ok().filter(|r| r.hash.is_some()).ok_or(PasswordError::Malformed)?;
    // Parameters and algorithm come from the record.
    match Argon2::default().verify_password(password, &record) {
        Ok(()) => Ok(Verification::Verified { needs_rehash: !is_current(&record) }),
        Err(password_hash::Error::Password) => Ok(Verification::Wrong),
        Err(_) => Err(PasswordError::Malformed),
    }
}

fn is_current(record: &PasswordHash<'_>) -> bool {
    let params =
        Params::try_from(record).is_ok_and(|p| (p.m_cost(), p.t_cost(), p.p_cost()) == (MEMORY_KIB, PASSES, LANES));
    params
        && record.algorithm == Algorithm::Argon2id.ident()
        && record.version == Some(Version::V0x13.into())
        && record.hash.is_some_and(|hash| hash.len() == OUTPUT_BYTES)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;

    use super::*;
    use crate::{OsEntropy, SeededEntropy};

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    fn one_worker(waiting: usize) -> PasswordHasher {
        PasswordHasher::new(NonZeroUsize::MIN, waiting)
    }

    #[tokio::test]
    async fn knows_its_own_password_again() {
        let hasher = one_worker(0);
        let record = hasher.hash(&password("noble trout wanders"), &OsEntropy).await.unwrap();
        assert!(record.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!format!("{record:?}").contains("argon2"));
        let kept = PasswordRecord::from_text(record.as_str().to_owned());
        let verify = async |text| hasher.verify(&password(text), &kept).await;
        assert_eq!(verify("noble trout wanders").await, Ok(Verification::Verified { needs_rehash: false }));
        assert_eq!(verify("noble trout wanderS").await, Ok(Verification::Wrong));
        assert_eq!(verify("").await, Ok(Verification::Wrong));
        let again = hasher.hash(&password("noble trout wanders"), &OsEntropy).await.unwrap();
        assert_ne!(again, record, "each has a salt of its own");
    }

    #[tokio::test]
    async fn older_parameters_still_verify_and_ask_for_more() {
        let made_with = |algorithm, version, memory, passes, lanes, output| {
            let params = Params::new(memory, passes, lanes, Some(output)).unwrap();
            let salt = SaltString::encode_b64(&[1; SALT_BYTES]).unwrap();
            let hash = Argon2::new(algorithm, version, params).hash_password(b"noble trout wanders", &salt).unwrap();
            PasswordRecord(hash.to_string())
        };
        let (id, v13) = (Algorithm::Argon2id, Version::V0x13);
        for (record, needs_rehash) in [
            (made_with(id, v13, MEMORY_KIB, PASSES, LANES, OUTPUT_BYTES), false),
            (made_with(id, v13, 1024, PASSES, LANES, OUTPUT_BYTES), true),
            (made_with(id, v13, MEMORY_KIB, 1, LANES, OUTPUT_BYTES), true),
            (made_with(id, v13, MEMORY_KIB, PASSES, 2, OUTPUT_BYTES), true),
            (made_with(id, v13, MEMORY_KIB, PASSES, LANES, 16), true),
            (made_with(id, Version::V0x10, MEMORY_KIB, PASSES, LANES, OUTPUT_BYTES), true),
            (made_with(Algorithm::Argon2i, v13, MEMORY_KIB, PASSES, LANES, OUTPUT_BYTES), true),
        ] {
            let answer = one_worker(0).verify(&password("noble trout wanders"), &record).await;
            assert_eq!(answer, Ok(Verification::Verified { needs_rehash }), "{}", record.0);
        }
    }

    #[tokio::test]
    async fn a_damaged_record_is_not_a_wrong_password() {
        for text in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA", "$scrypt$ln=1$AAAA$AAAA"] {
            let answer = one_worker(0).verify(&password("x"), &PasswordRecord::from_text(text.to_owned())).await;
            assert_eq!(answer, Err(PasswordError::Malformed), "{text}");
        }
    }

    /// The time of Argon2 depends on the parameters alone, and they stand in the record.
    #[tokio::test]
    async fn an_unknown_address_costs_what_a_known_one_does() {
        let record = one_worker(0).hash(&password("right"), &OsEntropy).await.unwrap();
        let (known, unknown) = (PasswordHash::new(record.as_str()).unwrap(), PasswordHash::new(ABSENT).unwrap());
        assert_eq!((known.algorithm, known.version), (unknown.algorithm, unknown.version));
        assert_eq!(known.params, unknown.params);
        let lengths = |hash: &PasswordHash<'_>| (hash.salt.unwrap().len(), hash.hash.unwrap().len());
        assert_eq!(lengths(&known), lengths(&unknown));
        // Not `Malformed`, which would be known without hashing.
        assert_eq!(one_worker(0).verify_absent(&password("wrong")).await, Ok(Verification::Wrong));
    }

    #[tokio::test]
    async fn a_flood_is_refused_at_once() {
        let (hasher, flood, entropy) = (one_worker(2), password("flood"), SeededEntropy::new(1));
        let answers = join_all((0..20).map(|_| hasher.hash(&flood, &entropy))).await;
        let refused = answers.iter().filter(|answer| **answer == Err(PasswordError::Busy)).count();
        assert_eq!(refused, 17, "one runs, two wait");
        assert!(hasher.hash(&flood, &entropy).await.is_ok(), "afterwards there is room again");
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_the_queue_but_not_the_worker() {
        let (hasher, flood, entropy) = (one_worker(1), password("flood"), SeededEntropy::new(1));
        let running = tokio::time::timeout(Duration::from_millis(1), hasher.hash(&flood, &entropy)).await;
        assert!(running.is_err(), "hashing takes longer");
        assert_eq!(hasher.workers.available_permits(), 0, "the work goes on");
        let waiting = tokio::time::timeout(Duration::ZERO, hasher.hash(&flood, &entropy)).await;
        assert!(waiting.is_err());
        assert!(hasher.hash(&flood, &entropy).await.is_ok(), "its place is free");
        assert_eq!((hasher.workers.available_permits(), hasher.admission.available_permits()), (1, 2));
    }
}
