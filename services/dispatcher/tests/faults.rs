//! A log that is out of order for a while: nothing is lost, and units are told to come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use dispatcher::DispatcherConfig;
use eventlog::{AppendError, Appended, Consumer, EventLog, Expected, ReadError, StreamAppend, Subscription};
use schema::{NewEvent, Position, RecordedEvent, StreamId, events::device::DeviceEvent};
use tokio::sync::Notify;
use uuid::Uuid;

use support::{World, close_code, command, platform_on};

const BOOT: Uuid = Uuid::from_u128(1);

/// What is out of order.
#[derive(Default)]
struct Faults {
    no_dispatch: AtomicBool,
    no_subscription: AtomicBool,
    broken: Notify,
}

struct Faulty(Arc<dyn EventLog>, Arc<Faults>);

fn unavailable() -> ReadError {
    ReadError::Unavailable("a fault".to_owned())
}

#[async_trait]
impl EventLog for Faulty {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let dispatches = events.iter().any(|event| event.event_type == "device.command_dispatched");
        if dispatches && self.1.no_dispatch.load(Ordering::SeqCst) {
            return Err(AppendError::Unavailable("a fault".to_owned()));
        }
        self.0.append(stream, expected, events).await
    }
    async fn append_many(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        self.0.append_many(appends).await
    }
    async fn revisions(&self, streams: &[StreamId]) -> Result<Vec<Option<u64>>, ReadError> {
        self.0.revisions(streams).await
    }
    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Option<Arc<RecordedEvent>>>, ReadError> {
        self.0.events_at(positions).await
    }
    async fn read_stream(&self, stream: &StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.0.read_stream(stream, from, limit).await
    }
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        self.0.read_all(after, limit).await
    }
    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.0.head().await
    }
    async fn subscribe(&self, after: Option<Position>) -> Result<Box<dyn Subscription>, ReadError> {
        if self.1.no_subscription.load(Ordering::SeqCst) {
            return Err(unavailable());
        }
        Ok(Box::new(Breaking(self.0.subscribe(after).await?, self.1.clone())))
    }
    async fn consumer(&self, group: &str, types: &[&str]) -> Result<Box<dyn Consumer>, ReadError> {
        self.0.consumer(group, types).await
    }
}

struct Breaking(Box<dyn Subscription>, Arc<Faults>);

#[async_trait]
impl Subscription for Breaking {
    async fn next(&mut self) -> Result<Vec<Arc<RecordedEvent>>, ReadError> {
        tokio::select! {
            () = self.1.broken.notified() => Err(unavailable()),
            page = self.0.next() => page,
        }
    }
}

async fn world() -> (World, Arc<Faults>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let platform = platform_on(folder.path(), |log| Arc::new(Faulty(log, faults.clone())));
    (World::on(platform, DispatcherConfig::default()).await, faults, folder)
}

#[tokio::test]
async fn what_happens_while_the_log_is_not_followed_is_made_up_for() {
    let (world, faults, _folder) = world().await;
    let unit = world.enroll().await;
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    assert!(world.dispatcher.is_ready());
    faults.no_subscription.store(true, Ordering::SeqCst);
    faults.broken.notify_one();
    while world.dispatcher.is_ready() {
        tokio::task::yield_now().await;
    }
    let id = world.reboot(&unit).await;
    assert!(support::is_quiet(&mut connection).await, "the log is not followed");
    faults.no_subscription.store(false, Ordering::SeqCst);
    assert_eq!(command(&mut connection).await.command_id, id.to_string());
    assert!(world.dispatcher.is_ready());
}

#[tokio::test]
async fn a_command_is_never_sent_without_being_in_the_history() {
    let (world, faults, _folder) = world().await;
    let unit = world.enroll().await;
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    faults.no_dispatch.store(true, Ordering::SeqCst);
    world.reboot(&unit).await;
    let end = loop {
        match connection.next_frame().await {
            Ok(frame) => panic!("sent: {frame:?}"),
            Err(portal::protocol::ConnectionError::StreamEnded) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(end, portal::protocol::ConnectionError::Closed(code) if code.0 == 1013), "{end}");
    faults.no_dispatch.store(false, Ordering::SeqCst);
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    assert_eq!(command(&mut connection).await.attempt, 1, "the first that is in the history");
    let dispatched = world.events(&unit).await.into_iter().filter(|e| matches!(e, DeviceEvent::CommandDispatched(_)));
    assert_eq!(dispatched.count(), 1);
    world.release(&unit).await;
    assert_eq!(close_code(&mut connection).await, 4403);
}
