//! Files that are written while the client takes them.

use std::{io, time::Duration};

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::Code;
use futures::stream;
use tokio::sync::{mpsc, mpsc::error::SendTimeoutError};
use uuid::Uuid;

use crate::errors::Stop;

/// Downloads at once in one process, and of one organization.
pub(crate) const DOWNLOADS_AT_ONCE: usize = 16;
pub(crate) const DOWNLOADS_OF_ONE: usize = 4;
/// Pieces that are ready before the client takes them.
const AHEAD: usize = 2;
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(60);

enum Piece {
    Bytes(Vec<u8>),
    /// The client has all.
    End,
}

/// Where pieces are given out.
pub(crate) struct Pieces(mpsc::Sender<Piece>);

/// What the pieces make. It ends well only with the last piece; else the connection is cut, by which the client knows.
pub(crate) fn pieces() -> (Pieces, Body) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let body = stream::unfold(Some(receiver), |pieces| async move {
        let mut pieces = pieces?;
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(pieces))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the file was cut off")), None)),
        }
    });
    (Pieces(sender), Body::from_stream(body))
}

impl Pieces {
    /// Waits until the client has taken enough, and gives out a piece; false if the client is gone.
    pub(crate) async fn give(&self, bytes: Vec<u8>) -> Result<bool, Stop> {
        match self.0.send_timeout(Piece::Bytes(bytes), PATIENCE).await {
            Ok(()) => Ok(true),
            Err(SendTimeoutError::Closed(_)) => Ok(false),
            Err(SendTimeoutError::Timeout(_)) => Err(Stop::Unavailable("the client takes nothing".to_owned())),
        }
    }

    /// Says that it was all.
    pub(crate) async fn end(self) {
        // An error only says that the client is gone.
        self.0.send_timeout(Piece::End, PATIENCE).await.ok();
    }
}

/// The answer to a request for a file that is refused.
pub(crate) fn refusal(stop: Stop, correlation: Uuid) -> Response {
    if let Some(reason) = stop.trouble() {
        tracing::error!(request = %correlation, reason, "a download failed");
    }
    let (status, text) = match stop {
        Stop::Rejected(rejections) => {
            let rejection = rejections.into_iter().next().unwrap_or_else(|| Code::Unavailable.into());
            let status = match rejection.code {
                Code::NotSignedIn => StatusCode::UNAUTHORIZED,
                Code::Forbidden => StatusCode::FORBIDDEN,
                Code::NotFound => StatusCode::NOT_FOUND,
                Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_REQUEST,
            };
            let field = rejection.field.map(|field| format!(" ({field})")).unwrap_or_default();
            (status, format!("{}{field}: {}\n", rejection.code.name(), rejection.message))
        }
        Stop::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment.\n".to_owned()),
        Stop::Fault(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.\n".to_owned()),
    };
    (status, text).into_response()
}
