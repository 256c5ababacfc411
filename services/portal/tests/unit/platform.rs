//! The gateway's token endpoints and the dispatcher's WebSocket, scripted by the tests.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{any, post},
};
use futures::{StreamExt, future::Either};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::Jwk};
use portal::{PortalConfig, ScreenEvent, Storage};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    time::Instant,
};

use crate::dispatcher::{DeviceFrame, DispatcherSchema, OnConnection, Outcome, Status, schema};

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the platform has seen.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Registered { serial: String },
    Polled { at: Instant },
    Asserted,
    Subscribed { device: String, after: Option<u64> },
    Status { device: String, status: Status },
    Acknowledged { command: String, attempt: u32 },
    Result { command: String, outcome: Outcome, detail: Option<String> },
    Renewed { connection: u32, token: String },
    Pong,
    Said { goodbye: u16 },
}

/// What the platform does to the newest connection.
pub(crate) enum Deed {
    Send(DeviceFrame),
    Ping,
    Close(u16),
    /// The connection breaks without a word.
    Cut,
    /// The connection stays open, but nothing is sent or read any more.
    Freeze,
}

/// How the platform behaves.
#[derive(Default)]
pub(crate) struct Script {
    /// Errors that polling gives before it succeeds.
    pub(crate) poll_errors: VecDeque<&'static str>,
    pub(crate) deny_registration: bool,
    pub(crate) revoked: bool,
    /// Life of tokens in seconds; 600 if 0.
    pub(crate) token_life: u32,
    pub(crate) swallow_acknowledgements: bool,
    pub(crate) refuse_acknowledgements: bool,
    /// Public keys of the registered units, and the ways to their newest connections.
    units: Vec<(String, Option<UnboundedSender<Deed>>)>,
    tokens: HashMap<String, usize>,
    connections: u32,
}

pub(crate) struct Platform {
    pub(crate) origin: String,
    script: Mutex<Script>,
    schema: DispatcherSchema,
    seen: UnboundedSender<Seen>,
}

/// The platform as a test holds it.
pub(crate) struct Stage {
    pub(crate) platform: Arc<Platform>,
    seen: UnboundedReceiver<Seen>,
}

impl Platform {
    pub(crate) fn see(&self, seen: Seen) {
        self.seen.send(seen).ok();
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// Acts on the newest connection of the first unit.
    pub(crate) fn act(&self, deed: Deed) {
        self.act_on(0, deed);
    }

    pub(crate) fn act_on(&self, unit: usize, deed: Deed) {
        assert!(self.script().units[unit].1.as_ref().unwrap().send(deed).is_ok(), "there is no connection");
    }

    fn grant(&self, unit: usize) -> Response {
        let mut script = self.script();
        let token = format!("token-{}", script.tokens.len());
        script.tokens.insert(token.clone(), unit);
        let life = if script.token_life == 0 { 600 } else { script.token_life };
        let url = format!("{}/graphql", self.origin.replace("http", "ws"));
        Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": life, "device_id": device(unit),
            "epoch": 1, "dispatcher_url": url }))
        .into_response()
    }
}

fn device(unit: usize) -> String {
    format!("dev_{}", unit + 1)
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::unbounded_channel();
        let platform = Arc::new(Platform { origin, script: Mutex::default(), schema: schema(), seen: sender });
        let router = Router::new()
            .route("/oauth/device_authorization", post(authorize))
            .route("/oauth/token", post(token))
            .route("/graphql", any(upgrade))
            .with_state(Arc::clone(&platform));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { platform, seen }
    }

    /// A unit of this platform with short waiting times.
    pub(crate) fn config(&self, storage: Storage) -> PortalConfig {
        let mut config = PortalConfig::new(self.platform.origin.parse().unwrap(), storage);
        config.pacing.boot_time = Duration::from_millis(20);
        config.pacing.retry_floor = Duration::from_millis(20);
        config.pacing.retry_ceiling = Duration::from_millis(50);
        config.pacing.polling_second = Duration::from_millis(10);
        config
    }

    /// Waits for something that `pick` picks; what comes before it is passed over.
    pub(crate) async fn until<T>(&mut self, pick: impl Fn(Seen) -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(picked) = pick(self.seen.recv().await.unwrap()) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the platform does not see what it should")
    }

    pub(crate) async fn subscribed(&mut self) -> Option<u64> {
        self.until(|seen| match seen {
            Seen::Subscribed { after, .. } => Some(after),
            _ => None,
        })
        .await
    }

    pub(crate) async fn status(&mut self) -> Status {
        self.until(|seen| match seen {
            Seen::Status { status, .. } => Some(status),
            _ => None,
        })
        .await
    }

    /// The acknowledged command and attempt.
    pub(crate) async fn acknowledged(&mut self) -> (String, u32) {
        self.until(|seen| match seen {
            Seen::Acknowledged { command, attempt, .. } => Some((command, attempt)),
            _ => None,
        })
        .await
    }
}

/// A screen that remembers.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<ScreenEvent>>>);

