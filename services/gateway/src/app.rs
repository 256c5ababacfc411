//! What every part of the gateway shares, and how resolvers get at it.

use std::{sync::Arc, time::Duration};

use async_graphql::Context;
use commands::{Platform, Request, SingleSignOnService, mail::Mailbox};
use devices::Devices;
use directory::Directory;
use domain::{Code, Rejection};
use engine::{ViewError, WaitError};
use history::History;
use identity::AccessTokens;
use prometheus_client::registry::Registry;
use schema::Position;
use tokio::time::Instant;

use crate::{
    Views,
    access::{Reader, Reading},
    config::{GatewayConfig, VIEW_DEADLINE},
    errors::{INTERNAL, Stop, coded},
    loaders::Loaders,
    metrics::Metrics,
    revocations::Revocations,
    scalars,
    session::Caller,
    throttles::Throttles,
};

/// See the module.
pub(crate) struct App {
    pub(crate) config: GatewayConfig,
    pub(crate) platform: Arc<Platform>,
    pub(crate) views: Views,
    pub(crate) directory: Directory,
    pub(crate) devices: Devices,
    pub(crate) history: History,
    pub(crate) loaders: Loaders,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) throttles: Throttles,
    pub(crate) sso: SingleSignOnService,
    pub(crate) revocations: Revocations,
    pub(crate) mailbox: Option<Mailbox>,
    pub(crate) metrics: Metrics,
}

/// A view that an answer is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Directory,
    Devices,
    History,
}

impl App {
    pub(crate) fn new(
        config: GatewayConfig,
        platform: Arc<Platform>,
        views: Views,
        mailbox: Option<Mailbox>,
        registry: &mut Registry,
    ) -> Self {
        let directory = Directory::new(views.directory.reads());
        let devices = Devices::new(views.devices.reads());
        Self {
            loaders: Loaders::new(&directory, &devices),
            access_tokens: AccessTokens::new(platform.keys()),
            throttles: Throttles::new(),
            sso: SingleSignOnService::new(platform.clone(), config.public_origin.clone(), config.plain_http_providers),
            revocations: Revocations::new(),
            metrics: Metrics::new(registry),
            config,
            platform,
            directory,
            devices,
            history: History::new(views.history.reads()),
            views,
            mailbox,
        }
    }

    /// A command by `caller`, now.
    pub(crate) fn request(&self, caller: &Caller) -> Request {
        Request { correlation: caller.correlation, ..self.platform.request(caller.principal()) }
    }

    async fn wait(&self, source: Source, position: Position) -> Result<(), WaitError> {
        let started = Instant::now();
        let deadline = started + VIEW_DEADLINE;
        let (name, reached) = match source {
            Source::Directory => ("directory", self.views.directory.wait_for(position, deadline).await),
            Source::Devices => ("devices", self.views.devices.wait_for(position, deadline).await),
            Source::History => ("history", self.views.history.wait_for(position, deadline).await),
        };
        self.metrics.waited(name, started.elapsed(), reached.is_ok());
        reached
    }

    /// Returns when answers from the view contain everything up to `position`.
    pub(crate) async fn reach(&self, source: Source, position: Option<scalars::Position>) -> Result<(), Stop> {
        let Some(scalars::Position(position)) = position else { return Ok(()) };
        self.wait(source, position).await.map_err(|error| match error {
            WaitError::Behind => {
                Rejection::new(Code::Unavailable, "The change is not there yet; try again.").at("afterPosition").into()
            }
            WaitError::Stopped => Stop::Unavailable(error.to_string()),
        })
    }

    /// Reads what a command has changed, once the view contains it. None if that takes too long: the change itself is
    /// safe, so the answer must not look like a failure.
    pub(crate) async fn read_back<T>(
        &self,
        source: Source,
        position: Option<Position>,
        read: impl Future<Output = Result<Option<T>, ViewError>>,
    ) -> Option<T> {
        if let Some(position) = position
            && let Err(error) = self.wait(source, position).await
        {
            tracing::warn!(?source, %position, %error, "answered a command without what it changed");
            return None;
        }
        match read.await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(?source, %error, "answered a command without what it changed");
                None
            }
        }
    }
}

/// What resolvers ask of their context.
pub(crate) trait ContextExt {
    /// What is shared.
    fn app(&self) -> async_graphql::Result<&Arc<App>>;
    /// Who asks.
    fn caller(&self) -> async_graphql::Result<&Arc<Caller>>;
    /// Who asks, if they may read it.
    fn reader(&self, reading: Reading) -> async_graphql::Result<Reader>;
    /// Logs a fault under the id of the request and says no more than that it happened.
    fn report(&self, stop: Stop) -> async_graphql::Error;
}

impl ContextExt for Context<'_> {
    fn app(&self) -> async_graphql::Result<&Arc<App>> {
        self.data().map_err(|_| coded(INTERNAL, "Something went wrong."))
    }

    fn caller(&self) -> async_graphql::Result<&Arc<Caller>> {
        self.data().map_err(|_| coded(INTERNAL, "Something went wrong."))
    }

    fn reader(&self, reading: Reading) -> async_graphql::Result<Reader> {
        Reader::new(self.caller()?.principal(), reading).map_err(|rejection| self.report(rejection.into()))
    }

    fn report(&self, stop: Stop) -> async_graphql::Error {
        if let Some(reason) = stop.trouble() {
            let request = self.caller().map(|caller| caller.correlation).unwrap_or_default();
            tracing::error!(%request, reason, "a request failed");
        }
        stop.into_error()
    }
}

/// A signed-in person, or why there is none.
pub(crate) fn signed_in(caller: &Caller) -> Result<Reader, Rejection> {
    Reader::new(caller.principal(), Reading::Own)
}

/// How long until `at`; zero if it has passed.
pub(crate) fn until(at: schema::Timestamp, now: schema::Timestamp) -> Duration {
    (at - now).to_std().unwrap_or_default()
}
