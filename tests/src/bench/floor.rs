//! The floor of everything that goes over the network: a bare axum server, a process of its own as the platform is, that
//! reads the request and answers with as many bytes, and does nothing in between.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::sync::mpsc;

use crate::process::Process;

/// The argument with which the benchmarks' own program becomes the floor.
pub const ARGUMENT: &str = "floor";

type Sockets = Arc<Mutex<HashMap<usize, mpsc::UnboundedSender<()>>>>;

/// Listens on a free port, says on which, and serves until it is killed.
pub async fn serve() {
    let router = Router::new()
        .route("/json/{bytes}", post(json))
        .route("/units/{number}", get(connect))
        .route("/units/{number}/push", post(push))
        .with_state(Sockets::default());
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

async fn json(Path(bytes): Path<usize>, request: Bytes) -> Response {
    assert!(!request.is_empty(), "a request has a body");
    answer(bytes)
}

fn answer(bytes: usize) -> Response {
    let body = format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)));
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

async fn connect(Path(number): Path<usize>, State(sockets): State<Sockets>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| hold(socket, number, sockets))
}

async fn hold(mut socket: WebSocket, number: usize, sockets: Sockets) {
    let (sender, mut pushes) = mpsc::unbounded_channel();
    sockets.lock().unwrap().insert(number, sender);
    // Tells that it can be pushed to.
    socket.send(Message::text("ready")).await.unwrap();
    while pushes.recv().await.is_some() {
        socket.send(Message::text("x".repeat(300))).await.unwrap();
    }
}

async fn push(Path(number): Path<usize>, State(sockets): State<Sockets>, request: Bytes) -> Response {
    assert!(!request.is_empty(), "a request has a body");
    sockets.lock().unwrap()[&number].send(()).unwrap();
    answer(300)
}

/// The floor, running.
pub struct Floor {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Floor {
    /// Starts it.
    pub fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg(ARGUMENT).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process: Process::new(child), address: line.trim().parse().unwrap() }
    }
}
