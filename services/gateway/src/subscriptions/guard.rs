//! Sees to it that an open subscription ends when the right to it does.

use std::{sync::Arc, time::Duration};

use async_graphql::Context;
use domain::Code;
use graphql_ws_server::{Close, Connection};
use schema::OrganizationId;
use tokio::time::Instant;

use crate::{
    access::{Reader, Reading},
    app::{App, ContextExt},
    errors::Stop,
    metrics::Counted,
    revocations::Signals,
    session::Caller,
};

/// How old the last look may be when an update is told. A revocation is heard of at once; this bounds what a lost signal
/// can cost without a look at the log for each of thousands of updates.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long a quiet subscription goes without a look.
const LOOK_WHEN_QUIET: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Guard {
    pub(crate) app: Arc<App>,
    caller: Arc<Caller>,
    reading: Reading,
    reader: Reader,
    signals: Signals,
    looked_at: Instant,
    connection: Option<Connection>,
    _counted: Counted,
}

impl Guard {
    /// For whoever asks, if they may read it now.
    pub(crate) fn new(context: &Context<'_>, reading: Reading) -> async_graphql::Result<Self> {
        let app = context.app()?.clone();
        let caller = context.caller()?.clone();
        Ok(Self {
            reader: context.reader(reading)?,
            signals: app.revocations.listen(),
            _counted: Counted::new(&app.metrics.subscriptions),
            connection: context.data_opt::<Connection>().cloned(),
            looked_at: Instant::now(),
            app,
            caller,
            reading,
        })
    }

    /// Whose data it is about.
    pub(crate) fn organization(&self) -> OrganizationId {
        self.reader.organization
    }

    /// Returns when it is time to [look](Self::look) whether the right is still there. Cancel safe.
    pub(crate) async fn stirred(&mut self) {
        let organization = self.reader.organization;
        tokio::select! {
            () = self.signals.revoked(organization) => {}
            () = tokio::time::sleep_until(self.looked_at + LOOK_WHEN_QUIET) => {}
        }
    }

    /// Who reads, if the right was there a moment ago.
    pub(crate) async fn current(&mut self) -> Result<&Reader, async_graphql::Error> {
        if self.looked_at.elapsed() >= LOOK_AGAIN {
            self.look().await?;
        }
        Ok(&self.reader)
    }

    /// Finds out whether the right is still there. If the session is not, the connection ends as well.
    pub(crate) async fn look(&mut self) -> Result<(), async_graphql::Error> {
        self.look_or_stop().await.map_err(|stop| {
            if let (Stop::Rejected(rejections), Some(connection)) = (&stop, &self.connection)
                && rejections.iter().any(|rejection| rejection.code == Code::NotSignedIn)
            {
                connection.close(Close::UNAUTHORIZED);
            }
            self.report(stop)
        })
    }

    /// Logs a fault and says no more than that it happened.
    pub(crate) fn report(&self, stop: Stop) -> async_graphql::Error {
        if let Some(reason) = stop.trouble() {
            tracing::error!(request = %self.caller.correlation, reason, "a subscription failed");
        }
        stop.into_error()
    }

    async fn look_or_stop(&mut self) -> Result<(), Stop> {
        let token = self.caller.token.as_ref().ok_or(Code::NotSignedIn)?;
        let principal = self.app.platform.recognize(token).await?;
        self.caller.becomes(principal.clone());
        self.reader = Reader::new(principal, self.reading)?;
        self.looked_at = Instant::now();
        Ok(())
    }
}
