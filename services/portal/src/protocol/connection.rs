//! One connection to the dispatcher.

use std::{collections::VecDeque, time::Duration};

use futures::{SinkExt, StreamExt};
use reqwest::Url;
use serde::Serialize;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Message, Utf8Bytes,
        client::IntoClientRequest,
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::{CloseFrame, WebSocketConfig, frame::coding},
    },
};

use super::{
    Answer, CloseCode, ConnectionError, Cursor, DeviceCommand, DeviceFrame, Outcome, Status,
    messages::{ClientMessage, InitPayload, Operation, ServerMessage, ServerMessageKind},
    operations::{
        ACKNOWLEDGE, AnswerData, COMMANDS, CommandVariables, CommandsData, CommandsVariables, RENEW_TOKEN,
        REPORT_STATUS, RenewVariables,
    },
};
use crate::{Network, Secret};

const SUBPROTOCOL: &str = "graphql-transport-ws";
/// Longest message that is read, in bytes: the longest real frame has about 1 KiB.
const LONGEST_MESSAGE: usize = 64 * 1024;
/// Buffers per connection, in bytes: small, since one process may have many thousands.
const BUFFER: usize = 2 * 1024;
/// The id of the subscription to the command stream.
const STREAM_ID: &str = "commands";
/// How many frames are kept while an answer is awaited: the window and the settings fit many times.
const MOST_FRAMES: usize = 64;
/// How long saying goodbye may take.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// How long a connection waits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For an answer.
    pub answer: Duration,
    /// For anything at all to arrive.
    pub silence: Duration,
}

/// A connection of a unit to the dispatcher. After an error it is of no use any more.
///
/// The steps are [`open`](Self::open), [`initialise`](Self::initialise), [`subscribe`](Self::subscribe), then
/// [`next_frame`](Self::next_frame) in turn with the mutations.
pub struct UnitConnection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    limits: Limits,
    heard_at: Instant,
    operations: u64,
    /// Frames that arrived while an answer was awaited.
    frames: VecDeque<DeviceFrame>,
}

/// What arrives: a frame of the stream or the answer to a mutation.
enum Incoming {
    Ready,
    Frame(DeviceFrame),
    Answer { id: String, answer: Answer },
}

impl UnitConnection {
    /// Opens the WebSocket, and no more.
    ///
    /// # Errors
    /// The address is not one of a WebSocket, or it does not answer in time.
    pub async fn open(network: &Network, url: &Url, limits: Limits) -> Result<Self, ConnectionError> {
        let connector = network.connector(url)?;
        let mut request = url.as_str().into_client_request()?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(LONGEST_MESSAGE)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let _turn = network.turn().await;
        let opening = Box::pin(connect_async_tls_with_config(request, Some(config), true, Some(connector)));
        let (socket, _) = timeout(limits.answer, opening).await.map_err(|_| ConnectionError::TimedOut)??;
        Ok(Self { socket, limits, heard_at: Instant::now(), operations: 0, frames: VecDeque::new() })
    }

    /// Signs in with an access token and waits until that is accepted.
    ///
    /// # Errors
    /// The token is not accepted ([`CloseCode::UNAUTHORIZED`], [`CloseCode::FORBIDDEN`]), or the connection failed.
    pub async fn initialise(&mut self, token: &Secret) -> Result<(), ConnectionError> {
        let authorization = format!("Bearer {}", token.reveal());
        let payload = InitPayload { authorization: &authorization };
        self.send::<()>(&ClientMessage::ConnectionInit { payload }).await?;
        match self.within_time(Self::receive).await? {
            Incoming::Ready => Ok(()),
            Incoming::Frame(_) | Incoming::Answer { .. } => Err(ConnectionError::Malformed),
        }
    }

