//! The protocol over real sockets: every close code, bounds, and that nothing is lost.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{sync::Arc, time::Duration};

use async_graphql::{Data, EmptyMutation, Object, Schema, Subscription, futures_util::Stream};
use axum::{
    Router,
    extract::{State, WebSocketUpgrade},
    response::Response,
    routing::get,
};
use futures::{SinkExt, StreamExt, stream};
use graphql_ws_server::{Close, Connection, Ended, SUBPROTOCOL, Settings, bearer_token, serve};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

struct Query;

#[Object]
impl Query {
    async fn answer(&self) -> i32 {
        42
    }
    async fn fails(&self) -> async_graphql::Result<i32> {
        Err("no".into())
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> + use<> {
        stream::iter(1..=to)
    }
    async fn silence(&self) -> impl Stream<Item = i32> + use<> {
        stream::pending()
    }
    /// One frame, then the connection closes: the frame must arrive.
    async fn farewell(&self, context: &async_graphql::Context<'_>) -> impl Stream<Item = String> + use<> {
        let connection = context.data_unchecked::<Connection>().clone();
        stream::once(async move {
            connection.close(Close::FORBIDDEN);
            "revoked".to_owned()
        })
    }
    /// A megabyte at a time, without end; the connection closes with the second.
    async fn flood(&self, context: &async_graphql::Context<'_>) -> impl Stream<Item = String> + use<> {
        let connection = context.data_unchecked::<Connection>().clone();
        stream::iter(0..).map(move |number| {
            if number == 1 {
                connection.close(Close::FORBIDDEN);
            }
            "x".repeat(1 << 20)
        })
    }
}

type App = Schema<Query, EmptyMutation, Events>;

#[derive(Clone)]
struct Server {
    schema: App,
    settings: Arc<Settings>,
    stop: CancellationToken,
    ended: mpsc::UnboundedSender<Ended>,
}

async fn handler(State(server): State<Server>, upgrade: WebSocketUpgrade) -> Response {
    server.settings.clone().apply(upgrade).on_upgrade(move |socket| async move {
        let connect = |payload: Value, connection: Connection| async move {
            match bearer_token(&payload) {
                Some("good") => {}
                Some("short") => connection.close_after(Duration::from_millis(50), Close::UNAUTHORIZED),
                Some("revoked") => return Err(Close::FORBIDDEN),
                Some("undecided") => std::future::pending().await,
                _ => return Err(Close::UNAUTHORIZED),
            }
            Ok(Data::default())
        };
        let ended = serve(socket, server.schema, &server.settings, server.stop, connect).await;
        server.ended.send(ended).unwrap();
    })
}

struct Running {
    address: String,
    stop: CancellationToken,
    ended: mpsc::UnboundedReceiver<Ended>,
}

async fn start(settings: Settings) -> Running {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let (sender, ended) = mpsc::unbounded_channel();
    let schema = Schema::new(Query, EmptyMutation, Events);
    let server = Server { schema, settings: settings.into(), stop: stop.clone(), ended: sender };
    let app = Router::new().route("/", get(handler)).with_state(server);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Running { address, stop, ended }
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(server: &Running, subprotocol: Option<&'static str>) -> Self {
        let mut request = server.address.as_str().into_client_request().unwrap();
        if let Some(name) = subprotocol {
            request.headers_mut().insert("sec-websocket-protocol", name.parse().unwrap());
        }
        Self(connect_async(request).await.unwrap().0)
    }
    async fn ready(server: &Running, token: &str) -> Self {
        let mut client = Self::open(server, Some(SUBPROTOCOL)).await;
        client.send(init(token)).await;
        assert_eq!(client.next().await, json!({ "type": "connection_ack" }));
        client
    }
    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }
    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }
    async fn next(&mut self) -> Value {
        loop {
            match timeout(Duration::from_secs(5), self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("expected text, not {other:?}"),
            }
        }
    }
    /// The code of the close frame, skipping what comes before.
    async fn close_code(&mut self) -> u16 {
        loop {
            let message = timeout(Duration::from_secs(5), self.0.next()).await.unwrap().unwrap().unwrap();
            if let Message::Close(frame) = message {
                return frame.unwrap().code.into();
            }
        }
    }
}