impl portal::Screen for Memory {
    fn show(&self, event: ScreenEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Memory {
    pub(crate) fn events(&self) -> Vec<ScreenEvent> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, event: &ScreenEvent) -> usize {
        self.events().iter().filter(|shown| *shown == event).count()
    }
}

type Fields = HashMap<String, String>;

fn refusal(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": format!("because {error}") })))
        .into_response()
}

async fn authorize(State(platform): State<Arc<Platform>>, Form(fields): Form<Fields>) -> Response {
    assert_eq!(fields["client_id"], "portal");
    assert!(!fields["model"].is_empty() && !fields["software_version"].is_empty());
    platform.see(Seen::Registered { serial: fields["serial"].clone() });
    let mut script = platform.script();
    if script.deny_registration {
        return refusal("access_denied");
    }
    script.units.push((fields["jwk"].clone(), None));
    let unit = script.units.len() - 1;
    Json(json!({ "device_code": unit.to_string(), "user_code": format!("CODE-{unit:04}"),
        "verification_uri": "https://work.test/device", "expires_in": 600, "interval": 1 }))
    .into_response()
}

async fn token(State(platform): State<Arc<Platform>>, Form(fields): Form<Fields>) -> Response {
    if fields["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code" {
        platform.see(Seen::Polled { at: Instant::now() });
        let error = platform.script().poll_errors.pop_front();
        return match error {
            Some(error) => refusal(error),
            None => platform.grant(fields["device_code"].parse().unwrap()),
        };
    }
    assert_eq!(fields["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    platform.see(Seen::Asserted);
    let signer = {
        let script = platform.script();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[format!("{}/oauth/token", platform.origin)]);
        validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
        script.units.iter().position(|(jwk, _)| {
            let jwk: Jwk = serde_json::from_str(jwk).unwrap();
            decode::<Value>(&fields["assertion"], &DecodingKey::from_jwk(&jwk).unwrap(), &validation).is_ok()
        })
    };
    match signer {
        _ if platform.script().revoked => refusal("invalid_client"),
        Some(unit) => platform.grant(unit),
        None => refusal("invalid_grant"),
    }
}

async fn upgrade(State(platform): State<Arc<Platform>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["graphql-transport-ws"]).on_upgrade(|socket| serve(platform, socket))
}

async fn close(socket: &mut WebSocket, code: u16) {
    socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await.ok();
}

async fn serve(platform: Arc<Platform>, mut socket: WebSocket) {
    let Some(Ok(Message::Text(first))) = socket.recv().await else { return };
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["type"], "connection_init");
    let token = first["payload"]["authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let unit = platform.script().tokens.get(&token).copied();
    let Some(unit) = unit else { return close(&mut socket, 4401).await };
    let (deeds, told) = mpsc::unbounded_channel();
    let connection = {
        let mut script = platform.script();
        script.units[unit].1 = Some(deeds);
        script.connections += 1;
        script.connections
    };
    send(&mut socket, json!({ "type": "connection_ack" })).await;
    let (frames, of_stream) = mpsc::unbounded_channel();
    let on = OnConnection { platform, device: device(unit), connection, frames: Arc::new(Mutex::new(Some(of_stream))) };
    converse(on, socket, told, frames).await;
}

async fn converse(
    on: OnConnection,
    mut socket: WebSocket,
    mut told: UnboundedReceiver<Deed>,
    frames: UnboundedSender<DeviceFrame>,
) {
    let (answers, mut answered) = mpsc::unbounded_channel::<Value>();
    loop {
        tokio::select! {
            biased;
            Some(answer) = answered.recv() => send(&mut socket, answer).await,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => receive(&on, serde_json::from_str(&text).unwrap(), &answers),
                Some(Ok(Message::Close(frame))) => {
                    on.platform.see(Seen::Said { goodbye: frame.map_or(0, |frame| frame.code) });
                    return;
                }
                Some(Ok(_)) => {}
                _ => return,
            },
            deed = told.recv() => match deed {
                Some(Deed::Send(frame)) => frames.send(frame).unwrap(),
                Some(Deed::Ping) => send(&mut socket, json!({ "type": "ping" })).await,
                Some(Deed::Close(code)) => return close(&mut socket, code).await,
                Some(Deed::Freeze) => std::future::pending().await,
                Some(Deed::Cut) | None => return,
            },
        }
    }
}

async fn send(socket: &mut WebSocket, message: Value) {
    socket.send(Message::Text(message.to_string().into())).await.ok();
}

fn receive(on: &OnConnection, message: Value, answers: &UnboundedSender<Value>) {
    if message["type"] == "pong" {
        return on.platform.see(Seen::Pong);
    }
    assert_eq!(message["type"], "subscribe");
    let id = message["id"].clone();
    let request = on.request(message["payload"].clone());
    let (schema, answers) = (on.platform.schema.clone(), answers.clone());
    tokio::spawn(async move {
        let complete = futures::stream::once(async { Either::Right(()) });
        let mut results = schema.execute_stream(request).map(Either::Left).chain(complete).boxed();
        while let Some(result) = results.next().await {
            let answer = match result {
                Either::Left(result) => {
                    assert!(result.is_ok(), "the unit's document is wrong: {:?}", result.errors);
                    json!({ "type": "next", "id": id, "payload": result })
                }
                Either::Right(()) => json!({ "type": "complete", "id": id }),
            };
            if answers.send(answer).is_err() {
                return;
            }
        }
    });
}
