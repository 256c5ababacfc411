//! The trait of the log.

use std::sync::Arc;

use async_trait::async_trait;
use schema::{NewEvent, Position, RecordedEvent, StreamId, Timestamp};

/// What a stream must look like for an append to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It has no event yet.
    NoStream,
    /// Its last event has this revision.
    Revision(u64),
}

/// An append that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Revision of the last event of the append.
    pub revision: u64,
    /// Position of the last event of the append.
    pub position: Position,
}

/// An append to one stream, one of many that are asked for together.
#[derive(Debug, Clone)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// What it must look like.
    pub expected: Expected,
    /// What to append.
    pub events: Vec<NewEvent>,
}

/// Why an append did not happen, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The stream is at another revision (none: it has no events). Load again and decide again.
    #[error("the stream is at another revision")]
    Conflict {
        /// Where it is.
        actual: Option<u64>,
    },
    /// It may or may not have been written. Append the same events, with the same ids, again.
    #[error("it is unknown whether the append was written")]
    OutcomeUnknown,
    /// More than the log takes in one append.
    #[error(
        "the append has {bytes} bytes of payload in {events} events; at most {max_bytes} bytes in {max_events} events fit"
    )]
    TooLarge {
        /// Bytes of payload in the append.
        bytes: usize,
        /// Events in the append.
        events: usize,
        /// The most bytes that fit.
        max_bytes: usize,
        /// The most events that fit.
        max_events: usize,
    },
    /// There was nothing to append.
    #[error("an append needs at least one event")]
    Empty,
    /// Nothing was written; the log cannot be reached or is shutting down.
    #[error("the log is not available: {0}")]
    Unavailable(String),
}

/// Why the log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It cannot be reached or is shutting down.
    #[error("the log is not available: {0}")]
    Unavailable(String),
    /// What stands there is not what was written.
    #[error("the log is damaged: {0}")]
    Damaged(String),
}

/// The append-only log. Every event has a revision in its stream and a position in the whole log; the order of positions
/// agrees with the order of revisions.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Appends all of `events` or none, after the stream's `expected` end, and returns when they are durable. Appending
    /// events that the stream already holds (same ids, in order) answers as the first time and writes nothing, whatever
    /// is expected. Ids are compared within the stream.
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError>;

    /// Many appends, for whoever has a lot to write: each as [`EventLog::append`] would do it, by itself and in the given
    /// order, so that one that is refused does not touch the others and a later one sees those before it. The outcomes
    /// stand in that order and are durable when it returns. Other appends are not held up meanwhile for more than a
    /// few hundredths of a second. Whoever gives up the wait does not know which of them were done.
    async fn append_many(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>>;

    /// Revisions of the last events of streams, in their order; none for a stream without events. Sees every append that was
    /// acknowledged before the call.
    async fn revisions(&self, streams: &[StreamId]) -> Result<Vec<Option<u64>>, ReadError>;

    /// Events of a stream from `from` on, oldest first, at most `limit`. Empty past the end. Sees every append that was
    /// acknowledged before the call.
    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Events of the whole log after `after` (from the start if none), oldest first, at most `limit`.
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError>;

    /// The events at these positions, in their order; none where there is no event.
    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Option<Arc<RecordedEvent>>>, ReadError>;

    /// Position of the last event; none while the log is empty.
    async fn head(&self) -> Result<Option<Position>, ReadError>;

    /// Follows the whole log after `after`: what stands there, then what comes, in order, without gap or duplicate. A
    /// slow reader costs no memory.
    async fn subscribe(&self, after: Option<Position>) -> Result<Box<dyn Subscription>, ReadError>;

    /// Takes part in the consumer group `group`, which sees every event of the named types at least once and remembers
    /// over restarts what it has dealt with. A new group starts at the beginning of the log. Members of one group share its
    /// events and must name the same types. A type that is added later is seen from where the group stands.
    async fn consumer(&self, group: &str, types: &[&str]) -> Result<Box<dyn Consumer>, ReadError>;
}

/// A reader that follows the log.
#[async_trait]
pub trait Subscription: Send {
    /// The next events, at least one, in order. Waits for them. Giving up the wait loses nothing.
    async fn next(&mut self) -> Result<Vec<Arc<RecordedEvent>>, ReadError>;
}

/// An event handed to a consumer group.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub event: Arc<RecordedEvent>,
    /// Counts the deliveries of this event to this group from 1. Deliveries that ended in a restart of the process without
    /// an answer are not counted.
    pub attempt: u32,
}

/// A member of a consumer group.
#[async_trait]
pub trait Consumer: Send {
    /// The next delivery: an event not seen before, or one put off whose time has come. Waits for it. Giving up the wait
    /// loses nothing. What was delivered and not answered comes back when the member is dropped.
    async fn next(&mut self) -> Result<Delivery, ReadError>;
    /// Dealt with: it does not come back, also after a restart. Answers may be given in any order. Does not wait until it is
    /// durable: after a crash, what was acknowledged in the last moments may come back.
    async fn ack(&mut self, delivery: &Delivery) -> Result<(), ReadError>;
    /// Comes back at `at`; others go on meanwhile, also over a restart. Does not wait until it is durable: after a crash,
    /// what was put off in the last moments may come back earlier and as if for the first time.
    async fn retry_at(&mut self, delivery: &Delivery, at: Timestamp) -> Result<(), ReadError>;
    /// Given up: kept aside with the reason for an operator to look at. Durable when it returns.
    async fn park(&mut self, delivery: &Delivery, reason: &str) -> Result<(), ReadError>;
}
