//! What tasks share of the open log.

use std::{path::Path, sync::Arc};

use schema::{Position, RecordedEvent, StreamId};
use tokio::sync::oneshot;

use super::{
    CLOSED, OpenError, Threads,
    appending::Bulk,
    checkpointer::Checkpoints,
    consumer::{self, Ledger},
    database::{self, Layout},
    heads::Heads,
    queue::{Closed, Queue},
    reader::{LogReader, log_head},
    readers::Readers,
    recent::{Following, Recent},
    row, spawn,
    stats::Stats,
    streams,
    writer::{Job, Writer},
};
use crate::ReadError;

/// The most that waits to be written, in KiB: the unit in which jobs are weighed.
const MAX_QUEUED: u32 = 64 << 10;

/// How `log.db` is set up. The cache is in KiB: what an append touches of the indexes is all over the file.
pub(super) const LAYOUT: Layout = Layout {
    format: 2,
    page_size: 4096,
    tables: &[row::TABLE, streams::TABLES, consumer::TABLES],
    settings: "PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864;",
};

/// The open log.
pub(super) struct Log {
    pub(super) queue: Queue<Job>,
    pub(super) bulk: Bulk,
    pub(super) readers: Readers<LogReader>,
    pub(super) recent: Recent,
    pub(super) heads: Arc<Heads>,
    pub(super) stats: Stats,
}

impl Log {
    /// Opens the file and starts its threads.
    pub(super) fn open(
        file: &Path,
        readers: usize,
        recent_events: usize,
        threads: &mut Threads,
    ) -> Result<Arc<Self>, OpenError> {
        let mut connection = database::open_to_write(file, &LAYOUT)?;
        let failed = |source| OpenError::Database { file: file.to_owned(), source };
        streams::file_all(&mut connection).map_err(failed)?;
        let head = log_head(&connection).map_err(failed)?;
        let connections = (0..readers).map(|_| LogReader::open(file)).collect::<Result<_, _>>()?;
        let log = Arc::new(Self {
            queue: Queue::new(MAX_QUEUED),
            bulk: Bulk::default(),
            readers: Readers::start("log-reader", connections, &mut threads.readers)?,
            recent: Recent::new(head, recent_events),
            heads: Arc::default(),
            stats: Stats::default(),
        });
        let checkpoints = Checkpoints::start(file, threads)?;
        checkpoints.watch(&mut connection).map_err(failed)?;
        let writer = Writer::new(log.clone(), file.to_owned(), connection, checkpoints);
        threads.writers.push(spawn("log-writer", move || writer.run())?);
        Ok(log)
    }

    /// Takes nothing more; what is queued is still done.
    pub(super) fn close(&self) {
        self.queue.close();
        self.readers.close();
    }

    pub(super) async fn read_stream(
        &self,
        stream: &StreamId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        // The ends are noted before appends are answered, so an acknowledged event lies at or before the noted end.
        let head = self.heads.get(stream);
        if head.is_some_and(|head| from > head.revision) {
            return Ok(Vec::new());
        }
        let (stream, start) = (stream.clone(), head.map(|head| head.start));
        self.query(move |reader| reader.stream(&stream, start, from, limit)).await
    }

    pub(super) async fn revisions(&self, streams: Vec<StreamId>) -> Result<Vec<Option<u64>>, ReadError> {
        let heads = self.heads.clone();
        self.query(move |reader| {
            let remembered = heads.get_many(&streams);
            reader.revisions(&streams, remembered)
        })
        .await
    }

    pub(super) async fn events_at(
        &self,
        positions: Vec<Position>,
    ) -> Result<Vec<Option<Arc<RecordedEvent>>>, ReadError> {
        self.query(move |reader| reader.at(&positions)).await
    }

    pub(super) async fn read_all(&self, after: u64, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        match self.recent.following(after, limit, usize::MAX) {
            Following::Events(events) => Ok(events),
            Following::Nothing => Ok(Vec::new()),
            Following::OnDisk => self.read_disk(after, limit, usize::MAX).await,
        }
    }

    /// Events after `after` from the file, whether they are in memory or not.
    pub(super) async fn read_disk(
        &self,
        after: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        self.query(move |reader| reader.after(after, limit, bytes)).await
    }

    /// Runs a query on a reading thread.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut LogReader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.readers.run(query).await.unwrap_or_else(|Closed| Err(closed()))
    }

    /// Notes durably what a group has done.
    pub(super) async fn note(&self, ledger: Arc<Ledger>) -> Result<(), ReadError> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job::Progress { ledger, answer: Some(answer) }, 1).await.map_err(|Closed| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Notes what a group has done with the next commit, or a little later.
    pub(super) fn note_idly(&self, ledger: Arc<Ledger>) -> Result<(), ReadError> {
        self.queue.push_idle(Job::Progress { ledger, answer: None }).map_err(|Closed| closed())
    }
}

fn closed() -> ReadError {
    ReadError::Unavailable(CLOSED.into())
}
