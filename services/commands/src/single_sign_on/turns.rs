//! Turns at what is there for everybody: few at once, and fewer for one owner, so that nobody has them all.

use std::{hash::Hash, sync::Arc};

use moka::sync::Cache;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How many owners are remembered. One who is forgotten while waiting keeps the place.
const OWNERS: u64 = 10_000;

/// See the module.
pub(super) struct Turns<K> {
    all: Arc<Semaphore>,
    own: Cache<K, Arc<Semaphore>>,
    each: usize,
}

/// To be kept while it lasts.
pub(super) struct Turn(#[expect(dead_code, reason = "given back when dropped")] [OwnedSemaphorePermit; 2]);

impl<K: Hash + Eq + Send + Sync + 'static> Turns<K> {
    /// So many turns at once, and so many for each owner.
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), own: Cache::new(OWNERS), each }
    }

    /// Waits for a turn: first among those of the owner.
    pub(super) async fn of(&self, owner: K) -> Result<Turn, AcquireError> {
        let own = self.own.get_with(owner, || Arc::new(Semaphore::new(self.each))).acquire_owned().await?;
        Ok(Turn([own, self.all.clone().acquire_owned().await?]))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn nobody_has_all_turns() {
        let turns = Turns::new(2, 1);
        let first = turns.of(1).await.unwrap();
        assert!(turns.of(1).now_or_never().is_none(), "a second turn of one owner");
        let second = turns.of(2).await.unwrap();
        assert!(turns.of(3).now_or_never().is_none(), "a third turn in all");
        drop(first);
        let _third = turns.of(3).await.unwrap();
        drop(second);
        assert!(turns.of(1).now_or_never().is_some());
    }
}
