//! Brings events from the log to a file: an async task reads ahead, a thread applies.
//!
//! The thread takes whatever has gathered meanwhile as one batch, so batches are single events while the log is quiet
//! and grow by themselves when it is not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use eventlog::{EventLog, ReadError, VaultError};
use schema::{Position, RecordedEvent};
use tokio::sync::{mpsc, watch};

use crate::{
    PersonKeys, Projection, ProjectionError,
    file::ViewFile,
    readers::Readers,
    view::Shared,
    writer::{Batch, Failure, Pace, Writer},
};

/// Events that one transaction takes at most: enough that its cost no longer shows.
const LARGEST_BATCH: usize = 10_000;
/// Events at once, with more behind them, that tell that the view is far behind.
const MANY: usize = 2_000;
/// Deliveries of the log that are read ahead.
const READ_AHEAD: usize = 20;
/// Waits between attempts to reach the log or the vault: from this, doubling, to that.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A file has caught up when it has reached a head of the log that was seen so short a time ago.
const RECENT: Duration = Duration::from_millis(200);

type Delivery = Result<Vec<Arc<RecordedEvent>>, ReadError>;

/// Keeps one file up to date.
pub(crate) struct Feed<P: Projection> {
    shared: Arc<Shared<P>>,
    file: ViewFile,
    writer: Writer<P>,
    /// Whether this is the file that reads are answered from.
    serving: bool,
    deliveries: mpsc::Receiver<Delivery>,
    /// Closed when the feed is to end.
    stop: watch::Receiver<()>,
    /// The last event seen.
    reached: Option<Position>,
    /// A head of the log to reach before serving, and when it was seen.
    target: Option<(Option<Position>, Instant)>,
}

impl<P: Projection> Feed<P> {
    /// Starts to read ahead.
    pub(crate) fn new(
        shared: Arc<Shared<P>>,
        file: ViewFile,
        writer: Writer<P>,
        serving: bool,
        stop: watch::Receiver<()>,
    ) -> Self {
        let reached = writer.checkpoint().position;
        let (sender, deliveries) = mpsc::channel(READ_AHEAD);
        shared.runtime.spawn(read_ahead(P::NAME, shared.log.clone(), reached, sender, stop.clone()));
        Self { shared, file, writer, serving, deliveries, stop, reached, target: None }
    }

    /// Applies what comes until it is stopped or fails. Blocks.
    pub(crate) fn run(mut self) {
        let outcome = self.follow();
        self.shared.clone().ended(&self.file, self.serving, outcome.err());
    }

    fn follow(&mut self) -> Result<(), Failure> {
        loop {
            if !self.serving {
                self.serve_if_caught_up().map_err(of_file)?;
            }
            let Some(events) = self.next_events().map_err(of_file)? else {
                return Ok(());
            };
            let catches_up = !self.serving || (events.len() >= MANY && !self.deliveries.is_empty());
            let pace = if catches_up { Pace::CatchingUp } else { Pace::Following };
            self.writer.set_pace(pace).map_err(|error| of_file(error.into()))?;
            self.apply(&events)?;
        }
    }

    /// Everything that has gathered, at least one event; none when stopped.
    fn next_events(&mut self) -> Result<Option<Vec<Arc<RecordedEvent>>>, ProjectionError> {
        let Some(first) = self.deliveries.blocking_recv() else {
            return Ok(None);
        };
        let mut events = first?;
        while events.len() < LARGEST_BATCH {
            let Ok(more) = self.deliveries.try_recv() else { break };
            events.extend(more?);
        }
        Ok((!is_stopped(&self.stop)).then_some(events))
    }

    fn apply(&mut self, events: &[Arc<RecordedEvent>]) -> Result<(), Failure> {
        let batch = Batch::decode::<P>(events);
        let Some(keys) = self.shared.runtime.block_on(self.keys(&batch)).map_err(of_file)? else {
            return Ok(());
        };
        let mut changes = Vec::new();
        let outcome = self.writer.apply(batch, &keys, &mut changes);
        self.reached = match outcome {
            Ok(()) => events.last().map(|event| event.position),
            Err(_) => self.writer.checkpoint().position.max(self.reached),
        };
        self.shared.publish(&self.file, self.reached, self.writer.checkpoint().events, changes);
        outcome
    }

