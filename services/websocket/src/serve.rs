//! The loop that serves one connection.

use std::{sync::Arc, time::Duration};

use async_graphql::{Data, ErrorExtensionValues, Executor, Request, Response, ServerError};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

use crate::{
    Close, Connection, Settings,
    connection::Wish,
    messages::{ClientMessage, ServerMessage},
    operations::{Operations, Yielded},
    settings::SUBPROTOCOL,
};

/// How long the last messages may take, and then the close frames of both sides.
const CLOSING_TIME: Duration = Duration::from_secs(1);
/// Messages that are still sent when the application ends the connection.
const LAST_MESSAGES: usize = 64;

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The server closed it.
    ByServer(Close),
    /// The peer closed it or was lost.
    ByPeer,
}

/// Serves one connection to its end.
///
/// `connect` is called with the payload of `connection_init` (null if there is none) and decides who it is; the data
/// that it returns is there for every operation, and the [`Connection`] beside it. `stop` ends the connection when the
/// server stops. When this future is dropped, everything that belongs to the connection is dropped with it.
pub async fn serve<E, F, R>(
    socket: WebSocket,
    executor: E,
    settings: &Settings,
    stop: CancellationToken,
    connect: F,
) -> Ended
where
    E: Executor,
    F: FnOnce(serde_json::Value, Connection) -> R + Send,
    R: Future<Output = Result<Data, Close>> + Send,
{
    let (connection, wish) = Connection::new();
    let operations = Operations::default();
    let mut server = Server { socket, executor, settings, operations, wish, heard_at: Instant::now(), data: None };
    let ended = match server.run(stop, connect, connection).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    };
    // Operations end before the goodbye, which may take a while.
    server.operations = Operations::default();
    server.say_goodbye(&ended).await;
    ended
}

enum Never {}

struct Server<'a, E> {
    socket: WebSocket,
    executor: E,
    settings: &'a Settings,
    operations: Operations,
    wish: watch::Receiver<Wish>,
    heard_at: Instant,
    data: Option<Arc<Data>>,
}

impl From<Close> for Ended {
    fn from(close: Close) -> Self {
        Self::ByServer(close)
    }
}

