//! Fetching from addresses that people name, guarded against being led elsewhere (OWASP Server-Side Request Forgery
//! Prevention).
//!
//! The client's own resolver is the guard: it is asked once for each connection, refuses a host unless every address of
//! it may be connected to, and what it returns is all that the connection knows. So there is no second look-up which
//! could tell something else. Addresses that stand in the URL itself are asked of no resolver and are checked before.

use std::{
    error::Error,
    iter,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use reqwest::{
    Client, ClientBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use url::{Host, Url};

use crate::{
    addresses::is_public,
    dns::{LookupError, Resolver},
};

#[cfg(test)]
mod tests;

/// Most addresses of a host that are tried: whoever names a thousand does not make us knock at a thousand doors.
const MOST_ADDRESSES: usize = 8;
/// How long connecting may take. The addresses of a host share it, so that a dead one leaves time for the next.
const CONNECTING: Duration = Duration::from_secs(4);

/// Which addresses may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, on the ports 80 and 443.
    Public,
    /// Any address on any port, with the plain and the secure port that stand for 80 and 443: for tests and one's own
    /// machine only.
    Anywhere {
        /// Instead of 80.
        http: u16,
        /// Instead of 443.
        https: u16,
    },
}

/// How much a fetch may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of the body.
    pub max_bytes: usize,
    /// The longest that it may take in all, looking up and redirects included.
    pub timeout: Duration,
    /// How often it may be sent on.
    pub redirects: u8,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Status of HTTP.
    pub status: u16,
    /// The body, whole.
    pub body: Bytes,
    /// Its declared type.
    pub content_type: Option<String>,
    /// Where it came from, after redirects.
    pub url: Url,
}

/// Why nothing was fetched. The texts can be shown to whoever named the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is not one that can be fetched: no http or https, with a password or another port.
    #[error("the address cannot be fetched")]
    Url,
    /// The host has no address, or nobody could tell it.
    #[error("the host has no address")]
    Unresolvable,
    /// The host has an address that is not on the public internet.
    #[error("the host is not on the public internet")]
    ForbiddenAddress,
    /// It did not answer in time.
    #[error("it took too long")]
    Timeout,
    /// It could not be connected to, or hung up.
    #[error("it cannot be reached")]
    Unreachable,
    /// Its certificate is not valid for the host, or it does not speak TLS.
    #[error("no secure connection to it can be made")]
    Tls,
    /// It answers with something else than HTTP, or with headers beyond all measure.
    #[error("it does not answer as websites do")]
    Protocol,
    /// The body is larger than wanted.
    #[error("it is too large")]
    TooLarge,
    /// It sends on to another host, from https to http, or too often.
    #[error("it sends on to somewhere else")]
    Redirected,
}

/// Fetches. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    guard: Guard,
    /// Made when it is first needed: reading the system's root certificates takes a while.
    client: Arc<OnceCell<Client>>,
    turns: Arc<Semaphore>,
}

/// Fetches that go on at once in one process; others wait their turn, within their own time.
const FETCHES_AT_ONCE: usize = 32;

impl HttpClient {
    /// Resolves names with `resolver`.
    pub fn new(resolver: Resolver, reach: Reach) -> Self {
        Self {
            guard: Guard { resolver, network: reach.into() },
            client: Arc::default(),
            turns: Arc::new(Semaphore::new(FETCHES_AT_ONCE)),
        }
    }

