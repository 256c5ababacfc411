//! Access tokens for an enrolled unit, got with assertions that its key signs (RFC 7523).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde::Serialize;
use tokio::time::Instant;

use crate::{Gateway, GatewayError, Grant, Secret, Surroundings, UnitKey};

/// Life of an assertion: the platform takes at most 5 minutes, one is plenty for a single request.
const ASSERTION_LIFE: TimeDelta = TimeDelta::seconds(60);
/// A refusal by a gateway whose clock differs by more than this may be due to the unit's clock.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(30);
/// The code of a refusal that is final: the unit is not enrolled (any more).
pub(crate) const NOT_ENROLLED: &str = "invalid_client";
/// The platform does not accept the assertion (RFC 7523 3.1): a wrong clock, origin or key. Says nothing about the
/// enrollment, so nothing is forgotten.
const NOT_ACCEPTED: &str = "invalid_grant";

/// What an enrolled unit proves itself with.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) gateway: Gateway,
    pub(crate) key: UnitKey,
    pub(crate) device_id: String,
    pub(crate) surroundings: Surroundings,
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) epoch: u64,
    pub(crate) dispatcher: Url,
    pub(crate) got_at: Instant,
    pub(crate) life: Duration,
}

impl Token {
    pub(crate) fn new(grant: Grant) -> Self {
        Self {
            secret: grant.access_token,
            epoch: grant.epoch,
            dispatcher: grant.dispatcher_url,
            got_at: Instant::now(),
            life: Duration::from_secs(grant.expires_in.into()),
        }
    }

    /// When to get the next one: at about 80 % of its life; `fraction` (0 to 1) keeps many units apart.
    pub(crate) fn renew_at(&self, fraction: f64) -> Instant {
        self.got_at + self.life.mul_f64(0.75 + 0.1 * fraction)
    }

    /// Whether it is still good for a new connection.
    pub(crate) fn is_fresh(&self) -> bool {
        self.got_at.elapsed() < self.life.mul_f64(0.75)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

impl Credentials {
    /// Gets an access token.
    pub(crate) async fn token(&self) -> Result<Token, GatewayError> {
        let now = self.surroundings.clock.now();
        match self.token_at(now).await {
            // A unit whose clock is wrong would be refused for that alone: it must not take this for a revocation.
            Err(GatewayError::Refused { code, time: Some(time), .. })
                if code == NOT_ACCEPTED && (time - now).abs() > CLOCK_TOLERANCE =>
            {
                tracing::warn!(seconds = (time - now).num_seconds(), "the unit's clock differs from the gateway's");
                self.token_at(time).await
            }
            result => result,
        }
    }

    async fn token_at(&self, now: DateTime<Utc>) -> Result<Token, GatewayError> {
        let claims = Claims {
            iss: &self.device_id,
            sub: &self.device_id,
            aud: self.gateway.audience(),
            iat: now.timestamp(),
            exp: (now + ASSERTION_LIFE).timestamp(),
            jti: self.surroundings.uuid().to_string(),
        };
        let assertion = self.key.sign(&claims).map_err(|_| GatewayError::Malformed)?;
        let grant = self.gateway.assert(&assertion).await?;
        // A token of another device would make this unit obey the commands of that one.
        if grant.device_id == self.device_id { Ok(Token::new(grant)) } else { Err(GatewayError::Malformed) }
    }
}
