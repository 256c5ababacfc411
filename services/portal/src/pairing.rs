//! The unit shows a code until somebody connects it (RFC 8628).

use chrono::TimeDelta;

use crate::{
    GatewayError, OfflineReason, PortalError, Registration, Screen, ScreenEvent,
    boot::{Boot, Halt},
    credentials::Token,
    state::{Enrollment, PendingPairing, Standing},
};

/// Added to the interval at each `slow_down`: RFC 8628 section 3.5.
const SLOW_DOWN_SECONDS: u64 = 5;
/// Longest interval that is honoured, so that a wrong answer cannot silence the unit.
const LONGEST_INTERVAL_SECONDS: u64 = 60;
/// The gateway says when a code has ended; should it not, the unit asks anew this long after.
const GRACE: TimeDelta = TimeDelta::seconds(30);

enum Poll {
    Connected(Box<crate::Grant>),
    Pending,
    SlowDown,
    Ended,
    Unreachable,
}

impl<S: Screen> Boot<'_, S> {
    /// Returns once the unit belongs to an organization, and has stored that it does.
    pub(crate) async fn pair(&mut self) -> Result<(Enrollment, Token), Halt> {
        loop {
            let pending = self.code_to_show().await?;
            self.unit.screen.show(ScreenEvent::ShowCode {
                code: pending.user_code.clone(),
                uri: pending.verification_uri.clone(),
                expires: pending.expires_at,
            });
            match self.poll(&pending).await? {
                Some(grant) => {
                    let enrollment = Enrollment::new(grant.device_id.clone(), grant.epoch);
                    self.state.standing = Standing::Enrolled(enrollment.clone());
                    self.save().await?;
                    self.unit.screen.show(ScreenEvent::Paired { device_id: grant.device_id.clone() });
                    return Ok((enrollment, Token::new(*grant)));
                }
                None => self.state.standing = Standing::Unpaired,
            }
        }
    }

    /// The code of before the restart, if it is still good, or else a new one.
    async fn code_to_show(&mut self) -> Result<PendingPairing, Halt> {
        if let Standing::Pairing(pending) = &self.state.standing
            && pending.expires_at > self.unit.shared.config.surroundings.clock.now()
        {
            return Ok(pending.clone());
        }
        let pending = self.ask_for_code().await?;
        self.state.standing = Standing::Pairing(pending.clone());
        self.save().await?;
        Ok(pending)
    }

    async fn ask_for_code(&mut self) -> Result<PendingPairing, Halt> {
        let jwk = self.key.public_jwk();
        let config = &self.unit.shared.config;
        loop {
            let asked_at = config.surroundings.clock.now();
            let registration = Registration {
                serial: &self.state.serial,
                model: &self.state.model,
                software_version: &config.software_version,
                jwk: &jwk,
            };
            match self.unit.shared.gateway.authorize(&registration).await {
                Ok(answer) => {
                    self.backoff.reset();
                    return Ok(PendingPairing {
                        device_code: answer.device_code,
                        user_code: answer.user_code,
                        verification_uri: answer.verification_uri,
                        expires_at: asked_at + TimeDelta::seconds(answer.expires_in.into()),
                        interval_seconds: answer.interval.into(),
                    });
                }
                Err(error) => match error.code() {
                    Some("access_denied") => return Err(Halt::Denied(error.reason())),
                    Some("slow_down" | "temporarily_unavailable") | None => {
                        tracing::debug!(%error, "no code yet");
                        self.pause(OfflineReason::GatewayUnreachable).await;
                    }
                    Some(_) => return Err(Halt::Failed(PortalError::Registration(error))),
                },
            }
        }
    }

    /// None once the code has ended.
    async fn poll(&mut self, pending: &PendingPairing) -> Result<Option<Box<crate::Grant>>, Halt> {
        let mut interval = pending.interval_seconds.clamp(1, LONGEST_INTERVAL_SECONDS);
        let second = self.unit.shared.config.pacing.polling_second;
        loop {
            tokio::time::sleep(second.saturating_mul(u32::try_from(interval).unwrap_or(u32::MAX))).await;
            match self.poll_once(pending).await? {
                Poll::Connected(grant) => return Ok(Some(grant)),
                Poll::Pending => {}
                Poll::SlowDown => interval = (interval + SLOW_DOWN_SECONDS).min(LONGEST_INTERVAL_SECONDS),
                Poll::Ended => return Ok(None),
                // RFC 8628 section 3.5 asks for exponential back-off on top of the interval.
                Poll::Unreachable => tokio::time::sleep(self.next_wait()).await,
            }
            if self.unit.shared.config.surroundings.clock.now() >= pending.expires_at + GRACE {
                return Ok(None);
            }
        }
    }

    async fn poll_once(&mut self, pending: &PendingPairing) -> Result<Poll, Halt> {
        let error = match self.unit.shared.gateway.redeem(&pending.device_code).await {
            Ok(grant) => return Ok(Poll::Connected(Box::new(grant))),
            Err(error) => error,
        };
        if !matches!(error, GatewayError::Refused { .. }) {
            tracing::debug!(%error, "cannot poll");
            return Ok(Poll::Unreachable);
        }
        self.backoff.reset();
        match error.code() {
            Some("authorization_pending") => Ok(Poll::Pending),
            Some("slow_down") => Ok(Poll::SlowDown),
            // A device code that the gateway does not know is as useless as one that has ended.
            Some("expired_token" | "invalid_grant") => Ok(Poll::Ended),
            Some("access_denied") => Err(Halt::Denied(error.reason())),
            _ => Err(Halt::Failed(PortalError::Registration(error))),
        }
    }
}
