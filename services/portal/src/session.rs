//! One connection to the dispatcher: obeys commands, applies settings, reports, and keeps the token fresh.

use std::{convert::Infallible, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::{BoxFuture, FutureExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until};

use crate::{
    GatewayError, Screen, ScreenEvent,
    backoff::Backoff,
    boot::Halt,
    credentials::{Credentials, NOT_ENROLLED, Token},
    enrolled::{Enrolled, Interruption},
    protocol::{ConnectionError, DeviceCommand, DeviceFrame, Limits, Outcome, Status, UnitConnection, Welcome},
    state::{Duty, Enrollment},
    unit::Shared,
};

/// The account that every unit has once it is set up.
const OWN_ACCOUNT: &str = "portal_for_business";

/// An open command stream.
pub(crate) struct Session {
    connection: UnitConnection,
    /// What the platform knows of the unit's status.
    reported: Option<Status>,
    /// The platform's time at the welcome, and that moment: whether a command has expired does not depend on the clock
    /// of the unit.
    welcomed: (DateTime<Utc>, Instant),
}

impl Session {
    /// Connects, and subscribes to what comes after the last stored command.
    pub(crate) async fn open(shared: &Shared, token: &Token, unit: &Enrollment) -> Result<Self, ConnectionError> {
        let pacing = &shared.config.pacing;
        let limits = Limits { answer: pacing.request_timeout, silence: pacing.silence_limit };
        let mut connection = UnitConnection::open(&shared.network, &token.dispatcher, limits).await?;
        connection.initialise(&token.secret).await?;
        connection.subscribe(unit.after(), shared.config.window).await?;
        let first = tokio::time::timeout(limits.answer, connection.next_frame()).await;
        match first.map_err(|_| ConnectionError::TimedOut)?? {
            DeviceFrame::Welcome(welcome) if is_for(&welcome, unit) => {
                Ok(Self { connection, reported: None, welcomed: (welcome.server_time, Instant::now()) })
            }
            DeviceFrame::Welcome(_) => Err(ConnectionError::WrongUnit),
            _ => Err(ConnectionError::Malformed),
        }
    }

    pub(crate) async fn end(self) {
        self.connection.close().await;
    }

    fn platform_time(&self) -> DateTime<Utc> {
        let (time, moment) = self.welcomed;
        TimeDelta::from_std(moment.elapsed()).ok().and_then(|passed| time.checked_add_signed(passed)).unwrap_or(time)
    }
}

fn is_for(welcome: &Welcome, unit: &Enrollment) -> bool {
    welcome.device_id == unit.device_id && welcome.epoch == unit.epoch
}

impl<S: Screen> Enrolled<'_, '_, S> {
    /// Serves the session until it breaks or the boot ends.
    pub(crate) async fn attend(
        &mut self,
        session: &mut Session,
        token: &mut Token,
    ) -> Result<Infallible, Interruption> {
        let mut heartbeat = self.heartbeat();
        let mut renewal = self.renewal(token);
        loop {
            self.report_if_changed(session).await?;
            tokio::select! {
                frame = session.connection.next_frame() => self.handle(session, frame?).await?,
                _ = heartbeat.tick() => session.reported = None,
                renewed = &mut renewal => {
                    *token = self.renew(session, renewed).await?;
                    renewal = self.renewal(token);
                }
            }
        }
    }

    async fn handle(&mut self, session: &mut Session, frame: DeviceFrame) -> Result<(), Interruption> {
        match frame {
            DeviceFrame::DeviceCommand(command) => self.obey(session, &command).await,
            DeviceFrame::DesiredSettings(settings) => {
                if self.enrollment.apply(&settings) {
                    self.save().await?;
                    self.boot.unit.screen.show(ScreenEvent::Settings { name: settings.name });
                }
                Ok(())
            }
            DeviceFrame::StreamReset(reset) => {
                tracing::warn!(reason = %reset.reason, "the command stream begins anew");
                self.enrollment.reset(&reset);
                Ok(self.save().await?)
            }
            DeviceFrame::Revoked(revoked) => Err(Halt::Revoked(revoked.reason).into()),
            DeviceFrame::Unknown => Ok(()),
            DeviceFrame::Welcome(_) => Err(ConnectionError::Malformed.into()),
        }
    }

    /// Store, acknowledge, act: in this order, so that a crash anywhere neither loses a command nor repeats it.
    async fn obey(&mut self, session: &mut Session, command: &DeviceCommand) -> Result<(), Interruption> {
        let known = self.enrollment.last_sequence;
        let duty = self.enrollment.receive(command, session.platform_time());
        if self.enrollment.last_sequence != known {
            self.save().await?;
            let DeviceCommand { kind, sequence, .. } = *command;
            self.boot.unit.screen.show(ScreenEvent::CommandReceived { kind, sequence });
        }
        let acknowledged = session.connection.acknowledge(command).await;
        match duty {
            Duty::Reboot => match acknowledged {
                // The platform wants it no more, or has sent it anew: then the next acknowledgement decides.
                Ok(answer) if !answer.accepted() => {
                    tracing::debug!(errors = ?answer.user_errors, "an acknowledgement is refused");
                    Ok(())
                }
                // What is stored is done, even if the answer is lost: the new boot id tells the platform.
                Ok(_) | Err(_) => Err(Halt::Rebooting.into()),
            },
            Duty::Reject(code) => {
                acknowledged?;
                session.connection.report_result(command, Outcome::Rejected, Some(code)).await?;
                Ok(())
            }
            Duty::AcknowledgeAgain => {
                acknowledged?;
                Ok(())
            }
        }
    }

    async fn report_if_changed(&self, session: &mut Session) -> Result<(), ConnectionError> {
        let status = Status {
            boot_id: self.boot.boot_id,
            last_sequence: self.enrollment.last_sequence,
            software_version: self.boot.unit.shared.config.software_version.clone(),
            settings_revision: self.enrollment.settings_revision(),
            connected_accounts: vec![OWN_ACCOUNT.to_owned()],
        };
        if session.reported.as_ref() != Some(&status) {
            let answer = session.connection.report_status(&status).await?;
            if !answer.accepted() {
                tracing::debug!(errors = ?answer.user_errors, "a status report is refused");
            }
            session.reported = Some(status);
        }
        Ok(())
    }

    /// The first beat comes at a random moment, so that units that connected together do not report together.
    fn heartbeat(&self) -> Interval {
        let config = &self.boot.unit.shared.config;
        let first = Instant::now() + config.pacing.heartbeat.mul_f64(config.surroundings.fraction());
        let mut heartbeat = interval_at(first, config.pacing.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat
    }

    /// Gets the next token when it is time, while the session goes on.
    fn renewal(&self, token: &Token) -> BoxFuture<'static, Result<Token, GatewayError>> {
        let config = &self.boot.unit.shared.config;
        let due = token.renew_at(config.surroundings.fraction());
        let backoff = Backoff::new(config.pacing.retry_floor, config.pacing.retry_ceiling);
        next_token(Arc::clone(&self.credentials), due, backoff).boxed()
    }

    async fn renew(&self, session: &mut Session, renewed: Result<Token, GatewayError>) -> Result<Token, Interruption> {
        let token = renewed.map_err(|error| Halt::Revoked(error.reason()))?;
        if token.epoch != self.enrollment.epoch {
            return Err(ConnectionError::WrongUnit.into());
        }
        let answer = session.connection.renew_token(&token.secret).await?;
        match answer.user_errors.into_iter().next() {
            None => Ok(token),
            Some(error) => Err(ConnectionError::Refused(error.code).into()),
        }
    }
}

/// Fails only if the unit is not enrolled any more.
async fn next_token(credentials: Arc<Credentials>, due: Instant, mut backoff: Backoff) -> Result<Token, GatewayError> {
    sleep_until(due).await;
    loop {
        match credentials.token().await {
            Ok(token) => return Ok(token),
            Err(error) if error.code() == Some(NOT_ENROLLED) => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "no new access token yet");
                sleep(backoff.next(credentials.surroundings.fraction())).await;
            }
        }
    }
}
