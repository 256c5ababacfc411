//! A load generator: connections that are kept alive, each sending its next request when it has its answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinSet};

/// One kept-alive connection to an HTTP server.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    path: String,
    /// What tells who asks.
    credentials: Option<(header::HeaderName, String)>,
}

impl Connection {
    /// Connects. Every request goes to `path`, with `token` if there is one.
    pub async fn open(address: SocketAddr, path: &str, token: Option<&str>) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self {
            sender,
            host: address.to_string(),
            path: path.to_owned(),
            credentials: token.map(|token| (header::AUTHORIZATION, format!("Bearer {token}"))),
        }
    }

    /// The same as a browser, with a cookie.
    pub async fn with_cookie(address: SocketAddr, path: &str, cookie: &str) -> Self {
        Self { credentials: Some((header::COOKIE, cookie.to_owned())), ..Self::open(address, path, None).await }
    }

    /// From now on requests come with this token.
    pub fn sign_in_as(&mut self, token: &str) {
        self.credentials = Some((header::AUTHORIZATION, format!("Bearer {token}")));
    }

    /// Posts JSON and returns the body of the answer.
    pub async fn post(&mut self, body: Bytes) -> Bytes {
        self.post_to("", body).await
    }

    /// The same, to a path below that of the connection.
    pub async fn post_to(&mut self, below: &str, body: Bytes) -> Bytes {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{below}", self.path))
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some((name, value)) = &self.credentials {
            // Browsers have to say that a page of ours asks.
            request = request.header(name, value).header("x-requested-with", "bench");
        }
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
        let status = response.status();
        let answer = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
        answer
    }
}

/// A GraphQL request as it goes over the wire.
pub fn graphql(query: &str, variables: &Value) -> Bytes {
    json!({ "query": query, "variables": variables }).to_string().into()
}

/// What a load has measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Requests answered.
    pub count: u64,
    /// From the first request to the last answer.
    pub time: Duration,
    /// Microseconds from request to answer.
    pub micros: Histogram<u64>,
}

impl Measured {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64()
    }
    /// Milliseconds within which so large a share of the requests was answered.
    pub fn millis(&self, quantile: f64) -> f64 {
        self.micros.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// An empty histogram of microseconds, precise to a thousandth.
pub fn histogram() -> Histogram<u64> {
    Histogram::new(3).unwrap()
}

/// When a load ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After so long.
    Elapsed(Duration),
    /// After so many requests.
    Sent(u64),
}

/// Sends the requests that `request` makes, numbered from 0, over all `connections` at once. Every answer must satisfy
/// `check`.
pub async fn drive(
    connections: Vec<Connection>,
    until: Until,
    request: impl Fn(u64) -> Bytes + Send + Sync + 'static,
    check: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
) -> Measured {
    let (next, request, check) = (Arc::new(AtomicU64::new(0)), Arc::new(request), Arc::new(check));
    let started = Instant::now();
    let mut running = JoinSet::new();
    for mut connection in connections {
        let (next, request, check) = (next.clone(), request.clone(), check.clone());
        running.spawn(async move {
            let mut micros = histogram();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                match until {
                    Until::Elapsed(time) if started.elapsed() >= time => return micros,
                    Until::Sent(count) if number >= count => return micros,
                    _ => {}
                }
                let body = request(number);
                let sent = Instant::now();
                let answer = connection.post(body).await;
                micros.record(sent.elapsed().as_micros() as u64).unwrap();
                assert!(check(&answer), "{}", String::from_utf8_lossy(&answer));
            }
        });
    }
    let mut micros = histogram();
    while let Some(part) = running.join_next().await {
        micros.add(part.unwrap()).unwrap();
    }
    Measured { count: micros.len(), time: started.elapsed(), micros }
}

/// So many connections at once.
pub async fn connect(address: SocketAddr, path: &str, token: Option<&str>, count: usize) -> Vec<Connection> {
    futures::future::join_all((0..count).map(|_| Connection::open(address, path, token))).await
}

/// Whether `part` stands somewhere in `whole`.
pub fn contains(whole: &[u8], part: &str) -> bool {
    whole.windows(part.len()).any(|window| window == part.as_bytes())
}