impl<E: Executor> Server<'_, E> {
    async fn run<F, R>(&mut self, stop: CancellationToken, connect: F, connection: Connection) -> Result<Never, Ended>
    where
        F: FnOnce(serde_json::Value, Connection) -> R,
        R: Future<Output = Result<Data, Close>>,
    {
        if self.socket.protocol().is_none_or(|protocol| protocol != SUBPROTOCOL) {
            return Err(Close::SUBPROTOCOL.into());
        }
        let first = tokio::select! {
            () = stop.cancelled() => return Err(Close::GOING_AWAY.into()),
            first = timeout(self.settings.init_timeout, self.init_payload()) => first,
        };
        let payload = first.map_err(|_| Close::INIT_TIMEOUT)??;
        let mut data = tokio::select! {
            () = stop.cancelled() => return Err(Close::GOING_AWAY.into()),
            data = connect(payload, connection.clone()) => data?,
        };
        data.insert(connection);
        self.data = Some(Arc::new(data));
        self.send(&ServerMessage::ConnectionAck).await?;
        self.converse(stop).await
    }

    /// Waits for `connection_init`; answers pings meanwhile.
    async fn init_payload(&mut self) -> Result<serde_json::Value, Ended> {
        loop {
            let received = self.socket.recv().await;
            match self.understand(received)? {
                None => self.flush().await?,
                Some(ClientMessage::Pong) => {}
                Some(ClientMessage::ConnectionInit { payload }) => return Ok(payload),
                Some(ClientMessage::Ping { payload }) => self.send(&ServerMessage::Pong { payload }).await?,
                Some(ClientMessage::Subscribe { .. } | ClientMessage::Complete { .. }) => {
                    return Err(Close::UNAUTHORIZED.into());
                }
            }
        }
    }

    async fn converse(&mut self, stop: CancellationToken) -> Result<Never, Ended> {
        let mut ping = interval_at(Instant::now() + self.settings.ping_interval, self.settings.ping_interval);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.take_wish().await?;
            tokio::select! {
                received = self.socket.recv() => match self.understand(received)? {
                    Some(message) => self.answer(message).await?,
                    None => self.flush().await?,
                },
                yielded = self.operations.select_next_some() => self.pass_on(yielded).await?,
                // Looked at anew in the next turn. It cannot end while the data holds a handle.
                _ = self.wish.changed() => {}
                close = pass(deadline) => return Err(close.into()),
                () = sleep_until(self.heard_at + self.settings.idle_timeout) => return Err(Close::SILENT.into()),
                _ = ping.tick() => self.write(Message::Ping(Default::default())).await?,
                () = stop.cancelled() => return Err(Close::GOING_AWAY.into()),
            }
        }
    }

    /// Ends the connection if the application wishes so; otherwise says until when it may last.
    async fn take_wish(&mut self) -> Result<Option<(Instant, Close)>, Ended> {
        let wish = self.wish.borrow_and_update().clone();
        let Some(close) = wish.close else { return Ok(wish.deadline) };
        // Not longer for a peer that reads slowly: it may just have lost the right to know more.
        match timeout(CLOSING_TIME, self.pass_on_what_is_ready()).await {
            Ok(Err(ended)) => Err(ended),
            Ok(Ok(())) | Err(_) => Err(close.into()),
        }
    }

    async fn pass_on_what_is_ready(&mut self) -> Result<(), Ended> {
        for _ in 0..LAST_MESSAGES {
            let Some(yielded) = self.operations.select_next_some().now_or_never() else { break };
            self.pass_on(yielded).await?;
        }
        Ok(())
    }

    /// None for control frames. The socket answers them by itself, in memory without bound: [`Self::flush`] before more
    /// is read.
    fn understand(&mut self, received: Option<Result<Message, axum::Error>>) -> Result<Option<ClientMessage>, Ended> {
        let message = match received {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(because(error)),
            None => return Err(Ended::ByPeer),
        };
        self.heard_at = Instant::now();
        match message {
            Message::Text(text) => ClientMessage::parse(&text).map(Some).ok_or_else(|| Close::INVALID_MESSAGE.into()),
            Message::Binary(_) => Err(Close::INVALID_MESSAGE.into()),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => Err(Ended::ByPeer),
        }
    }

    async fn answer(&mut self, message: ClientMessage) -> Result<(), Ended> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err(Close::TOO_MANY_INITS.into()),
            ClientMessage::Ping { payload } => self.send(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.begin(id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    async fn begin(&mut self, id: String, request: Request) -> Result<(), Ended> {
        if self.operations.contains(&id) {
            return Err(Close::subscriber_exists(&id).into());
        }
        if self.operations.len() >= self.settings.max_operations {
            return self.send(&ServerMessage::Error { id: &id, payload: &[too_many_operations()] }).await;
        }
        let responses = self.executor.execute_stream(request, self.data.clone());
        self.operations.insert(id, responses);
        Ok(())
    }

    async fn pass_on(&mut self, yielded: Yielded) -> Result<(), Ended> {
        match yielded {
            Yielded::Completed { id } => self.send(&ServerMessage::Complete { id: &id }).await,
            Yielded::Response { id, response } => self.respond(&id, &response).await,
        }
    }

    async fn respond(&mut self, id: &str, response: &Response) -> Result<(), Ended> {
        let message = ServerMessage::response(id, response);
        if message.is_error() {
            // An error ends the operation; no `complete` may follow.
            self.operations.remove(id);
        }
        self.send(&message).await
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Ended> {
        let json = message.to_json().ok_or(Close::INTERNAL_ERROR)?;
        self.write(Message::Text(json.into())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Ended> {
        in_time(self.settings, self.socket.send(message)).await
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        in_time(self.settings, self.socket.flush()).await
    }

    /// Sends the close frame and waits a moment for the peer's, so that it is read before the connection is cut. Where
    /// the peer was first, reading on sends the answer to its frame.
    async fn say_goodbye(&mut self, ended: &Ended) {
        let goodbye = async {
            if let Ended::ByServer(close) = ended {
                let frame = CloseFrame { code: close.code, reason: close.fitting_reason().into() };
                self.socket.send(Message::Close(Some(frame))).await?;
            }
            while let Some(message) = self.socket.recv().await {
                message?;
                self.socket.flush().await?;
            }
            Ok::<_, axum::Error>(())
        };
        // Too late, or not at all, is as good as answered.
        drop(timeout(CLOSING_TIME, goodbye).await);
    }
}

/// A peer that does not read is dropped: a close frame would not reach it either.
async fn in_time(settings: &Settings, sent: impl Future<Output = Result<(), axum::Error>>) -> Result<(), Ended> {
    match timeout(settings.write_timeout, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Ended::ByPeer),
    }
}

/// Waits until the deadline; for ever if there is none.
async fn pass(deadline: Option<(Instant, Close)>) -> Close {
    match deadline {
        Some((at, close)) => {
            sleep_until(at).await;
            close
        }
        None => std::future::pending().await,
    }
}

/// Tells what the peer did wrong from a lost connection.
fn because(error: axum::Error) -> Ended {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Close::TOO_BIG.into(),
        Some(tungstenite::Error::Utf8(_)) => Close::INVALID_MESSAGE.into(),
        _ => Ended::ByPeer,
    }
}

fn too_many_operations() -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", "TOO_MANY_OPERATIONS");
    let mut error = ServerError::new("Too many operations are under way on this connection.", None);
    error.extensions = Some(extensions);
    error
}
