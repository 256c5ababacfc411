//! A client of the subscriptions.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::{Client, Installation};

pub struct Live(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What came over a connection.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Message(Value),
    Closed(u16),
}

impl Live {
    pub async fn open(installation: &Installation, headers: &[(&'static str, String)]) -> Self {
        let mut request = format!("ws://{}/graphql", installation.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Self(connect_async(request).await.unwrap().0)
    }

    pub async fn of(client: &Client<'_>) -> Self {
        let mut live = Self::open(client.installation, &[]).await;
        let authorization = format!("Bearer {}", client.token.as_ref().unwrap());
        live.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
        assert_eq!(live.next().await, Heard::Message(json!({ "type": "connection_ack" })));
        live
    }

    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    pub async fn next(&mut self) -> Heard {
        loop {
            match timeout(Duration::from_secs(10), self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return Heard::Message(serde_json::from_str(&text).unwrap()),
                Message::Close(frame) => return Heard::Closed(frame.unwrap().code.into()),
                _ => {}
            }
        }
    }

    /// The payload of the next message, which must be a `next`.
    pub async fn payload(&mut self) -> Value {
        match self.next().await {
            Heard::Message(mut message) if message["type"] == "next" => message["payload"].take(),
            other => panic!("expected data, not {other:?}"),
        }
    }

    /// Runs a query in between, so that everything sent before has been taken up.
    pub async fn settle(&mut self) {
        self.subscribe("settle", "{ __typename }").await;
        assert_eq!(self.payload().await["data"]["__typename"], "Query");
        assert_eq!(self.next().await, Heard::Message(json!({ "id": "settle", "type": "complete" })));
    }
}
