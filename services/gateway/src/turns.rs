//! Bounds how much of something goes on at once, and what one organization has of that.

use std::{collections::hash_map::RandomState, hash::BuildHasher, sync::Arc};

use domain::{Code, Rejection};
use schema::OrganizationId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places among which the organizations are spread to count theirs.
const PLACES: usize = 64;

/// A turn. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

/// See the module.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    of_one: [Arc<Semaphore>; PLACES],
    hasher: RandomState,
}

impl Turns {
    pub(crate) fn new(all: usize, of_one: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            of_one: std::array::from_fn(|_| Arc::new(Semaphore::new(of_one))),
            hasher: RandomState::new(),
        }
    }

    /// A turn for somebody of the organization, unless there are too many.
    pub(crate) fn take(&self, organization: OrganizationId) -> Result<Turn, Rejection> {
        let busy = || Rejection::new(Code::Busy, "Too many files are on their way; try again in a moment.");
        let place = usize::try_from(self.hasher.hash_one(organization) % PLACES as u64).unwrap_or_default();
        let own = self.of_one.get(place).and_then(|own| own.clone().try_acquire_owned().ok()).ok_or_else(busy)?;
        let all = self.all.clone().try_acquire_owned().map_err(|_| busy())?;
        Ok(Turn { _all: all, _own: own })
    }
}
