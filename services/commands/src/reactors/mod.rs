//! Reactors: they turn events into mails and further commands. Each is a consumer group with a durable checkpoint; what
//! they do has deterministic ids or is idempotent, so that a repeated delivery does nothing twice.

pub mod certificates;
pub mod deadlines;
pub mod finisher;
pub mod importer;
pub mod mailer;
pub mod prober;
pub mod recovery;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use eventlog::{Consumer, Delivery, ReadError};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use schema::{DecodeError, Event, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{Failure, Platform, Request};

/// Deliveries that one reactor works on at the same time: one that waits does not hold up the others.
const IN_HAND: usize = 16;
/// The longest that one try may take, whatever it waits for.
const LONGEST_TRY: Duration = Duration::from_secs(300);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The pause before a reactor starts again that the log interrupted.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// What becomes of a delivery.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Dealt with, or nothing to do.
    Finished,
    /// Come back at this time: the deadline has not come yet.
    At(Timestamp),
    /// Something is out of order; come back after a pause that grows.
    Retry(String),
    /// It will never work: keep it aside for an operator.
    Park(String),
}

impl From<Result<(), Failure>> for Verdict {
    fn from(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::Finished,
            Err(failure) => failure.into(),
        }
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        Self::Retry(failure.to_string())
    }
}

/// One reactor.
#[async_trait]
pub trait Reactor: Send + Sync + 'static {
    /// Its consumer group. Frozen: the checkpoint is kept under this name.
    const NAME: &'static str;
    /// Event types that it reacts to.
    const TYPES: &'static [&'static str];
    /// Reacts to one event. May be called again for the same event.
    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict;
}

/// Runs a reactor until `stop`, and then until what it has in hand is settled: a mail that is being handed over is not
/// sent again after a restart. Whoever cannot wait so long drops it.
pub async fn run<R: Reactor>(platform: Arc<Platform>, reactor: R, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let outcome = match platform.log.consumer(R::NAME, R::TYPES).await {
            Ok(consumer) => drive(&platform, &reactor, consumer, &stop).await,
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { return };
        tracing::error!(reactor = R::NAME, %error, "reactor interrupted; it starts again");
        tokio::select! {
            () = tokio::time::sleep(RESTART_PAUSE) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn drive<R: Reactor>(
    platform: &Platform,
    reactor: &R,
    mut consumer: Box<dyn Consumer>,
    stop: &CancellationToken,
) -> Result<(), ReadError> {
    let mut in_hand = FuturesUnordered::new();
    loop {
        let stopping = stop.is_cancelled();
        if stopping && in_hand.is_empty() {
            return Ok(());
        }
        let room = !stopping && in_hand.len() < IN_HAND;
        let settled = tokio::select! {
            biased;
            () = stop.cancelled(), if !stopping => continue,
            Some(settled) = in_hand.next(), if !in_hand.is_empty() => settled,
            delivery = consumer.next(), if room => {
                in_hand.push(handle(platform, reactor, delivery?).boxed());
                continue;
            }
        };
        settle::<R>(platform, &mut *consumer, settled).await?;
    }
}

async fn handle<R: Reactor>(platform: &Platform, reactor: &R, delivery: Delivery) -> (Delivery, Verdict) {
    let request = Request {
        principal: domain::Principal::System(R::NAME),
        intent: uuid::Uuid::new_v5(&delivery.event.id.0, R::NAME.as_bytes()),
        at: platform.clock.now(),
        correlation: delivery.event.correlation,
        cause: Some(delivery.event.id),
    };
    let verdict = match Event::try_from(&*delivery.event) {
        Ok(event) => tokio::time::timeout(LONGEST_TRY, reactor.react(platform, &request, &delivery, event))
            .await
            .unwrap_or_else(|_| Verdict::Retry("it took too long".to_owned())),
        // Nothing is wrong with the event: whoever knows it is going to deal with it.
        Err(error @ DecodeError::NewerVersion { .. }) => Verdict::Retry(error.to_string()),
        Err(error) => Verdict::Park(error.to_string()),
    };
    (delivery, verdict)
}

async fn settle<R: Reactor>(
    platform: &Platform,
    consumer: &mut dyn Consumer,
    (delivery, verdict): (Delivery, Verdict),
) -> Result<(), ReadError> {
    match verdict {
        Verdict::Finished => consumer.ack(&delivery).await,
        Verdict::At(time) => consumer.retry_at(&delivery, time).await,
        Verdict::Retry(reason) => {
            let pause = Duration::from_secs(1 << delivery.attempt.min(9)).min(LONGEST_PAUSE);
            tracing::warn!(reactor = R::NAME, event = %delivery.event.id, attempt = delivery.attempt, reason, "reactor tries again later");
            consumer.retry_at(&delivery, platform.clock.now() + pause).await
        }
        Verdict::Park(reason) => {
            tracing::error!(reactor = R::NAME, event = %delivery.event.id, reason, "reactor gives up on an event");
            consumer.park(&delivery, &reason).await
        }
    }
}