fn init(token: &str) -> Value {
    json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } })
}

#[tokio::test]
async fn queries_and_subscriptions_run_side_by_side() {
    let mut server = start(Settings::default()).await;
    let mut client = Client::ready(&server, "good").await;
    client.subscribe("silent", "subscription { silence }").await;
    client.subscribe("a", "{ answer }").await;
    assert_eq!(client.next().await, json!({ "id": "a", "type": "next", "payload": { "data": { "answer": 42 } } }));
    assert_eq!(client.next().await, json!({ "id": "a", "type": "complete" }));
    // The id is free again.
    client.subscribe("a", "subscription { count(to: 3) }").await;
    for n in 1..=3 {
        assert_eq!(client.next().await["payload"]["data"]["count"], n);
    }
    assert_eq!(client.next().await["type"], "complete");
    client.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(client.next().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    // After `complete` of the client its id is free, and nothing more is said about it.
    client.send(json!({ "id": "silent", "type": "complete" })).await;
    client.subscribe("silent", "{ answer }").await;
    assert_eq!(
        (client.next().await["type"].take(), client.next().await["type"].take()),
        ("next".into(), "complete".into())
    );
    // The close frame of the client is answered, as RFC 6455 5.5.1 asks: a browser would call the end unclean otherwise.
    client.0.close(None).await.unwrap();
    assert!(matches!(client.0.next().await, Some(Ok(Message::Close(_)))));
    assert!(client.0.next().await.is_none());
    assert_eq!(server.ended.recv().await, Some(Ended::ByPeer));
}

#[tokio::test]
async fn a_request_that_cannot_begin_gets_an_error_and_a_failing_field_a_result() {
    let server = start(Settings::default()).await;
    let mut client = Client::ready(&server, "good").await;
    for query in ["{ unknown }", "{", "subscription { unknown }"] {
        client.subscribe("x", query).await;
        let message = client.next().await;
        assert_eq!((&message["type"], message["payload"].is_array()), (&json!("error"), true), "{query}: {message}");
    }
    client.subscribe("x", "{ fails }").await;
    let message = client.next().await;
    assert_eq!((&message["type"], &message["payload"]["errors"][0]["path"]), (&json!("next"), &json!(["fails"])));
    assert_eq!(client.next().await["type"], "complete");
}

#[tokio::test]
async fn each_violation_has_its_close_code() {
    let settings = Settings { init_timeout: Duration::from_millis(100), ..Settings::default() };
    let mut server = start(settings).await;
    let garbage = [json!("x"), json!({}), json!({ "type": "start" }), json!({ "type": "subscribe", "id": "" })];
    for message in garbage {
        let mut client = Client::ready(&server, "good").await;
        client.send(message.clone()).await;
        assert_eq!(client.close_code().await, 4400, "{message}");
    }
    let mut client = Client::ready(&server, "good").await;
    client.0.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.close_code().await, 4400);

    let mut client = Client::ready(&server, "good").await;
    client.send(init("good")).await;
    assert_eq!(client.close_code().await, 4429);

    let mut client = Client::ready(&server, "good").await;
    client.subscribe("same", "subscription { silence }").await;
    client.subscribe("same", "subscription { silence }").await;
    assert_eq!(client.close_code().await, 4409);

    let mut client = Client::ready(&server, "good").await;
    client.send(json!({ "type": "ping", "payload": "x".repeat(70_000) })).await;
    assert_eq!(client.close_code().await, 1009);

    for (first, code) in [
        (json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ answer }" } }), 4401),
        (json!({ "type": "connection_init" }), 4401),
        (init("bad"), 4401),
        (init("revoked"), 4403),
        (json!({ "type": "pong" }), 4408),
    ] {
        let mut client = Client::open(&server, Some(SUBPROTOCOL)).await;
        client.send(first.clone()).await;
        assert_eq!(client.close_code().await, code, "{first}");
    }
    assert_eq!(Client::open(&server, None).await.close_code().await, 4406);
    for _ in 0..14 {
        assert!(matches!(server.ended.recv().await, Some(Ended::ByServer(_))));
    }
}