    /// The keys for the batch; waits while the vault is away. None when stopped meanwhile.
    async fn keys(&self, batch: &Batch) -> Result<Option<PersonKeys>, ProjectionError> {
        let mut pauses = Pauses::new(self.stop.clone());
        loop {
            match batch.keys(&*self.shared.vault).await {
                Err(VaultError::Unavailable(reason)) => {
                    tracing::warn!(view = P::NAME, reason, "the vault is away; the view waits for it");
                    if pauses.pause().await.is_stopped() {
                        return Ok(None);
                    }
                }
                outcome => return Ok(Some(outcome?)),
            }
        }
    }

    /// Makes this the file that serves, once it has caught up with the log and with what was served before.
    fn serve_if_caught_up(&mut self) -> Result<(), ProjectionError> {
        loop {
            let (head, seen) = match self.target {
                Some(target) => target,
                None => match self.shared.runtime.block_on(self.shared.log.head()) {
                    Ok(head) => *self.target.insert((head, Instant::now())),
                    // The task that reads ahead says so and waits; there is nothing to catch up with for now.
                    Err(ReadError::Unavailable(_)) => return Ok(()),
                    Err(damaged) => return Err(damaged.into()),
                },
            };
            if self.reached < head {
                return Ok(());
            }
            self.target = None;
            // Takes a while the first time; then the log may have gone on.
            self.writer.make_indexes()?;
            if seen.elapsed() < RECENT {
                break;
            }
        }
        self.writer.complete()?;
        let readers = Readers::open(&self.file.path)?;
        self.serving = self.shared.serve(&self.file, readers, self.reached, self.writer.checkpoint().events);
        Ok(())
    }
}

impl<P: Projection> Drop for Feed<P> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let failure = of_file(ProjectionError::Panicked);
            self.shared.clone().ended(&self.file, self.serving, Some(failure));
        }
    }
}

fn of_file(error: ProjectionError) -> Failure {
    Failure { position: None, error }
}

fn is_stopped(stop: &watch::Receiver<()>) -> bool {
    stop.has_changed().is_err()
}

/// Reads the log after `after` into `deliveries`, and again from where it was when the log was away.
async fn read_ahead(
    view: &'static str,
    log: Arc<dyn EventLog>,
    mut after: Option<Position>,
    deliveries: mpsc::Sender<Delivery>,
    mut stop: watch::Receiver<()>,
) {
    let mut pauses = Pauses::new(stop.clone());
    loop {
        let error = tokio::select! {
            _ = stop.changed() => return,
            outcome = deliver(&*log, &mut after, &deliveries, &mut pauses) => match outcome {
                Ok(()) => return,
                Err(error) => error,
            },
        };
        let ReadError::Unavailable(reason) = error else {
            // A send fails only when the feed has ended by itself.
            deliveries.send(Err(error)).await.ok();
            return;
        };
        tracing::warn!(view, reason, "the log is away; the view waits for it");
        if pauses.pause().await.is_stopped() {
            return;
        }
    }
}

/// Delivers until the log fails; ends well only when nobody takes the deliveries any more.
async fn deliver(
    log: &dyn EventLog,
    after: &mut Option<Position>,
    deliveries: &mpsc::Sender<Delivery>,
    pauses: &mut Pauses,
) -> Result<(), ReadError> {
    let mut subscription = log.subscribe(*after).await?;
    loop {
        let events = subscription.next().await?;
        pauses.reset();
        let last = events.last().map(|event| event.position);
        if deliveries.send(Ok(events)).await.is_err() {
            return Ok(());
        }
        *after = last.or(*after);
    }
}

/// Growing pauses that a stop cuts short.
struct Pauses {
    next: Duration,
    stop: watch::Receiver<()>,
}

#[derive(PartialEq, Eq)]
enum Pause {
    Over,
    Stopped,
}

impl Pause {
    fn is_stopped(&self) -> bool {
        *self == Self::Stopped
    }
}

impl Pauses {
    fn new(stop: watch::Receiver<()>) -> Self {
        Self { next: PAUSES.0, stop }
    }
    fn reset(&mut self) {
        self.next = PAUSES.0;
    }
    async fn pause(&mut self) -> Pause {
        let pause = tokio::time::timeout(self.next, self.stop.changed()).await;
        self.next = (self.next * 2).min(PAUSES.1);
        if pause.is_ok() { Pause::Stopped } else { Pause::Over }
    }
}
