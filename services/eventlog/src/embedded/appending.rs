//! Asking for appends: their way from whoever asks to the thread that writes.

use std::{sync::Arc, time::Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    CLOSED,
    append::{MAX_APPEND_BYTES, MAX_APPEND_EVENTS, PreparedAppend, payload_bytes},
    log::Log,
    queue::Closed,
    writer::{Job, Outcome, Outcomes},
};
use crate::{AppendError, StreamAppend};

/// Parts of all that is appended in bulk that are queued or being written at a time. The next is made ready meanwhile,
/// and whoever appends a single event beside them waits for one part at most.
const PARTS_AT_A_TIME: usize = 1;

/// Lets what is appended in bulk through part by part.
pub(super) struct Bulk(Arc<Semaphore>);

impl Default for Bulk {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PARTS_AT_A_TIME)))
    }
}

/// Cuts appends into parts of which each is written in one transaction: together no larger than the largest append.
fn parts(appends: Vec<StreamAppend>) -> Vec<Vec<StreamAppend>> {
    let mut parts: Vec<Vec<StreamAppend>> = Vec::new();
    let (mut events, mut bytes) = (0, 0);
    for append in appends {
        let more = (append.events.len(), payload_bytes(&append.events));
        (events, bytes) = (events + more.0, bytes + more.1);
        match parts.last_mut() {
            Some(part) if events <= MAX_APPEND_EVENTS && bytes <= MAX_APPEND_BYTES => part.push(append),
            _ => {
                (events, bytes) = more;
                parts.push(vec![append]);
            }
        }
    }
    parts
}

impl Log {
    pub(super) async fn append(&self, append: StreamAppend) -> Outcome {
        let since = Instant::now();
        let append = PreparedAppend::new(append)?;
        let mut outcomes = answer(self.ask(vec![Ok(append)], since, None).await?).await?;
        outcomes.pop().unwrap_or(Err(AppendError::OutcomeUnknown))
    }

    pub(super) async fn append_many(&self, appends: Vec<StreamAppend>) -> Vec<Outcome> {
        let mut asked = Vec::new();
        for part in parts(appends) {
            let count = part.len();
            asked.push((count, self.append_part(part).await));
        }
        let mut outcomes = Vec::new();
        for (count, answered) in asked {
            let part = match answered {
                Ok(answered) => answer(answered).await,
                Err(error) => Err(error),
            };
            outcomes.extend(part.unwrap_or_else(|error| vec![Err(error); count]));
        }
        outcomes
    }

    /// Asks for appends in one transaction once it is the turn of this part.
    async fn append_part(&self, part: Vec<StreamAppend>) -> Result<oneshot::Receiver<Outcomes>, AppendError> {
        let since = Instant::now();
        let closed = || AppendError::Unavailable(CLOSED.into());
        let prepare = move || part.into_iter().map(PreparedAppend::new).collect();
        let appends = tokio::task::spawn_blocking(prepare).await.map_err(|_| closed())?;
        let turn = self.bulk.0.clone().acquire_owned().await.map_err(|_| closed())?;
        self.ask(appends, since, Some(turn)).await
    }

    async fn ask(
        &self,
        appends: Vec<Result<PreparedAppend, AppendError>>,
        since: Instant,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Outcomes>, AppendError> {
        let weight = appends.iter().flatten().map(PreparedAppend::weight).sum();
        let (answer, answered) = oneshot::channel();
        let job = Job::Append { appends, since, answer, turn };
        self.queue.push(job, weight).await.map_err(|Closed| AppendError::Unavailable(CLOSED.into()))?;
        Ok(answered)
    }
}

/// Waits for an answer.
async fn answer(answered: oneshot::Receiver<Outcomes>) -> Outcomes {
    answered.await.unwrap_or(Err(AppendError::OutcomeUnknown))
}
