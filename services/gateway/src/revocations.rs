//! Tells open subscriptions at once when somebody may have lost the right to them.

use std::{sync::Arc, time::Duration};

use commands::Platform;
use eventlog::ReadError;
use schema::{OrganizationId, RecordedEvent};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

/// Events after which somebody may no longer read what they did.
const TYPES: [&str; 13] = [
    "session.ended",
    "role.edited",
    "role.deleted",
    "role.unassigned",
    "role.holder_suspended",
    "account.deactivated",
    "account.logged_out_everywhere",
    "account.sessions_ended",
    "account.status_set_to_created",
    "account.password_reset_forced",
    "account.password_changed",
    "account.login_method_changed",
    "account.subject_linked",
];
/// Signals that a listener may be behind before it has to assume one of its own.
const KEPT: usize = 256;
/// How long to wait before the log is followed again after an interruption.
const PAUSE: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Revocations(broadcast::Sender<OrganizationId>);

impl Revocations {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    pub(crate) fn listen(&self) -> Signals {
        Signals(self.0.subscribe())
    }

    /// Follows the log until `stop`. Without it subscriptions look for themselves every so often.
    pub(crate) async fn run(&self, platform: &Platform, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                Err(error) = self.follow(platform) => tracing::warn!(%error, "following revocations was interrupted"),
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn follow(&self, platform: &Platform) -> Result<std::convert::Infallible, ReadError> {
        let head = platform.log().head().await?;
        let mut events = platform.log().subscribe(head).await?;
        loop {
            for event in events.next().await? {
                self.look_at(&event);
            }
        }
    }

    fn look_at(&self, event: &Arc<RecordedEvent>) {
        if let Some(organization) = event.organization.filter(|_| TYPES.contains(&&*event.event_type)) {
            // An error only says that nobody listens.
            self.0.send(organization).ok();
        }
    }
}

/// Hears of revocations.
#[derive(Debug)]
pub(crate) struct Signals(broadcast::Receiver<OrganizationId>);

impl Signals {
    /// Returns when somebody of the organization may have lost a right. Cancel safe.
    pub(crate) async fn revoked(&mut self, organization: OrganizationId) {
        loop {
            match self.0.recv().await {
                Ok(of) if of != organization => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
