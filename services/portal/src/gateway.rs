//! The unit's side of the gateway: device authorization (RFC 8628) and tokens (RFC 7523).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::{Response, StatusCode, Url, header};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};

use crate::{Network, Secret};

/// Longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
const CLIENT_ID: &str = "portal";
/// RFC 8628 section 3.4.
const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 7523 section 2.1.
const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Speaks to the gateway.
#[derive(Debug, Clone)]
pub struct Gateway {
    network: Arc<Network>,
    device_authorization: Url,
    token: Url,
}

/// What a unit says of itself when it asks for a code.
#[derive(Debug, Serialize)]
pub struct Registration<'a> {
    /// Serial number.
    pub serial: &'a str,
    /// Model.
    pub model: &'a str,
    /// Version of the unit's software.
    pub software_version: &'a str,
    /// The unit's public key, a JWK in JSON.
    pub jwk: &'a str,
}

/// The answer to a [`Registration`] (RFC 8628 section 3.2).
#[derive(Debug, Deserialize)]
pub struct DeviceAuthorization {
    /// What the unit polls with.
    pub device_code: Secret,
    /// What the unit shows.
    pub user_code: String,
    /// Where the person enters it.
    pub verification_uri: String,
    /// Life of both codes, in seconds.
    pub expires_in: u32,
    /// Time between two polls, in seconds; 5 if the gateway does not say.
    #[serde(default = "default_interval")]
    pub interval: u32,
}

/// RFC 8628 section 3.2.
fn default_interval() -> u32 {
    5
}

/// An access token and what belongs to it.
#[derive(Debug, Deserialize)]
pub struct Grant {
    /// Opens the dispatcher.
    pub access_token: Secret,
    /// Life of the token, in seconds.
    pub expires_in: u32,
    /// Which device the unit is.
    pub device_id: String,
    /// Which enrollment of the hardware this is.
    pub epoch: u64,
    /// Where the dispatcher is.
    #[serde(deserialize_with = "url")]
    pub dispatcher_url: Url,
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// The gateway did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The gateway refused, with an error code of OAuth.
    #[error("the gateway refused: {code}")]
    Refused {
        /// The code, such as `authorization_pending`.
        code: String,
        /// What the gateway says about it.
        description: Option<String>,
        /// The gateway's time.
        time: Option<DateTime<Utc>>,
    },
    /// The gateway cannot answer now: too busy or broken.
    #[error("the gateway answered with status {0}")]
    Status(StatusCode),
    /// The request did not get through.
    #[error("the gateway cannot be reached: {0}")]
    Transport(#[source] reqwest::Error),
    /// The answer is longer than any real one.
    #[error("the gateway's answer is too long")]
    TooLong,
    /// The answer is not what the protocol says.
    #[error("the gateway's answer cannot be understood")]
    Malformed,
}

impl GatewayError {
    /// The code, if the gateway refused.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// What to tell the person: the gateway's words, or else its code.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Refused { code, description, .. } => description.unwrap_or(code),
            other => other.to_string(),
        }
    }
}

#[derive(Deserialize)]
struct OauthError {
    error: String,
    error_description: Option<String>,
}

#[derive(Serialize)]
struct Form<'a, T> {
    client_id: &'a str,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct DeviceCodeGrant<'a> {
    grant_type: &'a str,
    device_code: &'a str,
}

#[derive(Serialize)]
struct AssertionGrant<'a> {
    grant_type: &'a str,
    assertion: &'a str,
}

impl Gateway {
    /// The gateway whose public origin is `origin`.
    ///
    /// # Errors
    /// The address cannot have a path.
    pub fn new(network: Arc<Network>, origin: &Url) -> Result<Self, crate::NetworkError> {
        let endpoint = |path| origin.join(path).map_err(|_| crate::NetworkError::Scheme);
        Ok(Self {
            network,
            device_authorization: endpoint("/oauth/device_authorization")?,
            token: endpoint("/oauth/token")?,
        })
    }

    /// The address of the token endpoint: the audience of assertions.
    pub fn audience(&self) -> &str {
        self.token.as_str()
    }

    /// Asks for a code to show.
    ///
    /// # Errors
    /// `access_denied` if the hardware is still enrolled or must never be used again; or the gateway cannot be reached.
    pub async fn authorize(&self, unit: &Registration<'_>) -> Result<DeviceAuthorization, GatewayError> {
        self.post(&self.device_authorization, unit).await
    }

    /// Asks whether the code has been entered.
    ///
    /// # Errors
    /// `authorization_pending`, `slow_down`, `expired_token`, `access_denied` or `invalid_grant` (RFC 8628 section 3.5);
    /// or the gateway cannot be reached.
    pub async fn redeem(&self, device_code: &Secret) -> Result<Grant, GatewayError> {
        self.post(&self.token, DeviceCodeGrant { grant_type: DEVICE_CODE_GRANT, device_code: device_code.reveal() })
            .await
    }

    /// Asks for an access token with a signed assertion.
    ///
    /// # Errors
    /// `invalid_client` if the unit is not enrolled any more, `invalid_grant` if the assertion is not accepted; or the gateway cannot be reached.
    pub async fn assert(&self, assertion: &str) -> Result<Grant, GatewayError> {
        self.post(&self.token, AssertionGrant { grant_type: JWT_BEARER_GRANT, assertion }).await
    }

    async fn post<T: DeserializeOwned>(&self, url: &Url, rest: impl Serialize) -> Result<T, GatewayError> {
        let _turn = self.network.turn().await;
        let form = Form { client_id: CLIENT_ID, rest };
        let sent = self.network.http.post(url.clone()).form(&form).send().await;
        let response = sent.map_err(|error| GatewayError::Transport(error.without_url()))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(GatewayError::Status(status));
        }
        let time = server_time(&response);
        let body = read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| GatewayError::Malformed);
        }
        match serde_json::from_slice::<OauthError>(&body) {
            Ok(error) => Err(GatewayError::Refused { code: error.error, description: error.error_description, time }),
            Err(_) => Err(GatewayError::Status(status)),
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, GatewayError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| GatewayError::Transport(error.without_url()))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(GatewayError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// RFC 9110 section 6.6.1.
fn server_time(response: &Response) -> Option<DateTime<Utc>> {
    let date = response.headers().get(header::DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}