    /// Fetches with GET. Any status but a redirect counts as an answer.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &Url, limits: Limits) -> Result<Fetched, FetchError> {
        let fetch = async {
            let _turn = self.turns.acquire().await;
            self.follow(url.clone(), limits).await
        };
        timeout(limits.timeout, fetch).await.unwrap_or(Err(FetchError::Timeout))
    }

    /// Makes a request and takes the answer as it comes: it is sent on nowhere, since what the request carries may be
    /// secret. How many go on at once is for the caller to bound.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn exchange(
        &self,
        request: http::Request<Vec<u8>>,
        max_bytes: usize,
        patience: Duration,
    ) -> Result<http::Response<Vec<u8>>, FetchError> {
        let exchange = async {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).map_err(|_| FetchError::Url)?;
            let target = self.guard.network.target(&url)?;
            let client = self.client.get_or_try_init(|| ready(self.guard.clone())).await?;
            let sent = client.request(parts.method, target).headers(parts.headers).body(body).send().await;
            let response = sent.map_err(|error| reason(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = whole(response, url, max_bytes).await?.body;
            let mut answer = http::Response::new(body.to_vec());
            (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
            Ok(answer)
        };
        timeout(patience, exchange).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn follow(&self, mut url: Url, limits: Limits) -> Result<Fetched, FetchError> {
        for _ in 0..=limits.redirects {
            let response = self.request(&url).await?;
            if !response.status().is_redirection() {
                return whole(response, url, limits.max_bytes).await;
            }
            let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            let next = location.and_then(|to| url.join(to).ok()).ok_or(FetchError::Redirected)?;
            let downgraded = url.scheme() == "https" && next.scheme() != "https";
            if next.host() != url.host() || downgraded {
                return Err(FetchError::Redirected);
            }
            url = next;
        }
        Err(FetchError::Redirected)
    }

    async fn request(&self, url: &Url) -> Result<Response, FetchError> {
        let target = self.guard.network.target(url)?;
        let client = self.client.get_or_try_init(|| ready(self.guard.clone())).await?;
        client.get(target).send().await.map_err(|error| reason(&error))
    }
}

async fn ready(guard: Guard) -> Result<Client, FetchError> {
    let built = spawn_blocking(|| guarded(guard).build()).await;
    // Without root certificates nobody can be trusted.
    built.ok().and_then(Result::ok).ok_or(FetchError::Tls)
}

/// A client that follows nothing, keeps nothing and knows no way past the guard.
fn guarded(guard: Guard) -> ClientBuilder {
    Client::builder()
        .dns_resolver(Arc::new(guard))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .http1_only()
        // Each request makes a connection of its own, and so passes the guard.
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECTING)
        .user_agent(concat!("work-accounts/", env!("CARGO_PKG_VERSION")))
}

/// What may be connected to.
#[derive(Debug, Clone, Copy)]
struct Network {
    permits: fn(IpAddr) -> bool,
    http: u16,
    https: u16,
    any_port: bool,
}

impl From<Reach> for Network {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Public => Self { permits: is_public, http: 80, https: 443, any_port: false },
            Reach::Anywhere { http, https } => Self { permits: |_| true, http, https, any_port: true },
        }
    }
}

impl Network {
    /// The URL with the port that is really meant, if it may be fetched as far as can be told without looking up its
    /// host.
    fn target(&self, url: &Url) -> Result<Url, FetchError> {
        let usual = match url.scheme() {
            "https" => self.https,
            "http" => self.http,
            _ => return Err(FetchError::Url),
        };
        // The parser leaves out the port that is the scheme's own.
        let elsewhere = url.port().is_some() && !self.any_port;
        if !url.username().is_empty() || url.password().is_some() || elsewhere {
            return Err(FetchError::Url);
        }
        let literal = match url.host() {
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            None => return Err(FetchError::Url),
        };
        if literal.is_some_and(|address| !(self.permits)(address)) {
            return Err(FetchError::ForbiddenAddress);
        }
        let mut target = url.clone();
        target.set_port(url.port().or(Some(usual))).map_err(|()| FetchError::Url)?;
        Ok(target)
    }
}

/// Looks up hosts for the client, and stands in its way if one is not to be connected to.
#[derive(Debug, Clone)]
struct Guard {
    resolver: Resolver,
    network: Network,
}

impl Guard {
    /// The addresses of the host, if all of them may be connected to: one that may not shows that somebody plays games.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, FetchError> {
        let mut addresses = self.resolver.addresses(host).await.map_err(|error| match error {
            LookupError::Timeout => FetchError::Timeout,
            LookupError::Refused | LookupError::Unreachable | LookupError::Name => FetchError::Unresolvable,
        })?;
        if addresses.is_empty() {
            return Err(FetchError::Unresolvable);
        }
        if !addresses.iter().copied().all(self.network.permits) {
            return Err(FetchError::ForbiddenAddress);
        }
        addresses.truncate(MOST_ADDRESSES);
        Ok(addresses)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            // Port 0 leaves the port to the URL.
            let sockets: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(sockets)
        })
    }
}

/// Takes the body until it is complete or too large, whatever length it claims to have.
async fn whole(response: Response, url: Url, max_bytes: usize) -> Result<Fetched, FetchError> {
    let status = response.status().as_u16();
    let content_type =
        response.headers().get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok()).map(str::to_owned);
    let mut body = BytesMut::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| reason(&error))?;
        if body.len() + part.len() > max_bytes {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    Ok(Fetched { status, body: body.freeze(), content_type, url })
}

/// What of the error can be told: the first of its causes that says more than that it failed.
fn reason(error: &reqwest::Error) -> FetchError {
    let told = |cause: &(dyn Error + 'static)| {
        if let Some(refused) = cause.downcast_ref::<FetchError>() {
            Some(*refused)
        } else if cause.is::<rustls::Error>() {
            Some(FetchError::Tls)
        } else if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            Some(FetchError::Protocol)
        } else {
            None
        }
    };
    let other = if error.is_timeout() { FetchError::Timeout } else { FetchError::Unreachable };
    causes(error).find_map(told).unwrap_or(other)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<std::io::Error>() {
        // The source of an input or output error is that of what it holds, not what it holds.
        Some(holder) => holder.get_ref().map(|held| -> &(dyn Error + 'static) { held }),
        None => error.source(),
    })
}
