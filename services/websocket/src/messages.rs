//! The messages of the protocol.

use async_graphql::{Request, Response, ServerError, Value};
use serde::{Deserialize, Serialize};

/// Longest id of an operation, in bytes: four times a UUID in its usual form.
const LONGEST_ID: usize = 144;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // Lives for one turn of the loop.
pub(crate) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: serde_json::Value,
    },
    Ping {
        #[serde(default)]
        payload: Option<serde_json::Value>,
    },
    Pong,
    Subscribe {
        id: String,
        payload: Request,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// None if it is not a message of the protocol.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|message| match message {
            Self::Subscribe { id, .. } => !id.is_empty() && id.len() <= LONGEST_ID,
            _ => true,
        })
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<serde_json::Value>,
    },
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

impl<'a> ServerMessage<'a> {
    /// A response as the protocol sends it: an operation that was not even begun gets an `error`, which ends it.
    pub(crate) fn response(id: &'a str, response: &'a Response) -> Self {
        // Errors of parsing and validation concern no field, so they have no path.
        let refused = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        if refused { Self::Error { id, payload: &response.errors } } else { Self::Next { id, payload: response } }
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error { .. })
    }

    /// As JSON; none if the payload cannot be written, which does not happen with what GraphQL yields.
    pub(crate) fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}
