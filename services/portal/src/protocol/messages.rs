//! The envelope: messages of `graphql-transport-ws` (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ConnectionError;

/// Longest message of the other side that is repeated in an error, in characters.
const LONGEST_QUOTE: usize = 200;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage<'a, V> {
    ConnectionInit { payload: InitPayload<'a> },
    Subscribe { id: &'a str, payload: Operation<'a, V> },
    Pong,
}

#[derive(Serialize)]
pub(super) struct InitPayload<'a> {
    pub(super) authorization: &'a str,
}

#[derive(Serialize)]
pub(super) struct Operation<'a, V> {
    pub(super) query: &'a str,
    pub(super) variables: V,
}

#[derive(Deserialize)]
pub(super) struct ServerMessage<'a> {
    #[serde(rename = "type")]
    pub(super) kind: ServerMessageKind,
    #[serde(default, borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub(super) payload: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ServerMessageKind {
    ConnectionAck,
    Ping,
    Pong,
    Next,
    Error,
    Complete,
}

#[derive(Deserialize)]
struct ExecutionResult<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphqlError>,
}

#[derive(Deserialize)]
struct GraphqlError {
    message: String,
}

impl ServerMessage<'_> {
    fn content(&self) -> &str {
        self.payload.map_or("null", RawValue::get)
    }

    /// The data of a `next` message.
    pub(super) fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ConnectionError> {
        let result: ExecutionResult<T> =
            serde_json::from_str(self.content()).map_err(|_| ConnectionError::Malformed)?;
        match result.data {
            Some(data) => Ok(data),
            None => Err(refusal(&result.errors)),
        }
    }

    /// What an `error` message says.
    pub(super) fn refusal(&self) -> ConnectionError {
        match serde_json::from_str::<Vec<GraphqlError>>(self.content()) {
            Ok(errors) => refusal(&errors),
            Err(_) => ConnectionError::Malformed,
        }
    }
}

fn refusal(errors: &[GraphqlError]) -> ConnectionError {
    let message = errors.first().map_or("", |error| error.message.as_str());
    ConnectionError::Refused(message.chars().filter(|c| !c.is_control()).take(LONGEST_QUOTE).collect())
}
