//! How a connection ends.

use tokio_tungstenite::tungstenite;

use crate::NetworkError;

/// What the dispatcher says when it closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The token is bad or has ended.
    pub const UNAUTHORIZED: Self = Self(4401);
    /// Revoked, or not allowed.
    pub const FORBIDDEN: Self = Self(4403);
    /// No `connection_init` in time.
    pub const INIT_TIMEOUT: Self = Self(4408);
    /// The id of a subscription is already in use.
    pub const DUPLICATE_SUBSCRIPTION: Self = Self(4409);
    /// A newer connection of the same unit took over.
    pub const REPLACED: Self = Self(4410);
    /// A second `connection_init`.
    pub const TOO_MANY_INITS: Self = Self(4429);
}

/// The connection to the dispatcher is over, or did what was asked fail on it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The dispatcher closed the connection.
    #[error("the dispatcher closed the connection with code {}", .0.0)]
    Closed(CloseCode),
    /// The connection ended without a word.
    #[error("the connection ended")]
    Ended,
    /// The WebSocket failed, or could not be opened.
    #[error("the connection failed: {0}")]
    Transport(#[source] Box<tungstenite::Error>),
    /// Nothing arrived for longer than a living connection is silent.
    #[error("the connection is dead: nothing arrived for too long")]
    Silent,
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The dispatcher refused an operation as a whole.
    #[error("the dispatcher refused: {0}")]
    Refused(String),
    /// The command stream ended although the connection did not.
    #[error("the command stream ended")]
    StreamEnded,
    /// Something arrived that the protocol does not have, or not at this point.
    #[error("what arrived is not what the protocol says")]
    Malformed,
    /// The dispatcher sent more frames than the window allows.
    #[error("more frames arrived than were asked for")]
    TooManyFrames,
    /// The dispatcher takes this unit for another one.
    #[error("the dispatcher takes this unit for another one")]
    WrongUnit,
    /// There is no way to the address of the dispatcher.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl From<tungstenite::Error> for ConnectionError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Self::Ended,
            other => Self::Transport(Box::new(other)),
        }
    }
}
