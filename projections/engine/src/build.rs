//! Building a view as of a moment in the past.

use std::{path::Path, sync::Arc};

use eventlog::{EventLog, ReadError, Vault};
use schema::Position;
use tokio::{runtime::Handle, sync::watch};

use crate::{
    Projection, ProjectionError, Reads,
    readers::Readers,
    writer::{Batch, Writer},
};

/// Events that are read and applied at once.
const BATCH: usize = 4_096;

/// Why a view could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// There is a file already.
    #[error("there is a file already")]
    Exists,
    /// An event could not be applied.
    #[error("the event at {position:?} could not be applied: {error}")]
    Failed {
        /// The event; none if something else went wrong.
        position: Option<Position>,
        /// What went wrong.
        error: ProjectionError,
    },
    /// The process is shutting down.
    #[error("the process is shutting down")]
    Stopped,
}

impl<E: Into<ProjectionError>> From<(Option<Position>, E)> for BuildError {
    fn from((position, error): (Option<Position>, E)) -> Self {
        Self::Failed { position, error: error.into() }
    }
}

/// A view that stands still.
#[derive(Debug)]
pub struct Snapshot {
    /// The last event that it contains; none if it contains none.
    pub position: Option<Position>,
    reads: Reads,
}

impl Snapshot {
    /// Answers queries.
    pub fn reads(&self) -> Reads {
        self.reads.clone()
    }
}

/// Builds the view in a new file at `path` with the events up to and including `until`. Personal data that was erased
/// since is erased in it too. The caller removes the file.
pub async fn build_until<P: Projection>(
    log: Arc<dyn EventLog>,
    vault: Arc<dyn Vault>,
    path: &Path,
    until: Position,
) -> Result<Snapshot, BuildError> {
    if path.exists() {
        return Err(BuildError::Exists);
    }
    let (path, runtime) = (path.to_owned(), Handle::current());
    let work = move || build::<P>(&runtime, &*log, &*vault, &path, until);
    tokio::task::spawn_blocking(work).await.map_err(|_| BuildError::Stopped)?
}

fn build<P: Projection>(
    runtime: &Handle,
    log: &dyn EventLog,
    vault: &dyn Vault,
    path: &Path,
    until: Position,
) -> Result<Snapshot, BuildError> {
    let mut writer = Writer::<P>::open(path).map_err(|error| (None, error))?.ok_or(BuildError::Exists)?;
    let mut position = None;
    loop {
        let mut events = runtime.block_on(log.read_all(position, BATCH))?;
        events.retain(|event| event.position <= until);
        let Some(last) = events.last().map(|event| event.position) else { break };
        let batch = Batch::decode::<P>(&events);
        let keys = runtime.block_on(batch.keys(vault)).map_err(|error| (None, error))?;
        writer.apply(batch, &keys, &mut Vec::new()).map_err(|failure| (failure.position, failure.error))?;
        position = Some(last);
    }
    writer.complete().map_err(|error| (None, error))?;
    let readers = Readers::open(path).map_err(|error| (None, error))?;
    // The sender goes: what stands still is never exchanged.
    let (_, serving) = watch::channel(Some(Arc::new(readers)));
    Ok(Snapshot { position, reads: Reads::new(serving) })
}
