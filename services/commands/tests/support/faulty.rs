//! A log that fails where a test wants it to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use eventlog::{
    AppendError, Appended, Consumer, EventLog, Expected, ReadError, StreamAppend, Subscription, embedded::Embedded,
};
use schema::{NewEvent, Position, RecordedEvent, StreamId};

/// In front of a log that works.
pub struct Faulty {
    log: Arc<Embedded>,
    /// After so many appends it takes no more, as if the process had died.
    pub left: AtomicI64,
    /// Appends that begin with this event are written, but whoever asked never hears of it.
    pub unanswered: Mutex<&'static str>,
}

impl Faulty {
    pub fn new(log: Arc<Embedded>) -> Arc<Self> {
        Arc::new(Self { log, left: AtomicI64::new(i64::MAX), unanswered: Mutex::default() })
    }
}

#[async_trait]
impl EventLog for Faulty {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(AppendError::Unavailable("died".to_owned()));
        }
        let unanswered = events[0].event_type == *self.unanswered.lock().unwrap();
        let appended = self.log.append(stream, expected, events).await?;
        if unanswered { Err(AppendError::OutcomeUnknown) } else { Ok(appended) }
    }
    async fn append_many(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        // One by one, so that it can die between any two.
        let mut outcomes = Vec::with_capacity(appends.len());
        for StreamAppend { stream, expected, events } in appends {
            outcomes.push(self.append(&stream, expected, events).await);
        }
        outcomes
    }
    async fn revisions(&self, streams: &[StreamId]) -> Result<Vec<Option<u64>>, ReadError> {
        self.log.revisions(streams).await
    }
    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Option<Arc<RecordedEvent>>>, ReadError> {
        self.log.events_at(positions).await
    }
    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        self.log.read_all(after, limit).await
    }
    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.log.head().await
    }
    async fn subscribe(&self, after: Option<Position>) -> Result<Box<dyn Subscription>, ReadError> {
        self.log.subscribe(after).await
    }
    async fn consumer(&self, group: &str, types: &[&str]) -> Result<Box<dyn Consumer>, ReadError> {
        self.log.consumer(group, types).await
    }
}
