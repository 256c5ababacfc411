//! A name server and websites on loopback, and an internet of one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{RData, Record, RecordType},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::Certificate;
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::super::{FetchError, Fetched, Guard, HttpClient, Limits, Network, guarded};
use crate::dns::Resolver;

/// The only address of the internet of these tests.
pub(super) const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Where the platform itself would stand.
pub(super) const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Enough for what is fetched in these tests, and short enough to wait for.
pub(super) const LIMITS: Limits = Limits { max_bytes: 1_024, timeout: Duration::from_millis(1_500), redirects: 3 };

/// What a TLS connection begins with.
const TLS_HANDSHAKE: u8 = 22;

/// What a name server tells: for each name the addresses for the first time that it is asked, the second and so on.
type Zone = HashMap<&'static str, Vec<Vec<IpAddr>>>;

/// A name server. It tells each kind of address on its own, as all do.
pub(super) struct NameServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    pub(super) async fn start(zone: Zone) -> Self {
        let socket = UdpSocket::bind((INSIDE, 0)).await.unwrap();
        let server = Self { address: socket.local_addr().unwrap(), asked: Arc::default() };
        tokio::spawn(answer(socket, zone, server.asked.clone()));
        server
    }

    /// With names that never change.
    pub(super) async fn with(names: &[(&'static str, &[IpAddr])]) -> Self {
        Self::start(names.iter().map(|(name, addresses)| (*name, vec![addresses.to_vec()])).collect()).await
    }

    pub(super) fn resolver(&self) -> Resolver {
        Resolver::with_servers(&[self.address]).unwrap()
    }

    /// How often it was asked for addresses of IPv4.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(socket: UdpSocket, zone: Zone, asked: Arc<AtomicUsize>) {
    let (mut times, mut packet) = (HashMap::<(String, RecordType), usize>::new(), [0; 512]);
    loop {
        let (length, client) = socket.recv_from(&mut packet).await.unwrap();
        let request = Message::from_vec(&packet[..length]).unwrap();
        let question = request.queries[0].clone();
        let name = question.name().to_string().trim_end_matches('.').to_owned();
        asked.fetch_add(usize::from(question.query_type() == RecordType::A), Ordering::SeqCst);
        let time = times.entry((name.clone(), question.query_type())).or_default();
        let told = zone.get(name.as_str()).map(|told| told[(*time).min(told.len() - 1)].clone());
        *time += 1;
        let mut response = Message::response(request.metadata.id, OpCode::Query);
        if told.is_none() {
            response.metadata.response_code = ResponseCode::NXDomain;
        }
        for data in told.unwrap_or_default().into_iter().map(RData::from) {
            if data.record_type() == question.query_type() {
                response.add_answer(Record::from_rdata(question.name().clone(), 300, data));
            }
        }
        response.add_query(question);
        socket.send_to(&response.to_vec().unwrap(), client).await.unwrap();
    }
}

/// What a website does when it has read a request.
#[derive(Clone)]
pub(super) enum Answer {
    /// Sends this and closes.
    Text(String),
    /// Sends this and then nothing, without closing.
    Hang(&'static str),
    /// Sends the first, then the second for ever.
    Endless(&'static str, String),
    /// Sends the first, then now and then a byte.
    Drip(&'static str),
}

/// An answer with status 200.
pub(super) fn page(body: &str) -> Answer {
    Answer::Text(format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

pub(super) fn redirect_to(location: &str) -> Answer {
    Answer::Text(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
}

/// A website on loopback.
pub(super) struct Website {
    pub(super) address: SocketAddr,
    pub(super) certificate: Option<Certificate>,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Website {
    /// At any port; `answer` gets the path.
    pub(super) async fn start(address: IpAddr, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(SocketAddr::new(address, 0), None, answer).await
    }

    /// With a certificate of its own making for `name`.
    pub(super) async fn secure(
        address: IpAddr,
        name: &str,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(ring::default_provider().into());
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
        let acceptor = Some(TlsAcceptor::from(Arc::new(config)));
        let mut website = Self::serve(SocketAddr::new(address, 0), acceptor, answer).await;
        website.certificate = Some(Certificate::from_der(cert.der()).unwrap());
        website
    }

    pub(super) async fn serve(
        address: SocketAddr,
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let website = Self { address, certificate: None, connections: Arc::default(), requests: Arc::default() };
        let (connections, requests, answer) = (website.connections.clone(), website.requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, requests, answer) = (acceptor.clone(), requests.clone(), answer.clone());
                // Whoever is served may hang up at any moment.
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => converse(acceptor.accept(stream).await?, &requests, &*answer).await,
                        None => converse(stream, &requests, &*answer).await,
                    }
                });
            }
        });
        website
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests so far, with their headers.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: &Mutex<Vec<String>>,
    answer: &(dyn Fn(&str) -> Answer + Send + Sync),
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
        if request.starts_with(&[TLS_HANDSHAKE]) {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await?;
            return stream.shutdown().await;
        }
    }
    let request = String::from_utf8(request).unwrap();
    let answer = answer(request.split(' ').nth(1).unwrap());
    requests.lock().unwrap().push(request);
    let (first, then, pause) = match &answer {
        Answer::Text(text) => {
            stream.write_all(text.as_bytes()).await?;
            return stream.shutdown().await;
        }
        Answer::Hang(first) => (*first, "", Some(Duration::from_secs(60))),
        Answer::Endless(first, then) => (*first, then.as_str(), None),
        Answer::Drip(first) => (*first, "x", Some(Duration::from_millis(100))),
    };
    stream.write_all(first.as_bytes()).await?;
    loop {
        stream.write_all(then.as_bytes()).await?;
        stream.flush().await?;
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => tokio::task::yield_now().await,
        }
    }
}

/// A client for which [`OUTSIDE`] is the internet, and the websites stand where the ports 80 and 443 would be.
pub(super) fn client(names: &NameServer, http: Option<&Website>, https: Option<&Website>) -> HttpClient {
    let port = |website: Option<&Website>| website.map_or(1, |website| website.address.port());
    let network =
        Network { permits: |address| address == OUTSIDE, http: port(http), https: port(https), any_port: true };
    let guard = Guard { resolver: names.resolver(), network };
    let mut builder = guarded(guard.clone());
    if let Some(certificate) = https.and_then(|website| website.certificate.clone()) {
        builder = builder.add_root_certificate(certificate);
    }
    let client = Arc::new(tokio::sync::OnceCell::new_with(Some(builder.build().unwrap())));
    HttpClient { guard, client, turns: Arc::new(tokio::sync::Semaphore::new(super::super::FETCHES_AT_ONCE)) }
}

pub(super) async fn get(client: &HttpClient, url: &str) -> Result<Fetched, FetchError> {
    client.get(&Url::parse(url).unwrap(), LIMITS).await
}