    /// Subscribes to the commands after the last stored one, at most `window` unacknowledged at once.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn subscribe(&mut self, after: Option<u64>, window: u32) -> Result<(), ConnectionError> {
        let variables = CommandsVariables { after: after.map(Cursor), window };
        let payload = Operation { query: COMMANDS, variables };
        self.send(&ClientMessage::Subscribe { id: STREAM_ID, payload }).await
    }

    /// Waits for the next frame of the command stream. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// The stream or the connection ended, or nothing at all arrived for too long.
    pub async fn next_frame(&mut self) -> Result<DeviceFrame, ConnectionError> {
        if let Some(frame) = self.frames.pop_front() {
            return Ok(frame);
        }
        loop {
            // An answer that nobody awaits any more belongs to a call that was dropped.
            if let Incoming::Frame(frame) = self.receive().await? {
                return Ok(frame);
            }
        }
    }

    /// Tells that the command is stored.
    ///
    /// # Errors
    /// The connection failed or the answer did not come in time.
    pub async fn acknowledge(&mut self, command: &DeviceCommand) -> Result<Answer, ConnectionError> {
        let variables = CommandVariables { command_id: &command.command_id, attempt: command.attempt, detail: None };
        self.call(ACKNOWLEDGE, variables).await
    }

    /// Tells how a command ended, with a code of the unit's own.
    ///
    /// # Errors
    /// The connection failed or the answer did not come in time.
    pub async fn report_result(
        &mut self,
        command: &DeviceCommand,
        outcome: Outcome,
        detail: Option<&str>,
    ) -> Result<Answer, ConnectionError> {
        let variables = CommandVariables { command_id: &command.command_id, attempt: command.attempt, detail };
        self.call(outcome.report(), variables).await
    }

    /// Tells how the unit is.
    ///
    /// # Errors
    /// The connection failed or the answer did not come in time.
    pub async fn report_status(&mut self, status: &Status) -> Result<Answer, ConnectionError> {
        self.call(REPORT_STATUS, status).await
    }

    /// Lets the connection live as long as another access token.
    ///
    /// # Errors
    /// The connection failed or the answer did not come in time.
    pub async fn renew_token(&mut self, token: &Secret) -> Result<Answer, ConnectionError> {
        self.call(RENEW_TOKEN, RenewVariables::new(token)).await
    }

    /// Sends any text: for tests that break the protocol.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<(), ConnectionError> {
        let message = Message::Text(Utf8Bytes::from(text.into()));
        timeout(self.limits.answer, self.socket.send(message)).await.map_err(|_| ConnectionError::TimedOut)??;
        Ok(())
    }

    /// Says goodbye, as far as that is possible.
    pub async fn close(mut self) {
        let frame = CloseFrame { code: coding::CloseCode::Normal, reason: Utf8Bytes::from_static("") };
        // Whether the other side hears it makes no difference any more.
        drop(timeout(CLOSING_TIME, self.socket.close(Some(frame))).await);
    }

    async fn send<V: Serialize>(&mut self, message: &ClientMessage<'_, V>) -> Result<(), ConnectionError> {
        let text = serde_json::to_string(message).map_err(|_| ConnectionError::Malformed)?;
        self.send_text(text).await
    }

    async fn call<V: Serialize>(&mut self, query: &str, variables: V) -> Result<Answer, ConnectionError> {
        self.operations += 1;
        let id = self.operations.to_string();
        self.send(&ClientMessage::Subscribe { id: &id, payload: Operation { query, variables } }).await?;
        self.within_time(async |connection: &mut Self| connection.answer_to(&id).await).await
    }

    async fn answer_to(&mut self, awaited: &str) -> Result<Answer, ConnectionError> {
        loop {
            match self.receive().await? {
                Incoming::Answer { id, answer } if id == awaited => return Ok(answer),
                Incoming::Frame(_) if self.frames.len() >= MOST_FRAMES => return Err(ConnectionError::TooManyFrames),
                Incoming::Frame(frame) => self.frames.push_back(frame),
                Incoming::Answer { .. } | Incoming::Ready => {}
            }
        }
    }

    async fn within_time<T>(
        &mut self,
        step: impl AsyncFnOnce(&mut Self) -> Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        timeout(self.limits.answer, step(self)).await.map_err(|_| ConnectionError::TimedOut)?
    }

    /// Reads until something arrives that is not mere upkeep, which is answered on the way.
    async fn receive(&mut self) -> Result<Incoming, ConnectionError> {
        loop {
            let deadline = self.heard_at + self.limits.silence;
            let arrived = timeout_at(deadline, self.socket.next()).await.map_err(|_| ConnectionError::Silent)?;
            self.heard_at = Instant::now();
            match arrived.ok_or(ConnectionError::Ended)?? {
                Message::Text(text) => match interpret(&text)? {
                    Some(Received::Incoming(incoming)) => return Ok(incoming),
                    Some(Received::Ping) => self.send::<()>(&ClientMessage::Pong).await?,
                    None => {}
                },
                Message::Close(frame) => return Err(closed(frame)),
                // The library answers pings of the WebSocket itself at the next read.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Binary(_) | Message::Frame(_) => return Err(ConnectionError::Malformed),
            }
        }
    }
}

enum Received {
    Incoming(Incoming),
    Ping,
}

fn interpret(text: &str) -> Result<Option<Received>, ConnectionError> {
    let message: ServerMessage<'_> = serde_json::from_str(text).map_err(|_| ConnectionError::Malformed)?;
    let of_stream = message.id.as_deref() == Some(STREAM_ID);
    let incoming = match message.kind {
        ServerMessageKind::Ping => return Ok(Some(Received::Ping)),
        ServerMessageKind::ConnectionAck => Incoming::Ready,
        ServerMessageKind::Next if of_stream => Incoming::Frame(message.data::<CommandsData>()?.device_commands),
        ServerMessageKind::Next => {
            let answer = message.data::<AnswerData>()?.answer;
            Incoming::Answer { id: message.id.unwrap_or_default().into_owned(), answer }
        }
        ServerMessageKind::Error => return Err(message.refusal()),
        ServerMessageKind::Complete if of_stream => return Err(ConnectionError::StreamEnded),
        ServerMessageKind::Complete | ServerMessageKind::Pong => return Ok(None),
    };
    Ok(Some(Received::Incoming(incoming)))
}

fn closed(frame: Option<CloseFrame>) -> ConnectionError {
    frame.map_or(ConnectionError::Ended, |frame| ConnectionError::Closed(CloseCode(frame.code.into())))
}
