//! Answers of the OAuth endpoints (RFC 6749 5.1 and 5.2, RFC 8628 3.5).

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::Request;
use domain::Rejection;
use identity::RetryAfter;
use serde_json::{Value, json};

/// Why a unit gets no token or code.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
    retry_after: Option<u64>,
}

impl OAuthError {
    fn new(status: StatusCode, error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status, error, description: description.into(), retry_after: None }
    }
    fn bad(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    pub(crate) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("invalid_request", description)
    }
    pub(crate) fn rejected(rejection: &Rejection) -> Self {
        let field = rejection.field.as_deref().unwrap_or("the request");
        Self::invalid_request(format!("{field}: {}", rejection.message))
    }
    pub(crate) fn invalid_client() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", "the client id of units is portal")
    }
    /// The unit is not set up, or not any more (RFC 6749 5.2: unknown client).
    pub(crate) fn unknown_unit() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", "the assertion names no unit that is set up")
    }
    pub(crate) fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("invalid_grant", description)
    }
    pub(crate) fn unsupported_grant_type() -> Self {
        Self::bad("unsupported_grant_type", "the grant type is neither device_code nor jwt-bearer")
    }
    pub(crate) fn access_denied(description: &'static str) -> Self {
        Self::bad("access_denied", description)
    }
    pub(crate) fn authorization_pending() -> Self {
        Self::bad("authorization_pending", "nobody has entered the code yet")
    }
    pub(crate) fn slow_down() -> Self {
        Self::bad("slow_down", "wait 5 seconds longer between two requests from now on")
    }
    pub(crate) fn expired_token() -> Self {
        Self::bad("expired_token", "nobody entered the code in time; begin again")
    }

    /// Too many requests from one address or in all.
    pub(crate) fn throttled(wait: RetryAfter) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self { retry_after: Some(wait.seconds()), ..Self::new(status, "slow_down", "too many requests; wait a while") }
    }
    /// Nothing was done; trying again is right.
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again in a moment")
    }
    /// The same, with a reason for the log alone.
    pub(crate) fn out_of_order(request: &Request, reason: &str) -> Self {
        tracing::error!(request = %request.correlation, reason, "a request failed");
        Self::unavailable()
    }

    pub(crate) fn into_answer(self) -> Response {
        let mut answer = respond(self.status, &json!({ "error": self.error, "error_description": self.description }));
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

/// What was asked for.
pub(crate) fn granted(body: &Value) -> Response {
    respond(StatusCode::OK, body)
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    (status, headers, body.to_string()).into_response()
}