#[tokio::test]
async fn the_application_ends_a_connection_and_its_last_frame_arrives() {
    let mut server = start(Settings::default()).await;
    let mut client = Client::ready(&server, "good").await;
    client.subscribe("1", "subscription { farewell }").await;
    assert_eq!(client.next().await["payload"]["data"]["farewell"], "revoked");
    assert_eq!(client.close_code().await, 4403);
    assert_eq!(server.ended.recv().await, Some(Ended::ByServer(Close::FORBIDDEN)));
    assert_eq!(Client::ready(&server, "short").await.close_code().await, 4401);
    let mut client = Client::ready(&server, "good").await;
    let mut waiting = Client::open(&server, Some(SUBPROTOCOL)).await;
    waiting.send(init("undecided")).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.stop.cancel();
    assert_eq!((client.close_code().await, waiting.close_code().await), (1001, 1001));
}

#[tokio::test]
async fn a_slow_reader_does_not_put_off_the_end() {
    let mut server = start(Settings::default()).await;
    let mut client = Client::ready(&server, "good").await;
    client.subscribe("1", "subscription { flood }").await;
    let reading = async {
        while let Some(Ok(_)) = client.0.next().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let ended = tokio::select! {
        ended = timeout(Duration::from_secs(5), server.ended.recv()) => ended.unwrap(),
        () = reading => server.ended.recv().await,
    };
    assert_eq!(ended, Some(Ended::ByServer(Close::FORBIDDEN)));
}

#[tokio::test]
async fn one_operation_too_many_is_refused_and_the_others_go_on() {
    let server = start(Settings { max_operations: 2, ..Settings::default() }).await;
    let mut client = Client::ready(&server, "good").await;
    for id in ["1", "2", "3"] {
        client.subscribe(id, "subscription { silence }").await;
    }
    let message = client.next().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("3")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "TOO_MANY_OPERATIONS");
    client.send(json!({ "id": "1", "type": "complete" })).await;
    client.subscribe("3", "{ answer }").await;
    assert_eq!(client.next().await["payload"]["data"]["answer"], 42);
}

#[tokio::test]
async fn a_silent_peer_is_dropped_and_a_living_one_is_not() {
    let settings = Settings {
        ping_interval: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    let mut server = start(settings).await;
    let silent = Client::ready(&server, "good").await;
    let mut living = Client::ready(&server, "good").await;
    // Reading answers the pings; the other client does not read, so it never answers.
    let ended = tokio::select! {
        ended = server.ended.recv() => ended,
        () = living.0.by_ref().for_each(|_| async {}) => panic!("the living one was dropped"),
    };
    assert_eq!(ended, Some(Ended::ByServer(Close::SILENT)));
    living.subscribe("1", "{ answer }").await;
    assert_eq!(living.next().await["type"], "next");
    drop(silent);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_dropped() {
    let mut server = start(Settings { write_timeout: Duration::from_millis(200), ..Settings::default() }).await;
    let mut client = Client::ready(&server, "good").await;
    client.subscribe("1", "subscription { count(to: 1000000000) }").await;
    assert_eq!(timeout(Duration::from_secs(20), server.ended.recv()).await.unwrap(), Some(Ended::ByPeer));
}

/// The answers to pings must not pile up in memory: nothing more is read until they are sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_pings_and_does_not_read_is_dropped() {
    let mut server = start(Settings { write_timeout: Duration::from_millis(200), ..Settings::default() }).await;
    let mut client = Client::ready(&server, "good").await;
    let flood = tokio::spawn(async move { while client.0.feed(Message::Ping(vec![0; 125].into())).await.is_ok() {} });
    assert_eq!(timeout(Duration::from_secs(10), server.ended.recv()).await.unwrap(), Some(Ended::ByPeer));
    flood.await.unwrap();
}
