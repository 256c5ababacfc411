//! A unit that belongs to an organization: keeps a session open, one after another.

use std::{convert::Infallible, sync::Arc};

use tokio::time::Instant;

use crate::{
    OfflineReason, Screen, ScreenEvent, StoreError,
    boot::{Boot, Halt},
    credentials::{Credentials, NOT_ENROLLED, Token},
    protocol::{CloseCode, ConnectionError},
    session::Session,
    state::{Enrollment, Standing},
};

/// What ends a session.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// To be connected again.
    Lost(ConnectionError),
    /// The boot ends too.
    Halt(Halt),
}

impl From<ConnectionError> for Interruption {
    fn from(error: ConnectionError) -> Self {
        Self::Lost(error)
    }
}

impl From<StoreError> for Interruption {
    fn from(error: StoreError) -> Self {
        Self::Halt(error.into())
    }
}

pub(crate) struct Enrolled<'b, 'u, S> {
    pub(crate) boot: &'b mut Boot<'u, S>,
    pub(crate) enrollment: Enrollment,
    pub(crate) credentials: Arc<Credentials>,
}

impl<'b, 'u, S: Screen> Enrolled<'b, 'u, S> {
    pub(crate) fn new(boot: &'b mut Boot<'u, S>, enrollment: Enrollment) -> Self {
        let credentials = Arc::new(Credentials {
            gateway: boot.unit.shared.gateway.clone(),
            key: boot.key.clone(),
            device_id: enrollment.device_id.clone(),
            surroundings: boot.unit.shared.config.surroundings.clone(),
        });
        Self { boot, enrollment, credentials }
    }

    /// Runs until something ends the boot.
    pub(crate) async fn serve(mut self, mut token: Option<Token>) -> Halt {
        let shutdown = self.boot.unit.shutdown.clone();
        loop {
            let mut session = None;
            let interruption = match shutdown.run_until_cancelled(self.connection(&mut token, &mut session)).await {
                Some(Ok(never)) => match never {},
                Some(Err(interruption)) => interruption,
                None => Interruption::Halt(Halt::Stopped),
            };
            if let Some(session) = session {
                session.end().await;
            }
            let error = match interruption {
                Interruption::Halt(halt) => return halt,
                Interruption::Lost(error) => error,
            };
            tracing::debug!(%error, "the connection is lost");
            let reason = self.after(&error, &mut token);
            if shutdown.run_until_cancelled(self.boot.pause(reason)).await.is_none() {
                return Halt::Stopped;
            }
        }
    }

    /// One connection from its token to its end. It is left in `open`, to be closed in good order.
    async fn connection(
        &mut self,
        token: &mut Option<Token>,
        open: &mut Option<Session>,
    ) -> Result<Infallible, Interruption> {
        let token = match token.take() {
            Some(fresh) if fresh.is_fresh() => token.insert(fresh),
            _ => token.insert(self.new_token().await?),
        };
        if self.enrollment.enter(token.epoch) {
            self.save().await?;
        }
        let session = open.insert(Session::open(&self.boot.unit.shared, token, &self.enrollment).await?);
        let connected_at = Instant::now();
        self.boot.offline = None;
        self.boot.unit.screen.show(ScreenEvent::Connected);
        let end = self.attend(session, token).await;
        if connected_at.elapsed() > self.boot.unit.shared.config.pacing.retry_ceiling {
            self.boot.backoff.reset();
        }
        end
    }

    async fn new_token(&mut self) -> Result<Token, Halt> {
        loop {
            match self.credentials.token().await {
                Ok(token) => return Ok(token),
                Err(error) if error.code() == Some(NOT_ENROLLED) => return Err(Halt::Revoked(error.reason())),
                Err(error) => {
                    tracing::debug!(%error, "no access token");
                    self.boot.pause(OfflineReason::GatewayUnreachable).await;
                }
            }
        }
    }

    /// What to show for a lost connection; a token that may be the cause is dropped.
    fn after(&mut self, error: &ConnectionError, token: &mut Option<Token>) -> OfflineReason {
        match error {
            ConnectionError::Closed(CloseCode::REPLACED) => {
                // Another process has this unit's key: to come back at once would push that one out in turn.
                self.boot.backoff.exhaust();
                OfflineReason::Replaced
            }
            ConnectionError::Closed(CloseCode::UNAUTHORIZED) => {
                *token = None;
                OfflineReason::SignedOut
            }
            // Whether the unit is revoked, the gateway says when asked for the next token.
            ConnectionError::Closed(CloseCode::FORBIDDEN) => {
                *token = None;
                OfflineReason::NotAllowed
            }
            ConnectionError::WrongUnit => {
                *token = None;
                OfflineReason::DispatcherUnreachable
            }
            _ => OfflineReason::DispatcherUnreachable,
        }
    }

    pub(crate) async fn save(&mut self) -> Result<(), StoreError> {
        self.boot.state.standing = Standing::Enrolled(self.enrollment.clone());
        self.boot.save().await
    }
}

impl From<Halt> for Interruption {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}
