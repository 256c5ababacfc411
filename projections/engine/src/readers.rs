//! Answering queries: a few connections, each read on a snapshot of its own.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;
use schema::OrganizationId;
use tokio::sync::{Semaphore, watch};

use crate::{
    file,
    paging::InvalidCursor,
    tenants::{self, Tenant},
};

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The view is being built and has nothing to show yet. Try again later.
    #[error("the view is being built")]
    Building,
    /// The process is shutting down, or the query itself broke off.
    #[error("the view has stopped")]
    Stopped,
    /// The cursor is not one that this list gave out for this sort order.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// Pages have 1 to [`crate::paging::LARGEST_PAGE`] rows.
    #[error("a page has 1 to {} rows", crate::paging::LARGEST_PAGE)]
    PageSize,
    /// The rows could not be read.
    #[error("the rows could not be read: {0}")]
    Rows(#[from] rusqlite::Error),
}

/// Connections to one file.
#[derive(Debug)]
pub(crate) struct Readers {
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
}

impl Readers {
    /// Opens as many connections as the machine can use at once.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let count = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        let idle = (0..count).map(|_| file::open_reader(path)).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self { idle: Mutex::new(idle), free: Arc::new(Semaphore::new(count)) })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use; goes back when dropped, also when the query panics.
struct Borrowed<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.readers.idle().extend(self.connection.take());
    }
}

/// Reads a view. Cheap to clone; follows the view when its file is exchanged.
#[derive(Debug, Clone)]
pub struct Reads(watch::Receiver<Option<Arc<Readers>>>);

impl Reads {
    pub(crate) fn new(serving: watch::Receiver<Option<Arc<Readers>>>) -> Self {
        Self(serving)
    }

    /// Runs `query` on a snapshot of the rows, away from the async threads. At most a few queries run at once; the
    /// others wait for their turn in order.
    pub async fn read<T, F>(&self, query: F) -> Result<T, ViewError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, ViewError> + Send + 'static,
    {
        let readers = self.0.borrow().clone().ok_or(ViewError::Building)?;
        let turn = readers.free.clone().acquire_owned().await.map_err(|_| ViewError::Stopped)?;
        let work = move || {
            // Dropped in reverse order: the connection is back before the next query gets its turn.
            let _turn = turn;
            let borrowed = Borrowed { connection: readers.idle().pop(), readers: &readers };
            let connection = borrowed.connection.as_ref().ok_or(ViewError::Stopped)?;
            // One deferred transaction: all statements of the query see the same rows.
            let snapshot = connection.unchecked_transaction()?;
            query(&snapshot)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| ViewError::Stopped)?
    }

    /// Runs a query about one organization; answers the default (nothing) if the view has never heard of it.
    pub async fn read_of<T, F>(&self, organization: OrganizationId, query: F) -> Result<T, ViewError>
    where
        T: Default + Send + 'static,
        F: FnOnce(&Connection, Tenant) -> Result<T, ViewError> + Send + 'static,
    {
        self.read(move |rows| match tenants::find(rows, organization)? {
            Some(tenant) => query(rows, tenant),
            None => Ok(T::default()),
        })
        .await
    }
}
