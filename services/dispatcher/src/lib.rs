//! The dispatcher: forwards commands and settings to Portal units and takes their reports.
//!
//! ```text
//! unit ══ WebSocket ══ http ── graphql ── stream ── flow      what is sent next: pure
//!                        │        └─ mutations ──► Platform     reports become events
//!                     shared ── registry ◄── fanout ◄── log     one subscription for all units
//! ```
//! A command is sent after `device.command_dispatched` has been appended, so the history never knows less than the unit.
//! What is not acknowledged is sent again on the next connection; the unit acts once on what comes twice.

mod config;
mod fanout;
mod flow;
mod graphql;
mod http;
mod metrics;
mod registry;
mod shared;
mod stream;
mod sweep;
mod unit;

use std::sync::Arc;

use commands::Platform;
use schema::Position;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use self::{config::DispatcherConfig, registry::Presence};
use self::{metrics::Metrics, shared::Shared};

/// The service for Portal units. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

impl Dispatcher {
    /// Puts it together; metrics are registered under the prefix `dispatcher`.
    pub fn new(
        config: DispatcherConfig,
        platform: Arc<Platform>,
        registry: &mut prometheus_client::registry::Registry,
    ) -> Self {
        let metrics = Metrics::new(registry);
        Self { shared: Arc::new(Shared::new(config, platform, metrics)) }
    }

    /// `POST /graphql` and the WebSocket on the same path. Units are let in while [`run`](Self::run) is running.
    pub fn router(&self) -> axum::Router {
        http::router(self.shared.clone(), graphql::schema(self.shared.clone()))
    }

    /// Serves until `stop`, then ends all connections with 1001 and their streams in the history, at most as long as
    /// the configuration says.
    pub async fn run(&self, stop: CancellationToken) {
        let work = async {
            let start = fanout::head(&self.shared).await;
            tokio::join!(fanout::run(&self.shared, start), self.sweep(start));
        };
        stop.run_until_cancelled(work).await;
        self.shut_down().await;
    }

    /// Whether units are let in and hear of their commands.
    pub fn is_ready(&self) -> bool {
        *self.shared.following.borrow() && !self.shared.stop.is_cancelled()
    }

    /// Tells when connected units were last heard of.
    pub fn presence(&self) -> Presence {
        Presence(self.shared.registry.clone())
    }

    async fn sweep(&self, start: Option<Position>) {
        tokio::time::sleep(self.shared.config.sweep_after).await;
        if let Err(error) = sweep::run(&self.shared, start).await {
            tracing::error!(%error, "units that have not come back after a crash stay shown as connected");
        }
    }

    async fn shut_down(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        if timeout(self.shared.config.shutdown_deadline, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.shared.tasks.len(), "stopped before all connections had ended");
        }
    }
}

/// The schema of the service in SDL.
pub fn schema_sdl() -> String {
    graphql::sdl()
}
